/* Experiments and their settings: the options table, files, assignments, printing and what ships. */
#include "base/file.h"
#include "base/tensorfile.h"
#include "config/experiment.h"
#include "config/options.h"
#include "config/share.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- helpers ---- */

static char folder[512]; /* the temporary one; its share/ is LSNN_SHARE */

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *walk) {
    (void)about, (void)kind, (void)walk;
    return remove(path);
}

static const char *in_folder(const char *name) {
    static char path[4][1024];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

static void write_file(const char *name, const char *text) {
    assert_int_equal(file_write_atomic(in_folder(name), text, strlen(text)), LSNN_OK);
}

static int set_up(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/lsnn-config-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(folder)) {
        return -1;
    }
    assert_int_equal(folder_create(in_folder("share/experiments")), LSNN_OK);
    assert_int_equal(folder_create(in_folder("share/models")), LSNN_OK);
    write_file("share/experiments/store-recall.yaml",
               "summary: A bit is kept in mind\ntask: store-recall\nnet:\n  n_lif: 10\n  tau_a: 1200\n");
    write_file("share/experiments/digits.yaml", "summary: >\n  Real digits,\n  pixel by pixel\ntask: digits\ntrain.batch: 64\n");
    write_file("share/experiments/smnist.yaml", "task: smnist\n");
    write_file("share/experiments/notes.txt", "not an experiment");
    return setenv("LSNN_SHARE", in_folder("share"), 1);
}

