/* Row i of one input with row i of another. */
#include "exec/operator.h"

OPERATOR_MAKER(zip)
{
    (void)task, (void)inputs, (void)out_operator;
    BARKS_FAIL(BARKS_INTERNAL, "zip at %s: not built yet", node->where);
}
