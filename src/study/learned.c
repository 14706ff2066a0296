/* What a study of learning to learn has besides: curves of error against examples, of networks and of those to compare with; differences between
 * networks on the same episodes; and what the best network takes functions for. All from files among the records. */
#include "study/learned.h"

#include "base/file.h"
#include "config/experiment.h"
#include "figure/learning_to_learn.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EPISODES_SHOWN = 4 };

bool study_is_learned(const lsnn_experiment *experiment) {
    return strncmp(setting_text(experiment, "task"), "l2l-", 4) == 0;
}

/* FOLDER/records/ROW-seedN.curves.json */
static lsnn_status curves_path(const study *s, const plan_row *row, uint64_t seed, char out[1024]) {
    return study_path(s, "records", row, seed, STUDY_CURVES, out);
}

static lsnn_status beliefs_path(const study *s, char out[1024]) {
    return path_join(out, 1024, s->folder, "records/beliefs.json");
}

/* ---- from networks ---- */

/* Curves to compare with are kept beside the row that is shown, and beside rows that are measured against no other. */
static bool has_others(const study *s, const plan_row *row) {
    return row->against == NULL || (s->plan.show != NULL && strcmp(s->plan.show, row->name) == 0);
}

lsnn_status study_keep_curves(const study *s, const plan_row *row, uint64_t seed, const char *run, lsnn_context *context,
                              const lsnn_run_options *options) {
    lsnn_status status;
    kept_curves kept = {0};
    char path[1024];
    bool with_others = has_others(s, row);
    TRY(curves_path(s, row, seed, path));
    TRY(study_read_curves(s, row, seed, &kept));
    if (kept.n < (with_others ? 2 : 1)) { /* not there, or not all of them */
        kept_curves_release(&kept);
        TRY(kept_curves_take(&kept, run, context, options));
        TRY(kept_curves_save(&kept, with_others ? kept.n : 1, path));
    }
out:
    kept_curves_release(&kept);
    return status;
}

lsnn_status study_keep_beliefs(const study *s, const char *network, lsnn_context *context, const lsnn_run_options *options) {
    lsnn_status status;
    kept_beliefs kept = {0};
    char path[1024];
    TRY(beliefs_path(s, path));
    TRY(kept_beliefs_take(&kept, EPISODES_SHOWN, network, context, options, &(lsnn_question){.episode = 0}));
    TRY(kept_beliefs_save(&kept, path));
out:
    kept_beliefs_release(&kept);
    return status;
}

/* ---- from files ---- */

lsnn_status study_read_curves(const study *s, const plan_row *row, uint64_t seed, kept_curves *out) {
    lsnn_status status;
    char path[1024];
    TRY(curves_path(s, row, seed, path));
    if (file_exists(path)) {
        TRY(kept_curves_load(out, path));
    }
out:
    return status;
}

lsnn_status study_read_beliefs(study *s) {
    lsnn_status status;
    char path[1024];
    TRY(beliefs_path(s, path));
    if (file_exists(path)) {
        TRY(kept_beliefs_load(&s->beliefs, path));
    }
out:
    return status;
}

/* The curves of a row's best run; NULL if there are none. */
static const kept_curves *best_curves(const study_row *row) {
    const run_record *best = study_best(row);
    const kept_curves *kept = best != NULL && row->curves != NULL ? &row->curves[best - row->records] : NULL;
    return kept != NULL && kept->n > 0 ? kept : NULL;
}

/* ---- figures ---- */

/* The networks of all rows; and of the row that is shown, those to compare with. */
static int choose_lines(const study *s, example_line *lines) {
    int n = 0;
    int shown = study_shown_row(s);
    for (int k = 0; k < s->plan.n_rows && n < MOST_EXAMPLE_LINES; k++) {
        const kept_curves *kept = best_curves(&s->rows[k]);
        if (kept != NULL) {
            lines[n++] = (example_line){.label = s->plan.rows[k].label, .curve = &kept->curve[0], .is_network = true};
        }
    }
    const kept_curves *kept = shown >= 0 ? best_curves(&s->rows[shown]) : NULL;
    for (int c = 1; kept != NULL && c < kept->n && n < MOST_EXAMPLE_LINES; c++) {
        lines[n++] = (example_line){.label = kept->curve[c].name, .curve = &kept->curve[c]};
    }
    return n;
}

