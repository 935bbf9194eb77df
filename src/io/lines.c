#include "io/lines.h"

#include <assert.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* What of a view's bytes 4 to 7 and 8 to 15 is text when n bytes are; the last entry is for views
 * that point. */
struct view_mask {
    uint64_t prefix; /* already shifted to the upper half of the first word */
    uint64_t rest;
};

#define PREFIX(n) ((n) >= 4 ? 0xffffffff00000000u : ((UINT64_C(1) << 8 * ((n) % 4)) - 1) << 32)
#define REST(n) ((n) <= 4 ? 0 : (n) >= 12 ? UINT64_MAX : (UINT64_C(1) << 8 * (((n) + 4) % 8)) - 1)
#define VIEW_MASK(n)                                                                               \
    {                                                                                              \
        PREFIX(n), REST(n)                                                                         \
    }
static const struct view_mask view_masks[BARKS_STR_INLINE + 2] = {
    VIEW_MASK(0),  VIEW_MASK(1),  VIEW_MASK(2),  VIEW_MASK(3),   VIEW_MASK(4),
    VIEW_MASK(5),  VIEW_MASK(6),  VIEW_MASK(7),  VIEW_MASK(8),   VIEW_MASK(9),
    VIEW_MASK(10), VIEW_MASK(11), VIEW_MASK(12), {PREFIX(4), 0},
};

/* barks_str_of without a branch on the length, which short lines would mispredict; reads 12 bytes
 * whatever the length. */
static inline void put_view(barks_str *view, const uint8_t *bytes, size_t length)
{
    uint32_t prefix = 0;
    uint64_t words[2];
    memcpy(&prefix, bytes, 4);
    memcpy(&words[1], bytes + 4, 8);
    const struct view_mask *mask =
        &view_masks[length <= BARKS_STR_INLINE ? length : BARKS_STR_INLINE + 1];
    uint64_t pointer = (uint64_t)(uintptr_t)bytes & -(uint64_t)(length > BARKS_STR_INLINE);
    words[0] = (uint32_t)length | ((uint64_t)prefix << 32 & mask->prefix);
    words[1] = (words[1] & mask->rest) | pointer;
    memcpy(view, words, sizeof words);
}
_Static_assert(sizeof(void *) == 8, "the second half of a view is a pointer");
#else
static inline void put_view(barks_str *view, const uint8_t *bytes, size_t length)
{
    *view = barks_str_of((const char *)bytes, length);
}
#endif

uint32_t lines_take(struct line_cursor *cursor, newline_find_fn *find, barks_str *out_views,
                    uint32_t view_max)
{
    const uint8_t *bytes = cursor->bytes;
    size_t line_begin = cursor->line_begin;
    size_t at = cursor->scanned;
    uint32_t count = 0;
    uint16_t positions[NEWLINE_POSITIONS];
    assert(line_begin <= at && at <= cursor->end);
    while (at < cursor->end && count < view_max) {
        size_t left = cursor->end - at;
        size_t words = (left + NEWLINE_WORD_BYTES - 1) / NEWLINE_WORD_BYTES;
        if (words > NEWLINE_WORDS_MAX)
            words = NEWLINE_WORDS_MAX;
        size_t found = find(bytes + at, words, positions);
        while (found > 0 && positions[found - 1] >= left) /* what lies behind the end is no text */
            found--;
        size_t taken = found < view_max - count ? found : view_max - count;
        for (size_t i = 0; i < taken; i++) {
            size_t newline = at + positions[i];
            size_t length = newline - line_begin;
            /* With an empty line this looks at the newline itself, which is no \r. */
            length -= bytes[newline - (length > 0)] == '\r';
            put_view(&out_views[count + i], bytes + line_begin, length);
            line_begin = newline + 1;
        }
        count += (uint32_t)taken; /* <= view_max */
        at += NEWLINE_WORD_BYTES * words;
        if (taken < found)
            at = line_begin; /* the rest is found again when there is room for it */
    }
    cursor->line_begin = line_begin;
    cursor->scanned = at < cursor->end ? at : cursor->end;
    return count;
}
