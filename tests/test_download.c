/* data/download: from a server on this machine that cuts, ignores ranges, or has something else. */
#include "base/file.h"
#include "data/download.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef LSNN_SOURCE_DIR
#define LSNN_SOURCE_DIR "."
#endif

enum { PATH_SIZE = 2048 };

static const char *const names[] = {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
                                    "t10k-labels-idx1-ubyte.gz"};
enum { N_NAMES = sizeof names / sizeof *names };

/* ---- folders, and what is said ---- */

static char base[1024]; /* holds served/ data/ log */

static const char *at(char path[PATH_SIZE], const char *name) {
    assert_int_equal(path_join(path, PATH_SIZE, base, name), LSNN_OK);
    return path;
}

static void run(const char *format, const char *path) {
    char command[PATH_SIZE + 64];
    snprintf(command, sizeof command, format, path);
    assert_int_equal(system(command), 0);
}

static int create_folders(void **state) {
    (void)state;
    const char *temporary = getenv("TMPDIR");
    snprintf(base, sizeof base, "%s/lsnn-download-XXXXXX", temporary != NULL ? temporary : "/tmp");
    if (mkdtemp(base) == NULL) {
        return 1;
    }
    char path[PATH_SIZE];
    return folder_create(at(path, "served")) != LSNN_OK || folder_create(at(path, "data")) != LSNN_OK;
}

static int remove_folders(void **state) {
    (void)state;
    run("rm -rf '%s'", base);
    return 0;
}

static void put(const char *name, const void *bytes, size_t n) {
    char path[PATH_SIZE];
    assert_int_equal(file_write_atomic(at(path, name), bytes, n), LSNN_OK);
}

static char *text_of(const char *name) {
    char path[PATH_SIZE];
    uint8_t *text = NULL;
    size_t n;
    assert_int_equal(file_read(at(path, name), &text, &n), LSNN_OK);
    return (char *)text;
}

static int64_t size_of(const char *name) { /* -1: not there */
    char path[PATH_SIZE];
    struct stat about;
    return stat(at(path, name), &about) == 0 ? about.st_size : -1;
}

static void assert_data_is_empty(void) { /* neither files nor what is left of a download */
    char path[PATH_SIZE];
    run("test -z \"$(find '%s' -type f)\"", at(path, "data"));
}

static void assert_said(const char *text, const char *words) {
    if (strstr(text, words) == NULL) {
        fail_msg("'%s' does not say '%s'", text, words);
    }
}

typedef struct listener {
    char said[8192];
    int n_calls, stop_at; /* of the progress; 0: never */
    int64_t bytes, bytes_total;
} listener;

static void hear(void *user, const char *text) {
    listener *l = user;
    size_t length = strlen(l->said);
    snprintf(l->said + length, sizeof l->said - length, "%s\n", text);
}

static int follow(void *user, const char *file, int64_t bytes, int64_t bytes_total) {
    listener *l = user;
    assert_non_null(strstr(file, "ubyte.gz"));
    l->bytes = bytes;
    l->bytes_total = bytes_total;
    return ++l->n_calls == l->stop_at;
}

/* ---- the server ---- */

typedef struct server {
    pid_t process;
    char url[64];
} server;

/* Starts tests/http_server.py on served/, with up to two more arguments. */
static server start(const char *option, const char *value) {
    char program[PATH_SIZE], folder[PATH_SIZE], log[PATH_SIZE];
    at(folder, "served");
    at(log, "log");
    assert_int_equal(path_join(program, sizeof program, LSNN_SOURCE_DIR, "tests/http_server.py"), LSNN_OK);
    int output[2];
    assert_int_equal(pipe(output), 0);
    server s = {.process = fork()};
    if (s.process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* no server outlives its test */
        dup2(output[1], STDOUT_FILENO);
        close(output[0]);
        close(output[1]);
        execlp("python3", "python3", "-I", program, folder, log, option, value, (char *)NULL);
        _exit(127);
    }
    assert_true(s.process > 0);
    close(output[1]);
    FILE *stream = fdopen(output[0], "r");
    int port = 0;
    assert_int_equal(fscanf(stream, "%d", &port), 1);
    fclose(stream);
    snprintf(s.url, sizeof s.url, "http://127.0.0.1:%d/", port);
    return s;
}

