/* Learning by reward: the rules of the environment, returns and policy, episodes that replay bit for bit, and agents that follow a rule. */
#include "support/needs.h"

#include "net/sim.h"
#include "rl/environment.h"
#include "rl/scripted.h"
#include "run/evaluate.h"
#include "tasks/family.h"
#include "tasks/navigation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lsnn_experiment *parsed(const char *yaml) {
    lsnn_experiment *e = NULL;
    need(experiment_parse(&e, "test", yaml, "file"));
    need(experiment_check(e));
    return e;
}

/* ---- the environment ---- */

static const hidden_goal usual = {.goal_radius = 0.3, .goal_distance = 0.85, .step = 0.02, .penalty = 0.02};

static lsnn_random random_numbers(uint64_t which) {
    return (lsnn_random){rng_sequence_start(1, RNG_EPISODE, which)};
}

static double step_from(const hidden_goal *h, double *state, double dx, double dy, unsigned *events) {
    lsnn_environment e;
    lsnn_random random = random_numbers(99);
    hidden_goal_environment(&e, h);
    *events = 0;
    return e.step(e.user, &random, state, (double[]){dx, dy}, events);
}

static void need_place(const double *state, double x, double y) {
    if (!(fabs(state[PLACE_X] - x) < 1e-12 && fabs(state[PLACE_Y] - y) < 1e-12)) {
        fail_msg("the agent is at %.15g, %.15g; should be at %.15g, %.15g", state[PLACE_X], state[PLACE_Y], x, y);
    }
}

static void steps_are_short(void **state) {
    (void)state;
    unsigned events;
    double s[HIDDEN_GOAL_STATE] = {0.1, -0.2, -0.85, 0};
    assert_true(step_from(&usual, s, 0.5, -0.25, &events) == 0 && events == 0);
    need_place(s, 0.11, -0.205);
    assert_true(step_from(&usual, s, 30, 40, &events) == 0 && events == 0); /* longer than 1: 0.6, 0.8 */
    need_place(s, 0.11 + 0.012, -0.205 + 0.016);
    assert_true(step_from(&usual, s, 0, 0, &events) == 0);
    need_place(s, 0.122, -0.189);
}

static void the_border_stops(void **state) {
    (void)state;
    unsigned events;
    double s[HIDDEN_GOAL_STATE] = {0.99, 0, -0.85, 0};
    assert_true(step_from(&usual, s, 1, 0, &events) == -0.02);
    assert_int_equal(events, 1u << EVENT_BORDER);
    need_place(s, 1, 0);
    assert_true(step_from(&usual, s, 1, 1, &events) == -0.02); /* outwards from the border: not a hair */
    need_place(s, 1, 0);
    assert_true(step_from(&usual, s, -0.5, 0, &events) == 0 && events == 0);
    need_place(s, 0.99, 0);
    double slanting[HIDDEN_GOAL_STATE] = {0.6, 0.79, -0.85, 0}; /* meets the border where its way does, not beside it */
    assert_true(step_from(&usual, slanting, 0, 1, &events) == -0.02);
    need_place(slanting, 0.6, 0.8);
    for (int k = 0; k < 2000; k++) { /* never outside */
        double angle = 0.37 * k;
        step_from(&usual, s, 5 * cos(angle * angle), 5 * sin(angle), &events);
        assert_true(hypot(s[PLACE_X], s[PLACE_Y]) <= 1 + 1e-12);
    }
}

static void the_goal_rewards_and_places_anew(void **state) {
    (void)state;
    unsigned events;
    double s[HIDDEN_GOAL_STATE] = {0.85 - 0.33, 0, 0.85, 0};
    assert_true(step_from(&usual, s, 1, 0, &events) == 0 && events == 0); /* 0.31 away */
    assert_true(step_from(&usual, s, 1, 0, &events) == 1);
    assert_int_equal(events, 1u << EVENT_GOAL);
    assert_true(s[PLACE_X] != 0.85 - 0.29 && s[GOAL_X] == 0.85 && s[GOAL_Y] == 0);
    double at_rim[HIDDEN_GOAL_STATE] = {0.999, 0, 0.85, 0}; /* goal and border at once: it is the goal that counts */
    assert_true(step_from(&usual, at_rim, 1, 0, &events) == 1);
    assert_int_equal(events, 1u << EVENT_GOAL);
}

/* Mean and variance of place and goal over many episodes: uniform over the disc has a mean square radius of 1/2. */
static void places_are_uniform(void **state) {
    (void)state;
    enum { N = 20000 };
    double sums[6] = {0};
    lsnn_environment e;
    hidden_goal_environment(&e, &usual);
    for (uint64_t k = 0; k < N; k++) {
        double s[HIDDEN_GOAL_STATE] = {0};
        lsnn_random random = random_numbers(k);
        e.reset(e.user, &random, s);
        double r2 = s[PLACE_X] * s[PLACE_X] + s[PLACE_Y] * s[PLACE_Y];
        assert_true(r2 <= 1 && fabs(hypot(s[GOAL_X], s[GOAL_Y]) - 0.85) < 1e-12);
        sums[0] += s[PLACE_X] / N;
        sums[1] += s[PLACE_Y] / N;
        sums[2] += r2 / N;
        sums[3] += s[GOAL_X] / N;
        sums[4] += s[GOAL_Y] / N;
        sums[5] += (s[PLACE_X] * s[GOAL_X] + s[PLACE_Y] * s[GOAL_Y]) / N;
    }
    const double want[6] = {0, 0, 0.5, 0, 0, 0};
    for (int k = 0; k < 6; k++) {
        if (fabs(sums[k] - want[k]) > 0.02) {
            fail_msg("mean %d over %d episodes is %g, should be about %g", k, N, sums[k], want[k]);
        }
    }
}

