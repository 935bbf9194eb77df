/* Several inputs, groups and values by key. */
#include "ops.h"

BARKS_RECORD(op_other, (i64, key), (i64, other), (optional(str), name));
BARKS_RECORD(op_ids, (i64, key), (i64, left_id), (i64, right_id));
BARKS_RECORD(op_counts, (i64, key), (i64, left_rows), (i64, right_rows), (i64, ids));
BARKS_RECORD(op_session, (i64, key), (i64, rows), (i64, first), (i64, last));
BARKS_RECORD(op_twice, (i64, twice));
BARKS_RECORD(op_short, (i64, key), (i64, id));
BARKS_RECORD(op_lists, (i64, key), (list(i64), id));
BARKS_RECORD(op_weighted, (i64, key), (i64, sum));

BARKS_MAP(to_other, op_row, op_other)
{
    out->key = in->key;
    out->other = in->id;
    out->name = in->text;
}
BARKS_MAP(to_short, op_row, op_short)
{
    out->key = in->key;
    out->id = in->id;
}

static barks_rdd *others(const struct op_run *run)
{
    return barks_map(op_rows(run, "right"), to_other, NULL);
}

static barks_rdd *run_union(const struct op_run *run)
{
    return barks_union(op_rows(run, "left"), op_rows(run, "right"));
}

/* ---- joins: keys repeat, so only a part of the left is joined ---- */

BARKS_FILTER(is_small, op_row) { return in->id < 300; }

static barks_rdd *small(const struct op_run *run)
{
    return barks_filter(op_rows(run, "left"), is_small, NULL);
}
BARKS_FILTER(is_small_other, op_other) { return in->other < 300; }

static barks_rdd *small_others(const struct op_run *run)
{
    return barks_filter(others(run), is_small_other, NULL);
}
static barks_rdd *run_join(const struct op_run *run)
{
    return barks_join(small(run), small_others(run), "key", .partitions = run->partitions);
}
static barks_rdd *run_left_join(const struct op_run *run)
{
    return barks_left_join(small(run), small_others(run), "key", .broadcast = BARKS_NEVER);
}
static barks_rdd *run_right_join(const struct op_run *run)
{
    return barks_right_join(small(run), small_others(run), "key", .partitions = run->partitions);
}
static barks_rdd *run_full_join(const struct op_run *run)
{
    return barks_full_join(small(run), small_others(run), "key", .partitions = run->partitions);
}
static barks_rdd *run_semi_join(const struct op_run *run)
{
    return barks_semi_join(op_rows(run, "left"), op_rows(run, "right"), "number, text",
                           .partitions = run->partitions);
}
static barks_rdd *run_anti_join(const struct op_run *run)
{
    return barks_anti_join(op_rows(run, "left"), others(run), "text", .right_keys = "name",
                           .partitions = run->partitions);
}
BARKS_PAIR(ids_of_pair, op_row, op_other, op_ids)
{
    out->key = left != NULL ? left->key : right->key;
    out->left_id = left != NULL ? left->id : -1;
    out->right_id = right != NULL ? right->other : -1;
}
static barks_rdd *run_full_join_with(const struct op_run *run)
{
    return barks_full_join_with(small(run), small_others(run), "key", ids_of_pair,
                                .partitions = run->partitions);
}
/* Both sides are partitioned already: the join itself exchanges nothing. */
static barks_rdd *run_join_in_place(const struct op_run *run)
{
    barks_rdd *left = barks_partition_by(small(run), "key", .partitions = run->partitions);
    barks_rdd *right = barks_partition_by(small_others(run), "key", .partitions = run->partitions);
    return barks_join(left, right, "key");
}
/* One side is held by every executor; rows come in the order of the other. */
static barks_rdd *run_broadcast_left_join(const struct op_run *run)
{
    return barks_left_join(small(run), small_others(run), "key", .broadcast = BARKS_ALWAYS);
}
static barks_rdd *run_broadcast_right_join(const struct op_run *run)
{
    return barks_right_join(small(run), small_others(run), "key", .broadcast = BARKS_ALWAYS);
}
static barks_rdd *run_broadcast_right_join_with(const struct op_run *run)
{
    return barks_right_join_with(small(run), small_others(run), "key", ids_of_pair,
                                 .broadcast = BARKS_ALWAYS);
}
static barks_rdd *run_broadcast_join(const struct op_run *run)
{
    barks_rdd *left = barks_partition_by(small(run), "key", .partitions = run->partitions);
    return barks_join(left, small_others(run), "key", .broadcast = BARKS_ALWAYS);
}
static barks_rdd *run_broadcast_semi_join(const struct op_run *run)
{
    return barks_semi_join(op_rows(run, "left"), op_rows(run, "right"), "number, text",
                           .broadcast = BARKS_ALWAYS);
}
static barks_rdd *run_broadcast_anti_join(const struct op_run *run)
{
    return barks_anti_join(op_rows(run, "left"), others(run), "text", .right_keys = "name",
                           .broadcast = BARKS_ALWAYS);
}
static barks_rdd *run_intersection(const struct op_run *run)
{
    barks_rdd *left = barks_map(op_rows(run, "left"), to_short, NULL);
    return barks_intersection(barks_union(left, left),
                              barks_map(op_rows(run, "right"), to_short, NULL),
                              .partitions = run->partitions);
}
static barks_rdd *run_subtract(const struct op_run *run)
{
    return barks_subtract(barks_map(op_rows(run, "left"), to_short, NULL),
                          barks_map(op_rows(run, "right"), to_short, NULL),
                          .partitions = run->partitions);
}

