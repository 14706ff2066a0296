/* Learning to learn functions: the families, the coding, the episodes as a network sees them, and the simple learners to compare with. */
#include "support/needs.h"

#include "l2l/learner.h"
#include "l2l/ridge.h"
#include "run/batch.h"
#include "run/setup.h"
#include "tasks/learn_functions.h"
#include "tasks/population.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lsnn_status try_open(task **out, const char *yaml, const lsnn_family *family) {
    lsnn_experiment *e = NULL;
    lsnn_status status = experiment_parse(&e, "test", yaml, "file");
    status = status == LSNN_OK ? experiment_check(e) : status;
    status = status == LSNN_OK ? task_open(out, e, &(lsnn_run_options){.family = family}) : status;
    lsnn_experiment_free(e);
    return status;
}

static task *opened(const char *yaml, const lsnn_family *family) {
    task *t = NULL;
    need(try_open(&t, yaml, family));
    return t;
}

/* ---- families of our own ---- */

/* 0.1 + 0.3 x0 - 0.2 x1, plus a part that differs between functions. */
static void draw_plane(const void *user, lsnn_random *random, double *p) {
    (void)user;
    for (int k = 0; k < 3; k++) {
        p[k] = lsnn_random_uniform(random, -0.3, 0.3);
    }
}

static double plane(const void *user, const double *p, const double *x) {
    (void)user;
    return 0.1 + p[0] * x[0] + p[1] * x[1] + p[2];
}

static double odd_value(const void *user, const double *p, const double *x) {
    (void)p;
    (void)x;
    return *(const double *)user;
}

static lsnn_family planes(void) {
    return (lsnn_family){
        .n_inputs = 2, .n_parameters = 3, .input = {{-1, 1}, {0, 4}}, .target = {-2, 2}, .draw = draw_plane, .value = plane};
}

/* ---- coding ---- */

enum { CODE_STEPS = 20000, CODE_N = 40 };

static void population_rates(void **state) {
    (void)state;
    static lane_mask masks[CODE_STEPS][CODE_N];
    const lsnn_range range = {-2, 6};
    const population p = {.n = CODE_N, .width = 0.05, .p_peak = 0.2};
    static const double values[] = {-2, 1.37, 6, 6.3};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        memset(masks, 0, sizeof masks);
        sample_writer to = {.input = {.masks = masks[0], .lane = 3, .step = CODE_N, .input = 1}};
        rng_sequence random = rng_sequence_start(5, RNG_POPULATION, v);
        for (int t = 0; t < CODE_STEPS; t += 20) {
            population_write(&p, &range, values[v], &random, &to, 0, t, 20);
        }
        for (int k = 0; k < CODE_N; k++) {
            double centre = -2 + 8 * k / (double)(CODE_N - 1);
            double s = 0.05 * 8;
            double want = fabs(centre - values[v]) > 6 * s ? 0 : 0.2 * exp(-(centre - values[v]) * (centre - values[v]) / (2 * s * s));
            double n = 0;
            double pairs = 0; /* of spikes in steps one after another */
            for (int t = 0; t < CODE_STEPS; t++) {
                assert_true((masks[t][k] & ~(1u << 3)) == 0);
                n += masks[t][k] != 0;
                pairs += t > 0 && masks[t][k] != 0 && masks[t - 1][k] != 0;
            }
            double off = (n - want * CODE_STEPS) / sqrt(want * (1 - want) * CODE_STEPS + 1);
            double pairs_off = (pairs - want * want * CODE_STEPS) / sqrt(2 * want * want * CODE_STEPS + 1);
            if (fabs(off) > 5 || fabs(pairs_off) > 6 || (want == 0 && n > 0)) {
                fail_msg("value %g, neuron %d: %g spikes and %g pairs in %d steps; wanted about %g and %g", values[v], k, n, pairs,
                         CODE_STEPS, want * CODE_STEPS, want * want * CODE_STEPS);
            }
        }
    }
}

