/* Images pixel after pixel: the digits that ship (task digits), and MNIST (task smnist; the paper's sequential MNIST).
 *
 * A pixel's value is coded by threshold crossings. With n thresholds k/(n-1) on [0, 1]: for each k < n-1 one input spikes when the value rises from
 * below the threshold to it or above (x[p] < th <= x[p+1], at pixel p), another when it falls below; one more spikes while the pixel is at 1; the last is
 * the cue, which spikes at every step after the image, when the network is to answer.
 *
 * Or (image.coding: pixels) the value itself is the first input, and the cue, if there is one, the second: 1 at every step after the image. */
#include "tasks/task.h"

#include "base/file.h"
#include "base/rng.h"
#include "config/share.h"
#include "data/download.h"
#include "data/idx.h"
#include "data/uci.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PIXELS = 28 * 28 };

typedef struct image_set {
    int64_t n;
    int n_pixels;
    const uint8_t *pixels; /* [n][n_pixels] 0..brightest */
    const uint8_t *labels; /* [n] */
} image_set;

typedef struct images {
    task task;
    mnist train_file, test_file;
    uci_digits digits;
    image_set sets[SPLITS];
    uint32_t *order[SPLITS]; /* sample k of a split is image order[k] of its set; NULL: k */
    uint32_t *pixel_order;   /* [n_pixels] which pixel comes when; NULL: row by row */
    bool spikes;             /* coded by crossings; else the pixel's value is the input */
    int width, n_pixels, pixel_steps, n_thresholds;
    int shift;          /* training: pixels that an image is moved by, at most, each way */
    int jitter;         /* training: levels that a pixel is changed by, at most */
    uint8_t level[256]; /* the highest threshold that a pixel value reaches */
    int brightest;
} images;

static void close_task(task *t) {
    images *s = (images *)t;
    mnist_release(&s->train_file);
    mnist_release(&s->test_file);
    uci_digits_release(&s->digits);
    for (int p = 0; p < SPLITS; p++) {
        free(s->order[p]);
    }
    free(s->pixel_order);
    free(s);
}

/* What both tasks share; the images are there already. */
static lsnn_status set_up(images *s, const lsnn_experiment *e, const task_kind *kind, int width, int height, int brightest) {
    lsnn_status status = LSNN_OK;
    int n_pixels = width * height;
    s->width = width;
    s->n_pixels = n_pixels;
    s->shift = (int)setting_int(e, "image.shift");
    s->jitter = (int)(setting_real(e, "image.jitter") * brightest + 0.5);
    s->brightest = brightest;
    s->pixel_steps = task_steps(e, (double)setting_int(e, "image.pixel_ms"));
    s->n_thresholds = (int)setting_int(e, "image.n_thresholds");
    int cue_steps = setting_int(e, "image.cue_ms") > 0 ? task_steps(e, (double)setting_int(e, "image.cue_ms")) : 0;
    int readout_steps = task_steps(e, (double)setting_int(e, "image.readout_ms"));
    for (int x = 0; x < 256; x++) { /* x/brightest >= k/(n-1), in whole numbers */
        int level = x * (s->n_thresholds - 1) / brightest;
        s->level[x] = (uint8_t)(level < 255 ? level : 255);
    }
    s->task.kind = kind;
    s->spikes = strcmp(setting_text(e, "image.coding"), "crossings") == 0;
    s->task.input = s->spikes ? LSNN_SPIKES : LSNN_CURRENTS;
    s->task.loss = LOSS_CROSS_ENTROPY;
    s->task.score_name = "accuracy";
    s->task.n_in = s->spikes ? 2 * (s->n_thresholds - 1) + 2 : 1 + (cue_steps > 0);
    s->task.n_out = 10;
    TRY(task_set_steps(&s->task, (double)n_pixels * s->pixel_steps + cue_steps));
    TRY(task_create_windows(&s->task, 1));
    if (readout_steps > s->task.n_steps) {
        TRY(fail(LSNN_ERR_SETTING, "image.readout_ms is %d steps, but a sequence has only %d; make it at most that", readout_steps,
                 s->task.n_steps));
    }
    s->task.window_start[0] = s->task.n_steps - readout_steps;
    s->task.window_stop[0] = s->task.n_steps;
    if (setting_bool(e, "image.permuted")) {
        s->pixel_order = malloc((size_t)n_pixels * sizeof *s->pixel_order);
        if (s->pixel_order == NULL) {
            TRY(fail(LSNN_ERR_MEMORY, "no memory for the order of the pixels"));
        }
        rng_permutation(0, RNG_PERMUTE, (uint64_t)n_pixels, s->pixel_order, (size_t)n_pixels); /* the same for every seed */
    }
out:
    return status;
}

