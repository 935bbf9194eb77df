/* The readers of CSV, JSON, separated text, fixed records and encoded batches: any file gives the
 * same rows whatever the sizes of chunks and splits, or an error with a text. An input is a byte
 * for the format, one for options, two for the chunk size, two for where a split ends, one for the
 * compression, and the file. */
#include "base/buffer.h"
#include "base/pool.h"
#include "base/scope.h"
#include "batch/batch.h"
#include "batch/schema.h"
#include "batch/value_text.h"
#include "io/csv_source.h"
#include "io/delimited.h"
#include "io/format.h"
#include "io/json_array.h"
#include "io/record_window.h"
#include "io/schema_text.h"
#include "io/split.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEAD_BYTES = 7,
    POOL_BYTES = 64 << 20,
    RECORD_BYTES_MAX = 1 << 20,
    TEXT_BYTES_MAX = 4 << 20
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void must(barks_status *status) { require(status == NULL); }

/* What was read: a hash of the rows as text, and how it ended. */
struct reading {
    uint64_t hash;
    uint64_t row_count;
    uint64_t bad_count;
    uint64_t text_bytes;
    bool failed;
};

static void add_row(struct reading *reading, const barks_batch *batch, uint32_t row)
{
    BARKS_AUTO(buffer) text = {.limit_bytes = 64 << 20};
    for (uint32_t c = 0; c < batch->schema->field_count; c++) {
        must(value_print(&batch->columns[c], row, &text));
        must(buffer_append(&text, "|", 1));
    }
    for (size_t i = 0; i < text.size_bytes; i++)
        reading->hash = (reading->hash ^ text.data[i]) * UINT64_C(0x100000001b3);
    reading->row_count++;
    reading->text_bytes += text.size_bytes;
}

static void read_splits(struct pool *pool, const struct source_format *format,
                        const struct source_options *options, const barks_schema *schema,
                        const struct split *splits, size_t split_count, struct reading *out)
{
    struct bad_rows bad = {.mode = options->bad_rows};
    struct source *source = NULL;
    struct batch *batch = NULL;
    must(format->check(options, schema));
    must(format->open(pool, options, schema, splits, split_count, &bad, &source));
    must(batch_create(pool, schema, 0, &batch));
    barks_status *status = NULL;
    while ((status = source_next(source, batch)) == NULL && batch->base.row_count > 0) {
        must(batch_validate(batch, false));
        for (uint32_t i = 0; i < batch->base.row_count; i++)
            add_row(out, &batch->base, i);
        if (out->text_bytes > TEXT_BYTES_MAX) /* a few bytes may stand for gigabytes */
            break;
    }
    if (status != NULL) {
        barks_code code = barks_status_code(status);
        require(code == BARKS_BAD_INPUT || code == BARKS_LIMIT || code == BARKS_NO_MEMORY);
        out->failed = true;
    }
    out->bad_count += bad.count;
    barks_status_free(status);
    source_close(source);
    batch_destroy(batch);
}

/* The state at the second split's beginning; false where the first cannot be scanned. */
static bool find_state(struct pool *pool, const struct source_options *options,
                       struct split *splits)
{
    struct source *source = NULL;
    struct batch *batch = NULL;
    must(csv_scan_open(pool, options, splits, 1, &source));
    must(batch_create(pool, csv_scan_schema(), 0, &batch));
    barks_status *status = source_next(source, batch);
    bool good = status == NULL && batch->base.row_count == 1;
    if (good)
        splits[1].start_state = (uint8_t)csv_map_apply(
            (csv_map)((const int64_t *)batch->base.columns[0].values)[0], CSV_ROW);
    barks_status_free(status);
    source_close(source);
    batch_destroy(batch);
    return good;
}

/* As whoever makes splits of CSV does: what stands before the rows is the first split's. */
static void keep_head(struct pool *pool, const struct source_options *options,
                      struct split splits[2])
{
    struct split_plan plan = {.splits = splits, .split_count = 2};
    struct csv_record first = {0};
    barks_status *status = csv_read_first(pool, options, &splits[0], &first);
    if (status == NULL)
        split_plan_keep_head(&plan, 0, options->header ? first.end : first.begin);
    barks_status_free(status); /* the rows are not read then either */
    csv_record_drop(&first);
}

