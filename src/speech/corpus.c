#include "speech/corpus.h"

#include "base/file.h"
#include "config/options.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PATH_SIZE = 4096 };

const int64_t timit_counts[CORPUS_PARTS] = {3696, 400, 192};

static const char *const development_speakers =
    " FADG0 FAKS0 FCAL1 FCMH0 FDAC1 FDMS0 FDRW0 FEDW0 FGJD0 FJEM0 FJMG0 FJSJ0 FKMS0 FMAH0 FMML0 FNMR0 FREW0 FSEM0 MAJC0 MBDG0 MBNS0 MBWM0 MCSH0 MDLF0 MDLS0 "
    "MDVC0 MERS0 MGJF0 MGLB0 MGWT0 MJAR0 MJFC0 MJSW0 MMDB1 MMDM2 MMJR0 MMWH0 MPDF0 MRCS0 MREB0 MRJM4 MRJR0 MROA0 MRTK0 MRWS1 MTAA0 MTDT0 MTEB0 MTHC0 MWJG0 ";
static const char *const core_test_speakers =
    " FDHC0 FELC0 FJLM0 FMGD0 FMLD0 FNLP0 FPAS0 FPKT0 MBPM0 MCMJ0 MDAB0 MGRT0 MJDH0 MJLN0 MJMP0 MKLT0 MLLL0 MLNT0 MNJM0 MPAM0 MTAS1 MTLS0 MWBT0 MWEW0 ";

/* ---- folders ---- */

/* By name, whatever the case; so the order is the same on every file system. */
static int by_name(const struct dirent **a, const struct dirent **b) {
    int order = strcasecmp((*a)->d_name, (*b)->d_name);
    return order != 0 ? order : strcmp((*a)->d_name, (*b)->d_name);
}

