/* lsnn eval. */
#include "command.h"
#include "progress.h"
#include "report.h"

#include <math.h>
#include <string.h>

/* ---- the learning curves of --references ---- */

/* Counted from 1, as people do; and the last one. */
static const int examples_shown[] = {1, 2, 5, 10, 20, 50, 100};
enum { EXAMPLES_SHOWN = sizeof examples_shown / sizeof examples_shown[0] };

struct curve_output {
    bool has_header;
    json_t *list; /* NULL: a table is printed */
};

static void print_header(const lsnn_curve *curve) {
    printf("%lld episodes; mean squared error over all examples, and at some\n%-26s %-20s", (long long)curve->n_episodes, "", "all");
    for (int k = 0; k < EXAMPLES_SHOWN; k++) {
        printf(" %8d.", examples_shown[k]);
    }
    printf(" %8s\n", "last");
}

static void print_curve(const lsnn_curve *curve) {
    number_room mean, interval;
    char text[80];
    const char *spread = isnan(curve->mean_interval) ? "?" : format_score("", curve->mean_interval, 0, &interval);
    snprintf(text, sizeof text, "%s +- %s", format_score("", curve->mean, 0, &mean), spread);
    printf("%-26s %-20s", curve->name, text);
    for (int k = 0; k < EXAMPLES_SHOWN; k++) {
        int at = examples_shown[k] - 1 - curve->first;
        if (at >= 0 && at < curve->n_examples) {
            printf(" %9.4g", curve->error[at]);
        } else {
            printf(" %9s", "-");
        }
    }
    printf(" %8.4g\n", curve->error[curve->n_examples - 1]);
}

static json_t *json_numbers(const double *values, int n) {
    json_t *list = json_array();
    for (int k = 0; k < n; k++) {
        json_array_append_new(list, json_number(values[k]));
    }
    return list;
}

static json_t *json_curve(const lsnn_curve *c) {
    return json_pack("{s:o, s:i, s:o, s:o, s:o, s:o}", "name", json_text(c->name), "first", c->first, "mean", json_number(c->mean),
                     "mean_interval", json_number(c->mean_interval), "error", json_numbers(c->error, c->n_examples), "interval",
                     json_numbers(c->interval, c->n_examples));
}

static void take_curve(void *user, const lsnn_curve *curve) {
    struct curve_output *out = user;
    if (out->list != NULL) {
        json_array_append_new(out->list, json_curve(curve));
        return;
    }
    if (!out->has_header) {
        print_header(curve);
        out->has_header = true;
    }
    print_curve(curve);
    fflush(stdout);
}

/* Prints the list, if it is one, and frees it. Returns `status`. */
static lsnn_status end_list(const struct curve_output *out, const char *key, const struct arguments *arguments,
                            const lsnn_run_options *options, lsnn_status status, int *code) {
    if (status == LSNN_OK && arguments->json) {
        *code = print_json(json_pack("{s:o, s:s, s:O, s:s}", "run", json_text(arguments->operands[0]), "split",
                                     options->split != NULL ? options->split : "test", key, out->list, "version", lsnn_version()));
    }
    json_decref(out->list);
    return status;
}

static lsnn_status evaluate_references(const struct arguments *arguments, lsnn_context *context, const lsnn_run_options *options,
                                       int *code) {
    struct curve_output out = {.list = arguments->json ? json_array() : NULL};
    lsnn_status status = lsnn_learning_curves(arguments->operands[0], context, options, take_curve, &out);
    return end_list(&out, "curves", arguments, options, status, code);
}

/* ---- the agents of --references ---- */

static void print_goals(const char *name, const lsnn_goals *g) {
    char goals[48];
    snprintf(goals, sizeof goals, "%.2f +- %.2f", g->per_episode, g->per_episode_interval);
    printf("%-22s %-16s %7.1f %% %9.1f %9.1f %9.1f %9.1f %8.2f\n", name, goals, 100 * g->found, g->first_median, g->first_mean,
           g->return_median, g->return_mean, g->ratio);
}

static void print_goals_header(const lsnn_goals *g) {
    printf("%lld episodes; times in steps\n%-22s %-16s %9s %9s %9s %9s %9s %8s\n", (long long)g->n_episodes, "", "goals an episode",
           "found", "1st: med.", "mean", "ret.: med.", "mean", "ratio");
}

static json_t *json_agent(const lsnn_agent *agent) {
    json_t *object = json_pack("{s:o, s:o}", "name", json_text(agent->name), "goals", json_goals(&agent->goals));
    if (agent->after_move.n_episodes > 0) {
        json_object_set_new(object, "before_move", json_goals(&agent->before_move));
        json_object_set_new(object, "after_move", json_goals(&agent->after_move));
    }
    return object;
}

