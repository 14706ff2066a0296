#include "net/sim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- creation ---- */

enum { SHORTEST_STRETCH = 32 };

/* 16 lanes from 32 samples on, so that at least two blocks share the work; else 8. */
static void cut_batch(lsnn_sim *sim) {
    int n_batch = sim->options.n_batch;
    sim->lanes = n_batch >= 32 ? 16 : 8;
    sim->n_blocks = (n_batch - 1) / sim->lanes + 1;
}

/* Room for currents, and noise that is trained, that are kept: 136 MiB, and beyond 1,000 steps 8 KiB more a step, up to 256 MiB. So much is enough for all of an episode of 10,000 steps with ten
 * samples of 300 neurons. */
static size_t kept_bytes(int n_steps) {
    const size_t usual = (size_t)136 << 20, most = (size_t)256 << 20;
    size_t bytes = usual + (n_steps > 1000 ? (size_t)(n_steps - 1000) << 13 : 0);
    return bytes < most ? bytes : most;
}

/* Steps whose tape is kept at once. Long sequences take longer stretches: checkpoints and tape then grow alike, with the square root of the length. */
static void cut_steps(lsnn_sim *sim) {
    int stretch = (int)sqrt(sim->options.n_steps / 4.0);
    stretch = stretch < SHORTEST_STRETCH ? SHORTEST_STRETCH : stretch;
    stretch = stretch < sim->net->spec.n_delay ? sim->net->spec.n_delay : stretch;
    sim->stretch = stretch < sim->options.n_steps ? stretch : sim->options.n_steps;
    if (sim->stretch < sim->net->spec.n_delay) {
        sim->stretch = sim->net->spec.n_delay;
    }
    sim->n_stretches = (sim->options.n_steps - 1) / sim->stretch + 1;
    size_t stretch_bytes = sim_row(sim) * (size_t)sim->n_blocks * (size_t)sim->stretch * sizeof(real);
    size_t n_kept_stretches = kept_bytes(sim->options.n_steps) / (sim->net->spec.noise_trainable ? 2 * stretch_bytes : stretch_bytes);
    if (n_kept_stretches > (size_t)sim->n_stretches) {
        n_kept_stretches = (size_t)sim->n_stretches;
    }
    sim->n_kept = (int)n_kept_stretches * sim->stretch;
}

static void plan_signal(const lsnn_sim *sim, signal *s, int n, bool is_spikes, arena *a) {
    size_t steps = (size_t)(sim->net->spec.n_delay + sim->options.n_steps);
    s->n = n;
    if (is_spikes) {
        s->start = arena_take(a, steps + 1, sizeof *s->start);
        s->spikes = arena_take(a, steps * (size_t)n, sizeof *s->spikes);
    } else {
        s->values = arena_take(a, steps * (size_t)n * (size_t)sim->lanes, sizeof *s->values);
    }
}

static void plan_window(const lsnn_sim *sim, current_window *window, arena *a) {
    window->numbers = arena_take(a, (size_t)sim->lanes * sim_lane_size(sim), sizeof(real));
    window->drive = sim->net->spec.input == LSNN_CURRENTS ? arena_take(a, sim_row(sim), sizeof(real)) : NULL;
    window->drive_step = -1;
}

/* v, b and cooldown of all neurons of a block, but not p: what sim_copy_neurons copies. */
static neuron_state plan_neurons(const lsnn_sim *sim, arena *a) {
    size_t row = sim_row(sim);
    return (neuron_state){.v = arena_take(a, row, sizeof(real)),
                          .b = arena_take(a, row, sizeof(real)),
                          .cooldown = arena_take(a, row, sizeof(uint16_t)),
                          .z = sim->soft != NULL ? arena_take(a, row, sizeof(real)) : NULL};
}

static neuron_state plan_state(const lsnn_sim *sim, arena *a) {
    neuron_state s = plan_neurons(sim, a);
    s.p = arena_take(a, sim_row(sim), sizeof(real));
    return s;
}

