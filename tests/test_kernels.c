/* The inner loops: every vector unit gives the bits of the reference, and the reference what kernels.h says, in double precision. */
#include "base/rng.h"
#include "machine/kernels/kernels.h"
#include "net/wiring.h"
#include "support/needs.h"

#include <Random123/threefry.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One table of cases: sizes that are and are not multiples of what a vector unit takes at once. */
typedef struct kernel_case {
    int n_pre, n_post, first_delay, n_delays;
    double connectivity;
    double p_spike; /* of each sender and lane */
} kernel_case;

static const kernel_case cases[] = {
    {1, 1, 0, 1, 1, 0.5},     {1, 1, 0, 1, 0, 0.5},      {3, 2, 1, 1, 1, 1},      {7, 5, 0, 3, 0.6, 0.3},
    {20, 33, 1, 10, 1, 0.02}, {33, 20, 0, 10, 0.3, 0.1}, {64, 17, 1, 4, 1, 0.5},  {5, 100, 1, 2, 1, 0.01},
    {100, 5, 0, 1, 0.1, 0.9}, {16, 16, 1, 16, 0.9, 0},   {40, 9, 0, 256, 1, 0.2},
};
enum { N_CASES = sizeof cases / sizeof *cases };

/* Exactly as large as it says, for the sanitizer to see what is touched behind it. */
static void *aligned_bytes(size_t n, size_t size) {
    void *memory = NULL;
    assert_int_equal(posix_memalign(&memory, 64, n * size + (n == 0)), 0);
    return memory;
}

static real *draw(size_t n, double low, double high, uint64_t seed) {
    real *x = aligned_bytes(n, sizeof *x);
    for (size_t k = 0; k < n; k++) {
        x[k] = (real)(low + (high - low) * rng_uniform(seed, RNG_TASK, k));
    }
    return x;
}

static real *copy(const real *from, size_t n) {
    real *x = aligned_bytes(n, sizeof *x);
    memcpy(x, from, n * sizeof *x);
    return x;
}

/* The tables that this processor can run, the reference first. */
enum { MOST_TABLES = 5 };
static size_t tables(const kernel_set *sets[MOST_TABLES]) {
    const char *names[MOST_TABLES];
    size_t n = vector_units(names);
    for (size_t k = 0; k < n; k++) {
        need(kernels_select(&sets[k], names[k]));
        assert_string_equal(sets[k]->name, names[k]);
    }
    return n;
}

static void need_near(const char *what, size_t at, double got, double want, double size) {
    if (!(fabs(got - want) <= 1e-5 * fmax(size, 1))) {
        fail_msg("%s[%zu] is %.9g, should be %.9g", what, at, got, want);
    }
}

/* ---- synapses ---- */

typedef struct wires {
    const kernel_case *c;
    int lanes;
    matrix m;
    real *w;
    spike *spikes; /* of one step */
    int n_spikes;
    real *x;      /* rows [n_pre] */
    real *ahead;  /* rows [first_delay + n_delays][stride] */
    real *window; /* [lanes][first_delay + n_delays][stride] */
    size_t lane_size;
} wires;

static wires make_wires(const kernel_case *c, int lanes, uint64_t seed) {
    wires s = {.c = c, .lanes = lanes};
    size_t cells = (size_t)c->n_pre * (size_t)c->n_post;
    uint8_t *mask = malloc(cells);
    int32_t *delay = malloc(cells * sizeof *delay);
    for (size_t k = 0; k < cells; k++) {
        mask[k] = rng_uniform(seed, RNG_MASK_IN, k) < c->connectivity;
        delay[k] = c->first_delay + (int32_t)rng_below(seed, RNG_DELAY_IN, k, (uint64_t)c->n_delays);
    }
    need(matrix_create(&s.m, c->n_pre, c->n_post, c->first_delay, c->n_delays, mask, delay, cells));
    free(mask);
    free(delay);
    s.w = draw(s.m.n, -1, 1, seed + 1);
    s.spikes = aligned_bytes((size_t)c->n_pre, sizeof *s.spikes);
    for (int i = 0; i < c->n_pre; i++) {
        unsigned of_lanes = 0;
        for (int l = 0; l < lanes; l++) {
            of_lanes |= (unsigned)(rng_uniform(seed, RNG_TASK, (uint64_t)(i * MAX_LANES + l)) < c->p_spike) << l;
        }
        if (of_lanes != 0) {
            s.spikes[s.n_spikes++] = (spike){.i = (uint16_t)i, .lanes = (lane_mask)of_lanes};
        }
    }
    s.x = draw((size_t)(c->n_pre * lanes), -1, 1, seed + 2);
    s.lane_size = (size_t)((c->first_delay + c->n_delays) * s.m.s.stride);
    s.ahead = draw(s.lane_size * (size_t)lanes, -1, 1, seed + 3);
    s.window = draw(s.lane_size * (size_t)lanes, 0.5, 1, seed + 4);
    return s;
}

