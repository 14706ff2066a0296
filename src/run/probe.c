/* Everything about one sample, as named arrays in a file. */
#include "base/arena.h"
#include "learn/gradient.h"
#include "net/sim.h"
#include "run/evaluate.h"
#include "tasks/navigation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The network; of a bidirectional one each half. */
typedef struct half {
    const char *prefix; /* of the names of its arrays */
    const lsnn_net *net;
    lsnn_sim *sim;
    lsnn_gradient gradient; /* its part of the whole */
    float *dense[2 * NET_ARRAYS];
} half;

typedef struct probe {
    opened_model model;
    int n_halves;
    half halves[2];
    size_t n_rec; /* neurons of all halves */
    pass *pass;
    batch *batch;
    int n_steps, n_windows; /* the sample's own */
    lsnn_gradient *gradient;
    tensor_writer *writer;
    arena memory; /* of the arrays below */
    float *input, *traces[7], *y, *target, loss[2];
    float *trace;                                         /* of one half */
    float *each[3];                                       /* [n_rec] tau_m, tau_a, beta of bidirectional networks */
    float *returns, *observed, *actions, *rewards, *goal; /* where an agent acts: returns stand where targets do */
    double *states;                                       /* of the environment that ships, as `goal` */
    uint8_t *z;
    int *window_stop; /* cut at its end */
} probe;

enum { FLOAT_TRACES = 7 };
static const char *const float_traces[FLOAT_TRACES] = {"v", "b", "threshold", "psi", "p", "refractory", "z"};

static void plan(probe *p, arena *a) {
    const task *t = p->model.task;
    size_t n_steps = (size_t)t->n_steps;
    size_t n_rec = p->n_rec;
    size_t n_out = (size_t)t->n_out;
    p->input = arena_take(a, n_steps * (size_t)t->n_in, sizeof *p->input);
    for (int k = 0; k < FLOAT_TRACES; k++) {
        p->traces[k] = arena_take(a, n_steps * n_rec, sizeof(float));
    }
    p->trace = arena_take(a, n_steps * (n_rec > n_out ? n_rec : n_out), sizeof *p->trace);
    for (int k = 0; k < 3; k++) {
        p->each[k] = arena_take(a, n_rec, sizeof(float));
    }
    p->z = arena_take(a, n_steps * n_rec, 1);
    p->y = arena_take(a, n_steps * n_out, sizeof *p->y);
    p->window_stop = arena_take(a, (size_t)t->n_windows, sizeof *p->window_stop);
    const interactive_task *it = task_interactive(t);
    if (it != NULL) {
        p->returns = arena_take(a, n_steps * n_out, sizeof *p->returns);
        p->observed = arena_take(a, n_steps * (size_t)it->environment.n_observed, sizeof *p->observed);
        p->actions = arena_take(a, n_steps * (size_t)it->environment.n_actions, sizeof *p->actions);
        p->rewards = arena_take(a, n_steps, sizeof *p->rewards);
    }
    if (it != NULL && it->ships) {
        p->states = arena_take(a, n_steps * HIDDEN_GOAL_STATE, sizeof *p->states);
        p->goal = arena_take(a, n_steps * 3, sizeof *p->goal);
    }
    for (int h = 0; h < p->n_halves; h++) {
        half *own = &p->halves[h];
        net_array arrays[NET_ARRAYS];
        int n = net_arrays(own->net, arrays);
        for (int k = 0; k < n; k++) {
            size_t cells = (size_t)arrays[k].rows * (size_t)arrays[k].columns;
            own->dense[k] = arena_take(a, cells, sizeof(float));
            own->dense[NET_ARRAYS + k] = net_array_is_parameter(&arrays[k]) ? arena_take(a, cells, sizeof(float)) : NULL;
        }
    }
}

/* The input as the network saw it, step by step. */
static void copy_input(probe *p) {
    const lsnn_sim *sim = p->halves[0].sim;
    const block *k = &sim->blocks[0];
    size_t n_in = (size_t)sim->net->spec.n_in;
    for (size_t t = 0; t < (size_t)p->n_steps; t++) {
        for (size_t i = 0; i < n_in; i++) {
            size_t step = t + (size_t)sim->net->spec.n_delay;
            p->input[t * n_in + i] =
                k->staged != NULL ? (float)(k->staged[t * n_in + i] & 1) : (float)k->input.values[(step * n_in + i) * (size_t)sim->lanes];
        }
    }
}

