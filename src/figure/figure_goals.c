/* The figure of goals in a row: how long an agent takes to the first, the second, the third. */
#include <math.h>
#include <stdio.h>

#include "config/experiment.h"
#include "figure/agent_figures.h"
#include "figure/figure_inside.h"

/* Of agents that follow a rule, from the worst to the best. */
static const uint32_t rule_rgb[] = {0x999999, 0xaa8800, 0x333333};
enum { RULE_COLOURS = sizeof rule_rgb / sizeof *rule_rgb };

/* A line as it is drawn. */
typedef struct goals_curve {
    size_t n;
    double at[LSNN_GOALS_IN_A_ROW], mean[LSNN_GOALS_IN_A_ROW], low[LSNN_GOALS_IN_A_ROW], high[LSNN_GOALS_IN_A_ROW];
    uint32_t rgb;
} goals_curve;

/* Goal k + 1; false if too few episodes get there. The first counts in any case: an episode without it counts with its length. */
static bool add_goal(goals_curve *c, const goals_line *line, int k) {
    double sum = 0;
    double reached = 0;
    double low = INFINITY;
    double high = -INFINITY;
    for (int run = 0; run < line->n_runs; run++) {
        double took = line->goals[run].in_a_row[k];
        sum += took / line->n_runs;
        reached += line->goals[run].reached[k] / line->n_runs;
        figure_widen(&low, &high, &took, 1);
    }
    if (!(sum > 0) || (k > 0 && !(reached >= 0.5))) {
        return false;
    }
    c->at[c->n] = k + 1;
    c->mean[c->n] = sum;
    c->low[c->n] = low;
    c->high[c->n++] = high;
    return true;
}

static goals_curve curve_of(const goals_line *line, uint32_t rgb) {
    goals_curve c = {.rgb = rgb};
    for (int k = 0; k < LSNN_GOALS_IN_A_ROW && add_goal(&c, line, k);) {
        k++;
    }
    return c;
}

static axis time_axis(const goals_curve *curves, int n) {
    double low = INFINITY;
    double high = 1;
    for (int k = 0; k < n; k++) {
        figure_widen(&low, &high, curves[k].low, curves[k].n);
        figure_widen(&low, &high, curves[k].high, curves[k].n);
    }
    return (axis){.low = fmin(low, high) / 1.2, .high = high * 1.2, .logarithmic = true};
}

static void draw_curve(canvas *page, const panel *where, const goals_curve *c, bool is_network, bool has_band) {
    if (has_band) {
        panel_band(page, where, c->n, c->at, c->low, c->high, (ink){c->rgb, 0.2, 0});
    }
    panel_line(page, where, c->n, c->at, c->mean, (ink){c->rgb, 1, is_network ? 1.4 : 0.8});
    for (size_t k = 0; k < c->n; k++) {
        canvas_dot(page, panel_x(where, c->at[k]), panel_y(where, c->mean[k]), is_network ? 2.2 : 1.5, (ink){c->rgb, 1, 0});
    }
}

/* Labels stand where the lines end, which may be early. */
static line_label label_of(canvas *page, const panel *where, const goals_line *line, const goals_curve *c) {
    line_label label = {.line_y = panel_y(where, c->mean[c->n - 1]), .rgb = c->rgb, .bold = line->is_network};
    double end = panel_x(where, c->at[c->n - 1]);
    figure_cut_text(page, label.text, sizeof label.text, line->label, (text_style){.size = note_size, .bold = line->is_network}, 130);
    if (end < where->x + where->width - 4) {
        canvas_move(page, end + 3, label.line_y);
        canvas_line(page, where->x + where->width, label.line_y);
        canvas_stroke(page, (ink){c->rgb, 0.35, 0.4});
    }
    return label;
}

static void draw_lines(canvas *page, const goals_line *lines, const goals_curve *curves, int n, double height) {
    line_label labels[MOST_GOAL_LINES];
    size_t n_labels = 0;
    double widest = 0;
    bool has_bands = false;
    char note[160];
    for (int k = 0; k < n; k++) {
        has_bands = has_bands || lines[k].n_runs > 1;
    }
    snprintf(note, sizeof note, "Mean over episodes, as far as half of them get; an episode without a goal counts as its length%s",
             has_bands ? ". Bands: from the lowest run to the highest" : "");
    canvas_text(page, 8, one_panel_key_y + 0.36 * note_size, note, (text_style){.rgb = quiet_rgb, .size = note_size});
    for (int k = 0; k < n; k++) {
        text_style style = {.size = note_size, .bold = lines[k].is_network};
        widest = fmax(widest, fmin(canvas_text_width(page, lines[k].label, style), 130));
    }
    axis across = {.low = 0.7, .high = LSNN_GOALS_IN_A_ROW + 0.3, .whole = true};
    panel where = figure_one_panel(page, height, widest + 20, across, time_axis(curves, n));
    panel_grid_up(page, &where);
    for (int k = n; k-- > 0;) {
        if (curves[k].n > 0) {
            draw_curve(page, &where, &curves[k], lines[k].is_network, lines[k].n_runs > 1);
            labels[n_labels++] = label_of(page, &where, &lines[k], &curves[k]);
        }
    }
    figure_line_labels(page, &where, labels, n_labels);
    panel_frame(page, &where, one_panel_label_x, NULL, "Steps from the goal before, or the start", "Goal of the episode");
}

lsnn_status figure_of_goals(const char *title, const goals_line *lines, int n, const char *figure_path) {
    const double height = 300;
    canvas *page = NULL;
    goals_curve curves[MOST_GOAL_LINES];
    int n_networks = 0;
    int n_rules = 0;
    lsnn_status status;
    TRY(canvas_check_path(figure_path));
    for (int k = 0; k < n; k++) {
        uint32_t rgb = lines[k].is_network ? network_rgb[n_networks++ % NETWORK_COLOURS] : rule_rgb[n_rules++ % RULE_COLOURS];
        curves[k] = curve_of(&lines[k], rgb);
    }
    TRY(canvas_create(&page, figure_path, page_width, height, title));
    figure_title(page, title);
    draw_lines(page, lines, curves, n, height);
    TRY(canvas_save(page));
out:
    canvas_free(page);
    return status;
}

/* ---- of a network ---- */

typedef struct told_agents {
    int n;
    char name[MOST_GOAL_LINES][64];
    lsnn_goals goals[MOST_GOAL_LINES];
} told_agents;

static void keep_agent(void *user, const lsnn_agent *agent) {
    told_agents *all = user;
    if (all->n < MOST_GOAL_LINES) {
        snprintf(all->name[all->n], sizeof *all->name, "%s", agent->name);
        all->goals[all->n++] = agent->goals;
    }
}

lsnn_status lsnn_plot_goals(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options, const char *figure_path) {
    lsnn_status status;
    lsnn_experiment *experiment = NULL;
    told_agents all = {0};
    goals_line lines[MOST_GOAL_LINES];
    char title[160];
    TRY(canvas_check_path(figure_path));
    TRY(lsnn_experiment_open_run(&experiment, run_or_model));
    TRY(lsnn_compare_agents(run_or_model, context, options, keep_agent, &all));
    for (int k = 0; k < all.n; k++) {
        lines[k] = (goals_line){.label = all.name[k], .goals = &all.goals[k], .n_runs = 1, .is_network = k == 0};
    }
    snprintf(title, sizeof title, "%.100s: time from goal to goal", lsnn_experiment_name(experiment));
    TRY(figure_of_goals(title, lines, all.n, figure_path));
out:
    lsnn_experiment_free(experiment);
    return status;
}
