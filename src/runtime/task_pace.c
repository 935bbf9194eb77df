#include "runtime/task_pace.h"

void task_pace_add(struct task_pace *pace, const struct pace_attempt *attempt)
{
    if (attempt->weight == 0)
        return;
    pace->ns_of_weight[pace->count++ % PACE_SAMPLES] =
        (double)attempt->age_ns / (double)attempt->weight;
    pace->weight += (double)attempt->weight;
    pace->amount += (double)attempt->amount;
}

static double median_of(const struct task_pace *pace)
{
    double sorted[PACE_SAMPLES];
    uint32_t count = pace->count < PACE_SAMPLES ? pace->count : PACE_SAMPLES;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1] > pace->ns_of_weight[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = pace->ns_of_weight[i];
    }
    return sorted[(count - 1) / 2];
}

bool task_pace_wants_copy(const struct task_pace *pace, const struct pace_limits *limits,
                          const struct pace_attempt *attempt)
{
    if (limits->percent == 0 || pace->count < PACE_LEAST || pace->amount <= 0 ||
        attempt->weight == 0 || attempt->age_ns < limits->least_ns)
        return false;
    double age_ns = (double)attempt->age_ns, weight = (double)attempt->weight;
    double usual_ns = median_of(pace) * weight, slow_ns = usual_ns * limits->percent / 100;
    if (attempt->amount == 0)
        return age_ns > slow_ns;
    double part = (double)attempt->amount / (weight * pace->amount / pace->weight);
    double whole_ns = part < 1 ? age_ns / part : age_ns;
    return whole_ns > slow_ns && whole_ns - age_ns > usual_ns;
}