static void add_matrix(probe *p, const char *name, int64_t rows, int64_t columns, const float *data) {
    tensor_writer_add(p->writer, name, TENSOR_F32, columns == 1 ? 1 : 2, (int64_t[]){rows, columns}, data);
}

static lsnn_status add_half(probe *p, const half *own) {
    lsnn_status status = LSNN_OK;
    net_array arrays[NET_ARRAYS];
    int n = net_arrays(own->net, arrays);
    tensor_writer_within(p->writer, own->prefix);
    for (int k = 0; k < n; k++) {
        const net_array *a = &arrays[k];
        size_t cells = (size_t)a->rows * (size_t)a->columns;
        TRY(lsnn_net_copy(own->net, a->name, own->dense[k], cells));
        add_matrix(p, a->name, a->rows, a->columns, own->dense[k]);
        if (net_array_is_parameter(a)) {
            char name[64];
            snprintf(name, sizeof name, "d_%s", a->name);
            TRY(lsnn_gradient_copy(&own->gradient, a->name, own->dense[NET_ARRAYS + k], cells));
            add_matrix(p, name, a->rows, a->columns, own->dense[NET_ARRAYS + k]);
        }
    }
out:
    tensor_writer_within(p->writer, "");
    return status;
}

static lsnn_status add_network(probe *p) {
    lsnn_status status = LSNN_OK;
    static const char *const names[3] = {"tau_m", "tau_a", "beta"};
    for (int k = 0; k < 3 && p->n_halves > 1; k++) {
        float *to = p->each[k];
        for (int h = 0; h < p->n_halves; to += p->halves[h++].net->n_rec) {
            TRY(lsnn_net_copy(p->halves[h].net, names[k], to, (size_t)p->halves[h].net->n_rec));
        }
        add_matrix(p, names[k], (int64_t)p->n_rec, 1, p->each[k]);
    }
    for (int h = 0; h < p->n_halves; h++) {
        TRY(add_half(p, &p->halves[h]));
    }
out:
    return status;
}

/* A trace of all halves to `to` [n_steps][columns]: neurons side by side; outputs, which have the same columns in each, added. What the second half did comes at the step of the
 * sample that it saw then. */
static lsnn_status copy_traces(probe *p, const char *name, bool add, size_t columns, float *to) {
    lsnn_status status = LSNN_OK;
    size_t first = 0;
    memset(to, 0, (size_t)p->n_steps * columns * sizeof *to);
    for (int h = 0; h < p->n_halves; h++) {
        size_t own = add ? columns : (size_t)p->halves[h].net->n_rec;
        TRY(lsnn_sim_copy_trace(p->halves[h].sim, name, 0, p->trace));
        for (size_t t = 0; t < (size_t)p->n_steps; t++) {
            const float *from = p->trace + (h == 0 ? t : (size_t)p->n_steps - 1 - t) * own;
            for (size_t j = 0; j < own; j++) {
                to[t * columns + first + j] += from[j];
            }
        }
        first += add ? 0 : own;
    }
out:
    return status;
}

static lsnn_status add_traces(probe *p) {
    lsnn_status status = LSNN_OK;
    int64_t n_steps = p->n_steps;
    int64_t n_rec = (int64_t)p->n_rec;
    for (int k = 0; k < FLOAT_TRACES; k++) {
        TRY(copy_traces(p, float_traces[k], false, p->n_rec, p->traces[k]));
        if (strcmp(float_traces[k], "z") != 0) {
            add_matrix(p, float_traces[k], n_steps, n_rec, p->traces[k]);
        }
    }
    for (int64_t at = 0; at < n_steps * n_rec; at++) {
        p->z[at] = p->traces[FLOAT_TRACES - 1][at] != 0;
    }
    tensor_writer_add(p->writer, "z", TENSOR_U8, 2, (int64_t[]){n_steps, n_rec}, p->z);
    TRY(copy_traces(p, "y", true, (size_t)p->model.task->n_out, p->y));
    tensor_writer_add(p->writer, "y", TENSOR_F32, 2, (int64_t[]){n_steps, p->model.task->n_out}, p->y);
out:
    return status;
}

