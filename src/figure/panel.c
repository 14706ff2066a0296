#include "figure/panel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TICKS = 24, MAX_RASTER_MARKS = 200000 };

static const double tick_length = 2.5, tick_size = 7, label_size = 7.5;
static const uint32_t text_rgb = 0x222222, grid_rgb = 0xdddddd;

static void with_point(char *number) {
    char *comma = strchr(number, ',');
    if (comma != NULL) {
        *comma = '.';
    }
}

void number_text(char *out, size_t size, double value, int significant) {
    snprintf(out, size, "%.*g", significant, value);
    with_point(out);
}

void number_fixed_text(char *out, size_t size, double value, int decimals) {
    snprintf(out, size, "%.*f", decimals, value);
    with_point(out);
}

axis axis_around(double low, double high) {
    if (!isfinite(low) || !isfinite(high) || low > high) {
        return (axis){.low = 0, .high = 1};
    }
    low = fmax(low, -1e300);
    high = fmin(high, 1e300);
    double room = (high - low) * 0.05;
    double least = fmax(fabs(low), fabs(high)) * 1e-6;
    if (room < least || room == 0) {
        room = fmax(least, fmax(fabs(low), fabs(high)) * 0.1);
    }
    room = room < 1e-290 ? 1 : room;
    return (axis){.low = low - room, .high = high + room};
}

static double fraction_of(axis on, double value) {
    if (on.to_hundred) {
        axis lack = {.low = 100 - on.high, .high = 100 - on.low, .logarithmic = true};
        return 1 - fraction_of(lack, fmax(100 - value, lack.low));
    }
    double fraction = on.logarithmic ? (log(value) - log(on.low)) / (log(on.high) - log(on.low)) : (value - on.low) / (on.high - on.low);
    return fraction > 0 ? fmin(fraction, 1) : 0;
}

double panel_x(const panel *where, double value) {
    return where->x + where->width * fraction_of(where->across, value);
}

double panel_y(const panel *where, double value) {
    return where->y + where->height * (1 - fraction_of(where->up, value));
}

/* The n_factors first of 1, 5, 2, 3 and 7 in each decade. */
static int logarithmic_ticks(axis on, int n_factors, double *ticks) {
    static const double factors[] = {1, 5, 2, 3, 7};
    int n = 0;
    for (double power = floor(log10(on.low)); power <= log10(on.high); power++) {
        for (int k = 0; k < n_factors; k++) {
            double tick = factors[k] * pow(10, power);
            if (tick >= on.low && tick <= on.high && n < MAX_TICKS) {
                ticks[n++] = tick;
            }
        }
    }
    return n;
}

/* At most `most` ticks (0: none) at multiples of 1, 2 or 5 times a power of ten. */
static int axis_ticks(axis on, int most, double *ticks) {
    if (most < 1) {
        return 0;
    }
    if (on.to_hundred) {
        int n = axis_ticks((axis){.low = 100 - on.high, .high = 100 - on.low, .logarithmic = true}, most, ticks);
        for (int k = 0; k < n; k++) {
            ticks[k] = 100 - ticks[k];
        }
        return n;
    }
    if (on.logarithmic) {
        int n_factors = 5, n;
        while ((n = logarithmic_ticks(on, n_factors, ticks)) > most && n_factors > 1) {
            n_factors--;
        }
        return n;
    }
    double rough = (on.high - on.low) / most;
    double power = pow(10, floor(log10(rough)));
    double step = rough <= power ? power : rough <= 2 * power ? 2 * power : rough <= 5 * power ? 5 * power : 10 * power;
    step = on.whole ? fmax(step, 1) : step;
    int n = 0;
    double slack = (on.high - on.low) * 1e-9;
    double first = ceil((on.low - slack) / step);
    for (double k = 0; n < MAX_TICKS && (first + k) * step + on.shift <= on.high + slack; k++) {
        ticks[n++] = (first + k) * step;
    }
    return n;
}

