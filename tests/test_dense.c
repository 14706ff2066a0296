/* Dense networks in single precision: cells, golden values of PyTorch, the laws of determinism, files. */
#include "base/file.h"
#include "base/rng.h"
#include "dense/dense_run.h"
#include "learn/loss.h"
#include "machine/blas.h"
#include "support/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* after lsnn's headers: cmocka has a macro named fail */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static const char *const units[] = {"generic", "sse2", "avx2", "avx512", "neon"};
enum { UNITS = sizeof units / sizeof *units };

static void need(lsnn_status status) {
    if (status != LSNN_OK) {
        fail_msg("%s: %s", lsnn_status_name(status), lsnn_error());
    }
}

/* ---- cells ---- */

static float tanh_of(const kernel_set *kernels, float x) {
    float y;
    kernels->rnn_step(1, 1, &x, &y, 1);
    return y;
}

static void tanh_is_within_its_bound(void **state) {
    (void)state;
    double worst = 0;
    for (int k = -200000; k <= 200000; k++) {
        float x = (float)k * 6e-5f;
        float y = tanh_of(kernels_ref, x);
        worst = fmax(worst, fabs((double)y - tanh((double)x)));
        assert_true(fabsf(y) <= 1);
    }
    if (!(worst < 4e-7)) {
        fail_msg("tanh is off by %.3g; the bound is 4e-7", worst);
    }
    for (float x = 1e-30f; x < 1e38f; x *= 1.7f) {
        double error = fabs((double)tanh_of(kernels_ref, x) - tanh((double)x));
        assert_true(error < 4e-7 && error <= 1e-6 * (double)x); /* small ones are as exact, relative to themselves */
        assert_true(tanh_of(kernels_ref, -x) == -tanh_of(kernels_ref, x));
    }
    assert_true(tanh_of(kernels_ref, 0) == 0);
    assert_true(isnan(tanh_of(kernels_ref, NAN)));
    assert_true(fabsf(tanh_of(kernels_ref, INFINITY)) <= 1);
}

/* Cells of 3 samples with 37 units: every vector unit gives the same bits, also past whole vectors. */
static void cells_are_the_same_bits(void **state) {
    (void)state;
    enum { N = 3, M = 37, STRIDE = 48 };
    float first[7][N * 4 * M];
    for (int u = 0; u < UNITS; u++) {
        const kernel_set *kernels;
        if (kernels_select(&kernels, units[u]) != LSNN_OK) {
            continue;
        }
        float gates[N * 4 * M], c_before[N * M], c[N * M], h[N * STRIDE] = {0}, d_h[N * M], d_c[N * M], d_gates[N * 4 * M];
        float y[N * STRIDE] = {0}, d_sums[N * M];
        for (int k = 0; k < N * 4 * M; k++) {
            gates[k] = (float)(3 * rng_normal(1, RNG_TASK, (uint64_t)k));
        }
        for (int k = 0; k < N * M; k++) {
            c_before[k] = (float)rng_normal(2, RNG_TASK, (uint64_t)k);
            d_h[k] = (float)rng_normal(3, RNG_TASK, (uint64_t)k);
            d_c[k] = (float)rng_normal(4, RNG_TASK, (uint64_t)k);
        }
        kernels->rnn_step(N, M, gates, y, STRIDE);
        kernels->rnn_back(N, M, y, STRIDE, d_h, d_sums);
        kernels->lstm_step(N, M, gates, c_before, c, h, STRIDE);
        kernels->lstm_back(N, M, gates, c_before, c, d_h, d_c, d_gates);
        const struct {
            const float *data;
            size_t n;
        } all[7] = {{gates, N * 4 * M}, {c, N * M}, {h, N * STRIDE}, {d_c, N * M}, {d_gates, N * 4 * M}, {y, N * STRIDE}, {d_sums, N * M}};
        for (int a = 0; a < 7; a++) {
            if (u == 0) {
                memcpy(first[a], all[a].data, all[a].n * sizeof(float));
            }
            for (size_t k = 0; k < all[a].n; k++) {
                if (memcmp(&first[a][k], &all[a].data[k], sizeof(float)) != 0) {
                    fail_msg("%s: array %d, number %zu is %.9g; generic has %.9g", units[u], a, k, (double)all[a].data[k],
                             (double)first[a][k]);
                }
            }
        }
    }
}

