/* Runs the plan, keeps records and the best networks, and draws what they come to. */
#include "study/study.h"

#include "base/file.h"
#include "base/shell_word.h"
#include "config/experiment.h"
#include "config/share.h"
#include "figure/score_scale.h"
#include "run/evaluate.h"
#include "study/acted.h"
#include "study/heard.h"
#include "study/learned.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- records ---- */

static void release_records(study *s) {
    for (int k = 0; k < s->plan.n_rows; k++) {
        study_row *row = &s->rows[k];
        for (int i = 0; i < row->n; i++) {
            record_release(&row->records[i]);
        }
        for (int i = 0; row->curves != NULL && i < row->n; i++) {
            kept_curves_release(&row->curves[i]);
        }
        for (int i = 0; row->agents != NULL && i < row->n; i++) {
            kept_agents_release(&row->agents[i]);
        }
        for (int i = 0; row->heard != NULL && i < row->n; i++) {
            sample_counts_release(&row->heard[i]);
        }
        free(row->records);
        free(row->curves);
        free(row->agents);
        free(row->heard);
        *row = (study_row){0};
    }
    kept_beliefs_release(&s->beliefs);
}

void study_release(study *s) {
    release_records(s);
    plan_release(&s->plan);
}

/* "deepr-seed12.json": is it of this row? */
static bool is_record_of(const char *file, const char *row) {
    size_t n = strlen(row);
    return strncmp(file, row, n) == 0 && strncmp(file + n, "-seed", 5) == 0 && path_has_ending(file, ".json") &&
           strspn(file + n + 5, "0123456789") + n + 10 == strlen(file);
}

static lsnn_status add_record(study_row *row, const char *path) {
    run_record *grown = realloc(row->records, (size_t)(row->n + 1) * sizeof *grown);
    if (grown == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a record");
    }
    row->records = grown;
    lsnn_status status = record_read_file(path, &row->records[row->n]);
    if (status != LSNN_OK) {
        record_release(&row->records[row->n]);
        return status;
    }
    row->n++;
    return LSNN_OK;
}

static int by_seed(const void *a, const void *b) {
    uint64_t one = ((const run_record *)a)->result.seed, other = ((const run_record *)b)->result.seed;
    return one < other ? -1 : one > other;
}

/* What stands beside the records. */
static lsnn_status collect_beside(const study *s, const plan_row *planned, study_row *row) {
    lsnn_status status = LSNN_OK;
    size_t n = (size_t)row->n;
    row->curves = calloc(n + 1, sizeof *row->curves);
    row->agents = calloc(n + 1, sizeof *row->agents);
    row->heard = calloc(n + 1, sizeof *row->heard);
    if (row->curves == NULL || row->agents == NULL || row->heard == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for what stands beside %d records", row->n);
    }
    for (int i = 0; i < row->n; i++) {
        uint64_t seed = row->records[i].result.seed;
        TRY(study_read_curves(s, planned, seed, &row->curves[i]));
        TRY(study_read_agents(s, planned, seed, &row->agents[i]));
        TRY(study_read_utterances(s, planned, seed, &row->heard[i]));
    }
out:
    return status;
}

lsnn_status study_collect(study *s) {
    lsnn_status status = LSNN_OK;
    char folder[1024], path[1024];
    release_records(s);
    TRY(path_join(folder, sizeof folder, s->folder, "records"));
    DIR *list = opendir(folder);
    if (list == NULL) {
        return LSNN_OK; /* nothing was run yet */
    }
    for (const struct dirent *entry; status == LSNN_OK && (entry = readdir(list)) != NULL;) {
        for (int k = 0; status == LSNN_OK && k < s->plan.n_rows; k++) {
            if (is_record_of(entry->d_name, s->plan.rows[k].name)) {
                status = path_join(path, sizeof path, folder, entry->d_name);
                status = status == LSNN_OK ? add_record(&s->rows[k], path) : status;
            }
        }
    }
    closedir(list);
    for (int k = 0; k < s->plan.n_rows; k++) {
        if (s->rows[k].n > 0) {
            qsort(s->rows[k].records, (size_t)s->rows[k].n, sizeof(run_record), by_seed);
        }
    }
    TRY(status);
    for (int k = 0; k < s->plan.n_rows; k++) {
        TRY(collect_beside(s, &s->plan.rows[k], &s->rows[k]));
    }
    TRY(study_read_beliefs(s));
out:
    return status;
}

static bool is_better(const run_record *a, double score, double than) {
    score_scale scale = score_scale_of(a->result.score_name);
    return score_better(&scale, score, than);
}

