/* How a dataset is computed, as text: its steps from the last one down to its sources. */
#include "barks/explain.h"

#include "base/buffer.h"
#include "base/scope.h"
#include "batch/schema.h"
#include "exec/registry.h"
#include "rdd/dataset.h"
#include "runtime/kept_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXPLAIN_BYTES_MAX = 1 << 26, LINE_BYTES = 1024, FIELDS_SHOWN = 12 };

/* A node that is still to be told, and how far to the right. */
struct pending {
    const struct node *node;
    uint32_t depth;
};

struct explaining {
    struct buffer *out;
    struct pending *pending; /* owned: a stack */
    uint32_t count, capacity;
    bool *seen; /* owned: by id, told already */
    uint32_t exchange_count;
};

BARKS_CHECKED static barks_status *put(struct buffer *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static barks_status *put(struct buffer *out, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    size_t used = length < 0 ? 0 : (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    return buffer_append(out, line, used);
}

BARKS_CHECKED static barks_status *put_fields(struct buffer *out, const barks_schema *schema,
                                              const struct index_list *fields)
{
    for (uint32_t i = 0; i < fields->count && i < FIELDS_SHOWN; i++)
        BARKS_TRY(put(out, "%s%s", i == 0 ? "" : ", ",
                      fields->items[i] < schema->field_count ? schema->fields[fields->items[i]].name
                                                             : "?"));
    return fields->count > FIELDS_SHOWN ? put(out, ", ...") : NULL;
}

BARKS_CHECKED static barks_status *put_order(struct buffer *out, const barks_schema *schema,
                                             const struct sort_key *order, uint32_t count)
{
    for (uint32_t i = 0; i < count && i < FIELDS_SHOWN; i++)
        BARKS_TRY(put(out, "%s%s%s", i == 0 ? " by " : ", ", schema->fields[order[i].column].name,
                      order[i].descending ? " desc" : ""));
    return NULL;
}

BARKS_CHECKED static barks_status *put_exchange(struct buffer *out, const struct node *node)
{
    const struct exchange_plan *exchange = &node->exchange;
    const barks_schema *schema = &node->record->schema;
    switch (exchange->kind) {
    case PARTITION_HASH:
        BARKS_TRY(put(out, " by hash of "));
        BARKS_TRY(put_fields(out, schema, &exchange->keys));
        break;
    case PARTITION_RANGE:
        BARKS_TRY(put(out, " in ranges"));
        BARKS_TRY(put_order(out, schema, exchange->order, exchange->order_count));
        if (exchange->step.function != NULL)
            BARKS_TRY(put(out, " by '%s'", exchange->step.function->name));
        break;
    case PARTITION_ROUND_ROBIN:
        BARKS_TRY(put(out, " in turn"));
        break;
    case PARTITION_ONE:
        BARKS_TRY(put(out, " of whole partitions"));
        break;
    case PARTITION_CHOSEN:
        BARKS_TRY(put(out, " by '%s'", exchange->step.function->name));
        break;
    case PARTITION_REPLICATE:
        BARKS_TRY(put(out, " of %" PRIu32 " copies", exchange->copies));
        break;
    }
    return exchange->step.kind == STEP_COMBINE ? put(out, ", combined before") : NULL;
}

static const char *join_name(int64_t kind)
{
    static const char *const names[] = {
        [JOIN_INNER] = "inner ", [JOIN_LEFT] = "left ", [JOIN_RIGHT] = "right ",
        [JOIN_FULL] = "full ",   [JOIN_SEMI] = "semi ", [JOIN_ANTI] = "anti "};
    return kind >= JOIN_INNER && kind <= JOIN_ANTI ? names[kind] : "";
}

/* What the step does: "map 'parse'", "exchange by hash of key". */
BARKS_CHECKED static barks_status *put_step(struct buffer *out, const struct node *node)
{
    const struct step *step = &node->step;
    const barks_schema *schema = &node->record->schema;
    if (step->kind == STEP_JOIN)
        BARKS_TRY(put(out, "%s", join_name(step->numbers[0])));
    BARKS_TRY(put(out, "%s",
                  step->kind == STEP_FUNCTION ? function_kind_name(step->function->kind)
                                              : step_kind_name(step->kind)));
    if (step->kind == STEP_EXCHANGE)
        return put_exchange(out, node);
    if (step->function != NULL)
        BARKS_TRY(put(out, " '%s'", step->function->name));
    if (step->kind == STEP_SORT)
        return put_order(out, schema, step->order, step->order_count);
    if (step->kind == STEP_FILES)
        return put(out, " of %s", step->text_count > 0 ? step->texts[0] : "text");
    if (step->kind == STEP_COMBINE && step->keys[0].count > 0 && step->numbers[3] == 0) {
        BARKS_TRY(put(out, " by "));
        return put_fields(out, schema, &step->keys[0]);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *put_partitioning(struct buffer *out, struct node *node)
{
    static const char *const kinds[] = {
        [PARTITIONED_HASH] = "by hash of ",
        [PARTITIONED_RANGE] = "in ranges of ",
        [PARTITIONED_CHOSEN] = "by a function of ",
    };
    partitioning_know(node);
    BARKS_TRY(put(out, ", %" PRIu32 " partition%s", node->partition_count,
                  node->partition_count == 1 ? "" : "s"));
    if (node->partitioning.kind == PARTITIONED_ANYHOW)
        return NULL;
    BARKS_TRY(put(out, " %s", kinds[node->partitioning.kind]));
    return put_fields(out, &node->record->schema, &node->partitioning.fields);
}

static uint32_t count_kept(const struct node *node)
{
    uint32_t count = 0;
    for (uint32_t p = 0; node->kept != NULL && node->kept->at != NULL && p < node->partition_count;
         p++)
        count += node->kept->at[p] != 0;
    return count;
}

BARKS_CHECKED static barks_status *put_node(struct explaining *explaining,
                                            const struct pending *told)
{
    struct buffer *out = explaining->out;
    const struct node *node = told->node;
    BARKS_TRY(put(out, "%*s", (int)(told->depth < 100 ? 2 * told->depth : 200), ""));
    if (explaining->seen[node->id])
        return put(out, "#%" PRIu32 ", as above\n", node->id);
    BARKS_TRY(put(out, "#%" PRIu32 " ", node->id));
    BARKS_TRY(put_step(out, node));
    if (node->name != NULL)
        BARKS_TRY(put(out, ", named '%s'", node->name));
    BARKS_TRY(put_partitioning(out, (struct node *)(uintptr_t)node)); /* what is known, is noted */
    if (node->kept != NULL)
        BARKS_TRY(put(out, ", %" PRIu32 " of them kept", count_kept(node)));
    return put(out, ", at %s\n", node->where);
}

BARKS_CHECKED static barks_status *push_inputs(struct explaining *explaining,
                                               const struct node *node, uint32_t depth)
{
    if (explaining->count + node->input_count > explaining->capacity) {
        uint32_t capacity = 2 * (explaining->count + node->input_count);
        struct pending *pending = realloc(explaining->pending, capacity * sizeof *pending);
        if (pending == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory to explain a dataset");
        explaining->pending = pending;
        explaining->capacity = capacity;
    }
    /* A chain stays in its column; what is below an exchange or beside another input is indented.
     */
    bool is_indented = node->input_count > 1 || node_is_exchange(node);
    for (uint32_t i = node->input_count; i-- > 0;)
        explaining->pending[explaining->count++] =
            (struct pending){.node = node->inputs[i], .depth = depth + is_indented};
    return NULL;
}

BARKS_CHECKED static barks_status *put_all(struct explaining *explaining)
{
    while (explaining->count > 0) {
        struct pending told = explaining->pending[--explaining->count];
        const struct node *node = told.node;
        bool is_new = !explaining->seen[node->id];
        BARKS_TRY(put_node(explaining, &told));
        explaining->seen[node->id] = true;
        bool is_all_kept = node->kept != NULL && count_kept(node) == node->partition_count;
        explaining->exchange_count += is_new && node_is_exchange(node);
        if (is_new && !is_all_kept)
            BARKS_TRY(push_inputs(explaining, node, told.depth));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *explain(const barks_rdd *rdd, struct buffer *out)
{
    BARKS_AUTO(buffer) steps = {.limit_bytes = EXPLAIN_BYTES_MAX};
    struct explaining explaining = {.out = &steps, .capacity = 16};
    explaining.pending = calloc(explaining.capacity, sizeof *explaining.pending);
    explaining.seen = calloc((size_t)rdd->context->node_count + 1, sizeof *explaining.seen);
    barks_status *status = NULL;
    if (explaining.pending == NULL || explaining.seen == NULL)
        status =
            barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory to explain a dataset");
    if (status == NULL) {
        explaining.pending[explaining.count++] = (struct pending){.node = &rdd->node};
        status = put_all(&explaining);
    }
    free(explaining.pending);
    free(explaining.seen);
    BARKS_TRY(status);
    BARKS_TRY(put(out, "rows: "));
    BARKS_TRY(schema_print(&rdd->node.record->schema, out));
    BARKS_TRY(put(out, "\nexchanges: %" PRIu32 "\n", explaining.exchange_count));
    BARKS_TRY(buffer_append(out, steps.data, steps.size_bytes));
    return buffer_append(out, "", 1);
}

const char *barks_explain_at(barks_rdd *rdd, const char *where)
{
    BARKS_AUTO(buffer) text = {.limit_bytes = 2 * EXPLAIN_BYTES_MAX};
    if (rdd->context == NULL || rdd->context != context_alive())
        return NULL;
    barks_status *status = node_error(&rdd->node);
    lock_acquire(&rdd->context->planning);
    kept_state_update(rdd->context);
    if (status == NULL)
        status = explain(rdd, &text);
    lock_release(&rdd->context->planning);
    if (status == NULL) {
        void *kept = text.data;
        text = (struct buffer){0};
        status = context_keep_rows(rdd->context, kept, NULL);
        if (status == NULL)
            return kept;
    }
    context_fail(rdd->context, barks_status_new(barks_status_code(status), status, BARKS_HERE,
                                                "explain at %s", where));
    return NULL;
}

void barks_print_explain_at(barks_rdd *rdd, const char *where)
{
    const char *text = barks_explain_at(rdd, where);
    if (text == NULL)
        return;
    fputs(text, stdout);
    fflush(stdout);
    context_release_rows(rdd->context, text);
}
