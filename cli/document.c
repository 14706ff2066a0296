/* lsnn document: what the build makes from the tables. The man pages are in man_pages.c, the completion in completion.c. */
#include "document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "report.h"

/* One row of the table of settings; the same setting may be used by several tasks, and with several kinds of network. */
struct row {
    char *key, *value, *unit, *range, *help, *tasks;
    const char *task; /* the last one that was added */
    int n_tasks;
};

struct table {
    struct row *rows;
    size_t n_rows;
    int n_tasks;
    const char *task; /* whose settings are being added */
    bool has_failed;  /* no memory */
};

static void free_table(struct table *table) {
    for (size_t i = 0; i < table->n_rows; i++) {
        struct row *row = &table->rows[i];
        char *texts[] = {row->key, row->value, row->unit, row->range, row->help, row->tasks};
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
            free(texts[k]);
        }
    }
    free(table->rows);
}

/* The row of that key, which is added where its group ends, so that groups stay together. NULL: no memory. */
static struct row *find_or_add(struct table *table, const char *key) {
    size_t at = table->n_rows, length = strcspn(key, ".") + 1;
    for (size_t i = 0; i < table->n_rows; i++) {
        if (strcmp(table->rows[i].key, key) == 0) {
            return &table->rows[i];
        }
        if (strncmp(table->rows[i].key, key, length) == 0) {
            at = i + 1;
        }
    }
    struct row *rows = realloc(table->rows, (table->n_rows + 1) * sizeof *rows);
    if (rows == NULL) {
        return NULL;
    }
    table->rows = rows;
    memmove(rows + at + 1, rows + at, (table->n_rows - at) * sizeof *rows);
    rows[at] = (struct row){.key = strdup(key)};
    table->n_rows++;
    return &rows[at];
}

static void add_setting(void *user, const lsnn_setting *setting) {
    struct table *table = user;
    struct row *row = find_or_add(table, setting->key);
    if (row == NULL || row->key == NULL) {
        table->has_failed = true;
        return;
    }
    if (row->value == NULL) {
        row->value = strdup(strcmp(setting->origin, "default") == 0 ? setting->value : "");
        row->unit = strdup(setting->unit != NULL ? setting->unit : "");
        row->range = strdup(setting->range != NULL ? setting->range : "");
        row->help = strdup(setting->help != NULL ? setting->help : "");
    }
    char *tasks = NULL;
    if (row->task == table->task) {
        return; /* with another kind of network */
    }
    row->task = table->task;
    if (asprintf(&tasks, "%s%s%s", row->tasks != NULL ? row->tasks : "", row->tasks != NULL ? ", " : "", table->task) < 0) {
        table->has_failed = true;
        return;
    }
    free(row->tasks);
    row->tasks = tasks;
    row->n_tasks++;
    table->has_failed = table->has_failed || row->value == NULL || row->unit == NULL || row->range == NULL || row->help == NULL;
}

/* Opens an experiment file that says nothing but its task and kind of network (NULL: the default), so that everything else is the default. */
static lsnn_status open_task(lsnn_experiment **out, const char *task, const char *kind) {
    const char *folder = getenv("TMPDIR");
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/lsnn-XXXXXX.yaml", folder != NULL && folder[0] != '\0' ? folder : "/tmp");
    int number = length > 0 && (size_t)length < sizeof path ? mkstemps(path, (int)strlen(".yaml")) : -1;
    FILE *file = number >= 0 ? fdopen(number, "w") : NULL;
    if (file == NULL) {
        complain(LSNN_ERR_IO, "can't write a temporary file %s: %s", path, strerror(errno));
        return LSNN_ERR_IO;
    }
    fprintf(file, kind != NULL ? "task: %s\nnet:\n  kind: %s\n" : "task: %s\n", task, kind);
    fclose(file);
    lsnn_status status = lsnn_experiment_open(out, path);
    unlink(path);
    if (status != LSNN_OK) {
        report(status);
    }
    return status;
}

