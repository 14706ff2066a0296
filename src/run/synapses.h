#ifndef LSNN_RUN_SYNAPSES_H
#define LSNN_RUN_SYNAPSES_H

#include "model/model.h"

/* Metadata "synapses": for w_in, w_rec and w_out in turn, how many are possible and live, and were born and died; nothing if the network is not
 * rewired. */
void synapses_write(const model *m, tensor_writer *writer);

#endif
