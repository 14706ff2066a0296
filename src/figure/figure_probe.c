/* The figure of a probe: one sample's walk through a network. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figure/figure_inside.h"
#include "figure/probe_file.h"

enum { MAX_THRESHOLDS = 20, MAX_LABELS = 12, MAX_RANKED = MAX_THRESHOLDS };

static const uint32_t shade_rgb = 0xeeeeee, goal_rgb = 0x117733, border_rgb = 0xcc3311;

/* Colours that colour-blind readers can tell apart (Paul Tol's muted set and three more); labels at the lines say the same in words. */
static const uint32_t palette[MAX_LABELS] = {0x332288, 0xcc6677, 0x117733, 0xddaa33, 0x56b4e9, 0x882255,
                                             0x44aa99, 0x999933, 0xaa4499, 0x555555, 0xee7733, 0x0077bb};

static bool counts(const probe_file *source, size_t w) {
    return !source->classes || source->class_of[w] >= 0;
}

/* Grey behind the windows that count; windows that touch are one. Nothing, if that would be everything. */
static void draw_windows(canvas *page, const panel *where, const probe_file *source) {
    for (size_t w = 0; w < source->n_windows;) {
        if (!counts(source, w)) {
            w++;
            continue;
        }
        size_t last = w;
        while (last + 1 < source->n_windows && counts(source, last + 1) && source->start[last + 1] == source->stop[last]) {
            last++;
        }
        double from = panel_x(where, source->start[w] * source->dt),
               to = panel_x(where, (double)probe_file_stop(source, last) * source->dt);
        if (to - from < where->width * 0.999) {
            canvas_box(page, from, where->y, to - from, where->height, (ink){shade_rgb, 1, 0});
        }
        w = last + 1;
    }
}

/* Upright lines where an agent reached the goal. */
static void draw_goals(canvas *page, const panel *where, const probe_file *source) {
    size_t n = 0;
    for (size_t t = 0; t < source->n_steps; t++) {
        if (probe_file_is_goal(source, t)) {
            double x = panel_x(where, source->times[t]);
            canvas_move(page, x, where->y);
            canvas_line(page, x, where->y + where->height);
            n++;
        }
    }
    if (n > 0) {
        canvas_stroke(page, (ink){goal_rgb, 0.65, 0.6});
    }
}

static void draw_raster(canvas *page, const panel *where, const probe_file *source, const uint8_t *z, size_t stride, const size_t *columns,
                        size_t n, const char *what, uint32_t rgb) {
    draw_windows(page, where, source);
    panel_raster(page, where, z, source->n_steps, stride, columns, n, rgb);
    draw_goals(page, where, source);
    double spikes = 0;
    for (size_t t = 0; t < source->n_steps; t++) {
        for (size_t row = 0; row < n; row++) {
            spikes += z[t * stride + columns[row]] != 0;
        }
    }
    char number[32], note[64];
    snprintf(note, sizeof note, "%zu %s%s", n, what, n == 1 ? "" : "s");
    figure_note(page, where, 0, note, rgb);
    number_text(number, sizeof number, 1000 * spikes / ((double)n * (double)source->n_steps * source->dt), 3);
    snprintf(note, sizeof note, "%s Hz", number);
    figure_note(page, where, 1, note, rgb);
}

static void draw_input(canvas *page, const panel *where, void *user) {
    const probe_file *source = user;
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
    snprintf(note, sizeof note, "%zu %s%s", source->n_in, source->names != NULL ? "feature" : "current", source->n_in == 1 ? "" : "s");
    figure_note(page, where, 0, note, input_rgb);
    panel_heat_scale(page, where->x + where->width + 6, where->y + 14, 7, where->height - 14, low, high);
}

/* Of a bidirectional network, whose neurons are above. */
static void draw_halves(canvas *page, const panel *where, const probe_file *source) {
    double middle = where->y + where->height / 2;
    if (source->two) {
        text_style style = {.rgb = quiet_rgb, .size = note_size};
        canvas_move(page, where->x, middle);
        canvas_line(page, where->x + where->width + 4, middle);
        canvas_stroke(page, (ink){quiet_rgb, 1, 0.4});
        canvas_text(page, where->x + where->width + 6, middle - 2, "from the end", style);
        canvas_text(page, where->x + where->width + 6, middle + note_size + 1, "from the start", style);
    }
}

static void draw_lif(canvas *page, const panel *where, void *user) {
    const probe_file *source = user;
    draw_raster(page, where, source, source->z, source->n_rec, source->lif, source->n_lif, "neuron", lif_rgb);
    draw_halves(page, where, source);
}

