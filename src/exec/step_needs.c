#include "exec/step_needs.h"

#include "base/pack.h"

#include <stdlib.h>
#include <string.h>

bool step_needs_are_plain(const struct step_needs *needs)
{
    return step_needs_threads(needs) == 1 && needs->memory_bytes == 0 &&
           needs->resources.count == 0;
}

barks_status *step_needs_add(struct step_needs *sum, const struct step_needs *more)
{
    if (sum->where == NULL)
        sum->where = more->where;
    if (more->threads > sum->threads)
        sum->threads = more->threads;
    if (more->memory_bytes > sum->memory_bytes)
        sum->memory_bytes = more->memory_bytes;
    return name_counts_merge(&sum->resources, &more->resources);
}

void step_needs_pack(struct packer *out, const struct step_needs *needs)
{
    pack_u64(out, needs->threads);
    pack_u64(out, needs->memory_bytes);
    pack_u64(out, needs->resources.count);
    for (uint32_t i = 0; i < needs->resources.count; i++) {
        pack_text(out, needs->resources.items[i].name);
        pack_u64(out, needs->resources.items[i].count);
    }
}

barks_status *step_needs_unpack(struct unpacker *in, struct step_needs *out)
{
    struct step_needs needs = {.threads = unpack_u32(in), .memory_bytes = unpack_u64(in)};
    uint32_t count = unpack_count(in);
    bool is_right = count <= NAME_COUNTS_MAX;
    for (uint32_t i = 0; i < count && is_right; i++) {
        struct name_count *item = &needs.resources.items[needs.resources.count];
        char *name = unpack_text(in);
        item->count = unpack_u32(in);
        is_right =
            name != NULL && strlen(name) < sizeof item->name && item->count <= NAME_COUNT_MAX;
        if (is_right) {
            memcpy(item->name, name, strlen(name) + 1);
            needs.resources.count++;
        }
        free(name);
    }
    if (!is_right)
        BARKS_FAIL(BARKS_BAD_INPUT, "these are no needs of a stage");
    *out = needs;
    return NULL;
}
