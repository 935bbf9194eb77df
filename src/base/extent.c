#include "base/extent.h"

#include "base/checked.h"
#include "base/poison.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static bool is_aligned(const void *memory) { return ((uintptr_t)memory & (EXTENT_BYTES - 1)) == 0; }

static void *map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* The kernel tends to place mappings side by side, so that all after the first are aligned by
 * themselves; where not, an extent more is mapped and the ends are cut off. */
static void *map_aligned(size_t bytes)
{
    uint8_t *memory = map(bytes);
    if (memory == NULL || is_aligned(memory))
        return memory;
    munmap(memory, bytes);
    size_t more_bytes = 0;
    if (ckd_add(&more_bytes, bytes, EXTENT_BYTES))
        return NULL;
    memory = map(more_bytes);
    if (memory == NULL)
        return NULL;
    size_t head_bytes = -(uintptr_t)memory & (EXTENT_BYTES - 1);
    if (head_bytes > 0)
        munmap(memory, head_bytes);
    if (head_bytes < EXTENT_BYTES)
        munmap(memory + head_bytes + bytes, EXTENT_BYTES - head_bytes);
    return memory + head_bytes;
}

/* In pieces, since extents are cut and joined, and a region leaves only as it came. */
static void add_roots(const uint8_t *memory, size_t bytes)
{
    for (size_t offset = 0; offset < bytes; offset += EXTENT_BYTES)
        poison_add_root(memory + offset, EXTENT_BYTES);
}

static void remove_roots(const uint8_t *memory, size_t bytes)
{
    for (size_t offset = 0; offset < bytes; offset += EXTENT_BYTES)
        poison_remove_root(memory + offset, EXTENT_BYTES);
}

