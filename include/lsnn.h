/* lsnn: recurrent networks of leaky integrate-and-fire (LIF) and adaptive LIF neurons, trained by back-propagation through time.
 *
 * Source of the model, here called "the paper": Bellec, Salaj, Subramoney, Legenstein, Maass, "Long short-term memory and
 * learning-to-learn in networks of spiking neurons", NeurIPS 2018, arXiv 1803.09574. docs/model.md has every equation.
 *
 * The sections stand in the order in which data walks through them:
 *   1 errors   2 machine   3 experiments   4 data   5 network   6 simulation   7 learning   8 runs
 * A program that simulates or trains on its own arrays needs 1, 2, 5, 6 and 7; the command-line tool lives on 1 to 4 and 8.
 *
 * Rules that hold for every function:
 *   - What returns lsnn_status returns LSNN_OK (0) or the reason for failure; lsnn_error() then says what was asked, what was
 *     found, and what to do. On failure *out is left alone and objects are as they were before the call, unless said otherwise.
 *   - `T **out` gives the caller an object to free; a returned pointer is borrowed from the first argument and lives as long as it does;
 *     a `const T *` argument is read during the call only.
 *   - Nothing prints, nothing exits, and there are no globals but each thread's last error message. (OpenBLAS has one: with LSTM and RNN its products are set to one thread.) Two threads may use two objects
 *     at once; one object belongs to one thread at a time. A const lsnn_net may be shared by any number of simulations.
 *   - Indices: t step, b sample of the batch, i sender, j receiver, w window, k output. Arrays are dense and row by row:
 *     `x [n_steps][n_batch][n_in]` has x[(t * n_batch + b) * n_in + i].
 *   - Times are in milliseconds, rates in hertz unless a name says otherwise. */
#ifndef LSNN_H
#define LSNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LSNN_API __attribute__((visibility("default")))
#else
#define LSNN_API
#endif

#define LSNN_VERSION "0.1.0"

/* ---------------------------------------------------------------------------------------------------------------- 1 errors -- */

/* X(name, exit code of the command-line tool, meaning). Codes are only ever added at the end. */
#define LSNN_STATUS_MAP(X)                                                                \
    X(OK, 0, "success")                                                                   \
    X(ERR_USAGE, 2, "a command or an argument that does not exist or does not fit")       \
    X(ERR_SETTING, 3, "a setting that is unknown, out of range, or at odds with another") \
    X(ERR_DATA, 4, "a file whose content is damaged or does not fit")                     \
    X(ERR_IO, 5, "a file or folder that can't be read or written, or a full disk")        \
    X(ERR_NUMERIC, 6, "training produced a number that is not finite")                    \
    X(ERR_BUSY, 7, "a run folder that another process is using")                          \
    X(ERR_NETWORK, 8, "a download that failed")                                           \
    X(ERR_MEMORY, 9, "not enough memory")                                                 \
    X(STOPPED, 130, "stopped on request, with everything saved")

typedef enum lsnn_status {
#define LSNN_STATUS_ENUM(name, exit_code, meaning) LSNN_##name,
    LSNN_STATUS_MAP(LSNN_STATUS_ENUM)
#undef LSNN_STATUS_ENUM
} lsnn_status;

/* The last failure's message in this thread: one line, "" if there was none. Valid until the thread's next call. Ask after a failure: what a function got over by itself
 * may have left its message, too. */
LSNN_API const char *lsnn_error(void);
/* "ERR_DATA" and so on; the code's meaning in words; the exit code that the command-line tool gives it. */
LSNN_API const char *lsnn_status_name(lsnn_status status);
LSNN_API const char *lsnn_status_meaning(lsnn_status status);
LSNN_API int lsnn_status_exit_code(lsnn_status status);
/* The version of the library in use, "0.1.0". */
LSNN_API const char *lsnn_version(void);

/* --------------------------------------------------------------------------------------------------------------- 2 machine -- */

/* What to compute on: a pool of threads and a set of vector kernels. One context may serve many objects, one call at a time. */
typedef struct lsnn_context lsnn_context;

/* n_threads 0: one for each core this process may use. The results of every function are the same bits for any number.
 * The vector kernels are picked from what the processor has; the variable LSNN_ISA (generic; sse2, avx2, avx512 on x86; neon on ARM) overrides that.
 * Errors: USAGE (n_threads < 0 or > 1024, an LSNN_ISA that is unknown or that this processor lacks), MEMORY. */
LSNN_API lsnn_status lsnn_context_create(lsnn_context **out, int n_threads);
LSNN_API void lsnn_context_free(lsnn_context *context);
LSNN_API int lsnn_context_threads(const lsnn_context *context);
/* Name of the kernels in use: "generic", "sse2", "avx2", "avx512" or "neon". */
LSNN_API const char *lsnn_context_isa(const lsnn_context *context);

/* ----------------------------------------------------------------------------------------------------------- 3 experiments -- */

/* The settings of one experiment: the defaults, over them an experiment file, over them single assignments. */
typedef struct lsnn_experiment lsnn_experiment;

/* Opens an experiment that ships ("digits"), or a YAML file (a name with '/' or ending in .yaml or .yml).
 * Errors: SETTING (no such experiment, unknown key, value out of range; the message names the nearest known one), DATA (not YAML), IO. */
LSNN_API lsnn_status lsnn_experiment_open(lsnn_experiment **out, const char *name_or_path);
/* The settings that a run folder, a model, a checkpoint or a probe was made with. Errors: DATA, IO, SETTING. */
LSNN_API lsnn_status lsnn_experiment_open_run(lsnn_experiment **out, const char *run_or_model);
LSNN_API void lsnn_experiment_free(lsnn_experiment *experiment);
/* assignment: "net.beta=1.8". Errors: SETTING. */
LSNN_API lsnn_status lsnn_experiment_set(lsnn_experiment *experiment, const char *assignment);
/* A setting's value as text, until that setting changes; NULL if there is no such key. */
LSNN_API const char *lsnn_experiment_get(const lsnn_experiment *experiment, const char *key);
LSNN_API const char *lsnn_experiment_name(const lsnn_experiment *experiment);

