/* Bursts of rounds. Every size entry of a round carries to all executors alike:
 *
 *     MORE      this executor wants another round after this one
 *     MOVED     since its last entry it sent, received or took something
 *     CLOSING   it has failed: all end the burst after this round, and begin anew
 *     RESUMES   it has begun an epoch, and says how many frames it has of the receiver's stream
 *
 * and how often it has begun anew, which differs where executors were lost in a closing round: who
 * is behind then ends the burst likewise.
 *
 * Since all see the same flags, all draw the same conclusions after the same round. A round's
 * credit is what its sender promised in the round before: at most what fits its receive set, and
 * nothing where no set is sure to be free.
 *
 * While the sizes of a round are on their way, what the round before brought is taken apart; while
 * its payload is, the next round is filled. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/pool.h"
#include "shuffle/exchange_state.h"

#include <inttypes.h>

enum {
    CREDIT_SHARE = 16,          /* of the budget: what should be free for what others send */
    CREDIT_BYTES_MIN = 4 << 10, /* less is not worth a round */
    STALL_DOUBLINGS = 5,        /* stalled rounds wait 1 ms, doubling up to 32 ms */
};

/* Where the stretch of an executor begins in a set; there is none for oneself. */
static size_t stretch_of(const struct exchange *exchange, uint32_t i)
{
    return (size_t)(i > exchange->me ? i - 1 : i) * exchange->options.round_bytes_per_peer;
}

static bool is_worth_a_round(struct exchange *exchange)
{
    uint64_t many_bytes = exchange->options.round_bytes_per_peer / 4 + 1;
    return outbox_is_worth(&exchange->outbox, many_bytes, exchange->options.linger_ns);
}

static bool wants_more(struct exchange *exchange)
{
    return exchange->is_stalled || exchange->is_own_stalled || exchange->resumes ||
           is_worth_a_round(exchange);
}

bool exchange_wants_burst(struct exchange *exchange, uint64_t *out_burst)
{
    uint64_t next = exchange->burst + 1;
    if (exchange->state != EXCHANGE_IDLE || exchange->started_burst >= next ||
        exchange->told_burst >= next)
        return false;
    if (exchange->failure == NULL && !wants_more(exchange))
        return false;
    exchange->told_burst = next;
    *out_burst = next;
    return true;
}

void exchange_start_burst(struct exchange *exchange, uint64_t burst)
{
    if (burst > exchange->started_burst)
        exchange->started_burst = burst;
}

void exchange_fail(struct exchange *exchange, barks_status *status)
{
    if (exchange->failure == NULL)
        exchange->failure = status;
    else
        barks_status_free(status);
}

barks_status *exchange_take_failure(struct exchange *exchange)
{
    barks_status *failure = exchange->failure;
    exchange->failure = NULL;
    return failure;
}

/* Everything on its way to or from others is forgotten, and credits are as at the beginning. All
 * executors do this after the same round, so their streams begin anew alike. */
static void begin_anew(struct exchange *exchange)
{
    outbox_drop_all(&exchange->outbox);
    exchange->own_piece.bytes = 0;
    exchange->is_own_stalled = false;
    exchange->generation = exchange->next_generation;
    for (uint32_t i = 0; i < exchange->count; i++) {
        inbox_drop(&exchange->inboxes[i]);
        exchange->taken_counts[i] = 0;
        exchange->send[0].pieces[i].bytes = exchange->send[1].pieces[i].bytes = 0;
    }
    exchange->waiting_count = 0;
    exchange->is_stalled = false;
    exchange->has_moved = false;
    reset_credits(exchange);
}

/* Copies for the peers that have credit into the set that is being filled, at most a slice. */
static bool fill_slice(struct exchange *exchange)
{
    struct send_set *set = &exchange->send[exchange->filling];
    size_t left_bytes = SLICE_BYTES;
    if (exchange->failure != NULL || exchange->resumes ||
        outbox_queued_bytes(&exchange->outbox) == 0)
        return false;
    for (uint32_t step = 1; step < exchange->count && left_bytes > 0; step++) {
        uint32_t i = (exchange->me + step) % exchange->count;
        struct net_piece *piece = &set->pieces[i];
        uint64_t limit = smaller(exchange->credits[i], exchange->options.round_bytes_per_peer);
        if (piece->bytes >= limit)
            continue;
        uint64_t frame_count = 0;
        size_t filled_bytes = 0;
        size_t room_bytes = (size_t)smaller(limit - piece->bytes, left_bytes);
        piece->offset_bytes = stretch_of(exchange, i);
        barks_status *status =
            outbox_fill(&exchange->outbox, i, set->bytes + piece->offset_bytes + piece->bytes,
                        room_bytes, &filled_bytes, &frame_count);
        if (status != NULL) {
            exchange_fail(exchange, status);
            return false;
        }
        piece->bytes += filled_bytes;
        left_bytes -= filled_bytes;
        add_to(&exchange->bytes_sent, filled_bytes);
        add_to(&exchange->frames_sent, frame_count);
    }
    return left_bytes < SLICE_BYTES;
}

