/* The figures that have a row for each network: what it scores, and what it costs. */
#include "figure/comparison.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "figure/figure_inside.h"
#include "figure/marks.h"
#include "figure/score_scale.h"

static const double top = 46, bottom = 32, row_height = 25, label_width = 132, key_y = 33;
static const uint32_t stripe_rgb = 0xf4f4f4;

/* ---- rows ---- */

static lsnn_status check_rows(const comparison *c) {
    return c->n_rows > 0 ? LSNN_OK : fail(LSNN_ERR_USAGE, "%s: there is no network to compare", c->title);
}

static double figure_height(const comparison *c) {
    return top + bottom + row_height * c->n_rows;
}

/* A row's middle on the page. */
static double row_y(int k) {
    return top + (k + 0.5) * row_height;
}

/* Stripes and labels; the data area begins behind the widest label. */
static panel draw_rows(canvas *page, const comparison *c, double right, bool (*is_empty)(const compared_row *)) {
    double widest = 0;
    for (int k = 0; k < c->n_rows; k++) {
        text_style style = {.rgb = is_empty(&c->rows[k]) ? quiet_rgb : 0, .size = 7.5, .anchor = TEXT_LEFT};
        char label[256];
        if (k % 2 == 0) {
            canvas_box(page, 5, row_y(k) - row_height / 2, page_width - 10, row_height, (ink){stripe_rgb, 1, 0});
        }
        figure_fit_text(page, label, sizeof label, c->rows[k].label, &style, label_width);
        canvas_text(page, 10, row_y(k) + 0.36 * style.size, label, style);
        widest = fmax(widest, canvas_text_width(page, label, style));
    }
    panel where = {.x = fmax(widest, 30) + 20, .y = top, .height = row_height * c->n_rows, .up = {.low = 0, .high = 1}};
    where.width = page_width - right - where.x;
    return where;
}

/* ---- scores ---- */

/* The finished runs of a row, in numbers. */
typedef struct summary {
    int n;
    double mean, deviation, best; /* NaN if n is 0; the deviation of a sample, NaN if n is 1 */
} summary;

static summary summary_of(const compared_row *row, const score_scale *scale) {
    summary s = {.best = NAN};
    double sum = 0, squares = 0;
    for (int k = 0; k < row->n_runs; k++) {
        if (isfinite(row->runs[k].score)) {
            s.n++;
            sum += row->runs[k].score;
            s.best = score_better(scale, row->runs[k].score, s.best) ? row->runs[k].score : s.best;
        }
    }
    s.mean = s.n > 0 ? sum / s.n : NAN;
    for (int k = 0; k < row->n_runs; k++) {
        double d = row->runs[k].score - s.mean;
        squares += isfinite(d) ? d * d : 0;
    }
    s.deviation = s.n > 1 ? sqrt(squares / (s.n - 1)) : NAN;
    return s;
}

static bool has_no_score(const compared_row *row) {
    for (int k = 0; k < row->n_runs; k++) {
        if (isfinite(row->runs[k].score)) {
            return false;
        }
    }
    return true;
}

/* The numbers to the right of the rows: ours, and the paper's where it has any. Places of the columns' right ends, from the page's right side. */
enum { RUNS, MEAN, BEST, PAPER_MEAN, PAPER_BEST, N_COLUMNS };
static const double column_right[N_COLUMNS] = {[RUNS] = 151, [MEAN] = 93, [BEST] = 66, [PAPER_MEAN] = 36, [PAPER_BEST] = 10};
static const double columns_width = 189, paper_columns = 56;

typedef struct score_figure {
    const comparison *c;
    score_scale scale;
    bool any_paper, any_paper_best;
    double shift; /* of the columns, to the right */
} score_figure;

static void draw_cell(canvas *page, const score_figure *f, int column, double y, const char *text, uint32_t rgb) {
    canvas_text(page, page_width - column_right[column] + f->shift, y + 0.36 * note_size, text,
                (text_style){.rgb = rgb, .size = note_size, .anchor = TEXT_RIGHT});
}

static void draw_score_cell(canvas *page, const score_figure *f, int column, double y, double score, uint32_t rgb) {
    char text[32];
    if (isfinite(score)) {
        score_text(&f->scale, text, sizeof text, score);
        draw_cell(page, f, column, y, text, rgb);
    }
}

static void draw_head(canvas *page, const score_figure *f) {
    static const char *const heads[N_COLUMNS] = {"runs", "mean ± s.d.", "best", "mean", "best"};
    for (int column = 0; column < (f->any_paper ? N_COLUMNS : PAPER_MEAN); column++) {
        draw_cell(page, f, column, 40, heads[column], column < PAPER_MEAN ? ours_rgb : paper_rgb);
    }
    if (f->any_paper) {
        double middle = page_width - (column_right[PAPER_MEAN] + column_right[PAPER_BEST]) / 2 - 10;
        canvas_text(page, middle, 31 + 0.36 * note_size, "the paper",
                    (text_style){.rgb = paper_rgb, .size = note_size, .anchor = TEXT_CENTRE, .bold = true});
    }
}

