/* Commands that can be pasted into a shell. */
#ifndef LSNN_BASE_SHELL_WORD_H
#define LSNN_BASE_SHELL_WORD_H

#include <stdio.h>

/* Prints a text such that a shell takes it for one word: as it is, or between single quotes. */
void shell_word_print(FILE *to, const char *text);

#endif
