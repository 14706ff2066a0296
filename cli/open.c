#include "open.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "report.h"

bool has_ending(const char *path, const char *ending) {
    size_t length = strlen(path), n = strlen(ending);
    return length >= n && strcmp(path + length - n, ending) == 0;
}

bool is_folder(const char *path) {
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static bool is_file(const char *path) {
    struct stat found;
    return stat(path, &found) == 0 && S_ISREG(found.st_mode);
}

bool names_run(const char *name) {
    if (has_ending(name, ".yaml") || has_ending(name, ".yml")) {
        return false;
    }
    char settings[4096];
    snprintf(settings, sizeof settings, "%s/settings.yaml", name);
    return strchr(name, '/') != NULL || has_ending(name, ".safetensors") || is_file(name) || is_file(settings);
}

lsnn_status open_experiment(lsnn_experiment **out, const struct arguments *arguments, bool may_be_run) {
    const char *name = arguments->operands[0];
    lsnn_experiment *experiment = NULL;
    lsnn_status status = LSNN_OK;
    TRY(may_be_run && names_run(name) ? lsnn_experiment_open_run(&experiment, name) : lsnn_experiment_open(&experiment, name));
    for (int i = 0; i < arguments->n_set; i++) {
        TRY(lsnn_experiment_set(experiment, arguments->set[i]));
    }
    if (arguments->seed >= 0) {
        char assignment[40];
        snprintf(assignment, sizeof assignment, "seed=%lld", (long long)arguments->seed);
        TRY(lsnn_experiment_set(experiment, assignment));
    }
    *out = experiment;
    experiment = NULL;
out:
    lsnn_experiment_free(experiment);
    return status;
}
