/* What the files experiment*.c share: the object behind lsnn_experiment. For no one else. */
#ifndef LSNN_CONFIG_EXPERIMENT_INSIDE_H
#define LSNN_CONFIG_EXPERIMENT_INSIDE_H

#include "config/options.h"

enum {
    EXPERIMENT_NAME_SIZE = 64, /* as lsnn_result.experiment */
};

typedef struct setting {
    option_value value;
    const char *origin;
    char range[OPTION_RANGE_SIZE];
} setting;

struct lsnn_experiment {
    char name[EXPERIMENT_NAME_SIZE];
    char *summary;
    setting *settings; /* [option_count()], in the order of the table */
};

/* All defaults; no name, and no task: they are to be given next. Errors: MEMORY. */
lsnn_status experiment_create(lsnn_experiment **out);
/* The task's name. */
const char *experiment_task(const lsnn_experiment *experiment);
/* Is the setting for the experiment's task and kind of network? */
bool experiment_uses(const lsnn_experiment *experiment, const option *row);
/* The row of a key that the experiment uses. Errors: SETTING (names the nearest key, or the task or kind of network whose key it is). */
lsnn_status experiment_find(const lsnn_experiment *experiment, const char *key, size_t *index);
/* Errors: those of option_parse; the setting is then left as it was. */
lsnn_status experiment_assign(lsnn_experiment *experiment, size_t index, const char *text, const char *origin);
/* Fails for want of memory. */
lsnn_status experiment_memory(void);

/* Reads n bytes of YAML, which need not end in a 0. `place` (a path) stands in front of messages with the line; `name` is the experiment's unless
 * the text has one. Errors: DATA (not YAML, or structure that settings have no use for), SETTING, MEMORY. */
lsnn_status experiment_read(lsnn_experiment **out, const char *place, const char *name, const char *yaml, size_t n, const char *origin);

#endif
