/* The page of a study, from its records: README.md. */
#include "base/file.h"
#include "base/shell_word.h"
#include "figure/score_scale.h"
#include "study/acted.h"
#include "study/heard.h"
#include "study/learned.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

static bool in_per_cent(const char *score_name) {
    return score_scale_of(score_name).percent;
}

static void print_score(FILE *to, const char *score_name, double score) {
    if (isnan(score)) {
        return;
    }
    if (in_per_cent(score_name)) {
        fprintf(to, "%.2f %%", 100 * score);
    } else {
        fprintf(to, "%.4g", score);
    }
}

/* 95.20 ± 0.11 % */
static void print_mean(FILE *to, const char *score_name, const row_summary *sum) {
    double factor = in_per_cent(score_name) ? 100 : 1;
    const char *unit = in_per_cent(score_name) ? " %" : "";
    const char *format = in_per_cent(score_name) ? "%.2f" : "%.4g";
    fprintf(to, format, factor * sum->mean);
    if (!isnan(sum->deviation)) {
        fputs(" ± ", to);
        fprintf(to, format, factor * sum->deviation);
    }
    fputs(unit, to);
}

/* 36,000 */
static void print_whole(FILE *to, double number) {
    char text[64];
    if (number >= 0 && number <= 1e18) {
        whole_text(text, sizeof text, (int64_t)rint(number));
        fputs(text, to);
    }
}

static void print_duration(FILE *to, double seconds) {
    if (seconds < 600) {
        fprintf(to, "%.0f s", seconds);
    } else {
        fprintf(to, "%.1f h", seconds / 3600);
    }
}

/* ---- the table of rows ---- */

static double mean_of(const study_row *row, double (*value)(const run_record *)) {
    double sum = 0;
    for (int i = 0; i < row->n; i++) {
        sum += value(&row->records[i]) / row->n;
    }
    return sum;
}

static double iterations_of(const run_record *r) {
    return (double)r->result.iterations;
}
static double seconds_of(const run_record *r) {
    return r->result.seconds;
}
static double spikes_of(const run_record *r) {
    return r->result.spikes;
}
static double operations_of(const run_record *r) {
    return r->result.operations;
}

static bool paper_has_figures(const study *s) {
    for (int k = 0; k < s->plan.n_rows; k++) {
        if (!isnan(s->plan.rows[k].paper_mean) || !isnan(s->plan.rows[k].paper_best)) {
            return true;
        }
    }
    return false;
}

static void print_row(FILE *to, const study *s, int k, const char *score_name) {
    const plan_row *planned = &s->plan.rows[k];
    const study_row *row = &s->rows[k];
    fprintf(to, "| %s |", planned->label);
    if (row->n == 0) {
        fputs(" | | 0 | not run | |", to);
    } else {
        row_summary sum = study_summary(row);
        fputc(' ', to);
        print_whole(to, (double)row->records[0].n_synapses);
        if (row->records[0].n_possible > row->records[0].n_synapses) {
            fputs(" of ", to);
            print_whole(to, (double)row->records[0].n_possible);
        }
        fputs(" | ", to);
        print_whole(to, mean_of(row, iterations_of));
        fprintf(to, " | %d | ", row->n);
        print_mean(to, score_name, &sum);
        fputs(" | ", to);
        print_score(to, score_name, sum.best);
        fputs(" |", to);
    }
    if (paper_has_figures(s)) {
        fputc(' ', to);
        print_score(to, score_name, planned->paper_mean);
        fputs(" | ", to);
        print_score(to, score_name, planned->paper_best);
        fputs(" |", to);
    }
    if (row->n > 0) {
        fputc(' ', to);
        print_duration(to, mean_of(row, seconds_of));
        fputs(" | ", to);
        print_whole(to, mean_of(row, spikes_of));
        fputs(" | ", to);
        print_whole(to, mean_of(row, operations_of));
        fputs(" |\n", to);
    } else {
        fputs(" | | |\n", to);
    }
}

