/* The kernels on vectors of WIDTH floats, in the compiler's vector types, for rows of LANES floats: PARTS vectors a row. Included by avx2.c and avx512.c
 * (through vector_tables.h) for 16 lanes and for 8. The includer gives
 *   NAME(function)    the function's name with its number of lanes
 *   LANE_BITS(mask)   bit l = the sign bit of lane l of an integer vector of WIDTH lanes
 * Same operations in the same order as ref_body.h, hence the same bits. */

typedef float NAME(vec) __attribute__((vector_size(WIDTH * 4)));
typedef int32_t NAME(ivec) __attribute__((vector_size(WIDTH * 4)));
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

/* The lanes of one part of a row. */
static inline IVEC NAME(mask_of)(lane_mask lanes, int part) {
#if WIDTH == 16
    const IVEC bit = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
#else
    const IVEC bit = {1, 2, 4, 8, 16, 32, 64, 128};
#endif
    return (((IVEC){0} + (int32_t)(lanes >> part * WIDTH)) & bit) != 0;
}

/* Sum over the lanes of a row, as a tree: lane l and l + LANES / 2, and so on. */
static inline float NAME(tree_sum)(const VEC row[PARTS]) {
#if PARTS == 2
    VEC eight = row[0] + row[1];
#elif WIDTH == 16
    typedef float half __attribute__((vector_size(32)));
    half eight = __builtin_shufflevector(row[0], row[0], 0, 1, 2, 3, 4, 5, 6, 7) +
                 __builtin_shufflevector(row[0], row[0], 8, 9, 10, 11, 12, 13, 14, 15);
#else
    VEC eight = row[0];
#endif
    typedef float four __attribute__((vector_size(16)));
    four a = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
    four b = a + __builtin_shufflevector(a, a, 2, 3, 0, 1);
    return b[0] + b[1];
}

