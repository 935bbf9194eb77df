/* Rows at random: fractions, fractions by key, just so many.
 *
 * Seeds draw the same rows whatever the number of ranks, of a dataset of the same partitions. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

/* ---- about a fraction ---- */

typedef struct barks_fraction_options {
    char first_;           /* for the macros: so that options can be left out */
    double fraction;       /* in [0, 1]; with replacement any that is not negative */
    bool with_replacement; /* a row comes as many times as Poisson's distribution says */
    uint64_t seed;         /* the same seed draws the same rows */
} barks_fraction_options;

/* About a fraction of the rows, each drawn by itself: barks_sample(rdd, .fraction = 0.1, .seed =
 * 7). */
#define barks_sample(rdd, ...)                                                                     \
    barks_sample_at((rdd), &(barks_fraction_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_sample_at(barks_rdd *rdd, const barks_fraction_options *options,
                                     const char *where);

/* Every row into one of count datasets, in parts of about the weights' ratios; the same seed splits
 * in the same way. False where the weights are wrong; the datasets then bear the error. */
#define barks_random_split(rdd, weights, count, seed, out_rdds)                                    \
    barks_random_split_at((rdd), (weights), (count), (seed), (out_rdds), BARKS_HERE)
BARKS_API bool barks_random_split_at(barks_rdd *rdd, const double *weights, uint32_t count,
                                     uint64_t seed, barks_rdd **out_rdds, const char *where);

typedef struct barks_sample_options {
    char first_; /* for the macros: so that options can be left out */
    bool with_replacement;
    uint64_t seed;
} barks_sample_options;

/**
 * About a fraction of the rows of each key, each drawn by itself. The fractions are an array of
 * structs of a record that has the keys, by the names and types that they have in the rows, and
 * (f64, fraction):
 *
 *     BARKS_RECORD(share, (str, city), (f64, fraction));
 *     struct share shares[] = {{barks_str_of("Oslo", 4), 0.5}, ...};
 *     barks_rdd *some = barks_sample_by_key(sales, "city", share, shares, 3, .seed = 7);
 *
 * Rows of a key that has no fraction are left out. With replacement a row comes as many times as
 * Poisson's distribution of that mean says. Partitions, partitioning and order stay.
 *
 * Options:   .with_replacement, .seed.
 * Ownership: the array is copied.
 * Errors:    BARKS_INVALID: no such fields, of other types; two fractions for one key; one that is
 *            not in [0, 1], or with replacement negative or not finite. BARKS_LIMIT: more than
 *            1,048,576 keys.
 */
#define barks_sample_by_key(rdd, keys, record, fractions, ...)                                     \
    BARKS_SAMPLE_BY_KEY_(false, rdd, keys, record, fractions, __VA_ARGS__, )

/* ---- just so many ---- */

/**
 * barks_sample_by_key with exactly ceil(fraction * n) rows of a key that has n; with replacement as
 * many draws, of which several may be the same row. Two jobs (three with replacement) draw now: so
 * the dataset must give the same rows each time that it is computed; cache it where it is costly.
 *
 * Errors:    also BARKS_LIMIT: the driver has no room for about a 4,096th of the rows' numbers
 *            (--barks-collect-bytes-max); and those of the jobs. They stay with the dataset.
 */
#define barks_sample_by_key_exact(rdd, keys, record, fractions, ...)                               \
    BARKS_SAMPLE_BY_KEY_(true, rdd, keys, record, fractions, __VA_ARGS__, )
#define BARKS_SAMPLE_BY_KEY_(exact, rdd, keys, record, fractions, count, ...)                      \
    barks_sample_by_key_at((rdd), (keys), &barks_record_##record,                                  \
                           1 ? (fractions) : (const struct record *)0, (count), (exact),           \
                           &(barks_sample_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_sample_by_key_at(barks_rdd *rdd, const char *keys,
                                            const barks_record *record, const void *fractions,
                                            size_t count, bool is_exact,
                                            const barks_sample_options *options, const char *where);

/* Just n rows, or all where there are fewer, each set of n as likely as any other, as a dataset of
 * the same partitions and order: barks_take_sample for more rows than the driver holds. Jobs and
 * errors as of barks_sample_by_key_exact; a negative n is one. */
#define barks_sample_fixed(rdd, n, seed) barks_sample_fixed_at((rdd), (n), (seed), BARKS_HERE)
BARKS_API barks_rdd *barks_sample_fixed_at(barks_rdd *rdd, int64_t n, uint64_t seed,
                                           const char *where);

/**
 * Just n rows at random, or all where there are fewer, in random order; with replacement n rows of
 * which each may come several times. The same rows on any number of ranks, for one seed. Counts the
 * rows first, so the dataset is computed twice unless it is cached.
 *
 * Options: .with_replacement, .seed.
 */
#define barks_take_sample(rdd, n, record, ...) BARKS_TAKE_SAMPLE_(rdd, n, record, __VA_ARGS__, )
#define BARKS_TAKE_SAMPLE_(rdd, n, record, out_count, ...)                                         \
    ((struct record *)barks_take_sample_at((rdd), (n), &barks_record_##record, (out_count),        \
                                           &(barks_sample_options){0, __VA_ARGS__}, BARKS_HERE))
BARKS_API void *barks_take_sample_at(barks_rdd *rdd, int64_t n, const barks_record *record,
                                     int64_t *out_count, const barks_sample_options *options,
                                     const char *where);
