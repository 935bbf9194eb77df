#include "base/slurm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A whole number and nothing else; 0 where there is none or where it is over the limit. */
static uint64_t number_of(const char *variable, uint64_t limit)
{
    const char *text = getenv(variable);
    char *end = NULL;
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return 0;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0 && number <= limit ? number : 0;
}

/* The entry of a node in a list such as "8(x2),4": SLURM_JOB_CPUS_PER_NODE has one for each node of
 * the job, equal neighbours joined. */
static uint64_t entry_of(const char *list, uint64_t node)
{
    while (*list >= '0' && *list <= '9') {
        char *end = NULL;
        unsigned long long number = strtoull(list, &end, 10), repeat = 1;
        if (end[0] == '(' && end[1] == 'x') {
            repeat = strtoull(end + 2, &end, 10);
            if (*end++ != ')')
                return 0;
        }
        if (node < repeat)
            return number;
        node -= repeat;
        if (*end != ',')
            return 0;
        list = end + 1;
    }
    return 0;
}

/* Of the step where there is one, else of the job. Who is not on a node of the job, but has its
 * environment (as under salloc), has neither SLURM_CPUS_ON_NODE nor SLURM_NODEID. */
static uint32_t core_count(void)
{
    uint64_t count = number_of("SLURM_CPUS_ON_NODE", UINT32_MAX);
    const char *list = getenv("SLURM_JOB_CPUS_PER_NODE");
    if (count == 0 && list != NULL && getenv("SLURM_NODEID") != NULL)
        count = entry_of(list, number_of("SLURM_NODEID", UINT32_MAX));
    return count <= UINT32_MAX ? (uint32_t)count : 0;
}

struct slurm_allocation slurm_allocation(void)
{
    enum { MEBIBYTES_MAX_BITS = 40 };
    const uint64_t mebibytes_max = UINT64_C(1) << MEBIBYTES_MAX_BITS;
    struct slurm_allocation found = {
        .core_count = core_count(),
        .end_time = number_of("SLURM_JOB_END_TIME", UINT64_C(1) << 34),
        .restart_count = (uint32_t)number_of("SLURM_RESTART_COUNT", UINT32_MAX),
    };
    uint64_t of_core = number_of("SLURM_MEM_PER_CPU", mebibytes_max / UINT32_MAX << 20);
    found.memory_bytes = number_of("SLURM_MEM_PER_NODE", mebibytes_max) << 20;
    if (found.memory_bytes == 0)
        found.memory_bytes =
            (of_core << 20) * (found.core_count > 0 ? found.core_count : UINT64_C(1));
    return found;
}
