#include "base/pool.h"

#include "base/assertion.h"
#include "base/checked.h"
#include "base/extent.h"
#include "base/givers.h"
#include "base/lock.h"
#include "base/poison.h"
#include "base/slabs.h"
#include "base/units.h"
#include "base/waiters.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    GIVEN_SHARE = 32, /* of the budget: what is asked of givers at least */
    TIGHT_SHARE = 4,
};

struct pool {
    uint64_t budget_bytes;
    struct givers givers;
    struct lock lock;
    struct {
        struct extents extents;
        struct slabs slabs;
        struct waiters waiters;
        uint64_t fail_after;
    } locked;
    /* Written under the lock; read without it by those who only report them, hence relaxed. */
    _Atomic uint64_t used_bytes;
    _Atomic uint64_t peak_bytes;
    _Atomic uint64_t mapped_bytes;
};

/* What this thread has set aside: counted as used, and not taken yet. */
static _Thread_local struct claim {
    const struct pool *pool;
    uint64_t bytes;
} claim;

barks_status *pool_create(uint64_t budget_bytes, struct pool **out_pool)
{
    if (budget_bytes == 0)
        BARKS_FAIL(BARKS_INVALID, "a memory budget of 0 bytes");
    struct pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a pool");
    /* No machine has half of the address space, and sizes that cannot be met count as SIZE_MAX. */
    pool->budget_bytes = budget_bytes < INT64_MAX ? budget_bytes : INT64_MAX;
    lock_init(&pool->lock, LOCK_POOL, "pool");
    givers_init(&pool->givers);
    waiters_init(&pool->locked.waiters);
    *out_pool = pool;
    return NULL;
}

void pool_destroy(struct pool *pool)
{
    if (pool == NULL)
        return;
    assert(pool_used_bytes(pool) == 0);
    slabs_drop(&pool->locked.slabs);
    extents_drop(&pool->locked.extents);
    givers_drop(&pool->givers);
    waiters_drop(&pool->locked.waiters);
    lock_drop(&pool->lock);
    free(pool);
}

size_t pool_size_class(size_t bytes)
{
    if (bytes <= PIECE_BYTES_MAX)
        return slabs_piece_bytes(bytes);
    uint64_t rounded = 0;
    return ckd_round_up(&rounded, bytes, EXTENT_BYTES) ? SIZE_MAX : (size_t)rounded;
}

static uint64_t free_bytes(const struct pool *pool)
{
    uint64_t used = atomic_load_explicit(&pool->used_bytes, memory_order_relaxed);
    return used < pool->budget_bytes ? pool->budget_bytes - used : 0;
}

/* ---- givers ---- */

void pool_add_giver(struct pool *pool, struct giver *giver) { givers_add(&pool->givers, giver); }

void pool_remove_giver(struct pool *pool, struct giver *giver)
{
    givers_remove(&pool->givers, giver);
}

struct want {
    const struct pool *pool;
    uint64_t bytes;
};

static bool is_free(void *context)
{
    const struct want *want = context;
    return free_bytes(want->pool) >= want->bytes;
}

/* Has bytes given back, and more than these, so that it is not asked for again at once. */
static bool ask(struct pool *pool, uint64_t bytes, barks_status **out_failure)
{
    struct want want = {.pool = pool, .bytes = bytes};
    uint64_t share_bytes = pool->budget_bytes / GIVEN_SHARE;
    return givers_ask(&pool->givers, bytes > share_bytes ? bytes : share_bytes, is_free, &want,
                      out_failure);
}

/* Whether it is worth while to ask again for bytes: others may have freed them. */
static bool await_freed(struct pool *pool, uint64_t bytes)
{
    if (lock_is_any_held())
        return false;
    lock_acquire(&pool->lock);
    bool may_fit =
        free_bytes(pool) >= bytes || waiters_wait_locked(&pool->locked.waiters, &pool->lock);
    lock_release(&pool->lock);
    return may_fit;
}

/* Frees *status where it is the budget that refused bytes, and room was made. Else it tells why
 * none could be. */
static bool made_room(struct pool *pool, barks_status **status, uint64_t bytes)
{
    barks_status *failure = NULL;
    if (*status == NULL || barks_status_code(*status) != BARKS_LIMIT || bytes > pool->budget_bytes)
        return false;
    if (ask(pool, bytes, &failure) || await_freed(pool, bytes)) {
        barks_status_free(failure); /* what was tried is tried again */
        barks_status_free(*status);
        return true;
    }
    if (failure != NULL) {
        barks_status *told = barks_status_new(barks_status_code(failure), failure, BARKS_HERE, "%s",
                                              barks_status_text(*status));
        barks_status_free(*status);
        *status = told;
    }
    return false;
}

void pool_make_room(struct pool *pool, uint64_t bytes)
{
    barks_status *failure = NULL;
    while (free_bytes(pool) < bytes && ask(pool, bytes, &failure))
        ;
    barks_status_free(failure); /* it is told to who cannot do without */
}

