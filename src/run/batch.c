#include "run/batch.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

lsnn_status batch_create(batch **out, const task *t, lsnn_sim *sim, uint64_t seed) {
    lsnn_status status = LSNN_OK;
    batch *b = calloc(1, sizeof *b);
    if (b == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a batch");
    }
    size_t n_batch = (size_t)sim->options.n_batch;
    size_t n_decisions = n_batch * (size_t)t->n_windows;
    *b = (batch){.task = t, .sim = sim, .seed = seed, .order_epoch = -1};
    b->index = calloc(n_batch, sizeof *b->index);
    b->class_of = calloc(n_decisions, sizeof *b->class_of);
    b->d_output = calloc(n_decisions * (size_t)t->n_out, sizeof *b->d_output);
    b->target = t->loss == LOSS_SQUARED ? calloc(n_decisions * (size_t)t->n_out, sizeof *b->target) : NULL;
    b->order = t->n_samples[SPLIT_TRAIN] > 0 ? calloc((size_t)t->n_samples[SPLIT_TRAIN], sizeof *b->order) : NULL;
    if (b->index == NULL || b->class_of == NULL || b->d_output == NULL || (t->loss == LOSS_SQUARED && b->target == NULL) ||
        (t->n_samples[SPLIT_TRAIN] > 0 && b->order == NULL)) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for a batch of %zu samples", n_batch));
    }
    TRY(lsnn_sim_set_windows(sim, t->window_start, t->window_stop, t->n_windows));
    *out = b;
    return LSNN_OK;
out:
    batch_free(b);
    return status;
}

void batch_free(batch *b) {
    if (b != NULL) {
        free(b->index);
        free(b->class_of);
        free(b->target);
        free(b->d_output);
        free(b->order);
        free(b);
    }
}

static void write_block(void *user, int piece, int worker) {
    (void)worker;
    const batch *b = user;
    block *k = &b->sim->blocks[piece];
    for (int lane = 0; lane < k->n && k->first + lane < b->n_filled; lane++) {
        sample_writer to = {.sim = b->sim,
                            .block = k,
                            .lane = lane,
                            .b = k->first + lane,
                            .draw = b->first_draw + (uint64_t)(k->first + lane),
                            .class_of = b->class_of,
                            .target = b->target};
        b->task->kind->write(b->task, b->part, b->seed, b->index[to.b], &to);
    }
}

static lsnn_status write_samples(batch *b) {
    lsnn_status status = sim_begin_input(b->sim, b->task->n_steps);
    if (status != LSNN_OK) {
        return status;
    }
    size_t n_decisions = (size_t)b->sim->options.n_batch * (size_t)b->task->n_windows;
    for (size_t k = 0; k < n_decisions; k++) {
        b->class_of[k] = -1;
    }
    for (size_t k = 0; b->target != NULL && k < n_decisions * (size_t)b->task->n_out; k++) {
        b->target[k] = NAN;
    }
    threads_run(b->sim->pool, b->sim->n_blocks, write_block, b);
    return LSNN_OK;
}

lsnn_status batch_fill_train(batch *b, int64_t iteration) {
    int n_batch = b->sim->options.n_batch;
    int64_t n = b->task->n_samples[SPLIT_TRAIN];
    for (int k = 0; k < n_batch; k++) {
        int64_t position = iteration * n_batch + k;
        if (n > 0 && position / n != b->order_epoch) {
            b->order_epoch = position / n;
            rng_permutation(b->seed, RNG_SHUFFLE, (uint64_t)b->order_epoch, b->order, (size_t)n);
        }
        b->index[k] = n > 0 ? b->order[position % n] : (uint64_t)position;
    }
    b->part = SPLIT_TRAIN;
    b->first_draw = (uint64_t)(iteration * n_batch);
    b->n_filled = n_batch;
    return write_samples(b);
}

lsnn_status batch_fill(batch *b, split part, uint64_t seed, uint64_t first, int n) {
    uint64_t own_seed = b->seed;
    for (int k = 0; k < n; k++) {
        b->index[k] = first + (uint64_t)k;
    }
    b->part = part;
    b->n_filled = n;
    b->seed = seed;
    lsnn_status status = write_samples(b);
    b->seed = own_seed;
    return status;
}

lsnn_status batch_take_loss(batch *b, bool with_gradient, batch_loss *out) {
    *out = (batch_loss){0};
    float *d_output = with_gradient ? b->d_output : NULL;
    if (b->task->loss == LOSS_CROSS_ENTROPY) {
        return lsnn_loss_cross_entropy(b->sim, b->class_of, d_output, &out->loss, &out->n_wrong, &out->n_counted);
    }
    return lsnn_loss_squared(b->sim, b->target, d_output, &out->loss, &out->n_counted);
}
