/* csv_bench FILE: one thread reads the rows of gen_trips by the reader of CSV, types given: CPU
 * time of the best of five, with the defaults (a scan for quotes at the bounds of splits, then the
 * rows), and of each of both. */
#include "barks/str.h"
#include "base/pool.h"
#include "batch/batch.h"
#include "batch/schema.h"
#include "io/csv_source.h"
#include "io/schema_text.h"
#include "io/split.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { REPEATS = 5, FARE = 5, REMARK = 9 };

static const char fields[] = "id i64, vehicle i64, code str, start str, distance f64, fare f64, "
                             "city str, shared bool, passengers i64?, remark str?";

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
    fprintf(stderr, "csv_bench: %s\n", text);
    exit(1);
}

/* As a job of many splits reads the file: all but the last are scanned. */
static double time_scan(struct pool *pool, const struct source_options *options, struct split split)
{
    struct source *source = NULL;
    struct batch *batch = NULL;
    double start = now();
    split.end--;
    must(csv_scan_open(pool, options, &split, 1, &source));
    must(batch_create(pool, csv_scan_schema(), 0, &batch));
    must(source_next(source, batch));
    source_close(source);
    batch_destroy(batch);
    return now() - start;
}

struct sums {
    uint64_t rows, remark_bytes;
    double fares;
};

static double time_rows(struct pool *pool, const struct source_options *options,
                        const barks_schema *schema, const struct split *split, struct sums *sums)
{
    struct source *source = NULL;
    struct batch *batch = NULL;
    *sums = (struct sums){0};
    double start = now();
    must(csv_source_open(pool, options, schema, split, 1, NULL, &source));
    must(batch_create(pool, schema, BATCH_ROWS, &batch));
    do {
        must(source_next(source, batch));
        for (uint32_t i = 0; i < batch->base.row_count; i++) {
            sums->fares += ((const double *)batch->base.columns[FARE].values)[i];
            if (barks_is_valid(&batch->base.columns[REMARK], i))
                sums->remark_bytes +=
                    ((const barks_str *)batch->base.columns[REMARK].values)[i].length;
        }
    } while (batch->base.row_count > 0);
    sums->rows = source->row_count;
    source_close(source);
    batch_destroy(batch);
    return now() - start;
}

int main(int argc, char **argv)
{
    struct stat info;
    if (argc != 2 || stat(argv[1], &info) != 0)
        return fprintf(stderr, "usage: csv_bench FILE\n"), 2;
    struct split split = {.path = argv[1],
                          .end = (uint64_t)info.st_size,
                          .file_bytes = (uint64_t)info.st_size,
                          .mtime_ns =
                              (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec};
    struct pool *pool = NULL;
    barks_schema *schema = NULL;
    struct sums sums = {0};
    struct source_options options = {.multiline = true, .header = true};
    must(pool_create(UINT64_C(1) << 30, &pool));
    must(schema_parse(fields, &schema));
    double scan = 1e9, rows = 1e9;
    for (int i = 0; i < REPEATS; i++) {
        double seconds = time_scan(pool, &options, split);
        scan = seconds < scan ? seconds : scan;
        seconds = time_rows(pool, &options, schema, &split, &sums);
        rows = seconds < rows ? seconds : rows;
    }
    double megabytes = (double)info.st_size * 1e-6;
    printf("defaults %.1f MB/s rows %" PRIu64 " fares %.1f remarks %" PRIu64 "\n",
           megabytes / (scan + rows), sums.rows, sums.fares, sums.remark_bytes);
    printf("scan %.1f MB/s\nrows %.1f MB/s\n", megabytes / scan, megabytes / rows);
    schema_destroy(schema);
    pool_destroy(pool);
    return 0;
}