/* One setting in force. origin: "default", "file", "--set", or "run". */
typedef struct lsnn_setting {
    const char *key, *value, *origin, *unit, *help, *range;
} lsnn_setting;
/* Calls `each` for every setting that the experiment's task and kind of network (net.kind) use, in the order of the options table. */
LSNN_API void lsnn_experiment_each(const lsnn_experiment *experiment, void (*each)(void *user, const lsnn_setting *setting), void *user);
/* Calls `each` for every experiment that ships. Errors: IO. */
LSNN_API lsnn_status lsnn_experiment_list(void (*each)(void *user, const char *name, const char *summary), void *user);

/* What a network will need, from its settings alone. Neurons, synapses and parameters of a bidirectional one are those of both its halves. */
typedef struct lsnn_needs {
    const char *kind; /* of the network: "lsnn", "lstm", "rnn" */
    const char *unit; /* what its n_rec are, in words: "neurons", "LSTM units", "tanh units" */
    int n_in, n_lif, n_adaptive, n_rec, n_out, n_steps, n_batch;
    int64_t n_synapses_in, n_synapses_rec, n_synapses_out, n_params; /* synapses: weights that are not biases */
    double memory_bytes;                                             /* while training */
} lsnn_needs;
/* Reads the task's data to learn their shape. data_folder as in lsnn_train. Errors: SETTING, DATA, IO. */
LSNN_API lsnn_status lsnn_experiment_needs(const lsnn_experiment *experiment, const char *data_folder, lsnn_needs *needs);

/* ------------------------------------------------------------------------------------------------------------------ 4 data -- */

typedef struct lsnn_data_set {
    const char *name, *summary, *licence;
    char path[1024]; /* the folder where its files are, or would go */
    bool present;    /* are all its files there? */
} lsnn_data_set;

/* Where data sets are looked for and put: `folder` if not NULL, else LSNN_DATA, else $XDG_DATA_HOME/lsnn, else ~/.local/share/lsnn.
 * Every data set has a folder of its own name in there. Calls `each` for every data set that the program knows. Errors: IO. */
LSNN_API lsnn_status lsnn_data_list(const char *folder, void (*each)(void *user, const lsnn_data_set *set), void *user);

typedef struct lsnn_data_options {
    const char *folder;   /* as above */
    const char *base_url; /* NULL: the data set's own addresses, or the variable LSNN_DATA_URL; else one folder that holds the files */
    /* Called now and then, if not NULL; bytes_total is 0 while it is not known. Non-zero return: stop (STOPPED), keeping what has come. */
    int (*progress)(void *user, const char *file, int64_t bytes, int64_t bytes_total);
    void (*message)(void *user, const char *text); /* warnings and news, one line each, if not NULL */
    void *user;
} lsnn_data_options;
/* Downloads a data set: goes on where an earlier download stopped, checks the SHA-256 of the decompressed content, and puts each file
 * in place only when it is whole. Does nothing for files that are there already (a user's own file that differs is a warning).
 * Errors: USAGE (unknown name), BUSY (another process is at it), NETWORK (the message says which files to put where by hand), DATA (checksum), IO. */
LSNN_API lsnn_status lsnn_data_get(const char *name, const lsnn_data_options *options);

/* --------------------------------------------------------------------------------------------------------------- 5 network -- */

typedef enum lsnn_input_kind {
    LSNN_SPIKES,  /* inputs are 0 or 1, and cost time only where they are 1 */
    LSNN_CURRENTS /* inputs are any finite numbers */
} lsnn_input_kind;

typedef enum lsnn_normalise {
    LSNN_BY_THRESHOLD, /* s = (v - A) / A: the paper */
    LSNN_BY_BASELINE   /* s = (v - A) / v_th: the e-prop papers */
} lsnn_normalise;

typedef enum lsnn_init {
    LSNN_INIT_NORMAL, /* N(0,1) * scale / sqrt(senders a neuron has); readout weights uniform within +-sqrt(6 / (n_rec + n_out)) (Glorot) */
    LSNN_INIT_BALANCED /* the authors' for DEEP R: each neuron's excitation and inhibition cancel, spectral radius 1 before synapses are left out, * scale */
} lsnn_init;

/* One number for each neuron of a population: `values` [n] if not NULL, else drawn uniformly from low..high (one value if they are equal). */
typedef struct lsnn_spread {
    float low, high;
    const float *values;
} lsnn_spread;

/* What a network is. Times, strengths and factors are at most 1e6. Fill it by lsnn_net_spec_init, then change what differs. Neurons 0..n_lif-1 are LIF, the rest are adaptive, unless
 * `beta.values` (length n_rec then, n_lif + n_adaptive) says otherwise neuron by neuron. */
typedef struct lsnn_net_spec {
    int n_in, n_lif, n_adaptive, n_out; /* at least 1 input, 1 recurrent neuron, 1 output; n_lif + n_adaptive, n_in and n_out <= 65535 */
    lsnn_input_kind input;
    float dt;          /* ms a step; (0, 1000] */
    lsnn_spread tau_m; /* ms, membrane; [n_rec]; > 0 */
    lsnn_spread tau_a; /* ms, threshold adaptation; [n_rec]; > 0 */
    lsnn_spread beta;  /* strength of the adaptation, in units of v_th's; low..high applies to adaptive neurons, values to all; >= 0 */
    float tau_out;     /* ms, readout; 0: none, the readout sees the spikes of the step alone */
    float r_m;         /* membrane resistance; > 0 */
    float v_th;        /* baseline threshold; > 0 */
    float gamma;       /* height of the pseudo-derivative, 0.3 in the paper; (0, 10] */
    int n_ref;         /* refractory steps after a spike; 0..1000 */
    int n_delay;       /* D: input delays are drawn from 0..D-1 steps, recurrent ones from 1..D; 1..256 */
    lsnn_normalise normalise;
    bool detach_reset; /* true: no gradient through the reset */
    bool bias;         /* readout bias */
    float
        connectivity; /* this fraction of all n_rec * (n_in + n_rec + n_out) synapses exists, drawn at random, and of each matrix; (0, 1] */
    const uint8_t *mask_in, *mask_rec,
        *mask_out;                       /* [n_rec][n_in], [n_rec][n_rec], [n_out][n_rec]: 0 = no connection; NULL: by connectivity */
    const int32_t *delay_in, *delay_rec; /* [n_rec][n_in] in 0..D-1, [n_rec][n_rec] in 1..D; NULL: drawn */
    float
        excitatory; /* Dale's law: this fraction of the inputs (unless they are LSNN_CURRENTS), and of the LIF and of the adaptive neurons, has outgoing weights >= 0, the rest <= 0; -1: no law */
    float excitatory_adaptive;        /* with Dale's law, that of the adaptive neurons alone; -1: the same */
    const int8_t *sign_in, *sign_rec; /* the same one by one: [n_in], [n_rec], each -1, 0 (free) or +1; NULL: by `excitatory` */
    float noise;                      /* standard deviation of a Gaussian current added to each neuron at each step; 0: none */
    bool noise_trainable;             /* is the noise's size, one a neuron, a parameter? */
    lsnn_init init;                   /* initial weights; balanced ones need Dale's law (excitatory >= 0) */
    float scale_in, scale_rec;        /* factors on the initial input and recurrent weights */
    uint64_t seed;                    /* of everything that is drawn here */
} lsnn_net_spec;

