/* Training: draw a batch, run forward, take the loss, run backward, step, record; validate and save now and then. */
#include "base/clock.h"
#include "base/file.h"
#include "machine/processor.h"
#include "run/checkpoint.h"
#include "run/evaluate.h"
#include "run/metrics.h"
#include "run/record.h"
#include "tasks/navigation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct training {
    const lsnn_run_options *options;
    lsnn_context *context;
    lsnn_experiment *experiment; /* a copy */
    char folder[1024], settings_path[1024];
    int lock;
    task *task;
    pass *valid_pass; /* validation has one of its own, so that the carried state is left alone */
    batch *batch, *valid_batch;
    lsnn_gradient *gradient;
    train_state state;
    metrics metrics;
    schedule schedule;
    double begun;            /* when this process began */
    double seconds_before;   /* spent by the processes before it */
    int64_t first_iteration; /* of this process */
    double score;            /* last validation's */
} training;

/* ---- the run folder ---- */

/* A run that is resumed keeps its settings; only its length may change. Errors: SETTING (names the first that differs). */
static lsnn_status check_same_settings(const training *r) {
    lsnn_status status = LSNN_OK;
    lsnn_experiment *kept = NULL;
    TRY(lsnn_experiment_open_run(&kept, r->folder));
    setting_difference d;
    if (experiment_differs(r->experiment, kept, &d)) {
        TRY(fail(LSNN_ERR_SETTING,
                 "%s: %s is %s, but the run was made with %s; a resumed run keeps its settings: use the same, or another --out", r->folder,
                 d.key, d.in_a, d.in_b == NULL ? "another task" : d.in_b));
    }
out:
    lsnn_experiment_free(kept);
    return status;
}

/* Names the run folder, and says whether it holds a run; leaves nothing behind. Errors: USAGE, IO (a path that is too long). */
static lsnn_status find_folder(training *r, bool *holds_run) {
    lsnn_status status = LSNN_OK;
    char path[1024];
    if (r->options->out != NULL) {
        TRY(path_join(path, sizeof path, r->options->out, "checkpoint.previous.safetensors.new")); /* the longest name in there */
        snprintf(r->folder, sizeof r->folder, "%s", r->options->out);
    } else {
        snprintf(r->folder, sizeof r->folder, "runs/%.200s-seed%s", lsnn_experiment_name(r->experiment),
                 lsnn_experiment_get(r->experiment, "seed"));
    }
    TRY(path_join(r->settings_path, sizeof r->settings_path, r->folder, "settings.yaml"));
    *holds_run = file_exists(r->settings_path);
    bool has_checkpoint;
    TRY(checkpoint_is_there(r->folder, &has_checkpoint));
    if (!*holds_run && has_checkpoint) {
        TRY(fail(LSNN_ERR_USAGE, "%s has a checkpoint, but no settings.yaml to say of which run; put it back, or choose another --out",
                 r->folder));
    }
    if (!*holds_run && r->options->resume && (folder_exists(r->folder) || !file_exists(r->folder))) {
        TRY(fail(LSNN_ERR_USAGE, "%s holds no run to resume (no settings.yaml); check --out, or leave out --resume", r->folder));
    }
out:
    return status;
}

static lsnn_status lock_folder(training *r) {
    lsnn_status status = LSNN_OK;
    char path[1024];
    TRY(folder_create(r->folder));
    TRY(path_join(path, sizeof path, r->folder, "lock"));
    TRY(file_lock(path, &r->lock));
out:
    return status;
}

static lsnn_status write_settings(const training *r) {
    char *yaml = NULL;
    lsnn_status status = experiment_print(r->experiment, &yaml);
    if (status == LSNN_OK) {
        status = file_write_atomic(r->settings_path, yaml, strlen(yaml));
    }
    free(yaml);
    return status;
}

/* ---- making everything ---- */

