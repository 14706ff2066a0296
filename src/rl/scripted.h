/* Agents that follow a rule, to compare with, in the environment of hidden_goal. */
#ifndef LSNN_RL_SCRIPTED_H
#define LSNN_RL_SCRIPTED_H

#include "base/rng.h"
#include "rl/hidden_goal.h"

/* What an agent remembers within an episode. */
typedef struct scripted_memory {
    rng_sequence random;
    bool has_found;  /* the goal, at least once */
    bool along_rim;  /* in the step before */
    double where[2]; /* sum of the directions in which it was, as unit vectors */
    double last[2];  /* where it was in the step before */
} scripted_memory;

typedef struct scripted_agent {
    const char *name;
    /* The action [2] after an event of the step before. Only one agent looks at more of the state than the place. */
    void (*act)(scripted_memory *m, const hidden_goal *h, const double *state, unsigned events, double *action);
} scripted_agent;

enum { SCRIPTED_AGENTS = 3 };
/* A random walk, whose steps are those of a policy with all outputs 0; a search along the rim that then returns; a straight walk to the goal. */
extern const scripted_agent scripted_agents[SCRIPTED_AGENTS];

#endif
