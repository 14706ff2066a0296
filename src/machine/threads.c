#include "machine/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__x86_64__)
#include <immintrin.h>
/* MXCSR bits 15 and 6: flush denormal results, and take denormal operands for zero. */
static unsigned flush_denormals(void) {
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040u);
    return before;
}
static void restore_denormals(unsigned before) {
    _mm_setcsr(before);
}
#elif defined(__aarch64__)
/* FPCR bit 24: flush to zero. */
static unsigned flush_denormals(void) {
    unsigned long before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | 1ul << 24));
    return (unsigned)before;
}
static void restore_denormals(unsigned before) {
    __asm__ volatile("msr fpcr, %0" : : "r"((unsigned long)before));
}
#else
static unsigned flush_denormals(void) {
    return 0;
}
static void restore_denormals(unsigned before) {
    (void)before;
}
#endif

typedef struct helper {
    threads *pool;
    pthread_t thread;
    int worker;
} helper;

struct threads {
    int n; /* workers, the caller's thread included */
    int n_started;
    helper *helpers; /* [n - 1] */
    pthread_mutex_t mutex;
    pthread_cond_t work_is_there, work_is_done;
    /* under the mutex: */
    unsigned long round; /* counts calls of threads_run */
    int n_busy;          /* helpers that have not finished this round */
    bool closing;
    /* written before a round begins, read-only during it: */
    void (*work)(void *user, int piece, int worker);
    void *user;
    int n_pieces;
    atomic_int next_piece;
};

static void take_pieces(threads *pool, int worker) {
    unsigned before = flush_denormals();
    for (;;) {
        int piece = atomic_fetch_add_explicit(&pool->next_piece, 1, memory_order_relaxed);
        if (piece >= pool->n_pieces) {
            break;
        }
        pool->work(pool->user, piece, worker);
    }
    restore_denormals(before);
}

static void *helper_main(void *argument) {
    helper *self = argument;
    threads *pool = self->pool;
    unsigned long seen = 0;
    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        while (pool->round == seen && !pool->closing) {
            pthread_cond_wait(&pool->work_is_there, &pool->mutex);
        }
        if (pool->closing) {
            break;
        }
        seen = pool->round;
        pthread_mutex_unlock(&pool->mutex);
        take_pieces(pool, self->worker);
        pthread_mutex_lock(&pool->mutex);
        pool->n_busy--;
        if (pool->n_busy == 0) {
            pthread_cond_signal(&pool->work_is_done);
        }
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

lsnn_status threads_create(threads **out, int n) {
    threads *pool = calloc(1, sizeof *pool);
    helper *helpers = calloc((size_t)n, sizeof *helpers);
    if (pool == NULL || helpers == NULL) {
        free(pool);
        free(helpers);
        return fail(LSNN_ERR_MEMORY, "no memory for %d threads", n);
    }
    pool->n = n;
    pool->helpers = helpers;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work_is_there, NULL);
    pthread_cond_init(&pool->work_is_done, NULL);
    for (int k = 0; k < n - 1; k++) {
        helpers[k] = (helper){.pool = pool, .worker = k + 1};
        if (pthread_create(&helpers[k].thread, NULL, helper_main, &helpers[k]) != 0) {
            threads_free(pool);
            return fail(LSNN_ERR_MEMORY, "the system gave only %d of %d threads; ask for fewer (--threads)", k + 1, n);
        }
        pool->n_started++;
    }
    *out = pool;
    return LSNN_OK;
}

void threads_free(threads *pool) {
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pthread_cond_broadcast(&pool->work_is_there);
    pthread_mutex_unlock(&pool->mutex);
    for (int k = 0; k < pool->n_started; k++) {
        pthread_join(pool->helpers[k].thread, NULL);
    }
    pthread_mutex_destroy(&pool->mutex);
    pthread_cond_destroy(&pool->work_is_there);
    pthread_cond_destroy(&pool->work_is_done);
    free(pool->helpers);
    free(pool);
}

int threads_count(const threads *pool) {
    return pool->n;
}

void threads_run(threads *pool, int n_pieces, void (*work)(void *user, int piece, int worker), void *user) {
    pool->work = work;
    pool->user = user;
    pool->n_pieces = n_pieces;
    atomic_store(&pool->next_piece, 0);
    if (n_pieces == 1 || pool->n_started == 0) { /* waking helpers would cost more than it gives */
        take_pieces(pool, 0);
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->round++;
    pool->n_busy = pool->n_started;
    pthread_cond_broadcast(&pool->work_is_there);
    pthread_mutex_unlock(&pool->mutex);
    take_pieces(pool, 0);
    pthread_mutex_lock(&pool->mutex);
    while (pool->n_busy > 0) {
        pthread_cond_wait(&pool->work_is_done, &pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
}
