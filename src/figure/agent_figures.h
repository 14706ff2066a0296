/* The figures of agents that look for a goal and return to it. They draw what they are given. */
#ifndef LSNN_FIGURE_AGENT_FIGURES_H
#define LSNN_FIGURE_AGENT_FIGURES_H

#include "run/agents.h"

enum { MOST_GOAL_LINES = 32, MOST_PATHS = 8 };

typedef struct goals_line {
    const char *label;       /* one line */
    const lsnn_goals *goals; /* [n_runs] */
    int n_runs;
    bool is_network; /* drawn bolder than what networks are compared with */
} goals_line;

/* Time to the first goal, and from each to the next, logarithmic: means of episodes, as means over runs and a band from lowest to highest; as far as at least half of
 * the episodes get. n 1..MOST_GOAL_LINES. Errors: those of lsnn_plot. */
lsnn_status figure_of_goals(const char *title, const goals_line *lines, int n, const char *figure_path);

/* Ways through the disc until the first goal and afterwards, the first n_episodes of each: above those of `early`, below those of `late`, with their labels.
 * n_episodes 1..MOST_PATHS. Errors: those of lsnn_plot. */
lsnn_status figure_of_paths(const char *title, const agent_walk *early, const char *early_label, const agent_walk *late,
                            const char *late_label, int n_episodes, const char *figure_path);

#endif
