/* The tasks digits, smnist and store-recall: their samples against slow and plain implementations of the rules. */
#include "base/file.h"
#include "base/rng.h"
#include "config/share.h"
#include "data/uci.h"
#include "net/sim.h"
#include "tasks/task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In this order, and last, as cmocka's macro fail() would be in the way of base/error.h. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

/* ---- a task, and one of its samples as it arrives in a simulation ---- */

typedef struct stage {
    task *task;
    lsnn_net *net;
    lsnn_context *context;
    lsnn_sim *sim;
    int32_t *class_of; /* [n_windows], with a batch of 1 */
    uint8_t *spikes;   /* [n_steps][n_in] */
    size_t n_spikes;   /* length of the array */
} stage;

/* settings: the experiment as YAML. */
static lsnn_status try_open(task **out, const char *settings, const char *data_folder) {
    lsnn_experiment *e = NULL;
    lsnn_status status = experiment_parse(&e, "test", settings, "file");
    status = status == LSNN_OK ? experiment_check(e) : status;
    status = status == LSNN_OK ? task_open(out, e, &(lsnn_run_options){.data_folder = data_folder}) : status;
    lsnn_experiment_free(e);
    return status;
}

static void stage_open(stage *s, const char *settings, const char *data_folder) {
    *s = (stage){0};
    if (try_open(&s->task, settings, data_folder) != LSNN_OK) {
        print_error("%s: %s\n", settings, lsnn_error());
    }
    assert_non_null(s->task);
    const task *t = s->task;
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = t->n_in;
    spec.n_out = t->n_out;
    spec.n_lif = 1;
    spec.input = t->input;
    assert_int_equal(lsnn_context_create(&s->context, 1), LSNN_OK);
    assert_int_equal(lsnn_net_create(&s->net, &spec), LSNN_OK);
    lsnn_sim_options options = {.n_batch = 1, .n_steps = t->n_steps, .n_windows = t->n_windows};
    assert_int_equal(lsnn_sim_create(&s->sim, s->net, s->context, &options), LSNN_OK);
    assert_int_equal(lsnn_sim_set_windows(s->sim, t->window_start, t->window_stop, t->n_windows), LSNN_OK);
    s->n_spikes = (size_t)t->n_steps * (size_t)t->n_in;
    s->class_of = calloc((size_t)t->n_windows, sizeof *s->class_of);
    s->spikes = calloc(s->n_spikes, 1);
    assert_true(s->class_of != NULL && s->spikes != NULL);
}

static void stage_close(stage *s) {
    lsnn_sim_free(s->sim);
    lsnn_net_free(s->net);
    lsnn_context_free(s->context);
    task_close(s->task);
    free(s->class_of);
    free(s->spikes);
}

static void show_sample(stage *s, split part, uint64_t seed, uint64_t index) {
    assert_int_equal(sim_begin_input(s->sim, s->task->n_steps), LSNN_OK);
    memset(s->class_of, -1, (size_t)s->task->n_windows * sizeof *s->class_of);
    sample_writer to = {
        .input = sim_input_lane(s->sim, 0), .b = 0, .n_batch = s->sim->options.n_batch, .n_out = s->task->n_out, .class_of = s->class_of};
    s->task->kind->write(s->task, part, seed, index, &to);
    for (size_t at = 0; at < s->n_spikes; at++) {
        s->spikes[at] = to.input.masks[at] >> to.input.lane & 1;
    }
}

/* FNV-1a over the sample and its class. */
static uint64_t fingerprint(const uint8_t *spikes, size_t n, int class_of) {
    uint64_t hash = 14695981039346656037u ^ (uint64_t)class_of;
    for (size_t at = 0; at < n; at++) {
        hash = (hash ^ spikes[at]) * 1099511628211u;
    }
    return hash;
}

/* ---- images ---- */

typedef struct coding {
    int pixel_steps, n_thresholds, cue_steps;
    bool permuted;
} coding;

