#include "config/experiment.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/tensorfile.h"
#include "config/experiment_inside.h"
#include "config/share.h"
#include "config/yaml_tree.h"

enum { PATH_SIZE = 4096 };

/* ---- the object ---- */

lsnn_status experiment_memory(void) {
    return fail(LSNN_ERR_MEMORY, "no memory for an experiment's settings");
}

lsnn_status experiment_assign(lsnn_experiment *experiment, size_t index, const char *text, const char *origin) {
    setting *target = &experiment->settings[index];
    option_value value;
    lsnn_status status = option_parse(&value, option_at(index), text);
    if (status == LSNN_OK) {
        option_value_release(&target->value);
        target->value = value;
        target->origin = origin;
    }
    return status;
}

void lsnn_experiment_free(lsnn_experiment *experiment) {
    if (!experiment) {
        return;
    }
    for (size_t i = 0; experiment->settings && i < option_count(); i++) {
        option_value_release(&experiment->settings[i].value);
    }
    free(experiment->settings);
    free(experiment->summary);
    free(experiment);
}

lsnn_status experiment_create(lsnn_experiment **out) {
    lsnn_status status = LSNN_OK;
    lsnn_experiment *experiment = calloc(1, sizeof *experiment);
    if (!experiment || !(experiment->settings = calloc(option_count(), sizeof *experiment->settings)) ||
        !(experiment->summary = strdup(""))) {
        status = experiment_memory();
        goto out;
    }
    for (size_t i = 0; i < option_count(); i++) {
        option_range(option_at(i), experiment->settings[i].range);
        if (option_at(i)->initial) {
            TRY(experiment_assign(experiment, i, option_at(i)->initial, "default"));
        }
    }
    *out = experiment;
    experiment = NULL;
out:
    lsnn_experiment_free(experiment);
    return status;
}

lsnn_status experiment_copy(lsnn_experiment **out, const lsnn_experiment *from) {
    lsnn_status status;
    lsnn_experiment *copy = NULL;
    TRY(experiment_create(&copy));
    memcpy(copy->name, from->name, sizeof copy->name);
    char *summary = strdup(from->summary);
    if (!summary) {
        status = experiment_memory();
        goto out;
    }
    free(copy->summary);
    copy->summary = summary;
    for (size_t i = 0; i < option_count(); i++) {
        TRY(experiment_assign(copy, i, from->settings[i].value.text, from->settings[i].origin));
    }
    *out = copy;
    copy = NULL;
out:
    lsnn_experiment_free(copy);
    return status;
}

/* ---- reading settings ---- */

static const option_value *value_of(const lsnn_experiment *experiment, const char *key, option_type type) {
    size_t index = option_index(key);
    assert(index < option_count() && "a key that is in the options table");
    assert(option_at(index)->type == type && "a setting of this type");
    (void)type;
    return &experiment->settings[index].value;
}

int64_t setting_int(const lsnn_experiment *experiment, const char *key) {
    return value_of(experiment, key, OPTION_INT)->integer;
}

double setting_real(const lsnn_experiment *experiment, const char *key) {
    return value_of(experiment, key, OPTION_REAL)->real;
}

bool setting_bool(const lsnn_experiment *experiment, const char *key) {
    return value_of(experiment, key, OPTION_BOOL)->truth;
}

const char *setting_text(const lsnn_experiment *experiment, const char *key) {
    size_t index = option_index(key);
    bool is_choice = index < option_count() && option_at(index)->type == OPTION_CHOICE;
    return value_of(experiment, key, is_choice ? OPTION_CHOICE : OPTION_TEXT)->text;
}

void setting_spread(const lsnn_experiment *experiment, const char *key, lsnn_spread *out, int *n_values) {
    const option_value *value = value_of(experiment, key, OPTION_SPREAD);
    *out = (lsnn_spread){.low = value->low, .high = value->high, .values = value->list};
    *n_values = value->n_list;
}

const char *experiment_task(const lsnn_experiment *experiment) {
    return setting_text(experiment, "task");
}

bool experiment_uses(const lsnn_experiment *experiment, const option *row) {
    return option_is_for(row, experiment_task(experiment), setting_text(experiment, "net.kind"));
}

