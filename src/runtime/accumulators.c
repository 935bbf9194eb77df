#include "runtime/accumulators.h"

#include "barks/str.h"
#include "base/copy.h"
#include "base/log.h"
#include "base/pack.h"
#include "base/scope.h"
#include "runtime/driver.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

barks_status *accumulators_add(barks_context *context, const char *name, enum accumulator_kind kind,
                               const barks_function *function, struct batch *rows, uint32_t *out_id)
{
    char *copy = NULL;
    barks_status *status = copy_text(name, &copy);
    if (status == NULL && context->accumulator_count == context->accumulator_capacity) {
        uint32_t capacity = 2 * context->accumulator_capacity + 8;
        struct accumulator *grown =
            realloc(context->accumulators, capacity * sizeof *context->accumulators);
        if (grown != NULL) {
            context->accumulators = grown;
            context->accumulator_capacity = capacity;
        } else
            status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                      "no memory for the accumulator '%s'", name);
    }
    if (status != NULL) {
        free(copy);
        batch_destroy(rows);
        return status;
    }
    struct accumulator *made = &context->accumulators[context->accumulator_count++];
    *made = (struct accumulator){.name = copy, .kind = kind, .function = function, .rows = rows};
    made->number = accumulated_number_of(kind);
    *out_id = context->accumulator_count;
    return NULL;
}

struct accumulator *accumulators_find(barks_context *context, uint32_t id, uint32_t kind)
{
    if (id == 0 || id > context->accumulator_count)
        return NULL;
    struct accumulator *found = &context->accumulators[id - 1];
    return kind == 0 || found->kind == kind ? found : NULL;
}

void accumulators_drop(barks_context *context)
{
    for (uint32_t i = 0; i < context->accumulator_count; i++) {
        free(context->accumulators[i].name);
        free(context->accumulators[i].structs);
        batch_destroy(context->accumulators[i].rows);
    }
    free(context->accumulators);
    context->accumulators = NULL;
    context->accumulator_count = context->accumulator_capacity = 0;
}

/* ---- values ---- */

static bool is_beyond(const struct accumulator *accumulator)
{
    accumulated_int integer = accumulator->number.integer;
    return integer > INT64_MAX || integer < INT64_MIN;
}

int64_t accumulator_integer(const struct accumulator *accumulator)
{
    if (!is_beyond(accumulator))
        return (int64_t)accumulator->number.integer;
    return accumulator->number.integer > 0 ? INT64_MAX : INT64_MIN;
}

/* The digits of 128 bits; printf knows 64. */
static void print_integer(accumulated_int integer, char out[ACCUMULATOR_TEXT_BYTES])
{
    char digits[48];
    size_t at = sizeof digits - 1;
    bool is_negative = integer < 0;
    digits[at] = '\0';
    do {
        int digit = (int)(integer % 10);
        digits[--at] = (char)('0' + (digit < 0 ? -digit : digit));
        integer /= 10;
    } while (integer != 0);
    snprintf(out, ACCUMULATOR_TEXT_BYTES, "%s%s", is_negative ? "-" : "", digits + at);
}

/* Where the last of some bad rows stands. */
static void print_place(const struct batch *rows, char *out, size_t out_bytes)
{
    const barks_str *text = rows != NULL && rows->base.row_count > 0
                                ? (const barks_str *)rows->base.columns[0].values
                                : NULL;
    snprintf(out, out_bytes, "%.*s", text != NULL ? (int)text->length : 0,
             text != NULL ? barks_str_bytes(text) : "");
}

void accumulator_print(const struct accumulator *accumulator, char out[ACCUMULATOR_TEXT_BYTES])
{
    char place[400];
    switch (accumulator->kind) {
    case ACCUMULATOR_SUM:
    case ACCUMULATOR_MIN:
    case ACCUMULATOR_MAX:
        if (!accumulated_number_is_empty(&accumulator->number, accumulator->kind)) {
            print_integer(accumulator->number.integer, out);
            return;
        }
        break;
    case ACCUMULATOR_REAL:
        snprintf(out, ACCUMULATOR_TEXT_BYTES, "%.15g", barks_sum_value(&accumulator->number.real));
        return;
    case ACCUMULATOR_REAL_MIN:
    case ACCUMULATOR_REAL_MAX:
        if (!accumulated_number_is_empty(&accumulator->number, accumulator->kind)) {
            snprintf(out, ACCUMULATOR_TEXT_BYTES, "%.15g", accumulator->number.extreme);
            return;
        }
        break;
    case ACCUMULATOR_TEXTS:
        snprintf(out, ACCUMULATOR_TEXT_BYTES, "%" PRIu32 " texts",
                 accumulator->rows != NULL ? accumulator->rows->base.row_count : 0);
        return;
    case ACCUMULATOR_BAD:
        print_place(accumulator->rows, place, sizeof place);
        if (accumulator->number.integer > 0) {
            snprintf(out, ACCUMULATOR_TEXT_BYTES, "%" PRId64 "; the last: %s",
                     accumulator_integer(accumulator), place);
            return;
        }
        break;
    case ACCUMULATOR_USER:
        break;
    }
    out[0] = '\0';
}

/* ---- what a job has added ---- */

