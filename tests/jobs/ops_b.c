/* Several inputs, groups and values by key. */
#include "ops.h"

static barks_rdd *run_union(const struct op_run *run)
{
    return barks_union(op_rows(run, "left"), op_rows(run, "right"));
}

const struct op_case ops_b[] = {
    {"union", run_union},
};
const size_t ops_b_count = sizeof ops_b / sizeof ops_b[0];
