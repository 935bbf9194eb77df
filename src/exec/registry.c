#include "exec/registry.h"

#include "barks/together.h"
#include "base/assertion.h"
#include "base/spelling.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The one process global besides hashes and versions of code: constructors have nobody to hand a
 * registry to. */
struct entry {
    const barks_function *function;
    size_t order; /* of registration */
};
static struct {
    struct entry
        *entries; /* owned, never freed: handles to its functions live as long as the process */
    size_t count;
    size_t capacity;
    bool out_of_memory;
    atomic_bool frozen;
    bool wants_mpi;
    atomic_size_t late_count; /* registered after the freeze, by a library that was loaded later */
} registry;

void barks_register(const barks_function *function)
{
    if (atomic_load_explicit(&registry.frozen, memory_order_acquire)) {
        atomic_fetch_add_explicit(&registry.late_count, 1, memory_order_relaxed);
        return;
    }
    if (registry.count == registry.capacity) {
        size_t capacity = registry.capacity < 64 ? 64 : 2 * registry.capacity;
        struct entry *entries = realloc(registry.entries, capacity * sizeof *entries);
        if (entries == NULL) {
            registry.out_of_memory = true; /* registry_freeze reports it */
            return;
        }
        registry.entries = entries;
        registry.capacity = capacity;
    }
    registry.entries[registry.count] = (struct entry){function, registry.count};
    registry.count++;
}

void barks_want_mpi_(void) { registry.wants_mpi = true; }

bool registry_wants_mpi(void) { return registry.wants_mpi; }

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    int order = strcmp(left->function->name, right->function->name);
    return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

/* One function in a header that several units include has one name and one place, and any of the
 * copies will do. */
static bool are_copies(const barks_function *a, const barks_function *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->where, b->where) == 0 && a->kind == b->kind;
}

static void sort_and_drop_copies(void)
{
    size_t kept = 0;
    if (registry.count > 0)
        qsort(registry.entries, registry.count, sizeof *registry.entries, compare_entries);
    for (size_t i = 0; i < registry.count; i++) {
        bool is_copy = false;
        for (size_t j = kept; j > 0 && !is_copy; j--) {
            const barks_function *earlier = registry.entries[j - 1].function;
            if (strcmp(earlier->name, registry.entries[i].function->name) != 0)
                break;
            is_copy = are_copies(earlier, registry.entries[i].function);
        }
        if (!is_copy)
            registry.entries[kept++] = registry.entries[i];
    }
    registry.count = kept;
}

barks_status *registry_freeze(void)
{
    struct registry_duplicate duplicate;
    if (!atomic_load_explicit(&registry.frozen, memory_order_acquire)) {
        sort_and_drop_copies();
        atomic_store_explicit(&registry.frozen, true, memory_order_release);
    }
    if (registry.out_of_memory)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to register the job's functions");
    size_t duplicate_count = registry_duplicates(&duplicate, 1);
    if (duplicate_count > 0)
        BARKS_FAIL(BARKS_INVALID,
                   "two functions are named '%s': %s at %s and %s at %s; give one another name",
                   duplicate.first->name, function_kind_name(duplicate.first->kind),
                   duplicate.first->where, function_kind_name(duplicate.second->kind),
                   duplicate.second->where);
    return NULL;
}

size_t registry_count(void) { return registry.count; }

const barks_function *registry_at(size_t index)
{
    BARKS_ASSERT(index < registry.count);
    return registry.entries[index].function;
}

size_t registry_duplicates(struct registry_duplicate *out_duplicates, size_t capacity)
{
    size_t found = 0;
    for (size_t i = 1; i < registry.count; i++) {
        const barks_function *first = registry.entries[i - 1].function;
        const barks_function *second = registry.entries[i].function;
        if (strcmp(first->name, second->name) != 0)
            continue;
        if (found < capacity)
            out_duplicates[found] = (struct registry_duplicate){first, second};
        found++;
    }
    return found;
}

const barks_function *registry_find(const char *name, barks_function_kind kind)
{
    BARKS_ASSERT(atomic_load_explicit(&registry.frozen, memory_order_acquire));
    size_t low = 0, high = registry.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(registry.entries[middle].function->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == registry.count || strcmp(registry.entries[low].function->name, name) != 0 ||
        registry.entries[low].function->kind != kind)
        return NULL;
    return registry.entries[low].function;
}

const barks_function *registry_nearest(const char *name)
{
    struct spelling spelling = spelling_begin(name);
    const barks_function *nearest = NULL;
    for (size_t i = 0; i < registry.count; i++) {
        const char *before = spelling.nearest;
        spelling_offer(&spelling, registry.entries[i].function->name);
        if (spelling.nearest != before)
            nearest = registry.entries[i].function;
    }
    return nearest;
}

barks_status *registry_require(const char *name, barks_function_kind kind,
                               const barks_function **out_function)
{
    const barks_function *function = registry_find(name, kind);
    if (function != NULL) {
        *out_function = function;
        return NULL;
    }
    const char *kind_name = function_kind_name(kind);
    const barks_function *nearest = registry_nearest(name);
    size_t late_count = atomic_load_explicit(&registry.late_count, memory_order_relaxed);
    if (nearest != NULL)
        BARKS_FAIL(
            BARKS_INVALID, "this binary has no %s function '%s'; the nearest is '%s' (%s, at %s)",
            kind_name, name, nearest->name, function_kind_name(nearest->kind), nearest->where);
    if (late_count > 0)
        BARKS_FAIL(BARKS_INVALID,
                   "this binary has no %s function '%s'; %zu that a library registered after "
                   "barks_init are not known: link it, or load it earlier",
                   kind_name, name, late_count);
    BARKS_FAIL(BARKS_INVALID, "this binary has no %s function '%s'", kind_name, name);
}

const char *function_kind_name(barks_function_kind kind)
{
    switch (kind) {
    case BARKS_KIND_MAP:
        return "map";
    case BARKS_KIND_FLAT_MAP:
        return "flat_map";
    case BARKS_KIND_FILTER:
        return "filter";
    case BARKS_KIND_REDUCE:
        return "reduce";
    case BARKS_KIND_AGGREGATE:
        return "aggregate";
    case BARKS_KIND_MAP_BATCHES:
        return "map_batches";
    case BARKS_KIND_FOREACH:
        return "foreach";
    case BARKS_KIND_MAP_PARTITIONS:
        return "map_partitions";
    case BARKS_KIND_PARTITION:
        return "partition";
    case BARKS_KIND_PAIR:
        return "pair";
    case BARKS_KIND_GROUP:
        return "group";
    case BARKS_KIND_FOREACH_BATCH:
        return "foreach_batch";
    case BARKS_KIND_COMPARE:
        return "compare";
    case BARKS_KIND_SOURCE:
        return "source";
    case BARKS_KIND_SINK:
        return "sink";
    }
    return "unknown";
}