static int tear_down(void **state) {
    (void)state;
    return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* The call failed with this status, and its message is one line that has all of the parts. */
static void check_failure(lsnn_status found, lsnn_status wanted, const char *where, int line, ...) {
    const char *message = lsnn_error();
    if (found != wanted) {
        fail_msg("%s:%d: %s instead of %s (%s)", where, line, lsnn_status_name(found), lsnn_status_name(wanted), message);
    }
    if (strchr(message, '\n')) {
        fail_msg("%s:%d: more than one line: %s", where, line, message);
    }
    va_list parts;
    va_start(parts, line);
    for (const char *part = va_arg(parts, const char *); part; part = va_arg(parts, const char *)) {
        if (!strstr(message, part)) {
            va_end(parts);
            fail_msg("%s:%d: no '%s' in: %s", where, line, part, message);
        }
    }
    va_end(parts);
}
#define assert_failure(call, wanted, ...) check_failure(call, wanted, __FILE__, __LINE__, __VA_ARGS__, (const char *)NULL)

static void check_ok(lsnn_status status, const char *where, int line) {
    if (status != LSNN_OK) {
        fail_msg("%s:%d: %s: %s", where, line, lsnn_status_name(status), lsnn_error());
    }
}
#define assert_ok(call) check_ok(call, __FILE__, __LINE__)

static lsnn_experiment *parsed(const char *yaml) {
    lsnn_experiment *experiment = NULL;
    assert_ok(experiment_parse(&experiment, "test", yaml, "file"));
    return experiment;
}

/* Parses what has to fail. */
static lsnn_status bad(const char *yaml) {
    lsnn_experiment *untouched = (lsnn_experiment *)&folder, *experiment = untouched;
    lsnn_status status = experiment_parse(&experiment, "test", yaml, "file");
    assert_ptr_equal(experiment, untouched);
    return status;
}

static const char *origin_of(const lsnn_experiment *experiment, const char *key);

/* ---- the table ---- */

static void table_is_sound(void **state) {
    (void)state;
    char range[OPTION_RANGE_SIZE];
    for (size_t i = 0; i < option_count(); i++) {
        const option *row = option_at(i);
        option_value value = {0};
        assert_int_equal(option_index(row->key), i);
        assert_true(strlen(row->help) > 10 && row->help[strlen(row->help) - 1] != '.');
        assert_non_null(row->unit);
        option_range(row, range);
        assert_true((*range != '\0') == (row->type != OPTION_TEXT));
        assert_true((row->bounds != NULL) == (row->type == OPTION_INT || row->type == OPTION_REAL || row->type == OPTION_SPREAD));
        if (row->initial) {
            assert_ok(option_parse(&value, row, row->initial));
            assert_string_equal(value.text, row->initial);
            option_value_release(&value);
        } else {
            assert_string_equal(row->key, "task");
        }
        /* A group's rows stand together, as printing needs. */
        const char *dot = strchr(row->key, '.');
        size_t n = dot ? (size_t)(dot - row->key) + 1 : 0;
        bool left = false;
        for (size_t j = i + 1; j < option_count() && n; j++) {
            bool same = strncmp(option_at(j)->key, row->key, n) == 0;
            assert_false(same && left);
            left = left || !same;
        }
    }
    assert_int_equal(option_count(), 133);
}

static void defaults(void **state) {
    (void)state;
    lsnn_experiment *experiment = parsed("task: smnist");
    lsnn_spread spread;
    int n;
    assert_int_equal(setting_int(experiment, "seed"), 1);
    assert_int_equal(setting_int(experiment, "net.n_lif"), 120);
    assert_int_equal(setting_int(experiment, "train.batch"), 256);
    assert_true(setting_real(experiment, "net.v_th") == 0.01);
    assert_true(setting_real(experiment, "train.epsilon") == 1e-8);
    assert_false(setting_bool(experiment, "net.detach_reset"));
    assert_true(setting_bool(experiment, "net.bias"));
    assert_string_equal(setting_text(experiment, "net.normalise"), "threshold");
    setting_spread(experiment, "net.beta", &spread, &n);
    assert_true(spread.low == 1.8f && spread.high == 1.8f && spread.values == NULL && n == 0);
    assert_string_equal(lsnn_experiment_get(experiment, "net.tau_a"), "700");
    assert_null(lsnn_experiment_get(experiment, "net.tau_b"));
    assert_null(lsnn_experiment_get(experiment, "store-recall.rate")); /* another task's */
    assert_null(lsnn_experiment_get(experiment, "image.n_test"));      /* of digits only */
    assert_string_equal(lsnn_experiment_name(experiment), "test");
    assert_ok(experiment_check(experiment));
    lsnn_experiment_free(experiment);
    lsnn_experiment_free(NULL);
}

/* ---- values ---- */

static void ranges(void **state) {
    (void)state;
    lsnn_experiment *e = parsed("task: digits");
    assert_failure(lsnn_experiment_set(e, "net.n_lif=-1"), LSNN_ERR_SETTING, "net.n_lif", "'-1'", "out of range", "0..60000");
    assert_failure(lsnn_experiment_set(e, "net.n_lif=60001"), LSNN_ERR_SETTING, "net.n_lif", "60001");
    assert_failure(lsnn_experiment_set(e, "net.n_lif=99999999999999999999999"), LSNN_ERR_SETTING, "net.n_lif", "out of range");
    assert_failure(lsnn_experiment_set(e, "net.n_lif=1.5"), LSNN_ERR_SETTING, "net.n_lif", "'1.5'", "not a whole number");
    assert_failure(lsnn_experiment_set(e, "net.n_lif="), LSNN_ERR_SETTING, "net.n_lif", "not a whole number");
    assert_failure(lsnn_experiment_set(e, "net.n_lif=0x10"), LSNN_ERR_SETTING, "not a whole number");
    assert_failure(lsnn_experiment_set(e, "net.dt=0"), LSNN_ERR_SETTING, "net.dt", "'0'", "above 0, up to 1000 ms");
    assert_failure(lsnn_experiment_set(e, "net.dt=nan"), LSNN_ERR_SETTING, "net.dt", "'nan'", "not a finite number");
    assert_failure(lsnn_experiment_set(e, "net.dt=inf"), LSNN_ERR_SETTING, "net.dt", "'inf'", "not a finite number");
    assert_failure(lsnn_experiment_set(e, "net.dt=.inf"), LSNN_ERR_SETTING, "not a finite number");
    assert_failure(lsnn_experiment_set(e, "net.dt=1e999"), LSNN_ERR_SETTING, "net.dt", "out of range");
    assert_failure(lsnn_experiment_set(e, "net.dt=0x1p3"), LSNN_ERR_SETTING, "not a finite number");
    assert_failure(lsnn_experiment_set(e, "net.dt=1,5"), LSNN_ERR_SETTING, "'1,5'", "not a finite number");
    assert_failure(lsnn_experiment_set(e, "net.dt=one"), LSNN_ERR_SETTING, "'one'");
    assert_failure(lsnn_experiment_set(e, "net.v_th=1e-60"), LSNN_ERR_SETTING, "net.v_th", "single precision");
    assert_failure(lsnn_experiment_set(e, "train.beta2=1"), LSNN_ERR_SETTING, "train.beta2", "0 to below 1");
    assert_failure(lsnn_experiment_set(e, "train.beta2=0.9999999999"), LSNN_ERR_SETTING, "train.beta2", "single precision");
    assert_failure(lsnn_experiment_set(e, "loss.rate_target=1001"), LSNN_ERR_SETTING, "0..1000 Hz");
    assert_failure(lsnn_experiment_set(e, "net.n_delay=0"), LSNN_ERR_SETTING, "1..256 steps");
    assert_failure(lsnn_experiment_set(e, "seed=4611686018427387905"), LSNN_ERR_SETTING, "0..4611686018427387904");
    assert_failure(lsnn_experiment_set(e, "net.bias=maybe"), LSNN_ERR_SETTING, "net.bias", "'maybe'", "true|false");
    assert_failure(lsnn_experiment_set(e, "net.normalise=thresholds"), LSNN_ERR_SETTING, "'thresholds'", "threshold|baseline");
    assert_failure(lsnn_experiment_set(e, "net.normalise=threshold|baseline"), LSNN_ERR_SETTING, "not one of the choices");
    assert_failure(lsnn_experiment_set(e, "net.normalise="), LSNN_ERR_SETTING, "not one of the choices");
    /* Nothing has changed. */
    assert_int_equal(setting_int(e, "net.n_lif"), 120);
    assert_string_equal(origin_of(e, "net.n_lif"), "default");

    assert_ok(lsnn_experiment_set(e, "seed=4611686018427387904"));
    assert_int_equal(setting_int(e, "seed"), (int64_t)1 << 62);
    assert_ok(lsnn_experiment_set(e, "net.n_lif=60000"));
    assert_ok(lsnn_experiment_set(e, "net.dt=1000"));
    assert_ok(lsnn_experiment_set(e, "net.dt= 2.5e-1 "));
    assert_true(setting_real(e, "net.dt") == 0.25);
    assert_string_equal(lsnn_experiment_get(e, "net.dt"), "2.5e-1");
    assert_ok(lsnn_experiment_set(e, "net.excitatory=-1"));
    assert_ok(lsnn_experiment_set(e, "net.bias=no"));
    assert_false(setting_bool(e, "net.bias"));
    assert_string_equal(lsnn_experiment_get(e, "net.bias"), "false");
    assert_ok(lsnn_experiment_set(e, "net.bias=yes"));
    assert_true(setting_bool(e, "net.bias"));
    assert_ok(lsnn_experiment_set(e, "net.normalise=baseline"));
    assert_string_equal(setting_text(e, "net.normalise"), "baseline");
    lsnn_experiment_free(e);
}

static void spreads(void **state) {
    (void)state;
    lsnn_experiment *e = parsed("task: digits\nnet:\n  tau_m: 15..30\n  beta: [0, 1.5,\n    2]\n");
    lsnn_spread spread;
    int n;
    setting_spread(e, "net.tau_m", &spread, &n);
    assert_true(spread.low == 15 && spread.high == 30 && !spread.values && n == 0);
    setting_spread(e, "net.beta", &spread, &n);
    assert_int_equal(n, 3);
    assert_true(spread.values[0] == 0 && spread.values[1] == 1.5f && spread.values[2] == 2);
    assert_string_equal(lsnn_experiment_get(e, "net.beta"), "[0, 1.5, 2]");
    assert_ok(lsnn_experiment_set(e, "net.tau_a=[ 1,2 ,\n3 ]"));
    setting_spread(e, "net.tau_a", &spread, &n);
    assert_true(n == 3 && spread.values[2] == 3);
    assert_ok(lsnn_experiment_set(e, "net.tau_a=1.5..2.5"));
    setting_spread(e, "net.tau_a", &spread, &n);
    assert_true(n == 0 && !spread.values && spread.low == 1.5f && spread.high == 2.5f);

    assert_failure(lsnn_experiment_set(e, "net.tau_m=0"), LSNN_ERR_SETTING, "net.tau_m", "above 0, up to 1000000 ms", "LOW..HIGH",
                   "[A, B, ...]");
    assert_failure(lsnn_experiment_set(e, "net.tau_m=30..15"), LSNN_ERR_SETTING, "net.tau_m", "'30..15'", "starts above its end");
    assert_failure(lsnn_experiment_set(e, "net.tau_m=0..15"), LSNN_ERR_SETTING, "net.tau_m", "out of range");
    assert_failure(lsnn_experiment_set(e, "net.tau_m=1.."), LSNN_ERR_SETTING, "net.tau_m", "'1..'");
    assert_failure(lsnn_experiment_set(e, "net.tau_m=..1"), LSNN_ERR_SETTING, "net.tau_m");
    assert_failure(lsnn_experiment_set(e, "net.tau_m=1..2..3"), LSNN_ERR_SETTING, "net.tau_m");
    assert_failure(lsnn_experiment_set(e, "net.tau_m=[]"), LSNN_ERR_SETTING, "net.tau_m", "value 1 of the list");
    assert_failure(lsnn_experiment_set(e, "net.tau_m=["), LSNN_ERR_SETTING, "net.tau_m", "closing bracket");
    assert_failure(lsnn_experiment_set(e, "net.tau_m=[1, 2"), LSNN_ERR_SETTING, "net.tau_m", "closing bracket");
    assert_failure(lsnn_experiment_set(e, "net.tau_m=[1, nan]"), LSNN_ERR_SETTING, "net.tau_m", "'nan'", "value 2 of the list");
    assert_failure(lsnn_experiment_set(e, "net.tau_m=[1, 2, -3]"), LSNN_ERR_SETTING, "net.tau_m", "'-3'", "value 3 of the list");
    assert_failure(lsnn_experiment_set(e, "net.tau_m=[1,,2]"), LSNN_ERR_SETTING, "net.tau_m", "value 2 of the list");
    assert_failure(lsnn_experiment_set(e, "net.tau_m=[1..2]"), LSNN_ERR_SETTING, "net.tau_m", "'1..2'");
    lsnn_experiment_free(e);
}

static void messages_are_one_short_line(void **state) {
    (void)state;
    lsnn_experiment *e = parsed("task: arrays");
    char long_text[5000], assignment[5100];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    snprintf(assignment, sizeof assignment, "net.dt=%s", long_text);
    assert_failure(lsnn_experiment_set(e, assignment), LSNN_ERR_SETTING, "net.dt", "xxx...'", "ms");
    snprintf(assignment, sizeof assignment, "%s=1", long_text);
    assert_failure(lsnn_experiment_set(e, assignment), LSNN_ERR_SETTING, "xxx...'", "unknown setting", "did you mean");
    snprintf(assignment, sizeof assignment, "net.tau_m=[1, %s]", long_text);
    assert_failure(lsnn_experiment_set(e, assignment), LSNN_ERR_SETTING, "net.tau_m", "xxx...'", "value 2");
    assert_failure(lsnn_experiment_set(e, "net.dt=a\nb\033[31m"), LSNN_ERR_SETTING, "'a b [31m'");
    assert_failure(lsnn_experiment_set(e, "net\ndt=1"), LSNN_ERR_SETTING, "'net dt'", "did you mean net.dt?");
    assert_failure(lsnn_experiment_set(e, "arrays.file=a\nb"), LSNN_ERR_SETTING, "arrays.file", "one line of printable text");
    assert_failure(lsnn_experiment_set(e, "arrays.file=\xff"), LSNN_ERR_SETTING, "arrays.file", "UTF-8");
    assert_failure(lsnn_experiment_set(e, "arrays.file=\xc3"), LSNN_ERR_SETTING, "arrays.file");
    assert_failure(lsnn_experiment_set(e, "arrays.file=\xc0\xaf"), LSNN_ERR_SETTING, "arrays.file");     /* overlong '/' */
    assert_failure(lsnn_experiment_set(e, "arrays.file=\xed\xa0\x80"), LSNN_ERR_SETTING, "arrays.file"); /* surrogate */
    assert_failure(lsnn_experiment_set(e, "arrays.file=\xe2\x80\xa8"), LSNN_ERR_SETTING, "arrays.file"); /* line separator */
    assert_ok(lsnn_experiment_set(e, "arrays.file=d\xc3\xa9j\xc3\xa0 vu\xf0\x9f\x98\x80.npy"));
    lsnn_experiment_free(e);

    char out[EXCERPT_SIZE], umlauts[201];
    for (int i = 0; i < 200; i += 2) {
        memcpy(umlauts + i, "\xc3\xbc", 2);
    }
    umlauts[200] = '\0';
    for (int shift = 0; shift < 2; shift++) { /* never half a character */
        umlauts[0] = 'a';
        umlauts[1] = 'b';
        excerpt(out, umlauts + shift);
        assert_true(is_printable_line(out) && strlen(out) < EXCERPT_SIZE);
    }
}

static void distances(void **state) {
    (void)state;
    assert_int_equal(edit_distance("", ""), 0);
    assert_int_equal(edit_distance("", "abc"), 3);
    assert_int_equal(edit_distance("kitten", "sitting"), 3);
    assert_int_equal(edit_distance("net.tau_n", "net.tau_m"), 1);
    assert_string_equal(option_nearest("net.tau_n", "digits", "lsnn"), "net.tau_m");
    assert_string_equal(option_nearest("tau_out", "digits", "lsnn"), "net.tau_out");
    assert_string_equal(option_nearest("learning.lr", "digits", "lsnn"), "train.lr");
    assert_true(option_is_group("net") && option_is_group("store-recall"));
    assert_false(option_is_group("") || option_is_group("ne") || option_is_group("net.") || option_is_group("seed"));
    for (size_t i = 0; i < option_count(); i++) {
        const char *tasks = option_at(i)->tasks ? option_at(i)->tasks : "smnist";
        char task[32];
        snprintf(task, sizeof task, "%.*s", (int)strcspn(tasks, ","), tasks);
        const char *kind = option_at(i)->kinds && strstr(option_at(i)->kinds, "lstm") ? "lstm" : "lsnn";
        assert_string_equal(option_nearest(option_at(i)->key, task, kind), option_at(i)->key);
    }
}

/* ---- assignments ---- */

static void unknown_keys(void **state) {
    (void)state;
    lsnn_experiment *e = parsed("task: store-recall");
    assert_failure(lsnn_experiment_set(e, "net.tau_n=1"), LSNN_ERR_SETTING,
                   "net.tau_n: unknown setting; did you mean net.tau_m? ('lsnn show EXPERIMENT' lists all)");
    assert_failure(lsnn_experiment_set(e, "beta=1"), LSNN_ERR_SETTING, "beta: unknown setting", "did you mean net.beta?");
    assert_failure(lsnn_experiment_set(e, "iterations=1"), LSNN_ERR_SETTING, "did you mean train.iterations?");
    assert_failure(lsnn_experiment_set(e, "net.normalize=baseline"), LSNN_ERR_SETTING, "did you mean net.normalise?");
    assert_failure(lsnn_experiment_set(e, "sed=1"), LSNN_ERR_SETTING, "did you mean seed?");
    assert_failure(lsnn_experiment_set(e, "store_recall.rate=1"), LSNN_ERR_SETTING, "did you mean store-recall.rate?");
    assert_failure(lsnn_experiment_set(e, "=1"), LSNN_ERR_SETTING, "unknown setting");
    assert_failure(lsnn_experiment_set(e, "net=1"), LSNN_ERR_SETTING, "unknown setting");
    assert_failure(lsnn_experiment_set(e, "net.beta"), LSNN_ERR_SETTING, "'net.beta'", "KEY=VALUE");
    assert_failure(lsnn_experiment_set(e, ""), LSNN_ERR_SETTING, "KEY=VALUE");
    assert_failure(lsnn_experiment_set(e, "image.cue_ms=1"), LSNN_ERR_SETTING, "image.cue_ms", "tasks digits,smnist",
                   "task is store-recall");
    assert_failure(lsnn_experiment_set(e, "image.n_test=1"), LSNN_ERR_SETTING, "image.n_test", "the task digits,", "task is store-recall");
    assert_failure(lsnn_experiment_set(e, "task=digits"), LSNN_ERR_SETTING, "task", "store-recall", "another experiment");
    assert_ok(lsnn_experiment_set(e, "task=store-recall"));
    lsnn_experiment_free(e);
    e = parsed("task: smnist");
    assert_failure(lsnn_experiment_set(e, "image.n_test=1"), LSNN_ERR_SETTING, "image.n_test", "digits", "task is smnist");
    assert_failure(lsnn_experiment_set(e, "arrays.kind=class"), LSNN_ERR_SETTING, "arrays.kind", "the task arrays");
    lsnn_experiment_free(e);
}

typedef struct search {
    const char *key;
    lsnn_setting found;
    int n, n_other;
} search;

static void look(void *user, const lsnn_setting *setting) {
    search *s = user;
    s->n++;
    s->n_other += strncmp(setting->key, "image.", 6) == 0;
    if (strcmp(setting->key, s->key) == 0) {
        s->found = *setting;
    }
}

static const char *origin_of(const lsnn_experiment *experiment, const char *key) {
    search s = {.key = key};
    lsnn_experiment_each(experiment, look, &s);
    assert_non_null(s.found.key);
    return s.found.origin;
}

static void origins(void **state) {
    (void)state;
    lsnn_experiment *e = NULL, *copy = NULL;
    assert_ok(lsnn_experiment_open(&e, "store-recall"));
    assert_ok(lsnn_experiment_set(e, "net.beta=1.7"));
    assert_ok(lsnn_experiment_set(e, "net.n_lif = 11"));
    assert_string_equal(origin_of(e, "net.tau_a"), "file");
    assert_string_equal(origin_of(e, "task"), "file");
    assert_string_equal(origin_of(e, "net.beta"), "--set");
    assert_string_equal(origin_of(e, "net.n_lif"), "--set");
    assert_string_equal(origin_of(e, "net.tau_m"), "default");
    assert_int_equal(setting_int(e, "net.n_lif"), 11);

    assert_ok(experiment_copy(&copy, e));
    assert_ok(lsnn_experiment_set(e, "net.n_lif=12"));
    assert_int_equal(setting_int(copy, "net.n_lif"), 11);
    assert_string_equal(origin_of(copy, "net.beta"), "--set");
    assert_string_equal(origin_of(copy, "net.tau_a"), "file");
    assert_string_equal(lsnn_experiment_name(copy), "store-recall");

    search s = {.key = "net.tau_m"};
    lsnn_experiment_each(e, look, &s);
    assert_int_equal(s.n_other, 0);
    assert_int_equal(s.n, 54 + 5);
    assert_string_equal(s.found.value, "20");
    assert_string_equal(s.found.unit, "ms");
    assert_string_equal(s.found.range, "above 0, up to 1000000");
    assert_non_null(strstr(s.found.help, "membrane"));
    lsnn_experiment_free(copy);
    lsnn_experiment_free(e);
}

static void cross_checks(void **state) {
    (void)state;
    lsnn_experiment *e = parsed("task: digits\nnet: {n_lif: 0, n_adaptive: 0}");
    assert_failure(experiment_check(e), LSNN_ERR_SETTING, "net.n_lif + net.n_adaptive is 0", "1..65535");
    assert_ok(lsnn_experiment_set(e, "net.n_lif=60000"));
    assert_ok(lsnn_experiment_set(e, "net.n_adaptive=6000"));
    assert_failure(experiment_check(e), LSNN_ERR_SETTING, "66000", "65535");
    assert_ok(lsnn_experiment_set(e, "net.n_lif=1"));
    assert_ok(lsnn_experiment_set(e, "net.n_adaptive=2"));
    assert_ok(lsnn_experiment_set(e, "net.tau_m=[20, 30]"));
    assert_failure(experiment_check(e), LSNN_ERR_SETTING, "net.tau_m", "2 values", "net.n_lif + net.n_adaptive is 3");
    assert_ok(lsnn_experiment_set(e, "net.tau_m=[20, 30, 40]"));
    assert_ok(experiment_check(e));
    assert_ok(lsnn_experiment_set(e, "net.tau_a=[20, 30, 40]"));
    assert_failure(experiment_check(e), LSNN_ERR_SETTING, "net.tau_a", "3 values", "net.n_adaptive is 2");
    assert_ok(lsnn_experiment_set(e, "net.tau_a=[20, 30]"));
    assert_ok(lsnn_experiment_set(e, "net.beta=[1]"));
    assert_failure(experiment_check(e), LSNN_ERR_SETTING, "net.beta", "1 values", "net.n_adaptive is 2");
    assert_ok(lsnn_experiment_set(e, "net.beta=[1, 0]"));
    assert_ok(experiment_check(e));
    assert_ok(lsnn_experiment_set(e, "image.readout_ms=57"));
    assert_failure(experiment_check(e), LSNN_ERR_SETTING, "image.readout_ms", "57", "image.cue_ms", "56");
    assert_ok(lsnn_experiment_set(e, "image.cue_ms=57"));
    assert_ok(experiment_check(e));
    lsnn_experiment_free(e);
    e = parsed("task: arrays\narrays: {valid_fraction: 0.5, test_fraction: 0.5}");
    assert_failure(experiment_check(e), LSNN_ERR_SETTING, "arrays.valid_fraction + arrays.test_fraction", "nothing to train on");
    lsnn_experiment_free(e);
}

/* ---- YAML ---- */

static void yaml_forms(void **state) {
    (void)state;
    lsnn_experiment *e = parsed(
        "---\n# a comment\nname: 'my own'\nsummary: |\n  two\n  lines\nnet.tau_out: 5\n'net.n_lif': \"7\"\nnet:\n  n_adaptive: 3 # few\n"
        "train:\nstore-recall: {rate: 40}\ntask: store-recall\n...\n");
    assert_string_equal(lsnn_experiment_name(e), "my own");
    assert_true(setting_real(e, "net.tau_out") == 5 && setting_int(e, "net.n_lif") == 7 && setting_int(e, "net.n_adaptive") == 3);
    assert_true(setting_real(e, "store-recall.rate") == 40);
    lsnn_experiment_free(e);
}

static void bad_yaml(void **state) {
    (void)state;
    assert_failure(bad(""), LSNN_ERR_DATA, "test", "empty", "task");
    assert_failure(bad("# nothing\n"), LSNN_ERR_DATA, "test", "empty");
    assert_failure(bad("task: digits\nnet: [1, 2\n"), LSNN_ERR_DATA, "test:3:1:", "not YAML");
    assert_failure(bad("task: digits\n\tseed: 1\n"), LSNN_ERR_DATA, "test:2:", "not YAML");
    assert_failure(bad("task: digits\nseed: 1\n b: 2\n"), LSNN_ERR_DATA, "test:3:", "not YAML");
    assert_failure(bad("task: \xff\n"), LSNN_ERR_DATA, "not YAML", "byte 6");
    assert_failure(bad("task: \x01\n"), LSNN_ERR_DATA, "not YAML", "control characters");
    assert_failure(bad("- task: digits\n"), LSNN_ERR_DATA, "test:1:", "KEY: VALUE", "list");
    assert_failure(bad("digits\n"), LSNN_ERR_DATA, "test:1:", "KEY: VALUE", "bare text");
    assert_failure(bad("seed: 1\n"), LSNN_ERR_SETTING, "test", "task",
                   "store-recall|digits|smnist|arrays|l2l-teacher|l2l-sinusoid|l2l-own");
    assert_failure(bad("task: digit\n"), LSNN_ERR_SETTING, "test:1: task", "'digit'", "digits");
    assert_failure(bad("seed: 1\ntask: [digits]\n"), LSNN_ERR_SETTING, "task");
    assert_failure(bad("task: digits\nnet:\n  tau_n: 1\n"), LSNN_ERR_SETTING,
                   "test:3: net.tau_n: unknown setting; did you mean net.tau_m?");
    assert_failure(bad("task: digits\nnett:\n  tau_m: 1\n"), LSNN_ERR_SETTING, "test:2: nett: unknown setting");
    assert_failure(bad("task: digits\nnet:\n  tau:\n    m: 1\n"), LSNN_ERR_SETTING, "test:3: net.tau: unknown setting", "net.tau_");
    assert_failure(bad("task: digits\nstore-recall:\n  rate: 1\n"), LSNN_ERR_SETTING, "test:3: store-recall.rate", "store-recall,",
                   "task is digits");
    assert_failure(bad("task: digits\nnet:\n  dt: -1\n"), LSNN_ERR_SETTING, "test:3: net.dt", "'-1'", "above 0, up to 1000 ms");
    assert_failure(bad("task: digits\nnet:\n  dt: 1\n  bias: true\n  dt: 2\n"), LSNN_ERR_DATA, "test:5: dt: given twice", "line 3");
    assert_failure(bad("task: digits\nnet:\n  dt: 1\nnet.dt: 1\n"), LSNN_ERR_DATA, "net.dt: given twice", "line 3");
    assert_failure(bad("task: digits\nnet: {dt: 1}\nnet: {bias: true}\n"), LSNN_ERR_DATA, "test:3: net: given twice", "line 2");
    assert_failure(bad("task: digits\ntask: digits\n"), LSNN_ERR_DATA, "test:2: task: given twice", "line 1");
    assert_failure(bad("name: a\nname: b\ntask: digits\n"), LSNN_ERR_DATA, "test:2: name: given twice");
    assert_failure(bad("task: digits\nnet:\n  dt: [1, 2]\n"), LSNN_ERR_SETTING, "test:3: net.dt: takes one value", "list");
    assert_failure(bad("task: digits\nnet:\n  dt: {a: 2}\n"), LSNN_ERR_SETTING, "test:3: net.dt: takes one value", "group");
    assert_failure(bad("task: arrays\narrays.file: [a]\n"), LSNN_ERR_SETTING, "test:2: arrays.file: takes one value", "list");
    assert_failure(bad("task: digits\nnet: 5\n"), LSNN_ERR_SETTING, "test:2: net: a group of settings");
    assert_failure(bad("task: digits\nnet: [a]\n"), LSNN_ERR_SETTING, "test:2: net: a group of settings");
    assert_failure(bad("task: digits\nnet:\n  dt:\n"), LSNN_ERR_SETTING, "net.dt", "not a finite number");
    assert_failure(bad("task: digits\nnet:\n  tau_m: [1, [2]]\n"), LSNN_ERR_SETTING, "test:3: net.tau_m", "not one number");
    assert_failure(bad("task: digits\nnet:\n  tau_m:\n  - 1\n  - x\n"), LSNN_ERR_SETTING, "net.tau_m", "'x'", "value 2");
    assert_failure(bad("task: digits\nnet: &a\n  dt: 1\ntrain: *a\n"), LSNN_ERR_DATA, "test:", "alias");
    assert_failure(bad("task: digits\nnet.tau_m: [&a 1, *a]\n"), LSNN_ERR_DATA, "test:2:", "alias");
    assert_failure(bad("task: digits\nnet: &a {dt: *a}\n"), LSNN_ERR_DATA, "test:2:", "alias");
    assert_failure(bad("task: digits\nseed: *a\n"), LSNN_ERR_DATA, "test:2:", "alias");
    assert_failure(bad("task: digits\nseed: !!python/object 1\n"), LSNN_ERR_DATA, "test:2:", "tag");
    assert_failure(bad("task: digits\nseed: !mine 1\n"), LSNN_ERR_DATA, "test:2:", "tag");
    assert_failure(bad("task: digits\n[a]: 1\n"), LSNN_ERR_DATA, "test:2:", "setting's name");
    assert_failure(bad("task: digits\n? {a: b}\n: 1\n"), LSNN_ERR_DATA, "test:2:", "setting's name");
    assert_failure(bad("task: digits\nseed: \"1\\0\"\n"), LSNN_ERR_DATA, "test:2:", "zero character");
    assert_failure(bad("task: digits\n---\ntask: smnist\n"), LSNN_ERR_DATA, "test:2:", "second YAML document");
    assert_failure(bad("task: digits\nname: [a]\n"), LSNN_ERR_DATA, "test:2: name: takes one text");
    assert_failure(bad("task: digits\nname: a/b\n"), LSNN_ERR_SETTING, "test:2: name", "'a/b'", "without '/'");
    assert_failure(bad("task: digits\nname: ''\n"), LSNN_ERR_SETTING, "test:2: name", "1..63");
    assert_failure(bad("task: digits\nname: 0123456789012345678901234567890123456789012345678901234567890123\n"), LSNN_ERR_SETTING, "name",
                   "1..63");
    assert_failure(bad("task: digits\nsummary: \"\\x07\"\n"), LSNN_ERR_SETTING, "test:2: summary", "printable");
    assert_failure(bad("task: arrays\narrays.inputs: \"a\\nb\"\n"), LSNN_ERR_SETTING, "test:2: arrays.inputs", "one line");
}

/* Both have the same settings, in every representation. */
static void assert_same(const lsnn_experiment *a, const lsnn_experiment *b) {
    assert_string_equal(lsnn_experiment_name(a), lsnn_experiment_name(b));
    for (size_t i = 0; i < option_count(); i++) {
        const char *key = option_at(i)->key, *value = lsnn_experiment_get(a, key);
        if (!value) {
            assert_null(lsnn_experiment_get(b, key));
            continue;
        }
        assert_string_equal(value, lsnn_experiment_get(b, key));
        if (option_at(i)->type == OPTION_SPREAD) {
            lsnn_spread x, y;
            int n_x, n_y;
            setting_spread(a, key, &x, &n_x);
            setting_spread(b, key, &y, &n_y);
            assert_int_equal(n_x, n_y);
            assert_true(n_x ? memcmp(x.values, y.values, (size_t)n_x * sizeof *x.values) == 0 : x.low == y.low && x.high == y.high);
        } else if (option_at(i)->type == OPTION_REAL) {
            assert_true(setting_real(a, key) == setting_real(b, key));
        }
    }
}

static void assert_round_trip(const lsnn_experiment *e) {
    char *yaml = NULL, *again = NULL;
    lsnn_experiment *back = NULL;
    assert_ok(experiment_print(e, &yaml));
    assert_ok(experiment_parse(&back, "other", yaml, "run"));
    assert_same(e, back);
    assert_string_equal(origin_of(back, "net.dt"), "run");
    assert_ok(experiment_print(back, &again));
    assert_string_equal(yaml, again);
    free(yaml);
    free(again);
    lsnn_experiment_free(back);
}

static void round_trip(void **state) {
    (void)state;
    static const char *const tasks[] = {"store-recall", "digits", "smnist", "arrays", "l2l-teacher", "l2l-sinusoid", "l2l-own"};
    static const char *const assignments[] = {"seed=4611686018427387904",
                                              "net.v_th=0.1000000000000000055511151231257827",
                                              "net.gamma=+3e-1",
                                              "net.tau_m=15 .. 30",
                                              "net.tau_a=[1,\n2,\t3.25]",
                                              "net.tau_a=1\n..\n2",
                                              "net.beta=[1]",
                                              "net.bias=no",
                                              "train.lr_schedule=cosine"};
    for (size_t t = 0; t < sizeof tasks / sizeof *tasks; t++) {
        char yaml[64];
        snprintf(yaml, sizeof yaml, "name: it's %d\nsummary: \"a 'b' \\\"c\\\": # d\"\ntask: %s\n", (int)t, tasks[t]);
        lsnn_experiment *e = parsed(yaml);
        assert_round_trip(e);
        for (size_t i = 0; i < sizeof assignments / sizeof *assignments; i++) {
            assert_ok(lsnn_experiment_set(e, assignments[i]));
            assert_round_trip(e);
        }
        lsnn_experiment_free(e);
    }
    static const char *const texts[] = {"it's",
                                        "''",
                                        "# no comment",
                                        "a: b",
                                        "[1, 2]",
                                        "*a",
                                        "&a",
                                        "!t",
                                        "~",
                                        "null",
                                        "true",
                                        "\"",
                                        "\\n",
                                        "%",
                                        "@",
                                        "- a",
                                        "d\xc3\xa9j\xc3\xa0\xf0\x9f\x98\x80",
                                        "a  b",
                                        "{",
                                        "|",
                                        ">"};
    lsnn_experiment *e = parsed("task: arrays");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char assignment[64];
        snprintf(assignment, sizeof assignment, "arrays.file=%s", texts[i]);
        assert_ok(lsnn_experiment_set(e, assignment));
        assert_string_equal(setting_text(e, "arrays.file"), texts[i]);
        assert_round_trip(e);
    }
    lsnn_experiment_free(e);
}

