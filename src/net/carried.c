/* The state between two sequences, sample by sample, in files and from one simulation to another: it does not depend on how the batch is cut into blocks. */
#include "net/sim.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static const char *const state_names[5] = {"carried.v", "carried.b", "carried.refractory", "carried.z", "carried.p"};

static void copy_history(const lsnn_sim *sim, const block *k, const signal *s, size_t from, float *values, uint8_t *spikes) {
    size_t n = (size_t)s->n;
    size_t n_batch = (size_t)sim->options.n_batch;
    for (size_t h = 0; h < (size_t)sim->net->spec.n_delay; h++) {
        size_t step = from + h;
        for (size_t l = 0; l < (size_t)k->n; l++) {
            size_t to = (h * n_batch + (size_t)k->first + l) * n;
            for (size_t i = 0; s->values != NULL && i < n; i++) {
                values[to + i] = (float)s->values[(step * n + i) * (size_t)sim->lanes + l];
            }
            for (uint32_t e = s->spikes != NULL ? s->start[step] : 0; s->spikes != NULL && e < s->start[step + 1]; e++) {
                if ((s->spikes[e].lanes >> l & 1) != 0) {
                    if (spikes != NULL) {
                        spikes[to + s->spikes[e].i] = 1;
                    } else {
                        values[to + s->spikes[e].i] = 1;
                    }
                }
            }
        }
    }
}

lsnn_status sim_write_carried(const lsnn_sim *sim, tensor_writer *writer, sim_carried *copies) {
    size_t n_batch = (size_t)sim->options.n_batch;
    size_t n_rec = (size_t)sim->net->n_rec;
    size_t n_in = (size_t)sim->net->spec.n_in;
    size_t history = (size_t)sim->net->spec.n_delay;
    *copies = (sim_carried){.sent = calloc(history * n_batch * n_rec, 1), .input = calloc(history * n_batch * n_in, sizeof *copies->input)};
    bool got_all = copies->sent != NULL && copies->input != NULL;
    for (int a = 0; a < 5; a++) {
        copies->state[a] = calloc(n_batch * n_rec, sizeof *copies->state[a]);
        got_all = got_all && copies->state[a] != NULL;
    }
    if (!got_all) {
        sim_carried_release(copies);
        return fail(LSNN_ERR_MEMORY, "no memory for a copy of the network's state");
    }
    size_t from = sim->has_run ? (size_t)sim->n_steps : 0;
    for (int b = 0; b < sim->n_blocks; b++) {
        const block *k = &sim->blocks[b];
        const neuron_state *s = &k->state;
        for (size_t l = 0; l < (size_t)k->n; l++) {
            for (size_t j = 0; j < n_rec; j++) {
                size_t at = j * (size_t)sim->lanes + l;
                real x[5] = {s->v[at], s->b[at], sim_refractory(s, at), sim_last_spike(sim, s, at), s->p[at]};
                for (int a = 0; a < 5; a++) {
                    copies->state[a][((size_t)k->first + l) * n_rec + j] = (float)x[a];
                }
            }
        }
        copy_history(sim, k, &k->sent, from, NULL, copies->sent);
        copy_history(sim, k, &k->input, from, copies->input, NULL);
    }
    copies->clock = sim->clock + (sim->has_run ? (uint64_t)sim->n_steps : 0);
    for (int a = 0; a < 5; a++) {
        tensor_writer_add(writer, state_names[a], TENSOR_F32, 2, (int64_t[]){(int64_t)n_batch, (int64_t)n_rec}, copies->state[a]);
    }
    tensor_writer_add(writer, "carried.sent", TENSOR_U8, 3, (int64_t[]){(int64_t)history, (int64_t)n_batch, (int64_t)n_rec}, copies->sent);
    tensor_writer_add(writer, "carried.input", TENSOR_F32, 3, (int64_t[]){(int64_t)history, (int64_t)n_batch, (int64_t)n_in},
                      copies->input);
    tensor_writer_add(writer, "carried.clock", TENSOR_U64, 1, (int64_t[]){1}, &copies->clock);
    return LSNN_OK;
}

void sim_carried_release(sim_carried *copies) {
    for (int a = 0; a < 5; a++) {
        free(copies->state[a]);
    }
    free(copies->sent);
    free(copies->input);
    *copies = (sim_carried){0};
}

static void set_history(const lsnn_sim *sim, block *k, signal *s, const tensor *t) {
    size_t n = (size_t)s->n;
    size_t n_batch = (size_t)sim->options.n_batch;
    for (size_t h = 0; h < (size_t)sim->net->spec.n_delay; h++) {
        for (size_t i = 0; i < n; i++) {
            unsigned lanes = 0;
            for (size_t l = 0; l < (size_t)k->n; l++) {
                double x = tensor_at(t, (h * n_batch + (size_t)k->first + l) * n + i);
                lanes |= x != 0 ? 1u << l : 0;
                if (s->values != NULL) {
                    s->values[(h * n + i) * (size_t)sim->lanes + l] = (real)x;
                }
            }
            if (s->spikes != NULL && lanes != 0) {
                s->spikes[s->start[h + 1]++] = (spike){.i = (uint16_t)i, .lanes = (lane_mask)lanes};
            }
        }
        if (s->spikes != NULL) {
            s->start[h + 2] = s->start[h + 1];
        }
    }
}

