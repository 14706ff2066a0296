/* lsnn bench. */
#include "command.h"
#include "report.h"

static void print_row(void *user, const lsnn_bench_row *row) {
    (void)user;
    number_room memory;
    printf("%-24s %8.4f s an iteration (forward %.4f, backward %.4f), batch %d, %d steps, %d neurons, %s, %.1f Hz\n", row->name,
           row->iteration_seconds, row->forward_seconds, row->backward_seconds, row->n_batch, row->n_steps, row->n_rec,
           format_bytes(row->memory_bytes, &memory), row->rate_hz);
    fflush(stdout);
}

static void add_row(void *user, const lsnn_bench_row *row) {
    json_object_set_new(user, row->name,
                        json_pack("{s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i}", "iteration_seconds", json_number(row->iteration_seconds),
                                  "forward_seconds", json_number(row->forward_seconds), "backward_seconds",
                                  json_number(row->backward_seconds), "memory_bytes", json_number(row->memory_bytes), "rate_hz",
                                  json_number(row->rate_hz), "n_batch", row->n_batch, "n_steps", row->n_steps, "n_rec", row->n_rec));
}

int command_bench(const struct arguments *arguments) {
    lsnn_context *context = NULL;
    json_t *object = NULL;
    lsnn_status status = LSNN_OK;
    int code = 0;

    TRY(lsnn_context_create(&context, (int)arguments->threads));
    if (arguments->json) {
        object = json_pack("{s:s, s:s, s:i}", "version", lsnn_version(), "isa", lsnn_context_isa(context), "threads",
                           lsnn_context_threads(context));
        TRY(lsnn_bench(context, add_row, object));
        code = print_json(object);
        object = NULL;
    } else {
        printf("lsnn %s, %s kernels, %d threads\n", lsnn_version(), lsnn_context_isa(context), lsnn_context_threads(context));
        fflush(stdout);
        TRY(lsnn_bench(context, print_row, NULL));
    }
out:
    if (status != LSNN_OK) {
        code = report(status);
    }
    json_decref(object);
    lsnn_context_free(context);
    return code;
}
