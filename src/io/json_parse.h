/* The text of one JSON object as a row of a batch. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 64, JSON_REASON_BYTES = 160 };

struct json_parser {
    const uint8_t *at;
    const uint8_t *end;
    struct batch *batch;
    bool strict;
    int32_t left_out;               /* a field of the row that no key fills, or -1 */
    const bool *is_filled;          /* fields of the row that the caller fills; NULL: none */
    char reason[JSON_REASON_BYTES]; /* why it is no row; empty where it is */
};

/* Parses [at, end), which is one object with spaces around it, into the batch's next row, for which
 * there is room; it is not counted. *out_good false: parser->reason says why. Errors: as
 * pool_acquire. */
BARKS_CHECKED barks_status *json_parse_row(struct json_parser *parser, bool *out_good);
