/* Pipelines as bytes, from the driver to its executors. */
#pragma once

#include "base/pack.h"
#include "exec/pipeline.h"

struct pool;

/* Functions and records travel by name. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *pipeline_pack(const struct pipeline *pipeline, struct packer *out);

/* Errors: BARKS_BAD_INPUT (not such bytes), BARKS_INVALID (a function or record that this rank does
 * not know). */
BARKS_CHECKED barks_status *pipeline_unpack(struct unpacker *in, struct pool *pool,
                                            struct pipeline **out_pipeline);
