#include "runtime/row_answers.h"

#include "base/copy.h"
#include "base/random.h"
#include "exec/pipeline.h"
#include "exec/sort.h"
#include "runtime/action.h"
#include "runtime/answer.h"
#include "runtime/driver.h"
#include "runtime/job_results.h"
#include "shuffle/partition.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The rows that a terminal, which is taken, brings. */
BARKS_CHECKED static barks_status *bring(barks_context *context, struct node *node,
                                         struct terminal *terminal, const char *what,
                                         struct batch **out_rows)
{
    struct job job = {0};
    struct batch *rows = NULL;
    uint64_t partition_rows = 0;
    barks_status *status = batch_create(context->pool, &node->record->schema, BATCH_ROWS, &rows);
    if (status == NULL)
        status = action_run(context, node, terminal, what, &job);
    if (status == NULL)
        status = action_rows(&job, rows, &partition_rows);
    terminal_drop(terminal);
    job_drop(&job);
    if (status != NULL) {
        batch_destroy(rows);
        return status;
    }
    *out_rows = rows;
    return NULL;
}

barks_status *answer_partition(barks_context *context, struct node *node, uint32_t partition,
                               const char *what, struct batch **out_rows)
{
    struct terminal terminal = {.kind = TERMINAL_COLLECT,
                                .limit = INT64_MAX,
                                .first_partition = partition,
                                .end_partition = partition + 1};
    BARKS_TRY(node_error(node));
    return bring(context, node, &terminal, what, out_rows);
}

/* ---- rows at random ---- */

barks_status *answer_places(barks_context *context, struct node *node, const char *what,
                            uint64_t *out_firsts)
{
    struct job job = {0};
    struct terminal terminal = {.kind = TERMINAL_COUNT};
    memset(out_firsts, 0, (node->partition_count + (size_t)1) * sizeof *out_firsts);
    BARKS_TRY(node_error(node));
    barks_status *status = action_run(context, node, &terminal, what, &job);
    struct job_results results = {.job = &job};
    for (bool more = true; more && status == NULL;) {
        struct result_head head = {0};
        const uint8_t *bytes = NULL;
        status = job_results_next(&results, &head, &bytes, &more);
        if (status == NULL && more && head.partition < node->partition_count)
            out_firsts[head.partition + 1] += head.partition_rows;
    }
    job_drop(&job);
    for (uint32_t p = 0; p < node->partition_count; p++)
        out_firsts[p + 1] += out_firsts[p];
    return status;
}

struct draw {
    uint64_t row;
    uint32_t rank; /* in the answer */
};

static int by_row(const void *left, const void *right)
{
    const struct draw *a = left, *b = right;
    if (a->row != b->row)
        return a->row < b->row ? -1 : 1;
    return (a->rank > b->rank) - (a->rank < b->rank);
}

/* True where row was not in the table (of row + 1; 0: free) before. */
static bool add_row(uint64_t *table, uint64_t slot_count, uint64_t row)
{
    uint64_t slot = (row * UINT64_C(0x9e3779b97f4a7c15)) % slot_count;
    while (table[slot] != 0 && table[slot] != row + 1)
        slot = (slot + 1) % slot_count;
    bool is_new = table[slot] == 0;
    table[slot] = row + 1;
    return is_new;
}

/* count of row_count rows, all different, in random order. Source: Floyd, CACM 30(9), 1987; then
 * shuffled, since his order is not random. */
BARKS_CHECKED static barks_status *draw_different(struct random *random, uint64_t row_count,
                                                  uint32_t count, struct draw *out)
{
    uint64_t slot_count = 2 * (uint64_t)count + 1;
    uint64_t *table = calloc(slot_count, sizeof *table);
    if (table == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a sample of %" PRIu32 " rows", count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t last = row_count - count + i, row = random_below(random, last + 1);
        if (!add_row(table, slot_count, row)) {
            row = last;
            (void)add_row(table, slot_count, row);
        }
        out[i].row = row;
    }
    free(table);
    for (uint32_t i = count; i-- > 1;) {
        uint32_t other = (uint32_t)random_below(random, (uint64_t)i + 1);
        uint64_t row = out[i].row;
        out[i].row = out[other].row;
        out[other].row = row;
    }
    return NULL;
}

