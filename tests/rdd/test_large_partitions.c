/* A partition far larger than the others, of many keys of which none is hot: tasks that follow a
 * join share it (scheduler/pieces.h), and what comes out is what one task makes of it. */
#include "rdd/shapes.h"
#include "support/property.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INNER = 1, LEFT, RIGHT, FULL, SEMI, ANTI };
enum { ROWS = 120000, MAPS = 8, PARTITIONS = 8, KEYS = 64, TASKS_MAX = 4096 };

BARKS_RECORD(left_row, (i64, key), (i64, id), (str, text));
BARKS_RECORD(right_row, (i64, key), (i64, right_id));
BARKS_RECORD(joined, (i64, key), (i64, id), (optional(i64), right_id));
BARKS_RECORD(left_id, (i64, key), (i64, id));
BARKS_RECORD(placed, (i64, value), (i64, place));
BARKS_RECORD(sum_of_key, (i64, key), (i64, sum));

/* ---- rows: three of four have keys of one partition ---- */

struct making {
    int64_t keys[KEYS];
    barks_accumulator seen;
};

BARKS_MAP(place_of_number, barks_number, placed)
{
    *out = (struct placed){.value = in->value, .place = barks_task()->partition};
}

static void find_keys(barks_context *context, struct making *making)
{
    int64_t count = 0;
    uint32_t found = 0;
    barks_rdd *numbers = barks_range(context, 0, 4000, 1, 1);
    struct placed *places =
        barks_collect(barks_map(barks_partition_by(numbers, "value", .partitions = PARTITIONS),
                                place_of_number, NULL),
                      placed, &count);
    ck_assert_ptr_nonnull(places);
    for (int64_t i = 0; i < count && found < KEYS; i++)
        if (places[i].place == 5)
            making->keys[found++] = places[i].value;
    ck_assert_uint_eq(found, KEYS);
    barks_release(context, places);
}

static int64_t key_of(const struct making *making, int64_t id)
{
    uint64_t mixed = ((uint64_t)id + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
    return mixed % 4 != 0 ? making->keys[mixed / 4 % KEYS] : (int64_t)(mixed / 4 % 3000);
}

BARKS_MAP(make_left, barks_number, left_row, struct making)
{
    static const char text[40] = "forty bytes, so that there is something.";
    *out = (struct left_row){
        .key = key_of(env, in->value), .id = in->value, .text = barks_str_of(text, sizeof text)};
}

/* Two rows of each third key, none of the next, one of the one after that. */
BARKS_FLAT_MAP(make_right, barks_number, right_row)
{
    for (int64_t i = in->value % 3; i < 2; i += 1 + in->value % 3)
        emit(.key = in->value, .right_id = 10 * in->value + i);
}

BARKS_FILTER(see, joined, struct making)
{
    barks_add(env->seen, 1);
    return in->id % 16 != 3;
}

BARKS_REDUCE(add, sum_of_key) { acc->sum += in->sum; }

BARKS_MAP(weigh, joined, sum_of_key)
{
    *out =
        (struct sum_of_key){in->key % 97, in->id + (in->right_id.valid ? in->right_id.value : 7)};
}

static barks_rdd *join(barks_context *context, const struct making *making, int kind)
{
    const barks_join_options options = {.partitions = PARTITIONS, .broadcast = BARKS_NEVER};
    barks_rdd *left = barks_map(barks_range(context, 0, ROWS, 1, MAPS), make_left, making);
    barks_rdd *right = barks_flat_map(barks_range(context, 0, 4000, 1, 3), make_right, NULL);
    return barks_join_at(left, right, "key", kind, NULL, &options, BARKS_HERE);
}

/* ---- which tasks there were ---- */

static struct seen_tasks {
    barks_event tasks[TASKS_MAX];
    uint32_t count;
} seen_tasks;

static void see_task(const barks_event *event, void *user)
{
    struct seen_tasks *seen = user;
    if (event->kind == BARKS_EVENT_TASK_STARTED && event->attempt == 0 && seen->count < TASKS_MAX)
        seen->tasks[seen->count++] = *event;
}

/* Tasks that had a partition with another one. */
static uint32_t shared_partitions(const struct seen_tasks *seen)
{
    uint32_t shared = 0;
    for (uint32_t a = 0; a < seen->count; a++)
        for (uint32_t b = 0; b < a; b++)
            shared += seen->tasks[a].job == seen->tasks[b].job &&
                      seen->tasks[a].stage == seen->tasks[b].stage &&
                      seen->tasks[a].task != seen->tasks[b].task &&
                      seen->tasks[a].first_partition == seen->tasks[b].first_partition;
    return shared;
}

/* ---- the same with shared partitions and with whole ones ---- */

/* What comes out, in order. */
static struct outcome {
    int64_t row_count, seen, sum_count;
    uint64_t rows, sums; /* hashes */
    uint64_t shared_partitions;
} outcome;

static int join_kind;

static void mix(uint64_t *hash, int64_t value)
{
    *hash = (*hash ^ (uint64_t)value) * UINT64_C(0x9e3779b97f4a7c15);
    *hash ^= *hash >> 31;
}

/* Half of what a join gives: whatever follows by another key keeps the order. */
static void run_half_join(barks_context *context, const struct making *making)
{
    barks_rdd *rows = barks_select(join(context, making, join_kind), "key, id");
    struct left_id *ids =
        barks_collect(barks_partition_by(rows, "id", .partitions = 3), left_id, &outcome.row_count);
    ck_assert_ptr_nonnull(ids);
    for (int64_t i = 0; i < outcome.row_count; i++) {
        mix(&outcome.rows, ids[i].key);
        mix(&outcome.rows, ids[i].id);
    }
}

static void run_whole_join(barks_context *context, const struct making *making)
{
    barks_rdd *rows = barks_filter(
        barks_select(join(context, making, join_kind), "key, id, right_id"), see, making);
    struct joined *got =
        barks_collect(barks_partition_by(rows, "id", .partitions = 3), joined, &outcome.row_count);
    ck_assert_ptr_nonnull(got);
    outcome.seen = barks_counter_value(context, making->seen);
    for (int64_t i = 0; i < outcome.row_count; i++) {
        mix(&outcome.rows, got[i].key);
        mix(&outcome.rows, got[i].id);
        mix(&outcome.rows, got[i].right_id.valid ? got[i].right_id.value : -1);
    }
    struct sum_of_key *sums =
        barks_collect(barks_reduce_by_key(barks_map(rows, weigh, NULL), "key", add), sum_of_key,
                      &outcome.sum_count);
    ck_assert_ptr_nonnull(sums);
    for (int64_t i = 0; i < outcome.sum_count; i++) {
        mix(&outcome.sums, sums[i].key);
        mix(&outcome.sums, sums[i].sum);
    }
}

static void run_join(barks_context *context)
{
    struct making making = {.seen = barks_counter(context, "seen")};
    find_keys(context, &making);
    ck_assert(barks_add_listener(context, see_task, &seen_tasks));
    if (join_kind == SEMI || join_kind == ANTI)
        run_half_join(context, &making);
    else
        run_whole_join(context, &making);
}

/* In a process of its own, since it has one context in its life. */
static struct outcome outcome_of(const char *setting, const char *executors, const char *workers)
{
    struct outcome told = {0};
    int ends[2] = {0}, status = 0;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        ck_assert_int_eq(setenv("BARKS_LARGE_PARTITIONS", setting, 1), 0);
        ck_assert_int_eq(setenv("BARKS_WORKERS", workers, 1), 0);
        ck_assert_int_eq(setenv("BARKS_JOIN_FILTER", "off", 1), 0);
        run_on(run_join, executors, 0);
        outcome.shared_partitions = shared_partitions(&seen_tasks);
        _exit(write(ends[1], &outcome, sizeof outcome) == sizeof outcome ? 0 : 1);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &told, sizeof told), sizeof told);
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    return told;
}

