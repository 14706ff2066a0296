/* How every failure is reported: a status code, and one line for the user in this thread. */
#ifndef LSNN_BASE_ERROR_H
#define LSNN_BASE_ERROR_H

#include "lsnn.h"

/* Stores the message and returns the code, so that failing is one line: return fail(LSNN_ERR_DATA, "%s: ...", path, ...).
 * A message says what was asked, what was found, and what to do; without a newline. */
lsnn_status fail(lsnn_status code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As fail, with ": " and the text of errno at the end. */
lsnn_status fail_errno(lsnn_status code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Leaves through the label `out` with `status` set, if the call fails. */
#define TRY(call)                \
    do {                         \
        status = (call);         \
        if (status != LSNN_OK) { \
            goto out;            \
        }                        \
    } while (0)

#endif
