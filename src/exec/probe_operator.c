/* Rows against shared rows, by equal keys. */
#include "exec/operator.h"

OPERATOR_MAKER(probe)
{
    (void)task, (void)inputs, (void)out_operator;
    BARKS_FAIL(BARKS_INTERNAL, "probe at %s: not built yet", node->where);
}
