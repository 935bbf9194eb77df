#include "barks/str.h"
#include "batch/prefetch.h"
#include "batch/schema.h"
#include "io/file_writer.h"
#include "io/sink.h"

#include <stdlib.h>
#include <string.h>

BARKS_CHECKED static barks_status *text_check_schema(const barks_schema *schema)
{
    if (schema->field_count != 1)
        BARKS_FAIL(BARKS_INVALID,
                   "text has one column, but the rows have %u: map them to a record of one str, or "
                   "write CSV",
                   (unsigned)schema->field_count);
    barks_type_id id = schema->fields[0].type->id;
    if (id != BARKS_STR && id != BARKS_BYTES)
        BARKS_FAIL(BARKS_INVALID,
                   "text is written from a str column, but '%s' is %s: map it to str, or write CSV",
                   schema->fields[0].name, type_id_name(id));
    return NULL;
}

BARKS_CHECKED static barks_status *text_write(struct sink *sink, const barks_batch *batch)
{
    struct file_writer *writer = sink->writer;
    const barks_str *texts = batch->columns[0].values; /* a null is an empty string */
    for (uint32_t i = 0; i < batch->row_count; i++) {
        prefetch_string(texts, i, batch->row_count);
        size_t length = texts[i].length;
        const char *bytes = barks_str_bytes(&texts[i]);
        if (length >= WRITER_BUFFER_BYTES) {
            BARKS_TRY(file_writer_put(writer, bytes, length));
            length = 0;
        }
        char *at = NULL;
        BARKS_TRY(file_writer_room(writer, length + 1, &at));
        memcpy(at, bytes, length);
        at[length] = '\n';
        file_writer_advance(writer, at + length + 1);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *text_finish(struct sink *sink)
{
    (void)sink; /* lines have no end but their own */
    return NULL;
}

static void text_drop(struct sink *sink) { free(sink); }

static const struct sink_ops text_sink_ops = {
    .write = text_write, .finish = text_finish, .drop = text_drop};

BARKS_CHECKED static barks_status *text_create(struct file_writer *writer,
                                               const barks_schema *schema, struct sink **out_sink)
{
    struct sink *sink = malloc(sizeof *sink);
    if (sink == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to write '%s'", writer->path);
    *sink = (struct sink){.ops = &text_sink_ops, .schema = schema, .writer = writer};
    *out_sink = sink;
    return NULL;
}

const struct sink_format text_format = {
    .name = "text",
    .suffix = ".txt",
    .check_schema = text_check_schema,
    .create = text_create,
};