static void plan_block(const lsnn_sim *sim, block *k, arena *a) {
    const lsnn_net *net = sim->net;
    size_t row = sim_row(sim);
    size_t n_rec = (size_t)net->n_rec;
    size_t n_windows = (size_t)sim->options.n_windows;
    bool spikes_in = net->spec.input == LSNN_SPIKES;
    if (spikes_in) {
        k->staged = arena_take(a, (size_t)sim->options.n_steps * (size_t)net->spec.n_in, sizeof *k->staged);
    }
    k->steady = spikes_in ? NULL : arena_take(a, (size_t)sim->options.n_steps, sizeof *k->steady);
    plan_signal(sim, &k->input, net->spec.n_in, spikes_in, a);
    plan_signal(sim, &k->sent, net->n_rec, sim->soft == NULL, a);
    plan_window(sim, &k->window, a);
    k->state = plan_state(sim, a);
    k->p_mean = arena_take(a, n_windows * row, sizeof(real));
    k->y = arena_take(a, n_windows * (size_t)net->spec.n_out * (size_t)sim->lanes, sizeof(real));
    k->spike_sum = arena_take(a, n_rec, sizeof *k->spike_sum);
    if (sim->options.train) {
        k->d_y = arena_take(a, n_windows * (size_t)net->spec.n_out * (size_t)sim->lanes, sizeof(real));
        k->gradient = arena_take(a, net->n_params, sizeof(real));
        neuron_state *checkpoints = arena_take(a, (size_t)sim->n_stretches, sizeof *checkpoints);
        for (int s = 0; s < sim->n_stretches; s++) {
            neuron_state c = plan_neurons(sim, a);
            if (checkpoints != NULL) {
                checkpoints[s] = c;
            }
        }
        k->checkpoints = checkpoints;
        k->p_start = arena_take(a, row, sizeof(real));
        k->currents = arena_take(a, (size_t)sim->n_kept * row, sizeof(real));
        k->noise = net->spec.noise_trainable ? arena_take(a, (size_t)sim->n_kept * row, sizeof(real)) : NULL;
    }
}

static void plan_scratch(const lsnn_sim *sim, scratch *x, arena *a) {
    size_t row = sim_row(sim);
    size_t n_rec = (size_t)sim->net->n_rec;
    size_t stretch = (size_t)sim->stretch;
    x->current = arena_take(a, row, sizeof(real));
    x->noise = sim_has_noise(sim) ? arena_take(a, row, sizeof(real)) : NULL;
    if (!sim->options.train) {
        return;
    }
    x->state = plan_state(sim, a);
    x->n_active = arena_take(a, stretch, sizeof *x->n_active);
    step_tape *tape = arena_take(a, stretch, sizeof *tape);
    for (size_t s = 0; s < stretch; s++) {
        step_tape one = {.to_v = arena_take(a, row, sizeof(real)),
                         .to_a = arena_take(a, row, sizeof(real)),
                         .threshold = arena_take(a, row, sizeof(real)),
                         .active = arena_take(a, n_rec, sizeof(uint16_t)),
                         .n_active = x->n_active == NULL ? NULL : x->n_active + s};
        if (tape != NULL) {
            tape[s] = one;
        }
    }
    x->tape = tape;
    x->threshold_end = arena_take(a, row, sizeof(real));
    if (sim->net->spec.noise_trainable) {
        x->eps = arena_take(a, stretch * row, sizeof(real));
        x->d_noise = arena_take(a, row, sizeof(real));
    }
    x->gradient = (gradient_state){
        .dv = arena_take(a, row, sizeof(real)), .db = arena_take(a, row, sizeof(real)), .dp = arena_take(a, row, sizeof(real))};
    x->gathered = arena_take(a, row, sizeof(real));
    x->readout = arena_take(a, row, sizeof(real));
    x->held = sim->net->spec.input == LSNN_CURRENTS ? arena_take(a, row, sizeof(real)) : NULL;
    x->ahead = arena_take(a, (stretch + (size_t)sim->net->spec.n_delay) * (size_t)(sim_stride(sim) * sim->lanes), sizeof(real));
    plan_window(sim, &x->window, a);
    plan_window(sim, &x->gradients, a);
}

