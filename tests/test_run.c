/* Runs through the public functions: interrupted and resumed in every way, and refused where they have to be. */
#include "base/file.h"
#include "base/tensorfile.h"
#include "support/needs.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_SIZE = FOLDER_SIZE + 100, N_ITERATIONS = 12 };

/* ---- tiny experiments ---- */

typedef struct tiny {
    const char *name, *experiment;
    const char *settings[24];
} tiny;

#define COMMON                                                                                                                 \
    "train.iterations=12", "train.valid_every=4", "train.checkpoint_every=5", "train.valid_batches=1", "train.test_batches=2", \
        "train.lr=0.02", "train.lr_schedule=step"
#define RECALL                                                                                                                             \
    "net.n_lif=6", "net.n_adaptive=5", "train.batch=9", "store-recall.symbol_ms=20", "store-recall.n_symbols=4", "store-recall.n_group=4", \
        "store-recall.rate=200"

static const tiny carried = {"carried", "store-recall", {COMMON, RECALL, "train.carry_state=true"}};
static const tiny from_rest = {"from rest", "store-recall", {COMMON, RECALL, "train.carry_state=false"}};
static const tiny noisy = {
    "noisy",
    "store-recall",
    {COMMON, RECALL, "train.carry_state=true", "net.noise=0.05", "net.noise_trainable=true", "net.connectivity=0.5"}};
static const tiny digits = {"digits",
                            "digits",
                            {COMMON, "net.n_lif=6", "net.n_adaptive=6", "train.batch=16", "image.pixel_ms=1", "image.cue_ms=8",
                             "image.readout_ms=5", "image.n_thresholds=17", "net.n_delay=5", "net.n_ref=2", "net.beta=1.8",
                             "loss.rate_strength=0.1", "loss.rate_target=20", "image.n_valid=20", "image.n_test=33"}};
static const tiny rewired = {"rewired",
                             "store-recall",
                             {COMMON, RECALL, "train.carry_state=true", "net.noise=0.05", "net.noise_trainable=true", "net.n_delay=4",
                              "rewire.connectivity=0.3", "rewire.l1=1", "rewire.temperature=0.001"}};
static const tiny rewired_dense = {
    "rewired, all gradients",
    "digits",
    {COMMON, "net.n_lif=6", "net.n_adaptive=6", "train.batch=16", "image.pixel_ms=1", "net.n_delay=5", "net.excitatory=0.75",
     "net.init=balanced", "image.n_valid=20", "image.n_test=33", "rewire.connectivity=0.4", "rewire.l1=0.5", "rewire.gradients=all"}};
static const tiny rewired_soft = {
    "rewired softly",
    "store-recall",
    {COMMON, RECALL, "train.carry_state=false", "rewire.connectivity=0.5", "rewire.l1=0.1", "rewire.temperature=0.02", "rewire.soft=true"}};
static const tiny learning = {
    "learning to learn",
    "l2l-teacher",
    {COMMON, "net.n_lif=6", "net.n_adaptive=5", "train.batch=10", "l2l.n_examples=6", "l2l.example_ms=7", "l2l.n_code=9"}};
static const tiny *const tinies[] = {&carried, &from_rest, &noisy, &digits, &rewired, &rewired_dense, &rewired_soft, &learning};
enum { N_TINIES = 8 };

static bool is_drawn(const tiny *t) {
    return strcmp(t->experiment, "digits") != 0;
}

static lsnn_experiment *open_tiny(const tiny *t) {
    lsnn_experiment *e;
    need(lsnn_experiment_open(&e, t->experiment));
    for (size_t k = 0; t->settings[k] != NULL; k++) {
        need(lsnn_experiment_set(e, t->settings[k]));
    }
    return e;
}

/* Stops, or kills the process, after iteration `at`. */
typedef struct interruption {
    int64_t at;
    bool kill;
    volatile int stop;
    int n_calls;
    int64_t last;
    char message[2000];
} interruption;

static void watch(void *user, const lsnn_progress *p) {
    interruption *i = user;
    i->n_calls++;
    i->last = p->iteration;
    if (p->iteration == i->at) {
        if (i->kill) {
            raise(SIGKILL);
        }
        i->stop = 1;
    }
}

static void hear(void *user, const char *text) {
    interruption *i = user;
    size_t used = strlen(i->message);
    snprintf(i->message + used, sizeof i->message - used, "%s\n", text);
}

static lsnn_status run_on(const lsnn_experiment *e, const char *out, bool resume, interruption *i, lsnn_result *result, int n_threads,
                          const char *unit) {
    lsnn_result unused;
    interruption none = {0};
    i = i != NULL ? i : &none;
    lsnn_context *context = context_on(unit, n_threads);
    lsnn_status status = lsnn_train(
        e, context, &(lsnn_run_options){.out = out, .resume = resume, .progress = watch, .message = hear, .user = i, .stop = &i->stop},
        result != NULL ? result : &unused);
    lsnn_context_free(context);
    return status;
}

static lsnn_status run(const lsnn_experiment *e, const char *out, bool resume, interruption *i, lsnn_result *result) {
    return run_on(e, out, resume, i, result, 1, NULL);
}

/* A folder for a test's runs. */
typedef struct place {
    char folder[FOLDER_SIZE];
    char path[PATH_SIZE];
} place;

static int set_up(void **state) {
    place *p = calloc(1, sizeof *p);
    folder_make(p->folder);
    *state = p;
    return 0;
}

static int tear_down(void **state) {
    place *p = *state;
    folder_remove(p->folder);
    free(p);
    return 0;
}

static void path_of(char path[PATH_SIZE], const place *p, const char *name) {
    snprintf(path, PATH_SIZE, "%s/%s", p->folder, name);
}

static void read_whole(const char *folder, const char *name, uint8_t **bytes, size_t *n) {
    char path[PATH_SIZE + 100];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    need(file_read(path, bytes, n));
}

static void need_same_file(const char *what, const char *got_folder, const char *want_folder, const char *name) {
    uint8_t *got;
    uint8_t *want;
    size_t n_got;
    size_t n_want;
    read_whole(got_folder, name, &got, &n_got);
    read_whole(want_folder, name, &want, &n_want);
    if (n_got != n_want || memcmp(got, want, n_got) != 0) {
        fail_msg("%s: %s differs (%zu and %zu bytes)", what, name, n_got, n_want);
    }
    free(got);
    free(want);
}