bool pool_begin_giving(struct pool *pool) { return givers_begin(&pool->givers); }
void pool_end_giving(struct pool *pool) { givers_end(&pool->givers); }

bool pool_is_tight(const struct pool *pool)
{
    return free_bytes(pool) < pool->budget_bytes / TIGHT_SHARE;
}

/* ---- counting ---- */

BARKS_CHECKED static barks_status *count_locked(struct pool *pool, uint64_t bytes)
{
    uint64_t used = atomic_load_explicit(&pool->used_bytes, memory_order_relaxed);
    uint64_t claimed = claim.pool != pool ? 0 : claim.bytes < bytes ? claim.bytes : bytes;
    if (bytes - claimed > free_bytes(pool) && !givers_is_giving())
        BARKS_FAIL(BARKS_LIMIT,
                   "%s more do not fit: %s of the memory budget of %s are in use; --barks-memory "
                   "sets the budget",
                   units_bytes(bytes).text, units_bytes(used).text,
                   units_bytes(pool->budget_bytes).text);
    claim.bytes -= claimed;
    used += bytes - claimed;
    atomic_store_explicit(&pool->used_bytes, used, memory_order_relaxed);
    if (used > atomic_load_explicit(&pool->peak_bytes, memory_order_relaxed))
        atomic_store_explicit(&pool->peak_bytes, used, memory_order_relaxed);
    return NULL;
}

static void uncount_locked(struct pool *pool, uint64_t bytes)
{
    uint64_t used = atomic_load_explicit(&pool->used_bytes, memory_order_relaxed);
    BARKS_ASSERT(bytes <= used);
    atomic_store_explicit(&pool->used_bytes, used - bytes, memory_order_relaxed);
    waiters_note_locked(&pool->locked.waiters);
}

BARKS_CHECKED static barks_status *fail_if_wanted_locked(struct pool *pool, size_t bytes)
{
    if (pool->locked.fail_after > 0 && --pool->locked.fail_after == 0)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %zu bytes: a test wants it so", bytes);
    return NULL;
}

BARKS_CHECKED static barks_status *acquire_locked(struct pool *pool, size_t bytes, void **out,
                                                  bool *out_is_zero)
{
    BARKS_TRY(fail_if_wanted_locked(pool, bytes));
    size_t taken_bytes = pool_size_class(bytes);
    BARKS_TRY(count_locked(pool, taken_bytes));
    barks_status *status = taken_bytes <= PIECE_BYTES_MAX
                               ? slabs_take(&pool->locked.slabs, &pool->locked.extents, taken_bytes,
                                            pool->budget_bytes, out, out_is_zero)
                               : extents_take(&pool->locked.extents, taken_bytes,
                                              pool->budget_bytes, out, out_is_zero);
    if (status != NULL)
        uncount_locked(pool, taken_bytes);
    atomic_store_explicit(&pool->mapped_bytes, pool->locked.extents.mapped_bytes,
                          memory_order_relaxed);
    return status;
}

BARKS_CHECKED static barks_status *acquire(struct pool *pool, size_t bytes, void **out,
                                           bool *out_is_zero)
{
    barks_status *status = NULL;
    do {
        lock_acquire(&pool->lock);
        status = acquire_locked(pool, bytes, out, out_is_zero);
        lock_release(&pool->lock);
    } while (made_room(pool, &status, pool_size_class(bytes)));
    if (status == NULL)
        unpoison(*out, bytes);
    return status;
}

barks_status *pool_acquire(struct pool *pool, size_t bytes, void **out)
{
    bool is_zero = false;
    return acquire(pool, bytes, out, &is_zero);
}

barks_status *pool_acquire_zeroed(struct pool *pool, size_t bytes, void **out)
{
    bool is_zero = false;
    BARKS_TRY(acquire(pool, bytes, out, &is_zero));
    if (!is_zero)
        memset(*out, 0, bytes);
    return NULL;
}

BARKS_CHECKED static barks_status *grow_locked(struct pool *pool, void *memory, size_t old_bytes,
                                               size_t bytes, void **out)
{
    BARKS_TRY(fail_if_wanted_locked(pool, bytes));
    BARKS_TRY(count_locked(pool, bytes - old_bytes));
    barks_status *status =
        extents_grow(&pool->locked.extents, memory, old_bytes, bytes, pool->budget_bytes, out);
    if (status != NULL)
        uncount_locked(pool, bytes - old_bytes);
    atomic_store_explicit(&pool->mapped_bytes, pool->locked.extents.mapped_bytes,
                          memory_order_relaxed);
    return status;
}