static void take_agent(void *user, const lsnn_agent *agent) {
    struct curve_output *out = user;
    if (out->list != NULL) {
        json_array_append_new(out->list, json_agent(agent));
        return;
    }
    if (!out->has_header) {
        print_goals_header(&agent->goals);
        out->has_header = true;
    }
    print_goals(agent->name, &agent->goals);
    if (agent->after_move.n_episodes > 0) {
        print_goals("  until the goal moves", &agent->before_move);
        print_goals("  after a move", &agent->after_move);
    }
    fflush(stdout);
}

static lsnn_status compare_agents(const struct arguments *arguments, lsnn_context *context, const lsnn_run_options *options, int *code) {
    struct curve_output out = {.list = arguments->json ? json_array() : NULL};
    lsnn_status status = lsnn_compare_agents(arguments->operands[0], context, options, take_agent, &out);
    return end_list(&out, "agents", arguments, options, status, code);
}

/* What there is to compare with depends on the task. */
static lsnn_status evaluate_beside_others(const struct arguments *arguments, lsnn_context *context, const lsnn_run_options *options,
                                          int *code) {
    lsnn_experiment *experiment = NULL;
    lsnn_status status = lsnn_experiment_open_run(&experiment, arguments->operands[0]);
    if (status == LSNN_OK) {
        bool acts = strcmp(lsnn_experiment_get(experiment, "task"), "navigation") == 0;
        status = (acts ? compare_agents : evaluate_references)(arguments, context, options, code);
    }
    lsnn_experiment_free(experiment);
    return status;
}

static lsnn_status evaluate_against(const struct arguments *arguments, lsnn_context *context, const lsnn_run_options *options, int *code) {
    lsnn_goals_difference d;
    lsnn_status status = lsnn_compare_runs(arguments->operands[0], arguments->against, context, options, &d);
    if (status != LSNN_OK) {
        return status;
    }
    if (arguments->json) {
        *code = print_json(json_pack(
            "{s:o, s:o, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "run", json_text(arguments->operands[0]), "against",
            json_text(arguments->against), "split", options->split != NULL ? options->split : "test", "n_episodes",
            (json_int_t)d.n_episodes, "n_returned", (json_int_t)d.n_returned, "goals", json_number(d.goals), "goals_interval",
            json_number(d.goals_interval), "first", json_number(d.first), "first_interval", json_number(d.first_interval), "returning",
            json_number(d.returning), "returning_interval", json_number(d.returning_interval), "version", lsnn_version()));
        return LSNN_OK;
    }
    printf("%lld episodes of both; the first network's less the other's\n", (long long)d.n_episodes);
    printf("goals an episode    %+.2f +- %.2f\n", d.goals, d.goals_interval);
    printf("steps to the first  %+.1f +- %.1f\n", d.first, d.first_interval);
    printf("from one to another %+.1f +- %.1f, in %lld episodes\n", d.returning, d.returning_interval, (long long)d.n_returned);
    return LSNN_OK;
}

/* ---- the score ---- */

static lsnn_status evaluate(const struct arguments *arguments, lsnn_context *context, const lsnn_run_options *options, int *code) {
    const char *run = arguments->operands[0];
    lsnn_result result = {0};
    lsnn_status status = lsnn_evaluate(run, context, options, &result);
    if (status != LSNN_OK) {
        return status;
    }
    if (arguments->json) {
        *code = print_json(json_result(&result, run, lsnn_context_threads(context)));
    } else {
        number_room score, rate, interval;
        printf("%s %s %s%s, n %lld, loss %.4g, %s%.1f s\n", result.split, result.score_name,
               format_score(result.score_name, result.score, 2, &score), format_interval(result.score_interval, &interval),
               (long long)result.n, result.loss, format_rate(result.rate_hz, &rate), result.seconds);
        if (result.goals.n_episodes > 0) {
            print_goals_header(&result.goals);
            print_goals("network", &result.goals);
        }
    }
    return LSNN_OK;
}

int command_eval(const struct arguments *arguments) {
    lsnn_context *context = NULL;
    struct progress progress;
    lsnn_status status = LSNN_OK;
    int code = 0;

    TRY(lsnn_context_create(&context, (int)arguments->threads));
    progress_init(&progress, true, NULL);
    lsnn_run_options options = {
        .data_folder = arguments->data,
        .split = arguments->split,
        .seed = arguments->seed > 0 ? (uint64_t)arguments->seed : 0,
        .settings = arguments->set,
        .n_settings = arguments->n_set,
        .message = progress_message,
        .user = &progress,
    };
    lsnn_status (*way)(const struct arguments *, lsnn_context *, const lsnn_run_options *, int *) =
        arguments->against != NULL ? evaluate_against
        : arguments->references    ? evaluate_beside_others
                                   : evaluate;
    TRY(way(arguments, context, &options, &code));
out:
    if (status != LSNN_OK) {
        code = report(status);
    }
    lsnn_context_free(context);
    return code;
}
