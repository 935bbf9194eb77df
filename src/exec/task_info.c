/* What bodies may ask of the task that they run in, and add to. Bodies call plain functions, also
 * from functions of the user's own, so the task is found by its thread. */
#include "exec/task_info.h"

#include "barks/shared.h"
#include "base/hash.h"
#include "base/random.h"
#include "exec/operator.h"
#include "exec/shared_rows.h"

#include <stdlib.h>

/* One thread runs one task; NULL on the driver's threads. */
static _Thread_local struct task *running;

static const char *task_place(const barks_task_info *info)
{
    return ((const struct task *)info->engine)->place;
}

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
        .place = task_place,
        .cancelled = task_cancelled,
        .engine = task,
    };
    running = task;
}

void task_info_end(void) { running = NULL; }

void task_info_partition(struct task *task)
{
    task->info.partition = task->partition;
    task->info.random = hash_combine(task->services->seed, task->partition);
}

barks_task_info *barks_task(void) { return running != NULL ? &running->info : NULL; }

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

static void note_failure(barks_status *status)
{
    struct accumulations *all = &running->result->accumulated;
    if (status != NULL && all->failed == NULL)
        all->failed = status;
    else
        barks_status_free(status);
}

void barks_add(barks_accumulator accumulator, int64_t n)
{
    struct accumulated *value = value_of(accumulator, (enum accumulator_kind)accumulator.kind);
    if (value != NULL)
        accumulated_add(value, n);
}

void barks_add_real(barks_accumulator accumulator, double x)
{
    struct accumulated *value = value_of(accumulator, ACCUMULATOR_REAL);
    if (value != NULL)
        barks_sum_add(&value->real, x);
}

void barks_add_text(barks_accumulator accumulator, barks_str text)
{
    struct barks_text row = {.text = text};
    struct accumulated *value = value_of(accumulator, ACCUMULATOR_TEXTS);
    if (value != NULL)
        note_failure(accumulated_add_rows(value, running->services->pool, &barks_record_barks_text,
                                          &row, 1));
}

void barks_accumulate_at(barks_accumulator accumulator, const barks_function *function,
                         const void *row)
{
    struct accumulated *value = value_of(accumulator, ACCUMULATOR_USER);
    if (value == NULL)
        return;
    value->function = function;
    note_failure(accumulated_add_rows(value, running->services->pool, function->in, row, 1));
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
        note_failure(status); /* the task ends with it after the batch */
        return NULL;
    }
    *out_count = count;
    return rows;
}
