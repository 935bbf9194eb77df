#include "runtime/shuffle_index.h"

#include "plan/stage_cut.h"

#include <stdlib.h>

static int by_shuffle(const void *left, const void *right)
{
    const struct shuffle_entry *a = left, *b = right;
    return (a->shuffle > b->shuffle) - (a->shuffle < b->shuffle);
}

barks_status *shuffle_index_make(const struct job_plan *plan, struct shuffle_index *out)
{
    struct shuffle_entry *entries = calloc((size_t)plan->stage_count + 1, sizeof *entries);
    uint32_t count = 0;
    if (entries == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the shuffles of %u stages", plan->stage_count);
    for (uint32_t stage = 0; stage < plan->stage_count; stage++) {
        const struct terminal *terminal = &plan->stages[stage].pipeline->terminal;
        if (terminal->kind == TERMINAL_SHUFFLE)
            entries[count++] = (struct shuffle_entry){terminal->shuffle, stage};
    }
    qsort(entries, count, sizeof *entries, by_shuffle);
    *out = (struct shuffle_index){.entries = entries, .count = count};
    return NULL;
}

void shuffle_index_drop(struct shuffle_index *index)
{
    free(index->entries);
    *index = (struct shuffle_index){0};
}

bool shuffle_index_find(const struct shuffle_index *index, uint64_t shuffle, uint32_t *out_stage)
{
    struct shuffle_entry wanted = {.shuffle = shuffle};
    const struct shuffle_entry *found =
        index->count > 0 ? bsearch(&wanted, index->entries, index->count, sizeof wanted, by_shuffle)
                         : NULL;
    if (found != NULL)
        *out_stage = found->stage;
    return found != NULL;
}
