/* Words of a string: maximal runs of bytes other than space, \t, \n, \v, \f and \r. NUL and other
 * control bytes, and bytes that are not UTF-8, are bytes of words. */
#pragma once

#include "barks/str.h"

#if defined(__ARM_NEON)
#include <arm_neon.h>
#endif

/* Iterates over words; the compiler keeps it in registers.
 * Invariant: stops has a bit for each separator in [block - 64, block) from start on; the end of
 * the text counts as one.
 * Threads: one owner. */
typedef struct barks_words {
    const char *start; /* of the next word, or of white space before it */
    const char *block; /* the next 64 bytes to look at */
    const char *end;
    uint64_t stops;
    size_t quick_bytes; /* words of up to so many bytes may be loaded without looking at pages */
} barks_words;

/* Bit i is set where byte i of 64 is white space. */
#if defined(__SSE2__)
BARKS_INLINE uint32_t barks_spaces_of_16(const char *bytes)
{
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)bytes);
    /* \t to \r become 123 to 127, which nothing signed is above. */
    __m128i moved = _mm_add_epi8(text, _mm_set1_epi8(INT8_MAX - '\r'));
    __m128i is_control = _mm_cmpgt_epi8(moved, _mm_set1_epi8(INT8_MAX - '\r' + '\t' - 1));
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

BARKS_INLINE size_t barks_lowest_bit(uint64_t bits)
{
#if defined(__x86_64__)
    size_t
        index; /* tzcnt where there is one, else bsf; the builtin's int would have to be widened */
    __asm__("rep bsfq %1, %0" : "=r"(index) : "r"(bits) : "cc");
    return index;
#else
    return (size_t)__builtin_ctzll(bits);
#endif
}

/**
 * Begins to iterate over the words of a string: barks_words words = barks_words_of(in->text);
 *
 * Ownership: long words point into what text points into; a short text is copied into the block
 *            that this stands in, so use it there.
 * Errors:    none.
 * Threads:   one owner.
 */
#define barks_words_of(text) barks_words_begin((text), (barks_str[1]){{0}})

/* place: for a short text. A long one never passes through memory, which would cost a line as much
 * as two of its words. */
BARKS_INLINE barks_words barks_words_begin(barks_str text, barks_str *place)
{
    const char *bytes = text.pointer;
    if (text.length <= BARKS_STR_INLINE) {
        *place = text;
        bytes = (const char *)place + offsetof(barks_str, prefix);
    }
    /* Of an empty text there is nothing to look at. */
    return (barks_words){bytes, bytes + (text.length == 0), bytes + text.length, 0, 0};
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
            const char *stop = words->block - 64 + barks_lowest_bit(words->stops);
            words->stops &= words->stops - 1;
            words->start = stop + 1;
            size_t length = (size_t)(stop - start);
            if (BARKS_LIKELY(length - 1 < words->quick_bytes)) {
                *out_word = barks_str_of_quick(start, length, length);
                return true;
            }
            if (length > 0) {
                *out_word = barks_str_of(start, length);
                return true;
            }
        }
        if (words->block > words->end)
            return false;
        /* Words that end in this block begin at start or later. Where the bytes around all of them
         * are in one page, they can be read even if they are not the text's: some byte of the text
         * is in the page. */
        const char *block = words->block;
        size_t left = (size_t)(words->end - block);
        char copy[64];
#if defined(BARKS_EXACT_LOADS)
        bool is_quick = false;
#else
        uintptr_t first = (uintptr_t)words->start - 4, last = (uintptr_t)block + 63 + 12;
        bool is_quick = first / BARKS_PAGE_MIN == last / BARKS_PAGE_MIN;
        __asm__("" : "+r"(block)); /* as in barks_str_of_quick */
#endif
        words->quick_bytes = BARKS_STR_QUICK;
        if (BARKS_UNLIKELY(!is_quick)) {
            words->quick_bytes = 0;
            if (left < 64) {
                memset(copy, 0, sizeof copy);
                memcpy(copy, block, left);
                block = copy;
            }
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
    barks_words words = barks_words_of(text);
    if (!barks_next_word(&words, out_word))
        return false;
    *rest = words.start < words.end ? barks_str_of(words.start, (size_t)(words.end - words.start))
                                    : barks_str_of_exactly(NULL, 0);
    return true;
}