static void NAME(add_spikes)(const synapses *s, const float *w, int d, const spike *spikes, int n_spikes, float *current) {
    for (int e = 0; e < n_spikes; e++) {
        if (e + 2 < n_spikes) {
            uint32_t next = s->row[(size_t)spikes[e + 2].i * (size_t)s->n_delays + (size_t)(d - s->first_delay)];
            __builtin_prefetch(w + next);
            __builtin_prefetch(w + next + 16);
            __builtin_prefetch(s->post + next);
        }
        size_t group = (size_t)spikes[e].i * (size_t)s->n_delays + (size_t)(d - s->first_delay);
        size_t end = s->row[group + 1];
        lane_mask lanes = spikes[e].lanes;
        if ((lanes & (lanes - 1)) == 0) { /* one lane, by far the most frequent case: narrow loads and stores are quicker */
            float *lane = current + __builtin_ctz(lanes);
#pragma GCC unroll 8
            for (size_t k = s->row[group]; k < end; k++) {
                lane[(size_t)s->post[k] * LANES] += w[k];
            }
        } else {
            IVEC mask[PARTS];
            for (int part = 0; part < PARTS; part++) {
                mask[part] = NAME(mask_of)(lanes, part);
            }
            for (size_t k = s->row[group]; k < end; k++) {
                float *row = current + (size_t)s->post[k] * LANES;
                for (int part = 0; part < PARTS; part++) {
                    NAME(store)(row + part * WIDTH, NAME(load)(row + part * WIDTH) + NAME(only)(mask[part], NAME(all)(w[k])));
                }
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
    for (int j = g.begin; j < g.end; j++) {
        unsigned lanes = 0;
        unsigned active = 0;
        for (int part = 0; part < PARTS; part++) {
            size_t at = (size_t)j * LANES + (size_t)part * WIDTH;
            VEC z = NAME(load)(state->z + at);
            VEC threshold = NAME(all)(c->v_th);
            if (adaptive) {
                VEC b = c->rho[j] * NAME(load)(state->b + at) + c->new_b[j] * z;
                threshold = c->v_th + c->beta[j] * b;
                NAME(store)(state->b + at, b);
            }
            VEC v = c->alpha[j] * NAME(load)(state->v + at) + c->gain[j] * NAME(load)(current + at) - threshold * z;
            VEC r = NAME(load)(state->r + at);
            IVEC refractory = r > 0;
            IVEC spiked = (v > threshold) & ~refractory;
            if (taped) {
                VEC unit = adaptive && !by_baseline ? 1 / threshold : NAME(all)(1 / c->v_th);
                VEC s = (v - threshold) * unit;
                VEC size = (VEC)((IVEC)s & 0x7fffffff);
                IVEC inside = (size < 1) & ~refractory;
                VEC psi = NAME(only)(inside, c->gamma * (1 - size));
                VEC to_v = psi * unit;
                NAME(store)(tape->z_before + at, z);
                NAME(store)(tape->to_v + at, to_v);
                if (adaptive) {
                    NAME(store)(tape->to_a + at, by_baseline ? -to_v : -to_v * (v * unit));
                    NAME(store)(tape->threshold + at, threshold);
                }
                active |= LANE_BITS(psi > 0);
            }
            VEC z_now = NAME(only)(spiked, NAME(all)(1));
            NAME(store)(state->v + at, v);
            NAME(store)(state->r + at, NAME(only)(spiked, NAME(all)(c->n_ref)) + NAME(only)(refractory, r - 1));
            NAME(store)(state->z + at, z_now);
            if (!taped) {
                NAME(store)(state->p + at, c->kappa * NAME(load)(state->p + at) + c->new_p * z_now);
            }
            lanes |= (unsigned)LANE_BITS(spiked) << part * WIDTH;
        }
        if (taped) {
            tape->active[*n_active] = (uint16_t)j; /* overwritten by the next neuron if this one is not active */
            *n_active += active != 0;
        }
        if (lanes != 0) {
            spikes[(*n_spikes)++] = (spike){.i = (uint16_t)j, .lanes = (lane_mask)lanes};
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

static void NAME(gather)(const synapses *s, const float *w, const uint16_t *senders, int n_senders, const float *ahead, float *out) {
    for (int a = 0; a < n_senders; a++) {
        size_t i = senders[a];
        size_t k = s->row[i * (size_t)s->n_delays];
        size_t end = s->row[(i + 1) * (size_t)s->n_delays];
        VEC sum[4][PARTS] = {{{0}}};
/* sum[which] += w[k + which] times its row ahead */
#define TERM(which)                                                          \
    for (int part = 0; part < PARTS; part++) {                               \
        const float *row = ahead + (size_t)s->ahead[k + (which)] * LANES;    \
        sum[which][part] += w[k + (which)] * NAME(load)(row + part * WIDTH); \
    }
        for (; k + 4 <= end; k += 4) {
            TERM(0)
            TERM(1)
            TERM(2)
            TERM(3)
        }
        if (k < end) {
            TERM(0)
        }
        if (k + 1 < end) {
            TERM(1)
        }
        if (k + 2 < end) {
            TERM(2)
        }
#undef TERM
        for (int part = 0; part < PARTS; part++) {
            NAME(store)(out + i * LANES + part * WIDTH, (sum[0][part] + sum[1][part]) + (sum[2][part] + sum[3][part]));
        }
    }
}

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
            VEC da = dz * NAME(load)(tape->to_a + at);
            if (!detached) {
                da -= dv * NAME(load)(tape->z_before + at);
            }
            NAME(store)(state->db + at, c->rho[j] * db_next + c->beta[j] * da);
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

static void NAME(spike_gradients)(const synapses *s, int d, const spike *spikes, int n_spikes, const float *d_current, float *dw) {
    for (int e = 0; e < n_spikes; e++) {
        size_t group = (size_t)spikes[e].i * (size_t)s->n_delays + (size_t)(d - s->first_delay);
        lane_mask lanes = spikes[e].lanes;
        size_t end = s->row[group + 1];
        if ((lanes & (lanes - 1)) == 0) { /* one lane, by far the most frequent case: the tree's sum is that lane */
            const float *lane = d_current + __builtin_ctz(lanes);
#pragma GCC unroll 8
            for (size_t k = s->row[group]; k < end; k++) {
                dw[k] += lane[(size_t)s->post[k] * LANES];
            }
        } else if (__builtin_popcount(lanes) == 2) {
            const float *low = d_current + __builtin_ctz(lanes);
            const float *high = d_current + __builtin_ctz(lanes & (unsigned)(lanes - 1));
            for (size_t k = s->row[group]; k < end; k++) {
                size_t at = (size_t)s->post[k] * LANES;
                dw[k] += low[at] + high[at];
            }
        } else {
            IVEC mask[PARTS];
            for (int part = 0; part < PARTS; part++) {
                mask[part] = NAME(mask_of)(lanes, part);
            }
            for (size_t k = s->row[group]; k < end; k++) {
                VEC row[PARTS];
                for (int part = 0; part < PARTS; part++) {
                    row[part] = NAME(only)(mask[part], NAME(load)(d_current + (size_t)s->post[k] * LANES + part * WIDTH));
                }
                dw[k] += NAME(tree_sum)(row);
            }
        }
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

#undef VEC
#undef IVEC
#undef PARTS
