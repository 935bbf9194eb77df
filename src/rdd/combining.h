/* Accumulators by key: what reductions, aggregates and distinct have in common. */
#pragma once

#include "rdd/dataset.h"

/* What combine_by builds from. */
struct combining {
    const barks_record *record; /* of the accumulators */
    const barks_record *result; /* of built-in aggregates, which end as other rows; or NULL */
    const barks_function *update, *merge; /* NULL: distinct */
    uint32_t *keys;    /* fields of record; owned; NULL: named by combine_by's argument */
    uint32_t *columns; /* the same fields in the input's rows; owned */
    uint32_t key_count;
    bool begins_with_initial;
    bool goes_to_index; /* keys are one index, of index_count, that says where rows lie */
    int64_t index_count;
    bool stays;        /* rows are not brought together: accumulators are of partitions */
    bool first_counts; /* which row of a key comes first is seen in the result */
    const barks_exchange_options *options;
    const char *where;
};

/* Accumulators of the rows of input by key, with the exchange that they need. Frees what combining
 * owns. */
barks_rdd *combine_by(barks_rdd *input, struct combining *combining, const char *keys);
/* One accumulator of all rows, also of none, in one partition. Frees what combining owns. */
barks_rdd *combine_all(barks_rdd *input, struct combining *combining);
/* The rows of each partition by keys, and how many of them there are: (i64, count). */
barks_rdd *count_in_partitions(barks_rdd *input, const char *keys, const char *where);
/* A dataset with the error of its input, or with status, which it takes. */
barks_rdd *failed_combine(barks_rdd *input, const struct combining *combining,
                          barks_status *status);
