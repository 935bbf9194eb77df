/* Groups of equal keys of two to four inputs, side by side. */
#include "exec/operator.h"

OPERATOR_MAKER(cogroup)
{
    (void)task, (void)inputs, (void)out_operator;
    BARKS_FAIL(BARKS_INTERNAL, "cogroup at %s: not built yet", node->where);
}
