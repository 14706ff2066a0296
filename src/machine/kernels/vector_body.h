/* The kernels on vectors of WIDTH floats, in the compiler's vector types, for rows of LANES floats: PARTS vectors a row. Included by
 * sse2.c, avx2.c, avx512.c and neon.c (through vector_tables.h) for 16 lanes and for 8. The includer gives
 *   NAME(function)    the function's name with its number of lanes
 *   LANE_BITS(mask)   bit l = the sign bit of lane l of an integer vector of WIDTH lanes
 * Same operations in the same order as ref_body.h, hence the same bits. */

typedef float NAME(vec) __attribute__((vector_size(WIDTH * 4)));
typedef int32_t NAME(ivec) __attribute__((vector_size(WIDTH * 4)));
typedef uint16_t NAME(counters) __attribute__((vector_size(WIDTH * 2)));
#define PARTS (LANES / WIDTH)
#define VEC   NAME(vec)
#define IVEC  NAME(ivec)

static inline VEC NAME(load)(const float *from) {
    return *(const VEC *)from;
}

static inline void NAME(store)(float *to, VEC x) {
    *(VEC *)to = x;
}

static inline VEC NAME(all)(float x) {
    return (VEC){0} + x;
}

/* x where the mask is set, else +0. */
static inline VEC NAME(only)(IVEC mask, VEC x) {
    return (VEC)((IVEC)x & mask);
}

/* Sum over the lanes of a row, as a tree: lane l and l + LANES / 2, and so on. */
static inline float NAME(tree_sum)(const VEC row[PARTS]) {
#if PARTS == 4
    VEC sum = (row[0] + row[2]) + (row[1] + row[3]);
#elif PARTS == 2
    VEC sum = row[0] + row[1];
#else
    VEC sum = row[0];
#endif
#if WIDTH == 16
    typedef float half __attribute__((vector_size(32)));
    half eight =
        __builtin_shufflevector(sum, sum, 0, 1, 2, 3, 4, 5, 6, 7) + __builtin_shufflevector(sum, sum, 8, 9, 10, 11, 12, 13, 14, 15);
#elif WIDTH == 8
    VEC eight = sum;
#endif
#if WIDTH > 4
    typedef float quarter __attribute__((vector_size(16)));
    quarter four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
    quarter two = four + __builtin_shufflevector(four, four, 2, 3, 0, 1);
#else
    VEC two = sum + __builtin_shufflevector(sum, sum, 2, 3, 0, 1);
#endif
    return two[0] + two[1];
}

/* A step's spikes lane by lane: for each lane the synapses of its senders, begin to end. */
enum { NAME(spikes_at_once) = 64 };
typedef struct NAME(sorted_spikes) {
    struct {
        uint32_t begin, end;
    } run[LANES][NAME(spikes_at_once)];
    int n[LANES];
} NAME(sorted_spikes);

/* Sorts up to spikes_at_once of them; returns how many. */
static inline int NAME(sort_spikes)(const synapses *s, const spike *spikes, int n_spikes, NAME(sorted_spikes) * out) {
    int n = n_spikes < NAME(spikes_at_once) ? n_spikes : NAME(spikes_at_once);
    memset(out->n, 0, sizeof out->n);
    for (int e = 0; e < n; e++) {
        size_t i = spikes[e].i;
        uint32_t begin = s->row[i * (size_t)s->n_delays];
        uint32_t end = s->row[(i + 1) * (size_t)s->n_delays];
        for (unsigned lanes = spikes[e].lanes; lanes != 0; lanes &= lanes - 1) {
            int l = __builtin_ctz(lanes);
            out->run[l][out->n[l]].begin = begin;
            out->run[l][out->n[l]++].end = end;
        }
    }
    return n;
}

/* lane[ahead[k]] += w[k]. No place comes twice, so four at a time can be under way. */
static inline void NAME(send)(const float *w, const uint32_t *ahead, size_t k, size_t end, float *lane) {
    for (; k + 4 <= end; k += 4) {
        float *a = lane + ahead[k];
        float *b = lane + ahead[k + 1];
        float *c = lane + ahead[k + 2];
        float *d = lane + ahead[k + 3];
        float x[4] = {*a + w[k], *b + w[k + 1], *c + w[k + 2], *d + w[k + 3]};
        *a = x[0];
        *b = x[1];
        *c = x[2];
        *d = x[3];
    }
    for (; k < end; k++) {
        lane[ahead[k]] += w[k];
    }
}

static void NAME(send_spikes)(const synapses *s, const float *w, const spike *spikes, int n_spikes, float *now, size_t lane_size) {
    NAME(sorted_spikes) sorted;
    while (n_spikes > 0) {
        int n = NAME(sort_spikes)(s, spikes, n_spikes, &sorted);
        for (size_t l = 0; l < LANES; l++) {
            float *lane = now + l * lane_size;
            for (int e = 0; e < sorted.n[l]; e++) {
                NAME(send)(w, s->ahead, sorted.run[l][e].begin, sorted.run[l][e].end, lane);
            }
        }
        spikes += n;
        n_spikes -= n;
    }
}

