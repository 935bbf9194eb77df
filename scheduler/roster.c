#include "scheduler/roster.h"

#include <stdlib.h>

barks_status *roster_create(uint32_t member_count, struct roster **out_roster)
{
    struct roster *roster = malloc(sizeof *roster);
    uint32_t *numbers = calloc((size_t)member_count + 1, 2 * sizeof *numbers);
    if (roster == NULL || numbers == NULL) {
        free(roster);
        free(numbers);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of %u executors", member_count);
    }
    *roster = (struct roster){.reference_count = 1,
                              .member_count = member_count,
                              .executors = numbers,
                              .worker_counts = numbers + member_count};
    *out_roster = roster;
    return NULL;
}

struct roster *roster_acquire(struct roster *roster)
{
    roster->reference_count++;
    return roster;
}

void roster_release(struct roster *roster)
{
    if (roster == NULL || --roster->reference_count > 0)
        return;
    free(roster->executors);
    free(roster);
}
