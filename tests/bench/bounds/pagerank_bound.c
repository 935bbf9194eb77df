/* The bound for ranking pages by their links: what two threads of hand-written code need on this
 * machine.
 *
 *     pagerank_bound INPUT OUTPUT [ROUNDS (10) [THREADS (2)]]
 *
 * INPUT has lines `page,target` of numbers below 2^28 (any one byte that is no digit may stand
 * between); pages are the numbers that occur. A rank begins as 1; in a round it becomes 0.15 + 0.85
 * * the sum of rank / links over the links to the page, repeated ones too. Thread i writes lines
 * `page,rank` to OUTPUT.i, by ascending pages over all the files. One line with the figures goes to
 * stdout.
 *
 * Threads read chunks of text, count the links of each page and throw the edges into buckets by
 * target. A bucket, whose targets' counters fit the second-level cache, becomes its part of the
 * lists of pages that link to a page. A round gathers along these lists behind prefetches; threads
 * take ranges of equal numbers of links.
 */
#include "scatter.h"

#include <stdatomic.h>

enum {
    CHUNK_BYTES = 256 << 10,
    LINE_BYTES_MAX = 64,
    PAGE_BITS_MAX = 28,
    BUCKET_BITS = 15, /* pages in a bucket */
    BUCKET_COUNT = 1 << (PAGE_BITS_MAX - BUCKET_BITS),
    AHEAD = 32,
};

struct edge {
    uint32_t page, target;
};

struct ranker { /* one thread's */
    struct job *job;
    unsigned index;
    struct scatter scatter;
    uint32_t *links; /* of each page, as far as this thread has read */
    uint32_t page_max;
};

struct job {
    int input;
    uint64_t input_bytes;
    const char *output_prefix;
    unsigned thread_count;
    unsigned round_count;
    _Atomic uint64_t next_chunk; /* relaxed: it hands out numbers and publishes nothing */
    pthread_barrier_t barrier;
    double start_seconds, parsed_seconds, built_seconds, ranked_seconds;
    uint64_t bucket_starts[BUCKET_COUNT + 1]; /* in sources */
    size_t page_count;                        /* the greatest number and 1 */
    uint64_t *starts;                         /* of each page's sources */
    uint32_t *sources;
    double *ranks, *shares;
    size_t cuts[THREADS_MAX + 1]; /* pages of the threads */
    struct ranker rankers[THREADS_MAX];
};

/* ---- from text to edges ---- */

static inline const char *parse_number(const char *text, uint32_t *out_number)
{
    uint32_t number = 0;
    for (unsigned digit; (digit = (unsigned)(unsigned char)*text - '0') <= 9; text++)
        number = number * 10 + digit;
    *out_number = number;
    return text;
}

/* The edges of whole lines; behind the last is a byte that is no digit. */
static void parse_lines(struct ranker *ranker, const char *text, const char *end)
{
    uint32_t page_max = ranker->page_max;
    while (text < end) {
        struct edge edge;
        const char *first = parse_number(text, &edge.page);
        const char *second = parse_number(first + 1, &edge.target);
        if (first == text || second == first + 1 || *second > '\r') {
            fprintf(stderr, "pagerank_bound: not two numbers: %.*s\n", 40, text);
            exit(1);
        }
        while (second < end && (*second == '\r' || *second == '\n'))
            second++;
        text = second;
        page_max = edge.page > page_max ? edge.page : page_max;
        page_max = edge.target > page_max ? edge.target : page_max;
        if (page_max >> PAGE_BITS_MAX != 0) {
            errno = ERANGE;
            die("a page's number");
        }
        ranker->links[edge.page]++;
        *(struct edge *)scatter_add(&ranker->scatter, edge.target >> BUCKET_BITS, sizeof edge) =
            edge;
    }
    ranker->page_max = page_max;
}

/* The lines that begin in a chunk. */
static void parse_chunk(struct ranker *ranker, char *buffer, uint64_t begin)
{
    const struct job *job = ranker->job;
    uint64_t from = begin > 0 ? begin - 1 : 0; /* tells whether a line begins with the chunk */
    char *text = buffer;
    size_t got = read_at(job->input, text, from, begin + CHUNK_BYTES + LINE_BYTES_MAX);
    char *end = text + got, *stop = text + (begin - from) + CHUNK_BYTES;
    *end = '\n';
    if (begin > 0) {
        text = memchr(text, '\n', got + 1);
        text++;
    }
    if (stop < end) { /* the line that the chunk ends in */
        char *newline = memchr(stop - 1, '\n', (size_t)(end - (stop - 1)));
        if (newline == NULL && from + got < job->input_bytes) {
            errno = EMSGSIZE;
            die("a line");
        }
        end = newline != NULL ? newline : end;
    }
    if (text < end)
        parse_lines(ranker, text, end);
}

