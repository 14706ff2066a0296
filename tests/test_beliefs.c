/* What a network takes a function for: questions to copies of its state; and curves and beliefs in files and figures. */
#include "support/drawn.h"
#include "support/needs.h"

#include "base/file.h"
#include "figure/learning_to_learn.h"
#include "l2l/learning_file.h"
#include "net/sim.h"
#include "run/batch.h"
#include "run/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXAMPLES = 12, EPISODE = 2 };

/* Runs of both families, with networks that fire. */
typedef struct fixture {
    char folder[FOLDER_SIZE], teacher[FOLDER_SIZE + 20], sinusoid[FOLDER_SIZE + 20];
    lsnn_context *context;
} fixture;

static void train(const fixture *f, const char *path, const char *yaml, int tau_out) {
    lsnn_experiment *e;
    lsnn_result result;
    char text[1024];
    snprintf(text, sizeof text,
             "%s\nnet: {n_lif: 8, n_adaptive: 7, n_delay: 4, tau_out: %d, v_th: 0.01, n_ref: 2}\n"
             "l2l: {n_examples: %d, example_ms: 20, n_code: 30, code_width: 0.05, code_rate: 200}\n"
             "train: {iterations: 3, batch: 6, test_batches: 2, valid_batches: 1, valid_every: 3}",
             yaml, tau_out, EXAMPLES);
    need(experiment_parse(&e, "test", text, "file"));
    need(lsnn_train(e, f->context, &(lsnn_run_options){.out = path}, &result));
    assert_true(result.rate_hz > 5);
    lsnn_experiment_free(e);
}

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    folder_make(f->folder);
    snprintf(f->teacher, sizeof f->teacher, "%s/teacher", f->folder);
    snprintf(f->sinusoid, sizeof f->sinusoid, "%s/sinusoid", f->folder);
    need(lsnn_context_create(&f->context, 1));
    train(f, f->teacher, "task: l2l-teacher", 0);
    train(f, f->sinusoid, "task: l2l-sinusoid", 15);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    lsnn_context_free(f->context);
    folder_remove(f->folder);
    free(f);
    return 0;
}

static lsnn_beliefs *asked(const fixture *f, const char *run, const lsnn_question *question) {
    lsnn_beliefs *b = NULL;
    need(lsnn_beliefs_create(&b, run, f->context, NULL, question));
    return b;
}

/* The answers to an episode that runs from first step to last in one forward: [EXAMPLES]. */
static void answers_of(const fixture *f, const char *run, uint64_t episode, float *answers) {
    opened_model m;
    pass *p;
    batch *b;
    need(model_open(&m, run, &(lsnn_run_options){0}));
    pass_options options = setup_pass(m.experiment, m.task, false);
    need(pass_open(&p, m.model, f->context, &options));
    need(batch_create(&b, m.task, p, 1));
    need(batch_fill(b, SPLIT_TEST, 1, episode, 1));
    need(pass_forward(p));
    for (int k = 0; k < EXAMPLES; k++) {
        answers[k] = p->output[k * p->n_batch];
    }
    batch_free(b);
    pass_close(p);
    model_release(&m);
}

