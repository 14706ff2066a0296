/* Plans of several runs: read from files and lists, and what their records come to. */
#include "base/file.h"
#include "study/heard.h"
#include "study/study.h"
#include "support/needs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file of this content in the test's folder. */
static void write_file(const char *path, const char *text) {
    need(file_write_atomic(path, text, strlen(text)));
}

typedef struct fixture {
    char folder[FOLDER_SIZE];
    char path[FOLDER_SIZE + 40];
} fixture;

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    folder_make(f->folder);
    snprintf(f->path, sizeof f->path, "%s/plan.yaml", f->folder);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    folder_remove(f->folder);
    free(f);
    return 0;
}

/* ---- plans ---- */

static void a_plan_is_read_as_it_stands(void **state) {
    const fixture *f = *state;
    plan p;
    write_file(f->path,
               "title: Two rows\ntext: some words\nshow: second\nrows:\n"
               "  first:\n    label: The first\n    experiment: digits\n    seeds: [1, 5]\n    set: [net.beta=0, train.lr=0.1]\n"
               "    paper: {mean: 0.5, best: 0.75}\n    remark: a remark\n"
               "  second:\n    experiment: store-recall\n");
    need(plan_open(&p, f->path));
    assert_string_equal(p.name, "plan");
    assert_string_equal(p.title, "Two rows");
    assert_string_equal(p.text, "some words");
    assert_string_equal(p.show, "second");
    assert_int_equal(p.n_rows, 2);
    assert_string_equal(p.rows[0].label, "The first");
    assert_int_equal(p.rows[0].n_seeds, 2);
    assert_int_equal(p.rows[0].seeds[1], 5);
    assert_int_equal(p.rows[0].n_settings, 2);
    assert_string_equal(p.rows[0].settings[1], "train.lr=0.1");
    assert_true(p.rows[0].paper_mean == 0.5 && p.rows[0].paper_best == 0.75);
    assert_string_equal(p.rows[1].label, "second"); /* its name, where there is no label */
    assert_int_equal(p.rows[1].n_seeds, 1);
    assert_true(isnan(p.rows[1].paper_mean));
    plan_release(&p);
}

