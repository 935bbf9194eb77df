/* Sides and lists that do not fit in memory: exec/cogroup_operator.c, group_operator.c,
 * index_operator.c, stored_side.c. */
#include "rdd/large_groups.h"

/* ---- groups of two datasets ---- */

BARKS_RECORD(sides_total, (optional(i64), key), (i64, left_count), (i64, left_order),
             (i64, right_count), (i64, right_order), (i64, mistakes), (str, first));

static bool add_next(struct summary *summary, struct barks_rows_grouped_row *rows,
                     struct grouped_row *row)
{
    if (!barks_next_row(rows, row))
        return false;
    add_row(summary, row);
    return true;
}

/* Both sides in turn, the left one once before. */
BARKS_COGROUP(to_sides, sides_total, (left, grouped_row), (right, grouped_row))
{
    struct summary before = read_rows(left, ALL), a = {0}, b = {0};
    struct grouped_row row = {0};
    bool has_left = true, has_right = true;
    barks_rewind_rows(left);
    while (has_left || has_right) {
        has_left = has_left && add_next(&a, left, &row);
        has_right = has_right && add_next(&b, right, &row);
    }
    bool is_same = before.order == a.order && before.count == a.count &&
                   (a.count == 0 || is_text_of(before.last, a.last_id));
    emit(.key = row.key, .left_count = a.count, .left_order = a.order, .right_count = b.count,
         .right_order = b.order, .mistakes = a.mistakes + b.mistakes + !is_same,
         .first = a.count > 0 ? a.first : b.first);
}

static struct summary expect_side(const struct making *making, const int64_t *ids, int64_t *at,
                                  int64_t key)
{
    struct summary summary = {0};
    for (; *at < ROWS && key_of(making, ids[*at]) == key; ++*at)
        add_id(&summary, ids[*at]);
    return summary;
}

static int64_t key_at(const struct making *making, const int64_t *ids, int64_t at)
{
    return key_of(making, ids[at < ROWS ? at : ROWS - 1]);
}

static void check_sides(const struct making *left, const struct making *right,
                        const struct sides_total *totals, int64_t total_count)
{
    int64_t *left_ids = ids_in_order(left), *right_ids = ids_in_order(right);
    int64_t left_at = 0, right_at = 0;
    for (int64_t i = 0; i < total_count; i++) {
        int64_t left_key = key_at(left, left_ids, left_at);
        int64_t right_key = key_at(right, right_ids, right_at);
        bool is_left = right_at == ROWS || (left_at < ROWS && left_key <= right_key);
        int64_t key = is_left ? left_key : right_key;
        struct summary a = expect_side(left, left_ids, &left_at, key);
        struct summary b = expect_side(right, right_ids, &right_at, key);
        ck_assert_int_eq(totals[i].key.valid ? totals[i].key.value : INT64_MAX, key);
        ck_assert_msg(totals[i].left_count == a.count && totals[i].left_order == a.order &&
                          totals[i].right_count == b.count && totals[i].right_order == b.order &&
                          totals[i].mistakes == 0 &&
                          is_text_of(totals[i].first, a.count > 0 ? a.first_id : b.first_id),
                      "kind %d, group %d: %d and %d rows, %d and %d wanted, %d mistakes",
                      (int)left->kind, (int)i, (int)totals[i].left_count,
                      (int)totals[i].right_count, (int)a.count, (int)b.count,
                      (int)totals[i].mistakes);
    }
    ck_assert_int_eq(left_at, ROWS);
    ck_assert_int_eq(right_at, ROWS);
    free(left_ids);
    free(right_ids);
}

static void cogroup_two(barks_context *context)
{
    struct making left = {.seed = property_seed()};
    for (left.kind = 0; left.kind < KEY_KINDS; left.kind++) {
        struct making right = {.seed = left.seed / 2 + 1, .kind = left.kind};
        int64_t count = 0;
        barks_rdd *groups = barks_cogroup(make_rows(context, &left), make_rows(context, &right),
                                          "key", to_sides, .partitions = 1);
        struct sides_total *totals = barks_collect(groups, sides_total, &count);
        check_sides(&left, &right, totals, count);
    }
}

static void zip_partitions(barks_context *context)
{
    struct making making = {.seed = property_seed()};
    struct summary wanted = {0};
    int64_t count = 0;
    barks_rdd *rows = barks_generate(context, ROWS, 1, make_grouped, &making);
    struct sides_total *totals =
        barks_collect(barks_zip_partitions(rows, rows, to_sides, NULL), sides_total, &count);
    for (int64_t id = 0; id < ROWS; id++)
        add_id(&wanted, id);
    ck_assert_int_eq(count, 1);
    ck_assert(totals[0].left_count == ROWS && totals[0].left_order == wanted.order &&
              totals[0].right_count == ROWS && totals[0].right_order == wanted.order &&
              totals[0].mistakes == 0);
}

/* ---- lists ---- */

BARKS_RECORD(grouped_lists, (optional(i64), key), (list(i64), id), (list(str), text));
BARKS_RECORD(list_total, (optional(i64), key), (i64, count), (i64, order), (i64, mistakes));

