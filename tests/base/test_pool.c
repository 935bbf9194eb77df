#include "base/extent.h"
#include "base/givers.h"
#include "base/pool.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 100, MIB = 1 << 20 };

struct block {
    uint8_t *memory;
    size_t bytes;
    uint8_t mark;
};

static size_t random_size(uint64_t *random)
{
    size_t bits = property_next(random) % 23;
    return property_next(random) % ((size_t)1 << bits) + property_next(random) % 2;
}

static bool is_all(const uint8_t *bytes, size_t count, uint8_t value)
{
    for (size_t at = 0; at < count; at++) {
        if (bytes[at] != value)
            return false;
    }
    return true;
}

static void free_block(struct pool *pool, struct block *block)
{
    if (block->memory != NULL)
        ck_assert(is_all(block->memory, block->bytes, block->mark));
    pool_release(pool, block->memory, block->bytes);
    *block = (struct block){0};
}

/* Makes a block larger; true when it did. Large ones move without a copy, so that no more than the
 * new size is ever used; of small ones old and new are used together for a while. */
static bool grow_block(struct pool *pool, struct block *block, size_t more_bytes,
                       uint64_t used_bytes, bool is_alone)
{
    size_t old_class = pool_size_class(block->bytes);
    size_t bytes = block->bytes + more_bytes;
    bool moves = old_class > MIB && pool_size_class(bytes) > old_class;
    uint64_t others_bytes = moves ? used_bytes - old_class : used_bytes;
    void *memory = NULL;
    barks_status *status = pool_grow_zeroed(pool, block->memory, block->bytes, bytes, &memory);
    bool fits = others_bytes + pool_size_class(bytes) <= pool_budget_bytes(pool);
    ck_assert(!is_alone || fits == (status == NULL));
    if (status != NULL) {
        ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
        barks_status_free(status);
        return false;
    }
    ck_assert_uint_eq((uintptr_t)memory % POOL_ALIGNMENT, 0);
    ck_assert(is_all(memory, block->bytes, block->mark));
    ck_assert(is_all((uint8_t *)memory + block->bytes, more_bytes, 0));
    *block = (struct block){memory, bytes, block->mark};
    memset(memory, block->mark, bytes);
    return true;
}

/* Random use equals a sum: blocks never overlap, are aligned, zero when asked for, keep their
 * content when they grow, and the budget holds exactly. */
static void use_randomly(uint64_t seed, struct pool *pool, bool is_alone)
{
    uint64_t random = seed;
    struct block blocks[SLOTS] = {0};
    uint64_t used_bytes = 0;
    uint64_t peak_bytes = 0;
    for (int step = 0; step < 3000; step++) {
        struct block *block = &blocks[property_next(&random) % SLOTS];
        if (block->memory != NULL && block->bytes < 2 * MIB && property_next(&random) % 4 == 0) {
            size_t old_class = pool_size_class(block->bytes);
            if (grow_block(pool, block, random_size(&random), used_bytes, is_alone)) {
                bool moved = old_class > MIB && pool_size_class(block->bytes) > old_class;
                if (!moved && used_bytes + pool_size_class(block->bytes) > peak_bytes)
                    peak_bytes = used_bytes + pool_size_class(block->bytes);
                used_bytes += pool_size_class(block->bytes) - old_class;
            }
        } else if (block->memory != NULL) {
            used_bytes -= pool_size_class(block->bytes);
            size_t front_bytes = pool_release_front(pool, block->memory, block->bytes,
                                                    property_next(&random) % (block->bytes + 1));
            ck_assert(front_bytes == 0 || front_bytes < block->bytes);
            ck_assert_uint_eq(front_bytes % EXTENT_BYTES, 0);
            block->memory += front_bytes;
            block->bytes -= front_bytes;
            free_block(pool, block);
        } else {
            size_t bytes = random_size(&random);
            bool is_zeroed = property_next(&random) % 2 == 0;
            void *memory = NULL;
            barks_status *status = is_zeroed ? pool_acquire_zeroed(pool, bytes, &memory)
                                             : pool_acquire(pool, bytes, &memory);
            bool fits = used_bytes + pool_size_class(bytes) <= pool_budget_bytes(pool);
            ck_assert_msg(!is_alone || fits == (status == NULL), "step %d", step);
            if (status != NULL) {
                ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
                barks_status_free(status);
                continue;
            }
            used_bytes += pool_size_class(bytes);
            ck_assert_uint_eq((uintptr_t)memory % POOL_ALIGNMENT, 0);
            ck_assert(!is_zeroed || is_all(memory, bytes, 0));
            *block = (struct block){memory, bytes, (uint8_t)property_next(&random)};
            memset(memory, block->mark, bytes);
        }
        if (used_bytes > peak_bytes)
            peak_bytes = used_bytes;
        if (is_alone) {
            ck_assert_uint_eq(pool_used_bytes(pool), used_bytes);
            ck_assert_uint_eq(pool_peak_bytes(pool), peak_bytes);
        }
    }
    for (int slot = 0; slot < SLOTS; slot++)
        free_block(pool, &blocks[slot]);
}

