/* Just so many rows of each stratum: every copy of a row has a lot, and the lowest win. The lot of
 * the last one is found without bringing all to the driver: one job counts lots by their highest
 * bits, a second one brings those of the part that the last one lies in. */
#include "rdd/strata_plan.h"

#include "exec/record_registry.h"
#include "exec/sample_operator.h"
#include "exec/sort.h"
#include "runtime/answer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PART_BITS_MAX = 12, PART_BITS_MIN = 1, PARTS_MAX = 1 << 21, TRIES_MAX = 20 };

void strata_plan_drop(struct strata_plan *plan)
{
    batch_destroy(plan->fractions);
    free(plan->key_columns);
    free(plan->columns);
    free(plan->strata);
    *plan = (struct strata_plan){0};
}

/* ---- datasets ---- */

enum { LOT_STRATUM, LOT_PART, LOT_LOT, LOT_PARTITION, LOT_POSITION, LOT_FIELDS };

BARKS_CHECKED static barks_status *derive_lots(const barks_record **out_record)
{
    static const barks_type type = {.id = BARKS_I64};
    static const char *const names[LOT_FIELDS] = {"stratum", "part", "lot", "of", "at"};
    barks_field fields[LOT_FIELDS];
    for (uint32_t i = 0; i < LOT_FIELDS; i++)
        fields[i] = (barks_field){.name = names[i], .type = &type};
    const barks_schema schema = {.field_count = LOT_FIELDS, .fields = fields};
    return registry_derive_record(&schema, out_record);
}

/* Into how many parts lots are counted: few where there are many strata. */
static uint32_t part_bits(const struct strata_plan *plan)
{
    uint32_t bits = PART_BITS_MAX;
    while (bits > PART_BITS_MIN && ((uint64_t)plan->count << bits) > PARTS_MAX)
        bits--;
    return bits;
}

BARKS_CHECKED static barks_status *fill(const struct strata_plan *plan, int kind, barks_rdd *rdd)
{
    struct step *step = &rdd->node.step;
    step->numbers[0] = (int64_t)plan->seed;
    step->numbers[1] = kind;
    step->numbers[3] = plan->with_replacement;
    step->reals[0] = part_bits(plan);
    if (kind == SAMPLE_LOTS)
        BARKS_TRY(derive_lots(&rdd->node.record));
    if (plan->key_count == 0)
        return strata_put(step, plan->strata, plan->count, NULL);
    step->initial_record = plan->key_record;
    const barks_batch keys = {.schema = &plan->key_record->schema,
                              .row_count = plan->count,
                              .columns = plan->key_columns};
    BARKS_TRY(index_list_copy(plan->columns, plan->key_count, &step->keys[0]));
    return strata_put(step, plan->strata, plan->count, &keys);
}