/* ---- groups ---- */

BARKS_FLAT_MAP(list_ends, op_lists, op_session)
{
    emit(.key = in->key, .rows = in->id.count, .first = in->id.items[0],
         .last = in->id.items[in->id.count - 1]);
}
static barks_rdd *run_group_by_key(const struct op_run *run)
{
    barks_rdd *rows = barks_map(op_rows(run, "left"), to_short, NULL);
    return barks_flat_map(barks_group_by_key(rows, "key", .partitions = run->partitions), list_ends,
                          NULL);
}
BARKS_GROUP(to_session, op_row, op_session)
{
    struct op_row row;
    struct op_session session = {0};
    while (barks_next_row(rows, &row)) {
        if (session.rows++ == 0)
            session.first = row.id;
        session.last = row.id;
        session.key = row.key;
    }
    emit(.key = session.key, .rows = session.rows, .first = session.first, .last = session.last);
}
static barks_rdd *run_group_with(const struct op_run *run)
{
    return barks_group_with(op_rows(run, "left"), "key", to_session, .order = "number, id desc",
                            .partitions = run->partitions);
}
BARKS_COGROUP(count_sides, op_counts, (left, op_row), (right, op_other))
{
    struct op_row l = {0};
    struct op_other r = {0};
    struct op_counts counts = {0};
    for (; barks_next_row(left, &l); counts.left_rows++)
        counts.ids += l.id;
    for (; barks_next_row(right, &r); counts.right_rows++)
        counts.ids += 1000 * r.other;
    emit(.key = counts.left_rows > 0 ? l.key : r.key, .left_rows = counts.left_rows,
         .right_rows = counts.right_rows, .ids = counts.ids);
}
static barks_rdd *run_cogroup(const struct op_run *run)
{
    return barks_cogroup(op_rows(run, "left"), others(run), "key", count_sides,
                         .partitions = run->partitions);
}

/* ---- rows side by side ---- */

BARKS_PAIR(add_ids, op_row, op_row, op_weighted)
{
    out->key = left->key;
    out->sum = left->id + 3 * right->id;
}
static barks_rdd *run_zip(const struct op_run *run)
{
    return barks_zip_with(op_rows(run, "left"), op_rows(run, "left"), add_ids, NULL);
}
static barks_rdd *run_zip_with_index(const struct op_run *run)
{
    return barks_zip_with_index(op_rows(run, "left"), "place");
}
BARKS_FILTER(is_tiny, op_row) { return in->id < 40; }
BARKS_FILTER(is_tiny_other, op_other) { return in->other < 30; }

static barks_rdd *run_cartesian(const struct op_run *run)
{
    barks_rdd *left = barks_filter(op_rows(run, "left"), is_tiny, NULL);
    barks_rdd *right = barks_filter(others(run), is_tiny_other, NULL);
    return barks_cartesian(barks_drop(left, "key, text"), barks_drop(right, "key, name"));
}

/* ---- values, samples ---- */

BARKS_MAP(to_twice, op_row, op_twice) { out->twice = 2 * in->id; }
BARKS_FLAT_MAP(to_some, op_row, op_twice)
{
    for (int64_t i = 0; i < in->id % 3; i++)
        emit(.twice = 2 * in->id + i);
}
static barks_rdd *run_map_values(const struct op_run *run)
{
    return barks_map_values(op_rows(run, "left"), "key", to_twice, NULL);
}
static barks_rdd *run_flat_map_values(const struct op_run *run)
{
    return barks_flat_map_values(op_rows(run, "left"), "key, text", to_some, NULL);
}
/* All parts of a split together are the whole. */
static barks_rdd *run_random_split(const struct op_run *run)
{
    static const double weights[] = {1, 3, 2};
    barks_rdd *parts[3];
    return barks_random_split(op_rows(run, "left"), weights, 3, 99, parts)
               ? barks_union_all(parts, 3)
               : NULL;
}
BARKS_MAP(to_line, op_row, barks_text) { out->text = in->text.value; }

static barks_rdd *run_pipe(const struct op_run *run)
{
    return barks_pipe(barks_map(op_rows(run, "left"), to_line, NULL), .shell = "tr a-c A-C");
}

const struct op_case ops_b[] = {
    {"anti_join", run_anti_join},
    {"broadcast_anti_join", run_broadcast_anti_join},
    {"broadcast_join", run_broadcast_join},
    {"broadcast_left_join", run_broadcast_left_join},
    {"broadcast_right_join", run_broadcast_right_join},
    {"broadcast_right_join_with", run_broadcast_right_join_with},
    {"broadcast_semi_join", run_broadcast_semi_join},
    {"cartesian", run_cartesian},
    {"cogroup", run_cogroup},
    {"flat_map_values", run_flat_map_values},
    {"full_join", run_full_join},
    {"full_join_with", run_full_join_with},
    {"group_by_key", run_group_by_key},
    {"group_with", run_group_with},
    {"intersection", run_intersection},
    {"join", run_join},
    {"join_in_place", run_join_in_place},
    {"left_join", run_left_join},
    {"map_values", run_map_values},
    {"pipe", run_pipe},
    {"random_split", run_random_split},
    {"right_join", run_right_join},
    {"semi_join", run_semi_join},
    {"subtract", run_subtract},
    {"union", run_union},
    {"zip", run_zip},
    {"zip_with_index", run_zip_with_index},
};
const size_t ops_b_count = sizeof ops_b / sizeof ops_b[0];