static void stop(const server *s) {
    assert_int_equal(kill(s->process, SIGTERM), 0);
    assert_int_equal(waitpid(s->process, NULL, 0), s->process);
}

static lsnn_status get(const char *url, listener *l) {
    char folder[PATH_SIZE];
    *l = (listener){.stop_at = l->stop_at};
    lsnn_data_options options = {.folder = at(folder, "data"), .base_url = url, .progress = follow, .message = hear, .user = l};
    return lsnn_data_get("mnist", &options);
}

static void clear(void) {
    char path[PATH_SIZE];
    run("rm -rf '%s'/*", at(path, "data"));
    run("rm -rf '%s'/*", at(path, "served"));
    run("rm -f '%s'", at(path, "log"));
}

static const char content[10000] = "surely not the images of MNIST";

/* ---- the tests that need no data ---- */

static void nothing_at_the_address(void **state) {
    (void)state;
    listener l = {0};
    clear();
    server s = start(NULL, NULL);
    lsnn_status status = get(s.url, &l);
    stop(&s);
    assert_int_equal(status, LSNN_ERR_NETWORK);
    assert_said(lsnn_error(), "404");
    assert_said(lsnn_error(), s.url);
    assert_data_is_empty();
}

static void nobody_at_the_address(void **state) {
    (void)state;
    listener l = {0};
    char path[PATH_SIZE];
    clear();
    server s = start(NULL, NULL);
    stop(&s); /* a port that was free a moment ago */
    assert_int_equal(get(s.url, &l), LSNN_ERR_NETWORK);
    assert_said(lsnn_error(), at(path, "data/mnist"));
    for (int i = 0; i < N_NAMES; ++i) {
        assert_said(lsnn_error(), names[i]);
    }
    assert_data_is_empty();
}

static void other_content_is_refused(void **state) {
    (void)state;
    listener l = {0};
    clear();
    put("served/train-images-idx3-ubyte.gz", content, sizeof content);
    server s = start(NULL, NULL);
    assert_int_equal(get(s.url, &l), LSNN_ERR_DATA);
    assert_said(lsnn_error(), "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db");
    char found[65];
    sha256_hex(content, sizeof content, found);
    assert_said(lsnn_error(), found);
    assert_data_is_empty();
    assert_int_equal(l.bytes, sizeof content);
    assert_int_equal(l.bytes_total, sizeof content);

    put("served/train-images-idx3-ubyte.gz", "\x1f\x8b\x08 and no more", 15); /* gzip, but not for long */
    assert_int_equal(get(s.url, &l), LSNN_ERR_DATA);
    assert_said(lsnn_error(), "gzip");
    assert_data_is_empty();
    stop(&s);
}

static void too_much_is_refused_before_it_fills_the_disk(void **state) {
    (void)state;
    listener l = {0};
    char path[PATH_SIZE];
    clear();
    put("served/train-images-idx3-ubyte.gz", "", 0);
    assert_int_equal(truncate(at(path, "served/train-images-idx3-ubyte.gz"), 80000000), 0);
    server s = start(NULL, NULL);
    assert_int_equal(get(s.url, &l), LSNN_ERR_DATA);
    stop(&s);
    assert_said(lsnn_error(), "more than 52924114 bytes");
    assert_data_is_empty();
}

