/* The figure of what a network takes functions for, after so many examples. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/experiment.h"
#include "figure/figure_inside.h"
#include "figure/learning_to_learn.h"
#include "l2l/learning_file.h"

enum { MOST_COLUMNS = 8 };

static const double top = 58, row_gap = 14, bottom = 32, left = 38;
static const uint32_t value_rgb = 0xbbbbbb, belief_rgb = 0x0072b2, dot_rgb = 0x111111, frame_rgb = 0x999999;

typedef struct sheet {
    canvas *page;
    int n_columns;        /* with the function's own, if there is one */
    bool is_map;          /* heat maps of two inputs; else curves of one */
    double width, height; /* of a cell */
    double gap;           /* between columns */
    float *heat;          /* [n_points] of a map */
} sheet;

/* Values of each of two inputs, if the points are a grid as lsnn_beliefs_create makes them; else 0. */
static int grid_side(const lsnn_beliefs *b) {
    int n = (int)lround(sqrt(b->n_points));
    bool is_grid = b->n_inputs == 2 && n >= 2 && n * n == b->n_points;
    for (int at = 0; is_grid && at < b->n_points; at++) {
        is_grid = b->points[2 * at] == b->points[2 * (at % n)] && b->points[2 * at + 1] == b->points[2 * (at - at % n) + 1];
    }
    return is_grid ? n : 0;
}

static lsnn_status check_beliefs(lsnn_beliefs *const *of, int n) {
    for (int k = 0; k < n; k++) {
        const lsnn_beliefs *b = of[k];
        if (b->n_inputs > 2 || (b->n_inputs == 2 && grid_side(b) == 0)) {
            return fail(LSNN_ERR_USAGE,
                        "functions of %d inputs, asked at %d points; curves can be drawn of 1 input, and maps of 2 on a square grid",
                        b->n_inputs, b->n_points);
        }
        if (b->n_inputs != of[0]->n_inputs || b->n_points != of[0]->n_points || b->n_seen != of[0]->n_seen || b->n_seen > MOST_COLUMNS) {
            return fail(
                LSNN_ERR_USAGE,
                "beliefs after %d numbers of examples, at %d points of %d inputs; all episodes must have the same, of the first at most %d",
                b->n_seen, b->n_points, b->n_inputs, MOST_COLUMNS);
        }
    }
    return LSNN_OK;
}

static double mean_error(const lsnn_beliefs *b, const double *belief) {
    double sum = 0;
    for (int at = 0; at < b->n_points; at++) {
        sum += (belief[at] - b->value[at]) * (belief[at] - b->value[at]) / b->n_points;
    }
    return sum;
}

static void draw_border(canvas *page, const panel *where) {
    canvas_move(page, where->x, where->y);
    canvas_line(page, where->x + where->width, where->y);
    canvas_line(page, where->x + where->width, where->y + where->height);
    canvas_line(page, where->x, where->y + where->height);
    canvas_line(page, where->x, where->y);
    canvas_stroke(page, (ink){frame_rgb, 1, 0.4});
}

/* The first n_seen examples; the more there are, the smaller. */
static void draw_dots(canvas *page, const panel *where, const lsnn_beliefs *b, int n_seen) {
    double radius = n_seen > 50 ? 0.6 : n_seen > 12 ? 0.9 : 1.3;
    for (int k = 0; k < n_seen; k++) {
        double x = panel_x(where, b->x[k * b->n_inputs]);
        double y = panel_y(where, b->n_inputs == 1 ? b->target[k] : b->x[2 * k + 1]);
        if (b->n_inputs == 2) {
            canvas_dot(page, x, y, radius + 0.5, (ink){0xffffff, 0.9, 0});
        }
        canvas_dot(page, x, y, radius, (ink){dot_rgb, 1, 0});
    }
}

static void draw_map(const sheet *s, const panel *where, const lsnn_beliefs *b, const double *values) {
    int n = grid_side(b);
    for (int at = 0; at < b->n_points; at++) { /* the map wants the second input to change fastest */
        s->heat[at % n * n + at / n] = (float)values[at];
    }
    panel_heat(s->page, where, s->heat, (size_t)n, (size_t)n, b->target_range.low, b->target_range.high);
}

static panel cell_at(const sheet *s, const lsnn_beliefs *b, int row, int column) {
    const lsnn_range *across = &b->input_range[0], *up = s->is_map ? &b->input_range[1] : &b->target_range;
    double room = s->is_map ? 0 : (up->high - up->low) * 0.08;
    double apart = column == s->n_columns - 1 && s->is_map ? 6 : 0; /* the function itself */
    return (panel){.x = left + column * (s->width + s->gap) + apart,
                   .y = top + row * (s->height + row_gap),
                   .width = s->width,
                   .height = s->height,
                   .across = {.low = across->low, .high = across->high},
                   .up = {.low = up->low - room, .high = up->high + room}};
}

