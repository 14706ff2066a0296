/* Learning to learn functions (the paper's second section of results): an episode is one function, new to the network, and examples of it one after another.
 * The network sees an example's inputs together with the target of the example before, and answers with the function's value. Its weights stay as they are
 * within the episode: what it learns about the function is in its state. */
#include "tasks/learn_functions.h"

#include "tasks/population.h"

#include <math.h>
#include <stdlib.h>

typedef struct learn_functions {
    task task;
    lsnn_family family;
    family_settings settings; /* of a family that ships */
    int n_examples, example_steps;
    population code;
    bool unpaired;
} learn_functions;

static void close_task(task *t) {
    free(t);
}

static lsnn_status open_with_family(task **out, const task_kind *kind, const lsnn_experiment *e, const learn_functions *with) {
    lsnn_status status = LSNN_OK;
    learn_functions *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for the task");
    }
    *l = *with;
    if (l->family.user == &with->settings) {
        l->family.user = &l->settings;
    }
    l->n_examples = (int)setting_int(e, "l2l.n_examples");
    l->example_steps = task_steps(e, (double)setting_int(e, "l2l.example_ms"));
    l->unpaired = setting_bool(e, "l2l.unpaired");
    l->code = population_of((int)setting_int(e, "l2l.n_code"), setting_real(e, "l2l.code_width"), setting_real(e, "l2l.code_rate"),
                            setting_real(e, "net.dt"));
    l->task = (task){.kind = kind,
                     .input = LSNN_SPIKES,
                     .loss = LOSS_SQUARED,
                     .score_name = "mean squared error",
                     .lower_is_better = true,
                     .n_in = (l->family.n_inputs + 1) * l->code.n,
                     .n_out = 1};
    TRY(task_set_steps(&l->task, (double)l->n_examples * l->example_steps));
    TRY(task_create_windows(&l->task, l->n_examples));
    for (int w = 0; w < l->n_examples; w++) {
        l->task.window_start[w] = w * l->example_steps;
        l->task.window_stop[w] = (w + 1) * l->example_steps;
    }
    *out = &l->task;
    return LSNN_OK;
out:
    task_close(&l->task);
    return status;
}

static lsnn_status open_teacher(task **out, const lsnn_experiment *e, const lsnn_run_options *options) {
    (void)options;
    learn_functions with = {0};
    lsnn_status status = family_teacher(&with.family, &with.settings, e);
    return status == LSNN_OK ? open_with_family(out, &task_l2l_teacher, e, &with) : status;
}

static lsnn_status open_sinusoid(task **out, const lsnn_experiment *e, const lsnn_run_options *options) {
    (void)options;
    learn_functions with = {0};
    lsnn_status status = family_sinusoid(&with.family, &with.settings, e);
    return status == LSNN_OK ? open_with_family(out, &task_l2l_sinusoid, e, &with) : status;
}

static lsnn_status open_own(task **out, const lsnn_experiment *e, const lsnn_run_options *options) {
    if (options->family == NULL) {
        return fail(
            LSNN_ERR_SETTING,
            "task is l2l-own, whose functions are defined by a program of your own; it sets lsnn_run_options.family, as examples/own_family.c does");
    }
    learn_functions with = {.family = *options->family};
    lsnn_status status = family_check(&with.family);
    return status == LSNN_OK ? open_with_family(out, &task_l2l_own, e, &with) : status;
}

/* The function's value somewhere else: it tells what values the function takes, but not where. */
static double unpaired_target(const episode *e, rng_sequence *elsewhere) {
    double x[LSNN_FAMILY_INPUTS];
    family_draw_inputs(e->family, elsewhere, x);
    return e->family->value(e->family->user, e->parameters, x);
}

void lesson_begin(lesson *s, const task *t, split part, uint64_t seed, uint64_t index) {
    s->task = t;
    s->spikes = rng_sequence_start(seed, RNG_POPULATION, index * SPLITS + part);
    s->elsewhere = rng_sequence_start(seed, RNG_UNPAIRED, index * SPLITS + part);
    s->before = 0;
    episode_begin(&s->episode, task_family(t), part, seed, index);
    episode_next(&s->episode, s->x, &s->target);
}

void lesson_next(lesson *s) {
    const learn_functions *l = (const learn_functions *)s->task;
    s->before = l->unpaired ? unpaired_target(&s->episode, &s->elsewhere) : s->target;
    episode_next(&s->episode, s->x, &s->target);
}

void lesson_write(const lesson *s, const double *x, rng_sequence *spikes, const sample_writer *to, int step) {
    const learn_functions *l = (const learn_functions *)s->task;
    const lsnn_family *f = &l->family;
    for (int i = 0; i < f->n_inputs; i++) {
        population_write(&l->code, &f->input[i], x[i], spikes, to, i * l->code.n, step, l->example_steps);
    }
    population_write(&l->code, &f->target, s->before, spikes, to, f->n_inputs * l->code.n, step, l->example_steps);
}

static void write_sample(const task *t, split part, uint64_t seed, uint64_t index, const sample_writer *to) {
    const learn_functions *l = (const learn_functions *)t;
    lesson s;
    lesson_begin(&s, t, part, seed, index);
    for (int k = 0; k < l->n_examples; k++) {
        lesson_write(&s, s.x, &s.spikes, to, k * l->example_steps);
        sample_value(to, k, 0, (float)s.target);
        lesson_next(&s);
    }
}

const lsnn_family *task_family(const task *t) {
    return t->kind->write == write_sample ? &((const learn_functions *)t)->family : NULL;
}

const task_kind task_l2l_teacher = {.name = "l2l-teacher", .open = open_teacher, .close = close_task, .write = write_sample};
const task_kind task_l2l_sinusoid = {.name = "l2l-sinusoid", .open = open_sinusoid, .close = close_task, .write = write_sample};
const task_kind task_l2l_own = {.name = "l2l-own", .open = open_own, .close = close_task, .write = write_sample};