/* The rule as it is written down, on grey values in [0, 1]. pixels [n_pixels] 0..brightest; spikes [n_steps][n_in]. */
static void encode(const coding *c, const uint8_t *pixels, int n_pixels, int brightest, const uint32_t *order, uint8_t *spikes) {
    int n_below = c->n_thresholds - 1, n_in = 2 * n_below + 2, n_image = n_pixels * c->pixel_steps;
    memset(spikes, 0, (size_t)(n_image + c->cue_steps) * (size_t)n_in);
    for (int p = 0; p < n_pixels; p++) {
        double x = pixels[order[p]] / (double)brightest;
        double next = p + 1 < n_pixels ? pixels[order[p + 1]] / (double)brightest : x;
        uint8_t *at = spikes + p * c->pixel_steps * n_in;
        for (int k = 0; k < n_below; k++) {
            double threshold = k / (double)n_below; /* rounded like a pixel's value, so that equal fractions are equal */
            at[k] = x < threshold && threshold <= next;
            at[n_below + k] = x >= threshold && threshold > next;
        }
        for (int step = 0; step < c->pixel_steps; step++) {
            at[step * n_in + 2 * n_below] = x == 1;
        }
    }
    for (int step = n_image; step < n_image + c->cue_steps; step++) {
        spikes[step * n_in + 2 * n_below + 1] = 1;
    }
}

/* The order in which the pixels come; the caller frees. */
static uint32_t *pixel_order(const coding *c, int n_pixels) {
    uint32_t *order = malloc((size_t)n_pixels * sizeof *order);
    assert_non_null(order);
    rng_permutation(0, RNG_PERMUTE, (uint64_t)n_pixels, order, (size_t)n_pixels);
    for (int p = 0; p < n_pixels && !c->permuted; p++) {
        order[p] = (uint32_t)p;
    }
    return order;
}

static int compare_hashes(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Fingerprints of all images, coded by the rule, to expected [n]. */
static void expect_images(const coding *c, const uint8_t *pixels, const uint8_t *labels, int64_t n, int n_pixels, int brightest,
                          uint64_t *expected) {
    size_t n_spikes = (size_t)(n_pixels * c->pixel_steps + c->cue_steps) * (size_t)(2 * c->n_thresholds);
    uint8_t *spikes = malloc(n_spikes);
    uint32_t *order = pixel_order(c, n_pixels);
    assert_non_null(spikes);
    for (int64_t k = 0; k < n; k++) {
        encode(c, pixels + k * n_pixels, n_pixels, brightest, order, spikes);
        expected[k] = fingerprint(spikes, n_spikes, labels[k]);
    }
    free(spikes);
    free(order);
}

/* Fingerprints of all samples of all splits, one split after the other, to found. */
static void show_all(stage *s, uint64_t seed, uint64_t *found) {
    for (int p = 0; p < SPLITS; p++) {
        for (int64_t k = 0; k < s->task->n_samples[p]; k++) {
            show_sample(s, (split)p, seed, (uint64_t)k);
            *found++ = fingerprint(s->spikes, s->n_spikes, s->class_of[0]);
        }
    }
}

static uci_digits digits;

static int open_digits(void **state) {
    (void)state;
    char path[1024];
    setenv("LSNN_SHARE", LSNN_SOURCE_DIR, 1);
    return share_path(path, sizeof path, "data/digits.csv.gz") != LSNN_OK || uci_digits_open(path, &digits) != LSNN_OK;
}

static int close_digits(void **state) {
    (void)state;
    uci_digits_release(&digits);
    return 0;
}

enum { DIGITS = 1797 };

static void digits_are_coded_by_the_rule(void **state) {
    (void)state;
    static const struct {
        const char *settings;
        coding coding;
    } cases[] = {
        {"image: {n_valid: 200}", {1, 40, 56, false}},
        {"image: {n_valid: 200, n_thresholds: 17, permuted: true}", {1, 17, 56, true}},
        {"image: {n_valid: 200, n_thresholds: 2, pixel_ms: 3, cue_ms: 5, readout_ms: 5}", {3, 2, 5, false}},
        {"image: {n_valid: 200, n_thresholds: 3, pixel_ms: 2, cue_ms: 1, readout_ms: 1, permuted: true}", {2, 3, 1, true}},
        {"image: {n_valid: 200, n_thresholds: 256, cue_ms: 2, readout_ms: 2}", {1, 256, 2, false}},
        {"net.dt: 2\nimage: {n_valid: 200, n_thresholds: 33, pixel_ms: 4, cue_ms: 10, readout_ms: 4}", {2, 33, 5, false}},
    };
    uint64_t *expected = malloc(DIGITS * sizeof *expected), *found = malloc(DIGITS * sizeof *found);
    assert_true(expected != NULL && found != NULL);
    assert_int_equal(digits.n, DIGITS);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const coding *c = &cases[k].coding;
        char settings[256];
        stage s;
        snprintf(settings, sizeof settings, "task: digits\n%s", cases[k].settings);
        stage_open(&s, settings, NULL);
        assert_int_equal(s.task->n_in, 2 * c->n_thresholds);
        assert_int_equal(s.task->n_steps, UCI_PIXELS * c->pixel_steps + c->cue_steps);
        assert_int_equal(s.task->n_samples[SPLIT_TRAIN] + s.task->n_samples[SPLIT_VALID] + s.task->n_samples[SPLIT_TEST], DIGITS);
        expect_images(c, digits.pixels, digits.labels, DIGITS, UCI_PIXELS, UCI_BRIGHTEST, expected);
        show_all(&s, 1, found);
        stage_close(&s);
        /* As many samples as images, and the same ones: so no image is in two splits, and none is missing. */
        qsort(expected, DIGITS, sizeof *expected, compare_hashes);
        qsort(found, DIGITS, sizeof *found, compare_hashes);
        for (int i = 0; i < DIGITS; i++) {
            if (expected[i] != found[i]) {
                print_error("case %zu: a sample is not any image by the rule\n", k);
            }
            assert_true(expected[i] == found[i]);
        }
    }
    free(expected);
    free(found);
}

