/* Losses, the learning rate's schedule and Adam, each against a direct computation. */
#include "base/interval.h"
#include "base/rng.h"
#include "learn/adam.h"
#include "learn/gradient.h"
#include "learn/schedule.h"
#include "net/sim.h"
#include "support/needs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_OUT = 4, N_BATCH = 5, N_WINDOWS = 3, N_DECISIONS = N_BATCH * N_WINDOWS, N = N_DECISIONS * N_OUT };

typedef struct fixture {
    lsnn_context *context;
    lsnn_net *net;
    lsnn_sim *sim;
} fixture;

static int set_up(void **state) {
    static fixture f;
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = 2;
    spec.n_lif = 3;
    spec.n_out = N_OUT;
    f.context = context_on(NULL, 1);
    need(lsnn_net_create(&f.net, &spec));
    need(lsnn_sim_create(&f.sim, f.net, f.context, &(lsnn_sim_options){.n_batch = N_BATCH, .n_steps = N_WINDOWS, .n_windows = N_WINDOWS}));
    need(lsnn_sim_set_windows(f.sim, (int[]){0, 1, 2}, (int[]){1, 2, 3}, N_WINDOWS));
    f.sim->has_output = true; /* the tests write the outputs themselves */
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    lsnn_sim_free(f->sim);
    lsnn_net_free(f->net);
    lsnn_context_free(f->context);
    return 0;
}

static void set_output(lsnn_sim *sim, double low, double high, uint64_t seed) {
    float *y = random_floats(N, low, high, seed);
    memcpy(sim->output, y, N * sizeof *y);
    free(y);
}

static void need_near(const char *what, double got, double want, double part) {
    if (!(fabs(got - want) <= part * fmax(fabs(want), 1e-30))) {
        fail_msg("%s is %.12g, should be %.12g", what, got, want);
    }
}

/* ---- cross entropy ---- */

static const int32_t classes[N_DECISIONS] = {0, 3, 1, -1, 2, -1, 0, 1, 3, -1, -1, 2, 2, 0, 1};

static double direct_cross_entropy(const float *y, const int32_t *class_of, int64_t *n_wrong, int64_t *n_counted) {
    long double sum = 0;
    *n_wrong = 0;
    *n_counted = 0;
    for (int k = 0; k < N_DECISIONS; k++) {
        if (class_of[k] < 0) {
            continue;
        }
        long double total = 0;
        bool wrong = false;
        for (int o = 0; o < N_OUT; o++) {
            total += expl((long double)y[k * N_OUT + o]);
            wrong = wrong || y[k * N_OUT + o] > y[k * N_OUT + class_of[k]];
        }
        sum -= logl(expl((long double)y[k * N_OUT + class_of[k]]) / total);
        *n_wrong += wrong;
        ++*n_counted;
    }
    return (double)(sum / (long double)*n_counted);
}

static void cross_entropy_is_as_computed_directly(void **state) {
    lsnn_sim *sim = ((fixture *)*state)->sim;
    for (uint64_t seed = 0; seed < 5; seed++) {
        double loss;
        int64_t n_wrong;
        int64_t n_counted;
        int64_t want_wrong;
        int64_t want_counted;
        set_output(sim, -3, 3, seed);
        need(lsnn_loss_cross_entropy(sim, classes, NULL, &loss, &n_wrong, &n_counted));
        need_near("loss", loss, direct_cross_entropy(sim->output, classes, &want_wrong, &want_counted), 1e-12);
        assert_int_equal(n_wrong, want_wrong);
        assert_int_equal(n_counted, want_counted);
        assert_int_equal(n_counted, 11);
    }
}

