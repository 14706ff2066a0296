/* The whole gradient of proximal policy optimisation, from the loss through outputs and spikes to every parameter, against central finite differences, in double
 * precision, on networks of soft spikes, with noise and episodes that are replayed. */
#include "base/rng.h"
#include "learn/gradient.h"
#include "net/sim.h"
#include "rl/policy.h"
#include "support/needs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_IN = 5, N_REC = 8, N_ACTIONS = 2, N_OUT = 2 * N_ACTIONS + 1, N_BATCH = 3, N_STEPS = 43, N_DECISIONS = N_STEPS * N_BATCH };

typedef struct game {
    lsnn_net *net;
    lsnn_sim *sim, before; /* and what the simulation was before the episodes */
    unsigned char *memory;
    soft_spikes soft;
    uint8_t spikes[N_DECISIONS * N_IN];
    ppo_settings ppo;
    double action[N_DECISIONS][N_ACTIONS], log_probability[N_DECISIONS], reward[N_DECISIONS], value[N_DECISIONS];
    double return_to_end[N_DECISIONS], advantage[N_DECISIONS];
    float d_output[N_DECISIONS * N_OUT];
} game;

static const lsnn_rate_goal goal = {.strength = 100, .target_hz = 10};

static void outputs_of(const game *g, int t, int b, double *y) {
    int lane;
    const block *k = sim_block_of(g->sim, b, &lane);
    for (int o = 0; o < N_OUT; o++) {
        y[o] = (double)k->y[(t * N_OUT + o) * g->sim->lanes + lane];
    }
}

static void play_again(game *g) {
    memcpy(g->sim->memory.memory, g->memory, g->sim->memory.size);
    *g->sim = g->before;
    need(lsnn_sim_set_spikes(g->sim, g->spikes, N_STEPS));
    g->net->version++; /* whoever calls this has changed the weights behind the library's back */
    need(lsnn_forward(g->sim));
}

static double loss_now(game *g, bool with_gradient) {
    play_again(g);
    double sum = 0;
    for (int at = 0; at < N_DECISIONS; at++) {
        double y[N_OUT];
        double d_y[N_OUT];
        outputs_of(g, at / N_BATCH, at % N_BATCH, y);
        const decision d = {g->action[at], g->log_probability[at], g->advantage[at], g->return_to_end[at]};
        sum += ppo_loss(&g->ppo, N_ACTIONS, y, &d, with_gradient ? d_y : NULL) / N_DECISIONS;
        for (int o = 0; with_gradient && o < N_OUT; o++) {
            g->d_output[at * N_OUT + o] = (float)(d_y[o] / N_DECISIONS);
        }
    }
    for (int j = 0; j < N_REC; j++) {
        double excess = g->sim->rate[j] / (double)g->net->spec.dt - (double)goal.target_hz / 1000;
        sum += (double)goal.strength * excess * excess;
    }
    return sum;
}

/* Actions around those of the policy, and probabilities that make ratios within the clip and beyond it, on both sides. */
static void draw_decisions(game *g, uint64_t seed) {
    for (int at = 0; at < N_DECISIONS; at++) {
        double y[N_OUT];
        policy p;
        outputs_of(g, at / N_BATCH, at % N_BATCH, y);
        policy_read(&p, N_ACTIONS, y);
        for (int d = 0; d < N_ACTIONS; d++) {
            g->action[at][d] = p.mean[d] + sqrt(p.variance[d]) * rng_normal(seed, RNG_ACTION, (uint64_t)(at * N_ACTIONS + d));
        }
        static const double ratios[] = {1, 1.1, 0.9, 1.5, 0.6};
        g->log_probability[at] = policy_log_probability(&p, g->action[at]) - log(ratios[at % 5]);
        g->value[at] = p.value;
        g->reward[at] = rng_uniform(seed, RNG_EPISODE, (uint64_t)at) < 0.1 ? 1 : 0;
    }
    for (int b = 0; b < N_BATCH; b++) {
        ppo_advantages(&g->ppo, N_STEPS, N_BATCH, g->reward + b, g->value + b, g->return_to_end + b, g->advantage + b);
    }
}

