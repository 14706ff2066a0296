#include "net/wiring.h"

#include <stdlib.h>

lsnn_status matrix_create(matrix *out, int n_pre, int n_post, int first_delay, int n_delays, const uint8_t *mask, const int32_t *delay) {
    size_t n_groups = (size_t)n_pre * (size_t)n_delays;
    size_t n = 0;
    for (size_t k = 0; k < (size_t)n_pre * (size_t)n_post; k++) {
        n += mask == NULL || mask[k] != 0;
    }
    matrix m = {.n = n,
                .row = calloc(n_groups + 2, sizeof *m.row),
                .ahead = calloc(n + 1, sizeof *m.ahead),
                .sender = calloc(n + 1, sizeof *m.sender),
                .receiver = calloc(n + 1, sizeof *m.receiver),
                .delay = calloc(n + 1, sizeof *m.delay)};
    if (m.row == NULL || m.ahead == NULL || m.sender == NULL || m.receiver == NULL || m.delay == NULL) {
        matrix_release(&m);
        return fail(LSNN_ERR_MEMORY, "no memory for %zu connections", n);
    }
    /* A counting sort by (sender, delay): count each group's members one entry further on, add up, then place the members, which moves each entry to
     * its group's start. Receivers come in ascending order by themselves. */
    for (int j = 0; j < n_post; j++) {
        for (int i = 0; i < n_pre; i++) {
            size_t at = (size_t)j * (size_t)n_pre + (size_t)i;
            if (mask == NULL || mask[at] != 0) {
                m.row[(size_t)i * (size_t)n_delays + (size_t)(delay[at] - first_delay) + 2]++;
            }
        }
    }
    for (size_t g = 2; g < n_groups + 2; g++) {
        m.row[g] += m.row[g - 1];
    }
    for (int j = 0; j < n_post; j++) {
        for (int i = 0; i < n_pre; i++) {
            size_t at = (size_t)j * (size_t)n_pre + (size_t)i;
            if (mask == NULL || mask[at] != 0) {
                uint32_t k = m.row[(size_t)i * (size_t)n_delays + (size_t)(delay[at] - first_delay) + 1]++;
                m.sender[k] = (uint16_t)i;
                m.receiver[k] = (uint16_t)j;
                m.delay[k] = (uint16_t)delay[at];
                m.ahead[k] = (uint32_t)delay[at] * (uint32_t)n_post + (uint32_t)j;
            }
        }
    }
    m.s = (synapses){.n_pre = n_pre,
                     .n_post = n_post,
                     .n_delays = n_delays,
                     .first_delay = first_delay,
                     .row = m.row,
                     .post = m.receiver,
                     .ahead = m.ahead};
    *out = m;
    return LSNN_OK;
}

void matrix_release(matrix *m) {
    free(m->row);
    free(m->ahead);
    free(m->sender);
    free(m->receiver);
    free(m->delay);
    *m = (matrix){0};
}