static void population_of_odd_values(void **state) {
    (void)state;
    lane_mask masks[30][10] = {{0}};
    const population p = {.n = 10, .width = 0.03, .p_peak = 1 - 1e-12};
    const lsnn_range range = {0, 1};
    static const double odd[] = {NAN, INFINITY, -INFINITY, 1e300, -1e300, 1.5, -0.5};
    rng_sequence random = rng_sequence_start(1, RNG_POPULATION, 0);
    sample_writer to = {.input = {.masks = masks[0], .lane = 0, .step = 10, .input = 1}};
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        population_write(&p, &range, odd[k], &random, &to, 0, 0, 30);
        for (int at = 0; at < 300; at++) {
            assert_int_equal(masks[at / 10][at % 10], 0);
        }
    }
    population_write(&p, &range, 4 / 9.0, &random, &to, 0, 0, 30); /* a neuron's centre, whose spikes are certain */
    for (int t = 0; t < 30; t++) {
        assert_int_equal(masks[t][4], 1);
        assert_true(masks[t][0] == 0 && masks[t][9] == 0);
    }
}

/* ---- families ---- */

static void teachers_cover_0_to_1(void **state) {
    (void)state;
    task *t = opened("task: l2l-teacher", NULL);
    const lsnn_family *f = task_family(t);
    assert_int_equal(f->n_inputs, 2);
    static episode e;
    for (uint64_t index = 0; index < 30; index++) {
        episode_begin(&e, f, SPLIT_TEST, 7, index);
        double least = INFINITY;
        double greatest = -INFINITY;
        double bends = 0; /* it is no plane */
        for (int i = 0; i < 21; i++) {
            for (int j = 0; j < 21; j++) {
                double y = f->value(f->user, e.parameters, (double[]){-1 + i / 10.0, -1 + j / 10.0});
                least = fmin(least, y);
                greatest = fmax(greatest, y);
            }
        }
        for (int k = 0; k < 41; k++) {
            assert_true(fabs(e.parameters[k]) <= 1);
        }
        double corners[4];
        for (int k = 0; k < 4; k++) {
            corners[k] = f->value(f->user, e.parameters, (double[]){k % 2 ? 1 : -1, k / 2 ? 1 : -1});
        }
        bends = fabs(corners[0] + corners[3] - corners[1] - corners[2]);
        assert_true(fabs(least) < 1e-12 && fabs(greatest - 1) < 1e-12);
        assert_true(bends > 1e-6);
    }
    task_close(t);
}

/* The scaled output against the network as it is written down. */
static void teachers_are_networks(void **state) {
    (void)state;
    task *t = opened("task: l2l-teacher\nl2l: {n_hidden: 3, weights: 2}", NULL);
    const lsnn_family *f = task_family(t);
    assert_int_equal(f->n_parameters, 3 * 4 + 3);
    static episode e;
    episode_begin(&e, f, SPLIT_TRAIN, 1, 5);
    const double *p = e.parameters;
    double x[2] = {0.3, -0.8};
    double sum = p[12];
    for (int h = 0; h < 3; h++) {
        sum += p[4 * h + 3] / (1 + exp(-(p[4 * h] * x[0] + p[4 * h + 1] * x[1] + p[4 * h + 2])));
    }
    double want = (1 / (1 + exp(-sum)) - p[13]) * p[14];
    assert_true(fabs(f->value(f->user, p, x) - want) < 1e-12);
    task_close(t);
}

static void sinusoids(void **state) {
    (void)state;
    task *t = opened("task: l2l-sinusoid", NULL);
    const lsnn_family *f = task_family(t);
    static episode e;
    double least[3] = {INFINITY, INFINITY, INFINITY};
    double greatest[3] = {-INFINITY, -INFINITY, -INFINITY};
    for (uint64_t index = 0; index < 400; index++) {
        double x;
        double y;
        episode_begin(&e, f, SPLIT_VALID, 3, index);
        episode_next(&e, &x, &y);
        double seen[3] = {e.parameters[0], e.parameters[1], x};
        for (int k = 0; k < 3; k++) {
            least[k] = fmin(least[k], seen[k]);
            greatest[k] = fmax(greatest[k], seen[k]);
        }
        assert_true(fabs(y - e.parameters[0] * sin(x + e.parameters[1])) < 1e-12);
    }
    assert_true(least[0] >= 0.1 && least[0] < 0.2 && greatest[0] <= 5 && greatest[0] > 4.9);
    assert_true(least[1] >= 0 && least[1] < 0.05 && greatest[1] < 3.1416 && greatest[1] > 3.09);
    assert_true(least[2] >= -5 && least[2] < -4.9 && greatest[2] <= 5 && greatest[2] > 4.9);
    assert_true(f->target.low == -5 && f->target.high == 5);
    task_close(t);
}

