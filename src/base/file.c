#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 1 << 30 }; /* bytes a read, a write, or an inflate takes at most at once: all their counters hold it */

static size_t at_most(size_t n, size_t most) {
    return n < most ? n : most;
}

/* ---- reading ---- */

static lsnn_status read_all(int file, const char *path, size_t expected, uint8_t **bytes, size_t *n) {
    lsnn_status status = LSNN_OK;
    size_t room = expected + 2; /* one for the read that finds the end, one for the final 0 */
    size_t length = 0;
    uint8_t *buffer = malloc(room);
    for (;;) {
        if (buffer == NULL) {
            return fail(LSNN_ERR_MEMORY, "%s: not enough memory to read %zu bytes", path, room);
        }
        ssize_t got = read(file, buffer + length, at_most(room - 1 - length, CHUNK));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            status = fail_errno(LSNN_ERR_IO, "%s: can't read", path);
            goto out;
        }
        if (got == 0) {
            break;
        }
        length += (size_t)got;
        if (length == room - 1) {
            room *= 2;
            uint8_t *larger = realloc(buffer, room);
            if (larger == NULL) {
                free(buffer);
            }
            buffer = larger;
        }
    }
    buffer[length] = 0;
    *bytes = buffer;
    *n = length;
    buffer = NULL;
out:
    free(buffer);
    return status;
}

lsnn_status file_open(const char *path, int *out) {
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe that nobody writes to reads as empty, and is not waited for */
    if (file < 0) {
        return fail_errno(LSNN_ERR_IO, "%s: can't open", path);
    }
    lsnn_status status = LSNN_OK;
    if (fstat(file, &about) != 0 || fcntl(file, F_SETFL, 0) != 0) {
        status = fail_errno(LSNN_ERR_IO, "%s: can't read", path);
    } else if (S_ISCHR(about.st_mode) || S_ISBLK(about.st_mode)) {
        status = fail(LSNN_ERR_IO, "%s: is a device, not a file", path);
    }
    if (status != LSNN_OK) {
        close(file);
        return status;
    }
    *out = file;
    return LSNN_OK;
}

lsnn_status file_read(const char *path, uint8_t **bytes, size_t *n) {
    lsnn_status status;
    int file = -1;
    TRY(file_open(path, &file));
    struct stat about;
    bool known = fstat(file, &about) == 0 && about.st_size > 0;
    TRY(read_all(file, path, known ? (size_t)about.st_size : 0, bytes, n));
out:
    if (file >= 0) {
        close(file);
    }
    return status;
}

