/* A policy and a value from a network's outputs y [2 n + 1], n the number of actions, and the loss of proximal policy optimisation (Schulman, Wolski, Dhariwal,
 * Radford, Klimov, "Proximal policy optimization algorithms", 2017) with its gradient: docs/model.md, "Learning by reward". */
#ifndef LSNN_RL_POLICY_H
#define LSNN_RL_POLICY_H

#include "base/error.h"

/* Each action is normally distributed by itself: mean tanh(y_d), variance sigmoid(y_(n + d)). */
typedef struct policy {
    int n; /* actions */
    double mean[LSNN_ENVIRONMENT_ACTIONS], variance[LSNN_ENVIRONMENT_ACTIONS];
    double value; /* y_(2 n): the return that is expected */
} policy;

void policy_read(policy *out, int n_actions, const double *y);
/* Logarithm of the density at an action [n]. */
double policy_log_probability(const policy *p, const double *action);
double policy_entropy(const policy *p);

typedef struct ppo_settings {
    double discount, lambda; /* of rewards to come; of generalised advantage estimation, 1: returns to the end of the episode */
    double clip;             /* of the ratio of probabilities, 1 - clip to 1 + clip */
    double entropy, value;   /* weights in the loss */
} ppo_settings;

/* What was done in one step, and what came of it. */
typedef struct decision {
    const double *action;   /* [n] */
    double log_probability; /* of that action when it was drawn */
    double advantage, return_to_end;
} decision;

/* -min(r A, clip(r) A) + value (R - V)^2 - entropy H, with r = exp(log p - log p then); d_y [2 n + 1], if not NULL, gets its gradient. */
double ppo_loss(const ppo_settings *s, int n_actions, const double *y, const decision *d, double *d_y);

/* Of one episode of n_steps, its rewards and values [n_steps], each `stride` numbers after the one before: R(t) = r(t) + discount R(t+1), and
 * A(t) = delta(t) + discount lambda A(t+1) with delta(t) = r(t) + discount V(t+1) - V(t); all 0 past the end. */
void ppo_advantages(const ppo_settings *s, int n_steps, int stride, const double *reward, const double *value, double *return_to_end,
                    double *advantage);

#endif
