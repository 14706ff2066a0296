/* Tasks in which an agent acts (docs/model.md, "Learning by reward"): their samples are episodes that the network's answers make. */
#ifndef LSNN_TASKS_NAVIGATION_H
#define LSNN_TASKS_NAVIGATION_H

#include "model/model.h"
#include "rl/episodes.h"
#include "rl/hidden_goal.h"
#include "tasks/population.h"

typedef struct interactive_task {
    task task;
    lsnn_environment environment;
    hidden_goal hidden_goal; /* of the environment that ships */
    bool ships;
    population code; /* of each observed number; then come n_event inputs for each event */
    int n_event;
    ppo_settings ppo;
    int n_updates;      /* an iteration */
    double test_spread; /* in validation and test, part of the policy's standard deviation that actions are drawn with */
} interactive_task;

/* NULL if the task is none of these. */
const interactive_task *task_interactive(const task *t);

/* Episodes index[0..n-1] of a split, from rest: the pass, for which pass_begin was called, runs with the agent in its environment; what it did and what came of it is
 * in `e`. The other samples stay silent. */
lsnn_status interact(const task *t, pass *p, split part, uint64_t seed, const uint64_t *index, int n, episode_batch *e);

/* The states before each of the steps of sample b of `e`, which was played as episode `index`, to states [n_steps][n_state]: they follow from its actions. */
void interact_again(const task *t, split part, uint64_t seed, uint64_t index, const episode_batch *e, int b, double *states);

/* Plays an episode with an agent that follows a rule, as sample b of `e`. Of the environment that ships. */
void interact_scripted(const task *t, int agent, split part, uint64_t seed, uint64_t index, episode_batch *e, int b);

#endif
