#include "run/checkpoint.h"

#include "base/file.h"
#include "config/experiment.h"
#include "run/synapses.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lsnn_status write_common(tensor_writer *writer, const char *kind, const lsnn_experiment *experiment, const train_state *state,
                                char **settings) {
    lsnn_status status = experiment_print(experiment, settings);
    if (status == LSNN_OK) {
        tensor_writer_text(writer, "kind", kind);
        tensor_writer_text(writer, "lsnn", LSNN_VERSION);
        tensor_writer_text(writer, "experiment", lsnn_experiment_name(experiment));
        tensor_writer_text(writer, "settings", *settings);
        model_write(state->model, writer);
        synapses_write(state->model, writer);
        task_write_kept(state->task, writer);
    }
    return status;
}

/* The newest first. */
static const char *const names[2] = {"checkpoint.safetensors", "checkpoint.previous.safetensors"};

lsnn_status checkpoint_save(const char *folder, const lsnn_experiment *experiment, const train_state *state) {
    lsnn_status status = LSNN_OK;
    tensor_writer *writer = NULL;
    char *settings = NULL;
    char path[1024];
    char previous[1024];
    const train_position *p = &state->position;
    int64_t whole[4] = {p->iteration, p->metrics_bytes, p->stopped_early, p->n_not_better};
    double real_numbers[3] = {p->best_score, p->seconds, p->best_loss};
    TRY(path_join(path, sizeof path, folder, names[0]));
    TRY(path_join(previous, sizeof previous, folder, names[1]));
    TRY(tensor_writer_create(&writer));
    TRY(write_common(writer, "checkpoint", experiment, state, &settings));
    if (*state->data_digest != '\0') {
        tensor_writer_text(writer, "data", state->data_digest);
    }
    adam_write(state->adam, writer);
    model_write_training(state->model, writer);
    tensor_writer_add(writer, "train.whole", TENSOR_I64, 1, (int64_t[]){4}, whole);
    tensor_writer_add(writer, "train.real", TENSOR_F64, 1, (int64_t[]){3}, real_numbers);
    if (state->carry_state) {
        TRY(pass_write_carried(state->pass, writer));
    }
    TRY(tensor_writer_save(writer, path, previous));
out:
    tensor_writer_free(writer);
    free(settings);
    return status;
}

lsnn_status checkpoint_is_there(const char *folder, bool *any) {
    lsnn_status status = LSNN_OK;
    char path[1024];
    *any = false;
    for (int k = 0; k < 2; k++) {
        TRY(path_join(path, sizeof path, folder, names[k]));
        *any = *any || file_exists(path);
    }
out:
    return status;
}

lsnn_status checkpoint_open(const char *folder, tensor_file **file, char damage[1024]) {
    lsnn_status status = LSNN_OK;
    bool any = false;
    *file = NULL;
    *damage = '\0';
    for (int k = 0; k < 2; k++) {
        char path[1024];
        TRY(path_join(path, sizeof path, folder, names[k]));
        if (!file_exists(path)) {
            continue;
        }
        any = true;
        status = tensor_file_open(file, path);
        if (status == LSNN_OK) {
            return LSNN_OK;
        }
        if (*damage == '\0') {
            snprintf(damage, 1024, "%s", lsnn_error());
        }
    }
    if (any) {
        status = fail(LSNN_ERR_DATA, "%s; there is no other checkpoint that is whole: start anew with another --out", damage);
    }
out:
    return status;
}

lsnn_status checkpoint_check_data(const tensor_file *file, const train_state *state) {
    const char *before = tensor_file_metadata(file, "data");
    return before == NULL || *state->data_digest == '\0' || strcmp(before, state->data_digest) == 0
               ? LSNN_OK
               : fail(
                     LSNN_ERR_DATA,
                     "%s: the data of the task %s are not those that the run was begun with; bring them back, or start anew with another --out",
                     tensor_file_path(file), state->task->kind->name);
}

lsnn_status checkpoint_read(const tensor_file *file, train_state *state) {
    lsnn_status status = LSNN_OK;
    const tensor *whole;
    const tensor *real_numbers;
    bool is_older =
        tensor_file_need(file, "train.whole", TENSOR_I64, 1, (int64_t[]){3}, &whole) == LSNN_OK; /* before there was train.patience */
    if (!is_older) {
        TRY(tensor_file_need(file, "train.whole", TENSOR_I64, 1, (int64_t[]){4}, &whole));
    }
    bool knows_loss = tensor_file_need(file, "train.real", TENSOR_F64, 1, (int64_t[]){3}, &real_numbers) == LSNN_OK;
    if (!knows_loss) { /* an older one */
        TRY(tensor_file_need(file, "train.real", TENSOR_F64, 1, (int64_t[]){2}, &real_numbers));
    }
    TRY(adam_read(state->adam, file));
    TRY(model_read_training(state->model, file));
    if (state->carry_state) {
        TRY(pass_read_carried(state->pass, file));
    }
    const int64_t *w = whole->data;
    const double *r = real_numbers->data;
    int64_t n_not_better = is_older ? 0 : w[3];
    state->position = (train_position){.iteration = w[0],
                                       .metrics_bytes = w[1],
                                       .stopped_early = w[2] != 0,
                                       .best_score = r[0],
                                       .seconds = r[1],
                                       .best_loss = knows_loss ? r[2] : -INFINITY,
                                       .n_not_better = n_not_better};
    if (w[0] < 0 || w[0] > INT64_C(1) << 40 || w[1] < 0 || n_not_better < 0 || n_not_better > w[0] || !(r[1] >= 0)) {
        TRY(fail(LSNN_ERR_DATA, "%s: iteration %lld at byte %lld of the metrics, after %g s; the file is damaged", tensor_file_path(file),
                 (long long)w[0], (long long)w[1], r[1]));
    }
out:
    return status;
}

lsnn_status model_save(const char *folder, const char *name, const lsnn_experiment *experiment, const train_state *state) {
    lsnn_status status = LSNN_OK;
    tensor_writer *writer = NULL;
    char *settings = NULL;
    char path[1024];
    char text[64];
    TRY(path_join(path, sizeof path, folder, name));
    TRY(tensor_writer_create(&writer));
    TRY(write_common(writer, "model", experiment, state, &settings));
    snprintf(text, sizeof text, "%lld", (long long)state->position.iteration);
    tensor_writer_text(writer, "iterations", text);
    if (!isnan(state->position.best_score)) {
        snprintf(text, sizeof text, "%.6g", state->position.best_score);
        tensor_writer_text(writer, "best_valid_score", text);
    }
    TRY(tensor_writer_save(writer, path, NULL));
out:
    tensor_writer_free(writer);
    free(settings);
    return status;
}
