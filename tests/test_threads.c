/* The pool of threads, contexts, and objects that several threads use at once. */
#include "base/rng.h"
#include "machine/context.h"
#include "net/sim.h"
#include "support/needs.h"

#include <float.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PIECES = 1000, MOST_THREADS = 5 };

typedef struct tally {
    atomic_int times[MOST_PIECES + 1];
    atomic_int at_work[MOST_THREADS]; /* is this worker inside a piece? */
    atomic_int n_wrong;
    int n_threads, n_pieces;
    long plain[MOST_PIECES + 1]; /* written by whoever has the piece, read by the caller afterwards */
} tally;

static void count_piece(void *user, int piece, int worker) {
    tally *t = user;
    if (piece < 0 || piece >= t->n_pieces || worker < 0 || worker >= t->n_threads) {
        atomic_fetch_add(&t->n_wrong, 1);
        return;
    }
    if (atomic_exchange(&t->at_work[worker], 1) != 0) {
        atomic_fetch_add(&t->n_wrong, 1); /* two threads with one number would share a worker's scratch memory */
    }
    atomic_fetch_add(&t->times[piece], 1);
    t->plain[piece] += piece + 1;
    atomic_store(&t->at_work[worker], 0);
}

static void each_piece_runs_once(void **state) {
    (void)state;
    static const int sizes[] = {0, 1, 2, 3, 7, 64, MOST_PIECES};
    static tally t;
    for (int n_threads = 1; n_threads <= MOST_THREADS; n_threads++) {
        threads *pool;
        need(threads_create(&pool, n_threads));
        assert_int_equal(threads_count(pool), n_threads);
        for (int round = 0; round < 30; round++) {
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                memset(&t, 0, sizeof t);
                t.n_threads = n_threads;
                t.n_pieces = sizes[s];
                threads_run(pool, sizes[s], count_piece, &t);
                assert_int_equal(atomic_load(&t.n_wrong), 0);
                for (int piece = 0; piece <= MOST_PIECES; piece++) {
                    int want = piece < sizes[s];
                    if (atomic_load(&t.times[piece]) != want || t.plain[piece] != want * (piece + 1)) {
                        fail_msg("%d threads, %d pieces: piece %d ran %d times", n_threads, sizes[s], piece, atomic_load(&t.times[piece]));
                    }
                }
            }
        }
        threads_free(pool);
    }
}

/* Rounds in quick succession: no helper takes a piece of the round before, or sleeps through one. */
static void many_short_rounds(void **state) {
    (void)state;
    enum { N_ROUNDS = 3000 };
    static tally t;
    threads *pool;
    need(threads_create(&pool, 3));
    memset(&t, 0, sizeof t);
    t.n_threads = 3;
    for (int round = 0; round < N_ROUNDS; round++) {
        t.n_pieces = 1 + round % 5;
        threads_run(pool, t.n_pieces, count_piece, &t);
    }
    threads_free(pool);
    assert_int_equal(atomic_load(&t.n_wrong), 0);
    for (int piece = 0; piece < 5; piece++) {
        assert_int_equal(atomic_load(&t.times[piece]), N_ROUNDS / 5 * (5 - piece));
    }
}

static void meet(void *user, int piece, int worker) {
    atomic_int *arrived = user;
    (void)piece;
    (void)worker;
    atomic_fetch_add(arrived, 1);
    while (atomic_load(arrived) < 3) {
        sched_yield();
    }
}

/* Three pieces that wait for each other end only if three threads work at once. */
static void all_threads_work_at_once(void **state) {
    (void)state;
    threads *pool;
    need(threads_create(&pool, 3));
    for (int round = 0; round < 50; round++) {
        atomic_int arrived = 0;
        threads_run(pool, 3, meet, &arrived);
        assert_int_equal(atomic_load(&arrived), 3);
    }
    threads_free(pool);
}

