/* The figures: one sample's walk through a network, and the curves of a training. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/tensorfile.h"
#include "run/canvas.h"

enum { MAX_STRIPS = 5, MAX_THRESHOLDS = 20, MAX_LABELS = 12 };

static const double page_width = 504, note_size = 7;
static const uint32_t input_rgb = 0x333333, lif_rgb = 0x0072b2, adaptive_rgb = 0xd55e00, quiet_rgb = 0x777777, shade_rgb = 0xeeeeee;

/* Colours that colour-blind readers can tell apart (Paul Tol's muted set and three more); labels at the lines say the same in words. */
static const uint32_t palette[MAX_LABELS] = {0x332288, 0xcc6677, 0x117733, 0xddaa33, 0x56b4e9, 0x882255,
                                             0x44aa99, 0x999933, 0xaa4499, 0x555555, 0xee7733, 0x0077bb};

/* One panel of a figure: they stand on top of each other and share the axis across. */
typedef struct strip {
    panel where;
    char label[64];
    double weight; /* of its height */
    void (*draw)(canvas *page, const panel *where, void *source);
} strip;

typedef struct strips {
    strip list[MAX_STRIPS];
    int n;
} strips;

static void add_strip(strips *all, const char *label, axis up, double weight, void (*draw)(canvas *, const panel *, void *)) {
    strip *one = &all->list[all->n++];
    *one = (strip){.where.up = up, .weight = weight, .draw = draw};
    snprintf(one->label, sizeof one->label, "%s", label);
}

/* Draws all strips; the widest tick label decides where the data areas begin. */
static void draw_strips(canvas *page, strips *all, double height, double right, axis across, const char *across_label, void *source) {
    const double top = 26, bottom = 30, gap = 11, label_x = 22;
    double weights = 0, widest = 0;
    double free_height = height - top - bottom - gap * (all->n - 1);
    for (int k = 0; k < all->n; k++) {
        weights += all->list[k].weight;
    }
    for (int k = 0; k < all->n; k++) {
        all->list[k].where.height = free_height * all->list[k].weight / weights;
        widest = fmax(widest, panel_label_width(page, &all->list[k].where));
    }
    double y = top;
    for (int k = 0; k < all->n; k++) {
        strip *one = &all->list[k];
        one->where.x = label_x + 16 + fmin(widest, 60);
        one->where.y = y;
        one->where.width = page_width - right - one->where.x;
        one->where.across = across;
        one->draw(page, &one->where, source);
        panel_frame(page, &one->where, label_x, (char[]){(char)('a' + k), '\0'}, one->label, k == all->n - 1 ? across_label : NULL);
        y += one->where.height + gap;
    }
}

/* As large as fits on the page, up to 9 points. */
static void draw_title(canvas *page, const char *title) {
    text_style style = {.rgb = 0, .size = 9, .bold = true};
    style.size *= fmin(1, (page_width - 20) / fmax(canvas_text_width(page, title, style), 1));
    canvas_text(page, 5, 14, title, style);
}

/* A line of text in the margin to the right of a panel. */
static void draw_note(canvas *page, const panel *where, int line, const char *text, uint32_t rgb) {
    canvas_text(page, where->x + where->width + 6, where->y + note_size + line * (note_size + 2), text,
                (text_style){.rgb = rgb, .size = note_size});
}

/* Room for n things, for any n. */
static void *take(size_t n, size_t size) {
    return calloc(n == 0 ? 1 : n, size);
}

static lsnn_status no_memory(const char *path) {
    return fail(LSNN_ERR_MEMORY, "%s: not enough memory to draw it", path);
}

/* --------------------------------------------------------------------------------------------------------------- a probe -- */

/* What of a probe is drawn; the arrays are borrowed from the file but for those that are marked. */
typedef struct probe {
    tensor_file *file;
    size_t n_steps, n_in, n_rec, n_out, n_windows, n_lif, n_adaptive;
    double dt;
    bool currents, classes;
    const float *input, *threshold, *b, *beta, *y, *output, *target, *loss;
    const uint8_t *z;
    const int32_t *start, *stop, *class_of;
    uint8_t *spikes;        /* owned: input spikes [n_steps][n_in], NULL for currents */
    size_t *lif, *adaptive; /* owned: which neurons */
    size_t *inputs;         /* owned: 0, 1, 2 ... */
    double *times;          /* owned: the middle of each step, ms */
    double *lines;          /* owned: [n_out][n_steps], the output or its softmax */
    double *line;           /* owned: [n_steps], for whoever draws */
} probe;

