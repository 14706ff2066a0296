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
    lsnn_run_options options = {
        .data_folder = arguments->data, .split = arguments->split, .message = progress_message, .user = &progress, .stop = stop};
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

static int plot_learned(const struct arguments *arguments) {
    enum { EPISODES_SHOWN = 4 };
    const char *source = arguments->operands[0];
    lsnn_context *context = NULL;
    struct progress progress;
    lsnn_status status = LSNN_OK;
    progress_init(&progress, true, stop_on_signal());
    TRY(lsnn_context_create(&context, (int)arguments->threads));
    lsnn_run_options options = {
        .data_folder = arguments->data, .split = arguments->split, .message = progress_message, .user = &progress, .stop = progress.stop};
    TRY(arguments->learning ? lsnn_plot_learning(source, context, &options, arguments->out)
                            : lsnn_plot_beliefs(source, context, &options, arguments->sample, EPISODES_SHOWN, arguments->out));
out:
    lsnn_context_free(context);
    return report(status);
}

/* A .safetensors file is a probe or a model: only its content tells. */
static int plot_file(const struct arguments *arguments) {
    lsnn_status status = plot_probe(arguments->operands[0], arguments);
    return status == LSNN_ERR_USAGE ? plot_sample(arguments) : report(status);
}

int command_plot(const struct arguments *arguments) {
    const char *source = arguments->operands[0], *figure = arguments->out;
    if (!has_ending(figure, ".svg") && !has_ending(figure, ".png") && !has_ending(figure, ".pdf")) {
        return complain(LSNN_ERR_USAGE, "--out is '%s'; a figure's name ends in .svg, .png or .pdf", figure);
    }
    if (arguments->curves + arguments->connections + arguments->learning + arguments->beliefs > 1) {
        return complain(LSNN_ERR_USAGE, "--curves, --connections, --learning and --beliefs are different figures; give one of them");
    }
    int code = 0;
    if (arguments->connections) {
        code = report(lsnn_plot_connections(source, figure));
    } else if (arguments->learning || arguments->beliefs) {
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
