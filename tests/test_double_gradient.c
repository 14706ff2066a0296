/* The backward equations against central finite differences, in double precision, on networks of soft spikes (house law: the pseudo-derivative is not the
 * derivative of a step, but it is that of its own integral). */
#include "learn/gradient.h"
#include "net/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_IN = 4, N_REC = 7, N_OUT = 3, N_BATCH = 3, N_STEPS = 47, N_WINDOWS = 3, N_DELAY = 4 };

typedef struct switches {
    const char *name;
    lsnn_normalise normalise;
    lsnn_input_kind input;
    bool detach_reset, no_adaptation, noise, carried, per_step, examples, goal_only, lengths;
    int n_ref, n_delay;
    int held; /* steps that each input lasts; 0: 1 */
    float tau_out;
    float connectivity;
} switches;

static const switches cases[] = {
    {.name = "lif", .no_adaptation = true, .n_delay = 1, .tau_out = 20, .connectivity = 1},
    {.name = "delays", .no_adaptation = true, .n_delay = N_DELAY, .tau_out = 20, .connectivity = 1},
    {.name = "adaptive", .n_delay = N_DELAY, .tau_out = 20, .connectivity = 1},
    {.name = "refractory", .n_ref = 3, .n_delay = N_DELAY, .tau_out = 20, .connectivity = 1},
    {.name = "normalised by the baseline", .normalise = LSNN_BY_BASELINE, .n_ref = 2, .n_delay = N_DELAY, .tau_out = 20, .connectivity = 1},
    {.name = "detached reset", .detach_reset = true, .n_ref = 2, .n_delay = N_DELAY, .tau_out = 20, .connectivity = 1},
    {.name = "detached reset, normalised by the baseline",
     .detach_reset = true,
     .normalise = LSNN_BY_BASELINE,
     .n_delay = N_DELAY,
     .tau_out = 20,
     .connectivity = 1},
    {.name = "currents", .input = LSNN_CURRENTS, .n_ref = 2, .n_delay = N_DELAY, .tau_out = 20, .connectivity = 1},
    {.name = "currents that are held", .input = LSNN_CURRENTS, .held = 5, .n_ref = 2, .n_delay = 1, .tau_out = 20, .connectivity = 1},
    {.name = "currents that are held, delays",
     .input = LSNN_CURRENTS,
     .held = 7,
     .carried = true,
     .n_ref = 2,
     .n_delay = N_DELAY,
     .tau_out = 20,
     .connectivity = 1},
    {.name = "trainable noise", .noise = true, .n_ref = 2, .n_delay = N_DELAY, .tau_out = 20, .connectivity = 1},
    {.name = "carried state", .carried = true, .n_ref = 2, .n_delay = N_DELAY, .tau_out = 20, .connectivity = 1},
    {.name = "no readout filter", .n_ref = 2, .n_delay = N_DELAY, .tau_out = 0, .connectivity = 1},
    {.name = "masked", .n_ref = 2, .n_delay = N_DELAY, .tau_out = 20, .connectivity = 0.5f},
    {.name = "regulariser alone", .goal_only = true, .n_ref = 2, .n_delay = N_DELAY, .tau_out = 20, .connectivity = 1},
    {.name = "windows of one step", .per_step = true, .n_ref = 2, .n_delay = N_DELAY, .tau_out = 5, .connectivity = 1},
    {.name = "an episode of examples", .examples = true, .n_ref = 2, .n_delay = N_DELAY, .tau_out = 0, .connectivity = 1},
    {.name = "everything",
     .input = LSNN_CURRENTS,
     .noise = true,
     .carried = true,
     .per_step = true,
     .n_ref = 2,
     .n_delay = N_DELAY,
     .tau_out = 5,
     .connectivity = 0.6f},
    {.name = "samples of different lengths", .lengths = true, .n_ref = 2, .n_delay = N_DELAY, .tau_out = 20, .connectivity = 1},
    {.name = "regulariser alone, samples of different lengths",
     .lengths = true,
     .goal_only = true,
     .n_ref = 2,
     .n_delay = N_DELAY,
     .tau_out = 20,
     .connectivity = 1},
    {.name = "everything, samples of different lengths",
     .lengths = true,
     .input = LSNN_CURRENTS,
     .normalise = LSNN_BY_BASELINE,
     .noise = true,
     .carried = true,
     .per_step = true,
     .n_ref = 2,
     .n_delay = N_DELAY,
     .tau_out = 5,
     .connectivity = 0.6f},
};

