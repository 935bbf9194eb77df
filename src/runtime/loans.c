#include "runtime/loans.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "exec/pipeline.h"
#include "runtime/dispatch_state.h"
#include "runtime/message.h"
#include "runtime/pool_settings.h"

#include <inttypes.h>
#include <stdlib.h>

/* Plans number shuffles from 1. */
#define LENT_SHUFFLE_FIRST (UINT64_C(1) << 63)

/* What a step reads of one shuffle. */
struct loan_input {
    uint32_t node;
    uint64_t as;         /* the shuffle that it becomes */
    uint32_t first, end; /* partitions */
    bool is_there;
};

struct loan {
    struct loan *next;
    uint64_t number;
    struct decision start; /* of the attempt that it is for */
    bool was_sent;         /* the attempt, to its executor */
    bool is_over;          /* so is the attempt, or it cannot begin */
    bool lender_is_done;   /* it sends no more, or is lost */
    bool borrower_is_done; /* it gets no more: all is there, or never comes, or it is lost */
    uint32_t input_count;
    struct loan_input *inputs; /* owned */
};

static const struct attempt_id *attempt_of(const struct loan *loan)
{
    return &loan->start.start_task.id;
}

static void loan_free(struct loan *loan)
{
    free(loan->inputs);
    free(loan);
}

void loans_drop(struct dispatch *dispatch)
{
    while (dispatch->loans != NULL) {
        struct loan *next = dispatch->loans->next;
        loan_free(dispatch->loans);
        dispatch->loans = next;
    }
}

static struct loan *find_attempt(const struct dispatch *dispatch, const struct attempt_id *id)
{
    struct loan *loan = dispatch->loans;
    while (loan != NULL &&
           (attempt_of(loan)->job != id->job || attempt_of(loan)->stage != id->stage ||
            attempt_of(loan)->task != id->task || attempt_of(loan)->attempt != id->attempt))
        loan = loan->next;
    return loan;
}

/* ---- the end ---- */

BARKS_CHECKED static barks_status *release(struct dispatch *dispatch, const struct loan *loan,
                                           uint32_t executor)
{
    if (member_is_lost(&dispatch->members->all[executor - 1]))
        return NULL;
    for (uint32_t i = 0; i < loan->input_count; i++) {
        struct packer out = {0};
        pack_u64(&out, MESSAGE_RELEASE);
        pack_u64(&out, 0); /* no stage */
        pack_u64(&out, loan->inputs[i].as);
        BARKS_TRY(message_send(dispatch->net, executor, &out));
    }
    return NULL;
}

/* Once nobody needs it any more, and no frame of it is made or comes, which would stay for ever. */
BARKS_CHECKED static barks_status *end_if_due(struct dispatch *dispatch, struct loan *loan)
{
    struct loan **link = &dispatch->loans;
    if (!loan->is_over || !loan->lender_is_done || !loan->borrower_is_done)
        return NULL;
    while (*link != loan)
        link = &(*link)->next;
    *link = loan->next;
    barks_status *status = release(dispatch, loan, loan->start.start_task.lender);
    if (status == NULL)
        status = release(dispatch, loan, attempt_of(loan)->executor);
    loan_free(loan);
    return status;
}

/* The attempt never begins; error, which is taken, says why, or is NULL: it was cancelled. */
BARKS_CHECKED static barks_status *answer(struct dispatch *dispatch, struct loan *loan,
                                          barks_status *error)
{
    struct event event = {.kind = EVENT_ATTEMPT_FAILED, .time_ns = monotonic_ns()};
    event.attempt_failed.id = *attempt_of(loan);
    event.attempt_failed.cause = CAUSE_CANCELLED;
    event.attempt_failed.is_retryable = true;
    loan->is_over = true;
    /* Where it ran too long its error has been told; it has only to leave the list of those. */
    (void)dispatch_end_overrun(dispatch, attempt_of(loan));
    if (error != NULL)
        BARKS_TRY(
            dispatch_add_error(dispatch, attempt_of(loan), error, &event.attempt_failed.error));
    BARKS_TRY(end_if_due(dispatch, loan));
    return dispatch_handle(dispatch, &event);
}

/* ---- what the task reads ---- */

struct input_finder {
    const struct stage_plan *stage;
    struct loan *loan;
};

static struct loan_input *find_input(const struct loan *loan, uint32_t node)
{
    for (uint32_t i = 0; i < loan->input_count; i++)
        if (loan->inputs[i].node == node)
            return &loan->inputs[i];
    return NULL;
}

