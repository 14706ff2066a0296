/* What can be timed, and making it ready. */
#include "base/rng.h"
#include "bench/bench.h"

#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* ---- keys ---- */

enum key_kind { KEY_WHOLE, KEY_NUMBER, KEY_SWITCH };

static const struct key {
    const char *name;
    enum key_kind kind;
    size_t offset; /* in lsnn_bench_work */
    double low, high;
} keys[] = {
    {"batch", KEY_WHOLE, offsetof(lsnn_bench_work, n_batch), 1, 65536},
    {"steps", KEY_WHOLE, offsetof(lsnn_bench_work, n_steps), 10, 1e6},
    {"inputs", KEY_WHOLE, offsetof(lsnn_bench_work, n_in), 4, 4096},
    {"neurons", KEY_WHOLE, offsetof(lsnn_bench_work, n_rec), 2, 16384},
    {"delays", KEY_WHOLE, offsetof(lsnn_bench_work, n_delay), 1, 256},
    {"connectivity", KEY_NUMBER, offsetof(lsnn_bench_work, connectivity), 1e-6, 1},
    {"rate", KEY_NUMBER, offsetof(lsnn_bench_work, rate_hz), 0.1, 150},
    {"lstm", KEY_SWITCH, offsetof(lsnn_bench_work, lstm), 0, 0},
    {"training", KEY_SWITCH, offsetof(lsnn_bench_work, training), 0, 0},
    {"stepwise", KEY_SWITCH, offsetof(lsnn_bench_work, step_by_step), 0, 0},
};
enum { N_KEYS = sizeof keys / sizeof *keys };

void lsnn_bench_work_init(lsnn_bench_work *work) {
    *work = (lsnn_bench_work){.name = "custom",
                              .n_batch = 256,
                              .n_steps = 840,
                              .n_in = 80,
                              .n_rec = 220,
                              .n_delay = 10,
                              .connectivity = 1,
                              .rate_hz = 10,
                              .training = true};
}

static const struct key *find_key(const char *name, size_t length) {
    for (int k = 0; k < N_KEYS; k++) {
        if (strlen(keys[k].name) == length && memcmp(keys[k].name, name, length) == 0) {
            return &keys[k];
        }
    }
    return NULL;
}

/* JSON's numbers: decimal, whatever the locale. NaN: it is none. */
static double read_number(const char *text) {
    json_t *number = json_loads(text, JSON_DECODE_ANY, NULL);
    double x = json_is_number(number) ? json_number_value(number) : NAN;
    json_decref(number);
    return x;
}

static bool fits(const struct key *key, double x) {
    return x >= key->low && x <= key->high && (key->kind != KEY_WHOLE || x == floor(x));
}

lsnn_status lsnn_bench_set(lsnn_bench_work *work, const char *assignment) {
    size_t length = strcspn(assignment, "=");
    const struct key *key = find_key(assignment, length);
    if (key == NULL) {
        return fail(LSNN_ERR_USAGE,
                    "'%s': the benchmark has no such key; write KEY=VALUE with one of batch, steps, inputs, neurons, delays, connectivity, "
                    "rate, lstm, training, stepwise",
                    assignment);
    }
    const char *value = assignment[length] == '=' ? assignment + length + 1 : "";
    void *field = (char *)work + key->offset;
    if (key->kind == KEY_SWITCH) {
        bool yes = strcmp(value, "true") == 0;
        if (!yes && strcmp(value, "false") != 0) {
            return fail(LSNN_ERR_USAGE, "%s is '%s'; it can be true or false", key->name, value);
        }
        *(bool *)field = yes;
        return LSNN_OK;
    }
    double x = read_number(value);
    if (!fits(key, x)) {
        return fail(LSNN_ERR_USAGE, "%s is '%s'; it needs a %snumber from %g to %.10g", key->name, value,
                    key->kind == KEY_WHOLE ? "whole " : "", key->low, key->high);
    }
    if (key->kind == KEY_WHOLE) {
        *(int *)field = (int)x;
    } else {
        *(double *)field = x;
    }
    return LSNN_OK;
}

