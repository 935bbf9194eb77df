#include "exec/window_places.h"

barks_status *window_places_open(const struct step *step, uint32_t partition_count,
                                 struct window_places *out)
{
    *out = (struct window_places){.width = (uint64_t)step->numbers[0],
                                  .step = (uint64_t)step->numbers[1],
                                  .is_counted = step->bytes != NULL,
                                  .firsts = (const uint64_t *)(const void *)step->bytes,
                                  .partition_count = partition_count};
    bool fits = out->is_counted
                    ? step->size_bytes == (partition_count + (size_t)1) * sizeof *out->firsts
                    : partition_count <= 1;
    if (out->width == 0 || out->width > INT32_MAX || out->step == 0 || out->step > INT64_MAX ||
        !fits)
        BARKS_FAIL(BARKS_BAD_INPUT, "a step of a plan has windows that make no sense");
    out->row_count = out->is_counted ? out->firsts[partition_count] : 0;
    return NULL;
}

uint64_t window_next(const struct window_places *places, uint64_t place)
{
    return (place / places->step + (place % places->step != 0)) * places->step;
}

bool window_is_partial(const struct window_places *places, uint64_t begin)
{
    return begin < places->row_count &&
           (begin == 0 || begin - places->step + places->width < places->row_count);
}

struct window_reach window_reach_of(const struct window_places *places, uint32_t partition)
{
    struct window_reach reach = {.partition = partition};
    if (!places->is_counted)
        return reach;
    reach.begin = places->firsts[partition];
    reach.end = reach.wanted_end = places->firsts[partition + 1];
    if (reach.begin == reach.end)
        return reach;
    uint64_t last = (reach.end - 1) / places->step * places->step;
    uint64_t end =
        last + places->width < places->row_count ? last + places->width : places->row_count;
    if (last >= reach.begin && end > reach.end)
        reach.wanted_end = end;
    return reach;
}