#if defined(__x86_64__) || defined(__aarch64__)
static float half_of_smallest(void) {
    volatile float x = FLT_MIN;
    return x / 2;
}

static void count_flushed(void *user, int piece, int worker) {
    atomic_int *n = user;
    (void)piece;
    (void)worker;
    atomic_fetch_add(n, half_of_smallest() == 0);
}
#endif

static void denormals_are_flushed_inside_alone(void **state) {
    (void)state;
#if defined(__x86_64__) || defined(__aarch64__)
    for (int n_threads = 1; n_threads <= 3; n_threads++) {
        threads *pool;
        need(threads_create(&pool, n_threads));
        for (int n_pieces = 1; n_pieces <= 40; n_pieces += 39) {
            atomic_int n = 0;
            assert_true(half_of_smallest() > 0);
            threads_run(pool, n_pieces, count_flushed, &n);
            assert_true(half_of_smallest() > 0);
            assert_int_equal(atomic_load(&n), n_pieces);
        }
        threads_free(pool);
    }
#else
    skip();
#endif
}

static void pools_come_and_go(void **state) {
    (void)state;
    static tally t;
    for (int k = 0; k < 150; k++) {
        threads *pool;
        need(threads_create(&pool, 1 + k % 5));
        if (k % 3 != 0) { /* some are never used */
            memset(&t, 0, sizeof t);
            t.n_threads = 1 + k % 5;
            t.n_pieces = k % 9;
            threads_run(pool, k % 9, count_piece, &t);
            assert_int_equal(atomic_load(&t.n_wrong), 0);
        }
        threads_free(pool);
    }
    threads_free(NULL);
    for (int k = 0; k < 50; k++) {
        lsnn_context_free(context_on(NULL, 1 + k % 4));
    }
    lsnn_context_free(NULL);
}

/* ---- contexts ---- */

static void contexts_say_what_they_are(void **state) {
    (void)state;
    const char *units[MAX_VECTOR_UNITS];
    size_t n_units = vector_units(units);
    assert_true(n_units >= 1);
    assert_string_equal(units[0], "generic");
    lsnn_context *context = context_on(NULL, 3);
    assert_int_equal(lsnn_context_threads(context), 3);
    assert_string_equal(lsnn_context_isa(context), units[n_units - 1]); /* the best there is */
    lsnn_context_free(context);
    context = context_on("", 1); /* an empty variable is none */
    assert_string_equal(lsnn_context_isa(context), units[n_units - 1]);
    lsnn_context_free(context);
    cpu_set_t allowed;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    context = context_on(NULL, 0);
    assert_int_equal(lsnn_context_threads(context), CPU_COUNT(&allowed));
    lsnn_context_free(context);
}

static void contexts_that_cannot_be_are_refused(void **state) {
    (void)state;
    lsnn_context *context = NULL;
    need_error(lsnn_context_create(&context, -1), LSNN_ERR_USAGE, "-1");
    need_error(lsnn_context_create(&context, 1025), LSNN_ERR_USAGE, "1025");
    setenv("LSNN_ISA", "foo", 1);
    need_error(lsnn_context_create(&context, 1), LSNN_ERR_USAGE, "foo");
    setenv("LSNN_ISA", "AVX2", 1);
    need_error(lsnn_context_create(&context, 1), LSNN_ERR_USAGE, "avx2"); /* lists what there is */
    unsetenv("LSNN_ISA");
    assert_null(context);
}

/* ---- several threads, each with its own objects ---- */

enum { N_IN = 8, N_REC = 20, N_STEPS = 40, N_BATCH = 20, N_OUT = 2, N_USERS = 3 };

typedef struct user {
    const lsnn_net *shared; /* by all */
    int number;
    float output[N_BATCH * N_OUT], d_w_rec[N_REC * N_REC];
    char message[200];
    lsnn_status status;
} user;