static int is_shown(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* What a folder has, sorted. Release by free_names. */
static lsnn_status list_folder(const char *path, struct dirent ***names, int *n) {
    *n = scandir(path, names, is_shown, by_name);
    if (*n < 0) {
        *n = 0;
        *names = NULL;
        return fail_errno(errno == ENOMEM ? LSNN_ERR_MEMORY : LSNN_ERR_IO, "%s: can't be read", path);
    }
    return LSNN_OK;
}

static void free_names(struct dirent **names, int n) {
    for (int k = 0; k < n; k++) {
        free(names[k]);
    }
    free(names);
}

/* The path of the folder, or of the file, that `folder` has under this name, whatever its case; "" if it has none. */
static lsnn_status find_in(const char *folder, const char *name, bool is_folder, char *out, size_t size) {
    lsnn_status status = LSNN_OK;
    struct dirent **names = NULL;
    int n = 0;
    *out = '\0';
    TRY(list_folder(folder, &names, &n));
    for (int k = 0; k < n && *out == '\0'; k++) {
        if (strcasecmp(names[k]->d_name, name) == 0) {
            TRY(path_join(out, size, folder, names[k]->d_name));
            *out = (char)(folder_exists(out) == is_folder ? *out : '\0');
        }
    }
out:
    free_names(names, n);
    return status;
}

/* ---- which sentence goes where ---- */

typedef struct development {
    int n;
    char (*names)[64]; /* "FAKS0" or "FAKS0/SX43", upper case */
    bool *used;
} development;

typedef struct search {
    corpus *to;
    int64_t room[CORPUS_PARTS];
    bool in_test; /* in TEST */
    const char *speaker;
    int n_speakers; /* so far */
    development listed;
} search;

static void to_upper(char *text) {
    for (; *text != '\0'; text++) {
        *text = (char)(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text);
    }
}

static bool is_among(const char *list, const char *speaker) {
    char word[16];
    bool fits = snprintf(word, sizeof word, " %s ", speaker) < (int)sizeof word;
    to_upper(word);
    return fits && strstr(list, word) != NULL;
}

static bool is_listed(search *s, const char *sentence) {
    char name[64];
    bool found = false;
    int length = snprintf(name, sizeof name, "%s/%s", s->speaker, sentence);
    to_upper(name);
    for (int k = 0; k < s->listed.n && length < (int)sizeof name; k++) {
        const char *one = s->listed.names[k];
        size_t n = strlen(one);
        if (strncmp(name, one, n) == 0 && (name[n] == '\0' || name[n] == '/')) {
            s->listed.used[k] = true;
            found = true;
        }
    }
    return found;
}

/* CORPUS_PARTS: nowhere. */
static corpus_part part_of(search *s, const char *sentence) {
    if (!s->to->is_timit) {
        return is_listed(s, sentence) ? CORPUS_VALID : s->in_test ? CORPUS_TEST : CORPUS_TRAIN;
    }
    if (strncasecmp(sentence, "SA", 2) == 0) {
        return CORPUS_PARTS;
    }
    if (!s->in_test) {
        return CORPUS_TRAIN;
    }
    return is_among(development_speakers, s->speaker) ? CORPUS_VALID
           : is_among(core_test_speakers, s->speaker) ? CORPUS_TEST
                                                      : CORPUS_PARTS;
}

static lsnn_status add_sentence(search *s, const char *folder, const char *sound, const char *labels, const char *sentence) {
    lsnn_status status = LSNN_OK;
    char path[2][PATH_SIZE];
    corpus_part part = part_of(s, sentence);
    if (part == CORPUS_PARTS) {
        return LSNN_OK;
    }
    corpus *c = s->to;
    TRY(path_join(path[0], PATH_SIZE, folder, sound));
    TRY(path_join(path[1], PATH_SIZE, folder, labels));
    if (c->n[part] == s->room[part]) {
        int64_t room = 2 * s->room[part] + 64;
        corpus_sentence *larger = realloc(c->sentences[part], (size_t)room * sizeof *larger);
        if (larger == NULL) {
            return fail(LSNN_ERR_MEMORY, "%s: no memory for %lld sentences", c->folder, (long long)room);
        }
        c->sentences[part] = larger;
        s->room[part] = room;
    }
    corpus_sentence new_one = {.speaker = s->n_speakers, .sound = strdup(path[0]), .labels = strdup(path[1])};
    c->sentences[part][c->n[part]++] = new_one;
    if (new_one.sound == NULL || new_one.labels == NULL) {
        return fail(LSNN_ERR_MEMORY, "%s: no memory for the paths of its files", c->folder);
    }
out:
    return status;
}

/* ---- the walk ---- */

/* The part of a name before its only dot, if what follows is one of the endings, whatever the case. */
static bool split_name(const char *name, const char *const *endings, char stem[256]) {
    const char *dot = strchr(name, '.');
    bool fits = false;
    for (; dot != NULL && *endings != NULL; endings++) {
        fits = fits || strcasecmp(dot + 1, *endings) == 0;
    }
    if (fits) {
        snprintf(stem, 256, "%.*s", (int)(dot - name), name);
    }
    return fits;
}

/* The file among `names` with this stem and one of the endings; NULL if there is none. */
static const char *find_stem(struct dirent **names, int n, const char *stem, const char *const *endings) {
    char other[256];
    for (int k = 0; k < n; k++) {
        if (split_name(names[k]->d_name, endings, other) && strcasecmp(stem, other) == 0) {
            return names[k]->d_name;
        }
    }
    return NULL;
}

static lsnn_status walk_speaker(search *s, const char *folder, const char *speaker) {
    static const char *const sounds[] = {"wav", "sph", "flac", NULL};
    static const char *const labels[] = {"phn", NULL};
    lsnn_status status = LSNN_OK;
    struct dirent **names = NULL;
    int n = 0;
    char stem[256];
    s->speaker = speaker;
    s->n_speakers++;
    TRY(list_folder(folder, &names, &n));
    for (int k = 0; k < n; k++) {
        const char *name = names[k]->d_name;
        if (split_name(name, sounds, stem)) {
            const char *phn = find_stem(names, n, stem, labels);
            const char *same = find_stem(names, k, stem, sounds);
            if (same != NULL) {
                TRY(fail(LSNN_ERR_DATA, "%s/%s: is the same sentence as %s beside it; keep one of them", folder, name, same));
            }
            if (phn == NULL) {
                TRY(fail(LSNN_ERR_DATA, "%s/%s: has no labels (%s.PHN) beside it; add them, or take the recording away", folder, name,
                         stem));
            }
            TRY(add_sentence(s, folder, name, phn, stem));
        } else if (split_name(name, labels, stem) && find_stem(names, n, stem, sounds) == NULL) {
            TRY(fail(LSNN_ERR_DATA, "%s/%s: has no recording (%s.WAV) beside it; add it, or take the labels away", folder, name, stem));
        }
    }
out:
    free_names(names, n);
    return status;
}

/* Calls itself for regions, then walk_speaker for speakers; what is no folder is left alone. */
static lsnn_status walk(search *s, const char *folder, bool of_speakers) {
    lsnn_status status = LSNN_OK;
    struct dirent **names = NULL;
    int n = 0;
    char path[PATH_SIZE];
    TRY(list_folder(folder, &names, &n));
    for (int k = 0; k < n; k++) {
        TRY(path_join(path, sizeof path, folder, names[k]->d_name));
        if (folder_exists(path)) {
            TRY(of_speakers ? walk_speaker(s, path, names[k]->d_name) : walk(s, path, true));
        }
    }
out:
    free_names(names, n);
    return status;
}

/* ---- development.txt ---- */

static lsnn_status read_development(development *d, const char *path) {
    lsnn_status status = LSNN_OK;
    uint8_t *bytes = NULL;
    size_t size;
    TRY(file_read(path, &bytes, &size));
    size_t n_lines = 1;
    for (size_t k = 0; k < size; k++) {
        n_lines += bytes[k] == '\n';
    }
    d->names = calloc(n_lines, sizeof *d->names);
    d->used = calloc(n_lines, sizeof *d->used);
    if (d->names == NULL || d->used == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "%s: no memory for %zu lines", path, n_lines));
    }
    char *rest = NULL;
    for (char *line = strtok_r((char *)bytes, "\r\n", &rest); line != NULL; line = strtok_r(NULL, "\r\n", &rest)) {
        char *end = line + strlen(line);
        while (end > line && (end[-1] == ' ' || end[-1] == '\t')) {
            *--end = '\0';
        }
        if (strlen(line) >= sizeof *d->names || !is_printable_line(line)) {
            char shown[EXCERPT_SIZE];
            excerpt(shown, line);
            TRY(fail(LSNN_ERR_DATA, "%s: %s is not a speaker, or SPEAKER/SENTENCE; put it right", path, shown));
        }
        if (*line != '\0') {
            strcpy(d->names[d->n], line);
            to_upper(d->names[d->n++]);
        }
    }
