#include "rl/episodes.h"

#include "base/interval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

lsnn_status episodes_create(episode_batch **out, const lsnn_environment *environment, int n_batch, int n_steps) {
    episode_batch *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for episodes");
    }
    size_t n = (size_t)n_batch * (size_t)n_steps;
    *e = (episode_batch){.environment = environment, .n_batch = n_batch, .n_steps = n_steps};
    e->state = calloc((size_t)n_batch * (size_t)environment->n_state + 1, sizeof *e->state);
    e->observed = calloc(n * (size_t)environment->n_observed + 1, sizeof *e->observed);
    e->action = calloc(n * (size_t)environment->n_actions, sizeof *e->action);
    e->log_probability = calloc(n, sizeof *e->log_probability);
    e->value = calloc(n, sizeof *e->value);
    e->reward = calloc(n, sizeof *e->reward);
    e->events = calloc(n, sizeof *e->events);
    e->return_to_end = calloc(n, sizeof *e->return_to_end);
    e->advantage = calloc(n, sizeof *e->advantage);
    e->loss = calloc((size_t)n_batch, sizeof *e->loss);
    if (e->state == NULL || e->observed == NULL || e->action == NULL || e->log_probability == NULL || e->value == NULL ||
        e->reward == NULL || e->events == NULL || e->return_to_end == NULL || e->advantage == NULL || e->loss == NULL) {
        episodes_free(e);
        return fail(LSNN_ERR_MEMORY, "no memory for %d episodes of %d steps", n_batch, n_steps);
    }
    *out = e;
    return LSNN_OK;
}

void episodes_free(episode_batch *e) {
    if (e != NULL) {
        free(e->state);
        free(e->observed);
        free(e->action);
        free(e->log_probability);
        free(e->value);
        free(e->reward);
        free(e->events);
        free(e->return_to_end);
        free(e->advantage);
        free(e->loss);
        free(e);
    }
}

/* ---- the loss ---- */

typedef struct loss_work {
    episode_batch *e;
    const ppo_settings *settings;
    const float *output;
    float *d_output;
} loss_work;

static void loss_of_episode(void *user, int b, int worker) {
    (void)worker;
    const loss_work *work = user;
    episode_batch *e = work->e;
    int n_actions = e->environment->n_actions;
    int n_out = 2 * n_actions + 1;
    double part = 1 / ((double)e->n_filled * e->n_steps);
    double sum = 0;
    ppo_advantages(work->settings, e->n_steps, e->n_batch, e->reward + b, e->value + b, e->return_to_end + b, e->advantage + b);
    for (int t = 0; t < e->n_steps; t++) {
        double y[2 * LSNN_ENVIRONMENT_ACTIONS + 1];
        double d_y[2 * LSNN_ENVIRONMENT_ACTIONS + 1];
        size_t at = episodes_at(e, t, b);
        for (int k = 0; k < n_out; k++) {
            y[k] = (double)work->output[at * (size_t)n_out + (size_t)k];
        }
        const decision d = {.action = episodes_action(e, t, b),
                            .log_probability = e->log_probability[at],
                            .advantage = e->advantage[at],
                            .return_to_end = e->return_to_end[at]};
        sum += ppo_loss(work->settings, n_actions, y, &d, work->d_output != NULL ? d_y : NULL);
        for (int k = 0; work->d_output != NULL && k < n_out; k++) {
            work->d_output[at * (size_t)n_out + (size_t)k] = (float)(d_y[k] * part);
        }
    }
    e->loss[b] = sum * part;
}

double episodes_loss(episode_batch *e, const ppo_settings *s, threads *pool, const float *output, float *d_output) {
    loss_work work = {.e = e, .settings = s, .output = output, .d_output = d_output};
    size_t n_out = 2 * (size_t)e->environment->n_actions + 1;
    if (d_output != NULL && e->n_filled < e->n_batch) {
        memset(d_output, 0, (size_t)e->n_steps * (size_t)e->n_batch * n_out * sizeof *d_output);
    }
    threads_run(pool, e->n_filled, loss_of_episode, &work);
    double sum = 0;
    for (int b = 0; b < e->n_filled; b++) {
        sum += e->loss[b];
    }
    return sum;
}

/* ---- goals ---- */