static void print_rows(FILE *to, const study *s, const char *score_name) {
    bool paper = paper_has_figures(s);
    fprintf(
        to,
        "| %s | synapses | iterations | runs | %s, mean ± standard deviation | best |%s time a run | spikes a sample | operations a sample |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: |%s ---: | ---: | ---: |\n",
        s->plan.setting != NULL ? s->plan.setting : "network", score_name, paper ? " paper: mean | paper: best |" : "",
        paper ? " ---: | ---: |" : "");
    for (int k = 0; k < s->plan.n_rows; k++) {
        print_row(to, s, k, score_name);
    }
    fprintf(
        to,
        "\nScores are those of %s, of the network with the best validation score. Operations: for each spike, one for each synapse that it reaches, and at each "
        "step one for each synapse of an input that is a number; in networks without spikes, multiplications with weights.\n",
        s->plan.no_test ? "validation: these runs have not seen the test data" : "test data that training never saw");
    for (int k = 0; k < s->plan.n_rows; k++) {
        if (s->plan.rows[k].remark != NULL) {
            fprintf(to, "\n%s: %s\n", s->plan.rows[k].label, s->plan.rows[k].remark);
        }
    }
}

/* ---- means over folds ---- */

/* Each row that was run counts as its mean over seeds. */
static void print_group(FILE *to, const study *s, int first, const char *score_name) {
    double sum = 0;
    double squares = 0;
    double low = INFINITY;
    double high = -INFINITY;
    int n = 0;
    int n_planned = 0;
    for (int k = first; k < s->plan.n_rows; k++) {
        if (plan_first_of_group(&s->plan, k) != first) {
            continue;
        }
        n_planned++;
        if (s->rows[k].n > 0) {
            double score = study_summary(&s->rows[k]).mean;
            n++;
            sum += score;
            squares += score * score;
            low = fmin(low, score);
            high = fmax(high, score);
        }
    }
    fprintf(to, "| %s | %d of %d |", s->plan.rows[first].group, n, n_planned);
    if (n > 0) {
        row_summary over = {.mean = sum / n, .deviation = n > 1 ? sqrt(fmax(squares - sum * sum / n, 0) / (n - 1)) : NAN};
        fputc(' ', to);
        print_mean(to, score_name, &over);
        fputs(" | ", to);
        print_score(to, score_name, low);
        fputs(" | ", to);
        print_score(to, score_name, high);
        fputs(" |\n", to);
    } else {
        fputs(" not run | | |\n", to);
    }
}

static void print_groups(FILE *to, const study *s, const char *score_name) {
    bool has_head = false;
    for (int k = 0; k < s->plan.n_rows; k++) {
        if (s->plan.rows[k].group == NULL || plan_first_of_group(&s->plan, k) < k) {
            continue;
        }
        if (!has_head) {
            fprintf(to,
                    "\n| over folds | folds | %s, mean ± standard deviation | lowest | highest |\n| --- | ---: | ---: | ---: | ---: |\n",
                    score_name);
            has_head = true;
        }
        print_group(to, s, k, score_name);
    }
}

/* ---- figures, where they are ---- */

static bool is_there(const study *s, const char *file) {
    char path[1024];
    return path_join(path, sizeof path, s->folder, file) == LSNN_OK && file_exists(path);
}

static void print_figure(FILE *to, const study *s, const char *file, const char *caption) {
    if (is_there(s, file)) {
        fprintf(to, "\n![%s](%s)\n", caption, file);
    }
}

