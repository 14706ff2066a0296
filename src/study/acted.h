/* What a study of agents has besides. In its folder:
 *
 *   records/ROW-seedN.goals.json   how often and how fast a run's agent reaches the goal, also where the goal moves (the plan's move_ms), and each test episode; of rows that are
 *                                  compared with no other row, the same of agents that follow a rule; from these come parts of the page, and
 *   goals.svg                      the time from goal to goal; and the levels in learning.svg
 *   paths.svg, agent.html          the shown row's best agent on its way before and after training; a page that plays an episode */
#ifndef LSNN_STUDY_ACTED_H
#define LSNN_STUDY_ACTED_H

#include "figure/comparison.h"
#include "study/study.h"

#include <stdio.h>

/* Is it an experiment of these? */
bool study_is_acted(const lsnn_experiment *experiment);
/* What a finished run's agent did, unless the file is there. Errors: any. */
lsnn_status study_keep_agents(const study *s, const plan_row *row, uint64_t seed, const char *run, lsnn_context *context,
                              const lsnn_run_options *options);
/* Paths and the page that plays, of a network and of a probe of it. Errors: any. */
lsnn_status study_draw_agent(const study *s, const char *network, const char *probe, lsnn_context *context,
                             const lsnn_run_options *options);

/* What there is of the run's file; *out stays as it is where there is none. Errors: DATA, IO, MEMORY. */
lsnn_status study_read_agents(const study *s, const plan_row *row, uint64_t seed, kept_agents *out);
/* Were there any? */
bool study_has_agents(const study *s);
/* Scores of agents that follow a rule; returns how many, up to `most`. Borrows the names. */
int study_agent_levels(const study *s, compared_level *levels, int most);
/* Figures and part of the page; nothing where nothing was collected. */
lsnn_status study_draw_agents(const study *s);
void study_print_agents(FILE *to, const study *s);

#endif
