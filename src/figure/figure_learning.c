/* The figure of several trainings: validation scores over iterations. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "figure/comparison.h"
#include "figure/figure_inside.h"
#include "figure/score_scale.h"

enum { N_LINE_COLOURS = 12 };

/* Colours that colour-blind readers can tell apart, neighbours best; labels at the lines say the same in words. */
static const uint32_t line_colours[N_LINE_COLOURS] = {0x0077bb, 0xee7733, 0x117733, 0xcc6677, 0x332288, 0xddaa33,
                                                      0x44aa99, 0x882255, 0x56b4e9, 0x999933, 0xaa4499, 0x555555};

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
    panel_band(page, where, l->n, l->iteration, l->low, l->high, (ink){l->rgb, 0.18, 0});
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
    figure_cut_text(page, label.text, sizeof label.text, l->row->label, (text_style){.size = note_size}, width);
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

static double widest_label(canvas *page, const comparison *c, const learning *lines, size_t n, double most) {
    double widest = 0;
    for (size_t k = 0; k < n; k++) {
        widest = fmax(widest, canvas_text_width(page, lines[k].row->label, (text_style){.size = note_size}));
    }
    for (int k = 0; k < c->n_levels; k++) {
        widest = fmax(widest, canvas_text_width(page, c->levels[k].label, (text_style){.size = note_size}));
    }
    return fmin(widest, most);
}

static line_label draw_level(canvas *page, const panel *where, const compared_level *level, const score_scale *scale, double label_width) {
    line_label label = {.line_y = panel_y(where, score_shown(scale, level->score)), .rgb = quiet_rgb};
    figure_cut_text(page, label.text, sizeof label.text, level->label, (text_style){.size = note_size}, label_width);
    canvas_move(page, where->x, label.line_y);
    canvas_line(page, where->x + where->width, label.line_y);
    canvas_stroke(page, (ink){quiet_rgb, 0.8, 0.7});
    return label;
}

static void draw_learnings(canvas *page, const comparison *c, score_scale *scale, axis across, double height, learning *lines, size_t n,
                           line_label *labels) {
    char up_label[96], key[160];
    snprintf(key, sizeof key,
             "Lines: mean over runs; bands: from the lowest run to the highest; thin lines: a run that went on longer than others%s",
             c->n_levels > 0 ? "; grey: by a rule" : "");
    canvas_text(page, 8, one_panel_key_y + 0.36 * note_size, key, (text_style){.rgb = quiet_rgb, .size = note_size});
    double label_width = widest_label(page, c, lines, n, 130) + 0.5;
    panel where = figure_one_panel(page, height, label_width + 20, across, score_axis(scale));
    panel_grid_up(page, &where);
    for (int k = 0; k < c->n_levels; k++) {
        labels[n + (size_t)k] = draw_level(page, &where, &c->levels[k], scale, label_width);
    }
    for (size_t k = 0; k < n; k++) {
        draw_band(page, &where, &lines[k]);
    }
    for (size_t k = n; k-- > 0;) {
        draw_learning(page, &where, &lines[k], scale);
    }
    for (size_t k = 0; k < n; k++) {
        labels[k] = label_of(page, &where, &lines[k], label_width);
    }
    figure_line_labels(page, &where, labels, n + (size_t)c->n_levels);
    score_label(scale, up_label, sizeof up_label, "validation", c->score_name);
    panel_frame(page, &where, one_panel_label_x, NULL, up_label, "Iteration");
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
    for (int k = 0; k < c->n_levels; k++) {
        score_take_in(&scale, c->levels[k].score);
    }
    lines = calloc((size_t)c->n_rows, sizeof *lines);
    labels = calloc((size_t)(c->n_rows + c->n_levels), sizeof *labels);
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