row_summary study_summary(const study_row *row) {
    row_summary sum = {.best = NAN, .deviation = NAN};
    for (int i = 0; i < row->n; i++) {
        double score = row->records[i].result.score;
        sum.mean += score / row->n;
        sum.best = is_better(&row->records[i], score, sum.best) ? score : sum.best;
    }
    double squares = 0;
    for (int i = 0; i < row->n; i++) {
        squares += (row->records[i].result.score - sum.mean) * (row->records[i].result.score - sum.mean);
    }
    if (row->n > 1) {
        sum.deviation = sqrt(squares / (row->n - 1));
    }
    return sum;
}

const run_record *study_best(const study_row *row) {
    const run_record *best = NULL;
    for (int i = 0; i < row->n; i++) {
        const run_record *r = &row->records[i];
        best = best == NULL || is_better(r, r->best_valid_score, best->best_valid_score) ? r : best;
    }
    return best;
}

const char *study_score_name(const study *s) {
    for (int k = 0; k < s->plan.n_rows; k++) {
        if (s->rows[k].n > 0) {
            return s->rows[k].records[0].result.score_name;
        }
    }
    return "score";
}

/* ---- one run ---- */

typedef struct working {
    study study;
    lsnn_context *context;
    const lsnn_study_options *options;
    lsnn_run_options run; /* options->run, for networks that are there: the split is the plan's, and the seed each run's own */
    int n_runs, n_done;   /* of this call */
} working;

lsnn_status study_path(const study *s, const char *part, const plan_row *row, uint64_t seed, const char *ending, char out[1024]) {
    char name[160];
    lsnn_status status;
    snprintf(name, sizeof name, "%s/%s-seed%" PRIu64 "%s", part, row->name, seed, ending);
    TRY(path_join(out, 1024, s->folder, name));
out:
    return status;
}

static lsnn_status copy_file(const char *from, const char *to) {
    uint8_t *bytes = NULL;
    size_t n;
    lsnn_status status;
    TRY(file_read(from, &bytes, &n));
    TRY(file_write_atomic(to, bytes, n));
out:
    free(bytes);
    return status;
}

/* Are both there, with the same bytes? */
static lsnn_status is_same_file(const char *one, const char *other, bool *same) {
    uint8_t *a = NULL, *b = NULL;
    size_t n_a, n_b;
    lsnn_status status = LSNN_OK;
    *same = false;
    if (file_exists(one) && file_exists(other)) {
        TRY(file_read(one, &a, &n_a));
        TRY(file_read(other, &b, &n_b));
        *same = n_a == n_b && memcmp(a, b, n_a) == 0;
    }
out:
    free(a);
    free(b);
    return status;
}

static lsnn_status open_row(lsnn_experiment **out, const plan_row *row, uint64_t seed) {
    lsnn_experiment *e = NULL;
    lsnn_status status;
    char assignment[64];
    TRY(lsnn_experiment_open(&e, row->experiment));
    for (int i = 0; i < row->n_settings; i++) {
        TRY(lsnn_experiment_set(e, row->settings[i]));
    }
    snprintf(assignment, sizeof assignment, "seed=%" PRIu64, seed);
    TRY(lsnn_experiment_set(e, assignment));
    TRY(experiment_check(e));
    *out = e;
    e = NULL;
out:
    lsnn_experiment_free(e);
    return status;
}

/* Every row can be opened before the first is run: nobody waits a night for a misspelt key. */
static lsnn_status check_rows(const plan *p) {
    for (int k = 0; k < p->n_rows; k++) {
        lsnn_experiment *e = NULL;
        if (!p->rows[k].is_chosen) {
            continue;
        }
        lsnn_status status = open_row(&e, &p->rows[k], 1);
        lsnn_experiment_free(e);
        if (status != LSNN_OK) {
            return fail(status, "row %s: %s", p->rows[k].name, lsnn_error());
        }
    }
    return LSNN_OK;
}

/* Takes the run's result among the records. What was kept beside an earlier one, of a run that has since gone on or was done anew, goes first. */
static lsnn_status keep_record(const study *s, const plan_row *row, uint64_t seed) {
    lsnn_status status;
    const char *const beside[] = {STUDY_CURVES, STUDY_GOALS, STUDY_UTTERANCES};
    char from[1024], to[1024], path[1024];
    bool same;
    TRY(study_path(s, "runs", row, seed, "/result.json", from));
    TRY(study_path(s, "records", row, seed, ".json", to));
    TRY(path_join(path, sizeof path, s->folder, "records"));
    TRY(folder_create(path));
    TRY(is_same_file(from, to, &same));
    for (size_t k = 0; !same && k < sizeof beside / sizeof *beside; k++) {
        TRY(study_path(s, "records", row, seed, beside[k], path));
        unlink(path);
    }
    TRY(copy_file(from, to));
out:
    return status;
}

