/* One allocation that becomes a schema with all its fields, types and names: asked for first, then
 * handed out. */
#pragma once

#include "barks/batch.h"
#include "barks/status.h"

#include <stddef.h>

/* Threads: one owner at a time. Invariant: used <= size, in both halves. */
struct schema_memory {
    char *bytes; /* owned; what becomes the schema is at its start */
    size_t struct_bytes, struct_used;
    size_t name_bytes, name_used; /* names stand after the structs, since they need no alignment */
};

static inline void schema_memory_plan(struct schema_memory *memory, size_t struct_bytes,
                                      size_t name_bytes)
{
    memory->struct_bytes += struct_bytes;
    memory->name_bytes += name_bytes;
}

/* Allocates what was planned. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *schema_memory_create(struct schema_memory *memory);

void *schema_memory_struct(struct schema_memory *memory, size_t size_bytes);
const char *schema_memory_name(struct schema_memory *memory, const char *name, size_t length);