/* What each peer may send in the round after this one. Where memory is used up, what waits to be
 * read makes room: else nobody could send, and nobody would ask for memory. */
static uint64_t credit(const struct exchange *exchange)
{
    uint32_t free_sets = RECEIVE_SETS - exchange->waiting_count;
    uint32_t needed_sets = 1 + (uint32_t)exchange->has_promised;
    if (exchange->failure != NULL || free_sets < needed_sets || peer_count(exchange) == 0)
        return 0;
    uint64_t budget_bytes = pool_budget_bytes(exchange->options.pool);
    pool_make_room(exchange->options.pool, budget_bytes / CREDIT_SHARE);
    uint64_t used_bytes = pool_used_bytes(exchange->options.pool);
    uint64_t left_bytes = budget_bytes > used_bytes ? budget_bytes - used_bytes : 0;
    uint64_t each_bytes = left_bytes / 2 / peer_count(exchange);
    if (each_bytes < CREDIT_BYTES_MIN)
        return 0;
    return smaller(each_bytes, exchange->options.round_bytes_per_peer);
}

static void begin_wait(struct exchange *exchange, uint32_t is_payload)
{
    atomic_store_explicit(&exchange->waiting_what, exchange->sequence * 2 + is_payload,
                          memory_order_relaxed);
    atomic_store_explicit(&exchange->waiting_since_ns, monotonic_ns(), memory_order_relaxed);
}

static void end_wait(struct exchange *exchange)
{
    atomic_store_explicit(&exchange->waiting_since_ns, 0, memory_order_relaxed);
}

BARKS_CHECKED static barks_status *begin_sizes(struct exchange *exchange)
{
    while (fill_slice(exchange))
        ;
    const struct send_set *set = &exchange->send[exchange->filling];
    uint64_t promise = credit(exchange);
    uint32_t flags = 0;
    for (uint32_t i = 0; i < exchange->count; i++)
        exchange->has_moved = exchange->has_moved || set->pieces[i].bytes > 0;
    if (exchange->failure != NULL)
        flags |= ENTRY_CLOSING;
    else if (wants_more(exchange))
        flags |= ENTRY_MORE;
    if (exchange->has_moved)
        flags |= ENTRY_MOVED;
    if (exchange->resumes)
        flags |= ENTRY_RESUMES;
    flags |= exchange->generation << ENTRY_FLAG_BITS;
    exchange->sequence++;
    for (uint32_t i = 0; i < exchange->count; i++)
        exchange->send_sizes[i] = (struct net_round_size){
            .bytes = set->pieces[i].bytes,
            .credit_bytes = exchange->resumes ? exchange->taken_counts[i] : promise,
            .flags = flags,
            .sequence = exchange->sequence};
    exchange->has_promised = promise > 0 || exchange->resumes; /* then as at the beginning */
    exchange->has_moved = false;
    exchange->state = EXCHANGE_SIZES;
    begin_wait(exchange, 0);
    BARKS_TRY(
        net_sizes_begin(exchange->options.net, exchange->send_sizes, exchange->receive_sizes));
    fault_point(POINT_ROUND_BEGUN);
    return NULL;
}

/* A set with nothing in it, the one that was used last first: its lines are still in the cache. */
static uint32_t free_set(const struct exchange *exchange)
{
    for (uint32_t step = 0; step < RECEIVE_SETS; step++) {
        uint32_t candidate = (exchange->arriving_set + step) % RECEIVE_SETS;
        bool is_free = true;
        for (uint32_t i = 0; i < exchange->waiting_count; i++)
            is_free = is_free && exchange->waiting_sets[i] != candidate;
        if (is_free)
            return candidate;
    }
    return RECEIVE_SETS;
}

