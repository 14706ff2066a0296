/* lsnn reproduce. */
#include "study.h"

#include <stdio.h>

static void print_table(void *user, const char *name, const char *title) {
    (void)user;
    printf("%-20s %s\n", name, title);
}

static void add_table(void *user, const char *name, const char *title) {
    json_array_append_new(user, json_pack("{s:o, s:o}", "name", json_text(name), "title", json_text(title)));
}

static int list_tables(const struct arguments *arguments) {
    if (!arguments->json) {
        return report(lsnn_reproduction_list(print_table, NULL));
    }
    json_t *tables = json_array();
    int code = report(lsnn_reproduction_list(add_table, tables));
    if (code != 0) {
        json_decref(tables);
        return code;
    }
    return print_json(json_pack("{s:o, s:s}", "tables", tables, "version", lsnn_version()));
}

int command_reproduce(const struct arguments *arguments) {
    struct study study;
    if (arguments->n_operands == 0) {
        return list_tables(arguments);
    }
    lsnn_status status = study_begin(&study, arguments);
    if (status == LSNN_OK) {
        status = lsnn_reproduce(arguments->operands[0], study.context, &study.options);
    }
    return study_end(&study, status, arguments);
}
