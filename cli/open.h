/* Opening what the user names: an experiment, a file, a run. */
#ifndef LSNN_CLI_OPEN_H
#define LSNN_CLI_OPEN_H

#include "arguments.h"
#include "lsnn.h"

/* Opens the experiment of the first operand and applies --set and --seed. Unless may_be_run, the operand is an experiment's name or YAML file. */
lsnn_status open_experiment(lsnn_experiment **out, const struct arguments *arguments, bool may_be_run);

/* Is it a run folder or a model, not an experiment? A folder that happens to have an experiment's name is a run only if it holds a run's settings. */
bool names_run(const char *name);
bool has_ending(const char *path, const char *ending);
bool is_folder(const char *path);

#endif
