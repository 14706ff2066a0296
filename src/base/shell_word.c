#include "base/shell_word.h"

#include <stdbool.h>
#include <string.h>

static bool is_plain(const char *text) {
    return strcspn(text, " \t\n[]'\"$`\\;&|<>()*?~#!{}") == strlen(text);
}

/* As it stands between single quotes. */
static void print_inside(FILE *to, const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        fputs(*at == '\'' ? "'\\''" : (char[]){*at, '\0'}, to);
    }
}

void shell_word_print(FILE *to, const char *text) {
    const char *quote = *text != '\0' && is_plain(text) ? "" : "'";
    fputs(quote, to);
    print_inside(to, text);
    fputs(quote, to);
}

void shell_assignment_print(FILE *to, const char *key, const char *value) {
    const char *quote = is_plain(key) && is_plain(value) ? "" : "'";
    fputs(quote, to);
    print_inside(to, key);
    fputc('=', to);
    print_inside(to, value);
    fputs(quote, to);
}
