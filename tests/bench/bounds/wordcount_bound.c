/* The bound for word count: what two threads of hand-written code need on this machine.
 *
 *     wordcount_bound INPUT OUTPUT [THREADS]
 *
 * A word is a maximal run of bytes other than space, \t, \n, \v, \f and \r. Thread i writes lines
 * `word,count` to OUTPUT.i, each word once over all the files; nothing is quoted. One line with the
 * figures goes to stdout.
 *
 * The text is read in chunks that the threads take from one counter; a word belongs to the chunk
 * that it begins in. A chunk is worked through in blocks of three short loops: the places of all
 * separators, then the keys and hashes of the words (a prefetch each), then the table. So the cache
 * misses of a block overlap, and no loop ends unpredictably. A word of at most 15 bytes is its own
 * 16-byte key. A slot is chosen by the top bits of the hash, so that a range of hashes is a run of
 * slots in the table of each thread: in the end the threads take such ranges, merge and write them.
 */
#include "word_table.h"

#include <stdatomic.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

enum {
    CHUNK_BYTES = 256 << 10, /* with the table's hot slots this stays in the second-level cache */
    LOOKAHEAD_BYTES = 256,   /* read beyond a chunk, where its last word usually ends */
    BLOCK_BYTES = 2048,
    PAD_BYTES = BLOCK_BYTES + 64, /* separators behind the text, so that no loop has a tail */
    STOPS_AT_ONCE = 8,
    TABLE_BITS_MIN = 16,
    TABLE_BITS_START_MAX = 21,
    TEXT_BYTES_PER_SLOT =
        256,         /* of a thread's text: a guess that spares zeroing tables to outgrow them */
    RANGE_BITS = 13, /* slots of the largest table in a range that is merged at once */
};

struct block { /* the words of BLOCK_BYTES of text: at most one a byte */
    uint32_t stops[BLOCK_BYTES + 2 * STOPS_AT_ONCE];
    struct key keys[BLOCK_BYTES + 1];
    uint64_t hashes[BLOCK_BYTES + 1];
};

struct counter { /* one thread's */
    struct job *job;
    unsigned index;
    struct table table;
    struct block *block;
    char *text; /* of the chunk, from its begin on; one byte before it is readable */
    size_t text_capacity_bytes;
    uint64_t word_count;
    uint64_t distinct_count;
};

struct job {
    int input;
    uint64_t input_bytes;
    const char *output_prefix;
    unsigned thread_count;
    _Atomic uint64_t next_chunk; /* relaxed: it hands out numbers and publishes nothing */
    pthread_barrier_t counted;
    struct counter counters[THREADS_MAX];
};

/* ---- from text to words ---- */

static inline bool is_separator(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/* Bit i is set where byte i of 64 is a separator. */
static inline uint64_t separators_of_64(const char *text)
{
#ifdef __AVX2__
    /* The low four bits of a byte look up the one separator that ends in them. A zero stands for
     * none: only byte 0 could equal it, and looks up ' '; bytes above 127 always get a zero. */
    const __m256i separator_by_low_bits =
        _mm256_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', '\v', '\f', '\r', 0, 0, ' ', 0, 0,
                         0, 0, 0, 0, 0, 0, '\t', '\n', '\v', '\f', '\r', 0, 0);
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)text);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(text + 32));
    a = _mm256_cmpeq_epi8(a, _mm256_shuffle_epi8(separator_by_low_bits, a));
    b = _mm256_cmpeq_epi8(b, _mm256_shuffle_epi8(separator_by_low_bits, b));
    return (uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32;
#else
    uint64_t mask = 0;
    for (unsigned i = 0; i < 64; i++)
        mask |= (uint64_t)is_separator(text[i]) << i;
    return mask;
#endif
}

static inline uint32_t lowest_bit(uint64_t bits)
{
    return bits == 0 ? 64 : (uint32_t)__builtin_ctzll(bits);
}

/* The offsets of the separators of one block. Writes STOPS_AT_ONCE at a time, wanted or not: that
 * is cheaper than a loop whose end cannot be predicted. */
static size_t find_stops(const char *text, uint32_t offset, uint32_t *out_stops)
{
    size_t stop_count = 0;
    for (uint32_t end = offset + BLOCK_BYTES; offset < end; offset += 64) {
        uint64_t stops = separators_of_64(text + offset);
        size_t here = (size_t)__builtin_popcountll(stops);
        for (size_t done = 0; done < here; done += STOPS_AT_ONCE) {
            uint32_t *out = out_stops + stop_count + done;
            for (int i = 0; i < STOPS_AT_ONCE; i++) {
                out[i] = offset + lowest_bit(stops);
                stops &= stops - 1;
            }
        }
        stop_count += here;
    }
    return stop_count;
}

