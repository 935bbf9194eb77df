/* combine_bench [TEXT-FILE [MAX-BYTES]]: what the combine table costs, in ns a row added and in ns
 * an accumulator drained, of processor time; making the rows is timed apart. With one and with two
 * threads at once, each on its own table: words of the text, and numbers with 10^2, 10^5 and 10^7
 * distinct keys. */
#include "barks/function.h"
#include "base/hash.h"
#include "base/pool.h"
#include "shuffle/buckets.h"
#include "shuffle/combine.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct word_count {
    barks_str word;
    int64_t count;
};

struct number_count {
    int64_t number;
    int64_t count;
};

static const barks_type str_type = {.id = BARKS_STR};
static const barks_type i64_type = {.id = BARKS_I64};
static const barks_field word_fields[] = {{"word", &str_type, false}, {"count", &i64_type, false}};
static const barks_field number_fields[] = {{"number", &i64_type, false},
                                            {"count", &i64_type, false}};
static const uint32_t word_offsets[] = {offsetof(struct word_count, word),
                                        offsetof(struct word_count, count)};
static const uint32_t number_offsets[] = {offsetof(struct number_count, number),
                                          offsetof(struct number_count, count)};

/* What BARKS_RECORD and BARKS_REDUCE generate for these two, in short. */
#define BENCH_RECORD(record, key_type, key)                                                        \
    static void record##_to_columns(const void *rows, uint32_t row_count,                          \
                                    const barks_column *const *columns, uint32_t first_row,        \
                                    barks_out *out)                                                \
    {                                                                                              \
        const struct record *from = rows;                                                          \
        key_type *keys = (key_type *)columns[0]->values + first_row;                               \
        int64_t *counts = (int64_t *)columns[1]->values + first_row;                               \
        (void)out;                                                                                 \
        for (uint32_t i = 0; i < row_count; i++) {                                                 \
            keys[i] = from[i].key;                                                                 \
            counts[i] = from[i].count;                                                             \
        }                                                                                          \
    }                                                                                              \
    static void record##_from_columns(const barks_column *const *columns,                          \
                                      const uint32_t *row_indices, uint32_t row_count,             \
                                      void *out_rows)                                              \
    {                                                                                              \
        struct record *to = out_rows;                                                              \
        for (uint32_t i = 0; i < row_count; i++) {                                                 \
            uint32_t row = row_indices == NULL ? i : row_indices[i];                               \
            to[i].key = ((const key_type *)columns[0]->values)[row];                               \
            to[i].count = ((const int64_t *)columns[1]->values)[row];                              \
        }                                                                                          \
    }                                                                                              \
    static void record##_fold(barks_call *call, void *const *accumulators, uint32_t first_row,     \
                              uint32_t count)                                                      \
    {                                                                                              \
        const int64_t *counts = call->columns[1]->values;                                          \
        for (uint32_t k = 0; k < count; k++) {                                                     \
            struct record *accumulator = accumulators[k];                                          \
            accumulator->count += counts[first_row + k];                                           \
        }                                                                                          \
    }
BENCH_RECORD(word_count, barks_str, word)
BENCH_RECORD(number_count, int64_t, number)

static const barks_record word_record = {
    "word_count", {2, word_fields},      sizeof(struct word_count),
    word_offsets, word_count_to_columns, word_count_from_columns};
static const barks_record number_record = {
    "number_count", {2, number_fields},      sizeof(struct number_count),
    number_offsets, number_count_to_columns, number_count_from_columns};
static const barks_function add_words = {.name = "add_words",
                                         .kind = BARKS_KIND_REDUCE,
                                         .in = &word_record,
                                         .out = &word_record,
                                         .fold = word_count_fold};
static const barks_function add_numbers = {.name = "add_numbers",
                                           .kind = BARKS_KIND_REDUCE,
                                           .in = &number_record,
                                           .out = &number_record,
                                           .fold = number_count_fold};

static void die(const char *what, barks_status *status)
{
    char text[512] = "";
    if (status != NULL)
        barks_status_format(status, text, sizeof text);
    fprintf(stderr, "combine_bench: %s %s\n", what, text);
    exit(1);
}

/* Batches that are made, then added, between two looks at the clock, which costs as much as a few
 * dozen rows; together they stay in a second-level cache. */
enum { BATCHES_AT_ONCE = 2 };

enum { HISTOGRAM = 1024 };

/* Of this thread alone, so that a busy machine disturbs less. */
static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* One thread's work. */
struct work {
    struct pool *pool;
    const barks_function *function;
    const char *text, *end;  /* words */
    uint64_t rows, distinct; /* numbers */
    uint64_t random;
    uint64_t *histogram; /* owned; of what BATCHES_AT_ONCE batches took, in eighths of a ns a row */
    uint64_t make_ns, add_ns, drain_ns, row_count, accumulator_count, sum;
    pthread_barrier_t *barrier;
};

