/* Datasets into files of many formats: barks_write_csv and barks_write_text in rdd.h, and these. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

/* JSON lines, part-00000.json and so on: an object a row, lists as arrays, records as objects, null
 * as null; NaN and infinities as strings. Options and errors: as barks_write_csv. */
#define barks_write_json(rdd, ...) BARKS_WRITE_JSON_(rdd, __VA_ARGS__, )
#define BARKS_WRITE_JSON_(rdd, path, ...)                                                          \
    barks_write_at((rdd), "json", (path), &(barks_write_options){0, __VA_ARGS__}, BARKS_HERE)

/* The bytes (or str) of one field one after the other, part-00000.bin: all must have one length.
 * Options: as barks_write_csv. Errors: BARKS_BAD_INPUT: they have not; as barks_write_csv. */
#define barks_write_fixed(rdd, ...) BARKS_WRITE_FIXED_(rdd, __VA_ARGS__, )
#define BARKS_WRITE_FIXED_(rdd, path, ...)                                                         \
    barks_write_at((rdd), "fixed", (path), &(barks_write_options){0, __VA_ARGS__}, BARKS_HERE)

/* Rows as they are in memory, for barks_read_batches: the fastest way out and in, and every type
 * comes back as it was. Options and errors: as barks_write_csv. */
#define barks_write_batches(rdd, ...) BARKS_WRITE_BATCHES_(rdd, __VA_ARGS__, )
#define BARKS_WRITE_BATCHES_(rdd, path, ...)                                                       \
    barks_write_at((rdd), "batches", (path), &(barks_write_options){0, __VA_ARGS__}, BARKS_HERE)