static bool is_chosen_seed(const plan_row *row, uint64_t seed) {
    for (int i = 0; i < row->n_seeds; i++) {
        if (row->seeds[i] == seed) {
            return true;
        }
    }
    return false;
}

/* A mean is over runs of the same settings: those of other seeds that are there already must have been made with the settings of those to come. */
static lsnn_status check_records(const study *s, const plan_row *row, const study_row *there) {
    lsnn_status status;
    lsnn_experiment *e = NULL;
    char *changes = NULL;
    TRY(open_row(&e, row, 1));
    TRY(record_changes(e, &changes));
    for (int i = 0; i < there->n; i++) {
        const run_record *r = &there->records[i];
        bool same = strcmp(changes, r->changes) == 0 && strcmp(lsnn_experiment_name(e), r->result.experiment) == 0;
        if (!same && !is_chosen_seed(row, r->result.seed)) { /* of a chosen one training looks at the settings itself */
            TRY(fail(LSNN_ERR_USAGE,
                     "%s has a run of row %s, seed %" PRIu64
                     ", that was made with other settings: 'lsnn train %s %s'; choose another --out",
                     s->folder, row->name, r->result.seed, r->result.experiment, r->changes));
        }
    }
out:
    free(changes);
    lsnn_experiment_free(e);
    return status;
}

/* *is_new: there was something left to do. */
static lsnn_status train_row(working *w, const plan_row *row, uint64_t seed, bool *is_new) {
    lsnn_status status;
    lsnn_experiment *e = NULL;
    lsnn_result result = {0};
    char folder[1024], path[1024];
    TRY(study_path(&w->study, "runs", row, seed, "", folder));
    TRY(path_join(path, sizeof path, folder, "settings.yaml"));
    lsnn_run_options options = w->options->run;
    options.out = folder;
    options.resume = file_exists(path);
    options.no_test = w->study.plan.no_test;
    w->n_done++;
    if (w->options->begin != NULL) {
        w->options->begin(w->options->run.user, row->label, seed, w->n_done, w->n_runs);
    }
    TRY(open_row(&e, row, seed));
    status = lsnn_train(e, w->context, &options, &result);
    if (status == LSNN_ERR_NUMERIC) { /* what this network came to; the others may do better */
        run_tell(&w->options->run, "%s, seed %" PRIu64 ": %s", row->label, seed, lsnn_error());
        status = LSNN_OK;
        goto out;
    }
    TRY(status);
    TRY(keep_record(&w->study, row, seed));
    if (study_is_learned(e)) {
        TRY(study_keep_curves(&w->study, row, seed, folder, w->context, &w->run));
    }
    if (study_is_acted(e)) {
        TRY(study_keep_agents(&w->study, row, seed, folder, w->context, &w->run));
    }
    if (study_is_heard(e)) {
        TRY(study_keep_utterances(&w->study, row, seed, folder, w->context, &w->run));
    }
out:
    *is_new = !result.was_finished;
    lsnn_experiment_free(e);
    return status;
}

/* ---- what comes of it ---- */

static lsnn_status keep_models(const study *s) {
    lsnn_status status = LSNN_OK;
    char folder[1024], from[1024], to[1024], name[160];
    TRY(path_join(folder, sizeof folder, s->folder, "models"));
    for (int k = 0; k < s->plan.n_rows; k++) {
        const plan_row *row = &s->plan.rows[k];
        const run_record *best = study_best(&s->rows[k]);
        if (best == NULL) {
            continue;
        }
        TRY(study_path(s, "runs", row, best->result.seed, "/best.safetensors", from));
        if (file_exists(from)) { /* records may be all that is left of a run */
            snprintf(name, sizeof name, "%s.safetensors", row->name);
            TRY(folder_create(folder));
            TRY(path_join(to, sizeof to, folder, name));
            TRY(copy_file(from, to));
        }
    }
out:
    return status;
}

int study_shown_row(const study *s) {
    for (int k = 0; k < s->plan.n_rows; k++) {
        const char *kind = s->rows[k].n > 0 ? s->rows[k].records[0].kind : "";
        if (s->plan.show != NULL ? strcmp(s->plan.show, s->plan.rows[k].name) == 0 : strcmp(kind, "lsnn") == 0) {
            return k;
        }
    }
    return -1;
}

