/* Tells the driver what has happened. */
#include "base/clock.h"
#include "base/config.h"
#include "base/fault.h"
#include "base/pool.h"
#include "runtime/crash.h"
#include "runtime/executor_state.h"
#include "runtime/frame_counts.h"
#include "runtime/heartbeat.h"
#include "runtime/message.h"
#include "runtime/store_reports.h"
#include "scheduler/event.h"

#include <stdlib.h>

/* Beyond that a message saves nothing by being larger. */
enum { REPORTS_BYTES_MAX = 1 << 20 };
#define PULSE_RUNNING_NS (UINT64_C(100) * NS_PER_MS)
#define CRASH_LEAVES_NS (UINT64_C(10) * NS_PER_MS)

static void pack_task_name(struct packer *out, const struct assignment *assignment)
{
    pack_u64(out, assignment->job);
    pack_u64(out, assignment->stage_index);
    pack_u64(out, assignment->spec.task);
    pack_u64(out, assignment->spec.attempt);
}

static void pack_sent(struct packer *out, const struct exchange_sent *sent, uint32_t count)
{
    uint64_t rows = 0, bytes = 0;
    for (uint32_t i = 0; sent != NULL && i < count; i++) {
        rows += sent[i].row_count;
        bytes += sent[i].bytes;
    }
    pack_u64(out, rows);
    pack_u64(out, bytes);
    frame_counts_pack(out, sent, count);
}

/* The process ends soon after, so the message, a small one, must have left MPI by then. */
BARKS_CHECKED static barks_status *report_crash(struct executor *executor, uint64_t now_ns)
{
    pthread_t thread;
    const char *text;
    struct attempt_id id;
    struct packer out = {0};
    if (executor->crash_sent_ns != 0 && now_ns - executor->crash_sent_ns > CRASH_LEAVES_NS)
        crash_was_told();
    if (!crash_read(&thread, &text))
        return NULL;
    if (!workers_find_running(executor->workers, thread, &id)) {
        crash_was_told();
        return NULL;
    }
    barks_status *status = barks_status_new(BARKS_USER_ERROR, NULL, BARKS_HERE, "%s", text);
    pack_u64(&out, MESSAGE_CRASHED);
    pack_u64(&out, id.job);
    pack_u64(&out, id.stage);
    pack_u64(&out, id.task);
    pack_u64(&out, id.attempt);
    pack_status(&out, status);
    barks_status_free(status);
    executor->crash_sent_ns = now_ns;
    return message_send(executor->net, 0, &out);
}

/* A report with what bodies have added; a failure of packing it fails the attempt. */
BARKS_CHECKED static barks_status *pack_accumulated(struct assignment *assignment,
                                                    struct packer *out)
{
    struct packer packed = {0};
    barks_status *status = accumulations_pack(&assignment->result.accumulated, &packed);
    if (status == NULL)
        pack_bytes(out, packed.bytes.data, packed.bytes.size);
    else
        pack_bytes(out, NULL, 0);
    packer_drop(&packed);
    return status;
}

/* What has become of kept partitions, before the reports of the tasks that did it. */
BARKS_CHECKED static barks_status *report_kept(struct executor *executor)
{
    struct kept_change change;
    while (kept_take_change(executor->kept, &change)) {
        struct packer out = {0};
        pack_u64(&out, MESSAGE_KEPT);
        pack_u64(&out, change.name.dataset);
        pack_u64(&out, change.name.partition);
        pack_bool(&out, change.is_kept);
        pack_u64(&out, change.row_count);
        pack_u64(&out, change.memory_bytes);
        pack_u64(&out, change.disk_bytes);
        BARKS_TRY(message_send(executor->net, 0, &out));
    }
    return NULL;
}

/* What was found damaged on disk, before the reports of the tasks that found it. */
BARKS_CHECKED static barks_status *report_damage(struct executor *executor)
{
    const char *directory = NULL;
    uint64_t count = scratch_damage_count(executor->room.scratch, &directory);
    struct packer out = {0};
    if (count == executor->damage_told)
        return NULL;
    pack_u64(&out, MESSAGE_DAMAGE);
    pack_u64(&out, count - executor->damage_told);
    pack_text(&out, directory);
    executor->damage_told = count;
    return message_send(executor->net, 0, &out);
}

