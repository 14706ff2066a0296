/* Standard normal numbers for the noise: Threefry4x32-12 of Random123 (Salmon, Moraes, Dror, Shaw, SC 2011; 12 rounds pass BigCrush) makes random bits of a
 * counter, and Box and Muller make normal numbers of these. Additions, multiplications, one division and one square root, all in single precision and the
 * same in each lane: every unit gives the same bits, also where the engine computes in double precision. Included once by ref.c and by each vector unit. */
#include <math.h>
#include <string.h>

static inline float noise_from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t noise_to_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* sqrt(-2 log u), u in (0, 1] from 31 bits, and so at most 6.7. u = 2^e m with m from sqrt(1/2) to sqrt(2), and log m = 2 atanh((m - 1) / (m + 1)). */
static inline float noise_radius(uint32_t random) {
    float u = (float)(int32_t)(random >> 1) * 0x1p-31f + 0x1p-32f;
    uint32_t bits = noise_to_bits(u);
    int32_t e = (int32_t)(bits - 0x3f3504f3u) >> 23;
    float f = noise_from_bits(bits - ((uint32_t)e << 23)) - 1;
    float s = f / (f + 2);
    float s2 = s * s;
    float series = ((s2 * (1 / 9.0f) + 1 / 7.0f) * s2 + 1 / 5.0f) * s2 + 1 / 3.0f;
    float log_m = 2 * s + 2 * s * (s2 * series);
    return sqrtf(-2 * ((float)e * 0.693147180559945f + log_m));
}

/* radius times cosine and sine of a random angle: 29 bits say where in an octant, three which one. */
static inline void noise_pair(float radius, uint32_t random, float *one, float *other) {
    float a = (float)(int32_t)(random & 0x1fffffffu) * (0.785398163397448f * 0x1p-29f);
    float a2 = a * a;
    float sine = a * ((((a2 * (1 / 362880.0f) - 1 / 5040.0f) * a2 + 1 / 120.0f) * a2 - 1 / 6.0f) * a2 + 1);
    float cosine = ((((a2 * (-1 / 3628800.0f) + 1 / 40320.0f) * a2 - 1 / 720.0f) * a2 + 1 / 24.0f) * a2 - 0.5f) * a2 + 1;
    uint32_t swap = 0u - (random >> 29 & 1);
    uint32_t change = (noise_to_bits(sine) ^ noise_to_bits(cosine)) & swap;
    uint32_t x = noise_to_bits(radius * noise_from_bits(noise_to_bits(cosine) ^ change));
    uint32_t y = noise_to_bits(radius * noise_from_bits(noise_to_bits(sine) ^ change));
    *one = noise_from_bits(x ^ (random & 0x80000000u));
    *other = noise_from_bits(y ^ (random << 1 & 0x80000000u));
}

static inline uint32_t noise_rotate(uint32_t x, int by) {
    return x << by | x >> (32 - by);
}

#define NOISE_MIX(a, b, by)      \
    {                            \
        a += b;                  \
        b = noise_rotate(b, by); \
        b ^= a;                  \
    }
#define NOISE_ROUNDS(r0, r1, r2, r3, r4, r5, r6, r7) \
    {                                                \
        NOISE_MIX(x0, x1, r0)                        \
        NOISE_MIX(x2, x3, r1)                        \
        NOISE_MIX(x0, x3, r2)                        \
        NOISE_MIX(x2, x1, r3)                        \
        NOISE_MIX(x0, x1, r4)                        \
        NOISE_MIX(x2, x3, r5)                        \
        NOISE_MIX(x0, x3, r6)                        \
        NOISE_MIX(x2, x1, r7)                        \
    }
#define NOISE_KEYS(a, b, c, d, n) \
    {                             \
        x0 += a;                  \
        x1 += b;                  \
        x2 += c;                  \
        x3 += d + n;              \
    }

/* kernels.h, `normals`. One block of 128 bits serves four neurons of one sample. */
static inline __attribute__((always_inline)) void noise_draw(int lanes, const uint32_t key[4], uint64_t step, uint32_t first_sample,
                                                             int n_lanes, int n, real *rows) {
    const uint32_t k0 = key[0], k1 = key[1], k2 = key[2], k3 = key[3];
    const uint32_t k4 = 0x1BD11BDAu ^ k0 ^ k1 ^ k2 ^ k3;
    const uint32_t low = (uint32_t)step, high = (uint32_t)(step >> 32);
    for (int j = 0; j < n; j += 4) {
        float z[4][MAX_LANES];
        for (int l = 0; l < lanes; l++) {
            uint32_t x0 = low;
            uint32_t x1 = high;
            uint32_t x2 = first_sample + (uint32_t)l;
            uint32_t x3 = (uint32_t)j >> 2;
            NOISE_KEYS(k0, k1, k2, k3, 0u)
            NOISE_ROUNDS(10, 26, 11, 21, 13, 27, 23, 5)
            NOISE_KEYS(k1, k2, k3, k4, 1u)
            NOISE_ROUNDS(6, 20, 17, 11, 25, 10, 18, 20)
            NOISE_KEYS(k2, k3, k4, k0, 2u)
            NOISE_ROUNDS(10, 26, 11, 21, 13, 27, 23, 5)
            NOISE_KEYS(k3, k4, k0, k1, 3u)
            float live = l < n_lanes ? 1.0f : 0.0f;
            noise_pair(noise_radius(x0) * live, x1, &z[0][l], &z[1][l]);
            noise_pair(noise_radius(x2) * live, x3, &z[2][l], &z[3][l]);
        }
        for (int q = 0; q < 4 && j + q < n; q++) {
            for (int l = 0; l < lanes; l++) {
                rows[(size_t)(j + q) * (size_t)lanes + (size_t)l] = (real)z[q][l];
            }
        }
    }
}

#undef NOISE_MIX
#undef NOISE_ROUNDS
#undef NOISE_KEYS