static void the_goal_moves_when_asked(void **state) {
    (void)state;
    hidden_goal h = usual;
    h.move_every = 5;
    unsigned events;
    double s[HIDDEN_GOAL_STATE] = {-0.5, 0, 0.85, 0};
    for (int k = 1; k <= 20; k++) {
        double before[2] = {s[GOAL_X], s[GOAL_Y]};
        step_from(&h, s, 0, 0, &events);
        assert_int_equal(before[0] != s[GOAL_X] || before[1] != s[GOAL_Y],
                         k == 5); /* the same random numbers in each call here: drawn once */
        assert_true(fabs(hypot(s[GOAL_X], s[GOAL_Y]) - 0.85) < 1e-12);
        s[PLACE_X] = -s[GOAL_X] * 0.5; /* out of its way */
        s[PLACE_Y] = -s[GOAL_Y] * 0.5;
    }
}

static void odd_environments_are_refused(void **state) {
    (void)state;
    lsnn_environment e;
    hidden_goal_environment(&e, &usual);
    need(environment_check(&e));
    lsnn_environment odd = e;
    odd.n_actions = 0;
    need_error(environment_check(&odd), LSNN_ERR_USAGE, "0 actions");
    odd = e;
    odd.n_state = LSNN_ENVIRONMENT_STATE + 1;
    need_error(environment_check(&odd), LSNN_ERR_USAGE, "state");
    odd = e;
    odd.n_events = LSNN_ENVIRONMENT_EVENTS + 1;
    need_error(environment_check(&odd), LSNN_ERR_USAGE, "events");
    odd = e;
    odd.n_observed = odd.n_events = 0;
    need_error(environment_check(&odd), LSNN_ERR_USAGE, "together");
    odd = e;
    odd.observed[1].high = NAN;
    need_error(environment_check(&odd), LSNN_ERR_USAGE, "observed number 1");
    odd = e;
    odd.step = NULL;
    need_error(environment_check(&odd), LSNN_ERR_USAGE, "`step`");
    lsnn_experiment *experiment = parsed("task: navigation\n");
    task *t = NULL;
    need_error(task_open(&t, experiment, &(lsnn_run_options){.environment = &e}), LSNN_ERR_USAGE, "rl-own");
    lsnn_experiment_free(experiment);
    experiment = parsed("task: rl-own\n");
    need_error(task_open(&t, experiment, &(lsnn_run_options){0}), LSNN_ERR_SETTING, "lsnn_run_options.environment");
    lsnn_experiment_free(experiment);
}

/* ---- policy, returns and loss ---- */

static void the_policy_is_a_density(void **state) {
    (void)state;
    policy p;
    const double y[3] = {0.4, -1.2, 7};
    policy_read(&p, 1, y);
    assert_true(p.mean[0] == tanh(0.4) && fabs(p.variance[0] - 1 / (1 + exp(1.2))) < 1e-15 && p.value == 7);
    double sum = 0;
    double entropy = 0;
    const double h = 1e-3;
    for (double a = -8; a < 8; a += h) { /* the density's integral, and that of -p log p */
        double log_p = policy_log_probability(&p, &a);
        sum += h * exp(log_p);
        entropy -= h * exp(log_p) * log_p;
    }
    assert_true(fabs(sum - 1) < 1e-9 && fabs(entropy - policy_entropy(&p)) < 1e-9);
}

static void the_loss_has_its_gradient(void **state) {
    (void)state;
    const ppo_settings s = {.discount = 0.9, .lambda = 1, .clip = 0.2, .entropy = 0.03, .value = 0.6};
    static const double ratios[] = {1, 1.15, 0.85, 1.3, 0.7};
    int n_flat = 0;
    for (int k = 0; k < 100; k++) {
        enum { N = 2, N_OUT = 2 * N + 1 };
        double y[N_OUT];
        double action[N];
        double d_y[N_OUT];
        policy p;
        for (int o = 0; o < N_OUT; o++) {
            y[o] = 4 * rng_uniform(1, RNG_TASK, (uint64_t)(k * 10 + o)) - 2;
        }
        policy_read(&p, N, y);
        for (int d = 0; d < N; d++) {
            action[d] = p.mean[d] + sqrt(p.variance[d]) * rng_normal(2, RNG_TASK, (uint64_t)(k * 10 + d));
        }
        const decision d = {.action = action,
                            .log_probability = policy_log_probability(&p, action) - log(ratios[k % 5]),
                            .advantage = rng_normal(3, RNG_TASK, (uint64_t)k),
                            .return_to_end = rng_normal(4, RNG_TASK, (uint64_t)k)};
        ppo_loss(&s, N, y, &d, d_y);
        for (int o = 0; o < N_OUT; o++) {
            const double step = 1e-6;
            double up[N_OUT];
            double down[N_OUT];
            memcpy(up, y, sizeof y);
            memcpy(down, y, sizeof y);
            up[o] += step;
            down[o] -= step;
            double numeric = (ppo_loss(&s, N, up, &d, NULL) - ppo_loss(&s, N, down, &d, NULL)) / (2 * step);
            if (fabs(numeric - d_y[o]) > 1e-7 * fmax(1, fabs(numeric))) {
                fail_msg("case %d, output %d: %.12g, finite differences %.12g", k, o, d_y[o], numeric);
            }
        }
        n_flat += d_y[0] == 0; /* beyond the clip there is no slope */
    }
    assert_in_range(n_flat, 5, 60);
}

