/* A network of any kind, as tasks, training and evaluation see it: the spiking networks of net/ and learn/ (spiking.c) and the LSTM and RNN of dense/
 * (baseline.c), each behind the same table of functions.
 *
 *   model   the network: parameters, and what goes with them while they are trained
 *   pass    a batch on its way through it: input, states, outputs, and what going back needs. All memory is taken when it is opened. */
#ifndef LSNN_MODEL_MODEL_H
#define LSNN_MODEL_MODEL_H

#include "base/tensorfile.h"
#include "config/experiment.h"
#include "data/input_lane.h"
#include "data/step_hook.h"
#include "learn/adam.h"
#include "machine/context.h"

#include <math.h>

typedef struct model model;
typedef struct pass pass;

/* What the task asks of a network. */
typedef struct model_shape {
    int n_in, n_out;
    lsnn_input_kind input;
} model_shape;

typedef struct pass_options {
    int n_batch, n_steps, n_windows;
    const int *window_start, *window_stop; /* [n_windows], as lsnn_sim_set_windows; copied */
    bool train;                            /* will pass_backward be called? */
} pass_options;

/* What the last sequence took, summed over its first n_samples samples; the others are silent. */
typedef struct pass_activity {
    double spikes;     /* of inputs and neurons; NaN where nothing fires */
    double operations; /* synaptic ones: one for each synapse that a spike reaches; of networks without spikes, multiply-adds */
} pass_activity;

typedef struct model_kind {
    const char *name; /* of setting net.kind */
    const char *unit; /* what its n_rec are */

    /* ---- the network ---- */
    lsnn_status (*create)(model **out, const lsnn_experiment *experiment, const model_shape *shape);
    lsnn_status (*read)(model **out, const lsnn_experiment *experiment, const tensor_file *file);
    void (*free)(model *m);
    lsnn_status (*start_training)(model *m, const lsnn_experiment *experiment); /* NULL: nothing to do */
    double (*add_l2)(const model *m, double strength, lsnn_gradient *gradient);
    lsnn_status (*step)(model *m, lsnn_adam *adam, const lsnn_gradient *gradient, float learning_rate);
    bool (*count_synapses)(const model *m, lsnn_synapse_count counts[3]); /* NULL: no */
    void (*write)(const model *m, tensor_writer *writer);
    void (*write_training)(const model *m, tensor_writer *writer);   /* NULL: nothing */
    lsnn_status (*read_training)(model *m, const tensor_file *file); /* NULL: nothing */
    void (*describe)(const model *m, lsnn_needs *needs);
    int64_t (*count_possible)(const model *m); /* NULL: as many as there are */

    /* ---- a batch on its way through it ---- */
    double (*pass_memory)(const model *m, const lsnn_context *context, const pass_options *options);
    lsnn_status (*pass_open)(pass **out, const model *m, lsnn_context *context, const pass_options *options);
    void (*pass_close)(pass *p);
    lsnn_status (*pass_begin)(pass *p, bool from_rest, uint64_t noise_key, const int *length);
    input_lane (*pass_lane)(const pass *p, int b);
    int (*pass_block_begin)(const pass *p, int k);
    lsnn_status (*forward)(pass *p, const step_hook *hook);
    lsnn_status (*repeat)(pass *p);
    lsnn_status (*backward)(pass *p, const float *d_output, lsnn_gradient *gradient, double *rate_loss);
    double (*rate)(const pass *p); /* NULL: nothing fires */
    pass_activity (*activity)(const pass *p, int n_samples);
    lsnn_status (*write_carried)(pass *p, tensor_writer *writer);
    lsnn_status (*read_carried)(pass *p, const tensor_file *file);
} model_kind;

/* First member of every kind's own structs. */
struct model {
    const model_kind *kind;
    model_shape shape;
    size_t n_params; /* as of start_training */
};

struct pass {
    const model_kind *kind;
    threads *pool;
    int n_batch;
    int n_blocks;        /* stretches of the batch whose inputs one thread at a time may write: pass_block_begin */
    const float *output; /* after pass_forward: [n_windows][n_batch][n_out] */
};

/* The network that the settings describe. Errors: SETTING, MEMORY. */
lsnn_status model_create(model **out, const lsnn_experiment *experiment, const model_shape *shape);
/* The network in a file that was made with these settings. Errors: DATA, MEMORY. */
lsnn_status model_read(model **out, const lsnn_experiment *experiment, const tensor_file *file);
void model_free(model *m);
/* What training needs besides the parameters, like DEEP R's bookkeeping. Comes before passes, gradients and optimisers. Errors: SETTING, MEMORY. */
lsnn_status model_start_training(model *m, const lsnn_experiment *experiment);

