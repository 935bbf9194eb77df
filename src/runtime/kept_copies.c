/* A copy is made by two stages: the first reads partitions where they are kept, and sends each to a
 * partition of a shuffle that the executor owns which is to have it; the second keeps what came, on
 * that executor, under the partition's own number. So copies travel, and are held to the budget, as
 * any other rows.
 *
 *   kept dataset -> PICK (those without a copy) -> EXCHANGE -> PICK (where they went) -> KEEP
 */
#include "runtime/kept_copies.h"

#include "base/log.h"
#include "exec/pipeline.h"
#include "plan/determinism.h"
#include "runtime/action.h"
#include "runtime/kept_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- where copies go ---- */

/* Of an executor; that of rank r stands at r - 1. */
struct seat {
    uint64_t node;
    uint32_t workers;
    uint32_t load;  /* copies that it is to have */
    uint32_t first; /* of the shuffle's partitions that it owns */
};

struct seats {
    struct seat *all; /* owned */
    uint32_t count;
};

BARKS_CHECKED static barks_status *seats_find(const struct driver *driver, struct seats *out)
{
    uint32_t count = driver_executor_count(driver);
    struct seat *all = calloc(count, sizeof *all);
    if (all == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the places of copies");
    for (uint32_t i = 0; i < count; i++)
        all[i] = (struct seat){.node = driver_node_of(driver, i + 1),
                               .workers = driver_workers_of(driver, i + 1)};
    *out = (struct seats){.all = all, .count = count};
    return NULL;
}

/* The one with the least to do for its workers, of another machine than rank's before one of the
 * same; the earlier among equals. 0: there is none beside rank. */
static uint32_t choose_seat(const struct seats *seats, uint32_t rank)
{
    const struct seat *best = NULL, *own = &seats->all[rank - 1];
    for (uint32_t i = 0; i < seats->count; i++) {
        const struct seat *seat = &seats->all[i];
        if (seat == own || seat->workers == 0)
            continue;
        bool is_apart = seat->node != own->node,
             best_is_apart = best != NULL && best->node != own->node;
        bool is_lighter = best == NULL || (uint64_t)seat->load * best->workers <
                                              (uint64_t)best->load * seat->workers;
        if (best == NULL || (is_apart && !best_is_apart) ||
            (is_apart == best_is_apart && is_lighter))
            best = seat;
    }
    return best != NULL ? (uint32_t)(best - seats->all) + 1 : 0;
}

/* So many partitions that each executor owns at least as many as it is to have copies: shuffles
 * give each as many as it has workers, times a number. Sets first. */
static uint32_t divide(struct seats *seats)
{
    uint32_t times = 1, before = 0;
    for (uint32_t i = 0; i < seats->count; i++) {
        const struct seat *seat = &seats->all[i];
        uint32_t wanted = seat->workers > 0 ? (seat->load + seat->workers - 1) / seat->workers : 0;
        times = wanted > times ? wanted : times;
    }
    for (uint32_t i = 0; i < seats->count; i++) {
        seats->all[i].first = before * times;
        before += seats->all[i].workers;
    }
    return before * times;
}

/* ---- the steps ---- */

BARKS_CHECKED static barks_status *add_step(barks_context *context, enum step_kind kind,
                                            struct node *input, struct node **out_node)
{
    struct node *made = calloc(1, sizeof *made);
    struct node **inputs = calloc(1, sizeof(struct node *));
    if (made == NULL || inputs == NULL) {
        free(made);
        free(inputs);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a dataset");
    }
    inputs[0] = input;
    *made = (struct node){.step.kind = kind,
                          .where = input->where,
                          .record = input->record,
                          .inputs = inputs,
                          .input_count = 1,
                          .exchange.kind = PARTITION_ONE,
                          .exchange.step.kind = kind == STEP_EXCHANGE ? STEP_PICK : STEP_NONE};
    BARKS_TRY(context_add_node_locked(context, made)); /* destroys it where it fails */
    node_find_place(made);
    node_note_determinism(made);
    *out_node = made;
    return NULL;
}

/* Once for the time that the dataset is kept. */
BARKS_CHECKED static barks_status *make_copier(barks_context *context, struct node *dataset)
{
    struct node *node = dataset;
    BARKS_TRY(add_step(context, STEP_PICK, node, &node));
    BARKS_TRY(add_step(context, STEP_EXCHANGE, node, &node));
    BARKS_TRY(add_step(context, STEP_PICK, node, &node));
    BARKS_TRY(add_step(context, STEP_KEEP, node, &node));
    node->step.numbers[0] = (int64_t)dataset->kept->dataset;
    node->step.numbers[1] = dataset->kept->level;
    dataset->kept->copier = node;
    return NULL;
}

/* The partitions to be copied, and the shuffle's that they travel through. */
struct travel {
    uint32_t *partitions, *targets; /* owned */
    uint32_t count, target_count;
};

static void travel_drop(struct travel *travel)
{
    free(travel->partitions);
    free(travel->targets);
    *travel = (struct travel){0};
}

/* Notes that they have been tried. */
BARKS_CHECKED static barks_status *plan_travel(const barks_context *context, struct node *dataset,
                                               struct travel *out)
{
    struct kept_state *kept = dataset->kept;
    struct seats seats = {0};
    out->partitions = calloc((size_t)dataset->partition_count + 1, sizeof *out->partitions);
    out->targets = calloc((size_t)dataset->partition_count + 1, sizeof *out->targets);
    if (out->partitions == NULL || out->targets == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the places of copies");
    BARKS_TRY(seats_find(context->driver, &seats));
    for (uint32_t p = 0; p < dataset->partition_count; p++) {
        if (kept->at[p] == 0 || kept->copy_at[p] != 0 || kept->is_copied[p])
            continue;
        uint32_t to = choose_seat(&seats, kept->at[p]);
        kept->is_copied[p] = true;
        if (to == 0)
            continue;
        seats.all[to - 1].load++;
        out->partitions[out->count] = p;
        out->targets[out->count++] = to;
    }
    out->target_count = divide(&seats);
    for (uint32_t i = 0; i < out->count; i++)
        out->targets[i] = seats.all[out->targets[i] - 1].first++;
    free(seats.all);
    return NULL;
}

BARKS_CHECKED static barks_status *set_list(struct step *step, const uint32_t *items,
                                            uint32_t count)
{
    index_list_drop(&step->columns[0]);
    return index_list_copy(items, count, &step->columns[0]);
}

BARKS_CHECKED static barks_status *fill_copier(struct node *dataset, const struct travel *travel)
{
    struct node *keep = dataset->kept->copier, *arrived = keep->inputs[0],
                *exchange = arrived->inputs[0], *picked = exchange->inputs[0];
    picked->inputs[0] = dataset; /* which may have moved */
    keep->partition_count = arrived->partition_count = picked->partition_count = travel->count;
    exchange->partition_count = travel->target_count;
    BARKS_TRY(set_list(&picked->step, travel->partitions, travel->count));
    BARKS_TRY(set_list(&exchange->exchange.step, travel->targets, travel->count));
    BARKS_TRY(set_list(&arrived->step, travel->targets, travel->count));
    return set_list(&keep->step, travel->partitions, travel->count);
}

/* ---- jobs ---- */

static bool lacks_copies(const struct node *node)
{
    const struct kept_state *kept = node->kept;
    bool lacks = false;
    for (uint32_t p = 0;
         kept != NULL && kept->copy_at != NULL && p < node->partition_count && !lacks; p++)
        lacks = kept->at[p] != 0 && kept->copy_at[p] == 0 && !kept->is_copied[p];
    return lacks;
}

BARKS_CHECKED static barks_status *copy(barks_context *context, struct node *dataset,
                                        const char *what)
{
    struct travel travel = {0};
    struct job job = {0};
    struct terminal terminal = {.kind = TERMINAL_COUNT, .reuse = REUSE_NOTHING};
    barks_status *status = NULL;
    if (dataset->kept->copier == NULL)
        status = make_copier(context, dataset);
    if (status == NULL)
        status = plan_travel(context, dataset, &travel);
    if (status == NULL && travel.count > 0)
        status = fill_copier(dataset, &travel);
    if (status == NULL && travel.count > 0)
        status = action_run_job(context, dataset->kept->copier, &terminal, what, &job);
    kept_state_update(context);
    terminal_drop(&terminal);
    job_drop(&job);
    travel_drop(&travel);
    return status;
}

void kept_copies_make(barks_context *context)
{
    if (context->replicated_count == 0)
        return;
    kept_state_update(context);
    for (uint32_t i = 0; i < context->node_count && context->replicated_count > 0; i++) {
        struct node *node = context->nodes[i];
        char what[256];
        if (!lacks_copies(node))
            continue;
        snprintf(what, sizeof what, "second copies of the dataset at %s", node->where);
        barks_status *status = copy(context, node, what);
        if (status == NULL)
            continue;
        bool is_over = barks_status_code(status) == BARKS_LOST ||
                       barks_status_code(status) == BARKS_CANCELLED ||
                       barks_status_code(status) == BARKS_OUT_OF_TIME;
        LOG(is_over ? LEVEL_DEBUG : LEVEL_WARN, "runtime", "%s were not made: %s", what,
            barks_status_text(status));
        barks_status_free(status);
    }
}
