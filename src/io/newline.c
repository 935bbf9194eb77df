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

/* Eight bytes at a time: a byte of difference is zero exactly where the newline is. The carry-free
 * form of the zero test (Hacker's Delight, 6-1) marks zero bytes alone; the usual one also marks a
 * 0x01 above a zero byte. */
static void masks_plain(const uint8_t *bytes, size_t word_count, uint64_t *out_masks)
{
    const uint64_t low7 = 0x7f7f7f7f7f7f7f7fu;
    for (size_t i = 0; i < word_count; i++) {
        uint64_t mask = 0;
        for (unsigned k = 0; k < 8; k++) {
            uint64_t eight = 0;
            memcpy(&eight, bytes + 64 * i + 8 * k, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
            eight = __builtin_bswap64(eight);
#endif
            uint64_t difference = eight ^ 0x0a0a0a0a0a0a0a0au;
            uint64_t zero = ~(((difference & low7) + low7) | difference | low7) >>
                            7;                                     /* bit 8j: byte j is one */
            mask |= (zero * 0x0102040810204080u) >> 56 << (8 * k); /* gathers bits 8j into 8 */
        }
        out_masks[i] = mask;
    }
}

#if defined(__x86_64__)
static void masks_sse2(const uint8_t *bytes, size_t word_count, uint64_t *out_masks)
{
    const __m128i newline = _mm_set1_epi8('\n');
    for (size_t i = 0; i < word_count; i++) {
        const __m128i *from = (const __m128i *)(const void *)(bytes + 64 * i);
        uint64_t mask = 0;
        for (unsigned k = 0; k < 4; k++) {
            __m128i equal = _mm_cmpeq_epi8(_mm_loadu_si128(from + k), newline);
            mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(equal) << (16 * k);
        }
        out_masks[i] = mask;
    }
}

__attribute__((target("avx2"))) static void masks_avx2(const uint8_t *bytes, size_t word_count,
                                                       uint64_t *out_masks)
{
    const __m256i newline = _mm256_set1_epi8('\n');
    for (size_t i = 0; i < word_count; i++) {
        const __m256i *from = (const __m256i *)(const void *)(bytes + 64 * i);
        __m256i low = _mm256_cmpeq_epi8(_mm256_loadu_si256(from), newline);
        __m256i high = _mm256_cmpeq_epi8(_mm256_loadu_si256(from + 1), newline);
        out_masks[i] = (uint64_t)(uint32_t)_mm256_movemask_epi8(low) |
                       (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
    }
}
#elif defined(__aarch64__)
static void masks_neon(const uint8_t *bytes, size_t word_count, uint64_t *out_masks)
{
    static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t weight = vld1q_u8(weights), newline = vdupq_n_u8('\n');
    for (size_t i = 0; i < word_count; i++) {
        const uint8_t *from = bytes + 64 * i;
        uint8x16_t a = vandq_u8(vceqq_u8(vld1q_u8(from), newline), weight);
        uint8x16_t b = vandq_u8(vceqq_u8(vld1q_u8(from + 16), newline), weight);
        uint8x16_t c = vandq_u8(vceqq_u8(vld1q_u8(from + 32), newline), weight);
        uint8x16_t d = vandq_u8(vceqq_u8(vld1q_u8(from + 48), newline), weight);
        uint8x16_t sum =
            vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d)); /* three pairwise sums: 8 bytes to one */
        sum = vpaddq_u8(sum, sum);
        out_masks[i] = vgetq_lane_u64(vreinterpretq_u64_u8(sum), 0);
    }
}
#endif

struct kernel {
    const char *name;
    newline_masks_fn *masks;
    bool needs_avx2;
};

static const struct kernel kernels[] = {
#if defined(__x86_64__)
    {"avx2", masks_avx2, true},
    {"sse2", masks_sse2, false},
#elif defined(__aarch64__)
    {"neon", masks_neon, false},
#endif
    {"plain", masks_plain, false},
};

static bool is_usable(const struct kernel *kernel)
{
#if defined(__x86_64__)
    return !kernel->needs_avx2 || __builtin_cpu_supports("avx2");
#else
    return !kernel->needs_avx2;
#endif
}

newline_masks_fn *newline_kernel(size_t i, const char **out_name)
{
    for (size_t k = 0; k < sizeof kernels / sizeof kernels[0]; k++)
        if (is_usable(&kernels[k]) && i-- == 0) {
            *out_name = kernels[k].name;
            return kernels[k].masks;
        }
    return NULL;
}

newline_masks_fn *newline_best(void)
{
    const char *name = NULL;
    return newline_kernel(0, &name);
}