/* Settings of another kind of network are refused and not shown, wherever in the file the kind stands. */
static void kinds_of_network(void **state) {
    (void)state;
    lsnn_experiment *e = parsed("task: smnist\nnet:\n  n_units: 17\n  kind: rnn\n");
    char *yaml = NULL;
    assert_int_equal(setting_int(e, "net.n_units"), 17);
    assert_null(lsnn_experiment_get(e, "net.tau_m"));
    assert_null(lsnn_experiment_get(e, "net.forget_bias"));
    assert_null(lsnn_experiment_get(e, "rewire.l1"));
    assert_string_equal(lsnn_experiment_get(e, "net.dt"), "1");
    assert_failure(lsnn_experiment_set(e, "net.tau_m=30"), LSNN_ERR_SETTING, "net.tau_m", "lsnn", "net.kind is rnn");
    assert_failure(lsnn_experiment_set(e, "net.kind=gru"), LSNN_ERR_SETTING, "net.kind", "gru", "lsnn|lstm|rnn");
    assert_ok(experiment_check(e));
    assert_ok(experiment_print(e, &yaml));
    assert_non_null(strstr(yaml, "net:\n  kind: rnn\n  n_units: 17\n  bidirectional: false\n  dt: 1\n  scale_in: 1\n"));
    assert_null(strstr(yaml, "rewire"));
    assert_null(strstr(yaml, "rate_strength"));
    assert_round_trip(e);
    free(yaml);
    assert_ok(lsnn_experiment_set(e, "net.kind=lstm"));
    assert_ok(lsnn_experiment_set(e, "net.forget_bias=2"));
    assert_round_trip(e);
    lsnn_experiment_free(e);
    assert_failure(bad("task: smnist\nnet:\n  n_units: 17\n"), LSNN_ERR_SETTING, "test:3:", "net.n_units", "net.kind is lsnn");
    assert_failure(bad("task: smnist\nnet:\n  kind: lstm\n  beta: 1\n"), LSNN_ERR_SETTING, "test:4:", "net.beta", "net.kind is lstm");
}

