/* DEEP R: docs/model.md, "Rewiring". */
#include "learn/rewire.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEW_SYNAPSE UINT32_MAX
static const double newborn_theta = 1e-12;
#define MOST_STEPS (INT64_C(1) << 40)
#define MOST_DRAWS (UINT64_C(1) << 55)

void lsnn_rewire_options_init(lsnn_rewire_options *options) {
    *options = (lsnn_rewire_options){.l1 = 0.01f, .seed = 1};
}

/* ---- creation ---- */

static lsnn_status check_options(const lsnn_rewire_options *o) {
    if (!(o->l1 >= 0 && o->l1 <= 1e6f && o->temperature >= 0 && o->temperature <= 1e6f)) {
        return fail(LSNN_ERR_SETTING, "rewiring with l1 %g and temperature %g; both must be 0 or more", (double)o->l1,
                    (double)o->temperature);
    }
    if (o->soft && !(o->l1 > 0 && o->temperature > 0 && o->connectivity > 0 && o->connectivity < 1)) {
        return fail(
            LSNN_ERR_SETTING,
            "soft rewiring with l1 %g, temperature %g and connectivity %g; it needs l1 and temperature above 0, and connectivity between 0 and 1",
            (double)o->l1, (double)o->temperature, (double)o->connectivity);
    }
    return LSNN_OK;
}

/* Delays and signs of the synapses that exist are what they are, those of the others are drawn. In a network that has room for all, as dense rewiring leaves it, those at 0 are dormant. */
static lsnn_status survey(lsnn_rewire *r, potential *p, matrix *m, const int8_t *sender_sign, bool no_self) {
    const lsnn_net *net = r->net;
    *p = (potential){.m = m, .n = (size_t)m->s.n_pre * (size_t)m->s.n_post};
    p->number = m == &net->in ? 0 : m == &net->rec ? r->all[0].n : r->all[0].n + r->all[1].n;
    p->lives = calloc(p->n + 1, sizeof *p->lives);
    p->sign = calloc(p->n + 1, sizeof *p->sign);
    p->delay = calloc(p->n + 1, sizeof *p->delay);
    p->place = calloc(p->n + 1, sizeof *p->place);
    if (p->lives == NULL || p->sign == NULL || p->delay == NULL || p->place == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for %zu possible synapses", p->n);
    }
    for (size_t cell = 0; cell < p->n; cell++) {
        size_t i = cell % (size_t)m->s.n_pre;
        bool is_self = no_self && cell / (size_t)m->s.n_pre == i;
        bool excites = (rng_bits(r->options.seed, RNG_REWIRE_SIGN, p->number + cell) & 1) != 0;
        p->sign[cell] = is_self ? 0 : sender_sign[i] != 0 ? sender_sign[i] : excites ? 1 : -1;
        p->delay[cell] =
            m->s.first_delay + (int32_t)rng_below(r->options.seed, RNG_REWIRE_DELAY, p->number + cell, (uint64_t)m->s.n_delays);
        p->place[cell] = NEW_SYNAPSE;
        p->count.possible += !is_self;
    }
    bool has_room = r->dense && m->n == (size_t)p->count.possible;
    for (size_t k = 0; k < m->n; k++) {
        size_t cell = matrix_cell(m, k);
        real w = net->params[m->first + k];
        p->lives[cell] = w != 0 || !has_room;
        p->sign[cell] = w > 0 ? 1 : w < 0 ? -1 : p->sign[cell];
        p->delay[cell] = m->delay[k];
        p->place[cell] = (uint32_t)(m->first + k);
        p->count.live += p->lives[cell];
    }
    return LSNN_OK;
}

static void release_potential(potential *p) {
    free(p->lives);
    free(p->sign);
    free(p->delay);
    free(p->place);
}

