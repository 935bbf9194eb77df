/* Arrow arrays as batches: what stays where it is, and for how long. */
#include "barks/str.h"
#include "base/pool.h"
#include "base/random.h"
#include "batch/arrow.h"
#include "batch/block.h"
#include "batch/schema.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 300, TEXT_MAX = 40, FIELDS = 4 };

/* A struct array of number i64?, real f64, text str?, same str: of exactly as much memory as its
 * rows have, so that ASan sees each read beyond. The last two fields have the same bytes. */
struct given {
    uint32_t offset, count; /* of the slice that is given */
    int64_t *numbers;
    double *reals;
    int32_t *offsets;
    char *bytes;
    uint8_t *valid;
    const void *buffers[FIELDS][3];
    const void *no_buffers[1];
    struct ArrowArray columns[FIELDS], *children[FIELDS], array;
    struct ArrowSchema fields[FIELDS], *child_schemas[FIELDS], schema;
    int released;
};

static struct pool *pool;

static void release_given(struct ArrowArray *array)
{
    struct given *given = array->private_data;
    given->released++;
    array->release = NULL;
    free(given->numbers); /* so that a read after it is seen */
    free(given->reals);
    free(given->offsets);
    free(given->bytes);
    free(given->valid);
}
static void release_no_schema(struct ArrowSchema *schema) { schema->release = NULL; }

static bool is_valid(const struct given *given, uint32_t row)
{
    return (given->valid[(given->offset + row) / 8] >> (given->offset + row) % 8 & 1) != 0;
}

static void *exactly(size_t size_bytes)
{
    void *memory = NULL;
    ck_assert_int_eq(posix_memalign(&memory, 64, size_bytes + 1), 0);
    return memory;
}

static void given_begin(struct given *given, uint32_t offset, uint32_t count, uint64_t seed)
{
    static const char *const formats[FIELDS] = {"l", "g", "u", "u"};
    static const char *const names[FIELDS] = {"number", "real", "text", "same"};
    struct random random = random_of(seed);
    uint32_t all = offset + count;
    *given = (struct given){.offset = offset, .count = count};
    given->numbers = exactly(all * sizeof(int64_t));
    given->reals = exactly(all * sizeof(double));
    given->offsets = exactly((all + 1) * sizeof(int32_t));
    given->valid = exactly(all / 8 + 1);
    memset(given->valid, 0xff, all / 8 + 1);
    given->offsets[0] = 0;
    for (uint32_t row = 0; row < all; row++) {
        bool is_null = random_below(&random, 4) == 0;
        if (is_null)
            given->valid[row / 8] &= (uint8_t) ~(1U << row % 8);
        given->numbers[row] = is_null ? 0 : (int64_t)random_next(&random);
        given->reals[row] = (double)row / 3;
        given->offsets[row + 1] =
            given->offsets[row] + (int32_t)random_below(&random, TEXT_MAX + 1);
    }
    given->bytes = exactly((size_t)given->offsets[all]);
    for (int32_t i = 0; i < given->offsets[all]; i++)
        given->bytes[i] = (char)('a' + random_below(&random, 26));
    for (int f = 0; f < FIELDS; f++) {
        bool is_text = f >= 2, is_nullable = f % 2 == 0;
        given->buffers[f][0] = is_nullable ? given->valid : NULL;
        given->buffers[f][1] = is_text  ? (const void *)given->offsets
                               : f == 0 ? (const void *)given->numbers
                                        : (const void *)given->reals;
        given->buffers[f][2] = given->bytes;
        given->columns[f] = (struct ArrowArray){.length = count,
                                                .offset = offset,
                                                .null_count = is_nullable ? -1 : 0,
                                                .n_buffers = is_text ? 3 : 2,
                                                .buffers = given->buffers[f]};
        given->fields[f] = (struct ArrowSchema){
            .format = formats[f], .name = names[f], .flags = is_nullable ? ARROW_FLAG_NULLABLE : 0};
        given->children[f] = &given->columns[f];
        given->child_schemas[f] = &given->fields[f];
    }
    given->array = (struct ArrowArray){.length = count,
                                       .n_buffers = 1,
                                       .n_children = FIELDS,
                                       .buffers = given->no_buffers,
                                       .children = given->children,
                                       .release = release_given,
                                       .private_data = given};
    given->schema = (struct ArrowSchema){.format = "+s",
                                         .n_children = FIELDS,
                                         .children = given->child_schemas,
                                         .release = release_no_schema};
}

