#include "tasks/navigation.h"

#include "rl/environment.h"
#include "rl/scripted.h"
#include "tasks/family.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the tasks ---- */

static void close_task(task *t) {
    free(t);
}

static int inputs_of(const interactive_task *it) {
    return it->environment.n_observed * it->code.n + it->environment.n_events * it->n_event;
}

static void read_settings(interactive_task *it, const lsnn_experiment *e) {
    it->code = population_of((int)setting_int(e, "rl.n_code"), setting_real(e, "rl.code_width"), setting_real(e, "rl.code_rate"),
                             setting_real(e, "net.dt"));
    it->n_event = (int)setting_int(e, "rl.n_event");
    it->n_updates = (int)setting_int(e, "rl.updates");
    it->test_spread = setting_real(e, "rl.test_spread");
    it->ppo = (ppo_settings){.discount = setting_real(e, "rl.discount"),
                             .lambda = setting_real(e, "rl.lambda"),
                             .clip = setting_real(e, "rl.clip"),
                             .entropy = setting_real(e, "rl.entropy"),
                             .value = setting_real(e, "rl.value")};
}

static lsnn_status open_with(task **out, const task_kind *kind, const lsnn_experiment *e, interactive_task *it) {
    lsnn_status status = LSNN_OK;
    const char *unit = it->environment.n_events > 0 ? "goals an episode" : "reward an episode";
    read_settings(it, e);
    it->task = (task){.kind = kind,
                      .input = LSNN_SPIKES,
                      .loss = LOSS_POLICY,
                      .score_name = unit,
                      .n_in = inputs_of(it),
                      .n_out = 2 * it->environment.n_actions + 1};
    if (setting_bool(e, "train.carry_state")) {
        TRY(fail(LSNN_ERR_SETTING, "train.carry_state is true, but episodes of %s begin at rest; leave it out", kind->name));
    }
    TRY(task_set_steps(&it->task, task_steps(e, (double)setting_int(e, "rl.episode_ms"))));
    TRY(task_create_windows(&it->task, it->task.n_steps));
    for (int t = 0; t < it->task.n_steps; t++) {
        it->task.window_start[t] = t;
        it->task.window_stop[t] = t + 1;
    }
    *out = &it->task;
    return LSNN_OK;
out:
    task_close(&it->task);
    return status;
}

static interactive_task *create(const task_kind *kind) {
    interactive_task *it = calloc(1, sizeof *it);
    if (it != NULL) {
        it->task.kind = kind;
    } else {
        (void)fail(LSNN_ERR_MEMORY, "no memory for the task");
    }
    return it;
}

static lsnn_status open_navigation(task **out, const lsnn_experiment *e, const lsnn_run_options *options) {
    (void)options;
    interactive_task *it = create(&task_navigation);
    if (it == NULL) {
        return LSNN_ERR_MEMORY;
    }
    int64_t move_ms = setting_int(e, "navigation.move_ms");
    it->hidden_goal = (hidden_goal){.goal_radius = setting_real(e, "navigation.goal_radius"),
                                    .goal_distance = setting_real(e, "navigation.goal_distance"),
                                    .step = setting_real(e, "navigation.step"),
                                    .penalty = setting_real(e, "navigation.penalty"),
                                    .move_every = move_ms > 0 ? task_steps(e, (double)move_ms) : 0};
    it->ships = true;
    hidden_goal_environment(&it->environment, &it->hidden_goal);
    return open_with(out, &task_navigation, e, it);
}

static lsnn_status open_own(task **out, const lsnn_experiment *e, const lsnn_run_options *options) {
    if (options->environment == NULL) {
        return fail(
            LSNN_ERR_SETTING,
            "task is rl-own, whose environment is defined by a program of your own; it sets lsnn_run_options.environment, as examples/own_environment.c does");
    }
    lsnn_status status = environment_check(options->environment);
    if (status != LSNN_OK) {
        return status;
    }
    interactive_task *it = create(&task_rl_own);
    if (it == NULL) {
        return LSNN_ERR_MEMORY;
    }
    it->environment = *options->environment;
    return open_with(out, &task_rl_own, e, it);
}

const interactive_task *task_interactive(const task *t) {
    return t->loss == LOSS_POLICY ? (const interactive_task *)t : NULL;
}

/* ---- episodes ---- */

/* Random numbers of one episode: of the environment, and of the spikes that tell of it. */
typedef struct episode_random {
    uint64_t which;
    lsnn_random environment;
    rng_sequence spikes;
} episode_random;

static episode_random random_of(split part, uint64_t seed, uint64_t index) {
    uint64_t which = index * SPLITS + part;
    return (episode_random){.which = which,
                            .environment = {rng_sequence_start(seed, RNG_EPISODE, which)},
                            .spikes = rng_sequence_start(seed, RNG_POPULATION, which)};
}

typedef struct interaction {
    const interactive_task *task;
    const pass *pass;
    uint64_t seed;
    double spread; /* part of the policy's standard deviation that actions are drawn with */
    episode_batch *episodes;
    episode_random *random; /* [n] */
} interaction;

static void start(const interactive_task *it, episode_batch *e, int b, episode_random *random) {
    double *state = episodes_state(e, b);
    memset(state, 0, (size_t)it->environment.n_state * sizeof *state);
    it->environment.reset(it->environment.user, &random->environment, state);
}