static bool same_bits(double a, double b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

/* The state that is asked is that of the episode, and the episode does not feel it. */
static void the_next_example_is_answered_as_in_the_episode(void **state) {
    const fixture *f = *state;
    static const int all[] = {EXAMPLES};
    const char *const runs[] = {f->teacher, f->sinusoid};
    for (int r = 0; r < 2; r++) {
        float whole[EXAMPLES];
        answers_of(f, runs[r], EPISODE, whole);
        lsnn_beliefs *shown = asked(f, runs[r], &(lsnn_question){.episode = EPISODE, .seen = all, .n_seen = 1});
        int n_inputs = shown->n_inputs;
        int n_apart = 0;
        assert_int_equal(shown->n_examples, EXAMPLES);
        for (int k = 0; k < EXAMPLES; k++) {
            const int seen[] = {0, k, EXAMPLES};
            const double points[4] = {shown->x[k * n_inputs], shown->x[k * n_inputs + n_inputs - 1], 0.1, 0.2};
            lsnn_beliefs *b =
                asked(f, runs[r],
                      &(lsnn_question){
                          .episode = EPISODE, .seen = k > 0 ? seen : seen + 1, .n_seen = k > 0 ? 3 : 2, .points = points, .n_points = 2});
            double belief = b->belief[k > 0 ? 2 : 0]; /* of the first point, after k examples */
            if (!same_bits(belief, (double)whole[k])) {
                fail_msg("example %d is answered %.9g in the episode, %.9g by the copy", k, (double)whole[k], belief);
            }
            n_apart += k > 0 && b->belief[0] != belief; /* the same question before the first example */
            for (int e = 0; e < EXAMPLES; e++) {
                assert_true(same_bits(b->answer[e], (double)whole[e]) && b->target[e] == shown->target[e]);
            }
            lsnn_beliefs_free(b);
        }
        assert_true(n_apart > EXAMPLES / 2);
        lsnn_beliefs_free(shown);
    }
}

static void a_grid_is_asked_point_by_point(void **state) {
    const fixture *f = *state;
    static const int seen[] = {1, 5};
    lsnn_beliefs *grid = asked(f, f->teacher, &(lsnn_question){.episode = EPISODE, .seen = seen, .n_seen = 2});
    lsnn_beliefs *line = asked(f, f->sinusoid, &(lsnn_question){.n_points = 5});
    assert_true(grid->n_points == 441 && grid->n_inputs == 2 && grid->episode == EPISODE);
    assert_true(grid->points[0] == -1 && grid->points[1] == -1 && fabs(grid->points[2] + 0.9) < 1e-12 && grid->points[881] == 1);
    assert_true(line->n_points == 5 && line->points[1] == -2.5 && line->target_range.high == 5 && line->input_range[0].low == -5);
    assert_true(line->n_seen == 4 && line->seen[3] == 10 && line->n_examples == 10);
    double least = 1, most = 0;
    for (int at = 0; at < 441; at++) {
        least = fmin(least, grid->value[at]);
        most = fmax(most, grid->value[at]);
    }
    assert_true(fabs(least) < 1e-12 && fabs(most - 1) < 1e-12);
    for (int at = 0; at < 441; at += 88) { /* a point alone, or among others and in another lane: the same */
        lsnn_beliefs *one = asked(
            f, f->teacher, &(lsnn_question){.episode = EPISODE, .seen = seen, .n_seen = 2, .points = grid->points + 2 * at, .n_points = 1});
        assert_true(same_bits(one->belief[0], grid->belief[at]) && same_bits(one->belief[1], grid->belief[441 + at]));
        assert_true(one->value[0] == grid->value[at]);
        lsnn_beliefs_free(one);
    }
    lsnn_beliefs_free(grid);
    lsnn_beliefs_free(line);
}

static void draws_are_averaged(void **state) {
    const fixture *f = *state;
    static const int seen[] = {4};
    const double point[] = {0.3, -0.4};
    lsnn_question q = {.seen = seen, .n_seen = 1, .points = point, .n_points = 1};
    double belief[4];
    for (int n = 1; n <= 3; n++) {
        q.n_draws = n;
        lsnn_beliefs *b = asked(f, f->teacher, &q);
        belief[n] = b->belief[0];
        lsnn_beliefs_free(b);
    }
    double second = 2 * belief[2] - belief[1], third = 3 * belief[3] - 2 * belief[2];
    assert_true(second != belief[1] && third != belief[1] && fabs(third - second) > 1e-9);
}

static void the_same_on_any_number_of_threads(void **state) {
    const fixture *f = *state;
    lsnn_context *three;
    need(lsnn_context_create(&three, 3));
    lsnn_beliefs *one = asked(f, f->teacher, &(lsnn_question){.episode = 5}), *many = NULL;
    need(lsnn_beliefs_create(&many, f->teacher, three, NULL, &(lsnn_question){.episode = 5}));
    assert_memory_equal(one->belief, many->belief, (size_t)one->n_seen * 441 * sizeof *one->belief);
    lsnn_beliefs_free(one);
    lsnn_beliefs_free(many);
    lsnn_context_free(three);
}

static void questions_out_of_range(void **state) {
    const fixture *f = *state;
    lsnn_beliefs *b = NULL;
    static const int falling[] = {3, 3}, negative[] = {-1}, late[] = {EXAMPLES + 1}, good[] = {2};
    const double point[] = {0, 0};
    const struct {
        lsnn_question question;
        const char *words;
    } wrong[] = {
        {{.seen = falling, .n_seen = 2}, "after 3 examples"},
        {{.seen = negative, .n_seen = 1}, "after -1 examples"},
        {{.seen = late, .n_seen = 1}, "13 examples; the numbers must rise, from 0 at least to 12 at most"},
        {{.seen = good, .n_seen = 0}, "asked 0 times"},
        {{.episode = -1}, "episode -1"},
        {{.n_points = 1}, "1 values of each input"},
        {{.n_points = -3}, "-3 values"},
        {{.n_points = 1001}, "1001 values of each input, of 2 inputs"},
        {{.points = point, .n_points = 0}, "0 points"},
        {{.n_draws = -1}, "-1 times"},
    };
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        need_error(lsnn_beliefs_create(&b, f->teacher, f->context, NULL, &wrong[k].question), LSNN_ERR_USAGE, wrong[k].words);
    }
    need_error(lsnn_beliefs_create(&b, f->teacher, f->context, &(lsnn_run_options){.split = "all"}, &(lsnn_question){0}), LSNN_ERR_USAGE,
               "split");
    need_error(lsnn_plot_beliefs(f->teacher, f->context, NULL, 0, 17, "figure.svg"), LSNN_ERR_USAGE, "17 episodes");
    need_error(lsnn_plot_beliefs(f->teacher, f->context, NULL, 0, 1, "figure.gif"), LSNN_ERR_USAGE, ".svg");
    need_error(lsnn_plot_learning(f->teacher, f->context, NULL, "figure.gif"), LSNN_ERR_USAGE, ".svg");
    assert_null(b);
}

