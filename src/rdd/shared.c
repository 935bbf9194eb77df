/* Accumulators and broadcast values, as jobs see them. */
#include "barks/shared.h"

#include "exec/task_info.h"
#include "rdd/action_frame.h"
#include "runtime/accumulators.h"
#include "runtime/action.h"
#include "runtime/answer.h"
#include "runtime/shared_values.h"
#include "runtime/shipping.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- accumulators ---- */

static barks_accumulator make(barks_context *context, const char *name, enum accumulator_kind kind,
                              const barks_function *function, struct batch *rows)
{
    uint32_t id = 0;
    if (context == NULL || context != context_alive()) {
        batch_destroy(rows);
        return (barks_accumulator){0};
    }
    lock_acquire(&context->planning);
    barks_status *status = accumulators_add(context, name, kind, function, rows, &id);
    lock_release(&context->planning);
    if (!action_is_done(context, status))
        return (barks_accumulator){0};
    return (barks_accumulator){.id = id, .kind = kind};
}

barks_accumulator barks_counter(barks_context *context, const char *name)
{
    return make(context, name, ACCUMULATOR_SUM, NULL, NULL);
}

barks_accumulator barks_least(barks_context *context, const char *name)
{
    return make(context, name, ACCUMULATOR_MIN, NULL, NULL);
}

barks_accumulator barks_greatest(barks_context *context, const char *name)
{
    return make(context, name, ACCUMULATOR_MAX, NULL, NULL);
}

barks_accumulator barks_real_sum(barks_context *context, const char *name)
{
    return make(context, name, ACCUMULATOR_REAL, NULL, NULL);
}

barks_accumulator barks_real_least(barks_context *context, const char *name)
{
    return make(context, name, ACCUMULATOR_REAL_MIN, NULL, NULL);
}

barks_accumulator barks_real_greatest(barks_context *context, const char *name)
{
    return make(context, name, ACCUMULATOR_REAL_MAX, NULL, NULL);
}

barks_accumulator barks_text_list(barks_context *context, const char *name)
{
    return make(context, name, ACCUMULATOR_TEXTS, NULL, NULL);
}

BARKS_CHECKED static barks_status *check_struct(const char *where, const barks_record *record,
                                                size_t bytes)
{
    if (bytes != record->size)
        BARKS_FAIL(BARKS_INVALID, "%s: a value of %zu bytes, and a struct %s has %zu", where, bytes,
                   record->name, record->size);
    return NULL;
}

barks_accumulator barks_accumulator_of_at(barks_context *context, const char *name,
                                          const barks_function *function, const void *zero,
                                          size_t zero_bytes, const char *where)
{
    struct batch *rows = NULL;
    if (context == NULL || context != context_alive())
        return (barks_accumulator){0};
    barks_status *status = check_struct(where, function->in, zero_bytes);
    if (status == NULL && function->env_size > 0)
        status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                  "%s: '%s' wants an env, which accumulators do not give", where,
                                  function->name);
    if (status == NULL)
        status = context_copy_rows(context, function->in, zero, 1, &rows);
    if (!action_is_done(context, status))
        return (barks_accumulator){0};
    return make(context, name, ACCUMULATOR_USER, function, rows);
}

static int64_t no_value(uint32_t kind)
{
    return kind == ACCUMULATOR_MIN ? INT64_MAX : kind == ACCUMULATOR_MAX ? INT64_MIN : 0;
}

int64_t barks_counter_value(barks_context *context, barks_accumulator accumulator)
{
    int64_t value = no_value(accumulator.kind);
    if (context == NULL || context != context_alive())
        return value;
    lock_acquire(&context->planning);
    const struct accumulator *found = accumulators_find(context, accumulator.id, accumulator.kind);
    if (found != NULL)
        value = accumulator_integer(found);
    lock_release(&context->planning);
    return value;
}

double barks_real_value(barks_context *context, barks_accumulator accumulator)
{
    double value = accumulated_number_of((enum accumulator_kind)accumulator.kind).extreme;
    if (context == NULL || context != context_alive())
        return value;
    lock_acquire(&context->planning);
    const struct accumulator *found = accumulators_find(context, accumulator.id, accumulator.kind);
    if (found != NULL)
        value = found->kind == ACCUMULATOR_REAL ? barks_sum_value(&found->number.real)
                                                : found->number.extreme;
    lock_release(&context->planning);
    return value;
}

/* The structs of an accumulator's rows, made when they are asked for first. */
BARKS_CHECKED static barks_status *structs_of(struct accumulator *found, const barks_record *record)
{
    if (found->structs != NULL)
        return NULL;
    const barks_column **columns =
        calloc((size_t)record->schema.field_count + 1, sizeof(const barks_column *));
    uint32_t row_count = found->rows != NULL ? found->rows->base.row_count : 0;
    void *structs = calloc((size_t)row_count + 1, record->size);
    if (columns == NULL || structs == NULL) {
        free(columns);
        free(structs);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the value of the accumulator '%s'", found->name);
    }
    for (uint32_t i = 0; i < record->schema.field_count && row_count > 0; i++)
        columns[i] = &found->rows->base.columns[i];
    if (row_count > 0)
        record->from_columns(columns, NULL, row_count, structs);
    free(columns);
    found->structs = structs;
    return NULL;
}

