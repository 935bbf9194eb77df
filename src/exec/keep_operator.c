/* Passes rows on and keeps them. */
#include "exec/operator.h"

OPERATOR_MAKER(keep)
{
    (void)task, (void)inputs, (void)out_operator;
    BARKS_FAIL(BARKS_INTERNAL, "keep at %s: not built yet", node->where);
}
