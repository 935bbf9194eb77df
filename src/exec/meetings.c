#include "exec/meetings.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/pack.h"

#include <stdlib.h>
#include <string.h>

/* A cancelled task is told by its flag alone, so who waits looks at it so often. */
#define LOOK_NS (50 * NS_PER_MS)

/* On the stack of the worker that waits. */
struct waiter {
    const struct meeting_call *call;
    bool is_told;     /* to the driver */
    bool is_answered; /* then status and answer are set */
    barks_status *status;
    struct meeting_answer answer;
    struct waiter *next;
};

struct meetings {
    void (*wake)(void *context);
    void *context;
    struct lock lock;
    struct condition answered;
    struct {
        struct waiter *waiters;
    } locked;
};

const char *meeting_kind_name(enum meeting_kind kind)
{
    switch (kind) {
    case MEETING_BEGIN:
        return "its begin";
    case MEETING_BARRIER:
        return "a barrier";
    case MEETING_GATHER:
        return "an all-gather";
    case MEETING_MPI:
        return "barks_communicator";
    }
    return "something unknown";
}

void meeting_name_pack(struct packer *out, const struct meeting_name *name)
{
    pack_u64(out, name->job);
    pack_u64(out, name->stage);
    pack_u64(out, name->attempt);
    pack_u64(out, name->number);
}

struct meeting_name meeting_name_unpack(struct unpacker *in)
{
    struct meeting_name name = {.job = unpack_u64(in)};
    name.stage = unpack_u64(in);
    name.attempt = unpack_u32(in);
    name.number = unpack_u32(in);
    return name;
}

bool meeting_name_equal(const struct meeting_name *a, const struct meeting_name *b)
{
    return a->job == b->job && a->stage == b->stage && a->attempt == b->attempt &&
           a->number == b->number;
}

void meeting_answer_drop(struct meeting_answer *answer)
{
    free(answer->says);
    free(answer->bytes);
    *answer = (struct meeting_answer){0};
}

barks_status *meetings_create(void (*wake)(void *context), void *context,
                              struct meetings **out_meetings)
{
    struct meetings *meetings = calloc(1, sizeof *meetings);
    if (meetings == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the meetings of tasks");
    meetings->wake = wake;
    meetings->context = context;
    lock_init(&meetings->lock, LOCK_OPERATOR, "meetings");
    condition_init(&meetings->answered);
    *out_meetings = meetings;
    return NULL;
}

void meetings_destroy(struct meetings *meetings)
{
    if (meetings == NULL)
        return;
    condition_drop(&meetings->answered);
    lock_drop(&meetings->lock);
    free(meetings);
}

static void leave_locked(struct meetings *meetings, struct waiter *waiter)
{
    struct waiter **link = &meetings->locked.waiters;
    while (*link != waiter)
        link = &(*link)->next;
    *link = waiter->next;
}

BARKS_CHECKED static barks_status *await(struct meetings *meetings, struct waiter *waiter,
                                         const struct task_progress *progress)
{
    uint64_t deadline_ns = waiter->call->deadline_ns, now_ns = monotonic_ns(), began_ns = now_ns;
    while (!waiter->is_answered && now_ns < deadline_ns &&
           !atomic_load_explicit(&progress->cancelled, memory_order_relaxed)) {
        uint64_t look_ns = now_ns + LOOK_NS;
        condition_wait_until(&meetings->answered, &meetings->lock,
                             look_ns < deadline_ns ? look_ns : deadline_ns);
        now_ns = monotonic_ns();
    }
    if (waiter->is_answered)
        return waiter->status;
    if (now_ns < deadline_ns)
        BARKS_FAIL(BARKS_CANCELLED, "the tasks that it ran together with are given up");
    BARKS_FAIL(BARKS_LIMIT,
               "task %u has waited %.1f s at %s (meeting %u of the stage) for the tasks that run "
               "together with it; give them more time, or look what keeps them",
               waiter->call->task, (double)(now_ns - began_ns) * 1e-9,
               meeting_kind_name(waiter->call->kind), waiter->call->name.number);
}

barks_status *meetings_hold(struct meetings *meetings, const struct meeting_call *call,
                            const struct task_progress *progress, struct meeting_answer *out_answer)
{
    struct waiter waiter = {.call = call};
    lock_acquire(&meetings->lock);
    waiter.next = meetings->locked.waiters;
    meetings->locked.waiters = &waiter;
    lock_release(&meetings->lock);
    meetings->wake(meetings->context);
    lock_acquire(&meetings->lock);
    barks_status *status = await(meetings, &waiter, progress);
    leave_locked(meetings, &waiter);
    lock_release(&meetings->lock);
    *out_answer = waiter.answer;
    return status;
}

bool meetings_take_call(struct meetings *meetings, struct packer *out)
{
    lock_acquire(&meetings->lock);
    struct waiter *waiter = meetings->locked.waiters;
    while (waiter != NULL && waiter->is_told)
        waiter = waiter->next;
    if (waiter != NULL) {
        const struct meeting_call *call = waiter->call;
        waiter->is_told = true;
        meeting_name_pack(out, &call->name);
        pack_u64(out, call->kind);
        pack_u64(out, call->task);
        pack_bytes(out, barks_str_bytes(&call->says), call->says.length);
    }
    lock_release(&meetings->lock);
    return waiter != NULL;
}

/* One copy of all that was said, and where in it each part lies. */
BARKS_CHECKED static barks_status *copy_answer(const struct meeting_answer *from,
                                               struct meeting_answer *out)
{
    size_t size_bytes = 0;
    for (uint32_t i = 0; i < from->count; i++)
        size_bytes += from->says[i].length;
    out->says = calloc((size_t)from->count + 1, sizeof *out->says);
    out->bytes = malloc(size_bytes + 1);
    if (out->says == NULL || out->bytes == NULL) {
        meeting_answer_drop(out);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %zu bytes that %u tasks have said", size_bytes,
                   from->count);
    }
    out->count = from->count;
    size_bytes = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        uint8_t *part = out->bytes + size_bytes;
        memcpy(part, barks_str_bytes(&from->says[i]), from->says[i].length);
        out->says[i] = barks_str_of_exactly((const char *)part, from->says[i].length);
        size_bytes += from->says[i].length;
    }
    return NULL;
}

