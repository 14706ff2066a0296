/* Task arrays: what a user's files hold is exactly what arrives in the simulation, and what does not fit is refused with a clear line. */
#include "base/file.h"
#include "base/tensorfile.h"
#include "net/sim.h"
#include "tasks/task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In this order, and last, as cmocka's macro fail() would be in the way of base/error.h. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

/* ---- files ---- */

static char folder[512];

static int create_folder(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/lsnn-arrays-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
    (void)state;
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const char *in_folder(const char *name) {
    static char path[4][1024];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

/* A tensor to be written: its numbers as doubles, whatever its type. */
typedef struct made {
    const char *name;
    tensor_type type;
    int rank;
    int64_t shape[TENSOR_MAX_RANK];
    const double *numbers;
} made;

static size_t count(const made *m) {
    size_t n = 1;
    for (int d = 0; d < m->rank; d++) {
        n *= (size_t)m->shape[d];
    }
    return n;
}

/* The numbers in their type; the caller frees. */
static void *bytes_of(const made *m) {
    size_t n = count(m);
    uint8_t *bytes = calloc(n + 1, 8);
    assert_non_null(bytes);
    for (size_t k = 0; k < n; k++) {
        double x = m->numbers[k];
        switch (m->type) {
            case TENSOR_F64: ((double *)(void *)bytes)[k] = x; break;
            case TENSOR_F32: ((float *)(void *)bytes)[k] = (float)x; break;
            case TENSOR_I64: ((int64_t *)(void *)bytes)[k] = (int64_t)x; break;
            case TENSOR_I32: ((int32_t *)(void *)bytes)[k] = (int32_t)x; break;
            case TENSOR_I16: ((int16_t *)(void *)bytes)[k] = (int16_t)x; break;
            case TENSOR_I8: ((int8_t *)(void *)bytes)[k] = (int8_t)x; break;
            case TENSOR_U64: ((uint64_t *)(void *)bytes)[k] = (uint64_t)x; break;
            case TENSOR_U32: ((uint32_t *)(void *)bytes)[k] = (uint32_t)x; break;
            case TENSOR_U16: ((uint16_t *)(void *)bytes)[k] = (uint16_t)x; break;
            case TENSOR_U8:
            case TENSOR_BOOL: bytes[k] = (uint8_t)x; break;
        }
    }
    return bytes;
}

static void save_three(const char *name, const made *const arrays[3]) {
    void *bytes[3] = {NULL};
    tensor_writer *writer;
    assert_int_equal(tensor_writer_create(&writer), LSNN_OK);
    for (int k = 0; k < 3 && arrays[k] != NULL; k++) {
        bytes[k] = bytes_of(arrays[k]);
        tensor_writer_add(writer, arrays[k]->name, arrays[k]->type, arrays[k]->rank, arrays[k]->shape, bytes[k]);
    }
    remove(in_folder(name)); /* some file systems sync a file that replaces another, and that takes its time */
    assert_int_equal(tensor_writer_save(writer, in_folder(name), NULL), LSNN_OK);
    tensor_writer_free(writer);
    for (int k = 0; k < 3; k++) {
        free(bytes[k]);
    }
}

static void save_safetensors(const char *name, const made *inputs, const made *targets) {
    save_three(name, (const made *const[3]){inputs, targets});
}

/* A .npy file, version 1, byte by byte. */
static void save_npy(const char *name, const made *m) {
    static const char *const types[] = {
        [TENSOR_F64] = "<f8", [TENSOR_F32] = "<f4", [TENSOR_I64] = "<i8", [TENSOR_I32] = "<i4", [TENSOR_I16] = "<i2", [TENSOR_I8] = "|i1",
        [TENSOR_U64] = "<u8", [TENSOR_U32] = "<u4", [TENSOR_U16] = "<u2", [TENSOR_U8] = "|u1",  [TENSOR_BOOL] = "|b1"};
    char shape[128] = "", header[118 + 1];
    for (int d = 0; d < m->rank; d++) {
        size_t length = strlen(shape);
        snprintf(shape + length, sizeof shape - length, "%lld, ", (long long)m->shape[d]);
    }
    int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", types[m->type], shape);
    assert_in_range(length, 1, 117);
    memset(header + length, ' ', sizeof header - (size_t)length);
    header[117] = '\n'; /* 10 bytes before, so that the data begin at byte 128 */
    void *bytes = bytes_of(m);
    remove(in_folder(name));
    FILE *stream = fopen(in_folder(name), "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, stream), 10);
    assert_int_equal(fwrite(header, 1, 118, stream), 118);
    assert_int_equal(fwrite(bytes, tensor_type_size(m->type), count(m), stream), count(m));
    fclose(stream);
    free(bytes);
}

/* ---- opening ---- */

/* The experiment of task arrays with these settings, separated by commas; "@x" in them is file x of the temporary folder. */
static lsnn_experiment *experiment_with(const char *settings) {
    char yaml[4096] = "task: arrays\narrays: {";
    size_t length = strlen(yaml);
    for (const char *c = settings; *c != '\0'; c++) {
        length += (size_t)(*c == '@' ? snprintf(yaml + length, sizeof yaml - length, "%s/", folder)
                                     : snprintf(yaml + length, sizeof yaml - length, "%c", *c));
    }
    snprintf(yaml + length, sizeof yaml - length, "}\n");
    lsnn_experiment *e = NULL;
    if (experiment_parse(&e, "test", yaml, "file") != LSNN_OK) {
        print_error("%s\n", lsnn_error());
    }
    assert_non_null(e);
    return e;
}

static lsnn_status try_open(task **out, const char *settings, const char *assignment) {
    lsnn_experiment *e = experiment_with(settings);
    if (assignment != NULL) {
        assert_int_equal(lsnn_experiment_set(e, assignment), LSNN_OK);
    }
    lsnn_status status = experiment_check(e);
    status = status == LSNN_OK ? task_open(out, e, &(lsnn_run_options){0}) : status;
    lsnn_experiment_free(e);
    return status;
}

static task *opened(const char *settings, const char *assignment) {
    task *t = NULL;
    if (try_open(&t, settings, assignment) != LSNN_OK) {
        print_error("%s: %s\n", settings, lsnn_error());
    }
    assert_non_null(t);
    return t;
}

/* The open fails with this code; the message is one line and has all these words, separated by '|', in it. */
static void assert_refused(const char *settings, const char *assignment, lsnn_status code, const char *words) {
    task *t = NULL;
    lsnn_status status = try_open(&t, settings, assignment);
    char all[512], *rest = all;
    snprintf(all, sizeof all, "%s", words);
    bool good = status == code && t == NULL && strchr(lsnn_error(), '\n') == NULL;
    for (char *word = strsep(&rest, "|"); word != NULL; word = strsep(&rest, "|")) {
        if (strstr(lsnn_error(), word) == NULL) {
            print_error("'%s' is missing in:\n", word);
            good = false;
        }
    }
    if (!good) {
        print_error("%s: status %s, message: %s\n", settings, lsnn_status_name(status), lsnn_error());
    }
    assert_true(good);
}

/* ---- samples on their way through a simulation ---- */

enum { SAMPLES = 23, STEPS = 6, INPUTS = 3, OUTPUTS = 2, BATCH = 19 };

static double spikes[SAMPLES * STEPS * INPUTS], currents[SAMPLES * STEPS * INPUTS];
static double classes[SAMPLES], step_classes[SAMPLES * STEPS], values[SAMPLES * STEPS * OUTPUTS], last_values[SAMPLES * OUTPUTS];

/* The first two steps of a sample spell its number, so that no two are alike; the targets follow from the number too. */
static void fill_numbers(void) {
    for (int n = 0; n < SAMPLES; n++) {
        classes[n] = n * 7 % 5;
        for (int t = 0; t < STEPS; t++) {
            for (int i = 0; i < INPUTS; i++) {
                int at = (n * STEPS + t) * INPUTS + i;
                spikes[at] = t < 2 ? n >> (t * INPUTS + i) & 1 : (n * 31 + t * 7 + i * 3) % 4 == 0;
                currents[at] = n + 0.125 * t - 0.0625 * i - 3;
            }
            step_classes[n * STEPS + t] = (n + t) % 4 - 1;
            for (int o = 0; o < OUTPUTS; o++) {
                values[(n * STEPS + t) * OUTPUTS + o] = (n + t + o) % 5 == 0 ? (double)NAN : 0.5 * n - t + 0.25 * o;
            }
        }
        last_values[n * OUTPUTS] = 0.1 * n;
        last_values[n * OUTPUTS + 1] = n % 3 == 0 ? (double)NAN : -n;
    }
}

typedef struct stage {
    lsnn_net *net;
    lsnn_context *context;
    lsnn_sim *sim;
    int32_t *class_of;
    float *target;
} stage;

static void stage_create(stage *s, const task *t) {
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = t->n_in;
    spec.n_out = t->n_out;
    spec.n_lif = 2;
    spec.input = t->input;
    spec.n_delay = 3;
    assert_int_equal(lsnn_context_create(&s->context, 1), LSNN_OK);
    assert_int_equal(lsnn_net_create(&s->net, &spec), LSNN_OK);
    assert_int_equal(lsnn_sim_create(&s->sim, s->net, s->context,
                                     &(lsnn_sim_options){.n_batch = BATCH, .n_steps = t->n_steps, .n_windows = t->n_windows}),
                     LSNN_OK);
    assert_int_equal(lsnn_sim_set_windows(s->sim, t->window_start, t->window_stop, t->n_windows), LSNN_OK);
    s->class_of = calloc((size_t)(BATCH * t->n_windows), sizeof *s->class_of);
    s->target = calloc((size_t)(BATCH * t->n_windows * t->n_out), sizeof *s->target);
    assert_true(s->class_of != NULL && s->target != NULL);
}

static void stage_release(stage *s) {
    lsnn_sim_free(s->sim);
    lsnn_net_free(s->net);
    lsnn_context_free(s->context);
    free(s->class_of);
    free(s->target);
}

static double arrived(const stage *s, int b, int step, int i) {
    int lane;
    const block *k = sim_block_of(s->sim, b, &lane);
    const lsnn_net_spec *spec = &s->net->spec;
    if (spec->input == LSNN_SPIKES) {
        return k->staged[step * spec->n_in + i] >> lane & 1;
    }
    return (double)k->input.values[((step + spec->n_delay) * spec->n_in + i) * s->sim->lanes + lane];
}

static bool same(double a, double b) {
    return (isnan(a) && isnan(b)) || (float)a == (float)b;
}

/* Which sample of `inputs` arrived as sample b of the batch; -1 if none did. */
static int find_sample(const stage *s, const task *t, int b, const double *inputs) {
    for (int n = 0; n < SAMPLES; n++) {
        bool equal = true;
        for (int step = 0; step < STEPS && equal; step++) {
            for (int i = 0; i < t->n_in && equal; i++) {
                equal = same(arrived(s, b, step, i), inputs[(n * STEPS + step) * t->n_in + i]);
            }
        }
        if (equal) {
            return n;
        }
    }
    return -1;
}

static void check_targets(const stage *s, const task *t, int b, int n, const double *targets) {
    for (int w = 0; w < t->n_windows; w++) {
        if (t->loss == LOSS_CROSS_ENTROPY) {
            assert_int_equal(s->class_of[w * BATCH + b], (int)targets[n * t->n_windows + w]);
        }
        for (int o = 0; t->loss == LOSS_SQUARED && o < t->n_out; o++) {
            float x = s->target[(w * BATCH + b) * t->n_out + o];
            assert_true(same((double)x, targets[(n * t->n_windows + w) * t->n_out + o]));
        }
    }
}

/* Writes every sample of every split; each sample of the file arrives once, as it is there. place [SAMPLES]: where in the splits. */
static void check_all_samples(const task *t, const double *inputs, const double *targets, uint64_t seed, int place[SAMPLES]) {
    stage s;
    stage_create(&s, t);
    bool seen[SAMPLES] = {false};
    int64_t total = 0;
    for (int p = 0; p < SPLITS; p++) {
        assert_in_range(t->n_samples[p], 1, BATCH);
        assert_int_equal(sim_begin_input(s.sim, t->n_steps), LSNN_OK);
        memset(s.class_of, -1, (size_t)(BATCH * t->n_windows) * sizeof *s.class_of);
        for (int k = 0; k < BATCH * t->n_windows * t->n_out; k++) {
            s.target[k] = NAN;
        }
        for (int k = 0; k < t->n_samples[p]; k++) {
            int b = BATCH - 1 - k; /* from the back, so that blocks and lanes differ from the order */
            sample_writer to = {
                .input = sim_input_lane(s.sim, b), .b = b, .n_batch = BATCH, .n_out = t->n_out, .class_of = s.class_of, .target = s.target};
            t->kind->write(t, (split)p, seed, (uint64_t)k, &to);
        }
        for (int k = 0; k < t->n_samples[p]; k++) {
            int n = find_sample(&s, t, BATCH - 1 - k, inputs);
            assert_in_range(n, 0, SAMPLES - 1);
            assert_false(seen[n]);
            seen[n] = true;
            check_targets(&s, t, BATCH - 1 - k, n, targets);
            place[n] = p * SAMPLES + k;
        }
        for (int step = 0; step < t->n_steps; step++) { /* nobody else's lane was touched */
            assert_true(arrived(&s, 0, step, 0) == 0);
        }
        total += t->n_samples[p];
        assert_int_equal(lsnn_forward(s.sim), LSNN_OK);
    }
    assert_int_equal(total, SAMPLES);
    stage_release(&s);
}

static const made made_spikes = {"inputs", TENSOR_U8, 3, {SAMPLES, STEPS, INPUTS}, spikes};
static const made made_currents = {"inputs", TENSOR_F32, 3, {SAMPLES, STEPS, INPUTS}, currents};
static const made made_classes = {"targets", TENSOR_I64, 1, {SAMPLES}, classes};

static void every_kind_arrives_as_it_is(void **state) {
    (void)state;
    static const made by_step = {"targets", TENSOR_I8, 2, {SAMPLES, STEPS}, step_classes};
    static const made by_step_values = {"targets", TENSOR_F32, 3, {SAMPLES, STEPS, OUTPUTS}, values};
    static const made values_once = {"targets", TENSOR_F64, 2, {SAMPLES, OUTPUTS}, last_values};
    static const struct {
        const made *targets;
        const char *kind;
        int n_windows, n_out;
    } cases[] = {{&made_classes, "class", 1, 5},
                 {&by_step, "class-per-step", STEPS, 3},
                 {&by_step_values, "values", STEPS, OUTPUTS},
                 {&values_once, "values", 1, OUTPUTS}};
    for (size_t k = 0; k < 2 * sizeof cases / sizeof *cases; k++) {
        const made *inputs = k % 2 == 0 ? &made_spikes : &made_currents, *targets = cases[k / 2].targets;
        bool is_values = strcmp(cases[k / 2].kind, "values") == 0;
        char settings[256];
        int place[SAMPLES];
        save_safetensors("all.safetensors", inputs, targets);
        snprintf(settings, sizeof settings, "file: @all.safetensors, kind: %s, input: %s", cases[k / 2].kind,
                 k % 2 == 0 ? "spikes" : "currents");
        task *t = opened(settings, NULL);
        assert_int_equal(t->input, k % 2 == 0 ? LSNN_SPIKES : LSNN_CURRENTS);
        assert_int_equal(t->loss, is_values ? LOSS_SQUARED : LOSS_CROSS_ENTROPY);
        assert_string_equal(t->score_name, is_values ? "mean squared error" : "accuracy");
        assert_int_equal(t->lower_is_better, is_values);
        assert_int_equal(t->n_in, INPUTS);
        assert_int_equal(t->n_steps, STEPS);
        assert_int_equal(t->n_out, cases[k / 2].n_out);
        assert_int_equal(t->n_windows, cases[k / 2].n_windows);
        for (int w = 0; w < t->n_windows; w++) {
            assert_int_equal(t->window_start[w], w);
            assert_int_equal(t->window_stop[w], t->n_windows == 1 ? STEPS : w + 1);
        }
        check_all_samples(t, inputs->numbers, targets->numbers, 1, place);
        task_close(t);
    }
}

static void every_type_can_be_read(void **state) {
    (void)state;
    int place[SAMPLES];
    static double bits[SAMPLES]; /* classes that a BOOL can hold */
    for (int n = 0; n < SAMPLES; n++) {
        bits[n] = n % 2;
    }
    for (int type = TENSOR_F64; type <= TENSOR_BOOL; type++) {
        made inputs = made_spikes, targets = made_classes;
        inputs.type = targets.type = (tensor_type)type;
        targets.numbers = type == TENSOR_BOOL ? bits : classes;
        save_safetensors("typed.safetensors", &inputs, &targets);
        save_npy("inputs.npy", &inputs);
        save_npy("targets.npy", &targets);
        static const char *const from[] = {"file: @typed.safetensors", "inputs: '@inputs.npy', targets: '@targets.npy'",
                                           "file: @typed.safetensors, targets: '@targets.npy'"};
        for (int k = 0; k < 3; k++) {
            task *t = opened(from[k], NULL);
            check_all_samples(t, spikes, targets.numbers, 1, place);
            task_close(t);
        }
        char settings[128];
        snprintf(settings, sizeof settings, "file: @typed.safetensors, input: currents");
        task *t = opened(settings, NULL);
        check_all_samples(t, spikes, targets.numbers, 1, place);
        task_close(t);
    }
}

static void names_are_settings(void **state) {
    (void)state;
    int place[SAMPLES];
    made inputs = made_spikes, targets = made_classes;
    inputs.name = "x train";
    targets.name = "y";
    save_safetensors("named.safetensors", &inputs, &targets);
    task *t = opened("file: @named.safetensors, inputs: x train, targets: y", NULL);
    check_all_samples(t, spikes, classes, 1, place);
    task_close(t);
}

static void splits_follow_the_fractions_and_no_seed(void **state) {
    (void)state;
    save_safetensors("all.safetensors", &made_spikes, &made_classes);
    static const struct {
        const char *settings;
        int n_of[SPLITS];
    } cases[] = {{"file: @all.safetensors", {16, 2, 5}}, /* 0.1 and 0.2 of 23 */
                 {"file: @all.safetensors, valid_fraction: 0.5, test_fraction: 0.25", {5, 12, 6}},
                 {"file: @all.safetensors, valid_fraction: 0.3, test_fraction: 0", {15, 7, 1}},
                 {"file: @all.safetensors, valid_fraction: 0, test_fraction: 0.3", {15, 1, 7}}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        int place[SAMPLES], again[SAMPLES];
        task *t = opened(cases[k].settings, "seed=1"), *u = opened(cases[k].settings, "seed=2");
        for (int p = 0; p < SPLITS; p++) {
            assert_int_equal(t->n_samples[p], cases[k].n_of[p]);
        }
        check_all_samples(t, spikes, classes, 1, place);
        check_all_samples(u, spikes, classes, 2, again);
        assert_memory_equal(place, again, sizeof place);
        int n_neighbours = 0; /* in the file, and in a split: a random order has few */
        for (int n = 1; n < SAMPLES; n++) {
            n_neighbours += place[n] == place[n - 1] + 1;
        }
        assert_in_range(n_neighbours, 0, 6);
        task_close(t);
        task_close(u);
    }
    static const made three = {"inputs", TENSOR_U8, 3, {3, STEPS, INPUTS}, spikes},
                      their_classes = {"targets", TENSOR_I64, 1, {3}, classes};
    save_safetensors("three.safetensors", &three, &their_classes);
    task *t = opened("file: @three.safetensors", NULL);
    for (int p = 0; p < SPLITS; p++) {
        assert_int_equal(t->n_samples[p], 1);
    }
    task_close(t);
}

static void readout_is_the_last_part(void **state) {
    (void)state;
    save_safetensors("all.safetensors", &made_spikes, &made_classes);
    static const struct {
        const char *settings, *assignment;
        int start;
    } cases[] = {{"file: @all.safetensors, readout_ms: 2", NULL, STEPS - 2},
                 {"file: @all.safetensors, readout_ms: 6", NULL, 0},
                 {"file: @all.safetensors, readout_ms: 4", "net.dt=2", STEPS - 2},
                 {"file: @all.safetensors, readout_ms: 1", "net.dt=0.5", STEPS - 2}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        task *t = opened(cases[k].settings, cases[k].assignment);
        assert_int_equal(t->n_windows, 1);
        assert_int_equal(t->window_start[0], cases[k].start);
        assert_int_equal(t->window_stop[0], STEPS);
        task_close(t);
    }
    assert_refused("file: @all.safetensors, readout_ms: 7", NULL, LSNN_ERR_SETTING, "arrays.readout_ms|7 ms|7 steps|have 6");
}

/* ---- lengths ---- */

static double lengths[SAMPLES], cut_spikes[SAMPLES * STEPS * INPUTS], cut_classes[SAMPLES * STEPS], cut_values[SAMPLES * STEPS * OUTPUTS];
static const made made_lengths = {"lengths", TENSOR_I16, 1, {SAMPLES}, lengths};

/* What is after a sequence's end is nothing that would be allowed before it; the numbers to expect have silence, -1 and NaN there. */
static void fill_lengths(double *bad_spikes, double *bad_classes, double *bad_values) {
    for (int n = 0; n < SAMPLES; n++) {
        lengths[n] = 2 + n % (STEPS - 1); /* the first two steps spell its number */
        for (int t = 0; t < STEPS; t++) {
            bool own = t < (int)lengths[n];
            for (int i = 0; i < INPUTS; i++) {
                int at = (n * STEPS + t) * INPUTS + i;
                cut_spikes[at] = own ? spikes[at] : 0;
                bad_spikes[at] = own ? spikes[at] : 7;
            }
            cut_classes[n * STEPS + t] = own ? step_classes[n * STEPS + t] : -1;
            bad_classes[n * STEPS + t] = own ? step_classes[n * STEPS + t] : -100;
            for (int o = 0; o < OUTPUTS; o++) {
                int at = (n * STEPS + t) * OUTPUTS + o;
                cut_values[at] = own ? values[at] : (double)NAN;
                bad_values[at] = own ? values[at] : (double)INFINITY;
            }
        }
    }
}

static void lengths_cut_sequences_off(void **state) {
    (void)state;
    static double bad_spikes[SAMPLES * STEPS * INPUTS], bad_classes[SAMPLES * STEPS], bad_values[SAMPLES * STEPS * OUTPUTS];
    fill_lengths(bad_spikes, bad_classes, bad_values);
    static const made inputs = {"inputs", TENSOR_F32, 3, {SAMPLES, STEPS, INPUTS}, bad_spikes};
    static const struct {
        const char *kind;
        made targets;
        const double *expected;
    } cases[] = {{"class", {"targets", TENSOR_I64, 1, {SAMPLES}, classes}, classes},
                 {"class-per-step", {"targets", TENSOR_F64, 2, {SAMPLES, STEPS}, bad_classes}, cut_classes},
                 {"values", {"targets", TENSOR_F32, 3, {SAMPLES, STEPS, OUTPUTS}, bad_values}, cut_values},
                 {"values", {"targets", TENSOR_F64, 2, {SAMPLES, OUTPUTS}, last_values}, last_values}};
    save_npy("lengths.npy", &made_lengths);
    for (size_t k = 0; k < 2 * sizeof cases / sizeof *cases; k++) {
        char settings[256];
        int place[SAMPLES];
        save_three("cut.safetensors", (const made *const[3]){&inputs, &cases[k / 2].targets, &made_lengths});
        snprintf(settings, sizeof settings, "file: @cut.safetensors, kind: %s, lengths: %s", cases[k / 2].kind,
                 k % 2 == 0 ? "lengths" : "'@lengths.npy'");
        task *t = opened(settings, NULL);
        assert_true(task_has_lengths(t));
        assert_int_equal(t->n_steps, STEPS);
        check_all_samples(t, cut_spikes, cases[k / 2].expected, 1, place);
        for (int n = 0; n < SAMPLES; n++) {
            assert_int_equal(task_length(t, (split)(place[n] / SAMPLES), (uint64_t)(place[n] % SAMPLES)), (int)lengths[n]);
        }
        task_close(t);
        assert_refused(settings, "arrays.lengths=", LSNN_ERR_DATA, "number [0, 2, 0] is 7");
    }
    save_safetensors("all.safetensors", &made_spikes, &made_classes);
    task *t = opened("file: @all.safetensors", NULL);
    assert_false(task_has_lengths(t));
    assert_int_equal(task_length(t, SPLIT_TEST, 3), STEPS);
    task_close(t);
}

static void bad_lengths(void **state) {
    (void)state;
    static const struct {
        double x;
        const char *shown;
    } bad[] = {{0, "is 0"}, {STEPS + 1, "is 7"}, {-1, "is -1"}, {2.5, "is 2.5"}, {(double)NAN, "is nan"}, {1e300, "is 1e+300"}};
    double numbers[SAMPLES];
    made all = {"lengths", TENSOR_F64, 1, {SAMPLES}, numbers};
    for (int n = 0; n < SAMPLES; n++) {
        numbers[n] = 3;
    }
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        char words[128];
        numbers[5] = bad[k].x;
        save_three("bad.safetensors", (const made *const[3]){&made_spikes, &made_classes, &all});
        snprintf(words, sizeof words, "bad.safetensors, 'lengths'|number [5] %s|1..6", bad[k].shown);
        assert_refused("file: @bad.safetensors, lengths: lengths", NULL, LSNN_ERR_DATA, words);
    }
    numbers[5] = 1;
    all.shape[0] = SAMPLES - 1;
    save_three("bad.safetensors", (const made *const[3]){&made_spikes, &made_classes, &all});
    assert_refused("file: @bad.safetensors, lengths: lengths", NULL, LSNN_ERR_DATA, "has the shape [22]|[n_samples]|[23, 6, 3]");
    assert_refused("file: @bad.safetensors, lengths: size", NULL, LSNN_ERR_DATA, "has no array 'size'|set arrays.lengths|'lengths'");
    all.shape[0] = SAMPLES;
    save_three("good.safetensors", (const made *const[3]){&made_spikes, &made_classes, &all});
    assert_refused("file: @good.safetensors, lengths: lengths, readout_ms: 2", NULL, LSNN_ERR_SETTING,
                   "arrays.readout_ms is 2|arrays.lengths|0");
}

static void number_of_classes(void **state) {
    (void)state;
    save_safetensors("all.safetensors", &made_spikes, &made_classes);
    task *t = opened("file: @all.safetensors, n_classes: 9", NULL);
    assert_int_equal(t->n_out, 9);
    task_close(t);
    assert_refused("file: @all.safetensors, n_classes: 1", NULL, LSNN_ERR_SETTING, "arrays.n_classes is 1|at least 2");
    assert_refused("file: @all.safetensors, n_classes: 4", NULL, LSNN_ERR_DATA,
                   "all.safetensors, 'targets'|number [2] is 4|0..3|arrays.n_classes");
}

/* ---- refusals ---- */

/* Saves the arrays with one number changed, and expects a refusal. at < 0: none is changed. */
static void refuse_number(const made *inputs, int at_input, double x, const made *targets, int at_target, double y, const char *settings,
                          const char *words) {
    double *in = malloc(count(inputs) * sizeof *in), *out = malloc(count(targets) * sizeof *out);
    assert_true(in != NULL && out != NULL);
    memcpy(in, inputs->numbers, count(inputs) * sizeof *in);
    memcpy(out, targets->numbers, count(targets) * sizeof *out);
    made a = *inputs, b = *targets;
    a.numbers = in;
    b.numbers = out;
    if (at_input >= 0) {
        in[at_input] = x;
    }
    if (at_target >= 0) {
        out[at_target] = y;
    }
    char all[256];
    save_safetensors("bad.safetensors", &a, &b);
    snprintf(all, sizeof all, "file: @bad.safetensors, %s", settings);
    assert_refused(all, NULL, LSNN_ERR_DATA, words);
    free(in);
    free(out);
}

static void bad_inputs(void **state) {
    (void)state;
    int at = (4 * STEPS + 2) * INPUTS + 1;
    static const struct {
        double x;
        tensor_type type;
        const char *shown;
    } no_spikes[] = {{0.5, TENSOR_F32, "is 0.5"}, {(double)NAN, TENSOR_F32, "nan"}, {2, TENSOR_U8, "is 2"},
                     {-1, TENSOR_I8, "is -1"},    {1 + 1e-12, TENSOR_F64, "is 1"},  {1e300, TENSOR_F64, "is 1e+300"},
                     {256, TENSOR_I64, "is 256"}};
    for (size_t k = 0; k < sizeof no_spikes / sizeof *no_spikes; k++) {
        made inputs = made_spikes;
        char words[128];
        inputs.type = no_spikes[k].type;
        snprintf(words, sizeof words, "bad.safetensors, 'inputs'|number [4, 2, 1]|%s|0 or 1|arrays.input", no_spikes[k].shown);
        refuse_number(&inputs, at, no_spikes[k].x, &made_classes, -1, 0, "input: spikes", words);
    }
    static const struct {
        double x;
        tensor_type type;
        const char *shown;
    } no_currents[] = {{(double)NAN, TENSOR_F32, "nan"}, {(double)INFINITY, TENSOR_F64, "is inf"}, {-1e300, TENSOR_F64, "is -1e+300"}};
    for (size_t k = 0; k < sizeof no_currents / sizeof *no_currents; k++) {
        made inputs = made_currents;
        char words[128];
        inputs.type = no_currents[k].type;
        snprintf(words, sizeof words, "bad.safetensors, 'inputs'|number [4, 2, 1]|%s|finite", no_currents[k].shown);
        refuse_number(&inputs, at, no_currents[k].x, &made_classes, -1, 0, "input: currents", words);
    }
}

static void bad_targets(void **state) {
    (void)state;
    made per_sequence = {"targets", TENSOR_F64, 1, {SAMPLES}, classes},
         per_step = {"targets", TENSOR_F64, 2, {SAMPLES, STEPS}, step_classes};
    made numbers = {"targets", TENSOR_F64, 3, {SAMPLES, STEPS, OUTPUTS}, values};
    static const struct {
        double y;
        const char *settings, *words;
    } no_classes[] = {{-1, "kind: class", "number [5]|is -1|whole number 0..65534"},
                      {1.5, "kind: class", "number [5]|is 1.5|whole number"},
                      {(double)NAN, "kind: class", "number [5]|nan|whole number"},
                      {65535, "kind: class", "number [5]|is 65535|0..65534"},
                      {5, "'kind': class, n_classes: 5", "number [5]|is 5|0..4 (see arrays.n_classes)"},
                      {1e300, "kind: class", "number [5]|is 1e+300"}};
    for (size_t k = 0; k < sizeof no_classes / sizeof *no_classes; k++) {
        refuse_number(&made_spikes, -1, 0, &per_sequence, 5, no_classes[k].y, no_classes[k].settings, no_classes[k].words);
    }
    refuse_number(&made_spikes, -1, 0, &per_step, 5 * STEPS + 3, -2, "kind: class-per-step", "'targets'|number [5, 3]|is -2|-1..65534");
    refuse_number(&made_spikes, -1, 0, &per_step, 5 * STEPS + 3, 3, "kind: class-per-step, n_classes: 3",
                  "number [5, 3]|is 3|-1..2|does not count");
    refuse_number(&made_spikes, -1, 0, &numbers, (5 * STEPS + 3) * OUTPUTS + 1, (double)INFINITY, "kind: values",
                  "number [5, 3, 1]|inf|finite|NaN");
    refuse_number(&made_spikes, -1, 0, &numbers, (5 * STEPS + 3) * OUTPUTS + 1, 1e39, "kind: values",
                  "number [5, 3, 1]|1e+39|single precision");
}

static void targets_that_do_not_count(void **state) {
    (void)state;
    static double none[SAMPLES * STEPS * OUTPUTS];
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) {
        none[k] = -1;
    }
    made targets = {"targets", TENSOR_F32, 2, {SAMPLES, STEPS}, none};
    save_safetensors("none.safetensors", &made_spikes, &targets);
    assert_refused("file: @none.safetensors, kind: class-per-step", NULL, LSNN_ERR_DATA, "largest class is -1|fewer than 2");
    assert_refused("file: @none.safetensors, kind: class-per-step, n_classes: 3", NULL, LSNN_ERR_DATA,
                   "split train (16 samples)|all are -1");
    for (int n = 0; n < SAMPLES; n++) {
        none[n * STEPS] = 0;
    }
    save_safetensors("none.safetensors", &made_spikes, &targets);
    assert_refused("file: @none.safetensors, kind: class-per-step", NULL, LSNN_ERR_DATA, "largest class is 0|fewer than 2");
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) {
        none[k] = (double)NAN;
    }
    int place[SAMPLES];
    save_safetensors("all.safetensors", &made_spikes, &made_classes);
    task *t = opened("file: @all.safetensors", NULL);
    check_all_samples(t, spikes, classes, 1, place); /* who is where */
    task_close(t);
    made numbers = {"targets", TENSOR_F32, 3, {SAMPLES, STEPS, OUTPUTS}, none};
    for (int p = 0; p < SPLITS; p++) {
        static const char *const words[] = {"'targets'|split train|NaN", "split valid (2 samples)|NaN", "split test (5 samples)|NaN"};
        save_safetensors("none.safetensors", &made_spikes, &numbers);
        assert_refused("file: @none.safetensors, kind: values", NULL, LSNN_ERR_DATA, words[p]);
        for (int n = 0; n < SAMPLES; n++) {
            if (place[n] == p * SAMPLES) {
                none[(n * STEPS + STEPS - 1) * OUTPUTS + 1] = 1; /* a single number in the split counts: the next split is empty */
            }
        }
    }
    save_safetensors("none.safetensors", &made_spikes, &numbers);
    t = opened("file: @none.safetensors, kind: values", NULL);
    check_all_samples(t, spikes, none, 1, place);
    task_close(t);
}

