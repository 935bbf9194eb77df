#include "io/split.h"

#include "base/checked.h"
#include "base/random.h"
#include "base/scope.h"
#include "io/listing.h"
#include "io/packing.h"

#include <msgpack.h>

#include <stdlib.h>
#include <string.h>

/* How many ranges a file is cut into: 0 for an empty one. */
static uint64_t range_count(const struct input_file *file, uint64_t split_bytes)
{
    if (file->size_bytes == 0)
        return 0;
    bool is_cut = file->compression == COMPRESSION_NONE && !file->is_whole;
    return is_cut ? (file->size_bytes - 1) / split_bytes + 1 : 1;
}

/* The load of a file that is packed with others. */
static uint64_t packed_weight(const struct input_file *file)
{
    uint64_t factor = file->compression == COMPRESSION_NONE ? 1 : SPLIT_PACKED_FACTOR;
    uint64_t weight = 0;
    if (ckd_mul(&weight, file->size_bytes, factor) ||
        ckd_add(&weight, weight, SPLIT_FILE_COST_BYTES))
        return UINT64_MAX;
    return weight;
}

/* Range i of count equal ones: i * size / count without the product, which may pass 2^64. */
static uint64_t range_begin(uint64_t size_bytes, uint64_t i, uint64_t count)
{
    uint64_t whole = size_bytes / count;
    uint64_t rest = size_bytes % count; /* the first ones are a byte longer */
    return i * whole + (i < rest ? i : rest);
}

static void add_file(struct split_plan *plan, const struct input_file *file, uint64_t ranges,
                     uint64_t i)
{
    plan->splits[plan->split_count++] = (struct split){
        .path = file->path,
        .begin = range_begin(file->size_bytes, i, ranges),
        .end = range_begin(file->size_bytes, i + 1, ranges),
        .file_bytes = file->size_bytes,
        .mtime_ns = file->mtime_ns,
        .compression = file->compression,
    };
}

static void begin_partition(struct split_plan *plan)
{
    plan->firsts[plan->partition_count++] = plan->split_count;
}

static void fill(struct split_plan *plan, const struct listing *listing, uint64_t split_bytes)
{
    uint64_t packed_bytes =
        UINT64_MAX; /* as if the last partition were full: the next file begins one */
    for (size_t f = 0; f < listing->file_count; f++) {
        const struct input_file *file = &listing->files[f];
        uint64_t ranges = range_count(file, split_bytes);
        if (ranges == 1) {
            uint64_t sum = 0;
            if (ckd_add(&sum, packed_bytes, packed_weight(file)) || sum > split_bytes) {
                begin_partition(plan);
                sum = packed_weight(file);
            }
            add_file(plan, file, 1, 0);
            packed_bytes = sum;
        } else if (ranges > 1) {
            for (uint64_t i = 0; i < ranges; i++) {
                begin_partition(plan);
                add_file(plan, file, ranges, i);
            }
            packed_bytes = UINT64_MAX;
        }
    }
    plan->firsts[plan->partition_count] = plan->split_count;
}