static void a_damaged_plan_is_refused_with_its_line(void **state) {
    const fixture *f = *state;
    static const struct {
        const char *text, *message;
        lsnn_status status;
    } cases[] = {
        {"", "is empty", LSNN_ERR_DATA},
        {"rows: 3\n", ":1: rows: takes", LSNN_ERR_DATA},
        {"title: x\n", "has no rows", LSNN_ERR_DATA},
        {"rows:\n  a:\n    seeds: [1]\n", ":2: a: has no experiment", LSNN_ERR_DATA},
        {"rows:\n  a:\n    experiment: digits\n    seed: 1\n", ":4: a row has", LSNN_ERR_DATA},
        {"rows:\n  a:\n    experiment: digits\n    seeds: [1, x]\n", "seed 'x' is not", LSNN_ERR_USAGE},
        {"rows:\n  a:\n    experiment: digits\n    seeds: [-1]\n", "seed '-1' is not", LSNN_ERR_USAGE},
        {"rows:\n  a:\n    experiment: digits\n    seeds: 1\n", ":4: seeds: takes a list", LSNN_ERR_DATA},
        {"rows:\n  a:\n    experiment: digits\n    paper: {mean: much}\n", "mean: takes one number", LSNN_ERR_DATA},
        {"rows:\n  a:\n    experiment: digits\n    paper: {median: 1}\n", "not 'median'", LSNN_ERR_DATA},
        {"rows:\n  a/b:\n    experiment: digits\n", "a row's name becomes a file's", LSNN_ERR_DATA},
        {"rows:\n  ..:\n    experiment: digits\n", "a row's name becomes a file's", LSNN_ERR_DATA},
        {"rows:\n  a:\n    experiment: digits\n  a:\n    experiment: digits\n", "a: given twice, first in line 2", LSNN_ERR_DATA},
        {"rows:\n  a:\n    experiment: [digits]\n", "experiment: takes one text", LSNN_ERR_DATA},
        {"rows:\n  a: digits\n", ":2: rows: takes", LSNN_ERR_DATA},
        {"score: both\nrows:\n  a:\n    experiment: digits\n", ":1: score: takes test or validation", LSNN_ERR_DATA},
        {"rows:\n  a:\n    experiment: digits\n    against: b\n", "row a: against: there is no row 'b'", LSNN_ERR_DATA},
        {"sample_ms: long\nrows:\n  a:\n    experiment: digits\n", ":1: sample_ms: takes one number", LSNN_ERR_DATA},
        {"sample_ms: -4\nrows:\n  a:\n    experiment: digits\n", ":1: sample_ms: takes a number of ms above 0", LSNN_ERR_DATA},
        {"show: b\nrows:\n  a:\n    experiment: digits\n", "show: there is no row 'b'", LSNN_ERR_DATA},
        {"rows:\n  a:\n    experiment: digits\n    paper: {mean: }\n", "mean: takes one number", LSNN_ERR_DATA},
        {"rows:\n  a:\n    experiment: digits\n    set: [seed=3]\n", ":4: seed: not for a row to set", LSNN_ERR_USAGE},
        {"rows:\n  a:\n    experiment: digits\n    seeds: [99999999999999999999]\n", "seed '99999999999999999999' is not", LSNN_ERR_USAGE},
        {"move_ms: 0\nrows:\n  a:\n    experiment: digits\n", ":1: move_ms: takes a whole number", LSNN_ERR_DATA},
        {"move_ms: 1.5\nrows:\n  a:\n    experiment: digits\n", ":1: move_ms: takes a whole number", LSNN_ERR_DATA},
        {"tables: digits\n", ":1: tables: takes a list", LSNN_ERR_DATA},
        {"tables: [[digits]]\n", ":1: tables: takes a list of at most", LSNN_ERR_DATA},
        {"tables: [digits]\nrows:\n  a:\n    experiment: digits\n", "has rows and tables", LSNN_ERR_DATA},
        {"wrong: 1\nrows:\n  a:\n    experiment: digits\n", ":1: a plan has", LSNN_ERR_DATA},
        {"rows: &x\n  a:\n    experiment: digits\n", "anchors", LSNN_ERR_DATA},
        {"rows: [\n", "not YAML", LSNN_ERR_DATA},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        plan p;
        write_file(f->path, cases[k].text);
        need_error(plan_open(&p, f->path), cases[k].status, cases[k].message);
        plan_release(&p);
    }
}

static void the_tables_that_ship_can_be_read(void **state) {
    (void)state;
    static const char *const names[] = {"digits", "store-recall", "smnist", "l2l-teacher", "l2l-sinusoid", "navigation"};
    for (int k = 0; k < 6; k++) {
        plan p;
        need(plan_open(&p, names[k]));
        assert_true(p.n_rows > 0);
        plan_release(&p);
    }
    plan p;
    need(plan_open(&p, "l2l"));
    assert_int_equal(p.n_rows, 0);
    assert_int_equal(p.n_tables, 2);
    assert_string_equal(p.tables[1], "l2l-sinusoid");
    plan_release(&p);
    need_error(plan_open(&p, "smnits"), LSNN_ERR_USAGE, "did you mean smnist?");
    plan_release(&p);
}

