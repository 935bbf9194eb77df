#include "job.h"

BARKS_FILTER_BATCHES(is_some, word_count)
{
    for (uint32_t i = 0; i < batch->row_count; i++)
        keep[i] = batch->counts[i] > 0; /* error: counts */
}
