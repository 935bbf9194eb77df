#include "job.h"

BARKS_FILTER_BATCHES(is_some, word_counts) /* error: word_counts */
{
    keep[0] = true;
}
