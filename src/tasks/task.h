/* What a network is trained on. A task knows the shape of its samples, writes any one of them into a simulation, and says what counts. */
#ifndef LSNN_TASKS_TASK_H
#define LSNN_TASKS_TASK_H

#include "base/tensorfile.h"
#include "config/experiment.h"
#include "data/input_lane.h"

typedef enum split { SPLIT_TRAIN, SPLIT_VALID, SPLIT_TEST, SPLITS } split;
typedef enum loss_kind { LOSS_CROSS_ENTROPY, LOSS_SQUARED, LOSS_POLICY } loss_kind;

/* Where a sample is written: its input, and sample b of the targets. */
typedef struct sample_writer {
    input_lane input;
    int b, n_batch, n_out;
    bool is_training;  /* may something about the sample be changed at random? */
    uint64_t draw;     /* then it counts the training samples from the first, and what is changed is a function of it */
    int32_t *class_of; /* [n_windows][n_batch], -1 before the task writes */
    float *target;     /* [n_windows][n_batch][n_out], NaN before the task writes */
} sample_writer;

typedef struct task task;

enum { TASK_MOST_STEPS = 100000000 };

typedef struct task_kind {
    const char *name;
    /* Of the options, data_folder, family and environment matter; never NULL. Errors: SETTING, DATA, IO, MEMORY. */
    lsnn_status (*open)(task **out, const lsnn_experiment *experiment, const lsnn_run_options *options);
    /* The shape alone, where it is known without the data, which are not there; NULL: it is not. */
    lsnn_status (*open_shape)(task **out, const lsnn_experiment *experiment);
    void (*close)(task *t);
    /* What a model must know of the data that it was trained on, so that it can be used on others: to its file, as tensors and texts "data.*" (borrowed until that is saved), and
     * back, in place of what was found in the data. NULL: nothing. Errors: DATA (there is none, or of something else). */
    void (*write_kept)(const task *t, tensor_writer *writer);
    lsnn_status (*read_kept)(task *t, const tensor_file *file);
    /* NULL: the samples are made while the network runs, LOSS_POLICY (navigation.h). Writes sample `index` of a split; for samples that are drawn, seed and index decide which. */
    void (*write)(const task *t, split part, uint64_t seed, uint64_t index, const sample_writer *to);
    /* Steps that sample `index` of a split takes, 1..n_steps: windows that begin later do not count, and its input there stays silent. NULL: every sample takes all n_steps. */
    int (*length)(const task *t, split part, uint64_t index);
    /* A digest of the data that samples come from: a training goes on with the same alone. NULL: they are drawn, or none is taken. */
    void (*take_digest)(const task *t, char digest[65]);
} task_kind;

/* First member of every task's own struct. */
struct task {
    const task_kind *kind;
    lsnn_input_kind input;
    loss_kind loss;
    const char *score_name;
    bool lower_is_better;
    int n_in, n_out, n_steps, n_windows;
    int *window_start, *window_stop; /* [n_windows] */
    int64_t n_samples[SPLITS];       /* 0: drawn, without end; -1: the data have none */
};

/* Opens the task that the experiment names. Errors: as open, USAGE (a family or an environment for a task that takes none). */
lsnn_status task_open(task **out, const lsnn_experiment *experiment, const lsnn_run_options *options);
/* As task_open, but the task may only be good for its shape, if its data are missing. */
lsnn_status task_open_shape(task **out, const lsnn_experiment *experiment, const lsnn_run_options *options);
void task_close(task *t);
/* Are there samples of this split? Errors: DATA. */
lsnn_status task_need_split(const task *t, split part);
/* Room for n_windows windows. Errors: MEMORY. */
lsnn_status task_create_windows(task *t, int n_windows);

static inline void task_write_kept(const task *t, tensor_writer *writer) {
    if (t->kind->write_kept != NULL) {
        t->kind->write_kept(t, writer);
    }
}
static inline lsnn_status task_read_kept(task *t, const tensor_file *file) {
    return t->kind->read_kept != NULL ? t->kind->read_kept(t, file) : LSNN_OK;
}
/* Do samples differ in length? */
static inline bool task_has_lengths(const task *t) {
    return t->kind->length != NULL;
}
static inline int task_length(const task *t, split part, uint64_t index) {
    return t->kind->length != NULL ? t->kind->length(t, part, index) : t->n_steps;
}

/* "" where none is taken. */
static inline void task_take_digest(const task *t, char digest[65]) {
    digest[0] = '\0';
    if (t->kind->take_digest != NULL) {
        t->kind->take_digest(t, digest);
    }
}

static inline void sample_spike(const sample_writer *to, int t, int i) {
    lane_add_spike(&to->input, t, i);
}
static inline void sample_current(const sample_writer *to, int t, int i, real x) {
    lane_set_number(&to->input, t, i, x);
}
static inline void sample_class(const sample_writer *to, int window, int32_t class_of) {
    to->class_of[(size_t)window * (size_t)to->n_batch + (size_t)to->b] = class_of;
}
static inline void sample_value(const sample_writer *to, int window, int output, float x) {
    to->target[((size_t)window * (size_t)to->n_batch + (size_t)to->b) * (size_t)to->n_out + (size_t)output] = x;
}

/* Steps that a time in ms takes; at least 1, at most TASK_MOST_STEPS + 1. */
int task_steps(const lsnn_experiment *experiment, double ms);
/* Sets the length of a sequence. Errors: SETTING (longer than TASK_MOST_STEPS). */
lsnn_status task_set_steps(task *t, double n_steps);

extern const task_kind task_store_recall, task_digits, task_smnist, task_arrays, task_l2l_teacher, task_l2l_sinusoid, task_l2l_own,
    task_navigation, task_rl_own, task_timit, task_speech_digits;

#endif
