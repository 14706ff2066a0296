/* Networks: what a spec may say, what is drawn from it, and how parameters and files keep it. */
#include "base/file.h"
#include "base/rng.h"
#include "base/tensorfile.h"
#include "learn/gradient.h"
#include "net/balanced.h"
#include "net/net.h"
#include "support/needs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_IN = 6, N_LIF = 5, N_ADAPTIVE = 4, N_REC = N_LIF + N_ADAPTIVE, N_OUT = 3 };

static lsnn_net_spec small_spec(void) {
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = N_IN;
    spec.n_lif = N_LIF;
    spec.n_adaptive = N_ADAPTIVE;
    spec.n_out = N_OUT;
    spec.n_delay = 5;
    return spec;
}

static lsnn_net *make_net(const lsnn_net_spec *spec) {
    lsnn_net *net = NULL;
    need(lsnn_net_create(&net, spec));
    return net;
}

/* ---- what is out of range ---- */

static void need_refused(const lsnn_net_spec *spec, const char *name) {
    lsnn_net *net = NULL;
    need_error(lsnn_net_create(&net, spec), LSNN_ERR_SETTING, name);
    assert_null(net);
}

static void every_field_out_of_range_is_named(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t at;
        int bad[3];
    } ints[] = {
        {"n_in", offsetof(lsnn_net_spec, n_in), {0, -1, 65536}},
        {"n_lif", offsetof(lsnn_net_spec, n_lif), {-1, 65536, INT32_MAX}},
        {"n_adaptive", offsetof(lsnn_net_spec, n_adaptive), {-1, 65536, INT32_MIN}},
        {"n_out", offsetof(lsnn_net_spec, n_out), {0, -5, 65536}},
        {"n_ref", offsetof(lsnn_net_spec, n_ref), {-1, 1001, INT32_MAX}},
        {"n_delay", offsetof(lsnn_net_spec, n_delay), {0, 257, -1}},
    };
    for (size_t k = 0; k < sizeof ints / sizeof *ints; k++) {
        for (size_t b = 0; b < 3; b++) {
            lsnn_net_spec spec = small_spec();
            memcpy((char *)&spec + ints[k].at, &ints[k].bad[b], sizeof(int));
            need_refused(&spec, ints[k].name);
        }
    }
    const float none = NAN; /* a number that every field refuses stands where there are fewer bad ones */
    const struct {
        const char *name;
        size_t at;
        float bad[4];
    } reals[] = {
        {"dt", offsetof(lsnn_net_spec, dt), {0, -1, INFINITY, none}},
        {"tau_m", offsetof(lsnn_net_spec, tau_m.low), {0, -1, INFINITY, 21}},
        {"tau_m", offsetof(lsnn_net_spec, tau_m.high), {19, -1, INFINITY, none}},
        {"tau_a", offsetof(lsnn_net_spec, tau_a.low), {0, 701, -INFINITY, none}},
        {"beta", offsetof(lsnn_net_spec, beta.low), {-0.1f, 2, none, none}},
        {"beta", offsetof(lsnn_net_spec, beta.high), {1, INFINITY, none, none}},
        {"tau_out", offsetof(lsnn_net_spec, tau_out), {-1, INFINITY, none, none}},
        {"r_m", offsetof(lsnn_net_spec, r_m), {0, -1, INFINITY, none}},
        {"v_th", offsetof(lsnn_net_spec, v_th), {0, -0.01f, INFINITY, none}},
        {"gamma", offsetof(lsnn_net_spec, gamma), {0, -0.3f, 11, none}},
        {"connectivity", offsetof(lsnn_net_spec, connectivity), {0, -0.5f, 1.01f, none}},
        {"excitatory", offsetof(lsnn_net_spec, excitatory), {1.01f, -2, INFINITY, none}},
        {"noise", offsetof(lsnn_net_spec, noise), {-0.1f, INFINITY, -INFINITY, none}},
        {"scale_in", offsetof(lsnn_net_spec, scale_in), {-1, INFINITY, none, none}},
        {"scale_rec", offsetof(lsnn_net_spec, scale_rec), {-1, INFINITY, none, none}},
    };
    for (size_t k = 0; k < sizeof reals / sizeof *reals; k++) {
        for (size_t b = 0; b < 4; b++) {
            lsnn_net_spec spec = small_spec();
            memcpy((char *)&spec + reals[k].at, &reals[k].bad[b], sizeof(float));
            need_refused(&spec, reals[k].name);
        }
    }
    lsnn_net_spec spec = small_spec();
    spec.n_lif = spec.n_adaptive = 0;
    need_refused(&spec, "n_adaptive");
    spec.n_lif = spec.n_adaptive = 40000;
    need_refused(&spec, "80000");
}

static void bad_lists_are_named(void **state) {
    (void)state;
    float list[N_REC];
    for (int k = 0; k < N_REC; k++) {
        list[k] = 30;
    }
    for (int which = 0; which < 3; which++) {
        static const char *const names[] = {"tau_m", "tau_a", "beta"};
        lsnn_net_spec spec = small_spec();
        lsnn_spread *spread = which == 0 ? &spec.tau_m : which == 1 ? &spec.tau_a : &spec.beta;
        spread->values = list;
        list[N_REC - 1] = -1;
        need_refused(&spec, names[which]);
        list[N_REC - 1] = NAN;
        need_refused(&spec, names[which]);
        list[N_REC - 1] = 30;
        lsnn_net_free(make_net(&spec));
    }
    int8_t signs[N_REC] = {0};
    signs[2] = 2;
    lsnn_net_spec spec = small_spec();
    spec.sign_in = signs;
    need_refused(&spec, "sign_in[2]");
    spec = small_spec();
    spec.sign_rec = signs;
    need_refused(&spec, "sign_rec[2]");
    int32_t delays[N_REC * N_REC];
    for (int k = 0; k < N_REC * N_REC; k++) {
        delays[k] = 1;
    }
    for (int bad = -1; bad <= 5; bad += 6) {
        delays[7] = bad;
        spec = small_spec();
        spec.delay_in = delays;
        need_refused(&spec, "delay_in[7]");
    }
    for (int bad = 0; bad <= 6; bad += 6) {
        delays[7] = bad;
        spec = small_spec();
        spec.delay_rec = delays;
        need_refused(&spec, "delay_rec[7]");
    }
}

/* ---- what is drawn ---- */