static void splits_have_nothing_in_common(void **state) {
    (void)state;
    enum { N = 200 };
    task *t = opened("task: l2l-sinusoid", NULL);
    static double seen[SPLITS * N][2];
    static episode e;
    for (int part = 0; part < SPLITS; part++) {
        for (uint64_t index = 0; index < N; index++) {
            episode_begin(&e, task_family(t), (split)part, 1, index);
            memcpy(seen[(uint64_t)part * N + index], e.parameters, sizeof *seen);
        }
    }
    for (int a = 0; a < SPLITS * N; a++) {
        for (int b = a + 1; b < SPLITS * N; b++) {
            if (memcmp(seen[a], seen[b], sizeof *seen) == 0) {
                fail_msg("episodes %d and %d of %d a split are the same function", a, b, N);
            }
        }
    }
    episode_begin(&e, task_family(t), SPLIT_TEST, 1, 17); /* again: the same; another seed: another */
    assert_memory_equal(seen[SPLIT_TEST * N + 17], e.parameters, sizeof *seen);
    episode_begin(&e, task_family(t), SPLIT_TEST, 2, 17);
    assert_memory_not_equal(seen[SPLIT_TEST * N + 17], e.parameters, sizeof *seen);
    task_close(t);
}

static void families_are_checked(void **state) {
    (void)state;
    task *t = NULL;
    lsnn_family f = planes();
    const char *own = "task: l2l-own";
    need_error(try_open(&t, own, NULL), LSNN_ERR_SETTING, "lsnn_run_options.family");
    need_error(try_open(&t, "task: l2l-teacher", &f), LSNN_ERR_USAGE, "l2l-own");
    need_error(try_open(&t, "task: store-recall", &f), LSNN_ERR_USAGE, "l2l-own");
    f.n_inputs = 0;
    need_error(try_open(&t, own, &f), LSNN_ERR_USAGE, "0 inputs");
    f.n_inputs = LSNN_FAMILY_INPUTS + 1;
    need_error(try_open(&t, own, &f), LSNN_ERR_USAGE, "9 inputs");
    f = planes();
    f.n_parameters = LSNN_FAMILY_PARAMETERS + 1;
    need_error(try_open(&t, own, &f), LSNN_ERR_USAGE, "1025 parameters");
    f = planes();
    f.value = NULL;
    need_error(try_open(&t, own, &f), LSNN_ERR_USAGE, "value");
    f = planes();
    f.input[1] = (lsnn_range){1, 1};
    need_error(try_open(&t, own, &f), LSNN_ERR_USAGE, "input 1");
    f = planes();
    f.target.high = NAN;
    need_error(try_open(&t, own, &f), LSNN_ERR_USAGE, "target");
    need_error(try_open(&t, "task: l2l-sinusoid\nl2l.amplitude: [1, 2]", NULL), LSNN_ERR_SETTING, "l2l.amplitude");
    need_error(try_open(&t, "task: l2l-teacher\nl2l: {n_examples: 100000, example_ms: 10000}", NULL), LSNN_ERR_SETTING, "steps");
    assert_null(t);
}

/* ---- episodes as a network sees them ---- */

/* A task, and a batch of it in a network's pass. */
typedef struct stage {
    lsnn_experiment *experiment;
    lsnn_context *context;
    task *task;
    model *model;
    pass *pass;
    batch *batch;
} stage;

static void stage_open(stage *s, const char *yaml, const lsnn_family *family, int n_threads) {
    *s = (stage){0};
    need(experiment_parse(&s->experiment, "test", yaml, "file"));
    need(experiment_check(s->experiment));
    need(task_open(&s->task, s->experiment, &(lsnn_run_options){.family = family}));
    need(lsnn_context_create(&s->context, n_threads));
    model_shape shape = setup_shape(s->task);
    need(model_create(&s->model, s->experiment, &shape));
    pass_options options = setup_pass(s->experiment, s->task, true);
    need(pass_open(&s->pass, s->model, s->context, &options));
    need(batch_create(&s->batch, s->task, s->pass, 11));
}

