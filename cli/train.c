/* lsnn train. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "open.h"
#include "progress.h"
#include "report.h"
#include "stop.h"

/* The command that goes on with this run: all that was typed, with --resume and the folder. */
static void print_resume_command(FILE *stream, const struct arguments *arguments, const char *run) {
    print_quoted(stream, arguments->program);
    fputs(arguments->operands[0][0] == '-' ? " train ./" : " train ", stream);
    print_quoted(stream, arguments->operands[0]);
    for (int i = 0; i < arguments->n_set; i++) {
        fputs(" --set ", stream);
        print_quoted(stream, arguments->set[i]);
    }
    if (arguments->seed >= 0) {
        fprintf(stream, " --seed %lld", (long long)arguments->seed);
    }
    if (arguments->threads > 0) {
        fprintf(stream, " --threads %lld", (long long)arguments->threads);
    }
    if (arguments->data != NULL) {
        fputs(" --data ", stream);
        print_quoted(stream, arguments->data);
    }
    fputs(arguments->no_test ? " --no-test" : "", stream);
    fputs(arguments->json ? " --json" : "", stream);
    fputs(arguments->quiet ? " --quiet" : "", stream);
    fputs(" --resume --out ", stream);
    print_quoted(stream, run);
}

static void print_hint(const struct arguments *arguments, const char *command, const char *run, const char *rest) {
    fputs("  ", stderr);
    print_quoted(stderr, arguments->program);
    fprintf(stderr, " %s ", command);
    print_quoted(stderr, run);
    fprintf(stderr, "%s\n", rest);
}

static void print_hints(const struct arguments *arguments, const char *run, bool has_spikes) {
    fputs("try next:\n", stderr);
    if (has_spikes) {
        print_hint(arguments, "plot", run, " --out sample.png             one test sample, spike by spike");
    }
    print_hint(arguments, "plot", run, " --curves --out curves.png    how the training went");
    print_hint(arguments, "show", run, "                              its settings, and what the network needs");
}

static void print_result(const lsnn_result *result, const char *run) {
    number_room score, rate;
    printf("%s %s %s, n %lld, loss %.4g, %s%lld iterations, %.1f s, run %s\n", result->split, result->score_name,
           format_score(result->score_name, result->score, 2, &score), (long long)result->n, result->loss,
           format_rate(result->rate_hz, &rate), (long long)result->iterations, result->seconds, run);
}

/* The run folder: --out, or the library's own choice. NULL: no memory. */
static char *run_folder(const struct arguments *arguments, const lsnn_experiment *experiment) {
    if (arguments->out != NULL) {
        return strdup(arguments->out);
    }
    const char *name = lsnn_experiment_name(experiment), *seed = lsnn_experiment_get(experiment, "seed");
    size_t size = strlen(name) + 64;
    char *folder = malloc(size);
    if (folder != NULL) {
        snprintf(folder, size, "runs/%s-seed%.40s", name, seed != NULL ? seed : "1");
    }
    return folder;
}

static int say_result(const struct arguments *arguments, const lsnn_result *result, const char *run, int n_threads) {
    if (result->was_finished) {
        fprintf(stderr, "%s is finished already: nothing was done\n", run);
    }
    if (arguments->json) {
        return print_json(json_result(result, run, n_threads));
    }
    print_result(result, run);
    fflush(stdout); /* before the hints, where both go to one place */
    if (!arguments->quiet) {
        print_hints(arguments, run, !isnan(result->rate_hz));
    }
    return 0;
}

int command_train(const struct arguments *arguments) {
    lsnn_experiment *experiment = NULL;
    lsnn_context *context = NULL;
    char *run = NULL;
    struct progress progress;
    lsnn_result result = {0};
    lsnn_status status = LSNN_OK;
    int code = 0;

    TRY(open_experiment(&experiment, arguments, false));
    run = run_folder(arguments, experiment);
    if (run == NULL) {
        code = complain(LSNN_ERR_MEMORY, "not enough memory to start");
        goto out;
    }
    TRY(lsnn_context_create(&context, (int)arguments->threads));
    progress_init(&progress, arguments->quiet, stop_on_signal());
    lsnn_run_options options = {
        .out = arguments->out,
        .resume = arguments->resume,
        .no_test = arguments->no_test,
        .data_folder = arguments->data,
        .progress = progress_iteration,
        .message = progress_message,
        .user = &progress,
        .stop = progress.stop,
    };
    status = lsnn_train(experiment, context, &options, &result);
    progress_end(&progress);
    if (status == LSNN_OK) {
        code = say_result(arguments, &result, run, lsnn_context_threads(context));
    } else if (status == LSNN_STOPPED) {
        fputs("saved; go on with: ", stderr);
        print_resume_command(stderr, arguments, run);
        fputc('\n', stderr);
        code = lsnn_status_exit_code(status);
        status = LSNN_OK;
    }
out:
    if (status != LSNN_OK) {
        code = report(status);
    }
    free(run);
    lsnn_context_free(context);
    lsnn_experiment_free(experiment);
    return code;
}
