/* A network that acts, beside agents that follow a rule, on the same episodes. */
#include "run/agents.h"

#include "rl/scripted.h"
#include "run/evaluate.h"
#include "tasks/navigation.h"

#include <stdlib.h>
#include <string.h>

typedef struct comparing {
    opened_model model;
    int64_t n_batches;
    pass *pass;
    batch *batch;
    int agent;
    uint64_t first; /* episode of the batch */
} comparing;

static void play(void *user, int piece, int worker) {
    (void)worker;
    const comparing *c = user;
    interact_scripted(c->model.task, c->agent, c->model.part, c->model.seed, c->first + (uint64_t)piece, c->batch->episodes, piece);
}

static lsnn_status play_all(comparing *c, int64_t n_batches, const volatile int *stop) {
    goal_count_clear(c->batch->goals);
    c->batch->episodes->n_filled = c->pass->n_batch;
    for (int64_t k = 0; k < n_batches; k++) {
        if (stop != NULL && *stop != 0) {
            return fail(LSNN_STOPPED, "stopped while a %s was followed", scripted_agents[c->agent].name);
        }
        c->first = (uint64_t)(k * c->pass->n_batch);
        threads_run(c->pass->pool, c->pass->n_batch, play, c);
        goal_count_add(c->batch->goals, c->batch->episodes);
    }
    return LSNN_OK;
}

/* Opens a network's task, a pass and a batch. Release also after a failure. */
static lsnn_status open_comparing(comparing *c, const char *run_or_model, lsnn_context *context, const lsnn_run_options *options) {
    lsnn_status status = LSNN_OK;
    TRY(model_open(&c->model, run_or_model, options));
    if (task_interactive(c->model.task) == NULL) {
        TRY(fail(LSNN_ERR_USAGE, "%s has learned %s, in which nobody acts; agents are those of the tasks navigation and rl-own",
                 c->model.path, c->model.task->kind->name));
    }
    c->n_batches = setting_int(c->model.experiment, "train.test_batches");
    TRY(model_open_batch(&c->model, context, &c->pass, &c->batch));
out:
    return status;
}

static void release(comparing *c) {
    batch_free(c->batch);
    pass_close(c->pass);
    model_release(&c->model);
}

static lsnn_goals result_of(const goal_count *part) {
    return part != NULL ? goal_count_result(part) : (lsnn_goals){0};
}

static void tell(const comparing *c, const char *name, void (*each)(void *user, const lsnn_agent *agent), void *user) {
    const goal_count *goals = c->batch->goals;
    each(user, &(lsnn_agent){.name = name,
                             .goals = goal_count_result(goals),
                             .before_move = result_of(goals->before),
                             .after_move = result_of(goals->after),
                             .episode = goals->each});
}

lsnn_status lsnn_compare_agents(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options,
                                void (*each)(void *user, const lsnn_agent *agent), void *user) {
    lsnn_status status = LSNN_OK;
    const lsnn_run_options none = {0};
    options = options != NULL ? options : &none;
    comparing c = {0};
    evaluation e;
    TRY(open_comparing(&c, run_or_model, context, options));
    if (!task_interactive(c.model.task)->ships) {
        TRY(fail(LSNN_ERR_USAGE, "%s has learned %s; agents that follow a rule are those of the task navigation", c.model.path,
                 c.model.task->kind->name));
    }
    TRY(goal_count_keep(c.batch->goals, c.n_batches * c.pass->n_batch));
    TRY(goal_count_split(c.batch->goals, task_interactive(c.model.task)->hidden_goal.move_every));
    TRY(evaluate(c.batch, c.model.part, c.model.seed, c.n_batches, options->stop, &e));
    tell(&c, "network", each, user);
    for (c.agent = 0; c.agent < SCRIPTED_AGENTS; c.agent++) {
        TRY(play_all(&c, c.n_batches, options->stop));
        tell(&c, scripted_agents[c.agent].name, each, user);
    }
out:
    release(&c);
    return status;
}

/* ---- two networks ---- */

lsnn_status lsnn_compare_runs(const char *run_or_model, const char *other, lsnn_context *context, const lsnn_run_options *options,
                              lsnn_goals_difference *difference) {
    lsnn_status status = LSNN_OK;
    const lsnn_run_options none = {0};
    options = options != NULL ? options : &none;
    comparing a = {0};
    opened_model b = {0};
    pass *other_pass = NULL;
    batch *other_batch = NULL;
    evaluation e;
    TRY(open_comparing(&a, run_or_model, context, options));
    if (task_interactive(a.model.task)->environment.n_events < 1) {
        TRY(fail(LSNN_ERR_USAGE, "%s: its environment has no goals that could be compared; compare the rewards that lsnn_evaluate gives",
                 a.model.path));
    }
    TRY(model_open_alone(&b, other));
    TRY(setup_check_model(b.model, a.model.task, b.path));
    pass_options once = setup_pass(a.model.experiment, a.model.task, false);
    TRY(pass_open(&other_pass, b.model, context, &once));
    TRY(batch_create(&other_batch, a.model.task, other_pass, a.model.seed));
    TRY(goal_count_keep(a.batch->goals, a.n_batches * once.n_batch));
    TRY(goal_count_keep(other_batch->goals, a.n_batches * once.n_batch));
    TRY(evaluate(a.batch, a.model.part, a.model.seed, a.n_batches, options->stop, &e));
    TRY(evaluate(other_batch, a.model.part, a.model.seed, a.n_batches, options->stop, &e));
    *difference = goals_subtract(a.batch->goals->each, other_batch->goals->each, a.batch->goals->n_kept);
out:
    batch_free(other_batch);
    pass_close(other_pass);
    model_release(&b);
    release(&a);
    return status;
}