static void plan(lsnn_sim *sim, arena *a) {
    const lsnn_net *net = sim->net;
    block *blocks = arena_take(a, (size_t)sim->n_blocks, sizeof *blocks);
    block counted = {0};
    for (int k = 0; k < sim->n_blocks; k++) {
        plan_block(sim, blocks != NULL ? &blocks[k] : &counted, a);
    }
    int n_threads = threads_count(sim->pool);
    scratch *pieces = arena_take(a, (size_t)n_threads, sizeof *pieces);
    scratch counted_scratch = {0};
    for (int k = 0; k < n_threads; k++) {
        plan_scratch(sim, pieces != NULL ? &pieces[k] : &counted_scratch, a);
    }
    sim->blocks = blocks;
    sim->scratch = pieces;
    sim->everyone = arena_take(a, (size_t)net->n_rec, sizeof *sim->everyone);
    sim->window_start = arena_take(a, (size_t)sim->options.n_windows, sizeof *sim->window_start);
    sim->window_stop = arena_take(a, (size_t)sim->options.n_windows, sizeof *sim->window_stop);
    sim->output =
        arena_take(a, (size_t)sim->options.n_windows * (size_t)sim->options.n_batch * (size_t)net->spec.n_out, sizeof *sim->output);
    sim->length = arena_take(a, (size_t)sim->options.n_batch, sizeof *sim->length);
    sim->spike_gradient = arena_take(a, (size_t)net->n_rec, sizeof *sim->spike_gradient);
    sim->rate = arena_take(a, (size_t)net->n_rec, sizeof *sim->rate);
}

static lsnn_status check_options(const lsnn_sim_options *options) {
    if (options->n_batch < 1 || options->n_steps < 1 || options->n_windows < 1) {
        return fail(LSNN_ERR_USAGE, "a simulation of %d samples, %d steps and %d windows; each must be at least 1", options->n_batch,
                    options->n_steps, options->n_windows);
    }
    if ((double)options->n_batch * options->n_steps > 1e12) { /* the plan itself would take minutes */
        return fail(LSNN_ERR_MEMORY, "a simulation of %d samples by %d steps: no machine has the memory; use fewer of either",
                    options->n_batch, options->n_steps);
    }
    return LSNN_OK;
}

/* Lists of spikes count in 32 bits. */
static lsnn_status check_signals(const lsnn_net *net, const lsnn_sim_options *options) {
    int most = net->spec.input == LSNN_SPIKES && net->spec.n_in > net->n_rec ? net->spec.n_in : net->n_rec;
    double spikes = (double)most * ((double)net->spec.n_delay + (double)options->n_steps);
    return spikes < 4294967295.0
               ? LSNN_OK
               : fail(LSNN_ERR_MEMORY, "a simulation of %d steps with %d senders: more spikes than a block can list; use fewer of either",
                      options->n_steps, most);
}

static lsnn_sim prepared(const lsnn_net *net, const lsnn_context *context, const lsnn_sim_options *options) {
    lsnn_sim sim = {.net = net, .pool = context->pool, .options = *options};
    cut_batch(&sim);
    cut_steps(&sim);
    sim.kernels = kernels_with_lanes(context->kernels, sim.lanes);
    return sim;
}

lsnn_status lsnn_sim_create(lsnn_sim **out, const lsnn_net *net, lsnn_context *context, const lsnn_sim_options *options) {
    return sim_create_soft(out, net, context, options, NULL);
}

