/* The n-th request for memory is refused, once, as if the budget were used up just then: an action
 * then gives what it gives otherwise, or one sentence, and the next one is as good as ever. */
#include "base/pool.h"
#include "rdd/shapes.h"
#include "support/property.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 6000, KEYS = 700, RUNS_MAX = 150 }; /* what all runs collect stays in memory */

/* ---- the pool ---- */

static _Atomic int64_t request_count;
static _Atomic int64_t refused; /* the number of the request that is; 0: none */

static bool is_refused(void) { return atomic_fetch_add(&request_count, 1) + 1 == refused; }

#define REFUSE(bytes)                                                                              \
    if (is_refused())                                                                              \
    BARKS_FAIL(BARKS_LIMIT, "a test refuses %zu bytes", (size_t)(bytes))

barks_status *__real_pool_acquire(struct pool *pool, size_t bytes, void **out);
barks_status *__wrap_pool_acquire(struct pool *pool, size_t bytes, void **out);
barks_status *__real_pool_acquire_zeroed(struct pool *pool, size_t bytes, void **out);
barks_status *__wrap_pool_acquire_zeroed(struct pool *pool, size_t bytes, void **out);
barks_status *__real_pool_grow_zeroed(struct pool *pool, void *memory, size_t old_bytes,
                                      size_t bytes, void **out);
barks_status *__wrap_pool_grow_zeroed(struct pool *pool, void *memory, size_t old_bytes,
                                      size_t bytes, void **out);
barks_status *__real_pool_reserve(struct pool *pool, uint64_t bytes);
barks_status *__wrap_pool_reserve(struct pool *pool, uint64_t bytes);
bool __real_pool_claim(struct pool *pool, uint64_t bytes);
bool __wrap_pool_claim(struct pool *pool, uint64_t bytes);

barks_status *__wrap_pool_acquire(struct pool *pool, size_t bytes, void **out)
{
    REFUSE(bytes);
    return __real_pool_acquire(pool, bytes, out);
}

barks_status *__wrap_pool_acquire_zeroed(struct pool *pool, size_t bytes, void **out)
{
    REFUSE(bytes);
    return __real_pool_acquire_zeroed(pool, bytes, out);
}

barks_status *__wrap_pool_grow_zeroed(struct pool *pool, void *memory, size_t old_bytes,
                                      size_t bytes, void **out)
{
    REFUSE(bytes);
    return __real_pool_grow_zeroed(pool, memory, old_bytes, bytes, out);
}

barks_status *__wrap_pool_reserve(struct pool *pool, uint64_t bytes)
{
    REFUSE(bytes);
    return __real_pool_reserve(pool, bytes);
}

bool __wrap_pool_claim(struct pool *pool, uint64_t bytes)
{
    return !is_refused() && __real_pool_claim(pool, bytes);
}

/* ---- the jobs ---- */

BARKS_RECORD(keyed_row, (i64, key), (i64, id), (str, text));
BARKS_RECORD(answer, (i64, key), (i64, number), (i64, order));