static void free_wires(wires *s) {
    matrix_release(&s->m);
    free(s->w);
    free(s->spikes);
    free(s->x);
    free(s->ahead);
    free(s->window);
}

static bool spiked(const wires *s, int i, int l) {
    for (int e = 0; e < s->n_spikes; e++) {
        if (s->spikes[e].i == i) {
            return (s->spikes[e].lanes >> l & 1) != 0;
        }
    }
    return false;
}

/* A kernel over connections, and what it adds, connection by connection. The two for values take one delay at a time. */
typedef enum synapse_kernel { SEND_SPIKES, ADD_VALUES, SPIKE_GRADIENTS, VALUE_GRADIENTS, SYNAPSE_KERNELS } synapse_kernel;
static const char *const synapse_names[SYNAPSE_KERNELS] = {"send_spikes", "add_values", "spike_gradients", "value_gradients"};

static void call_synapse_kernel(const kernel_set *k, synapse_kernel which, const wires *s, int d, const real *d_current, real *out) {
    switch (which) {
        case SEND_SPIKES: k->send_spikes(&s->m.s, s->w, s->spikes, s->n_spikes, out, s->lane_size); break;
        case ADD_VALUES: k->add_values(&s->m.s, s->w, d, s->x, out); break;
        case SPIKE_GRADIENTS: k->spike_gradients(&s->m.s, s->spikes, s->n_spikes, s->window, s->lane_size, out); break;
        default: k->value_gradients(&s->m.s, d, s->x, d_current, out); break;
    }
}

static void synapse_direct(synapse_kernel which, const wires *s, int d, const real *d_current, double *out) {
    for (size_t k = 0; k < s->m.n; k++) {
        int i = s->m.sender[k];
        int j = s->m.receiver[k];
        for (int l = 0; l < s->lanes; l++) {
            size_t to = (size_t)l * s->lane_size + (size_t)(s->m.delay[k] * s->m.s.stride + j);
            double x = (double)s->x[i * s->lanes + l];
            switch (which) {
                case SEND_SPIKES: out[to] += spiked(s, i, l) ? (double)s->w[k] : 0; break;
                case ADD_VALUES: out[j * s->lanes + l] += s->m.delay[k] == d ? (double)s->w[k] * x : 0; break;
                case SPIKE_GRADIENTS: out[k] += spiked(s, i, l) ? (double)s->window[to] : 0; break;
                default: out[k] += s->m.delay[k] == d ? x * (double)d_current[j * s->lanes + l] : 0; break;
            }
        }
    }
}

static void synapse_kernels_agree(void **state) {
    (void)state;
    const kernel_set *sets[MOST_TABLES];
    size_t n_sets = tables(sets);
    for (size_t c = 0; c < N_CASES; c++) {
        for (int lanes = 8; lanes <= 16; lanes += 8) {
            wires s = make_wires(&cases[c], lanes, c);
            real *d_current = draw((size_t)(cases[c].n_post * lanes), -1, 1, 50);
            for (int which = 0; which < SYNAPSE_KERNELS; which++) {
                bool values = which == ADD_VALUES || which == VALUE_GRADIENTS;
                size_t n = which == SEND_SPIKES  ? s.lane_size * (size_t)lanes
                           : which == ADD_VALUES ? (size_t)(cases[c].n_post * lanes)
                                                 : s.m.n;
                real *start = draw(n, 0.5, 1, 60); /* there is something to add to */
                for (int d = cases[c].first_delay; d < cases[c].first_delay + (values ? cases[c].n_delays : 1); d++) {
                    real *want = copy(start, n);
                    double *direct = malloc((n + 1) * sizeof *direct);
                    for (size_t k = 0; k < n; k++) {
                        direct[k] = (double)start[k];
                    }
                    const kernel_set *ref = kernels_with_lanes(sets[0], lanes);
                    assert_int_equal(ref->lanes, lanes);
                    call_synapse_kernel(ref, (synapse_kernel)which, &s, d, d_current, want);
                    synapse_direct((synapse_kernel)which, &s, d, d_current, direct);
                    for (size_t k = 0; k < n; k++) {
                        need_near(synapse_names[which], k, (double)want[k], direct[k], 16);
                    }
                    for (size_t u = 1; u < n_sets; u++) {
                        char what[100];
                        real *got = copy(start, n);
                        call_synapse_kernel(kernels_with_lanes(sets[u], lanes), (synapse_kernel)which, &s, d, d_current, got);
                        snprintf(what, sizeof what, "%s of %s, %d lanes, case %zu, delay %d", synapse_names[which], sets[u]->name, lanes, c,
                                 d);
                        need_same_bits(what, got, want, n);
                        free(got);
                    }
                    free(direct);
                    free(want);
                }
                free(start);
            }
            free(d_current);
            free_wires(&s);
        }
    }
}

