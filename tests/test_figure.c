/* Figures: every format of every kind of source is drawn, says what it must say, and damaged sources are refused. */
#include "lsnn.h"

#include "base/file.h"
#include "base/tensorfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/drawn.h"

/* The fonts' settings, which fontconfig keeps to the end of the process, are no leak; AddressSanitizer asks by this name. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libfontconfig\n";
}

static char folder[512];

static char *in_folder(char path[1024], const char *name) {
    snprintf(path, 1024, "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state) {
    (void)state;
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/lsnn_figure_XXXXXX", parent == NULL ? "/tmp" : parent);
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
    static const char *const names[] = {"probe.safetensors", "probe.npy", "metrics.jsonl", "start.svg", "one.svg",
                                        "one.png",           "one.pdf",   "one.html",      "two.svg",   "two.png",
                                        "two.pdf",           "none.svg",  "many.svg",      "broken.svg"};
    char path[1024];
    (void)state;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        remove(in_folder(path, names[k]));
    }
    return rmdir(folder);
}

/* ---- a made-up probe; change what a test is about, then write it ---- */

typedef struct made {
    int64_t n_steps, n_in, n_lif, n_adaptive, n_out, n_windows;
    const char *kind, *dt, *input_kind, *loss_kind, *experiment;
    int skip;          /* leaves out tensor number `skip`; -1: none */
    int misshapen;     /* gives tensor number `misshapen` one number less along its last side; -1: none */
    double spike_rate; /* of input and neurons, a step */
    float *real[9];    /* input, v, b, threshold, psi, p, y, output, target */
    float *beta, *tau_a, loss;
    uint8_t *z;
    int32_t *start, *stop, *class_of;
    uint8_t *events; /* of an agent, as the next two; NULL: there are none */
    float *observed, *goal;
    const char *classes; /* data.classes; NULL: there is none */
} made;

static double draw(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 9007199254740992.0;
}

static void *take(int64_t n, size_t size) {
    void *room = calloc((size_t)(n > 0 ? n : 1), size);
    assert_non_null(room);
    return room;
}

static made make(int64_t n_steps, int64_t n_in, int64_t n_lif, int64_t n_adaptive, int64_t n_out, int64_t n_windows, double spike_rate) {
    made m = {n_steps,   n_in, n_lif, n_adaptive, n_out, n_windows, "probe", "1",   "spikes", "cross_entropy",
              "made-up", -1,   -1,    spike_rate, {0},   0,         0,       0.25f, 0,        0,
              0,         0,    0,     0,          0,     NULL};
    int64_t n_rec = n_lif + n_adaptive;
    const int64_t sizes[9] = {n_steps * n_in,  n_steps * n_rec, n_steps * n_rec,   n_steps * n_rec,  n_steps * n_rec,
                              n_steps * n_rec, n_steps * n_out, n_windows * n_out, n_windows * n_out};
    uint64_t seed = 1;
    for (int k = 0; k < 9; k++) {
        m.real[k] = take(sizes[k], sizeof(float));
        for (int64_t i = 0; i < sizes[k]; i++) {
            m.real[k][i] = k == 0 ? (float)(draw(&seed) < spike_rate) : (float)draw(&seed);
        }
    }
    m.z = take(n_steps * n_rec, 1);
    for (int64_t i = 0; i < n_steps * n_rec; i++) {
        m.z[i] = draw(&seed) < spike_rate;
    }
    m.beta = take(n_rec, sizeof(float));
    m.tau_a = take(n_rec, sizeof(float));
    for (int64_t j = n_lif; j < n_rec; j++) {
        m.beta[j] = 1.8f;
    }
    for (int64_t i = 0; i < n_steps * n_rec; i++) {
        m.real[3][i] = 0.01f + m.beta[i % n_rec] * m.real[2][i];
    }
    m.start = take(n_windows, sizeof(int32_t));
    m.stop = take(n_windows, sizeof(int32_t));
    m.class_of = take(n_windows, sizeof(int32_t));
    for (int64_t w = 0; w < n_windows; w++) {
        m.start[w] = (int32_t)(n_steps * (2 * w + 1) / (2 * n_windows));
        m.stop[w] = (int32_t)(n_steps * (2 * w + 2) / (2 * n_windows));
        m.class_of[w] = (int32_t)(w % n_out);
    }
    return m;
}

static void made_free(made *m) {
    for (int k = 0; k < 9; k++) {
        free(m->real[k]);
    }
    free(m->z);
    free(m->beta);
    free(m->tau_a);
    free(m->start);
    free(m->stop);
    free(m->class_of);
    free(m->events);
    free(m->observed);
    free(m->goal);
}

enum { N_TENSORS = 20, FIRST_OF_AGENT = 17 };

