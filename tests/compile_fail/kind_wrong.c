#include "job.h"

void job(void);
void job(void)
{
    struct limits limits = {2};
    flat_map(is_frequent, &limits); /* error: is_frequent is not a function of the kind that this operation takes: flat_map */
}
