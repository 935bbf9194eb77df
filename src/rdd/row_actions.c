/* Actions that bring some rows, or one value of all, to the driver. */
#include "base/buffer.h"
#include "base/scope.h"
#include "batch/bind.h"
#include "batch/value_text.h"
#include "rdd/action_frame.h"
#include "runtime/answer.h"
#include "runtime/kept_state.h"
#include "runtime/row_answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static barks_status *run_is_empty(struct action *action)
{
    struct batch *rows = NULL;
    BARKS_TRY(answer_take_rows(action->context, action->node, 1, action->what, &rows));
    action->count = rows->base.row_count == 0;
    batch_destroy(rows);
    return NULL;
}

int barks_is_empty_at(barks_rdd *rdd, const char *where)
{
    struct action action = action_of(rdd, "is_empty", where, run_is_empty);
    return action_perform(&action) ? (int)action.count : -1;
}

static barks_status *run_first(struct action *action)
{
    struct batch *batch = NULL;
    BARKS_TRY(answer_take_rows(action->context, action->node, 1, action->what, &batch));
    if (batch->base.row_count > 0)
        return action_take_batch(action, batch);
    batch_destroy(batch);
    BARKS_FAIL(BARKS_INVALID, "%s: empty dataset: there is no first row", action->what);
}

void *barks_first_at(barks_rdd *rdd, const barks_record *record, const char *where)
{
    struct action action = action_of(rdd, "first", where, run_first);
    action.record = record;
    return action_give(&action, NULL);
}

static barks_status *run_take_sample(struct action *action)
{
    struct batch *batch = NULL;
    BARKS_TRY(answer_sample(action->context, action->node, (uint64_t)action->n, action->mode != 0,
                            action->seed, action->what, &batch));
    return action_take_batch(action, batch);
}

void *barks_take_sample_at(barks_rdd *rdd, int64_t n, const barks_record *record,
                           int64_t *out_count, const barks_sample_options *options,
                           const char *where)
{
    struct action action = action_of(rdd, "take_sample", where, run_take_sample);
    action.n = n;
    action.record = record;
    action.mode = options->with_replacement;
    action.seed = options->seed;
    if (action.status == NULL && n < 0)
        action.status =
            barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                             "%s: the number of rows is %" PRId64 ", below 0", action.what, n);
    return action_give(&action, out_count);
}

