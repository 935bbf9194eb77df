/* What the system's error numbers mean to the person who runs a job. */
#pragma once

#include "barks/status.h"

/* Full disks, quotas and used-up descriptors are limits that someone can raise; the rest is
 * BARKS_IO. */
barks_code system_code(int error_number);

/* The system's words for it; a string literal. Threads: any (strerror need not be). */
const char *system_text(int error_number);

/* What to do about it, as the end of a sentence: "; free space there or ...", or "" where the words
 * say it already. */
const char *system_remedy(int error_number);
