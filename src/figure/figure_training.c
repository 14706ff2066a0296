/* The figure of a training: its curves. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "figure/figure_inside.h"
#include "figure/score_scale.h"

enum { LOSS, SCORE, RATE, N_CURVES };

/* The curves of a metrics.jsonl; what a line does not have is not a number. */
typedef struct metrics {
    size_t n, room;
    double *iteration;
    double *curves[N_CURVES];
    double *smooth[2]; /* two buffers for smoothing */
    char score_name[32];
} metrics;

static void metrics_release(metrics *source) {
    free(source->iteration);
    for (size_t k = 0; k < N_CURVES; k++) {
        free(source->curves[k]);
    }
    free(source->smooth[0]);
    free(source->smooth[1]);
}

static bool grow(double **numbers, size_t room) {
    double *grown = realloc(*numbers, room * sizeof **numbers);
    *numbers = grown == NULL ? *numbers : grown;
    return grown != NULL;
}

static bool metrics_reserve(metrics *source) {
    if (source->n < source->room) {
        return true;
    }
    size_t room = 2 * source->room + 256;
    bool grown = grow(&source->iteration, room) && grow(&source->smooth[0], room) && grow(&source->smooth[1], room);
    for (size_t k = 0; k < N_CURVES && grown; k++) {
        grown = grow(&source->curves[k], room);
    }
    source->room = grown ? room : source->room;
    return grown;
}

static lsnn_status no_memory(const char *path) {
    return fail(LSNN_ERR_MEMORY, "%s: not enough memory to draw it", path);
}

/* A number of the line; absent or null is not a number. False if it is something else. */
static bool number_of(const json_t *line, const char *key, double *out) {
    const json_t *value = json_object_get(line, key);
    *out = json_is_number(value) ? json_number_value(value) : NAN;
    return value == NULL || json_is_null(value) || json_is_number(value);
}

static lsnn_status read_line(metrics *source, const char *path, size_t number, const json_t *line) {
    static const char *const keys[N_CURVES] = {[LOSS] = "loss", [SCORE] = "score", [RATE] = "rate_hz"};
    double iteration, values[N_CURVES];
    bool numbers = number_of(line, "iteration", &iteration);
    for (size_t k = 0; k < N_CURVES; k++) {
        numbers = number_of(line, keys[k], &values[k]) && numbers;
    }
    if (!numbers) {
        return fail(LSNN_ERR_DATA, "%s: line %zu has an iteration, loss, score or rate_hz that is not a number", path, number);
    }
    if (!isfinite(iteration)) {
        return LSNN_OK; /* not about an iteration */
    }
    /* A resumed training may tell of some iterations again. */
    while (source->n > 0 && source->iteration[source->n - 1] >= iteration) {
        source->n--;
    }
    if (!metrics_reserve(source)) {
        return no_memory(path);
    }
    source->iteration[source->n] = iteration;
    for (size_t k = 0; k < N_CURVES; k++) {
        source->curves[k][source->n] = values[k];
    }
    source->n++;
    const char *score_name = json_string_value(json_object_get(line, "score_name"));
    if (score_name != NULL) {
        snprintf(source->score_name, sizeof source->score_name, "%s", score_name);
    }
    return LSNN_OK;
}

static lsnn_status read_metrics(metrics *source, const char *path) {
    uint8_t *bytes = NULL;
    size_t n = 0, number = 1;
    lsnn_status status;
    TRY(file_read(path, &bytes, &n));
    const char *at = (const char *)bytes, *end = at + n, *newline;
    for (; (newline = memchr(at, '\n', (size_t)(end - at))) != NULL; at = newline + 1, number++) {
        json_error_t reason;
        json_t *line = json_loadb(at, (size_t)(newline - at), 0, &reason);
        status = json_is_object(line) ? read_line(source, path, number, line)
                                      : fail(LSNN_ERR_DATA, "%s: line %zu is damaged: %s; remove it", path, number,
                                             line == NULL ? reason.text : "not an object");
        json_decref(line);
        TRY(status);
    }
    if (source->n == 0) {
        status = fail(LSNN_ERR_DATA, "%s has no finished line with an iteration; there is nothing to draw yet", path);
    }
out:
    free(bytes);
    return status;
}

static bool has_curve(const metrics *source, int which) {
    for (size_t k = 0; k < source->n; k++) {
        if (isfinite(source->curves[which][k])) {
            return true;
        }
    }
    return false;
}

static axis curve_axis(const metrics *source, int which) {
    double low = INFINITY, high = -INFINITY;
    figure_widen(&low, &high, source->curves[which], source->n);
    if (which == LOSS && low > 0 && high > 10 * low && isfinite(high)) {
        return (axis){.low = low / 1.15, .high = fmin(high * 1.15, 1e300), .logarithmic = true};
    }
    axis up = axis_around(low, high);
    up.low = low >= 0 ? fmax(up.low, 0) : up.low;
    return up;
}

