/* Groups that do not fit in memory: exec/group_side.c, cogroup_operator.c. */
#include "rdd/large_groups.h"

#include <dirent.h>
#include <inttypes.h>
#include <unistd.h>

BARKS_RECORD(group_total, (optional(i64), key), (i64, count), (i64, sum), (i64, order),
             (i64, mistakes), (str, first), (str, last));

static struct group_total total_of(struct barks_rows_grouped_row *rows, int64_t reading)
{
    struct grouped_row row = {0};
    bool has_rows = barks_next_row(rows, &row);
    barks_rewind_rows(rows);
    struct summary summary = read_rows(rows, reading);
    summary.mistakes += has_rows != (summary.count > 0);
    return (struct group_total){.key = row.key,
                                .count = summary.count,
                                .sum = summary.sum,
                                .order = summary.order,
                                .mistakes = summary.mistakes,
                                .first = summary.first,
                                .last = summary.last};
}

BARKS_GROUP(to_total, grouped_row, group_total, struct making)
{
    struct group_total total = total_of(rows, env->reading);
    emit(.key = total.key, .count = total.count, .sum = total.sum, .order = total.order,
         .mistakes = total.mistakes, .first = total.first, .last = total.last);
}

/* The group whose ids begin at place *at, which is moved behind it. */
static struct summary expect_group(const struct making *making, const int64_t *ids, int64_t *at,
                                   int64_t *out_key)
{
    struct summary summary = {0};
    *out_key = key_of(making, ids[*at]);
    for (; *at < ROWS && key_of(making, ids[*at]) == *out_key; ++*at)
        if (making->reading != A_FEW || summary.count < 3)
            add_id(&summary, ids[*at]);
    return summary;
}

static void check_totals(const struct making *making, const struct group_total *totals,
                         int64_t total_count)
{
    int64_t *ids = ids_in_order(making);
    int64_t at = 0, key = 0;
    for (int64_t i = 0; i < total_count; i++) {
        ck_assert_int_lt(at, ROWS);
        struct summary wanted = expect_group(making, ids, &at, &key);
        ck_assert_int_eq(totals[i].key.valid ? totals[i].key.value : INT64_MAX, key);
        ck_assert_msg(totals[i].count == wanted.count && totals[i].sum == wanted.sum &&
                          totals[i].order == wanted.order && totals[i].mistakes == 0 &&
                          is_text_of(totals[i].first, wanted.first_id) &&
                          is_text_of(totals[i].last, wanted.last_id),
                      "kind %d, reading %d, group %d: %d rows, %d wanted, %d mistakes",
                      (int)making->kind, (int)making->reading, (int)i, (int)totals[i].count,
                      (int)wanted.count, (int)totals[i].mistakes);
    }
    ck_assert_int_eq(at, ROWS);
    free(ids);
}

static void group_all(barks_context *context, struct making making)
{
    int64_t count = 0;
    barks_rdd *groups =
        barks_group_with(make_rows(context, &making), "key", to_total, .partitions = 1,
                         .env = &making, .order = making.is_descending ? "id desc" : NULL);
    struct group_total *totals = barks_collect(groups, group_total, &count);
    check_totals(&making, totals, count);
}

static void read_in_all_ways(barks_context *context)
{
    struct making making = {.seed = property_seed(), .kind = MOSTLY_ONE};
    for (making.reading = ALL; making.reading < READINGS; making.reading++)
        group_all(context, making);
}

static void group_all_kinds(barks_context *context)
{
    struct making making = {.seed = property_seed()};
    for (making.kind = 0; making.kind < KEY_KINDS; making.kind++) {
        making.reading = making.kind == MANY ? TWICE : ALL;
        making.is_descending = making.kind == FEW;
        group_all(context, making);
    }
}

/* ---- bytes that change on disk while a body has them in sight ---- */

/* The scratch file of this process: it has no name, but a descriptor. */
static int scratch_descriptor(void)
{
    char path[64], target[300];
    int found = -1;
    DIR *listing = opendir("/proc/self/fd");
    for (struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;) {
        snprintf(path, sizeof path, "/proc/self/fd/%.20s", entry->d_name);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        if (strstr(target, "barks-scratch") != NULL)
            found = (int)strtol(entry->d_name, NULL, 10);
    }
    if (listing != NULL)
        closedir(listing);
    return found;
}

/* In the first piece of the file that is mapped. */
static bool flip_a_mapped_byte(void)
{
    char line[600], rights[8] = "";
    uint64_t begin = 0, end = 0, offset = 0;
    uint8_t byte = 0;
    bool is_found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && !is_found && fgets(line, sizeof line, maps) != NULL)
        is_found = strstr(line, "barks-scratch") != NULL &&
                   sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64, &begin, &end, rights,
                          &offset) == 4;
    if (maps != NULL)
        fclose(maps);
    int descriptor = scratch_descriptor();
    off_t at = (off_t)(offset + 5000);
    if (!is_found || pread(descriptor, &byte, 1, at) != 1)
        return false;
    byte ^= 1;
    return pwrite(descriptor, &byte, 1, at) == 1;
}

BARKS_GROUP(to_count, grouped_row, group_total)
{
    struct grouped_row row;
    int64_t count = 0, flips = 0;
    while (barks_next_row(rows, &row))
        if (++count == 150000)
            flips = flip_a_mapped_byte();
    emit(.count = count, .mistakes = flips);
}

static void flip_while_reading(barks_context *context)
{
    struct making making = {.seed = property_seed(), .kind = MOSTLY_ONE};
    char text[1024];
    int64_t count = 0;
    barks_rdd *groups =
        barks_group_with(make_rows(context, &making), "key", to_count, .partitions = 1);
    ck_assert_ptr_null(barks_collect(groups, group_total, &count));
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(error);
    ck_assert_int_eq(barks_status_code(error), BARKS_IO);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(strstr(text, "have changed while they were read") != NULL, "%s", text);
    barks_status_free(error);
}

START_TEST(bodies_read_groups_on_disk_as_they_like) { run_within("64m", read_in_all_ways, "1", 0); }
END_TEST
START_TEST(groups_of_any_size_are_called) { run_within("64m", group_all_kinds, "1", 0); }
END_TEST
START_TEST(on_two_executors_too) { run_within("96m", group_all_kinds, "2", 0); }
END_TEST

START_TEST(a_byte_that_changes_is_an_error) { run_within("64m", flip_while_reading, "1", 0); }
END_TEST

SUITE_MAIN("rdd/long_groups", bodies_read_groups_on_disk_as_they_like,
           groups_of_any_size_are_called, on_two_executors_too, a_byte_that_changes_is_an_error)