static struct pool *new_pool(uint64_t budget_bytes)
{
    struct pool *pool = NULL;
    ck_assert_ptr_null(pool_create(budget_bytes, &pool));
    return pool;
}

START_TEST(random_use_equals_a_sum_up_to_the_budget)
{
    struct pool *pool = new_pool(48 * MIB);
    use_randomly(property_seed(), pool, true);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}
END_TEST

struct user {
    pthread_t thread;
    struct pool *pool;
    uint64_t seed;
};

static void *use_in_thread(void *argument)
{
    struct user *user = argument;
    use_randomly(user->seed, user->pool, false);
    return NULL;
}

START_TEST(threads_share_a_pool)
{
    struct pool *pool = new_pool(64 * MIB);
    struct user users[4];
    uint64_t seed = property_seed();
    for (uint64_t user = 0; user < 4; user++) {
        users[user] = (struct user){.pool = pool, .seed = seed + user};
        ck_assert_int_eq(pthread_create(&users[user].thread, NULL, use_in_thread, &users[user]), 0);
    }
    for (int user = 0; user < 4; user++)
        ck_assert_int_eq(pthread_join(users[user].thread, NULL), 0);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    ck_assert_uint_le(pool_peak_bytes(pool), pool_budget_bytes(pool));
    pool_destroy(pool);
}
END_TEST

START_TEST(size_classes_are_powers_of_two_and_then_huge_pages)
{
    ck_assert_uint_eq(pool_size_class(0), 4096);
    ck_assert_uint_eq(pool_size_class(4096), 4096);
    ck_assert_uint_eq(pool_size_class(4097), 8192);
    ck_assert_uint_eq(pool_size_class(MIB), MIB);
    ck_assert_uint_eq(pool_size_class(MIB + 1), 2 * MIB);
    ck_assert_uint_eq(pool_size_class(2 * MIB + 1), 4 * MIB);
    ck_assert_uint_eq(pool_size_class(SIZE_MAX), SIZE_MAX);
}
END_TEST

START_TEST(past_the_budget_is_a_limit_that_names_figures_and_remedy)
{
    struct pool *pool = new_pool(MIB);
    void *first = NULL;
    void *second = NULL;
    ck_assert_ptr_null(pool_acquire(pool, 600 << 10, &first));
    barks_status *status = pool_acquire(pool, 8 << 10, &second);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    ck_assert_str_eq(barks_status_text(status),
                     "8.0 KiB more do not fit: 1.0 MiB of the memory budget of 1.0 MiB are in use; "
                     "--barks-memory sets the budget");
    barks_status_free(status);
    ck_assert_ptr_null(second);
    pool_release(pool, first, 600 << 10);
    ck_assert_ptr_null(pool_acquire(pool, 8 << 10, &second));
    pool_release(pool, second, 8 << 10);
    status = pool_acquire(pool, SIZE_MAX, &second);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    barks_status_free(status);
    pool_destroy(pool);
}
END_TEST

START_TEST(even_an_endless_budget_refuses_sizes_that_overflow)
{
    struct pool *pool = new_pool(UINT64_MAX);
    void *memory = NULL;
    barks_status *status = pool_acquire(pool, SIZE_MAX - 5, &memory);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    barks_status_free(status);
    pool_destroy(pool);
    status = pool_create(0, &pool);
    ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
    barks_status_free(status);
}
END_TEST

START_TEST(reservations_count_like_blocks)
{
    struct pool *pool = new_pool(10 * MIB);
    void *memory = NULL;
    ck_assert_ptr_null(pool_reserve(pool, 9 * MIB));
    barks_status *status = pool_acquire(pool, 2 * MIB, &memory);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    barks_status_free(status);
    status = pool_reserve(pool, UINT64_MAX);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    barks_status_free(status);
    pool_unreserve(pool, 9 * MIB);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    ck_assert_uint_eq(pool_peak_bytes(pool), 9 * MIB);
    pool_destroy(pool);
}
END_TEST

