/* The figure of a network's connections: which synapses there are, as drawn and as training left them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figure/connections.h"
#include "figure/figure_inside.h"
#include "run/evaluate.h"

static const double left = 40, right = 6, middle = 12, top = 60, most_height = 300, gap = 2, least_block = 5, least_labelled = 15,
                    row_height = 15;
static const uint32_t sign_rgb[N_SIGNS] = {0xb2182b, 0x2166ac}, frame_rgb = 0x999999, no_law_rgb = 0x555555;
static const char *const group_names[N_GROUPS] = {"input", "LIF", "adaptive", "output"};

/* ---- matrices ---- */

static double panel_width(void) {
    return (page_width - left - right - middle) / 2;
}

/* The largest side at which both directions fit, and that is whole pixels of a PNG if not much is lost by that. */
static double cell_side(const connections *c) {
    const double pixels = 200.0 / 72;
    double across = c->all.n[INPUTS] + c->all.n[LIF] + c->all.n[ADAPTIVE], down = c->all.n[LIF] + c->all.n[ADAPTIVE] + c->all.n[OUTPUTS];
    double side = fmin(fmin((panel_width() - 2 * gap) / across, most_height / down), 12);
    double whole = floor(side * pixels) / pixels;
    return whole > 0.75 * side ? whole : side;
}

static double block_length(const connections *c, int group) {
    return c->all.n[group] > 0 ? fmax(c->all.n[group] * cell_side(c), least_block) : 0;
}

/* Where a group begins, from the panel's corner; for the group behind the last one, where all end. */
static double block_start(const connections *c, int first, int group) {
    double at = 0;
    for (int g = first; g < group; g++) {
        at += c->all.n[g] > 0 ? block_length(c, g) + gap : 0;
    }
    return at;
}

/* 2.5 times the root of the mean square: what is drawn in full colour in a dense network. */
static double full_strength(const lsnn_net *net, const matrix *m) {
    double squares = 0;
    for (size_t k = 0; k < m->n; k++) {
        double weight = (double)net->params[m->first + k];
        squares += weight * weight;
    }
    return squares > 0 ? 2.5 * sqrt(squares / (double)m->n) : 1;
}

/* White, and towards the signs' colours by their shares of the pixel. */
static uint32_t mixed_pixel(const float shares[N_SIGNS], double cells) {
    uint32_t pixel = 0xff000000;
    double sum = ((double)shares[0] + (double)shares[1]) / cells;
    double boost = sum > 0 ? fmin(sqrt(sum), 1) / sum : 0; /* one synapse among many possible ones must still be seen */
    for (int shift = 0; shift < 24; shift += 8) {
        double value = 255;
        for (int sign = 0; sign < N_SIGNS; sign++) {
            value += (double)shares[sign] / cells * boost * ((double)(sign_rgb[sign] >> shift & 255) - 255);
        }
        pixel |= (uint32_t)lround(fmin(fmax(value, 0), 255)) << shift;
    }
    return pixel;
}

static void draw_block(canvas *page, const connections *c, const lsnn_net *net, int from, int to, double x, double y) {
    const matrix *m = connections_between(net, from, to);
    size_t n_across = (size_t)c->all.n[from], n_down = (size_t)c->all.n[to];
    double width = block_length(c, from), height = block_length(c, to), full = full_strength(net, m);
    size_t columns = canvas_image_pixels(n_across, width), rows = canvas_image_pixels(n_down, height);
    float(*shares)[N_SIGNS] = calloc(columns * rows, sizeof *shares);
    uint32_t *pixels = calloc(columns * rows, sizeof *pixels);
    if (shares == NULL || pixels == NULL) {
        canvas_no_memory(page);
    } else {
        for (size_t k = 0; k < m->n; k++) {
            synapse s = connections_get(net, m, k);
            if (c->all.group[s.sender] == from && c->all.group[s.receiver] == to) {
                size_t column = (size_t)c->all.place[s.sender] * columns / n_across;
                size_t row = (size_t)c->all.place[s.receiver] * rows / n_down;
                shares[row * columns + column][s.sign] += (float)(c->dense ? fmin(fabs(s.weight) / full, 1) : 1);
            }
        }
        double cells = (double)n_across * (double)n_down / (double)(columns * rows);
        for (size_t k = 0; k < columns * rows; k++) {
            pixels[k] = mixed_pixel(shares[k], c->dense ? fmax(cells, 1) : cells);
        }
        canvas_image(page, x, y, width, height, pixels, (int)columns, (int)rows);
    }
    canvas_move(page, x, y);
    canvas_line(page, x + width, y);
    canvas_line(page, x + width, y + height);
    canvas_line(page, x, y + height);
    canvas_line(page, x, y);
    canvas_stroke(page, (ink){frame_rgb, 1, 0.3});
    free(shares);
    free(pixels);
}

static void plural(char *out, size_t size, int n, int group) {
    bool counted = group == INPUTS || group == OUTPUTS;
    snprintf(out, size, "%d %s%s", n, group_names[group], counted && n != 1 ? "s" : "");
}

