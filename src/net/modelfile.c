/* A network in a safetensors file: its connections as lists, its neurons' constants, and the rest of its description as JSON in the metadata. */
#include "net/net.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One table for both directions: the spec's plain numbers. Reals are written with 9 digits, which a float survives. */
typedef enum field_type { FIELD_INT, FIELD_REAL, FIELD_BOOL, FIELD_KIND, FIELD_NORMALISE } field_type;
static const struct {
    const char *name;
    field_type type;
    size_t at;
} fields[] = {
#define FIELD(name, type) \
    { #name, type, offsetof(lsnn_net_spec, name) }
    FIELD(n_in, FIELD_INT),
    FIELD(n_lif, FIELD_INT),
    FIELD(n_adaptive, FIELD_INT),
    FIELD(n_out, FIELD_INT),
    FIELD(dt, FIELD_REAL),
    FIELD(tau_out, FIELD_REAL),
    FIELD(r_m, FIELD_REAL),
    FIELD(v_th, FIELD_REAL),
    FIELD(gamma, FIELD_REAL),
    FIELD(n_ref, FIELD_INT),
    FIELD(n_delay, FIELD_INT),
    FIELD(detach_reset, FIELD_BOOL),
    FIELD(bias, FIELD_BOOL),
    FIELD(noise, FIELD_REAL),
    FIELD(noise_trainable, FIELD_BOOL),
    FIELD(input, FIELD_KIND),
    FIELD(normalise, FIELD_NORMALISE),
#undef FIELD
};

static char *describe(const lsnn_net_spec *spec) {
    json_t *root = json_object();
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
        const void *at = (const char *)spec + fields[k].at;
        json_t *value = NULL;
        switch (fields[k].type) {
            case FIELD_INT: value = json_integer(*(const int *)at); break;
            case FIELD_REAL: value = json_real((double)*(const float *)at); break;
            case FIELD_BOOL: value = json_boolean(*(const bool *)at); break;
            case FIELD_KIND: value = json_string(*(const lsnn_input_kind *)at == LSNN_SPIKES ? "spikes" : "currents"); break;
            case FIELD_NORMALISE: value = json_string(*(const lsnn_normalise *)at == LSNN_BY_THRESHOLD ? "threshold" : "baseline"); break;
        }
        json_object_set_new(root, fields[k].name, value);
    }
    json_object_set_new(root, "seed", json_integer((json_int_t)(spec->seed >> 1))); /* see read_seed */
    json_object_set_new(root, "seed_is_odd", json_boolean((spec->seed & 1) != 0));
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(root);
    return text;
}

/* JSON integers are signed: an unsigned seed is written as its half and its last bit. */
static uint64_t read_seed(const json_t *root) {
    return (uint64_t)json_integer_value(json_object_get(root, "seed")) << 1 | (uint64_t)json_is_true(json_object_get(root, "seed_is_odd"));
}

/* Which of two words a JSON text is; -1: neither. */
static int which_word(const json_t *value, const char *first, const char *second) {
    const char *text = json_string_value(value);
    return text == NULL ? -1 : strcmp(text, first) == 0 ? 0 : strcmp(text, second) == 0 ? 1 : -1;
}

static bool read_field(const json_t *value, field_type type, void *to) {
    int word = type == FIELD_KIND ? which_word(value, "spikes", "currents") : which_word(value, "threshold", "baseline");
    switch (type) {
        case FIELD_INT:
            if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > 65535) {
                return false;
            }
            *(int *)to = (int)json_integer_value(value);
            return true;
        case FIELD_REAL:
            if (!json_is_number(value)) {
                return false;
            }
            *(float *)to = (float)json_number_value(value);
            return true;
        case FIELD_BOOL: *(bool *)to = json_is_true(value); return json_is_boolean(value);
        case FIELD_KIND: *(lsnn_input_kind *)to = word == 1 ? LSNN_CURRENTS : LSNN_SPIKES; return word >= 0;
        default: *(lsnn_normalise *)to = word == 1 ? LSNN_BY_BASELINE : LSNN_BY_THRESHOLD; return word >= 0;
    }
}

static lsnn_status read_spec(const tensor_file *file, lsnn_net_spec *spec) {
    const char *text = tensor_file_metadata(file, "network");
    if (text == NULL) {
        return fail(LSNN_ERR_DATA, "%s has no network in it (no metadata 'network'); give a model that lsnn saved", tensor_file_path(file));
    }
    json_t *root = json_loads(text, 0, NULL);
    lsnn_status status = LSNN_OK;
    lsnn_net_spec_init(spec);
    for (size_t k = 0; k < sizeof fields / sizeof *fields; k++) {
        if (!read_field(json_object_get(root, fields[k].name), fields[k].type, (char *)spec + fields[k].at)) {
            TRY(fail(LSNN_ERR_DATA, "%s: the network's %s is missing or not what it must be; the file is damaged", tensor_file_path(file),
                     fields[k].name));
        }
    }
    spec->seed = read_seed(root);
out:
    json_decref(root);
    return status;
}

