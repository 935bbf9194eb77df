#include "scheduler/room.h"

#include "base/assertion.h"
#include "scheduler/executor.h"

#include <stdlib.h>

static const struct executor_offer nothing;

bool needs_are_plain(const struct task_needs *needs)
{
    bool is_plain = needs == NULL || (needs_threads(needs) == 1 && needs->memory_bytes == 0);
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX && is_plain && needs != NULL; kind++)
        is_plain = needs->units[kind] == 0;
    return is_plain;
}

void needs_add(struct task_needs *sum, const struct task_needs *more)
{
    if (more == NULL)
        return;
    if (more->threads > sum->threads)
        sum->threads = more->threads;
    if (more->memory_bytes > sum->memory_bytes)
        sum->memory_bytes = more->memory_bytes;
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX; kind++)
        if (more->units[kind] > sum->units[kind])
            sum->units[kind] = more->units[kind];
}

static bool offers_nothing(const struct executor_offer *offer)
{
    bool has_any = offer != NULL && offer->memory_bytes > 0;
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX && offer != NULL; kind++)
        has_any |= offer->units[kind] != 0;
    return !has_any;
}

barks_status *room_create(const struct executor_offer *offer, struct room **out_room)
{
    *out_room = NULL;
    if (offers_nothing(offer))
        return NULL;
    struct room *room = malloc(sizeof *room);
    if (room == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for what an executor offers");
    *room = (struct room){.offered = *offer, .free = *offer};
    *out_room = room;
    return NULL;
}

static uint32_t count_of(uint64_t units) { return (uint32_t)__builtin_popcountll(units); }

/* What a task needs and the offer, or so many workers, do not have. */
static uint32_t lacks(const struct executor_offer *offer, uint32_t workers,
                      const struct task_needs *needs)
{
    uint32_t lacked = workers < needs_threads(needs) ? LACKS_WORKERS : 0;
    if (needs == NULL)
        return lacked;
    lacked |= offer->memory_bytes < needs->memory_bytes ? LACKS_MEMORY : 0;
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX; kind++)
        if (count_of(offer->units[kind]) < needs->units[kind])
            lacked |= 1u << (LACKS_UNITS_SHIFT + kind);
    return lacked;
}

static const struct executor_offer *offered_by(const struct executor *executor)
{
    return executor->room != NULL ? &executor->room->offered : &nothing;
}

static const struct executor_offer *free_of(const struct executor *executor)
{
    return executor->room != NULL ? &executor->room->free : &nothing;
}

static uint32_t idle_of(const struct executor *executor)
{
    return (uint32_t)(executor->worker_count - executor->busy_count);
}

bool room_could_hold(const struct executor *executor, const struct task_needs *needs)
{
    return needs == NULL || lacks(offered_by(executor), executor->worker_count, needs) == 0;
}

uint32_t room_lacks(const struct executor *executor, const struct task_needs *needs)
{
    return lacks(free_of(executor), idle_of(executor), needs);
}

uint32_t room_count(const struct executor *executor, const struct task_needs *needs, bool whole)
{
    const struct executor_offer *offer = whole ? offered_by(executor) : free_of(executor);
    uint32_t workers = whole ? executor->worker_count : idle_of(executor);
    uint32_t count = workers / needs_threads(needs);
    if (needs == NULL)
        return count;
    if (needs->memory_bytes > 0 && offer->memory_bytes / needs->memory_bytes < count)
        count = (uint32_t)(offer->memory_bytes / needs->memory_bytes);
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX; kind++)
        if (needs->units[kind] > 0 && count_of(offer->units[kind]) / needs->units[kind] < count)
            count = count_of(offer->units[kind]) / needs->units[kind];
    return count;
}

bool room_would_take(const struct executor *executor, const struct task_needs *needs,
                     const struct task_needs *other, uint32_t lacked)
{
    static const struct task_needs plain = {.threads = 1};
    const struct executor_offer *offer = free_of(executor);
    uint32_t workers = idle_of(executor);
    needs = needs != NULL ? needs : &plain;
    if ((lacked & LACKS_WORKERS) != 0 && workers < needs_threads(needs) + needs_threads(other))
        return true;
    if ((lacked & LACKS_MEMORY) != 0 && needs->memory_bytes > 0 &&
        (offer->memory_bytes < needs->memory_bytes ||
         offer->memory_bytes - needs->memory_bytes < other->memory_bytes))
        return true;
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX; kind++)
        if ((lacked >> (LACKS_UNITS_SHIFT + kind) & 1) != 0 && needs->units[kind] > 0 &&
            count_of(offer->units[kind]) < (uint32_t)needs->units[kind] + other->units[kind])
            return true;
    return false;
}

static uint64_t lowest(uint64_t units, uint32_t count)
{
    uint64_t rest = units;
    for (; count > 0; count--)
        rest &= rest - 1;
    return units & ~rest;
}

barks_status *room_take(struct executor *executor, const struct task_needs *needs,
                        struct units **out_units)
{
    *out_units = NULL;
    if (needs == NULL || executor->room == NULL)
        return NULL; /* workers alone */
    struct executor_offer *offer = &executor->room->free;
    bool has_units = false;
    BARKS_ASSERT(room_lacks(executor, needs) == 0);
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX; kind++)
        has_units |= needs->units[kind] > 0;
    struct units *units = has_units ? calloc(1, sizeof *units) : NULL;
    if (has_units && units == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for what an attempt is given");
    offer->memory_bytes -= needs->memory_bytes;
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX && has_units; kind++) {
        units->of[kind] = lowest(offer->units[kind], needs->units[kind]);
        offer->units[kind] &= ~units->of[kind];
    }
    *out_units = units;
    return NULL;
}

void room_give_back(struct executor *executor, const struct task_needs *needs, struct units *units)
{
    if (needs == NULL || executor->room == NULL)
        return;
    struct executor_offer *offer = &executor->room->free;
    offer->memory_bytes += needs->memory_bytes;
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX && units != NULL; kind++)
        offer->units[kind] |= units->of[kind];
    free(units);
}