static void printed_form(void **state) {
    (void)state;
    lsnn_experiment *e = parsed("summary: s\ntask: store-recall\nnet.v_th: 1e-2\n");
    char *yaml = NULL;
    assert_ok(experiment_print(e, &yaml));
    static const char start[] = "name: 'test'\nsummary: 's'\ntask: store-recall\nseed: 1\nnet:\n  kind: lsnn\n  n_lif: 120\n";
    assert_int_equal(strncmp(yaml, start, strlen(start)), 0);
    assert_non_null(strstr(yaml, "\n  v_th: 1e-2\n"));
    assert_non_null(strstr(yaml, "\nstore-recall:\n  symbol_ms: 200\n"));
    assert_null(strstr(yaml, "image"));
    free(yaml);
    lsnn_experiment_free(e);
}

/* ---- files ---- */

typedef struct listing {
    char text[512];
} listing;

static void add_to_listing(void *user, const char *name, const char *summary) {
    listing *l = user;
    size_t n = strlen(l->text);
    snprintf(l->text + n, sizeof l->text - n, "%s=%s;", name, summary);
}

static void shipped(void **state) {
    (void)state;
    lsnn_experiment *e = NULL;
    assert_ok(lsnn_experiment_open(&e, "digits"));
    assert_string_equal(lsnn_experiment_name(e), "digits");
    assert_int_equal(setting_int(e, "train.batch"), 64);
    assert_string_equal(origin_of(e, "train.batch"), "file");
    lsnn_experiment_free(e);
    listing l = {0};
    assert_ok(lsnn_experiment_list(add_to_listing, &l));
    assert_string_equal(l.text, "digits=Real digits, pixel by pixel;smnist=;store-recall=A bit is kept in mind;");

    assert_failure(lsnn_experiment_open(&e, "digist"), LSNN_ERR_SETTING, "'digist'", "did you mean digits?", "lsnn list");
    assert_failure(lsnn_experiment_open(&e, "store_recall"), LSNN_ERR_SETTING, "'store_recall'", "did you mean store-recall?");
    assert_failure(lsnn_experiment_open(&e, ""), LSNN_ERR_SETTING, "''", "did you mean");
    assert_failure(lsnn_experiment_open(&e, ".."), LSNN_ERR_SETTING, "'..'");

    assert_int_equal(setenv("LSNN_SHARE", in_folder("nowhere"), 1), 0);
    assert_failure(lsnn_experiment_open(&e, "digits"), LSNN_ERR_IO, in_folder("nowhere"), "LSNN_SHARE");
    assert_failure(lsnn_experiment_list(add_to_listing, &l), LSNN_ERR_IO, in_folder("nowhere"), "LSNN_SHARE");
    assert_int_equal(setenv("LSNN_SHARE", in_folder("share"), 1), 0);

    char path[1024];
    assert_ok(share_path(path, sizeof path, "models/x.safetensors"));
    assert_string_equal(path, in_folder("share/models/x.safetensors"));
    assert_failure(share_path(path, 10, "models/x.safetensors"), LSNN_ERR_IO, "path");
}

