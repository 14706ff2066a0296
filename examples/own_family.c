/* A family of functions of your own to learn to learn: straight lines a x + b, with another slope and offset in every episode. A small network is trained on
 * many lines. It then picks up a line that it has never seen from a few points on it, while all its weights stay as they are.
 *
 *   cc own_family.c -o own_family $(pkg-config --cflags --libs lsnn) && ./own_family EXPERIMENT.yaml RUN
 *
 * The experiment is a file with `task: l2l-own`; own_family.yaml is one. */
#include <lsnn.h>
#include <stdio.h>
#include <stdlib.h>

static void check(lsnn_status status) {
    if (status != LSNN_OK) {
        fprintf(stderr, "own_family: %s\n", lsnn_error());
        exit(lsnn_status_exit_code(status));
    }
}

/* A new line: its slope and its offset. */
static void draw(const void *user, lsnn_random *random, double *line) {
    (void)user;
    line[0] = lsnn_random_uniform(random, -0.6, 0.6);
    line[1] = lsnn_random_uniform(random, -0.4, 0.4);
}

static double value(const void *user, const double *line, const double *x) {
    (void)user;
    return line[0] * x[0] + line[1];
}

static void show_progress(void *user, const lsnn_progress *p) {
    (void)user;
    if (p->validated) {
        printf("iteration %4lld   %s on unseen lines %.4f\n", (long long)p->iteration, p->score_name, p->score);
    }
}

static void show_curve(void *user, const lsnn_curve *c) {
    (void)user;
    printf("%-26s error at the first example %.4f, at the last %.4f\n", c->name, c->error[0], c->error[c->n_examples - 1]);
}

int main(int argc, char **argv) {
    const char *path = argc > 1 ? argv[1] : "own_family.yaml", *run = argc > 2 ? argv[2] : "runs/own_family";
    lsnn_family lines = {.n_inputs = 1, .n_parameters = 2, .input = {{-1, 1}}, .target = {-1, 1}, .draw = draw, .value = value};
    lsnn_run_options options = {.out = run, .family = &lines, .progress = show_progress};
    lsnn_experiment *experiment;
    lsnn_context *context;
    lsnn_result result;
    check(lsnn_context_create(&context, 0));
    check(lsnn_experiment_open(&experiment, path));
    check(lsnn_train(experiment, context, &options, &result));
    printf("%s on %lld examples of unseen lines: %.4f\n", result.score_name, (long long)result.n, result.score);
    check(lsnn_learning_curves(run, context, &options, show_curve, NULL));
    lsnn_experiment_free(experiment);
    lsnn_context_free(context);
    return 0;
}
