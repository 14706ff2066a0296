/* The figures of networks that have learned to learn. They draw what they are given. */
#ifndef LSNN_FIGURE_LEARNING_TO_LEARN_H
#define LSNN_FIGURE_LEARNING_TO_LEARN_H

#include "base/error.h"

enum { MOST_EXAMPLE_LINES = 32 };

typedef struct example_line {
    const char *label; /* one line */
    const lsnn_curve *curve;
    bool is_network; /* drawn bolder than what networks are compared with */
} example_line;

/* Squared error against the number of the example, both logarithmic; over later examples, means of several. Bands: 95 % intervals of the means.
 * n 1..MOST_EXAMPLE_LINES. Errors: those of lsnn_plot; DATA: nothing but zeros. */
lsnn_status figure_of_examples(const char *title, const example_line *lines, int n, const char *figure_path);

/* What a network takes functions for: a row an episode, a column for each number of examples that it has seen, the same for all episodes. Functions of one input are curves
 * with the seen examples as dots; of two, heat maps beside the function itself. n >= 1. Errors: those of lsnn_plot; USAGE (more inputs, no grid,
 * more than 8 columns). */
lsnn_status figure_of_beliefs(const char *title, lsnn_beliefs *const *of, int n, const char *figure_path);

#endif
