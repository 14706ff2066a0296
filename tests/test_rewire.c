/* DEEP R: what must hold after every step, whatever the gradients are, and one example computed by hand (tests/reference/deep_r.py). */
#include "base/rng.h"
#include "learn/gradient.h"
#include "learn/rewire.h"
#include "net/balanced.h"
#include "support/needs.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const weight_names[3] = {"w_in", "w_rec", "w_out"};
static const char *const delay_names[2] = {"delay_in", "delay_rec"};
static const float newborn = 1e-12f;

/* ---- a rewired network ---- */

typedef struct plan {
    const char *name;
    int n_in, n_lif, n_adaptive, n_out, n_delay;
    float connectivity, excitatory, l1, temperature, learning_rate;
    bool all_gradients, soft, noise, balanced;
    float soft_connectivity;
    int n_steps;
} plan;

typedef struct world {
    lsnn_net *net;
    lsnn_rewire *rewire;
    lsnn_gradient *gradient;
    lsnn_adam *adam;
} world;

static lsnn_net_spec spec_of(const plan *p) {
    lsnn_net_spec spec;
    lsnn_net_spec_init(&spec);
    spec.n_in = p->n_in;
    spec.n_lif = p->n_lif;
    spec.n_adaptive = p->n_adaptive;
    spec.n_out = p->n_out;
    spec.n_delay = p->n_delay;
    spec.connectivity = p->connectivity;
    spec.excitatory = p->excitatory;
    spec.noise = p->noise ? 0.1f : 0;
    spec.noise_trainable = p->noise;
    spec.init = p->balanced ? LSNN_INIT_BALANCED : LSNN_INIT_NORMAL;
    spec.seed = 3;
    return spec;
}

static lsnn_rewire_options options_of(const plan *p) {
    lsnn_rewire_options options;
    lsnn_rewire_options_init(&options);
    options.l1 = p->l1;
    options.temperature = p->temperature;
    options.all_gradients = p->all_gradients;
    options.soft = p->soft;
    options.connectivity = p->soft_connectivity;
    options.seed = 8;
    return options;
}

static void start_learning(world *w, const lsnn_rewire_options *options) {
    lsnn_adam_options adam;
    lsnn_adam_options_init(&adam);
    need(lsnn_rewire_create(&w->rewire, w->net, options));
    need(lsnn_gradient_create(&w->gradient, w->net));
    need(lsnn_adam_create(&w->adam, w->net, &adam));
}

static world start(const plan *p) {
    world w;
    lsnn_net_spec spec = spec_of(p);
    lsnn_rewire_options options = options_of(p);
    need(lsnn_net_create(&w.net, &spec));
    start_learning(&w, &options);
    return w;
}

static void stop(world *w) {
    lsnn_adam_free(w->adam);
    lsnn_gradient_free(w->gradient);
    lsnn_rewire_free(w->rewire);
    lsnn_net_free(w->net);
}

static const matrix *matrix_of(const lsnn_net *net, int q) {
    return q == 0 ? &net->in : q == 1 ? &net->rec : &net->out;
}

/* Gradients of every kind: ordinary ones, none at all, huge ones, and such that take every weight towards 0, past it, or away from it. */
static void draw_gradient(world *w, int step) {
    for (size_t k = 0; k < w->net->n_params; k++) {
        double x = rng_normal(7, RNG_TASK, (uint64_t)step * w->net->n_params + k);
        double weight = (double)w->net->params[k];
        switch (step % 11) {
            case 3: x = 0; break;
            case 5: x *= 1e15; break;
            case 7: x = weight; break;
            case 8: x = weight > 0 ? 1e3 : -1e3; break;
            case 9: x = -weight; break;
            case 10: x *= 1e-20; break;
            default: break;
        }
        w->gradient->values[k] = (real)x;
    }
}

static void step_of(world *w, float learning_rate) {
    need(lsnn_adam_step(w->adam, w->net, w->gradient, learning_rate));
    need(lsnn_rewire_step(w->rewire, w->adam, learning_rate));
}

/* ---- a witness, which knows of the network only what lsnn_net_copy tells ---- */

typedef struct witness {
    size_t n[3];
    int8_t *sign[3];   /* of each cell's synapse, once it has been seen; 0 before */
    int16_t *delay[3]; /* -1 before */
    uint8_t *was_live[3];
    int64_t n_live[3], n_first[3], budget;
} witness;

static witness call_witness(const lsnn_net *net) {
    witness s = {0};
    for (int q = 0; q < 3; q++) {
        float *w = net_floats(net, weight_names[q], &s.n[q]);
        s.sign[q] = calloc(s.n[q], sizeof *s.sign[q]);
        s.delay[q] = malloc(s.n[q] * sizeof *s.delay[q]);
        s.was_live[q] = calloc(s.n[q], sizeof *s.was_live[q]);
        for (size_t k = 0; k < s.n[q]; k++) {
            s.delay[q][k] = -1;
            s.was_live[q][k] = w[k] != 0;
            s.n_first[q] += w[k] != 0;
        }
        s.budget += s.n_first[q];
        free(w);
    }
    return s;
}

static void dismiss(witness *s) {
    for (int q = 0; q < 3; q++) {
        free(s->sign[q]);
        free(s->delay[q]);
        free(s->was_live[q]);
    }
}

static void need_kept(int q, size_t cell, const char *what, int got, int before) {
    if (got != before) {
        fail_msg("%s of %s[%zu] is %d, was %d", what, weight_names[q], cell, got, before);
    }
}

static void look_at_matrix(witness *s, const lsnn_net *net, int q) {
    size_t n;
    size_t n_pre = q == 0 ? (size_t)net->spec.n_in : (size_t)net->n_rec;
    float *w = net_floats(net, weight_names[q], &n);
    float *delay = q < 2 ? net_floats(net, delay_names[q], &n) : NULL;
    float *law = net_floats(net, q == 0 ? "sign_in" : "sign_rec", &(size_t){0});
    s->n_live[q] = 0;
    for (size_t k = 0; k < n; k++) {
        if (w[k] == 0) {
            continue;
        }
        int sign = w[k] > 0 ? 1 : -1;
        s->n_live[q]++;
        assert_true(isfinite(w[k]));
        if (q == 1 && k / n_pre == k % n_pre) {
            fail_msg("neuron %zu reaches itself", k % n_pre);
        }
        if (law[k % n_pre] != 0) {
            need_kept(q, k, "sign", sign, (int)law[k % n_pre]);
        }
        if (s->sign[q][k] != 0) {
            need_kept(q, k, "sign", sign, s->sign[q][k]);
        }
        s->sign[q][k] = (int8_t)sign;
        if (delay != NULL) {
            assert_true(delay[k] >= (float)q && delay[k] < (float)(q + net->spec.n_delay));
            if (s->delay[q][k] >= 0) {
                need_kept(q, k, "delay", (int)delay[k], s->delay[q][k]);
            }
            s->delay[q][k] = (int16_t)delay[k];
        }
    }
    free(w);
    free(delay);
    free(law);
}

static void look(witness *s, const world *w, bool is_hard) {
    lsnn_synapse_count counts[3];
    int64_t live = 0;
    lsnn_rewire_count(w->rewire, counts);
    for (int q = 0; q < 3; q++) {
        look_at_matrix(s, w->net, q);
        live += s->n_live[q];
        int64_t n_rec = w->net->n_rec;
        assert_int_equal(counts[q].possible, q == 1 ? n_rec * n_rec - n_rec : (int64_t)s->n[q]);
        assert_int_equal(counts[q].live, s->n_live[q]);
        assert_int_equal(counts[q].born - counts[q].died, s->n_live[q] - s->n_first[q]);
        assert_true(counts[q].born >= 0 && counts[q].died >= 0);
    }
    if (is_hard && live != s->budget) {
        fail_msg("%lld synapses live, not %lld", (long long)live, (long long)s->budget);
    }
}

/* ---- the wiring: sorted, and the same as a matrix made anew ---- */

static void need_sorted(const matrix *m) {
    for (size_t k = 1; k < m->n; k++) {
        bool rises = m->sender[k] != m->sender[k - 1] ? m->sender[k] > m->sender[k - 1]
                     : m->delay[k] != m->delay[k - 1] ? m->delay[k] > m->delay[k - 1]
                                                      : m->receiver[k] > m->receiver[k - 1];
        assert_true(rises);
    }
}

