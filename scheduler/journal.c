#include "scheduler/journal.h"

#include "base/hash.h"
#include "base/version.h"
#include "scheduler/journal_fields.h"

void journal_drop(struct journal *journal)
{
    packer_drop(&journal->records);
    packer_drop(&journal->body);
}

uint64_t journal_checksum(uint64_t kind, const void *body, size_t body_bytes)
{
    return hash_bytes_seeded(body, body_bytes, kind);
}

static void end_record(struct journal *journal, enum journal_kind kind)
{
    const msgpack_sbuffer *body = &journal->body.bytes;
    pack_u64(&journal->records, (uint64_t)kind);
    pack_u64(&journal->records, journal_checksum((uint64_t)kind, body->data, body->size));
    pack_bytes(&journal->records, body->data, body->size);
    journal->records.failed |= journal->body.failed;
    journal->body.bytes.size = 0;
}

void journal_begin(struct journal *journal, const struct scheduler_options *options)
{
    pack_text(&journal->body, JOURNAL_MAGIC);
    pack_u64(&journal->body, JOURNAL_FORMAT);
    pack_text(&journal->body, LIBRARY_VERSION);
    options_pack(options, &journal->body);
    end_record(journal, JOURNAL_BEGIN);
}

void journal_event(struct journal *journal, const struct scheduler *scheduler,
                   const struct event *event)
{
    uint32_t count = 0;
    if (event->kind == EVENT_STAGE_COMMITTED)
        count = scheduler_output_partition_count(scheduler, event->stage_committed.job,
                                                 event->stage_committed.stage);
    event_pack(event, count, &journal->body);
    end_record(journal, JOURNAL_EVENT);
}

void journal_decisions(struct journal *journal, const barks_status *status,
                       const struct decision *decisions, size_t count)
{
    pack_u64(&journal->body, status == NULL ? 0 : (uint64_t)barks_status_code(status));
    pack_u64(&journal->body, count);
    for (size_t i = 0; i < count; i++)
        decision_pack(&decisions[i], &journal->body);
    end_record(journal, JOURNAL_DECISIONS);
}