typedef struct lsnn_net lsnn_net;

/* The defaults of docs/model.md; all pointers NULL, sizes 0 (n_out, n_in and one of n_lif, n_adaptive must be set). */
LSNN_API void lsnn_net_spec_init(lsnn_net_spec *spec);
/* Draws delays, signs, connections and weights. Errors: SETTING (what is out of range, by name), MEMORY. */
LSNN_API lsnn_status lsnn_net_create(lsnn_net **out, const lsnn_net_spec *spec);
LSNN_API void lsnn_net_free(lsnn_net *net);
/* The spec as drawn: pointers are NULL, read the arrays by lsnn_net_copy. Of a network from a file, how it was drawn (excitatory, connectivity, init, scales, ranges) has its default: the
 * arrays alone tell. */
LSNN_API const lsnn_net_spec *lsnn_net_get_spec(const lsnn_net *net);

/* A network's arrays, by name:
 *   parameters   w_in [n_rec][n_in], w_rec [n_rec][n_rec], w_out [n_out][n_rec], b_out [n_out] (with bias), noise [n_rec] (with trainable noise)
 *   fixed        delay_in, delay_rec (steps; -1 where there is no connection), tau_m, tau_a, beta [n_rec], sign_in [n_in], sign_rec [n_rec]
 * Absent connections read as 0 and are not written. */
/* Rows and columns of an array (a vector has 1 column). Errors: USAGE (no such array; the message lists them). */
LSNN_API lsnn_status lsnn_net_shape(const lsnn_net *net, const char *name, int *rows, int *columns);
/* Copies the array to `to`, which has room for n = rows * columns numbers. Errors: USAGE (no such array, another n). */
LSNN_API lsnn_status lsnn_net_copy(const lsnn_net *net, const char *name, float *to, size_t n);
/* Sets a parameter. Errors: USAGE (not a parameter, another n, a number that is not finite, a value where there is no connection, a sign
 * against Dale's law). */
LSNN_API lsnn_status lsnn_net_set(lsnn_net *net, const char *name, const float *from, size_t n);
/* Number of trained numbers: one a connection, biases, noise sizes. */
LSNN_API size_t lsnn_net_n_params(const lsnn_net *net);

/* A safetensors file with the network's description in its metadata and a SHA-256 over everything. Atomic. Errors: IO, DATA. */
LSNN_API lsnn_status lsnn_net_save(const lsnn_net *net, const char *path);
LSNN_API lsnn_status lsnn_net_load(lsnn_net **out, const char *path);

/* ------------------------------------------------------------------------------------------------------------ 6 simulation -- */

/* A batch of sequences going through a network: the input, the state of every neuron, the spikes, and what back-propagation needs. All memory is
 * taken at creation; no other function here allocates. */
typedef struct lsnn_sim lsnn_sim;

typedef struct lsnn_sim_options {
    int n_batch;   /* sequences side by side; >= 1 */
    int n_steps;   /* the longest sequence; >= 1 */
    int n_windows; /* the most output windows; >= 1 */
    bool train;    /* will lsnn_backward be called? */
} lsnn_sim_options;

/* The simulation borrows the network and the context: free it first. Errors: USAGE, MEMORY. */
LSNN_API lsnn_status lsnn_sim_create(lsnn_sim **out, const lsnn_net *net, lsnn_context *context, const lsnn_sim_options *options);
LSNN_API void lsnn_sim_free(lsnn_sim *sim);
/* Bytes that a simulation takes; NaN if the options do not fit. */
LSNN_API double lsnn_sim_memory(const lsnn_net *net, const lsnn_context *context, const lsnn_sim_options *options);

/* All neurons at rest: v, b, p zero, no spikes under way, and the noise begins anew. */
LSNN_API void lsnn_sim_reset(lsnn_sim *sim);

/* The input of the next lsnn_forward. spikes [n_steps][n_batch][n_in] (0 or 1) for LSNN_SPIKES, values (same shape) for LSNN_CURRENTS.
 * Errors: USAGE (the network takes the other kind, n_steps out of 1..the longest), DATA (a byte over 1, a number that is not finite). */
LSNN_API lsnn_status lsnn_sim_set_spikes(lsnn_sim *sim, const uint8_t *spikes, int n_steps);
LSNN_API lsnn_status lsnn_sim_set_currents(lsnn_sim *sim, const float *currents, int n_steps);

/* Samples of different lengths: n_steps [n_batch], each 0..that of the input that was set last, and for that input alone. From the end of its own steps on a
 * sample's input is not looked at, its neurons are at rest, and nothing there counts: not in the rates (means over the samples' own steps), not in gradients. A window that
 * its end cuts is the mean over the part that is its own; outputs of windows that begin after it are 0, and their gradients are not looked at. Each sample's outputs are the same bits as
 * alone. Blocks of 8 or 16 samples run as long as their longest: put samples of similar length side by side. Afterwards all neurons
 * are at rest, and the next input begins there. Errors: USAGE (no new input, a length out of range). */
