#if !defined(__aarch64__) || !defined(__ARM_NEON)
#error "this file is for 64-bit ARM"
#endif

#include "machine/kernels/kernels.h"

#include <arm_neon.h>

typedef int32_t four_ints __attribute__((vector_size(16)));

static inline lane_mask lane_bits_4(four_ints x) {
    const int32x4_t place = {0, 1, 2, 3};
    return (lane_mask)vaddvq_u32(vshlq_u32(vshrq_n_u32((uint32x4_t)x, 31), place));
}

#define WIDEST    4
#define UNIT      kernels_neon
#define UNIT_NAME "neon"
#include "machine/kernels/vector_tables.h"