/* Line by line the same, but for the seconds. */
static void need_same_metrics(const char *what, const char *got_folder, const char *want_folder, int n_lines) {
    uint8_t *got;
    uint8_t *want;
    size_t n_got;
    size_t n_want;
    read_whole(got_folder, "metrics.jsonl", &got, &n_got);
    read_whole(want_folder, "metrics.jsonl", &want, &n_want);
    char *a = (char *)got;
    char *b = (char *)want;
    for (int line = 1; line <= n_lines; line++) {
        char *end_a = strchr(a, '\n');
        char *end_b = strchr(b, '\n');
        if (end_a == NULL || end_b == NULL) {
            fail_msg("%s: metrics.jsonl has fewer than %d lines", what, n_lines);
            return;
        }
        json_t *x = json_loadb(a, (size_t)(end_a - a), 0, NULL);
        json_t *y = json_loadb(b, (size_t)(end_b - b), 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(x, "iteration")), line);
        assert_true(json_is_number(json_object_get(x, "seconds")) && json_is_number(json_object_get(y, "seconds")));
        json_object_del(x, "seconds");
        json_object_del(y, "seconds");
        if (!json_equal(x, y)) {
            fail_msg("%s: line %d of metrics.jsonl is %.*s, should be %.*s", what, line, (int)(end_a - a), a, (int)(end_b - b), b);
        }
        json_decref(x);
        json_decref(y);
        a = end_a + 1;
        b = end_b + 1;
    }
    assert_true(*a == '\0' && *b == '\0');
    free(got);
    free(want);
}

static json_t *read_result(const char *folder) {
    char path[PATH_SIZE + 100];
    snprintf(path, sizeof path, "%s/result.json", folder);
    json_t *root = json_load_file(path, 0, NULL);
    assert_true(json_is_object(root));
    return root;
}

static void need_same_result(const char *what, const char *got_folder, const char *want_folder) {
    json_t *got = read_result(got_folder);
    json_t *want = read_result(want_folder);
    static const char *const free_to_differ[] = {"seconds", "threads", "isa"};
    for (size_t k = 0; k < 3; k++) {
        json_object_del(got, free_to_differ[k]);
        json_object_del(want, free_to_differ[k]);
    }
    if (!json_equal(got, want)) {
        fail_msg("%s: result.json differs", what);
    }
    json_decref(got);
    json_decref(want);
}

static void need_same_run(const char *what, const char *got, const char *want) {
    need_same_file(what, got, want, "last.safetensors");
    need_same_file(what, got, want, "best.safetensors");
    need_same_file(what, got, want, "settings.yaml");
    need_same_metrics(what, got, want, N_ITERATIONS);
    need_same_result(what, got, want);
}

/* The run that nothing happens to. */
static void make_whole(const place *p, const tiny *t, char path[PATH_SIZE]) {
    path_of(path, p, "whole");
    lsnn_experiment *e = open_tiny(t);
    need(run(e, path, false, NULL, NULL));
    lsnn_experiment_free(e);
}

/* ---- resumed is as if it had never stopped ---- */

static void stopped_and_resumed_is_the_same(void **state) {
    const place *p = *state;
    for (size_t k = 0; k < N_TINIES; k++) {
        const tiny *t = tinies[k];
        char whole[PATH_SIZE];
        char name[40];
        char path[PATH_SIZE];
        lsnn_experiment *e = open_tiny(t);
        snprintf(name, sizeof name, "whole%zu", k);
        path_of(whole, p, name);
        lsnn_result want;
        need(run(e, whole, false, NULL, &want));
        assert_true(want.rate_hz > 1); /* it is alive, and it learns from the start to the end */
        assert_int_equal(want.iterations, N_ITERATIONS);
        assert_false(want.was_finished);
        static const int64_t stops[] = {1, 4, 5, 9, N_ITERATIONS};
        for (size_t s = 0; s < sizeof stops / sizeof *stops; s++) {
            interruption i = {.at = stops[s]};
            lsnn_result got;
            snprintf(name, sizeof name, "%zu-stopped-%d", k, (int)stops[s]);
            path_of(path, p, name);
            need_error(run(e, path, false, &i, NULL), LSNN_STOPPED, stops[s] < N_ITERATIONS ? path : NULL);
            assert_int_equal(i.n_calls, stops[s]);
            interruption after = {.at = -1};
            need(run(e, path, true, &after, &got));
            assert_int_equal(after.n_calls, N_ITERATIONS - stops[s]);
            need_same_run(name, path, whole);
            assert_true(got.score == want.score && got.loss == want.loss && got.rate_hz == want.rate_hz && got.n == want.n);
        }
        /* once more, stopped again and again, each part on other threads and another vector unit */
        const char *units[MAX_VECTOR_UNITS];
        size_t n_units = vector_units(units);
        snprintf(name, sizeof name, "%zu-again", k);
        path_of(path, p, name);
        for (int64_t at = 2; at < N_ITERATIONS; at += 3) {
            need_error(run_on(e, path, at > 2, &(interruption){.at = at}, NULL, 1 + (int)at % 3, units[(size_t)at % n_units]), LSNN_STOPPED,
                       NULL);
        }
        need(run_on(e, path, true, NULL, NULL, 2, units[0]));
        need_same_run(name, path, whole);
        lsnn_experiment_free(e);
    }
}

/* Runs in a process of its own; returns how that ended. */
static int run_apart(const lsnn_experiment *e, const char *out, bool resume, interruption *i, rlim_t longest_file) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (longest_file != RLIM_INFINITY) {
            signal(SIGXFSZ, SIG_IGN);
            setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = longest_file, .rlim_max = longest_file});
        }
        lsnn_context *context;
        lsnn_result result;
        lsnn_status status = lsnn_context_create(&context, 1);
        if (status == LSNN_OK) {
            status = lsnn_train(e, context,
                                &(lsnn_run_options){.out = out, .resume = resume, .progress = watch, .user = i, .stop = &i->stop}, &result);
        }
        _exit(100 + (int)status);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    return how;
}

static void killed_and_resumed_is_the_same(void **state) {
    const place *p = *state;
    char whole[PATH_SIZE];
    char path[PATH_SIZE];
    make_whole(p, &carried, whole);
    lsnn_experiment *e = open_tiny(&carried);
    for (int64_t at = 1; at <= N_ITERATIONS; at += at == 1 ? 5 : 3) { /* 1, 6, 9, 12 */
        char name[40];
        snprintf(name, sizeof name, "killed-%d", (int)at);
        path_of(path, p, name);
        int how = run_apart(e, path, false, &(interruption){.at = at, .kill = true}, RLIM_INFINITY);
        assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
        need(run(e, path, true, NULL, NULL));
        need_same_run(name, path, whole);
    }
    lsnn_experiment_free(e);
}

/* A disk that fills up in the middle: an error, and then the rest of the run. */
static void a_full_disk_is_an_error_and_no_loss(void **state) {
    const place *p = *state;
    char whole[PATH_SIZE];
    char path[PATH_SIZE];
    make_whole(p, &carried, whole);
    lsnn_experiment *e = open_tiny(&carried);
    struct stat model;
    struct stat metrics;
    char file[PATH_SIZE + 40];
    snprintf(file, sizeof file, "%s/checkpoint.safetensors", whole);
    assert_int_equal(stat(file, &model), 0);
    snprintf(file, sizeof file, "%s/metrics.jsonl", whole);
    assert_int_equal(stat(file, &metrics), 0);
    const rlim_t limits[] = {0, 100, (rlim_t)metrics.st_size / 2, (rlim_t)model.st_size - 1};
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
        char name[40];
        snprintf(name, sizeof name, "full-%d", (int)limits[k]);
        path_of(path, p, name);
        int how = run_apart(e, path, false, &(interruption){.at = -1}, limits[k]);
        if (!WIFEXITED(how) || WEXITSTATUS(how) != 100 + LSNN_ERR_IO) {
            fail_msg("files of at most %d bytes: status %d", (int)limits[k], WEXITSTATUS(how) - 100);
        }
        char settings[PATH_SIZE + 40];
        snprintf(settings, sizeof settings, "%s/settings.yaml", path);
        need(run(e, path, file_exists(settings), NULL, NULL));
        need_same_run(name, path, whole);
    }
    lsnn_experiment_free(e);
}

