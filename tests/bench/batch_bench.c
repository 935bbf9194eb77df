/* Costs of the batch layer for a batch of words and counts, as a word count has them: ns a row and,
 * for the encoding, GB/s of encoded bytes. The least of many repetitions, since the machine has
 * other work. memcpy of as many bytes stands beside, as a measure of the machine. */
#include "base/pool.h"
#include "base/random.h"
#include "batch/batch.h"
#include "batch/block.h"
#include "batch/codec.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = BATCH_ROWS, REPETITIONS = 20000, SOURCE_BATCHES = 256 };

static void must(barks_status *status)
{
    if (status == NULL)
        return;
    char text[500];
    (void)barks_status_format(status, text, sizeof text);
    fprintf(stderr, "batch_bench: %s\n", text);
    exit(1);
}

static const barks_type str_type = {.id = BARKS_STR};
static const barks_type i64_type = {.id = BARKS_I64};
static const barks_schema schema = {
    .field_count = 2,
    .fields = (const barks_field[]){{"word", &str_type, false}, {"count", &i64_type, false}}};

struct world {
    struct pool *pool;
    struct batch *from[SOURCE_BATCHES];
    struct batch *to;
    struct block *encoded[SOURCE_BATCHES];
    uint32_t indices[ROWS];
    uint64_t hashes[ROWS];
    uint8_t copy[64 * ROWS];
};

typedef void benchmark(struct world *world, uint32_t round);

static void run_append(struct world *world, uint32_t round)
{
    batch_clear(world->to);
    must(batch_append(world->to, world->from[round % SOURCE_BATCHES], 0, ROWS, BATCH_KEEP));
}

static void run_append_copy(struct world *world, uint32_t round)
{
    batch_clear(world->to);
    must(batch_append(world->to, world->from[round % SOURCE_BATCHES], 0, ROWS, BATCH_COPY));
}

static void run_gather(struct world *world, uint32_t round)
{
    batch_clear(world->to);
    must(batch_gather(world->to, world->from[round % SOURCE_BATCHES], world->indices, ROWS,
                      BATCH_KEEP));
}

static void run_hash_str(struct world *world, uint32_t round)
{
    batch_hash(&world->from[round % SOURCE_BATCHES]->base, &(const uint32_t){0}, 1, world->hashes);
}

static void run_hash_i64(struct world *world, uint32_t round)
{
    batch_hash(&world->from[round % SOURCE_BATCHES]->base, &(const uint32_t){1}, 1, world->hashes);
}

static void run_hash_both(struct world *world, uint32_t round)
{
    batch_hash(&world->from[round % SOURCE_BATCHES]->base, (const uint32_t[]){0, 1}, 2,
               world->hashes);
}

static void run_encode(struct world *world, uint32_t round)
{
    const barks_batch *batch = &world->from[round % SOURCE_BATCHES]->base;
    if (codec_encoded_bytes(batch, 0, ROWS) <= sizeof world->copy)
        codec_encode(batch, 0, ROWS, world->copy);
}

static void run_decode(struct world *world, uint32_t round)
{
    struct block *block = world->encoded[round % SOURCE_BATCHES];
    batch_clear(world->to);
    must(codec_decode(block->bytes, block->size_bytes, block, world->to));
}

static void run_validate(struct world *world, uint32_t round)
{
    must(batch_validate(world->from[round % SOURCE_BATCHES], true));
}

static void run_memcpy(struct world *world, uint32_t round)
{
    const struct block *block = world->encoded[round % SOURCE_BATCHES];
    memcpy(world->copy, block->bytes, block->size_bytes);
    __asm__ volatile("" : : "r"(world->copy) : "memory");
}