static void stage_close(stage *s) {
    batch_free(s->batch);
    pass_close(s->pass);
    model_free(s->model);
    lsnn_context_free(s->context);
    task_close(s->task);
    lsnn_experiment_free(s->experiment);
}

/* The value that a population's spikes in steps begin..end-1 of sample b stand for: the mean of its neurons' centres. */
static double decoded(const stage *s, int b, int first, int n, lsnn_range range, int begin, int end) {
    input_lane lane = pass_lane(s->pass, b);
    double sum = 0;
    double count = 0;
    for (int t = begin; t < end; t++) {
        for (int k = 0; k < n; k++) {
            double z = lane.masks[(size_t)t * lane.step + (size_t)(first + k)] >> lane.lane & 1;
            sum += z * (range.low + (range.high - range.low) * k / (n - 1));
            count += z;
        }
    }
    return sum / count;
}

#define SMALL_NET "net: {n_lif: 4, n_adaptive: 4, n_delay: 3, tau_out: 0}\ntrain.batch: 5\n"
#define SMALL     SMALL_NET "l2l: {n_examples: 12, example_ms: 20, n_code: 50, code_width: 0.03, code_rate: 200"

/* Each input, and the target of the example before (0 at first); the rate is 7.4 spikes a step and population, so that the error of decoding is about 0.3 % of
 * the range, and near its ends, where tuning curves are cut, at most 2.5 %. */
static void check_episodes(const char *yaml, const lsnn_family *family, bool unpaired) {
    stage s;
    stage_open(&s, yaml, family, 1);
    const lsnn_family *f = task_family(s.task);
    assert_int_equal(s.task->n_in, 50 * (f->n_inputs + 1));
    assert_int_equal(s.task->n_steps, 12 * 20);
    assert_int_equal(s.task->n_windows, 12);
    need(batch_fill(s.batch, SPLIT_VALID, 11, 100, 5));
    static episode e;
    double n_apart = 0;
    for (int b = 0; b < 5; b++) {
        double before = 0;
        episode_begin(&e, f, SPLIT_VALID, 11, 100 + (uint64_t)b);
        for (int k = 0; k < 12; k++) {
            double x[LSNN_FAMILY_INPUTS];
            double y;
            episode_next(&e, x, &y);
            assert_int_equal(s.task->window_start[k], 20 * k);
            assert_int_equal(s.task->window_stop[k], 20 * k + 20);
            assert_true(s.batch->target[k * 5 + b] == (float)y);
            for (int i = 0; i < f->n_inputs; i++) {
                double got = decoded(&s, b, 50 * i, 50, f->input[i], 20 * k, 20 * k + 20);
                double off = fabs(got - x[i]) / (f->input[i].high - f->input[i].low);
                if (!(off < 0.04)) {
                    fail_msg("sample %d, example %d, input %d is %g, its spikes say %g", b, k, i, x[i], got);
                }
            }
            double got = decoded(&s, b, 50 * f->n_inputs, 50, f->target, 20 * k, 20 * k + 20);
            double off = fabs(got - before) / (f->target.high - f->target.low);
            n_apart += off > 0.04;
            if (!unpaired && !(off < 0.04)) {
                fail_msg("sample %d, example %d: the target before was %g, its spikes say %g", b, k, before, got);
            }
            before = y;
        }
    }
    assert_true(unpaired ? n_apart > 20 : n_apart == 0);
    stage_close(&s);
}

static void episodes(void **state) {
    (void)state;
    const lsnn_family f = planes();
    check_episodes("task: l2l-teacher\n" SMALL "}", NULL, false);
    check_episodes("task: l2l-sinusoid\n" SMALL "}", NULL, false);
    check_episodes("task: l2l-own\n" SMALL "}", &f, false);
    check_episodes("task: l2l-teacher\n" SMALL ", unpaired: true}", NULL, true);
}