/* What belongs to its task alone. */
static lsnn_status draw_by_task(const working *w, const char *network, const char *probe) {
    lsnn_experiment *e = NULL;
    lsnn_status status;
    TRY(lsnn_experiment_open_run(&e, network));
    if (study_is_learned(e)) {
        TRY(study_keep_beliefs(&w->study, network, w->context, &w->run));
    }
    if (study_is_acted(e)) {
        TRY(study_draw_agent(&w->study, network, probe, w->context, &w->run));
    }
out:
    lsnn_experiment_free(e);
    return status;
}

static lsnn_status draw_network(const working *w) {
    lsnn_status status = LSNN_OK;
    const study *s = &w->study;
    int shown = study_shown_row(s);
    char network[1024], name[160], probe[1024] = "", figure[1024];
    if (shown < 0) {
        return LSNN_OK;
    }
    snprintf(name, sizeof name, "models/%s.safetensors", s->plan.rows[shown].name);
    TRY(path_join(network, sizeof network, s->folder, name));
    if (!file_exists(network)) {
        return LSNN_OK;
    }
    TRY(path_join(probe, sizeof probe, s->folder, "sample.safetensors"));
    TRY(lsnn_probe(network, w->context, &w->run, 0, probe));
    TRY(path_join(figure, sizeof figure, s->folder, "sample.svg"));
    TRY(isnan(s->plan.sample_ms) ? lsnn_plot(probe, figure) : lsnn_plot_start(probe, s->plan.sample_ms, figure));
    TRY(path_join(figure, sizeof figure, s->folder, "connections.svg"));
    TRY(lsnn_plot_connections(network, figure));
    TRY(draw_by_task(w, network, probe));
out:
    if (*probe != '\0') {
        unlink(probe);
    }
    return status;
}

static lsnn_status report(working *w) {
    lsnn_status status;
    TRY(folder_create(w->study.folder));
    TRY(study_collect(&w->study));
    TRY(keep_models(&w->study));
    TRY(study_draw(&w->study));
    TRY(study_write_page(&w->study));
out:
    return status;
}

static lsnn_status run_all(working *w) {
    lsnn_status status = LSNN_OK;
    const plan *p = &w->study.plan;
    TRY(study_collect(&w->study));
    for (int k = 0; k < p->n_rows; k++) {
        if (p->rows[k].is_chosen) {
            TRY(check_records(&w->study, &p->rows[k], &w->study.rows[k]));
            w->n_runs += p->rows[k].n_seeds;
        }
    }
    for (int k = 0; k < p->n_rows; k++) {
        for (int i = 0; p->rows[k].is_chosen && i < p->rows[k].n_seeds; i++) {
            bool is_new;
            TRY(train_row(w, &p->rows[k], p->rows[k].seeds[i], &is_new));
            if (is_new) {
                TRY(report(w));
            }
        }
    }
    TRY(study_collect(&w->study));
    TRY(keep_models(&w->study));
    TRY(draw_network(w));
out:
    return status;
}

static void tell_rows(const working *w) {
    const study *s = &w->study;
    char page[1100];
    snprintf(page, sizeof page, "%s/README.md", s->folder);
    for (int k = 0; w->options->row != NULL && k < s->plan.n_rows; k++) {
        const plan_row *row = &s->plan.rows[k];
        row_summary sum = s->rows[k].n > 0 ? study_summary(&s->rows[k]) : (row_summary){NAN, NAN, NAN};
        w->options->row(w->options->run.user, &(lsnn_study_row){.page = page,
                                                                .name = row->name,
                                                                .label = row->label,
                                                                .score_name = study_score_name(s),
                                                                .n_runs = s->rows[k].n,
                                                                .mean = sum.mean,
                                                                .deviation = sum.deviation,
                                                                .best = sum.best,
                                                                .paper_mean = row->paper_mean,
                                                                .paper_best = row->paper_best});
    }
}

/* The plan is there; does the rest. */
static lsnn_status work(working *w) {
    lsnn_status status;
    const lsnn_study_options *options = w->options;
    study *s = &w->study;
    char path[1024];
    TRY(plan_choose(&s->plan, options->rows, options->seeds, options->settings, options->n_settings));
    TRY(check_rows(&s->plan));
    w->run = options->run;
    w->run.split = s->plan.no_test ? "valid" : "test";
    w->run.seed = 0;
    w->run.resume = false;
    if (options->run.out != NULL) {
        TRY(path_join(path, sizeof path, options->run.out, "records")); /* is there room for the name? */
        snprintf(s->folder, sizeof s->folder, "%s", options->run.out);
    } else {
        snprintf(s->folder, sizeof s->folder, "runs/%.200s", s->plan.name);
    }
    TRY(path_join(path, sizeof path, s->folder, "records"));
    if (options->report_only && !folder_exists(path)) {
        TRY(fail(LSNN_ERR_IO, "%s has no folder records/ to make a page from; leave out --report, or name another by --out", s->folder));
    }
    status = options->report_only ? LSNN_OK : run_all(w);
    if (status == LSNN_OK || status == LSNN_STOPPED) {
        lsnn_status written = report(w);
        status = written != LSNN_OK ? written : status;
    }
    if (status == LSNN_OK) {
        tell_rows(w);
    }
out:
    return status;
}