static void a_sweep_is_cut_at_commas_outside_brackets(void **state) {
    (void)state;
    plan p;
    need(plan_sweep(&p, "digits", "net.tau_a", "700,[1, 2],10..20"));
    assert_int_equal(p.n_rows, 3);
    assert_true(p.rows[0].value == 700);
    assert_string_equal(p.rows[1].settings[0], "net.tau_a=[1, 2]");
    assert_string_equal(p.rows[1].name, "_1__2_");
    assert_true(isnan(p.rows[1].value) && isnan(p.rows[2].value));
    assert_string_equal(p.rows[2].name, "10..20");
    plan_release(&p);
    need(plan_sweep(&p, "digits", "net.beta", "0,1"));
    need_error(plan_choose(&p, NULL, NULL, (const char *const[]){"net.beta=3"}, 1), LSNN_ERR_USAGE, "net.beta: the sweep is over it");
    plan_release(&p);
    need_error(plan_sweep(&p, "digits", "seed", "1,2"), LSNN_ERR_USAGE, "seed: not for a row to set");
    plan_release(&p);
    static const char *const wrong[] = {"", "1,", ",1", "1,,2", "1,1", "1 2,1_2"};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        need_error(plan_sweep(&p, "digits", "net.tau_a", wrong[k]), LSNN_ERR_USAGE, NULL);
        plan_release(&p);
    }
}

static void rows_and_seeds_can_be_chosen(void **state) {
    (void)state;
    plan p;
    static const char *const settings[] = {"train.iterations=3"};
    need(plan_open(&p, "store-recall"));
    need(plan_choose(&p, "store-recall-lif,store-recall", "3..5,9", settings, 1));
    assert_true(p.rows[0].is_chosen && !p.rows[1].is_chosen && p.rows[2].is_chosen);
    assert_int_equal(p.rows[2].n_seeds, 4);
    assert_int_equal(p.rows[2].seeds[0], 3);
    assert_int_equal(p.rows[2].seeds[3], 9);
    assert_string_equal(p.rows[2].settings[p.rows[2].n_settings - 1], "train.iterations=3");
    static const char *const wrong_seeds[] = {"", "x", "1,", "5..3", "1..200", "-1", "1...3", "1.5"};
    for (size_t k = 0; k < sizeof wrong_seeds / sizeof *wrong_seeds; k++) {
        need_error(plan_choose(&p, NULL, wrong_seeds[k], NULL, 0), LSNN_ERR_USAGE, NULL);
    }
    need_error(plan_choose(&p, "store-recall,none", NULL, NULL, 0), LSNN_ERR_USAGE, "no row 'none'; it has store-recall, ");
    plan_release(&p);
}

/* ---- records ---- */

static void add_record(const fixture *f, const char *row, uint64_t seed, double score, double valid, const char *score_name) {
    char folder[FOLDER_SIZE + 20], from[FOLDER_SIZE + 60], to[FOLDER_SIZE + 200];
    run_record r = {.result = {.seed = seed,
                               .score = score,
                               .n = 10,
                               .iterations = 36000,
                               .seconds = 100,
                               .rate_hz = 10,
                               .spikes = 1000,
                               .operations = 1234567},
                    .best_valid_score = valid,
                    .n_threads = 2,
                    .isa = "avx2",
                    .processor = "a processor",
                    .version = "0.1.0",
                    .kind = "lsnn",
                    .n_synapses = 8184,
                    .n_possible = 67980,
                    .changes = strdup("--set net.beta=0")};
    snprintf(r.result.experiment, sizeof r.result.experiment, "digits");
    snprintf(r.result.score_name, sizeof r.result.score_name, "%s", score_name);
    need(score_curve_add(&r.curve, 500, valid / 2));
    need(score_curve_add(&r.curve, 1000, valid));
    snprintf(folder, sizeof folder, "%s/records", f->folder);
    need(folder_create(folder));
    need(record_save(folder, &r));
    record_release(&r);
    snprintf(from, sizeof from, "%s/result.json", folder);
    snprintf(to, sizeof to, "%s/%s-seed%d.json", folder, row, (int)seed);
    assert_int_equal(rename(from, to), 0);
}

static void open_study(study *s, const fixture *f, const char *rows) {
    char text[1024];
    snprintf(text, sizeof text, "title: A table\nrows:\n%s", rows);
    write_file(f->path, text);
    *s = (study){.command = "lsnn reproduce plan"};
    snprintf(s->folder, sizeof s->folder, "%s", f->folder);
    need(plan_open(&s->plan, f->path));
    need(study_collect(s));
}