static void a_cut_download_goes_on(void **state) {
    (void)state;
    listener l = {0};
    clear();
    put("served/train-images-idx3-ubyte.gz", content, sizeof content);
    server s = start("--cut", "3000");
    assert_int_equal(get(s.url, &l), LSNN_ERR_NETWORK);
    assert_said(lsnn_error(), "train-images-idx3-ubyte.gz");
    assert_int_equal(size_of("data/mnist/train-images-idx3-ubyte.gz.part"), 3000);
    /* The rest comes, the whole is not what it should be, and as the first part could be to blame, it is asked for once more. */
    assert_int_equal(get(s.url, &l), LSNN_ERR_DATA);
    stop(&s);
    assert_said(l.said, "going on with");
    char *log = text_of("log");
    assert_string_equal(log,
                        "train-images-idx3-ubyte.gz -\n"
                        "train-images-idx3-ubyte.gz bytes=3000-\n"
                        "train-images-idx3-ubyte.gz -\n");
    free(log);
    assert_data_is_empty();
}

static void stopping_keeps_what_has_come(void **state) {
    (void)state;
    listener l = {.stop_at = 1};
    clear();
    put("served/train-images-idx3-ubyte.gz", content, sizeof content);
    char path[PATH_SIZE];
    assert_int_equal(folder_create(at(path, "data/mnist")), LSNN_OK);
    put("data/mnist/train-images-idx3-ubyte.gz.part", content, 1000);
    server s = start(NULL, NULL);
    assert_int_equal(get(s.url, &l), LSNN_STOPPED);
    stop(&s);
    assert_int_equal(l.n_calls, 1);
    assert_true(size_of("data/mnist/train-images-idx3-ubyte.gz.part") >= 1000);
    assert_int_equal(size_of("data/mnist/train-images-idx3-ubyte.gz"), -1);
}

static void two_downloads_do_not_mix(void **state) {
    (void)state;
    listener l = {0};
    char path[PATH_SIZE];
    int lock;
    clear();
    assert_int_equal(folder_create(at(path, "data/mnist")), LSNN_OK);
    assert_int_equal(file_lock(at(path, "data/mnist/train-images-idx3-ubyte.gz.part"), &lock), LSNN_OK); /* as another process would */
    assert_int_equal(get("http://127.0.0.1:1/", &l), LSNN_ERR_BUSY);
    file_unlock(lock);
    assert_said(lsnn_error(), path);
    assert_int_equal(get("http://127.0.0.1:1/", &l), LSNN_ERR_NETWORK);
}

static void the_variable_gives_the_address(void **state) {
    (void)state;
    listener l = {0};
    clear();
    assert_int_equal(setenv("LSNN_DATA_URL", "http://127.0.0.1:1/there", 1), 0);
    lsnn_status status = get(NULL, &l);
    unsetenv("LSNN_DATA_URL");
    assert_int_equal(status, LSNN_ERR_NETWORK);
    assert_said(lsnn_error(), "http://127.0.0.1:1/there/train-images-idx3-ubyte.gz");
}

static void own_files_stay(void **state) {
    (void)state;
    listener l = {0};
    char path[PATH_SIZE];
    clear();
    assert_int_equal(folder_create(at(path, "data/mnist")), LSNN_OK);
    put("data/mnist/train-images-idx3-ubyte", "mine", 4); /* not packed */
    for (int i = 1; i < N_NAMES; ++i) {
        snprintf(path, sizeof path, "data/mnist/%s", names[i]);
        put(path, "mine", 4);
    }
    assert_int_equal(get("http://127.0.0.1:1/", &l), LSNN_OK);
    assert_said(l.said, "warning");
    assert_said(l.said, "data/mnist/train-images-idx3-ubyte: the SHA-256");
    assert_said(l.said, "0 new");
    char *text = text_of("data/mnist/t10k-labels-idx1-ubyte.gz");
    assert_string_equal(text, "mine");
    free(text);
}

static void names_are_known_or_not(void **state) {
    (void)state;
    listener l = {0};
    lsnn_data_options options = {.message = hear, .user = &l};
    assert_int_equal(lsnn_data_get("mmist", &options), LSNN_ERR_USAGE);
    assert_said(lsnn_error(), "'mmist'");
    assert_said(lsnn_error(), "digits, mnist and fsdd");
    assert_int_equal(lsnn_data_get("digits", &options), LSNN_OK);
    assert_said(l.said, "ships with the program");
    assert_int_equal(lsnn_data_get("digits", NULL), LSNN_OK);
}

