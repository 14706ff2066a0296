/* Frames of speech in the figure of a probe: the network's belief about the phones, and the true ones. */
#include "figure/figure_inside.h"

#include <math.h>
#include <stdlib.h>

static const uint32_t true_rgb = 0xd55e00;
static const double row_height = 7.4, name_size = 6.5;

/* The classes that are right somewhere, in the order in which they come first, to rows [n_out]. */
static size_t choose_rows(const probe_file *source, size_t *rows) {
    size_t n = 0;
    for (size_t w = 0; w < source->n_windows; w++) {
        size_t row = 0;
        while (row < n && (int32_t)rows[row] != source->class_of[w]) {
            row++;
        }
        if (source->class_of[w] >= 0 && row == n) {
            rows[n++] = (size_t)source->class_of[w];
        }
    }
    return n;
}

/* The window after the last of those that touch window w and have its class. */
static size_t end_of_run(const probe_file *source, size_t w) {
    size_t end = w + 1;
    while (end < source->n_windows && source->class_of[end] == source->class_of[w] && source->start[end] == source->stop[end - 1]) {
        end++;
    }
    return end;
}

/* softmax of a window's output, of class k */
static double probability(const float *output, size_t n_out, size_t k) {
    double highest = -INFINITY;
    double sum = 0;
    for (size_t j = 0; j < n_out; j++) {
        highest = fmax(highest, (double)output[j]);
    }
    for (size_t j = 0; j < n_out; j++) {
        sum += exp((double)output[j] - highest);
    }
    return exp((double)output[k] - highest) / sum;
}

static void draw_belief(canvas *page, const panel *where, const probe_file *source, const size_t *rows, size_t n) {
    float *heat = calloc(source->n_steps * n, sizeof *heat);
    if (heat == NULL) {
        canvas_no_memory(page);
        return;
    }
    for (size_t w = 0; w < source->n_windows; w++) {
        for (size_t row = 0; row < n; row++) {
            float p = (float)probability(source->output + w * source->n_out, source->n_out, rows[row]);
            for (size_t t = (size_t)source->start[w]; t < probe_file_stop(source, w); t++) {
                heat[t * n + row] = p;
            }
        }
    }
    panel_heat(page, where, heat, source->n_steps, n, 0, 1);
    free(heat);
}

/* A box about each stretch of a right class in its row. */
static void draw_true(canvas *page, const panel *where, const probe_file *source, const size_t *rows, size_t n) {
    for (size_t w = 0; w < source->n_windows; w = end_of_run(source, w)) {
        double from = panel_x(where, source->start[w] * source->dt);
        double to = panel_x(where, (double)probe_file_stop(source, end_of_run(source, w) - 1) * source->dt);
        for (size_t row = 0; row < n; row++) {
            if ((int32_t)rows[row] == source->class_of[w]) {
                double top = panel_y(where, (double)row + 1);
                double bottom = panel_y(where, (double)row);
                canvas_move(page, from, top);
                canvas_line(page, to, top);
                canvas_line(page, to, bottom);
                canvas_line(page, from, bottom);
                canvas_line(page, from, top);
            }
        }
    }
    canvas_stroke(page, (ink){true_rgb, 1, 0.7});
}

/* Their names above the panel, where there is room. */
static void name_true(canvas *page, const panel *where, const probe_file *source) {
    const text_style style = {.rgb = true_rgb, .size = name_size, .anchor = TEXT_CENTRE};
    for (size_t w = 0; w < source->n_windows; w = end_of_run(source, w)) {
        double from = panel_x(where, source->start[w] * source->dt);
        double to = panel_x(where, (double)probe_file_stop(source, end_of_run(source, w) - 1) * source->dt);
        const char *name = source->class_of[w] >= 0 ? source->names[source->class_of[w]] : "";
        if (to - from > canvas_text_width(page, name, style) + 1) {
            canvas_text(page, (from + to) / 2, where->y - 2, name, style);
        }
    }
}

static void draw_frames(canvas *page, const panel *where, void *user) {
    const probe_file *source = user;
    size_t *rows = calloc(source->n_out, sizeof *rows);
    if (rows == NULL) {
        canvas_no_memory(page);
        return;
    }
    size_t n = choose_rows(source, rows);
    if (n > 0) {
        draw_belief(page, where, source, rows, n);
        draw_true(page, where, source, rows, n);
        name_true(page, where, source);
    }
    for (size_t row = 0; row < n; row++) {
        double middle = panel_y(where, (double)row + 0.5);
        canvas_text(page, where->x + where->width + 4, middle + 0.35 * name_size, source->names[rows[row]],
                    (text_style){.rgb = input_rgb, .size = name_size});
    }
    panel_heat_scale(page, where->x + where->width + 32, where->y, 7, fmin(where->height, 60), 0, 1);
    free(rows);
}

static size_t count_rows(const probe_file *source) {
    size_t n = 0;
    for (size_t k = 0; k < source->n_out; k++) {
        size_t w = 0;
        while (w < source->n_windows && source->class_of[w] != (int32_t)k) {
            w++;
        }
        n += w < source->n_windows;
    }
    return n;
}

double figure_frames_height(const probe_file *source) {
    return row_height * (double)count_rows(source);
}

void figure_add_frames(strips *all, const probe_file *source, double weight) {
    axis rows = {.low = 0, .high = fmax((double)count_rows(source), 1), .whole = true, .bare = true};
    figure_add_strip(all, "Probability of each phone\n(outlined: the true one)", rows, weight, draw_frames);
}
