/* Some rows, drawn by a hash of their place. */
#include "exec/operator.h"

OPERATOR_MAKER(sample)
{
    (void)task, (void)inputs, (void)out_operator;
    BARKS_FAIL(BARKS_INTERNAL, "sample at %s: not built yet", node->where);
}
