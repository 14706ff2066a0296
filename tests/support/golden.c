#include "support/golden.h"

/* after lsnn's headers: cmocka has a macro named fail */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

const char *const golden_names[] = {"lif_plain",           "delays",   "refractory", "adaptive_mixed", "baseline", "detached",
                                    "detached_baseline",   "currents", "rate",       "carried",        "windows",  "everything",
                                    "everything_currents", "noise"};
const size_t golden_count = sizeof golden_names / sizeof *golden_names;

static void need(lsnn_status status) {
    if (status != LSNN_OK) {
        fail_msg("%s: %s", lsnn_status_name(status), lsnn_error());
    }
}

static const tensor *find(const tensor_file *file, const char *name) {
    const tensor *t = tensor_file_find(file, name);
    if (t == NULL) {
        fail_msg("%s has no %s", tensor_file_path(file), name);
    }
    return t;
}

double golden_number(const tensor_file *file, const char *key) {
    const char *text = tensor_file_metadata(file, key);
    if (text == NULL) {
        fail_msg("%s has no metadata %s", tensor_file_path(file), key);
    }
    return strtod(text, NULL);
}

float *golden_floats(const tensor_file *file, const char *name, size_t *n) {
    const tensor *t = find(file, name);
    float *x = malloc((t->n + 1) * sizeof *x);
    for (size_t k = 0; k < t->n; k++) {
        x[k] = (float)tensor_at(t, k);
    }
    *n = t->n;
    return x;
}

uint8_t *golden_bytes(const tensor_file *file, const char *name, size_t *n) {
    const tensor *t = find(file, name);
    uint8_t *x = malloc(t->n + 1);
    for (size_t k = 0; k < t->n; k++) {
        x[k] = (uint8_t)tensor_at(t, k);
    }
    *n = t->n;
    return x;
}

int32_t *golden_ints(const tensor_file *file, const char *name, size_t *n) {
    const tensor *t = find(file, name);
    int32_t *x = malloc((t->n + 1) * sizeof *x);
    for (size_t k = 0; k < t->n; k++) {
        x[k] = (int32_t)tensor_at(t, k);
    }
    *n = t->n;
    return x;
}

static void set(lsnn_net *net, const tensor_file *file, const char *name, const char *as) {
    size_t n;
    float *x = golden_floats(file, name, &n);
    need(lsnn_net_set(net, as, x, n));
    free(x);
}

void golden_open(const char *name, tensor_file **file, lsnn_net **net) {
    char path[512];
    snprintf(path, sizeof path, "%s/tests/golden/%s.safetensors", LSNN_SOURCE_DIR, name);
    need(tensor_file_open(file, path));
    const tensor_file *f = *file;
    size_t n;
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = (int)golden_number(f, "n_in");
    spec.n_lif = (int)golden_number(f, "n_rec");
    spec.n_out = (int)golden_number(f, "n_out");
    spec.dt = (float)golden_number(f, "dt");
    spec.tau_out = (float)golden_number(f, "tau_out");
    spec.r_m = (float)golden_number(f, "r_m");
    spec.v_th = (float)golden_number(f, "v_th");
    spec.gamma = (float)golden_number(f, "gamma");
    spec.n_ref = (int)golden_number(f, "n_ref");
    spec.n_delay = (int)golden_number(f, "n_delay");
    spec.detach_reset = golden_number(f, "detach_reset") != 0;
    spec.bias = golden_number(f, "bias") != 0;
    spec.normalise = strcmp(tensor_file_metadata(f, "normalise"), "baseline") == 0 ? LSNN_BY_BASELINE : LSNN_BY_THRESHOLD;
    spec.input = strcmp(tensor_file_metadata(f, "input_kind"), "currents") == 0 ? LSNN_CURRENTS : LSNN_SPIKES;
    spec.noise_trainable = tensor_file_find(f, "noise_size") != NULL;
    float *tau_m = golden_floats(f, "tau_m", &n);
    float *tau_a = golden_floats(f, "tau_a", &n);
    float *beta = golden_floats(f, "beta", &n);
    uint8_t *mask_in = golden_bytes(f, "mask_in", &n);
    uint8_t *mask_rec = golden_bytes(f, "mask_rec", &n);
    uint8_t *mask_out = golden_bytes(f, "mask_out", &n);
    int32_t *delay_in = golden_ints(f, "delay_in", &n);
    int32_t *delay_rec = golden_ints(f, "delay_rec", &n);
    spec.tau_m.values = tau_m;
    spec.tau_a.values = tau_a;
    spec.beta.values = beta;
    spec.mask_in = mask_in;
    spec.mask_rec = mask_rec;
    spec.mask_out = mask_out;
    spec.delay_in = delay_in;
    spec.delay_rec = delay_rec;
    need(lsnn_net_create(net, &spec));
    free(tau_m);
    free(tau_a);
    free(beta);
    free(mask_in);
    free(mask_rec);
    free(mask_out);
    free(delay_in);
    free(delay_rec);
    set(*net, f, "w_in", "w_in");
    set(*net, f, "w_rec", "w_rec");
    set(*net, f, "w_out", "w_out");
    if (spec.bias) {
        set(*net, f, "b_out", "b_out");
    }
    if (spec.noise_trainable) {
        set(*net, f, "noise_size", "noise");
    }
}
