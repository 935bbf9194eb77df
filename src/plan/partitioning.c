#include "plan/partitioning.h"

#include "base/assertion.h"
#include "batch/schema.h"
#include "plan/node.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

void partitioning_drop(struct partitioning *partitioning)
{
    index_list_drop(&partitioning->fields);
    *partitioning = (struct partitioning){0};
}

/* ---- what a step leaves of it ---- */

/* A field of one schema in another: the one of its name, if it has its type; else -1. */
static int32_t same_field(const barks_schema *from, uint32_t field, const barks_schema *to)
{
    int32_t found = schema_find(to, from->fields[field].name);
    return found >= 0 && type_equal(from->fields[field].type, to->fields[found].type) ? found : -1;
}

static int32_t place_of(const struct index_list *list, uint32_t item)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i] == item)
            return (int32_t)i;
    return -1;
}

/* Of a lookup whose rows are columns of both sides: the keys come first, whichever side streams. */
static int32_t field_after_lookup(const struct node *node, uint32_t field)
{
    const struct step *step = &node->step;
    if (step->numbers[1] == 0)
        return place_of(&step->columns[0], field);
    int32_t place = place_of(&step->keys[1], field);
    if (place >= 0)
        return place;
    place = place_of(&step->columns[1], field);
    return place >= 0 ? place + (int32_t)step->columns[0].count : -1;
}

/* Where a field of the input is in the node's rows, its values unchanged; -1: nowhere. */
static int32_t field_after(const struct node *node, const struct node *input, uint32_t field)
{
    const struct step *step = &node->step;
    if (step->kind == STEP_PROJECT || (step->kind == STEP_FUNCTION && step->columns[0].count > 0))
        return place_of(&step->columns[0], field);
    if (step->kind == STEP_LOOKUP && step->function == NULL)
        return field_after_lookup(node, field);
    return same_field(&input->record->schema, field, &node->record->schema);
}

static bool contains(const uint32_t *list, uint32_t count, uint32_t item)
{
    for (uint32_t i = 0; i < count; i++)
        if (list[i] == item)
            return true;
    return false;
}

/* Whether rows still lie where they lay, by fields that they still have. */
static bool rows_stay(const struct node *node)
{
    const struct step *step = &node->step;
    bool is_filter = step->function != NULL && step->function->kind == BARKS_KIND_FILTER;
    switch (step->kind) {
    case STEP_SAMPLE: /* lots are other rows */
        return node->record == node->inputs[0]->record;
    case STEP_SORT:
    case STEP_NUMBER:
    case STEP_KEEP:
    case STEP_BOUND:
    case STEP_PROJECT:
        return true;
    case STEP_FUNCTION:
        return step->keeps_keys || is_filter || step->columns[0].count > 0;
    case STEP_COMBINE:
        return step->keys[0].count > 0;
    case STEP_GROUP:
    case STEP_PROBE:
    case STEP_PAIR:
    case STEP_JOIN:
    case STEP_LOOKUP:
        return step->function == NULL || step->keeps_keys;
    case STEP_COGROUP:
        return step->keeps_keys;
    case STEP_NONE:
    case STEP_FILES:
    case STEP_ROWS:
    case STEP_NUMBERS:
    case STEP_CUSTOM:
    case STEP_SHUFFLE:
    case STEP_BROADCAST:
    case STEP_KEPT:
    case STEP_GLOM:
    case STEP_PIPE:
    case STEP_COALESCE:
    case STEP_PICK:
    case STEP_UNION:
    case STEP_CROSS:
    case STEP_HEADS:
    case STEP_INDEX:
    case STEP_SCAN:
    case STEP_WINDOWS:
    case STEP_EXCHANGE:
        break;
    }
    return false;
}

/* Of some steps only the keys survive, or are right in all rows. */
static bool only_keys_stay(const struct step *step)
{
    return step->kind == STEP_COMBINE || step->kind == STEP_GROUP || step->kind == STEP_COGROUP ||
           (step->kind == STEP_JOIN &&
            (step->numbers[0] == JOIN_RIGHT || step->numbers[0] == JOIN_FULL));
}

