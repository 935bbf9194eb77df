#include "base/estimate.h"

#include <math.h>

/* ---- Student's distribution ---- */

/* The probability of being within t = sqrt(degrees) * tan(angle). */
static double student_within(double angle, uint32_t degrees)
{
    double sine = sin(angle), cosine = cos(angle), term = degrees % 2 == 0 ? 1 : cosine;
    double sum = degrees == 1 ? 0 : term;
    for (uint32_t k = degrees % 2 == 0 ? 2 : 3; k + 2 <= degrees; k += 2) {
        term *= cosine * cosine * (k - 1) / k;
        sum += term;
    }
    if (degrees % 2 == 0)
        return sine * sum;
    const double half_turn = acos(-1.0);
    return 2 / half_turn * (angle + sine * sum);
}

double student_bound(double confidence, uint32_t degrees)
{
    enum { DEGREES_MAX = 10000, HALVINGS = 60 };
    double low = 0, high = acos(0.0);
    degrees = degrees < DEGREES_MAX ? degrees : DEGREES_MAX;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        if (student_within(middle, degrees) < confidence)
            low = middle;
        else
            high = middle;
    }
    return sqrt(degrees) * tan((low + high) / 2);
}

/* ---- estimates ---- */

/* Half of the interval for a mean of the parts, whose squared distances sum up to `spread`. */
static double half_width(const struct estimate_of *of, double spread)
{
    double count = of->part_count, unknown = 1 - count / of->part_total;
    return student_bound(of->confidence, of->part_count - 1) *
           sqrt(unknown * spread / (count - 1) / count);
}

static struct estimate estimate_above(const struct estimate_of *of, double sum, double spread,
                                      double least)
{
    if (of->part_count == of->part_total)
        return (struct estimate){sum, sum, sum};
    if (of->part_count == 0)
        return (struct estimate){0, least, HUGE_VAL};
    double value = sum / of->part_count * of->part_total;
    if (of->part_count == 1 || !isfinite(value) || !isfinite(spread))
        return (struct estimate){value, least, HUGE_VAL};
    double half = of->part_total * half_width(of, spread), low = value - half;
    return (struct estimate){value, low > least ? low : least, value + half};
}

struct estimate estimate_total(const struct estimate_of *of, double sum, double spread)
{
    return estimate_above(of, sum, spread, -HUGE_VAL);
}

struct estimate estimate_count(const struct estimate_of *of, double sum, double spread)
{
    double count = of->part_count, independent = (sum + 1) / count * (count - 1);
    return estimate_above(of, sum, spread > independent ? spread : independent, sum);
}

struct estimate estimate_ratio(const struct estimate_of *of, double above, double below,
                               double residue)
{
    double value = below != 0 ? above / below : (double)NAN;
    if (of->part_count == of->part_total)
        return (struct estimate){value, value, value};
    if (of->part_count < 2 || !isfinite(value) || !isfinite(residue))
        return (struct estimate){value, -HUGE_VAL, HUGE_VAL};
    double half = half_width(of, residue) / fabs(below / of->part_count);
    return (struct estimate){value, value - half, value + half};
}