BARKS_MAP(to_list_total, grouped_lists, list_total)
{
    struct summary summary = {0};
    for (uint32_t i = 0; i < in->id.count; i++)
        add_row(&summary, &(struct grouped_row){.id = in->id.items[i], .text = in->text.items[i]});
    *out = (struct list_total){.key = in->key,
                               .count = summary.count,
                               .order = summary.order,
                               .mistakes = summary.mistakes + (in->id.count != in->text.count)};
}

static void make_lists(barks_context *context)
{
    struct making making = {.seed = property_seed()};
    int64_t count = 0, at = 0;
    for (making.kind = MANY; making.kind <= FEW; making.kind += FEW - MANY, at = 0) {
        barks_rdd *lists = barks_group_by_key(make_rows(context, &making), "key", .partitions = 1);
        struct list_total *totals =
            barks_collect(barks_map(lists, to_list_total, NULL), list_total, &count);
        int64_t *ids = ids_in_order(&making);
        for (int64_t i = 0; i < count; i++) {
            int64_t key = key_at(&making, ids, at);
            struct summary wanted = expect_side(&making, ids, &at, key);
            ck_assert_int_eq(totals[i].key.valid ? totals[i].key.value : INT64_MAX, key);
            ck_assert(totals[i].count == wanted.count && totals[i].order == wanted.order &&
                      totals[i].mistakes == 0);
        }
        ck_assert_int_eq(at, ROWS);
        free(ids);
    }
}

static void make_a_long_list(barks_context *context)
{
    struct making making = {.seed = property_seed(), .kind = MOSTLY_ONE};
    char text[1024];
    barks_rdd *lists = barks_group_by_key(make_rows(context, &making), "key", .partitions = 1);
    ck_assert_int_eq(barks_count(lists), -1);
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(error);
    ck_assert_int_eq(barks_status_code(error), BARKS_LIMIT);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(strstr(text, "the list of key '7' in partition 0") != NULL, "%s", text);
    barks_status_free(error);
}

/* ---- indices ---- */

enum { INDICES = 20000 }; /* every other one has rows */

BARKS_RECORD(indexed_row, (i64, key), (i64, id), (str, text));
BARKS_RECORD(index_total, (i64, index), (i64, count), (i64, order));

static int64_t index_of(int64_t id) { return (int64_t)(mix((uint64_t)id) % (INDICES / 2)) * 2; }

BARKS_MAP(make_indexed, grouped_row, indexed_row)
{
    *out = (struct indexed_row){.key = index_of(in->id), .id = in->id, .text = in->text};
}

BARKS_MAP(make_spread, grouped_row, indexed_row)
{
    *out = (struct indexed_row){.key = 2 * in->id, .id = in->id, .text = in->text};
}

BARKS_GROUP(to_index_total, indexed_row, index_total)
{
    struct summary summary = {0};
    struct indexed_row row;
    while (barks_next_row(rows, &row))
        add_row(&summary, &(struct grouped_row){.id = row.id, .text = row.text});
    emit(.index = barks_task()->index, .count = summary.count,
         .order = summary.mistakes == 0 ? summary.order : -1);
}

BARKS_REDUCE(keep_first, indexed_row) { (void)in; }

BARKS_MAP(to_checked, indexed_row, index_total)
{
    *out = (struct index_total){.index = in->key, .count = in->id};
    out->order = in->id < 0 || is_text_of(in->text, in->id);
}

static void group_to_index(barks_context *context)
{
    struct making making = {.seed = property_seed()};
    struct summary *wanted = calloc(INDICES, sizeof *wanted);
    int64_t count = 0;
    ck_assert_ptr_nonnull(wanted);
    for (int64_t id = 0; id < ROWS; id++)
        add_id(&wanted[index_of(id)], id);
    barks_rdd *rows = barks_map(make_rows(context, &making), make_indexed, NULL);
    struct index_total *totals =
        barks_collect(barks_group_to_index(rows, "key", INDICES, to_index_total, .partitions = 1),
                      index_total, &count);
    ck_assert_int_eq(count, INDICES);
    for (int64_t i = 0; i < count; i++)
        ck_assert(totals[i].index == i && totals[i].count == wanted[i].count &&
                  totals[i].order == wanted[i].order);
    free(wanted);
}

static void reduce_to_index(barks_context *context)
{
    struct making making = {.seed = property_seed()};
    struct indexed_row initial = {.id = -1};
    int64_t count = 0;
    barks_rdd *rows = barks_map(make_rows(context, &making), make_spread, NULL);
    barks_rdd *reduced = barks_reduce_to_index(rows, "key", 2 * (int64_t)ROWS, keep_first,
                                               .partitions = 1, .initial = &initial);
    struct index_total *all =
        barks_collect(barks_map(reduced, to_checked, NULL), index_total, &count);
    ck_assert_int_eq(count, 2 * (int64_t)ROWS);
    for (int64_t i = 0; i < count; i++)
        ck_assert(all[i].index == i && all[i].count == (i % 2 == 0 ? i / 2 : -1) &&
                  all[i].order == 1);
}

