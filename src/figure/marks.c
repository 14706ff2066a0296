#include "figure/marks.h"

/* The outline of n corners about (x, y); the first side twice, so that its ends meet. */
static void draw_outline(canvas *page, double x, double y, size_t n, const double corners[][2], ink how) {
    canvas_move(page, x + corners[0][0], y + corners[0][1]);
    for (size_t k = 1; k <= n + 1; k++) {
        canvas_line(page, x + corners[k % n][0], y + corners[k % n][1]);
    }
    canvas_stroke(page, how);
}

void mark_run(canvas *page, double x, double y) {
    canvas_dot(page, x, y, 2.4, (ink){ours_rgb, 0.45, 0});
}

void mark_mean(canvas *page, double x, double y) {
    canvas_move(page, x, y - 5);
    canvas_line(page, x, y + 5);
    canvas_stroke(page, (ink){ours_rgb, 1, 1.6});
}

void mark_paper_mean(canvas *page, double x, double y) {
    static const double diamond[][2] = {{0, -3.6}, {3.6, 0}, {0, 3.6}, {-3.6, 0}};
    draw_outline(page, x, y, 4, diamond, (ink){paper_rgb, 1, 1});
}

void mark_paper_best(canvas *page, double x, double y) {
    static const double triangle[][2] = {{-2.2, -2.8}, {2.6, 0}, {-2.2, 2.8}};
    draw_outline(page, x, y, 3, triangle, (ink){paper_rgb, 1, 0.8});
}

void mark_spikes(canvas *page, double x, double y) {
    canvas_dot(page, x, y, 2.8, (ink){ours_rgb, 1, 0});
}

void mark_synaptic(canvas *page, double x, double y) {
    canvas_box(page, x - 2.6, y - 2.6, 5.2, 5.2, (ink){paper_rgb, 1, 0});
}

void mark_multiply_add(canvas *page, double x, double y) {
    static const double square[][2] = {{-2.5, -2.5}, {2.5, -2.5}, {2.5, 2.5}, {-2.5, 2.5}};
    draw_outline(page, x, y, 4, square, (ink){paper_rgb, 1, 1});
}

double mark_key(canvas *page, double x, double y, mark *how, const char *text) {
    text_style style = {.rgb = 0x333333, .size = 7};
    how(page, x + 4, y);
    canvas_text(page, x + 11, y + 0.36 * style.size, text, style);
    return x + 11 + canvas_text_width(page, text, style) + 14;
}