static bool is_gzip(const uint8_t *bytes, size_t n) {
    return n >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

static lsnn_status too_large(const char *path, size_t max) {
    return fail(LSNN_ERR_DATA, "%s: holds more than the %zu bytes that it may; is it the right file?", path, max);
}

static lsnn_status damaged_gzip(const char *path, const char *what) {
    return fail(LSNN_ERR_DATA, "%s: the gzip data are %s; get the file again", path, what);
}

/* Inflates all members of a gzip file; zlib checks each member's CRC and length. */
static lsnn_status gunzip(const char *path, const uint8_t *packed, size_t n_packed, size_t max, uint8_t **bytes, size_t *n) {
    lsnn_status status = LSNN_OK;
    const uint8_t *rest = packed, *end = packed + n_packed;
    size_t most = at_most(max, SIZE_MAX / 4) + 1; /* one byte more than allowed, to notice that there is more */
    size_t room = at_most(most, 4 * n_packed + 1024), length = 0;
    z_stream stream = {0};
    if (inflateInit2(&stream, 15 + 16) != Z_OK) { /* 15: the longest window; 16: a gzip header */
        return fail(LSNN_ERR_MEMORY, "%s: not enough memory to decompress it", path);
    }
    uint8_t *buffer = malloc(room + 1);
    for (bool more = true; more;) {
        if (buffer == NULL) {
            status = fail(LSNN_ERR_MEMORY, "%s: not enough memory to decompress it", path);
            goto out;
        }
        uInt in = (uInt)at_most((size_t)(end - rest), CHUNK), out = (uInt)at_most(room - length, CHUNK);
        stream.next_in = (z_const Bytef *)rest;
        stream.avail_in = in;
        stream.next_out = buffer + length;
        stream.avail_out = out;
        int result = inflate(&stream, Z_NO_FLUSH);
        rest += in - stream.avail_in;
        length += out - stream.avail_out;
        if (length > max) {
            status = too_large(path, max);
            goto out;
        }
        if (result == Z_STREAM_END) {
            more = rest != end;
            if (more && (!is_gzip(rest, (size_t)(end - rest)) || inflateReset(&stream) != Z_OK)) {
                status = damaged_gzip(path, "followed by something else");
                goto out;
            }
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            status = damaged_gzip(path, "damaged");
            goto out;
        } else if (length == room) {
            room = at_most(most, 2 * room);
            uint8_t *larger = realloc(buffer, room + 1);
            if (larger == NULL) {
                free(buffer);
            }
            buffer = larger;
        } else if (rest == end) {
            status = damaged_gzip(path, "cut short");
            goto out;
        }
    }
    buffer[length] = 0;
    *bytes = buffer;
    *n = length;
    buffer = NULL;
out:
    inflateEnd(&stream);
    free(buffer);
    return status;
}

lsnn_status file_read_gzip(const char *path, size_t max, uint8_t **bytes, size_t *n) {
    lsnn_status status = LSNN_OK;
    uint8_t *content = NULL;
    size_t length = 0;
    TRY(file_read(path, &content, &length));
    if (is_gzip(content, length)) {
        TRY(gunzip(path, content, length, max, bytes, n));
        goto out;
    }
    if (length > max) {
        status = too_large(path, max);
        goto out;
    }
    *bytes = content;
    *n = length;
    content = NULL;
out:
    free(content);
    return status;
}

/* ---- writing ---- */

static lsnn_status write_all(int file, const char *path, const uint8_t *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = write(file, bytes, at_most(n, CHUNK));
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return fail_errno(LSNN_ERR_IO, "%s: can't write", path);
        }
        bytes += done;
        n -= (size_t)done;
    }
    return LSNN_OK;
}

/* Makes a rename last through a power cut. Some file systems can't do that for folders, and say EINVAL. */
static lsnn_status sync_folder_of(const char *path) {
    lsnn_status status = LSNN_OK;
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (folder == NULL) {
        return fail(LSNN_ERR_MEMORY, "%s: not enough memory to write it", path);
    }
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) { /* a folder that may be written but not read can't be synced */
        if (fsync(file) != 0 && errno != EINVAL && errno != ENOTSUP) {
            status = fail_errno(LSNN_ERR_IO, "%s: can't write", folder);
        }
        close(file);
    }
    free(folder);
    return status;
}

/* A device or a pipe can't be replaced; it is written to. */
static lsnn_status write_through(const char *path, const void *bytes, size_t n) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) {
        return fail_errno(LSNN_ERR_IO, "%s: can't write", path);
    }
    lsnn_status status = write_all(file, path, bytes, n);
    if (close(file) != 0 && status == LSNN_OK) {
        status = fail_errno(LSNN_ERR_IO, "%s: can't write", path);
    }
    return status;
}

lsnn_status file_write_atomic(const char *path, const void *bytes, size_t n) {
    lsnn_status status = LSNN_OK;
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode)) {
        return write_through(path, bytes, n);
    }
    char *target = realpath(path, NULL); /* where links lead to, if it is there */
    target = target != NULL ? target : strdup(path);
    size_t room = target != NULL ? strlen(target) + 32 : 0;
    int file = -1;
    bool made = false;
    char *temporary = malloc(room);
    if (target == NULL || temporary == NULL) {
        status = fail(LSNN_ERR_MEMORY, "%s: not enough memory to write it", path);
        goto out;
    }
    snprintf(temporary, room, "%s.tmp%ld", target, (long)getpid());
    file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) {
        status = fail_errno(LSNN_ERR_IO, "%s: can't write", path);
        goto out;
    }
    made = true;
    TRY(write_all(file, path, bytes, n));
    if (fsync(file) != 0 && errno != EINVAL) {
        status = fail_errno(LSNN_ERR_IO, "%s: can't write", path);
        goto out;
    }
    int closed = close(file);
    file = -1;
    if (closed != 0 || rename(temporary, target) != 0) {
        status = fail_errno(LSNN_ERR_IO, "%s: can't write", path);
        goto out;
    }
    made = false;
    TRY(sync_folder_of(target));
