/* Adds the index of each row. */
#include "exec/operator.h"

OPERATOR_MAKER(number)
{
    (void)task, (void)inputs, (void)out_operator;
    BARKS_FAIL(BARKS_INTERNAL, "number at %s: not built yet", node->where);
}