/* "lsnn reproduce WORD", or with a setting "lsnn sweep WORD --over SETTING=VALUES"; the caller frees it. NULL: no memory. */
static char *command_text(const char *word, const char *setting, const char *values) {
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (to == NULL) {
        return NULL;
    }
    fputs(setting != NULL ? "lsnn sweep " : "lsnn reproduce ", to);
    shell_word_print(to, word);
    if (setting != NULL) {
        fputs(" --over ", to);
        shell_assignment_print(to, setting, values);
    }
    if (fclose(to) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

/* name: as the user gave it, or as the table of tables does. */
static lsnn_status reproduce_table(plan *p, const char *name, lsnn_context *context, const lsnn_study_options *options) {
    working w = {.context = context, .options = options, .study = {.plan = *p}};
    *p = (plan){0}; /* the study's now */
    char *command = command_text(name, NULL, NULL);
    w.study.command = command;
    lsnn_status status = command != NULL ? work(&w) : fail(LSNN_ERR_MEMORY, "no memory for a table of runs");
    study_release(&w.study);
    free(command);
    return status;
}

/* One table after the other, each in a folder of its name. */
static lsnn_status reproduce_tables(const plan *all, lsnn_context *context, const lsnn_study_options *options, bool only_check) {
    lsnn_status status = LSNN_OK;
    plan one = {0};
    char folder[1024];
    for (int k = 0; k < all->n_tables; k++) {
        lsnn_study_options its = *options;
        TRY(plan_open(&one, all->tables[k]));
        if (one.n_tables > 0) {
            TRY(fail(LSNN_ERR_DATA, "%s: %s has tables, too; a table of tables must name those with rows", all->name, one.name));
        }
        if (options->run.out != NULL) {
            TRY(path_join(folder, sizeof folder, options->run.out, one.name));
            its.run.out = folder;
        }
        if (only_check) {
            TRY(plan_choose(&one, NULL, its.seeds, its.settings, its.n_settings));
            TRY(check_rows(&one));
        } else {
            TRY(reproduce_table(&one, all->tables[k], context, &its));
        }
        plan_release(&one);
    }
out:
    plan_release(&one);
    return status;
}

lsnn_status lsnn_reproduce(const char *name, lsnn_context *context, const lsnn_study_options *options) {
    const lsnn_study_options none = {0};
    plan p = {0};
    lsnn_status status;
    options = options != NULL ? options : &none;
    TRY(plan_open(&p, name));
    if (p.n_tables > 0 && options->rows != NULL) {
        TRY(fail(LSNN_ERR_USAGE, "%s is made of tables, which have the rows; name one of those (%s, ...) to choose rows", p.name,
                 p.tables[0]));
    }
    if (p.n_tables > 0) {
        TRY(reproduce_tables(&p, context, options, true));
        TRY(reproduce_tables(&p, context, options, false));
    } else {
        TRY(reproduce_table(&p, name, context, options));
    }
out:
    plan_release(&p);
    return status;
}

lsnn_status lsnn_sweep(const char *experiment, const char *setting, const char *values, lsnn_context *context,
                       const lsnn_study_options *options) {
    const lsnn_study_options none = {0};
    working w = {.context = context, .options = options != NULL ? options : &none};
    lsnn_status status = LSNN_OK;
    char *command = command_text(experiment, setting, values);
    if (command == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for a sweep"));
    }
    w.study.command = command;
    TRY(plan_sweep(&w.study.plan, experiment, setting, values));
    TRY(work(&w));
out:
    study_release(&w.study);
    free(command);
    return status;
}

/* ---- what ships ---- */

typedef struct listing {
    void (*each)(void *user, const char *name, const char *title);
    void *user;
} listing;

static lsnn_status list_one(void *user, const char *name, const char *path) {
    const listing *l = user;
    plan p;
    lsnn_status status = plan_open(&p, path);
    if (status == LSNN_OK) {
        l->each(l->user, name, p.title);
    }
    plan_release(&p);
    return status;
}

lsnn_status lsnn_reproduction_list(void (*each)(void *user, const char *name, const char *title), void *user) {
    return share_each("reproduce", ".yaml", list_one, &(listing){each, user});
}