static void answer_locked(struct waiter *waiter, const struct meeting_refusal *refusal,
                          const struct meeting_answer *answer)
{
    waiter->is_answered = true;
    waiter->status = refusal->code == 0
                         ? copy_answer(answer, &waiter->answer)
                         : barks_status_new(refusal->code, NULL, BARKS_HERE, "%s", refusal->text);
}

void meeting_answer_pack(struct packer *out, const struct meeting_name *name,
                         const struct meeting_refusal *refusal, const struct meeting_answer *answer)
{
    uint32_t count = refusal->code == 0 ? answer->count : 0;
    meeting_name_pack(out, name);
    pack_u64(out, refusal->code);
    pack_text(out, refusal->code == 0 ? NULL : refusal->text);
    pack_u64(out, count);
    for (uint32_t i = 0; i < count; i++)
        pack_bytes(out, barks_str_bytes(&answer->says[i]), answer->says[i].length);
}

barks_status *meetings_answer(struct meetings *meetings, struct unpacker *in)
{
    struct meeting_name name = meeting_name_unpack(in);
    barks_code code = (barks_code)unpack_u32(in);
    char *text = unpack_text(in);
    struct meeting_refusal refusal = {code, text != NULL ? text : "no reason was given"};
    struct meeting_answer answer = {.count = unpack_count(in)};
    answer.says = unpack_array(in, answer.count, sizeof *answer.says);
    for (uint32_t i = 0; i < answer.count && answer.says != NULL; i++) {
        size_t length = 0;
        const uint8_t *bytes = unpack_bytes(in, &length);
        answer.says[i] = barks_str_of_exactly(bytes != NULL ? (const char *)bytes : "",
                                              bytes != NULL ? length : 0);
    }
    barks_status *status = unpacker_finish(in);
    if (status == NULL) {
        lock_acquire(&meetings->lock);
        for (struct waiter *waiter = meetings->locked.waiters; waiter != NULL;
             waiter = waiter->next)
            if (waiter->is_told && !waiter->is_answered &&
                meeting_name_equal(&waiter->call->name, &name))
                answer_locked(waiter, &refusal, &answer);
        condition_broadcast(&meetings->answered);
        lock_release(&meetings->lock);
    }
    free(answer.says);
    free(text);
    return status;
}
