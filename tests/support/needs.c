#include "support/needs.h"
#include "base/file.h"
#include "base/rng.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void need(lsnn_status status) {
    if (status != LSNN_OK) {
        fail_msg("%s: %s", lsnn_status_name(status), lsnn_error());
    }
}

void need_error(lsnn_status got, lsnn_status want, const char *words) {
    if (got != want) {
        fail_msg("got %s (%s), should be %s", lsnn_status_name(got), got == LSNN_OK ? "" : lsnn_error(), lsnn_status_name(want));
    }
    if (*lsnn_error() == '\0' || strchr(lsnn_error(), '\n') != NULL) {
        fail_msg("%s has no message of one line: \"%s\"", lsnn_status_name(got), lsnn_error());
    }
    if (words != NULL && strstr(lsnn_error(), words) == NULL) {
        fail_msg("%s does not say \"%s\": %s", lsnn_status_name(got), words, lsnn_error());
    }
}

void need_same_bits(const char *what, const float *got, const float *want, size_t n) {
    for (size_t k = 0; k < n; k++) {
        if (memcmp(&got[k], &want[k], sizeof *got) != 0) {
            fail_msg("%s: number %zu of %zu is %.9g, should be %.9g", what, k, n, (double)got[k], (double)want[k]);
        }
    }
}

size_t vector_units(const char *names[MAX_VECTOR_UNITS]) {
    static const char *const all[MAX_VECTOR_UNITS] = {"generic", "neon", "sse2", "avx2", "avx512"};
    size_t n = 0;
    for (size_t k = 0; k < MAX_VECTOR_UNITS; k++) {
        lsnn_context *context;
        setenv("LSNN_ISA", all[k], 1);
        if (lsnn_context_create(&context, 1) == LSNN_OK) {
            assert_string_equal(lsnn_context_isa(context), all[k]);
            lsnn_context_free(context);
            names[n++] = all[k];
        }
    }
    unsetenv("LSNN_ISA");
    return n;
}

lsnn_context *context_on(const char *vector_unit, int n_threads) {
    lsnn_context *context = NULL;
    if (vector_unit != NULL) {
        setenv("LSNN_ISA", vector_unit, 1);
    }
    need(lsnn_context_create(&context, n_threads));
    unsetenv("LSNN_ISA");
    return context;
}

uint8_t *random_spikes(size_t n, double p, uint64_t seed) {
    uint8_t *spikes = malloc(n);
    assert_non_null(spikes);
    for (size_t k = 0; k < n; k++) {
        spikes[k] = rng_uniform(seed, RNG_TASK, k) < p;
    }
    return spikes;
}

float *random_floats(size_t n, double low, double high, uint64_t seed) {
    float *values = malloc(n * sizeof *values);
    assert_non_null(values);
    for (size_t k = 0; k < n; k++) {
        values[k] = (float)(low + (high - low) * rng_uniform(seed, RNG_TASK, k));
    }
    return values;
}

static float *room_for(const lsnn_net *net, const char *name, size_t *n) {
    int rows;
    int columns;
    need(lsnn_net_shape(net, name, &rows, &columns));
    *n = (size_t)rows * (size_t)columns;
    float *values = malloc((*n + 1) * sizeof *values);
    assert_non_null(values);
    return values;
}

float *net_floats(const lsnn_net *net, const char *name, size_t *n) {
    float *values = room_for(net, name, n);
    need(lsnn_net_copy(net, name, values, *n));
    return values;
}

float *gradient_floats(const lsnn_gradient *gradient, const lsnn_net *net, const char *name, size_t *n) {
    float *values = room_for(net, name, n);
    need(lsnn_gradient_copy(gradient, name, values, *n));
    return values;
}

void folder_make(char path[FOLDER_SIZE]) {
    const char *above = getenv("TMPDIR");
    snprintf(path, FOLDER_SIZE, "%s/lsnn-test-XXXXXX", above != NULL && *above != '\0' ? above : "/tmp");
    assert_non_null(mkdtemp(path));
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *place) {
    (void)s;
    (void)kind;
    (void)place;
    return remove(path);
}

void folder_remove(const char *path) {
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