/* Columns of the rows that are called as the fields of the key's record, and of their types. */
BARKS_CHECKED static barks_status *bind_key(const barks_rdd *rdd, const barks_record *key_record,
                                            const char *what, uint32_t **out_columns)
{
    BARKS_TRY(node_error(&rdd->node));
    uint32_t *columns = calloc((size_t)key_record->schema.field_count + 1, sizeof *columns);
    if (columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for columns", what);
    barks_status *status = bind_columns(&rdd->node.record->schema, &key_record->schema,
                                        key_record->name, what, columns);
    if (status != NULL) {
        free(columns);
        return status;
    }
    *out_columns = columns;
    return NULL;
}

static barks_status *run_lookup(struct action *action)
{
    struct batch *batch = NULL;
    BARKS_TRY(answer_lookup(action->context, action->node, action->columns, action->given_record,
                            action->given, action->what, &batch));
    return action_take_batch(action, batch);
}

void *barks_lookup_at(barks_rdd *rdd, const barks_record *key_record, const void *key,
                      const barks_record *record, int64_t *out_count, const char *where)
{
    struct action action = action_of(rdd, "lookup", where, run_lookup);
    action.record = record;
    if (action.context != NULL && action.status == NULL)
        action.status = bind_key(action.rdd, key_record, action.what, &action.columns);
    action_copy_struct(&action, key_record, key);
    return action_give(&action, out_count);
}

barks_status *action_name_keys(barks_status *status)
{
    if (status == NULL || barks_status_code(status) != BARKS_LIMIT)
        return status;
    return barks_status_new(BARKS_LIMIT, status, BARKS_HERE,
                            "too many keys for the driver; barks_reduce_by_key and "
                            "barks_aggregate leave them on the executors");
}

/* mode: there may be too many because of what was asked. */
static barks_status *run_map(struct action *action)
{
    struct batch *all = NULL, *last = NULL;
    barks_status *status = answer_collect(action->context, action->node, action->what, &all);
    BARKS_TRY(action->mode != 0 ? action_name_keys(status) : status);
    BARKS_TRY(
        answer_last_of_keys(action->context, all, action->columns, action->column_count, &last));
    return action_take_batch(action, last);
}

void *barks_collect_as_map_at(barks_rdd *rdd, const char *keys, const barks_record *record,
                              int64_t *out_count, const char *where)
{
    struct action action = action_of(rdd, "collect_as_map", where, run_map);
    action.record = record;
    action_parse_keys(&action, keys, where);
    return action_give(&action, out_count);
}

/* ---- counts by key ---- */

barks_status *action_all_fields(const struct action *action, char **out_text)
{
    const barks_schema *schema = &action->node->record->schema;
    size_t bytes = 1;
    for (uint32_t i = 0; i < schema->field_count; i++)
        bytes += strlen(schema->fields[i].name) + 2;
    char *text = calloc(1, bytes);
    if (text == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for the fields", action->what);
    size_t used = 0;
    for (uint32_t i = 0; i < schema->field_count; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s%s", i > 0 ? ", " : "",
                                 schema->fields[i].name);
    *out_text = text;
    return NULL;
}

/* Counts of the action's rows by keys, as rows that it brings. */
static void *count_by(struct action *action, const char *keys, int64_t *out_count,
                      const char *where)
{
    if (action->context != NULL && action->status == NULL) {
        barks_rdd *counts = barks_aggregate_at(action->rdd, keys, "count() as count",
                                               &(barks_exchange_options){0}, where);
        action->node = &counts->node;
        action->status = node_error(&counts->node);
    }
    action->mode = true;
    action_parse_keys(action, keys, where);
    return action_give(action, out_count);
}

void *barks_count_by_key_at(barks_rdd *rdd, const char *keys, const barks_record *record,
                            int64_t *out_count, const char *where)
{
    struct action action = action_of(rdd, "count_by_key", where, run_map);
    action.record = record;
    return count_by(&action, keys, out_count, where);
}

void *barks_count_by_value_at(barks_rdd *rdd, const barks_record *record, int64_t *out_count,
                              const char *where)
{
    char *keys = NULL;
    struct action action = action_of(rdd, "count_by_value", where, run_map);
    action.record = record;
    if (action.context != NULL && action.status == NULL)
        action.status = action_all_fields(&action, &keys);
    void *rows = count_by(&action, keys, out_count, where);
    free(keys);
    return rows;
}

/* ---- a table ---- */

static barks_status *run_show(struct action *action)
{
    struct batch *rows = NULL;
    BARKS_AUTO(buffer) text = {.limit_bytes = UINT32_MAX};
    BARKS_TRY(answer_take_rows(action->context, action->node, action->n, action->what, &rows));
    barks_status *status = batch_print(&rows->base, UINT32_MAX, &text);
    batch_destroy(rows);
    return status != NULL ? status : print_text(action->what, text.data, text.size_bytes);
}

bool barks_show_at(barks_rdd *rdd, int64_t n, const char *where)
{
    struct action action = action_of(rdd, "show", where, run_show);
    action.n = n;
    return action_perform(&action);
}

/* ---- partition by partition ---- */

struct barks_iterator {
    barks_rdd *rdd;
    barks_rdd *own;     /* kept for the iterator's life; NULL: none */
    uint32_t partition; /* the next one */
    void *rows;         /* of the last one; the context's */
    bool failed;
    char what[ACTION_NAME_BYTES];
};

barks_iterator *barks_iterate_at(barks_rdd *rdd, const barks_record *record, const char *where)
{
    char what[ACTION_NAME_BYTES];
    action_name(what, "iterate", where);
    barks_context *context = action_context(rdd, what);
    if (context == NULL || !action_is_done(context, node_error(&rdd->node)))
        return NULL;
    barks_iterator *iterator = calloc(1, sizeof *iterator);
    barks_status *status = NULL;
    if (iterator == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "%s: no memory", what);
    if (status == NULL)
        status = check_fields(rdd, record, record->name, what);
    if (!action_is_done(context, status)) {
        free(iterator);
        return NULL;
    }
    iterator->rdd = rdd;
    memcpy(iterator->what, what, sizeof what);
    bool is_dear = rdd->node.is_above_exchange || rdd->node.is_above_together;
    if (is_dear && rdd->node.step.kind != STEP_KEEP) {
        iterator->own = dataset_create(context, STEP_KEEP, &rdd, 1, where);
        iterator->own->node.record = rdd->node.record;
        iterator->own->node.partition_count = rdd->node.partition_count;
        iterator->rdd = barks_persist_at(
            iterator->own, &(barks_persist_options){.level = BARKS_MEMORY_AND_DISK}, where);
        uint64_t row_count = 0; /* computes all of it */
        iterator->failed = !action_is_done(
            context, answer_count(context, &iterator->rdd->node, iterator->what, &row_count));
    }
    return iterator;
}

/* Takes status, and rows where that is NULL. */
static void *give(barks_context *context, barks_status *status, struct batch *batch,
                  const barks_record *record, const char *what, int64_t *out_count)
{
    void *rows = NULL;
    int64_t count = status == NULL ? batch->base.row_count : 0;
    if (status == NULL)
        status = answer_give_rows(context, batch, record, what, &rows);
    if (!action_is_done(context, status))
        return NULL;
    *out_count = count;
    return rows;
}

void *barks_next_rows_at(barks_iterator *iterator, const barks_record *record, int64_t *out_count)
{
    *out_count = 0;
    if (iterator == NULL || iterator->failed)
        return NULL;
    barks_context *context = iterator->rdd->context;
    if (iterator->rows != NULL)
        context_release_rows(context, iterator->rows);
    iterator->rows = NULL;
    struct node *node = &iterator->rdd->node;
    while (iterator->rows == NULL && iterator->partition < node->partition_count) {
        struct batch *batch = NULL;
        barks_status *status =
            answer_partition(context, node, iterator->partition++, iterator->what, &batch);
        if (status == NULL && batch->base.row_count == 0) {
            batch_destroy(batch);
            continue;
        }
        iterator->rows = give(context, status, batch, record, iterator->what, out_count);
        iterator->failed = iterator->rows == NULL;
        if (iterator->failed)
            break;
    }
    return iterator->rows;
}

bool barks_iterator_end(barks_iterator *iterator)
{
    if (iterator == NULL)
        return false;
    bool is_well = !iterator->failed;
    if (iterator->own != NULL && iterator->own->context == context_alive())
        barks_unpersist_at(iterator->own, iterator->what);
    if (iterator->rows != NULL && iterator->rdd->context == context_alive())
        context_release_rows(iterator->rdd->context, iterator->rows);
    free(iterator);
    return is_well;
}

/* ---- folds ---- */

/* One accumulator for each partition, of which executors merge as many as make the partitions of
 * the next step. */
static barks_rdd *merge_tree(barks_rdd *rdd, const barks_function *merge, uint32_t depth,
                             const char *where)
{
    uint32_t scale = 2;
    uint64_t reach = 2;
    while (reach < rdd->node.partition_count) { /* the smallest whose depth-th power reaches */
        reach = 1;
        for (uint32_t i = 0; i < depth && reach < rdd->node.partition_count; i++)
            reach *= scale;
        scale += reach < rdd->node.partition_count;
    }
    while (rdd->node.partition_count > scale) {
        uint32_t count = (rdd->node.partition_count + scale - 1) / scale;
        barks_rdd *moved = dataset_exchange(rdd, PARTITION_ONE, count, where);
        rdd = dataset_create(rdd->context, STEP_COMBINE, &moved, 1, where);
        rdd->node.record = merge->in;
        rdd->node.partition_count = count;
        rdd->node.step.function = merge;
    }
    return rdd;
}

/* The rows folded in each partition: as a dataset. zero: NULL: a reduce. */
static barks_rdd *fold_partitions(barks_rdd *rdd, const barks_function *function,
                                  const barks_record *record, const void *zero, const char *where)
{
    barks_rdd *folded = dataset_create(rdd->context, STEP_COMBINE, &rdd, 1, where);
    if (folded->context == NULL)
        return folded;
    folded->node.record = record;
    folded->node.partition_count = rdd->node.partition_count;
    folded->node.step.function = function;
    if (folded->node.error != NULL)
        return folded;
    barks_status *status = check_fields(rdd, function->in, function->name, where);
    if (status == NULL && zero != NULL)
        status = step_set_initial(&folded->node.step, record, zero, rdd->context->pool);
    return status != NULL ? dataset_fail(folded, status) : folded;
}

static barks_status *run_fold(struct action *action)
{
    return answer_fold(action->context, action->node, action->function, action->merge,
                       action->given, action->what, action->out);
}

bool barks_fold_at(barks_rdd *rdd, const barks_function *update, const barks_function *merge,
                   const void *zero, void *out, size_t out_bytes, uint32_t depth, const char *where)
{
    struct action action = action_of(rdd, update != NULL ? "aggregate" : "fold", where, run_fold);
    action.function = update;
    action.merge = merge;
    action.out = out;
    if (action.status == NULL && out_bytes != merge->in->size)
        action.status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                         "%s: zero and result must be a struct %s, of %zu bytes",
                                         action.what, merge->in->name, merge->in->size);
    if (action.context != NULL && action.status == NULL && depth > 1 && update != NULL &&
        update->env_size == 0 && merge->env_size == 0) {
        action.rdd = merge_tree(fold_partitions(action.rdd, update, merge->in, zero, where), merge,
                                depth, where);
        action.node = &action.rdd->node;
        action.function = NULL;
    }
    action_copy_struct(&action, merge->in, zero);
    return action_perform(&action);
}

bool barks_tree_reduce_at(barks_rdd *rdd, const barks_function *function, uint32_t depth, void *out,
                          size_t out_bytes, const char *where)
{
    struct action action = action_of(rdd, "reduce", where, NULL);
    if (depth > 1 && function->env_size == 0 && action.context != NULL && action.status == NULL) {
        action.rdd = merge_tree(fold_partitions(action.rdd, function, function->in, NULL, where),
                                function, depth, where);
        action.node = &action.rdd->node;
    }
    return action_reduce(&action, function, out, out_bytes);
}
