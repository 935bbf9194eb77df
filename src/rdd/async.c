/* Actions that run while the job goes on. */
#include "base/copy.h"
#include "rdd/action_frame.h"
#include "runtime/answer.h"
#include "runtime/future.h"

#include <stdlib.h>

/* An action on rdd that run does; NULL after the error is told. */
static struct barks_future *prepare(barks_rdd *rdd, const char *action, const char *where,
                                    barks_status *(*run)(struct barks_future *future))
{
    char what[ACTION_NAME_BYTES];
    action_name(what, action, where);
    barks_context *context = action_context(rdd, what);
    if (context == NULL)
        return NULL;
    struct barks_future *future = calloc(1, sizeof *future);
    if (future == NULL) {
        context_fail(context, barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                               "%s: no memory for an action", what));
        return NULL;
    }
    future->node = &rdd->node;
    future->run = run;
    action_name(future->what, action, where);
    return future;
}

static barks_status *run_count(struct barks_future *future)
{
    uint64_t row_count = 0;
    BARKS_TRY(answer_count(future->context, future->node, future->what, &row_count));
    future->count = (int64_t)row_count;
    return NULL;
}

barks_future *barks_count_async_at(barks_rdd *rdd, const char *where)
{
    struct barks_future *future = prepare(rdd, "count", where, run_count);
    return future != NULL ? future_start(rdd->context, future) : NULL;
}

static barks_status *run_take(struct barks_future *future)
{
    uint64_t row_count = 0;
    BARKS_TRY(answer_take(future->context, future->node, future->n, future->record, future->what,
                          &future->rows, &row_count));
    future->count = (int64_t)row_count;
    return NULL;
}

barks_future *barks_take_async_at(barks_rdd *rdd, int64_t n, const barks_record *record,
                                  const char *where)
{
    struct barks_future *future =
        prepare(rdd, n == INT64_MAX ? "collect" : "take", where, run_take);
    if (future == NULL)
        return NULL;
    future->n = n;
    future->record = record;
    return future_start(rdd->context, future);
}

static barks_status *run_foreach(struct barks_future *future)
{
    return answer_foreach(future->context, future->node, future->function, future->env,
                          future->what);
}

barks_future *barks_foreach_async_at(barks_rdd *rdd, const barks_function *function,
                                     const void *env, const char *where)
{
    struct barks_future *future = prepare(rdd, "foreach", where, run_foreach);
    if (future == NULL)
        return NULL;
    future->function = function;
    barks_status *status = env != NULL ? copy_bytes(env, function->env_size, &future->env) : NULL;
    if (!action_is_done(rdd->context, status)) {
        free(future);
        return NULL;
    }
    return future_start(rdd->context, future);
}

static barks_status *run_write(struct barks_future *future)
{
    return answer_write(future->context, future->node, future->format, future->path,
                        future->overwrite, future->what);
}

barks_future *barks_write_async_at(barks_rdd *rdd, const char *format, const char *path,
                                   const barks_write_options *options, const char *where)
{
    struct barks_future *future = prepare(rdd, "write", where, run_write);
    if (future == NULL)
        return NULL;
    future->format = format;
    future->overwrite = options->overwrite;
    if (!action_is_done(rdd->context, copy_text(path, &future->path))) {
        free(future);
        return NULL;
    }
    return future_start(rdd->context, future);
}