/* As the collecting terminal wants them: pairs of partition and row in it, ascending. */
BARKS_CHECKED static barks_status *place_draws(const struct node *node, const uint64_t *firsts,
                                               const struct draw *draws, uint32_t count,
                                               struct step *step)
{
    uint64_t *pairs = calloc((size_t)count + 1, 2 * sizeof *pairs);
    uint32_t partition = 0;
    if (pairs == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a sample of %" PRIu32 " rows", count);
    for (uint32_t i = 0; i < count; i++) {
        while (partition + 1 < node->partition_count && draws[i].row >= firsts[partition + 1])
            partition++;
        pairs[2 * (size_t)i] = partition;
        pairs[2 * (size_t)i + 1] = draws[i].row - firsts[partition];
    }
    step->kind = STEP_PICK;
    step->bytes = (uint8_t *)pairs;
    step->size_bytes = count * 2 * sizeof *pairs;
    return NULL;
}

/* Rows came in the order of the sorted draws; each goes to its rank. */
BARKS_CHECKED static barks_status *order_draws(barks_context *context, const struct draw *draws,
                                               uint32_t count, struct batch **rows)
{
    struct batch *ordered = NULL;
    if ((*rows)->base.row_count != count)
        BARKS_FAIL(BARKS_INTERNAL,
                   "%" PRIu32 " of %" PRIu32 " rows of a sample came: a second computation of the "
                   "dataset gave other rows",
                   (*rows)->base.row_count, count);
    uint32_t *places = calloc((size_t)count + 1, sizeof *places);
    if (places == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a sample of %" PRIu32 " rows", count);
    for (uint32_t i = 0; i < count; i++)
        places[draws[i].rank] = i;
    barks_status *status = batch_create(context->pool, (*rows)->base.schema, count + 1, &ordered);
    if (status == NULL)
        status = batch_gather(ordered, *rows, places, count, BATCH_COPY);
    free(places);
    if (status != NULL) {
        batch_destroy(ordered);
        return status;
    }
    batch_destroy(*rows);
    *rows = ordered;
    return NULL;
}

BARKS_CHECKED static barks_status *draw(struct random *random, uint64_t row_count, uint32_t count,
                                        bool with_replacement, struct draw *out)
{
    if (!with_replacement)
        BARKS_TRY(draw_different(random, row_count, count, out));
    for (uint32_t i = 0; i < count; i++) {
        if (with_replacement)
            out[i].row = random_below(random, row_count);
        out[i].rank = i;
    }
    qsort(out, count, sizeof *out, by_row);
    return NULL;
}

barks_status *answer_sample(barks_context *context, struct node *node, uint64_t n,
                            bool with_replacement, uint64_t seed, const char *what,
                            struct batch **out_rows)
{
    uint64_t *firsts = NULL;
    struct batch *rows = NULL;
    struct random random = random_of(seed);
    struct terminal terminal = {.kind = TERMINAL_COLLECT, .limit = INT64_MAX};
    BARKS_TRY(node_error(node));
    firsts = calloc(node->partition_count + (size_t)1, sizeof *firsts);
    if (firsts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for counts", what);
    barks_status *status = answer_places(context, node, what, firsts);
    uint64_t row_count = firsts[node->partition_count];
    uint64_t wanted = row_count == 0 ? 0 : with_replacement || n < row_count ? n : row_count;
    uint32_t count = wanted < INT32_MAX ? (uint32_t)wanted : INT32_MAX;
    struct draw *draws = calloc((size_t)count + 1, sizeof *draws);
    if (status == NULL && wanted > INT32_MAX)
        status = barks_status_new(BARKS_LIMIT, NULL, BARKS_HERE,
                                  "%s: %" PRIu64 " rows are over the limit of 2^31", what, wanted);
    else if (status == NULL && draws == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "%s: no memory for %" PRIu32 " rows", what, count);
    if (status == NULL)
        status = draw(&random, row_count, count, with_replacement, draws);
    if (status == NULL)
        status = place_draws(node, firsts, draws, count, &terminal.step);
    if (status == NULL)
        status = bring(context, node, &terminal, what, &rows);
    if (status == NULL)
        status = order_draws(context, draws, count, &rows);
    terminal_drop(&terminal);
    free(firsts);
    free(draws);
    if (status != NULL) {
        batch_destroy(rows);
        return status;
    }
    *out_rows = rows;
    return NULL;
}

/* ---- rows by key ---- */

BARKS_CHECKED static barks_status *fill_lookup(barks_context *context, struct node *node,
                                               const uint32_t *columns,
                                               const barks_record *key_record, const void *key,
                                               struct terminal *terminal)
{
    uint32_t key_count = key_record->schema.field_count;
    uint64_t hash = 0;
    struct step *step = &terminal->step;
    step->kind = STEP_PROBE;
    BARKS_TRY(step_set_initial(step, key_record, key, context->pool));
    BARKS_TRY(index_list_copy(columns, key_count, &step->keys[0]));
    uint32_t *own = calloc((size_t)key_count + 1, sizeof *own);
    if (own == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the columns of a key");
    for (uint32_t i = 0; i < key_count; i++)
        own[i] = i;
    batch_hash(&step->initial_rows->base, own, key_count, &hash);
    free(own);
    if (!partitioning_is_hash_of(node, columns, key_count))
        return NULL;
    terminal->first_partition = partition_of_hash(hash, node->partition_count);
    terminal->end_partition = terminal->first_partition + 1;
    return NULL;
}

barks_status *answer_lookup(barks_context *context, struct node *node, const uint32_t *columns,
                            const barks_record *key_record, const void *key, const char *what,
                            struct batch **out_rows)
{
    struct terminal terminal = {.kind = TERMINAL_COLLECT, .limit = INT64_MAX};
    BARKS_TRY(node_error(node));
    lock_acquire(&context->planning); /* partitioning is found out when it is asked for */
    barks_status *status = fill_lookup(context, node, columns, key_record, key, &terminal);
    lock_release(&context->planning);
    if (status == NULL)
        return bring(context, node, &terminal, what, out_rows);
    terminal_drop(&terminal);
    return status;
}

barks_status *answer_last_of_keys(barks_context *context, struct batch *rows, const uint32_t *keys,
                                  uint32_t key_count, struct batch **out_rows)
{
    uint32_t row_count = rows->base.row_count, kept = 0;
    struct batch *last = NULL;
    uint32_t *order = calloc((size_t)row_count + 1, sizeof *order);
    struct sort_key *by = calloc((size_t)key_count + 1, sizeof *by);
    barks_status *status = batch_create(context->pool, rows->base.schema, row_count + 1, &last);
    if (status == NULL && (order == NULL || by == NULL))
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory to order %" PRIu32 " rows", row_count);
    for (uint32_t i = 0; i < key_count && by != NULL; i++)
        by[i].column = keys[i];
    if (status == NULL && row_count > 0)
        status = rows_order(&rows->base, by, key_count, context->pool, order);
    for (uint32_t i = 0; i < row_count && status == NULL; i++)
        if (i + 1 == row_count || !batch_rows_equal(&rows->base, order[i], keys, &rows->base,
                                                    order[i + 1], keys, key_count))
            order[kept++] = order[i];
    if (status == NULL)
        status = batch_gather(last, rows, order, kept, BATCH_COPY);
    batch_destroy(rows);
    free(order);
    free(by);
    if (status != NULL) {
        batch_destroy(last);
        return status;
    }
    *out_rows = last;
    return NULL;
}

/* ---- folds with a zero ---- */

/* The partitions' accumulators behind the zero, and the zero for those that had no rows. */
BARKS_CHECKED static barks_status *gather_folds(const struct job *job, uint32_t partition_count,
                                                const struct batch *zero, struct batch *all)
{
    uint32_t next = 0;
    BARKS_TRY(batch_append(all, zero, 0, 1, BATCH_COPY));
    struct job_results results = {.job = job};
    for (bool more = true; more;) {
        struct result_head head = {0};
        const uint8_t *bytes = NULL;
        BARKS_TRY(job_results_next(&results, &head, &bytes, &more));
        if (!more)
            break;
        for (; next < head.partition; next++)
            BARKS_TRY(batch_append(all, zero, 0, 1, BATCH_COPY));
        BARKS_TRY(result_append_rows(&head, bytes, all));
        next = head.partition + 1;
    }
    for (; next < partition_count; next++)
        BARKS_TRY(batch_append(all, zero, 0, 1, BATCH_COPY));
    return NULL;
}

barks_status *answer_fold(barks_context *context, struct node *node, const barks_function *update,
                          const barks_function *merge, const void *zero, const char *what,
                          void *out)
{
    struct job job = {0};
    struct batch *zero_rows = NULL, *all = NULL;
    const barks_record *record = merge->in;
    struct terminal terminal = {.kind = TERMINAL_FOLD, .accumulator = record};
    BARKS_TRY(node_error(node));
    if (merge->env_size > 0 || (update != NULL && update->env_size > 0))
        BARKS_FAIL(BARKS_INVALID, "%s: '%s' wants an env, which this action does not take", what,
                   merge->env_size > 0 ? merge->name : update->name);
    if (update != NULL && update->out != record)
        BARKS_FAIL(BARKS_INVALID, "%s: '%s' makes accumulators '%s' and '%s' merges '%s'", what,
                   update->name, update->out->name, merge->name, record->name);
    terminal.step.kind = STEP_COMBINE;
    terminal.step.function = update != NULL ? update : merge;
    terminal.step.numbers[1] = 1; /* a reduce begins with the zero as well */
    barks_status *status = step_set_initial(&terminal.step, record, zero, context->pool);
    if (status == NULL)
        status = context_copy_rows(context, record, zero, 1, &zero_rows);
    if (status == NULL)
        status = batch_create(context->pool, &record->schema, BATCH_ROWS, &all);
    if (status == NULL)
        status = action_run(context, node, &terminal, what, &job);
    if (status == NULL)
        status = gather_folds(&job, node->partition_count, zero_rows, all);
    if (status == NULL)
        status = answer_fold_rows(context, all, merge, what, out);
    terminal_drop(&terminal);
    batch_destroy(zero_rows);
    batch_destroy(all);
    job_drop(&job);
    return status;
}
