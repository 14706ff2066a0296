/* Bidirectional networks: what two networks do side by side, one of them on the sample from its end, and nothing else. */
#include "base/rng.h"
#include "model/model.h"
#include "support/needs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_IN = 4, N_OUT = 3, N_BATCH = 37, N_FRAMES = 9, HELD = 5, N_STEPS = N_FRAMES * HELD };

static const char *const kinds[] = {"net.kind=lsnn", "net.kind=lstm", "net.kind=rnn"};

static lsnn_experiment *settings_of(const char *kind, const char *more) {
    static const char *const spiking[] = {"net.n_lif=9", "net.n_adaptive=8", "net.n_delay=3", "net.n_ref=2", "net.tau_out=3"};
    lsnn_experiment *e;
    need(lsnn_experiment_open(&e, "digits"));
    need(lsnn_experiment_set(e, kind));
    need(lsnn_experiment_set(e, "net.bidirectional=true"));
    for (size_t k = 0; k < 5 && strcmp(kind, "net.kind=lsnn") == 0; k++) {
        need(lsnn_experiment_set(e, spiking[k]));
    }
    if (strcmp(kind, "net.kind=lsnn") != 0) {
        need(lsnn_experiment_set(e, "net.n_units=11"));
    }
    if (more != NULL) {
        need(lsnn_experiment_set(e, more));
    }
    return e;
}

static const model_shape shape = {.n_in = N_IN, .n_out = N_OUT, .input = LSNN_CURRENTS};
static const model_shape spike_shape = {.n_in = N_IN, .n_out = N_OUT, .input = LSNN_SPIKES};

/* Frames of different samples: whole, one, half... */
static int length_of(int b) {
    return HELD * (b < 3 ? (int[]){N_FRAMES, 1, 4}[b] : 1 + (int)rng_below(3, RNG_TASK, (uint64_t)b, N_FRAMES));
}

typedef struct windows {
    int n, start[N_FRAMES], stop[N_FRAMES];
} windows;

static windows frames(void) {
    windows w = {.n = N_FRAMES};
    for (int k = 0; k < N_FRAMES; k++) {
        w.start[k] = k * HELD;
        w.stop[k] = (k + 1) * HELD;
    }
    return w;
}

static pass *open_pass(const model *m, lsnn_context *context, const windows *w) {
    pass *p;
    need(pass_open(
        &p, m, context,
        &(pass_options){
            .n_batch = N_BATCH, .n_steps = N_STEPS, .n_windows = w->n, .window_start = w->start, .window_stop = w->stop, .train = true}));
    return p;
}

/* Each frame is held; `reversed`: the last one first. */
static void write_input(pass *p, const int *length, bool reversed, bool spikes) {
    for (int b = 0; b < N_BATCH; b++) {
        input_lane to = pass_lane(p, b);
        for (int t = 0; t < length[b]; t++) {
            int frame = (reversed ? length[b] - 1 - t : t) / HELD;
            for (int i = 0; i < N_IN; i++) {
                double x = rng_uniform(5, RNG_TASK, (uint64_t)((b * N_FRAMES + frame) * N_IN + i));
                if (!spikes) {
                    lane_set_number(&to, t, i, (real)(x - 0.3));
                } else if (x < 0.3) {
                    lane_add_spike(&to, t, i);
                }
            }
        }
    }
}

static float d_output_of(int b, int w, int o) {
    return (float)rng_normal(9, RNG_TASK, (uint64_t)((b * N_FRAMES + w) * N_OUT + o));
}

typedef struct outcome {
    float *output, *gradient;
    size_t n_params;
    double rate_loss, rate;
    pass_activity activity;
} outcome;

static void release(outcome *x) {
    free(x->output);
    free(x->gradient);
}

/* half: the network that runs forward, 0, or the other, 1, by itself; -1: both as one. */
static outcome run(const model *m, lsnn_context *context, const windows *w, const int *length, int half, bool spikes) {
    pass *p = open_pass(m, context, w);
    lsnn_gradient *gradient;
    outcome x = {.n_params = m->n_params};
    size_t n = (size_t)(w->n * N_BATCH * N_OUT);
    float *d_output = calloc(n, sizeof *d_output);
    for (int b = 0; b < N_BATCH; b++) {
        int n_own = w->n == 1 ? 1 : length[b] / HELD;
        for (int k = 0; k < n_own; k++) {
            for (int o = 0; o < N_OUT; o++) {
                int at = half == 1 ? n_own - 1 - k : k;
                d_output[(at * N_BATCH + b) * N_OUT + o] = d_output_of(b, k, o);
            }
        }
    }
    need(gradient_create(&gradient, m->n_params));
    need(pass_begin(p, true, 4, length));
    write_input(p, length, half == 1, spikes);
    need(pass_forward(p));
    x.output = malloc(n * sizeof *x.output);
    memcpy(x.output, p->output, n * sizeof *x.output);
    x.rate = pass_rate(p);
    x.activity = pass_count_activity(p, N_BATCH);
    need(pass_backward(p, d_output, gradient, &x.rate_loss));
    x.gradient = malloc(m->n_params * sizeof *x.gradient);
    memcpy(x.gradient, gradient->values, m->n_params * sizeof *x.gradient);
    lsnn_gradient_free(gradient);
    free(d_output);
    pass_close(p);
    return x;
}

