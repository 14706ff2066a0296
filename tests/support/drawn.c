#include "support/needs.h"

#include "base/file.h"
#include "support/drawn.h"

#include <string.h>

char *drawn_text(const char *path, size_t *n) {
    uint8_t *bytes = NULL;
    size_t length = 0;
    need(file_read(path, &bytes, &length));
    if (n != NULL) {
        *n = length;
    }
    return (char *)bytes;
}

size_t drawn_count(const char *text, const char *words) {
    size_t n = 0;
    for (const char *at = strstr(text, words); at != NULL; at = strstr(at + strlen(words), words)) {
        n++;
    }
    return n;
}

void drawn_says(const char *text, const char *words) {
    if (strstr(text, words) == NULL) {
        fail_msg("the figure does not say \"%s\"", words);
    }
}
