#include "plan/stored_stage.h"

#include "base/pack.h"
#include "exec/stored_source.h"

#include <inttypes.h>
#include <stdlib.h>

void stored_stage_destroy(struct stored_stage *stored)
{
    if (stored == NULL)
        return;
    for (uint32_t i = 0; stored->paths != NULL && i < stored->path_count; i++)
        free(stored->paths[i]);
    free(stored->paths);
    free(stored->pieces);
    free(stored->path_of);
    free(stored);
}

barks_status *stored_stage_create(uint32_t partition_count, uint32_t path_count,
                                  struct stored_stage **out_stored)
{
    struct stored_stage *stored = calloc(1, sizeof *stored);
    if (stored != NULL) {
        stored->partition_count = partition_count;
        stored->path_count = path_count;
        stored->paths = calloc((size_t)path_count + 1, sizeof *stored->paths);
        stored->pieces = calloc((size_t)partition_count + 1, sizeof *stored->pieces);
        stored->path_of = calloc((size_t)partition_count + 1, sizeof *stored->path_of);
    }
    if (stored == NULL || stored->paths == NULL || stored->pieces == NULL ||
        stored->path_of == NULL) {
        stored_stage_destroy(stored);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a stored stage of %" PRIu32 " partitions",
                   partition_count);
    }
    *out_stored = stored;
    return NULL;
}

barks_status *stored_stage_pack(const struct stored_stage *stored, uint32_t partition,
                                struct packer *out)
{
    struct packer packed = {0};
    stored_source_pack(&packed, stored->paths[stored->path_of[partition]], stored->tag,
                       &stored->pieces[partition]);
    barks_status *status = packer_finish(&packed);
    if (status == NULL)
        pack_bytes(out, packed.bytes.data, packed.bytes.size);
    packer_drop(&packed);
    return status;
}
