#include "job.h"

#include "barks/order.h"

BARKS_COMPARE(by_count word_count) /* error: a comma or a record is missing & BARKS_COMPARE(name, in[, env]) & by_count word_count */
{
    return a->count - b->count;
}