/* Draws the conclusions of the flags, which are the same everywhere. */
static void read_flags(struct exchange *exchange)
{
    bool any_more = false, any_moved = false;
    exchange->closing_rank = 0;
    for (uint32_t i = 0; i < exchange->count; i++) {
        uint32_t flags = is_lost(exchange, i) ? 0 : exchange->receive_sizes[i].flags;
        any_more = any_more || (flags & ENTRY_MORE) != 0;
        any_moved = any_moved || (flags & ENTRY_MOVED) != 0;
        if ((flags & ENTRY_CLOSING) != 0 && exchange->closing_rank == 0)
            exchange->closing_rank = i + 1;
    }
    exchange->stalled_rounds = any_more && !any_moved ? exchange->stalled_rounds + 1 : 0;
    exchange->stalled_too_long = exchange->stalled_rounds >= exchange->options.stalled_rounds_max;
    exchange->next_generation = exchange->generation + 1;
    exchange->burst_goes_on =
        any_more && exchange->closing_rank == 0 && !exchange->stalled_too_long;
    exchange->round_not_before_ns = 0;
    if (exchange->stalled_rounds > 0) {
        uint32_t doublings = (uint32_t)smaller(exchange->stalled_rounds - 1, STALL_DOUBLINGS);
        exchange->round_not_before_ns = monotonic_ns() + (NS_PER_MS << doublings);
    }
}

/* How fast the link is, by what it has just done. */
static void end_payload(struct exchange *exchange)
{
    uint64_t since_ns = atomic_load_explicit(&exchange->waiting_since_ns, memory_order_relaxed);
    link_note_round(&exchange->outbox.link, exchange->payload_bytes, monotonic_ns() - since_ns);
    end_wait(exchange);
}

/* The sizes are known: what comes, and what may be sent next. */
BARKS_CHECKED static barks_status *begin_payload(struct exchange *exchange)
{
    uint64_t incoming_bytes = 0, outgoing_bytes = 0;
    read_flags(exchange);
    bool has_resumed = exchange->resumes;
    if (has_resumed)
        BARKS_TRY(exchange_resume(exchange));
    for (uint32_t i = 0; i < exchange->count; i++) {
        const struct net_round_size *size = &exchange->receive_sizes[i];
        if (size->bytes > exchange->options.round_bytes_per_peer ||
            (size->bytes > 0 && (i == exchange->me || free_set(exchange) == RECEIVE_SETS)))
            BARKS_FAIL(BARKS_INTERNAL, "executor %u sends %" PRIu64 " bytes, more than it may",
                       i + 1, size->bytes);
        incoming_bytes += size->bytes;
        if (!has_resumed)
            exchange->credits[i] = size->credit_bytes;
        exchange->arriving_pieces[i] =
            (struct net_piece){stretch_of(exchange, i), (size_t)size->bytes};
    }
    exchange->arriving_bytes = incoming_bytes;
    if (incoming_bytes > 0)
        exchange->arriving_set = free_set(exchange);
    const struct send_set *sent = &exchange->send[exchange->filling];
    for (uint32_t i = 0; i < exchange->count; i++)
        outgoing_bytes += sent->pieces[i].bytes;
    exchange->payload_bytes = outgoing_bytes > incoming_bytes ? outgoing_bytes : incoming_bytes;
    exchange->filling = 1 - exchange->filling;
    exchange->state = EXCHANGE_PAYLOAD;
    begin_wait(exchange, 1);
    BARKS_TRY(net_payload_begin(exchange->options.net, sent->bytes, sent->pieces,
                                exchange->receive[exchange->arriving_set].bytes,
                                exchange->arriving_pieces));
    fault_point(POINT_ROUND_PAYLOAD);
    return NULL;
}

/* Puts what has arrived at the end of what is to be taken apart. */
static void keep_arrived(struct exchange *exchange)
{
    if (exchange->arriving_bytes == 0)
        return;
    struct receive_set *set = &exchange->receive[exchange->arriving_set];
    struct net_piece *old = set->pieces;
    set->pieces = exchange->arriving_pieces;
    exchange->arriving_pieces = old;
    exchange->has_moved = true;
    add_to(&exchange->bytes_received, exchange->arriving_bytes);
    if (exchange->failure == NULL) /* else all that comes until the burst ends is for nothing */
        exchange->waiting_sets[exchange->waiting_count++] = exchange->arriving_set;
}

