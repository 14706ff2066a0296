#include "run/evaluate.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/interval.h"
#include "config/share.h"
#include "tasks/navigation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const split_names[SPLITS] = {"train", "valid", "test"};

bool score_is_better(const task *t, double a, double b) {
    return isnan(b) ? !isnan(a) : t->lower_is_better ? a < b : a > b;
}

/* Sequences with numbers that count: sums of how many x each has, and of their squared errors y. */
typedef struct spread {
    double n, x, y, xx, xy, yy;
} spread;

static void add_sequences(const batch *b, int n, spread *s) {
    for (int k = 0; b->task->loss == LOSS_SQUARED && k < n; k++) {
        double x;
        double y;
        batch_sum_errors(b, k, &x, &y);
        s->n += x > 0;
        s->x += x;
        s->y += y;
        s->xx += x * x;
        s->xy += x * y;
        s->yy += y * y;
    }
}

/* Where an agent acts, it is goals that are the score, or the reward where there are none. */
static void take_goals(const batch *b, evaluation *e) {
    e->goals = goal_count_result(b->goals);
    bool has_goals = task_interactive(b->task)->environment.n_events > 0;
    e->score = has_goals ? e->goals.per_episode : e->goals.reward;
    e->score_interval = has_goals ? e->goals.per_episode_interval : goal_count_reward_interval(b->goals);
    e->n = e->goals.n_episodes;
}

/* How many samples a batch's rate is a mean over, in parts of a whole one's steps. */
static double samples_of(const batch *b) {
    double n_steps = 0;
    for (int k = 0; k < b->n_filled; k++) {
        n_steps += b->length[k];
    }
    return n_steps / b->task->n_steps;
}

lsnn_status evaluate(batch *b, split part, uint64_t seed, int64_t n_batches, const volatile int *stop, evaluation *out) {
    lsnn_status status = LSNN_OK;
    int n_batch = b->pass->n_batch;
    int64_t n_samples = b->task->n_samples[part];
    int64_t end = n_samples > 0 ? n_samples : n_batches * n_batch;
    double loss = 0;
    double rate = 0;
    double n_rated = 0;
    pass_activity activity = {0};
    int64_t n_wrong = 0;
    int64_t n_counted = 0;
    spread sequences = {0};
    if (b->goals != NULL) {
        goal_count_clear(b->goals);
    }
    for (int64_t first = 0; first < end; first += n_batch) {
        if (stop != NULL && *stop != 0) {
            return fail(LSNN_STOPPED, "stopped in the evaluation");
        }
        int n = end - first < n_batch ? (int)(end - first) : n_batch;
        batch_loss one;
        TRY(batch_fill_next(b, part, seed, (uint64_t)first, n));
        TRY(batch_forward(b));
        TRY(batch_take_loss(b, false, &one));
        loss += one.loss * (double)one.n_counted;
        n_wrong += one.n_wrong;
        n_counted += one.n_counted;
        add_sequences(b, n, &sequences);
        double n_samples_run = samples_of(b);
        rate += pass_rate(b->pass) * n_samples_run;
        n_rated += n_samples_run;
        pass_activity more = pass_count_activity(b->pass, n);
        activity.spikes += more.spikes;
        activity.operations += more.operations;
    }
    double n = n_counted > 0 ? (double)n_counted : 1;
    double error = (double)n_wrong / n;
    *out =
        (evaluation){.loss = loss / n,
                     .rate_hz = rate / n_rated,
                     .score_interval = interval_of_ratio(sequences.n, sequences.x, sequences.y, sequences.xx, sequences.xy, sequences.yy),
                     .spikes = activity.spikes / (double)end,
                     .operations = activity.operations / (double)end,
                     .n = n_counted,
                     .score = b->task->loss == LOSS_SQUARED ? loss / n
                              : b->task->lower_is_better    ? error
                                                            : 1 - error};
    if (b->goals != NULL) {
        take_goals(b, out);
    }
out:
    return status;
}

lsnn_result evaluation_result(const evaluation *e, const lsnn_experiment *experiment, const task *t, split part) {
    lsnn_result result = {.seed = (uint64_t)setting_int(experiment, "seed"),
                          .n = e->n,
                          .loss = e->loss,
                          .score = e->score,
                          .score_interval = e->score_interval,
                          .rate_hz = e->rate_hz,
                          .goals = e->goals,
                          .spikes = e->spikes,
                          .operations = e->operations};
    snprintf(result.experiment, sizeof result.experiment, "%s", lsnn_experiment_name(experiment));
    snprintf(result.split, sizeof result.split, "%s", split_names[part]);
    snprintf(result.score_name, sizeof result.score_name, "%s", t->score_name);
    return result;
}