START_TEST(idle_memory_is_used_again_whatever_its_size_was)
{
    struct pool *pool = new_pool(8 * MIB);
    static void *pieces[512];
    for (int round = 0; round < 3; round++) {
        for (int piece = 0; piece < 512; piece++)
            ck_assert_ptr_null(pool_acquire(pool, 4096, &pieces[piece]));
        for (int piece = 0; piece < 512; piece++)
            pool_release(pool, pieces[piece], 4096);
        void *large = NULL;
        ck_assert_ptr_null(pool_acquire(pool, 2 * MIB, &large));
        pool_release(pool, large, 2 * MIB);
        ck_assert_uint_eq(pool_mapped_bytes(pool), 2 * MIB);
    }
    pool_destroy(pool);
}
END_TEST

START_TEST(idle_memory_is_unmapped_before_mappings_pass_the_budget)
{
    struct pool *pool = new_pool(8 * MIB);
    void *blocks[4];
    for (int block = 0; block < 4; block++)
        ck_assert_ptr_null(pool_acquire(pool, 2 * MIB, &blocks[block]));
    for (int block = 0; block < 4; block += 2)
        pool_release(pool, blocks[block], 2 * MIB); /* two holes that cannot join */
    void *large = NULL;
    ck_assert_ptr_null(pool_acquire(pool, 4 * MIB, &large));
    ck_assert_uint_eq(pool_mapped_bytes(pool), 8 * MIB);
    pool_release(pool, large, 4 * MIB);
    pool_release(pool, blocks[1], 2 * MIB);
    pool_release(pool, blocks[3], 2 * MIB);
    pool_destroy(pool);
}
END_TEST

START_TEST(the_nth_acquire_fails_once_where_a_test_wants_it)
{
    struct pool *pool = new_pool(8 * MIB);
    void *memory = NULL;
    pool_fail_after(pool, 3);
    for (int call = 1; call <= 6; call++) {
        barks_status *status = pool_acquire(pool, 10, &memory);
        ck_assert_int_eq(status != NULL, call == 3);
        if (status != NULL)
            ck_assert_int_eq(barks_status_code(status), BARKS_NO_MEMORY);
        else
            pool_release(pool, memory, 10);
        barks_status_free(status);
    }
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}
END_TEST

/* Holds blocks of 2 MiB, and gives some away when it is asked. */
struct hoard {
    struct pool *pool;
    void *blocks[16];
    int count;
    int asked;
    uint64_t largest_wish;
};

static void fill(struct hoard *hoard, int count)
{
    for (hoard->count = 0; hoard->count < count; hoard->count++)
        ck_assert_ptr_null(pool_acquire(hoard->pool, 2 * MIB, &hoard->blocks[hoard->count]));
}

static uint64_t give(void *context, uint64_t bytes, barks_status **out_failure)
{
    struct hoard *hoard = context;
    uint64_t given = 0;
    void *needed = NULL;
    hoard->asked++;
    if (bytes > hoard->largest_wish)
        hoard->largest_wish = bytes;
    if (hoard->count == 0) {
        *out_failure = barks_status_new(BARKS_IO, NULL, BARKS_HERE, "the disk is full");
        return 0;
    }
    /* What giving takes may pass the budget, and does not ask again. */
    ck_assert_ptr_null(pool_acquire(hoard->pool, MIB, &needed));
    for (; given < bytes && hoard->count > 0; given += 2 * MIB)
        pool_release(hoard->pool, hoard->blocks[--hoard->count], 2 * MIB);
    pool_release(hoard->pool, needed, MIB);
    return given;
}

