/* Neighbouring rows of equal keys become lists, or calls of a function. */
#include "exec/operator.h"

OPERATOR_MAKER(group)
{
    (void)task, (void)inputs, (void)out_operator;
    BARKS_FAIL(BARKS_INTERNAL, "group at %s: not built yet", node->where);
}