static void check_halves(const char *kind, bool spikes, const windows *w, bool lengths) {
    char what[120];
    int length[N_BATCH];
    lsnn_experiment *e = settings_of(kind, NULL);
    lsnn_context *context = context_on(NULL, 2);
    model *m;
    for (int b = 0; b < N_BATCH; b++) {
        length[b] = lengths ? length_of(b) : N_STEPS;
    }
    need(model_create(&m, e, spikes ? &spike_shape : &shape));
    need(model_start_training(m, e));
    assert_int_equal(model_n_halves(m), 2);
    outcome both = run(m, context, w, length, -1, spikes);
    outcome half[2];
    for (int h = 0; h < 2; h++) {
        half[h] = run(model_half(m, h), context, w, length, h, spikes);
    }
    assert_int_equal(both.n_params, half[0].n_params + half[1].n_params);
    snprintf(what, sizeof what, "%s, %d windows: gradient of the forward half", kind, w->n);
    need_same_bits(what, both.gradient, half[0].gradient, half[0].n_params);
    snprintf(what, sizeof what, "%s, %d windows: gradient of the reversed half", kind, w->n);
    need_same_bits(what, both.gradient + half[0].n_params, half[1].gradient, half[1].n_params);
    double norm[2] = {0};
    for (int h = 0; h < 2; h++) {
        for (size_t k = 0; k < half[h].n_params; k++) {
            norm[h] += fabs((double)half[h].gradient[k]);
        }
    }
    assert_true(norm[0] > 1e-3 && norm[1] > 1e-3 && norm[0] != norm[1]); /* the two are alive, and two */
    assert_true(both.rate_loss == half[0].rate_loss + half[1].rate_loss);
    for (int b = 0; b < N_BATCH; b++) {
        int n_own = w->n == 1 ? 1 : length[b] / HELD;
        for (int k = 0; k < w->n; k++) {
            float want[N_OUT] = {0};
            for (int o = 0; o < N_OUT && k < n_own; o++) {
                want[o] = half[0].output[(k * N_BATCH + b) * N_OUT + o] + half[1].output[((n_own - 1 - k) * N_BATCH + b) * N_OUT + o];
            }
            snprintf(what, sizeof what, "%s: output of sample %d of %d steps, window %d", kind, b, length[b], k);
            need_same_bits(what, both.output + (k * N_BATCH + b) * N_OUT, want, N_OUT);
        }
    }
    assert_true(both.activity.operations == half[0].activity.operations + half[1].activity.operations);
    if (strcmp(kind, "net.kind=lsnn") == 0) {
        assert_true(half[0].rate > 1 && half[1].rate > 1 && both.rate == (half[0].rate + half[1].rate) / 2);
    }
    release(&both);
    release(&half[0]);
    release(&half[1]);
    model_free(m);
    lsnn_context_free(context);
    lsnn_experiment_free(e);
}

static void two_networks_are_added(void **state) {
    (void)state;
    windows each = frames();
    windows one = {.n = 1, .start = {0}, .stop = {N_STEPS}};
    windows last = {.n = 1, .start = {N_STEPS - 7}, .stop = {N_STEPS}};
    for (int k = 0; k < 3; k++) {
        for (int spikes = 0; spikes < 2; spikes++) {
            check_halves(kinds[k], spikes, &each, true);
            check_halves(kinds[k], spikes, &each, false);
            check_halves(kinds[k], spikes, &one, true);
            check_halves(kinds[k], spikes, &last, false);
        }
    }
}