static lsnn_status create_state(training *r) {
    lsnn_status status = LSNN_OK;
    tensor_file *file = NULL;
    char damage[1024];
    const lsnn_experiment *e = r->experiment;
    if (setting_bool(e, "train.carry_state") && task_has_lengths(r->task)) {
        return fail(
            LSNN_ERR_SETTING,
            "train.carry_state is true, but the task's samples have different lengths, and what ends leaves nothing to carry; set it to false");
    }
    uint64_t seed = (uint64_t)setting_int(e, "seed");
    model_shape shape = setup_shape(r->task);
    pass_options training_pass = setup_pass(e, r->task, true);
    pass_options valid_pass = setup_pass(e, r->task, false);
    TRY(checkpoint_open(r->folder, &file, damage));
    if (*damage != '\0') {
        run_tell(r->options, "%s; going on from the checkpoint before it", damage);
    }
    r->state.task = r->task;
    task_take_digest(r->task, r->state.data_digest);
    if (file != NULL) {
        TRY(checkpoint_check_data(file, &r->state));
        TRY(model_read(&r->state.model, e, file));
        TRY(setup_check_model(r->state.model, r->task, tensor_file_path(file)));
        TRY(task_read_kept(r->task, file));
    } else {
        TRY(model_create(&r->state.model, e, &shape));
    }
    TRY(model_start_training(r->state.model, e));
    r->state.carry_state = setting_bool(e, "train.carry_state");
    r->state.position.best_score = NAN;
    TRY(setup_adam(&r->state.adam, e, r->state.model));
    TRY(gradient_create(&r->gradient, r->state.model->n_params));
    TRY(pass_open(&r->state.pass, r->state.model, r->context, &training_pass));
    TRY(batch_create(&r->batch, r->task, r->state.pass, seed));
    if (task_has_lengths(r->task)) {
        TRY(sample_order_set_group(r->batch->order, setting_int(e, "train.length_group")));
    }
    TRY(pass_open(&r->valid_pass, r->state.model, r->context, &valid_pass));
    TRY(batch_create(&r->valid_batch, r->task, r->valid_pass, seed));
    if (file != NULL) {
        TRY(checkpoint_read(file, &r->state));
    }
out:
    tensor_file_close(file);
    return status;
}

/* Is there what a run that went so far leaves behind? Better now than after the iterations to come. */
static lsnn_status check_whole(const training *r, int64_t n_recorded) {
    lsnn_status status = LSNN_OK;
    tensor_file *file = NULL;
    char path[1024];
    const train_position *p = &r->state.position;
    if (p->iteration == 0 && n_recorded > 0) {
        TRY(fail(LSNN_ERR_DATA, "%s has the result of %lld iterations, but no checkpoint to go on from; choose another --out", r->folder,
                 (long long)n_recorded));
    }
    if (p->iteration == 0) {
        run_tell(r->options, "%s has no checkpoint yet; beginning at iteration 1", r->folder);
    }
    if (!isnan(p->best_score)) {
        TRY(path_join(path, sizeof path, r->folder, "best.safetensors"));
        status = tensor_file_open(&file, path);
        if (status != LSNN_OK) {
            status = fail(
                status,
                "%s; it is the best network of the run, which can't be finished without: choose another --out (checkpoint.safetensors has the newest)",
                lsnn_error());
        }
    }
out:
    tensor_file_close(file);
    return status;
}

static void release(training *r) {
    metrics_close(&r->metrics);
    lsnn_gradient_free(r->gradient);
    batch_free(r->batch);
    batch_free(r->valid_batch);
    pass_close(r->state.pass);
    pass_close(r->valid_pass);
    lsnn_adam_free(r->state.adam);
    model_free(r->state.model);
    task_close(r->task);
    lsnn_experiment_free(r->experiment);
    if (r->lock >= 0) {
        file_unlock(r->lock);
    }
}

static double seconds_so_far(const training *r) {
    return r->seconds_before + clock_seconds() - r->begun;
}

/* ---- the loop ---- */

/* One update of the weights; leaves the network as it was if a number is not finite. */
static lsnn_status update(training *r, metrics_line *line) {
    lsnn_status status = LSNN_OK;
    train_state *s = &r->state;
    batch_loss loss;
    TRY(batch_take_loss(r->batch, true, &loss));
    TRY(pass_backward(s->pass, r->batch->d_output, r->gradient, &line->rate_loss));
    double l2 = setting_real(r->experiment, "loss.l2");
    line->l2_loss = l2 > 0 ? model_add_l2(s->model, l2, r->gradient) : NAN;
    line->loss = loss.loss;
    line->rate_hz = pass_rate(s->pass);
    line->gradient_norm = lsnn_gradient_norm(r->gradient);
    if (!isfinite(line->loss) || !isfinite(line->gradient_norm)) {
        return fail(LSNN_ERR_NUMERIC, "iteration %lld: the loss is %g and the gradient's norm %g; nothing was changed by it. %s",
                    (long long)s->position.iteration + 1, line->loss, line->gradient_norm,
                    s->position.iteration == 0 ? "Are the inputs and targets of a size that a network can answer to? They should be near 1"
                                               : "Start anew with a lower train.lr, or set train.clip");
    }
    TRY(model_step(s->model, s->adam, r->gradient, (float)line->learning_rate));
out:
    return status;
}

