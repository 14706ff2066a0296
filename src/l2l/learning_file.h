/* Learning curves and beliefs, kept: in memory, and in JSON files from which figures and pages can be made without the network. */
#ifndef LSNN_L2L_LEARNING_FILE_H
#define LSNN_L2L_LEARNING_FILE_H

#include "base/error.h"

enum { KEPT_MOST_CURVES = 16, KEPT_MOST_BELIEFS = 16 };

/* Copies of what lsnn_learning_curves tells: the network's curve first. All zeros is none. */
typedef struct kept_curves {
    int n;
    lsnn_curve curve[KEPT_MOST_CURVES]; /* episode_error of the first alone, else NULL */
    char *name[KEPT_MOST_CURVES];       /* their memory */
    double *numbers[KEPT_MOST_CURVES];
} kept_curves;

/* Of a run or a model. Release also after a failure. Errors: those of lsnn_learning_curves. */
lsnn_status kept_curves_take(kept_curves *out, const char *run_or_model, lsnn_context *context, const lsnn_run_options *options);
/* The first n_curves of them, with 5 digits. Errors: IO, MEMORY. */
lsnn_status kept_curves_save(const kept_curves *kept, int n_curves, const char *path);
/* Release also after a failure. Errors: DATA, IO, MEMORY. */
lsnn_status kept_curves_load(kept_curves *out, const char *path);
void kept_curves_release(kept_curves *kept);
/* NULL if there is none of that name. */
const lsnn_curve *kept_curves_find(const kept_curves *kept, const char *name);

/* Beliefs about several episodes. All zeros is none. */
typedef struct kept_beliefs {
    int n;
    lsnn_beliefs *of[KEPT_MOST_BELIEFS];
} kept_beliefs;

/* About n episodes, 1..KEPT_MOST_BELIEFS, from `question->episode` on. Release also after a failure. Errors: those of lsnn_beliefs_create. */
lsnn_status kept_beliefs_take(kept_beliefs *out, int n, const char *run_or_model, lsnn_context *context, const lsnn_run_options *options,
                              const lsnn_question *question);
/* With 4 digits. Errors: IO, MEMORY. */
lsnn_status kept_beliefs_save(const kept_beliefs *kept, const char *path);
/* Release also after a failure. Errors: DATA, IO, MEMORY. */
lsnn_status kept_beliefs_load(kept_beliefs *out, const char *path);
void kept_beliefs_release(kept_beliefs *kept);

#endif
