/* What a study of speech has besides: errors with intervals over utterances, and differences utterance by utterance. All from files among the records. */
#include "study/heard.h"

#include "base/file.h"
#include "base/json_list.h"
#include "config/experiment.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_UTTERANCES = 10000000 };

static const char kind[] = "utterances";

bool study_is_heard(const lsnn_experiment *experiment) {
    const char *name = setting_text(experiment, "task");
    return strcmp(name, "timit") == 0 || strcmp(name, "speech-digits") == 0;
}

/* FOLDER/records/ROW-seedN.utterances.json */
static lsnn_status utterances_path(const study *s, const plan_row *row, uint64_t seed, char out[1024]) {
    return study_path(s, "records", row, seed, STUDY_UTTERANCES, out);
}

/* ---- from networks ---- */

static lsnn_status save(const sample_counts *counts, const char *path) {
    json_t *list =
        json_pack("[{s:I, s:o, s:o}]", "n", (json_int_t)counts->n, "counted", json_of_numbers(counts->counted, (size_t)counts->n), "wrong",
                  json_of_numbers(counts->wrong, (size_t)counts->n));
    return json_list_save(path, kind, list, 8);
}

lsnn_status study_keep_utterances(const study *s, const plan_row *row, uint64_t seed, const char *run, lsnn_context *context,
                                  const lsnn_run_options *options) {
    lsnn_status status;
    sample_counts counts = {0};
    char path[1024];
    TRY(utterances_path(s, row, seed, path));
    if (!file_exists(path)) {
        TRY(evaluate_each(run, context, options, &counts));
        TRY(save(&counts, path));
    }
out:
    sample_counts_release(&counts);
    return status;
}

/* ---- from files ---- */

static lsnn_status load(sample_counts *out, const char *path) {
    lsnn_status status = LSNN_OK;
    json_t *root = NULL;
    const json_t *list;
    TRY(json_list_load(path, kind, 1, &root, &list));
    const json_t *object = json_array_get(list, 0);
    int n = json_whole_at(object, "n", 1, MOST_UTTERANCES);
    if (n < 0) {
        TRY(json_list_damaged(path, "n"));
    }
    TRY(sample_counts_create(out, n));
    TRY(json_numbers_at(object, "counted", out->counted, (size_t)n, path));
    TRY(json_numbers_at(object, "wrong", out->wrong, (size_t)n, path));
    for (int k = 0; k < n; k++) {
        if (!(out->wrong[k] >= 0 && out->wrong[k] <= out->counted[k])) {
            TRY(json_list_damaged(path, "wrong"));
        }
    }
out:
    json_decref(root);
    return status;
}

lsnn_status study_read_utterances(const study *s, const plan_row *row, uint64_t seed, sample_counts *out) {
    lsnn_status status;
    char path[1024];
    TRY(utterances_path(s, row, seed, path));
    if (file_exists(path)) {
        TRY(load(out, path));
    }
out:
    return status;
}

/* ---- the page ---- */

static double wrong_of(const sample_counts *counts, const sample_counts *less, int64_t k) {
    return counts->wrong[k] - (less != NULL ? less->wrong[k] : 0);
}

void error_over_samples(const sample_counts *counts, const sample_counts *less, double *error, double *interval) {
    double n = (double)counts->n;
    double counted = 0;
    double wrong = 0;
    double squares = 0;
    for (int64_t k = 0; k < counts->n; k++) {
        counted += counts->counted[k];
        wrong += wrong_of(counts, less, k);
    }
    *error = wrong / counted;
    for (int64_t k = 0; k < counts->n; k++) {
        double off = wrong_of(counts, less, k) - *error * counts->counted[k];
        squares += off * off;
    }
    *interval = n > 1 ? 1.96 * sqrt(squares * n / (n - 1)) / counted : NAN;
}

static double decisions_of(const sample_counts *counts) {
    double sum = 0;
    for (int64_t k = 0; k < counts->n; k++) {
        sum += counts->counted[k];
    }
    return sum;
}