lsnn_status bench_check(const lsnn_bench_work *work) {
    for (int k = 0; k < N_KEYS; k++) {
        const void *field = (const char *)work + keys[k].offset;
        double x = keys[k].kind == KEY_WHOLE ? *(const int *)field : keys[k].kind == KEY_NUMBER ? *(const double *)field : 0;
        if (!fits(&keys[k], x)) {
            return fail(LSNN_ERR_USAGE, "%s is %g; it must be from %g to %.10g", keys[k].name, x, keys[k].low, keys[k].high);
        }
    }
    if (work->lstm && (work->step_by_step || work->connectivity < 1)) {
        return fail(LSNN_ERR_USAGE, "an LSTM is timed fully connected, and by whole sequences; leave out stepwise and connectivity");
    }
    return work->training && work->step_by_step ? fail(LSNN_ERR_USAGE, "training step by step is not timed; choose one of both") : LSNN_OK;
}

/* ---- input ---- */

static void write_stroke(const lsnn_bench_work *work, const input_lane *to, rng_sequence *random) {
    enum { WIDEST = 5 };
    int n_thresholds = (work->n_in - 2) / 2;
    int t = (int)(rng_next(random) * (bench_cue_start(work) - WIDEST));
    int width = 1 + (int)(rng_next(random) * WIDEST);
    for (int threshold = 0; threshold < n_thresholds; threshold++) {
        lane_add_spike(to, t, threshold);
        lane_add_spike(to, t + width, n_thresholds + threshold);
    }
}

/* About as many spikes as a digit makes, which has 784 steps before the cue: 30 strokes, each crossing all thresholds up and, some steps later, down. */
void bench_write_sample(const lsnn_bench_work *work, const input_lane *to, int b) {
    int cue_start = bench_cue_start(work);
    int n_strokes = (30 * cue_start + 391) / 784;
    rng_sequence random = rng_sequence_start(1, RNG_BENCH, (uint64_t)b);
    for (int stroke = 0; stroke < n_strokes || stroke == 0; stroke++) {
        write_stroke(work, to, &random);
    }
    for (int t = cue_start; t < work->n_steps; t++) {
        lane_add_spike(to, t, work->n_in - 1);
    }
}

lsnn_status bench_fill(const lsnn_bench_work *work, lsnn_sim *sim) {
    lsnn_sim_reset(sim);
    lsnn_status status = sim_begin_input(sim, work->n_steps);
    for (int b = 0; b < sim->options.n_batch && status == LSNN_OK; b++) {
        input_lane to = sim_input_lane(sim, b);
        bench_write_sample(work, &to, b);
    }
    return status;
}

void bench_copy_input(const lsnn_sim *sim, uint8_t *to) {
    size_t n_in = (size_t)sim->net->spec.n_in;
    size_t n_batch = (size_t)sim->options.n_batch;
    for (size_t b = 0; b < n_batch; b++) {
        int lane;
        const block *k = sim_block_of(sim, (int)b, &lane);
        for (size_t t = 0; t < (size_t)sim->n_steps; t++) {
            for (size_t i = 0; i < n_in; i++) {
                to[(t * n_batch + b) * n_in + i] = (uint8_t)(k->staged[t * n_in + i] >> lane & 1);
            }
        }
    }
}

/* ---- network ---- */

static lsnn_status make_net(lsnn_net **out, const lsnn_bench_work *work) {
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = work->n_in;
    spec.n_adaptive = (int)(((int64_t)work->n_rec * 100 + 110) / 220);
    spec.n_lif = work->n_rec - spec.n_adaptive;
    spec.n_out = 10;
    spec.n_ref = 5;
    spec.n_delay = work->n_delay;
    spec.connectivity = (float)work->connectivity;
    if (work->connectivity < 1) {
        spec.excitatory = 0.75f;
        spec.init = LSNN_INIT_BALANCED;
    }
    return lsnn_net_create(out, &spec);
}

static void scale_weights(lsnn_net *net, const real *unscaled, double scale) {
    const matrix *scaled[] = {&net->in, &net->rec};
    for (int m = 0; m < 2; m++) {
        for (size_t k = 0; k < scaled[m]->n; k++) {
            net->params[scaled[m]->first + k] = unscaled[scaled[m]->first + k] * (real)scale;
        }
    }
    net->version++;
}