static void cross_entropy_gradient_is_its_slope(void **state) {
    lsnn_sim *sim = ((fixture *)*state)->sim;
    float d_output[N];
    double loss;
    set_output(sim, -2, 2, 7);
    memset(d_output, 1, sizeof d_output); /* to be overwritten, those that don't count as well */
    need(lsnn_loss_cross_entropy(sim, classes, d_output, &loss, NULL, NULL));
    for (int k = 0; k < N; k++) {
        if (classes[k / N_OUT] < 0) {
            assert_true(d_output[k] == 0);
        }
        float y = sim->output[k];
        float above = y + 1e-2f;
        float below = y - 1e-2f;
        double loss_above;
        double loss_below;
        sim->output[k] = above;
        need(lsnn_loss_cross_entropy(sim, classes, NULL, &loss_above, NULL, NULL));
        sim->output[k] = below;
        need(lsnn_loss_cross_entropy(sim, classes, NULL, &loss_below, NULL, NULL));
        sim->output[k] = y;
        double slope = (loss_above - loss_below) / ((double)above - (double)below);
        if (!(fabs(slope - (double)d_output[k]) < 2e-6)) {
            fail_msg("d_output[%d] is %g, the slope is %g", k, (double)d_output[k], slope);
        }
    }
}

static void cross_entropy_survives_large_outputs(void **state) {
    lsnn_sim *sim = ((fixture *)*state)->sim;
    double loss;
    float d_output[N];
    for (int k = 0; k < N; k++) {
        sim->output[k] = k % N_OUT == 0 ? 1000 : -1000;
    }
    int32_t class_of[N_DECISIONS] = {0};
    need(lsnn_loss_cross_entropy(sim, class_of, d_output, &loss, NULL, NULL));
    assert_true(loss == 0);
    class_of[3] = 1;
    need(lsnn_loss_cross_entropy(sim, class_of, d_output, &loss, NULL, NULL));
    need_near("loss", loss, 2000.0 / N_DECISIONS, 1e-12);
    for (int k = 0; k < N; k++) {
        assert_true(isfinite(d_output[k]));
    }
    need_near("d", (double)d_output[3 * N_OUT], 1.0 / N_DECISIONS, 1e-6);
}

static void cross_entropy_of_nothing_is_nothing(void **state) {
    lsnn_sim *sim = ((fixture *)*state)->sim;
    int32_t class_of[N_DECISIONS];
    float d_output[N];
    double loss = 5;
    int64_t n_wrong = 5;
    int64_t n_counted = 5;
    for (int k = 0; k < N_DECISIONS; k++) {
        class_of[k] = -1;
    }
    need(lsnn_loss_cross_entropy(sim, class_of, d_output, &loss, &n_wrong, &n_counted));
    assert_true(loss == 0 && n_wrong == 0 && n_counted == 0);
    for (int k = 0; k < N; k++) {
        assert_true(d_output[k] == 0);
    }
}

static void a_class_out_of_range_is_refused(void **state) {
    lsnn_sim *sim = ((fixture *)*state)->sim;
    int32_t class_of[N_DECISIONS];
    float d_output[N] = {7};
    double loss = 5;
    memcpy(class_of, classes, sizeof class_of);
    class_of[N_BATCH + 2] = N_OUT;
    need_error(lsnn_loss_cross_entropy(sim, class_of, d_output, &loss, NULL, NULL), LSNN_ERR_USAGE, "class 4 in window 1, sample 2");
    assert_true(loss == 5 && d_output[0] == 7);
}

/* ---- squared error ---- */

