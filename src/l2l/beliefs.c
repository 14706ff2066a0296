/* What a network takes a function for: questions to copies of its state. */
#include "l2l/beliefs.h"

#include "net/sim.h"
#include "run/evaluate.h"
#include "tasks/learn_functions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DRAWS = 10000, LANES_AT_ONCE = 128 };

typedef struct asking {
    opened_model model;
    const lsnn_family *family;
    int64_t episode;
    int n_examples, n_draws; /* of an episode; a point */
    int example_steps;
    lesson lesson;
    lsnn_sim *sim, *copies; /* of the episode; of its state */
    own_beliefs *out;
} asking;

/* ---- the question ---- */

static const int usual_seen[] = {1, 2, 5, 10, 20, 100};

static int count_usual_seen(int n_examples) {
    int n = 0;
    while (n < (int)(sizeof usual_seen / sizeof *usual_seen) && usual_seen[n] <= n_examples) {
        n++;
    }
    return n;
}

static lsnn_status check_seen(const lsnn_question *q, int n_examples) {
    if (q->n_seen < 1 || q->n_seen > BELIEFS_MOST_SEEN) {
        return fail(LSNN_ERR_USAGE, "the network is to be asked %d times; 1..%d are possible", q->n_seen, BELIEFS_MOST_SEEN);
    }
    for (int k = 0; k < q->n_seen; k++) {
        if (q->seen[k] < (k > 0 ? q->seen[k - 1] + 1 : 0) || q->seen[k] > n_examples) {
            return fail(LSNN_ERR_USAGE,
                        "the network is to be asked after %d examples; the numbers must rise, from 0 at least to %d at most", q->seen[k],
                        n_examples);
        }
    }
    return LSNN_OK;
}

/* Values of each input in the grid, and points in all. */
static lsnn_status count_points(const lsnn_question *q, int n_inputs, int *n_values, int *n_points) {
    *n_values = q->n_points != 0 ? q->n_points : n_inputs == 1 ? 101 : 21;
    while (q->n_points == 0 && pow(*n_values, n_inputs) > BELIEFS_MOST_POINTS) {
        (*n_values)--;
    }
    double n = *n_values;
    for (int i = 1; i < n_inputs && q->points == NULL; i++) {
        n *= *n_values;
    }
    if (q->n_points < (q->points != NULL ? 1 : 0) || *n_values < (q->points != NULL ? 1 : 2) || n > BELIEFS_MOST_POINTS) {
        return fail(LSNN_ERR_USAGE, "the network is to be asked at %d %s, of %d inputs; %d..%d points are possible", q->n_points,
                    q->points != NULL ? "points" : "values of each input", n_inputs, q->points != NULL ? 1 : 2, BELIEFS_MOST_POINTS);
    }
    *n_points = (int)n;
    return LSNN_OK;
}

static void fill_grid(own_beliefs *b, int n_values) {
    for (int at = 0; at < b->all.n_points; at++) {
        int rest = at;
        for (int i = 0; i < b->all.n_inputs; i++) {
            const lsnn_range *range = &b->all.input_range[i];
            b->points[at * b->all.n_inputs + i] = range->low + (range->high - range->low) * (rest % n_values) / (n_values - 1);
            rest /= n_values;
        }
    }
}

static lsnn_status prepare(asking *a, const lsnn_question *q) {
    lsnn_status status = LSNN_OK;
    int n_values;
    const int *seen = q->seen != NULL ? q->seen : usual_seen;
    lsnn_beliefs all = {.episode = a->episode, .n_inputs = a->family->n_inputs, .target_range = a->family->target, .n_seen = q->n_seen};
    memcpy(all.input_range, a->family->input, sizeof all.input_range);
    if (q->seen != NULL) {
        TRY(check_seen(q, a->n_examples));
    } else {
        all.n_seen = count_usual_seen(a->n_examples);
    }
    TRY(count_points(q, all.n_inputs, &n_values, &all.n_points));
    if (q->n_draws < 0 || q->n_draws > MOST_DRAWS) {
        TRY(fail(LSNN_ERR_USAGE, "each point is to be asked %d times; 1..%d are possible", q->n_draws, MOST_DRAWS));
    }
    a->n_draws = q->n_draws > 0 ? q->n_draws : 1;
    all.n_examples = seen[all.n_seen - 1];
    TRY(beliefs_open(&a->out, &all));
    memcpy(a->out->seen, seen, (size_t)all.n_seen * sizeof *seen);
    if (q->points != NULL) {
        memcpy(a->out->points, q->points, (size_t)all.n_points * (size_t)all.n_inputs * sizeof *q->points);
    } else {
        fill_grid(a->out, n_values);
    }
    for (int at = 0; at < all.n_points; at++) {
        const double *x = a->out->points + (size_t)at * (size_t)all.n_inputs;
        a->out->value[at] = a->family->value(a->family->user, a->lesson.episode.parameters, x);
    }
out:
    return status;
}

