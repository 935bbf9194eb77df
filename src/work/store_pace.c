#include "work/store_pace.h"

#include <math.h>

uint64_t store_pace_interval_ns(const struct store_pace *pace)
{
    if (pace->mtbf_ns == 0 || pace->stored_count == 0)
        return 0;
    double mtbf_ns = (double)pace->mtbf_ns;
    double cost_ns = (double)pace->cost_ns / pace->stored_count;
    if (cost_ns >= 2 * mtbf_ns)
        return pace->mtbf_ns;
    double half = cost_ns / (2 * mtbf_ns);
    return (uint64_t)(sqrt(2 * cost_ns * mtbf_ns) * (1 + sqrt(half) / 3 + half / 9) - cost_ns);
}

bool store_pace_is_due(const struct store_pace *pace, uint64_t now_ns)
{
    return now_ns - pace->last_ns >= store_pace_interval_ns(pace);
}

void store_pace_note(struct store_pace *pace, uint64_t cost_ns, uint64_t now_ns)
{
    pace->cost_ns += cost_ns;
    pace->stored_count++;
    pace->last_ns = now_ns;
}
