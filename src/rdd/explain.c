/* How a dataset is computed, as text: its steps from the last one down to its sources. */
#include "barks/explain.h"

#include "base/buffer.h"
#include "base/scope.h"
#include "batch/schema.h"
#include "plan/determinism.h"
#include "rdd/action_frame.h"
#include "rdd/plan_text.h"
#include "runtime/kept_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXPLAIN_BYTES_MAX = 1 << 26 };

/* A node that is still to be told, and how far to the right. */
struct pending {
    const struct node *node;
    uint32_t depth;
};

struct explaining {
    struct buffer *out;
    struct pending *pending; /* owned: a stack */
    uint32_t count, capacity;
    bool *seen; /* owned: by id, told already */
    uint32_t exchange_count;
};

/* Its rows lie at all executors, and are not computed again. */
static bool is_sent(const struct node *node)
{
    return node->step.kind == STEP_BROADCAST && node->step.numbers[0] != 0;
}

/* at: of the first copies, or the second ones; NULL: there are none. */
static uint32_t count_kept(const struct node *node, const uint32_t *at)
{
    uint32_t count = 0;
    for (uint32_t p = 0; at != NULL && p < node->partition_count; p++)
        count += at[p] != 0;
    return count;
}

BARKS_CHECKED static barks_status *put_needs(struct buffer *out, const struct step_needs *needs)
{
    BARKS_TRY(plan_text_put(out, ", needs %" PRIu32 " threads", step_needs_threads(needs)));
    if (needs->memory_bytes > 0)
        BARKS_TRY(plan_text_put(out, " %" PRIu64 " MiB", needs->memory_bytes >> 20));
    for (uint32_t i = 0; i < needs->resources.count; i++)
        BARKS_TRY(plan_text_put(out, " %s:%" PRIu32, needs->resources.items[i].name,
                                needs->resources.items[i].count));
    return NULL;
}

BARKS_CHECKED static barks_status *put_kept(struct buffer *out, const struct node *node)
{
    const struct kept_state *kept = node->kept;
    if (kept == NULL)
        return NULL;
    BARKS_TRY(plan_text_put(out, ", %" PRIu32 " of them kept", count_kept(node, kept->at)));
    if (kept->copy_at == NULL)
        return NULL;
    return plan_text_put(out, ", %" PRIu32 " twice", count_kept(node, kept->copy_at));
}

BARKS_CHECKED static barks_status *put_node(struct explaining *explaining,
                                            const struct pending *told)
{
    static const char *const determinisms[] = {[BARKS_DETERMINATE] = "",
                                               [BARKS_UNORDERED] = ", unordered",
                                               [BARKS_INDETERMINATE] = ", indeterminate"};
    struct buffer *out = explaining->out;
    const struct node *node = told->node;
    BARKS_TRY(plan_text_put(out, "%*s", (int)(told->depth < 100 ? 2 * told->depth : 200), ""));
    if (explaining->seen[node->id])
        return plan_text_put(out, "#%" PRIu32 ", as above\n", node->id);
    BARKS_TRY(plan_text_put(out, "#%" PRIu32 " ", node->id));
    BARKS_TRY(plan_text_step(out, node));
    if (node->name != NULL)
        BARKS_TRY(plan_text_put(out, ", named '%s'", node->name));
    BARKS_TRY(plan_text_put(out, ", "));
    BARKS_TRY(plan_text_partitioning(out, (struct node *)(uintptr_t)node));
    BARKS_TRY(plan_text_put(out, "%s", determinisms[node_determinism(node)]));
    if (node->needs != NULL)
        BARKS_TRY(put_needs(out, node->needs));
    if (is_sent(node))
        BARKS_TRY(plan_text_put(out, ", sent"));
    BARKS_TRY(put_kept(out, node));
    if (node->run.job != 0)
        BARKS_TRY(plan_text_put(out, ", %" PRIu64 " row%s last time", node->run.row_count,
                                node->run.row_count == 1 ? "" : "s"));
    if (node->run.task_ns != 0)
        BARKS_TRY(plan_text_put(out, " in %.3f s of tasks", (double)node->run.task_ns * 1e-9));
    return plan_text_put(out, ", at %s\n", node->where);
}