static const char two_rows[] =
    "  net:\n    label: The network\n    experiment: digits\n    paper: {mean: 0.942, best: 0.947}\n"
    "  net-2ms:\n    label: Another\n    experiment: digits\n";

static void a_record_comes_back_as_it_was(void **state) {
    const fixture *f = *state;
    char path[FOLDER_SIZE + 100];
    run_record r;
    add_record(f, "net", 7, 0.25, NAN, "accuracy");
    snprintf(path, sizeof path, "%s/records/net-seed7.json", f->folder);
    need(record_read_file(path, &r));
    assert_true(r.result.score == 0.25 && isnan(r.best_valid_score) && r.result.operations == 1234567 && r.result.spikes == 1000);
    assert_string_equal(r.changes, "--set net.beta=0");
    assert_string_equal(r.processor, "a processor");
    assert_int_equal(r.n_possible, 67980);
    assert_int_equal(r.curve.n, 0); /* scores that are not numbers are no points */
    record_release(&r);
}

static void records_are_sorted_into_their_rows(void **state) {
    const fixture *f = *state;
    study s;
    add_record(f, "net", 10, 0.950, 0.970, "accuracy");
    add_record(f, "net", 2, 0.955, 0.960, "accuracy");
    add_record(f, "net", 1, 0.945, 0.965, "accuracy");
    add_record(f, "net-2ms", 1, 0.6, 0.6, "accuracy"); /* not of row "net" */
    open_study(&s, f, two_rows);
    assert_int_equal(s.rows[0].n, 3);
    assert_int_equal(s.rows[1].n, 1);
    assert_int_equal(s.rows[0].records[0].result.seed, 1);
    assert_int_equal(s.rows[0].records[2].result.seed, 10); /* by number, not by letter */
    row_summary sum = study_summary(&s.rows[0]);
    assert_true(fabs(sum.mean - 0.95) < 1e-12 && fabs(sum.deviation - 0.005) < 1e-12 && sum.best == 0.955);
    assert_true(isnan(study_summary(&s.rows[1]).deviation));
    assert_int_equal(study_best(&s.rows[0])->result.seed, 10); /* by validation, not by test data */
    need(study_collect(&s));                                   /* again: the same, not twice */
    assert_int_equal(s.rows[0].n, 3);
    study_release(&s);
}

static void the_best_of_errors_is_the_least(void **state) {
    const fixture *f = *state;
    study s;
    add_record(f, "net", 1, 0.05, 0.01, "recall error");
    add_record(f, "net", 2, 0.02, 0.04, "recall error");
    open_study(&s, f, two_rows);
    assert_true(study_summary(&s.rows[0]).best == 0.02);
    assert_int_equal(study_best(&s.rows[0])->result.seed, 1);
    study_release(&s);
}

static char *page_of(const study *s) {
    char path[1100];
    uint8_t *text;
    size_t n;
    need(study_write_page(s));
    snprintf(path, sizeof path, "%s/README.md", s->folder);
    need(file_read(path, &text, &n));
    return (char *)text;
}

static void expect_in(const char *page, const char *text) {
    if (strstr(page, text) == NULL) {
        fail_msg("the page lacks '%s': %s", text, page);
    }
}

static void the_page_says_what_the_records_say(void **state) {
    const fixture *f = *state;
    study s;
    add_record(f, "net", 1, 0.95, 0.97, "accuracy");
    add_record(f, "net", 2, 0.96, 0.96, "accuracy");
    open_study(&s, f, two_rows);
    char *page = page_of(&s);
    expect_in(page, "# A table\n`lsnn reproduce plan` makes this page");
    expect_in(
        page,
        "| The network | 8,184 of 67,980 | 36,000 | 2 | 95.50 ± 0.71 % | 96.00 % | 94.20 % | 94.70 % | 100 s | 1,000 | 1,234,567 |\n");
    expect_in(page, "| Another | | | 0 | not run | |  |  | | | |\n");
    expect_in(
        page,
        "`lsnn train digits --seed 2 --set net.beta=0` | 96.00 % | 96.00 % | 10.0 Hz | 36,000 | 100 s | 0.1.0, a processor, 2 threads, avx2 |");
    char *again = page_of(&s);
    assert_string_equal(page, again);
    free(again);
    free(page);
    study_release(&s);
}

