#ifndef LSNN_RUN_SYNAPSES_H
#define LSNN_RUN_SYNAPSES_H

#include "learn/rewire.h"

/* Metadata "synapses": for w_in, w_rec and w_out in turn, how many are possible and live, and were born and died. */
void synapses_write(const lsnn_rewire *rewire, tensor_writer *writer);

#endif
