#include "run/canvas.h"

#include <cairo-pdf.h>
#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

typedef enum format { FORMAT_SVG, FORMAT_PNG, FORMAT_PDF, FORMAT_NONE } format;

typedef struct buffer {
    char *bytes;
    size_t n, room;
    bool failed;
} buffer;

struct canvas {
    char *path;
    format format;
    buffer file;              /* what will be written; for SVG all that has been drawn */
    buffer track;             /* the open path in SVG's words */
    long pen_x, pen_y;        /* its last point, in hundredths */
    cairo_surface_t *surface; /* for SVG a pixel, to measure text on */
    cairo_t *cairo;
};

static const double png_scale = 200.0 / 72.0;
static const char *const font = "DejaVu Sans";

/* ---------------------------------------------------------------------------------------------------------------- bytes -- */

static void put(buffer *to, const char *bytes, size_t n) {
    if (to->failed) {
        return;
    }
    if (n > to->room - to->n) {
        size_t room = 2 * (to->n + n) + 4096;
        char *grown = realloc(to->bytes, room);
        if (grown == NULL) {
            to->failed = true;
            return;
        }
        to->bytes = grown;
        to->room = room;
    }
    memcpy(to->bytes + to->n, bytes, n);
    to->n += n;
}

static void put_text(buffer *to, const char *text) {
    put(to, text, strlen(text));
}

/* A length in hundredths of a point: "12.5". Whole numbers, because printf's decimal sign depends on the locale. */
static void put_hundredths(buffer *to, long hundredths) {
    char text[32];
    long whole = labs(hundredths) / 100, rest = labs(hundredths) % 100;
    const char *sign = hundredths < 0 ? "-" : "";
    if (rest == 0) {
        snprintf(text, sizeof text, "%s%ld", sign, whole);
    } else if (rest % 10 == 0) {
        snprintf(text, sizeof text, "%s%ld.%ld", sign, whole, rest / 10);
    } else {
        snprintf(text, sizeof text, "%s%ld.%02ld", sign, whole, rest);
    }
    put_text(to, text);
}

static long hundredths_of(double length) {
    return isfinite(length) ? lround(fmin(fmax(length, -1e5), 1e5) * 100) : 0;
}

static void put_attribute(buffer *to, const char *name, double value) {
    put_text(to, " ");
    put_text(to, name);
    put_text(to, "=\"");
    put_hundredths(to, hundredths_of(value));
    put_text(to, "\"");
}

static void put_colour(buffer *to, const char *name, ink how) {
    char text[64];
    snprintf(text, sizeof text, " %s=\"#%06x\"", name, (unsigned)(how.rgb & 0xffffff));
    put_text(to, text);
    if (how.alpha < 1) {
        snprintf(text, sizeof text, "%s-opacity", name);
        put_attribute(to, text, how.alpha);
    }
}

static void put_escaped(buffer *to, const char *text) {
    for (; *text != '\0'; text++) {
        switch (*text) {
            case '<': put_text(to, "&lt;"); break;
            case '>': put_text(to, "&gt;"); break;
            case '&': put_text(to, "&amp;"); break;
            case '"': put_text(to, "&quot;"); break;
            default: put(to, text, 1);
        }
    }
}

static void put_base64(buffer *to, const unsigned char *bytes, size_t n) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        uint32_t word = (uint32_t)bytes[i] << 16;
        word |= have > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        word |= have > 2 ? (uint32_t)bytes[i + 2] : 0;
        char four[4];
        for (size_t k = 0; k < 4; k++) {
            four[k] = k <= have ? digits[word >> (18 - 6 * k) & 63] : '=';
        }
        put(to, four, sizeof four);
    }
}

