/* Rows of many megabytes through every way of exchanging and holding them. */
#include "rdd/shapes.h"
#include "support/property.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

BARKS_RECORD(small_row, (i64, key), (i64, id), (i64, length));
BARKS_RECORD(large_row, (i64, key), (i64, id), (str, text));
BARKS_RECORD(joined_row, (i64, key), (i64, id), (str, text), (i64, other));
BARKS_RECORD(grouped, (i64, key), (list(i64), id), (list(str), text));
BARKS_RECORD(checked, (i64, key), (i64, id), (i64, length), (i64, other));

enum { HEAD_BYTES = 12, LETTERS = 26 };

/* The key in front, then one letter up to the end: so that keys of equal lengths differ early, and
 * those of a prefix late. */
static size_t head_of(int64_t key, char *head)
{
    for (int i = HEAD_BYTES; i-- > 0; key /= 10)
        head[i] = (char)('0' + key % 10);
    return HEAD_BYTES;
}

/* -1 where the text is not what enlarge makes. */
static int64_t length_of_right(int64_t key, barks_str text)
{
    char head[HEAD_BYTES];
    size_t n = text.length, head_bytes = head_of(key, head) < n ? HEAD_BYTES : n;
    const char *bytes = barks_str_bytes(&text);
    if (memcmp(bytes, head, head_bytes) != 0)
        return -1;
    if (n > HEAD_BYTES &&
        (bytes[HEAD_BYTES] != 'a' + key % LETTERS ||
         memcmp(bytes + HEAD_BYTES, bytes + HEAD_BYTES + 1, n - HEAD_BYTES - 1) != 0))
        return -1;
    return (int64_t)n;
}

BARKS_MAP(enlarge, small_row, large_row)
{
    char head[HEAD_BYTES];
    size_t n = (size_t)in->length, head_bytes = head_of(in->key, head) < n ? HEAD_BYTES : n;
    char *bytes = malloc(n + 1);
    if (bytes == NULL)
        fail("no memory for %zu bytes", n);
    memset(bytes, (int)('a' + in->key % LETTERS), n);
    memcpy(bytes, head, head_bytes);
    out->key = in->key;
    out->id = in->id;
    out->text = barks_str_make(out, bytes, n);
    free(bytes);
}
BARKS_MAP(check, large_row, checked)
{
    out->key = in->key;
    out->id = in->id;
    out->length = length_of_right(in->key, in->text);
}
BARKS_MAP(check_joined, joined_row, checked)
{
    out->key = in->key;
    out->id = in->id;
    out->other = in->other;
    out->length = length_of_right(in->key, in->text);
}
/* id: the sum of the ids; other: how many texts there were. */
BARKS_MAP(check_group, grouped, checked)
{
    out->key = in->key;
    out->other = in->text.count;
    out->length = in->text.count == 0 ? -1 : length_of_right(in->key, in->text.items[0]);
    for (uint32_t i = 0; i < in->text.count; i++) {
        out->id += in->id.items[i];
        if (length_of_right(in->key, in->text.items[i]) != out->length)
            out->length = -1;
    }
}
BARKS_REDUCE(add_ids, large_row) { acc->id += in->id; }
BARKS_COGROUP(check_sides, checked, (a, large_row), (b, large_row))
{
    struct large_row row = {0};
    struct checked found = {0};
    while (barks_next_row(a, &row)) {
        found.id += row.id;
        found.length = length_of_right(row.key, row.text);
    }
    while (barks_next_row(b, &row)) {
        found.other++;
        if (length_of_right(row.key, row.text) != found.length)
            found.length = -1;
    }
    emit(.key = row.key, .id = found.id, .length = found.length, .other = found.other);
}

/* Key k has lengths[k] bytes and the ids k, k + count, ... */
struct given {
    const int64_t *lengths;
    int64_t key_count, copies;
};

static barks_rdd *dataset(barks_context *context, const struct given *given, uint32_t partitions)
{
    struct small_row rows[100];
    int64_t count = given->key_count * given->copies;
    ck_assert_int_le(count, 100);
    for (int64_t i = 0; i < count; i++)
        rows[i] = (struct small_row){
            .key = i % given->key_count, .id = i, .length = given->lengths[i % given->key_count]};
    return barks_map(barks_parallelize(context, small_row, rows, (size_t)count, partitions),
                     enlarge, NULL);
}