static void made_write(const made *m, const char *path) {
    int64_t n_rec = m->n_lif + m->n_adaptive;
    const struct {
        const char *name;
        tensor_type type;
        int rank;
        int64_t shape[2];
        const void *data;
    } tensors[N_TENSORS] = {
        {"input", TENSOR_F32, 2, {m->n_steps, m->n_in}, m->real[0]},
        {"v", TENSOR_F32, 2, {m->n_steps, n_rec}, m->real[1]},
        {"b", TENSOR_F32, 2, {m->n_steps, n_rec}, m->real[2]},
        {"threshold", TENSOR_F32, 2, {m->n_steps, n_rec}, m->real[3]},
        {"psi", TENSOR_F32, 2, {m->n_steps, n_rec}, m->real[4]},
        {"p", TENSOR_F32, 2, {m->n_steps, n_rec}, m->real[5]},
        {"y", TENSOR_F32, 2, {m->n_steps, m->n_out}, m->real[6]},
        {"output", TENSOR_F32, 2, {m->n_windows, m->n_out}, m->real[7]},
        {"z", TENSOR_U8, 2, {m->n_steps, n_rec}, m->z},
        {"window_start", TENSOR_I32, 1, {m->n_windows}, m->start},
        {"window_stop", TENSOR_I32, 1, {m->n_windows}, m->stop},
        {"beta", TENSOR_F32, 1, {n_rec}, m->beta},
        {"tau_a", TENSOR_F32, 1, {n_rec}, m->tau_a},
        {"loss", TENSOR_F32, 1, {1}, &m->loss},
        {"class", TENSOR_I32, 1, {m->n_windows}, m->class_of},
        {"target", TENSOR_F32, 2, {m->n_windows, m->n_out}, m->real[8]},
        {"w_in", TENSOR_F32, 1, {1}, &m->loss},
        {"events", TENSOR_U8, 1, {m->n_steps}, m->events},
        {"observed", TENSOR_F32, 2, {m->n_steps, 2}, m->observed},
        {"goal", TENSOR_F32, 2, {m->n_steps, 3}, m->goal},
    };
    tensor_writer *writer;
    assert_int_equal(tensor_writer_create(&writer), LSNN_OK);
    bool squared = strcmp(m->loss_kind, "squared") == 0 || m->events != NULL;
    for (int k = 0; k < (m->events != NULL ? N_TENSORS : FIRST_OF_AGENT); k++) {
        int64_t shape[2] = {tensors[k].shape[0], tensors[k].shape[1]};
        shape[tensors[k].rank - 1] -= k == m->misshapen;
        if (k != m->skip && tensors[k].data != NULL && strcmp(tensors[k].name, squared ? "class" : "target") != 0) {
            tensor_writer_add(writer, tensors[k].name, tensors[k].type, tensors[k].rank, shape, tensors[k].data);
        }
    }
    tensor_writer_text(writer, "kind", m->kind);
    tensor_writer_text(writer, "experiment", m->experiment);
    tensor_writer_text(writer, "split", "test");
    tensor_writer_text(writer, "sample", "12");
    tensor_writer_text(writer, "dt", m->dt);
    tensor_writer_text(writer, "input_kind", m->input_kind);
    tensor_writer_text(writer, "loss_kind", m->loss_kind);
    tensor_writer_text(writer, "score_name", "accuracy");
    if (m->classes != NULL) {
        tensor_writer_text(writer, "data.classes", m->classes);
    }
    assert_int_equal(tensor_writer_save(writer, path, NULL), LSNN_OK);
    tensor_writer_free(writer);
}

static void assert_drawn(const char *source, const char *figure) {
    lsnn_status status = lsnn_plot(source, figure);
    if (status != LSNN_OK) {
        fail_msg("%s: %s", figure, lsnn_error());
    }
}

/* Draws the probe as SVG; the caller frees the text. */
static char *svg_of(const made *m) {
    char source[1024], figure[1024];
    size_t n;
    made_write(m, in_folder(source, "probe.safetensors"));
    assert_drawn(source, in_folder(figure, "one.svg"));
    return drawn_text(figure, &n);
}

/* Pixels of this colour in the rows from..to of the picture, given as fractions of its height. */
static size_t pixels_of(const char *path, uint32_t rgb, double from, double to) {
    cairo_surface_t *image = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(image), CAIRO_STATUS_SUCCESS);
    int width = cairo_image_surface_get_width(image), height = cairo_image_surface_get_height(image);
    const unsigned char *data = cairo_image_surface_get_data(image);
    size_t n = 0;
    for (int y = (int)(from * height); y < (int)(to * height); y++) {
        const unsigned char *row = data + (size_t)y * (size_t)cairo_image_surface_get_stride(image);
        for (int x = 0; x < width; x++) {
            uint32_t pixel;
            memcpy(&pixel, row + 4 * (size_t)x, sizeof pixel);
            n += (pixel & 0xffffff) == rgb;
        }
    }
    cairo_surface_destroy(image);
    return n;
}