static void squared_error_is_as_computed_directly(void **state) {
    lsnn_sim *sim = ((fixture *)*state)->sim;
    float *target = random_floats(N, -1, 1, 3);
    float d_output[N];
    double loss;
    int64_t n_counted;
    set_output(sim, -1, 1, 4);
    target[0] = target[17] = target[N - 1] = NAN;
    long double sum = 0;
    for (int k = 0; k < N; k++) {
        long double excess = isnan(target[k]) ? 0 : (long double)sim->output[k] - (long double)target[k];
        sum += excess * excess;
    }
    need(lsnn_loss_squared(sim, target, d_output, &loss, &n_counted));
    assert_int_equal(n_counted, N - 3);
    need_near("loss", loss, (double)(sum / (N - 3)), 1e-12);
    for (int k = 0; k < N; k++) {
        float y = sim->output[k];
        float above = y + 1e-2f;
        float below = y - 1e-2f;
        double loss_above;
        double loss_below;
        sim->output[k] = above;
        need(lsnn_loss_squared(sim, target, NULL, &loss_above, NULL));
        sim->output[k] = below;
        need(lsnn_loss_squared(sim, target, NULL, &loss_below, NULL));
        sim->output[k] = y;
        double slope = (loss_above - loss_below) / ((double)above - (double)below);
        if (!(fabs(slope - (double)d_output[k]) < 1e-7)) { /* a parabola's slope is exact */
            fail_msg("d_output[%d] is %g, the slope is %g", k, (double)d_output[k], slope);
        }
        assert_true(!isnan(target[k]) || d_output[k] == 0);
    }
    for (int k = 0; k < N; k++) {
        target[k] = NAN;
    }
    need(lsnn_loss_squared(sim, target, d_output, &loss, &n_counted));
    assert_true(loss == 0 && n_counted == 0 && d_output[5] == 0);
    free(target);
}

/* ---- intervals ---- */

static void interval_over_sequences_of_any_length(void **state) {
    (void)state;
    static const double error[] = {0.5, 2, 1, 0.25, 4};
    double mean[2] = {0}; /* sum, squares */
    double same[5] = {0}; /* x, y, xx, xy, yy: each sequence has 3 numbers */
    for (int k = 0; k < 5; k++) {
        double x = 3;
        double y = x * error[k];
        mean[0] += error[k];
        mean[1] += error[k] * error[k];
        const double terms[5] = {x, y, x * x, x * y, y * y};
        for (int q = 0; q < 5; q++) {
            same[q] += terms[q];
        }
    }
    need_near("equal lengths", interval_of_ratio(5, same[0], same[1], same[2], same[3], same[4]), interval_of_mean(5, mean[0], mean[1]),
              1e-12);
    /* lengths 1 and 3, every error 2: nothing is uncertain; errors 1 and 3 in their place: mean 2.5, residuals -1.5 and 1.5 */
    need_near("no spread", interval_of_ratio(2, 4, 8, 10, 20, 40), 0, 1e-12);
    need_near("two lengths", interval_of_ratio(2, 4, 10, 10, 28, 82), 1.96 * sqrt(2 * (1.5 * 1.5 + 1.5 * 1.5)) / 4, 1e-12);
    assert_true(isnan(interval_of_ratio(1, 4, 8, 16, 32, 64)));
}

/* ---- schedules ---- */

static void schedules_have_their_values(void **state) {
    (void)state;
    schedule constant = {.kind = SCHEDULE_CONSTANT, .rate = 0.25, .factor = 0.5, .every = 3, .n_iterations = 100};
    for (int64_t k = 0; k < 1000; k += 37) {
        assert_true(schedule_rate(&constant, k) == 0.25);
    }
    schedule step = {.kind = SCHEDULE_STEP, .rate = 0.01, .factor = 0.3, .every = 100, .n_iterations = 1000};
    static const double steps[][2] = {{0, 0.01}, {99, 0.01}, {100, 0.003}, {199, 0.003}, {200, 0.0009}, {1000, 0.01 * 5.9049e-6}};
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        need_near("step", schedule_rate(&step, (int64_t)steps[k][0]), steps[k][1], 1e-12);
    }
    schedule cosine = {.kind = SCHEDULE_COSINE, .rate = 0.01, .factor = 0.7, .end = 0.02, .n_iterations = 101};
    static const double cosines[][2] = {{0, 0.01},
                                        {50, 0.01 * (0.02 + 0.98 * 0.5)},
                                        {25, 0.01 * (0.02 + 0.98 * (0.5 + 0.5 * 0.70710678118654752))},
                                        {100, 0.0002},
                                        {5000, 0.0002}};
    for (size_t k = 0; k < sizeof cosines / sizeof *cosines; k++) {
        need_near("cosine", schedule_rate(&cosine, (int64_t)cosines[k][0]), cosines[k][1], 1e-12);
    }
    for (int64_t k = 1; k < 101; k++) {
        assert_true(schedule_rate(&cosine, k) < schedule_rate(&cosine, k - 1));
    }
    for (cosine.n_iterations = 0; cosine.n_iterations < 2; cosine.n_iterations++) { /* a run of one iteration learns */
        assert_true(schedule_rate(&cosine, 0) == 0.01);
    }
    schedule warm = {.kind = SCHEDULE_CONSTANT, .rate = 1, .warmup = 4};
    static const double warmth[] = {0.25, 0.5, 0.75, 1, 1, 1};
    for (int64_t k = 0; k < 6; k++) {
        need_near("warmup", schedule_rate(&warm, k), warmth[k], 1e-12);
    }
    step.warmup = 200; /* both at once */
    need_near("warmup and step", schedule_rate(&step, 149), 0.003 * 0.75, 1e-12);
}

