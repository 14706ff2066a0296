/* The figure of a sweep: scores over the values of a setting. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "figure/comparison.h"
#include "figure/figure_inside.h"
#include "figure/marks.h"
#include "figure/score_scale.h"

/* A row's place in the sweep. */
typedef struct sweep_point {
    double value, mean; /* as the axis has it; NaN: not run */
    const compared_row *row;
} sweep_point;

static int by_value(const void *a, const void *b) {
    const sweep_point *one = a, *other = b;
    return one->value < other->value ? -1 : one->value > other->value ? 1 : one->row < other->row ? -1 : 1;
}

static double shown_mean(const compared_row *row, const score_scale *scale) {
    double sum = 0;
    int n = 0;
    for (int k = 0; k < row->n_runs; k++) {
        double shown = score_shown(scale, row->runs[k].score);
        sum += isfinite(shown) ? shown : 0;
        n += isfinite(shown);
    }
    return n > 0 ? sum / n : NAN;
}

/* Rows with a value, in its order, to points [c->n_rows]; what they score goes into the scale. */
static size_t sweep_points(const comparison *c, score_scale *scale, sweep_point *points) {
    size_t n = 0;
    for (int k = 0; k < c->n_rows; k++) {
        const compared_row *row = &c->rows[k];
        if (isfinite(row->value)) {
            points[n++] = (sweep_point){row->value, shown_mean(row, scale), row};
            for (int run = 0; run < row->n_runs; run++) {
                score_take_in(scale, row->runs[run].score);
            }
            score_take_in(scale, row->paper_mean);
        }
    }
    qsort(points, n, sizeof *points, by_value);
    return n;
}

static axis sweep_axis(const sweep_point *points, size_t n) {
    double low = points[0].value, high = points[n - 1].value;
    if (low > 0 && high > 20 * low) {
        return (axis){.low = low / 1.15, .high = fmin(high * 1.15, 1e300), .logarithmic = true};
    }
    axis across = axis_around(low, high);
    across.low = low > 0 ? fmax(across.low, 0) : across.low;
    return across;
}

/* A line through the means, over it every run, and the paper's means. */
static void draw_sweep(canvas *page, const panel *where, const score_scale *scale, const sweep_point *points, size_t n, double *x,
                       double *y) {
    size_t n_means = 0;
    for (size_t k = 0; k < n; k++) {
        if (isfinite(points[k].mean)) {
            x[n_means] = points[k].value;
            y[n_means++] = points[k].mean;
        }
    }
    panel_line(page, where, n_means, x, y, (ink){ours_rgb, 1, 1.2});
    for (size_t k = 0; k < n; k++) {
        const compared_row *row = points[k].row;
        double at = panel_x(where, row->value);
        for (int run = 0; run < row->n_runs; run++) {
            if (isfinite(row->runs[run].score)) {
                mark_run(page, at, panel_y(where, score_shown(scale, row->runs[run].score)));
            }
        }
        if (isfinite(row->paper_mean)) {
            mark_paper_mean(page, at, panel_y(where, score_shown(scale, row->paper_mean)));
        }
    }
    if (n_means == 0) {
        canvas_text(page, where->x + where->width / 2, where->y + where->height / 2, "no run is finished",
                    (text_style){.rgb = quiet_rgb, .size = note_size, .anchor = TEXT_CENTRE});
    }
}

static void mark_line(canvas *page, double x, double y) {
    canvas_move(page, x - 4, y);
    canvas_line(page, x + 4, y);
    canvas_stroke(page, (ink){ours_rgb, 1, 1.2});
}

static void draw_sweep_key(canvas *page, const sweep_point *points, size_t n) {
    bool any_paper = false;
    for (size_t k = 0; k < n; k++) {
        any_paper = any_paper || isfinite(points[k].row->paper_mean);
    }
    double x = mark_key(page, 8, one_panel_key_y, mark_run, "a run");
    x = mark_key(page, x, one_panel_key_y, mark_line, "mean");
    if (any_paper) {
        mark_key(page, x, one_panel_key_y, mark_paper_mean, "the paper's mean");
    }
}

lsnn_status figure_of_sweep(const comparison *c, const char *figure_path) {
    const double height = 297, right = 16;
    canvas *page = NULL;
    sweep_point *points = NULL;
    double *numbers = NULL;
    size_t n = 0;
    char title[256], label[96];
    lsnn_status status;
    TRY(canvas_check_path(figure_path));
    score_scale scale = score_scale_of(c->score_name);
    points = calloc(c->n_rows > 0 ? (size_t)c->n_rows : 1, sizeof *points);
    numbers = calloc(c->n_rows > 0 ? (size_t)c->n_rows : 1, 2 * sizeof *numbers);
    if (points == NULL || numbers == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "%s: not enough memory to draw it", figure_path));
    }
    n = sweep_points(c, &scale, points);
    if (c->setting == NULL || n == 0) {
        TRY(fail(LSNN_ERR_USAGE, "%s: no setting is varied by numbers; there is nothing to draw scores over", c->title));
    }
    snprintf(title, sizeof title, "%s: %s %s, by %s", c->title, c->score_name, c->data, c->setting);
    TRY(canvas_create(&page, figure_path, page_width, height, title));
    figure_title(page, title);
    draw_sweep_key(page, points, n);
    panel where = figure_one_panel(page, height, right, sweep_axis(points, n), score_axis(&scale));
    panel_grid_up(page, &where);
    draw_sweep(page, &where, &scale, points, n, numbers, numbers + n);
    score_label(&scale, label, sizeof label, "", c->score_name);
    panel_frame(page, &where, one_panel_label_x, NULL, label, c->setting);
    TRY(canvas_save(page));
out:
    canvas_free(page);
    free(points);
    free(numbers);
    return status;
}