static void parse_input(struct ranker *ranker)
{
    struct job *job = ranker->job;
    char *buffer = map_memory(1 + CHUNK_BYTES + LINE_BYTES_MAX + 1);
    for (;;) {
        uint64_t chunk = atomic_fetch_add_explicit(&job->next_chunk, 1, memory_order_relaxed);
        if (chunk * CHUNK_BYTES >= job->input_bytes)
            break;
        parse_chunk(ranker, buffer, chunk * CHUNK_BYTES);
    }
}

/* ---- lists of sources ---- */

static void make_lists(struct job *job)
{
    uint64_t edge_count = 0;
    for (unsigned i = 0; i < job->thread_count; i++)
        if (job->input_bytes > 0 && job->rankers[i].page_max >= job->page_count)
            job->page_count = (size_t)job->rankers[i].page_max + 1;
    for (size_t bucket = 0; bucket < BUCKET_COUNT; bucket++) {
        job->bucket_starts[bucket] = edge_count;
        for (unsigned i = 0; i < job->thread_count; i++)
            edge_count += scatter_count(&job->rankers[i].scatter, bucket, sizeof(struct edge));
    }
    job->bucket_starts[BUCKET_COUNT] = edge_count;
    job->sources = map_memory((edge_count + AHEAD + 2) * sizeof *job->sources);
    job->starts = map_memory((job->page_count + 1) * sizeof *job->starts);
    job->ranks = map_memory((job->page_count + 1) * sizeof *job->ranks);
    job->shares = map_memory((job->page_count + 1) * sizeof *job->shares);
    job->starts[job->page_count] = edge_count;
}

/* The lists of the pages of one bucket, by counting; and what their ranks begin as. */
static void fill_lists(struct job *job, size_t bucket)
{
    static _Thread_local uint64_t at[1 << BUCKET_BITS];
    struct scatter_piece piece;
    size_t first = bucket << BUCKET_BITS;
    size_t count = job->page_count - first < (size_t)1 << BUCKET_BITS ? job->page_count - first
                                                                      : (size_t)1 << BUCKET_BITS;
    memset(at, 0, sizeof at);
    for (unsigned i = 0; i < job->thread_count; i++)
        for (bool more = scatter_first(&job->rankers[i].scatter, bucket, &piece); more;
             more = scatter_next(&piece))
            for (const struct edge *edge = (const void *)piece.first;
                 edge < (const struct edge *)(const void *)piece.end; edge++)
                at[edge->target - first]++;
    uint64_t start = job->bucket_starts[bucket];
    for (size_t k = 0; k < count; k++) {
        uint32_t links = 0;
        for (unsigned i = 0; i < job->thread_count; i++)
            links += job->rankers[i].links[first + k];
        job->rankers[0].links[first + k] = links;
        job->ranks[first + k] = links + at[k] > 0 ? 1 : 0; /* 0: no page */
        job->starts[first + k] = start;
        uint64_t length = at[k];
        at[k] = start;
        start += length;
    }
    for (unsigned i = 0; i < job->thread_count; i++)
        for (bool more = scatter_first(&job->rankers[i].scatter, bucket, &piece); more;
             more = scatter_next(&piece))
            for (const struct edge *edge = (const void *)piece.first;
                 edge < (const struct edge *)(const void *)piece.end; edge++)
                job->sources[at[edge->target - first]++] = edge->page;
}

/* Threads shall have equal work: a page costs about as much as a link. */
static void cut_pages(struct job *job)
{
    size_t page = 0;
    for (unsigned i = 0; i < job->thread_count; i++) {
        uint64_t work = (job->starts[job->page_count] + job->page_count) * i / job->thread_count;
        while (page < job->page_count && job->starts[page] + page < work)
            page++;
        job->cuts[i] = page;
    }
    job->cuts[job->thread_count] = job->page_count;
}

/* ---- rounds ---- */

static void share_ranks(const struct job *job, size_t first, size_t end)
{
    const uint32_t *links = job->rankers[0].links;
    for (size_t page = first; page < end; page++)
        job->shares[page] = links[page] > 0 ? job->ranks[page] / links[page] : 0;
}