lsnn_status study_draw_learned(const study *s) {
    lsnn_status status = LSNN_OK;
    example_line lines[MOST_EXAMPLE_LINES];
    char path[1024], title[256];
    int n = choose_lines(s, lines);
    if (n > 0) {
        TRY(path_join(path, sizeof path, s->folder, "examples.svg"));
        snprintf(title, sizeof title, "%.120s: error against examples seen", s->plan.title);
        TRY(figure_of_examples(title, lines, n, path));
    }
    if (s->beliefs.n > 0) {
        TRY(path_join(path, sizeof path, s->folder, "beliefs.svg"));
        snprintf(title, sizeof title, "%.120s: what the network takes the function for", s->plan.title);
        status = figure_of_beliefs(title, s->beliefs.of, s->beliefs.n, path);
        status = status == LSNN_ERR_USAGE ? LSNN_OK : status; /* functions of many inputs */
    }
out:
    return status;
}

/* ---- the page ---- */

static void print_value(FILE *to, double x, double interval) {
    fprintf(to, "%.4g", x);
    if (!isnan(interval)) {
        fprintf(to, " ± %.1g", interval);
    }
}

/* A cell with the mean of a curve over examples from..end - 1, as far as the episode goes; empty if the curve begins later. */
static void print_mean_over(FILE *to, const lsnn_curve *c, int from, int end) {
    double sum = 0;
    int n = 0;
    for (int k = from - c->first; k >= 0 && k < end - c->first && k < c->n_examples; k++, n++) {
        sum += c->error[k];
    }
    if (n > 0) {
        fprintf(to, " %.3g", sum / n);
    }
    fputs(" |", to);
}

/* Errors of the network and of the others, run by run. */
static void print_runs_beside_others(FILE *to, const study_row *row, const kept_curves *best) {
    fputs("| |", to);
    for (int i = 0; i < row->n; i++) {
        fprintf(to, " seed %" PRIu64 " |", row->records[i].result.seed);
    }
    fputs("\n| --- |", to);
    for (int i = 0; i < row->n; i++) {
        fputs(" ---: |", to);
    }
    for (int c = 0; c < best->n; c++) {
        const lsnn_curve *named = &best->curve[c];
        fprintf(to, "\n| %s%s |", named->name, named->first > 0 ? " (last examples)" : "");
        for (int i = 0; i < row->n; i++) {
            const lsnn_curve *curve = kept_curves_find(&row->curves[i], named->name);
            fputc(' ', to);
            if (curve != NULL) {
                print_value(to, curve->mean, curve->mean_interval);
            }
            fputs(" |", to);
        }
    }
    fputc('\n', to);
}

static const int told_examples[] = {1, 2, 5, 10, 20, 50, 100, 200, 500};
enum { TOLD = sizeof told_examples / sizeof *told_examples };

static void print_examples(FILE *to, const kept_curves *kept, int n_rest) {
    const lsnn_curve *network = &kept->curve[0];
    int n = network->n_examples;
    fputs("| |", to);
    for (int k = 0; k < TOLD && told_examples[k] <= n; k++) {
        fprintf(to, " %d. |", told_examples[k]);
    }
    fprintf(to, " 1. to %d. | %d. to %d. |\n| --- |", n < 100 ? n : 100, n - n_rest + 1, n);
    for (int k = 0; k < TOLD && told_examples[k] <= n; k++) {
        fputs(" ---: |", to);
    }
    fputs(" ---: | ---: |\n", to);
    for (int c = 0; c < kept->n; c++) {
        const lsnn_curve *curve = &kept->curve[c];
        fprintf(to, "| %s |", curve->name);
        for (int k = 0; k < TOLD && told_examples[k] <= n; k++) {
            print_mean_over(to, curve, told_examples[k] - 1, told_examples[k]);
        }
        print_mean_over(to, curve, 0, 100);
        print_mean_over(to, curve, n - n_rest, n);
        fputc('\n', to);
    }
}

