#include "exec/piles.h"

#include <assert.h>
#include <stdlib.h>

/* Pages of memory are no smaller than the one, larger writes than the other gain nothing. */
static const uint64_t buffer_bytes_min = UINT64_C(16) << 10;
static const uint64_t buffer_bytes_max = UINT64_C(1) << 20;

void piles_init(struct piles *piles, const struct spill_room *room, const barks_schema *schema,
                uint32_t level, uint64_t share_bytes)
{
    assert(level < PILE_LEVELS);
    uint64_t buffer_bytes = share_bytes / 4 / PILE_COUNT;
    if (buffer_bytes < buffer_bytes_min)
        buffer_bytes = buffer_bytes_min;
    if (buffer_bytes > buffer_bytes_max)
        buffer_bytes = buffer_bytes_max;
    *piles = (struct piles){
        .room = room, .schema = schema, .level = level, .buffer_bytes = buffer_bytes};
    for (uint32_t pile = 0; pile < PILE_COUNT; pile++)
        piles->runs[pile] = (struct row_run){.room = room};
}

void piles_drop(struct piles *piles)
{
    for (uint32_t pile = 0; pile < PILE_COUNT; pile++) {
        batch_destroy(piles->waiting[pile]);
        row_run_drop(&piles->runs[pile]);
    }
    *piles = (struct piles){0};
}

static uint32_t pile_of(const struct piles *piles, uint64_t hash)
{
    return (uint32_t)(hash << (piles->level * PILE_BITS) >> (64 - PILE_BITS));
}

barks_status *piles_put(struct piles *piles, uint32_t pile, const struct batch *batch)
{
    uint32_t row_count = batch->base.row_count;
    uint64_t piece_count = batch_bytes(batch) / (2 * piles->buffer_bytes) + 1;
    uint32_t piece_rows = piece_count < row_count ? (uint32_t)(row_count / piece_count) : 1;
    if (piece_rows > BATCH_ROWS)
        piece_rows = BATCH_ROWS;
    for (uint32_t first = 0; first < row_count; first += piece_rows) {
        uint32_t count = row_count - first < piece_rows ? row_count - first : piece_rows;
        BARKS_TRY(row_run_add(&piles->runs[pile], &batch->base, first, count));
    }
    return NULL;
}

/* The rows that wait become pieces of the pile's run. */
BARKS_CHECKED static barks_status *write_waiting(struct piles *piles, uint32_t pile)
{
    struct batch *waiting = piles->waiting[pile];
    if (waiting == NULL)
        return NULL;
    BARKS_TRY(piles_put(piles, pile, waiting));
    batch_clear(waiting);
    return NULL;
}

static void forget_waiting(struct piles *piles, uint32_t pile)
{
    batch_destroy(piles->waiting[pile]);
    piles->waiting[pile] = NULL;
}