/* ---- golden values ---- */

static void compare(const char *unit, const char *name, const tensor *want, const float *got) {
    double largest = 0;
    double worst = 0;
    for (size_t k = 0; k < want->n; k++) {
        largest = fmax(largest, fabs(tensor_at(want, k)));
        worst = fmax(worst, fabs(tensor_at(want, k) - (double)got[k]));
    }
    if (!(worst <= 1e-5 * largest) || !(largest > 0)) {
        fail_msg("%s, %s: the largest number is %g, the largest difference %.3g of it", unit, name, largest, worst / largest);
    }
}

static void check_golden(dense_kind kind, const char *file_name, const char *unit, int n_threads) {
    setenv("LSNN_ISA", unit, 1);
    lsnn_context *context = NULL;
    lsnn_status status = lsnn_context_create(&context, n_threads);
    unsetenv("LSNN_ISA");
    if (status != LSNN_OK) {
        return; /* this processor lacks it */
    }
    char path[512];
    tensor_file *file;
    dense_net *net;
    dense_run *run;
    snprintf(path, sizeof path, "%s/tests/golden/%s", LSNN_SOURCE_DIR, file_name);
    need(tensor_file_open(&file, path));
    int n_units = (int)tensor_file_find(file, "w_out")->shape[1] - 1;
    need(dense_net_read(&net, &(dense_spec){.kind = kind, .n_units = n_units}, file));
    const tensor *input = tensor_file_find(file, "input");
    int n_steps = (int)input->shape[0];
    int n_batch = (int)input->shape[1];
    int n_in = (int)input->shape[2];
    assert_int_equal(net->spec.n_in, n_in);
    size_t n_windows, n_class;
    int32_t *start = golden_ints(file, "window_start", &n_windows);
    int32_t *stop = golden_ints(file, "window_stop", &n_windows);
    int32_t *class_of = golden_ints(file, "class", &n_class);
    need(dense_run_create(&run, net, context,
                          &(dense_options){.n_batch = n_batch, .n_steps = n_steps, .n_windows = (int)n_windows, .train = true}, start,
                          stop));
    dense_begin(run, true, NULL);
    for (int b = 0; b < n_batch; b++) {
        input_lane lane = dense_input_lane(run, b);
        for (int t = 0; t < n_steps; t++) {
            for (int i = 0; i < n_in; i++) {
                lane_set_number(&lane, t, i, (real)tensor_at(input, (size_t)((t * n_batch + b) * n_in + i)));
            }
        }
    }
    dense_forward(run, NULL);
    compare(unit, "output", tensor_file_find(file, "output"), run->output);
    float *d_output = calloc(n_class * (size_t)net->spec.n_out, sizeof *d_output);
    real *gradient = calloc(net->n_params, sizeof *gradient);
    double loss;
    const loss_input in = {.output = run->output, .n_windows = (int)n_windows, .n_batch = n_batch, .n_out = net->spec.n_out};
    need(loss_cross_entropy(&in, class_of, d_output, &loss, NULL, NULL));
    compare(unit, "loss", tensor_file_find(file, "loss"), (float[]){(float)loss});
    need(dense_backward(run, d_output, gradient));
    compare(unit, "d_w", tensor_file_find(file, "d_w"), gradient);
    compare(unit, "d_w_out", tensor_file_find(file, "d_w_out"), gradient + (net->w_out - net->params));
    free(d_output);
    free(gradient);
    free(start);
    free(stop);
    free(class_of);
    dense_run_free(run);
    dense_net_free(net);
    tensor_file_close(file);
    lsnn_context_free(context);
}

static void golden_lstm(void **state) {
    (void)state;
    for (int u = 0; u < UNITS; u++) {
        check_golden(DENSE_LSTM, "dense_lstm.safetensors", units[u], 1 + u % 2);
    }
}

static void golden_rnn(void **state) {
    (void)state;
    for (int u = 0; u < UNITS; u++) {
        check_golden(DENSE_RNN, "dense_rnn.safetensors", units[u], 1 + u % 2);
    }
}

/* ---- laws ---- */