/* ---- asking ---- */

static sample_writer writer_of(const lsnn_sim *sim, int b) {
    return (sample_writer){.input = sim_input_lane(sim, b), .b = b, .n_batch = sim->options.n_batch, .n_out = 1};
}

/* Draw 0 has the numbers of the episode itself, the others some that it never comes to. */
static rng_sequence numbers_of(const lesson *s, int draw) {
    rng_sequence numbers = s->spikes;
    numbers.position += (uint64_t)draw << 40;
    return numbers;
}

/* Questions are numbered draw after draw, point by point. */
static lsnn_status ask(asking *a, double *belief) {
    lsnn_status status = LSNN_OK;
    int n_points = a->out->all.n_points;
    int64_t n = (int64_t)n_points * a->n_draws;
    int n_lanes = a->copies->options.n_batch;
    for (int64_t first = 0; first < n; first += n_lanes) {
        sim_take_state(a->copies, a->sim, 0);
        TRY(sim_begin_input(a->copies, a->example_steps));
        int n_now = n - first < n_lanes ? (int)(n - first) : n_lanes;
        for (int lane = 0; lane < n_now; lane++) {
            int64_t at = first + lane;
            rng_sequence numbers = numbers_of(&a->lesson, (int)(at / n_points));
            sample_writer to = writer_of(a->copies, lane);
            lesson_write(&a->lesson, a->out->points + at % n_points * a->out->all.n_inputs, &numbers, &to, 0);
        }
        TRY(lsnn_forward(a->copies));
        for (int lane = 0; lane < n_now; lane++) {
            belief[(first + lane) % n_points] += (double)lsnn_sim_output(a->copies)[lane] / a->n_draws;
        }
    }
out:
    return status;
}

static lsnn_status show_example(asking *a, int k) {
    lsnn_status status = LSNN_OK;
    size_t n_inputs = (size_t)a->out->all.n_inputs;
    TRY(sim_begin_input(a->sim, a->example_steps));
    sample_writer to = writer_of(a->sim, 0);
    lesson_write(&a->lesson, a->lesson.x, &a->lesson.spikes, &to, 0);
    TRY(lsnn_forward(a->sim));
    memcpy(a->out->x + (size_t)k * n_inputs, a->lesson.x, n_inputs * sizeof *a->out->x);
    a->out->target[k] = a->lesson.target;
    a->out->answer[k] = (double)lsnn_sim_output(a->sim)[0];
    lesson_next(&a->lesson);
out:
    return status;
}

static lsnn_status walk(asking *a, const volatile int *stop) {
    lsnn_status status = LSNN_OK;
    const own_beliefs *b = a->out;
    for (int k = 0, asked = 0; asked < b->all.n_seen; k++) {
        if (stop != NULL && *stop != 0) {
            TRY(fail(LSNN_STOPPED, "stopped after %d examples", k));
        }
        if (b->seen[asked] == k) {
            TRY(ask(a, b->belief + (size_t)asked * (size_t)b->all.n_points));
            asked++;
        }
        if (k < b->all.n_examples) {
            TRY(show_example(a, k));
        }
    }
out:
    return status;
}

