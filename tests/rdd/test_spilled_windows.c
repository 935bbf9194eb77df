/* Windows that do not fit in memory: exec/placed_rows.c, window_feed.c. */
#include "rdd/large_groups.h"

BARKS_RECORD(window_total, (i64, index), (i64, count), (i64, order), (i64, mistakes), (str, first),
             (str, last));

BARKS_GROUP(to_window_total, grouped_row, window_total, struct making)
{
    struct summary summary = read_rows(rows, env->reading);
    emit(.index = barks_task()->index, .count = summary.count, .order = summary.order,
         .mistakes = summary.mistakes, .first = summary.first, .last = summary.last);
}

struct shape {
    uint32_t partitions;
    int64_t width, step;
    int64_t reading;
    bool partial;
};

static void check_window(const struct shape *shape, const struct window_total *total, int64_t begin)
{
    struct summary wanted = {0};
    int64_t end = begin + shape->width < ROWS ? begin + shape->width : ROWS;
    if (shape->reading == A_FEW && end > begin + 3)
        end = begin + 3;
    for (int64_t id = begin; id < end; id++)
        add_id(&wanted, id);
    ck_assert_int_eq(total->index, begin / shape->step);
    ck_assert_msg(total->count == wanted.count && total->order == wanted.order &&
                      total->mistakes == 0 && is_text_of(total->first, wanted.first_id) &&
                      is_text_of(total->last, wanted.last_id),
                  "reading %d, window at %d: %d rows, %d wanted, %d mistakes", (int)shape->reading,
                  (int)begin, (int)total->count, (int)wanted.count, (int)total->mistakes);
}

static void check_shape(barks_context *context, const struct shape *shape)
{
    struct making making = {.seed = property_seed(), .reading = shape->reading};
    int64_t count = 0, at = 0;
    barks_rdd *rows = barks_generate(context, ROWS, shape->partitions, make_grouped, &making);
    struct window_total *totals =
        barks_collect(barks_windows(rows, (uint64_t)shape->width, (uint64_t)shape->step,
                                    to_window_total, .env = &making, .partial = shape->partial),
                      window_total, &count);
    int64_t seen = 0; /* rows that some window had */
    for (int64_t begin = 0; begin < ROWS; begin += shape->step) {
        bool is_whole = begin + shape->width <= ROWS;
        if (!is_whole && (!shape->partial || seen == ROWS))
            continue;
        ck_assert_int_lt(at, count);
        check_window(shape, &totals[at++], begin);
        seen = is_whole ? begin + shape->width : ROWS;
    }
    ck_assert_int_eq(at, count);
}

static void one_partition(barks_context *context)
{
    for (int64_t reading = ALL; reading < READINGS; reading++)
        check_shape(context, &(struct shape){.partitions = 1,
                                             .width = 200000,
                                             .step = 70000,
                                             .reading = reading,
                                             .partial = reading % 2 == 0});
}

/* Windows reach over several of them, and what is behind a partition may be on disk too. */
static void many_partitions(barks_context *context)
{
    check_shape(context,
                &(struct shape){.partitions = 5, .width = 150000, .step = 40000, .partial = true});
    check_shape(context, &(struct shape){.partitions = 3, .width = 100000, .step = 120000});
    check_shape(context,
                &(struct shape){.partitions = 2, .width = 140000, .step = 50000, .reading = TWICE});
}

/* The whole dataset is one window. */
static void one_window(barks_context *context)
{
    check_shape(context,
                &(struct shape){.partitions = 7, .width = 2 * ROWS, .step = ROWS, .partial = true});
}

START_TEST(windows_are_read_from_disk) { run_within("64m", one_partition, "1", 0); }
END_TEST
START_TEST(windows_reach_over_partitions_on_disk) { run_within("64m", many_partitions, "1", 0); }
END_TEST
START_TEST(on_two_executors_too) { run_within("96m", many_partitions, "2", 0); }
END_TEST
START_TEST(all_rows_may_be_one_window) { run_within("64m", one_window, "1", 0); }
END_TEST

SUITE_MAIN("rdd/spilled_windows", windows_are_read_from_disk, windows_reach_over_partitions_on_disk,
           on_two_executors_too, all_rows_may_be_one_window)
