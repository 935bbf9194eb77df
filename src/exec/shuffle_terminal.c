/* Rows into a shuffle: through a combine table where the plan has one, into buckets, into the
 * exchange. */
#include "base/pack.h"
#include "base/pool.h"
#include "exec/chooser.h"
#include "exec/combine_operator.h"
#include "exec/comparator.h"
#include "exec/key_windows.h"
#include "exec/memory_share.h"
#include "exec/operator.h"
#include "shuffle/buckets.h"
#include "shuffle/exchange.h"
#include "shuffle/hot_watch.h"
#include "shuffle/key_collector.h"
#include "shuffle/row_filter.h"

#include <inttypes.h>
#include <stdlib.h>

/* A table of slots that a second-level cache holds is faster than an array that it does not. */
static const uint64_t array_bytes_min = UINT64_C(4) << 20;

struct shuffle_terminal {
    struct operator base;
    const struct terminal *plan;
    struct buckets *buckets;
    struct combine *table; /* NULL: rows go to the buckets as they are */
    bool passes;           /* combining did not pay: rows become accumulators one by one */
    struct combine_binding binding;
    struct chooser chooser;      /* PARTITION_CHOSEN */
    struct range_chooser ranges; /* PARTITION_RANGE by a function */
    struct hot_watch *watch;     /* of plan->finds_hot_keys */
    struct key_collector *keys;  /* FILTER_COLLECTS */
    struct row_filter *filter;   /* FILTER_TESTS, of a filter that can drop something */
    struct batch *kept;          /* rows that it has not dropped; NULL before there are any */
    const uint64_t *firsts;      /* PARTITION_PLACE: of the partitions that rows come from */
    uint64_t place;              /* PARTITION_PLACE: of the next row */
};

static void shuffle_destroy(struct operator* self)
{
    struct shuffle_terminal *op = (struct shuffle_terminal *)self;
    combine_destroy(op->table);
    combine_binding_drop(&op->binding);
    buckets_destroy(op->buckets);
    hot_watch_destroy(op->watch);
    key_collector_destroy(op->keys);
    row_filter_destroy(op->filter);
    batch_destroy(op->kept);
    chooser_drop(&op->chooser);
    range_chooser_drop(&op->ranges);
    free(op);
}

static barks_status *emit_frame(void *context, uint32_t partition, struct batch *batch)
{
    struct shuffle_terminal *op = context;
    const struct task_spec *spec = op->base.task->spec;
    return exchange_add(op->base.task->services->exchange, op->plan->shuffle, spec->task,
                        spec->attempt, partition, op->plan->owners[partition], batch);
}

static barks_status *drained(void *context, struct batch *batch)
{
    return buckets_add(((struct shuffle_terminal *)context)->buckets, batch);
}

/* Where memory is used up the table goes on its way before more rows come, and with it what lies in
 * the buckets, which would keep its strings. */
BARKS_CHECKED static barks_status *make_room(struct shuffle_terminal *op, const struct batch *batch)
{
    if (memory_claim(op->base.task, batch) || combine_row_count(op->table) == 0)
        return NULL;
    BARKS_TRY(combine_drain(op->table, false, drained, op));
    BARKS_TRY(buckets_flush(op->buckets));
    (void)memory_claim(op->base.task, batch); /* else it takes what there is */
    return NULL;
}

/* A table that has outgrown its share of the budget is emptied into the buckets and begins anew;
 * one in which nearly every row has a key of its own is not worth its cost, and rows pass it from
 * then on. */
BARKS_CHECKED static barks_status *look_at_table(struct shuffle_terminal *op)
{
    bool is_useless = combine_is_useless(op->table);
    if (!is_useless && !combine_is_full(op->table))
        return NULL;
    op->passes = is_useless;
    BARKS_TRY(combine_drain(op->table, false, drained, op));
    return pool_is_tight(op->base.task->services->pool) ? buckets_flush(op->buckets) : NULL;
}

