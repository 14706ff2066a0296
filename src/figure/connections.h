/* What there is to see in the connections of a network, as drawn and as training left it. */
#ifndef LSNN_FIGURE_CONNECTIONS_H
#define LSNN_FIGURE_CONNECTIONS_H

#include "net/net.h"

enum { INPUTS, LIF, ADAPTIVE, OUTPUTS, N_GROUPS };
enum { EXCITATORY, INHIBITORY, N_SIGNS };

/* Neurons in the order of the figure: by group, and within it excitatory ones first, then those without a fixed sign, then inhibitory ones. */
typedef struct population {
    int n[N_GROUPS], n_signs[N_GROUPS][N_SIGNS];
    int *group, *place; /* [n_in + n_rec + n_out]: of each, its group and its place in that */
} population;

typedef struct connections {
    const lsnn_net *nets[2]; /* as drawn, as it is now */
    population all;
    bool by_sign;                                   /* does each sender have a fixed sign? */
    bool dense;                                     /* are all synapses there? Then their strength is drawn */
    int64_t n_kept;                                 /* synapses that both networks have */
    double percent[2][N_GROUPS][N_SIGNS][N_GROUPS]; /* of possible synapses: network, sender, its sign, receiver; NaN: none is possible */
} connections;

/* One synapse of a network. */
typedef struct synapse {
    int sender, receiver; /* in a population's numbers */
    int sign;             /* EXCITATORY or INHIBITORY: the sender's, or else the weight's */
    double weight;
} synapse;

/* Two networks of the same size; borrows them. Errors: MEMORY. Release also after a failure. */
lsnn_status connections_survey(connections *c, const lsnn_net *before, const lsnn_net *after);
void connections_release(connections *c);
size_t connections_count(const lsnn_net *net);
/* The matrix that has the connections between two groups. */
const matrix *connections_between(const lsnn_net *net, int from, int to);
/* Connection k of the matrix. */
synapse connections_get(const lsnn_net *net, const matrix *m, size_t k);

#endif
