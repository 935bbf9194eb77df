/* Rows that follow each other on one side of a join are given on as they lie there: from long kept
 * pieces, which many of them have in common. */
#include "rdd/cases.h"

BARKS_RECORD(wide_row, (i64, key), (optional(i64), number), (str, text), (list(i64), items),
             (f64, real), (bool, flag));
BARKS_RECORD(extra_row, (i64, key), (i64, extra));
BARKS_RECORD(wide_pair, (i64, key), (optional(i64), number), (str, text), (list(i64), items),
             (f64, real), (bool, flag), (optional(i64), extra));

enum { ROWS = 20000, TEXT_BYTES = 40, ITEMS_MAX = 5 };

static struct wide_row rows[ROWS];
static struct extra_row extras[ROWS];
static char texts[ROWS][TEXT_BYTES];
static int64_t items[ROWS][ITEMS_MAX];

static void make_rows(uint64_t *random)
{
    for (int64_t i = 0; i < ROWS; i++) {
        int length = snprintf(texts[i], TEXT_BYTES, "%.*s%d", (int)(property_next(random) % 20),
                              "tttttttttttttttttttt", (int)i);
        for (int k = 0; k < ITEMS_MAX; k++)
            items[i][k] = (int64_t)property_next(random);
        rows[i] = (struct wide_row){
            .key = i,
            .text = barks_str_of(texts[i], (size_t)length),
            .items = {.items = items[i], .count = (uint32_t)(property_next(random) % ITEMS_MAX)},
            .real = (double)i / 4,
            .flag = property_next(random) % 2 == 0};
        if (property_next(random) % 3 > 0)
            rows[i].number = (barks_optional_i64){.value = i * i, .valid = true};
    }
}

static void check(barks_rdd *joined, const bool *has_partner, bool keeps_all, uint64_t seed)
{
    int64_t count = 0, expected = 0;
    struct wide_pair *got = barks_collect(joined, wide_pair, &count);
    ck_assert_ptr_nonnull(got);
    for (int64_t i = 0; i < ROWS; i++)
        expected += keeps_all || has_partner[i];
    ck_assert_int_eq(count, expected);
    for (int64_t i = 0; i < count; i++) {
        const struct wide_row *row = &rows[got[i].key];
        bool is_right =
            barks_str_equal(got[i].text, row->text) && got[i].number.valid == row->number.valid &&
            got[i].number.value == row->number.value && got[i].items.count == row->items.count &&
            memcmp(got[i].items.items, row->items.items,
                   row->items.count * sizeof *row->items.items) == 0 &&
            got[i].real >= row->real && got[i].real <= row->real && got[i].flag == row->flag &&
            got[i].extra.valid == has_partner[row->key] &&
            got[i].extra.value == (got[i].extra.valid ? -row->key : 0);
        ck_assert_msg(is_right, "key %lld; replay with BARKS_TEST_SEED=%llu", (long long)got[i].key,
                      (unsigned long long)seed);
    }
}

/* Where some have no partner, an inner join's rows no longer follow each other. */
SHAPES(joined_rows_are_whole_wherever_their_columns_lie)
{
    static bool has_partner[ROWS];
    uint64_t seed = property_seed(), random = seed;
    make_rows(&random);
    barks_rdd *left = barks_cache(barks_partition_by(
        barks_parallelize(context, wide_row, rows, ROWS, 4), "key", .partitions = 2));
    ck_assert_int_eq(barks_count(left), ROWS);
    for (int without = 0; without < 3; without++) {
        size_t extra_count = 0;
        for (int64_t i = 0; i < ROWS; i++) {
            has_partner[i] = without == 0 || (without == 1 ? i % 1500 != 700 : i % 3 == 0);
            if (has_partner[i])
                extras[extra_count++] = (struct extra_row){.key = i, .extra = -i};
        }
        barks_rdd *right = barks_parallelize(context, extra_row, extras, extra_count, 3);
        barks_rdd *all =
            barks_left_join(left, right, "key", .partitions = 2, .broadcast = BARKS_NEVER);
        check(all, has_partner, true, seed);
        check(barks_left_join(left, right, "key"), has_partner, true, seed);
        check(barks_join(left, right, "key", .partitions = 2, .broadcast = BARKS_NEVER),
              has_partner, false, seed);
        /* What is made of them on the way: kept, dealt out again, sorted. */
        barks_rdd *kept = barks_cache(all);
        check(kept, has_partner, true, seed);
        check(kept, has_partner, true, seed);
        check(barks_partition_by(all, "text", .partitions = 3), has_partner, true, seed);
        check(barks_sort_by(kept, "number, text"), has_partner, true, seed);
    }
}

SUITE_MAIN("rdd/lent_columns", ON_SHAPES(joined_rows_are_whole_wherever_their_columns_lie))