static void other_networks_and_tasks(void **state) {
    const fixture *f = *state;
    char path[FOLDER_SIZE + 20];
    lsnn_beliefs *b = NULL;
    lsnn_experiment *e;
    lsnn_result result;
    static const char *const yaml[] = {
        "task: l2l-teacher\nnet: {kind: lstm, n_units: 3}\nl2l: {n_examples: 2, n_code: 3}\ntrain: {iterations: 1, batch: 2, test_batches: 1, valid_batches: 1}",
        "task: store-recall\nnet: {n_lif: 3}\ntrain: {iterations: 1, batch: 2, test_batches: 1, valid_batches: 1}"};
    static const char *const words[] = {"kind lstm", "tasks l2l-*"};
    for (int k = 0; k < 2; k++) {
        snprintf(path, sizeof path, "%s/other%d", f->folder, k);
        need(experiment_parse(&e, "other", yaml[k], "file"));
        need(lsnn_train(e, f->context, &(lsnn_run_options){.out = path}, &result));
        need_error(lsnn_beliefs_create(&b, path, f->context, NULL, &(lsnn_question){0}), LSNN_ERR_USAGE, words[k]);
        lsnn_experiment_free(e);
    }
    assert_null(b);
}

/* ---- files ---- */

static bool near(double a, double b, double digits) {
    return fabs(a - b) <= digits * fabs(b) + 1e-300;
}

static void write_file(const char *path, const char *text) {
    need(file_write_atomic(path, text, strlen(text)));
}