static lsnn_status open_simulations(asking *a, lsnn_context *context) {
    lsnn_status status = LSNN_OK;
    const lsnn_net *net = model_net(a->model.model);
    int64_t n = (int64_t)a->out->all.n_points * a->n_draws;
    lsnn_sim_options one = {.n_batch = 1, .n_steps = a->example_steps, .n_windows = 1};
    lsnn_sim_options many = one;
    many.n_batch = n < LANES_AT_ONCE ? (int)n : LANES_AT_ONCE;
    TRY(lsnn_sim_create(&a->sim, net, context, &one));
    TRY(lsnn_sim_create(&a->copies, net, context, &many));
    sim_set_noise_key(a->sim, a->model.seed + (uint64_t)a->episode);
out:
    return status;
}

static lsnn_status open_lesson(asking *a, const char *run_or_model, const lsnn_run_options *options) {
    lsnn_status status = LSNN_OK;
    TRY(model_open(&a->model, run_or_model, options));
    const task *t = a->model.task;
    a->family = task_family(t);
    if (a->family == NULL) {
        TRY(fail(LSNN_ERR_USAGE, "%s has learned %s, which has no function to ask for; beliefs are those of the tasks l2l-*", a->model.path,
                 t->kind->name));
    }
    if (model_net(a->model.model) == NULL) {
        TRY(fail(LSNN_ERR_USAGE, "%s is of kind %s; only a spiking network's state can be copied and asked (net.kind lsnn)", a->model.path,
                 a->model.model->kind->name));
    }
    if (a->episode < 0) {
        TRY(fail(LSNN_ERR_USAGE, "episode %lld; they are counted from 0", (long long)a->episode));
    }
    a->n_examples = t->n_windows;
    a->example_steps = t->n_steps / t->n_windows;
    lesson_begin(&a->lesson, t, a->model.part, a->model.seed, (uint64_t)a->episode);
out:
    return status;
}

lsnn_status lsnn_beliefs_create(lsnn_beliefs **out, const char *run_or_model, lsnn_context *context, const lsnn_run_options *options,
                                const lsnn_question *question) {
    lsnn_status status = LSNN_OK;
    const lsnn_run_options none = {0};
    options = options != NULL ? options : &none;
    asking *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for beliefs");
    }
    a->episode = question->episode;
    TRY(open_lesson(a, run_or_model, options));
    TRY(prepare(a, question));
    TRY(open_simulations(a, context));
    TRY(walk(a, options->stop));
    *out = &a->out->all;
    a->out = NULL;
out:
    lsnn_sim_free(a->copies);
    lsnn_sim_free(a->sim);
    model_release(&a->model);
    lsnn_beliefs_free(a->out != NULL ? &a->out->all : NULL);
    free(a);
    return status;
}

/* ---- their memory ---- */

static void plan(own_beliefs *b, arena *a) {
    size_t n_inputs = (size_t)b->all.n_inputs;
    size_t n_examples = (size_t)b->all.n_examples;
    size_t n_points = (size_t)b->all.n_points;
    b->all.x = b->x = arena_take(a, n_examples * n_inputs, sizeof *b->x);
    b->all.target = b->target = arena_take(a, n_examples, sizeof *b->target);
    b->all.answer = b->answer = arena_take(a, n_examples, sizeof *b->answer);
    b->all.points = b->points = arena_take(a, n_points * n_inputs, sizeof *b->points);
    b->all.value = b->value = arena_take(a, n_points, sizeof *b->value);
    b->all.belief = b->belief = arena_take(a, (size_t)b->all.n_seen * n_points, sizeof *b->belief);
    b->all.seen = b->seen = arena_take(a, (size_t)b->all.n_seen, sizeof *b->seen);
}

lsnn_status beliefs_open(own_beliefs **out, const lsnn_beliefs *sizes) {
    lsnn_status status = LSNN_OK;
    own_beliefs *b = calloc(1, sizeof *b);
    if (b == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for beliefs");
    }
    b->all = *sizes;
    plan(b, &b->memory);
    TRY(arena_open(&b->memory, "beliefs"));
    plan(b, &b->memory);
    *out = b;
    return LSNN_OK;
out:
    free(b);
    return status;
}

void lsnn_beliefs_free(lsnn_beliefs *beliefs) {
    if (beliefs != NULL) {
        arena_release(&((own_beliefs *)beliefs)->memory);
        free(beliefs);
    }
}
