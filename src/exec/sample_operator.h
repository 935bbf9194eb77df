/* STEP_SAMPLE: rows drawn by a hash of seed, partition and place in it: the same ones wherever and
 * whenever they are drawn. numbers[0]: the seed, numbers[1]: the kind. Those of strata (strata.h):
 * numbers[2]: how many there are, keys[0]: their columns, numbers[3]: 1: with replacement. */
#pragma once

enum sample_kind {
    SAMPLE_RANGE = 1, /* rows whose hash, in [0, 1), lies in [reals[0], reals[1]) */
    SAMPLE_POISSON,   /* as many copies as Poisson's distribution of mean reals[0] gives */
    SAMPLE_STRATA,    /* by the mean of a row's stratum; rows of none are left out */
    SAMPLE_LOWEST,    /* the copies whose lots their stratum draws */
    SAMPLE_LOTS,      /* of these a row of five i64 each: stratum, the highest reals[0] bits of its
                         lot, lot, partition, position */
};

enum { LOT_BITS = 63 };