const char *lsnn_experiment_get(const lsnn_experiment *experiment, const char *key) {
    size_t index = option_index(key);
    bool known = index < option_count() && experiment_uses(experiment, option_at(index));
    return known ? experiment->settings[index].value.text : NULL;
}

const char *lsnn_experiment_name(const lsnn_experiment *experiment) {
    return experiment->name;
}

void lsnn_experiment_each(const lsnn_experiment *experiment, void (*each)(void *user, const lsnn_setting *setting), void *user) {
    for (size_t i = 0; i < option_count(); i++) {
        const option *row = option_at(i);
        const setting *from = &experiment->settings[i];
        if (experiment_uses(experiment, row)) {
            lsnn_setting shown = {.key = row->key,
                                  .value = from->value.text,
                                  .origin = from->origin,
                                  .unit = row->unit,
                                  .help = row->help,
                                  .range = from->range};
            each(user, &shown);
        }
    }
}

bool experiment_differs(const lsnn_experiment *a, const lsnn_experiment *b, setting_difference *out) {
    for (size_t i = 0; i < option_count(); i++) {
        const option *row = option_at(i);
        const char *in_a = a->settings[i].value.text;
        const char *in_b = lsnn_experiment_get(b, row->key);
        if (experiment_uses(a, row) && strcmp(row->key, "train.iterations") != 0 && (in_b == NULL || strcmp(in_a, in_b) != 0)) {
            *out = (setting_difference){.key = row->key, .in_a = in_a, .in_b = in_b};
            return true;
        }
    }
    return false;
}

/* ---- changing settings ---- */

lsnn_status experiment_find(const lsnn_experiment *experiment, const char *key, size_t *index) {
    const char *task = experiment_task(experiment), *kind = setting_text(experiment, "net.kind");
    size_t found = option_index(key);
    char shown[EXCERPT_SIZE];
    if (found == option_count()) {
        bool plain = strlen(key) < EXCERPT_SIZE && is_printable_line(key) && *key;
        excerpt(shown, key);
        return fail(LSNN_ERR_SETTING, "%s: unknown setting; did you mean %s? ('lsnn show EXPERIMENT' lists all)", plain ? key : shown,
                    option_nearest(key, task, kind));
    }
    const option *row = option_at(found);
    if (row->kinds && !option_is_for(row, task, kind)) {
        return fail(LSNN_ERR_SETTING,
                    "%s: a setting of networks of kind %s, but this experiment's net.kind is %s; leave it out, or set net.kind before it",
                    key, row->kinds, kind);
    }
    if (!option_is_for(row, task, kind)) {
        bool several = strchr(row->tasks, ',');
        return fail(LSNN_ERR_SETTING,
                    "%s: a setting of the task%s %s, but this experiment's task is %s; leave it out ('lsnn show EXPERIMENT' lists all)",
                    key, several ? "s" : "", row->tasks, task);
    }
    *index = found;
    return LSNN_OK;
}

lsnn_status lsnn_experiment_set(lsnn_experiment *experiment, const char *assignment) {
    const char *equals = strchr(assignment, '=');
    if (!equals) {
        char shown[EXCERPT_SIZE];
        excerpt(shown, assignment);
        return fail(LSNN_ERR_SETTING, "%s: not an assignment; write KEY=VALUE, like net.beta=1.8", shown);
    }
    size_t n = (size_t)(equals - assignment), index;
    while (n > 0 && assignment[n - 1] == ' ') {
        n--;
    }
    lsnn_status status;
    char *key = strndup(assignment, n);
    if (!key) {
        return experiment_memory();
    }
    TRY(experiment_find(experiment, key, &index));
    if (strcmp(key, "task") == 0 && strcmp(equals + 1, experiment_task(experiment)) != 0) {
        status = fail(LSNN_ERR_SETTING,
                      "task: is %s in the experiment %s, and can't be changed by an assignment; choose another experiment, or write a file",
                      experiment_task(experiment), experiment->name);
        goto out;
    }
    TRY(experiment_assign(experiment, index, equals + 1, "--set"));
out:
    free(key);
    return status;
}

/* ---- checks over several settings ---- */

static lsnn_status check_list(const lsnn_experiment *experiment, const char *key, int64_t n, const char *one_for_each) {
    const option_value *value = value_of(experiment, key, OPTION_SPREAD);
    if (value->list && value->n_list != n) {
        return fail(LSNN_ERR_SETTING, "%s: a list of %d values, but %s is %lld; give one value for each, one for all, or a range LOW..HIGH",
                    key, value->n_list, one_for_each, (long long)n);
    }
    return LSNN_OK;
}

