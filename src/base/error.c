#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[2048];

static void store(const char *format, va_list arguments) {
    char text[sizeof message]; /* the arguments may point into the old message */
    int n = vsnprintf(text, sizeof text, format, arguments);
    for (int k = 0; k < n && text[k] != '\0'; k++) { /* one line, whatever names it quotes */
        text[k] = (unsigned char)text[k] < ' ' || text[k] == 127 ? ' ' : text[k];
    }
    memcpy(message, text, sizeof message);
}

lsnn_status fail(lsnn_status code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    store(format, arguments);
    va_end(arguments);
    return code;
}

lsnn_status fail_errno(lsnn_status code, const char *format, ...) {
    char reason[256];
    snprintf(reason, sizeof reason, ": %s", strerror(errno));
    va_list arguments;
    va_start(arguments, format);
    store(format, arguments);
    va_end(arguments);
    strncat(message, reason, sizeof message - strlen(message) - 1);
    return code;
}

const char *lsnn_error(void) {
    return message;
}

const char *lsnn_version(void) {
    return LSNN_VERSION;
}

static const struct {
    const char *name, *meaning;
    int exit_code;
} statuses[] = {
#define ROW(name, exit_code, meaning) {#name, meaning, exit_code},
    LSNN_STATUS_MAP(ROW)
#undef ROW
};

static size_t index_of(lsnn_status status) {
    size_t i = (size_t)status;
    return i < sizeof statuses / sizeof *statuses ? i : 1;
}

const char *lsnn_status_name(lsnn_status status) {
    return statuses[index_of(status)].name;
}

const char *lsnn_status_meaning(lsnn_status status) {
    return statuses[index_of(status)].meaning;
}

int lsnn_status_exit_code(lsnn_status status) {
    return statuses[index_of(status)].exit_code;
}
