/* How agents did, kept: in memory, and in JSON files from which figures and pages can be made without the network. */
#ifndef LSNN_STUDY_KEPT_AGENTS_H
#define LSNN_STUDY_KEPT_AGENTS_H

#include "base/error.h"

enum { KEPT_MOST_AGENTS = 8 };

typedef struct kept_agent {
    char name[64];
    lsnn_goals goals, before_move, after_move; /* as in lsnn_agent */
} kept_agent;

/* Copies of what lsnn_compare_agents tells, the network first. All zeros is none. */
typedef struct kept_agents {
    int n, n_moved;
    kept_agent agent[KEPT_MOST_AGENTS];
    kept_agent moved[KEPT_MOST_AGENTS]; /* [n_moved] the same where the goal moves */
    lsnn_episode_goals *episode;        /* [agent[0].goals.n_episodes] of the network, where the goal stays */
} kept_agents;

/* Of a run or a model. move_ms > 0: also where the goal moves after so many ms, again and again, if an episode is that long. Release also after a failure. Errors: those of
 * lsnn_compare_agents. */
lsnn_status kept_agents_take(kept_agents *out, const char *run_or_model, lsnn_context *context, const lsnn_run_options *options,
                             int64_t move_ms);
/* The first n_agents of them, with 6 digits. Errors: IO, MEMORY. */
lsnn_status kept_agents_save(const kept_agents *kept, int n_agents, const char *path);
/* Release also after a failure. Errors: DATA, IO, MEMORY. */
lsnn_status kept_agents_load(kept_agents *out, const char *path);
void kept_agents_release(kept_agents *kept);

#endif
