#include "model/model.h"

#include <string.h>

static const model_kind *kind_of(const lsnn_experiment *experiment) {
    static const model_kind *const kinds[] = {&model_spiking, &model_lstm, &model_rnn};
    size_t k = 0;
    while (k + 1 < sizeof kinds / sizeof *kinds && strcmp(kinds[k]->name, setting_text(experiment, "net.kind")) != 0) {
        k++;
    }
    return kinds[k];
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

void pass_close(pass *p) {
    if (p != NULL) {
        p->kind->pass_close(p);
    }
}