static void a_search_says_that_it_has_not_seen_test_data(void **state) {
    const fixture *f = *state;
    study s;
    add_record(f, "net", 1, 0.95, 0.97, "accuracy");
    open_study(&s, f, two_rows);
    s.plan.no_test = true;
    char *page = page_of(&s);
    expect_in(page, "Scores are those of validation: these runs have not seen the test data");
    free(page);
    study_release(&s);
}

static void figures_are_drawn_from_records_alone(void **state) {
    const fixture *f = *state;
    study s;
    char path[FOLDER_SIZE + 40];
    open_study(&s, f, two_rows);
    need(study_draw(&s)); /* nothing to draw yet is no failure */
    study_release(&s);
    add_record(f, "net", 1, 0.95, 0.97, "accuracy");
    open_study(&s, f, two_rows);
    need(study_draw(&s));
    static const char *const figures[] = {"scores", "learning", "operations"};
    for (int k = 0; k < 3; k++) {
        snprintf(path, sizeof path, "%s/%s.svg", f->folder, figures[k]);
        assert_true(file_exists(path));
    }
    char *page = page_of(&s);
    expect_in(page, "](scores.svg)");
    expect_in(page, "](learning.svg)");
    free(page);
    study_release(&s);
}

/* Curves of 4 test functions, as the file of a run. */
static void add_curves(const fixture *f, const char *row, uint64_t seed, const double episode_error[4], bool with_others) {
    char path[FOLDER_SIZE + 200];
    static const double error[3] = {0.25, 0.125, 0.0625}, interval[3] = {0.01, 0.01, 0.01};
    kept_curves kept = {.n = with_others ? 3 : 1,
                        .curve = {{.name = "network",
                                   .n_episodes = 4,
                                   .n_examples = 3,
                                   .error = error,
                                   .interval = interval,
                                   .mean = 0.1458,
                                   .mean_interval = 0.02,
                                   .episode_error = episode_error},
                                  {.name = "ridge",
                                   .n_episodes = 4,
                                   .first = 2,
                                   .n_examples = 1,
                                   .error = error,
                                   .interval = interval,
                                   .mean = 0.25,
                                   .mean_interval = 0.03},
                                  {.name = "linear fit",
                                   .n_episodes = 4,
                                   .n_examples = 3,
                                   .error = error,
                                   .interval = interval,
                                   .mean = 0.5,
                                   .mean_interval = 0.04}}};
    snprintf(path, sizeof path, "%s/records/%s-seed%d.curves.json", f->folder, row, (int)seed);
    need(kept_curves_save(&kept, 3, path));
}

