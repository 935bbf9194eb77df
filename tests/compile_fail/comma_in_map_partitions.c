#include "job.h"

BARKS_MAP_PARTITIONS(count, line, word_count) /* error: a comma or a record is missing & BARKS_MAP_PARTITIONS(name, in, out, state[, env]) & count, line, word_count */
{
    state->count++;
}
