/* Laws that hold for every network (docs: "Numbers that can be trusted"): what must not change the result, bit for bit, and what must be zero. */
#include "base/rng.h"
#include "learn/rewire.h"
#include "net/sim.h"
#include "support/needs.h"

#include <dlfcn.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a counter in front of malloc; not under sanitizers, which do the same ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_COUNT 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define CAN_COUNT 0
#endif
#endif
#ifndef CAN_COUNT
#define CAN_COUNT 1
#endif

static atomic_long n_calls;   /* of the malloc family while counting */
static atomic_size_t n_bytes; /* asked for while counting */
static atomic_bool counting;

#if CAN_COUNT
/* dlsym itself may allocate: what it asks for before the real function is known comes from here, and is never given back. */
static _Alignas(16) unsigned char early[4096];
static size_t early_used;
static __thread bool looking;

static void *take_early(size_t size) {
    size_t at = early_used;
    early_used += (size + 15) / 16 * 16;
    return early_used <= sizeof early ? early + at : NULL;
}

static bool is_early(const void *memory) {
    return (const unsigned char *)memory >= early && (const unsigned char *)memory < early + sizeof early;
}

static void *real_function(const char *name) {
    looking = true;
    void *found = dlsym(RTLD_NEXT, name);
    looking = false;
    return found;
}

static void count(size_t size) {
    if (atomic_load(&counting)) {
        atomic_fetch_add(&n_calls, 1);
        atomic_fetch_add(&n_bytes, size);
    }
}

void *malloc(size_t size) {
    static void *(*next)(size_t);
    if (looking) {
        return take_early(size);
    }
    if (next == NULL) {
        *(void **)&next = real_function("malloc");
    }
    count(size);
    return next(size);
}

void *calloc(size_t n, size_t size) {
    static void *(*next)(size_t, size_t);
    if (looking) {
        return take_early(n * size);
    }
    if (next == NULL) {
        *(void **)&next = real_function("calloc");
    }
    count(n * size);
    return next(n, size);
}

