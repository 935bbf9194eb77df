/* The file _SUCCESS of an output: what it consists of. Its presence says that the output is whole.
 *
 *     barks-output 1
 *     parts 2
 *     rows 1234
 *     bytes 56789
 *     part-00000.csv rows 1000 bytes 50000
 *     part-00001.csv rows 234 bytes 6789
 *     fingerprint 0123456789abcdef0123456789abcdef    of each write, where its job had one
 */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>

struct commit;
struct commit_part;

/* Writes it into commit->hidden; with commit->sync it is on the device then. parts are in order.
 * Errors: BARKS_IO, BARKS_LIMIT. */
BARKS_CHECKED barks_status *manifest_write(const struct commit *commit,
                                           const struct commit_part *parts, size_t part_count);

/* Whether output is whole, with all parts as long as the manifest says, and was written with this
 * fingerprint: by its only write, or, where it is appended to, by one of them. */
bool manifest_is_of(const char *output, const char *fingerprint, bool is_appended);
