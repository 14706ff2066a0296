/* A batch of sequences in a network. The batch is cut into blocks of 8 or 16 lanes, one sample a lane; a block belongs to one thread from first step to
 * last, and blocks share nothing but the weights. How the batch is cut depends on the batch alone, so results do not depend on threads. */
#ifndef LSNN_NET_SIM_H
#define LSNN_NET_SIM_H

#include "base/arena.h"
#include "data/input_lane.h"
#include "data/step_hook.h"
#include "machine/context.h"
#include "net/net.h"

/* What a population sends, step by step. The first n_delay steps are history: the last ones of the sequence before, still under way.
 * Step t of the sequence is number n_delay + t here. */
typedef struct signal {
    int n; /* senders */
    /* spikes: */
    uint32_t *start; /* [n_delay + n_steps + 1] where each step's spikes begin */
    spike *spikes;   /* at most n a step; NULL if the signal is values */
    /* values: */
    real *values; /* rows [n_delay + n_steps][n][lanes] */
} signal;

/* Currents of this step and the next n_delay ones, lane by lane (kernels.h, "window"), and room to move on: [lanes][sim_window_steps][sim_stride]. */
typedef struct current_window {
    real *numbers;
    int due;        /* the step that is due stands here */
    real *drive;    /* rows [n_rec]: what inputs that are numbers add to the currents of drive_step; NULL where they are spikes */
    int drive_step; /* -1: of none */
} current_window;

typedef struct block {
    int first, n;          /* samples first..first + n - 1 of the batch, in lanes 0..n-1 */
    int n_steps;           /* that are run: those of its longest sample */
    int first_end;         /* from here on, some sample is over; n_steps: none */
    lane_mask *staged;     /* [n_steps][n_in] input spikes before they become a list */
    signal input, sent;    /* what the inputs, and what the neurons send */
    uint16_t *steady;      /* [n_steps] of inputs that are numbers: steps over which they have not changed; 0 at the first step */
    current_window window; /* what is under way to the neurons */
    neuron_state state;
    neuron_state *checkpoints; /* [n_stretches] the state before each stretch, without p */
    real *p_start;             /* p before the first step */
    real *currents;            /* rows [n_kept][n_rec]: I(t) of the last steps, so that going back need not add up their spikes again */
    real *noise;               /* rows [n_kept][n_rec]: its eps, if noise is trained; else NULL */
    real *p_mean;              /* rows [n_windows][n_rec][lanes] */
    real *y, *d_y;             /* rows [n_windows][n_out][lanes] */
    double *spike_sum;         /* [n_rec] */
    real *gradient;            /* [n_params] */
} block;

/* What a thread needs while it works on a block. Tape rows are those of one stretch. */
typedef struct scratch {
    real *current; /* rows [n_rec] */
    neuron_state state;
    step_tape *tape;     /* [stretch] */
    int *n_active;       /* [stretch] */
    int64_t n_gathered;  /* sum of n_active over the steps that were gone back; only counted up here, for the benchmark */
    real *threshold_end; /* A(t+1) of the stretch's last step */
    real *noise;         /* rows [n_rec]: of one step, if there is any */
    real *eps;           /* rows [stretch][n_rec]: noise, if it is trained */
    real *d_noise;       /* rows [n_rec]: gradient of its sizes, lane by lane */
    gradient_state gradient;
    real *gathered, *readout; /* rows [n_rec] */
    real *held;               /* rows [n_rec]: dI summed over steps that had the same inputs, if these are numbers */
    real *ahead;              /* rows [stretch + n_delay][sim_stride]: dI of the stretch, and of the steps after it */
    current_window window;    /* of the stretch while it is run again */
    current_window gradients; /* dI once more, lane by lane, of the step that is due and the n_delay after it */
} scratch;

/* A network whose spikes are the integral of the pseudo-derivative, so that its gradient is exact and finite differences can check it. Only for tests;
 * the refractory steps are recorded in a first run and then kept. */
typedef struct soft_spikes {
    bool record;
    real *refractory; /* rows [n_blocks][n_steps][n_rec][lanes]: 1 = refractory */
    real *reset;      /* as refractory: A(t) z(t-1), which is kept where no gradient flows through the reset */
} soft_spikes;

