/* The float32 engine against gradients from an independent float64 program (tests/reference). */
#include "learn/gradient.h"
#include "net/sim.h"
#include "support/golden.h"

/* after lsnn's headers: cmocka has a macro named fail */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double bound = 1e-5; /* of an array's largest entry */

static void need(lsnn_status status) {
    if (status != LSNN_OK) {
        fail_msg("%s: %s", lsnn_status_name(status), lsnn_error());
    }
}

/* Largest difference, as a part of the golden array's largest entry. */
static void compare(const char *golden, const char *array, const tensor *want, const float *got) {
    double largest = 0;
    double difference = 0;
    size_t worst = 0;
    for (size_t k = 0; k < want->n; k++) {
        largest = fmax(largest, fabs(tensor_at(want, k)));
        double d = fabs(tensor_at(want, k) - (double)got[k]);
        if (!(d <= difference)) {
            difference = d;
            worst = k;
        }
    }
    if (!(difference <= bound * largest)) {
        fail_msg("%s: %s[%zu] is %.9g, should be %.9g; the difference is %.2g of the largest entry", golden, array, worst,
                 (double)got[worst], tensor_at(want, worst), difference / largest);
    }
}

static void set_input(lsnn_sim *sim, const tensor_file *file, const char *name, int n_steps, bool spikes) {
    size_t n;
    if (spikes) {
        uint8_t *x = golden_bytes(file, name, &n);
        need(lsnn_sim_set_spikes(sim, x, n_steps));
        free(x);
    } else {
        float *x = golden_floats(file, name, &n);
        need(lsnn_sim_set_currents(sim, x, n_steps));
        free(x);
    }
}

static void compare_traces(lsnn_sim *sim, const tensor_file *file, const char *golden, const char *name, int n_steps, int n_batch,
                           int n_rec) {
    const tensor *want = tensor_file_find(file, name);
    float *got = malloc(want->n * sizeof *got);
    float *one = malloc((size_t)n_steps * (size_t)n_rec * sizeof *one);
    const tensor *beta = tensor_file_find(file, "beta");
    for (int b = 0; b < n_batch; b++) {
        need(lsnn_sim_copy_trace(sim, name, b, one));
        for (int t = 0; t < n_steps; t++) {
            for (int j = 0; j < n_rec; j++) {
                size_t at = ((size_t)t * (size_t)n_batch + (size_t)b) * (size_t)n_rec + (size_t)j;
                bool not_kept = strcmp(name, "b") == 0 && tensor_at(beta, (size_t)j) == 0; /* b of a LIF neuron */
                got[at] = not_kept ? (float)tensor_at(want, at) : one[t * n_rec + j];
            }
        }
    }
    compare(golden, name, want, got);
    free(got);
    free(one);
}