/* The matrices anew, with room for whatever may come: all synapses if dense, else the whole budget in one matrix. */
static lsnn_status make_room(lsnn_rewire *r) {
    lsnn_status status = LSNN_OK;
    lsnn_net *net = r->net;
    matrix fresh[3];
    size_t n_before = net->first_bias;
    size_t n_besides = net->n_params - n_before;
    size_t n_after = 0;
    real *params = NULL;
    int8_t *sign = NULL;
    memset(fresh, 0, sizeof fresh);
    for (int q = 0; q < 3; q++) {
        const potential *p = &r->all[q];
        const synapses *s = &p->m->s;
        size_t possible = (size_t)p->count.possible;
        size_t capacity = r->dense || possible < (size_t)r->budget ? possible : (size_t)r->budget;
        TRY(matrix_create(&fresh[q], s->n_pre, s->n_post, s->first_delay, s->n_delays, r->dense ? (const uint8_t *)p->sign : p->lives,
                          p->delay, capacity));
        n_after += fresh[q].n;
    }
    params = calloc(n_after + n_besides + 1, sizeof *params);
    sign = calloc(n_after + n_besides + 1, sizeof *sign);
    if (params == NULL || sign == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for %zu parameters", n_after + n_besides));
    }
    size_t to = 0;
    for (int q = 0; q < 3; q++) {
        const potential *p = &r->all[q];
        for (size_t k = 0; k < fresh[q].n; k++, to++) {
            size_t cell = matrix_cell(&fresh[q], k);
            real w = p->place[cell] == NEW_SYNAPSE ? 0 : net->params[p->place[cell]];
            params[to] = w == 0 && p->lives[cell] ? p->sign[cell] * (real)newborn_theta : w;
            sign[to] = r->options.soft ? 0 : p->sign[cell]; /* soft: theta may pass 0 */
        }
    }
    memcpy(params + n_after, net->params + n_before, n_besides * sizeof *params);
    for (int q = 0; q < 3; q++) {
        matrix_release(r->all[q].m);
        *r->all[q].m = fresh[q];
    }
    free(net->params);
    free(net->sign);
    net->params = params;
    net->sign = sign;
    net->n_params = n_after + n_besides;
    net_place_params(net);
    return LSNN_OK;
out:
    free(params);
    free(sign);
    for (int q = 0; q < 3; q++) {
        matrix_release(&fresh[q]);
    }
    return status;
}

/* Below this no theta falls: -(1 - p) / p * T / l1 makes p the fraction that is connected in the long run. */
static real soft_bound(const lsnn_rewire *r) {
    double p = (double)r->options.connectivity;
    return (real)(-(1 - p) / p * (double)r->options.temperature / (double)r->options.l1);
}

/* Without a gradient, dormant thetas are uniform in the long run. */
static lsnn_status draw_dormant_thetas(lsnn_rewire *r) {
    r->dormant_theta = calloc(r->net->n_params + 1, sizeof *r->dormant_theta);
    if (r->dormant_theta == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for %zu dormant synapses", r->net->n_params);
    }
    for (size_t k = 0; k < r->net->first_bias; k++) {
        r->dormant_theta[k] = soft_bound(r) * (real)rng_uniform(r->options.seed, RNG_REWIRE_THETA, k);
    }
    return LSNN_OK;
}

lsnn_status lsnn_rewire_create(lsnn_rewire **out, lsnn_net *net, const lsnn_rewire_options *options) {
    lsnn_status status = LSNN_OK;
    lsnn_rewire *r = NULL;
    TRY(check_options(options));
    r = calloc(1, sizeof *r);
    if (r == NULL) {
        TRY(fail(LSNN_ERR_MEMORY, "no memory for rewiring"));
    }
    r->options = *options;
    r->net = net;
    r->dense = options->soft || options->all_gradients;
    TRY(survey(r, &r->all[0], &net->in, net->sign_in, false));
    TRY(survey(r, &r->all[1], &net->rec, net->sign_rec, true));
    TRY(survey(r, &r->all[2], &net->out, net->sign_rec, false));
    r->budget = r->all[0].count.live + r->all[1].count.live + r->all[2].count.live;
    if (!r->dense) {
        size_t n = (size_t)r->budget + 1;
        r->w = calloc(n, sizeof *r->w);
        r->m = calloc(n, sizeof *r->m);
        r->v = calloc(n, sizeof *r->v);
        r->age = calloc(n, sizeof *r->age);
        if (r->w == NULL || r->m == NULL || r->v == NULL || r->age == NULL) {
            TRY(fail(LSNN_ERR_MEMORY, "no memory for rewiring %lld synapses", (long long)r->budget));
        }
    }
    TRY(make_room(r));
    if (options->soft) {
        TRY(draw_dormant_thetas(r));
    }
    *out = r;
    return LSNN_OK;
out:
    lsnn_rewire_free(r);
    return status;
}

