/* Ridge regression: what can be read linearly out of a network's spikes about a function. */
#ifndef LSNN_L2L_RIDGE_H
#define LSNN_L2L_RIDGE_H

#include "net/sim.h"

/* What sample b's neurons have sent in the last lsnn_forward, as features [n_examples][n_rec]: each spike through an exponential kernel of 20 ms that begins
 * with 1, and of that the mean over each example, n_examples equal parts of the sequence. trace [n_rec] is work. */
void ridge_features(const lsnn_sim *sim, int b, int n_examples, double *features, double *trace);

/* Numbers of work that ridge_errors needs for n features. */
size_t ridge_work(size_t n);
/* Fits weights w and an intercept to rows 0..n_fit-1 of features [n_rows][n] and targets [n_rows], such that the sum of (target - intercept - w f)^2 plus
 * l2 |w|^2 is least, l2 > 0, 1 <= n_fit <= n_rows; writes the squared errors of the rows after them, for l2[k] to error + k * stride. Changes the features. */
void ridge_errors(double *features, const double *targets, size_t n, size_t n_rows, size_t n_fit, const double *l2, size_t n_l2,
                  double *work, float *error, size_t stride);

#endif
