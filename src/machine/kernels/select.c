#include "machine/kernels/kernels.h"

#include <string.h>

static bool has_avx2(void) {
#ifdef LSNN_HAVE_AVX2
    return __builtin_cpu_supports("avx2") != 0;
#else
    return false;
#endif
}

static bool has_avx512(void) {
#ifdef LSNN_HAVE_AVX512
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
           __builtin_cpu_supports("avx512vl") != 0;
#else
    return false;
#endif
}

static const struct {
    const kernel_set *set;
    const char *name;
    bool (*is_there)(void);
} variants[] = {
/* best first */
#ifdef LSNN_HAVE_AVX512
    {kernels_avx512, "avx512", has_avx512},
#else
    {NULL, "avx512", has_avx512},
#endif
#ifdef LSNN_HAVE_AVX2
    {kernels_avx2, "avx2", has_avx2},
#else
    {NULL, "avx2", has_avx2},
#endif
    {kernels_ref, "generic", NULL},
};

lsnn_status kernels_select(const kernel_set **out, const char *name) {
    bool best = name == NULL || *name == '\0';
    for (size_t k = 0; k < sizeof variants / sizeof *variants; k++) {
        bool can = variants[k].is_there == NULL || variants[k].is_there();
        if (best ? can : strcmp(name, variants[k].name) == 0) {
            if (!can) {
                return fail(LSNN_ERR_USAGE, "LSNN_ISA is %s, which this processor or this build lacks; unset it", name);
            }
            *out = variants[k].set;
            return LSNN_OK;
        }
    }
    return fail(LSNN_ERR_USAGE, "LSNN_ISA is %s; it can be generic, avx2 or avx512", name);
}

const kernel_set *kernels_with_lanes(const kernel_set *kernels, int lanes) {
    return kernels[0].lanes == lanes ? kernels : kernels + 1;
}
