/* Files of snappy's framing format, made here by the library and a checksum bit by bit. */
#include "base/pool.h"
#include "io/compression.h"
#include "io/input_stream.h"
#include "io_support.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#if defined(BARKS_HAS_SNAPPY)

#include <snappy-c.h>

enum { TEXT_BYTES = 300000, CHUNK_TEXT_BYTES = 65536 };

static struct pool *pool;
static char *directory;
static uint8_t text[TEXT_BYTES], found[TEXT_BYTES + 1];
static uint8_t packed[2 * TEXT_BYTES];
static size_t packed_bytes;

static void begin(void)
{
    must(pool_create(64 * 1024 * 1024, &pool));
    directory = make_directory();
    packed_bytes = 0;
}

static void end(void)
{
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
    remove_directory(directory);
}

static uint32_t crc_32c(const uint8_t *bytes, size_t size_bytes)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size_bytes; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

static void add_chunk(uint8_t kind, const uint8_t *body, size_t body_bytes)
{
    uint8_t head[] = {kind, (uint8_t)body_bytes, (uint8_t)(body_bytes >> 8),
                      (uint8_t)(body_bytes >> 16)};
    memcpy(packed + packed_bytes, head, sizeof head);
    memcpy(packed + packed_bytes + sizeof head, body, body_bytes);
    packed_bytes += sizeof head + body_bytes;
}

static void add_text(const uint8_t *bytes, size_t size_bytes, bool compress)
{
    static uint8_t body[2 * CHUNK_TEXT_BYTES];
    uint32_t crc = crc_32c(bytes, size_bytes);
    uint32_t masked = (crc >> 15 | crc << 17) + 0xa282ead8u;
    size_t body_bytes = sizeof body - 4;
    for (int i = 0; i < 4; i++)
        body[i] = (uint8_t)(masked >> 8 * i);
    if (compress)
        ck_assert_int_eq(
            snappy_compress((const char *)bytes, size_bytes, (char *)body + 4, &body_bytes),
            SNAPPY_OK);
    else
        memcpy(body + 4, bytes, body_bytes = size_bytes);
    add_chunk(compress ? 0x00 : 0x01, body, body_bytes + 4);
}

static void add_begin(void) { add_chunk(0xff, (const uint8_t *)"sNaPpY", 6); }

/* Reads the file to its end by steps of random sizes. */
static barks_status *unpack(uint64_t *random, size_t *out_bytes)
{
    struct input_stream *stream = NULL;
    const char *path = path_in(directory, "a.sz");
    enum compression kind = COMPRESSION_NONE;
    write_file(path, packed, packed_bytes);
    struct split split = split_of(path);
    must(compression_detect(path, packed, packed_bytes < 6 ? packed_bytes : 6, &kind));
    ck_assert_int_eq(kind, COMPRESSION_SNAPPY);
    split.compression = kind;
    BARKS_TRY(input_stream_open(pool, &split, 0, &stream));
    size_t size_bytes = 0, got = 1;
    barks_status *status = NULL;
    while (status == NULL && got > 0) {
        size_t wanted = 1 + property_next(random) % 100000;
        if (wanted > sizeof found - size_bytes)
            wanted = sizeof found - size_bytes;
        status = input_stream_read(stream, found + size_bytes, wanted, &got);
        size_bytes += status == NULL ? got : 0;
    }
    input_stream_close(stream);
    *out_bytes = size_bytes;
    return status;
}

/* A file of as many bytes of text, in chunks of random lengths and kinds. */
static void make_file(uint64_t *random, size_t size_bytes)
{
    uint64_t kinds = 1 + property_next(random) % 256;
    for (size_t i = 0; i < size_bytes; i++)
        text[i] = (uint8_t)(property_next(random) % kinds);
    packed_bytes = 0;
    add_begin();
    for (size_t at = 0, step; at < size_bytes; at += step) {
        step = property_next(random) % (CHUNK_TEXT_BYTES + 1);
        step = step > size_bytes - at ? size_bytes - at : step;
        add_text(text + at, step, property_next(random) % 3 > 0);
        if (property_next(random) % 4 == 0)
            add_begin(); /* another file's bytes behind the first's */
        if (property_next(random) % 4 == 0)
            add_chunk(0xfe, text, property_next(random) % 2000);
    }
}

