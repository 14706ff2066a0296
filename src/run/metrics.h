/* metrics.jsonl: one JSON object a line for every iteration, flushed line by line. */
#ifndef LSNN_RUN_METRICS_H
#define LSNN_RUN_METRICS_H

#include "base/error.h"

#include <stdio.h>

typedef struct metrics {
    FILE *file;
    char path[1024];
    int64_t bytes; /* written so far */
} metrics;

typedef struct metrics_line {
    int64_t iteration; /* done so far: the first line says 1 */
    double loss, rate_loss, rate_hz, learning_rate, gradient_norm, seconds;
    double l2_loss;           /* NaN: none */
    double score, valid_loss; /* NaN where there was no validation */
    const char *score_name;
    lsnn_goals goals; /* n_episodes 0: none are counted */
    bool rewired;
    lsnn_synapse_count synapses_before[3], synapses[3]; /* before and after this iteration's rewiring */
} metrics_line;

/* Opens folder/metrics.jsonl and cuts it to its first `bytes` bytes: what was written after the checkpoint that is resumed will be written again.
 * Errors: IO; DATA (it is shorter than that). */
lsnn_status metrics_open(metrics *m, const char *folder, int64_t bytes);
/* Errors: IO (full disk). */
lsnn_status metrics_write(metrics *m, const metrics_line *line);
/* Waits until everything is on the disk. Errors: IO. */
lsnn_status metrics_sync(metrics *m);
void metrics_close(metrics *m);

/* The validation scores in folder/metrics.jsonl, in the order of the training; n 0 if there is no such file. */
typedef struct score_curve {
    size_t n;
    double *iteration, *score; /* [n], the caller frees both */
} score_curve;
/* Errors: IO, MEMORY, DATA (a damaged line). */
lsnn_status metrics_read_scores(const char *folder, score_curve *out);
void score_curve_release(score_curve *curve);
/* One more point. Errors: MEMORY. */
lsnn_status score_curve_add(score_curve *curve, double iteration, double score);

#endif
