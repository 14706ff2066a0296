/* The order of samples: every epoch has each once, resumed or not; with lengths those of similar length come together. */
#include "run/sample_order.h"
#include "support/needs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_BATCH = 8, N_TRAIN = 203, N_VALID = 21 };

/* Many are as long as others. */
static int length_of(const task *t, split part, uint64_t index) {
    (void)t;
    return 1 + (int)((index * 37 + (uint64_t)part) % 50);
}

static const task_kind even = {.name = "even"}, uneven = {.name = "uneven", .length = length_of};

static task task_of(const task_kind *kind, int64_t n_train) {
    return (task){.kind = kind, .n_steps = 50, .n_samples = {n_train, N_VALID, N_VALID}};
}

static sample_order *order_of(const task *t, int64_t n_group) {
    sample_order *o;
    need(sample_order_create(&o, t, 5, N_BATCH));
    need(sample_order_set_group(o, n_group));
    return o;
}

static void every_sample_comes_as_often(void **state) {
    (void)state;
    static const int64_t groups[] = {1, 4, 1000};
    for (int k = 0; k < 6; k++) {
        task t = task_of(k < 3 ? &uneven : &even, N_TRAIN);
        sample_order *o = order_of(&t, groups[k % 3]);
        int n_seen[N_TRAIN] = {0};
        uint64_t index[N_BATCH];
        for (int64_t iteration = 0; iteration < N_TRAIN; iteration++) { /* eight whole epochs */
            sample_order_train(o, iteration, index);
            for (int b = 0; b < N_BATCH; b++) {
                assert_in_range(index[b], 0, N_TRAIN - 1);
                n_seen[index[b]]++;
            }
        }
        for (int n = 0; n < N_TRAIN; n++) { /* the last group may reach into the next epoch */
            int slack = k % 3 == 0 || k >= 3 ? 0 : 1;
            if (abs(n_seen[n] - N_BATCH) > slack) {
                fail_msg("group %d, %s: sample %d came %d times, not %d", (int)groups[k % 3], t.kind->name, n, n_seen[n], N_BATCH);
            }
        }
        sample_order_free(o);
    }
}

/* Steps that blocks of four lanes take in all. */
static int64_t steps_taken(int64_t n_group, int64_t n_iterations) {
    task t = task_of(&uneven, N_TRAIN);
    sample_order *o = order_of(&t, n_group);
    uint64_t index[N_BATCH];
    int64_t steps = 0;
    for (int64_t iteration = 0; iteration < n_iterations; iteration++) {
        sample_order_train(o, iteration, index);
        for (int b = 0; b < N_BATCH; b++) {
            int n = length_of(&t, SPLIT_TRAIN, index[b]);
            assert_true(b == 0 || n <= length_of(&t, SPLIT_TRAIN, index[b - 1])); /* from the longest to the shortest */
            steps += b % 4 == 0 ? 4 * n : 0;
        }
    }
    sample_order_free(o);
    return steps;
}

static void similar_lengths_come_together(void **state) {
    (void)state;
    int64_t own = 0;
    for (int n = 0; n < N_TRAIN; n++) {
        own += N_BATCH * length_of(NULL, SPLIT_TRAIN, (uint64_t)n);
    }
    int64_t one = steps_taken(1, N_TRAIN), five = steps_taken(5, N_TRAIN), all = steps_taken(25, N_TRAIN);
    assert_true(own < all && all < five && five < one);
    assert_true((double)all < 1.05 * (double)own);
    assert_true((double)one > 1.2 * (double)own);
}

/* Batches of a group come neither from long to short nor the other way round. */
static void batches_come_at_random(void **state) {
    (void)state;
    task t = task_of(&uneven, N_TRAIN);
    sample_order *o = order_of(&t, 25);
    uint64_t index[N_BATCH];
    int n_falls = 0, before = 0;
    for (int64_t iteration = 0; iteration < 25; iteration++) {
        sample_order_train(o, iteration, index);
        int n = length_of(&t, SPLIT_TRAIN, index[0]);
        n_falls += iteration > 0 && n < before;
        before = n;
    }
    assert_in_range(n_falls, 7, 17);
    sample_order_free(o);
}

static void an_iteration_needs_none_before_it(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        task t = task_of(k == 0 ? &even : &uneven, N_TRAIN);
        sample_order *through = order_of(&t, 4);
        for (int64_t iteration = 0; iteration < 120; iteration++) {
            uint64_t index[N_BATCH], again[N_BATCH];
            sample_order *fresh = order_of(&t, 4);
            sample_order_train(through, iteration, index);
            sample_order_train(fresh, iteration, again);
            assert_memory_equal(index, again, sizeof index);
            sample_order_free(fresh);
        }
        sample_order_free(through);
    }
}

static void a_split_has_each_once(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        task t = task_of(k == 0 ? &even : &uneven, 5); /* fewer than a batch */
        sample_order *o = order_of(&t, 4);
        for (int p = SPLIT_TRAIN; p < SPLITS; p++) {
            bool seen[N_VALID] = {false};
            int before = 50;
            for (int64_t first = 0; first < t.n_samples[p]; first += N_BATCH) {
                uint64_t index[N_BATCH];
                int n = t.n_samples[p] - first < N_BATCH ? (int)(t.n_samples[p] - first) : N_BATCH;
                need(sample_order_split(o, (split)p, (uint64_t)first, n, index));
                for (int b = 0; b < n; b++) {
                    int length = length_of(&t, (split)p, index[b]);
                    assert_true(index[b] < (uint64_t)t.n_samples[p] && !seen[index[b]]);
                    assert_true(k == 0 ? index[b] == (uint64_t)(first + b) : length <= before);
                    seen[index[b]] = true;
                    before = length;
                }
            }
        }
        sample_order_free(o);
    }
}

/* Data that have nothing to train on may still have a test. */
static void a_split_that_is_not_there_takes_nothing(void **state) {
    (void)state;
    task t = task_of(&uneven, -1);
    sample_order *o = order_of(&t, 4);
    uint64_t index[N_BATCH];
    need(sample_order_split(o, SPLIT_TEST, 0, N_BATCH, index));
    assert_true(length_of(&t, SPLIT_TEST, index[0]) >= length_of(&t, SPLIT_TEST, index[N_BATCH - 1]));
    sample_order_free(o);
}

static void samples_without_end_are_numbered(void **state) {
    (void)state;
    task t = task_of(&even, 0);
    sample_order *o = order_of(&t, 4);
    uint64_t index[N_BATCH];
    sample_order_train(o, 11, index);
    for (int b = 0; b < N_BATCH; b++) {
        assert_int_equal(index[b], 11 * N_BATCH + b);
    }
    sample_order_free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_sample_comes_as_often),
                                       cmocka_unit_test(similar_lengths_come_together),
                                       cmocka_unit_test(batches_come_at_random),
                                       cmocka_unit_test(an_iteration_needs_none_before_it),
                                       cmocka_unit_test(a_split_has_each_once),
                                       cmocka_unit_test(samples_without_end_are_numbered),
                                       cmocka_unit_test(a_split_that_is_not_there_takes_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