/* The episode: what was observed and done at each step, and what came of it. The value's target is the return; the other outputs have none. */
static void add_episode(probe *p, const interactive_task *it) {
    const episode_batch *e = p->batch->episodes;
    int64_t n_steps = e->n_steps;
    int64_t n_observed = it->environment.n_observed;
    int64_t n_actions = it->environment.n_actions;
    int64_t n_out = it->task.n_out;
    for (int64_t t = 0; t < n_steps; t++) {
        for (int64_t o = 0; o < n_out; o++) {
            p->returns[t * n_out + o] = o == n_out - 1 ? (float)e->return_to_end[t] : NAN;
        }
        p->rewards[t] = (float)e->reward[t];
    }
    for (int64_t at = 0; at < n_steps * n_observed; at++) {
        p->observed[at] = (float)e->observed[at];
    }
    for (int64_t at = 0; at < n_steps * n_actions; at++) {
        p->actions[at] = (float)e->action[at];
    }
    tensor_writer_add(p->writer, "target", TENSOR_F32, 2, (int64_t[]){n_steps, n_out}, p->returns);
    tensor_writer_add(p->writer, "observed", TENSOR_F32, 2, (int64_t[]){n_steps, n_observed}, p->observed);
    tensor_writer_add(p->writer, "action", TENSOR_F32, 2, (int64_t[]){n_steps, n_actions}, p->actions);
    tensor_writer_add(p->writer, "reward", TENSOR_F32, 1, &n_steps, p->rewards);
    tensor_writer_add(p->writer, "events", TENSOR_U8, 1, &n_steps, e->events);
}

/* What the agent does not see: the goal's centre and its radius. */
static void add_goal(probe *p, const interactive_task *it) {
    const batch *b = p->batch;
    int64_t n_steps = b->episodes->n_steps;
    interact_again(&it->task, b->part, b->episode_seed, b->index[0], b->episodes, 0, p->states);
    for (int64_t t = 0; t < n_steps; t++) {
        p->goal[3 * t] = (float)p->states[t * HIDDEN_GOAL_STATE + GOAL_X];
        p->goal[3 * t + 1] = (float)p->states[t * HIDDEN_GOAL_STATE + GOAL_Y];
        p->goal[3 * t + 2] = (float)it->hidden_goal.goal_radius;
    }
    tensor_writer_add(p->writer, "goal", TENSOR_F32, 2, (int64_t[]){n_steps, 3}, p->goal);
}

static void add_task(probe *p) {
    const task *t = p->model.task;
    int64_t n_windows = p->n_windows;
    for (int w = 0; w < n_windows; w++) {
        p->window_stop[w] = t->window_stop[w] < p->n_steps ? t->window_stop[w] : p->n_steps;
    }
    tensor_writer_add(p->writer, "input", TENSOR_F32, 2, (int64_t[]){p->n_steps, t->n_in}, p->input);
    tensor_writer_add(p->writer, "output", TENSOR_F32, 2, (int64_t[]){n_windows, t->n_out}, p->pass->output);
    tensor_writer_add(p->writer, "d_output", TENSOR_F32, 2, (int64_t[]){n_windows, t->n_out}, p->batch->d_output);
    tensor_writer_add(p->writer, "window_start", TENSOR_I32, 1, &n_windows, t->window_start);
    tensor_writer_add(p->writer, "window_stop", TENSOR_I32, 1, &n_windows, p->window_stop);
    if (t->loss == LOSS_CROSS_ENTROPY) {
        tensor_writer_add(p->writer, "class", TENSOR_I32, 1, &n_windows, p->batch->class_of);
    } else if (t->loss == LOSS_POLICY) {
        add_episode(p, task_interactive(t));
        if (task_interactive(t)->ships) {
            add_goal(p, task_interactive(t));
        }
    } else {
        tensor_writer_add(p->writer, "target", TENSOR_F32, 2, (int64_t[]){n_windows, t->n_out}, p->batch->target);
    }
    tensor_writer_add(p->writer, "loss", TENSOR_F32, 1, (int64_t[]){1}, &p->loss[0]);
    tensor_writer_add(p->writer, "rate_loss", TENSOR_F32, 1, (int64_t[]){1}, &p->loss[1]);
}

static const char *const loss_names[] = {[LOSS_CROSS_ENTROPY] = "cross_entropy", [LOSS_SQUARED] = "squared", [LOSS_POLICY] = "policy"};

