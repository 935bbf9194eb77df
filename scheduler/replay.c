/* The format is written out at the head of journal.h. */
#include "scheduler/replay.h"

#include "base/scope.h"
#include "scheduler/journal.h"
#include "scheduler/journal_fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Begins zeroed, ends with player_drop. */
struct player {
    struct scheduler *scheduler; /* owned; NULL: no BEGIN was read */
    struct decision_list decisions;
    struct journal again; /* what the decisions are now */
    /* The event whose decisions come next. */
    bool has_event;
    struct event event;
    struct unpacked memory; /* that it borrows */
    barks_status *status;   /* owned: what it led to */
};

static void player_drop(struct player *player)
{
    scheduler_destroy(player->scheduler);
    decision_list_drop(&player->decisions);
    journal_drop(&player->again);
    unpacked_drop(&player->memory);
    barks_status_free(player->status);
}

/* ---- records ---- */

struct record {
    uint64_t kind;
    const uint8_t *begin, *body;
    size_t bytes, body_bytes; /* bytes: of it all */
};

BARKS_CHECKED static barks_status *next_record(struct unpacker *in, struct record *out)
{
    size_t offset = in->offset;
    uint64_t kind = unpack_u64(in), checksum = unpack_u64(in);
    size_t body_bytes = 0;
    const uint8_t *body = unpack_bytes(in, &body_bytes);
    if (in->failed != NULL || body == NULL)
        BARKS_FAIL(BARKS_BAD_INPUT, "it is damaged or cut off");
    if (journal_checksum(kind, body, body_bytes) != checksum)
        BARKS_FAIL(BARKS_BAD_INPUT, "it is damaged: its checksum is wrong");
    *out = (struct record){.kind = kind,
                           .begin = (const uint8_t *)in->bytes + offset,
                           .body = body,
                           .bytes = in->offset - offset,
                           .body_bytes = body_bytes};
    return NULL;
}

/* ---- BEGIN ---- */

BARKS_CHECKED static barks_status *read_head(struct unpacker *in, struct replay *out)
{
    char *magic = unpack_text(in);
    bool is_journal = magic != NULL && strcmp(magic, JOURNAL_MAGIC) == 0;
    free(magic);
    if (!is_journal)
        BARKS_FAIL(BARKS_BAD_INPUT, "it is no scheduler log");
    uint64_t format = unpack_u64(in);
    char *version = unpack_text(in);
    snprintf(out->version, sizeof out->version, "%s", version != NULL ? version : "?");
    free(version);
    if (format > JOURNAL_FORMAT)
        BARKS_FAIL(BARKS_INVALID,
                   "it is of format %" PRIu64 ", of barks %s, and this one reads up to %d", format,
                   out->version, JOURNAL_FORMAT);
    return NULL;
}

BARKS_CHECKED static barks_status *begin(struct player *player, const struct record *record,
                                         struct replay *out)
{
    struct unpacker in;
    struct scheduler_options options;
    BARKS_AUTO(unpacked) memory = {0};
    unpacker_init(&in, record->body, record->body_bytes);
    barks_status *status = read_head(&in, out);
    if (status == NULL) {
        options_unpack(&in, &memory, &options);
        status = unpacker_finish(&in);
    }
    unpacker_drop(&in);
    if (status == NULL)
        status = scheduler_create(&options, &player->scheduler);
    return status;
}

/* ---- EVENT ---- */

BARKS_CHECKED static barks_status *unpack_event(struct player *player, const struct record *record)
{
    struct unpacker in;
    uint32_t bytes_count = 0;
    unpacked_drop(&player->memory);
    unpacker_init(&in, record->body, record->body_bytes);
    event_unpack(&in, &player->memory, &player->event, &bytes_count);
    barks_status *status = unpacker_finish(&in);
    unpacker_drop(&in);
    if (status == NULL && bytes_count > 0 &&
        bytes_count != scheduler_output_partition_count(player->scheduler,
                                                        player->event.stage_committed.job,
                                                        player->event.stage_committed.stage))
        status = barks_status_new(BARKS_BAD_INPUT, NULL, BARKS_HERE,
                                  "it commits %" PRIu32 " partitions, which its stage has not",
                                  bytes_count);
    return status;
}

BARKS_CHECKED static barks_status *play(struct player *player, const struct record *record,
                                        struct replay *out)
{
    BARKS_TRY(unpack_event(player, record));
    out->event_count++;
    out->job_count += player->event.kind == EVENT_JOB_SUBMITTED;
    player->has_event = true;
    player->decisions.count = 0;
    barks_status_free(player->status);
    player->status = scheduler_handle(player->scheduler, &player->event, &player->decisions);
    if (player->status != NULL && barks_status_code(player->status) == BARKS_NO_MEMORY) {
        barks_status *status = player->status;
        player->status = NULL;
        return status;
    }
    return NULL;
}

/* ---- DECISIONS ---- */