static lsnn_status open_mnist(task **out, const lsnn_experiment *e, const lsnn_run_options *options) {
    lsnn_status status = LSNN_OK;
    char path[1024];
    images *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for the task");
    }
    s->task.kind = &task_smnist;
    TRY(data_folder(path, sizeof path, options->data_folder, "mnist"));
    TRY(mnist_open(path, true, &s->train_file));
    TRY(mnist_open(path, false, &s->test_file));
    int64_t n_valid = setting_int(e, "image.n_valid");
    if (n_valid >= s->train_file.n) {
        TRY(fail(LSNN_ERR_SETTING, "image.n_valid is %lld, but there are only %lld training images", (long long)n_valid,
                 (long long)s->train_file.n));
    }
    int n_pixels = s->train_file.rows * s->train_file.columns;
    int64_t n_train = s->train_file.n - n_valid; /* the last images are for validation */
    s->sets[SPLIT_TRAIN] = (image_set){.n = n_train, .pixels = s->train_file.pixels, .labels = s->train_file.labels};
    s->sets[SPLIT_VALID] =
        (image_set){.n = n_valid, .pixels = s->train_file.pixels + n_train * n_pixels, .labels = s->train_file.labels + n_train};
    s->sets[SPLIT_TEST] = (image_set){.n = s->test_file.n, .pixels = s->test_file.pixels, .labels = s->test_file.labels};
    for (int p = 0; p < SPLITS; p++) {
        s->task.n_samples[p] = s->sets[p].n;
    }
    TRY(set_up(s, e, &task_smnist, s->train_file.columns, s->train_file.rows, 255));
    *out = &s->task;
    return LSNN_OK;
out:
    task_close(&s->task);
    return status;
}

/* MNIST's shape is no secret. */
static lsnn_status open_mnist_shape(task **out, const lsnn_experiment *e) {
    lsnn_status status = LSNN_OK;
    images *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for the task");
    }
    s->task.kind = &task_smnist;
    TRY(set_up(s, e, &task_smnist, 28, 28, 255));
    *out = &s->task;
    return LSNN_OK;
out:
    task_close(&s->task);
    return status;
}

/* The file has the digits writer by writer: a fixed random order, the same for every seed, deals them out to test, validation and training. */
static lsnn_status deal_out(images *s, const lsnn_experiment *e) {
    lsnn_status status = LSNN_OK;
    int64_t n = s->digits.n;
    int64_t n_of[SPLITS] = {0, setting_int(e, "image.n_valid"), setting_int(e, "image.n_test")};
    n_of[SPLIT_TRAIN] = n - n_of[SPLIT_VALID] - n_of[SPLIT_TEST];
    uint32_t *order = malloc((size_t)n * sizeof *order);
    if (order == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for the order of the digits"));
    }
    if (n_of[SPLIT_TRAIN] < 1) {
        TRY(fail(LSNN_ERR_SETTING, "image.n_valid %lld and image.n_test %lld leave none of the %lld digits for training",
                 (long long)n_of[SPLIT_VALID], (long long)n_of[SPLIT_TEST], (long long)n));
    }
    rng_permutation(0, RNG_SPLIT, 0, order, (size_t)n);
    const uint32_t *next = order;
    for (int p = SPLITS - 1; p >= 0; p--) {
        s->order[p] = malloc((size_t)n_of[p] * sizeof *s->order[p] + 1);
        if (s->order[p] == NULL) {
            TRY(fail(LSNN_ERR_MEMORY, "no memory for the order of the digits"));
        }
        memcpy(s->order[p], next, (size_t)n_of[p] * sizeof *next);
        next += n_of[p];
        s->sets[p] = (image_set){.n = n_of[p], .pixels = s->digits.pixels, .labels = s->digits.labels};
        s->task.n_samples[p] = n_of[p];
    }
out:
    free(order);
    return status;
}

static lsnn_status open_digits(task **out, const lsnn_experiment *e, const lsnn_run_options *options) {
    (void)options; /* they ship with the program */
    lsnn_status status = LSNN_OK;
    char path[1024];
    images *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for the task");
    }
    s->task.kind = &task_digits;
    TRY(share_path(path, sizeof path, "data/digits.csv.gz"));
    TRY(uci_digits_open(path, &s->digits));
    TRY(deal_out(s, e));
    TRY(set_up(s, e, &task_digits, UCI_WIDTH, UCI_WIDTH, UCI_BRIGHTEST));
    *out = &s->task;
    return LSNN_OK;