static lsnn_status add_texts(probe *p, split part, int64_t sample) {
    char text[64];
    char *settings = NULL;
    lsnn_status status = experiment_print(p->model.experiment, &settings);
    if (status != LSNN_OK) {
        return status;
    }
    tensor_writer_text(p->writer, "kind", "probe");
    tensor_writer_text(p->writer, "lsnn", LSNN_VERSION);
    tensor_writer_text(p->writer, "experiment", lsnn_experiment_name(p->model.experiment));
    tensor_writer_text(p->writer, "settings", settings);
    tensor_writer_text(p->writer, "split", split_names[part]);
    snprintf(text, sizeof text, "%lld", (long long)sample);
    tensor_writer_text(p->writer, "sample", text);
    const lsnn_net_spec *spec = &p->halves[0].net->spec;
    snprintf(text, sizeof text, "%.9g", (double)spec->dt);
    tensor_writer_text(p->writer, "dt", text);
    tensor_writer_text(p->writer, "input_kind", spec->input == LSNN_SPIKES ? "spikes" : "currents");
    tensor_writer_text(p->writer, "loss_kind", loss_names[p->model.task->loss]);
    tensor_writer_text(p->writer, "score_name", p->model.task->score_name);
    task_write_kept(p->model.task, p->writer);
    free(settings);
    return LSNN_OK;
}

static void find_halves(probe *p) {
    size_t first = 0;
    p->n_halves = model_n_halves(p->model.model);
    for (int h = 0; h < p->n_halves; h++) {
        const model *own = model_half(p->model.model, h);
        half *to = &p->halves[h];
        to->prefix = p->n_halves > 1 ? half_names[h] : "";
        to->net = model_net(own);
        to->sim = pass_sim(pass_half(p->pass, h));
        to->gradient = (lsnn_gradient){.net = to->net, .n = own->n_params, .values = p->gradient->values + first};
        p->n_rec += (size_t)to->net->n_rec;
        first += own->n_params;
    }
}

lsnn_status lsnn_probe(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options, int64_t sample, const char *path) {
    lsnn_status status = LSNN_OK;
    const lsnn_run_options none = {0};
    options = options != NULL ? options : &none;
    probe p = {0};
    batch_loss loss;
    double rate_loss;
    TRY(model_open(&p.model, run_or_model, options));
    const task *t = p.model.task;
    split part = p.model.part;
    if (model_net(p.model.model) == NULL) {
        TRY(fail(LSNN_ERR_USAGE, "%s is of kind %s, which has no spikes, voltages and thresholds to look at; probe an LSNN", p.model.path,
                 p.model.model->kind->name));
    }
    int64_t n_samples = t->n_samples[part]; /* 0: as many as one likes */
    if (n_samples > 0 && (sample < 0 || sample >= n_samples)) {
        TRY(fail(LSNN_ERR_USAGE, "sample %lld; the %s split has 0..%lld", (long long)sample, split_names[part], (long long)n_samples - 1));
    }
    if (sample < 0) {
        TRY(fail(LSNN_ERR_USAGE, "sample %lld; there are 0 and more", (long long)sample));
    }
    pass_options one = setup_pass(p.model.experiment, t, true);
    one.n_batch = 1;
    TRY(pass_open(&p.pass, p.model.model, context, &one));
    TRY(batch_create(&p.batch, t, p.pass, p.model.seed));
    TRY(gradient_create(&p.gradient, p.model.model->n_params));
    find_halves(&p);
    TRY(tensor_writer_create(&p.writer));
    plan(&p, &p.memory);
    TRY(arena_open(&p.memory, "probe"));
    plan(&p, &p.memory);
    p.n_steps = task_length(t, part, (uint64_t)sample);
    while (p.n_windows < t->n_windows && t->window_start[p.n_windows] < p.n_steps) {
        p.n_windows++;
    }
    TRY(batch_fill(p.batch, part, p.model.seed, (uint64_t)sample, 1));
    TRY(batch_forward(p.batch));
    TRY(batch_take_loss(p.batch, true, &loss));
    TRY(pass_backward(p.pass, p.batch->d_output, p.gradient, &rate_loss));
    p.loss[0] = (float)loss.loss;
    p.loss[1] = (float)rate_loss;
    copy_input(&p);
    TRY(add_texts(&p, part, sample));
    add_task(&p);
    TRY(add_traces(&p));
    TRY(add_network(&p));
    TRY(tensor_writer_save(p.writer, path, NULL));
out:
    tensor_writer_free(p.writer);
    lsnn_gradient_free(p.gradient);
    batch_free(p.batch);
    pass_close(p.pass);
    arena_release(&p.memory);
    model_release(&p.model);
    return status;
}