/* dw is the gradient of what the currents are multiplied with: as they are linear in w, w . dw gives that sum back. */
static void need_mirror(const kernel_set *k, const wires *s, synapse_kernel forward_kernel, int d, const real *d_current, size_t n) {
    double forward = 0;
    double back = 0;
    double size = 0;
    real *current = draw(n, 0, 0, 0);
    real *dw = draw(s->m.n, 0, 0, 0);
    call_synapse_kernel(k, forward_kernel, s, d, NULL, current);
    call_synapse_kernel(k, (synapse_kernel)(forward_kernel + SPIKE_GRADIENTS), s, d, d_current, dw);
    for (size_t at = 0; at < n; at++) {
        forward += (double)current[at] * (double)d_current[at];
        size += fabs((double)current[at] * (double)d_current[at]);
    }
    for (size_t at = 0; at < s->m.n; at++) {
        back += (double)s->w[at] * (double)dw[at];
    }
    need_near(synapse_names[forward_kernel], 0, back, forward, size);
    free(current);
    free(dw);
}

static void gradients_mirror_the_currents(void **state) {
    (void)state;
    const kernel_set *sets[MOST_TABLES];
    size_t n_sets = tables(sets);
    for (size_t u = 0; u < n_sets; u++) {
        for (size_t c = 0; c < N_CASES; c++) {
            const kernel_set *k = kernels_with_lanes(sets[u], 16);
            wires s = make_wires(&cases[c], 16, 100 + c);
            size_t n = (size_t)(cases[c].n_post * 16);
            real *d_current = draw(n, -1, 1, 3);
            need_mirror(k, &s, SEND_SPIKES, 0, s.window, s.lane_size * 16);
            for (int d = cases[c].first_delay; d < cases[c].first_delay + cases[c].n_delays; d++) {
                need_mirror(k, &s, ADD_VALUES, d, d_current, n);
            }
            free(d_current);
            free_wires(&s);
        }
    }
}

/* A step of a window becomes rows, and rows a step, whose padding is 0; nothing else is touched. */
static void windows_and_rows_agree(void **state) {
    (void)state;
    const kernel_set *sets[MOST_TABLES];
    size_t n_sets = tables(sets);
    static const int sizes[] = {1, 2, 15, 16, 17, 31, 100, 220};
    for (size_t u = 0; u < n_sets; u++) {
        for (size_t c = 0; c < sizeof sizes / sizeof *sizes; c++) {
            for (int lanes = 8; lanes <= 16; lanes += 8) {
                const kernel_set *k = kernels_with_lanes(sets[u], lanes);
                int n = sizes[c];
                size_t stride = (size_t)(n + STRIDE_UNIT - 1) / STRIDE_UNIT * STRIDE_UNIT;
                size_t lane_size = 3 * stride;
                real *window = draw(lane_size * (size_t)lanes, -1, 1, c);
                real *rows = draw((size_t)(n * lanes) + 16, 7, 7, 0);
                k->window_to_rows(window + stride, lane_size, n, rows);
                for (int at = 0; at < n * lanes + 16; at++) {
                    assert_true(rows[at] ==
                                (at < n * lanes ? window[(size_t)(at % lanes) * lane_size + stride + (size_t)(at / lanes)] : 7));
                }
                real *back = draw(lane_size * (size_t)lanes, 7, 7, 0);
                k->rows_to_window(rows, n, back + stride, lane_size);
                for (size_t at = 0; at < lane_size * (size_t)lanes; at++) {
                    size_t place = at % lane_size;
                    bool inside = place >= stride && place < 2 * stride;
                    assert_true(back[at] == (!inside ? 7 : place - stride < (size_t)n ? window[at] : 0));
                }
                free(window);
                free(rows);
                free(back);
            }
        }
    }
}

static void gather_agrees(void **state) {
    (void)state;
    const kernel_set *sets[MOST_TABLES];
    size_t n_sets = tables(sets);
    for (size_t c = 0; c < N_CASES; c++) {
        for (int lanes = 8; lanes <= 16; lanes += 8) {
            wires s = make_wires(&cases[c], lanes, 200 + c);
            size_t n = (size_t)(cases[c].n_pre * lanes);
            real *start = draw(n, 5, 6, 1);
            for (int part = 0; part < 3; part++) { /* all senders, some, none */
                uint16_t *senders = aligned_bytes((size_t)cases[c].n_pre, sizeof *senders);
                int n_senders = 0;
                for (int i = 0; i < cases[c].n_pre; i++) {
                    if (part == 0 || (part == 1 && i % 3 != 1)) {
                        senders[n_senders++] = (uint16_t)i;
                    }
                }
                real *want = copy(start, n);
                kernels_with_lanes(sets[0], lanes)->gather(&s.m.s, s.w, senders, n_senders, s.ahead, want);
                double *direct = calloc(n + 1, sizeof *direct);
                for (size_t k = 0; k < s.m.n; k++) {
                    for (int l = 0; l < lanes; l++) {
                        direct[s.m.sender[k] * lanes + l] +=
                            (double)s.w[k] * (double)s.ahead[(s.m.delay[k] * s.m.s.stride + s.m.receiver[k]) * lanes + l];
                    }
                }
                for (size_t k = 0; k < n; k++) {
                    size_t i = k / (size_t)lanes;
                    bool listed = part == 0 || (part == 1 && i % 3 != 1);
                    need_near("gather", k, (double)want[k], listed ? direct[k] : (double)start[k], 16);
                }
                for (size_t u = 1; u < n_sets; u++) {
                    char what[100];
                    real *got = copy(start, n);
                    kernels_with_lanes(sets[u], lanes)->gather(&s.m.s, s.w, senders, n_senders, s.ahead, got);
                    snprintf(what, sizeof what, "gather of %s, %d lanes, case %zu, part %d", sets[u]->name, lanes, c, part);
                    need_same_bits(what, got, want, n);
                    free(got);
                }
                free(direct);
                free(want);
                free(senders);
            }
            free(start);
            free_wires(&s);
        }
    }
}

