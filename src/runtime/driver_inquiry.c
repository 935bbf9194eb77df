/* What others ask the driver. */
#include "runtime/dispatch.h"
#include "runtime/driver_state.h"
#include "runtime/job_history.h"
#include "runtime/offers.h"

#include <inttypes.h>
#include <stdlib.h>

barks_status *driver_worker_counts(const struct driver *driver, uint32_t **out_counts)
{
    uint32_t count = driver->members.count;
    bool is_anybody_left = members_worker_count(&driver->members) > 0;
    *out_counts = calloc((size_t)count + 1, sizeof **out_counts);
    if (*out_counts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the workers of %" PRIu32 " executors", count);
    for (uint32_t i = 0; i < count; i++)
        (*out_counts)[i] = is_anybody_left ? member_workers(&driver->members.all[i]) : 1;
    return NULL;
}

barks_status *driver_check_needs(const struct driver *driver, const struct pipeline *pipeline)
{
    return offers_check(&driver->members, pipeline);
}

barks_status *driver_find_pool(const struct driver *driver, const char *name, uint32_t *out_index)
{
    return pool_settings_find(&driver->pools, name, out_index);
}

uint32_t driver_workers_of(const struct driver *driver, uint32_t rank)
{
    return member_workers(&driver->members.all[rank - 1]);
}
uint64_t driver_node_of(const struct driver *driver, uint32_t rank)
{
    return driver->members.all[rank - 1].hello.node_id;
}
uint32_t driver_worker_count(const struct driver *driver)
{
    return members_worker_count(&driver->members);
}
uint32_t driver_executor_count(const struct driver *driver) { return driver->members.count; }
uint32_t driver_lost_count(const struct driver *driver)
{
    return driver->members.count - members_living_count(&driver->members);
}
uint64_t driver_memory_bytes(const struct driver *driver)
{
    return driver->members.all[0].welcome.memory_bytes;
}
struct progress *driver_progress(const struct driver *driver) { return driver->progress; }
barks_status *driver_add_tap(struct driver *driver, struct history_tap *tap)
{
    return job_history_add_tap(driver->history, tap);
}

void driver_close_history(struct driver *driver, int exit_code, const char *output)
{
    struct driver_totals totals = driver_totals(driver);
    job_history_close(driver->history, exit_code, &totals, output, driver->progress);
    driver->history = NULL;
}
struct driver_totals driver_totals(struct driver *driver)
{
    return dispatch_totals(driver->dispatch);
}