static lsnn_status need(const probe *source, const char *name, tensor_type type, int rank, int64_t rows, int64_t columns,
                        const tensor **out) {
    return tensor_file_need(source->file, name, type, rank, (const int64_t[]){rows, columns}, out);
}

static const char *text_of(const probe *source, const char *key) {
    const char *text = tensor_file_metadata(source->file, key);
    return text == NULL ? "?" : text;
}

static lsnn_status read_settings(probe *source, const char *path) {
    const char *kind = tensor_file_metadata(source->file, "kind");
    if (kind == NULL || strcmp(kind, "probe") != 0) {
        return fail(LSNN_ERR_USAGE, "%s is not a probe (its kind is %.40s); make one with lsnn probe", path,
                    kind == NULL ? "not given" : kind);
    }
    const char *dt = text_of(source, "dt");
    json_t *number = json_loads(dt, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL); /* strtod depends on the locale */
    source->dt = json_is_real(number) ? json_real_value(number) : 0;
    json_decref(number);
    if (!(source->dt > 0 && source->dt <= 1e9)) {
        return fail(LSNN_ERR_DATA, "%s: dt is \"%.40s\", not a number of milliseconds; make the probe again", path, dt);
    }
    const char *input = text_of(source, "input_kind"), *loss = text_of(source, "loss_kind");
    source->currents = strcmp(input, "currents") == 0;
    source->classes = strcmp(loss, "cross_entropy") == 0;
    if (!source->currents && strcmp(input, "spikes") != 0) {
        return fail(LSNN_ERR_DATA, "%s: input_kind is \"%.40s\", neither spikes nor currents; make the probe again", path, input);
    }
    if (!source->classes && strcmp(loss, "squared") != 0) {
        return fail(LSNN_ERR_DATA, "%s: loss_kind is \"%.40s\", neither cross_entropy nor squared; make the probe again", path, loss);
    }
    return LSNN_OK;
}

static lsnn_status read_arrays(probe *source, const char *path) {
    lsnn_status status;
    const tensor *z, *input, *y, *output, *found;
    TRY(need(source, "z", TENSOR_U8, 2, -1, -1, &z));
    int64_t n_steps = z->shape[0], n_rec = z->shape[1];
    TRY(need(source, "input", TENSOR_F32, 2, n_steps, -1, &input));
    TRY(need(source, "y", TENSOR_F32, 2, n_steps, -1, &y));
    int64_t n_out = y->shape[1];
    TRY(need(source, "output", TENSOR_F32, 2, -1, n_out, &output));
    int64_t n_windows = output->shape[0];
    if (n_steps < 1 || n_rec < 1 || n_out < 1 || n_windows < 1 || input->shape[1] < 1) {
        return fail(LSNN_ERR_DATA,
                    "%s: the probe has %lld steps, %lld inputs, %lld neurons, %lld outputs, %lld windows; each must be at least 1", path,
                    (long long)n_steps, (long long)input->shape[1], (long long)n_rec, (long long)n_out, (long long)n_windows);
    }
    static const char *const traces[] = {"v", "p", "psi", "b", "threshold"};
    for (size_t k = 0; k < sizeof traces / sizeof *traces; k++) {
        TRY(need(source, traces[k], TENSOR_F32, 2, n_steps, n_rec, &found));
    }
    source->threshold = found->data;
    TRY(need(source, "b", TENSOR_F32, 2, n_steps, n_rec, &found));
    source->b = found->data;
    TRY(need(source, "tau_a", TENSOR_F32, 1, n_rec, 0, &found));
    TRY(need(source, "beta", TENSOR_F32, 1, n_rec, 0, &found));
    source->beta = found->data;
    TRY(need(source, "loss", TENSOR_F32, 1, 1, 0, &found));
    source->loss = found->data;
    TRY(need(source, "window_start", TENSOR_I32, 1, n_windows, 0, &found));
    source->start = found->data;
    TRY(need(source, "window_stop", TENSOR_I32, 1, n_windows, 0, &found));
    source->stop = found->data;
    if (source->classes) {
        TRY(need(source, "class", TENSOR_I32, 1, n_windows, 0, &found));
        source->class_of = found->data;
    } else {
        TRY(need(source, "target", TENSOR_F32, 2, n_windows, n_out, &found));
        source->target = found->data;
    }
    source->z = z->data;
    source->input = input->data;
    source->y = y->data;
    source->output = output->data;
    source->n_steps = (size_t)n_steps;
    source->n_rec = (size_t)n_rec;
    source->n_in = (size_t)input->shape[1];
    source->n_out = (size_t)n_out;
    source->n_windows = (size_t)n_windows;
out:
    return status;
}

