#include "base/pool.h"
#include "io/compression.h"
#include "io/input_stream.h"
#include "io_support.h"
#include "support/property.h"

#include <check.h>
#include <zstd.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { TEXT_BYTES = 200000 };

static struct pool *pool;
static char *directory;

static void begin(void)
{
    must(pool_create(64 * 1024 * 1024, &pool));
    directory = make_directory();
}

static void end(void)
{
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
    remove_directory(directory);
}

/* Compresses into out, which has room, as one member or frame; returns the bytes. */
static size_t pack(enum compression kind, const uint8_t *bytes, size_t size_bytes, uint8_t *out,
                   size_t out_bytes)
{
    if (kind == COMPRESSION_ZSTD) {
        ZSTD_CCtx *context = ZSTD_createCCtx(); /* the simple call writes no checksum */
        ck_assert(!ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
        size_t packed_bytes = ZSTD_compress2(context, out, out_bytes, bytes, size_bytes);
        ck_assert_uint_eq(ZSTD_freeCCtx(context), 0);
        ck_assert(!ZSTD_isError(packed_bytes));
        return packed_bytes;
    }
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes,
                       .avail_in = (uInt)size_bytes,
                       .next_out = out,
                       .avail_out = (uInt)out_bytes};
    ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t packed_bytes = stream.total_out;
    ck_assert_int_eq(deflateEnd(&stream), Z_OK);
    return packed_bytes;
}

/* Reads a file to its end by steps of random sizes. */
static barks_status *unpack(const char *path, enum compression kind, uint64_t *random, uint8_t *out,
                            size_t out_bytes, size_t *out_size_bytes)
{
    struct input_stream *stream = NULL;
    struct split split = split_of(path);
    split.compression = kind;
    BARKS_TRY(input_stream_open(pool, &split, 0, &stream));
    size_t size_bytes = 0;
    size_t got = 1;
    barks_status *status = NULL;
    while (status == NULL && got > 0) {
        size_t wanted = 1 + property_next(random) % 30000;
        if (wanted > out_bytes - size_bytes)
            wanted = out_bytes - size_bytes;
        status = input_stream_read(stream, out + size_bytes, wanted, &got);
        size_bytes += status == NULL ? got : 0;
    }
    input_stream_close(stream);
    *out_size_bytes = size_bytes;
    return status;
}

static void random_text(uint64_t *random, uint8_t *text, size_t size_bytes)
{
    uint64_t kinds = 2 + property_next(random) % 200;
    for (size_t i = 0; i < size_bytes; i++)
        text[i] = (uint8_t)(property_next(random) % kinds);
}

static uint8_t text[TEXT_BYTES];
static uint8_t packed[2 * TEXT_BYTES];
static uint8_t found[TEXT_BYTES + 1];

/* Several members or frames, and with gzip zero bytes at the end, read back as the text. */
static void check_round_trip(enum compression kind)
{
    uint64_t seed = property_seed();
    uint64_t random = seed;
    const char *path = path_in(directory, "packed");
    for (int step = 0; step < 60; step++) {
        size_t size_bytes = property_next(&random) % TEXT_BYTES;
        random_text(&random, text, size_bytes);
        size_t packed_bytes = 0;
        size_t at = 0;
        for (size_t left = 1 + property_next(&random) % 5; left > 0; left--) {
            size_t member_bytes =
                left == 1 ? size_bytes - at : property_next(&random) % (size_bytes - at + 1);
            packed_bytes += pack(kind, text + at, member_bytes, packed + packed_bytes,
                                 sizeof packed - packed_bytes);
            at += member_bytes;
        }
        if (kind == COMPRESSION_GZIP && step % 3 == 0) {
            memset(packed + packed_bytes, 0, 600);
            packed_bytes += 600;
        }
        write_file(path, packed, packed_bytes);
        size_t found_bytes = 0;
        must(unpack(path, kind, &random, found, sizeof found, &found_bytes));
        REQUIRE(found_bytes == size_bytes && memcmp(found, text, size_bytes) == 0,
                "step %d: %zu bytes of %zu; replay with BARKS_TEST_SEED=%" PRIu64, step,
                found_bytes, size_bytes, seed);
    }
}

START_TEST(gzip_members_read_back)
{
    begin();
    check_round_trip(COMPRESSION_GZIP);
    end();
}
END_TEST

START_TEST(zstd_frames_read_back)
{
    begin();
    check_round_trip(COMPRESSION_ZSTD);
    end();
}
END_TEST

/* A file cut anywhere but between two members is an error that says so, never an end. */
static void check_truncation(enum compression kind)
{
    uint64_t random = property_seed();
    const char *path = path_in(directory, "packed");
    random_text(&random, text, 3000);
    size_t first_bytes = pack(kind, text, 1000, packed, sizeof packed);
    size_t packed_bytes = first_bytes + pack(kind, text + 1000, 2000, packed + first_bytes,
                                             sizeof packed - first_bytes);
    for (size_t cut = 1; cut < packed_bytes; cut++) {
        size_t found_bytes = 0;
        write_file(path, packed, cut);
        barks_status *status = unpack(path, kind, &random, found, sizeof found, &found_bytes);
        if (cut == first_bytes) {
            must(status);
            ck_assert_uint_eq(found_bytes, 1000);
        } else {
            must_fail(status, BARKS_BAD_INPUT, path, compression_name(kind), "is cut", NULL);
        }
    }
}

START_TEST(a_cut_gzip_file_is_an_error)
{
    begin();
    check_truncation(COMPRESSION_GZIP);
    end();
}
END_TEST

START_TEST(a_cut_zstd_file_is_an_error)
{
    begin();
    check_truncation(COMPRESSION_ZSTD);
    end();
}
END_TEST

