/* Does what the driver says. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/scope.h"
#include "plan/plan_codec.h"
#include "runtime/executor_state.h"
#include "runtime/message.h"

#include <stdlib.h>

static struct stage_entry *find_stage(const struct executor *executor, uint64_t stage)
{
    struct stage_entry *entry = executor->stages;
    while (entry != NULL && (entry->stage != stage || entry->is_released))
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
    struct exchange_share share = {.job = unpack_u64(in)};
    share.weight = unpack_u32(in);
    entry->problem = pipeline_unpack(in, executor->pool, &entry->pipeline);
    if (entry->problem == NULL)
        entry->problem = pipeline_check(entry->pipeline);
    entry->shares = entry->problem == NULL && partition_share_fits(entry->pipeline);
    partition_share_init(&entry->share);
    hold_values(executor, entry, 1);
    entry->next = executor->stages;
    executor->stages = entry;
    fault_point(POINT_STAGE_TAKEN);
    if (entry->problem != NULL || entry->pipeline->terminal.kind != TERMINAL_SHUFFLE)
        return NULL;
    return exchange_begin_shuffle(executor->exchange, entry->pipeline->terminal.shuffle, &share);
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
    return status != NULL ? status : unpacker_check(in);
}

static void read_loans(struct unpacker *in, struct assignment *assignment)
{
    uint32_t count = unpack_count(in);
    struct task_loan *loans = unpack_array(in, count, sizeof *loans);
    for (uint32_t i = 0; i < count && loans != NULL; i++) {
        loans[i].node = unpack_u32(in);
        loans[i].shuffle = unpack_u64(in);
    }
    assignment->spec.loans = loans;
    assignment->spec.loan_count = loans != NULL ? count : 0;
}

BARKS_CHECKED static barks_status *take_task(struct executor *executor, struct unpacker *in,
                                             struct task_message *message)
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
    assignment->spec.piece = unpack_u32(in);
    assignment->spec.piece_count = unpack_u32(in);
    assignment->spec.is_alone = unpack_bool(in);
    uint32_t given_count = unpack_count(in);
    for (uint32_t i = 0; i < given_count && i < NAME_COUNTS_MAX; i++)
        assignment->spec.units[i] = unpack_u64(in);
    read_loans(in, assignment);
    barks_status *status = NULL;
    if (assignment->stage == NULL || assignment->spec.first > assignment->spec.end ||
        assignment->spec.piece >= assignment->spec.piece_count || given_count > NAME_COUNTS_MAX)
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
    assignment->message = message;
    message->holders++;
    assignment->spec.pipeline = assignment->stage->pipeline;
    assignment->spec.job = assignment->job;
    executor->tasks_held++;
    fault_point(POINT_TASK_TAKEN);
    workers_give(executor->workers, assignment);
    return NULL;
}

/* Takes the message's bytes: payloads point into them. */
BARKS_CHECKED static barks_status *on_tasks(struct executor *executor, struct unpacker *in,
                                            struct net_message *message)
{
    barks_status *status = NULL;
    struct task_message *shared = calloc(1, sizeof *shared);
    if (shared == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for tasks");
    *shared = (struct task_message){.bytes = message->bytes, .holders = 1};
    message->bytes = NULL;
    while (status == NULL && unpacker_has_more(in))
        status = take_task(executor, in, shared);
    task_message_release(shared);
    return status != NULL ? status : unpacker_finish(in);
}

BARKS_CHECKED static barks_status *tell_rest(const struct executor *executor, uint32_t stage_index,
                                             const struct run_rest *rest, bool is_apart)
{
    struct packer out = {0};
    pack_u64(&out, MESSAGE_RUN_CUT);
    pack_u64(&out, rest->spec->job);
    pack_u64(&out, stage_index);
    pack_u64(&out, rest->spec->task);
    pack_u64(&out, rest->spec->attempt);
    pack_u64(&out, rest->first);
    pack_u64(&out, rest->end);
    pack_bool(&out, is_apart);
    BARKS_TRY(message_send(executor->net, 0, &out));
    fault_point(POINT_CUT_TOLD);
    return NULL;
}

/* At once, so that the driver hears it before it hears how any of the attempts ends. */
BARKS_CHECKED static barks_status *on_cut(struct executor *executor, struct unpacker *in)
{
    struct stage_entry *stage = find_stage(executor, unpack_u64(in));
    uint32_t stage_index = unpack_u32(in), percent = unpack_u32(in), count = 0;
    bool is_apart = false;
    BARKS_TRY(unpacker_finish(in));
    fault_point(POINT_CUT_TAKEN);
    if (stage == NULL || executor->tasks_held == 0)
        return NULL;
    struct run_rest *rests = calloc(executor->tasks_held, sizeof *rests);
    if (rests == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for what tasks give up");
    barks_status *status = NULL;
    count = partition_share_cut(&stage->share, percent, rests, &is_apart);
    for (uint32_t i = 0; i < count && status == NULL; i++)
        status = tell_rest(executor, stage_index, &rests[i], is_apart);
    free(rests);
    return status;
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
        assignment_cancel(assignment);
}

static void on_cancel(struct executor *executor, struct unpacker *in)
{
    struct task_name name = {.job = unpack_u64(in)};
    name.stage_index = unpack_u32(in);
    name.task = unpack_u32(in);
    name.attempt = unpack_u32(in);
    workers_visit(executor->workers, cancel_if_named, &name);
}

/* From its commit on. A later commit of the slot, after a loss, takes the place of the first; what
 * is being stored for that one is stored on, in vain. Takes the path of name. */
BARKS_CHECKED static barks_status *await_slot(struct executor *executor, struct awaited *name)
{
    struct awaited *awaited = executor->awaited;
    while (awaited != NULL && (awaited->shuffle != name->shuffle || awaited->slot != name->slot))
        awaited = awaited->next;
    if (awaited == NULL) {
        awaited = calloc(1, sizeof *awaited);
        if (awaited == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a commit");
        *awaited = (struct awaited){
            .shuffle = name->shuffle, .slot = name->slot, .next = executor->awaited};
        executor->awaited = awaited;
    }
    awaited->commit = name->commit;
    free(awaited->store_path);
    awaited->store_path = name->store_path;
    awaited->store_tag = name->store_tag;
    name->store_path = NULL;
    return NULL;
}

BARKS_CHECKED static barks_status *on_commit(struct executor *executor, struct unpacker *in)
{
    struct awaited name = {.shuffle = unpack_u64(in)};
    name.slot = unpack_u32(in);
    name.commit = unpack_u32(in);
    struct reduce_commit commit = {.shuffle = name.shuffle, .slot = name.slot};
    commit.first_partition = unpack_u32(in);
    commit.end_partition = unpack_u32(in);
    commit.run_count = unpack_count(in);
    uint32_t *attempts = unpack_array(in, commit.run_count, sizeof *attempts);
    uint64_t *frames = unpack_array(in, commit.run_count, sizeof *frames);
    commit.attempts = attempts;
    commit.frame_counts = frames;
    for (uint32_t i = 0; i < commit.run_count && attempts != NULL && frames != NULL; i++) {
        attempts[i] = unpack_u32(in);
        frames[i] = unpack_u64(in);
    }
    name.store_path = unpack_text(in);
    name.store_tag = unpack_u64(in);
    barks_status *status = unpacker_finish(in);
    if (status == NULL)
        status = reduce_side_commit(executor->reduce_side, &commit);
    free(attempts);
    free(frames);
    if (status == NULL)
        status = await_slot(executor, &name);
    free(name.store_path);
    fault_point(POINT_COMMIT_TAKEN);
    return status;
}

void awaited_free(struct awaited *awaited)
{
    free(awaited->store_path);
    free(awaited);
}

void executor_forget_awaited(struct executor *executor, uint64_t shuffle)
{
    for (struct awaited **link = &executor->awaited; *link != NULL;) {
        struct awaited *awaited = *link;
        if (awaited->shuffle != shuffle) {
            link = &awaited->next;
            continue;
        }
        *link = awaited->next;
        awaited_free(awaited);
    }
}

BARKS_CHECKED static barks_status *begin_lending(struct executor *executor, struct unpacker *in,
                                                 const struct exchange_share *share,
                                                 struct lend_order *order)
{
    for (uint32_t i = 0; i < order->input_count; i++) {
        struct lent_input *input = &order->inputs[i];
        input->shuffle = unpack_u64(in);
        input->as = unpack_u64(in);
        input->first = unpack_u32(in);
        input->end = unpack_u32(in);
    }
    BARKS_TRY(unpacker_finish(in));
    for (uint32_t i = 0; i < order->input_count; i++)
        BARKS_TRY(exchange_begin_shuffle(executor->exchange, order->inputs[i].as, share));
    return NULL;
}

BARKS_CHECKED static barks_status *on_lend(struct executor *executor, struct unpacker *in)
{
    struct lend_order *order = NULL;
    uint64_t loan = unpack_u64(in);
    uint32_t to = unpack_u32(in);
    struct exchange_share share = {.job = unpack_u64(in)};
    share.weight = unpack_u32(in);
    BARKS_TRY(lend_order_create(unpack_count(in), &order));
    order->reduce_side = executor->reduce_side;
    order->room = &executor->room;
    order->exchange = executor->exchange;
    order->executor_count = executor->services.executor_count;
    order->loan = loan;
    order->to = to;
    barks_status *status = begin_lending(executor, in, &share, order);
    if (status != NULL) {
        order->errand.destroy(&order->errand);
        return status;
    }
    fault_point(POINT_LOAN_TAKEN);
    return errands_give(executor->lending, &order->errand);
}

/* A task that was told to end may still read what its stage holds. */
void executor_end_released(struct executor *executor)
{
    for (struct stage_entry **link = &executor->stages; *link != NULL;) {
        struct stage_entry *entry = *link;
        if (!entry->is_released || entry->holders > 1) {
            link = &entry->next;
            continue;
        }
        *link = entry->next;
        hold_values(executor, entry, -1);
        stage_entry_release(entry);
    }
}

static void on_release(struct executor *executor, struct unpacker *in)
{
    struct stage_entry *entry = find_stage(executor, unpack_u64(in));
    uint64_t shuffle = unpack_u64(in);
    fault_point(POINT_RELEASE_TAKEN);
    if (entry != NULL)
        entry->is_released = true;
    executor_end_released(executor);
    if (shuffle == 0)
        return;
    executor_forget_awaited(executor, shuffle);
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

void executor_take_end(struct executor *executor, struct unpacker *in)
{
    executor->exit_status = (int)unpack_u32(in);
    executor->others_are_lost |= unpack_bool(in);
    executor->ended = true;
}

barks_status *executor_take_message(struct executor *executor, struct net_message *message)
{
    BARKS_AUTO(unpacker) in;
    unpacker_init(&in, message->bytes, message->size_bytes);
    enum message_kind kind = (enum message_kind)unpack_u32(&in);
    if (message->from == 0)
        executor->last_driver_ns = monotonic_ns();
    switch (kind) {
    case MESSAGE_STAGE:
        return on_stage(executor, &in);
    case MESSAGE_TASKS:
        return on_tasks(executor, &in, message);
    case MESSAGE_LEND:
        return on_lend(executor, &in);
    case MESSAGE_CUT:
        return on_cut(executor, &in);
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
        fault_point(POINT_FILE_TAKEN);
        return shared_relay_take_file(executor->relay, &in, message);
    case MESSAGE_MET:
        return meetings_answer(executor->meetings, &in);
    case MESSAGE_DROP:
        on_drop(executor, &in);
        return unpacker_finish(&in);
    case MESSAGE_END:
        executor_take_end(executor, &in);
        fault_point(POINT_END_TAKEN);
        return unpacker_finish(&in);
    case MESSAGE_EPOCH:
        return executor_take_epoch(executor, &in);
    case MESSAGE_HOLDERS:
        return executor_take_holders(executor, &in);
    case MESSAGE_ALIVE:
        return unpacker_finish(&in);
    case MESSAGE_HELLO:
    case MESSAGE_TASKS_ENDED:
    case MESSAGE_CRASHED:
    case MESSAGE_SHUFFLE_READY:
    case MESSAGE_BURST_WANTED:
    case MESSAGE_PULSE:
    case MESSAGE_LOG:
    case MESSAGE_TROUBLE:
    case MESSAGE_WELCOME:
    case MESSAGE_KEPT:
    case MESSAGE_DAMAGE:
    case MESSAGE_SHARED_READY:
    case MESSAGE_MEET:
    case MESSAGE_LENT:
    case MESSAGE_RUN_CUT:
    case MESSAGE_EPOCH_READY:
        break;
    }
    BARKS_FAIL(BARKS_INTERNAL, "a message of kind %d for an executor", (int)kind);
}
