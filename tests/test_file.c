/* base/file: atomic writes, gzip, locks, folders, checksums. */
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

static char folder[1024];

static const char *in_folder(char *out, const char *name) {
    assert_int_equal(path_join(out, 2048, folder, name), LSNN_OK);
    return out;
}

static int create_folder(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/lsnn-file-XXXXXX", base != NULL ? base : "/tmp");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
    (void)state;
    char command[1100];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static int files_in(const char *path) {
    int n = 0;
    DIR *listing = opendir(path);
    assert_non_null(listing);
    while (readdir(listing) != NULL) {
        ++n;
    }
    closedir(listing);
    return n - 2; /* without . and .. */
}

static void assert_holds(const char *path, const void *bytes, size_t n) {
    uint8_t *found = NULL;
    size_t n_found = 0;
    assert_int_equal(file_read(path, &found, &n_found), LSNN_OK);
    assert_int_equal(n_found, n);
    assert_memory_equal(found, bytes, n);
    assert_int_equal(found[n], 0);
    free(found);
}

static void writes_and_reads(void **state) {
    (void)state;
    char path[2048];
    in_folder(path, "a");
    assert_false(file_exists(path));
    assert_int_equal(file_write_atomic(path, "one\0two", 7), LSNN_OK);
    assert_true(file_exists(path));
    assert_holds(path, "one\0two", 7);
    assert_int_equal(file_write_atomic(path, "3", 1), LSNN_OK);
    assert_holds(path, "3", 1);
    assert_int_equal(file_write_atomic(path, "", 0), LSNN_OK);
    assert_holds(path, "", 0);
    size_t n = 3000001;
    uint8_t *large = malloc(n);
    for (size_t i = 0; i < n; ++i) {
        large[i] = (uint8_t)(i * i >> 5);
    }
    assert_int_equal(file_write_atomic(path, large, n), LSNN_OK);
    assert_holds(path, large, n);
    free(large);
    assert_int_equal(files_in(folder), 1);
    unlink(path);
}

static void reads_files_without_a_size(void **state) {
    (void)state;
    uint8_t *bytes = NULL;
    size_t n = 0;
    assert_int_equal(file_read("/proc/self/status", &bytes, &n), LSNN_OK);
    assert_true(n > 100);
    assert_int_equal(strlen((char *)bytes), n);
    free(bytes);
}

static void names_what_it_cannot_read(void **state) {
    (void)state;
    char path[2048];
    uint8_t *bytes = NULL;
    size_t n = 77;
    assert_int_equal(file_read(in_folder(path, "missing"), &bytes, &n), LSNN_ERR_IO);
    assert_non_null(strstr(lsnn_error(), path));
    assert_non_null(strstr(lsnn_error(), "No such file"));
    assert_int_equal(file_read(folder, &bytes, &n), LSNN_ERR_IO);
    assert_non_null(strstr(lsnn_error(), folder));
    assert_null(bytes);
    assert_int_equal(n, 77);
    assert_int_equal(file_write_atomic(in_folder(path, "missing/file"), "x", 1), LSNN_ERR_IO);
    assert_non_null(strstr(lsnn_error(), path));
    assert_int_equal(files_in(folder), 0);
}

/* A write follows a link to its file, and replaces neither pipe nor device. */
static void writes_where_a_path_leads(void **state) {
    (void)state;
    char file[2048], link[2048], pipe[2048];
    assert_int_equal(file_write_atomic(in_folder(file, "file"), "old", 3), LSNN_OK);
    assert_int_equal(symlink("file", in_folder(link, "link")), 0);
    assert_int_equal(file_write_atomic(link, "new", 3), LSNN_OK);
    assert_holds(file, "new", 3);
    struct stat about;
    assert_int_equal(lstat(link, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(mkfifo(in_folder(pipe, "pipe"), 0600), 0);
    int reader = open(pipe, O_RDONLY | O_NONBLOCK);
    char got[4] = "";
    assert_true(reader >= 0);
    assert_int_equal(file_write_atomic(pipe, "abc", 3), LSNN_OK);
    assert_int_equal(read(reader, got, 3), 3);
    assert_string_equal(got, "abc");
    close(reader);
    assert_int_equal(stat(pipe, &about), 0);
    assert_true(S_ISFIFO(about.st_mode));
    assert_int_equal(file_write_atomic("/dev/null", "x", 1), LSNN_OK);
    assert_int_equal(stat("/dev/null", &about), 0);
    assert_true(S_ISCHR(about.st_mode));
    /* nor is one read for ever */
    uint8_t *bytes = NULL;
    size_t n = 1;
    assert_int_equal(file_read("/dev/zero", &bytes, &n), LSNN_ERR_IO);
    assert_non_null(strstr(lsnn_error(), "device"));
    assert_int_equal(file_read(pipe, &bytes, &n), LSNN_OK); /* nobody writes to it */
    assert_int_equal(n, 0);
    free(bytes);
    unlink(file);
    unlink(link);
    unlink(pipe);
}

static void a_failed_write_leaves_the_old_content(void **state) {
    (void)state;
    char path[2048];
    static const uint8_t large[100000];
    assert_int_equal(file_write_atomic(in_folder(path, "kept"), "old", 3), LSNN_OK);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 50000; /* as a disk that is full after so many bytes */
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    lsnn_status status = file_write_atomic(path, large, sizeof large);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, LSNN_ERR_IO);
    assert_non_null(strstr(lsnn_error(), path));
    assert_non_null(strstr(lsnn_error(), "too large"));
    assert_holds(path, "old", 3);
    assert_int_equal(files_in(folder), 1);
    unlink(path);
}

static size_t pack(const void *bytes, size_t n, uint8_t *out, size_t room) {
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (z_const Bytef *)bytes;
    stream.avail_in = (uInt)n;
    stream.next_out = out;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return room - stream.avail_out;
}

static lsnn_status unpack(const char *path, const uint8_t *packed, size_t n_packed, size_t max, uint8_t **bytes, size_t *n) {
    remove(path); /* some file systems sync a file that replaces its own content, and that takes its time */
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(packed, 1, n_packed, stream), n_packed);
    fclose(stream);
    *bytes = NULL;
    return file_read_gzip(path, max, bytes, n);
}

static void unpacks_gzip(void **state) {
    (void)state;
    char path[2048];
    static uint8_t content[20000], packed[20000];
    for (size_t i = 0; i < sizeof content; ++i) {
        content[i] = (uint8_t)(i % 251 * (i / 251));
    }
    in_folder(path, "z.gz");
    uint8_t *bytes;
    size_t n, n_packed = pack(content, sizeof content, packed, sizeof packed);
    assert_int_equal(unpack(path, packed, n_packed, sizeof content, &bytes, &n), LSNN_OK); /* exactly as many as allowed */
    assert_int_equal(n, sizeof content);
    assert_memory_equal(bytes, content, n);
    assert_int_equal(bytes[n], 0);
    free(bytes);
    assert_int_equal(unpack(path, packed, n_packed, SIZE_MAX, &bytes, &n), LSNN_OK);
    free(bytes);
    assert_int_equal(unpack(path, packed, n_packed, sizeof content - 1, &bytes, &n), LSNN_ERR_DATA);
    assert_non_null(strstr(lsnn_error(), "more than"));

    size_t second = pack("tail", 4, packed + n_packed, sizeof packed - n_packed);
    assert_int_equal(unpack(path, packed, n_packed + second, SIZE_MAX, &bytes, &n), LSNN_OK);
    assert_int_equal(n, sizeof content + 4);
    assert_memory_equal(bytes + sizeof content, "tail", 4);
    free(bytes);
    assert_int_equal(unpack(path, packed, n_packed + 1, SIZE_MAX, &bytes, &n), LSNN_ERR_DATA);
    assert_non_null(strstr(lsnn_error(), "followed by"));

    assert_int_equal(unpack(path, content, 500, 500, &bytes, &n), LSNN_OK); /* not gzip: as it is */
    assert_int_equal(n, 500);
    assert_memory_equal(bytes, content, 500);
    free(bytes);
    assert_int_equal(unpack(path, content, 500, 499, &bytes, &n), LSNN_ERR_DATA);
    unlink(path);
}

static void notices_damaged_gzip(void **state) {
    (void)state;
    char path[2048], content[300];
    uint8_t packed[500], *bytes;
    for (size_t i = 0; i < sizeof content; ++i) {
        content[i] = (char)('a' + i * i % 23);
    }
    in_folder(path, "z.gz");
    size_t n, n_packed = pack(content, sizeof content, packed, sizeof packed);
    for (size_t length = 2; length < n_packed; ++length) {
        assert_int_equal(unpack(path, packed, length, 1000, &bytes, &n), LSNN_ERR_DATA);
        assert_non_null(strstr(lsnn_error(), path));
    }
    int n_harmless = 0;
    for (size_t bit = 16; bit < 8 * n_packed; ++bit) { /* beyond the two bytes that make it gzip */
        packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        lsnn_status status = unpack(path, packed, n_packed, 1000, &bytes, &n);
        if (status == LSNN_OK) {
            ++n_harmless;
            assert_int_equal(n, sizeof content);
            assert_memory_equal(bytes, content, n);
            free(bytes);
        } else {
            assert_int_equal(status, LSNN_ERR_DATA);
        }
        packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_in_range(n_harmless, 1, 49 + 7); /* a time, two kinds and a text flag in the header, and the bits that fill the last byte */
    unlink(path);
}

static void creates_folders(void **state) {
    (void)state;
    char path[2048], deep[2048];
    assert_int_equal(folder_create(in_folder(deep, "a/b//c/")), LSNN_OK);
    assert_true(folder_exists(deep));
    assert_false(file_exists(deep));
    assert_int_equal(folder_create(deep), LSNN_OK);
    assert_int_equal(folder_create("/"), LSNN_OK);
    assert_int_equal(folder_create("."), LSNN_OK);
    assert_int_equal(folder_create(""), LSNN_ERR_IO);
    assert_int_equal(file_write_atomic(in_folder(path, "a/file"), "x", 1), LSNN_OK);
    assert_false(folder_exists(path));
    assert_int_equal(folder_create(path), LSNN_ERR_IO);
    assert_int_equal(folder_create(in_folder(path, "a/file/below")), LSNN_ERR_IO);
    assert_non_null(strstr(lsnn_error(), path));
}

static void joins_paths(void **state) {
    (void)state;
    char path[8];
    assert_int_equal(path_join(path, sizeof path, "ab", "cdef"), LSNN_OK);
    assert_string_equal(path, "ab/cdef");
    assert_int_equal(path_join(path, sizeof path, "ab/", "cdef"), LSNN_OK);
    assert_string_equal(path, "ab/cdef");
    assert_int_equal(path_join(path, sizeof path, "", "x"), LSNN_OK);
    assert_string_equal(path, "x");
    assert_int_equal(path_join(path, sizeof path, "ab", "cdefg"), LSNN_ERR_IO);
    assert_non_null(strstr(lsnn_error(), "ab/cdefg"));
    assert_true(path_has_ending("x.npy", ".npy"));
    assert_true(path_has_ending(".npy", ".npy"));
    assert_false(path_has_ending("npy", ".npy"));
    assert_false(path_has_ending("x.npy.gz", ".npy"));
}

static void computes_sha256(void **state) { /* FIPS 180-2, appendix B */
    (void)state;
    char hex[65];
    sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_hex("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void locks_exclude(void **state) {
    (void)state;
    char path[2048];
    int first = -1, second = -1;
    assert_int_equal(file_lock(in_folder(path, "lock"), &first), LSNN_OK);
    assert_int_equal(file_lock(path, &second), LSNN_ERR_BUSY);
    assert_int_equal(second, -1);
    assert_non_null(strstr(lsnn_error(), path));
    assert_non_null(strstr(lsnn_error(), "--out"));
    file_unlock(first);
    assert_int_equal(file_lock(path, &second), LSNN_OK);
    file_unlock(second);
    assert_int_equal(file_lock(in_folder(path, "missing/lock"), &second), LSNN_ERR_IO);
    assert_non_null(strstr(lsnn_error(), path));
}

static void a_killed_process_leaves_no_lock(void **state) {
    (void)state;
    char path[2048];
    in_folder(path, "lock");
    int ready[2], lock = -1;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        char good = file_lock(path, &lock) == LSNN_OK ? 'y' : 'n';
        if (write(ready[1], &good, 1) == 1) {
            pause();
        }
        _exit(1);
    }
    assert_true(child > 0);
    char answer = 0;
    assert_int_equal(read(ready[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    lsnn_status while_alive = file_lock(path, &lock);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(while_alive, LSNN_ERR_BUSY);
    assert_int_equal(file_lock(path, &lock), LSNN_OK);
    file_unlock(lock);
    close(ready[0]);
    close(ready[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_reads),
        cmocka_unit_test(reads_files_without_a_size),
        cmocka_unit_test(names_what_it_cannot_read),
        cmocka_unit_test(writes_where_a_path_leads),
        cmocka_unit_test(a_failed_write_leaves_the_old_content),
        cmocka_unit_test(unpacks_gzip),
        cmocka_unit_test(notices_damaged_gzip),
        cmocka_unit_test(creates_folders),
        cmocka_unit_test(joins_paths),
        cmocka_unit_test(computes_sha256),
        cmocka_unit_test(locks_exclude),
        cmocka_unit_test(a_killed_process_leaves_no_lock),
    };
    return cmocka_run_group_tests_name("file", tests, create_folder, remove_folder);
}
