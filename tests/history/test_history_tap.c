#include "history/history_tap.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { QUEUE_BYTES = 4000 };

/* What a listener has heard; outlives the tap, whose context only points here. */
struct heard {
    uint64_t tasks, dropped, out_of_order, next;
    uint64_t told_at_end;
    bool has_ended;
    pthread_mutex_t gate; /* held by a test that keeps the listener waiting */
    _Atomic bool is_waiting;
};

static void take(void *context, const struct history_record *record)
{
    struct heard *heard = *(struct heard **)context;
    atomic_store_explicit(&heard->is_waiting, true, memory_order_relaxed);
    pthread_mutex_lock(&heard->gate);
    pthread_mutex_unlock(&heard->gate);
    if (record->kind == KIND_TASK_STARTED) {
        heard->out_of_order += record->task_started.task < heard->next;
        heard->next = record->task_started.task + 1;
        heard->tasks++;
    } else if (record->kind == KIND_DROPPED) {
        heard->dropped += record->dropped.record_count;
    } else if (record->kind == KIND_JOB_ENDED) {
        heard->told_at_end = record->job_ended.dropped_count;
        heard->has_ended = true;
    }
}

static struct history_tap *start(struct heard *heard)
{
    struct history_tap *tap = NULL;
    struct heard **context = malloc(sizeof(struct heard *));
    ck_assert_ptr_nonnull(context);
    *context = heard;
    pthread_mutex_init(&heard->gate, NULL);
    must(history_tap_start(QUEUE_BYTES, take, context, &tap));
    return tap;
}

static void put(struct history_tap *tap, uint64_t number)
{
    struct history_record record = {.kind = KIND_TASK_STARTED, .task_started = {.task = number}};
    history_tap_put(tap, &record);
}

START_TEST(all_is_heard_in_order_where_there_is_time)
{
    static struct heard heard;
    struct history_record last = {.kind = KIND_JOB_ENDED};
    uint64_t dropped = 99;
    struct history_tap *tap = start(&heard);
    for (uint64_t i = 0; i < 20; i++)
        put(tap, i);
    ck_assert(history_tap_close(tap, &last, UINT64_C(60000000000), &dropped));
    ck_assert_uint_eq(dropped, 0);
    ck_assert(heard.has_ended);
    ck_assert_uint_eq(heard.tasks, 20);
    ck_assert_uint_eq(heard.out_of_order, 0);
}
END_TEST

/* Nobody waits: many records for a listener that does not move. */
START_TEST(who_is_slow_loses_records_and_is_told_how_many)
{
    enum { MANY = 200000 };
    static struct heard heard;
    struct history_record last = {.kind = KIND_JOB_ENDED};
    uint64_t dropped = 0;
    struct history_tap *tap = start(&heard);
    pthread_mutex_lock(&heard.gate);
    for (uint64_t i = 0; i < MANY; i++)
        put(tap, i);
    pthread_mutex_unlock(&heard.gate);
    while (!atomic_load_explicit(&heard.is_waiting, memory_order_relaxed))
        sched_yield();
    put(tap, MANY);
    ck_assert(history_tap_close(tap, &last, UINT64_C(60000000000), &dropped));
    ck_assert(heard.has_ended);
    ck_assert_uint_gt(dropped, MANY / 2);
    ck_assert_uint_eq(heard.told_at_end, dropped);
    ck_assert_uint_eq(heard.tasks + dropped, MANY + 1);
    ck_assert_uint_le(heard.dropped, dropped);
    ck_assert_uint_eq(heard.out_of_order, 0);
}
END_TEST

START_TEST(who_never_returns_is_left_behind)
{
    static struct heard heard;
    struct history_record last = {.kind = KIND_JOB_ENDED};
    uint64_t dropped = 0;
    struct history_tap *tap = start(&heard);
    pthread_mutex_lock(&heard.gate);
    put(tap, 0);
    ck_assert(!history_tap_close(tap, &last, 50000000, &dropped));
}
END_TEST

SUITE_MAIN("history/tap", all_is_heard_in_order_where_there_is_time,
           who_is_slow_loses_records_and_is_told_how_many, who_never_returns_is_left_behind)