struct lsnn_sim {
    const lsnn_net *net;
    const kernel_set *kernels;
    threads *pool;
    lsnn_sim_options options;
    arena memory;
    int lanes, n_blocks, stretch, n_stretches;
    int n_kept;                      /* steps whose currents there is room for; whole stretches */
    block *blocks;                   /* [n_blocks] */
    scratch *scratch;                /* [threads] */
    uint16_t *everyone;              /* [n_rec] 0, 1, 2...: the sender list of all */
    int *window_start, *window_stop; /* [options.n_windows] */
    int n_windows;
    int n_steps;          /* of the sequence that was set last */
    int *length;          /* [n_batch] steps of it that are each sample's own */
    bool has_lengths;     /* were they given? then nothing is carried on */
    double n_own_steps;   /* the sum of them */
    bool input_is_new;    /* was set, not yet run */
    bool has_run;         /* the sequence was run; its end is the history of the next */
    bool has_output;      /* the outputs are there, of the windows that are set now */
    float *output;        /* [n_windows][n_batch][n_out] */
    real *spike_gradient; /* [n_rec] */
    double *rate;         /* [n_rec] spikes a step and sample, of the last sequence */
    bool window_is_open;  /* the blocks' windows are those of the sequence's end, with weights of this version */
    uint64_t window_version;
    uint64_t clock; /* steps from the reset to the start of this sequence */
    uint64_t noise_key;
    const real *given_noise; /* tests: eps [n_steps][n_batch][n_rec], or NULL */
    soft_spikes *soft;       /* tests: or NULL */
    const step_hook *hook;   /* while the sequence runs; or NULL */
};

/* As lsnn_sim_create, for a network of soft spikes. */
lsnn_status sim_create_soft(lsnn_sim **out, const lsnn_net *net, lsnn_context *context, const lsnn_sim_options *options, soft_spikes *soft);

/* Starts a new input of n_steps steps, all silent; samples are then written by sim_input_lane, each block from one thread.
 * Errors: USAGE. */
lsnn_status sim_begin_input(lsnn_sim *sim, int n_steps);
/* The same for samples of different lengths: length [n_batch] has the steps that are each one's own, 0..n_steps (0: an idle lane); NULL: all of them. What is
 * beyond a block's longest sample is not cleared, and not looked at. */
lsnn_status sim_begin_lengths(lsnn_sim *sim, int n_steps, const int *length);
/* Where sample b of the batch lives. */
block *sim_block_of(const lsnn_sim *sim, int b, int *lane);
/* Where its input goes. Samples of one block share words: one thread writes them all. */
input_lane sim_input_lane(const lsnn_sim *sim, int b);

/* As lsnn_forward, with someone who writes the input as it goes (NULL: it is all there). Errors: as there. */
lsnn_status sim_forward(lsnn_sim *sim, const step_hook *hook);
/* The input of the last sequence once more, from rest, with the same noise if that sequence began at rest: for the next lsnn_forward. Errors: USAGE (there was none). */
lsnn_status sim_repeat_input(lsnn_sim *sim);

/* Which noise the next sequences get: a function of this key, and of the steps since the last reset. */
void sim_set_noise_key(lsnn_sim *sim, uint64_t key);

/* What the last sequence took, summed over its first n_samples samples (the others are silent): spikes of inputs and of neurons, and synaptic operations: one for each synapse that a spike reaches,
 * or that an input that is a number is multiplied with. */
typedef struct sim_activity {
    double input_spikes, spikes, operations;
} sim_activity;
sim_activity sim_count_activity(const lsnn_sim *sim, int n_samples);

/* The state that is carried from one sequence to the next, as tensors "carried.v" and so on of a file that is being written, and back. The writer
 * borrows `copies` until it has saved; release them then. Not after samples of different lengths, which leave nothing to carry. Errors: MEMORY, DATA
 * (missing, or another shape). */
typedef struct sim_carried {
    float *state[5]; /* v, b, r, z, p [n_batch][n_rec] */
    uint8_t *sent;   /* [n_delay][n_batch][n_rec] */
    float *input;    /* [n_delay][n_batch][n_in] */
    uint64_t clock;
} sim_carried;
lsnn_status sim_write_carried(const lsnn_sim *sim, tensor_writer *writer, sim_carried *copies);
void sim_carried_release(sim_carried *copies);
lsnn_status sim_read_carried(lsnn_sim *sim, const tensor_file *file);
/* All samples take over the state of sample b of another simulation of the same network: what a next sequence would go on from there, and the noise's
 * place. The other is left as it is. */
void sim_take_state(lsnn_sim *sim, const lsnn_sim *other, int b);

/* What can be asked of a neuron's state, under the names of lsnn_sim_copy_state. */
typedef enum neuron_value { VALUE_V, VALUE_B, VALUE_Z, VALUE_REFRACTORY, VALUE_P, VALUE_THRESHOLD, NEURON_VALUES } neuron_value;
/* Of neuron j, at place `at` of a row. */
real sim_neuron_value(const lsnn_sim *sim, const neuron_state *s, neuron_value which, size_t j, size_t at);
/* Did neuron and lane `at` of a row spike in the last step (soft: by how much), and how many refractory steps has it left? */
static inline real sim_last_spike(const lsnn_sim *sim, const neuron_state *s, size_t at) {
    return s->z != NULL ? s->z[at] : s->cooldown[at] == sim->net->constants.top ? 1 : 0;
}
static inline real sim_refractory(const neuron_state *s, size_t at) {
    return s->cooldown[at] > 0 ? (real)(s->cooldown[at] - 1) : 0;
}