static int by_place(const void *left, const void *right)
{
    const struct accumulated *a = left, *b = right;
    if (a->stage != b->stage)
        return a->stage < b->stage ? -1 : 1;
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    if (a->run != b->run)
        return a->run < b->run ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static struct node_run *run_of(barks_context *context, const struct job *job, uint32_t lineage)
{
    struct node_run *run = &context->nodes[lineage]->run;
    if (run->job != job->id)
        *run = (struct node_run){.job = job->id};
    return run;
}

/* What barks_explain tells of the steps of a stage; the time stands with the last of them. */
static void note_run(barks_context *context, const struct job *job, uint32_t stage,
                     const struct accumulations *counts)
{
    const struct pipeline *pipeline =
        stage < job->plan.stage_count ? job->plan.stages[stage].pipeline : NULL;
    if (pipeline == NULL || counts->step_count != pipeline->node_count)
        return;
    for (uint32_t i = 0; i < counts->step_count; i++)
        if (pipeline->nodes[i].lineage != LINEAGE_NONE)
            run_of(context, job, pipeline->nodes[i].lineage)->row_count += counts->step_rows[i];
    uint32_t last =
        counts->step_count > 0 ? pipeline->nodes[counts->step_count - 1].lineage : LINEAGE_NONE;
    if (last != LINEAGE_NONE)
        run_of(context, job, last)->task_ns += counts->task_ns;
}

BARKS_CHECKED static barks_status *unpack_all(barks_context *context, const struct job *job,
                                              struct accumulations *all)
{
    for (uint32_t i = 0; i < job->accumulated_count; i++) {
        const struct job_accumulated *part = &job->accumulated[i];
        BARKS_AUTO(unpacker) in;
        unpacker_init(&in, part->bytes, part->size_bytes);
        BARKS_TRY(accumulations_unpack(&in, context->pool, part->stage, part->run, all));
        BARKS_TRY(unpacker_finish(&in));
        note_run(context, job, part->stage, all);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *merge_rows(barks_context *context, struct accumulator *into,
                                              const struct accumulated *item)
{
    if (item->rows == NULL)
        return NULL;
    if (into->rows == NULL)
        BARKS_TRY(batch_create(context->pool, item->rows->base.schema, 1, &into->rows));
    BARKS_TRY(batch_append(into->rows, item->rows, 0, item->rows->base.row_count, BATCH_COPY));
    struct accumulated folded = {
        .kind = into->kind, .function = into->function, .rows = into->rows};
    barks_status *status = accumulated_fold(&folded);
    into->rows = folded.rows;
    free(into->structs);
    into->structs = NULL;
    return status;
}

BARKS_CHECKED static barks_status *merge(barks_context *context, struct accumulator *into,
                                         const struct accumulated *item)
{
    accumulated_number_merge(&into->number, into->kind, &item->number);
    if (into->kind == ACCUMULATOR_BAD && into->rows != NULL)
        batch_clear(into->rows); /* the last place is what counts */
    return merge_rows(context, into, item);
}

static void warn_of_large(barks_context *context)
{
    char text[ACCUMULATOR_TEXT_BYTES];
    for (uint32_t i = 0; i < context->accumulator_count; i++) {
        struct accumulator *one = &context->accumulators[i];
        if (one->was_beyond || one->kind != ACCUMULATOR_SUM || !is_beyond(one))
            continue;
        accumulator_print(one, text);
        LOG(LEVEL_WARN, "runtime",
            "the accumulator '%s' is %s, beyond 64 bits: its value is %" PRId64, one->name, text,
            accumulator_integer(one));
        one->was_beyond = true;
    }
}

/* Not more bad rows than each read suffers? */
BARKS_CHECKED static barks_status *check_bad(barks_context *context,
                                             const struct accumulations *all)
{
    for (uint32_t id = 1; id <= context->accumulator_count; id++) {
        const struct accumulator *read = &context->accumulators[id - 1];
        const struct accumulated *last = NULL;
        uint64_t count = 0;
        for (uint32_t i = 0; read->most > 0 && i < all->count; i++) {
            if (all->items[i].id != id || all->items[i].kind != ACCUMULATOR_BAD)
                continue;
            last = &all->items[i];
            count += (uint64_t)last->number.integer;
        }
        if (count <= read->most)
            continue;
        char place[400];
        print_place(last->rows, place, sizeof place);
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "%s: %" PRIu64 ", more than .max_bad = %" PRIu64 "; the last: %s", read->name,
                   count, read->most, place);
    }
    return NULL;
}

barks_status *accumulators_take(barks_context *context, const struct job *job)
{
    struct accumulations all = {0};
    barks_status *status = unpack_all(context, job, &all);
    if (status == NULL && all.count > 1)
        qsort(all.items, all.count, sizeof *all.items, by_place);
    if (status == NULL)
        status = check_bad(context, &all);
    for (uint32_t i = 0; i < all.count && status == NULL; i++) {
        struct accumulator *into = accumulators_find(context, all.items[i].id, all.items[i].kind);
        if (into != NULL && into->function == all.items[i].function)
            status = merge(context, into, &all.items[i]);
    }
    accumulations_drop(&all);
    warn_of_large(context);
    return status;
}
