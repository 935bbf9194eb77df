/* What is told of a function of the job that failed. */
#include "base/buffer.h"
#include "base/scope.h"
#include "batch/value_text.h"
#include "exec/operator.h"

#include <inttypes.h>
#include <stdio.h>

enum { EXCERPT_BYTES = 512 };

/* "record 778 of its partition (word 'apple', count 3)" */
static void word_row(const struct failed_row *failed, char *out, size_t size)
{
    BARKS_AUTO(buffer) row = {.limit_bytes = EXCERPT_BYTES};
    char number[48];
    if (failed->record > 0)
        snprintf(number, sizeof number, ", record %" PRIu64 " of its partition", failed->record);
    else
        snprintf(number, sizeof number, ", row %" PRIu32 " of its batch", failed->row);
    bool is_known = failed->row < failed->batch->row_count;
    if (is_known) /* what does not fit is not shown */
        barks_status_free(row_print(failed->batch, failed->row, &row));
    if (row.size_bytes > 0)
        snprintf(out, size, "%s (%.*s)", number, (int)row.size_bytes, (const char *)row.data);
    else
        snprintf(out, size, "%s", is_known ? number : "");
}

barks_status *operator_fail_at_row(struct task *task, barks_status *cause,
                                   const struct failed_row *failed)
{
    char row[EXCERPT_BYTES + 64];
    bool is_said = barks_status_code(cause) == BARKS_USER_ERROR;
    word_row(failed, row, sizeof row);
    return barks_status_new(barks_status_code(cause), cause, BARKS_HERE,
                            "%s in '%s' (%s)%s%s, %s%s",
                            is_said ? "an error was reported" : "failure", failed->function->name,
                            failed->function->where, failed->site != NULL ? ", called at " : "",
                            failed->site != NULL ? failed->site : "", task->place, row);
}