static void returns_and_advantages(void **state) {
    (void)state;
    const double reward[4] = {0, 1, 0, 2};
    const double value[4] = {0.5, -1, 3, 0.25};
    double back[4];
    double advantage[4];
    for (int which = 0; which < 3; which++) {
        double lambda = which * 0.5;
        const ppo_settings s = {.discount = 0.9, .lambda = lambda};
        ppo_advantages(&s, 4, 1, reward, value, back, advantage);
        for (int t = 0; t < 4; t++) { /* as they are written down: sums over what is to come */
            double r = 0;
            double a = 0;
            for (int l = t; l < 4; l++) {
                double delta = reward[l] + (l < 3 ? 0.9 * value[l + 1] : 0) - value[l];
                r += pow(0.9, l - t) * reward[l];
                a += pow(0.9 * lambda, l - t) * delta;
            }
            assert_true(fabs(back[t] - r) < 1e-12 && fabs(advantage[t] - a) < 1e-12);
            assert_true(which < 2 || fabs(advantage[t] - (r - value[t])) < 1e-12); /* lambda 1 */
        }
    }
}

static void goals_are_counted(void **state) {
    (void)state;
    lsnn_environment e;
    hidden_goal_environment(&e, &usual);
    episode_batch *played;
    goal_count *count;
    need(episodes_create(&played, &e, 4, 10));
    need(goal_count_create(&count, 10));
    played->n_filled = 3; /* the fourth does not count */
    static const int goals[][2] = {{2, 0}, {4, 0}, {9, 0}, {5, 1}, {0, 3}, {1, 3}};
    for (size_t k = 0; k < sizeof goals / sizeof *goals; k++) {
        played->events[goals[k][0] * 4 + goals[k][1]] = 1;
        played->reward[goals[k][0] * 4 + goals[k][1]] = 1;
    }
    played->events[0 * 4 + 2] = 2; /* the border */
    played->reward[0 * 4 + 2] = -0.5;
    for (int twice = 0; twice < 2; twice++) {
        goal_count_clear(count);
        goal_count_add(count, played);
        lsnn_goals g = goal_count_result(count);
        assert_int_equal(g.n_episodes, 3);
        assert_true(fabs(g.per_episode - 4 / 3.0) < 1e-12 && fabs(g.found - 2 / 3.0) < 1e-12);
        assert_true(fabs(g.per_episode_interval - 1.96 * sqrt((9 + 1 - 16 / 3.0) / 2 / 3)) < 1e-12);
        assert_true(g.first_median == 6 && fabs(g.first_mean - 19 / 3.0) < 1e-12); /* 3, 6, and 10 for none */
        assert_true(g.return_median == 3.5 && g.return_mean == 3.5);               /* 2 and 5 */
        assert_true(fabs(g.ratio - 19 / 3.0 / 3.5) < 1e-12 && fabs(g.reward - 3.5 / 3) < 1e-12);
        assert_true(fabs(g.in_a_row[0] - 19 / 3.0) < 1e-12 && g.in_a_row[1] == 2 && g.in_a_row[2] == 5 && isnan(g.in_a_row[3]));
        assert_true(g.reached[0] == 2 / 3.0 && g.reached[1] == 1 / 3.0 && g.reached[2] == 1 / 3.0 && g.reached[3] == 0);
    }
    need(goal_count_split(count, 10)); /* at the end: it does not move */
    assert_null(count->before);
    need(goal_count_split(count, 4)); /* steps 0..3, 4..7 and 8..9 */
    need(goal_count_keep(count, 3));
    for (int twice = 0; twice < 2; twice++) {
        goal_count_clear(count);
        goal_count_add(count, played);
        lsnn_goals before = goal_count_result(count->before);
        assert_int_equal(before.n_episodes, 3);
        assert_true(before.per_episode == 1 / 3.0 && before.found == 1 / 3.0 && before.first_median == 4 && isnan(before.return_mean));
        lsnn_goals after = goal_count_result(count->after);
        assert_int_equal(after.n_episodes, 6);
        assert_true(after.per_episode == 0.5 && after.found == 0.5);
        assert_true(fabs(after.first_mean - (1 + 2 + 2 + 2 + 4 + 2) / 6.0) < 1e-12 && after.first_median == 2);
        assert_true(fabs(before.reward + after.reward * 2 - 3.5 / 3) < 1e-12);
        assert_int_equal(goal_count_result(count).n_episodes, 3);
        assert_true(count->each[0].goals == 3 && count->each[0].first == 3 && count->each[0].returning == 3.5);
        assert_true(count->each[2].goals == 0 && count->each[2].first == 10 && isnan(count->each[2].returning));
    }
    goal_count_free(count);
    episodes_free(played);
}

