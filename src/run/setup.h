/* From settings to the things that a run needs. */
#ifndef LSNN_RUN_SETUP_H
#define LSNN_RUN_SETUP_H

#include "learn/rewire.h"
#include "learn/schedule.h"
#include "tasks/task.h"

/* The network that the settings describe for this task. Errors: SETTING, MEMORY. */
lsnn_status setup_net(lsnn_net **out, const lsnn_experiment *experiment, const task *t);
/* Does a network that was loaded fit the task? Errors: DATA. */
lsnn_status setup_check_net(const lsnn_net *net, const task *t, const char *path);
/* Its rewiring; *out stays NULL if there is none. Comes before simulations and optimiser. Errors: SETTING, MEMORY. */
lsnn_status setup_rewire(lsnn_rewire **out, const lsnn_experiment *experiment, lsnn_net *net);
lsnn_status setup_adam(lsnn_adam **out, const lsnn_experiment *experiment, const lsnn_net *net);
schedule setup_schedule(const lsnn_experiment *experiment);
lsnn_rate_goal setup_rate_goal(const lsnn_experiment *experiment);

#endif
