/* The bound for an inner hash join by an integer key: what two threads of hand-written code need on
 * this machine.
 *
 *     join_bound LEFT RIGHT OUTPUT [THREADS]
 *
 * LEFT and RIGHT have rows of two int64_t, key and value. Thread i writes rows of three, key, left
 * value and right value, to OUTPUT.i, in no order. One line with the figures goes to stdout.
 *
 * Threads throw the rows of both sides into buckets by the key's hash. A bucket's rows of the right
 * go into a table that fits the second-level cache, in chains of equal slots, and those of the left
 * look there for their partners.
 */
#include "pairs.h"

enum {
    BUCKET_BITS = 11,
    BUCKET_COUNT = 1 << BUCKET_BITS,
    SLOT_BITS_MIN = 4,
};

struct row { /* of the right, in the chain of its slot */
    struct pair pair;
    uint32_t next; /* index and 1 of the row before it, or 0 */
};

struct joined {
    int64_t key, left, right;
};

struct joiner { /* one thread's */
    struct job *job;
    unsigned index;
    struct scatter left, right; /* struct pair */
    struct row *rows;
    uint64_t row_capacity;
    uint32_t *slots; /* index and 1 of the last row of each, or 0 */
    unsigned slot_bits, slot_bits_capacity;
    uint64_t joined_count;
};

struct job {
    struct pairs left, right;
    const char *output_prefix;
    unsigned thread_count;
    pthread_barrier_t barrier;
    double read_seconds, start_seconds;
    struct joiner joiners[THREADS_MAX];
};

static void scatter_side(struct pairs *side, struct scatter *scatter, struct pair *rows)
{
    for (size_t count; (count = pairs_read(side, rows)) > 0;)
        for (size_t i = 0; i < count; i++) {
            uint64_t hash = hash_number((uint64_t)rows[i].key);
            *(struct pair *)scatter_add(scatter, (size_t)(hash >> (64 - BUCKET_BITS)),
                                        sizeof *rows) = rows[i];
        }
}

static inline uint32_t *slot_of(const struct joiner *joiner, int64_t key)
{
    uint64_t hash = hash_number((uint64_t)key);
    return &joiner->slots[hash << BUCKET_BITS >> (64 - joiner->slot_bits)];
}

static void reserve_rows(struct joiner *joiner, uint64_t count)
{
    if (count >= UINT32_MAX) {
        errno = EFBIG;
        die("rows of one key");
    }
    joiner->slot_bits = SLOT_BITS_MIN;
    while (UINT64_C(1) << joiner->slot_bits < count)
        joiner->slot_bits++;
    if (count > joiner->row_capacity) {
        joiner->row_capacity = 2 * count;
        joiner->rows = map_memory(joiner->row_capacity * sizeof *joiner->rows);
    }
    if (joiner->slot_bits > joiner->slot_bits_capacity) {
        joiner->slot_bits_capacity = joiner->slot_bits;
        joiner->slots = map_memory(sizeof *joiner->slots << joiner->slot_bits);
    }
    memset(joiner->slots, 0, sizeof *joiner->slots << joiner->slot_bits);
}

static void build(struct joiner *joiner, size_t bucket)
{
    const struct job *job = joiner->job;
    struct scatter_piece piece;
    uint64_t count = 0;
    for (unsigned i = 0; i < job->thread_count; i++)
        count += scatter_count(&job->joiners[i].right, bucket, sizeof(struct pair));
    reserve_rows(joiner, count);
    uint32_t row = 0;
    for (unsigned i = 0; i < job->thread_count; i++)
        for (bool more = scatter_first(&job->joiners[i].right, bucket, &piece); more;
             more = scatter_next(&piece))
            for (const struct pair *pair = (const void *)piece.first;
                 pair < (const struct pair *)(const void *)piece.end; pair++) {
                uint32_t *slot = slot_of(joiner, pair->key);
                joiner->rows[row] = (struct row){*pair, *slot};
                *slot = ++row;
            }
}

static void probe(struct joiner *joiner, size_t bucket, struct writer *writer)
{
    const struct job *job = joiner->job;
    struct scatter_piece piece;
    for (unsigned i = 0; i < job->thread_count; i++)
        for (bool more = scatter_first(&job->joiners[i].left, bucket, &piece); more;
             more = scatter_next(&piece))
            for (const struct pair *pair = (const void *)piece.first;
                 pair < (const struct pair *)(const void *)piece.end; pair++)
                for (uint32_t at = *slot_of(joiner, pair->key); at != 0;
                     at = joiner->rows[at - 1].next) {
                    const struct row *row = &joiner->rows[at - 1];
                    if (row->pair.key != pair->key)
                        continue;
                    struct joined joined = {pair->key, pair->value, row->pair.value};
                    memcpy(writer_room(writer), &joined, sizeof joined);
                    writer->used_bytes += sizeof joined;
                    joiner->joined_count++;
                }
}

static void *run_joiner(void *argument)
{
    struct joiner *joiner = argument;
    struct job *job = joiner->job;
    struct pair *rows = map_memory(CHUNK_ROWS * sizeof *rows);
    scatter_init(&joiner->left, BUCKET_COUNT);
    scatter_init(&joiner->right, BUCKET_COUNT);
    scatter_side(&job->right, &joiner->right, rows);
    scatter_side(&job->left, &joiner->left, rows);
    if (wait_for_all(&job->barrier))
        job->read_seconds = now_seconds() - job->start_seconds;
    struct writer writer = writer_open(job->output_prefix, joiner->index);
    for (size_t bucket = joiner->index; bucket < BUCKET_COUNT; bucket += job->thread_count) {
        build(joiner, bucket);
        probe(joiner, bucket, &writer);
    }
    writer_close(&writer);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct job job;
    job.thread_count = argc > 4 ? threads_of(argv[4]) : 2;
    if (argc < 4 || argc > 5 || job.thread_count < 1) {
        fprintf(stderr, "usage: join_bound LEFT RIGHT OUTPUT [THREADS (2; at most %d)]\n",
                THREADS_MAX);
        return 2;
    }
    job.start_seconds = now_seconds();
    pairs_open(&job.left, argv[1]);
    pairs_open(&job.right, argv[2]);
    job.output_prefix = argv[3];
    errno = pthread_barrier_init(&job.barrier, NULL, job.thread_count);
    if (errno != 0)
        die("pthread_barrier_init");
    for (unsigned i = 0; i < job.thread_count; i++)
        job.joiners[i] = (struct joiner){.job = &job, .index = i};
    run_threads(job.thread_count, run_joiner, job.joiners, sizeof *job.joiners);
    uint64_t joined_count = 0;
    for (unsigned i = 0; i < job.thread_count; i++)
        joined_count += job.joiners[i].joined_count;
    printf("seconds %.3f read %.3f left %" PRIu64 " right %" PRIu64 " joined %" PRIu64
           " threads %u\n",
           now_seconds() - job.start_seconds, job.read_seconds, job.left.row_count,
           job.right.row_count, joined_count, job.thread_count);
    return 0;
}
