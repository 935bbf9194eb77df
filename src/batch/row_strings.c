#include "batch/row_strings.h"

#include "batch/column.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A block of which less than this part would be used is not worth holding. */
enum { BLOCK_PART_WORTH_HOLDING = 8, BLOCKS_ON_STACK = 32 };

/* One pass over the strings of new rows. Strings in a row mostly lie in the same block, so the last
 * one is tried first.
 */
struct string_pass {
    struct batch *batch;
    const struct batch *from; /* whose blocks are searched; NULL: none */
    uint64_t
        *used_bytes;     /* of each of from's blocks by the new rows; of copied ones 0 in the end */
    uint64_t lost_bytes; /* of strings outside of from's blocks */
    uint32_t last_block;
    struct string_room *room; /* of moved strings */
    struct block *into;       /* where the last one went; the batch holds it */
};

typedef barks_status *string_visit(struct string_pass *pass, barks_str *strings, uint32_t count);

/* Calls visit for every run of strings in rows [first, first + count), the last ones of the column.
 */
BARKS_CHECKED static barks_status *visit_column(struct string_pass *pass, barks_column *column,
                                                uint32_t first, uint32_t count, string_visit *visit)
{
    switch (column->type->id) {
    case BARKS_BOOL:
    case BARKS_I32:
    case BARKS_I64:
    case BARKS_F32:
    case BARKS_F64:
        return NULL;
    case BARKS_STR:
    case BARKS_BYTES:
        return visit(pass, column_strings(column, first), count);
    case BARKS_LIST: {
        const barks_list_slice *slices = column_slices(column, first);
        uint32_t item_count = 0; /* all of them are counted in column->item_count already */
        for (uint32_t row = 0; row < count; row++)
            item_count += slices[row].length;
        return visit_column(pass, &column->children[0], column->item_count - item_count, item_count,
                            visit);
    }
    case BARKS_STRUCT:
        for (uint32_t child = 0; child < column_child_count(column->type); child++)
            BARKS_TRY(visit_column(pass, &column->children[child], first, count, visit));
        return NULL;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *visit_new_rows(struct string_pass *pass, uint32_t new_row_count,
                                                  string_visit *visit)
{
    barks_batch *base = &pass->batch->base;
    for (uint32_t i = 0; i < base->schema->field_count; i++)
        BARKS_TRY(visit_column(pass, &base->columns[i], base->row_count, new_row_count, visit));
    return NULL;
}

static inline uint32_t find_block(struct string_pass *pass, barks_str text)
{
    if (pass->last_block != BATCH_NO_BLOCK &&
        block_contains(pass->from->blocks[pass->last_block], text.pointer, text.length))
        return pass->last_block;
    uint32_t found = batch_find_block(pass->from, text.pointer, text.length);
    if (found != BATCH_NO_BLOCK)
        pass->last_block = found;
    return found;
}

static barks_status *count_used(struct string_pass *pass, barks_str *strings, uint32_t count)
{
    for (uint32_t row = 0; row < count; row++) {
        if (barks_str_is_inline(strings[row]))
            continue;
        uint32_t block = find_block(pass, strings[row]);
        if (block == BATCH_NO_BLOCK)
            pass->lost_bytes += strings[row].length;
        else
            pass->used_bytes[block] += strings[row].length;
    }
    return NULL;
}

static barks_status *copy_strings(struct string_pass *pass, barks_str *strings, uint32_t count)
{
    struct batch *batch = pass->batch;
    for (uint32_t row = 0; row < count; row++) {
        if (barks_str_is_inline(strings[row]))
            continue;
        if (pass->from != NULL) {
            uint32_t block = find_block(pass, strings[row]);
            if (block != BATCH_NO_BLOCK && pass->used_bytes[block] != 0)
                continue;
        }
        size_t length = strings[row].length;
        if (batch->made == NULL || batch->made->size_bytes - batch->made_bytes < length)
            BARKS_TRY(batch_new_made_block(batch, length));
        uint8_t *copy = batch->made->bytes + batch->made_bytes;
        memcpy(copy, strings[row].pointer, length);
        batch->made_bytes += length;
        strings[row].pointer = (const char *)copy;
    }
    return NULL;
}

/* Holds the blocks that are worth it and sets the used bytes of the others to 0. */
BARKS_CHECKED static barks_status *hold_blocks(struct string_pass *pass, bool *out_copy_some)
{
    *out_copy_some = pass->lost_bytes > 0;
    for (uint32_t i = 0; i < pass->from->block_count; i++) {
        struct block *block = pass->from->blocks[i];
        if (pass->used_bytes[i] == 0 || batch_holds_block(pass->batch, block))
            continue;
        if (pass->used_bytes[i] < block->size_bytes / BLOCK_PART_WORTH_HOLDING) {
            pass->used_bytes[i] = 0;
            *out_copy_some = true;
        } else {
            BARKS_TRY(batch_keep_block(pass->batch, block));
        }
    }
    return NULL;
}

BARKS_CHECKED static barks_status *keep_strings(struct string_pass *pass, uint32_t new_row_count)
{
    bool copy_some = false;
    BARKS_TRY(visit_new_rows(pass, new_row_count, count_used));
    BARKS_TRY(hold_blocks(pass, &copy_some));
    return copy_some ? visit_new_rows(pass, new_row_count, copy_strings) : NULL;
}

barks_status *batch_own_strings(struct batch *batch, uint32_t new_row_count,
                                const struct batch *from, enum batch_strings strings)
{
    struct string_pass pass = {.batch = batch, .last_block = BATCH_NO_BLOCK};
    if (from == NULL || strings == BATCH_COPY || from->block_count == 0)
        return visit_new_rows(&pass, new_row_count, copy_strings);
    pass.from = from;
    uint64_t few[BLOCKS_ON_STACK] = {0};
    pass.used_bytes = few;
    uint64_t *many = NULL;
    if (from->block_count > BLOCKS_ON_STACK) {
        many = calloc(from->block_count, sizeof *many);
        if (many == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory to count the use of %u blocks",
                       from->block_count);
        pass.used_bytes = many;
    }
    barks_status *status = keep_strings(&pass, new_row_count);
    free(many);
    return status;
}

static barks_status *move_strings(struct string_pass *pass, barks_str *strings, uint32_t count)
{
    for (uint32_t row = 0; row < count; row++) {
        struct block *block = NULL;
        uint8_t *copy = NULL;
        if (barks_str_is_inline(strings[row]))
            continue;
        BARKS_TRY(pass->room->take(pass->room, strings[row].length, &block, &copy));
        if (block != pass->into)
            BARKS_TRY(batch_keep_block(pass->batch, block));
        pass->into = block;
        memcpy(copy, strings[row].pointer, strings[row].length);
        strings[row].pointer = (const char *)copy;
    }
    return NULL;
}

barks_status *batch_move_strings(struct batch *batch, struct string_room *room)
{
    struct string_pass pass = {.batch = batch, .room = room};
    struct block **blocks = batch->blocks;
    uint32_t block_count = batch->block_count;
    barks_status *status = NULL;
    assert(!batch->has_foreign);
    batch->blocks = NULL;
    batch->block_count = batch->block_capacity = 0;
    batch->made = NULL;
    for (uint32_t i = 0; i < batch->base.schema->field_count && status == NULL; i++)
        status =
            visit_column(&pass, &batch->base.columns[i], 0, batch->base.row_count, move_strings);
    for (uint32_t i = 0; i < block_count; i++)
        block_release(blocks[i]);
    free(blocks);
    return status;
}
