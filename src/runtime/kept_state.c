#include "runtime/kept_state.h"

#include "base/log.h"
#include "base/pack.h"
#include "runtime/driver.h"
#include "runtime/mailbox.h"
#include "runtime/message.h"
#include "store/kept.h"

/* barks_level has the numbers of enum kept_level. */
_Static_assert((unsigned)BARKS_DISK == (unsigned)KEPT_DISK, "");

static unsigned with_bits(const barks_persist_options *options)
{
    unsigned level = options->level == 0 ? (unsigned)KEPT_MEMORY : (unsigned)options->level;
    return level | (options->encoded || options->compressed ? KEPT_ENCODED : 0) |
           (options->compressed ? KEPT_LZ4 : 0);
}

unsigned kept_state_level(const struct kept_state *kept) { return kept->level & KEPT_LEVEL_MASK; }

barks_status *kept_state_begin(barks_context *context, struct node *node,
                               const barks_persist_options *options)
{
    bool is_alone = driver_executor_count(context->driver) == 1;
    bool has_copies = options->copies == 2 && !is_alone;
    struct kept_state *kept = NULL;
    BARKS_TRY_DOING(kept_state_create(node->partition_count, has_copies, &kept), "%s", node->where);
    if (options->copies == 2 && is_alone)
        LOG(LEVEL_WARN, "runtime",
            "%s: the dataset is kept once, and not twice: there is only one executor", node->where);
    kept->dataset = context->next_id++;
    kept->level = with_bits(options);
    node->kept = kept;
    node->step.numbers[0] = (int64_t)kept->dataset;
    node->step.numbers[1] = kept->level;
    context->replicated_count += has_copies;
    return NULL;
}

barks_status *kept_state_end(barks_context *context, struct node *node)
{
    if (node->kept == NULL)
        return NULL;
    uint64_t dataset = node->kept->dataset;
    context->replicated_count -= node->kept->copy_at != NULL;
    kept_state_destroy(node->kept);
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

/* A partition that its executor has given up is from then on the one that the other has. */
static void take_gone(struct kept_state *kept, uint32_t partition, uint32_t executor)
{
    bool has_copy = kept->copy_at != NULL && kept->copy_at[partition] != 0;
    if (kept->at[partition] == executor) {
        kept->at[partition] = has_copy ? kept->copy_at[partition] : 0;
        kept->partitions[partition] =
            has_copy ? kept->copies[partition] : (struct kept_partition){0};
    } else if (!has_copy || kept->copy_at[partition] != executor) {
        return;
    }
    if (has_copy)
        kept->copy_at[partition] = 0;
    if (kept->copy_at != NULL && kept->at[partition] == 0)
        kept->is_copied[partition] = false;
}

/* As many executors are enough as there are to be copies: where more have computed a partition, the
 * first that said so count. */
static void apply(struct node *node, uint32_t executor, const struct kept_change *change)
{
    struct kept_state *kept = node->kept;
    uint32_t partition = change->name.partition;
    struct kept_partition taken = {.row_count = change->row_count,
                                   .memory_bytes = change->memory_bytes,
                                   .disk_bytes = change->disk_bytes};
    if (partition >= node->partition_count)
        return;
    if (!change->is_kept) {
        take_gone(kept, partition, executor);
    } else if (kept->at[partition] == 0 || kept->at[partition] == executor) {
        kept->at[partition] = executor;
        kept->partitions[partition] = taken;
    } else if (kept->copy_at != NULL &&
               (kept->copy_at[partition] == 0 || kept->copy_at[partition] == executor)) {
        kept->copy_at[partition] = executor;
        kept->copies[partition] = taken;
    }
}

static void forget_executor(barks_context *context, uint32_t executor)
{
    for (uint32_t i = 0; i < context->node_count; i++)
        for (uint32_t p = 0;
             context->nodes[i]->kept != NULL && p < context->nodes[i]->partition_count; p++)
            take_gone(context->nodes[i]->kept, p, executor);
}

void kept_state_update(barks_context *context)
{
    struct kept_note note;
    struct node *node = NULL;
    for (; driver_take_kept(context->driver, &note); context->kept_changes++) {
        if (note.is_lost) {
            forget_executor(context, note.executor);
            continue;
        }
        uint64_t dataset = note.change.name.dataset;
        if (node == NULL || node->kept->dataset != dataset)
            node = find_kept(context, dataset);
        if (node != NULL)
            apply(node, note.executor, &note.change);
    }
}
