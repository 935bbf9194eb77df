/* A partition as one row of lists. */
#include "exec/operator.h"

OPERATOR_MAKER(glom)
{
    (void)task, (void)inputs, (void)out_operator;
    BARKS_FAIL(BARKS_INTERNAL, "glom at %s: not built yet", node->where);
}
