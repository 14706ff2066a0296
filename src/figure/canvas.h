/* Drawing figures: a page of lines, boxes, pictures and text that ends up in a .svg, .png or .pdf file.
 * Lengths are in points (1/72 inch); (0, 0) is the upper left corner of the page, y grows downward. The same calls give the same bytes.
 * Failures of memory are kept by the canvas and reported by canvas_save. PNG, PDF and the widths of text come from cairo; SVG is written here, because
 * cairo's has outlines in place of text, names that differ from call to call, and several times the bytes. */
#ifndef LSNN_FIGURE_CANVAS_H
#define LSNN_FIGURE_CANVAS_H

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
/* The same, but fills what the path goes around. */
void canvas_fill(canvas *page, ink how);
void canvas_box(canvas *page, double x, double y, double width, double height, ink how);
void canvas_dot(canvas *page, double x, double y, double radius, ink how);
/* Pixels [rows][columns], each 0xAARRGGBB with colours multiplied by alpha, stretched over the box without smoothing. */
void canvas_image(canvas *page, double x, double y, double width, double height, const uint32_t *pixels, int columns, int rows);
/* Bytes that are not UTF-8, and control characters, are drawn as '?'. */
void canvas_text(canvas *page, double x, double y, const char *text, text_style style);
double canvas_text_width(canvas *page, const char *text, text_style style);

/* Along one side of an image that is `length` long on paper and shows n numbers: how many pixels it takes, never more than 200 an inch. */
size_t canvas_image_pixels(size_t n, double length);
/* Whoever draws had no memory for it: canvas_save will say so. */
void canvas_no_memory(canvas *page);

#endif
