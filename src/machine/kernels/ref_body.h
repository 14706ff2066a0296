/* The reference kernels for LANES lanes; included by ref.c once for each number of lanes. */

static void NAME(send_spikes)(const synapses *s, const real *w, const spike *spikes, int n_spikes, real *now, size_t lane_size) {
    for (int e = 0; e < n_spikes; e++) {
        size_t i = spikes[e].i;
        for (size_t l = 0; l < LANES; l++) {
            for (uint32_t k = s->row[i * (size_t)s->n_delays]; (spikes[e].lanes >> l & 1) != 0 && k < s->row[(i + 1) * (size_t)s->n_delays];
                 k++) {
                now[l * lane_size + s->ahead[k]] += w[k];
            }
        }
    }
}

static void NAME(window_to_rows)(const real *now, size_t lane_size, int n, real *rows) {
    for (size_t j = 0; j < (size_t)n; j++) {
        for (size_t l = 0; l < LANES; l++) {
            rows[j * LANES + l] = now[l * lane_size + j];
        }
    }
}

static void NAME(rows_to_window)(const real *rows, int n, real *now, size_t lane_size) {
    size_t stride = (size_t)(n + STRIDE_UNIT - 1) / STRIDE_UNIT * STRIDE_UNIT;
    for (size_t l = 0; l < LANES; l++) {
        for (size_t j = 0; j < stride; j++) {
            now[l * lane_size + j] = j < (size_t)n ? rows[j * LANES + l] : 0;
        }
    }
}

static void NAME(add_values)(const synapses *s, const real *w, int d, const real *x, real *current) {
    for (int i = 0; i < s->n_pre; i++) {
        size_t group = (size_t)i * (size_t)s->n_delays + (size_t)(d - s->first_delay);
        for (uint32_t k = s->row[group]; k < s->row[group + 1]; k++) {
            real *row = current + (size_t)s->post[k] * LANES;
            for (int l = 0; l < LANES; l++) {
                row[l] += w[k] * x[i * LANES + l];
            }
        }
    }
}

static int NAME(neuron_step)(const neuron_constants *c, const neuron_state *state, const real *current, spike *spikes, double *spike_sum,
                             const step_tape *tape) {
    int n_spikes = 0;
    int n_active = 0;
    for (int g = 0; g < c->n_segments; g++) {
        bool adaptive = c->segments[g].adaptive;
        for (int j = c->segments[g].begin; j < c->segments[g].end; j++) {
            lane_mask lanes = 0;
            bool is_active = false;
            for (int l = 0; l < LANES; l++) {
                int at = j * LANES + l;
                uint16_t cooldown = state->cooldown[at];
                real z = cooldown == c->top ? 1 : 0;
                real threshold = c->v_th;
                if (adaptive) {
                    state->b[at] = c->rho[j] * state->b[at] + c->new_b[j] * z;
                    threshold = c->v_th + c->beta[j] * state->b[at];
                }
                real v = c->alpha[j] * state->v[at] + c->gain[j] * current[at] - threshold * z;
                bool refractory = cooldown > 1;
                bool spiked = v > threshold && !refractory;
                if (tape != NULL) {
                    real unit = 1 / (c->by_baseline ? c->v_th : threshold);
                    real s = (v - threshold) * unit;
                    real size = s < 0 ? -s : s;
                    real psi = size < 1 && !refractory ? c->gamma * (1 - size) : 0;
                    tape->to_v[at] = psi * unit;
                    if (adaptive) {
                        /* ds/dA is -v/A^2, or -1/v_th */
                        tape->to_a[at] = c->by_baseline ? -(psi * unit) : -(psi * unit) * (v * unit);
                        tape->threshold[at] = threshold;
                    }
                    is_active = is_active || psi > 0;
                }
                state->v[at] = v;
                state->cooldown[at] = spiked ? c->top : (uint16_t)(cooldown - (cooldown > 0));
                if (tape == NULL) {
                    state->p[at] = c->kappa * state->p[at] + (spiked ? c->new_p : 0);
                }
                lanes = (lane_mask)(lanes | (unsigned)spiked << l);
            }
            if (lanes != 0 && tape == NULL) {
                spikes[n_spikes++] = (spike){.i = (uint16_t)j, .lanes = lanes};
                spike_sum[j] += __builtin_popcount(lanes);
            }
            if (is_active) {
                tape->active[n_active++] = (uint16_t)j;
            }
        }
    }
    if (tape != NULL) {
        *tape->n_active = n_active;
    }
    return n_spikes;
}