static void assert_refused(const char *source, lsnn_status expected, const char *words) {
    char figure[1024];
    lsnn_status status = lsnn_plot(source, in_folder(figure, "none.svg"));
    if (status != expected || strstr(lsnn_error(), words) == NULL) {
        fail_msg("expected %s with \"%s\", got %s: %s", lsnn_status_name(expected), words, lsnn_status_name(status), lsnn_error());
    }
    assert_false(file_exists(figure));
}

static void assert_probe_refused(const made *m, const char *words) {
    char source[1024];
    made_write(m, in_folder(source, "probe.safetensors"));
    assert_refused(source, LSNN_ERR_DATA, words);
}

/* ---- probes ---- */

static void test_all_formats_and_same_bytes(void **state) {
    static const struct {
        const char *one, *two, *magic;
    } formats[] = {{"one.svg", "two.svg", "<?xml"}, {"one.png", "two.png", "\x89PNG\r\n\x1a\n"}, {"one.pdf", "two.pdf", "%PDF-1."}};
    char source[1024], one[1024], two[1024];
    made m = make(128, 12, 10, 8, 4, 1, 0.05);
    (void)state;
    made_write(&m, in_folder(source, "probe.safetensors"));
    for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) {
        size_t n_one, n_two;
        assert_drawn(source, in_folder(one, formats[k].one));
        assert_drawn(source, in_folder(two, formats[k].two));
        char *first = drawn_text(one, &n_one), *second = drawn_text(two, &n_two);
        assert_true(n_one > 2000);
        assert_memory_equal(first, formats[k].magic, strlen(formats[k].magic));
        assert_int_equal(n_one, n_two);
        assert_memory_equal(first, second, n_one);
        for (size_t i = 0; i + 12 < n_one; i++) {
            assert_false(memcmp(first + i, "CreationDate", 12) == 0);
        }
        free(first);
        free(second);
    }
    made_free(&m);
}

static void test_svg_says_it_in_words(void **state) {
    made m = make(128, 12, 10, 8, 4, 1, 0.05);
    (void)state;
    memcpy(m.real[7], (const float[]){0.1f, 0.2f, 5, 0.3f}, 4 * sizeof(float));
    char *svg = svg_of(&m);
    drawn_says(svg, "Time (ms)");
    drawn_says(svg, "Input neuron");
    drawn_says(svg, "LIF neuron");
    drawn_says(svg, "Adaptive neuron");
    drawn_says(svg, "Threshold");
    drawn_says(svg, "units of v_th");
    drawn_says(svg, "Class probability");
    drawn_says(svg, "made-up, test sample 12: true class 0, predicted 2, loss 0.25");
    drawn_says(svg, ">120</text>"); /* a tick of the time axis */
    drawn_says(svg, "#0072b2");
    drawn_says(svg, "#d55e00");
    free(svg);
    made_free(&m);
}

static void test_panels_without_neurons_are_left_out(void **state) {
    (void)state;
    made m = make(64, 5, 6, 0, 2, 1, 0.1);
    char *svg = svg_of(&m);
    drawn_says(svg, "LIF neuron");
    assert_null(strstr(svg, "Adaptive"));
    assert_null(strstr(svg, "Threshold"));
    free(svg);
    made_free(&m);
    m = make(64, 5, 0, 6, 2, 1, 0.1);
    svg = svg_of(&m);
    drawn_says(svg, "Adaptive neuron");
    assert_null(strstr(svg, "LIF neuron"));
    free(svg);
    made_free(&m);
}

static void test_raster_is_one_path_of_all_spikes(void **state) {
    (void)state;
    made m = make(100, 3, 4, 0, 2, 1, 0);
    for (int k = 0; k < 7; k++) {
        m.z[k * 57] = 1;
    }
    char *svg = svg_of(&m);
    assert_int_equal(drawn_count(svg, "stroke=\"#0072b2\""), 1);
    char *path = strstr(strstr(svg, "stroke=\"#0072b2\""), " d=\"") + 4;
    *strchr(path, '"') = '\0';
    assert_int_equal(drawn_count(path, "h"), 7);
    assert_int_equal(drawn_count(path, "m"), 7);
    free(svg);
    made_free(&m);
}

static void test_png_shows_spikes_where_they_belong(void **state) {
    char source[1024], figure[1024];
    (void)state;
    made m = make(100, 20, 20, 20, 3, 1, 0.2);
    made_write(&m, in_folder(source, "probe.safetensors"));
    assert_drawn(source, in_folder(figure, "one.png"));
    size_t input = pixels_of(figure, 0x333333, 0.06, 0.2), lif = pixels_of(figure, 0x0072b2, 0.25, 0.4),
           adaptive = pixels_of(figure, 0xd55e00, 0.42, 0.58);
    assert_true(input > 1000);
    assert_true(lif > 1000);
    assert_true(adaptive > 1000);
    assert_int_equal(pixels_of(figure, 0x0072b2, 0.6, 0.75), 0);
    memset(m.z, 0, (size_t)(m.n_steps * 40));
    made_write(&m, source);
    assert_drawn(source, figure);
    assert_true(pixels_of(figure, 0x0072b2, 0.25, 0.4) < lif / 4); /* what is left are the words in the margin */
    made_free(&m);
}

