#include "shuffle/link_meter.h"
#include "support/property.h"

#include <check.h>

enum { MIB = 1 << 20 };

/* Rounds of 4 MiB at so many MB a second, 64 MiB in all. */
static void send_at(struct link_meter *meter, uint64_t mb_per_s)
{
    for (int i = 0; i < 16; i++)
        link_note_round(meter, 4 * MIB, UINT64_C(4) * MIB * 1000 / mb_per_s);
}

START_TEST(a_mode_that_is_given_is_kept)
{
    struct link_meter plain = {.mode = LINK_PLAIN}, always = {.mode = LINK_LZ4};
    send_at(&plain, 10);
    send_at(&always, 5000);
    ck_assert(!link_wants_packed(&plain, MIB));
    for (int i = 0; i < 100; i++)
        link_note_packed(&always, MIB, MIB);
    ck_assert(link_wants_packed(&always, MIB));
}
END_TEST

START_TEST(frames_are_packed_while_the_link_is_slow)
{
    struct link_meter meter = {.mode = LINK_AUTO};
    ck_assert(!link_wants_packed(&meter, MIB));
    send_at(&meter, 2000);
    ck_assert(!link_wants_packed(&meter, MIB));
    send_at(&meter, 100);
    ck_assert(link_wants_packed(&meter, MIB));
    send_at(&meter, 2000);
    ck_assert(!link_wants_packed(&meter, MIB));
}
END_TEST

/* Their time is that of the way, not of the bytes. */
START_TEST(small_rounds_tell_nothing)
{
    struct link_meter meter = {.mode = LINK_AUTO};
    for (int i = 0; i < 10000; i++)
        link_note_round(&meter, 10000, 1000000);
    ck_assert(!link_wants_packed(&meter, MIB));
}
END_TEST

START_TEST(what_does_not_become_smaller_is_left_alone_for_a_while)
{
    struct link_meter meter = {.mode = LINK_AUTO};
    send_at(&meter, 100);
    int packed = 0, plain = 0;
    for (int i = 0; i < 1000; i++) {
        if (!link_wants_packed(&meter, MIB)) {
            plain++;
            continue;
        }
        packed++;
        link_note_packed(&meter, MIB, MIB - 1000);
    }
    ck_assert_int_ge(packed, 8);
    ck_assert_int_lt(packed, 100);
    ck_assert_int_eq(packed + plain, 1000);
    /* Rows that are worth it are found again. */
    for (packed = 0; packed < 500 && !link_wants_packed(&meter, MIB); packed++)
        ;
    for (int i = 0; i < 200; i++) {
        ck_assert(link_wants_packed(&meter, MIB));
        link_note_packed(&meter, MIB, MIB / 3);
    }
}
END_TEST

SUITE_MAIN("shuffle/link_meter", a_mode_that_is_given_is_kept,
           frames_are_packed_while_the_link_is_slow, small_rounds_tell_nothing,
           what_does_not_become_smaller_is_left_alone_for_a_while)