static void files(void **state) {
    (void)state;
    lsnn_experiment *e = NULL;
    write_file("own.yaml", "task: smnist\nnet:\n  n_lif: 3\n");
    assert_ok(lsnn_experiment_open(&e, in_folder("own.yaml")));
    assert_string_equal(lsnn_experiment_name(e), "own");
    assert_int_equal(setting_int(e, "net.n_lif"), 3);
    lsnn_experiment_free(e);
    write_file("with.dots", "task: smnist\n");
    assert_ok(lsnn_experiment_open(&e, in_folder("with.dots")));
    assert_string_equal(lsnn_experiment_name(e), "with.dots");
    lsnn_experiment_free(e);

    write_file("bad.yml", "task: smnist\n\nnet:\n  n_lif: many\n");
    assert_failure(lsnn_experiment_open(&e, in_folder("bad.yml")), LSNN_ERR_SETTING, in_folder("bad.yml"), ":4: net.n_lif", "'many'");
    write_file("broken.yml", "task: smnist\nnet: {\n");
    assert_failure(lsnn_experiment_open(&e, in_folder("broken.yml")), LSNN_ERR_DATA, in_folder("broken.yml"), "not YAML");
    assert_failure(lsnn_experiment_open(&e, in_folder("none.yaml")), LSNN_ERR_IO, in_folder("none.yaml"), "No such file");
    assert_failure(lsnn_experiment_open(&e, "none.yaml"), LSNN_ERR_IO, "none.yaml");
    assert_failure(lsnn_experiment_open(&e, folder), LSNN_ERR_IO, folder, "directory");
    assert_failure(lsnn_experiment_open(&e, "/dev/zero"), LSNN_ERR_IO, "/dev/zero", "is a device");

    enum { LARGE = (1 << 20) + 1 };
    char *large = malloc(LARGE + 1);
    assert_non_null(large);
    memset(large, '#', LARGE);
    large[LARGE] = '\0';
    write_file("large.yaml", large);
    assert_failure(lsnn_experiment_open(&e, in_folder("large.yaml")), LSNN_ERR_DATA, in_folder("large.yaml"), "1048576");
    memcpy(large, "task: smnist\n", 13);
    large[LARGE - 1] = '\0';
    write_file("large.yaml", large);
    assert_ok(lsnn_experiment_open(&e, in_folder("large.yaml")));
    lsnn_experiment_free(e);
    free(large);

    char name[100];
    memset(name, 'n', sizeof name);
    strcpy(name + 64, ".yaml");
    write_file(name, "task: smnist\n");
    assert_failure(lsnn_experiment_open(&e, in_folder(name)), LSNN_ERR_SETTING, name, "name:", "1..63");
}

