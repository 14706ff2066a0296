/* lsnn list: the experiments that ship. */
#include <string.h>

#include "command.h"
#include "report.h"

static void print_experiment(void *user, const char *name, const char *summary) {
    (void)user;
    printf("%-20s %s\n", name, summary);
}

static void add_experiment(void *user, const char *name, const char *summary) {
    json_array_append_new(user, json_pack("{s:o, s:o}", "name", json_text(name), "summary", json_text(summary)));
}

int command_list(const struct arguments *arguments) {
    if (!arguments->json) {
        return report(lsnn_experiment_list(print_experiment, NULL));
    }
    json_t *experiments = json_array();
    int code = report(lsnn_experiment_list(add_experiment, experiments));
    if (code != 0) {
        json_decref(experiments);
        return code;
    }
    return print_json(json_pack("{s:o, s:s}", "experiments", experiments, "version", lsnn_version()));
}
