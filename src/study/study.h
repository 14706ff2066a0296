/* Several runs, and what they come to. In its folder:
 *
 *   runs/ROW-seedN/          the run folders
 *   records/ROW-seedN.json   their results: from these alone come
 *   README.md                the page, and
 *   scores.svg, learning.svg, operations.svg, sweep.svg
 *   models/ROW.safetensors   of each row, the network with the best validation score
 *   sample.svg, connections.svg  of one of those, how it works on a sample, and which synapses it has
 *
 * and of learning to learn what learned.h says, of agents what acted.h says, of speech what heard.h says. */
#ifndef LSNN_STUDY_STUDY_H
#define LSNN_STUDY_STUDY_H

#include "l2l/learning_file.h"
#include "run/evaluate.h"
#include "run/record.h"
#include "study/kept_agents.h"
#include "study/plan.h"

typedef struct study_row {
    int n;
    run_record *records;  /* [n] in the order of seeds */
    kept_curves *curves;  /* [n] of learning to learn; those of runs that have none are empty */
    kept_agents *agents;  /* [n] likewise where an agent acts */
    sample_counts *heard; /* [n] likewise of speech: utterances */
} study_row;

typedef struct study {
    plan plan;
    char folder[1024];
    const char *command; /* that makes it: "lsnn reproduce smnist" */
    study_row rows[PLAN_MOST_ROWS];
    kept_beliefs beliefs; /* of learning to learn */
} study;

/* Reads all records of the folder, those of earlier calls of this function forgotten. Errors: DATA, IO, MEMORY. */
lsnn_status study_collect(study *s);
void study_release(study *s);

/* Mean, standard deviation (NaN below 2 runs) and best score of a row with n > 0. */
typedef struct row_summary {
    double mean, deviation, best;
} row_summary;
row_summary study_summary(const study_row *row);
/* The record with the best validation score, NULL if there is none. */
const run_record *study_best(const study_row *row);
/* The row whose network is drawn: the plan's, else the first spiking one with a record; -1: none. */
int study_shown_row(const study *s);
/* Endings of what stands beside a record, made from the network that the record is of. */
#define STUDY_CURVES     ".curves.json"
#define STUDY_GOALS      ".goals.json"
#define STUDY_UTTERANCES ".utterances.json"
/* FOLDER/PART/ROW-seedNENDING. Errors: IO (too long). */
lsnn_status study_path(const study *s, const char *part, const plan_row *row, uint64_t seed, const char *ending, char out[1024]);
/* Name of the scores, "score" if nothing has been run. */
const char *study_score_name(const study *s);

/* The figures and the page that come from the records alone. Errors: IO, MEMORY. */
lsnn_status study_draw(const study *s);
lsnn_status study_write_page(const study *s);

#endif
