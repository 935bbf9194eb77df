/* What is found out about CSV before its rows are read: the header, and where quotes stand at the
 * beginnings of splits. */
#include "barks/str.h"
#include "batch/batch.h"
#include "io/byte_order_mark.h"
#include "io/csv_source.h"
#include "io/record_window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void csv_record_drop(struct csv_record *record)
{
    for (uint32_t i = 0; i < record->count; i++)
        free(record->values[i]);
    free(record->values);
    *record = (struct csv_record){0};
}

/* The value of a field that ends before end, without its quotes. */
BARKS_CHECKED static barks_status *add_value(struct csv_record *record,
                                             const struct source_options *options,
                                             const uint8_t *bytes, size_t length)
{
    char quote = options->quote != 0 ? options->quote : '"';
    char **values = realloc(record->values, (record->count + 1) * sizeof *values);
    char *value = malloc(length + 1);
    if (values != NULL)
        record->values = values;
    if (values == NULL || value == NULL) {
        free(value);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of a file");
    }
    size_t n = 0;
    bool quoted = length > 0 && bytes[0] == (uint8_t)quote && !options->no_quotes;
    for (size_t i = quoted; i < length; i++) {
        if (quoted && (bytes[i] == (uint8_t)quote ||
                       (options->escape != 0 && bytes[i] == (uint8_t)options->escape))) {
            if (i + 1 == length)
                break;
            i++;
        }
        if (bytes[i] != 0)
            value[n++] = (char)bytes[i];
    }
    value[n] = '\0';
    record->values[record->count++] = value;
    return NULL;
}

/* Cuts a whole record, without its end, into values. */
BARKS_CHECKED static barks_status *cut_values(const struct csv_machine *machine,
                                              const struct source_options *options,
                                              const uint8_t *bytes, size_t length,
                                              struct csv_record *out)
{
    enum csv_state state = CSV_ROW;
    size_t begin = 0;
    for (size_t i = 0; i < length; i++) {
        state = (enum csv_state)machine->next[state][bytes[i]];
        if (state == CSV_FIELD) {
            BARKS_TRY(add_value(out, options, bytes + begin, i - begin));
            begin = i + 1;
        }
    }
    return add_value(out, options, bytes + begin, length - begin);
}

/* Takes lines to skip, comments, empty lines, and then the record. *out_more: it is not all there.
 */
BARKS_CHECKED static barks_status *find_first(const struct csv_machine *machine,
                                              const struct source_options *options,
                                              const struct record_window *window, bool *out_more,
                                              struct csv_record *out)
{
    const uint8_t *at = window->block->bytes;
    const uint8_t *end = at + window->end;
    *out_more = !window->at_end;
    if (mark_begins(at, (size_t)(end - at)))
        at += MARK_BYTES;
    for (uint32_t line = 0; line < options->skip && at < end; line++) {
        const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
        at = newline != NULL ? newline + 1 : end;
    }
    while (at < end) {
        enum csv_state state = (enum csv_state)machine->next[CSV_ROW][*at];
        bool is_comment = state == CSV_COMMENT;
        size_t used = 1 + csv_machine_find_row(machine, &state, at + 1, (size_t)(end - at) - 1);
        if (state != CSV_ROW && !window->at_end)
            return NULL;
        size_t length = used - (at[used - 1] == '\n');
        length -= length > 0 && at[length - 1] == '\r';
        if (length > 0 && !is_comment) {
            *out_more = false;
            out->begin = record_window_offset(window, (size_t)(at - window->block->bytes));
            out->end = out->begin + used;
            return cut_values(machine, options, at, length, out);
        }
        at += used;
    }
    out->begin = out->end = record_window_offset(window, window->end);
    return NULL;
}

barks_status *csv_read_first(struct pool *pool, const struct source_options *options,
                             const struct split *split, struct csv_record *out)
{
    struct record_window window = {0};
    struct csv_machine machine;
    struct split whole = *split;
    struct csv_record record = {0};
    bool more = true, full = false;
    whole.begin = 0;
    whole.end = whole.file_bytes;
    csv_machine_init(&machine, options);
    BARKS_TRY(record_window_init(&window, pool, &whole, 1, 16 * 1024, options->record_bytes_max));
    barks_status *status = record_window_open(&window, 0);
    while (status == NULL && more) {
        status = record_window_more(&window, false, &full);
        if (status == NULL)
            status = find_first(&machine, options, &window, &more, &record);
    }
    record_window_drop(&window);
    if (status != NULL) {
        csv_record_drop(&record);
        return status;
    }
    *out = record;
    return NULL;
}

/* ---- names of columns ---- */

static bool is_taken(const struct csv_record *record, uint32_t before, const char *name)
{
    for (uint32_t c = 0; c < before; c++)
        if (strcmp(record->values[c], name) == 0)
            return true;
    return false;
}

