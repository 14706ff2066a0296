/* Panels on a canvas: axes, and within them lines, rasters and heat maps. Lengths are in points, as there. */
#ifndef LSNN_FIGURE_PANEL_H
#define LSNN_FIGURE_PANEL_H

#include "figure/canvas.h"

/* The numbers that one side of a panel shows. */
typedef struct axis {
    double low, high; /* finite, low < high; > 0 if logarithmic */
    bool logarithmic;
    bool to_hundred; /* with logarithmic: per cents, by the logarithm of what they lack to 100; high < 100 */
    bool whole;      /* ticks at whole numbers only */
    bool bare;       /* without ticks */
    double shift;    /* a tick's label stands this much above its number: 0.5 for rows of a raster that are counted from 0 */
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
/* The lower spine with its ticks, and their numbers if `label` is not NULL. */
void panel_frame_across(canvas *page, const panel *where, const char *label);
/* Pale lines at the ticks of the lower axis, or of the upright one. */
void panel_grid_across(canvas *page, const panel *where);
void panel_grid_up(canvas *page, const panel *where);
/* Draws the spines and ticks, with labels on the upright axis, and on the lower one if `across_label` is not NULL. `letter` ("a"; NULL: none) goes to the upper left.
 * label_x: where the middle of the upright axis's label goes; up_label may have two lines. */
void panel_frame(canvas *page, const panel *where, double label_x, const char *letter, const char *up_label, const char *across_label);
/* A line through n points; where y is not finite, the line has a gap, and a point between two gaps becomes a short mark. Of more points than the panel can show,
 * each stretch's lowest and highest are drawn. x must not fall. */
void panel_line(canvas *page, const panel *where, size_t n, const double *x, const double *y, ink how);
/* The area between two lines through n > 0 points; what is below the upright axis lies on its border. */
void panel_band(canvas *page, const panel *where, size_t n, const double *x, const double *low, const double *high, ink how);
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
/* The same with that many decimals. */
void number_fixed_text(char *out, size_t size, double value, int decimals);
/* "8,184". number >= 0. */
void whole_text(char *out, size_t size, int64_t number);

#endif