void lsnn_rewire_free(lsnn_rewire *r) {
    if (r == NULL) {
        return;
    }
    for (int q = 0; q < 3; q++) {
        release_potential(&r->all[q]);
    }
    free(r->dormant_theta);
    free(r->w);
    free(r->m);
    free(r->v);
    free(r->age);
    free(r);
}

/* ---- a step ---- */

static void set_alive(potential *p, size_t cell, bool lives) {
    if (p->lives[cell] != lives) {
        p->lives[cell] = lives;
        p->count.live += lives ? 1 : -1;
        p->count.born += lives;
        p->count.died += !lives;
    }
}

/* After the optimiser: L1 and noise, and who is left above 0. */
static void pull_and_shake(lsnn_rewire *r, potential *p, float learning_rate) {
    lsnn_net *net = r->net;
    const lsnn_rewire_options *o = &r->options;
    real pull = (real)((double)learning_rate * (double)o->l1);
    double shake = sqrt(2 * (double)learning_rate * (double)o->temperature);
    uint64_t n_cells = r->all[2].number + r->all[2].n;
    real bound = o->soft ? soft_bound(r) : 0;
    for (size_t k = 0; k < p->m->n; k++) {
        size_t cell = matrix_cell(p->m, k);
        size_t at = p->m->first + k;
        real theta = p->lives[cell] ? p->sign[cell] * net->params[at] : o->soft ? r->dormant_theta[at] : 0;
        bool moves = theta > 0 || o->soft; /* what the optimiser took to 0 stays there */
        if (theta > 0) {
            theta -= pull;
        }
        if (shake > 0 && moves) {
            theta += (real)(shake * rng_normal(o->seed, RNG_REWIRE_NOISE, (uint64_t)r->step * n_cells + p->number + cell));
        }
        set_alive(p, cell, theta > 0);
        net->params[at] = theta > 0 ? p->sign[cell] * theta : 0;
        if (o->soft) {
            r->dormant_theta[at] = theta < bound ? bound : theta;
        }
    }
}

/* A dormant synapse: its matrix drawn in proportion to its share of the budget, which is its size; then any of its dormant ones. */
static size_t draw_dormant(lsnn_rewire *r, potential **of) {
    uint64_t seed = r->options.seed;
    uint64_t n_cells = r->all[2].number + r->all[2].n;
    potential *p;
    do {
        uint64_t number = rng_below(seed, RNG_REWIRE_WAKE, r->n_draws++, n_cells);
        p = number < r->all[1].number ? &r->all[0] : number < r->all[2].number ? &r->all[1] : &r->all[2];
    } while (p->count.live == p->count.possible);
    size_t cell;
    do {
        cell = (size_t)rng_below(seed, RNG_REWIRE_WAKE, r->n_draws++, p->n);
    } while (p->sign[cell] == 0 || p->lives[cell]);
    *of = p;
    return cell;
}

static void wake(lsnn_rewire *r) {
    int64_t n_live = r->all[0].count.live + r->all[1].count.live + r->all[2].count.live;
    for (; n_live < r->budget; n_live++) {
        potential *p;
        size_t cell = draw_dormant(r, &p);
        set_alive(p, cell, true);
        p->place[cell] = NEW_SYNAPSE;
    }
}

/* Dense matrices: a synapse that woke has a weight now. */
static void give_newborns_weight(const lsnn_rewire *r, const potential *p) {
    for (size_t k = 0; k < p->m->n; k++) {
        size_t cell = matrix_cell(p->m, k);
        real *w = &r->net->params[p->m->first + k];
        if (p->lives[cell] && *w == 0) {
            *w = p->sign[cell] * (real)newborn_theta;
        }
    }
}

