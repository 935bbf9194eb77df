#include "shuffle/stored_frames.h"

#include "base/checked.h"
#include "base/hash.h"
#include "base/pool.h"
#include "batch/block.h"
#include "batch/codec.h"
#include "shuffle/reduce_side.h"
#include "store/packed_rows.h"
#include "store/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stored_head {
    uint64_t check; /* of the tag and the other fields */
    uint64_t stored_bytes, encoded_bytes;
    uint32_t partition, sequence, row_count, reserved;
};
_Static_assert(sizeof(struct stored_head) == 40, "a head is this struct, little-endian");

static uint64_t head_check(const struct stored_head *head, uint64_t tag)
{
    struct stored_head unchecked = *head;
    unchecked.check = 0;
    return hash_bytes_seeded(&unchecked, sizeof unchecked, tag);
}

void stored_pieces_drop(struct stored_pieces *pieces)
{
    free(pieces->all);
    *pieces = (struct stored_pieces){0};
}

barks_status *stored_pieces_add(struct stored_pieces *pieces, const struct stored_piece *piece)
{
    if (pieces->count == pieces->capacity) {
        uint32_t capacity = 2 * pieces->capacity + 64;
        struct stored_piece *all = realloc(pieces->all, capacity * sizeof *all);
        if (all == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu32 " pieces of a shuffle", capacity);
        pieces->all = all;
        pieces->capacity = capacity;
    }
    pieces->all[pieces->count++] = *piece;
    return NULL;
}

/* ---- writing ---- */

enum { WRITE_BYTES = 256 << 10 };

struct frames_writer {
    const char *path;
    const struct spill_room *room;
    uint64_t tag;
    int file;
    uint8_t *buffer; /* owned: WRITE_BYTES */
    size_t buffered_bytes;
    struct stored_pieces *pieces;
    struct stored_piece piece; /* that is being written */
    uint32_t frame_rows;       /* of its frame that is being written */
    barks_status *no_memory;   /* of the list of partitions; owned */
};

BARKS_CHECKED static barks_status *fail_write(const char *path, int error)
{
    barks_code code = error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE
                          ? BARKS_LIMIT
                          : BARKS_IO;
    BARKS_FAIL(code, "cannot write '%s': %s", path, strerrordesc_np(error));
}

