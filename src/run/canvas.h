/* Drawing figures: a page of lines, boxes, pictures and text that ends up in a .svg, .png or .pdf file, and panels with axes on it.
 * Lengths are in points (1/72 inch); (0, 0) is the upper left corner of the page, y grows downward. The same calls give the same bytes.
 * Failures of memory are kept by the canvas and reported by canvas_save. PNG, PDF and the widths of text come from cairo; SVG is written here, because
 * cairo's has outlines in place of text, names that differ from call to call, and several times the bytes. */
#ifndef LSNN_RUN_CANVAS_H
#define LSNN_RUN_CANVAS_H

#include "base/error.h"

typedef struct canvas canvas;

/* How a line or a box is painted. rgb: 0xRRGGBB. */
typedef struct ink {
    uint32_t rgb;
    double alpha; /* 0..1, 1 is opaque */
    double width; /* of lines */
} ink;

typedef enum text_anchor { TEXT_LEFT, TEXT_CENTRE, TEXT_RIGHT } text_anchor;

/* How a text is set; (x, y) of the text is the anchor's place on the base line. */
typedef struct text_style {
    uint32_t rgb;
    double size;
    text_anchor anchor;
    bool bold;
    bool upward; /* reads from the bottom to the top of the page */
} text_style;

/* Is the ending of this name one of those that can be drawn? Errors: USAGE (the message names the three). */
lsnn_status canvas_check_path(const char *path);
/* A white page. title goes into the file's description where the format has one. Errors: USAGE as above, MEMORY. */
lsnn_status canvas_create(canvas **out, const char *path, double width, double height, const char *title);
void canvas_free(canvas *page);
/* Writes the file, atomically; nothing can be drawn afterwards. Errors: IO, MEMORY. */
lsnn_status canvas_save(canvas *page);

/* A path of straight lines: canvas_move begins a piece, canvas_line goes on, canvas_stroke draws all pieces and empties the path. */
void canvas_move(canvas *page, double x, double y);
void canvas_line(canvas *page, double x, double y);
void canvas_stroke(canvas *page, ink how);
void canvas_box(canvas *page, double x, double y, double width, double height, ink how);
void canvas_dot(canvas *page, double x, double y, double radius, ink how);
/* Pixels [rows][columns], each 0xAARRGGBB with colours multiplied by alpha, stretched over the box without smoothing. */
void canvas_image(canvas *page, double x, double y, double width, double height, const uint32_t *pixels, int columns, int rows);
/* Bytes that are not UTF-8, and control characters, are drawn as '?'. */
void canvas_text(canvas *page, double x, double y, const char *text, text_style style);
double canvas_text_width(canvas *page, const char *text, text_style style);

/* ---- panels ---- */

/* The numbers that one side of a panel shows. */
typedef struct axis {
    double low, high; /* finite, low < high; > 0 if logarithmic */
    bool logarithmic;
    bool whole;   /* ticks at whole numbers only */
    double shift; /* a tick's label stands this much above its number: 0.5 for rows of a raster that are counted from 0 */
} axis;

typedef struct panel {
    double x, y, width, height; /* of the data area */
    axis across, up;
} panel;

/* An axis that holds low..high with some room on both sides; usable for any input (equal, reversed, not finite). */
axis axis_around(double low, double high);
/* Where a value lies on the page. A value past the axis lies on the panel's border. */
double panel_x(const panel *where, double value);
double panel_y(const panel *where, double value);
/* Width of the widest label on the upright axis. */
double panel_label_width(canvas *page, const panel *where);
/* Draws the spines and ticks, with labels on the upright axis, and on the lower one if `across_label` is not NULL. `letter` ("a") goes to the upper left.
 * label_x: where the middle of the upright axis's label goes; up_label may have two lines. */
void panel_frame(canvas *page, const panel *where, double label_x, const char *letter, const char *up_label, const char *across_label);
/* A line through n points; where y is not finite, the line has a gap, and a point between two gaps becomes a short mark. Of more points than the panel can show,
 * each stretch's lowest and highest are drawn. x must not fall. */
void panel_line(canvas *page, const panel *where, size_t n, const double *x, const double *y, ink how);
/* The spikes z [n_steps][stride] of the n_rows neurons `columns`: one mark a spike, row 0 at the bottom, as one path; more than 200,000 become an image.
 * The panel's axes must run from 0 to n_rows and over the n_steps. */
void panel_raster(canvas *page, const panel *where, const uint8_t *z, size_t n_steps, size_t stride, const size_t *columns, size_t n_rows,
                  uint32_t rgb);
/* x [n_steps][n_rows] as colours, row 0 at the bottom: white to blue if low >= 0, else blue over white to red about 0; not finite is grey. Where there are
 * more numbers than the panel can show, their means are drawn. */
void panel_heat(canvas *page, const panel *where, const float *x, size_t n_steps, size_t n_rows, double low, double high);
/* The scale of panel_heat as a bar of that size. */
void panel_heat_scale(canvas *page, double x, double y, double width, double height, double low, double high);
/* A number as a short text to out [size], with '.' whatever the locale. */
void number_text(char *out, size_t size, double value, int significant);

#endif