START_TEST(who_finds_no_memory_is_given_some_by_those_who_can_do_without)
{
    struct pool *pool = new_pool(16 * MIB);
    struct hoard first = {.pool = pool}, second = {.pool = pool};
    struct giver givers[] = {{.name = "first", .give = give, .context = &first},
                             {.name = "second", .give = give, .context = &second}};
    fill(&first, 2);
    fill(&second, 6);
    pool_add_giver(pool, &givers[0]);
    pool_add_giver(pool, &givers[1]);
    void *block = NULL;
    ck_assert_ptr_null(pool_acquire(pool, 2 * MIB, &block));
    ck_assert_int_eq(first.count, 1); /* no more than was wanted */
    ck_assert_int_eq(second.count, 6);
    ck_assert_ptr_null(pool_grow_zeroed(pool, block, 2 * MIB, 6 * MIB, &block));
    ck_assert_int_eq(first.count, 0);
    ck_assert_int_le(second.count, 5);
    ck_assert_ptr_null(pool_reserve(pool, 8 * MIB));
    ck_assert_int_eq(second.count, 0);
    ck_assert_uint_le(pool_used_bytes(pool), 16 * MIB);
    void *more = NULL;
    barks_status *status = pool_acquire(pool, 16 * MIB, &more);
    /* All is given, and too little: what is told is what went wrong. */
    ck_assert_int_eq(barks_status_code(status), BARKS_IO);
    ck_assert_int_eq(second.count, 0);
    barks_status_free(status);
    pool_unreserve(pool, 8 * MIB);
    pool_release(pool, block, 6 * MIB);
    pool_remove_giver(pool, &givers[0]);
    pool_remove_giver(pool, &givers[1]);
    pool_destroy(pool);
}
END_TEST

START_TEST(who_holds_a_lock_is_given_nothing)
{
    struct pool *pool = new_pool(8 * MIB);
    struct hoard hoard = {.pool = pool};
    struct giver giver = {.name = "hoard", .give = give, .context = &hoard};
    struct lock lock;
    lock_init(&lock, LOCK_TASK, "test");
    fill(&hoard, 4);
    pool_add_giver(pool, &giver);
    void *block = NULL;
    lock_acquire(&lock);
    barks_status *status = pool_acquire(pool, 4096, &block);
    lock_release(&lock);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    barks_status_free(status);
    ck_assert_int_eq(hoard.asked, 0);
    pool_make_room(pool, 5 * MIB);
    ck_assert_uint_ge(pool_budget_bytes(pool) - pool_used_bytes(pool), 5 * MIB);
    while (hoard.count > 0)
        pool_release(pool, hoard.blocks[--hoard.count], 2 * MIB);
    pool_make_room(pool, 9 * MIB); /* nobody can: it ends */
    pool_remove_giver(pool, &giver);
    lock_drop(&lock);
    pool_destroy(pool);
}
END_TEST

/* ---- claims, and who gives by himself ---- */

static void expect_limit(struct pool *pool, uint64_t bytes)
{
    barks_status *status = pool_reserve(pool, bytes);
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    barks_status_free(status);
}

static void *expect_no_room(void *context)
{
    struct pool *pool = context;
    ck_assert(!pool_claim(pool, 3 * MIB));
    expect_limit(pool, 3 * MIB);
    ck_assert(pool_claim(pool, 2 * MIB));
    ck_assert(pool_claim(pool, MIB)); /* in its place */
    pool_unclaim(pool);
    pool_unclaim(pool);
    return NULL;
}

static void run_apart(void *(*body)(void *context), void *context)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, body, context), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

START_TEST(what_a_thread_has_claimed_is_for_nobody_else)
{
    struct pool *pool = new_pool(8 * MIB);
    void *block = NULL;
    ck_assert(pool_claim(pool, 6 * MIB));
    ck_assert_uint_eq(pool_used_bytes(pool), 6 * MIB);
    run_apart(expect_no_room, pool);
    ck_assert_ptr_null(pool_acquire(pool, 4 * MIB, &block));
    ck_assert_uint_eq(pool_used_bytes(pool), 6 * MIB); /* out of the claim */
    ck_assert_ptr_null(pool_reserve(pool, 4 * MIB));
    ck_assert_uint_eq(pool_used_bytes(pool), 8 * MIB);
    expect_limit(pool, 1);
    pool_unreserve(pool, 4 * MIB);
    ck_assert_uint_eq(pool_used_bytes(pool), 4 * MIB); /* what was claimed is spent */
    ck_assert(!pool_claim(pool, 5 * MIB));
    ck_assert(!pool_claim(pool, 9 * MIB)); /* nor ever */
    ck_assert(pool_claim(pool, 4 * MIB));
    pool_release(pool, block, 4 * MIB);
    pool_unclaim(pool);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}
END_TEST

START_TEST(who_gives_by_himself_may_pass_the_budget)
{
    struct pool *pool = new_pool(4 * MIB);
    struct lock lock;
    lock_init(&lock, LOCK_TASK, "test");
    ck_assert_ptr_null(pool_reserve(pool, 4 * MIB));
    expect_limit(pool, MIB);
    lock_acquire(&lock);
    ck_assert(!pool_begin_giving(pool));
    lock_release(&lock);
    ck_assert(pool_begin_giving(pool));
    ck_assert(!pool_begin_giving(pool));
    ck_assert_ptr_null(pool_reserve(pool, MIB));
    pool_unreserve(pool, MIB);
    pool_end_giving(pool);
    expect_limit(pool, MIB);
    pool_unreserve(pool, 4 * MIB);
    lock_drop(&lock);
    pool_destroy(pool);
}
END_TEST

