#include "base/pack.h"
#include "base/scope.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void pack_all(struct packer *out, uint64_t number, const char *text)
{
    pack_u64(out, number);
    pack_i64(out, -(int64_t)(number >> 1));
    pack_bool(out, number % 2 == 1);
    pack_text(out, text);
    pack_text(out, NULL);
    pack_bytes(out, text, strlen(text));
    pack_bytes(out, NULL, 0);
}

START_TEST(what_is_packed_comes_back)
{
    const uint64_t numbers[] = {0, 1, 127, 128, 65535, UINT32_MAX, UINT64_MAX};
    const char *texts[] = {"", "short",
                           "a text of more than thirty-one bytes, which msgpack packs otherwise"};
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
            BARKS_AUTO(packer) out = {0};
            size_t size_bytes = 0;
            pack_all(&out, numbers[n], texts[t]);
            ck_assert_ptr_null(packer_finish(&out));
            BARKS_AUTO(unpacker) in;
            unpacker_init(&in, out.bytes.data, out.bytes.size);
            ck_assert_uint_eq(unpack_u64(&in), numbers[n]);
            ck_assert_int_eq(unpack_i64(&in), -(int64_t)(numbers[n] >> 1));
            ck_assert_int_eq(unpack_bool(&in), numbers[n] % 2 == 1);
            char *text = unpack_text(&in);
            ck_assert_str_eq(text, texts[t]);
            free(text);
            ck_assert_ptr_null(unpack_text(&in));
            const uint8_t *bytes = unpack_bytes(&in, &size_bytes);
            ck_assert(size_bytes == strlen(texts[t]) && memcmp(bytes, texts[t], size_bytes) == 0);
            ck_assert_ptr_null(unpack_bytes(&in, &size_bytes));
            ck_assert_ptr_null(unpacker_finish(&in));
        }
}
END_TEST

START_TEST(arrays_and_maps_are_refused_before_memory_is_taken_for_them)
{
    const char *heads[] = {"\x91\x01", "\x81\x01\x01", "\xdd\xff\xff\xff\xff",
                           "\xdf\xff\xff\xff\xff"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        BARKS_AUTO(unpacker) in;
        unpacker_init(&in, heads[i], strlen(heads[i]));
        ck_assert_uint_eq(unpack_u64(&in), 0);
        barks_status *status = unpacker_finish(&in);
        ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
        barks_status_free(status);
    }
}
END_TEST

START_TEST(every_truncation_is_an_error_and_never_a_crash)
{
    BARKS_AUTO(packer) out = {0};
    pack_all(&out, 70000, "text");
    for (size_t length = 0; length < out.bytes.size; length++) {
        size_t size_bytes = 0;
        BARKS_AUTO(unpacker) in;
        char *copy = malloc(length + 1); /* so that a sanitizer sees a read past the end */
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, out.bytes.data, length);
        unpacker_init(&in, copy, length);
        (void)unpack_u64(&in); /* the error sticks: only the end is asked */
        (void)unpack_i64(&in);
        (void)unpack_bool(&in);
        free(unpack_text(&in));
        free(unpack_text(&in));
        (void)unpack_bytes(&in, &size_bytes);
        (void)unpack_bytes(&in, &size_bytes);
        barks_status *status = unpacker_finish(&in);
        ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
        barks_status_free(status);
        free(copy);
    }
}
END_TEST

START_TEST(other_types_and_bytes_left_over_are_errors)
{
    BARKS_AUTO(packer) out = {0};
    pack_text(&out, "no number");
    pack_u64(&out, UINT64_MAX);
    BARKS_AUTO(unpacker) wrong;
    unpacker_init(&wrong, out.bytes.data, out.bytes.size);
    ck_assert_uint_eq(unpack_u64(&wrong), 0);
    barks_status *status = unpacker_finish(&wrong);
    ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
    barks_status_free(status);
    BARKS_AUTO(unpacker) left;
    unpacker_init(&left, out.bytes.data, out.bytes.size);
    free(unpack_text(&left));
    status = unpacker_finish(&left);
    ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
    barks_status_free(status);
}
END_TEST

/* A count can never make the reader allocate more than the message could hold. */
START_TEST(a_count_beyond_the_bytes_is_refused)
{
    BARKS_AUTO(packer) out = {0};
    pack_u64(&out, UINT64_C(1) << 40);
    BARKS_AUTO(unpacker) in;
    unpacker_init(&in, out.bytes.data, out.bytes.size);
    ck_assert_uint_eq(unpack_count(&in), 0);
    barks_status *status = unpacker_finish(&in);
    ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
    barks_status_free(status);
}
END_TEST

SUITE_MAIN("base/pack", what_is_packed_comes_back,
           arrays_and_maps_are_refused_before_memory_is_taken_for_them,
           every_truncation_is_an_error_and_never_a_crash,
           other_types_and_bytes_left_over_are_errors, a_count_beyond_the_bytes_is_refused)
