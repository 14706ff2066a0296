#include "rl/policy.h"

#include <math.h>

static const double two_pi = 2 * 3.14159265358979323846;

void policy_read(policy *out, int n_actions, const double *y) {
    out->n = n_actions;
    for (int d = 0; d < n_actions; d++) {
        out->mean[d] = tanh(y[d]);
        out->variance[d] = 1 / (1 + exp(-y[n_actions + d]));
    }
    out->value = y[2 * n_actions];
}

double policy_log_probability(const policy *p, const double *action) {
    double sum = 0;
    for (int d = 0; d < p->n; d++) {
        double off = action[d] - p->mean[d];
        sum -= 0.5 * (log(two_pi * p->variance[d]) + off * off / p->variance[d]);
    }
    return sum;
}

double policy_entropy(const policy *p) {
    double sum = 0;
    for (int d = 0; d < p->n; d++) {
        sum += 0.5 * (log(two_pi * p->variance[d]) + 1);
    }
    return sum;
}

double ppo_loss(const ppo_settings *s, int n_actions, const double *y, const decision *d, double *d_y) {
    policy p;
    policy_read(&p, n_actions, y);
    double ratio = exp(policy_log_probability(&p, d->action) - d->log_probability);
    double clipped = fmin(fmax(ratio, 1 - s->clip), 1 + s->clip);
    double objective = fmin(ratio * d->advantage, clipped * d->advantage);
    double excess = p.value - d->return_to_end;
    if (d_y != NULL) {
        /* The objective's derivative by log p; 0 where the clipped term is the smaller. */
        double slope = ratio * d->advantage <= clipped * d->advantage ? ratio * d->advantage : 0;
        for (int k = 0; k < n_actions; k++) {
            double off = d->action[k] - p.mean[k];
            d_y[k] = -slope * off / p.variance[k] * (1 - p.mean[k] * p.mean[k]);
            /* by the variance: (off^2 / variance - 1) / (2 variance), and that of the entropy 1 / (2 variance); d variance / dy = variance (1 - variance) */
            d_y[n_actions + k] = -(slope * (off * off / p.variance[k] - 1) + s->entropy) * 0.5 * (1 - p.variance[k]);
        }
        d_y[2 * n_actions] = 2 * s->value * excess;
    }
    return -objective + s->value * excess * excess - s->entropy * policy_entropy(&p);
}

void ppo_advantages(const ppo_settings *s, int n_steps, int stride, const double *reward, const double *value, double *return_to_end,
                    double *advantage) {
    double return_after = 0;
    double advantage_after = 0;
    double value_after = 0;
    for (size_t at = (size_t)n_steps * (size_t)stride; at > 0;) {
        at -= (size_t)stride;
        return_after = reward[at] + s->discount * return_after;
        advantage_after = reward[at] + s->discount * value_after - value[at] + s->discount * s->lambda * advantage_after;
        value_after = value[at];
        return_to_end[at] = return_after;
        advantage[at] = advantage_after;
    }
}
