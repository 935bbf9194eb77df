#include "batch/batch.h"

#include "base/checked.h"
#include "base/pool.h"
#include "batch/block.h"
#include "batch/column.h"
#include "batch/row_strings.h"
#include "batch/schema.h"
#include "batch/validity.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Made blocks double from the first size to the last, slack included, so that a batch of a few long
 * strings takes little and one of many is not made of crumbs. */
enum { MADE_BYTES_MIN = 4096, MADE_BYTES_MAX = 256 * 1024, MADE_BYTES_KEPT = 64 * 1024 };

barks_status *batch_create(struct pool *pool, const barks_schema *schema, uint32_t capacity_rows,
                           struct batch **out_batch)
{
    struct batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a batch");
    batch->pool = pool;
    batch->base.schema = schema;
    barks_status *status = columns_create(schema, &batch->base.columns);
    if (status == NULL && capacity_rows > 0)
        status = batch_reserve(batch, capacity_rows);
    if (status != NULL) {
        batch_destroy(batch);
        return status;
    }
    *out_batch = batch;
    return NULL;
}

void batch_destroy(struct batch *batch)
{
    if (batch == NULL)
        return;
    columns_destroy(batch->pool, batch->base.schema, batch->base.columns);
    for (uint32_t i = 0; i < batch->block_count; i++)
        block_release(batch->blocks[i]);
    free(batch->blocks);
    free(batch);
}

static uint64_t column_bytes(const barks_column *column)
{
    uint64_t bytes = 0;
    if (column->values != NULL && !column->is_foreign)
        bytes += pool_size_class(column->capacity * type_value_bytes(column->type));
    if (column->validity != NULL)
        bytes += pool_size_class(validity_words(column->capacity) * sizeof(uint64_t));
    for (uint32_t i = 0; i < column_child_count(column->type); i++)
        bytes += column_bytes(&column->children[i]);
    return bytes;
}

uint64_t batch_memory_bytes(const struct batch *batch)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < batch->base.schema->field_count; i++)
        bytes += column_bytes(&batch->base.columns[i]);
    for (uint32_t i = 0; i < batch->block_count; i++)
        bytes += block_memory_bytes(batch->blocks[i]);
    return bytes;
}

static void truncate_columns(struct batch *batch, uint32_t row_count, uint32_t dirty_rows)
{
    for (uint32_t i = 0; i < batch->base.schema->field_count; i++)
        column_truncate(&batch->base.columns[i], row_count, dirty_rows);
}

/* Of rows that are no more. */
static void disown_columns(struct batch *batch)
{
    for (uint32_t i = 0; i < batch->base.schema->field_count; i++) {
        barks_column *column = &batch->base.columns[i];
        column_disown(batch->pool, column);
        if (column->capacity < batch->capacity_rows)
            batch->capacity_rows = column->capacity;
    }
    batch->has_foreign = false;
}

BARKS_CHECKED static barks_status *own_columns(struct batch *batch)
{
    const barks_schema *schema = batch->base.schema;
    for (uint32_t i = 0; i < schema->field_count; i++)
        BARKS_TRY(column_own(batch->pool, &batch->base.columns[i], schema->fields[i].nullable,
                             batch->base.row_count));
    batch->has_foreign = false;
    return NULL;
}

void batch_clear(struct batch *batch)
{
    truncate_columns(batch, 0, batch->base.row_count);
    batch->base.row_count = 0;
    if (batch->has_foreign)
        disown_columns(batch);
    struct block *kept = batch->made;
    if (kept != NULL && (kept->acquired_bytes > MADE_BYTES_KEPT || !block_is_mine(kept)))
        kept = NULL;
    for (uint32_t i = 0; i < batch->block_count; i++)
        if (batch->blocks[i] != kept)
            block_release(batch->blocks[i]);
    batch->block_count = 0;
    batch->made = kept;
    batch->made_bytes = 0;
    if (kept != NULL) {
        batch->blocks[0] = kept;
        batch->block_count = 1;
    }
    assert(batch_is_sound(batch));
}

void batch_truncate(struct batch *batch, uint32_t row_count)
{
    assert(row_count <= batch->base.row_count);
    truncate_columns(batch, row_count, batch->base.row_count);
    batch->base.row_count = row_count;
    assert(batch_is_sound(batch));
}

void batch_forget_uncounted(struct batch *batch)
{
    truncate_columns(batch, batch->base.row_count, COLUMN_ALL_DIRTY);
    assert(batch_is_sound(batch));
}

barks_status *batch_reserve(struct batch *batch, uint32_t row_count)
{
    uint64_t needed_rows = (uint64_t)batch->base.row_count + row_count;
    if (batch->has_foreign)
        BARKS_TRY(own_columns(batch));
    if (needed_rows <= batch->capacity_rows)
        return NULL;
    const barks_schema *schema = batch->base.schema;
    if (needed_rows > COLUMN_ROWS_MAX)
        BARKS_FAIL(BARKS_LIMIT, "%u rows and %u more are above the %u that a batch may hold",
                   batch->base.row_count, row_count, COLUMN_ROWS_MAX);
    uint32_t capacity_rows = COLUMN_ROWS_MAX;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        barks_column *column = &batch->base.columns[i];
        BARKS_TRY(column_grow(batch->pool, column, schema->fields[i].nullable,
                              batch->base.row_count, needed_rows));
        if (column->capacity < capacity_rows)
            capacity_rows = column->capacity;
    }
    batch->capacity_rows = capacity_rows;
    return NULL;
}

