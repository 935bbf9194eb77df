#include "scheduler/pieces.h"

#include "scheduler/job.h"
#include "scheduler/runs.h"
#include "scheduler/stage.h"

#include <stdlib.h>

static int compare_weights(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

barks_status *pieces_median(const struct stage *stage, uint64_t *out_median)
{
    *out_median = 0;
    uint32_t count = stage->partition_count;
    if (stage->piece_bytes == NULL || count == 0 || stage->gang.is_gang)
        return NULL;
    uint64_t *weights = calloc(count, sizeof *weights);
    if (weights == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to compare the %u partitions of stage %u", count,
                   stage->index);
    for (uint32_t partition = 0; partition < count; partition++)
        weights[partition] = partition_weight(stage->partition_bytes, partition);
    qsort(weights, count, sizeof *weights, compare_weights);
    *out_median = weights[count / 2];
    free(weights);
    return NULL;
}

/* The fewest runs of a parent that fills what is read in pieces. */
static uint64_t runs_to_share(const struct stage *stage)
{
    uint64_t least = PIECES_MAX;
    for (uint32_t i = stage->input_first; i < stage->input_end; i++) {
        const struct stage_input *input = &stage->job->inputs[i];
        uint64_t runs = stage->job->stages[input->parent].task_count;
        if (input->is_in_pieces && runs > 0 && runs < least)
            least = runs;
    }
    return least;
}

uint32_t pieces_of(const struct stage *stage, uint32_t partition, uint64_t median,
                   uint64_t owner_weight, uint64_t workers)
{
    uint64_t weight = partition_weight(stage->partition_bytes, partition);
    uint64_t piece = owner_weight / (workers * PIECES_PER_WORKER) + 1;
    if (median == 0 || workers < 2 || weight / PIECES_LARGE <= median || weight <= piece)
        return 1;
    uint64_t wanted = (weight + piece - 1) / piece;
    uint64_t worth = stage->piece_bytes[partition] / PIECE_BYTES_MIN;
    uint64_t most = runs_to_share(stage);
    most = most < worth ? most : worth;
    wanted = wanted < most ? wanted : most;
    return wanted < 1 ? 1 : (uint32_t)wanted;
}