void *realloc(void *memory, size_t size) {
    static void *(*next)(void *, size_t);
    if (next == NULL) {
        *(void **)&next = real_function("realloc");
    }
    count(size);
    return next(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    static void *(*next)(size_t, size_t);
    if (next == NULL) {
        *(void **)&next = real_function("aligned_alloc");
    }
    count(size);
    return next(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    static int (*next)(void **, size_t, size_t);
    if (next == NULL) {
        *(void **)&next = real_function("posix_memalign");
    }
    count(size);
    return next(out, alignment, size);
}

void free(void *memory) {
    static void (*next)(void *);
    if (memory == NULL || is_early(memory)) {
        return;
    }
    if (next == NULL) {
        *(void **)&next = real_function("free");
    }
    count(0);
    next(memory);
}
#endif

static void count_from_here(void) {
    atomic_store(&n_calls, 0);
    atomic_store(&n_bytes, 0);
    atomic_store(&counting, true);
}

static long stop_counting(void) {
    atomic_store(&counting, false);
    return atomic_load(&n_calls);
}

/* ---- a network that uses everything, and its training ---- */

enum { N_IN = 11, N_LIF = 9, N_ADAPTIVE = 8, N_REC = N_LIF + N_ADAPTIVE, N_OUT = 3, N_DELAY = 4, N_WINDOWS = 3 };

static lsnn_net_spec lively_spec(lsnn_input_kind input, bool noise) {
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = N_IN;
    spec.n_lif = N_LIF;
    spec.n_adaptive = N_ADAPTIVE;
    spec.n_out = N_OUT;
    spec.input = input;
    spec.tau_m = (lsnn_spread){.low = 12, .high = 28};
    spec.tau_a = (lsnn_spread){.low = 40, .high = 200};
    spec.n_ref = 2;
    spec.n_delay = N_DELAY;
    spec.connectivity = 0.8f;
    spec.noise = noise ? 0.1f : 0;
    spec.noise_trainable = noise;
    spec.seed = 5;
    return spec;
}

static lsnn_net *lively_net(lsnn_input_kind input, bool noise) {
    lsnn_net *net;
    lsnn_net_spec spec = lively_spec(input, noise);
    need(lsnn_net_create(&net, &spec));
    return net;
}

typedef struct input {
    uint8_t *spikes;
    float *currents;
} input;

/* [n_steps][n_batch][n_in] */
static input make_input(int n_steps, int n_batch, uint64_t seed) {
    size_t n = (size_t)n_steps * (size_t)n_batch * N_IN;
    return (input){.spikes = random_spikes(n, 0.1, seed), .currents = random_floats(n, -0.4, 0.4, seed)};
}

static void free_input(input x) {
    free(x.spikes);
    free(x.currents);
}

static lsnn_status give_input(lsnn_sim *sim, const input *x, int first_step, int n_steps) {
    size_t at = (size_t)first_step * (size_t)sim->options.n_batch * N_IN;
    return sim->net->spec.input == LSNN_SPIKES ? lsnn_sim_set_spikes(sim, x->spikes + at, n_steps)
                                               : lsnn_sim_set_currents(sim, x->currents + at, n_steps);
}

static lsnn_sim *make_sim(const lsnn_net *net, lsnn_context *context, int n_batch, int n_steps, int n_windows, bool train) {
    lsnn_sim *sim;
    need(lsnn_sim_create(&sim, net, context,
                         &(lsnn_sim_options){.n_batch = n_batch, .n_steps = n_steps, .n_windows = n_windows, .train = train}));
    return sim;
}

/* Every number that a training came by, one after another. */
typedef struct history {
    float *numbers;
    size_t n, room;
} history;

static float *more(history *h, size_t n) {
    if (h->n + n > h->room) {
        h->room = 2 * (h->n + n);
        h->numbers = realloc(h->numbers, h->room * sizeof *h->numbers);
        assert_non_null(h->numbers);
    }
    h->n += n;
    return h->numbers + h->n - n;
}

static const char *const state_names[] = {"v", "b", "z", "threshold", "refractory", "p"};
enum { N_STATES = 6 };
static const char *const parameter_names[] = {"w_in", "w_rec", "w_out", "b_out", "noise"};

static void remember_states(history *h, const lsnn_sim *sim) {
    for (size_t s = 0; s < N_STATES; s++) {
        need(lsnn_sim_copy_state(sim, state_names[s], more(h, (size_t)sim->options.n_batch * N_REC)));
    }
}

static void remember_parameters(history *h, const lsnn_net *net, const lsnn_gradient *gradient) {
    for (size_t a = 0; a < (net->spec.noise_trainable ? 5u : 4u); a++) {
        int rows;
        int columns;
        need(lsnn_net_shape(net, parameter_names[a], &rows, &columns));
        size_t n = (size_t)rows * (size_t)columns;
        need(lsnn_gradient_copy(gradient, parameter_names[a], more(h, n), n));
        need(lsnn_net_copy(net, parameter_names[a], more(h, n), n));
    }
}

/* What is trained: spikes; currents; spikes and noise; and with synapses that come and go, few or many at a time, or in dense matrices. */
typedef enum training { ON_SPIKES, ON_CURRENTS, NOISY, REWIRED, REWIRED_DENSE, REWIRED_SOFT, N_VARIANTS } training;

typedef struct trainer {
    lsnn_net *net;
    lsnn_rewire *rewire; /* NULL: none */
    lsnn_sim *sim;
    lsnn_gradient *gradient;
    lsnn_adam *adam;
    int32_t *class_of;
    float *d_output;
    int n_batch, n_steps;
} trainer;

static lsnn_rewire *rewire_at(lsnn_net *net, training v) {
    lsnn_rewire *rewire;
    lsnn_rewire_options options;
    lsnn_rewire_options_init(&options);
    options.l1 = 3; /* about every tenth synapse dies in four iterations */
    options.temperature = 0.01f;
    options.all_gradients = v == REWIRED_DENSE;
    options.soft = v == REWIRED_SOFT;
    options.connectivity = 0.8f;
    need(lsnn_rewire_create(&rewire, net, &options));
    return rewire;
}

static trainer start_training(lsnn_context *context, training v, int n_batch, int n_steps) {
    trainer r = {.n_batch = n_batch, .n_steps = n_steps};
    lsnn_adam_options options;
    lsnn_adam_options_init(&options);
    options.clip = 1;
    r.net = lively_net(v == ON_CURRENTS ? LSNN_CURRENTS : LSNN_SPIKES, v == NOISY || v == REWIRED);
    r.rewire = v >= REWIRED ? rewire_at(r.net, v) : NULL;
    r.sim = make_sim(r.net, context, n_batch, n_steps, N_WINDOWS, true);
    need(lsnn_sim_set_windows(r.sim, (int[]){2, 9, n_steps - 3}, (int[]){9, 10, n_steps}, N_WINDOWS));
    need(lsnn_gradient_create(&r.gradient, r.net));
    need(lsnn_adam_create(&r.adam, r.net, &options));
    size_t n = (size_t)N_WINDOWS * (size_t)n_batch;
    r.class_of = malloc(n * sizeof *r.class_of);
    r.d_output = malloc(n * N_OUT * sizeof *r.d_output);
    for (size_t k = 0; k < n; k++) {
        r.class_of[k] = (int32_t)rng_below(3, RNG_TASK, k, N_OUT + 1) - 1;
    }
    r.class_of[0] = 1;
    return r;
}

static void train_once(trainer *r, const input *x) {
    static const lsnn_rate_goal goal = {.strength = 10, .target_hz = 20};
    double loss;
    double rate_loss;
    need(give_input(r->sim, x, 0, r->n_steps));
    need(lsnn_forward(r->sim));
    need(lsnn_loss_cross_entropy(r->sim, r->class_of, r->d_output, &loss, NULL, NULL));
    need(lsnn_backward(r->sim, r->d_output, &goal, r->gradient, &rate_loss));
    need(lsnn_adam_step(r->adam, r->net, r->gradient, 0.01f));
    if (r->rewire != NULL) {
        need(lsnn_rewire_step(r->rewire, r->adam, 0.01f));
    }
}

static void stop_training(trainer *r) {
    free(r->class_of);
    free(r->d_output);
    lsnn_adam_free(r->adam);
    lsnn_gradient_free(r->gradient);
    lsnn_sim_free(r->sim);
    lsnn_rewire_free(r->rewire);
    lsnn_net_free(r->net);
}

static void need_rewired(const trainer *r) {
    lsnn_synapse_count c[3];
    if (r->rewire != NULL) {
        lsnn_rewire_count(r->rewire, c);
        assert_true(c[0].died > 5 && c[1].died > 5 && c[0].born > 5 && c[1].born > 5);
    }
}

/* Four iterations, the third from rest, the others from the state before. */
static history train(const char *vector_unit, int n_threads, training v, int n_batch) {
    enum { N_STEPS = 41 };
    history h = {0};
    lsnn_context *context = context_on(vector_unit, n_threads);
    trainer r = start_training(context, v, n_batch, N_STEPS);
    for (int iteration = 0; iteration < 4; iteration++) {
        input x = make_input(N_STEPS, n_batch, (uint64_t)iteration);
        if (iteration == 2) {
            lsnn_sim_reset(r.sim);
        }
        train_once(&r, &x);
        assert_true(lsnn_sim_rate(r.sim, NULL) > 1); /* the network is alive, and so is its gradient */
        assert_true(lsnn_gradient_norm(r.gradient) > 1e-3);
        size_t n = (size_t)N_WINDOWS * (size_t)n_batch * N_OUT;
        memcpy(more(&h, n), lsnn_sim_output(r.sim), n * sizeof(float));
        remember_states(&h, r.sim);
        remember_parameters(&h, r.net, r.gradient);
        free_input(x);
    }
    need_rewired(&r);
    stop_training(&r);
    lsnn_context_free(context);
    return h;
}

static void same_bits_for_any_threads_and_vector_unit(void **state) {
    (void)state;
    static const int batches[] = {1, 5, 10, 33, 256};
    const char *units[MAX_VECTOR_UNITS];
    size_t n_units = vector_units(units);
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        for (training v = ON_SPIKES; v < N_VARIANTS; v++) {
            history want = train("generic", 1, v, batches[b]);
            for (size_t u = 0; u < n_units; u++) {
                for (int n_threads = u == 0 ? 2 : 1; n_threads <= 3; n_threads++) {
                    char what[100];
                    snprintf(what, sizeof what, "batch %d, variant %d, %s, %d threads", batches[b], (int)v, units[u], n_threads);
                    history got = train(units[u], n_threads, v, batches[b]);
                    assert_int_equal(got.n, want.n);
                    need_same_bits(what, got.numbers, want.numbers, want.n);
                    free(got.numbers);
                }
            }
            free(want.numbers);
        }
    }
}

/* ---- pieces ---- */

/* Outputs of every step, then the states at the end, of a sequence that comes in pieces. */
static history run_in_pieces(const lsnn_net *net, lsnn_context *context, const input *x, int n_batch, int n_steps, int piece,
                             bool train_too) {
    history h = {0};
    lsnn_sim *sim = make_sim(net, context, n_batch, piece, piece, train_too);
    int *start = malloc((size_t)piece * sizeof *start);
    int *stop = malloc((size_t)piece * sizeof *stop);
    for (int t = 0; t < piece; t++) {
        start[t] = t;
        stop[t] = t + 1;
    }
    for (int t = 0; t < n_steps; t += piece) {
        int n = n_steps - t < piece ? n_steps - t : piece;
        need(lsnn_sim_set_windows(sim, start, stop, n));
        need(give_input(sim, x, t, n));
        need(lsnn_forward(sim));
        size_t n_outputs = (size_t)n * (size_t)n_batch * N_OUT;
        memcpy(more(&h, n_outputs), lsnn_sim_output(sim), n_outputs * sizeof(float));
    }
    remember_states(&h, sim);
    free(start);
    free(stop);
    lsnn_sim_free(sim);
    return h;
}

static void step_by_step_and_whole(void **state) {
    (void)state;
    static const int batches[] = {1, 10, 33};
    enum { N_STEPS = 60 };
    lsnn_context *context = context_on(NULL, 2);
    for (size_t b = 0; b < 3; b++) {
        for (int variant = 0; variant < 4; variant++) {
            lsnn_net *net = lively_net(variant % 2 == 0 ? LSNN_SPIKES : LSNN_CURRENTS, variant >= 2);
            input x = make_input(N_STEPS, batches[b], 4);
            history whole = run_in_pieces(net, context, &x, batches[b], N_STEPS, N_STEPS, variant % 2 == 0);
            for (int piece = 1; piece <= 19; piece += 6) { /* 1, 7, 13, 19 */
                char what[100];
                history parts = run_in_pieces(net, context, &x, batches[b], N_STEPS, piece, piece == 7);
                snprintf(what, sizeof what, "batch %d, variant %d, pieces of %d steps", batches[b], variant, piece);
                assert_int_equal(parts.n, whole.n);
                need_same_bits(what, parts.numbers, whole.numbers, whole.n);
                free(parts.numbers);
            }
            free(whole.numbers);
            free_input(x);
            lsnn_net_free(net);
        }
    }
    lsnn_context_free(context);
}

/* Each state's trace is what a simulation that goes step by step has at each step. */
static void traces_are_the_states(void **state) {
    (void)state;
    enum { N_STEPS = 50, N_BATCH = 10, SAMPLE = 7 };
    lsnn_context *context = context_on(NULL, 1);
    lsnn_net *net = lively_net(LSNN_SPIKES, true);
    lsnn_sim *whole = make_sim(net, context, N_BATCH, N_STEPS, 1, true);
    lsnn_sim *steps = make_sim(net, context, N_BATCH, 1, 1, false);
    input x = make_input(2 * N_STEPS, N_BATCH, 9);
    float *trace = malloc(sizeof(float) * N_STEPS * N_REC);
    float *all = malloc(sizeof(float) * N_STATES * N_STEPS * N_REC);
    float now[N_BATCH * N_REC];
    float y[N_STEPS * N_OUT];
    float want_y[N_STEPS * N_OUT];
    for (int part = 0; part < 2; part++) { /* the second goes on from the first */
        need(give_input(whole, &x, part * N_STEPS, N_STEPS));
        need(lsnn_forward(whole));
        for (int t = 0; t < N_STEPS; t++) {
            need(give_input(steps, &x, part * N_STEPS + t, 1));
            need(lsnn_forward(steps));
            for (size_t s = 0; s < N_STATES; s++) {
                need(lsnn_sim_copy_state(steps, state_names[s], now));
                memcpy(all + (s * N_STEPS + (size_t)t) * N_REC, now + SAMPLE * N_REC, sizeof(float) * N_REC);
            }
            memcpy(want_y + t * N_OUT, lsnn_sim_output(steps) + SAMPLE * N_OUT, sizeof(float) * N_OUT);
        }
        for (size_t s = 0; s < N_STATES; s++) {
            need(lsnn_sim_copy_trace(whole, state_names[s], SAMPLE, trace));
            need_same_bits(state_names[s], trace, all + s * N_STEPS * N_REC, N_STEPS * N_REC);
        }
        need(lsnn_sim_copy_trace(whole, "y", SAMPLE, y));
        for (int k = 0; k < N_STEPS * N_OUT; k++) {
            assert_true(fabsf(y[k] - want_y[k]) < 1e-6f);
        }
        need(lsnn_sim_copy_trace(whole, "psi", SAMPLE, trace));
        for (size_t k = 0; k < N_STEPS * N_REC; k++) { /* gamma max(0, 1 - |v - A| / A), and 0 while refractory */
            float v = all[k];
            float threshold = all[3 * N_STEPS * N_REC + k];
            bool resting = k >= N_REC && all[4 * N_STEPS * N_REC + k - N_REC] > 0; /* before the step */
            float psi = resting ? 0 : 0.3f * fmaxf(0, 1 - fabsf(v - threshold) / threshold);
            if (part == 0 && fabsf(trace[k] - psi) > 1e-5f) {
                fail_msg("psi[%zu] is %g, should be %g", k, (double)trace[k], (double)psi);
            }
        }
    }
    free(trace);
    free(all);
    free_input(x);
    lsnn_sim_free(steps);
    lsnn_sim_free(whole);
    lsnn_net_free(net);
    lsnn_context_free(context);
}

/* After a long silence the voltages are too small for normal numbers; the trace has to have the same zeros as the run. */
static void traces_are_the_states_in_long_silence(void **state) {
    (void)state;
    enum { N_STEPS = 4000 };
    lsnn_context *context = context_on(NULL, 1);
    lsnn_net *net = lively_net(LSNN_SPIKES, false);
    lsnn_sim *sim = make_sim(net, context, 1, N_STEPS, 1, true);
    uint8_t *spikes = calloc((size_t)N_STEPS, N_IN);
    float *trace = malloc(sizeof(float) * N_STEPS * N_REC);
    float now[N_REC];
    memset(spikes, 1, 3 * N_IN);
    for (int n_steps = 1000; n_steps <= N_STEPS; n_steps += 150) {
        lsnn_sim_reset(sim);
        need(lsnn_sim_set_windows(sim, (int[]){0}, (int[]){n_steps}, 1));
        need(lsnn_sim_set_spikes(sim, spikes, n_steps));
        need(lsnn_forward(sim));
        for (size_t s = 0; s < N_STATES; s++) {
            need(lsnn_sim_copy_state(sim, state_names[s], now));
            need(lsnn_sim_copy_trace(sim, state_names[s], 0, trace));
            need_same_bits(state_names[s], trace + (size_t)(n_steps - 1) * N_REC, now, N_REC);
        }
    }
    free(spikes);
    free(trace);
    lsnn_sim_free(sim);
    lsnn_net_free(net);
    lsnn_context_free(context);
}

static void reset_begins_anew(void **state) {
    (void)state;
    enum { N_STEPS = 40, N_BATCH = 12 };
    lsnn_context *context = context_on(NULL, 2);
    for (int variant = 0; variant < 4; variant++) {
        lsnn_net *net = lively_net(variant % 2 == 0 ? LSNN_SPIKES : LSNN_CURRENTS, variant >= 2);
        lsnn_sim *sim = make_sim(net, context, N_BATCH, N_STEPS, 1, true);
        input x = make_input(N_STEPS, N_BATCH, 2);
        history runs[3] = {{0}};
        for (int run = 0; run < 3; run++) {
            if (run > 0) { /* after two sequences in a row: their history, and their time, are forgotten */
                need(give_input(sim, &x, 0, N_STEPS));
                need(lsnn_forward(sim));
                lsnn_sim_reset(sim);
            }
            if (run == 2) { /* an input that was never run leaves no history */
                need(give_input(sim, &x, 3, 20));
                lsnn_sim_reset(sim);
            }
            need(give_input(sim, &x, 0, N_STEPS));
            need(lsnn_forward(sim));
            memcpy(more(&runs[run], N_BATCH * N_OUT), lsnn_sim_output(sim), N_BATCH * N_OUT * sizeof(float));
            remember_states(&runs[run], sim);
        }
        need_same_bits("second run", runs[1].numbers, runs[0].numbers, runs[0].n);
        need_same_bits("third run", runs[2].numbers, runs[0].numbers, runs[0].n);
        /* and without a reset it is another run */
        need(give_input(sim, &x, 0, N_STEPS));
        need(lsnn_forward(sim));
        assert_memory_not_equal(lsnn_sim_output(sim), runs[0].numbers, N_BATCH * N_OUT * sizeof(float));
        for (int run = 0; run < 3; run++) {
            free(runs[run].numbers);
        }
        free_input(x);
        lsnn_sim_free(sim);
        lsnn_net_free(net);
    }
    lsnn_context_free(context);
}

/* ---- memory ---- */

static void no_allocation_in_a_training_step(void **state) {
    (void)state;
    if (!CAN_COUNT) {
        print_message("sanitizers have a malloc of their own: nothing to count\n");
        skip();
    }
    enum { N_STEPS = 120 };
    static const int batches[] = {3, 40};
    for (size_t b = 0; b < 2; b++) {
        for (training v = ON_CURRENTS; v < N_VARIANTS; v++) {
            lsnn_context *context = context_on(NULL, 2);
            trainer r = start_training(context, v, batches[b], N_STEPS);
            input x = make_input(N_STEPS, batches[b], 1);
            count_from_here();
            void *volatile memory = malloc(100);
            free(memory);
            assert_true(stop_counting() == 2); /* it does count */
            count_from_here();
            for (int iteration = 0; iteration < 5; iteration++) {
                train_once(&r, &x);
            }
            long n = stop_counting();
            if (n != 0) {
                fail_msg("%ld calls of malloc and its kind in 5 iterations of variant %d", n, (int)v);
            }
            need_rewired(&r);
            free_input(x);
            stop_training(&r);
            lsnn_context_free(context);
        }
    }
}

static void memory_is_what_it_says(void **state) {
    (void)state;
    lsnn_context *context = context_on(NULL, 2);
    for (int variant = 0; variant < 8; variant++) {
        lsnn_net *net = lively_net(variant % 2 == 0 ? LSNN_SPIKES : LSNN_CURRENTS, variant % 4 >= 2);
        lsnn_sim_options options = {.n_batch = 37, .n_steps = 500, .n_windows = 4, .train = variant >= 4};
        double said = lsnn_sim_memory(net, context, &options);
        lsnn_sim *sim;
        count_from_here();
        lsnn_status status = lsnn_sim_create(&sim, net, context, &options);
        stop_counting();
        need(status);
        assert_true((double)sim->memory.size == said);
        assert_true((double)sim->memory.used == said); /* the second pass took what the first had counted */
        if (CAN_COUNT) {
            double taken = (double)atomic_load(&n_bytes);
            assert_true(taken >= said && taken <= said + 4096);
        }
        lsnn_sim_free(sim);
        lsnn_net_free(net);
    }
    lsnn_context_free(context);
}

/* A step costs the lists of its spikes; the tape, which is ten times as much, is kept for a stretch alone. */
static void memory_does_not_grow_with_the_states_of_all_steps(void **state) {
    (void)state;
    lsnn_context *context = context_on(NULL, 2);
    lsnn_net_spec spec = lively_spec(LSNN_SPIKES, false);
    spec.n_in = 80;
    spec.n_lif = 120;
    spec.n_adaptive = 100;
    lsnn_net *net;
    need(lsnn_net_create(&net, &spec));
    for (int n_batch = 10; n_batch <= 160; n_batch *= 16) {
        lsnn_sim_options options = {.n_batch = n_batch, .n_steps = 10000, .n_windows = 1, .train = true};
        double at_10000 = lsnn_sim_memory(net, context, &options);
        options.n_steps = 40000;
        double at_40000 = lsnn_sim_memory(net, context, &options);
        double a_step = (at_40000 - at_10000) / 30000;
        double states = 220.0 * n_batch * 4 * sizeof(float); /* v, b, z, psi of every neuron and sample */
        if (!(a_step < states / 3)) {
            fail_msg("batch %d: %g bytes a step; the states are %g", n_batch, a_step, states);
        }
    }
    lsnn_net_free(net);
    lsnn_context_free(context);
}

/* Sequential MNIST stays within 200 MB; of the paper's longest episodes nothing is computed twice that could be kept; and no length takes more than 256 MB for it. */
static void kept_currents_have_their_bounds(void **state) {
    (void)state;
    static const struct {
        int n_in, n_rec, n_batch, n_steps;
        double most_bytes; /* of the simulation */
        bool keeps_all;
    } cases[] = {{80, 220, 256, 840, 200e6, false}, {300, 300, 10, 10000, 400e6, true}, {2, 40, 10, 400000, 1e9, false}};
    lsnn_context *context = context_on(NULL, 2);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        lsnn_net_spec spec;
        lsnn_net *net;
        lsnn_sim *sim;
        lsnn_net_spec_init(&spec);
        spec.n_in = cases[k].n_in;
        spec.n_lif = cases[k].n_rec;
        spec.n_out = 1;
        spec.n_delay = 5;
        need(lsnn_net_create(&net, &spec));
        need(lsnn_sim_create(&sim, net, context,
                             &(lsnn_sim_options){.n_batch = cases[k].n_batch, .n_steps = cases[k].n_steps, .n_windows = 1, .train = true}));
        double row = (double)cases[k].n_rec * sim->lanes * sim->n_blocks * sizeof(float);
        double kept = row * sim->n_kept;
        if (!((double)sim->memory.size <= cases[k].most_bytes && kept > 100e6 && kept <= 256 << 20) ||
            (sim->n_kept >= cases[k].n_steps) != cases[k].keeps_all) {
            fail_msg("%d steps: %g bytes, %d steps kept in %g bytes", cases[k].n_steps, (double)sim->memory.size, sim->n_kept, kept);
        }
        lsnn_sim_free(sim);
        lsnn_net_free(net);
    }
    lsnn_context_free(context);
}