static void spreads_are_values_ranges_and_lists(void **state) {
    (void)state;
    size_t n;
    lsnn_net_spec spec = small_spec();
    spec.n_lif = 300;
    spec.n_adaptive = 200;
    spec.tau_m = (lsnn_spread){.low = 15, .high = 25};
    lsnn_net *net = make_net(&spec);
    float *tau_m = net_floats(net, "tau_m", &n);
    assert_int_equal(n, 500);
    double sum = 0;
    float low = 100;
    float high = 0;
    for (size_t j = 0; j < n; j++) {
        assert_true(tau_m[j] >= 15 && tau_m[j] <= 25);
        sum += (double)tau_m[j];
        low = fminf(low, tau_m[j]);
        high = fmaxf(high, tau_m[j]);
    }
    assert_true(fabs(sum / 500 - 20) < 0.6 && low < 15.2f && high > 24.8f); /* the mean's standard deviation is 0.13 */
    float *tau_a = net_floats(net, "tau_a", &n);
    float *beta = net_floats(net, "beta", &n);
    for (size_t j = 0; j < n; j++) {
        assert_true(tau_a[j] == 700);
        assert_true(beta[j] == (j < 300 ? 0 : 1.8f)); /* LIF neurons first */
    }
    free(tau_m);
    free(tau_a);
    free(beta);
    lsnn_net_free(net);

    static const float list[N_REC] = {0, 1, 0, 2, 0.5f, 0, 0, 3, 1};
    spec = small_spec();
    spec.beta.values = list;
    net = make_net(&spec);
    beta = net_floats(net, "beta", &n);
    need_same_bits("beta", beta, list, N_REC);
    assert_null(lsnn_net_get_spec(net)->beta.values);
    assert_int_equal(lsnn_net_get_spec(net)->n_delay, 5);
    free(beta);
    lsnn_net_free(net);
}

static void delays_are_uniform(void **state) {
    (void)state;
    size_t n;
    lsnn_net_spec spec = small_spec();
    spec.n_in = 100;
    spec.n_lif = 100;
    spec.n_adaptive = 0;
    spec.n_delay = 10;
    lsnn_net *net = make_net(&spec);
    for (int which = 0; which < 2; which++) {
        float *delay = net_floats(net, which == 0 ? "delay_in" : "delay_rec", &n);
        double count[10] = {0};
        double total = 0;
        for (size_t k = 0; k < n; k++) {
            if (which == 1 && k / 100 == k % 100) {
                assert_true(delay[k] == -1); /* no neuron reaches itself */
                continue;
            }
            int d = (int)delay[k] - which; /* 0..D-1, 1..D */
            assert_true(d >= 0 && d < 10 && delay[k] == (float)(d + which));
            count[d]++;
            total++;
        }
        double chi_squared = 0;
        for (int d = 0; d < 10; d++) {
            chi_squared += (count[d] - total / 10) * (count[d] - total / 10) / (total / 10);
        }
        if (!(chi_squared < 28)) { /* 9 degrees of freedom: 1 in 1000 */
            fail_msg("chi squared of the delays is %g", chi_squared);
        }
        free(delay);
    }
    lsnn_net_free(net);
}

static void connectivity_is_the_fraction_that_exists(void **state) {
    (void)state;
    lsnn_net_spec spec = small_spec();
    spec.n_in = 150;
    spec.n_lif = 100;
    spec.n_adaptive = 100;
    spec.n_out = 50;
    spec.connectivity = 0.3f;
    lsnn_net *net = make_net(&spec);
    static const char *const names[] = {"w_in", "w_rec", "w_out"};
    size_t params = (size_t)spec.n_out;
    for (size_t a = 0; a < 3; a++) {
        size_t n;
        float *w = net_floats(net, names[a], &n);
        size_t there = 0;
        for (size_t k = 0; k < n; k++) {
            there += w[k] != 0;
        }
        params += there;
        double fraction = (double)there / (double)n;
        if (!(fabs(fraction - 0.3) < 0.02)) { /* four standard deviations of the smallest */
            fail_msg("%s: %g of the connections exist", names[a], fraction);
        }
        free(w);
    }
    assert_int_equal(params, lsnn_net_n_params(net));
    lsnn_net_free(net);
}

/* One budget for all three matrices, rounded down: the diagonal of the recurrent one counts, although it is never connected. */
static void the_number_of_connections_is_exact(void **state) {
    (void)state;
    static const struct {
        int n_in, n_rec, n_out;
        float connectivity;
        size_t in, rec, out;
    } cases[] = {
        {80, 220, 10, 0.12f, 2112, 5808, 264}, /* the paper's: 8184 of 68200 */
        {6, 9, 3, 0.3f, 16, 24, 8},            /* 48 of 162, 48.6 rounded down */
        {6, 9, 3, 0.1f, 5, 9, 2},
        {6, 9, 3, 0.7f, 37, 58, 18},
        {10, 10, 10, 0.29f, 29, 29, 29},
        {100, 100, 100, 0.0001f, 1, 1, 1},
        {2, 3, 4, 0.01f, 0, 0, 0},
        {6, 9, 3, 0.99f, 53, 72, 26}, /* more than the 72 are not there */
        {6, 9, 3, 1, 54, 72, 27},
        {1, 1, 1, 1, 1, 0, 1},
        {1, 3000, 1, 0.9f, 2700, 8100000, 2700},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        for (uint64_t seed = 1; seed <= (cases[k].n_rec > 1000 ? 1 : 5); seed++) {
            lsnn_net_spec spec = small_spec();
            spec.n_in = cases[k].n_in;
            spec.n_lif = cases[k].n_rec;
            spec.n_adaptive = 0;
            spec.n_out = cases[k].n_out;
            spec.connectivity = cases[k].connectivity;
            spec.seed = seed;
            lsnn_net *net = make_net(&spec);
            assert_int_equal(net->in.n, cases[k].in);
            assert_int_equal(net->rec.n, cases[k].rec);
            assert_int_equal(net->out.n, cases[k].out);
            for (size_t c = 0; c < net->rec.n; c++) {
                assert_true(net->rec.sender[c] != net->rec.receiver[c]);
            }
            lsnn_net_free(net);
        }
    }
}

