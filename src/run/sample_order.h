/* In which order samples come, and which share a batch. Samples of different lengths are put together with those of similar length, so that little time goes to
 * filling up the shorter ones; within a batch they go from the longest to the shortest, so that each block of lanes holds what is alike. */
#ifndef LSNN_RUN_SAMPLE_ORDER_H
#define LSNN_RUN_SAMPLE_ORDER_H

#include "tasks/task.h"

typedef struct sample_order sample_order;

/* In batches of n_batch. Borrows the task. Errors: MEMORY. */
lsnn_status sample_order_create(sample_order **out, const task *t, uint64_t seed, int n_batch);
void sample_order_free(sample_order *o);

/* For tasks with lengths: so many batches of training samples are sorted by length together, but at most one epoch's; 1 if this is not called. Errors: MEMORY. */
lsnn_status sample_order_set_group(sample_order *o, int64_t n_batches);
/* The samples of a training iteration to index [n_batch]. Each epoch has all samples in a random order of its own; one after another, epochs are cut into batches. With
 * lengths they are cut into groups of batches first: a group is sorted by length and cut into batches, which come in a random order. */
void sample_order_train(sample_order *o, int64_t iteration, uint64_t *index);
/* Samples at places first..first + n - 1 of a whole split to index [n]: as they are numbered, or with lengths from the longest to the shortest. Errors: MEMORY. */
lsnn_status sample_order_split(sample_order *o, split part, uint64_t first, int n, uint64_t *index);

#endif
