/* text_bench FILE [CHUNK_BYTES]: one thread reads the lines of a file as batches, then writes rows
 * of CSV. CPU time, so that a busy machine disturbs it less. What reading alone and finding line
 * ends alone take stands beside it. Each is the best of five. */
#include "base/pool.h"
#include "batch/batch.h"
#include "io/lines.h"
#include "io/part_file.h"
#include "io/sink.h"
#include "io/split.h"
#include "io/text_source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { REPEATS = 5, CSV_ROWS = 1000000 };

static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void must(barks_status *status)
{
    char text[500];
    if (status == NULL)
        return;
    (void)barks_status_format(status, text, sizeof text);
    fprintf(stderr, "text_bench: %s\n", text);
    exit(1);
}

static double time_pread(const char *path, size_t chunk_bytes, void *buffer)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    double start = now();
    ssize_t got = 0;
    off_t at = 0;
    while ((got = pread(descriptor, buffer, chunk_bytes, at)) > 0)
        at += got;
    double seconds = now() - start;
    (void)close(descriptor);
    return seconds;
}

static double time_kernel(newline_find_fn *find, uint8_t *buffer, size_t chunk_bytes,
                          uint64_t total_bytes)
{
    static barks_str views[BATCH_ROWS];
    double start = now();
    for (uint64_t done = 0; done < total_bytes; done += chunk_bytes) {
        struct line_cursor cursor = {.bytes = buffer, .end = chunk_bytes};
        while (lines_take(&cursor, find, views, BATCH_ROWS) == BATCH_ROWS) {
        }
    }
    return now() - start;
}

static double time_source(struct pool *pool, const struct split *split, size_t chunk_bytes,
                          uint64_t *out_rows)
{
    struct source *source = NULL;
    struct batch *batch = NULL;
    struct text_source_options options = {.chunk_bytes = chunk_bytes};
    double start = now();
    must(text_source_open(pool, &options, split, 1, &source));
    must(batch_create(pool, text_source_schema(), BATCH_ROWS, &batch));
    do
        must(source_next(source, batch));
    while (batch->base.row_count > 0);
    *out_rows = source->row_count;
    source_close(source);
    batch_destroy(batch);
    return now() - start;
}

/* Rows as a word count has them, to a file in memory where there is one. */
static double time_csv(struct pool *pool, const barks_batch *batch, const char *path)
{
    struct file_writer writer = {0};
    struct sink *sink = NULL;
    uint64_t file_bytes = 0;
    double start = now();
    must(file_writer_open(&writer, pool, path));
    must(csv_format.create(&writer, batch->schema, &sink));
    for (uint32_t rows = 0; rows < CSV_ROWS; rows += batch->row_count)
        must(sink_write(sink, batch));
    must(sink_finish(sink));
    sink_destroy(sink);
    must(file_writer_close(&writer, false, &file_bytes));
    return now() - start;
}

static void bench_csv(struct pool *pool)
{
    static const barks_type str_type = {.id = BARKS_STR};
    static const barks_type i64_type = {.id = BARKS_I64};
    static const barks_type f64_type = {.id = BARKS_F64};
    static const barks_field fields[] = {{"word", &str_type, false}, {"count", &i64_type, false}};
    static const barks_field prices[] = {{"price", &f64_type, false}};
    static const barks_schema schema = {.field_count = 2, .fields = fields};
    static const barks_schema price_schema = {.field_count = 1, .fields = prices};
    static barks_str words[1000];
    static int64_t counts[1000];
    static double doubles[1000];
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    for (size_t i = 0; i < 1000; i++) {
        words[i] = barks_str_of(letters + i % 10, 2 + i * 7 % 13);
        counts[i] = (int64_t)(i % 4 == 0 ? i * i * 37 : i % 10);
        doubles[i] = (double)(i * 7919 % 100000) / 100;
    }
    barks_column columns[] = {{.type = &str_type, .values = words},
                              {.type = &i64_type, .values = counts}};
    barks_column price = {.type = &f64_type, .values = doubles};
    barks_batch batch = {.schema = &schema, .row_count = 1000, .columns = columns};
    barks_batch price_batch = {.schema = &price_schema, .row_count = 1000, .columns = &price};
    const char *path =
        access("/dev/shm", W_OK) == 0 ? "/dev/shm/barks-text-bench" : "/tmp/barks-text-bench";
    double best = 1e9;
    double best_price = 1e9;
    for (int i = 0; i < REPEATS; i++) {
        double seconds = time_csv(pool, &batch, path);
        best = seconds < best ? seconds : best;
        seconds = time_csv(pool, &price_batch, path);
        best_price = seconds < best_price ? seconds : best_price;
    }
    (void)unlink(path);
    printf("csv, 1M rows of word,count  %6.1f ms\n", best * 1e3);
    printf("csv, 1M prices              %6.1f ms\n", best_price * 1e3);
}

int main(int argc, char **argv)
{
    struct stat info;
    if (argc < 2 || stat(argv[1], &info) != 0)
        return fprintf(stderr, "usage: text_bench FILE [CHUNK_BYTES]\n"), 2;
    size_t chunk_bytes = argc > 2 ? strtoull(argv[2], NULL, 0) : TEXT_CHUNK_BYTES;
    struct split split = {.path = argv[1],
                          .end = (uint64_t)info.st_size,
                          .file_bytes = (uint64_t)info.st_size,
                          .mtime_ns =
                              (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec};
    struct pool *pool = NULL;
    must(pool_create(UINT64_C(1) << 30, &pool));
    void *memory = NULL;
    must(pool_acquire(pool, chunk_bytes + 64, &memory));
    double best[3] = {1e9, 1e9, 1e9};
    uint64_t rows = 0;
    for (int i = 0; i < REPEATS; i++) {
        double seconds[3] = {
            time_pread(argv[1], chunk_bytes, memory),
            time_kernel(newline_best(), memory, chunk_bytes, (uint64_t)info.st_size),
            time_source(pool, &split, chunk_bytes, &rows)};
        for (int k = 0; k < 3; k++)
            best[k] = seconds[k] < best[k] ? seconds[k] : best[k];
    }
    double gigabytes = (double)info.st_size * 1e-9;
    printf("pread alone                 %6.2f GB/s\n", gigabytes / best[0]);
    printf("line views alone, in cache  %6.2f GB/s\n", gigabytes / best[1]);
    printf("text source                 %6.2f GB/s, %.1f ns a line\n", gigabytes / best[2],
           best[2] * 1e9 / (double)rows);
    newline_find_fn *find = NULL;
    const char *name = NULL;
    for (size_t k = 0; (find = newline_kernel(k, &name)) != NULL; k++)
        printf("  kernel %-8s            %6.2f GB/s\n", name,
               gigabytes / time_kernel(find, memory, chunk_bytes, (uint64_t)info.st_size));
    pool_release(pool, memory, chunk_bytes + 64);
    bench_csv(pool);
    pool_destroy(pool);
    return 0;
}