/* Files that are small, and slow or deep for a careless reader. */
static void hostile_files(void **state) {
    (void)state;
    enum { SIZE = 1 << 20 };
    static const char *const repeated[] = {"[", "{",    "- ",      "? ", "a: [", "[a, ", "!",   "&a ",
                                           "'", "\"\\", "a: &a\n", "*",  "[]: ", "{a: ", "-\n", ": "};
    char *text = malloc(SIZE + 1);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++) {
        size_t n = strlen(repeated[i]), at = 0;
        for (; at + n <= SIZE; at += n) {
            memcpy(text + at, repeated[i], n);
        }
        text[at] = '\0';
        clock_t start = clock();
        assert_int_not_equal(bad(text), LSNN_OK);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        if (seconds > 5) {
            fail_msg("'%s' takes %g s", repeated[i], seconds);
        }
    }
    free(text);
}

static void write_model(const char *name, const char *experiment, const char *settings) {
    tensor_writer *writer = NULL;
    static const float weight[2] = {1, 2};
    assert_ok(tensor_writer_create(&writer));
    tensor_writer_add(writer, "w", TENSOR_F32, 1, (int64_t[]){2}, weight);
    if (experiment) {
        tensor_writer_text(writer, "experiment", experiment);
    }
    if (settings) {
        tensor_writer_text(writer, "settings", settings);
    }
    assert_ok(tensor_writer_save(writer, in_folder(name), NULL));
    tensor_writer_free(writer);
}

