/* The figure of an agent's ways through the disc, before its training and after. */
#include <math.h>
#include <stdio.h>

#include "config/experiment.h"
#include "figure/agent_figures.h"
#include "figure/figure_inside.h"
#include "rl/hidden_goal.h"

static const double top = 40, row_gap = 20, bottom = 18, left = 22, right = 8, column_gap = 12;
static const uint32_t search_rgb = 0x0072b2, return_rgb = 0xd55e00, goal_rgb = 0x117733, rim_rgb = 0x999999;

/* One disc on the page. */
typedef struct disc {
    double x, y, radius; /* middle */
} disc;

static double page_x(const disc *d, double x) {
    return d->x + d->radius * x;
}
static double page_y(const disc *d, double y) {
    return d->y - d->radius * y;
}

/* A circle in the disc's own measure, as a path. */
static void trace_circle(canvas *page, const disc *d, double x, double y, double radius) {
    enum { CORNERS = 96 };
    for (int k = 0; k <= CORNERS; k++) {
        double angle = 2 * 3.14159265358979323846 * k / CORNERS;
        (k == 0 ? canvas_move : canvas_line)(page, page_x(d, x + radius * cos(angle)), page_y(d, y + radius * sin(angle)));
    }
}

/* All places at which it was in the episode. */
static void draw_goals(canvas *page, const disc *d, const agent_walk *w, const double *goal) {
    for (int t = 0; t < w->n_steps; t++) {
        if (t == 0 || goal[2 * t] != goal[2 * t - 2] || goal[2 * t + 1] != goal[2 * t - 1]) {
            trace_circle(page, d, goal[2 * t], goal[2 * t + 1], w->goal_radius);
            canvas_fill(page, (ink){goal_rgb, 0.18, 0});
            trace_circle(page, d, goal[2 * t], goal[2 * t + 1], w->goal_radius);
            canvas_stroke(page, (ink){goal_rgb, 0.8, 0.5});
        }
    }
}

/* Steps from..to - 1; where it was placed anew, the next piece begins. */
static void draw_way(canvas *page, const disc *d, const double *place, const uint8_t *events, int from, int to, ink how) {
    for (int t = from; t < to; t++) {
        bool begins = t == from || (events[t - 1] >> EVENT_GOAL & 1) != 0;
        (begins ? canvas_move : canvas_line)(page, page_x(d, place[2 * t]), page_y(d, place[2 * t + 1]));
    }
    if (to > from) {
        canvas_stroke(page, how);
    }
}

static void draw_episode(canvas *page, const disc *d, const agent_walk *w, int k) {
    size_t from = (size_t)k * (size_t)w->n_steps;
    const double *place = w->place + 2 * from;
    const uint8_t *events = w->events + from;
    char number[32], text[96];
    int n_goals = 0;
    int first = w->n_steps; /* the step after the first goal */
    for (int t = w->n_steps; t-- > 0;) {
        bool is_goal = (events[t] >> EVENT_GOAL & 1) != 0;
        n_goals += is_goal;
        first = is_goal ? t + 1 : first;
    }
    draw_goals(page, d, w, w->goal + 2 * from);
    draw_way(page, d, place, events, first, w->n_steps, (ink){return_rgb, 0.85, 0.5});
    draw_way(page, d, place, events, 0, first, (ink){search_rgb, 1, 0.7});
    trace_circle(page, d, 0, 0, 1);
    canvas_stroke(page, (ink){rim_rgb, 1, 0.6});
    canvas_dot(page, page_x(d, place[0]), page_y(d, place[1]), 2, (ink){0, 1, 0});
    number_text(number, sizeof number, first * w->dt, 6);
    int n = snprintf(text, sizeof text, n_goals == 0 ? "no goal" : "%d goal%s", n_goals, n_goals == 1 ? "" : "s");
    if (n_goals > 0) {
        snprintf(text + n, sizeof text - (size_t)n, ", first after %s ms", number);
    }
    canvas_text(page, d->x, d->y + d->radius + 9, text, (text_style){.rgb = quiet_rgb, .size = note_size, .anchor = TEXT_CENTRE});
}

