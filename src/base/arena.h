/* One allocation an owner: count the bytes in a first pass, take them in a second. Every piece is zeroed and aligned to a cache line.
 *
 *   arena a = {0};
 *   plan(owner, &a);                  the same function both times: owner->x = arena_take(&a, n, sizeof *owner->x)
 *   TRY(arena_open(&a, "network"));   gets the memory
 *   plan(owner, &a);
 *   ...
 *   arena_release(&a); */
#ifndef LSNN_BASE_ARENA_H
#define LSNN_BASE_ARENA_H

#include "base/error.h"

typedef struct arena {
    unsigned char *memory; /* NULL while counting */
    size_t used, size;
    bool too_large; /* the count passed what size_t holds */
} arena;

/* n * size bytes; NULL while counting. */
void *arena_take(arena *a, size_t n, size_t size);
/* Allocates what was counted, and starts over. Errors: MEMORY (says how many bytes, and for `what`). */
lsnn_status arena_open(arena *a, const char *what);
void arena_release(arena *a);

#endif
