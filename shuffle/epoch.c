/* When executors are lost: the others go on among themselves.
 *
 * Each gives up the round that it waits for and forgets what it has not taken whole of the others'
 * streams. In the first round of the epoch all tell each other how many frames they have taken
 * (ENTRY_RESUMES), and each goes on sending with the first that its peer lacks. Nothing is sent in
 * that round itself, which may be given up like any other: the numbers are still true then. */
#include "base/pool.h"
#include "shuffle/exchange_state.h"

#include <inttypes.h>
#include <stdlib.h>

/* What exchanges have left behind, reachable for leak checkers. */
static _Atomic(struct abandoned *) left_behind __attribute__((used));

void exchange_leave_abandoned(struct exchange *exchange)
{
    while (exchange->abandoned != NULL) {
        struct abandoned *left = exchange->abandoned;
        exchange->abandoned = left->next;
        if (left->pool_bytes > 0)
            pool_abandon(exchange->options.pool, left->pool_bytes);
        left->next = atomic_load_explicit(&left_behind, memory_order_relaxed);
        while (!atomic_compare_exchange_weak_explicit(&left_behind, &left->next, left,
                                                      memory_order_relaxed, memory_order_relaxed))
            ;
    }
}

/* ---- memory that a round has taken with it ---- */

BARKS_CHECKED static barks_status *abandon(struct exchange *exchange, void *memory,
                                           size_t pool_bytes)
{
    struct abandoned *abandoned = calloc(1, sizeof *abandoned);
    if (abandoned == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to note what a round has taken with it");
    *abandoned = (struct abandoned){exchange->abandoned, memory, pool_bytes};
    exchange->abandoned = abandoned;
    return NULL;
}

BARKS_CHECKED static barks_status *renew_bytes(struct exchange *exchange, uint8_t **bytes)
{
    void *renewed = NULL;
    if (exchange->set_bytes == 0)
        return NULL;
    BARKS_TRY_DOING(pool_acquire(exchange->options.pool, exchange->set_bytes, &renewed),
                    "make other round buffers after an executor was lost");
    barks_status *status = abandon(exchange, *bytes, exchange->set_bytes);
    if (status != NULL) {
        pool_release(exchange->options.pool, renewed, exchange->set_bytes);
        return status;
    }
    *bytes = renewed;
    return NULL;
}

/* Another array of so many bytes for each executor. */
BARKS_CHECKED static barks_status *renew_array(struct exchange *exchange, void *array,
                                               size_t entry_bytes, void **out)
{
    *out = calloc(exchange->count, entry_bytes);
    if (*out == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the sizes of a round");
    barks_status *status = abandon(exchange, array, 0);
    if (status != NULL)
        free(*out);
    return status;
}

BARKS_CHECKED static barks_status *renew_sizes(struct exchange *exchange,
                                               struct net_round_size **sizes)
{
    void *renewed = NULL;
    BARKS_TRY(renew_array(exchange, *sizes, sizeof **sizes, &renewed));
    *sizes = renewed;
    return NULL;
}

BARKS_CHECKED static barks_status *renew_pieces(struct exchange *exchange,
                                                struct net_piece **pieces)
{
    void *renewed = NULL;
    BARKS_TRY(renew_array(exchange, *pieces, sizeof **pieces, &renewed));
    *pieces = renewed;
    return NULL;
}

/* What the outstanding phase uses. */
BARKS_CHECKED static barks_status *renew_round(struct exchange *exchange)
{
    struct send_set *sent = &exchange->send[1 - exchange->filling];
    if (exchange->state == EXCHANGE_SIZES) {
        BARKS_TRY(renew_sizes(exchange, &exchange->send_sizes));
        return renew_sizes(exchange, &exchange->receive_sizes);
    }
    BARKS_TRY(renew_bytes(exchange, &sent->bytes));
    BARKS_TRY(renew_bytes(exchange, &exchange->receive[exchange->arriving_set].bytes));
    BARKS_TRY(renew_pieces(exchange, &sent->pieces));
    return renew_pieces(exchange, &exchange->arriving_pieces);
}

/* ---- the epoch ---- */

/* A failure that is not told yet stays: it closes the first burst. */
static void stop_round(struct exchange *exchange)
{
    for (uint32_t i = 0; i < exchange->count; i++) {
        if (i != exchange->me)
            inbox_drop(&exchange->inboxes[i]);
        exchange->send[0].pieces[i].bytes = exchange->send[1].pieces[i].bytes = 0;
    }
    exchange->state = EXCHANGE_IDLE;
    exchange->burst = exchange->started_burst = exchange->told_burst = 0;
    exchange->sequence = 0;
    exchange->waiting_count = 0;
    exchange->stalled_rounds = 0;
    exchange->round_not_before_ns = 0;
    exchange->is_stalled = exchange->stalled_too_long = exchange->burst_goes_on = false;
    exchange->has_moved = false;
    exchange->closing_rank = 0;
    exchange->resumes = true;
    reset_credits(exchange);
    atomic_store_explicit(&exchange->waiting_since_ns, 0, memory_order_relaxed);
}

barks_status *exchange_begin_epoch(struct exchange *exchange, uint32_t epoch, const bool *is_lost)
{
    bool gave_up = false;
    if (!exchange->options.retains)
        BARKS_FAIL(BARKS_INVALID,
                   "executor %u was not told to keep what it sends, so it cannot go on without "
                   "those that were lost",
                   exchange->me + 1);
    if (exchange->is_broken)
        BARKS_FAIL(BARKS_LOST, "the exchange ended with an earlier error of the network");
    exchange->is_broken = true; /* unless all of this succeeds */
    BARKS_TRY(net_epoch_begin(exchange->options.net, epoch, is_lost, &gave_up));
    if (gave_up)
        BARKS_TRY(renew_round(exchange));
    stop_round(exchange);
    outbox_lose(&exchange->outbox, is_lost + 1);
    exchange->is_broken = false;
    return NULL;
}

barks_status *exchange_move_slot(struct exchange *exchange, uint64_t shuffle, uint32_t slot,
                                 uint32_t holder)
{
    if (slot == 0 || slot > exchange->count || holder == 0 || holder > exchange->count)
        BARKS_FAIL(BARKS_INVALID,
                   "slot %u of shuffle %" PRIu64 " goes to %u; executors are 1 to %u", slot,
                   shuffle, holder, exchange->count);
    return outbox_move_slot(&exchange->outbox, shuffle, slot, holder - 1);
}

/* ---- its first sizes ---- */

static uint32_t generation_of(const struct exchange *exchange, uint32_t i)
{
    return exchange->receive_sizes[i].flags >> ENTRY_FLAG_BITS;
}

BARKS_CHECKED static barks_status *find_newest(const struct exchange *exchange,
                                               uint32_t *out_newest, uint32_t *out_rank)
{
    *out_newest = exchange->generation;
    *out_rank = exchange->me + 1;
    for (uint32_t i = 0; i < exchange->count; i++) {
        if (is_lost(exchange, i))
            continue;
        if ((exchange->receive_sizes[i].flags & ENTRY_RESUMES) == 0)
            BARKS_FAIL(BARKS_INTERNAL, "executor %u goes on without having begun the epoch", i + 1);
        if (generation_of(exchange, i) > *out_newest) {
            *out_newest = generation_of(exchange, i);
            *out_rank = i + 1;
        }
    }
    return NULL;
}

/* Who did not see the end of a closing round ends this burst as if it were that one; that it closes
 * says nothing new to those who did. All see alike that somebody is behind. */
BARKS_CHECKED static barks_status *compare_generations(struct exchange *exchange,
                                                       uint32_t *out_newest)
{
    uint32_t newest = 0, newest_rank = 0;
    BARKS_TRY(find_newest(exchange, &newest, &newest_rank));
    exchange->closing_rank = 0;
    for (uint32_t i = 0; i < exchange->count; i++) {
        bool is_behind = !is_lost(exchange, i) && generation_of(exchange, i) != newest;
        bool closes = (exchange->receive_sizes[i].flags & ENTRY_CLOSING) != 0;
        exchange->burst_goes_on = exchange->burst_goes_on && !is_behind;
        if (closes && !is_behind && !is_lost(exchange, i) && exchange->closing_rank == 0)
            exchange->closing_rank = i + 1;
    }
    exchange->next_generation = exchange->closing_rank != 0 ? newest + 1 : newest;
    if (exchange->closing_rank == 0 && exchange->generation != newest)
        exchange->closing_rank = newest_rank;
    *out_newest = newest;
    return NULL;
}

barks_status *exchange_resume(struct exchange *exchange)
{
    uint32_t newest = 0;
    exchange->resumes = false;
    BARKS_TRY(compare_generations(exchange, &newest));
    if (exchange->closing_rank != 0)
        return NULL; /* it forgets all of it, at the end of this round */
    for (uint32_t i = 0; i < exchange->count; i++) {
        bool is_behind = generation_of(exchange, i) != newest;
        if (i != exchange->me && !is_lost(exchange, i))
            BARKS_TRY(outbox_resume(&exchange->outbox, i,
                                    is_behind ? 0 : exchange->receive_sizes[i].credit_bytes));
    }
    return NULL;
}
