/* A journal of what a scheduler was told and what it decided, from which it can be run again
 * (replay.h).
 *
 * A sequence of records in memory, each of three msgpack objects: the number of its kind, xxh3 (64
 * bits, seeded by that number) of its body, and the body, a bin of msgpack objects:
 *   JOURNAL_BEGIN      magic, JOURNAL_FORMAT, the version of barks, struct scheduler_options
 *   JOURNAL_EVENT      struct event
 *   JOURNAL_DECISIONS  the code of the error (0: none), how many decisions, each struct decision
 * The first one is BEGIN; then each EVENT has its DECISIONS behind it, but for one in which the
 * program ended. What structs consist of stands in journal_fields.c; whatever changes there raises
 * JOURNAL_FORMAT. */
#pragma once

#include "base/pack.h"
#include "scheduler/scheduler.h"

#include <stddef.h>
#include <stdint.h>

enum { JOURNAL_FORMAT = 1 };
#define JOURNAL_MAGIC "barks scheduler log"

enum journal_kind { JOURNAL_BEGIN = 1, JOURNAL_EVENT, JOURNAL_DECISIONS };

/* Begins zeroed, ends with journal_drop. Threads: that of the scheduler. Without memory records are
 * lost, which packer_finish(&journal->records) tells. */
struct journal {
    struct packer records; /* its owner may take the bytes (records.bytes.size = 0) at any time */
    struct packer body;    /* room for work */
};
void journal_drop(struct journal *journal);

/* Of a scheduler that is made with these options. */
void journal_begin(struct journal *journal, const struct scheduler_options *options);
/* Before the scheduler handles it. */
void journal_event(struct journal *journal, const struct scheduler *scheduler,
                   const struct event *event);
/* After that: what it returned, and the decisions that are new. */
void journal_decisions(struct journal *journal, const barks_status *status,
                       const struct decision *decisions, size_t count);

uint64_t journal_checksum(uint64_t kind, const void *body, size_t body_bytes);
