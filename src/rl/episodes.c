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
        goal_count_free(c->before);
        goal_count_free(c->after);
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

lsnn_status goal_count_split(goal_count *c, int move_every) {
    lsnn_status status = LSNN_OK;
    if (move_every > 0 && move_every < c->n_steps && c->before == NULL) {
        c->move_every = move_every;
        TRY(goal_count_create(&c->before, move_every));
        TRY(goal_count_create(&c->after, move_every));
    }
out:
    return status;
}

void goal_count_clear(goal_count *c) {
    goal_count kept = {.n_steps = c->n_steps,
                       .first = c->first,
                       .later = c->later,
                       .each = c->each,
                       .n_kept = c->n_kept,
                       .move_every = c->move_every,
                       .before = c->before,
                       .after = c->after};
    size_t bytes = ((size_t)c->n_steps + 1) * sizeof *c->first;
    memset(c->first, 0, bytes);
    memset(c->later, 0, bytes);
    if (c->before != NULL && c->after != NULL) {
        goal_count_clear(c->before);
        goal_count_clear(c->after);
    }
    *c = kept;
}

/* Steps from..to - 1 of an episode, as one. */
static void add_steps(goal_count *c, const episode_batch *e, int b, int from, int to) {
    int n = 0;
    int before = from; /* the step after the last goal */
    int first = to - from;
    double reward = 0;
    for (int t = from; t < to; t++) {
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
        c->first[first]++;
        c->in_a_row[0] += first;
        c->n_in_a_row[0]++;
    }
    if (c->n_episodes < c->n_kept) {
        c->each[c->n_episodes] =
            (lsnn_episode_goals){.goals = n, .first = first, .returning = n > 1 ? (double)(before - from - first) / (n - 1) : NAN};
    }
    c->n_episodes++;
    c->n_found += n > 0;
    c->goals += n;
    c->goals_squared += (double)n * n;
    c->reward += reward;
    c->reward_squared += reward * reward;
}

void goal_count_add(goal_count *c, const episode_batch *e) {
    for (int b = 0; b < e->n_filled; b++) {
        add_steps(c, e, b, 0, e->n_steps);
        for (int from = 0; c->move_every > 0 && from < e->n_steps; from += c->move_every) {
            int to = from + c->move_every < e->n_steps ? from + c->move_every : e->n_steps;
            add_steps(from == 0 ? c->before : c->after, e, b, from, to);
        }
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
        g.reached[k] = (k == 0 ? (double)c->n_found : c->n_in_a_row[k]) / n; /* the first counts where it was not reached, too */
    }
    return g;
}

double goal_count_reward_interval(const goal_count *c) {
    return interval_of_mean((double)c->n_episodes, c->reward, c->reward_squared);
}

/* ---- two agents ---- */

/* Mean of n differences, and half its 95 % interval; NaN where there are too few. */
static void summarise_differences(double n, double sum, double squares, double *mean, double *interval) {
    *mean = n > 0 ? sum / n : NAN;
    *interval = interval_of_mean(n, sum, squares);
}

lsnn_goals_difference goals_subtract(const lsnn_episode_goals *a, const lsnn_episode_goals *b, int64_t n) {
    lsnn_goals_difference out = {.n_episodes = n};
    double sum[3] = {0};
    double squares[3] = {0};
    double counted[3] = {0};
    for (int64_t k = 0; k < n; k++) {
        const double differences[3] = {a[k].goals - b[k].goals, a[k].first - b[k].first, a[k].returning - b[k].returning};
        for (int d = 0; d < 3; d++) {
            sum[d] += isnan(differences[d]) ? 0 : differences[d];
            squares[d] += isnan(differences[d]) ? 0 : differences[d] * differences[d];
            counted[d] += !isnan(differences[d]);
        }
    }
    out.n_returned = (int64_t)counted[2];
    summarise_differences(counted[0], sum[0], squares[0], &out.goals, &out.goals_interval);
    summarise_differences(counted[1], sum[1], squares[1], &out.first, &out.first_interval);
    summarise_differences(counted[2], sum[2], squares[2], &out.returning, &out.returning_interval);
    return out;
}
