#include "exec/given.h"

#include "barks/needs.h"
#include "base/pool.h"
#include "exec/operator.h"
#include "exec/task_info.h"

#include <inttypes.h>
#include <stdlib.h>

/* The body's own memory is counted before it takes it, so that rows leave it that room. */
BARKS_CHECKED static barks_status *reserve(struct task *task, uint64_t bytes)
{
    struct pool *pool = task->services->pool;
    if (bytes == 0)
        return NULL;
    pool_make_room(pool, bytes);
    BARKS_TRY_DOING(pool_reserve(pool, bytes),
                    "set aside the %" PRIu64 " MiB that a task needs (barks_set_needs)",
                    bytes >> 20);
    task->given.reserved_bytes = bytes;
    return NULL;
}

static void find_indices(struct given *given, const struct task_spec *spec)
{
    const struct name_counts *resources = &spec->pipeline->needs.resources;
    uint32_t end = 0;
    for (uint32_t i = 0; i < resources->count; i++) {
        for (uint32_t index = 0; index < 64; index++)
            if ((spec->units[i] >> index & 1) != 0)
                given->indices[end++] = index;
        given->ends[i] = end;
    }
}

barks_status *given_begin(struct task *task)
{
    const struct step_needs *needs = &task->spec->pipeline->needs;
    size_t index_count = 0;
    if (step_needs_are_plain(needs))
        return NULL;
    for (uint32_t i = 0; i < needs->resources.count; i++)
        index_count += (size_t)__builtin_popcountll(task->spec->units[i]);
    task->given.indices = calloc(index_count + 1, sizeof *task->given.indices);
    if (task->given.indices == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for what a task is given");
    find_indices(&task->given, task->spec);
    return reserve(task, needs->memory_bytes);
}

void given_end(struct task *task)
{
    if (task->given.reserved_bytes > 0)
        pool_unreserve(task->services->pool, task->given.reserved_bytes);
    free(task->given.indices);
    task->given = (struct given){0};
}

/* ---- what bodies call ---- */

uint32_t barks_given_threads(void)
{
    const struct task *task = task_running();
    return task != NULL ? step_needs_threads(&task->spec->pipeline->needs) : 1;
}

const uint32_t *barks_given(const char *resource, uint32_t *out_count)
{
    const struct task *task = task_running();
    *out_count = 0;
    if (task == NULL || task->given.indices == NULL || resource == NULL)
        return NULL;
    const struct name_counts *resources = &task->spec->pipeline->needs.resources;
    uint32_t i = name_counts_find(resources, resource);
    if (i == resources->count)
        return NULL;
    uint32_t first = i > 0 ? task->given.ends[i - 1] : 0;
    *out_count = task->given.ends[i] - first;
    return *out_count > 0 ? task->given.indices + first : NULL;
}