static lsnn_status check_windows(const probe *source, const char *path) {
    for (size_t w = 0; w < source->n_windows; w++) {
        long start = source->start[w], stop = source->stop[w];
        if (start < 0 || stop <= start || (size_t)stop > source->n_steps || (w > 0 && start < source->stop[w - 1])) {
            return fail(LSNN_ERR_DATA,
                        "%s: window %zu goes from step %ld to %ld, which does not fit %zu steps or the window before; make the probe again",
                        path, w, start, stop, source->n_steps);
        }
        if (source->classes && (source->class_of[w] < -1 || source->class_of[w] >= (long long)source->n_out)) {
            return fail(LSNN_ERR_DATA, "%s: window %zu has class %ld of %zu; make the probe again", path, w, (long)source->class_of[w],
                        source->n_out);
        }
    }
    return LSNN_OK;
}

static void probe_close(probe *source) {
    tensor_file_close(source->file);
    free(source->spikes);
    free(source->lif);
    free(source->adaptive);
    free(source->inputs);
    free(source->times);
    free(source->lines);
    free(source->line);
}

/* p_k(t) = exp(y_k(t)) / sum_l exp(y_l(t)), or y itself. */
static void fill_lines(probe *source) {
    for (size_t t = 0; t < source->n_steps; t++) {
        const float *y = source->y + t * source->n_out;
        double highest = -INFINITY, sum = 0;
        for (size_t k = 0; k < source->n_out; k++) {
            highest = fmax(highest, (double)y[k]);
        }
        for (size_t k = 0; k < source->n_out; k++) {
            sum += exp((double)y[k] - highest);
        }
        for (size_t k = 0; k < source->n_out; k++) {
            source->lines[k * source->n_steps + t] = source->classes ? exp((double)y[k] - highest) / sum : (double)y[k];
        }
    }
}

static lsnn_status prepare(probe *source, const char *path) {
    source->lif = take(source->n_rec, sizeof *source->lif);
    source->adaptive = take(source->n_rec, sizeof *source->adaptive);
    source->inputs = take(source->n_in, sizeof *source->inputs);
    source->times = take(source->n_steps, sizeof *source->times);
    source->line = take(source->n_steps, sizeof *source->line);
    source->lines = take(source->n_steps * source->n_out, sizeof *source->lines);
    source->spikes = source->currents ? NULL : take(source->n_steps * source->n_in, 1);
    if (source->lif == NULL || source->adaptive == NULL || source->inputs == NULL || source->times == NULL || source->line == NULL ||
        source->lines == NULL || (!source->currents && source->spikes == NULL)) {
        return no_memory(path);
    }
    for (size_t j = 0; j < source->n_rec; j++) {
        if (source->beta[j] == 0) {
            source->lif[source->n_lif++] = j;
        } else {
            source->adaptive[source->n_adaptive++] = j;
        }
    }
    for (size_t i = 0; i < source->n_in; i++) {
        source->inputs[i] = i;
    }
    for (size_t t = 0; t < source->n_steps; t++) {
        source->times[t] = ((double)t + 0.5) * source->dt;
    }
    for (size_t k = 0; !source->currents && k < source->n_steps * source->n_in; k++) {
        source->spikes[k] = isfinite(source->input[k]) && source->input[k] != 0;
    }
    fill_lines(source);
    return LSNN_OK;
}

