#include "tasks/utterances.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static lsnn_status take_even_out(even_out *out, const lsnn_experiment *e) {
    const char *of_recording = setting_text(e, "speech.per_recording");
    const char *of_speaker = setting_text(e, "speech.per_speaker");
    out->speakers = strcmp(of_speaker, "nothing") != 0;
    if (out->speakers && strcmp(of_recording, "nothing") != 0) {
        return fail(LSNN_ERR_SETTING, "speech.per_recording is %s and speech.per_speaker %s; even out recordings or speakers, not both",
                    of_recording, of_speaker);
    }
    const char *what = out->speakers ? of_speaker : of_recording;
    out->deviation = strcmp(what, "deviation") == 0;
    out->mean = out->deviation || strcmp(what, "mean") == 0;
    return LSNN_OK;
}

lsnn_status utterances_begin(utterances *s, const lsnn_experiment *e) {
    lsnn_status status = LSNN_OK;
    feature_options options = {.mel = strcmp(setting_text(e, "speech.features"), "mel") == 0,
                               .hamming = strcmp(setting_text(e, "speech.window"), "hamming") == 0,
                               .energy = setting_bool(e, "speech.energy"),
                               .rate = (int)setting_int(e, "speech.sample_rate"),
                               .window_ms = setting_real(e, "speech.window_ms"),
                               .hop_ms = setting_real(e, "speech.hop_ms"),
                               .low_hz = setting_real(e, "speech.low_hz"),
                               .high_hz = setting_real(e, "speech.high_hz"),
                               .preemphasis = setting_real(e, "speech.preemphasis"),
                               .n_filters = (int)setting_int(e, "speech.n_filters"),
                               .n_coefficients = (int)setting_int(e, "speech.n_coefficients"),
                               .lifter = (int)setting_int(e, "speech.lifter")};
    double warp = setting_real(e, "speech.warp");
    s->n_voices = warp > 0 ? VOICES : 1;
    for (int v = 0; v < s->n_voices; v++) {
        options.warp = (double[VOICES]){0, -warp, warp}[v];
        TRY(features_create(&s->makers[v], &options));
    }
    s->rate = options.rate;
    s->size = features_size(s->makers[0]);
    s->differences = (int)setting_int(e, "speech.differences");
    s->width = (int)setting_int(e, "speech.difference_width");
    s->frame_steps = task_steps(e, (double)setting_int(e, "speech.frame_ms"));
    TRY(take_even_out(&s->own, e));
    s->task.input = LSNN_CURRENTS;
    s->task.loss = LOSS_CROSS_ENTROPY;
    s->task.n_in = s->size * (s->differences + 1);
out:
    return status;
}

static int voices(const utterances *s, split part) {
    return part == SPLIT_TRAIN ? s->n_voices : 1;
}

lsnn_status utterances_make_room(utterances *s, split part, int64_t n) {
    s->of[part] = calloc((size_t)n + 1, sizeof *s->of[part]);
    if (s->of[part] == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for %lld recordings", (long long)n);
    }
    s->n[part] = n;
    s->task.n_samples[part] = n > 0 ? n * voices(s, part) : -1;
    return LSNN_OK;
}

lsnn_status utterance_set(utterances *s, split part, utterance *u, int speaker, const sound *from) {
    u->speaker = speaker;
    u->n_frames = features_count_frames(s->makers[0], from->n);
    for (int v = 0; v < voices(s, part); v++) {
        u->frames[v] = malloc((size_t)u->n_frames * (size_t)s->size * sizeof *u->frames[v]);
        if (u->frames[v] == NULL) {
            return fail(LSNN_ERR_MEMORY, "no memory for %lld frames", (long long)u->n_frames);
        }
        features_make(s->makers[v], from->samples, from->n, u->frames[v]);
    }
    return LSNN_OK;
}

lsnn_status utterance_make_labels(utterance *u, int n_labels) {
    u->class_of = malloc((size_t)n_labels * sizeof *u->class_of);
    if (u->class_of == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for %d labels", n_labels);
    }
    u->n_labels = n_labels;
    for (int k = 0; k < n_labels; k++) {
        u->class_of[k] = -1;
    }
    return LSNN_OK;
}

