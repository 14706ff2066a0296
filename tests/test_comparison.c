/* The figures of several runs, and of a network's connections: made-up runs and small networks are drawn, and the figures say what they must say. */
#include "base/file.h"
#include "figure/comparison.h"
#include "figure/panel.h"
#include "figure/score_scale.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/drawn.h"

static char folder[512];

static char *in_folder(char path[1024], const char *name) {
    snprintf(path, 1024, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state) {
    (void)state;
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/lsnn_comparison_XXXXXX", parent == NULL ? "/tmp" : parent);
    return mkdtemp(folder) == NULL || setenv("LSNN_SHARE", LSNN_SOURCE_DIR, 1) != 0;
}

static int remove_folder(void **state) {
    char command[600];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

typedef lsnn_status figure(const comparison *c, const char *path);

/* Draws in all formats, twice; returns the SVG, which the caller frees. */
static char *drawn(figure *draw, const comparison *c) {
    static const char *const endings[] = {"png", "pdf", "svg"}, *const beginnings[] = {"\x89PNG", "%PDF-", "<?xml"};
    char one[1024], two[1024], name[32], *svg = NULL;
    for (size_t k = 0; k < 3; k++) {
        size_t n = 0, n_two = 0;
        snprintf(name, sizeof name, "one.%s", endings[k]);
        if (draw(c, in_folder(one, name)) != LSNN_OK) {
            fail_msg("%s: %s", name, lsnn_error());
        }
        snprintf(name, sizeof name, "two.%s", endings[k]);
        assert_int_equal(draw(c, in_folder(two, name)), LSNN_OK);
        char *bytes = drawn_text(one, &n), *again = drawn_text(two, &n_two);
        assert_true(n == n_two && memcmp(bytes, again, n) == 0);
        assert_memory_equal(bytes, beginnings[k], strlen(beginnings[k]));
        free(again);
        free(k < 2 ? bytes : NULL);
        svg = k == 2 ? bytes : NULL;
    }
    assert_null(strstr(svg, "nan"));
    assert_null(strstr(svg, "inf"));
    return svg;
}

static void assert_refused(figure *draw, const comparison *c, const char *name, lsnn_status status, const char *words) {
    char path[1024];
    assert_int_equal(draw(c, in_folder(path, name)), status);
    if (strstr(lsnn_error(), words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", lsnn_error(), words);
    }
    assert_int_not_equal(access(path, F_OK), 0);
}

/* ---- made-up runs ---- */

enum { MAX_POINTS = 40, MAX_RUNS = 4, MAX_ROWS = 12 };

typedef struct made {
    comparison c;
    compared_row rows[MAX_ROWS];
    compared_run runs[MAX_ROWS][MAX_RUNS];
    double iterations[MAX_ROWS][MAX_RUNS][MAX_POINTS], curves[MAX_ROWS][MAX_RUNS][MAX_POINTS];
    char labels[MAX_ROWS][32];
} made;

/* Rows of n_runs runs with n_points validations at 100, 200...; scores are near 0.9. */
static made *make(int n_rows, int n_runs, size_t n_points) {
    made *m = calloc(1, sizeof *m);
    assert_non_null(m);
    m->c = (comparison){.title = "Made up", .score_name = "accuracy", .data = "on test data", .n_rows = n_rows, .rows = m->rows};
    for (int k = 0; k < n_rows; k++) {
        snprintf(m->labels[k], sizeof m->labels[k], "network %d", k);
        m->rows[k] = (compared_row){.label = m->labels[k],
                                    .value = NAN,
                                    .n_runs = n_runs,
                                    .runs = m->runs[k],
                                    .paper_mean = NAN,
                                    .paper_best = NAN,
                                    .spikes = NAN,
                                    .operations = NAN};
        for (int r = 0; r < n_runs; r++) {
            m->runs[k][r] = (compared_run){(uint64_t)r + 1, 0.9 + 0.01 * r - 0.003 * k, n_points, m->iterations[k][r], m->curves[k][r]};
            for (size_t i = 0; i < n_points; i++) {
                m->iterations[k][r][i] = 100 * (double)(i + 1);
                m->curves[k][r][i] = 0.9 - 0.8 / (double)(i + 1) + 0.01 * r;
            }
        }
    }
    return m;
}

/* The rows of the paper's table. */
static made *make_table(void) {
    made *m = make(6, 3, 20);
    static const char *const labels[] = {"LSNN, 12 % by DEEP R", "LSNN, fully connected", "LIF, without adaptation", "LSTM", "RNN",
                                         "LSNN, 2 ms a pixel"};
    static const double scores[6][3] = {{.952, .955, .956}, {.935, NAN, NAN}, {.62, .58, .65},
                                        {.983, .985, NAN},  {NAN, NAN, NAN},  {.96, NAN, NAN}};
    static const int n_runs[] = {3, 1, 3, 2, 0, 2};
    for (int k = 0; k < 6; k++) {
        m->rows[k].label = labels[k];
        m->rows[k].n_runs = n_runs[k];
        for (int r = 0; r < 3; r++) {
            m->runs[k][r].score = scores[k][r];
        }
    }
    m->rows[0].paper_mean = .942;
    m->rows[0].paper_best = .947;
    m->rows[0].spikes = 7384;
    m->rows[0].operations = 300700;
    m->rows[3].operations = 5.6e7;
    return m;
}

/* The number of attribute `name` in the n-th circle (from 0) of that radius. */
static double circle(const char *svg, const char *name, const char *radius, size_t n) {
    char end[32], begin[32];
    snprintf(end, sizeof end, "r=\"%s\"", radius);
    snprintf(begin, sizeof begin, " %s=\"", name);
    for (const char *at = strstr(svg, "<circle"); at != NULL; at = strstr(at + 1, "<circle")) {
        const char *close = strchr(at, '>'), *found = strstr(at, end);
        if (found != NULL && found < close && n-- == 0) {
            return strtod(strstr(at, begin) + strlen(begin), NULL);
        }
    }
    fail_msg("there is no such circle");
    return NAN;
}

static const char run_radius[] = "2.4";

/* ---- scores ---- */

static void test_scores(void **state) {
    (void)state;
    made *m = make_table();
    char *svg = drawn(figure_of_scores, &m->c);
    static const char *const words[] = {"Made up: accuracy on test data",
                                        "LSNN, 12 % by DEEP R",
                                        "LSNN, 2 ms a pixel",
                                        ">not run<",
                                        ">RNN<",
                                        "Accuracy (%)",
                                        ">95.4 ± 0.2<",
                                        ">95.6<",
                                        ">94.2<",
                                        ">94.7<",
                                        ">93.5<",
                                        ">61.7 ± 3.5<",
                                        ">98.4 ± 0.1<",
                                        ">1 of 2<",
                                        "the paper's best",
                                        ">98</text>"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        drawn_says(svg, words[k]);
    }
    /* The key's dot, and one for each finished run. */
    assert_int_equal(drawn_count(svg, "r=\"2.4\""), 1 + 10);
    /* A row at 60 % does not squeeze those above 93 %: 93.5 and 98.5 are a third of the axis apart. */
    double low = circle(svg, "cx", run_radius, 6), good = circle(svg, "cx", run_radius, 4), best = circle(svg, "cx", run_radius, 9);
    assert_true(low < good && good < best);
    if (best - good < (best - low) / 3) {
        fail_msg("60 %% lies at %g, 93.5 %% at %g, 98.5 %% at %g", low, good, best);
    }
    free(svg);
    free(m);
}

static void test_scores_without_the_paper(void **state) {
    (void)state;
    made *m = make(12, 3, 0);
    char *svg = drawn(figure_of_scores, &m->c);
    assert_null(strstr(svg, "paper"));
    assert_int_equal(drawn_count(svg, ">network "), 12);
    free(svg);
    free(m);
}

static void test_scores_of_all_sorts(void **state) {
    static const double sets[][3] = {
        {0.9, 0.9, 0.9}, {1, 1, 1},     {0, 0, 0},      {0, 0.5, 1},       {NAN, NAN, NAN}, {INFINITY, -INFINITY, 0.5},
        {-3, 2, 1e300},  {0.1, 1, 0.9}, {1e-300, 1, 0}, {-1e308, 1e308, 0}};
    static const char *const names[] = {"accuracy", "recall error", "mean squared error", ""};
    (void)state;
    made *m = make(2, 3, 3);
    for (size_t name = 0; name < 4; name++) {
        m->c.score_name = names[name];
        for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
            for (int r = 0; r < 3; r++) {
                m->runs[0][r].score = sets[k][r];
                m->curves[0][r][1] = sets[k][r];
                m->rows[1].paper_best = sets[k][r];
            }
            free(drawn(figure_of_scores, &m->c));
            free(drawn(figure_of_learning, &m->c));
            m->c.setting = "net.beta";
            m->rows[0].value = sets[k][1];
            m->rows[1].value = 3;
            free(drawn(figure_of_sweep, &m->c));
        }
    }
    free(m);
}

static void test_score_names(void **state) {
    (void)state;
    made *m = make(1, 2, 0);
    m->runs[0][0].score = 0.05;
    m->runs[0][1].score = 0.004;
    m->c.score_name = "recall error";
    char *svg = drawn(figure_of_scores, &m->c);
    drawn_says(svg, "Recall error (%)");
    drawn_says(svg, ">0.40<"); /* the best of errors is the lowest */
    free(svg);
    m->c.score_name = "mean squared error";
    svg = drawn(figure_of_scores, &m->c);
    drawn_says(svg, ">Mean squared error<");
    drawn_says(svg, ">0.004<");
    free(svg);
    free(m);
}

static void test_no_runs(void **state) {
    (void)state;
    made *m = make(3, 0, 0);
    char *svg = drawn(figure_of_scores, &m->c);
    assert_int_equal(drawn_count(svg, ">not run<"), 3);
    free(svg);
    assert_refused(figure_of_learning, &m->c, "none.svg", LSNN_ERR_DATA, "no run has been validated");
    assert_refused(figure_of_operations, &m->c, "none.svg", LSNN_ERR_DATA, "no network's operations");
    m->c.setting = "net.beta";
    m->rows[0].value = 1;
    svg = drawn(figure_of_sweep, &m->c);
    drawn_says(svg, "no run is finished");
    free(svg);
    m->c.n_rows = 0;
    assert_refused(figure_of_scores, &m->c, "none.svg", LSNN_ERR_USAGE, "no network");
    assert_refused(figure_of_operations, &m->c, "none.svg", LSNN_ERR_USAGE, "no network");
    assert_refused(figure_of_learning, &m->c, "none.svg", LSNN_ERR_DATA, "no run");
    assert_refused(figure_of_sweep, &m->c, "none.svg", LSNN_ERR_USAGE, "no setting");
    free(m);
}

static void test_long_labels(void **state) {
    static const char *const words[] = {"<&>", "Überanpassung ", "\xff\x01", "W", "€"};
    char label[2000];
    (void)state;
    made *m = make(3, 2, 5);
    m->rows[0].spikes = 10;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        label[0] = '\0';
        while (strlen(label) + strlen(words[k]) < sizeof label) {
            strcat(label, words[k]);
        }
        m->rows[1].label = m->c.title = label;
        free(drawn(figure_of_scores, &m->c));
        free(drawn(figure_of_operations, &m->c));
        char *svg = drawn(figure_of_learning, &m->c);
        drawn_says(svg, "...</text>");
        free(svg);
    }
    m->rows[1].label = "";
    free(drawn(figure_of_scores, &m->c));
    free(m);
}

static void test_paths_that_can_not_be_written(void **state) {
    (void)state;
    made *m = make(2, 2, 5);
    figure *const figures[] = {figure_of_scores, figure_of_learning, figure_of_operations, figure_of_sweep};
    m->c.setting = "net.beta";
    m->rows[0].value = 1;
    m->rows[0].spikes = 1;
    for (size_t k = 0; k < 4; k++) {
        assert_refused(figures[k], &m->c, "figure.gif", LSNN_ERR_USAGE, ".svg");
        assert_refused(figures[k], &m->c, "nowhere/figure.svg", LSNN_ERR_IO, "nowhere");
    }
    free(m);
}

/* ---- curves ---- */

static const char band[] = "fill-opacity=\"0.18\"", thin[] = "stroke-opacity=\"0.6\"";

static void test_learning(void **state) {
    (void)state;
    made *m = make(3, 3, 20);
    m->rows[1].n_runs = 1;
    m->rows[2].n_runs = 0;
    char *svg = drawn(figure_of_learning, &m->c);
    drawn_says(svg, "Validation accuracy (%)");
    drawn_says(svg, ">Iteration<");
    drawn_says(svg, ">network 0<");
    drawn_says(svg, ">network 1<");
    assert_null(strstr(svg, ">network 2<"));
    assert_int_equal(drawn_count(svg, band), 1); /* one run has no spread */
    assert_int_equal(drawn_count(svg, thin), 0);
    free(svg);
    free(m);
}

static void test_curves_of_different_lengths(void **state) {
    (void)state;
    made *m = make(2, 3, 20);
    m->runs[0][1].n_curve = 7;
    m->runs[0][2].n_curve = 0; /* has not begun */
    char *svg = drawn(figure_of_learning, &m->c);
    assert_int_equal(drawn_count(svg, band), 2);
    assert_int_equal(drawn_count(svg, thin), 1); /* run 0 goes on alone */
    free(svg);
    /* The means of iterations that both have: every second of run 0, and the rest of it is not drawn twice. */
    for (size_t i = 0; i < 7; i++) {
        m->iterations[0][1][i] = 200 * (double)(i + 1);
    }
    m->curves[0][1][2] = NAN;
    svg = drawn(figure_of_learning, &m->c);
    assert_int_equal(drawn_count(svg, thin), 1);
    free(svg);
    /* None in common: all runs as thin lines. */
    for (size_t i = 0; i < 7; i++) {
        m->iterations[0][1][i] += 50;
    }
    svg = drawn(figure_of_learning, &m->c);
    assert_int_equal(drawn_count(svg, band), 1);
    assert_int_equal(drawn_count(svg, thin), 2);
    free(svg);
    free(m);
}

static void test_sweep(void **state) {
    static const double linear[] = {1, 2, 3}, logarithmic[] = {10, 100, 1000};
    (void)state;
    made *m = make(4, 1, 0);
    m->c.setting = "net.tau_a (ms)";
    m->rows[0].paper_mean = 0.8;
    for (int k = 0; k < 2; k++) {
        for (int row = 0; row < 3; row++) { /* not in order: from the highest down */
            m->rows[row].value = (k == 0 ? linear : logarithmic)[2 - row];
        }
        char *svg = drawn(figure_of_sweep, &m->c);
        drawn_says(svg, ">net.tau_a (ms)<");
        drawn_says(svg, ">Accuracy (%)<");
        drawn_says(svg, "the paper's mean");
        assert_int_equal(drawn_count(svg, "r=\"2.4\""), 1 + 3); /* the row without a value is left out */
        double low = circle(svg, "cx", run_radius, 1), half = circle(svg, "cx", run_radius, 2), high = circle(svg, "cx", run_radius, 3);
        assert_true(low < half && half < high);
        if (fabs(half - (low + high) / 2) > 0.02) {
            fail_msg("the values lie at %g, %g and %g", low, half, high);
        }
        free(svg);
    }
    m->c.setting = NULL;
    assert_refused(figure_of_sweep, &m->c, "none.svg", LSNN_ERR_USAGE, "no setting is varied");
    free(m);
}

static void test_operations(void **state) {
    (void)state;
    made *m = make_table();
    char *svg = drawn(figure_of_operations, &m->c);
    drawn_says(svg, ">7,380 spikes<");
    drawn_says(svg, ">301,000 synaptic operations<");
    drawn_says(svg, ">56 million multiply-adds<");
    assert_int_equal(drawn_count(svg, ">not known<"), 3);
    assert_int_equal(drawn_count(svg, ">not run<"), 1);
    free(svg);
    static const double strange[] = {0, -1, INFINITY, 1e-300, 1e308, 999.9, 999999, 1};
    for (size_t k = 0; k < sizeof strange / sizeof *strange; k++) {
        m->rows[1].operations = m->rows[2].spikes = strange[k];
        free(drawn(figure_of_operations, &m->c));
    }
    free(m);
}

/* ---- axes ---- */

static void test_axis_to_hundred(void **state) {
    (void)state;
    panel where = {.x = 100, .width = 300, .across = {.low = 0, .high = 99.9, .logarithmic = true, .to_hundred = true}};
    assert_float_equal(panel_x(&where, 0), 100, 1e-6);
    assert_float_equal(panel_x(&where, 90), 200, 1e-6);
    assert_float_equal(panel_x(&where, 99), 300, 1e-6);
    assert_float_equal(panel_x(&where, 99.9), 400, 1e-6);
    assert_float_equal(panel_x(&where, 100), 400, 1e-6);
    assert_float_equal(panel_x(&where, -5), 100, 1e-6);
    assert_float_equal(panel_x(&where, NAN), 400, 300); /* on the panel */
}

static void test_score_axes(void **state) {
    (void)state;
    score_scale scale = score_scale_of("accuracy");
    score_take_in(&scale, 0.95);
    score_take_in(&scale, 0.96);
    axis narrow = score_axis(&scale);
    assert_false(narrow.logarithmic);
    assert_true(narrow.low < 95 && narrow.low > 90 && narrow.high > 96 && narrow.high <= 100);
    score_take_in(&scale, 0.6);
    score_take_in(&scale, 1.0);
    axis wide = score_axis(&scale);
    assert_true(wide.to_hundred && wide.low < 60 && wide.high > 96 && wide.high < 100);
    assert_true(score_better(&scale, 0.9, 0.8) && score_better(&scale, 0, NAN) && !score_better(&scale, NAN, 0));
    scale = score_scale_of("mean squared error");
    assert_false(scale.percent);
    assert_true(score_better(&scale, 0.8, 0.9));
    assert_true(score_scale_of("recall error").percent);
}

/* ---- connections ---- */

/* A tiny network, trained for two iterations, in folder/name. */
static void train(const char *name, const char *const *settings) {
    static const char *const common[] = {"net.n_lif=6",   "net.n_adaptive=5", "train.iterations=2",
                                         "train.batch=8", "image.n_valid=20", "image.n_test=20"};
    char path[1024];
    lsnn_experiment *e = NULL;
    lsnn_context *context = NULL;
    lsnn_result result;
    assert_int_equal(lsnn_experiment_open(&e, "digits"), LSNN_OK);
    bool lstm = strncmp(settings[0], "net.kind", 8) == 0;
    for (size_t k = lstm ? 2 : 0; k < sizeof common / sizeof *common; k++) {
        assert_int_equal(lsnn_experiment_set(e, common[k]), LSNN_OK);
    }
    for (; *settings != NULL; settings++) {
        if (lsnn_experiment_set(e, *settings) != LSNN_OK) {
            fail_msg("%s: %s", *settings, lsnn_error());
        }
    }
    assert_int_equal(lsnn_context_create(&context, 1), LSNN_OK);
    if (lsnn_train(e, context, &(lsnn_run_options){.out = in_folder(path, name)}, &result) != LSNN_OK) {
        fail_msg("%s: %s", name, lsnn_error());
    }
    lsnn_context_free(context);
    lsnn_experiment_free(e);
}

static char *connections_of(const char *name, const char *ending) {
    char source[1024], figure_path[1024], drawing[32];
    size_t n;
    snprintf(drawing, sizeof drawing, "connections.%s", ending);
    if (lsnn_plot_connections(in_folder(source, name), in_folder(figure_path, drawing)) != LSNN_OK) {
        fail_msg("%s: %s", name, lsnn_error());
    }
    return drawn_text(figure_path, &n);
}

static void test_connections(void **state) {
    (void)state;
    train("deepr", (const char *const[]){"net.excitatory=0.75", "net.init=balanced", "rewire.connectivity=0.2", "rewire.l1=5", NULL});
    char *svg = connections_of("deepr", "svg"), *again = connections_of("deepr/best.safetensors", "svg");
    assert_string_equal(svg, again);
    /* 18 inputs, 11 neurons, 10 outputs: 11 * 39 synapses were possible with the diagonal. */
    drawn_says(svg, ">As drawn: 85 synapses<");
    drawn_says(svg, ">After training: 85 synapses, ");
    assert_null(strstr(svg, ", 85 of them"));
    drawn_says(svg, ">18 inputs<");
    drawn_says(svg, ">6 LIF<");
    drawn_says(svg, ">5 adaptive<");
    assert_int_equal(drawn_count(svg, ">E</text>"), 6);
    assert_int_equal(drawn_count(svg, "<image"), 2 * 8); /* inputs do not reach outputs */
    free(svg);
    free(again);
    free(connections_of("deepr", "png"));
    free(connections_of("deepr", "pdf"));
}

static void test_connections_of_a_dense_network(void **state) {
    (void)state;
    train("dense", (const char *const[]){"net.n_adaptive=0", "train.lr=0.1", NULL});
    char *svg = connections_of("dense", "svg");
    drawn_says(svg, ">After training: 198 synapses, 198 of them as drawn<"); /* 6 * (18 + 5 + 10) */
    assert_null(strstr(svg, "adaptive"));
    assert_null(strstr(svg, ">E</text>"));
    assert_int_equal(drawn_count(svg, ">100</text>"), 2 * 3);
    free(svg);
}

static void test_connections_that_can_not_be_drawn(void **state) {
    char source[1024], path[1024];
    (void)state;
    train("lstm", (const char *const[]){"net.kind=lstm", "net.n_units=4", NULL});
    in_folder(path, "none.svg");
    assert_int_equal(lsnn_plot_connections(in_folder(source, "lstm"), path), LSNN_ERR_USAGE);
    drawn_says(lsnn_error(), "lstm");
    assert_int_equal(lsnn_plot_connections(in_folder(source, "nothing"), path), LSNN_ERR_IO);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(lsnn_plot_connections("smnist-deepr", in_folder(path, "none.gif")), LSNN_ERR_USAGE);
}

/* The network that ships needs no data. Every synapse that training left is one of 8,184. */
static void test_connections_of_a_model_that_ships(void **state) {
    char path[1024];
    size_t n;
    (void)state;
    if (lsnn_plot_connections("smnist-deepr", in_folder(path, "ships.svg")) != LSNN_OK) {
        fail_msg("%s", lsnn_error());
    }
    char *svg = drawn_text(path, &n);
    drawn_says(svg, ">As drawn: 8,184 synapses<");
    drawn_says(svg, ">After training: 8,184 synapses, ");
    free(svg);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scores),
        cmocka_unit_test(test_scores_without_the_paper),
        cmocka_unit_test(test_scores_of_all_sorts),
        cmocka_unit_test(test_score_names),
        cmocka_unit_test(test_no_runs),
        cmocka_unit_test(test_long_labels),
        cmocka_unit_test(test_paths_that_can_not_be_written),
        cmocka_unit_test(test_learning),
        cmocka_unit_test(test_curves_of_different_lengths),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_operations),
        cmocka_unit_test(test_axis_to_hundred),
        cmocka_unit_test(test_score_axes),
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_connections_of_a_dense_network),
        cmocka_unit_test(test_connections_that_can_not_be_drawn),
        cmocka_unit_test(test_connections_of_a_model_that_ships),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