/* ---- Adam ---- */

typedef struct adam_test {
    lsnn_net *net;
    lsnn_gradient *gradient;
    lsnn_adam *adam;
} adam_test;

static adam_test start_adam(const lsnn_adam_options *options) {
    adam_test a;
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = 3;
    spec.n_adaptive = 4;
    spec.n_out = 2;
    need(lsnn_net_create(&a.net, &spec));
    need(lsnn_gradient_create(&a.gradient, a.net));
    need(lsnn_adam_create(&a.adam, a.net, options));
    return a;
}

static void stop_adam(adam_test *a) {
    lsnn_adam_free(a->adam);
    lsnn_gradient_free(a->gradient);
    lsnn_net_free(a->net);
}

/* Gradients from 1e-3 to 1e3 in size. */
static void draw_gradient(adam_test *a, uint64_t seed) {
    for (size_t k = 0; k < a->net->n_params; k++) {
        a->gradient->values[k] = (real)(rng_normal(seed, RNG_TASK, k) * pow(10, (double)(k % 7) - 3));
    }
}

static double norm_of(const adam_test *a) {
    double sum = 0;
    for (size_t k = 0; k < a->net->n_params; k++) {
        sum += (double)a->gradient->values[k] * (double)a->gradient->values[k];
    }
    return sqrt(sum);
}

static void adam_is_as_computed_directly(void **state) {
    (void)state;
    for (int clipped = 0; clipped < 2; clipped++) {
        lsnn_adam_options options;
        lsnn_adam_options_init(&options);
        assert_true(options.beta1 == 0.9f && options.beta2 == 0.999f && options.epsilon == 1e-8f && options.clip == 0);
        options.beta1 = 0.8f;
        options.clip = clipped != 0 ? 5 : 0;
        adam_test a = start_adam(&options);
        size_t n = a.net->n_params;
        assert_int_equal(n, lsnn_net_n_params(a.net));
        double *w = malloc(n * sizeof *w);
        double *m = calloc(n, sizeof *m);
        double *v = calloc(n, sizeof *v);
        for (size_t k = 0; k < n; k++) {
            w[k] = (double)a.net->params[k];
        }
        for (int step = 1; step <= 30; step++) {
            draw_gradient(&a, (uint64_t)step);
            double norm = norm_of(&a);
            need_near("norm", lsnn_gradient_norm(a.gradient), norm, 1e-12);
            double scale = clipped != 0 && norm > 5 ? 5 / norm : 1;
            assert_true(clipped == 0 || scale < 1);
            double rate = 0.01 / step;
            for (size_t k = 0; k < n; k++) {
                double g = (double)a.gradient->values[k] * scale;
                m[k] = (double)options.beta1 * m[k] + (1 - (double)options.beta1) * g;
                v[k] = (double)options.beta2 * v[k] + (1 - (double)options.beta2) * g * g;
                double m_hat = m[k] / (1 - pow((double)options.beta1, step));
                double v_hat = v[k] / (1 - pow((double)options.beta2, step));
                w[k] -= rate * m_hat / (sqrt(v_hat) + (double)options.epsilon);
            }
            need(lsnn_adam_step(a.adam, a.net, a.gradient, (float)rate));
            for (size_t k = 0; k < n; k++) {
                if (!(fabs((double)a.net->params[k] - w[k]) < 2e-6)) {
                    fail_msg("step %d, clip %d: parameter %zu is %.9g, should be %.9g", step, clipped, k, (double)a.net->params[k], w[k]);
                }
            }
        }
        free(w);
        free(m);
        free(v);
        stop_adam(&a);
    }
}