static void same_samples_on_any_threads(void **state) {
    (void)state;
    const char *yaml =
        "task: l2l-teacher\nnet: {n_lif: 4, n_adaptive: 4}\ntrain.batch: 37\nl2l: {n_examples: 7, example_ms: 9, n_code: 20}";
    stage a;
    stage b;
    stage_open(&a, yaml, NULL, 1);
    stage_open(&b, yaml, NULL, 3);
    for (int iteration = 0; iteration < 3; iteration++) {
        need(batch_fill_train(a.batch, iteration, true));
        need(batch_fill_train(b.batch, iteration, true));
        need_same_bits("targets", a.batch->target, b.batch->target, 37 * 7);
        size_t n = (size_t)a.task->n_steps * (size_t)a.task->n_in * sizeof(lane_mask);
        for (int k = 0; k < a.pass->n_blocks; k++) {
            int first = pass_block_begin(a.pass, k);
            assert_memory_equal(pass_lane(a.pass, first).masks, pass_lane(b.pass, first).masks, n);
        }
    }
    stage_close(&a);
    stage_close(&b);
}

/* A user's mistake must not bring the library down. */
static void values_that_are_not_finite(void **state) {
    (void)state;
    static const double odd[] = {NAN, INFINITY, 1e300};
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        lsnn_family f = planes();
        f.value = odd_value;
        f.user = &odd[k];
        stage s;
        batch_loss loss;
        stage_open(&s, "task: l2l-own\n" SMALL "}", &f, 1);
        need(batch_fill_train(s.batch, 0, true));
        need(pass_forward(s.pass));
        need(batch_take_loss(s.batch, true, &loss));
        assert_true(isnan(odd[k]) ? loss.n_counted == 0 : loss.loss > 1e30);
        stage_close(&s);
    }
}

/* ---- learners ---- */

static void mean_and_last(void **state) {
    (void)state;
    const lsnn_family f = planes();
    static episode e;
    static learner mean, last;
    mean = (learner){.kind = &learner_mean, .family = &f, .prior = {.mean = 0.25, .l2 = 1}};
    last = (learner){.kind = &learner_last, .family = &f, .prior = {.mean = 0.25, .l2 = 1}};
    float got_mean[20];
    float got_last[20];
    learner_run(&mean, SPLIT_TEST, 3, 9, 20, got_mean);
    learner_run(&last, SPLIT_TEST, 3, 9, 20, got_last);
    episode_begin(&e, &f, SPLIT_TEST, 3, 9);
    double sum = 0;
    double before = 0.25;
    for (int k = 0; k < 20; k++) {
        double x[2];
        double y;
        episode_next(&e, x, &y);
        double want_mean = k == 0 ? 0.25 : sum / k;
        assert_true(fabs((double)got_mean[k] - (want_mean - y) * (want_mean - y)) < 1e-6);
        assert_true(fabs((double)got_last[k] - (before - y) * (before - y)) < 1e-6);
        sum += y;
        before = y;
    }
}

/* On planes it is exact, once it has seen as many examples as it has weights. */
static void linear_fit(void **state) {
    (void)state;
    const lsnn_family f = planes();
    static learner l;
    float error[40];
    for (uint64_t index = 0; index < 10; index++) {
        l = (learner){.kind = &learner_linear, .family = &f, .prior = {.mean = 0, .l2 = 1e-9}};
        learner_run(&l, SPLIT_TEST, 3, index, 40, error);
        assert_true(error[0] > 1e-6f);
        for (int k = 6; k < 40; k++) {
            assert_true(error[k] < 1e-9f);
        }
    }
}

/* Recursive least squares against the normal equations of all examples so far, with the prior's mean as the intercept that costs nothing. */
static void linear_fit_is_ridge_regression(void **state) {
    (void)state;
    task *t = opened("task: l2l-sinusoid", NULL);
    const lsnn_family *f = task_family(t);
    const double l2 = 0.7;
    const double mean = 0.4;
    static learner l;
    static episode e;
    float error[30];
    l = (learner){.kind = &learner_linear, .family = f, .prior = {.mean = mean, .l2 = l2}};
    learner_run(&l, SPLIT_TEST, 3, 1, 30, error);
    episode_begin(&e, f, SPLIT_TEST, 3, 1);
    double xx = l2, x1 = 0, one = l2, xy = 0, y1 = 0;
    for (int k = 0; k < 30; k++) {
        double x;
        double y;
        episode_next(&e, &x, &y);
        double determinant = xx * one - x1 * x1;
        double slope = (xy * one - y1 * x1) / determinant;
        double offset = mean + (xx * y1 - x1 * xy) / determinant;
        double excess = slope * x + offset - y;
        if (!(fabs((double)error[k] - excess * excess) < 1e-6 * (1 + excess * excess))) {
            fail_msg("example %d: squared error %g, by the normal equations %g", k, (double)error[k], excess * excess);
        }
        xx += x * x;
        x1 += x;
        one += 1;
        xy += x * (y - mean);
        y1 += y - mean;
    }
    task_close(t);
}

