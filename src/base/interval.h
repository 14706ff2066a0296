/* How sure a mean is. */
#ifndef LSNN_BASE_INTERVAL_H
#define LSNN_BASE_INTERVAL_H

#include <math.h>

/* Half the width of the 95 % confidence interval of a mean of n numbers, from their sum and the sum of their squares; NaN below two. */
static inline double interval_of_mean(double n, double sum, double squares) {
    return n > 1 ? 1.96 * sqrt(fmax(squares - sum * sum / n, 0) / (n - 1) / n) : NAN;
}

#endif
