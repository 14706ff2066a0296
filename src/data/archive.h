/* Archives: tar and zip, as they come, by libarchive. */
#ifndef LSNN_DATA_ARCHIVE_H
#define LSNN_DATA_ARCHIVE_H

#include "base/error.h"

/* Calls `each` for every file in the archive (tar, packed or not, or zip), in its order, with the file's path in there and its content; what `each` returns, if it is not
 * OK, ends it. All content together is at most max bytes. Errors: IO, MEMORY, DATA (no archive, damaged, more than max), and those of `each`. */
lsnn_status archive_each(const char *path, size_t max, lsnn_status (*each)(void *user, const char *name, const uint8_t *bytes, size_t n),
                         void *user);

#endif