static bool are_equal(const struct decision *left, const struct decision *right)
{
    BARKS_AUTO(packer) a = {0};
    BARKS_AUTO(packer) b = {0};
    decision_pack(left, &a);
    decision_pack(right, &b);
    return !a.failed && !b.failed && a.bytes.size == b.bytes.size &&
           memcmp(a.bytes.data, b.bytes.data, a.bytes.size) == 0;
}

static void tell_difference(const struct player *player, size_t number, const struct decision *was,
                            const struct decision *is, struct replay *out)
{
    enum { TEXT_BYTES = 400 };
    char event[TEXT_BYTES], then[TEXT_BYTES] = "none", now[TEXT_BYTES] = "none";
    event_tell(&player->event, event, sizeof event);
    if (was != NULL)
        decision_tell(was, then, sizeof then);
    if (is != NULL)
        decision_tell(is, now, sizeof now);
    snprintf(out->difference, sizeof out->difference,
             "decision %zu after event %" PRIu64 " (%s, at %" PRIu64
             " ns) was \"%s\" and is now \"%s\"",
             number, out->event_count, event, player->event.time_ns, then, now);
}

/* The records differ: says in what. */
static void find_difference(const struct player *player, struct unpacker *in, struct replay *out)
{
    uint64_t code_then = unpack_u64(in);
    uint32_t count_then = unpack_count(in);
    uint64_t code_now = player->status == NULL ? 0 : (uint64_t)barks_status_code(player->status);
    if (code_then != code_now) {
        snprintf(out->difference, sizeof out->difference,
                 "event %" PRIu64 " led to the code %" PRIu64 " and now leads to %" PRIu64 ": %s",
                 out->event_count, code_then, code_now,
                 player->status == NULL ? "no error" : barks_status_text(player->status));
        return;
    }
    for (size_t i = 0; i < count_then || i < player->decisions.count; i++) {
        struct decision was;
        const struct decision *is =
            i < player->decisions.count ? &player->decisions.items[i] : NULL;
        if (i < count_then)
            decision_unpack(in, &was);
        if (in->failed != NULL)
            return;
        if (i < count_then && is != NULL && are_equal(&was, is))
            continue;
        tell_difference(player, i + 1, i < count_then ? &was : NULL, is, out);
        return;
    }
}

BARKS_CHECKED static barks_status *compare(struct player *player, const struct record *record,
                                           struct replay *out)
{
    struct packer *again = &player->again.records;
    again->bytes.size = 0;
    journal_decisions(&player->again, player->status, player->decisions.items,
                      player->decisions.count);
    BARKS_TRY(packer_finish(again));
    player->has_event = false;
    out->decision_count += player->decisions.count;
    if (again->bytes.size == record->bytes &&
        memcmp(again->bytes.data, record->begin, record->bytes) == 0)
        return NULL;
    struct unpacker in;
    unpacker_init(&in, record->body, record->body_bytes);
    find_difference(player, &in, out);
    barks_status *status = in.failed;
    in.failed = NULL;
    unpacker_drop(&in);
    if (status == NULL && out->difference[0] == '\0')
        status = barks_status_new(BARKS_BAD_INPUT, NULL, BARKS_HERE, "it has bytes left over");
    return status;
}

/* ---- the whole ---- */

BARKS_CHECKED static barks_status *take(struct player *player, const struct record *record,
                                        struct replay *out)
{
    if ((record->kind == JOURNAL_BEGIN) != (player->scheduler == NULL))
        BARKS_FAIL(BARKS_BAD_INPUT,
                   player->scheduler == NULL ? "it is no scheduler log" : "a second beginning");
    if (record->kind == JOURNAL_BEGIN)
        return begin(player, record, out);
    if (record->kind == JOURNAL_EVENT && !player->has_event)
        return play(player, record, out);
    if (record->kind == JOURNAL_DECISIONS && player->has_event)
        return compare(player, record, out);
    BARKS_FAIL(BARKS_BAD_INPUT, "it does not belong there (kind %" PRIu64 ")", record->kind);
}

barks_status *replay_run(const void *bytes, size_t size_bytes, struct replay *out_replay)
{
    BARKS_AUTO(player) player = {0};
    struct unpacker in;
    barks_status *status = NULL;
    *out_replay = (struct replay){0};
    if (size_bytes == 0)
        BARKS_FAIL(BARKS_BAD_INPUT, "it is empty, and no scheduler log");
    unpacker_init(&in, bytes, size_bytes);
    while (in.offset < size_bytes && status == NULL && out_replay->difference[0] == '\0') {
        struct record record;
        size_t offset = in.offset;
        status = next_record(&in, &record);
        if (status == NULL)
            status = take(&player, &record, out_replay);
        if (status != NULL)
            status = barks_status_new(barks_status_code(status), status, BARKS_HERE,
                                      "the record at byte %zu, after %" PRIu64 " events", offset,
                                      out_replay->event_count);
    }
    unpacker_drop(&in);
    out_replay->has_open_event = player.has_event;
    return status;
}
