#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { LINE = 64 };

void *arena_take(arena *a, size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 4 || a->used > SIZE_MAX / 4) {
        a->too_large = true;
        return NULL;
    }
    bytes = (bytes + LINE - 1) / LINE * LINE;
    void *piece = a->memory == NULL ? NULL : a->memory + a->used;
    a->used += bytes;
    return piece;
}

lsnn_status arena_open(arena *a, const char *what) {
    if (a->too_large) {
        return fail(LSNN_ERR_MEMORY, "%s: more bytes than this machine can address; use fewer neurons, steps or samples", what);
    }
    size_t size = a->used > 0 ? a->used : LINE;
    void *memory = aligned_alloc(LINE, size);
    if (memory == NULL) {
        return fail(LSNN_ERR_MEMORY, "%s: no memory for %.0f MB; use fewer neurons, steps or samples", what, (double)size / 1e6);
    }
    memset(memory, 0, size);
    *a = (arena){.memory = memory, .size = size};
    return LSNN_OK;
}

void arena_release(arena *a) {
    free(a->memory);
    *a = (arena){0};
}
