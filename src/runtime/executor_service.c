#include "runtime/executor_service.h"

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/scope.h"
#include "exec/resources.h"
#include "exec/shared_rows.h"
#include "io/shipped.h"
#include "net/net.h"
#include "net/topology.h"
#include "plan/plan_codec.h"
#include "runtime/hello.h"
#include "runtime/log_relay.h"
#include "runtime/message.h"
#include "runtime/shared_relay.h"
#include "runtime/time_limit.h"
#include "runtime/watchdog.h"
#include "runtime/worker.h"
#include "shuffle/exchange.h"
#include "shuffle/reduce_side.h"
#include "store/kept.h"
#include "store/scratch.h"
#include "store/spill.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MESSAGES_PER_TURN = 64,
    NAP_BUSY_NS = 50 * 1000,
    NAP_RUNNING_NS = 200 * 1000,
    NAP_IDLE_NS = 1000 * 1000,
    NAP_LONG_IDLE_NS = 10 * 1000 * 1000,
};
#define PULSE_RUNNING_NS (UINT64_C(100) * 1000 * 1000)
/* A single call of MPI that takes so long never returns. */
#define STUCK_NS (UINT64_C(60) * NS_PER_S)
#define IDLE_AFTER_NS (UINT64_C(1000) * 1000 * 1000)

/* A shuffle whose commit has come and whose frames have not all. */
struct awaited {
    uint64_t shuffle;
    struct awaited *next;
};

struct executor {
    struct net *net;
    struct watchdog *watchdog; /* NULL where nothing can hang */
    struct welcome welcome;    /* what the driver said at the start */
    struct topology *topology;
    struct pool *pool;
    struct spill_room room; /* for all that goes to disk; scratch is owned */
    struct reduce_side *reduce_side;
    struct exchange *exchange;
    struct kept_store *kept;
    struct shared_rows *shared;
    struct shipped *shipped;
    struct resources *resources;
    struct shared_relay *relay;
    char host[256];
    struct task_services services;
    struct workers *workers;
    struct stage_entry *stages;
    struct awaited *awaited;
    struct log_relay *log; /* NULL where the driver is in this process and prints itself */
    uint64_t last_pulse_ns;
    uint64_t last_work_ns;
    uint32_t tasks_held; /* given to workers and not yet reported */
    bool ended;
    int exit_status;
};

static barks_status *deliver(void *context, struct frame *frame)
{
    struct executor *executor = context;
    return reduce_side_deliver(executor->reduce_side, frame);
}

/* ---- start ---- */

static void wake(void *context) { net_wake(((struct executor *)context)->net); }

/* What tasks share beside the exchange: kept partitions, broadcast values. */
BARKS_CHECKED static barks_status *start_stores(struct executor *executor)
{
    const struct config *config = &executor->welcome.config;
    const char *scratch = config_string(config, CONFIG_SCRATCH);
    uint64_t kept_bytes_max = config_bytes(config, CONFIG_KEPT_BYTES_MAX);
    struct kept_options kept = {
        .pool = executor->pool,
        .memory_bytes_max =
            kept_bytes_max > 0 ? kept_bytes_max : executor->welcome.memory_bytes / 2,
        .scratch = executor->room.scratch,
        .changed = wake,
        .context = executor,
    };
    BARKS_TRY(kept_store_create(&kept, &executor->kept));
    BARKS_TRY(shared_rows_create(&executor->shared));
    BARKS_TRY(resources_create(&executor->resources));
    BARKS_TRY(shipped_create(scratch_directories(strcmp(scratch, "auto") != 0 ? scratch : NULL),
                             &executor->shipped));
    struct shared_stores stores = {executor->shared, executor->shipped};
    return shared_relay_create(executor->net, executor->pool, stores, &executor->relay);
}