static void differences_are_paired(void **state) {
    (void)state;
    const lsnn_episode_goals a[3] = {{4, 100, 40}, {2, 50, 30}, {0, 200, NAN}};
    const lsnn_episode_goals b[3] = {{3, 120, 50}, {2, 40, 36}, {1, 90, NAN}};
    lsnn_goals_difference d = goals_subtract(a, b, 3);
    assert_true(d.n_episodes == 3 && d.n_returned == 2);
    assert_true(d.goals == 0 && fabs(d.goals_interval - 1.96 * sqrt(1.0 / 3)) < 1e-12); /* 1, 0, -1 */
    assert_true(fabs(d.first - 100 / 3.0) < 1e-12);                                     /* -20, 10, 110 */
    assert_true(d.returning == -8 && fabs(d.returning_interval - 1.96 * 2) < 1e-12);    /* -10, -6 */
    d = goals_subtract(a, b, 1);
    assert_true(d.goals == 1 && isnan(d.goals_interval));
}

/* ---- episodes in networks ---- */

#define SMALL                                                                                                                              \
    "task: navigation\nrl: {episode_ms: 120, n_code: 12, n_event: 5}\nnavigation: {step: 0.2}\nnet: {n_lif: 17, n_adaptive: 9, n_ref: 3, " \
    "n_delay: 4, noise: 0.05, noise_trainable: true, scale_in: 2}\ntrain: {batch: 19}\n"

typedef struct setting_of_test {
    lsnn_context *context;
    lsnn_experiment *experiment;
    task *task;
    model *model;
    pass *pass;
    batch *batch;
    lsnn_gradient *gradient;
} setting_of_test;

static setting_of_test opened(const char *yaml, const char *vector_unit, int n_threads) {
    setting_of_test s = {.context = context_on(vector_unit, n_threads), .experiment = parsed(yaml)};
    need(task_open(&s.task, s.experiment, &(lsnn_run_options){0}));
    model_shape shape = setup_shape(s.task);
    pass_options options = setup_pass(s.experiment, s.task, true);
    need(model_create(&s.model, s.experiment, &shape));
    need(model_start_training(s.model, s.experiment));
    need(pass_open(&s.pass, s.model, s.context, &options));
    need(batch_create(&s.batch, s.task, s.pass, 5));
    need(gradient_create(&s.gradient, s.model->n_params));
    return s;
}

static void closed(setting_of_test *s) {
    lsnn_gradient_free(s->gradient);
    batch_free(s->batch);
    pass_close(s->pass);
    model_free(s->model);
    task_close(s->task);
    lsnn_experiment_free(s->experiment);
    lsnn_context_free(s->context);
}

static double play(setting_of_test *s, int64_t iteration) {
    batch_loss loss;
    double rate_loss;
    need(batch_fill_train(s->batch, iteration, true));
    need(batch_forward(s->batch));
    need(batch_take_loss(s->batch, true, &loss));
    need(pass_backward(s->pass, s->batch->d_output, s->gradient, &rate_loss));
    return loss.loss;
}

static size_t n_outputs(const setting_of_test *s) {
    return (size_t)s->task->n_windows * (size_t)s->pass->n_batch * (size_t)s->task->n_out;
}

static float *copied(const float *from, size_t n) {
    float *to = malloc(n * sizeof *to);
    memcpy(to, from, n * sizeof *to);
    return to;
}

static const char *const kinds[] = {
    SMALL, SMALL "rewire: {connectivity: 0.4}\n",
    "task: navigation\nrl: {episode_ms: 60, n_code: 12, n_event: 5}\nnet: {kind: lstm, n_units: 9}\ntrain: {batch: 37}\n"};

/* What it answered while it acted, it answers again when the same input is shown to it, and goes back the same way. */
static void a_replay_is_the_same_bits(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        setting_of_test s = opened(kinds[k], NULL, 2);
        double loss = play(&s, 3);
        size_t n = n_outputs(&s);
        float *output = copied(s.pass->output, n);
        float *d_output = copied(s.batch->d_output, n);
        real *gradient = malloc(s.model->n_params * sizeof *gradient);
        memcpy(gradient, s.gradient->values, s.model->n_params * sizeof *gradient);
        double rate = pass_rate(s.pass);
        for (int again = 0; again < 2; again++) {
            batch_loss second;
            double rate_loss;
            need(batch_replay(s.batch));
            need_same_bits("output", s.pass->output, output, n);
            need(batch_take_loss(s.batch, true, &second));
            need(pass_backward(s.pass, s.batch->d_output, s.gradient, &rate_loss));
            need_same_bits("d_output", s.batch->d_output, d_output, n);
            need_same_bits("gradient", s.gradient->values, gradient, s.model->n_params);
            assert_true(second.loss == loss && (isnan(rate) || pass_rate(s.pass) == rate));
        }
        assert_true(k == 2 || rate > 1);
        free(output);
        free(d_output);
        free(gradient);
        closed(&s);
    }
}

