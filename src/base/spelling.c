#include "base/spelling.h"

#include <string.h>

static int fold_case(char letter) { return letter >= 'A' && letter <= 'Z' ? letter + 32 : letter; }

/* Levenshtein's distance by the two-row method, ignoring ASCII case: "Word" is near "word". */
static uint32_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    uint32_t row[SPELLING_BYTES_MAX + 1];
    for (uint32_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (uint32_t i = 1; i <= a_length; i++) {
        uint32_t diagonal = row[0];
        row[0] = i;
        for (uint32_t j = 1; j <= b_length; j++) {
            uint32_t replaced = diagonal + (fold_case(a[i - 1]) != fold_case(b[j - 1]));
            uint32_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[b_length];
}

struct spelling spelling_begin(const char *name)
{
    size_t length = strnlen(name, SPELLING_BYTES_MAX + 1);
    uint32_t limit = length > SPELLING_BYTES_MAX ? 0 : (uint32_t)length / 3 + 2;
    /* A name that shares no letter with another has the distance of its length. */
    if (limit > length)
        limit = (uint32_t)length;
    return (struct spelling){.name = name, .length = length, .distance_limit = limit};
}

void spelling_offer(struct spelling *spelling, const char *candidate)
{
    size_t length = strnlen(candidate, SPELLING_BYTES_MAX + 1);
    if (spelling->distance_limit == 0 || length > SPELLING_BYTES_MAX)
        return;
    uint32_t distance = edit_distance(spelling->name, spelling->length, candidate, length);
    if (distance < spelling->distance_limit) {
        spelling->nearest = candidate;
        spelling->distance_limit = distance;
    }
}
