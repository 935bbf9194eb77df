#include "rdd/action_frame.h"

#include "base/copy.h"
#include "runtime/answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

barks_context *action_context(const barks_rdd *rdd, const char *what)
{
    barks_context *alive = context_alive();
    if (alive == NULL)
        fprintf(stderr, "barks: %s: after barks_finalize nothing can run; move it before\n", what);
    else if (rdd->context != alive)
        context_fail(alive,
                     barks_status_new(
                         BARKS_NO_MEMORY, NULL, BARKS_HERE,
                         "%s: the dataset could not be made: no memory, or another context", what));
    return rdd->context == alive ? alive : NULL;
}

void action_name(char *what, const char *action, const char *where)
{
    snprintf(what, ACTION_NAME_BYTES, "%s at %s", action, where);
}

bool action_is_done(barks_context *context, barks_status *status)
{
    if (status != NULL)
        context_fail(context, status);
    return status == NULL;
}

/* ---- beginnings ---- */

barks_rdd *barks_later_(barks_rdd *rdd)
{
    barks_context *context = context_alive();
    if (context == NULL || rdd->context != context)
        return rdd; /* no action on it runs */
    barks_rdd *later = calloc(1, sizeof *later);
    future_begin();
    if (later == NULL) {
        context_fail(context, barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                               "no memory for an asynchronous action"));
        return dataset_none();
    }
    *later = (barks_rdd){.context = context, .later_of = rdd};
    return later;
}

struct action action_of(barks_rdd *rdd, const char *name, const char *where,
                        barks_status *(*run)(struct action *action))
{
    struct action action = {.run = run, .is_async = rdd->later_of != NULL};
    if (action.is_async) {
        barks_rdd *later = rdd;
        rdd = later->later_of;
        free(later);
    }
    action_name(action.what, name, where);
    action.context = action_context(rdd, action.what);
    action.rdd = rdd;
    action.node = &rdd->node;
    if (action.context != NULL)
        action.status = node_error(&rdd->node);
    return action;
}

/* ---- what they are given ---- */

static bool may_go_on(const struct action *action)
{
    return action->context != NULL && action->status == NULL;
}

void action_parse_keys(struct action *action, const char *keys, const char *where)
{
    if (may_go_on(action))
        action->status = parse_keys(keys, &action->node->record->schema, where, &action->columns,
                                    &action->column_count);
}

void action_parse_order(struct action *action, const char *order, const char *where)
{
    if (may_go_on(action))
        action->status = parse_order(order, &action->node->record->schema, where, &action->order,
                                     &action->order_count);
}

void action_parse_column(struct action *action, const char *column, const char *where)
{
    action_parse_keys(action, column, where);
    if (may_go_on(action) && action->column_count != 1)
        action->status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                          "%s: wants one field, not '%s'", action->what, column);
}

void action_copy_values(struct action *action, const double *values, uint32_t count)
{
    if (!may_go_on(action))
        return;
    action->value_count = count;
    action->status = copy_bytes(values, count * sizeof *values, (void **)&action->values);
}

void action_copy_struct(struct action *action, const barks_record *record, const void *given)
{
    struct batch *batch = NULL;
    if (!may_go_on(action))
        return;
    action->given_record = record;
    action->status = context_copy_rows(action->context, record, given, 1, &batch);
    if (action->status == NULL)
        action->status =
            answer_give_rows(action->context, batch, record, action->what, &action->given);
}

void action_copy_env(struct action *action, const barks_function *function, const void *env)
{
    if (may_go_on(action) && env != NULL)
        action->status = copy_bytes(env, function->env_size, &action->env);
}

/* ---- ends ---- */

barks_status *print_text(const char *what, const void *text, size_t size_bytes)
{
    errno = 0;
    if (fwrite(text, 1, size_bytes, stdout) == size_bytes && fflush(stdout) == 0)
        return NULL;
    BARKS_FAIL(BARKS_IO, "%s: cannot write to the standard output: %s", what,
               errno != 0 ? strerrordesc_np(errno) : "it takes no more");
}

barks_status *action_take_batch(struct action *action, struct batch *batch)
{
    int64_t count = batch->base.row_count;
    BARKS_TRY(
        answer_give_rows(action->context, batch, action->record, action->what, &action->rows));
    action->count = count;
    return NULL;
}

void *action_give(struct action *action, int64_t *out_count)
{
    bool is_well = action_perform(action);
    if (out_count != NULL)
        *out_count = is_well ? action->count : 0;
    return is_well ? action->rows : NULL;
}
