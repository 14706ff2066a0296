/* Files and folders. Every write of a file is atomic: a temporary one beside the target, synced, renamed. */
#ifndef LSNN_BASE_FILE_H
#define LSNN_BASE_FILE_H

#include "base/error.h"

/* For reading; the caller closes it. Not waited for, and not without end: a pipe that nobody writes to is empty. Errors: IO (a device, too). */
lsnn_status file_open(const char *path, int *out);
/* A whole file in memory, with a 0 byte behind its last. The caller frees *bytes. Errors: IO, MEMORY. */
lsnn_status file_read(const char *path, uint8_t **bytes, size_t *n);
/* As file_read; if the content is gzip, decompressed. *n is at most max (DATA otherwise: "more than ... bytes"). Errors: IO, DATA (damaged gzip), MEMORY. */
lsnn_status file_read_gzip(const char *path, size_t max, uint8_t **bytes, size_t *n);
/* Replaces the file's content; where a link leads, the file there. What is a device or a pipe is written to. Errors: IO (the old content is then still there). */
lsnn_status file_write_atomic(const char *path, const void *bytes, size_t n);
bool file_exists(const char *path);
bool folder_exists(const char *path);
/* Creates the folder and those above it. Errors: IO. */
lsnn_status folder_create(const char *path);
/* Is the ending of the name (".npy") this one? */
bool path_has_ending(const char *path, const char *ending);
/* folder/name to out [size]. Errors: IO (too long). */
lsnn_status path_join(char *out, size_t size, const char *folder, const char *name);
/* SHA-256 of the bytes as 64 hexadecimal digits and a 0. */
void sha256_hex(const void *bytes, size_t n, char hex[65]);
/* Of several arrays, one after the other; hex is "" before the first. */
void sha256_add(const void *bytes, size_t n, char hex[65]);

/* An exclusive lock on a file, gone when the process ends, however it ends. *out is a descriptor for file_unlock.
 * Errors: BUSY (another process, or another lock of this one, holds it), IO. */
lsnn_status file_lock(const char *path, int *out);
void file_unlock(int lock);

#endif
