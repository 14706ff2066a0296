/* Runs on samples of different lengths, with networks in one and in both directions: resumed in every way, stopped early, scored, probed. */
#include "base/file.h"
#include "base/rng.h"
#include "base/tensorfile.h"
#include "run/evaluate.h"
#include "support/needs.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_SAMPLES = 60, N_STEPS = 31, N_IN = 5, N_CLASSES = 3, N_ITERATIONS = 9, PATH_SIZE = FOLDER_SIZE + 64 };

/* ---- data: which of three inputs is the strongest, step by step ---- */

static char folder[FOLDER_SIZE];

static int length_of(int sample) {
    return 4 + (sample * 11) % (N_STEPS - 3);
}

static int set_up(void **state) {
    static float inputs[N_SAMPLES * N_STEPS * N_IN];
    static int8_t targets[N_SAMPLES * N_STEPS];
    static uint16_t lengths[N_SAMPLES];
    char path[PATH_SIZE];
    tensor_writer *writer;
    (void)state;
    folder_make(folder);
    for (int n = 0; n < N_SAMPLES; n++) {
        lengths[n] = (uint16_t)length_of(n);
        for (int t = 0; t < N_STEPS; t++) {
            int at = n * N_STEPS + t;
            targets[at] = (int8_t)rng_below(2, RNG_TASK, (uint64_t)at, N_CLASSES);
            for (int i = 0; i < N_IN; i++) {
                inputs[at * N_IN + i] = (float)(0.3 * rng_uniform(1, RNG_TASK, (uint64_t)(at * N_IN + i)) + (i == targets[at] ? 0.5 : 0));
            }
        }
    }
    snprintf(path, sizeof path, "%s/data.safetensors", folder);
    need(tensor_writer_create(&writer));
    tensor_writer_add(writer, "inputs", TENSOR_F32, 3, (int64_t[]){N_SAMPLES, N_STEPS, N_IN}, inputs);
    tensor_writer_add(writer, "targets", TENSOR_I8, 2, (int64_t[]){N_SAMPLES, N_STEPS}, targets);
    tensor_writer_add(writer, "lengths", TENSOR_U16, 1, (int64_t[]){N_SAMPLES}, lengths);
    need(tensor_writer_save(writer, path, NULL));
    tensor_writer_free(writer);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    folder_remove(folder);
    return 0;
}

/* ---- runs ---- */

typedef struct kind {
    const char *name, *settings[9];
} kind;

#define SPIKES "net.n_lif=9", "net.n_adaptive=8", "net.n_ref=1"
static const kind kinds[] = {{"one direction", {SPIKES, "net.n_delay=3", "net.noise=0.05", "net.noise_trainable=true"}},
                             {"both directions", {SPIKES, "net.n_delay=3", "net.bidirectional=true", "loss.l2=0.001", "train.clip=0.5"}},
                             {"both directions, rewired",
                              {SPIKES, "net.n_delay=1", "net.bidirectional=true", "rewire.connectivity=0.4", "rewire.l1=1",
                               "net.excitatory=0.6", "train.lr_warmup=5"}},
                             {"LSTM in both directions", {"net.kind=lstm", "net.n_units=7", "net.bidirectional=true", "loss.l2=0.001"}},
                             {"RNN in both directions", {"net.kind=rnn", "net.n_units=7", "net.bidirectional=true"}},
                             {"both directions, rewired softly",
                              {SPIKES, "net.n_delay=2", "net.bidirectional=true", "rewire.connectivity=0.5", "rewire.l1=0.1",
                               "rewire.temperature=0.02", "rewire.soft=true"}}};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static void set(lsnn_experiment *e, const char *assignment) {
    need(lsnn_experiment_set(e, assignment));
}

