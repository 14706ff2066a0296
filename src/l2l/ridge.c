#include "l2l/ridge.h"

#include <math.h>
#include <string.h>

enum { KERNEL_MS = 20 };

void ridge_features(const lsnn_sim *sim, int b, int n_examples, double *features, double *trace) {
    int lane;
    const block *k = sim_block_of(sim, b, &lane);
    size_t n = (size_t)sim->net->n_rec;
    int example_steps = sim->n_steps / n_examples;
    double decay = exp(-(double)sim->net->spec.dt / KERNEL_MS);
    memset(features, 0, (size_t)n_examples * n * sizeof *features);
    memset(trace, 0, n * sizeof *trace);
    for (int t = 0; t < n_examples * example_steps; t++) {
        double *mean = features + (size_t)(t / example_steps) * n;
        size_t step = (size_t)(sim->net->spec.n_delay + t);
        for (size_t j = 0; j < n; j++) {
            trace[j] *= decay;
        }
        for (uint32_t e = k->sent.start[step]; e < k->sent.start[step + 1]; e++) {
            trace[k->sent.spikes[e].i] += k->sent.spikes[e].lanes >> lane & 1;
        }
        for (size_t j = 0; j < n; j++) {
            mean[j] += trace[j] / example_steps;
        }
    }
}

size_t ridge_work(size_t n) {
    return 2 * n * n + 3 * n;
}

/* to += factor * from */
static void add_scaled(double *to, double factor, const double *from, size_t n) {
    for (size_t i = 0; i < n; i++) {
        to[i] += factor * from[i];
    }
}

/* U of U^T U = a, in the place of a's upper triangle (Cholesky). a is positive definite. */
static void factorise(double *a, size_t n) {
    for (size_t k = 0; k < n; k++) {
        double *row = a + k * n;
        double unit = 1 / sqrt(row[k]);
        for (size_t j = k; j < n; j++) {
            row[j] *= unit;
        }
        for (size_t i = k + 1; i < n; i++) {
            add_scaled(a + i * n + i, -row[i], row + i, n - i);
        }
    }
}

/* x <- (U^T U)^-1 x */
static void solve(const double *factor, size_t n, double *x) {
    for (size_t k = 0; k < n; k++) {
        x[k] /= factor[k * n + k];
        add_scaled(x + k + 1, -x[k], factor + k * n + k + 1, n - k - 1);
    }
    for (size_t k = n; k-- > 0;) {
        for (size_t j = k + 1; j < n; j++) {
            x[k] -= factor[k * n + j] * x[j];
        }
        x[k] /= factor[k * n + k];
    }
}

/* The intercept is taken out by the means of what is fitted. */
static double take_out_means(double *features, const double *targets, size_t n, size_t n_rows, size_t n_fit, double *mean) {
    double target_mean = 0;
    memset(mean, 0, n * sizeof *mean);
    for (size_t r = 0; r < n_fit; r++) {
        add_scaled(mean, 1 / (double)n_fit, features + r * n, n);
        target_mean += targets[r] / (double)n_fit;
    }
    for (size_t r = 0; r < n_rows; r++) {
        add_scaled(features + r * n, -1, mean, n);
    }
    return target_mean;
}

void ridge_errors(double *features, const double *targets, size_t n, size_t n_rows, size_t n_fit, const double *l2, size_t n_l2,
                  double *work, float *error, size_t stride) {
    double *products = work; /* sum of f f^T, its upper triangle */
    double *factor = products + n * n;
    double *mean = factor + n * n;
    double *with_target = mean + n; /* sum of f (target - mean) */
    double *w = with_target + n;
    double target_mean = take_out_means(features, targets, n, n_rows, n_fit, mean);
    memset(products, 0, n * n * sizeof *products);
    memset(with_target, 0, n * sizeof *with_target);
    for (size_t r = 0; r < n_fit; r++) {
        const double *f = features + r * n;
        add_scaled(with_target, targets[r] - target_mean, f, n);
        for (size_t i = 0; i < n; i++) {
            add_scaled(products + i * n + i, f[i], f + i, n - i);
        }
    }
    for (size_t k = 0; k < n_l2; k++) {
        memcpy(factor, products, n * n * sizeof *factor);
        memcpy(w, with_target, n * sizeof *w);
        for (size_t i = 0; i < n; i++) {
            factor[i * n + i] += l2[k];
        }
        factorise(factor, n);
        solve(factor, n, w);
        for (size_t r = n_fit; r < n_rows; r++) {
            double excess = target_mean - targets[r];
            for (size_t i = 0; i < n; i++) {
                excess += w[i] * features[r * n + i];
            }
            error[k * stride + (r - n_fit)] = (float)(excess * excess);
        }
    }
}