/* What the summary says of memory and disk. */
static void pack_peaks(struct packer *out, struct executor *executor)
{
    pack_u64(out, pool_peak_bytes(executor->pool));
    pack_u64(out, scratch_written_bytes(executor->room.scratch));
}

static void pack_ended(struct packer *out, const struct executor *executor,
                       struct assignment *assignment)
{
    struct packer accumulated = {0};
    const struct task_result *result = &assignment->result;
    if (assignment->status == NULL)
        assignment->status = pack_accumulated(assignment, &accumulated);
    pack_task_name(out, assignment);
    pack_status(out, assignment->status);
    if (assignment->status != NULL) {
        packer_drop(&accumulated);
        return;
    }
    pack_u64(out, result->counters.rows_read);
    pack_u64(out, result->counters.bytes_read);
    pack_u64(out, result->counters.rows_written);
    pack_u64(out, result->counters.bytes_written);
    pack_u64(out, result->counters.rows_filtered);
    pack_sent(out, result->sent, executor->services.executor_count);
    pack_bytes(out, result->bytes.size_bytes > 0 ? result->bytes.data : NULL,
               result->bytes.size_bytes);
    pack_raw(out, &accumulated);
    packer_drop(&accumulated);
    pack_bytes(out, result->keys.data, result->keys.size_bytes);
}

/* What it has read is not needed any more, but where it was told to stop: then another attempt may
 * count. */
static void forget_inputs(const struct executor *executor, const struct assignment *assignment)
{
    const struct task_result *result = &assignment->result;
    if (assignment->status != NULL ||
        atomic_load_explicit(&assignment->progress.cancelled, memory_order_relaxed))
        return;
    for (uint32_t i = 0; i < result->input_count; i++)
        reduce_side_forget(executor->reduce_side, result->inputs[i].shuffle,
                           result->inputs[i].partition);
}

/* The first ones of the list leave it, until their reports make a large message. Returns how many.
 */
static uint32_t pack_all_ended(struct executor *executor, struct assignment **list,
                               struct packer *out)
{
    uint32_t count = 0;
    pack_u64(out, MESSAGE_TASKS_ENDED);
    pack_peaks(out, executor);
    for (; *list != NULL && out->bytes.size < REPORTS_BYTES_MAX; count++) {
        struct assignment *assignment = *list;
        *list = assignment->next;
        pack_ended(out, executor, assignment);
        forget_inputs(executor, assignment);
        assignment_drop(assignment);
        executor_end_released(executor);
    }
    return count;
}

BARKS_CHECKED static barks_status *report_some(struct executor *executor, struct assignment **list)
{
    struct packer out = {0};
    uint32_t count = pack_all_ended(executor, list, &out);
    executor->tasks_held -= count;
    executor->last_work_ns = monotonic_ns();
    barks_status *status = report_kept(executor);
    if (status == NULL)
        status = report_damage(executor);
    if (status != NULL)
        packer_drop(&out);
    else
        status = message_send(executor->net, 0, &out);
    for (uint32_t i = 0; status == NULL && i < count; i++)
        fault_point(POINT_ATTEMPT_TOLD);
    return status;
}

BARKS_CHECKED static barks_status *report_ended(struct executor *executor)
{
    barks_status *status = NULL;
    struct assignment *ended = workers_take_ended(executor->workers);
    while (ended != NULL && status == NULL)
        status = report_some(executor, &ended);
    assignments_drop(ended);
    return status;
}

struct sizes {
    struct packer packed;
    uint32_t count;
};

static void pack_size(void *context, uint32_t partition, uint64_t bytes)
{
    struct sizes *sizes = context;
    pack_u64(&sizes->packed, partition);
    pack_u64(&sizes->packed, bytes);
    sizes->count++;
}

/* With the bytes of the partitions here, by which the tasks that read them are cut, and with what
 * store_report_pack has made. Takes stored. */
