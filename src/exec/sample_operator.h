/* STEP_SAMPLE: rows drawn by a hash of seed, partition and place in it: the same ones wherever and
 * whenever they are drawn. numbers[0]: the seed, numbers[1]: the kind. */
#pragma once

enum sample_kind {
    SAMPLE_RANGE = 1, /* rows whose hash, in [0, 1), lies in [reals[0], reals[1]) */
    SAMPLE_POISSON,   /* as many copies as Poisson's distribution of mean reals[0] gives */
};