/* Of spiking networks. */
static lsnn_status check_rewiring(const lsnn_experiment *e) {
    bool balanced = strcmp(setting_text(e, "net.init"), "balanced") == 0;
    if (balanced && setting_real(e, "net.excitatory") < 0) {
        return fail(LSNN_ERR_SETTING,
                    "net.init is balanced, but net.excitatory is -1 (no Dale's law); set net.excitatory, 0.75 in the paper");
    }
    if (setting_real(e, "rewire.connectivity") == 0) {
        return LSNN_OK;
    }
    if (setting_real(e, "net.connectivity") < 1) {
        return fail(LSNN_ERR_SETTING, "net.connectivity is %s and rewire.connectivity %s; with rewiring, leave net.connectivity at 1",
                    lsnn_experiment_get(e, "net.connectivity"), lsnn_experiment_get(e, "rewire.connectivity"));
    }
    if (setting_bool(e, "rewire.soft") && !(setting_real(e, "rewire.l1") > 0 && setting_real(e, "rewire.temperature") > 0)) {
        return fail(LSNN_ERR_SETTING, "rewire.soft with rewire.l1 %s and rewire.temperature %s; both must be above 0",
                    lsnn_experiment_get(e, "rewire.l1"), lsnn_experiment_get(e, "rewire.temperature"));
    }
    return LSNN_OK;
}

static lsnn_status check_neurons(const lsnn_experiment *experiment) {
    enum { MOST_NEURONS = 65535 };
    lsnn_status status;
    int64_t n_adaptive = setting_int(experiment, "net.n_adaptive"), n_rec = setting_int(experiment, "net.n_lif") + n_adaptive;
    if (n_rec < 1 || n_rec > MOST_NEURONS) {
        return fail(LSNN_ERR_SETTING, "net.n_lif + net.n_adaptive is %lld; a network needs 1..%d recurrent neurons", (long long)n_rec,
                    MOST_NEURONS);
    }
    TRY(check_list(experiment, "net.tau_m", n_rec, "net.n_lif + net.n_adaptive"));
    TRY(check_list(experiment, "net.tau_a", n_adaptive, "net.n_adaptive"));
    TRY(check_list(experiment, "net.beta", n_adaptive, "net.n_adaptive"));
    TRY(check_rewiring(experiment));
out:
    return status;
}

lsnn_status experiment_check(const lsnn_experiment *experiment) {
    lsnn_status status = LSNN_OK;
    if (strcmp(setting_text(experiment, "net.kind"), "lsnn") == 0) {
        TRY(check_neurons(experiment));
    }
    if (setting_bool(experiment, "net.bidirectional") && setting_bool(experiment, "train.carry_state")) {
        return fail(
            LSNN_ERR_SETTING,
            "train.carry_state and net.bidirectional are true; a network that sees sequences from their end can't go on with the next: "
            "set one of them to false");
    }
    if (lsnn_experiment_get(experiment, "image.cue_ms") && strcmp(setting_text(experiment, "image.coding"), "crossings") == 0) {
        int64_t cue = setting_int(experiment, "image.cue_ms"), readout = setting_int(experiment, "image.readout_ms");
        if (readout > cue) {
            return fail(LSNN_ERR_SETTING,
                        "image.readout_ms: %lld ms is longer than image.cue_ms, %lld ms, whose last part it is; make it at most that",
                        (long long)readout, (long long)cue);
        }
    }
    if (lsnn_experiment_get(experiment, "arrays.file")) {
        double held_out = setting_real(experiment, "arrays.valid_fraction") + setting_real(experiment, "arrays.test_fraction");
        if (held_out >= 1) {
            return fail(LSNN_ERR_SETTING,
                        "arrays.valid_fraction + arrays.test_fraction is %g, which leaves nothing to train on; make it less than 1",
                        held_out);
        }
    }
out:
    return status;
}

/* ---- files ---- */

