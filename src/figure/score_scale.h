/* How the figures of several runs show a score: accuracies and errors in per cent, on axes on which neither a bad run squeezes the good ones nor the
 * first minutes of a training squeeze the rest. */
#ifndef LSNN_FIGURE_SCORE_SCALE_H
#define LSNN_FIGURE_SCORE_SCALE_H

#include "figure/panel.h"

typedef struct score_scale {
    bool percent;
    bool accuracy;           /* more is better, and 100 % is all */
    bool gain;               /* more is better, without end: goals or reward an episode */
    double low, high, least; /* of what has been taken in; least: the smallest distance from perfect that is not 0 */
} score_scale;

/* score_name as lsnn_result has it: an accuracy, an error (but no squared one), or anything else, which stays a number. */
score_scale score_scale_of(const char *score_name);
/* A score as the axis has it. */
double score_shown(const score_scale *scale, double score);
/* The axis shall hold this score, if it is finite. */
void score_take_in(score_scale *scale, double score);
/* Of everything taken in. Logarithmic, for accuracies in what they lack to 100 %, if the largest distance from perfect is 4 times the least; perfect
 * scores then lie at its end. */
axis score_axis(const score_scale *scale);
/* "95.5", with two decimals within 1 % of perfect; other scores with 3 digits. */
void score_text(const score_scale *scale, char *out, size_t size, double score);
/* "before", the score's name, the unit: "Validation accuracy (%)"; and where perfect scores lie, if the axis cannot hold them. */
void score_label(const score_scale *scale, char *out, size_t size, const char *before, const char *score_name);
/* Is score a the better one? Any is better than none (NaN). */
bool score_better(const score_scale *scale, double a, double b);

#endif