static void test_huge_raster_becomes_an_image(void **state) {
    char figure[1024];
    size_t n;
    (void)state;
    made m = make(10000, 2, 100, 0, 2, 1, 0.25);
    char *svg = svg_of(&m);
    assert_int_equal(drawn_count(svg, "<image"), 1);
    free(drawn_text(in_folder(figure, "one.svg"), &n));
    assert_true(n < 2000000);
    free(svg);
    made_free(&m);
    m = make(10000, 2, 100, 0, 2, 1, 0.15);
    svg = svg_of(&m);
    assert_int_equal(drawn_count(svg, "<image"), 0);
    free(drawn_text(figure, &n));
    assert_true(n < 3000000);
    free(svg);
    made_free(&m);
}

static void test_currents_are_a_heat_map(void **state) {
    (void)state;
    made m = make(64, 5, 6, 2, 2, 1, 0.1);
    m.input_kind = "currents";
    for (int i = 0; i < 64 * 5; i++) {
        m.real[0][i] = sinf((float)i);
    }
    m.real[0][3] = NAN;
    char *svg = svg_of(&m);
    assert_int_equal(drawn_count(svg, "<image"), 2); /* the map and its scale */
    drawn_says(svg, "5 currents");
    free(svg);
    made_free(&m);
}

static void test_squared_error_shows_target_and_output(void **state) {
    (void)state;
    made m = make(64, 5, 6, 2, 2, 8, 0.1);
    m.loss_kind = "squared";
    m.real[8][3] = NAN;
    char *svg = svg_of(&m);
    drawn_says(svg, ">target</text>");
    drawn_says(svg, ">output</text>");
    drawn_says(svg, "made-up, test sample 12: loss 0.25");
    assert_null(strstr(svg, "Class probability"));
    free(svg);
    made_free(&m);
}

/* Windows one after another: each one's mean is drawn as one flat piece. */
static void test_windows_without_gaps_show_their_means(void **state) {
    (void)state;
    made m = make(64, 5, 6, 2, 1, 8, 0.1);
    m.loss_kind = "squared";
    for (int w = 0; w < 8; w++) {
        m.start[w] = 8 * w;
        m.stop[w] = 8 * w + 8;
        m.real[7][w] = 0.5f;
        m.real[8][w] = 0.5f;
    }
    for (int t = 0; t < 64; t++) {
        m.real[6][t] = t % 2 == 0 ? 1000.0f : -1000.0f; /* what single steps do is not shown */
    }
    char *svg = svg_of(&m);
    drawn_says(svg, ">output</text>");
    assert_null(strstr(svg, ">1000<"));
    free(svg);
    made_free(&m);
}

/* An agent that goes from left to right, and is at its goal in steps 10 and 30. */
static made make_agent(void) {
    made m = make(64, 5, 6, 2, 5, 64, 0.1);
    m.loss_kind = "policy";
    m.events = take(64, 1);
    m.observed = take(128, sizeof(float));
    m.goal = take(192, sizeof(float));
    for (int t = 0; t < 64; t++) {
        m.start[t] = t;
        m.stop[t] = t + 1;
        m.observed[2 * t] = (float)t / 32 - 1;
        m.observed[2 * t + 1] = 0.125f;
        m.goal[3 * t] = t < 50 ? 0.5f : -0.5f; /* which then moves */
        m.goal[3 * t + 2] = 0.3f;
    }
    m.events[10] = m.events[30] = 1;
    m.events[20] = 2;
    return m;
}

static void test_an_agent(void **state) {
    (void)state;
    made m = make_agent();
    char *svg = svg_of(&m);
    drawn_says(svg, "made-up, test sample 12: 2 goals, the first after 11 ms, loss 0.25");
    static const char *const words[] = {"Position", "Value", "goal's", "border", "expected", "return"};
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        drawn_says(svg, words[k]);
    }
    assert_null(strstr(svg, "Threshold"));
    assert_int_equal(drawn_count(svg, "stroke=\"#117733\" stroke-opacity=\"0.65\""), 6); /* one path in each of five panels, and the key */
    free(svg);
    free(m.goal); /* an environment of one's own */
    m.goal = NULL;
    svg = svg_of(&m);
    drawn_says(svg, "Observed");
    drawn_says(svg, "event 1");
    assert_null(strstr(svg, "Position"));
    free(svg);
    for (m.skip = 17; m.skip < 19; m.skip++) {
        assert_probe_refused(&m, "");
    }
    m.skip = -1;
    made_free(&m);
}

static char *page_of(const made *m) {
    char source[1024], page[1024];
    size_t n;
    made_write(m, in_folder(source, "probe.safetensors"));
    assert_drawn(source, in_folder(page, "one.html"));
    return drawn_text(page, &n);
}