/* What a speaker and a microphone add to every frame of these recordings, in one voice, is taken off them. */
static void even_out_some(const utterances *s, utterance *some, int64_t n, int voice) {
    for (int i = 0; i < s->size; i++) {
        double sum = 0;
        double squares = 0;
        double n_frames = 0;
        for (int64_t k = 0; k < n; k++) {
            n_frames += (double)some[k].n_frames;
            for (int64_t t = 0; t < some[k].n_frames; t++) {
                sum += (double)some[k].frames[voice][t * s->size + i];
            }
        }
        double mean = sum / n_frames;
        for (int64_t k = 0; k < n; k++) {
            for (int64_t t = 0; t < some[k].n_frames; t++) {
                double x = (double)some[k].frames[voice][t * s->size + i] - mean;
                squares += x * x;
            }
        }
        double deviation = s->own.deviation && squares > 0 ? sqrt(squares / n_frames) : 1;
        for (int64_t k = 0; k < n; k++) {
            for (int64_t t = 0; t < some[k].n_frames; t++) {
                float *x = &some[k].frames[voice][t * s->size + i];
                *x = (float)(((double)*x - mean) / deviation);
            }
        }
    }
}

/* Recordings one by one, or all of a speaker. */
static void even_out_split(const utterances *s, split part) {
    utterance *all = s->of[part];
    int64_t first = 0;
    for (int64_t k = 1; k <= s->n[part]; k++) {
        if (k == s->n[part] || !s->own.speakers || all[k].speaker != all[first].speaker) {
            for (int v = 0; v < voices(s, part); v++) {
                even_out_some(s, all + first, k - first, v);
            }
            first = k;
        }
    }
}

/* Whose frames in `voice` are the sample. */
static const utterance *utterance_of(const utterances *s, split part, uint64_t sample, int *voice) {
    *voice = (int)(sample / (uint64_t)s->n[part]);
    return &s->of[part][sample % (uint64_t)s->n[part]];
}

/* Of frame t: input i, before it is normalised. */
static double feature_of(const utterances *s, const utterance *u, int voice, int64_t t, int i) {
    return feature_difference(u->frames[voice], u->n_frames, s->size, i / s->size, s->width, t, i % s->size);
}

lsnn_status utterances_normalise(utterances *s) {
    lsnn_status status = LSNN_OK;
    int n_in = s->task.n_in;
    double *sums = calloc(2 * (size_t)n_in, sizeof *sums); /* of each feature, and of its squares */
    double n = 0;
    for (int p = 0; s->own.mean && p < SPLITS; p++) {
        even_out_split(s, (split)p);
    }
    if (s->task.n_samples[SPLIT_TRAIN] < 0) {
        goto out;
    }
    s->mean = calloc((size_t)n_in, sizeof *s->mean);
    s->deviation = calloc((size_t)n_in, sizeof *s->deviation);
    if (sums == NULL || s->mean == NULL || s->deviation == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for the means of %d features", n_in));
    }
    for (int64_t k = 0; k < s->task.n_samples[SPLIT_TRAIN]; k++) {
        int voice = 0;
        const utterance *u = utterance_of(s, SPLIT_TRAIN, (uint64_t)k, &voice);
        n += (double)u->n_frames;
        for (int64_t t = 0; t < u->n_frames; t++) {
            for (int i = 0; i < n_in; i++) {
                double x = feature_of(s, u, voice, t, i);
                sums[2 * i] += x;
                sums[2 * i + 1] += x * x;
            }
        }
    }
    for (int i = 0; i < n_in; i++) {
        double mean = sums[2 * i] / n;
        double variance = sums[2 * i + 1] / n - mean * mean;
        s->mean[i] = (float)mean;
        s->deviation[i] = variance > 1e-12 * (mean * mean + 1) ? (float)sqrt(variance) : 1; /* what never changes stays near 0 */
    }
out:
    free(sums);
    return status;
}

