#ifndef __SSE2__
#error "this file is for 64-bit x86"
#endif

#include "machine/kernels/kernels.h"

#include <emmintrin.h>

typedef int32_t four_ints __attribute__((vector_size(16)));

static inline lane_mask lane_bits_4(four_ints x) {
    return (lane_mask)_mm_movemask_ps((__m128)x);
}

#define WIDEST    4
#define UNIT      kernels_sse2
#define UNIT_NAME "sse2"
#include "machine/kernels/vector_tables.h"
