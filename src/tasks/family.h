/* Families of functions (lsnn_family of the public header), and episodes: one function, and examples of it. */
#ifndef LSNN_TASKS_FAMILY_H
#define LSNN_TASKS_FAMILY_H

#include "base/rng.h"
#include "tasks/task.h"

struct lsnn_random {
    rng_sequence numbers;
};

/* Errors: USAGE (a number out of range, a function that is missing). */
lsnn_status family_check(const lsnn_family *family);

/* Episode `index` of a split: the function, and its examples one after another. The functions of the splits have nothing in common. */
typedef struct episode {
    const lsnn_family *family;
    rng_sequence inputs;
    double parameters[LSNN_FAMILY_PARAMETERS];
} episode;
/* Borrows the family. */
void episode_begin(episode *e, const lsnn_family *family, split part, uint64_t seed, uint64_t index);
/* Uniform within the family's ranges: x [n_inputs]. */
void family_draw_inputs(const lsnn_family *family, rng_sequence *random, double *x);
/* The next example: x [n_inputs], and its target. */
void episode_next(episode *e, double *x, double *target);

/* ---- the families that ship ---- */

/* What they are drawn with; their `user`. */
typedef struct family_settings {
    int n_hidden;
    double weights;
    lsnn_range amplitude, phase;
} family_settings;

/* Networks of 2 inputs, n_hidden sigmoid units and a sigmoid output, scaled such that each one's least and greatest value on a grid of 21 x 21 inputs
 * are 0 and 1. */
lsnn_status family_teacher(lsnn_family *out, family_settings *settings, const lsnn_experiment *experiment);
/* a sin(x + phi). Errors: SETTING (a list where a range is wanted). */
lsnn_status family_sinusoid(lsnn_family *out, family_settings *settings, const lsnn_experiment *experiment);

#endif
