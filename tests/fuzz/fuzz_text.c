/* Decompression and line splitting: any file gives the same lines whatever the sizes of chunks and
 * splits, or an error with a text. An input is a byte for the compression, two for the chunk size,
 * two for where a split ends, and the file. */
#include "base/pool.h"
#include "batch/batch.h"
#include "io/split.h"
#include "io/text_source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_BYTES = 5, POOL_BYTES = 32 << 20, LINE_BYTES_MAX = 1 << 20, TEXT_BYTES_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void must(barks_status *status) { require(status == NULL); }

/* What was read: a hash of the lines with their lengths, and how it ended. */
struct reading {
    uint64_t hash;
    uint64_t row_count;
    uint64_t text_bytes;
    bool failed;
};

static void add_row(struct reading *reading, const barks_str *text)
{
    const char *bytes = barks_str_bytes(text);
    reading->hash = (reading->hash ^ text->length) * UINT64_C(0x100000001b3);
    for (uint32_t i = 0; i < text->length; i++)
        reading->hash = (reading->hash ^ (uint8_t)bytes[i]) * UINT64_C(0x100000001b3);
    reading->row_count++;
    reading->text_bytes += text->length;
}

static void read_splits(struct pool *pool, const struct split *splits, size_t split_count,
                        size_t chunk_bytes, struct reading *out)
{
    struct text_source_options options = {.line_bytes_max = LINE_BYTES_MAX,
                                          .chunk_bytes = chunk_bytes};
    struct source *source = NULL;
    struct batch *batch = NULL;
    must(text_source_open(pool, &options, splits, split_count, &source));
    must(batch_create(pool, text_source_schema(), 0, &batch));
    barks_status *status = NULL;
    while ((status = source_next(source, batch)) == NULL && batch->base.row_count > 0) {
        must(batch_validate(batch, false));
        for (uint32_t i = 0; i < batch->base.row_count; i++)
            add_row(out, (const barks_str *)batch->base.columns[0].values + i);
        if (out->text_bytes > TEXT_BYTES_MAX) /* a few bytes may stand for gigabytes */
            break;
    }
    if (status != NULL) {
        barks_code code = barks_status_code(status);
        require(code == BARKS_BAD_INPUT || code == BARKS_LIMIT);
        require(strstr(barks_status_text(status), splits[0].path) != NULL);
        out->failed = true;
    }
    barks_status_free(status);
    source_close(source);
    batch_destroy(batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[40];
    struct stat info;
    struct pool *pool = NULL;
    if (size < HEAD_BYTES)
        return 0;
    size_t chunk_bytes = TEXT_CHUNK_BYTES_MIN + (data[1] | (size_t)data[2] << 8);
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
        .compression = data[0] % 3 == 0   ? COMPRESSION_NONE
                       : data[0] % 3 == 1 ? COMPRESSION_GZIP
                                          : COMPRESSION_ZSTD,
    };
    struct split parts[2] = {whole, whole};
    bool is_cut = whole.compression == COMPRESSION_NONE && file_bytes > 0;
    if (is_cut)
        parts[0].end = parts[1].begin = (data[3] | (uint64_t)data[4] << 8) % (file_bytes + 1);
    must(pool_create(POOL_BYTES, &pool));
    struct reading by_one = {0};
    struct reading by_parts = {0};
    read_splits(pool, &whole, 1, 0, &by_one);
    read_splits(pool, parts, is_cut ? 2 : 1, chunk_bytes, &by_parts);
    if (by_one.text_bytes <= TEXT_BYTES_MAX && by_parts.text_bytes <= TEXT_BYTES_MAX) {
        require(by_one.failed == by_parts.failed);
        /* Before an error it depends on the chunks how much was handed out. */
        require(by_one.failed ||
                (by_one.hash == by_parts.hash && by_one.row_count == by_parts.row_count));
    }
    require(pool_used_bytes(pool) == 0);
    pool_destroy(pool);
    require(close(descriptor) == 0);
    return 0;
}