/* The masks of the inputs, written down while the agent acted, as an input of lsnn_sim_set_spikes in another simulation. */
static void the_input_is_all_that_the_network_saw(void **state) {
    (void)state;
    setting_of_test s = opened(SMALL, NULL, 2);
    play(&s, 0);
    const lsnn_sim *sim = pass_sim(s.pass);
    size_t n_in = (size_t)s.task->n_in;
    size_t n_batch = (size_t)s.pass->n_batch;
    uint8_t *spikes = calloc((size_t)s.task->n_steps * n_batch * n_in, 1);
    for (int b = 0; b < s.pass->n_batch; b++) {
        int lane;
        const block *k = sim_block_of(sim, b, &lane);
        for (size_t t = 0; t < (size_t)s.task->n_steps; t++) {
            for (size_t i = 0; i < n_in; i++) {
                spikes[(t * n_batch + (size_t)b) * n_in + i] = k->staged[t * n_in + i] >> lane & 1;
            }
        }
    }
    lsnn_sim *other;
    need(lsnn_sim_create(&other, model_net(s.model), s.context, &sim->options));
    need(lsnn_sim_set_windows(other, s.task->window_start, s.task->window_stop, s.task->n_windows));
    sim_set_noise_key(other, sim->noise_key);
    need(lsnn_sim_set_spikes(other, spikes, s.task->n_steps));
    need(lsnn_forward(other));
    need_same_bits("output", lsnn_sim_output(other), s.pass->output, n_outputs(&s));
    lsnn_sim_free(other);
    free(spikes);
    closed(&s);
}

static void threads_and_vector_units_change_nothing(void **state) {
    (void)state;
    const char *names[MAX_VECTOR_UNITS];
    size_t n_units = vector_units(names);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        setting_of_test one = opened(kinds[k], NULL, 1);
        double loss = play(&one, 2);
        for (size_t u = 0; u < n_units; u++) {
            setting_of_test other = opened(kinds[k], names[u], 1 + (int)u % 3);
            assert_true(play(&other, 2) == loss);
            need_same_bits("output", other.pass->output, one.pass->output, n_outputs(&one));
            need_same_bits("gradient", other.gradient->values, one.gradient->values, one.model->n_params);
            closed(&other);
        }
        closed(&one);
    }
}

/* Played again by its actions, an episode goes through the states that the agent saw, whether the goal moves or not. */
static void states_follow_from_actions(void **state) {
    (void)state;
    for (int moves = 0; moves < 2; moves++) {
        setting_of_test s = opened(
            moves
                ? "task: navigation\nrl: {episode_ms: 150}\nnavigation: {step: 0.3, goal_radius: 0.5, move_ms: 40}\nnet: {n_lif: 5, n_adaptive: 5}\n"
                  "train: {batch: 11}\n"
                : "task: navigation\nrl: {episode_ms: 150}\nnavigation: {step: 0.3, goal_radius: 0.5}\nnet: {n_lif: 5, n_adaptive: 5}\n"
                  "train: {batch: 11}\n",
            NULL, 2);
        const episode_batch *e = s.batch->episodes;
        double states[150 * HIDDEN_GOAL_STATE];
        int n_goals = 0;
        play(&s, 1);
        for (int b = 0; b < e->n_batch; b++) {
            int n_places = 1;
            interact_again(s.task, s.batch->part, s.batch->episode_seed, s.batch->index[b], e, b, states);
            for (int t = 0; t < 150; t++) {
                const double *now = states + (ptrdiff_t)t * HIDDEN_GOAL_STATE;
                assert_memory_equal(now, episodes_observed(e, t, b), 2 * sizeof *now);
                assert_true(now[STEPS_DONE] == t);
                n_places += t > 0 && now[GOAL_X] != now[GOAL_X - HIDDEN_GOAL_STATE];
                n_goals += e->events[episodes_at(e, t, b)] & 1;
            }
            assert_int_equal(n_places, moves ? 4 : 1); /* it moves after 40, 80 and 120 ms */
        }
        if (n_goals <= e->n_batch) {
            fail_msg("%d goals in %d episodes are too few to see anything", n_goals, e->n_batch);
        }
        closed(&s);
    }
}

/* In validation and test an agent may act with less of its policy's spread than in training, down to none: then it does what is the mean. */
static void tests_may_do_without_the_spread(void **state) {
    (void)state;
    static const char *const spreads[] = {"0", "0.25", "1"};
    for (int k = 0; k < 3; k++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml,
                 "task: navigation\nrl: {episode_ms: 60, test_spread: %s}\nnet: {n_lif: 5, n_adaptive: 5}\ntrain: {batch: 5}\n",
                 spreads[k]);
        setting_of_test s = opened(yaml, NULL, 1);
        const episode_batch *e = s.batch->episodes;
        for (int part = SPLIT_TRAIN; part < SPLITS; part++) {
            double part_of_spread = part == SPLIT_TRAIN ? 1 : strtod(spreads[k], NULL), squares = 0;
            need(part == SPLIT_TRAIN ? batch_fill_train(s.batch, 1, true) : batch_fill(s.batch, part, 5, 0, 5));
            need(batch_forward(s.batch));
            for (int t = 0; t < e->n_steps; t++) {
                for (int b = 0; b < e->n_batch; b++) {
                    const float *out = s.pass->output + episodes_at(e, t, b) * (size_t)s.task->n_out;
                    double off = episodes_action(e, t, b)[0] - tanh((double)out[0]);
                    squares += off * off * (1 + exp(-(double)out[2]));
                    assert_true(part_of_spread > 0 || off == 0);
                }
            }
            double measured = sqrt(squares / (e->n_steps * e->n_batch));
            if (fabs(measured - part_of_spread) > 0.15 * part_of_spread) { /* 300 actions: 3.7 standard errors */
                fail_msg("rl.test_spread %s, split %d: actions were spread %g times as widely as the policy", spreads[k], part, measured);
            }
        }
        closed(&s);
    }
}

