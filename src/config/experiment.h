/* The settings of one experiment (lsnn_experiment of the public header), as the other rooms read them. */
#ifndef LSNN_CONFIG_EXPERIMENT_H
#define LSNN_CONFIG_EXPERIMENT_H

#include "base/error.h"
#include "base/tensorfile.h"

/* A setting's value by its key (config/options.h). An unknown key, or one of another type, is a bug: assert. */
int64_t setting_int(const lsnn_experiment *experiment, const char *key);
double setting_real(const lsnn_experiment *experiment, const char *key);
bool setting_bool(const lsnn_experiment *experiment, const char *key);
/* TEXT and CHOICE; borrowed, until the setting changes. */
const char *setting_text(const lsnn_experiment *experiment, const char *key);
/* A list: out->values [*n_values], borrowed until the setting changes. Else out->values NULL, out->low..high, *n_values 0.
 * A list's length is right once experiment_check has passed: n_rec for net.tau_m, n_adaptive for net.tau_a and net.beta. */
void setting_spread(const lsnn_experiment *experiment, const char *key, lsnn_spread *out, int *n_values);

/* Checks what no setting can be checked for alone: sizes, the lengths of lists, what has to fit into what. Opening and setting do not call it,
 * as the assignments that put things right may still be to come: whoever uses an experiment calls it first. Errors: SETTING. */
lsnn_status experiment_check(const lsnn_experiment *experiment);

/* All settings in force of the experiment's task as YAML, which experiment_parse reads back to the same settings. The caller frees *yaml.
 * Errors: MEMORY. */
lsnn_status experiment_print(const lsnn_experiment *experiment, char **yaml);
/* Reads YAML text over the defaults. `name` is the experiment's unless the text has one, and stands in front of messages; `origin` (a literal:
 * it is kept) is where the values are said to be from. Errors: DATA (not YAML), SETTING, MEMORY. */
lsnn_status experiment_parse(lsnn_experiment **out, const char *name, const char *yaml, const char *origin);
/* The settings that a model, checkpoint or probe was made with, from its metadata. Errors: DATA (there are none), SETTING, MEMORY. */
lsnn_status experiment_read_from(lsnn_experiment **out, const tensor_file *file);
/* The first setting, but for train.iterations, in which two experiments differ, with the values of both (borrowed; in_b NULL: it is not one of b's task); false: none. */
typedef struct setting_difference {
    const char *key, *in_a, *in_b;
} setting_difference;
bool experiment_differs(const lsnn_experiment *a, const lsnn_experiment *b, setting_difference *out);
/* The same settings with the same origins. Errors: MEMORY. */
lsnn_status experiment_copy(lsnn_experiment **out, const lsnn_experiment *from);

#endif