static void damage(const char *folder, const char *name, int how) {
    uint8_t *bytes;
    size_t n;
    char path[PATH_SIZE + 100];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    need(file_read(path, &bytes, &n));
    bytes[how == 0 ? n / 2 : n - 9] ^= 4;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    size_t length = how < 2 ? n : how == 2 ? n / 3 : 0;
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
    free(bytes);
}

static void a_damaged_checkpoint_falls_back_on_the_one_before(void **state) {
    const place *p = *state;
    char whole[PATH_SIZE];
    char path[PATH_SIZE];
    make_whole(p, &carried, whole);
    lsnn_experiment *e = open_tiny(&carried);
    for (int how = 0; how < 5; how++) { /* two flipped bits, a cut file, an empty one, none */
        char name[40];
        snprintf(name, sizeof name, "damaged-%d", how);
        path_of(path, p, name);
        need_error(run(e, path, false, &(interruption){.at = 11}, NULL), LSNN_STOPPED, NULL);
        if (how < 4) {
            damage(path, "checkpoint.safetensors", how);
        } else {
            char gone[PATH_SIZE + 40];
            snprintf(gone, sizeof gone, "%s/checkpoint.safetensors", path);
            assert_int_equal(unlink(gone), 0);
        }
        interruption i = {.at = -1};
        need(run(e, path, true, &i, NULL));
        assert_int_equal(i.n_calls, 2); /* the one before was saved after iteration 10 */
        if (how < 4 && strstr(i.message, "checkpoint.safetensors") == NULL) {
            fail_msg("nobody was told of the damage: %s", i.message);
        }
        need_same_run(name, path, whole);
    }
    /* both */
    path_of(path, p, "both");
    need_error(run(e, path, false, &(interruption){.at = 11}, NULL), LSNN_STOPPED, NULL);
    damage(path, "checkpoint.safetensors", 0);
    damage(path, "checkpoint.previous.safetensors", 2);
    uint8_t *before;
    uint8_t *after;
    size_t n_before;
    size_t n_after;
    read_whole(path, "metrics.jsonl", &before, &n_before);
    need_error(run(e, path, true, NULL, NULL), LSNN_ERR_DATA, "checkpoint");
    read_whole(path, "metrics.jsonl", &after, &n_after);
    assert_int_equal(n_after, n_before);
    assert_memory_equal(before, after, n_before);
    free(before);
    free(after);
    lsnn_experiment_free(e);
}

static void metrics_that_were_cut_are_refused(void **state) {
    const place *p = *state;
    char path[PATH_SIZE];
    char file[PATH_SIZE + 40];
    lsnn_experiment *e = open_tiny(&from_rest);
    path_of(path, p, "cut");
    need_error(run(e, path, false, &(interruption){.at = 7}, NULL), LSNN_STOPPED, NULL);
    snprintf(file, sizeof file, "%s/metrics.jsonl", path);
    assert_int_equal(truncate(file, 20), 0);
    need_error(run(e, path, true, NULL, NULL), LSNN_ERR_DATA, "metrics.jsonl");
    lsnn_experiment_free(e);
}

/* ---- finished runs ---- */

/* Copies every file of a folder, to be compared later. */
static void copy_folder(const char *from, const char *to) {
    need(folder_create(to));
    DIR *folder = opendir(from);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            uint8_t *bytes;
            size_t n;
            char path[PATH_SIZE + 300];
            read_whole(from, entry->d_name, &bytes, &n);
            snprintf(path, sizeof path, "%s/%s", to, entry->d_name);
            need(file_write_atomic(path, bytes, n));
            free(bytes);
        }
    }
    closedir(folder);
}

static int need_same_folder(const char *what, const char *got, const char *want) {
    int n_files = 0;
    for (int round = 0; round < 2; round++) { /* what is in one is in the other */
        DIR *folder = opendir(round == 0 ? got : want);
        assert_non_null(folder);
        for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
            if (entry->d_name[0] != '.') {
                need_same_file(what, got, want, entry->d_name);
                n_files++;
            }
        }
        closedir(folder);
    }
    return n_files / 2;
}

static void resuming_a_finished_run_does_nothing(void **state) {
    const place *p = *state;
    char whole[PATH_SIZE];
    char copy[PATH_SIZE];
    make_whole(p, &carried, whole);
    path_of(copy, p, "copy");
    copy_folder(whole, copy);
    json_t *record = read_result(whole);
    lsnn_experiment *e = open_tiny(&carried);
    for (int round = 0; round < 2; round++) { /* the second asks for fewer iterations than there were */
        lsnn_result result;
        interruption i = {.at = -1};
        if (round == 1) {
            need(lsnn_experiment_set(e, "train.iterations=3"));
        }
        need(run(e, whole, true, &i, &result));
        assert_true(result.was_finished);
        assert_int_equal(i.n_calls, 0);
        assert_int_equal(result.iterations, N_ITERATIONS);
        assert_string_equal(result.experiment, "store-recall");
        assert_string_equal(result.split, "test");
        assert_string_equal(result.score_name, "recall error");
        assert_true(fabs(result.score - json_number_value(json_object_get(record, "score"))) < 1e-12);
        assert_true(need_same_folder(round == 0 ? "finished" : "finished, fewer iterations asked for", whole, copy) >= 7);
    }
    json_decref(record);
    lsnn_experiment_free(e);
}

static void more_iterations_go_on(void **state) {
    const place *p = *state;
    char whole[PATH_SIZE];
    char longer[PATH_SIZE];
    lsnn_experiment *e = open_tiny(&carried);
    path_of(whole, p, "whole");
    path_of(longer, p, "longer");
    need(lsnn_experiment_set(e, "train.iterations=8"));
    need(run(e, longer, false, NULL, NULL));
    need(lsnn_experiment_set(e, "train.iterations=12"));
    need(run(e, whole, false, NULL, NULL));
    interruption i = {.at = -1};
    lsnn_result result;
    need(run(e, longer, true, &i, &result));
    assert_int_equal(i.n_calls, 4);
    assert_false(result.was_finished);
    assert_int_equal(result.iterations, 12);
    need_same_file("longer", longer, whole, "last.safetensors");
    need_same_file("longer", longer, whole, "settings.yaml");
    need_same_metrics("longer", longer, whole, N_ITERATIONS);
    need_same_result("longer", longer, whole);
    lsnn_experiment_free(e);
}