static void shapes_that_do_not_fit(void **state) {
    (void)state;
    static const made inputs[] = {
        {"inputs", TENSOR_U8, 3, {SAMPLES, STEPS, INPUTS}, spikes},    {"inputs", TENSOR_U8, 2, {SAMPLES, STEPS * INPUTS}, spikes},
        {"inputs", TENSOR_U8, 4, {SAMPLES, STEPS, INPUTS, 1}, spikes}, {"inputs", TENSOR_U8, 3, {2, STEPS, INPUTS}, spikes},
        {"inputs", TENSOR_U8, 3, {0, STEPS, INPUTS}, spikes},          {"inputs", TENSOR_U8, 3, {SAMPLES, 0, INPUTS}, spikes},
        {"inputs", TENSOR_U8, 3, {SAMPLES, STEPS, 0}, spikes},         {"inputs", TENSOR_U8, 0, {0}, spikes}};
    static const char *const input_words[] = {NULL,
                                              "[23, 18]|[n_samples, n_steps, n_in]",
                                              "[23, 6, 3, 1]|[n_samples, n_steps, n_in]",
                                              "[2, 6, 3]|at least 3 samples",
                                              "[0, 6, 3]|at least 3 samples",
                                              "[23, 0, 3]|steps",
                                              "[23, 6, 0]|65535 inputs",
                                              "shape []"};
    for (size_t k = 1; k < sizeof inputs / sizeof *inputs; k++) {
        save_safetensors("shape.safetensors", &inputs[k], &made_classes);
        assert_refused("file: @shape.safetensors", NULL, LSNN_ERR_DATA, input_words[k]);
        assert_non_null(strstr(lsnn_error(), "shape.safetensors, 'inputs'"));
    }
    static double wide[3 * 65536]; /* too many inputs, and too many outputs */
    static const made wide_inputs = {"inputs", TENSOR_U8, 3, {3, 1, 65536}, wide}, wide_classes = {"targets", TENSOR_U8, 1, {3}, wide};
    static const made few_inputs = {"inputs", TENSOR_U8, 3, {3, 1, 1}, wide}, wide_values = {"targets", TENSOR_U8, 2, {3, 65536}, wide};
    save_safetensors("wide.safetensors", &wide_inputs, &wide_classes);
    assert_refused("file: @wide.safetensors", NULL, LSNN_ERR_DATA, "[3, 1, 65536]|65535 inputs");
    save_safetensors("wide.safetensors", &few_inputs, &wide_values);
    assert_refused("file: @wide.safetensors, kind: values", NULL, LSNN_ERR_DATA, "'targets'|[3, 65536]|n_out");

    static const struct {
        made targets;
        const char *kind, *words;
    } cases[] = {
        {{"targets", TENSOR_F32, 1, {SAMPLES - 1}, classes}, "class", "[22]|[n_samples]|arrays.kind=class|[23, 6, 3]"},
        {{"targets", TENSOR_F32, 2, {SAMPLES, 1}, classes}, "class", "[23, 1]|[n_samples]"},
        {{"targets", TENSOR_F32, 1, {SAMPLES}, classes}, "class-per-step", "[23]|[n_samples, n_steps]|arrays.kind=class-per-step"},
        {{"targets", TENSOR_F32, 2, {SAMPLES, STEPS - 1}, step_classes}, "class-per-step", "[23, 5]|[n_samples, n_steps]"},
        {{"targets", TENSOR_F32, 2, {SAMPLES - 1, STEPS}, step_classes}, "class-per-step", "[22, 6]|[n_samples, n_steps]"},
        {{"targets", TENSOR_F32, 1, {SAMPLES}, classes},
         "values",
         "[23]|[n_samples, n_steps, n_out] or [n_samples, n_out]|arrays.kind=values"},
        {{"targets", TENSOR_F32, 2, {SAMPLES - 1, OUTPUTS}, values}, "values", "[22, 2]"},
        {{"targets", TENSOR_F32, 3, {SAMPLES, STEPS - 1, OUTPUTS}, values}, "values", "[23, 5, 2]"},
        {{"targets", TENSOR_F32, 3, {SAMPLES, STEPS, 0}, values}, "values", "[23, 6, 0]"},
        {{"targets", TENSOR_F32, 4, {SAMPLES, STEPS, OUTPUTS, 1}, values}, "values", "[23, 6, 2, 1]"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char settings[128];
        save_safetensors("shape.safetensors", &made_spikes, &cases[k].targets);
        snprintf(settings, sizeof settings, "file: @shape.safetensors, kind: %s", cases[k].kind);
        assert_refused(settings, NULL, LSNN_ERR_DATA, cases[k].words);
        assert_non_null(strstr(lsnn_error(), "shape.safetensors, 'targets'"));
    }
}

static void missing_files_and_names(void **state) {
    (void)state;
    save_safetensors("all.safetensors", &made_spikes, &made_classes);
    save_npy("inputs.npy", &made_spikes);
    save_npy("targets.npy", &made_classes);
    assert_int_equal(file_write_atomic(in_folder("text.npy"), "hello", 5), LSNN_OK);
    assert_int_equal(file_write_atomic(in_folder("text.safetensors"), "hello", 5), LSNN_OK);
    assert_int_equal(truncate(in_folder("targets.npy"), 128 + 8 * SAMPLES - 3), 0);
    assert_refused("n_classes: 0", NULL, LSNN_ERR_SETTING, "arrays.file is empty|arrays.inputs, 'inputs'|set arrays.file");
    assert_refused("inputs: '@inputs.npy'", NULL, LSNN_ERR_SETTING, "arrays.file is empty|arrays.targets, 'targets'|set arrays.file");
    assert_refused("file: @all.safetensors, inputs: ''", NULL, LSNN_ERR_SETTING, "arrays.inputs is empty");
    assert_refused("file: @inputs.npy", NULL, LSNN_ERR_SETTING, "arrays.file|inputs.npy|set arrays.inputs and arrays.targets");
    assert_refused("file: @gone.safetensors", NULL, LSNN_ERR_IO, "arrays.file|gone.safetensors");
    assert_refused("file: @all.safetensors, targets: '@gone.npy'", NULL, LSNN_ERR_IO, "arrays.targets|gone.npy");
    assert_refused("file: @all.safetensors, inputs: input", NULL, LSNN_ERR_DATA,
                   "all.safetensors|'input'|set arrays.inputs|'inputs'|'targets'");
    assert_refused("file: @all.safetensors, targets: labels", NULL, LSNN_ERR_DATA, "'labels'|set arrays.targets");
    assert_refused("file: @text.safetensors", NULL, LSNN_ERR_DATA, "arrays.file|text.safetensors");
    assert_refused("inputs: '@text.npy'", NULL, LSNN_ERR_DATA, "arrays.inputs|text.npy");
    assert_refused("inputs: '@inputs.npy', targets: '@targets.npy'", NULL, LSNN_ERR_DATA, "arrays.targets|targets.npy|cut short");
    assert_refused("file: @all.safetensors, targets: '@inputs.npy'", NULL, LSNN_ERR_DATA, "inputs.npy: has the shape [23, 6, 3]");
}

/* Many arrays with long names and odd characters: the message stays one line. */
static void a_crowded_file(void **state) {
    (void)state;
    tensor_writer *writer;
    double x = 0;
    int64_t one = 1;
    assert_int_equal(tensor_writer_create(&writer), LSNN_OK);
    for (int k = 0; k < 40; k++) {
        char name[200];
        memset(name, 'a' + k % 26, sizeof name);
        snprintf(name + 150, sizeof name - 150, "\n%d", k);
        tensor_writer_add(writer, name, TENSOR_F64, 1, &one, &x);
    }
    tensor_writer_add(writer, "short\nname", TENSOR_F64, 1, &one, &x);
    assert_int_equal(tensor_writer_save(writer, in_folder("crowded.safetensors"), NULL), LSNN_OK);
    tensor_writer_free(writer);
    assert_refused("file: @crowded.safetensors", NULL, LSNN_ERR_DATA, "crowded.safetensors|'inputs'|aaa...'");
}

static void fractions_that_leave_nothing(void **state) {
    (void)state;
    static const made three = {"inputs", TENSOR_U8, 3, {3, STEPS, INPUTS}, spikes},
                      their_classes = {"targets", TENSOR_I64, 1, {3}, classes};
    save_safetensors("three.safetensors", &three, &their_classes);
    assert_refused("file: @three.safetensors, test_fraction: 0.6", NULL, LSNN_ERR_SETTING,
                   "of 3 samples|arrays.test_fraction 0.6 takes 2|arrays.valid_fraction 0.1 takes 1|split train empty");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_arrives_as_it_is),
        cmocka_unit_test(every_type_can_be_read),
        cmocka_unit_test(names_are_settings),
        cmocka_unit_test(splits_follow_the_fractions_and_no_seed),
        cmocka_unit_test(readout_is_the_last_part),
        cmocka_unit_test(lengths_cut_sequences_off),
        cmocka_unit_test(bad_lengths),
        cmocka_unit_test(number_of_classes),
        cmocka_unit_test(bad_inputs),
        cmocka_unit_test(bad_targets),
        cmocka_unit_test(targets_that_do_not_count),
        cmocka_unit_test(shapes_that_do_not_fit),
        cmocka_unit_test(missing_files_and_names),
        cmocka_unit_test(a_crowded_file),
        cmocka_unit_test(fractions_that_leave_nothing),
    };
    fill_numbers();
    return cmocka_run_group_tests(tests, create_folder, remove_folder);
}
