#include "runtime/preparing.h"

#include "base/lock.h"
#include "exec/pipeline.h"
#include "plan/stage_cut.h"
#include "runtime/accumulators.h"
#include "runtime/action.h"
#include "runtime/plan_basis.h"
#include "runtime/quarantines.h"
#include "runtime/sampling.h"
#include "runtime/shared_values.h"

#include <stdio.h>

/* The rows of the dataset, which all executors are to hold. What bodies add to accumulators counts,
 * since they are called for it once. */
BARKS_CHECKED static barks_status *compute(barks_context *context, struct node *input,
                                           const char *what, struct batch *rows)
{
    struct job job = {0};
    struct terminal terminal = {.kind = TERMINAL_COLLECT, .limit = INT64_MAX};
    uint64_t row_count = 0;
    barks_status *status = action_run_job(context, input, &terminal, what, &job);
    if (status == NULL)
        status = accumulators_take(context, &job);
    if (status == NULL)
        status = action_rows(&job, rows, &row_count);
    status = quarantines_end(&job, status);
    terminal_drop(&terminal);
    job_drop(&job);
    return status;
}

BARKS_CHECKED static barks_status *send(barks_context *context, struct node *broadcast,
                                        const struct batch *rows, const char *what)
{
    uint64_t id = 0;
    lock_release(&context->planning);
    barks_status *status = shared_values_send(context, rows, what, false, &id);
    lock_acquire(&context->planning);
    BARKS_TRY(status);
    if (broadcast->step.numbers[0] != 0) /* another action has sent it meanwhile */
        return shared_values_drop(context, id);
    broadcast->step.numbers[0] = (int64_t)id;
    return NULL;
}

BARKS_CHECKED static barks_status *broadcast_rows(barks_context *context, struct node *broadcast,
                                                  const char *what)
{
    char sending[256];
    struct node *input = broadcast->inputs[0];
    struct batch *rows = NULL;
    snprintf(sending, sizeof sending, "broadcast for %s", what);
    BARKS_TRY(batch_create(context->pool, &input->record->schema, BATCH_ROWS, &rows));
    barks_status *status = compute(context, input, sending, rows);
    if (status == NULL)
        status = send(context, broadcast, rows, sending);
    batch_destroy(rows);
    if (status == NULL)
        return NULL;
    return barks_status_new(barks_status_code(status), status, BARKS_HERE,
                            "the side of the join at %s that every executor is to hold (.broadcast "
                            "= BARKS_NEVER exchanges both sides)",
                            broadcast->where);
}

barks_status *preparing_run(barks_context *context, struct node *node, const char *what)
{
    for (;;) {
        barks_status *status = NULL;
        struct node *found = find_unprepared(node, context->node_count, &status);
        BARKS_TRY(status);
        if (found == NULL)
            return NULL;
        BARKS_TRY(found->step.kind == STEP_BROADCAST ? broadcast_rows(context, found, what)
                                                     : sampling_run(context, found, what));
    }
}

barks_status *preparing_run_now(barks_context *context, struct node *node, const char *what)
{
    struct plan_basis basis = {0};
    barks_status *status = NULL;
    lock_acquire(&context->planning);
    do {
        barks_status_free(status);
        plan_basis_note(context, &basis);
        status = preparing_run(context, node, what);
    } while (plan_basis_has_changed(context, &basis, status));
    lock_release(&context->planning);
    return status;
}
