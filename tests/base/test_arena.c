#include "base/arena.h"
#include "base/pool.h"
#include "base/scope.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { PIECES = 1500, BLOCK_BYTES = 64 << 10 };

struct piece {
    uint8_t *memory;
    size_t bytes;
    uint8_t mark;
};

static struct pool *new_pool(void)
{
    struct pool *pool = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(1) << 30, &pool));
    return pool;
}

/* Of all sizes, also past a block, with all alignments: aligned, apart from each other, and the
 * arena reports exactly what the pool has given. */
START_TEST(pieces_are_aligned_and_never_overlap)
{
    uint64_t random = property_seed();
    struct pool *pool = new_pool();
    BARKS_AUTO(arena) arena;
    arena_init(&arena, pool, BLOCK_BYTES);
    static struct piece pieces[PIECES];
    for (int round = 0; round < 5; round++) {
        for (int index = 0; index < PIECES; index++) {
            size_t alignment = (size_t)1 << property_next(&random) % 13;
            size_t bytes = property_next(&random) % ((size_t)1 << property_next(&random) % 18);
            void *memory = NULL;
            ck_assert_ptr_null(arena_alloc(&arena, bytes, alignment, &memory));
            ck_assert_uint_eq((uintptr_t)memory % alignment, 0);
            pieces[index] = (struct piece){memory, bytes, (uint8_t)property_next(&random)};
            if (bytes > 0)
                memset(memory, pieces[index].mark, bytes);
            ck_assert_uint_eq(arena_bytes(&arena), pool_used_bytes(pool));
        }
        for (int index = 0; index < PIECES; index++) {
            bool is_intact = true;
            for (size_t at = 0; at < pieces[index].bytes; at++)
                is_intact = is_intact && pieces[index].memory[at] == pieces[index].mark;
            ck_assert(is_intact);
        }
        arena_reset(&arena);
        ck_assert_uint_le(arena_bytes(&arena), BLOCK_BYTES);
        ck_assert_uint_eq(arena_bytes(&arena), pool_used_bytes(pool));
    }
    arena_drop(&arena);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    arena_drop(&arena);
    pool_destroy(pool);
}
END_TEST

START_TEST(reset_uses_the_same_block_again)
{
    struct pool *pool = new_pool();
    BARKS_AUTO(arena) arena;
    arena_init(&arena, pool, BLOCK_BYTES);
    void *first = NULL;
    void *again = NULL;
    ck_assert_ptr_null(arena_alloc(&arena, 100, 8, &first));
    arena_reset(&arena);
    ck_assert_ptr_null(arena_alloc(&arena, 100, 8, &again));
    ck_assert_ptr_eq(first, again);
    arena_drop(&arena);
    pool_destroy(pool);
}
END_TEST

START_TEST(large_piece_leaves_the_room_of_the_first_block)
{
    struct pool *pool = new_pool();
    BARKS_AUTO(arena) arena;
    arena_init(&arena, pool, BLOCK_BYTES);
    void *before = NULL;
    void *large = NULL;
    void *after = NULL;
    ck_assert_ptr_null(arena_alloc(&arena, 64, 64, &before));
    ck_assert_ptr_null(arena_alloc(&arena, 10 << 20, 64, &large));
    ck_assert_ptr_null(arena_alloc(&arena, 64, 64, &after));
    ck_assert_ptr_eq((uint8_t *)before + 64, after);
    arena_drop(&arena);
    pool_destroy(pool);
}
END_TEST

/* Every acquire of a sequence fails once; what was handed out before stays, nothing leaks. */
START_TEST(failed_acquire_changes_nothing)
{
    struct pool *pool = new_pool();
    bool has_passed = false;
    for (uint64_t failing = 1; !has_passed; failing++) {
        BARKS_AUTO(arena) arena;
        arena_init(&arena, pool, BLOCK_BYTES);
        pool_fail_after(pool, failing);
        has_passed = true;
        for (int index = 0; index < 20; index++) {
            void *memory = NULL;
            uint64_t bytes_before = arena_bytes(&arena);
            barks_status *status = arena_alloc(&arena, index % 4 == 3 ? 100000 : 12000, 8, &memory);
            if (status == NULL) {
                memset(memory, index, 12000);
                continue;
            }
            has_passed = false;
            ck_assert_int_eq(barks_status_code(status), BARKS_NO_MEMORY);
            ck_assert_uint_eq(arena_bytes(&arena), bytes_before);
            barks_status_free(status);
        }
    }
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_fail_after(pool, 0);
    pool_destroy(pool);
}
END_TEST

START_TEST(size_that_overflows_is_a_limit)
{
    struct pool *pool = new_pool();
    BARKS_AUTO(arena) arena;
    arena_init(&arena, pool, BLOCK_BYTES);
    void *memory = NULL;
    barks_status *status = arena_alloc(&arena, SIZE_MAX - 3, 8, &memory);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    barks_status_free(status);
    ck_assert_ptr_null(arena_alloc(&arena, 10, 8, &memory));
    status = arena_alloc(&arena, SIZE_MAX - 3, 8, &memory);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    barks_status_free(status);
    arena_drop(&arena);
    pool_destroy(pool);
}
END_TEST

SUITE_MAIN("base/arena", pieces_are_aligned_and_never_overlap, reset_uses_the_same_block_again,
           large_piece_leaves_the_room_of_the_first_block, failed_acquire_changes_nothing,
           size_that_overflows_is_a_limit)
