#include "runtime/gatherings.h"

#include "exec/meetings.h"
#include "net/net.h"
#include "runtime/dispatch_state.h"
#include "runtime/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parts are by the number of the task, which is that of its partition. */
struct part {
    uint32_t executor; /* 0: the task has not come */
    barks_str says;
    uint8_t *bytes; /* owned: what says points into */
};

struct gathering {
    struct meeting_name name;
    enum meeting_kind kind;
    uint32_t first; /* the task that came first */
    uint32_t count, come_count;
    struct part *parts; /* owned */
    struct gathering *next;
};

static void destroy(struct gathering *gathering)
{
    for (uint32_t i = 0; gathering->parts != NULL && i < gathering->count; i++)
        free(gathering->parts[i].bytes);
    free(gathering->parts);
    free(gathering);
}

static void take_out(struct dispatch *dispatch, struct gathering *gathering)
{
    struct gathering **link = &dispatch->gatherings;
    while (*link != gathering)
        link = &(*link)->next;
    *link = gathering->next;
    destroy(gathering);
}

void gatherings_forget(struct dispatch *dispatch, const struct job *job)
{
    struct gathering *next = NULL;
    for (struct gathering *at = dispatch->gatherings; at != NULL; at = next) {
        next = at->next;
        if (job == NULL || at->name.job == job->id)
            take_out(dispatch, at);
    }
}

BARKS_CHECKED static barks_status *create(struct dispatch *dispatch,
                                          const struct meeting_name *name, enum meeting_kind kind,
                                          uint32_t first, uint32_t count,
                                          struct gathering **out_gathering)
{
    struct gathering *gathering = calloc(1, sizeof *gathering);
    struct part *parts = calloc((size_t)count + 1, sizeof *parts);
    if (gathering == NULL || parts == NULL) {
        free(gathering);
        free(parts);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a meeting of %" PRIu32 " tasks", count);
    }
    *gathering = (struct gathering){.name = *name,
                                    .kind = kind,
                                    .first = first,
                                    .count = count,
                                    .parts = parts,
                                    .next = dispatch->gatherings};
    dispatch->gatherings = gathering;
    *out_gathering = gathering;
    return NULL;
}

static struct gathering *find(const struct dispatch *dispatch, const struct meeting_name *name)
{
    struct gathering *at = dispatch->gatherings;
    while (at != NULL && !meeting_name_equal(&at->name, name))
        at = at->next;
    return at;
}

/* Each executor of those that have come is told once. */
BARKS_CHECKED static barks_status *tell(struct dispatch *dispatch,
                                        const struct gathering *gathering,
                                        const struct meeting_refusal *refusal,
                                        const struct meeting_answer *answer)
{
    for (uint32_t i = 0; i < gathering->count; i++) {
        uint32_t executor = gathering->parts[i].executor, before = 0;
        while (before < i && gathering->parts[before].executor != executor)
            before++;
        if (executor == 0 || before < i)
            continue;
        struct packer out = {0};
        pack_u64(&out, MESSAGE_MET);
        meeting_answer_pack(&out, &gathering->name, refusal, answer);
        BARKS_TRY(message_send(dispatch->net, executor, &out));
    }
    return NULL;
}