static void check(double lambda, bool detach_reset, float connectivity) {
    game g = {.ppo = {.discount = 0.97, .lambda = lambda, .clip = 0.2, .entropy = 0.01, .value = 0.7}};
    lsnn_context *context;
    lsnn_net_spec spec;
    need(lsnn_context_create(&context, 2));
    lsnn_net_spec_init(&spec);
    spec.n_in = N_IN;
    spec.n_lif = 5;
    spec.n_adaptive = N_REC - 5;
    spec.n_out = N_OUT;
    spec.tau_m = (lsnn_spread){.low = 15, .high = 30};
    spec.tau_a = (lsnn_spread){.low = 40, .high = 200};
    spec.n_ref = 3;
    spec.n_delay = 4;
    spec.noise = 0.2f;
    spec.noise_trainable = true;
    spec.detach_reset = detach_reset;
    spec.connectivity = connectivity;
    spec.scale_in = 1.5f;
    spec.scale_rec = 3;
    spec.seed = 5;
    need(lsnn_net_create(&g.net, &spec));
    size_t rows = (size_t)N_STEPS * N_REC * 8;
    g.soft = (soft_spikes){.record = true, .refractory = calloc(rows, sizeof(real)), .reset = calloc(rows, sizeof(real))};
    for (size_t k = 0; k < sizeof g.spikes; k++) {
        g.spikes[k] = rng_uniform(9, RNG_TASK, k) < 0.2;
    }
    need(sim_create_soft(&g.sim, g.net, context,
                         &(lsnn_sim_options){.n_batch = N_BATCH, .n_steps = N_STEPS, .n_windows = N_STEPS, .train = true}, &g.soft));
    sim_set_noise_key(g.sim, 77);
    int start[N_STEPS];
    int stop[N_STEPS];
    for (int t = 0; t < N_STEPS; t++) {
        start[t] = t;
        stop[t] = t + 1;
    }
    need(lsnn_sim_set_windows(g.sim, start, stop, N_STEPS));
    g.before = *g.sim;
    g.memory = malloc(g.sim->memory.size);
    memcpy(g.memory, g.sim->memory.memory, g.sim->memory.size);
    play_again(&g); /* records what is frozen */
    g.soft.record = false;
    play_again(&g);
    draw_decisions(&g, 3);
    lsnn_gradient *gradient;
    need(lsnn_gradient_create(&gradient, g.net));
    loss_now(&g, true);
    need(lsnn_backward(g.sim, g.d_output, &goal, gradient, NULL));
    double largest = 0;
    for (size_t k = 0; k < g.net->n_params; k++) {
        largest = fmax(largest, fabs((double)gradient->values[k]));
    }
    assert_true(largest > 1e-3);
    size_t n_not_zero = 0;
    for (size_t k = 0; k < g.net->n_params; k++) {
        const double step = 1e-7;
        real w = g.net->params[k];
        g.net->params[k] = w + (real)step;
        double above = loss_now(&g, false);
        g.net->params[k] = w - (real)step;
        double below = loss_now(&g, false);
        g.net->params[k] = w;
        double numeric = (above - below) / (2 * step);
        double difference = fabs(numeric - (double)gradient->values[k]) / largest;
        n_not_zero += fabs(numeric) > 1e-6 * largest;
        if (!(difference < 1e-6)) {
            fail_msg(
                "lambda %g: parameter %zu of %zu (w_rec from %zu, w_out from %zu, noise from %zu): backward %.12g, finite differences "
                "%.12g, %.2g of the largest",
                lambda, k, g.net->n_params, g.net->rec.first, g.net->out.first, g.net->first_noise, (double)gradient->values[k], numeric,
                difference);
        }
    }
    assert_true(n_not_zero * 3 > g.net->n_params); /* the network is alive */
    lsnn_gradient_free(gradient);
    free(g.memory);
    free(g.soft.refractory);
    free(g.soft.reset);
    lsnn_sim_free(g.sim);
    lsnn_net_free(g.net);
    lsnn_context_free(context);
}

static void returns_to_the_end(void **state) {
    (void)state;
    check(1, false, 1);
}

static void advantages_of_a_few_steps(void **state) {
    (void)state;
    check(0.9, true, 0.6f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(returns_to_the_end), cmocka_unit_test(advantages_of_a_few_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
