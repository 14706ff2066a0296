#include "tasks/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const task_kind *const kinds[] = {&task_store_recall, &task_digits,       &task_smnist,       &task_arrays,
                                         &task_l2l_teacher,  &task_l2l_sinusoid, &task_l2l_own,      &task_navigation,
                                         &task_rl_own,       &task_timit,        &task_speech_digits};

static const task_kind *kind_of(const lsnn_experiment *experiment) {
    const char *name = setting_text(experiment, "task");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (strcmp(kinds[k]->name, name) == 0) {
            return kinds[k];
        }
    }
    return NULL;
}

lsnn_status task_open(task **out, const lsnn_experiment *experiment, const lsnn_run_options *options) {
    const task_kind *kind = kind_of(experiment);
    if (kind == NULL) {
        return fail(LSNN_ERR_SETTING, "task is %s, which this program does not have", setting_text(experiment, "task"));
    }
    if (options->family != NULL && kind != &task_l2l_own) {
        return fail(LSNN_ERR_USAGE, "a family of functions is given, but task is %s; only l2l-own takes one", kind->name);
    }
    if (options->environment != NULL && kind != &task_rl_own) {
        return fail(LSNN_ERR_USAGE, "an environment is given, but task is %s; only rl-own takes one", kind->name);
    }
    return kind->open(out, experiment, options);
}

lsnn_status task_open_shape(task **out, const lsnn_experiment *experiment, const lsnn_run_options *options) {
    lsnn_status status = task_open(out, experiment, options);
    if (status != LSNN_ERR_IO || kind_of(experiment)->open_shape == NULL) {
        return status;
    }
    return kind_of(experiment)->open_shape(out, experiment);
}

void task_close(task *t) {
    if (t != NULL) {
        free(t->window_start);
        free(t->window_stop);
        t->kind->close(t);
    }
}

lsnn_status task_need_split(const task *t, split part) {
    static const char *const names[SPLITS] = {"train", "valid", "test"};
    if (t->n_samples[part] < 0) {
        return fail(LSNN_ERR_DATA, "the data of the task %s have no samples for the split %s; bring some, or use another split",
                    t->kind->name, names[part]);
    }
    return LSNN_OK;
}

lsnn_status task_create_windows(task *t, int n_windows) {
    t->n_windows = n_windows;
    t->window_start = calloc((size_t)n_windows, sizeof *t->window_start);
    t->window_stop = calloc((size_t)n_windows, sizeof *t->window_stop);
    return t->window_start != NULL && t->window_stop != NULL ? LSNN_OK : fail(LSNN_ERR_MEMORY, "no memory for %d windows", n_windows);
}

int task_steps(const lsnn_experiment *experiment, double ms) {
    double steps = fmin(ms / setting_real(experiment, "net.dt") + 0.5, TASK_MOST_STEPS + 1);
    return steps < 1 ? 1 : (int)steps;
}

lsnn_status task_set_steps(task *t, double n_steps) {
    if (n_steps > TASK_MOST_STEPS) {
        return fail(LSNN_ERR_SETTING,
                    "a sequence of %s has %.3g steps; at most %d can be simulated: use a larger net.dt, or show things for a shorter time",
                    t->kind->name, n_steps, TASK_MOST_STEPS);
    }
    t->n_steps = (int)n_steps;
    return LSNN_OK;
}
