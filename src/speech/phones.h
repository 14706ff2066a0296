/* Phones: which there are, and which one a sample of a recording belongs to. */
#ifndef LSNN_SPEECH_PHONES_H
#define LSNN_SPEECH_PHONES_H

#include "base/error.h"

enum { PHONE_NAME_SIZE = 24 };
typedef struct phone_name {
    char text[PHONE_NAME_SIZE];
} phone_name;

/* The phones that labels may name, and the classes that they are put into: each its own, or several folded into one. */
typedef struct phone_set {
    int n_phones, n_classes;
    phone_name *phones, *classes; /* [n_phones], [n_classes] */
    int *class_of;                /* [n_phones]; -1: frames of it do not count */
    char path[1024];              /* of the file that lists them; "": they are TIMIT's */
} phone_set;

/* TIMIT's 61 phones. folded: to the usual 39 (Lee and Hon, "Speaker-independent phone recognition using hidden Markov models", IEEE Transactions on
 * Acoustics, Speech, and Signal Processing 37, 1989), without the glottal stop q, whose frames do not count. Errors: MEMORY. */
lsnn_status phone_set_timit(phone_set *out, bool folded);
/* Those of a file: a phone a line, and behind it, if it is to be folded, the class that it is folded into, or - if it does not count. Classes are in the
 * order of the file. Errors: IO, MEMORY, DATA. */
lsnn_status phone_set_open(phone_set *out, const char *path, bool folded);
void phone_set_release(phone_set *set);

/* Samples start..stop-1 belong to one phone. */
typedef struct phone_label {
    int64_t start, stop;
    int class_of; /* -1: does not count */
} phone_label;

typedef struct phone_labels {
    size_t n;
    phone_label *labels; /* [n], in order */
} phone_labels;

/* Reads a .PHN file: a line is first sample, sample after the last, phone. n_samples: of the recording; a label may end up to `slack` samples behind it. What no
 * label covers at the start and the end belongs to no phone; in between that is an error, unless gaps are allowed. Errors: IO, MEMORY, DATA (by line: no
 * label, an unknown phone, a label that ends before it begins, out of order, overlapping, a gap, behind the end; no line at all). */
lsnn_status phone_labels_open(phone_labels *out, const char *path, const phone_set *set, int64_t n_samples, int64_t slack, bool gaps);
void phone_labels_release(phone_labels *labels);
/* The class of the phone that the sample belongs to, -1 if it belongs to none. */
int phone_labels_class(const phone_labels *labels, int64_t sample);

#endif
