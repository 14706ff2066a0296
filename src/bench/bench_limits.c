/* How fast the machine could be, and what a work takes at least. */
#include "bench/bench.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- arithmetic ---- */

/* As many chains of each as hide the latency (4 cycles, 2 operations a cycle), in not more registers than every vector unit has. */
enum { CHAINS = 6, TURNS = 20000 };

typedef struct peak_room {
    float one, zero; /* so that the numbers stay what they are; the compiler must not know */
    float end;       /* so that it has to compute them */
} peak_room;

/* Multiplications and additions of whole vectors, none fused: fast kernels do as much at most. */
#define PEAK_LOOP(name, width)                                         \
    static void name(peak_room *room) {                                \
        typedef float numbers __attribute__((vector_size(4 * width))); \
        const numbers one = room->one - (numbers){0};                  \
        const numbers zero = room->zero - (numbers){0};                \
        numbers product[CHAINS], sum[CHAINS];                          \
        for (int k = 0; k < CHAINS; k++) {                             \
            product[k] = sum[k] = one;                                 \
        }                                                              \
        for (int turn = 0; turn < TURNS; turn++) {                     \
            for (int k = 0; k < CHAINS; k++) {                         \
                product[k] *= one;                                     \
                sum[k] += zero;                                        \
            }                                                          \
        }                                                              \
        for (int k = 1; k < CHAINS; k++) {                             \
            product[0] += product[k];                                  \
            sum[0] += sum[k];                                          \
        }                                                              \
        product[0] += sum[0];                                          \
        room->end = product[0][0];                                     \
    }

typedef struct peak {
    const char *unit; /* of the kernels */
    int width;
    void (*loop)(peak_room *room);
} peak;

PEAK_LOOP(peak_plain, 4)
#if defined(__x86_64__)
__attribute__((target("avx2"))) PEAK_LOOP(peak_avx2, 8) __attribute__((target("avx512f"))) PEAK_LOOP(peak_avx512, 16)
#endif

    static const peak peaks[] = {
#if defined(__x86_64__)
        {"avx512", 16, peak_avx512},
        {"avx2", 8, peak_avx2},
#endif
        {"", 4, peak_plain}, /* all others have vectors of four */
};

static const peak *peak_of(const char *unit) {
    const peak *p = peaks;
    while (*p->unit != '\0' && strcmp(p->unit, unit) != 0) {
        p++;
    }
    return p;
}

static void run_peak(void *user, int piece, int worker) {
    (void)piece;
    (void)worker;
    peak_room room = {.one = 1};
    ((const peak *)user)->loop(&room);
}

/* The best of many rounds, within a fifth of a second or so: others may be using the machine. */
static double best_seconds(threads *pool, int n_pieces, void (*work)(void *user, int piece, int worker), void *user) {
    enum { FEWEST_ROUNDS = 3 };
    double best = INFINITY, start = clock_seconds(), now = start;
    for (int round = 0; round < FEWEST_ROUNDS || now - start < 0.2; round++) {
        double begun = now;
        threads_run(pool, n_pieces, work, user);
        now = clock_seconds();
        best = fmin(best, now - begun);
    }
    return best;
}

static double measure_arithmetic(const lsnn_context *context) {
    peak p = *peak_of(context->kernels->name);
    int n_pieces = 16 * threads_count(context->pool); /* within a millisecond: some round is left in peace */
    return (double)n_pieces * TURNS * 2 * CHAINS * p.width / best_seconds(context->pool, n_pieces, run_peak, &p);
}

/* ---- memory ---- */

enum { TRIAD = 16 << 20, TRIAD_PIECE = 1 << 18 }; /* numbers: 64 MB an array */

static void run_triad(void *user, int piece, int worker) {
    (void)worker;
    float *a = (float *)user + (size_t)piece * TRIAD_PIECE;
    const float *b = a + TRIAD, *c = b + TRIAD;
    for (size_t k = 0; k < TRIAD_PIECE; k++) {
        a[k] = b[k] + 3 * c[k];
    }
}

