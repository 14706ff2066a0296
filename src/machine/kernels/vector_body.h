/* The kernels on vectors of LANES floats, in the compiler's vector types: included by avx2.c and avx512.c for 16 lanes and for 8. Each includer gives
 *   NAME(function)           the function's name with its number of lanes
 *   NAME(lane_bits)(mask)    bit l = the sign bit of lane l of an integer vector
 * Same operations in the same order as ref_body.h, hence the same bits. */

typedef float NAME(vec) __attribute__((vector_size(LANES * 4)));
typedef int32_t NAME(ivec) __attribute__((vector_size(LANES * 4)));
#define VEC  NAME(vec)
#define IVEC NAME(ivec)

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

static inline IVEC NAME(mask_of)(lane_mask lanes) {
#if LANES == 16
    const IVEC bit = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
#else
    const IVEC bit = {1, 2, 4, 8, 16, 32, 64, 128};
#endif
    return (((IVEC){0} + (int32_t)lanes) & bit) != 0;
}

static inline float NAME(tree_sum)(VEC x) {
#if LANES == 16
    vec_8 eight = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) + __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
#else
    VEC eight = x;
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
            IVEC mask = NAME(mask_of)(lanes);
            for (size_t k = s->row[group]; k < end; k++) {
                float *row = current + (size_t)s->post[k] * LANES;
                NAME(store)(row, NAME(load)(row) + NAME(only)(mask, NAME(all)(w[k])));
            }
        }
    }
}

static void NAME(add_values)(const synapses *s, const float *w, int d, const float *x, float *current) {
    for (int i = 0; i < s->n_pre; i++) {
        size_t group = (size_t)i * (size_t)s->n_delays + (size_t)(d - s->first_delay);
        VEC value = NAME(load)(x + (size_t)i * LANES);
        for (size_t k = s->row[group]; k < s->row[group + 1]; k++) {
            float *row = current + (size_t)s->post[k] * LANES;
            NAME(store)(row, NAME(load)(row) + w[k] * value);
        }
    }
}

/* One step of neurons begin..end-1; `adaptive`, `taped`, `by_baseline` are known where this is called, so that each case is a loop of its own. */
static inline __attribute__((always_inline)) void NAME(step_segment)(const neuron_constants *c, const neuron_state *state,
                                                                     const float *current, segment g, bool adaptive, bool taped,
                                                                     bool by_baseline, spike *spikes, int *n_spikes, double *spike_sum,
                                                                     const step_tape *tape, int *n_active) {
    for (int j = g.begin; j < g.end; j++) {
        size_t at = (size_t)j * LANES;
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
            tape->active[*n_active] = (uint16_t)j; /* overwritten by the next neuron if this one is not active */
            *n_active += NAME(lane_bits)(psi > 0) != 0;
        }
        VEC z_now = NAME(only)(spiked, NAME(all)(1));
        NAME(store)(state->v + at, v);
        NAME(store)(state->r + at, NAME(only)(spiked, NAME(all)(c->n_ref)) + NAME(only)(refractory, r - 1));
        NAME(store)(state->z + at, z_now);
        if (!taped) {
            NAME(store)(state->p + at, c->kappa * NAME(load)(state->p + at) + c->new_p * z_now);
        }
        lane_mask lanes = NAME(lane_bits)(spiked);
        if (lanes != 0) {
            spikes[(*n_spikes)++] = (spike){.i = (uint16_t)j, .lanes = lanes};
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
        VEC sum0 = {0};
        VEC sum1 = {0};
        VEC sum2 = {0};
        VEC sum3 = {0};
#define TERM(offset) w[k + (offset)] * NAME(load)(ahead + (size_t)s->ahead[k + (offset)] * LANES)
        for (; k + 4 <= end; k += 4) {
            sum0 += TERM(0);
            sum1 += TERM(1);
            sum2 += TERM(2);
            sum3 += TERM(3);
        }
        if (k < end) {
            sum0 += TERM(0);
        }
        if (k + 1 < end) {
            sum1 += TERM(1);
        }
        if (k + 2 < end) {
            sum2 += TERM(2);
        }
#undef TERM
        NAME(store)(out + i * LANES, (sum0 + sum1) + (sum2 + sum3));
    }
}

static inline __attribute__((always_inline)) void NAME(back_segment)(const neuron_constants *c, const gradient_state *state,
                                                                     const step_tape *tape, const float *threshold_next,
                                                                     const float *gathered, const float *spike_gradient,
                                                                     const float *readout, float *d_current, segment g, bool adaptive,
                                                                     bool detached) {
    for (int j = g.begin; j < g.end; j++) {
        size_t at = (size_t)j * LANES;
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
            IVEC mask = NAME(mask_of)(lanes);
            for (size_t k = s->row[group]; k < end; k++) {
                dw[k] += NAME(tree_sum)(NAME(only)(mask, NAME(load)(d_current + (size_t)s->post[k] * LANES)));
            }
        }
    }
}

static void NAME(value_gradients)(const synapses *s, int d, const float *x, const float *d_current, float *dw) {
    for (int i = 0; i < s->n_pre; i++) {
        size_t group = (size_t)i * (size_t)s->n_delays + (size_t)(d - s->first_delay);
        VEC value = NAME(load)(x + (size_t)i * LANES);
        for (size_t k = s->row[group]; k < s->row[group + 1]; k++) {
            dw[k] += NAME(tree_sum)(value * NAME(load)(d_current + (size_t)s->post[k] * LANES));
        }
    }
}

#undef VEC
#undef IVEC