/* Rows [first, first + row_count) of the batch are those of the array from `from` on. */
static void expect_rows(const struct given *given, const struct batch *batch, uint32_t first,
                        uint32_t from, uint32_t row_count)
{
    const barks_column *columns = batch->base.columns;
    barks_status *status = batch_validate(batch, false);
    ck_assert_ptr_null(status);
    ck_assert(batch_is_sound(batch));
    for (uint32_t i = 0; i < row_count; i++) {
        uint32_t row = first + i, there = given->offset + from + i;
        bool valid = is_valid(given, from + i);
        size_t length = (size_t)(given->offsets[there + 1] - given->offsets[there]);
        const char *bytes = given->bytes + given->offsets[there];
        const barks_str *texts = columns[2].values, *same = columns[3].values;
        bool right = barks_is_valid(&columns[0], row) == valid &&
                     barks_is_valid(&columns[2], row) == valid &&
                     ((const int64_t *)columns[0].values)[row] == given->numbers[there] &&
                     ((const double *)columns[1].values)[row] == given->reals[there] &&
                     texts[row].length == (valid ? length : 0) &&
                     memcmp(barks_str_bytes(&texts[row]), bytes, texts[row].length) == 0 &&
                     same[row].length == length &&
                     memcmp(barks_str_bytes(&same[row]), bytes, length) == 0;
        ck_assert_msg(right, "row %" PRIu32, row);
    }
}

static barks_schema *schema;

static struct batch *import(struct given *given)
{
    struct batch *batch = NULL;
    ck_assert_ptr_null(arrow_import_schema(&given->schema, &schema));
    ck_assert_ptr_null(arrow_import(pool, &given->array, &given->schema, schema, &batch));
    ck_assert(given->array.release == NULL);
    ck_assert_uint_eq(batch->base.row_count, given->count);
    return batch;
}

static void begin(void)
{
    ck_assert_ptr_null(pool_create(UINT64_C(64) << 20, &pool));
    schema = NULL;
}

static void end(void)
{
    schema_destroy(schema);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}

START_TEST(values_stay_where_they_are_until_the_last_batch_is_gone)
{
    uint64_t seed = property_seed();
    for (uint32_t offset = 0; offset < 70; offset += 3) {
        begin();
        struct given given;
        given_begin(&given, offset, ROWS, seed + offset);
        struct batch *batch = import(&given);
        expect_rows(&given, batch, 0, 0, ROWS);
        const barks_column *columns = batch->base.columns;
        ck_assert_ptr_eq(columns[0].values, given.numbers + offset);
        ck_assert_ptr_eq(columns[1].values, given.reals + offset);
        int32_t last = given.offsets[offset + ROWS] - BLOCK_SLACK_BYTES;
        for (uint32_t row = 0; row < ROWS; row++)
            for (int f = 2; f < FIELDS; f++) {
                const barks_str *text = (const barks_str *)columns[f].values + row;
                const char *bytes = given.bytes + given.offsets[offset + row];
                bool stays = given.offsets[offset + row + 1] <= last;
                if (text->length > BARKS_STR_INLINE)
                    ck_assert((barks_str_bytes(text) == bytes) == stays);
            }
        struct batch *kept = NULL, *copied = NULL;
        ck_assert_ptr_null(batch_create(pool, schema, 0, &kept));
        ck_assert_ptr_null(batch_create(pool, schema, 0, &copied));
        ck_assert_ptr_null(batch_append(kept, batch, 0, ROWS, BATCH_KEEP));
        ck_assert_ptr_null(batch_append(copied, batch, 0, ROWS, BATCH_COPY));
        ck_assert(!kept->base.columns[0].is_foreign && !copied->base.columns[0].is_foreign);
        batch_destroy(batch);
        ck_assert_int_eq(given.released, 0); /* kept has strings of it */
        expect_rows(&given, kept, 0, 0, ROWS);
        expect_rows(&given, copied, 0, 0, ROWS);
        batch_destroy(kept);
        ck_assert_int_eq(given.released, 1);
        ck_assert_ptr_null(batch_validate(copied, false));
        batch_destroy(copied);
        ck_assert_int_eq(given.released, 1);
        end();
    }
}
END_TEST

START_TEST(foreign_columns_are_copied_before_they_are_written)
{
    begin();
    static struct given given, more; /* too large for a frame */
    given_begin(&given, 5, ROWS, 1);
    given_begin(&more, 0, 100, 2);
    struct batch *batch = import(&given), *other = NULL;
    ck_assert_ptr_null(arrow_import(pool, &more.array, &more.schema, schema, &other));
    int64_t before[ROWS];
    memcpy(before, given.numbers + 5, sizeof before);
    batch_truncate(batch, 200);
    ck_assert_ptr_eq(batch->base.columns[0].values, given.numbers + 5);
    ck_assert_ptr_null(batch_append(batch, other, 10, 90, BATCH_COPY));
    ck_assert_ptr_ne(batch->base.columns[0].values, given.numbers + 5);
    expect_rows(&given, batch, 0, 0, 200);
    expect_rows(&more, batch, 200, 10, 90);
    ck_assert_int_eq(memcmp(before, given.numbers + 5, sizeof before), 0);
    ck_assert_int_eq(given.released, 0);
    batch_clear(batch); /* which holds the array no more */
    ck_assert_int_eq(given.released, 1);

    struct batch *room = NULL;
    ck_assert_ptr_null(batch_create(pool, schema, 0, &room));
    ck_assert_ptr_null(batch_append(room, other, 0, 100, BATCH_COPY));
    expect_rows(&more, room, 0, 0, 100);
    batch_clear(other);
    ck_assert_int_eq(more.released, 1);
    ck_assert(batch_is_sound(other));
    ck_assert_ptr_null(batch_append(other, room, 0, 100, BATCH_COPY));
    ck_assert(batch_equal(&other->base, &room->base));
    batch_destroy(room);
    batch_destroy(other);
    batch_destroy(batch);
    ck_assert_int_eq(given.released + more.released, 2);
    end();
}
END_TEST