static cairo_status_t write_to_buffer(void *to, const unsigned char *bytes, unsigned int n) {
    put(to, (const char *)bytes, n);
    return ((buffer *)to)->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

/* Length of the UTF-8 character at `text`, 0 if there is none (overlong, a surrogate, past U+10FFFF, cut off), or if it controls. */
static size_t character_length(const unsigned char *text) {
    unsigned first = text[0];
    if (first < 0x80) {
        return first >= 0x20 && first != 0x7f;
    }
    size_t n = first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xc2 && first < 0xe0 ? 2 : 0;
    for (size_t k = 1; k < n; k++) {
        if ((text[k] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool wrong = (first == 0xc2 && text[1] < 0xa0) || (first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] >= 0xa0) ||
                 (first == 0xef && text[1] == 0xbf && text[2] >= 0xbe) || (first == 0xf0 && text[1] < 0x90) ||
                 (first == 0xf4 && text[1] >= 0x90);
    return wrong ? 0 : n;
}

/* A copy in which everything is a character that can be drawn; NULL without memory. */
static char *clean_text(const char *text) {
    char *copy = malloc(strlen(text) + 1);
    if (copy == NULL) {
        return NULL;
    }
    size_t n = 0;
    while (*text != '\0') {
        size_t length = character_length((const unsigned char *)text);
        if (length == 0) {
            copy[n++] = '?';
            text++;
        } else {
            memcpy(copy + n, text, length);
            n += length;
            text += length;
        }
    }
    copy[n] = '\0';
    return copy;
}

/* --------------------------------------------------------------------------------------------------------------- canvas -- */

static format format_of(const char *path) {
    return path_has_ending(path, ".svg")   ? FORMAT_SVG
           : path_has_ending(path, ".png") ? FORMAT_PNG
           : path_has_ending(path, ".pdf") ? FORMAT_PDF
                                           : FORMAT_NONE;
}

lsnn_status canvas_check_path(const char *path) {
    if (format_of(path) == FORMAT_NONE) {
        return fail(LSNN_ERR_USAGE, "%s: a figure's name must end in .svg, .png or .pdf", path);
    }
    return LSNN_OK;
}

static void begin_svg(canvas *page, double width, double height, const char *title) {
    buffer *file = &page->file;
    put_text(
        file,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"");
    put_text(file, " width=\"");
    put_hundredths(file, hundredths_of(width));
    put_text(file, "pt\" height=\"");
    put_hundredths(file, hundredths_of(height));
    put_text(file, "pt\" viewBox=\"0 0 ");
    put_hundredths(file, hundredths_of(width));
    put_text(file, " ");
    put_hundredths(file, hundredths_of(height));
    put_text(file, "\" font-family=\"'");
    put_text(file, font);
    put_text(file, "', Verdana, sans-serif\">\n<title>");
    put_escaped(file, title);
    put_text(file, "</title>\n");
}

static void begin_cairo(canvas *page, double width, double height, const char *title) {
    if (page->format == FORMAT_PDF) {
        page->surface = cairo_pdf_surface_create_for_stream(write_to_buffer, &page->file, width, height);
        cairo_pdf_surface_set_metadata(page->surface, CAIRO_PDF_METADATA_TITLE, title);
        /* An empty date leaves it out: the same figure is the same file tomorrow. */
        cairo_pdf_surface_set_metadata(page->surface, CAIRO_PDF_METADATA_CREATE_DATE, "");
    } else if (page->format == FORMAT_PNG) {
        page->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * png_scale), (int)ceil(height * png_scale));
    } else {
        page->surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
    }
    page->cairo = cairo_create(page->surface);
    if (page->format == FORMAT_PNG) {
        cairo_scale(page->cairo, png_scale, png_scale);
    }
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_set_font_options(page->cairo, options);
    cairo_font_options_destroy(options);
}

lsnn_status canvas_create(canvas **out, const char *path, double width, double height, const char *title) {
    lsnn_status status = canvas_check_path(path);
    if (status != LSNN_OK) {
        return status;
    }
    canvas *page = calloc(1, sizeof *page);
    char *shown = clean_text(title);
    if (page == NULL || shown == NULL || (page->path = malloc(strlen(path) + 1)) == NULL) {
        free(shown);
        canvas_free(page);
        return fail(LSNN_ERR_MEMORY, "%s: not enough memory to draw the figure", path);
    }
    memcpy(page->path, path, strlen(path) + 1);
    page->format = format_of(path);
    begin_cairo(page, width, height, shown);
    if (page->format == FORMAT_SVG) {
        begin_svg(page, width, height, shown);
    }
    free(shown);
    canvas_box(page, 0, 0, width, height, (ink){0xffffff, 1, 0});
    *out = page;
    return LSNN_OK;
}

void canvas_free(canvas *page) {
    if (page == NULL) {
        return;
    }
    if (page->cairo != NULL) {
        cairo_destroy(page->cairo);
        cairo_surface_destroy(page->surface);
    }
    free(page->file.bytes);
    free(page->track.bytes);
    free(page->path);
    free(page);
}

lsnn_status canvas_save(canvas *page) {
    cairo_status_t drawn = cairo_status(page->cairo);
    if (page->format == FORMAT_SVG) {
        put_text(&page->file, "</svg>\n");
    } else if (drawn == CAIRO_STATUS_SUCCESS && page->format == FORMAT_PNG) {
        drawn = cairo_surface_write_to_png_stream(page->surface, write_to_buffer, &page->file);
    } else if (drawn == CAIRO_STATUS_SUCCESS) {
        cairo_surface_finish(page->surface);
        drawn = cairo_surface_status(page->surface);
    }
    if (drawn != CAIRO_STATUS_SUCCESS) {
        return fail(LSNN_ERR_MEMORY, "%s: the figure can't be drawn: %s", page->path, cairo_status_to_string(drawn));
    }
    if (page->file.failed || page->track.failed) {
        return fail(LSNN_ERR_MEMORY, "%s: not enough memory to draw the figure", page->path);
    }
    return file_write_atomic(page->path, page->file.bytes, page->file.n);
}

/* SVG's paths are relative, from one rounded point to the next rounded point: short, and errors don't add up. */
static void track_to(canvas *page, char command, double x, double y) {
    long to_x = hundredths_of(x), to_y = hundredths_of(y);
    if (page->track.n == 0) {
        page->pen_x = page->pen_y = 0;
    }
    long d_x = to_x - page->pen_x, d_y = to_y - page->pen_y;
    if (command == 'l' && d_y == 0) {
        put_text(&page->track, "h");
        put_hundredths(&page->track, d_x);
    } else if (command == 'l' && d_x == 0) {
        put_text(&page->track, "v");
        put_hundredths(&page->track, d_y);
    } else {
        put(&page->track, &command, 1);
        put_hundredths(&page->track, d_x);
        put_text(&page->track, d_y < 0 ? "" : " ");
        put_hundredths(&page->track, d_y);
    }
    page->pen_x = to_x;
    page->pen_y = to_y;
}

void canvas_move(canvas *page, double x, double y) {
    if (page->format == FORMAT_SVG) {
        track_to(page, 'm', x, y);
    } else {
        cairo_move_to(page->cairo, x, y);
    }
}

void canvas_line(canvas *page, double x, double y) {
    if (page->format == FORMAT_SVG) {
        track_to(page, 'l', x, y);
    } else {
        cairo_line_to(page->cairo, x, y);
    }
}

static void set_source(canvas *page, uint32_t rgb, double alpha) {
    cairo_set_source_rgba(page->cairo, (rgb >> 16 & 255) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0, alpha);
}

void canvas_stroke(canvas *page, ink how) {
    if (page->format == FORMAT_SVG) {
        put_text(&page->file, "<path fill=\"none\"");
        put_colour(&page->file, "stroke", how);
        put_attribute(&page->file, "stroke-width", how.width);
        put_text(&page->file, " stroke-linejoin=\"round\"");
        put_text(&page->file, " d=\"");
        put(&page->file, page->track.bytes == NULL ? "" : page->track.bytes, page->track.n);
        put_text(&page->file, "\"/>\n");
        page->track.n = 0;
        return;
    }
    set_source(page, how.rgb, how.alpha);
    cairo_set_line_width(page->cairo, how.width);
    cairo_set_line_join(page->cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_stroke(page->cairo);
}

void canvas_box(canvas *page, double x, double y, double width, double height, ink how) {
    if (page->format == FORMAT_SVG) {
        put_text(&page->file, "<rect");
        put_attribute(&page->file, "x", x);
        put_attribute(&page->file, "y", y);
        put_attribute(&page->file, "width", width);
        put_attribute(&page->file, "height", height);
        put_colour(&page->file, "fill", how);
        put_text(&page->file, "/>\n");
        return;
    }
    set_source(page, how.rgb, how.alpha);
    cairo_rectangle(page->cairo, x, y, width, height);
    cairo_fill(page->cairo);
}

void canvas_dot(canvas *page, double x, double y, double radius, ink how) {
    if (page->format == FORMAT_SVG) {
        put_text(&page->file, "<circle");
        put_attribute(&page->file, "cx", x);
        put_attribute(&page->file, "cy", y);
        put_attribute(&page->file, "r", radius);
        put_colour(&page->file, "fill", how);
        put_text(&page->file, "/>\n");
        return;
    }
    set_source(page, how.rgb, how.alpha);
    cairo_new_path(page->cairo);
    cairo_arc(page->cairo, x, y, radius, 0, 2 * acos(-1.0));
    cairo_fill(page->cairo);
}

static cairo_surface_t *image_surface(const uint32_t *pixels, int columns, int rows) {
    cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, columns, rows);
    if (cairo_surface_status(image) == CAIRO_STATUS_SUCCESS) {
        cairo_surface_flush(image);
        unsigned char *to = cairo_image_surface_get_data(image);
        size_t stride = (size_t)cairo_image_surface_get_stride(image);
        for (int row = 0; row < rows; row++) {
            memcpy(to + (size_t)row * stride, pixels + (size_t)row * (size_t)columns, (size_t)columns * sizeof *pixels);
        }
        cairo_surface_mark_dirty(image);
    }
    return image;
}

void canvas_image(canvas *page, double x, double y, double width, double height, const uint32_t *pixels, int columns, int rows) {
    cairo_surface_t *image = image_surface(pixels, columns, rows);
    if (page->format == FORMAT_SVG) {
        buffer png = {0};
        if (cairo_surface_write_to_png_stream(image, write_to_buffer, &png) != CAIRO_STATUS_SUCCESS) {
            page->file.failed = true;
        }
        put_text(&page->file, "<image preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\"");
        put_attribute(&page->file, "x", x);
        put_attribute(&page->file, "y", y);
        put_attribute(&page->file, "width", width);
        put_attribute(&page->file, "height", height);
        put_text(&page->file, " xlink:href=\"data:image/png;base64,");
        put_base64(&page->file, (const unsigned char *)png.bytes, png.n);
        put_text(&page->file, "\"/>\n");
        free(png.bytes);
    } else {
        cairo_save(page->cairo);
        cairo_translate(page->cairo, x, y);
        cairo_scale(page->cairo, width / columns, height / rows);
        cairo_set_source_surface(page->cairo, image, 0, 0);
        cairo_pattern_set_filter(cairo_get_source(page->cairo), CAIRO_FILTER_NEAREST);
        cairo_rectangle(page->cairo, 0, 0, columns, rows);
        cairo_fill(page->cairo);
        cairo_restore(page->cairo);
    }
    cairo_surface_destroy(image);
}

static void set_font(canvas *page, text_style style) {
    cairo_select_font_face(page->cairo, font, CAIRO_FONT_SLANT_NORMAL, style.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(page->cairo, style.size);
}

static double clean_text_width(canvas *page, const char *text, text_style style) {
    cairo_text_extents_t extents;
    set_font(page, style);
    cairo_text_extents(page->cairo, text, &extents);
    return extents.x_advance;
}

double canvas_text_width(canvas *page, const char *text, text_style style) {
    char *shown = clean_text(text);
    double width = shown == NULL ? 0 : clean_text_width(page, shown, style);
    free(shown);
    return width;
}

static void put_svg_text(canvas *page, double x, double y, const char *text, text_style style) {
    static const char *const anchors[] = {[TEXT_LEFT] = "start", [TEXT_CENTRE] = "middle", [TEXT_RIGHT] = "end"};
    buffer *file = &page->file;
    put_text(file, "<text");
    put_attribute(file, "x", x);
    put_attribute(file, "y", y);
    put_attribute(file, "font-size", style.size);
    put_text(file, " text-anchor=\"");
    put_text(file, anchors[style.anchor]);
    put_text(file, "\"");
    put_text(file, style.bold ? " font-weight=\"bold\"" : "");
    put_colour(file, "fill", (ink){style.rgb, 1, 0});
    if (style.upward) {
        put_text(file, " transform=\"rotate(-90 ");
        put_hundredths(file, hundredths_of(x));
        put_text(file, " ");
        put_hundredths(file, hundredths_of(y));
        put_text(file, ")\"");
    }
    put_text(file, ">");
    put_escaped(file, text);
    put_text(file, "</text>\n");
}

void canvas_text(canvas *page, double x, double y, const char *text, text_style style) {
    char *shown = clean_text(text);
    if (shown == NULL) {
        page->file.failed = true;
        return;
    }
    if (page->format == FORMAT_SVG) {
        put_svg_text(page, x, y, shown, style);
    } else {
        static const double fraction[] = {[TEXT_LEFT] = 0, [TEXT_CENTRE] = 0.5, [TEXT_RIGHT] = 1};
        double width = clean_text_width(page, shown, style);
        cairo_save(page->cairo);
        cairo_translate(page->cairo, x, y);
        cairo_rotate(page->cairo, style.upward ? -acos(0.0) : 0);
        cairo_move_to(page->cairo, -fraction[style.anchor] * width, 0);
        set_source(page, style.rgb, 1);
        cairo_show_text(page->cairo, shown);
        cairo_restore(page->cairo);
        cairo_new_path(page->cairo);
    }
    free(shown);
}

/* --------------------------------------------------------------------------------------------------------------- panels -- */

enum { MAX_TICKS = 24, MAX_RASTER_MARKS = 200000 };

static const double tick_length = 2.5, tick_size = 7, label_size = 7.5;
static const uint32_t text_rgb = 0x222222;

void number_text(char *out, size_t size, double value, int significant) {
    snprintf(out, size, "%.*g", significant, value);
    char *comma = strchr(out, ',');
    if (comma != NULL) {
        *comma = '.';
    }
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
    double fraction = on.logarithmic ? (log(value) - log(on.low)) / (log(on.high) - log(on.low)) : (value - on.low) / (on.high - on.low);
    return fraction > 0 ? fmin(fraction, 1) : 0;
}

double panel_x(const panel *where, double value) {
    return where->x + where->width * fraction_of(where->across, value);
}

double panel_y(const panel *where, double value) {
    return where->y + where->height * (1 - fraction_of(where->up, value));
}

/* The decades in the axis, or with `fine` 1, 2 and 5 of each. */
static int logarithmic_ticks(axis on, bool fine, double *ticks) {
    static const double factors[] = {1, 2, 5};
    int n = 0;
    for (double power = floor(log10(on.low)); power <= log10(on.high); power++) {
        for (size_t k = 0; k < (fine ? 3 : 1); k++) {
            double tick = factors[k] * pow(10, power);
            if (tick >= on.low && tick <= on.high && n < MAX_TICKS) {
                ticks[n++] = tick;
            }
        }
    }
    return n;
}

/* At most `most` ticks at multiples of 1, 2 or 5 times a power of ten. */
static int axis_ticks(axis on, int most, double *ticks) {
    if (on.logarithmic) {
        int n = logarithmic_ticks(on, true, ticks);
        return n <= most ? n : logarithmic_ticks(on, false, ticks);
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
    int decimals = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
    snprintf(out, size, "%.*f", decimals, tick);
    char *comma = strchr(out, ',');
    if (comma != NULL) {
        *comma = '.';
    }
}

static void tick_texts(axis on, const double *ticks, int n, char texts[][32]) {
    for (int k = 0; k < n; k++) {
        if (on.logarithmic) {
            number_text(texts[k], sizeof texts[k], ticks[k], 3);
        } else {
            tick_text(texts[k], sizeof texts[k], ticks[k], n > 1 ? ticks[1] - ticks[0] : fmax(fabs(ticks[0]), 1e-300));
        }
    }
}

static int ticks_up(const panel *where) {
    return (int)fmin(fmax(where->height / 13, 2), 6);
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

void panel_frame(canvas *page, const panel *where, double label_x, const char *letter, const char *up_label, const char *across_label) {
    double ticks[MAX_TICKS], bottom = where->y + where->height;
    char texts[MAX_TICKS][32];
    ink spine = {text_rgb, 1, 0.5};
    text_style style = {.rgb = text_rgb, .size = tick_size, .anchor = TEXT_RIGHT};

    canvas_move(page, where->x, where->y);
    canvas_line(page, where->x, bottom);
    canvas_line(page, where->x + where->width, bottom);
    int n = axis_ticks(where->up, ticks_up(where), ticks);
    for (int k = 0; k < n; k++) {
        double y = panel_y(where, ticks[k] + where->up.shift);
        canvas_move(page, where->x - tick_length, y);
        canvas_line(page, where->x, y);
    }
    double across[MAX_TICKS];
    int n_across = axis_ticks(where->across, (int)(where->width / 40), across);
    for (int k = 0; k < n_across; k++) {
        double x = panel_x(where, across[k]);
        canvas_move(page, x, bottom);
        canvas_line(page, x, bottom + tick_length);
    }
    canvas_stroke(page, spine);

    tick_texts(where->up, ticks, n, texts);
    for (int k = 0; k < n; k++) {
        canvas_text(page, where->x - tick_length - 1.5, panel_y(where, ticks[k] + where->up.shift) + 0.36 * tick_size, texts[k], style);
    }
    draw_up_label(page, where, label_x, up_label);
    canvas_text(page, 5, where->y + 6, letter, (text_style){.rgb = 0, .size = 9, .bold = true});
    if (across_label == NULL) {
        return;
    }
    style.anchor = TEXT_CENTRE;
    tick_texts(where->across, across, n_across, texts);
    for (int k = 0; k < n_across; k++) {
        canvas_text(page, panel_x(where, across[k]), bottom + tick_length + 1.5 + tick_size, texts[k], style);
    }
    style.size = label_size;
    canvas_text(page, where->x + where->width / 2, bottom + tick_length + 13 + tick_size, across_label, style);
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

/* Cells of an image that shows n numbers on that much paper: never more than 200 an inch. */
static size_t image_cells(size_t n, double length) {
    size_t most = (size_t)(length * png_scale) + 1;
    return n < most ? n : most;
}

static void raster_image(canvas *page, const panel *where, const uint8_t *z, size_t n_steps, size_t stride, const size_t *columns,
                         size_t n_rows, uint32_t rgb) {
    size_t width = image_cells(n_steps, where->width), height = image_cells(n_rows, where->height);
    uint32_t *pixels = calloc(width * height, sizeof *pixels);
    if (pixels == NULL) {
        page->file.failed = true;
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
    size_t width = image_cells(n_steps, where->width), height = image_cells(n_rows, where->height);
    uint32_t *pixels = malloc(width * height * sizeof *pixels);
    double *sums = calloc(width * height, sizeof *sums);
    uint32_t *counts = calloc(width * height, sizeof *counts);
    if (pixels == NULL || sums == NULL || counts == NULL) {
        page->file.failed = true;
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
