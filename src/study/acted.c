/* What a study of agents has besides: how fast they reach the goal, differences between them on the same episodes, and what they do when the goal moves. All from files among
 * the records. */
#include "study/acted.h"

#include "base/file.h"
#include "config/experiment.h"
#include "figure/agent_figures.h"
#include "rl/episodes.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EPISODES_SHOWN = 4 };

bool study_is_acted(const lsnn_experiment *experiment) {
    return strcmp(setting_text(experiment, "task"), "navigation") == 0;
}

/* FOLDER/records/ROW-seedN.goals.json */
static lsnn_status agents_path(const study *s, const plan_row *row, uint64_t seed, char out[1024]) {
    return study_path(s, "records", row, seed, STUDY_GOALS, out);
}

/* ---- from networks ---- */

lsnn_status study_keep_agents(const study *s, const plan_row *row, uint64_t seed, const char *run, lsnn_context *context,
                              const lsnn_run_options *options) {
    lsnn_status status;
    kept_agents kept = {0};
    char path[1024];
    TRY(agents_path(s, row, seed, path));
    if (!file_exists(path)) {
        TRY(kept_agents_take(&kept, run, context, options, s->plan.move_ms));
        TRY(kept_agents_save(&kept, row->against != NULL ? 1 : kept.n, path)); /* those that follow a rule are the same for all rows */
    }
out:
    kept_agents_release(&kept);
    return status;
}

lsnn_status study_draw_agent(const study *s, const char *network, const char *probe, lsnn_context *context,
                             const lsnn_run_options *options) {
    lsnn_status status;
    char path[1024];
    TRY(path_join(path, sizeof path, s->folder, "paths.svg"));
    TRY(lsnn_plot_paths(network, context, options, 0, EPISODES_SHOWN, path));
    TRY(path_join(path, sizeof path, s->folder, "agent.html"));
    TRY(lsnn_plot(probe, path));
out:
    return status;
}

/* ---- from files ---- */

lsnn_status study_read_agents(const study *s, const plan_row *row, uint64_t seed, kept_agents *out) {
    lsnn_status status;
    char path[1024];
    TRY(agents_path(s, row, seed, path));
    if (file_exists(path)) {
        TRY(kept_agents_load(out, path));
    }
out:
    return status;
}

static int n_kept(const study *s, int k) {
    int n = 0;
    for (int i = 0; s->rows[k].agents != NULL && i < s->rows[k].n; i++) {
        n += s->rows[k].agents[i].n > 0;
    }
    return n;
}

bool study_has_agents(const study *s) {
    for (int k = 0; k < s->plan.n_rows; k++) {
        if (n_kept(s, k) > 0) {
            return true;
        }
    }
    return false;
}

/* The first row whose files have agents that follow a rule; -1: none. */
static int row_with_rules(const study *s) {
    for (int k = 0; k < s->plan.n_rows; k++) {
        for (int i = 0; n_kept(s, k) > 0 && i < s->rows[k].n; i++) {
            if (s->rows[k].agents[i].n > 1) {
                return k;
            }
        }
    }
    return -1;
}

/* ---- figures ---- */

/* Agent a of the row's runs, to goals [row->n]; returns how many have it. *name: the agent's. */
static int gather(const study_row *row, int a, lsnn_goals *goals, const char **name) {
    int n = 0;
    for (int i = 0; i < row->n; i++) {
        if (a < row->agents[i].n) {
            *name = row->agents[i].agent[a].name;
            goals[n++] = row->agents[i].agent[a].goals;
        }
    }
    return n;
}

int study_agent_levels(const study *s, compared_level *levels, int most) {
    int n = 0;
    int k = row_with_rules(s);
    lsnn_goals goals[PLAN_MOST_SEEDS];
    for (int a = 1; k >= 0 && a < KEPT_MOST_AGENTS && n < most; a++) {
        const char *name = NULL;
        int n_runs = s->rows[k].n <= PLAN_MOST_SEEDS ? gather(&s->rows[k], a, goals, &name) : 0;
        double sum = 0;
        for (int i = 0; i < n_runs; i++) {
            sum += goals[i].per_episode / n_runs;
        }
        if (n_runs > 0) {
            levels[n++] = (compared_level){.label = name, .score = sum};
        }
    }
    return n;
}

