/* What agents did in a batch of episodes, what came of it, and the loss. Samples are those of the batch; step t of sample b is number t * n_batch + b. */
#ifndef LSNN_RL_EPISODES_H
#define LSNN_RL_EPISODES_H

#include "machine/threads.h"
#include "rl/policy.h"

typedef struct episode_batch {
    const lsnn_environment *environment; /* borrowed */
    int n_batch, n_steps, n_filled;      /* samples from n_filled on take no part */
    double *state;                       /* [n_batch][n_state] now */
    double *observed;                    /* [n_steps][n_batch][n_observed] */
    double *action;                      /* [n_steps][n_batch][n_actions] */
    double *log_probability, *value;     /* [n_steps][n_batch] of that action, and of what was expected, at that time */
    double *reward;                      /* [n_steps][n_batch] */
    uint8_t *events;                     /* [n_steps][n_batch] */
    double *return_to_end, *advantage;   /* [n_steps][n_batch] */
    double *loss;                        /* [n_batch] */
} episode_batch;

/* Errors: MEMORY. */
lsnn_status episodes_create(episode_batch **out, const lsnn_environment *environment, int n_batch, int n_steps);
void episodes_free(episode_batch *e);

/* Number of step t of sample b; its observed numbers and its actions. */
static inline size_t episodes_at(const episode_batch *e, int t, int b) {
    return (size_t)t * (size_t)e->n_batch + (size_t)b;
}
static inline double *episodes_observed(const episode_batch *e, int t, int b) {
    return e->observed + episodes_at(e, t, b) * (size_t)e->environment->n_observed;
}
static inline double *episodes_action(const episode_batch *e, int t, int b) {
    return e->action + episodes_at(e, t, b) * (size_t)e->environment->n_actions;
}
static inline double *episodes_state(const episode_batch *e, int b) {
    return e->state + (size_t)b * (size_t)e->environment->n_state;
}

/* The loss, a mean over steps and episodes, of a network with these outputs [n_steps][n_batch][2 n_actions + 1]: those of the time, or of a replay with other
 * weights. d_output, if not NULL, gets its gradient. */
double episodes_loss(episode_batch *e, const ppo_settings *s, threads *pool, const float *output, float *d_output);

/* Counts goals over any number of episodes. */
typedef struct goal_count goal_count;
struct goal_count {
    int n_steps; /* of the longest */
    int64_t n_episodes, n_found;
    double goals, goals_squared, reward, reward_squared;
    int64_t *first, *later;   /* [n_steps + 1] how many episodes, and how many returns, took so many steps */
    lsnn_episode_goals *each; /* [n_kept] of the first episodes; NULL: none are kept */
    int64_t n_kept;
    double in_a_row[LSNN_GOALS_IN_A_ROW], n_in_a_row[LSNN_GOALS_IN_A_ROW];
    int move_every; /* steps after which the goal moves, again and again; 0: never */
    goal_count *before,
        *after; /* if it does, counts of the time until then, and of the times after a move, each as an episode; else NULL */
};

/* Errors: MEMORY. */
lsnn_status goal_count_create(goal_count **out, int n_steps);
void goal_count_free(goal_count *c);
/* From now on, keep the first n episodes one by one. Errors: MEMORY. */
lsnn_status goal_count_keep(goal_count *c, int64_t n);
/* From now on, count before and after the goal's moves as well; nothing happens if there is none within n_steps. Errors: MEMORY. */
lsnn_status goal_count_split(goal_count *c, int move_every);
void goal_count_clear(goal_count *c);
/* The filled episodes. */
void goal_count_add(goal_count *c, const episode_batch *e);
lsnn_goals goal_count_result(const goal_count *c);
/* Half the width of the 95 % confidence interval of the mean reward; NaN below two episodes. */
double goal_count_reward_interval(const goal_count *c);

/* What a did in each of n episodes less what b did in the same, as means with their intervals. */
lsnn_goals_difference goals_subtract(const lsnn_episode_goals *a, const lsnn_episode_goals *b, int64_t n);

#endif