static void draw_adaptive(canvas *page, const panel *where, void *user) {
    const probe_file *source = user;
    draw_raster(page, where, source, source->z, source->n_rec, source->adaptive, source->n_adaptive, "neuron", adaptive_rgb);
    draw_halves(page, where, source);
}

/* The best of what comes, best first; of equals, those that came first. */
typedef struct ranking {
    size_t most, n; /* at most so many, up to MAX_RANKED */
    size_t chosen[MAX_RANKED];
    double weight_of[MAX_RANKED];
} ranking;

static void rank_item(ranking *r, size_t item, double weight) {
    size_t place = r->n;
    while (place > 0 && weight > r->weight_of[place - 1]) {
        place--;
    }
    if (place == r->most) {
        return;
    }
    r->n += r->n < r->most;
    memmove(r->chosen + place + 1, r->chosen + place, (r->n - 1 - place) * sizeof *r->chosen);
    memmove(r->weight_of + place + 1, r->weight_of + place, (r->n - 1 - place) * sizeof *r->weight_of);
    r->chosen[place] = item;
    r->weight_of[place] = weight;
}

/* The adaptive neurons with the most spikes. */
static ranking busiest(const probe_file *source) {
    ranking r = {.most = MAX_THRESHOLDS};
    for (size_t k = 0; k < source->n_adaptive; k++) {
        size_t j = source->adaptive[k], spikes = 0;
        for (size_t t = 0; t < source->n_steps; t++) {
            spikes += source->z[t * source->n_rec + j] != 0;
        }
        rank_item(&r, j, (double)spikes);
    }
    return r;
}

/* v_th = A - beta b, the same for all neurons; 1 if the numbers make no sense. */
static double baseline(const probe_file *source) {
    size_t j = source->adaptive[0];
    double v_th = (double)source->threshold[j] - (double)source->beta[j] * (double)source->b[j];
    return isfinite(v_th) && v_th > 0 ? v_th : 1;
}

static void threshold_line(const probe_file *source, size_t j) {
    double v_th = baseline(source);
    for (size_t t = 0; t < source->n_steps; t++) {
        source->line[t] = (double)source->threshold[t * source->n_rec + j] / v_th;
    }
}

static axis threshold_axis(const probe_file *source) {
    ranking shown = busiest(source);
    double low = INFINITY, high = -INFINITY;
    for (size_t k = 0; k < shown.n; k++) {
        threshold_line(source, shown.chosen[k]);
        figure_widen(&low, &high, source->line, source->n_steps);
    }
    return axis_around(low, high);
}

static void draw_thresholds(canvas *page, const panel *where, void *user) {
    static const uint32_t shades[] = {0x7a3300, 0xd55e00, 0xf0a05a};
    const probe_file *source = user;
    ranking shown = busiest(source);
    size_t n = shown.n;
    draw_windows(page, where, source);
    for (size_t k = n; k-- > 0;) {
        threshold_line(source, shown.chosen[k]);
        panel_line(page, where, source->n_steps, source->times, source->line, (ink){shades[k % 3], 0.85, 0.6});
    }
    char note[64];
    snprintf(note, sizeof note, n < source->n_adaptive ? "%zu busiest" : "%zu neurons", n);
    figure_note(page, where, 0, n == 1 ? "1 neuron" : note, adaptive_rgb);
    if (n < source->n_adaptive) {
        snprintf(note, sizeof note, "of %zu", source->n_adaptive);
        figure_note(page, where, 1, note, adaptive_rgb);
    }
}

/* The counted windows' mean of line k over their steps, or over all steps if none counts. */
static double mean_when_counted(const probe_file *source, size_t k) {
    double sum = 0, n = 0;
    for (size_t w = 0; w < source->n_windows; w++) {
        for (size_t t = (size_t)source->start[w]; counts(source, w) && t < probe_file_stop(source, w); t++) {
            double value = source->lines[k * source->n_steps + t];
            sum += isfinite(value) ? value : 0;
            n++;
        }
    }
    return n > 0 ? sum / n : 0;
}

/* The classes that get a colour and a label: those that are right somewhere, then those that the network finds most likely. */
static ranking choose_classes(const probe_file *source, size_t most) {
    ranking r = {.most = most};
    for (size_t k = 0; k < source->n_out; k++) {
        double weight = mean_when_counted(source, k);
        for (size_t w = 0; w < source->n_windows && weight < 2; w++) {
            weight += source->class_of[w] == (int32_t)k ? 2 : 0;
        }
        rank_item(&r, k, weight);
    }
    return r;
}

