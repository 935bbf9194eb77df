#include "job.h"

void job(void);
void job(void)
{
    flat_map(split_wrods, NULL); /* error: undeclared & split_wrods */
}