/* The score of a run that was not to see the test data is not what one is asked for that may, nor the other way round. */
static void a_result_of_another_split_is_made_again(void **state) {
    const place *p = *state;
    char path[PATH_SIZE];
    lsnn_experiment *e = open_tiny(&digits);
    lsnn_context *context = context_on(NULL, 1);
    path_of(path, p, "splits");
    lsnn_result valid, test, again;
    need(lsnn_train(e, context, &(lsnn_run_options){.out = path, .no_test = true}, &valid));
    need(lsnn_train(e, context, &(lsnn_run_options){.out = path, .resume = true}, &test));
    need(lsnn_train(e, context, &(lsnn_run_options){.out = path, .resume = true, .no_test = true}, &again));
    assert_string_equal(valid.split, "valid");
    assert_string_equal(test.split, "test");
    assert_int_equal(test.n, 33);
    assert_false(test.was_finished);
    assert_string_equal(again.split, "valid");
    assert_true(again.score == valid.score);
    lsnn_context_free(context);
    lsnn_experiment_free(e);
}

/* ---- what is refused ---- */

/* Copies the run, and takes files out of the copy. */
static void copy_without(char path[PATH_SIZE], const place *p, const char *whole, const char *name, const char *const *gone) {
    char file[PATH_SIZE + 40];
    path_of(path, p, name);
    copy_folder(whole, path);
    for (int k = 0; gone[k] != NULL; k++) {
        snprintf(file, sizeof file, "%s/%s", path, gone[k]);
        assert_int_equal(unlink(file), 0);
    }
}

/* What is gone is noticed before anything is trained or overwritten. */
static void a_run_with_a_part_gone_is_refused(void **state) {
    const place *p = *state;
    char whole[PATH_SIZE], path[PATH_SIZE], before[PATH_SIZE];
    static const struct {
        const char *name, *gone[4], *message;
        bool resume;
        lsnn_status status;
    } cases[] = {
        {"settings", {"settings.yaml", "result.json"}, "no settings.yaml to say of which run", false, LSNN_ERR_USAGE},
        {"settings again", {"settings.yaml", "result.json"}, "no settings.yaml to say of which run", true, LSNN_ERR_USAGE},
        {"checkpoints",
         {"checkpoint.safetensors", "checkpoint.previous.safetensors"},
         "has the result of 12 iterations, but no checkpoint",
         true,
         LSNN_ERR_DATA},
        {"best", {"best.safetensors"}, "it is the best network of the run", true, LSNN_ERR_IO},
    };
    make_whole(p, &digits, whole);
    lsnn_experiment *e = open_tiny(&digits);
    need(lsnn_experiment_set(e, "train.iterations=20"));
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        copy_without(path, p, whole, cases[k].name, cases[k].gone);
        snprintf(before, sizeof before, "%.150s before", path);
        copy_folder(path, before);
        need_error(run(e, path, cases[k].resume, NULL, NULL), cases[k].status, cases[k].message);
        need_same_folder(cases[k].name, path, before);
    }
    /* a line of the metrics that is no number any more */
    char metrics[PATH_SIZE + 40];
    uint8_t *bytes;
    size_t n;
    path_of(path, p, "metrics");
    copy_folder(whole, path);
    read_whole(path, "metrics.jsonl", &bytes, &n);
    char *score = strstr((char *)bytes, "\"score\":");
    assert_non_null(score);
    score[8] = '"';
    score[9] = '"';
    snprintf(metrics, sizeof metrics, "%s/metrics.jsonl", path);
    need(file_write_atomic(metrics, bytes, n));
    free(bytes);
    interruption none = {.at = -1};
    need_error(run(e, path, true, &none, NULL), LSNN_ERR_DATA, "has a damaged line");
    assert_int_equal(none.n_calls, 0);
    /* where one checkpoint is damaged, a finished run goes on from the other */
    interruption onward = {.at = -1};
    path_of(path, p, "damaged");
    copy_folder(whole, path);
    damage(path, "checkpoint.safetensors", 0);
    need(run(e, path, true, &onward, NULL));
    assert_non_null(strstr(onward.message, "going on from the checkpoint before it"));
    assert_int_equal(onward.n_calls, 10); /* the other is of iteration 10 */
    /* a run that was killed before its first checkpoint begins again, and says so */
    copy_without(path, p, whole, "early",
                 (const char *const[]){"checkpoint.safetensors", "checkpoint.previous.safetensors", "result.json", NULL});
    interruption i = {.at = -1};
    need(run(e, path, true, &i, NULL));
    assert_non_null(strstr(i.message, "no checkpoint yet; beginning at iteration 1"));
    lsnn_experiment_free(e);
}

static void other_settings_are_refused(void **state) {
    const place *p = *state;
    char path[PATH_SIZE];
    char copy[PATH_SIZE];
    lsnn_experiment *e = open_tiny(&from_rest);
    path_of(path, p, "run");
    path_of(copy, p, "copy");
    need_error(run(e, path, false, &(interruption){.at = 3}, NULL), LSNN_STOPPED, NULL);
    copy_folder(path, copy);
    lsnn_experiment_free(e);
    static const char *const others[][2] = {{"net.beta=1.9", "net.beta"},
                                            {"seed=2", "seed"},
                                            {"train.lr=0.03", "train.lr"},
                                            {"train.batch=10", "train.batch"},
                                            {"net.n_lif=7", "net.n_lif"},
                                            {"train.carry_state=true", "train.carry_state"},
                                            {"store-recall.rate=100", "store-recall.rate"}};
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        e = open_tiny(&from_rest);
        need(lsnn_experiment_set(e, others[k][0]));
        need_error(run(e, path, true, NULL, NULL), LSNN_ERR_SETTING, others[k][1]);
        lsnn_experiment_free(e);
    }
    e = open_tiny(&digits);
    need_error(run(e, path, true, NULL, NULL), LSNN_ERR_SETTING, NULL); /* another task */
    lsnn_experiment_free(e);
    e = open_tiny(&from_rest);
    need_error(run(e, path, false, NULL, NULL), LSNN_ERR_USAGE, "--resume"); /* there is a run */
    need_same_folder("refused", path, copy);
    lsnn_experiment_free(e);
}

static void resuming_nothing_is_refused_and_leaves_nothing(void **state) {
    const place *p = *state;
    char path[PATH_SIZE];
    lsnn_experiment *e = open_tiny(&from_rest);
    path_of(path, p, "typo");
    need_error(run(e, path, true, NULL, NULL), LSNN_ERR_USAGE, "typo");
    assert_false(folder_exists(path));
    lsnn_experiment_free(e);
}

