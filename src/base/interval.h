/* How sure a mean is. */
#ifndef LSNN_BASE_INTERVAL_H
#define LSNN_BASE_INTERVAL_H

#include <math.h>

/* Half the width of the 95 % confidence interval of a mean of n numbers, from their sum and the sum of their squares; NaN below two. */
static inline double interval_of_mean(double n, double sum, double squares) {
    return n > 1 ? 1.96 * sqrt(fmax(squares - sum * sum / n, 0) / (n - 1) / n) : NAN;
}

/* The same of the ratio sum(y) / sum(x) over n pairs, like a mean over all of a sequence's numbers, of which each sequence has its own count x: from the sums of x, y, x x, x y and y y. Where all x are
 * equal it is that of the mean of y / x. */
static inline double interval_of_ratio(double n, double x, double y, double xx, double xy, double yy) {
    double ratio = y / x;
    return n > 1 ? 1.96 * sqrt(fmax(yy - 2 * ratio * xy + ratio * ratio * xx, 0) * n / (n - 1)) / x : NAN;
}

#endif
