#include "base/scope.h"
#include "io/packing.h"
#include "io_support.h"
#include "support/property.h"

#include <check.h>
#include <msgpack.h>

#include <inttypes.h>
#include <string.h>

/* A random object, at most so deep. */
static void pack_random(uint64_t *random, msgpack_packer *packer, int depth)
{
    static const char text[70000];
    uint64_t number = property_next(random) >> (property_next(random) % 64);
    size_t length = property_next(random) % 4 == 0 ? number % sizeof text : number % 40;
    switch (property_next(random) % (depth > 0 ? 10 : 8)) {
    case 0:
        (void)msgpack_pack_uint64(packer, number);
        break;
    case 1:
        (void)msgpack_pack_int64(packer, -(int64_t)(number >> 1));
        break;
    case 2:
        (void)msgpack_pack_nil(packer);
        break;
    case 3:
        (void)msgpack_pack_true(packer);
        break;
    case 4:
        (void)msgpack_pack_float(packer, 1);
        break;
    case 5:
        (void)msgpack_pack_double(packer, 1);
        break;
    case 6:
        (void)msgpack_pack_str(packer, length);
        (void)msgpack_pack_str_body(packer, text, length);
        break;
    case 7:
        (void)msgpack_pack_bin(packer, length);
        (void)msgpack_pack_bin_body(packer, text, length);
        break;
    case 8:
        length %= 50;
        (void)msgpack_pack_array(packer, length);
        for (size_t i = 0; i < length; i++)
            pack_random(random, packer, depth - 1);
        break;
    default:
        length %= 20;
        (void)msgpack_pack_map(packer, length);
        for (size_t i = 0; i < 2 * length; i++)
            pack_random(random, packer, depth - 1);
        break;
    }
}

START_TEST(what_msgpack_writes_is_bounded_and_no_beginning_of_it_is)
{
    uint64_t seed = property_seed();
    uint64_t random = seed;
    for (int step = 0; step < 500; step++) {
        BARKS_AUTO(buffer) buffer = {.limit_bytes = 1 << 26};
        struct packing packing = {.out = &buffer};
        msgpack_packer packer;
        msgpack_packer_init(&packer, &packing, packing_write);
        pack_random(&random, &packer, 2);
        must(packing.error);
        REQUIRE(packing_is_bounded(buffer.data, buffer.size_bytes),
                "step %d; BARKS_TEST_SEED=%" PRIu64, step, seed);
        for (int k = 0; k < 20; k++) {
            size_t cut = property_next(&random) % buffer.size_bytes;
            REQUIRE(!packing_is_bounded(buffer.data, cut),
                    "step %d, cut at %zu; BARKS_TEST_SEED=%" PRIu64, step, cut, seed);
        }
        must(buffer_append(&buffer, "more", 4));
        REQUIRE(packing_is_bounded(buffer.data, buffer.size_bytes),
                "step %d; BARKS_TEST_SEED=%" PRIu64, step, seed);
    }
}
END_TEST

START_TEST(claims_of_more_than_there_is_are_found)
{
    static const char *const claims[] = {"\xdd\xff\xff\xff\xff",
                                         "\xdf\x7f\xff\xff\xff",
                                         "\x91\xdd\x10\x00\x00\x00",
                                         "\xc6\xff\xff\xff\xf0",
                                         "\x9f",
                                         "\xdc\xff\xff"};
    uint8_t bytes[100] = {0};
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        memcpy(bytes, claims[i], i == 2 ? 6 : strlen(claims[i]));
        ck_assert(!packing_is_bounded(bytes, i == 4 ? 10 : sizeof bytes));
    }
    ck_assert(!packing_is_bounded(bytes, 0));
}
END_TEST

SUITE_MAIN("io/packing", what_msgpack_writes_is_bounded_and_no_beginning_of_it_is,
           claims_of_more_than_there_is_are_found)