/* Keys of the input that a step goes by; those of a combine are fields of its accumulator. */
static bool is_key_of(const struct node *node, const struct node *input, uint32_t field)
{
    const struct index_list *keys = &node->step.keys[0];
    if (node->step.kind != STEP_COMBINE)
        return contains(keys->items, keys->count, field);
    int32_t after = same_field(&input->record->schema, field, &node->record->schema);
    return after >= 0 && contains(keys->items, keys->count, (uint32_t)after);
}

static void know_locked(struct node *node);

static void derive_from_input(struct node *node, struct node *input)
{
    know_locked(input);
    const struct partitioning *from = &input->partitioning;
    struct index_list fields = {0};
    if (from->kind == PARTITIONED_ANYHOW || node->partition_count != input->partition_count)
        return;
    barks_status *status = index_list_copy(from->fields.items, from->fields.count, &fields);
    bool stays = status == NULL;
    barks_status_free(status);
    for (uint32_t i = 0; stays && i < fields.count; i++) {
        int32_t after = field_after(node, input, from->fields.items[i]);
        stays = after >= 0 &&
                (!only_keys_stay(&node->step) || is_key_of(node, input, from->fields.items[i]));
        fields.items[i] = (uint32_t)after;
    }
    if (!stays) {
        index_list_drop(&fields);
        return;
    }
    node->partitioning =
        (struct partitioning){.kind = from->kind, .fields = fields, .exchange = from->exchange};
}

/* ---- what an exchange makes ---- */

BARKS_CHECKED static barks_status *fields_of_order(const struct exchange_plan *exchange,
                                                   struct index_list *out)
{
    BARKS_TRY(index_list_copy(NULL, exchange->order_count, out));
    for (uint32_t i = 0; i < exchange->order_count; i++)
        out->items[i] = exchange->order[i].column;
    return NULL;
}

