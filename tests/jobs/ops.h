/* Operations that ops.c runs by name: each makes a dataset, which is written and compared with what
 * an oracle in Python says. A new one is a function here and a function of the same name in the
 * ops_*.py beside it. */
#pragma once

#include <barks/barks.h>
#include <stddef.h>
#include <stdint.h>

/* Rows of left.txt and right.txt: fields separated by tabs, an empty one is null. */
BARKS_RECORD(op_row, (i64, key), (i64, id), (optional(i64), number), (optional(str), text));

struct op_run {
    barks_context *context;
    const char *data; /* the folder of the inputs */
    uint32_t partitions;
};
/* name: "left" or "right". Its partitions are those of the text, a split each. */
barks_rdd *op_rows(const struct op_run *run, const char *name);

struct op_case {
    const char *name;
    barks_rdd *(*run)(const struct op_run *run); /* NULL: an action that it ran has failed */
};
extern const struct op_case ops_a[], ops_b[], ops_c[];
extern const size_t ops_a_count, ops_b_count, ops_c_count;
extern const struct op_case ops_large[];
extern const size_t ops_large_count;
extern const struct op_case ops_files[];
extern const size_t ops_files_count;
extern const struct op_case ops_order[];
extern const size_t ops_order_count;
extern const struct op_case ops_custom[];
extern const size_t ops_custom_count;
extern const struct op_case ops_samples[];
extern const size_t ops_samples_count;
extern const struct op_case ops_words[];
extern const size_t ops_words_count;
