/* Spoken digits of six speakers (task speech-digits), one of whom is left out for the test. A recording is shown frame by frame, from its first to its last, and is one window,
 * however long it is: its digit is what the outputs' means over all of it say. So the score is the fraction of recordings that is right. */
#include "tasks/utterances.h"

#include "data/download.h"
#include "speech/fsdd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 10, VALID_RECORDINGS = 5, LONGEST_FRAMES = 229 }; /* the longest of FSDD at a hop of 10 ms */

static const phone_name digit_names[DIGITS] = {{"0"}, {"1"}, {"2"}, {"3"}, {"4"}, {"5"}, {"6"}, {"7"}, {"8"}, {"9"}};

static void close_task(task *t) {
    utterances_release((utterances *)t);
    free(t);
}

static lsnn_status create(utterances **out, const lsnn_experiment *e) {
    lsnn_status status = LSNN_OK;
    utterances *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for the task");
    }
    s->task.kind = &task_speech_digits;
    s->task.score_name = "accuracy";
    s->task.n_out = DIGITS;
    s->classes = digit_names;
    TRY(utterances_begin(s, e));
    *out = s;
    return LSNN_OK;
out:
    task_close(&s->task);
    return status;
}

/* One, over the longest recording; it ends with each recording. */
static lsnn_status set_window(utterances *s, int64_t n_frames) {
    lsnn_status status = LSNN_OK;
    task *t = &s->task;
    TRY(task_set_steps(t, (double)n_frames * s->frame_steps));
    TRY(task_create_windows(t, 1));
    t->window_start[0] = 0;
    t->window_stop[0] = t->n_steps;
out:
    return status;
}

static lsnn_status check_speaker(const fsdd *set, const char *key, const char *name) {
    char list[512] = "";
    bool found = false;
    for (int64_t k = 0; k < set->n; k++) {
        const char *speaker = set->recordings[k].speaker;
        size_t length = strlen(list);
        found = found || strcmp(speaker, name) == 0;
        if ((k == 0 || strcmp(speaker, set->recordings[k - 1].speaker) != 0) && length + FSDD_SPEAKER_SIZE + 2 < sizeof list) {
            snprintf(list + length, sizeof list - length, "%s%s", k > 0 ? ", " : "", speaker);
        }
    }
    return found ? LSNN_OK : fail(LSNN_ERR_SETTING, "%s is '%.40s', but the speakers are %s; set it to one of them", key, name, list);
}

static split part_of(const fsdd_recording *r, const char *left_out, const char *valid_speaker) {
    if (strcmp(r->speaker, left_out) == 0) {
        return SPLIT_TEST;
    }
    bool valid = *valid_speaker != '\0' ? strcmp(r->speaker, valid_speaker) == 0 : r->number < VALID_RECORDINGS;
    return valid ? SPLIT_VALID : SPLIT_TRAIN;
}

static lsnn_status check_split(const fsdd *set, const lsnn_experiment *e) {
    lsnn_status status = LSNN_OK;
    const char *left_out = setting_text(e, "speech.leave_out");
    const char *valid = setting_text(e, "speech.valid_speaker");
    TRY(check_speaker(set, "speech.leave_out", left_out));
    if (*valid != '\0') {
        TRY(check_speaker(set, "speech.valid_speaker", valid));
        if (strcmp(valid, left_out) == 0) {
            TRY(fail(LSNN_ERR_SETTING, "speech.valid_speaker and speech.leave_out are both %s; take two speakers", valid));
        }
    }
out:
    return status;
}

static lsnn_status deal_out(utterances *s, const lsnn_experiment *e, const fsdd *set) {
    lsnn_status status = LSNN_OK;
    const char *left_out = setting_text(e, "speech.leave_out");
    const char *valid = setting_text(e, "speech.valid_speaker");
    int64_t n[SPLITS] = {0};
    int64_t longest = 0;
    int speaker = 0;
    for (int64_t k = 0; k < set->n; k++) {
        n[part_of(&set->recordings[k], left_out, valid)]++;
    }
    for (int p = 0; p < SPLITS; p++) {
        TRY(utterances_make_room(s, (split)p, n[p]));
        n[p] = 0;
    }
    for (int64_t k = 0; k < set->n; k++) {
        split part = part_of(&set->recordings[k], left_out, valid);
        utterance *u = &s->of[part][n[part]++];
        speaker += k > 0 && strcmp(set->recordings[k].speaker, set->recordings[k - 1].speaker) != 0;
        TRY(utterance_set(s, part, u, speaker, &set->recordings[k].sound));
        TRY(utterance_make_labels(u, 1));
        u->class_of[0] = set->recordings[k].digit;
        longest = u->n_frames > longest ? u->n_frames : longest;
    }
    TRY(set_window(s, longest));
out:
    return status;
}

static lsnn_status open_task(task **out, const lsnn_experiment *e, const lsnn_run_options *options) {
    lsnn_status status = LSNN_OK;
    utterances *s = NULL;
    fsdd set = {0};
    char path[1024];
    TRY(create(&s, e));
    TRY(data_folder(path, sizeof path, options->data_folder, "fsdd"));
    TRY(fsdd_open(&set, path, s->rate));
    TRY(check_split(&set, e));
    TRY(deal_out(s, e, &set));
    TRY(utterances_normalise(s));
    *out = &s->task;
    s = NULL;
out:
    fsdd_release(&set);
    if (s != NULL) {
        task_close(&s->task);
    }
    return status;
}

static lsnn_status open_shape(task **out, const lsnn_experiment *e) {
    lsnn_status status = LSNN_OK;
    utterances *s = NULL;
    TRY(create(&s, e));
    TRY(set_window(s, LONGEST_FRAMES));
    *out = &s->task;
    s = NULL;
out:
    if (s != NULL) {
        task_close(&s->task);
    }
    return status;
}

const task_kind task_speech_digits = {.name = "speech-digits",
                                      .open = open_task,
                                      .open_shape = open_shape,
                                      .close = close_task,
                                      .write_kept = utterances_write_kept,
                                      .read_kept = utterances_read_kept,
                                      .write = utterances_write,
                                      .length = utterances_length};