enum { L_IN = 3, L_UNITS = 40, L_OUT = 4, L_BATCH = 75, L_STEPS = 23 };

static dense_net *small_net(dense_kind kind) {
    dense_net *net;
    need(dense_net_create(
        &net,
        &(dense_spec){
            .kind = kind, .n_in = L_IN, .n_units = L_UNITS, .n_out = L_OUT, .forget_bias = 1, .scale_in = 1, .scale_rec = 1, .seed = 8}));
    return net;
}

static void write_input(const dense_run *run, int n_steps, int first_step) {
    for (int b = 0; b < L_BATCH; b++) {
        input_lane lane = dense_input_lane(run, b);
        for (int t = 0; t < n_steps; t++) {
            for (int i = 0; i < L_IN; i++) {
                lane_set_number(&lane, t, i, (real)rng_normal(2, RNG_TASK, (uint64_t)((b * L_STEPS + first_step + t) * L_IN + i)));
            }
        }
    }
}

static const int windows[2][2] = {{3, L_STEPS - 1}, {8, L_STEPS}};

/* Outputs, then the gradient, of one batch; returns how many numbers. */
static size_t numbers_of(const dense_net *net, int n_threads, const int *lengths, real **out) {
    lsnn_context *context;
    dense_run *run;
    need(lsnn_context_create(&context, n_threads));
    need(dense_run_create(&run, net, context, &(dense_options){.n_batch = L_BATCH, .n_steps = L_STEPS, .n_windows = 2, .train = true},
                          windows[0], windows[1]));
    dense_begin(run, true, lengths);
    write_input(run, L_STEPS, 0);
    dense_forward(run, NULL);
    size_t n_output = 2 * L_BATCH * L_OUT;
    real *all = malloc((n_output + net->n_params) * sizeof *all);
    float *d_output = malloc(n_output * sizeof *d_output);
    for (size_t k = 0; k < n_output; k++) {
        all[k] = run->output[k];
        d_output[k] = (float)rng_normal(3, RNG_TASK, k);
    }
    need(dense_backward(run, d_output, all + n_output));
    free(d_output);
    dense_run_free(run);
    lsnn_context_free(context);
    *out = all;
    return n_output + net->n_params;
}

static void threads_do_not_matter(void **state) {
    (void)state;
    for (int kind = DENSE_RNN; kind <= DENSE_LSTM; kind++) {
        dense_net *net = small_net((dense_kind)kind);
        real *one;
        size_t n = numbers_of(net, 1, NULL, &one);
        for (int n_threads = 2; n_threads <= 5; n_threads++) {
            real *many;
            assert_int_equal(numbers_of(net, n_threads, NULL, &many), n);
            assert_memory_equal(one, many, n * sizeof *one);
            free(many);
        }
        free(one);
        dense_net_free(net);
    }
}

/* With lengths: the same bits on any threads; the outputs of whole windows are those without lengths, and of windows after the end 0; lengths that are all the same
 * as without; and what comes after begins at rest. */
static void lengths_cut_samples_off(void **state) {
    (void)state;
    int lengths[L_BATCH], equal[L_BATCH];
    for (int b = 0; b < L_BATCH; b++) { /* the second block ends early, the third has a place that is idle */
        lengths[b] = b < 32 ? 1 + b * 5 % L_STEPS : b < 64 ? b % 12 : (b - 64) * 2;
        equal[b] = L_STEPS;
    }
    for (int kind = DENSE_RNN; kind <= DENSE_LSTM; kind++) {
        dense_net *net = small_net((dense_kind)kind);
        real *whole, *same, *one, *many;
        size_t n = numbers_of(net, 1, NULL, &whole);
        numbers_of(net, 1, equal, &same);
        numbers_of(net, 1, lengths, &one);
        numbers_of(net, 3, lengths, &many);
        assert_memory_equal(same, whole, n * sizeof *one);
        assert_memory_equal(one, many, n * sizeof *one);
        for (int w = 0; w < 2; w++) {
            for (int b = 0; b < L_BATCH; b++) {
                const real *y = one + (w * L_BATCH + b) * L_OUT;
                if (lengths[b] >= windows[1][w]) {
                    assert_memory_equal(y, whole + (w * L_BATCH + b) * L_OUT, L_OUT * sizeof *y);
                }
                for (int o = 0; o < L_OUT && lengths[b] <= windows[0][w]; o++) {
                    assert_true(y[o] == 0);
                }
            }
        }
        free(whole);
        free(same);
        free(one);
        free(many);
        dense_net_free(net);
    }
}