/* ---- by place: step STEP_NUMBER, whose bytes are as plan/node.h says ---- */

static uint32_t partitions_from(const struct terminal *plan)
{
    size_t count = plan->step.size_bytes / sizeof(uint64_t);
    return count > plan->partition_count ? (uint32_t)(count - plan->partition_count - 1) : 0;
}

BARKS_CHECKED static barks_status *open_places(struct shuffle_terminal *op)
{
    uint32_t count = pipeline_partition_count(op->base.task->spec->pipeline);
    if (op->plan->step.bytes == NULL || partitions_from(op->plan) != count)
        BARKS_FAIL(BARKS_INTERNAL, "rows of %u partitions are dealt by the places of %u", count,
                   partitions_from(op->plan));
    op->firsts = (const uint64_t *)(const void *)op->plan->step.bytes;
    return NULL;
}

/* The partitions have been counted before, and must still be what they were. */
static barks_status *shuffle_end(struct operator* self)
{
    struct shuffle_terminal *op = (struct shuffle_terminal *)self;
    if (op->firsts == NULL)
        return NULL;
    uint32_t partition = self->task->partition;
    uint64_t begin = op->firsts[partition], end = op->firsts[partition + 1];
    if (op->place == end)
        return NULL;
    BARKS_FAIL(BARKS_INVALID,
               "partition %u has %" PRIu64 " rows, and had %" PRIu64
               " when they were counted: the dataset gives other rows each time that it is "
               "computed; keep it by barks_cache",
               partition, op->place - begin, end - begin);
}

/* Whether the partition, of the shuffle that is copied from, has rows to copy. */
static bool has_hot_keys(const struct terminal *plan, uint32_t partition)
{
    bool has = false;
    for (uint32_t i = 0; i < plan->hot_keys.count && !has; i++)
        has = partition_of_hash(plan->hot_keys.keys[i].hash, plan->partition_count) == partition;
    return has;
}

/* Where rows go must not depend on which partitions a task runs. */
static barks_status *shuffle_begin(struct operator* self, uint32_t partition)
{
    struct shuffle_terminal *op = (struct shuffle_terminal *)self;
    uint64_t position = partition;
    if (op->filter != NULL)
        row_filter_begin(op->filter);
    self->task->partition_done =
        op->plan->hot_role == HOT_COPY && !has_hot_keys(op->plan, partition);
    if (op->plan->partitioner == PARTITION_ONE && op->plan->step.kind == STEP_PICK)
        position = op->plan->step.columns[0].items[partition]; /* of as many as there are */
    else if (op->plan->partitioner == PARTITION_ONE)
        position = position * op->plan->partition_count /
                   pipeline_partition_count(self->task->spec->pipeline);
    else if (op->firsts != NULL)
        position = op->place = op->firsts[partition];
    else if (op->plan->partitioner != PARTITION_ROUND_ROBIN && op->watch == NULL)
        return NULL;
    BARKS_TRY(buckets_seek(op->buckets, position));
    if (op->watch != NULL)
        hot_watch_begin(op->watch, partition);
    return NULL;
}

/* Takes status, NULL too. */
static barks_status *fail_limit(const struct shuffle_terminal *op, barks_status *status)
{
    const barks_function *function = op->plan->step.function;
    if (status == NULL || function == NULL || barks_status_code(status) != BARKS_LIMIT)
        return status;
    return barks_status_new(BARKS_LIMIT, status, BARKS_HERE,
                            "rows that '%s' (%s) makes one of before they are sent need more "
                            "memory than their executor has; a value that does not grow with its "
                            "rows, or more --barks-memory, helps",
                            function->name, function->where);
}

