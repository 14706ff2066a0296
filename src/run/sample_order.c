#include "run/sample_order.h"

#include "base/rng.h"

#include <stdlib.h>

/* A sample, and what it is sorted by: length, then place. */
typedef struct sized {
    int length;
    uint32_t place;
    uint64_t index;
} sized;

struct sample_order {
    const task *task;
    uint64_t seed;
    int n_batch;
    uint32_t *epoch_order;  /* [n_samples of training] of the epoch below */
    int64_t epoch;          /* -1: none yet */
    int64_t n_group, group; /* batches of a group, and which group is sorted below; -1: none yet */
    sized *sorted;          /* [n_group * n_batch] */
    uint32_t *turns;        /* [n_group] which batch of it comes when */
    sized *all[SPLITS];     /* [n_samples], sorted; NULL: not asked for yet */
};

lsnn_status sample_order_create(sample_order **out, const task *t, uint64_t seed, int n_batch) {
    lsnn_status status = LSNN_OK;
    size_t n = t->n_samples[SPLIT_TRAIN] > 0 ? (size_t)t->n_samples[SPLIT_TRAIN] : 0; /* none if they are drawn, or not there */
    sample_order *o = calloc(1, sizeof *o);
    if (o == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for the order of samples");
    }
    *o = (sample_order){.task = t, .seed = seed, .n_batch = n_batch, .epoch = -1, .group = -1};
    o->epoch_order = calloc(n + 1, sizeof *o->epoch_order);
    if (o->epoch_order == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for the order of %zu samples", n));
    }
    TRY(sample_order_set_group(o, 1));
    *out = o;
    return LSNN_OK;
out:
    sample_order_free(o);
    return status;
}

void sample_order_free(sample_order *o) {
    if (o != NULL) {
        for (int p = 0; p < SPLITS; p++) {
            free(o->all[p]);
        }
        free(o->epoch_order);
        free(o->sorted);
        free(o->turns);
        free(o);
    }
}

lsnn_status sample_order_set_group(sample_order *o, int64_t n_batches) {
    if (!task_has_lengths(o->task)) {
        return LSNN_OK;
    }
    int64_t most = o->task->n_samples[SPLIT_TRAIN] / o->n_batch;
    int64_t n_group = n_batches < most ? n_batches : most;
    n_group = n_group > 1 ? n_group : 1;
    sized *sorted = calloc((size_t)n_group * (size_t)o->n_batch, sizeof *sorted);
    uint32_t *turns = calloc((size_t)n_group, sizeof *turns);
    if (sorted == NULL || turns == NULL) {
        free(sorted);
        free(turns);
        return fail(LSNN_ERR_MEMORY, "no memory to sort %lld batches of %d samples", (long long)n_group, o->n_batch);
    }
    free(o->sorted);
    free(o->turns);
    o->sorted = sorted;
    o->turns = turns;
    o->n_group = n_group;
    o->group = -1;
    return LSNN_OK;
}

/* The training's samples one after another, epoch after epoch. */
static uint64_t sample_at(sample_order *o, int64_t position) {
    int64_t n = o->task->n_samples[SPLIT_TRAIN];
    if (n <= 0) {
        return (uint64_t)position;
    }
    if (position / n != o->epoch) {
        o->epoch = position / n;
        rng_permutation(o->seed, RNG_SHUFFLE, (uint64_t)o->epoch, o->epoch_order, (size_t)n);
    }
    return o->epoch_order[position % n];
}

static int longer_first(const void *a, const void *b) {
    const sized *x = a;
    const sized *y = b;
    return x->length != y->length ? (x->length < y->length) - (x->length > y->length) : (x->place > y->place) - (x->place < y->place);
}

static void sort_group(sample_order *o, int64_t group) {
    int64_t n = o->n_group * o->n_batch;
    for (int64_t k = 0; k < n; k++) {
        uint64_t index = sample_at(o, group * n + k);
        o->sorted[k] = (sized){.length = task_length(o->task, SPLIT_TRAIN, index), .place = (uint32_t)k, .index = index};
    }
    qsort(o->sorted, (size_t)n, sizeof *o->sorted, longer_first);
    rng_permutation(o->seed, RNG_BATCHES, (uint64_t)group, o->turns, (size_t)o->n_group);
    o->group = group;
}

void sample_order_train(sample_order *o, int64_t iteration, uint64_t *index) {
    bool sorted = task_has_lengths(o->task);
    if (sorted && iteration / o->n_group != o->group) {
        sort_group(o, iteration / o->n_group);
    }
    for (int k = 0; k < o->n_batch; k++) {
        index[k] =
            sorted ? o->sorted[(int64_t)o->turns[iteration % o->n_group] * o->n_batch + k].index : sample_at(o, iteration * o->n_batch + k);
    }
}

static lsnn_status sort_all(sample_order *o, split part) {
    size_t n = (size_t)o->task->n_samples[part];
    sized *all = malloc(n * sizeof *all);
    if (all == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory to sort %zu samples by length", n);
    }
    for (size_t k = 0; k < n; k++) {
        all[k] = (sized){.length = task_length(o->task, part, k), .place = (uint32_t)k, .index = k};
    }
    qsort(all, n, sizeof *all, longer_first);
    o->all[part] = all;
    return LSNN_OK;
}

lsnn_status sample_order_split(sample_order *o, split part, uint64_t first, int n, uint64_t *index) {
    lsnn_status status = LSNN_OK;
    bool sorted = task_has_lengths(o->task) && o->task->n_samples[part] > 0;
    if (sorted && o->all[part] == NULL) {
        TRY(sort_all(o, part));
    }
    for (int k = 0; k < n; k++) {
        index[k] = sorted ? o->all[part][first + (uint64_t)k].index : first + (uint64_t)k;
    }
out:
    return status;
}