/* Which ones exist is uniform: over many seeds each of them exists about as often. */
static void any_connection_may_exist(void **state) {
    (void)state;
    enum { N_NETS = 2000 };
    size_t n;
    double count[3][N_REC * N_REC] = {{0}};
    static const char *const names[] = {"w_in", "w_rec", "w_out"};
    for (uint64_t seed = 1; seed <= N_NETS; seed++) {
        lsnn_net_spec spec = small_spec();
        spec.connectivity = 0.2f;
        spec.seed = seed;
        lsnn_net *net = make_net(&spec);
        for (size_t a = 0; a < 3; a++) {
            float *w = net_floats(net, names[a], &n);
            for (size_t k = 0; k < n; k++) {
                count[a][k] += w[k] != 0;
            }
            free(w);
        }
        lsnn_net_free(net);
    }
    static const double p[3] = {10.0 / 54, 17.0 / 72, 5.0 / 27};
    static const size_t sizes[3] = {54, 81, 27};
    for (size_t a = 0; a < 3; a++) {
        for (size_t k = 0; k < sizes[a]; k++) {
            double want = a == 1 && k / N_REC == k % N_REC ? 0 : p[a] * N_NETS;
            if (!(fabs(count[a][k] - want) <= 4.5 * sqrt(want * (1 - p[a])))) {
                fail_msg("%s[%zu] exists in %g networks of %d, should be about %g", names[a], k, count[a][k], N_NETS, want);
            }
        }
    }
}

/* ---- balanced weights ---- */

/* The spectral radius by Gelfand's formula: |A^(2^k)|^(1 / 2^k), the matrix squared again and again. a [n][n] is overwritten. */
static double radius_of(double *a, size_t n) {
    enum { N_SQUARINGS = 16 };
    double *b = malloc(n * n * sizeof *b);
    double log_norm = 0;
    for (int step = 0; step <= N_SQUARINGS; step++) {
        double norm = 0;
        for (size_t k = 0; k < n * n; k++) {
            norm += a[k] * a[k];
        }
        norm = sqrt(norm);
        log_norm += log(norm) / pow(2, step);
        if (step == N_SQUARINGS) {
            break;
        }
        memset(b, 0, n * n * sizeof *b);
        for (size_t i = 0; i < n; i++) {
            for (size_t k = 0; k < n; k++) {
                double x = a[i * n + k] / norm;
                for (size_t j = 0; j < n; j++) {
                    b[i * n + j] += x * a[k * n + j] / norm;
                }
            }
        }
        memcpy(a, b, n * n * sizeof *a);
    }
    free(b);
    return exp(log_norm);
}

/* Senders without a sign have weights of either. */
static void balanced_weights_of_free_senders(void **state) {
    (void)state;
    enum { N = 40 };
    static uint8_t mask[N * N];
    static int32_t delay[N * N];
    int8_t sign[N];
    static real w[N * N];
    matrix m;
    int n_of[2] = {0, 0};
    memset(mask, 1, sizeof mask);
    for (int i = 0; i < N; i++) {
        sign[i] = (int8_t)(i % 4 == 0 ? -1 : i % 4 == 1 ? 1 : 0);
    }
    need(matrix_create(&m, N, N, 0, 1, mask, delay, N * N));
    need(draw_balanced(&m, w, sign, 1, 3, RNG_WEIGHT_REC));
    for (size_t k = 0; k < m.n; k++) {
        assert_true((double)w[k] != 0);
        assert_true((double)w[k] * sign[m.sender[k]] >= 0);
        n_of[w[k] > 0] += sign[m.sender[k]] == 0;
    }
    assert_true(n_of[0] > N * N / 6 && n_of[1] > N * N / 6);
    matrix_release(&m);
}

static void balanced_squares_have_spectral_radius_1(void **state) {
    (void)state;
    static const size_t sizes[] = {2, 3, 10, 40, 120};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (uint64_t seed = 1; seed <= 6; seed++) {
            size_t n = sizes[s];
            double scale = seed % 2 == 0 ? 1 : 0.25;
            uint8_t *mask = malloc(n * n);
            int32_t *delay = calloc(n * n, sizeof *delay);
            int8_t *sign = malloc(n);
            real *w = malloc(n * n * sizeof *w);
            double *a = calloc(n * n, sizeof *a);
            matrix m;
            memset(mask, 1, n * n);
            for (size_t i = 0; i < n; i++) {
                sign[i] = i % 4 == seed % 2 ? -1 : 1;
            }
            need(matrix_create(&m, (int)n, (int)n, 0, 1, mask, delay, n * n));
            need(draw_balanced(&m, w, sign, scale, seed, RNG_WEIGHT_REC));
            double *sum = calloc(n, sizeof *sum);
            double *size = calloc(n, sizeof *size);
            for (size_t k = 0; k < m.n; k++) {
                a[(size_t)m.sender[k] * n + m.receiver[k]] = (double)w[k];
                assert_true((double)w[k] * sign[m.sender[k]] > 0);
                sum[m.receiver[k]] += (double)w[k];
                size[m.receiver[k]] += fabs((double)w[k]);
            }
            for (size_t j = 0; j < n; j++) {
                if (!(fabs(sum[j]) < 1e-6 * size[j])) {
                    fail_msg("%zu senders, seed %d: column %zu has the sum %g of %g", n, (int)seed, j, sum[j], size[j]);
                }
            }
            double radius = radius_of(a, n) / scale;
            if (n > 3 && !(fabs(radius - 1) < 0.04)) {
                fail_msg("%zu senders, seed %d: spectral radius %g", n, (int)seed, radius);
            }
            free(mask);
            free(delay);
            free(sign);
            free(w);
            free(a);
            free(sum);
            free(size);
            matrix_release(&m);
        }
    }
}

static lsnn_net_spec balanced_spec(void) {
    lsnn_net_spec spec = small_spec();
    spec.n_in = 20;
    spec.n_lif = 16;
    spec.n_adaptive = 12;
    spec.n_out = 5;
    spec.excitatory = 0.75f;
    spec.init = LSNN_INIT_BALANCED;
    return spec;
}

