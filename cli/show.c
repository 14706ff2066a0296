/* lsnn show: settings in force, and what the network needs. */
#include <string.h>

#include "command.h"
#include "open.h"
#include "report.h"

struct widths {
    int key, value, unit;
};

static void widen(int *width, const char *text) {
    int length = (int)strlen(text);
    *width = length > *width ? length : *width;
}

static void measure_setting(void *user, const lsnn_setting *setting) {
    struct widths *widths = user;
    widen(&widths->key, setting->key);
    widen(&widths->value, setting->value);
    widen(&widths->unit, setting->unit != NULL ? setting->unit : "");
}

/* What was changed stands out. */
static void print_setting(void *user, const lsnn_setting *setting) {
    const struct widths *widths = user;
    colour_room bold, normal;
    bool is_default = strcmp(setting->origin, "default") == 0;
    printf("%-*s  %s%-*s%s  %-*s  %s\n", widths->key, setting->key, is_default ? "" : colour(stdout, "1", &bold), widths->value,
           setting->value, is_default ? "" : colour(stdout, "0", &normal), widths->unit, setting->unit != NULL ? setting->unit : "",
           setting->origin);
}

static void add_setting(void *user, const lsnn_setting *setting) {
    json_object_set_new(
        user, setting->key,
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "value", json_text(setting->value), "unit", json_text(setting->unit), "origin",
                  json_text(setting->origin), "range", json_text(setting->range), "help", json_text(setting->help)));
}

static void print_needs(const lsnn_needs *needs, bool two) {
    number_room memory;
    static const char in_two[] = " in two networks";
    bool spikes = strcmp(needs->kind, "lsnn") == 0;
    if (spikes) {
        printf("neurons     %d inputs, %d recurrent (%d LIF, %d adaptive)%s, %d outputs\n", needs->n_in, needs->n_rec, needs->n_lif,
               needs->n_adaptive, two ? in_two : "", needs->n_out);
    } else {
        printf("network     %d inputs, %d %s%s, %d outputs\n", needs->n_in, needs->n_rec, needs->unit, two ? in_two : "", needs->n_out);
    }
    printf("%s    %lld input, %lld recurrent, %lld readout\n", spikes ? "synapses" : "weights ", (long long)needs->n_synapses_in,
           (long long)needs->n_synapses_rec, (long long)needs->n_synapses_out);
    printf("parameters  %lld\n", (long long)needs->n_params);
    printf("sequences   %d steps, %d side by side\n", needs->n_steps, needs->n_batch);
    printf("memory      %s while training\n", format_bytes(needs->memory_bytes, &memory));
}

/* A run's or a model's synapses, if it was rewired; without a word if that can't be read, as settings are what show is for. */
static bool find_synapses(const struct arguments *arguments, lsnn_synapse_count counts[3]) {
    bool rewired = false;
    return names_run(arguments->operands[0]) && lsnn_run_synapses(arguments->operands[0], counts, &rewired) == LSNN_OK && rewired;
}

static const char *const matrices[3] = {"w_in", "w_rec", "w_out"};

static void print_synapses(const lsnn_synapse_count *counts) {
    for (int q = 0; q < 3; q++) {
        const lsnn_synapse_count *c = &counts[q];
        printf("%-10s  %lld of %lld possible synapses live (%.1f %%), %lld were born and %lld died in rewiring\n", matrices[q],
               (long long)c->live, (long long)c->possible, c->possible > 0 ? 100.0 * (double)c->live / (double)c->possible : 0,
               (long long)c->born, (long long)c->died);
    }
}

static json_t *json_synapses(const lsnn_synapse_count *counts) {
    json_t *object = json_object();
    for (int q = 0; q < 3; q++) {
        const lsnn_synapse_count *c = &counts[q];
        json_object_set_new(object, matrices[q],
                            json_pack("{s:I, s:I, s:I, s:I}", "possible", (json_int_t)c->possible, "live", (json_int_t)c->live, "born",
                                      (json_int_t)c->born, "died", (json_int_t)c->died));
    }
    return object;
}

static json_t *json_needs(const lsnn_needs *needs) {
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:o}", "kind", needs->kind, "n_in", needs->n_in, "n_lif",
                     needs->n_lif, "n_adaptive", needs->n_adaptive, "n_rec", needs->n_rec, "n_out", needs->n_out, "n_steps", needs->n_steps,
                     "n_batch", needs->n_batch, "n_synapses_in", (json_int_t)needs->n_synapses_in, "n_synapses_rec",
                     (json_int_t)needs->n_synapses_rec, "n_synapses_out", (json_int_t)needs->n_synapses_out, "n_params",
                     (json_int_t)needs->n_params, "memory_bytes", json_number(needs->memory_bytes));
}

static int show_json(const lsnn_experiment *experiment, lsnn_status needs_status, const lsnn_needs *needs,
                     const lsnn_synapse_count *synapses) {
    json_t *settings = json_object();
    lsnn_experiment_each(experiment, add_setting, settings);
    bool is_known = needs_status == LSNN_OK;
    return print_json(json_pack("{s:o, s:o, s:o, s:o, s:o, s:s}", "experiment", json_text(lsnn_experiment_name(experiment)), "settings",
                                settings, "needs", is_known ? json_needs(needs) : json_null(), "needs_error",
                                is_known ? json_null() : json_text(lsnn_error()), "synapses",
                                synapses != NULL ? json_synapses(synapses) : json_null(), "version", lsnn_version()));
}

static int show_text(const lsnn_experiment *experiment, lsnn_status needs_status, const lsnn_needs *needs,
                     const lsnn_synapse_count *synapses) {
    struct widths widths = {0};
    printf("experiment  %s\n\n", lsnn_experiment_name(experiment));
    lsnn_experiment_each(experiment, measure_setting, &widths);
    lsnn_experiment_each(experiment, print_setting, &widths);
    putchar('\n');
    if (needs_status == LSNN_OK) {
        const char *two = lsnn_experiment_get(experiment, "net.bidirectional");
        print_needs(needs, two != NULL && strcmp(two, "true") == 0);
    } else {
        printf("what the network needs is not known: %s\n", lsnn_error());
    }
    if (synapses != NULL) {
        print_synapses(synapses);
    }
    return 0;
}

int command_show(const struct arguments *arguments) {
    lsnn_experiment *experiment = NULL;
    lsnn_status status = open_experiment(&experiment, arguments, true);
    if (status != LSNN_OK) {
        return report(status);
    }
    lsnn_synapse_count counts[3];
    bool rewired = find_synapses(arguments, counts);
    lsnn_needs needs = {0};
    status = lsnn_experiment_needs(experiment, arguments->data, &needs);
    const lsnn_synapse_count *synapses = rewired ? counts : NULL;
    int code = arguments->json ? show_json(experiment, status, &needs, synapses) : show_text(experiment, status, &needs, synapses);
    if (status == LSNN_OK || status == LSNN_ERR_DATA || status == LSNN_ERR_IO) {
        status = LSNN_OK; /* data that are not there yet take nothing from the settings */
    }
    lsnn_experiment_free(experiment);
    return status != LSNN_OK ? report(status) : code;
}