static void need_wired(const world *w) {
    size_t first = 0;
    for (int q = 0; q < 3; q++) {
        const matrix *m = matrix_of(w->net, q);
        size_t n = (size_t)m->s.n_pre * (size_t)m->s.n_post;
        uint8_t *mask = calloc(n, 1);
        int32_t *delay = calloc(n, sizeof *delay);
        float *dense = net_floats(w->net, q == 2 ? "w_out" : delay_names[q], &(size_t){0});
        for (size_t k = 0; k < n; k++) {
            mask[k] = q == 2 ? w->rewire->dense || dense[k] != 0 : dense[k] >= 0;
            delay[k] = q == 2 || mask[k] == 0 ? m->s.first_delay : (int32_t)dense[k];
        }
        matrix anew;
        need(matrix_create(&anew, m->s.n_pre, m->s.n_post, m->s.first_delay, m->s.n_delays, mask, delay, n));
        assert_int_equal(m->n, anew.n);
        assert_true(m->n <= m->capacity);
        assert_int_equal(m->first, first);
        first += m->n;
        assert_memory_equal(m->row, anew.row, ((size_t)m->s.n_pre * (size_t)m->s.n_delays + 1) * sizeof *m->row);
        if (m->n > 0) {
            assert_memory_equal(m->ahead, anew.ahead, m->n * sizeof *m->ahead);
            assert_memory_equal(m->sender, anew.sender, m->n * sizeof *m->sender);
            assert_memory_equal(m->receiver, anew.receiver, m->n * sizeof *m->receiver);
            assert_memory_equal(m->delay, anew.delay, m->n * sizeof *m->delay);
        }
        assert_true(m->s.row == m->row && m->s.post == m->receiver && m->s.ahead == m->ahead);
        need_sorted(m);
        for (size_t k = m->first; k < m->first + m->n && !w->rewire->options.soft; k++) {
            assert_true(w->net->sign[k] != 0 && w->net->params[k] * (real)w->net->sign[k] >= 0);
        }
        matrix_release(&anew);
        free(mask);
        free(delay);
        free(dense);
    }
    assert_int_equal(w->net->first_bias, first);
    assert_int_equal(w->net->first_noise, first + (size_t)w->net->spec.n_out);
    assert_int_equal(w->net->n_params, w->net->first_noise + (w->net->spec.noise_trainable ? (size_t)w->net->n_rec : 0));
}

/* ---- a picture of all numbers, by cell; absent ones 0 ---- */

typedef struct picture {
    size_t first[3], n; /* where each matrix's cells begin; cells */
    double *w;          /* [n] */
    float *m, *v;
    int32_t *age;
    size_t n_besides; /* biases and noise sizes */
    real *w_besides;
    float *m_besides, *v_besides;
    int32_t *age_besides;
} picture;

static void *copy_of(const void *from, size_t n, size_t size) {
    void *to = malloc(n * size + 1);
    assert_non_null(to);
    memcpy(to, from, n * size);
    return to;
}

static picture take_picture(const world *x) {
    picture p = {0};
    const lsnn_net *net = x->net;
    for (int q = 0; q < 3; q++) {
        p.first[q] = p.n;
        p.n += (size_t)matrix_of(net, q)->s.n_pre * (size_t)matrix_of(net, q)->s.n_post;
    }
    p.w = calloc(p.n, sizeof *p.w);
    p.m = calloc(p.n, sizeof *p.m);
    p.v = calloc(p.n, sizeof *p.v);
    p.age = calloc(p.n, sizeof *p.age);
    for (int q = 0; q < 3; q++) {
        const matrix *m = matrix_of(net, q);
        for (size_t k = 0; k < m->n; k++) {
            size_t cell = p.first[q] + matrix_cell(m, k);
            p.w[cell] = (double)net->params[m->first + k];
            p.m[cell] = x->adam->m[m->first + k];
            p.v[cell] = x->adam->v[m->first + k];
            p.age[cell] = x->adam->age[m->first + k];
        }
    }
    size_t from = net->first_bias;
    p.n_besides = net->n_params - from;
    p.w_besides = copy_of(net->params + from, p.n_besides, sizeof *p.w_besides);
    p.m_besides = copy_of(x->adam->m + from, p.n_besides, sizeof *p.m_besides);
    p.v_besides = copy_of(x->adam->v + from, p.n_besides, sizeof *p.v_besides);
    p.age_besides = copy_of(x->adam->age + from, p.n_besides, sizeof *p.age_besides);
    return p;
}

static void free_picture(picture *p) {
    free(p->w);
    free(p->m);
    free(p->v);
    free(p->age);
    free(p->w_besides);
    free(p->m_besides);
    free(p->v_besides);
    free(p->age_besides);
}

static void need_untouched_besides(const picture *after, const picture *before) {
    assert_int_equal(after->n_besides, before->n_besides);
    size_t n = after->n_besides;
    assert_memory_equal(after->w_besides, before->w_besides, n * sizeof *after->w_besides);
    assert_memory_equal(after->m_besides, before->m_besides, n * sizeof *after->m_besides);
    assert_memory_equal(after->v_besides, before->v_besides, n * sizeof *after->v_besides);
    assert_memory_equal(after->age_besides, before->age_besides, n * sizeof *after->age_besides);
}

/* The optimiser's numbers of each synapse, before and after lsnn_rewire_step: kept by those that go on, zero for those that woke. Where only
 * connected synapses have numbers at all. */
static void need_means_to_follow(const picture *after, const picture *before, int64_t n_born) {
    int64_t n_new = 0;
    for (size_t k = 0; k < after->n; k++) {
        bool is_new = fabs(after->w[k]) == (double)newborn;
        if (after->w[k] == 0) {
            continue;
        }
        n_new += is_new;
        float m = is_new ? 0 : before->m[k];
        float v = is_new ? 0 : before->v[k];
        int32_t age = is_new ? 0 : before->age[k];
        if (!is_new && before->w[k] == 0) {
            fail_msg("cell %zu woke with weight %g", k, after->w[k]);
        }
        if (memcmp(&after->m[k], &m, sizeof m) != 0 || memcmp(&after->v[k], &v, sizeof v) != 0 || after->age[k] != age) {
            fail_msg("cell %zu: means %g %g of age %d, should be %g %g of age %d", k, (double)after->m[k], (double)after->v[k],
                     (int)after->age[k], (double)m, (double)v, (int)age);
        }
    }
    assert_int_equal(n_new, n_born);
}

/* At temperature 0 a synapse loses learning rate * l1, and dies if nothing is left. */
static void need_pulled(const picture *after, const picture *before, float learning_rate, float l1) {
    double pull = (double)learning_rate * (double)l1;
    for (size_t k = 0; k < after->n; k++) {
        double left = fabs(before->w[k]) - pull;
        double border = 4 * FLT_EPSILON * (fabs(before->w[k]) + pull);
        bool is_new = fabs(after->w[k]) == (double)newborn;
        if (before->w[k] != 0 && left > border && !(fabs(fabs(after->w[k]) - left) <= border)) {
            fail_msg("cell %zu is %.9g after a pull of %.9g, was %.9g", k, after->w[k], pull, before->w[k]);
        }
        if ((before->w[k] == 0 || left < -border) && after->w[k] != 0 && !is_new) {
            fail_msg("cell %zu is %.9g, should be dormant or new (was %.9g)", k, after->w[k], before->w[k]);
        }
    }
}

/* ---- the laws ---- */

static int64_t born_of(const world *w) {
    lsnn_synapse_count counts[3];
    lsnn_rewire_count(w->rewire, counts);
    return counts[0].born + counts[1].born + counts[2].born;
}