static void draw_cell(const sheet *s, const lsnn_beliefs *b, int row, int column) {
    panel where = cell_at(s, b, row, column);
    bool is_belief = column < b->n_seen;
    const double *values = is_belief ? b->belief + (size_t)column * (size_t)b->n_points : b->value;
    if (s->is_map) {
        draw_map(s, &where, b, values);
    } else {
        panel_line(s->page, &where, (size_t)b->n_points, b->points, b->value, (ink){value_rgb, 1, 2.2});
        panel_line(s->page, &where, (size_t)b->n_points, b->points, values, (ink){belief_rgb, 1, 1});
    }
    if (is_belief) {
        char text[48], number[32];
        draw_dots(s->page, &where, b, b->seen[column]);
        number_text(number, sizeof number, mean_error(b, values), 2);
        snprintf(text, sizeof text, column == 0 ? "error %s" : "%s", number);
        canvas_text(s->page, where.x + where.width, where.y - 2, text, (text_style){.rgb = quiet_rgb, .size = 6, .anchor = TEXT_RIGHT});
    }
    draw_border(s->page, &where);
}

static void draw_head(const sheet *s, const lsnn_beliefs *b, int column) {
    panel where = cell_at(s, b, 0, column);
    char text[64] = "the function";
    if (column < b->n_seen) {
        snprintf(text, sizeof text, column == 0 ? "after %d example%s" : "%d", b->seen[column], b->seen[column] == 1 ? "" : "s");
    }
    canvas_text(s->page, where.x + where.width / 2, top - 11, text, (text_style){.rgb = input_rgb, .size = 7.5, .anchor = TEXT_CENTRE});
}

/* Axes at the left and below, the same for all cells of a row and a column. */
static void draw_axes(const sheet *s, const lsnn_beliefs *b, int row, bool is_last) {
    panel where = cell_at(s, b, row, 0);
    panel_frame(s->page, &where, 12, NULL, s->is_map ? "x₂" : "f(x)", NULL);
    for (int column = 0; column < s->n_columns && is_last; column++) {
        where = cell_at(s, b, row, column);
        panel_frame_across(s->page, &where, s->is_map ? "x₁" : "x");
    }
    if (s->is_map && row == 0) {
        where = cell_at(s, b, row, s->n_columns - 1);
        panel_heat_scale(s->page, where.x + where.width + 5, where.y, 6, where.height, b->target_range.low, b->target_range.high);
    }
}

lsnn_status figure_of_beliefs(const char *title, lsnn_beliefs *const *of, int n, const char *figure_path) {
    lsnn_status status;
    sheet s = {.is_map = of[0]->n_inputs == 2};
    TRY(canvas_check_path(figure_path));
    TRY(check_beliefs(of, n));
    s.n_columns = of[0]->n_seen + s.is_map;
    s.gap = s.is_map ? 10 : 12;
    double right = s.is_map ? 34 : 12; /* room for the scale */
    s.width = (page_width - left - right - (s.n_columns - 1) * s.gap) / fmax(s.n_columns, 4);
    s.height = s.is_map ? s.width : fmin(s.width, 62);
    s.heat = calloc((size_t)of[0]->n_points, sizeof *s.heat);
    if (s.heat == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "%s: not enough memory to draw it", figure_path));
    }
    TRY(canvas_create(&s.page, figure_path, page_width, ceil(top + n * (s.height + row_gap) - row_gap + bottom), title));
    figure_title(s.page, title);
    canvas_text(
        s.page, 8, one_panel_key_y + 0.36 * note_size,
        s.is_map
            ? "Each row is a function never seen in training. Dots: the examples seen so far. Error: mean square over the map"
            : "Each row is a function never seen in training, in grey. Dots: the examples seen so far. Error: mean square over the curve",
        (text_style){.rgb = quiet_rgb, .size = note_size});
    for (int column = 0; column < s.n_columns; column++) {
        draw_head(&s, of[0], column);
    }
    for (int row = 0; row < n; row++) {
        for (int column = 0; column < s.n_columns; column++) {
            draw_cell(&s, of[row], row, column);
        }
        draw_axes(&s, of[row], row, row == n - 1);
    }
    TRY(canvas_save(s.page));
out:
    canvas_free(s.page);
    free(s.heat);
    return status;
}

lsnn_status lsnn_plot_beliefs(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options, int64_t episode,
                              int n_episodes, const char *figure_path) {
    lsnn_status status;
    lsnn_experiment *experiment = NULL;
    kept_beliefs kept = {0};
    char title[160];
    TRY(canvas_check_path(figure_path));
    TRY(lsnn_experiment_open_run(&experiment, run_or_model));
    TRY(kept_beliefs_take(&kept, n_episodes, run_or_model, context, options, &(lsnn_question){.episode = episode}));
    snprintf(title, sizeof title, "%.100s: what the network takes the function for", lsnn_experiment_name(experiment));
    TRY(figure_of_beliefs(title, kept.of, kept.n, figure_path));
out:
    kept_beliefs_release(&kept);
    lsnn_experiment_free(experiment);
    return status;
}