LSNN_API lsnn_status lsnn_sim_set_lengths(lsnn_sim *sim, const int *n_steps);

/* The outputs to compute: window w is the mean of y over steps start[w]..stop[w]-1. Windows are in order, do not overlap, and may leave gaps;
 * stop[n_windows - 1] <= n_steps. At creation there is one window that covers the longest sequence; for
 * a shorter input call this. The outputs are there again after the next lsnn_forward. Errors: USAGE. */
LSNN_API lsnn_status lsnn_sim_set_windows(lsnn_sim *sim, const int *start, const int *stop, int n_windows);

/* Runs the input from the current state; the state then is that after the last step, so that a next call goes on from there.
 * One call over n steps, and n calls over one step each, give the same bits. Errors: USAGE (no input, a window past its end). */
LSNN_API lsnn_status lsnn_forward(lsnn_sim *sim);

/* After lsnn_forward: y [n_windows][n_batch][n_out]. */
LSNN_API const float *lsnn_sim_output(const lsnn_sim *sim);
/* After lsnn_forward: each neuron's rate over batch and steps, in hertz, to rate_hz [n_rec]; NULL: only the mean over neurons, which is returned. */
LSNN_API double lsnn_sim_rate(const lsnn_sim *sim, float *rate_hz);

/* The state now, [n_batch][n_rec]: "v" voltage, "b" adaptation, "z" last step's spikes, "threshold", "refractory" (steps left), "p" readout trace.
 * Errors: USAGE (no such name). */
LSNN_API lsnn_status lsnn_sim_copy_state(const lsnn_sim *sim, const char *name, float *to);
/* The same over the steps of the last lsnn_forward, for sample b: [n_steps][n_rec]; besides the names above "psi" (pseudo-derivative), and
 * "y" [n_steps][n_out], the output step by step; 0 after the sample's own end (lsnn_sim_set_lengths). Computed again from the start,
 * so the weights must not have changed since; needs options.train. Errors: USAGE. */
LSNN_API lsnn_status lsnn_sim_copy_trace(lsnn_sim *sim, const char *name, int b, float *to);

/* -------------------------------------------------------------------------------------------------------------- 7 learning -- */

/* Cross entropy of softmax(y), mean over all (window, sample) with class[w * n_batch + b] >= 0 (-1 leaves one out).
 * d_output [n_windows][n_batch][n_out], if not NULL, gets the gradient; n_wrong and n_counted, if not NULL, the errors and how many count.
 * Errors: USAGE (class >= n_out, no lsnn_forward before). */
LSNN_API lsnn_status lsnn_loss_cross_entropy(const lsnn_sim *sim, const int32_t *class_of, float *d_output, double *loss, int64_t *n_wrong,
                                             int64_t *n_counted);
/* Squared error, mean over windows, samples and outputs: target [n_windows][n_batch][n_out]; where it is NaN, that output is left out. */
LSNN_API lsnn_status lsnn_loss_squared(const lsnn_sim *sim, const float *target, float *d_output, double *loss, int64_t *n_counted);

/* Gradient of the loss with respect to every parameter. */
typedef struct lsnn_gradient lsnn_gradient;
LSNN_API lsnn_status lsnn_gradient_create(lsnn_gradient **out, const lsnn_net *net);
LSNN_API void lsnn_gradient_free(lsnn_gradient *gradient);
/* As lsnn_net_copy, for the parameters' names. */
LSNN_API lsnn_status lsnn_gradient_copy(const lsnn_gradient *gradient, const char *name, float *to, size_t n);
/* Euclidean norm of all of it. */
LSNN_API double lsnn_gradient_norm(const lsnn_gradient *gradient);

/* Rate regularisation: adds strength * sum_j (f_j - target)^2 to the loss, f_j and target in spikes a millisecond (model.md). */
typedef struct lsnn_rate_goal {
    float strength; /* 0: none */
    float target_hz;
} lsnn_rate_goal;

/* Back-propagates through the last lsnn_forward, with the weights of that moment: change them after this, not before. d_output [n_windows][n_batch][n_out]: gradient of the loss with respect to the outputs.
 * rate may be NULL; *rate_loss, if not NULL, gets its part of the loss. Gradients stop at the first step. Errors: USAGE (no forward before, not
 * created for training). */
LSNN_API lsnn_status lsnn_backward(lsnn_sim *sim, const float *d_output, const lsnn_rate_goal *rate, lsnn_gradient *gradient,
                                   double *rate_loss);

/* Adam (Kingma and Ba 2015, algorithm 1). */
typedef struct lsnn_adam_options {
    float beta1, beta2, epsilon; /* 0.9, 0.999, 1e-8 by lsnn_adam_options_init */
    float clip;                  /* gradients longer than this are scaled to it; 0: never */
} lsnn_adam_options;
typedef struct lsnn_adam lsnn_adam;
LSNN_API void lsnn_adam_options_init(lsnn_adam_options *options);
LSNN_API lsnn_status lsnn_adam_create(lsnn_adam **out, const lsnn_net *net, const lsnn_adam_options *options);
LSNN_API void lsnn_adam_free(lsnn_adam *adam);
/* One step; learning_rate, 0..1e6, is this step's (a schedule is the caller's loop). Keeps Dale's law: a weight that would change its sign becomes 0.
 * Errors: USAGE (another network's gradient or optimiser, a learning rate out of 0..1e6), NUMERIC (a gradient that is not finite); the network is then as it was. */
LSNN_API lsnn_status lsnn_adam_step(lsnn_adam *adam, lsnn_net *net, const lsnn_gradient *gradient, float learning_rate);

/* DEEP R, sparse rewiring (Bellec, Kappel, Maass, Legenstein, "Deep rewiring: training very sparse deep networks", ICLR 2018; docs/model.md).
 * Every synapse that could be has a fixed sign (its sender's under Dale's law, else drawn) and a fixed delay. A connected one has a size theta > 0,
 * and the weight sign * theta; one whose theta reaches 0 is dormant. Each step, after the optimiser's: theta -= learning rate * l1, plus
 * sqrt(2 * learning rate * temperature) * N(0,1); then as many dormant synapses wake, with theta 1e-12, as have died, anywhere in the three matrices. */