BARKS_CHECKED static barks_status *push_inputs(struct explaining *explaining,
                                               const struct node *node, uint32_t depth)
{
    if (explaining->count + node->input_count > explaining->capacity) {
        uint32_t capacity = 2 * (explaining->count + node->input_count);
        struct pending *pending = realloc(explaining->pending, capacity * sizeof *pending);
        if (pending == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory to explain a dataset");
        explaining->pending = pending;
        explaining->capacity = capacity;
    }
    /* A chain stays in its column; what is below an exchange or beside another input is indented.
     */
    bool is_indented = node->input_count > 1 || node_is_exchange(node);
    for (uint32_t i = node->input_count; i-- > 0;)
        explaining->pending[explaining->count++] =
            (struct pending){.node = node->inputs[i], .depth = depth + is_indented};
    return NULL;
}

BARKS_CHECKED static barks_status *put_all(struct explaining *explaining)
{
    while (explaining->count > 0) {
        struct pending told = explaining->pending[--explaining->count];
        const struct node *node = told.node;
        bool is_new = !explaining->seen[node->id];
        BARKS_TRY(put_node(explaining, &told));
        explaining->seen[node->id] = true;
        bool is_all_kept =
            node->kept != NULL && count_kept(node, node->kept->at) == node->partition_count;
        explaining->exchange_count += is_new && node_is_exchange(node);
        if (is_new && !is_all_kept && !is_sent(node))
            BARKS_TRY(push_inputs(explaining, node, told.depth));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *explain(const barks_rdd *rdd, struct buffer *out)
{
    BARKS_AUTO(buffer) steps = {.limit_bytes = EXPLAIN_BYTES_MAX};
    struct explaining explaining = {.out = &steps, .capacity = 16};
    explaining.pending = calloc(explaining.capacity, sizeof *explaining.pending);
    explaining.seen = calloc((size_t)rdd->context->node_count + 1, sizeof *explaining.seen);
    barks_status *status = NULL;
    if (explaining.pending == NULL || explaining.seen == NULL)
        status =
            barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory to explain a dataset");
    if (status == NULL) {
        explaining.pending[explaining.count++] = (struct pending){.node = &rdd->node};
        status = put_all(&explaining);
    }
    free(explaining.pending);
    free(explaining.seen);
    BARKS_TRY(status);
    BARKS_TRY(plan_text_put(out, "rows: "));
    BARKS_TRY(schema_print(&rdd->node.record->schema, out));
    BARKS_TRY(plan_text_put(out, "\nexchanges: %" PRIu32 "\n", explaining.exchange_count));
    return buffer_append(out, steps.data, steps.size_bytes);
}

const char *barks_explain_at(barks_rdd *rdd, const char *where)
{
    BARKS_AUTO(buffer) text = {.limit_bytes = 2 * EXPLAIN_BYTES_MAX};
    if (rdd->context == NULL || rdd->context != context_alive())
        return NULL;
    barks_status *status = node_error(&rdd->node);
    lock_acquire(&rdd->context->planning);
    kept_state_update(rdd->context);
    if (status == NULL)
        status = explain(rdd, &text);
    lock_release(&rdd->context->planning);
    if (status != NULL)
        status =
            barks_status_new(barks_status_code(status), status, BARKS_HERE, "explain at %s", where);
    return dataset_keep_text(rdd, &text, status);
}

bool barks_print_explain_at(barks_rdd *rdd, const char *where)
{
    char what[ACTION_NAME_BYTES];
    const char *text = barks_explain_at(rdd, where);
    if (text == NULL)
        return false;
    action_name(what, "print_explain", where);
    bool is_well = action_is_done(rdd->context, print_text(what, text, strlen(text)));
    context_release_rows(rdd->context, text);
    return is_well;
}
