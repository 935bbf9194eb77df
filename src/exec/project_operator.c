/* Some columns, under new names. */
#include "exec/operator.h"

OPERATOR_MAKER(project)
{
    (void)task, (void)inputs, (void)out_operator;
    BARKS_FAIL(BARKS_INTERNAL, "project at %s: not built yet", node->where);
}