static lsnn_status iterate(training *r, metrics_line *line) {
    lsnn_status status = LSNN_OK;
    train_state *s = &r->state;
    int64_t iteration = s->position.iteration;
    const interactive_task *acting = task_interactive(r->task);
    line->learning_rate = schedule_rate(&r->schedule, iteration);
    TRY(batch_fill_train(r->batch, iteration, !s->carry_state));
    if (acting != NULL) {
        goal_count_clear(r->batch->goals);
    }
    TRY(batch_forward(r->batch));
    if (acting != NULL) {
        line->goals = goal_count_result(r->batch->goals);
    }
    model_count_synapses(s->model, line->synapses_before);
    TRY(update(r, line));
    for (int u = 1; acting != NULL && u < acting->n_updates; u++) {
        TRY(batch_replay(r->batch));
        TRY(update(r, line));
    }
    line->rewired = model_count_synapses(s->model, line->synapses);
    s->position.iteration++;
    line->iteration = s->position.iteration;
out:
    return status;
}

/* Scores the network, and keeps it if it is the best so far: of those with the same score, the one with the lowest loss. */
static lsnn_status validate(training *r, metrics_line *line) {
    lsnn_status status = LSNN_OK;
    evaluation e;
    uint64_t seed = (uint64_t)setting_int(r->experiment, "seed");
    TRY(evaluate(r->valid_batch, SPLIT_VALID, seed, setting_int(r->experiment, "train.valid_batches"), NULL, &e));
    line->score = e.score;
    line->valid_loss = e.loss;
    r->score = e.score;
    train_position *p = &r->state.position;
    bool is_better = score_is_better(r->task, e.score, p->best_score);
    p->n_not_better = is_better ? 0 : p->n_not_better + 1;
    if (is_better || (e.score == p->best_score && e.loss < p->best_loss)) {
        p->best_score = e.score;
        p->best_loss = e.loss;
        TRY(model_save(r->folder, "best.safetensors", r->experiment, &r->state));
    }
    double enough = setting_real(r->experiment, "train.stop_score");
    int64_t patience = setting_int(r->experiment, "train.patience");
    p->stopped_early = (enough >= 0 && !score_is_better(r->task, enough, e.score)) || (patience > 0 && p->n_not_better >= patience);
out:
    return status;
}

static lsnn_status save(training *r) {
    lsnn_status status = LSNN_OK;
    TRY(metrics_sync(&r->metrics));
    r->state.position.metrics_bytes = r->metrics.bytes;
    r->state.position.seconds = seconds_so_far(r);
    TRY(checkpoint_save(r->folder, r->experiment, &r->state));
out:
    return status;
}

static void report(const training *r, const metrics_line *line, int64_t n_iterations) {
    if (r->options->progress == NULL) {
        return;
    }
    double a_second = (double)(line->iteration - r->first_iteration) / fmax(clock_seconds() - r->begun, 1e-9);
    lsnn_progress p = {.iteration = line->iteration,
                       .n_iterations = n_iterations,
                       .loss = line->loss,
                       .score = r->score,
                       .score_name = r->task->score_name,
                       .rate_hz = line->rate_hz,
                       .iterations_a_second = a_second,
                       .seconds_left = (double)(n_iterations - line->iteration) / a_second,
                       .validated = !isnan(line->score)};
    r->options->progress(r->options->user, &p);
}

static bool is_asked_to_stop(const training *r) {
    return r->options->stop != NULL && *r->options->stop != 0;
}

static lsnn_status run_loop(training *r) {
    lsnn_status status = LSNN_OK;
    int64_t n_iterations = setting_int(r->experiment, "train.iterations");
    int64_t valid_every = setting_int(r->experiment, "train.valid_every");
    int64_t save_every = setting_int(r->experiment, "train.checkpoint_every");
    train_position *p = &r->state.position;
    while (p->iteration < n_iterations && !p->stopped_early) {
        if (is_asked_to_stop(r)) {
            TRY(save(r));
            return fail(LSNN_STOPPED, "stopped after iteration %lld; everything is saved in %s", (long long)p->iteration, r->folder);
        }
        metrics_line line = {.score = NAN, .valid_loss = NAN, .score_name = r->task->score_name};
        TRY(iterate(r, &line));
        if (p->iteration % valid_every == 0 || p->iteration == n_iterations) {
            TRY(validate(r, &line));
        }
        line.seconds = seconds_so_far(r);
        TRY(metrics_write(&r->metrics, &line));
        if (p->iteration % save_every == 0 || p->iteration == n_iterations || p->stopped_early) {
            TRY(save(r));
        }
        report(r, &line, n_iterations);
    }
out:
    return status;
}

static lsnn_status write_record(const training *r, const lsnn_result *result, const model *best) {
    lsnn_status status = LSNN_OK;
    lsnn_needs network = {0};
    run_record record = {.result = *result,
                         .best_valid_score = r->state.position.best_score,
                         .stopped_early = r->state.position.stopped_early,
                         .n_threads = lsnn_context_threads(r->context)};
    model_describe(best, &network);
    record.n_synapses = network.n_synapses_in + network.n_synapses_rec + network.n_synapses_out;
    record.n_possible = model_count_possible(best);
    record.n_params = network.n_params;
    snprintf(record.isa, sizeof record.isa, "%s", lsnn_context_isa(r->context));
    snprintf(record.kind, sizeof record.kind, "%s", best->kind->name);
    snprintf(record.version, sizeof record.version, "%s", LSNN_VERSION);
    processor_name(record.processor, sizeof record.processor);
    TRY(record_changes(r->experiment, &record.changes));
    TRY(metrics_read_scores(r->folder, &record.curve));
    TRY(record_save(r->folder, &record));
out:
    record_release(&record);
    return status;
}