/* image.coding: pixels. Every digit comes once, its 64 grey values as numbers, each for 2 steps; then the cue. */
static void pixels_are_numbers(void **state) {
    (void)state;
    enum { PIXELS = 64, CUE = 6, STEPS = 2 * PIXELS + CUE };
    for (int n_in = 1; n_in <= 2; n_in++) { /* without and with a cue */
        char settings[160];
        task *t = NULL;
        int n_steps = n_in == 2 ? STEPS : 2 * PIXELS;
        snprintf(settings, sizeof settings, "task: digits\nimage: {coding: pixels, pixel_ms: 2, cue_ms: %d, readout_ms: 3}\n",
                 n_in == 2 ? CUE : 0);
        assert_int_equal(try_open(&t, settings, NULL), LSNN_OK);
        assert_int_equal(t->input, LSNN_CURRENTS);
        assert_int_equal(t->n_in, n_in);
        assert_int_equal(t->n_steps, n_steps);
        assert_int_equal(t->window_start[0], n_steps - 3);
        bool seen[DIGITS] = {false};
        for (int p = 0; p < SPLITS; p++) {
            for (int64_t k = 0; k < t->n_samples[p]; k++) {
                real x[STEPS * 2] = {0};
                int32_t class_of = -1;
                sample_writer to = {
                    .input = {.numbers = x, .step = (size_t)n_in, .input = 1}, .n_batch = 1, .n_out = 10, .class_of = &class_of};
                t->kind->write(t, (split)p, 1, (uint64_t)k, &to);
                int64_t found = 0;
                for (bool same = false; found < DIGITS && !same; found += !same) {
                    same = !seen[found];
                    for (int s = 0; s < 2 * PIXELS && same; s++) {
                        same = x[s * n_in] * 16 == (real)digits.pixels[found * PIXELS + s / 2];
                    }
                }
                assert_in_range(found, 0, DIGITS - 1);
                seen[found] = true;
                assert_int_equal(class_of, digits.labels[found]);
                for (int s = 0; s < n_steps && n_in == 2; s++) {
                    assert_true(x[s * 2 + 1] == (s >= 2 * PIXELS ? 1 : 0) && (s < 2 * PIXELS || x[s * 2] == 0));
                }
            }
        }
        task_close(t);
    }
}

