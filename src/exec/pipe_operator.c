/* Rows through a program. */
#include "exec/operator.h"

OPERATOR_MAKER(pipe)
{
    (void)task, (void)inputs, (void)out_operator;
    BARKS_FAIL(BARKS_INTERNAL, "pipe at %s: not built yet", node->where);
}