static int by_key_and_ids(const void *a, const void *b)
{
    const struct checked *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->other > y->other) - (x->other < y->other);
}

/* So many rows for each key, in order of the key where is_ordered; row `copy` of a key has the id
 * and the other that id_of and other_of say, in the order of both. */
static void check_rows(barks_rdd *rdd, const struct given *given, int64_t copies, bool is_ordered,
                       int64_t (*id_of)(const struct given *, int64_t key, int64_t copy),
                       int64_t (*other_of)(const struct given *, int64_t key, int64_t copy))
{
    int64_t n = 0;
    struct checked *rows = barks_collect(rdd, checked, &n);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(n, given->key_count * copies);
    if (!is_ordered)
        qsort(rows, (size_t)n, sizeof *rows, by_key_and_ids);
    for (int64_t i = 0; i < n; i++) {
        int64_t key = i / copies, copy = i % copies;
        ck_assert_int_eq(rows[i].key, key);
        ck_assert_int_eq(rows[i].length, given->lengths[key]);
        ck_assert_int_eq(rows[i].id, id_of(given, key, copy));
        ck_assert_int_eq(rows[i].other, other_of(given, key, copy));
    }
}

static int64_t zero(const struct given *given, int64_t key, int64_t copy)
{
    (void)given, (void)key, (void)copy;
    return 0;
}
static int64_t own_id(const struct given *given, int64_t key, int64_t copy)
{
    return key + copy * given->key_count;
}
static int64_t sum_of_ids(const struct given *given, int64_t key, int64_t copy)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < given->copies; i++)
        sum += own_id(given, key, i);
    return sum + 0 * copy;
}
static int64_t how_many(const struct given *given, int64_t key, int64_t copy)
{
    return given->copies + 0 * (key + copy);
}
static int64_t left_id(const struct given *given, int64_t key, int64_t copy)
{
    return own_id(given, key, copy / given->copies);
}
static int64_t right_id(const struct given *given, int64_t key, int64_t copy)
{
    return own_id(given, key, copy % given->copies);
}

static void check_given(barks_context *context, const struct given *given)
{
    barks_rdd *rows = dataset(context, given, 3);
    check_rows(barks_map(barks_repartition(rows, 4), check, NULL), given, given->copies, false,
               own_id, zero);
    check_rows(barks_map(barks_distinct_by(rows, "key, text"), check, NULL), given, 1, false,
               own_id, zero);
    check_rows(barks_map(barks_reduce_by_key(rows, "text", add_ids), check, NULL), given, 1, false,
               sum_of_ids, zero);
    /* By the head of the text, that is by the key; but a text of nothing is below all. */
    check_rows(barks_map(barks_sort_by(rows, "text, id", .partitions = 3), check, NULL), given,
               given->copies, true, own_id, zero);
    barks_rdd *others = barks_select(rows, "text, id as other");
    check_rows(barks_map(barks_join(rows, others, "text"), check_joined, NULL), given,
               given->copies * given->copies, false, left_id, right_id);
    check_rows(barks_map(barks_group_by_key(rows, "key"), check_group, NULL), given, 1, false,
               sum_of_ids, how_many);
    check_rows(barks_cogroup(rows, rows, "text", check_sides), given, 1, false, sum_of_ids,
               how_many);
}

SHAPES(rows_of_up_to_five_megabytes)
{
    static const int64_t lengths[] = {0, 1 << 12, 13, 5 << 20, 100000, 12, 5000001, 14, 1 << 20};
    check_given(context, &(struct given){lengths, sizeof lengths / sizeof *lengths, 2});
}

static void check_a_row_of_100_megabytes(barks_context *context)
{
    static const int64_t lengths[] = {20, 100 << 20, 1000};
    check_given(context, &(struct given){lengths, 3, 2});
}
START_TEST(a_row_of_100_megabytes) { run_within("2g", check_a_row_of_100_megabytes, "2", 0); }
END_TEST

SUITE_MAIN("rdd/large_rows", ON_SHAPES(rows_of_up_to_five_megabytes), a_row_of_100_megabytes)