barks_rdd *strata_dataset(const struct strata_plan *plan, int kind)
{
    barks_rdd *rdd = dataset_create(plan->input->context, STEP_SAMPLE, (barks_rdd *[]){plan->input},
                                    1, plan->where);
    if (rdd->context == NULL || rdd->node.error != NULL)
        return rdd;
    rdd->node.record = plan->input->node.record;
    rdd->node.partition_count = plan->input->node.partition_count;
    barks_status *status = fill(plan, kind, rdd);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

/* ---- counts ---- */

struct counting {
    uint64_t *parts; /* of stratum s: those at s << bits and on; owned */
    uint64_t *rows;  /* of each stratum; owned */
    uint32_t bits;
};

static void counting_drop(struct counting *counting)
{
    free(counting->parts);
    free(counting->rows);
}

BARKS_CHECKED static barks_status *counting_init(const struct strata_plan *plan,
                                                 struct counting *out)
{
    out->bits = part_bits(plan);
    out->parts = calloc(((size_t)plan->count << out->bits) + 1, sizeof *out->parts);
    out->rows = calloc((size_t)plan->count + 1, sizeof *out->rows);
    if (out->parts == NULL || out->rows == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory to count the rows of %" PRIu32 " keys",
                   plan->where, plan->count);
    return NULL;
}

/* All rows of a dataset of the driver's own; the caller's. */
BARKS_CHECKED static barks_status *bring(const struct strata_plan *plan, barks_rdd *rdd,
                                         struct batch **out_rows)
{
    char what[256];
    snprintf(what, sizeof what, "sample at %s", plan->where);
    return answer_collect(plan->input->context, &rdd->node, what, out_rows);
}

BARKS_CHECKED static barks_status *count_lots(const struct strata_plan *plan,
                                              struct counting *counting)
{
    struct batch *rows = NULL;
    barks_rdd *counted =
        barks_aggregate_at(strata_dataset(plan, SAMPLE_LOTS), "stratum, part", "count() as rows",
                           &(barks_exchange_options){0}, plan->where);
    BARKS_TRY(bring(plan, counted, &rows));
    const int64_t *strata = rows->base.columns[0].values, *parts = rows->base.columns[1].values,
                  *counts = rows->base.columns[2].values;
    for (uint64_t i = 0; i < (uint64_t)plan->count << counting->bits; i++)
        counting->parts[i] = 0;
    for (uint32_t i = 0; i < plan->count; i++)
        counting->rows[i] = 0;
    for (uint32_t i = 0; i < rows->base.row_count; i++) {
        counting->parts[((size_t)strata[i] << counting->bits) + (size_t)parts[i]] +=
            (uint64_t)counts[i];
        counting->rows[strata[i]] += (uint64_t)counts[i];
    }
    batch_destroy(rows);
    return NULL;
}

static void open_all(struct strata_plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++)
        plan->strata[i] = (struct stratum){.mean = plan->strata[i].mean, .last_lot = UINT64_MAX};
}

static uint64_t wanted_of(const struct strata_plan *plan, uint32_t stratum, uint64_t row_count)
{
    uint64_t wanted = plan->fixed_count >= 0
                          ? (uint64_t)plan->fixed_count
                          : (uint64_t)ceil(plan->strata[stratum].mean * (double)row_count);
    return wanted > row_count && !plan->with_replacement ? row_count : wanted;
}

/* ---- copies ---- */

/* Copies by Poisson's distribution are, once their number is known, draws with replacement; and so
 * are just so many of them that are chosen at random. So there must be enough: a mean above the
 * wanted one, which six deviations make all but certain, and new copies where it was not. */
BARKS_CHECKED static barks_status *count_copies(struct strata_plan *plan, const uint64_t *wanted,
                                                struct counting *counting)
{
    uint64_t *row_counts = counting->rows;
    counting->rows = calloc((size_t)plan->count + 1, sizeof *counting->rows);
    barks_status *status = NULL;
    bool is_enough = false;
    if (counting->rows == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "%s: no memory for counts",
                                  plan->where);
    for (int tries = 0; status == NULL && !is_enough; tries++) {
        for (uint32_t i = 0; i < plan->count; i++)
            plan->strata[i].mean = wanted[i] == 0
                                       ? 0
                                       : ((double)wanted[i] + 6 * sqrt((double)wanted[i]) + 12) /
                                             (double)row_counts[i];
        status = count_lots(plan, counting);
        is_enough = true;
        for (uint32_t i = 0; status == NULL && i < plan->count; i++)
            is_enough = is_enough && counting->rows[i] >= wanted[i];
        plan->seed += !is_enough;
        if (status == NULL && tries == TRIES_MAX)
            status = barks_status_new(BARKS_INTERNAL, NULL, BARKS_HERE,
                                      "%s: too few copies were drawn", plan->where);
    }
    free(row_counts);
    return status;
}

/* ---- the last lots ---- */