BARKS_CHECKED static barks_status *combine_batch(struct shuffle_terminal *op, struct batch *batch)
{
    uint32_t row = 0;
    BARKS_TRY(make_room(op, batch));
    barks_status *status = op->passes ? combine_pass(op->table, batch, &row, drained, op)
                                      : combine_add(op->table, batch, &row);
    if (status != NULL && barks_status_code(status) == BARKS_USER_ERROR)
        return operator_fail_at_row(op->base.task, status,
                                    &(struct failed_row){.function = op->plan->step.function,
                                                         .batch = &batch->base,
                                                         .row = row});
    BARKS_TRY(fail_limit(op, status));
    return op->passes ? NULL : look_at_table(op);
}

/* ---- keys of joins ---- */

/* Those of rows that have a partner, perhaps. */
BARKS_CHECKED static barks_status *push_filtered(struct shuffle_terminal *op,
                                                 const struct batch *batch)
{
    const uint32_t *kept = NULL;
    uint32_t kept_count = 0;
    BARKS_TRY(row_filter_apply(op->filter, &batch->base, &kept, &kept_count));
    if (kept_count == batch->base.row_count)
        return buckets_add(op->buckets, batch);
    op->base.task->result->counters.rows_filtered += batch->base.row_count - kept_count;
    if (kept_count == 0)
        return NULL;
    if (op->kept == NULL)
        BARKS_TRY(
            batch_create(op->base.task->services->pool, batch->base.schema, BATCH_ROWS, &op->kept));
    BARKS_TRY(batch_gather(op->kept, batch, kept, kept_count, BATCH_KEEP));
    barks_status *status = buckets_add(op->buckets, op->kept);
    batch_clear(op->kept);
    return status;
}

BARKS_CHECKED static barks_status *tell_keys(const struct shuffle_terminal *op)
{
    struct packer out = {0};
    struct buffer *keys = &op->base.task->result->keys;
    keys->limit_bytes = RESULT_BYTES_MAX;
    key_collector_pack(op->keys, &out);
    barks_status *status = packer_finish(&out);
    if (status == NULL)
        status = buffer_append(keys, out.bytes.data, out.bytes.size);
    packer_drop(&out);
    return status;
}

static barks_status *shuffle_push(struct operator* self, struct batch *batch)
{
    struct shuffle_terminal *op = (struct shuffle_terminal *)self;
    op->place += batch->base.row_count;
    if (op->keys != NULL)
        BARKS_TRY(key_collector_add(op->keys, &batch->base));
    if (op->filter != NULL)
        return push_filtered(op, batch);
    if (op->table == NULL)
        return buckets_add(op->buckets, batch);
    barks_status *status = combine_batch(op, batch);
    memory_unclaim(self->task);
    return status;
}

/* Those who copy the other side's rows must know of them. */
BARKS_CHECKED static barks_status *tell_hot_keys(const struct shuffle_terminal *op)
{
    struct packer out = {0};
    hot_list_pack(hot_watch_found(op->watch), &out);
    barks_status *status = packer_finish(&out);
    if (status == NULL)
        status = buffer_append(&op->base.task->result->bytes, out.bytes.data, out.bytes.size);
    packer_drop(&out);
    return status;
}

static barks_status *shuffle_finish(struct operator* self)
{
    struct shuffle_terminal *op = (struct shuffle_terminal *)self;
    if (op->table != NULL) {
        key_windows_put(self->task->services->key_windows, op->plan->step.function,
                        combine_key_window(op->table));
        if (!op->passes)
            BARKS_TRY(combine_drain(op->table, false, drained, op));
    }
    BARKS_TRY(buckets_flush(op->buckets));
    if (op->keys != NULL)
        BARKS_TRY(tell_keys(op));
    return op->watch != NULL ? tell_hot_keys(op) : NULL;
}

static const struct operator_kind shuffle_kind = {
    .name = "shuffle",
    .begin_partition = shuffle_begin,
    .push = shuffle_push,
    .end_partition = shuffle_end,
    .finish = shuffle_finish,
    .destroy = shuffle_destroy,
};

