#include "machine/context.h"

#include <sched.h>
#include <stdlib.h>

static int cores(void) {
    cpu_set_t allowed;
    int n = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
    return n > 0 ? n : 1;
}

lsnn_status lsnn_context_create(lsnn_context **out, int n_threads) {
    if (n_threads < 0 || n_threads > 1024) {
        return fail(LSNN_ERR_USAGE, "threads is %d; it must be 1..1024, or 0 for one a core", n_threads);
    }
    lsnn_status status = LSNN_OK;
    lsnn_context *context = calloc(1, sizeof *context);
    if (context == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a context");
    }
    TRY(kernels_select(&context->kernels, getenv("LSNN_ISA")));
    TRY(threads_create(&context->pool, n_threads > 0 ? n_threads : cores()));
    *out = context;
    return LSNN_OK;
out:
    lsnn_context_free(context);
    return status;
}

void lsnn_context_free(lsnn_context *context) {
    if (context != NULL) {
        threads_free(context->pool);
        free(context);
    }
}

int lsnn_context_threads(const lsnn_context *context) {
    return threads_count(context->pool);
}

const char *lsnn_context_isa(const lsnn_context *context) {
    return context->kernels->name;
}
