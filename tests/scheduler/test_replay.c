/* A journal replays to the same decisions; what is not the same, or damaged, is told. */
#include "base/scope.h"
#include "scheduler/journal.h"
#include "scheduler/journal_fields.h"
#include "scheduler/replay.h"
#include "support/faults.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

enum { PARTITIONS = 4, OUTPUTS = 3, QUEUE_MAX = 64 };

/* ---- a journal ---- */

/* A scheduler whose tasks finish at once. Begins with recording_init, ends with recording_drop. */
struct recording {
    struct scheduler *scheduler;
    struct decision_list decisions;
    struct journal journal;
    struct event *queue; /* owned; of QUEUE_MAX */
    size_t first, end;
    uint64_t event_count, decision_count;
};

static const uint64_t output_bytes[OUTPUTS] = {7, 0, 900};

static void answer(struct recording *recording, const struct decision *decision)
{
    struct event *event = &recording->queue[recording->end];
    if (decision->kind == DECISION_START_TASK)
        *event = (struct event){.kind = EVENT_ATTEMPT_FINISHED,
                                .attempt_finished = {decision->start_task.id, 40}};
    else if (decision->kind == DECISION_COMMIT_STAGE)
        *event = (struct event){
            .kind = EVENT_STAGE_COMMITTED,
            .stage_committed = {decision->commit_stage.job, decision->commit_stage.stage,
                                decision->commit_stage.commit,
                                decision->commit_stage.stage == 0 ? output_bytes : NULL}};
    else
        return;
    recording->end++;
    ck_assert_uint_lt(recording->end, QUEUE_MAX);
}

/* change, where there is one, spoils what is recorded of the decisions. */
static void record(struct recording *recording, const struct event *event,
                   void (*change)(struct decision_list *decisions))
{
    recording->decisions.count = 0;
    journal_event(&recording->journal, recording->scheduler, event);
    barks_status *status = scheduler_handle(recording->scheduler, event, &recording->decisions);
    for (size_t i = 0; i < recording->decisions.count; i++)
        answer(recording, &recording->decisions.items[i]);
    if (change != NULL)
        change(&recording->decisions);
    journal_decisions(&recording->journal, status, recording->decisions.items,
                      recording->decisions.count);
    barks_status_free(status);
    recording->event_count++;
    recording->decision_count += recording->decisions.count;
}

/* A job that uses all that a specification can say. */
static void record_job(struct recording *recording, uint64_t id,
                       void (*change)(struct decision_list *decisions))
{
    static const uint64_t bytes[PARTITIONS] = {1, UINT64_MAX / 8, 0, 3};
    static const uint32_t firsts[PARTITIONS + 1] = {0, 0, 2, 3, 3},
                                              pins[PARTITIONS] = {SCHEDULER_ANY, 1, SCHEDULER_ANY,
                                                                  2};
    static const struct place places[] = {{PLACE_NODE, 5}, {PLACE_EXECUTOR, 2}, {PLACE_NODE, 7}};
    static const struct stage_input input = {
        .parent = 0, .kind = INPUT_PARTITIONS, .is_in_pieces = true};
    const struct stage_spec stages[] = {{.output = OUTPUT_SHUFFLE,
                                         .policy = RUNS_SINGLE,
                                         .partition_count = PARTITIONS,
                                         .output_partition_count = OUTPUTS,
                                         .partition_bytes = bytes,
                                         .place_firsts = firsts,
                                         .places = places,
                                         .pins = id == 1 ? pins : NULL,
                                         .needs = {.threads = 1, .memory_bytes = 10, .units = {1}},
                                         .forbids_copies = true},
                                        {.output = OUTPUT_SINK,
                                         .policy = RUNS_SPREAD,
                                         .partition_count = OUTPUTS,
                                         .input_count = 1,
                                         .inputs = &input}};
    const struct job_spec job = {
        .id = id, .pool = 1, .priority = -3, .stage_count = 2, .stages = stages};
    record(recording,
           &(struct event){.kind = EVENT_JOB_SUBMITTED, .time_ns = 20, .job_submitted = &job},
           change);
}

static void recording_init(struct recording *recording)
{
    static const struct pool_spec pools[] = {{POOL_FIFO, 1, 0}, {POOL_FAIR, 7, 2}};
    const struct scheduler_options options = {
        .attempts_max = 3, .recovers = true, .pools = pools, .pool_count = 2};
    const struct executor_offer offer = {.memory_bytes = 100, .units = {6}};
    *recording = (struct recording){.queue = calloc(QUEUE_MAX, sizeof *recording->queue)};
    ck_assert_ptr_nonnull(recording->queue);
    ck_assert_ptr_null(scheduler_create(&options, &recording->scheduler));
    journal_begin(&recording->journal, &options);
    for (uint32_t id = 1; id <= 2; id++)
        record(recording,
               &(struct event){.kind = EVENT_EXECUTOR_JOINED,
                               .time_ns = id,
                               .executor_joined = {id, 4 + id, 2, &offer}},
               NULL);
}

