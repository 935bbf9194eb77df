/* HyperLogLog: 2^precision registers of a byte, each the longest run of zeros of the hashes that it
 * has seen.
 * Source: Flajolet et al. 2007; the estimate by Ertl, arXiv 1702.01284, without tables of bias. */
#pragma once

#include "barks/status.h"

#include <stdint.h>

enum { REGISTERS_PRECISION_MIN = 4, REGISTERS_PRECISION_MAX = 22 };

/* The precision of a relative deviation: ceil(log2((1.04 / deviation)^2)), at least the minimum;
 * may be over the maximum. */
uint32_t registers_precision(double deviation);

/* what: who asks, for the error. Errors: BARKS_INVALID: one that no precision has. */
BARKS_CHECKED barks_status *registers_check_deviation(double deviation, const char *what);

void registers_add(uint8_t *registers, uint32_t precision, uint64_t hash);
void registers_merge(uint8_t *registers, const uint8_t *others, uint32_t precision);
double registers_estimate(const uint8_t *registers, uint32_t precision);