/* ---- neurons ---- */

/* A population and all that a step of it reads and writes. */
typedef struct neurons {
    int n, lanes;
    neuron_constants c;
    segment segments[5];
    real *alpha, *gain, *rho, *new_b, *beta, *current;
    neuron_state state;
} neurons;

static neurons make_neurons(int n, int lanes, bool by_baseline, bool detach_reset, int n_ref, int mix, uint64_t seed) {
    neurons p = {.n = n, .lanes = lanes};
    size_t count = (size_t)n;
    size_t rows = (size_t)(n * lanes);
    p.alpha = draw(count, 0.8, 0.99, seed);
    p.gain = draw(count, 0.02, 0.2, seed + 1);
    p.rho = draw(count, 0.9, 0.999, seed + 2);
    p.new_b = draw(count, 0.001, 0.1, seed + 3);
    p.beta = draw(count, 0.5, 2, seed + 4);
    int cut[2] = {n / 3, n - n / 4}; /* LIF, adaptive, LIF; or all of one kind */
    int n_segments = 0;
    if (mix < 2) {
        p.segments[n_segments++] = (segment){.begin = 0, .end = n, .adaptive = mix == 1};
    } else {
        const int ends[] = {0, cut[0], cut[1], n};
        for (int g = 0; g < 3; g++) {
            if (ends[g + 1] > ends[g]) {
                p.segments[n_segments++] = (segment){.begin = ends[g], .end = ends[g + 1], .adaptive = g == 1};
            }
        }
    }
    p.c = (neuron_constants){.n = n,
                             .n_segments = n_segments,
                             .alpha = p.alpha,
                             .gain = p.gain,
                             .rho = p.rho,
                             .new_b = p.new_b,
                             .beta = p.beta,
                             .v_th = 0.5f,
                             .gamma = 0.3f,
                             .kappa = 0.95f,
                             .new_p = 0.05f,
                             .top = (uint16_t)(n_ref + 1),
                             .by_baseline = by_baseline,
                             .detach_reset = detach_reset};
    p.current = draw(rows, -2, 8, seed + 5);
    p.state = (neuron_state){.v = draw(rows, -0.5, 1.2, seed + 6),
                             .b = draw(rows, 0, 0.5, seed + 7),
                             .cooldown = aligned_bytes(rows, sizeof(uint16_t)),
                             .p = draw(rows, 0, 1, seed + 8)};
    for (size_t k = 0; k < rows; k++) {
        bool has_spiked = rng_uniform(seed, RNG_NOISE, k) < 0.3;
        p.state.cooldown[k] = (uint16_t)(has_spiked ? n_ref + 1 : (int)rng_below(seed, RNG_SHUFFLE, k, (uint64_t)n_ref + 1));
    }
    return p;
}

static void free_state(neuron_state *s) {
    free(s->v);
    free(s->b);
    free(s->cooldown);
    free(s->p);
}

static void free_neurons(neurons *p) {
    free(p->alpha);
    free(p->gain);
    free(p->rho);
    free(p->new_b);
    free(p->beta);
    free(p->current);
    free_state(&p->state);
}

static bool is_adaptive(const neurons *p, int j) {
    for (int g = 0; g < p->c.n_segments; g++) {
        if (j >= p->segments[g].begin && j < p->segments[g].end) {
            return p->segments[g].adaptive;
        }
    }
    return false;
}

/* What one step wrote. */
typedef struct stepped {
    neuron_state state;
    step_tape tape;
    int n_spikes, n_active;
    spike *spikes;
    double *spike_sum;
} stepped;

