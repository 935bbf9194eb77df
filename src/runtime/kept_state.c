#include "runtime/kept_state.h"

#include "barks/action.h"
#include "base/pack.h"
#include "runtime/driver.h"
#include "runtime/message.h"
#include "store/kept.h"

#include <stdlib.h>

/* barks_level has the numbers of enum kept_level. */
_Static_assert((unsigned)BARKS_DISK == (unsigned)KEPT_DISK, "");

static unsigned with_bits(unsigned level, bool encoded, bool compressed)
{
    level = level == 0 ? (unsigned)KEPT_MEMORY : level;
    return level | (encoded || compressed ? KEPT_ENCODED : 0) | (compressed ? KEPT_LZ4 : 0);
}

unsigned kept_state_level(const struct kept_state *kept) { return kept->level & KEPT_LEVEL_MASK; }

barks_status *kept_state_begin(barks_context *context, struct node *node, unsigned level,
                               bool encoded, bool compressed)
{
    struct kept_state *kept = calloc(1, sizeof *kept);
    if (kept != NULL) {
        kept->at = calloc((size_t)node->partition_count + 1, sizeof *kept->at);
        kept->partitions = calloc((size_t)node->partition_count + 1, sizeof *kept->partitions);
    }
    if (kept == NULL || kept->at == NULL || kept->partitions == NULL) {
        if (kept != NULL) {
            free(kept->at);
            free(kept->partitions);
        }
        free(kept);
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory to keep a dataset", node->where);
    }
    kept->dataset = context->next_id++;
    kept->level = with_bits(level, encoded, compressed);
    node->kept = kept;
    node->step.numbers[0] = (int64_t)kept->dataset;
    node->step.numbers[1] = kept->level;
    return NULL;
}

barks_status *kept_state_end(barks_context *context, struct node *node)
{
    if (node->kept == NULL)
        return NULL;
    uint64_t dataset = node->kept->dataset;
    free(node->kept->at);
    free(node->kept->partitions);
    free(node->kept);
    node->kept = NULL;
    context->kept_changes++;
    node->step.numbers[0] = node->step.numbers[1] = 0; /* rows pass and are not kept */
    for (uint32_t rank = 1; rank <= driver_executor_count(context->driver); rank++) {
        struct packer out = {0};
        pack_u64(&out, MESSAGE_DROP);
        pack_u64(&out, 1);
        pack_u64(&out, dataset);
        BARKS_TRY(driver_post(context->driver, rank, &out));
    }
    return NULL;
}

static struct node *find_kept(const barks_context *context, uint64_t dataset)
{
    for (uint32_t i = context->node_count; i-- > 0;)
        if (context->nodes[i]->kept != NULL && context->nodes[i]->kept->dataset == dataset)
            return context->nodes[i];
    return NULL;
}

/* One executor is enough: where two have computed a partition, the first that said so counts. */
static void apply(struct node *node, uint32_t executor, const struct kept_change *change)
{
    struct kept_state *kept = node->kept;
    uint32_t partition = change->name.partition;
    if (partition >= node->partition_count)
        return;
    bool is_its = kept->at[partition] == executor;
    if (!change->is_kept && !is_its)
        return;
    if (change->is_kept && !is_its && kept->at[partition] != 0)
        return;
    kept->at[partition] = change->is_kept ? executor : 0;
    kept->partitions[partition] = (struct kept_partition){.row_count = change->row_count,
                                                          .memory_bytes = change->memory_bytes,
                                                          .disk_bytes = change->disk_bytes};
}

void kept_state_update(barks_context *context)
{
    struct kept_change change;
    struct node *node = NULL;
    uint32_t executor = 0;
    for (; driver_take_kept(context->driver, &executor, &change); context->kept_changes++) {
        if (node == NULL || node->kept->dataset != change.name.dataset)
            node = find_kept(context, change.name.dataset);
        if (node != NULL)
            apply(node, executor, &change);
    }
}

barks_status *kept_state_fill_owners(void *context, uint32_t partition_count, uint32_t *out_ranks)
{
    return driver_owners(((barks_context *)context)->driver, partition_count, out_ranks);
}
