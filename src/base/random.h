/* Random numbers from a seed, the same on every machine. Not for secrets. */
#pragma once

#include <stdint.h>

/* Source: xoshiro256** of Blackman and Vigna, ACM TOMS 2021, seeded by splitmix64 as they advise.
 */
struct random {
    uint64_t state[4]; /* never all zero */
};

static inline uint64_t splitmix64(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

static inline struct random random_of(uint64_t seed)
{
    struct random random;
    for (int word = 0; word < 4; word++)
        random.state[word] = splitmix64(&seed);
    return random;
}

static inline uint64_t random_rotate(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

static inline uint64_t random_next(struct random *random)
{
    uint64_t *state = random->state;
    uint64_t result = random_rotate(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = random_rotate(state[3], 45);
    return result;
}

/* Uniform in [0, limit); limit is not 0. The bias is below limit / 2^64. */
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
    __extension__ typedef unsigned __int128 product;
    return (uint64_t)(((product)random_next(random) * limit) >> 64);
}

/* Uniform in [0, 1), all 53 bits. */
static inline double random_unit(struct random *random)
{
    return (double)(random_next(random) >> 11) * 0x1p-53;
}
