/* The records of the job's binary, found by name on every rank. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"

#include <stdbool.h>

struct packer;
struct unpacker;

/* The record of that name. Errors: BARKS_INVALID: none, or several that differ in fields (the
 * jobs's translation units disagree). Threads: any, once main runs. */
BARKS_CHECKED barks_status *registry_require_record(const char *name,
                                                    const barks_record **out_record);

/* A record of just this schema, for rows that no BARKS_RECORD names: joined, projected, inferred.
 * Found again by its schema, which is copied; lives as long as the process, since frames and kept
 * batches point to its schema. to_columns and from_columns are NULL: C code reads such rows by
 * records of its own, which name fields. Its name is the schema in parentheses. Errors:
 * BARKS_NO_MEMORY, BARKS_LIMIT (too many fields). Threads: any; it locks. */
BARKS_CHECKED barks_status *registry_derive_record(const barks_schema *schema,
                                                   const barks_record **out_record);
bool record_is_derived(const barks_record *record);

/* A record by name, a derived one by its schema; NULL comes back as NULL. */
void record_pack(struct packer *out, const barks_record *record);
/* Errors: BARKS_BAD_INPUT, BARKS_NO_MEMORY, and as registry_require_record. */
BARKS_CHECKED barks_status *record_unpack(struct unpacker *in, const barks_record **out_record);
