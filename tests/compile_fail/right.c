/* No mistake: must compile, or the others would fail for another reason than they claim. */
#include "job.h"

BARKS_MAP(copy, word_count, word_count) { *out = *in; }

void job(void);
void job(void)
{
    const struct limits limits = {2};
    flat_map(split_words, NULL);
    filter(is_frequent, &limits);
    operation(BARKS_FUNCTION_OF(map, copy), NULL);
}
