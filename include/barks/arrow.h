/* Rows handed to and taken from other libraries by the Arrow C data interface
 * (https://arrow.apache.org/docs/format/CDataInterface.html): one struct array, whose children are
 * the fields. bool, i32, i64, f32, f64 are Arrow's; str is utf8, bytes binary, lists and records
 * list and struct. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As the specification has it, for whoever has not defined it yet. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif

/**
 * All rows, in order, as one struct array. Numbers and validity are barks's own memory, without a
 * copy; bool, strings and lists' offsets are made anew, in one pass.
 *
 * False on an error; then neither is touched.
 *
 * Ownership: the caller's: out_schema->release(out_schema), and out_array->release(out_array)
 *            before barks_finalize. Children may be moved out, as the specification says.
 * Errors:    as barks_collect; BARKS_LIMIT: a column of more than 2 GiB of strings.
 */
#define barks_collect_arrow(rdd, out_array, out_schema)                                            \
    barks_collect_arrow_at((rdd), (out_array), (out_schema), BARKS_HERE)
BARKS_API bool barks_collect_arrow_at(barks_rdd *rdd, struct ArrowArray *out_array,
                                      struct ArrowSchema *out_schema, const char *where);

/**
 * Rows of a struct array, as barks_parallelize takes those of a C array. Also read: large utf8,
 * binary and lists, dictionaries are not; int8, int16, uint8, uint16 become i32, uint32 i64. Fields
 * that Arrow says may be null are optional. Offsets, as of slices, are followed.
 *
 * Numbers (i32, i64, f32, f64) and the bytes of strings stay where the array has them, without a
 * copy, where numbers are aligned and zero wherever they are null; all else is copied.
 *
 * Ownership: takes both, whatever its outcome. The schema is released when the call returns, the
 *            array once its rows are used no more, in barks_finalize at the latest: then too if the
 *            call fails, or at once.
 * Errors:    (sticky) BARKS_INVALID: a type that barks has not, lists with nulls among their items;
 *            BARKS_BAD_INPUT: offsets that go wrong; BARKS_LIMIT: 2^31 rows, memory.
 */
#define barks_from_arrow(context, array, schema, partitions)                                       \
    barks_from_arrow_at((context), (array), (schema), (partitions), BARKS_HERE)
BARKS_API barks_rdd *barks_from_arrow_at(barks_context *context, struct ArrowArray *array,
                                         struct ArrowSchema *schema, uint32_t partitions,
                                         const char *where);

#ifdef __cplusplus
}
#endif
