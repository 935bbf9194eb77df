#include "exec/stored_source.h"

#include "base/pack.h"
#include "base/scope.h"
#include "shuffle/stored_frames.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void stored_source_pack(struct packer *out, const char *path, uint64_t tag,
                        const struct stored_piece *piece)
{
    pack_text(out, piece->frame_count > 0 ? path : NULL);
    pack_u64(out, tag);
    pack_u64(out, piece->offset);
    pack_u64(out, piece->size_bytes);
    pack_u64(out, piece->frame_count);
    pack_u64(out, piece->row_count);
    pack_u64(out, piece->encoded_bytes);
}

struct stored_partition {
    char *path; /* owned; NULL: no rows */
    uint64_t tag;
    struct stored_piece piece;
};

BARKS_CHECKED static barks_status *unpack(const struct task_payload *payload, uint32_t partition,
                                          struct stored_partition *out)
{
    BARKS_AUTO(unpacker) in;
    unpacker_init(&in, payload->bytes, payload->size_bytes);
    out->path = unpack_text(&in);
    out->tag = unpack_u64(&in);
    out->piece.partition = partition;
    out->piece.offset = unpack_u64(&in);
    out->piece.size_bytes = unpack_u64(&in);
    out->piece.frame_count = unpack_u64(&in);
    out->piece.row_count = unpack_u64(&in);
    out->piece.encoded_bytes = unpack_u64(&in);
    return unpacker_finish(&in);
}

struct stored_reader {
    struct task *task;
    struct operator* into;
};

static barks_status *push_rows(void *context, struct batch *batch)
{
    struct stored_reader *reader = context;
    source_count(reader->task, batch->base.row_count, 0);
    if (reader->task->partition_done || batch->base.row_count == 0)
        return NULL;
    return operator_push(reader->into, batch);
}

/* A file without manifest is no stored stage any more. */
static void forget_stage(const char *path)
{
    char manifest[4096];
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? -1
                               : snprintf(manifest, sizeof manifest, "%.*s/" STORED_MANIFEST_NAME,
                                          (int)(slash - path), path);
    if (length > 0 && (size_t)length < sizeof manifest)
        unlink(manifest);
}

barks_status *stored_source_run(struct task *task, const struct pipe_node *leaf, uint32_t partition,
                                const struct task_payload *payload, struct operator* into)
{
    struct stored_partition stored = {0};
    struct stored_reader reader = {.task = task, .into = into};
    snprintf(task->place, sizeof task->place, "stored reduce partition %" PRIu32 " of %s",
             partition, leaf->where);
    barks_status *status = unpack(payload, partition, &stored);
    if (status == NULL && stored.path != NULL) {
        status = stored_frames_read(stored.path, stored.tag, &stored.piece, task->services->pool,
                                    &leaf->record->schema, push_rows, &reader);
        if (status != NULL && barks_status_code(status) == BARKS_LOST)
            forget_stage(stored.path);
    }
    free(stored.path);
    return status;
}

uint64_t stored_source_bytes(const struct task_payload *payload)
{
    struct stored_partition stored = {0};
    barks_status *status = unpack(payload, 0, &stored);
    free(stored.path);
    if (status == NULL)
        return stored.piece.encoded_bytes;
    barks_status_free(status); /* whoever reads it says so */
    return 0;
}