static void runs(void **state) {
    (void)state;
    lsnn_experiment *e = parsed("task: digits\nnet.n_lif: 5\n"), *back = NULL;
    char *yaml = NULL;
    assert_ok(experiment_print(e, &yaml));
    assert_ok(folder_create(in_folder("run-1")));
    assert_failure(lsnn_experiment_open_run(&back, in_folder("run-1")), LSNN_ERR_IO, in_folder("run-1"), "not a run folder",
                   "settings.yaml");
    write_file("run-1/settings.yaml", yaml);
    assert_ok(lsnn_experiment_open_run(&back, in_folder("run-1")));
    assert_same(e, back);
    assert_string_equal(origin_of(back, "net.n_lif"), "run");
    assert_string_equal(origin_of(back, "net.beta"), "run");
    lsnn_experiment_free(back);
    assert_ok(lsnn_experiment_open_run(&back, in_folder("run-1/"))); /* as a shell completes it */
    assert_same(e, back);
    lsnn_experiment_free(back);

    write_model("model.safetensors", "mine", "task: digits\nseed: 9\n");
    assert_ok(lsnn_experiment_open_run(&back, in_folder("model.safetensors")));
    assert_string_equal(lsnn_experiment_name(back), "mine");
    assert_int_equal(setting_int(back, "seed"), 9);
    assert_string_equal(origin_of(back, "seed"), "run");
    lsnn_experiment_free(back);
    write_model("share/models/shipped.safetensors", NULL, "task: smnist\n");
    assert_ok(lsnn_experiment_open_run(&back, "shipped"));
    assert_string_equal(lsnn_experiment_name(back), "shipped");
    lsnn_experiment_free(back);

    write_model("bare.safetensors", NULL, NULL);
    assert_failure(lsnn_experiment_open_run(&back, in_folder("bare.safetensors")), LSNN_ERR_DATA, in_folder("bare.safetensors"),
                   "no settings");
    write_model("odd.safetensors", "odd", "task: digits\nnet.n_lif: -3\n");
    assert_failure(lsnn_experiment_open_run(&back, in_folder("odd.safetensors")), LSNN_ERR_SETTING, in_folder("odd.safetensors"),
                   "net.n_lif", "'-3'");
    write_model("named.safetensors", "a/../b", "task: digits\n");
    assert_failure(lsnn_experiment_open_run(&back, in_folder("named.safetensors")), LSNN_ERR_SETTING, in_folder("named.safetensors"),
                   "'a/../b'");
    write_file("junk.safetensors", "junk");
    assert_failure(lsnn_experiment_open_run(&back, in_folder("junk.safetensors")), LSNN_ERR_DATA, in_folder("junk.safetensors"));
    assert_failure(lsnn_experiment_open_run(&back, in_folder("nothing")), LSNN_ERR_IO, in_folder("nothing"), "neither a run folder");
    assert_failure(lsnn_experiment_open_run(&back, "no-such-model"), LSNN_ERR_IO, "no-such-model", "neither a run folder");
    assert_failure(lsnn_experiment_open_run(&back, "ship"), LSNN_ERR_IO, "ship: neither a run folder", "the nearest name is shipped");
    write_file("run-1/settings.yaml", "task: digits\nnet:\n  nlif: 1\n");
    assert_failure(lsnn_experiment_open_run(&back, in_folder("run-1")), LSNN_ERR_SETTING, "settings.yaml:3: net.nlif",
                   "did you mean net.n_lif?");
    free(yaml);
    lsnn_experiment_free(e);
}

