#include "shuffle/buckets.h"

#include "base/pool.h"
#include "batch/row_bytes.h"
#include "shuffle/hot_keys.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Rows for each partition, on average, that are worth dealing out. */
enum { ROWS_WORTH_DEALING = 16 };

/* Staged rows are dealt out at this size at the latest, that is while they are in some cache. */
enum { STAGE_ROWS_MAX = 1 << 16 };
static const uint64_t stage_bytes_max = UINT64_C(4) << 20;

/* With what a last batch adds, and a header, still below 512 KiB: a size of the pool's. */
static const uint64_t frame_bytes_default = UINT64_C(448) << 10;
static const uint64_t total_bytes_default_min = UINT64_C(4) << 20;
static const uint64_t total_bytes_default_max = UINT64_C(256) << 20;

struct bucket {
    struct batch *batch; /* owned; NULL while there are no rows */
    uint64_t bytes;      /* of its rows */
    uint32_t frame_rows; /* that the last full frame had; 0: there was none */
};

struct buckets {
    struct buckets_options options;
    uint32_t row_bytes;     /* of a row without what it points to */
    bool has_pointers;      /* strings or lists somewhere */
    uint32_t rows_max;      /* of a bucket */
    struct bucket *buckets; /* owned; one for each partition */
    uint64_t total_bytes;   /* of all rows in them */
    struct batch *stage;    /* owned; NULL before it is needed */
    uint64_t stage_bytes;

    /* Dealing out: rows by partition. */
    uint32_t *begins;     /* owned; partition_count + 1 places in order */
    uint32_t *partitions; /* owned; of each row */
    uint32_t *order;      /* owned; rows of partition 0, of partition 1 ... */
    uint32_t *bytes;      /* owned; that each row points to, at most UINT32_MAX */
    uint32_t row_capacity;

    /* Where some rows go to several partitions: an entry for each. */
    uint32_t *entry_rows;       /* owned */
    uint32_t *entry_partitions; /* owned */
    uint32_t *entry_order;      /* owned; their rows, of partition 0, of partition 1 ... */
    uint32_t entry_capacity;
};

/* Rows of a fixed size are as many as a power of two to a frame: so their columns fill the blocks
 * that they double to. */
static uint32_t find_rows_max(const struct buckets *buckets)
{
    uint64_t rows = 1;
    if (buckets->has_pointers)
        return UINT32_MAX;
    while (2 * rows * buckets->row_bytes <= buckets->options.frame_bytes && rows < UINT32_MAX / 2)
        rows *= 2;
    return (uint32_t)rows;
}

barks_status *buckets_create(const struct buckets_options *options, struct buckets **out_buckets)
{
    uint32_t partition_count = options->partitioner.partition_count;
    if (partition_count == 0)
        BARKS_FAIL(BARKS_INVALID, "rows cannot be dealt to 0 partitions");
    struct buckets *buckets = calloc(1, sizeof *buckets);
    if (buckets == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu32 " buckets", partition_count);
    buckets->options = *options;
    if (options->frame_bytes == 0)
        buckets->options.frame_bytes = frame_bytes_default;
    if (options->total_bytes == 0) {
        uint64_t bytes = pool_budget_bytes(options->pool) / 16;
        if (bytes < total_bytes_default_min)
            bytes = total_bytes_default_min;
        if (bytes > total_bytes_default_max)
            bytes = total_bytes_default_max;
        buckets->options.total_bytes = bytes;
    }
    if (options->row_bytes_max == 0)
        buckets->options.row_bytes_max = ROW_BYTES_MAX;
    buckets->row_bytes = row_value_bytes(options->schema);
    buckets->has_pointers = row_has_pointers(options->schema);
    buckets->rows_max = find_rows_max(buckets);
    buckets->buckets = calloc(partition_count, sizeof *buckets->buckets);
    buckets->begins = calloc((size_t)partition_count + 1, sizeof *buckets->begins);
    if (buckets->buckets == NULL || buckets->begins == NULL) {
        buckets_destroy(buckets);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu32 " buckets", partition_count);
    }
    *out_buckets = buckets;
    return NULL;
}