static void balanced_weights_cancel(void **state) {
    (void)state;
    lsnn_net_spec spec = balanced_spec();
    lsnn_net *full = make_net(&spec);
    spec.scale_in = 2;
    spec.scale_rec = 0.5f;
    lsnn_net *scaled = make_net(&spec);
    spec.connectivity = 0.3f;
    lsnn_net *sparse = make_net(&spec);
    static const char *const names[] = {"w_in", "w_rec", "w_out"};
    static const size_t n_pre[] = {20, 28, 28};
    static const float scales[] = {2, 0.5f, 1};
    size_t n;
    for (size_t a = 0; a < 3; a++) {
        float *w = net_floats(full, names[a], &n);
        float *of_scaled = net_floats(scaled, names[a], &n);
        float *of_sparse = net_floats(sparse, names[a], &n);
        float *sign = net_floats(full, a == 0 ? "sign_in" : "sign_rec", &(size_t){0});
        size_t n_there = 0;
        for (size_t j = 0; j < n / n_pre[a]; j++) {
            double sum = 0;
            double size = 0;
            for (size_t i = 0; i < n_pre[a]; i++) {
                size_t k = j * n_pre[a] + i;
                bool is_self = a == 1 && i == j;
                assert_true(is_self ? w[k] == 0 : w[k] * sign[i] > 0);
                assert_true(fabsf(of_scaled[k] - scales[a] * w[k]) <= 1e-6f * fabsf(w[k]));
                assert_true(of_sparse[k] == 0 || of_sparse[k] == of_scaled[k]); /* drawn before synapses are left out */
                n_there += of_sparse[k] != 0;
                sum += (double)w[k];
                size += fabs((double)w[k]);
            }
            if (a != 1 && !(fabs(sum) < 1e-6 * size)) { /* w_rec lacks its diagonal */
                fail_msg("%s: the weights of receiver %zu have the sum %g", names[a], j, sum);
            }
        }
        assert_true(n_there > n / 5 && n_there < n / 2);
        free(w);
        free(of_scaled);
        free(of_sparse);
        free(sign);
    }
    lsnn_net_free(full);
    lsnn_net_free(scaled);
    lsnn_net_free(sparse);
}

/* One sender, senders of one sign, senders of no sign: finite numbers of the right sign. */
static void balanced_weights_at_the_border(void **state) {
    (void)state;
    static const int8_t some[2] = {1, 0};
    for (int which = 0; which < 6; which++) {
        lsnn_net_spec spec = balanced_spec();
        spec.excitatory = which == 0 ? 0 : which == 1 ? 1 : 0.75f;
        if (which >= 2) {
            spec.n_in = which == 4 ? 2 : 1;
            spec.sign_in = which == 4 ? some : NULL;
            spec.n_lif = which == 3 ? 1 : 2;
            spec.n_adaptive = 0;
            spec.scale_in = which == 5 ? 0 : 1;
        }
        lsnn_net *net = make_net(&spec);
        for (size_t k = 0; k < net->first_bias; k++) {
            assert_true(isfinite((double)net->params[k]) && net->params[k] * (real)net->sign[k] >= 0);
            assert_true(which > 1 || net->params[k] != 0);
        }
        lsnn_net_free(net);
    }
    lsnn_net_spec spec = balanced_spec();
    spec.excitatory = -1;
    need_refused(&spec, "excitatory");
    spec = balanced_spec();
    spec.init = (lsnn_init)7;
    need_refused(&spec, "net.init");
}

/* N(0,1) * scale / sqrt(senders); readout within the Glorot limits. */
static void initial_weights_have_their_size(void **state) {
    (void)state;
    lsnn_net_spec spec = small_spec();
    spec.n_in = 100;
    spec.n_lif = 200;
    spec.n_adaptive = 0;
    spec.scale_in = 2;
    spec.scale_rec = 0.5f;
    lsnn_net *net = make_net(&spec);
    static const char *const names[] = {"w_in", "w_rec"};
    const double sizes[] = {2 / sqrt(100), 0.5 / sqrt(199)};
    size_t n;
    for (size_t a = 0; a < 2; a++) {
        float *w = net_floats(net, names[a], &n);
        double sum = 0;
        double squares = 0;
        for (size_t k = 0; k < n; k++) {
            sum += (double)w[k];
            squares += (double)w[k] * (double)w[k];
        }
        assert_true(fabs(sum / (double)n) < 0.03 * sizes[a]);
        assert_true(fabs(sqrt(squares / (double)n) - sizes[a]) < 0.03 * sizes[a]);
        free(w);
    }
    float *w = net_floats(net, "w_out", &n);
    double limit = sqrt(6.0 / 203);
    double largest = 0;
    for (size_t k = 0; k < n; k++) {
        largest = fmax(largest, fabs((double)w[k]));
    }
    assert_true(largest <= limit && largest > 0.95 * limit);
    free(w);
    lsnn_net_free(net);
}

static void masks_and_delays_are_as_given(void **state) {
    (void)state;
    size_t n;
    lsnn_net_spec spec = small_spec();
    uint8_t mask_in[N_REC * N_IN];
    uint8_t mask_rec[N_REC * N_REC];
    uint8_t mask_out[N_OUT * N_REC];
    int32_t delay_in[N_REC * N_IN];
    int32_t delay_rec[N_REC * N_REC];
    for (size_t k = 0; k < N_REC * N_REC; k++) {
        mask_rec[k] = k % 3 != 0 ? 7 : 0; /* any number but 0 is a connection */
        delay_rec[k] = 1 + (int32_t)(k % 5);
    }
    for (size_t k = 0; k < N_REC * N_IN; k++) {
        mask_in[k] = k % 4 != 1;
        delay_in[k] = (int32_t)(k % 5);
    }
    for (size_t k = 0; k < N_OUT * N_REC; k++) {
        mask_out[k] = k % 2 == 0;
    }
    spec.mask_in = mask_in;
    spec.mask_rec = mask_rec;
    spec.mask_out = mask_out;
    spec.delay_in = delay_in;
    spec.delay_rec = delay_rec;
    spec.connectivity = 0.1f; /* masks go before it */
    lsnn_net *net = make_net(&spec);
    float *w = net_floats(net, "w_in", &n);
    float *d = net_floats(net, "delay_in", &n);
    for (size_t k = 0; k < n; k++) {
        assert_true((w[k] != 0) == (mask_in[k] != 0));
        assert_true(d[k] == (mask_in[k] != 0 ? (float)delay_in[k] : -1));
    }
    free(w);
    free(d);
    w = net_floats(net, "w_rec", &n);
    d = net_floats(net, "delay_rec", &n);
    for (size_t k = 0; k < n; k++) {
        bool there = mask_rec[k] != 0 && k / N_REC != k % N_REC;
        assert_true((w[k] != 0) == there);
        assert_true(d[k] == (there ? (float)delay_rec[k] : -1));
    }
    free(w);
    free(d);
    w = net_floats(net, "w_out", &n);
    for (size_t k = 0; k < n; k++) {
        assert_true((w[k] != 0) == (mask_out[k] != 0));
    }
    free(w);
    lsnn_net_free(net);
}

