#include "dense/dense_net.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 65535 };

static lsnn_status check(const dense_spec *s) {
    if (s->n_in < 1 || s->n_in > MOST || s->n_units < 1 || s->n_units > MOST || s->n_out < 1 || s->n_out > MOST) {
        return fail(LSNN_ERR_SETTING, "%d inputs, %d units, %d outputs; each must be 1..%d", s->n_in, s->n_units, s->n_out, MOST);
    }
    return LSNN_OK;
}

/* A network whose weights are all 0. */
static lsnn_status create_empty(dense_net **out, const dense_spec *spec) {
    lsnn_status status = check(spec);
    dense_net *net = status == LSNN_OK ? calloc(1, sizeof *net) : NULL;
    if (status != LSNN_OK) {
        return status;
    }
    if (net == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a network");
    }
    net->spec = *spec;
    net->n_gates = spec->kind == DENSE_LSTM ? 4 : 1;
    net->n_rows = net->n_gates * spec->n_units;
    net->n_columns = spec->n_units + spec->n_in + 1;
    size_t n_w = (size_t)net->n_rows * (size_t)net->n_columns;
    net->n_params = n_w + (size_t)spec->n_out * (size_t)(spec->n_units + 1);
    net->params = calloc(net->n_params, sizeof *net->params);
    if (net->params == NULL) {
        status = fail(LSNN_ERR_MEMORY, "no memory for %.3g parameters", (double)net->n_params);
        free(net);
        return status;
    }
    net->w = net->params;
    net->w_out = net->params + n_w;
    *out = net;
    return LSNN_OK;
}

/* Columns begin..end-1 of a matrix, uniform within +-limit. The numbers are the cells' own, whatever else is drawn. */
static void draw(real *w, int n_rows, int n_columns, int begin, int end, double limit, uint64_t seed, rng_stream stream) {
    for (int r = 0; r < n_rows; r++) {
        for (int c = begin; c < end; c++) {
            size_t at = (size_t)r * (size_t)n_columns + (size_t)c;
            w[at] = (real)(float)(limit * (2 * rng_uniform(seed, stream, at) - 1));
        }
    }
}

lsnn_status dense_net_create(dense_net **out, const dense_spec *spec) {
    dense_net *net;
    lsnn_status status = create_empty(&net, spec);
    if (status != LSNN_OK) {
        return status;
    }
    int n = spec->n_units;
    double limit = sqrt(6.0 / (net->n_rows + n + spec->n_in));
    draw(net->w, net->n_rows, net->n_columns, 0, n, limit * (double)spec->scale_rec, spec->seed, RNG_WEIGHT_REC);
    draw(net->w, net->n_rows, net->n_columns, n, n + spec->n_in, limit * (double)spec->scale_in, spec->seed, RNG_WEIGHT_IN);
    draw(net->w_out, spec->n_out, n + 1, 0, n, sqrt(6.0 / (n + spec->n_out)), spec->seed, RNG_WEIGHT_OUT);
    for (int j = 0; spec->kind == DENSE_LSTM && j < n; j++) {
        net->w[(size_t)(n + j + 1) * (size_t)net->n_columns - 1] = (real)spec->forget_bias; /* the second gate's */
    }
    *out = net;
    return LSNN_OK;
}

void dense_net_free(dense_net *net) {
    if (net != NULL) {
        free(net->params);
        free(net);
    }
}

static tensor_type real_type(void) {
    return sizeof(real) == sizeof(float) ? TENSOR_F32 : TENSOR_F64;
}

void dense_net_write(const dense_net *net, tensor_writer *writer) {
    tensor_writer_add(writer, "w", real_type(), 2, (int64_t[]){net->n_rows, net->n_columns}, net->w);
    tensor_writer_add(writer, "w_out", real_type(), 2, (int64_t[]){net->spec.n_out, net->spec.n_units + 1}, net->w_out);
}

lsnn_status dense_net_read(dense_net **out, const dense_spec *spec, const tensor_file *file) {
    lsnn_status status = LSNN_OK;
    dense_net *net = NULL;
    const tensor *w;
    const tensor *w_out;
    dense_spec s = *spec;
    int64_t n_rows = (int64_t)s.n_units * (s.kind == DENSE_LSTM ? 4 : 1);
    TRY(tensor_file_need(file, "w", real_type(), 2, (int64_t[]){n_rows, -1}, &w));
    TRY(tensor_file_need(file, "w_out", real_type(), 2, (int64_t[]){-1, s.n_units + 1}, &w_out));
    int64_t n_in = w->shape[1] - s.n_units - 1;
    if (n_in < 1 || n_in > MOST || w_out->shape[0] < 1 || w_out->shape[0] > MOST) {
        TRY(fail(LSNN_ERR_DATA, "%s: %lld inputs and %lld outputs; the file is damaged", tensor_file_path(file), (long long)n_in,
                 (long long)w_out->shape[0]));
    }
    s.n_in = (int)n_in;
    s.n_out = (int)w_out->shape[0];
    TRY(create_empty(&net, &s));
    memcpy(net->w, w->data, w->n * sizeof(real));
    memcpy(net->w_out, w_out->data, w_out->n * sizeof(real));
    for (size_t k = 0; k < net->n_params; k++) {
        if (!isfinite((double)net->params[k])) {
            TRY(fail(LSNN_ERR_DATA, "%s: weight %zu is not finite; the file is damaged", tensor_file_path(file), k));
        }
    }
    *out = net;
    net = NULL;
out:
    dense_net_free(net);
    return status;
}
