/* Words of a string: maximal runs of bytes other than space, \t, \n, \v, \f and \r. NUL and other
 * control bytes, and bytes that are not UTF-8, are bytes of words. */
#pragma once

#include "barks/str.h"

#if defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Iterates over words; the compiler keeps it in registers.
 * Invariant: stops has a bit for each separator in [block - 64, block) from start on; the end of
 * the text counts as one. Threads: one owner. */
typedef struct barks_words {
    const char *start; /* of the next word, or of white space before it */
    const char *block; /* the next 64 bytes to look at */
    const char *end;
    uint64_t stops;
} barks_words;

/* Bit i is set where byte i of 64 is white space. */
#if defined(__SSE2__)
BARKS_INLINE uint32_t barks_spaces_of_16(const char *bytes)
{
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)bytes);
    __m128i control = _mm_sub_epi8(text, _mm_set1_epi8('\t')); /* \t to \r become 0 to 4 */
    __m128i is_control = _mm_cmpeq_epi8(_mm_min_epu8(control, _mm_set1_epi8('\r' - '\t')), control);
    __m128i is_space = _mm_cmpeq_epi8(text, _mm_set1_epi8(' '));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(is_control, is_space));
}

BARKS_INLINE uint64_t barks_spaces_of_64(const char *bytes)
{
    uint32_t low = barks_spaces_of_16(bytes) | barks_spaces_of_16(bytes + 16) << 16;
    uint32_t high = barks_spaces_of_16(bytes + 32) | barks_spaces_of_16(bytes + 48) << 16;
    return low | (uint64_t)high << 32;
}
#elif defined(__ARM_NEON) && defined(__aarch64__)
BARKS_INLINE uint8x16_t barks_spaces_of_16(const char *bytes)
{
    uint8x16_t text = vld1q_u8((const uint8_t *)bytes);
    uint8x16_t is_control = vcleq_u8(vsubq_u8(text, vdupq_n_u8('\t')), vdupq_n_u8('\r' - '\t'));
    return vorrq_u8(is_control, vceqq_u8(text, vdupq_n_u8(' ')));
}

BARKS_INLINE uint64_t barks_spaces_of_64(const char *bytes)
{
    /* Each byte keeps the bit of its place among eight; three rounds of pairwise sums gather them.
     */
    const uint8x16_t places = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t a = vandq_u8(barks_spaces_of_16(bytes), places);
    uint8x16_t b = vandq_u8(barks_spaces_of_16(bytes + 16), places);
    uint8x16_t c = vandq_u8(barks_spaces_of_16(bytes + 32), places);
    uint8x16_t d = vandq_u8(barks_spaces_of_16(bytes + 48), places);
    uint8x16_t sums = vpaddq_u8(vpaddq_u8(a, b), vpaddq_u8(c, d));
    sums = vpaddq_u8(sums, sums);
    return vgetq_lane_u64(vreinterpretq_u64_u8(sums), 0);
}
#else
BARKS_INLINE uint64_t barks_spaces_of_64(const char *bytes)
{
    uint64_t spaces = 0;
    for (unsigned i = 0; i < 64; i++)
        spaces |= (uint64_t)barks_is_space(bytes[i]) << i;
    return spaces;
}
#endif

/**
 * Begins to iterate over the words of a string: barks_words words = barks_words_of(in->text);
 *
 * Ownership: long words point into what text points into. Use it in the block that it was made in:
 * a short string is copied there. Errors:    none. Threads:   one owner.
 */
#define barks_words_of(text) barks_words_begin(&(const barks_str[1]){(text)}[0])

BARKS_INLINE barks_words barks_words_begin(const barks_str *text)
{
    const char *bytes = barks_str_bytes(text);
    /* Of an empty text there is nothing to look at. */
    return (barks_words){bytes, bytes + (text->length == 0), bytes + text->length, 0};
}

/**
 * The next word, never empty, or false after the last one.
 *
 * Errors:    none.
 * Threads:   one owner.
 * Cost:      64 bytes at a time; a word then costs two tests and no loop over its bytes.
 */
BARKS_INLINE bool barks_next_word(barks_words *words, barks_str *out_word)
{
    for (;;) {
        while (words->stops != 0) {
            const char *start = words->start;
            const char *stop = words->block - 64 + (uint32_t)__builtin_ctzll(words->stops);
            words->stops &= words->stops - 1;
            words->start = stop + 1;
            if (BARKS_LIKELY(stop != start)) {
                *out_word = barks_str_of(start, (size_t)(stop - start));
                return true;
            }
        }
        if (words->block > words->end)
            return false;
        size_t left = (size_t)(words->end - words->block);
        const char *block = words->block;
        char copy[64];
#if defined(BARKS_EXACT_LOADS)
        bool may_overrun = false;
#else
        /* Some byte of the text must be in the page that is read. */
        bool may_overrun =
            ((uintptr_t)block & (BARKS_PAGE_MIN - 1)) <= BARKS_PAGE_MIN - 64 && left > 0;
        __asm__("" : "+r"(block)); /* as in barks_str_of */
#endif
        if (BARKS_UNLIKELY(!may_overrun) && left < 64) {
            memset(copy, 0, sizeof copy);
            memcpy(copy, block, left);
            block = copy;
        }
        /* The end is a stop if it lies in this block, and nothing after it is one; without
         * branches, since the length of lines is hard to predict. */
        uint64_t end_bit = (uint64_t)(left < 64) << (left & 63);
        words->stops = (barks_spaces_of_64(block) | end_bit) & ((end_bit << 1) - 1);
        words->block += 64;
    }
}

/* The simple form, one word at a time: takes the first word off *rest; false, and nothing changed,
 * where there is none. barks_next_word is several times faster over a line. */
static inline bool barks_str_token(barks_str *rest, barks_str *out_word)
{
    barks_str text = *rest;
    barks_words words = barks_words_begin(&text);
    if (!barks_next_word(&words, out_word))
        return false;
    *rest = words.start < words.end ? barks_str_of(words.start, (size_t)(words.end - words.start))
                                    : barks_str_of_exactly(NULL, 0);
    return true;
}

#ifdef __cplusplus
}
#endif