/* All fields that a custom partitioner sees: rows that are equal in them go one way. */
BARKS_CHECKED static barks_status *fields_of_function(const struct node *node,
                                                      struct index_list *out)
{
    const barks_schema *in = &node->exchange.step.function->in->schema;
    BARKS_TRY(index_list_copy(NULL, in->field_count, out));
    for (uint32_t i = 0; i < in->field_count; i++) {
        int32_t field = schema_find(&node->record->schema, in->fields[i].name);
        if (field < 0) {
            index_list_drop(out);
            BARKS_FAIL(BARKS_INTERNAL, "a partitioner reads a field that is not there");
        }
        out->items[i] = (uint32_t)field;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *derive_from_exchange(struct node *node)
{
    const struct exchange_plan *exchange = &node->exchange;
    struct partitioning made = {.exchange = node};
    switch (exchange->kind) {
    case PARTITION_HASH:
        made.kind = PARTITIONED_HASH;
        BARKS_TRY(index_list_copy(exchange->keys.items, exchange->keys.count, &made.fields));
        break;
    case PARTITION_RANGE:
        if (exchange->step.function != NULL) /* rows that are equal to us may differ to it */
            return NULL;
        made.kind = PARTITIONED_RANGE;
        BARKS_TRY(fields_of_order(exchange, &made.fields));
        break;
    case PARTITION_CHOSEN:
        made.kind = PARTITIONED_CHOSEN;
        BARKS_TRY(fields_of_function(node, &made.fields));
        break;
    case PARTITION_ONE: /* of as many, they only lie elsewhere */
        derive_from_input(node, node->inputs[0]);
        return NULL;
    case PARTITION_ROUND_ROBIN:
    case PARTITION_INDEX:
    case PARTITION_PLACE:
    case PARTITION_REPLICATE:
        return NULL;
    }
    node->partitioning = made;
    return NULL;
}

/* The input whose partitions a step's are made of. */
static uint32_t streamed_input(const struct step *step)
{
    return step->kind == STEP_LOOKUP ? (uint32_t)step->numbers[1] : 0;
}

static void find_out_locked(struct node *node)
{
    if (node->error != NULL || node->record == NULL)
        return;
    if (node_is_exchange(node)) {
        barks_status *status = derive_from_exchange(node);
        barks_status_free(status); /* nothing is known, which is always right */
    } else if (node->step.kind == STEP_UNION ? node->step.numbers[0] != 0 : rows_stay(node)) {
        derive_from_input(node, node->inputs[streamed_input(&node->step)]);
    }
}

static void know_locked(struct node *node)
{
    if (atomic_load_explicit(&node->knows_partitioning, memory_order_relaxed))
        return; /* it was written under the same lock */
    find_out_locked(node);
    atomic_store_explicit(&node->knows_partitioning, true, memory_order_release);
}

/* Actions in threads of their own ask, while others add steps to the same dataset. */
void partitioning_know(struct node *node)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    if (atomic_load_explicit(&node->knows_partitioning, memory_order_acquire))
        return;
    int error = pthread_mutex_lock(&mutex);
    BARKS_ASSERT(error == 0);
    know_locked(node);
    error = pthread_mutex_unlock(&mutex);
    BARKS_ASSERT(error == 0);
}

/* ---- questions ---- */

static bool is_spread(const struct partitioning *known)
{
    return known->exchange != NULL &&
           atomic_load_explicit(&known->exchange->placement, memory_order_relaxed) ==
               PLACEMENT_SPREAD;
}

bool partitioning_rely(struct node *node)
{
    uint8_t open = PLACEMENT_OPEN;
    partitioning_know(node);
    const struct partitioning *known = &node->partitioning;
    if (known->kind == PARTITIONED_ANYHOW)
        return false;
    atomic_compare_exchange_strong(&known->exchange->placement, &open, PLACEMENT_RELIED_ON);
    return !is_spread(known);
}

enum partitioning_kind partitioning_kind_now(struct node *node)
{
    partitioning_know(node);
    return is_spread(&node->partitioning) ? PARTITIONED_ANYHOW : node->partitioning.kind;
}

bool partitioning_groups(struct node *node, const uint32_t *keys, uint32_t key_count,
                         uint32_t partition_count)
{
    partitioning_know(node);
    const struct partitioning *known = &node->partitioning;
    if (partition_count != 0 && partition_count != node->partition_count)
        return false;
    if (node->partition_count == 1)
        return true;
    bool groups = known->kind != PARTITIONED_ANYHOW;
    for (uint32_t i = 0; groups && i < known->fields.count; i++)
        groups = contains(keys, key_count, known->fields.items[i]);
    return groups && partitioning_rely(node);
}

bool partitioning_pairs(struct node *a, const uint32_t *a_keys, struct node *b,
                        const uint32_t *b_keys, uint32_t key_count)
{
    partitioning_know(a);
    partitioning_know(b);
    const struct partitioning *left = &a->partitioning, *right = &b->partitioning;
    if (a->partition_count != b->partition_count)
        return false;
    if (a->partition_count == 1)
        return true;
    if (left->kind == PARTITIONED_ANYHOW || left->kind != right->kind ||
        left->fields.count != right->fields.count ||
        (left->kind != PARTITIONED_HASH && left->exchange != right->exchange))
        return false;
    for (uint32_t i = 0; i < left->fields.count; i++) {
        bool found = false;
        for (uint32_t k = 0; k < key_count && !found; k++)
            found = a_keys[k] == left->fields.items[i] && b_keys[k] == right->fields.items[i];
        if (!found)
            return false;
    }
    return partitioning_rely(a) && partitioning_rely(b);
}

bool partitioning_is_hash_of(struct node *node, const uint32_t *keys, uint32_t key_count)
{
    partitioning_know(node);
    const struct index_list wanted = {.items = (uint32_t *)(uintptr_t)keys, .count = key_count};
    return node->partitioning.kind == PARTITIONED_HASH &&
           index_list_equal(&node->partitioning.fields, &wanted) && partitioning_rely(node);
}