/* Step by step: the place follows from the action, the reward from the place; the inputs show where the agent is and what happened. */
static void episodes_follow_the_rules(void **state) {
    (void)state;
    setting_of_test s = opened(
        "task: navigation\nrl: {episode_ms: 300, n_code: 20, n_event: 7}\nnavigation: {step: 0.3, goal_radius: 0.7}\nnet: {n_lif: 5, n_adaptive: 5}\n"
        "train: {batch: 11}\n",
        NULL, 2);
    play(&s, 1);
    const episode_batch *e = s.batch->episodes;
    const lsnn_sim *sim = pass_sim(s.pass);
    int n_goals = 0;
    int n_borders = 0;
    for (int b = 0; b < 11; b++) {
        int lane;
        const block *k = sim_block_of(sim, b, &lane);
        for (int t = 0; t < 300; t++) {
            size_t at = episodes_at(e, t, b);
            const double *place = episodes_observed(e, t, b);
            const double *action = episodes_action(e, t, b);
            assert_true(hypot(place[0], place[1]) <= 1 + 1e-12);
            double scale = 0.3 / fmax(1, hypot(action[0], action[1]));
            double to[2] = {place[0] + scale * action[0], place[1] + scale * action[1]};
            bool beyond = hypot(to[0], to[1]) > 1;
            assert_true(e->events[at] == 1 || (e->events[at] == 2) == beyond);
            assert_true(e->reward[at] == (e->events[at] == 1 ? 1 : e->events[at] == 2 ? -0.02 : 0));
            n_goals += e->events[at] == 1;
            n_borders += e->events[at] == 2;
            if (e->events[at] == 0 && t + 1 < 300) {
                const double *next = episodes_observed(e, t + 1, b);
                assert_true(hypot(next[0] - to[0], next[1] - to[1]) < 1e-12);
            }
            for (int i = 40; i < 54; i++) {
                bool want = t > 0 && (e->events[episodes_at(e, t - 1, b)] >> (i - 40) / 7 & 1) != 0;
                assert_int_equal(k->staged[t * 54 + i] >> lane & 1, want);
            }
            for (int i = 0; i < 40; i++) { /* spikes come from neurons near the value */
                double centre = -1 + 2 * (i % 20) / 19.0;
                assert_true((k->staged[t * 54 + i] >> lane & 1) == 0 || fabs(centre - place[i / 20]) < 0.43);
            }
        }
    }
    if (n_goals < 10 || n_borders < 50) {
        fail_msg("%d goals and %d times at the border: too few to have tested anything", n_goals, n_borders);
    }
    closed(&s);
}

/* Seeds and splits draw episodes of their own; the same seed draws the same. */
static void episodes_are_a_function_of_their_number(void **state) {
    (void)state;
    setting_of_test s = opened(SMALL, NULL, 2);
    double first[2];
    need(batch_fill(s.batch, SPLIT_TEST, 8, 19, 19));
    need(batch_forward(s.batch));
    memcpy(first, episodes_observed(s.batch->episodes, 0, 3), sizeof first);
    need(batch_fill(s.batch, SPLIT_TEST, 8, 22, 4)); /* number 22 as the first of another batch */
    need(batch_forward(s.batch));
    assert_memory_equal(first, episodes_observed(s.batch->episodes, 0, 0), sizeof first);
    assert_int_equal(s.batch->episodes->n_filled, 4);
    need(batch_fill(s.batch, SPLIT_VALID, 8, 22, 4));
    need(batch_forward(s.batch));
    assert_true(memcmp(first, episodes_observed(s.batch->episodes, 0, 0), sizeof first) != 0);
    need(batch_fill(s.batch, SPLIT_TEST, 9, 22, 4));
    need(batch_forward(s.batch));
    assert_true(memcmp(first, episodes_observed(s.batch->episodes, 0, 0), sizeof first) != 0);
    closed(&s);
}

/* ---- agents that follow a rule ---- */

static void agents_reach_what_they_should(void **state) {
    (void)state;
    enum { N = 200 };
    static const double least[SCRIPTED_AGENTS] = {0.1, 48, 50};
    static const double most[SCRIPTED_AGENTS] = {1.2, 56, 58};
    lsnn_experiment *experiment = parsed("task: navigation\n");
    task *t;
    episode_batch *e;
    goal_count *count;
    need(task_open(&t, experiment, &(lsnn_run_options){0}));
    need(episodes_create(&e, &task_interactive(t)->environment, N, t->n_steps));
    need(goal_count_create(&count, t->n_steps));
    e->n_filled = N;
    for (int agent = 0; agent < SCRIPTED_AGENTS; agent++) {
        for (int b = 0; b < N; b++) {
            interact_scripted(t, agent, SPLIT_TEST, 1, (uint64_t)b, e, b);
        }
        goal_count_clear(count);
        goal_count_add(count, e);
        lsnn_goals g = goal_count_result(count);
        print_message("%s: %.2f +- %.2f goals, found %.3f, first %g, return %g\n", scripted_agents[agent].name, g.per_episode,
                      g.per_episode_interval, g.found, g.first_median, g.return_median);
        assert_true(g.per_episode > least[agent] && g.per_episode < most[agent]);
        assert_true(agent == 0 || g.found == 1);
    }
    goal_count_free(count);
    episodes_free(e);
    task_close(t);
    lsnn_experiment_free(experiment);
}