BARKS_CHECKED static barks_status *report_complete(struct executor *executor,
                                                   struct awaited *awaited, struct packer *stored)
{
    struct packer out = {0};
    struct sizes sizes = {0};
    reduce_side_visit_sizes(executor->reduce_side, awaited->shuffle, awaited->slot, pack_size,
                            &sizes);
    pack_u64(&out, MESSAGE_SHUFFLE_READY);
    pack_u64(&out, awaited->shuffle);
    pack_u64(&out, awaited->slot);
    pack_u64(&out, awaited->commit);
    pack_u64(&out, sizes.count);
    pack_raw(&out, &sizes.packed);
    packer_drop(&sizes.packed);
    pack_raw(&out, stored);
    packer_drop(stored);
    return message_send(executor->net, 0, &out);
}

/* Tells that what is awaited is here, and takes it off the list. Takes stored. */
BARKS_CHECKED static barks_status *report_awaited(struct executor *executor, struct awaited **link,
                                                  struct packer *stored)
{
    struct awaited *awaited = *link;
    *link = awaited->next;
    barks_status *status = report_complete(executor, awaited, stored);
    awaited_free(awaited);
    fault_point(POINT_SHUFFLE_TOLD);
    return status;
}

/* By another thread; it is reported after that. */
BARKS_CHECKED static barks_status *store(struct executor *executor, struct awaited *awaited)
{
    struct store_order *order = NULL;
    char *path = awaited->store_path;
    awaited->store_path = NULL;
    awaited->is_storing = true;
    BARKS_TRY(store_order_create(executor->reduce_side, &executor->room, path, &order));
    order->shuffle = awaited->shuffle;
    order->slot = awaited->slot;
    order->tag = awaited->store_tag;
    return errands_give(executor->storing, &order->errand);
}

/* Stored first, where that is wanted. */
BARKS_CHECKED static barks_status *report_complete_shuffles(struct executor *executor)
{
    for (struct awaited **link = &executor->awaited; *link != NULL;) {
        struct awaited *awaited = *link;
        if (awaited->is_storing ||
            !reduce_side_is_complete(executor->reduce_side, awaited->shuffle, awaited->slot)) {
            link = &awaited->next;
            continue;
        }
        if (awaited->store_path != NULL) {
            BARKS_TRY(store(executor, awaited));
            continue;
        }
        struct packer none = {0};
        store_report_pack_none(&none);
        BARKS_TRY(report_awaited(executor, link, &none));
    }
    return NULL;
}

/* The one that waits until it is stored. */
static struct awaited **find_storing(struct executor *executor, uint64_t shuffle, uint32_t slot)
{
    struct awaited **link = &executor->awaited;
    while (*link != NULL &&
           !((*link)->shuffle == shuffle && (*link)->slot == slot && (*link)->is_storing))
        link = &(*link)->next;
    return link;
}