static void online_network_learns(void **state) {
    (void)state;
    enum { N = 400, EPISODES = 20 };
    task *t = opened("task: l2l-teacher", NULL);
    static learner l;
    float error[N];
    double early = 0;
    double late = 0;
    l = (learner){.kind = &learner_network, .family = task_family(t)};
    for (uint64_t index = 0; index < EPISODES; index++) {
        learner_run(&l, SPLIT_TEST, 3, index, N, error);
        for (int k = 0; k < 10; k++) {
            early += (double)error[k] / (10 * EPISODES);
        }
        for (int k = N - 50; k < N; k++) {
            late += (double)error[k] / (50 * EPISODES);
        }
    }
    if (!(early > 0.03 && late < 0.004)) {
        fail_msg("error %g in the first 10 examples, %g in the last 50", early, late);
    }
    task_close(t);
}

/* Its gradient, by the steps of one learn(): with a fresh AMSGrad every weight moves by learning rate * 0.3 / sqrt(0.1) in the direction of the gradient. */
static void online_network_goes_downhill(void **state) {
    (void)state;
    const lsnn_family f = planes();
    static learner l, tried;
    const double x[2] = {0.4, 3.1};
    l = (learner){.kind = &learner_network, .family = &f};
    learner_network.begin(&l, 1, 2);
    learner_network.answer(&l, x);
    tried = l;
    learner_network.learn(&tried, x, 0.7);
    int n = LEARNER_HIDDEN * 4 + 1;
    for (int k = 0; k < n; k++) {
        double errors[2];
        for (int way = 0; way < 2; way++) {
            learner moved = l;
            moved.w[k] += way == 0 ? -1e-4 : 1e-4;
            double excess = (learner_network.answer(&moved, x) - 0.7) / 4; /* of the target's range */
            errors[way] = excess * excess + 0.5e-5 * moved.w[k] * moved.w[k];
        }
        double slope = (errors[1] - errors[0]) / 2e-4;
        double first_mean = tried.m[k] / 0.3; /* (1 - beta1) g */
        if (!(fabs(slope - first_mean) < 1e-7 + 1e-4 * fabs(slope))) {
            fail_msg("weight %d: gradient %g, by finite differences %g", k, first_mean, slope);
        }
        double want = l.w[k] - 0.1 * tried.m[k] / (sqrt(0.1) * fabs(first_mean) + 1e-8);
        assert_true(fabs(tried.w[k] - want) < 1e-9);
    }
}

/* ---- ridge regression ---- */

/* Gauss and Jordan, without a thought for speed: a [n][n + 1]. */
static void eliminate(double *a, int n) {
    for (int k = 0; k < n; k++) {
        double pivot = a[k * (n + 1) + k];
        for (int j = 0; j <= n; j++) {
            a[k * (n + 1) + j] /= pivot;
        }
        for (int i = 0; i < n; i++) {
            double factor = a[i * (n + 1) + k];
            for (int j = 0; i != k && j <= n; j++) {
                a[i * (n + 1) + j] -= factor * a[k * (n + 1) + j];
            }
        }
    }
}