/* ---- training ---- */

/* Several updates an iteration: the first moves the policy, so the second sees other ratios; and stopping in between changes nothing. */
static const char *const long_settings = SMALL "rewire: {connectivity: 0.4}\nloss: {rate_strength: 10}\n";

static void train_to(const char *folder, int64_t iterations, int updates, bool resume, lsnn_result *result) {
    lsnn_context *context = context_on(NULL, 2);
    lsnn_experiment *e = parsed(long_settings);
    char assignment[64];
    snprintf(assignment, sizeof assignment, "train.iterations=%lld", (long long)iterations);
    need(lsnn_experiment_set(e, assignment));
    snprintf(assignment, sizeof assignment, "rl.updates=%d", updates);
    need(lsnn_experiment_set(e, assignment));
    need(lsnn_experiment_set(e, "train.valid_batches=1"));
    need(lsnn_experiment_set(e, "train.test_batches=2"));
    need(lsnn_experiment_set(e, "train.valid_every=1"));
    need(lsnn_train(e, context, &(lsnn_run_options){.out = folder, .resume = resume}, result));
    lsnn_experiment_free(e);
    lsnn_context_free(context);
}

static void a_run_goes_on_where_it_stopped(void **state) {
    (void)state;
    char folder[FOLDER_SIZE];
    char whole[FOLDER_SIZE + 32];
    char parts[FOLDER_SIZE + 32];
    folder_make(folder);
    for (int updates = 1; updates <= 2; updates++) {
        snprintf(whole, sizeof whole, "%s/whole%d", folder, updates);
        snprintf(parts, sizeof parts, "%s/parts%d", folder, updates);
        lsnn_result a;
        lsnn_result b;
        train_to(whole, 7, updates, false, &a);
        train_to(parts, 3, updates, false, &b);
        assert_true(b.goals.n_episodes == 38 && b.goals.per_episode == b.score);
        train_to(parts, 7, updates, true, &b);
        assert_true(a.score == b.score && a.loss == b.loss && a.goals.first_mean == b.goals.first_mean);
        lsnn_result again; /* out of result.json */
        train_to(parts, 7, updates, true, &again);
        assert_true(again.was_finished && again.goals.n_episodes == 38 && fabs(again.goals.first_mean - b.goals.first_mean) < 1e-6);
        lsnn_net *nets[2];
        char path[FOLDER_SIZE + 64];
        snprintf(path, sizeof path, "%s/last.safetensors", whole);
        need(lsnn_net_load(&nets[0], path));
        snprintf(path, sizeof path, "%s/last.safetensors", parts);
        need(lsnn_net_load(&nets[1], path));
        assert_int_equal(nets[0]->n_params, nets[1]->n_params);
        need_same_bits("parameter", nets[1]->params, nets[0]->params, nets[0]->n_params);
        lsnn_net_free(nets[0]);
        lsnn_net_free(nets[1]);
    }
    folder_remove(folder);
}

/* Settings of the task may be others in an evaluation; those of the network may not. */
static void other_episodes_for_the_same_network(void **state) {
    (void)state;
    char folder[FOLDER_SIZE];
    char run[FOLDER_SIZE + 32];
    folder_make(folder);
    snprintf(run, sizeof run, "%s/run", folder);
    lsnn_result result;
    lsnn_result usual_one;
    train_to(run, 1, 1, false, &result);
    lsnn_context *context = context_on(NULL, 1);
    const char *moving[] = {"navigation.move_ms=7", "train.test_batches=3"};
    const char *other_net[] = {"net.beta=0"};
    need(lsnn_evaluate(run, context, NULL, &usual_one));
    assert_true(usual_one.score == result.score);
    need(lsnn_evaluate(run, context, &(lsnn_run_options){.settings = moving, .n_settings = 2}, &result));
    assert_true(result.goals.n_episodes == 57 && result.score != usual_one.score);
    need_error(lsnn_evaluate(run, context, &(lsnn_run_options){.settings = other_net, .n_settings = 1}, &result), LSNN_ERR_SETTING,
               "net.beta");
    lsnn_context_free(context);
    folder_remove(folder);
}

