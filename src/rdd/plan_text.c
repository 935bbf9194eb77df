#include "rdd/plan_text.h"

#include "exec/registry.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { LINE_BYTES = 1024, FIELDS_SHOWN = 12 };

barks_status *plan_text_put(struct buffer *out, const char *format, ...)
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
        BARKS_TRY(plan_text_put(
            out, "%s%s", i == 0 ? "" : ", ",
            fields->items[i] < schema->field_count ? schema->fields[fields->items[i]].name : "?"));
    return fields->count > FIELDS_SHOWN ? plan_text_put(out, ", ...") : NULL;
}

BARKS_CHECKED static barks_status *put_order(struct buffer *out, const barks_schema *schema,
                                             const struct sort_key *order, uint32_t count)
{
    for (uint32_t i = 0; i < count && i < FIELDS_SHOWN; i++)
        BARKS_TRY(plan_text_put(out, "%s%s%s", i == 0 ? " by " : ", ",
                                schema->fields[order[i].column].name,
                                order[i].descending ? " desc" : ""));
    return NULL;
}

BARKS_CHECKED static barks_status *put_exchange(struct buffer *out, const struct node *node)
{
    const struct exchange_plan *exchange = &node->exchange;
    const barks_schema *schema = &node->record->schema;
    switch (exchange->kind) {
    case PARTITION_HASH:
        BARKS_TRY(plan_text_put(out, " by hash of "));
        BARKS_TRY(put_fields(out, schema, &exchange->keys));
        if (exchange->filter_role == FILTER_TESTS)
            BARKS_TRY(plan_text_put(out, ", without rows whose keys #%" PRIu32 " lacks",
                                    exchange->filter_partner->id));
        break;
    case PARTITION_RANGE:
        BARKS_TRY(plan_text_put(out, " in ranges"));
        BARKS_TRY(put_order(out, schema, exchange->order, exchange->order_count));
        if (exchange->step.function != NULL)
            BARKS_TRY(plan_text_put(out, " by '%s'", exchange->step.function->name));
        break;
    case PARTITION_ROUND_ROBIN:
        BARKS_TRY(plan_text_put(out, " in turn"));
        break;
    case PARTITION_ONE:
        BARKS_TRY(plan_text_put(out, " of whole partitions"));
        break;
    case PARTITION_INDEX:
        BARKS_TRY(plan_text_put(out, " by index "));
        BARKS_TRY(put_fields(out, schema, &exchange->keys));
        break;
    case PARTITION_PLACE:
        BARKS_TRY(plan_text_put(out, " by place"));
        break;
    case PARTITION_CHOSEN:
        BARKS_TRY(plan_text_put(out, " by '%s'", exchange->step.function->name));
        break;
    case PARTITION_REPLICATE:
        BARKS_TRY(plan_text_put(out, " of %" PRIu32 " copies", exchange->copies));
        break;
    }
    return exchange->step.kind == STEP_COMBINE ? plan_text_put(out, ", combined before") : NULL;
}

static const char *join_name(int64_t kind)
{
    static const char *const names[] = {
        [JOIN_INNER] = "inner ", [JOIN_LEFT] = "left ", [JOIN_RIGHT] = "right ",
        [JOIN_FULL] = "full ",   [JOIN_SEMI] = "semi ", [JOIN_ANTI] = "anti "};
    return kind >= JOIN_INNER && kind <= JOIN_ANTI ? names[kind] : "";
}

barks_status *plan_text_step(struct buffer *out, const struct node *node)
{
    const struct step *step = &node->step;
    const barks_schema *schema = &node->record->schema;
    if (step->kind == STEP_JOIN || step->kind == STEP_LOOKUP)
        BARKS_TRY(plan_text_put(out, "%s", join_name(step->numbers[0])));
    BARKS_TRY(plan_text_put(out, "%s",
                            step->kind == STEP_FUNCTION ? function_kind_name(step->function->kind)
                                                        : step_kind_name(step->kind)));
    if (step->kind == STEP_EXCHANGE)
        return put_exchange(out, node);
    if (step->function != NULL)
        BARKS_TRY(plan_text_put(out, " '%s'", step->function->name));
    if (step->kind == STEP_SORT)
        return put_order(out, schema, step->order, step->order_count);
    if (step->kind == STEP_FILES)
        return plan_text_put(out, " of %s", step->text_count > 0 ? step->texts[0] : "text");
    if (step->kind == STEP_COMBINE && step->keys[0].count > 0 && step->numbers[3] == 0) {
        BARKS_TRY(plan_text_put(out, " by "));
        return put_fields(out, schema, &step->keys[0]);
    }
    return NULL;
}

barks_status *plan_text_partitioning(struct buffer *out, struct node *node)
{
    static const char *const kinds[] = {
        [PARTITIONED_HASH] = "by hash of ",
        [PARTITIONED_RANGE] = "in ranges of ",
        [PARTITIONED_CHOSEN] = "by a function of ",
    };
    enum partitioning_kind kind = partitioning_kind_now(node);
    BARKS_TRY(plan_text_put(out, "%" PRIu32 " partition%s", node->partition_count,
                            node->partition_count == 1 ? "" : "s"));
    if (kind == PARTITIONED_ANYHOW)
        return NULL;
    BARKS_TRY(plan_text_put(out, " %s", kinds[kind]));
    return put_fields(out, &node->record->schema, &node->partitioning.fields);
}