lsnn_status sim_create_soft(lsnn_sim **out, const lsnn_net *net, lsnn_context *context, const lsnn_sim_options *options,
                            soft_spikes *soft) {
    lsnn_status status = check_options(options);
    status = status == LSNN_OK ? check_signals(net, options) : status;
    if (status != LSNN_OK) {
        return status;
    }
    lsnn_sim *sim = calloc(1, sizeof *sim);
    if (sim == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for a simulation");
    }
    *sim = prepared(net, context, options);
    sim->soft = soft;
    plan(sim, &sim->memory);
    TRY(arena_open(&sim->memory, "simulation"));
    plan(sim, &sim->memory);
    int done = 0;
    for (int k = 0; k < sim->n_blocks; k++) {
        sim->blocks[k].first = done;
        sim->blocks[k].n = options->n_batch / sim->n_blocks + (k < options->n_batch % sim->n_blocks);
        done += sim->blocks[k].n;
    }
    for (int j = 0; j < net->n_rec; j++) {
        sim->everyone[j] = (uint16_t)j;
    }
    sim->n_windows = 1;
    sim->window_stop[0] = options->n_steps;
    *out = sim;
    return LSNN_OK;
out:
    lsnn_sim_free(sim);
    return status;
}

void lsnn_sim_free(lsnn_sim *sim) {
    if (sim != NULL) {
        arena_release(&sim->memory);
        free(sim);
    }
}

double lsnn_sim_memory(const lsnn_net *net, const lsnn_context *context, const lsnn_sim_options *options) {
    if (check_options(options) != LSNN_OK) {
        return NAN;
    }
    lsnn_sim sim = prepared(net, context, options);
    plan(&sim, &sim.memory);
    return (double)sim.memory.used;
}

/* ---- state ---- */

static void clear_signal(const lsnn_sim *sim, signal *s) {
    size_t history = (size_t)sim->net->spec.n_delay;
    if (s->spikes != NULL) {
        memset(s->start, 0, (history + 1) * sizeof *s->start);
    } else {
        memset(s->values, 0, history * (size_t)s->n * (size_t)sim->lanes * sizeof *s->values);
    }
}

void sim_rest(const lsnn_sim *sim, const neuron_state *s) {
    size_t bytes = sim_row(sim) * sizeof(real);
    memset(s->v, 0, bytes);
    memset(s->b, 0, bytes);
    memset(s->p, 0, bytes);
    memset(s->cooldown, 0, sim_row(sim) * sizeof *s->cooldown);
    if (s->z != NULL) {
        memset(s->z, 0, bytes);
    }
}

void lsnn_sim_reset(lsnn_sim *sim) {
    for (int k = 0; k < sim->n_blocks; k++) {
        sim_rest(sim, &sim->blocks[k].state);
        clear_signal(sim, &sim->blocks[k].sent);
        clear_signal(sim, &sim->blocks[k].input);
    }
    sim->has_run = false;
    sim->window_is_open = false;
    sim->clock = 0;
}

void sim_set_noise_key(lsnn_sim *sim, uint64_t key) {
    sim->noise_key = key;
}

block *sim_block_of(const lsnn_sim *sim, int b, int *lane) {
    int size = sim->options.n_batch / sim->n_blocks;
    int n_larger = sim->options.n_batch % sim->n_blocks; /* the first blocks have one sample more */
    int k = b < n_larger * (size + 1) ? b / (size + 1) : n_larger + (b - n_larger * (size + 1)) / size;
    *lane = b - sim->blocks[k].first;
    return &sim->blocks[k];
}

real sim_neuron_value(const lsnn_sim *sim, const neuron_state *s, neuron_value which, size_t j, size_t at) {
    switch (which) {
        case VALUE_V: return s->v[at];
        case VALUE_B: return s->b[at];
        case VALUE_Z: return sim_last_spike(sim, s, at);
        case VALUE_REFRACTORY: return sim_refractory(s, at);
        case VALUE_P: return s->p[at];
        default: return sim->net->constants.v_th + sim->net->beta[j] * s->b[at];
    }
}

lsnn_status lsnn_sim_copy_state(const lsnn_sim *sim, const char *name, float *to) {
    static const char *const names[NEURON_VALUES] = {"v", "b", "z", "refractory", "p", "threshold"};
    size_t n_rec = (size_t)sim->net->n_rec;
    int which = 0;
    while (which < NEURON_VALUES && strcmp(name, names[which]) != 0) {
        which++;
    }
    if (which == NEURON_VALUES) {
        return fail(LSNN_ERR_USAGE, "%s is not a state; there are v, b, z, refractory, p and threshold", name);
    }
    for (int b = 0; b < sim->options.n_batch; b++) {
        int lane;
        const neuron_state *s = &sim_block_of(sim, b, &lane)->state;
        for (size_t j = 0; j < n_rec; j++) {
            to[(size_t)b * n_rec + j] = (float)sim_neuron_value(sim, s, (neuron_value)which, j, j * (size_t)sim->lanes + (size_t)lane);
        }
    }
    return LSNN_OK;
}