/* The line of class k where it is the right answer; not a number elsewhere. */
static bool right_answer_line(const probe_file *source, size_t k) {
    bool any = false;
    for (size_t t = 0; t < source->n_steps; t++) {
        source->line[t] = NAN;
    }
    for (size_t w = 0; w < source->n_windows; w++) {
        for (size_t t = (size_t)source->start[w]; source->class_of[w] == (int32_t)k && t < probe_file_stop(source, w); t++) {
            source->line[t] = source->lines[k * source->n_steps + t];
            any = true;
        }
    }
    return any;
}

/* The right class above each window, where there are several and they have room. */
static void draw_window_classes(canvas *page, const panel *where, const probe_file *source) {
    text_style style = {.rgb = quiet_rgb, .size = note_size, .anchor = TEXT_CENTRE};
    for (size_t w = 0; w < source->n_windows && source->n_windows > 1; w++) {
        char text[32];
        double from = panel_x(where, source->start[w] * source->dt), to = panel_x(where, (double)probe_file_stop(source, w) * source->dt);
        snprintf(text, sizeof text, "%ld", (long)source->class_of[w]);
        if (counts(source, w) && to - from > canvas_text_width(page, text, style) + 3) {
            canvas_text(page, (from + to) / 2, where->y - 2, text, style);
        }
    }
}

static void draw_classes(canvas *page, const panel *where, void *user) {
    const probe_file *source = user;
    size_t room = (size_t)(where->height / (note_size + 0.4));
    ranking shown = choose_classes(source, room < MAX_LABELS ? room : MAX_LABELS);
    size_t n = shown.n;
    line_label labels[MAX_LABELS];
    draw_windows(page, where, source);
    for (size_t k = 0; k < source->n_out && source->n_out > n; k++) {
        panel_line(page, where, source->n_steps, source->times, source->lines + k * source->n_steps, (ink){0xbbbbbb, 1, 0.4});
    }
    for (size_t rank = n; rank-- > 0;) {
        size_t k = shown.chosen[rank];
        const double *values = source->lines + k * source->n_steps;
        uint32_t rgb = palette[source->n_out <= MAX_LABELS ? k : rank];
        panel_line(page, where, source->n_steps, source->times, values, (ink){rgb, 1, 0.7});
        bool right = right_answer_line(source, k);
        if (right) {
            panel_line(page, where, source->n_steps, source->times, source->line, (ink){rgb, 1, 2});
        }
        labels[rank] = (line_label){.line_y = panel_y(where, figure_last_finite(values, source->n_steps)), .rgb = rgb, .bold = right};
        char number[32];
        snprintf(labels[rank].text, sizeof labels[rank].text, "%s", probe_file_class(source, k, number));
    }
    figure_line_labels(page, where, labels, n);
    draw_window_classes(page, where, source);
}

/* values [n_windows][n_out], each over its window. */
static void window_line(const probe_file *source, const float *values, size_t k) {
    for (size_t t = 0; t < source->n_steps; t++) {
        source->line[t] = NAN;
    }
    for (size_t w = 0; w < source->n_windows; w++) {
        for (size_t t = (size_t)source->start[w]; t < probe_file_stop(source, w); t++) {
            source->line[t] = (double)values[w * source->n_out + k];
        }
    }
}

static void target_line(const probe_file *source, size_t k) {
    window_line(source, source->target, k);
}

/* Where window follows window, their means are the answers, and the output of single steps would only hide them. Else it is shown step by step. */
static const double *output_line(const probe_file *source, size_t k) {
    if (source->n_windows > 1 && source->start[1] == source->stop[0]) {
        window_line(source, source->output, k);
        return source->line;
    }
    return source->lines + k * source->n_steps;
}

static size_t n_values_shown(const probe_file *source) {
    return source->n_out < MAX_LABELS ? source->n_out : MAX_LABELS;
}

