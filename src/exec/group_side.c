#include "exec/group_side.h"

#include "exec/operator.h"

#include <stdlib.h>

/* Of a side's share: strings of rows passed by that may stay in memory for the body. */
enum { KEPT_SHARE = 8 };

/* The keys of input `number`, ascending, then what else rows of input 0 are ordered by. */
BARKS_CHECKED static barks_status *find_order(const struct step *step, uint32_t number,
                                              struct sort_key **out_order, uint32_t *out_count)
{
    const struct index_list *keys = &step->keys[number];
    uint32_t more = number == 0 ? step->order_count : 0;
    struct sort_key *order = calloc((size_t)keys->count + more + 1, sizeof *order);
    if (order == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the order of groups");
    for (uint32_t i = 0; i < keys->count; i++)
        order[i].column = keys->items[i]; /* ascending, nulls last */
    for (uint32_t i = 0; i < more; i++)
        order[keys->count + i] = step->order[i];
    *out_order = order;
    *out_count = keys->count + more;
    return NULL;
}

static barks_status *feed_more(struct group_feed *feed, struct group_rows *out_rows);
static barks_status *feed_rewind(struct group_feed *feed, struct group_rows *out_rows);

barks_status *group_side_init(struct group_side *side, struct task *task, const struct step *step,
                              uint32_t number, const barks_schema *schema, uint64_t share_bytes,
                              struct group_caller *caller)
{
    *side = (struct group_side){.feed = {.more = feed_more, .rewind = feed_rewind},
                                .caller = caller,
                                .number = number,
                                .keys = &step->keys[number]};
    side->strings =
        (struct mapped_strings){.base.take = mapped_strings_take, .room = task->services->room};
    side->key_columns = calloc((size_t)side->keys->count + 1, sizeof *side->key_columns);
    if (side->key_columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the keys of groups");
    struct row_merge_options options = {.task = task, .schema = schema, .is_rewound = true};
    BARKS_TRY(find_order(step, number, &side->order, &options.order.key_count));
    options.order.keys = side->order;
    BARKS_TRY(sorted_runs_init(&side->sorted, &options, share_bytes));
    side->sorted.group_key_count = side->keys->count;
    return NULL;
}

void group_side_clear(struct group_side *side)
{
    sorted_runs_clear(&side->sorted);
    mapped_strings_drop(&side->strings);
    side->slice = (struct row_slice){0};
    side->first = side->end = side->begin = 0;
    side->is_last = side->is_marked = false;
}

void group_side_drop(struct group_side *side)
{
    sorted_runs_drop(&side->sorted);
    mapped_strings_drop(&side->strings);
    free(side->order);
    free(side->key_columns);
    *side = (struct group_side){0};
}

/* ---- slices ---- */

static void enter_slice(struct group_side *side)
{
    struct batch *rows = side->slice.rows;
    for (uint32_t i = 0; i < side->keys->count; i++)
        side->key_columns[i] = rows->base.columns[side->keys->items[i]];
    side->view = (barks_batch){.schema = rows->base.schema,
                               .row_count = rows->base.row_count,
                               .columns = side->key_columns};
    if (side->caller != NULL)
        group_caller_lend(side->caller, side->number, rows);
}

BARKS_CHECKED static barks_status *load(struct group_side *side)
{
    struct row_slice next = {0};
    BARKS_TRY(sorted_runs_next(&side->sorted, &next));
    if (next.rows == NULL) /* at the end those of the slice before stay, uncounted */
        next.rows = side->slice.rows;
    side->slice = next;
    side->is_last = next.count == 0 || sorted_runs_in_memory(&side->sorted);
    side->is_marked = false;
    side->first = side->end = 0;
    enter_slice(side);
    return NULL;
}

barks_status *group_side_seal(struct group_side *side)
{
    BARKS_TRY(sorted_runs_seal(&side->sorted));
    return load(side);
}

/* ---- groups ---- */

static bool is_equal(const struct index_list *keys, const struct batch *a, uint32_t a_row,
                     const struct batch *b, uint32_t b_row)
{
    return batch_rows_equal(&a->base, a_row, keys->items, &b->base, b_row, keys->items,
                            keys->count);
}

/* The first place from `place` on where a group begins. */
static uint32_t next_begin(const uint64_t *begins, uint32_t place, uint32_t count)
{
    enum { WORD_BITS = 64 };
    while (place < count) {
        uint64_t bits = begins[place / WORD_BITS] >> place % WORD_BITS;
        if (bits != 0) {
            place += (uint32_t)__builtin_ctzll(bits);
            break;
        }
        place += WORD_BITS - place % WORD_BITS;
    }
    return place < count ? place : count;
}

uint32_t slice_group_end(const struct row_slice *slice, const struct index_list *keys,
                         uint32_t place)
{
    uint32_t end = place + 1;
    if (keys->count == 0 || place >= slice->count)
        return slice->count;
    if (slice->begins != NULL)
        return next_begin(slice->begins, end, slice->count);
    uint32_t row = slice_row(slice, place);
    while (end < slice->count &&
           is_equal(keys, slice->rows, row, slice->rows, slice_row(slice, end)))
        end++;
    return end;
}

void group_side_begin(struct group_side *side, uint32_t end)
{
    if (!side->is_marked)
        sorted_runs_mark(&side->sorted);
    side->is_marked = true;
    side->first = side->begin = side->end;
    side->end = end;
}

struct group_rows group_side_rows(struct group_side *side)
{
    return (struct group_rows){.rows = side->slice.rows,
                               .order = side->slice.order,
                               .first = side->first,
                               .end = side->end,
                               .feed = sorted_runs_in_memory(&side->sorted) ? NULL : &side->feed};
}

/* ---- groups that go on in other slices ---- */

/* What was seen of the slice before stays where it is. */
BARKS_CHECKED static barks_status *leave_and_load(struct group_side *side)
{
    if (side->caller != NULL)
        BARKS_TRY(group_caller_keep(side->caller, side->slice.rows));
    return load(side);
}

/* While the body runs, which may look at strings of the slices before and of this one. */
BARKS_CHECKED static barks_status *load_for_body(struct group_side *side)
{
    BARKS_TRY(leave_and_load(side));
    if (group_caller_kept_bytes(side->caller) < side->sorted.share_bytes / KEPT_SHARE)
        return NULL;
    return batch_move_strings(side->slice.rows, &side->strings.base);
}

/* Whether more rows may belong to the group than the slice has. */
static bool may_go_on(const struct group_side *side)
{
    return side->end == side->slice.count && side->first < side->end && !side->is_last;
}

/* The next slice of a group that may go on; what the group has of it, if anything. */
BARKS_CHECKED static barks_status *go_on(struct group_side *side,
                                         barks_status *(*load_next)(struct group_side *side))
{
    struct row_slice before = side->slice;
    uint32_t row = slice_row(&before, before.count - 1);
    BARKS_TRY(load_next(side));
    if (side->slice.count > 0 &&
        is_equal(side->keys, before.rows, row, side->slice.rows, slice_row(&side->slice, 0)))
        side->end = group_side_extent(side, 0);
    return NULL;
}

static barks_status *feed_more(struct group_feed *feed, struct group_rows *out_rows)
{
    struct group_side *side = (struct group_side *)feed;
    out_rows->first = out_rows->end;
    if (!may_go_on(side))
        return NULL;
    BARKS_TRY(go_on(side, load_for_body));
    *out_rows = group_side_rows(side);
    return NULL;
}

BARKS_CHECKED static barks_status *go_back(struct group_side *side)
{
    uint32_t skipped = side->begin;
    BARKS_TRY(sorted_runs_rewind(&side->sorted));
    BARKS_TRY(load_for_body(side));
    side->is_marked = true;
    while (skipped >= side->slice.count && !side->is_last) { /* slices may be shorter now */
        skipped -= side->slice.count;
        BARKS_TRY(load_for_body(side));
    }
    side->first = skipped;
    side->end = group_side_extent(side, skipped);
    return NULL;
}

static barks_status *feed_rewind(struct group_feed *feed, struct group_rows *out_rows)
{
    struct group_side *side = (struct group_side *)feed;
    if (!side->is_marked)
        BARKS_TRY(go_back(side));
    *out_rows = group_side_rows(side);
    return NULL;
}

barks_status *group_side_finish(struct group_side *side)
{
    if (may_go_on(side) && side->caller != NULL) /* so that rows passed by need not be kept */
        BARKS_TRY(group_caller_flush(side->caller));
    while (may_go_on(side))
        BARKS_TRY(go_on(side, load));
    return side->end == side->slice.count && !side->is_last ? leave_and_load(side) : NULL;
}
