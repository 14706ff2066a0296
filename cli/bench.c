/* lsnn bench. */
#include <math.h>

#include "command.h"
#include "report.h"

static void print_head(const lsnn_context *context) {
    printf("lsnn %s, %s kernels, %d threads; milliseconds an iteration\n\n", lsnn_version(), lsnn_context_isa(context),
           lsnn_context_threads(context));
    printf("%-13s %9s %9s %9s %17s %9s %8s %9s\n", "work", "iteration", "forward", "backward", "least .. most", "memory", "rate",
           "of limit");
    fflush(stdout);
}

static void print_row(void *user, const lsnn_bench_row *row) {
    (void)user;
    number_room memory;
    char rate[32] = "-";
    if (!isnan(row->rate_hz)) {
        snprintf(rate, sizeof rate, "%.1f Hz", row->rate_hz);
    }
    printf("%-13s %9.4g %9.4g %9.4g %7.4g .. %-6.4g %9s %8s %7.1f %%\n", row->name, 1e3 * row->iteration_seconds,
           1e3 * row->forward_seconds, 1e3 * row->backward_seconds, 1e3 * row->seconds_min, 1e3 * row->seconds_max,
           format_bytes(row->memory_bytes, &memory), rate, 100 * row->of_limit);
    printf("  batch %d, %d steps, %d inputs, %d neurons, %lld synapses: %.4g us a step, %.4g ns a neuron and step\n", row->n_batch,
           row->n_steps, row->n_in, row->n_rec, (long long)row->n_synapses, 1e6 * row->step_seconds, 1e9 * row->neuron_step_seconds);
    printf("  limits: arithmetic %.4g ms at %.0f Gflop/s, memory %.4g ms at %.1f GB/s\n", 1e3 * row->arithmetic_limit_seconds,
           1e-9 * row->peak_flops, 1e3 * row->memory_limit_seconds, 1e-9 * row->peak_bytes);
    fflush(stdout);
}

static void add_row(void *user, const lsnn_bench_row *row) {
    json_t *object = json_pack("{s:i, s:i, s:i, s:i, s:I}", "n_batch", row->n_batch, "n_steps", row->n_steps, "n_in", row->n_in, "n_rec",
                               row->n_rec, "n_synapses", (json_int_t)row->n_synapses);
    const struct {
        const char *key;
        double value;
    } numbers[] = {
        {"iteration_seconds", row->iteration_seconds},
        {"forward_seconds", row->forward_seconds},
        {"backward_seconds", row->backward_seconds},
        {"seconds_min", row->seconds_min},
        {"seconds_max", row->seconds_max},
        {"step_seconds", row->step_seconds},
        {"neuron_step_seconds", row->neuron_step_seconds},
        {"memory_bytes", row->memory_bytes},
        {"rate_hz", row->rate_hz},
        {"flops", row->flops},
        {"bytes", row->bytes},
        {"peak_flops", row->peak_flops},
        {"peak_bytes", row->peak_bytes},
        {"arithmetic_limit_seconds", row->arithmetic_limit_seconds},
        {"memory_limit_seconds", row->memory_limit_seconds},
        {"of_limit", row->of_limit},
    };
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
        json_object_set_new(object, numbers[k].key, json_number(numbers[k].value));
    }
    json_object_set_new(user, row->name, object);
}

static int write_work(const struct arguments *arguments, lsnn_context *context, const lsnn_bench_work *work) {
    lsnn_status status = lsnn_bench_write(context, work, arguments->write);
    if (status != LSNN_OK) {
        return report(status);
    }
    if (arguments->json) {
        return print_json(json_pack("{s:o}", "file", json_text(arguments->write)));
    }
    printf("%s\n", arguments->write);
    return 0;
}

int command_bench(const struct arguments *arguments) {
    lsnn_context *context = NULL;
    json_t *object = NULL;
    lsnn_status status = LSNN_OK;
    int code = 0;

    lsnn_bench_work work;
    lsnn_bench_work_init(&work);
    for (int k = 0; k < arguments->n_set; k++) {
        TRY(lsnn_bench_set(&work, arguments->set[k]));
    }
    const lsnn_bench_work *own = arguments->n_set > 0 ? &work : NULL;
    TRY(lsnn_context_create(&context, (int)arguments->threads));
    if (arguments->write != NULL) {
        code = write_work(arguments, context, &work);
    } else if (arguments->json) {
        object = json_pack("{s:s, s:s, s:i}", "version", lsnn_version(), "isa", lsnn_context_isa(context), "threads",
                           lsnn_context_threads(context));
        TRY(lsnn_bench(context, own, add_row, object));
        code = print_json(object);
        object = NULL;
    } else {
        print_head(context);
        TRY(lsnn_bench(context, own, print_row, NULL));
    }
out:
    if (status != LSNN_OK) {
        code = report(status);
    }
    json_decref(object);
    lsnn_context_free(context);
    return code;
}
