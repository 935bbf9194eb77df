#include "runtime/offers.h"

#include "base/config.h"
#include "exec/pipeline.h"
#include "runtime/members.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)NAME_COUNTS_MAX == (int)SCHEDULER_RESOURCES_MAX, "kinds are names");
_Static_assert((int)NAME_COUNT_MAX == (int)SCHEDULER_UNITS_MAX, "units are bits");

static const char gpu[] = "gpu";

/* ---- what there is ---- */

struct device {
    const char *name;
    size_t length;
    uint32_t index;
};

/* The next of a hello's devices; false: there are no more. */
static bool next_device(const char **text, struct device *out)
{
    if (*text == NULL || **text == '\0')
        return false;
    size_t length = strcspn(*text, "=");
    const char *number = *text + length + ((*text)[length] == '=');
    char *end = NULL;
    *out = (struct device){
        .name = *text, .length = length, .index = (uint32_t)strtoul(number, &end, 10)};
    *text = end + (*end == ',');
    return true;
}

static bool sees(const struct hello *hello, const struct device *wanted)
{
    struct device device;
    const char *text = hello->devices;
    while (next_device(&text, &device))
        if (device.length == wanted->length &&
            memcmp(device.name, wanted->name, device.length) == 0)
            return true;
    return false;
}

static bool sees_the_same(const struct hello *a, const struct hello *b)
{
    return a->devices != NULL && b->devices != NULL && strcmp(a->devices, b->devices) == 0;
}

/* An earlier executor of the node, with another list, has it. */
static bool is_taken(const struct hello *executors, uint32_t executor, const struct device *device)
{
    for (uint32_t i = 0; i < executor; i++)
        if (executors[i].node_id == executors[executor].node_id &&
            !sees_the_same(&executors[i], &executors[executor]) && sees(&executors[i], device))
            return true;
    return false;
}

static uint64_t own_devices(const struct hello *executors, uint32_t count, uint32_t executor)
{
    const struct hello *hello = &executors[executor];
    uint64_t all[SCHEDULER_UNITS_MAX] = {0}, own = 0;
    uint32_t device_count = 0, sharers = 0, place = 0;
    struct device device;
    const char *text = hello->devices;
    if (text == NULL)
        return 0;
    while (next_device(&text, &device) && device_count < SCHEDULER_UNITS_MAX)
        if (device.index < SCHEDULER_UNITS_MAX && !is_taken(executors, executor, &device))
            all[device_count++] = UINT64_C(1) << device.index;
    for (uint32_t i = 0; i < count; i++) {
        bool shares = executors[i].node_id == hello->node_id && sees_the_same(&executors[i], hello);
        place += shares && i < executor;
        sharers += shares;
    }
    uint32_t first = (device_count * place + sharers - 1) / sharers;
    uint32_t end = (device_count * (place + 1) + sharers - 1) / sharers;
    for (uint32_t i = first; i < end; i++)
        own |= all[i];
    return own;
}

/* So many bits, from where those of the neighbours before it end. */
static uint64_t own_units(const struct hello *executors, uint32_t executor, uint32_t unit_count)
{
    uint64_t own = 0;
    uint32_t before = 0;
    for (uint32_t i = 0; i < executor; i++)
        before += executors[i].node_id == executors[executor].node_id;
    for (uint32_t unit = 0; unit < unit_count; unit++)
        own |= UINT64_C(1) << (before * unit_count + unit) % SCHEDULER_UNITS_MAX;
    return own;
}

static uint32_t most_devices(const struct hello *executors, uint32_t count)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t own = (uint32_t)__builtin_popcountll(own_devices(executors, count, i));
        most = own > most ? own : most;
    }
    return most;
}

barks_status *offers_make(const struct hello *executors, uint32_t executor_count,
                          const struct config *config, struct name_counts *out_resources,
                          struct executor_offer *out_offers)
{
    const char *setting = config_string(config, CONFIG_RESOURCES);
    struct name_counts said = {.count = 0}, found = {.count = 0};
    bool is_none = strcmp(setting, "none") == 0;
    if (!is_none && strcmp(setting, "auto") != 0)
        BARKS_TRY(name_counts_read(setting, config_origin(config, CONFIG_RESOURCES), &said));
    bool finds = !is_none && name_counts_find(&said, gpu) == said.count;
    uint32_t most = finds ? most_devices(executors, executor_count) : 0;
    if (most > 0) {
        found.count = 1;
        memcpy(found.items[0].name, gpu, sizeof gpu);
        found.items[0].count = most;
    }
    uint32_t said_count = said.count;
    BARKS_TRY(name_counts_merge(&said, &found));
    for (uint32_t i = 0; i < executor_count; i++)
        for (uint32_t kind = 0; kind < said.count; kind++)
            out_offers[i].units[kind] = kind < said_count
                                            ? own_units(executors, i, said.items[kind].count)
                                            : own_devices(executors, executor_count, i);
    *out_resources = said;
    return NULL;
}

uint64_t offers_memory_bytes(uint64_t budget_bytes) { return budget_bytes - budget_bytes / 4; }

/* ---- what is needed ---- */

struct task_needs offers_task_needs(const struct members *members, const struct step_needs *needs)
{
    struct task_needs out = {.threads = needs->threads, .memory_bytes = needs->memory_bytes};
    for (uint32_t i = 0; i < needs->resources.count; i++) {
        uint32_t kind = name_counts_find(&members->resources, needs->resources.items[i].name);
        if (kind < members->resources.count)
            out.units[kind] = (uint8_t)needs->resources.items[i].count;
    }
    return out;
}

