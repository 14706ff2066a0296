#include "net/wiring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

lsnn_status matrix_create(matrix *out, int n_pre, int n_post, int first_delay, int n_delays, const uint8_t *mask, const int32_t *delay,
                          size_t capacity) {
    matrix m = {.capacity = capacity,
                .row = calloc((size_t)n_pre * (size_t)n_delays + 2, sizeof *m.row),
                .ahead = calloc(capacity + 1, sizeof *m.ahead),
                .sender = calloc(capacity + 1, sizeof *m.sender),
                .receiver = calloc(capacity + 1, sizeof *m.receiver),
                .delay = calloc(capacity + 1, sizeof *m.delay)};
    if (m.row == NULL || m.ahead == NULL || m.sender == NULL || m.receiver == NULL || m.delay == NULL) {
        matrix_release(&m);
        return fail(LSNN_ERR_MEMORY, "no memory for %zu connections", capacity);
    }
    m.s = (synapses){.n_pre = n_pre,
                     .n_post = n_post,
                     .n_delays = n_delays,
                     .first_delay = first_delay,
                     .stride = (n_post + STRIDE_UNIT - 1) / STRIDE_UNIT * STRIDE_UNIT,
                     .row = m.row,
                     .post = m.receiver,
                     .ahead = m.ahead};
    matrix_wire(&m, mask, delay);
    *out = m;
    return LSNN_OK;
}

void matrix_wire(matrix *m, const uint8_t *mask, const int32_t *delay) {
    size_t n_pre = (size_t)m->s.n_pre;
    size_t n_delays = (size_t)m->s.n_delays;
    size_t n_groups = n_pre * n_delays;
    /* A counting sort by (sender, delay): count each group's members one entry further on, add up, then place the members, which moves each entry to
     * its group's start. Receivers come in ascending order by themselves. */
    memset(m->row, 0, (n_groups + 2) * sizeof *m->row);
    for (size_t cell = 0, j = 0; j < (size_t)m->s.n_post; j++) {
        for (size_t i = 0; i < n_pre; i++, cell++) {
            if (mask[cell] != 0) {
                m->row[i * n_delays + (size_t)(delay[cell] - m->s.first_delay) + 2]++;
            }
        }
    }
    for (size_t g = 2; g < n_groups + 2; g++) {
        m->row[g] += m->row[g - 1];
    }
    m->n = m->row[n_groups + 1];
    assert(m->n <= m->capacity);
    for (size_t cell = 0, j = 0; j < (size_t)m->s.n_post; j++) {
        for (size_t i = 0; i < n_pre; i++, cell++) {
            if (mask[cell] != 0) {
                uint32_t k = m->row[i * n_delays + (size_t)(delay[cell] - m->s.first_delay) + 1]++;
                m->sender[k] = (uint16_t)i;
                m->receiver[k] = (uint16_t)j;
                m->delay[k] = (uint16_t)delay[cell];
                m->ahead[k] = (uint32_t)delay[cell] * (uint32_t)m->s.stride + (uint32_t)j;
            }
        }
    }
}

void matrix_release(matrix *m) {
    free(m->row);
    free(m->ahead);
    free(m->sender);
    free(m->receiver);
    free(m->delay);
    *m = (matrix){0};
}