static void NAME(gather)(const synapses *s, const real *w, const uint16_t *senders, int n_senders, const real *ahead, real *out) {
    for (int a = 0; a < n_senders; a++) {
        size_t i = senders[a];
        uint32_t begin = s->row[i * (size_t)s->n_delays];
        uint32_t end = s->row[(i + 1) * (size_t)s->n_delays];
        real sum[4][LANES] = {{0}};
        for (uint32_t k = begin; k < end; k++) {
            const real *row = ahead + (size_t)s->ahead[k] * LANES;
            for (int l = 0; l < LANES; l++) {
                sum[(k - begin) & 3][l] += w[k] * row[l];
            }
        }
        for (int l = 0; l < LANES; l++) {
            out[i * LANES + (size_t)l] = (sum[0][l] + sum[1][l]) + (sum[2][l] + sum[3][l]);
        }
    }
}

static void NAME(neuron_back)(const neuron_constants *c, const gradient_state *state, const step_tape *tape, const real *threshold_next,
                              const real *gathered, const real *spike_gradient, const real *readout, real *d_current) {
    for (int g = 0; g < c->n_segments; g++) {
        bool adaptive = c->segments[g].adaptive;
        for (int j = c->segments[g].begin; j < c->segments[g].end; j++) {
            for (int l = 0; l < LANES; l++) {
                int at = j * LANES + l;
                real dp = c->kappa * state->dp[at] + (readout != NULL ? readout[at] : 0);
                real dz = gathered[at] + (c->new_p * dp + spike_gradient[j]);
                if (!c->detach_reset) {
                    dz = dz - (adaptive ? threshold_next[at] : c->v_th) * state->dv[at];
                }
                if (adaptive) {
                    dz = dz + c->new_b[j] * state->db[at];
                }
                real dv = c->alpha[j] * state->dv[at] + dz * tape->to_v[at];
                if (adaptive) {
                    state->db[at] = c->rho[j] * state->db[at] + c->beta[j] * (dz * tape->to_a[at]);
                }
                state->dp[at] = dp;
                state->dv[at] = dv;
                d_current[at] = c->gain[j] * dv;
            }
        }
    }
}

static real NAME(tree_sum)(real *x) {
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int l = 0; l < half; l++) {
            x[l] += x[l + half];
        }
    }
    return x[0];
}

static void NAME(spike_gradients)(const synapses *s, const spike *spikes, int n_spikes, const real *now, size_t lane_size, real *dw) {
    for (int e = 0; e < n_spikes; e++) {
        size_t i = spikes[e].i;
        for (size_t l = 0; l < LANES; l++) {
            for (uint32_t k = s->row[i * (size_t)s->n_delays]; (spikes[e].lanes >> l & 1) != 0 && k < s->row[(i + 1) * (size_t)s->n_delays];
                 k++) {
                dw[k] += now[l * lane_size + s->ahead[k]];
            }
        }
    }
}

static void NAME(value_gradients)(const synapses *s, int d, const real *x, const real *d_current, real *dw) {
    for (int i = 0; i < s->n_pre; i++) {
        size_t group = (size_t)i * (size_t)s->n_delays + (size_t)(d - s->first_delay);
        for (uint32_t k = s->row[group]; k < s->row[group + 1]; k++) {
            const real *row = d_current + (size_t)s->post[k] * LANES;
            real product[LANES];
            for (int l = 0; l < LANES; l++) {
                product[l] = x[i * LANES + l] * row[l];
            }
            dw[k] += NAME(tree_sum)(product);
        }
    }
}

static void NAME(normals)(const uint32_t key[4], uint64_t step, uint32_t first_sample, int n_lanes, int n, real *rows) {
    noise_draw(LANES, key, step, first_sample, n_lanes, n, rows);
}
