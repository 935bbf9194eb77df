/* Opening combine tables from plans: shared by the reduce side, the map side and folds. */
#pragma once

#include "exec/pipeline.h"
#include "shuffle/combine.h"

struct task;

/* What combine_options points to; must live as long as the table. */
struct combine_binding {
    uint32_t *key_columns;
    uint32_t *function_columns;
};
void combine_binding_drop(struct combine_binding *binding);

/* As of combine_options. */
struct combine_limits {
    uint64_t bytes;
    uint64_t array_bytes_min;
    struct key_window window;
};

/* A table for rows of schema `in`, folded by function (NULL: keys alone). binding is filled even on
 * failure. */
BARKS_CHECKED barks_status *combine_open(struct task *task, const struct combine_plan *plan,
                                         const barks_function *function, const barks_schema *in,
                                         const struct combine_limits *limits,
                                         struct combine_binding *binding,
                                         struct combine **out_combine);
