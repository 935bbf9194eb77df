#include "exec/partition_share.h"
#include "support/property.h"

#include <check.h>

#include <pthread.h>
#include <stdatomic.h>

enum { TASKS = 4, PARTITIONS = 4000 };

static struct task_payload payloads[PARTITIONS];
static _Atomic uint32_t taken[PARTITIONS];

static struct task_spec spec_of(uint32_t task, uint32_t first, uint32_t end)
{
    return (struct task_spec){
        .task = task, .first = first, .end = end, .payloads = &payloads[first]};
}

START_TEST(a_task_reads_its_own_partitions_in_order_then_those_of_who_has_most)
{
    struct partition_share share;
    struct share_member members[3];
    struct task_spec specs[3] = {spec_of(0, 0, 2), spec_of(1, 2, 5), spec_of(2, 5, 6)};
    const struct task_spec *from = NULL;
    partition_share_init(&share);
    for (int i = 0; i < 3; i++)
        partition_share_join(&share, &members[i], &specs[i]);
    const uint32_t expected[] = {0, 1, 2, 3};
    uint32_t partition = 0;
    for (int i = 0; i < 4; i++) {
        ck_assert(partition_share_take(&members[0], &partition, &from));
        ck_assert_uint_eq(partition, expected[i]);
        ck_assert(from->first <= partition && partition < 6);
    }
    ck_assert(partition_share_take(&members[1], &partition, &from) && partition == 4);
    ck_assert(partition_share_take(&members[1], &partition, &from) && partition == 5);
    for (int i = 0; i < 3; i++)
        ck_assert(!partition_share_take(&members[i], &partition, &from));
    for (int i = 0; i < 3; i++)
        partition_share_leave(&members[i]);
    partition_share_drop(&share);
}
END_TEST

START_TEST(after_a_failure_nothing_moves_and_it_is_known_whether_anything_had)
{
    struct task_spec specs[2] = {spec_of(0, 0, 1), spec_of(1, 1, 4)};
    const struct task_spec *from = NULL;
    for (int has_moved = 0; has_moved < 2; has_moved++) {
        struct partition_share share;
        struct share_member members[2];
        uint32_t partition = 0;
        partition_share_init(&share);
        for (int i = 0; i < 2; i++)
            partition_share_join(&share, &members[i], &specs[i]);
        for (int i = 0; i < 1 + has_moved; i++)
            ck_assert(partition_share_take(&members[0], &partition, &from));
        ck_assert_int_eq(partition_share_close(&share), has_moved);
        ck_assert(!partition_share_take(&members[0], &partition, &from));
        ck_assert(partition_share_take(&members[1], &partition, &from));
        ck_assert_uint_eq(partition, 1 + (uint32_t)has_moved);
        ck_assert_int_eq(partition_share_is_apart(&share), !has_moved);
        for (int i = 0; i < 2; i++)
            partition_share_leave(&members[i]);
        partition_share_drop(&share);
    }
}
END_TEST

/* Of three tasks the first has read its own and perhaps one more, the second one and the third
 * none. */
START_TEST(who_has_begun_too_little_gives_up_the_ends_of_its_runs)
{
    struct task_spec specs[3] = {spec_of(0, 0, 2), spec_of(1, 2, 5), spec_of(2, 5, 6)};
    for (int has_moved = 0; has_moved < 2; has_moved++) {
        struct partition_share share;
        struct share_member members[3];
        struct run_rest rests[3];
        const struct task_spec *from = NULL;
        bool is_apart = false;
        uint32_t partition = 0, begun = 3 + (uint32_t)has_moved;
        partition_share_init(&share);
        for (int i = 0; i < 3; i++)
            partition_share_join(&share, &members[i], &specs[i]);
        ck_assert(partition_share_take(&members[1], &partition, &from) && partition == 2);
        for (int i = 0; i < 2 + has_moved; i++)
            ck_assert(partition_share_take(&members[0], &partition, &from));
        ck_assert_uint_eq(partition_share_cut(&share, 100 * begun / 6, rests, &is_apart), 0);
        ck_assert(!partition_share_is_apart(&share));
        ck_assert_uint_eq(partition_share_cut(&share, 100 * begun / 6 + 1, rests, &is_apart), 1);
        ck_assert_ptr_eq(rests[0].spec, &specs[1]);
        ck_assert(rests[0].first == begun && rests[0].end == 5 && is_apart == !has_moved);
        ck_assert_int_eq(partition_share_is_apart(&share), !has_moved);
        ck_assert_uint_eq(partition_share_cut(&share, 100, rests, &is_apart), 0); /* only once */
        ck_assert(!partition_share_take(&members[0], &partition, &from));
        ck_assert(!partition_share_take(&members[1], &partition, &from));
        ck_assert(partition_share_take(&members[2], &partition, &from) && partition == 5);
        for (int i = 0; i < 3; i++)
            partition_share_leave(&members[i]);
        partition_share_drop(&share);
    }
}
END_TEST

static void *take_all(void *member)
{
    uint32_t partition = 0;
    const struct task_spec *from = NULL;
    while (partition_share_take(member, &partition, &from))
        atomic_fetch_add(&taken[partition], 1);
    return NULL;
}

START_TEST(every_partition_is_read_once_whoever_reads_it)
{
    uint64_t random = property_seed();
    for (int round = 0; round < 20; round++) {
        struct partition_share share;
        struct share_member members[TASKS];
        struct task_spec specs[TASKS];
        pthread_t threads[TASKS];
        uint32_t first = 0;
        partition_share_init(&share);
        for (uint32_t i = 0; i < TASKS; i++) {
            uint32_t end = i == TASKS - 1
                               ? PARTITIONS
                               : first + (uint32_t)(property_next(&random) % (PARTITIONS - first));
            specs[i] = spec_of(i, first, end);
            partition_share_join(&share, &members[i], &specs[i]);
            first = end;
        }
        for (int i = 0; i < TASKS; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, take_all, &members[i]), 0);
        for (int i = 0; i < TASKS; i++)
            pthread_join(threads[i], NULL);
        for (int i = 0; i < PARTITIONS; i++)
            ck_assert_uint_eq(atomic_exchange(&taken[i], 0), 1);
        for (int i = 0; i < TASKS; i++)
            partition_share_leave(&members[i]);
        partition_share_drop(&share);
    }
}
END_TEST

SUITE_MAIN("exec/partition_share",
           a_task_reads_its_own_partitions_in_order_then_those_of_who_has_most,
           who_has_begun_too_little_gives_up_the_ends_of_its_runs,
           after_a_failure_nothing_moves_and_it_is_known_whether_anything_had,
           every_partition_is_read_once_whoever_reads_it)
