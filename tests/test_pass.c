/* A batch's blocks: samples that share memory of the input are written by one thread. */
#include "model/model.h"

#include <stdlib.h>

/* after lsnn's headers: cmocka has a macro named fail */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void need(lsnn_status status) {
    if (status != LSNN_OK) {
        fail_msg("%s: %s", lsnn_status_name(status), lsnn_error());
    }
}

static int block_of(const pass *p, int b) {
    int k = 0;
    while (b >= pass_block_begin(p, k + 1)) {
        k++;
    }
    return k;
}

static void check_batch(const model *m, lsnn_context *context, int n_batch) {
    const int start = 0, stop = 5;
    const pass_options options = {
        .n_batch = n_batch, .n_steps = 5, .n_windows = 1, .window_start = &start, .window_stop = &stop, .train = true};
    pass *p = NULL;
    need(pass_open(&p, m, context, &options));
    need(pass_begin(p, true, 0, NULL));
    assert_int_equal(pass_block_begin(p, 0), 0);
    assert_int_equal(pass_block_begin(p, p->n_blocks), n_batch);
    for (int k = 0; k < p->n_blocks; k++) {
        assert_true(pass_block_begin(p, k) < pass_block_begin(p, k + 1));
    }
    for (int b = 0; b + 1 < n_batch; b++) {
        bool share = pass_lane(p, b).masks != NULL && pass_lane(p, b).masks == pass_lane(p, b + 1).masks;
        if (share && block_of(p, b) != block_of(p, b + 1)) {
            fail_msg("%d samples: %d and %d share the masks of their input, but are of blocks %d and %d", n_batch, b, b + 1, block_of(p, b),
                     block_of(p, b + 1));
        }
    }
    pass_close(p);
}

static void samples_that_share_memory_are_of_one_block(void **state) {
    static const char *const kinds[] = {"net.kind=lsnn", "net.kind=lstm", "net.kind=rnn"};
    static const int batches[] = {1, 2, 7, 8, 9, 15, 16, 17, 20, 25, 31, 32, 33, 40, 48, 50, 63, 64, 65, 100};
    const model_shape shape = {.n_in = 3, .n_out = 2, .input = LSNN_SPIKES};
    lsnn_context *context;
    (void)state;
    need(lsnn_context_create(&context, 1));
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        lsnn_experiment *e;
        model *m;
        need(lsnn_experiment_open(&e, "digits"));
        need(lsnn_experiment_set(e, kinds[kind]));
        need(model_create(&m, e, &shape));
        for (size_t k = 0; k < sizeof batches / sizeof *batches; k++) {
            check_batch(m, context, batches[k]);
        }
        model_free(m);
        lsnn_experiment_free(e);
    }
    lsnn_context_free(context);
}

int main(void) {
    setenv("LSNN_SHARE", LSNN_SOURCE_DIR, 1);
    const struct CMUnitTest tests[] = {cmocka_unit_test(samples_that_share_memory_are_of_one_block)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
