/* The figures of several runs side by side: networks of different kinds, or one network with different values of a setting. They draw what they are
 * given; who collects it is study/. */
#ifndef LSNN_FIGURE_COMPARISON_H
#define LSNN_FIGURE_COMPARISON_H

#include "base/error.h"

typedef struct compared_run {
    uint64_t seed;
    double score;      /* NaN: not finished */
    size_t n_curve;    /* validations during the training, may be 0 */
    double *iteration; /* [n_curve], rising */
    double *curve;     /* [n_curve], validation score */
} compared_run;

typedef struct compared_row {
    const char *label; /* one line; "LSNN, 12 % connected" */
    double value;      /* of the setting that is varied; NaN: none is */
    int n_runs;        /* may be 0: the row says "not run" */
    compared_run *runs;
    double paper_mean, paper_best; /* NaN: the paper gives none */
    double spikes;                 /* a sample, of all neurons and inputs; NaN: nothing fires */
    double operations;             /* a sample: synaptic operations where there are spikes, else multiply-adds; NaN: not known */
} compared_row;

/* What others reach without learning, as a level. */
typedef struct compared_level {
    const char *label; /* one line */
    double score;
} compared_level;

typedef struct comparison {
    const char *title;      /* "Sequential MNIST" */
    const char *score_name; /* as lsnn_result.score_name; accuracies and errors are drawn in per cent */
    const char *data;       /* "on test data", "in validation" */
    const char *setting;    /* that is varied: "net.tau_a (ms)"; NULL: rows are named */
    int n_rows;
    compared_row *rows;
    int n_levels; /* may be 0 */
    const compared_level *levels;
} comparison;

/* Each draws one file; its format by the ending. Errors: those of lsnn_plot. */
/* A row for each row: a dot for each run, the mean, the paper's mean and best beside it. */
lsnn_status figure_of_scores(const comparison *c, const char *figure_path);
/* Validation score over iterations: a line for the mean of a row's runs, a band from lowest to highest; level lines. DATA: no row has a curve. */
lsnn_status figure_of_learning(const comparison *c, const char *figure_path);
/* Operations and spikes a sample, logarithmic. DATA: no row knows any. */
lsnn_status figure_of_operations(const comparison *c, const char *figure_path);
/* Score against the varied setting: a dot for each run, a line through the means. USAGE: no setting is varied. */
lsnn_status figure_of_sweep(const comparison *c, const char *figure_path);

#endif
