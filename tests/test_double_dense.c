/* Back-propagation through time in dense networks against central finite differences, in double precision, array by array. */
#include "base/rng.h"
#include "dense/dense_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* after lsnn's headers: cmocka has a macro named fail */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum {
    N_IN = 2,
    N_UNITS = 5,
    N_OUT = 3,
    N_BATCH = 35,
    N_STEPS = 19,
    N_WINDOWS = 3
}; /* three blocks, the last of 3 samples; more than two chunks */

static void need(lsnn_status status) {
    if (status != LSNN_OK) {
        fail_msg("%s: %s", lsnn_status_name(status), lsnn_error());
    }
}

typedef struct trial {
    dense_net *net;
    dense_run *run;
    bool carried, has_lengths;
    int lengths[N_BATCH]; /* 0, 1, ... within the windows and between; the last block is the shortest one */
    float d_output[N_WINDOWS * N_BATCH * N_OUT];
} trial;

static void set_input(const trial *x, uint64_t which) {
    for (int b = 0; b < N_BATCH; b++) {
        input_lane lane = dense_input_lane(x->run, b);
        for (int t = 0; t < N_STEPS; t++) {
            for (int i = 0; i < N_IN; i++) {
                lane_set_number(&lane, t, i, (real)rng_normal(which, RNG_TASK, (uint64_t)((b * N_STEPS + t) * N_IN + i)));
            }
        }
    }
}

/* The state that a sequence starts from must not depend on the weights: it is put there by hand. */
static void set_state(const trial *x) {
    for (int b = 0; b < N_BATCH; b++) {
        real *h;
        real *c;
        dense_state_at(x->run, b, &h, &c);
        for (int j = 0; j < N_UNITS; j++) {
            h[j] = (real)(rng_uniform(5, RNG_TASK, (uint64_t)(b * N_UNITS + j)) - 0.5);
            if (c != NULL) {
                c[j] = (real)rng_normal(6, RNG_TASK, (uint64_t)(b * N_UNITS + j));
            }
        }
    }
}

/* A fixed sum of the outputs, in double precision. */
static double loss_now(const trial *x) {
    dense_begin(x->run, true, x->has_lengths ? x->lengths : NULL);
    if (x->carried) {
        set_state(x);
    }
    set_input(x, 1);
    dense_forward(x->run, NULL);
    double loss = 0;
    for (int k = 0; k < x->run->n_blocks; k++) {
        const dense_block *block = &x->run->blocks[k];
        for (int w = 0; w < N_WINDOWS; w++) {
            for (int at = 0; at < block->n * N_OUT; at++) {
                if (x->run->window_start[w] >= x->run->length[block->first + at / N_OUT]) {
                    continue;
                }
                loss += (double)x->d_output[(w * N_BATCH + block->first) * N_OUT + at] * (double)block->y[w * block->n * N_OUT + at];
            }
        }
    }
    return loss;
}

static void check(dense_kind kind, bool carried, bool has_lengths) {
    trial x = {.carried = carried, .has_lengths = has_lengths};
    for (int b = 0; b < N_BATCH; b++) {
        x.lengths[b] = b < 32 ? b * 7 % (N_STEPS + 1) : 3 * (b - 30);
    }
    lsnn_context *context;
    need(lsnn_context_create(&context, 2));
    need(dense_net_create(&x.net, &(dense_spec){.kind = kind,
                                                .n_in = N_IN,
                                                .n_units = N_UNITS,
                                                .n_out = N_OUT,
                                                .forget_bias = 1,
                                                .scale_in = 1.5f,
                                                .scale_rec = 1.5f,
                                                .seed = 3}));
    need(dense_run_create(&x.run, x.net, context,
                          &(dense_options){.n_batch = N_BATCH, .n_steps = N_STEPS, .n_windows = N_WINDOWS, .train = true},
                          (int[]){2, 5, 13}, (int[]){5, 6, 17}));
    for (size_t k = 0; k < sizeof x.d_output / sizeof *x.d_output; k++) {
        x.d_output[k] = (float)rng_normal(9, RNG_TASK, k);
    }
    for (size_t k = 0; k < x.net->n_params; k++) { /* biases, too, are anything */
        x.net->params[k] += (real)(0.1 * rng_normal(4, RNG_TASK, k));
    }
    size_t n = x.net->n_params;
    real *gradient = malloc(n * sizeof *gradient);
    loss_now(&x);
    need(dense_backward(x.run, x.d_output, gradient));

    const struct {
        const char *name;
        int first_row, n_rows, first_column, n_columns, stride;
        size_t at;
    } arrays[] = {
        {"w, recurrent", 0, x.net->n_rows, 0, N_UNITS, x.net->n_columns, 0},
        {"w, input", 0, x.net->n_rows, N_UNITS, N_IN, x.net->n_columns, 0},
        {"w, bias", 0, x.net->n_rows, N_UNITS + N_IN, 1, x.net->n_columns, 0},
        {"w_out", 0, N_OUT, 0, N_UNITS, N_UNITS + 1, (size_t)(x.net->w_out - x.net->params)},
        {"w_out, bias", 0, N_OUT, N_UNITS, 1, N_UNITS + 1, (size_t)(x.net->w_out - x.net->params)},
    };
    size_t n_checked = 0;
    for (size_t a = 0; a < sizeof arrays / sizeof *arrays; a++) {
        double largest = 0;
        double worst = 0;
        for (int r = 0; r < arrays[a].n_rows; r++) {
            for (int c = 0; c < arrays[a].n_columns; c++) {
                size_t at = arrays[a].at + (size_t)(r * arrays[a].stride + arrays[a].first_column + c);
                const double step = 1e-5;
                real w = x.net->params[at];
                x.net->params[at] = w + (real)step;
                double above = loss_now(&x);
                x.net->params[at] = w - (real)step;
                double below = loss_now(&x);
                x.net->params[at] = w;
                double numeric = (above - below) / (2 * step);
                largest = fmax(largest, fabs(numeric));
                worst = fmax(worst, fabs(numeric - (double)gradient[at]));
                n_checked++;
            }
        }
        if (!(largest > 0.1) || !(worst < 1e-7 * largest)) {
            fail_msg("%s: largest gradient %g; the largest difference from finite differences is %g of it", arrays[a].name, largest,
                     worst / largest);
        }
    }
    assert_int_equal(n_checked, n);
    free(gradient);
    dense_run_free(x.run);
    dense_net_free(x.net);
    lsnn_context_free(context);
}

static void lstm(void **state) {
    (void)state;
    check(DENSE_LSTM, false, false);
}

static void lstm_from_a_state(void **state) {
    (void)state;
    check(DENSE_LSTM, true, false);
}

static void rnn(void **state) {
    (void)state;
    check(DENSE_RNN, false, false);
}

static void rnn_from_a_state(void **state) {
    (void)state;
    check(DENSE_RNN, true, false);
}

static void lstm_with_lengths(void **state) {
    (void)state;
    check(DENSE_LSTM, false, true);
}

static void rnn_with_lengths_from_a_state(void **state) {
    (void)state;
    check(DENSE_RNN, true, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(lstm),
                                       cmocka_unit_test(lstm_from_a_state),
                                       cmocka_unit_test(rnn),
                                       cmocka_unit_test(rnn_from_a_state),
                                       cmocka_unit_test(lstm_with_lengths),
                                       cmocka_unit_test(rnn_with_lengths_from_a_state)};
    return cmocka_run_group_tests_name("dense networks: finite differences", tests, NULL, NULL);
}
