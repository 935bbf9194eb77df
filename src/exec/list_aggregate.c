/* Values of a column, kept in lists that grow. */
#include "batch/schema.h"
#include "exec/column_folding.h"
#include "shuffle/accumulator.h"
#include "shuffle/combine_keep.h"

#include <string.h>

/* Room for more items; what accumulator_own copies has it up to list_capacity, too. */
static void *grow(const struct folding *folding, struct list_value *list, size_t item_bytes,
                  uint32_t more)
{
    const struct call_scope *scope = folding->call->task_self;
    uint64_t count = (uint64_t)list->count + more;
    void *items = (void *)(uintptr_t)list->items;
    if (count > INT32_MAX) {
        barks_call_fail(folding->call, BARKS_HERE, "a list of more than 2^31 values");
        return NULL;
    }
    if (count > list_capacity(list->count)) {
        folding->call->status =
            keeper_make(scope->keep, list_capacity((uint32_t)count) * item_bytes, 8, &items);
        if (folding->call->status != NULL)
            return NULL;
        if (list->count > 0)
            memcpy(items, list->items, list->count * item_bytes);
        list->items = items;
    }
    void *end = (char *)items + list->count * item_bytes;
    list->count = (uint32_t)count;
    return end;
}

/* values: of a column or its child, from the first on. */
static void append(const struct folding *folding, void *accumulator, const barks_type *type,
                   const void *values, uint32_t count)
{
    size_t item_bytes = type_value_bytes(type);
    struct list_value *list = state_of(accumulator, folding->item, 0);
    char *items = grow(folding, list, item_bytes, count);
    if (items == NULL)
        return;
    memcpy(items, values, count * item_bytes);
    if (type->id == BARKS_STR || type->id == BARKS_BYTES)
        for (uint32_t i = 0; i < count && folding->call->status == NULL; i++) {
            barks_str *text = (barks_str *)(void *)items + i;
            *text = barks_keep(folding->call, *text);
        }
}

void fold_list(const struct folding *folding)
{
    const barks_column *column = column_of(folding, 0);
    for (uint32_t k = 0; k < folding->count && folding->call->status == NULL; k++) {
        uint32_t row = folding->first_row + k;
        void *accumulator = folding->accumulators[k];
        folding->call->row_index = row;
        if (folding->merges) {
            const barks_column *items = &column->children[0];
            barks_list_slice slice = ((const barks_list_slice *)column->values)[row];
            if (slice.length > 0)
                append(folding, accumulator, items->type,
                       (const char *)items->values + slice.offset * type_value_bytes(items->type),
                       slice.length);
        } else if (barks_is_valid(column, row)) {
            append(folding, accumulator, column->type,
                   (const char *)column->values + row * type_value_bytes(column->type), 1);
        }
    }
}
