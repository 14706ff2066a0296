#include "rl/scripted.h"

#include <math.h>

static void act_randomly(scripted_memory *m, const hidden_goal *h, const double *state, unsigned events, double *action) {
    (void)h;
    (void)state;
    (void)events;
    for (int d = 0; d < 2; d++) { /* Box and Muller; standard deviation sqrt(1/2) */
        double u = rng_next(&m->random);
        double v = rng_next(&m->random);
        action[d] = sqrt(-log(1 - u)) * cos(2 * 3.14159265358979323846 * v);
    }
}

/* Straight, and not beyond it. */
static void walk_to(const hidden_goal *h, const double *state, double x, double y, double *action) {
    action[0] = (x - state[PLACE_X]) / h->step;
    action[1] = (y - state[PLACE_Y]) / h->step;
}

static void walk_to_goal(scripted_memory *m, const hidden_goal *h, const double *state, unsigned events, double *action) {
    (void)m;
    (void)events;
    walk_to(h, state, state[GOAL_X], state[GOAL_Y], action);
}

/* The goal was reached, somewhere at its edge. In which direction from the middle may it lie? Who came along the rim comes upon it before its centre: by the angle
 * at which a centre at goal_distance is goal_radius away. */
static void remember_goal(scripted_memory *m, const hidden_goal *h) {
    double distance = hypot(m->last[0], m->last[1]);
    double angle = atan2(m->last[1], m->last[0]);
    if (m->along_rim && distance > 0) {
        double g = h->goal_distance;
        double cosine = (distance * distance + g * g - h->goal_radius * h->goal_radius) / (2 * distance * g);
        angle += cosine > -1 && cosine < 1 ? acos(cosine) : 0;
    }
    m->where[0] += cos(angle);
    m->where[1] += sin(angle);
    m->has_found = true;
}

/* Walks outwards to a radius at which the goal is met wherever it is, and there around the middle; once it was met, straight to where it is taken to be. */
static void search_along_rim(scripted_memory *m, const hidden_goal *h, const double *state, unsigned events, double *action) {
    double x = state[PLACE_X];
    double y = state[PLACE_Y];
    double radius = h->goal_distance - 0.6 * h->goal_radius;
    double distance = hypot(x, y);
    if ((events >> EVENT_GOAL & 1) != 0) {
        remember_goal(m, h);
    }
    double length = hypot(m->where[0], m->where[1]);
    double goal[2] = {h->goal_distance * m->where[0] / length, h->goal_distance * m->where[1] / length};
    if (hypot(goal[0] - x, goal[1] - y) < h->step) { /* it is not there */
        m->has_found = false;
        m->where[0] = m->where[1] = 0;
    }
    m->along_rim = false;
    if (m->has_found && length > 0) {
        walk_to(h, state, goal[0], goal[1], action);
    } else if (fabs(distance - radius) > h->step) {
        walk_to(h, state, distance > 0 ? radius * x / distance : radius, distance > 0 ? radius * y / distance : 0, action);
    } else {
        double angle = atan2(y, x) + h->step / radius;
        walk_to(h, state, radius * cos(angle), radius * sin(angle), action);
        m->along_rim = true;
    }
    m->last[0] = x;
    m->last[1] = y;
}

const scripted_agent scripted_agents[SCRIPTED_AGENTS] = {
    {"random walk", act_randomly}, {"search along the rim", search_along_rim}, {"straight to the goal", walk_to_goal}};