/* The action of step t is there; what comes of it? */
static void move_on(const interactive_task *it, episode_batch *e, int t, int b, episode_random *random) {
    unsigned events = 0;
    size_t at = episodes_at(e, t, b);
    e->reward[at] =
        it->environment.step(it->environment.user, &random->environment, episodes_state(e, b), episodes_action(e, t, b), &events);
    e->events[at] = (uint8_t)events;
}

/* Draws the action of step t from the policy that the network's output is. */
static void act(const interaction *i, int t, int b) {
    const interactive_task *it = i->task;
    episode_batch *e = i->episodes;
    int n_actions = it->environment.n_actions;
    size_t n_out = (size_t)it->task.n_out;
    size_t at = episodes_at(e, t, b);
    double *action = episodes_action(e, t, b);
    double y[2 * LSNN_ENVIRONMENT_ACTIONS + 1];
    policy p;
    for (size_t k = 0; k < n_out; k++) {
        y[k] = (double)i->pass->output[at * n_out + k];
    }
    policy_read(&p, n_actions, y);
    for (int d = 0; d < n_actions; d++) {
        uint64_t number = (i->random[b].which * (uint64_t)e->n_steps + (uint64_t)t) * (uint64_t)n_actions + (uint64_t)d;
        action[d] = p.mean[d] + i->spread * sqrt(p.variance[d]) * rng_normal(i->seed, RNG_ACTION, number);
    }
    e->log_probability[at] = policy_log_probability(&p, action);
    e->value[at] = p.value;
    move_on(it, e, t, b, &i->random[b]);
}

/* What the agent sees at step t: where it is, and what happened in the step before. */
static void show(const interaction *i, int t, int b) {
    const interactive_task *it = i->task;
    const lsnn_environment *environment = &it->environment;
    episode_batch *e = i->episodes;
    const sample_writer to = {.input = pass_lane(i->pass, b), .b = b, .n_batch = e->n_batch};
    double *observed = episodes_observed(e, t, b);
    environment->observe(environment->user, episodes_state(e, b), observed);
    for (int k = 0; k < environment->n_observed; k++) {
        population_write(&it->code, &environment->observed[k], observed[k], &i->random[b].spikes, &to, k * it->code.n, t, 1);
    }
    unsigned events = t > 0 ? e->events[episodes_at(e, t - 1, b)] : 0;
    for (int k = 0; k < environment->n_events; k++) {
        for (int n = 0; n < it->n_event && (events >> k & 1) != 0; n++) {
            sample_spike(&to, t, environment->n_observed * it->code.n + k * it->n_event + n);
        }
    }
}

static void before_step(void *user, int first, int n, int t) {
    const interaction *i = user;
    for (int b = first; b < first + n && b < i->episodes->n_filled; b++) {
        if (t == 0) {
            start(i->task, i->episodes, b, &i->random[b]);
        } else {
            act(i, t - 1, b);
        }
        if (t < i->episodes->n_steps) {
            show(i, t, b);
        }
    }
}

lsnn_status interact(const task *t, pass *p, split part, uint64_t seed, const uint64_t *index, int n, episode_batch *e) {
    const interactive_task *it = task_interactive(t);
    interaction i = {.task = it, .pass = p, .seed = seed, .spread = part == SPLIT_TRAIN ? 1 : it->test_spread, .episodes = e};
    i.random = calloc((size_t)n, sizeof *i.random);
    if (i.random == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for %d episodes", n);
    }
    for (int b = 0; b < n; b++) {
        i.random[b] = random_of(part, seed, index[b]);
    }
    e->n_filled = n;
    lsnn_status status = pass_interact(p, &(step_hook){.before_step = before_step, .user = &i});
    free(i.random);
    return status;
}

void interact_again(const task *t, split part, uint64_t seed, uint64_t index, const episode_batch *e, int b, double *states) {
    const lsnn_environment *environment = &task_interactive(t)->environment;
    episode_random random = random_of(part, seed, index);
    size_t n_state = (size_t)environment->n_state;
    memset(states, 0, n_state * sizeof *states);
    environment->reset(environment->user, &random.environment, states);
    for (int s = 1; s < e->n_steps; s++) {
        double *state = states + (size_t)s * n_state;
        memcpy(state, state - n_state, n_state * sizeof *state);
        environment->step(environment->user, &random.environment, state, episodes_action(e, s - 1, b), &(unsigned){0});
    }
}

void interact_scripted(const task *t, int agent, split part, uint64_t seed, uint64_t index, episode_batch *e, int b) {
    const interactive_task *it = task_interactive(t);
    episode_random random = random_of(part, seed, index);
    scripted_memory memory = {.random = rng_sequence_start(seed, RNG_AGENT, random.which)};
    start(it, e, b, &random);
    for (int s = 0; s < e->n_steps; s++) {
        unsigned events = s > 0 ? e->events[episodes_at(e, s - 1, b)] : 0;
        scripted_agents[agent].act(&memory, &it->hidden_goal, episodes_state(e, b), events, episodes_action(e, s, b));
        move_on(it, e, s, b, &random);
    }
}

const task_kind task_navigation = {.name = "navigation", .open = open_navigation, .close = close_task};
const task_kind task_rl_own = {.name = "rl-own", .open = open_own, .close = close_task};
