/* The bound for sum and count by an integer key: what two threads of hand-written code need on this
 * machine.
 *
 *     groupby_bound INPUT OUTPUT [THREADS]
 *
 * INPUT has rows of two int64_t, key and value. Thread i writes rows of three, key, sum and count,
 * to OUTPUT.i, each key once over all the files. One line with the figures goes to stdout.
 *
 * A thread adds its rows up in a table of 6 MiB. When it is full there are many keys: its groups,
 * and all rows that follow, are thrown into buckets by the key's hash, of which each is then added
 * up in a table that fits the second-level cache. Where the tables of all threads stay small, only
 * they are merged.
 */
#include "pairs.h"

enum {
    TABLE_BITS = 18,
    BUCKET_BITS = 11,
    BUCKET_COUNT = 1 << BUCKET_BITS,
    MERGED_BITS_MIN = 12, /* of a bucket's table, which doubles where that is too little */
};

struct group {
    int64_t key, sum, count; /* of no rows: free */
};

struct table {
    struct group *slots; /* 1 << bits */
    uint64_t used_count;
    unsigned bits;
};

struct grouper { /* one thread's */
    struct job *job;
    unsigned index;
    struct table table;
    struct scatter rows, groups; /* struct pair, struct group */
    uint64_t group_count;
};

struct job {
    struct pairs input;
    const char *output_prefix;
    unsigned thread_count;
    pthread_barrier_t barrier;
    double read_seconds, start_seconds;
    struct grouper groupers[THREADS_MAX];
};

static void table_init(struct table *table, unsigned bits)
{
    *table = (struct table){.slots = map_memory(sizeof(struct group) << bits), .bits = bits};
}

static inline bool table_is_full(const struct table *table)
{
    return table->used_count * 8 > UINT64_C(5) << table->bits;
}

/* Buckets take the highest bits of the hash, tables those below. */
static inline size_t bucket_of(uint64_t hash) { return (size_t)(hash >> (64 - BUCKET_BITS)); }

static inline void table_add(struct table *table, const struct group *added, uint64_t hash)
{
    size_t mask = ((size_t)1 << table->bits) - 1;
    size_t i = (size_t)(hash << BUCKET_BITS >> (64 - table->bits));
    struct group *slot = &table->slots[i];
    for (; slot->count != 0 && slot->key != added->key; slot = &table->slots[i])
        i = (i + 1) & mask;
    table->used_count += slot->count == 0;
    slot->key = added->key;
    slot->sum = (int64_t)((uint64_t)slot->sum + (uint64_t)added->sum); /* wraps, as it may */
    slot->count += added->count;
}

static void table_grow(struct table *table)
{
    struct table grown;
    table_init(&grown, table->bits + 1);
    for (size_t i = 0; i < (size_t)1 << table->bits; i++)
        if (table->slots[i].count != 0)
            table_add(&grown, &table->slots[i], hash_number((uint64_t)table->slots[i].key));
    if (munmap(table->slots, sizeof(struct group) << table->bits) != 0)
        die("munmap");
    *table = grown;
}

static void scatter_rows(struct grouper *grouper, const struct pair *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        *(struct pair *)scatter_add(&grouper->rows, bucket_of(hash_number((uint64_t)rows[i].key)),
                                    sizeof *rows) = rows[i];
}

static void scatter_groups(struct grouper *grouper)
{
    const struct table *table = &grouper->table;
    for (size_t i = 0; i < (size_t)1 << table->bits; i++)
        if (table->slots[i].count != 0)
            *(struct group *)scatter_add(&grouper->groups,
                                         bucket_of(hash_number((uint64_t)table->slots[i].key)),
                                         sizeof *table->slots) = table->slots[i];
}

