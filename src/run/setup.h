/* From settings to the things that a run needs. */
#ifndef LSNN_RUN_SETUP_H
#define LSNN_RUN_SETUP_H

#include "learn/schedule.h"
#include "model/model.h"
#include "tasks/task.h"

/* What the task asks of a network. */
model_shape setup_shape(const task *t);
/* Does a network that was loaded fit the task? Errors: DATA. */
lsnn_status setup_check_model(const model *m, const task *t, const char *path);
/* A batch of train.batch samples of the task; the windows are the task's. */
pass_options setup_pass(const lsnn_experiment *experiment, const task *t, bool train);
lsnn_status setup_adam(lsnn_adam **out, const lsnn_experiment *experiment, const model *m);
schedule setup_schedule(const lsnn_experiment *experiment);
/* News for the caller of a run, if it wants any. */
void run_tell(const lsnn_run_options *options, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
