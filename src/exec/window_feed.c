#include "exec/window_feed.h"

static barks_status *feed_more(struct group_feed *base, struct group_rows *out_rows);
static barks_status *feed_rewind(struct group_feed *base, struct group_rows *out_rows);

barks_status *window_feed_init(struct window_feed *feed, struct group_caller *caller,
                               const struct placed_rows *placed, const struct spill_room *room,
                               uint64_t kept_bytes_max)
{
    *feed = (struct window_feed){.feed = {.more = feed_more, .rewind = feed_rewind},
                                 .caller = caller,
                                 .placed = placed,
                                 .kept_bytes_max = kept_bytes_max};
    feed->strings = (struct mapped_strings){.base.take = mapped_strings_take, .room = room};
    return batch_create(room->pool, placed->schema, 1, &feed->slice);
}

void window_feed_clear(struct window_feed *feed)
{
    mapped_strings_drop(&feed->strings);
    batch_clear(feed->slice);
}

void window_feed_drop(struct window_feed *feed)
{
    mapped_strings_drop(&feed->strings);
    batch_destroy(feed->slice);
    *feed = (struct window_feed){0};
}

static struct group_rows rows_at_hand(struct window_feed *feed)
{
    uint64_t begin = placed_rows_piece_begin(feed->placed, feed->piece);
    uint64_t end = feed->placed->piece_ends[feed->piece];
    return (struct group_rows){
        .rows = feed->slice,
        .first = feed->begin > begin ? (uint32_t)(feed->begin - begin) : 0,
        .end = (uint32_t)((feed->end < end ? feed->end : end) - begin),
        .feed = &feed->feed,
    };
}

BARKS_CHECKED static barks_status *load(struct window_feed *feed, uint32_t piece)
{
    batch_clear(feed->slice);
    feed->piece = piece;
    BARKS_TRY(row_run_read(&feed->placed->run, piece, feed->slice));
    if (group_caller_kept_bytes(feed->caller) >= feed->kept_bytes_max)
        BARKS_TRY(batch_move_strings(feed->slice, &feed->strings.base));
    group_caller_lend(feed->caller, 0, feed->slice);
    return NULL;
}

/* The body may still look at strings of the piece that it leaves. */
BARKS_CHECKED static barks_status *leave_for(struct window_feed *feed, uint32_t piece)
{
    BARKS_TRY(group_caller_keep(feed->caller, feed->slice));
    return load(feed, piece);
}

static barks_status *feed_more(struct group_feed *base, struct group_rows *out_rows)
{
    struct window_feed *feed = (struct window_feed *)base;
    out_rows->first = out_rows->end;
    if (feed->placed->piece_ends[feed->piece] >= feed->end)
        return NULL;
    BARKS_TRY(leave_for(feed, feed->piece + 1));
    *out_rows = rows_at_hand(feed);
    return NULL;
}

static barks_status *feed_rewind(struct group_feed *base, struct group_rows *out_rows)
{
    struct window_feed *feed = (struct window_feed *)base;
    uint32_t first = placed_rows_piece(feed->placed, feed->begin);
    if (feed->piece != first)
        BARKS_TRY(leave_for(feed, first));
    *out_rows = rows_at_hand(feed);
    return NULL;
}

barks_status *window_feed_call(struct window_feed *feed, uint64_t begin, uint64_t end)
{
    feed->begin = begin;
    feed->end = end;
    BARKS_TRY(load(feed, placed_rows_piece(feed->placed, begin)));
    const struct group_rows window = rows_at_hand(feed);
    BARKS_TRY(group_caller_call(feed->caller, &window));
    return group_caller_flush(feed->caller);
}