static void read_rows(struct grouper *grouper)
{
    struct table *table = &grouper->table;
    struct pair *rows = map_memory(CHUNK_ROWS * sizeof *rows);
    bool is_full = false;
    for (size_t count; (count = pairs_read(&grouper->job->input, rows)) > 0;) {
        size_t i = 0;
        for (; i < count && !is_full; i++) {
            struct group one = {rows[i].key, rows[i].value, 1};
            table_add(table, &one, hash_number((uint64_t)one.key));
            is_full = table_is_full(table);
        }
        scatter_rows(grouper, rows + i, count - i);
    }
    scatter_groups(grouper);
}

static void merge_bucket(const struct job *job, size_t bucket, struct table *table)
{
    struct scatter_piece piece;
    for (unsigned i = 0; i < job->thread_count; i++) {
        for (bool more = scatter_first(&job->groupers[i].groups, bucket, &piece); more;
             more = scatter_next(&piece))
            for (const struct group *group = (const void *)piece.first;
                 group < (const struct group *)(const void *)piece.end; group++) {
                table_add(table, group, hash_number((uint64_t)group->key));
                if (table_is_full(table))
                    table_grow(table);
            }
        for (bool more = scatter_first(&job->groupers[i].rows, bucket, &piece); more;
             more = scatter_next(&piece))
            for (const struct pair *row = (const void *)piece.first;
                 row < (const struct pair *)(const void *)piece.end; row++) {
                struct group one = {row->key, row->value, 1};
                table_add(table, &one, hash_number((uint64_t)one.key));
                if (table_is_full(table))
                    table_grow(table);
            }
    }
}

static void write_groups(struct table *table, struct writer *writer)
{
    for (size_t i = 0; i < (size_t)1 << table->bits && table->used_count > 0; i++)
        if (table->slots[i].count != 0) {
            memcpy(writer_room(writer), &table->slots[i], sizeof *table->slots);
            writer->used_bytes += sizeof *table->slots;
        }
    if (table->used_count > 0)
        memset(table->slots, 0, sizeof *table->slots << table->bits);
    table->used_count = 0;
}

static void *run_grouper(void *argument)
{
    struct grouper *grouper = argument;
    struct job *job = grouper->job;
    table_init(&grouper->table, TABLE_BITS);
    scatter_init(&grouper->rows, BUCKET_COUNT);
    scatter_init(&grouper->groups, BUCKET_COUNT);
    read_rows(grouper);
    if (wait_for_all(&job->barrier))
        job->read_seconds = now_seconds() - job->start_seconds;
    struct writer writer = writer_open(job->output_prefix, grouper->index);
    struct table merged;
    table_init(&merged, MERGED_BITS_MIN);
    for (size_t bucket = grouper->index; bucket < BUCKET_COUNT; bucket += job->thread_count) {
        merge_bucket(job, bucket, &merged);
        grouper->group_count += merged.used_count;
        write_groups(&merged, &writer);
    }
    writer_close(&writer);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct job job;
    job.thread_count = argc > 3 ? threads_of(argv[3]) : 2;
    if (argc < 3 || argc > 4 || job.thread_count < 1) {
        fprintf(stderr, "usage: groupby_bound INPUT OUTPUT [THREADS (2; at most %d)]\n",
                THREADS_MAX);
        return 2;
    }
    job.start_seconds = now_seconds();
    pairs_open(&job.input, argv[1]);
    job.output_prefix = argv[2];
    errno = pthread_barrier_init(&job.barrier, NULL, job.thread_count);
    if (errno != 0)
        die("pthread_barrier_init");
    for (unsigned i = 0; i < job.thread_count; i++)
        job.groupers[i] = (struct grouper){.job = &job, .index = i};
    run_threads(job.thread_count, run_grouper, job.groupers, sizeof *job.groupers);
    uint64_t group_count = 0;
    for (unsigned i = 0; i < job.thread_count; i++)
        group_count += job.groupers[i].group_count;
    printf("seconds %.3f read %.3f rows %" PRIu64 " groups %" PRIu64 " threads %u\n",
           now_seconds() - job.start_seconds, job.read_seconds, job.input.row_count, group_count,
           job.thread_count);
    return 0;
}
