/* Partitions on their way into the store. */
#include "base/log.h"
#include "batch/codec.h"
#include "store/kept.h"
#include "store/kept_store.h"

#include <inttypes.h>
#include <stdlib.h>

/* What a piece aims at. */
enum { PIECE_ROWS = 8192 };
#define PIECE_BYTES (UINT64_C(1) << 20)

enum writer_state {
    WRITES_TO_MEMORY,
    WRITES_TO_DISK,
    GAVE_UP, /* what comes is forgotten */
};

struct kept_writer {
    struct kept_store *store;
    struct kept_name name;
    unsigned level;
    const barks_schema *schema;
    enum writer_state state;
    struct kept_pieces pieces; /* their memory is claimed */
    struct batch *rows;        /* owned: the piece that is being filled; NULL: none */
    uint64_t rows_bytes;       /* encoded, about */
};

barks_status *kept_begin(struct kept_store *store, struct kept_name name, unsigned level,
                         const barks_schema *schema, struct kept_writer **out_writer)
{
    struct kept_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to keep a partition");
    *writer = (struct kept_writer){.store = store, .name = name, .level = level, .schema = schema};
    if ((level & KEPT_LEVEL_MASK) == KEPT_DISK)
        writer->state = WRITES_TO_DISK;
    if (!kept_is_wanted(store, name))
        writer->state = GAVE_UP;
    *out_writer = writer;
    return NULL;
}

static void forget(struct kept_writer *writer)
{
    batch_destroy(writer->rows);
    writer->rows = NULL;
    uint64_t claimed = writer->pieces.memory_bytes;
    kept_pieces_drop(&writer->pieces);
    kept_unclaim(writer->store, claimed);
    writer->state = GAVE_UP;
}

static void give_up(struct kept_writer *writer)
{
    LOG(LEVEL_INFO, "store",
        "partition %" PRIu32 " of dataset %" PRIu64 " does not fit in the %" PRIu64
        " MiB for kept partitions, so it is computed again when it is wanted; "
        "--barks-kept-bytes-max gives more",
        writer->name.partition, writer->name.dataset,
        writer->store->options.memory_bytes_max >> 20);
    forget(writer);
}

static bool compresses(const struct kept_writer *writer) { return (writer->level & KEPT_LZ4) != 0; }

BARKS_CHECKED static barks_status *add_on_disk(struct kept_writer *writer)
{
    BARKS_TRY(kept_pieces_add_on_disk(&writer->pieces, &writer->store->room, writer->rows,
                                      compresses(writer)));
    batch_clear(writer->rows);
    return NULL;
}

/* There is no room in memory: the whole partition goes to disk, or is not kept. */
BARKS_CHECKED static barks_status *leave_memory(struct kept_writer *writer)
{
    if ((writer->level & KEPT_LEVEL_MASK) == KEPT_MEMORY) {
        give_up(writer);
        return NULL;
    }
    struct kept_pieces moved = {0};
    BARKS_TRY(
        kept_pieces_to_disk(&writer->pieces, &writer->store->room, compresses(writer), &moved));
    uint64_t claimed = writer->pieces.memory_bytes;
    kept_pieces_drop(&writer->pieces);
    kept_unclaim(writer->store, claimed);
    writer->pieces = moved;
    writer->state = WRITES_TO_DISK;
    return NULL;
}

/* Of memory: the one failure that is no error here. */
static bool is_shortage(const barks_status *status)
{
    return status != NULL && (barks_status_code(status) == BARKS_LIMIT ||
                              barks_status_code(status) == BARKS_NO_MEMORY);
}

/* Adds writer->rows to the pieces in memory; *out_fits false: they do not fit, and are where they
 * were. */