/* ---- garbage ---- */

static uint64_t draw(uint64_t *state) { /* splitmix64 */
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* Whatever is read has settings that print and read back, or fails with a one-line message. Returns whether it was read. */
static bool survives(const char *text, uint64_t seed) {
    lsnn_experiment *e = NULL;
    lsnn_status status = experiment_parse(&e, "garbage", text, "file");
    if (status == LSNN_OK) {
        assert_round_trip(e);
        experiment_check(e);
        lsnn_experiment_free(e);
        return true;
    }
    const char *message = lsnn_error();
    if ((status != LSNN_ERR_DATA && status != LSNN_ERR_SETTING) || !*message || strpbrk(message, "\n\r\033")) {
        fail_msg("seed %llu: %s: %s", (unsigned long long)seed, lsnn_status_name(status), message);
    }
    return false;
}

static void fuzz(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "task",  "digits", "arrays",  ": ", ":",           "\n",   "\n  ",   "net",          "net.",       "tau_m",  "n_lif", "[",
        "]",     ", ",     "{",       "}",  "1",           "-1",   "15..30", "&a",           "*a",         "!!str ", "'",     "\"",
        "# ",    "---\n",  "...",     "| ", ">-\n  ",      "\t",   "nan",    "1e9",          "? ",         "- ",     "\xff",  "\xc3\xa9",
        "\\x00", "name",   "summary", "<<", "%YAML 1.1\n", "true", "beta",   "image.cue_ms", "arrays.file"};
    char *yaml = NULL;
    lsnn_experiment *e = parsed("summary: 'It''s'\ntask: arrays\nnet: {tau_m: [1, 2.5], beta: 1..2}\narrays.file: a'b # c\n");
    assert_ok(experiment_print(e, &yaml));
    lsnn_experiment_free(e);
    size_t n_yaml = strlen(yaml);
    int n_read = 0;
    for (uint64_t seed = 1; seed <= 6000; seed++) {
        uint64_t random = seed;
        char text[4096];
        size_t n = 0;
        if (seed % 2) { /* a good file with a few bytes changed, cut or doubled */
            assert_true(n_yaml < sizeof text / 2);
            memcpy(text, yaml, n_yaml + 1);
            n = n_yaml;
            for (uint64_t k = draw(&random) % 4 + 1; k > 0; k--) {
                size_t at = draw(&random) % n, length = draw(&random) % 12;
                length = at + length > n ? n - at : length;
                text[n] = '\0';
                switch (draw(&random) % 8) {
                    case 0: text[at] = (char)(draw(&random) % 255 + 1); break;
                    case 1: text[at] = "0123456789.-: \n'[]"[draw(&random) % 18]; break;
                    case 2: memmove(text + at, text + at + length, n - at - length), n -= length; break;
                    case 3: memmove(text + at + length, text + at, n - at), n += length; break;
                    default: /* another digit, for values that are still numbers */
                        at += strcspn(text + at, "0123456789");
                        if (at < n) {
                            text[at] = (char)('0' + draw(&random) % 10);
                        }
                        break;
                }
            }
        } else { /* pieces of YAML in any order */
            memcpy(text, "task: digits\n", n = 13);
            for (uint64_t k = draw(&random) % 30; k > 0; k--) {
                const char *piece = pieces[draw(&random) % (sizeof pieces / sizeof *pieces)];
                memcpy(text + n, piece, strlen(piece));
                n += strlen(piece);
            }
        }
        text[n] = '\0';
        n_read += survives(text, seed);
    }
    assert_in_range(n_read, 300, 3000); /* the changes are small enough to get past the parser, and large enough to be refused */
    free(yaml);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_sound),
        cmocka_unit_test(defaults),
        cmocka_unit_test(ranges),
        cmocka_unit_test(spreads),

        cmocka_unit_test(messages_are_one_short_line),
        cmocka_unit_test(distances),
        cmocka_unit_test(unknown_keys),
        cmocka_unit_test(origins),
        cmocka_unit_test(cross_checks),
        cmocka_unit_test(yaml_forms),
        cmocka_unit_test(bad_yaml),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(kinds_of_network),
        cmocka_unit_test(printed_form),
        cmocka_unit_test(shipped),
        cmocka_unit_test(files),
        cmocka_unit_test(hostile_files),
        cmocka_unit_test(runs),
        cmocka_unit_test(fuzz),
    };
    return cmocka_run_group_tests_name("config", tests, set_up, tear_down);
}
