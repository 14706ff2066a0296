#include "speech/phones.h"

#include "base/file.h"
#include "config/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PHONES = 10000 };

/* In the form of a file. */
static const char *const timit =
    "aa\nae\nah\nao aa\naw\nax ah\nax-h ah\naxr er\nay\nb\nbcl sil\nch\nd\ndcl sil\ndh\ndx\neh\nel l\nem m\nen n\neng ng\n"
    "epi sil\ner\ney\nf\ng\ngcl sil\nh# sil\nhh\nhv hh\nih\nix ih\niy\njh\nk\nkcl sil\nl\nm\nn\nng\nnx n\now\noy\np\n"
    "pau sil\npcl sil\nq -\nr\ns\nsh\nt\ntcl sil\nth\nuh\nuw\nux uw\nv\nw\ny\nz\nzh sh\n";

/* ---- lines ---- */

/* Cuts the next line off *at, without what ends it; NULL if there is none. The text is changed. */
static char *next_line(char **at) {
    char *line = *at;
    if (*line == '\0') {
        return NULL;
    }
    char *end = line + strcspn(line, "\n");
    *at = *end == '\n' ? end + 1 : end;
    *end = '\0';
    line[strcspn(line, "\r")] = '\0';
    return line;
}

/* Cuts the next word off *at; NULL if there is none. */
static char *next_word(char **at) {
    char *word = *at + strspn(*at, " \t");
    if (*word == '\0') {
        return NULL;
    }
    char *end = word + strcspn(word, " \t");
    *at = *end != '\0' ? end + 1 : end;
    *end = '\0';
    return word;
}

static lsnn_status read_text(const char *path, char **text) {
    uint8_t *bytes = NULL;
    size_t n;
    lsnn_status status = file_read(path, &bytes, &n);
    if (status == LSNN_OK && memchr(bytes, 0, n) != NULL) {
        status = fail(LSNN_ERR_DATA, "%s: has bytes that no text has; is it the right file?", path);
        free(bytes);
        bytes = NULL;
    }
    *text = (char *)bytes;
    return status;
}

/* ---- sets of phones ---- */

static int find_name(const phone_name *names, int n, const char *name) {
    int k = 0;
    while (k < n && strcmp(names[k].text, name) != 0) {
        k++;
    }
    return k < n ? k : -1;
}

static lsnn_status add_phone(phone_set *s, const char *path, int line, const char *phone, const char *class_name) {
    if (strlen(phone) >= PHONE_NAME_SIZE || strlen(class_name) >= PHONE_NAME_SIZE || !is_printable_line(phone) ||
        !is_printable_line(class_name)) {
        return fail(LSNN_ERR_DATA, "%s, line %d: a phone's name is printable, and shorter than %d bytes", path, line, PHONE_NAME_SIZE);
    }
    if (find_name(s->phones, s->n_phones, phone) >= 0) {
        return fail(LSNN_ERR_DATA, "%s, line %d: %s stands there twice; leave one out", path, line, phone);
    }
    strcpy(s->phones[s->n_phones].text, phone);
    int class_of = find_name(s->classes, s->n_classes, class_name);
    if (class_of < 0 && strcmp(class_name, "-") != 0) {
        class_of = s->n_classes++;
        strcpy(s->classes[class_of].text, class_name);
    }
    s->class_of[s->n_phones++] = class_of;
    return LSNN_OK;
}

/* The text is changed. */
static lsnn_status read_set(phone_set *out, const char *path, char *text, bool folded) {
    lsnn_status status = LSNN_OK;
    phone_set s = {0};
    size_t n = 1;
    for (const char *c = text; *c != '\0'; c++) {
        n += *c == '\n';
    }
    if (n > MOST_PHONES) {
        TRY(fail(LSNN_ERR_DATA, "%s: has %zu lines; a set of phones has at most %d", path, n, MOST_PHONES));
    }
    s.phones = calloc(n, sizeof *s.phones);
    s.classes = calloc(n, sizeof *s.classes);
    s.class_of = calloc(n, sizeof *s.class_of);
    if (s.phones == NULL || s.classes == NULL || s.class_of == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "%s: no memory for %zu phones", path, n));
    }
    int number = 0;
    for (char *line = next_line(&text); line != NULL; line = next_line(&text)) {
        number++;
        char *phone = next_word(&line);
        char *fold = phone != NULL ? next_word(&line) : NULL;
        if (fold != NULL && next_word(&line) != NULL) {
            TRY(fail(LSNN_ERR_DATA, "%s, line %d: has more than two words; a line is a phone, and the class that it is folded into", path,
                     number));
        }
        if (phone != NULL) {
            TRY(add_phone(&s, path, number, phone, folded && fold != NULL ? fold : phone));
        }
    }
    if (s.n_classes < 2) {
        TRY(fail(LSNN_ERR_DATA, "%s: has %d classes of phones; there must be at least two, a phone a line", path, s.n_classes));
    }
    *out = s;
    s = (phone_set){0};
out:
    phone_set_release(&s);
    return status;
}

lsnn_status phone_set_timit(phone_set *out, bool folded) {
    char *text = strdup(timit);
    if (text == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for TIMIT's phones");
    }
    lsnn_status status = read_set(out, "TIMIT's phones", text, folded);
    free(text);
    return status;
}

lsnn_status phone_set_open(phone_set *out, const char *path, bool folded) {
    char *text = NULL;
    lsnn_status status = read_text(path, &text);
    if (status == LSNN_OK) {
        status = read_set(out, path, text, folded);
    }
    if (status == LSNN_OK) {
        snprintf(out->path, sizeof out->path, "%s", path);
    }
    free(text);
    return status;
}