out:
    if (file >= 0) {
        close(file);
    }
    if (made) {
        unlink(temporary);
    }
    free(temporary);
    free(target);
    return status;
}

/* ---- names and folders ---- */

bool file_exists(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && !S_ISDIR(about.st_mode);
}

bool folder_exists(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

lsnn_status folder_create(const char *path) {
    lsnn_status status = LSNN_OK;
    char *part = strdup(path);
    if (part == NULL) {
        return fail(LSNN_ERR_MEMORY, "%s: not enough memory to create the folder", path);
    }
    size_t length = strlen(part);
    for (size_t end = 1; end <= length; ++end) {
        char here = part[end];
        if (here != '/' && here != 0) {
            continue;
        }
        part[end] = 0;
        if (mkdir(part, 0777) != 0) {
            int reason = errno;
            if (!folder_exists(part)) {
                errno = reason;
                status = fail_errno(LSNN_ERR_IO, "%s: can't create the folder %s", path, part);
                goto out;
            }
        }
        part[end] = here;
    }
    if (!folder_exists(path)) {
        status = fail(LSNN_ERR_IO, "'%s': can't create a folder of this name", path);
    }
out:
    free(part);
    return status;
}

bool path_has_ending(const char *path, const char *ending) {
    size_t length = strlen(path), n = strlen(ending);
    return length >= n && memcmp(path + length - n, ending, n) == 0;
}

lsnn_status path_join(char *out, size_t size, const char *folder, const char *name) {
    const char *between = *folder == 0 || path_has_ending(folder, "/") ? "" : "/";
    if (strlen(folder) + strlen(between) + strlen(name) >= size) {
        return fail(LSNN_ERR_IO, "%s%s%s: the path is longer than %zu bytes; use a shorter one", folder, between, name, size - 1);
    }
    snprintf(out, size, "%s%s%s", folder, between, name);
    return LSNN_OK;
}

/* ---- checksums ---- */

void sha256_hex(const void *bytes, size_t n, char hex[65]) {
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[EVP_MAX_MD_SIZE];
    hex[0] = 0; /* if OpenSSL has no memory left: the empty text, which fits no checksum */
    if (EVP_Digest(bytes, n, digest, NULL, EVP_sha256(), NULL) != 1) {
        return;
    }
    for (size_t i = 0; i < 32; ++i) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[64] = 0;
}

void sha256_add(const void *bytes, size_t n, char hex[65]) {
    char both[129];
    char of_these[65];
    sha256_hex(bytes, n, of_these);
    snprintf(both, sizeof both, "%s%s", hex, of_these);
    sha256_hex(both, strlen(both), hex);
}

/* ---- locks ---- */

lsnn_status file_lock(const char *path, int *out) {
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) {
        return fail_errno(LSNN_ERR_IO, "%s: can't open the lock", path);
    }
    int result;
    do {
        result = flock(file, LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    if (result != 0) {
        lsnn_status status =
            errno == EWOULDBLOCK
                ? fail(LSNN_ERR_BUSY, "%s: another process is using this run folder; wait for it, or choose another --out", path)
                : fail_errno(LSNN_ERR_IO, "%s: can't lock", path);
        close(file);
        return status;
    }
    *out = file;
    return LSNN_OK;
}

void file_unlock(int lock) {
    close(lock); /* the lock goes with its only descriptor */
}
