/* Networks as functions to learn: the paper's first family. */
#include "tasks/family.h"

#include <math.h>

enum { N_INPUTS = 2, GRID = 21 };

static double sigmoid(double a) {
    return 1 / (1 + exp(-a));
}

/* Parameters: for each hidden unit two weights, a bias, and its weight in the output; the output's bias; the raw output that shall be 0; the factor. */
enum { PER_HIDDEN = N_INPUTS + 2 };

static double raw_value(const family_settings *s, const double *parameters, const double *x) {
    double sum = parameters[PER_HIDDEN * s->n_hidden];
    for (int h = 0; h < s->n_hidden; h++) {
        const double *unit = parameters + PER_HIDDEN * h;
        sum += unit[3] * sigmoid(unit[0] * x[0] + unit[1] * x[1] + unit[2]);
    }
    return sigmoid(sum);
}

static void draw(const void *user, lsnn_random *random, double *parameters) {
    const family_settings *s = user;
    int n = PER_HIDDEN * s->n_hidden + 1;
    for (int k = 0; k < n; k++) {
        parameters[k] = lsnn_random_uniform(random, -s->weights, s->weights);
    }
    double least = INFINITY;
    double greatest = -INFINITY;
    for (int at = 0; at < GRID * GRID; at++) {
        double x[N_INPUTS] = {-1 + 2.0 * (at % GRID) / (GRID - 1), -1 + 2.0 * (at / GRID) / (GRID - 1)};
        double y = raw_value(s, parameters, x);
        least = fmin(least, y);
        greatest = fmax(greatest, y);
    }
    parameters[n] = least;
    parameters[n + 1] = greatest > least ? 1 / (greatest - least) : 0;
}

static double value(const void *user, const double *parameters, const double *x) {
    const family_settings *s = user;
    const double *scale = parameters + PER_HIDDEN * s->n_hidden + 1;
    return (raw_value(s, parameters, x) - scale[0]) * scale[1];
}

lsnn_status family_teacher(lsnn_family *out, family_settings *settings, const lsnn_experiment *experiment) {
    *settings =
        (family_settings){.n_hidden = (int)setting_int(experiment, "l2l.n_hidden"), .weights = setting_real(experiment, "l2l.weights")};
    *out = (lsnn_family){.n_inputs = N_INPUTS,
                         .n_parameters = PER_HIDDEN * settings->n_hidden + 3,
                         .input = {{-1, 1}, {-1, 1}},
                         .target = {0, 1},
                         .draw = draw,
                         .value = value,
                         .user = settings};
    return LSNN_OK;
}