static void the_seed_is_all_that_counts(void **state) {
    (void)state;
    static const char *const names[] = {"w_in", "w_rec", "w_out", "delay_in", "delay_rec", "tau_m", "sign_rec"};
    lsnn_net_spec spec = small_spec();
    spec.connectivity = 0.6f;
    spec.excitatory = 0.5f;
    spec.tau_m = (lsnn_spread){.low = 10, .high = 30};
    spec.seed = UINT64_MAX;
    lsnn_net *one = make_net(&spec);
    lsnn_net *same = make_net(&spec);
    spec.seed = UINT64_MAX >> 1;
    lsnn_net *other = make_net(&spec);
    for (size_t a = 0; a < sizeof names / sizeof *names; a++) {
        size_t n;
        float *x = net_floats(one, names[a], &n);
        float *y = net_floats(same, names[a], &n);
        float *z = net_floats(other, names[a], &n);
        need_same_bits(names[a], y, x, n);
        assert_memory_not_equal(x, z, n * sizeof *x);
        free(x);
        free(y);
        free(z);
    }
    lsnn_net_free(one);
    lsnn_net_free(same);
    lsnn_net_free(other);
}

/* ---- Dale's law ---- */

/* The sender's sign for number k of an array. */
static float sign_of(const lsnn_net *net, const char *array, size_t k) {
    return strcmp(array, "w_in") == 0 ? net->sign_in[k % N_IN] : net->sign_rec[k % N_REC];
}

static void need_signs(const lsnn_net *net) {
    static const char *const names[] = {"w_in", "w_rec", "w_out"};
    for (size_t a = 0; a < 3; a++) {
        size_t n;
        float *w = net_floats(net, names[a], &n);
        for (size_t k = 0; k < n; k++) {
            if (w[k] * sign_of(net, names[a], k) < 0) {
                fail_msg("%s[%zu] is %g against its sign %g", names[a], k, (double)w[k], (double)sign_of(net, names[a], k));
            }
        }
        free(w);
    }
}

static void excitatory_is_a_fraction_of_each_population(void **state) {
    (void)state;
    lsnn_net_spec spec = small_spec();
    spec.n_in = 50;
    spec.n_lif = 40;
    spec.n_adaptive = 20;
    spec.excitatory = 0.8f;
    lsnn_net *net = make_net(&spec);
    size_t n;
    int plus[3] = {0};
    float *in = net_floats(net, "sign_in", &n);
    for (size_t k = 0; k < n; k++) {
        assert_true(in[k] == 1 || in[k] == -1);
        plus[0] += in[k] > 0;
    }
    float *rec = net_floats(net, "sign_rec", &n);
    for (size_t k = 0; k < n; k++) {
        assert_true(rec[k] == 1 || rec[k] == -1);
        plus[k < 40 ? 1 : 2] += rec[k] > 0;
    }
    assert_int_equal(plus[0], 40);
    assert_int_equal(plus[1], 32);
    assert_int_equal(plus[2], 16);
    free(in);
    free(rec);
    lsnn_net_free(net);
}

/* 200 steps of Adam with gradients that pull every weight over to the other side, and back. */
static void training_keeps_signs(void **state) {
    (void)state;
    static const int8_t sign_rec[N_REC] = {1, -1, 0, 1, -1, 0, 1, -1, 1};
    for (int which = 0; which < 2; which++) {
        lsnn_net_spec spec = small_spec();
        spec.excitatory = 0.7f;
        spec.sign_rec = which == 0 ? NULL : sign_rec;
        lsnn_net *net = make_net(&spec);
        lsnn_gradient *gradient;
        lsnn_adam *adam;
        lsnn_adam_options options;
        lsnn_adam_options_init(&options);
        need(lsnn_gradient_create(&gradient, net));
        need(lsnn_adam_create(&adam, net, &options));
        need_signs(net);
        size_t n_at_zero = 0;
        size_t n_free_crossed = 0;
        for (int step = 0; step < 200; step++) {
            for (size_t k = 0; k < net->n_params; k++) {
                double pull = step < 120 ? (double)net->params[k] : -1;
                gradient->values[k] = (real)((step < 120 ? pull + (net->sign[k] != 0 ? net->sign[k] : 1) : pull) +
                                             rng_normal(1, RNG_TASK, k + (size_t)step * 1000));
            }
            need(lsnn_adam_step(adam, net, gradient, 0.05f));
            need_signs(net);
            for (size_t k = 0; k < net->n_params; k++) {
                n_at_zero += net->sign[k] != 0 && net->params[k] == 0;
                n_free_crossed += net->sign[k] == 0 && net->params[k] < 0;
            }
        }
        assert_true(n_at_zero > 100); /* weights did reach the border */
        assert_true(n_free_crossed > 0);
        lsnn_adam_free(adam);
        lsnn_gradient_free(gradient);
        lsnn_net_free(net);
    }
}

/* ---- set and copy ---- */

static void set_and_copy(void **state) {
    (void)state;
    static const char *const names[] = {"w_in", "w_rec", "w_out", "b_out", "noise"};
    lsnn_net_spec spec = small_spec();
    spec.noise = 0.1f;
    spec.noise_trainable = true;
    lsnn_net *net = make_net(&spec);
    for (size_t a = 0; a < 5; a++) {
        size_t n;
        float *before = net_floats(net, names[a], &n);
        float *w = random_floats(n, -1, 1, a);
        for (size_t k = 0; a == 1 && k < n; k++) {
            w[k] = k / N_REC == k % N_REC ? 0 : w[k];
        }
        need(lsnn_net_set(net, names[a], w, n));
        float *after = net_floats(net, names[a], &n);
        need_same_bits(names[a], after, w, n);
        assert_memory_not_equal(before, after, n * sizeof *w);
        free(before);
        free(after);
        free(w);
    }
    size_t n;
    float *noise = net_floats(net, "noise", &n);
    assert_int_equal(n, N_REC);
    free(noise);
    assert_int_equal(lsnn_net_n_params(net), N_IN * N_REC + N_REC * (N_REC - 1) + N_OUT * N_REC + N_OUT + N_REC);
    lsnn_net_free(net);
}

