#include "run/batch.h"

#include "learn/loss.h"
#include "tasks/navigation.h"

#include <math.h>
#include <stdlib.h>

lsnn_status batch_create(batch **out, const task *t, pass *p, uint64_t seed) {
    lsnn_status status = LSNN_OK;
    batch *b = calloc(1, sizeof *b);
    if (b == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a batch");
    }
    size_t n_batch = (size_t)p->n_batch;
    size_t n_decisions = n_batch * (size_t)t->n_windows;
    *b = (batch){.task = t, .pass = p, .seed = seed};
    TRY(sample_order_create(&b->order, t, seed, p->n_batch));
    b->index = calloc(n_batch, sizeof *b->index);
    b->class_of = calloc(n_decisions, sizeof *b->class_of);
    b->d_output = calloc(n_decisions * (size_t)t->n_out, sizeof *b->d_output);
    b->target = t->loss == LOSS_SQUARED ? calloc(n_decisions * (size_t)t->n_out, sizeof *b->target) : NULL;
    b->length = calloc(n_batch, sizeof *b->length);
    if (b->index == NULL || b->class_of == NULL || b->d_output == NULL || (t->loss == LOSS_SQUARED && b->target == NULL) ||
        b->length == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for a batch of %zu samples", n_batch));
    }
    const interactive_task *it = task_interactive(t);
    if (it != NULL) {
        TRY(episodes_create(&b->episodes, &it->environment, p->n_batch, t->n_steps));
        TRY(goal_count_create(&b->goals, t->n_steps));
    }
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
        free(b->length);
        sample_order_free(b->order);
        episodes_free(b->episodes);
        goal_count_free(b->goals);
        free(b);
    }
}

static void write_block(void *user, int piece, int worker) {
    (void)worker;
    const batch *b = user;
    int end = pass_block_begin(b->pass, piece + 1);
    for (int k = pass_block_begin(b->pass, piece); k < end && k < b->n_filled; k++) {
        sample_writer to = {.input = pass_lane(b->pass, k),
                            .b = k,
                            .n_batch = b->pass->n_batch,
                            .n_out = b->task->n_out,
                            .is_training = b->is_training,
                            .draw = b->first_draw + (uint64_t)k,
                            .class_of = b->class_of,
                            .target = b->target};
        b->task->kind->write(b->task, b->part, b->seed, b->index[k], &to);
    }
}

static lsnn_status write_samples(batch *b, bool from_rest, uint64_t noise_key) {
    for (int k = 0; k < b->pass->n_batch; k++) {
        b->length[k] = k < b->n_filled ? task_length(b->task, b->part, b->index[k]) : 0;
    }
    bool all_run = b->n_filled == b->pass->n_batch && !task_has_lengths(b->task);
    lsnn_status status = pass_begin(b->pass, from_rest, noise_key, all_run ? NULL : b->length);
    if (status != LSNN_OK) {
        return status;
    }
    size_t n_decisions = (size_t)b->pass->n_batch * (size_t)b->task->n_windows;
    for (size_t k = 0; k < n_decisions; k++) {
        b->class_of[k] = -1;
    }
    for (size_t k = 0; b->target != NULL && k < n_decisions * (size_t)b->task->n_out; k++) {
        b->target[k] = NAN;
    }
    if (b->task->kind->write != NULL) {
        threads_run(b->pass->pool, b->pass->n_blocks, write_block, b);
    }
    return LSNN_OK;
}

lsnn_status batch_fill_train(batch *b, int64_t iteration, bool from_rest) {
    int n_batch = b->pass->n_batch;
    sample_order_train(b->order, iteration, b->index);
    b->part = SPLIT_TRAIN;
    b->is_training = true;
    b->first_draw = (uint64_t)(iteration * n_batch);
    b->n_filled = n_batch;
    b->episode_seed = b->seed;
    return write_samples(b, from_rest, (uint64_t)iteration);
}

/* The n samples that b->index names. */
static lsnn_status fill(batch *b, split part, uint64_t seed, uint64_t first, int n) {
    uint64_t own_seed = b->seed;
    b->part = part;
    b->is_training = false;
    b->n_filled = n;
    b->seed = seed;
    lsnn_status status = write_samples(b, true, seed + first);
    b->seed = own_seed;
    b->episode_seed = seed;
    return status;
}

lsnn_status batch_fill(batch *b, split part, uint64_t seed, uint64_t first, int n) {
    for (int k = 0; k < n; k++) {
        b->index[k] = first + (uint64_t)k;
    }
    return fill(b, part, seed, first, n);
}

lsnn_status batch_fill_next(batch *b, split part, uint64_t seed, uint64_t first, int n) {
    lsnn_status status = sample_order_split(b->order, part, first, n, b->index);
    return status == LSNN_OK ? fill(b, part, seed, first, n) : status;
}

lsnn_status batch_forward(batch *b) {
    if (b->episodes == NULL) {
        return pass_forward(b->pass);
    }
    lsnn_status status = interact(b->task, b->pass, b->part, b->episode_seed, b->index, b->n_filled, b->episodes);
    if (status == LSNN_OK) {
        goal_count_add(b->goals, b->episodes);
    }
    return status;
}

lsnn_status batch_replay(batch *b) {
    lsnn_status status = pass_repeat(b->pass);
    return status == LSNN_OK ? pass_forward(b->pass) : status;
}

lsnn_status batch_take_loss(batch *b, bool with_gradient, batch_loss *out) {
    const loss_input in = {
        .output = b->pass->output, .n_windows = b->task->n_windows, .n_batch = b->pass->n_batch, .n_out = b->task->n_out};
    *out = (batch_loss){0};
    float *d_output = with_gradient ? b->d_output : NULL;
    if (b->task->loss == LOSS_POLICY) {
        out->loss = episodes_loss(b->episodes, &task_interactive(b->task)->ppo, b->pass->pool, b->pass->output, d_output);
        out->n_counted = (int64_t)b->n_filled * b->task->n_steps;
        return LSNN_OK;
    }
    if (b->task->loss == LOSS_CROSS_ENTROPY) {
        return loss_cross_entropy(&in, b->class_of, d_output, &out->loss, &out->n_wrong, &out->n_counted);
    }
    loss_squared(&in, b->target, d_output, &out->loss, &out->n_counted);
    return LSNN_OK;
}

void batch_count_classes(const batch *b, int k, int64_t *n_counted, int64_t *n_wrong) {
    size_t n_out = (size_t)b->task->n_out;
    *n_counted = *n_wrong = 0;
    for (size_t w = 0; w < (size_t)b->task->n_windows; w++) {
        size_t at = w * (size_t)b->pass->n_batch + (size_t)k;
        const float *y = b->pass->output + at * n_out;
        size_t largest = 0;
        for (size_t o = 1; o < n_out; o++) {
            largest = y[o] > y[largest] ? o : largest;
        }
        *n_counted += b->class_of[at] >= 0;
        *n_wrong += b->class_of[at] >= 0 && (size_t)b->class_of[at] != largest;
    }
}

void batch_sum_errors(const batch *b, int k, double *n_counted, double *sum) {
    size_t n_out = (size_t)b->task->n_out;
    *n_counted = *sum = 0;
    for (size_t w = 0; w < (size_t)b->task->n_windows; w++) {
        size_t first = (w * (size_t)b->pass->n_batch + (size_t)k) * n_out;
        for (size_t at = first; at < first + n_out; at++) {
            double excess = (double)b->pass->output[at] - (double)b->target[at];
            *sum += isnan(b->target[at]) ? 0 : excess * excess;
            *n_counted += !isnan(b->target[at]);
        }
    }
}
