/* A page that plays an agent's episode: HTML with inline SVG and a little JavaScript, which stands alone and asks for no other file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "figure/figure_inside.h"
#include "figure/probe_file.h"

/* Of the page's rasters, one below the other. */
typedef struct page_raster {
    const char *what; /* "input neuron" */
    uint32_t rgb;
    const uint8_t *z; /* [n_steps][stride] */
    size_t stride, n_rows;
    const size_t *columns; /* [n_rows] */
} page_raster;

enum { MOST_RASTERS = 3, PAGE_HEIGHT = 380 };

static const char head[] =
    "<style>\n"
    "body { font: 15px/1.4 system-ui, sans-serif; color: #222; background: #fff; max-width: 62em; margin: 1em auto; padding: 0 1em; }\n"
    "h1 { font-size: 1.1em; margin: 0 0 .6em; }\n"
    "#stage { display: flex; flex-wrap: wrap; gap: 1em 2em; }\n"
    "#disc { flex: 1 1 20em; max-width: 27em; }\n"
    "#rasters { flex: 2 1 22em; }\n"
    "#rasters p { margin: 0; font-size: .85em; }\n"
    "#rasters svg { display: block; width: 100%; margin-bottom: .3em; border-right: 2px solid #222; background: #f7f7f7; }\n"
    "#ends { display: flex; justify-content: space-between; color: #666; }\n"
    "#controls { display: flex; flex-wrap: wrap; gap: .4em 1em; align-items: center; margin: .6em 0 .2em; }\n"
    "#play { width: 5em; font: inherit; }\n"
    "#line { margin: 0 8px; }\n"
    "#line svg { display: block; width: 100%; height: 14px; }\n"
    "#slider { width: 100%; margin: 0; }\n"
    ".spike { fill: none; stroke-width: 1.3; vector-effect: non-scaling-stroke; }\n"
    ".goal { fill: none; stroke: #117733; stroke-width: 1.3; vector-effect: non-scaling-stroke; }\n"
    ".border { fill: none; stroke: #cc3311; stroke-width: 1; vector-effect: non-scaling-stroke; }\n"
    ".note { color: #666; font-size: .85em; }\n"
    "</style>\n"
    "</head>\n"
    "<body>\n";

static const char stage[] =
    "<div id=\"stage\">\n"
    "<svg id=\"disc\" viewBox=\"-1.17 -1.17 2.34 2.34\" role=\"img\" aria-label=\"the agent in its disc\">\n"
    "<circle r=\"1\" fill=\"none\" stroke=\"#999\" stroke-width=\".008\"></circle>\n"
    "<circle id=\"goal\" fill=\"#117733\" stroke=\"#117733\" stroke-width=\".006\"></circle>\n"
    "<path id=\"returns\" fill=\"none\" stroke=\"#d55e00\" stroke-width=\".007\" stroke-opacity=\".8\"></path>\n"
    "<path id=\"search\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\".011\"></path>\n"
    "<circle id=\"agent\" r=\".035\" fill=\"#000\"></circle>\n"
    "</svg>\n"
    "<div id=\"rasters\">\n";

static const char controls[] =
    "<div id=\"controls\">\n"
    "<button id=\"play\" type=\"button\">Play</button>\n"
    "<label>speed <select id=\"speed\">\n"
    "<option value=\"0.02\">1/50</option>\n"
    "<option value=\"0.1\" selected=\"selected\">1/10</option>\n"
    "<option value=\"0.3\">1/3</option>\n"
    "<option value=\"1\">as it was</option>\n"
    "</select></label>\n"
    "<span><b id=\"clock\">0</b> ms</span>\n"
    "<span><b id=\"count\">0</b> goals</span>\n"
    "</div>\n"
    "<div id=\"line\"><svg id=\"marks\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"when it reached the goal\"></svg></div>\n"
    "<input id=\"slider\" type=\"range\" min=\"0\" value=\"0\" aria-label=\"time\">\n"
    "<p class=\"note\">Blue: its way until the first goal; orange: afterwards. Green lines: the goal was reached, and the agent placed anew; red ones: it met the "
    "border. The agent sees where it is and these two events, but not the goal.</p>\n";