static void set_refuses_what_does_not_fit(void **state) {
    (void)state;
    lsnn_net_spec spec = small_spec();
    static const int8_t sign_in[N_IN] = {1, -1, 0, 1, 1, 1};
    uint8_t mask_in[N_REC * N_IN];
    memset(mask_in, 1, sizeof mask_in);
    mask_in[2 * N_IN + 3] = 0;
    spec.mask_in = mask_in;
    spec.sign_in = sign_in;
    spec.bias = false;
    lsnn_net *net = make_net(&spec);
    size_t n;
    int rows = -7;
    int columns = -7;
    float *kept = net_floats(net, "w_in", &n);
    float *w = net_floats(net, "w_in", &n);
    need_error(lsnn_net_set(net, "w_in", w, n - 1), LSNN_ERR_USAGE, "w_in");
    need_error(lsnn_net_copy(net, "w_in", w, n + 1), LSNN_ERR_USAGE, "w_in");
    need_error(lsnn_net_set(net, "weights", w, n), LSNN_ERR_USAGE, "w_rec");            /* lists what there is */
    need_error(lsnn_net_shape(net, "b_out", &rows, &columns), LSNN_ERR_USAGE, "b_out"); /* without bias */
    assert_true(rows == -7 && columns == -7);
    float fixed[N_REC] = {0};
    need_error(lsnn_net_set(net, "tau_m", fixed, N_REC), LSNN_ERR_USAGE, "fixed");
    need_error(lsnn_net_set(net, "sign_rec", fixed, N_REC), LSNN_ERR_USAGE, "fixed");
    static const struct {
        size_t at;
        float x;
        const char *words;
    } bad[] = {{5, NAN, "finite"},
               {5, INFINITY, "finite"},
               {2 * N_IN + 3, 0.1f, "connection"},
               {4 * N_IN + 1, 0.1f, "Dale"},
               {3 * N_IN + 0, -1e-30f, "Dale"}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        float before = w[bad[k].at];
        w[bad[k].at] = bad[k].x;
        need_error(lsnn_net_set(net, "w_in", w, n), LSNN_ERR_USAGE, bad[k].words);
        w[bad[k].at] = before;
        float *now = net_floats(net, "w_in", &n);
        need_same_bits("w_in after a refusal", now, kept, n);
        free(now);
    }
    w[4 * N_IN + 1] = 0; /* 0 is allowed for either sign, and any number for sign 0 */
    w[4 * N_IN + 2] = -3;
    w[5 * N_IN + 2] = 3;
    need(lsnn_net_set(net, "w_in", w, n));
    float rec[N_REC * N_REC] = {0};
    rec[4 * N_REC + 4] = 0.5f;
    need_error(lsnn_net_set(net, "w_rec", rec, N_REC * N_REC), LSNN_ERR_USAGE, "connection"); /* to itself */
    free(kept);
    free(w);
    lsnn_net_free(net);
}

/* ---- files ---- */

static lsnn_net_spec rich_spec(int variant) {
    static const float tau_m[N_REC] = {20, 15.3f, 30, 12, 20, 25, 18, 1.0f / 3, 1e-3f};
    lsnn_net_spec spec = small_spec();
    spec.seed = variant == 0 ? 0x8000000000000001u : variant == 1 ? UINT64_MAX : 12;
    spec.connectivity = 0.5f;
    spec.excitatory = variant == 2 ? -1 : 0.6f;
    spec.tau_m.values = tau_m;
    spec.tau_a = (lsnn_spread){.low = 100, .high = 300};
    spec.dt = 0.1f;
    spec.v_th = 1.0f / 3;
    spec.gamma = 0.7f;
    spec.r_m = 2.7f;
    spec.tau_out = variant == 1 ? 0 : 17.77f;
    spec.n_ref = 4;
    spec.input = variant == 1 ? LSNN_CURRENTS : LSNN_SPIKES;
    spec.normalise = variant == 1 ? LSNN_BY_BASELINE : LSNN_BY_THRESHOLD;
    spec.detach_reset = variant == 1;
    spec.bias = variant != 2;
    spec.noise = 0.3f;
    spec.noise_trainable = variant != 2;
    return spec;
}

static void saved_and_loaded_is_the_same(void **state) {
    (void)state;
    char folder[FOLDER_SIZE];
    char path[FOLDER_SIZE + 20];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/net.safetensors", folder);
    for (int variant = 0; variant < 3; variant++) {
        lsnn_net_spec spec = rich_spec(variant);
        lsnn_net *net = make_net(&spec);
        lsnn_net *loaded = NULL;
        for (size_t k = 0; k < net->n_params; k++) { /* not as they were drawn */
            net->params[k] *= 1.1f;
        }
        need(lsnn_net_save(net, path));
        need(lsnn_net_load(&loaded, path));
        const lsnn_net_spec *got = lsnn_net_get_spec(loaded);
        assert_true(got->seed == spec.seed);
        assert_true(got->n_in == N_IN && got->n_lif == N_LIF && got->n_adaptive == N_ADAPTIVE && got->n_out == N_OUT);
        assert_true(got->n_ref == 4 && got->n_delay == 5 && got->input == spec.input && got->normalise == spec.normalise);
        assert_true(got->detach_reset == spec.detach_reset && got->bias == spec.bias && got->noise_trainable == spec.noise_trainable);
        assert_true(got->dt == spec.dt && got->v_th == spec.v_th && got->gamma == spec.gamma && got->r_m == spec.r_m);
        assert_true(got->tau_out == spec.tau_out && got->noise == spec.noise);
        assert_int_equal(lsnn_net_n_params(loaded), lsnn_net_n_params(net));
        net_array arrays[NET_ARRAYS];
        int n_arrays = net_arrays(net, arrays);
        assert_int_equal(n_arrays, variant == 2 ? 10 : 12);
        for (int a = 0; a < n_arrays; a++) {
            size_t n;
            float *want = net_floats(net, arrays[a].name, &n);
            float *is = net_floats(loaded, arrays[a].name, &n);
            need_same_bits(arrays[a].name, is, want, n);
            free(want);
            free(is);
        }
        assert_memory_equal(loaded->sign, net->sign, net->n_params);
        assert_memory_equal(loaded->alpha, net->alpha, N_REC * sizeof *net->alpha);
        lsnn_net_free(loaded);
        lsnn_net_free(net);
    }
    folder_remove(folder);
}

static void save_small(const char *path) {
    lsnn_net_spec spec = rich_spec(0);
    lsnn_net *net = make_net(&spec);
    need(lsnn_net_save(net, path));
    lsnn_net_free(net);
}

static void need_no_net(const char *path, const char *what, size_t k) {
    lsnn_net *net = NULL;
    lsnn_status status = lsnn_net_load(&net, path);
    if (status == LSNN_OK) {
        lsnn_net_free(net);
        fail_msg("a file with %s %zu was taken for good", what, k);
    }
    assert_null(net);
    if (status != LSNN_ERR_DATA && status != LSNN_ERR_SETTING) {
        fail_msg("%s %zu: %s, %s", what, k, lsnn_status_name(status), lsnn_error());
    }
    assert_true(*lsnn_error() != '\0');
}

