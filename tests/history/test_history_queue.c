#include "base/clock.h"
#include "base/scope.h"
#include "history/history_queue.h"
#include "history/history_reader.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <string.h>

enum { QUEUE_BYTES = 2000 };

static void put_task(struct history_queue *queue, uint64_t number)
{
    struct history_record record = {.kind = KIND_TASK_STARTED, .task_started = {.task = number}};
    history_queue_put(queue, &record);
}

static uint64_t close_queue(struct history_queue *queue)
{
    struct history_record last = {.kind = KIND_JOB_ENDED, .job_ended = {.output = "out"}};
    return history_queue_close(queue, &last);
}

/* The head that a reader wants to see, then what was taken. */
static void open_taken(const struct buffer *taken, struct history_reader *out)
{
    BARKS_AUTO(packer) whole = {0};
    BARKS_AUTO(packer) body = {0};
    struct history_record head = {.kind = KIND_JOB, .job = {.magic = HISTORY_MAGIC, .format = 1}};
    history_record_pack(&head, &body, &whole);
    ck_assert_int_eq(
        msgpack_sbuffer_write(&whole.bytes, (const char *)taken->data, taken->size_bytes), 0);
    must(history_open_bytes("taken", whole.bytes.data, whole.bytes.size, out));
    bool more = false;
    must(history_next(out, &head, &more));
    history_record_drop(&head);
}

START_TEST(what_does_not_fit_is_dropped_and_counted_and_told)
{
    enum { MANY = 1000, AFTER = 5 };
    BARKS_AUTO(history_queue) queue;
    BARKS_AUTO(buffer) full = {0};
    BARKS_AUTO(buffer) rest = {0};
    history_queue_init(&queue, QUEUE_BYTES);
    for (uint64_t i = 0; i < MANY; i++)
        put_task(&queue, i);
    ck_assert(history_queue_take(&queue, 0, &full));
    ck_assert_uint_le(full.size_bytes, QUEUE_BYTES);
    ck_assert_uint_gt(full.size_bytes, QUEUE_BYTES - 200);
    for (uint64_t i = 0; i < AFTER; i++)
        put_task(&queue, MANY + i);
    uint64_t dropped = close_queue(&queue);
    ck_assert(history_queue_take(&queue, 0, &rest));

    struct history_record record;
    bool more = false;
    uint64_t written = 0;
    BARKS_AUTO(history_reader) first = {0};
    open_taken(&full, &first);
    must(history_next(&first, &record, &more));
    for (; more; written++) {
        ck_assert_uint_eq(record.task_started.task, written); /* the first ones, without a gap */
        must(history_next(&first, &record, &more));
    }
    ck_assert(!first.is_cut);
    ck_assert_uint_eq(dropped, MANY - written);

    BARKS_AUTO(history_reader) second = {0};
    open_taken(&rest, &second);
    must(history_next(&second, &record, &more));
    ck_assert(more && record.kind == KIND_DROPPED && record.dropped.record_count == dropped);
    for (uint64_t i = 0; i < AFTER; i++) {
        must(history_next(&second, &record, &more));
        ck_assert(more && record.task_started.task == MANY + i);
    }
    must(history_next(&second, &record, &more));
    ck_assert(more && record.kind == KIND_JOB_ENDED);
    ck_assert_uint_eq(record.job_ended.dropped_count, dropped);
    ck_assert_str_eq(record.job_ended.output, "out");
    history_record_drop(&record);
}
END_TEST

START_TEST(a_full_queue_has_room_for_the_end_and_for_nothing_after_it)
{
    BARKS_AUTO(history_queue) queue;
    BARKS_AUTO(buffer) taken = {0};
    history_queue_init(&queue, QUEUE_BYTES);
    for (uint64_t i = 0; i < 1000; i++)
        put_task(&queue, i);
    uint64_t dropped = close_queue(&queue);
    put_task(&queue, 1000);
    ck_assert(history_queue_take(&queue, 0, &taken));
    BARKS_AUTO(history_reader) reader = {0};
    open_taken(&taken, &reader);
    struct history_record record;
    enum history_kind last = KIND_JOB;
    bool more = false;
    must(history_next(&reader, &record, &more));
    while (more) {
        last = record.kind;
        if (last == KIND_JOB_ENDED)
            ck_assert_uint_eq(record.job_ended.dropped_count, dropped);
        history_record_drop(&record);
        must(history_next(&reader, &record, &more));
    }
    ck_assert_int_eq(last, KIND_JOB_ENDED);
    ck_assert(!history_queue_take(&queue, 0, &taken));
}
END_TEST

START_TEST(who_refuses_drops_all)
{
    BARKS_AUTO(history_queue) queue;
    history_queue_init(&queue, QUEUE_BYTES);
    put_task(&queue, 0);
    history_queue_refuse(&queue);
    for (uint64_t i = 0; i < 7; i++)
        put_task(&queue, i);
    ck_assert_uint_eq(queue.locked.dropped_count, 7);
}
END_TEST

SUITE_MAIN("history/history_queue", what_does_not_fit_is_dropped_and_counted_and_told,
           a_full_queue_has_room_for_the_end_and_for_nothing_after_it, who_refuses_drops_all)
