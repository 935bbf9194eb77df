/* What bodies may ask of the task that they run in, and add to. Bodies call plain functions, also
 * from functions of the user's own, so the task is found by its thread. */
#include "exec/task_info.h"

#include "barks/resource.h"
#include "barks/shared.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "exec/operator.h"
#include "exec/resources.h"
#include "exec/shared_rows.h"
#include "io/shipped.h"
#include "io/source.h"

#include <math.h>
#include <stdlib.h>

/* One thread runs one task; NULL on the driver's threads. */
static _Thread_local struct task *running __attribute__((tls_model("initial-exec")));

bool task_see(struct task_sight *out)
{
    const struct task *task = running;
    struct source_place place = {0};
    if (task == NULL)
        return false;
    if (task->source != NULL)
        source_place(task->source, 0, &place);
    *out = (struct task_sight){.job = task->spec->job,
                               .stage = task->info.stage,
                               .partition = task->partition,
                               .attempt = task->spec->attempt,
                               .executor = task->services->executor,
                               .path = place.path,
                               .offset = place.offset};
    return true;
}

static const char *place_of(const barks_task_info *info) { return task_place(info->engine); }

static bool task_cancelled(const barks_task_info *info)
{
    const struct task *task = info->engine;
    return atomic_load_explicit(&task->progress->cancelled, memory_order_relaxed);
}

void task_info_begin(struct task *task)
{
    task->info = (barks_task_info){
        .job = task->spec->job,
        .stage = (uint32_t)task->spec->pipeline->stage,
        .attempt = task->spec->attempt,
        .executor = task->services->executor,
        .host = task->services->host,
        .seed = task->services->seed,
        .place = place_of,
        .cancelled = task_cancelled,
        .engine = task,
    };
    running = task;
}

void task_info_end(void) { running = NULL; }

struct task *task_running(void) { return running; }

void task_info_partition(struct task *task)
{
    task->info.partition = task->partition;
    task->info.random = hash_combine(task->services->seed, task->partition);
    if (task->payloads->piece > 0) /* of a partition that others share: not what they draw */
        task->info.random = hash_combine(task->info.random, task->payloads->piece);
}

barks_task_info *barks_task(void) { return running != NULL ? &running->info : NULL; }

bool barks_cancelled(void) { return running != NULL && task_cancelled(&running->info); }

const char *barks_place(void) { return running != NULL ? task_place(running) : NULL; }

double barks_seconds_left(void)
{
    uint64_t deadline_ns = running != NULL ? running->services->deadline_ns : 0;
    uint64_t now_ns = monotonic_ns();
    if (deadline_ns == 0)
        return (double)INFINITY;
    return deadline_ns > now_ns ? (double)(deadline_ns - now_ns) * 1e-9 : 0;
}

double barks_random(void)
{
    if (running == NULL)
        return 0;
    return (double)(splitmix64(&running->info.random) >> 11) * 0x1p-53;
}

/* ---- accumulators ---- */

static struct accumulated *value_of(barks_accumulator accumulator, enum accumulator_kind kind)
{
    if (running == NULL || accumulator.id == 0)
        return NULL;
    return accumulations_at(&running->result->accumulated, running->partition, accumulator.id,
                            kind);
}

void task_note_failure(barks_status *status)
{
    struct accumulations *all = &running->result->accumulated;
    if (status != NULL && all->failed == NULL)
        all->failed = status;
    else
        barks_status_free(status);
}

const barks_status *task_noted_failure(void)
{
    return running != NULL ? running->result->accumulated.failed : NULL;
}

void barks_add(barks_accumulator accumulator, int64_t n)
{
    struct accumulated *value = value_of(accumulator, (enum accumulator_kind)accumulator.kind);
    if (value != NULL)
        accumulated_add(value, n);
}

void barks_add_real(barks_accumulator accumulator, double x)
{
    struct accumulated *value = value_of(accumulator, (enum accumulator_kind)accumulator.kind);
    if (value != NULL)
        accumulated_add_real(value, x);
}

void barks_add_text(barks_accumulator accumulator, barks_str text)
{
    struct barks_text row = {.text = text};
    struct accumulated *value = value_of(accumulator, ACCUMULATOR_TEXTS);
    if (value != NULL)
        task_note_failure(accumulated_add_rows(value, running->services->pool,
                                               &barks_record_barks_text, &row, 1));
}

void barks_accumulate_at(barks_accumulator accumulator, const barks_function *function,
                         const void *row)
{
    struct accumulated *value = value_of(accumulator, ACCUMULATOR_USER);
    if (value == NULL)
        return;
    value->function = function;
    task_note_failure(accumulated_add_rows(value, running->services->pool, function->in, row, 1));
}

/* ---- broadcast values ---- */

const void *barks_shared_rows_at(barks_broadcast broadcast, const barks_record *record,
                                 int64_t *out_count)
{
    const void *rows = NULL;
    uint32_t count = 0;
    *out_count = 0;
    if (running == NULL)
        return NULL;
    barks_status *status =
        shared_rows_structs(running->services->shared, broadcast.id, record, &rows, &count);
    if (status != NULL) {
        task_note_failure(status); /* the task ends with it after the batch */
        return NULL;
    }
    *out_count = count;
    return rows;
}

const char *task_shipped(const char *name)
{
    const char *path = shipped_find(running->services->shipped, name);
    if (path == NULL)
        task_note_failure(
            barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                             "'%s' was not shipped: barks_ship names files by the last "
                             "part of their path",
                             name));
    return path;
}

/* ---- resources ---- */

void *barks_resource_at(barks_call *call, const barks_resource_type *type, const void *env)
{
    const struct resource *found = running != NULL ? running->resource : NULL;
    barks_status *status = NULL;
    if (found != NULL && resource_is(found, type, env))
        return resource_object(found);
    if (running == NULL)
        status =
            barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                             "the resource '%s' is asked for on the driver, where accumulators "
                             "are folded; only executors make it",
                             type->name);
    else
        status = resources_get(running->services->resources, type, env, &found);
    if (status == NULL) {
        running->resource = found;
        return resource_object(found);
    }
    if (call != NULL && call->status == NULL)
        call->status = status;
    else if (running != NULL)
        task_note_failure(status);
    else
        barks_status_free(status);
    return NULL;
}