static lsnn_experiment *open_kind(const kind *k) {
    static const char *const common[] = {"arrays.kind=class-per-step", "arrays.input=currents",    "arrays.readout_ms=0",
                                         "arrays.lengths=lengths",     "train.iterations=9",       "train.batch=9",
                                         "train.valid_every=2",        "train.checkpoint_every=3", "train.lr=0.02",
                                         "train.length_group=2",       "loss.rate_strength=0.1"};
    char file[PATH_SIZE + 40];
    lsnn_experiment *e;
    need(lsnn_experiment_open(&e, "own-data"));
    if (strncmp(k->settings[0], "net.kind=", 9) == 0) {
        set(e, k->settings[0]);
    }
    for (size_t c = 0; c < sizeof common / sizeof *common; c++) {
        if (strncmp(common[c], "loss.rate", 9) != 0 || strncmp(k->settings[0], "net.kind=", 9) != 0) {
            set(e, common[c]);
        }
    }
    snprintf(file, sizeof file, "arrays.file=%s/data.safetensors", folder);
    set(e, file);
    for (size_t s = 0; s < 9 && k->settings[s] != NULL; s++) {
        set(e, k->settings[s]);
    }
    return e;
}

typedef struct watcher {
    int64_t stop_at, last;
    volatile int stop;
} watcher;

static void watch(void *user, const lsnn_progress *p) {
    watcher *w = user;
    w->last = p->iteration;
    w->stop = p->iteration == w->stop_at;
}

static lsnn_status run(const lsnn_experiment *e, const char *out, bool resume, int64_t stop_at, int n_threads, lsnn_result *result) {
    watcher w = {.stop_at = stop_at};
    lsnn_context *context = context_on(NULL, n_threads);
    lsnn_status status =
        lsnn_train(e, context, &(lsnn_run_options){.out = out, .resume = resume, .progress = watch, .user = &w, .stop = &w.stop}, result);
    lsnn_context_free(context);
    return status;
}

static const char *in_folder(const char *name) {
    static char paths[4][PATH_SIZE];
    static int next;
    next = (next + 1) % 4;
    snprintf(paths[next], PATH_SIZE, "%s/%s", folder, name);
    return paths[next];
}

static uint8_t *whole_file(const char *run_folder, const char *name, size_t *n) {
    char path[PATH_SIZE + 40];
    uint8_t *bytes;
    snprintf(path, sizeof path, "%s/%s", run_folder, name);
    need(file_read(path, &bytes, n));
    return bytes;
}

static void need_same_file(const char *what, const char *got_folder, const char *want_folder, const char *name) {
    size_t n_got, n_want;
    uint8_t *got = whole_file(got_folder, name, &n_got), *want = whole_file(want_folder, name, &n_want);
    if (n_got != n_want || memcmp(got, want, n_got) != 0) {
        fail_msg("%s: %s differs (%zu and %zu bytes)", what, name, n_got, n_want);
    }
    free(got);
    free(want);
}