BARKS_CHECKED static barks_status *alloc_plan(uint64_t splits, struct split_plan *plan)
{
    plan->splits = calloc((size_t)splits + 1, sizeof *plan->splits); /* a list has so many */
    plan->firsts = calloc((size_t)splits + 1, sizeof *plan->firsts);
    if (plan->splits == NULL || plan->firsts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a plan of %ju splits", (uintmax_t)splits);
    return NULL;
}

barks_status *split_plan_make_whole(const struct listing *listing, uint64_t split_bytes,
                                    struct split_plan *out_plan)
{
    BARKS_AUTO(split_plan) plan = {0};
    uint64_t packed_bytes = UINT64_MAX; /* the first file begins a partition */
    if (split_bytes == 0)
        split_bytes = SPLIT_BYTES_DEFAULT;
    if (listing->file_count > SPLIT_PARTITIONS_MAX)
        BARKS_FAIL(BARKS_LIMIT, "%zu files are more than %d", listing->file_count,
                   SPLIT_PARTITIONS_MAX);
    BARKS_TRY(alloc_plan(listing->file_count, &plan));
    for (size_t f = 0; f < listing->file_count; f++) {
        uint64_t weight = packed_weight(&listing->files[f]);
        if (ckd_add(&packed_bytes, packed_bytes, weight) || packed_bytes > split_bytes) {
            begin_partition(&plan);
            packed_bytes = weight;
        }
        add_file(&plan, &listing->files[f], 1, 0);
    }
    plan.firsts[plan.partition_count] = plan.split_count;
    *out_plan = plan;
    plan = (struct split_plan){0};
    return NULL;
}

barks_status *split_plan_make(const struct listing *listing, uint64_t split_bytes,
                              struct split_plan *out_plan)
{
    if (split_bytes == 0)
        split_bytes = SPLIT_BYTES_DEFAULT;
    uint64_t splits = 0;
    for (size_t f = 0; f < listing->file_count; f++)
        if (ckd_add(&splits, splits, range_count(&listing->files[f], split_bytes)) ||
            splits > SPLIT_PARTITIONS_MAX)
            BARKS_FAIL(BARKS_LIMIT,
                       "splits of %ju bytes make more than %d partitions: make the splits larger",
                       (uintmax_t)split_bytes, SPLIT_PARTITIONS_MAX);
    BARKS_AUTO(split_plan) plan = {0};
    BARKS_TRY(alloc_plan(splits, &plan));
    fill(&plan, listing, split_bytes);
    *out_plan = plan;
    plan = (struct split_plan){0};
    return NULL;
}

void split_plan_keep_head(struct split_plan *plan, size_t first, uint64_t head_end)
{
    struct split *splits = plan->splits;
    if (splits[first].end < head_end)
        splits[first].end = head_end;
    for (size_t i = first + 1; i < plan->split_count && splits[i].begin > 0; i++) {
        splits[i].begin = splits[i].begin < head_end ? head_end : splits[i].begin;
        splits[i].end = splits[i].end < head_end ? head_end : splits[i].end;
    }
}

void split_plan_drop(struct split_plan *plan)
{
    free(plan->splits);
    free(plan->firsts);
    *plan = (struct split_plan){0};
}

uint64_t split_plan_bytes(const struct split_plan *plan, size_t partition)
{
    uint64_t sum = 0;
    for (size_t i = plan->firsts[partition]; i < plan->firsts[partition + 1]; i++)
        sum += plan->splits[i].end -
               plan->splits[i].begin; /* files of one listing: its total was checked */
    return sum;
}

/* The encoding: an array of splits, each an array of path (bin), begin, end, file_bytes, mtime_ns,
 * compression, start_state. */
enum { SPLIT_FIELDS = 7 };

barks_status *split_pack(const struct split *splits, size_t count, struct buffer *out)
{
    struct packing packing = {.out = out};
    msgpack_packer packer;
    msgpack_packer_init(&packer, &packing, packing_write);
    (void)msgpack_pack_array(&packer, count); /* errors stay in packing */
    for (size_t i = 0; i < count && packing.error == NULL; i++) {
        const struct split *split = &splits[i];
        size_t path_bytes = strlen(split->path);
        (void)msgpack_pack_array(&packer, SPLIT_FIELDS);
        (void)msgpack_pack_bin(&packer, path_bytes);
        (void)msgpack_pack_bin_body(&packer, split->path, path_bytes);
        (void)msgpack_pack_uint64(&packer, split->begin);
        (void)msgpack_pack_uint64(&packer, split->end);
        (void)msgpack_pack_uint64(&packer, split->file_bytes);
        (void)msgpack_pack_int64(&packer, split->mtime_ns);
        (void)msgpack_pack_uint8(&packer, (uint8_t)split->compression); /* few */
        (void)msgpack_pack_uint8(&packer, split->start_state);
    }
    return packing.error;
}

/* Bytes of the path and its zero; 0 for an object that is no split. */
static size_t split_path_bytes(const msgpack_object *object)
{
    if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size != SPLIT_FIELDS)
        return 0;
    const msgpack_object *field = object->via.array.ptr;
    for (size_t i = 1; i < SPLIT_FIELDS; i++)
        if (field[i].type != MSGPACK_OBJECT_POSITIVE_INTEGER &&
            (i != 4 || field[i].type != MSGPACK_OBJECT_NEGATIVE_INTEGER))
            return 0;
    bool sound = field[0].type == MSGPACK_OBJECT_BIN && field[0].via.bin.size > 0 &&
                 memchr(field[0].via.bin.ptr, '\0', field[0].via.bin.size) == NULL &&
                 field[1].via.u64 <= field[2].via.u64 && field[2].via.u64 <= field[3].via.u64 &&
                 field[3].via.u64 <= INT64_MAX && field[5].via.u64 <= COMPRESSION_LAST &&
                 field[6].via.u64 <= UINT8_MAX;
    return sound ? (size_t)field[0].via.bin.size + 1 : 0;
}

