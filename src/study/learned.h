/* What a study of learning to learn has besides. In its folder:
 *
 *   records/ROW-seedN.curves.json   a run's error against the number of examples, and for each test function; of rows that are compared with
 *                                   no other row, the same of simple ways to learn
 *   records/beliefs.json            what the shown row's best network takes some functions for; from these come parts of the page, and
 *   examples.svg, beliefs.svg */
#ifndef LSNN_STUDY_LEARNED_H
#define LSNN_STUDY_LEARNED_H

#include "study/study.h"

#include <stdio.h>

/* Is it an experiment of these? */
bool study_is_learned(const lsnn_experiment *experiment);
/* The curves of a finished run, unless the file is there. Errors: any. */
lsnn_status study_keep_curves(const study *s, const plan_row *row, uint64_t seed, const char *run, lsnn_context *context,
                              const lsnn_run_options *options);
/* The beliefs of a network. Errors: any. */
lsnn_status study_keep_beliefs(const study *s, const char *network, lsnn_context *context, const lsnn_run_options *options);

/* What there is of the run's file; *out stays as it is where there is none. Errors: DATA, IO, MEMORY. */
lsnn_status study_read_curves(const study *s, const plan_row *row, uint64_t seed, kept_curves *out);
/* Likewise the beliefs, of the one network. */
lsnn_status study_read_beliefs(study *s);
/* Figures and part of the page; nothing where nothing was collected. */
lsnn_status study_draw_learned(const study *s);
void study_print_learned(FILE *to, const study *s);

#endif
