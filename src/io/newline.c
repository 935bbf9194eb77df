#include "io/newline.h"

#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* No ifunc and no target_clones: their resolvers run before the thread sanitizer is set up and
 * crash it. There is no AVX-512 kernel: one thread reads text at 10 to 15 GB/s and AVX2 finds line
 * ends in it at several times that. */

/* The loop ends where the data says, which processors guess wrongly about once a line. */
static inline uint16_t *put_positions(uint64_t mask, unsigned base, uint16_t *out)
{
    for (; mask != 0; mask &= mask - 1)
        *out++ = (uint16_t)(base + (unsigned)__builtin_ctzll(mask)); /* base < 1024 */
    return out;
}

/* Eight bytes at a time: a byte of difference is zero exactly where the newline is. The carry-free
 * form of the zero test (Hacker's Delight, 6-1) marks zero bytes alone; the usual one also marks a
 * 0x01 above a zero byte. */
static size_t find_plain(const uint8_t *bytes, size_t word_count, uint16_t *out_positions)
{
    const uint64_t low7 = 0x7f7f7f7f7f7f7f7fu;
    uint16_t *out = out_positions;
    for (unsigned at = 0; at < NEWLINE_WORD_BYTES * word_count; at += 8) {
        uint64_t eight = 0;
        memcpy(&eight, bytes + at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        eight = __builtin_bswap64(eight);
#endif
        uint64_t difference = eight ^ 0x0a0a0a0a0a0a0a0au;
        uint64_t zero =
            ~(((difference & low7) + low7) | difference | low7); /* bit 8j + 7: byte j is one */
        for (; zero != 0; zero &= zero - 1)
            *out++ = (uint16_t)(at + (unsigned)__builtin_ctzll(zero) / 8); /* at < 1024 */
    }
    return (size_t)(out - out_positions);
}

#if defined(__x86_64__)
static size_t find_sse2(const uint8_t *bytes, size_t word_count, uint16_t *out_positions)
{
    const __m128i newline = _mm_set1_epi8('\n');
    uint16_t *out = out_positions;
    for (unsigned w = 0; w < word_count; w++) {
        const __m128i *from =
            (const __m128i *)(const void *)(bytes + (size_t)NEWLINE_WORD_BYTES * w);
        uint64_t mask = 0;
        for (unsigned k = 0; k < 4; k++) {
            __m128i equal = _mm_cmpeq_epi8(_mm_loadu_si128(from + k), newline);
            mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(equal) << (16 * k);
        }
        out = put_positions(mask, NEWLINE_WORD_BYTES * w, out);
    }
    return (size_t)(out - out_positions);
}

/* Two positions are written whether there are so many or not, and the count says how many stay: no
 * branch depends on the text while lines are longer than 32 bytes. (Source of the idea:
 * simdjson, Langdale and Lemire, 2019.) */
__attribute__((target("avx2,bmi,popcnt"))) static size_t
find_avx2(const uint8_t *bytes, size_t word_count, uint16_t *out_positions)
{
    const __m256i newline = _mm256_set1_epi8('\n');
    uint16_t *out = out_positions;
    for (unsigned w = 0; w < word_count; w++) {
        const __m256i *from =
            (const __m256i *)(const void *)(bytes + (size_t)NEWLINE_WORD_BYTES * w);
        __m256i low = _mm256_cmpeq_epi8(_mm256_loadu_si256(from), newline);
        __m256i high = _mm256_cmpeq_epi8(_mm256_loadu_si256(from + 1), newline);
        uint64_t mask = (uint64_t)(uint32_t)_mm256_movemask_epi8(low) |
                        (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
        unsigned count = (unsigned)_mm_popcnt_u64(mask);
        unsigned base = NEWLINE_WORD_BYTES * w;
        for (unsigned i = 0; i < 2; i++, mask = _blsr_u64(mask))
            out[i] =
                (uint16_t)(base + (unsigned)_tzcnt_u64(mask)); /* 64 of an empty mask, which fits */
        if (count > 2)
            (void)put_positions(mask, base, out + 2);
        out += count;
    }
    return (size_t)(out - out_positions);
}
#elif defined(__aarch64__)
static size_t find_neon(const uint8_t *bytes, size_t word_count, uint16_t *out_positions)
{
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t weight = vld1q_u8(weights), newline = vdupq_n_u8('\n');
    uint16_t *out = out_positions;
    for (unsigned w = 0; w < word_count; w++) {
        const uint8_t *from = bytes + NEWLINE_WORD_BYTES * w;
        uint8x16_t a = vandq_u8(vceqq_u8(vld1q_u8(from), newline), weight);
        uint8x16_t b = vandq_u8(vceqq_u8(vld1q_u8(from + 16), newline), weight);
        uint8x16_t c = vandq_u8(vceqq_u8(vld1q_u8(from + 32), newline), weight);
        uint8x16_t d = vandq_u8(vceqq_u8(vld1q_u8(from + 48), newline), weight);
        uint8x16_t sum =
            vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d)); /* three pairwise sums: 8 bytes to one */
        sum = vpaddq_u8(sum, sum);
        out = put_positions(vgetq_lane_u64(vreinterpretq_u64_u8(sum), 0), NEWLINE_WORD_BYTES * w,
                            out);
    }
    return (size_t)(out - out_positions);
}
#endif

struct kernel {
    const char *name;
    newline_find_fn *find;
    bool needs_avx2;
};

static const struct kernel kernels[] = {
#if defined(__x86_64__)
    {"avx2", find_avx2, true},
    {"sse2", find_sse2, false},
#elif defined(__aarch64__)
    {"neon", find_neon, false},
#endif
    {"plain", find_plain, false},
};

static bool is_usable(const struct kernel *kernel)
{
#if defined(__x86_64__)
    return !kernel->needs_avx2 ||
           (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
            __builtin_cpu_supports("popcnt"));
#else
    return !kernel->needs_avx2;
#endif
}

newline_find_fn *newline_kernel(size_t i, const char **out_name)
{
    for (size_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++)
        if (is_usable(&kernels[k]) && i-- == 0) {
            *out_name = kernels[k].name;
            return kernels[k].find;
        }
    return NULL;
}

newline_find_fn *newline_best(void)
{
    const char *name = NULL;
    return newline_kernel(0, &name);
}