static axis values_axis(const probe_file *source) {
    double low = INFINITY, high = -INFINITY;
    for (size_t k = 0; k < n_values_shown(source); k++) {
        figure_widen(&low, &high, output_line(source, k), source->n_steps);
        target_line(source, k);
        figure_widen(&low, &high, source->line, source->n_steps);
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
    const probe_file *source = user;
    ink target = {palette[0], 0.4, 2.4}, output = {palette[0], 1, 0.8};
    draw_windows(page, where, source);
    for (size_t k = 0; k < n_values_shown(source); k++) {
        target.rgb = output.rgb = palette[k];
        target_line(source, k);
        panel_line(page, where, source->n_steps, source->times, source->line, target);
        panel_line(page, where, source->n_steps, source->times, output_line(source, k), output);
    }
    target.rgb = output.rgb = source->n_out == 1 ? palette[0] : input_rgb;
    draw_key(page, where, 0, "target", target);
    draw_key(page, where, 1, "output", output);
    if (source->n_out > MAX_LABELS) {
        char note[64];
        snprintf(note, sizeof note, "%d of %zu", MAX_LABELS, source->n_out);
        figure_note(page, where, 2, note, input_rgb);
    }
}

/* ---- an agent ---- */

/* Number k of what it observes; a gap where it was placed anew. */
static void observed_line(const probe_file *source, size_t k) {
    for (size_t t = 0; t < source->n_steps; t++) {
        bool is_placed = source->goal != NULL && t > 0 && probe_file_is_goal(source, t - 1);
        source->line[t] = is_placed ? NAN : (double)source->observed[t * source->n_observed + k];
    }
}

static size_t n_observed_shown(const probe_file *source) {
    return source->n_observed < MAX_LABELS ? source->n_observed : MAX_LABELS;
}

static axis observed_axis(const probe_file *source) {
    double low = INFINITY, high = -INFINITY;
    for (size_t k = 0; k < n_observed_shown(source); k++) {
        observed_line(source, k);
        figure_widen(&low, &high, source->line, source->n_steps);
    }
    return source->goal != NULL ? (axis){.low = -1.05, .high = 1.05} : axis_around(low, high);
}

/* Short marks below, where it met the border, or whatever event 1 is. */
static void draw_border(canvas *page, const panel *where, const probe_file *source) {
    double bottom = where->y + where->height;
    size_t n = 0;
    for (size_t t = 0; t < source->n_steps; t++) {
        if ((source->events[t] & 2) != 0) {
            canvas_move(page, panel_x(where, source->times[t]), bottom - 4);
            canvas_line(page, panel_x(where, source->times[t]), bottom - 0.5);
            n++;
        }
    }
    if (n > 0) {
        canvas_stroke(page, (ink){border_rgb, 1, 0.5});
        draw_key(page, where, 3, source->goal != NULL ? "border" : "event 1", (ink){border_rgb, 1, 1});
    }
}

static void draw_observed(canvas *page, const panel *where, void *user) {
    static const char *const places[] = {"x", "y"};
    const probe_file *source = user;
    draw_goals(page, where, source);
    for (size_t k = 0; k < n_observed_shown(source); k++) {
        bool is_place = source->goal != NULL && k < 2;
        for (size_t t = 0; is_place && t < source->n_steps; t++) {
            source->line[t] = (double)source->goal[3 * t + k];
        }
        if (is_place) {
            panel_line(page, where, source->n_steps, source->times, source->line, (ink){palette[k], 0.3, 2.4});
            draw_key(page, where, (int)k, places[k], (ink){palette[k], 1, 0.8});
        }
        observed_line(source, k);
        panel_line(page, where, source->n_steps, source->times, source->line, (ink){palette[k], 1, 0.8});
    }
    if (source->goal != NULL) {
        draw_key(page, where, 2, "goal's", (ink){quiet_rgb, 0.4, 2.4});
    }
    draw_border(page, where, source);
}

static axis value_axis(const probe_file *source) {
    double low = INFINITY, high = -INFINITY;
    figure_widen(&low, &high, output_line(source, source->n_out - 1), source->n_steps);
    target_line(source, source->n_out - 1);
    figure_widen(&low, &high, source->line, source->n_steps);
    return axis_around(low, high);
}

static void draw_value(canvas *page, const panel *where, void *user) {
    const probe_file *source = user;
    ink returned = {quiet_rgb, 0.5, 1.6}, expected = {palette[0], 1, 0.8};
    draw_goals(page, where, source);
    target_line(source, source->n_out - 1);
    panel_line(page, where, source->n_steps, source->times, source->line, returned);
    panel_line(page, where, source->n_steps, source->times, output_line(source, source->n_out - 1), expected);
    draw_key(page, where, 0, "expected", expected);
    draw_key(page, where, 1, "return", returned);
    draw_key(page, where, 2, source->goal != NULL ? "goal" : "event 0", (ink){goal_rgb, 0.65, 1});
}

/* "12 goals, the first after 131 ms" */
static void tell_goals(const probe_file *source, char *text, size_t size) {
    size_t n = 0, first = 0;
    for (size_t t = source->n_steps; t-- > 0;) {
        n += probe_file_is_goal(source, t);
        first = probe_file_is_goal(source, t) ? t + 1 : first;
    }
    int length = snprintf(text, size, "%zu goal%s", n, n == 1 ? "" : "s");
    if (n > 0) {
        char number[32];
        number_text(number, sizeof number, (double)first * source->dt, 6);
        snprintf(text + length, size - (size_t)length, ", the first after %s ms", number);
    }
}

/* ---- the figure ---- */

static size_t answer_of(const probe_file *source, size_t w) {
    const float *output = source->output + w * source->n_out;
    size_t best = 0;
    for (size_t k = 1; k < source->n_out; k++) {
        best = output[k] > output[best] ? k : best;
    }
    return best;
}

void figure_probe_title(const probe_file *source, char *title, size_t size) {
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
    if (probe_file_has_frames(source)) {
        snprintf(answer, sizeof answer, "%zu of %zu frames right", n_right, n_counted);
    } else if (n_counted > 0) {
        char numbers[2][32];
        snprintf(answer, sizeof answer, "true class %.40s, predicted %.40s",
                 probe_file_class(source, (size_t)source->class_of[last], numbers[0]),
                 probe_file_class(source, answer_of(source, last), numbers[1]));
    }
    if (source->acts) {
        tell_goals(source, answer, sizeof answer);
    }
    if (n_counted > 1 && !probe_file_has_frames(source)) {
        size_t n = strlen(answer);
        snprintf(answer + n, sizeof answer - n, " (last of %zu windows, %zu right)", n_counted, n_right);
    }
    int n = snprintf(title, size, "%.40s, %.16s sample %.20s: %s%sloss %s", probe_file_text(source, "experiment"),
                     probe_file_text(source, "split"), probe_file_text(source, "sample"), answer, *answer != '\0' ? ", " : "", loss);
    if (source->n_steps < source->n_steps_all && n > 0 && (size_t)n < size) {
        char shown[32], all[32];
        number_text(shown, sizeof shown, (double)source->n_steps * source->dt, 6);
        number_text(all, sizeof all, (double)source->n_steps_all * source->dt, 6);
        snprintf(title + n, size - (size_t)n, "; the first %s of %s ms", shown, all);
    }
}

static axis rows_axis(size_t n) {
    return (axis){.low = 0, .high = (double)n, .whole = true, .shift = 0.5};
}

/* frames: the weight of their rows, where the sample has any. */
static void probe_strips(const probe_file *source, double frames, strips *all) {
    figure_add_strip(all,
                     source->names != NULL && source->currents ? "Feature\n(normalised)"
                     : source->currents                        ? "Input"
                                                               : "Input neuron",
                     rows_axis(source->n_in), 1, draw_input);
    if (source->n_lif > 0) {
        figure_add_strip(all, "LIF neuron", rows_axis(source->n_lif), 1, draw_lif);
    }
    if (source->n_adaptive > 0) {
        const char *label = baseline(source) == 1 ? "Threshold" : "Threshold\n(units of v_th)";
        figure_add_strip(all, "Adaptive neuron", rows_axis(source->n_adaptive), 1, draw_adaptive);
        if (!source->acts && !probe_file_has_frames(source)) { /* place and phones have more to say */
            figure_add_strip(all, label, threshold_axis(source), 0.9, draw_thresholds);
        }
    }
    if (source->acts) {
        if (source->n_observed > 0) {
            figure_add_strip(all, source->goal != NULL ? "Position" : "Observed", observed_axis(source), 1, draw_observed);
        }
        figure_add_strip(all, "Value", value_axis(source), 0.8, draw_value);
    } else if (probe_file_has_frames(source)) {
        figure_add_frames(all, source, frames);
    } else if (source->classes) {
        figure_add_strip(all, "Class probability", (axis){.low = 0, .high = 1}, 1.2, draw_classes);
    } else {
        figure_add_strip(all, "Output", values_axis(source), 1.2, draw_values);
    }
}

lsnn_status figure_of_probe(const char *path, double first_ms, const char *figure_path) {
    const double right = 58, frames_from = 90;
    double height = 468;
    probe_file source = {0};
    strips all = {0};
    canvas *page = NULL;
    char title[320];
    lsnn_status status;
    TRY(probe_file_open(&source, path, first_ms));
    figure_probe_title(&source, title, sizeof title);
    double frames = probe_file_has_frames(&source) ? fmax(figure_frames_height(&source) / frames_from, 1) : 0;
    height += fmax(frames - 1, 0) * frames_from;
    TRY(canvas_create(&page, figure_path, page_width, height, title));
    probe_strips(&source, frames, &all);
    figure_title(page, title);
    figure_draw_strips(page, &all, height, right, (axis){.low = 0, .high = (double)source.n_steps * source.dt}, "Time (ms)", &source);
    TRY(canvas_save(page));
out:
    canvas_free(page);
    probe_file_close(&source);
    return status;
}
