#include "runtime/report_table.h"

#include "base/assertion.h"

#include <inttypes.h>
#include <stdlib.h>

void report_drop(struct attempt_report *report)
{
    frame_counts_drop(&report->frames);
    free(report->result);
    free(report->accumulated);
    report->result = report->accumulated = NULL;
    report->result_bytes = report->accumulated_bytes = 0;
}

struct buffer report_take_result(struct attempt_report *report)
{
    struct buffer result = {.data = report->result,
                            .size_bytes = report->result_bytes,
                            .capacity_bytes = report->result_bytes,
                            .limit_bytes = report->result_bytes};
    report->result = NULL;
    return result;
}

void report_table_drop(struct report_table *table)
{
    for (uint64_t i = 0; i < table->limit; i++)
        report_drop(&table->all[i]);
    free(table->all);
    *table = (struct report_table){0};
}

BARKS_CHECKED static barks_status *grow(struct report_table *table)
{
    uint64_t capacity = table->capacity > 0 ? 2 * table->capacity : 64;
    struct attempt_report *all = reallocarray(table->all, capacity, sizeof *all);
    if (all == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu64 " reports", capacity);
    table->all = all;
    table->capacity = capacity;
    return NULL;
}

barks_status *report_table_add(struct report_table *table, uint64_t *list,
                               const struct attempt_id *id, uint64_t *out_number)
{
    uint64_t number = table->first_free;
    if (number == 0 && table->limit == table->capacity)
        BARKS_TRY(grow(table));
    if (number != 0)
        table->first_free = table->all[number - 1].next;
    else
        number = ++table->limit;
    table->all[number - 1] = (struct attempt_report){.id = *id, .next = *list};
    table->count++;
    *list = number;
    *out_number = number;
    return NULL;
}

struct attempt_report *report_table_at(const struct report_table *table, uint64_t number)
{
    BARKS_ASSERT(number > 0 && number <= table->limit);
    return &table->all[number - 1];
}

struct attempt_report *report_table_find(const struct report_table *table, uint64_t number,
                                         const struct attempt_id *id)
{
    if (number == 0 || number > table->limit)
        return NULL;
    struct attempt_report *report = &table->all[number - 1];
    bool is_it = report->id.job == id->job && report->id.stage == id->stage &&
                 report->id.task == id->task && report->id.attempt == id->attempt;
    return is_it ? report : NULL;
}

void report_table_forget(struct report_table *table, uint64_t *list)
{
    while (*list != 0) {
        uint64_t number = *list;
        struct attempt_report *report = report_table_at(table, number);
        *list = report->next;
        report_drop(report);
        *report = (struct attempt_report){.next = table->first_free};
        table->first_free = number;
        table->count--;
    }
    if (table->count == 0)
        report_table_drop(table);
}