/* As many decimals as the distance of the ticks needs. */
static void tick_text(char *out, size_t size, double tick, double step) {
    tick = fabs(tick) < step * 1e-6 ? 0 : tick;
    if (fabs(tick) >= 1e6 || step < 1e-4) {
        number_text(out, size, tick, 3);
        return;
    }
    number_fixed_text(out, size, tick, step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9));
}

/* 0.02, 500, 10⁶, 2·10⁶; on a long axis 10³, too. */
static void logarithmic_text(char *out, size_t size, double tick, axis on) {
    static const char *const digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    int power = (int)floor(log10(tick) + 1e-9);
    if (power >= -4 && power < (on.high > 1e5 ? 3 : 5)) {
        number_text(out, size, tick, 6);
        return;
    }
    double factor = round(tick / pow(10, power));
    char exponent[16];
    snprintf(exponent, sizeof exponent, "%d", abs(power));
    int n = factor == 1 ? snprintf(out, size, "10") : snprintf(out, size, "%.0f·10", factor);
    n += snprintf(out + n, size - (size_t)n, "%s", power < 0 ? "⁻" : "");
    for (const char *digit = exponent; *digit != '\0'; digit++) {
        n += snprintf(out + n, size - (size_t)n, "%s", digits[*digit - '0']);
    }
}

static void tick_texts(axis on, const double *ticks, int n, char texts[][32]) {
    for (int k = 0; k < n; k++) {
        if (on.to_hundred) {
            number_text(texts[k], sizeof texts[k], ticks[k], 6);
        } else if (on.logarithmic) {
            logarithmic_text(texts[k], sizeof texts[k], ticks[k], on);
        } else {
            tick_text(texts[k], sizeof texts[k], ticks[k], n > 1 ? ticks[1] - ticks[0] : fmax(fabs(ticks[0]), 1e-300));
        }
    }
}

static int ticks_up(const panel *where) {
    return where->up.bare ? 0 : (int)fmin(fmax(where->height / 13, 2), where->height > 200 ? 8 : 6);
}

double panel_label_width(canvas *page, const panel *where) {
    double ticks[MAX_TICKS], widest = 0;
    char texts[MAX_TICKS][32];
    int n = axis_ticks(where->up, ticks_up(where), ticks);
    tick_texts(where->up, ticks, n, texts);
    for (int k = 0; k < n; k++) {
        widest = fmax(widest, canvas_text_width(page, texts[k], (text_style){.size = tick_size}));
    }
    return widest;
}

static void draw_up_label(canvas *page, const panel *where, double x, const char *label) {
    text_style style = {.rgb = text_rgb, .size = label_size, .anchor = TEXT_CENTRE, .upward = true};
    double middle = where->y + where->height / 2;
    const char *second = strchr(label, '\n');
    if (second == NULL) {
        canvas_text(page, x + 0.35 * label_size, middle, label, style);
        return;
    }
    char first[64];
    snprintf(first, sizeof first, "%.*s", (int)(second - label), label);
    canvas_text(page, x - 0.25 * label_size, middle, first, style);
    canvas_text(page, x + 0.95 * label_size, middle, second + 1, style);
}

static int ticks_across(const panel *where) {
    return (int)fmax(where->width / 40, 2);
}

void panel_grid_across(canvas *page, const panel *where) {
    double ticks[MAX_TICKS];
    int n = axis_ticks(where->across, ticks_across(where), ticks);
    for (int k = 0; k < n; k++) {
        canvas_move(page, panel_x(where, ticks[k]), where->y);
        canvas_line(page, panel_x(where, ticks[k]), where->y + where->height);
    }
    canvas_stroke(page, (ink){grid_rgb, 1, 0.4});
}