barks_status *pool_grow_zeroed(struct pool *pool, void *memory, size_t old_bytes, size_t bytes,
                               void **out)
{
    assert(old_bytes <= bytes);
    size_t taken_bytes = pool_size_class(old_bytes), wanted_bytes = pool_size_class(bytes);
    if (taken_bytes > PIECE_BYTES_MAX && wanted_bytes > taken_bytes && wanted_bytes < SIZE_MAX) {
        barks_status *status = NULL;
        do {
            lock_acquire(&pool->lock);
            status = grow_locked(pool, memory, taken_bytes, wanted_bytes, out);
            lock_release(&pool->lock);
        } while (made_room(pool, &status, wanted_bytes - taken_bytes));
        BARKS_TRY(status);
        /* The last part of what was taken was not asked for, and may hold anything. */
        unpoison(*out, bytes);
        memset((uint8_t *)*out + old_bytes, 0, taken_bytes - old_bytes);
        return NULL;
    }
    void *grown = NULL;
    BARKS_TRY(pool_acquire(pool, bytes, &grown));
    memcpy(grown, memory, old_bytes);
    memset((uint8_t *)grown + old_bytes, 0, bytes - old_bytes);
    pool_release(pool, memory, old_bytes);
    *out = grown;
    return NULL;
}

void pool_release(struct pool *pool, void *memory, size_t bytes)
{
    if (memory == NULL)
        return;
    size_t taken_bytes = pool_size_class(bytes);
    poison(memory, taken_bytes);
    lock_acquire(&pool->lock);
    if (taken_bytes <= PIECE_BYTES_MAX)
        slabs_give(&pool->locked.slabs, &pool->locked.extents, memory, taken_bytes);
    else
        extents_give(&pool->locked.extents, memory, taken_bytes);
    uncount_locked(pool, taken_bytes);
    lock_release(&pool->lock);
}

void pool_abandon(struct pool *pool, size_t bytes) { pool_unreserve(pool, pool_size_class(bytes)); }

size_t pool_release_front(struct pool *pool, void *memory, size_t bytes, size_t front_bytes)
{
    size_t taken_bytes = pool_size_class(bytes);
    size_t given_bytes = front_bytes & ~(EXTENT_BYTES - 1);
    if (taken_bytes <= EXTENT_BYTES || given_bytes == 0)
        return 0;
    /* What is left must be seen to be an extent and not a piece of a slab. */
    while (given_bytes > 0 && bytes - given_bytes <= PIECE_BYTES_MAX)
        given_bytes -= EXTENT_BYTES;
    lock_acquire(&pool->lock);
    if (given_bytes > 0 && extents_give_front(&pool->locked.extents, memory, given_bytes))
        uncount_locked(pool, given_bytes);
    else
        given_bytes = 0;
    lock_release(&pool->lock);
    return given_bytes;
}

barks_status *pool_reserve(struct pool *pool, uint64_t bytes)
{
    barks_status *status = NULL;
    do {
        lock_acquire(&pool->lock);
        status = count_locked(pool, bytes);
        lock_release(&pool->lock);
    } while (made_room(pool, &status, bytes));
    return status;
}

void pool_unreserve(struct pool *pool, uint64_t bytes)
{
    lock_acquire(&pool->lock);
    uncount_locked(pool, bytes);
    lock_release(&pool->lock);
}

uint64_t pool_used_bytes(const struct pool *pool)
{
    return atomic_load_explicit(&pool->used_bytes, memory_order_relaxed);
}

uint64_t pool_peak_bytes(const struct pool *pool)
{
    return atomic_load_explicit(&pool->peak_bytes, memory_order_relaxed);
}

uint64_t pool_budget_bytes(const struct pool *pool) { return pool->budget_bytes; }

uint64_t pool_mapped_bytes(const struct pool *pool)
{
    return atomic_load_explicit(&pool->mapped_bytes, memory_order_relaxed);
}

void pool_fail_after(struct pool *pool, uint64_t n)
{
    lock_acquire(&pool->lock);
    pool->locked.fail_after = n;
    lock_release(&pool->lock);
}

void pool_unclaim(struct pool *pool)
{
    if (claim.pool != pool)
        return;
    lock_acquire(&pool->lock);
    uncount_locked(pool, claim.bytes);
    lock_release(&pool->lock);
    claim = (struct claim){0};
}

bool pool_claim(struct pool *pool, uint64_t bytes)
{
    pool_unclaim(pool);
    BARKS_ASSERT(claim.pool == NULL); /* a thread works with one pool */
    if (bytes > pool->budget_bytes)
        return false;
    pool_make_room(pool, bytes);
    lock_acquire(&pool->lock);
    barks_status *status = count_locked(pool, bytes);
    lock_release(&pool->lock);
    bool has_room = status == NULL;
    barks_status_free(status);
    if (has_room)
        claim = (struct claim){.pool = pool, .bytes = bytes};
    return has_room;
}

void pool_begin_work(struct pool *pool)
{
    lock_acquire(&pool->lock);
    waiters_enter_locked(&pool->locked.waiters);
    lock_release(&pool->lock);
}

void pool_end_work(struct pool *pool)
{
    pool_unclaim(pool);
    lock_acquire(&pool->lock);
    waiters_leave_locked(&pool->locked.waiters);
    lock_release(&pool->lock);
}
