/* Everything that a training needs to go on as if it had never stopped, in one file with a checksum; the one before it is kept. */
#ifndef LSNN_RUN_CHECKPOINT_H
#define LSNN_RUN_CHECKPOINT_H

#include "model/model.h"
#include "tasks/task.h"

/* The numbers of a training besides its arrays. */
typedef struct train_position {
    int64_t iteration;     /* the next one */
    double best_score;     /* of validation; NaN: none yet */
    double best_loss;      /* its loss, the least of all validations with this score */
    double seconds;        /* spent so far */
    int64_t metrics_bytes; /* length of metrics.jsonl */
    bool stopped_early;    /* train.stop_score was reached, or train.patience at an end */
    int64_t n_not_better;  /* validations since the best */
} train_position;

typedef struct train_state {
    const task *task; /* what it keeps of its data goes into every file */
    model *model;
    lsnn_adam *adam;
    pass *pass; /* its carried state counts if carry_state */
    bool carry_state;
    char data_digest[65]; /* task_take_digest */
    train_position position;
} train_state;

/* Writes folder/checkpoint.safetensors; what was there becomes checkpoint.previous.safetensors. Errors: IO, MEMORY. */
lsnn_status checkpoint_save(const char *folder, const lsnn_experiment *experiment, const train_state *state);
/* Is there one, whole or not? Errors: IO (the path is too long). */
lsnn_status checkpoint_is_there(const char *folder, bool *any);
/* Opens the newest checkpoint that is whole: *file is NULL if there is none at all. If the newest is damaged, *damage says how, else it is "".
 * Errors: DATA (all are damaged), IO. */
lsnn_status checkpoint_open(const char *folder, tensor_file **file, char damage[1024]);
/* Are the task's data what they were? Older checkpoints do not tell. Errors: DATA. */
lsnn_status checkpoint_check_data(const tensor_file *file, const train_state *state);
/* Takes over optimiser, carried state and position from a checkpoint; the network comes by model_read. Errors: DATA. */
lsnn_status checkpoint_read(const tensor_file *file, train_state *state);

/* A model file: the network, the experiment's name and settings, its score as far as it is known, and how it was rewired. Atomic. Errors: IO, MEMORY. */
lsnn_status model_save(const char *folder, const char *name, const lsnn_experiment *experiment, const train_state *state);

#endif