/* Networks of all rows; and those that follow a rule. goals has room for all. */
static int choose_lines(const study *s, goals_line *lines, lsnn_goals *goals) {
    int n = 0;
    int rules = row_with_rules(s);
    const char *name = NULL;
    for (int k = 0; k < s->plan.n_rows && n < MOST_GOAL_LINES; k++) {
        int n_runs = n_kept(s, k) > 0 ? gather(&s->rows[k], 0, goals, &name) : 0;
        if (n_runs > 0) {
            lines[n++] = (goals_line){.label = s->plan.rows[k].label, .goals = goals, .n_runs = n_runs, .is_network = true};
            goals += n_runs;
        }
    }
    for (int a = 1; rules >= 0 && a < KEPT_MOST_AGENTS && n < MOST_GOAL_LINES; a++) {
        int n_runs = gather(&s->rows[rules], a, goals, &name);
        if (n_runs > 0) {
            lines[n++] = (goals_line){.label = name, .goals = goals, .n_runs = n_runs};
            goals += n_runs;
        }
    }
    return n;
}

lsnn_status study_draw_agents(const study *s) {
    lsnn_status status = LSNN_OK;
    goals_line lines[MOST_GOAL_LINES];
    char path[1024], title[256];
    size_t room = 1;
    if (!study_has_agents(s)) {
        return LSNN_OK;
    }
    for (int k = 0; k < s->plan.n_rows; k++) {
        room += (size_t)s->rows[k].n * KEPT_MOST_AGENTS;
    }
    lsnn_goals *goals = calloc(room, sizeof *goals);
    if (goals == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a figure");
    }
    int n = choose_lines(s, lines, goals);
    TRY(path_join(path, sizeof path, s->folder, "goals.svg"));
    snprintf(title, sizeof title, "%.120s: time from goal to goal", s->plan.title);
    TRY(figure_of_goals(title, lines, n, path));
out:
    free(goals);
    return status;
}

/* ---- the page ---- */

/* A cell; empty if there is no such number. */
static void print_number(FILE *to, const char *format, double x) {
    if (!isnan(x)) {
        fputc(' ', to);
        fprintf(to, format, x);
    }
    fputs(" |", to);
}

static void print_goals(FILE *to, const lsnn_goals *g) {
    fprintf(to, " %.2f ± %.2f | %.1f %% |", g->per_episode, g->per_episode_interval, 100 * g->found);
    print_number(to, "%.4g", g->first_median);
    print_number(to, "%.4g", g->return_median);
}

static void print_agent(FILE *to, const char *label, uint64_t seed, const kept_agent *a) {
    fprintf(to, "| %s | %" PRIu64 " |", label, seed);
    print_goals(to, &a->goals);
    print_number(to, "%.4g", a->goals.first_mean);
    print_number(to, "%.4g", a->goals.return_mean);
    print_number(to, "%.2f", a->goals.ratio);
    fputc('\n', to);
}

static void print_moved(FILE *to, const char *label, uint64_t seed, const kept_agent *a) {
    fprintf(to, "| %s | %" PRIu64 " |", label, seed);
    print_goals(to, &a->before_move);
    print_goals(to, &a->after_move);
    fputc('\n', to);
}

/* A line for each run's network, and then for each agent that follows a rule; of those where the goal stays, or moves. */
static void print_agents(FILE *to, const study *s, bool moved) {
    int rules = row_with_rules(s);
    void (*print)(FILE *, const char *, uint64_t, const kept_agent *) = moved ? print_moved : print_agent;
    for (int a = 0; a < KEPT_MOST_AGENTS; a++) {
        for (int k = 0; k < s->plan.n_rows; k++) {
            const study_row *row = &s->rows[k];
            for (int i = 0; (a == 0 || k == rules) && n_kept(s, k) > 0 && i < row->n; i++) {
                const kept_agents *kept = &row->agents[i];
                const kept_agent *agent = moved ? &kept->moved[a] : &kept->agent[a];
                if (a < (moved ? kept->n_moved : kept->n)) {
                    print(to, a == 0 ? s->plan.rows[k].label : agent->name, row->records[i].result.seed, agent);
                }
            }
        }
    }
}