static void run_out(struct recording *recording)
{
    while (recording->first < recording->end) {
        struct event event = recording->queue[recording->first++];
        event.time_ns = 100 + recording->first;
        record(recording, &event, NULL);
    }
}

static void recording_drop(struct recording *recording)
{
    scheduler_destroy(recording->scheduler);
    decision_list_drop(&recording->decisions);
    journal_drop(&recording->journal);
    free(recording->queue);
}

static barks_status *replayed(const struct recording *recording, struct replay *out)
{
    return replay_run(recording->journal.records.bytes.data, recording->journal.records.bytes.size,
                      out);
}

static void whole_journal(struct recording *recording)
{
    recording_init(recording);
    record_job(recording, 1, NULL);
    run_out(recording);
}

/* ---- tests ---- */

START_TEST(a_journal_of_a_job_replays)
{
    BARKS_AUTO(recording) recording;
    struct replay replay;
    whole_journal(&recording);
    must(replayed(&recording, &replay));
    ck_assert_str_eq(replay.difference, "");
    ck_assert_uint_eq(replay.event_count, recording.event_count);
    ck_assert_uint_eq(replay.decision_count, recording.decision_count);
    ck_assert_uint_eq(replay.job_count, 1);
    ck_assert_uint_gt(replay.decision_count, PARTITIONS + OUTPUTS);
    ck_assert(!replay.has_open_event);
}
END_TEST

/* Also those that come too late, and one that is refused. */
START_TEST(every_kind_of_event_replays)
{
    static const struct attempt_id id = {2, 0, 1, 0, 2}, unknown = {9, 8, 7, 6, 1};
    const struct event events[] = {
        {.kind = EVENT_EXECUTOR_JOINED, .executor_joined = {1, 1, 1, NULL}}, /* again */
        {.kind = EVENT_ATTEMPT_STARTED, .attempt_started = id},
        {.kind = EVENT_COPY_WANTED, .copy_wanted = {2, 0, 1}},
        {.kind = EVENT_ATTEMPT_FAILED,
         .attempt_failed = {id, CAUSE_RESOURCE, true, 5, 0x8877665544332211}},
        {.kind = EVENT_ATTEMPT_FINISHED, .attempt_finished = {unknown, 9}},
        {.kind = EVENT_STAGE_SKIPPED, .stage_skipped = {2, 0}},
        {.kind = EVENT_COMMIT_FAILED, .commit_failed = {9, 0, 1, CAUSE_RESOURCE, 3}},
        {.kind = EVENT_STAGE_COMMITTED, .stage_committed = {9, 0, 1, output_bytes}},
        {.kind = EVENT_TIMER},
        {.kind = EVENT_EXECUTOR_LOST, .executor_lost = {2}},
        {.kind = EVENT_JOB_CANCELLED, .job_cancelled = {2}},
    };
    BARKS_AUTO(recording) recording;
    struct replay replay;
    whole_journal(&recording);
    record_job(&recording, 2, NULL);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        struct event event = events[i];
        event.time_ns = 1000 + i;
        record(&recording, &event, NULL);
    }
    run_out(&recording);
    must(replayed(&recording, &replay));
    ck_assert_str_eq(replay.difference, "");
    ck_assert_uint_eq(replay.event_count, recording.event_count);
}
END_TEST

static void spoil_first(struct decision_list *decisions)
{
    decisions->items[0].ship_stage.executor++;
}
static void drop_last(struct decision_list *decisions) { decisions->count--; }
static void add_one(struct decision_list *decisions)
{
    must(decision_list_append(
        decisions, &(struct decision){.kind = DECISION_RELEASE_STAGE, .release_stage = {1, 0}}));
}

