/* What a run will need, before it begins. */
#include "run/setup.h"

lsnn_status lsnn_experiment_needs(const lsnn_experiment *experiment, const char *data_folder, lsnn_needs *needs) {
    lsnn_status status = LSNN_OK;
    task *t = NULL;
    lsnn_net *net = NULL;
    lsnn_rewire *rewire = NULL;
    lsnn_context *context = NULL;
    TRY(experiment_check(experiment));
    TRY(task_open_shape(&t, experiment, data_folder));
    TRY(setup_net(&net, experiment, t));
    int64_t live[3] = {(int64_t)net->in.n, (int64_t)net->rec.n, (int64_t)net->out.n};
    TRY(setup_rewire(&rewire, experiment, net));
    TRY(lsnn_context_create(&context, 0));
    lsnn_sim_options options = {
        .n_batch = (int)setting_int(experiment, "train.batch"), .n_steps = t->n_steps, .n_windows = t->n_windows, .train = true};
    double memory = lsnn_sim_memory(net, context, &options);
    options.train = false; /* for validation */
    memory += lsnn_sim_memory(net, context, &options);
    memory += (double)net->n_params * 4 * sizeof(float); /* weights, gradient, Adam's two */
    *needs = (lsnn_needs){.n_in = t->n_in,
                          .n_lif = net->spec.n_lif,
                          .n_adaptive = net->spec.n_adaptive,
                          .n_rec = net->n_rec,
                          .n_out = t->n_out,
                          .n_steps = t->n_steps,
                          .n_batch = options.n_batch,
                          .n_synapses_in = live[0],
                          .n_synapses_rec = live[1],
                          .n_synapses_out = live[2],
                          .n_params = (int64_t)net->n_params,
                          .memory_bytes = memory};
out:
    lsnn_context_free(context);
    lsnn_rewire_free(rewire);
    lsnn_net_free(net);
    task_close(t);
    return status;
}
