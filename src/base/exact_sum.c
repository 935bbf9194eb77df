/* The value of a sum whose digits were added apart (barks/sum.h). */
#include "barks/sum.h"

#include <math.h>
#include <stdbool.h>

enum { DIGITS = BARKS_SUM_DIGITS_, DIGIT_BITS = BARKS_SUM_DIGIT_BITS_, PLACE_0 = -1080 };

/* Carries go up, so that all digits but the highest lie in [0, 2^24): lowest first in out. */
static void carry(const int64_t *digits, bool negate, int64_t *out)
{
    int64_t over = 0;
    for (int i = 0; i < DIGITS; i++) {
        int64_t digit = digits[DIGITS - 1 - i];
        digit = (negate ? -digit : digit) + over;
        over = i < DIGITS - 1 ? digit >> DIGIT_BITS : 0;
        out[i] = i < DIGITS - 1 ? digit & ((1 << DIGIT_BITS) - 1) : digit;
    }
}

/* Digits of a number above 0, lowest first, as a double: the top 64 bits, and one more that says
 * whether anything is below them, are rounded by the machine. */
static double round_digits(const int64_t *digits, int32_t lowest_place)
{
    uint64_t head = 0;
    bool rest = false;
    int exponent = PLACE_0 + DIGIT_BITS * lowest_place;
    for (int i = DIGITS; i-- > 0;) {
        if (head == 0) { /* the highest that is not zero */
            head = (uint64_t)digits[i];
            exponent += head != 0 ? DIGIT_BITS * i : 0;
            continue;
        }
        int room = __builtin_clzll(head);
        int taken = room < DIGIT_BITS ? room : DIGIT_BITS;
        uint64_t digit = (uint64_t)digits[i];
        head = head << taken | digit >> (DIGIT_BITS - taken);
        rest |= (digit & ((UINT64_C(1) << (DIGIT_BITS - taken)) - 1)) != 0;
        exponent -= taken;
    }
    head |= rest; /* the lowest of 64 bits, where there is a rest: it only breaks ties */
    return ldexp((double)head, exponent);
}

double barks_sum_value(const struct barks_sum *sum)
{
    if (sum->special != 0)
        return sum->special == 2 ? HUGE_VAL : sum->special == 4 ? -HUGE_VAL : (double)NAN;
    int64_t added[DIGITS], digits[DIGITS];
    memcpy(added, (const char *)sum + offsetof(struct barks_sum, d0), sizeof added);
    carry(added, false, digits);
    bool negative = digits[DIGITS - 1] < 0;
    if (negative)
        carry(added, true, digits);
    bool is_zero = true;
    for (int i = 0; i < DIGITS; i++)
        is_zero &= digits[i] == 0;
    if (is_zero)
        return 0;
    double value = round_digits(digits, sum->top - DIGITS);
    return negative ? -value : value;
}
