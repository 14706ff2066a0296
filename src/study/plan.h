/* A plan of several runs: the rows of a table, each an experiment with seeds; read from a file of reproduce/, or made for a sweep. */
#ifndef LSNN_STUDY_PLAN_H
#define LSNN_STUDY_PLAN_H

#include "base/error.h"

enum { PLAN_MOST_ROWS = 40, PLAN_MOST_SEEDS = 100, PLAN_MOST_SETTINGS = 16, PLAN_MOST_TABLES = 8 };

typedef struct plan_row {
    char *name;                         /* of files: letters, digits, '-', '_', '.' */
    char *label;                        /* in tables and figures */
    char *experiment;                   /* name or path */
    char *settings[PLAN_MOST_SETTINGS]; /* [n_settings] "net.beta=0" */
    char *remark;                       /* NULL: none */
    char *against;                      /* the row whose episodes this one's are compared with, run by run of the same seed; NULL: none */
    char *group;                        /* rows of one group are folds, over which the page has a mean; NULL: none */
    uint64_t seeds[PLAN_MOST_SEEDS];
    int n_settings, n_seeds;
    double paper_mean, paper_best; /* NaN: the paper gives none */
    double value;                  /* of a sweep's setting; NaN */
    bool is_chosen;                /* will it be run? */
} plan_row;

typedef struct plan {
    char *name, *title;
    char *text;                     /* under the title; NULL: none */
    char *show;                     /* the row whose network is drawn; NULL: the first that has one */
    char *setting;                  /* a sweep's; NULL */
    char *tables[PLAN_MOST_TABLES]; /* [n_tables] a plan of plans: their names or paths; then there are no rows */
    int n_tables;
    bool no_test;     /* a search must not see test data: scores are those of validation */
    double sample_ms; /* of the sample that is drawn; NaN: all */
    int64_t move_ms;  /* of agents: they are also tested where the goal moves after so many ms; 0: they are not */
    int n_rows;
    plan_row rows[PLAN_MOST_ROWS];
} plan;

/* A file: title, text, show, score, sample_ms, move_ms, and rows: each with label, experiment, seeds, set, paper {mean, best}, against, group, remark; or title, text and tables. Release
 * also after a failure.
 * Errors: USAGE, DATA, SETTING, IO, MEMORY. */
lsnn_status plan_open(plan *out, const char *name_or_path);
/* values: "700,1200" or "[1, 2],[3, 4]": commas within brackets belong to a value. */
lsnn_status plan_sweep(plan *out, const char *experiment, const char *setting, const char *values);
void plan_release(plan *p);
/* The row whose name is the first n characters; -1: there is none. */
int plan_find_row(const plan *p, const char *name, size_t n);
/* The first row of row k's group; k if it has no group. */
int plan_first_of_group(const plan *p, int k);
/* Which rows are run ("deepr,lif"; NULL: all), with which seeds ("1,2" or "1..3"; NULL: as they are) and more settings.
 * Errors: USAGE (names what there is). */
lsnn_status plan_choose(plan *p, const char *rows, const char *seeds, const char *const *settings, int n_settings);

#endif
