#include "job.h"

BARKS_FLAT_MAP(first_word, line, word_count)
{
    emit(.wrod = in->text); /* error: 'wrod' & word_count */
}