/* A state that no simulation can have left behind would go on as if nothing were wrong. */
static lsnn_status check_values(const tensor_file *file, const tensor *t, double low, double high, bool whole) {
    for (size_t k = 0; k < t->n; k++) {
        double x = tensor_at(t, k);
        if (!(x >= low && x <= high) || (whole && x != floor(x))) {
            return fail(LSNN_ERR_DATA, "%s: %s[%zu] is %g, which no simulation leaves behind; the file is damaged", tensor_file_path(file),
                        t->name, k, x);
        }
    }
    return LSNN_OK;
}

lsnn_status sim_read_carried(lsnn_sim *sim, const tensor_file *file) {
    lsnn_status status = LSNN_OK;
    int64_t n_batch = sim->options.n_batch;
    int64_t n_rec = sim->net->n_rec;
    int64_t history = sim->net->spec.n_delay;
    const tensor *state[5];
    const tensor *sent;
    const tensor *input;
    const tensor *clock;
    for (int a = 0; a < 5; a++) {
        TRY(tensor_file_need(file, state_names[a], TENSOR_F32, 2, (int64_t[]){n_batch, n_rec}, &state[a]));
    }
    TRY(tensor_file_need(file, "carried.sent", TENSOR_U8, 3, (int64_t[]){history, n_batch, n_rec}, &sent));
    TRY(tensor_file_need(file, "carried.input", TENSOR_F32, 3, (int64_t[]){history, n_batch, sim->net->spec.n_in}, &input));
    TRY(tensor_file_need(file, "carried.clock", TENSOR_U64, 1, (int64_t[]){1}, &clock));
    for (int a = 0; a < 5; a++) {
        bool refractory = a == 2;
        bool spikes = a == 3;
        TRY(check_values(file, state[a], refractory || spikes ? 0 : (double)-FLT_MAX,
                         refractory ? (double)sim->net->spec.n_ref
                         : spikes   ? 1
                                    : (double)FLT_MAX,
                         refractory || spikes));
    }
    TRY(check_values(file, sent, 0, 1, true));
    bool spikes_in = sim->net->spec.input == LSNN_SPIKES;
    TRY(check_values(file, input, spikes_in ? 0 : (double)-FLT_MAX, spikes_in ? 1 : (double)FLT_MAX, spikes_in));
    lsnn_sim_reset(sim);
    for (int b = 0; b < sim->n_blocks; b++) {
        block *k = &sim->blocks[b];
        neuron_state *s = &k->state;
        for (size_t l = 0; l < (size_t)k->n; l++) {
            for (size_t j = 0; j < (size_t)n_rec; j++) {
                size_t from = ((size_t)k->first + l) * (size_t)n_rec + j;
                size_t at = j * (size_t)sim->lanes + l;
                double refractory = tensor_at(state[2], from);
                double z = tensor_at(state[3], from);
                s->v[at] = (real)tensor_at(state[0], from);
                s->b[at] = (real)tensor_at(state[1], from);
                s->p[at] = (real)tensor_at(state[4], from);
                s->cooldown[at] = z != 0 ? sim->net->constants.top : (uint16_t)(refractory > 0 ? refractory + 1 : 0);
            }
        }
        set_history(sim, k, &k->sent, sent);
        set_history(sim, k, &k->input, input);
    }
    sim->clock = *(const uint64_t *)clock->data;
out:
    return status;
}

/* ---- from one simulation to another ---- */

/* The history of one lane becomes that of all samples of a block. `from`: the step there that comes n_delay before now. */
static void take_history(const lsnn_sim *sim, const block *k, signal *s, const lsnn_sim *other, const signal *source, int lane,
                         size_t from) {
    lane_mask all = (lane_mask)((1u << k->n) - 1);
    size_t n = (size_t)s->n;
    uint32_t n_spikes = 0;
    for (size_t h = 0; h < (size_t)sim->net->spec.n_delay; h++) {
        for (size_t i = 0; s->values != NULL && i < n; i++) {
            real x = source->values[((from + h) * n + i) * (size_t)other->lanes + (size_t)lane];
            for (size_t l = 0; l < (size_t)k->n; l++) {
                s->values[(h * n + i) * (size_t)sim->lanes + l] = x;
            }
        }
        for (uint32_t e = s->spikes != NULL ? source->start[from + h] : 0; s->spikes != NULL && e < source->start[from + h + 1]; e++) {
            if ((source->spikes[e].lanes >> lane & 1) != 0) {
                s->spikes[n_spikes++] = (spike){.i = source->spikes[e].i, .lanes = all};
            }
        }
        if (s->spikes != NULL) {
            s->start[h + 1] = n_spikes;
        }
    }
}

void sim_take_state(lsnn_sim *sim, const lsnn_sim *other, int b) {
    int lane;
    const block *source = sim_block_of(other, b, &lane);
    size_t from = other->has_run ? (size_t)other->n_steps : 0;
    lsnn_sim_reset(sim);
    for (int piece = 0; piece < sim->n_blocks; piece++) {
        block *k = &sim->blocks[piece];
        for (size_t j = 0; j < (size_t)sim->net->n_rec; j++) {
            size_t there = j * (size_t)other->lanes + (size_t)lane;
            for (size_t at = j * (size_t)sim->lanes; at < j * (size_t)sim->lanes + (size_t)k->n; at++) {
                k->state.v[at] = source->state.v[there];
                k->state.b[at] = source->state.b[there];
                k->state.p[at] = source->state.p[there];
                k->state.cooldown[at] = source->state.cooldown[there];
            }
        }
        take_history(sim, k, &k->sent, other, &source->sent, lane, from);
        take_history(sim, k, &k->input, other, &source->input, lane, from);
    }
    sim->clock = other->clock + from;
    sim->noise_key = other->noise_key;
}