static lsnn_status probe_open(probe *source, const char *path) {
    lsnn_status status;
    TRY(tensor_file_open(&source->file, path));
    TRY(read_settings(source, path));
    TRY(read_arrays(source, path));
    TRY(check_windows(source, path));
    TRY(prepare(source, path));
out:
    return status;
}

static bool counts(const probe *source, size_t w) {
    return !source->classes || source->class_of[w] >= 0;
}

/* Grey behind the windows that count; windows that touch are one. Nothing, if that would be everything. */
static void draw_windows(canvas *page, const panel *where, const probe *source) {
    for (size_t w = 0; w < source->n_windows;) {
        if (!counts(source, w)) {
            w++;
            continue;
        }
        size_t last = w;
        while (last + 1 < source->n_windows && counts(source, last + 1) && source->start[last + 1] == source->stop[last]) {
            last++;
        }
        double from = panel_x(where, source->start[w] * source->dt), to = panel_x(where, source->stop[last] * source->dt);
        if (to - from < where->width * 0.999) {
            canvas_box(page, from, where->y, to - from, where->height, (ink){shade_rgb, 1, 0});
        }
        w = last + 1;
    }
}

static void draw_raster(canvas *page, const panel *where, const probe *source, const uint8_t *z, size_t stride, const size_t *columns,
                        size_t n, const char *what, uint32_t rgb) {
    draw_windows(page, where, source);
    panel_raster(page, where, z, source->n_steps, stride, columns, n, rgb);
    double spikes = 0;
    for (size_t t = 0; t < source->n_steps; t++) {
        for (size_t row = 0; row < n; row++) {
            spikes += z[t * stride + columns[row]] != 0;
        }
    }
    char number[32], note[64];
    snprintf(note, sizeof note, "%zu %s%s", n, what, n == 1 ? "" : "s");
    draw_note(page, where, 0, note, rgb);
    number_text(number, sizeof number, 1000 * spikes / ((double)n * (double)source->n_steps * source->dt), 3);
    snprintf(note, sizeof note, "%s Hz", number);
    draw_note(page, where, 1, note, rgb);
}

static void draw_input(canvas *page, const panel *where, void *user) {
    const probe *source = user;
    if (!source->currents) {
        draw_raster(page, where, source, source->spikes, source->n_in, source->inputs, source->n_in, "input", input_rgb);
        return;
    }
    double low = INFINITY, high = -INFINITY;
    for (size_t k = 0; k < source->n_steps * source->n_in; k++) {
        if (isfinite(source->input[k])) {
            low = fmin(low, (double)source->input[k]);
            high = fmax(high, (double)source->input[k]);
        }
    }
    low = low <= high ? low : 0;
    high = low <= high ? high : 0;
    panel_heat(page, where, source->input, source->n_steps, source->n_in, low, high);
    char note[64];
    snprintf(note, sizeof note, "%zu current%s", source->n_in, source->n_in == 1 ? "" : "s");
    draw_note(page, where, 0, note, input_rgb);
    panel_heat_scale(page, where->x + where->width + 6, where->y + 14, 7, where->height - 14, low, high);
}

static void draw_lif(canvas *page, const panel *where, void *user) {
    const probe *source = user;
    draw_raster(page, where, source, source->z, source->n_rec, source->lif, source->n_lif, "neuron", lif_rgb);
}

static void draw_adaptive(canvas *page, const panel *where, void *user) {
    const probe *source = user;
    draw_raster(page, where, source, source->z, source->n_rec, source->adaptive, source->n_adaptive, "neuron", adaptive_rgb);
}

/* The adaptive neurons with the most spikes, most first, to `chosen`; returns how many. */
static size_t busiest(const probe *source, size_t chosen[MAX_THRESHOLDS]) {
    size_t spikes_of[MAX_THRESHOLDS], n = 0;
    for (size_t k = 0; k < source->n_adaptive; k++) {
        size_t j = source->adaptive[k], spikes = 0;
        for (size_t t = 0; t < source->n_steps; t++) {
            spikes += source->z[t * source->n_rec + j] != 0;
        }
        size_t place = n;
        while (place > 0 && spikes > spikes_of[place - 1]) {
            place--;
        }
        if (place == MAX_THRESHOLDS) {
            continue;
        }
        n += n < MAX_THRESHOLDS;
        memmove(chosen + place + 1, chosen + place, (n - 1 - place) * sizeof *chosen);
        memmove(spikes_of + place + 1, spikes_of + place, (n - 1 - place) * sizeof *spikes_of);
        chosen[place] = j;
        spikes_of[place] = spikes;
    }
    return n;
}

