#include "rl/hidden_goal.h"

#include <math.h>

static const double turn = 2 * 3.14159265358979323846;

static void draw_goal(const hidden_goal *h, lsnn_random *random, double *state) {
    double angle = lsnn_random_uniform(random, 0, turn);
    state[GOAL_X] = h->goal_distance * cos(angle);
    state[GOAL_Y] = h->goal_distance * sin(angle);
}

/* Uniformly within the disc. */
static void place_agent(lsnn_random *random, double *state) {
    double distance = sqrt(lsnn_random_uniform(random, 0, 1));
    double angle = lsnn_random_uniform(random, 0, turn);
    state[PLACE_X] = distance * cos(angle);
    state[PLACE_Y] = distance * sin(angle);
}

static void reset(const void *user, lsnn_random *random, double *state) {
    draw_goal(user, random, state);
    place_agent(random, state);
    state[STEPS_DONE] = 0;
}

static void observe(const void *user, const double *state, double *observed) {
    (void)user;
    observed[0] = state[PLACE_X];
    observed[1] = state[PLACE_Y];
}

/* Walks by (dx, dy), but only as far as the border; was that in the way? */
static bool walk(double *state, double dx, double dy) {
    double x = state[PLACE_X];
    double y = state[PLACE_Y];
    state[PLACE_X] = x + dx;
    state[PLACE_Y] = y + dy;
    if (!(hypot(x + dx, y + dy) > 1)) {
        return false;
    }
    double a = dx * dx + dy * dy; /* |p + s d| = 1: a s^2 + 2 b s - c = 0 */
    double b = x * dx + y * dy;
    double c = fmax(1 - x * x - y * y, 0);
    double s = (sqrt(b * b + a * c) - b) / a;
    x += s * dx;
    y += s * dy;
    double distance = fmax(hypot(x, y), 1); /* not beyond it by rounding */
    state[PLACE_X] = x / distance;
    state[PLACE_Y] = y / distance;
    return true;
}

static double step(const void *user, lsnn_random *random, double *state, const double *action, unsigned *events) {
    const hidden_goal *h = user;
    double length = hypot(action[0], action[1]);
    double scale = h->step / fmax(length, 1);
    bool at_border = walk(state, scale * action[0], scale * action[1]);
    bool at_goal = hypot(state[PLACE_X] - state[GOAL_X], state[PLACE_Y] - state[GOAL_Y]) <= h->goal_radius;
    if (at_goal) {
        place_agent(random, state);
    }
    state[STEPS_DONE]++;
    if (h->move_every > 0 && fmod(state[STEPS_DONE], h->move_every) == 0) {
        draw_goal(h, random, state);
    }
    *events = at_goal ? 1u << EVENT_GOAL : at_border ? 1u << EVENT_BORDER : 0;
    return at_goal ? 1 : at_border ? -h->penalty : 0;
}

void hidden_goal_environment(lsnn_environment *out, const hidden_goal *settings) {
    *out = (lsnn_environment){.n_state = HIDDEN_GOAL_STATE,
                              .n_observed = 2,
                              .n_actions = 2,
                              .n_events = HIDDEN_GOAL_EVENTS,
                              .observed = {{-1, 1}, {-1, 1}},
                              .reset = reset,
                              .observe = observe,
                              .step = step,
                              .user = settings};
}