static uint32_t make_words(struct work *work, barks_str *words)
{
    uint32_t count = 0;
    const char *p = work->text;
    while (count < BATCH_ROWS) {
        while (p < work->end && *p <= ' ')
            p++;
        const char *begin = p;
        while (p<work->end && * p> ' ')
            p++;
        if (p == begin)
            break;
        words[count++] = barks_str_of(begin, (size_t)(p - begin));
    }
    work->text = p;
    return count;
}

static uint32_t make_numbers(struct work *work, int64_t *numbers)
{
    uint32_t count = work->rows < BATCH_ROWS ? (uint32_t)work->rows : BATCH_ROWS;
    for (uint32_t i = 0; i < count; i++) {
        work->random += UINT64_C(0x9e3779b97f4a7c15);
        numbers[i] = (int64_t)(hash_u64(work->random) % work->distinct);
    }
    work->rows -= count;
    return count;
}

static barks_status *sum_up(void *context, struct batch *batch)
{
    struct work *work = context;
    const int64_t *counts = batch->base.columns[1].values;
    for (uint32_t i = 0; i < batch->base.row_count; i++)
        work->sum += (uint64_t)counts[i];
    return NULL;
}

/* Draining into buckets whose frames are thrown away. */
struct deal {
    struct buckets *buckets;
    uint64_t frame_count;
};

static barks_status *deal(void *context, struct batch *batch)
{
    return buckets_add(((struct deal *)context)->buckets, batch);
}

static barks_status *throw_away(void *context, uint32_t partition, struct batch *batch)
{
    (void)partition;
    ((struct deal *)context)->frame_count++;
    batch_destroy(batch);
    return NULL;
}

static void fill(struct work *work, struct combine *combine)
{
    struct batch *batch = NULL;
    uint32_t row = 0;
    barks_status *status = batch_create(work->pool, &word_record.schema, BATCH_ROWS, &batch);
    if (status != NULL)
        die("cannot start:", status);
    while ((batch->base.row_count = make_words(work, batch->base.columns[0].values)) > 0) {
        for (uint32_t i = 0; i < batch->base.row_count; i++)
            ((int64_t *)batch->base.columns[1].values)[i] = 1;
        status = combine_add(combine, batch, &row);
        if (status != NULL)
            die("cannot add:", status);
    }
    batch_destroy(batch);
}

static void bench_buckets(struct work work, uint32_t partition_count)
{
    static const uint32_t first_column = 0;
    struct combine_options options = {.pool = work.pool,
                                      .in = &word_record.schema,
                                      .accumulator = &word_record,
                                      .key_columns = &first_column,
                                      .key_fields = &first_column,
                                      .key_count = 1,
                                      .function = &add_words};
    struct deal dealt = {0};
    struct buckets_options buckets = {.pool = work.pool,
                                      .schema = &word_record.schema,
                                      .partitioner = {.kind = PARTITION_HASH,
                                                      .partition_count = partition_count,
                                                      .key_columns = &first_column,
                                                      .key_count = 1},
                                      .strings = BATCH_COPY,
                                      .emit = throw_away,
                                      .context = &dealt};
    struct combine *combine = NULL;
    barks_status *status = combine_create(&options, &combine);
    if (status == NULL)
        status = buckets_create(&buckets, &dealt.buckets);
    if (status != NULL)
        die("cannot start:", status);
    fill(&work, combine);
    uint64_t rows = combine_row_count(combine);
    uint64_t begin_ns = cpu_ns();
    status = combine_drain(combine, false, deal, &dealt);
    if (status == NULL)
        status = buckets_flush(dealt.buckets);
    uint64_t end_ns = cpu_ns();
    if (status != NULL)
        die("cannot drain:", status);
    printf("drain into %4" PRIu32 " buckets %9" PRIu64 " keys, %6" PRIu64
           " frames: %6.2f ns a key\n",
           partition_count, rows, dealt.frame_count, (double)(end_ns - begin_ns) / (double)rows);
    combine_destroy(combine);
    buckets_destroy(dealt.buckets);
}

