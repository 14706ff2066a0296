#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512DQ__) || !defined(__AVX512VL__)
#error "this file must be compiled with -mavx512f -mavx512bw -mavx512dq -mavx512vl"
#endif

#include "machine/kernels/kernels.h"

#include <immintrin.h>

typedef int32_t eight_ints __attribute__((vector_size(32)));
typedef int32_t sixteen_ints __attribute__((vector_size(64)));

static inline lane_mask lane_bits_8(eight_ints x) {
    return (lane_mask)_mm256_movepi32_mask((__m256i)x);
}

static inline lane_mask lane_bits_16(sixteen_ints x) {
    return (lane_mask)_mm512_movepi32_mask((__m512i)x);
}

#define WIDEST    16
#define UNIT      kernels_avx512
#define UNIT_NAME "avx512"
#include "machine/kernels/vector_tables.h"
