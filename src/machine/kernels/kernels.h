/* The inner loops, as one table of functions a vector unit. ref.c has every one in plain C; the variants give the same bits (no fused
 * multiply-add, fixed order of sums), so a network trains to the same weights on any processor.
 *
 * Words used here:
 *   lanes    the samples that are computed side by side, one in each lane of a vector: 8 or 16 floats
 *   row      lanes numbers a neuron: x [n][lanes], each neuron's lanes together, aligned to 64 bytes
 *   ahead    numbers of the steps to come: that of receiver j, d steps ahead, is number d * stride + j, counted from this step's first
 *   window   the same for each lane by itself, so that what a spike changes stands close together: numbers [lanes][steps][stride]
 * Arrays that are written never overlap with others. */
#ifndef LSNN_MACHINE_KERNELS_H
#define LSNN_MACHINE_KERNELS_H

#include "base/error.h"
#include "base/real.h"

/* Bit l: lane l. */
typedef uint16_t lane_mask;
enum { MAX_LANES = 16 };

/* Sender i spiked in these lanes (never 0), at a step that the list knows. */
typedef struct spike {
    uint16_t i;
    lane_mask lanes;
} spike;

/* A step's receivers take this many places in windows and among the rows ahead: whole vectors. */
enum { STRIDE_UNIT = 16 };

/* Synapses of one matrix, sorted by sender, then delay, then receiver. Synapses of sender i with delay d: row[i * n_delays + d - first_delay]
 * up to the next entry. */
typedef struct synapses {
    int n_pre, n_post, n_delays, first_delay;
    int stride;            /* n_post, rounded up to whole STRIDE_UNITs */
    const uint32_t *row;   /* [n_pre * n_delays + 1] */
    const uint16_t *post;  /* [n] receiver j */
    const uint32_t *ahead; /* [n] d * stride + j */
} synapses;

/* Neurons begin..end-1, all LIF or all adaptive. */
typedef struct segment {
    int begin, end;
    bool adaptive;
} segment;

/* What does not change while a network runs; arrays are [n]. Symbols as in docs/model.md. */
typedef struct neuron_constants {
    int n, n_segments;
    const segment *segments;
    const real *alpha; /* decay of the voltage, a step */
    const real *gain;  /* (1 - alpha) R_m: what a current adds to the voltage */
    const real *rho;   /* decay of the adaptation */
    const real *new_b; /* 1 - rho, rounded once: what a spike adds to the adaptation */
    const real *beta;
    real v_th, gamma;
    real kappa, new_p; /* decay of the readout, and 1 - kappa */
    uint16_t top;      /* n_ref + 1: the cooldown at the step of a spike */
    bool by_baseline;  /* s is divided by v_th, not by A */
    bool detach_reset;
} neuron_constants;

/* State between two steps; rows [n][lanes]. b of a LIF neuron is not kept (stays 0). */
typedef struct neuron_state {
    real *v, *b;
    real *p;            /* readout trace */
    uint16_t *cooldown; /* `top` if the last step was a spike, then one less each step, down to 0; refractory while above 1 */
    real *z;            /* soft spikes (tests) of the last step; else NULL */
} neuron_state;

/* What back-propagation needs of one step; rows [n][lanes]. to_a and threshold are kept for adaptive neurons alone. */
typedef struct step_tape {
    real *to_v;       /* ds/dv psi: how a spike's gradient reaches the voltage */
    real *to_a;       /* ds/dA psi: and the threshold */
    real *threshold;  /* A(t) */
    uint16_t *active; /* [n] the neurons with psi > 0 in some lane */
    int *n_active;
} step_tape;

/* Gradients carried from step t+1 to step t; rows [n][lanes]. */
typedef struct gradient_state {
    real *dv, *db, *dp;
} gradient_state;