void buckets_destroy(struct buckets *buckets)
{
    if (buckets == NULL)
        return;
    for (uint32_t i = 0;
         buckets->buckets != NULL && i < buckets->options.partitioner.partition_count; i++)
        batch_destroy(buckets->buckets[i].batch);
    partitioner_drop(&buckets->options.partitioner);
    batch_destroy(buckets->stage);
    free(buckets->buckets);
    free(buckets->begins);
    free(buckets->partitions);
    free(buckets->order);
    free(buckets->bytes);
    free(buckets->entry_rows);
    free(buckets->entry_partitions);
    free(buckets->entry_order);
    free(buckets);
}

/* --- Frames --- */

BARKS_CHECKED static barks_status *emit_bucket(struct buckets *buckets, uint32_t partition)
{
    struct bucket *bucket = &buckets->buckets[partition];
    struct batch *batch = bucket->batch;
    if (batch == NULL)
        return NULL;
    buckets->total_bytes -= bucket->bytes;
    bool is_full = bucket->bytes >= buckets->options.frame_bytes;
    *bucket = (struct bucket){.frame_rows = is_full ? batch->base.row_count : 0};
    return buckets->options.emit(buckets->options.context, partition, batch);
}

BARKS_CHECKED static barks_status *emit_all(struct buckets *buckets)
{
    for (uint32_t i = 0; i < buckets->options.partitioner.partition_count; i++)
        BARKS_TRY(emit_bucket(buckets, i));
    return NULL;
}

/* --- Dealing out --- */

