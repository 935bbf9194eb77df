#include "base/exact_spread.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* count * squares - sum^2, all as integers of the units of the sums' lowest digits. A sum has fewer
 * than 190 bits, its square 380, and units are apart by no more than the window of a sum allows. */
enum { WORDS = 14, DIGITS = BARKS_SUM_DIGITS_, DIGIT_BITS = BARKS_SUM_DIGIT_BITS_ };

struct wide {
    uint64_t words[WORDS]; /* two's complement, the lowest first */
};

static void add_word(struct wide *to, uint64_t word, uint32_t at)
{
    for (uint32_t i = at; i < WORDS && word != 0; i++) {
        to->words[i] += word;
        word = to->words[i] < word;
    }
}

static void negate(struct wide *value)
{
    for (uint32_t i = 0; i < WORDS; i++)
        value->words[i] = ~value->words[i];
    add_word(value, 1, 0);
}

static bool is_negative(const struct wide *value) { return value->words[WORDS - 1] >> 63 != 0; }

static void add(struct wide *to, const struct wide *value)
{
    for (uint32_t i = 0, carry = 0; i < WORDS; i++) {
        __extension__ unsigned __int128 word = value->words[i];
        word += to->words[i];
        word += carry;
        to->words[i] = (uint64_t)word;
        carry = (uint32_t)(word >> 64);
    }
}

static void shift_left(struct wide *value, uint32_t bits)
{
    uint32_t words = bits / 64, rest = bits % 64;
    for (uint32_t i = WORDS; i-- > 0;) {
        uint64_t high = i >= words ? value->words[i - words] << rest : 0;
        uint64_t low = i > words && rest > 0 ? value->words[i - words - 1] >> (64 - rest) : 0;
        value->words[i] = high | low;
    }
}

static struct wide multiply(const struct wide *a, const struct wide *b)
{
    struct wide product = {{0}};
    for (uint32_t i = 0; i < WORDS; i++) {
        uint64_t carry = 0;
        for (uint32_t k = 0; a->words[i] != 0 && i + k < WORDS; k++) {
            __extension__ unsigned __int128 part = a->words[i];
            part *= b->words[k];
            part += product.words[i + k];
            part += carry;
            product.words[i + k] = (uint64_t)part;
            carry = (uint64_t)(part >> 64);
        }
    }
    return product;
}

static struct wide wide_of(const struct barks_sum *sum)
{
    const int64_t digits[DIGITS] = {sum->d0, sum->d1, sum->d2, sum->d3, sum->d4, sum->d5};
    struct wide value = {{0}};
    for (uint32_t i = 0; i < DIGITS; i++) {
        struct wide digit = {
            {digits[i] < 0 ? (uint64_t)0 - (uint64_t)digits[i] : (uint64_t)digits[i]}};
        if (digits[i] < 0)
            negate(&digit);
        shift_left(&value, DIGIT_BITS);
        add(&value, &digit);
    }
    return value;
}

/* The power of two that the lowest digit weighs. */
static int unit_of(const struct barks_sum *sum) { return DIGIT_BITS * (sum->top - DIGITS) - 1080; }

/* value * 2^unit / count, of a value that is not negative. */
static double divide(const struct wide *value, int unit, uint64_t count)
{
    uint32_t top = WORDS;
    while (top > 0 && value->words[top - 1] == 0)
        top--;
    if (top == 0)
        return 0;
    struct wide high = *value;
    uint32_t bits = (WORDS - top) * 64 + (uint32_t)__builtin_clzll(value->words[top - 1]);
    shift_left(&high, bits); /* the highest 128 bits tell the double that is meant */
    double both = (double)high.words[WORDS - 1] + ldexp((double)high.words[WORDS - 2], -64);
    return ldexp(both / (double)count, unit + 64 * (WORDS - 1) - (int)bits);
}

void square_sums_add(struct square_sums *sums, double scaled)
{
    double square = scaled * scaled;
    barks_sum_add(&sums->high, square);
    barks_sum_add(&sums->low, fma(scaled, scaled, -square));
}

void square_sums_merge(struct square_sums *sums, const struct square_sums *other)
{
    barks_sum_merge(&sums->high, &other->high);
    barks_sum_merge(&sums->low, &other->low);
}

/* Both halves; *out_unit: the power of two of its lowest bit. A low half that is of far smaller
 * numbers alone is left out. */
static struct wide squares_of(const struct square_sums *squares, int *out_unit)
{
    enum { APART_MAX = 200 };
    struct wide all = wide_of(&squares->high);
    *out_unit = unit_of(&squares->high);
    int apart = squares->low.top != 0 ? *out_unit - unit_of(&squares->low) : -1;
    if (apart < 0 || apart > APART_MAX)
        return all;
    struct wide low = wide_of(&squares->low);
    shift_left(&all, (uint32_t)apart);
    add(&all, &low);
    *out_unit -= apart;
    return all;
}

double exact_spread(const struct barks_sum *sum, const struct square_sums *squares, uint64_t count,
                    int scale_bits)
{
    int unit = 0;
    if (sum->special != 0 || squares->high.special != 0)
        return (double)NAN;
    if (count == 0 || squares->high.top == 0)
        return 0;
    struct wide total = wide_of(sum), times = {{count}}, spread = squares_of(squares, &unit);
    if (is_negative(&total))
        negate(&total);
    struct wide square = multiply(&total, &total);
    spread = multiply(&spread, &times);
    unit += 2 * scale_bits;
    int below = unit - 2 * unit_of(sum);
    if (below >= 0)
        shift_left(&spread, (uint32_t)below);
    else
        shift_left(&square, (uint32_t)-below);
    negate(&square);
    add(&spread, &square);
    if (is_negative(&spread)) /* what sums drop, below 2^-100 of the largest */
        return 0;
    return divide(&spread, below >= 0 ? unit - below : unit, count);
}
