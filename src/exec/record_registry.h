/* The records of the job's binary, found by name on every rank. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"

/* The record of that name. Errors: BARKS_INVALID: none, or several that differ in fields (the
 * jobs's translation units disagree). Threads: any, once main runs. */
BARKS_CHECKED barks_status *registry_require_record(const char *name,
                                                    const barks_record **out_record);