static void a_folder_that_cannot_be_made(void **state) {
    (void)state;
    listener l = {0};
    clear();
    put("data/mnist", "a file where the folder should be", 33);
    assert_int_equal(get("http://127.0.0.1:1/", &l), LSNN_ERR_IO);
    assert_said(lsnn_error(), "data/mnist");
}

static void finds_the_folder(void **state) {
    (void)state;
    char path[PATH_SIZE], before[PATH_SIZE];
    snprintf(before, sizeof before, "%s", getenv("HOME") != NULL ? getenv("HOME") : "");
    setenv("LSNN_DATA", "/set", 1);
    setenv("XDG_DATA_HOME", "/xdg", 1);
    setenv("HOME", "/home/me", 1);
    assert_int_equal(data_folder(path, sizeof path, "/mine", "mnist"), LSNN_OK);
    assert_string_equal(path, "/mine/mnist");
    assert_int_equal(data_folder(path, sizeof path, NULL, "mnist"), LSNN_OK);
    assert_string_equal(path, "/set/mnist");
    setenv("LSNN_DATA", "", 1);
    assert_int_equal(data_folder(path, sizeof path, NULL, "mnist"), LSNN_OK);
    assert_string_equal(path, "/xdg/lsnn/mnist");
    unsetenv("LSNN_DATA");
    unsetenv("XDG_DATA_HOME");
    assert_int_equal(data_folder(path, sizeof path, NULL, "mnist"), LSNN_OK);
    assert_string_equal(path, "/home/me/.local/share/lsnn/mnist");
    assert_int_equal(data_folder(path, 20, NULL, "mnist"), LSNN_ERR_IO);
    unsetenv("HOME");
    assert_int_equal(data_folder(path, sizeof path, NULL, "mnist"), LSNN_ERR_IO);
    assert_said(lsnn_error(), "LSNN_DATA");
    setenv("HOME", before, 1);
}

static void note(void *user, const lsnn_data_set *set) {
    listener *l = user;
    char line[2000];
    snprintf(line, sizeof line, "%s|%s|%s|%d", set->name, set->licence, set->path, set->present);
    hear(l, line);
}

static void lists_what_is_there(void **state) {
    (void)state;
    listener l = {0};
    char path[PATH_SIZE], expected[2 * PATH_SIZE];
    clear();
    at(path, "data");
    assert_int_equal(lsnn_data_list(path, note, &l), LSNN_OK);
    assert_said(l.said, "digits|CC BY 4.0|");
    snprintf(expected, sizeof expected, "mnist|CC BY-SA 3.0|%s/mnist|0\n", path);
    assert_said(l.said, expected);
    char file[PATH_SIZE];
    assert_int_equal(folder_create(at(file, "data/mnist")), LSNN_OK);
    for (int i = 0; i < N_NAMES; ++i) {
        snprintf(file, sizeof file, "data/mnist/%s", names[i]);
        put(file, "x", 1);
    }
    l = (listener){0};
    assert_int_equal(lsnn_data_list(path, note, &l), LSNN_OK);
    snprintf(expected, sizeof expected, "mnist|CC BY-SA 3.0|%s/mnist|1\n", path);
    assert_said(l.said, expected);
}

/* ---- the tests with the real files ---- */

/* Serves the real files. The training images, which may be a rebuilt version with another checksum, are in place already. */
static void serve_real(void) {
    const char *real = getenv("LSNN_TEST_MNIST");
    if (real == NULL) {
        skip();
    }
    clear();
    char path[PATH_SIZE];
    assert_int_equal(folder_create(at(path, "data/mnist")), LSNN_OK);
    for (int i = 0; i < N_NAMES; ++i) {
        uint8_t *bytes = NULL;
        size_t n;
        char to[PATH_SIZE];
        assert_int_equal(path_join(path, sizeof path, real, names[i]), LSNN_OK);
        assert_int_equal(file_read(path, &bytes, &n), LSNN_OK);
        snprintf(to, sizeof to, "%s/%s", i == 0 ? "data/mnist" : "served", names[i]);
        put(to, bytes, n);
        free(bytes);
    }
}

