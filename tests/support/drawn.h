/* What a drawn figure says. cmocka.h comes first. */
#ifndef LSNN_TESTS_DRAWN_H
#define LSNN_TESTS_DRAWN_H

#include <stddef.h>

/* A file's content, with a 0 behind it; malloc'd. n may be NULL. Fails the test if it can't be read. */
char *drawn_text(const char *path, size_t *n);
/* How often the words are in there. */
size_t drawn_count(const char *text, const char *words);
/* Fails the test unless they are. */
void drawn_says(const char *text, const char *words);

#endif
