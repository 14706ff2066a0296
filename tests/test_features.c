/* speech/features and speech/audio: features against those of an independent package (tests/reference/make_speech_golden.py), recordings of every
 * format that matters, and files that are none. */
#include "base/tensorfile.h"
#include "speech/audio.h"
#include "speech/features.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off: last, as cmocka's macro fail() would be in the way of base/error.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

static double number(const tensor_file *file, const char *key) {
    const char *text = tensor_file_metadata(file, key);
    assert_non_null(text);
    return strtod(text, NULL);
}

static feature_options options_of(const tensor_file *file) {
    return (feature_options){.mel = number(file, "mel") != 0,
                             .hamming = number(file, "hamming") != 0,
                             .energy = number(file, "energy") != 0,
                             .rate = (int)number(file, "rate"),
                             .window_ms = number(file, "window_ms"),
                             .hop_ms = number(file, "hop_ms"),
                             .low_hz = number(file, "low_hz"),
                             .high_hz = number(file, "high_hz"),
                             .preemphasis = number(file, "preemphasis"),
                             .n_filters = (int)number(file, "n_filters"),
                             .n_coefficients = (int)number(file, "n_coefficients"),
                             .lifter = (int)number(file, "lifter")};
}

/* The standard deviation of column i of x [n][size]. */
static double deviation(const tensor *x, int64_t n, int size, int i) {
    double sum = 0;
    double squares = 0;
    for (int64_t t = 0; t < n; t++) {
        double value = tensor_at(x, (size_t)(t * size + i));
        sum += value;
        squares += value * value;
    }
    return sqrt(fmax(squares / (double)n - sum / (double)n * (sum / (double)n), 0));
}

/* Every feature, and its first and second differences, within 1e-4; of their standard deviation where that is above 1, as it is what they are divided by in
 * the end. The FFT's single precision is what differs, most where a weak band stands beside a strong one. */
static void features_agree_with_an_independent_package(void **state) {
    (void)state;
    static const char *const names[] = {"mfcc", "mel", "telephone"};
    for (size_t g = 0; g < sizeof names / sizeof *names; g++) {
        char path[1024];
        tensor_file *file = NULL;
        feature_maker *maker = NULL;
        snprintf(path, sizeof path, "%s/tests/golden/speech_%s.safetensors", LSNN_SOURCE_DIR, names[g]);
        assert_int_equal(tensor_file_open(&file, path), LSNN_OK);
        feature_options options = options_of(file);
        int width = (int)number(file, "width");
        assert_int_equal(features_create(&maker, &options), LSNN_OK);
        const tensor *signal = tensor_file_find(file, "sound");
        const tensor *expected = tensor_file_find(file, "features");
        int64_t n_frames = features_count_frames(maker, (int64_t)signal->n);
        int size = features_size(maker);
        assert_int_equal(expected->shape[0], n_frames);
        assert_int_equal(expected->shape[1], 3 * size);
        float *samples = malloc(signal->n * sizeof *samples);
        float *found = malloc((size_t)n_frames * (size_t)size * sizeof *found);
        assert_true(samples != NULL && found != NULL);
        for (size_t k = 0; k < signal->n; k++) {
            samples[k] = (float)tensor_at(signal, k);
        }
        features_make(maker, samples, (int64_t)signal->n, found);
        double worst[3] = {0};
        for (int64_t t = 0; t < n_frames; t++) {
            for (int order = 0; order < 3; order++) {
                for (int i = 0; i < size; i++) {
                    double x = feature_difference(found, n_frames, size, order, width, t, i);
                    double right = tensor_at(expected, (size_t)((t * 3 + order) * size + i));
                    worst[order] = fmax(worst[order], fabs(x - right) / fmax(1, deviation(expected, n_frames, 3 * size, order * size + i)));
                }
            }
        }
        print_message("%s: largest difference %.2g, of first differences %.2g, of second ones %.2g\n", names[g], worst[0], worst[1],
                      worst[2]);
        for (int order = 0; order < 3; order++) {
            assert_true(worst[order] < 1e-4);
        }
        free(samples);
        free(found);
        features_free(maker);
        tensor_file_close(file);
    }
}

enum { RATE = 16000, N_FILTERS = 26, N_SAMPLES = 800 };

/* The filter in which a tone is loudest, with filters warped. */
static int filter_of(double hz, double warp) {
    feature_options options = {
        .mel = true, .hamming = true, .rate = RATE, .window_ms = 25, .hop_ms = 10, .n_filters = N_FILTERS, .warp = warp};
    feature_maker *maker = NULL;
    assert_int_equal(features_create(&maker, &options), LSNN_OK);
    float samples[N_SAMPLES], found[8 * N_FILTERS];
    assert_true(features_count_frames(maker, N_SAMPLES) <= 8);
    for (int k = 0; k < N_SAMPLES; k++) {
        samples[k] = (float)(1000 * sin(2 * 3.14159265358979 * hz * k / RATE));
    }
    features_make(maker, samples, N_SAMPLES, found);
    int loudest = 0;
    for (int f = 0; f < N_FILTERS; f++) {
        loudest = found[f] > found[loudest] ? f : loudest;
    }
    features_free(maker);
    return loudest;
}

/* A voice whose frequencies are a fifth higher sounds, through filters that are warped by a fifth, like the one before through filters that are not; near half the rate
 * less and less is changed. */
static void warped_filters_hear_a_higher_voice_as_the_lower_one(void **state) {
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        double factor = 1 + sign * 0.2;
        double knee = sign > 0 ? 4800 / factor : 4800;
        for (int f = 7; f < N_FILTERS; f += 3) {
            double centre = 700 * (pow(10, (f + 1) * log10(1 + 8000 / 700.0) / (N_FILTERS + 1)) - 1);
            double moved = centre <= knee ? factor * centre : 8000 - (8000 - centre) * (8000 - factor * knee) / (8000 - knee);
            assert_int_equal(filter_of(centre, 0), f);
            assert_int_equal(filter_of(moved, sign * 0.2), f);
            assert_true(centre > knee || filter_of(moved, 0) != f);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(features_agree_with_an_independent_package),
                                       cmocka_unit_test(warped_filters_hear_a_higher_voice_as_the_lower_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
