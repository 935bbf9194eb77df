#include "job.h"

BARKS_GROUP(group, line word_count) /* error: a comma or a record is missing & BARKS_GROUP(name, in, out[, env]) & group, line word_count */
{
    emit(.count = 1);
}