static void check_golden(const char *name, const char *isa, int n_threads) {
    setenv("LSNN_ISA", isa, 1);
    lsnn_context *context = NULL;
    if (lsnn_context_create(&context, n_threads) != LSNN_OK) {
        return; /* this processor lacks it */
    }
    tensor_file *file;
    lsnn_net *net;
    golden_open(name, &file, &net);
    int n_steps = (int)golden_number(file, "T");
    int n_batch = (int)golden_number(file, "B");
    int n_rec = (int)golden_number(file, "n_rec");
    bool spikes = strcmp(tensor_file_metadata(file, "input_kind"), "spikes") == 0;
    size_t n;
    int32_t *start = golden_ints(file, "window_start", &n);
    int32_t *stop = golden_ints(file, "window_stop", &n);
    const tensor *first = tensor_file_find(file, "first_input");
    int longest = first != NULL && first->shape[0] > n_steps ? (int)first->shape[0] : n_steps;
    lsnn_sim *sim;
    need(lsnn_sim_create(&sim, net, context,
                         &(lsnn_sim_options){.n_batch = n_batch, .n_steps = longest, .n_windows = (int)n, .train = true}));
    real *eps = NULL;
    if (first != NULL) {
        need(lsnn_sim_set_windows(sim, (int[]){0}, (int[]){(int)first->shape[0]}, 1));
        set_input(sim, file, "first_input", (int)first->shape[0], spikes);
        need(lsnn_forward(sim));
    }
    if (tensor_file_find(file, "noise_eps") != NULL) {
        size_t n_eps;
        float *given = golden_floats(file, "noise_eps", &n_eps);
        eps = malloc(n_eps * sizeof *eps);
        for (size_t k = 0; k < n_eps; k++) {
            eps[k] = (real)given[k];
        }
        free(given);
        sim->given_noise = eps;
    }
    need(lsnn_sim_set_windows(sim, start, stop, (int)n));
    set_input(sim, file, "input", n_steps, spikes);
    need(lsnn_forward(sim));
    compare(name, "output", tensor_file_find(file, "output"), lsnn_sim_output(sim));

    double loss;
    double rate_loss;
    float *d_output = calloc(n * (size_t)n_batch * (size_t)net->spec.n_out, sizeof *d_output);
    if (strcmp(tensor_file_metadata(file, "loss"), "cross_entropy") == 0) {
        size_t n_class;
        int32_t *class_of = golden_ints(file, "class", &n_class);
        need(lsnn_loss_cross_entropy(sim, class_of, d_output, &loss, NULL, NULL));
        free(class_of);
    } else {
        size_t n_target;
        float *target = golden_floats(file, "target", &n_target);
        need(lsnn_loss_squared(sim, target, d_output, &loss, NULL));
        free(target);
    }
    lsnn_gradient *gradient;
    need(lsnn_gradient_create(&gradient, net));
    lsnn_rate_goal goal = {.strength = (float)golden_number(file, "rate_strength"),
                           .target_hz = (float)golden_number(file, "rate_target_hz")};
    need(lsnn_backward(sim, d_output, &goal, gradient, &rate_loss));
    compare(name, "loss", tensor_file_find(file, "loss"), (float[]){(float)loss});
    compare(name, "rate_loss", tensor_file_find(file, "rate_loss"), (float[]){(float)rate_loss});
    static const char *const arrays[][2] = {
        {"w_in", "d_w_in"}, {"w_rec", "d_w_rec"}, {"w_out", "d_w_out"}, {"b_out", "d_b_out"}, {"noise", "d_noise_size"}};
    for (size_t a = 0; a < sizeof arrays / sizeof *arrays; a++) {
        const tensor *want = tensor_file_find(file, arrays[a][1]);
        if (want != NULL) {
            float *got = malloc(want->n * sizeof *got);
            need(lsnn_gradient_copy(gradient, arrays[a][0], got, want->n));
            compare(name, arrays[a][1], want, got);
            free(got);
        }
    }
    compare_traces(sim, file, name, "z", n_steps, n_batch, n_rec);
    compare_traces(sim, file, name, "v", n_steps, n_batch, n_rec);
    compare_traces(sim, file, name, "b", n_steps, n_batch, n_rec);
    lsnn_gradient_free(gradient);
    free(d_output);
    free(eps);
    free(start);
    free(stop);
    lsnn_sim_free(sim);
    lsnn_net_free(net);
    tensor_file_close(file);
    lsnn_context_free(context);
}

static void golden_case(void **state) {
    const char *name = *state;
    check_golden(name, "generic", 1);
    check_golden(name, "neon", 2);
    check_golden(name, "sse2", 2);
    check_golden(name, "avx2", 2);
    check_golden(name, "avx512", 2);
}

int main(void) {
    struct CMUnitTest tests[32];
    for (size_t k = 0; k < golden_count; k++) {
        tests[k] =
            (struct CMUnitTest){.name = golden_names[k], .test_func = golden_case, .initial_state = (void *)(uintptr_t)golden_names[k]};
    }
    return _cmocka_run_group_tests("golden networks", tests, golden_count, NULL, NULL);
}