static void draw_key(canvas *page) {
    static const struct {
        const char *text;
        ink how;
    } entries[] = {{"until the first goal", {search_rgb, 1, 1.2}},
                   {"afterwards", {return_rgb, 1, 1.2}},
                   {"the goal, which is not seen", {goal_rgb, 0.3, 5}}};
    text_style style = {.rgb = input_rgb, .size = note_size};
    double x = 8;
    for (size_t k = 0; k < sizeof entries / sizeof *entries; k++) {
        canvas_move(page, x, one_panel_key_y);
        canvas_line(page, x + 12, one_panel_key_y);
        canvas_stroke(page, entries[k].how);
        canvas_text(page, x + 16, one_panel_key_y + 0.36 * note_size, entries[k].text, style);
        x += 16 + canvas_text_width(page, entries[k].text, style) + 14;
    }
    canvas_dot(page, x + 2, one_panel_key_y, 2, (ink){0, 1, 0});
    canvas_text(page, x + 8, one_panel_key_y + 0.36 * note_size, "start; the agent is placed anew at each goal", style);
}

static double radius_of(int n_episodes) {
    int n = n_episodes < 3 ? 3 : n_episodes;
    return (page_width - left - right - (n - 1) * column_gap) / n / 2;
}

static void draw_row(canvas *page, const agent_walk *w, const char *label, int row, int n_episodes) {
    double radius = radius_of(n_episodes);
    disc d = {.y = top + radius + row * (2 * radius + row_gap), .radius = radius};
    canvas_text(page, 14, d.y, label, (text_style){.rgb = input_rgb, .size = 8, .anchor = TEXT_CENTRE, .upward = true});
    for (int k = 0; k < n_episodes; k++) {
        d.x = left + radius + k * (2 * radius + column_gap);
        draw_episode(page, &d, w, k);
    }
}

lsnn_status figure_of_paths(const char *title, const agent_walk *early, const char *early_label, const agent_walk *late,
                            const char *late_label, int n_episodes, const char *figure_path) {
    canvas *page = NULL;
    lsnn_status status;
    TRY(canvas_check_path(figure_path));
    double height = top + 2 * (2 * radius_of(n_episodes) + row_gap) - row_gap + bottom;
    TRY(canvas_create(&page, figure_path, page_width, ceil(height), title));
    figure_title(page, title);
    draw_key(page);
    draw_row(page, early, early_label, 0, n_episodes);
    draw_row(page, late, late_label, 1, n_episodes);
    TRY(canvas_save(page));
out:
    canvas_free(page);
    return status;
}

lsnn_status lsnn_plot_paths(const char *run_or_model, lsnn_context *context, const lsnn_run_options *options, int64_t episode,
                            int n_episodes, const char *figure_path) {
    lsnn_status status;
    const lsnn_run_options none = {0};
    lsnn_experiment *experiment = NULL;
    agent_walk early = {0}, late = {0};
    char title[160];
    options = options != NULL ? options : &none;
    TRY(canvas_check_path(figure_path));
    if (n_episodes < 1 || n_episodes > MOST_PATHS) {
        TRY(fail(LSNN_ERR_USAGE, "paths of %d episodes; 1..%d at once can be drawn", n_episodes, MOST_PATHS));
    }
    TRY(lsnn_experiment_open_run(&experiment, run_or_model));
    TRY(agent_walk_take(&early, run_or_model, true, context, options, episode, n_episodes));
    TRY(agent_walk_take(&late, run_or_model, false, context, options, episode, n_episodes));
    snprintf(title, sizeof title, "%.100s: paths in the same episodes, before and after training", lsnn_experiment_name(experiment));
    TRY(figure_of_paths(title, &early, "Before training", &late, "After training", n_episodes, figure_path));
out:
    agent_walk_release(&early);
    agent_walk_release(&late);
    lsnn_experiment_free(experiment);
    return status;
}
