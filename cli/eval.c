/* lsnn eval. */
#include "command.h"
#include "progress.h"
#include "report.h"

int command_eval(const struct arguments *arguments) {
    const char *run = arguments->operands[0];
    lsnn_context *context = NULL;
    lsnn_result result = {0};
    struct progress progress;
    lsnn_status status = LSNN_OK;
    int code = 0;

    TRY(lsnn_context_create(&context, (int)arguments->threads));
    progress_init(&progress, true, NULL);
    lsnn_run_options options = {
        .data_folder = arguments->data,
        .split = arguments->split,
        .seed = arguments->seed > 0 ? (uint64_t)arguments->seed : 0,
        .message = progress_message,
        .user = &progress,
    };
    TRY(lsnn_evaluate(run, context, &options, &result));
    if (arguments->json) {
        code = print_json(json_result(&result, run, lsnn_context_threads(context)));
    } else {
        number_room score, rate;
        printf("%s %s %s, n %lld, loss %.4g, %s%.1f s\n", result.split, result.score_name,
               format_score(result.score_name, result.score, 2, &score), (long long)result.n, result.loss,
               format_rate(result.rate_hz, &rate), result.seconds);
    }
out:
    if (status != LSNN_OK) {
        code = report(status);
    }
    lsnn_context_free(context);
    return code;
}
