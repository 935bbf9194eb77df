/* Copies on the heap. */
#pragma once

#include "barks/status.h"

#include <stddef.h>

/* size_bytes bytes (of zero when source is NULL), at least one. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *copy_bytes(const void *source, size_t size_bytes, void **out_copy);
/* NULL stays NULL. */
BARKS_CHECKED barks_status *copy_text(const char *source, char **out_copy);
