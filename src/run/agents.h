/* What an agent did, step by step. */
#ifndef LSNN_RUN_AGENTS_H
#define LSNN_RUN_AGENTS_H

#include "base/error.h"

/* Episodes of the task navigation. All zeros is none. */
typedef struct agent_walk {
    int n_episodes, n_steps;
    double dt, goal_radius;
    double *place;   /* [n_episodes][n_steps][2] before each step */
    double *goal;    /* the same of the goal's centre */
    uint8_t *events; /* [n_episodes][n_steps] EVENT_GOAL and so on, as bits */
} agent_walk;

/* Test episodes from `first` on (by options->split and the like others), each as lsnn_probe has it, by a run's best network or a model; untrained: by the network
 * as it was drawn, before its training. Release also after a failure. Errors: USAGE (another task), any. */
lsnn_status agent_walk_take(agent_walk *out, const char *run_or_model, bool untrained, lsnn_context *context,
                            const lsnn_run_options *options, int64_t first, int n_episodes);
void agent_walk_release(agent_walk *w);

#endif