/* Whatever is done to the bytes, reading ends: with an error, or with the checksum being right
 * all the same. */
static void check_damage(enum compression kind)
{
    uint64_t random = property_seed();
    const char *path = path_in(directory, "packed");
    random_text(&random, text, 3000);
    size_t packed_bytes = pack(kind, text, 3000, packed, sizeof packed);
    unsigned errors = 0;
    for (int step = 0; step < 500; step++) {
        size_t at = property_next(&random) % packed_bytes;
        uint8_t before = packed[at];
        packed[at] ^= (uint8_t)(1 + property_next(&random) % 255);
        write_file(path, packed, packed_bytes);
        size_t found_bytes = 0;
        barks_status *status = unpack(path, kind, &random, found, sizeof found, &found_bytes);
        errors += status != NULL;
        barks_status_free(status);
        packed[at] = before;
    }
    ck_assert_uint_gt(errors, 300);
    memcpy(packed + packed_bytes, "garbage at the end", 18);
    write_file(path, packed, packed_bytes + 18);
    size_t found_bytes = 0;
    must_fail(unpack(path, kind, &random, found, sizeof found, &found_bytes), BARKS_BAD_INPUT, path,
              "damaged", NULL);
}

START_TEST(a_damaged_gzip_file_is_an_error)
{
    begin();
    check_damage(COMPRESSION_GZIP);
    end();
}
END_TEST

START_TEST(a_damaged_zstd_file_is_an_error)
{
    begin();
    check_damage(COMPRESSION_ZSTD);
    end();
}
END_TEST

START_TEST(memory_is_counted_and_its_lack_an_error)
{
    begin();
    uint64_t random = property_seed();
    const char *path = path_in(directory, "packed");
    random_text(&random, text, TEXT_BYTES);
    struct pool *large = pool;
    const enum compression kinds[] = {COMPRESSION_GZIP, COMPRESSION_ZSTD};
    for (int k = 0; k < 2; k++) {
        write_file(path, packed, pack(kinds[k], text, TEXT_BYTES, packed, sizeof packed));
        size_t found_bytes = 0;
        must(unpack(path, kinds[k], &random, found, sizeof found, &found_bytes));
        struct pool *small = NULL;
        must(pool_create(STREAM_BUFFER_BYTES + 20000, &small));
        pool = small;
        must_fail(unpack(path, kinds[k], &random, found, sizeof found, &found_bytes), BARKS_LIMIT,
                  NULL);
        pool = large;
        ck_assert_uint_eq(pool_used_bytes(small), 0);
        pool_destroy(small);
        pool_fail_after(pool, 1);
        must_fail(unpack(path, kinds[k], &random, found, sizeof found, &found_bytes),
                  BARKS_NO_MEMORY, NULL);
    }
    ck_assert_uint_ge(pool_peak_bytes(pool), STREAM_BUFFER_BYTES + 32 * 1024);
    end();
}
END_TEST

START_TEST(kinds_are_told_by_the_first_bytes)
{
    begin();
    enum compression kind = COMPRESSION_NONE;
    must(compression_detect("a.txt", (const uint8_t *)"\x1f\x8b\x08", 3, &kind));
    ck_assert_int_eq(kind, COMPRESSION_GZIP);
    must(compression_detect("a", (const uint8_t *)"\x28\xb5\x2f\xfd", 4, &kind));
    ck_assert_int_eq(kind, COMPRESSION_ZSTD);
    must(compression_detect("a.zst", (const uint8_t *)"\x5e\x2a\x4d\x18", 4, &kind));
    ck_assert_int_eq(kind, COMPRESSION_ZSTD);
    must(compression_detect("a.txt", (const uint8_t *)"BZh is text", 6, &kind));
    ck_assert_int_eq(kind, COMPRESSION_NONE);
    must(compression_detect("a.gz", NULL, 0, &kind));
    ck_assert_int_eq(kind, COMPRESSION_NONE);
    must_fail(compression_detect("a.gz", (const uint8_t *)"text", 4, &kind), BARKS_BAD_INPUT,
              "a.gz", "gzip", NULL);
    must_fail(compression_detect("a.Z", (const uint8_t *)"\x1f\x9d zzz", 6, &kind), BARKS_BAD_INPUT,
              "uncompress", NULL);
    must(compression_detect("a", (const uint8_t *)"\x04\x22\x4d\x18  ", 6, &kind));
    ck_assert_int_eq(kind, COMPRESSION_LZ4);
#if defined(BARKS_HAS_BZIP2)
    must(compression_detect("a.bz2", (const uint8_t *)"BZh91A", 6, &kind));
    ck_assert_int_eq(kind, COMPRESSION_BZIP2);
#else
    must_fail(compression_detect("a.bz2", (const uint8_t *)"BZh91A", 6, &kind), BARKS_BAD_INPUT,
              "bunzip2", NULL);
#endif
#if defined(BARKS_HAS_XZ)
    must(compression_detect("a", (const uint8_t *)"\xfd\x37zXZ", 6, &kind));
    ck_assert_int_eq(kind, COMPRESSION_XZ);
#else
    must_fail(compression_detect("a", (const uint8_t *)"\xfd\x37zXZ", 6, &kind), BARKS_BAD_INPUT,
              "unxz", NULL);
#endif
    end();
}
END_TEST

SUITE_MAIN("io/compression", gzip_members_read_back, zstd_frames_read_back,
           a_cut_gzip_file_is_an_error, a_cut_zstd_file_is_an_error,
           a_damaged_gzip_file_is_an_error, a_damaged_zstd_file_is_an_error,
           memory_is_counted_and_its_lack_an_error, kinds_are_told_by_the_first_bytes)