static void run_plan(const plan *p) {
    world w = start(p);
    witness s = call_witness(w.net);
    look(&s, &w, !p->soft);
    need_wired(&w);
    for (int step = 0; step < p->n_steps; step++) {
        draw_gradient(&w, step);
        need(lsnn_adam_step(w.adam, w.net, w.gradient, p->learning_rate));
        int64_t n_before = born_of(&w);
        picture before = take_picture(&w);
        need(lsnn_rewire_step(w.rewire, w.adam, p->learning_rate));
        picture after = take_picture(&w);
        int64_t n_born = born_of(&w) - n_before;
        look(&s, &w, !p->soft);
        if (step < 200 || step % 50 == 0) {
            need_wired(&w);
        }
        need_untouched_besides(&after, &before);
        if (!w.rewire->dense) {
            need_means_to_follow(&after, &before, n_born);
        } else {
            assert_memory_equal(after.m, before.m, after.n * sizeof *after.m);
            assert_memory_equal(after.v, before.v, after.n * sizeof *after.v);
            assert_memory_equal(after.age, before.age, after.n * sizeof *after.age);
        }
        if (!p->soft && p->temperature == 0 && !w.rewire->dense) {
            need_pulled(&after, &before, p->learning_rate, p->l1);
        }
        free_picture(&before);
        free_picture(&after);
    }
    lsnn_synapse_count counts[3];
    lsnn_rewire_count(w.rewire, counts);
    bool can_change = p->connectivity < 1 && s.budget > 0;
    if (can_change && counts[0].died + counts[1].died + counts[2].died < 50) {
        fail_msg("%s: a weak test, as hardly any synapse died", p->name);
    }
    dismiss(&s);
    stop(&w);
}

static void laws_hold_after_every_step(void **state) {
    (void)state;
    static const plan plans[] = {
        {"free signs", 6, 5, 4, 3, 4, 0.3f, -1, 0.5f, 0, 0.05f, .n_steps = 3000},
        {"free signs, warm", 6, 5, 4, 3, 4, 0.3f, -1, 0.5f, 0.002f, 0.05f, .n_steps = 3000},
        {"Dale's law", 6, 5, 4, 3, 4, 0.3f, 0.7f, 0.5f, 0, 0.05f, .n_steps = 3000},
        {"Dale's law, balanced, warm, noisy", 9, 8, 7, 2, 3, 0.2f, 0.75f, 0.1f, 0.01f, 0.02f, .noise = true, .balanced = true,
         .n_steps = 2000},
        {"all gradients", 6, 5, 4, 3, 4, 0.3f, -1, 0.5f, 0, 0.05f, .all_gradients = true, .n_steps = 3000},
        {"all gradients, Dale's law, warm, noisy", 6, 5, 4, 3, 4, 0.3f, 0.6f, 0.1f, 0.01f, 0.05f, .all_gradients = true, .noise = true,
         .n_steps = 3000},
        {"one synapse", 3, 2, 1, 2, 2, 0.0417f, -1, 0.5f, 0, 0.05f, .n_steps = 2000},
        {"one synapse, warm", 3, 2, 1, 2, 2, 0.0417f, 0.5f, 0.5f, 0.01f, 0.05f, .n_steps = 2000},
        {"no synapse", 2, 1, 1, 1, 1, 0.01f, -1, 0.5f, 0.01f, 0.05f, .n_steps = 100},
        {"one neuron", 1, 1, 0, 1, 1, 0.7f, -1, 0.5f, 0, 0.05f, .n_steps = 1000},
        {"two neurons", 1, 1, 1, 1, 256, 0.6f, -1, 0.5f, 0.01f, 0.05f, .n_steps = 1000},
        {"nearly full", 6, 5, 4, 3, 4, 0.94f, -1, 0.5f, 0, 0.05f, .n_steps = 2000},
        {"as full as can be", 6, 5, 4, 3, 4, 0.9999f, 0.5f, 0.5f, 0.01f, 0.05f, .n_steps = 1000},
        {"full", 6, 5, 4, 3, 4, 1, 0.5f, 0.5f, 0.01f, 0.05f, .n_steps = 500},
        {"full, all gradients", 6, 5, 4, 3, 4, 1, 0.5f, 0.5f, 0.01f, 0.05f, .all_gradients = true, .n_steps = 500},
        {"many inputs", 300, 3, 0, 1, 5, 0.05f, 0.75f, 0.1f, 0, 0.02f, .n_steps = 500},
        {"many outputs", 1, 2, 2, 200, 2, 0.05f, 0.75f, 0.1f, 0, 0.02f, .n_steps = 500},
        {"larger", 40, 30, 30, 5, 10, 0.12f, 0.75f, 0.05f, 1e-4f, 0.01f, .balanced = true, .n_steps = 300},
        {"hot", 6, 5, 4, 3, 4, 0.3f, -1, 0, 1e6f, 1, .n_steps = 500},
        {"strong pull", 6, 5, 4, 3, 4, 0.3f, 0.5f, 1e6f, 0, 1, .n_steps = 500},
        {"soft", 6, 5, 4, 3, 4, 0.3f, -1, 0.1f, 0.01f, 0.02f, .soft = true, .soft_connectivity = 0.3f, .n_steps = 3000},
        {"soft, Dale's law, noisy", 6, 5, 4, 3, 4, 0.5f, 0.7f, 0.1f, 0.01f, 0.02f, .soft = true, .noise = true, .soft_connectivity = 0.1f,
         .n_steps = 3000},
    };
    for (size_t k = 0; k < sizeof plans / sizeof *plans; k++) {
        run_plan(&plans[k]);
    }
}

/* Creation changes no weight, no delay and no bias of what is connected. */
static void creation_takes_the_network_over_as_it_is(void **state) {
    (void)state;
    static const char *const names[7] = {"w_in", "w_rec", "w_out", "b_out", "noise", "delay_in", "delay_rec"};
    for (int which = 0; which < 3; which++) {
        plan p = {"creation", 9, 6, 5, 3, 7, 0.4f, 0.6f, 0.5f, 0.01f, 0.05f, .noise = true, .soft_connectivity = 0.4f};
        p.all_gradients = which == 1;
        p.soft = which == 2;
        world w;
        lsnn_net_spec spec = spec_of(&p);
        lsnn_rewire_options options = options_of(&p);
        size_t n[7];
        float *before[7];
        need(lsnn_net_create(&w.net, &spec));
        need(lsnn_net_set(w.net, "b_out", (float[]){1, 2, 3}, 3));
        for (size_t a = 0; a < 7; a++) {
            before[a] = net_floats(w.net, names[a], &n[a]);
        }
        start_learning(&w, &options);
        for (size_t a = 0; a < 7; a++) {
            float *after = net_floats(w.net, names[a], &n[a]);
            for (size_t k = 0; k < n[a]; k++) {
                bool is_dormant = a >= 5 && before[a][k] < 0; /* dense matrices hold them, with a delay of their own */
                if (after[k] != before[a][k] && !(is_dormant && which > 0)) {
                    fail_msg("%s[%zu] is %g, was %g", names[a], k, (double)after[k], (double)before[a][k]);
                }
            }
            free(after);
            free(before[a]);
        }
        stop(&w);
    }
}

/* Without deaths nothing moves: no gradient, no pull, no noise, or no learning rate. */
static void nothing_to_do_changes_nothing(void **state) {
    (void)state;
    for (int which = 0; which < 4; which++) {
        plan p = {"still", 6, 5, 4, 3, 4, 0.3f, -1, 0, 0, 0.05f, .all_gradients = which % 2 == 1};
        if (which >= 2) {
            p.l1 = 5;
            p.temperature = 5;
            p.learning_rate = 0;
        }
        world w = start(&p);
        memset(w.gradient->values, 0, w.net->n_params * sizeof *w.gradient->values);
        picture before = take_picture(&w);
        for (int step = 0; step < 5; step++) {
            step_of(&w, p.learning_rate);
        }
        picture after = take_picture(&w);
        assert_memory_equal(after.w, before.w, before.n * sizeof *before.w);
        assert_int_equal(born_of(&w), 0);
        free_picture(&before);
        free_picture(&after);
        stop(&w);
    }
}

/* Connections whose weights are 0 are connections, whatever the gradients are computed for: each gets the weight of a newborn one. */
static void connections_at_0_are_in_the_budget(void **state) {
    (void)state;
    for (int dense = 0; dense < 2; dense++) {
        plan p = {"at 0", 6, 5, 4, 3, 4, 0.3f, 0.5f, 0.5f, 0, 0.05f, .all_gradients = dense == 1};
        lsnn_net_spec spec = spec_of(&p);
        lsnn_rewire_options options = options_of(&p);
        world w;
        spec.scale_rec = 0;
        need(lsnn_net_create(&w.net, &spec));
        size_t n[3] = {w.net->in.n, w.net->rec.n, w.net->out.n};
        assert_true(n[1] > 0 && w.net->params[w.net->rec.first] == 0);
        start_learning(&w, &options);
        lsnn_synapse_count counts[3];
        lsnn_rewire_count(w.rewire, counts);
        for (int q = 0; q < 3; q++) {
            assert_int_equal(counts[q].live, n[q]);
        }
        stop(&w);
    }
}

