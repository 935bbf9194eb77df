#include "job.h"

void job(void);
void job(void)
{
    struct limits limits = {2};
    flat_map(split_words, &limits); /* error: env does not point to the env type of split_words */
}
