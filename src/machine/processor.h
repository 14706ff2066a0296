/* The processor's name, for records of what was measured on it. */
#ifndef LSNN_MACHINE_PROCESSOR_H
#define LSNN_MACHINE_PROCESSOR_H

#include <stddef.h>

/* "AMD EPYC 7B13", or the architecture ("aarch64") where the system tells no more. */
void processor_name(char *out, size_t size);

#endif