static void folders_that_cannot_be_written_are_refused(void **state) {
    const place *p = *state;
    char path[PATH_SIZE];
    lsnn_experiment *e = open_tiny(&from_rest);
    path_of(path, p, "a-file");
    need(file_write_atomic(path, "x", 1));
    need_error(run(e, path, false, NULL, NULL), LSNN_ERR_IO, path);
    path_of(path, p, "a-file/run");
    need_error(run(e, path, false, NULL, NULL), LSNN_ERR_IO, "a-file");
    need_error(run(e, "/proc/no-run-here", false, NULL, NULL), LSNN_ERR_IO, "/proc/no-run-here");
    if (geteuid() != 0) { /* root may write anywhere */
        path_of(path, p, "closed");
        assert_int_equal(mkdir(path, 0555), 0);
        need_error(run(e, path, false, NULL, NULL), LSNN_ERR_IO, path);
    }
    char long_path[3000];
    memset(long_path, 'x', sizeof long_path);
    long_path[sizeof long_path - 1] = '\0';
    need_error(run(e, long_path, false, NULL, NULL), LSNN_ERR_IO, NULL);
    lsnn_experiment_free(e);
}

static void a_run_that_another_process_uses_is_busy(void **state) {
    const place *p = *state;
    char path[PATH_SIZE];
    char lock_path[PATH_SIZE + 10];
    int ready[2];
    lsnn_experiment *e = open_tiny(&from_rest);
    path_of(path, p, "busy");
    need_error(run(e, path, false, &(interruption){.at = 3}, NULL), LSNN_STOPPED, NULL);
    snprintf(lock_path, sizeof lock_path, "%s/lock", path);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int lock;
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to outlive a test that fails */
        char word = file_lock(lock_path, &lock) == LSNN_OK ? 'y' : 'n';
        if (write(ready[1], &word, 1) != 1) {
            _exit(1);
        }
        for (;;) {
            pause();
        }
    }
    char word = 0;
    assert_int_equal(read(ready[0], &word, 1), 1);
    assert_int_equal(word, 'y');
    need_error(run(e, path, true, NULL, NULL), LSNN_ERR_BUSY, path);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ready[0]);
    close(ready[1]);
    need(run(e, path, true, NULL, NULL)); /* a dead process holds no lock */
    lsnn_experiment_free(e);
}

/* ---- numbers that are not finite ---- */

/* Values to learn: one sample of the training has a target whose gradient is beyond single precision. */
static void write_explosive_data(const char *path, size_t bad_sample) {
    enum { N_SAMPLES = 30, N_STEPS = 20, N_IN = 4 };
    uint8_t *inputs = random_spikes((size_t)N_SAMPLES * N_STEPS * N_IN, 0.3, 1);
    float targets[N_SAMPLES];
    for (size_t k = 0; k < N_SAMPLES; k++) {
        targets[k] = k == bad_sample ? 3e38f : 0.5f;
    }
    tensor_writer *writer;
    need(tensor_writer_create(&writer));
    tensor_writer_add(writer, "inputs", TENSOR_U8, 3, (int64_t[]){N_SAMPLES, N_STEPS, N_IN}, inputs);
    tensor_writer_add(writer, "targets", TENSOR_F32, 2, (int64_t[]){N_SAMPLES, 1}, targets);
    need(tensor_writer_save(writer, path, NULL));
    tensor_writer_free(writer);
    free(inputs);
}

static void what_is_not_finite_stops_the_run_and_spares_the_checkpoint(void **state) {
    const place *p = *state;
    char data[PATH_SIZE];
    char path[PATH_SIZE];
    char text[PATH_SIZE + 20];
    int n_late = 0;
    path_of(data, p, "data.safetensors");
    snprintf(text, sizeof text, "arrays.file=%s", data);
    const char *const settings[] = {"arrays.kind=values",  "net.n_lif=5",         "net.n_adaptive=3",         "train.batch=1",
                                    "train.iterations=20", "train.valid_every=5", "train.checkpoint_every=1", text};
    for (size_t bad = 0; bad < 6; bad++) {
        char name[20];
        char yaml[PATH_SIZE];
        snprintf(name, sizeof name, "explosive-%zu", bad);
        path_of(path, p, name);
        path_of(yaml, p, "explosive.yaml");
        need(file_write_atomic(yaml, "task: arrays\n", 13));
        write_explosive_data(data, bad * 5);
        lsnn_experiment *e;
        need(lsnn_experiment_open(&e, yaml));
        for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
            need(lsnn_experiment_set(e, settings[k]));
        }
        interruption i = {.at = -1};
        lsnn_status status = run(e, path, false, &i, NULL);
        if (status == LSNN_ERR_NUMERIC) {
            need_error(status, LSNN_ERR_NUMERIC, "iteration");
            char said[40];
            snprintf(said, sizeof said, "iteration %d", (int)i.n_calls + 1);
            need_error(status, LSNN_ERR_NUMERIC, said);
        } else {
            need(status); /* the sample was dealt out to validation or test: their loss is large, and finite */
        }
        if (status == LSNN_ERR_NUMERIC && i.n_calls > 0) {
            n_late++;
            char checkpoint[PATH_SIZE + 40];
            lsnn_net *net;
            snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint.safetensors", path);
            need(lsnn_net_load(&net, checkpoint)); /* finite, or it would be refused */
            lsnn_net_free(net);
            tensor_file *file;
            const tensor *whole;
            need(tensor_file_open(&file, checkpoint));
            need(tensor_file_need(file, "train.whole", TENSOR_I64, 1, (int64_t[]){-1}, &whole));
            assert_int_equal(tensor_at(whole, 0), i.n_calls);
            tensor_file_close(file);
            need_error(run(e, path, true, NULL, NULL), LSNN_ERR_NUMERIC, "iteration"); /* the same again */
        }
        lsnn_experiment_free(e);
    }
    assert_true(n_late >= 1);
}

/* ---- what a run leaves behind ---- */