static void learning_to_learn_has_curves_and_differences(void **state) {
    const fixture *f = *state;
    study s;
    char path[FOLDER_SIZE + 40];
    static const double ours[4] = {0.1, 0.2, 0.3, 0.4}, theirs[4] = {0.2, 0.31, 0.39, 0.5};
    add_record(f, "net", 1, 0.25, 0.25, "mean squared error");
    add_record(f, "net", 2, 0.26, 0.26, "mean squared error");
    add_record(f, "other", 1, 0.35, 0.35, "mean squared error");
    add_record(f, "other", 3, 0.35, 0.35, "mean squared error"); /* of no seed that the first row has */
    add_curves(f, "net", 1, ours, true);
    add_curves(f, "other", 1, theirs, false);
    add_curves(f, "other", 3, theirs, false);
    open_study(&s, f,
               "  net:\n    label: The network\n    experiment: l2l-teacher\n"
               "  other:\n    label: Another\n    experiment: l2l-teacher\n    against: net\n");
    need(study_draw(&s));
    snprintf(path, sizeof path, "%s/examples.svg", f->folder);
    assert_true(file_exists(path));
    char *page = page_of(&s);
    expect_in(page, "](examples.svg)");
    expect_in(page, "| | seed 1 | seed 2 |\n");
    expect_in(page, "| network | 0.1458 ± 0.02 |  |\n");
    expect_in(page, "| ridge (last examples) | 0.25 ± 0.03 |  |\n");
    expect_in(page, "| | 1. | 2. | 1. to 3. | 3. to 3. |\n");
    expect_in(page, "| network | 0.25 | 0.125 | 0.146 | 0.0625 |\n");
    expect_in(page, "| ridge | | | | 0.25 |\n");
    expect_in(page, "| Another | The network | 1 | +0.1 ± 0.008 |\n"); /* 0.1, 0.11, 0.09, 0.1: 1.96 * 0.00816 / 2 */
    assert_null(strstr(page, "| Another | The network | 3 |"));
    char *again = page_of(&s);
    assert_string_equal(page, again);
    free(again);
    free(page);
    study_release(&s);
    snprintf(path, sizeof path, "%s/records/net-seed1.curves.json", f->folder);
    write_file(path, "{}");
    s = (study){.command = "lsnn reproduce plan"};
    snprintf(s.folder, sizeof s.folder, "%s", f->folder);
    need(plan_open(&s.plan, f->path));
    need_error(study_collect(&s), LSNN_ERR_DATA, "net-seed1.curves.json");
    study_release(&s);
}

/* Agents whose network has n_goals in the first of three episodes, twice that in the second, and none in the third. */
static void add_agents(const fixture *f, const char *row, uint64_t seed, int n_goals, int n_agents, bool moves) {
    char path[FOLDER_SIZE + 100];
    lsnn_episode_goals episode[] = {{n_goals, 100, 40}, {2 * n_goals, 50, 30}, {0, 2000, NAN}};
    kept_agents kept = {.n = 2, .n_moved = moves ? 2 : 0, .episode = episode};
    for (int a = 0; a < 2; a++) {
        kept_agent *one = &kept.agent[a];
        *one = (kept_agent){.goals = {.n_episodes = 3,
                                      .per_episode = n_goals + a,
                                      .per_episode_interval = 0.25,
                                      .found = 2 / 3.0,
                                      .first_median = 100,
                                      .first_mean = 2150 / 3.0,
                                      .return_median = NAN,
                                      .return_mean = NAN,
                                      .ratio = NAN}};
        for (int k = 0; k < LSNN_GOALS_IN_A_ROW; k++) {
            one->goals.in_a_row[k] = 100 >> k;
            one->goals.reached[k] = k < 3 ? 2 / 3.0 : 0;
        }
        snprintf(one->name, sizeof one->name, a == 0 ? "network" : "by a rule");
        kept.moved[a] = *one;
        kept.moved[a].before_move = kept.moved[a].after_move = one->goals;
        kept.moved[a].after_move.found = 0.5;
    }
    snprintf(path, sizeof path, "%s/records/%s-seed%d.goals.json", f->folder, row, (int)seed);
    need(kept_agents_save(&kept, n_agents, path));
}