/* L2 regularisation: returns strength * sum of the squared weights (biases and sizes of noise are none), and adds its gradient to what is there. */
static inline double model_add_l2(const model *m, double strength, lsnn_gradient *gradient) {
    return m->kind->add_l2(m, strength, gradient);
}
/* The optimiser's step, and what follows it (rewiring). Errors: as lsnn_adam_step. */
static inline lsnn_status model_step(model *m, lsnn_adam *adam, const lsnn_gradient *gradient, float learning_rate) {
    return m->kind->step(m, adam, gradient, learning_rate);
}
/* Synapses of w_in, w_rec and w_out; false if the network is not rewired. */
static inline bool model_count_synapses(const model *m, lsnn_synapse_count counts[3]) {
    return m->kind->count_synapses != NULL && m->kind->count_synapses(m, counts);
}
/* The network's tensors and metadata (borrowed until saved); and what model_start_training made, from and to a checkpoint. Errors: DATA. */
static inline void model_write(const model *m, tensor_writer *writer) {
    m->kind->write(m, writer);
}
static inline void model_write_training(const model *m, tensor_writer *writer) {
    if (m->kind->write_training != NULL) {
        m->kind->write_training(m, writer);
    }
}
static inline lsnn_status model_read_training(model *m, const tensor_file *file) {
    return m->kind->read_training != NULL ? m->kind->read_training(m, file) : LSNN_OK;
}
/* Sizes of the network: n_in, n_rec, n_lif, n_adaptive, n_out, synapses, parameters. */
static inline void model_describe(const model *m, lsnn_needs *needs) {
    m->kind->describe(m, needs);
}

/* Synapses that could be, with this many neurons. */
int64_t model_count_possible(const model *m);

/* Bytes that a pass takes. */
static inline double pass_memory(const model *m, const lsnn_context *context, const pass_options *options) {
    return m->kind->pass_memory(m, context, options);
}
/* Borrows the model and the context. Errors: USAGE, MEMORY. */
static inline lsnn_status pass_open(pass **out, const model *m, lsnn_context *context, const pass_options *options) {
    return m->kind->pass_open(out, m, context, options);
}
void pass_close(pass *p);
/* A new input, all silent, from rest or from where the last sequence ended. noise_key: which noise it gets. length [n_batch]: steps that are each sample's own, 0 (an
 * idle place) to n_steps; NULL: all have n_steps. What is after a sample's end counts nowhere (docs/model.md); after a sequence with lengths the next begins at
 * rest. Errors: USAGE. */
static inline lsnn_status pass_begin(pass *p, bool from_rest, uint64_t noise_key, const int *length) {
    return p->kind->pass_begin(p, from_rest, noise_key, length);
}
/* Where the input of sample b goes, until the next pass_begin. */
static inline input_lane pass_lane(const pass *p, int b) {
    return p->kind->pass_lane(p, b);
}
/* The first sample of block k; of block n_blocks: n_batch. */
static inline int pass_block_begin(const pass *p, int k) {
    return k < p->n_blocks ? p->kind->pass_block_begin(p, k) : p->n_batch;
}
static inline lsnn_status pass_forward(pass *p) {
    return p->kind->forward(p, NULL);
}
/* The same while someone writes the input step by step, by what the network answers. */
static inline lsnn_status pass_interact(pass *p, const step_hook *hook) {
    return p->kind->forward(p, hook);
}
/* The last input once more, from rest, with the noise that it got: for the next pass_forward. Only where the last sequence began at rest. Errors: USAGE. */
static inline lsnn_status pass_repeat(pass *p) {
    return p->kind->repeat(p);
}
/* From the outputs' gradients, [n_windows][n_batch][n_out], to the parameters'; *rate_loss gets the regulariser's part of the loss. Errors: USAGE. */
static inline lsnn_status pass_backward(pass *p, const float *d_output, lsnn_gradient *gradient, double *rate_loss) {
    return p->kind->backward(p, d_output, gradient, rate_loss);
}
/* Mean firing rate of the last sequence in hertz, over the samples' own steps; NaN where nothing fires. */
static inline double pass_rate(const pass *p) {
    return p->kind->rate != NULL ? p->kind->rate(p) : NAN;
}
static inline pass_activity pass_count_activity(const pass *p, int n_samples) {
    return p->kind->activity(p, n_samples);
}
/* The state that the next sequence would go on from, as tensors "carried.*", and back; copies live in the pass until the next call. Errors: MEMORY, DATA. */
static inline lsnn_status pass_write_carried(pass *p, tensor_writer *writer) {
    return p->kind->write_carried(p, writer);
}
static inline lsnn_status pass_read_carried(pass *p, const tensor_file *file) {
    return p->kind->read_carried(p, file);
}

/* A bidirectional model is made of two halves, 0 running forward and 1 on the reversed samples; any other has one. Their parameters stand one half after the other;
 * in files their names begin with half_names, "forward." and "reversed.". */
int model_n_halves(const model *m);
const model *model_half(const model *m, int half);
pass *pass_half(pass *p, int half);
extern const char *const half_names[2];
/* The spiking network of a model, of its forward half if it has two; NULL if it is of another kind. And the simulation of its pass. */
const lsnn_net *model_net(const model *m);
lsnn_sim *pass_sim(pass *p);

extern const model_kind model_spiking, model_lstm, model_rnn;
/* The same in two halves (bidirectional.c). */
extern const model_kind model_two_spiking, model_two_lstm, model_two_rnn;

#endif