/* Going back gives the same bits, whether currents and noise of all steps are kept, of the last stretch, or of none. */
static void what_is_kept_changes_nothing(void **state) {
    (void)state;
    enum { N_STEPS = 100, N_BATCH = 11 };
    static const training variants[] = {ON_SPIKES, ON_CURRENTS, NOISY};
    lsnn_context *context = context_on(NULL, 2);
    for (int v = 0; v < 3; v++) {
        history h[3] = {{0}};
        for (int k = 0; k < 3; k++) {
            trainer r = start_training(context, variants[v], N_BATCH, N_STEPS);
            input x = make_input(N_STEPS, N_BATCH, 5);
            assert_true(r.sim->stretch < N_STEPS && r.sim->n_kept >= N_STEPS);
            r.sim->n_kept = k == 0 ? r.sim->n_kept : k == 1 ? r.sim->stretch : 0;
            train_once(&r, &x);
            assert_true(lsnn_gradient_norm(r.gradient) > 1e-3);
            remember_parameters(&h[k], r.net, r.gradient);
            free_input(x);
            stop_training(&r);
        }
        need_same_bits("kept: the last stretch", h[1].numbers, h[0].numbers, h[0].n);
        need_same_bits("kept: nothing", h[2].numbers, h[0].numbers, h[0].n);
        for (int k = 0; k < 3; k++) {
            free(h[k].numbers);
        }
    }
    lsnn_context_free(context);
}