/* One as long as the batch; one that ends within a window; one whose last step is the first of the second stretch. */
static const int lengths[N_BATCH] = {N_STEPS, 8, 33};

static void need(lsnn_status status) {
    if (status != LSNN_OK) {
        fail_msg("%s: %s", lsnn_status_name(status), lsnn_error());
    }
}

typedef struct experiment {
    const switches *s;
    lsnn_net *net;
    lsnn_sim *sim;
    soft_spikes soft;
    float *currents;
    uint8_t *spikes;
    real *eps;
    float *d_output;
    unsigned char *memory; /* the simulation's memory before the sequence whose gradient is taken */
    lsnn_sim before;
    int n_windows;
} experiment;

static void set_input(experiment *x, uint64_t which) {
    size_t step = (size_t)N_BATCH * N_IN;
    for (size_t k = 0; k < (size_t)N_STEPS * step; k++) {
        size_t first = x->s->held > 0 ? k / step / (size_t)x->s->held * (size_t)x->s->held : k / step;
        double u = rng_uniform(7 + which, RNG_TASK, first * step + k % step);
        x->spikes[k] = u < 0.2;
        x->currents[k] = (float)(u - 0.4);
    }
    need(x->s->input == LSNN_SPIKES ? lsnn_sim_set_spikes(x->sim, x->spikes, N_STEPS)
                                    : lsnn_sim_set_currents(x->sim, x->currents, N_STEPS));
}

/* Loss: a fixed sum of the outputs, plus the rate goal's. */
static const lsnn_rate_goal goal = {.strength = 900, .target_hz = 30};

static double loss_now(experiment *x) {
    memcpy(x->sim->memory.memory, x->memory, x->sim->memory.size);
    *x->sim = x->before;
    set_input(x, 1);
    if (x->s->lengths) {
        need(lsnn_sim_set_lengths(x->sim, lengths));
    }
    x->net->version++; /* whoever calls this has changed the weights behind the library's back */
    need(lsnn_forward(x->sim));
    double loss = 0;
    for (int b = 0; b < N_BATCH; b++) {
        int lane;
        const block *k = sim_block_of(x->sim, b, &lane);
        for (int w = 0; w < x->n_windows; w++) {
            for (int o = 0; o < N_OUT && x->sim->window_start[w] < x->sim->length[b]; o++) {
                loss += (double)x->d_output[(w * N_BATCH + b) * N_OUT + o] * (double)k->y[(w * N_OUT + o) * x->sim->lanes + lane];
            }
        }
    }
    for (int j = 0; j < N_REC; j++) {
        double excess = x->sim->rate[j] / (double)x->net->spec.dt - (double)goal.target_hz / 1000;
        loss += (double)goal.strength * excess * excess;
    }
    return loss;
}

