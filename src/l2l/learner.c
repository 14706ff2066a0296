#include "l2l/learner.h"

#include <math.h>
#include <string.h>

/* ---- the running mean and the last target ---- */

static void begin_mean(learner *l, uint64_t seed, uint64_t which) {
    (void)seed;
    (void)which;
    l->n = 0;
    l->mean = l->prior.mean;
}

static double answer_mean(learner *l, const double *x) {
    (void)x;
    return l->mean;
}

static void learn_mean(learner *l, const double *x, double target) {
    (void)x;
    l->n++;
    l->mean = l->n > 1 ? l->mean + (target - l->mean) / l->n : target;
}

static void learn_last(learner *l, const double *x, double target) {
    (void)x;
    l->mean = target;
}

const learner_kind learner_mean = {"running mean", begin_mean, answer_mean, learn_mean};
const learner_kind learner_last = {"last target", begin_mean, answer_mean, learn_last};

/* ---- a line, by recursive least squares ---- */

static int features_of(const learner *l, const double *x, double *f) {
    int n = l->family->n_inputs;
    memcpy(f, x, (size_t)n * sizeof *f);
    f[n] = 1;
    return n + 1;
}

/* The prior: no slope, and the family's mean. */
static void begin_linear(learner *l, uint64_t seed, uint64_t which) {
    (void)seed;
    (void)which;
    memset(l->inverse, 0, sizeof l->inverse);
    memset(l->line, 0, sizeof l->line);
    for (int i = 0; i <= l->family->n_inputs; i++) {
        l->inverse[i][i] = 1 / l->prior.l2;
    }
    l->line[l->family->n_inputs] = l->prior.mean;
}

static double answer_linear(learner *l, const double *x) {
    double f[LEARNER_FEATURES];
    double y = 0;
    for (int i = features_of(l, x, f) - 1; i >= 0; i--) {
        y += l->line[i] * f[i];
    }
    return y;
}

/* P <- P - P f f^T P / (1 + f^T P f), w <- w + P f (target - w f) */
static void learn_linear(learner *l, const double *x, double target) {
    double f[LEARNER_FEATURES];
    double gain[LEARNER_FEATURES] = {0};
    double excess = target - answer_linear(l, x);
    int n = features_of(l, x, f);
    double spread = 1;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            gain[i] += l->inverse[i][j] * f[j];
        }
        spread += f[i] * gain[i];
    }
    for (int i = 0; i < n; i++) {
        l->line[i] += gain[i] * excess / spread;
        for (int j = 0; j < n; j++) {
            l->inverse[i][j] -= gain[i] * gain[j] / spread;
        }
    }
}

const learner_kind learner_linear = {"linear fit", begin_linear, answer_linear, learn_linear};

/* ---- online back-propagation ---- */

/* Recalled from the paper's supplement. */
static const double learning_rate = 0.1, beta1 = 0.7, beta2 = 0.9, weight_decay = 1e-5, epsilon = 1e-8;

static double sigmoid(double a) {
    return 1 / (1 + exp(-a));
}

/* The network sees its inputs from -1 to 1 and gives targets from 0 to 1, whatever the family's ranges are. */
static int network_inputs(const learner *l, const double *x, double *f) {
    int n = features_of(l, x, f);
    for (int i = 0; i + 1 < n; i++) {
        const lsnn_range *r = &l->family->input[i];
        f[i] = 2 * (x[i] - r->low) / (r->high - r->low) - 1;
    }
    return n;
}

static int n_weights(const learner *l) {
    return LEARNER_HIDDEN * (l->family->n_inputs + 2) + 1; /* of a unit: inputs, bias, and to the output; the output's bias */
}

static void begin_network(learner *l, uint64_t seed, uint64_t which) {
    rng_sequence random = rng_sequence_start(seed, RNG_LEARNER, which);
    for (int k = 0; k < n_weights(l); k++) {
        l->w[k] = 2 * rng_next(&random) - 1;
    }
    memset(l->m, 0, sizeof l->m);
    memset(l->v, 0, sizeof l->v);
    memset(l->v_most, 0, sizeof l->v_most);
}

static double answer_network(learner *l, const double *x) {
    double f[LEARNER_FEATURES];
    int n = network_inputs(l, x, f);
    double sum = l->w[n_weights(l) - 1];
    for (int h = 0; h < LEARNER_HIDDEN; h++) {
        const double *unit = l->w + h * (n + 1);
        double a = 0;
        for (int i = 0; i < n; i++) {
            a += unit[i] * f[i];
        }
        l->hidden[h] = sigmoid(a);
        sum += unit[n] * l->hidden[h];
    }
    l->output = sigmoid(sum);
    return l->family->target.low + (l->family->target.high - l->family->target.low) * l->output;
}

/* AMSGrad (Reddi, Kale and Kumar, ICLR 2018), with the L2 term in the gradient. */
static void step_network(learner *l, const double *gradient) {
    for (int k = 0; k < n_weights(l); k++) {
        double g = gradient[k] + weight_decay * l->w[k];
        l->m[k] = beta1 * l->m[k] + (1 - beta1) * g;
        l->v[k] = beta2 * l->v[k] + (1 - beta2) * g * g;
        l->v_most[k] = fmax(l->v_most[k], l->v[k]);
        l->w[k] -= learning_rate * l->m[k] / (sqrt(l->v_most[k]) + epsilon);
    }
}

static void learn_network(learner *l, const double *x, double target) {
    double f[LEARNER_FEATURES];
    double gradient[LEARNER_WEIGHTS];
    int n = network_inputs(l, x, f);
    const lsnn_range *r = &l->family->target;
    double d_sum = 2 * (l->output - (target - r->low) / (r->high - r->low)) * l->output * (1 - l->output);
    for (int h = 0; h < LEARNER_HIDDEN; h++) {
        const double *unit = l->w + h * (n + 1);
        double *d_unit = gradient + h * (n + 1);
        double d_a = d_sum * unit[n] * l->hidden[h] * (1 - l->hidden[h]);
        for (int i = 0; i < n; i++) {
            d_unit[i] = d_a * f[i];
        }
        d_unit[n] = d_sum * l->hidden[h];
    }
    gradient[n_weights(l) - 1] = d_sum;
    step_network(l, gradient);
}

const learner_kind learner_network = {"online backprop", begin_network, answer_network, learn_network};

/* ---- an episode ---- */

void learner_run(learner *l, split part, uint64_t seed, uint64_t index, int n_examples, float *error) {
    double x[LSNN_FAMILY_INPUTS];
    double target;
    episode e;
    episode_begin(&e, l->family, part, seed, index);
    l->kind->begin(l, seed, index * SPLITS + part);
    for (int k = 0; k < n_examples; k++) {
        episode_next(&e, x, &target);
        double excess = l->kind->answer(l, x) - target;
        error[k] = (float)(excess * excess);
        l->kind->learn(l, x, target);
    }
}