BARKS_CHECKED static barks_status *write_all(const struct frames_writer *writer,
                                             const uint8_t *bytes, size_t size_bytes)
{
    while (size_bytes > 0) {
        ssize_t written = write(writer->file, bytes, size_bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return fail_write(writer->path, written < 0 ? errno : ENOSPC);
        bytes += written;
        size_bytes -= (size_t)written;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *flush(struct frames_writer *writer)
{
    size_t size_bytes = writer->buffered_bytes;
    writer->buffered_bytes = 0;
    return write_all(writer, writer->buffer, size_bytes);
}

BARKS_CHECKED static barks_status *put(struct frames_writer *writer, const void *bytes,
                                       size_t size_bytes)
{
    writer->piece.size_bytes += size_bytes;
    if (size_bytes > WRITE_BYTES - writer->buffered_bytes)
        BARKS_TRY(flush(writer));
    if (size_bytes > WRITE_BYTES)
        return write_all(writer, bytes, size_bytes);
    memcpy(writer->buffer + writer->buffered_bytes, bytes, size_bytes);
    writer->buffered_bytes += size_bytes;
    return NULL;
}

static barks_status *put_rows(void *context, const struct packed_rows *rows)
{
    struct frames_writer *writer = context;
    struct stored_head head = {.stored_bytes = rows->stored_bytes,
                               .encoded_bytes = rows->encoded_bytes,
                               .partition = writer->piece.partition,
                               .sequence = (uint32_t)writer->piece.frame_count,
                               .row_count = writer->frame_rows};
    head.check = head_check(&head, writer->tag);
    writer->piece.encoded_bytes += rows->encoded_bytes;
    BARKS_TRY(put(writer, &head, sizeof head));
    return put(writer, rows->bytes, rows->stored_bytes);
}

static barks_status *put_frame(void *context, const struct frame *frame)
{
    struct frames_writer *writer = context;
    writer->frame_rows = frame->name.row_count;
    BARKS_TRY(frame_visit_bytes(frame, writer->room, put_rows, writer));
    writer->piece.row_count += frame->name.row_count;
    writer->piece.frame_count++;
    return NULL;
}

static void note_partition(void *context, uint32_t partition, uint64_t bytes)
{
    struct frames_writer *writer = context;
    (void)bytes;
    if (writer->no_memory == NULL)
        writer->no_memory =
            stored_pieces_add(writer->pieces, &(struct stored_piece){.partition = partition});
}

BARKS_CHECKED static barks_status *write_pieces(struct reduce_side *reduce_side, uint64_t shuffle,
                                                uint32_t slot, struct frames_writer *writer)
{
    uint64_t offset = 0;
    reduce_side_visit_sizes(reduce_side, shuffle, slot, note_partition, writer);
    barks_status *status = writer->no_memory;
    for (uint32_t i = 0; i < writer->pieces->count && status == NULL; i++) {
        writer->piece = writer->pieces->all[i];
        writer->piece.offset = offset;
        status = reduce_side_visit_frames(reduce_side, shuffle, writer->piece.partition, put_frame,
                                          writer);
        writer->pieces->all[i] = writer->piece;
        offset += writer->piece.size_bytes;
    }
    return status != NULL ? status : flush(writer);
}

barks_status *stored_frames_write(struct reduce_side *reduce_side, uint64_t shuffle, uint32_t slot,
                                  const struct spill_room *room, const char *path, uint64_t tag,
                                  struct stored_pieces *out_pieces)
{
    struct stored_pieces pieces = {0};
    struct frames_writer writer = {.path = path, .room = room, .tag = tag, .pieces = &pieces};
    writer.file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (writer.file < 0)
        return fail_write(path, errno);
    writer.buffer = malloc(WRITE_BYTES);
    barks_status *status = NULL;
    if (writer.buffer == NULL)
        status =
            barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory to write '%s'", path);
    if (status == NULL)
        status = write_pieces(reduce_side, shuffle, slot, &writer);
    free(writer.buffer);
    if (close(writer.file) != 0 && status == NULL)
        status = fail_write(path, errno); /* where file servers tell that they are full */
    if (status != NULL) {
        unlink(path);
        stored_pieces_drop(&pieces);
        return status;
    }
    *out_pieces = pieces;
    return NULL;
}

/* ---- reading ---- */

struct frames_reader {
    const char *path;
    uint64_t tag;
    const struct stored_piece *piece;
    struct pool *pool;
    int file;
    uint64_t offset, end;
    uint32_t sequence;
};

BARKS_CHECKED static barks_status *fail_damaged(const struct frames_reader *reader,
                                                const char *what)
{
    BARKS_FAIL(BARKS_LOST, "'%s', partition %" PRIu32 ", byte %" PRIu64 ": %s", reader->path,
               reader->piece->partition, reader->offset, what);
}

BARKS_CHECKED static barks_status *read_next(struct frames_reader *reader, void *out,
                                             size_t size_bytes)
{
    size_t got = 0;
    if (size_bytes > reader->end - reader->offset)
        return fail_damaged(reader, "a frame passes the end of its partition");
    while (got < size_bytes) {
        ssize_t count = pread(reader->file, (uint8_t *)out + got, size_bytes - got,
                              (off_t)(reader->offset + got));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail_damaged(reader, strerrordesc_np(errno));
        if (count == 0)
            return fail_damaged(reader, "the file is cut short");
        got += (size_t)count;
    }
    reader->offset += size_bytes;
    return NULL;
}

/* What does not decode is damage, unless it was memory that there was none of. */
BARKS_CHECKED static barks_status *as_damage(const struct frames_reader *reader,
                                             barks_status *status)
{
    if (status == NULL || barks_status_code(status) != BARKS_BAD_INPUT)
        return status;
    barks_status_free(status);
    return fail_damaged(reader, "its rows do not have the checksum that was written with them");
}

BARKS_CHECKED static barks_status *read_plain(struct frames_reader *reader,
                                              const struct stored_head *head, struct batch *batch)
{
    struct block *block = NULL;
    BARKS_TRY(block_create(reader->pool, (size_t)head->encoded_bytes, &block));
    barks_status *status = read_next(reader, block->bytes, head->stored_bytes);
    if (status == NULL)
        status = as_damage(reader, codec_decode(block->bytes, block->size_bytes, block, batch));
    block_release(block);
    return status;
}

BARKS_CHECKED static barks_status *read_packed(struct frames_reader *reader,
                                               const struct stored_head *head, struct batch *batch)
{
    void *stored = NULL;
    BARKS_TRY(pool_acquire(reader->pool, head->stored_bytes, &stored));
    barks_status *status = read_next(reader, stored, head->stored_bytes);
    if (status == NULL)
        status = as_damage(reader, packed_rows_decode(reader->pool, stored, head->stored_bytes,
                                                      head->encoded_bytes, batch));
    pool_release(reader->pool, stored, head->stored_bytes);
    return status;
}

BARKS_CHECKED static barks_status *read_frame(struct frames_reader *reader, struct batch *batch)
{
    struct stored_head head = {0};
    BARKS_TRY(read_next(reader, &head, sizeof head));
    if (head.check != head_check(&head, reader->tag) ||
        head.partition != reader->piece->partition || head.sequence != reader->sequence ||
        head.stored_bytes > head.encoded_bytes || head.encoded_bytes > FRAME_BODY_BYTES_MAX)
        return fail_damaged(reader, "this is not the head of the frame that was written there");
    reader->sequence++;
    batch_clear(batch);
    BARKS_TRY(head.stored_bytes == head.encoded_bytes ? read_plain(reader, &head, batch)
                                                      : read_packed(reader, &head, batch));
    if (batch->base.row_count != head.row_count)
        return fail_damaged(reader, "a frame has another number of rows than was written");
    return NULL;
}

BARKS_CHECKED static barks_status *
read_all(struct frames_reader *reader, struct batch *batch,
         barks_status *(*visit)(void *context, struct batch *batch), void *context)
{
    uint64_t row_count = 0;
    while (reader->sequence < reader->piece->frame_count) {
        BARKS_TRY(read_frame(reader, batch));
        row_count += batch->base.row_count;
        BARKS_TRY(visit(context, batch));
    }
    if (reader->offset != reader->end || row_count != reader->piece->row_count)
        return fail_damaged(reader, "the partition has other rows than were written");
    return NULL;
}

barks_status *stored_frames_read(const char *path, uint64_t tag, const struct stored_piece *piece,
                                 struct pool *pool, const barks_schema *schema,
                                 barks_status *(*visit)(void *context, struct batch *batch),
                                 void *context)
{
    struct frames_reader reader = {
        .path = path, .tag = tag, .piece = piece, .pool = pool, .offset = piece->offset};
    struct batch *batch = NULL;
    if (ckd_add(&reader.end, piece->offset, piece->size_bytes))
        return fail_damaged(&reader, "its place is beyond any file");
    reader.file = open(path, O_RDONLY | O_CLOEXEC);
    if (reader.file < 0)
        return fail_damaged(&reader, strerrordesc_np(errno));
    barks_status *status = batch_create(pool, schema, BATCH_ROWS, &batch);
    if (status == NULL)
        status = read_all(&reader, batch, visit, context);
    batch_destroy(batch);
    close(reader.file); /* it was only read */
    return status;
}