static uint32_t units_of(const struct members *members, const struct member *member,
                         const char *name)
{
    uint32_t kind = name_counts_find(&members->resources, name);
    return kind < members->resources.count
               ? (uint32_t)__builtin_popcountll(member->offer.units[kind])
               : 0;
}

static bool has_all(const struct members *members, const struct member *member,
                    const struct step_needs *needs)
{
    bool has = member->welcome.worker_count >= step_needs_threads(needs) &&
               member->offer.memory_bytes >= needs->memory_bytes;
    for (uint32_t i = 0; i < needs->resources.count && has; i++)
        has = units_of(members, member, needs->resources.items[i].name) >=
              needs->resources.items[i].count;
    return has;
}

/* The most that one living executor has. */
struct most {
    uint32_t workers, units[NAME_COUNTS_MAX];
    uint64_t memory_bytes;
    bool is_enough; /* one has all */
};

static struct most most_of(const struct members *members, const struct step_needs *needs)
{
    struct most most = {.workers = 0};
    for (uint32_t i = 0; i < members->count; i++) {
        const struct member *member = &members->all[i];
        if (member_is_lost(member))
            continue;
        if (member->welcome.worker_count > most.workers)
            most.workers = member->welcome.worker_count;
        if (member->offer.memory_bytes > most.memory_bytes)
            most.memory_bytes = member->offer.memory_bytes;
        for (uint32_t k = 0; k < needs->resources.count; k++) {
            uint32_t units = units_of(members, member, needs->resources.items[k].name);
            most.units[k] = units > most.units[k] ? units : most.units[k];
        }
        most.is_enough |= has_all(members, member, needs);
    }
    return most;
}

BARKS_CHECKED static barks_status *check(const struct members *members,
                                         const struct step_needs *needs)
{
    struct most most = most_of(members, needs);
    if (most.is_enough)
        return NULL;
    if (step_needs_threads(needs) > most.workers)
        BARKS_FAIL(BARKS_LIMIT,
                   "set_needs at %s: a task needs %" PRIu32
                   " threads, and no executor has more than %" PRIu32
                   " workers; ask for fewer, start fewer ranks on a node or raise --barks-workers",
                   needs->where, needs->threads, most.workers);
    if (needs->memory_bytes > most.memory_bytes)
        BARKS_FAIL(BARKS_LIMIT,
                   "set_needs at %s: a task needs %" PRIu64
                   " MiB of memory, and no executor gives tasks more than %" PRIu64
                   ", three quarters of its budget; ask for less, start fewer ranks on a node or "
                   "raise --barks-memory",
                   needs->where, needs->memory_bytes >> 20, most.memory_bytes >> 20);
    for (uint32_t i = 0; i < needs->resources.count; i++)
        if (needs->resources.items[i].count > most.units[i])
            BARKS_FAIL(BARKS_LIMIT,
                       "set_needs at %s: a task needs '%s:%" PRIu32
                       "', and no executor has more than %" PRIu32
                       "; ask for less, or say what each executor has by --barks-resources",
                       needs->where, needs->resources.items[i].name,
                       needs->resources.items[i].count, most.units[i]);
    BARKS_FAIL(
        BARKS_LIMIT,
        "set_needs at %s: a task needs %" PRIu32 " threads, %" PRIu64
        " MiB of memory and its resources together, and executors have one or the other; ask "
        "for less of one of them",
        needs->where, step_needs_threads(needs), needs->memory_bytes >> 20);
}

/* How many such tasks have room on it at once. */
static uint32_t room_on(const struct members *members, const struct member *member,
                        const struct step_needs *needs)
{
    uint64_t room = member_workers(member) / step_needs_threads(needs);
    if (needs->memory_bytes > 0 && member->offer.memory_bytes / needs->memory_bytes < room)
        room = member->offer.memory_bytes / needs->memory_bytes;
    for (uint32_t i = 0; i < needs->resources.count; i++) {
        const struct name_count *wanted = &needs->resources.items[i];
        uint32_t units = units_of(members, member, wanted->name);
        if (wanted->count > 0 && units / wanted->count < room)
            room = units / wanted->count;
    }
    return (uint32_t)room;
}

/* All tasks of a gang have room at once. */
BARKS_CHECKED static barks_status *check_gang(const struct members *members,
                                              const struct pipeline *pipeline)
{
    const struct step_needs *needs = &pipeline->needs;
    uint32_t task_count = pipeline_partition_count(pipeline);
    uint64_t room = 0;
    for (uint32_t i = 0; i < members->count; i++) {
        uint32_t here = room_on(members, &members->all[i], needs);
        room += pipeline->gang.is_spread && here > 1 ? 1 : here;
    }
    if (room >= task_count)
        return NULL;
    BARKS_FAIL(BARKS_LIMIT,
               "set_needs at %s: %" PRIu32 " tasks run at once (map_partitions_together), and "
               "executors have what each needs for only %" PRIu64
               " of them%s; barks_coalesce or barks_repartition to fewer, ask for less, or start "
               "more executors",
               needs->where, task_count, room,
               pipeline->gang.is_spread ? ", one on each (.spread)" : "");
}

barks_status *offers_check(const struct members *members, const struct pipeline *pipeline)
{
    if (step_needs_are_plain(&pipeline->needs))
        return NULL;
    for (uint32_t i = 0; i < pipeline->node_count; i++)
        if (pipeline->nodes[i].needs != NULL)
            BARKS_TRY(check(members, pipeline->nodes[i].needs));
    BARKS_TRY(check(members, &pipeline->needs));
    return pipeline->gang.is_gang ? check_gang(members, pipeline) : NULL;
}
