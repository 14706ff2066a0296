/* A network that acts, beside agents that follow a rule, on the same episodes. */
#include "rl/scripted.h"
#include "run/evaluate.h"
#include "tasks/navigation.h"

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