BARKS_CHECKED static barks_status *start_services(struct executor *executor)
{
    const struct config *config = &executor->welcome.config;
    struct net *net = executor->net;
    uint32_t executor_count = net->size - 1;
    BARKS_TRY(pool_create(executor->welcome.memory_bytes, &executor->pool));
    const char *scratch = config_string(config, CONFIG_SCRATCH);
    BARKS_TRY(
        scratch_create(strcmp(scratch, "auto") != 0 ? scratch : NULL, &executor->room.scratch));
    executor->room.pool = executor->pool;
    BARKS_TRY(reduce_side_create(&executor->room, &executor->reduce_side));
    struct exchange_options exchange = {
        .pool = executor->pool,
        .room = &executor->room,
        .net = net,
        .round_bytes_per_peer = config_bytes(config, CONFIG_EXCHANGE_ROUND_BYTES),
        .encode_always = config_choice(config, CONFIG_EXCHANGE_ENCODE) == ENCODE_ALWAYS,
        .deliver = deliver,
        .context = executor,
    };
    BARKS_TRY(exchange_create(&exchange, &executor->exchange));
    BARKS_TRY(start_stores(executor));
    if (gethostname(executor->host, sizeof executor->host - 1) != 0)
        snprintf(executor->host, sizeof executor->host, "unknown");
    executor->services = (struct task_services){
        .pool = executor->pool,
        .room = &executor->room,
        .exchange = executor->exchange,
        .reduce_side = executor->reduce_side,
        .executor_count = executor_count,
        .worker_count = executor->welcome.worker_count,
        .line_bytes_max = config_bytes(config, CONFIG_LINE_BYTES_MAX),
        .kept = executor->kept,
        .shared = executor->shared,
        .shipped = executor->shipped,
        .resources = executor->resources,
        .executor = net->rank,
        .host = executor->host,
        .seed = (uint64_t)config_int(config, CONFIG_SEED),
        .deadline_ns = time_limit_deadline_ns(config_duration_ns(config, CONFIG_TIME_LIMIT)),
    };
    struct workers_options workers = {
        .worker_count = executor->welcome.worker_count,
        .first_core = executor->welcome.first_core,
        .topology = executor->welcome.bind ? executor->topology : NULL,
        .services = &executor->services,
        .net = net,
    };
    LOG(LEVEL_DEBUG, "runtime", "%" PRIu32 " workers from core %" PRIu32 " on, %s, %" PRIu64 " MiB",
        workers.worker_count, workers.first_core,
        workers.topology == NULL                  ? "not bound"
        : topology_user_bound(executor->topology) ? "bound as the user asked"
                                                  : "bound to a core each",
        executor->welcome.memory_bytes >> 20);
    return workers_start(&workers, &executor->workers);
}

/* ---- messages from the driver ---- */

static struct stage_entry *find_stage(const struct executor *executor, uint64_t stage)
{
    struct stage_entry *entry = executor->stages;
    while (entry != NULL && entry->stage != stage)
        entry = entry->next;
    return entry;
}

/* Datasets that a stage keeps or reads are evicted for no other while it is there, and what was
 * broadcast for it stays. */
static void hold_values(const struct executor *executor, const struct stage_entry *entry, int by)
{
    for (uint32_t i = 0; entry->pipeline != NULL && i < entry->pipeline->node_count; i++) {
        const struct step *step = &entry->pipeline->nodes[i].step;
        if (step->kind == STEP_KEEP && step->numbers[1] != 0)
            kept_protect(executor->kept, (uint64_t)step->numbers[0], by);
        else if (step->kind == STEP_BROADCAST)
            shared_rows_hold(executor->shared, (uint64_t)step->numbers[0], by);
    }
}

BARKS_CHECKED static barks_status *on_stage(struct executor *executor, struct unpacker *in)
{
    struct stage_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a stage");
    entry->stage = unpack_u64(in);
    entry->holders = 1;
    entry->problem = pipeline_unpack(in, executor->pool, &entry->pipeline);
    if (entry->problem == NULL)
        entry->problem = pipeline_check(entry->pipeline);
    entry->shares = entry->problem == NULL && partition_share_fits(entry->pipeline);
    partition_share_init(&entry->share);
    hold_values(executor, entry, 1);
    entry->next = executor->stages;
    executor->stages = entry;
    return NULL;
}