/* ---- silence ---- */

static void need_all_zero(const char *name, const float *x, size_t n) {
    for (size_t k = 0; k < n; k++) {
        if (x[k] != 0) {
            fail_msg("%s[%zu] is %g, should be 0", name, k, (double)x[k]);
        }
    }
}

static void silence_for_zero_input(void **state) {
    (void)state;
    enum { N_STEPS = 100, N_BATCH = 9 };
    lsnn_context *context = context_on(NULL, 2);
    for (int variant = 0; variant < 4; variant++) {
        lsnn_net_spec spec = lively_spec(variant % 2 == 0 ? LSNN_SPIKES : LSNN_CURRENTS, false);
        spec.normalise = variant < 2 ? LSNN_BY_THRESHOLD : LSNN_BY_BASELINE;
        lsnn_net *net;
        need(lsnn_net_create(&net, &spec));
        static const float bias[N_OUT] = {0.25f, -1, 2};
        need(lsnn_net_set(net, "b_out", bias, N_OUT));
        lsnn_sim *sim = make_sim(net, context, N_BATCH, N_STEPS, 1, true);
        input x = {.spikes = calloc((size_t)N_STEPS * N_BATCH, N_IN), .currents = calloc((size_t)N_STEPS * N_BATCH * N_IN, sizeof(float))};
        need(give_input(sim, &x, 0, N_STEPS));
        need(lsnn_forward(sim));
        assert_true(lsnn_sim_rate(sim, NULL) == 0);
        float states[N_BATCH * N_REC];
        for (size_t s = 0; s < N_STATES; s++) {
            need(lsnn_sim_copy_state(sim, state_names[s], states));
            for (size_t k = 0; k < N_BATCH * N_REC; k++) {
                assert_true(states[k] == (s == 3 ? spec.v_th : 0));
            }
        }
        for (int k = 0; k < N_BATCH * N_OUT; k++) {
            assert_true(lsnn_sim_output(sim)[k] == bias[k % N_OUT]);
        }
        float d_output[N_BATCH * N_OUT];
        for (int k = 0; k < N_BATCH * N_OUT; k++) {
            d_output[k] = 1;
        }
        lsnn_gradient *gradient;
        double rate_loss;
        need(lsnn_gradient_create(&gradient, net));
        need(lsnn_backward(sim, d_output, &(lsnn_rate_goal){.strength = 100, .target_hz = 10}, gradient, &rate_loss));
        assert_true(fabs(rate_loss - 100 * N_REC * 0.01 * 0.01) < 1e-6);
        for (size_t a = 0; a < 4; a++) {
            size_t n;
            float *d = gradient_floats(gradient, net, parameter_names[a], &n);
            if (a < 3) {
                need_all_zero(parameter_names[a], d, n);
            } else {
                assert_true(d[0] == N_BATCH && d[2] == N_BATCH); /* the bias alone learns */
            }
            free(d);
        }
        lsnn_gradient_free(gradient);
        free_input(x);
        lsnn_sim_free(sim);
        lsnn_net_free(net);
    }
    lsnn_context_free(context);
}