static void ridge_by_the_normal_equations(void **state) {
    (void)state;
    enum { N = 6, ROWS = 25, FIT = 20 };
    const double l2[2] = {0.3, 20};
    double features[ROWS][N];
    double changed[ROWS][N];
    double targets[ROWS];
    double work[2 * N * N + 3 * N];
    float error[2][7];
    assert_int_equal(ridge_work(N), 2 * N * N + 3 * N);
    for (int r = 0; r < ROWS; r++) {
        targets[r] = 3 + rng_uniform(1, RNG_TASK, (uint64_t)r);
        for (int i = 0; i < N; i++) {
            features[r][i] = rng_uniform(2, RNG_TASK, (uint64_t)(r * N + i));
            targets[r] += features[r][i] * i;
        }
    }
    memcpy(changed, features, sizeof features);
    ridge_errors(changed[0], targets, N, ROWS, FIT, l2, 2, work, error[0], 7);
    for (int k = 0; k < 2; k++) {
        double a[N + 1][N + 2] = {{0}}; /* unknowns: N weights, and an intercept without a penalty */
        for (int r = 0; r < FIT; r++) {
            for (int i = 0; i <= N; i++) {
                for (int j = 0; j <= N; j++) {
                    a[i][j] += (i < N ? features[r][i] : 1) * (j < N ? features[r][j] : 1);
                }
                a[i][N + 1] += (i < N ? features[r][i] : 1) * targets[r];
            }
        }
        for (int i = 0; i < N; i++) {
            a[i][i] += l2[k];
        }
        eliminate(a[0], N + 1);
        for (int r = FIT; r < ROWS; r++) {
            double excess = a[N][N + 1] - targets[r];
            for (int i = 0; i < N; i++) {
                excess += a[i][N + 1] * features[r][i];
            }
            if (!(fabs((double)error[k][r - FIT] - excess * excess) < 1e-5 * (1 + excess * excess))) {
                fail_msg("L2 %g, row %d: squared error %g, by elimination %g", l2[k], r, (double)error[k][r - FIT], excess * excess);
            }
        }
    }
}

/* Features of spikes against the sum over all spikes of exp(-age / 20 ms). */
static void features_of_spikes(void **state) {
    (void)state;
    enum { STEPS = 60, EXAMPLES = 3, BATCH = 3, IN = 5, REC = 6 };
    lsnn_net_spec spec;
    lsnn_context *context;
    lsnn_net *net;
    lsnn_sim *sim;
    lsnn_net_spec_init(&spec);
    spec.n_in = IN;
    spec.n_lif = 3;
    spec.n_adaptive = 3;
    spec.n_out = 1;
    spec.n_delay = 4;
    spec.dt = 2;
    spec.scale_in = 3;
    need(lsnn_context_create(&context, 1));
    need(lsnn_net_create(&net, &spec));
    need(lsnn_sim_create(&sim, net, context, &(lsnn_sim_options){.n_batch = BATCH, .n_steps = STEPS, .n_windows = 1, .train = true}));
    uint8_t *spikes = random_spikes((size_t)STEPS * BATCH * IN, 0.2, 4);
    need(lsnn_sim_set_spikes(sim, spikes, STEPS));
    need(lsnn_forward(sim));
    double n_spikes = 0;
    for (int b = 0; b < BATCH; b++) {
        float z[STEPS][REC];
        double features[EXAMPLES][REC];
        double trace[REC];
        need(lsnn_sim_copy_trace(sim, "z", b, z[0]));
        ridge_features(sim, b, EXAMPLES, features[0], trace);
        for (int j = 0; j < REC; j++) {
            for (int e = 0; e < EXAMPLES; e++) {
                double want = 0;
                for (int t = e * 20; t < e * 20 + 20; t++) {
                    for (int sent = 0; sent <= t; sent++) {
                        want += (double)z[sent][j] * exp(-2.0 * (t - sent) / 20) / 20;
                    }
                }
                assert_true(fabs(features[e][j] - want) < 1e-9);
                n_spikes += (double)z[e * 20][j];
            }
        }
    }
    assert_true(n_spikes > 0);
    free(spikes);
    lsnn_sim_free(sim);
    lsnn_net_free(net);
    lsnn_context_free(context);
}

/* ---- runs ---- */

typedef struct kept_curves {
    int n;
    char names[8][40];
    int first[8], n_examples[8];
    double mean[8], interval[8], error[8][20];
} kept_curves;

