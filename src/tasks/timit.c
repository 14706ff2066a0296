/* Framewise phones (task timit): TIMIT, or any corpus in its layout. Each frame is shown for some steps, which are a window; its class is the phone that the sample
 * in the frame's middle belongs to. Sentences are as long as they are. */
#include "tasks/utterances.h"

#include "base/file.h"
#include "data/download.h"
#include "speech/corpus.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

_Static_assert((int)CORPUS_TRAIN == (int)SPLIT_TRAIN && (int)CORPUS_VALID == (int)SPLIT_VALID && (int)CORPUS_TEST == (int)SPLIT_TEST,
               "the corpus's parts are the splits");

enum { TIMIT_LONGEST = 777 }; /* frames in TIMIT's longest sentence, at a hop of 10 ms */

typedef struct timit {
    utterances shared;
    phone_set phones;
} timit;

static void close_task(task *t) {
    timit *s = (timit *)t;
    utterances_release(&s->shared);
    phone_set_release(&s->phones);
    free(s);
}

static lsnn_status create(timit **out, const lsnn_experiment *e) {
    lsnn_status status = LSNN_OK;
    timit *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for the task");
    }
    s->shared.task.kind = &task_timit;
    s->shared.task.score_name = "frame error";
    s->shared.task.lower_is_better = true;
    TRY(utterances_begin(&s->shared, e));
    *out = s;
    return LSNN_OK;
out:
    task_close(&s->shared.task);
    return status;
}

static lsnn_status take_phones(timit *s, const lsnn_experiment *e, const char *list) {
    bool folded = setting_bool(e, "speech.fold");
    lsnn_status status = *list != '\0' ? phone_set_open(&s->phones, list, folded) : phone_set_timit(&s->phones, folded);
    s->shared.task.n_out = s->phones.n_classes;
    s->shared.classes = s->phones.classes;
    return status;
}

/* A window a frame. */
static lsnn_status set_windows(timit *s, int64_t n_frames) {
    lsnn_status status = LSNN_OK;
    task *t = &s->shared.task;
    int steps = s->shared.frame_steps;
    TRY(task_set_steps(t, (double)n_frames * steps));
    TRY(task_create_windows(t, (int)n_frames));
    for (int w = 0; w < t->n_windows; w++) {
        t->window_start[w] = w * steps;
        t->window_stop[w] = (w + 1) * steps;
    }
out:
    return status;
}

static lsnn_status open_sentence(timit *s, const lsnn_experiment *e, split part, const corpus_sentence *from, utterance *u) {
    lsnn_status status = LSNN_OK;
    sound recording = {0};
    phone_labels labels = {0};
    int64_t hop = features_centre(s->shared.makers[0], 1) - features_centre(s->shared.makers[0], 0);
    TRY(sound_open(from->sound, s->shared.rate, &recording));
    TRY(phone_labels_open(&labels, from->labels, &s->phones, recording.n, hop, setting_bool(e, "speech.allow_gaps")));
    TRY(utterance_set(&s->shared, part, u, from->speaker, &recording));
    if (u->n_frames > TASK_MOST_STEPS) {
        TRY(fail(LSNN_ERR_DATA, "%s: has %lld frames, more than can be simulated", from->sound, (long long)u->n_frames));
    }
    TRY(utterance_make_labels(u, (int)u->n_frames));
    for (int t = 0; t < u->n_labels; t++) {
        u->class_of[t] = phone_labels_class(&labels, features_centre(s->shared.makers[0], t));
    }
out:
    sound_release(&recording);
    phone_labels_release(&labels);
    return status;
}

/* A score over nothing would look perfect. */
static lsnn_status check_counted(const timit *s, split part, const corpus *c) {
    static const char *const names[SPLITS] = {"training", "validation", "test"};
    for (int64_t k = 0; k < s->shared.n[part]; k++) {
        const utterance *u = &s->shared.of[part][k];
        for (int t = 0; t < u->n_labels; t++) {
            if (u->class_of[t] >= 0) {
                return LSNN_OK;
            }
        }
    }
    return s->shared.n[part] == 0
               ? LSNN_OK
               : fail(LSNN_ERR_DATA, "%s: no frame of its sentences for %s has a phone that counts; look at their labels", c->folder,
                      names[part]);
}

static void tell_what_is_missing(const corpus *c, const lsnn_run_options *options) {
    char text[1400];
    bool whole = true;
    for (int p = 0; p < CORPUS_PARTS; p++) {
        whole = whole && c->n[p] == timit_counts[p];
    }
    if (c->is_timit && !whole && options->message != NULL) {
        snprintf(
            text, sizeof text,
            "%s: not the whole of TIMIT: %lld, %lld and %lld sentences for training, validation and test, in place of %lld, %lld and %lld (another corpus lists speakers for validation in development.txt)",
            c->folder, (long long)c->n[0], (long long)c->n[1], (long long)c->n[2], (long long)timit_counts[0], (long long)timit_counts[1],
            (long long)timit_counts[2]);
        options->message(options->user, text);
    }
}

static lsnn_status open_task(task **out, const lsnn_experiment *e, const lsnn_run_options *options) {
    lsnn_status status = LSNN_OK;
    timit *s = NULL;
    corpus c = {0};
    char path[1024];
    int64_t longest = 0;
    TRY(create(&s, e));
    if (*setting_text(e, "data.path") != '\0') {
        TRY(path_join(path, sizeof path, "", setting_text(e, "data.path")));
    } else {
        TRY(data_folder(path, sizeof path, options->data_folder, "timit"));
    }
    TRY(corpus_open(&c, path));
    TRY(take_phones(s, e, c.phones));
    tell_what_is_missing(&c, options);
    for (int p = 0; p < SPLITS; p++) {
        TRY(utterances_make_room(&s->shared, (split)p, c.n[p]));
        for (int64_t k = 0; k < c.n[p]; k++) {
            utterance *u = &s->shared.of[p][k];
            TRY(open_sentence(s, e, (split)p, &c.sentences[p][k], u));
            longest = u->n_frames > longest ? u->n_frames : longest;
        }
        TRY(check_counted(s, (split)p, &c));
    }
    TRY(utterances_normalise(&s->shared));
    TRY(set_windows(s, longest));
    *out = &s->shared.task;
    s = NULL;
out:
    corpus_release(&c);
    if (s != NULL) {
        task_close(&s->shared.task);
    }
    return status;
}

/* TIMIT's shape is known, and what else would be meant? */
static lsnn_status open_shape(task **out, const lsnn_experiment *e) {
    lsnn_status status = LSNN_OK;
    timit *s = NULL;
    TRY(create(&s, e));
    TRY(take_phones(s, e, ""));
    TRY(set_windows(s, TIMIT_LONGEST));
    *out = &s->shared.task;
    s = NULL;
out:
    if (s != NULL) {
        task_close(&s->shared.task);
    }
    return status;
}

const task_kind task_timit = {.name = "timit",
                              .open = open_task,
                              .open_shape = open_shape,
                              .close = close_task,
                              .write_kept = utterances_write_kept,
                              .read_kept = utterances_read_kept,
                              .write = utterances_write,
                              .length = utterances_length};