static void gather_shares(const struct job *job, size_t first, size_t end)
{
    const double *shares = job->shares;
    const uint32_t *sources = job->sources;
    uint64_t at = job->starts[first];
    for (size_t page = first; page < end; page++) {
        uint64_t stop = job->starts[page + 1];
        double sum = 0, other = 0; /* two, so that additions overlap */
        for (; at + 1 < stop; at += 2) {
            __builtin_prefetch(&shares[sources[at + AHEAD]]); /* behind the last source are zeros */
            __builtin_prefetch(&shares[sources[at + AHEAD + 1]]);
            sum += shares[sources[at]];
            other += shares[sources[at + 1]];
        }
        for (; at < stop; at++)
            sum += shares[sources[at]];
        job->ranks[page] = job->ranks[page] > 0 ? 0.15 + 0.85 * (sum + other) : 0;
    }
}

/* Ranks are below 2^40; 15 digits behind the point. */
static char *put_rank(char *out, double rank)
{
    const uint64_t unit = UINT64_C(1000000000000000);
    uint64_t whole = (uint64_t)rank;
    uint64_t fraction = (uint64_t)((rank - (double)whole) * (double)unit + 0.5);
    whole += fraction / unit;
    fraction %= unit;
    out = put_number(out, whole);
    *out++ = '.';
    for (int i = 15; i-- > 0; fraction /= 10)
        out[i] = (char)('0' + fraction % 10);
    return out + 15;
}

static void write_ranks(const struct ranker *ranker, size_t first, size_t end)
{
    const struct job *job = ranker->job;
    struct writer writer = writer_open(job->output_prefix, ranker->index);
    for (size_t page = first; page < end; page++) {
        if (!(job->ranks[page] > 0))
            continue;
        char *begin = writer_room(&writer);
        char *out = put_number(begin, page);
        *out++ = ',';
        out = put_rank(out, job->ranks[page]);
        *out++ = '\n';
        writer.used_bytes += (size_t)(out - begin);
    }
    writer_close(&writer);
}

static void *run_ranker(void *argument)
{
    struct ranker *ranker = argument;
    struct job *job = ranker->job;
    scatter_init(&ranker->scatter, BUCKET_COUNT);
    ranker->links = map_memory(sizeof *ranker->links << PAGE_BITS_MAX); /* touched where needed */
    parse_input(ranker);
    if (wait_for_all(&job->barrier)) {
        job->parsed_seconds = now_seconds();
        make_lists(job);
    }
    wait_for_all(&job->barrier);
    for (size_t bucket = ranker->index; bucket << BUCKET_BITS < job->page_count;
         bucket += job->thread_count)
        fill_lists(job, bucket);
    if (wait_for_all(&job->barrier)) {
        cut_pages(job);
        job->built_seconds = now_seconds();
    }
    wait_for_all(&job->barrier);
    size_t first = job->cuts[ranker->index], end = job->cuts[ranker->index + 1];
    for (unsigned round = 0; round < job->round_count; round++) {
        share_ranks(job, first, end);
        wait_for_all(&job->barrier);
        gather_shares(job, first, end);
        wait_for_all(&job->barrier);
    }
    if (ranker->index == 0)
        job->ranked_seconds = now_seconds();
    write_ranks(ranker, first, end);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct job job;
    job.round_count = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 10;
    job.thread_count = argc > 4 ? threads_of(argv[4]) : 2;
    if (argc < 3 || argc > 5 || job.thread_count < 1) {
        fprintf(stderr,
                "usage: pagerank_bound INPUT OUTPUT [ROUNDS (10) [THREADS (2; at most %d)]]\n",
                THREADS_MAX);
        return 2;
    }
    job.start_seconds = now_seconds();
    job.input = open_input(argv[1], &job.input_bytes);
    job.output_prefix = argv[2];
    errno = pthread_barrier_init(&job.barrier, NULL, job.thread_count);
    if (errno != 0)
        die("pthread_barrier_init");
    for (unsigned i = 0; i < job.thread_count; i++)
        job.rankers[i] = (struct ranker){.job = &job, .index = i};
    run_threads(job.thread_count, run_ranker, job.rankers, sizeof *job.rankers);
    double end_seconds = now_seconds();
    printf("seconds %.3f parse %.3f build %.3f rank %.3f write %.3f links %" PRIu64 " threads %u\n",
           end_seconds - job.start_seconds, job.parsed_seconds - job.start_seconds,
           job.built_seconds - job.parsed_seconds, job.ranked_seconds - job.built_seconds,
           end_seconds - job.ranked_seconds, job.bucket_starts[BUCKET_COUNT], job.thread_count);
    return 0;
}
