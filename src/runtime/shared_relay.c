#include "runtime/shared_relay.h"

#include "base/pack.h"
#include "batch/batch.h"
#include "batch/block.h"
#include "batch/codec.h"
#include "batch/schema.h"
#include "exec/record_registry.h"
#include "exec/shared_rows.h"
#include "io/shipped.h"
#include "net/net.h"
#include "runtime/message.h"

#include <stdlib.h>
#include <string.h>

/* A value that has not come wholly. */
struct coming {
    uint64_t id;
    struct block *bytes;  /* held; NULL where there was no room */
    barks_status *failed; /* owned */
    uint64_t got_bytes;
    struct coming *next;
};

struct shared_relay {
    struct net *net;
    struct pool *pool;
    struct shared_stores stores;
    struct coming *coming;
    bool passes_nothing_on;
    uint64_t sending; /* of files: the latest that has been seen */
};

struct piece {
    uint64_t id, total_bytes, offset;
    const uint8_t *schema;
    size_t schema_bytes;
    const uint8_t *bytes;
    size_t size_bytes;
};

barks_status *shared_relay_create(struct net *net, struct pool *pool, struct shared_stores stores,
                                  struct shared_relay **out_relay)
{
    struct shared_relay *relay = calloc(1, sizeof *relay);
    if (relay == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for broadcast values");
    *relay = (struct shared_relay){.net = net, .pool = pool, .stores = stores};
    *out_relay = relay;
    return NULL;
}

static void drop_coming(struct coming *coming)
{
    block_release(coming->bytes);
    barks_status_free(coming->failed);
    free(coming);
}

void shared_relay_destroy(struct shared_relay *relay)
{
    if (relay == NULL)
        return;
    while (relay->coming != NULL) {
        struct coming *next = relay->coming->next;
        drop_coming(relay->coming);
        relay->coming = next;
    }
    free(relay);
}

void shared_relay_end_passing_on(struct shared_relay *relay) { relay->passes_nothing_on = true; }

BARKS_CHECKED static barks_status *pass_on(struct shared_relay *relay,
                                           const struct net_message *message)
{
    for (uint64_t rank = 2 * (uint64_t)relay->net->rank;
         rank <= 2 * (uint64_t)relay->net->rank + 1 && rank < relay->net->size &&
         !relay->passes_nothing_on;
         rank++)
        BARKS_TRY(net_send(relay->net, (uint32_t)rank, message->bytes, message->size_bytes));
    return NULL;
}

BARKS_CHECKED static barks_status *
find_coming(struct shared_relay *relay, const struct piece *piece, struct coming **out_coming)
{
    struct coming *coming = relay->coming;
    while (coming != NULL && coming->id != piece->id)
        coming = coming->next;
    if (coming == NULL) {
        coming = calloc(1, sizeof *coming);
        if (coming == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a broadcast value");
        coming->id = piece->id;
        coming->failed = block_create(relay->pool, piece->total_bytes, &coming->bytes);
        coming->next = relay->coming;
        relay->coming = coming;
    }
    *out_coming = coming;
    return NULL;
}

/* The bytes that have come, as rows. Their strings stay where they are. */
BARKS_CHECKED static barks_status *make_rows(struct shared_relay *relay,
                                             const struct coming *coming, const struct piece *piece)
{
    barks_schema *schema = NULL;
    const barks_record *record = NULL;
    struct batch *rows = NULL;
    size_t used_bytes = 0;
    BARKS_TRY(schema_decode(piece->schema, piece->schema_bytes, &used_bytes, &schema));
    barks_status *status = registry_derive_record(schema, &record);
    schema_destroy(schema);
    BARKS_TRY(status);
    BARKS_TRY(batch_create(relay->pool, &record->schema, 0, &rows));
    if (piece->total_bytes > 0)
        status = codec_decode(coming->bytes->bytes, piece->total_bytes, coming->bytes, rows);
    if (status != NULL) {
        batch_destroy(rows);
        return status;
    }
    return shared_rows_put(relay->stores.values, piece->id, rows);
}

static void forget_coming(struct shared_relay *relay, struct coming *coming)
{
    struct coming **link = &relay->coming;
    while (*link != coming)
        link = &(*link)->next;
    *link = coming->next;
    drop_coming(coming);
}

BARKS_CHECKED static barks_status *answer(struct shared_relay *relay, uint64_t id,
                                          const barks_status *failed)
{
    struct packer out = {0};
    pack_u64(&out, MESSAGE_SHARED_READY);
    pack_u64(&out, id);
    pack_status(&out, failed);
    return message_send(relay->net, 0, &out);
}

BARKS_CHECKED static barks_status *end_value(struct shared_relay *relay, struct coming *coming,
                                             const struct piece *piece)
{
    if (coming->failed == NULL)
        coming->failed = make_rows(relay, coming, piece);
    barks_status *status = answer(relay, piece->id, coming->failed);
    forget_coming(relay, coming);
    return status;
}

barks_status *shared_relay_take(struct shared_relay *relay, struct unpacker *in,
                                const struct net_message *message)
{
    struct piece piece = {.id = unpack_u64(in)};
    struct coming *coming = NULL;
    piece.total_bytes = unpack_u64(in);
    piece.offset = unpack_u64(in);
    piece.schema = unpack_bytes(in, &piece.schema_bytes);
    piece.bytes = unpack_bytes(in, &piece.size_bytes);
    BARKS_TRY(unpacker_finish(in));
    BARKS_TRY(pass_on(relay, message));
    BARKS_TRY(find_coming(relay, &piece, &coming));
    if (piece.size_bytes > piece.total_bytes || piece.offset > piece.total_bytes - piece.size_bytes)
        BARKS_FAIL(BARKS_INTERNAL, "a piece of a broadcast value lies beyond its end");
    if (coming->bytes != NULL && piece.size_bytes > 0)
        memcpy(coming->bytes->bytes + piece.offset, piece.bytes, piece.size_bytes);
    coming->got_bytes += piece.size_bytes;
    return coming->got_bytes == piece.total_bytes ? end_value(relay, coming, &piece) : NULL;
}

barks_status *shared_relay_take_file(struct shared_relay *relay, struct unpacker *in,
                                     const struct net_message *message)
{
    uint64_t sending = unpack_u64(in);
    uint64_t id = unpack_u64(in);
    struct shipped_piece piece = {.kind = (enum shipped_kind)unpack_u32(in)};
    piece.mode = unpack_u32(in);
    char *path = unpack_text(in);
    piece.path = path;
    piece.offset = unpack_u64(in);
    piece.is_last = unpack_bool(in);
    piece.bytes = unpack_bytes(in, &piece.size_bytes);
    barks_status *status = unpacker_finish(in);
    if (status == NULL)
        status = pass_on(relay, message);
    bool is_late = sending < relay->sending; /* it was taken back, and came another way */
    if (status == NULL && !is_late) {
        relay->sending = sending;
        shipped_put(relay->stores.files, &piece);
    }
    free(path);
    if (status != NULL || id == 0 || is_late)
        return status;
    barks_status *failed = shipped_take_failure(relay->stores.files);
    status = answer(relay, id, failed);
    barks_status_free(failed);
    return status;
}
