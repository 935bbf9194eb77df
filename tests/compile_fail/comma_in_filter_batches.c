#include "job.h"

BARKS_FILTER_BATCHES(is_some word_count) /* error: a comma or a record is missing & BARKS_FILTER_BATCHES(name, in[, env]) & is_some word_count */
{
    keep[0] = batch->count[0] > 0;
}
