/* lsnn probe. */
#include "command.h"
#include "progress.h"
#include "report.h"

int command_probe(const struct arguments *arguments) {
    lsnn_context *context = NULL;
    struct progress progress;
    lsnn_status status = LSNN_OK;

    progress_init(&progress, true, NULL);
    TRY(lsnn_context_create(&context, (int)arguments->threads));
    lsnn_run_options options = {.data_folder = arguments->data, .split = arguments->split, .message = progress_message, .user = &progress};
    TRY(lsnn_probe(arguments->operands[0], context, &options, arguments->sample, arguments->out));
    printf("%s\n", arguments->out);
out:
    lsnn_context_free(context);
    return report(status);
}
