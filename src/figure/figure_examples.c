/* The figure of learning to learn: error against the number of examples seen. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/experiment.h"
#include "figure/figure_inside.h"
#include "figure/learning_to_learn.h"
#include "l2l/learning_file.h"

/* Likewise of what networks are compared with. */
static const uint32_t other_rgb[] = {0xccbb44, 0xaa8800, 0x776600, 0x444444, 0x44aa99, 0xbb7766, 0x999999, 0xaa4499};
enum { OTHER_COLOURS = sizeof other_rgb / sizeof *other_rgb };

/* A curve as it is drawn: means over bins, each about 12 % of the examples so far. */
typedef struct binned {
    size_t n;
    double *at, *error, *low, *high; /* [n], one allocation */
    uint32_t rgb;
} binned;

static lsnn_status bin_curve(binned *out, const lsnn_curve *c) {
    size_t room = (size_t)c->n_examples;
    double *numbers = calloc(room, 4 * sizeof *numbers);
    if (numbers == NULL) {
        return fail(LSNN_ERR_MEMORY, "not enough memory to draw a curve of %d examples", c->n_examples);
    }
    *out = (binned){.at = numbers, .error = numbers + room, .low = numbers + 2 * room, .high = numbers + 3 * room};
    for (int from = 0; from < c->n_examples; out->n++) {
        double sum = 0, interval = 0, place = 0;
        int to = (int)fmin(fmax(from + 1, (c->first + from) * 1.12), c->n_examples);
        for (int k = from; k < to; k++) {
            sum += c->error[k];
            interval += c->interval[k]; /* as large as if an episode's errors were all alike */
            place += log(c->first + k + 1);
        }
        double n = to - from;
        out->at[out->n] = exp(place / n);
        out->error[out->n] = sum / n;
        out->low[out->n] = (sum - interval) / n;
        out->high[out->n] = (sum + interval) / n;
        from = to;
    }
    return LSNN_OK;
}

static axis error_axis(const binned *curves, int n) {
    double low = INFINITY, high = 0;
    for (int k = 0; k < n; k++) {
        for (size_t i = 0; i < curves[k].n; i++) {
            if (isfinite(curves[k].error[i]) && curves[k].error[i] > 0) {
                low = fmin(low, curves[k].error[i]);
                high = fmax(high, curves[k].error[i]);
            }
        }
    }
    return (axis){.low = fmax(low, high * 1e-8) / 1.3, .high = high * 1.3, .logarithmic = true};
}

static void draw_lines(canvas *page, const example_line *lines, const binned *curves, int n, double height) {
    line_label labels[MOST_EXAMPLE_LINES];
    double widest = 0, last = 2;
    canvas_text(
        page, 8, one_panel_key_y + 0.36 * note_size,
        "Mean over episodes of functions never seen in training, and its 95 % interval; each answer comes before the example's target is shown",
        (text_style){.rgb = quiet_rgb, .size = note_size});
    for (int k = 0; k < n; k++) {
        text_style style = {.size = note_size, .bold = lines[k].is_network};
        figure_cut_text(page, labels[k].text, sizeof labels[k].text, lines[k].label, style, 130);
        widest = fmax(widest, canvas_text_width(page, labels[k].text, style));
        last = fmax(last, lines[k].curve->first + lines[k].curve->n_examples);
    }
    axis across = {.low = 1, .high = last, .logarithmic = true};
    panel where = figure_one_panel(page, height, widest + 20, across, error_axis(curves, n));
    panel_grid_up(page, &where);
    panel_grid_across(page, &where);
    for (int k = 0; k < n; k++) {
        panel_band(page, &where, curves[k].n, curves[k].at, curves[k].low, curves[k].high,
                   (ink){curves[k].rgb, lines[k].is_network ? 0.2 : 0.1, 0});
    }
    for (int k = n; k-- > 0;) {
        panel_line(page, &where, curves[k].n, curves[k].at, curves[k].error, (ink){curves[k].rgb, 1, lines[k].is_network ? 1.5 : 0.9});
        labels[k].line_y = panel_y(&where, curves[k].error[curves[k].n - 1]);
        labels[k].rgb = curves[k].rgb;
        labels[k].bold = lines[k].is_network;
    }
    figure_line_labels(page, &where, labels, (size_t)n);
    panel_frame(page, &where, one_panel_label_x, NULL, "Squared error", "Number of the example");
}

lsnn_status figure_of_examples(const char *title, const example_line *lines, int n, const char *figure_path) {
    const double height = 340;
    canvas *page = NULL;
    binned curves[MOST_EXAMPLE_LINES] = {{0}};
    int n_networks = 0, n_others = 0;
    lsnn_status status;
    TRY(canvas_check_path(figure_path));
    for (int k = 0; k < n; k++) {
        TRY(bin_curve(&curves[k], lines[k].curve));
        curves[k].rgb = lines[k].is_network ? network_rgb[n_networks++ % NETWORK_COLOURS] : other_rgb[n_others++ % OTHER_COLOURS];
    }
    if (!(error_axis(curves, n).high > 0)) {
        TRY(fail(LSNN_ERR_DATA, "%s: no error is above 0; there is nothing to draw on a logarithmic axis", title));
    }
    TRY(canvas_create(&page, figure_path, page_width, height, title));
    figure_title(page, title);
    draw_lines(page, lines, curves, n, height);
    TRY(canvas_save(page));
out:
    canvas_free(page);
    for (int k = 0; k < n; k++) {
        free(curves[k].at);
    }
    return status;
}

lsnn_status lsnn_plot_learning(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options, const char *figure_path) {
    lsnn_status status;
    lsnn_experiment *experiment = NULL;
    kept_curves kept = {0};
    example_line lines[KEPT_MOST_CURVES];
    char title[160];
    TRY(canvas_check_path(figure_path));
    TRY(lsnn_experiment_open_run(&experiment, run_or_model));
    TRY(kept_curves_take(&kept, run_or_model, context, options));
    for (int k = 0; k < kept.n; k++) {
        lines[k] = (example_line){.label = kept.name[k], .curve = &kept.curve[k], .is_network = k == 0};
    }
    snprintf(title, sizeof title, "%.100s: error against examples seen", lsnn_experiment_name(experiment));
    TRY(figure_of_examples(title, lines, kept.n, figure_path));
out:
    kept_curves_release(&kept);
    lsnn_experiment_free(experiment);
    return status;
}