static void assert_no_page(const made *m, const char *words) {
    char source[1024], page[1024];
    made_write(m, in_folder(source, "probe.safetensors"));
    assert_int_equal(lsnn_plot(source, in_folder(page, "none.html")), LSNN_ERR_DATA);
    if (strstr(lsnn_error(), words) == NULL) {
        fail_msg("no '%s' in: %s", words, lsnn_error());
    }
    assert_false(file_exists(page));
}

static void test_a_page_that_plays_an_episode(void **state) {
    char path[1024];
    (void)state;
    made m = make_agent();
    memset(m.z, 0, 64 * 8);
    m.z[3 * 8 + 2] = m.z[3 * 8 + 5] = m.z[4 * 8 + 6] = m.z[63 * 8 + 7] = 1;
    m.experiment = "</title><script>&";
    m.dt = "0.5";
    char *page = page_of(&m);
    drawn_says(page, "<title>&lt;/title&gt;&lt;script&gt;&amp;, test sample 12: 2 goals, the first after 5.5 ms");
    assert_int_equal(drawn_count(page, "<script>"), 1);
    drawn_says(page, "\"dt\": 0.5, \"span\": 800,\n");
    drawn_says(page, "\"place\": [-1000,125,-969,125,");
    drawn_says(page, "\"goal\": [[0,500,0,300],[50,-500,0,300]],\n\"goals\": [10,30],\n\"borders\": [20],\n");
    drawn_says(page, "{\"rows\": 6, \"colour\": \"#0072b2\", \"spikes\": [[],[],[],[2,5],[],");
    drawn_says(page, "{\"rows\": 2, \"colour\": \"#d55e00\", \"spikes\": [[],[],[],[],[0],[],");
    drawn_says(page, "[],[1]]}\n]};\n");
    free(page);
    assert_int_equal(lsnn_plot_start(in_folder((char[1024]){0}, "probe.safetensors"), 10, in_folder(path, "one.html")), LSNN_OK);
    page = drawn_text(path, NULL);
    drawn_says(page, "\"goals\": [10],\n\"borders\": [],\n");
    drawn_says(page, "; the first 10 of 32 ms");
    free(page);
    const float odd[] = {NAN, INFINITY, -1e30f};
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
        m.observed[5] = odd[k];
        free(svg_of(&m)); /* the figure leaves it out */
        assert_no_page(&m, "no places");
        m.observed[5] = 0;
        m.goal[5] = odd[k];
        assert_no_page(&m, "no places");
        m.goal[5] = 0.3f;
    }
    m.skip = 19;
    assert_no_page(&m, "the task navigation");
    made_free(&m);
    m = make(30, 4, 3, 3, 3, 2, 0.1);
    assert_no_page(&m, "is a probe of made-up; a page (.html) shows an agent");
    made_free(&m);
}

static void test_the_start_of_a_probe(void **state) {
    (void)state;
    char source[1024], figure[1024];
    made m = make(64, 5, 6, 2, 2, 4, 0.1); /* windows 8..15, 24..31, 40..47, 56..63 */
    m.dt = "2";
    for (int squared = 0; squared < 2; squared++) {
        m.loss_kind = squared ? "squared" : "cross_entropy";
        made_write(&m, in_folder(source, "probe.safetensors"));
        static const double first[] = {1, 20, 60, 128, 1e9}; /* one step; into the first window; into the second; all */
        for (size_t k = 0; k < sizeof first / sizeof *first; k++) {
            size_t n;
            assert_int_equal(lsnn_plot_start(source, first[k], in_folder(figure, "start.svg")), LSNN_OK);
            char *svg = drawn_text(figure, &n);
            if (first[k] == 60) {
                drawn_says(svg, "; the first 60 of 128 ms");
            }
            assert_true((strstr(svg, "; the first ") == NULL) == (first[k] >= 128));
            free(svg);
        }
        assert_int_equal(lsnn_plot_start(source, 0, figure), LSNN_ERR_USAGE);
        assert_int_equal(lsnn_plot_start(source, NAN, figure), LSNN_ERR_USAGE);
        assert_int_equal(lsnn_plot_start(source, 5, "figure.gif"), LSNN_ERR_USAGE);
    }
    made_free(&m);
}

static void test_many_windows_and_classes(void **state) {
    (void)state;
    made m = make(600, 5, 6, 2, 61, 6, 0.1);
    m.class_of[5] = -1;
    m.class_of[4] = 60;
    char *svg = svg_of(&m);
    drawn_says(svg, "true class 60, predicted");
    drawn_says(svg, "(last of 5 windows,");
    assert_true(drawn_count(svg, "stroke=\"#bbbbbb\"") >= 61 - 12);
    assert_int_equal(drawn_count(svg, "font-weight=\"bold\"") - 6, 5); /* title and five letters; then the labels of five right classes */
    free(svg);
    made_free(&m);
}