static void draw_numbers(canvas *page, const score_figure *f, const compared_row *row, double y) {
    char text[96], number[32];
    summary s = summary_of(row, &f->scale);
    if (row->n_runs > 0) {
        snprintf(text, sizeof text, s.n < row->n_runs ? "%d of %d" : "%d", s.n, row->n_runs);
        draw_cell(page, f, RUNS, y, text, ours_rgb);
    }
    if (s.n > 0) {
        score_text(&f->scale, text, sizeof text, s.mean);
        if (s.n > 1 && s.deviation < 1e6) {
            size_t n = strlen(text);
            const char *point = strchr(text, '.');
            if (f->scale.percent) {
                number_fixed_text(number, sizeof number, 100 * s.deviation, point != NULL ? (int)strlen(point + 1) : 0);
            } else {
                number_text(number, sizeof number, s.deviation, 2);
            }
            snprintf(text + n, sizeof text - n, " ± %s", number);
        }
        draw_cell(page, f, MEAN, y, text, ours_rgb);
    }
    draw_score_cell(page, f, BEST, y, s.best, ours_rgb);
    draw_score_cell(page, f, PAPER_MEAN, y, row->paper_mean, paper_rgb);
    draw_score_cell(page, f, PAPER_BEST, y, row->paper_best, paper_rgb);
}

/* Ours on the upper half of the row, the paper's on the lower one: equal scores do not hide each other. */
static void draw_score_row(canvas *page, const score_figure *f, const panel *where, const compared_row *row, double y) {
    const double half = 5.5;
    summary s = summary_of(row, &f->scale);
    for (int k = 0; k < row->n_runs; k++) {
        if (isfinite(row->runs[k].score)) {
            mark_run(page, panel_x(where, score_shown(&f->scale, row->runs[k].score)), y - half);
        }
    }
    if (s.n > 0) {
        mark_mean(page, panel_x(where, score_shown(&f->scale, s.mean)), y - half);
    } else {
        bool paper = isfinite(row->paper_mean) || isfinite(row->paper_best);
        canvas_text(page, where->x + 6, y - (paper ? half : 0) + 0.36 * note_size, row->n_runs > 0 ? "not finished" : "not run",
                    (text_style){.rgb = quiet_rgb, .size = note_size});
    }
    if (isfinite(row->paper_mean)) {
        mark_paper_mean(page, panel_x(where, score_shown(&f->scale, row->paper_mean)), y + half);
    }
    if (isfinite(row->paper_best)) {
        mark_paper_best(page, panel_x(where, score_shown(&f->scale, row->paper_best)), y + half);
    }
}

static score_figure score_figure_of(const comparison *c) {
    score_figure f = {.c = c, .scale = score_scale_of(c->score_name)};
    for (int k = 0; k < c->n_rows; k++) {
        const compared_row *row = &c->rows[k];
        for (int run = 0; run < row->n_runs; run++) {
            score_take_in(&f.scale, row->runs[run].score);
        }
        score_take_in(&f.scale, row->paper_mean);
        score_take_in(&f.scale, row->paper_best);
        f.any_paper_best = f.any_paper_best || isfinite(row->paper_best);
        f.any_paper = f.any_paper || isfinite(row->paper_mean) || isfinite(row->paper_best);
    }
    f.shift = f.any_paper ? 0 : paper_columns;
    return f;
}

lsnn_status figure_of_scores(const comparison *c, const char *figure_path) {
    canvas *page = NULL;
    char title[256], label[96];
    lsnn_status status;
    TRY(check_rows(c));
    score_figure f = score_figure_of(c);
    snprintf(title, sizeof title, "%s: %s %s", c->title, c->score_name, c->data);
    TRY(canvas_create(&page, figure_path, page_width, figure_height(c), title));
    figure_title(page, title);
    panel where = draw_rows(page, c, columns_width - f.shift, has_no_score);
    where.across = score_axis(&f.scale);
    panel_grid_across(page, &where);
    double x = mark_key(page, 8, key_y, mark_run, "a run");
    x = mark_key(page, x, key_y, mark_mean, "mean");
    x = f.any_paper ? mark_key(page, x, key_y, mark_paper_mean, "the paper's mean") : x;
    if (f.any_paper_best) {
        mark_key(page, x, key_y, mark_paper_best, "the paper's best");
    }
    draw_head(page, &f);
    for (int k = 0; k < c->n_rows; k++) {
        draw_score_row(page, &f, &where, &c->rows[k], row_y(k));
        draw_numbers(page, &f, &c->rows[k], row_y(k));
    }
    score_label(&f.scale, label, sizeof label, "", c->score_name);
    panel_frame_across(page, &where, label);
    TRY(canvas_save(page));
out:
    canvas_free(page);
    return status;
}