BARKS_CHECKED static barks_status *take_splits(const msgpack_object *object, struct split_set *set)
{
    if (object->type != MSGPACK_OBJECT_ARRAY)
        BARKS_FAIL(BARKS_BAD_INPUT, "a list of splits is no array");
    size_t count = object->via.array.size;
    size_t names_bytes = 0;
    for (size_t i = 0; i < count; i++) {
        size_t path_bytes = split_path_bytes(&object->via.array.ptr[i]);
        if (path_bytes == 0)
            BARKS_FAIL(BARKS_BAD_INPUT, "split %zu of %zu is malformed", i, count);
        names_bytes += path_bytes; /* all of them lie in the message */
    }
    set->splits = calloc(count + 1, sizeof *set->splits);
    set->names = malloc(names_bytes + 1);
    if (set->splits == NULL || set->names == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %zu splits", count);
    char *name = set->names;
    for (size_t i = 0; i < count; i++) {
        const msgpack_object *field = object->via.array.ptr[i].via.array.ptr;
        size_t path_bytes = field[0].via.bin.size;
        memcpy(name, field[0].via.bin.ptr, path_bytes);
        name[path_bytes] = '\0';
        set->splits[i] = (struct split){
            .path = name,
            .begin = field[1].via.u64,
            .end = field[2].via.u64,
            .file_bytes = field[3].via.u64,
            .mtime_ns = field[4].via.i64,
            .compression = (enum compression)field[5].via.u64, /* checked above */
            .start_state = (uint8_t)field[6].via.u64,
        };
        name += path_bytes + 1;
    }
    set->count = count;
    return NULL;
}

barks_status *split_unpack(const uint8_t *bytes, size_t size_bytes, size_t *out_used_bytes,
                           struct split_set *out_set)
{
    if (!packing_is_bounded(bytes, size_bytes))
        BARKS_FAIL(BARKS_BAD_INPUT, "a list of splits is cut or malformed");
    size_t used_bytes = 0;
    msgpack_unpacked message;
    msgpack_unpacked_init(&message);
    BARKS_AUTO(split_set) set = {0};
    barks_status *status = NULL;
    msgpack_unpack_return got =
        msgpack_unpack_next(&message, (const char *)bytes, size_bytes, &used_bytes);
    if (got == MSGPACK_UNPACK_SUCCESS || got == MSGPACK_UNPACK_EXTRA_BYTES)
        status = take_splits(&message.data, &set);
    else if (got == MSGPACK_UNPACK_NOMEM_ERROR)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory to unpack a list of splits");
    else
        status = barks_status_new(BARKS_BAD_INPUT, NULL, BARKS_HERE,
                                  "a list of splits is cut or malformed");
    msgpack_unpacked_destroy(&message);
    BARKS_TRY(status);
    *out_used_bytes = used_bytes;
    *out_set = set;
    set = (struct split_set){0};
    return NULL;
}

/* ---- thinning out ---- */

enum { PIECES_MIN = 4 }; /* of a split: else what it looks like is not seen in them */
static const uint64_t piece_bytes = UINT64_C(64) << 10; /* opening the file costs less */

/* Into how many pieces a split is thinned out; 1: it stays as it is. */
static uint64_t piece_count(const struct split *split, uint32_t stride)
{
    uint64_t count = (split->end - split->begin) / (piece_bytes * stride);
    return split->compression == COMPRESSION_NONE && count >= PIECES_MIN ? count : 1;
}

/* A piece of each of `count` equal parts, anywhere in it: splits that look alike, as sorted ones
 * do, should not be seen at the same places alone. */
static void put_pieces(const struct split *split, uint64_t count, struct split *out)
{
    uint64_t part_bytes = (split->end - split->begin) / count, random = split->begin;
    for (uint64_t i = 0; i < count; i++) {
        out[i] = *split;
        if (count == 1)
            return;
        out[i].begin =
            split->begin + i * part_bytes + splitmix64(&random) % (part_bytes - piece_bytes + 1);
        out[i].end = out[i].begin + piece_bytes;
    }
}

barks_status *split_set_thin_out(struct split_set *set, uint32_t stride, double *out_times)
{
    uint64_t count = 0, before_bytes = 0, left_bytes = 0;
    for (size_t i = 0; i < set->count; i++)
        count += piece_count(&set->splits[i], stride);
    struct split *pieces = calloc((size_t)count + 1, sizeof *pieces); /* of files: far below 2^63 */
    if (pieces == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %ju splits", (uintmax_t)count);
    count = 0;
    for (size_t i = 0; i < set->count; i++) {
        const struct split *split = &set->splits[i];
        uint64_t split_pieces = piece_count(split, stride), bytes = split->end - split->begin;
        put_pieces(split, split_pieces, pieces + count);
        count += split_pieces;
        before_bytes += bytes;
        left_bytes += split_pieces == 1 ? bytes : split_pieces * piece_bytes;
    }
    free(set->splits);
    set->splits = pieces;
    set->count = (size_t)count;
    *out_times = left_bytes > 0 ? (double)before_bytes / (double)left_bytes : 1;
    return NULL;
}

void split_set_drop(struct split_set *set)
{
    free(set->splits);
    free(set->names);
    *set = (struct split_set){0};
}