/* ---- waiting ---- */

enum { WORKERS = 4, TURNS = 200 };

/* Each holds up to 3 MiB of 4, so that only one can at a time; none may fail. */
static void *take_turns(void *context)
{
    struct pool *pool = context;
    void *block = NULL;
    pool_begin_work(pool);
    for (int turn = 0; turn < TURNS; turn++) {
        ck_assert_ptr_null(pool_reserve(pool, 3 * MIB));
        if (turn % 3 == 0)
            sched_yield();
        ck_assert_ptr_null(pool_acquire(pool, MIB, &block));
        pool_release(pool, block, MIB);
        pool_unreserve(pool, 3 * MIB);
    }
    pool_end_work(pool);
    return NULL;
}

START_TEST(workers_wait_for_what_others_free)
{
    struct pool *pool = new_pool(4 * MIB);
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_turns, pool), 0);
    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}
END_TEST

/* All hold something and want more than is left: the last of them is told, and then the others
 * have room. */
struct contender {
    struct pool *pool;
    pthread_barrier_t *all_hold;
    _Atomic int *failure_count;
};

static void *contend(void *context)
{
    struct contender *contender = context;
    struct pool *pool = contender->pool;
    pool_begin_work(pool);
    ck_assert_ptr_null(pool_reserve(pool, MIB));
    pthread_barrier_wait(contender->all_hold);
    barks_status *status = pool_reserve(pool, 2 * MIB);
    if (status == NULL)
        pool_unreserve(pool, 2 * MIB);
    else
        *contender->failure_count += 1;
    barks_status_free(status);
    pool_unreserve(pool, MIB);
    pool_end_work(pool);
    return NULL;
}

START_TEST(one_of_all_that_wait_is_told_that_there_is_no_memory)
{
    struct pool *pool = new_pool(WORKERS * MIB);
    pthread_t threads[WORKERS];
    pthread_barrier_t all_hold;
    _Atomic int failure_count = 0;
    struct contender contender = {pool, &all_hold, &failure_count};
    ck_assert_int_eq(pthread_barrier_init(&all_hold, NULL, WORKERS), 0);
    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, contend, &contender), 0);
    for (int i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_int_ge(failure_count, 1);
    ck_assert_int_lt(failure_count, WORKERS);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pthread_barrier_destroy(&all_hold);
    pool_destroy(pool);
}
END_TEST

START_TEST(a_pool_is_tight_when_three_quarters_are_used)
{
    struct pool *pool = new_pool(8 * MIB);
    ck_assert_ptr_null(pool_reserve(pool, 6 * MIB));
    ck_assert(!pool_is_tight(pool));
    ck_assert_ptr_null(pool_reserve(pool, 1));
    ck_assert(pool_is_tight(pool));
    pool_unreserve(pool, 6 * MIB + 1);
    pool_destroy(pool);
}
END_TEST

START_TEST(null_is_released_and_destroyed_without_effect)
{
    struct pool *pool = new_pool(MIB);
    pool_release(pool, NULL, 100);
    pool_destroy(pool);
    pool_destroy(NULL);
}
END_TEST

SUITE_MAIN("base/pool", random_use_equals_a_sum_up_to_the_budget, threads_share_a_pool,
           size_classes_are_powers_of_two_and_then_huge_pages,
           past_the_budget_is_a_limit_that_names_figures_and_remedy,
           even_an_endless_budget_refuses_sizes_that_overflow, reservations_count_like_blocks,
           idle_memory_is_used_again_whatever_its_size_was,
           idle_memory_is_unmapped_before_mappings_pass_the_budget,
           the_nth_acquire_fails_once_where_a_test_wants_it,
           who_finds_no_memory_is_given_some_by_those_who_can_do_without,
           who_holds_a_lock_is_given_nothing, what_a_thread_has_claimed_is_for_nobody_else,
           who_gives_by_himself_may_pass_the_budget, workers_wait_for_what_others_free,
           one_of_all_that_wait_is_told_that_there_is_no_memory,
           a_pool_is_tight_when_three_quarters_are_used,
           null_is_released_and_destroyed_without_effect)