static void threads_do_not_matter(void **state) {
    (void)state;
    windows w = frames();
    int length[N_BATCH];
    for (int b = 0; b < N_BATCH; b++) {
        length[b] = length_of(b);
    }
    for (int k = 0; k < 3; k++) {
        lsnn_experiment *e = settings_of(kinds[k], NULL);
        model *m;
        need(model_create(&m, e, &shape));
        outcome want = {0};
        for (int n_threads = 1; n_threads < 4; n_threads++) {
            lsnn_context *context = context_on(NULL, n_threads);
            outcome got = run(m, context, &w, length, -1, false);
            if (n_threads == 1) {
                want = got;
            } else {
                need_same_bits(kinds[k], got.output, want.output, N_FRAMES * N_BATCH * N_OUT);
                need_same_bits(kinds[k], got.gradient, want.gradient, m->n_params);
                assert_true(got.rate_loss == want.rate_loss);
                release(&got);
            }
            lsnn_context_free(context);
        }
        release(&want);
        model_free(m);
        lsnn_experiment_free(e);
    }
}

/* Of a model that may have halves: all parameters, one after another. */
static float *parameters_of(const model *m, size_t *n) {
    tensor_writer *writer;
    tensor_file *file;
    char folder[FOLDER_SIZE], path[FOLDER_SIZE + 20];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    need(tensor_writer_create(&writer));
    model_write(m, writer);
    need(tensor_writer_save(writer, path, NULL));
    tensor_writer_free(writer);
    need(tensor_file_open(&file, path));
    static const char *const names[] = {"forward.w", "forward.w_out", "reversed.w", "reversed.w_out"};
    float *all = malloc(m->n_params * sizeof *all);
    *n = 0;
    for (int k = 0; k < 4; k++) {
        const tensor *t = tensor_file_find(file, names[k]);
        assert_non_null(t);
        memcpy(all + *n, t->data, t->n * sizeof *all);
        *n += t->n;
    }
    assert_int_equal(*n, m->n_params);
    tensor_file_close(file);
    folder_remove(folder);
    return all;
}

/* Adam, clipping and L2 see one vector of parameters. */
static void training_is_that_of_one_vector(void **state) {
    (void)state;
    lsnn_experiment *e = settings_of("net.kind=lstm", NULL);
    model *m;
    lsnn_adam *adam, *plain;
    lsnn_gradient *gradient;
    lsnn_adam_options options;
    size_t n;
    need(model_create(&m, e, &shape));
    need(model_start_training(m, e));
    lsnn_adam_options_init(&options);
    options.clip = 0.5f;
    need(adam_create(&adam, m->n_params, &options));
    need(adam_create(&plain, m->n_params, &options));
    need(gradient_create(&gradient, m->n_params));
    float *want = parameters_of(m, &n);
    real *vector = malloc(n * sizeof *vector);
    for (size_t k = 0; k < n; k++) {
        vector[k] = want[k];
    }
    for (int step = 0; step < 5; step++) {
        for (size_t k = 0; k < n; k++) {
            gradient->values[k] = (real)(rng_normal((uint64_t)step, RNG_TASK, k) * (step < 3 ? 1 : 1e-3)); /* clipped, and not */
        }
        need(adam_move(plain, vector, NULL, gradient, 0.01f));
        need(model_step(m, adam, gradient, 0.01f));
    }
    float *got = parameters_of(m, &n);
    for (size_t k = 0; k < n; k++) {
        want[k] = (float)vector[k];
    }
    need_same_bits("parameters", got, want, n);
    need_same_bits("adam.m", adam->m, plain->m, n);
    need_same_bits("adam.v", adam->v, plain->v, n);
    gradient->values[n - 1] = NAN;
    need_error(model_step(m, adam, gradient, 0.01f), LSNN_ERR_NUMERIC, "not finite");
    free(got);
    got = parameters_of(m, &n);
    need_same_bits("parameters", got, want, n); /* nothing was changed */
    memset(gradient->values, 0, n * sizeof *gradient->values);
    double l2 = model_add_l2(m, 0.25, gradient), sum = 0;
    size_t n_biases = 0;
    for (size_t k = 0; k < n; k++) {
        bool is_weight = gradient->values[k] != 0;
        n_biases += !is_weight;
        sum += is_weight ? 0.25 * (double)got[k] * (double)got[k] : 0;
        assert_true(!is_weight || gradient->values[k] == (real)(2 * 0.25 * (double)got[k]));
    }
    assert_int_equal(n_biases, 2 * (4 * 11 + N_OUT));
    assert_true(fabs(l2 - sum) < 1e-9 * sum && sum > 0.1);
    free(got);
    free(want);
    free(vector);
    lsnn_gradient_free(gradient);
    lsnn_adam_free(plain);
    lsnn_adam_free(adam);
    model_free(m);
    lsnn_experiment_free(e);
}

