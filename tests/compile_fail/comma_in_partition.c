#include "job.h"

BARKS_PARTITION(by_count word_count) /* error: a comma or a record is missing & BARKS_PARTITION(name, in[, env]) & by_count word_count */
{
    return in->count % count;
}