/* After `const episode = {...};`. Time is in steps; n of them. */
static const char script[] =
    "const by = id => document.getElementById(id);\n"
    "const n = episode.place.length / 2, span = episode.span, piece = 100;\n"
    "const reached = new Set(episode.goals);\n"
    "const first = episode.goals.length > 0 ? episode.goals[0] + 1 : n;\n"
    "const set = (element, attributes) => {\n"
    "  for (const key in attributes) element.setAttribute(key, attributes[key]);\n"
    "  return element;\n"
    "};\n"
    "const add = (to, attributes) =>\n"
    "  to.appendChild(set(document.createElementNS(to.namespaceURI, 'path'), attributes));\n"
    "const lines = (times, height) => times.map(t => 'M' + (t + 1) + ' 0V' + height).join('');\n"
    "\n"
    "// A raster scrolls by its viewBox; pieces that are out of sight are not drawn.\n"
    "const rasters = episode.rasters.map((raster, k) => {\n"
    "  const box = by('raster' + k), pieces = [], tall = Math.max(.8, 2.2 * raster.rows / parseFloat(box.style.height));\n"
    "  for (let from = 0; from < n; from += piece) {\n"
    "    let d = '';\n"
    "    for (let t = from; t < from + piece && t < n; t++)\n"
    "      for (const row of raster.spikes[t]) d += 'M' + (t + .5) + ' ' + (raster.rows - row - .5 - tall / 2).toFixed(2) + 'v' + tall.toFixed(2);\n"
    "    pieces.push(add(box, {d, class: 'spike', stroke: raster.colour}));\n"
    "  }\n"
    "  add(box, {d: lines(episode.goals, raster.rows), class: 'goal'});\n"
    "  return {box, pieces, rows: raster.rows};\n"
    "});\n"
    "set(by('marks'), {viewBox: '0 0 ' + n + ' 10'});\n"
    "add(by('marks'), {d: lines(episode.borders, 4), class: 'border'});\n"
    "add(by('marks'), {d: lines(episode.goals, 10), class: 'goal'});\n"
    "by('slider').max = n - 1;\n"
    "\n"
    "// The way of steps from..to - 1; at each goal a new piece begins.\n"
    "const way = (from, to) => {\n"
    "  let d = '';\n"
    "  for (let t = from; t < to; t++)\n"
    "    d += (t === from || reached.has(t - 1) ? 'M' : 'L') + episode.place[2 * t] / 1000 + ' ' + -episode.place[2 * t + 1] / 1000;\n"
    "  return d;\n"
    "};\n"
    "\n"
    "let now = 0, playing = false, last = 0;\n"
    "const show = () => {\n"
    "  const t = Math.min(Math.floor(now), n - 1);\n"
    "  const done = episode.goals.filter(g => g < t);\n"
    "  const goal = episode.goal.filter(g => g[0] <= t).pop();\n"
    "  const since = done.length > 0 ? (t - done[done.length - 1]) * episode.dt : Infinity;\n"
    "  set(by('agent'), {cx: episode.place[2 * t] / 1000, cy: -episode.place[2 * t + 1] / 1000});\n"
    "  set(by('goal'), {cx: goal[1] / 1000, cy: -goal[2] / 1000, r: goal[3] / 1000, 'fill-opacity': since <= 30 ? .7 : .2});\n"
    "  set(by('search'), {d: way(0, Math.min(t + 1, first))});\n"
    "  set(by('returns'), {d: way(first, t + 1)});\n"
    "  for (const raster of rasters) {\n"
    "    set(raster.box, {viewBox: (t - span) + ' 0 ' + span + ' ' + raster.rows});\n"
    "    raster.pieces.forEach((path, k) => {\n"
    "      path.style.display = k * piece < t && (k + 1) * piece > t - span ? '' : 'none';\n"
    "    });\n"
    "  }\n"
    "  by('clock').textContent = (t * episode.dt).toFixed(0);\n"
    "  by('count').textContent = done.length;\n"
    "  by('slider').value = t;\n"
    "};\n"
    "const frame = time => {\n"
    "  if (!playing) return;\n"
    "  now += Math.max(time - last, 0) * by('speed').value / episode.dt;\n"
    "  last = time;\n"
    "  if (now >= n - 1) play(false);\n"
    "  show();\n"
    "  requestAnimationFrame(frame);\n"
    "};\n"
    "const play = on => {\n"
    "  playing = on;\n"
    "  by('play').textContent = on ? 'Pause' : 'Play';\n"
    "  now = on && now >= n - 1 ? 0 : now;\n"
    "  last = performance.now();\n"
    "  if (on) requestAnimationFrame(frame);\n"
    "};\n"
    "by('play').onclick = () => play(!playing);\n"
    "by('slider').oninput = () => { play(false); now = +by('slider').value; show(); };\n"
    "\n"
    "// page.html#700 stands still at 700 ms; else it plays, unless the reader wants less motion.\n"
    "const at = parseFloat(location.hash.slice(1));\n"
    "now = at >= 0 ? at / episode.dt : 0;\n"
    "show();\n"
    "if (!(at >= 0) && !matchMedia('(prefers-reduced-motion: reduce)').matches) play(true);\n";

