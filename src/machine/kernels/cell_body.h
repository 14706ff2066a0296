/* The cells of dense networks: loops over the units of each sample, in plain C, from which the compiler makes vectors as wide as the includer's options
 * allow. Element by element and without fused multiply-add, so that every unit gives the same bits. Included once by ref.c and by each vector unit. */
#include <math.h>

/* tanh within 4e-7 (and never beyond +-1) in single precision: x P(x^2) / Q(x^2), fitted on [0, 8] to a relative error of 6e-9; tanh(8) is 1 - 2.3e-7.
 * NaN stays NaN. */
static inline real cell_tanh(real x) {
    if (sizeof(real) != sizeof(float)) {
        return (real)tanh((double)x);
    }
    const real end = (real)8;
    x = x > end ? end : x;
    x = x < -end ? -end : x;
    real u = x * x;
    real p = (((real)1.523059189878495e-08 * u + (real)2.1894784367759712e-05) * u + (real)0.003571605309844017) * u;
    p = (p + (real)0.13444504141807556) * u + (real)1;
    real q = (((real)8.522516736775287e-07 * u + (real)0.0003411303914617747) * u + (real)0.026164470240473747) * u;
    q = (q + (real)0.4677783250808716) * u + (real)1;
    return x * p / q;
}

/* 1 / (1 + exp(-x)), within 2e-7. */
static inline real cell_sigmoid(real x) {
    return (real)0.5 + (real)0.5 * cell_tanh((real)0.5 * x);
}

static void lstm_step(int n, int n_units, real *restrict gates, const real *restrict c_before, real *restrict c, real *restrict h,
                      int stride) {
    for (int s = 0; s < n; s++) {
        real *restrict in = gates + (size_t)s * 4 * (size_t)n_units;
        real *restrict forget = in + n_units;
        real *restrict fresh = forget + n_units;
        real *restrict out = fresh + n_units;
        const real *restrict before = c_before + (size_t)s * (size_t)n_units;
        real *restrict now = c + (size_t)s * (size_t)n_units;
        real *restrict to = h + (size_t)s * (size_t)stride;
        for (int j = 0; j < n_units; j++) {
            in[j] = cell_sigmoid(in[j]);
            forget[j] = cell_sigmoid(forget[j]);
            fresh[j] = cell_tanh(fresh[j]);
            out[j] = cell_sigmoid(out[j]);
            now[j] = forget[j] * before[j] + in[j] * fresh[j];
            to[j] = out[j] * cell_tanh(now[j]);
        }
    }
}

static void lstm_back(int n, int n_units, const real *restrict gates, const real *restrict c_before, const real *restrict c,
                      const real *restrict d_h, real *restrict d_c, real *restrict d_gates) {
    for (int s = 0; s < n; s++) {
        size_t row = (size_t)s * (size_t)n_units;
        const real *restrict in = gates + 4 * row;
        const real *restrict forget = in + n_units;
        const real *restrict fresh = forget + n_units;
        const real *restrict out = fresh + n_units;
        real *restrict d_in = d_gates + 4 * row;
        real *restrict d_forget = d_in + n_units;
        real *restrict d_new = d_forget + n_units;
        real *restrict d_out = d_new + n_units;
        for (int j = 0; j < n_units; j++) {
            size_t at = row + (size_t)j;
            real y = cell_tanh(c[at]);
            real d = d_c[at] + d_h[at] * out[j] * (1 - y * y);
            d_in[j] = d * fresh[j] * in[j] * (1 - in[j]);
            d_forget[j] = d * c_before[at] * forget[j] * (1 - forget[j]);
            d_new[j] = d * in[j] * (1 - fresh[j] * fresh[j]);
            d_out[j] = d_h[at] * y * out[j] * (1 - out[j]);
            d_c[at] = d * forget[j];
        }
    }
}

static void rnn_step(int n, int n_units, const real *restrict sums, real *restrict h, int stride) {
    for (int s = 0; s < n; s++) {
        const real *restrict from = sums + (size_t)s * (size_t)n_units;
        real *restrict to = h + (size_t)s * (size_t)stride;
        for (int j = 0; j < n_units; j++) {
            to[j] = cell_tanh(from[j]);
        }
    }
}

static void rnn_back(int n, int n_units, const real *restrict h, int stride, const real *restrict d_h, real *restrict d_sums) {
    for (int s = 0; s < n; s++) {
        const real *restrict y = h + (size_t)s * (size_t)stride;
        size_t row = (size_t)s * (size_t)n_units;
        for (int j = 0; j < n_units; j++) {
            d_sums[row + (size_t)j] = d_h[row + (size_t)j] * (1 - y[j] * y[j]);
        }
    }
}