/* Gives column c the first name of stem_1, stem_2, ... that is free, or just column_N. */
BARKS_CHECKED static barks_status *make_name(struct csv_record *record, uint32_t c)
{
    char *name = NULL;
    const char *stem = record->values[c];
    if (stem[0] == '\0' && asprintf(&name, "column_%u", (unsigned)c + 1) < 0)
        name = NULL;
    for (unsigned n = 1; stem[0] != '\0' && n <= record->count + 1; n++) {
        free(name);
        if (asprintf(&name, "%s_%u", stem, n) < 0)
            name = NULL;
        if (name == NULL || !is_taken(record, record->count, name))
            break;
    }
    if (name == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of a file");
    free(record->values[c]);
    record->values[c] = name;
    return NULL;
}

barks_status *csv_record_to_names(struct csv_record *record)
{
    for (uint32_t c = 0; c < record->count; c++) {
        char *name = record->values[c];
        size_t length = strlen(name), spaces = strspn(name, " \t");
        while (length > spaces && (name[length - 1] == ' ' || name[length - 1] == '\t'))
            length--;
        memmove(name, name + spaces, length - spaces);
        name[length - spaces] = '\0';
        if (name[0] == '\0' || is_taken(record, c, name))
            BARKS_TRY(make_name(record, c));
    }
    return NULL;
}

barks_status *csv_read_header(struct pool *pool, const struct source_options *options,
                              const struct split *split, struct csv_record *out)
{
    BARKS_TRY(csv_read_first(pool, options, split, out));
    barks_status *status = csv_record_to_names(out);
    if (status != NULL)
        csv_record_drop(out);
    return status;
}

/* ---- where quotes stand ---- */

struct csv_scan {
    struct source base;
    struct record_window window;
    struct csv_machine machine;
    const struct source_options *options;
};

static const barks_type map_type = {.id = BARKS_I64};
static const barks_field scan_fields[] = {{.name = "map", .type = &map_type}};
static const barks_schema scan_schema = {.field_count = 1, .fields = scan_fields};

const barks_schema *csv_scan_schema(void) { return &scan_schema; }

/* Steps over what stands before the first record of a file. */
static size_t skip_head(const struct csv_scan *scan, size_t begin, uint32_t *skip_lines)
{
    const uint8_t *bytes = scan->window.block->bytes;
    size_t end = scan->window.end;
    if (record_window_offset(&scan->window, begin) == 0 && mark_begins(bytes + begin, end - begin))
        begin += MARK_BYTES;
    while (*skip_lines > 0 && begin < end) {
        const uint8_t *newline = memchr(bytes + begin, '\n', end - begin);
        begin = newline != NULL ? (size_t)(newline - bytes) + 1 : end;
        *skip_lines -= newline != NULL;
    }
    return begin;
}

BARKS_CHECKED static barks_status *scan_split(struct csv_scan *scan, csv_map *out_map)
{
    struct record_window *window = &scan->window;
    const struct split *split = &window->splits[window->next_split];
    uint32_t skip_lines = split->begin == 0 ? scan->options->skip : 0;
    csv_map map = CSV_MAP_SAME;
    *out_map = map;
    if (split->end == split->file_bytes) { /* nothing follows that would ask, compressed or not */
        window->next_split++;
        return NULL;
    }
    BARKS_TRY(record_window_open_text(window, 0));
    while (!window->at_end && window->end_offset < window->body_end) {
        bool full = false;
        window->begin = window->end;
        BARKS_TRY(record_window_more(window, false, &full));
        size_t begin = skip_head(scan, window->begin, &skip_lines);
        map =
            csv_map_extend(&scan->machine, map, window->block->bytes + begin, window->end - begin);
    }
    record_window_close(window);
    *out_map = map;
    return NULL;
}

BARKS_CHECKED static barks_status *scan_next(struct source *source, struct batch *batch)
{
    struct csv_scan *scan = (struct csv_scan *)source;
    batch_clear(batch);
    if (scan->window.next_split == scan->window.split_count)
        return NULL;
    csv_map map = 0;
    BARKS_TRY(scan_split(scan, &map));
    BARKS_TRY(batch_reserve(batch, 1));
    ((int64_t *)batch->base.columns[0].values)[0] = (int64_t)map;
    batch->base.row_count = 1;
    source->row_count++;
    source->file_bytes = scan->window.file_bytes;
    return NULL;
}

static void scan_place(const struct source *source, uint32_t row, struct source_place *out_place)
{
    const struct csv_scan *scan = (const struct csv_scan *)source;
    (void)row;
    const struct split *split = &scan->window.splits[scan->window.next_split - 1];
    *out_place = (struct source_place){.path = split->path, .offset = split->begin};
}

static void scan_close(struct source *source)
{
    struct csv_scan *scan = (struct csv_scan *)source;
    record_window_drop(&scan->window);
    free(scan);
}

static const struct source_ops scan_ops = {
    .next = scan_next, .place = scan_place, .close = scan_close};

barks_status *csv_scan_open(struct pool *pool, const struct source_options *options,
                            const struct split *splits, size_t split_count,
                            struct source **out_source)
{
    struct csv_scan *scan = calloc(1, sizeof *scan);
    if (scan == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to read CSV");
    scan->base = (struct source){.ops = &scan_ops, .schema = &scan_schema};
    scan->options = options;
    csv_machine_init(&scan->machine, options);
    barks_status *status =
        record_window_init(&scan->window, pool, splits, split_count, options->chunk_bytes, 0);
    if (status != NULL) {
        free(scan);
        return status;
    }
    *out_source = &scan->base;
    return NULL;
}
