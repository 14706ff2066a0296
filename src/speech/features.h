/* Features of speech, frame by frame: mel-frequency cepstral coefficients, or the logarithms of a mel filter bank, and their differences.
 *
 * A frame is window_ms long, and hop_ms after the one before it; the last is filled up with silence, so that every sample is in a frame:
 *   n_frames = 1 + ceil((n - window) / hop), and 1 where n <= window;     frame t begins at sample t * hop
 * Samples are pre-emphasised, x[n] - preemphasis * x[n-1]; then, in a frame,
 *   power    |FFT|^2 / N of the windowed frame, N the least power of 2 that holds it
 *   mel      log of the power under each of n_filters triangles, even on the scale 2595 log10(1 + f / 700); corners are whole FFT bins
 *   mfcc     the mel values' cosine transform (II, orthonormal), its first n_coefficients; number n times 1 + L/2 sin(pi n / L), L = lifter
 *   energy   log of all the power; in place of coefficient 0, or behind the last mel value
 * With warp, a filter for the frequency f lies at (1 + warp) f, up to 3/10 of the rate (for f, if warp < 0; for what it becomes, if warp > 0), and from there on in a straight line to
 * half the rate: as if the vocal tract were so much shorter (N. Jaitly and G. Hinton, 2013).
 * What would be the logarithm of 0 is that of 2^-52. No dither: the same samples give the same bits. */
#ifndef LSNN_SPEECH_FEATURES_H
#define LSNN_SPEECH_FEATURES_H

#include "base/error.h"

typedef struct feature_options {
    bool mel;     /* the filter bank itself; else cepstral coefficients */
    bool hamming; /* 0.54 - 0.46 cos(2 pi n / (window - 1)); else all ones */
    bool energy;  /* put in the energy? */
    int rate;     /* samples a second */
    double window_ms, hop_ms;
    double low_hz, high_hz; /* of the filter bank; high_hz 0: half the rate */
    double preemphasis;     /* 0..1 */
    int n_filters, n_coefficients;
    int lifter;  /* 0: none */
    double warp; /* filters lie at 1 + warp times their frequencies, but at 0 and half the rate, which stay; above -1; 0: where they are */
} feature_options;

/* Tables and scratch memory: one thread at a time. */
typedef struct feature_maker feature_maker;

/* Errors: SETTING (what does not fit what, by the names of the settings), MEMORY. */
lsnn_status features_create(feature_maker **out, const feature_options *options);
void features_free(feature_maker *maker);
/* Numbers a frame. */
int features_size(const feature_maker *maker);
int64_t features_count_frames(const feature_maker *maker, int64_t n_samples);
/* The sample in the middle of frame t. */
int64_t features_centre(const feature_maker *maker, int64_t t);
/* samples [n], n >= 1, to `to` [n_frames][size]. */
void features_make(feature_maker *maker, const float *samples, int64_t n, float *to);

/* Number i of frame t of x [n_frames][size], and its differences: order 0 is x itself, and
 *   d(order, t) = sum over k = 1..width of k (d(order - 1, t + k) - d(order - 1, t - k)) / (2 sum of k^2),
 * where a frame before the first is the first, and one after the last is the last. */
double feature_difference(const float *x, int64_t n_frames, int size, int order, int width, int64_t t, int i);

#endif