static void after_lengths_all_begins_at_rest(void **state) {
    (void)state;
    lsnn_context *context;
    dense_run *run;
    float first[2 * L_BATCH * L_OUT];
    int lengths[L_BATCH] = {5, L_STEPS};
    need(lsnn_context_create(&context, 1));
    dense_net *net = small_net(DENSE_LSTM);
    need(dense_run_create(&run, net, context, &(dense_options){L_BATCH, L_STEPS, 2, true}, windows[0], windows[1]));
    for (int k = 0; k < 3; k++) {
        dense_begin(run, false, k == 1 ? lengths : NULL);
        write_input(run, L_STEPS, 0);
        dense_forward(run, NULL);
        if (k == 0) {
            memcpy(first, run->output, sizeof first);
        }
    }
    assert_memory_equal(run->output, first, sizeof first);
    dense_run_free(run);
    dense_net_free(net);
    lsnn_context_free(context);
}

/* A sequence in two parts, the second going on from the first, ends like the whole; for training and without. */
static void parts_make_the_whole(void **state) {
    (void)state;
    enum { HALF = 11 };
    lsnn_context *context;
    need(lsnn_context_create(&context, 2));
    for (int k = 0; k < 4; k++) {
        bool train = k % 2 == 0;
        dense_net *net = small_net(k < 2 ? DENSE_LSTM : DENSE_RNN);
        dense_run *whole, *part;
        int start = 2 * HALF - 1, stop = 2 * HALF, part_start = HALF - 1, part_stop = HALF;
        need(dense_run_create(&whole, net, context, &(dense_options){L_BATCH, 2 * HALF, 1, train}, &start, &stop));
        need(dense_run_create(&part, net, context, &(dense_options){L_BATCH, HALF, 1, train}, &part_start, &part_stop));
        dense_begin(whole, true, NULL);
        write_input(whole, 2 * HALF, 0);
        dense_forward(whole, NULL);
        for (int p = 0; p < 2; p++) {
            dense_begin(part, p == 0, NULL);
            write_input(part, HALF, p * HALF);
            dense_forward(part, NULL);
        }
        assert_memory_equal(whole->output, part->output, L_BATCH * L_OUT * sizeof(float));
        dense_run_free(whole);
        dense_run_free(part);
        dense_net_free(net);
    }
    lsnn_context_free(context);
}

static void parameters_are_counted(void **state) {
    (void)state;
    static const struct {
        dense_kind kind;
        size_t n_params;
    } cases[] = {{DENSE_LSTM, 67850}, {DENSE_RNN, 17930}};
    for (int k = 0; k < 2; k++) {
        dense_net *net;
        need(dense_net_create(&net, &(dense_spec){.kind = cases[k].kind,
                                                  .n_in = 1,
                                                  .n_units = 128,
                                                  .n_out = 10,
                                                  .forget_bias = 1,
                                                  .scale_in = 1,
                                                  .scale_rec = 1,
                                                  .seed = 1}));
        assert_int_equal(net->n_params, cases[k].n_params);
        double limit = sqrt(6.0 / (net->n_rows + 129));
        for (int r = 0; r < net->n_rows; r++) {
            bool forgets = net->n_gates == 4 && r / 128 == 1;
            assert_true(net->w[r * 130 + 129] == (forgets ? 1 : 0));
            for (int c = 0; c < 129; c++) {
                assert_true(fabs((double)net->w[r * 130 + c]) <= limit);
            }
        }
        dense_net_free(net);
    }
}

/* ---- files ---- */

static void write_tensors(const char *path, const dense_net *net, int n_rows, int n_columns) {
    tensor_writer *writer;
    need(tensor_writer_create(&writer));
    tensor_writer_add(writer, "w", TENSOR_F32, 2, (int64_t[]){n_rows, n_columns}, net->w);
    tensor_writer_add(writer, "w_out", TENSOR_F32, 2, (int64_t[]){net->spec.n_out, net->spec.n_units + 1}, net->w_out);
    need(tensor_writer_save(writer, path, NULL));
    tensor_writer_free(writer);
}

