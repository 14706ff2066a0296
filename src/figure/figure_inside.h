/* What the files figure*.c share: panels that stand on top of each other, and what is written beside them. For no one else. */
#ifndef LSNN_FIGURE_FIGURE_INSIDE_H
#define LSNN_FIGURE_FIGURE_INSIDE_H

#include "figure/panel.h"
#include "figure/probe_file.h"

enum { MAX_STRIPS = 5 };

static const double page_width = 504, note_size = 7, one_panel_label_x = 14, one_panel_key_y = 27;
/* Colours of networks' lines, that colour-blind readers can tell apart; labels at the lines say the same in words. */
static const uint32_t network_rgb[] = {0x0072b2, 0xd55e00, 0x882255, 0x009e73, 0xcc79a7, 0x332288};
enum { NETWORK_COLOURS = sizeof network_rgb / sizeof *network_rgb };
static const uint32_t input_rgb = 0x333333, lif_rgb = 0x0072b2, adaptive_rgb = 0xd55e00, quiet_rgb = 0x777777;

/* One panel of a figure: they stand on top of each other and share the axis across. */
typedef struct strip {
    panel where;
    char label[64];
    double weight; /* of its height */
    void (*draw)(canvas *page, const panel *where, void *source);
} strip;

typedef struct strips {
    strip list[MAX_STRIPS];
    int n;
} strips;

/* At most MAX_STRIPS; `draw` gets the source of figure_draw_strips. */
void figure_add_strip(strips *all, const char *label, axis up, double weight, void (*draw)(canvas *, const panel *, void *));
/* Draws all strips; the widest tick label decides where the data areas begin. right: the margin on that side. */
void figure_draw_strips(canvas *page, strips *all, double height, double right, axis across, const char *across_label, void *source);
/* The data area of a page with one panel, below a title and a line of a key at one_panel_key_y; label_x of its frame is one_panel_label_x. */
panel figure_one_panel(canvas *page, double height, double right, axis across, axis up);
/* As large as fits on the page, up to 9 points. */
void figure_title(canvas *page, const char *title);
/* A line of text in the margin to the right of a panel; line 0 is at its top. */
void figure_note(canvas *page, const panel *where, int line, const char *text, uint32_t rgb);

/* The text to out [size], its end cut off if it is wider than `width` points. */
void figure_cut_text(canvas *page, char *out, size_t size, const char *text, text_style style, double width);
/* The same, but it is first set smaller: 6 points at least. Changes style->size. */
void figure_fit_text(canvas *page, char *out, size_t size, const char *text, text_style *style, double width);

/* A label at the right end of a line. */
typedef struct line_label {
    double line_y; /* where the line ends */
    char text[128];
    uint32_t rgb;
    bool bold;
    double y; /* of the label, which figure_line_labels sets */
} line_label;
/* Labels stand at the ends of their lines, but never over each other. Sorts them. */
void figure_line_labels(canvas *page, const panel *where, line_label *labels, size_t n);

/* Makes low..high hold those of the n values that are finite. */
void figure_widen(double *low, double *high, const double *values, size_t n);
/* 0 if none is. */
double figure_last_finite(const double *values, size_t n);

/* The two figures: of a file that lsnn_probe made, its first first_ms milliseconds or (INFINITY) all; and of a metrics.jsonl. Errors: those of lsnn_plot. */
lsnn_status figure_of_probe(const char *path, double first_ms, const char *figure_path);
/* What a probe is about, in a line. */
void figure_probe_title(const probe_file *source, char *title, size_t size);
/* The classes that a probe's frames have, one row each, in the order in which they come: how likely the network takes each for at every frame (white to blue), and, outlined,
 * which is right. */
void figure_add_frames(strips *all, const probe_file *source, double weight);
/* Points that their rows take on paper, at the least. */
double figure_frames_height(const probe_file *source);
/* A page of HTML that plays a probe's episode. Errors: DATA (not one of an agent that has a goal), those of lsnn_plot. */
lsnn_status animation_of_probe(const char *path, double first_ms, const char *page_path);
lsnn_status figure_of_training(const char *path, const char *figure_path);

#endif