/* In the same order too: frames of the pieces follow each other. */
static void check_kind(int kind, const char *executors, const char *workers)
{
    join_kind = kind;
    struct outcome whole = outcome_of("whole", executors, "2");
    struct outcome pieces = outcome_of("auto", executors, workers);
    ck_assert_uint_eq(whole.shared_partitions, 0);
    ck_assert_uint_gt(pieces.shared_partitions, 0);
    ck_assert_int_gt(whole.row_count, ROWS / 8);
    pieces.shared_partitions = 0;
    ck_assert_int_eq(memcmp(&whole, &pieces, sizeof whole), 0);
}

START_TEST(inner_on_1) { check_kind(INNER, "1", "4"); }
END_TEST
START_TEST(inner_on_2) { check_kind(INNER, "2", "3"); }
END_TEST
START_TEST(left_on_1) { check_kind(LEFT, "1", "3"); }
END_TEST
START_TEST(left_on_2) { check_kind(LEFT, "2", "2"); }
END_TEST
START_TEST(semi_on_2) { check_kind(SEMI, "2", "4"); }
END_TEST
START_TEST(anti_on_1) { check_kind(ANTI, "1", "2"); }
END_TEST

/* Rows of the right that have no partner would be given by each piece. */
static void run_without_pieces(barks_context *context)
{
    struct making making = {.seen = barks_counter(context, "seen")};
    find_keys(context, &making);
    ck_assert(barks_add_listener(context, see_task, &seen_tasks));
    barks_rdd *ids = barks_select(join(context, &making, FULL), "right_id");
    ck_assert_int_gt(barks_count(barks_partition_by(ids, "right_id", .partitions = 3)), ROWS / 8);
}

START_TEST(whole_partitions_where_pieces_would_not_do)
{
    ck_assert_int_eq(setenv("BARKS_WORKERS", "4", 1), 0);
    run_on(run_without_pieces, "1", 0);
    ck_assert_uint_gt(seen_tasks.count, 0);
    ck_assert_uint_eq(shared_partitions(&seen_tasks), 0);
}
END_TEST

SUITE_MAIN("rdd/large_partitions", inner_on_1, inner_on_2, left_on_1, left_on_2, semi_on_2,
           anti_on_1, whole_partitions_where_pieces_would_not_do)