/* Stretches the interval until the rate lies in it, then halves it, on the scale's logarithm; near enough is 3 %. */
static lsnn_status scale_to_rate(lsnn_net *net, lsnn_context *context, const lsnn_bench_work *work) {
    enum { MOST_RUNS = 14, MOST_SAMPLES = 64 };
    lsnn_status status = LSNN_OK;
    lsnn_sim *sim = NULL;
    lsnn_sim_options options = {
        .n_batch = work->n_batch < MOST_SAMPLES ? work->n_batch : MOST_SAMPLES, .n_steps = work->n_steps, .n_windows = 1};
    real *unscaled = malloc(net->n_params * sizeof *unscaled);
    if (unscaled == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for %zu weights", net->n_params));
    }
    memcpy(unscaled, net->params, net->n_params * sizeof *unscaled);
    TRY(lsnn_sim_create(&sim, net, context, &options));
    double low = 0, high = INFINITY, scale = 0.5, best = scale, best_off = INFINITY;
    for (int run = 0; run < MOST_RUNS && best_off > 0.03; run++) {
        scale_weights(net, unscaled, scale);
        TRY(bench_fill(work, sim));
        TRY(lsnn_forward(sim));
        double rate = lsnn_sim_rate(sim, NULL);
        double off = fabs(rate / work->rate_hz - 1);
        if (off < best_off) {
            best_off = off;
            best = scale;
        }
        if (rate < work->rate_hz) {
            low = scale;
        } else {
            high = scale;
        }
        scale = isinf(high) ? 2 * low : low > 0 ? sqrt(low * high) : high / 2;
    }
    scale_weights(net, unscaled, best);
out:
    lsnn_sim_free(sim);
    free(unscaled);
    return status;
}

/* ---- all of it ---- */

static lsnn_status make_learner(bench *b) {
    lsnn_status status = LSNN_OK;
    lsnn_adam_options adam;
    lsnn_adam_options_init(&adam);
    TRY(lsnn_gradient_create(&b->gradient, b->net));
    TRY(lsnn_adam_create(&b->adam, b->net, &adam));
    size_t n_batch = (size_t)b->work.n_batch;
    b->class_of = calloc(n_batch, sizeof *b->class_of);
    b->d_output = calloc(n_batch * (size_t)b->net->spec.n_out, sizeof *b->d_output);
    if (b->class_of == NULL || b->d_output == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for the outputs of %d samples", b->work.n_batch));
    }
    for (int k = 0; k < b->work.n_batch; k++) {
        b->class_of[k] = k % b->net->spec.n_out;
    }
    b->goal = (lsnn_rate_goal){.strength = BENCH_RATE_STRENGTH, .target_hz = (float)b->work.rate_hz};
out:
    return status;
}

lsnn_status bench_open(bench *b, lsnn_context *context, const lsnn_bench_work *work) {
    lsnn_status status = LSNN_OK;
    *b = (bench){.work = *work};
    TRY(bench_check(work));
    lsnn_sim_options options = {.n_batch = work->n_batch, .n_steps = work->n_steps, .n_windows = 1, .train = work->training};
    TRY(make_net(&b->net, work));
    TRY(lsnn_sim_create(&b->sim, b->net, context, &options)); /* too large? before minutes are spent on the rate */
    lsnn_sim_free(b->sim);
    b->sim = NULL;
    TRY(scale_to_rate(b->net, context, work));
    if (work->training && work->connectivity < 1) {
        lsnn_rewire_options rewire;
        lsnn_rewire_options_init(&rewire); /* l1 0.01 */
        TRY(lsnn_rewire_create(&b->rewire, b->net, &rewire));
    }
    TRY(lsnn_sim_create(&b->sim, b->net, context, &options));
    TRY(lsnn_sim_set_windows(b->sim, (int[]){bench_window_start(work)}, (int[]){work->n_steps}, 1));
    if (work->training) {
        TRY(make_learner(b));
    }
out:
    return status;
}

void bench_close(bench *b) {
    free(b->class_of);
    free(b->d_output);
    lsnn_adam_free(b->adam);
    lsnn_gradient_free(b->gradient);
    lsnn_sim_free(b->sim);
    lsnn_rewire_free(b->rewire);
    lsnn_net_free(b->net);
}