/* A text's record has one field, so an array of its structs is one of strings. */
_Static_assert(sizeof(struct barks_text) == sizeof(barks_str), "");

const barks_str *barks_texts_value(barks_context *context, barks_accumulator accumulator,
                                   int64_t *out_count)
{
    const barks_str *texts = NULL;
    barks_status *status = NULL;
    *out_count = 0;
    if (context == NULL || context != context_alive())
        return NULL;
    lock_acquire(&context->planning);
    struct accumulator *found = accumulators_find(context, accumulator.id, ACCUMULATOR_TEXTS);
    if (found != NULL)
        status = structs_of(found, &barks_record_barks_text);
    if (found != NULL && status == NULL) {
        texts = found->structs;
        *out_count = found->rows != NULL ? found->rows->base.row_count : 0;
    }
    lock_release(&context->planning);
    (void)action_is_done(context, status); /* tells the error; there is no more to say */
    return texts;
}

bool barks_accumulator_value_at(barks_context *context, barks_accumulator accumulator, void *out,
                                size_t out_bytes, const char *where)
{
    if (context == NULL || context != context_alive())
        return false;
    barks_status *status = NULL;
    lock_acquire(&context->planning);
    struct accumulator *found = accumulators_find(context, accumulator.id, ACCUMULATOR_USER);
    if (found == NULL)
        status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                  "%s: this is no accumulator of barks_accumulator_of", where);
    if (found != NULL)
        status = check_struct(where, found->function->in, out_bytes);
    if (found != NULL && status == NULL)
        status = structs_of(found, found->function->in);
    if (found != NULL && status == NULL)
        memcpy(out, found->structs, out_bytes);
    lock_release(&context->planning);
    return action_is_done(context, status);
}

/* ---- broadcast values ---- */

barks_broadcast barks_broadcast_at(barks_context *context, const barks_record *record,
                                   const void *rows, size_t row_count, const char *where)
{
    char what[ACTION_NAME_BYTES];
    struct batch *batch = NULL;
    barks_broadcast broadcast = {0};
    action_name(what, "broadcast", where);
    if (context == NULL || context != context_alive())
        return broadcast;
    barks_status *status = context_copy_rows(context, record, rows, row_count, &batch);
    if (status == NULL)
        status = shared_values_send(context, batch, what, true, &broadcast.id);
    batch_destroy(batch);
    (void)action_is_done(context, status); /* tells the error; there is no more to say */
    return broadcast;
}

barks_broadcast barks_broadcast_rdd_at(barks_rdd *rdd, const char *where)
{
    char what[ACTION_NAME_BYTES];
    struct batch *batch = NULL;
    barks_broadcast broadcast = {0};
    action_name(what, "broadcast", where);
    barks_context *context = action_context(rdd, what);
    if (context == NULL)
        return broadcast;
    barks_status *status = answer_collect(context, &rdd->node, what, &batch);
    if (status == NULL)
        status = shared_values_send(context, batch, what, true, &broadcast.id);
    batch_destroy(batch);
    (void)action_is_done(context, status); /* tells the error; there is no more to say */
    return broadcast;
}

barks_broadcast barks_all_reduce_at(barks_rdd *rdd, const barks_function *function,
                                    const char *where)
{
    char what[ACTION_NAME_BYTES];
    struct batch *batch = NULL;
    barks_broadcast broadcast = {0};
    action_name(what, "all_reduce", where);
    barks_context *context = action_context(rdd, what);
    if (context == NULL)
        return broadcast;
    void *row = calloc(1, function->in->size + 1);
    barks_status *status = NULL;
    if (row == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "%s: no memory", what);
    if (status == NULL)
        status = answer_reduce(context, &rdd->node, function, what, row);
    if (status == NULL)
        status = context_copy_rows(context, function->in, row, 1, &batch);
    if (status == NULL)
        status = shared_values_send(context, batch, what, true, &broadcast.id);
    batch_destroy(batch);
    free(row);
    (void)action_is_done(context, status); /* tells the error; there is no more to say */
    return broadcast;
}

void barks_destroy(barks_context *context, barks_broadcast broadcast)
{
    if (context == NULL || context != context_alive() || broadcast.id == 0)
        return;
    lock_acquire(&context->planning);
    barks_status *status = shared_values_drop(context, broadcast.id);
    lock_release(&context->planning);
    (void)action_is_done(context, status); /* tells the error; there is no more to say */
}

/* ---- files ---- */

bool barks_ship_at(barks_context *context, const char *path, const char *where)
{
    char what[ACTION_NAME_BYTES];
    action_name(what, "ship", where);
    if (context == NULL || context != context_alive())
        return false;
    return action_is_done(context, shipping_send(context, path, what));
}

const char *barks_shipped(const char *name)
{
    const barks_context *context = context_alive();
    if (barks_task() != NULL)
        return task_shipped(name);
    return context != NULL ? shipping_find(context, name) : NULL;
}
