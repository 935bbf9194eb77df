/* Seeded text of Zipf-distributed words; see usage. The same arguments give the same bytes on every
 * machine. */
#include "seeded.h"

#include <inttypes.h>

static const char usage[] =
    "usage: gen_words BYTES SEED [VOCABULARY] >FILE\n"
    "\n"
    "Writes exactly BYTES bytes of text to stdout: words of 2 to 14 lower-case letters, the k-th "
    "of\n"
    "VOCABULARY (1000000) with probability proportional to 1/k, in lines of 5 to 15 words.\n"
    "The first 200 words have at most 7 letters. BYTES may end in k, M or G (powers of 1024).\n";

enum {
    WORD_BYTES_MAX = 14,
    SHORT_WORDS = 200, /* the frequent ones */
    BATCH_WORDS = 256, /* drawn together, so that their cache misses overlap */
    LINE_WORDS_MIN = 5,
    LINE_WORDS_RANGE = 11,
    VOCABULARY_MAX = 1 << 28,
};

struct word { /* 16 bytes, copied as they are */
    char letters[WORD_BYTES_MAX + 1];
    uint8_t length;
};

/* A column of the alias method (Walker 1977; Vose 1991): itself below the threshold, else the
 * alias. */
struct column {
    uint32_t threshold;
    uint32_t alias;
};

struct generator {
    struct random random;
    uint32_t vocabulary;
    struct word *words;
    struct column *columns;
    uint64_t left_bytes;
    uint32_t line_words_left;
};

/* Uniform in [0, bound) from the upper half of random; the bias of bound / 2^32 does not matter
 * here. */
static uint32_t scale(uint64_t random, uint32_t bound)
{
    return (uint32_t)(((random >> 32) * bound) >> 32);
}

static uint32_t next_below(struct generator *generator, uint32_t bound)
{
    return scale(random_next(&generator->random), bound);
}

static void make_words(struct generator *generator)
{
    for (uint32_t i = 0; i < generator->vocabulary; i++) {
        struct word *word = &generator->words[i];
        uint32_t length = 2 + next_below(generator, 6);
        if (i >= SHORT_WORDS)
            length += next_below(generator, 8);
        word->length = (uint8_t)length; /* at most 14 */
        for (uint32_t k = 0; k < length; k++)
            word->letters[k] = (char)('a' + next_below(generator, 26));
    }
}

/* Only sums, products and quotients of doubles: these are the same everywhere. */
static bool make_columns(struct generator *generator)
{
    uint32_t count = generator->vocabulary;
    double *shares = calloc(count, sizeof *shares);
    uint32_t *small = calloc(count, sizeof *small), *large = calloc(count, sizeof *large);
    bool has_memory = shares != NULL && small != NULL && large != NULL;
    double sum = 0;
    for (uint32_t i = 0; has_memory && i < count; i++)
        sum += 1.0 / (i + 1.0);
    uint32_t small_count = 0, large_count = 0;
    for (uint32_t i = 0; has_memory && i < count; i++) {
        shares[i] = count / (i + 1.0) / sum;
        generator->columns[i] = (struct column){.threshold = UINT32_MAX, .alias = i};
        if (shares[i] < 1)
            small[small_count++] = i;
        else
            large[large_count++] = i;
    }
    while (small_count > 0 && large_count > 0) {
        uint32_t giver = large[large_count - 1], taker = small[--small_count];
        generator->columns[taker] =
            (struct column){.threshold = (uint32_t)(shares[taker] * 0x1p32), .alias = giver};
        shares[giver] -= 1 - shares[taker];
        if (shares[giver] < 1) {
            large_count--;
            small[small_count++] = giver;
        }
    }
    free(shares);
    free(small);
    free(large);
    return has_memory;
}

static void draw_words(struct generator *generator, uint32_t *out_words)
{
    uint64_t randoms[BATCH_WORDS];
    for (int i = 0; i < BATCH_WORDS; i++) {
        randoms[i] = random_next(&generator->random);
        out_words[i] = scale(randoms[i], generator->vocabulary);
        __builtin_prefetch(&generator->columns[out_words[i]]);
    }
    for (int i = 0; i < BATCH_WORDS; i++) {
        /* The column came from the upper half; in the lower one the lowest bits are weak, but last.
         */
        struct column column = generator->columns[out_words[i]];
        if ((uint32_t)randoms[i] >= column.threshold)
            out_words[i] = column.alias;
        __builtin_prefetch(&generator->words[out_words[i]]);
    }
}

/* Up to OUTPUT_BYTES and then less than a batch of words of text. */
static size_t fill(struct generator *generator, char *buffer)
{
    uint32_t words[BATCH_WORDS];
    char *out = buffer;
    while (out < buffer + OUTPUT_BYTES) {
        draw_words(generator, words);
        for (int i = 0; i < BATCH_WORDS; i++) {
            const struct word *word = &generator->words[words[i]];
            memcpy(out, word, sizeof *word);
            out += word->length;
            *out = ' ';
            if (--generator->line_words_left == 0) {
                *out = '\n';
                generator->line_words_left =
                    LINE_WORDS_MIN + next_below(generator, LINE_WORDS_RANGE);
            }
            out++;
        }
    }
    return (size_t)(out - buffer);
}

static bool write_text(struct generator *generator)
{
    static char buffer[OUTPUT_BYTES + (BATCH_WORDS + 1) * sizeof(struct word)];
    while (generator->left_bytes > 0) {
        size_t length = fill(generator, buffer);
        if (length >= generator->left_bytes) {
            length = (size_t)generator->left_bytes;
            buffer[length - 1] = '\n';
        }
        if (!write_all(STDOUT_FILENO, buffer, length))
            return false;
        generator->left_bytes -= length;
    }
    return true;
}

int main(int argc, char **argv)
{
    uint64_t bytes = 0, seed = 0, vocabulary = 1000000;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0;
    if (argc < 3 || argc > 4 || !parse_number(argv[1], &bytes) || !parse_number(argv[2], &seed) ||
        (argc == 4 && !parse_number(argv[3], &vocabulary)) || vocabulary < 1 ||
        vocabulary > VOCABULARY_MAX) {
        fputs(usage, stderr);
        return 2;
    }
    struct generator generator = {
        .random = random_of(seed),
        .vocabulary = (uint32_t)vocabulary,
        .words = calloc(vocabulary, sizeof *generator.words),
        .columns = calloc(vocabulary, sizeof *generator.columns),
        .left_bytes = bytes,
        .line_words_left = LINE_WORDS_MIN,
    };
    bool has_memory = generator.words != NULL && generator.columns != NULL;
    if (has_memory) {
        make_words(&generator);
        has_memory = make_columns(&generator);
    }
    if (!has_memory)
        fprintf(stderr, "gen_words: no memory for a vocabulary of %" PRIu64 " words\n", vocabulary);
    bool is_written = has_memory && write_text(&generator);
    if (has_memory && !is_written)
        fprintf(stderr, "gen_words: write: %s\n", strerror(errno));
    free(generator.words);
    free(generator.columns);
    return is_written ? 0 : 1;
}
