/* A network that acts, beside agents that follow a rule, on the same episodes. */
#include "rl/scripted.h"
#include "run/evaluate.h"
#include "tasks/navigation.h"

typedef struct comparing {
    opened_model model;
    split part;
    uint64_t seed;
    pass *pass;
    batch *batch;
    int agent;
    uint64_t first; /* episode of the batch */
} comparing;

static void play(void *user, int piece, int worker) {
    (void)worker;
    const comparing *c = user;
    interact_scripted(c->model.task, c->agent, c->part, c->seed, c->first + (uint64_t)piece, c->batch->episodes, piece);
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

lsnn_status lsnn_compare_agents(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options,
                                void (*each)(void *user, const char *name, const lsnn_goals *goals), void *user) {
    lsnn_status status = LSNN_OK;
    const lsnn_run_options none = {0};
    options = options != NULL ? options : &none;
    comparing c = {0};
    evaluation e;
    TRY(split_from_name(options->split != NULL ? options->split : "test", &c.part));
    TRY(model_open(&c.model, run_or_model, options));
    const interactive_task *it = task_interactive(c.model.task);
    if (it == NULL || !it->ships) {
        TRY(fail(LSNN_ERR_USAGE, "%s has learned %s; agents to compare with are those of the task navigation", c.model.path,
                 c.model.task->kind->name));
    }
    pass_options once = setup_pass(c.model.experiment, c.model.task, false);
    int64_t n_batches = setting_int(c.model.experiment, "train.test_batches");
    c.seed = options->seed != 0 ? options->seed : (uint64_t)setting_int(c.model.experiment, "seed");
    TRY(pass_open(&c.pass, c.model.model, context, &once));
    TRY(batch_create(&c.batch, c.model.task, c.pass, c.seed));
    TRY(evaluate(c.batch, c.part, c.seed, n_batches, options->stop, &e));
    each(user, "network", &e.goals);
    for (c.agent = 0; c.agent < SCRIPTED_AGENTS; c.agent++) {
        TRY(play_all(&c, n_batches, options->stop));
        lsnn_goals goals = goal_count_result(c.batch->goals);
        each(user, scripted_agents[c.agent].name, &goals);
    }
out:
    batch_free(c.batch);
    pass_close(c.pass);
    model_release(&c.model);
    return status;
}