START_TEST(the_first_difference_is_told)
{
    static const struct {
        void (*change)(struct decision_list *decisions);
        const char *text;
    } cases[] = {
        {spoil_first,
         "decision 1 after event 3 (job_submitted id=1 deadline_ns=0 pool=1 priority=-3 "
         "stage_count=2 stages=(2), at 20 ns) was \"ship_stage job=1 stage=0 executor=2\" "
         "and is now \"ship_stage job=1 stage=0 executor=1\""},
        {drop_last, "was \"none\" and is now \"start_task job=1 stage=0 task="},
        {add_one, "was \"release_stage job=1 stage=0\" and is now \"none\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        BARKS_AUTO(recording) recording;
        struct replay replay;
        recording_init(&recording);
        record_job(&recording, 1, cases[i].change);
        run_out(&recording);
        must(replayed(&recording, &replay));
        ck_assert_msg(strstr(replay.difference, cases[i].text) != NULL, "%s", replay.difference);
        ck_assert_uint_eq(replay.event_count, 3);
    }
}
END_TEST

START_TEST(another_code_is_told)
{
    BARKS_AUTO(recording) recording;
    struct replay replay;
    recording_init(&recording);
    const struct event again = {.kind = EVENT_EXECUTOR_JOINED, .executor_joined = {1, 5, 2, NULL}};
    journal_event(&recording.journal, recording.scheduler, &again);
    journal_decisions(&recording.journal, NULL, NULL, 0);
    must(replayed(&recording, &replay));
    ck_assert_str_eq(replay.difference, "event 3 led to the code 0 and now leads to 1: executor 1 "
                                        "joins for the second time");
}
END_TEST

/* Whichever bits. */
START_TEST(a_changed_byte_is_found)
{
    BARKS_AUTO(recording) recording;
    uint64_t random = property_seed();
    whole_journal(&recording);
    char *bytes = recording.journal.records.bytes.data;
    for (size_t i = 0; i < recording.journal.records.bytes.size; i++) {
        struct replay replay;
        char before = bytes[i];
        bytes[i] = (char)((uint8_t)before ^ (1 + property_next(&random) % 255));
        barks_status *status = replayed(&recording, &replay);
        bytes[i] = before;
        ck_assert_msg(status != NULL, "byte %zu", i);
        ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
        barks_status_free(status);
    }
}
END_TEST

/* It is whole behind each record. */
START_TEST(a_cut_is_found)
{
    BARKS_AUTO(recording) recording;
    whole_journal(&recording);
    uint64_t whole_count = 0, open_count = 0;
    size_t size = recording.journal.records.bytes.size;
    for (size_t bytes = 0; bytes <= size; bytes++) {
        struct replay replay;
        barks_status *status = replay_run(recording.journal.records.bytes.data, bytes, &replay);
        whole_count += status == NULL;
        open_count += status == NULL && replay.has_open_event;
        if (status != NULL)
            ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
        barks_status_free(status);
    }
    ck_assert_uint_eq(whole_count, 1 + 2 * recording.event_count);
    ck_assert_uint_eq(open_count, recording.event_count);
}
END_TEST

static barks_status *replay_bytes(const void *bytes, size_t size_bytes)
{
    struct replay replay;
    return replay_run(bytes, size_bytes, &replay);
}

static barks_status *replay_of(const struct journal *journal)
{
    return replay_bytes(journal->records.bytes.data, journal->records.bytes.size);
}

static void put_record(struct journal *journal, uint64_t kind, const struct packer *body)
{
    pack_u64(&journal->records, kind);
    pack_u64(&journal->records, journal_checksum(kind, body->bytes.data, body->bytes.size));
    pack_bytes(&journal->records, body->bytes.data, body->bytes.size);
}

static void must_fail(barks_status *status, barks_code code, const char *text)
{
    char told[500] = "";
    ck_assert_ptr_nonnull(status);
    barks_status_format(status, told, sizeof told);
    ck_assert_int_eq(barks_status_code(status), code);
    ck_assert_msg(strstr(told, text) != NULL, "%s", told);
    barks_status_free(status);
}

START_TEST(what_is_no_journal_is_refused)
{
    BARKS_AUTO(journal) later = {0};
    BARKS_AUTO(journal) headless = {0};
    BARKS_AUTO(packer) body = {0};
    must_fail(replay_bytes("", 0), BARKS_BAD_INPUT, "it is empty");
    must_fail(replay_bytes("word,count\n", 11), BARKS_BAD_INPUT, "damaged or cut off");
    pack_text(&body, JOURNAL_MAGIC);
    pack_u64(&body, JOURNAL_FORMAT + 1);
    pack_text(&body, "7.1");
    put_record(&later, JOURNAL_BEGIN, &body);
    must_fail(replay_of(&later), BARKS_INVALID, "of barks 7.1");
    journal_event(&headless, NULL, &(struct event){.kind = EVENT_TIMER});
    must_fail(replay_of(&headless), BARKS_BAD_INPUT, "no scheduler log");
}
END_TEST

/* By the checksum that a true journal would have: a commit of other bytes than its stage has. */
START_TEST(bytes_of_another_stage_are_refused)
{
    BARKS_AUTO(recording) recording;
    BARKS_AUTO(packer) body = {0};
    recording_init(&recording);
    record_job(&recording, 1, NULL);
    event_pack(
        &(struct event){.kind = EVENT_STAGE_COMMITTED, .stage_committed = {1, 0, 1, output_bytes}},
        OUTPUTS - 1, &body);
    put_record(&recording.journal, JOURNAL_EVENT, &body);
    must_fail(replay_of(&recording.journal), BARKS_BAD_INPUT, "commits 2 partitions");
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    BARKS_AUTO(recording) recording;
    whole_journal(&recording);
    bool has_ended = false;
    for (unsigned n = 1; !has_ended; n++) {
        struct replay replay;
        ck_assert_uint_lt(n, 10000);
        arm_faults("fail:call=allocation,n=%u", n);
        barks_status *status = replayed(&recording, &replay);
        disarm_faults();
        has_ended = status == NULL;
        barks_status_free(status);
    }
}
END_TEST

SUITE_MAIN("scheduler/replay", a_journal_of_a_job_replays, every_kind_of_event_replays,
           the_first_difference_is_told, another_code_is_told, a_changed_byte_is_found,
           a_cut_is_found, what_is_no_journal_is_refused, bytes_of_another_stage_are_refused,
           every_allocation_may_fail)