/* A gradient below the clip is left alone, bit for bit. */
static void clipping_leaves_short_gradients_alone(void **state) {
    (void)state;
    lsnn_adam_options options;
    lsnn_adam_options_init(&options);
    adam_test plain = start_adam(&options);
    options.clip = 1e6f;
    adam_test clipped = start_adam(&options);
    draw_gradient(&plain, 1);
    draw_gradient(&clipped, 1);
    need(lsnn_adam_step(plain.adam, plain.net, plain.gradient, 0.1f));
    need(lsnn_adam_step(clipped.adam, clipped.net, clipped.gradient, 0.1f));
    need_same_bits("weights", clipped.net->params, plain.net->params, plain.net->n_params);
    stop_adam(&plain);
    stop_adam(&clipped);
}

static void a_gradient_that_is_not_finite_changes_nothing(void **state) {
    (void)state;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    lsnn_adam_options options;
    lsnn_adam_options_init(&options);
    for (size_t b = 0; b < 6; b++) {
        options.clip = b < 3 ? 0 : 1;
        adam_test a = start_adam(&options);
        adam_test without = start_adam(&options);
        for (uint64_t step = 0; step < 3; step++) {
            draw_gradient(&a, step);
            draw_gradient(&without, step);
            if (step == 1) {
                size_t at = b * 5 % a.net->n_params;
                float good = a.gradient->values[at];
                a.gradient->values[at] = bad[b % 3];
                need_error(lsnn_adam_step(a.adam, a.net, a.gradient, 0.1f), LSNN_ERR_NUMERIC, "finite");
                need_same_bits("weights", a.net->params, without.net->params, a.net->n_params);
                a.gradient->values[at] = good;
            }
            need(lsnn_adam_step(a.adam, a.net, a.gradient, 0.1f));
            need(lsnn_adam_step(without.adam, without.net, without.gradient, 0.1f));
            need_same_bits("weights", a.net->params, without.net->params, a.net->n_params); /* the moments are as they were, too */
        }
        stop_adam(&a);
        stop_adam(&without);
    }
}

