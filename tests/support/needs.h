/* What most tests need. cmocka has a macro named fail, so base/error.h, whose function it hides, comes first. */
#ifndef LSNN_TESTS_NEEDS_H
#define LSNN_TESTS_NEEDS_H

#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Fails the test, with the error's message, if a call failed. */
void need(lsnn_status status);
/* Fails the test unless a call failed in this way, with a message of one line that has `words` in it (NULL: any). */
void need_error(lsnn_status got, lsnn_status want, const char *words);
/* Fails the test unless both are the same bits; tells the first place where they are not. */
void need_same_bits(const char *what, const float *got, const float *want, size_t n);

/* The vector units ("generic", "neon", "sse2", "avx2", "avx512") that this processor and this build have, the best last; returns how many. */
enum { MAX_VECTOR_UNITS = 5 };
size_t vector_units(const char *names[MAX_VECTOR_UNITS]);
/* A context on that vector unit; NULL: the best. */
lsnn_context *context_on(const char *vector_unit, int n_threads);

/* Made-up input, the same for the same seed: bytes that are 1 with probability p; numbers in low..high. malloc'd. */
uint8_t *random_spikes(size_t n, double p, uint64_t seed);
float *random_floats(size_t n, double low, double high, uint64_t seed);
/* An array of a network or a gradient, malloc'd. */
float *net_floats(const lsnn_net *net, const char *name, size_t *n);
float *gradient_floats(const lsnn_gradient *gradient, const lsnn_net *net, const char *name, size_t *n);

/* A new folder for temporary files, and its removal with all that is in it. */
enum { FOLDER_SIZE = 512 };
void folder_make(char path[FOLDER_SIZE]);
void folder_remove(const char *path);

#endif