/* The file carries a checksum over everything, so that no flipped bit goes unseen. */
static void damaged_files_are_refused(void **state) {
    (void)state;
    char folder[FOLDER_SIZE];
    char path[FOLDER_SIZE + 20];
    char damaged[FOLDER_SIZE + 20];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/net.safetensors", folder);
    snprintf(damaged, sizeof damaged, "%s/damaged.safetensors", folder);
    save_small(path);
    uint8_t *bytes;
    size_t n;
    need(file_read(path, &bytes, &n));
    for (size_t bit = 0; bit < 8 * n; bit += 7) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        FILE *file = fopen(damaged, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, n, file), n);
        fclose(file);
        need_no_net(damaged, "flipped bit", bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t length = 0; length < n; length += 1 + length / 8) {
        FILE *file = fopen(damaged, "wb");
        assert_int_equal(fwrite(bytes, 1, length, file), length);
        fclose(file);
        need_no_net(damaged, "length", length);
    }
    FILE *file = fopen(damaged, "wb");
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fputc(0, file), 0);
    fclose(file);
    need_no_net(damaged, "a byte too much after", n);
    free(bytes);
    lsnn_net *net = NULL;
    need_error(lsnn_net_load(&net, folder), LSNN_ERR_IO, NULL);
    need_error(lsnn_net_load(&net, "/nowhere/at/all.safetensors"), LSNN_ERR_IO, "/nowhere/at/all.safetensors");
    folder_remove(folder);
}

/* Files that are whole, but say what can't be: each is a saved network with one tensor, or the description, replaced. */
typedef struct forgery {
    const char *what;
    const char *tensor; /* gets `number` at `at`; NULL: the description gets `text` for `from` */
    size_t at;
    double number;
    const char *from, *text;
    bool drop; /* leaves the tensor out */
} forgery;

static const forgery forgeries[] = {
    {"a receiver out of range", "w_in.receiver", 3, N_REC, NULL, NULL, false},
    {"a sender out of range", "w_in.sender", 3, N_IN, NULL, NULL, false},
    {"a recurrent receiver far out of range", "w_rec.receiver", 0, 65535, NULL, NULL, false},
    {"a readout to an output that is not there", "w_out.receiver", 0, N_OUT, NULL, NULL, false},
    {"an input delay out of range", "w_in.delay", 2, 5, NULL, NULL, false},
    {"a recurrent delay of 0", "w_rec.delay", 0, 0, NULL, NULL, false},
    {"a weight that is not a number", "w_rec.value", 1, NAN, NULL, NULL, false},
    {"an infinite bias", "b_out", 1, INFINITY, NULL, NULL, false},
    {"an infinite noise", "noise", 1, INFINITY, NULL, NULL, false},
    {"a time constant of 0", "tau_m", 2, 0, NULL, NULL, false},
    {"a time constant that is not a number", "tau_a", 2, NAN, NULL, NULL, false},
    {"a negative beta", "beta", 2, -1, NULL, NULL, false},
    {"a sign of 3", "sign_rec", 2, 3, NULL, NULL, false},
    {"no weights", "w_in.value", 0, 0, NULL, NULL, true},
    {"no delays", "w_rec.delay", 0, 0, NULL, NULL, true},
    {"no biases", "b_out", 0, 0, NULL, NULL, true},
    {"no time constants", "tau_m", 0, 0, NULL, NULL, true},
    {"another number of neurons", NULL, 0, 0, "\"n_lif\":5", "\"n_lif\":6", false},
    {"a million neurons", NULL, 0, 0, "\"n_lif\":5", "\"n_lif\":1000000", false},
    {"no neurons", NULL, 0, 0, "\"n_lif\":5,\"n_adaptive\":4", "\"n_lif\":0,\"n_adaptive\":0", false},
    {"no outputs", NULL, 0, 0, "\"n_out\":3", "\"n_out\":0", false},
    {"a delay of 999", NULL, 0, 0, "\"n_delay\":5", "\"n_delay\":999", false},
    {"a negative step", NULL, 0, 0, "\"dt\":0.1", "\"dt\":-.1", false},
    {"a text for a number", NULL, 0, 0, "\"n_ref\":4", "\"n_ref\":\"4\"", false},
    {"half a description", NULL, 0, 0, "\"n_out\":3,", "", false},
    {"a description that is not JSON", NULL, 0, 0, "{\"n_in\"", "{n_in", false},
};

