#include "job.h"

BARKS_PAIR(pair, line, word_count word_count) /* error: a comma or a record is missing & BARKS_PAIR(name, left, right, out[, env]) & pair, line, word_count word_count */
{
    out->count = right->count;
}