BARKS_CHECKED static barks_status *add_in_memory(struct kept_writer *writer, bool *out_fits)
{
    uint64_t before = writer->pieces.memory_bytes;
    bool encodes = (writer->level & (KEPT_ENCODED | KEPT_LZ4)) != 0;
    uint64_t bytes = batch_memory_bytes(writer->rows); /* encoded ones are smaller: claimed anew */
    *out_fits = kept_claim(writer->store, bytes, writer->name.dataset);
    if (!*out_fits)
        return NULL;
    barks_status *status = encodes ? kept_pieces_add_encoded(&writer->pieces, &writer->store->room,
                                                             writer->rows, compresses(writer))
                                   : kept_pieces_add_batch(&writer->pieces, writer->rows);
    if (status != NULL) {
        kept_unclaim(writer->store, bytes);
        *out_fits = !is_shortage(status);
        if (*out_fits)
            return status;
        barks_status_free(status);
        return NULL;
    }
    uint64_t taken = writer->pieces.memory_bytes - before;
    if (taken <= bytes)
        kept_unclaim(writer->store, bytes - taken);
    else if (!kept_claim(writer->store, taken - bytes, writer->name.dataset)) {
        kept_unclaim(writer->store, bytes); /* with all that is claimed, by forget */
        writer->pieces.memory_bytes = before;
        give_up(writer);
        return NULL;
    }
    if (encodes)
        batch_clear(writer->rows);
    else
        writer->rows = NULL;
    return NULL;
}

/* Makes the rows at hand a piece. */
BARKS_CHECKED static barks_status *seal(struct kept_writer *writer)
{
    bool fits = true;
    if (writer->rows == NULL || writer->rows->base.row_count == 0)
        return NULL;
    writer->rows_bytes = 0;
    if (writer->state == WRITES_TO_MEMORY) {
        BARKS_TRY(add_in_memory(writer, &fits));
        if (!fits)
            BARKS_TRY(leave_memory(writer));
        else
            return NULL;
    }
    return writer->state == WRITES_TO_DISK ? add_on_disk(writer) : NULL;
}

BARKS_CHECKED static barks_status *append(struct kept_writer *writer, const struct batch *batch,
                                          uint32_t first, uint32_t row_count)
{
    if (writer->rows == NULL)
        BARKS_TRY(batch_create(writer->store->room.pool, writer->schema, 0, &writer->rows));
    return batch_append(writer->rows, batch, first, row_count, BATCH_COPY);
}

/* Rows [first, first + row_count), which are few. Where memory is short, and others can give none
 * back, this partition gives way itself. */
BARKS_CHECKED static barks_status *add_rows(struct kept_writer *writer, const struct batch *batch,
                                            uint32_t first, uint32_t row_count, uint64_t bytes)
{
    barks_status *status = append(writer, batch, first, row_count);
    if (is_shortage(status) && (writer->level & KEPT_LEVEL_MASK) == KEPT_MEMORY) {
        barks_status_free(status);
        give_up(writer);
        return NULL;
    }
    BARKS_TRY(status);
    writer->rows_bytes += bytes;
    if (writer->rows->base.row_count >= PIECE_ROWS || writer->rows_bytes >= PIECE_BYTES)
        return seal(writer);
    return NULL;
}

barks_status *kept_add(struct kept_writer *writer, const struct batch *batch)
{
    uint32_t row_count = batch->base.row_count, first = 0;
    while (first < row_count && writer->state != GAVE_UP) {
        uint32_t held = writer->rows != NULL ? writer->rows->base.row_count : 0;
        uint32_t room = PIECE_ROWS - held, left = row_count - first;
        uint32_t count = left < room ? left : room;
        uint64_t bytes = codec_encoded_bytes(&batch->base, first, count);
        while (count > 1 && bytes > PIECE_BYTES) { /* long strings: fewer of them */
            count /= 2;
            bytes = codec_encoded_bytes(&batch->base, first, count);
        }
        BARKS_TRY(add_rows(writer, batch, first, count, bytes));
        first += count;
    }
    return NULL;
}

barks_status *kept_end(struct kept_writer *writer, bool complete)
{
    barks_status *status = NULL;
    if (writer == NULL)
        return NULL;
    if (complete && writer->state != GAVE_UP)
        status = seal(writer);
    if (complete && status == NULL && writer->state != GAVE_UP)
        status = kept_insert(writer->store, writer->name, writer->level, writer->schema,
                             &writer->pieces);
    forget(writer);
    free(writer);
    return status;
}
