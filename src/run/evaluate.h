/* A network's score on one split. */
#ifndef LSNN_RUN_EVALUATE_H
#define LSNN_RUN_EVALUATE_H

#include "run/batch.h"
#include "run/setup.h"

typedef struct evaluation {
    double loss, score, rate_hz;
    double score_interval;     /* as in lsnn_result, as the next two */
    double spikes, operations; /* a sample */
    lsnn_goals goals;
    int64_t n; /* decisions, or numbers, that count */
} evaluation;

/* All samples of the split, or n_batches batches where they are drawn, in batches of the pass's size, each from rest.
 * stop (may be NULL): give up and return STOPPED. The pass's own sequence and state are lost. */
lsnn_status evaluate(batch *b, split part, uint64_t seed, int64_t n_batches, const volatile int *stop, evaluation *out);
/* The same for the public; iterations and seconds are still to come. */
lsnn_result evaluation_result(const evaluation *e, const lsnn_experiment *experiment, const task *t, split part);
/* Is score a better than b? Any is better than none (NaN). */
bool score_is_better(const task *t, double a, double b);

/* What a model file, or the best network of a run folder, needs to be used: its settings, its task, itself. */
typedef struct opened_model {
    lsnn_experiment *experiment;
    task *task;
    model *model;
    int64_t iterations; /* of the training that made it */
    split part;         /* that it is to be used on, and the seed of what is drawn there: options->split and seed */
    uint64_t seed;
    char path[1024];
} opened_model;
/* Of the options, split, seed, data_folder, family, environment and settings matter. Errors: USAGE (split), DATA, IO, SETTING, MEMORY. Release also after a
 * failure. */
lsnn_status model_open(opened_model *m, const char *run_or_model, const lsnn_run_options *options);
/* A pass that evaluates, in batches of train.batch, and its batch. Errors: USAGE, MEMORY. */
lsnn_status model_open_batch(const opened_model *m, lsnn_context *context, pass **p, batch **b);
/* The path of a model: itself, or that of one that ships. Errors: IO. */
lsnn_status model_find(char *out, size_t size, const char *name_or_path);
/* As model_open, without task, split and seed, as the task may need data that are not here: m->task is NULL. */
lsnn_status model_open_alone(opened_model *m, const char *run_or_model);
void model_release(opened_model *m);
/* How often a network decides in each sample of a split, and how often wrongly: n samples in the order of the data. */
typedef struct sample_counts {
    int64_t n;
    double *counted, *wrong; /* [n] */
} sample_counts;
/* Of a task that has classes, and data of a known number. Release also after a failure. Errors: USAGE, STOPPED, those of model_open. */
lsnn_status evaluate_each(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options, sample_counts *out);
/* Room for n, all 0. Errors: MEMORY. */
lsnn_status sample_counts_create(sample_counts *out, int64_t n);
void sample_counts_release(sample_counts *counts);
extern const char *const split_names[SPLITS];

#endif
