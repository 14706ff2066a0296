#include "speech/features.h"

#include <float.h>
#include <kiss_fftr.h>
#include <math.h>
#include <stdlib.h>

static const double pi = 3.14159265358979323846;

struct feature_maker {
    feature_options options;
    int window, hop, n_fft, size;
    double *window_function; /* [window] */
    double *filter;          /* [n_filters][n_fft / 2 + 1] */
    int *first, *last;       /* [n_filters] bins that a filter sees */
    double *cosine;          /* [n_coefficients][n_filters], with the lifter */
    double *mel;             /* [n_filters] */
    double *power;           /* [n_fft / 2 + 1] */
    float *frame;            /* [n_fft] */
    kiss_fft_cpx *spectrum;  /* [n_fft / 2 + 1] */
    kiss_fftr_cfg fft;
};

static double mel_of(double hz) {
    return 2595 * log10(1 + hz / 700);
}

static double hz_of(double mel) {
    return 700 * (pow(10, mel / 2595) - 1);
}

/* In two straight lines, which meet at `knee`. */
static double warped(const feature_options *o, double hz) {
    double factor = 1 + o->warp;
    double top = o->rate / 2.0;
    double knee = 0.6 * top * fmin(1, 1 / factor);
    bool is_low = hz <= knee;
    return o->warp == 0 ? hz : is_low ? factor * hz : top - (top - factor * knee) / (top - knee) * (top - hz);
}

/* ---- tables ---- */

static lsnn_status check_options(const feature_maker *m) {
    const feature_options *o = &m->options;
    if (m->hop < 1 || m->window < 2) {
        return fail(LSNN_ERR_SETTING, "speech.window_ms %g and speech.hop_ms %g are %d and %d samples at %d Hz; make them longer",
                    o->window_ms, o->hop_ms, m->window, m->hop, o->rate);
    }
    if (o->high_hz > o->rate / 2.0 || o->low_hz >= o->high_hz) {
        return fail(LSNN_ERR_SETTING,
                    "speech.low_hz %g and speech.high_hz %g: the filters need low < high <= %g, half of speech.sample_rate", o->low_hz,
                    o->high_hz, o->rate / 2.0);
    }
    if (!o->mel && o->n_coefficients > o->n_filters) {
        return fail(LSNN_ERR_SETTING, "speech.n_coefficients is %d, speech.n_filters %d; there are at most as many coefficients as filters",
                    o->n_coefficients, o->n_filters);
    }
    return LSNN_OK;
}

static lsnn_status make_filters(feature_maker *m) {
    const feature_options *o = &m->options;
    double low = mel_of(o->low_hz);
    double step = (mel_of(o->high_hz) - low) / (o->n_filters + 1);
    int n_bins = m->n_fft / 2 + 1;
    for (int f = 0; f < o->n_filters; f++) {
        int corner[3];
        for (int k = 0; k < 3; k++) {
            corner[k] = (int)floor((m->n_fft + 1) * warped(o, hz_of(low + (f + k) * step)) / o->rate);
            corner[k] = corner[k] < n_bins ? corner[k] : n_bins;
        }
        if (corner[0] == corner[2]) {
            return fail(LSNN_ERR_SETTING,
                        "speech.n_filters is %d: filter %d lies between two bins of the FFT, %g Hz apart; use fewer, or a longer window",
                        o->n_filters, f + 1, (double)o->rate / m->n_fft);
        }
        double *row = m->filter + (size_t)f * (size_t)n_bins;
        for (int bin = corner[0]; bin < corner[1]; bin++) {
            row[bin] = (double)(bin - corner[0]) / (corner[1] - corner[0]);
        }
        for (int bin = corner[1]; bin < corner[2]; bin++) {
            row[bin] = (double)(corner[2] - bin) / (corner[2] - corner[1]);
        }
        m->first[f] = corner[0];
        m->last[f] = corner[2];
    }
    return LSNN_OK;
}

static void make_cosines(feature_maker *m) {
    int n = m->options.n_filters;
    int lifter = m->options.lifter;
    for (int c = 0; c < m->options.n_coefficients; c++) {
        double scale = sqrt((c == 0 ? 1.0 : 2.0) / n) * (lifter > 0 ? 1 + lifter / 2.0 * sin(pi * c / lifter) : 1);
        for (int f = 0; f < n; f++) {
            m->cosine[c * n + f] = scale * cos(pi * c * (2 * f + 1) / (2.0 * n));
        }
    }
}

static int samples_of(double ms, int rate) {
    return (int)floor(ms * rate / 1000 + 0.5);
}

