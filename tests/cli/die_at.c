/* Preloaded into a program (LD_PRELOAD), kills it as SIGKILL would within its file operation number DIE_AT, counted from 1: before it, or, where it
 * writes, after half of the bytes. The operations are those by which files change: write, fsync, rename, ftruncate, unlink, and a stream's flush. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static int operations;

static int is_now(void) {
    const char *at = getenv("DIE_AT");
    return at != NULL && ++operations == atoi(at);
}

static void die(void) {
    kill(getpid(), SIGKILL);
}

#define REAL(name, type) (__extension__(type) dlsym(RTLD_NEXT, name))

ssize_t write(int file, const void *bytes, size_t n) {
    ssize_t (*real)(int, const void *, size_t) = REAL("write", ssize_t(*)(int, const void *, size_t));
    if (file > STDERR_FILENO && is_now()) {
        ssize_t done = real(file, bytes, n / 2);
        (void)done;
        die();
    }
    return real(file, bytes, n);
}

int fsync(int file) {
    if (is_now()) {
        die();
    }
    return REAL("fsync", int (*)(int))(file);
}

int rename(const char *from, const char *to) {
    if (is_now()) {
        die();
    }
    return REAL("rename", int (*)(const char *, const char *))(from, to);
}

int ftruncate(int file, off_t n) {
    if (is_now()) {
        die();
    }
    return REAL("ftruncate", int (*)(int, off_t))(file, n);
}

int unlink(const char *path) {
    if (is_now()) {
        die();
    }
    return REAL("unlink", int (*)(const char *))(path);
}

int fflush(FILE *stream) {
    if (stream != NULL && stream != stdout && stream != stderr && is_now()) {
        die();
    }
    return REAL("fflush", int (*)(FILE *))(stream);
}