static stepped step(const kernel_set *k, const neurons *p, bool with_tape) {
    size_t rows = (size_t)(p->n * p->lanes);
    neuron_constants c = p->c;
    c.segments = p->segments;
    stepped s = {.state = {.v = copy(p->state.v, rows),
                           .b = copy(p->state.b, rows),
                           .cooldown = aligned_bytes(rows, sizeof(uint16_t)),
                           .p = copy(p->state.p, rows)}};
    memcpy(s.state.cooldown, p->state.cooldown, rows * sizeof *s.state.cooldown);
    s.spikes = aligned_bytes((size_t)p->n, sizeof *s.spikes);
    memset(s.spikes, 0, (size_t)p->n * sizeof *s.spikes);
    s.spike_sum = aligned_bytes((size_t)p->n, sizeof *s.spike_sum);
    for (int j = 0; j < p->n; j++) {
        s.spike_sum[j] = 100 + j;
    }
    s.tape = (step_tape){.to_v = draw(rows, 7, 7, 0),
                         .to_a = draw(rows, 7, 7, 0),
                         .threshold = draw(rows, 7, 7, 0),
                         .active = aligned_bytes((size_t)p->n, sizeof(uint16_t))};
    s.tape.n_active = &s.n_active;
    s.n_spikes = k->neuron_step(&c, &s.state, p->current, s.spikes, s.spike_sum, with_tape ? &s.tape : NULL);
    return s;
}

static void free_stepped(stepped *s) {
    free_state(&s->state);
    free(s->spikes);
    free(s->spike_sum);
    free(s->tape.to_v);
    free(s->tape.to_a);
    free(s->tape.threshold);
    free(s->tape.active);
}

/* docs/model.md, "Forward", number by number. */
static void need_right_step(const neurons *p, const stepped *s, bool with_tape) {
    int n_spikes = 0;
    int n_active = 0;
    for (int j = 0; j < p->n; j++) {
        bool adaptive = is_adaptive(p, j);
        unsigned lanes = 0;
        bool active = false;
        for (int l = 0; l < p->lanes; l++) {
            size_t at = (size_t)(j * p->lanes + l);
            int cooldown = p->state.cooldown[at];
            double z = cooldown == p->c.top;
            double b = adaptive ? (double)p->rho[j] * (double)p->state.b[at] + (double)p->new_b[j] * z : (double)p->state.b[at];
            double threshold = (double)p->c.v_th + (adaptive ? (double)p->beta[j] * b : 0);
            double v = (double)p->alpha[j] * (double)p->state.v[at] + (double)p->gain[j] * (double)p->current[at] - threshold * z;
            bool rests = cooldown > 1;
            if (fabs(v - threshold) < 1e-5) {
                continue; /* too near to say in double precision what single precision does */
            }
            bool fires = v > threshold && !rests;
            need_near("v", at, (double)s->state.v[at], v, 1);
            need_near("b", at, (double)s->state.b[at], b, 1);
            assert_int_equal(s->state.cooldown[at], fires ? p->c.top : cooldown > 0 ? cooldown - 1 : 0);
            double want_p = with_tape ? (double)p->state.p[at] : (double)p->c.kappa * (double)p->state.p[at] + (double)p->c.new_p * fires;
            need_near("p", at, (double)s->state.p[at], want_p, 1);
            lanes |= (unsigned)fires << l;
            if (with_tape) {
                double unit = 1 / (p->c.by_baseline ? (double)p->c.v_th : threshold);
                double psi = rests ? 0 : (double)p->c.gamma * fmax(0, 1 - fabs(v - threshold) * unit);
                need_near("to_v", at, (double)s->tape.to_v[at], psi * unit, 1);
                if (adaptive) {
                    need_near("to_a", at, (double)s->tape.to_a[at], p->c.by_baseline ? -psi * unit : -psi * v * unit * unit, 1);
                    need_near("threshold", at, (double)s->tape.threshold[at], threshold, 1);
                }
                active = active || s->tape.to_v[at] > 0;
            }
        }
        if (lanes != 0 && !with_tape) {
            assert_true(n_spikes < s->n_spikes);
            assert_int_equal(s->spikes[n_spikes].i, j);
            assert_int_equal(s->spikes[n_spikes].lanes & lanes, lanes);
            assert_true(s->spike_sum[j] == 100 + j + __builtin_popcount(s->spikes[n_spikes].lanes));
            n_spikes++;
        }
        if (active) {
            assert_true(n_active < s->n_active);
            assert_int_equal(s->tape.active[n_active], j);
            n_active++;
        }
    }
    assert_int_equal(n_spikes, s->n_spikes);
    assert_int_equal(n_active, with_tape ? s->n_active : 0);
}

