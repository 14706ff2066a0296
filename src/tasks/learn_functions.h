/* Learning to learn functions: what besides the task's shape others need to know of it. */
#ifndef LSNN_TASKS_LEARN_FUNCTIONS_H
#define LSNN_TASKS_LEARN_FUNCTIONS_H

#include "tasks/family.h"

/* The family that a task's episodes draw from, one example a window; NULL if it is another task. Borrowed. */
const lsnn_family *task_family(const task *t);

/* An episode as a network gets to see it: the example that comes next, and what comes with it. Such a task has one window an example, all of one length. */
typedef struct lesson {
    const task *task;
    episode episode;
    rng_sequence spikes; /* the random numbers of the spikes still to come */
    rng_sequence elsewhere;
    double x[LSNN_FAMILY_INPUTS], target;
    double before; /* the target that is shown with x: that of the example before, 0 at first; or, if they are unpaired, another */
} lesson;
/* Borrows the task. The first example comes next. */
void lesson_begin(lesson *s, const task *t, split part, uint64_t seed, uint64_t index);
void lesson_next(lesson *s);
/* Writes the input of an example from a step on: as it comes next, but for its inputs x [n_inputs]. What the episode shows is x = s->x with spikes =
 * &s->spikes; with a copy of those numbers the episode is not disturbed. */
void lesson_write(const lesson *s, const double *x, rng_sequence *spikes, const sample_writer *to, int step);

#endif
