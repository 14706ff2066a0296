/* Samples of different lengths in one batch: each is what it would be alone, whatever its company, and nothing after its end counts. */
#include "base/rng.h"
#include "learn/gradient.h"
#include "net/sim.h"
#include "support/needs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_IN = 9, N_REC = 15, N_OUT = 3, N_DELAY = 5, N_STEPS = 77, MOST_BATCH = 40, MOST_WINDOWS = N_STEPS };

/* ---- networks ---- */

typedef struct kind {
    const char *name;
    lsnn_input_kind input;
    bool noise; /* its size is trained, so that no current is kept and all are made again on the way back */
    bool detach_reset, by_baseline;
    int held; /* steps that each input lasts, differently long in each sample; 0: one */
} kind;

static const kind kinds[] = {{.name = "spikes", .input = LSNN_SPIKES},
                             {.name = "currents", .input = LSNN_CURRENTS},
                             {.name = "noise", .input = LSNN_SPIKES, .noise = true},
                             {.name = "currents and noise", .input = LSNN_CURRENTS, .noise = true, .by_baseline = true},
                             {.name = "held currents", .input = LSNN_CURRENTS, .held = 9},
                             {.name = "held currents and noise", .input = LSNN_CURRENTS, .noise = true, .held = 9},
                             {.name = "detached", .input = LSNN_SPIKES, .detach_reset = true}};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static lsnn_net *make_net(const kind *k) {
    lsnn_net *net;
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = N_IN;
    spec.n_lif = 8;
    spec.n_adaptive = N_REC - 8;
    spec.n_out = N_OUT;
    spec.input = k->input;
    spec.tau_m = (lsnn_spread){.low = 12, .high = 28};
    spec.tau_a = (lsnn_spread){.low = 40, .high = 200};
    spec.n_ref = 2;
    spec.n_delay = N_DELAY;
    spec.connectivity = 0.8f;
    spec.v_th = 0.0137f; /* v_th * (1 / v_th) is not 1 */
    spec.noise = k->noise ? 0.1f : 0;
    spec.noise_trainable = k->noise;
    spec.detach_reset = k->detach_reset;
    spec.normalise = k->by_baseline ? LSNN_BY_BASELINE : LSNN_BY_THRESHOLD;
    spec.seed = 5;
    need(lsnn_net_create(&net, &spec));
    return net;
}

/* ---- samples ---- */

static int length_of(int b) {
    static const int borders[] = {N_STEPS, 1, 32, 33, 31, 64, 66, 2, 76, 0};
    return b < 10 ? borders[b] : 1 + (int)rng_below(1, RNG_TASK, (uint64_t)b, N_STEPS);
}

static double number_of(const kind *k, int b, int t, int i) {
    int n_steps = k->held > 0 ? k->held + (b < 20 ? 0 : b % 3) : 1; /* in the first block of 16 they are held over more than the delays */
    t -= t % n_steps;
    return rng_uniform(7, RNG_TASK, (uint64_t)((b * N_STEPS + t) * N_IN + i));
}

/* Sample b to place `at` of n_batch; goes on after the sample's end, which nobody is to see. */
static void write_input(const kind *k, int b, int at, int n_batch, int n_steps, int n_own, uint8_t *spikes, float *currents) {
    for (int t = 0; t < n_steps; t++) {
        for (int i = 0; i < N_IN; i++) {
            size_t to = (size_t)((t * n_batch + at) * N_IN + i);
            if (k->input == LSNN_SPIKES) {
                spikes[to] = number_of(k, b, t, i) < 0.12;
            } else {
                currents[to] = t < n_own ? (float)(number_of(k, b, t, i) - 0.35) : 3e38f; /* whose sum is infinite */
            }
        }
    }
}

