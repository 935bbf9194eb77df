/* One state of an answer for each partition. */
#include "exec/operator.h"

barks_status *partial_terminal_create(struct task *task, const barks_record *record,
                                      struct operator** out_operator)
{
    (void)task, (void)record, (void)out_operator;
    BARKS_FAIL(BARKS_INTERNAL, "partial answers: not built yet");
}
