#include "exec/custom_splits.h"

#include "base/checked.h"
#include "base/copy.h"
#include "base/pack.h"
#include "base/scope.h"
#include "io/split.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SPLITS_MAX = SPLIT_PARTITIONS_MAX };

void custom_splits_drop(struct custom_splits *splits)
{
    for (size_t i = 0; i < splits->count; i++) {
        free((void *)(uintptr_t)splits->splits[i].split.data);
        free(splits->splits[i].hosts);
    }
    free(splits->splits);
    free(splits->firsts);
    *splits = (struct custom_splits){0};
}

void custom_splits_destroy(struct custom_splits *splits)
{
    if (splits == NULL)
        return;
    custom_splits_drop(splits);
    free(splits);
}

BARKS_CHECKED static barks_status *make_room(struct custom_splits *splits)
{
    if (splits->count < splits->capacity)
        return NULL;
    size_t capacity = 2 * splits->capacity + 8;
    struct custom_split *more = realloc(splits->splits, capacity * sizeof *more);
    if (more == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %zu splits", capacity);
    splits->splits = more;
    splits->capacity = capacity;
    return NULL;
}

barks_status *custom_splits_add(struct custom_splits *splits, const void *data, size_t size,
                                const barks_split_options *options)
{
    void *copy = NULL;
    if (size > BARKS_SPLIT_BYTES_MAX)
        BARKS_FAIL(BARKS_LIMIT, "split %zu is described by %zu bytes; the limit is %d",
                   splits->count, size, BARKS_SPLIT_BYTES_MAX);
    if (splits->count == SPLITS_MAX)
        BARKS_FAIL(BARKS_LIMIT, "more than %d splits; make them larger", SPLITS_MAX);
    BARKS_TRY(make_room(splits));
    BARKS_TRY(copy_bytes(data, size, &copy));
    struct custom_split *added = &splits->splits[splits->count];
    *added = (struct custom_split){.split = {.data = copy,
                                             .data_bytes = size,
                                             .bytes = options->bytes,
                                             .index = (uint32_t)splits->count}};
    splits->count++;
    return options->hosts != NULL ? copy_text(options->hosts, &added->hosts) : NULL;
}

/* ---- partitions ---- */

static uint64_t sum_of(uint64_t a, uint64_t b)
{
    uint64_t sum = 0;
    return ckd_add(&sum, a, b) ? UINT64_MAX : sum;
}

/* Beside which split none fits into a partition, where its bytes are not known. */
static uint64_t packed_weight(const struct barks_split *split)
{
    return split->bytes > 0 ? sum_of(split->bytes, SPLIT_FILE_COST_BYTES) : UINT64_MAX;
}

barks_status *custom_splits_partition(struct custom_splits *splits, uint64_t split_bytes)
{
    splits->firsts = calloc(splits->count + 1, sizeof *splits->firsts);
    if (splits->firsts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the partitions of %zu splits", splits->count);
    uint64_t most = split_bytes > 0 ? split_bytes : SPLIT_BYTES_DEFAULT, packed = 0;
    for (size_t i = 0; i < splits->count; i++) {
        uint64_t weight = packed_weight(&splits->splits[i].split);
        packed = sum_of(packed, weight);
        if (i > 0 && packed <= most)
            continue;
        splits->firsts[splits->partition_count++] = i;
        packed = weight;
    }
    splits->firsts[splits->partition_count] = splits->count;
    return NULL;
}

uint64_t custom_splits_bytes(const struct custom_splits *splits)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < splits->count; i++)
        if (splits->splits[i].split.bytes == 0 || ckd_add(&sum, sum, splits->splits[i].split.bytes))
            return UINT64_MAX;
    return sum;
}

uint64_t custom_splits_weight(const struct custom_splits *splits, uint32_t partition)
{
    uint64_t sum = 0;
    for (size_t i = splits->firsts[partition]; i < splits->firsts[partition + 1]; i++)
        sum = sum_of(sum, splits->splits[i].split.bytes + (splits->splits[i].split.bytes == 0));
    return sum;
}

const char *custom_splits_hosts(const struct custom_splits *splits, uint32_t partition)
{
    for (size_t i = splits->firsts[partition]; i < splits->firsts[partition + 1]; i++)
        if (splits->splits[i].hosts != NULL)
            return splits->splits[i].hosts;
    return NULL;
}

/* ---- bytes ---- */

barks_status *custom_splits_pack(const struct custom_splits *splits, uint32_t partition,
                                 struct packer *out)
{
    BARKS_AUTO(packer) inner = {0};
    size_t first = splits->firsts[partition], end = splits->firsts[partition + 1];
    pack_u64(&inner, end - first);
    for (size_t i = first; i < end; i++) {
        const struct barks_split *split = &splits->splits[i].split;
        pack_u64(&inner, split->index);
        pack_u64(&inner, split->bytes);
        pack_bytes(&inner, split->data, split->data_bytes);
    }
    BARKS_TRY(packer_finish(&inner));
    pack_bytes(out, inner.bytes.data, inner.bytes.size);
    return NULL;
}

BARKS_CHECKED static barks_status *unpack_all(struct unpacker *in, struct custom_splits *out)
{
    uint32_t count = unpack_count(in);
    for (uint32_t i = 0; i < count; i++) {
        size_t data_bytes = 0;
        uint32_t index = unpack_u32(in);
        barks_split_options options = {.bytes = unpack_u64(in)};
        const uint8_t *data = unpack_bytes(in, &data_bytes);
        BARKS_TRY(custom_splits_add(out, data, data_bytes, &options));
        out->splits[i].split.index = index;
    }
    return unpacker_finish(in);
}

barks_status *custom_splits_unpack(const uint8_t *bytes, size_t size_bytes,
                                   struct custom_splits *out)
{
    struct unpacker in;
    unpacker_init(&in, bytes, size_bytes);
    barks_status *status = unpack_all(&in, out);
    unpacker_drop(&in);
    return status;
}
