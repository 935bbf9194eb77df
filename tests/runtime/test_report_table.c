/* Reports stand in the lists of their stages, and what is free is used again. */
#include "runtime/report_table.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>

static struct attempt_id id_of(uint64_t job, uint32_t task)
{
    return (struct attempt_id){.job = job, .task = task, .executor = 1};
}

static uint64_t add(struct report_table *table, uint64_t *list, uint64_t job, uint32_t task)
{
    uint64_t number = 0;
    struct attempt_id id = id_of(job, task);
    must(report_table_add(table, list, &id, &number));
    struct attempt_report *report = report_table_at(table, number);
    report->result = malloc(8); /* which is lost where it is not dropped */
    report->result_bytes = 8;
    return number;
}

START_TEST(a_report_is_found_by_its_number_and_attempt)
{
    struct report_table table = {0};
    uint64_t list = 0, numbers[100];
    for (uint32_t task = 0; task < 100; task++)
        numbers[task] = add(&table, &list, 7, task);
    for (uint32_t task = 0; task < 100; task++) {
        struct attempt_id id = id_of(7, task), other = id_of(8, task);
        ck_assert_ptr_eq(report_table_find(&table, numbers[task], &id),
                         report_table_at(&table, numbers[task]));
        ck_assert_ptr_null(report_table_find(&table, numbers[task], &other));
    }
    struct attempt_id id = id_of(7, 0);
    ck_assert_ptr_null(report_table_find(&table, 0, &id));
    ck_assert_ptr_null(report_table_find(&table, 101, &id));
    uint32_t task = 100; /* a list, the last one first */
    for (uint64_t number = list; number != 0; number = report_table_at(&table, number)->next)
        ck_assert_uint_eq(report_table_at(&table, number)->id.task, --task);
    ck_assert_uint_eq(task, 0);
    report_table_drop(&table);
}
END_TEST

/* One job always runs while others come and go: no more numbers than of those that run at once. */
START_TEST(jobs_that_overlap_for_ever_take_no_more)
{
    struct report_table table = {0};
    uint64_t lists[2] = {0};
    for (uint64_t job = 1; job <= 1000; job++) {
        uint64_t *list = &lists[job % 2];
        report_table_forget(&table, list);
        ck_assert_uint_eq(*list, 0);
        for (uint32_t task = 0; task < 50; task++)
            add(&table, list, job, task);
        ck_assert_uint_le(table.limit, 100);
        ck_assert_uint_eq(table.count, job == 1 ? 50 : 100);
    }
    struct attempt_id id = id_of(998, 0); /* whose numbers are those of others by now */
    for (uint64_t number = 1; number <= table.limit; number++)
        ck_assert_ptr_null(report_table_find(&table, number, &id));
    report_table_forget(&table, &lists[0]);
    report_table_forget(&table, &lists[1]);
    ck_assert_ptr_null(table.all);
    report_table_drop(&table);
}
END_TEST

START_TEST(a_report_that_is_dropped_keeps_its_place)
{
    struct report_table table = {0};
    uint64_t list = 0;
    uint64_t first = add(&table, &list, 1, 0), second = add(&table, &list, 1, 1);
    report_drop(report_table_at(&table, second));
    ck_assert_ptr_null(report_table_at(&table, second)->result);
    ck_assert_uint_eq(list, second);
    ck_assert_uint_eq(report_table_at(&table, second)->next, first);
    struct buffer result = report_take_result(report_table_at(&table, first));
    ck_assert_uint_eq(result.size_bytes, 8);
    buffer_drop(&result);
    report_table_forget(&table, &list);
    ck_assert_uint_eq(table.count, 0);
}
END_TEST

START_TEST(a_report_is_small) { ck_assert_uint_le(sizeof(struct attempt_report), 160); }
END_TEST

SUITE_MAIN("runtime/report_table", a_report_is_found_by_its_number_and_attempt,
           jobs_that_overlap_for_ever_take_no_more, a_report_that_is_dropped_keeps_its_place,
           a_report_is_small)