void panel_grid_up(canvas *page, const panel *where) {
    double ticks[MAX_TICKS];
    int n = axis_ticks(where->up, ticks_up(where), ticks);
    for (int k = 0; k < n; k++) {
        canvas_move(page, where->x, panel_y(where, ticks[k]));
        canvas_line(page, where->x + where->width, panel_y(where, ticks[k]));
    }
    canvas_stroke(page, (ink){grid_rgb, 1, 0.4});
}

void panel_frame_across(canvas *page, const panel *where, const char *label) {
    double ticks[MAX_TICKS], bottom = where->y + where->height;
    char texts[MAX_TICKS][32];
    text_style style = {.rgb = text_rgb, .size = tick_size, .anchor = TEXT_CENTRE};
    int n = axis_ticks(where->across, ticks_across(where), ticks);
    canvas_move(page, where->x, bottom);
    canvas_line(page, where->x + where->width, bottom);
    for (int k = 0; k < n; k++) {
        double x = panel_x(where, ticks[k]);
        canvas_move(page, x, bottom);
        canvas_line(page, x, bottom + tick_length);
    }
    canvas_stroke(page, (ink){text_rgb, 1, 0.5});
    if (label == NULL) {
        return;
    }
    tick_texts(where->across, ticks, n, texts);
    for (int k = 0; k < n; k++) {
        canvas_text(page, panel_x(where, ticks[k]), bottom + tick_length + 1.5 + tick_size, texts[k], style);
    }
    style.size = label_size;
    canvas_text(page, where->x + where->width / 2, bottom + tick_length + 13 + tick_size, label, style);
}

void panel_frame(canvas *page, const panel *where, double label_x, const char *letter, const char *up_label, const char *across_label) {
    double ticks[MAX_TICKS];
    char texts[MAX_TICKS][32];
    text_style style = {.rgb = text_rgb, .size = tick_size, .anchor = TEXT_RIGHT};
    int n = axis_ticks(where->up, ticks_up(where), ticks);
    canvas_move(page, where->x, where->y);
    canvas_line(page, where->x, where->y + where->height);
    for (int k = 0; k < n; k++) {
        double y = panel_y(where, ticks[k] + where->up.shift);
        canvas_move(page, where->x - tick_length, y);
        canvas_line(page, where->x, y);
    }
    canvas_stroke(page, (ink){text_rgb, 1, 0.5});
    tick_texts(where->up, ticks, n, texts);
    for (int k = 0; k < n; k++) {
        canvas_text(page, where->x - tick_length - 1.5, panel_y(where, ticks[k] + where->up.shift) + 0.36 * tick_size, texts[k], style);
    }
    draw_up_label(page, where, label_x, up_label);
    if (letter != NULL) {
        canvas_text(page, 5, where->y + 6, letter, (text_style){.rgb = 0, .size = 9, .bold = true});
    }
    panel_frame_across(page, where, across_label);
}

/* Draws the points first..last, of one stretch of the page, by their lowest and highest, in order. */
static void line_to_range(canvas *page, const panel *where, const double *x, const double *y, size_t first, size_t last) {
    size_t low = first, high = first;
    for (size_t k = first; k <= last; k++) {
        low = y[k] < y[low] ? k : low;
        high = y[k] > y[high] ? k : high;
    }
    size_t before = low < high ? low : high, after = low < high ? high : low;
    canvas_line(page, panel_x(where, x[before]), panel_y(where, y[before]));
    if (after != before) {
        canvas_line(page, panel_x(where, x[after]), panel_y(where, y[after]));
    }
}