static void remember_places(const potential *p) {
    for (size_t k = 0; k < p->m->n; k++) {
        p->place[matrix_cell(p->m, k)] = (uint32_t)(p->m->first + k);
    }
}

/* Sparse matrices: wired again, and everything that is known of a synapse goes to its new place. */
static void rewire_matrices(const lsnn_rewire *r, lsnn_adam *adam) {
    lsnn_net *net = r->net;
    for (int q = 0; q < 3; q++) {
        matrix_wire(r->all[q].m, r->all[q].lives, r->all[q].delay);
    }
    net_place_params(net);
    for (int q = 0; q < 3; q++) {
        const potential *p = &r->all[q];
        for (size_t k = 0; k < p->m->n; k++) {
            size_t cell = matrix_cell(p->m, k);
            size_t to = p->m->first + k;
            size_t from = p->place[cell];
            bool is_new = from == NEW_SYNAPSE;
            r->w[to] = is_new ? p->sign[cell] * (real)newborn_theta : net->params[from];
            r->m[to] = is_new ? 0 : adam->m[from];
            r->v[to] = is_new ? 0 : adam->v[from];
            r->age[to] = is_new ? 0 : adam->age[from];
            net->sign[to] = p->sign[cell];
        }
    }
    size_t n = (size_t)r->budget;
    memcpy(net->params, r->w, n * sizeof *r->w);
    memcpy(adam->m, r->m, n * sizeof *r->m);
    memcpy(adam->v, r->v, n * sizeof *r->v);
    memcpy(adam->age, r->age, n * sizeof *r->age);
}

lsnn_status lsnn_rewire_step(lsnn_rewire *r, lsnn_adam *adam, float learning_rate) {
    if (adam->n != r->net->n_params || (adam->net != NULL && adam->net != r->net)) {
        return fail(LSNN_ERR_USAGE,
                    "the optimiser has %zu parameters, the rewired network %zu; create it after the rewiring, for the same network",
                    adam->n, r->net->n_params);
    }
    lsnn_status status = adam_check_rate(learning_rate);
    if (status != LSNN_OK) {
        return status;
    }
    for (int q = 0; q < 3; q++) {
        if (!r->dense) {
            remember_places(&r->all[q]);
        }
        pull_and_shake(r, &r->all[q], learning_rate);
    }
    if (!r->options.soft) {
        wake(r);
        for (int q = 0; q < 3 && r->dense; q++) {
            give_newborns_weight(r, &r->all[q]);
        }
        if (!r->dense) {
            rewire_matrices(r, adam);
        }
    }
    r->step++;
    r->net->version++;
    return LSNN_OK;
}

void lsnn_rewire_count(const lsnn_rewire *r, lsnn_synapse_count counts[3]) {
    for (int q = 0; q < 3; q++) {
        counts[q] = r->all[q].count;
    }
}

/* ---- files ---- */

static const char *const delay_names[3] = {"rewire.delay_in", "rewire.delay_rec", "rewire.delay_out"};
static const char *const sign_names[3] = {"rewire.sign_in", "rewire.sign_rec", "rewire.sign_out"};
static const char *const count_names[3] = {"rewire.count_in", "rewire.count_rec", "rewire.count_out"};

void rewire_write(const lsnn_rewire *r, tensor_writer *writer) {
    for (int q = 0; q < 3; q++) {
        const potential *p = &r->all[q];
        int64_t n = (int64_t)p->n;
        tensor_writer_add(writer, delay_names[q], TENSOR_I32, 1, &n, p->delay);
        tensor_writer_add(writer, sign_names[q], TENSOR_I8, 1, &n, p->sign);
        tensor_writer_add(writer, count_names[q], TENSOR_I64, 1, (int64_t[]){4}, &p->count);
    }
    tensor_writer_add(writer, "rewire.step", TENSOR_I64, 1, (int64_t[]){1}, &r->step);
    tensor_writer_add(writer, "rewire.draws", TENSOR_U64, 1, (int64_t[]){1}, &r->n_draws);
    if (r->options.soft) {
        tensor_writer_add(writer, "rewire.theta", real_type(), 1, (int64_t[]){(int64_t)r->net->first_bias}, r->dormant_theta);
    }
}

