/* Commands that can be pasted into a shell. */
#ifndef LSNN_BASE_SHELL_WORD_H
#define LSNN_BASE_SHELL_WORD_H

#include <stdio.h>

/* Print a text, and KEY=VALUE, such that a shell takes it for one word: as it is, or between single quotes. */
void shell_word_print(FILE *to, const char *text);
void shell_assignment_print(FILE *to, const char *key, const char *value);

#endif