/* A task reads a range of each shuffle, since its own partitions are one. */
static barks_status *note_leaf(void *context, struct pipe_place leaf)
{
    const struct input_finder *finder = context;
    struct loan *loan = finder->loan;
    bool is_stored = finder->stage->leaves[leaf.node].stored != NULL;
    if (finder->stage->pipeline->nodes[leaf.node].step.kind != STEP_SHUFFLE || is_stored)
        return NULL;
    struct loan_input *input = find_input(loan, leaf.node);
    if (input != NULL) {
        input->first = leaf.partition < input->first ? leaf.partition : input->first;
        input->end = leaf.partition >= input->end ? leaf.partition + 1 : input->end;
        return NULL;
    }
    struct loan_input *inputs =
        reallocarray(loan->inputs, (size_t)loan->input_count + 1, sizeof *inputs);
    if (inputs == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for what a task is lent");
    loan->inputs = inputs;
    inputs[loan->input_count++] =
        (struct loan_input){.node = leaf.node, .first = leaf.partition, .end = leaf.partition + 1};
    return NULL;
}

BARKS_CHECKED static barks_status *find_inputs(const struct stage_plan *stage, struct loan *loan)
{
    struct input_finder finder = {.stage = stage, .loan = loan};
    for (uint32_t p = loan->start.start_task.first_partition;
         p < loan->start.start_task.end_partition; p++)
        BARKS_TRY(pipeline_visit_leaves(stage->pipeline, pipeline_root(stage->pipeline, p),
                                        note_leaf, &finder));
    return NULL;
}

/* ---- from the decision to the task ---- */

BARKS_CHECKED static barks_status *ask_lender(const struct dispatch *dispatch,
                                              const struct job *job, const struct loan *loan)
{
    const struct pipeline *pipeline = job->plan.stages[attempt_of(loan)->stage].pipeline;
    struct packer out = {0};
    pack_u64(&out, MESSAGE_LEND);
    pack_u64(&out, loan->number);
    pack_u64(&out, attempt_of(loan)->executor);
    pack_u64(&out, job->id);
    pack_u64(&out, dispatch->options.pools->specs[job->labels.pool].weight);
    pack_u64(&out, loan->input_count);
    for (uint32_t i = 0; i < loan->input_count; i++) {
        pack_u64(&out, pipeline->nodes[loan->inputs[i].node].shuffle);
        pack_u64(&out, loan->inputs[i].as);
        pack_u64(&out, loan->inputs[i].first);
        pack_u64(&out, loan->inputs[i].end);
    }
    BARKS_TRY(message_send(dispatch->net, loan->start.start_task.lender, &out));
    fault_point(POINT_LOAN_SENT);
    return NULL;
}

/* One warning for each executor that is slow; who looks closer sees each task. */
static void say(const struct dispatch *dispatch, const struct job *job, const struct loan *loan)
{
    const struct attempt_id *id = attempt_of(loan);
    uint32_t rank = loan->start.start_task.lender;
    struct member *lender = &dispatch->members->all[rank - 1];
    if (loan->start.start_task.lender_is_slow && !lender->was_called_slow) {
        LOG(LEVEL_WARN, "runtime",
            "executor %" PRIu32 " on %s is slow: others take tasks over that it has not begun "
            "(--barks-speculation)",
            rank, lender->hello.host);
        lender->was_called_slow = true;
    }
    LOG(LEVEL_INFO, "runtime",
        "%s: task %" PRIu32 " of stage %" PRIu32 " begins on executor %" PRIu32
        ", which gets what it reads from executor %" PRIu32,
        job->what, id->task, id->stage, id->executor, rank);
}

barks_status *loan_begin(struct dispatch *dispatch, const struct job *job,
                         const struct decision *start)
{
    struct loan *loan = calloc(1, sizeof *loan);
    if (loan == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for what a task is lent");
    loan->number = ++dispatch->loan_count;
    loan->start = *start;
    loan->next = dispatch->loans;
    dispatch->loans = loan;
    BARKS_TRY(find_inputs(&job->plan.stages[attempt_of(loan)->stage], loan));
    for (uint32_t i = 0; i < loan->input_count; i++)
        loan->inputs[i].as = LENT_SHUFFLE_FIRST + dispatch->lent_count++;
    say(dispatch, job, loan);
    return ask_lender(dispatch, job, loan);
}

void loan_pack(const struct loan *loan, struct packer *out)
{
    pack_u64(out, loan != NULL ? loan->input_count : 0);
    for (uint32_t i = 0; loan != NULL && i < loan->input_count; i++) {
        pack_u64(out, loan->inputs[i].node);
        pack_u64(out, loan->inputs[i].as);
    }
}

/* How many frames are to come: one attempt at one run, for all that was lent. */
BARKS_CHECKED static barks_status *tell_frames(const struct dispatch *dispatch,
                                               const struct loan *loan,
                                               const struct loan_input *input, uint64_t frame_count)
{
    struct packer out = {0};
    uint32_t executor = attempt_of(loan)->executor;
    pack_u64(&out, MESSAGE_COMMIT);
    pack_u64(&out, input->as);
    pack_u64(&out, executor); /* the slot */
    pack_u64(&out, 1);        /* of one commit */
    pack_u64(&out, input->first);
    pack_u64(&out, input->end);
    pack_u64(&out, 1); /* run */
    pack_u64(&out, 0); /* its attempt */
    pack_u64(&out, frame_count);
    pack_text(&out, NULL); /* stored nowhere */
    pack_u64(&out, 0);
    return message_send(dispatch->net, executor, &out);
}

BARKS_CHECKED static barks_status *tell_all_frames(const struct dispatch *dispatch,
                                                   const struct loan *loan, struct unpacker *in)
{
    if (unpack_count(in) != loan->input_count)
        BARKS_FAIL(BARKS_BAD_INPUT, "an executor lent other shuffles than it was asked to");
    for (uint32_t i = 0; i < loan->input_count; i++)
        BARKS_TRY(tell_frames(dispatch, loan, &loan->inputs[i], unpack_u64(in)));
    return unpacker_finish(in);
}

barks_status *loans_take_lent(struct dispatch *dispatch, struct unpacker *in)
{
    uint64_t number = unpack_u64(in);
    barks_status *error = unpack_status(in);
    struct loan *loan = dispatch->loans;
    while (loan != NULL && loan->number != number)
        loan = loan->next;
    if (loan == NULL) {
        barks_status_free(error);
        BARKS_FAIL(BARKS_INTERNAL, "an executor lent what it was not asked for");
    }
    loan->lender_is_done = true;
    if (error == NULL && !loan->borrower_is_done)
        return tell_all_frames(dispatch, loan, in);
    loan->borrower_is_done = true;
    if (error != NULL && !loan->is_over)
        return answer(dispatch, loan, error);
    barks_status_free(error); /* of what nobody waits for any more */
    return end_if_due(dispatch, loan);
}

static struct loan_input *find_shuffle(const struct dispatch *dispatch, uint64_t shuffle,
                                       struct loan **out_loan)
{
    for (struct loan *loan = dispatch->loans; loan != NULL; loan = loan->next)
        for (uint32_t i = 0; i < loan->input_count; i++)
            if (loan->inputs[i].as == shuffle) {
                *out_loan = loan;
                return &loan->inputs[i];
            }
    return NULL;
}

barks_status *loans_take_ready(struct dispatch *dispatch, uint64_t shuffle)
{
    struct loan *loan = NULL;
    struct loan_input *input = find_shuffle(dispatch, shuffle, &loan);
    if (input == NULL)
        return NULL;
    input->is_there = true;
    for (uint32_t i = 0; i < loan->input_count; i++)
        if (!loan->inputs[i].is_there)
            return NULL;
    loan->borrower_is_done = true;
    if (loan->is_over)
        return end_if_due(dispatch, loan);
    struct job *job = dispatch_find_job(dispatch, attempt_of(loan)->job);
    if (job == NULL)
        BARKS_FAIL(BARKS_INTERNAL, "an attempt waits for a loan, and its job is over");
    loan->was_sent = true;
    return dispatch_send_task(dispatch, job, &loan->start, loan);
}

/* ---- attempts and executors that end ---- */

barks_status *loans_cancel(struct dispatch *dispatch, const struct attempt_id *id,
                           bool *out_was_sent)
{
    struct loan *loan = find_attempt(dispatch, id);
    *out_was_sent = loan == NULL || loan->was_sent;
    return *out_was_sent ? NULL : answer(dispatch, loan, NULL);
}

barks_status *loans_note_ended(struct dispatch *dispatch, const struct attempt_id *id)
{
    struct loan *loan = find_attempt(dispatch, id);
    if (loan == NULL)
        return NULL;
    loan->is_over = true;
    return end_if_due(dispatch, loan);
}

barks_status *loans_lose(struct dispatch *dispatch, uint32_t executor)
{
    for (struct loan *loan = dispatch->loans, *next; loan != NULL; loan = next) {
        bool had_borrowed = attempt_of(loan)->executor == executor;
        bool had_lent = loan->start.start_task.lender == executor;
        next = loan->next;
        loan->lender_is_done |= had_lent;
        loan->borrower_is_done |= had_lent || had_borrowed;
        loan->is_over |= had_borrowed; /* what was lent by the lost the scheduler has cancelled */
        BARKS_TRY(end_if_due(dispatch, loan));
    }
    return NULL;
}