static void print_error(FILE *to, const study *s, int k, int i, bool *has_head) {
    const sample_counts *counts = &s->rows[k].heard[i];
    double error;
    double interval;
    if (counts->n == 0) {
        return;
    }
    if (!*has_head) {
        fprintf(
            to,
            "\n## Errors over utterances\nThe part of all %s decisions that is wrong, frames or whole recordings, with its 95 %% interval over utterances.\n\n"
            "| network | seed | utterances | decisions | wrong |\n| --- | ---: | ---: | ---: | ---: |\n",
            s->plan.no_test ? "validation" : "test");
        *has_head = true;
    }
    error_over_samples(counts, NULL, &error, &interval);
    fprintf(to, "| %s | %" PRIu64 " | %" PRId64 " | %.0f | %.2f ± %.2f %% |\n", s->plan.rows[k].label, s->rows[k].records[i].result.seed,
            counts->n, decisions_of(counts), 100 * error, 100 * interval);
}

/* Are both counts of the same utterances? */
static bool belong_together(const sample_counts *one, const sample_counts *other) {
    return one->n > 0 && one->n == other->n && memcmp(one->counted, other->counted, (size_t)one->n * sizeof *one->counted) == 0;
}

/* The counts of row `other` whose seed is that of run i of row k; NULL: there are none. */
static const sample_counts *find_other(const study *s, int k, int i, int other) {
    uint64_t seed = s->rows[k].records[i].result.seed;
    for (int j = 0; j < s->rows[other].n; j++) {
        const sample_counts *counts = &s->rows[other].heard[j];
        if (s->rows[other].records[j].result.seed == seed && belong_together(&s->rows[k].heard[i], counts)) {
            return counts;
        }
    }
    return NULL;
}

static void print_difference(FILE *to, const study *s, int k, int other, const char *seed, const sample_counts *one,
                             const sample_counts *less, bool *has_head) {
    double error;
    double interval;
    if (!*has_head) {
        fputs(
            "\n## Differences, utterance by utterance\nWhat each network does wrong in an utterance, less what the other of the same seed does wrong in the same, as a part of all decisions: points of "
            "per cent, with their 95 % intervals over utterances. All seeds: of their means in each utterance.\n\n"
            "| network | less | seed | difference |\n| --- | --- | ---: | ---: |\n",
            to);
        *has_head = true;
    }
    error_over_samples(one, less, &error, &interval);
    fprintf(to, "| %s | %s | %s | %+.2f ± %.2f |\n", s->plan.rows[k].label, s->plan.rows[other].label, seed, 100 * error, 100 * interval);
}

static void add_counts(sample_counts *to, const sample_counts *more, bool also_counted) {
    for (int64_t k = 0; k < to->n; k++) {
        to->wrong[k] += more->wrong[k];
        to->counted[k] += also_counted ? more->counted[k] : 0;
    }
}

static lsnn_status print_differences(FILE *to, const study *s, int k, bool *has_head) {
    lsnn_status status = LSNN_OK;
    const char *against = s->plan.rows[k].against;
    int other = against != NULL ? plan_find_row(&s->plan, against, strlen(against)) : -1;
    sample_counts sum[2] = {{0}, {0}};
    int n = 0;
    for (int i = 0; other >= 0 && i < s->rows[k].n; i++) {
        const sample_counts *one = &s->rows[k].heard[i];
        const sample_counts *less = find_other(s, k, i, other);
        char seed[32];
        if (less == NULL || (n > 0 && less->n != sum[0].n)) {
            continue;
        }
        if (n++ == 0) {
            TRY(sample_counts_create(&sum[0], one->n));
            TRY(sample_counts_create(&sum[1], one->n));
        }
        add_counts(&sum[0], one, true);
        add_counts(&sum[1], less, false);
        snprintf(seed, sizeof seed, "%" PRIu64, s->rows[k].records[i].result.seed);
        print_difference(to, s, k, other, seed, one, less, has_head);
    }
    if (n > 1) {
        print_difference(to, s, k, other, "all", &sum[0], &sum[1], has_head);
    }
out:
    sample_counts_release(&sum[0]);
    sample_counts_release(&sum[1]);
    return status;
}

lsnn_status study_print_utterances(FILE *to, const study *s) {
    lsnn_status status = LSNN_OK;
    bool has_head = false;
    for (int k = 0; k < s->plan.n_rows; k++) {
        for (int i = 0; s->rows[k].heard != NULL && i < s->rows[k].n; i++) {
            print_error(to, s, k, i, &has_head);
        }
    }
    has_head = false;
    for (int k = 0; k < s->plan.n_rows; k++) {
        if (s->rows[k].heard != NULL) {
            TRY(print_differences(to, s, k, &has_head));
        }
    }
out:
    return status;
}
