/* Numbers of a whole of which only some parts are known, each part as likely as any other: with
 * bounds that hold with a confidence in (0, 1).
 *
 * Source: Cochran, Sampling Techniques, 3rd edition, 1977: chapter 2 (totals), 6 (ratios) and 9
 * (parts that are clusters of rows), with Student's t of part_count - 1 degrees of freedom. */
#pragma once

#include <stdint.h>

struct estimate {
    double value, low, high; /* all equal where all parts are known */
};

/* What is known: parts of a whole of part_total, and how sure one wants to be. */
struct estimate_of {
    uint32_t part_count, part_total;
    double confidence;
};

/* The sum of one number of each part: `sum` over the known ones, and `spread`, the sum of squared
 * distances from their mean. Of fewer than two parts, and of numbers that are not finite, there are
 * no bounds. */
struct estimate estimate_total(const struct estimate_of *of, double sum, double spread);

/* The same of how often something is in each part: so the whole is no less than what was seen. Few
 * parts with equal counts, or with none, do not say that all have as many: the spread is taken to
 * be no less than that of independent events (Poisson), of one more than were seen. */
struct estimate estimate_count(const struct estimate_of *of, double sum, double spread);

/* The quotient of two sums, over the known parts, and residue: the sum of squares of (above -
 * quotient * below) of each part. Where below is 0, nothing is known. */
struct estimate estimate_ratio(const struct estimate_of *of, double above, double below,
                               double residue);

/* What a number of Student's distribution with so many degrees of freedom (at least one) is within,
 * plus or minus, with the confidence. Exact to about 1e-12 up to 10,000 degrees, beyond which it is
 * that of 10,000, larger by less than 0.02 %. Source: Abramowitz and Stegun, Handbook of
 * Mathematical Functions, 26.7.3 and 26.7.4. */
double student_bound(double confidence, uint32_t degrees);