/* One that was dropped meanwhile, since its job is over, is nobody's. */
BARKS_CHECKED static barks_status *report_stored_shuffles(struct executor *executor)
{
    struct errand *errand;
    while ((errand = errands_take(executor->storing)) != NULL) {
        const struct store_order *order = (const struct store_order *)errand;
        struct packer stored = {0};
        struct awaited **link = find_storing(executor, order->shuffle, order->slot);
        store_report_pack(&stored, errand->status, &order->pieces, order->took_ns);
        errand->destroy(errand);
        if (*link == NULL)
            packer_drop(&stored);
        else
            BARKS_TRY(report_awaited(executor, link, &stored));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *report_loan(struct executor *executor,
                                               const struct lend_order *order)
{
    struct packer out = {0};
    pack_u64(&out, MESSAGE_LENT);
    pack_u64(&out, order->loan);
    pack_status(&out, order->errand.status);
    pack_u64(&out, order->input_count);
    for (uint32_t i = 0; i < order->input_count; i++)
        pack_u64(&out, order->inputs[i].frame_count);
    BARKS_TRY(message_send(executor->net, 0, &out));
    fault_point(POINT_LOAN_TOLD);
    return NULL;
}

BARKS_CHECKED static barks_status *report_loans(struct executor *executor)
{
    struct errand *errand;
    while ((errand = errands_take(executor->lending)) != NULL) {
        barks_status *status = report_loan(executor, (const struct lend_order *)errand);
        errand->destroy(errand);
        BARKS_TRY(status);
    }
    return NULL;
}

struct pulse {
    struct packer *out;
    uint32_t count;
};

static void count_task(void *context, struct assignment *assignment)
{
    (void)assignment;
    ((struct pulse *)context)->count++;
}

static void pack_progress(void *context, struct assignment *assignment)
{
    struct pulse *pulse = context;
    if (pulse->count == 0)
        return;
    pulse->count--;
    pack_task_name(pulse->out, assignment);
    pack_u64(pulse->out,
             atomic_load_explicit(&assignment->progress.rows_read, memory_order_relaxed));
    pack_u64(pulse->out,
             atomic_load_explicit(&assignment->progress.bytes_read, memory_order_relaxed));
}

BARKS_CHECKED static barks_status *send_pulse(struct executor *executor, uint64_t now_ns)
{
    uint64_t interval_ns =
        executor->tasks_held > 0 ? PULSE_RUNNING_NS : heartbeat_ns(&executor->welcome.config);
    if (now_ns - executor->last_pulse_ns < interval_ns)
        return NULL;
    executor->last_pulse_ns = now_ns;
    struct packer out = {0};
    struct pulse pulse = {.out = &out};
    pack_u64(&out, MESSAGE_PULSE);
    pack_u64(&out, pool_used_bytes(executor->pool));
    pack_u64(&out, exchange_counters(executor->exchange).bytes_sent);
    pack_peaks(&out, executor);
    workers_visit(executor->workers, count_task, &pulse);
    uint32_t announced = pulse.count;
    pack_u64(&out, announced);
    workers_visit(executor->workers, pack_progress, &pulse);
    for (; pulse.count > 0; pulse.count--) /* tasks that ended in between */
        for (int field = 0; field < 6; field++)
            pack_u64(&out, 0);
    return message_send(executor->net, 0, &out);
}

BARKS_CHECKED static barks_status *ask_for_burst(struct executor *executor)
{
    uint64_t burst = 0;
    if (!exchange_wants_burst(executor->exchange, &burst))
        return NULL;
    struct packer out = {0};
    pack_u64(&out, MESSAGE_BURST_WANTED);
    pack_u64(&out, executor->epoch);
    pack_u64(&out, burst);
    BARKS_TRY(message_send(executor->net, 0, &out));
    fault_point(POINT_BURST_WANTED);
    return NULL;
}

BARKS_CHECKED static barks_status *send_log(struct executor *executor)
{
    enum log_level level = LEVEL_INFO;
    char *line;
    while (executor->log != NULL && (line = log_relay_take(executor->log, &level)) != NULL) {
        struct packer out = {0};
        pack_u64(&out, MESSAGE_LOG);
        pack_u64(&out, level);
        pack_text(&out, line);
        free(line);
        BARKS_TRY(message_send(executor->net, 0, &out));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *call_meetings(struct executor *executor)
{
    struct packer out = {0};
    pack_u64(&out, MESSAGE_MEET);
    while (meetings_take_call(executor->meetings, &out)) {
        executor->last_work_ns = monotonic_ns();
        BARKS_TRY(message_send(executor->net, 0, &out));
        pack_u64(&out, MESSAGE_MEET);
    }
    packer_drop(&out);
    return NULL;
}

barks_status *executor_report_work(struct executor *executor)
{
    BARKS_TRY(call_meetings(executor));
    BARKS_TRY(report_ended(executor));
    BARKS_TRY(report_kept(executor));
    BARKS_TRY(report_damage(executor));
    return ask_for_burst(executor);
}

barks_status *executor_report(struct executor *executor, uint64_t now_ns)
{
    BARKS_TRY(report_crash(executor, now_ns));
    BARKS_TRY(report_complete_shuffles(executor));
    BARKS_TRY(report_stored_shuffles(executor));
    BARKS_TRY(report_loans(executor));
    BARKS_TRY(send_pulse(executor, now_ns));
    return send_log(executor);
}