typedef struct lsnn_rewire lsnn_rewire;

typedef struct lsnn_rewire_options {
    float l1;          /* >= 0 */
    float temperature; /* >= 0 */
    bool soft; /* soft DEEP R: no count; all thetas take the noise, and the dormant ones wander between 0 and a bound below it that makes
                            `connectivity` the fraction which is connected in the long run. Needs l1 > 0 and temperature > 0. */
    float connectivity; /* (0, 1), for `soft` alone */
    bool
        all_gradients; /* keep Adam's means for dormant synapses too (as the authors' code), which takes dense matrices; `soft` does so always */
    uint64_t seed;
} lsnn_rewire_options;

/* l1 0.01, temperature 0, a fixed count, gradients of connected synapses alone. */
LSNN_API void lsnn_rewire_options_init(lsnn_rewire_options *options);
/* Takes over the network's connections: their number as of now is the budget, for all three matrices together, and stays. Create it before the
 * network's simulations, gradients and optimisers, and free it before the network. Errors: SETTING, MEMORY. */
LSNN_API lsnn_status lsnn_rewire_create(lsnn_rewire **out, lsnn_net *net, const lsnn_rewire_options *options);
LSNN_API void lsnn_rewire_free(lsnn_rewire *rewire);
/* One step of rewiring; call it after lsnn_adam_step, with the same learning rate. The optimiser's means move with their synapses; those of a synapse
 * that wakes start anew. Parameters change places: gradients taken before are void. Errors: USAGE (another network's optimiser). */
LSNN_API lsnn_status lsnn_rewire_step(lsnn_rewire *rewire, lsnn_adam *adam, float learning_rate);

typedef struct lsnn_synapse_count {
    int64_t possible, live; /* synapses that could be, and that are */
    int64_t born, died;     /* since the rewiring was created */
} lsnn_synapse_count;
/* Of w_in, w_rec and w_out. */
LSNN_API void lsnn_rewire_count(const lsnn_rewire *rewire, lsnn_synapse_count counts[3]);

/* ------------------------------------------------------------------------------------------------------------------ 8 runs -- */

typedef struct lsnn_progress {
    int64_t iteration, n_iterations;
    double loss;            /* of the last iterations */
    double score;           /* last validation score; NaN before the first since the call */
    const char *score_name; /* "accuracy", "recall error", "mean squared error", "frame error", "goals an episode" or "reward an episode" */
    double rate_hz;         /* mean firing rate; NaN in networks without spikes, here and in lsnn_result */
    double iterations_a_second, seconds_left;
    bool validated; /* is the score new? */
} lsnn_progress;

/* How often and how fast an agent reaches the goal. Times are in steps. */
enum { LSNN_GOALS_IN_A_ROW = 10 };
typedef struct lsnn_goals {
    int64_t n_episodes;
    double per_episode, per_episode_interval; /* mean, and half the width of its 95 % confidence interval over episodes */
    double found;                             /* fraction of the episodes in which it is reached at all */
    double first_mean, first_median;          /* time to the first; an episode without counts as its length */
    double return_mean, return_median;        /* time from one to the next, over all such pairs; NaN if there is none */
    double ratio;                             /* first_mean / return_mean */
    double in_a_row
        [LSNN_GOALS_IN_A_ROW]; /* mean time from goal k to goal k + 1, from goal 0, the start, on; NaN if that never happened; [0] is first_mean */
    double reached[LSNN_GOALS_IN_A_ROW]; /* fraction of the episodes that have goal k + 1 */
    double reward;                       /* mean sum of an episode's */
} lsnn_goals;

/* One episode: goals, steps to the first (all of them if there is none), and mean steps from one to the next (NaN if there is none). */
typedef struct lsnn_episode_goals {
    double goals, first, returning;
} lsnn_episode_goals;

typedef struct lsnn_result {
    char experiment[64], split[8], score_name[32];
    uint64_t seed;
    int64_t n; /* samples (or decisions) that the score is over */
    double loss, score, rate_hz;
    double
        score_interval; /* of squared errors, over sequences, and where an agent acts, over episodes: half the width of the score's 95 % confidence interval; else NaN */
    double spikes;      /* a sample, of inputs and neurons; NaN in networks without spikes */
    double operations;  /* a sample: synaptic ones, one for each synapse that a spike reaches; in networks without spikes, multiply-adds */
    int64_t iterations;
    lsnn_goals goals;  /* of tasks in which an agent acts; n_episodes 0: it is another */
    double seconds;    /* of training, over all its parts, or of the evaluation */
    bool was_finished; /* lsnn_train: there was nothing left to do */
} lsnn_result;

/* Learning to learn functions (docs/model.md): each episode draws one function of a family, and shows a network examples of it. The families that ship
 * are the tasks l2l-teacher and l2l-sinusoid; a family of your own goes with the task l2l-own. */
typedef struct lsnn_range {
    double low, high; /* finite, low < high */
} lsnn_range;
/* Random numbers for one function: a function of (seed, split, episode), and of nothing else. */
typedef struct lsnn_random lsnn_random;
/* The next one, uniform in [low, high). */
LSNN_API double lsnn_random_uniform(lsnn_random *random, double low, double high);

enum { LSNN_FAMILY_INPUTS = 8, LSNN_FAMILY_PARAMETERS = 1024 };
/* A family of functions of n_inputs numbers, each function n_parameters numbers. Its two functions are called from many threads at once, in any order
 * and any number of times: what they give may depend on their arguments alone. */
typedef struct lsnn_family {
    int n_inputs, n_parameters;           /* 1..LSNN_FAMILY_INPUTS, 0..LSNN_FAMILY_PARAMETERS */
    lsnn_range input[LSNN_FAMILY_INPUTS]; /* an episode draws each input uniformly from its range; the neurons that code it cover that */
    lsnn_range target;                    /* what the neurons that code the targets cover; targets beyond it excite them less and less */
    void (*draw)(const void *user, lsnn_random *random, double *parameters);      /* a new function, to parameters [n_parameters] */
    double (*value)(const void *user, const double *parameters, const double *x); /* its value at x [n_inputs]; finite */
    const void *user;                                                             /* what the two are called with, as is */
} lsnn_family;