lsnn_status model_find(char *out, size_t size, const char *name_or_path) {
    bool found;
    return file_exists(name_or_path) ? path_join(out, size, "", name_or_path)
                                     : share_find(out, size, "models", name_or_path, ".safetensors", &found);
}

/* A run's settings.yaml that lost some lines is still one, with defaults for what they said; its network knows better. */
static lsnn_status check_settings(const opened_model *m, const tensor_file *file, const char *folder) {
    lsnn_status status = LSNN_OK;
    lsnn_experiment *of_network = NULL;
    setting_difference d;
    TRY(experiment_read_from(&of_network, file));
    if (experiment_differs(of_network, m->experiment, &d)) {
        TRY(fail(LSNN_ERR_DATA, "%s/settings.yaml: %s is %s, but best.safetensors was trained with %s; put it right (lsnn show %s)", folder,
                 d.key, d.in_b == NULL ? "missing" : d.in_b, d.in_a, m->path));
    }
out:
    lsnn_experiment_free(of_network);
    return status;
}

lsnn_status model_open_alone(opened_model *m, const char *run_or_model) {
    lsnn_status status = LSNN_OK;
    tensor_file *file = NULL;
    bool is_run = folder_exists(run_or_model);
    *m = (opened_model){0};
    TRY(lsnn_experiment_open_run(&m->experiment, run_or_model));
    if (is_run) {
        TRY(path_join(m->path, sizeof m->path, run_or_model, "best.safetensors"));
        if (!file_exists(m->path)) {
            TRY(fail(
                LSNN_ERR_IO,
                "%s has no best.safetensors; before a first validation there is none (lsnn train --resume goes on), and checkpoint.safetensors in it has the newest network",
                run_or_model));
        }
    } else {
        TRY(model_find(m->path, sizeof m->path, run_or_model));
    }
    TRY(tensor_file_open(&file, m->path));
    if (is_run) {
        TRY(check_settings(m, file, run_or_model));
    }
    TRY(model_read(&m->model, m->experiment, file));
    const char *iterations = tensor_file_metadata(file, "iterations");
    m->iterations = iterations != NULL ? strtoll(iterations, NULL, 10) : setting_int(m->experiment, "train.iterations");
out:
    tensor_file_close(file);
    return status;
}

/* Of the task itself: network, loss and training were what they were. */
static bool is_of_task(const char *assignment) {
    static const char *const others[] = {"task", "seed", "net.", "rewire.", "loss.", "train."};
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        if (strncmp(assignment, others[k], strlen(others[k])) == 0) {
            return strncmp(assignment, "train.test_batches", strlen("train.test_batches")) == 0;
        }
    }
    return true;
}

/* What the model keeps of its training data goes into the task. */
static lsnn_status take_kept(const opened_model *m) {
    lsnn_status status = LSNN_OK;
    tensor_file *file = NULL;
    TRY(tensor_file_open(&file, m->path));
    TRY(task_read_kept(m->task, file));
out:
    tensor_file_close(file);
    return status;
}

static lsnn_status change_settings(lsnn_experiment *experiment, const lsnn_run_options *options) {
    lsnn_status status = LSNN_OK;
    for (int k = 0; k < options->n_settings; k++) {
        if (!is_of_task(options->settings[k])) {
            TRY(fail(LSNN_ERR_SETTING,
                     "%s: a network that is there already can't be changed by it; the settings of its task can, and train.test_batches",
                     options->settings[k]));
        }
        TRY(lsnn_experiment_set(experiment, options->settings[k]));
    }
    TRY(experiment_check(experiment));
out:
    return status;
}

static lsnn_status split_from_name(const char *name, split *out) {
    for (int p = 0; p < SPLITS; p++) {
        if (strcmp(name, split_names[p]) == 0) {
            *out = (split)p;
            return LSNN_OK;
        }
    }
    return fail(LSNN_ERR_USAGE, "split is %s; it can be train, valid or test", name);
}

