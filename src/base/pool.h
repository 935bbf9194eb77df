/* Memory for batches, tables and buffers: blocks of a few sizes, counted against a budget.
 *
 *     asked for          taken               from
 *     up to 1 MiB        a power of two      a slab: 2 MiB cut into pieces of one size
 *                        from 4 KiB up
 *     more               multiples of 2 MiB  an idle extent, else the kernel (extent.h)
 *
 * A block is aligned to its size, up to 2 MiB. A slab whose pieces are all free is an idle extent
 * again. What is idle stays mapped, and on its huge pages, until a mapping would pass the budget.
 */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POOL_ALIGNMENT = 4096 }; /* what every block has at least */

/* Threads: any. A lock of rank LOCK_POOL guards it. A call that finds the budget used up, by a
 * thread that holds no lock, has the givers give something back first (givers.h). */
struct pool;
struct giver;

/* budget_bytes is not 0. Errors: BARKS_INVALID, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *pool_create(uint64_t budget_bytes, struct pool **out_pool);

/* NULL is fine. Everything must be released by then, which debug builds assert; in a release build
 * blocks that are not stay mapped. */
void pool_destroy(struct pool *pool);

/* The giver is asked from now on, after those that were added before, until it is removed. */
void pool_add_giver(struct pool *pool, struct giver *giver);
void pool_remove_giver(struct pool *pool, struct giver *giver);

/* A block of at least bytes (0 counts as 1), of any content, the caller's until pool_release.
 * Errors: BARKS_LIMIT (the budget, and nobody gives anything: spill, then retry), BARKS_NO_MEMORY.
 */
BARKS_CHECKED barks_status *pool_acquire(struct pool *pool, size_t bytes, void **out);

/* The same with the first bytes zero; costs nothing where the kernel has just zeroed them. */
BARKS_CHECKED barks_status *pool_acquire_zeroed(struct pool *pool, size_t bytes, void **out);

/* Makes a block of old_bytes one of bytes, at least as many, which may lie elsewhere: the old
 * content in front, zeros behind. From 2 MiB on no byte is copied and no page is touched.
 * Errors: as pool_acquire; the block is then as before. */
BARKS_CHECKED barks_status *pool_grow_zeroed(struct pool *pool, void *memory, size_t old_bytes,
                                             size_t bytes, void **out);

/* bytes as they were asked for. NULL is fine. */
void pool_release(struct pool *pool, void *memory, size_t bytes);

/* A block of so many bytes stays whoever's it is, for ever: it is counted no more, is not given to
 * anybody else, and stays mapped. */
void pool_abandon(struct pool *pool, size_t bytes);

/* What a request for bytes takes from the budget; SIZE_MAX where it can never be met. Whoever wants
 * all of a block asks for pool_size_class(bytes). */
size_t pool_size_class(size_t bytes);

/* Counts memory that does not come from the pool: MPI's buffers, decompressors, writers.
 * Errors: BARKS_LIMIT. */
BARKS_CHECKED barks_status *pool_reserve(struct pool *pool, uint64_t bytes);
void pool_unreserve(struct pool *pool, uint64_t bytes);

/* Gives back what it can of the first front_bytes of a block, whose user has read them and needs
 * only the rest: whole extents, never all. Returns how many bytes; the rest is released as a block
 * of so many bytes less at so many bytes further on. */
size_t pool_release_front(struct pool *pool, void *memory, size_t bytes, size_t front_bytes);

/* Has the givers give until bytes are free, for who needs a reserve more than memory now. */
void pool_make_room(struct pool *pool, uint64_t bytes);

/* Sets bytes aside for what this thread takes next of the pool, in place of what it had set aside
 * before: so two threads do not count on the same memory. False: there is no room, even after the
 * givers gave; nothing is set aside then. A thread has one claim, and gives it up in the end. */
bool pool_claim(struct pool *pool, uint64_t bytes);
void pool_unclaim(struct pool *pool);

/* This thread puts on disk what it holds itself. What that takes (a few rows, encoded and
 * compressed) may pass the budget meanwhile, as one thread at a time does so. False: it gives
 * already, or holds a lock. */
bool pool_begin_giving(struct pool *pool);
void pool_end_giving(struct pool *pool);

/* Between them a call that finds no memory, and no lock held, waits while others that work so may
 * still free some: until all of them wait. */
void pool_begin_work(struct pool *pool);
void pool_end_work(struct pool *pool);
/* Less than a quarter of the budget is free: who can put something on disk does. */
bool pool_is_tight(const struct pool *pool);

uint64_t pool_used_bytes(const struct pool *pool); /* blocks and reservations */
uint64_t pool_peak_bytes(const struct pool *pool); /* the most that was ever used */
uint64_t pool_budget_bytes(const struct pool *pool);
uint64_t pool_mapped_bytes(const struct pool *pool); /* from the kernel, idle or in use */

/* The n-th next acquire (1: the next one) fails with BARKS_NO_MEMORY, for tests of error paths; 0:
 * none. */
void pool_fail_after(struct pool *pool, uint64_t n);
