#include "shuffle/partition.h"

#include "base/checked.h"
#include "shuffle/hot_watch.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What partitioner_apply keeps from call to call. */
struct partitioner_scratch {
    uint64_t *numbers; /* owned; hashes or prefixes of a batch's rows */
    uint32_t number_capacity;
    /* Range: a number for the first sort key of each splitter, see prefix_of; NULL: compare rows.
     */
    uint64_t *prefixes; /* owned */
    bool has_looked_at_splitters;
};

void partitioner_drop(struct partitioner *partitioner)
{
    if (partitioner->scratch == NULL)
        return;
    free(partitioner->scratch->numbers);
    free(partitioner->scratch->prefixes);
    free(partitioner->scratch);
    partitioner->scratch = NULL;
}

const uint64_t *partitioner_hashes(const struct partitioner *partitioner)
{
    return partitioner->scratch->numbers;
}

BARKS_CHECKED static barks_status *prepare(struct partitioner *partitioner, uint32_t row_count)
{
    if (partitioner->scratch == NULL)
        partitioner->scratch = calloc(1, sizeof *partitioner->scratch);
    struct partitioner_scratch *scratch = partitioner->scratch;
    if (scratch == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a partitioner");
    if (row_count <= scratch->number_capacity)
        return NULL;
    uint64_t *numbers = realloc(scratch->numbers, (size_t)row_count * sizeof *numbers);
    if (numbers == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to partition %" PRIu32 " rows", row_count);
    scratch->numbers = numbers;
    scratch->number_capacity = row_count;
    return NULL;
}

BARKS_CHECKED static barks_status *apply_hash(const struct partitioner *partitioner,
                                              const barks_batch *rows, uint32_t *out_partitions)
{
    uint64_t *hashes = partitioner->scratch->numbers;
    uint32_t partition_count = partitioner->partition_count;
    batch_hash(rows, partitioner->key_columns, partitioner->key_count, hashes);
    for (uint32_t row = 0; row < rows->row_count; row++)
        out_partitions[row] = partition_of_hash(hashes[row], partition_count);
    if (partitioner->watch == NULL)
        return NULL;
    return hot_watch_spread(partitioner->watch, rows, hashes, out_partitions);
}

static void apply_round_robin(struct partitioner *partitioner, uint32_t row_count,
                              uint32_t *out_partitions)
{
    uint32_t next = (uint32_t)(partitioner->position % partitioner->partition_count);
    for (uint32_t row = 0; row < row_count; row++) {
        out_partitions[row] = next;
        next = next + 1 == partitioner->partition_count ? 0 : next + 1;
    }
    partitioner->position += row_count;
}

/* Partition i has the indices [i * n / p, (i + 1) * n / p). */
static void apply_index(const struct partitioner *partitioner, const barks_batch *rows,
                        uint32_t *out_partitions)
{
    const int64_t *indices = rows->columns[partitioner->key_columns[0]].values;
    uint64_t count = partitioner->index_count;
    uint32_t partition_count = partitioner->partition_count;
    for (uint32_t row = 0; row < rows->row_count; row++) {
        uint64_t index = indices[row] < 0 ? 0 : (uint64_t)indices[row];
        out_partitions[row] =
            index >= count
                ? partition_count - 1
                : (uint32_t)((((partition_product)index + 1) * partition_count - 1) / count);
    }
}

/* The last partition that begins at a place or before it: of several that begin there all but that
 * one are empty. */
static uint32_t partition_at(const struct partitioner *partitioner, uint64_t place)
{
    uint32_t low = 1, high = partitioner->partition_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (partitioner->bounds[middle] <= place)
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

static void apply_place(struct partitioner *partitioner, uint32_t row_count,
                        uint32_t *out_partitions)
{
    uint64_t place = partitioner->position;
    uint32_t partition = partition_at(partitioner, place), last = partitioner->partition_count - 1;
    for (uint32_t row = 0; row < row_count; row++, place++) {
        while (partition < last && partitioner->bounds[partition + 1] <= place)
            partition++;
        out_partitions[row] = partition;
    }
    partitioner->position = place;
}

BARKS_CHECKED static barks_status *apply_one(const struct partitioner *partitioner,
                                             uint32_t row_count, uint32_t *out_partitions)
{
    if (partitioner->position >= partitioner->partition_count)
        BARKS_FAIL(BARKS_INVALID, "rows for partition %" PRIu64 " of %" PRIu32,
                   partitioner->position, partitioner->partition_count);
    for (uint32_t row = 0; row < row_count; row++)
        out_partitions[row] = (uint32_t)partitioner->position;
    return NULL;
}

/* --- Ranges --- */

static uint64_t prefix_of_string(const barks_str *text)
{
    uint64_t bytes;
    if (text->length > BARKS_STR_INLINE)
        memcpy(&bytes, text->pointer, sizeof bytes);
    else /* zero where the string has ended */
        memcpy(&bytes, (const char *)text + offsetof(barks_str, prefix), sizeof bytes);
    return __builtin_bswap64(bytes);
}

static uint64_t prefix_of_double(double value)
{
    uint64_t bits;
    const uint64_t sign = UINT64_C(1) << 63;
    if (isnan(value))
        return UINT64_MAX;
    memcpy(&bits, &value, sizeof bits);
    if (value == 0.0)
        bits = 0;
    return (bits & sign) != 0 ? ~bits : bits | sign;
}

static bool has_prefixes(const struct partitioner *partitioner, const barks_batch *batch)
{
    const barks_column *column = &batch->columns[partitioner->sort_keys[0].column];
    return column->validity == NULL && column->type->id != BARKS_LIST &&
           column->type->id != BARKS_STRUCT;
}

/* Numbers for the values of the first sort key: that of the one which goes first is not larger. */
static void prefixes_of(const struct partitioner *partitioner, const barks_batch *batch,
                        uint64_t *out_prefixes)
{
    const uint64_t sign = UINT64_C(1) << 63;
    const struct sort_key *key = &partitioner->sort_keys[0];
    const barks_column *column = &batch->columns[key->column];
    const uint32_t row_count = batch->row_count;
    switch (column->type->id) {
    case BARKS_STR:
    case BARKS_BYTES:
        for (uint32_t i = 0; i < row_count; i++)
            out_prefixes[i] = prefix_of_string((const barks_str *)column->values + i);
        break;
    case BARKS_I64:
        for (uint32_t i = 0; i < row_count; i++)
            out_prefixes[i] = (uint64_t)((const int64_t *)column->values)[i] ^ sign;
        break;
    case BARKS_I32:
        for (uint32_t i = 0; i < row_count; i++)
            out_prefixes[i] = (uint64_t)(int64_t)((const int32_t *)column->values)[i] ^ sign;
        break;
    case BARKS_F64:
        for (uint32_t i = 0; i < row_count; i++)
            out_prefixes[i] = prefix_of_double(((const double *)column->values)[i]);
        break;
    case BARKS_F32:
        for (uint32_t i = 0; i < row_count; i++)
            out_prefixes[i] = prefix_of_double((double)((const float *)column->values)[i]);
        break;
    case BARKS_BOOL:
        for (uint32_t i = 0; i < row_count; i++)
            out_prefixes[i] = ((const uint8_t *)column->values)[i];
        break;
    case BARKS_LIST:
    case BARKS_STRUCT:
        assert(false);
        break;
    }
    for (uint32_t i = 0; key->descending && i < row_count; i++)
        out_prefixes[i] = ~out_prefixes[i];
}

/* How many of splitters [low, high) are <= row, counted from 0. */
static uint32_t search_rows(const struct partitioner *partitioner, const barks_batch *rows,
                            uint32_t row, uint32_t low, uint32_t high)
{
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (batch_compare_rows(&partitioner->splitters->base, middle, rows, row,
                               partitioner->sort_keys, partitioner->sort_key_count) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* How many prefixes are below each of those sought; without branches that could be guessed wrong,
 * and several at a time, since a step of a search waits for the one before. */
static void search_prefixes(const uint64_t *prefixes, uint32_t count, const uint64_t *sought,
                            uint32_t sought_count, uint32_t *out_below)
{
    enum { AT_A_TIME = 16 };
    memset(out_below, 0, sought_count * sizeof *out_below);
    for (uint32_t first = 0; count > 0 && first < sought_count; first += AT_A_TIME) {
        uint32_t end = sought_count - first < AT_A_TIME ? sought_count : first + AT_A_TIME;
        uint32_t left = count;
        while (left > 1) {
            uint32_t half = left / 2;
            for (uint32_t i = first; i < end; i++)
                out_below[i] += half & -(uint32_t)(prefixes[out_below[i] + half - 1] < sought[i]);
            left -= half;
        }
        for (uint32_t i = first; i < end; i++)
            out_below[i] += prefixes[out_below[i]] < sought[i];
    }
}

BARKS_CHECKED static barks_status *look_at_splitters(struct partitioner *partitioner)
{
    struct partitioner_scratch *scratch = partitioner->scratch;
    const barks_batch *splitters = &partitioner->splitters->base;
    if (has_prefixes(partitioner, splitters)) {
        scratch->prefixes = calloc((size_t)splitters->row_count + 1, sizeof(uint64_t));
        if (scratch->prefixes == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu32 " splitters",
                       splitters->row_count);
        prefixes_of(partitioner, splitters, scratch->prefixes);
    }
    scratch->has_looked_at_splitters = true;
    return NULL;
}

BARKS_CHECKED static barks_status *apply_range(struct partitioner *partitioner,
                                               const barks_batch *rows, uint32_t *out_partitions)
{
    struct partitioner_scratch *scratch = partitioner->scratch;
    uint32_t splitter_count = partitioner->partition_count - 1;
    if (partitioner->sort_key_count == 0 || partitioner->splitters == NULL ||
        partitioner->splitters->base.row_count != splitter_count)
        BARKS_FAIL(BARKS_INVALID,
                   "ranges need sort keys and a splitter less than the %" PRIu32 " partitions",
                   partitioner->partition_count);
    if (!scratch->has_looked_at_splitters)
        BARKS_TRY(look_at_splitters(partitioner));
    if (scratch->prefixes == NULL || !has_prefixes(partitioner, rows)) {
        for (uint32_t row = 0; row < rows->row_count; row++)
            out_partitions[row] = search_rows(partitioner, rows, row, 0, splitter_count);
        return NULL;
    }
    prefixes_of(partitioner, rows, scratch->numbers);
    search_prefixes(scratch->prefixes, splitter_count, scratch->numbers, rows->row_count,
                    out_partitions);
    for (uint32_t row = 0; row < rows->row_count; row++) {
        uint64_t prefix = scratch->numbers[row];
        uint32_t low = out_partitions[row], high = splitter_count;
        if (low == splitter_count || scratch->prefixes[low] != prefix)
            continue;
        /* Splitters of the same prefix: those that are equal in all of it may lie either side. */
        uint64_t above = prefix + 1;
        if (prefix < UINT64_MAX)
            search_prefixes(scratch->prefixes, splitter_count, &above, 1, &high);
        out_partitions[row] = search_rows(partitioner, rows, row, low, high);
    }
    return NULL;
}

barks_status *partitioner_apply(struct partitioner *partitioner, const struct batch *batch,
                                uint32_t *out_partitions)
{
    const barks_batch *rows = &batch->base;
    if (partitioner->partition_count == 0)
        BARKS_FAIL(BARKS_INVALID, "rows cannot be dealt to 0 partitions");
    if (partitioner->partition_count == 1 || rows->row_count == 0) {
        partitioner->position += rows->row_count;
        if (rows->row_count > 0)
            memset(out_partitions, 0, rows->row_count * sizeof *out_partitions);
        return NULL;
    }
    BARKS_TRY(prepare(partitioner, rows->row_count));
    switch (partitioner->kind) {
    case PARTITION_HASH:
        return apply_hash(partitioner, rows, out_partitions);
    case PARTITION_RANGE:
        return apply_range(partitioner, rows, out_partitions);
    case PARTITION_ROUND_ROBIN:
        apply_round_robin(partitioner, rows->row_count, out_partitions);
        return NULL;
    case PARTITION_ONE:
        return apply_one(partitioner, rows->row_count, out_partitions);
    case PARTITION_INDEX:
        apply_index(partitioner, rows, out_partitions);
        return NULL;
    case PARTITION_PLACE:
        apply_place(partitioner, rows->row_count, out_partitions);
        return NULL;
    case PARTITION_CHOSEN:
        return partitioner->choose(partitioner->context, batch, out_partitions);
    case PARTITION_REPLICATE:
        break;
    }
    BARKS_FAIL(BARKS_INVALID, "no such kind of partitioner: %d", (int)partitioner->kind);
}
