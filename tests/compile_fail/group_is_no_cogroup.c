#include "job.h"

BARKS_GROUP(count_words, word_count, word_count)
{
    struct word_count row = {.count = 0};
    while (barks_next_row(rows, &row)) {
    }
    emit(.count = row.count);
}

void job(void);
void job(void)
{
    operation(BARKS_FUNCTION_OF(cogroup, count_words), NULL); /* error: count_words is not a function of the kind that this operation takes: cogroup */
}