/* Mean over the neighbours on both sides, with weights that fall by exp(-1) in n/80 points; logarithms are averaged on a logarithmic axis. */
static const double *smoothed(const metrics *source, int which, bool logarithmic) {
    double *sums = source->smooth[0], *weights = source->smooth[1];
    double keep = exp(-80.0 / (double)source->n), sum = 0, weight = 0;
    for (size_t k = 0; k < source->n; k++) {
        double value = logarithmic ? log(source->curves[which][k]) : source->curves[which][k];
        sum = keep * sum + (isfinite(value) ? value : 0);
        weight = keep * weight + (isfinite(value) ? 1 : 0);
        sums[k] = sum;
        weights[k] = weight;
    }
    sum = weight = 0;
    for (size_t k = source->n; k-- > 0;) {
        double value = logarithmic ? log(source->curves[which][k]) : source->curves[which][k];
        double mean = (sums[k] + sum) / (weights[k] + weight);
        sums[k] = logarithmic ? exp(mean) : mean;
        sum = keep * (sum + (isfinite(value) ? value : 0));
        weight = keep * (weight + (isfinite(value) ? 1 : 0));
    }
    return sums;
}

static void draw_curve(canvas *page, const panel *where, const metrics *source, int which, uint32_t rgb, const char *unit) {
    panel_line(page, where, source->n, source->iteration, source->curves[which], (ink){rgb, 0.35, 0.5});
    const double *smooth = smoothed(source, which, where->up.logarithmic);
    panel_line(page, where, source->n, source->iteration, smooth, (ink){rgb, 1, 1.4});
    char number[32], note[64];
    number_text(number, sizeof number, figure_last_finite(smooth, source->n), 3);
    snprintf(note, sizeof note, "%s%s", number, unit);
    figure_note(page, where, 0, "at the end", quiet_rgb);
    figure_note(page, where, 1, note, rgb);
}

static void draw_loss(canvas *page, const panel *where, void *user) {
    draw_curve(page, where, user, LOSS, input_rgb, "");
}

static void draw_rate(canvas *page, const panel *where, void *user) {
    draw_curve(page, where, user, RATE, adaptive_rgb, " Hz");
}

static void draw_score(canvas *page, const panel *where, void *user) {
    const metrics *source = user;
    const double *scores = source->curves[SCORE];
    const score_scale scale = score_scale_of(source->score_name);
    size_t best = 0, n = 0;
    /* Only some lines have a score: the line goes from one to the next. */
    for (size_t k = 0; k < source->n; k++) {
        if (isfinite(scores[k])) {
            best = n == 0 || score_better(&scale, scores[k], scores[best]) ? k : best;
            source->smooth[0][n] = source->iteration[k];
            source->smooth[1][n++] = scores[k];
        }
    }
    panel_line(page, where, n, source->smooth[0], source->smooth[1], (ink){lif_rgb, 1, 1});
    for (size_t k = 0; k < n && n <= 150; k++) {
        canvas_dot(page, panel_x(where, source->smooth[0][k]), panel_y(where, source->smooth[1][k]), 1.6, (ink){lif_rgb, 1, 0});
    }
    char number[32], note[64];
    number_text(number, sizeof number, scores[best], 3);
    figure_note(page, where, 0, "best", quiet_rgb);
    figure_note(page, where, 1, number, lif_rgb);
    number_text(number, sizeof number, source->iteration[best], 8);
    snprintf(note, sizeof note, "at %s", number);
    figure_note(page, where, 2, note, quiet_rgb);
}

static axis iteration_axis(const metrics *source) {
    double first = source->iteration[0], last = source->iteration[source->n - 1];
    axis across = first < last ? (axis){.low = first, .high = last} : axis_around(first, last);
    across.low = first >= 0 && first < 0.1 * last ? 0 : across.low;
    across.whole = true;
    return across;
}

lsnn_status figure_of_training(const char *path, const char *figure_path) {
    const double height = 396, right = 58;
    metrics source = {0};
    strips all = {0};
    canvas *page = NULL;
    char label[64], title[160];
    lsnn_status status;
    TRY(read_metrics(&source, path));
    number_text(label, sizeof label, source.iteration[source.n - 1], 12);
    snprintf(title, sizeof title, "Training, %s iteration%s", label, strcmp(label, "1") == 0 ? "" : "s");
    TRY(canvas_create(&page, figure_path, page_width, height, title));
    if (has_curve(&source, LOSS)) {
        figure_add_strip(&all, "Loss", curve_axis(&source, LOSS), 1.2, draw_loss);
    }
    if (has_curve(&source, SCORE)) {
        snprintf(label, sizeof label, "Validation\n%s", source.score_name[0] == '\0' ? "score" : source.score_name);
        figure_add_strip(&all, label, curve_axis(&source, SCORE), 1, draw_score);
    }
    if (has_curve(&source, RATE)) {
        figure_add_strip(&all, "Firing rate (Hz)", curve_axis(&source, RATE), 0.8, draw_rate);
    }
    if (all.n == 0) {
        status = fail(LSNN_ERR_DATA, "%s has no loss, score or rate_hz that is finite; there is nothing to draw", path);
        goto out;
    }
    figure_title(page, title);
    figure_draw_strips(page, &all, height, right, iteration_axis(&source), "Iteration", &source);
    TRY(canvas_save(page));
out:
    canvas_free(page);
    metrics_release(&source);
    return status;
}