static void digits_splits(void **state) {
    (void)state;
    uint64_t *first = malloc(DIGITS * sizeof *first), *again = malloc(DIGITS * sizeof *again);
    assert_true(first != NULL && again != NULL);
    for (int seed = 1; seed <= 2; seed++) {
        char settings[128];
        stage s;
        snprintf(settings, sizeof settings, "task: digits\nseed: %d\nimage: {n_valid: 150, n_test: 300}", seed);
        stage_open(&s, settings, NULL);
        assert_int_equal(s.task->n_samples[SPLIT_TRAIN], DIGITS - 450);
        assert_int_equal(s.task->n_samples[SPLIT_VALID], 150);
        assert_int_equal(s.task->n_samples[SPLIT_TEST], 300);
        assert_int_equal(s.task->n_windows, 1);
        assert_int_equal(s.task->window_start[0], UCI_PIXELS + 56 - 28);
        assert_int_equal(s.task->window_stop[0], UCI_PIXELS + 56);
        assert_int_equal(s.task->n_out, 10);
        assert_int_equal(s.task->loss, LOSS_CROSS_ENTROPY);
        assert_string_equal(s.task->score_name, "accuracy");
        assert_false(s.task->lower_is_better);
        show_all(&s, (uint64_t)seed, seed == 1 ? first : again);
        /* A random deal gives every class its share of the test: 30 +- 5 of each. */
        int n_of[10] = {0};
        for (int k = 0; k < 300; k++) {
            show_sample(&s, SPLIT_TEST, 1, (uint64_t)k);
            assert_in_range(s.class_of[0], 0, 9);
            n_of[s.class_of[0]]++;
        }
        for (int k = 0; k < 10; k++) {
            assert_in_range(n_of[k], 12, 50);
        }
        stage_close(&s);
    }
    assert_memory_equal(first, again, DIGITS * sizeof *first);
    free(first);
    free(again);
}

/* Are the digits dealt out anew where one split changes its size? The test digits must stay the same, as results are compared on them. */
static void test_digits_do_not_depend_on_the_validation(void **state) {
    (void)state;
    stage a, b;
    stage_open(&a, "task: digits\nimage: {n_valid: 100}", NULL);
    stage_open(&b, "task: digits\nimage: {n_valid: 500}", NULL);
    for (uint64_t k = 0; k < 300; k++) {
        show_sample(&a, SPLIT_TEST, 1, k);
        show_sample(&b, SPLIT_TEST, 1, k);
        assert_memory_equal(a.spikes, b.spikes, a.n_spikes);
        assert_int_equal(a.class_of[0], b.class_of[0]);
    }
    stage_close(&a);
    stage_close(&b);
}

static void digits_that_are_not_enough(void **state) {
    (void)state;
    task *t = NULL;
    assert_int_equal(try_open(&t, "task: digits\nimage: {n_valid: 1497, n_test: 300}", NULL), LSNN_ERR_SETTING);
    assert_non_null(strstr(lsnn_error(), "image.n_valid 1497 and image.n_test 300 leave none of the 1797"));
    assert_int_equal(try_open(&t, "task: digits\nimage: {n_valid: 50000}", NULL), LSNN_ERR_SETTING);
    assert_int_equal(try_open(&t, "task: digits\nimage: {n_valid: 1496, n_test: 300}", NULL), LSNN_OK);
    assert_int_equal(t->n_samples[SPLIT_TRAIN], 1);
    task_close(t);
}

/* ---- MNIST, on made-up files in its format ---- */

enum { SIDE = 28, MNIST_PIXELS = SIDE * SIDE, MADE_TRAIN = 9, MADE_TEST = 4 };

static void save_idx(const char *folder, const char *name, int rank, int n, const uint8_t *bytes) {
    char path[1200];
    uint8_t header[16] = {0, 0, 8, (uint8_t)rank, 0, 0, 0, (uint8_t)n, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    size_t n_header = 4 + 4 * (size_t)rank, n_bytes = rank == 1 ? (size_t)n : (size_t)n * MNIST_PIXELS;
    assert_int_equal(path_join(path, sizeof path, folder, name), LSNN_OK);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(header, 1, n_header, stream), n_header);
    assert_int_equal(fwrite(bytes, 1, n_bytes, stream), n_bytes);
    fclose(stream);
}