void panel_line(canvas *page, const panel *where, size_t n, const double *x, const double *y, ink how) {
    size_t stretch = n / (size_t)(where->width * 4) + 1; /* points on a quarter point of paper */
    size_t n_pieces = 0;
    for (size_t k = 0; k < n;) {
        if (!isfinite(y[k])) {
            k++;
            continue;
        }
        size_t end = k + 1;
        while (end < n && isfinite(y[end])) {
            end++;
        }
        n_pieces++;
        if (end == k + 1) {
            double middle = panel_x(where, x[k]), high = panel_y(where, y[k]), reach = fmax(how.width * 0.75, 0.5);
            canvas_move(page, middle - reach, high);
            canvas_line(page, middle + reach, high);
            k = end;
            continue;
        }
        canvas_move(page, panel_x(where, x[k]), panel_y(where, y[k]));
        for (size_t from = k + 1; from < end; from += stretch) {
            line_to_range(page, where, x, y, from, (from + stretch < end ? from + stretch : end) - 1);
        }
        k = end;
    }
    if (n_pieces > 0) {
        canvas_stroke(page, how);
    }
}

static size_t count_spikes(const uint8_t *z, size_t n_steps, size_t stride, const size_t *columns, size_t n_rows) {
    size_t n = 0;
    for (size_t t = 0; t < n_steps; t++) {
        for (size_t row = 0; row < n_rows; row++) {
            n += z[t * stride + columns[row]] != 0;
        }
    }
    return n;
}

static void raster_image(canvas *page, const panel *where, const uint8_t *z, size_t n_steps, size_t stride, const size_t *columns,
                         size_t n_rows, uint32_t rgb) {
    size_t width = canvas_image_pixels(n_steps, where->width), height = canvas_image_pixels(n_rows, where->height);
    uint32_t *pixels = calloc(width * height, sizeof *pixels);
    if (pixels == NULL) {
        canvas_no_memory(page);
        return;
    }
    for (size_t t = 0; t < n_steps; t++) {
        for (size_t row = 0; row < n_rows; row++) {
            size_t cell = (height - 1 - row * height / n_rows) * width + t * width / n_steps;
            pixels[cell] += z[t * stride + columns[row]] != 0;
        }
    }
    double full = (double)n_steps * (double)n_rows / (double)(width * height); /* spikes that fit a cell */
    for (size_t k = 0; k < width * height; k++) {
        /* A lone spike must still be seen where hundreds would fit. */
        double alpha = pixels[k] == 0 ? 0 : fmin(0.25 + 0.75 * sqrt(pixels[k] / full), 1);
        uint32_t pixel = (uint32_t)lround(255 * alpha) << 24;
        for (int shift = 0; shift < 24; shift += 8) {
            pixel |= (uint32_t)lround((rgb >> shift & 255) * alpha) << shift;
        }
        pixels[k] = pixel;
    }
    canvas_image(page, where->x, where->y, where->width, where->height, pixels, (int)width, (int)height);
    free(pixels);
}

void panel_raster(canvas *page, const panel *where, const uint8_t *z, size_t n_steps, size_t stride, const size_t *columns, size_t n_rows,
                  uint32_t rgb) {
    size_t n_spikes = count_spikes(z, n_steps, stride, columns, n_rows);
    if (n_spikes > MAX_RASTER_MARKS) {
        raster_image(page, where, z, n_steps, stride, columns, n_rows, rgb);
        return;
    }
    /* Marks lie flat, as wide as a step and with strokes as thick as a row, so that a row of them is one straight line with gaps. */
    double step = where->width / (double)n_steps, row_height = where->height / (double)n_rows;
    bool sparse = (double)n_spikes < 0.1 * where->width * where->height; /* then marks may be larger than their place */
    double half = fmin(fmax(0.7 * step, sparse ? 0.9 : 0.5), sparse ? 1.4 : 1.1) / 2;
    double thickness = fmin(fmax(0.8 * row_height, sparse ? 1.6 : 0.6), 6);
    for (size_t row = 0; row < n_rows; row++) {
        double y = where->y + where->height - ((double)row + 0.5) * row_height;
        for (size_t t = 0; t < n_steps; t++) {
            if (z[t * stride + columns[row]] != 0) {
                double x = where->x + ((double)t + 0.5) * step;
                canvas_move(page, x - half, y);
                canvas_line(page, x + half, y);
            }
        }
    }
    if (n_spikes > 0) {
        canvas_stroke(page, (ink){rgb, 1, thickness});
    }
}

