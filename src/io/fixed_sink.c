/* Records of fixed length: the bytes of one column, one after the other. */
#include "barks/str.h"
#include "batch/prefetch.h"
#include "batch/schema.h"
#include "io/file_writer.h"
#include "io/sink.h"

#include <stdlib.h>

struct fixed_sink {
    struct sink base;
    uint32_t record_bytes; /* of the first row; 0: there was none */
};

BARKS_CHECKED static barks_status *fixed_check_schema(const barks_schema *schema)
{
    barks_type_id id = schema->field_count == 1 ? schema->fields[0].type->id : BARKS_STRUCT;
    if ((id != BARKS_BYTES && id != BARKS_STR) || schema->fields[0].nullable)
        BARKS_FAIL(BARKS_INVALID, "binary records are written from one field of bytes or str that "
                                  "is not optional: map the rows to such a record");
    return NULL;
}

BARKS_CHECKED static barks_status *fixed_write(struct sink *sink, const barks_batch *batch)
{
    struct fixed_sink *fixed = (struct fixed_sink *)sink; /* base comes first */
    const barks_str *records = batch->columns[0].values;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        prefetch_string(records, i, batch->row_count);
        if (fixed->record_bytes == 0)
            fixed->record_bytes = records[i].length;
        if (records[i].length != fixed->record_bytes || records[i].length == 0)
            BARKS_FAIL(BARKS_BAD_INPUT,
                       "row %ju of '%s' has %u bytes, but records of fixed length have as many as "
                       "the first, which has %u, and at least one",
                       (uintmax_t)(sink->row_count + i), sink->writer->path,
                       (unsigned)records[i].length, (unsigned)fixed->record_bytes);
        BARKS_TRY(file_writer_put(sink->writer, barks_str_bytes(&records[i]), records[i].length));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *fixed_finish(struct sink *sink)
{
    (void)sink; /* nothing stands between records, nor at the end */
    return NULL;
}

static void fixed_drop(struct sink *sink) { free(sink); }

static const struct sink_ops fixed_sink_ops = {
    .write = fixed_write, .finish = fixed_finish, .drop = fixed_drop};

BARKS_CHECKED static barks_status *fixed_create(struct file_writer *writer,
                                                const barks_schema *schema, struct sink **out_sink)
{
    struct fixed_sink *fixed = calloc(1, sizeof *fixed);
    if (fixed == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to write '%s'", writer->path);
    fixed->base = (struct sink){.ops = &fixed_sink_ops, .schema = schema, .writer = writer};
    *out_sink = &fixed->base;
    return NULL;
}

const struct sink_format fixed_format = {
    .name = "fixed",
    .suffix = ".bin",
    .check_schema = fixed_check_schema,
    .create = fixed_create,
};