START_TEST(the_checksum_is_the_one_of_the_standard)
{
    ck_assert_uint_eq(crc_32c((const uint8_t *)"123456789", 9), 0xe3069283u);
}
END_TEST

START_TEST(chunks_of_all_kinds_read_back)
{
    begin();
    uint64_t seed = property_seed(), random = seed;
    for (int step = 0; step < 60; step++) {
        size_t size_bytes = property_next(&random) % TEXT_BYTES, found_bytes = 0;
        make_file(&random, size_bytes);
        must(unpack(&random, &found_bytes));
        REQUIRE(found_bytes == size_bytes && memcmp(found, text, size_bytes) == 0,
                "step %d: %zu bytes of %zu; replay with BARKS_TEST_SEED=%" PRIu64, step,
                found_bytes, size_bytes, seed);
    }
    end();
}
END_TEST

START_TEST(a_file_that_is_cut_in_a_chunk_is_an_error)
{
    begin();
    uint64_t random = property_seed();
    size_t found_bytes = 0;
    add_begin();
    size_t first_bytes = packed_bytes;
    memset(text, 'x', 1000);
    add_text(text, 1000, true);
    for (packed_bytes--; packed_bytes > first_bytes; packed_bytes--)
        must_fail(unpack(&random, &found_bytes), BARKS_BAD_INPUT, "a.sz", "is cut", NULL);
    must(unpack(&random, &found_bytes)); /* no chunk at all */
    ck_assert_uint_eq(found_bytes, 0);
    end();
}
END_TEST

/* Whatever is done to the bytes, reading ends, and never with another text of the same length. */
START_TEST(a_damaged_file_is_an_error)
{
    begin();
    uint64_t random = property_seed();
    size_t found_bytes = 0;
    unsigned errors = 0;
    make_file(&random, 3000);
    for (int step = 0; step < 500; step++) {
        size_t at = 6 + property_next(&random) % (packed_bytes - 6);
        uint8_t before = packed[at];
        packed[at] ^= (uint8_t)(1 + property_next(&random) % 255);
        barks_status *status = unpack(&random, &found_bytes);
        errors += status != NULL;
        ck_assert(status != NULL || found_bytes < 3000 || memcmp(found, text, 3000) == 0);
        barks_status_free(status);
        packed[at] = before;
    }
    ck_assert_uint_gt(errors, 0); /* much of the file may be padding */
    add_chunk(0x02, text, 10);
    must_fail(unpack(&random, &found_bytes), BARKS_BAD_INPUT, "a.sz", "of no known kind", NULL);
    end();
}
END_TEST

START_TEST(memory_is_counted_and_its_lack_an_error)
{
    begin();
    uint64_t random = property_seed();
    size_t found_bytes = 0;
    struct pool *large = pool, *small = NULL;
    make_file(&random, 1000);
    must(pool_create(64 * 1024, &small));
    pool = small;
    must_fail(unpack(&random, &found_bytes), BARKS_LIMIT, NULL);
    pool = large;
    pool_destroy(small);
    end();
}
END_TEST

SUITE_MAIN("io/snappy", the_checksum_is_the_one_of_the_standard, chunks_of_all_kinds_read_back,
           a_file_that_is_cut_in_a_chunk_is_an_error, a_damaged_file_is_an_error,
           memory_is_counted_and_its_lack_an_error)

#else

START_TEST(a_build_without_it_says_so)
{
    enum compression kind = COMPRESSION_NONE;
    must_fail(compression_detect("a.sz", (const uint8_t *)"\xff\x06\0\0sN", 6, &kind),
              BARKS_BAD_INPUT, "snzip", NULL);
}
END_TEST

SUITE_MAIN("io/snappy", a_build_without_it_says_so)

#endif