/* v_th = A - beta b, the same for all neurons; 1 if the numbers make no sense. */
static double baseline(const probe *source) {
    size_t j = source->adaptive[0];
    double v_th = (double)source->threshold[j] - (double)source->beta[j] * (double)source->b[j];
    return isfinite(v_th) && v_th > 0 ? v_th : 1;
}

static void threshold_line(const probe *source, size_t j) {
    double v_th = baseline(source);
    for (size_t t = 0; t < source->n_steps; t++) {
        source->line[t] = (double)source->threshold[t * source->n_rec + j] / v_th;
    }
}

static void widen(double *low, double *high, const double *values, size_t n) {
    for (size_t k = 0; k < n; k++) {
        if (isfinite(values[k])) {
            *low = fmin(*low, values[k]);
            *high = fmax(*high, values[k]);
        }
    }
}

static axis threshold_axis(const probe *source) {
    size_t chosen[MAX_THRESHOLDS], n = busiest(source, chosen);
    double low = INFINITY, high = -INFINITY;
    for (size_t k = 0; k < n; k++) {
        threshold_line(source, chosen[k]);
        widen(&low, &high, source->line, source->n_steps);
    }
    return axis_around(low, high);
}

static void draw_thresholds(canvas *page, const panel *where, void *user) {
    static const uint32_t shades[] = {0x7a3300, 0xd55e00, 0xf0a05a};
    const probe *source = user;
    size_t chosen[MAX_THRESHOLDS], n = busiest(source, chosen);
    draw_windows(page, where, source);
    for (size_t k = n; k-- > 0;) {
        threshold_line(source, chosen[k]);
        panel_line(page, where, source->n_steps, source->times, source->line, (ink){shades[k % 3], 0.85, 0.6});
    }
    char note[64];
    snprintf(note, sizeof note, n < source->n_adaptive ? "%zu busiest" : "%zu neurons", n);
    draw_note(page, where, 0, n == 1 ? "1 neuron" : note, adaptive_rgb);
    if (n < source->n_adaptive) {
        snprintf(note, sizeof note, "of %zu", source->n_adaptive);
        draw_note(page, where, 1, note, adaptive_rgb);
    }
}

/* The counted windows' mean of line k over their steps, or over all steps if none counts. */
static double mean_when_counted(const probe *source, size_t k) {
    double sum = 0, n = 0;
    for (size_t w = 0; w < source->n_windows; w++) {
        for (int32_t t = source->start[w]; counts(source, w) && t < source->stop[w]; t++) {
            double value = source->lines[k * source->n_steps + (size_t)t];
            sum += isfinite(value) ? value : 0;
            n++;
        }
    }
    return n > 0 ? sum / n : 0;
}

/* The classes that get a colour and a label: those that are right somewhere, then those that the network finds most likely. */
static size_t choose_classes(const probe *source, size_t most, size_t chosen[MAX_LABELS]) {
    double weight_of[MAX_LABELS];
    size_t n = 0;
    for (size_t k = 0; k < source->n_out; k++) {
        double weight = mean_when_counted(source, k);
        for (size_t w = 0; w < source->n_windows && weight < 2; w++) {
            weight += source->class_of[w] == (int32_t)k ? 2 : 0;
        }
        size_t place = n;
        while (place > 0 && weight > weight_of[place - 1]) {
            place--;
        }
        if (place == most) {
            continue;
        }
        n += n < most;
        memmove(chosen + place + 1, chosen + place, (n - 1 - place) * sizeof *chosen);
        memmove(weight_of + place + 1, weight_of + place, (n - 1 - place) * sizeof *weight_of);
        chosen[place] = k;
        weight_of[place] = weight;
    }
    return n;
}

/* A label at the right end of a line. */
typedef struct line_label {
    double line_y, y;
    char text[32];
    uint32_t rgb;
    bool bold;
} line_label;