/* [n_windows]; 0: one over everything, 1: one for each step, 2: a few, with gaps. Returns how many. */
static int make_windows(int which, int *start, int *stop) {
    static const int starts[] = {3, 30, 33, 70}, stops[] = {12, 32, 66, 75};
    int n = which == 0 ? 1 : which == 1 ? N_STEPS : 4;
    for (int w = 0; w < n; w++) {
        start[w] = which == 0 ? 0 : which == 1 ? w : starts[w];
        stop[w] = which == 0 ? N_STEPS : which == 1 ? w + 1 : stops[w];
    }
    return n;
}

static float d_output_of(int b, int w, int o) {
    return (float)rng_uniform(11, RNG_TASK, (uint64_t)((b * MOST_WINDOWS + w) * N_OUT + o)) - 0.5f;
}

/* ---- one batch, forward and back ---- */

typedef struct outcome {
    float *output, *gradient, *trace; /* trace: z of each sample [n_batch][n_steps][N_REC] */
    float rate[N_REC];
    double rate_loss;
    sim_activity activity;
    int n_windows;
} outcome;

typedef struct scene {
    const kind *kind;
    const lsnn_net *net;
    lsnn_context *context;
    int windows;
    const lsnn_rate_goal *goal;
} scene;

static void release(outcome *x) {
    free(x->output);
    free(x->gradient);
    free(x->trace);
}

/* Samples first..first + n_batch - 1 in a batch of n_batch. lengths: NULL: none are set, and all have n_steps. */
static outcome run(const scene *s, int first, int n_batch, int n_steps, const int *lengths) {
    outcome x = {0};
    int start[MOST_WINDOWS], stop[MOST_WINDOWS];
    lsnn_sim *sim;
    lsnn_gradient *gradient;
    size_t n = (size_t)n_steps * (size_t)n_batch * N_IN;
    uint8_t *spikes = calloc(n, 1);
    float *currents = calloc(n, sizeof *currents);
    int n_windows = make_windows(s->windows, start, stop);
    while (n_windows > 0 && start[n_windows - 1] >= n_steps) {
        n_windows--;
    }
    bool any = n_windows > 0;
    n_windows = any ? n_windows : 1; /* one that gets no gradient */
    start[0] = any ? start[0] : 0;
    stop[n_windows - 1] = any && stop[n_windows - 1] < n_steps ? stop[n_windows - 1] : n_steps;
    float *d_output = calloc((size_t)(n_windows * n_batch * N_OUT), sizeof *d_output);
    for (int b = 0; b < n_batch; b++) {
        write_input(s->kind, first + b, b, n_batch, n_steps, lengths != NULL ? lengths[b] : n_steps, spikes, currents);
        for (int w = 0; w < n_windows; w++) {
            for (int o = 0; o < N_OUT; o++) {
                d_output[(w * n_batch + b) * N_OUT + o] = any ? d_output_of(first + b, w, o) : 0;
            }
        }
    }
    need(lsnn_sim_create(&sim, s->net, s->context,
                         &(lsnn_sim_options){.n_batch = n_batch, .n_steps = n_steps, .n_windows = n_windows, .train = true}));
    need(lsnn_sim_set_windows(sim, start, stop, n_windows));
    need(lsnn_gradient_create(&gradient, s->net));
    need(s->kind->input == LSNN_SPIKES ? lsnn_sim_set_spikes(sim, spikes, n_steps) : lsnn_sim_set_currents(sim, currents, n_steps));
    if (lengths != NULL) {
        need(lsnn_sim_set_lengths(sim, lengths));
    }
    need(lsnn_forward(sim));
    lsnn_sim_rate(sim, x.rate);
    need(lsnn_backward(sim, d_output, s->goal, gradient, &x.rate_loss));
    x.n_windows = n_windows;
    x.activity = sim_count_activity(sim, n_batch);
    x.output = malloc((size_t)(n_windows * n_batch * N_OUT) * sizeof *x.output);
    memcpy(x.output, lsnn_sim_output(sim), (size_t)(n_windows * n_batch * N_OUT) * sizeof *x.output);
    x.gradient = malloc(s->net->n_params * sizeof *x.gradient);
    memcpy(x.gradient, gradient->values, s->net->n_params * sizeof *x.gradient);
    x.trace = malloc((size_t)(n_batch * n_steps * N_REC) * sizeof *x.trace);
    for (int b = 0; b < n_batch; b++) {
        need(lsnn_sim_copy_trace(sim, "z", b, x.trace + (size_t)(b * n_steps * N_REC)));
    }
    lsnn_gradient_free(gradient);
    lsnn_sim_free(sim);
    free(spikes);
    free(currents);
    free(d_output);
    return x;
}

