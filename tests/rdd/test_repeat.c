/* Rounds: the states of a loop over an array, of which no more than two are kept. */
#include "rdd/cases.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { ROWS = 3000, ROUNDS_MAX = 30 };

BARKS_RECORD(cell, (i64, id), (i64, value));

struct stepping {
    barks_accumulator calls;
    int64_t factor;
};
BARKS_MAP(step_cell, cell, cell, struct stepping)
{
    if (in->value < 0)
        fail("cell %lld is below 0", (long long)in->id);
    *out = (struct cell){.id = in->id, .value = (in->value * env->factor + in->id) % 1009};
    barks_add(env->calls, 1);
}
BARKS_MAP(first_cell, barks_number, cell)
{
    *out = (struct cell){.id = in->value, .value = in->value % 7};
}

/* What the functions of a test have seen. */
struct watch {
    struct stepping stepping;
    barks_rdd *states[ROUNDS_MAX + 1];
    int64_t count;          /* of states */
    int64_t until_rounds;   /* stop then */
    const char *checkpoint; /* NULL: none */
    int64_t every;
    bool exchanges;
};

static barks_rdd *next_cells(barks_rdd *state, int64_t round, void *env)
{
    struct watch *watch = env;
    ck_assert_int_eq(round, watch->count - 1);
    ck_assert_ptr_eq(state, watch->states[round]);
    barks_rdd *next = barks_map(state, step_cell, &watch->stepping);
    if (watch->exchanges && round % 3 == 1)
        next = barks_partition_by(next, "id", .partitions = 5);
    watch->states[watch->count++] = next;
    return next;
}

