/* The shortest digits that read back as a double, by exact arithmetic of integers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* *out_digits / 10^*out_places reads back as value; no fewer digits do, and of as many these are
 * nearest (of two that are as near, the even ones). The last digit is no 0, and no value below
 * 10^15 needs negative places for that. False where it is not known: value lies outside of about
 * [10^-5, 10^15), or is a power of two. Cost: a few ns for each digit that is not needed. Source:
 * Steele and White, "How to Print Floating-Point Numbers Accurately", 1990; in 128 bits. */
bool shortest_digits(double value, uint64_t *out_digits, int *out_places);