static void agents_have_goals_and_differences(void **state) {
    const fixture *f = *state;
    study s;
    kept_agents kept;
    char path[FOLDER_SIZE + 100], figure[FOLDER_SIZE + 40];
    add_record(f, "net", 1, 12, 12, "goals an episode");
    add_record(f, "net", 2, 13, 13, "goals an episode");
    add_record(f, "other", 1, 8, 8, "goals an episode");
    add_agents(f, "net", 1, 12, 2, true); /* of seed 2 there is nothing */
    add_agents(f, "other", 1, 8, 1, false);
    snprintf(path, sizeof path, "%s/records/net-seed1.goals.json", f->folder);
    need(kept_agents_load(&kept, path));
    assert_true(kept.n == 2 && kept.n_moved == 2 && kept.episode[1].goals == 24 && isnan(kept.episode[2].returning));
    assert_string_equal(kept.agent[1].name, "by a rule");
    assert_true(kept.agent[1].goals.per_episode == 13 && isnan(kept.agent[0].goals.ratio) && kept.agent[0].goals.in_a_row[1] == 50);
    assert_true(kept.moved[1].after_move.found == 0.5 && kept.agent[0].after_move.n_episodes == 0);
    kept_agents_release(&kept);
    open_study(&s, f, "  net:\n    label: The network\n    experiment: digits\n  other:\n    experiment: digits\n    against: net\n");
    need(study_draw(&s));
    snprintf(figure, sizeof figure, "%s/goals.svg", f->folder);
    assert_true(file_exists(figure));
    char *page = page_of(&s);
    expect_in(page, "](goals.svg)");
    expect_in(page, "Over 3 test episodes of each run");
    expect_in(page, "\n| The network | 1 | 12.00 ± 0.25 | 66.7 % | 100 | | 716.7 | | |\n| other | 1 | 8.00 ± 0.25 |");
    expect_in(page, "| by a rule | 1 | 13.00 ± 0.25 |");
    expect_in(page, "\n| other | The network | 1 | -4.00 ± 4.53 | +0.0 ± 0.0 | +0.0 ± 0.0 | 2 |\n"); /* -4, -8 and 0 */
    expect_in(page, "## A goal that moves");
    expect_in(page, "\n| The network | 1 | 12.00 ± 0.25 | 66.7 % | 100 | | 12.00 ± 0.25 | 50.0 % | 100 | |\n| by a rule | 1 | 13.00");
    free(page);
    study_release(&s);
}

static void damaged_agents_are_refused(void **state) {
    const fixture *f = *state;
    char path[FOLDER_SIZE + 100];
    kept_agents kept;
    uint8_t *text;
    size_t n;
    static const char *const wrong[] = {
        "",
        "{\"agents\": []}",
        "{\"agents\": [3]}",
        "{\"agents\": [{\"name\": \"network\"}]}",
        "{\"agents\": [{\"name\": \"network\", \"goals\": {\"n_episodes\": -1}}]}",
        "{\"agents\": [{\"name\": \"network\", \"goals\": {\"n_episodes\": 1000000000000000000}}]}",
        "{\"agents\": [{\"name\": \"network\", \"goals\": {\"n_episodes\": 2}, \"episode_goals\": [1]}]}",
        "{\"agents\": [{\"name\": \"network\", \"goals\": {\"n_episodes\": 1}, \"episode_goals\": [\"1\"]}]}",
        "{\"agents\": [{\"name\": \"network\", \"goals\": {\"n_episodes\": 1}, \"after_move\": {\"n_episodes\": 1}}]}",
    };
    snprintf(path, sizeof path, "%s/a.json", f->folder);
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        write_file(path, wrong[k]);
        need_error(kept_agents_load(&kept, path), LSNN_ERR_DATA, "a.json: ");
        kept_agents_release(&kept);
    }
    add_record(f, "net", 1, 12, 12, "goals an episode");
    add_agents(f, "net", 1, 12, 2, true);
    snprintf(path, sizeof path, "%s/records/net-seed1.goals.json", f->folder);
    need(file_read(path, &text, &n));
    snprintf(path, sizeof path, "%s/a.json", f->folder);
    for (size_t cut = 0; cut + 1 < n; cut += 7) {
        need(file_write_atomic(path, text, cut));
        need_error(kept_agents_load(&kept, path), LSNN_ERR_DATA, "a.json: ");
        kept_agents_release(&kept);
    }
    free(text);
}

/* ---- utterances ---- */

