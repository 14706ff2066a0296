/* Spoken digits of six speakers (task speech-digits), one of whom is left out for the test. A recording is shown frame by frame, and its digit is to be named in the last
 * speech.readout_ms of it: windows of that length follow each other from the start, each recording begins so late that it ends with a window, and in that window
 * alone it counts. So recordings are as long as they are, and the score is the fraction of them that is right. */
#include "tasks/utterances.h"

#include "data/download.h"
#include "speech/fsdd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 10, VALID_RECORDINGS = 5, LONGEST_FRAMES = 229 }; /* the longest of FSDD at a hop of 10 ms */

static const phone_name digit_names[DIGITS] = {{"0"}, {"1"}, {"2"}, {"3"}, {"4"}, {"5"}, {"6"}, {"7"}, {"8"}, {"9"}};

typedef struct speech_digits {
    utterances shared;
    int readout_steps;
} speech_digits;

static void close_task(task *t) {
    utterances_release((utterances *)t);
    free(t);
}

static lsnn_status create(speech_digits **out, const lsnn_experiment *e) {
    lsnn_status status = LSNN_OK;
    speech_digits *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for the task");
    }
    s->shared.task.kind = &task_speech_digits;
    s->shared.task.score_name = "accuracy";
    s->shared.task.n_out = DIGITS;
    s->shared.classes = digit_names;
    s->readout_steps = task_steps(e, (double)setting_int(e, "speech.readout_ms"));
    TRY(utterances_begin(&s->shared, e));
    *out = s;
    return LSNN_OK;
out:
    task_close(&s->shared.task);
    return status;
}

/* Windows that take n_steps recorded ones. */
static double count_windows(const speech_digits *s, double n_steps) {
    return (double)((int64_t)(n_steps + s->readout_steps - 1) / s->readout_steps);
}

static lsnn_status set_windows(speech_digits *s, double n_windows) {
    lsnn_status status = LSNN_OK;
    task *t = &s->shared.task;
    TRY(task_set_steps(t, n_windows * s->readout_steps));
    TRY(task_create_windows(t, (int)n_windows));
    for (int w = 0; w < t->n_windows; w++) {
        t->window_start[w] = w * s->readout_steps;
        t->window_stop[w] = (w + 1) * s->readout_steps;
    }
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

/* Its features, and where it is shown. */
static lsnn_status take_recording(speech_digits *s, const fsdd_recording *r, utterance *u) {
    lsnn_status status = LSNN_OK;
    TRY(utterance_set(&s->shared, u, &r->sound));
    TRY(utterance_make_labels(u, 1));
    double n_windows = count_windows(s, utterance_steps(&s->shared, u));
    u->lead = (int)(n_windows * s->readout_steps - utterance_steps(&s->shared, u));
    u->first_window = (int)n_windows - 1;
    u->class_of[0] = r->digit;
out:
    return status;
}

static lsnn_status deal_out(speech_digits *s, const lsnn_experiment *e, const fsdd *set) {
    lsnn_status status = LSNN_OK;
    const char *left_out = setting_text(e, "speech.leave_out");
    const char *valid = setting_text(e, "speech.valid_speaker");
    int64_t n[SPLITS] = {0};
    int windows = 1;
    for (int64_t k = 0; k < set->n; k++) {
        n[part_of(&set->recordings[k], left_out, valid)]++;
    }
    for (int p = 0; p < SPLITS; p++) {
        TRY(utterances_make_room(&s->shared, (split)p, n[p]));
        n[p] = 0;
    }
    for (int64_t k = 0; k < set->n; k++) {
        split part = part_of(&set->recordings[k], left_out, valid);
        utterance *u = &s->shared.of[part][n[part]++];
        TRY(take_recording(s, &set->recordings[k], u));
        windows = u->first_window >= windows ? u->first_window + 1 : windows;
    }
    TRY(set_windows(s, windows));
out:
    return status;
}

static lsnn_status open_task(task **out, const lsnn_experiment *e, const lsnn_run_options *options) {
    lsnn_status status = LSNN_OK;
    speech_digits *s = NULL;
    fsdd set = {0};
    char path[1024];
    TRY(create(&s, e));
    TRY(data_folder(path, sizeof path, options->data_folder, "fsdd"));
    TRY(fsdd_open(&set, path, s->shared.rate));
    TRY(check_split(&set, e));
    TRY(deal_out(s, e, &set));
    TRY(utterances_normalise(&s->shared));
    *out = &s->shared.task;
    s = NULL;
out:
    fsdd_release(&set);
    if (s != NULL) {
        task_close(&s->shared.task);
    }
    return status;
}

static lsnn_status open_shape(task **out, const lsnn_experiment *e) {
    lsnn_status status = LSNN_OK;
    speech_digits *s = NULL;
    TRY(create(&s, e));
    TRY(set_windows(s, count_windows(s, (double)LONGEST_FRAMES * s->shared.frame_steps)));
    *out = &s->shared.task;
    s = NULL;
out:
    if (s != NULL) {
        task_close(&s->shared.task);
    }
    return status;
}

static int length_of(const task *t, split part, uint64_t index) {
    const utterances *s = (const utterances *)t;
    return (int)utterance_steps(s, &s->of[part][index]);
}

const task_kind task_speech_digits = {.name = "speech-digits",
                                      .open = open_task,
                                      .open_shape = open_shape,
                                      .close = close_task,
                                      .write_kept = utterances_write_kept,
                                      .read_kept = utterances_read_kept,
                                      .write = utterances_write,
                                      .length = length_of};