/* ---- pairs ---- */

BARKS_RECORD(id_pair, (i64, left), (i64, right), (bool, is_good));

BARKS_PAIR(to_id_pair, grouped_row, grouped_row, id_pair)
{
    *out = (struct id_pair){.left = left != NULL ? left->id : -1,
                            .right = right != NULL ? right->id : -1};
    out->is_good = (left == NULL || is_text_of(left->text, left->id)) &&
                   (right == NULL || is_text_of(right->text, right->id));
}

/* Row i with row i, and -1 for rows that a side has not. */
static void check_zipped(barks_rdd *pairs, int64_t left_rows, int64_t right_rows)
{
    int64_t count = 0, wanted = left_rows > right_rows ? left_rows : right_rows;
    struct id_pair *all = barks_collect(pairs, id_pair, &count);
    ck_assert_int_eq(count, wanted);
    for (int64_t i = 0; i < count; i++)
        ck_assert(all[i].is_good && all[i].left == (i < left_rows ? i : -1) &&
                  all[i].right == (i < right_rows ? i : -1));
}

static void zip_rows(barks_context *context)
{
    struct making making = {.seed = property_seed()};
    barks_rdd *rows = barks_generate(context, ROWS, 1, make_grouped, &making);
    barks_rdd *few = barks_generate(context, ROWS / 3, 1, make_grouped, &making);
    barks_rdd *more = barks_generate(context, ROWS + 5000, 1, make_grouped, &making);
    check_zipped(barks_zip_with(rows, rows, to_id_pair, NULL), ROWS, ROWS);
    check_zipped(barks_zip_align_with(few, rows, BARKS_ZIP_LONGEST, to_id_pair, NULL), ROWS / 3,
                 ROWS);
    check_zipped(barks_zip_align_with(more, rows, BARKS_ZIP_LONGEST, to_id_pair, NULL), ROWS + 5000,
                 ROWS);
    ck_assert_int_eq(
        barks_count(barks_zip_align_with(more, rows, BARKS_ZIP_SHORTEST, to_id_pair, NULL)), ROWS);
}

BARKS_RECORD(checked_pairs, (i64, count), (i64, mistakes));
BARKS_MAP_PARTITIONS(check_pairs, id_pair, checked_pairs, struct checked_pairs)
{
    if (phase == BARKS_BATCH)
        for (uint32_t i = 0; i < batch->row_count; i++, state->count++)
            state->mistakes +=
                batch->left[i] != state->count / ROWS || batch->right[i] != state->count % ROWS;
    if (phase == BARKS_CLOSE)
        emit(.count = state->count, .mistakes = state->mistakes);
}

static void cross_rows(barks_context *context)
{
    struct making making = {.seed = property_seed()};
    int64_t count = 0;
    barks_rdd *left = barks_generate(context, 4, 1, make_grouped, &making);
    barks_rdd *right = barks_generate(context, ROWS, 1, make_grouped, &making);
    barks_rdd *pairs = barks_cartesian_with(left, right, to_id_pair, NULL);
    struct checked_pairs *checked =
        barks_collect(barks_map_partitions(pairs, check_pairs, NULL), checked_pairs, &count);
    ck_assert_int_eq(count, 1);
    ck_assert_int_eq(checked[0].count, 4 * (int64_t)ROWS);
    ck_assert_int_eq(checked[0].mistakes, 0);
}

START_TEST(both_sides_of_groups_may_be_on_disk) { run_within("64m", cogroup_two, "1", 0); }
END_TEST
START_TEST(on_two_executors_too) { run_within("96m", cogroup_two, "2", 0); }
END_TEST
START_TEST(whole_partitions_are_read_from_disk) { run_within("64m", zip_partitions, "1", 0); }
END_TEST
START_TEST(lists_are_made_of_rows_on_disk) { run_within("64m", make_lists, "1", 0); }
END_TEST
START_TEST(a_list_that_does_not_fit_names_its_key) { run_within("64m", make_a_long_list, "1", 0); }
END_TEST
START_TEST(indices_are_filled_from_disk) { run_within("64m", group_to_index, "1", 0); }
END_TEST
START_TEST(reduced_rows_go_to_their_indices) { run_within("96m", reduce_to_index, "1", 0); }
END_TEST
START_TEST(zipped_sides_go_to_disk) { run_within("64m", zip_rows, "1", 0); }
END_TEST
START_TEST(products_are_in_order_from_disk) { run_within("64m", cross_rows, "1", 0); }
END_TEST

SUITE_MAIN("rdd/spilled_sides", both_sides_of_groups_may_be_on_disk, on_two_executors_too,
           whole_partitions_are_read_from_disk, lists_are_made_of_rows_on_disk,
           a_list_that_does_not_fit_names_its_key, indices_are_filled_from_disk,
           reduced_rows_go_to_their_indices, zipped_sides_go_to_disk,
           products_are_in_order_from_disk)
