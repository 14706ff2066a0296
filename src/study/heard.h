/* What a study of speech has besides. In its folder:
 *
 *   records/ROW-seedN.utterances.json   of each test utterance: frames that count, and those that a run's network takes for another phone; of spoken digits 1, and 0 or 1. From these
 *                                       come the errors with their intervals, and the differences between networks on the same utterances, on the page */
#ifndef LSNN_STUDY_HEARD_H
#define LSNN_STUDY_HEARD_H

#include "study/study.h"

#include <stdio.h>

/* Is it an experiment of these? */
bool study_is_heard(const lsnn_experiment *experiment);
/* How a finished run did in each utterance, unless the file is there. Errors: any. */
lsnn_status study_keep_utterances(const study *s, const plan_row *row, uint64_t seed, const char *run, lsnn_context *context,
                                  const lsnn_run_options *options);

/* What there is of the run's file; *out stays as it is where there is none. Errors: DATA, IO, MEMORY. */
lsnn_status study_read_utterances(const study *s, const plan_row *row, uint64_t seed, sample_counts *out);
/* Part of the page; nothing where nothing was collected. Errors: MEMORY. */
lsnn_status study_print_utterances(FILE *to, const study *s);

/* The part of all decisions that is wrong, and half its 95 % interval over samples (NaN below two samples): of a ratio of two sums, sum w / sum n, whose variance is
 * that of sum (w - error n), over the square of sum n. less (may be NULL): the same of another network, on the same samples, is taken off. */
void error_over_samples(const sample_counts *counts, const sample_counts *less, double *error, double *interval);

#endif
