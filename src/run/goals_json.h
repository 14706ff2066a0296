/* Goals in JSON, as records have them (docs/files.md). */
#ifndef LSNN_RUN_GOALS_JSON_H
#define LSNN_RUN_GOALS_JSON_H

#include "lsnn.h"

#include <jansson.h>

json_t *json_of_goals(const lsnn_goals *goals);
/* What is not there is NaN; NULL: all 0. */
lsnn_goals goals_of_json(const json_t *object);

#endif