/* What this executor says when all have found that nothing moves. */
BARKS_CHECKED static barks_status *stalled_status(const struct exchange *exchange)
{
    uint64_t used_bytes = pool_used_bytes(exchange->options.pool);
    uint64_t budget_bytes = pool_budget_bytes(exchange->options.pool);
    if (!exchange->has_promised || exchange->is_stalled || exchange->is_own_stalled)
        BARKS_FAIL(BARKS_LIMIT,
                   "executor %u has no memory for frames of the others: %" PRIu64
                   " bytes of its budget of %" PRIu64 " are in use, and nothing was freed in %u "
                   "rounds; raise --barks-memory",
                   exchange->me + 1, used_bytes, budget_bytes, exchange->stalled_rounds);
    BARKS_FAIL(BARKS_LIMIT,
               "other executors take no more frames: their memory budget is in use, and nothing "
               "was freed in %u rounds; raise --barks-memory",
               exchange->stalled_rounds);
}

/* The burst is over for all. */
BARKS_CHECKED static barks_status *end_burst(struct exchange *exchange)
{
    barks_status *status = exchange->failure;
    bool is_good = exchange->closing_rank == 0 && !exchange->stalled_too_long;
    exchange->state = EXCHANGE_IDLE;
    fault_point(POINT_BURST_ENDED);
    if (is_good)
        return NULL; /* a failure that the others do not know of yet asks for another burst */
    if (status == NULL && exchange->stalled_too_long)
        status = stalled_status(exchange);
    else if (status == NULL)
        status = barks_status_new(BARKS_CANCELLED, NULL, BARKS_HERE,
                                  "executor %u ended the exchange after an error of its own",
                                  exchange->closing_rank);
    exchange->failure = NULL;
    exchange->stalled_rounds = 0;
    exchange->round_not_before_ns = 0;
    begin_anew(exchange);
    return status;
}

BARKS_CHECKED static barks_status *end_round(struct exchange *exchange)
{
    struct send_set *sent = &exchange->send[1 - exchange->filling];
    for (uint32_t i = 0; i < exchange->count; i++)
        sent->pieces[i].bytes = 0;
    add_to(&exchange->rounds, 1);
    keep_arrived(exchange);
    fault_point(POINT_ROUND_ENDED);
    exchange->state = EXCHANGE_BETWEEN;
    return exchange->burst_goes_on ? NULL : end_burst(exchange);
}

/* One step of the burst, if it can be made now. */
BARKS_CHECKED static barks_status *advance(struct exchange *exchange, bool *out_moved,
                                           bool *out_round_ended)
{
    *out_moved = false;
    *out_round_ended = false;
    switch (exchange->state) {
    case EXCHANGE_IDLE:
        if (exchange->started_burst == exchange->burst)
            return NULL;
        exchange->burst++;
        exchange->state = EXCHANGE_BETWEEN;
        *out_moved = true;
        fault_point(POINT_BURST_BEGUN);
        return NULL;
    case EXCHANGE_BETWEEN:
        if (exchange->round_not_before_ns != 0 && monotonic_ns() < exchange->round_not_before_ns)
            return NULL;
        *out_moved = true;
        return begin_sizes(exchange);
    case EXCHANGE_SIZES:
        BARKS_TRY(net_round_test(exchange->options.net, out_moved));
        if (!*out_moved)
            return NULL;
        end_wait(exchange);
        return begin_payload(exchange);
    case EXCHANGE_PAYLOAD:
        BARKS_TRY(net_round_test(exchange->options.net, out_round_ended));
        if (*out_round_ended)
            end_payload(exchange);
        return NULL;
    }
    BARKS_FAIL(BARKS_INTERNAL, "an exchange in state %d", (int)exchange->state);
}

barks_status *exchange_step(struct exchange *exchange, bool *out_busy)
{
    if (exchange->is_broken)
        BARKS_FAIL(BARKS_LOST, "the exchange ended with an earlier error of the network");
    bool moved = true, round_ended = false;
    while (moved && !round_ended) {
        barks_status *status = advance(exchange, &moved, &round_ended);
        if (status != NULL) {
            exchange->is_broken = true;
            end_wait(exchange);
            return status;
        }
        if (round_ended)
            break;
        moved = exchange_take_arrived(exchange) || moved;
        moved = exchange_take_own(exchange) || moved;
        if (exchange->state == EXCHANGE_PAYLOAD && exchange->burst_goes_on)
            moved = fill_slice(exchange) || moved;
    }
    if (round_ended)
        BARKS_TRY(end_round(exchange));
    *out_busy = exchange->state != EXCHANGE_IDLE || exchange->waiting_count > 0 ||
                exchange_has_own(exchange);
    return NULL;
}
