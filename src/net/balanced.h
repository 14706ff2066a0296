/* Initial weights with excitation and inhibition in balance, for networks under Dale's law: docs/model.md, "Initial weights". */
#ifndef LSNN_NET_BALANCED_H
#define LSNN_NET_BALANCED_H

#include "base/rng.h"
#include "net/wiring.h"

/* Writes the weights of all connections of m to w. A square matrix of all senders with magnitudes |N(0,1)| and the senders' signs; inhibition scaled
 * so that the totals cancel; each column balanced to a sum of 0; divided by the spectral radius; a column drawn for each receiver (a square m: its
 * own); times scale. sender_sign [n_pre]: each -1 or +1. Errors: MEMORY. */
lsnn_status draw_balanced(const matrix *m, real *w, const int8_t *sender_sign, double scale, uint64_t seed, rng_stream stream);

#endif