/* The best network's score on the test split (or, if that is not to be seen, on the validation split) is the run's result. */
static lsnn_status finish(training *r, lsnn_result *result) {
    lsnn_status status = LSNN_OK;
    tensor_file *file = NULL;
    model *best = NULL;
    pass *test_pass = NULL;
    pass_options test = setup_pass(r->experiment, r->task, false);
    batch *b = NULL;
    char path[1024];
    evaluation e;
    uint64_t seed = (uint64_t)setting_int(r->experiment, "seed");
    double seconds = r->state.position.seconds;
    if (isnan(r->state.position.best_score)) { /* no iteration, no validation: the network as it was drawn */
        TRY(model_save(r->folder, "best.safetensors", r->experiment, &r->state));
    }
    TRY(model_save(r->folder, "last.safetensors", r->experiment, &r->state));
    TRY(path_join(path, sizeof path, r->folder, "best.safetensors"));
    TRY(tensor_file_open(&file, path));
    TRY(model_read(&best, r->experiment, file));
    TRY(pass_open(&test_pass, best, r->context, &test));
    TRY(batch_create(&b, r->task, test_pass, seed));
    split part = r->options->no_test ? SPLIT_VALID : SPLIT_TEST;
    const char *n_batches = r->options->no_test ? "train.valid_batches" : "train.test_batches";
    TRY(evaluate(b, part, seed, setting_int(r->experiment, n_batches), r->options->stop, &e));
    *result = evaluation_result(&e, r->experiment, r->task, part);
    result->iterations = r->state.position.iteration;
    result->seconds = seconds;
    TRY(write_record(r, result, best));
out:
    batch_free(b);
    pass_close(test_pass);
    model_free(best);
    tensor_file_close(file);
    return status;
}

lsnn_status lsnn_train(const lsnn_experiment *experiment, lsnn_context *context, const lsnn_run_options *options, lsnn_result *result) {
    lsnn_status status = LSNN_OK;
    const lsnn_run_options none = {0};
    options = options != NULL ? options : &none;
    training r = {.options = options, .context = context, .lock = -1, .begun = clock_seconds(), .score = NAN};
    run_record record = {0};
    score_curve scores = {0};
    bool holds_run;
    bool has_record;
    TRY(experiment_check(experiment));
    TRY(experiment_copy(&r.experiment, experiment));
    TRY(find_folder(&r, &holds_run));
    TRY(task_open(&r.task, r.experiment, options));
    for (int p = 0; p < (options->no_test ? SPLIT_TEST : SPLITS); p++) {
        TRY(task_need_split(r.task, (split)p));
    }
    if (holds_run) {
        TRY(lock_folder(&r));
        if (!options->resume) {
            TRY(fail(LSNN_ERR_USAGE, "%s already holds a run; go on with it by --resume, or choose another --out", r.folder));
        }
        TRY(check_same_settings(&r));
        TRY(record_read(r.folder, &record, &has_record));
        bool is_asked = has_record && strcmp(record.result.split, options->no_test ? "valid" : "test") == 0;
        if (is_asked && (record.stopped_early || record.result.iterations >= setting_int(r.experiment, "train.iterations"))) {
            *result = record.result;
            result->was_finished = true;
            goto out;
        }
    }
    TRY(create_state(&r));
    if (holds_run) {
        TRY(check_whole(&r, has_record ? record.result.iterations : 0));
    } else { /* only now: what can't start leaves nothing behind */
        TRY(lock_folder(&r));
        if (file_exists(r.settings_path)) {
            TRY(fail(LSNN_ERR_BUSY, "%s was taken by another run a moment ago; choose another --out", r.folder));
        }
    }
    TRY(write_settings(&r));
    TRY(metrics_open(&r.metrics, r.folder, r.state.position.metrics_bytes));
    TRY(metrics_read_scores(r.folder, &scores)); /* can they be read? Better now than after the iterations to come */
    r.schedule = setup_schedule(r.experiment);
    r.first_iteration = r.state.position.iteration;
    r.seconds_before = r.state.position.seconds;
    if (options->resume && r.first_iteration > 0) {
        run_tell(options, "going on with %s after iteration %lld", r.folder, (long long)r.first_iteration);
    }
    TRY(run_loop(&r));
    TRY(finish(&r, result));
out:
    record_release(&record);
    score_curve_release(&scores);
    release(&r);
    return status;
}
