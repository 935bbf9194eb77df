/* Hashing: XXH3, 64 bits, the same on every rank; and a mixer for numbers. */
#pragma once

#define XXH_INLINE_ALL /* short keys: a call would cost as much as the hash */
#include <xxhash.h>

#include <stddef.h>
#include <stdint.h>

static inline uint64_t hash_bytes(const void *bytes, size_t n) { return XXH3_64bits(bytes, n); }

static inline uint64_t hash_bytes_seeded(const void *bytes, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, n, seed);
}

/* A permutation of the 64-bit numbers in which every input bit moves every output bit.
 * Source: the finalizer of MurmurHash3 with the constants of Stafford's "Mix13". */
static inline uint64_t hash_u64(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/* The hash of a tuple: folds the hash of its next value into that of those before it. The product
 * tells (a, b) from (b, a); it and the sum are fixed, since they decide partitions. */
static inline uint64_t hash_combine(uint64_t hash, uint64_t next)
{
    return hash_u64(hash * UINT64_C(0x9e3779b97f4a7c15) + next);
}
