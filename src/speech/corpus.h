/* A corpus of labelled sentences in TIMIT's layout of folders: TRAIN/DR1/FCJF0/SX37.WAV and SX37.PHN, and TEST likewise; upper or lower case. */
#ifndef LSNN_SPEECH_CORPUS_H
#define LSNN_SPEECH_CORPUS_H

#include "base/error.h"

typedef enum corpus_part { CORPUS_TRAIN, CORPUS_VALID, CORPUS_TEST, CORPUS_PARTS } corpus_part;

typedef struct corpus_sentence {
    int speaker;          /* whose: speakers are counted over all folders */
    char *sound, *labels; /* paths */
} corpus_sentence;

typedef struct corpus {
    char folder[1024]; /* that in which TRAIN and TEST are */
    bool is_timit;     /* dealt out by TIMIT's lists of speakers */
    char phones[1024]; /* path of phones.txt; "": there is none, the phones are TIMIT's */
    int64_t n[CORPUS_PARTS];
    corpus_sentence *sentences[CORPUS_PARTS]; /* sorted by region, speaker, sentence */
} corpus;

/* Finds the sentences of the corpus in `path`, or in a folder TIMIT in it.
 *
 * With a file development.txt beside TRAIN and TEST, training is on the sentences of TRAIN, the test on those of TEST, but for those that the file names,
 * which are for validation: a speaker, or SPEAKER/SENTENCE, a line.
 * Without it the corpus is TIMIT: training on TRAIN, validation and test on the 50 development and 24 core test speakers in TEST (A. Halberstadt's,
 * as in most comparisons); SA sentences, which everybody speaks, are left out everywhere.
 *
 * TRAIN or TEST may be missing, or empty: then so are its parts. Errors: IO (no such folder), DATA (no corpus in it, a recording without labels or labels without a
 * recording, development.txt names what is not there), MEMORY. */
lsnn_status corpus_open(corpus *out, const char *path);
void corpus_release(corpus *c);

/* How many sentences the whole of TIMIT has. */
extern const int64_t timit_counts[CORPUS_PARTS];

#endif