/* ---- operations ---- */

static bool is_countable(double number) {
    return isfinite(number) && number > 0;
}

static bool has_no_operations(const compared_row *row) {
    return !is_countable(row->spikes) && !is_countable(row->operations);
}

/* 3 digits: "7,380", "301,000", "67.2 million". */
static void count_text(char *out, size_t size, double number) {
    static const struct {
        double from;
        const char *name;
    } units[] = {{1e12, "trillion"}, {1e9, "billion"}, {1e6, "million"}};
    double digit = pow(10, floor(log10(number)) - 2);
    number = digit > 0 && isfinite(digit) ? round(number / digit) * digit : number;
    for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
        if (number >= units[k].from) {
            number_text(out, size, number / units[k].from, 3);
            size_t n = strlen(out);
            snprintf(out + n, size - n, " %s", units[k].name);
            return;
        }
    }
    if (number >= 1000) {
        whole_text(out, size, llround(number));
    } else {
        number_text(out, size, number, 3);
    }
}

/* The mark with its number on the side where there is more room. */
static void draw_count(canvas *page, const panel *where, double y, double number, mark *how, const char *unit, uint32_t rgb) {
    char text[96];
    double x = panel_x(where, number);
    bool to_the_left = x > where->x + where->width / 2;
    how(page, x, y);
    count_text(text, sizeof text, number);
    size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, " %s", unit);
    canvas_text(page, x + (to_the_left ? -6 : 6), y + 0.36 * note_size, text,
                (text_style){.rgb = rgb, .size = note_size, .anchor = to_the_left ? TEXT_RIGHT : TEXT_LEFT});
}

static void draw_operations_row(canvas *page, const panel *where, const compared_row *row, double y) {
    const double half = 5.5;
    bool spikes = is_countable(row->spikes);
    if (spikes) {
        draw_count(page, where, y - half, row->spikes, mark_spikes, "spikes", ours_rgb);
    }
    if (is_countable(row->operations)) {
        draw_count(page, where, spikes ? y + half : y, row->operations, spikes ? mark_synaptic : mark_multiply_add,
                   spikes ? "synaptic operations" : "multiply-adds", paper_rgb);
    }
    if (has_no_operations(row)) {
        canvas_text(page, where->x + 6, y + 0.36 * note_size, row->n_runs > 0 ? "not known" : "not run",
                    (text_style){.rgb = quiet_rgb, .size = note_size});
    }
}

/* Whole decades about all numbers. */
static axis operations_axis(const comparison *c) {
    double low = INFINITY, high = 0;
    for (int k = 0; k < c->n_rows; k++) {
        const double numbers[] = {c->rows[k].spikes, c->rows[k].operations};
        for (size_t which = 0; which < 2; which++) {
            low = is_countable(numbers[which]) ? fmin(low, numbers[which]) : low;
            high = is_countable(numbers[which]) ? fmax(high, numbers[which]) : high;
        }
    }
    return (axis){
        .low = pow(10, floor(log10(fmax(low, 1e-300)))), .high = pow(10, floor(log10(fmin(high, 1e300))) + 1), .logarithmic = true};
}

lsnn_status figure_of_operations(const comparison *c, const char *figure_path) {
    canvas *page = NULL;
    char title[256];
    lsnn_status status;
    TRY(check_rows(c));
    TRY(canvas_check_path(figure_path));
    int n_known = 0;
    bool any_multiply_add = false;
    for (int k = 0; k < c->n_rows; k++) {
        n_known += !has_no_operations(&c->rows[k]);
        any_multiply_add = any_multiply_add || (!is_countable(c->rows[k].spikes) && is_countable(c->rows[k].operations));
    }
    if (n_known == 0) {
        TRY(fail(LSNN_ERR_DATA, "%s: no network's operations are known; finish a run of one", c->title));
    }
    snprintf(title, sizeof title, "%s: spikes and operations a sample", c->title);
    TRY(canvas_create(&page, figure_path, page_width, figure_height(c), title));
    figure_title(page, title);
    panel where = draw_rows(page, c, 16, has_no_operations);
    where.across = operations_axis(c);
    panel_grid_across(page, &where);
    double x = mark_key(page, 8, key_y, mark_spikes, "spikes of all neurons and inputs");
    x = mark_key(page, x, key_y, mark_synaptic, "synaptic operations: additions, one for each spike and synapse");
    if (any_multiply_add) {
        mark_key(page, x, key_y, mark_multiply_add, "multiply-adds");
    }
    for (int k = 0; k < c->n_rows; k++) {
        draw_operations_row(page, &where, &c->rows[k], row_y(k));
    }
    panel_frame_across(page, &where, "Number for one sample (logarithmic)");
    TRY(canvas_save(page));
out:
    canvas_free(page);
    return status;
}