static void print_escaped(FILE *to, const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
            case '&': fputs("&amp;", to); break;
            case '<': fputs("&lt;", to); break;
            case '>': fputs("&gt;", to); break;
            default: fputc(*c, to); break;
        }
    }
}

/* ---- the episode, as JSON of whole numbers: lengths in thousandths ---- */

static void print_thousandths(FILE *to, float x) {
    fprintf(to, "%ld", lround(1000 * (double)x));
}

static void print_places(FILE *to, const probe_file *source) {
    fputs("\"place\": [", to);
    for (size_t t = 0; t < source->n_steps; t++) {
        for (size_t k = 0; k < 2; k++) {
            fputs(t + k > 0 ? "," : "", to);
            print_thousandths(to, source->observed[t * source->n_observed + k]);
        }
    }
    fputs("],\n", to);
}

/* [step, x, y, radius] from which it is there. */
static void print_goal(FILE *to, const probe_file *source) {
    fputs("\"goal\": [", to);
    for (size_t t = 0; t < source->n_steps; t++) {
        const float *goal = source->goal + 3 * t;
        if (t == 0 || goal[0] != goal[-3] || goal[1] != goal[-2] || goal[2] != goal[-1]) {
            fprintf(to, "%s[%zu", t > 0 ? "," : "", t);
            for (size_t k = 0; k < 3; k++) {
                fputc(',', to);
                print_thousandths(to, goal[k]);
            }
            fputc(']', to);
        }
    }
    fputs("],\n", to);
}

static void print_event(FILE *to, const probe_file *source, const char *name, unsigned bit) {
    const char *separator = "";
    fprintf(to, "\"%s\": [", name);
    for (size_t t = 0; t < source->n_steps; t++) {
        if ((source->events[t] & bit) != 0) {
            fprintf(to, "%s%zu", separator, t);
            separator = ",";
        }
    }
    fputs("],\n", to);
}

/* For each step, who spikes. */
static void print_raster(FILE *to, const page_raster *r, size_t n_steps) {
    fprintf(to, "{\"rows\": %zu, \"colour\": \"#%06x\", \"spikes\": [", r->n_rows, (unsigned)r->rgb);
    for (size_t t = 0; t < n_steps; t++) {
        const char *separator = "";
        fputs(t > 0 ? ",[" : "[", to);
        for (size_t row = 0; row < r->n_rows; row++) {
            if (r->z[t * r->stride + r->columns[row]] != 0) {
                fprintf(to, "%s%zu", separator, row);
                separator = ",";
            }
        }
        fputc(']', to);
    }
    fputs("]}", to);
}

