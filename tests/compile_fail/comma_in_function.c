#include "job.h"

BARKS_FLAT_MAP(split, line word_count) /* error: a comma or a record is missing & BARKS_FLAT_MAP(name, in, out[, env]) & split, line word_count */
{
    emit(.word = in->text);
}