static int64_t key_of(int64_t id)
{
    return (int64_t)(((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 20) % KEYS);
}

BARKS_MAP(make_keyed, barks_number, keyed_row)
{
    char text[40];
    int length = snprintf(text, sizeof text, "the text of row %d", (int)in->value);
    *out = (struct keyed_row){.key = key_of(in->value), .id = in->value};
    out->text = barks_str_make(out, text, (size_t)length);
}

static int64_t weight_of(barks_str text, int64_t id)
{
    uint64_t weight = (uint64_t)id;
    for (uint32_t i = 0; i < text.length; i++)
        weight = weight * 31 + (uint8_t)barks_str_bytes(&text)[i];
    return (int64_t)weight;
}

BARKS_MAP(to_answer, keyed_row, answer)
{
    *out = (struct answer){.key = in->key, .number = 1, .order = weight_of(in->text, in->id)};
}

BARKS_REDUCE(add_answers, answer)
{
    acc->number += in->number;
    acc->order = (int64_t)((uint64_t)acc->order + (uint64_t)in->order);
}

BARKS_GROUP(group_to_answer, keyed_row, answer)
{
    struct keyed_row row;
    struct answer answer = {0};
    while (barks_next_row(rows, &row)) {
        answer.key = row.key;
        answer.order =
            (int64_t)((uint64_t)answer.order * 7 + (uint64_t)weight_of(row.text, row.id));
        answer.number++;
    }
    emit(.key = answer.key, .number = answer.number, .order = answer.order);
}

BARKS_COGROUP(sides_to_answer, answer, (left, keyed_row), (right, keyed_row))
{
    struct keyed_row row;
    struct answer answer = {0};
    for (; barks_next_row(left, &row); answer.number++, answer.key = row.key)
        answer.order =
            (int64_t)((uint64_t)answer.order * 7 + (uint64_t)weight_of(row.text, row.id));
    for (; barks_next_row(right, &row); answer.number++)
        answer.order =
            (int64_t)((uint64_t)answer.order * 3 + (uint64_t)weight_of(row.text, row.id));
    emit(.key = answer.key, .number = answer.number, .order = answer.order);
}

BARKS_PAIR(pair_to_answer, keyed_row, keyed_row, answer)
{
    *out = (struct answer){.key = left->key, .number = left->id};
    out->order = weight_of(right->text, right->id);
}

enum operation { GROUP, REDUCE, DISTINCT, JOIN, SORT, COGROUP, WINDOWS, OPERATIONS };
static const char *const names[] = {"group", "reduce",  "distinct", "join",
                                    "sort",  "cogroup", "windows"};

static barks_rdd *dataset_of(barks_context *context, enum operation operation)
{
    barks_rdd *rows = barks_generate(context, ROWS, 4, make_keyed, NULL);
    switch (operation) {
    case GROUP:
        return barks_group_with(rows, "key", group_to_answer, .partitions = 3);
    case REDUCE:
        return barks_reduce_by_key(barks_map(rows, to_answer, NULL), "key", add_answers,
                                   .partitions = 3);
    case DISTINCT:
        return barks_map(barks_distinct(rows, .partitions = 3), to_answer, NULL);
    case JOIN:
        return barks_join_with(rows, rows, "key", pair_to_answer, .partitions = 3,
                               .broadcast = BARKS_NEVER);
    case SORT:
        return barks_map(barks_sort_by(rows, "key, text"), to_answer, NULL);
    case COGROUP:
        return barks_cogroup(rows, rows, "key", sides_to_answer, .partitions = 3);
    case WINDOWS:
        return barks_windows(rows, 2500, 400, group_to_answer);
    case OPERATIONS:
        break;
    }
    return NULL;
}

static void check_refused(barks_context *context, enum operation operation, int64_t number,
                          const struct answer *wanted, int64_t wanted_count)
{
    int64_t count = 0;
    request_count = 0;
    refused = number;
    struct answer *answers = barks_collect(dataset_of(context, operation), answer, &count);
    refused = 0;
    barks_status *error = barks_take_error(context);
    if (answers != NULL) {
        ck_assert_msg(error == NULL && count == wanted_count &&
                          memcmp(answers, wanted, (size_t)count * sizeof *answers) == 0,
                      "%s, request %d refused: %d rows, %d wanted", names[operation], (int)number,
                      (int)count, (int)wanted_count);
        return;
    }
    char text[2000] = "";
    ck_assert_msg(error != NULL, "%s, request %d refused: no error", names[operation], (int)number);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(barks_status_code(error) == BARKS_LIMIT && strstr(text, "a test refuses") != NULL,
                  "%s, request %d refused: %s", names[operation], (int)number, text);
    barks_status_free(error);
}

static void refuse_each(barks_context *context)
{
    uint64_t seed = property_seed();
    for (enum operation operation = GROUP; operation < OPERATIONS; operation++) {
        int64_t count = 0;
        request_count = 0;
        struct answer *wanted = barks_collect(dataset_of(context, operation), answer, &count);
        ck_assert_ptr_nonnull(wanted);
        ck_assert_int_gt(count, 0);
        /* A few more than were counted: threads do not always ask as often. */
        int64_t requests = request_count + 10, step = requests / RUNS_MAX + 1;
        int64_t first = 1 + (int64_t)(property_next(&seed) % (uint64_t)step);
        for (int64_t number = first; number <= requests; number += step)
            check_refused(context, operation, number, wanted, count);
    }
}

START_TEST(on_one_executor) { run_within("512m", refuse_each, "1", 0); }
END_TEST
START_TEST(on_two_executors) { run_within("512m", refuse_each, "2", 0); }
END_TEST

SUITE_MAIN("rdd/refused", on_one_executor, on_two_executors)