static void the_result_is_that_of_evaluating_the_best_network(void **state) {
    const place *p = *state;
    for (size_t k = 0; k < N_TINIES; k++) {
        char name[20];
        char path[PATH_SIZE];
        char model[PATH_SIZE + 40];
        lsnn_result trained;
        lsnn_result tested;
        lsnn_result valid;
        snprintf(name, sizeof name, "run%zu", k);
        path_of(path, p, name);
        snprintf(model, sizeof model, "%s/best.safetensors", path);
        lsnn_experiment *e = open_tiny(tinies[k]);
        need(run(e, path, false, NULL, &trained));
        lsnn_context *context = context_on(NULL, 2);
        lsnn_run_options options = {0};
        for (int which = 0; which < 2; which++) {
            need(lsnn_evaluate(which == 0 ? path : model, context, &options, &tested));
            assert_true(tested.score == trained.score && tested.loss == trained.loss && tested.rate_hz == trained.rate_hz &&
                        tested.n == trained.n);
            assert_string_equal(tested.experiment, trained.experiment);
            assert_string_equal(tested.score_name, trained.score_name);
            assert_string_equal(tested.split, "test");
            assert_int_equal(tested.seed, 1);
        }
        json_t *record = read_result(path);
        options.split = "valid";
        need(lsnn_evaluate(path, context, &options, &valid));
        assert_string_equal(valid.split, "valid");
        bool drawn = is_drawn(tinies[k]); /* then validation and test differ in their number of batches */
        double best = json_number_value(json_object_get(record, "best_valid_score"));
        if (!drawn) {
            assert_int_equal(valid.n, 20);
            assert_int_equal(tested.n, 33);
            assert_true(fabs(valid.score - best) < 1e-8);
        } else {
            assert_true(tested.n >= 18 && valid.n >= 18); /* every sequence asks at least once: 2 batches of 9 */
        }
        options.split = "training";
        need_error(lsnn_evaluate(path, context, &options, &valid), LSNN_ERR_USAGE, "training");
        options.split = NULL;
        options.seed = 99;
        need(lsnn_evaluate(path, context, &options, &valid));
        assert_true(drawn ? valid.loss != tested.loss : valid.loss == tested.loss);
        if (drawn) {
            assert_int_equal(valid.seed, 99);
        }
        /* result.json */
        assert_string_equal(json_string_value(json_object_get(record, "experiment")), tinies[k]->experiment);
        assert_int_equal(json_integer_value(json_object_get(record, "seed")), 1);
        assert_string_equal(json_string_value(json_object_get(record, "split")), "test");
        assert_int_equal(json_integer_value(json_object_get(record, "n")), trained.n);
        assert_string_equal(json_string_value(json_object_get(record, "score_name")), trained.score_name);
        assert_int_equal(json_integer_value(json_object_get(record, "iterations")), N_ITERATIONS);
        assert_int_equal(json_integer_value(json_object_get(record, "threads")), 1);
        assert_string_equal(json_string_value(json_object_get(record, "version")), LSNN_VERSION);
        assert_string_equal(json_string_value(json_object_get(record, "isa")), lsnn_context_isa(context));
        assert_true(json_is_false(json_object_get(record, "stopped_early")));
        static const char *const numbers[] = {"loss", "score", "rate_hz", "seconds"};
        const double values[] = {trained.loss, trained.score, trained.rate_hz, trained.seconds};
        for (size_t n = 0; n < 4; n++) {
            double got = json_number_value(json_object_get(record, numbers[n]));
            if (!(fabs(got - values[n]) <= 1e-8 * fabs(values[n]))) {
                fail_msg("result.json has %s %.12g, should be %.12g", numbers[n], got, values[n]);
            }
        }
        json_decref(record);
        lsnn_context_free(context);
        lsnn_experiment_free(e);
    }
}