/* Transposes WIDTH vectors: each round interleaves the first half of them with the second. */
static inline __attribute__((always_inline)) void NAME(transpose)(VEC x[WIDTH]) {
    for (int round = 1; round < WIDTH; round *= 2) {
        VEC y[WIDTH];
        for (int k = 0; k < WIDTH / 2; k++) {
            VEC a = x[k];
            VEC b = x[k + WIDTH / 2];
#if WIDTH == 16
            y[2 * k] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            y[2 * k + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif WIDTH == 8
            y[2 * k] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
            y[2 * k + 1] = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
            y[2 * k] = __builtin_shufflevector(a, b, 0, 4, 1, 5);
            y[2 * k + 1] = __builtin_shufflevector(a, b, 2, 6, 3, 7);
#endif
        }
        for (int k = 0; k < WIDTH; k++) {
            x[k] = y[k];
        }
    }
}

static void NAME(window_to_rows)(const float *now, size_t lane_size, int n, float *rows) {
    for (int part = 0; part < PARTS; part++) {
        for (int j = 0; j < n; j += WIDTH) {
            VEC x[WIDTH];
            for (int k = 0; k < WIDTH; k++) {
                x[k] = NAME(load)(now + (size_t)(part * WIDTH + k) * lane_size + j);
            }
            NAME(transpose)(x);
            for (int k = 0; k < WIDTH && j + k < n; k++) {
                NAME(store)(rows + (size_t)(j + k) * LANES + part * WIDTH, x[k]);
            }
        }
    }
}

static void NAME(rows_to_window)(const float *rows, int n, float *now, size_t lane_size) {
    int stride = (n + STRIDE_UNIT - 1) / STRIDE_UNIT * STRIDE_UNIT;
    for (int part = 0; part < PARTS; part++) {
        for (int j = 0; j < stride; j += WIDTH) {
            VEC x[WIDTH];
            for (int k = 0; k < WIDTH; k++) {
                x[k] = j + k < n ? NAME(load)(rows + (size_t)(j + k) * LANES + part * WIDTH) : (VEC){0};
            }
            NAME(transpose)(x);
            for (int k = 0; k < WIDTH; k++) {
                NAME(store)(now + (size_t)(part * WIDTH + k) * lane_size + j, x[k]);
            }
        }
    }
}

static void NAME(add_values)(const synapses *s, const float *w, int d, const float *x, float *current) {
    for (int i = 0; i < s->n_pre; i++) {
        size_t group = (size_t)i * (size_t)s->n_delays + (size_t)(d - s->first_delay);
        for (size_t k = s->row[group]; k < s->row[group + 1]; k++) {
            float *row = current + (size_t)s->post[k] * LANES;
            for (int at = 0; at < LANES; at += WIDTH) {
                NAME(store)(row + at, NAME(load)(row + at) + w[k] * NAME(load)(x + (size_t)i * LANES + at));
            }
        }
    }
}

/* One step of neurons begin..end-1; `adaptive`, `taped`, `by_baseline` are known where this is called, so that each case is a loop of its own. */
static inline __attribute__((always_inline)) void NAME(step_segment)(const neuron_constants *c, const neuron_state *state,
                                                                     const float *current, segment g, bool adaptive, bool taped,
                                                                     bool by_baseline, spike *spikes, int *n_spikes, double *spike_sum,
                                                                     const step_tape *tape, int *n_active) {
    /* copies, as the compiler can't know that what is stored below leaves them alone */
    const float v_th = c->v_th;
    const float gamma = c->gamma;
    const float kappa = c->kappa;
    const float new_p = c->new_p;
    const int32_t top = c->top;
    const float *alpha = c->alpha;
    const float *gain = c->gain;
    const float *rho = c->rho;
    const float *new_b = c->new_b;
    const float *beta = c->beta;
    for (int j = g.begin; j < g.end; j++) {
        unsigned lanes = 0;
        unsigned active = 0;
        for (int part = 0; part < PARTS; part++) {
            size_t at = (size_t)j * LANES + (size_t)part * WIDTH;
            NAME(counters) *counters = (NAME(counters) *)(state->cooldown + at);
            IVEC cooldown = __builtin_convertvector(*counters, IVEC);
            IVEC reset = cooldown == top;
            IVEC refractory = cooldown > 1;
            VEC threshold = NAME(all)(v_th);
            if (adaptive) {
                VEC b = rho[j] * NAME(load)(state->b + at) + NAME(only)(reset, NAME(all)(new_b[j]));
                threshold = v_th + beta[j] * b;
                NAME(store)(state->b + at, b);
            }
            VEC v = alpha[j] * NAME(load)(state->v + at) + gain[j] * NAME(load)(current + at) - NAME(only)(reset, threshold);
            IVEC spiked = (v > threshold) & ~refractory;
            if (taped) {
                VEC unit = adaptive && !by_baseline ? 1 / threshold : NAME(all)(1 / v_th);
                VEC s = (v - threshold) * unit;
                VEC size = (VEC)((IVEC)s & 0x7fffffff);
                IVEC inside = (size < 1) & ~refractory;
                VEC psi = NAME(only)(inside, gamma * (1 - size));
                VEC to_v = psi * unit;
                NAME(store)(tape->to_v + at, to_v);
                if (adaptive) {
                    NAME(store)(tape->to_a + at, by_baseline ? -to_v : -to_v * (v * unit));
                    NAME(store)(tape->threshold + at, threshold);
                }
                active |= LANE_BITS(psi > 0);
            }
            NAME(store)(state->v + at, v);
            cooldown += cooldown > 0; /* a true lane is -1 */
            *counters = __builtin_convertvector((spiked & top) | (~spiked & cooldown), NAME(counters));
            if (!taped) {
                NAME(store)(state->p + at, kappa * NAME(load)(state->p + at) + NAME(only)(spiked, NAME(all)(new_p)));
            }
            if (!taped) {
                lanes |= (unsigned)LANE_BITS(spiked) << part * WIDTH;
            }
        }
        if (taped) {
            tape->active[*n_active] = (uint16_t)j; /* overwritten by the next neuron if this one is not active */
            *n_active += active != 0;
        }
        if (!taped) { /* likewise: no branch, as none could be foreseen */
            spikes[*n_spikes] = (spike){.i = (uint16_t)j, .lanes = (lane_mask)lanes};
            *n_spikes += lanes != 0;
            spike_sum[j] += __builtin_popcount(lanes);
        }
    }
}

static int NAME(neuron_step)(const neuron_constants *c, const neuron_state *state, const float *current, spike *spikes, double *spike_sum,
                             const step_tape *tape) {
    int n_spikes = 0;
    int n_active = 0;
#define STEP(adaptive, taped, by_baseline) \
    NAME(step_segment)(c, state, current, c->segments[g], adaptive, taped, by_baseline, spikes, &n_spikes, spike_sum, tape, &n_active)
    for (int g = 0; g < c->n_segments; g++) {
        bool adaptive = c->segments[g].adaptive;
        if (tape == NULL && adaptive) {
            STEP(true, false, false);
        } else if (tape == NULL) {
            STEP(false, false, false);
        } else if (!adaptive) {
            STEP(false, true, false);
        } else if (c->by_baseline) {
            STEP(true, true, true);
        } else {
            STEP(true, true, false);
        }
    }
#undef STEP
    if (tape != NULL) {
        *tape->n_active = n_active;
    }
    return n_spikes;
}

/* Weights w[0..3], each in all lanes. Vectors of 8: one load for four of them, as loads of rows are what gather waits for. */
#if WIDTH == 8
typedef float NAME(four) __attribute__((vector_size(16), aligned(4)));
#define SPREAD_FOUR(w)                                \
    const NAME(four) four = *(const NAME(four) *)(w); \
    const VEC twice = __builtin_shufflevector(four, four, 0, 1, 2, 3, 0, 1, 2, 3)
#define OF_FOUR(w, which) \
    __builtin_shufflevector(twice, twice, which, which, which, which, 4 + (which), 4 + (which), 4 + (which), 4 + (which))
#else
#define SPREAD_FOUR(w)    ((void)0)
#define OF_FOUR(w, which) NAME(all)((w)[which])
#endif

static void NAME(gather)(const synapses *s, const float *w, const uint16_t *senders, int n_senders, const float *ahead, float *out) {
    for (int a = 0; a < n_senders; a++) {
        size_t i = senders[a];
        size_t k = s->row[i * (size_t)s->n_delays];
        size_t end = s->row[(i + 1) * (size_t)s->n_delays];
        VEC sum[4][PARTS] = {{{0}}};
/* sum[which] += weight of synapse k + which, times its row ahead */
#define TERM(which, weight)                                               \
    for (int part = 0; part < PARTS; part++) {                            \
        const float *row = ahead + (size_t)s->ahead[k + (which)] * LANES; \
        sum[which][part] += (weight)*NAME(load)(row + part * WIDTH);      \
    }
        for (; k + 4 <= end; k += 4) {
            SPREAD_FOUR(w + k);
            TERM(0, OF_FOUR(w + k, 0))
            TERM(1, OF_FOUR(w + k, 1))
            TERM(2, OF_FOUR(w + k, 2))
            TERM(3, OF_FOUR(w + k, 3))
        }
        if (k < end) {
            TERM(0, w[k])
        }
        if (k + 1 < end) {
            TERM(1, w[k + 1])
        }
        if (k + 2 < end) {
            TERM(2, w[k + 2])
        }
#undef TERM
        for (int part = 0; part < PARTS; part++) {
            NAME(store)(out + i * LANES + part * WIDTH, (sum[0][part] + sum[1][part]) + (sum[2][part] + sum[3][part]));
        }
    }
}

#undef SPREAD_FOUR
#undef OF_FOUR

static inline __attribute__((always_inline)) void NAME(back_segment)(const neuron_constants *c, const gradient_state *state,
                                                                     const step_tape *tape, const float *threshold_next,
                                                                     const float *gathered, const float *spike_gradient,
                                                                     const float *readout, float *d_current, segment g, bool adaptive,
                                                                     bool detached) {
    for (size_t at = (size_t)g.begin * LANES; at < (size_t)g.end * LANES; at += WIDTH) {
        size_t j = at / LANES;
        VEC dv_next = NAME(load)(state->dv + at);
        VEC dp = c->kappa * NAME(load)(state->dp + at);
        if (readout != NULL) {
            dp += NAME(load)(readout + at);
        }
        VEC dz = NAME(load)(gathered + at) + (c->new_p * dp + spike_gradient[j]);
        if (!detached) {
            dz -= (adaptive ? NAME(load)(threshold_next + at) : NAME(all)(c->v_th)) * dv_next;
        }
        VEC db_next = {0};
        if (adaptive) {
            db_next = NAME(load)(state->db + at);
            dz += c->new_b[j] * db_next;
        }
        VEC dv = c->alpha[j] * dv_next + dz * NAME(load)(tape->to_v + at);
        if (adaptive) {
            NAME(store)(state->db + at, c->rho[j] * db_next + c->beta[j] * (dz * NAME(load)(tape->to_a + at)));
        }
        NAME(store)(state->dp + at, dp);
        NAME(store)(state->dv + at, dv);
        NAME(store)(d_current + at, c->gain[j] * dv);
    }
}

static void NAME(neuron_back)(const neuron_constants *c, const gradient_state *state, const step_tape *tape, const float *threshold_next,
                              const float *gathered, const float *spike_gradient, const float *readout, float *d_current) {
#define BACK(adaptive, detached) \
    NAME(back_segment)(c, state, tape, threshold_next, gathered, spike_gradient, readout, d_current, c->segments[g], adaptive, detached)
    for (int g = 0; g < c->n_segments; g++) {
        bool adaptive = c->segments[g].adaptive;
        if (adaptive && c->detach_reset) {
            BACK(true, true);
        } else if (adaptive) {
            BACK(true, false);
        } else if (c->detach_reset) {
            BACK(false, true);
        } else {
            BACK(false, false);
        }
    }
#undef BACK
}

/* dw[k] += lane[ahead[k]] */
static inline void NAME(fetch)(float *restrict dw, const uint32_t *ahead, size_t k, size_t end, const float *restrict lane) {
    for (; k < end; k++) {
        dw[k] += lane[ahead[k]];
    }
}

static void NAME(spike_gradients)(const synapses *s, const spike *spikes, int n_spikes, const float *now, size_t lane_size, float *dw) {
    NAME(sorted_spikes) sorted;
    while (n_spikes > 0) {
        int n = NAME(sort_spikes)(s, spikes, n_spikes, &sorted);
        for (size_t l = 0; l < LANES; l++) {
            const float *lane = now + l * lane_size;
            for (int e = 0; e < sorted.n[l]; e++) {
                NAME(fetch)(dw, s->ahead, sorted.run[l][e].begin, sorted.run[l][e].end, lane);
            }
        }
        spikes += n;
        n_spikes -= n;
    }
}

static void NAME(value_gradients)(const synapses *s, int d, const float *x, const float *d_current, float *dw) {
    for (int i = 0; i < s->n_pre; i++) {
        size_t group = (size_t)i * (size_t)s->n_delays + (size_t)(d - s->first_delay);
        for (size_t k = s->row[group]; k < s->row[group + 1]; k++) {
            VEC product[PARTS];
            for (int part = 0; part < PARTS; part++) {
                size_t at = (size_t)part * WIDTH;
                product[part] = NAME(load)(x + (size_t)i * LANES + at) * NAME(load)(d_current + (size_t)s->post[k] * LANES + at);
            }
            dw[k] += NAME(tree_sum)(product);
        }
    }
}

static void NAME(normals)(const uint32_t key[4], uint64_t step, uint32_t first_sample, int n_lanes, int n, real *rows) {
    noise_draw(LANES, key, step, first_sample, n_lanes, n, rows);
}

#undef VEC
#undef IVEC
#undef PARTS
