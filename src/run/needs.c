/* What a run will need, before it begins. */
#include "run/setup.h"

lsnn_status lsnn_experiment_needs(const lsnn_experiment *experiment, const char *data_folder, lsnn_needs *needs) {
    lsnn_status status = LSNN_OK;
    task *t = NULL;
    model *m = NULL;
    lsnn_context *context = NULL;
    TRY(experiment_check(experiment));
    TRY(task_open_shape(&t, experiment, &(lsnn_run_options){.data_folder = data_folder}));
    model_shape shape = setup_shape(t);
    TRY(model_create(&m, experiment, &shape));
    lsnn_needs found = {
        .kind = m->kind->name, .unit = m->kind->unit, .n_steps = t->n_steps, .n_batch = (int)setting_int(experiment, "train.batch")};
    model_describe(m, &found);
    TRY(model_start_training(m, experiment));
    TRY(lsnn_context_create(&context, 0));
    pass_options options = setup_pass(experiment, t, true);
    found.memory_bytes = pass_memory(m, context, &options);
    options.train = false; /* for validation */
    found.memory_bytes += pass_memory(m, context, &options);
    found.memory_bytes += (double)m->n_params * 4 * sizeof(float); /* weights, gradient, Adam's two */
    *needs = found;
out:
    lsnn_context_free(context);
    model_free(m);
    task_close(t);
    return status;
}