out:
    task_close(&s->task);
    return status;
}

/* A training image moved and with its pixels changed, a little and at random; paper comes in from the border. */
static void change_image(const images *s, uint64_t seed, uint64_t draw, const uint8_t *from, uint8_t *to) {
    rng_sequence random = rng_sequence_start(seed, RNG_AUGMENT, draw);
    int height = s->n_pixels / s->width;
    int right = (int)(rng_next(&random) * (2 * s->shift + 1)) - s->shift;
    int down = (int)(rng_next(&random) * (2 * s->shift + 1)) - s->shift;
    for (int p = 0; p < s->n_pixels; p++) {
        int x = p % s->width - right;
        int y = p / s->width - down;
        bool inside = x >= 0 && x < s->width && y >= 0 && y < height;
        int value = inside ? from[y * s->width + x] : 0;
        value += s->jitter > 0 ? (int)(rng_next(&random) * (2 * s->jitter + 1)) - s->jitter : 0;
        to[p] = (uint8_t)(value < 0 ? 0 : value > s->brightest ? s->brightest : value);
    }
}

static int pixel_at(const images *s, const uint8_t *pixels, int p) {
    return pixels[s->pixel_order != NULL ? s->pixel_order[p] : (uint32_t)p];
}

static void write_crossings(const images *s, const uint8_t *pixels, const sample_writer *to) {
    int n_below_1 = s->n_thresholds - 1;
    for (int p = 0; p < s->n_pixels; p++) {
        int step = p * s->pixel_steps;
        int now = pixel_at(s, pixels, p);
        int next = p + 1 < s->n_pixels ? pixel_at(s, pixels, p + 1) : now;
        for (int k = s->level[now] + 1; k <= s->level[next] && k < n_below_1; k++) {
            sample_spike(to, step, k);
        }
        for (int k = s->level[next] + 1; k <= s->level[now] && k < n_below_1; k++) {
            sample_spike(to, step, n_below_1 + k);
        }
        for (int r = 0; now == s->brightest && r < s->pixel_steps; r++) {
            sample_spike(to, step + r, 2 * n_below_1);
        }
    }
    for (int step = s->n_pixels * s->pixel_steps; step < s->task.n_steps; step++) {
        sample_spike(to, step, 2 * n_below_1 + 1);
    }
}

static void write_pixels(const images *s, const uint8_t *pixels, const sample_writer *to) {
    int n_image = s->n_pixels * s->pixel_steps;
    for (int step = 0; step < n_image; step++) {
        sample_current(to, step, 0, (real)pixel_at(s, pixels, step / s->pixel_steps) / (real)s->brightest);
    }
    for (int step = n_image; step < s->task.n_steps; step++) {
        sample_current(to, step, 1, 1);
    }
}

static void write_sample(const task *t, split part, uint64_t seed, uint64_t index, const sample_writer *to) {
    const images *s = (const images *)t;
    size_t image = s->order[part] != NULL ? s->order[part][index] : (size_t)index;
    const uint8_t *pixels = s->sets[part].pixels + image * (size_t)s->n_pixels;
    uint8_t changed[MOST_PIXELS];
    if (to->is_training && (s->shift > 0 || s->jitter > 0)) {
        change_image(s, seed, to->draw, pixels, changed);
        pixels = changed;
    }
    if (s->spikes) {
        write_crossings(s, pixels, to);
    } else {
        write_pixels(s, pixels, to);
    }
    sample_class(to, 0, s->sets[part].labels[image]);
}

const task_kind task_digits = {.name = "digits", .open = open_digits, .close = close_task, .write = write_sample};
static void take_digest(const task *t, char digest[65]) {
    const images *s = (const images *)t;
    const mnist *files[] = {&s->train_file, &s->test_file};
    for (int k = 0; k < 2; k++) {
        sha256_add(files[k]->pixels, (size_t)files[k]->n * (size_t)s->n_pixels, digest);
        sha256_add(files[k]->labels, (size_t)files[k]->n, digest);
    }
}

const task_kind task_smnist = {.name = "smnist",
                               .open = open_mnist,
                               .open_shape = open_mnist_shape,
                               .close = close_task,
                               .write = write_sample,
                               .take_digest = take_digest};
