#include "base/rng.h"

#include <Random123/philox.h>
#include <math.h>

static philox4x32_ctr_t draw(uint64_t seed, rng_stream stream, uint64_t index, uint64_t sub) {
    philox4x32_ctr_t counter = {
        {(uint32_t)index, (uint32_t)(index >> 32) ^ ((uint32_t)stream << 24), (uint32_t)sub, (uint32_t)(sub >> 32)}};
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    return philox4x32(counter, key);
}

__extension__ typedef unsigned __int128 wide;

static uint64_t join(uint32_t low, uint32_t high) {
    return (uint64_t)high << 32 | low;
}

static double to_unit(uint64_t bits) {
    return (double)(bits >> 11) * 0x1p-53;
}

uint64_t rng_bits(uint64_t seed, rng_stream stream, uint64_t index) {
    philox4x32_ctr_t x = draw(seed, stream, index, 0);
    return join(x.v[0], x.v[1]);
}

double rng_uniform(uint64_t seed, rng_stream stream, uint64_t index) {
    return to_unit(rng_bits(seed, stream, index));
}

uint64_t rng_below(uint64_t seed, rng_stream stream, uint64_t index, uint64_t n) {
    return (uint64_t)(((wide)rng_bits(seed, stream, index) * n) >> 64);
}

double rng_normal(uint64_t seed, rng_stream stream, uint64_t index) {
    philox4x32_ctr_t x = draw(seed, stream, index, 0);
    double radius = sqrt(-2 * log(1 - to_unit(join(x.v[0], x.v[1])))); /* Box and Muller */
    return radius * cos(2 * 3.14159265358979323846 * to_unit(join(x.v[2], x.v[3])));
}

rng_sequence rng_sequence_start(uint64_t seed, rng_stream stream, uint64_t sub) {
    return (rng_sequence){.seed = seed, .sub = sub, .position = 0, .stream = stream};
}

double rng_next(rng_sequence *sequence) {
    /* One Philox block holds two numbers: the second is drawn again rather than kept, so that the position is all there is to know. */
    uint64_t position = sequence->position++;
    philox4x32_ctr_t x = draw(sequence->seed, sequence->stream, position >> 1, sequence->sub);
    return to_unit((position & 1) != 0 ? join(x.v[2], x.v[3]) : join(x.v[0], x.v[1]));
}

void rng_permutation(uint64_t seed, rng_stream stream, uint64_t sub, uint32_t *order, size_t n) {
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
    }
    rng_sequence sequence = rng_sequence_start(seed, stream, sub);
    for (size_t i = n; i > 1; i--) { /* Fisher and Yates */
        size_t other = (size_t)(rng_next(&sequence) * (double)i);
        uint32_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}
