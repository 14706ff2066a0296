#include "run/goals_json.h"

#include "base/json_number.h"

static const struct {
    const char *name;
    size_t at;
} numbers[] = {
#define NUMBER(name) \
    { #name, offsetof(lsnn_goals, name) }
    NUMBER(per_episode), NUMBER(per_episode_interval), NUMBER(found), NUMBER(first_mean), NUMBER(first_median),
    NUMBER(return_mean), NUMBER(return_median),        NUMBER(ratio), NUMBER(reward),
#undef NUMBER
};

static json_t *json_of_row(const double *row) {
    json_t *list = json_array();
    for (int k = 0; k < LSNN_GOALS_IN_A_ROW; k++) {
        json_array_append_new(list, json_of_number(row[k]));
    }
    return list;
}

json_t *json_of_goals(const lsnn_goals *goals) {
    json_t *object = json_object();
    json_object_set_new(object, "n_episodes", json_integer(goals->n_episodes));
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        json_object_set_new(object, numbers[k].name, json_of_number(*(const double *)((const char *)goals + numbers[k].at)));
    }
    json_object_set_new(object, "in_a_row", json_of_row(goals->in_a_row));
    json_object_set_new(object, "reached", json_of_row(goals->reached));
    return object;
}

static void read_row(const json_t *list, double *out) {
    for (size_t k = 0; k < LSNN_GOALS_IN_A_ROW; k++) {
        const json_t *value = json_array_get(list, k);
        out[k] = json_is_number(value) ? json_number_value(value) : NAN;
    }
}

lsnn_goals goals_of_json(const json_t *object) {
    lsnn_goals goals = {.n_episodes = json_integer_value(json_object_get(object, "n_episodes"))};
    if (object == NULL) {
        return goals;
    }
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        *(double *)((char *)&goals + numbers[k].at) = json_number_at(object, numbers[k].name);
    }
    read_row(json_object_get(object, "in_a_row"), goals.in_a_row);
    read_row(json_object_get(object, "reached"), goals.reached);
    return goals;
}
