/* Recordings: one channel of samples, from any file that libsndfile opens (NIST SPHERE, as TIMIT has it, and RIFF among them). */
#ifndef LSNN_SPEECH_AUDIO_H
#define LSNN_SPEECH_AUDIO_H

#include "base/error.h"

typedef struct sound {
    int64_t n;
    float *samples; /* [n], on the scale of 16 bits: -32768..32767 */
} sound;

/* Reads a recording of `rate` samples a second. Errors: IO, MEMORY, DATA (no sound, cut short, several channels, another rate, empty, over an hour). */
lsnn_status sound_open(const char *path, int rate, sound *out);
/* The same from memory; `name` stands in messages. */
lsnn_status sound_read(const char *name, const uint8_t *bytes, size_t n, int rate, sound *out);
void sound_release(sound *s);

#endif
