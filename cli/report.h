/* What the tool says: results go to stdout, everything else to stderr. */
#ifndef LSNN_CLI_REPORT_H
#define LSNN_CLI_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "lsnn.h"

/* Leaves through the label `out` with `status` set, if the call fails. */
#define TRY(call)                \
    do {                         \
        status = (call);         \
        if (status != LSNN_OK) { \
            goto out;            \
        }                        \
    } while (0)

/* Prints "lsnn: MESSAGE" to stderr and returns the exit code of `status`. */
int complain(lsnn_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The exit code of a library call; prints the library's message if it failed. */
int report(lsnn_status status);
/* Calls each() for every status, in the header's order. */
void status_each(void (*each)(void *user, lsnn_status status), void *user);

/* Is it a terminal that can rewrite a line? */
bool is_terminal(FILE *stream);
/* The escape sequence ("1" bold, "31" red, "0" back to normal) on a terminal without NO_COLOR, else "". `room` holds it. */
typedef struct colour_room {
    char text[16];
} colour_room;
const char *colour(FILE *stream, const char *code, colour_room *room);

/* Prints a word so that a POSIX shell reads it back as one. */
void print_quoted(FILE *stream, const char *word);

/* "93.10 %" for accuracies and errors, "0.0123" for other scores. */
typedef struct number_room {
    char text[32];
} number_room;
const char *format_score(const char *score_name, double score, int decimals, number_room *room);
/* " +- 0.0012", or nothing if it is NaN. */
const char *format_interval(double interval, number_room *room);
/* "34.2 MB" */
/* "rate 10.0 Hz, ", or nothing if it is NaN, as of a network without spikes. */
const char *format_rate(double rate_hz, number_room *room);
const char *format_bytes(double bytes, number_room *room);
/* "0:23", "1:02:03" */
const char *format_duration(double seconds, number_room *room);

/* JSON values that never fail for their content: what is not finite becomes null, what is not UTF-8 becomes '?'. */
json_t *json_number(double value);
json_t *json_text(const char *text);
/* Of an agent. */
json_t *json_goals(const lsnn_goals *goals);
/* The object that train and eval end with; `run` as the caller named or got it. NULL: no memory. */
json_t *json_result(const lsnn_result *result, const char *run, int n_threads);
/* Prints the object on a line of its own and frees it. NULL is reported as lack of memory. Returns the exit code. */
int print_json(json_t *object);

#endif