/* theta = learning rate * l1 leaves 0, which is dormant; a little more lives on. */
static void exactly_nothing_left_is_dormant(void **state) {
    (void)state;
    plan p = {"exact", 4, 3, 0, 2, 1, 0.5f, -1, 0.5f, 0, 0.5f, .n_steps = 0};
    world w = start(&p);
    memset(w.gradient->values, 0, w.net->n_params * sizeof *w.gradient->values);
    for (size_t k = 0; k < w.net->first_bias; k++) {
        w.net->params[k] = (real)(w.net->sign[k] * (k % 2 == 0 ? 0.25 : 0.2500001));
    }
    int64_t n_even = (int64_t)(w.net->first_bias + 1) / 2;
    step_of(&w, 0.5f);
    assert_int_equal(born_of(&w), n_even);
    stop(&w);
}

/* ---- computed by hand ---- */

static uint8_t hand_mask_in[4] = {1, 1, 1, 0};
static uint8_t hand_mask_rec[4] = {0, 1, 0, 0};
static uint8_t hand_mask_out[2] = {1, 1};
static const int8_t hand_sign_in[2] = {1, -1};
static const int8_t hand_sign_rec[2] = {-1, 1};

static world start_by_hand(void) {
    world w;
    lsnn_net_spec spec;
    lsnn_rewire_options options;
    lsnn_net_spec_init(&spec);
    spec.n_in = 2;
    spec.n_lif = 2;
    spec.n_out = 1;
    spec.bias = false;
    spec.mask_in = hand_mask_in;
    spec.mask_rec = hand_mask_rec;
    spec.mask_out = hand_mask_out;
    spec.sign_in = hand_sign_in;
    spec.sign_rec = hand_sign_rec;
    need(lsnn_net_create(&w.net, &spec));
    need(lsnn_net_set(w.net, "w_in", (float[]){0.4f, -0.2f, 0.08f, 0}, 4));
    need(lsnn_net_set(w.net, "w_rec", (float[]){0, 0.12f, 0, 0}, 4));
    need(lsnn_net_set(w.net, "w_out", (float[]){-0.3f, 0.04f}, 2));
    lsnn_rewire_options_init(&options);
    assert_true(options.l1 == 0.01f && options.temperature == 0 && !options.soft && !options.all_gradients);
    options.l1 = 0.5f;
    start_learning(&w, &options);
    return w;
}

/* Cells: w_in [2][2] 0..3, w_rec [2][2] 4..7, w_out [1][2] 8, 9. */
enum { IN_00, IN_01, IN_10, IN_11, REC_01 = 5, REC_10 = 6, OUT_00 = 8, OUT_01 = 9, HAND_CELLS = 10 };

static void set_gradient(world *w, const double gradient[HAND_CELLS]) {
    for (int q = 0; q < 3; q++) {
        const matrix *m = matrix_of(w->net, q);
        for (size_t k = 0; k < m->n; k++) {
            w->gradient->values[m->first + k] = (real)gradient[4 * (size_t)q + matrix_cell(m, k)];
        }
    }
}

static void need_synapse(const picture *p, int step, size_t cell, double w, double m, double v, int age) {
    if (!(fabs(p->w[cell] - w) < 2e-7 && fabs((double)p->m[cell] - m) <= 1e-6 * fabs(m) && fabs((double)p->v[cell] - v) <= 1e-4 * v &&
          p->age[cell] == age)) {
        fail_msg("step %d, cell %zu: w %.8g m %.8g v %.8g age %d, should be %.8g %.8g %.8g %d", step, cell, p->w[cell], (double)p->m[cell],
                 (double)p->v[cell], (int)p->age[cell], w, m, v, age);
    }
}

/* The cells that live and are not among the old ones: n of them, all as they wake, each one of those that may. */
static void find_newborns(const picture *p, const int *old, int n_old, int n_new, double woken[HAND_CELLS]) {
    static const int sign_of[HAND_CELLS] = {1, -1, 1, -1, 0, 1, -1, 0, -1, 1};
    for (size_t cell = 0; cell < HAND_CELLS; cell++) {
        bool is_old = false;
        for (int k = 0; k < n_old; k++) {
            is_old = is_old || (size_t)old[k] == cell;
        }
        woken[cell] = 0;
        if (p->w[cell] != 0 && !is_old) {
            assert_true(p->w[cell] == sign_of[cell] * (double)newborn);
            need_synapse(p, 0, cell, sign_of[cell] * 1e-12, 0, 0, 0);
            woken[cell] = sign_of[cell];
            n_new--;
        }
    }
    assert_int_equal(n_new, 0);
}

static void hand_computed_example(void **state) {
    (void)state;
    world w = start_by_hand();
    double gradient[HAND_CELLS] = {[IN_00] = 1, [IN_01] = -1, [IN_10] = 1, [OUT_00] = 2};
    double first[HAND_CELLS];
    double second[HAND_CELLS];

    set_gradient(&w, gradient);
    step_of(&w, 0.1f);
    picture p = take_picture(&w);
    need_synapse(&p, 1, IN_00, 0.25, 0.1, 0.001, 1);
    need_synapse(&p, 1, IN_01, -0.05, -0.1, 0.001, 1);
    need_synapse(&p, 1, REC_01, 0.07, 0, 0, 1);
    need_synapse(&p, 1, OUT_00, -0.35, 0.2, 0.004, 1);
    find_newborns(&p, (const int[]){IN_00, IN_01, REC_01, OUT_00}, 4, 2, first);
    free_picture(&p);

    /* those two grow: Adam's correction counts from waking, which makes this step a whole learning rate */
    for (size_t cell = 0; cell < HAND_CELLS; cell++) {
        gradient[cell] = -first[cell];
    }
    set_gradient(&w, gradient);
    step_of(&w, 0.1f);
    p = take_picture(&w);
    need_synapse(&p, 2, IN_00, 0.1329942, 0.09, 0.000999, 2);
    need_synapse(&p, 2, REC_01, 0.02, 0, 0, 2);
    need_synapse(&p, 2, OUT_00, -0.3670058, 0.18, 0.003996, 2);
    int old[5] = {IN_00, REC_01, OUT_00};
    int n_old = 3;
    for (int cell = 0; cell < HAND_CELLS; cell++) {
        if (first[cell] != 0) {
            need_synapse(&p, 2, (size_t)cell, first[cell] * 0.05, first[cell] * -0.1, 0.001, 1);
            old[n_old++] = cell;
        }
    }
    find_newborns(&p, old, n_old, 1, second);
    free_picture(&p);

    memset(gradient, 0, sizeof gradient);
    set_gradient(&w, gradient);
    step_of(&w, 0.1f);
    p = take_picture(&w);
    need_synapse(&p, 3, IN_00, 0.0311985, 0.081, 0.000998001, 3);
    need_synapse(&p, 3, OUT_00, -0.3688015, 0.162, 0.003992004, 3);
    for (size_t cell = 0; cell < HAND_CELLS; cell++) {
        if (first[cell] != 0) {
            need_synapse(&p, 3, cell, first[cell] * 0.0670058, first[cell] * -0.09, 0.000999, 2);
        }
    }
    old[1] = OUT_00; /* the recurrent one and the second step's newborn died, and may have come back as newborns */
    old[2] = old[3];
    old[3] = old[4];
    find_newborns(&p, old, 4, 2, second);
    free_picture(&p);
    lsnn_synapse_count c[3];
    lsnn_rewire_count(w.rewire, c);
    assert_int_equal(c[0].possible, 4);
    assert_int_equal(c[1].possible, 2);
    assert_int_equal(c[2].possible, 2);
    assert_int_equal(c[0].died + c[1].died + c[2].died, 5);
    assert_int_equal(c[0].born + c[1].born + c[2].born, 5);
    stop(&w);
}

