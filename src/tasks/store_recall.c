/* Store and recall (the paper's supplement, and the authors' released code): values stream by, one symbol after another; now and then the command "store" says
 * which to keep, and "recall", some symbols later, asks for it. The network has to hold one bit over seconds. */
#include "tasks/task.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

enum { GROUP_VALUE_0, GROUP_VALUE_1, GROUP_STORE, GROUP_RECALL, GROUPS };

typedef struct store_recall {
    task task;
    int n_symbols, symbol_steps, n_group;
    double p_command;    /* of a store, and then of a recall, at each symbol */
    double log_no_spike; /* log(1 - probability of a spike in a step) */
} store_recall;

static void close_task(task *t) {
    free(t);
}

static lsnn_status open_task(task **out, const lsnn_experiment *e, const lsnn_run_options *options) {
    (void)options; /* everything is drawn */
    lsnn_status status = LSNN_OK;
    store_recall *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for the task");
    }
    s->n_symbols = (int)setting_int(e, "store-recall.n_symbols");
    s->symbol_steps = task_steps(e, (double)setting_int(e, "store-recall.symbol_ms"));
    s->n_group = (int)setting_int(e, "store-recall.n_group");
    s->p_command = setting_real(e, "store-recall.p_command");
    double p_spike = setting_real(e, "store-recall.rate") * setting_real(e, "net.dt") / 1000;
    s->log_no_spike = log1p(-fmin(p_spike, 1 - 1e-12));
    s->task = (task){.kind = &task_store_recall,
                     .input = LSNN_SPIKES,
                     .loss = LOSS_CROSS_ENTROPY,
                     .score_name = "recall error",
                     .lower_is_better = true,
                     .n_in = GROUPS * s->n_group,
                     .n_out = 2};
    TRY(task_set_steps(&s->task, (double)s->n_symbols * s->symbol_steps));
    TRY(task_create_windows(&s->task, s->n_symbols));
    for (int w = 0; w < s->n_symbols; w++) {
        s->task.window_start[w] = w * s->symbol_steps;
        s->task.window_stop[w] = (w + 1) * s->symbol_steps;
    }
    *out = &s->task;
    return LSNN_OK;
out:
    task_close(&s->task);
    return status;
}

/* Poisson spikes of a group during one symbol. Over all neurons and steps of the group in a row, the gap to the next spike is geometric. */
static void write_group(const store_recall *s, const sample_writer *to, rng_sequence *random, int group, int symbol) {
    double n = (double)s->n_group * s->symbol_steps;
    for (double at = floor(log(1 - rng_next(random)) / s->log_no_spike); at < n;
         at += 1 + floor(log(1 - rng_next(random)) / s->log_no_spike)) {
        int place = (int)at;
        sample_spike(to, symbol * s->symbol_steps + place / s->n_group, group * s->n_group + place % s->n_group);
    }
}

static void write_sample(const task *t, split part, uint64_t seed, uint64_t index, const sample_writer *to) {
    const store_recall *s = (const store_recall *)t;
    rng_sequence random = rng_sequence_start(seed, RNG_TASK, index * SPLITS + part);
    bool has_stored = false;
    bool has_recalled = false;
    int stored = 0;
    for (int k = 0; k < s->n_symbols; k++) {
        bool last = k == s->n_symbols - 1;
        bool second_last = k == s->n_symbols - 2;
        int value = rng_next(&random) < 0.5 ? 0 : 1;
        bool command = rng_next(&random) < s->p_command;
        write_group(s, to, &random, value == 0 ? GROUP_VALUE_0 : GROUP_VALUE_1, k);
        /* What is stored is asked for by the end, and every sequence asks at least once. */
        if (!has_stored && !last && (command || (second_last && !has_recalled))) {
            has_stored = true;
            stored = value;
            write_group(s, to, &random, GROUP_STORE, k);
        } else if (has_stored && (command || last)) {
            has_stored = false;
            has_recalled = true;
            write_group(s, to, &random, GROUP_RECALL, k);
            sample_class(to, k, stored);
        }
    }
}

const task_kind task_store_recall = {.name = "store-recall", .open = open_task, .close = close_task, .write = write_sample};
