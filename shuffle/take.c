/* Taking apart what has arrived, from others and from oneself. */
#include "shuffle/exchange_state.h"

/* Takes apart what waits of one peer in one set, at most *left_bytes of it. */
BARKS_CHECKED static barks_status *take_piece(struct exchange *exchange, struct receive_set *set,
                                              uint32_t i, size_t *left_bytes, bool *out_is_stalled)
{
    struct net_piece *piece = &set->pieces[i];
    *out_is_stalled = false;
    while (piece->bytes > 0 && *left_bytes > 0 && !*out_is_stalled) {
        size_t taken = 0;
        struct frame *frame = NULL;
        BARKS_TRY(inbox_take(&exchange->inboxes[i], set->bytes + piece->offset_bytes,
                             (size_t)smaller(piece->bytes, *left_bytes), &taken, &frame,
                             out_is_stalled));
        piece->offset_bytes += taken;
        piece->bytes -= taken;
        *left_bytes -= taken;
        if (frame == NULL)
            continue;
        add_to(&exchange->frames_received, 1);
        exchange->taken_counts[i]++;
        BARKS_TRY(exchange->options.deliver(exchange->options.context, frame));
    }
    return NULL;
}

/* Whether an older set has something of this peer, which must be taken first. */
static bool is_behind(const struct exchange *exchange, uint32_t waiting_index, uint32_t i)
{
    for (uint32_t older = 0; older < waiting_index; older++)
        if (exchange->receive[exchange->waiting_sets[older]].pieces[i].bytes > 0)
            return true;
    return false;
}

static bool is_empty(const struct exchange *exchange, const struct receive_set *set)
{
    for (uint32_t i = 0; i < exchange->count; i++)
        if (set->pieces[i].bytes > 0)
            return false;
    return true;
}

/* Takes apart at most a slice of what waits, oldest first; one peer's lack of memory does not hold
 * up another's small frames. */
bool exchange_take_arrived(struct exchange *exchange)
{
    if (exchange->waiting_count == 0)
        return false;
    size_t left_bytes = SLICE_BYTES;
    bool any_stalled = false;
    for (uint32_t w = 0; w < exchange->waiting_count && exchange->failure == NULL; w++) {
        struct receive_set *set = &exchange->receive[exchange->waiting_sets[w]];
        for (uint32_t i = 0; i < exchange->count && left_bytes > 0; i++) {
            if (set->pieces[i].bytes == 0 || is_behind(exchange, w, i))
                continue;
            bool is_stalled = false;
            barks_status *status = take_piece(exchange, set, i, &left_bytes, &is_stalled);
            any_stalled = any_stalled || is_stalled;
            if (status != NULL) {
                exchange_fail(exchange, status);
                break;
            }
        }
    }
    uint32_t kept_count = 0;
    for (uint32_t w = 0; w < exchange->waiting_count && exchange->failure == NULL; w++)
        if (!is_empty(exchange, &exchange->receive[exchange->waiting_sets[w]]))
            exchange->waiting_sets[kept_count++] = exchange->waiting_sets[w];
    exchange->waiting_count = kept_count;
    exchange->is_stalled = any_stalled && exchange->failure == NULL;
    bool moved = left_bytes < SLICE_BYTES;
    exchange->has_moved = exchange->has_moved || moved;
    return moved;
}

/* ---- oneself ---- */

/* An heir gets what it has itself for the slot of a lost executor as if it came from another. */
BARKS_CHECKED static barks_status *take_own(struct exchange *exchange, size_t *left_bytes)
{
    struct net_piece *piece = &exchange->own_piece;
    exchange->is_own_stalled = false;
    while (*left_bytes > 0 && !exchange->is_own_stalled) {
        size_t taken = 0;
        uint64_t frame_count = 0;
        struct frame *frame = NULL;
        if (piece->bytes == 0) {
            piece->offset_bytes = 0;
            BARKS_TRY(outbox_fill(&exchange->outbox, exchange->me, exchange->own_bytes, OWN_BYTES,
                                  &piece->bytes, &frame_count));
        }
        if (piece->bytes == 0)
            break;
        BARKS_TRY(inbox_take(
            &exchange->inboxes[exchange->me], exchange->own_bytes + piece->offset_bytes,
            (size_t)smaller(piece->bytes, *left_bytes), &taken, &frame, &exchange->is_own_stalled));
        piece->offset_bytes += taken;
        piece->bytes -= taken;
        *left_bytes -= taken;
        if (frame != NULL)
            BARKS_TRY(exchange->options.deliver(exchange->options.context, frame));
    }
    return NULL;
}

bool exchange_has_own(struct exchange *exchange)
{
    return exchange->options.retains &&
           (exchange->own_piece.bytes > 0 || outbox_has_own(&exchange->outbox));
}

bool exchange_take_own(struct exchange *exchange)
{
    size_t left_bytes = SLICE_BYTES;
    if (exchange->failure != NULL || !exchange_has_own(exchange))
        return false;
    barks_status *status = take_own(exchange, &left_bytes);
    if (status != NULL) {
        exchange->is_own_stalled = false;
        exchange_fail(exchange, status);
    }
    bool moved = left_bytes < SLICE_BYTES;
    exchange->has_moved = exchange->has_moved || moved;
    return moved;
}