/* Adam and the pull, one step ahead, in double precision and by cell; its own ages. */
static void optimiser_and_pull_are_as_computed_directly(void **state) {
    (void)state;
    enum { N_STEPS = 400 };
    const double rate = (double)0.03f;
    const double l1 = (double)0.2f;
    plan p = {"direct", 7, 6, 5, 3, 3, 0.35f, 0.7f, 0.2f, 0, 0.03f, .n_steps = 0};
    world w = start(&p);
    picture before = take_picture(&w);
    size_t n = before.n;
    double *m = calloc(n, sizeof *m);
    double *v = calloc(n, sizeof *v);
    double *g = calloc(n, sizeof *g);
    int *age = calloc(n, sizeof *age);
    int n_young = 0;
    for (int step = 0; step < N_STEPS; step++) {
        memset(g, 0, n * sizeof *g);
        for (int q = 0; q < 3; q++) {
            const matrix *x = matrix_of(w.net, q);
            for (size_t k = 0; k < x->n; k++) {
                size_t cell = before.first[q] + matrix_cell(x, k);
                w.gradient->values[x->first + k] = (real)rng_normal(2, RNG_TASK, (uint64_t)step * n + cell);
                g[cell] = (double)w.gradient->values[x->first + k];
            }
        }
        for (size_t k = w.net->first_bias; k < w.net->n_params; k++) {
            w.gradient->values[k] = 0;
        }
        step_of(&w, 0.03f);
        picture after = take_picture(&w);
        for (size_t k = 0; k < n; k++) {
            bool is_new = fabs(after.w[k]) == (double)newborn;
            double want = 0;
            if (before.w[k] != 0) {
                age[k]++;
                m[k] = 0.9 * m[k] + 0.1 * g[k];
                v[k] = 0.999 * v[k] + 0.001 * g[k] * g[k];
                double to = before.w[k] - rate * (m[k] / (1 - pow(0.9, age[k]))) / (sqrt(v[k] / (1 - pow(0.999, age[k]))) + 1e-8);
                double theta = before.w[k] > 0 ? to : -to;
                theta -= rate * l1;
                want = theta > 0 ? (before.w[k] > 0 ? theta : -theta) : 0;
                n_young += age[k] < 5 && want != 0;
            }
            bool is_near = fabs(want) < 1e-5 && (after.w[k] == 0 || is_new || fabs(after.w[k]) < 1e-5); /* either side of the border */
            if (!is_near && !is_new && !(fabs(after.w[k] - want) < 3e-6)) {
                fail_msg("step %d, cell %zu of age %d: %.9g, should be %.9g", step, k, age[k], after.w[k], want);
            }
            if (is_new && fabs(want) > 1e-5) {
                fail_msg("step %d, cell %zu was to live on at %.9g, but is a newborn", step, k, want);
            }
            if (after.w[k] == 0 || is_new) {
                m[k] = v[k] = 0;
                age[k] = 0;
            }
        }
        free_picture(&before);
        before = after;
    }
    assert_true(n_young > 500);
    free_picture(&before);
    free(m);
    free(v);
    free(g);
    free(age);
    stop(&w);
}

/* ---- who wakes ---- */

static void need_chi_squared(const char *what, const double *count, const bool *counts, size_t n, double expected) {
    double chi_squared = 0;
    double freedom = -1;
    for (size_t k = 0; k < n; k++) {
        if (counts[k]) {
            chi_squared += (count[k] - expected) * (count[k] - expected) / expected;
            freedom++;
        }
    }
    if (!(chi_squared < freedom + 5 * sqrt(2 * freedom) && chi_squared > freedom - 5 * sqrt(2 * freedom))) {
        fail_msg("%s: chi squared is %g with %g degrees of freedom", what, chi_squared, freedom);
    }
}

/* Every synapse dies at every step, and others wake. */
static void dormant_synapses_wake_uniformly(void **state) {
    (void)state;
    for (int which = 0; which < 2; which++) {
        plan p = {"wake", 12, 7, 6, 4, 3, 0.01f, -1, 100, 0, 1, .all_gradients = which == 1, .n_steps = 20000};
        world w = start(&p);
        picture x = take_picture(&w);
        double *count = calloc(x.n, sizeof *count);
        bool *counts = calloc(x.n, sizeof *counts);
        double total = 0;
        memset(w.gradient->values, 0, w.net->n_params * sizeof *w.gradient->values);
        for (int step = 0; step < p.n_steps; step++) {
            need(lsnn_rewire_step(w.rewire, w.adam, 1));
            for (int q = 0; q < 3; q++) {
                const matrix *m = matrix_of(w.net, q);
                for (size_t k = 0; k < m->n; k++) {
                    bool lives = w.net->params[m->first + k] != 0;
                    count[x.first[q] + matrix_cell(m, k)] += lives;
                    total += lives;
                }
            }
        }
        assert_true(total == (double)w.rewire->budget * p.n_steps && w.rewire->budget > 1);
        assert_int_equal(born_of(&w), (int64_t)total);
        double of_matrix[3] = {0};
        for (int q = 0; q < 3; q++) {
            size_t n = (q < 2 ? x.first[q + 1] : x.n) - x.first[q];
            size_t n_possible = 0;
            for (size_t k = 0; k < n; k++) {
                counts[x.first[q] + k] = q != 1 || k / 13 != k % 13;
                n_possible += counts[x.first[q] + k];
                of_matrix[q] += count[x.first[q] + k];
            }
            need_chi_squared(weight_names[q], count + x.first[q], counts + x.first[q], n, of_matrix[q] / (double)n_possible);
            double share = (double)n / (double)x.n; /* its quota's share, which is its size's */
            double expected = total * share;
            double deviation = sqrt(total * share * (1 - share));
            if (!(fabs(of_matrix[q] - expected) < 4 * deviation)) {
                fail_msg("%s: %g woke, expected %g +- %g", weight_names[q], of_matrix[q], expected, deviation);
            }
        }
        free(count);
        free(counts);
        free_picture(&x);
        stop(&w);
    }
}

static void another_seed_wakes_others(void **state) {
    (void)state;
    plan p = {"seeds", 12, 7, 6, 4, 3, 0.1f, -1, 100, 0, 1, .n_steps = 0};
    picture first = {0};
    for (int which = 0; which < 3; which++) {
        lsnn_net_spec spec = spec_of(&p);
        lsnn_rewire_options options = options_of(&p);
        options.seed = which == 2 ? 9 : 8;
        world w;
        need(lsnn_net_create(&w.net, &spec));
        start_learning(&w, &options);
        need(lsnn_rewire_step(w.rewire, w.adam, 1));
        picture x = take_picture(&w);
        if (which == 0) {
            first = x;
        } else {
            assert_true((memcmp(x.w, first.w, x.n * sizeof *x.w) == 0) == (which == 1));
            free_picture(&x);
        }
        stop(&w);
    }
    free_picture(&first);
}

/* Signs that are drawn are of both kinds, and delays that are drawn are of all. */
static void what_was_never_connected_is_drawn_evenly(void **state) {
    (void)state;
    plan p = {"drawn", 30, 30, 0, 10, 5, 0.02f, -1, 100, 0, 1, .n_steps = 600};
    world w = start(&p);
    witness s = call_witness(w.net);
    for (int step = 0; step < p.n_steps; step++) {
        need(lsnn_rewire_step(w.rewire, w.adam, 1));
        look(&s, &w, true);
    }
    for (int q = 0; q < 3; q++) {
        double n = 0;
        double plus = 0;
        double of_delay[5] = {0};
        for (size_t k = 0; k < s.n[q]; k++) {
            n += s.sign[q][k] != 0;
            plus += s.sign[q][k] > 0;
            if (s.sign[q][k] != 0 && q < 2) {
                of_delay[s.delay[q][k] - q]++;
            }
        }
        assert_true(n > 250 && fabs(plus - n / 2) < 4 * sqrt(n / 4));
        for (int d = 0; d < 5 && q < 2; d++) {
            assert_true(fabs(of_delay[d] - n / 5) < 4 * sqrt(n * 0.16));
        }
    }
    dismiss(&s);
    stop(&w);
}

/* ---- a rewired network is a network ---- */

enum { SIM_STEPS = 60, SIM_BATCH = 9 };

typedef struct result {
    float *output, *z, *v;
    float *gradient[5];
    size_t n[5];
    double rate;
} result;

static const char *const parameter_names[5] = {"w_in", "w_rec", "w_out", "b_out", "noise"};