static void print_beside_others(FILE *to, const study *s) {
    int shown = study_shown_row(s);
    const kept_curves *best = shown >= 0 ? best_curves(&s->rows[shown]) : NULL;
    if (best == NULL) {
        return;
    }
    int n_rest = best->curve[0].n_examples;
    for (int c = 0; c < best->n; c++) {
        n_rest = best->curve[c].n_examples < n_rest ? best->curve[c].n_examples : n_rest;
    }
    fprintf(
        to,
        "\n## Beside others, on the same episodes\nMean squared error of %s and of simpler ways to learn (docs/model.md, \"To compare with\"), with the 95 %% interval "
        "over %" PRId64
        " functions; ridge regression on the network's spikes is fitted to the first examples of each function, and answers the last %d.\n\n",
        s->plan.rows[shown].label, best->curve[0].n_episodes, n_rest);
    print_runs_beside_others(to, &s->rows[shown], best);
    fprintf(to,
            "\nBy the number of the example, of the run with the best validation score (seed %" PRIu64
            "); each answer comes before the example's target is known:\n\n",
            study_best(&s->rows[shown])->result.seed);
    print_examples(to, best, n_rest);
}

/* Of the same functions: one's errors less the other's, as a mean with half its 95 % interval. False: they do not belong together. */
static bool difference_of(const kept_curves *one, const kept_curves *other, double *mean, double *interval) {
    if (one->n == 0 || other->n == 0 || one->curve[0].n_episodes != other->curve[0].n_episodes || one->curve[0].n_episodes < 2) {
        return false;
    }
    double n = (double)one->curve[0].n_episodes, sum = 0, squares = 0;
    for (int64_t i = 0; i < one->curve[0].n_episodes; i++) {
        sum += (one->curve[0].episode_error[i] - other->curve[0].episode_error[i]) / n;
    }
    for (int64_t i = 0; i < one->curve[0].n_episodes; i++) {
        double off = one->curve[0].episode_error[i] - other->curve[0].episode_error[i] - sum;
        squares += off * off;
    }
    *mean = sum;
    *interval = 1.96 * sqrt(squares / (n - 1) / n);
    return true;
}

static void print_difference(FILE *to, const study *s, int k, int i, bool *has_head) {
    const char *against = s->plan.rows[k].against;
    int other = plan_find_row(&s->plan, against, strlen(against));
    uint64_t seed = s->rows[k].records[i].result.seed;
    double mean, interval;
    for (int j = 0; other >= 0 && j < s->rows[other].n; j++) {
        if (s->rows[other].records[j].result.seed != seed ||
            !difference_of(&s->rows[k].curves[i], &s->rows[other].curves[j], &mean, &interval)) {
            continue;
        }
        if (!*has_head) {
            fputs(
                "\n## Differences, function by function\nMean squared error on each test function, less that of the other network of the same seed, whose functions are the same: mean and "
                "its 95 % interval.\n\n| network | less | seed | difference |\n| --- | --- | ---: | ---: |\n",
                to);
            *has_head = true;
        }
        fprintf(to, "| %s | %s | %" PRIu64 " | %+.4g ± %.2g |\n", s->plan.rows[k].label, s->plan.rows[other].label, seed, mean, interval);
    }
}

void study_print_learned(FILE *to, const study *s) {
    bool has_head = false;
    print_beside_others(to, s);
    for (int k = 0; k < s->plan.n_rows; k++) {
        for (int i = 0; s->plan.rows[k].against != NULL && s->rows[k].curves != NULL && i < s->rows[k].n; i++) {
            print_difference(to, s, k, i, &has_head);
        }
    }
}