static void assert_same(const char *name) {
    char path[PATH_SIZE], other[PATH_SIZE];
    snprintf(path, sizeof path, "data/mnist/%s", name);
    snprintf(other, sizeof other, "served/%s", name);
    assert_int_equal(size_of(path), size_of(other));
    char *a = text_of(path), *b = text_of(other);
    assert_memory_equal(a, b, (size_t)size_of(path));
    free(a);
    free(b);
    strcat(path, ".part");
    assert_int_equal(size_of(path), -1);
}

static void downloads_once(void **state) {
    (void)state;
    listener l = {0};
    serve_real();
    server s = start(NULL, NULL);
    assert_int_equal(get(s.url, &l), LSNN_OK);
    assert_said(l.said, "3 new");
    assert_true(l.n_calls > 0);
    for (int i = 1; i < N_NAMES; ++i) {
        assert_same(names[i]);
    }
    char *log = text_of("log");
    assert_string_equal(log, "train-labels-idx1-ubyte.gz -\nt10k-images-idx3-ubyte.gz -\nt10k-labels-idx1-ubyte.gz -\n");
    free(log);
    assert_int_equal(get(s.url, &l), LSNN_OK);
    assert_said(l.said, "0 new");
    assert_int_equal(l.n_calls, 0);
    stop(&s);
}

/* A download that is cut after 3000 bytes, and goes on: with a range, or, if the server knows none, from the start. */
static void goes_on(const char *option, const char *expected) {
    listener l = {0};
    serve_real();
    server s = start("--cut", "3000");
    assert_int_equal(get(s.url, &l), LSNN_ERR_NETWORK);
    stop(&s);
    assert_int_equal(size_of("data/mnist/train-labels-idx1-ubyte.gz.part"), 3000);
    s = start(option, NULL);
    assert_int_equal(get(s.url, &l), LSNN_OK);
    stop(&s);
    assert_said(l.said, "going on with");
    for (int i = 1; i < N_NAMES; ++i) {
        assert_same(names[i]);
    }
    char *log = text_of("log");
    assert_memory_equal(log, expected, strlen(expected));
    free(log);
}

/* Of an archive it is the recordings that are checked. */
static lsnn_status get_digits(const char *url, listener *l) {
    char path[PATH_SIZE];
    lsnn_data_options options = {.folder = at(path, "data"), .base_url = url, .message = hear, .user = l};
    l->said[0] = 0;
    return lsnn_data_get("fsdd", &options);
}

static void an_archive_of_other_recordings_is_refused(void **state) {
    (void)state;
    char path[PATH_SIZE];
    listener l = {0};
    clear();
    run("cd '%s' && echo sound >7_jackson_1.wav && tar czf served/recordings.tar.gz 7_jackson_1.wav", base);
    server s = start(NULL, NULL);
    assert_int_equal(get_digits(s.url, &l), LSNN_ERR_DATA);
    assert_said(lsnn_error(), "the SHA-256 of the list of its recordings' SHA-256 is ");
    run("echo no archive >'%s'", at(path, "served/recordings.tar.gz"));
    assert_int_equal(get_digits(s.url, &l), LSNN_ERR_DATA);
    assert_said(lsnn_error(), "no archive that can be read");
    stop(&s);
    assert_data_is_empty();
}