static void need_same_step(const char *what, const neurons *p, const stepped *got, const stepped *want, bool with_tape) {
    size_t rows = (size_t)(p->n * p->lanes);
    const real *const pairs[][2] = {
        {got->state.v, want->state.v}, {got->state.b, want->state.b}, {got->state.p, want->state.p}, {got->tape.to_v, want->tape.to_v}};
    assert_memory_equal(got->state.cooldown, want->state.cooldown, rows * sizeof *got->state.cooldown);
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
        need_same_bits(what, pairs[k][0], pairs[k][1], rows);
    }
    for (int j = 0; with_tape && j < p->n; j++) {
        if (is_adaptive(p, j)) { /* not kept for the others */
            need_same_bits(what, got->tape.to_a + j * p->lanes, want->tape.to_a + j * p->lanes, (size_t)p->lanes);
            need_same_bits(what, got->tape.threshold + j * p->lanes, want->tape.threshold + j * p->lanes, (size_t)p->lanes);
        }
    }
    assert_int_equal(got->n_spikes, want->n_spikes);
    assert_memory_equal(got->spikes, want->spikes, (size_t)want->n_spikes * sizeof(spike));
    assert_memory_equal(got->spike_sum, want->spike_sum, (size_t)p->n * sizeof(double));
    if (with_tape) {
        assert_int_equal(got->n_active, want->n_active);
        assert_memory_equal(got->tape.active, want->tape.active, (size_t)want->n_active * sizeof(uint16_t));
    }
}

/* One step back: what it reads besides the tape is drawn at random. */
typedef struct stepped_back {
    gradient_state state;
    real *d_current;
} stepped_back;

static stepped_back step_back(const kernel_set *k, const neurons *p, const stepped *s, bool with_readout) {
    size_t rows = (size_t)(p->n * p->lanes);
    neuron_constants c = p->c;
    c.segments = p->segments;
    stepped_back b = {.state = {.dv = draw(rows, -1, 1, 70), .db = draw(rows, -1, 1, 71), .dp = draw(rows, -1, 1, 72)},
                      .d_current = draw(rows, 7, 7, 0)};
    real *threshold_next = draw(rows, 0.5, 1, 73);
    real *gathered = draw(rows, -1, 1, 74);
    real *spike_gradient = draw((size_t)p->n, -1, 1, 75);
    real *readout = draw(rows, -1, 1, 76);
    k->neuron_back(&c, &b.state, &s->tape, threshold_next, gathered, spike_gradient, with_readout ? readout : NULL, b.d_current);
    if (k == kernels_with_lanes(kernels_ref, p->lanes)) { /* docs/model.md, "Backward" */
        real *dv = draw(rows, -1, 1, 70);
        real *db = draw(rows, -1, 1, 71);
        real *dp = draw(rows, -1, 1, 72);
        for (size_t at = 0; at < rows; at++) {
            size_t j = at / (size_t)p->lanes;
            bool adaptive = is_adaptive(p, (int)j);
            double want_dp = (double)c.kappa * (double)dp[at] + (with_readout ? (double)readout[at] : 0);
            double dz = (double)gathered[at] + (double)spike_gradient[j] + (double)c.new_p * want_dp;
            double next = adaptive ? (double)threshold_next[at] : (double)c.v_th;
            dz += (adaptive ? (double)c.new_b[j] * (double)db[at] : 0) - (c.detach_reset ? 0 : next * (double)dv[at]);
            double want_dv = (double)c.alpha[j] * (double)dv[at] + dz * (double)s->tape.to_v[at];
            double da = adaptive ? dz * (double)s->tape.to_a[at] : 0; /* the reset's part is added elsewhere */
            need_near("dp", at, (double)b.state.dp[at], want_dp, 1);
            need_near("dv", at, (double)b.state.dv[at], want_dv, 1);
            need_near("d_current", at, (double)b.d_current[at], (double)c.gain[j] * want_dv, 1);
            if (adaptive) {
                need_near("db", at, (double)b.state.db[at], (double)c.rho[j] * (double)db[at] + (double)c.beta[j] * da, 1);
            }
        }
        free(dv);
        free(db);
        free(dp);
    }
    free(threshold_next);
    free(gathered);
    free(spike_gradient);
    free(readout);
    return b;
}

static void free_stepped_back(stepped_back *b) {
    free(b->state.dv);
    free(b->state.db);
    free(b->state.dp);
    free(b->d_current);
}

