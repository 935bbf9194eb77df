#include "job.h"

BARKS_FLAT_MAP(first_word, line, word_count)
{
    emit(.word = in->text .count = 1); /* error: 'count' */
}