static void the_spoken_digits_are_known_however_they_are_packed(void **state) {
    (void)state;
    const char *real = getenv("LSNN_TEST_FSDD");
    if (real == NULL) {
        skip();
    }
    listener l = {0};
    clear();
    char path[PATH_SIZE];
    uint8_t *bytes = NULL;
    size_t n;
    assert_int_equal(path_join(path, sizeof path, real, "recordings.tar.gz"), LSNN_OK);
    assert_int_equal(file_read(path, &bytes, &n), LSNN_OK);
    put("served/recordings.tar.gz", bytes, n);
    free(bytes);
    server s = start(NULL, NULL);
    for (int again = 0; again < 2; ++again) {
        assert_int_equal(get_digits(s.url, &l), LSNN_OK);
        assert_said(l.said, "1 new");
        assert_int_equal(get_digits(s.url, &l), LSNN_OK);
        assert_said(l.said, "0 new");
        run("cd '%s' && rm -r data/fsdd && mkdir -p other && tar xzf served/recordings.tar.gz -C other && tar czf served/recordings.tar.gz "
            "--sort=name --mtime=@0 other && rm -r other",
            base);
    }
    stop(&s);
}

static void goes_on_with_a_range(void **state) {
    (void)state;
    goes_on(NULL, "train-labels-idx1-ubyte.gz -\ntrain-labels-idx1-ubyte.gz bytes=3000-\nt10k-images-idx3-ubyte.gz -\n");
}

static void goes_on_without_ranges(void **state) {
    (void)state;
    goes_on(
        "--no-range",
        "train-labels-idx1-ubyte.gz -\ntrain-labels-idx1-ubyte.gz bytes=3000-\ntrain-labels-idx1-ubyte.gz -\nt10k-images-idx3-ubyte.gz -\n");
}

/* Killed between the last byte and the renaming; or what was there before is of something else, and too long. */
static void whatever_was_left_before(void **state) {
    (void)state;
    listener l = {0};
    serve_real();
    char path[PATH_SIZE];
    char *whole = text_of("served/t10k-labels-idx1-ubyte.gz");
    put("data/mnist/t10k-labels-idx1-ubyte.gz.part", whole, (size_t)size_of("served/t10k-labels-idx1-ubyte.gz"));
    free(whole);
    put("data/mnist/train-labels-idx1-ubyte.gz.part", content, sizeof content);
    char *large = calloc(1, 9000000);
    put("data/mnist/t10k-images-idx3-ubyte.gz.part", large, 9000000);
    free(large);
    server s = start(NULL, NULL);
    lsnn_status status = get(s.url, &l);
    stop(&s);
    if (status != LSNN_OK) {
        fail_msg("%s", lsnn_error());
    }
    for (int i = 1; i < N_NAMES; ++i) {
        assert_same(names[i]);
    }
    run("test \"$(find '%s' -type f | wc -l)\" = 4", at(path, "data"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_at_the_address),
        cmocka_unit_test(nobody_at_the_address),
        cmocka_unit_test(other_content_is_refused),
        cmocka_unit_test(too_much_is_refused_before_it_fills_the_disk),
        cmocka_unit_test(a_cut_download_goes_on),
        cmocka_unit_test(stopping_keeps_what_has_come),
        cmocka_unit_test(two_downloads_do_not_mix),
        cmocka_unit_test(the_variable_gives_the_address),
        cmocka_unit_test(own_files_stay),
        cmocka_unit_test(names_are_known_or_not),
        cmocka_unit_test(a_folder_that_cannot_be_made),
        cmocka_unit_test(finds_the_folder),
        cmocka_unit_test(lists_what_is_there),
        cmocka_unit_test(downloads_once),
        cmocka_unit_test(an_archive_of_other_recordings_is_refused),
        cmocka_unit_test(the_spoken_digits_are_known_however_they_are_packed),
        cmocka_unit_test(goes_on_with_a_range),
        cmocka_unit_test(goes_on_without_ranges),
        cmocka_unit_test(whatever_was_left_before),
    };
    setenv("no_proxy", "127.0.0.1", 1); /* whatever the user has for other addresses */
    unsetenv("LSNN_DATA_URL");
    return cmocka_run_group_tests_name("download", tests, create_folders, remove_folders);
}
