#include "sim/sim_replay.h"

#include "scheduler/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

uint64_t sim_world_count(uint64_t count)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the program has one thread */
    const char *wanted = getenv("BARKS_SIM_WORLDS");
    return wanted == NULL ? count : strtoull(wanted, NULL, 10);
}

void sim_tell_replay(const char *program, const char *variables, uint64_t seed)
{
    fprintf(stderr,
            "# replay with BARKS_TEST_SEED=%" PRIu64 " BARKS_SIM_WORLDS=1 %sBARKS_TEST_NOFORK=1 "
            "build/tests/sim/%s\n",
            seed, variables, program);
}

barks_status *sim_handle(struct journal *journal, struct scheduler *scheduler,
                         const struct event *event, struct decision_list *decisions)
{
    decisions->count = 0;
    journal_event(journal, scheduler, event);
    barks_status *status = scheduler_handle(scheduler, event, decisions);
    journal_decisions(journal, status, decisions->items, decisions->count);
    return status;
}

bool sim_replays(struct journal *journal, uint64_t event_count, char *out_failure,
                 size_t failure_bytes)
{
    struct replay replay;
    barks_status *status = packer_finish(&journal->records);
    if (status == NULL)
        status = replay_run(journal->records.bytes.data, journal->records.bytes.size, &replay);
    bool agrees = status == NULL && replay.difference[0] == '\0';
    if (status != NULL)
        snprintf(out_failure, failure_bytes, "the log: %s", barks_status_text(status));
    else if (!agrees)
        snprintf(out_failure, failure_bytes, "replayed: %s", replay.difference);
    else if (replay.event_count != event_count)
        snprintf(out_failure, failure_bytes, "the log has %" PRIu64 " of %" PRIu64 " events",
                 replay.event_count, event_count);
    barks_status_free(status);
    return agrees && replay.event_count == event_count;
}
