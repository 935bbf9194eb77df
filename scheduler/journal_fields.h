/* The fields of all that goes into a scheduler and comes out of it, each named once
 * (journal_fields.c): so what is packed is what is unpacked, and what is told of it. */
#pragma once

#include "base/pack.h"
#include "scheduler/decision.h"
#include "scheduler/event.h"
#include "scheduler/scheduler.h"

#include <stddef.h>
#include <stdint.h>

struct unpacked_block;

/* What unpacked events and options point to. Begins zeroed, ends with unpacked_drop. */
struct unpacked {
    struct unpacked_block *first; /* owned */
};
void unpacked_drop(struct unpacked *memory);

/* Failures stick to the packer. */
void options_pack(const struct scheduler_options *options, struct packer *out);
void decision_pack(const struct decision *decision, struct packer *out);
/* output_partition_count: of the stage of an EVENT_STAGE_COMMITTED, as the scheduler has it
 * (scheduler_output_partition_count): the event's own bytes do not say how many they are. */
void event_pack(const struct event *event, uint32_t output_partition_count, struct packer *out);

/* Failures stick to the unpacker: what came out is then all zero, or not to be used. */
void options_unpack(struct unpacker *in, struct unpacked *memory, struct scheduler_options *out);
void decision_unpack(struct unpacker *in, struct decision *out);
/* *out_bytes_count: how many output_partition_bytes a commit has; 0: none. */
void event_unpack(struct unpacker *in, struct unpacked *memory, struct event *out,
                  uint32_t *out_bytes_count);

/* "attempt_finished job=1 stage=0 ...", for a person; cut where there is no room. */
void event_tell(const struct event *event, char *out, size_t out_bytes);
void decision_tell(const struct decision *decision, char *out, size_t out_bytes);
