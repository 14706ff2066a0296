/* The marks of the figures that compare runs, each about a point. Ours are blue, the paper's orange and hollow. */
#ifndef LSNN_FIGURE_MARKS_H
#define LSNN_FIGURE_MARKS_H

#include "figure/canvas.h"

static const uint32_t ours_rgb = 0x0072b2, paper_rgb = 0xd55e00;

typedef void mark(canvas *page, double x, double y);

mark mark_run, mark_mean, mark_paper_mean, mark_paper_best;
mark mark_spikes, mark_synaptic, mark_multiply_add; /* multiply-adds are hollow */

/* An entry of a key that lies at height y and begins at x; returns where the next one begins. */
double mark_key(canvas *page, double x, double y, mark *how, const char *text);

#endif
