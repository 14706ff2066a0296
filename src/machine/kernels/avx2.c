#ifndef __AVX2__
#error "this file must be compiled with -mavx2"
#endif

#include "machine/kernels/kernels.h"

#include <immintrin.h>

typedef int32_t eight_ints __attribute__((vector_size(32)));
typedef int32_t sixteen_ints __attribute__((vector_size(64)));

static inline lane_mask lane_bits_8(eight_ints x) {
    return (lane_mask)_mm256_movemask_ps((__m256)x);
}

static inline lane_mask lane_bits_16(sixteen_ints x) {
    eight_ints low = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7);
    eight_ints high = __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
    return (lane_mask)(lane_bits_8(low) | lane_bits_8(high) << 8);
}

#define UNIT      kernels_avx2
#define UNIT_NAME "avx2"
#include "machine/kernels/vector_tables.h"