static void smnist_is_coded_by_the_rule(void **state) {
    (void)state;
    enum { MADE = MADE_TRAIN + MADE_TEST };
    char folder[512], mnist[600], command[700];
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/lsnn-images-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp");
    assert_non_null(mkdtemp(folder));
    snprintf(mnist, sizeof mnist, "%s/mnist", folder);
    assert_int_equal(folder_create(mnist), LSNN_OK);
    uint8_t *pixels = malloc(MADE * MNIST_PIXELS), labels[MADE];
    assert_non_null(pixels);
    for (int k = 0; k < MADE * MNIST_PIXELS; k++) { /* every grey value, and black and white often */
        uint64_t drawn = rng_below(5, RNG_BENCH, (uint64_t)k, 512);
        pixels[k] = (uint8_t)(drawn < 256 ? drawn : drawn % 2 * 255);
    }
    for (int k = 0; k < MADE; k++) {
        labels[k] = (uint8_t)(k * 3 % 10);
    }
    save_idx(mnist, "train-images-idx3-ubyte", 3, MADE_TRAIN, pixels);
    save_idx(mnist, "train-labels-idx1-ubyte", 1, MADE_TRAIN, labels);
    save_idx(mnist, "t10k-images-idx3-ubyte", 3, MADE_TEST, pixels + MADE_TRAIN * MNIST_PIXELS);
    save_idx(mnist, "t10k-labels-idx1-ubyte", 1, MADE_TEST, labels + MADE_TRAIN);
    static const struct {
        const char *settings;
        coding coding;
    } cases[] = {{"task: smnist\nimage: {n_valid: 2}", {1, 40, 56, false}},
                 {"task: smnist\nimage: {n_valid: 2, permuted: true, pixel_ms: 2, n_thresholds: 52}", {2, 52, 56, true}},
                 {"task: smnist\nimage: {n_valid: 2, n_thresholds: 256}", {1, 256, 56, false}}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        uint64_t expected[MADE], found[MADE];
        stage s;
        stage_open(&s, cases[k].settings, folder);
        assert_int_equal(s.task->n_in, 2 * cases[k].coding.n_thresholds);
        assert_int_equal(s.task->n_steps, MNIST_PIXELS * cases[k].coding.pixel_steps + 56); /* 840 at 1 ms */
        assert_int_equal(s.task->n_samples[SPLIT_TRAIN], MADE_TRAIN - 2);
        assert_int_equal(s.task->n_samples[SPLIT_VALID], 2);
        assert_int_equal(s.task->n_samples[SPLIT_TEST], MADE_TEST);
        expect_images(&cases[k].coding, pixels, labels, MADE, MNIST_PIXELS, 255, expected);
        show_all(&s, 1, found); /* in the files' order: training, the last of it for validation, test */
        assert_memory_equal(expected, found, sizeof found);
        stage_close(&s);
    }
    task *t = NULL;
    assert_int_equal(try_open(&t, "task: smnist\nimage: {n_valid: 9}", folder), LSNN_ERR_SETTING);
    assert_non_null(strstr(lsnn_error(), "image.n_valid is 9"));
    free(pixels);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void permutation_is_one_and_not_the_identity(void **state) {
    (void)state;
    bool seen[MNIST_PIXELS] = {false};
    int n_at_home = 0;
    uint32_t *order = pixel_order(&(coding){.permuted = true}, MNIST_PIXELS);
    for (int p = 0; p < MNIST_PIXELS; p++) {
        assert_in_range(order[p], 0, MNIST_PIXELS - 1);
        assert_false(seen[order[p]]);
        seen[order[p]] = true;
        n_at_home += order[p] == (uint32_t)p;
    }
    assert_in_range(n_at_home, 0, 10); /* 1 +- 1 in a random order */
    free(order);
}

/* ---- store and recall ---- */

enum { GROUP = 25, GROUPS = 4, SYMBOLS = 12, SYMBOL_STEPS = 200, ROUNDS = 400 };

typedef struct tally {
    double n_symbols[GROUPS];          /* in which the group was on */
    double neuron[GROUPS][GROUP];      /* spikes */
    double step[SYMBOL_STEPS];         /* spikes of all groups */
    int n_values[2], n_free, n_stores; /* values shown; symbols at which a store may be drawn, and is */
    int n_recall_free, n_recalls;
} tally;

/* Spikes of each group in a symbol, to n_of. */
static void count_symbol(const stage *s, int symbol, int symbol_steps, tally *sum, int n_of[GROUPS]) {
    for (int g = 0; g < GROUPS; g++) {
        n_of[g] = 0;
        for (int step = 0; step < symbol_steps; step++) {
            for (int i = 0; i < GROUP; i++) {
                int fired = s->spikes[(size_t)(symbol * symbol_steps + step) * (GROUPS * GROUP) + (size_t)(g * GROUP + i)];
                n_of[g] += fired;
                sum->neuron[g][i] += fired;
                sum->step[step] += fired;
            }
        }
        sum->n_symbols[g] += n_of[g] > 0;
    }
}

/* A group that is on has 250 spikes a symbol: silence means that it is off. */
static void check_sequence(const stage *s, int symbol_steps, tally *sum) {
    bool has_stored = false;
    int stored = -1, n_recalls = 0;
    for (int k = 0; k < SYMBOLS; k++) {
        int n_of[GROUPS];
        count_symbol(s, k, symbol_steps, sum, n_of);
        for (int g = 0; g < GROUPS; g++) {
            assert_true(n_of[g] == 0 || n_of[g] > 125);
        }
        int value = n_of[1] > 0;
        bool store = n_of[2] > 0, recall = n_of[3] > 0;
        assert_int_equal((n_of[0] > 0) + (n_of[1] > 0), 1);
        assert_false(store && recall);
        assert_false(store && has_stored);
        assert_false(recall && !has_stored);
        sum->n_values[value]++;
        sum->n_free += !has_stored && k < SYMBOLS - 2;
        sum->n_stores += store && k < SYMBOLS - 2;
        sum->n_recall_free += has_stored && k < SYMBOLS - 1;
        sum->n_recalls += recall && k < SYMBOLS - 1;
        assert_int_equal(s->class_of[k], recall ? stored : -1);
        if (store) {
            has_stored = true;
            stored = value;
        } else if (recall) {
            has_stored = false;
            n_recalls++;
        }
    }
    assert_false(has_stored); /* what is stored is asked for */
    assert_true(n_recalls >= 1);
}

static bool near(double x, double expected, double share) {
    if (fabs(x - expected) > share * expected) {
        print_error("%g, where %g +- %g %% was expected\n", x, expected, 100 * share);
        return false;
    }
    return true;
}

static void check_store_recall(const char *settings, int symbol_steps, double p_spike) {
    stage s;
    tally *sum = calloc(1, sizeof *sum);
    assert_non_null(sum);
    stage_open(&s, settings, NULL);
    assert_int_equal(s.task->n_in, GROUPS * GROUP);
    assert_int_equal(s.task->n_out, 2);
    assert_int_equal(s.task->n_windows, SYMBOLS);
    assert_int_equal(s.task->n_steps, SYMBOLS * symbol_steps);
    assert_string_equal(s.task->score_name, "recall error");
    assert_true(s.task->lower_is_better);
    for (int w = 0; w < SYMBOLS; w++) {
        assert_int_equal(s.task->window_start[w], w * symbol_steps);
        assert_int_equal(s.task->window_stop[w], (w + 1) * symbol_steps);
    }
    for (int p = 0; p < SPLITS; p++) {
        assert_int_equal(s.task->n_samples[p], 0);
    }
    for (uint64_t k = 0; k < ROUNDS; k++) {
        show_sample(&s, SPLIT_TRAIN, 7, k);
        check_sequence(&s, symbol_steps, sum);
    }
    double n_spikes = 0, n_on = 0;
    for (int g = 0; g < GROUPS; g++) {
        double n = 0;
        for (int i = 0; i < GROUP; i++) {
            n += sum->neuron[g][i];
            assert_true(near(sum->neuron[g][i] / (sum->n_symbols[g] * symbol_steps), p_spike, 0.1));
        }
        assert_true(near(n / (sum->n_symbols[g] * symbol_steps * GROUP), p_spike, 0.05));
        n_spikes += n;
        n_on += sum->n_symbols[g];
    }
    assert_true(near(n_spikes / (n_on * symbol_steps * GROUP), p_spike, 0.01));
    for (int step = 0; step < symbol_steps; step++) {
        assert_true(near(sum->step[step] / (n_on * GROUP), p_spike, 0.1));
    }
    assert_true(near(sum->n_values[0], ROUNDS * SYMBOLS / 2.0, 0.05));
    assert_true(near((double)sum->n_stores / sum->n_free, 1 / 7.0, 0.12));
    assert_true(near((double)sum->n_recalls / sum->n_recall_free, 1 / 7.0, 0.15));
    stage_close(&s);
    free(sum);
}

static void store_recall_follows_its_rules(void **state) {
    (void)state;
    check_store_recall("task: store-recall", SYMBOL_STEPS, 0.05); /* 50 Hz in steps of 1 ms */
    check_store_recall("task: store-recall\nnet.dt: 2", SYMBOL_STEPS / 2, 0.1);
}

static void store_recall_is_a_function_of_split_seed_and_index(void **state) {
    (void)state;
    static const struct {
        split part;
        uint64_t seed, index;
    } cases[] = {
        {SPLIT_TRAIN, 1, 0}, {SPLIT_VALID, 1, 0}, {SPLIT_TEST, 1, 0},  {SPLIT_TRAIN, 1, 1},        {SPLIT_TRAIN, 2, 0},
        {SPLIT_VALID, 1, 1}, {SPLIT_TEST, 2, 5},  {SPLIT_TRAIN, 1, 5}, {SPLIT_TRAIN, 1, 1u << 20}, {SPLIT_TRAIN, UINT64_C(1) << 40, 0}};
    enum { CASES = sizeof cases / sizeof *cases };
    uint64_t prints[2][CASES];
    stage s, other;
    stage_open(&s, "task: store-recall\nseed: 1", NULL);
    stage_open(&other, "task: store-recall\nseed: 2", NULL); /* the experiment's own seed is not asked */
    for (int k = 0; k < CASES; k++) {
        show_sample(&s, cases[k].part, cases[k].seed, cases[k].index);
        prints[0][k] = fingerprint(s.spikes, s.n_spikes, 0);
    }
    for (int k = CASES - 1; k >= 0; k--) { /* in another order */
        show_sample(&other, cases[k].part, cases[k].seed, cases[k].index);
        prints[1][k] = fingerprint(other.spikes, other.n_spikes, 0);
    }
    assert_memory_equal(prints[0], prints[1], sizeof prints[0]);
    for (int k = 0; k < CASES; k++) {
        for (int i = 0; i < k; i++) {
            assert_true(prints[0][k] != prints[0][i]);
        }
    }
    stage_close(&s);
    stage_close(&other);
}

/* With a command at every symbol, store and recall take turns; the last symbol, which must not store, recalls. */
static void store_recall_at_its_densest(void **state) {
    (void)state;
    stage s;
    stage_open(&s, "task: store-recall\nstore-recall: {p_command: 1, n_symbols: 12}", NULL);
    for (uint64_t k = 0; k < 20; k++) {
        show_sample(&s, SPLIT_TEST, 3, k);
        for (int w = 0; w < SYMBOLS; w++) {
            assert_int_equal(s.class_of[w] >= 0, w % 2 == 1);
        }
    }
    stage_close(&s);
    stage_open(&s, "task: store-recall\nstore-recall: {p_command: 1e-9, n_symbols: 2}", NULL);
    for (uint64_t k = 0; k < 20; k++) {
        show_sample(&s, SPLIT_TEST, 3, k);
        assert_int_equal(s.class_of[0], -1);
        assert_in_range(s.class_of[1], 0, 1);
    }
    stage_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_are_coded_by_the_rule),
        cmocka_unit_test(pixels_are_numbers),
        cmocka_unit_test(digits_splits),
        cmocka_unit_test(test_digits_do_not_depend_on_the_validation),
        cmocka_unit_test(digits_that_are_not_enough),
        cmocka_unit_test(smnist_is_coded_by_the_rule),
        cmocka_unit_test(permutation_is_one_and_not_the_identity),
        cmocka_unit_test(store_recall_follows_its_rules),
        cmocka_unit_test(store_recall_is_a_function_of_split_seed_and_index),
        cmocka_unit_test(store_recall_at_its_densest),
    };
    return cmocka_run_group_tests(tests, open_digits, close_digits);
}