out:
    free(bytes);
    return status;
}

/* ---- the corpus ---- */

static lsnn_status find_parts(const char *folder, char train[PATH_SIZE], char test[PATH_SIZE]) {
    lsnn_status status = LSNN_OK;
    TRY(find_in(folder, "TRAIN", true, train, PATH_SIZE));
    TRY(find_in(folder, "TEST", true, test, PATH_SIZE));
out:
    return status;
}

static lsnn_status not_a_corpus(const char *path) {
    lsnn_status status = LSNN_OK;
    struct dirent **names = NULL;
    int n = 0;
    char has[160] = "";
    TRY(list_folder(path, &names, &n));
    for (int k = 0; k < n && strlen(has) < 80; k++) {
        size_t length = strlen(has);
        snprintf(has + length, sizeof has - length, "%s%.40s", k == 0 ? "" : ", ", names[k]->d_name);
    }
    status = fail(LSNN_ERR_DATA,
                  "%s: has neither TRAIN nor TEST, but %s; name the folder of a corpus in TIMIT's layout (TRAIN/DR1/FCJF0/SX37.WAV)", path,
                  n > 0 ? has : "nothing");
out:
    free_names(names, n);
    return status;
}

static lsnn_status check_found(const search *s, const char *list) {
    const corpus *c = s->to;
    for (int k = 0; k < s->listed.n; k++) {
        if (!s->listed.used[k]) {
            return fail(LSNN_ERR_DATA, "%s: no sentence of the corpus is %s's or called so; take the line out", list, s->listed.names[k]);
        }
    }
    if (c->n[CORPUS_TRAIN] + c->n[CORPUS_VALID] + c->n[CORPUS_TEST] == 0) {
        return fail(LSNN_ERR_DATA, "%s: no sentences in it%s; they must be where TIMIT has them (TRAIN/DR1/FCJF0/SX37.WAV and SX37.PHN)",
                    c->folder,
                    c->is_timit ? " that TIMIT's lists know (for another corpus, list speakers for validation in development.txt)" : "");
    }
    return LSNN_OK;
}

lsnn_status corpus_open(corpus *out, const char *path) {
    lsnn_status status = LSNN_OK;
    corpus c = {0};
    search s = {.to = &c};
    char folder[PATH_SIZE];
    char train[PATH_SIZE] = "";
    char test[PATH_SIZE] = "";
    char list[PATH_SIZE];
    if (!folder_exists(path)) {
        return fail(LSNN_ERR_IO, "%s: no such folder; set data.path to the folder of the corpus, in which TRAIN and TEST are", path);
    }
    snprintf(folder, sizeof folder, "%s", path);
    TRY(find_parts(folder, train, test));
    if (*train == '\0' && *test == '\0') {
        TRY(find_in(path, "TIMIT", true, folder, sizeof folder));
        if (*folder != '\0') {
            TRY(find_parts(folder, train, test));
        }
    }
    if (*train == '\0' && *test == '\0') {
        TRY(not_a_corpus(path));
    }
    TRY(path_join(c.folder, sizeof c.folder, folder, ""));
    c.folder[strlen(c.folder) - 1] = '\0';
    TRY(find_in(folder, "phones.txt", false, c.phones, sizeof c.phones));
    TRY(find_in(folder, "development.txt", false, list, sizeof list));
    c.is_timit = *list == '\0';
    if (!c.is_timit) {
        TRY(read_development(&s.listed, list));
    }
    if (*train != '\0') {
        TRY(walk(&s, train, false));
    }
    s.in_test = true;
    if (*test != '\0') {
        TRY(walk(&s, test, false));
    }
    TRY(check_found(&s, list));
    *out = c;
    c = (corpus){0};
out:
    free(s.listed.names);
    free(s.listed.used);
    corpus_release(&c);
    return status;
}

void corpus_release(corpus *c) {
    for (int p = 0; p < CORPUS_PARTS; p++) {
        for (int64_t k = 0; k < c->n[p]; k++) {
            free(c->sentences[p][k].sound);
            free(c->sentences[p][k].labels);
        }
        free(c->sentences[p]);
    }
    *c = (corpus){0};
}
