/* Error against the number of examples seen: of a network that has learned to learn, and of simple ways to learn on the same episodes. */
#include "base/interval.h"
#include "l2l/learner.h"
#include "l2l/ridge.h"
#include "run/evaluate.h"
#include "tasks/learn_functions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_SEPARATE = 200, N_L2 = 3, RIDGE_LEAST = 10 };
static const double ridge_l2[N_L2] = {0.01, 1, 100};
static const char *const ridge_names[N_L2] = {"ridge on spikes, L2 0.01", "ridge on spikes, L2 1", "ridge on spikes, L2 100"};

typedef struct curves {
    opened_model model;
    const lsnn_run_options *options;
    lsnn_context *context;
    const lsnn_family *family;
    int64_t n_episodes;
    int n_examples;
    int n_fit; /* examples that ridge regression is fitted to; 0: there is none */
    pass *pass;
    batch *batch;
    float *error, *ridge_error;        /* [n_episodes][n_examples], [N_L2][n_episodes][n_examples - n_fit] */
    double *summed, *interval;         /* [n_examples] */
    double *episode_error;             /* [n_episodes] */
    double *features, *targets, *work; /* by thread: [n_examples][n_rec], [n_examples], for ridge_errors */
    size_t n_features, n_work;         /* of one thread */
    int64_t first;                     /* episode of the batch */
    learner learner;                   /* with its prior */
    void (*each)(void *user, const lsnn_curve *curve);
    void *user;
} curves;

/* ---- summing up ---- */

/* error: [n_episodes][n] */
static void tell_curve(const curves *c, const char *name, int first, int n, const float *error) {
    double n_episodes = (double)c->n_episodes;
    double total = 0;
    double total_squares = 0;
    memset(c->summed, 0, (size_t)n * sizeof *c->summed);
    memset(c->interval, 0, (size_t)n * sizeof *c->interval);
    for (int64_t i = 0; i < c->n_episodes; i++) {
        double sum = 0;
        for (int k = 0; k < n; k++) {
            double e = (double)error[i * n + k];
            c->summed[k] += e;
            c->interval[k] += e * e;
            sum += e / n;
        }
        c->episode_error[i] = sum;
        total += sum;
        total_squares += sum * sum;
    }
    for (int k = 0; k < n; k++) {
        c->interval[k] = interval_of_mean(n_episodes, c->summed[k], c->interval[k]);
        c->summed[k] /= n_episodes;
    }
    const lsnn_curve curve = {.name = name,
                              .n_episodes = c->n_episodes,
                              .first = first,
                              .n_examples = n,
                              .error = c->summed,
                              .interval = c->interval,
                              .mean = total / n_episodes,
                              .mean_interval = interval_of_mean(n_episodes, total, total_squares),
                              .episode_error = c->episode_error};
    c->each(c->user, &curve);
}

/* ---- the network, and what can be read out of its spikes ---- */

/* Example e of the batch's sample b is window e. */
static size_t decision_of(const curves *c, int e, int b) {
    return (size_t)e * (size_t)c->pass->n_batch + (size_t)b;
}

static void fit_ridge(void *user, int piece, int worker) {
    const curves *c = user;
    size_t n_tests = (size_t)(c->n_examples - c->n_fit);
    double *features = c->features + (size_t)worker * c->n_features;
    double *targets = c->targets + (size_t)worker * (size_t)c->n_examples;
    double *work = c->work + (size_t)worker * c->n_work;
    for (int e = 0; e < c->n_examples; e++) {
        targets[e] = (double)c->batch->target[decision_of(c, e, piece)];
    }
    ridge_features(pass_sim(c->pass), piece, c->n_examples, features, work);
    size_t n_rec = (size_t)model_net(c->model.model)->n_rec;
    ridge_errors(features, targets, n_rec, (size_t)c->n_examples, (size_t)c->n_fit, ridge_l2, N_L2, work,
                 c->ridge_error + (size_t)(c->first + piece) * n_tests, (size_t)c->n_episodes * n_tests);
}

static lsnn_status run_network(curves *c) {
    lsnn_status status = LSNN_OK;
    for (c->first = 0; c->first < c->n_episodes; c->first += c->pass->n_batch) {
        if (c->options->stop != NULL && *c->options->stop != 0) {
            TRY(fail(LSNN_STOPPED, "stopped after %lld of %lld episodes", (long long)c->first, (long long)c->n_episodes));
        }
        TRY(batch_fill(c->batch, c->model.part, c->model.seed, (uint64_t)c->first, c->pass->n_batch));
        TRY(pass_forward(c->pass));
        for (int b = 0; b < c->pass->n_batch; b++) {
            for (int e = 0; e < c->n_examples; e++) {
                float excess = c->pass->output[decision_of(c, e, b)] - c->batch->target[decision_of(c, e, b)];
                c->error[(c->first + b) * c->n_examples + e] = excess * excess;
            }
        }
        if (c->n_fit > 0) {
            threads_run(c->pass->pool, c->pass->n_batch, fit_ridge, c);
        }
    }
    tell_curve(c, "network", 0, c->n_examples, c->error);
    for (int k = 0; k < N_L2 && c->n_fit > 0; k++) {
        int n_tests = c->n_examples - c->n_fit;
        tell_curve(c, ridge_names[k], c->n_fit, n_tests, c->ridge_error + (int64_t)k * c->n_episodes * n_tests);
    }
out:
    return status;
}

/* ---- the others ---- */

enum { EPISODES_A_PIECE = 16 };