static result simulate(lsnn_sim *sim, const lsnn_net *net, lsnn_gradient *gradient) {
    result r = {0};
    size_t n_state = SIM_BATCH * (size_t)net->n_rec;
    size_t n_output = SIM_BATCH * (size_t)net->spec.n_out;
    uint8_t *spikes = random_spikes(SIM_STEPS * SIM_BATCH * (size_t)net->spec.n_in, 0.15, 6);
    float *d_output = random_floats(n_output, -1, 1, 5);
    lsnn_sim_reset(sim);
    need(lsnn_sim_set_spikes(sim, spikes, SIM_STEPS));
    need(lsnn_forward(sim));
    need(lsnn_backward(sim, d_output, &(lsnn_rate_goal){.strength = 5, .target_hz = 20}, gradient, NULL));
    r.output = copy_of(lsnn_sim_output(sim), n_output, sizeof *r.output);
    r.z = malloc(n_state * sizeof *r.z);
    r.v = malloc(n_state * sizeof *r.v);
    need(lsnn_sim_copy_state(sim, "z", r.z));
    need(lsnn_sim_copy_state(sim, "v", r.v));
    for (size_t a = 0; a < (net->spec.noise_trainable ? 5u : 4u); a++) {
        r.gradient[a] = gradient_floats(gradient, net, parameter_names[a], &r.n[a]);
    }
    r.rate = lsnn_sim_rate(sim, NULL);
    free(spikes);
    free(d_output);
    return r;
}

static void free_result(result *r) {
    free(r->output);
    free(r->z);
    free(r->v);
    for (int a = 0; a < 5; a++) {
        free(r->gradient[a]);
    }
}

/* A network made from nothing but the rewired one's dense arrays. live_alone: without the dormant synapses that dense matrices hold. */
static lsnn_net *made_anew(const plan *p, const lsnn_net *net, bool live_alone) {
    lsnn_net_spec spec = spec_of(p);
    lsnn_net *anew;
    uint8_t *mask[3];
    int32_t *delay[3];
    int8_t *sign[2];
    float *w[3];
    size_t n[3];
    for (int q = 0; q < 3; q++) {
        w[q] = net_floats(net, weight_names[q], &n[q]);
        float *d = q < 2 ? net_floats(net, delay_names[q], &n[q]) : NULL;
        mask[q] = calloc(n[q], 1);
        delay[q] = calloc(n[q], sizeof *delay[q]);
        for (size_t k = 0; k < n[q]; k++) {
            bool exists = d != NULL ? d[k] >= 0 : p->all_gradients || p->soft || w[q][k] != 0;
            mask[q][k] = exists && (!live_alone || w[q][k] != 0);
            delay[q][k] = d != NULL && d[k] >= 0 ? (int32_t)d[k] : q;
        }
        free(d);
    }
    for (int q = 0; q < 2; q++) {
        size_t n_senders;
        float *x = net_floats(net, q == 0 ? "sign_in" : "sign_rec", &n_senders);
        sign[q] = calloc(n_senders, 1);
        for (size_t k = 0; k < n_senders; k++) {
            sign[q][k] = (int8_t)x[k];
        }
        free(x);
    }
    spec.mask_in = mask[0];
    spec.mask_rec = mask[1];
    spec.mask_out = mask[2];
    spec.delay_in = delay[0];
    spec.delay_rec = delay[1];
    spec.sign_in = sign[0];
    spec.sign_rec = sign[1];
    need(lsnn_net_create(&anew, &spec));
    for (int q = 0; q < 3; q++) {
        need(lsnn_net_set(anew, weight_names[q], w[q], n[q]));
        free(w[q]);
        free(mask[q]);
        free(delay[q]);
    }
    for (size_t a = 3; a < (p->noise ? 5u : 4u); a++) {
        size_t m;
        float *x = net_floats(net, parameter_names[a], &m);
        need(lsnn_net_set(anew, parameter_names[a], x, m));
        free(x);
    }
    free(sign[0]);
    free(sign[1]);
    return anew;
}

static void need_same_result(const plan *p, const lsnn_net *net, const result *got, const result *want, bool live_alone) {
    bool sums_may_differ = live_alone && (p->all_gradients || p->soft); /* those of a sender's synapses are taken in groups */
    need_same_bits("output", got->output, want->output, SIM_BATCH * (size_t)net->spec.n_out);
    need_same_bits("z", got->z, want->z, SIM_BATCH * (size_t)net->n_rec);
    need_same_bits("v", got->v, want->v, SIM_BATCH * (size_t)net->n_rec);
    for (size_t a = 0; a < (p->noise ? 5u : 4u); a++) {
        float *w = net_floats(net, parameter_names[a], &(size_t){0});
        for (size_t k = 0; k < got->n[a]; k++) {
            float x = got->gradient[a][k];
            float y = want->gradient[a][k];
            bool is_close = sums_may_differ && fabs((double)x - (double)y) <= 1e-5 * (fabs((double)y) + 1e-2);
            bool compares = a >= 3 || !live_alone || w[k] != 0;
            if (compares && !is_close && memcmp(&x, &y, sizeof x) != 0) {
                fail_msg("%s: gradient of %s[%zu] is %.9g, should be %.9g", p->name, parameter_names[a], k, (double)x, (double)y);
            }
        }
        free(w);
    }
}

static void rewired_is_as_made_anew(void **state) {
    (void)state;
    static const plan plans[] = {
        {"cold", 11, 9, 8, 3, 4, 0.4f, -1, 0.3f, 0, 0.01f, .n_steps = 60},
        {"warm, noisy", 11, 9, 8, 3, 4, 0.4f, 0.7f, 0.3f, 0.001f, 0.01f, .noise = true, .n_steps = 60},
        {"all gradients", 11, 9, 8, 3, 4, 0.4f, 0.7f, 0.3f, 0.001f, 0.01f, .all_gradients = true, .n_steps = 60},
        {"soft", 11, 9, 8, 3, 4, 0.4f, -1, 0.1f, 0.02f, 0.01f, .soft = true, .soft_connectivity = 0.4f, .n_steps = 60},
    };
    const char *units[MAX_VECTOR_UNITS];
    size_t n_units = vector_units(units);
    for (size_t k = 0; k < sizeof plans / sizeof *plans; k++) {
        for (size_t u = 0; u < n_units; u++) {
            const plan *p = &plans[k];
            world w = start(p);
            lsnn_context *context = context_on(units[u], 2);
            lsnn_sim_options options = {.n_batch = SIM_BATCH, .n_steps = SIM_STEPS, .n_windows = 1, .train = true};
            lsnn_sim *sim; /* one and the same over all of the rewiring */
            need(lsnn_sim_create(&sim, w.net, context, &options));
            for (int step = 0; step < p->n_steps; step++) {
                result got = simulate(sim, w.net, w.gradient);
                bool compare = step % 20 == 19;
                for (int live_alone = 0; compare && live_alone < 2; live_alone++) {
                    lsnn_net *anew = made_anew(p, w.net, live_alone != 0);
                    lsnn_gradient *gradient;
                    lsnn_sim *other;
                    need(lsnn_gradient_create(&gradient, anew));
                    need(lsnn_sim_create(&other, anew, context, &options));
                    result want = simulate(other, anew, gradient);
                    assert_true(want.rate > 1);
                    need_same_result(p, w.net, &got, &want, live_alone != 0);
                    free_result(&want);
                    lsnn_gradient_free(gradient);
                    lsnn_sim_free(other);
                    lsnn_net_free(anew);
                }
                free_result(&got);
                step_of(&w, p->learning_rate);
            }
            assert_true(p->soft || born_of(&w) > 100);
            lsnn_sim_free(sim);
            lsnn_context_free(context);
            stop(&w);
        }
    }
}

/* ---- soft ---- */

static double live_fraction(const world *w) {
    lsnn_synapse_count c[3];
    lsnn_rewire_count(w->rewire, c);
    return (double)(c[0].live + c[1].live + c[2].live) / (double)(c[0].possible + c[1].possible + c[2].possible);
}