static void draw_matrices(canvas *page, const connections *c, int which, double x) {
    char name[64], label[64];
    for (int from = INPUTS; from < OUTPUTS; from++) {
        double at = x + block_start(c, INPUTS, from);
        text_style style = {.rgb = input_rgb, .size = note_size, .anchor = TEXT_CENTRE};
        for (int to = LIF; to < N_GROUPS; to++) {
            if (c->all.n[from] > 0 && c->all.n[to] > 0 && (from != INPUTS || to != OUTPUTS)) {
                draw_block(page, c, c->nets[which], from, to, at, top + block_start(c, LIF, to));
            }
        }
        if (block_length(c, from) > least_labelled) {
            plural(name, sizeof name, c->all.n[from], from);
            figure_fit_text(page, label, sizeof label, name, &style, block_length(c, from));
            canvas_text(page, at + block_length(c, from) / 2, top - 4, label, style);
        }
    }
    for (int to = LIF; to < N_GROUPS && which == 0; to++) {
        if (c->all.n[to] > 0) {
            double y = top + block_start(c, LIF, to) + block_length(c, to) / 2;
            canvas_text(page, x - 4, y + 0.36 * note_size, group_names[to],
                        (text_style){.rgb = input_rgb, .size = note_size, .anchor = TEXT_RIGHT});
        }
    }
}

/* ---- percentages ---- */

static uint32_t tint(uint32_t rgb, double fraction) {
    uint32_t mixed = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        mixed |= (uint32_t)lround(255 + ((double)(rgb >> shift & 255) - 255) * fraction) << shift;
    }
    return mixed;
}

/* What is drawn in the deepest tint. */
static double highest_percentage(const connections *c) {
    const double *all = &c->percent[0][0][0][0];
    double highest = 0;
    for (size_t k = 0; k < sizeof c->percent / sizeof *all; k++) {
        highest = isfinite(all[k]) ? fmax(highest, all[k]) : highest;
    }
    return fmax(highest, 40); /* few are pale, also where none are many */
}

static bool has_column(const connections *c, int from, int sign) {
    return c->by_sign ? c->all.n_signs[from][sign] > 0 : sign == 0 && c->all.n[from] > 0;
}

static void draw_cell(canvas *page, double x, double y, double width, double percent, double fraction, uint32_t rgb) {
    char text[32];
    double strength = 0.08 + 0.72 * fraction;
    number_fixed_text(text, sizeof text, percent, percent < 99.95 ? 1 : 0);
    canvas_box(page, x + 0.5, y + 0.5, width - 1, row_height - 1, (ink){tint(rgb, strength), 1, 0});
    canvas_text(page, x + width / 2, y + row_height / 2 + 0.36 * note_size, text,
                (text_style){.rgb = strength > 0.6 ? 0xffffff : 0, .size = note_size, .anchor = TEXT_CENTRE});
}

/* One sender group's columns, `width` each; returns where the next ones begin. */
static double draw_columns(canvas *page, const connections *c, int which, int from, double x, double y, double width) {
    double begin = x, highest = highest_percentage(c);
    text_style style = {.rgb = input_rgb, .size = note_size, .anchor = TEXT_CENTRE};
    for (int sign = 0; sign < N_SIGNS; sign++) {
        if (!has_column(c, from, sign)) {
            continue;
        }
        double row = y;
        uint32_t rgb = c->by_sign ? sign_rgb[sign] : no_law_rgb;
        for (int to = LIF; to < N_GROUPS; to++) {
            double percent = c->percent[which][from][sign][to];
            if (isfinite(percent)) {
                draw_cell(page, x, row, width, percent, percent / highest, rgb);
            }
            row += c->all.n[to] > 0 ? row_height : 0;
        }
        if (c->by_sign) {
            style.rgb = rgb;
            canvas_text(page, x + width / 2, y - 3, sign == EXCITATORY ? "E" : "I", style);
        }
        x += width;
    }
    style.rgb = input_rgb;
    canvas_text(page, (begin + x) / 2, y - (c->by_sign ? 12 : 3), x > begin ? group_names[from] : "", style);
    return x;
}

static void draw_percentages(canvas *page, const connections *c, int which, double x, double y) {
    int n_columns = 0, n_groups = 0;
    for (int from = INPUTS; from < OUTPUTS; from++) {
        n_columns += has_column(c, from, EXCITATORY) + has_column(c, from, INHIBITORY);
        n_groups += c->all.n[from] > 0;
    }
    double width = fmin((panel_width() - gap * (n_groups - 1)) / n_columns, 70), at = x;
    for (int from = INPUTS; from < OUTPUTS; from++) {
        at = draw_columns(page, c, which, from, at, y, width) + (c->all.n[from] > 0 ? gap : 0);
    }
    for (int to = LIF, row = 0; to < N_GROUPS && which == 0; to++) {
        if (c->all.n[to] > 0) {
            canvas_text(page, x - 4, y + (row++ + 0.5) * row_height + 0.36 * note_size, group_names[to],
                        (text_style){.rgb = input_rgb, .size = note_size, .anchor = TEXT_RIGHT});
        }
    }
}

