/* A network's arrays by name, as dense matrices. */
#include "net/net.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int net_arrays(const lsnn_net *net, net_array arrays[NET_ARRAYS]) {
    int n = 0;
    int n_rec = net->n_rec;
    int n_in = net->spec.n_in;
    int n_out = net->spec.n_out;
    arrays[n++] = (net_array){.name = "w_in", .kind = ARRAY_MATRIX, .m = &net->in, .rows = n_rec, .columns = n_in};
    arrays[n++] = (net_array){.name = "w_rec", .kind = ARRAY_MATRIX, .m = &net->rec, .rows = n_rec, .columns = n_rec};
    arrays[n++] = (net_array){.name = "w_out", .kind = ARRAY_MATRIX, .m = &net->out, .rows = n_out, .columns = n_rec};
    if (net->spec.bias) {
        arrays[n++] = (net_array){.name = "b_out", .kind = ARRAY_VECTOR, .first = net->first_bias, .rows = n_out, .columns = 1};
    }
    if (net->spec.noise_trainable) {
        arrays[n++] = (net_array){.name = "noise", .kind = ARRAY_VECTOR, .first = net->first_noise, .rows = n_rec, .columns = 1};
    }
    arrays[n++] = (net_array){.name = "delay_in", .kind = ARRAY_DELAY, .m = &net->in, .rows = n_rec, .columns = n_in};
    arrays[n++] = (net_array){.name = "delay_rec", .kind = ARRAY_DELAY, .m = &net->rec, .rows = n_rec, .columns = n_rec};
    arrays[n++] = (net_array){.name = "tau_m", .kind = ARRAY_FLOATS, .floats = net->tau_m, .rows = n_rec, .columns = 1};
    arrays[n++] = (net_array){.name = "tau_a", .kind = ARRAY_FLOATS, .floats = net->tau_a, .rows = n_rec, .columns = 1};
    arrays[n++] = (net_array){.name = "beta", .kind = ARRAY_FLOATS, .floats = net->beta_each, .rows = n_rec, .columns = 1};
    arrays[n++] = (net_array){.name = "sign_in", .kind = ARRAY_SIGNS, .signs = net->sign_in, .rows = n_in, .columns = 1};
    arrays[n++] = (net_array){.name = "sign_rec", .kind = ARRAY_SIGNS, .signs = net->sign_rec, .rows = n_rec, .columns = 1};
    return n;
}

lsnn_status net_find_array(const lsnn_net *net, const char *name, net_array *out) {
    net_array arrays[NET_ARRAYS];
    int n = net_arrays(net, arrays);
    char names[256] = "";
    for (int k = 0; k < n; k++) {
        if (strcmp(arrays[k].name, name) == 0) {
            *out = arrays[k];
            return LSNN_OK;
        }
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", k > 0 ? ", " : "", arrays[k].name);
    }
    return fail(LSNN_ERR_USAGE, "%s is not an array of this network; it has %s", name, names);
}

bool net_array_is_parameter(const net_array *a) {
    return a->kind == ARRAY_MATRIX || a->kind == ARRAY_VECTOR;
}

void net_array_spread(const net_array *a, const real *values, float *to) {
    size_t n = (size_t)a->rows * (size_t)a->columns;
    if (a->kind == ARRAY_MATRIX) {
        memset(to, 0, n * sizeof *to);
        for (size_t k = 0; k < a->m->n; k++) {
            to[matrix_cell(a->m, k)] = (float)values[a->m->first + k];
        }
    } else {
        for (size_t k = 0; k < n; k++) {
            to[k] = (float)values[a->first + k];
        }
    }
}

static lsnn_status find_of_size(const lsnn_net *net, const char *name, size_t n, net_array *a) {
    lsnn_status status = net_find_array(net, name, a);
    if (status == LSNN_OK && (size_t)a->rows * (size_t)a->columns != n) {
        status = fail(LSNN_ERR_USAGE, "%s has %d x %d numbers; the call gives room for %zu", name, a->rows, a->columns, n);
    }
    return status;
}

lsnn_status lsnn_net_shape(const lsnn_net *net, const char *name, int *rows, int *columns) {
    net_array a;
    lsnn_status status = net_find_array(net, name, &a);
    if (status == LSNN_OK) {
        *rows = a.rows;
        *columns = a.columns;
    }
    return status;
}

lsnn_status lsnn_net_copy(const lsnn_net *net, const char *name, float *to, size_t n) {
    net_array a;
    lsnn_status status = find_of_size(net, name, n, &a);
    if (status != LSNN_OK) {
        return status;
    }
    if (net_array_is_parameter(&a)) {
        net_array_spread(&a, net->params, to);
        return LSNN_OK;
    }
    for (size_t k = 0; k < n; k++) {
        to[k] = a.kind == ARRAY_DELAY ? -1 : a.kind == ARRAY_FLOATS ? a.floats[k] : (float)a.signs[k];
    }
    for (size_t k = 0; a.kind == ARRAY_DELAY && k < a.m->n; k++) {
        to[matrix_cell(a.m, k)] = (float)a.m->delay[k];
    }
    return LSNN_OK;
}

/* What stops `from` from being the array: a number that is not finite, a weight against its sign, or a weight where there is no connection. */
static lsnn_status check_values(const lsnn_net *net, const net_array *a, const float *from) {
    size_t n = (size_t)a->rows * (size_t)a->columns;
    size_t n_not_zero = 0;
    for (size_t k = 0; k < n; k++) {
        if (!isfinite(from[k])) {
            return fail(LSNN_ERR_USAGE, "%s[%zu] is %g; weights must be finite", a->name, k, (double)from[k]);
        }
        n_not_zero += from[k] != 0;
    }
    if (a->kind != ARRAY_MATRIX) {
        return LSNN_OK;
    }
    for (size_t k = 0; k < a->m->n; k++) {
        float x = from[matrix_cell(a->m, k)];
        n_not_zero -= x != 0;
        if (x * (float)net->sign[a->m->first + k] < 0) {
            return fail(LSNN_ERR_USAGE, "%s[%d][%d] is %g; Dale's law gives sender %d the sign %+d", a->name, a->m->receiver[k],
                        a->m->sender[k], (double)x, a->m->sender[k], net->sign[a->m->first + k]);
        }
    }
    if (n_not_zero > 0) {
        return fail(LSNN_ERR_USAGE, "%s has %zu weights where the network has no connection; set them to 0, or change the mask", a->name,
                    n_not_zero);
    }
    return LSNN_OK;
}

lsnn_status lsnn_net_set(lsnn_net *net, const char *name, const float *from, size_t n) {
    net_array a;
    lsnn_status status = LSNN_OK;
    TRY(find_of_size(net, name, n, &a));
    if (!net_array_is_parameter(&a)) {
        return fail(LSNN_ERR_USAGE, "%s is fixed at creation; set it in the spec", name);
    }
    TRY(check_values(net, &a, from));
    net->version++;
    for (size_t k = 0; a.kind == ARRAY_MATRIX && k < a.m->n; k++) {
        net->params[a.m->first + k] = (real)from[matrix_cell(a.m, k)];
    }
    for (size_t k = 0; a.kind == ARRAY_VECTOR && k < n; k++) {
        net->params[a.first + k] = (real)from[k];
    }
out:
    return status;
}
