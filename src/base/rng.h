/* Random numbers as a function of (seed, stream, index), never of call order: Philox4x32-10 of Random123
 * (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Any thread may draw any number. */
#ifndef LSNN_BASE_RNG_H
#define LSNN_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* One stream a purpose, so that no two purposes ever see the same numbers. Only added to at the end: results depend on the order. */
typedef enum rng_stream {
    RNG_DELAY_IN,
    RNG_DELAY_REC,
    RNG_WEIGHT_IN,
    RNG_WEIGHT_REC,
    RNG_WEIGHT_OUT,
    RNG_MASK_IN,
    RNG_MASK_REC,
    RNG_MASK_OUT,
    RNG_SIGN_IN,
    RNG_SIGN_REC,
    RNG_TAU_M,
    RNG_TAU_A,
    RNG_BETA,
    RNG_NOISE,
    RNG_SHUFFLE,
    RNG_SPLIT,
    RNG_PERMUTE,
    RNG_TASK,
    RNG_BENCH,
    RNG_AUGMENT,
    RNG_REWIRE_SIGN,
    RNG_REWIRE_DELAY,
    RNG_REWIRE_THETA,
    RNG_REWIRE_NOISE,
    RNG_REWIRE_WAKE,
    RNG_FUNCTION,
    RNG_EXAMPLE,
    RNG_POPULATION,
    RNG_UNPAIRED,
    RNG_LEARNER,
    RNG_EPISODE,
    RNG_ACTION,
    RNG_AGENT,
    RNG_BATCHES,
    RNG_REVERSED
} rng_stream;

/* Number `index` of a stream: 64 random bits; uniform in [0, 1); uniform in 0..n-1; standard normal. */
uint64_t rng_bits(uint64_t seed, rng_stream stream, uint64_t index);
double rng_uniform(uint64_t seed, rng_stream stream, uint64_t index);
uint64_t rng_below(uint64_t seed, rng_stream stream, uint64_t index, uint64_t n);
double rng_normal(uint64_t seed, rng_stream stream, uint64_t index);

/* A stream read in order, for one sample of a task: `sub` tells samples apart. Starts at its first number; no state but the position. */
typedef struct rng_sequence {
    uint64_t seed, sub, position;
    rng_stream stream;
} rng_sequence;
rng_sequence rng_sequence_start(uint64_t seed, rng_stream stream, uint64_t sub);
double rng_next(rng_sequence *sequence); /* uniform in [0, 1) */

/* A random order of 0..n-1 to `order`. */
void rng_permutation(uint64_t seed, rng_stream stream, uint64_t sub, uint32_t *order, size_t n);

#endif