/* ---- permutation ---- */

typedef struct wired {
    float tau_m[N_REC], tau_a[N_REC], beta[N_REC];
    uint8_t mask_in[N_REC * N_IN], mask_rec[N_REC * N_REC], mask_out[N_OUT * N_REC];
    int32_t delay_in[N_REC * N_IN], delay_rec[N_REC * N_REC];
    float w_in[N_REC * N_IN], w_rec[N_REC * N_REC], w_out[N_OUT * N_REC];
} wired;

/* Weights are k/1024: sums of them are exact, in any order. */
static float coarse(uint64_t stream, uint64_t index) {
    return (float)round(rng_normal(stream, RNG_TASK, index) * 250) / 1024;
}

static void draw_wired(wired *w, bool recurrent) {
    for (uint64_t j = 0; j < N_REC; j++) {
        w->tau_m[j] = 10 + (float)rng_below(1, RNG_TASK, j, 20);
        w->tau_a[j] = 30 + (float)rng_below(2, RNG_TASK, j, 200);
        w->beta[j] = rng_below(3, RNG_TASK, j, 2) == 0 ? 0 : 1.5f; /* LIF and adaptive neurons in any order */
    }
    for (uint64_t k = 0; k < N_REC * N_IN; k++) {
        w->mask_in[k] = rng_uniform(4, RNG_TASK, k) < 0.8;
        w->delay_in[k] = (int32_t)rng_below(5, RNG_TASK, k, N_DELAY);
        w->w_in[k] = w->mask_in[k] != 0 ? coarse(6, k) : 0;
    }
    for (uint64_t k = 0; k < N_REC * N_REC; k++) {
        w->mask_rec[k] = recurrent && k / N_REC != k % N_REC && rng_uniform(7, RNG_TASK, k) < 0.8;
        w->delay_rec[k] = 1 + (int32_t)rng_below(8, RNG_TASK, k, N_DELAY);
        w->w_rec[k] = w->mask_rec[k] != 0 ? coarse(9, k) : 0;
    }
    for (uint64_t k = 0; k < N_OUT * N_REC; k++) {
        w->mask_out[k] = rng_uniform(10, RNG_TASK, k) < 0.8;
        w->w_out[k] = w->mask_out[k] != 0 ? coarse(11, k) : 0;
    }
}

/* Neuron j of `from` is neuron place[j] of `to`. */
static void permute_wired(wired *to, const wired *from, const uint32_t *place) {
    for (size_t j = 0; j < N_REC; j++) {
        size_t new_j = place[j];
        to->tau_m[new_j] = from->tau_m[j];
        to->tau_a[new_j] = from->tau_a[j];
        to->beta[new_j] = from->beta[j];
        for (size_t i = 0; i < N_IN; i++) {
            to->mask_in[new_j * N_IN + i] = from->mask_in[j * N_IN + i];
            to->delay_in[new_j * N_IN + i] = from->delay_in[j * N_IN + i];
            to->w_in[new_j * N_IN + i] = from->w_in[j * N_IN + i];
        }
        for (size_t i = 0; i < N_REC; i++) {
            size_t new_i = place[i];
            to->mask_rec[new_j * N_REC + new_i] = from->mask_rec[j * N_REC + i];
            to->delay_rec[new_j * N_REC + new_i] = from->delay_rec[j * N_REC + i];
            to->w_rec[new_j * N_REC + new_i] = from->w_rec[j * N_REC + i];
        }
        for (size_t k = 0; k < N_OUT; k++) {
            to->mask_out[k * N_REC + new_j] = from->mask_out[k * N_REC + j];
            to->w_out[k * N_REC + new_j] = from->w_out[k * N_REC + j];
        }
    }
}

static lsnn_net *net_of(const wired *w) {
    lsnn_net_spec spec = lively_spec(LSNN_SPIKES, false);
    lsnn_net *net;
    spec.tau_m.values = w->tau_m;
    spec.tau_a.values = w->tau_a;
    spec.beta.values = w->beta;
    spec.mask_in = w->mask_in;
    spec.mask_rec = w->mask_rec;
    spec.mask_out = w->mask_out;
    spec.delay_in = w->delay_in;
    spec.delay_rec = w->delay_rec;
    need(lsnn_net_create(&net, &spec));
    need(lsnn_net_set(net, "w_in", w->w_in, N_REC * N_IN));
    need(lsnn_net_set(net, "w_rec", w->w_rec, N_REC * N_REC));
    need(lsnn_net_set(net, "w_out", w->w_out, N_OUT * N_REC));
    return net;
}

enum { PERMUTED_STEPS = 80, PERMUTED_BATCH = 5 };

typedef struct permuted_result {
    float *z[PERMUTED_BATCH], *v[PERMUTED_BATCH]; /* [n_steps][N_REC] */
    wired gradient;                               /* its weights */
    double rate;
} permuted_result;

static void run_permuted(const wired *w, permuted_result *out) {
    lsnn_context *context = context_on(NULL, 2);
    lsnn_net *net = net_of(w);
    lsnn_sim *sim = make_sim(net, context, PERMUTED_BATCH, PERMUTED_STEPS, 1, true);
    input x = make_input(PERMUTED_STEPS, PERMUTED_BATCH, 13);
    need(give_input(sim, &x, 0, PERMUTED_STEPS));
    need(lsnn_forward(sim));
    out->rate = lsnn_sim_rate(sim, NULL);
    for (int b = 0; b < PERMUTED_BATCH; b++) {
        out->z[b] = malloc(sizeof(float) * PERMUTED_STEPS * N_REC);
        out->v[b] = malloc(sizeof(float) * PERMUTED_STEPS * N_REC);
        need(lsnn_sim_copy_trace(sim, "z", b, out->z[b]));
        need(lsnn_sim_copy_trace(sim, "v", b, out->v[b]));
    }
    float *d_output = random_floats(PERMUTED_BATCH * N_OUT, -1, 1, 14);
    lsnn_gradient *gradient;
    need(lsnn_gradient_create(&gradient, net));
    need(lsnn_backward(sim, d_output, &(lsnn_rate_goal){.strength = 10, .target_hz = 10}, gradient, NULL));
    need(lsnn_gradient_copy(gradient, "w_in", out->gradient.w_in, N_REC * N_IN));
    need(lsnn_gradient_copy(gradient, "w_rec", out->gradient.w_rec, N_REC * N_REC));
    need(lsnn_gradient_copy(gradient, "w_out", out->gradient.w_out, N_OUT * N_REC));
    free(d_output);
    lsnn_gradient_free(gradient);
    free_input(x);
    lsnn_sim_free(sim);
    lsnn_net_free(net);
    lsnn_context_free(context);
}

