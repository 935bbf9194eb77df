#include "exec/memory_parts.h"

#include <stdlib.h>

/* Of a batch of a part: columns of 8-byte values are then blocks of 32 KiB. */
enum { PART_ROWS = 4096 };

void parts_init(struct parts *parts, struct pool *pool, const barks_schema *schema, uint32_t level)
{
    *parts = (struct parts){.pool = pool, .schema = schema, .level = level};
}

/* From batch `first` on. */
static void forget_batches(struct parts *parts, struct part *part, uint32_t first)
{
    while (part->batch_count > first) {
        struct batch *last = part->batches[--part->batch_count];
        parts->memory_bytes -= batch_memory_bytes(last);
        batch_destroy(last);
    }
}

static void drop_part(struct parts *parts, struct part *part)
{
    forget_batches(parts, part, 0);
    free(part->batches);
    *part = (struct part){0};
}

void parts_drop(struct parts *parts)
{
    for (uint32_t i = 0; i < PART_COUNT; i++)
        drop_part(parts, &parts->parts[i]);
    free(parts->order);
    *parts = (struct parts){0};
}

BARKS_CHECKED static barks_status *add_batch(struct parts *parts, struct part *part)
{
    if (part->batch_count == part->batch_capacity) {
        uint32_t capacity = 2 * part->batch_capacity + 4;
        struct batch **batches = realloc(part->batches, capacity * sizeof(struct batch *));
        if (batches == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of %u batches", capacity);
        part->batches = batches;
        part->batch_capacity = capacity;
    }
    struct batch *batch = NULL;
    BARKS_TRY(batch_create(parts->pool, parts->schema, PART_ROWS, &batch));
    part->batches[part->batch_count++] = batch;
    parts->memory_bytes += batch_memory_bytes(batch);
    return NULL;
}

BARKS_CHECKED static barks_status *add_to_part(struct parts *parts, struct part *part,
                                               const struct batch *rows, const uint32_t *indices,
                                               uint32_t row_count)
{
    for (uint32_t done = 0, count = 0; done < row_count; done += count) {
        struct batch *last = part->batch_count > 0 ? part->batches[part->batch_count - 1] : NULL;
        if (last == NULL || last->base.row_count == PART_ROWS) {
            BARKS_TRY(add_batch(parts, part));
            last = part->batches[part->batch_count - 1];
        }
        uint32_t room = PART_ROWS - last->base.row_count;
        count = row_count - done < room ? row_count - done : room;
        uint64_t before_bytes = batch_memory_bytes(last);
        barks_status *status = batch_gather(last, rows, indices + done, count, BATCH_COPY);
        parts->memory_bytes += batch_memory_bytes(last) - before_bytes;
        BARKS_TRY(status);
    }
    return NULL;
}

static uint32_t part_of(const struct parts *parts, uint64_t hash)
{
    return (uint32_t)(hash << (parts->level * PART_BITS) >> (64 - PART_BITS));
}

BARKS_CHECKED static barks_status *reserve_order(struct parts *parts, uint32_t row_count)
{
    if (row_count <= parts->order_capacity)
        return NULL;
    uint32_t *order = realloc(parts->order, row_count * sizeof *order);
    if (order == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to deal %u rows", row_count);
    parts->order = order;
    parts->order_capacity = row_count;
    return NULL;
}

/* Rows of part p are order[begins[p]] up to order[begins[p + 1]]. */
static void order_rows(struct parts *parts, const uint64_t *hashes, uint32_t row_count,
                       uint32_t *begins)
{
    for (uint32_t row = 0; row < row_count; row++)
        begins[part_of(parts, hashes[row])]++;
    for (uint32_t part = 1; part <= PART_COUNT; part++)
        begins[part] += begins[part - 1];
    for (uint32_t row = row_count; row-- > 0;)
        parts->order[--begins[part_of(parts, hashes[row])]] = row;
}

/* Makes a part what it was with so many batches, and so many rows in the last of them. */
static void truncate_part(struct parts *parts, struct part *part, uint32_t batch_count,
                          uint32_t last_count)
{
    forget_batches(parts, part, batch_count);
    if (batch_count > 0)
        batch_truncate(part->batches[batch_count - 1], last_count);
}

barks_status *parts_add(struct parts *parts, const struct batch *batch, const uint64_t *hashes)
{
    const uint32_t row_count = batch->base.row_count;
    uint32_t begins[PART_COUNT + 1] = {0};
    uint32_t batch_counts[PART_COUNT], last_counts[PART_COUNT];
    BARKS_TRY(reserve_order(parts, row_count));
    order_rows(parts, hashes, row_count, begins);
    barks_status *status = NULL;
    uint32_t done = 0;
    for (; status == NULL && done < PART_COUNT; done++) {
        struct part *part = &parts->parts[done];
        batch_counts[done] = part->batch_count;
        last_counts[done] =
            part->batch_count > 0 ? part->batches[part->batch_count - 1]->base.row_count : 0;
        status = add_to_part(parts, part, batch, parts->order + begins[done],
                             begins[done + 1] - begins[done]);
    }
    while (status != NULL && done-- > 0)
        truncate_part(parts, &parts->parts[done], batch_counts[done], last_counts[done]);
    return status;
}

barks_status *parts_visit(struct parts *parts, uint32_t part,
                          barks_status *(*visit)(void *context, struct batch *batch), void *context)
{
    struct part visited = parts->parts[part];
    parts->parts[part] = (struct part){0};
    barks_status *status = NULL;
    for (uint32_t i = 0; i < visited.batch_count; i++) {
        if (status == NULL)
            status = visit(context, visited.batches[i]);
        parts->memory_bytes -= batch_memory_bytes(visited.batches[i]);
        batch_destroy(visited.batches[i]);
    }
    free(visited.batches);
    return status;
}