/* `path` names the experiment, `file` holds it. */
static lsnn_status open_file(lsnn_experiment **out, const char *path, const char *file, const char *origin) {
    lsnn_status status;
    char name[SHARE_NAME_SIZE];
    char *text = NULL;
    size_t n = 0;
    share_base_name(name, path);
    TRY(yaml_file_read(file, &text, &n));
    TRY(experiment_read(out, file, name, text, n, origin));
out:
    free(text);
    return status;
}

lsnn_status experiment_read_from(lsnn_experiment **out, const tensor_file *file) {
    const char *path = tensor_file_path(file);
    const char *yaml = tensor_file_metadata(file, "settings"), *name = tensor_file_metadata(file, "experiment");
    char base[SHARE_NAME_SIZE];
    if (!yaml) {
        return fail(LSNN_ERR_DATA, "%s: has no settings in its metadata; it is not a model, checkpoint or probe that a run of lsnn wrote",
                    path);
    }
    share_base_name(base, path);
    return experiment_read(out, path, name ? name : base, yaml, strlen(yaml), "run");
}

static lsnn_status open_model(lsnn_experiment **out, const char *path) {
    lsnn_status status;
    tensor_file *file = NULL;
    TRY(tensor_file_open(&file, path));
    TRY(experiment_read_from(out, file));
out:
    tensor_file_close(file);
    return status;
}

/* ---- what ships ---- */

typedef struct listing {
    void (*each)(void *user, const char *name, const char *summary);
    void *user;
} listing;

static lsnn_status list_one(void *user, const char *name, const char *path) {
    const listing *l = user;
    lsnn_experiment *experiment;
    lsnn_status status = open_file(&experiment, path, path, "file");
    if (status == LSNN_OK) {
        l->each(l->user, name, experiment->summary);
        lsnn_experiment_free(experiment);
    }
    return status;
}

lsnn_status lsnn_experiment_list(void (*each)(void *user, const char *name, const char *summary), void *user) {
    return share_each("experiments", ".yaml", list_one, &(listing){each, user});
}

static lsnn_status unknown_experiment(const char *wanted) {
    lsnn_status status;
    char shown[EXCERPT_SIZE], nearest[SHARE_NAME_SIZE];
    TRY(share_nearest("experiments", ".yaml", wanted, nearest));
    excerpt(shown, wanted);
    status = fail(LSNN_ERR_SETTING, "no experiment %s ships; %s%s%s'lsnn list' shows all, and a file of your own ends in .yaml", shown,
                  *nearest ? "did you mean " : "", nearest, *nearest ? "? " : "");
out:
    return status;
}

lsnn_status lsnn_experiment_open(lsnn_experiment **out, const char *name_or_path) {
    lsnn_status status;
    char path[PATH_SIZE];
    bool found;
    if (share_is_path(name_or_path)) {
        return open_file(out, name_or_path, name_or_path, "file");
    }
    TRY(share_find(path, sizeof path, "experiments", name_or_path, ".yaml", &found));
    status = found ? open_file(out, path, path, "file") : unknown_experiment(name_or_path);
out:
    return status;
}

static lsnn_status unknown_run_or_model(const char *text) {
    lsnn_status status;
    char nearest[SHARE_NAME_SIZE] = "";
    if (!share_is_path(text)) {
        TRY(share_nearest("models", ".safetensors", text, nearest));
    }
    status = fail(LSNN_ERR_IO, "%s: neither a run folder, nor a model file, nor a model that ships%s%s; 'lsnn train' writes run folders",
                  text, *nearest ? ", of which the nearest name is " : "", nearest);
out:
    return status;
}

lsnn_status lsnn_experiment_open_run(lsnn_experiment **out, const char *run_or_model) {
    lsnn_status status;
    char path[PATH_SIZE];
    bool found = false;
    if (folder_exists(run_or_model)) {
        TRY(path_join(path, sizeof path, run_or_model, "settings.yaml"));
        if (!file_exists(path)) {
            return fail(LSNN_ERR_IO, "%s: not a run folder: it has no settings.yaml; name a folder that 'lsnn train' wrote", run_or_model);
        }
        return open_file(out, run_or_model, path, "run");
    }
    if (file_exists(run_or_model)) {
        return open_model(out, run_or_model);
    }
    if (!share_is_path(run_or_model)) {
        TRY(share_find(path, sizeof path, "models", run_or_model, ".safetensors", &found));
    }
    status = found ? open_model(out, path) : unknown_run_or_model(run_or_model);
out:
    return status;
}