static lsnn_status take_memory(feature_maker *m) {
    size_t n_bins = (size_t)m->n_fft / 2 + 1;
    size_t n_filters = (size_t)m->options.n_filters;
    m->window_function = calloc((size_t)m->window, sizeof *m->window_function);
    m->filter = calloc(n_filters * n_bins, sizeof *m->filter);
    m->first = calloc(n_filters, sizeof *m->first);
    m->last = calloc(n_filters, sizeof *m->last);
    m->cosine = calloc((size_t)m->options.n_coefficients * n_filters, sizeof *m->cosine);
    m->mel = calloc(n_filters, sizeof *m->mel);
    m->power = calloc(n_bins, sizeof *m->power);
    m->frame = calloc((size_t)m->n_fft, sizeof *m->frame);
    m->spectrum = calloc(n_bins, sizeof *m->spectrum);
    m->fft = kiss_fftr_alloc(m->n_fft, 0, NULL, NULL);
    bool all =
        m->window_function && m->filter && m->first && m->last && m->cosine && m->mel && m->power && m->frame && m->spectrum && m->fft;
    return all ? LSNN_OK : fail(LSNN_ERR_MEMORY, "no memory for the features of a frame of %d samples", m->n_fft);
}

lsnn_status features_create(feature_maker **out, const feature_options *options) {
    lsnn_status status = LSNN_OK;
    feature_maker *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for features");
    }
    m->options = *options;
    m->options.high_hz = options->high_hz > 0 ? options->high_hz : options->rate / 2.0;
    m->window = samples_of(options->window_ms, options->rate);
    m->hop = samples_of(options->hop_ms, options->rate);
    m->size = options->mel ? options->n_filters + options->energy : options->n_coefficients;
    TRY(check_options(m));
    for (m->n_fft = 2; m->n_fft < m->window; m->n_fft *= 2) {
    }
    TRY(take_memory(m));
    for (int k = 0; k < m->window; k++) {
        m->window_function[k] = options->hamming ? 0.54 - 0.46 * cos(2 * pi * k / (m->window - 1)) : 1;
    }
    TRY(make_filters(m));
    make_cosines(m);
    *out = m;
    m = NULL;
out:
    features_free(m);
    return status;
}

void features_free(feature_maker *m) {
    if (m != NULL) {
        free(m->window_function);
        free(m->filter);
        free(m->first);
        free(m->last);
        free(m->cosine);
        free(m->mel);
        free(m->power);
        free(m->frame);
        free(m->spectrum);
        kiss_fftr_free(m->fft);
        free(m);
    }
}

/* ---- frames ---- */

int features_size(const feature_maker *m) {
    return m->size;
}

int64_t features_count_frames(const feature_maker *m, int64_t n) {
    return n <= m->window ? 1 : 1 + (n - m->window + m->hop - 1) / m->hop;
}

int64_t features_centre(const feature_maker *m, int64_t t) {
    return t * m->hop + m->window / 2;
}

static double logarithm(double x) {
    return log(x > 0 ? x : DBL_EPSILON);
}

/* The power of one frame, bin by bin; returns all of it. */
static double take_power(feature_maker *m, const float *samples, int64_t n, int64_t begin) {
    for (int k = 0; k < m->window; k++) {
        int64_t at = begin + k;
        double x = at < n ? (double)samples[at] - (at > 0 ? m->options.preemphasis * (double)samples[at - 1] : 0) : 0;
        m->frame[k] = (float)(x * m->window_function[k]);
    }
    kiss_fftr(m->fft, m->frame, m->spectrum);
    double energy = 0;
    for (int bin = 0; bin <= m->n_fft / 2; bin++) {
        double re = (double)m->spectrum[bin].r;
        double im = (double)m->spectrum[bin].i;
        m->power[bin] = (re * re + im * im) / m->n_fft;
        energy += m->power[bin];
    }
    return energy;
}

static void take_mel(feature_maker *m) {
    for (int f = 0; f < m->options.n_filters; f++) {
        const double *row = m->filter + (size_t)f * (size_t)(m->n_fft / 2 + 1);
        double sum = 0;
        for (int bin = m->first[f]; bin < m->last[f]; bin++) {
            sum += row[bin] * m->power[bin];
        }
        m->mel[f] = logarithm(sum);
    }
}

void features_make(feature_maker *m, const float *samples, int64_t n, float *to) {
    const feature_options *o = &m->options;
    int64_t n_frames = features_count_frames(m, n);
    for (int64_t t = 0; t < n_frames; t++, to += m->size) {
        double energy = logarithm(take_power(m, samples, n, t * m->hop));
        take_mel(m);
        for (int f = 0; o->mel && f < o->n_filters; f++) {
            to[f] = (float)m->mel[f];
        }
        for (int c = 0; !o->mel && c < o->n_coefficients; c++) {
            double sum = 0;
            for (int f = 0; f < o->n_filters; f++) {
                sum += m->cosine[c * o->n_filters + f] * m->mel[f];
            }
            to[c] = (float)sum;
        }
        if (o->energy) {
            to[o->mel ? o->n_filters : 0] = (float)energy;
        }
    }
}

double feature_difference(const float *x, int64_t n_frames, int size, int order, int width, int64_t t, int i) {
    if (order == 0) {
        return (double)x[t * size + i];
    }
    double sum = 0;
    double squares = 0;
    for (int k = 1; k <= width; k++) {
        int64_t after = t + k < n_frames ? t + k : n_frames - 1;
        int64_t before = t - k > 0 ? t - k : 0;
        sum += k * (feature_difference(x, n_frames, size, order - 1, width, after, i) -
                    feature_difference(x, n_frames, size, order - 1, width, before, i));
        squares += k * k;
    }
    return sum / (2 * squares);
}