/* Both halves are rewired, each within its own budget. */
static void both_halves_are_rewired(void **state) {
    (void)state;
    lsnn_experiment *e = settings_of("net.kind=lsnn", "rewire.connectivity=0.4");
    need(lsnn_experiment_set(e, "rewire.l1=3"));
    model *m;
    lsnn_adam *adam;
    lsnn_gradient *gradient;
    lsnn_adam_options options;
    lsnn_synapse_count before[3], after[3], half[2][3];
    need(model_create(&m, e, &shape));
    need(model_start_training(m, e));
    lsnn_adam_options_init(&options);
    need(adam_create(&adam, m->n_params, &options));
    need(gradient_create(&gradient, m->n_params));
    assert_true(model_count_synapses(m, before));
    for (int step = 0; step < 20; step++) {
        for (size_t k = 0; k < m->n_params; k++) {
            gradient->values[k] = (real)rng_normal((uint64_t)step, RNG_TASK, k);
        }
        need(model_step(m, adam, gradient, 0.01f));
    }
    assert_true(model_count_synapses(m, after));
    for (int h = 0; h < 2; h++) {
        assert_true(model_count_synapses(model_half(m, h), half[h]));
        assert_true(half[h][0].died > 3 && half[h][1].died > 3 && half[h][1].born > 3);
        assert_int_equal(half[h][0].live + half[h][1].live + half[h][2].live, (before[0].live + before[1].live + before[2].live) / 2);
    }
    for (int q = 0; q < 3; q++) {
        assert_int_equal(after[q].possible, half[0][q].possible + half[1][q].possible);
        assert_int_equal(after[q].live, half[0][q].live + half[1][q].live);
        assert_int_equal(after[q].born, half[0][q].born + half[1][q].born);
        assert_int_equal(after[q].died, half[0][q].died + half[1][q].died);
    }
    lsnn_needs needs = {0};
    model_describe(m, &needs);
    assert_int_equal(needs.n_rec, 34);
    assert_int_equal(needs.n_lif, 18);
    assert_int_equal(needs.n_in, N_IN);
    assert_int_equal(needs.n_out, N_OUT);
    assert_int_equal(needs.n_params, m->n_params);
    assert_int_equal(model_count_possible(m), after[0].possible + after[1].possible + after[2].possible);
    lsnn_gradient_free(gradient);
    lsnn_adam_free(adam);
    model_free(m);
    lsnn_experiment_free(e);
}

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    lsnn_context *context = context_on(NULL, 1);
    lsnn_experiment *e = settings_of("net.kind=lsnn", NULL);
    model *m;
    pass *p = NULL;
    need(model_create(&m, e, &shape));
    static const windows bad[] = {{.n = 2, .start = {0, 20}, .stop = {20, 30}},         /* of different lengths */
                                  {.n = 2, .start = {5, 25}, .stop = {25, 45}},         /* not from the first step */
                                  {.n = 3, .start = {0, 14, 28}, .stop = {14, 28, 42}}, /* not to the last */
                                  {.n = 3, .start = {0, 16, 30}, .stop = {15, 30, 45}}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        need_error(
            pass_open(
                &p, m, context,
                &(pass_options){
                    .n_batch = 2, .n_steps = N_STEPS, .n_windows = bad[k].n, .window_start = bad[k].start, .window_stop = bad[k].stop}),
            LSNN_ERR_SETTING, "net.bidirectional");
        assert_null(p);
    }
    windows w = frames();
    p = open_pass(m, context, &w);
    need(pass_begin(p, true, 0, NULL));
    need_error(pass_interact(p, &(step_hook){0}), LSNN_ERR_USAGE, "can't act");
    pass_close(p);
    model_free(m);
    need(lsnn_experiment_set(e, "train.carry_state=true"));
    need_error(experiment_check(e), LSNN_ERR_SETTING, "train.carry_state and net.bidirectional");
    lsnn_experiment_free(e);
    need(lsnn_experiment_open(&e, "l2l-teacher"));
    need_error(lsnn_experiment_set(e, "net.bidirectional=true"), LSNN_ERR_SETTING, "net.bidirectional: a setting of the tasks");
    lsnn_experiment_free(e);
    lsnn_context_free(context);
}

int main(void) {
    setenv("LSNN_SHARE", LSNN_SOURCE_DIR, 1);
    const struct CMUnitTest tests[] = {cmocka_unit_test(two_networks_are_added), cmocka_unit_test(threads_do_not_matter),
                                       cmocka_unit_test(training_is_that_of_one_vector), cmocka_unit_test(both_halves_are_rewired),
                                       cmocka_unit_test(what_does_not_fit_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
