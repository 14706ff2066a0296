/* Simple ways to learn a function from examples, one after another, for comparison with networks that have learned to. Each is asked for its answer to an
 * example before it is told the target. */
#ifndef LSNN_L2L_LEARNER_H
#define LSNN_L2L_LEARNER_H

#include "tasks/family.h"

/* What a learner knows of the family beforehand. */
typedef struct learner_prior {
    double mean; /* of targets: every learner's answer before its first example, but for the online network's */
    double l2;   /* of the linear fit */
} learner_prior;

enum { LEARNER_FEATURES = LSNN_FAMILY_INPUTS + 1, LEARNER_HIDDEN = 10, LEARNER_WEIGHTS = LEARNER_HIDDEN * (LEARNER_FEATURES + 1) + 1 };

typedef struct learner learner;

typedef struct learner_kind {
    const char *name;
    void (*begin)(learner *l, uint64_t seed, uint64_t which);  /* forgets all; what it draws is a function of the two numbers */
    double (*answer)(learner *l, const double *x);             /* x [n_inputs] */
    void (*learn)(learner *l, const double *x, double target); /* follows `answer` to the same x */
} learner_kind;

struct learner {
    const learner_kind *kind;
    const lsnn_family *family;
    learner_prior prior;
    double n, mean;                                     /* running mean, last target */
    double inverse[LEARNER_FEATURES][LEARNER_FEATURES]; /* linear fit: (sum of f f^T + l2)^-1, features f = (x, 1) */
    double line[LEARNER_FEATURES];                      /* its weights */
    double w[LEARNER_WEIGHTS], m[LEARNER_WEIGHTS], v[LEARNER_WEIGHTS], v_most[LEARNER_WEIGHTS]; /* online network */
    double hidden[LEARNER_HIDDEN], output;                                                      /* its last answer */
};

/* The running mean, the last target, a line fitted by recursive least squares, online back-propagation. */
enum { LEARNERS = 4 };
extern const learner_kind learner_mean, learner_last, learner_linear, learner_network;

/* Squared errors, [n_examples], on an episode of a split. */
void learner_run(learner *l, split part, uint64_t seed, uint64_t index, int n_examples, float *error);

#endif
