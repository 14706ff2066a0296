#include "data/uci.h"

#include "base/file.h"

#include <stdlib.h>

enum { LARGEST = 1 << 24, COLUMNS = UCI_PIXELS + 1 };

/* A number of at most three digits at *at, which moves behind it; -1 if there is none. */
static int read_number(const uint8_t **at) {
    int x = -1;
    for (int digits = 0; digits < 3 && **at >= '0' && **at <= '9'; digits++, (*at)++) {
        x = (x < 0 ? 0 : x) * 10 + (**at - '0');
    }
    return x;
}

static lsnn_status read_line(const char *path, int64_t line, const uint8_t **at, uint8_t *pixels, uint8_t *label) {
    for (int column = 0; column < COLUMNS; column++) {
        int highest = column < UCI_PIXELS ? UCI_BRIGHTEST : 9;
        int x = read_number(at);
        if (x < 0 || x > highest) {
            return fail(LSNN_ERR_DATA, "%s, line %lld, column %d: there must be a number in 0..%d; the file is damaged", path,
                        (long long)line, column + 1, highest);
        }
        *(column < UCI_PIXELS ? &pixels[column] : label) = (uint8_t)x;
        if (column < UCI_PIXELS && *(*at)++ != ',') {
            return fail(LSNN_ERR_DATA, "%s, line %lld: only %d of %d numbers; the file is damaged", path, (long long)line, column + 1,
                        COLUMNS);
        }
    }
    if (**at == '\r') {
        (*at)++;
    }
    if (*(*at)++ != '\n') {
        return fail(LSNN_ERR_DATA, "%s, line %lld: more than %d numbers; the file is damaged", path, (long long)line, COLUMNS);
    }
    return LSNN_OK;
}

lsnn_status uci_digits_open(const char *path, uci_digits *out) {
    lsnn_status status = LSNN_OK;
    uint8_t *text = NULL;
    size_t size;
    uci_digits d = {0};
    TRY(file_read_gzip(path, LARGEST, &text, &size));
    int64_t n_lines = 0;
    for (size_t k = 0; k < size; k++) {
        n_lines += text[k] == '\n';
    }
    if (n_lines == 0) {
        TRY(fail(LSNN_ERR_DATA, "%s has no lines; it must have one digit a line", path));
    }
    d.pixels = malloc((size_t)n_lines * UCI_PIXELS);
    d.labels = malloc((size_t)n_lines);
    if (d.pixels == NULL || d.labels == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for %lld digits", (long long)n_lines));
    }
    const uint8_t *at = text; /* a 0 byte stands behind the last: read_number stops there */
    for (; d.n < n_lines; d.n++) {
        TRY(read_line(path, d.n + 1, &at, d.pixels + d.n * UCI_PIXELS, d.labels + d.n));
    }
    if (at != text + size) {
        TRY(fail(LSNN_ERR_DATA, "%s: the last line has no end; the file is cut short", path));
    }
    *out = d;
    d = (uci_digits){0};
out:
    free(text);
    uci_digits_release(&d);
    return status;
}

void uci_digits_release(uci_digits *digits) {
    free(digits->pixels);
    free(digits->labels);
    *digits = (uci_digits){0};
}
