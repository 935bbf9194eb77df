/* Executors that live and cannot do their work as they should, mostly for their disks. */
#include "base/clock.h"
#include "base/log.h"
#include "runtime/dispatch_state.h"
#include "runtime/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DISTRUSTED_FROM = 2, /* places: one may be an accident */
    GIVEN_UP_FROM = 3,   /* failures of one task: before it has failed too often */
};

/* ---- rows that have changed, which are made anew (plan_basis.h) ---- */

static void say(const struct member *member, uint32_t executor, const char *directory)
{
    LOG(member->damage_count >= DISTRUSTED_FROM ? LEVEL_WARN : LEVEL_INFO, "runtime",
        "executor %" PRIu32 " on %s has found rows in '%s' that are not what it had written there "
        "(%" PRIu64 " so far): they are computed again%s",
        executor, member->hello.host, directory != NULL ? directory : "?", member->damage_count,
        member->damage_count < DISTRUSTED_FROM
            ? ""
            : "; the disk may be broken, and this executor gets as little more as possible "
              "(--barks-exclusion)");
}

barks_status *dispatch_take_damage(struct dispatch *dispatch, struct unpacker *in,
                                   uint32_t executor)
{
    struct member *member = &dispatch->members->all[executor - 1];
    uint64_t before = member->damage_count;
    member->damage_count += unpack_u64(in);
    char *directory = unpack_text(in);
    barks_status *status = unpacker_finish(in);
    if (status == NULL)
        say(member, executor, directory);
    free(directory);
    if (status != NULL || before >= DISTRUSTED_FROM || member->damage_count < DISTRUSTED_FROM)
        return status;
    struct event event = {.kind = EVENT_EXECUTOR_DISTRUSTED, .time_ns = monotonic_ns()};
    event.executor_distrusted.executor = executor;
    return dispatch_handle(dispatch, &event);
}

/* ---- giving them up ---- */

static bool others_may_go_on(const struct dispatch *dispatch)
{
    return dispatch->recovery.is_on && members_living_count(dispatch->members) > 1;
}

/* why: borrowed. */
BARKS_CHECKED static barks_status *give_up(struct dispatch *dispatch, uint32_t executor,
                                           const char *what, const barks_status *why)
{
    char text[400];
    struct member *member = &dispatch->members->all[executor - 1];
    struct member_loss loss = {.rank = executor};
    barks_status_format(why, text, sizeof text);
    snprintf(loss.sentence, sizeof loss.sentence, "executor %" PRIu32 " on %s was lost: %s: %s",
             executor, member->hello.host, what, text);
    atomic_store_explicit(&member->is_lost, true, memory_order_relaxed);
    return dispatch_lose(dispatch, &loss, monotonic_ns());
}

/* What only this executor has met. Who finds no memory for frames, or gets what is no frame, has
 * no trouble of its own; nor has who misses another. */
static bool is_its_own(const barks_status *trouble)
{
    barks_code code = barks_status_code(trouble);
    return code == BARKS_IO || code == BARKS_NO_MEMORY;
}

/* No input is malformed where executors do not understand each other. */
static barks_code code_of_trouble(const barks_status *trouble)
{
    barks_code code = trouble != NULL ? barks_status_code(trouble) : BARKS_INTERNAL;
    return code == BARKS_BAD_INPUT ? BARKS_IO : code;
}

barks_status *dispatch_take_trouble(struct dispatch *dispatch, struct unpacker *in,
                                    uint32_t executor)
{
    barks_status *trouble = unpack_status(in);
    if (trouble == NULL || !is_its_own(trouble) || !others_may_go_on(dispatch))
        return barks_status_new(code_of_trouble(trouble), trouble, BARKS_HERE,
                                "executor %" PRIu32 " on %s cannot go on", executor,
                                dispatch->members->all[executor - 1].hello.host);
    barks_status *status = give_up(dispatch, executor, "it cannot go on", trouble);
    barks_status_free(trouble);
    return status;
}

/* Failures of the task on that executor so far, of a cause that its disks may be. */
static uint32_t count_failures(const struct dispatch *dispatch, const struct attempt_id *id)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < dispatch->error_count; i++) {
        const struct attempt_error *error = &dispatch->errors[i];
        count += error->status != NULL && barks_status_code(error->status) == BARKS_IO &&
                 error->id.job == id->job && error->id.stage == id->stage &&
                 error->id.task == id->task && error->id.executor == id->executor;
    }
    return count;
}

/* A task that may run elsewhere does so after its first failure. */
barks_status *dispatch_note_failure(struct dispatch *dispatch, const struct attempt_id *id,
                                    const barks_status *error, bool *out_is_lost)
{
    *out_is_lost = false;
    if (barks_status_code(error) != BARKS_IO || !others_may_go_on(dispatch) ||
        count_failures(dispatch, id) + 1 < GIVEN_UP_FROM)
        return NULL;
    *out_is_lost = true;
    return give_up(dispatch, id->executor, "a task that must run there fails, again and again",
                   error);
}