/* Frames of 10 steps: aa twice, then one that does not count, then sh, and aa once more. */
static void test_frames_of_phones(void **state) {
    (void)state;
    made m = make(50, 5, 6, 2, 3, 5, 0.1);
    const int32_t class_of[5] = {1, 1, -1, 2, 1};
    for (int w = 0; w < 5; w++) {
        m.start[w] = 10 * w;
        m.stop[w] = 10 * w + 10;
        m.class_of[w] = class_of[w];
        for (int k = 0; k < 3; k++) { /* right but for the last */
            m.real[7][3 * w + k] = k == (w == 4 ? 0 : class_of[w]) ? 5 : 0;
        }
    }
    m.classes = "h# aa sh";
    m.input_kind = "currents";
    char *svg = svg_of(&m);
    drawn_says(svg, "3 of 4 frames right");
    drawn_says(svg, "5 features");
    drawn_says(svg, "Probability of each phone");
    assert_int_equal(drawn_count(svg, ">aa<"), 3); /* twice above, where one name stands for both frames, and at its row */
    assert_int_equal(drawn_count(svg, ">sh<"), 2);
    assert_int_equal(drawn_count(svg, ">h#<"), 0); /* it is right nowhere */
    assert_null(strstr(svg, "Threshold"));
    free(svg);
    m.classes = "h# aa";
    assert_probe_refused(&m, "data.classes has 2 names for 3 classes");
    for (int w = 0; w < 5; w++) { /* nothing counts */
        m.class_of[w] = -1;
    }
    m.classes = "h# aa sh";
    svg = svg_of(&m);
    drawn_says(svg, "0 of 0 frames right");
    free(svg);
    made_free(&m);
    m = make(50, 5, 6, 2, 3, 1, 0.1); /* one answer for all of it: no frames, but a name */
    m.class_of[0] = 2;
    m.classes = "zero one two";
    svg = svg_of(&m);
    drawn_says(svg, "true class two, predicted ");
    drawn_says(svg, ">one<");
    free(svg);
    made_free(&m);
}

static void test_numbers_that_are_not_finite(void **state) {
    static const float strange[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-45f};
    char figure[1024];
    (void)state;
    for (size_t s = 0; s < sizeof strange / sizeof *strange; s++) {
        for (int squared = 0; squared < 2; squared++) {
            made m = make(30, 4, 3, 3, 3, 2, 0.1);
            const int64_t sizes[9] = {30 * 4, 30 * 6, 30 * 6, 30 * 6, 30 * 6, 30 * 6, 30 * 3, 2 * 3, 2 * 3};
            m.loss_kind = squared ? "squared" : "cross_entropy";
            m.input_kind = squared ? "currents" : "spikes";
            for (int k = 0; k < 9; k++) {
                for (int64_t i = 0; i < sizes[k]; i += 1 + (int64_t)(s % 2)) {
                    m.real[k][i] = strange[s];
                }
            }
            m.beta[5] = m.loss = strange[s];
            free(svg_of(&m));
            assert_drawn(in_folder((char[1024]){0}, "probe.safetensors"), in_folder(figure, "one.png"));
            made_free(&m);
        }
    }
}

static void test_names_are_drawn_as_text(void **state) {
    (void)state;
    made m = make(30, 4, 3, 3, 3, 2, 0.1);
    m.experiment = "<b>\"a\" & \t\x01 \xc3\xa4 end";
    char *svg = svg_of(&m);
    drawn_says(svg, "&lt;b&gt;&quot;a&quot; &amp; ?? \xc3\xa4 end, test");
    assert_null(strstr(svg, "<b>"));
    free(svg);
    made_free(&m);
}

static void test_tiny_probe(void **state) {
    (void)state;
    made m = make(1, 1, 0, 1, 1, 1, 1);
    free(svg_of(&m));
    made_free(&m);
}

