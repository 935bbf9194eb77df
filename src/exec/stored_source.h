/* Reduce partitions that were committed before, read from files in place of the exchange. */
#pragma once

#include "exec/operator.h"

#include <stdint.h>

struct packer;
struct stored_piece;

/* What a task is sent of such a partition. */
void stored_source_pack(struct packer *out, const char *path, uint64_t tag,
                        const struct stored_piece *piece);

/* Pushes the partition's rows. Errors: BARKS_LOST: they are damaged or gone. What is wrong is
 * forgotten: the stage's manifest beside the file is removed, so that a plan that is made anew
 * computes the stage. BARKS_BAD_INPUT: the payload. */
BARKS_CHECKED barks_status *stored_source_run(struct task *task, const struct pipe_node *leaf,
                                              uint32_t partition,
                                              const struct task_payload *payload,
                                              struct operator* into);

/* About the bytes of its rows. */
uint64_t stored_source_bytes(const struct task_payload *payload);

/* The name of a stage's manifest in the directory of its files (work/stage_manifest.h). */
#define STORED_MANIFEST_NAME "manifest"
