/* Every setting that there is, in one table. The parser, the checks, the printed settings, --help, the man pages, the completion and the
 * docs all read it, so that none of them can differ from another. */
#ifndef LSNN_CONFIG_OPTIONS_H
#define LSNN_CONFIG_OPTIONS_H

#include "base/error.h"

typedef enum option_type {
    OPTION_INT,    /* a whole number */
    OPTION_REAL,   /* a finite number */
    OPTION_BOOL,   /* true or false; yes and no are understood */
    OPTION_CHOICE, /* one word of a few */
    OPTION_TEXT,   /* any printable UTF-8 without line breaks */
    OPTION_SPREAD  /* one number 20, a range 15..30 drawn from neuron by neuron, or a list [15, 20] with one number a neuron */
} option_type;

typedef struct option {
    const char *key; /* "net.tau_m": group and name; task and seed stand alone */
    option_type type;
    const char *initial;     /* the default as text; NULL: has none, a file must give it */
    double minimum, maximum; /* INT, REAL, SPREAD (each number of it) */
    const char *bounds;      /* "[]", "(]", "[)": is the minimum, is the maximum allowed itself? NULL for the other types */
    const char *choices;     /* CHOICE, BOOL: "threshold|baseline", else NULL */
    const char *unit;        /* "ms", "Hz", "steps", "iterations", "" */
    const char *help;        /* one line, without a full stop */
    const char *tasks;       /* tasks that use it, "digits,smnist"; NULL: all */
    const char *kinds;       /* kinds of network (net.kind) that use it, "lstm,rnn"; NULL: all */
} option;

size_t option_count(void);
/* index < option_count(). Rows of one group stand together. */
const option *option_at(size_t index);
/* The row's index, option_count() if there is no such key. */
size_t option_index(const char *key);
/* Do the task and the kind of network use this setting? */
bool option_is_for(const option *row, const char *task, const char *kind);
/* Is this the part before the '.' of some key? */
bool option_is_group(const char *text);
/* The key, among those that are for this task and kind, that is the fewest edits away; a key typed without its group is compared with bare names too. */
const char *option_nearest(const char *key, const char *task, const char *kind);

enum { OPTION_RANGE_SIZE = 160 };
/* What is allowed, in words and without the unit: "1..256", "above 0, up to 1000", "threshold|baseline", "" for TEXT. */
void option_range(const option *row, char out[OPTION_RANGE_SIZE]);

/* A checked value. The text is what the user gave without outer blanks (BOOL: true or false), so that printing loses nothing. */
typedef struct option_value {
    char *text;
    int64_t integer; /* INT */
    double real;     /* REAL */
    bool truth;      /* BOOL */
    float low, high; /* SPREAD, if it is no list */
    float *list;     /* SPREAD, if it is a list: [n_list], else NULL */
    int n_list;
} option_value;

/* Reads and checks a text. Numbers have to be in range in single precision too, as networks compute in it. The caller releases *out.
 * Errors: SETTING (key, value found, allowed range, unit), MEMORY. */
lsnn_status option_parse(option_value *out, const option *row, const char *text);
/* Frees what the value holds, and zeroes it. */
void option_value_release(option_value *value);

/* Printable UTF-8 on one line, such that YAML can hold it? */
bool is_printable_line(const char *text);
/* Insertions, deletions and replacements from a to b; only their first 64 bytes count. */
size_t edit_distance(const char *a, const char *b);

enum { EXCERPT_SIZE = 80 };
/* The text between quotes for a message: its start if it is long, without line breaks and control characters. */
void excerpt(char out[EXCERPT_SIZE], const char *text);

#endif