static void test_probes_that_do_not_fit(void **state) {
    char source[1024];
    (void)state;
    made m = make(30, 4, 3, 3, 3, 2, 0.1);
    m.kind = "model";
    made_write(&m, in_folder(source, "probe.safetensors"));
    assert_refused(source, LSNN_ERR_USAGE, "is not a probe");
    m.kind = "probe";
    const char *const steps[] = {"0", "-1", "nan", "", "1 ms", "1e999", "true"};
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        m.dt = steps[k];
        assert_probe_refused(&m, "dt is");
    }
    m.dt = "0.5";
    m.input_kind = "pictures";
    assert_probe_refused(&m, "input_kind");
    m.input_kind = "spikes";
    m.loss_kind = "hinge";
    assert_probe_refused(&m, "loss_kind");
    m.loss_kind = "cross_entropy";
    m.class_of[1] = 3;
    assert_probe_refused(&m, "class 3 of 3");
    m.class_of[1] = -2;
    assert_probe_refused(&m, "class -2");
    m.class_of[1] = -1;
    const int32_t windows[][4] = {{-1, 5, 6, 9}, {0, 31, 6, 9}, {0, 5, 5, 5}, {0, 5, 4, 9}, {3, 2, 6, 9}, {0, 5, 5, 31}};
    for (size_t k = 0; k < sizeof windows / sizeof *windows; k++) {
        m.start[0] = windows[k][0];
        m.stop[0] = windows[k][1];
        m.start[1] = windows[k][2];
        m.stop[1] = windows[k][3];
        assert_probe_refused(&m, "window");
    }
    m.start[0] = m.start[1] = 0;
    m.stop[0] = m.start[1] = 5;
    m.stop[1] = 30;
    for (int squared = 0; squared < 2; squared++) {
        m.loss_kind = squared ? "squared" : "cross_entropy";
        for (int k = 0; k < 16; k++) {
            if (k == (squared ? 14 : 15)) {
                continue;
            }
            m.skip = k;
            assert_probe_refused(&m, "");
            m.skip = -1;
            m.misshapen = k == 0 ? 3 : k; /* any number of inputs is fine */
            assert_probe_refused(&m, "");
            m.misshapen = -1;
        }
    }
    free(svg_of(&m)); /* and it was fine but for that */
    in_folder(source, "probe.safetensors");
    assert_int_equal(file_write_atomic(source, "not a tensor file", 17), LSNN_OK);
    assert_refused(source, LSNN_ERR_DATA, "");
    assert_refused(in_folder(source, "missing.safetensors"), LSNN_ERR_IO, "missing.safetensors");
    made_free(&m);
}

static void test_figure_names(void **state) {
    static const char *const names[] = {"figure.jpg", "figure", "svg", "figure.svg.gz", ""};
    char source[1024], figure[1024];
    (void)state;
    made m = make(30, 4, 3, 3, 3, 2, 0.1);
    made_write(&m, in_folder(source, "probe.safetensors"));
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        assert_int_equal(lsnn_plot(source, names[k]), LSNN_ERR_USAGE);
        assert_non_null(strstr(lsnn_error(), ".svg, .png or .pdf"));
    }
    assert_int_equal(lsnn_plot(source, in_folder(figure, "no/such/folder.svg")), LSNN_ERR_IO);
    made_free(&m);
}

/* ---- metrics ---- */

static void write_metrics(const char *text) {
    char path[1024];
    assert_int_equal(file_write_atomic(in_folder(path, "metrics.jsonl"), text, strlen(text)), LSNN_OK);
}

/* A training of n iterations with a validation every 20. */
static void write_training(int n) {
    char *text = take(n * 160 + 1, 1);
    size_t at = 0;
    uint64_t seed = 3;
    for (int k = 1; k <= n; k++) {
        double noise = draw(&seed);
        at += (size_t)sprintf(text + at, "{\"iteration\": %d, \"loss\": %.4f, \"rate_hz\": %.2f, \"lr\": 0.01", k,
                              2.3 * exp(-k / (0.25 * n)) * (0.8 + 0.4 * noise), 10 + 3 * noise);
        if (k % 20 == 0) {
            at += (size_t)sprintf(text + at, ", \"score\": %.3f, \"score_name\": \"accuracy\"", 1 - exp(-k / (0.2 * n)));
        }
        at += (size_t)sprintf(text + at, "}\n");
    }
    write_metrics(text);
    free(text);
}

static void test_metrics_in_all_formats(void **state) {
    char source[1024], one[1024], two[1024];
    static const char *const names[][3] = {
        {"one.svg", "two.svg", "<?xml"}, {"one.png", "two.png", "\x89PNG"}, {"one.pdf", "two.pdf", "%PDF"}};
    (void)state;
    write_training(200);
    in_folder(source, "metrics.jsonl");
    for (int k = 0; k < 3; k++) {
        size_t n, n_two;
        assert_drawn(source, in_folder(one, names[k][0]));
        assert_drawn(folder, in_folder(two, names[k][1])); /* a run folder stands for its metrics.jsonl */
        char *first = drawn_text(one, &n), *second = drawn_text(two, &n_two);
        assert_memory_equal(first, names[k][2], strlen(names[k][2]));
        assert_int_equal(n, n_two);
        assert_memory_equal(first, second, n);
        free(first);
        free(second);
    }
    size_t n;
    char *svg = drawn_text(in_folder(one, "one.svg"), &n);
    drawn_says(svg, ">Loss</text>");
    drawn_says(svg, ">Validation</text>");
    drawn_says(svg, ">accuracy</text>");
    drawn_says(svg, "Firing rate (Hz)");
    drawn_says(svg, ">Iteration</text>");
    drawn_says(svg, "Training, 200 iterations");
    drawn_says(svg, ">0.993</text>");
    drawn_says(svg, ">at 200</text>");
    assert_int_equal(drawn_count(svg, "<circle"), 10);
    free(svg);
    assert_true(pixels_of(in_folder(one, "one.png"), 0x0072b2, 0.4, 0.7) > 200);
}