static void need_close(const char *what, const float *got, const float *want, size_t n, double part) {
    double largest = 0;
    for (size_t k = 0; k < n; k++) {
        largest = fmax(largest, fabs((double)want[k]));
    }
    assert_true(largest > 0);
    for (size_t k = 0; k < n; k++) {
        double difference = fabs((double)got[k] - (double)want[k]);
        if (!(difference <= part * largest)) {
            fail_msg("%s[%zu] is %.9g, should be %.9g: off by %.3g of the largest", what, k, (double)got[k], (double)want[k],
                     difference / largest);
        }
    }
}

static void permuting_neurons_permutes_the_result(void **state) {
    (void)state;
    static wired before;
    static wired after;
    static wired want;
    static permuted_result a;
    static permuted_result b;
    for (int recurrent = 0; recurrent < 2; recurrent++) {
        draw_wired(&before, recurrent != 0);
        for (uint64_t seed = 0; seed < 3; seed++) {
            uint32_t place[N_REC];
            rng_permutation(seed, RNG_PERMUTE, 0, place, N_REC);
            permute_wired(&after, &before, place);
            run_permuted(&before, &a);
            run_permuted(&after, &b);
            assert_true(a.rate > 5);
            for (int k = 0; k < PERMUTED_BATCH; k++) {
                for (size_t t = 0; t < PERMUTED_STEPS; t++) {
                    for (size_t j = 0; j < N_REC; j++) {
                        size_t old = t * N_REC + j;
                        size_t new = t *N_REC + place[j];
                        if (a.z[k][old] != b.z[k][new] || a.v[k][old] != b.v[k][new]) {
                            fail_msg("seed %d, recurrent %d, sample %d, step %zu, neuron %zu: z %g and %g, v %.9g and %.9g", (int)seed,
                                     recurrent, k, t, j, (double)a.z[k][old], (double)b.z[k][new], (double)a.v[k][old],
                                     (double)b.v[k][new]);
                        }
                    }
                }
                free(a.z[k]);
                free(a.v[k]);
                free(b.z[k]);
                free(b.v[k]);
            }
            permute_wired(&want, &a.gradient, place);
            /* A gradient that comes through recurrent weights is a sum of numbers that are not k/1024: equal but for the order of its terms. */
            need_same_bits("d_w_out", b.gradient.w_out, want.w_out, N_OUT * N_REC);
            if (recurrent != 0) {
                need_close("d_w_in", b.gradient.w_in, want.w_in, N_REC * N_IN, 1e-5);
                need_close("d_w_rec", b.gradient.w_rec, want.w_rec, N_REC * N_REC, 1e-5);
            } else {
                need_same_bits("d_w_in", b.gradient.w_in, want.w_in, N_REC * N_IN);
            }
        }
    }
}

/* ---- batches ---- */

/* Gradient of the mean loss over a batch that is `x` (n samples) `times` over; goal: of the rates as well. */
static history batch_gradient(const lsnn_net *net, lsnn_context *context, const input *x, int n_steps, int n, int times) {
    int n_batch = n * times;
    lsnn_sim *sim = make_sim(net, context, n_batch, n_steps, 1, true);
    input all = make_input(n_steps, n_batch, 0);
    int32_t *class_of = malloc((size_t)n_batch * sizeof *class_of);
    for (int b = 0; b < n_batch; b++) {
        class_of[b] = b % n % N_OUT;
        for (int t = 0; t < n_steps; t++) {
            size_t to = ((size_t)t * (size_t)n_batch + (size_t)b) * N_IN;
            size_t from = ((size_t)t * (size_t)n + (size_t)(b % n)) * N_IN;
            memcpy(all.spikes + to, x->spikes + from, N_IN);
            memcpy(all.currents + to, x->currents + from, N_IN * sizeof(float));
        }
    }
    float *d_output = malloc((size_t)n_batch * N_OUT * sizeof *d_output);
    double loss;
    lsnn_gradient *gradient;
    history h = {0};
    need(give_input(sim, &all, 0, n_steps));
    need(lsnn_forward(sim));
    need(lsnn_loss_cross_entropy(sim, class_of, d_output, &loss, NULL, NULL));
    need(lsnn_gradient_create(&gradient, net));
    need(lsnn_backward(sim, d_output, &(lsnn_rate_goal){.strength = 10, .target_hz = 10}, gradient, NULL));
    for (size_t a = 0; a < 4; a++) {
        size_t n_values;
        float *values = gradient_floats(gradient, net, parameter_names[a], &n_values);
        memcpy(more(&h, n_values), values, n_values * sizeof *values);
        free(values);
    }
    lsnn_gradient_free(gradient);
    free(d_output);
    free(class_of);
    free_input(all);
    lsnn_sim_free(sim);
    return h;
}

static void samples_twice_leave_the_mean_gradient_alone(void **state) {
    (void)state;
    enum { N_STEPS = 60 };
    lsnn_context *context = context_on(NULL, 2);
    for (int variant = 0; variant < 2; variant++) {
        lsnn_net *net = lively_net(variant == 0 ? LSNN_SPIKES : LSNN_CURRENTS, false);
        for (int n = 1; n <= 19; n += 6) {
            input x = make_input(N_STEPS, n, 21);
            history once = batch_gradient(net, context, &x, N_STEPS, n, 1);
            history twice = batch_gradient(net, context, &x, N_STEPS, n, 2);
            need_close("gradient", twice.numbers, once.numbers, once.n, 1e-6);
            free(once.numbers);
            free(twice.numbers);
            free_input(x);
        }
        lsnn_net_free(net);
    }
    lsnn_context_free(context);
}

static void a_sample_does_not_see_its_company(void **state) {
    (void)state;
    enum { N_STEPS = 60, N_BATCH = 40 };
    lsnn_context *context = context_on(NULL, 2);
    for (int variant = 0; variant < 2; variant++) {
        lsnn_net *net = lively_net(variant == 0 ? LSNN_SPIKES : LSNN_CURRENTS, false);
        lsnn_sim *many = make_sim(net, context, N_BATCH, N_STEPS, 1, true);
        lsnn_sim *one = make_sim(net, context, 1, N_STEPS, 1, true);
        input x = make_input(N_STEPS, N_BATCH, 31);
        need(give_input(many, &x, 0, N_STEPS));
        need(lsnn_forward(many));
        float states[N_BATCH * N_REC];
        float state_of_one[N_REC];
        for (size_t b = 0; b < N_BATCH; b++) {
            input alone = make_input(N_STEPS, 1, 0);
            for (size_t t = 0; t < N_STEPS; t++) {
                memcpy(alone.spikes + t * N_IN, x.spikes + (t * N_BATCH + b) * N_IN, N_IN);
                memcpy(alone.currents + t * N_IN, x.currents + (t * N_BATCH + b) * N_IN, N_IN * sizeof(float));
            }
            lsnn_sim_reset(one);
            need(give_input(one, &alone, 0, N_STEPS));
            need(lsnn_forward(one));
            need_same_bits("output", lsnn_sim_output(one), lsnn_sim_output(many) + b * N_OUT, N_OUT);
            for (size_t s = 0; s < N_STATES; s++) {
                need(lsnn_sim_copy_state(many, state_names[s], states));
                need(lsnn_sim_copy_state(one, state_names[s], state_of_one));
                need_same_bits(state_names[s], state_of_one, states + b * N_REC, N_REC);
            }
            free_input(alone);
        }
        free_input(x);
        lsnn_sim_free(one);
        lsnn_sim_free(many);
        lsnn_net_free(net);
    }
    lsnn_context_free(context);
}

