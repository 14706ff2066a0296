#include "run/setup.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

model_shape setup_shape(const task *t) {
    return (model_shape){.n_in = t->n_in, .n_out = t->n_out, .input = t->input};
}

lsnn_status setup_check_model(const model *m, const task *t, const char *path) {
    const model_shape *s = &m->shape;
    bool takes_all = model_net(m) == NULL; /* dense networks take spikes as numbers */
    if (s->n_in != t->n_in || s->n_out != t->n_out || (s->input != t->input && !takes_all)) {
        return fail(LSNN_ERR_DATA, "%s: the network has %d inputs and %d outputs, the task %s %d and %d; its data or settings have changed",
                    path, s->n_in, s->n_out, t->kind->name, t->n_in, t->n_out);
    }
    return LSNN_OK;
}

pass_options setup_pass(const lsnn_experiment *e, const task *t, bool train) {
    return (pass_options){.n_batch = (int)setting_int(e, "train.batch"),
                          .n_steps = t->n_steps,
                          .n_windows = t->n_windows,
                          .window_start = t->window_start,
                          .window_stop = t->window_stop,
                          .train = train};
}

lsnn_status setup_adam(lsnn_adam **out, const lsnn_experiment *e, const model *m) {
    lsnn_adam_options options;
    lsnn_adam_options_init(&options);
    options.beta1 = (float)setting_real(e, "train.beta1");
    options.beta2 = (float)setting_real(e, "train.beta2");
    options.epsilon = (float)setting_real(e, "train.epsilon");
    options.clip = (float)setting_real(e, "train.clip");
    return adam_create(out, m->n_params, &options);
}

schedule setup_schedule(const lsnn_experiment *e) {
    const char *kind = setting_text(e, "train.lr_schedule");
    return (schedule){.kind = strcmp(kind, "cosine") == 0 ? SCHEDULE_COSINE
                              : strcmp(kind, "step") == 0 ? SCHEDULE_STEP
                                                          : SCHEDULE_CONSTANT,
                      .rate = setting_real(e, "train.lr"),
                      .factor = setting_real(e, "train.lr_factor"),
                      .every = setting_int(e, "train.lr_every"),
                      .end = setting_real(e, "train.lr_end"),
                      .warmup = setting_int(e, "train.lr_warmup"),
                      .n_iterations = setting_int(e, "train.iterations")};
}

void run_tell(const lsnn_run_options *options, const char *format, ...) {
    if (options->message != NULL) {
        char text[2048];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        options->message(options->user, text);
    }
}