static void neuron_kernels_agree(void **state) {
    (void)state;
    const kernel_set *sets[MOST_TABLES];
    size_t n_sets = tables(sets);
    static const int sizes[] = {1, 2, 3, 7, 16, 33, 100};
    int n_fired = 0;
    int n_quiet = 0;
    for (int variant = 0; variant < 7 * 2 * 2 * 2 * 2 * 3; variant++) {
        int n = sizes[variant % 7];
        int lanes = variant / 7 % 2 == 0 ? 8 : 16;
        bool by_baseline = variant / 14 % 2 == 1;
        bool detach_reset = variant / 28 % 2 == 1;
        int n_ref = variant / 56 % 2 == 0 ? 0 : 4;
        int mix = variant / 112;
        neurons p = make_neurons(n, lanes, by_baseline, detach_reset, n_ref, mix, (uint64_t)variant);
        for (int with_tape = 0; with_tape < 2; with_tape++) {
            stepped want = step(kernels_with_lanes(sets[0], lanes), &p, with_tape != 0);
            need_right_step(&p, &want, with_tape != 0);
            n_fired += want.n_spikes;
            n_quiet += n - want.n_spikes;
            for (size_t u = 1; u < n_sets; u++) {
                char what[120];
                snprintf(what, sizeof what, "neuron_step of %s, %d neurons, %d lanes, variant %d, tape %d", sets[u]->name, n, lanes,
                         variant, with_tape);
                stepped got = step(kernels_with_lanes(sets[u], lanes), &p, with_tape != 0);
                need_same_step(what, &p, &got, &want, with_tape != 0);
                free_stepped(&got);
            }
            for (int with_readout = 0; with_tape != 0 && with_readout < 2; with_readout++) {
                stepped_back want_back = step_back(kernels_with_lanes(sets[0], lanes), &p, &want, with_readout != 0);
                for (size_t u = 1; u < n_sets; u++) {
                    char what[120];
                    size_t rows = (size_t)(n * lanes);
                    snprintf(what, sizeof what, "neuron_back of %s, %d neurons, %d lanes, variant %d, readout %d", sets[u]->name, n, lanes,
                             variant, with_readout);
                    stepped_back got = step_back(kernels_with_lanes(sets[u], lanes), &p, &want, with_readout != 0);
                    need_same_bits(what, got.state.dp, want_back.state.dp, rows);
                    need_same_bits(what, got.state.dv, want_back.state.dv, rows);
                    need_same_bits(what, got.state.db, want_back.state.db, rows);
                    need_same_bits(what, got.d_current, want_back.d_current, rows);
                    free_stepped_back(&got);
                }
                free_stepped_back(&want_back);
            }
            free_stepped(&want);
        }
        free_neurons(&p);
    }
    assert_true(n_fired > 1000 && n_quiet > 100); /* neurons of both kinds were seen */
}

/* Exactly at the threshold there is no spike, in any vector unit; psi is largest there. */
static void the_threshold_itself_is_silent(void **state) {
    (void)state;
    const kernel_set *sets[MOST_TABLES];
    size_t n_sets = tables(sets);
    for (size_t u = 0; u < n_sets; u++) {
        for (int lanes = 8; lanes <= 16; lanes += 8) {
            neurons p = make_neurons(5, lanes, false, false, 0, 0, 1);
            for (int at = 0; at < 5 * lanes; at++) {
                p.state.v[at] = 0;
                p.state.cooldown[at] = 0;
                p.current[at] = at % 2 == 0 ? 0.5f : 0.5000001f;
            }
            for (int j = 0; j < 5; j++) {
                p.gain[j] = 1;
            }
            stepped s = step(kernels_with_lanes(sets[u], lanes), &p, true);
            for (int at = 0; at < 5 * lanes; at++) {
                assert_int_equal(s.state.cooldown[at], at % 2 == 0 ? 0 : p.c.top);
                assert_true(at % 2 != 0 || s.tape.to_v[at] == 0.3f / 0.5f);
            }
            free_stepped(&s);
            free_neurons(&p);
        }
    }
}

/* ---- noise ---- */

/* The numbers of neurons 4 j to 4 j + 3 as they are written down, from Random123's own generator and the C library's functions. */
static void normals_directly(const uint32_t key[4], uint64_t step, uint32_t sample, uint32_t j, double *z) {
    threefry4x32_ctr_t counter = {{(uint32_t)step, (uint32_t)(step >> 32), sample, j}};
    threefry4x32_key_t keys = {{key[0], key[1], key[2], key[3]}};
    threefry4x32_ctr_t x = threefry4x32_R(12, counter, keys);
    for (int pair = 0; pair < 2; pair++) {
        uint32_t angle = x.v[2 * pair + 1];
        double radius = sqrt(-2 * log((double)(x.v[2 * pair] >> 1) * 0x1p-31 + 0x1p-32));
        double a = (double)(angle & 0x1fffffff) * 0x1p-29 * 3.14159265358979323846 / 4;
        bool swapped = (angle >> 29 & 1) != 0;
        z[2 * pair] = radius * (swapped ? sin(a) : cos(a)) * ((angle >> 31 & 1) != 0 ? -1 : 1);
        z[2 * pair + 1] = radius * (swapped ? cos(a) : sin(a)) * ((angle >> 30 & 1) != 0 ? -1 : 1);
    }
}

