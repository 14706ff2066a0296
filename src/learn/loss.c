#include "learn/loss.h"

#include "net/sim.h"

#include <math.h>
#include <string.h>

lsnn_status loss_cross_entropy(const loss_input *in, const int32_t *class_of, float *d_output, double *loss, int64_t *n_wrong,
                               int64_t *n_counted) {
    int n_out = in->n_out;
    size_t n_decisions = (size_t)in->n_windows * (size_t)in->n_batch;
    int64_t counted = 0;
    int64_t wrong = 0;
    for (size_t k = 0; k < n_decisions; k++) {
        if (class_of[k] >= n_out) {
            return fail(LSNN_ERR_USAGE, "class %d in window %zu, sample %zu; the network has %d outputs", (int)class_of[k],
                        k / (size_t)in->n_batch, k % (size_t)in->n_batch, n_out);
        }
        counted += class_of[k] >= 0;
    }
    double sum = 0;
    for (size_t k = 0; k < n_decisions; k++) {
        const float *y = in->output + k * (size_t)n_out;
        float *d = d_output != NULL ? d_output + k * (size_t)n_out : NULL;
        if (class_of[k] < 0) {
            if (d != NULL) {
                memset(d, 0, (size_t)n_out * sizeof *d);
            }
            continue;
        }
        int largest = 0;
        for (int o = 1; o < n_out; o++) {
            largest = y[o] > y[largest] ? o : largest;
        }
        double total = 0;
        for (int o = 0; o < n_out; o++) {
            total += exp((double)y[o] - (double)y[largest]);
        }
        sum += log(total) - ((double)y[class_of[k]] - (double)y[largest]);
        wrong += largest != class_of[k];
        for (int o = 0; d != NULL && o < n_out; o++) {
            d[o] = (float)((exp((double)y[o] - (double)y[largest]) / total - (o == class_of[k])) / (double)counted);
        }
    }
    *loss = counted > 0 ? sum / (double)counted : 0;
    if (n_wrong != NULL) {
        *n_wrong = wrong;
    }
    if (n_counted != NULL) {
        *n_counted = counted;
    }
    return LSNN_OK;
}

void loss_squared(const loss_input *in, const float *target, float *d_output, double *loss, int64_t *n_counted) {
    size_t n = (size_t)in->n_windows * (size_t)in->n_batch * (size_t)in->n_out;
    int64_t counted = 0;
    for (size_t k = 0; k < n; k++) {
        counted += !isnan(target[k]);
    }
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        double excess = isnan(target[k]) ? 0 : (double)in->output[k] - (double)target[k];
        sum += excess * excess;
        if (d_output != NULL) {
            d_output[k] = (float)(2 * excess / (double)(counted > 0 ? counted : 1));
        }
    }
    *loss = counted > 0 ? sum / (double)counted : 0;
    if (n_counted != NULL) {
        *n_counted = counted;
    }
}

/* Errors: USAGE (there are no outputs). */
static lsnn_status input_of(const lsnn_sim *sim, loss_input *out) {
    *out = (loss_input){.output = sim->output, .n_windows = sim->n_windows, .n_batch = sim->options.n_batch, .n_out = sim->net->spec.n_out};
    return sim->has_output ? LSNN_OK : fail(LSNN_ERR_USAGE, "no outputs of these windows yet; call lsnn_forward first");
}

lsnn_status lsnn_loss_cross_entropy(const lsnn_sim *sim, const int32_t *class_of, float *d_output, double *loss, int64_t *n_wrong,
                                    int64_t *n_counted) {
    loss_input in;
    lsnn_status status = input_of(sim, &in);
    return status == LSNN_OK ? loss_cross_entropy(&in, class_of, d_output, loss, n_wrong, n_counted) : status;
}

lsnn_status lsnn_loss_squared(const lsnn_sim *sim, const float *target, float *d_output, double *loss, int64_t *n_counted) {
    loss_input in;
    lsnn_status status = input_of(sim, &in);
    if (status == LSNN_OK) {
        loss_squared(&in, target, d_output, loss, n_counted);
    }
    return status;
}
