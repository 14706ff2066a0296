/* lsnn data list, lsnn data get NAME. */
#include <string.h>

#include "command.h"
#include "progress.h"
#include "report.h"
#include "stop.h"

static void print_set(void *user, const lsnn_data_set *set) {
    (void)user;
    printf("%-12s %-8s %s (%s)\n%22s%s\n", set->name, set->present ? "present" : "missing", set->summary, set->licence, "", set->path);
}

static void add_set(void *user, const lsnn_data_set *set) {
    json_array_append_new(user, json_pack("{s:o, s:o, s:o, s:o, s:b}", "name", json_text(set->name), "summary", json_text(set->summary),
                                          "licence", json_text(set->licence), "path", json_text(set->path), "present", (int)set->present));
}

static int list(const struct arguments *arguments) {
    if (!arguments->json) {
        return report(lsnn_data_list(arguments->data, print_set, NULL));
    }
    json_t *sets = json_array();
    int code = report(lsnn_data_list(arguments->data, add_set, sets));
    if (code != 0) {
        json_decref(sets);
        return code;
    }
    return print_json(json_pack("{s:o, s:s}", "data_sets", sets, "version", lsnn_version()));
}

struct wanted {
    const char *name;
    bool is_known;
};

static void print_place(void *user, const lsnn_data_set *set) {
    struct wanted *wanted = user;
    if (strcmp(set->name, wanted->name) == 0) {
        wanted->is_known = true;
        printf("%s\n", set->path);
    }
}

static int get(const struct arguments *arguments) {
    struct progress progress;
    progress_init(&progress, arguments->quiet, stop_on_signal());
    struct wanted wanted = {.name = arguments->operands[1]};
    lsnn_data_options options = {.folder = arguments->data, .progress = progress_download, .message = progress_message, .user = &progress};
    lsnn_status status = lsnn_data_get(wanted.name, &options);
    progress_end(&progress);
    if (status == LSNN_STOPPED) {
        fputs("what has come is kept; the same command goes on from there\n", stderr);
        return lsnn_status_exit_code(status);
    }
    if (status == LSNN_OK) {
        status = lsnn_data_list(arguments->data, print_place, &wanted);
    }
    return report(status);
}

int command_data(const struct arguments *arguments) {
    const char *action = arguments->operands[0];
    if (strcmp(action, "list") == 0 && arguments->n_operands == 1) {
        return list(arguments);
    }
    if (strcmp(action, "get") == 0 && arguments->n_operands == 2) {
        return get(arguments);
    }
    return complain(LSNN_ERR_USAGE, "lsnn data needs 'list' or 'get NAME', not '%s%s'", action, arguments->n_operands > 1 ? " ..." : "");
}