static void normals_agree(void **state) {
    (void)state;
    const kernel_set *sets[MOST_TABLES];
    size_t n_sets = tables(sets);
    const uint32_t key[4] = {0x12345678, 0x9abcdef0, 13, 0};
    static const int sizes[] = {1, 3, 4, 6, 101};
    for (int variant = 0; variant < 5 * 2 * 2; variant++) {
        int n = sizes[variant % 5];
        int lanes = variant / 5 % 2 == 0 ? 8 : 16;
        int n_lanes = variant / 10 == 0 ? lanes : lanes - 3;
        uint64_t step = variant % 2 == 0 ? 7 : UINT64_C(0x300000005);
        size_t rows = (size_t)(n * lanes);
        real *want = aligned_bytes(rows, sizeof *want);
        real *got = aligned_bytes(rows, sizeof *got);
        kernels_with_lanes(sets[0], lanes)->normals(key, step, 1000, n_lanes, n, want);
        for (int j = 0; j < n; j++) {
            for (int l = 0; l < lanes; l++) {
                double z[4];
                normals_directly(key, step, 1000 + (uint32_t)l, (uint32_t)j / 4, z);
                double right = l < n_lanes ? z[j % 4] : 0;
                double found = (double)want[j * lanes + l];
                if (!(fabs(found - right) <= 2e-6)) {
                    fail_msg("normal number of neuron %d, lane %d is %.9g, should be %.9g", j, l, found, right);
                }
            }
        }
        for (size_t u = 1; u < n_sets; u++) {
            kernels_with_lanes(sets[u], lanes)->normals(key, step, 1000, n_lanes, n, got);
            need_same_bits(sets[u]->name, got, want, rows);
        }
        free(want);
        free(got);
    }
}

/* Mean, variance, skewness and kurtosis, correlation of neighbours, and how many lie beyond some distances, over two million numbers. */
static void normals_are_normal(void **state) {
    (void)state;
    enum { N = 400, LANES = 16, STEPS = 320 };
    const kernel_set *best;
    need(kernels_select(&best, NULL));
    real *z = aligned_bytes(N * LANES, sizeof *z);
    static const double beyond[] = {0.5, 1, 2, 3, 4};
    double n = (double)N * LANES * STEPS;
    double sums[7] = {0};
    double counts[5] = {0};
    for (uint64_t t = 0; t < STEPS; t++) {
        const uint32_t key[4] = {3, 0, 13, 0};
        kernels_with_lanes(best, LANES)->normals(key, t, 0, LANES, N, z);
        for (size_t k = 0; k < N * LANES; k++) {
            double x = (double)z[k];
            sums[0] += x;
            sums[1] += x * x;
            sums[2] += x * x * x;
            sums[3] += x * x * x * x;
            sums[4] += k > 0 ? x * (double)z[k - 1] : 0;          /* another sample */
            sums[5] += k >= LANES ? x * (double)z[k - LANES] : 0; /* another neuron: often of the same pair */
            sums[6] += k >= LANES ? x * x * (double)z[k - LANES] * (double)z[k - LANES] - 1 : 0;
            for (int c = 0; c < 5; c++) {
                counts[c] += fabs(x) > beyond[c];
            }
        }
    }
    static const double want[7] = {0, 1, 0, 3, 0, 0, 0};
    static const double variance[7] = {1, 2, 15, 96, 1, 1, 8};
    for (int m = 0; m < 7; m++) {
        double off = (sums[m] / n - want[m]) / sqrt(variance[m] / n);
        if (fabs(off) > 5) {
            fail_msg("moment %d is %.6g, should be %g: %.1f standard deviations off", m, sums[m] / n, want[m], off);
        }
    }
    for (int c = 0; c < 5; c++) {
        double p = erfc(beyond[c] / sqrt(2));
        double off = (counts[c] - n * p) / sqrt(n * p * (1 - p));
        if (fabs(off) > 5) {
            fail_msg("%g numbers lie beyond %g, should be about %g", counts[c], beyond[c], n * p);
        }
    }
    free(z);
}

static void both_tables_are_there(void **state) {
    (void)state;
    const kernel_set *sets[MOST_TABLES];
    size_t n_sets = tables(sets);
    for (size_t u = 0; u < n_sets; u++) {
        assert_int_equal(kernels_with_lanes(sets[u], 8)->lanes, 8);
        assert_int_equal(kernels_with_lanes(sets[u], 16)->lanes, 16);
        assert_string_equal(kernels_with_lanes(sets[u], 8)->name, sets[u]->name);
        assert_string_equal(kernels_with_lanes(sets[u], 16)->name, sets[u]->name);
    }
    const kernel_set *best;
    need(kernels_select(&best, NULL));
    assert_ptr_equal(best, sets[n_sets - 1]);
    need_error(kernels_select(&best, "mmx"), LSNN_ERR_USAGE, "mmx");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_tables_are_there),
        cmocka_unit_test(synapse_kernels_agree),
        cmocka_unit_test(gradients_mirror_the_currents),
        cmocka_unit_test(windows_and_rows_agree),
        cmocka_unit_test(gather_agrees),
        cmocka_unit_test(neuron_kernels_agree),
        cmocka_unit_test(the_threshold_itself_is_silent),
        cmocka_unit_test(normals_agree),
        cmocka_unit_test(normals_are_normal),
    };
    return cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
}