static void curves_come_back(void **state) {
    const fixture *f = *state;
    char path[FOLDER_SIZE + 20];
    kept_curves taken, read;
    snprintf(path, sizeof path, "%s/curves.json", f->folder);
    need(kept_curves_take(&taken, f->teacher, f->context, NULL));
    assert_true(taken.n == 8 && taken.curve[0].n_episodes == 12 && taken.curve[1].episode_error == NULL);
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        sum += taken.curve[0].episode_error[i] / 12;
    }
    assert_true(near(sum, taken.curve[0].mean, 1e-9));
    need(kept_curves_save(&taken, 3, path));
    need(kept_curves_load(&read, path));
    assert_int_equal(read.n, 3);
    for (int c = 0; c < 3; c++) {
        const lsnn_curve *one = &taken.curve[c], *other = &read.curve[c];
        assert_string_equal(one->name, other->name);
        assert_true(one->first == other->first && one->n_examples == other->n_examples && one->n_episodes == other->n_episodes);
        for (int k = 0; k < one->n_examples; k++) {
            assert_true(near(other->error[k], one->error[k], 1e-4) && near(other->interval[k], one->interval[k], 1e-4));
        }
        assert_true(near(other->mean, one->mean, 1e-4) && near(other->mean_interval, one->mean_interval, 1e-4));
    }
    for (int i = 0; i < 12; i++) {
        assert_true(near(read.curve[0].episode_error[i], taken.curve[0].episode_error[i], 1e-4));
    }
    assert_ptr_equal(kept_curves_find(&read, "network"), &read.curve[0]);
    assert_null(kept_curves_find(&read, "nobody"));
    kept_curves_release(&read);
    kept_curves_release(&taken);
    static const char *const wrong[] = {
        "",
        "[]",
        "{}",
        "{\"curves\": []}",
        "{\"curves\": [{}]}",
        "{\"curves\": [{\"name\": \"a\", \"n_episodes\": 1, \"first\": 0, \"n_examples\": 2, \"error\": [1], \"interval\": [1, 2], \"episode_error\": [1]}]}",
        "{\"curves\": [{\"name\": \"a\", \"n_episodes\": 1, \"first\": 0, \"n_examples\": 1, \"error\": [\"1\"], \"interval\": [1], \"episode_error\": [1]}]}",
        "{\"curves\": [{\"name\": \"a\", \"n_episodes\": 2, \"first\": 0, \"n_examples\": 1, \"error\": [1], \"interval\": [1], \"episode_error\": [1]}]}",
        "{\"curves\": [{\"name\": \"a\", \"n_episodes\": 1e99, \"first\": 0, \"n_examples\": 1, \"error\": [1], \"interval\": [1], \"episode_error\": [1]}]}"};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        write_file(path, wrong[k]);
        need_error(kept_curves_load(&read, path), LSNN_ERR_DATA, "curves.json");
        kept_curves_release(&read);
    }
}

static void beliefs_come_back(void **state) {
    const fixture *f = *state;
    char path[FOLDER_SIZE + 20];
    kept_beliefs taken, read;
    snprintf(path, sizeof path, "%s/beliefs.json", f->folder);
    need(kept_beliefs_take(&taken, 2, f->sinusoid, f->context, NULL, &(lsnn_question){.episode = 3, .n_points = 7}));
    need(kept_beliefs_save(&taken, path));
    need(kept_beliefs_load(&read, path));
    assert_int_equal(read.n, 2);
    for (int k = 0; k < 2; k++) {
        const lsnn_beliefs *one = taken.of[k], *other = read.of[k];
        assert_true(other->episode == 3 + k && one->episode == 3 + k);
        assert_true(other->n_inputs == 1 && other->n_points == 7 && other->n_seen == 4 && other->n_examples == 10);
        assert_true(other->target_range.low == -5 && other->input_range[0].high == 5 && other->seen[2] == 5);
        for (int at = 0; at < 28; at++) {
            assert_true(near(other->belief[at], one->belief[at], 1e-3));
        }
        for (int e = 0; e < 10; e++) {
            assert_true(near(other->x[e], one->x[e], 1e-3) && near(other->target[e], one->target[e], 1e-3));
            assert_true(near(other->answer[e], one->answer[e], 1e-3));
        }
        for (int at = 0; at < 7; at++) {
            assert_true(near(other->points[at], one->points[at], 1e-3) && near(other->value[at], one->value[at], 1e-3));
        }
    }
    kept_beliefs_release(&read);
    kept_beliefs_release(&taken);
#define SIZES \
    "\"input_range\": [[0, 1]], \"target_range\": [0, 1], \"x\": [1], \"target\": [1], \"answer\": [1], \"points\": [1], \"value\": [1], "
    static const char *const wrong[] = {
        "{\"beliefs\": []}",
        "{\"beliefs\": [{" SIZES "\"n_points\": 1, \"seen\": [2], \"belief\": [1]}]}",
        "{\"beliefs\": [{" SIZES "\"n_points\": 2, \"seen\": [1], \"belief\": [1]}]}",
        "{\"beliefs\": [{" SIZES "\"n_points\": 1, \"seen\": [], \"belief\": []}]}",
        "{\"beliefs\": [{" SIZES "\"n_points\": 1, \"seen\": [1], \"belief\": [1, 2]}]}",
        "{\"beliefs\": [{\"input_range\": [[1, 0]], \"target_range\": [0, 1], \"n_points\": 1, \"seen\": [0]}]}"};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        write_file(path, wrong[k]);
        need_error(kept_beliefs_load(&read, path), LSNN_ERR_DATA, "beliefs.json");
        kept_beliefs_release(&read);
    }
    write_file(path, "{\"beliefs\": [{" SIZES "\"n_points\": 1, \"seen\": [1], \"belief\": [1]}]}");
    need(kept_beliefs_load(&read, path));
    kept_beliefs_release(&read);
}