static int by_height(const void *a, const void *b) {
    const line_label *one = a, *other = b;
    return one->line_y != other->line_y ? (one->line_y < other->line_y ? 1 : -1) : strcmp(other->text, one->text);
}

/* Labels stand at the ends of their lines, but never over each other: pushed up from the lowest, then down from the top. */
static void draw_labels(canvas *page, const panel *where, line_label *labels, size_t n) {
    const double distance = note_size + 0.4;
    qsort(labels, n, sizeof *labels, by_height);
    double free_from = where->y + where->height;
    for (size_t k = 0; k < n; k++) {
        labels[k].y = fmin(labels[k].line_y, free_from);
        free_from = labels[k].y - distance;
    }
    double free_to = where->y;
    for (size_t k = n; k-- > 0;) {
        labels[k].y = fmax(labels[k].y, free_to);
        free_to = labels[k].y + distance;
    }
    double right = where->x + where->width;
    for (size_t k = 0; k < n; k++) {
        canvas_move(page, right + 1, labels[k].line_y);
        canvas_line(page, right + 3, labels[k].line_y);
        canvas_line(page, right + 9, labels[k].y);
        canvas_line(page, right + 11, labels[k].y);
        canvas_stroke(page, (ink){labels[k].rgb, 1, 0.5});
        canvas_text(page, right + 13, labels[k].y + 0.36 * note_size, labels[k].text,
                    (text_style){.rgb = labels[k].rgb, .size = note_size, .bold = labels[k].bold});
    }
}

static double last_finite(const double *values, size_t n) {
    while (n > 0 && !isfinite(values[n - 1])) {
        n--;
    }
    return n > 0 ? values[n - 1] : 0;
}

/* The line of class k where it is the right answer; not a number elsewhere. */
static bool right_answer_line(const probe *source, size_t k) {
    bool any = false;
    for (size_t t = 0; t < source->n_steps; t++) {
        source->line[t] = NAN;
    }
    for (size_t w = 0; w < source->n_windows; w++) {
        for (int32_t t = source->start[w]; source->class_of[w] == (int32_t)k && t < source->stop[w]; t++) {
            source->line[t] = source->lines[k * source->n_steps + (size_t)t];
            any = true;
        }
    }
    return any;
}

/* The right class above each window, where there are several and they have room. */
static void draw_window_classes(canvas *page, const panel *where, const probe *source) {
    text_style style = {.rgb = quiet_rgb, .size = note_size, .anchor = TEXT_CENTRE};
    for (size_t w = 0; w < source->n_windows && source->n_windows > 1; w++) {
        char text[32];
        double from = panel_x(where, source->start[w] * source->dt), to = panel_x(where, source->stop[w] * source->dt);
        snprintf(text, sizeof text, "%ld", (long)source->class_of[w]);
        if (counts(source, w) && to - from > canvas_text_width(page, text, style) + 3) {
            canvas_text(page, (from + to) / 2, where->y - 2, text, style);
        }
    }
}

static void draw_classes(canvas *page, const panel *where, void *user) {
    const probe *source = user;
    size_t room = (size_t)(where->height / (note_size + 0.4)), chosen[MAX_LABELS];
    size_t n = choose_classes(source, room < MAX_LABELS ? room : MAX_LABELS, chosen);
    line_label labels[MAX_LABELS];
    draw_windows(page, where, source);
    for (size_t k = 0; k < source->n_out && source->n_out > n; k++) {
        panel_line(page, where, source->n_steps, source->times, source->lines + k * source->n_steps, (ink){0xbbbbbb, 1, 0.4});
    }
    for (size_t rank = n; rank-- > 0;) {
        size_t k = chosen[rank];
        const double *values = source->lines + k * source->n_steps;
        uint32_t rgb = palette[source->n_out <= MAX_LABELS ? k : rank];
        panel_line(page, where, source->n_steps, source->times, values, (ink){rgb, 1, 0.7});
        bool right = right_answer_line(source, k);
        if (right) {
            panel_line(page, where, source->n_steps, source->times, source->line, (ink){rgb, 1, 2});
        }
        labels[rank] = (line_label){.line_y = panel_y(where, last_finite(values, source->n_steps)), .rgb = rgb, .bold = right};
        snprintf(labels[rank].text, sizeof labels[rank].text, "%zu", k);
    }
    draw_labels(page, where, labels, n);
    draw_window_classes(page, where, source);
}

