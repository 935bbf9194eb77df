/* Rows of two inputs by equal keys. */
#include "exec/operator.h"

OPERATOR_MAKER(join)
{
    (void)task, (void)inputs, (void)out_operator;
    BARKS_FAIL(BARKS_INTERNAL, "join at %s: not built yet", node->where);
}