static const char *replaced(const char *text, const char *from, const char *to, char *out, size_t size) {
    const char *at = strstr(text, from);
    assert_non_null(at);
    snprintf(out, size, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

static void put_number(void *data, tensor_type type, size_t at, double x) {
    switch (type) {
        case TENSOR_F32: ((float *)data)[at] = (float)x; break;
        case TENSOR_U16: ((uint16_t *)data)[at] = (uint16_t)x; break;
        case TENSOR_I8: ((int8_t *)data)[at] = (int8_t)x; break;
        default: fail_msg("type %s", tensor_type_name(type));
    }
}

/* Copies a network file with one thing changed; its checksum is right. */
static void forge(const char *from, const char *to, const forgery *f) {
    tensor_file *file;
    tensor_writer *writer;
    char text[2000];
    need(tensor_file_open(&file, from));
    need(tensor_writer_create(&writer));
    const char *description = tensor_file_metadata(file, "network");
    tensor_writer_text(writer, "network", f->from != NULL ? replaced(description, f->from, f->text, text, sizeof text) : description);
    void *copy = NULL;
    for (size_t k = 0; k < tensor_file_count(file); k++) {
        const tensor *t = tensor_file_at(file, k);
        const void *data = t->data;
        if (f->tensor != NULL && strcmp(t->name, f->tensor) == 0) {
            if (f->drop) {
                continue;
            }
            size_t bytes = t->n * tensor_type_size(t->type);
            copy = malloc(bytes);
            memcpy(copy, t->data, bytes);
            assert_true(f->at < t->n);
            put_number(copy, t->type, f->at, f->number);
            data = copy;
        }
        tensor_writer_add(writer, t->name, t->type, t->rank, t->shape, data);
    }
    need(tensor_writer_save(writer, to, NULL));
    free(copy);
    tensor_writer_free(writer);
    tensor_file_close(file);
}

static void files_that_say_what_cannot_be_are_refused(void **state) {
    (void)state;
    char folder[FOLDER_SIZE];
    char path[FOLDER_SIZE + 20];
    char forged[FOLDER_SIZE + 20];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/net.safetensors", folder);
    snprintf(forged, sizeof forged, "%s/forged.safetensors", folder);
    save_small(path);
    forge(path, forged, &(forgery){.what = "nothing changed"});
    lsnn_net *net;
    need(lsnn_net_load(&net, forged));
    lsnn_net_free(net);
    for (size_t k = 0; k < sizeof forgeries / sizeof *forgeries; k++) {
        forge(path, forged, &forgeries[k]);
        net = NULL;
        lsnn_status status = lsnn_net_load(&net, forged);
        if (status != LSNN_ERR_DATA) {
            lsnn_net_free(net);
            fail_msg("%s: %s (%s), should be ERR_DATA", forgeries[k].what, lsnn_status_name(status), status == LSNN_OK ? "" : lsnn_error());
        }
        if (strstr(lsnn_error(), forged) == NULL) {
            fail_msg("%s: the message does not name the file: %s", forgeries[k].what, lsnn_error());
        }
    }
    /* of a weight's two signs, Dale's law allows one */
    int n_refused = 0;
    for (int sign = -1; sign <= 1; sign += 2) {
        forge(path, forged, &(forgery){.tensor = "w_in.value", .at = 3, .number = sign});
        net = NULL;
        n_refused += lsnn_net_load(&net, forged) == LSNN_ERR_DATA;
        lsnn_net_free(net);
    }
    assert_int_equal(n_refused, 1);
    folder_remove(folder);
}

/* Whoever changes a file has no checksum to give, and says so. */
static void a_checksum_may_be_none(void **state) {
    (void)state;
    char folder[FOLDER_SIZE], path[FOLDER_SIZE + 20];
    uint8_t *bytes;
    size_t n;
    lsnn_net *net;
    folder_make(folder);
    snprintf(path, sizeof path, "%s/net.safetensors", folder);
    save_small(path);
    need(file_read(path, &bytes, &n));
    static const char key[] = "\"checksum\":\"";
    char *claim = strstr((char *)bytes + 8, key);
    assert_non_null(claim);
    memset(claim + sizeof key - 1, ' ', 65);
    memcpy(claim + sizeof key - 1, "none\"", 5);
    need(file_write_atomic(path, bytes, n));
    need(lsnn_net_load(&net, path));
    lsnn_net_free(net);
    claim[1] = 'C'; /* no checksum at all */
    need(file_write_atomic(path, bytes, n));
    need_error(lsnn_net_load(&net, path), LSNN_ERR_DATA, "say \"none\" for \"checksum\"");
    free(bytes);
    folder_remove(folder);
}

/* A connection twice, and a neuron that reaches itself: in order, in range, and still not a network. */
static void connections_that_cannot_be_are_refused(void **state) {
    (void)state;
    char folder[FOLDER_SIZE];
    char path[FOLDER_SIZE + 20];
    char forged[FOLDER_SIZE + 20];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/net.safetensors", folder);
    snprintf(forged, sizeof forged, "%s/forged.safetensors", folder);
    save_small(path);
    enum { MOST = 8 };
    static const struct {
        const char *what;
        int n;
        uint16_t receiver[MOST], sender[MOST], delay[MOST];
        bool good;
    } cases[] = {
        {"two good connections", 2, {1, 2}, {0, 0}, {1, 1}, true},
        {"to itself", 2, {1, 3}, {0, 3}, {1, 1}, false},
        {"twice", 2, {1, 1}, {0, 0}, {1, 1}, false},
        {"twice, with two delays", 2, {1, 1}, {0, 0}, {1, 2}, false},
        {"not in order", 2, {2, 1}, {0, 0}, {1, 1}, false},
    };
    static const float values[MOST] = {0.5f, 0.25f};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        tensor_file *file;
        tensor_writer *writer;
        need(tensor_file_open(&file, path));
        need(tensor_writer_create(&writer));
        tensor_writer_text(writer, "network", tensor_file_metadata(file, "network"));
        int64_t n = cases[c].n;
        for (size_t k = 0; k < tensor_file_count(file); k++) {
            const tensor *t = tensor_file_at(file, k);
            if (strncmp(t->name, "w_rec.", 6) != 0) {
                tensor_writer_add(writer, t->name, t->type, t->rank, t->shape, t->data);
            }
        }
        tensor_writer_add(writer, "w_rec.value", TENSOR_F32, 1, &n, values);
        tensor_writer_add(writer, "w_rec.receiver", TENSOR_U16, 1, &n, cases[c].receiver);
        tensor_writer_add(writer, "w_rec.sender", TENSOR_U16, 1, &n, cases[c].sender);
        tensor_writer_add(writer, "w_rec.delay", TENSOR_U16, 1, &n, cases[c].delay);
        need(tensor_writer_save(writer, forged, NULL));
        tensor_writer_free(writer);
        tensor_file_close(file);
        lsnn_net *net = NULL;
        lsnn_status status = lsnn_net_load(&net, forged);
        if (status != (cases[c].good ? LSNN_OK : LSNN_ERR_DATA)) {
            lsnn_net_free(net);
            fail_msg("%s: %s", cases[c].what, lsnn_status_name(status));
        }
        lsnn_net_free(net);
    }
    folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_out_of_range_is_named),
        cmocka_unit_test(bad_lists_are_named),
        cmocka_unit_test(spreads_are_values_ranges_and_lists),
        cmocka_unit_test(delays_are_uniform),
        cmocka_unit_test(connectivity_is_the_fraction_that_exists),
        cmocka_unit_test(the_number_of_connections_is_exact),
        cmocka_unit_test(any_connection_may_exist),
        cmocka_unit_test(balanced_weights_of_free_senders),
        cmocka_unit_test(balanced_squares_have_spectral_radius_1),
        cmocka_unit_test(balanced_weights_cancel),
        cmocka_unit_test(balanced_weights_at_the_border),
        cmocka_unit_test(initial_weights_have_their_size),
        cmocka_unit_test(masks_and_delays_are_as_given),
        cmocka_unit_test(the_seed_is_all_that_counts),
        cmocka_unit_test(excitatory_is_a_fraction_of_each_population),
        cmocka_unit_test(training_keeps_signs),
        cmocka_unit_test(set_and_copy),
        cmocka_unit_test(set_refuses_what_does_not_fit),
        cmocka_unit_test(saved_and_loaded_is_the_same),
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(files_that_say_what_cannot_be_are_refused),
        cmocka_unit_test(a_checksum_may_be_none),
        cmocka_unit_test(connections_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests_name("networks", tests, NULL, NULL);
}