/* ---- the page ---- */

static void draw_key(canvas *page, const connections *c) {
    static const char *const names[N_SIGNS] = {"excitatory", "inhibitory"};
    text_style style = {.rgb = input_rgb, .size = note_size};
    double x = 8, y = 27;
    for (int sign = 0; sign < N_SIGNS; sign++) {
        canvas_box(page, x, y - 3, 6, 6, (ink){sign_rgb[sign], 1, 0});
        canvas_text(page, x + 9, y + 0.36 * note_size, names[sign], style);
        x += 9 + canvas_text_width(page, names[sign], style) + 14;
    }
    style.rgb = quiet_rgb;
    canvas_text(page, x, y + 0.36 * note_size,
                c->dense ? "Senders stand side by side, receivers below each other; the stronger the synapse, the deeper its colour"
                         : "Senders stand side by side, receivers below each other; a dot is a synapse",
                style);
}

static void draw_heads(canvas *page, const connections *c, double y) {
    text_style bold = {.rgb = 0, .size = 9, .bold = true}, head = {.rgb = input_rgb, .size = 7.5};
    char text[160], shown[160], number[32], kept[32];
    whole_text(kept, sizeof kept, c->n_kept);
    for (int which = 0; which < 2; which++) {
        double x = left + which * (panel_width() + middle);
        whole_text(number, sizeof number, (int64_t)connections_count(c->nets[which]));
        if (which == 0) {
            snprintf(text, sizeof text, "As drawn: %s synapses", number);
        } else {
            snprintf(text, sizeof text, "After training: %s synapses, %s of them as drawn", number, kept);
        }
        text_style fitted = head;
        figure_fit_text(page, shown, sizeof shown, text, &fitted, panel_width() - 12);
        canvas_text(page, x - (which == 0 ? left - 5 : 0), top - 16, which == 0 ? "a" : "b", bold);
        canvas_text(page, x + (which == 0 ? 0 : 12), top - 16, shown, fitted);
        canvas_text(page, x - (which == 0 ? left - 5 : 0), y, which == 0 ? "c" : "d", bold);
        canvas_text(page, x + (which == 0 ? 0 : 12), y, "Synapses that exist, in % of those possible", head);
    }
}

static lsnn_status draw(const connections *c, const char *name, const char *figure_path) {
    canvas *page = NULL;
    char title[256];
    lsnn_status status;
    double matrices = block_start(c, LIF, N_GROUPS) - gap;
    int n_rows = (c->all.n[LIF] > 0) + (c->all.n[ADAPTIVE] > 0) + 1;
    double heads = top + matrices + 18, table = heads + (c->by_sign ? 25 : 16);
    snprintf(title, sizeof title, "%s: connections before and after training", name);
    TRY(canvas_create(&page, figure_path, page_width, ceil(table + n_rows * row_height + 8), title));
    figure_title(page, title);
    draw_key(page, c);
    draw_heads(page, c, heads);
    for (int which = 0; which < 2; which++) {
        double x = left + which * (panel_width() + middle);
        draw_matrices(page, c, which, x);
        draw_percentages(page, c, which, x, table);
    }
    TRY(canvas_save(page));
out:
    canvas_free(page);
    return status;
}

/* The network of the settings in the file, before any training. */
static lsnn_status draw_anew(model **out, const opened_model *m) {
    const lsnn_net *net = model_net(m->model);
    int64_t n_lif = setting_int(m->experiment, "net.n_lif"), n_adaptive = setting_int(m->experiment, "net.n_adaptive");
    if (n_lif + n_adaptive != net->n_rec) {
        return fail(LSNN_ERR_DATA, "%s: its settings are of %lld neurons, its network has %d; the file is damaged", m->path,
                    (long long)(n_lif + n_adaptive), net->n_rec);
    }
    lsnn_status status = experiment_check(m->experiment);
    return status == LSNN_OK ? model_create(out, m->experiment, &m->model->shape) : status;
}

lsnn_status lsnn_plot_connections(const char *run_or_model, const char *figure_path) {
    opened_model m = {0};
    model *drawn = NULL;
    connections c = {0};
    lsnn_status status;
    TRY(canvas_check_path(figure_path));
    TRY(model_open_alone(&m, run_or_model));
    if (model_net(m.model) == NULL) {
        TRY(fail(LSNN_ERR_USAGE, "%s: its network is of kind %s; connections can be drawn of spiking networks (net.kind lsnn) alone",
                 run_or_model, m.model->kind->name));
    }
    TRY(draw_anew(&drawn, &m));
    TRY(connections_survey(&c, model_net(drawn), model_net(m.model)));
    TRY(draw(&c, lsnn_experiment_name(m.experiment), figure_path));
out:
    connections_release(&c);
    model_free(drawn);
    model_release(&m);
    return status;
}