static void check(const switches *s) {
    experiment x = {.s = s};
    lsnn_context *context;
    need(lsnn_context_create(&context, 2));
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    static const float tau_m[N_REC] = {20, 15, 30, 12, 20, 25, 18};
    static const float tau_a[N_REC] = {50, 90, 30, 200, 60, 40, 80};
    static const float beta[N_REC] = {0, 1.5f, 0, 0, 2, 1, 0};
    static const float no_beta[N_REC] = {0};
    spec.n_in = N_IN;
    spec.n_lif = N_REC;
    spec.n_out = N_OUT;
    spec.tau_m.values = tau_m;
    spec.tau_a.values = tau_a;
    spec.beta.values = s->no_adaptation ? no_beta : beta;
    spec.normalise = s->normalise;
    spec.input = s->input;
    spec.detach_reset = s->detach_reset;
    spec.noise_trainable = s->noise;
    spec.noise = s->noise ? 0.2f : 0;
    spec.n_ref = s->n_ref;
    spec.n_delay = s->n_delay;
    spec.tau_out = s->tau_out;
    spec.connectivity = s->connectivity;
    spec.scale_in = 1.5f;
    spec.scale_rec = 4;
    spec.dt = 1.5f;
    spec.seed = 3;
    need(lsnn_net_create(&x.net, &spec));
    x.n_windows = s->per_step ? N_STEPS - 10 : s->examples ? N_STEPS / 5 : N_WINDOWS;
    size_t rows = (size_t)N_STEPS * N_REC * 8;
    x.soft = (soft_spikes){.record = true, .refractory = calloc(rows, sizeof(real)), .reset = calloc(rows, sizeof(real))};
    x.currents = malloc(sizeof(float) * N_STEPS * N_BATCH * N_IN);
    x.spikes = malloc((size_t)N_STEPS * N_BATCH * N_IN);
    x.eps = malloc(sizeof(real) * N_STEPS * N_BATCH * N_REC);
    for (size_t k = 0; k < (size_t)N_STEPS * N_BATCH * N_REC; k++) {
        x.eps[k] = (real)rng_normal(5, RNG_NOISE, k);
    }
    size_t n_outputs = (size_t)x.n_windows * N_BATCH * N_OUT;
    x.d_output = malloc(sizeof(float) * n_outputs);
    for (size_t k = 0; k < n_outputs; k++) {
        x.d_output[k] = s->goal_only ? 0 : (float)(rng_uniform(11, RNG_TASK, k) - 0.5);
    }
    need(sim_create_soft(&x.sim, x.net, context,
                         &(lsnn_sim_options){.n_batch = N_BATCH, .n_steps = N_STEPS, .n_windows = x.n_windows, .train = true}, &x.soft));
    x.sim->given_noise = s->noise ? x.eps : NULL;
    int start[N_STEPS] = {3, 20, 30};
    int stop[N_STEPS] = {9, 21, N_STEPS};
    for (int w = 0; s->per_step && w < x.n_windows; w++) {
        start[w] = 5 + w;
        stop[w] = 6 + w;
    }
    for (int w = 0; s->examples && w < x.n_windows; w++) { /* one after another, without gaps */
        start[w] = 5 * w;
        stop[w] = 5 * w + 5;
    }
    need(lsnn_sim_set_windows(x.sim, start, stop, x.n_windows));
    if (s->carried) {
        set_input(&x, 0);
        need(lsnn_forward(x.sim));
    }
    x.before = *x.sim;
    x.memory = malloc(x.sim->memory.size);
    memcpy(x.memory, x.sim->memory.memory, x.sim->memory.size);

    loss_now(&x); /* records what is frozen */
    x.soft.record = false;
    lsnn_gradient *gradient;
    need(lsnn_gradient_create(&gradient, x.net));
    loss_now(&x);
    need(lsnn_backward(x.sim, x.d_output, &goal, gradient, NULL));

    double largest = 0;
    for (size_t k = 0; k < x.net->n_params; k++) {
        largest = fmax(largest, fabs((double)gradient->values[k]));
    }
    assert_true(largest > 1e-3);
    size_t n_not_zero = 0;
    for (size_t k = 0; k < x.net->n_params; k++) {
        const double step = 1e-7; /* the pseudo-derivative has kinks: the error is of the order of the step */
        real w = x.net->params[k];
        x.net->params[k] = w + (real)step;
        double above = loss_now(&x);
        x.net->params[k] = w - (real)step;
        double below = loss_now(&x);
        x.net->params[k] = w;
        double numeric = (above - below) / (2 * step);
        double difference = fabs(numeric - (double)gradient->values[k]) / largest;
        n_not_zero += fabs(numeric) > 1e-6 * largest;
        if (!(difference < 1e-7)) {
            fail_msg(
                "%s: parameter %zu of %zu (w_rec from %zu, w_out from %zu): backward %.12g, finite differences %.12g, %.2g of the largest",
                s->name, k, x.net->n_params, x.net->rec.first, x.net->out.first, (double)gradient->values[k], numeric, difference);
        }
    }
    assert_true(n_not_zero * 3 > x.net->n_params); /* the network is alive */
    lsnn_gradient_free(gradient);
    free(x.memory);
    free(x.currents);
    free(x.spikes);
    free(x.eps);
    free(x.d_output);
    free(x.soft.refractory);
    free(x.soft.reset);
    lsnn_sim_free(x.sim);
    lsnn_net_free(x.net);
    lsnn_context_free(context);
}

static void test_case(void **state) {
    check(*state);
}

int main(void) {
    enum { N_CASES = sizeof cases / sizeof *cases };
    struct CMUnitTest tests[N_CASES];
    for (size_t k = 0; k < N_CASES; k++) {
        tests[k] = (struct CMUnitTest){.name = cases[k].name, .test_func = test_case, .initial_state = (void *)(uintptr_t)&cases[k]};
    }
    return _cmocka_run_group_tests("finite differences", tests, N_CASES, NULL, NULL);
}