/* ---- figures ---- */

static void beliefs_are_drawn(void **state) {
    const fixture *f = *state;
    char path[FOLDER_SIZE + 20];
    snprintf(path, sizeof path, "%s/figure.svg", f->folder);
    need(lsnn_plot_beliefs(f->teacher, f->context, NULL, 1, 2, path));
    char *svg = drawn_text(path, NULL);
    assert_int_equal(drawn_count(svg, "<image"), 2 * 5 + 1); /* four beliefs and the function, twice; the scale */
    assert_int_equal(drawn_count(svg, ">after 1 example<"), 1);
    assert_int_equal(drawn_count(svg, ">the function<"), 1);
    free(svg);
    need(lsnn_plot_beliefs(f->sinusoid, f->context, NULL, 0, 3, path));
    svg = drawn_text(path, NULL);
    assert_int_equal(drawn_count(svg, "<image"), 0);
    assert_int_equal(drawn_count(svg, "#0072b2"), 3 * 4);
    assert_int_equal(drawn_count(svg, "<circle"), 3 * (1 + 2 + 5 + 10));
    free(svg);
    snprintf(path, sizeof path, "%s/figure.png", f->folder);
    need(lsnn_plot_beliefs(f->sinusoid, f->context, NULL, 0, 1, path));
}

static void curves_are_drawn(void **state) {
    const fixture *f = *state;
    char path[FOLDER_SIZE + 20];
    snprintf(path, sizeof path, "%s/figure.svg", f->folder);
    need(lsnn_plot_learning(f->teacher, f->context, NULL, path));
    char *svg = drawn_text(path, NULL);
    static const char *const words[] = {">network<", ">online backprop<", ">linear fit<", ">ridge on spikes, L2 100<", ">Squared error<"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        if (strstr(svg, words[k]) == NULL) {
            fail_msg("the figure lacks '%s'", words[k]);
        }
    }
    assert_int_equal(drawn_count(svg, "fill-opacity=\"0.2\""), 1); /* each with its interval */
    assert_int_equal(drawn_count(svg, "fill-opacity=\"0.1\""), 7);
    free(svg);
    const double zeros[3] = {0};
    const lsnn_curve flat = {.name = "flat", .n_episodes = 1, .n_examples = 3, .error = zeros, .interval = zeros};
    need_error(figure_of_examples("Nothing", &(example_line){.label = "flat", .curve = &flat}, 1, path), LSNN_ERR_DATA,
               "no error is above 0");
}

static void functions_of_three_inputs_are_not_drawn(void **state) {
    const fixture *f = *state;
    lsnn_beliefs b = {.n_inputs = 3, .n_points = 8, .n_seen = 1}, *of = &b;
    need_error(figure_of_beliefs("Three", &of, 1, "figure.svg"), LSNN_ERR_USAGE, "3 inputs");
    lsnn_beliefs *odd = asked(f, f->teacher, &(lsnn_question){.points = (const double[]){0, 0, 1, 1, 0, 1}, .n_points = 3});
    need_error(figure_of_beliefs("No grid", &odd, 1, "figure.svg"), LSNN_ERR_USAGE, "3 points");
    lsnn_beliefs_free(odd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_example_is_answered_as_in_the_episode),
        cmocka_unit_test(a_grid_is_asked_point_by_point),
        cmocka_unit_test(draws_are_averaged),
        cmocka_unit_test(the_same_on_any_number_of_threads),
        cmocka_unit_test(questions_out_of_range),
        cmocka_unit_test(other_networks_and_tasks),
        cmocka_unit_test(curves_come_back),
        cmocka_unit_test(beliefs_come_back),
        cmocka_unit_test(beliefs_are_drawn),
        cmocka_unit_test(curves_are_drawn),
        cmocka_unit_test(functions_of_three_inputs_are_not_drawn),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