/* Learning by reward (docs/model.md): in each step an agent sees numbers and events of an environment, acts, and is rewarded. The environment that ships is that of
 * the task navigation; one of your own goes with the task rl-own. */
enum { LSNN_ENVIRONMENT_STATE = 1024, LSNN_ENVIRONMENT_OBSERVED = 8, LSNN_ENVIRONMENT_ACTIONS = 8, LSNN_ENVIRONMENT_EVENTS = 8 };
/* Its three functions are called from many threads at once, for one episode's state by one at a time: what they do may depend on their arguments alone. Random
 * numbers are those of the episode, a function of (seed, split, episode). */
typedef struct lsnn_environment {
    int n_state, n_observed;                                                  /* 0..LSNN_ENVIRONMENT_STATE, 0..LSNN_ENVIRONMENT_OBSERVED */
    int n_actions, n_events;                                                  /* 1..LSNN_ENVIRONMENT_ACTIONS, 0..LSNN_ENVIRONMENT_EVENTS */
    lsnn_range observed[LSNN_ENVIRONMENT_OBSERVED];                           /* what the neurons that code each number cover */
    void (*reset)(const void *user, lsnn_random *random, double *state);      /* a new episode; the state comes all 0 */
    void (*observe)(const void *user, const double *state, double *observed); /* what the agent sees of it */
    /* Moves the state on by one step, and returns the reward, which is finite. Actions are any finite numbers, at first about -1 to 1. Sets bit e of *events,
     * which comes as 0, if event e happened: the agent sees that at its next step. Event 0 is the goal, which is counted. */
    double (*step)(const void *user, lsnn_random *random, double *state, const double *action, unsigned *events);
    const void *user; /* what the three are called with, as is */
} lsnn_environment;

/* Where a function takes these, NULL stands for all 0. */
typedef struct lsnn_run_options {
    const char *out; /* the run folder; NULL: runs/EXPERIMENT-seedN */
    bool resume;     /* go on with the run in `out` */
    bool no_test;    /* lsnn_train: leave the test split alone, for a search; the result is the best network's on the validation split */
    const char *data_folder; /* as in lsnn_data_list; NULL: LSNN_DATA or the default */
    const char *split;       /* lsnn_evaluate: "train", "valid", "test"; NULL: "test" */
    uint64_t seed;           /* lsnn_evaluate: of test data that are drawn at random; 0: the run's own */
    /* lsnn_evaluate and the like: [n_settings] assignments to the task's settings, as "navigation.move_ms=1000", and to train.test_batches: other episodes for
     * a network that stays as it is. */
    const char *const *settings;
    int n_settings;
    /* Of the task l2l-own: the same whenever its runs and models are used; else NULL. */
    const lsnn_family *family;
    const lsnn_environment *environment;                         /* the same of the task rl-own */
    void (*progress)(void *user, const lsnn_progress *progress); /* after every iteration, if not NULL */
    void (*message)(void *user, const char *text);               /* news and warnings, one line each, if not NULL */
    void *user;
    const volatile int *stop; /* when *stop is not 0: save and return STOPPED */
} lsnn_run_options;

/* Trains, and evaluates the best network on the test split. The run folder gets settings.yaml, metrics.jsonl (one object a line), best.safetensors,
 * last.safetensors, checkpoint.safetensors and the one before it; a run that is killed at any moment and resumed ends in the same bits.
 * Errors: any. */
LSNN_API lsnn_status lsnn_train(const lsnn_experiment *experiment, lsnn_context *context, const lsnn_run_options *options,
                                lsnn_result *result);
/* How rewiring has changed a run's network (by its newest checkpoint), or a model's, until it was saved: of w_in, w_rec and w_out. A model may be one that ships. *rewired: was it? (false after a failure, too; counts
 * are left alone if not.) Errors: DATA, IO. */
LSNN_API lsnn_status lsnn_run_synapses(const char *run_or_model, lsnn_synapse_count counts[3], bool *rewired);
/* Evaluates a run folder's best network, or a model file. Errors: any. */
LSNN_API lsnn_status lsnn_evaluate(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options, lsnn_result *result);
/* Of an LSNN (net.kind lsnn; else USAGE): writes everything about one sample of the split to a safetensors file: input, v, z, b, threshold, psi, p, output, windows, loss, weights and
 * gradients as named arrays. Errors: any. */
LSNN_API lsnn_status lsnn_probe(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options, int64_t sample,
                                const char *path);

/* How well something has learned the functions of a family after so many examples: the squared error of its answer to each example of an episode, before the
 * example's target is known, as a mean over the episodes, with half the width of its 95 % confidence interval. */
typedef struct lsnn_curve {
    const char *name;
    int64_t n_episodes;
    int first, n_examples;          /* of examples first..first + n_examples - 1 of each episode, counted from 0 */
    const double *error, *interval; /* [n_examples] */
    double mean, mean_interval;     /* over all these examples; the interval is that over episodes */
    const double *episode_error;    /* [n_episodes] mean over these examples */
} lsnn_curve;
/* Of a run's best network or a model of learning to learn (tasks l2l-*): calls `each` with the curve of the network, and with those of simple ways to learn, each
 * on the same episodes, which are those of lsnn_evaluate with these options: online back-propagation in a network of 10 sigmoid units, a line fitted online, the
 * running mean, the last target; and for the network's last tenth of examples, ridge regression on its spikes in the others. Curves
 * are valid during the call. Errors: USAGE (another task), any. */
LSNN_API lsnn_status lsnn_learning_curves(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options,
                                          void (*each)(void *user, const lsnn_curve *curve), void *user);