/* Makes three arrays, which are there for *capacity rows, larger. */
BARKS_CHECKED static barks_status *reserve(uint32_t **arrays[3], uint32_t row_count,
                                           uint32_t *capacity)
{
    if (row_count <= *capacity)
        return NULL;
    for (size_t i = 0; i < 3; i++) {
        uint32_t *array = realloc(*arrays[i], (size_t)row_count * sizeof *array);
        if (array == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory to deal out %" PRIu32 " rows", row_count);
        *arrays[i] = array;
    }
    *capacity = row_count;
    return NULL;
}

BARKS_CHECKED static barks_status *reserve_rows(struct buckets *buckets, uint32_t row_count)
{
    return reserve((uint32_t **[]){&buckets->partitions, &buckets->order, &buckets->bytes},
                   row_count, &buckets->row_capacity);
}

/* Rows to be dealt out: one after another, or those of entries. */
struct deal {
    const struct batch *rows;
    const uint32_t *partitions; /* of each */
    const uint32_t *entry_rows; /* NULL: the k-th is row k */
    uint32_t *order;            /* out */
    uint32_t count;
    bool is_last; /* nothing comes after them, so that no partition needs to keep a bucket */
};

/* A counting sort, in which rows of a partition keep their order: those of partition p are then
 * order[begins[p]] up to order[begins[p + 1]]. */
static void order_rows(struct buckets *buckets, const struct deal *deal)
{
    uint32_t partition_count = buckets->options.partitioner.partition_count;
    uint32_t *begins = buckets->begins;
    memset(begins, 0, ((size_t)partition_count + 1) * sizeof *begins);
    for (uint32_t k = 0; k < deal->count; k++)
        begins[deal->partitions[k]]++;
    uint32_t sum = 0;
    for (uint32_t i = 0; i <= partition_count; i++) {
        sum += begins[i];
        begins[i] = sum; /* the end of partition i; filling in from the back makes it the begin */
    }
    for (uint32_t k = deal->count; k-- > 0;)
        deal->order[--begins[deal->partitions[k]]] =
            deal->entry_rows != NULL ? deal->entry_rows[k] : k;
}

static uint32_t bucket_rows(const struct bucket *bucket)
{
    return bucket->batch != NULL ? bucket->batch->base.row_count : 0;
}

static bool is_filled(const struct buckets *buckets, const struct bucket *bucket)
{
    return bucket->bytes >= buckets->options.frame_bytes ||
           bucket_rows(bucket) >= buckets->rows_max;
}

/* As many of the rows, but at least one, as fill a bucket up to a frame. */
static uint32_t rows_to_fill(const struct buckets *buckets, const struct bucket *bucket,
                             const uint32_t *indices, uint32_t row_count, uint64_t *out_bytes)
{
    uint32_t k = 0, rows_left = buckets->rows_max - bucket_rows(bucket);
    uint64_t before = bucket->bytes, bytes = before;
    if (row_count > rows_left)
        row_count = rows_left;
    while (k < row_count && (k == 0 || bytes < buckets->options.frame_bytes)) {
        bytes += buckets->row_bytes + (buckets->has_pointers ? buckets->bytes[indices[k]] : 0);
        k++;
    }
    *out_bytes = bytes - before;
    return k;
}

/* Room for the next frame of a bucket that has filled one already, so that its rows are not copied
 * as it grows; but not where so many buckets would take more than all together may. */
static uint32_t rows_expected(const struct buckets *buckets, const struct bucket *bucket,
                              uint32_t row_count)
{
    const struct buckets_options *options = &buckets->options;
    bool has_room =
        options->total_bytes / options->frame_bytes >= options->partitioner.partition_count;
    return has_room && bucket->frame_rows > row_count ? bucket->frame_rows : row_count;
}

/* A batch may have more for a partition than a frame can hold. */
BARKS_CHECKED static barks_status *give_rows(struct buckets *buckets, const struct batch *rows,
                                             uint32_t partition, const uint32_t *indices,
                                             uint32_t row_count)
{
    struct bucket *bucket = &buckets->buckets[partition];
    while (row_count > 0) {
        uint64_t bytes = 0;
        uint32_t count = rows_to_fill(buckets, bucket, indices, row_count, &bytes);
        if (bucket->batch == NULL)
            BARKS_TRY(batch_create(buckets->options.pool, buckets->options.schema,
                                   rows_expected(buckets, bucket, count), &bucket->batch));
        bucket->batch->made_bytes_left = buckets->options.frame_bytes > bucket->bytes
                                             ? buckets->options.frame_bytes - bucket->bytes
                                             : 0;
        BARKS_TRY(batch_gather(bucket->batch, rows, indices, count, buckets->options.strings));
        bucket->bytes += bytes;
        buckets->total_bytes += bytes;
        if (is_filled(buckets, bucket))
            BARKS_TRY(emit_bucket(buckets, partition));
        indices += count;
        row_count -= count;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *give_all(struct buckets *buckets, const struct deal *deal)
{
    order_rows(buckets, deal);
    for (uint32_t i = 0; i < buckets->options.partitioner.partition_count; i++) {
        uint32_t begin = buckets->begins[i], end = buckets->begins[i + 1];
        if (begin < end)
            BARKS_TRY(give_rows(buckets, deal->rows, i, deal->order + begin, end - begin));
        if (deal->is_last)
            BARKS_TRY(emit_bucket(buckets, i));
    }
    return NULL;
}

/* Rows [first, *out_end), each as often as it has partitions, but about COPIES_AT_A_TIME entries.
 */
BARKS_CHECKED static barks_status *make_entries(struct buckets *buckets, uint32_t first,
                                                uint32_t row_count, uint32_t *out_end,
                                                uint32_t *out_count)
{
    enum { COPIES_AT_A_TIME = 1 << 16 };
    const struct partitioner *partitioner = &buckets->options.partitioner;
    const uint64_t *hashes = partitioner_hashes(partitioner);
    uint32_t partition_count = partitioner->partition_count, count = 0, row = first;
    if (partition_count > UINT32_MAX - COPIES_AT_A_TIME)
        BARKS_FAIL(BARKS_LIMIT, "rows cannot be copied to %" PRIu32 " partitions", partition_count);
    BARKS_TRY(reserve(
        (uint32_t **[]){&buckets->entry_rows, &buckets->entry_partitions, &buckets->entry_order},
        COPIES_AT_A_TIME + partition_count, &buckets->entry_capacity));
    for (; row < row_count && count < COPIES_AT_A_TIME; row++) {
        const struct hot_key *hot = hot_list_find(buckets->options.copied, hashes[row]);
        uint32_t pieces = hot != NULL ? hot->piece_count : 1;
        /* Piece 0 of a key lies where its hash says. */
        for (uint32_t piece = buckets->options.copies_only; piece < pieces; piece++, count++) {
            buckets->entry_rows[count] = row;
            buckets->entry_partitions[count] =
                hot == NULL ? buckets->partitions[row]
                            : hot_partition(hashes[row], piece, pieces, partition_count);
        }
    }
    *out_end = row;
    *out_count = count;
    return NULL;
}

BARKS_CHECKED static barks_status *give_copies(struct buckets *buckets, const struct batch *rows,
                                               bool is_last)
{
    uint32_t end = 0;
    for (uint32_t first = 0; first < rows->base.row_count; first = end) {
        struct deal deal = {.rows = rows};
        BARKS_TRY(make_entries(buckets, first, rows->base.row_count, &end, &deal.count));
        deal.partitions = buckets->entry_partitions;
        deal.entry_rows = buckets->entry_rows;
        deal.order = buckets->entry_order;
        deal.is_last = is_last && end == rows->base.row_count;
        BARKS_TRY(give_all(buckets, &deal));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *deal_out(struct buckets *buckets, const struct batch *rows,
                                            bool is_last)
{
    uint32_t row_count = rows->base.row_count;
    const struct hot_list *copied = buckets->options.copied;
    BARKS_TRY(reserve_rows(buckets, row_count));
    BARKS_TRY(partitioner_apply(&buckets->options.partitioner, rows, buckets->partitions));
    if (buckets->has_pointers)
        rows_find_bytes(&rows->base, buckets->bytes);
    if (buckets->has_pointers)
        BARKS_TRY(rows_check_bytes(buckets->bytes, row_count, buckets->options.row_bytes_max));
    if (copied != NULL && copied->count > 0)
        BARKS_TRY(give_copies(buckets, rows, is_last));
    else
        BARKS_TRY(give_all(buckets, &(struct deal){.rows = rows,
                                                   .partitions = buckets->partitions,
                                                   .order = buckets->order,
                                                   .count = row_count,
                                                   .is_last = is_last}));
    return buckets->total_bytes > buckets->options.total_bytes ? emit_all(buckets) : NULL;
}

/* --- Staging --- */

BARKS_CHECKED static barks_status *stage_rows(struct buckets *buckets, const struct batch *batch)
{
    if (buckets->stage == NULL)
        BARKS_TRY(batch_create(buckets->options.pool, buckets->options.schema, BATCH_ROWS,
                               &buckets->stage));
    return batch_append(buckets->stage, batch, 0, batch->base.row_count, buckets->options.strings);
}

/* Of all rows, with what they point to. */
BARKS_CHECKED static barks_status *find_bytes(struct buckets *buckets, const struct batch *batch,
                                              uint64_t *out_bytes)
{
    *out_bytes = (uint64_t)batch->base.row_count * buckets->row_bytes;
    if (!buckets->has_pointers)
        return NULL;
    BARKS_TRY(reserve_rows(buckets, batch->base.row_count));
    rows_find_bytes(&batch->base, buckets->bytes);
    for (uint32_t i = 0; i < batch->base.row_count; i++)
        *out_bytes += buckets->bytes[i];
    return NULL;
}

BARKS_CHECKED static barks_status *deal_stage(struct buckets *buckets, bool is_last)
{
    BARKS_TRY(deal_out(buckets, buckets->stage, is_last));
    batch_clear(buckets->stage);
    buckets->stage_bytes = 0;
    return NULL;
}

static bool has_staged(const struct buckets *buckets)
{
    return buckets->stage != NULL && buckets->stage->base.row_count > 0;
}

barks_status *buckets_add(struct buckets *buckets, const struct batch *batch)
{
    uint64_t worth_rows =
        (uint64_t)ROWS_WORTH_DEALING * buckets->options.partitioner.partition_count;
    if (worth_rows > STAGE_ROWS_MAX)
        worth_rows = STAGE_ROWS_MAX;
    uint64_t bytes = 0;
    if (batch->base.row_count == 0)
        return NULL;
    if (!has_staged(buckets) && batch->base.row_count >= worth_rows)
        return deal_out(buckets, batch, false);
    BARKS_TRY(find_bytes(buckets, batch, &bytes));
    if (bytes >= stage_bytes_max) { /* as views of one wide row may be: not all at once */
        if (has_staged(buckets))
            BARKS_TRY(deal_stage(buckets, false));
        return deal_out(buckets, batch, false);
    }
    BARKS_TRY(stage_rows(buckets, batch));
    buckets->stage_bytes += bytes;
    if (buckets->stage->base.row_count < worth_rows && buckets->stage_bytes < stage_bytes_max)
        return NULL;
    return deal_stage(buckets, false);
}

barks_status *buckets_seek(struct buckets *buckets, uint64_t position)
{
    if (has_staged(buckets))
        BARKS_TRY(deal_stage(buckets, false));
    buckets->options.partitioner.position = position;
    return NULL;
}

barks_status *buckets_flush(struct buckets *buckets)
{
    return has_staged(buckets) ? deal_stage(buckets, true) : emit_all(buckets);
}