/* Without gradients: connected thetas are exponential with mean T / l1, dormant ones uniform from the bound to 0. */
static void soft_settles_at_its_connectivity(void **state) {
    (void)state;
    static const float connectivities[] = {0.1f, 0.3f, 0.7f};
    for (size_t c = 0; c < 3; c++) {
        plan p = {
            "soft", 10, 12, 0, 5, 1, c == 0 ? 0.9f : 0.3f, -1, 0.1f, 0.01f, 0.004f, .soft = true, .soft_connectivity = connectivities[c]};
        world w = start(&p);
        double mean_size = (double)p.temperature / (double)p.l1;
        double bound = (1 - (double)connectivities[c]) / (double)connectivities[c] * mean_size;
        double way = bound + mean_size;
        double diffusion = (double)p.learning_rate * (double)p.temperature;
        int settling = (int)(2 * way * way / diffusion);
        int n_steps = settling + 20000;
        double fraction = 0;
        double size = 0;
        double size_squared = 0;
        double dormant = 0;
        double dormant_squared = 0;
        double n_live = 0;
        double n_dormant = 0;
        memset(w.gradient->values, 0, w.net->n_params * sizeof *w.gradient->values);
        for (int step = 0; step < n_steps; step++) {
            step_of(&w, p.learning_rate);
            if (step < settling) {
                continue;
            }
            fraction += live_fraction(&w) / (n_steps - settling);
            for (size_t k = 0; step % 100 == 0 && k < w.net->first_bias; k++) {
                double x = fabs((double)w.net->params[k]);
                double below = (double)w.rewire->dormant_theta[k];
                if (x > 0) {
                    n_live++;
                    size += x;
                    size_squared += x * x;
                } else {
                    assert_true(below <= 0 && below >= -bound * (1 + 1e-6));
                    n_dormant++;
                    dormant += below;
                    dormant_squared += below * below;
                }
            }
        }
        if (!(fabs(fraction / (double)connectivities[c] - 1) < 0.1)) {
            fail_msg("%g of the synapses are connected, should be %g", fraction, (double)connectivities[c]);
        }
        size /= n_live;
        size_squared /= n_live;
        dormant /= n_dormant;
        dormant_squared /= n_dormant;
        double want[4] = {mean_size, 2 * mean_size * mean_size, -bound / 2, bound * bound / 3};
        double got[4] = {size, size_squared, dormant, dormant_squared};
        for (int k = 0; k < 4; k++) {
            if (!(fabs(got[k] / want[k] - 1) < (k % 2 == 0 ? 0.12 : 0.25))) {
                fail_msg("connectivity %g: moment %d is %g, should be %g", (double)connectivities[c], k, got[k], want[k]);
            }
        }
        stop(&w);
    }
}

/* One step, no gradient: the mean change of a connected theta is -learning rate * l1, that of a dormant one 0; both shake by sqrt(2 lr T). */
static void soft_pulls_only_what_is_connected(void **state) {
    (void)state;
    plan p = {"pull", 60, 100, 0, 10, 1, 0.5f, -1, 1, 0.01f, 1e-4f, .soft = true, .soft_connectivity = 0.02f};
    world w = start(&p);
    double bound = 0.98 / 0.02 * 0.01;
    double shake = sqrt(2 * 1e-4 * 0.01);
    double change[2] = {0};
    double square[2] = {0};
    double n[2] = {0};
    real *before = copy_of(w.net->params, w.net->n_params, sizeof *before);
    real *below = copy_of(w.rewire->dormant_theta, w.net->n_params, sizeof *below);
    for (size_t k = 0; k < w.net->n_params; k++) {
        w.gradient->values[k] =
            k < w.net->first_bias && before[k] == 0 ? (k % 2 == 0 ? 5 : -5) : 0; /* dormant ones have no use for a gradient */
    }
    step_of(&w, p.learning_rate);
    for (size_t k = 0; k < w.net->first_bias; k++) {
        bool lives = before[k] != 0;
        double theta = lives ? fabs((double)before[k]) : (double)below[k];
        if (fabs(theta) < 0.01 || theta < -bound + 0.01) {
            continue;
        }
        double now = w.net->params[k] != 0 ? fabs((double)w.net->params[k]) : (double)w.rewire->dormant_theta[k];
        double moved = (now - theta) / shake;
        n[lives]++;
        change[lives] += moved;
        square[lives] += moved * moved;
        assert_true((w.net->params[k] != 0) == lives && fabs(moved) < 6);
    }
    for (int lives = 0; lives < 2; lives++) {
        double want = lives != 0 ? -1e-4 / shake : 0;
        assert_true(n[lives] > 4000);
        if (!(fabs(change[lives] / n[lives] - want) < 4 / sqrt(n[lives])) || !(fabs(square[lives] / n[lives] - 1) < 0.1)) {
            fail_msg("live %d: mean change %g (should be %g), mean square %g, of %g", lives, change[lives] / n[lives], want,
                     square[lives] / n[lives], n[lives]);
        }
    }
    assert_true(1e-4 / shake > 4 / sqrt(n[1])); /* the pull is large enough to be seen */
    free(before);
    free(below);
    stop(&w);
}

/* Hard, with temperature: the noise of a connected synapse has the size sqrt(2 lr T), and differs from step to step and from cell to cell. */
static void noise_has_its_size(void **state) {
    (void)state;
    plan p = {"noise", 40, 60, 0, 10, 1, 0.5f, -1, 0, 0.01f, 1e-4f, .n_steps = 0};
    world w = start(&p);
    double shake = sqrt(2 * 1e-4 * 0.01);
    memset(w.gradient->values, 0, w.net->n_params * sizeof *w.gradient->values);
    double last[2] = {0};
    for (int step = 0; step < 5; step++) {
        picture before = take_picture(&w);
        step_of(&w, p.learning_rate);
        picture after = take_picture(&w);
        double sum = 0;
        double squares = 0;
        double products[3] = {0};
        double n = 0;
        double *moved = calloc(before.n, sizeof *moved);
        for (size_t k = 0; k < before.n; k++) {
            if (fabs(before.w[k]) > 0.01) {
                moved[k] = (fabs(after.w[k]) - fabs(before.w[k])) / shake;
                sum += moved[k];
                squares += moved[k] * moved[k];
                n++;
            }
            for (int q = 0; q < 3; q++) { /* with the cell before, and with the same one of the matrices before */
                size_t back = q == 0 ? 1 : before.first[q];
                products[q] += k >= back ? moved[k] * moved[k - back] : 0;
            }
        }
        free(moved);
        assert_true(n > 1500);
        assert_true(fabs(sum) < 4 * sqrt(n) && fabs(squares / n - 1) < 0.15);
        for (int q = 0; q < 3; q++) {
            assert_true(fabs(products[q]) < 4 * sqrt(n));
        }
        assert_true(sum != last[0] && squares != last[1]);
        last[0] = sum;
        last[1] = squares;
        free_picture(&before);
        free_picture(&after);
    }
    stop(&w);
}

/* ---- files ---- */

static void save(const world *w, const char *path) {
    tensor_writer *writer;
    need(tensor_writer_create(&writer));
    net_write(w->net, writer);
    adam_write(w->adam, writer);
    rewire_write(w->rewire, writer);
    need(tensor_writer_save(writer, path, NULL));
    tensor_writer_free(writer);
}

static world load(const plan *p, const char *path) {
    world w;
    tensor_file *file;
    lsnn_rewire_options options = options_of(p);
    need(tensor_file_open(&file, path));
    need(net_read(&w.net, file));
    start_learning(&w, &options);
    need(adam_read(w.adam, file));
    need(rewire_read(w.rewire, file));
    tensor_file_close(file);
    return w;
}

static void need_same_world(const world *got, const world *want) {
    picture x = take_picture(got);
    picture y = take_picture(want);
    lsnn_synapse_count c[2][3];
    assert_int_equal(x.n, y.n);
    assert_memory_equal(x.w, y.w, x.n * sizeof *x.w);
    assert_memory_equal(x.m, y.m, x.n * sizeof *x.m);
    assert_memory_equal(x.v, y.v, x.n * sizeof *x.v);
    assert_memory_equal(x.age, y.age, x.n * sizeof *x.age);
    need_untouched_besides(&x, &y);
    assert_memory_equal(got->net->sign, want->net->sign, got->net->n_params);
    lsnn_rewire_count(got->rewire, c[0]);
    lsnn_rewire_count(want->rewire, c[1]);
    for (int q = 0; q < 3; q++) {
        assert_int_equal(c[0][q].possible, c[1][q].possible);
        assert_int_equal(c[0][q].live, c[1][q].live);
        assert_int_equal(c[0][q].born, c[1][q].born);
        assert_int_equal(c[0][q].died, c[1][q].died);
    }
    free_picture(&x);
    free_picture(&y);
}