lsnn_status model_open(opened_model *m, const char *run_or_model, const lsnn_run_options *options) {
    lsnn_status status = LSNN_OK;
    split part = SPLIT_TEST;
    *m = (opened_model){0};
    TRY(split_from_name(options->split != NULL ? options->split : "test", &part));
    TRY(model_open_alone(m, run_or_model));
    m->part = part;
    m->seed = options->seed != 0 ? options->seed : (uint64_t)setting_int(m->experiment, "seed");
    TRY(change_settings(m->experiment, options));
    TRY(task_open(&m->task, m->experiment, options));
    TRY(task_need_split(m->task, part));
    TRY(setup_check_model(m->model, m->task, m->path));
    TRY(take_kept(m));
out:
    return status;
}

lsnn_status model_open_batch(const opened_model *m, lsnn_context *context, pass **p, batch **b) {
    lsnn_status status;
    pass_options once = setup_pass(m->experiment, m->task, false);
    TRY(pass_open(p, m->model, context, &once));
    TRY(batch_create(b, m->task, *p, m->seed));
out:
    return status;
}

void model_release(opened_model *m) {
    model_free(m->model);
    task_close(m->task);
    lsnn_experiment_free(m->experiment);
    *m = (opened_model){0};
}

lsnn_status sample_counts_create(sample_counts *out, int64_t n) {
    *out = (sample_counts){.n = n, .counted = calloc((size_t)n + 1, sizeof(double)), .wrong = calloc((size_t)n + 1, sizeof(double))};
    return out->counted != NULL && out->wrong != NULL ? LSNN_OK : fail(LSNN_ERR_MEMORY, "no memory for %lld samples", (long long)n);
}

void sample_counts_release(sample_counts *counts) {
    free(counts->counted);
    free(counts->wrong);
    *counts = (sample_counts){0};
}

static lsnn_status count_samples(batch *b, split part, uint64_t seed, const volatile int *stop, sample_counts *out) {
    lsnn_status status = LSNN_OK;
    int n_batch = b->pass->n_batch;
    for (int64_t first = 0; first < out->n; first += n_batch) {
        int n = out->n - first < n_batch ? (int)(out->n - first) : n_batch;
        if (stop != NULL && *stop != 0) {
            return fail(LSNN_STOPPED, "stopped in the evaluation");
        }
        TRY(batch_fill_next(b, part, seed, (uint64_t)first, n));
        TRY(batch_forward(b));
        for (int k = 0; k < n; k++) {
            int64_t counted;
            int64_t wrong;
            batch_count_classes(b, k, &counted, &wrong);
            out->counted[b->index[k]] = (double)counted;
            out->wrong[b->index[k]] = (double)wrong;
        }
    }
out:
    return status;
}

lsnn_status evaluate_each(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options, sample_counts *out) {
    lsnn_status status = LSNN_OK;
    opened_model m = {0};
    pass *p = NULL;
    batch *b = NULL;
    *out = (sample_counts){0};
    TRY(model_open(&m, run_or_model, options));
    if (m.task->loss != LOSS_CROSS_ENTROPY || m.task->n_samples[m.part] < 1) {
        TRY(fail(LSNN_ERR_USAGE, "%s: its task has no classes, or draws its samples; they can't be counted one by one", m.path));
    }
    TRY(model_open_batch(&m, context, &p, &b));
    TRY(sample_counts_create(out, m.task->n_samples[m.part]));
    TRY(count_samples(b, m.part, m.seed, options->stop, out));
out:
    batch_free(b);
    pass_close(p);
    model_release(&m);
    return status;
}

lsnn_status lsnn_evaluate(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options, lsnn_result *result) {
    lsnn_status status = LSNN_OK;
    const lsnn_run_options none = {0};
    options = options != NULL ? options : &none;
    opened_model m = {0};
    pass *p = NULL;
    batch *b = NULL;
    double begun = clock_seconds();
    TRY(model_open(&m, run_or_model, options));
    TRY(model_open_batch(&m, context, &p, &b));
    evaluation e;
    TRY(evaluate(b, m.part, m.seed, setting_int(m.experiment, "train.test_batches"), options->stop, &e));
    *result = evaluation_result(&e, m.experiment, m.task, m.part);
    result->seed = m.seed;
    result->iterations = m.iterations;
    result->seconds = clock_seconds() - begun;
out:
    batch_free(b);
    pass_close(p);
    model_release(&m);
    return status;
}