/* ---- laws ---- */

/* The sample alone; or, as noise depends on the place in the batch, with nobody else awake. */
static outcome run_alone(const scene *s, int b, int n_batch, int length) {
    if (!s->kind->noise) {
        return run(s, b, 1, length, NULL);
    }
    int lengths[MOST_BATCH] = {0};
    lengths[b] = length;
    return run(s, 0, n_batch, N_STEPS, lengths);
}

static void check_against_alone(const scene *s, int n_batch) {
    int lengths[MOST_BATCH] = {0};
    char what[120];
    double steps = 0, rates[N_REC] = {0};
    sim_activity activity = {0};
    double *sum = calloc(s->net->n_params, sizeof *sum);
    for (int b = 0; b < n_batch; b++) {
        lengths[b] = length_of(b);
    }
    outcome all = run(s, 0, n_batch, N_STEPS, lengths);
    for (int b = 0; b < n_batch; b++) {
        bool is_batch = s->kind->noise; /* of run_alone */
        int n = lengths[b], n_other = is_batch ? n_batch : 1, at = is_batch ? b : 0;
        static const float nothing[N_OUT];
        outcome alone = {0};
        if (n > 0) {
            alone = run_alone(s, b, n_batch, n);
        }
        int start[MOST_WINDOWS], stop[MOST_WINDOWS];
        make_windows(s->windows, start, stop);
        for (int w = 0; w < all.n_windows; w++) {
            snprintf(what, sizeof what, "%s, %d samples, windows %d: output of sample %d of %d steps, window %d", s->kind->name, n_batch,
                     s->windows, b, n, w);
            need_same_bits(what, all.output + (w * n_batch + b) * N_OUT, start[w] < n ? alone.output + (w * n_other + at) * N_OUT : nothing,
                           N_OUT);
        }
        for (int t = 0; t < N_STEPS; t++) {
            static const float silence[N_REC];
            int n_steps = is_batch ? N_STEPS : n;
            snprintf(what, sizeof what, "%s: spikes of sample %d of %d steps at step %d", s->kind->name, b, n, t);
            need_same_bits(what, all.trace + (b * N_STEPS + t) * N_REC, t < n ? alone.trace + (at * n_steps + t) * N_REC : silence, N_REC);
        }
        steps += n;
        for (int j = 0; j < N_REC && n > 0; j++) {
            rates[j] += (double)alone.rate[j] * n;
        }
        for (size_t p = 0; p < s->net->n_params && n > 0; p++) {
            sum[p] += (double)alone.gradient[p];
        }
        activity.spikes += alone.activity.spikes;
        activity.input_spikes += alone.activity.input_spikes;
        activity.operations += alone.activity.operations;
        release(&alone);
    }
    double largest = 0;
    for (size_t p = 0; p < s->net->n_params; p++) {
        largest = fmax(largest, fabs(sum[p]));
    }
    assert_true(largest > 1e-3);
    for (size_t p = 0; p < s->net->n_params; p++) {
        if (!(fabs((double)all.gradient[p] - sum[p]) < 2e-5 * largest)) {
            fail_msg("%s, %d samples: gradient %zu is %.9g, the sum of the samples' %.9g, the largest %.9g", s->kind->name, n_batch, p,
                     (double)all.gradient[p], sum[p], largest);
        }
    }
    for (int j = 0; j < N_REC; j++) {
        assert_true(fabs((double)all.rate[j] - rates[j] / steps) < 1e-4 + 1e-6 * rates[j] / steps);
    }
    assert_true(fabs(all.activity.spikes - activity.spikes) < 0.01 && activity.spikes > 10);
    assert_true(fabs(all.activity.input_spikes - activity.input_spikes) < 0.01);
    assert_true(fabs(all.activity.operations - activity.operations) < 1e-6 * activity.operations);
    release(&all);
    free(sum);
}