static void options_out_of_range_are_refused(void **state) {
    (void)state;
    const float bad[][4] = {{-0.1f, 0.9f, 1e-8f, 0}, {1, 0.9f, 1e-8f, 0},     {0.9f, 1, 1e-8f, 0},     {0.9f, -1, 1e-8f, 0},
                            {0.9f, 0.9f, 0, 0},      {0.9f, 0.9f, -1e-8f, 0}, {0.9f, 0.9f, 1e-8f, -1}, {NAN, 0.9f, 1e-8f, 0},
                            {0.9f, NAN, 1e-8f, 0},   {0.9f, 0.9f, NAN, 0},    {0.9f, 0.9f, 1e-8f, NAN}};
    lsnn_adam_options options;
    lsnn_adam_options_init(&options);
    adam_test a = start_adam(&options);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        lsnn_adam *adam = NULL;
        lsnn_adam_options o = {.beta1 = bad[k][0], .beta2 = bad[k][1], .epsilon = bad[k][2], .clip = bad[k][3]};
        need_error(lsnn_adam_create(&adam, a.net, &o), LSNN_ERR_SETTING, "Adam");
        assert_null(adam);
    }
    /* and what does not belong together */
    lsnn_net_spec spec;
    lsnn_net *other;
    lsnn_gradient *gradient;
    lsnn_net_spec_init(&spec);
    spec.n_in = 9;
    spec.n_lif = 1;
    spec.n_out = 1;
    need(lsnn_net_create(&other, &spec));
    need(lsnn_gradient_create(&gradient, other));
    need_error(lsnn_adam_step(a.adam, a.net, gradient, 0.1f), LSNN_ERR_USAGE, "parameters");
    need_error(lsnn_adam_step(a.adam, other, gradient, 0.1f), LSNN_ERR_USAGE, "parameters");
    /* neither does what is of another network of as many parameters */
    lsnn_net *twin;
    lsnn_gradient *of_twin;
    lsnn_adam *adam_of_twin;
    need(lsnn_net_create(&twin, &spec));
    need(lsnn_gradient_create(&of_twin, twin));
    need(lsnn_adam_create(&adam_of_twin, twin, &options));
    need_error(lsnn_adam_step(adam_of_twin, other, gradient, 0.1f), LSNN_ERR_USAGE, "another network");
    need_error(lsnn_adam_step(adam_of_twin, twin, gradient, 0.1f), LSNN_ERR_USAGE, "another network");
    need(lsnn_adam_step(adam_of_twin, twin, of_twin, 0.1f));
    need_error(lsnn_adam_step(adam_of_twin, twin, of_twin, 3e38f), LSNN_ERR_USAGE, "0..1e6");
    lsnn_adam_free(adam_of_twin);
    lsnn_gradient_free(of_twin);
    lsnn_net_free(twin);
    float to[9];
    need_error(lsnn_gradient_copy(gradient, "tau_m", to, 1), LSNN_ERR_USAGE, "tau_m");
    need_error(lsnn_gradient_copy(gradient, "w_in", to, 8), LSNN_ERR_USAGE, "w_in");
    need_error(lsnn_gradient_copy(gradient, "w", to, 8), LSNN_ERR_USAGE, "w_rec");
    lsnn_gradient_free(gradient);
    lsnn_net_free(other);
    stop_adam(&a);
}

/* ---- what is refused ---- */

static void outputs_of_other_windows_are_no_outputs(void **state) {
    fixture *f = *state;
    const int32_t first_class[N_WINDOWS * N_BATCH] = {0};
    float targets[N] = {0};
    double loss;
    need(lsnn_loss_cross_entropy(f->sim, first_class, NULL, &loss, NULL, NULL));
    need(lsnn_sim_set_windows(f->sim, (int[]){0}, (int[]){1}, 1));
    need_error(lsnn_loss_cross_entropy(f->sim, first_class, NULL, &loss, NULL, NULL), LSNN_ERR_USAGE, "lsnn_forward");
    need_error(lsnn_loss_squared(f->sim, targets, NULL, &loss, NULL), LSNN_ERR_USAGE, "lsnn_forward");
}

static void a_learning_rate_is_not_negative(void **state) {
    fixture *f = *state;
    lsnn_adam_options options;
    lsnn_adam *adam;
    lsnn_gradient *gradient;
    lsnn_adam_options_init(&options);
    need(lsnn_adam_create(&adam, f->net, &options));
    need(lsnn_gradient_create(&gradient, f->net));
    for (size_t k = 0; k < 3; k++) {
        need_error(lsnn_adam_step(adam, f->net, gradient, (float[]){-1, NAN, INFINITY}[k]), LSNN_ERR_USAGE, "learning rate");
    }
    lsnn_gradient_free(gradient);
    lsnn_adam_free(adam);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(outputs_of_other_windows_are_no_outputs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_learning_rate_is_not_negative, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cross_entropy_is_as_computed_directly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cross_entropy_gradient_is_its_slope, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cross_entropy_survives_large_outputs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cross_entropy_of_nothing_is_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_class_out_of_range_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(squared_error_is_as_computed_directly, set_up, tear_down),
        cmocka_unit_test(interval_over_sequences_of_any_length),
        cmocka_unit_test(schedules_have_their_values),
        cmocka_unit_test(adam_is_as_computed_directly),
        cmocka_unit_test(clipping_leaves_short_gradients_alone),
        cmocka_unit_test(a_gradient_that_is_not_finite_changes_nothing),
        cmocka_unit_test(options_out_of_range_are_refused),
    };
    return cmocka_run_group_tests_name("losses, schedules, Adam", tests, NULL, NULL);
}