/* A batch of 5 leaves 3 of 8 lanes idle: its gradient is, bit for bit, that of a batch of 8 whose last three samples are silent and do not count. */
static void idle_lanes_contribute_nothing(void **state) {
    (void)state;
    enum { N_STEPS = 60, N_FEW = 5, N_FULL = 8 };
    lsnn_context *context = context_on(NULL, 1);
    for (int variant = 0; variant < 2; variant++) {
        lsnn_net *net = lively_net(variant == 0 ? LSNN_SPIKES : LSNN_CURRENTS, false);
        float d_output[N_FULL * N_OUT] = {0};
        float *given = random_floats(N_FEW * N_OUT, -1, 1, 8);
        memcpy(d_output, given, N_FEW * N_OUT * sizeof(float));
        input x = make_input(N_STEPS, N_FULL, 41);
        input few = make_input(N_STEPS, N_FEW, 0);
        for (size_t t = 0; t < N_STEPS; t++) {
            memcpy(few.spikes + t * N_FEW * N_IN, x.spikes + t * N_FULL * N_IN, N_FEW * N_IN);
            memcpy(few.currents + t * N_FEW * N_IN, x.currents + t * N_FULL * N_IN, N_FEW * N_IN * sizeof(float));
            memset(x.spikes + (t * N_FULL + N_FEW) * N_IN, 0, (N_FULL - N_FEW) * N_IN);
            memset(x.currents + (t * N_FULL + N_FEW) * N_IN, 0, (N_FULL - N_FEW) * N_IN * sizeof(float));
        }
        history h[2] = {{0}};
        double spikes[2];
        for (int which = 0; which < 2; which++) {
            int n_batch = which == 0 ? N_FEW : N_FULL;
            lsnn_sim *sim = make_sim(net, context, n_batch, N_STEPS, 1, true);
            lsnn_gradient *gradient;
            need(give_input(sim, which == 0 ? &few : &x, 0, N_STEPS));
            need(lsnn_forward(sim));
            need(lsnn_gradient_create(&gradient, net));
            need(lsnn_backward(sim, d_output, NULL, gradient, NULL));
            remember_parameters(&h[which], net, gradient);
            spikes[which] = lsnn_sim_rate(sim, NULL) * n_batch;
            lsnn_gradient_free(gradient);
            lsnn_sim_free(sim);
        }
        need_same_bits("gradient", h[0].numbers, h[1].numbers, h[1].n);
        assert_true(spikes[0] > 0);
        assert_true(fabs(spikes[0] - spikes[1]) < 1e-9 * spikes[1]);
        free(h[0].numbers);
        free(h[1].numbers);
        free(given);
        free_input(few);
        free_input(x);
        lsnn_net_free(net);
    }
    lsnn_context_free(context);
}

/* Noise moves the samples of the batch, and never an idle lane. */
static void idle_lanes_stay_at_rest_under_noise(void **state) {
    (void)state;
    enum { N_STEPS = 60 };
    lsnn_context *context = context_on(NULL, 1);
    lsnn_net *net = lively_net(LSNN_SPIKES, true);
    lsnn_sim *sim = make_sim(net, context, 33, N_STEPS, 1, true);
    input x = make_input(N_STEPS, 33, 1);
    need(give_input(sim, &x, 0, N_STEPS));
    need(lsnn_forward(sim));
    for (int k = 0; k < sim->n_blocks; k++) {
        const block *b = &sim->blocks[k];
        assert_true(b->n < sim->lanes);
        for (int j = 0; j < N_REC; j++) {
            for (int l = b->n; l < sim->lanes; l++) {
                assert_true(b->state.v[j * sim->lanes + l] == 0 && b->state.p[j * sim->lanes + l] == 0);
            }
        }
    }
    free_input(x);
    lsnn_sim_free(sim);
    lsnn_net_free(net);
    lsnn_context_free(context);
}

/* ---- calls that do not fit ---- */