static void keep_curve(void *user, const lsnn_curve *c) {
    kept_curves *k = user;
    assert_true(k->n < 8 && c->n_examples <= 20);
    snprintf(k->names[k->n], sizeof k->names[k->n], "%s", c->name);
    k->first[k->n] = c->first;
    k->n_examples[k->n] = c->n_examples;
    k->mean[k->n] = c->mean;
    k->interval[k->n] = c->mean_interval;
    double sum = 0;
    for (int e = 0; e < c->n_examples; e++) {
        k->error[k->n][e] = c->error[e];
        assert_true(c->interval[e] >= 0);
        sum += c->error[e] / c->n_examples;
    }
    assert_true(fabs(sum - c->mean) < 1e-9 * (1 + c->mean));
    assert_int_equal(c->n_episodes, 3 * 5);
    k->n++;
}

/* A family of a program's own through the public door: trained, evaluated, compared, on 1 and on 3 threads. */
static void own_family(void **state) {
    (void)state;
    char folder[FOLDER_SIZE];
    lsnn_family f = planes();
    kept_curves curves[2] = {{0}};
    folder_make(folder);
    for (int way = 0; way < 2; way++) {
        char path[FOLDER_SIZE + 20];
        lsnn_experiment *e;
        lsnn_context *context;
        lsnn_result trained;
        lsnn_result result;
        snprintf(path, sizeof path, "%s/run%d", folder, way);
        need(
            experiment_parse(&e, "planes", "task: l2l-own\ntrain: {iterations: 4, test_batches: 3, valid_batches: 1}\n" SMALL "}", "file"));
        need(lsnn_context_create(&context, way == 0 ? 1 : 3));
        lsnn_run_options options = {.out = path, .family = &f};
        need(lsnn_train(e, context, &options, &trained));
        need(lsnn_evaluate(path, context, &options, &result));
        assert_true(trained.score == result.score && trained.score_interval == result.score_interval);
        assert_true(result.n == 3 * 5 * 12 && result.score_interval > 0);
        need(lsnn_learning_curves(path, context, &options, keep_curve, &curves[way]));
        assert_true(fabs(curves[way].mean[0] - result.score) < 1e-6 * result.score);
        assert_true(fabs(curves[way].interval[0] - result.score_interval) < 1e-5 * result.score_interval);
        need_error(lsnn_evaluate(path, context, NULL, &result), LSNN_ERR_SETTING, "family");
        f.n_inputs = 1; /* another family than it was trained on */
        need_error(lsnn_evaluate(path, context, &options, &result), LSNN_ERR_DATA, "inputs");
        f.n_inputs = 2;
        lsnn_context_free(context);
        lsnn_experiment_free(e);
    }
    assert_memory_equal(&curves[0], &curves[1], sizeof curves[0]); /* the same bits */
    static const char *const names[] = {"network",
                                        "ridge on spikes, L2 0.01",
                                        "ridge on spikes, L2 1",
                                        "ridge on spikes, L2 100",
                                        "online backprop",
                                        "linear fit",
                                        "running mean",
                                        "last target"};
    assert_int_equal(curves[0].n, 8);
    for (int k = 0; k < 8; k++) {
        assert_string_equal(curves[0].names[k], names[k]);
        assert_int_equal(curves[0].first[k], k >= 1 && k <= 3 ? 10 : 0);
        assert_int_equal(curves[0].n_examples[k], k >= 1 && k <= 3 ? 2 : 12);
    }
    assert_true(curves[0].error[5][11] < 1e-3); /* a plane, fitted linearly */
    folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(population_rates),
        cmocka_unit_test(population_of_odd_values),
        cmocka_unit_test(teachers_cover_0_to_1),
        cmocka_unit_test(teachers_are_networks),
        cmocka_unit_test(sinusoids),
        cmocka_unit_test(splits_have_nothing_in_common),
        cmocka_unit_test(families_are_checked),
        cmocka_unit_test(episodes),
        cmocka_unit_test(same_samples_on_any_threads),
        cmocka_unit_test(values_that_are_not_finite),
        cmocka_unit_test(mean_and_last),
        cmocka_unit_test(linear_fit),
        cmocka_unit_test(linear_fit_is_ridge_regression),
        cmocka_unit_test(online_network_learns),
        cmocka_unit_test(online_network_goes_downhill),
        cmocka_unit_test(ridge_by_the_normal_equations),
        cmocka_unit_test(features_of_spikes),
        cmocka_unit_test(own_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
