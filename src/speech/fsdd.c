#include "speech/fsdd.h"

#include "base/file.h"
#include "data/archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t largest = (size_t)1 << 30;

typedef struct reader {
    fsdd *to;
    int64_t room;
    const char *path;
    int rate;
} reader;

/* "7_jackson_32.wav" in any folder. */
static bool read_name(const char *name, fsdd_recording *r) {
    const char *slash = strrchr(name, '/');
    int length = 0;
    bool fits = sscanf(slash != NULL ? slash + 1 : name, "%1d_%31[^_/]_%6d.wav%n", &r->digit, r->speaker, &r->number, &length) == 3;
    return fits && length > 0 && (slash != NULL ? slash + 1 : name)[length] == '\0' && r->digit >= 0 && r->number >= 0;
}

static lsnn_status take_file(void *user, const char *name, const uint8_t *bytes, size_t n) {
    reader *r = user;
    fsdd *set = r->to;
    fsdd_recording one = {0};
    char shown[1200];
    if (!path_has_ending(name, ".wav")) {
        return LSNN_OK;
    }
    snprintf(shown, sizeof shown, "%s, %.200s", r->path, name);
    if (!read_name(name, &one)) {
        return fail(LSNN_ERR_DATA, "%s: is not called DIGIT_SPEAKER_NUMBER.wav; is it the right archive?", shown);
    }
    if (set->n == r->room) {
        int64_t room = 2 * r->room + 256;
        fsdd_recording *larger = realloc(set->recordings, (size_t)room * sizeof *larger);
        if (larger == NULL) {
            return fail(LSNN_ERR_MEMORY, "%s: no memory for %lld recordings", r->path, (long long)room);
        }
        set->recordings = larger;
        r->room = room;
    }
    lsnn_status status = sound_read(shown, bytes, n, r->rate, &one.sound);
    if (status == LSNN_OK) {
        set->recordings[set->n++] = one;
    }
    return status;
}

static int by_speaker(const void *a, const void *b) {
    const fsdd_recording *x = a;
    const fsdd_recording *y = b;
    int order = strcmp(x->speaker, y->speaker);
    order = order != 0 ? order : x->digit - y->digit;
    return order != 0 ? order : x->number - y->number;
}

lsnn_status fsdd_open(fsdd *out, const char *folder, int rate) {
    static const char *const names[] = {"recordings.tar.gz", "recordings.tar"};
    lsnn_status status = LSNN_OK;
    char path[1024] = "";
    fsdd set = {0};
    bool found = false;
    for (int k = 0; k < 2 && !found; k++) {
        TRY(path_join(path, sizeof path, folder, names[k]));
        found = file_exists(path);
    }
    if (!found) {
        TRY(fail(
            LSNN_ERR_IO,
            "no recordings.tar.gz in %s; run 'lsnn data get fsdd', or put it there, or point --data or LSNN_DATA at the folder above it",
            folder));
    }
    TRY(archive_each(path, largest, take_file, &(reader){.to = &set, .path = path, .rate = rate}));
    if (set.n == 0) {
        TRY(fail(LSNN_ERR_DATA, "%s: has no .wav files; is it the right archive?", path));
    }
    qsort(set.recordings, (size_t)set.n, sizeof *set.recordings, by_speaker);
    *out = set;
    set = (fsdd){0};
out:
    fsdd_release(&set);
    return status;
}

void fsdd_release(fsdd *set) {
    for (int64_t k = 0; k < set->n; k++) {
        sound_release(&set->recordings[k].sound);
    }
    free(set->recordings);
    *set = (fsdd){0};
}
