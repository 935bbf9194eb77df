/* The bound for sorting records of 100 bytes by their first 10: what two threads of hand-written
 * code need on this machine.
 *
 *     terasort_bound INPUT OUTPUT [THREADS]
 *
 * Equal keys keep the order of the input. Thread i writes OUTPUT.i; the files, one after another,
 * are sorted. One line with the figures goes to stdout.
 *
 * While a thread reads its part of the records it throws an entry of 16 bytes for each, 10 of the
 * key and 6 of the position, into buckets by the key's highest bits. A bucket's entries fit the
 * second-level cache: there they are thrown again by the bits that follow, into places of a few
 * entries that insertion sort ends, and the records are gathered behind prefetches into a buffer
 * that stays in the cache.
 */
#include "scatter.h"

#include <endian.h>

enum {
    RECORD_BYTES = 100,
    READ_RECORDS = 8192,
    BUCKET_BITS_MAX = 12,
    BUCKET_RECORDS = 12288, /* wanted in a bucket */
    PLACE_BITS = 12,
    PLACE_COUNT = 1 << PLACE_BITS,
    INSERTION_MAX = 48, /* entries; more in one place are rare but where keys are not random */
    AHEAD = 16,
};

struct entry { /* compared as they are: the order of keys, then of positions */
    uint64_t key;
    uint64_t rest; /* 2 bytes of the key, 6 of the position */
};

static const uint64_t POSITION = (UINT64_C(1) << 48) - 1;

struct sorter { /* one thread's */
    struct job *job;
    unsigned index;
    struct scatter scatter;
};

struct job {
    int input;
    uint64_t record_count;
    const char *output_prefix;
    unsigned thread_count;
    unsigned bucket_bits;
    char *records;
    pthread_barrier_t barrier;
    double read_seconds;
    struct sorter sorters[THREADS_MAX];
};

static inline bool is_before(const struct entry *a, const struct entry *b)
{
    return a->key != b->key ? a->key < b->key : a->rest < b->rest;
}

static int compare_entries(const void *a, const void *b)
{
    return is_before(a, b) ? -1 : is_before(b, a);
}

static inline size_t bucket_of(const struct job *job, uint64_t key)
{
    return job->bucket_bits == 0 ? 0 : (size_t)(key >> (64 - job->bucket_bits));
}

static void read_part(struct sorter *sorter)
{
    struct job *job = sorter->job;
    uint64_t record = job->record_count * sorter->index / job->thread_count;
    uint64_t end = job->record_count * (sorter->index + 1) / job->thread_count;
    while (record < end) {
        uint64_t stop = record + READ_RECORDS < end ? record + READ_RECORDS : end;
        char *bytes = job->records + record * RECORD_BYTES;
        if (read_at(job->input, bytes, record * RECORD_BYTES, stop * RECORD_BYTES) !=
            (stop - record) * RECORD_BYTES) {
            errno = EIO;
            die("the input was cut");
        }
        for (; record < stop; record++, bytes += RECORD_BYTES) {
            uint64_t key;
            uint16_t rest;
            memcpy(&key, bytes, sizeof key);
            memcpy(&rest, bytes + sizeof key, sizeof rest);
            key = be64toh(key);
            struct entry *entry = scatter_add(&sorter->scatter, bucket_of(job, key), sizeof *entry);
            *entry = (struct entry){key, (uint64_t)be16toh(rest) << 48 | record};
        }
    }
}

static uint64_t bucket_count(const struct job *job, size_t bucket)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < job->thread_count; i++)
        count += scatter_count(&job->sorters[i].scatter, bucket, sizeof(struct entry));
    return count;
}

static inline size_t place_of(const struct job *job, const struct entry *entry)
{
    return (size_t)(entry->key << job->bucket_bits >> (64 - PLACE_BITS));
}

static void sort_place(struct entry *entries, size_t count)
{
    if (count > INSERTION_MAX) {
        qsort(entries, count, sizeof *entries, compare_entries);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        struct entry entry = entries[i];
        size_t to = i;
        for (; to > 0 && is_before(&entry, &entries[to - 1]); to--)
            entries[to] = entries[to - 1];
        entries[to] = entry;
    }
}