/* It ends with what all have said. */
BARKS_CHECKED static barks_status *complete(struct dispatch *dispatch, struct gathering *gathering)
{
    struct meeting_answer answer = {.count = gathering->count};
    answer.says = calloc((size_t)answer.count + 1, sizeof *answer.says);
    barks_status *status = NULL;
    if (answer.says == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for a meeting of %" PRIu32 " tasks", answer.count);
    for (uint32_t i = 0; i < answer.count && status == NULL; i++)
        answer.says[i] = gathering->parts[i].says;
    if (status == NULL)
        status = tell(dispatch, gathering, &(struct meeting_refusal){0}, &answer);
    free(answer.says);
    take_out(dispatch, gathering);
    return status;
}

BARKS_CHECKED static barks_status *refuse(struct dispatch *dispatch, struct gathering *gathering,
                                          const char *why)
{
    struct meeting_refusal refusal = {.code = BARKS_USER_ERROR, .text = why};
    barks_status *status = tell(dispatch, gathering, &refusal, NULL);
    take_out(dispatch, gathering);
    return status;
}

BARKS_CHECKED static barks_status *refuse_ended(struct dispatch *dispatch,
                                                struct gathering *gathering, uint32_t task)
{
    char why[256];
    snprintf(why, sizeof why,
             "task %" PRIu32 " of the stage has ended without coming to %s (meeting %" PRIu32
             "): all tasks that run together must call it as often",
             task, meeting_kind_name(gathering->kind), gathering->name.number);
    return refuse(dispatch, gathering, why);
}

BARKS_CHECKED static barks_status *refuse_mixed(struct dispatch *dispatch,
                                                struct gathering *gathering, uint32_t task,
                                                enum meeting_kind kind)
{
    char why[256];
    snprintf(why, sizeof why,
             "task %" PRIu32 " of the stage has come to %s where task %" PRIu32
             " has come to %s (meeting %" PRIu32
             "): all tasks that run together must call the same",
             task, meeting_kind_name(kind), gathering->first, meeting_kind_name(gathering->kind),
             gathering->name.number);
    return refuse(dispatch, gathering, why);
}

/* The stage that the tasks are of, of a job that runs; UINT32_MAX: it is over. */
static uint32_t stage_index(const struct job *job, uint64_t stage)
{
    for (uint32_t i = 0; job != NULL && i < job->plan.stage_count; i++)
        if (job->plan.stages[i].pipeline->stage == stage)
            return i;
    return UINT32_MAX;
}

BARKS_CHECKED static barks_status *note_part(struct gathering *gathering, uint32_t task,
                                             uint32_t executor, const uint8_t *bytes, size_t size)
{
    struct part *part = &gathering->parts[task];
    if (part->executor != 0)
        BARKS_FAIL(BARKS_INTERNAL, "task %" PRIu32 " has come twice to a meeting", task);
    part->bytes = malloc(size + 1);
    if (part->bytes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %zu bytes that a task has said", size);
    if (size > 0)
        memcpy(part->bytes, bytes, size);
    part->says = barks_str_of_exactly((const char *)part->bytes, size);
    part->executor = executor;
    gathering->come_count++;
    return NULL;
}

barks_status *gatherings_take(struct dispatch *dispatch, struct unpacker *in, uint32_t executor)
{
    size_t size = 0;
    struct meeting_name name = meeting_name_unpack(in);
    enum meeting_kind kind = (enum meeting_kind)unpack_u32(in);
    uint32_t task = unpack_u32(in);
    const uint8_t *bytes = unpack_bytes(in, &size);
    BARKS_TRY(unpacker_finish(in));
    const struct job *job = dispatch_find_job(dispatch, name.job);
    uint32_t stage = stage_index(job, name.stage);
    if (stage == UINT32_MAX)
        return NULL;
    uint32_t count = pipeline_partition_count(job->plan.stages[stage].pipeline);
    if (task >= count)
        BARKS_FAIL(BARKS_INTERNAL, "task %" PRIu32 " of %" PRIu32 " comes to a meeting", task,
                   count);
    struct gathering *gathering = find(dispatch, &name);
    if (gathering == NULL)
        BARKS_TRY(create(dispatch, &name, kind, task, count, &gathering));
    BARKS_TRY(note_part(gathering, task, executor, bytes, size));
    const struct job_stage *state = &job->stages[stage];
    if (gathering->kind != kind)
        return refuse_mixed(dispatch, gathering, task, kind);
    if (state->has_ended && state->ended_attempt == name.attempt)
        return refuse_ended(dispatch, gathering, state->ended_task);
    return gathering->come_count == count ? complete(dispatch, gathering) : NULL;
}

barks_status *gatherings_note_ended(struct dispatch *dispatch, struct job *job,
                                    const struct attempt_id *id)
{
    uint64_t stage = job->plan.stages[id->stage].pipeline->stage;
    if (!job->plan.stages[id->stage].pipeline->gang.is_gang)
        return NULL;
    struct job_stage *state = &job->stages[id->stage];
    state->has_ended = true;
    state->ended_attempt = id->attempt;
    state->ended_task = id->task;
    struct gathering *next = NULL;
    for (struct gathering *at = dispatch->gatherings; at != NULL; at = next) {
        next = at->next;
        if (at->name.job == id->job && at->name.stage == stage && at->name.attempt == id->attempt)
            BARKS_TRY(refuse_ended(dispatch, at, id->task));
    }
    return NULL;
}
