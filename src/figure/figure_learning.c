/* The figures with a curve: scores over a training, and over a setting. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "figure/comparison.h"
#include "figure/figure_inside.h"
#include "figure/marks.h"
#include "figure/score_scale.h"

enum { N_LINE_COLOURS = 12 };

static const double label_x = 14, key_y = 27, top = 38, bottom = 34;

/* Colours that colour-blind readers can tell apart, neighbours best; labels at the lines say the same in words. */
static const uint32_t line_colours[N_LINE_COLOURS] = {0x0077bb, 0xee7733, 0x117733, 0xcc6677, 0x332288, 0xddaa33,
                                                      0x44aa99, 0x882255, 0x56b4e9, 0x999933, 0xaa4499, 0x555555};

/* The data area of a page with one panel; its axes are set. */
static panel one_panel(canvas *page, double height, double right, axis across, axis up) {
    panel where = {.y = top, .height = height - top - bottom, .across = across, .up = up};
    where.x = label_x + 13 + fmin(panel_label_width(page, &where), 60);
    where.width = page_width - right - where.x;
    return where;
}

/* ---- over a training ---- */

/* A row's runs at the iterations at which each run with a curve has a score; scores as the axis has them. */
typedef struct learning {
    const compared_row *row;
    uint32_t rgb;
    size_t n;
    double *iteration, *mean, *low, *high; /* [n], one allocation */
    double *curve;                         /* room for any run's */
    double end_x, end_y;                   /* on the page: of the longest line */
} learning;

static size_t n_curves(const compared_row *row) {
    size_t n = 0;
    for (int k = 0; k < row->n_runs; k++) {
        n += row->runs[k].n_curve > 0;
    }
    return n;
}

static size_t longest_curve(const compared_row *row) {
    size_t longest = 0;
    for (int k = 0; k < row->n_runs; k++) {
        longest = row->runs[k].n_curve > longest ? row->runs[k].n_curve : longest;
    }
    return longest;
}

/* The run's score at an iteration, NaN if it has none. */
static double score_at(const compared_run *run, double iteration) {
    size_t from = 0, to = run->n_curve;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (run->iteration[middle] < iteration) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from < run->n_curve && run->iteration[from] == iteration ? run->curve[from] : NAN;
}

static void add_iteration(learning *l, const score_scale *scale, double iteration) {
    double sum = 0, low = INFINITY, high = -INFINITY;
    for (int k = 0; k < l->row->n_runs; k++) {
        if (l->row->runs[k].n_curve > 0) {
            double shown = score_shown(scale, score_at(&l->row->runs[k], iteration));
            sum += shown;
            low = fmin(low, shown);
            high = fmax(high, shown);
        }
    }
    if (isfinite(sum)) {
        l->iteration[l->n] = iteration;
        l->mean[l->n] = sum / (double)n_curves(l->row);
        l->low[l->n] = low;
        l->high[l->n++] = high;
    }
}

/* The row has a curve. Free l->iteration afterwards. */
static lsnn_status learning_of(learning *l, const compared_row *row, uint32_t rgb, const score_scale *scale) {
    size_t room = longest_curve(row);
    double *numbers = calloc(room, 5 * sizeof *numbers);
    if (numbers == NULL) {
        return fail(LSNN_ERR_MEMORY, "%s: not enough memory to draw %zu validations", row->label, room);
    }
    *l = (learning){.row = row, .rgb = rgb, .iteration = numbers};
    l->mean = numbers + room;
    l->low = numbers + 2 * room;
    l->high = numbers + 3 * room;
    l->curve = numbers + 4 * room;
    const compared_run *first = row->runs;
    while (first->n_curve == 0) {
        first++;
    }
    for (size_t k = 0; k < first->n_curve; k++) {
        add_iteration(l, scale, first->iteration[k]);
    }
    return LSNN_OK;
}

static void draw_band(canvas *page, const panel *where, const learning *l) {
    if (l->n < 2 || n_curves(l->row) < 2) {
        return;
    }
    canvas_move(page, panel_x(where, l->iteration[0]), panel_y(where, l->high[0]));
    for (size_t k = 1; k < l->n; k++) {
        canvas_line(page, panel_x(where, l->iteration[k]), panel_y(where, l->high[k]));
    }
    for (size_t k = l->n; k-- > 0;) {
        canvas_line(page, panel_x(where, l->iteration[k]), panel_y(where, l->low[k]));
    }
    canvas_fill(page, (ink){l->rgb, 0.18, 0});
}

static void draw_curve(canvas *page, const panel *where, learning *l, size_t n, const double *iteration, const double *shown, ink how) {
    panel_line(page, where, n, iteration, shown, how);
    for (size_t k = n; k-- > 0;) {
        if (isfinite(shown[k])) {
            double x = panel_x(where, iteration[k]);
            l->end_y = x >= l->end_x ? panel_y(where, shown[k]) : l->end_y;
            l->end_x = fmax(l->end_x, x);
            break;
        }
    }
}

/* The mean, and thin lines for what single runs have beyond its end. */
static void draw_learning(canvas *page, const panel *where, learning *l, const score_scale *scale) {
    l->end_y = where->y + where->height;
    for (int run = 0; run < l->row->n_runs; run++) {
        const compared_run *one = &l->row->runs[run];
        size_t from = 0, n = one->n_curve;
        while (from < n && l->n > 0 && one->iteration[from] < l->iteration[l->n - 1]) {
            from++;
        }
        for (size_t k = from; k < n; k++) {
            l->curve[k] = score_shown(scale, one->curve[k]);
        }
        if (n - from > (l->n > 0)) {
            draw_curve(page, where, l, n - from, one->iteration + from, l->curve + from, (ink){l->rgb, 0.6, 0.6});
        }
    }
    draw_curve(page, where, l, l->n, l->iteration, l->mean, (ink){l->rgb, 1, 1.3});
}

