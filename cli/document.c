/* lsnn document: what the build makes from the tables. The man pages are in man_pages.c, the completion in completion.c. */
#include "document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "report.h"

/* One row of the table of settings; the same setting may be used by several tasks. */
struct row {
    char *key, *value, *unit, *range, *help, *tasks;
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
    if (asprintf(&tasks, "%s%s%s", row->tasks != NULL ? row->tasks : "", row->tasks != NULL ? ", " : "", table->task) < 0) {
        table->has_failed = true;
        return;
    }
    free(row->tasks);
    row->tasks = tasks;
    row->n_tasks++;
    table->has_failed = table->has_failed || row->value == NULL || row->unit == NULL || row->range == NULL || row->help == NULL;
}

/* Opens an experiment file that says nothing but its task, so that everything else is the default. */
static lsnn_status open_task(lsnn_experiment **out, const char *task) {
    const char *folder = getenv("TMPDIR");
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/lsnn-XXXXXX.yaml", folder != NULL && folder[0] != '\0' ? folder : "/tmp");
    int number = length > 0 && (size_t)length < sizeof path ? mkstemps(path, (int)strlen(".yaml")) : -1;
    FILE *file = number >= 0 ? fdopen(number, "w") : NULL;
    if (file == NULL) {
        complain(LSNN_ERR_IO, "can't write a temporary file %s: %s", path, strerror(errno));
        return LSNN_ERR_IO;
    }
    fprintf(file, "task: %s\n", task);
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

static void find_tasks(void *user, const lsnn_setting *setting) {
    char **tasks = user;
    if (strcmp(setting->key, "task") == 0 && *tasks == NULL) {
        *tasks = strdup(setting->range);
    }
}

static void find_first(void *user, const char *name, const char *summary) {
    (void)summary;
    char **first = user;
    if (*first == NULL) {
        *first = strdup(name);
    }
}

/* "a|b|c", every task that there is: any experiment knows, from the range of its setting `task`. NULL: said why. */
static char *all_tasks(void) {
    char *first = NULL, *tasks = NULL;
    lsnn_experiment *experiment = NULL;
    lsnn_status status = LSNN_OK;
    TRY(lsnn_experiment_list(find_first, &first));
    TRY(lsnn_experiment_open(&experiment, first != NULL ? first : "digits"));
    lsnn_experiment_each(experiment, find_tasks, &tasks);
    if (tasks == NULL) {
        complain(LSNN_ERR_MEMORY, "not enough memory for the settings");
    }
out:
    report(status);
    free(first);
    lsnn_experiment_free(experiment);
    return tasks;
}

int print_settings(void) {
    struct table table = {0};
    lsnn_status status = LSNN_OK;
    char *tasks = all_tasks();
    if (tasks == NULL) {
        return lsnn_status_exit_code(LSNN_ERR_IO);
    }
    char *rest = NULL;
    for (char *task = strtok_r(tasks, "|", &rest); task != NULL && status == LSNN_OK; task = strtok_r(NULL, "|", &rest)) {
        lsnn_experiment *experiment = NULL;
        status = open_task(&experiment, task);
        if (status == LSNN_OK) {
            table.task = task;
            table.n_tasks++;
            lsnn_experiment_each(experiment, add_setting, &table);
            lsnn_experiment_free(experiment);
        }
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
