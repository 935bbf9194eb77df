/* What operations on several datasets need: where rows of equal keys meet, and what a pair of rows
 * looks like. */
#pragma once

#include "rdd/dataset.h"

/* The keys of some datasets, by name. Begins zeroed. */
struct key_columns {
    uint32_t *columns[STEP_INPUTS_MAX]; /* of each dataset; owned */
    uint32_t count;
};
void key_columns_drop(struct key_columns *keys);

/* names[k]: the keys of dataset k, as many for each and of equal types. Errors: BARKS_INVALID. */
BARKS_CHECKED barks_status *key_columns_parse(barks_rdd *const *rdds, uint32_t rdd_count,
                                              const char *const *names, const char *what,
                                              const char *where, struct key_columns *out);

/* Replaces each of rdds that needs it by an exchange of it, so that rows of equal keys lie in
 * partitions of one number in all of them. wanted: how many partitions; 0: as those that are
 * partitioned by the keys already, or as the largest. Errors: as choose_partitions. */
BARKS_CHECKED barks_status *bring_together(barks_rdd **rdds, uint32_t rdd_count,
                                           const struct key_columns *keys, uint32_t wanted,
                                           const char *where);

/* Whether bring_together would exchange rdds[index]. */
bool must_be_brought(barks_rdd *const *rdds, uint32_t rdd_count, const struct key_columns *keys,
                     uint32_t wanted, uint32_t index);

/* For operations that pair partitions by number. Errors: BARKS_INVALID: the datasets do not have as
 * many. */
BARKS_CHECKED barks_status *check_partition_counts(barks_rdd *const *rdds, uint32_t rdd_count,
                                                   const char *what, const char *where);

/* A record of columns of one or two datasets, in the order given; those of a side that may be
 * missing may be null. Errors: BARKS_INVALID: two fields of one name. */
BARKS_CHECKED barks_status *record_of_columns(const barks_rdd *left,
                                              const struct index_list *left_columns,
                                              bool left_may_miss, const barks_rdd *right,
                                              const struct index_list *right_columns,
                                              bool right_may_miss, const char *what,
                                              const char *where, const barks_record **out);

/* keys, then the other columns of the rows; without_keys: only the others. */
BARKS_CHECKED barks_status *list_columns(const barks_rdd *rdd, const uint32_t *keys,
                                         uint32_t key_count, bool without_keys,
                                         struct index_list *out);

/* Function and env of a step that calls it on rows of these datasets. Errors: BARKS_INVALID. */
BARKS_CHECKED barks_status *set_function(barks_rdd *rdd, barks_rdd *const *inputs, uint32_t count,
                                         const barks_function *function, const void *env,
                                         const char *where);

/* Pairs of rows of two datasets, of kind STEP_PAIR or STEP_CROSS: as the function says, or of all
 * fields of both; may_miss: either side may have no row. Takes status, why it cannot be. */
barks_rdd *dataset_pair(barks_rdd *const *sides, enum step_kind kind, bool may_miss,
                        const barks_function *function, const void *env, barks_status *status,
                        const char *where);

/* The fields of the rows and an i64 behind them. Errors: BARKS_INVALID: there is a field of that
 * name. */
BARKS_CHECKED barks_status *record_with_number(const barks_rdd *input, const char *name,
                                               const char *where, const barks_record **out);
