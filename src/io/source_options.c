#include "io/source_options.h"

#include "base/copy.h"
#include "base/pack.h"

#include <stdlib.h>

void source_options_drop(struct source_options *options)
{
    for (uint32_t i = 0; options->names != NULL && i < options->name_count; i++)
        free(options->names[i]);
    free(options->names);
    free(options->null_text);
    free(options->quarantine);
    free(options->quarantine_token);
    free(options->record_separator);
    *options = (struct source_options){0};
}

void source_options_pack(struct packer *out, const struct source_options *options)
{
    pack_u64(out, (uint8_t)options->separator);
    pack_u64(out, (uint8_t)options->quote);
    pack_u64(out, (uint8_t)options->escape);
    pack_u64(out, (uint8_t)options->comment);
    pack_bool(out, options->no_quotes);
    pack_bool(out, options->header);
    pack_bool(out, options->multiline);
    pack_bool(out, options->strict);
    pack_bool(out, options->array);
    pack_bool(out, options->partitioned);
    pack_u64(out, options->skip);
    pack_u64(out, options->fixed_bytes);
    pack_u64(out, (uint64_t)options->bad_rows);
    pack_u64(out, (uint64_t)options->columns);
    pack_u64(out, (uint64_t)options->ragged);
    pack_u64(out, options->record_bytes_max);
    pack_text(out, options->null_text);
    pack_text(out, options->quarantine);
    pack_text(out, options->quarantine_token);
    pack_u64(out, options->bad_rows_counter);
    pack_u64(out, options->max_bad);
    pack_bytes(out, options->record_separator, options->record_separator_bytes);
    pack_bool(out, options->names != NULL);
    pack_u64(out, options->name_count);
    for (uint32_t i = 0; options->names != NULL && i < options->name_count; i++)
        pack_text(out, options->names[i]);
}

static char unpack_char(struct unpacker *in) { return (char)(uint8_t)unpack_u64(in); }

barks_status *source_options_unpack(struct unpacker *in, struct source_options *out)
{
    *out = (struct source_options){
        .separator = unpack_char(in),
    };
    out->quote = unpack_char(in);
    out->escape = unpack_char(in);
    out->comment = unpack_char(in);
    out->no_quotes = unpack_bool(in);
    out->header = unpack_bool(in);
    out->multiline = unpack_bool(in);
    out->strict = unpack_bool(in);
    out->array = unpack_bool(in);
    out->partitioned = unpack_bool(in);
    out->skip = unpack_u32(in);
    out->fixed_bytes = unpack_u32(in);
    uint32_t mode = unpack_u32(in);
    uint32_t columns = unpack_u32(in);
    uint32_t ragged = unpack_u32(in);
    out->record_bytes_max = unpack_u64(in);
    out->null_text = unpack_text(in);
    out->quarantine = unpack_text(in);
    out->quarantine_token = unpack_text(in);
    out->bad_rows_counter = unpack_u32(in);
    out->max_bad = unpack_u64(in);
    const uint8_t *separator = unpack_bytes(in, &out->record_separator_bytes);
    void *separator_copy = NULL;
    if (separator != NULL)
        BARKS_TRY(copy_bytes(separator, out->record_separator_bytes, &separator_copy));
    out->record_separator = separator_copy;
    bool has_names = unpack_bool(in);
    uint32_t name_count = unpack_count(in);
    if (mode > BAD_ROWS_QUARANTINE || columns > CSV_BY_NAME_STRICT || ragged > CSV_RAGGED_ANY)
        BARKS_FAIL(BARKS_BAD_INPUT, "bad rows of mode %u, columns %u, ragged %u", (unsigned)mode,
                   (unsigned)columns, (unsigned)ragged);
    out->columns = (enum csv_columns)columns;
    out->ragged = (enum csv_ragged)ragged;
    out->bad_rows = (enum bad_rows_mode)mode;
    if (has_names) {
        out->names = unpack_array(in, name_count, sizeof *out->names);
        for (uint32_t i = 0; out->names != NULL && i < name_count; i++)
            out->names[i] = unpack_text(in);
        out->name_count = out->names != NULL ? name_count : 0;
    }
    return unpacker_finish(in);
}