/* What would be a wrong setting elsewhere is a damaged file here. */
static lsnn_status check_spec(const lsnn_net_spec *spec, const tensor_file *file) {
    lsnn_status status = net_spec_check(spec);
    return status == LSNN_ERR_SETTING ? fail(LSNN_ERR_DATA, "%s: %s; the file is damaged", tensor_file_path(file), lsnn_error()) : status;
}

static void write_matrix(tensor_writer *writer, const char *name, const matrix *m, const real *params) {
    int64_t n = (int64_t)m->n;
    const struct {
        const char *suffix;
        const void *data;
        tensor_type type;
    } parts[] = {{"value", params + m->first, real_type()},
                 {"receiver", m->receiver, TENSOR_U16},
                 {"sender", m->sender, TENSOR_U16},
                 {"delay", m->delay, TENSOR_U16}};
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        char full[64];
        snprintf(full, sizeof full, "%s.%s", name, parts[k].suffix);
        tensor_writer_add(writer, full, parts[k].type, 1, &n, parts[k].data);
    }
}

void net_write(const lsnn_net *net, tensor_writer *writer) {
    char *description = describe(&net->spec);
    tensor_writer_text(writer, "network", description != NULL ? description : "");
    free(description);
    write_matrix(writer, "w_in", &net->in, net->params);
    write_matrix(writer, "w_rec", &net->rec, net->params);
    write_matrix(writer, "w_out", &net->out, net->params);
    int64_t n_rec = net->n_rec;
    if (net->spec.bias) {
        tensor_writer_add(writer, "b_out", real_type(), 1, (int64_t[]){net->spec.n_out}, net->params + net->first_bias);
    }
    if (net->spec.noise_trainable) {
        tensor_writer_add(writer, "noise", real_type(), 1, &n_rec, net->params + net->first_noise);
    }
    tensor_writer_add(writer, "tau_m", TENSOR_F32, 1, &n_rec, net->tau_m);
    tensor_writer_add(writer, "tau_a", TENSOR_F32, 1, &n_rec, net->tau_a);
    tensor_writer_add(writer, "beta", TENSOR_F32, 1, &n_rec, net->beta_each);
    tensor_writer_add(writer, "sign_in", TENSOR_I8, 1, (int64_t[]){net->spec.n_in}, net->sign_in);
    tensor_writer_add(writer, "sign_rec", TENSOR_I8, 1, &n_rec, net->sign_rec);
}

/* Connections as the file lists them, made dense for lsnn_net_create. Errors: DATA (an index or a delay out of range). */
typedef struct dense {
    uint8_t *mask;
    int32_t *delay;
    const tensor *value;
} dense;

static lsnn_status read_matrix(const tensor_file *file, const char *name, int n_pre, int n_post, int first_delay, int n_delays,
                               dense *out) {
    lsnn_status status = LSNN_OK;
    const tensor *part[4];
    static const char *const suffix[4] = {"value", "receiver", "sender", "delay"};
    int64_t n = -1;
    for (int k = 0; k < 4; k++) {
        char full[64];
        snprintf(full, sizeof full, "%s.%s", name, suffix[k]);
        TRY(tensor_file_need(file, full, k == 0 ? real_type() : TENSOR_U16, 1, &n, &part[k]));
        n = part[0]->shape[0];
    }
    size_t cells = (size_t)n_pre * (size_t)n_post;
    out->value = part[0];
    out->mask = calloc(cells, 1);
    out->delay = malloc(cells * sizeof *out->delay);
    if (out->mask == NULL || out->delay == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for %d x %d connections", n_post, n_pre));
    }
    for (size_t k = 0; k < cells; k++) {
        out->delay[k] = first_delay;
    }
    int64_t last = -1; /* the order is that of matrix_create: sender, delay, receiver */
    for (size_t k = 0; k < (size_t)n; k++) {
        int j = ((const uint16_t *)part[1]->data)[k];
        int i = ((const uint16_t *)part[2]->data)[k];
        int d = ((const uint16_t *)part[3]->data)[k];
        int64_t place = ((int64_t)i * n_delays + d - first_delay) * n_post + j;
        if (j >= n_post || i >= n_pre || d < first_delay || d >= first_delay + n_delays || place <= last ||
            !isfinite(tensor_at(part[0], k))) {
            TRY(fail(LSNN_ERR_DATA,
                     "%s: connection %zu of %s (%d to %d, %d steps, weight %g) does not fit the network; the file is damaged",
                     tensor_file_path(file), k, name, i, j, d, tensor_at(part[0], k)));
        }
        last = place;
        out->mask[(size_t)j * (size_t)n_pre + (size_t)i] = 1;
        out->delay[(size_t)j * (size_t)n_pre + (size_t)i] = d;
    }
out:
    return status;
}