static char *metrics_svg(const char *text) {
    char source[1024], figure[1024];
    size_t n;
    write_metrics(text);
    assert_drawn(in_folder(source, "metrics.jsonl"), in_folder(figure, "one.svg"));
    return drawn_text(figure, &n);
}

static void test_metrics_that_are_odd_but_fine(void **state) {
    (void)state;
    char *svg = metrics_svg("{\"iteration\": 1, \"loss\": 3}\n{\"iteration\": 2, \"lo"); /* cut off while it was written */
    drawn_says(svg, "Training, 1 iteration<");
    assert_null(strstr(svg, "Firing rate"));
    assert_null(strstr(svg, "Validation"));
    free(svg);
    svg = metrics_svg(
        "{\"iteration\": 1, \"loss\": 3}\n{\"iteration\": 9, \"loss\": null}\n{\"event\": \"resumed\"}\n{\"iteration\": 2, \"loss\": 1e308, \"rate_hz\": 1}\n");
    drawn_says(svg, "Training, 2 iterations");
    free(svg);
    svg = metrics_svg(
        "{\"iteration\": 5, \"loss\": 0, \"score\": 0.5, \"score_name\": \"recall error\"}\n{\"iteration\": 6, \"loss\": -1e308, \"score\": 0.75}\n");
    drawn_says(svg, ">recall error</text>");
    drawn_says(svg, ">at 5</text>"); /* of an error, less is better */
    free(svg);
}

static void test_metrics_that_are_damaged(void **state) {
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "nothing to draw"},
        {"{\"iteration\": 1, \"loss\": 1}", "nothing to draw"},
        {"{\"event\": 1}\n", "nothing to draw"},
        {"{\"iteration\": 1}\n", "nothing to draw"},
        {"{\"iteration\": 1, \"loss\": 1}\n{\"iteration\": 2, \"loss\": \n{\"iteration\": 3, \"loss\": 1}\n", "line 2 is damaged"},
        {"{\"iteration\": 1, \"loss\": 1}\n{\"iteration\": 2, \"loss\": 1}\nnot json\n", "line 3 is damaged"},
        {"{\"iteration\": 1, \"loss\": 1}\n\n{\"iteration\": 2, \"loss\": 1}\n", "line 2 is damaged"},
        {"[1, 2]\n", "line 1 is damaged"},
        {"{\"iteration\": 1, \"loss\": NaN}\n", "line 1 is damaged"},
        {"{\"iteration\": 1, \"loss\": 1} {}\n", "line 1 is damaged"},
        {"{\"iteration\": \"one\", \"loss\": 1}\n", "line 1 has"},
        {"{\"iteration\": 1, \"loss\": 1}\n{\"iteration\": 2, \"score\": []}\n", "line 2 has"},
        {"\xff\xfe\n", "line 1 is damaged"},
    };
    char source[1024];
    (void)state;
    in_folder(source, "metrics.jsonl");
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        write_metrics(cases[k].text);
        assert_refused(source, LSNN_ERR_DATA, cases[k].words);
    }
    assert_int_equal(file_write_atomic(source, "{\"iteration\": 1}\0\n", 18), LSNN_OK);
    assert_refused(source, LSNN_ERR_DATA, "line 1 is damaged");
    remove(source);
    assert_refused(source, LSNN_ERR_IO, "metrics.jsonl");
    assert_refused(folder, LSNN_ERR_IO, "metrics.jsonl");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_formats_and_same_bytes),
        cmocka_unit_test(test_svg_says_it_in_words),
        cmocka_unit_test(test_panels_without_neurons_are_left_out),
        cmocka_unit_test(test_raster_is_one_path_of_all_spikes),
        cmocka_unit_test(test_png_shows_spikes_where_they_belong),
        cmocka_unit_test(test_huge_raster_becomes_an_image),
        cmocka_unit_test(test_currents_are_a_heat_map),
        cmocka_unit_test(test_squared_error_shows_target_and_output),
        cmocka_unit_test(test_windows_without_gaps_show_their_means),
        cmocka_unit_test(test_an_agent),
        cmocka_unit_test(test_a_page_that_plays_an_episode),
        cmocka_unit_test(test_the_start_of_a_probe),
        cmocka_unit_test(test_many_windows_and_classes),
        cmocka_unit_test(test_frames_of_phones),
        cmocka_unit_test(test_numbers_that_are_not_finite),
        cmocka_unit_test(test_names_are_drawn_as_text),
        cmocka_unit_test(test_tiny_probe),
        cmocka_unit_test(test_probes_that_do_not_fit),
        cmocka_unit_test(test_figure_names),
        cmocka_unit_test(test_metrics_in_all_formats),
        cmocka_unit_test(test_metrics_that_are_odd_but_fine),
        cmocka_unit_test(test_metrics_that_are_damaged),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