static lsnn_status damaged(const tensor_file *file, const char *name, size_t at) {
    return fail(LSNN_ERR_DATA, "%s: %s[%zu] is not what rewiring leaves behind; the file is damaged", tensor_file_path(file), name, at);
}

static lsnn_status read_potential(lsnn_rewire *r, potential *p, const tensor_file *file, int q) {
    lsnn_status status = LSNN_OK;
    const matrix *m = p->m;
    int64_t n = (int64_t)p->n;
    const tensor *delay;
    const tensor *sign;
    const tensor *count;
    TRY(tensor_file_need(file, delay_names[q], TENSOR_I32, 1, &n, &delay));
    TRY(tensor_file_need(file, sign_names[q], TENSOR_I8, 1, &n, &sign));
    TRY(tensor_file_need(file, count_names[q], TENSOR_I64, 1, (int64_t[]){4}, &count));
    const int32_t *d = delay->data;
    const int8_t *s = sign->data;
    for (size_t cell = 0; cell < p->n; cell++) {
        if (d[cell] < m->s.first_delay || d[cell] >= m->s.first_delay + m->s.n_delays) {
            TRY(damaged(file, delay_names[q], cell));
        }
        int of_sender = (q == 0 ? r->net->sign_in : r->net->sign_rec)[cell % (size_t)m->s.n_pre];
        if (s[cell] < -1 || s[cell] > 1 || (s[cell] == 0) != (p->sign[cell] == 0) || s[cell] * of_sender < 0) {
            TRY(damaged(file, sign_names[q], cell));
        }
    }
    for (size_t k = 0; k < m->n; k++) { /* the network's own connections say the same */
        size_t cell = matrix_cell(m, k);
        if (d[cell] != m->delay[k] || s[cell] * r->net->params[m->first + k] < 0) {
            TRY(damaged(file, d[cell] != m->delay[k] ? delay_names[q] : sign_names[q], cell));
        }
        r->net->sign[m->first + k] = r->options.soft ? 0 : s[cell];
    }
    const int64_t *c = count->data;
    const int64_t most = INT64_C(1) << 60;
    if (c[0] != p->count.possible || c[1] != p->count.live || c[2] < 0 || c[3] < 0 || c[2] > most || c[3] > most) {
        TRY(damaged(file, count_names[q], 0));
    }
    p->count = (lsnn_synapse_count){.possible = c[0], .live = c[1], .born = c[2], .died = c[3]};
    memcpy(p->delay, d, p->n * sizeof *d);
    memcpy(p->sign, s, p->n * sizeof *s);
out:
    return status;
}

lsnn_status rewire_read(lsnn_rewire *r, const tensor_file *file) {
    lsnn_status status = LSNN_OK;
    const tensor *step;
    const tensor *draws;
    const tensor *theta;
    TRY(tensor_file_need(file, "rewire.step", TENSOR_I64, 1, (int64_t[]){1}, &step));
    TRY(tensor_file_need(file, "rewire.draws", TENSOR_U64, 1, (int64_t[]){1}, &draws));
    r->step = *(const int64_t *)step->data;
    r->n_draws = *(const uint64_t *)draws->data;
    if (r->step < 0 || r->step >= MOST_STEPS || r->n_draws > MOST_DRAWS) {
        TRY(damaged(file, "rewire.step", 0));
    }
    for (int q = 0; q < 3; q++) {
        TRY(read_potential(r, &r->all[q], file, q));
    }
    if (r->options.soft) {
        TRY(tensor_file_need(file, "rewire.theta", real_type(), 1, (int64_t[]){(int64_t)r->net->first_bias}, &theta));
        for (size_t k = 0; k < theta->n; k++) {
            r->dormant_theta[k] = (real)tensor_at(theta, k);
            if (!(r->dormant_theta[k] >= soft_bound(r)) || !isfinite((double)r->dormant_theta[k])) {
                TRY(damaged(file, "rewire.theta", k));
            }
        }
    }
out:
    return status;
}