/* The best validation of metrics.jsonl, of several with the same score that with the lowest loss, and whether it is the last one. */
static void find_best(const char *folder, bool lower_is_better, int *iteration, double *score, bool *is_last) {
    uint8_t *text;
    size_t n;
    read_whole(folder, "metrics.jsonl", &text, &n);
    double best_loss = 0;
    *iteration = 0;
    for (char *line = strtok((char *)text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_t *root = json_loads(line, 0, NULL);
        json_t *here = json_object_get(root, "score");
        double x = json_number_value(here);
        double loss = json_number_value(json_object_get(root, "valid_loss"));
        if (here != NULL) {
            *is_last = *iteration == 0 || (lower_is_better ? x < *score : x > *score) || (x == *score && loss < best_loss);
            best_loss = *is_last ? loss : best_loss;
            *iteration = *is_last ? (int)json_integer_value(json_object_get(root, "iteration")) : *iteration;
            *score = *is_last ? x : *score;
        }
        json_decref(root);
    }
    free(text);
}

static void the_best_network_is_that_of_the_best_validation(void **state) {
    const place *p = *state;
    int n_not_last = 0;
    for (size_t k = 0; k < N_TINIES; k++) {
        char name[20];
        char path[PATH_SIZE];
        char file_path[PATH_SIZE + 40];
        snprintf(name, sizeof name, "run%zu", k);
        path_of(path, p, name);
        snprintf(file_path, sizeof file_path, "%s/best.safetensors", path);
        lsnn_experiment *e = open_tiny(tinies[k]);
        need(lsnn_experiment_set(e, "train.valid_every=1"));
        need(run(e, path, false, NULL, NULL));
        int iteration;
        double score = NAN;
        bool is_last = false;
        find_best(path, is_drawn(tinies[k]), &iteration, &score, &is_last);
        n_not_last += !is_last;
        tensor_file *file;
        need(tensor_file_open(&file, file_path));
        assert_int_equal(atoi(tensor_file_metadata(file, "iterations")), iteration);
        tensor_file_close(file);
        json_t *record = read_result(path);
        assert_true(fabs(json_number_value(json_object_get(record, "best_valid_score")) - score) < 1e-8);
        json_decref(record);
        lsnn_experiment_free(e);
    }
    assert_true(n_not_last > 0); /* else the last would do as well */
}

static void a_good_score_stops_early(void **state) {
    const place *p = *state;
    char path[PATH_SIZE];
    lsnn_result result;
    lsnn_experiment *e = open_tiny(&digits);
    path_of(path, p, "early");
    need(lsnn_experiment_set(e, "train.stop_score=0.0001"));
    interruption i = {.at = -1};
    need(run(e, path, false, &i, &result));
    json_t *record = read_result(path);
    bool early = json_is_true(json_object_get(record, "stopped_early"));
    assert_true(early && i.n_calls < N_ITERATIONS && i.n_calls % 4 == 0); /* at a validation; 2 of 20 by chance are enough */
    assert_int_equal(result.iterations, i.n_calls);
    need(run(e, path, true, &i, &result));
    assert_true(result.was_finished);
    json_decref(record);
    lsnn_experiment_free(e);
}

static const tensor *need_tensor(const tensor_file *file, const char *name, tensor_type type, int rank, int64_t rows, int64_t columns) {
    const tensor *t = NULL;
    need(tensor_file_need(file, name, type, rank, (int64_t[]){rows, columns}, &t));
    return t;
}

/* A probe's arrays, against the same sample run by the public functions alone. */
static void probe_of(const place *p, const tiny *t, int n_in, int n_steps, int n_windows, int n_rec, int n_out) {
    char path[PATH_SIZE];
    char model[PATH_SIZE + 40];
    char file_path[PATH_SIZE];
    path_of(path, p, t->experiment);
    path_of(file_path, p, "probe.safetensors");
    snprintf(model, sizeof model, "%s/best.safetensors", path);
    lsnn_experiment *e = open_tiny(t);
    need(run(e, path, false, NULL, NULL));
    lsnn_context *context = context_on(NULL, 1);
    lsnn_run_options options = {.split = "valid"};
    need_error(lsnn_probe(path, context, &options, -1, file_path), LSNN_ERR_USAGE, "sample -1");
    need(lsnn_probe(path, context, &options, 7, file_path));
    tensor_file *file;
    need(tensor_file_open(&file, file_path));
    assert_string_equal(tensor_file_metadata(file, "sample"), "7");
    assert_string_equal(tensor_file_metadata(file, "split"), "valid");
    assert_non_null(tensor_file_metadata(file, "settings"));

    lsnn_net *net;
    lsnn_sim *sim;
    lsnn_gradient *gradient;
    need(lsnn_net_load(&net, model));
    need(lsnn_sim_create(&sim, net, context, &(lsnn_sim_options){.n_batch = 1, .n_steps = n_steps, .n_windows = n_windows, .train = true}));
    need(lsnn_gradient_create(&gradient, net));
    const float *input = need_tensor(file, "input", TENSOR_F32, 2, n_steps, n_in)->data;
    uint8_t *spikes = malloc((size_t)n_steps * (size_t)n_in);
    size_t n_spikes = 0;
    for (int k = 0; k < n_steps * n_in; k++) {
        spikes[k] = input[k] != 0;
        n_spikes += spikes[k];
    }
    assert_true(n_spikes > 10);
    const int32_t *start = need_tensor(file, "window_start", TENSOR_I32, 1, n_windows, 0)->data;
    const int32_t *stop = need_tensor(file, "window_stop", TENSOR_I32, 1, n_windows, 0)->data;
    const int32_t *class_of = need_tensor(file, "class", TENSOR_I32, 1, n_windows, 0)->data;
    float *d_output = malloc((size_t)(n_windows * n_out) * sizeof *d_output);
    double loss;
    double rate_loss;
    need(lsnn_sim_set_windows(sim, start, stop, n_windows));
    need(lsnn_sim_set_spikes(sim, spikes, n_steps));
    need(lsnn_forward(sim));
    need(lsnn_loss_cross_entropy(sim, class_of, d_output, &loss, NULL, NULL));
    lsnn_rate_goal goal = {.strength = strtof(lsnn_experiment_get(e, "loss.rate_strength"), NULL),
                           .target_hz = strtof(lsnn_experiment_get(e, "loss.rate_target"), NULL)};
    need(lsnn_backward(sim, d_output, &goal, gradient, &rate_loss));
    need_same_bits("output", need_tensor(file, "output", TENSOR_F32, 2, n_windows, n_out)->data, lsnn_sim_output(sim),
                   (size_t)(n_windows * n_out));
    need_same_bits("d_output", need_tensor(file, "d_output", TENSOR_F32, 2, n_windows, n_out)->data, d_output, (size_t)(n_windows * n_out));
    need_same_bits("loss", need_tensor(file, "loss", TENSOR_F32, 1, 1, 0)->data, (float[]){(float)loss}, 1);
    need_same_bits("rate_loss", need_tensor(file, "rate_loss", TENSOR_F32, 1, 1, 0)->data, (float[]){(float)rate_loss}, 1);
    static const struct {
        const char *name, *gradient;
        int rank;
    } parameters[] = {{"w_in", "d_w_in", 2}, {"w_rec", "d_w_rec", 2}, {"w_out", "d_w_out", 2}, {"b_out", "d_b_out", 1}};
    size_t n_not_zero = 0;
    for (size_t a = 0; a < 4; a++) {
        int rows;
        int columns;
        size_t n;
        if (a == 3 && !lsnn_net_get_spec(net)->bias) {
            assert_null(tensor_file_find(file, "b_out"));
            continue;
        }
        need(lsnn_net_shape(net, parameters[a].name, &rows, &columns));
        float *w = net_floats(net, parameters[a].name, &n);
        float *d = gradient_floats(gradient, net, parameters[a].name, &n);
        need_same_bits(parameters[a].name, need_tensor(file, parameters[a].name, TENSOR_F32, parameters[a].rank, rows, columns)->data, w,
                       n);
        need_same_bits(parameters[a].gradient,
                       need_tensor(file, parameters[a].gradient, TENSOR_F32, parameters[a].rank, rows, columns)->data, d, n);
        for (size_t k = 0; k < n; k++) {
            n_not_zero += d[k] != 0;
        }
        free(w);
        free(d);
    }
    if (n_not_zero <= 50) {
        fail_msg("%s: %zu numbers of the gradient are not 0", t->name, n_not_zero);
    }
    static const char *const traces[] = {"v", "b", "threshold", "psi", "p", "refractory"};
    float *trace = malloc((size_t)(n_steps * n_rec) * sizeof *trace);
    for (size_t k = 0; k < 6; k++) {
        need(lsnn_sim_copy_trace(sim, traces[k], 0, trace));
        need_same_bits(traces[k], need_tensor(file, traces[k], TENSOR_F32, 2, n_steps, n_rec)->data, trace, (size_t)(n_steps * n_rec));
    }
    need(lsnn_sim_copy_trace(sim, "z", 0, trace));
    const uint8_t *z = need_tensor(file, "z", TENSOR_U8, 2, n_steps, n_rec)->data;
    size_t n_sent = 0;
    for (int k = 0; k < n_steps * n_rec; k++) {
        assert_true((float)z[k] == trace[k]);
        n_sent += z[k];
    }
    assert_true(n_sent > 0);
    need_tensor(file, "y", TENSOR_F32, 2, n_steps, n_out);
    need_tensor(file, "tau_m", TENSOR_F32, 1, n_rec, 0);
    need_tensor(file, "delay_rec", TENSOR_F32, 2, n_rec, n_rec);
    free(trace);
    free(d_output);
    free(spikes);
    tensor_file_close(file);
    lsnn_gradient_free(gradient);
    lsnn_sim_free(sim);
    lsnn_net_free(net);
    lsnn_context_free(context);
    lsnn_experiment_free(e);
}

static void a_probe_is_what_the_public_functions_give(void **state) {
    const place *p = *state;
    probe_of(p, &carried, 16, 80, 4, 11, 2);
    probe_of(p, &digits, 2 * 17, 64 + 8, 1, 12, 10);
}

/* An evaluation in batches, the last of which is not full, against its samples one by one. */
static void the_score_is_the_mean_over_the_samples(void **state) {
    const place *p = *state;
    char path[PATH_SIZE];
    char file_path[PATH_SIZE];
    lsnn_result whole;
    lsnn_experiment *e = open_tiny(&digits);
    path_of(path, p, "digits");
    path_of(file_path, p, "probe.safetensors");
    need(run(e, path, false, NULL, NULL));
    lsnn_context *context = context_on(NULL, 1);
    lsnn_run_options options = {.split = "test"};
    need(lsnn_evaluate(path, context, &options, &whole));
    double loss = 0;
    int n_right = 0;
    for (int64_t sample = 0; sample < whole.n; sample++) {
        tensor_file *file;
        need(lsnn_probe(path, context, &options, sample, file_path));
        need(tensor_file_open(&file, file_path));
        loss += tensor_at(need_tensor(file, "loss", TENSOR_F32, 1, 1, 0), 0);
        const tensor *output = need_tensor(file, "output", TENSOR_F32, 2, 1, 10);
        size_t largest = 0;
        for (size_t o = 1; o < 10; o++) {
            largest = tensor_at(output, o) > tensor_at(output, largest) ? o : largest;
        }
        n_right += (double)largest == tensor_at(need_tensor(file, "class", TENSOR_I32, 1, 1, 0), 0);
        tensor_file_close(file);
    }
    assert_int_equal(whole.n, 33);
    assert_true(fabs(whole.loss - loss / 33) < 1e-6);
    assert_true(fabs(whole.score - n_right / 33.0) < 1e-12);
    lsnn_context_free(context);
    lsnn_experiment_free(e);
}

static void probes_out_of_range_are_refused(void **state) {
    const place *p = *state;
    char path[PATH_SIZE];
    char file_path[PATH_SIZE];
    lsnn_experiment *e = open_tiny(&digits);
    path_of(path, p, "digits");
    path_of(file_path, p, "nowhere/probe.safetensors");
    need(run(e, path, false, NULL, NULL));
    lsnn_context *context = context_on(NULL, 1);
    lsnn_run_options options = {0};
    need_error(lsnn_probe(path, context, &options, 33, file_path), LSNN_ERR_USAGE, "0..32");
    need_error(lsnn_probe(path, context, &options, 0, file_path), LSNN_ERR_IO, "nowhere");
    need_error(lsnn_probe("no-such-run", context, &options, 0, file_path), LSNN_ERR_IO, "no-such-run");
    lsnn_result result;
    need_error(lsnn_evaluate("no-such-run", context, &options, &result), LSNN_ERR_IO, "no-such-run");
    damage(path, "best.safetensors", 0);
    need_error(lsnn_evaluate(path, context, &options, &result), LSNN_ERR_DATA, "best.safetensors");
    lsnn_context_free(context);
    lsnn_experiment_free(e);
}

/* Of a run and of its models: what the lines of metrics.jsonl add up to. */
static void synapses_are_those_of_the_metrics(void **state) {
    const place *p = *state;
    static const char *const names[3] = {"w_in", "w_rec", "w_out"};
    for (size_t k = 0; k < N_TINIES; k++) {
        char name[20];
        char path[PATH_SIZE];
        char file[PATH_SIZE + 40];
        snprintf(name, sizeof name, "run%zu", k);
        path_of(path, p, name);
        lsnn_experiment *e = open_tiny(tinies[k]);
        need_error(run(e, path, false, &(interruption){.at = 7}, NULL), LSNN_STOPPED, NULL); /* the counts go on after a pause */
        need(run(e, path, true, NULL, NULL));
        lsnn_experiment_free(e);
        bool want = strncmp(tinies[k]->name, "rewired", 7) == 0;
        bool is_rewired = !want;
        lsnn_synapse_count c[3];
        lsnn_synapse_count of_model[3];
        need(lsnn_run_synapses(path, c, &is_rewired));
        assert_true(is_rewired == want);
        snprintf(file, sizeof file, "%s/last.safetensors", path);
        is_rewired = !want;
        need(lsnn_run_synapses(file, of_model, &is_rewired));
        assert_true(is_rewired == want);
        uint8_t *text;
        size_t n;
        read_whole(path, "metrics.jsonl", &text, &n);
        int64_t born[3] = {0};
        int64_t died[3] = {0};
        int64_t live[3] = {0};
        for (char *line = strtok((char *)text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
            json_t *object = json_loads(line, 0, NULL);
            assert_true((json_object_get(object, "live") != NULL) == want);
            for (int q = 0; q < 3; q++) {
                born[q] += json_integer_value(json_object_get(json_object_get(object, "born"), names[q]));
                died[q] += json_integer_value(json_object_get(json_object_get(object, "died"), names[q]));
                live[q] = json_integer_value(json_object_get(json_object_get(object, "live"), names[q]));
            }
            json_decref(object);
        }
        free(text);
        int64_t n_died = 0;
        for (int q = 0; want && q < 3; q++) {
            assert_int_equal(c[q].born, born[q]);
            assert_int_equal(c[q].died, died[q]);
            assert_int_equal(c[q].live, live[q]);
            assert_memory_equal(&of_model[q], &c[q], sizeof c[q]);
            n_died += died[q];
        }
        assert_true(!want || n_died > 5);
        if (tinies[k] == &rewired) {
            assert_int_equal(c[1].possible, 11 * 10);
            int64_t all = c[0].possible + 11 * 10 + 11 + c[2].possible;
            assert_int_equal(c[0].live + c[1].live + c[2].live, all * 3 / 10);
        }
    }
    bool is_rewired = true;
    lsnn_synapse_count unused[3];
    char path[PATH_SIZE];
    path_of(path, p, "nothing.safetensors");
    need_error(lsnn_run_synapses(path, unused, &is_rewired), LSNN_ERR_IO, "nothing");
    assert_false(is_rewired);
}

/* Every status comes with its message: stopping in an evaluation too. */
static void a_stopped_evaluation_says_so(void **state) {
    const place *p = *state;
    char path[PATH_SIZE];
    lsnn_experiment *e = open_tiny(&from_rest);
    path_of(path, p, "run");
    need(run(e, path, false, NULL, NULL));
    lsnn_context *context = context_on(NULL, 1);
    volatile int stop = 1;
    lsnn_result result;
    assert_int_equal(lsnn_context_create(&(lsnn_context *){NULL}, -1), LSNN_ERR_USAGE); /* an older message */
    need_error(lsnn_evaluate(path, context, &(lsnn_run_options){.stop = &stop}, &result), LSNN_STOPPED, "stopped");
    /* and in the one that ends a training */
    path_of(path, p, "late");
    assert_int_equal(lsnn_context_create(&(lsnn_context *){NULL}, -1), LSNN_ERR_USAGE);
    need_error(run(e, path, false, &(interruption){.at = N_ITERATIONS}, NULL), LSNN_STOPPED, "stopped");
    lsnn_context_free(context);
    lsnn_experiment_free(e);
}

int main(void) {
    setenv("LSNN_SHARE", LSNN_SOURCE_DIR, 1);
#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        RUN_TEST(stopped_and_resumed_is_the_same),
        RUN_TEST(killed_and_resumed_is_the_same),
        RUN_TEST(a_full_disk_is_an_error_and_no_loss),
        RUN_TEST(a_damaged_checkpoint_falls_back_on_the_one_before),
        RUN_TEST(metrics_that_were_cut_are_refused),
        RUN_TEST(resuming_a_finished_run_does_nothing),
        RUN_TEST(more_iterations_go_on),
        RUN_TEST(a_result_of_another_split_is_made_again),
        RUN_TEST(a_run_with_a_part_gone_is_refused),
        RUN_TEST(other_settings_are_refused),
        RUN_TEST(resuming_nothing_is_refused_and_leaves_nothing),
        RUN_TEST(folders_that_cannot_be_written_are_refused),
        RUN_TEST(a_run_that_another_process_uses_is_busy),
        RUN_TEST(what_is_not_finite_stops_the_run_and_spares_the_checkpoint),
        RUN_TEST(the_result_is_that_of_evaluating_the_best_network),
        RUN_TEST(the_best_network_is_that_of_the_best_validation),
        RUN_TEST(a_good_score_stops_early),
        RUN_TEST(a_probe_is_what_the_public_functions_give),
        RUN_TEST(the_score_is_the_mean_over_the_samples),
        RUN_TEST(probes_out_of_range_are_refused),
        RUN_TEST(synapses_are_those_of_the_metrics),
        RUN_TEST(a_stopped_evaluation_says_so),
    };
    return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