/* Room in idle[] for everything that may be given back, one more included. */
BARKS_CHECKED static barks_status *make_room(struct extents *extents)
{
    size_t needed = extents->idle_count + extents->taken_count + 1;
    if (needed <= extents->idle_capacity)
        return NULL;
    size_t capacity = 2 * needed + 16;
    struct extent *idle = realloc(extents->idle, capacity * sizeof *idle);
    if (idle == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the list of %zu idle extents", capacity);
    extents->idle = idle;
    extents->idle_capacity = capacity;
    return NULL;
}

static void remove_idle(struct extents *extents, size_t idle_index)
{
    extents->idle_count--;
    memmove(extents->idle + idle_index, extents->idle + idle_index + 1,
            (extents->idle_count - idle_index) * sizeof *extents->idle);
}

/* Cuts bytes off the low end of the smallest idle extent that holds them; NULL if none does. */
static void *take_idle(struct extents *extents, size_t bytes)
{
    struct extent *best = NULL;
    for (size_t idle_index = 0; idle_index < extents->idle_count; idle_index++) {
        struct extent *extent = &extents->idle[idle_index];
        if (extent->bytes >= bytes && (best == NULL || extent->bytes < best->bytes))
            best = extent;
        if (best != NULL && best->bytes == bytes)
            break;
    }
    if (best == NULL)
        return NULL;
    uint8_t *memory = best->memory;
    best->memory += bytes;
    best->bytes -= bytes;
    if (best->bytes == 0)
        remove_idle(extents, (size_t)(best - extents->idle));
    extents->idle_bytes -= bytes;
    return memory;
}

/* A new mapping, for which idle extents are unmapped where all would pass mapped_bytes_max with
 * more_bytes more; NULL, and errno, without memory. */
static uint8_t *map_within(struct extents *extents, size_t bytes, size_t more_bytes,
                           uint64_t mapped_bytes_max)
{
    uint64_t others_bytes = extents->mapped_bytes - extents->idle_bytes;
    uint64_t idle_bytes_max = 0;
    if (ckd_sub(&idle_bytes_max, mapped_bytes_max, others_bytes) ||
        ckd_sub(&idle_bytes_max, idle_bytes_max, more_bytes))
        idle_bytes_max = 0;
    extents_trim(extents, idle_bytes_max);
    uint8_t *memory = map_aligned(bytes);
    if (memory == NULL && extents->idle_bytes > 0) {
        extents_trim(extents, 0);
        memory = map_aligned(bytes);
    }
    return memory;
}

/* A mapping that is handed out: of mapped_bytes, the last more_bytes are new. */
static void set_up(struct extents *extents, uint8_t *memory, size_t bytes, size_t more_bytes)
{
    /* Only advice: a kernel without huge pages says EINVAL, and small ones do as well. */
    madvise(memory, bytes, MADV_HUGEPAGE);
    add_roots(memory, bytes);
    poison(memory + bytes - more_bytes, more_bytes);
    extents->mapped_bytes += more_bytes;
}

barks_status *extents_take(struct extents *extents, size_t bytes, uint64_t mapped_bytes_max,
                           void **out, bool *out_is_zero)
{
    assert(bytes > 0 && bytes % EXTENT_BYTES == 0);
    BARKS_TRY(make_room(extents));
    uint8_t *memory = take_idle(extents, bytes);
    bool is_zero = memory == NULL;
    if (is_zero) {
        memory = map_within(extents, bytes, bytes, mapped_bytes_max);
        if (memory == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "the system has no %zu bytes left: %s", bytes,
                       strerror(errno));
        set_up(extents, memory, bytes, bytes);
    }
    extents->taken_count++;
    assert(extents_are_sound(extents));
    *out = memory;
    *out_is_zero = is_zero;
    return NULL;
}

barks_status *extents_grow(struct extents *extents, void *memory, size_t old_bytes, size_t bytes,
                           uint64_t mapped_bytes_max, void **out)
{
    assert(is_aligned(memory) && old_bytes < bytes && bytes % EXTENT_BYTES == 0);
    BARKS_TRY(make_room(extents));
    unpoison(memory, old_bytes);
    uint8_t *grown = take_idle(extents, bytes);
    if (grown != NULL) {
        unpoison(grown, bytes);
        memcpy(grown, memory, old_bytes);
        memset(grown + old_bytes, 0, bytes - old_bytes);
        poison(grown + old_bytes, bytes - old_bytes);
        extents->taken_count++;
        extents_give(extents, memory, old_bytes);
        *out = grown;
        return NULL;
    }
    grown = map_within(extents, bytes, bytes - old_bytes, mapped_bytes_max);
    if (grown == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "the system has no %zu bytes left: %s", bytes, strerror(errno));
    remove_roots(memory, old_bytes);
    if (mremap(memory, old_bytes, old_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, grown) == MAP_FAILED) {
        int error = errno;
        munmap(grown, bytes);
        add_roots(memory, old_bytes);
        BARKS_FAIL(BARKS_NO_MEMORY, "cannot move %zu bytes of memory: %s", old_bytes,
                   strerror(error));
    }
    set_up(extents, grown, bytes, bytes - old_bytes);
    assert(extents_are_sound(extents));
    *out = grown;
    return NULL;
}

/* The first idle extent that begins after memory. */
static size_t find_after(const struct extents *extents, const uint8_t *memory)
{
    size_t low = 0;
    size_t high = extents->idle_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (extents->idle[middle].memory > memory)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void extents_give(struct extents *extents, void *memory, size_t bytes)
{
    assert(is_aligned(memory) && bytes > 0 && bytes % EXTENT_BYTES == 0);
    size_t after = find_after(extents, memory);
    struct extent *next = after < extents->idle_count ? &extents->idle[after] : NULL;
    struct extent *previous = after > 0 ? &extents->idle[after - 1] : NULL;
    bool joins_next = next != NULL && (uint8_t *)memory + bytes == next->memory;
    bool joins_previous = previous != NULL && previous->memory + previous->bytes == memory;
    if (joins_previous && joins_next) {
        previous->bytes += bytes + next->bytes;
        remove_idle(extents, after);
    } else if (joins_previous) {
        previous->bytes += bytes;
    } else if (joins_next) {
        next->memory = memory;
        next->bytes += bytes;
    } else {
        memmove(extents->idle + after + 1, extents->idle + after,
                (extents->idle_count - after) * sizeof *extents->idle);
        extents->idle[after] = (struct extent){.memory = memory, .bytes = bytes};
        extents->idle_count++;
    }
    extents->idle_bytes += bytes;
    extents->taken_count--;
    poison(memory, bytes);
    assert(extents_are_sound(extents));
}

bool extents_give_front(struct extents *extents, void *memory, size_t bytes)
{
    barks_status *status = make_room(extents);
    if (status != NULL) {
        barks_status_free(status);
        return false;
    }
    extents->taken_count++; /* there are two of them now */
    extents_give(extents, memory, bytes);
    return true;
}

void extents_trim(struct extents *extents, uint64_t idle_bytes_max)
{
    while (extents->idle_bytes > idle_bytes_max) {
        size_t largest = 0;
        for (size_t idle_index = 1; idle_index < extents->idle_count; idle_index++) {
            if (extents->idle[idle_index].bytes > extents->idle[largest].bytes)
                largest = idle_index;
        }
        /* Only what must go: the high end of it, rounded up to whole extents. */
        struct extent *extent = &extents->idle[largest];
        uint64_t surplus_bytes = extents->idle_bytes - idle_bytes_max;
        size_t bytes = extent->bytes;
        if (surplus_bytes < bytes)
            bytes = (size_t)(surplus_bytes + EXTENT_BYTES - 1) & ~(EXTENT_BYTES - 1);
        uint8_t *memory = extent->memory + extent->bytes - bytes;
        unpoison(memory, bytes);
        remove_roots(memory, bytes);
        if (munmap(memory, bytes) != 0) {
            /* The process has too many mappings to cut one in two: it stays idle. */
            add_roots(memory, bytes);
            poison(memory, bytes);
            return;
        }
        extent->bytes -= bytes;
        if (extent->bytes == 0)
            remove_idle(extents, largest);
        extents->idle_bytes -= bytes;
        extents->mapped_bytes -= bytes;
    }
}

void extents_drop(struct extents *extents)
{
    extents_trim(extents, 0);
    free(extents->idle);
    *extents = (struct extents){0};
}

bool extents_are_sound(const struct extents *extents)
{
    uint64_t idle_bytes = 0;
    for (size_t idle_index = 0; idle_index < extents->idle_count; idle_index++) {
        const struct extent *extent = &extents->idle[idle_index];
        if (!is_aligned(extent->memory) || extent->bytes == 0 || extent->bytes % EXTENT_BYTES != 0)
            return false;
        if (idle_index > 0 && extent[-1].memory + extent[-1].bytes >= extent->memory)
            return false;
        idle_bytes += extent->bytes;
    }
    return idle_bytes == extents->idle_bytes && extents->mapped_bytes >= idle_bytes &&
           extents->idle_capacity >= extents->idle_count + extents->taken_count;
}