static uint32_t entries_of(const char *path)
{
    uint32_t count = 0;
    DIR *directory = opendir(path);
    ck_assert_ptr_nonnull(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += strncmp(entry->d_name, "round-", 6) == 0;
    closedir(directory);
    return count;
}

/* Of all states but the first, those of which something is kept. */
static uint32_t kept_states(const struct watch *watch)
{
    uint32_t count = 0;
    for (int64_t i = 1; i < watch->count; i++) {
        barks_storage storage;
        ck_assert(barks_storage_info(watch->states[i], &storage));
        count += storage.kept_count > 0;
        ck_assert(storage.kept_count == 0 || storage.kept_count == storage.partition_count);
    }
    return count;
}

static int watch_round(barks_rdd *before, barks_rdd *after, int64_t round, void *env)
{
    struct watch *watch = env;
    ck_assert_ptr_eq(before, watch->states[round]);
    ck_assert_ptr_eq(after, watch->states[round + 1]);
    bool has_local = watch->checkpoint == NULL && watch->every > 0;
    ck_assert_uint_le(kept_states(watch), has_local ? 3 : 2);
    bool has_files = watch->checkpoint != NULL && round >= watch->every;
    if (watch->checkpoint != NULL)
        ck_assert_uint_eq(entries_of(watch->checkpoint), has_files);
    return round + 1 == watch->until_rounds;
}

static barks_rdd *cells(barks_context *context, struct watch *watch, uint32_t partitions)
{
    *watch = (struct watch){.stepping = {.calls = barks_counter(context, "calls"), .factor = 3}};
    barks_rdd *first = barks_generate(context, ROWS, partitions, first_cell, NULL);
    watch->states[watch->count++] = first;
    return first;
}

static void check_cells(barks_rdd *rdd, int64_t rounds)
{
    int64_t count = 0;
    struct cell *rows = barks_collect(barks_sort_by(rdd, "id"), cell, &count);
    ck_assert_int_eq(count, ROWS);
    for (int64_t i = 0; i < count; i++) {
        int64_t value = i % 7;
        for (int64_t round = 0; round < rounds; round++)
            value = (value * 3 + i) % 1009;
        ck_assert_int_eq(rows[i].id, i);
        ck_assert_int_eq(rows[i].value, value);
    }
}

SHAPES(rounds_equal_a_loop)
{
    static const int64_t rounds[] = {1, 2, 3, 8, ROUNDS_MAX};
    for (int i = 0; i < 5; i++) {
        struct watch watch;
        barks_rdd *first = cells(context, &watch, 1 + 3 * (uint32_t)i);
        watch.exchanges = i % 2 == 0;
        barks_rdd *last =
            barks_repeat(first, next_cells, &watch, .rounds = rounds[i], .until = watch_round);
        ck_assert_int_eq(watch.count, rounds[i] + 1);
        ck_assert_ptr_eq(last, watch.states[rounds[i]]);
        ck_assert_uint_eq(kept_states(&watch), 1);
        ck_assert_int_eq(barks_storage_level(first), 0);
        check_cells(last, rounds[i]);
        ck_assert_int_eq(barks_counter_value(context, watch.stepping.calls), rounds[i] * ROWS);
        barks_unpersist(last);
    }
}

SHAPES(rounds_end_when_until_says_so)
{
    for (int level = BARKS_MEMORY; level <= BARKS_DISK; level++) {
        struct watch watch;
        barks_rdd *first = barks_cache(cells(context, &watch, 6));
        watch.until_rounds = 2 + level;
        barks_rdd *last =
            barks_repeat(first, next_cells, &watch, .until = watch_round, .rounds = level % 2 * 20,
                         .level = (barks_level)level, .copies = 2, .compressed = level == 2);
        ck_assert_int_eq(watch.count, 3 + level);
        ck_assert_int_eq(barks_storage_level(last), level);
        ck_assert_int_eq(barks_storage_level(first), BARKS_MEMORY); /* the caller's */
        check_cells(last, 2 + level);
    }
}

static void check_checkpoints(barks_context *context, const char *folder)
{
    for (int64_t every = 1; every <= 4; every += 3)
        for (int64_t rounds = 12; rounds <= 13; rounds++) {
            struct watch watch;
            barks_rdd *first = cells(context, &watch, 4);
            watch.checkpoint = folder;
            watch.every = every;
            watch.exchanges = true;
            barks_rdd *last =
                barks_repeat(first, next_cells, &watch, .rounds = rounds, .until = watch_round,
                             .checkpoint = folder, .every = every);
            check_cells(last, rounds);
            barks_unpersist(last); /* it is computed from the last checkpoint then */
            check_cells(last, rounds);
            int64_t again = (rounds - 1) % every + 1;
            ck_assert_int_ge(barks_counter_value(context, watch.stepping.calls),
                             (rounds + again) * ROWS);
            ck_assert_int_le(barks_counter_value(context, watch.stepping.calls),
                             (rounds + 2 * again) * ROWS); /* a sort samples its rows */
            if (folder == NULL)
                continue;
            char command[128];
            ck_assert_uint_eq(entries_of(folder), 1);
            snprintf(command, sizeof command, "rm -rf '%s'/round-*", folder);
            ck_assert_int_eq(system(command), 0);
        }
}

SHAPES(checkpoints_in_files_cut_the_lineage)
{
    char folder[] = "/tmp/barks-repeat-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    check_checkpoints(context, folder);
    ck_assert_int_eq(rmdir(folder), 0);
}

SHAPES(checkpoints_on_executors_cut_the_lineage) { check_checkpoints(context, NULL); }

/* ---- until the rows stay as many ---- */

BARKS_FILTER(is_early, cell) { return in->id < 100; }

static barks_rdd *without_least(barks_rdd *state, int64_t round, void *env)
{
    (void)round;
    return barks_subtract(state, env);
}

static barks_rdd *as_it_is(barks_rdd *state, int64_t round, void *env)
{
    (void)round;
    (void)env;
    return state;
}

SHAPES(rounds_end_when_the_count_stays)
{
    struct watch watch;
    barks_rdd *first = cells(context, &watch, 3);
    barks_rdd *some = barks_filter(first, is_early, NULL);
    barks_rdd *last = barks_repeat(first, without_least, some, .until = barks_until_same_count);
    ck_assert_int_eq(barks_count(last), ROWS - 100);
    ck_assert_ptr_eq(barks_repeat(first, as_it_is, NULL, .until = barks_until_same_count), first);
    ck_assert_ptr_eq(barks_repeat(first, as_it_is, NULL, .rounds = 9, .every = 2), first);
    check_cells(first, 0);
    barks_rdd *none =
        barks_repeat(barks_only_partitions(first, NULL, 0), as_it_is, NULL, .rounds = 3);
    ck_assert_int_eq(barks_count(none), 0);
}

/* ---- errors ---- */

static void expect_error(barks_context *context, barks_rdd *rdd, const char *words)
{
    char text[1024];
    ck_assert_int_eq(barks_count(rdd), -1);
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(error);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(strstr(text, words) != NULL, "%s", text);
    barks_status_free(error);
}

static barks_rdd *nothing(barks_rdd *state, int64_t round, void *env)
{
    (void)env;
    return round < 2 ? state : NULL;
}

static barks_rdd *unknown_field(barks_rdd *state, int64_t round, void *env)
{
    (void)env;
    return round < 1 ? state : barks_select(state, "idd");
}

static int failing(barks_rdd *before, barks_rdd *after, int64_t round, void *env)
{
    (void)before;
    (void)after;
    (void)env;
    return round < 3 ? 0 : -1;
}

static barks_rdd *below(barks_rdd *state, int64_t round, void *env)
{
    struct watch *watch = env;
    watch->stepping.factor = round < 2 ? 3 : -3000;
    return barks_map(state, step_cell, &watch->stepping);
}

SHAPES(errors_name_the_round)
{
    struct watch watch;
    barks_rdd *first = cells(context, &watch, 3);
    expect_error(context, barks_repeat(first, as_it_is, NULL), "it would never end: .rounds says");
    expect_error(context, barks_repeat(first, as_it_is, NULL, .rounds = -2), ".rounds is -2");
    expect_error(context, barks_repeat(first, as_it_is, NULL, .rounds = 2, .every = -1),
                 ".every is -1");
    expect_error(context, barks_repeat(first, nothing, NULL, .rounds = 9), "round 2");
    expect_error(context, barks_repeat(first, nothing, NULL, .rounds = 9),
                 "has returned no dataset of this job");
    expect_error(context, barks_repeat(first, unknown_field, NULL, .rounds = 9), "round 1");
    expect_error(context, barks_repeat(first, unknown_field, NULL, .rounds = 9), "'idd'");
    expect_error(context, barks_repeat(first, as_it_is, NULL, .until = failing), "round 3");
    expect_error(context, barks_repeat(first, below, &watch, .rounds = 9), "round 3");
    expect_error(context, barks_repeat(first, below, &watch, .rounds = 9), "is below 0");
    expect_error(context,
                 barks_repeat(first, below, &watch, .rounds = 3, .every = 1,
                              .checkpoint = "/no/such/folder"),
                 "the directory '/no/such/folder/' for the output");
    check_cells(first, 0);
}

SUITE_MAIN("rdd/repeat", ON_SHAPES(rounds_equal_a_loop), ON_SHAPES(rounds_end_when_until_says_so),
           ON_SHAPES(checkpoints_in_files_cut_the_lineage),
           ON_SHAPES(checkpoints_on_executors_cut_the_lineage),
           ON_SHAPES(rounds_end_when_the_count_stays), ON_SHAPES(errors_name_the_round))
