#include "base/shell_word.h"

#include <string.h>

void shell_word_print(FILE *to, const char *text) {
    if (*text != '\0' && strcspn(text, " \t\n[]'\"$`\\;&|<>()*?~#!{}") == strlen(text)) {
        fputs(text, to);
        return;
    }
    fputc('\'', to);
    for (const char *at = text; *at != '\0'; at++) {
        fputs(*at == '\'' ? "'\\''" : (char[]){*at, '\0'}, to);
    }
    fputc('\'', to);
}
