/* An environment of your own: a corridor with food at one of its ends, the agent does not know which. It starts in the middle, and is put there again whenever it
 * has eaten. A small network is trained in many corridors. It then finds the food in one that it has never seen, and goes straight back to it, while all its weights
 * stay as they are.
 *
 *   cc own_environment.c -o own_environment $(pkg-config --cflags --libs lsnn) && ./own_environment EXPERIMENT.yaml RUN
 *
 * The experiment is a file with `task: rl-own`; own_environment.yaml is one. */
#include <lsnn.h>
#include <stdio.h>
#include <stdlib.h>

enum { PLACE, FOOD, STATE }; /* from -1 to 1; -1 or 1 */

static void check(lsnn_status status) {
    if (status != LSNN_OK) {
        fprintf(stderr, "own_environment: %s\n", lsnn_error());
        exit(lsnn_status_exit_code(status));
    }
}

static void reset(const void *user, lsnn_random *random, double *state) {
    (void)user;
    state[FOOD] = lsnn_random_uniform(random, -1, 1) < 0 ? -1 : 1;
}

static void observe(const void *user, const double *state, double *observed) {
    (void)user;
    observed[0] = state[PLACE];
}

/* A step of at most 0.25. Events are food, and an end without any, which costs a little. */
static double step(const void *user, lsnn_random *random, double *state, const double *action, unsigned *events) {
    (void)user;
    (void)random;
    double way = action[0] > 1 ? 1 : action[0] < -1 ? -1 : action[0];
    state[PLACE] += 0.25 * way;
    if (state[PLACE] * state[FOOD] >= 1) {
        state[PLACE] = 0;
        *events = 1;
        return 1;
    }
    if (state[PLACE] * state[FOOD] <= -1) {
        state[PLACE] = -state[FOOD];
        *events = 2;
        return -0.1;
    }
    return 0;
}

static void show_progress(void *user, const lsnn_progress *p) {
    (void)user;
    if (p->validated) {
        printf("iteration %4lld   %s %.2f\n", (long long)p->iteration, p->score_name, p->score);
        fflush(stdout);
    }
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "own_environment.yaml", *run = argc > 2 ? argv[2] : "runs/own_environment";
    lsnn_environment corridor = {.n_state = STATE,
                                 .n_observed = 1,
                                 .n_actions = 1,
                                 .n_events = 2,
                                 .observed = {{-1, 1}},
                                 .reset = reset,
                                 .observe = observe,
                                 .step = step};
    lsnn_run_options options = {.out = run, .environment = &corridor, .progress = show_progress};
    lsnn_experiment *experiment;
    lsnn_context *context;
    lsnn_result result;
    check(lsnn_context_create(&context, 0));
    check(lsnn_experiment_open(&experiment, path));
    check(lsnn_train(experiment, context, &options, &result));
    printf("%lld new corridors: %.2f meals in each; steps to the first %.1f, from one to the next %.1f\n",
           (long long)result.goals.n_episodes, result.goals.per_episode, result.goals.first_mean, result.goals.return_mean);
    lsnn_experiment_free(experiment);
    lsnn_context_free(context);
    return 0;
}
