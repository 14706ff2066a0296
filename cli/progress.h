/* Live progress on stderr: on a terminal one line that is rewritten at most ten times a second, elsewhere a plain line every ten seconds and at
 * each validation. */
#ifndef LSNN_CLI_PROGRESS_H
#define LSNN_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "lsnn.h"

struct progress {
    bool is_quiet, is_terminal, is_utf8;
    bool is_open;             /* is there a line on the terminal that has no end yet? */
    double shown_at;          /* seconds; when the last line was written */
    const volatile int *stop; /* may be NULL */
};

void progress_init(struct progress *progress, bool is_quiet, const volatile int *stop);
/* Ends an open line. */
void progress_end(struct progress *progress);

/* For lsnn_run_options and lsnn_data_options; `user` is a struct progress. */
void progress_iteration(void *user, const lsnn_progress *state);
void progress_message(void *user, const char *text);
/* Returns 1 once the stop flag is set. */
int progress_download(void *user, const char *file, int64_t bytes, int64_t bytes_total);

#endif