/* metrics.jsonl as a list of objects without their seconds. */
static json_t *metrics_of(const char *run_folder) {
    size_t n;
    uint8_t *bytes = whole_file(run_folder, "metrics.jsonl", &n);
    json_t *list = json_array();
    for (char *line = strtok((char *)bytes, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        json_t *object = json_loads(line, 0, NULL);
        assert_true(json_object_get(object, "seconds") != NULL);
        json_object_del(object, "seconds");
        json_array_append_new(list, object);
    }
    free(bytes);
    return list;
}

static void need_same_run(const char *what, const char *got, const char *want) {
    need_same_file(what, got, want, "last.safetensors");
    need_same_file(what, got, want, "best.safetensors");
    json_t *a = metrics_of(got), *b = metrics_of(want);
    assert_int_equal(json_array_size(a), json_array_size(b));
    for (size_t k = 0; k < json_array_size(a); k++) {
        if (!json_equal(json_array_get(a, k), json_array_get(b, k))) {
            fail_msg("%s: line %zu of the metrics differs", what, k + 1);
        }
    }
    json_decref(a);
    json_decref(b);
}

static void stopped_and_resumed_is_the_same(void **state) {
    (void)state;
    for (int k = 0; k < N_KINDS; k++) {
        char name[40], what[80];
        lsnn_result want, got;
        lsnn_experiment *e = open_kind(&kinds[k]);
        snprintf(name, sizeof name, "whole%d", k);
        need(run(e, in_folder(name), false, -1, 1, &want));
        assert_int_equal(want.iterations, N_ITERATIONS);
        for (int64_t stop = 1; stop < N_ITERATIONS; stop += 3) {
            char other[40];
            snprintf(other, sizeof other, "stop%d-%d", k, (int)stop);
            snprintf(what, sizeof what, "%s, stopped at %d", kinds[k].name, (int)stop);
            assert_int_equal(run(e, in_folder(other), false, stop, 3, &got), LSNN_STOPPED);
            need(run(e, in_folder(other), true, -1, 2, &got));
            need_same_run(what, in_folder(other), in_folder(name));
            assert_true(got.score == want.score && got.loss == want.loss && got.n == want.n);
        }
        lsnn_experiment_free(e);
    }
}

/* What the best network is in its file is what it was in memory. */
static void a_model_file_is_the_network(void **state) {
    (void)state;
    for (int k = 0; k < N_KINDS; k++) {
        lsnn_result trained, tested;
        lsnn_experiment *e = open_kind(&kinds[k]);
        need(run(e, in_folder("run"), false, -1, 1, &trained));
        lsnn_context *context = context_on(NULL, 2);
        char path[PATH_SIZE + 40];
        snprintf(path, sizeof path, "%s/best.safetensors", in_folder("run"));
        need(lsnn_evaluate(path, context, NULL, &tested));
        assert_true(tested.score == trained.score && tested.loss == trained.loss && tested.n == trained.n);
        assert_true(isnan(trained.rate_hz) ? isnan(tested.rate_hz) : tested.rate_hz == trained.rate_hz && tested.rate_hz > 1);
        lsnn_context_free(context);
        lsnn_experiment_free(e);
        folder_remove(in_folder("run"));
    }
}

/* The score is that of the samples' own steps, in batches of any size, and so are rate and operations. */
static void scores_do_not_depend_on_the_batch(void **state) {
    (void)state;
    for (int k = 1; k < N_KINDS - 1; k++) { /* noise depends on a sample's place */
        lsnn_result trained;
        lsnn_experiment *e = open_kind(&kinds[k]);
        need(run(e, in_folder("run"), false, -1, 1, &trained));
        lsnn_context *context = context_on(NULL, 2);
        opened_model m;
        evaluation first = {0};
        need(model_open(&m, in_folder("run"), &(lsnn_run_options){.split = "train"}));
        int64_t n_steps = 0;
        for (int64_t n = 0; n < m.task->n_samples[SPLIT_TRAIN]; n++) {
            n_steps += task_length(m.task, SPLIT_TRAIN, (uint64_t)n);
        }
        static const int sizes[] = {1, 9, 32, 100};
        for (int s = 0; s < 4; s++) {
            pass *p;
            batch *b;
            evaluation now;
            pass_options options = setup_pass(m.experiment, m.task, false);
            options.n_batch = sizes[s];
            need(pass_open(&p, m.model, context, &options));
            need(batch_create(&b, m.task, p, 1));
            need(evaluate(b, SPLIT_TRAIN, 1, 1, NULL, &now));
            assert_int_equal(now.n, n_steps);
            first = s == 0 ? now : first;
            assert_true(now.score == first.score);
            assert_true(fabs(now.loss - first.loss) < 1e-6 * first.loss);
            assert_true(fabs(now.operations - first.operations) < 1e-6 * first.operations);
            assert_true(isnan(first.rate_hz) || fabs(now.rate_hz - first.rate_hz) < 1e-6 * first.rate_hz);
            batch_free(b);
            pass_close(p);
        }
        model_release(&m);
        lsnn_context_free(context);
        lsnn_experiment_free(e);
        folder_remove(in_folder("run"));
    }
}

static void l2_is_in_the_metrics_and_pulls(void **state) {
    (void)state;
    lsnn_result result;
    lsnn_experiment *e = open_kind(&kinds[3]);
    set(e, "loss.l2=0");
    need(run(e, in_folder("none"), false, -1, 1, &result));
    set(e, "loss.l2=100"); /* the loss is nothing against it: Adam takes full steps */
    need(run(e, in_folder("l2"), false, -1, 1, &result));
    json_t *none = metrics_of(in_folder("none")), *with = metrics_of(in_folder("l2"));
    double before = INFINITY;
    for (size_t k = 0; k < N_ITERATIONS; k++) {
        assert_null(json_object_get(json_array_get(none, k), "l2_loss"));
        double now = json_number_value(json_object_get(json_array_get(with, k), "l2_loss"));
        assert_true(now > 0 && now < before);
        before = now;
    }
    json_decref(none);
    json_decref(with);
    lsnn_experiment_free(e);
}

/* With so small a learning rate no validation is better than the first. */
static void patience_comes_to_an_end(void **state) {
    (void)state;
    lsnn_result result;
    lsnn_experiment *e = open_kind(&kinds[3]);
    set(e, "train.lr=1e-12");
    set(e, "train.valid_every=1");
    set(e, "train.patience=3");
    need(run(e, in_folder("whole"), false, -1, 1, &result));
    assert_int_equal(result.iterations, 4);
    assert_false(result.was_finished);
    for (int64_t stop = 1; stop < 4; stop++) {
        char name[20], what[40];
        snprintf(name, sizeof name, "part%d", (int)stop);
        snprintf(what, sizeof what, "stopped at %d", (int)stop);
        assert_int_equal(run(e, in_folder(name), false, stop, 1, &result), LSNN_STOPPED);
        need(run(e, in_folder(name), true, -1, 1, &result));
        assert_int_equal(result.iterations, 4);
        need_same_run(what, in_folder(name), in_folder("whole"));
    }
    need(run(e, in_folder("whole"), true, -1, 1, &result));
    assert_true(result.was_finished && result.iterations == 4);
    set(e, "train.patience=0");
    need(run(e, in_folder("patient"), false, -1, 1, &result));
    assert_int_equal(result.iterations, N_ITERATIONS);
    lsnn_experiment_free(e);
}

/* ---- probes ---- */

static const tensor *need_tensor(const tensor_file *file, const char *name, int64_t rows, int64_t columns) {
    const tensor *t = tensor_file_find(file, name);
    if (t == NULL || t->shape[0] != rows || (columns > 0 && (t->rank != 2 || t->shape[1] != columns))) {
        fail_msg("%s is not [%d, %d] in the probe", name, (int)rows, (int)columns);
    }
    return t;
}

/* A sample's own steps and no more; the reversed half's traces at the steps that it saw: the readout of both gives the output. */
static void a_probe_has_both_halves(void **state) {
    (void)state;
    enum { SAMPLE = 3, N_HALF = 17 };
    lsnn_result result;
    lsnn_experiment *e = open_kind(&kinds[2]);
    need(run(e, in_folder("run"), false, -1, 1, &result));
    lsnn_context *context = context_on(NULL, 1);
    opened_model m;
    need(model_open(&m, in_folder("run"), &(lsnn_run_options){.split = "test"}));
    int n_steps = task_length(m.task, SPLIT_TEST, SAMPLE);
    assert_true(n_steps < N_STEPS);
    model_release(&m);
    need(lsnn_probe(in_folder("run"), context, NULL, SAMPLE, in_folder("probe.safetensors")));
    tensor_file *file;
    need(tensor_file_open(&file, in_folder("probe.safetensors")));
    const tensor *p = need_tensor(file, "p", n_steps, 2 * N_HALF), *y = need_tensor(file, "y", n_steps, N_CLASSES);
    const tensor *output = need_tensor(file, "output", n_steps, N_CLASSES), *stop = need_tensor(file, "window_stop", n_steps, 0);
    const tensor *w[2] = {need_tensor(file, "forward.w_out", N_CLASSES, N_HALF), need_tensor(file, "reversed.w_out", N_CLASSES, N_HALF)};
    const tensor *b[2] = {need_tensor(file, "forward.b_out", N_CLASSES, 0), need_tensor(file, "reversed.b_out", N_CLASSES, 0)};
    need_tensor(file, "input", n_steps, N_IN);
    need_tensor(file, "class", n_steps, 0);
    need_tensor(file, "beta", 2 * N_HALF, 0);
    need_tensor(file, "tau_a", 2 * N_HALF, 0);
    need_tensor(file, "z", n_steps, 2 * N_HALF);
    need_tensor(file, "reversed.d_w_in", N_HALF, N_IN);
    double n_spikes[2] = {0};
    for (int t = 0; t < n_steps; t++) {
        assert_true(tensor_at(stop, (size_t)t) == t + 1);
        for (int o = 0; o < N_CLASSES; o++) {
            double sum = 0;
            for (int h = 0; h < 2; h++) {
                sum += tensor_at(b[h], (size_t)o);
                for (int j = 0; j < N_HALF; j++) {
                    double trace = tensor_at(p, (size_t)(t * 2 * N_HALF + h * N_HALF + j));
                    sum += tensor_at(w[h], (size_t)(o * N_HALF + j)) * trace;
                    n_spikes[h] += trace;
                }
            }
            size_t at = (size_t)(t * N_CLASSES + o);
            if (!(fabs(sum - tensor_at(output, at)) < 1e-4 && fabs(sum - tensor_at(y, at)) < 1e-4)) {
                fail_msg("step %d: the readout of both halves is %g, the output %g, y %g", t, sum, tensor_at(output, at), tensor_at(y, at));
            }
        }
    }
    assert_true(n_spikes[0] > 0 && n_spikes[1] > 0);
    tensor_file_close(file);
    need(lsnn_plot(in_folder("probe.safetensors"), in_folder("probe.svg")));
    lsnn_context_free(context);
    lsnn_experiment_free(e);
}

/* ---- what does not fit ---- */

static void a_network_of_one_direction_is_not_one_of_two(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        lsnn_result result;
        model *m = NULL;
        tensor_file *file;
        char path[PATH_SIZE + 40];
        lsnn_experiment *e = open_kind(&kinds[k == 0 ? 1 : 3]);
        set(e, "net.bidirectional=false");
        need(run(e, in_folder("run"), false, -1, 1, &result));
        snprintf(path, sizeof path, "%s/last.safetensors", in_folder("run"));
        need(tensor_file_open(&file, path));
        set(e, "net.bidirectional=true");
        need_error(model_read(&m, e, file), LSNN_ERR_DATA, "'forward.");
        assert_null(m);
        assert_int_equal(run(e, in_folder("run"), true, -1, 1, &result), LSNN_ERR_SETTING); /* a run keeps its settings */
        tensor_file_close(file);
        lsnn_experiment_free(e);
        folder_remove(in_folder("run"));
    }
}

static void lengths_leave_nothing_to_carry(void **state) {
    (void)state;
    lsnn_result result;
    lsnn_experiment *e = open_kind(&kinds[0]);
    set(e, "train.carry_state=true");
    need_error(run(e, in_folder("run"), false, -1, 1, &result), LSNN_ERR_SETTING, "train.carry_state is true");
    assert_false(file_exists(in_folder("run")));
    lsnn_experiment_free(e);
}

#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    setenv("LSNN_SHARE", LSNN_SOURCE_DIR, 1);
    const struct CMUnitTest tests[] = {RUN_TEST(stopped_and_resumed_is_the_same),
                                       RUN_TEST(a_model_file_is_the_network),
                                       RUN_TEST(scores_do_not_depend_on_the_batch),
                                       RUN_TEST(l2_is_in_the_metrics_and_pulls),
                                       RUN_TEST(patience_comes_to_an_end),
                                       RUN_TEST(a_probe_has_both_halves),
                                       RUN_TEST(a_network_of_one_direction_is_not_one_of_two),
                                       RUN_TEST(lengths_leave_nothing_to_carry)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
