/* Every row of one input with every row of another. */
#include "exec/operator.h"

OPERATOR_MAKER(cross)
{
    (void)task, (void)inputs, (void)out_operator;
    BARKS_FAIL(BARKS_INTERNAL, "cross at %s: not built yet", node->where);
}
