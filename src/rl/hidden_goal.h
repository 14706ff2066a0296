/* The environment of the task navigation: a disc of radius 1 with a goal somewhere near its rim that the agent does not see. The agent starts anywhere, and is
 * placed anew, anywhere, whenever it reaches the goal, which stays where it is throughout the episode. */
#ifndef LSNN_RL_HIDDEN_GOAL_H
#define LSNN_RL_HIDDEN_GOAL_H

#include "base/error.h"

typedef struct hidden_goal {
    double goal_radius, goal_distance; /* the goal is a disc of this radius, whose centre is this far from the middle, in any direction */
    double step;                       /* longest way in a step: that of an action of length 1 */
    double penalty;                    /* reward -penalty where the step ends at the border */
    int move_every;                    /* steps after which the goal is somewhere else, again and again; 0: never */
} hidden_goal;

enum { PLACE_X, PLACE_Y, GOAL_X, GOAL_Y, STEPS_DONE, HIDDEN_GOAL_STATE };
enum { EVENT_GOAL, EVENT_BORDER, HIDDEN_GOAL_EVENTS };

/* Borrows the settings. */
void hidden_goal_environment(lsnn_environment *out, const hidden_goal *settings);

#endif