static inline struct key short_key(const char *word, size_t length)
{
    static const uint8_t keep[32] = {255, 255, 255, 255, 255, 255, 255, 255,
                                     255, 255, 255, 255, 255, 255, 255, 255};
    struct key key, mask;
    memcpy(&key, word, sizeof key);
    memcpy(&mask, keep + 16 - length, sizeof mask);
    key.low &= mask.low;
    key.high = (key.high & mask.high) | (uint64_t)length << 56;
    return key;
}

/* Counts the words of text[0, bytes), which ends with a separator and PAD_BYTES more of them. */
static void count_words(struct counter *counter, const char *text, uint32_t bytes)
{
    struct table *table = &counter->table;
    struct block *block = counter->block;
    uint32_t start = 0;
    for (uint32_t offset = 0; offset < bytes; offset += BLOCK_BYTES) {
        size_t stop_count = find_stops(text, offset, block->stops);
        size_t word_count = 0;
        for (size_t i = 0; i < stop_count; i++) {
            size_t length = block->stops[i] - start;
            if (__builtin_expect(length <= 15, 1)) {
                struct key key = short_key(text + start, length);
                uint64_t hash = hash_key(key);
                __builtin_prefetch(&table->slots[table_home(table, hash)], 1);
                block->keys[word_count] = key;
                block->hashes[word_count] = hash;
                word_count += length > 0;
            } else {
                table_add_long(table, text + start, length);
                counter->word_count++;
            }
            start = block->stops[i] + 1;
        }
        table_reserve(table, word_count);
        for (size_t i = 0; i < word_count; i++)
            table_add(table, block->keys[i], block->hashes[i], 1);
        counter->word_count += word_count;
    }
}

/* Makes room for bytes of text, one before and the padding behind; keeps what is there. */
static void reserve_text(struct counter *counter, size_t bytes)
{
    if (bytes <= counter->text_capacity_bytes)
        return;
    size_t old_bytes = counter->text_capacity_bytes;
    char *text = (char *)map_memory(bytes + 64 + PAD_BYTES) + 64;
    if (counter->text != NULL) {
        memcpy(text, counter->text, old_bytes);
        munmap(counter->text - 64, old_bytes + 64 + PAD_BYTES);
    }
    counter->text = text;
    counter->text_capacity_bytes = bytes;
}

/* The end of the word that goes beyond the first chunk_bytes of text: reads on as far as it goes.
 */
static size_t finish_last_word(struct counter *counter, uint64_t begin, size_t chunk_bytes,
                               size_t text_bytes)
{
    size_t end = chunk_bytes;
    for (;;) {
        while (end < text_bytes && !is_separator(counter->text[end]))
            end++;
        if (end < text_bytes || begin + text_bytes >= counter->job->input_bytes)
            return end;
        reserve_text(counter, 2 * text_bytes);
        size_t got = read_at(counter->job->input, counter->text + text_bytes, begin + text_bytes,
                             begin + 2 * text_bytes);
        if (got == 0) /* the file was cut while we read it */
            return end;
        text_bytes += got;
    }
}

/* Counts the words that begin in the chunk, which lies within the input. */
static void count_chunk(struct counter *counter, uint64_t begin)
{
    struct job *job = counter->job;
    size_t before = begin > 0 ? 1 : 0; /* tells whether the first word began earlier */
    size_t got = read_at(job->input, counter->text - before, begin - before,
                         begin + CHUNK_BYTES + LOOKAHEAD_BYTES);
    size_t text_bytes = got > before ? got - before : 0;
    size_t chunk_bytes = text_bytes < CHUNK_BYTES ? text_bytes : CHUNK_BYTES;
    size_t first = 0;
    if (before > 0 && !is_separator(counter->text[-1]))
        while (first < chunk_bytes && !is_separator(counter->text[first]))
            first++;
    if (first == chunk_bytes)
        return;
    size_t end = chunk_bytes;
    if (!is_separator(counter->text[chunk_bytes - 1]))
        end = finish_last_word(counter, begin, chunk_bytes, text_bytes);
    if (end > UINT32_MAX - PAD_BYTES) {
        errno = EFBIG;
        die("a word of more than 4 GiB");
    }
    memset(counter->text + end, ' ', PAD_BYTES);
    count_words(counter, counter->text + first, (uint32_t)(end + 1 - first));
}

/* ---- merging and writing ---- */

static void write_line(struct writer *writer, const struct slot *slot)
{
    const char *word = (const char *)&slot->key;
    size_t length = (size_t)(slot->key.high >> 56);
    if (is_long(slot->key)) {
        word = long_word_of(slot->key)->bytes;
        length = long_word_of(slot->key)->length_bytes;
    }
    if (length > WRITER_SPARE_BYTES / 2) { /* goes out alone */
        writer_flush(writer);
        write_all(writer->fd, word, length);
        length = 0;
    }
    char *begin = writer_room(writer);
    memcpy(begin, word, length);
    char *out = begin + length;
    *out++ = ',';
    out = put_number(out, slot->count);
    *out++ = '\n';
    writer->used_bytes += (size_t)(out - begin);
}

