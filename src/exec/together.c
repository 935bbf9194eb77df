#include "exec/together.h"

#include "barks/together.h"
#include "base/clock.h"
#include "exec/meetings.h"
#include "exec/operator.h"
#include "exec/registry.h"
#include "exec/task_info.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COMMUNICATOR_BYTES_MAX = 64 /* of MPI_Comm, a pointer or an int */ };

struct together {
    barks_peers peers;
    struct meeting_answer begin; /* owned: what peers point into */
    const char **hosts;          /* owned, as the next */
    uint32_t *executors;
    struct meeting_answer last; /* owned: of the last all-gather */
    uint32_t meeting_count;
    bool has_communicator;
    uint8_t communicator[COMMUNICATOR_BYTES_MAX];
};

/* ---- meetings ---- */

static uint64_t deadline_after(double seconds)
{
    uint64_t now_ns = monotonic_ns();
    double ns = seconds * 1e9;
    if (!(ns < 1e18)) /* some 30 years; NaN too */
        return UINT64_MAX;
    return ns > 0 ? now_ns + (uint64_t)ns : now_ns;
}

BARKS_CHECKED static barks_status *meet(struct task *task, enum meeting_kind kind, barks_str says,
                                        double seconds, struct meeting_answer *out_answer)
{
    struct meeting_call call = {.name = {.job = task->spec->job,
                                         .stage = task->spec->pipeline->stage,
                                         .attempt = task->spec->attempt,
                                         .number = task->together->meeting_count++},
                                .kind = kind,
                                .task = task->spec->task,
                                .says = says,
                                .deadline_ns = deadline_after(seconds)};
    return meetings_hold(task->services->meetings, &call, task->progress, out_answer);
}

/* ---- begin and end ---- */

/* Each says its executor's rank, then its host with a zero byte. */
BARKS_CHECKED static barks_status *note_peers(struct task *task)
{
    struct together *together = task->together;
    uint32_t count = together->begin.count;
    together->hosts = calloc((size_t)count + 1, sizeof *together->hosts);
    together->executors = calloc((size_t)count + 1, sizeof *together->executors);
    if (together->hosts == NULL || together->executors == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the names of %u tasks", count);
    for (uint32_t i = 0; i < count; i++) {
        const barks_str *says = &together->begin.says[i];
        const char *bytes = barks_str_bytes(says);
        if (says->length <= sizeof(uint32_t) || bytes[says->length - 1] != '\0')
            BARKS_FAIL(BARKS_INTERNAL, "task %u does not say where it runs", i);
        memcpy(&together->executors[i], bytes, sizeof(uint32_t));
        together->hosts[i] = bytes + sizeof(uint32_t);
    }
    together->peers = (barks_peers){.index = task->spec->task,
                                    .count = count,
                                    .hosts = together->hosts,
                                    .executors = together->executors};
    return NULL;
}

barks_status *together_begin(struct task *task)
{
    char says[sizeof(uint32_t) + 256 + 1];
    uint32_t rank = task->services->executor;
    size_t host_bytes = strnlen(task->services->host, 256);
    memcpy(says, &rank, sizeof rank);
    memcpy(says + sizeof rank, task->services->host, host_bytes);
    says[sizeof rank + host_bytes] = '\0';
    task->together = calloc(1, sizeof *task->together);
    if (task->together == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a task that runs with others");
    BARKS_TRY(meet(task, MEETING_BEGIN, barks_str_of_exactly(says, sizeof rank + host_bytes + 1),
                   (double)INFINITY, &task->together->begin));
    return note_peers(task);
}

/* A communicator of a task that has failed stays: to free it is collective, and nobody knows where
 * the others are. */
void together_end(struct task *task, bool is_well)
{
    struct together *together = task->together;
    if (together == NULL)
        return;
    if (together->has_communicator)
        task->services->communicators->end(task->services->communicators->context,
                                           is_well ? together->communicator : NULL);
    meeting_answer_drop(&together->begin);
    meeting_answer_drop(&together->last);
    free(together->hosts);
    free(together->executors);
    free(together);
    task->together = NULL;
}

/* ---- what bodies call ---- */

/* The calling body's task; NULL: it has failed, or there is none. */
static struct task *task_of(const char *call)
{
    struct task *task = task_running();
    if (task != NULL && task->together != NULL)
        return task_noted_failure() == NULL ? task : NULL;
    if (task != NULL)
        task_note_failure(barks_status_new(
            BARKS_INVALID, NULL, BARKS_HERE,
            "%s is for bodies of tasks that run together (barks_map_partitions_together)", call));
    return NULL;
}

static bool is_done(barks_status *status)
{
    if (status != NULL)
        task_note_failure(status);
    return status == NULL;
}

const barks_peers *barks_peers_here(void)
{
    const struct task *task = task_running();
    return task != NULL && task->together != NULL ? &task->together->peers : NULL;
}

bool barks_barrier(double seconds)
{
    struct meeting_answer answer = {0};
    struct task *task = task_of("barks_barrier");
    if (task == NULL)
        return false;
    barks_status *status =
        meet(task, MEETING_BARRIER, barks_str_of_exactly("", 0), seconds, &answer);
    meeting_answer_drop(&answer);
    return is_done(status);
}

const barks_str *barks_all_gather(barks_str mine, double seconds)
{
    struct task *task = task_of("barks_all_gather");
    if (task == NULL)
        return NULL;
    if (mine.length > BARKS_GATHER_BYTES_MAX) {
        task_note_failure(barks_status_new(
            BARKS_LIMIT, NULL, BARKS_HERE,
            "task %u gathers %u bytes; the limit is %d: what is large goes through an exchange, or "
            "MPI",
            task->spec->task, mine.length, BARKS_GATHER_BYTES_MAX));
        return NULL;
    }
    meeting_answer_drop(&task->together->last);
    bool done = is_done(meet(task, MEETING_GATHER, mine, seconds, &task->together->last));
    return done ? task->together->last.says : NULL;
}

BARKS_CHECKED static barks_status *make_communicator(struct task *task, size_t size_bytes,
                                                     double seconds)
{
    struct together *together = task->together;
    const struct communicators *makers = task->services->communicators;
    struct meeting_answer answer = {0};
    if (size_bytes > sizeof together->communicator)
        BARKS_FAIL(BARKS_INVALID, "a communicator of %zu bytes", size_bytes);
    if (!registry_wants_mpi())
        BARKS_FAIL(BARKS_INVALID,
                   "barks_communicator: the job does not say BARKS_TASKS_USE_MPI, so "
                   "MPI was not started for it");
    if (!task->spec->pipeline->gang.is_spread)
        BARKS_FAIL(
            BARKS_INVALID,
            "barks_communicator: the step needs .spread = true, since a communicator has one "
            "rank for each process");
    BARKS_TRY(makers->check(makers->context));
    BARKS_TRY(meet(task, MEETING_MPI, barks_str_of_exactly("", 0), seconds, &answer));
    meeting_answer_drop(&answer);
    BARKS_TRY(makers->make(makers->context, together->executors, together->peers.count,
                           task->spec->pipeline->stage, together->communicator, size_bytes));
    together->has_communicator = true;
    return NULL;
}

bool barks_communicator_at(void *out, size_t size_bytes, double seconds)
{
    struct task *task = task_of("barks_communicator");
    if (task == NULL)
        return false;
    if (!task->together->has_communicator && !is_done(make_communicator(task, size_bytes, seconds)))
        return false;
    memcpy(out, task->together->communicator, size_bytes);
    return true;
}
