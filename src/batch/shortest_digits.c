#include "batch/shortest_digits.h"

#include <string.h>

__extension__ typedef unsigned __int128 wide;

enum {
    FRACTION_BITS = 52,
    EXPONENT_BIAS = 1023,
    POWER_MIN = -17, /* of two, that are in value: so that everything fits 128 bits */
    POWER_MAX = 49,
    ENOUGH_DIGITS = 17, /* for any double */
};

static const uint64_t powers_of_five[] = {UINT64_C(1),
                                          UINT64_C(5),
                                          UINT64_C(25),
                                          UINT64_C(125),
                                          UINT64_C(625),
                                          UINT64_C(3125),
                                          UINT64_C(15625),
                                          UINT64_C(78125),
                                          UINT64_C(390625),
                                          UINT64_C(1953125),
                                          UINT64_C(9765625),
                                          UINT64_C(48828125),
                                          UINT64_C(244140625),
                                          UINT64_C(1220703125),
                                          UINT64_C(6103515625),
                                          UINT64_C(30517578125),
                                          UINT64_C(152587890625),
                                          UINT64_C(762939453125),
                                          UINT64_C(3814697265625),
                                          UINT64_C(19073486328125),
                                          UINT64_C(95367431640625),
                                          UINT64_C(476837158203125),
                                          UINT64_C(2384185791015625)};

/* A value as scaled / 2^shift, times 10^places; what is nearer to it than half reads back as it,
 * and, if has_bounds, what is as near. */
struct scaled_value {
    uint64_t whole;    /* of 17 or 18 digits */
    uint64_t fraction; /* below 2^shift */
    uint64_t half;
    unsigned shift;
    int places;
    bool has_bounds;
};

static bool scale(double value, struct scaled_value *out)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    uint64_t fraction = bits & ((UINT64_C(1) << FRACTION_BITS) - 1);
    int power = (int)(bits >> FRACTION_BITS) - EXPONENT_BIAS; /* beyond the range if negative */
    if (power < POWER_MIN || power > POWER_MAX || fraction == 0)
        return false;                      /* below a power of two doubles are twice as close */
    int digits = (power * 1233 >> 12) + 1; /* before the point, or one less; 1233 / 4096 = lg 2 */
    int places = ENOUGH_DIGITS - digits;
    uint64_t mantissa = fraction | UINT64_C(1) << FRACTION_BITS;
    unsigned shift = (unsigned)(FRACTION_BITS - power - places + 1); /* from 2 to 48 */
    wide scaled = (wide)(2 * mantissa) * powers_of_five[places];
    *out = (struct scaled_value){.whole = (uint64_t)(scaled >> shift),
                                 .fraction = (uint64_t)scaled & ((UINT64_C(1) << shift) - 1),
                                 .half = powers_of_five[places],
                                 .shift = shift,
                                 .places = places,
                                 .has_bounds = mantissa % 2 == 0};
    return true;
}

/* The nearest number without its last digits, that together are rest in units of unit, goes up. */
static bool goes_up(wide rest, wide unit, uint64_t digits)
{
    return 2 * rest > unit || (2 * rest == unit && digits % 2 == 1);
}

bool shortest_digits(double value, uint64_t *out_digits, int *out_places)
{
    struct scaled_value scaled;
    if (!scale(value, &scaled))
        return false;
    uint64_t kept = scaled.whole, left_out = 0, power = 1, digits = 0;
    int places = scaled.places;
    /* As long as there are numbers of one digit less that are near enough; without any left out
     * there always are. */
    for (int count = 0;; count++) {
        wide unit = (wide)power << scaled.shift;
        wide rest = ((wide)left_out << scaled.shift) + scaled.fraction;
        bool up = goes_up(rest, unit, kept);
        wide distance = up ? unit - rest : rest;
        if (count > 0 &&
            (distance > scaled.half || (distance == scaled.half && !scaled.has_bounds)))
            break;
        digits = kept + up;
        places = scaled.places - count;
        left_out += kept % 10 * power;
        power *= 10;
        kept /= 10;
    }
    *out_digits = digits;
    *out_places = places;
    return true;
}