void utterances_release(utterances *s) {
    for (int v = 0; v < VOICES; v++) {
        features_free(s->makers[v]);
    }
    for (int p = 0; p < SPLITS; p++) {
        for (int64_t k = 0; s->of[p] != NULL && k < s->n[p]; k++) {
            for (int v = 0; v < VOICES; v++) {
                free(s->of[p][k].frames[v]);
            }
            free(s->of[p][k].class_of);
        }
        free(s->of[p]);
    }
    free(s->mean);
    free(s->deviation);
}

void utterances_write(const task *t, split part, uint64_t seed, uint64_t index, const sample_writer *to) {
    (void)seed;
    const utterances *s = (const utterances *)t;
    int voice = 0;
    const utterance *u = utterance_of(s, part, index, &voice);
    assert(s->mean != NULL && "training recordings, or a model's means");
    for (int64_t frame = 0; frame < u->n_frames; frame++) {
        int first = (int)frame * s->frame_steps;
        for (int i = 0; i < t->n_in; i++) {
            double x = (feature_of(s, u, voice, frame, i) - (double)s->mean[i]) / (double)s->deviation[i];
            for (int step = first; step < first + s->frame_steps; step++) {
                sample_current(to, step, i, (real)x);
            }
        }
    }
    for (int k = 0; k < u->n_labels; k++) {
        sample_class(to, k, u->class_of[k]);
    }
}

int utterances_length(const task *t, split part, uint64_t index) {
    const utterances *s = (const utterances *)t;
    int voice = 0;
    return (int)utterance_of(s, part, index, &voice)->n_frames * s->frame_steps;
}

/* ---- what a model keeps ---- */

/* The names of the classes with blanks between. The caller frees. */
static char *class_text(const utterances *s) {
    char *text = calloc((size_t)s->task.n_out, sizeof(phone_name) + 1);
    size_t length = 0;
    for (int k = 0; text != NULL && k < s->task.n_out; k++) {
        length += strlen(strcat(strcpy(text + length, k > 0 ? " " : ""), s->classes[k].text));
    }
    return text;
}

void utterances_write_kept(const task *t, tensor_writer *writer) {
    const utterances *s = (const utterances *)t;
    char *classes = class_text(s);
    if (classes != NULL) {
        tensor_writer_text(writer, "data.classes", classes);
    }
    free(classes);
    tensor_writer_add(writer, "data.mean", TENSOR_F32, 1, (int64_t[]){t->n_in}, s->mean);
    tensor_writer_add(writer, "data.deviation", TENSOR_F32, 1, (int64_t[]){t->n_in}, s->deviation);
}

/* Takes one vector over, into memory of its own. */
static lsnn_status read_vector(const tensor_file *file, const char *name, int n, bool positive, float **to) {
    lsnn_status status = LSNN_OK;
    const tensor *from = NULL;
    TRY(tensor_file_need(file, name, TENSOR_F32, 1, (int64_t[]){n}, &from));
    for (int i = 0; i < n; i++) {
        double x = tensor_at(from, (size_t)i);
        if (!isfinite(x) || (positive && x <= 0)) {
            TRY(fail(LSNN_ERR_DATA, "%s: %s[%d] is %g; the file is damaged", tensor_file_path(file), name, i, x));
        }
    }
    float *copy = malloc((size_t)n * sizeof *copy);
    if (copy == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for %s", name));
    }
    memcpy(copy, from->data, (size_t)n * sizeof *copy);
    free(*to);
    *to = copy;
out:
    return status;
}

lsnn_status utterances_read_kept(task *t, const tensor_file *file) {
    lsnn_status status = LSNN_OK;
    utterances *s = (utterances *)t;
    char *classes = class_text(s);
    const char *kept = tensor_file_metadata(file, "data.classes");
    if (classes == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for the names of the classes"));
    }
    if (kept == NULL || strcmp(kept, classes) != 0) {
        TRY(fail(LSNN_ERR_DATA, "%s: was trained on the classes '%.200s', but the data have '%.200s'; use data with the same",
                 tensor_file_path(file), kept != NULL ? kept : "", classes));
    }
    TRY(read_vector(file, "data.mean", t->n_in, false, &s->mean));
    TRY(read_vector(file, "data.deviation", t->n_in, true, &s->deviation));
out:
    free(classes);
    return status;
}
