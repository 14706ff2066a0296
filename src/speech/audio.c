#include "speech/audio.h"

#include "base/file.h"

#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_SECONDS = 3600 };

/* ---- a file in memory, as libsndfile reads it ---- */

typedef struct memory {
    const uint8_t *bytes;
    sf_count_t n, at;
} memory;

static sf_count_t memory_length(void *user) {
    return ((const memory *)user)->n;
}

static sf_count_t memory_seek(sf_count_t offset, int whence, void *user) {
    memory *m = user;
    sf_count_t at = offset + (whence == SEEK_SET ? 0 : whence == SEEK_CUR ? m->at : m->n);
    m->at = at < 0 ? 0 : at > m->n ? m->n : at;
    return m->at;
}

static sf_count_t memory_read(void *to, sf_count_t count, void *user) {
    memory *m = user;
    sf_count_t n = count < m->n - m->at ? count : m->n - m->at;
    memcpy(to, m->bytes + m->at, (size_t)n);
    m->at += n;
    return n;
}

static sf_count_t memory_tell(void *user) {
    return ((const memory *)user)->at;
}

/* ---- checks ---- */

static bool begins_with(const uint8_t *bytes, size_t n, const char *text) {
    return n >= strlen(text) && memcmp(bytes, text, strlen(text)) == 0;
}

/* The samples that a SPHERE header speaks of ("sample_count -i 63488"); -1 if it does not. There is a 0 byte behind the last. */
static int64_t sphere_count(const uint8_t *bytes, size_t n) {
    char header[1025] = "";
    memcpy(header, bytes, n < sizeof header ? n : sizeof header - 1);
    const char *at = begins_with(bytes, n, "NIST_1A") ? strstr(header, "\nsample_count -i ") : NULL;
    return at != NULL ? strtoll(at + strlen("\nsample_count -i "), NULL, 10) : -1;
}

/* libsndfile reads what is there of a file that was cut short, without a word. */
static lsnn_status check_length(const char *name, const uint8_t *bytes, size_t n, int64_t n_samples) {
    int64_t counted = sphere_count(bytes, n);
    if (counted >= 0 && counted != n_samples) {
        return fail(LSNN_ERR_DATA, "%s: its header says %lld samples, but it holds %lld; the file is damaged, get it again", name,
                    (long long)counted, (long long)n_samples);
    }
    if (begins_with(bytes, n, "RIFF") && n >= 8) {
        uint32_t size = (uint32_t)bytes[4] | (uint32_t)bytes[5] << 8 | (uint32_t)bytes[6] << 16 | (uint32_t)bytes[7] << 24;
        if (size < INT32_MAX && (size_t)size + 8 > n) { /* a program that could not go back to write the size leaves a huge one */
            return fail(LSNN_ERR_DATA, "%s: its header says %lld bytes, but there are %zu; the file is cut short, get it again", name,
                        (long long)size + 8, n);
        }
    }
    return LSNN_OK;
}

static lsnn_status check_info(const char *name, const SF_INFO *info, int rate) {
    if (info->channels != 1) {
        return fail(LSNN_ERR_DATA, "%s: has %d channels; bring recordings of one", name, info->channels);
    }
    if (info->samplerate != rate) {
        return fail(LSNN_ERR_DATA, "%s: has %d samples a second, speech.sample_rate is %d; set it to that, or bring recordings at one rate",
                    name, info->samplerate, rate);
    }
    if (info->frames < 1) {
        return fail(LSNN_ERR_DATA, "%s: has no samples; the file is empty, get it again", name);
    }
    if (info->frames > (sf_count_t)rate * LONGEST_SECONDS) {
        return fail(LSNN_ERR_DATA, "%s: has %lld samples, more than an hour; bring recordings of single sentences", name,
                    (long long)info->frames);
    }
    return LSNN_OK;
}

/* ---- reading ---- */

lsnn_status sound_read(const char *name, const uint8_t *bytes, size_t n, int rate, sound *out) {
    lsnn_status status = LSNN_OK;
    SF_VIRTUAL_IO from = {.get_filelen = memory_length, .seek = memory_seek, .read = memory_read, .tell = memory_tell};
    memory m = {.bytes = bytes, .n = (sf_count_t)n};
    SF_INFO info = {0};
    SNDFILE *file = NULL;
    sound s = {0};
    if (n == 0) {
        TRY(fail(LSNN_ERR_DATA, "%s: is empty; get it again", name));
    }
    file = sf_open_virtual(&from, SFM_READ, &info, &m);
    if (file == NULL) {
        TRY(fail(LSNN_ERR_DATA, "%s: no recording that can be read (%s)%s", name, sf_strerror(NULL),
                 begins_with(bytes, n, "NIST_1A")
                     ? "; its header is NIST SPHERE's: if the samples are compressed (shorten), unpack them with sox or sph2pipe"
                     : "; a NIST SPHERE file begins with NIST_1A, a RIFF file with RIFF: get it again"));
    }
    TRY(check_info(name, &info, rate));
    s.n = info.frames;
    s.samples = malloc((size_t)s.n * sizeof *s.samples);
    if (s.samples == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "%s: no memory for %lld samples", name, (long long)s.n));
    }
    int64_t found = sf_readf_float(file, s.samples, s.n);
    TRY(check_length(name, bytes, n, found));
    if (found != s.n) {
        TRY(fail(LSNN_ERR_DATA, "%s: only %lld of its %lld samples can be read; the file is damaged, get it again", name, (long long)found,
                 (long long)s.n));
    }
    for (int64_t k = 0; k < s.n; k++) {
        if (!(s.samples[k] >= -16 && s.samples[k] <= 16)) { /* of float files, which may go a little beyond 1 */
            TRY(fail(LSNN_ERR_DATA, "%s: sample %lld is %g, where 1 is the loudest; the file is damaged", name, (long long)k,
                     (double)s.samples[k]));
        }
        s.samples[k] *= 32768;
    }
    *out = s;
    s = (sound){0};
out:
    if (file != NULL) {
        sf_close(file);
    }
    sound_release(&s);
    return status;
}

lsnn_status sound_open(const char *path, int rate, sound *out) {
    uint8_t *bytes = NULL;
    size_t n = 0;
    lsnn_status status = file_read(path, &bytes, &n);
    if (status == LSNN_OK) {
        status = sound_read(path, bytes, n, rate, out);
    }
    free(bytes);
    return status;
}

void sound_release(sound *s) {
    free(s->samples);
    *s = (sound){0};
}
