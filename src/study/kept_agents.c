#include "study/kept_agents.h"

#include "base/json_list.h"
#include "run/goals_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 6, MOST_EPISODES = 10000000 };

static const char kind[] = "agents";

void kept_agents_release(kept_agents *kept) {
    free(kept->episode);
    *kept = (kept_agents){0};
}

static lsnn_status reserve_episodes(kept_agents *kept, int64_t n) {
    free(kept->episode);
    kept->episode = calloc((size_t)n, sizeof *kept->episode);
    return kept->episode != NULL ? LSNN_OK : fail(LSNN_ERR_MEMORY, "no memory for %lld episodes", (long long)n);
}

/* ---- from a network ---- */

typedef struct taking {
    kept_agents *out;
    lsnn_status status;
} taking;

static kept_agent copy_of(const lsnn_agent *agent) {
    kept_agent copy = {.goals = agent->goals, .before_move = agent->before_move, .after_move = agent->after_move};
    snprintf(copy.name, sizeof copy.name, "%s", agent->name);
    return copy;
}

static void take_agent(void *user, const lsnn_agent *agent) {
    taking *t = user;
    kept_agents *out = t->out;
    if (out->n == 0) {
        t->status = reserve_episodes(out, agent->goals.n_episodes);
        if (t->status == LSNN_OK) {
            memcpy(out->episode, agent->episode, (size_t)agent->goals.n_episodes * sizeof *out->episode);
        }
    }
    if (t->status == LSNN_OK && out->n < KEPT_MOST_AGENTS) {
        out->agent[out->n++] = copy_of(agent);
    }
}

static void take_moved(void *user, const lsnn_agent *agent) {
    kept_agents *out = user;
    if (agent->after_move.n_episodes > 0 && out->n_moved < KEPT_MOST_AGENTS) {
        out->moved[out->n_moved++] = copy_of(agent);
    }
}

lsnn_status kept_agents_take(kept_agents *out, const char *run_or_model, lsnn_context *context, const lsnn_run_options *options,
                             int64_t move_ms) {
    lsnn_status status = LSNN_OK;
    taking t = {.out = out};
    char assignment[64];
    const char *settings[] = {assignment};
    *out = (kept_agents){0};
    TRY(lsnn_compare_agents(run_or_model, context, options, take_agent, &t));
    TRY(t.status);
    if (move_ms > 0) {
        lsnn_run_options moving = *options;
        snprintf(assignment, sizeof assignment, "navigation.move_ms=%" PRId64, move_ms);
        moving.settings = settings;
        moving.n_settings = 1;
        TRY(lsnn_compare_agents(run_or_model, context, &moving, take_moved, out));
    }
out:
    return status;
}

/* ---- writing ---- */

/* Numbers `at` bytes into each episode. */
static json_t *json_of_episodes(const lsnn_episode_goals *episode, int64_t n, size_t at) {
    json_t *list = json_array();
    for (int64_t k = 0; k < n; k++) {
        json_array_append_new(list, json_of_number(*(const double *)((const char *)&episode[k] + at)));
    }
    return list;
}

static json_t *json_of_agent(const kept_agent *agent) {
    json_t *object = json_pack("{s:s, s:o}", "name", agent->name, "goals", json_of_goals(&agent->goals));
    if (agent->after_move.n_episodes > 0) {
        json_object_set_new(object, "before_move", json_of_goals(&agent->before_move));
        json_object_set_new(object, "after_move", json_of_goals(&agent->after_move));
    }
    return object;
}

lsnn_status kept_agents_save(const kept_agents *kept, int n_agents, const char *path) {
    json_t *list = json_array();
    for (int k = 0; k < kept->n && k < n_agents; k++) {
        json_t *object = json_of_agent(&kept->agent[k]);
        if (k == 0) {
            int64_t n = kept->agent[0].goals.n_episodes;
            json_object_set_new(object, "episode_goals", json_of_episodes(kept->episode, n, offsetof(lsnn_episode_goals, goals)));
            json_object_set_new(object, "episode_first", json_of_episodes(kept->episode, n, offsetof(lsnn_episode_goals, first)));
            json_object_set_new(object, "episode_returning", json_of_episodes(kept->episode, n, offsetof(lsnn_episode_goals, returning)));
        }
        json_array_append_new(list, object);
    }
    for (int k = 0; k < kept->n_moved && k < n_agents; k++) {
        json_array_append_new(list, json_of_agent(&kept->moved[k]));
    }
    return json_list_save(path, kind, list, DIGITS);
}

/* ---- reading ---- */

static lsnn_status load_agent(kept_agent *out, const json_t *object, const char *path) {
    const char *name = json_string_value(json_object_get(object, "name"));
    *out = (kept_agent){.goals = goals_of_json(json_object_get(object, "goals")),
                        .before_move = goals_of_json(json_object_get(object, "before_move")),
                        .after_move = goals_of_json(json_object_get(object, "after_move"))};
    if (name == NULL || out->goals.n_episodes < 1 || out->goals.n_episodes > MOST_EPISODES) {
        return json_list_damaged(path, "an agent");
    }
    snprintf(out->name, sizeof out->name, "%s", name);
    return LSNN_OK;
}

static lsnn_status load_numbers(kept_agents *out, const json_t *object, const char *key, size_t at, double *numbers, const char *path) {
    int64_t n = out->agent[0].goals.n_episodes;
    lsnn_status status = json_numbers_at(object, key, numbers, (size_t)n, path);
    for (int64_t k = 0; k < n && status == LSNN_OK; k++) {
        *(double *)((char *)&out->episode[k] + at) = numbers[k];
    }
    return status;
}

static lsnn_status load_episodes(kept_agents *out, const json_t *object, const char *path) {
    lsnn_status status = LSNN_OK;
    int64_t n = out->agent[0].goals.n_episodes;
    double *numbers = calloc((size_t)n, sizeof *numbers);
    if (numbers == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for %lld episodes", (long long)n);
    }
    TRY(reserve_episodes(out, n));
    TRY(load_numbers(out, object, "episode_goals", offsetof(lsnn_episode_goals, goals), numbers, path));
    TRY(load_numbers(out, object, "episode_first", offsetof(lsnn_episode_goals, first), numbers, path));
    TRY(load_numbers(out, object, "episode_returning", offsetof(lsnn_episode_goals, returning), numbers, path));
out:
    free(numbers);
    return status;
}

lsnn_status kept_agents_load(kept_agents *out, const char *path) {
    lsnn_status status = LSNN_OK;
    json_t *root = NULL;
    const json_t *list;
    *out = (kept_agents){0};
    TRY(json_list_load(path, kind, 2 * KEPT_MOST_AGENTS, &root, &list));
    for (size_t k = 0; k < json_array_size(list); k++) {
        const json_t *object = json_array_get(list, k);
        kept_agent one;
        TRY(load_agent(&one, object, path));
        bool moved = one.after_move.n_episodes > 0;
        if ((moved ? out->n_moved : out->n) == KEPT_MOST_AGENTS || (k == 0 && moved)) {
            TRY(json_list_damaged(path, kind));
        }
        *(moved ? &out->moved[out->n_moved++] : &out->agent[out->n++]) = one;
        if (k == 0) {
            TRY(load_episodes(out, object, path));
        }
    }
out:
    json_decref(root);
    return status;
}
