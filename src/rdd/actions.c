/* Actions: what brings an answer to the driver, or files to a directory. */
#include "rdd/action_frame.h"
#include "rdd/dataset.h"
#include "runtime/action.h"
#include "runtime/answer.h"

#include <inttypes.h>
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

int64_t barks_count_at(barks_rdd *rdd, const char *where)
{
    char what[ACTION_NAME_BYTES];
    uint64_t row_count = 0;
    action_name(what, "count", where);
    barks_context *context = action_context(rdd, what);
    if (context == NULL ||
        !action_is_done(context, answer_count(context, &rdd->node, what, &row_count)))
        return -1;
    return (int64_t)row_count;
}

void *barks_take_at(barks_rdd *rdd, int64_t n, const barks_record *record, int64_t *out_count,
                    const char *where)
{
    char what[ACTION_NAME_BYTES];
    void *rows = NULL;
    uint64_t row_count = 0;
    action_name(what, n == INT64_MAX ? "collect" : "take", where);
    barks_context *context = action_context(rdd, what);
    *out_count = 0;
    if (context == NULL || !action_is_done(context, answer_take(context, &rdd->node, n, record,
                                                                what, &rows, &row_count)))
        return NULL;
    *out_count = (int64_t)row_count;
    return rows;
}

void *barks_top_at(barks_rdd *rdd, int64_t n, const char *order, const barks_record *record,
                   int64_t *out_count, const char *where)
{
    char what[ACTION_NAME_BYTES];
    void *rows = NULL;
    uint64_t row_count = 0;
    struct sort_key *keys = NULL;
    uint32_t key_count = 0;
    action_name(what, "top", where);
    barks_context *context = action_context(rdd, what);
    *out_count = 0;
    if (context == NULL)
        return NULL;
    barks_status *status = rdd->node.error == NULL ? parse_order(order, &rdd->node.record->schema,
                                                                 where, &keys, &key_count)
                                                   : NULL;
    if (status == NULL)
        status =
            answer_top(context, &rdd->node, n, keys, key_count, record, what, &rows, &row_count);
    free(keys);
    if (!action_is_done(context, status))
        return NULL;
    *out_count = (int64_t)row_count;
    return rows;
}

void barks_release(barks_context *context, const void *rows)
{
    if (context != NULL && context == context_alive())
        context_release_rows(context, rows);
}

bool barks_reduce_at(barks_rdd *rdd, const barks_function *function, void *out, size_t out_bytes,
                     const char *where)
{
    char what[ACTION_NAME_BYTES];
    action_name(what, "reduce", where);
    barks_context *context = action_context(rdd, what);
    if (context == NULL)
        return false;
    if (out_bytes != function->in->size)
        return action_is_done(
            context, barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                      "%s: the result has %zu bytes and a struct %s has %zu", what,
                                      out_bytes, function->in->name, function->in->size));
    return action_is_done(context, answer_reduce(context, &rdd->node, function, what, out));
}

bool barks_foreach_at(barks_rdd *rdd, const barks_function *function, const void *env,
                      const char *where)
{
    char what[ACTION_NAME_BYTES];
    action_name(what, "foreach", where);
    barks_context *context = action_context(rdd, what);
    return context != NULL &&
           action_is_done(context, answer_foreach(context, &rdd->node, function, env, what));
}

bool barks_write_at(barks_rdd *rdd, const char *format, const char *path,
                    const barks_write_options *options, const char *where)
{
    char what[ACTION_NAME_BYTES], action[64];
    snprintf(action, sizeof action, "write %s", format);
    action_name(what, action, where);
    barks_context *context = action_context(rdd, what);
    if (context == NULL)
        return false;
    return action_is_done(
        context, answer_write(context, &rdd->node, format, path,
                              (int)(options->overwrite ? BARKS_OVERWRITE : options->mode), what));
}