/* ---- input ---- */

/* The last n_delay steps of the sequence before become the history of the next. */
static void carry_signal(const lsnn_sim *sim, signal *s, int n_steps) {
    size_t history = (size_t)sim->net->spec.n_delay;
    size_t from = (size_t)n_steps; /* number of the step n_delay before the end */
    if (s->spikes != NULL) {
        uint32_t first = s->start[from];
        memmove(s->spikes, s->spikes + first, (s->start[from + history] - first) * sizeof *s->spikes);
        for (size_t h = 0; h <= history; h++) {
            s->start[h] = s->start[from + h] - first;
        }
    } else {
        size_t row = (size_t)s->n * (size_t)sim->lanes;
        memmove(s->values, s->values + from * row, history * row * sizeof *s->values);
    }
}

input_lane sim_input_lane(const lsnn_sim *sim, int b) {
    input_lane to = {0};
    const block *k = sim_block_of(sim, b, &to.lane);
    size_t n_in = (size_t)sim->net->spec.n_in;
    size_t lanes = (size_t)sim->lanes;
    if (k->staged != NULL) {
        to.masks = k->staged;
        to.step = n_in;
        to.input = 1;
    } else {
        to.numbers = k->input.values + (size_t)sim->net->spec.n_delay * n_in * lanes + (size_t)to.lane;
        to.step = n_in * lanes;
        to.input = lanes;
    }
    return to;
}

static void clear_input(const lsnn_sim *sim, const block *k) {
    size_t n_in = (size_t)sim->net->spec.n_in;
    size_t n_steps = (size_t)k->n_steps;
    if (k->staged != NULL) {
        memset(k->staged, 0, n_steps * n_in * sizeof *k->staged);
    } else {
        size_t row = n_in * (size_t)sim->lanes;
        memset(k->input.values + (size_t)sim->net->spec.n_delay * row, 0, n_steps * row * sizeof(real));
    }
}

lsnn_status sim_begin_lengths(lsnn_sim *sim, int n_steps, const int *length) {
    if (n_steps < 1 || n_steps > sim->options.n_steps) {
        return fail(LSNN_ERR_USAGE, "an input of %d steps; this simulation was created for 1..%d", n_steps, sim->options.n_steps);
    }
    if (sim->has_run && sim->has_lengths) { /* they left nothing to go on from */
        lsnn_sim_reset(sim);
    }
    for (int k = 0; k < sim->n_blocks && sim->has_run; k++) {
        carry_signal(sim, &sim->blocks[k].input, sim->n_steps);
        carry_signal(sim, &sim->blocks[k].sent, sim->n_steps);
    }
    sim->clock += sim->has_run ? (uint64_t)sim->n_steps : 0;
    sim->n_steps = n_steps;
    sim_set_lengths(sim, length);
    for (int k = 0; k < sim->n_blocks; k++) {
        clear_input(sim, &sim->blocks[k]);
    }
    sim->input_is_new = true;
    sim->has_run = false;
    return LSNN_OK;
}

lsnn_status sim_begin_input(lsnn_sim *sim, int n_steps) {
    return sim_begin_lengths(sim, n_steps, NULL);
}

lsnn_status sim_repeat_input(lsnn_sim *sim) {
    if (!sim->has_run) {
        return fail(LSNN_ERR_USAGE, "there is no input to repeat; call lsnn_forward before");
    }
    lsnn_sim_reset(sim);
    sim->input_is_new = true;
    return LSNN_OK;
}