lsnn_status goal_count_create(goal_count **out, int n_steps) {
    goal_count *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for counting goals");
    }
    c->n_steps = n_steps;
    c->first = calloc((size_t)n_steps + 1, sizeof *c->first);
    c->later = calloc((size_t)n_steps + 1, sizeof *c->later);
    if (c->first == NULL || c->later == NULL) {
        goal_count_free(c);
        return fail(LSNN_ERR_MEMORY, "no memory for counting goals");
    }
    *out = c;
    return LSNN_OK;
}

void goal_count_free(goal_count *c) {
    if (c != NULL) {
        free(c->first);
        free(c->later);
        free(c->each);
        free(c);
    }
}

lsnn_status goal_count_keep(goal_count *c, int64_t n) {
    free(c->each);
    c->each = calloc((size_t)n, sizeof *c->each);
    c->n_kept = c->each != NULL ? n : 0;
    return c->each != NULL ? LSNN_OK : fail(LSNN_ERR_MEMORY, "no memory for %lld episodes", (long long)n);
}

void goal_count_clear(goal_count *c) {
    int64_t *first = c->first;
    int64_t *later = c->later;
    size_t bytes = ((size_t)c->n_steps + 1) * sizeof *first;
    memset(first, 0, bytes);
    memset(later, 0, bytes);
    *c = (goal_count){.n_steps = c->n_steps, .first = first, .later = later, .each = c->each, .n_kept = c->n_kept};
}

static void add_episode(goal_count *c, const episode_batch *e, int b) {
    int n = 0;
    int before = 0; /* steps until the last goal */
    int first = e->n_steps;
    double reward = 0;
    for (int t = 0; t < e->n_steps; t++) {
        size_t at = episodes_at(e, t, b);
        reward += e->reward[at];
        if ((e->events[at] & 1) == 0) {
            continue;
        }
        int took = t + 1 - before;
        (n == 0 ? c->first : c->later)[took]++;
        if (n < LSNN_GOALS_IN_A_ROW) {
            c->in_a_row[n] += took;
            c->n_in_a_row[n]++;
        }
        first = n == 0 ? took : first;
        before = t + 1;
        n++;
    }
    if (n == 0) {
        c->first[e->n_steps]++;
        c->in_a_row[0] += e->n_steps;
        c->n_in_a_row[0]++;
    }
    if (c->n_episodes < c->n_kept) {
        c->each[c->n_episodes] = (episode_goals){.goals = n, .first = first, .returning = n > 1 ? (double)(before - first) / (n - 1) : NAN};
    }
    c->n_episodes++;
    c->n_found += n > 0;
    c->goals += n;
    c->goals_squared += (double)n * n;
    c->reward += reward;
}

void goal_count_add(goal_count *c, const episode_batch *e) {
    for (int b = 0; b < e->n_filled; b++) {
        add_episode(c, e, b);
    }
}

/* The mean, and the median (of an even number: the mean of the two in the middle); NaN of nothing. */
static void summarise(const int64_t *counts, int n_steps, double *mean, double *median) {
    int64_t n = 0;
    double sum = 0;
    for (int k = 0; k <= n_steps; k++) {
        n += counts[k];
        sum += (double)k * (double)counts[k];
    }
    *mean = n > 0 ? sum / (double)n : NAN;
    *median = NAN;
    int64_t seen = 0;
    int lower = -1; /* the one before the middle */
    for (int k = 0; k <= n_steps && n > 0; k++) {
        seen += counts[k];
        if (lower < 0 && seen >= (n + 1) / 2) {
            lower = k;
        }
        if (seen >= n / 2 + 1) {
            *median = 0.5 * (lower + k);
            return;
        }
    }
}

lsnn_goals goal_count_result(const goal_count *c) {
    lsnn_goals g = {.n_episodes = c->n_episodes};
    double n = (double)c->n_episodes;
    g.per_episode = c->goals / n;
    g.per_episode_interval = interval_of_mean(n, c->goals, c->goals_squared);
    g.found = (double)c->n_found / n;
    g.reward = c->reward / n;
    summarise(c->first, c->n_steps, &g.first_mean, &g.first_median);
    summarise(c->later, c->n_steps, &g.return_mean, &g.return_median);
    g.ratio = g.first_mean / g.return_mean;
    for (int k = 0; k < LSNN_GOALS_IN_A_ROW; k++) {
        g.in_a_row[k] = c->n_in_a_row[k] > 0 ? c->in_a_row[k] / c->n_in_a_row[k] : NAN;
    }
    return g;
}
