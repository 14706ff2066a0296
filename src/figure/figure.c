/* The door of the figures: one sample's walk through a network, and the curves of a training; and how both are laid out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "figure/figure_inside.h"

void figure_add_strip(strips *all, const char *label, axis up, double weight, void (*draw)(canvas *, const panel *, void *)) {
    strip *one = &all->list[all->n++];
    *one = (strip){.where.up = up, .weight = weight, .draw = draw};
    snprintf(one->label, sizeof one->label, "%s", label);
}

void figure_draw_strips(canvas *page, strips *all, double height, double right, axis across, const char *across_label, void *source) {
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

panel figure_one_panel(canvas *page, double height, double right, axis across, axis up) {
    const double top = 38, bottom = 34;
    panel where = {.y = top, .height = height - top - bottom, .across = across, .up = up};
    where.x = one_panel_label_x + 13 + fmin(panel_label_width(page, &where), 60);
    where.width = page_width - right - where.x;
    return where;
}

void figure_title(canvas *page, const char *title) {
    text_style style = {.rgb = 0, .size = 9, .bold = true};
    style.size *= fmin(1, (page_width - 20) / fmax(canvas_text_width(page, title, style), 1));
    canvas_text(page, 5, 14, title, style);
}

void figure_note(canvas *page, const panel *where, int line, const char *text, uint32_t rgb) {
    canvas_text(page, where->x + where->width + 6, where->y + note_size + line * (note_size + 2), text,
                (text_style){.rgb = rgb, .size = note_size});
}

void figure_cut_text(canvas *page, char *out, size_t size, const char *text, text_style style, double width) {
    snprintf(out, size, "%s", text);
    for (size_t n = strlen(out); n > 0 && canvas_text_width(page, out, style) > width;) {
        do {
            n--;
        } while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80); /* whole characters */
        snprintf(out, size, "%.*s...", (int)n, text);
    }
}

void figure_fit_text(canvas *page, char *out, size_t size, const char *text, text_style *style, double width) {
    const double smallest = 6;
    style->size = fmin(style->size, fmax(style->size * width / fmax(canvas_text_width(page, text, *style), 1), smallest));
    figure_cut_text(page, out, size, text, *style, width);
}

static int by_height(const void *a, const void *b) {
    const line_label *one = a, *other = b;
    return one->line_y != other->line_y ? (one->line_y < other->line_y ? 1 : -1) : strcmp(other->text, one->text);
}

/* Pushed up from the lowest, then down from the top. */
void figure_line_labels(canvas *page, const panel *where, line_label *labels, size_t n) {
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

void figure_widen(double *low, double *high, const double *values, size_t n) {
    for (size_t k = 0; k < n; k++) {
        if (isfinite(values[k])) {
            *low = fmin(*low, values[k]);
            *high = fmax(*high, values[k]);
        }
    }
}

double figure_last_finite(const double *values, size_t n) {
    while (n > 0 && !isfinite(values[n - 1])) {
        n--;
    }
    return n > 0 ? values[n - 1] : 0;
}

/* Of a probe. */
static lsnn_status draw_or_animate(const char *probe, double first_ms, const char *path) {
    return path_has_ending(path, ".html") ? animation_of_probe(probe, first_ms, path) : figure_of_probe(probe, first_ms, path);
}

static lsnn_status check_path(const char *path) {
    return path_has_ending(path, ".html") ? LSNN_OK : canvas_check_path(path);
}

lsnn_status lsnn_plot(const char *source, const char *figure_path) {
    char path[4096];
    lsnn_status status;
    TRY(check_path(figure_path));
    if (folder_exists(source)) {
        TRY(path_join(path, sizeof path, source, "metrics.jsonl"));
        return figure_of_training(path, figure_path);
    }
    return path_has_ending(source, ".jsonl") ? figure_of_training(source, figure_path) : draw_or_animate(source, INFINITY, figure_path);
out:
    return status;
}

lsnn_status lsnn_plot_start(const char *probe, double first_ms, const char *figure_path) {
    lsnn_status status;
    TRY(check_path(figure_path));
    if (!(first_ms > 0)) {
        TRY(fail(LSNN_ERR_USAGE, "the first %g ms are to be drawn; it must be more than 0", first_ms));
    }
    return draw_or_animate(probe, first_ms, figure_path);
out:
    return status;
}