/* A network against itself differs in nothing; against another, by what the two have. */
static void two_networks_on_the_same_episodes(void **state) {
    (void)state;
    char folder[FOLDER_SIZE];
    char one[FOLDER_SIZE + 32];
    char other[FOLDER_SIZE + 64];
    folder_make(folder);
    snprintf(one, sizeof one, "%s/one", folder);
    snprintf(other, sizeof other, "%s/other", folder);
    lsnn_result a;
    lsnn_result b;
    train_to(one, 1, 1, false, &a);
    train_to(other, 6, 1, false, &b);
    strcat(other, "/last.safetensors"); /* its best may be that of the first iteration, too */
    lsnn_context *context = context_on(NULL, 2);
    const char *more[] = {"train.test_batches=6", "navigation.goal_radius=0.6"};
    const lsnn_run_options options = {.settings = more, .n_settings = 2};
    lsnn_goals_difference d;
    need(lsnn_compare_runs(one, one, context, &options, &d));
    assert_true(d.n_episodes == 6 * 19 && d.n_returned > 10 && d.goals == 0 && d.goals_interval == 0 && d.first == 0 && d.returning == 0);
    need(lsnn_compare_runs(one, other, context, &options, &d));
    need(lsnn_evaluate(one, context, &options, &a));
    need(lsnn_evaluate(other, context, &options, &b));
    assert_true(fabs(d.goals - (a.score - b.score)) < 1e-9 && d.goals_interval > 0);
    assert_true(fabs(d.first - (a.goals.first_mean - b.goals.first_mean)) < 1e-9 && d.first_interval > 0 && d.returning_interval > 0);
    lsnn_goals_difference back;
    need(lsnn_compare_runs(other, one, context, &options, &back));
    assert_true(back.goals == -d.goals && back.returning == -d.returning && back.returning_interval == d.returning_interval);
    lsnn_context_free(context);
    folder_remove(folder);
}

/* ---- environments of our own ---- */

/* A counter, whose reward is what the user says it is. */
static void reset_count(const void *user, lsnn_random *random, double *state) {
    (void)user;
    (void)random;
    assert_true(state[0] == 0); /* though the episode before has counted */
}

static void observe_nothing(const void *user, const double *state, double *observed) {
    (void)user;
    (void)state;
    (void)observed;
}

static double step_count(const void *user, lsnn_random *random, double *state, const double *action, unsigned *events) {
    (void)random;
    assert_true(isfinite(action[2]));
    state[0]++;
    *events = fmod(state[0], 10) == 0 ? 2 : 0;
    return state[0] == 20 ? *(const double *)user : 0;
}

static void environments_of_our_own(void **state) {
    (void)state;
    double reward = 3;
    lsnn_environment e = {
        .n_state = 1, .n_actions = 3, .n_events = 2, .reset = reset_count, .observe = observe_nothing, .step = step_count, .user = &reward};
    char folder[FOLDER_SIZE];
    char run[FOLDER_SIZE + 32];
    folder_make(folder);
    lsnn_context *context = context_on(NULL, 2);
    lsnn_experiment *experiment = parsed(
        "task: rl-own\nrl: {episode_ms: 25}\nnet: {n_lif: 3, n_adaptive: 2}\ntrain: {batch: 9, iterations: 3, valid_batches: 1, "
        "test_batches: 2}\n");
    lsnn_result result;
    for (int without_events = 0; without_events < 2; without_events++) {
        e.n_events = without_events == 0 ? 2 : 0;
        e.n_observed = without_events;
        e.observed[0] = (lsnn_range){-1, 1};
        snprintf(run, sizeof run, "%s/run%d", folder, without_events);
        lsnn_run_options options = {.out = run, .environment = &e};
        need(lsnn_train(experiment, context, &options, &result));
        assert_string_equal(result.score_name, without_events == 0 ? "goals an episode" : "reward an episode");
        assert_true(result.score == (without_events == 0 ? 0 : 3) && result.goals.reward == 3);
        assert_true(result.goals.per_episode == 0 && result.goals.first_mean == 25 && isnan(result.goals.return_mean));
        need_error(lsnn_evaluate(run, context, NULL, &result), LSNN_ERR_SETTING, "lsnn_run_options.environment");
        need(lsnn_evaluate(run, context, &options, &result));
        need_error(lsnn_compare_agents(run, context, &options, NULL, NULL), LSNN_ERR_USAGE, "navigation");
    }
    reward = NAN; /* a user's mistake must not bring the library down */
    snprintf(run, sizeof run, "%s/odd", folder);
    need_error(lsnn_train(experiment, context, &(lsnn_run_options){.out = run, .environment = &e}, &result), LSNN_ERR_NUMERIC, "loss");
    lsnn_experiment_free(experiment);
    lsnn_context_free(context);
    folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_short),
        cmocka_unit_test(the_border_stops),
        cmocka_unit_test(the_goal_rewards_and_places_anew),
        cmocka_unit_test(places_are_uniform),
        cmocka_unit_test(the_goal_moves_when_asked),
        cmocka_unit_test(odd_environments_are_refused),
        cmocka_unit_test(the_policy_is_a_density),
        cmocka_unit_test(the_loss_has_its_gradient),
        cmocka_unit_test(returns_and_advantages),
        cmocka_unit_test(goals_are_counted),
        cmocka_unit_test(differences_are_paired),
        cmocka_unit_test(a_replay_is_the_same_bits),
        cmocka_unit_test(the_input_is_all_that_the_network_saw),
        cmocka_unit_test(threads_and_vector_units_change_nothing),
        cmocka_unit_test(states_follow_from_actions),
        cmocka_unit_test(tests_may_do_without_the_spread),
        cmocka_unit_test(episodes_follow_the_rules),
        cmocka_unit_test(episodes_are_a_function_of_their_number),
        cmocka_unit_test(agents_reach_what_they_should),
        cmocka_unit_test(a_run_goes_on_where_it_stopped),
        cmocka_unit_test(other_episodes_for_the_same_network),
        cmocka_unit_test(two_networks_on_the_same_episodes),
        cmocka_unit_test(environments_of_our_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
