#include "machine/kernels/kernels.h"

#include <string.h>

#ifdef LSNN_HAVE_AVX512
static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
           __builtin_cpu_supports("avx512vl") != 0;
}
#endif

#ifdef LSNN_HAVE_AVX2
static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") != 0;
}
#endif

static bool always(void) {
    return true;
}

static const struct {
    const char *name;
    const kernel_set *set; /* NULL: not of this build */
    bool (*is_there)(void);
} variants[] = {
/* best first */
#ifdef LSNN_HAVE_AVX512
    {"avx512", kernels_avx512, has_avx512},
#else
    {"avx512", NULL, NULL},
#endif
#ifdef LSNN_HAVE_AVX2
    {"avx2", kernels_avx2, has_avx2},
#else
    {"avx2", NULL, NULL},
#endif
#ifdef LSNN_HAVE_SSE2
    {"sse2", kernels_sse2, always},
#else
    {"sse2", NULL, NULL},
#endif
#ifdef LSNN_HAVE_NEON
    {"neon", kernels_neon, always},
#else
    {"neon", NULL, NULL},
#endif
    {"generic", kernels_ref, always},
};

lsnn_status kernels_select(const kernel_set **out, const char *name) {
    bool best = name == NULL || *name == '\0';
    for (size_t k = 0; k < sizeof variants / sizeof *variants; k++) {
        bool can = variants[k].set != NULL && variants[k].is_there();
        if (best ? can : strcmp(name, variants[k].name) == 0) {
            if (!can) {
                return fail(LSNN_ERR_USAGE, "LSNN_ISA is %s, which this processor or this build lacks; unset it", name);
            }
            *out = variants[k].set;
            return LSNN_OK;
        }
    }
    return fail(LSNN_ERR_USAGE, "LSNN_ISA is %s; it can be generic, sse2, avx2, avx512 or neon", name);
}

const kernel_set *kernels_with_lanes(const kernel_set *kernels, int lanes) {
    return kernels[0].lanes == lanes ? kernels : kernels + 1;
}
