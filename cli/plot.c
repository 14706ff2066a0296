/* lsnn plot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "open.h"
#include "progress.h"
#include "report.h"
#include "stop.h"

/* Text of "base" + "addition" on the heap; NULL: no memory. */
static char *join(const char *base, const char *addition) {
    size_t size = strlen(base) + strlen(addition) + 1;
    char *text = malloc(size);
    if (text != NULL) {
        snprintf(text, size, "%s%s", base, addition);
    }
    return text;
}

/* Creates an empty file beside the figure, for the probe. NULL: it could not, and that has been said; *code is set. */
static char *create_temporary(const char *figure, int *code) {
    static const char ending[] = ".XXXXXX.safetensors";
    char *path = join(figure, ending);
    if (path == NULL) {
        *code = complain(LSNN_ERR_MEMORY, "not enough memory to plot");
        return NULL;
    }
    int file = mkstemps(path, (int)strlen(".safetensors"));
    if (file < 0) {
        *code = complain(LSNN_ERR_IO, "can't write beside %s: %s", figure, strerror(errno));
        free(path);
        return NULL;
    }
    close(file);
    return path;
}

static lsnn_status plot_probe(const char *probe, const struct arguments *arguments) {
    return arguments->first > 0 ? lsnn_plot_start(probe, (double)arguments->first, arguments->out) : lsnn_plot(probe, arguments->out);
}

static lsnn_run_options options_of(const struct arguments *arguments, struct progress *progress) {
    return (lsnn_run_options){.data_folder = arguments->data,
                              .split = arguments->split,
                              .settings = arguments->set,
                              .n_settings = arguments->n_set,
                              .message = progress_message,
                              .user = progress,
                              .stop = progress->stop};
}

static int plot_sample(const struct arguments *arguments) {
    const volatile int *stop = stop_on_signal(); /* so that the temporary file goes */
    lsnn_context *context = NULL;
    struct progress progress;
    lsnn_status status = LSNN_OK;
    int code = 0;
    char *probe = create_temporary(arguments->out, &code);
    if (probe == NULL) {
        return code;
    }
    progress_init(&progress, true, stop);
    TRY(lsnn_context_create(&context, (int)arguments->threads));
    lsnn_run_options options = options_of(arguments, &progress);
    TRY(lsnn_probe(arguments->operands[0], context, &options, arguments->sample, probe));
    if (*stop == 0) {
        TRY(plot_probe(probe, arguments));
    }
out:
    code = *stop != 0 ? lsnn_status_exit_code(LSNN_STOPPED) : report(status);
    unlink(probe);
    free(probe);
    lsnn_context_free(context);
    return code;
}

static int plot_curves(const struct arguments *arguments) {
    char *metrics = join(arguments->operands[0], is_folder(arguments->operands[0]) ? "/metrics.jsonl" : "");
    int code = metrics == NULL ? complain(LSNN_ERR_MEMORY, "not enough memory to plot") : report(lsnn_plot(metrics, arguments->out));
    free(metrics);
    return code;
}

static lsnn_status plot_network(const struct arguments *arguments, lsnn_context *context, const lsnn_run_options *options) {
    enum { EPISODES_SHOWN = 4 };
    const char *source = arguments->operands[0];
    if (arguments->learning) {
        return lsnn_plot_learning(source, context, options, arguments->out);
    }
    if (arguments->goals) {
        return lsnn_plot_goals(source, context, options, arguments->out);
    }
    return (arguments->beliefs ? lsnn_plot_beliefs : lsnn_plot_paths)(source, context, options, arguments->sample, EPISODES_SHOWN,
                                                                      arguments->out);
}

static int plot_learned(const struct arguments *arguments) {
    lsnn_context *context = NULL;
    struct progress progress;
    lsnn_status status = LSNN_OK;
    progress_init(&progress, true, stop_on_signal());
    TRY(lsnn_context_create(&context, (int)arguments->threads));
    lsnn_run_options options = options_of(arguments, &progress);
    TRY(plot_network(arguments, context, &options));
out:
    lsnn_context_free(context);
    return report(status);
}

static bool chooses_sample(const struct arguments *arguments) {
    return arguments->n_set > 0 || arguments->split != NULL || arguments->sample > 0;
}

/* A .safetensors file is a probe or a model: only its content tells. A probe is of one sample, which was chosen when it was made. */
static int plot_file(const struct arguments *arguments) {
    lsnn_status status = chooses_sample(arguments) ? LSNN_ERR_USAGE : plot_probe(arguments->operands[0], arguments);
    return status == LSNN_ERR_USAGE ? plot_sample(arguments) : report(status);
}

/* A page that moves shows an agent: is there one? Where nothing can be told yet, the work itself will. Returns the exit code. */
static int check_page(const struct arguments *arguments) {
    lsnn_experiment *experiment = NULL;
    int code = 0;
    if (arguments->curves + arguments->connections + arguments->learning + arguments->beliefs + arguments->goals + arguments->paths > 0) {
        return complain(LSNN_ERR_USAGE,
                        "--out is '%s', which would be a page that plays an episode; a figure's name ends in .svg, .png or .pdf",
                        arguments->out);
    }
    if (lsnn_experiment_open_run(&experiment, arguments->operands[0]) == LSNN_OK) {
        const char *task = lsnn_experiment_get(experiment, "task");
        if (strcmp(task, "navigation") != 0) {
            code = complain(LSNN_ERR_USAGE,
                            "--out is '%s', a page that plays an agent's episode in the task navigation, but %s has learned %s; "
                            "a figure's name ends in .svg, .png or .pdf",
                            arguments->out, arguments->operands[0], task);
        }
    }
    lsnn_experiment_free(experiment);
    return code;
}

int command_plot(const struct arguments *arguments) {
    const char *source = arguments->operands[0], *figure = arguments->out;
    bool is_page = has_ending(figure, ".html");
    if (!is_page && !has_ending(figure, ".svg") && !has_ending(figure, ".png") && !has_ending(figure, ".pdf")) {
        return complain(LSNN_ERR_USAGE,
                        "--out is '%s'; a figure's name ends in .svg, .png or .pdf, a page's that plays an agent's episode in .html",
                        figure);
    }
    if (arguments->curves + arguments->connections + arguments->learning + arguments->beliefs + arguments->goals + arguments->paths > 1) {
        return complain(LSNN_ERR_USAGE,
                        "--curves, --connections, --learning, --beliefs, --goals and --paths are different figures; give one of them");
    }
    if ((arguments->curves || arguments->connections) && (chooses_sample(arguments) || arguments->first > 0)) {
        return complain(LSNN_ERR_USAGE,
                        "--set, --split, --sample and --first choose a sample and how much of it is shown; the figure of %s shows none",
                        arguments->curves ? "--curves" : "--connections");
    }
    int code = is_page ? check_page(arguments) : 0;
    if (code != 0) {
        return code;
    }
    if (arguments->connections) {
        code = report(lsnn_plot_connections(source, figure));
    } else if (arguments->learning || arguments->beliefs || arguments->goals || arguments->paths) {
        code = plot_learned(arguments);
    } else if (arguments->curves || has_ending(source, ".jsonl")) {
        code = plot_curves(arguments);
    } else {
        code = has_ending(source, ".safetensors") ? plot_file(arguments) : plot_sample(arguments);
    }
    if (code == 0) {
        printf("%s\n", figure);
    }
    return code;
}