static void target_line(const probe *source, size_t k) {
    for (size_t t = 0; t < source->n_steps; t++) {
        source->line[t] = NAN;
    }
    for (size_t w = 0; w < source->n_windows; w++) {
        for (int32_t t = source->start[w]; t < source->stop[w]; t++) {
            source->line[t] = (double)source->target[w * source->n_out + k];
        }
    }
}

static size_t n_values_shown(const probe *source) {
    return source->n_out < MAX_LABELS ? source->n_out : MAX_LABELS;
}

static axis values_axis(const probe *source) {
    double low = INFINITY, high = -INFINITY;
    for (size_t k = 0; k < n_values_shown(source); k++) {
        widen(&low, &high, source->lines + k * source->n_steps, source->n_steps);
        target_line(source, k);
        widen(&low, &high, source->line, source->n_steps);
    }
    return axis_around(low, high);
}

static void draw_key(canvas *page, const panel *where, int line, const char *text, ink how) {
    double x = where->x + where->width + 6, y = where->y + note_size * 0.6 + line * (note_size + 2);
    canvas_move(page, x, y);
    canvas_line(page, x + 9, y);
    canvas_stroke(page, how);
    canvas_text(page, x + 12, y + 0.36 * note_size, text, (text_style){.rgb = input_rgb, .size = note_size});
}

static void draw_values(canvas *page, const panel *where, void *user) {
    const probe *source = user;
    ink target = {palette[0], 0.4, 2.4}, output = {palette[0], 1, 0.8};
    draw_windows(page, where, source);
    for (size_t k = 0; k < n_values_shown(source); k++) {
        target.rgb = output.rgb = palette[k];
        target_line(source, k);
        panel_line(page, where, source->n_steps, source->times, source->line, target);
        panel_line(page, where, source->n_steps, source->times, source->lines + k * source->n_steps, output);
    }
    target.rgb = output.rgb = source->n_out == 1 ? palette[0] : input_rgb;
    draw_key(page, where, 0, "target", target);
    draw_key(page, where, 1, "output", output);
    if (source->n_out > MAX_LABELS) {
        char note[64];
        snprintf(note, sizeof note, "%d of %zu", MAX_LABELS, source->n_out);
        draw_note(page, where, 2, note, input_rgb);
    }
}

static size_t answer_of(const probe *source, size_t w) {
    const float *output = source->output + w * source->n_out;
    size_t best = 0;
    for (size_t k = 1; k < source->n_out; k++) {
        best = output[k] > output[best] ? k : best;
    }
    return best;
}

static void probe_title(const probe *source, char *title, size_t size) {
    size_t n_counted = 0, n_right = 0, last = 0;
    for (size_t w = 0; source->classes && w < source->n_windows; w++) {
        if (counts(source, w)) {
            n_counted++;
            n_right += answer_of(source, w) == (size_t)source->class_of[w];
            last = w;
        }
    }
    char loss[32], answer[160] = "";
    number_text(loss, sizeof loss, (double)source->loss[0], 3);
    if (n_counted > 0) {
        snprintf(answer, sizeof answer, "true class %ld, predicted %zu", (long)source->class_of[last], answer_of(source, last));
    }
    if (n_counted > 1) {
        size_t n = strlen(answer);
        snprintf(answer + n, sizeof answer - n, " (last of %zu windows, %zu right)", n_counted, n_right);
    }
    snprintf(title, size, "%.40s, %.16s sample %.20s: %s%sloss %s", text_of(source, "experiment"), text_of(source, "split"),
             text_of(source, "sample"), answer, n_counted > 0 ? ", " : "", loss);
}

static axis rows_axis(size_t n) {
    return (axis){.low = 0, .high = (double)n, .whole = true, .shift = 0.5};
}