/* The part of a stratum's lots that the wanted one lies in; *out_before: how many lie before it. */
static void narrow(const struct counting *counting, uint32_t index, uint64_t wanted,
                   struct stratum *stratum, uint64_t *out_before)
{
    const uint64_t *parts = counting->parts + ((size_t)index << counting->bits);
    uint64_t before = 0, part = 0;
    uint32_t shift = LOT_BITS - counting->bits;
    if (wanted == 0) {
        *stratum = (struct stratum){.mean = stratum->mean, .first_lot = UINT64_MAX};
        return;
    }
    while (before + parts[part] < wanted)
        before += parts[part++];
    *stratum = (struct stratum){.mean = stratum->mean,
                                .first_lot = part << shift,
                                .last_lot = ((part + 1) << shift) - 1,
                                .last_partition = UINT64_MAX};
    *out_before = before;
}

/* rows: of the parts, in the order of strata and lots. */
static void take_last(struct strata_plan *plan, const struct batch *rows, const uint32_t *order,
                      const uint64_t *wanted, const uint64_t *before)
{
    const int64_t *values[LOT_FIELDS];
    uint32_t first = 0;
    for (uint32_t i = 0; i < LOT_FIELDS; i++)
        values[i] = rows->base.columns[i].values;
    for (uint32_t stratum = 0; stratum < plan->count; stratum++) {
        struct stratum *last = &plan->strata[stratum];
        if (wanted[stratum] == 0)
            continue;
        uint64_t at = first + wanted[stratum] - before[stratum] - 1;
        uint32_t row = at < rows->base.row_count ? order[at] : BARKS_NO_ROW;
        if (row == BARKS_NO_ROW)
            return;
        *last = (struct stratum){.mean = last->mean,
                                 .last_lot = (uint64_t)values[LOT_LOT][row],
                                 .last_partition = (uint64_t)values[LOT_PARTITION][row],
                                 .last_position = (uint64_t)values[LOT_POSITION][row]};
        while (first < rows->base.row_count && values[LOT_STRATUM][order[first]] == stratum)
            first++;
    }
}

BARKS_CHECKED static barks_status *find_last(struct strata_plan *plan, const uint64_t *wanted,
                                             const uint64_t *before)
{
    static const struct sort_key keys[] = {{.column = LOT_STRATUM},
                                           {.column = LOT_LOT},
                                           {.column = LOT_PARTITION},
                                           {.column = LOT_POSITION}};
    struct batch *rows = NULL;
    BARKS_TRY(bring(plan, strata_dataset(plan, SAMPLE_LOTS), &rows));
    uint32_t *order = calloc((size_t)rows->base.row_count + 1, sizeof *order);
    barks_status *status = NULL;
    if (order == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "%s: no memory to order %" PRIu32 " rows", plan->where,
                                  rows->base.row_count);
    if (status == NULL)
        status = rows_order(&rows->base, keys, 4, plan->input->context->pool, order);
    if (status == NULL)
        take_last(plan, rows, order, wanted, before);
    free(order);
    batch_destroy(rows);
    return status;
}

barks_status *strata_choose_lowest(struct strata_plan *plan)
{
    struct counting counting = {0};
    bool with_replacement = plan->with_replacement;
    uint64_t *wanted = calloc((size_t)plan->count + 1, 2 * sizeof *wanted);
    uint64_t *before = wanted != NULL ? wanted + plan->count + 1 : NULL, total = 0;
    barks_status *status = counting_init(plan, &counting);
    if (status == NULL && wanted == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "%s: no memory for counts",
                                  plan->where);
    open_all(plan);
    plan->with_replacement = false;
    if (status == NULL)
        status = count_lots(plan, &counting);
    plan->with_replacement = with_replacement;
    for (uint32_t i = 0; status == NULL && i < plan->count; i++)
        total += wanted[i] = wanted_of(plan, i, counting.rows[i]);
    if (status == NULL && with_replacement)
        status = count_copies(plan, wanted, &counting);
    for (uint32_t i = 0; status == NULL && i < plan->count; i++)
        narrow(&counting, i, wanted[i], &plan->strata[i], &before[i]);
    if (status == NULL && total > 0)
        status = find_last(plan, wanted, before);
    counting_drop(&counting);
    free(wanted);
    return status;
}
