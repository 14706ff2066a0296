#include "study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stop.h"

static void announce(void *user, const char *label, uint64_t seed, int number, int n_runs) {
    struct study *study = user;
    if (!study->progress.is_quiet) {
        progress_end(&study->progress);
        fprintf(stderr, "%d of %d: %s, seed %llu\n", number, n_runs, label, (unsigned long long)seed);
    }
}

static void print_row(void *user, const lsnn_study_row *row) {
    struct study *study = user;
    number_room mean, deviation, best, paper;
    if (*study->page != '\0' && strcmp(study->page, row->page) != 0) { /* of several tables, the next begins */
        printf("%s\n", study->page);
    }
    snprintf(study->page, sizeof study->page, "%s", row->page);
    printf("%-40s", row->label);
    if (row->n_runs == 0) {
        fputs("  not run", stdout);
    } else {
        printf("  %s", format_score(row->score_name, row->mean, 2, &mean));
        if (row->n_runs > 1) {
            printf(" (standard deviation %s, best %s)", format_score(row->score_name, row->deviation, 2, &deviation),
                   format_score(row->score_name, row->best, 2, &best));
        }
        printf(", %d run%s", row->n_runs, row->n_runs == 1 ? "" : "s");
    }
    if (!isnan(row->paper_mean)) {
        printf("; paper %s", format_score(row->score_name, row->paper_mean, 1, &paper));
    }
    putchar('\n');
}

static void add_row(void *user, const lsnn_study_row *row) {
    struct study *study = user;
    snprintf(study->page, sizeof study->page, "%s", row->page);
    json_array_append_new(study->rows, json_pack("{s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o}", "name", json_text(row->name), "label",
                                                 json_text(row->label), "runs", row->n_runs, "mean", json_number(row->mean), "deviation",
                                                 json_number(row->deviation), "best", json_number(row->best), "paper_mean",
                                                 json_number(row->paper_mean), "paper_best", json_number(row->paper_best)));
}

lsnn_status study_begin(struct study *study, const struct arguments *arguments) {
    lsnn_status status = LSNN_OK;
    *study = (struct study){0};
    progress_init(&study->progress, arguments->quiet, stop_on_signal());
    TRY(lsnn_context_create(&study->context, (int)arguments->threads));
    study->rows = json_array();
    study->options = (lsnn_study_options){
        .run = {.out = arguments->out,
                .data_folder = arguments->data,
                .progress = progress_iteration,
                .message = progress_message,
                .user = study,
                .stop = study->progress.stop},
        .rows = arguments->rows,
        .seeds = arguments->seeds,
        .settings = arguments->set,
        .n_settings = arguments->n_set,
        .report_only = arguments->report,
        .begin = announce,
        .row = arguments->json ? add_row : print_row,
    };
out:
    return status;
}

int study_end(struct study *study, lsnn_status status, const struct arguments *arguments) {
    int code = 0;
    if (study->context != NULL) {
        progress_end(&study->progress);
    }
    if (status == LSNN_OK && arguments->json) {
        code = print_json(json_pack("{s:O, s:o, s:s}", "rows", study->rows, "page", json_text(study->page), "version", lsnn_version()));
    } else if (status == LSNN_OK) {
        printf("%s\n", study->page);
    } else if (status == LSNN_STOPPED) {
        fputs("saved; the same command goes on\n", stderr);
        code = lsnn_status_exit_code(status);
    } else {
        code = report(status);
    }
    json_decref(study->rows);
    lsnn_context_free(study->context);
    return code;
}