static void calls_that_do_not_fit_are_refused(void **state) {
    (void)state;
    enum { N_STEPS = 20, N_BATCH = 3 };
    lsnn_context *context = context_on(NULL, 1);
    lsnn_net *net = lively_net(LSNN_SPIKES, false);
    lsnn_net *on_currents = lively_net(LSNN_CURRENTS, false);
    lsnn_sim *none = NULL;
    lsnn_sim_options good = {.n_batch = N_BATCH, .n_steps = N_STEPS, .n_windows = 2, .train = true};
    for (int which = 0; which < 3; which++) {
        lsnn_sim_options bad = good;
        *(which == 0 ? &bad.n_batch : which == 1 ? &bad.n_steps : &bad.n_windows) = 0;
        need_error(lsnn_sim_create(&none, net, context, &bad), LSNN_ERR_USAGE, NULL);
    }
    lsnn_sim_options huge = {
        .n_batch = INT32_MAX, .n_steps = INT32_MAX, .n_windows = 1, .train = true}; /* at once, not after hours of adding up */
    need_error(lsnn_sim_create(&none, net, context, &huge), LSNN_ERR_MEMORY, NULL);
    assert_null(none);

    lsnn_sim *sim = make_sim(net, context, N_BATCH, N_STEPS, 2, true);
    lsnn_sim *current_sim = make_sim(on_currents, context, N_BATCH, N_STEPS, 2, false);
    lsnn_gradient *gradient;
    lsnn_gradient *other;
    lsnn_net_spec spec = lively_spec(LSNN_SPIKES, false);
    spec.n_out = 7;
    lsnn_net *larger;
    need(lsnn_net_create(&larger, &spec));
    need(lsnn_gradient_create(&gradient, net));
    need(lsnn_gradient_create(&other, larger));
    input x = make_input(N_STEPS, N_BATCH, 3);
    float d_output[2 * N_BATCH * N_OUT] = {0};
    float to[N_STEPS * N_REC * N_BATCH];

    need_error(lsnn_forward(sim), LSNN_ERR_USAGE, "input");
    need_error(lsnn_backward(sim, d_output, NULL, gradient, NULL), LSNN_ERR_USAGE, "lsnn_forward");
    need_error(lsnn_sim_copy_trace(sim, "v", 0, to), LSNN_ERR_USAGE, "lsnn_forward");
    need_error(lsnn_sim_set_currents(sim, x.currents, N_STEPS), LSNN_ERR_USAGE, "spikes");
    need_error(lsnn_sim_set_spikes(current_sim, x.spikes, N_STEPS), LSNN_ERR_USAGE, "currents");
    need_error(lsnn_sim_set_spikes(sim, x.spikes, 0), LSNN_ERR_USAGE, "0 steps");
    need_error(lsnn_sim_set_spikes(sim, x.spikes, N_STEPS + 1), LSNN_ERR_USAGE, "21 steps");
    need_error(lsnn_sim_set_spikes(sim, x.spikes, -1), LSNN_ERR_USAGE, "-1 steps");
    static const int bad_windows[][4] = {{0, 5, 4, 9}, {3, 3, 5, 6}, {-1, 2, 3, 4}, {0, 5, 6, N_STEPS + 1}, {5, 4, 6, 7}};
    for (size_t k = 0; k < sizeof bad_windows / sizeof *bad_windows; k++) {
        const int *b = bad_windows[k];
        need_error(lsnn_sim_set_windows(sim, (int[]){b[0], b[2]}, (int[]){b[1], b[3]}, 2), LSNN_ERR_USAGE, "window");
    }
    need_error(lsnn_sim_set_windows(sim, (int[]){0, 1, 2}, (int[]){1, 2, 3}, 3), LSNN_ERR_USAGE, "windows");
    need_error(lsnn_sim_set_windows(sim, (int[]){0}, (int[]){1}, 0), LSNN_ERR_USAGE, "windows");

    /* a refused input leaves the one before in place */
    need(lsnn_sim_set_spikes(sim, x.spikes, N_STEPS));
    uint8_t kept = x.spikes[(3 * N_BATCH + 1) * N_IN + 4];
    x.spikes[(3 * N_BATCH + 1) * N_IN + 4] = 2;
    need_error(lsnn_sim_set_spikes(sim, x.spikes, N_STEPS), LSNN_ERR_DATA, "step 3, sample 1, neuron 4");
    x.spikes[(3 * N_BATCH + 1) * N_IN + 4] = kept;
    need(lsnn_forward(sim));
    float output[N_BATCH * N_OUT];
    memcpy(output, lsnn_sim_output(sim), sizeof output);
    need_error(lsnn_forward(sim), LSNN_ERR_USAGE, "input"); /* an input is run once */
    lsnn_sim_reset(sim);
    need(lsnn_sim_set_spikes(sim, x.spikes, N_STEPS));
    need(lsnn_forward(sim));
    need_same_bits("output", lsnn_sim_output(sim), output, N_BATCH * N_OUT);
    x.currents[5] = NAN;
    need_error(lsnn_sim_set_currents(current_sim, x.currents, N_STEPS), LSNN_ERR_DATA, "step 0, sample 0, neuron 5");
    x.currents[5] = INFINITY;
    need_error(lsnn_sim_set_currents(current_sim, x.currents, N_STEPS), LSNN_ERR_DATA, "finite");
    x.currents[5] = 0;

    need_error(lsnn_sim_copy_state(sim, "u", to), LSNN_ERR_USAGE, "u is not");
    need_error(lsnn_sim_copy_trace(sim, "u", 0, to), LSNN_ERR_USAGE, "u is not");
    need_error(lsnn_sim_copy_trace(sim, "v", N_BATCH, to), LSNN_ERR_USAGE, "sample 3");
    need_error(lsnn_sim_copy_trace(sim, "v", -1, to), LSNN_ERR_USAGE, "sample -1");
    need_error(lsnn_backward(sim, d_output, NULL, other, NULL), LSNN_ERR_USAGE, "parameters");
    need(lsnn_sim_set_currents(current_sim, x.currents, N_STEPS));
    need(lsnn_forward(current_sim));
    need_error(lsnn_backward(current_sim, d_output, NULL, gradient, NULL), LSNN_ERR_USAGE, "train");
    need_error(lsnn_sim_copy_trace(current_sim, "v", 0, to), LSNN_ERR_USAGE, "train");
    /* the default window is too long for a shorter input */
    need(lsnn_sim_set_spikes(sim, x.spikes, N_STEPS / 2));
    need_error(lsnn_forward(sim), LSNN_ERR_USAGE, "window");
    need(lsnn_sim_set_windows(sim, (int[]){0}, (int[]){N_STEPS / 2}, 1));
    need(lsnn_forward(sim));

    free_input(x);
    lsnn_gradient_free(gradient);
    lsnn_gradient_free(other);
    lsnn_sim_free(sim);
    lsnn_sim_free(current_sim);
    lsnn_net_free(net);
    lsnn_net_free(on_currents);
    lsnn_net_free(larger);
    lsnn_context_free(context);
}

/* ---- activity ---- */

/* Connections of each sender, from what anybody can read: weights that are not 0. */
static void count_synapses(const lsnn_net *net, const char *name, int n_pre, double *fan_out) {
    size_t n;
    float *w = net_floats(net, name, &n);
    for (size_t k = 0; k < n; k++) {
        fan_out[k % (size_t)n_pre] += w[k] != 0;
    }
    free(w);
}

static void operations_are_spikes_times_their_synapses(void **state) {
    (void)state;
    enum { N_STEPS = 60, N_BATCH = 21 };
    lsnn_net_spec spec = lively_spec(LSNN_SPIKES, false);
    spec.connectivity = 0.4F;
    lsnn_net *net;
    lsnn_sim *sim;
    lsnn_context *context = context_on(NULL, 2);
    double fan_in[N_IN] = {0}, fan_rec[N_REC] = {0}, spikes = 0, operations = 0, input_spikes = 0;
    float rate[N_REC];
    need(lsnn_net_create(&net, &spec));
    need(lsnn_sim_create(&sim, net, context, &(lsnn_sim_options){.n_batch = N_BATCH, .n_steps = N_STEPS, .n_windows = 1}));
    need(lsnn_sim_set_windows(sim, (int[]){0}, (int[]){N_STEPS}, 1));
    uint8_t *x = random_spikes((size_t)N_STEPS * N_BATCH * N_IN, 0.3, 5);
    need(lsnn_sim_set_spikes(sim, x, N_STEPS));
    need(lsnn_forward(sim));
    count_synapses(net, "w_in", N_IN, fan_in);
    count_synapses(net, "w_rec", N_REC, fan_rec);
    count_synapses(net, "w_out", N_REC, fan_rec);
    for (size_t k = 0; k < (size_t)N_STEPS * N_BATCH * N_IN; k++) {
        input_spikes += x[k];
        operations += x[k] * fan_in[k % N_IN];
    }
    lsnn_sim_rate(sim, rate);
    for (int j = 0; j < N_REC; j++) {
        double n = rate[j] / 1000 * (double)spec.dt * N_STEPS * N_BATCH;
        spikes += n;
        operations += n * fan_rec[j];
    }
    assert_true(spikes > 100);
    sim_activity sum = sim_count_activity(sim, N_BATCH);
    assert_true(sum.input_spikes == input_spikes);
    assert_true(fabs(sum.spikes - spikes) < 0.01);
    assert_true(fabs(sum.operations - operations) < 0.1);
    free(x);
    lsnn_sim_free(sim);
    lsnn_net_free(net);
    lsnn_context_free(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_are_spikes_times_their_synapses),
        cmocka_unit_test(same_bits_for_any_threads_and_vector_unit),
        cmocka_unit_test(step_by_step_and_whole),
        cmocka_unit_test(traces_are_the_states),
        cmocka_unit_test(traces_are_the_states_in_long_silence),
        cmocka_unit_test(reset_begins_anew),
        cmocka_unit_test(no_allocation_in_a_training_step),
        cmocka_unit_test(memory_is_what_it_says),
        cmocka_unit_test(memory_does_not_grow_with_the_states_of_all_steps),
        cmocka_unit_test(kept_currents_have_their_bounds),
        cmocka_unit_test(what_is_kept_changes_nothing),
        cmocka_unit_test(silence_for_zero_input),
        cmocka_unit_test(permuting_neurons_permutes_the_result),
        cmocka_unit_test(samples_twice_leave_the_mean_gradient_alone),
        cmocka_unit_test(a_sample_does_not_see_its_company),
        cmocka_unit_test(idle_lanes_contribute_nothing),
        cmocka_unit_test(idle_lanes_stay_at_rest_under_noise),
        cmocka_unit_test(calls_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests_name("laws", tests, NULL, NULL);
}
