#include "figure/canvas.h"

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
        cairo_set_source_rgb(page->cairo, 1, 1, 1);
        cairo_paint(page->cairo); /* also of pixels that are on the page in part */
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

/* The open path ends the element, and is empty then. */
static void put_track(canvas *page) {
    put_text(&page->file, " d=\"");
    put(&page->file, page->track.bytes == NULL ? "" : page->track.bytes, page->track.n);
    put_text(&page->file, "\"/>\n");
    page->track.n = 0;
}

void canvas_stroke(canvas *page, ink how) {
    if (page->format == FORMAT_SVG) {
        put_text(&page->file, "<path fill=\"none\"");
        put_colour(&page->file, "stroke", how);
        put_attribute(&page->file, "stroke-width", how.width);
        put_text(&page->file, " stroke-linejoin=\"round\"");
        put_track(page);
        return;
    }
    set_source(page, how.rgb, how.alpha);
    cairo_set_line_width(page->cairo, how.width);
    cairo_set_line_join(page->cairo, CAIRO_LINE_JOIN_ROUND);
    cairo_stroke(page->cairo);
}

void canvas_fill(canvas *page, ink how) {
    if (page->format == FORMAT_SVG) {
        put_text(&page->file, "<path");
        put_colour(&page->file, "fill", how);
        put_track(page);
        return;
    }
    set_source(page, how.rgb, how.alpha);
    cairo_fill(page->cairo);
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

size_t canvas_image_pixels(size_t n, double length) {
    size_t most = (size_t)(length * png_scale) + 1;
    return n < most ? n : most;
}

void canvas_no_memory(canvas *page) {
    page->file.failed = true;
}