barks_status *column_reserve_items(struct batch *batch, barks_column *list, uint32_t item_count)
{
    assert(list->type->id == BARKS_LIST);
    return column_grow(batch->pool, &list->children[0], false, list->item_count,
                       (uint64_t)list->item_count + item_count);
}

/* How many of the batch's blocks begin at or below bytes. */
static uint32_t blocks_up_to(const struct batch *batch, const void *bytes)
{
    uint32_t low = 0;
    uint32_t high = batch->block_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((uintptr_t)batch->blocks[middle]->bytes <= (uintptr_t)bytes)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool batch_holds_block(const struct batch *batch, const struct block *block)
{
    for (uint32_t end = blocks_up_to(batch, block->bytes);
         end > 0 && batch->blocks[end - 1]->bytes == block->bytes; end--)
        if (batch->blocks[end - 1] == block)
            return true;
    return false;
}

uint32_t batch_find_block(const struct batch *batch, const void *bytes, size_t size_bytes)
{
    uint32_t end = blocks_up_to(batch, bytes);
    if (end == 0)
        return BATCH_NO_BLOCK;
    return block_contains(batch->blocks[end - 1], bytes, size_bytes) ? end - 1 : BATCH_NO_BLOCK;
}

/* Takes over the caller's reference, unless it fails. */
BARKS_CHECKED static barks_status *insert_block(struct batch *batch, struct block *block)
{
    if (batch->block_count == batch->block_capacity) {
        uint32_t capacity = batch->block_capacity == 0 ? 4 : 2 * batch->block_capacity;
        struct block **blocks = NULL;
        if (capacity > batch->block_capacity)
            blocks = realloc(batch->blocks, capacity * sizeof(struct block *));
        if (blocks == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory to hold %u blocks", capacity);
        batch->blocks = blocks;
        batch->block_capacity = capacity;
    }
    uint32_t place = blocks_up_to(batch, block->bytes);
    memmove(batch->blocks + place + 1, batch->blocks + place,
            (batch->block_count - place) * sizeof(struct block *));
    batch->blocks[place] = block;
    batch->block_count++;
    return NULL;
}

barks_status *batch_keep_block(struct batch *batch, struct block *block)
{
    if (batch_holds_block(batch, block))
        return NULL;
    BARKS_TRY(insert_block(batch, block));
    (void)block_acquire(block);
    return NULL;
}

barks_status *batch_new_made_block(struct batch *batch, size_t n)
{
    size_t wanted_bytes = MADE_BYTES_MIN;
    if (batch->made != NULL)
        wanted_bytes = 2 * batch->made->acquired_bytes;
    if (wanted_bytes > MADE_BYTES_MAX)
        wanted_bytes = MADE_BYTES_MAX;
    while (batch->made_bytes_left > 0 && wanted_bytes > batch->made_bytes_left &&
           wanted_bytes > MADE_BYTES_MIN)
        wanted_bytes /= 2;
    size_t size_bytes = wanted_bytes - BLOCK_SLACK_BYTES;
    if (size_bytes < n)
        size_bytes = n;
    struct block *block = NULL;
    BARKS_TRY(block_create(batch->pool, size_bytes, &block));
    barks_status *status = insert_block(batch, block);
    if (status != NULL) {
        block_release(block);
        return status;
    }
    batch->made = block;
    batch->made_bytes = 0;
    return NULL;
}

barks_status *batch_make_bytes(struct batch *batch, size_t n, void **out_bytes)
{
    size_t begin = (batch->made_bytes + 7) & ~(size_t)7;
    if (batch->made == NULL || begin > batch->made->size_bytes ||
        batch->made->size_bytes - begin < n) {
        BARKS_TRY(batch_new_made_block(batch, n));
        begin = 0;
    }
    *out_bytes = batch->made->bytes + begin;
    batch->made_bytes = begin + n;
    return NULL;
}

static uint64_t bytes_of_column(const barks_column *column, uint64_t value_count)
{
    const barks_type *type = column->type;
    uint64_t bytes = value_count * type_value_bytes(type);
    if (type->id == BARKS_LIST)
        bytes += bytes_of_column(&column->children[0], column->item_count);
    for (uint32_t i = 0; type->id == BARKS_STRUCT && i < type->fields->field_count; i++)
        bytes += bytes_of_column(&column->children[i], value_count);
    return bytes;
}

uint64_t batch_bytes(const struct batch *batch)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < batch->base.schema->field_count; i++)
        bytes += bytes_of_column(&batch->base.columns[i], batch->base.row_count);
    for (uint32_t i = 0; i < batch->block_count; i++) {
        const struct block *block = batch->blocks[i];
        uint64_t used_bytes = block == batch->made ? batch->made_bytes : block->size_bytes;
        bytes += used_bytes / atomic_load_explicit(&block->holders, memory_order_relaxed);
    }
    return bytes;
}

bool batch_is_sound(const struct batch *batch)
{
    const barks_schema *schema = batch->base.schema;
    if (batch->base.row_count > batch->capacity_rows && schema->field_count > 0)
        return false;
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (!column_is_sound(&batch->base.columns[i], batch->base.row_count) ||
            batch->base.columns[i].capacity < batch->capacity_rows)
            return false;
    bool made_is_held = batch->made == NULL;
    for (uint32_t i = 0; i < batch->block_count; i++) {
        made_is_held |= batch->blocks[i] == batch->made;
        if (i > 0 && (uintptr_t)batch->blocks[i - 1]->bytes > (uintptr_t)batch->blocks[i]->bytes)
            return false;
    }
    return made_is_held && (batch->made == NULL || batch->made_bytes <= batch->made->size_bytes);
}
