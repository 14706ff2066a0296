/* A probe's file, read, checked, and laid out for drawing. */
#ifndef LSNN_FIGURE_PROBE_FILE_H
#define LSNN_FIGURE_PROBE_FILE_H

#include "base/tensorfile.h"

/* What of it is drawn; the arrays are borrowed from the file but for those that are marked. */
typedef struct probe_file {
    tensor_file *file;
    size_t n_steps, n_in, n_rec, n_out, n_windows, n_lif, n_adaptive;
    size_t n_steps_all; /* of the file, of which n_steps are drawn */
    double dt;
    bool currents, classes;
    bool acts;         /* an agent does */
    size_t n_observed; /* numbers that it observes */
    const float *input, *threshold, *b, *beta, *y, *output, *target, *loss;
    const uint8_t *z;
    const float *observed,
        *goal; /* [n_steps][n_observed] before each step; [n_steps][3] x, y and radius of a goal that it does not see, or NULL */
    const uint8_t *events; /* [n_steps] event e as bit e; the goal is event 0 */
    const int32_t *start, *stop, *class_of;
    uint8_t *spikes;        /* owned: input spikes [n_steps][n_in], NULL for currents */
    size_t *lif, *adaptive; /* owned: which neurons */
    size_t *inputs;         /* owned: 0, 1, 2 ... */
    double *times;          /* owned: the middle of each step, ms */
    double *lines;          /* owned: [n_out][n_steps], the output or its softmax */
    double *line;           /* owned: [n_steps], for whoever draws */
    char *name_text;        /* owned: the names below, one behind the other */
    const char **names;     /* owned: [n_out] of the classes; NULL: they have numbers alone */
    bool two;               /* neurons are those of two networks, one half each, of which the second saw the sample from its end */
} probe_file;

/* The first first_ms milliseconds of it, INFINITY: all; at least one step. `source` is all zeros before, and is to be closed even after a failure.
 * Errors: USAGE (not a probe), IO, DATA, MEMORY. */
lsnn_status probe_file_open(probe_file *source, const char *path, double first_ms);
void probe_file_close(probe_file *source);
/* The step after window w's last, of those that are drawn. */
size_t probe_file_stop(const probe_file *source, size_t w);
/* Did the agent reach the goal in step t? */
static inline bool probe_file_is_goal(const probe_file *source, size_t t) {
    return source->acts && (source->events[t] & 1) != 0;
}
/* Of class k: its name, or its number to number. */
const char *probe_file_class(const probe_file *source, size_t k, char number[32]);
/* Is the sample a row of frames, each with a class that has a name, as in speech? */
static inline bool probe_file_has_frames(const probe_file *source) {
    return source->classes && source->names != NULL && source->n_windows > 1;
}
/* A metadata text, "?" if there is none. */
const char *probe_file_text(const probe_file *source, const char *key);

#endif