static void print_figures(FILE *to, const study *s, const char *score_name) {
    char caption[160];
    snprintf(caption, sizeof caption, "%s of each run, and means%s", score_name, paper_has_figures(s) ? ", with the paper's" : "");
    print_figure(to, s, s->plan.setting != NULL ? "sweep.svg" : "scores.svg", caption);
    print_figure(to, s, "learning.svg", "validation score over the training: mean, lowest and highest");
    print_figure(to, s, "operations.svg", "spikes and operations a sample");
    print_figure(to, s, "examples.svg", "error against the number of examples seen, of networks and of simpler ways to learn");
    print_figure(to, s, "beliefs.svg", "what the network takes new functions for, after so many examples");
    print_figure(to, s, "goals.svg", "time from goal to goal, of networks and of agents that follow a rule");
    print_figure(to, s, "paths.svg", "paths in the same episodes before and after training, until the first goal and afterwards");
    print_figure(to, s, "sample.svg",
                 study_has_agents(s)       ? "one episode: input, spikes, position, value; green lines: the goal is reached"
                 : in_per_cent(score_name) ? "one sample: input, spikes, thresholds, class probabilities"
                                           : "one sample: input, spikes, thresholds, outputs");
    print_figure(to, s, "connections.svg", "synapses before and after training");
    if (is_there(s, "agent.html")) {
        fputs("\n[agent.html](agent.html) plays an episode in a browser: the agent on its way, and its spikes.\n", to);
    }
}

/* ---- every run ---- */

static void print_runs(FILE *to, const study *s, const char *score_name) {
    fprintf(
        to,
        "\n## Runs\n| command | %s | best in validation | rate | iterations | time | version, machine |\n| --- | ---: | ---: | ---: | ---: | ---: | --- |\n",
        score_name);
    for (int k = 0; k < s->plan.n_rows; k++) {
        for (int i = 0; i < s->rows[k].n; i++) {
            const run_record *r = &s->rows[k].records[i];
            const char *mark = r == study_best(&s->rows[k]) ? "**" : "";
            fputs("| `lsnn train ", to);
            shell_word_print(to, s->plan.rows[k].experiment);
            fprintf(to, " --seed %" PRIu64 "%s%s` | %s", r->result.seed, *r->changes ? " " : "", r->changes, mark);
            print_score(to, score_name, r->result.score);
            fputs(mark, to);
            fputs(" | ", to);
            print_score(to, score_name, r->best_valid_score);
            fputs(" | ", to);
            if (!isnan(r->result.rate_hz)) {
                fprintf(to, "%.1f Hz", r->result.rate_hz);
            }
            fputs(" | ", to);
            print_whole(to, (double)r->result.iterations);
            fputs(" | ", to);
            print_duration(to, r->result.seconds);
            fprintf(to, " | %s, %s, %d thread%s, %s |\n", r->version, r->processor, r->n_threads, r->n_threads == 1 ? "" : "s", r->isa);
        }
    }
    fputs("\nBold: of each network, the run with the best validation score, whose network `lsnn reproduce` keeps.\n", to);
}

static lsnn_status print_page(FILE *to, const study *s) {
    const char *score_name = study_score_name(s);
    fprintf(to, "# %s\n`%s` makes this page from the records beside it.\n\n", s->plan.title, s->command);
    if (s->plan.text != NULL) {
        fprintf(to, "%s\n\n", s->plan.text);
    }
    print_rows(to, s, score_name);
    print_groups(to, s, score_name);
    print_figures(to, s, score_name);
    study_print_learned(to, s);
    study_print_agents(to, s);
    lsnn_status status = study_print_utterances(to, s);
    print_runs(to, s, score_name);
    return status;
}

lsnn_status study_write_page(const study *s) {
    lsnn_status status = LSNN_OK;
    char path[1024], *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (to == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a page");
    }
    status = print_page(to, s);
    bool failed = ferror(to);
    if (fclose(to) != 0 || failed) {
        status = fail(LSNN_ERR_MEMORY, "no memory for a page");
        goto out;
    }
    TRY(status);
    TRY(path_join(path, sizeof path, s->folder, "README.md"));
    TRY(file_write_atomic(path, text, n));
out:
    free(text);
    return status;
}