static void each_sample_is_what_it_is_alone(void **state) {
    (void)state;
    static const int batches[] = {1, 10, 40};
    lsnn_context *context = context_on(NULL, 2);
    for (int k = 0; k < N_KINDS; k++) {
        lsnn_net *net = make_net(&kinds[k]);
        for (int windows = 0; windows < 3; windows++) {
            for (size_t n = 0; n < sizeof batches / sizeof *batches; n++) {
                check_against_alone(&(scene){.kind = &kinds[k], .net = net, .context = context, .windows = windows}, batches[n]);
            }
        }
        lsnn_net_free(net);
    }
    lsnn_context_free(context);
}

static const lsnn_rate_goal goal = {.strength = 10, .target_hz = 20};

static void need_same_outcome(const char *what, const scene *s, int n_batch, const outcome *got, const outcome *want) {
    need_same_bits(what, got->output, want->output, (size_t)(want->n_windows * n_batch * N_OUT));
    need_same_bits(what, got->gradient, want->gradient, s->net->n_params);
    need_same_bits(what, got->rate, want->rate, N_REC);
    need_same_bits(what, got->trace, want->trace, (size_t)(n_batch * N_STEPS * N_REC));
    assert_true(got->rate_loss == want->rate_loss);
}

static void same_bits_for_any_threads_and_vector_unit(void **state) {
    (void)state;
    const char *units[MAX_VECTOR_UNITS];
    size_t n_units = vector_units(units);
    int lengths[MOST_BATCH] = {0};
    for (int b = 0; b < MOST_BATCH; b++) {
        lengths[b] = length_of(b);
    }
    for (int k = 0; k < N_KINDS; k++) {
        lsnn_net *net = make_net(&kinds[k]);
        scene s = {.kind = &kinds[k], .net = net, .context = context_on(units[0], 1), .windows = 2, .goal = &goal};
        outcome want = run(&s, 0, MOST_BATCH, N_STEPS, lengths);
        lsnn_context_free(s.context);
        for (size_t other = 0; other < 4; other++) {
            s.context = context_on(units[other % n_units], 1 + (int)other);
            outcome got = run(&s, 0, MOST_BATCH, N_STEPS, lengths);
            need_same_outcome(kinds[k].name, &s, MOST_BATCH, &got, &want);
            release(&got);
            lsnn_context_free(s.context);
        }
        release(&want);
        lsnn_net_free(net);
    }
}

static void equal_lengths_change_nothing(void **state) {
    (void)state;
    lsnn_context *context = context_on(NULL, 2);
    int lengths[MOST_BATCH] = {0};
    for (int b = 0; b < MOST_BATCH; b++) {
        lengths[b] = N_STEPS;
    }
    for (int k = 0; k < N_KINDS; k++) {
        lsnn_net *net = make_net(&kinds[k]);
        scene s = {.kind = &kinds[k], .net = net, .context = context, .windows = 2, .goal = &goal};
        outcome want = run(&s, 0, MOST_BATCH, N_STEPS, NULL);
        outcome got = run(&s, 0, MOST_BATCH, N_STEPS, lengths);
        need_same_outcome(kinds[k].name, &s, MOST_BATCH, &got, &want);
        release(&got);
        release(&want);
        lsnn_net_free(net);
    }
    lsnn_context_free(context);
}