static void print_cell(const char *text) {
    fputs("| ", stdout);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '|') {
            putchar('\\');
        }
        putchar(*c);
    }
    putchar(' ');
}

static void print_table(const struct table *table) {
    puts("| setting | default | range | unit | meaning | tasks |");
    puts("|---|---|---|---|---|---|");
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct row *row = &table->rows[i];
        const char *cells[] = {row->key, row->value, row->range, row->unit, row->help, row->n_tasks == table->n_tasks ? "all" : row->tasks};
        for (size_t k = 0; k < sizeof cells / sizeof cells[0]; k++) {
            print_cell(cells[k]);
        }
        puts("|");
    }
}

/* What a setting can be, "a|b|c". */
struct choices {
    const char *key;
    char *range;
};

static void find_choices(void *user, const lsnn_setting *setting) {
    struct choices *choices = user;
    if (strcmp(setting->key, choices->key) == 0 && choices->range == NULL) {
        choices->range = strdup(setting->range);
    }
}

static void find_first(void *user, const char *name, const char *summary) {
    (void)summary;
    char **first = user;
    if (*first == NULL) {
        *first = strdup(name);
    }
}

/* "a|b|c", everything that the setting `key` can be: any experiment knows. NULL: said why. */
static char *all_choices(const char *key) {
    char *first = NULL;
    struct choices choices = {.key = key};
    lsnn_experiment *experiment = NULL;
    lsnn_status status = LSNN_OK;
    TRY(lsnn_experiment_list(find_first, &first));
    TRY(lsnn_experiment_open(&experiment, first != NULL ? first : "digits"));
    lsnn_experiment_each(experiment, find_choices, &choices);
    if (choices.range == NULL) {
        complain(LSNN_ERR_MEMORY, "not enough memory for the settings");
    }
out:
    report(status);
    free(first);
    lsnn_experiment_free(experiment);
    return choices.range;
}

/* Adds the settings of one task, with each kind of network ("a|b|c"). */
static lsnn_status add_task(struct table *table, const char *task, const char *kinds) {
    lsnn_status status = LSNN_OK;
    char kind[32];
    table->task = task;
    table->n_tasks++;
    for (const char *at = kinds; *at != '\0'; at += strspn(at, "|")) {
        lsnn_experiment *experiment = NULL;
        size_t length = strcspn(at, "|");
        snprintf(kind, sizeof kind, "%.*s", (int)length, at);
        at += length;
        TRY(open_task(&experiment, task, at == kinds + length ? NULL : kind)); /* the first is the default, and says so */
        lsnn_experiment_each(experiment, add_setting, table);
        lsnn_experiment_free(experiment);
    }
out:
    return status;
}

int print_settings(void) {
    struct table table = {0};
    lsnn_status status = LSNN_OK;
    char *tasks = all_choices("task");
    char *kinds = all_choices("net.kind");
    if (tasks == NULL || kinds == NULL) {
        free(tasks);
        free(kinds);
        return lsnn_status_exit_code(LSNN_ERR_IO);
    }
    char *rest = NULL;
    for (char *task = strtok_r(tasks, "|", &rest); task != NULL && status == LSNN_OK; task = strtok_r(NULL, "|", &rest)) {
        status = add_task(&table, task, kinds);
    }
    int code = lsnn_status_exit_code(status);
    if (table.has_failed) {
        code = complain(LSNN_ERR_MEMORY, "not enough memory for the settings");
    }
    if (code == 0) {
        print_table(&table);
    }
    free_table(&table);
    free(tasks);
    free(kinds);
    return code;
}

int command_document(const struct arguments *arguments) {
    const char *what = arguments->operands[0];
    if (strcmp(what, "man") == 0 && arguments->n_operands == 2) {
        return write_man_pages(arguments->operands[1]);
    }
    if (strcmp(what, "completion") == 0 && arguments->n_operands == 1) {
        return print_completion();
    }
    if (strcmp(what, "settings") == 0 && arguments->n_operands == 1) {
        return print_settings();
    }
    return complain(LSNN_ERR_USAGE, "lsnn document needs %s", arguments->command->operands);
}
