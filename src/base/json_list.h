/* Files whose content is {"KIND": [ ... ]}: a list of JSON objects, one a line. */
#ifndef LSNN_BASE_JSON_LIST_H
#define LSNN_BASE_JSON_LIST_H

#include "base/error.h"
#include "base/json_number.h"

/* A list of numbers, null for what is not finite. */
json_t *json_of_numbers(const double *values, size_t n);
/* Takes the list over. Errors: IO, MEMORY. */
lsnn_status json_list_save(const char *path, const char *kind, json_t *list, int digits);
/* *list is borrowed from *root, which the caller releases (json_decref), also after a failure. Errors: IO, MEMORY, DATA (not such a file, no object, more than `most`). */
lsnn_status json_list_load(const char *path, const char *kind, size_t most, json_t **root, const json_t **list);
/* A whole number in low..high, or -1. */
int json_whole_at(const json_t *object, const char *key, int low, int high);
/* Exactly n numbers; null reads as NaN. Errors: DATA. */
lsnn_status json_numbers_at(const json_t *object, const char *key, double *out, size_t n, const char *path);
/* DATA: "PATH: WHAT is not as it was written ...". */
lsnn_status json_list_damaged(const char *path, const char *what);

#endif