/* Sorts all entries of a bucket into sorted, which has room for them. */
static void sort_bucket(const struct job *job, size_t bucket, struct entry *sorted)
{
    static _Thread_local uint32_t starts[PLACE_COUNT + 1], at[PLACE_COUNT];
    struct scatter_piece piece;
    memset(starts, 0, sizeof starts);
    for (unsigned i = 0; i < job->thread_count; i++)
        for (bool more = scatter_first(&job->sorters[i].scatter, bucket, &piece); more;
             more = scatter_next(&piece))
            for (const struct entry *entry = (const void *)piece.first;
                 entry < (const struct entry *)(const void *)piece.end; entry++)
                starts[place_of(job, entry) + 1]++;
    for (size_t i = 0; i < PLACE_COUNT; i++)
        starts[i + 1] += starts[i];
    memcpy(at, starts, sizeof at);
    for (unsigned i = 0; i < job->thread_count; i++)
        for (bool more = scatter_first(&job->sorters[i].scatter, bucket, &piece); more;
             more = scatter_next(&piece))
            for (const struct entry *entry = (const void *)piece.first;
                 entry < (const struct entry *)(const void *)piece.end; entry++)
                sorted[at[place_of(job, entry)]++] = *entry;
    for (size_t i = 0; i < PLACE_COUNT; i++)
        sort_place(sorted + starts[i], starts[i + 1] - starts[i]);
}

static void gather(const struct job *job, const struct entry *sorted, uint64_t count,
                   struct writer *writer)
{
    for (uint64_t i = 0; i < count; i++) {
        if (i + AHEAD < count) { /* a record lies in two or three lines */
            const char *next = job->records + (sorted[i + AHEAD].rest & POSITION) * RECORD_BYTES;
            __builtin_prefetch(next);
            __builtin_prefetch(next + 64);
            __builtin_prefetch(next + RECORD_BYTES - 1);
        }
        memcpy(writer_room(writer), job->records + (sorted[i].rest & POSITION) * RECORD_BYTES,
               RECORD_BYTES);
        writer->used_bytes += RECORD_BYTES;
    }
}

static void *run_sorter(void *argument)
{
    struct sorter *sorter = argument;
    struct job *job = sorter->job;
    scatter_init(&sorter->scatter, (size_t)1 << job->bucket_bits);
    double start = now_seconds();
    read_part(sorter);
    if (wait_for_all(&job->barrier))
        job->read_seconds = now_seconds() - start;
    struct writer writer = writer_open(job->output_prefix, sorter->index);
    uint64_t before = 0;
    struct entry *sorted = NULL;
    uint64_t capacity = 0;
    for (size_t bucket = 0; bucket < (size_t)1 << job->bucket_bits; bucket++) {
        uint64_t count = bucket_count(job, bucket);
        bool is_mine = before * job->thread_count / (job->record_count + 1) == sorter->index;
        before += count;
        if (!is_mine || count == 0)
            continue;
        if (count > UINT32_MAX) {
            errno = EFBIG;
            die("keys that begin alike");
        }
        if (count > capacity) {
            capacity = 2 * count;
            sorted = map_memory(capacity * sizeof *sorted);
        }
        sort_bucket(job, bucket, sorted);
        gather(job, sorted, count, &writer);
    }
    writer_close(&writer);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct job job;
    job.thread_count = argc > 3 ? threads_of(argv[3]) : 2;
    if (argc < 3 || argc > 4 || job.thread_count < 1) {
        fprintf(stderr, "usage: terasort_bound INPUT OUTPUT [THREADS (2; at most %d)]\n",
                THREADS_MAX);
        return 2;
    }
    double start_seconds = now_seconds();
    uint64_t bytes = 0;
    job.input = open_input(argv[1], &bytes);
    job.output_prefix = argv[2];
    job.record_count = bytes / RECORD_BYTES;
    if (bytes % RECORD_BYTES != 0) {
        fprintf(stderr, "terasort_bound: %s: %" PRIu64 " bytes are no whole records of %d\n",
                argv[1], bytes, RECORD_BYTES);
        return 1;
    }
    while (job.bucket_bits < BUCKET_BITS_MAX &&
           job.record_count >> job.bucket_bits > BUCKET_RECORDS)
        job.bucket_bits++;
    job.records = map_memory((size_t)bytes + 1);
    errno = pthread_barrier_init(&job.barrier, NULL, job.thread_count);
    if (errno != 0)
        die("pthread_barrier_init");
    for (unsigned i = 0; i < job.thread_count; i++)
        job.sorters[i] = (struct sorter){.job = &job, .index = i};
    run_threads(job.thread_count, run_sorter, job.sorters, sizeof *job.sorters);
    printf("seconds %.3f read %.3f records %" PRIu64 " threads %u\n", now_seconds() - start_seconds,
           job.read_seconds, job.record_count, job.thread_count);
    return 0;
}