static void *run(void *context)
{
    struct work *work = context;
    bool words = work->function == &add_words;
    static const uint32_t first_column = 0;
    struct combine_options options = {.pool = work->pool,
                                      .in = &work->function->in->schema,
                                      .accumulator = work->function->in,
                                      .key_columns = &first_column,
                                      .key_fields = &first_column,
                                      .key_count = 1,
                                      .function = work->function};
    struct combine *combine = NULL;
    barks_status *status = combine_create(&options, &combine);
    struct batch *batches[BATCHES_AT_ONCE] = {0};
    for (uint32_t i = 0; i < BATCHES_AT_ONCE && status == NULL; i++)
        status = batch_create(work->pool, options.in, BATCH_ROWS, &batches[i]);
    if (status != NULL)
        die("cannot start:", status);
    for (uint32_t i = 0; i < BATCHES_AT_ONCE * BATCH_ROWS; i++)
        ((int64_t *)batches[i / BATCH_ROWS]->base.columns[1].values)[i % BATCH_ROWS] = 1;
    pthread_barrier_wait(work->barrier);
    do {
        uint64_t begin_ns = cpu_ns();
        for (uint32_t i = 0; i < BATCHES_AT_ONCE; i++) {
            void *keys = batches[i]->base.columns[0].values;
            batches[i]->base.row_count = words ? make_words(work, keys) : make_numbers(work, keys);
        }
        uint64_t made_ns = cpu_ns();
        work->make_ns += made_ns - begin_ns;
        for (uint32_t i = 0; i < BATCHES_AT_ONCE; i++) {
            uint32_t row = 0;
            status = combine_add(combine, batches[i], &row);
            if (status != NULL)
                die("cannot add:", status);
        }
        uint64_t add_ns = cpu_ns() - made_ns;
        uint64_t eighths = 8 * add_ns / (BATCHES_AT_ONCE * BATCH_ROWS);
        work->histogram[eighths < HISTOGRAM - 1 ? eighths : HISTOGRAM - 1]++;
        work->add_ns += add_ns;
    } while (batches[BATCHES_AT_ONCE - 1]->base.row_count == BATCH_ROWS);
    work->row_count = combine_rows_added(combine);
    work->accumulator_count = combine_row_count(combine);
    uint64_t begin_ns = cpu_ns();
    status = combine_drain(combine, true, sum_up, work);
    if (status != NULL)
        die("cannot drain:", status);
    work->drain_ns = cpu_ns() - begin_ns;
    if (work->sum != work->row_count)
        die("the counts do not add up", NULL);
    combine_destroy(combine);
    for (uint32_t i = 0; i < BATCHES_AT_ONCE; i++)
        batch_destroy(batches[i]);
    return NULL;
}

/* What half of the measured pieces stayed below: less disturbed by growing and by other processes
 * than the mean. */
static double median_ns(const struct work *work)
{
    uint64_t all = 0, seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM; i++)
        all += work->histogram[i];
    for (uint32_t i = 0; i < HISTOGRAM; i++)
        if ((seen += work->histogram[i]) * 2 >= all)
            return (i + 0.5) / 8;
    return 0;
}

static void bench(const char *name, const struct work *model, uint32_t thread_count)
{
    struct work work[2];
    pthread_t threads[2];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, thread_count);
    size_t share = model->text == NULL ? 0 : (size_t)(model->end - model->text) / thread_count;
    for (uint32_t i = 0; i < thread_count; i++) {
        work[i] = *model;
        work[i].random = i;
        work[i].barrier = &barrier;
        work[i].histogram = calloc(HISTOGRAM, sizeof *work[i].histogram);
        if (work[i].histogram == NULL)
            die("out of memory", NULL);
        if (model->text != NULL) {
            work[i].text = model->text + i * share;
            work[i].end = work[i].text + share;
        }
        if (pthread_create(&threads[i], NULL, run, &work[i]) != 0)
            die("cannot start a thread", NULL);
    }
    for (uint32_t i = 0; i < thread_count; i++) {
        pthread_join(threads[i], NULL);
        printf("%-16s %" PRIu32 "/%" PRIu32 " %10" PRIu64 " rows %9" PRIu64
               " keys: add %6.2f (median %6.2f) ns a row, drain %6.2f ns a key, "
               "make %6.2f ns a row\n",
               name, i + 1, thread_count, work[i].row_count, work[i].accumulator_count,
               (double)work[i].add_ns / (double)work[i].row_count, median_ns(&work[i]),
               (double)work[i].drain_ns / (double)work[i].accumulator_count,
               (double)work[i].make_ns / (double)work[i].row_count);
        free(work[i].histogram);
    }
    pthread_barrier_destroy(&barrier);
}

int main(int argc, char **argv)
{
    struct pool *pool = NULL;
    barks_status *status = pool_create(UINT64_C(4) << 30, &pool);
    if (status != NULL)
        die("cannot start:", status);
    for (uint32_t threads = 1; argc > 1 && threads <= 2; threads++) {
        struct stat facts;
        int fd = open(argv[1], O_RDONLY);
        if (fd < 0 || fstat(fd, &facts) != 0)
            die("cannot open", NULL);
        size_t bytes = (size_t)facts.st_size;
        if (argc > 2 && strtoull(argv[2], NULL, 0) < bytes)
            bytes = strtoull(argv[2], NULL, 0);
        char *text = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
        if (text == MAP_FAILED)
            die("cannot map", NULL);
        bench(
            "words",
            &(struct work){.pool = pool, .function = &add_words, .text = text, .end = text + bytes},
            threads);
        for (uint32_t partitions = 32; threads == 1 && partitions <= 4096; partitions *= 4)
            bench_buckets((struct work){.pool = pool, .text = text, .end = text + bytes},
                          partitions);
        munmap(text, bytes);
        close(fd);
    }
    for (uint32_t threads = 1; threads <= 2; threads++) {
        for (uint64_t distinct = 100; distinct <= 10000000;
             distinct *= distinct < 1000 ? 1000 : 100) {
            char name[32];
            snprintf(name, sizeof name, "numbers %" PRIu64, distinct);
            bench(
                name,
                &(struct work){
                    .pool = pool, .function = &add_numbers, .rows = 30000000, .distinct = distinct},
                threads);
        }
    }
    pool_destroy(pool);
    return 0;
}