void phone_set_release(phone_set *set) {
    free(set->phones);
    free(set->classes);
    free(set->class_of);
    *set = (phone_set){0};
}

/* ---- labels ---- */

/* A whole number of up to 15 digits; -1 if it is none. */
static int64_t sample_number(const char *text) {
    return text != NULL && *text != '\0' && strlen(text) <= 15 && strspn(text, "0123456789") == strlen(text) ? strtoll(text, NULL, 10) : -1;
}

typedef struct label_file {
    const char *path;
    const phone_set *set;
    int64_t n_samples, slack;
    bool gaps;
    phone_labels *to;
} label_file;

static lsnn_status check_order(const label_file *f, int line, const phone_label *new_label, const char *phone) {
    const phone_label *last = f->to->n > 0 ? &f->to->labels[f->to->n - 1] : NULL;
    long long start = new_label->start;
    long long stop = new_label->stop;
    if (stop <= start) {
        return fail(LSNN_ERR_DATA, "%s, line %d: %s ends at sample %lld, but begins at %lld; put the line right", f->path, line, phone,
                    stop, start);
    }
    if (last != NULL && start < last->start) {
        return fail(LSNN_ERR_DATA, "%s, line %d: %s begins at sample %lld, the line before it at %lld; put the lines in order", f->path,
                    line, phone, start, (long long)last->start);
    }
    if (last != NULL && start < last->stop) {
        return fail(LSNN_ERR_DATA,
                    "%s, line %d: %s begins at sample %lld, within the phone before it, which ends at %lld; let none overlap", f->path,
                    line, phone, start, (long long)last->stop);
    }
    if (last != NULL && start > last->stop && !f->gaps) {
        return fail(
            LSNN_ERR_DATA,
            "%s, line %d: %s begins at sample %lld, but the phone before it ends at %lld; fill the gap, or set speech.allow_gaps, so "
            "that its frames do not count",
            f->path, line, phone, start, (long long)last->stop);
    }
    if (stop > f->n_samples + f->slack) {
        return fail(LSNN_ERR_DATA, "%s, line %d: %s ends at sample %lld, but the recording at %lld; one of the two files is damaged",
                    f->path, line, phone, stop, (long long)f->n_samples);
    }
    return LSNN_OK;
}

static lsnn_status unknown_phone(const label_file *f, int line, const char *phone) {
    char shown[EXCERPT_SIZE];
    excerpt(shown, phone);
    if (*f->set->path != '\0') {
        return fail(LSNN_ERR_DATA, "%s, line %d: %s is no phone of %s; add it there, or put the label right", f->path, line, shown,
                    f->set->path);
    }
    return fail(
        LSNN_ERR_DATA,
        "%s, line %d: %s is none of TIMIT's 61 phones; put the label right, or list the corpus's own phones in phones.txt beside TRAIN",
        f->path, line, shown);
}

static lsnn_status add_label(const label_file *f, int line, char *text) {
    lsnn_status status = LSNN_OK;
    char *start = next_word(&text);
    char *stop = start != NULL ? next_word(&text) : NULL;
    char *phone = stop != NULL ? next_word(&text) : NULL;
    if (start == NULL) { /* an empty line */
        return LSNN_OK;
    }
    phone_label l = {.start = sample_number(start), .stop = sample_number(stop)};
    if (phone == NULL || l.start < 0 || l.stop < 0 || next_word(&text) != NULL) {
        return fail(LSNN_ERR_DATA, "%s, line %d: is not of the form '0 2400 h#' (first sample, sample after the last, phone); put it right",
                    f->path, line);
    }
    int found = find_name(f->set->phones, f->set->n_phones, phone);
    if (found < 0) {
        return unknown_phone(f, line, phone);
    }
    l.class_of = f->set->class_of[found];
    TRY(check_order(f, line, &l, phone));
    f->to->labels[f->to->n++] = l;
out:
    return status;
}

lsnn_status phone_labels_open(phone_labels *out, const char *path, const phone_set *set, int64_t n_samples, int64_t slack, bool gaps) {
    lsnn_status status = LSNN_OK;
    phone_labels found = {0};
    label_file f = {.path = path, .set = set, .n_samples = n_samples, .slack = slack, .gaps = gaps, .to = &found};
    char *text = NULL;
    size_t n = 1;
    TRY(read_text(path, &text));
    for (const char *c = text; *c != '\0'; c++) {
        n += *c == '\n';
    }
    found.labels = calloc(n, sizeof *found.labels);
    if (found.labels == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "%s: no memory for %zu labels", path, n));
    }
    char *at = text;
    int line = 0;
    for (char *one = next_line(&at); one != NULL; one = next_line(&at)) {
        TRY(add_label(&f, ++line, one));
    }
    if (found.n == 0) {
        TRY(fail(LSNN_ERR_DATA, "%s: has no labels; the file is empty, get it again", path));
    }
    *out = found;
    found = (phone_labels){0};
out:
    free(text);
    phone_labels_release(&found);
    return status;
}

void phone_labels_release(phone_labels *labels) {
    free(labels->labels);
    *labels = (phone_labels){0};
}

int phone_labels_class(const phone_labels *labels, int64_t sample) {
    size_t low = 0;
    size_t high = labels->n; /* the label is in low..high-1, if it is there */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(labels->labels[middle].start <= sample ? &low : &high) = middle;
    }
    const phone_label *l = &labels->labels[low];
    return sample >= l->start && sample < l->stop ? l->class_of : -1;
}
