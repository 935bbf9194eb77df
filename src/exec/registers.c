#include "exec/registers.h"

#include <math.h>
#include <stddef.h>

uint32_t registers_precision(double deviation)
{
    uint32_t precision = REGISTERS_PRECISION_MIN;
    while (precision < 64 && 1.04 / sqrt(ldexp(1, (int)precision)) > deviation)
        precision++;
    return precision;
}

barks_status *registers_check_deviation(double deviation, const char *what)
{
    if (deviation > 0 && deviation < 1 && registers_precision(deviation) <= REGISTERS_PRECISION_MAX)
        return NULL;
    BARKS_FAIL(BARKS_INVALID,
               "%s: a relative deviation of %g; it is from 0.0006 to 1 (count the rows of "
               "barks_distinct for the exact number)",
               what, deviation);
}

void registers_add(uint8_t *registers, uint32_t precision, uint64_t hash)
{
    uint64_t rest = hash << precision;
    int zeros = rest != 0 ? __builtin_clzll(rest) : 64 - (int)precision;
    uint8_t *longest = &registers[hash >> (64 - precision)];
    if (zeros + 1 > *longest)
        *longest = (uint8_t)(zeros + 1);
}

void registers_merge(uint8_t *registers, const uint8_t *others, uint32_t precision)
{
    for (size_t i = 0; i < (size_t)1 << precision; i++)
        if (others[i] > registers[i])
            registers[i] = others[i];
}

static double sigma(double x)
{
    if (x >= 1)
        return HUGE_VAL;
    double y = 1, z = x, before;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z > before);
    return z;
}

static double tau(double x)
{
    if (x <= 0 || x >= 1)
        return 0;
    double y = 1, z = 1 - x, before;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z < before);
    return z / 3;
}

double registers_estimate(const uint8_t *registers, uint32_t precision)
{
    uint32_t counts[66] = {0};
    uint32_t longest = 64 - precision;
    double register_count = ldexp(1, (int)precision);
    for (size_t i = 0; i < (size_t)1 << precision; i++)
        counts[registers[i]]++;
    double z = register_count * tau(1 - counts[longest + 1] / register_count);
    for (uint32_t k = longest; k >= 1; k--)
        z = 0.5 * (z + counts[k]);
    z += register_count * sigma(counts[0] / register_count);
    return register_count * register_count / (2 * log(2) * z);
}