static lsnn_status check_kind(const lsnn_sim *sim, lsnn_input_kind kind) {
    if (sim->net->spec.input != kind) {
        return fail(LSNN_ERR_USAGE, "the input is %s, but this network takes %s (see spec.input)",
                    kind == LSNN_SPIKES ? "spikes" : "currents", kind == LSNN_SPIKES ? "currents" : "spikes");
    }
    return LSNN_OK;
}

/* Place of number `at` in an array [n_steps][n_batch][n_in]. */
static lsnn_status bad_input(const lsnn_sim *sim, size_t at, double x, const char *must_be) {
    size_t n_in = (size_t)sim->net->spec.n_in;
    size_t n_batch = (size_t)sim->options.n_batch;
    return fail(LSNN_ERR_DATA, "input at step %zu, sample %zu, neuron %zu is %g; it must be %s", at / n_in / n_batch, at / n_in % n_batch,
                at % n_in, x, must_be);
}

lsnn_status lsnn_sim_set_spikes(lsnn_sim *sim, const uint8_t *spikes, int n_steps) {
    lsnn_status status = LSNN_OK;
    TRY(check_kind(sim, LSNN_SPIKES));
    size_t n_in = (size_t)sim->net->spec.n_in;
    size_t step = (size_t)sim->options.n_batch * n_in;
    for (size_t at = 0; n_steps > 0 && n_steps <= sim->options.n_steps && at < (size_t)n_steps * step; at++) {
        if (spikes[at] > 1) {
            return bad_input(sim, at, spikes[at], "0 or 1");
        }
    }
    TRY(sim_begin_input(sim, n_steps));
    for (int b = 0; b < sim->options.n_batch; b++) {
        input_lane to = sim_input_lane(sim, b);
        for (int t = 0; t < n_steps; t++) {
            const uint8_t *x = spikes + (size_t)t * step + (size_t)b * n_in;
            for (size_t i = 0; i < n_in; i++) {
                if (x[i] != 0) {
                    lane_add_spike(&to, t, (int)i);
                }
            }
        }
    }
out:
    return status;
}

lsnn_status lsnn_sim_set_currents(lsnn_sim *sim, const float *currents, int n_steps) {
    lsnn_status status = LSNN_OK;
    TRY(check_kind(sim, LSNN_CURRENTS));
    size_t n_in = (size_t)sim->net->spec.n_in;
    size_t step = (size_t)sim->options.n_batch * n_in;
    for (size_t at = 0; n_steps > 0 && n_steps <= sim->options.n_steps && at < (size_t)n_steps * step; at++) {
        if (!isfinite(currents[at])) {
            return bad_input(sim, at, (double)currents[at], "finite");
        }
    }
    TRY(sim_begin_input(sim, n_steps));
    for (int b = 0; b < sim->options.n_batch; b++) {
        input_lane to = sim_input_lane(sim, b);
        for (int t = 0; t < n_steps; t++) {
            for (size_t i = 0; i < n_in; i++) {
                lane_set_number(&to, t, (int)i, (real)currents[(size_t)t * step + (size_t)b * n_in + i]);
            }
        }
    }
out:
    return status;
}

lsnn_status lsnn_sim_set_windows(lsnn_sim *sim, const int *start, const int *stop, int n_windows) {
    if (n_windows < 1 || n_windows > sim->options.n_windows) {
        return fail(LSNN_ERR_USAGE, "%d windows; this simulation was created for 1..%d", n_windows, sim->options.n_windows);
    }
    for (int w = 0; w < n_windows; w++) {
        if (start[w] < (w > 0 ? stop[w - 1] : 0) || stop[w] <= start[w] || stop[w] > sim->options.n_steps) {
            return fail(LSNN_ERR_USAGE, "window %d is %d..%d; windows must be in order, not empty, without overlap, and end by step %d", w,
                        start[w], stop[w], sim->options.n_steps);
        }
    }
    memcpy(sim->window_start, start, (size_t)n_windows * sizeof *start);
    memcpy(sim->window_stop, stop, (size_t)n_windows * sizeof *stop);
    sim->n_windows = n_windows;
    sim->has_output = false;
    return LSNN_OK;
}