static uint32_t mix(uint32_t from, uint32_t to, double fraction) {
    uint32_t rgb = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        double a = from >> shift & 255, b = to >> shift & 255;
        rgb |= (uint32_t)lround(a + (b - a) * fraction) << shift;
    }
    return rgb;
}

static uint32_t heat_pixel(double value, double low, double high) {
    uint32_t rgb;
    if (!isfinite(value)) {
        rgb = 0xb0b0b0;
    } else if (low < 0) {
        double signed_fraction = value / fmax(-low, high);
        rgb = mix(0xffffff, value < 0 ? 0x2166ac : 0xb2182b, fmin(fabs(signed_fraction), 1));
    } else {
        double fraction = high > low ? fmin(fmax((value - low) / (high - low), 0), 1) : 0;
        rgb = fraction < 0.5 ? mix(0xffffff, 0x6baed6, 2 * fraction) : mix(0x6baed6, 0x08306b, 2 * fraction - 1);
    }
    return 0xff000000 | rgb;
}

void panel_heat(canvas *page, const panel *where, const float *x, size_t n_steps, size_t n_rows, double low, double high) {
    size_t width = canvas_image_pixels(n_steps, where->width), height = canvas_image_pixels(n_rows, where->height);
    uint32_t *pixels = malloc(width * height * sizeof *pixels);
    double *sums = calloc(width * height, sizeof *sums);
    uint32_t *counts = calloc(width * height, sizeof *counts);
    if (pixels == NULL || sums == NULL || counts == NULL) {
        canvas_no_memory(page);
    } else {
        for (size_t t = 0; t < n_steps; t++) {
            for (size_t row = 0; row < n_rows; row++) {
                size_t cell = (height - 1 - row * height / n_rows) * width + t * width / n_steps;
                sums[cell] += (double)x[t * n_rows + row];
                counts[cell]++;
            }
        }
        for (size_t k = 0; k < width * height; k++) {
            pixels[k] = heat_pixel(sums[k] / counts[k], low, high);
        }
        canvas_image(page, where->x, where->y, where->width, where->height, pixels, (int)width, (int)height);
    }
    free(pixels);
    free(sums);
    free(counts);
}

void panel_heat_scale(canvas *page, double x, double y, double width, double height, double low, double high) {
    uint32_t pixels[64];
    double bottom = low < 0 ? -fmax(-low, high) : low, top = low < 0 ? -bottom : high;
    for (int k = 0; k < 64; k++) {
        pixels[k] = heat_pixel(top + (bottom - top) * k / 63, low, high);
    }
    canvas_image(page, x, y, width, height, pixels, 1, 64);
    text_style style = {.rgb = text_rgb, .size = tick_size};
    char text[32];
    number_text(text, sizeof text, top, 2);
    canvas_text(page, x + width + 2, y + tick_size * 0.75, text, style);
    number_text(text, sizeof text, bottom, 2);
    canvas_text(page, x + width + 2, y + height, text, style);
}

void whole_text(char *out, size_t size, int64_t number) {
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)number);
    size_t at = 0;
    for (int k = 0; k < n && at + 2 < size; k++) {
        if (k > 0 && (n - k) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = digits[k];
    }
    out[at] = '\0';
}

void panel_band(canvas *page, const panel *where, size_t n, const double *x, const double *low, const double *high, ink how) {
    canvas_move(page, panel_x(where, x[0]), panel_y(where, high[0]));
    for (size_t k = 1; k < n; k++) {
        canvas_line(page, panel_x(where, x[k]), panel_y(where, high[k]));
    }
    for (size_t k = n; k-- > 0;) {
        canvas_line(page, panel_x(where, x[k]), panel_y(where, fmax(low[k], where->up.low)));
    }
    canvas_fill(page, how);
}
