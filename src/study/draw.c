/* The figures of a study that come from its records alone. */
#include "study/acted.h"
#include "study/learned.h"

#include "base/file.h"
#include "figure/comparison.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct drawing {
    compared_row rows[PLAN_MOST_ROWS];
    compared_row groups[PLAN_MOST_ROWS];    /* the same, but folds of a group as one row */
    int n_groups, group_of[PLAN_MOST_ROWS]; /* [row] its place in groups */
    compared_level levels[KEPT_MOST_AGENTS];
    comparison comparison;
} drawing;

static void release(drawing *d) {
    for (int k = 0; k < PLAN_MOST_ROWS; k++) {
        free(d->rows[k].runs);
        free(d->groups[k].runs);
    }
    free(d);
}

/* Borrows from the study. */
static lsnn_status fill_row(compared_row *out, const plan_row *planned, const study_row *row) {
    *out = (compared_row){.label = planned->label,
                          .value = planned->value,
                          .paper_mean = planned->paper_mean,
                          .paper_best = planned->paper_best,
                          .spikes = NAN,
                          .operations = NAN};
    if (row->n == 0) {
        return LSNN_OK;
    }
    out->runs = calloc((size_t)row->n, sizeof *out->runs);
    if (out->runs == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a figure");
    }
    out->n_runs = row->n;
    out->spikes = out->operations = 0;
    for (int i = 0; i < row->n; i++) {
        const run_record *r = &row->records[i];
        out->runs[i] = (compared_run){.seed = r->result.seed,
                                      .score = r->result.score,
                                      .n_curve = r->curve.n,
                                      .iteration = r->curve.iteration,
                                      .curve = r->curve.score};
        out->spikes += r->result.spikes / row->n;
        out->operations += r->result.operations / row->n;
    }
    return LSNN_OK;
}

/* Per sample, over both. */
static double mean_of(double a, int n_a, double b, int n_b) {
    return n_a == 0 ? b : n_b == 0 ? a : (a * n_a + b * n_b) / (n_a + n_b);
}

/* Adds row k's runs to its group's; a row without a group is one by itself. */
static lsnn_status add_to_groups(drawing *d, const plan *p, int k) {
    const compared_row *row = &d->rows[k];
    int first = plan_first_of_group(p, k);
    d->group_of[k] = first < k ? d->group_of[first] : d->n_groups;
    compared_row *to = &d->groups[d->group_of[k]];
    if (first == k) {
        *to = *row;
        to->label = p->rows[k].group != NULL ? p->rows[k].group : row->label;
        to->n_runs = 0;
        to->runs = NULL;
        d->n_groups++;
    }
    if (row->n_runs == 0) {
        return LSNN_OK;
    }
    int n = to->n_runs + row->n_runs;
    compared_run *runs = realloc(to->runs, (size_t)n * sizeof *runs);
    if (runs == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a figure");
    }
    to->runs = runs;
    memcpy(runs + to->n_runs, row->runs, (size_t)row->n_runs * sizeof *runs);
    to->spikes = mean_of(to->spikes, to->n_runs, row->spikes, row->n_runs);
    to->operations = mean_of(to->operations, to->n_runs, row->operations, row->n_runs);
    to->n_runs = n;
    return LSNN_OK;
}

static lsnn_status draw(const study *s, const comparison *c, const char *file, lsnn_status (*figure)(const comparison *, const char *)) {
    char path[1024];
    lsnn_status status;
    TRY(path_join(path, sizeof path, s->folder, file));
    status = figure(c, path);
    status = status == LSNN_ERR_DATA ? LSNN_OK : status; /* nothing to draw yet */
out:
    return status;
}

lsnn_status study_draw(const study *s) {
    lsnn_status status = LSNN_OK;
    drawing *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a figure");
    }
    d->comparison = (comparison){.title = s->plan.title,
                                 .score_name = study_score_name(s),
                                 .data = s->plan.no_test ? "in validation" : "on test data",
                                 .setting = s->plan.setting,
                                 .rows = d->rows,
                                 .levels = d->levels,
                                 .n_levels = study_agent_levels(s, d->levels, KEPT_MOST_AGENTS)};
    for (; d->comparison.n_rows < s->plan.n_rows; d->comparison.n_rows++) {
        int k = d->comparison.n_rows;
        TRY(fill_row(&d->rows[k], &s->plan.rows[k], &s->rows[k]));
        TRY(add_to_groups(d, &s->plan, k));
    }
    if (s->plan.setting != NULL) {
        TRY(draw(s, &d->comparison, "sweep.svg", figure_of_sweep));
    } else {
        TRY(draw(s, &d->comparison, "scores.svg", figure_of_scores));
    }
    comparison grouped = d->comparison;
    grouped.rows = d->groups;
    grouped.n_rows = d->n_groups;
    TRY(draw(s, &grouped, "learning.svg", figure_of_learning));
    TRY(draw(s, &grouped, "operations.svg", figure_of_operations));
    TRY(study_draw_learned(s));
    TRY(study_draw_agents(s));
out:
    release(d);
    return status;
}