/* What to ask a network of learning to learn about the function that it is shown. */
typedef struct lsnn_question {
    int64_t episode; /* of the split */
    const int *
        seen; /* [n_seen] after how many examples it is asked: rising, from 0 to all of the episode; NULL: 1, 2, 5, 10, 20, 100, as far as there are so many */
    int n_seen;
    const double *
        points; /* [n_points][n_inputs] where; NULL: a grid of n_points values of each input, even over its range, its ends included, with the
                           * first input changing fastest */
    int n_points; /* 0, without `points`: 101 values of one input, or of each of several 21, or as many as make a million points */
    int n_draws;  /* how often each point is asked, with other random numbers for the spikes that show it; the mean counts. 0: once */
} lsnn_question;

/* What the network takes a function for, after so many examples of an episode. Its state is copied, and the copies are shown the point as the next example,
 * with the target that would have come with it; weights do not change, and the episode goes on as if nobody had asked. */
typedef struct lsnn_beliefs {
    int64_t episode;
    lsnn_range input_range[LSNN_FAMILY_INPUTS], target_range; /* the family's */
    int n_inputs;
    int n_examples;                    /* that it was shown: as many as the last of `seen` */
    const double *x, *target, *answer; /* the examples [n_examples][n_inputs], their targets and the network's answers [n_examples] */
    int n_points;                      /* all those of the grid, if it is one */
    const double *points, *value;      /* [n_points][n_inputs]; the function's values there, [n_points] */
    int n_seen;
    const int *seen;      /* [n_seen] */
    const double *belief; /* [n_seen][n_points] */
} lsnn_beliefs;
/* Asks a run's best network, or a model, of learning to learn (tasks l2l-*). A point that is the episode's next example gets, in the first draw, the same
 * answer as there, bit for bit, but in networks with noise. Errors: USAGE (another task, a network without spikes, a question out of range), any. */
LSNN_API lsnn_status lsnn_beliefs_create(lsnn_beliefs **out, const char *run_or_model, lsnn_context *context,
                                         const lsnn_run_options *options, const lsnn_question *question);
LSNN_API void lsnn_beliefs_free(lsnn_beliefs *beliefs);

/* How an agent did. Where the goal moves within an episode (navigation.move_ms), there are the same numbers of the time until its first move, and of the times after
 * a move, until the next one or the end, each counted as an episode that begins there: is the goal found again? Else their n_episodes is 0. */
typedef struct lsnn_agent {
    const char *name;
    lsnn_goals goals, before_move, after_move;
    const lsnn_episode_goals *episode; /* [goals.n_episodes] */
} lsnn_agent;
/* Agents on the same episodes, which are those of lsnn_evaluate with these options: calls `each` for the run's best network, or a model, of the task navigation,
 * and for agents that follow a rule: a random walk; a search along the rim that then returns to where the goal was; a straight walk to the goal by one who knows
 * where it is, which is the most that can be reached. What it is told is valid during the call. Errors: USAGE (another task), any. */
LSNN_API lsnn_status lsnn_compare_agents(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options,
                                         void (*each)(void *user, const lsnn_agent *agent), void *user);

/* Two networks of such a task on the same episodes: means over episodes of what the first has less what the other has, each with half the width of its 95 % confidence
 * interval. Of the times from one goal to the next, an episode's mean counts, in the episodes in which both came back to it at all. */
typedef struct lsnn_goals_difference {
    int64_t n_episodes, n_returned; /* of the latter */
    double goals, goals_interval, first, first_interval, returning, returning_interval;
} lsnn_goals_difference;
/* The options, as in lsnn_evaluate, are for both; episodes are those of the first, whose settings count. Errors: USAGE (another task, or an environment without events, which has no goals), DATA (the other's inputs
 * or outputs are not as many), any. */
LSNN_API lsnn_status lsnn_compare_runs(const char *run_or_model, const char *other, lsnn_context *context, const lsnn_run_options *options,
                                       lsnn_goals_difference *difference);

/* Draws a figure, its format by the ending of `figure_path`: .svg, .png, .pdf. `source` is a probe file (input, LIF and adaptive spikes, thresholds,
 * outputs over time; where an agent acts, what it observes and expects, with marks where it reached the goal), or a metrics.jsonl or a run folder, which has one (loss, score and
 * rate over training). Ending in .html, of a probe of the task navigation: a page that stands alone and plays the episode, the agent on its way with its spikes.
 * Errors: USAGE (other ending, or not such a file), DATA, IO. */
LSNN_API lsnn_status lsnn_plot(const char *source, const char *figure_path);
/* As lsnn_plot of a probe file, but only its first first_ms milliseconds, > 0: single spikes of long sequences can be seen then. Errors: USAGE (not a probe), DATA, IO. */
LSNN_API lsnn_status lsnn_plot_start(const char *probe, double first_ms, const char *figure_path);
/* Draws how the error falls with the number of examples seen, of a network and of those to compare with: the curves of lsnn_learning_curves. Errors: as there, and those of lsnn_plot. */
LSNN_API lsnn_status lsnn_plot_learning(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options,
                                        const char *figure_path);
/* Draws what a network takes functions of one or two inputs for after 1, 2, 5, 10, 20 and 100 examples, for n_episodes from `episode` on, 1..16: the beliefs of
 * lsnn_beliefs_create on its grid. Errors: as there, and those of lsnn_plot. */
LSNN_API lsnn_status lsnn_plot_beliefs(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options, int64_t episode,
                                       int n_episodes, const char *figure_path);
/* Of the task navigation: draws how long an agent takes to its first goal, its second, and so on, and those that follow a rule: what lsnn_compare_agents tells. Errors: as
 * there, and those of lsnn_plot. */
LSNN_API lsnn_status lsnn_plot_goals(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options,
                                     const char *figure_path);
/* Of the same: draws the paths of an agent in n_episodes episodes from `episode` on, 1..8, until its first goal and afterwards, as the network was drawn and as training left
 * it. Errors: USAGE (another task), those of lsnn_plot, any. */
LSNN_API lsnn_status lsnn_plot_paths(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options, int64_t episode,
                                     int n_episodes, const char *figure_path);
/* Draws which synapses a network has, as it was drawn and as training left it: the weight matrices among inputs, LIF, adaptive and output neurons,
 * excitatory and inhibitory, and how many of the possible synapses exist between each two groups. Of a run folder's best network, a model file, or a
 * model that ships, of a bidirectional network its forward half; the task's data are not needed. Errors: USAGE (other ending, or not an LSNN), DATA, IO, MEMORY. */
