/* The gradient of a bidirectional LSTM, on samples of different lengths, against central finite differences in double precision. What it answers comes in single precision: so
 * steps are large, and the loss smooth enough for them. (That a bidirectional network is two that run side by side is tested bit by bit in test_bidirectional.c.) */
#include "base/rng.h"
#include "dense/dense_net.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>

/* after lsnn's headers: cmocka has a macro named fail */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { N_IN = 2, N_OUT = 2, N_BATCH = 5, N_FRAMES = 6, HELD = 2, N_STEPS = N_FRAMES * HELD };

static const int lengths[N_BATCH] = {N_STEPS, 2, 8, 0, 10};
static int start[N_FRAMES], stop[N_FRAMES];

static void need(lsnn_status status) {
    if (status != LSNN_OK) {
        fail_msg("%s: %s", lsnn_status_name(status), lsnn_error());
    }
}

/* A fixed sum of the outputs. */
static double loss_now(pass *p, const float *d_output) {
    double loss = 0;
    need(pass_begin(p, true, 0, lengths));
    for (int b = 0; b < N_BATCH; b++) {
        input_lane to = pass_lane(p, b);
        for (int t = 0; t < lengths[b]; t++) {
            for (int i = 0; i < N_IN; i++) {
                lane_set_number(&to, t, i, (real)rng_normal(2, RNG_TASK, (uint64_t)((b * N_FRAMES + t / HELD) * N_IN + i)));
            }
        }
    }
    need(pass_forward(p));
    for (int k = 0; k < N_FRAMES * N_BATCH * N_OUT; k++) {
        loss += (double)d_output[k] * (double)p->output[k];
    }
    return loss;
}

/* A parameter by itself: the optimiser moves where the gradient is not 0, by about its rate at the first step. */
static void check(void **state) {
    lsnn_experiment *e;
    lsnn_context *context;
    model *m;
    pass *p;
    lsnn_gradient *gradient, *one;
    lsnn_adam *adam;
    lsnn_adam_options options;
    float d_output[N_FRAMES * N_BATCH * N_OUT];
    const model_shape shape = {.n_in = N_IN, .n_out = N_OUT, .input = LSNN_CURRENTS};
    const float step = 2e-3f;
    (void)state;
    need(lsnn_experiment_open(&e, "digits"));
    need(lsnn_experiment_set(e, "net.kind=lstm"));
    need(lsnn_experiment_set(e, "net.n_units=3"));
    need(lsnn_experiment_set(e, "net.bidirectional=true"));
    need(lsnn_context_create(&context, 1));
    need(model_create(&m, e, &shape));
    need(model_start_training(m, e));
    for (int w = 0; w < N_FRAMES; w++) {
        start[w] = w * HELD;
        stop[w] = (w + 1) * HELD;
    }
    for (int k = 0; k < N_FRAMES * N_BATCH * N_OUT; k++) {
        bool counts = k / (N_BATCH * N_OUT) * HELD < lengths[k / N_OUT % N_BATCH];
        d_output[k] = counts ? (float)rng_normal(9, RNG_TASK, (uint64_t)k) : 0;
    }
    need(pass_open(
        &p, m, context,
        &(pass_options){
            .n_batch = N_BATCH, .n_steps = N_STEPS, .n_windows = N_FRAMES, .window_start = start, .window_stop = stop, .train = true}));
    need(gradient_create(&gradient, m->n_params));
    need(gradient_create(&one, m->n_params));
    lsnn_adam_options_init(&options);
    options.beta1 = 0;
    options.beta2 = 0; /* so that a step is -rate times the gradient's sign */
    need(adam_create(&adam, m->n_params, &options));
    double rate_loss, largest = 0, worst = 0;
    loss_now(p, d_output);
    need(pass_backward(p, d_output, gradient, &rate_loss));
    for (size_t k = 0; k < m->n_params; k++) {
        double loss[2];
        for (int side = 0; side < 2; side++) { /* up, then down by two */
            one->values[k] = side == 0 ? -1 : 1;
            need(model_step(m, adam, one, side == 0 ? step : 2 * step));
            loss[side] = loss_now(p, d_output);
        }
        one->values[k] = -1;
        need(model_step(m, adam, one, step));
        one->values[k] = 0;
        double numeric = (loss[0] - loss[1]) / (2 * (double)step);
        largest = fmax(largest, fabs(numeric));
        worst = fmax(worst, fabs(numeric - (double)gradient->values[k]));
    }
    assert_true(largest > 0.1);
    if (!(worst < 5e-4 * largest)) {
        fail_msg("the worst difference is %.3g, the largest gradient %.3g", worst, largest);
    }
    lsnn_adam_free(adam);
    lsnn_gradient_free(one);
    lsnn_gradient_free(gradient);
    pass_close(p);
    model_free(m);
    lsnn_context_free(context);
    lsnn_experiment_free(e);
}

int main(void) {
    setenv("LSNN_SHARE", LSNN_SOURCE_DIR, 1);
    const struct CMUnitTest tests[] = {cmocka_unit_test(check)};
    return cmocka_run_group_tests_name("bidirectional networks: finite differences", tests, NULL, NULL);
}
