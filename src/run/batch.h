/* Batches of a task's samples on their way into a network, and what comes out of it. */
#ifndef LSNN_RUN_BATCH_H
#define LSNN_RUN_BATCH_H

#include "model/model.h"
#include "rl/episodes.h"
#include "run/sample_order.h"
#include "tasks/task.h"

typedef struct batch {
    const task *task;
    pass *pass; /* borrowed */
    uint64_t seed;
    uint64_t episode_seed; /* of the batch that is in it now */
    split part;
    uint64_t *index;     /* [n_batch] which sample each is */
    int *length;         /* [n_batch] steps of each, 0 of those that do not count */
    bool is_training;    /* is it for an iteration, or to be looked at? */
    uint64_t first_draw; /* training samples before this batch */
    int32_t *class_of;   /* [n_windows][n_batch] */
    float *target;       /* [n_windows][n_batch][n_out], if the task has values */
    float *d_output;     /* [n_windows][n_batch][n_out] */
    sample_order *order;
    episode_batch *episodes; /* of tasks in which an agent acts, else NULL, as the next one */
    goal_count *goals;       /* over the episodes since it was cleared */
    int n_filled;            /* samples that count; the rest of the batch is silent */
} batch;

/* The pass is one of setup_pass for this task. Errors: MEMORY. */
lsnn_status batch_create(batch **out, const task *t, pass *p, uint64_t seed);
void batch_free(batch *b);

/* Writes the training samples of an iteration (sample_order_train). from_rest: or from where the last batch ended. */
lsnn_status batch_fill_train(batch *b, int64_t iteration, bool from_rest);
/* Samples first..first + n - 1 of a split (n at most the batch), from rest; the other lanes stay silent and do not count. */
lsnn_status batch_fill(batch *b, split part, uint64_t seed, uint64_t first, int n);

/* The same for a whole split from its first to its last, in the order of sample_order_split: b->index tells which samples came. Errors: MEMORY as well. */
lsnn_status batch_fill_next(batch *b, split part, uint64_t seed, uint64_t first, int n);

/* Runs the network on the batch. An agent acts in its episodes meanwhile, and the goals that it reaches are counted. */
lsnn_status batch_forward(batch *b);
/* The same input once more, and whatever was drawn at random: for another update of the weights. Of tasks in which an agent acts. */
lsnn_status batch_replay(batch *b);

typedef struct batch_loss {
    double loss;
    int64_t n_wrong, n_counted; /* classes */
} batch_loss;
/* Loss of the last pass_forward; with_gradient: b->d_output as well. */
lsnn_status batch_take_loss(batch *b, bool with_gradient, batch_loss *out);
/* Sample k's windows that have a class, and how many of those the network takes for another. */
void batch_count_classes(const batch *b, int k, int64_t *n_counted, int64_t *n_wrong);
/* Sample k's targets that count, for tasks that have values, and the sum of their squared errors. */
void batch_sum_errors(const batch *b, int k, double *n_counted, double *sum);

#endif
