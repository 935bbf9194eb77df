#include "shuffle/exchange.h"

#include "base/clock.h"
#include "base/pool.h"
#include "shuffle/exchange_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ROUND_BYTES_USUAL = 4 << 20, /* for each peer: more gains nothing on any transport */
    SETS_PER_BUDGET = 64,        /* a set takes at most this part of the budget */
    STALLED_ROUNDS_USUAL = 500,  /* some 15 s */
};
#define LINGER_NS_USUAL (2 * NS_PER_MS)

static uint64_t usual_round_bytes(const struct exchange_options *options, uint32_t peers)
{
    uint64_t bytes = options->round_bytes_per_peer;
    if (peers == 0)
        return bytes;
    if (bytes == 0) {
        bytes =
            smaller(ROUND_BYTES_USUAL, pool_budget_bytes(options->pool) / SETS_PER_BUDGET / peers);
        bytes = bytes / POOL_ALIGNMENT * POOL_ALIGNMENT;
        if (bytes < ROUND_BYTES_FIRST)
            bytes = ROUND_BYTES_FIRST;
    }
    return smaller(bytes, NET_ROUND_BYTES_MAX / peers);
}

BARKS_CHECKED static barks_status *create_sets(struct exchange *exchange)
{
    struct pool *pool = exchange->options.pool;
    void *bytes = NULL;
    if (exchange->options.retains) {
        BARKS_TRY_DOING(pool_acquire(pool, OWN_BYTES, &bytes), "make a buffer for its own frames");
        exchange->own_bytes = bytes;
    }
    if (exchange->set_bytes == 0)
        return NULL;
    for (uint32_t i = 0; i < 2; i++) {
        BARKS_TRY_DOING(pool_acquire(pool, exchange->set_bytes, &bytes), "make round buffers");
        exchange->send[i].bytes = bytes;
    }
    for (uint32_t i = 0; i < RECEIVE_SETS; i++) {
        BARKS_TRY_DOING(pool_acquire(pool, exchange->set_bytes, &bytes), "make round buffers");
        exchange->receive[i].bytes = bytes;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *create_parts(struct exchange *exchange)
{
    uint32_t count = exchange->count;
    bool whole = true;
    exchange->inboxes = calloc(count, sizeof *exchange->inboxes);
    exchange->send_sizes = calloc(count, sizeof *exchange->send_sizes);
    exchange->receive_sizes = calloc(count, sizeof *exchange->receive_sizes);
    exchange->credits = calloc(count, sizeof *exchange->credits);
    exchange->taken_counts = calloc(count, sizeof *exchange->taken_counts);
    exchange->arriving_pieces = calloc(count, sizeof *exchange->arriving_pieces);
    for (uint32_t i = 0; i < 2; i++) {
        exchange->send[i].pieces = calloc(count, sizeof *exchange->send[i].pieces);
        whole = whole && exchange->send[i].pieces != NULL;
    }
    for (uint32_t i = 0; i < RECEIVE_SETS; i++) {
        exchange->receive[i].pieces = calloc(count, sizeof *exchange->receive[i].pieces);
        whole = whole && exchange->receive[i].pieces != NULL;
    }
    if (!whole || exchange->inboxes == NULL || exchange->send_sizes == NULL ||
        exchange->receive_sizes == NULL || exchange->credits == NULL ||
        exchange->taken_counts == NULL || exchange->arriving_pieces == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the exchange of %u executors", count);
    for (uint32_t i = 0; i < count; i++)
        exchange->inboxes[i] = (struct inbox){.pool = exchange->options.pool, .rank = i + 1};
    reset_credits(exchange);
    BARKS_TRY(create_sets(exchange));
    return outbox_init(&exchange->outbox, &exchange->options, count, exchange->me);
}

barks_status *exchange_create(const struct exchange_options *options,
                              struct exchange **out_exchange)
{
    if (options->net->rank == 0)
        BARKS_FAIL(BARKS_INVALID, "the driver takes no part in exchanges");
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an exchange");
    exchange->options = *options;
    exchange->count = options->net->size - 1;
    exchange->me = options->net->rank - 1;
    exchange->options.round_bytes_per_peer = usual_round_bytes(options, peer_count(exchange));
    exchange->set_bytes =
        (size_t)peer_count(exchange) * (size_t)exchange->options.round_bytes_per_peer;
    if (options->linger_ns == 0)
        exchange->options.linger_ns = LINGER_NS_USUAL;
    if (options->stalled_rounds_max == 0)
        exchange->options.stalled_rounds_max = STALLED_ROUNDS_USUAL;
    barks_status *status = create_parts(exchange);
    if (status != NULL) {
        exchange_destroy(exchange);
        return status;
    }
    *out_exchange = exchange;
    return NULL;
}

/* Those that ended amid a round, reachable for leak checkers. */
static _Atomic(struct exchange *) left_behind __attribute__((used));

static void leave_behind(struct exchange *exchange)
{
    exchange->next = atomic_load_explicit(&left_behind, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&left_behind, &exchange->next, exchange,
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

/* Does the outstanding phase of a round use it? Then peers may still read it, and net write to it.
 */
static bool is_in_use(const struct exchange *exchange, const void *memory)
{
    const struct send_set *sent = &exchange->send[1 - exchange->filling];
    if (exchange->state == EXCHANGE_SIZES)
        return memory == exchange->send_sizes || memory == exchange->receive_sizes;
    return exchange->state == EXCHANGE_PAYLOAD &&
           (memory == sent->bytes || memory == sent->pieces ||
            memory == exchange->receive[exchange->arriving_set].bytes ||
            memory == exchange->arriving_pieces);
}

static void let_go(const struct exchange *exchange, void *memory)
{
    if (!is_in_use(exchange, memory))
        free(memory);
}

static void let_go_set(const struct exchange *exchange, void *bytes, struct net_piece *pieces)
{
    if (bytes != NULL && is_in_use(exchange, bytes))
        pool_abandon(exchange->options.pool, exchange->set_bytes);
    else
        pool_release(exchange->options.pool, bytes, exchange->set_bytes);
    let_go(exchange, pieces);
}

void exchange_destroy(struct exchange *exchange)
{
    if (exchange == NULL)
        return;
    for (uint32_t i = 0; exchange->inboxes != NULL && i < exchange->count; i++)
        inbox_drop(&exchange->inboxes[i]);
    for (uint32_t i = 0; i < 2; i++)
        let_go_set(exchange, exchange->send[i].bytes, exchange->send[i].pieces);
    for (uint32_t i = 0; i < RECEIVE_SETS; i++)
        let_go_set(exchange, exchange->receive[i].bytes, exchange->receive[i].pieces);
    pool_release(exchange->options.pool, exchange->own_bytes, OWN_BYTES);
    exchange_leave_abandoned(exchange);
    outbox_drop(&exchange->outbox);
    free(exchange->taken_counts);
    free(exchange->inboxes);
    let_go(exchange, exchange->send_sizes);
    let_go(exchange, exchange->receive_sizes);
    free(exchange->credits);
    let_go(exchange, exchange->arriving_pieces);
    barks_status_free(exchange->failure);
    if (exchange->state == EXCHANGE_SIZES || exchange->state == EXCHANGE_PAYLOAD)
        leave_behind(exchange);
    else
        free(exchange);
}

barks_status *exchange_add(struct exchange *exchange, uint64_t shuffle, uint32_t run,
                           uint32_t attempt, uint32_t partition, uint32_t owner,
                           struct batch *batch)
{
    return outbox_add(&exchange->outbox,
                      (struct frame_name){.shuffle = shuffle,
                                          .run = run,
                                          .attempt = attempt,
                                          .partition = partition,
                                          .slot = owner},
                      batch);
}

barks_status *exchange_add_packed(struct exchange *exchange, const struct frame_name *name,
                                  const struct packed_rows *rows)
{
    return outbox_add_packed(&exchange->outbox, *name, rows);
}

barks_status *exchange_begin_shuffle(struct exchange *exchange, uint64_t shuffle,
                                     const struct exchange_share *share)
{
    return outbox_begin_shuffle(&exchange->outbox, shuffle, share);
}

/* Those for this executor itself; the attempt keeps what a failure leaves. */
BARKS_CHECKED static barks_status *deliver_own(struct exchange *exchange,
                                               struct out_attempt *attempt)
{
    while (attempt->own_first != NULL) {
        struct frame *frame = attempt->own_first;
        attempt->own_first = frame->next;
        frame->next = NULL;
        BARKS_TRY(exchange->options.deliver(exchange->options.context, frame));
    }
    return NULL;
}

barks_status *exchange_end_attempt(struct exchange *exchange, uint64_t shuffle, uint32_t run,
                                   uint32_t attempt, bool good, struct exchange_sent *out_sent)
{
    struct out_attempt *ended = outbox_take_attempt(&exchange->outbox, shuffle, run, attempt);
    barks_status *status = NULL;
    if (good && ended != NULL) {
        status = deliver_own(exchange, ended);
        if (status == NULL) {
            outbox_queue(&exchange->outbox, ended);
            net_wake(exchange->options.net);
        }
    }
    for (uint32_t i = 0; good && status == NULL && i < exchange->count; i++) {
        out_sent[i] = ended != NULL ? ended->sent[i] : (struct exchange_sent){0};
        out_sent[i].executor = i + 1;
    }
    outbox_destroy_attempt(&exchange->outbox, ended);
    return status;
}

void exchange_drop_shuffle(struct exchange *exchange, uint64_t shuffle)
{
    outbox_drop_shuffle(&exchange->outbox, shuffle);
}

uint64_t exchange_waiting_since_ns(struct exchange *exchange)
{
    return atomic_load_explicit(&exchange->waiting_since_ns, memory_order_relaxed);
}

void exchange_describe_wait(struct exchange *exchange, char *out, size_t out_bytes)
{
    uint32_t what = atomic_load_explicit(&exchange->waiting_what, memory_order_relaxed);
    (void)snprintf(out, out_bytes, "the %s of round %u", what % 2 != 0 ? "payload" : "sizes",
                   what / 2);
}

static uint64_t read_counter(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

struct exchange_counters exchange_counters(struct exchange *exchange)
{
    return (struct exchange_counters){
        .rounds = read_counter(&exchange->rounds),
        .frames_sent = read_counter(&exchange->frames_sent),
        .bytes_sent = read_counter(&exchange->bytes_sent),
        .frames_received = read_counter(&exchange->frames_received),
        .bytes_received = read_counter(&exchange->bytes_received),
        .queued_bytes = outbox_queued_bytes(&exchange->outbox),
        .resent_bytes = outbox_resent_bytes(&exchange->outbox),
    };
}