LSNN_API lsnn_status lsnn_plot_connections(const char *run_or_model, const char *figure_path);

/* Many runs and what they come to. A folder gets the runs (runs/ROW-seedN), their results (records/ROW-seedN.json), the network of each row with the best
 * validation score (models/ROW.safetensors), and from the records the page README.md and its figures. */
typedef struct lsnn_study_row {
    const char *page; /* that the row stands on: the folder's README.md */
    const char *name, *label, *score_name;
    int n_runs;
    double mean, deviation, best;  /* of the scores on test data; NaN where there are too few runs */
    double paper_mean, paper_best; /* NaN: the paper gives none */
} lsnn_study_row;

typedef struct lsnn_study_options {
    /* out: the folder, NULL: runs/NAME. resume, split and seed play no part: what is unfinished in the folder is resumed. */
    lsnn_run_options run;
    const char *rows;            /* "smnist-lif,smnist-lstm"; NULL: all */
    const char *seeds;           /* "1,2" or "1..3"; NULL: those of the table */
    const char *const *settings; /* [n_settings] assignments for every row */
    int n_settings;
    bool report_only; /* no run: page and figures anew, from the records in the folder */
    /* If not NULL, and with the user of `run`: before each run, which is number 1, 2, ... of n_runs; and at the end, for each row. */
    void (*begin)(void *user, const char *label, uint64_t seed, int number, int n_runs);
    void (*row)(void *user, const lsnn_study_row *row);
} lsnn_study_options;

/* The rows of a table that ships ("smnist"), or of a YAML file (a name with '/' or ending in .yaml). A run whose numbers are no longer finite is told by message and
 * left out; any other failure ends it. A further call goes on where the last one stopped. Errors: any; STOPPED. */
LSNN_API lsnn_status lsnn_reproduce(const char *name, lsnn_context *context, const lsnn_study_options *options);
/* The same for one experiment and several values of one setting: "700,1200,2000"; commas within brackets belong to a value. */
LSNN_API lsnn_status lsnn_sweep(const char *experiment, const char *setting, const char *values, lsnn_context *context,
                                const lsnn_study_options *options);
/* Calls `each` for every table that ships. Errors: IO, DATA. */
LSNN_API lsnn_status lsnn_reproduction_list(void (*each)(void *user, const char *name, const char *title), void *user);

/* A work to time: a network of the kind that learns sequential MNIST, on made-up strokes. 45 % of the neurons are adaptive, 10 outputs, refractory for 5
 * steps, the loss is cross entropy of the last steps' mean output with rate regularisation towards rate_hz. The weights are scaled until the network
 * fires at rate_hz. Below connectivity 1: Dale's law, balanced weights, and a step of DEEP R an iteration. */
typedef struct lsnn_bench_work {
    const char *name;
    int n_batch, n_steps; /* 1..65536; 10..1000000 */
    int n_in;             /* 4..4096: (n_in - 2) / 2 thresholds crossed upwards, as many downwards, and the cue over the last steps */
    int n_rec, n_delay;   /* 2..16384; 1..256 */
    double connectivity;  /* 1e-6..1 */
    double rate_hz;       /* 0.1..150 */
    bool lstm; /* an LSTM with n_rec units in place of the spiking network, to compare with; delays, connectivity and rate play no part */
    bool training;     /* whole iterations (input, forward, loss, backward, Adam, DEEP R); else input and forward alone */
    bool step_by_step; /* forward alone, and a call for each step */
} lsnn_bench_work;
/* "custom": 256 sequences of 840 steps, 80 inputs, 220 neurons, delays of up to 10 steps, dense, 10 Hz, whole iterations. */
LSNN_API void lsnn_bench_work_init(lsnn_bench_work *work);
/* assignment: "batch=64"; the keys are batch, steps, inputs, neurons, delays, connectivity, rate, and lstm, training and stepwise
 * (true or false). Errors: USAGE. */
LSNN_API lsnn_status lsnn_bench_set(lsnn_bench_work *work, const char *assignment);

/* One measured work. Seconds are those of an iteration, or of going once over the sequence. */
typedef struct lsnn_bench_row {
    const char *name;
    double iteration_seconds, forward_seconds,
        backward_seconds;                     /* medians of the whole and its parts; backward: with optimiser and rewiring */
    double seconds_min, seconds_max;          /* of the whole */
    double step_seconds, neuron_step_seconds; /* iteration_seconds by step; and by step, neuron and sample */
    double memory_bytes;                      /* simulation, weights, gradient, optimiser */
    double rate_hz;                           /* as measured in the last iteration; NaN: LSTM */
    int n_batch, n_steps, n_in, n_rec;
    int64_t n_synapses;
    /* What the work takes at least, and what the machine gives at most, with all threads of the context: */
    double flops;                  /* additions and multiplications an iteration */
    double bytes;                  /* written to memory or read back, an iteration */
    double peak_flops, peak_bytes; /* a second: multiplications and additions in vector registers, none fused; a triad */
    double arithmetic_limit_seconds, memory_limit_seconds; /* flops / peak_flops, bytes / peak_bytes */
    double of_limit;                                       /* the larger of the two / iteration_seconds; 1: as fast as it can be */
} lsnn_bench_row;
/* Times the work; NULL: the standard ones, smnist_dense, smnist_deepr, smnist_lstm, long and inference. Takes 200 MB and some tenths of a second to measure the
 * machine's limits. Errors: USAGE (out of range), MEMORY. */
LSNN_API lsnn_status lsnn_bench(lsnn_context *context, const lsnn_bench_work *work, void (*each)(void *user, const lsnn_bench_row *row),
                                void *user);
/* Writes the work to a safetensors file instead: network, input, classes, loss, output and gradients of its first iteration, so that other programs
 * can do the same (docs/files.md). Errors: USAGE, MEMORY, IO. */
LSNN_API lsnn_status lsnn_bench_write(lsnn_context *context, const lsnn_bench_work *work, const char *path);

#ifdef __cplusplus
}
#endif
#endif
