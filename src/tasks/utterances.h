/* What the tasks on speech share: recordings as frames of features, each shown for some steps as one number an input, normalised with the mean and the standard deviation
 * over the training recordings, which a model keeps. */
#ifndef LSNN_TASKS_UTTERANCES_H
#define LSNN_TASKS_UTTERANCES_H

#include "speech/audio.h"
#include "speech/features.h"
#include "speech/phones.h"
#include "tasks/task.h"

/* A recording as it is, and, for training with speech.warp, as by a longer and by a shorter vocal tract. */
enum { VOICES = 3 };

typedef struct utterance {
    int speaker; /* whose: a number for each speaker */
    int64_t n_frames;
    float *frames[VOICES]; /* [n_frames][size]; NULL: none in this voice */
    int n_labels;
    int32_t *class_of; /* [n_labels] of windows 0, ...; -1: does not count */
} utterance;

/* Whose means, and deviations, are evened out before those of all training recordings are. */
typedef struct even_out {
    bool speakers; /* those of a speaker's recordings in a split; else of each recording */
    bool mean, deviation;
} even_out;

typedef struct utterances {
    task task;
    feature_maker *makers[VOICES];
    int n_voices;           /* of training recordings; others have one */
    int rate, size;         /* samples a second; features a frame, without differences */
    int differences, width; /* how many orders of them; feature_difference */
    int frame_steps;
    even_out own; /* of each recording, or of each speaker */
    int64_t n[SPLITS];
    utterance *of[SPLITS];     /* [n]; sample v n + k is recording k in voice v */
    float *mean, *deviation;   /* [n_in]; NULL: there are no training recordings, so that a model has to bring them */
    const phone_name *classes; /* [n_out]; borrowed */
} utterances;

/* Settings, feature makers and inputs; kind and the classes come from the task. Errors: SETTING, MEMORY. */
lsnn_status utterances_begin(utterances *s, const lsnn_experiment *e);
/* Makes room for n recordings in a split, -1 (none) if n is 0. Errors: MEMORY. */
lsnn_status utterances_make_room(utterances *s, split part, int64_t n);
/* Takes over the features of a speaker's recording, and makes room for n_labels classes, which are -1. A split's speakers come one after the other. Errors: MEMORY. */
lsnn_status utterance_set(utterances *s, split part, utterance *u, int speaker, const sound *from);
lsnn_status utterance_make_labels(utterance *u, int n_labels);
/* Once all recordings are there. Evens out recordings or speakers; then means and standard deviations over the training recordings, if there are any. Errors: MEMORY. */
lsnn_status utterances_normalise(utterances *s);
/* Frees all but the struct. */
void utterances_release(utterances *s);

/* For task_kind. */
void utterances_write(const task *t, split part, uint64_t seed, uint64_t index, const sample_writer *to);
void utterances_write_kept(const task *t, tensor_writer *writer);
lsnn_status utterances_read_kept(task *t, const tensor_file *file);
int utterances_length(const task *t, split part, uint64_t index);

#endif
