/* A pool of threads that share out numbered pieces of work. Which thread gets which piece is left to chance; so pieces must not depend on
 * it: each writes only what is its own. While in the pool, denormal numbers are flushed to zero (decaying gradients live there, and each
 * would cost a hundred cycles). */
#ifndef LSNN_MACHINE_THREADS_H
#define LSNN_MACHINE_THREADS_H

#include "base/error.h"

typedef struct threads threads;

lsnn_status threads_create(threads **out, int n);
void threads_free(threads *pool);
int threads_count(const threads *pool);
/* Calls work(user, piece, worker) for every piece 0..n_pieces-1, worker in 0..threads_count-1, and returns when all are done. The caller's thread
 * works too. Not from inside `work`. */
void threads_run(threads *pool, int n_pieces, void (*work)(void *user, int piece, int worker), void *user);

#endif