/* The episodes of all runs are as many: the first that has any tells. */
static const kept_agents *first_kept(const study *s, bool moved) {
    for (int k = 0; k < s->plan.n_rows; k++) {
        for (int i = 0; n_kept(s, k) > 0 && i < s->rows[k].n; i++) {
            if ((moved ? s->rows[k].agents[i].n_moved : s->rows[k].agents[i].n) > 0) {
                return &s->rows[k].agents[i];
            }
        }
    }
    return NULL;
}

static void print_difference(FILE *to, const study *s, int k, int i, bool *has_head) {
    const char *against = s->plan.rows[k].against;
    int other = plan_find_row(&s->plan, against, strlen(against));
    const kept_agents *one = &s->rows[k].agents[i];
    uint64_t seed = s->rows[k].records[i].result.seed;
    for (int j = 0; other >= 0 && j < s->rows[other].n; j++) {
        const kept_agents *two = &s->rows[other].agents[j];
        if (s->rows[other].records[j].result.seed != seed || one->n == 0 || two->n == 0 ||
            one->agent[0].goals.n_episodes != two->agent[0].goals.n_episodes) {
            continue;
        }
        if (!*has_head) {
            fputs(
                "\n## Differences, episode by episode\nWhat each network does in a test episode, less what the other of the same seed does in the same: means and their 95 % "
                "intervals over episodes. Of a return, an episode's mean counts, where both came back to the goal.\n\n"
                "| network | less | seed | goals an episode | steps to the first goal | steps of a return | episodes with returns |\n"
                "| --- | --- | ---: | ---: | ---: | ---: | ---: |\n",
                to);
            *has_head = true;
        }
        lsnn_goals_difference d = goals_subtract(one->episode, two->episode, one->agent[0].goals.n_episodes);
        fprintf(to, "| %s | %s | %" PRIu64 " | %+.2f ± %.2f | %+.1f ± %.1f |", s->plan.rows[k].label, s->plan.rows[other].label, seed,
                d.goals, d.goals_interval, d.first, d.first_interval);
        if (d.n_returned > 1) {
            fprintf(to, " %+.1f ± %.1f | %" PRId64 " |\n", d.returning, d.returning_interval, d.n_returned);
        } else {
            fprintf(to, " | %" PRId64 " |\n", d.n_returned);
        }
    }
}

static void print_differences(FILE *to, const study *s) {
    bool has_head = false;
    for (int k = 0; k < s->plan.n_rows; k++) {
        for (int i = 0; s->plan.rows[k].against != NULL && n_kept(s, k) > 0 && i < s->rows[k].n; i++) {
            print_difference(to, s, k, i, &has_head);
        }
    }
}

void study_print_agents(FILE *to, const study *s) {
    const kept_agents *kept = first_kept(s, false);
    if (kept == NULL) {
        return;
    }
    fprintf(
        to,
        "\n## The first goal and later ones\nOver %" PRId64
        " %s episodes of each run, with frozen weights; times in steps. Goals an episode come with their 95 %% interval; found: "
        "the part of the episodes in which the goal was reached at all. An episode without a goal counts as its length. A return is the time from one goal to the next. Agents "
        "that follow a rule (docs/model.md, \"Learning by reward\") are on the same episodes.\n\n"
        "| agent | seed | goals an episode | found | first goal, median | return, median | first, mean | return, mean | first / return |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        kept->agent[0].goals.n_episodes, s->plan.no_test ? "validation" : "test");
    print_agents(to, s, false);
    print_differences(to, s);
    kept = first_kept(s, true);
    if (kept != NULL) {
        fprintf(
            to,
            "\n## A goal that moves\nThe same networks in episodes in which the goal is somewhere else every %" PRId64
            " ms. Each time after a move counts as an episode of its own: is the "
            "goal found again, and how long after the move?\n\n"
            "| agent | seed | goals until it moves | found | first goal, median | return, median | goals after a move | found again | first goal, median | return, median |\n"
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
            s->plan.move_ms);
        print_agents(to, s, true);
    }
}
