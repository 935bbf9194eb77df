/* Actions: what brings an answer to the driver, or files to a directory. */
#include "base/copy.h"
#include "rdd/action_frame.h"
#include "runtime/answer.h"

#include <stdio.h>
#include <string.h>

static barks_status *run_count(struct action *action)
{
    uint64_t row_count = 0;
    BARKS_TRY(answer_count(action->context, action->node, action->what, &row_count));
    action->count = (int64_t)row_count;
    return NULL;
}

int64_t barks_count_at(barks_rdd *rdd, const char *where)
{
    struct action action = action_of(rdd, "count", where, run_count);
    return action_perform(&action) ? action.count : -1;
}

static barks_status *run_take(struct action *action)
{
    struct batch *batch = NULL;
    BARKS_TRY(answer_take_rows(action->context, action->node, action->n, action->what, &batch));
    return action_take_batch(action, batch);
}

void *barks_take_at(barks_rdd *rdd, int64_t n, const barks_record *record, int64_t *out_count,
                    const char *where)
{
    struct action action = action_of(rdd, n == INT64_MAX ? "collect" : "take", where, run_take);
    action.n = n;
    action.record = record;
    return action_give(&action, out_count);
}

static barks_status *run_top(struct action *action)
{
    struct batch *batch = NULL;
    BARKS_TRY(answer_top_rows(action->context, action->node, action->n, action->order,
                              action->order_count, action->what, &batch));
    return action_take_batch(action, batch);
}

void *barks_top_at(barks_rdd *rdd, int64_t n, const char *order, const barks_record *record,
                   int64_t *out_count, const char *where)
{
    struct action action = action_of(rdd, "top", where, run_top);
    action.n = n;
    action.record = record;
    action_parse_order(&action, order, where);
    return action_give(&action, out_count);
}

void barks_release(barks_context *context, const void *rows)
{
    if (context != NULL && context == context_alive())
        context_release_rows(context, rows);
}

static barks_status *run_reduce(struct action *action)
{
    return answer_reduce(action->context, action->node, action->function, action->what,
                         action->out);
}

bool action_reduce(struct action *action, const barks_function *function, void *out,
                   size_t out_bytes)
{
    action->run = run_reduce;
    action->function = function;
    action->out = out;
    if (action->status == NULL && out_bytes != function->in->size)
        action->status = barks_status_new(
            BARKS_INVALID, NULL, BARKS_HERE, "%s: the result has %zu bytes and a struct %s has %zu",
            action->what, out_bytes, function->in->name, function->in->size);
    return action_perform(action);
}

bool barks_reduce_at(barks_rdd *rdd, const barks_function *function, void *out, size_t out_bytes,
                     const char *where)
{
    struct action action = action_of(rdd, "reduce", where, run_reduce);
    return action_reduce(&action, function, out, out_bytes);
}

static barks_status *run_foreach(struct action *action)
{
    return answer_foreach(action->context, action->node, action->function, action->env,
                          action->what);
}

bool barks_foreach_at(barks_rdd *rdd, const barks_function *function, const void *env,
                      const char *where)
{
    struct action action = action_of(rdd, "foreach", where, run_foreach);
    action.function = function;
    action_copy_env(&action, function, env);
    return action_perform(&action);
}

static barks_status *run_write(struct action *action)
{
    return answer_write(action->context, action->node, action->format, action->path, action->mode,
                        action->what);
}

bool barks_write_at(barks_rdd *rdd, const char *format, const char *path,
                    const barks_write_options *options, const char *where)
{
    char name[64];
    snprintf(name, sizeof name, "write %s", format);
    struct action action = action_of(rdd, name, where, run_write);
    action.mode = (int)(options->overwrite ? BARKS_OVERWRITE : options->mode);
    if (action.status == NULL)
        action.status = copy_text(format, &action.format);
    if (action.status == NULL)
        action.status = copy_text(path, &action.path);
    return action_perform(&action);
}