static void probe_strips(const probe *source, strips *all) {
    add_strip(all, source->currents ? "Input" : "Input neuron", rows_axis(source->n_in), 1, draw_input);
    if (source->n_lif > 0) {
        add_strip(all, "LIF neuron", rows_axis(source->n_lif), 1, draw_lif);
    }
    if (source->n_adaptive > 0) {
        const char *label = baseline(source) == 1 ? "Threshold" : "Threshold\n(units of v_th)";
        add_strip(all, "Adaptive neuron", rows_axis(source->n_adaptive), 1, draw_adaptive);
        add_strip(all, label, threshold_axis(source), 0.9, draw_thresholds);
    }
    if (source->classes) {
        add_strip(all, "Class probability", (axis){.low = 0, .high = 1}, 1.2, draw_classes);
    } else {
        add_strip(all, "Output", values_axis(source), 1.2, draw_values);
    }
}

static lsnn_status plot_probe(const char *path, const char *figure_path) {
    const double height = 468, right = 58;
    probe source = {0};
    strips all = {0};
    canvas *page = NULL;
    char title[320];
    lsnn_status status;
    TRY(probe_open(&source, path));
    probe_title(&source, title, sizeof title);
    TRY(canvas_create(&page, figure_path, page_width, height, title));
    probe_strips(&source, &all);
    draw_title(page, title);
    draw_strips(page, &all, height, right, (axis){.low = 0, .high = (double)source.n_steps * source.dt}, "Time (ms)", &source);
    TRY(canvas_save(page));
out:
    canvas_free(page);
    probe_close(&source);
    return status;
}

/* ------------------------------------------------------------------------------------------------------------ a training -- */

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
    widen(&low, &high, source->curves[which], source->n);
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
    number_text(number, sizeof number, last_finite(smooth, source->n), 3);
    snprintf(note, sizeof note, "%s%s", number, unit);
    draw_note(page, where, 0, "at the end", quiet_rgb);
    draw_note(page, where, 1, note, rgb);
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
    bool more_is_better = strstr(source->score_name, "accuracy") != NULL;
    size_t best = 0, n = 0;
    /* Only some lines have a score: the line goes from one to the next. */
    for (size_t k = 0; k < source->n; k++) {
        if (isfinite(scores[k])) {
            best = n == 0 || (more_is_better ? scores[k] > scores[best] : scores[k] < scores[best]) ? k : best;
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
    draw_note(page, where, 0, "best", quiet_rgb);
    draw_note(page, where, 1, number, lif_rgb);
    number_text(number, sizeof number, source->iteration[best], 8);
    snprintf(note, sizeof note, "at %s", number);
    draw_note(page, where, 2, note, quiet_rgb);
}

static axis iteration_axis(const metrics *source) {
    double first = source->iteration[0], last = source->iteration[source->n - 1];
    axis across = first < last ? (axis){.low = first, .high = last} : axis_around(first, last);
    across.low = first >= 0 && first < 0.1 * last ? 0 : across.low;
    across.whole = true;
    return across;
}

static lsnn_status plot_metrics(const char *path, const char *figure_path) {
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
        add_strip(&all, "Loss", curve_axis(&source, LOSS), 1.2, draw_loss);
    }
    if (has_curve(&source, SCORE)) {
        snprintf(label, sizeof label, "Validation\n%s", source.score_name[0] == '\0' ? "score" : source.score_name);
        add_strip(&all, label, curve_axis(&source, SCORE), 1, draw_score);
    }
    if (has_curve(&source, RATE)) {
        add_strip(&all, "Firing rate (Hz)", curve_axis(&source, RATE), 0.8, draw_rate);
    }
    if (all.n == 0) {
        status = fail(LSNN_ERR_DATA, "%s has no loss, score or rate_hz that is finite; there is nothing to draw", path);
        goto out;
    }
    draw_title(page, title);
    draw_strips(page, &all, height, right, iteration_axis(&source), "Iteration", &source);
    TRY(canvas_save(page));
out:
    canvas_free(page);
    metrics_release(&source);
    return status;
}

lsnn_status lsnn_plot(const char *source, const char *figure_path) {
    char path[4096];
    lsnn_status status;
    TRY(canvas_check_path(figure_path));
    if (folder_exists(source)) {
        TRY(path_join(path, sizeof path, source, "metrics.jsonl"));
        return plot_metrics(path, figure_path);
    }
    return path_has_ending(source, ".jsonl") ? plot_metrics(source, figure_path) : plot_probe(source, figure_path);
out:
    return status;
}