BARKS_CHECKED static barks_status *open_table(struct shuffle_terminal *op,
                                              const barks_record *record)
{
    struct combine_plan plan = step_combine_plan(&op->plan->step, op->plan->accumulator);
    const struct task_services *services = op->base.task->services;
    struct combine_limits limits = {
        .bytes = pool_budget_bytes(services->pool) / 4 / services->worker_count,
        .array_bytes_min = array_bytes_min,
        .window = key_windows_get(services->key_windows, plan.function)};
    return combine_open(op->base.task, &plan, plan.function, &record->schema, &limits, &op->binding,
                        &op->table);
}

BARKS_CHECKED static barks_status *open_watch(struct shuffle_terminal *op)
{
    const struct hot_watch_options options = {.partition_count = op->plan->partition_count,
                                              .key_columns = op->plan->key_columns,
                                              .key_count = op->plan->key_count,
                                              .excluded = &op->plan->hot_keys};
    return hot_watch_create(&options, &op->watch);
}

/* Rows that are combined are no side of a join. */
BARKS_CHECKED static barks_status *open_keys(struct shuffle_terminal *op,
                                             const barks_schema *schema)
{
    const struct terminal *plan = op->plan;
    const struct key_collector_options options = {.pool = op->base.task->services->pool,
                                                  .schema = schema,
                                                  .key_columns = plan->key_columns,
                                                  .key_count = plan->key_count,
                                                  .words_log2 = plan->filter_log2};
    if (op->table != NULL)
        return NULL;
    if (plan->filter_role == FILTER_COLLECTS)
        return key_collector_create(&options, &op->keys);
    if (plan->filter_role == FILTER_TESTS && !key_filter_is_useless(&plan->filter))
        return row_filter_create(&plan->filter, plan->key_columns, plan->key_count, &op->filter);
    return NULL;
}

barks_status *shuffle_terminal_create(struct task *task, const barks_record *record,
                                      struct operator** out_operator)
{
    const struct terminal *plan = &task->spec->pipeline->terminal;
    struct shuffle_terminal *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &shuffle_kind, .task = task};
    op->plan = plan;
    barks_status *status = terminal_combines(plan) ? open_table(op, record) : NULL;
    bool ranges_by_function =
        plan->partitioner == PARTITION_RANGE && plan->step.kind == STEP_FUNCTION;
    if (status == NULL && plan->partitioner == PARTITION_CHOSEN)
        status = chooser_init(&op->chooser, task, &record->schema);
    if (status == NULL && plan->partitioner == PARTITION_PLACE)
        status = open_places(op);
    if (status == NULL && ranges_by_function)
        status = range_chooser_init(&op->ranges, task, &record->schema);
    if (status == NULL && plan->finds_hot_keys)
        status = open_watch(op);
    if (status == NULL)
        status = open_keys(op, &record->schema);
    struct buckets_options options = {
        .pool = task->services->pool,
        .schema = terminal_combines(plan) ? &plan->accumulator->schema : &record->schema,
        .partitioner = {.kind = ranges_by_function ? PARTITION_CHOSEN : plan->partitioner,
                        .partition_count = plan->partition_count,
                        .key_columns = plan->key_columns,
                        .key_count = plan->key_count,
                        .watch = op->watch,
                        .sort_keys = plan->sort_keys,
                        .sort_key_count = plan->sort_key_count,
                        .splitters = plan->splitters,
                        .index_count = plan->limit,
                        .bounds =
                            op->firsts != NULL ? op->firsts + partitions_from(plan) + 1 : NULL,
                        .choose = ranges_by_function ? range_chooser_choose : chooser_choose,
                        .context = ranges_by_function ? (void *)&op->ranges : &op->chooser},
        .copied = plan->hot_keys.count > 0 ? &plan->hot_keys : NULL,
        .copies_only = plan->hot_role == HOT_COPY,
        .strings = terminal_combines(plan) ? BATCH_KEEP : BATCH_COPY,
        .emit = emit_frame,
        .context = op,
    };
    if (status == NULL)
        status = buckets_create(&options, &op->buckets);
    if (status != NULL) {
        shuffle_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