static void run_learner(void *user, int piece, int worker) {
    (void)worker;
    const curves *c = user;
    learner l = c->learner;
    for (int64_t i = (int64_t)piece * EPISODES_A_PIECE; i < (int64_t)(piece + 1) * EPISODES_A_PIECE && i < c->n_episodes; i++) {
        learner_run(&l, c->model.part, c->model.seed, (uint64_t)i, c->n_examples, c->error + i * c->n_examples);
    }
}

/* On functions that none of the curves is about: of the validation split, or, if that is asked for, of the training split. */
static split separate_part(const curves *c) {
    return c->model.part == SPLIT_VALID ? SPLIT_TRAIN : SPLIT_VALID;
}

static double mean_target(const curves *c) {
    double sum = 0;
    for (int i = 0; i < N_SEPARATE; i++) {
        double x[LSNN_FAMILY_INPUTS];
        double target;
        episode e;
        episode_begin(&e, c->family, separate_part(c), c->model.seed, (uint64_t)i);
        for (int k = 0; k < c->n_examples; k++) {
            episode_next(&e, x, &target);
            sum += target / ((double)N_SEPARATE * c->n_examples);
        }
    }
    return sum;
}

/* The error of the linear fit on the separate functions. */
static double separate_error(const curves *c, double l2) {
    learner l = {.kind = &learner_linear, .family = c->family, .prior = {.mean = c->learner.prior.mean, .l2 = l2}};
    double sum = 0;
    for (int i = 0; i < N_SEPARATE; i++) {
        learner_run(&l, separate_part(c), c->model.seed, (uint64_t)i, c->n_examples, c->error);
        for (int k = 0; k < c->n_examples; k++) {
            sum += (double)c->error[k];
        }
    }
    return sum;
}

static void choose_prior(curves *c) {
    double least = INFINITY;
    c->learner = (learner){.family = c->family, .prior = {.mean = mean_target(c), .l2 = 1}};
    for (double l2 = 1e-4; l2 < 200; l2 *= 10) {
        double error = separate_error(c, l2);
        if (error < least) {
            least = error;
            c->learner.prior.l2 = l2;
        }
    }
}

static void run_learners(curves *c) {
    static const learner_kind *const kinds[] = {&learner_network, &learner_linear, &learner_mean, &learner_last};
    choose_prior(c);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        c->learner.kind = kinds[k];
        threads_run(c->pass->pool, (int)((c->n_episodes - 1) / EPISODES_A_PIECE + 1), run_learner, c);
        tell_curve(c, kinds[k]->name, 0, c->n_examples, c->error);
    }
}

/* ---- all of it ---- */

static lsnn_status take_memory(curves *c) {
    size_t n_examples = (size_t)c->n_examples;
    size_t n_episodes = (size_t)c->n_episodes;
    size_t n_threads = (size_t)lsnn_context_threads(c->context);
    c->error = calloc(n_episodes * n_examples, sizeof *c->error);
    c->summed = calloc(n_examples, sizeof *c->summed);
    c->interval = calloc(n_examples, sizeof *c->interval);
    c->episode_error = calloc(n_episodes, sizeof *c->episode_error);
    bool has_all = c->error != NULL && c->summed != NULL && c->interval != NULL && c->episode_error != NULL;
    const lsnn_net *net = model_net(c->model.model);
    if (net != NULL && n_examples >= RIDGE_LEAST) {
        size_t n_rec = (size_t)net->n_rec;
        c->n_fit = c->n_examples * 9 / 10;
        c->n_features = n_examples * n_rec;
        c->n_work = ridge_work(n_rec);
        c->ridge_error = calloc(N_L2 * n_episodes * (n_examples - (size_t)c->n_fit), sizeof *c->ridge_error);
        c->features = calloc(n_threads * c->n_features, sizeof *c->features);
        c->targets = calloc(n_threads * n_examples, sizeof *c->targets);
        c->work = calloc(n_threads * c->n_work, sizeof *c->work);
        has_all = has_all && c->ridge_error != NULL && c->features != NULL && c->targets != NULL && c->work != NULL;
    }
    return has_all ? LSNN_OK : fail(LSNN_ERR_MEMORY, "no memory for the curves of %zu episodes of %zu examples", n_episodes, n_examples);
}

static void release(curves *c) {
    free(c->error);
    free(c->ridge_error);
    free(c->summed);
    free(c->interval);
    free(c->episode_error);
    free(c->features);
    free(c->targets);
    free(c->work);
    batch_free(c->batch);
    pass_close(c->pass);
    model_release(&c->model);
}

lsnn_status lsnn_learning_curves(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options,
                                 void (*each)(void *user, const lsnn_curve *curve), void *user) {
    lsnn_status status = LSNN_OK;
    const lsnn_run_options none = {0};
    options = options != NULL ? options : &none;
    curves c = {.options = options, .context = context, .each = each, .user = user};
    TRY(model_open(&c.model, run_or_model, options));
    const task *t = c.model.task;
    c.family = task_family(t);
    if (c.family == NULL) {
        TRY(fail(LSNN_ERR_USAGE, "%s has learned %s, which has no examples to count; learning curves are those of the tasks l2l-*",
                 c.model.path, t->kind->name));
    }
    TRY(model_open_batch(&c.model, context, &c.pass, &c.batch));
    c.n_examples = t->n_windows;
    c.n_episodes = setting_int(c.model.experiment, "train.test_batches") * c.pass->n_batch;
    TRY(take_memory(&c));
    TRY(run_network(&c));
    run_learners(&c);
out:
    release(&c);
    return status;
}