static double now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The least time of a round over all batches. */
static double measure(struct world *world, benchmark *run)
{
    double least_ns = 1e300;
    for (uint32_t round = 0; round < REPETITIONS / SOURCE_BATCHES; round++) {
        double begin_ns = now_ns();
        for (uint32_t i = 0; i < SOURCE_BATCHES; i++)
            run(world, i);
        double took_ns = now_ns() - begin_ns;
        least_ns = took_ns < least_ns ? took_ns : least_ns;
    }
    return least_ns / SOURCE_BATCHES;
}

/* Words as texts have them, 5 letters in the mean; one in long_one_in of them is longer than a view
 * holds. */
static void fill(struct world *world, struct random *random, uint32_t long_one_in)
{
    for (uint32_t i = 0; i < SOURCE_BATCHES; i++) {
        struct block *text = NULL;
        must(block_create(world->pool, 40 * ROWS, &text));
        must(batch_create(world->pool, &schema, ROWS, &world->from[i]));
        must(batch_keep_block(world->from[i], text));
        char *at = (char *)text->bytes;
        for (uint32_t row = 0; row < ROWS; row++) {
            uint32_t length =
                1 + (uint32_t)random_below(random, 5) + (uint32_t)random_below(random, 5);
            if (long_one_in != 0 && random_below(random, long_one_in) == 0)
                length = 13 + (uint32_t)random_below(random, 12);
            for (uint32_t k = 0; k < length; k++)
                at[k] = (char)('a' + random_below(random, 26));
            ((barks_str *)world->from[i]->base.columns[0].values)[row] = barks_str_of(at, length);
            ((int64_t *)world->from[i]->base.columns[1].values)[row] =
                (int64_t)random_below(random, 1000);
            at += length;
        }
        world->from[i]->base.row_count = ROWS;
        uint64_t bytes = codec_encoded_bytes(&world->from[i]->base, 0, ROWS);
        must(block_create(world->pool, bytes, &world->encoded[i]));
        codec_encode(&world->from[i]->base, 0, ROWS, world->encoded[i]->bytes);
        block_release(text);
    }
    for (uint32_t row = 0; row < ROWS; row++)
        world->indices[row] = (uint32_t)random_below(random, ROWS);
}

static void drop(struct world *world)
{
    batch_clear(world->to);
    for (uint32_t i = 0; i < SOURCE_BATCHES; i++) {
        batch_destroy(world->from[i]);
        block_release(world->encoded[i]);
    }
}

int main(void)
{
    static const struct {
        const char *name;
        benchmark *run;
    } benchmarks[] = {{"append", run_append},     {"append, copied", run_append_copy},
                      {"gather", run_gather},     {"hash str", run_hash_str},
                      {"hash i64", run_hash_i64}, {"hash both", run_hash_both},
                      {"encode", run_encode},     {"decode", run_decode},
                      {"validate", run_validate}, {"memcpy encoded", run_memcpy}};
    static const uint32_t long_one_in[] = {0, 20, 1};
    static struct world world;
    struct random random = random_of(1);
    must(pool_create(UINT64_C(1) << 28, &world.pool));
    must(batch_create(world.pool, &schema, ROWS, &world.to));
    for (uint32_t i = 0; i < sizeof long_one_in / sizeof *long_one_in; i++) {
        fill(&world, &random, long_one_in[i]);
        double encoded_bytes = (double)world.encoded[0]->size_bytes;
        if (long_one_in[i] == 0)
            printf("words of up to 9 letters; %.1f bytes a row encoded\n", encoded_bytes / ROWS);
        else
            printf("one word in %u of 13 to 24 letters; %.1f bytes a row encoded\n", long_one_in[i],
                   encoded_bytes / ROWS);
        for (size_t k = 0; k < sizeof benchmarks / sizeof *benchmarks; k++) {
            double ns = measure(&world, benchmarks[k].run);
            printf("  %-16s %6.2f ns a row  %6.2f GB/s of encoded bytes\n", benchmarks[k].name,
                   ns / ROWS, encoded_bytes / ns);
        }
        drop(&world);
    }
    batch_destroy(world.to);
    pool_destroy(world.pool);
    return 0;
}
