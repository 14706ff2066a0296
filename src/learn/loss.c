#include "net/sim.h"

#include <math.h>
#include <string.h>

static lsnn_status check_output(const lsnn_sim *sim) {
    return sim->has_output ? LSNN_OK : fail(LSNN_ERR_USAGE, "no outputs of these windows yet; call lsnn_forward first");
}

lsnn_status lsnn_loss_cross_entropy(const lsnn_sim *sim, const int32_t *class_of, float *d_output, double *loss, int64_t *n_wrong,
                                    int64_t *n_counted) {
    int n_out = sim->net->spec.n_out;
    size_t n_decisions = (size_t)sim->n_windows * (size_t)sim->options.n_batch;
    int64_t counted = 0;
    int64_t wrong = 0;
    lsnn_status status = check_output(sim);
    if (status != LSNN_OK) {
        return status;
    }
    for (size_t k = 0; k < n_decisions; k++) {
        if (class_of[k] >= n_out) {
            return fail(LSNN_ERR_USAGE, "class %d in window %zu, sample %zu; the network has %d outputs", (int)class_of[k],
                        k / (size_t)sim->options.n_batch, k % (size_t)sim->options.n_batch, n_out);
        }
        counted += class_of[k] >= 0;
    }
    double sum = 0;
    for (size_t k = 0; k < n_decisions; k++) {
        const float *y = sim->output + k * (size_t)n_out;
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

lsnn_status lsnn_loss_squared(const lsnn_sim *sim, const float *target, float *d_output, double *loss, int64_t *n_counted) {
    size_t n = (size_t)sim->n_windows * (size_t)sim->options.n_batch * (size_t)sim->net->spec.n_out;
    int64_t counted = 0;
    lsnn_status status = check_output(sim);
    if (status != LSNN_OK) {
        return status;
    }
    for (size_t k = 0; k < n; k++) {
        counted += !isnan(target[k]);
    }
    double sum = 0;
    for (size_t k = 0; k < n; k++) {
        double excess = isnan(target[k]) ? 0 : (double)sim->output[k] - (double)target[k];
        sum += excess * excess;
        if (d_output != NULL) {
            d_output[k] = (float)(2 * excess / (double)(counted > 0 ? counted : 1));
        }
    }
    *loss = counted > 0 ? sum / (double)counted : 0;
    if (n_counted != NULL) {
        *n_counted = counted;
    }
    return LSNN_OK;
}