typedef struct kernel_set {
    const char *name;
    int lanes;

    /* What spikes of one step add to the currents to come: now[ahead[k]] += w[k] for all synapses of each spike's sender, in the spike's lanes. `now` is
     * this step's first number in the window of lane 0; lane l's is l * lane_size further on. */
    void (*send_spikes)(const synapses *s, const real *w, const spike *spikes, int n_spikes, real *now, size_t lane_size);

    /* One step of a window to rows [n] and back: rows[j][l] = now[l * lane_size + j]. Back: the places from n to the stride's end become 0. */
    void (*window_to_rows)(const real *now, size_t lane_size, int n, real *rows);
    void (*rows_to_window)(const real *rows, int n, real *now, size_t lane_size);

    /* current[j] += w * x[i], for the synapses of delay d. x: rows [n_pre]. */
    void (*add_values)(const synapses *s, const real *w, int d, const real *x, real *current);

    /* One step of all neurons, model.md "Forward". current: rows [n]. Writes the spikes in order of i, adds each neuron's number of spikes to spike_sum
     * [n], and returns how many entries of `spikes` (room for n) count. With a tape (not NULL) the step was run before: p, spikes and
     * spike_sum are left alone, and it returns 0. */
    int (*neuron_step)(const neuron_constants *c, const neuron_state *state, const real *current, spike *spikes, double *spike_sum,
                       const step_tape *tape);

    /* out[i] = sum over the synapses k of sender i of w[k] * ahead[k], for the listed senders; four partial sums, k modulo 4, added as
     * (0+1)+(2+3). Rows of out [n_pre] that are not listed are left alone. */
    void (*gather)(const synapses *s, const real *w, const uint16_t *senders, int n_senders, const real *ahead, real *out);

    /* One step back, model.md "Backward", but for the reset's part in db: -beta dv(t) z(t-1). gathered: rows [n], sum_j W_ji dI_j(t + d), 0 where psi is 0; threshold_next: A(t+1) rows; spike_gradient
     * [n]: what else each spike adds to the loss (regulariser); readout: rows [n], Wout^T g_y(t), or NULL for 0. Writes dI(t) to d_current. */
    void (*neuron_back)(const neuron_constants *c, const gradient_state *state, const step_tape *tape, const real *threshold_next,
                        const real *gathered, const real *spike_gradient, const real *readout, real *d_current);

    /* The mirror of send_spikes: dw[k] += now[ahead[k]] for all synapses of each spike's sender, lane by lane of the spike's; the window holds the
     * currents' gradients, and the spikes are those of the step at `now`. */
    void (*spike_gradients)(const synapses *s, const spike *spikes, int n_spikes, const real *now, size_t lane_size, real *dw);

    /* The mirror of add_values: dw[k] += sum over lanes of x[i] * d_current[j], added as a tree, for the synapses of delay d. x: rows [n_pre]. */
    void (*value_gradients)(const synapses *s, int d, const real *x, const real *d_current, real *dw);

    /* Standard normal numbers, a function of key, step, sample and neuron alone: rows [n], lane l being that of sample first_sample + l; lanes from n_lanes on
     * get 0 (of either sign). In single precision whatever `real` is. */
    void (*normals)(const uint32_t key[4], uint64_t step, uint32_t first_sample, int n_lanes, int n, real *rows);

    /* Cells of dense networks, n samples of n_units each; docs/model.md, "Baselines". Arrays are [n][n_units] unless said otherwise; h is [n][stride]. The same
     * for any number of lanes. tanh is within 4e-7, and the logistic function within 2e-7 (in double precision both are libm's).
     * gates [n][4][n_units]: sums of the input, forget, new and output gates, replaced by the gates. Writes c and h. */
    void (*lstm_step)(int n, int n_units, real *gates, const real *c_before, real *c, real *h, int stride);
    /* Gates and cells as lstm_step left them. d_h: dL/dh(t). d_c: dL/dc(t) as far as it comes from step t+1, replaced by what step t-1 gets. Writes dL/dsums to
     * d_gates, laid out like gates. */
    void (*lstm_back)(int n, int n_units, const real *gates, const real *c_before, const real *c, const real *d_h, real *d_c,
                      real *d_gates);
    /* h = tanh(sums), and back: d_sums = d_h (1 - h^2). */
    void (*rnn_step)(int n, int n_units, const real *sums, real *h, int stride);
    void (*rnn_back)(int n, int n_units, const real *h, int stride, const real *d_h, real *d_sums);
} kernel_set;

/* A table for 16 lanes and one for 8. Which fits a batch is decided by the batch alone. */
const kernel_set *kernels_with_lanes(const kernel_set *kernels, int lanes);

/* The tables of one vector unit: [0] for 16 lanes, [1] for 8. */
extern const kernel_set kernels_ref[2];
#ifdef LSNN_HAVE_SSE2
extern const kernel_set kernels_sse2[2];
#endif
#ifdef LSNN_HAVE_AVX2
extern const kernel_set kernels_avx2[2];
#endif
#ifdef LSNN_HAVE_AVX512
extern const kernel_set kernels_avx512[2];
#endif
#ifdef LSNN_HAVE_NEON
extern const kernel_set kernels_neon[2];
#endif

/* The best table that this processor can run, or the one named ("generic", "sse2", "avx2", "avx512", "neon"; NULL or "": the best). Errors: USAGE. */
lsnn_status kernels_select(const kernel_set **out, const char *name);

#endif