static void files_are_checked(void **state) {
    (void)state;
    char folder[] = "/tmp/lsnn-dense-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/net.safetensors", folder);
    dense_net *net = small_net(DENSE_LSTM);
    const dense_spec spec = {.kind = DENSE_LSTM, .n_units = L_UNITS};
    static const struct {
        int rows, columns;
        bool is_not_finite, fits;
    } cases[] = {{4 * L_UNITS, L_UNITS + L_IN + 1, false, true},
                 {4 * L_UNITS, L_UNITS + L_IN + 1, true, false},
                 {L_UNITS, L_UNITS + L_IN + 1, false, false},
                 {4 * L_UNITS, L_UNITS + 1, false, false},
                 {4 * L_UNITS, 1, false, false}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        tensor_file *file;
        dense_net *back = NULL;
        real kept = net->w[5];
        net->w[5] = cases[k].is_not_finite ? NAN : kept;
        write_tensors(path, net, cases[k].rows, cases[k].columns);
        net->w[5] = kept;
        need(tensor_file_open(&file, path));
        lsnn_status status = dense_net_read(&back, &spec, file);
        assert_int_equal(status, cases[k].fits ? LSNN_OK : LSNN_ERR_DATA);
        if (cases[k].fits) {
            assert_int_equal(back->n_params, net->n_params);
            assert_memory_equal(back->params, net->params, net->n_params * sizeof(real));
        } else {
            assert_null(back);
            assert_non_null(strstr(lsnn_error(), path));
        }
        dense_net_free(back);
        tensor_file_close(file);
    }
    unlink(path);
    rmdir(folder);
    dense_net_free(net);
}

static void what_can_not_be_is_refused(void **state) {
    (void)state;
    dense_net *net = NULL;
    dense_run *run = NULL;
    lsnn_context *context;
    need(lsnn_context_create(&context, 1));
    assert_int_equal(dense_net_create(&net, &(dense_spec){.kind = DENSE_RNN, .n_in = 1, .n_units = 0, .n_out = 1}), LSNN_ERR_SETTING);
    assert_null(net);
    net = small_net(DENSE_RNN);
    int start = 3, stop = 3, past = L_STEPS + 1;
    assert_int_equal(dense_run_create(&run, net, context, &(dense_options){4, L_STEPS, 1, true}, &start, &stop), LSNN_ERR_USAGE);
    assert_int_equal(dense_run_create(&run, net, context, &(dense_options){4, L_STEPS, 1, true}, &start, &past), LSNN_ERR_USAGE);
    assert_int_equal(dense_run_create(&run, net, context, &(dense_options){0, L_STEPS, 1, true}, &start, &past), LSNN_ERR_USAGE);
    assert_int_equal(dense_run_create(&run, net, context, &(dense_options){65536, 100000000, 1, true}, &start, &(int){4}), LSNN_ERR_MEMORY);
    assert_null(run);
    real *gradient = calloc(net->n_params, sizeof *gradient);
    float d_output[4 * L_OUT] = {0};
    need(dense_run_create(&run, net, context, &(dense_options){4, L_STEPS, 1, true}, &start, &(int){4}));
    assert_int_equal(dense_backward(run, d_output, gradient), LSNN_ERR_USAGE); /* nothing was run */
    dense_run_free(run);
    free(gradient);
    dense_net_free(net);
    lsnn_context_free(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tanh_is_within_its_bound),
        cmocka_unit_test(cells_are_the_same_bits),
        cmocka_unit_test(golden_lstm),
        cmocka_unit_test(golden_rnn),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(lengths_cut_samples_off),
        cmocka_unit_test(after_lengths_all_begins_at_rest),
        cmocka_unit_test(parts_make_the_whole),
        cmocka_unit_test(parameters_are_counted),
        cmocka_unit_test(files_are_checked),
        cmocka_unit_test(what_can_not_be_is_refused),
    };
    return cmocka_run_group_tests_name("dense networks", tests, NULL, NULL);
}