/* ---- samples of different lengths: lengths.c ---- */

/* As those of sim_begin_lengths, for the input that is there. */
void sim_set_lengths(lsnn_sim *sim, const int *length);
/* Is some sample of the block over at step t? */
static inline bool sim_has_ended(const block *k, int t) {
    return t >= k->first_end;
}
/* 1 for each lane whose sample has step t, else 0; the same as bits. */
void sim_own_lanes(const lsnn_sim *sim, const block *k, int t, real own[MAX_LANES]);
lane_mask sim_own_mask(const lsnn_sim *sim, const block *k, int t);
/* Rows [n_rec] of step t: 0 where the sample is over. */
void sim_silence_ended(const lsnn_sim *sim, const block *k, int t, real *rows);
/* Neurons of samples whose first step that is not theirs is t: at rest. */
void sim_rest_ended(const lsnn_sim *sim, const block *k, int t, const neuron_state *s);
/* Windows that a block reaches; the step after the last one of window w that it runs; and for each lane 1 / number of window w's steps that are the sample's
 * own (0: none), whether or not these are all 1. */
int sim_windows_of(const lsnn_sim *sim, const block *k);
int sim_window_end(const lsnn_sim *sim, const block *k, int w);
bool sim_window_parts(const lsnn_sim *sim, const block *k, int w, real part[MAX_LANES]);

/* ---- shared with learn/backward.c ---- */

/* Step after step: open the window with what was sent before step t; then for t, t + 1...: take the current, run the neurons, send their spikes. */
void sim_open_window(const lsnn_sim *sim, const block *k, current_window *window, int t);
/* I(t) of all neurons to `current`: delayed inputs and spikes, and noise, which `eps`, rows [n_rec], gets as well (NULL only where there is none). */
void sim_current(const lsnn_sim *sim, const block *k, current_window *window, int t, real *current, real *eps);
void sim_send(const lsnn_sim *sim, const block *k, current_window *window, int t);
/* All neurons of a block at rest. */
void sim_rest(const lsnn_sim *sim, const neuron_state *s);
/* v, b and cooldown, but not p, of all neurons of a block. */
void sim_copy_neurons(const lsnn_sim *sim, const neuron_state *from, const neuron_state *to);
/* Did the inputs, which are numbers, add the same to the currents of step t as to those of the step before? */
static inline bool sim_is_held(const lsnn_sim *sim, const block *k, int t) {
    return k->steady[t] >= sim->net->in.s.n_delays;
}
/* Where I(t) is kept, or NULL if it is not; and where the noise in it is, if that is trained. */
real *sim_kept_current(const lsnn_sim *sim, const block *k, int t);
real *sim_kept_noise(const lsnn_sim *sim, const block *k, int t);
/* One step of the neurons; writes their spikes of step t to `sent`, unless there is a tape: then the step was run before. */
void sim_neurons(const lsnn_sim *sim, block *k, int t, const neuron_state *state, const real *current, const step_tape *tape);
static inline bool sim_has_noise(const lsnn_sim *sim) {
    return sim->net->spec.noise > 0 || sim->net->spec.noise_trainable;
}
/* Numbers in rows of all neurons. */
static inline size_t sim_row(const lsnn_sim *sim) {
    return (size_t)sim->net->n_rec * (size_t)sim->lanes;
}
/* Numbers a step takes in windows and among the rows ahead; steps of a window; numbers of one lane of it. */
static inline int sim_stride(const lsnn_sim *sim) {
    return sim->net->rec.s.stride;
}
static inline int sim_window_steps(const lsnn_sim *sim) {
    int n_delay = sim->net->spec.n_delay;
    return 2 * n_delay + 1 + (n_delay > 8 ? n_delay : 8);
}
static inline size_t sim_lane_size(const lsnn_sim *sim) {
    return (size_t)sim_window_steps(sim) * (size_t)sim_stride(sim);
}
/* The step that is due, in lane 0 of a window. */
static inline real *sim_due(const lsnn_sim *sim, const current_window *window) {
    return window->numbers + (size_t)window->due * (size_t)sim_stride(sim);
}
static inline const neuron_constants *sim_constants(const lsnn_sim *sim) {
    return &sim->net->constants;
}

#endif
