#include "net/balanced.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* a [n][n], senders in rows. Scales what is above 0 by `plus` and what is below by `minus`, in one column. */
static void scale_column(double *a, size_t n, size_t column, double plus, double minus) {
    for (size_t i = 0; i < n; i++) {
        a[i * n + column] *= a[i * n + column] > 0 ? plus : minus;
    }
}

static void sum_column(const double *a, size_t n, size_t column, double *plus, double *minus) {
    *plus = *minus = 0;
    for (size_t i = 0; i < n; i++) {
        double x = a[i * n + column];
        *(x > 0 ? plus : minus) += fabs(x);
    }
}

static void balance(double *a, size_t n) {
    double total_plus = 0;
    double total_minus = 0;
    double plus;
    double minus;
    for (size_t j = 0; j < n; j++) {
        sum_column(a, n, j, &plus, &minus);
        total_plus += plus;
        total_minus += minus;
    }
    if (total_plus == 0 || total_minus == 0) { /* all senders have one sign: nothing to balance */
        return;
    }
    for (size_t j = 0; j < n; j++) {
        scale_column(a, n, j, 1, total_plus / total_minus);
        sum_column(a, n, j, &plus, &minus);
        double middle = sqrt(plus * minus);
        scale_column(a, n, j, middle / plus, middle / minus);
    }
}

/* How much a vector grows a step when it is multiplied by the matrix again and again, as a geometric mean over STEPS steps: within about a percent,
 * which is as much as initial weights ask for. vectors: room for 2 n numbers. */
static double spectral_radius(const double *a, size_t n, double *vectors, uint64_t seed, rng_stream stream) {
    enum { SETTLING = 100, STEPS = 400 };
    double *x = vectors;
    double *y = vectors + n;
    double log_growth = 0;
    for (size_t i = 0; i < n; i++) {
        x[i] = rng_normal(seed, stream, UINT64_C(1) << 55 | i);
    }
    for (int step = 0; step < SETTLING + STEPS; step++) {
        double norm = 0;
        for (size_t i = 0; i < n; i++) {
            double sum = 0;
            for (size_t j = 0; j < n; j++) {
                sum += a[i * n + j] * x[j];
            }
            y[i] = sum;
            norm += sum * sum;
        }
        norm = sqrt(norm);
        if (!(norm > 0)) { /* a matrix some power of which is 0 */
            return 0;
        }
        for (size_t i = 0; i < n; i++) {
            x[i] = y[i] / norm;
        }
        log_growth += step >= SETTLING ? log(norm) : 0;
    }
    return exp(log_growth / STEPS);
}

lsnn_status draw_balanced(const matrix *m, real *w, const int8_t *sender_sign, double scale, uint64_t seed, rng_stream stream) {
    size_t n = (size_t)m->s.n_pre;
    double *a = malloc((n * n + 2 * n) * sizeof *a);
    if (a == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for balanced weights of %zu senders; net.init normal needs less", n);
    }
    for (size_t k = 0; k < n * n; k++) {
        double x = rng_normal(seed, stream, k);
        a[k] = sender_sign[k / n] != 0 ? fabs(x) * sender_sign[k / n] : x;
    }
    balance(a, n);
    double radius = spectral_radius(a, n, a + n * n, seed, stream);
    double factor = radius > 0 ? scale / radius : scale;
    for (size_t k = 0; k < m->n; k++) {
        size_t j = m->receiver[k];
        size_t column = m->s.n_post == m->s.n_pre ? j : (size_t)rng_below(seed, stream, UINT64_C(1) << 54 | j, n);
        w[k] = (real)(float)(a[(size_t)m->sender[k] * n + column] * factor);
    }
    free(a);
    return LSNN_OK;
}