enum { CSV, JSON }; /* in kinds */
static const struct {
    const char *format, *schema;
} kinds[] = {
    {"csv", "a i64?, b str?, c f64?, _corrupt str?"},
    {"json", "a i64?, b str?, c list<f64>?, d struct<x bool?, y list<list<str>>>?"},
    {"fixed", "data bytes"},
    {"batches", "a i64?, b str?"},
    {"text", "text str"},
};

/* Of "text" also the separator: some of the bytes before those of the file. */
static struct source_options options_of(const uint8_t *data, size_t chunk_bytes)
{
    uint8_t bits = data[1];
    struct source_options options = {.multiline = true,
                                     .fixed_bytes = 1 + bits % 16,
                                     .chunk_bytes = chunk_bytes,
                                     .record_bytes_max = RECORD_BYTES_MAX,
                                     .bad_rows = bits & 1 ? BAD_ROWS_KEEP : BAD_ROWS_DROP};
    options.separator = bits & 2 ? ';' : 0;
    options.escape = bits & 4 ? '\\' : 0;
    options.comment = bits & 8 ? '#' : 0;
    options.no_quotes = (bits & 48) == 48;
    options.strict = (bits & 64) != 0;
    options.header = (bits & 128) != 0;
    options.array = (bits & 24) == 24;
    if ((bits & 1) != 0) {
        options.record_separator = (uint8_t *)(uintptr_t)data + 2; /* lent */
        options.record_separator_bytes = 1 + bits / 64;
    }
    return options;
}

static bool is_array(const uint8_t *data, uint64_t file_bytes)
{
    return json_first_byte(data + HEAD_BYTES, file_bytes) == '[';
}

static void check(struct pool *pool, const uint8_t *data, struct split whole)
{
    size_t kind = data[0] % (sizeof kinds / sizeof kinds[0]);
    const struct source_format *format = source_format_find(kinds[kind].format);
    struct source_options options = options_of(data, 0);
    struct reading once = {0}, again = {0};
    barks_schema *schema = NULL;
    must(schema_parse(kinds[kind].schema, &schema));
    read_splits(pool, format, &options, schema, &whole, 1, &once);
    options.chunk_bytes = WINDOW_CHUNK_BYTES_MIN + (data[2] | (size_t)data[3] << 8);
    struct split parts[2] = {whole, whole};
    bool is_cut = format->is_split && whole.compression == COMPRESSION_NONE && whole.end > 0;
    if (kind == JSON)
        is_cut = is_cut && !options.array && !is_array(data, whole.end);
    if (options.record_separator != NULL)
        is_cut =
            is_cut && !separator_overlaps(options.record_separator, options.record_separator_bytes);
    if (is_cut) {
        parts[0].end = parts[1].begin = (data[4] | (uint64_t)data[5] << 8) % (whole.end + 1);
        is_cut = parts[1].begin > 0;
    }
    if (is_cut && kind == CSV) {
        if (options.header)
            keep_head(pool, &options, parts);
        is_cut = find_state(pool, &options, parts);
    }
    if (is_cut)
        read_splits(pool, format, &options, schema, parts, 2, &again);
    else
        read_splits(pool, format, &options, schema, &whole, 1, &again);
    if (!once.failed && !again.failed && once.text_bytes <= TEXT_BYTES_MAX)
        require(once.hash == again.hash && once.row_count == again.row_count &&
                once.bad_count == again.bad_count);
    schema_destroy(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum compression compressions[] = {COMPRESSION_NONE,  COMPRESSION_NONE,
                                                    COMPRESSION_BZIP2, COMPRESSION_XZ,
                                                    COMPRESSION_LZ4,   COMPRESSION_SNAPPY};
    char path[40];
    struct stat info;
    struct pool *pool = NULL;
    if (size < HEAD_BYTES)
        return 0;
    int descriptor = memfd_create("fuzz", MFD_CLOEXEC);
    size_t file_bytes = size - HEAD_BYTES;
    require(descriptor >= 0 &&
            write(descriptor, data + HEAD_BYTES, file_bytes) == (ssize_t)file_bytes);
    require(fstat(descriptor, &info) == 0);
    require(snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor) < (int)sizeof path);
    struct split whole = {
        .path = path,
        .end = file_bytes,
        .file_bytes = file_bytes,
        .mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec,
        .compression = compressions[data[6] % (sizeof compressions / sizeof compressions[0])],
    };
    must(pool_create(POOL_BYTES, &pool));
    check(pool, data, whole);
    require(pool_used_bytes(pool) == 0);
    pool_destroy(pool);
    close(descriptor);
    return 0;
}