static line_label label_of(canvas *page, const panel *where, const learning *l, double width) {
    double border = where->x + where->width;
    line_label label = {.line_y = l->end_y, .rgb = l->rgb};
    text_style style = {.size = note_size};
    figure_fit_text(page, label.text, sizeof label.text, l->row->label, &style, width);
    if (l->end_x < border - 1) { /* from a line that ends early to its label */
        canvas_move(page, l->end_x, l->end_y);
        canvas_line(page, border, l->end_y);
        canvas_stroke(page, (ink){l->rgb, 0.35, 0.4});
    }
    return label;
}

/* What the axes must hold. */
static axis take_in_curves(const comparison *c, score_scale *scale) {
    double last = 1;
    for (int k = 0; k < c->n_rows; k++) {
        for (int run = 0; run < c->rows[k].n_runs; run++) {
            const compared_run *one = &c->rows[k].runs[run];
            for (size_t i = 0; i < one->n_curve; i++) {
                score_take_in(scale, one->curve[i]);
            }
            figure_widen(&(double){0}, &last, one->iteration, one->n_curve);
        }
    }
    return (axis){.low = 0, .high = last, .whole = true};
}

static double widest_label(canvas *page, const learning *lines, size_t n, double most) {
    double widest = 0;
    for (size_t k = 0; k < n; k++) {
        widest = fmax(widest, canvas_text_width(page, lines[k].row->label, (text_style){.size = note_size}));
    }
    return fmin(widest, most);
}

static void draw_learnings(canvas *page, const comparison *c, score_scale *scale, axis across, double height, learning *lines, size_t n,
                           line_label *labels) {
    char up_label[96];
    canvas_text(page, 8, key_y + 0.36 * note_size,
                "Lines: mean over runs; bands: from the lowest run to the highest; thin lines: a run that went on longer than others",
                (text_style){.rgb = quiet_rgb, .size = note_size});
    double label_width = widest_label(page, lines, n, 130) + 0.5;
    panel where = one_panel(page, height, label_width + 20, across, score_axis(scale));
    panel_grid_up(page, &where);
    for (size_t k = 0; k < n; k++) {
        draw_band(page, &where, &lines[k]);
    }
    for (size_t k = n; k-- > 0;) {
        draw_learning(page, &where, &lines[k], scale);
    }
    for (size_t k = 0; k < n; k++) {
        labels[k] = label_of(page, &where, &lines[k], label_width);
    }
    figure_line_labels(page, &where, labels, n);
    score_label(scale, up_label, sizeof up_label, "validation", c->score_name);
    panel_frame(page, &where, label_x, NULL, up_label, "Iteration");
}

lsnn_status figure_of_learning(const comparison *c, const char *figure_path) {
    const double height = 315;
    canvas *page = NULL;
    learning *lines = NULL;
    line_label *labels = NULL;
    size_t n = 0;
    char title[256];
    lsnn_status status;
    TRY(canvas_check_path(figure_path));
    score_scale scale = score_scale_of(c->score_name);
    axis across = take_in_curves(c, &scale);
    if (scale.low > scale.high) {
        TRY(fail(LSNN_ERR_DATA, "%s: no run has been validated yet; there is no curve to draw", c->title));
    }
    lines = calloc((size_t)c->n_rows, sizeof *lines);
    labels = calloc((size_t)c->n_rows, sizeof *labels);
    if (lines == NULL || labels == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "%s: not enough memory to draw it", figure_path));
    }
    for (int k = 0; k < c->n_rows; k++) {
        if (n_curves(&c->rows[k]) > 0) {
            TRY(learning_of(&lines[n], &c->rows[k], line_colours[k % N_LINE_COLOURS], &scale));
            n++;
        }
    }
    snprintf(title, sizeof title, "%s: validation %s during training", c->title, c->score_name);
    TRY(canvas_create(&page, figure_path, page_width, height, title));
    figure_title(page, title);
    draw_learnings(page, c, &scale, across, height, lines, n, labels);
    TRY(canvas_save(page));
out:
    canvas_free(page);
    for (size_t k = 0; k < n; k++) {
        free(lines[k].iteration);
    }
    free(lines);
    free(labels);
    return status;
}

/* ---- over a setting ---- */

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
    across.low = low >= 0 ? fmax(across.low, 0) : across.low;
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
    double x = mark_key(page, 8, key_y, mark_run, "a run");
    x = mark_key(page, x, key_y, mark_line, "mean");
    if (any_paper) {
        mark_key(page, x, key_y, mark_paper_mean, "the paper's mean");
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
    snprintf(title, sizeof title, "%s: %s on test data, by %s", c->title, c->score_name, c->setting);
    TRY(canvas_create(&page, figure_path, page_width, height, title));
    figure_title(page, title);
    draw_sweep_key(page, points, n);
    panel where = one_panel(page, height, right, sweep_axis(points, n), score_axis(&scale));
    panel_grid_up(page, &where);
    draw_sweep(page, &where, &scale, points, n, numbers, numbers + n);
    score_label(&scale, label, sizeof label, "", c->score_name);
    panel_frame(page, &where, label_x, NULL, label, c->setting);
    TRY(canvas_save(page));
out:
    canvas_free(page);
    free(points);
    free(numbers);
    return status;
}