/* Those of one partition. */
BARKS_CHECKED static barks_status *read_partition(struct unpacker *in, uint32_t partition,
                                                  struct task_payload **payloads, uint32_t *count)
{
    uint32_t more = unpack_count(in);
    if (more == 0)
        return NULL;
    struct task_payload *grown = realloc(*payloads, ((size_t)*count + more) * sizeof *grown);
    if (grown == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for what a task reads");
    *payloads = grown;
    for (uint32_t i = 0; i < more; i++) {
        struct task_payload *payload = &grown[(*count)++];
        payload->partition = partition;
        payload->leaf.node = unpack_u32(in);
        payload->leaf.partition = unpack_u32(in);
        payload->bytes = unpack_bytes(in, &payload->size_bytes);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *read_payloads(struct unpacker *in, struct assignment *assignment)
{
    struct task_payload *payloads = NULL;
    uint32_t count = 0;
    barks_status *status = NULL;
    for (uint32_t p = assignment->spec.first; p < assignment->spec.end && status == NULL; p++)
        status = read_partition(in, p, &payloads, &count);
    assignment->spec.payloads = payloads;
    assignment->spec.payload_count = count;
    return status != NULL ? status : unpacker_finish(in);
}

/* Takes the message's bytes: payloads point into them. */
BARKS_CHECKED static barks_status *on_task(struct executor *executor, struct unpacker *in,
                                           struct net_message *message)
{
    struct assignment *assignment = calloc(1, sizeof *assignment);
    if (assignment == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a task");
    assignment->job = unpack_u64(in);
    assignment->stage = find_stage(executor, unpack_u64(in));
    assignment->stage_index = unpack_u32(in);
    assignment->spec.task = unpack_u32(in);
    assignment->spec.attempt = unpack_u32(in);
    assignment->spec.first = unpack_u32(in);
    assignment->spec.end = unpack_u32(in);
    barks_status *status = NULL;
    if (assignment->stage == NULL || assignment->spec.first > assignment->spec.end)
        status = barks_status_new(BARKS_INTERNAL, NULL, BARKS_HERE,
                                  "a task of a stage that was never sent");
    else
        assignment->stage->holders++;
    if (status == NULL)
        status = read_payloads(in, assignment);
    if (status != NULL) {
        assignment_drop(assignment);
        return status;
    }
    assignment->message = message->bytes;
    message->bytes = NULL;
    assignment->spec.pipeline = assignment->stage->pipeline;
    assignment->spec.job = assignment->job;
    executor->tasks_held++;
    workers_give(executor->workers, assignment);
    return NULL;
}

struct task_name {
    uint64_t job;
    uint32_t stage_index, task, attempt;
};

static void cancel_if_named(void *context, struct assignment *assignment)
{
    const struct task_name *name = context;
    if (assignment->job == name->job && assignment->stage_index == name->stage_index &&
        assignment->spec.task == name->task && assignment->spec.attempt == name->attempt)
        atomic_store_explicit(&assignment->progress.cancelled, true, memory_order_relaxed);
}

static void on_cancel(struct executor *executor, struct unpacker *in)
{
    struct task_name name = {.job = unpack_u64(in)};
    name.stage_index = unpack_u32(in);
    name.task = unpack_u32(in);
    name.attempt = unpack_u32(in);
    workers_visit(executor->workers, cancel_if_named, &name);
}

BARKS_CHECKED static barks_status *on_commit(struct executor *executor, struct unpacker *in)
{
    uint64_t shuffle = unpack_u64(in);
    uint32_t run_count = unpack_count(in);
    uint32_t *attempts = unpack_array(in, run_count, sizeof *attempts);
    uint64_t *frames = unpack_array(in, run_count, sizeof *frames);
    for (uint32_t i = 0; i < run_count && attempts != NULL && frames != NULL; i++) {
        attempts[i] = unpack_u32(in);
        frames[i] = unpack_u64(in);
    }
    barks_status *status = unpacker_finish(in);
    struct awaited *awaited = calloc(1, sizeof *awaited);
    if (status == NULL && awaited == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory for a commit");
    if (status == NULL)
        status = reduce_side_commit(executor->reduce_side, shuffle, run_count, attempts, frames);
    free(attempts);
    free(frames);
    if (status != NULL) {
        free(awaited);
        return status;
    }
    awaited->shuffle = shuffle;
    awaited->next = executor->awaited;
    executor->awaited = awaited;
    return NULL;
}

static void forget_awaited(struct executor *executor, uint64_t shuffle)
{
    for (struct awaited **link = &executor->awaited; *link != NULL;) {
        struct awaited *awaited = *link;
        if (awaited->shuffle != shuffle) {
            link = &awaited->next;
            continue;
        }
        *link = awaited->next;
        free(awaited);
    }
}

static void on_release(struct executor *executor, struct unpacker *in)
{
    uint64_t stage = unpack_u64(in);
    uint64_t shuffle = unpack_u64(in);
    for (struct stage_entry **link = &executor->stages; *link != NULL; link = &(*link)->next)
        if ((*link)->stage == stage) {
            struct stage_entry *entry = *link;
            *link = entry->next;
            hold_values(executor, entry, -1);
            stage_entry_release(entry);
            break;
        }
    if (shuffle == 0)
        return;
    forget_awaited(executor, shuffle);
    exchange_drop_shuffle(executor->exchange, shuffle);
    reduce_side_drop(executor->reduce_side, shuffle);
}

static void on_drop(struct executor *executor, struct unpacker *in)
{
    bool is_kept = unpack_u64(in) != 0;
    uint64_t number = unpack_u64(in);
    if (is_kept)
        kept_drop(executor->kept, number);
    else
        shared_rows_drop(executor->shared, number);
}

BARKS_CHECKED static barks_status *on_message(struct executor *executor,
                                              struct net_message *message)
{
    BARKS_AUTO(unpacker) in;
    unpacker_init(&in, message->bytes, message->size_bytes);
    enum message_kind kind = (enum message_kind)unpack_u32(&in);
    switch (kind) {
    case MESSAGE_STAGE:
        return on_stage(executor, &in);
    case MESSAGE_TASK:
        return on_task(executor, &in, message);
    case MESSAGE_CANCEL:
        on_cancel(executor, &in);
        return unpacker_finish(&in);
    case MESSAGE_COMMIT:
        return on_commit(executor, &in);
    case MESSAGE_RELEASE:
        on_release(executor, &in);
        return unpacker_finish(&in);
    case MESSAGE_BURST:
        exchange_start_burst(executor->exchange, unpack_u64(&in));
        return unpacker_finish(&in);
    case MESSAGE_SHARED:
        return shared_relay_take(executor->relay, &in, message);
    case MESSAGE_FILE:
        return shared_relay_take_file(executor->relay, &in, message);
    case MESSAGE_DROP:
        on_drop(executor, &in);
        return unpacker_finish(&in);
    case MESSAGE_END:
        executor->exit_status = (int)unpack_u32(&in);
        executor->ended = true;
        return unpacker_finish(&in);
    case MESSAGE_HELLO:
    case MESSAGE_TASK_DONE:
    case MESSAGE_TASK_FAILED:
    case MESSAGE_SHUFFLE_READY:
    case MESSAGE_BURST_WANTED:
    case MESSAGE_PULSE:
    case MESSAGE_LOG:
    case MESSAGE_TROUBLE:
    case MESSAGE_WELCOME:
    case MESSAGE_KEPT:
    case MESSAGE_SHARED_READY:
        break;
    }
    BARKS_FAIL(BARKS_INTERNAL, "a message of kind %d for an executor", (int)kind);
}

/* ---- messages to the driver ---- */

static void pack_task_name(struct packer *out, const struct assignment *assignment)
{
    pack_u64(out, assignment->job);
    pack_u64(out, assignment->stage_index);
    pack_u64(out, assignment->spec.task);
    pack_u64(out, assignment->spec.attempt);
}

static void pack_sent(struct packer *out, const struct exchange_sent *sent, uint32_t count)
{
    pack_u64(out, sent != NULL ? count : 0);
    for (uint32_t i = 0; sent != NULL && i < count; i++) {
        pack_u64(out, sent[i].frame_count);
        pack_u64(out, sent[i].row_count);
        pack_u64(out, sent[i].bytes);
    }
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

BARKS_CHECKED static barks_status *report(struct executor *executor, struct assignment *assignment)
{
    struct packer out = {0}, accumulated = {0};
    const struct task_result *result = &assignment->result;
    if (assignment->status == NULL)
        assignment->status = pack_accumulated(assignment, &accumulated);
    pack_u64(&out, assignment->status == NULL ? MESSAGE_TASK_DONE : MESSAGE_TASK_FAILED);
    pack_task_name(&out, assignment);
    if (assignment->status != NULL) {
        packer_drop(&accumulated);
        pack_status(&out, assignment->status);
        return message_send(executor->net, 0, &out);
    }
    pack_u64(&out, result->counters.rows_read);
    pack_u64(&out, result->counters.bytes_read);
    pack_u64(&out, result->counters.rows_written);
    pack_u64(&out, result->counters.bytes_written);
    pack_sent(&out, result->sent, executor->services.executor_count);
    pack_bytes(&out, result->bytes.size_bytes > 0 ? result->bytes.data : NULL,
               result->bytes.size_bytes);
    pack_raw(&out, &accumulated);
    packer_drop(&accumulated);
    return message_send(executor->net, 0, &out);
}

BARKS_CHECKED static barks_status *report_ended(struct executor *executor)
{
    struct assignment *assignment;
    while ((assignment = workers_take_ended(executor->workers)) != NULL) {
        executor->tasks_held--;
        executor->last_work_ns = monotonic_ns();
        barks_status *status = report_kept(executor);
        if (status == NULL)
            status = report(executor, assignment);
        assignment_drop(assignment);
        BARKS_TRY(status);
    }
    return NULL;
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

/* With the bytes of the partitions here, by which the tasks that read them are cut. */
BARKS_CHECKED static barks_status *report_complete(struct executor *executor, uint64_t shuffle)
{
    struct packer out = {0};
    struct sizes sizes = {0};
    reduce_side_visit_sizes(executor->reduce_side, shuffle, pack_size, &sizes);
    pack_u64(&out, MESSAGE_SHUFFLE_READY);
    pack_u64(&out, shuffle);
    pack_u64(&out, sizes.count);
    pack_raw(&out, &sizes.packed);
    packer_drop(&sizes.packed);
    return message_send(executor->net, 0, &out);
}

BARKS_CHECKED static barks_status *report_complete_shuffles(struct executor *executor)
{
    for (struct awaited **link = &executor->awaited; *link != NULL;) {
        struct awaited *awaited = *link;
        if (!reduce_side_is_complete(executor->reduce_side, awaited->shuffle)) {
            link = &awaited->next;
            continue;
        }
        *link = awaited->next;
        uint64_t shuffle = awaited->shuffle;
        free(awaited);
        BARKS_TRY(report_complete(executor, shuffle));
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
    uint64_t interval_ns = executor->tasks_held > 0
                               ? PULSE_RUNNING_NS
                               : config_duration_ns(&executor->welcome.config, CONFIG_HEARTBEAT);
    if (now_ns - executor->last_pulse_ns < interval_ns)
        return NULL;
    executor->last_pulse_ns = now_ns;
    struct packer out = {0};
    struct pulse pulse = {.out = &out};
    pack_u64(&out, MESSAGE_PULSE);
    pack_u64(&out, pool_used_bytes(executor->pool));
    pack_u64(&out, pool_peak_bytes(executor->pool));
    pack_u64(&out, exchange_counters(executor->exchange).bytes_sent);
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
    pack_u64(&out, burst);
    return message_send(executor->net, 0, &out);
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

/* ---- the loop ---- */

BARKS_CHECKED static barks_status *read_messages(struct executor *executor)
{
    for (int i = 0; i < MESSAGES_PER_TURN && !executor->ended; i++) {
        struct net_message message = {0};
        bool got = false;
        BARKS_TRY(net_poll(executor->net, &message, &got));
        if (!got)
            return NULL;
        executor->last_work_ns = monotonic_ns();
        barks_status *status = on_message(executor, &message);
        net_message_drop(&message);
        BARKS_TRY(status);
    }
    return NULL;
}

static uint64_t nap_ns(const struct executor *executor, bool exchange_busy, uint64_t now_ns)
{
    if (exchange_busy || executor->awaited != NULL)
        return NAP_BUSY_NS;
    if (executor->tasks_held > 0)
        return NAP_RUNNING_NS;
    return now_ns - executor->last_work_ns < IDLE_AFTER_NS ? NAP_IDLE_NS : NAP_LONG_IDLE_NS;
}

/* A round goes on whatever the workers do, so one that does not end means a peer that is gone. */
BARKS_CHECKED static barks_status *check_round(struct executor *executor, uint64_t now_ns)
{
    uint64_t since_ns = exchange_waiting_since_ns(executor->exchange);
    uint64_t limit_ns = config_duration_ns(&executor->welcome.config, CONFIG_LOST_DEADLINE);
    if (since_ns == 0 || now_ns <= since_ns || now_ns - since_ns <= limit_ns)
        return NULL;
    BARKS_FAIL(
        BARKS_LOST,
        "a round of the exchange has not ended for %.1f s (--barks-lost-deadline): one of its "
        "executors is gone, or the network is",
        (double)(now_ns - since_ns) * 1e-9);
}

BARKS_CHECKED static barks_status *serve(struct executor *executor)
{
    watchdog_phase(executor->watchdog, "a call of MPI", STUCK_NS);
    while (!executor->ended) {
        bool exchange_busy = false;
        watchdog_beat(executor->watchdog);
        BARKS_TRY(read_messages(executor));
        if (executor->ended) /* nobody hears what would be sent now */
            return NULL;
        BARKS_TRY(report_ended(executor));
        BARKS_TRY(report_kept(executor));
        BARKS_TRY(ask_for_burst(executor));
        BARKS_TRY(exchange_step(executor->exchange, &exchange_busy));
        BARKS_TRY(report_complete_shuffles(executor));
        uint64_t now_ns = monotonic_ns();
        BARKS_TRY(check_round(executor, now_ns));
        BARKS_TRY(send_pulse(executor, now_ns));
        BARKS_TRY(send_log(executor));
        net_wait(executor->net, nap_ns(executor, exchange_busy, now_ns));
    }
    return NULL;
}

static void stop(struct executor *executor)
{
    workers_stop(executor->workers);
    resources_destroy(executor->resources);
    while (executor->stages != NULL) {
        struct stage_entry *next = executor->stages->next;
        stage_entry_release(executor->stages);
        executor->stages = next;
    }
    while (executor->awaited != NULL)
        forget_awaited(executor, executor->awaited->shuffle);
    exchange_destroy(executor->exchange);
    reduce_side_destroy(executor->reduce_side);
    shared_relay_destroy(executor->relay);
    shared_rows_destroy(executor->shared);
    shipped_destroy(executor->shipped);
    kept_store_destroy(executor->kept);
    scratch_destroy(executor->room.scratch);
    topology_destroy(executor->topology);
    pool_destroy(executor->pool);
    welcome_drop(&executor->welcome);
}

/* Reads on until the driver has said how to end. Of a driver that is gone only what it has said
 * before is left to read. */
static void await_end(struct executor *executor, bool driver_is_gone)
{
    while (!executor->ended) {
        struct net_message message = {0};
        bool got = false;
        barks_status *lost = net_poll(executor->net, &message, &got);
        if (lost == NULL && got) {
            struct unpacker in;
            unpacker_init(&in, message.bytes, message.size_bytes);
            executor->ended = unpack_u32(&in) == MESSAGE_END;
            executor->exit_status = executor->ended ? (int)unpack_u32(&in) : 0;
            unpacker_drop(&in);
        }
        net_message_drop(&message);
        barks_status_free(lost);
        if (lost != NULL || (!got && driver_is_gone))
            return;
        if (!got)
            net_wait(executor->net, NAP_IDLE_NS);
    }
}

/* The driver decides what becomes of the job; without it there is nothing left to serve. One that
 * has left may have ended the job before, while this executor was sending it something else: then
 * there was no trouble. */
BARKS_CHECKED static bool tell_trouble(struct executor *executor, barks_status *status)
{
    struct packer out = {0};
    pack_u64(&out, MESSAGE_TROUBLE);
    pack_status(&out, status);
    barks_status *unsent = message_send(executor->net, 0, &out);
    await_end(executor, unsent != NULL);
    bool is_trouble = unsent == NULL || !executor->ended;
    if (unsent != NULL)
        LOG(is_trouble ? LEVEL_ERROR : LEVEL_DEBUG, "runtime",
            "executor %u is broken and cannot tell the driver: %s", executor->net->rank,
            barks_status_text(status));
    barks_status_free(unsent);
    barks_status_free(status);
    return is_trouble;
}

int executor_serve(struct net *net, const struct config *config, struct watchdog *watchdog)
{
    struct executor executor = {.net = net, .watchdog = watchdog, .last_work_ns = monotonic_ns()};
    bool refused = false;
    bool is_alone = watchdog != NULL; /* a process of its own, under MPI */
    barks_status *status = is_alone ? log_relay_open(&executor.log) : NULL;
    if (status == NULL)
        status = topology_load(NULL, &executor.topology);
    if (status == NULL)
        status = hello_exchange(net, executor.topology, config, &executor.welcome, &refused,
                                &executor.exit_status);
    if (status == NULL && !refused)
        status = start_services(&executor);
    if (status == NULL && !refused)
        status = serve(&executor);
    bool had_trouble = status != NULL && tell_trouble(&executor, status);
    int exit_status = executor.exit_status;
    watchdog_phase(watchdog, "the end of the tasks", STUCK_NS);
    stop(&executor);
    log_relay_close(executor.log);
    watchdog_phase(watchdog, "the end of MPI (MPI_Finalize)", STUCK_NS);
    net_close(net, had_trouble || exit_status != 0);
    return exit_status;
}
