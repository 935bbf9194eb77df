/* Actions, and what tasks share and keep. */
#include "ops.h"

#include <stdlib.h>

BARKS_RECORD(op_count, (i64, rows));
static barks_rdd *run_count(const struct op_run *run)
{
    struct op_count count = {.rows = barks_count(op_rows(run, "left"))};
    return count.rows < 0 ? NULL : barks_parallelize(run->context, op_count, &count, 1, 1);
}

const struct op_case ops_c[] = {
    {"count", run_count},
};
const size_t ops_c_count = sizeof ops_c / sizeof ops_c[0];
