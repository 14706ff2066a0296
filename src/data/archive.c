#include "data/archive.h"

#include "base/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

typedef struct content {
    uint8_t *bytes;
    size_t n, room;
} content;

static lsnn_status damaged(const char *path, struct archive *a) {
    const char *reason = archive_error_string(a);
    return fail(LSNN_ERR_DATA, "%s: no archive that can be read (%s); get it again", path, reason != NULL ? reason : "no reason is known");
}

/* The next file's content, with a 0 byte behind its last. */
static lsnn_status read_content(const char *path, struct archive *a, size_t left, content *c) {
    for (c->n = 0;;) {
        if (c->n + 1 >= c->room) {
            size_t room = 2 * c->room + 65536;
            uint8_t *larger = realloc(c->bytes, room);
            if (larger == NULL) {
                return fail(LSNN_ERR_MEMORY, "%s: no memory for a file of %zu bytes in it", path, room);
            }
            c->bytes = larger;
            c->room = room;
        }
        la_ssize_t more = archive_read_data(a, c->bytes + c->n, c->room - 1 - c->n);
        if (more < 0) {
            return damaged(path, a);
        }
        if (more == 0) {
            c->bytes[c->n] = 0;
            return LSNN_OK;
        }
        c->n += (size_t)more;
        if (c->n > left) {
            return fail(LSNN_ERR_DATA, "%s: holds more than is possible; is it the right file?", path);
        }
    }
}

lsnn_status archive_each(const char *path, size_t max, lsnn_status (*each)(void *user, const char *name, const uint8_t *bytes, size_t n),
                         void *user) {
    lsnn_status status = LSNN_OK;
    struct archive *a = NULL;
    uint8_t *bytes = NULL;
    size_t n;
    content c = {0};
    TRY(file_read(path, &bytes, &n));
    a = archive_read_new();
    if (a == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "%s: no memory to read it", path));
    }
    archive_read_support_filter_all(a);
    archive_read_support_format_tar(a);
    archive_read_support_format_zip(a);
    if (archive_read_open_memory(a, bytes, n) != ARCHIVE_OK) {
        TRY(damaged(path, a));
    }
    struct archive_entry *entry;
    int code;
    while ((code = archive_read_next_header(a, &entry)) == ARCHIVE_OK || code == ARCHIVE_WARN) {
        const char *name = archive_entry_pathname(entry);
        if (archive_entry_filetype(entry) == AE_IFREG && name != NULL) {
            TRY(read_content(path, a, max, &c));
            max -= c.n;
            TRY(each(user, name, c.bytes, c.n));
        }
    }
    if (code != ARCHIVE_EOF) {
        TRY(damaged(path, a));
    }
out:
    if (a != NULL) {
        archive_read_free(a);
    }
    free(bytes);
    free(c.bytes);
    return status;
}