static void print_episode(FILE *to, const probe_file *source, const page_raster *rasters, int n_rasters) {
    const double span_ms = 400;
    char dt[32];
    number_text(dt, sizeof dt, source->dt, 9);
    fprintf(to, "const episode = {\n\"dt\": %s, \"span\": %.0f,\n", dt, ceil(span_ms / source->dt));
    print_places(to, source);
    print_goal(to, source);
    print_event(to, source, "goals", 1);
    print_event(to, source, "borders", 2);
    fputs("\"rasters\": [", to);
    for (int k = 0; k < n_rasters; k++) {
        fputs(k > 0 ? ",\n" : "\n", to);
        print_raster(to, &rasters[k], source->n_steps);
    }
    fputs("\n]};\n", to);
}

/* ---- the page ---- */

static int choose_rasters(const probe_file *source, page_raster *rasters) {
    int n = 0;
    rasters[n++] = (page_raster){"input neuron", input_rgb, source->spikes, source->n_in, source->n_in, source->inputs};
    if (source->n_lif > 0) {
        rasters[n++] = (page_raster){"LIF neuron", lif_rgb, source->z, source->n_rec, source->n_lif, source->lif};
    }
    if (source->n_adaptive > 0) {
        rasters[n++] = (page_raster){"adaptive neuron", adaptive_rgb, source->z, source->n_rec, source->n_adaptive, source->adaptive};
    }
    return n;
}

static void print_page(FILE *to, const probe_file *source, const char *title) {
    page_raster rasters[MOST_RASTERS];
    int n = choose_rasters(source, rasters);
    fputs(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
        to);
    print_escaped(to, title);
    fprintf(to, "</title>\n%s<h1>", head);
    print_escaped(to, title);
    fprintf(to, "</h1>\n%s", stage);
    double all = (double)(source->n_in + source->n_rec);
    for (int k = 0; k < n; k++) {
        fprintf(to, "<p style=\"color: #%06x\">%zu %s%s</p>\n", (unsigned)rasters[k].rgb, rasters[k].n_rows, rasters[k].what,
                rasters[k].n_rows == 1 ? "" : "s");
        fprintf(
            to,
            "<svg id=\"raster%d\" style=\"height: %.0fpx\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"spikes of %ss\"></svg>\n",
            k, fmax(PAGE_HEIGHT * (double)rasters[k].n_rows / all, 40), rasters[k].what);
    }
    fprintf(to, "<p id=\"ends\"><span>400 ms ago</span><span>now</span></p>\n</div>\n</div>\n%s<script>\n'use strict';\n", controls);
    print_episode(to, source, rasters, n);
    fprintf(to, "\n%s</script>\n</body>\n</html>\n", script);
}

static bool all_are_places(const float *values, size_t n) {
    for (size_t k = 0; k < n; k++) {
        if (!(fabsf(values[k]) <= 1e3F)) {
            return false;
        }
    }
    return true;
}

static lsnn_status check(const probe_file *source, const char *path) {
    if (source->goal == NULL || source->n_observed < 2 || source->currents) {
        return fail(
            LSNN_ERR_DATA,
            "%s is a probe of %.40s; a page (.html) shows an agent on its way to a goal, as the task navigation has it; name a figure (.svg, .png or "
            ".pdf) instead",
            path, probe_file_text(source, "experiment"));
    }
    if (!all_are_places(source->observed, source->n_steps * source->n_observed) || !all_are_places(source->goal, source->n_steps * 3)) {
        return fail(LSNN_ERR_DATA, "%s: observed or goal has numbers that are no places in the disc; make the probe again", path);
    }
    return LSNN_OK;
}

lsnn_status animation_of_probe(const char *path, double first_ms, const char *page_path) {
    probe_file source = {0};
    char title[320], *text = NULL;
    size_t n;
    FILE *to = NULL;
    lsnn_status status;
    TRY(probe_file_open(&source, path, first_ms));
    TRY(check(&source, path));
    figure_probe_title(&source, title, sizeof title);
    to = open_memstream(&text, &n);
    if (to == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "%s: not enough memory to write it", page_path));
    }
    print_page(to, &source, title);
    bool failed = ferror(to);
    if (fclose(to) != 0 || failed) {
        TRY(fail(LSNN_ERR_MEMORY, "%s: not enough memory to write it", page_path));
    }
    TRY(file_write_atomic(page_path, text, n));
out:
    free(text);
    probe_file_close(&source);
    return status;
}
