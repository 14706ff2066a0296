/* The free spoken digit dataset (Z. Jackson and others; CC BY-SA 4.0): 3,000 recordings at 8 kHz, six speakers saying each digit 50 times. */
#ifndef LSNN_SPEECH_FSDD_H
#define LSNN_SPEECH_FSDD_H

#include "speech/audio.h"

enum { FSDD_RATE = 8000, FSDD_SPEAKER_SIZE = 32 };

typedef struct fsdd_recording {
    char speaker[FSDD_SPEAKER_SIZE];
    int digit, number; /* 0..9; which of the speaker's */
    sound sound;
} fsdd_recording;

typedef struct fsdd {
    int64_t n;
    fsdd_recording *recordings; /* [n], by speaker, digit, number */
} fsdd;

/* Reads recordings.tar.gz, or recordings.tar, in `folder`: files DIGIT_SPEAKER_NUMBER.wav, in any folder of the archive. Errors: IO (none there), MEMORY, DATA. */
lsnn_status fsdd_open(fsdd *out, const char *folder, int rate);
void fsdd_release(fsdd *set);

#endif