barks_status *piles_flush(struct piles *piles)
{
    for (uint32_t pile = 0; pile < PILE_COUNT; pile++) {
        BARKS_TRY(write_waiting(piles, pile));
        forget_waiting(piles, pile);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *keep_waiting(struct piles *piles, uint32_t pile,
                                                const struct batch *batch, const uint32_t *rows,
                                                uint32_t row_count)
{
    if (piles->waiting[pile] == NULL)
        BARKS_TRY(batch_create(piles->room->pool, piles->schema, 0, &piles->waiting[pile]));
    return batch_gather(piles->waiting[pile], batch, rows, row_count, BATCH_COPY);
}

/* Of the rows of one pile, as many as there is memory for once nothing else waits; rows of a MiB
 * each may be too many for it. */
BARKS_CHECKED static barks_status *keep_some(struct piles *piles, uint32_t pile,
                                             const struct batch *batch, const uint32_t *rows,
                                             uint32_t row_count, uint32_t *out_count)
{
    *out_count = row_count;
    barks_status *status = keep_waiting(piles, pile, batch, rows, row_count);
    if (status == NULL || barks_status_code(status) != BARKS_LIMIT)
        return status;
    barks_status_free(status);
    BARKS_TRY(piles_flush(piles));
    for (;; *out_count /= 2) {
        status = keep_waiting(piles, pile, batch, rows, *out_count);
        if (status == NULL || barks_status_code(status) != BARKS_LIMIT || *out_count == 1)
            return status;
        barks_status_free(status);
    }
}

/* Rows that are about as large as a piece are not copied first. */
static bool are_wide(const struct piles *piles, const struct batch *batch)
{
    return batch_bytes(batch) / batch->base.row_count > piles->buffer_bytes;
}

BARKS_CHECKED static barks_status *write_one_by_one(struct piles *piles, uint32_t pile,
                                                    const struct batch *batch, const uint32_t *rows,
                                                    uint32_t row_count)
{
    if (row_count > 0)
        BARKS_TRY(write_waiting(piles, pile));
    for (uint32_t i = 0; i < row_count; i++)
        BARKS_TRY(row_run_add(&piles->runs[pile], &batch->base, rows[i], 1));
    return NULL;
}

BARKS_CHECKED static barks_status *add_to_pile(struct piles *piles, uint32_t pile,
                                               const struct batch *batch, const uint32_t *rows,
                                               uint32_t row_count)
{
    for (uint32_t done = 0, count = 0; done < row_count; done += count) {
        struct batch *waiting = piles->waiting[pile];
        uint32_t room = BATCH_ROWS - (waiting != NULL ? waiting->base.row_count : 0);
        count = row_count - done < room ? row_count - done : room;
        BARKS_TRY(keep_some(piles, pile, batch, rows + done, count, &count));
        waiting = piles->waiting[pile];
        if (waiting->base.row_count < BATCH_ROWS && batch_bytes(waiting) < piles->buffer_bytes)
            continue;
        BARKS_TRY(write_waiting(piles, pile));
        if (batch_memory_bytes(waiting) > 2 * piles->buffer_bytes)
            forget_waiting(piles, pile); /* what long lists took stays with the columns */
    }
    return NULL;
}

/* How many rows are dealt at a time: if all are of one pile, that is about what it may have
 * waiting; wide rows are copied, and there may be little memory. */
static uint32_t deal_rows(const struct piles *piles, const struct batch *batch)
{
    uint64_t row_bytes = batch_bytes(batch) / batch->base.row_count + 1;
    uint64_t row_count = 2 * piles->buffer_bytes / row_bytes + 1;
    return row_count < BATCH_ROWS ? (uint32_t)row_count : BATCH_ROWS;
}

/* At most BATCH_ROWS rows from first on. */
BARKS_CHECKED static barks_status *deal(struct piles *piles, const struct batch *batch,
                                        const uint64_t *hashes, uint32_t first, uint32_t row_count)
{
    uint32_t ends[PILE_COUNT] = {0};
    for (uint32_t i = 0; i < row_count; i++)
        ends[pile_of(piles, hashes[first + i])]++;
    for (uint32_t pile = 1; pile < PILE_COUNT; pile++)
        ends[pile] += ends[pile - 1];
    for (uint32_t i = row_count; i-- > 0;)
        piles->rows[--ends[pile_of(piles, hashes[first + i])]] = first + i;
    bool wide = row_count > 0 && are_wide(piles, batch);
    for (uint32_t pile = 0; pile < PILE_COUNT; pile++) { /* ends are where piles begin now */
        const uint32_t *rows = piles->rows + ends[pile];
        uint32_t count = (pile + 1 < PILE_COUNT ? ends[pile + 1] : row_count) - ends[pile];
        BARKS_TRY(wide ? write_one_by_one(piles, pile, batch, rows, count)
                       : add_to_pile(piles, pile, batch, rows, count));
    }
    return NULL;
}

barks_status *piles_add(struct piles *piles, const struct batch *batch, const uint64_t *hashes)
{
    uint32_t row_count = batch->base.row_count;
    uint32_t rows_max = row_count > 0 ? deal_rows(piles, batch) : 0;
    for (uint32_t first = 0; first < row_count; first += rows_max) {
        uint32_t count = row_count - first < rows_max ? row_count - first : rows_max;
        BARKS_TRY(deal(piles, batch, hashes, first, count));
    }
    return NULL;
}
