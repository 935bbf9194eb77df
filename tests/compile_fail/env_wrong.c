#include "job.h"

void job(void);
void job(void)
{
    int64_t count_min = 2;
    filter(is_frequent, &count_min); /* error: env does not point to the env type of is_frequent */
}
