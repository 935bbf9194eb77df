#include "shuffle/combine_keep.h"

#include "barks/function.h"
#include "base/checked.h"
#include "base/pool.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blocks double from the first to the second of these: a small table takes little, and a large one
 * has few blocks, which every batch that it is drained into holds. */
static const size_t first_block_bytes = (size_t)4 << 10;
static const size_t largest_block_bytes = (size_t)4 << 20;

/* What a text of barks_call_fail may hold; longer ones are cut. */
enum { FAIL_TEXT_BYTES = 1024 };

BARKS_CHECKED static barks_status *add_block(struct keeper *keeper, size_t needed_bytes)
{
    size_t acquired_bytes = keeper->held_bytes < first_block_bytes     ? first_block_bytes
                            : keeper->held_bytes < largest_block_bytes ? (size_t)keeper->held_bytes
                                                                       : largest_block_bytes;
    if (acquired_bytes < needed_bytes)
        acquired_bytes = needed_bytes;
    acquired_bytes = pool_size_class(acquired_bytes);
    if (keeper->block_count == keeper->block_capacity) {
        uint32_t capacity = keeper->block_capacity == 0 ? 8 : 2 * keeper->block_capacity;
        struct block **blocks = realloc(keeper->blocks, capacity * sizeof(struct block *));
        if (blocks == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of %u blocks", capacity);
        keeper->blocks = blocks;
        keeper->block_capacity = capacity;
    }
    struct block *block = NULL;
    BARKS_TRY(block_create(keeper->pool, acquired_bytes - BLOCK_SLACK_BYTES, &block));
    keeper->blocks[keeper->block_count++] = block;
    keeper->held_bytes += acquired_bytes;
    keeper->used_bytes = 0;
    return NULL;
}

barks_status *keeper_make(struct keeper *keeper, size_t n, size_t alignment, void **out_bytes)
{
    assert(alignment == 1 || alignment == 8);
    size_t needed_bytes = 0;
    if (ckd_add(&needed_bytes, n, alignment + BLOCK_SLACK_BYTES))
        BARKS_FAIL(BARKS_LIMIT, "a value of %zu bytes is larger than memory can be", n);
    uint64_t begin = (keeper->used_bytes + alignment - 1) & ~(uint64_t)(alignment - 1);
    if (keeper->block_count == 0 ||
        begin + n > keeper->blocks[keeper->block_count - 1]->size_bytes) {
        BARKS_TRY(add_block(keeper, needed_bytes));
        begin = 0;
    }
    keeper->used_bytes = begin + n;
    keeper->kept_bytes += n;
    *out_bytes = keeper->blocks[keeper->block_count - 1]->bytes + begin;
    return NULL;
}

barks_status *keeper_own(struct keeper *keeper, barks_str *text)
{
    if (text->length <= BARKS_STR_INLINE)
        return NULL;
    void *bytes = NULL;
    BARKS_TRY(keeper_make(keeper, text->length, 1, &bytes));
    memcpy(bytes, text->pointer, text->length);
    text->pointer = bytes;
    return NULL;
}

uint32_t keeper_begin_copy(struct keeper *keeper)
{
    if (keeper->block_count > 0)
        keeper->used_bytes = keeper->blocks[keeper->block_count - 1]->size_bytes;
    return keeper->block_count;
}

void keeper_release_first(struct keeper *keeper, uint32_t block_count)
{
    assert(block_count <= keeper->block_count);
    for (uint32_t i = 0; i < block_count; i++) {
        keeper->held_bytes -= keeper->blocks[i]->acquired_bytes;
        block_release(keeper->blocks[i]);
    }
    keeper->block_count -= block_count;
    if (keeper->block_count > 0)
        memmove(keeper->blocks, keeper->blocks + block_count,
                keeper->block_count * sizeof(struct block *));
    else
        keeper->used_bytes = 0;
}

void keeper_drop(struct keeper *keeper)
{
    for (uint32_t i = 0; i < keeper->block_count; i++)
        block_release(keeper->blocks[i]);
    free(keeper->blocks);
    *keeper = (struct keeper){.pool = keeper->pool};
}

/* The first failure of a call stands; what comes after it is its consequence. */
static void set_status(barks_call *call, barks_status *status)
{
    if (call->status == NULL)
        call->status = status;
    else
        barks_status_free(status);
}

barks_str barks_keep(barks_call *call, barks_str text)
{
    struct call_scope *scope = call->task_self;
    barks_status *status = keeper_own(scope->keep, &text);
    if (status == NULL)
        return text;
    set_status(call, status);
    return (barks_str){0};
}

const void *barks_keep_items(barks_call *call, const void *items, size_t bytes)
{
    struct call_scope *scope = call->task_self;
    void *copy = NULL;
    if (bytes == 0)
        return NULL;
    barks_status *status = keeper_make(scope->keep, bytes, 8, &copy);
    if (status != NULL) {
        set_status(call, status);
        return NULL;
    }
    memcpy(copy, items, bytes);
    return copy;
}

void barks_call_fail(barks_call *call, const char *where, const char *format, ...)
{
    if (call->status != NULL)
        return;
    char text[FAIL_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    call->status = barks_status_new(BARKS_USER_ERROR, NULL, where, "%s",
                                    length < 0 ? "a text that cannot be printed" : text);
}