START_TEST(what_cannot_be_lent_is_copied)
{
    begin();
    struct given given;
    given_begin(&given, 0, ROWS, 3);
    uint32_t null = 0;
    while (is_valid(&given, null))
        null++;
    given.numbers[null] = 77; /* though it is null */
    struct batch *batch = import(&given);
    ck_assert(!batch->base.columns[0].is_foreign);
    ck_assert(batch->base.columns[1].is_foreign);
    given.numbers[null] = 0;
    expect_rows(&given, batch, 0, 0, ROWS);
    batch_destroy(batch);
    ck_assert_int_eq(given.released, 1);
    end();
}
END_TEST

START_TEST(an_array_of_which_nothing_is_used_is_released_at_once)
{
    begin();
    struct given given;
    given_begin(&given, 0, 0, 4);
    struct batch *batch = import(&given);
    ck_assert_int_eq(given.released, 1);
    ck_assert_ptr_null(batch_reserve(batch, 10));
    batch_destroy(batch);
    ck_assert_int_eq(given.released, 1);
    end();
}
END_TEST

START_TEST(bytes_that_overlap_those_of_another_column_are_copied)
{
    begin();
    struct given given;
    given_begin(&given, 0, ROWS, 5);
    int32_t *shifted = exactly((ROWS + 1) * sizeof(int32_t)); /* the same texts, from byte 8 on */
    given.buffers[3][1] = shifted;
    given.buffers[3][2] = given.bytes + 8;
    for (uint32_t i = 0; i <= ROWS; i++)
        shifted[i] = given.offsets[i] > 8 ? given.offsets[i] - 8 : 0;
    struct batch *batch = import(&given);
    ck_assert_ptr_null(batch_validate(batch, false));
    const barks_str *same = batch->base.columns[3].values;
    for (uint32_t row = 50; row < ROWS; row++) {
        size_t length = (size_t)(given.offsets[row + 1] - given.offsets[row]);
        ck_assert_uint_eq(same[row].length, length);
        ck_assert_int_eq(
            memcmp(barks_str_bytes(&same[row]), given.bytes + given.offsets[row], length), 0);
    }
    batch_destroy(batch);
    free(shifted);
    ck_assert_int_eq(given.released, 1);
    end();
}
END_TEST

START_TEST(every_failure_of_memory_leaves_the_array_with_the_caller)
{
    begin();
    struct given given;
    given_begin(&given, 2, ROWS, 6);
    ck_assert_ptr_null(arrow_import_schema(&given.schema, &schema));
    struct batch *batch = NULL;
    uint64_t failures = 0;
    for (uint64_t n = 1; batch == NULL; n++) {
        pool_fail_after(pool, n);
        barks_status *status = arrow_import(pool, &given.array, &given.schema, schema, &batch);
        pool_fail_after(pool, 0);
        ck_assert((status == NULL) == (batch != NULL));
        ck_assert_int_eq(given.released, 0);
        ck_assert((given.array.release == NULL) == (batch != NULL));
        failures += status != NULL;
        barks_status_free(status);
    }
    ck_assert_uint_ge(failures, 3);
    expect_rows(&given, batch, 0, 0, ROWS);
    /* Copying what is written to fails too, and loses nothing. */
    for (uint64_t n = 1;; n++) {
        pool_fail_after(pool, n);
        barks_status *status = batch_reserve(batch, 1);
        pool_fail_after(pool, 0);
        bool done = status == NULL;
        barks_status_free(status);
        expect_rows(&given, batch, 0, 0, ROWS);
        if (done)
            break;
    }
    batch_destroy(batch);
    ck_assert_int_eq(given.released, 1);
    end();
}
END_TEST

SUITE_MAIN("batch/arrow", values_stay_where_they_are_until_the_last_batch_is_gone,
           foreign_columns_are_copied_before_they_are_written, what_cannot_be_lent_is_copied,
           an_array_of_which_nothing_is_used_is_released_at_once,
           bytes_that_overlap_those_of_another_column_are_copied,
           every_failure_of_memory_leaves_the_array_with_the_caller)