/* The entries of the table whose hash begins with the range_bits of range: added to merged, or only
 * counted where merged is NULL. Entries that found their slots taken lie behind the range's own
 * slots. */
static uint64_t take_range(const struct table *table, uint64_t range, unsigned range_bits,
                           struct table *merged)
{
    size_t i = (size_t)(range << (table->bits - range_bits));
    size_t own_count = (size_t)1 << (table->bits - range_bits);
    uint64_t count = 0;
    for (size_t seen = 0; seen < own_count || table->slots[i].count != 0;
         seen++, i = table_next(table, i)) {
        const struct slot *slot = &table->slots[i];
        if (slot->count == 0 || slot->hash >> (64 - range_bits) != range)
            continue;
        count++;
        if (merged != NULL) /* its hash: the bits that differ within the range */
            table_merge(merged, slot, slot->hash << range_bits);
    }
    return count;
}

static void merge_ranges(struct counter *counter, struct writer *writer)
{
    struct job *job = counter->job;
    unsigned least_bits = 64, most_bits = 0;
    for (unsigned i = 0; i < job->thread_count; i++) {
        unsigned bits = job->counters[i].table.bits;
        least_bits = bits < least_bits ? bits : least_bits;
        most_bits = bits > most_bits ? bits : most_bits;
    }
    unsigned range_bits = most_bits - RANGE_BITS < least_bits ? most_bits - RANGE_BITS : least_bits;
    uint64_t range_count = UINT64_C(1) << range_bits;
    struct table merged;
    table_init(&merged, RANGE_BITS);
    for (uint64_t range = range_count * counter->index / job->thread_count;
         range < range_count * (counter->index + 1) / job->thread_count; range++) {
        uint64_t entry_count = 0;
        for (unsigned i = 0; i < job->thread_count; i++)
            entry_count += take_range(&job->counters[i].table, range, range_bits, NULL);
        table_reserve(&merged, entry_count);
        for (unsigned i = 0; i < job->thread_count; i++)
            take_range(&job->counters[i].table, range, range_bits, &merged);
        for (size_t i = 0; i < (size_t)1 << merged.bits; i++)
            if (merged.slots[i].count != 0)
                write_line(writer, &merged.slots[i]);
        counter->distinct_count += merged.used_count;
        memset(merged.slots, 0, sizeof(struct slot) << merged.bits);
        merged.used_count = 0;
    }
    table_drop(&merged);
}

static void merge_and_write(struct counter *counter)
{
    struct writer writer = writer_open(counter->job->output_prefix, counter->index);
    merge_ranges(counter, &writer);
    writer_close(&writer);
}

static unsigned starting_bits(const struct job *job)
{
    uint64_t slot_count = job->input_bytes / job->thread_count / TEXT_BYTES_PER_SLOT;
    unsigned bits = TABLE_BITS_MIN;
    while (bits < TABLE_BITS_START_MAX && UINT64_C(1) << bits < slot_count)
        bits++;
    return bits;
}

static void *run_counter(void *argument)
{
    struct counter *counter = argument;
    struct job *job = counter->job;
    table_init(&counter->table, starting_bits(job));
    counter->block = map_memory(sizeof *counter->block);
    reserve_text(counter, CHUNK_BYTES + LOOKAHEAD_BYTES);
    for (;;) {
        uint64_t chunk = atomic_fetch_add_explicit(&job->next_chunk, 1, memory_order_relaxed);
        if (chunk >= (job->input_bytes + CHUNK_BYTES - 1) / CHUNK_BYTES)
            break;
        count_chunk(counter, chunk * CHUNK_BYTES);
    }
    wait_for_all(&job->counted);
    merge_and_write(counter);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct job job;
    job.thread_count = argc > 3 ? threads_of(argv[3]) : 2;
    if (argc < 3 || argc > 4 || job.thread_count < 1) {
        fprintf(stderr, "usage: wordcount_bound INPUT OUTPUT [THREADS (2; at most %d)]\n",
                THREADS_MAX);
        return 2;
    }
    double start_seconds = now_seconds();
    job.input = open_input(argv[1], &job.input_bytes);
    job.output_prefix = argv[2];
    errno = pthread_barrier_init(&job.counted, NULL, job.thread_count);
    if (errno != 0)
        die("pthread_barrier_init");
    for (unsigned i = 0; i < job.thread_count; i++)
        job.counters[i] = (struct counter){.job = &job, .index = i};
    run_threads(job.thread_count, run_counter, job.counters, sizeof *job.counters);
    uint64_t word_count = 0, distinct_count = 0;
    for (unsigned i = 0; i < job.thread_count; i++) {
        word_count += job.counters[i].word_count;
        distinct_count += job.counters[i].distinct_count;
    }
    printf("seconds %.3f words %" PRIu64 " distinct %" PRIu64 " threads %u\n",
           now_seconds() - start_seconds, word_count, distinct_count, job.thread_count);
    return 0;
}
