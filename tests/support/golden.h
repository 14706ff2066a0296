/* The golden networks of tests/golden (see tests/reference/README.md), opened for a test. */
#ifndef LSNN_TESTS_GOLDEN_H
#define LSNN_TESTS_GOLDEN_H

#include "base/tensorfile.h"

/* Opens the network of a golden file by the public functions; what is drawn nowhere. The caller frees both. Fails the test on any error. */
void golden_open(const char *name, tensor_file **file, lsnn_net **net);
/* A metadata number. */
double golden_number(const tensor_file *file, const char *key);
/* A tensor as floats, malloc'd. */
float *golden_floats(const tensor_file *file, const char *name, size_t *n);
/* As 0/1 bytes. */
uint8_t *golden_bytes(const tensor_file *file, const char *name, size_t *n);
int32_t *golden_ints(const tensor_file *file, const char *name, size_t *n);

extern const char *const golden_names[];
extern const size_t golden_count;

#endif