static lsnn_status work_on(user *u) {
    lsnn_status status = LSNN_OK;
    lsnn_context *context = NULL;
    lsnn_sim *sim = NULL;
    lsnn_gradient *gradient = NULL;
    uint8_t *spikes = random_spikes((size_t)N_STEPS * N_BATCH * N_IN, 0.1, 3);
    float *d_output = random_floats(N_BATCH * N_OUT, -1, 1, 4);
    TRY(lsnn_context_create(&context, 2));
    TRY(lsnn_gradient_create(&gradient, u->shared));
    TRY(lsnn_sim_create(&sim, u->shared, context,
                        &(lsnn_sim_options){.n_batch = N_BATCH, .n_steps = N_STEPS, .n_windows = 1, .train = true}));
    for (int k = 0; k < 5; k++) {
        lsnn_sim_reset(sim);
        TRY(lsnn_sim_set_spikes(sim, spikes, N_STEPS));
        TRY(lsnn_forward(sim));
        TRY(lsnn_backward(sim, d_output, NULL, gradient, NULL));
    }
    memcpy(u->output, lsnn_sim_output(sim), sizeof u->output);
    TRY(lsnn_gradient_copy(gradient, "w_rec", u->d_w_rec, N_REC * N_REC));
out:
    free(spikes);
    free(d_output);
    lsnn_gradient_free(gradient);
    lsnn_sim_free(sim);
    lsnn_context_free(context);
    return status;
}

static void *user_main(void *argument) {
    user *u = argument;
    u->status = work_on(u);
    float to[1];
    char name[20];
    snprintf(name, sizeof name, "array_%d", u->number);
    for (int k = 0; k < 100; k++) { /* each thread has a last message of its own */
        lsnn_net_copy(u->shared, name, to, 1);
        sched_yield();
        if (strstr(lsnn_error(), name) == NULL) {
            u->status = LSNN_ERR_DATA;
        }
    }
    snprintf(u->message, sizeof u->message, "%s", lsnn_error());
    return NULL;
}

static void threads_with_their_own_objects(void **state) {
    (void)state;
    static user users[N_USERS + 1];
    lsnn_net_spec spec;
    lsnn_net *net;
    lsnn_net_spec_init(&spec);
    spec.n_in = N_IN;
    spec.n_lif = N_REC / 2;
    spec.n_adaptive = N_REC / 2;
    spec.n_out = N_OUT;
    need(lsnn_net_create(&net, &spec));
    for (int k = 0; k <= N_USERS; k++) {
        users[k].shared = net;
        users[k].number = k;
    }
    need(work_on(&users[N_USERS])); /* alone */
    pthread_t started[N_USERS];
    for (int k = 0; k < N_USERS; k++) {
        assert_int_equal(pthread_create(&started[k], NULL, user_main, &users[k]), 0);
    }
    for (int k = 0; k < N_USERS; k++) {
        assert_int_equal(pthread_join(started[k], NULL), 0);
    }
    double size = 0;
    for (int k = 0; k < N_USERS; k++) {
        assert_int_equal(users[k].status, LSNN_OK);
        assert_true(*users[k].message != '\0');
        need_same_bits("output", users[k].output, users[N_USERS].output, N_BATCH * N_OUT);
        need_same_bits("d_w_rec", users[k].d_w_rec, users[N_USERS].d_w_rec, N_REC * N_REC);
    }
    for (int k = 0; k < N_REC * N_REC; k++) {
        size += (double)users[0].d_w_rec[k] * (double)users[0].d_w_rec[k];
    }
    assert_true(size > 0);
    lsnn_net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_piece_runs_once),
        cmocka_unit_test(many_short_rounds),
        cmocka_unit_test(all_threads_work_at_once),
        cmocka_unit_test(denormals_are_flushed_inside_alone),
        cmocka_unit_test(pools_come_and_go),
        cmocka_unit_test(contexts_say_what_they_are),
        cmocka_unit_test(contexts_that_cannot_be_are_refused),
        cmocka_unit_test(threads_with_their_own_objects),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
