#include "model/model.h"

#include <string.h>

static const model_kind *kind_of(const lsnn_experiment *experiment) {
    enum { KINDS = 3 };
    static const model_kind *const kinds[2][KINDS] = {{&model_spiking, &model_lstm, &model_rnn},
                                                      {&model_two_spiking, &model_two_lstm, &model_two_rnn}};
    int two = setting_bool(experiment, "net.bidirectional");
    int k = 0;
    while (k + 1 < KINDS && strcmp(kinds[two][k]->name, setting_text(experiment, "net.kind")) != 0) {
        k++;
    }
    return kinds[two][k];
}

lsnn_status model_create(model **out, const lsnn_experiment *experiment, const model_shape *shape) {
    return kind_of(experiment)->create(out, experiment, shape);
}

lsnn_status model_read(model **out, const lsnn_experiment *experiment, const tensor_file *file) {
    return kind_of(experiment)->read(out, experiment, file);
}

lsnn_status model_start_training(model *m, const lsnn_experiment *experiment) {
    return m->kind->start_training != NULL ? m->kind->start_training(m, experiment) : LSNN_OK;
}

void model_free(model *m) {
    if (m != NULL) {
        m->kind->free(m);
    }
}

int64_t model_count_possible(const model *m) {
    lsnn_needs needs = {0};
    if (m->kind->count_possible != NULL) {
        return m->kind->count_possible(m);
    }
    model_describe(m, &needs);
    return needs.n_synapses_in + needs.n_synapses_rec + needs.n_synapses_out;
}

void pass_close(pass *p) {
    if (p != NULL) {
        p->kind->pass_close(p);
    }
}