static lsnn_status read_vector(const tensor_file *file, const char *name, size_t n, real *to) {
    const tensor *t;
    lsnn_status status = tensor_file_need(file, name, real_type(), 1, (int64_t[]){(int64_t)n}, &t);
    for (size_t k = 0; status == LSNN_OK && k < n; k++) {
        to[k] = (real)tensor_at(t, k);
        if (!isfinite((double)to[k])) {
            status = fail(LSNN_ERR_DATA, "%s: %s[%zu] is not finite; the file is damaged", tensor_file_path(file), name, k);
        }
    }
    return status;
}

lsnn_status net_read(lsnn_net **out, const tensor_file *file) {
    lsnn_status status = LSNN_OK;
    lsnn_net *net = NULL;
    dense in = {0};
    dense rec = {0};
    dense readout = {0};
    lsnn_net_spec spec;
    const tensor *tau_m;
    const tensor *tau_a;
    const tensor *beta;
    const tensor *sign_in;
    const tensor *sign_rec;
    TRY(tensor_file_need_checksum(file));
    TRY(read_spec(file, &spec));
    TRY(check_spec(&spec, file));
    int n_rec = spec.n_lif + spec.n_adaptive;
    int64_t n = n_rec;
    TRY(tensor_file_need(file, "tau_m", TENSOR_F32, 1, &n, &tau_m));
    TRY(tensor_file_need(file, "tau_a", TENSOR_F32, 1, &n, &tau_a));
    TRY(tensor_file_need(file, "beta", TENSOR_F32, 1, &n, &beta));
    TRY(tensor_file_need(file, "sign_in", TENSOR_I8, 1, (int64_t[]){spec.n_in}, &sign_in));
    TRY(tensor_file_need(file, "sign_rec", TENSOR_I8, 1, &n, &sign_rec));
    TRY(read_matrix(file, "w_in", spec.n_in, n_rec, 0, spec.n_delay, &in));
    TRY(read_matrix(file, "w_rec", n_rec, n_rec, 1, spec.n_delay, &rec));
    TRY(read_matrix(file, "w_out", n_rec, spec.n_out, 0, 1, &readout));
    spec.tau_m.values = tau_m->data;
    spec.tau_a.values = tau_a->data;
    spec.beta.values = beta->data;
    spec.sign_in = sign_in->data;
    spec.sign_rec = sign_rec->data;
    spec.mask_in = in.mask;
    spec.mask_rec = rec.mask;
    spec.mask_out = readout.mask;
    spec.delay_in = in.delay;
    spec.delay_rec = rec.delay;
    TRY(check_spec(&spec, file));
    TRY(lsnn_net_create(&net, &spec));
    if (net->in.n != in.value->n || net->rec.n != rec.value->n || net->out.n != readout.value->n) {
        TRY(fail(LSNN_ERR_DATA, "%s: a connection stands there twice, or from a neuron to itself; the file is damaged",
                 tensor_file_path(file)));
    }
    memcpy(net->params + net->in.first, in.value->data, net->in.n * sizeof(real));
    memcpy(net->params + net->rec.first, rec.value->data, net->rec.n * sizeof(real));
    memcpy(net->params + net->out.first, readout.value->data, net->out.n * sizeof(real));
    for (size_t k = 0; k < net->n_params; k++) {
        if (net->params[k] * (real)net->sign[k] < 0) {
            TRY(fail(LSNN_ERR_DATA, "%s: weight %zu is %g, against its sender's sign %+d (Dale's law); the file was changed",
                     tensor_file_path(file), k, (double)net->params[k], net->sign[k]));
        }
    }
    if (spec.bias) {
        TRY(read_vector(file, "b_out", (size_t)spec.n_out, net->params + net->first_bias));
    }
    if (spec.noise_trainable) {
        TRY(read_vector(file, "noise", (size_t)n_rec, net->params + net->first_noise));
    }
    *out = net;
    net = NULL;
out:
    lsnn_net_free(net);
    free(in.mask);
    free(in.delay);
    free(rec.mask);
    free(rec.delay);
    free(readout.mask);
    free(readout.delay);
    return status;
}

lsnn_status lsnn_net_save(const lsnn_net *net, const char *path) {
    lsnn_status status = LSNN_OK;
    tensor_writer *writer = NULL;
    TRY(tensor_writer_create(&writer));
    tensor_writer_text(writer, "kind", "network");
    tensor_writer_text(writer, "lsnn", LSNN_VERSION);
    net_write(net, writer);
    TRY(tensor_writer_save(writer, path, NULL));
out:
    tensor_writer_free(writer);
    return status;
}

lsnn_status lsnn_net_load(lsnn_net **out, const char *path) {
    lsnn_status status = LSNN_OK;
    tensor_file *file = NULL;
    TRY(tensor_file_open(&file, path));
    TRY(net_read(out, file));
out:
    tensor_file_close(file);
    return status;
}