/* ---- step by step ---- */

void agent_walk_release(agent_walk *w) {
    free(w->place);
    free(w->goal);
    free(w->events);
    *w = (agent_walk){0};
}

static lsnn_status reserve(agent_walk *w) {
    size_t n = (size_t)w->n_episodes * (size_t)w->n_steps;
    w->place = calloc(n, 2 * sizeof *w->place);
    w->goal = calloc(n, 2 * sizeof *w->goal);
    w->events = calloc(n, 1);
    return w->place != NULL && w->goal != NULL && w->events != NULL
               ? LSNN_OK
               : fail(LSNN_ERR_MEMORY, "no memory for %d episodes of %d steps", w->n_episodes, w->n_steps);
}

/* The batch's only episode, as number k; states [n_steps][HIDDEN_GOAL_STATE] is scratch. */
static void copy_episode(agent_walk *w, const batch *b, int k, double *states) {
    size_t n_steps = (size_t)w->n_steps;
    size_t from = (size_t)k * n_steps;
    interact_again(b->task, b->part, b->episode_seed, b->index[0], b->episodes, 0, states);
    for (size_t t = 0; t < n_steps; t++) {
        const double *state = states + t * HIDDEN_GOAL_STATE;
        memcpy(w->place + 2 * (from + t), state + PLACE_X, 2 * sizeof *state);
        memcpy(w->goal + 2 * (from + t), state + GOAL_X, 2 * sizeof *state);
    }
    memcpy(w->events + from, b->episodes->events, n_steps);
}

static lsnn_status play_one_by_one(agent_walk *w, batch *b, const opened_model *m, int64_t first, const volatile int *stop) {
    lsnn_status status = LSNN_OK;
    double *states = calloc((size_t)w->n_steps, HIDDEN_GOAL_STATE * sizeof *states);
    if (states == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for an episode of %d steps", w->n_steps);
    }
    for (int k = 0; k < w->n_episodes; k++) {
        if (stop != NULL && *stop != 0) {
            TRY(fail(LSNN_STOPPED, "stopped while episodes were played"));
        }
        TRY(batch_fill(b, m->part, m->seed, (uint64_t)(first + k), 1));
        TRY(batch_forward(b));
        copy_episode(w, b, k, states);
    }
out:
    free(states);
    return status;
}

static lsnn_status forget_training(opened_model *m) {
    model *drawn = NULL;
    lsnn_status status = model_create(&drawn, m->experiment, &m->model->shape);
    if (status == LSNN_OK) {
        model_free(m->model);
        m->model = drawn;
    }
    return status;
}

lsnn_status agent_walk_take(agent_walk *out, const char *run_or_model, bool untrained, lsnn_context *context,
                            const lsnn_run_options *options, int64_t first, int n_episodes) {
    lsnn_status status = LSNN_OK;
    opened_model m = {0};
    pass *p = NULL;
    batch *b = NULL;
    *out = (agent_walk){0};
    TRY(model_open(&m, run_or_model, options));
    const interactive_task *it = task_interactive(m.task);
    if (it == NULL || !it->ships) {
        TRY(fail(LSNN_ERR_USAGE, "%s has learned %s; a walk to a goal is that of an agent of the task navigation", m.path,
                 m.task->kind->name));
    }
    if (first < 0 || n_episodes < 1) {
        TRY(fail(LSNN_ERR_USAGE, "%d episodes from %lld on are asked for; it takes at least one, from 0 on", n_episodes, (long long)first));
    }
    if (untrained) {
        TRY(forget_training(&m));
    }
    pass_options one = setup_pass(m.experiment, m.task, false);
    one.n_batch = 1;
    TRY(pass_open(&p, m.model, context, &one));
    TRY(batch_create(&b, m.task, p, m.seed));
    *out = (agent_walk){.n_episodes = n_episodes,
                        .n_steps = m.task->n_steps,
                        .dt = setting_real(m.experiment, "net.dt"),
                        .goal_radius = it->hidden_goal.goal_radius};
    TRY(reserve(out));
    TRY(play_one_by_one(out, b, &m, first, options->stop));
out:
    batch_free(b);
    pass_close(p);
    model_release(&m);
    return status;
}