lsnn_status bench_measure_machine(bench_machine *out, lsnn_context *context) {
    float *arrays = malloc((size_t)3 * TRIAD * sizeof *arrays);
    if (arrays == NULL) {
        return fail(LSNN_ERR_MEMORY, "no memory for three arrays of %d numbers, which measure how fast the memory is", TRIAD);
    }
    for (size_t k = 0; k < (size_t)3 * TRIAD; k++) { /* zeros that were never written might not be in memory */
        arrays[k] = 1;
    }
    double seconds = best_seconds(context->pool, TRIAD / TRIAD_PIECE, run_triad, arrays);
    free(arrays);
    *out = (bench_machine){.flops = measure_arithmetic(context), .bytes = 3.0 * TRIAD * sizeof(float) / seconds};
    return LSNN_OK;
}

/* ---- the work ---- */

void bench_clear_count(bench *b) {
    for (int k = 0; k < threads_count(b->sim->pool); k++) {
        b->sim->scratch[k].n_gathered = 0;
    }
}

/* Synapses that the signal's spikes of the last sequence reach, sample by sample; and the entries of its list, to *n_entries. */
static double reached(const lsnn_sim *sim, const signal *s, const synapses *to, double *n_entries) {
    double sum = 0;
    int history = sim->net->spec.n_delay;
    for (uint32_t k = s->start[history]; k < s->start[history + sim->n_steps]; k++) {
        size_t i = s->spikes[k].i;
        size_t n_delays = (size_t)to->n_delays;
        sum += (double)__builtin_popcount(s->spikes[k].lanes) * (double)(to->row[(i + 1) * n_delays] - to->row[i * n_delays]);
    }
    *n_entries += (double)(s->start[history + sim->n_steps] - s->start[history]);
    return sum;
}

/* Multiplications and additions of a neuron and step: forward, forward once more for going back, and back. */
enum { FORWARD_FLOPS = 20, BACKWARD_FLOPS = 25 };

/* Arithmetic: the neurons of real samples; one addition for each synapse that a spike reaches, and one for its gradient; a multiplication and an addition
 * for each synapse of a neuron whose gradient is gathered, in all lanes of its block. Left out, for it is little: readout, loss, optimiser.
 * Memory: what a pass leaves for the next one, written once and read once; the weights and what a step needs stay in caches. */
bench_count bench_count_work(const bench *b) {
    const lsnn_sim *sim = b->sim;
    const lsnn_net *net = b->net;
    bool training = b->work.training;
    double neuron_steps = (double)b->work.n_batch * b->work.n_steps * b->work.n_rec;
    double n_reached = 0, n_entries = 0, n_gathered = 0;
    for (int k = 0; k < sim->n_blocks; k++) {
        n_reached += reached(sim, &sim->blocks[k].input, &net->in.s, &n_entries);
        n_reached += reached(sim, &sim->blocks[k].sent, &net->rec.s, &n_entries);
    }
    for (int k = 0; k < threads_count(sim->pool); k++) {
        n_gathered += (double)sim->scratch[k].n_gathered;
    }
    double gathered_synapses = n_gathered * (double)net->rec.n / net->n_rec;
    double staged = (double)sim->n_blocks * b->work.n_steps * b->work.n_in * sizeof(lane_mask);
    double rows = (double)sim->n_blocks * (double)sim_row(sim) * sizeof(real);
    double n_kept = sim->n_kept < sim->n_steps ? sim->n_kept : sim->n_steps;
    bench_count count = {.flops = neuron_steps * FORWARD_FLOPS + n_reached, .bytes = 2 * (staged + n_entries * sizeof(spike))};
    if (training) {
        count.flops += neuron_steps * (FORWARD_FLOPS + BACKWARD_FLOPS) + n_reached + 2 * gathered_synapses * sim->lanes;
        count.bytes += 2 * (rows * (n_kept + 4 * sim->n_stretches) + (double)sim->n_blocks * (double)net->n_params * sizeof(real));
    }
    return count;
}