/* What comes before a batch with lengths, different or not, is carried into it; after it all begins anew, noise and spikes under way included. */
static void begins_at_rest_after(const int *lengths) {
    enum { N_BATCH = 10 };
    lsnn_context *context = context_on(NULL, 1);
    lsnn_net *net = make_net(&kinds[2]);
    lsnn_sim *sim;
    uint8_t *spikes = random_spikes((size_t)N_STEPS * N_BATCH * N_IN, 0.12, 3);
    float states[N_BATCH * N_REC], first[N_BATCH * N_OUT];
    need(lsnn_sim_create(&sim, net, context, &(lsnn_sim_options){.n_batch = N_BATCH, .n_steps = N_STEPS, .n_windows = 1}));
    need(lsnn_sim_set_spikes(sim, spikes, N_STEPS));
    need(lsnn_forward(sim));
    memcpy(first, lsnn_sim_output(sim), sizeof first);
    need(lsnn_sim_set_spikes(sim, spikes, N_STEPS));
    need(lsnn_sim_set_lengths(sim, lengths));
    need(lsnn_forward(sim));
    assert_true(memcmp(lsnn_sim_output(sim), first, N_OUT * sizeof(float)) != 0); /* sample 0 is whole, and went on from the state before */
    static const char *const names[] = {"v", "b", "z", "refractory", "p"};
    for (int k = 0; k < 5; k++) {
        need(lsnn_sim_copy_state(sim, names[k], states));
        for (int at = 0; at < N_BATCH * N_REC; at++) {
            assert_true(states[at] == 0);
        }
    }
    need(lsnn_sim_set_spikes(sim, spikes, N_STEPS));
    need(lsnn_forward(sim));
    need_same_bits("output", lsnn_sim_output(sim), first, N_BATCH * N_OUT);
    free(spikes);
    lsnn_sim_free(sim);
    lsnn_net_free(net);
    lsnn_context_free(context);
}

static void the_next_sequence_begins_at_rest(void **state) {
    (void)state;
    int different[10], equal[10];
    for (int b = 0; b < 10; b++) {
        different[b] = length_of(b);
        equal[b] = N_STEPS;
    }
    begins_at_rest_after(different);
    begins_at_rest_after(equal);
}

static void lengths_that_do_not_fit_are_refused(void **state) {
    (void)state;
    lsnn_context *context = context_on(NULL, 1);
    lsnn_net *net = make_net(&kinds[0]);
    lsnn_sim *sim;
    uint8_t spikes[5 * 2 * N_IN] = {0};
    need(lsnn_sim_create(&sim, net, context, &(lsnn_sim_options){.n_batch = 2, .n_steps = 9, .n_windows = 1}));
    need(lsnn_sim_set_windows(sim, (int[]){0}, (int[]){5}, 1));
    need_error(lsnn_sim_set_lengths(sim, (int[]){5, 5}), LSNN_ERR_USAGE, "no new input");
    need(lsnn_sim_set_spikes(sim, spikes, 5));
    need_error(lsnn_sim_set_lengths(sim, (int[]){5, 6}), LSNN_ERR_USAGE, "sample 1 is to have 6 steps; the input has 0..5");
    need_error(lsnn_sim_set_lengths(sim, (int[]){-1, 5}), LSNN_ERR_USAGE, "sample 0 is to have -1 steps");
    need(lsnn_sim_set_lengths(sim, (int[]){0, 0}));
    need(lsnn_forward(sim));
    assert_true(lsnn_sim_rate(sim, NULL) == 0);
    need_error(lsnn_sim_set_lengths(sim, (int[]){5, 5}), LSNN_ERR_USAGE, "no new input");
    lsnn_sim_free(sim);
    lsnn_net_free(net);
    lsnn_context_free(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_sample_is_what_it_is_alone),
                                       cmocka_unit_test(same_bits_for_any_threads_and_vector_unit),
                                       cmocka_unit_test(equal_lengths_change_nothing), cmocka_unit_test(the_next_sequence_begins_at_rest),
                                       cmocka_unit_test(lengths_that_do_not_fit_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