static void errors_have_intervals_over_utterances(void **state) {
    (void)state;
    double error;
    double interval;
    double one[2][4] = {{10, 20, 30, 40}, {1, 4, 3, 12}};
    double other[2][4] = {{10, 20, 30, 40}, {3, 8, 9, 20}}; /* always a fifth more */
    sample_counts a = {.n = 4, .counted = one[0], .wrong = one[1]};
    sample_counts b = {.n = 4, .counted = other[0], .wrong = other[1]};
    error_over_samples(&a, NULL, &error, &interval);
    assert_true(fabs(error - 0.2) < 1e-12);
    assert_true(fabs(interval - 1.96 * sqrt((1 + 0 + 9 + 16) * 4.0 / 3) / 100) < 1e-12); /* wrong less 0.2 counted: -1, 0, -3, 4 */
    error_over_samples(&a, &b, &error, &interval);
    assert_true(fabs(error + 0.2) < 1e-12 && fabs(interval) < 1e-12);
    a.n = 1;
    error_over_samples(&a, NULL, &error, &interval);
    assert_true(fabs(error - 0.1) < 1e-12 && isnan(interval));
}

static void utterances_are_compared_with_the_same_ones(void **state) {
    const fixture *f = *state;
    study s;
    char path[FOLDER_SIZE + 100];
    static const char *const files[3][2] = {{"net-seed1", "{\"utterances\": [{\"n\":2,\"counted\":[10.0,30.0],\"wrong\":[1.0,7.0]}]}"},
                                            {"other-seed1", "{\"utterances\": [{\"n\":2,\"counted\":[10.0,30.0],\"wrong\":[3.0,13.0]}]}"},
                                            {"third-seed1", "{\"utterances\": [{\"n\":2,\"counted\":[10.0,31.0],\"wrong\":[3.0,13.0]}]}"}};
    static const char *const names[] = {"net", "other", "third"};
    for (int k = 0; k < 3; k++) {
        add_record(f, names[k], 1, 0.2, 0.2, "frame error");
        snprintf(path, sizeof path, "%s/records/%s.utterances.json", f->folder, files[k][0]);
        write_file(path, files[k][1]);
    }
    open_study(&s, f,
               "  net:\n    experiment: digits\n    group: all\n  other:\n    experiment: digits\n    against: net\n    group: all\n"
               "  third:\n    experiment: digits\n    against: net\n");
    char *page = page_of(&s);
    expect_in(page, "\n| net | 1 | 2 | 40 | 20.00 ± ");
    expect_in(page, "\n| other | net | 1 | +20.00 ± 0.00 |\n");
    assert_null(strstr(page, "| third | net |")); /* of other utterances */
    expect_in(page, "\n| all | 2 of 2 | 20.00 ± 0.00 % | 20.00 % | 20.00 % |\n");
    free(page);
    study_release(&s);
}

static void a_damaged_record_is_named(void **state) {
    const fixture *f = *state;
    study s;
    char path[FOLDER_SIZE + 60];
    add_record(f, "net", 1, 0.95, 0.97, "accuracy");
    open_study(&s, f, two_rows);
    snprintf(path, sizeof path, "%s/records/net-seed2.json", f->folder);
    static const char *const wrong[] = {"", "{", "[]", "{\"iterations\": \"many\"}"};
    for (int k = 0; k < 4; k++) {
        write_file(path, wrong[k]);
        need_error(study_collect(&s), LSNN_ERR_DATA, "net-seed2.json");
    }
    study_release(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_plan_is_read_as_it_stands, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_plan_is_refused_with_its_line, set_up, tear_down),
        cmocka_unit_test(the_tables_that_ship_can_be_read),
        cmocka_unit_test(a_sweep_is_cut_at_commas_outside_brackets),
        cmocka_unit_test(rows_and_seeds_can_be_chosen),
        cmocka_unit_test_setup_teardown(a_record_comes_back_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_are_sorted_into_their_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_best_of_errors_is_the_least, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_page_says_what_the_records_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_search_says_that_it_has_not_seen_test_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(figures_are_drawn_from_records_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(learning_to_learn_has_curves_and_differences, set_up, tear_down),
        cmocka_unit_test_setup_teardown(agents_have_goals_and_differences, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_agents_are_refused, set_up, tear_down),
        cmocka_unit_test(errors_have_intervals_over_utterances),
        cmocka_unit_test_setup_teardown(utterances_are_compared_with_the_same_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_record_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