static void saved_and_loaded_goes_on_the_same(void **state) {
    (void)state;
    static const plan plans[] = {
        {"cold", 9, 6, 5, 3, 4, 0.3f, -1, 2, 0, 0.05f, .n_steps = 0},
        {"warm, Dale's law", 9, 6, 5, 3, 4, 0.3f, 0.7f, 1, 0.02f, 0.05f, .noise = true},
        {"all gradients", 9, 6, 5, 3, 4, 0.3f, -1, 1, 0.02f, 0.05f, .all_gradients = true},
        {"soft", 9, 6, 5, 3, 4, 0.3f, -1, 0.1f, 0.01f, 0.05f, .soft = true, .soft_connectivity = 0.3f},
        {"soft, Dale's law", 9, 6, 5, 3, 4, 0.3f, 0.7f, 0.1f, 0.01f, 0.05f, .soft = true, .soft_connectivity = 0.3f},
    };
    char folder[FOLDER_SIZE];
    char path[FOLDER_SIZE + 40];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/rewired.safetensors", folder);
    for (size_t k = 0; k < sizeof plans / sizeof *plans; k++) {
        for (int at = 0; at <= 60; at += 20) {
            const plan *p = &plans[k];
            world w = start(p);
            for (int step = 0; step < at; step++) {
                draw_gradient(&w, step);
                step_of(&w, p->learning_rate);
            }
            save(&w, path);
            world other = load(p, path);
            witness s = call_witness(w.net);
            witness t = call_witness(w.net);
            need_same_world(&other, &w);
            for (int step = at; step < at + 100; step++) {
                draw_gradient(&w, step);
                step_of(&w, p->learning_rate);
                draw_gradient(&other, step);
                step_of(&other, p->learning_rate);
                need_same_world(&other, &w);
            }
            for (int q = 0; q < 3; q++) { /* also the delays and signs of those that dormant are */
                look_at_matrix(&s, w.net, q);
                look_at_matrix(&t, other.net, q);
                assert_memory_equal(s.sign[q], t.sign[q], s.n[q]);
                assert_memory_equal(s.delay[q], t.delay[q], s.n[q] * sizeof *s.delay[q]);
            }
            dismiss(&s);
            dismiss(&t);
            stop(&w);
            stop(&other);
        }
    }
    folder_remove(folder);
}

/* A model that was rewired is a network like any other: it can be loaded, and rewired from there on. */
static void a_saved_network_can_be_loaded_and_rewired_again(void **state) {
    (void)state;
    char folder[FOLDER_SIZE];
    char path[FOLDER_SIZE + 40];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/network.safetensors", folder);
    for (int which = 0; which < 3; which++) {
        plan p = {"again", 9, 6, 5, 3, 4, 0.3f, 0.7f, 0.5f, 0.02f, 0.05f, .soft_connectivity = 0.3f};
        p.all_gradients = which == 1;
        p.soft = which == 2;
        world w = start(&p);
        for (int step = 0; step < 50; step++) {
            draw_gradient(&w, step);
            step_of(&w, p.learning_rate);
        }
        need(lsnn_net_save(w.net, path));
        world other;
        need(lsnn_net_load(&other.net, path));
        witness s = call_witness(w.net);
        witness t = call_witness(other.net);
        assert_int_equal(t.budget, s.budget);
        p.all_gradients = p.soft = false; /* the dormant ones of dense matrices are gone then */
        lsnn_rewire_options options = options_of(&p);
        start_learning(&other, &options);
        dismiss(&t);
        t = call_witness(other.net);
        for (int step = 0; step < 50; step++) {
            draw_gradient(&other, step);
            step_of(&other, p.learning_rate);
            look(&t, &other, true);
        }
        dismiss(&s);
        dismiss(&t);
        stop(&w);
        stop(&other);
    }
    folder_remove(folder);
}

/* ---- the paper's budget ---- */

static void budget_is_the_share_of_all_synapses(void **state) {
    (void)state;
    plan p = {"paper", 80, 120, 100, 10, 10, 0.12f, 0.75f, 0.01f, 0, 0.01f, .balanced = true};
    for (int which = 0; which < 2; which++) {
        p.all_gradients = which == 1;
        world w = start(&p);
        lsnn_synapse_count c[3];
        lsnn_rewire_count(w.rewire, c);
        static const int64_t live[3] = {2112, 5808, 264};
        static const int64_t possible[3] = {220 * 80, 220 * 219, 220 * 10};
        for (int q = 0; q < 3; q++) {
            assert_int_equal(c[q].live, live[q]);
            assert_int_equal(c[q].possible, possible[q]);
            assert_int_equal(c[q].born, 0);
            assert_int_equal(c[q].died, 0);
        }
        assert_int_equal(w.rewire->budget, 8184);
        assert_int_equal(lsnn_net_n_params(w.net), (which == 0 ? 8184 : 220 * (80 + 219 + 10)) + 10);
        stop(&w);
    }
}

/* ---- calls that do not fit ---- */

static void calls_that_do_not_fit_are_refused(void **state) {
    (void)state;
    plan p = {"refused", 6, 5, 4, 3, 4, 0.3f, -1, 0.5f, 0.01f, 0.05f, .n_steps = 0};
    lsnn_net_spec spec = spec_of(&p);
    lsnn_net *net;
    need(lsnn_net_create(&net, &spec));
    static const lsnn_rewire_options bad[] = {
        {.l1 = -1},
        {.l1 = NAN},
        {.l1 = INFINITY},
        {.temperature = -1e-9f},
        {.temperature = NAN},
        {.temperature = INFINITY},
        {.l1 = 0, .temperature = 1, .soft = true, .connectivity = 0.5f},
        {.l1 = 1, .temperature = 0, .soft = true, .connectivity = 0.5f},
        {.l1 = 1, .temperature = 1, .soft = true, .connectivity = 0},
        {.l1 = 1, .temperature = 1, .soft = true, .connectivity = 1},
        {.l1 = 1, .temperature = 1, .soft = true, .connectivity = NAN},
    };
    size_t n_params = lsnn_net_n_params(net);
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        lsnn_rewire *rewire = NULL;
        need_error(lsnn_rewire_create(&rewire, net, &bad[k]), LSNN_ERR_SETTING, "rewiring");
        assert_null(rewire);
        assert_int_equal(lsnn_net_n_params(net), n_params);
    }
    lsnn_rewire_free(NULL);
    lsnn_net_free(net);

    world w = start(&p);
    plan larger = p;
    larger.n_in = 30;
    world other = start(&larger);
    draw_gradient(&w, 0);
    step_of(&w, 0.05f);
    picture before = take_picture(&w);
    need_error(lsnn_rewire_step(w.rewire, other.adam, 0.05f), LSNN_ERR_USAGE, "optimiser");
    for (int k = 0; k < 3; k++) {
        need_error(lsnn_rewire_step(w.rewire, w.adam, (float[]){-1, NAN, INFINITY}[k]), LSNN_ERR_USAGE, "learning rate");
    }
    picture after = take_picture(&w);
    assert_memory_equal(after.w, before.w, before.n * sizeof *before.w);
    free_picture(&before);
    free_picture(&after);
    stop(&w);
    stop(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(laws_hold_after_every_step),
        cmocka_unit_test(creation_takes_the_network_over_as_it_is),
        cmocka_unit_test(nothing_to_do_changes_nothing),
        cmocka_unit_test(connections_at_0_are_in_the_budget),
        cmocka_unit_test(exactly_nothing_left_is_dormant),
        cmocka_unit_test(hand_computed_example),
        cmocka_unit_test(optimiser_and_pull_are_as_computed_directly),
        cmocka_unit_test(dormant_synapses_wake_uniformly),
        cmocka_unit_test(another_seed_wakes_others),
        cmocka_unit_test(what_was_never_connected_is_drawn_evenly),
        cmocka_unit_test(rewired_is_as_made_anew),
        cmocka_unit_test(soft_settles_at_its_connectivity),
        cmocka_unit_test(soft_pulls_only_what_is_connected),
        cmocka_unit_test(noise_has_its_size),
        cmocka_unit_test(saved_and_loaded_goes_on_the_same),
        cmocka_unit_test(a_saved_network_can_be_loaded_and_rewired_again),
        cmocka_unit_test(budget_is_the_share_of_all_synapses),
        cmocka_unit_test(calls_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests_name("rewiring", tests, NULL, NULL);
}
