/* A chunk is filled in memory that belongs to no pool, so that its pages can become those of a file
 * under the feet of views into it. */
#include "store/mapped_strings.h"

#include "base/hash.h"
#include "base/pool.h"
#include "batch/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 20 };

struct mapped_chunk {
    const struct spill_room *room; /* borrowed */
    struct block *block;           /* whose owner this is */
    uint8_t *memory;
    size_t size_bytes;          /* whole pages */
    struct scratch_place place; /* of no bytes while it is in memory */
    uint64_t hash;              /* of what was written there */
};

static bool is_as_written(const struct mapped_chunk *chunk)
{
    return hash_bytes(chunk->memory, chunk->size_bytes) == chunk->hash;
}

static void give_back(struct block *block)
{
    struct mapped_chunk *chunk = block->owner;
    if (chunk->place.size_bytes > 0 && !is_as_written(chunk))
        scratch_note_unseen_damage(chunk->room->scratch, chunk->place);
    (void)munmap(chunk->memory, chunk->size_bytes); /* whole pages that are mapped */
    if (chunk->place.size_bytes > 0)
        scratch_free(chunk->room->scratch, chunk->place);
    else
        pool_unreserve(chunk->room->pool, chunk->size_bytes);
    free(chunk);
}

BARKS_CHECKED static barks_status *map_memory(struct mapped_chunk *chunk)
{
    BARKS_TRY(pool_reserve(chunk->room->pool, chunk->size_bytes));
    void *memory =
        mmap(NULL, chunk->size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        pool_unreserve(chunk->room->pool, chunk->size_bytes);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %zu bytes of strings: %s", chunk->size_bytes,
                   strerrordesc_np(errno));
    }
    chunk->memory = memory;
    return NULL;
}

BARKS_CHECKED static barks_status *create_chunk(const struct spill_room *room, size_t length,
                                                struct mapped_chunk **out_chunk)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    size_t bytes = length + BLOCK_SLACK_BYTES; /* of a string that is in memory: no overflow */
    struct mapped_chunk *chunk = calloc(1, sizeof *chunk);
    if (chunk == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the description of a chunk");
    *chunk = (struct mapped_chunk){.room = room,
                                   .size_bytes = bytes < CHUNK_BYTES ? CHUNK_BYTES
                                                                     : (bytes + page_bytes - 1) /
                                                                           page_bytes * page_bytes};
    barks_status *status = map_memory(chunk);
    if (status != NULL) {
        free(chunk);
        return status;
    }
    status = block_adopt(chunk->memory, chunk->size_bytes - BLOCK_SLACK_BYTES, give_back, chunk,
                         &chunk->block);
    if (status != NULL) {
        (void)munmap(chunk->memory, chunk->size_bytes); /* likewise */
        pool_unreserve(room->pool, chunk->size_bytes);
        free(chunk);
        return status;
    }
    *out_chunk = chunk;
    return NULL;
}

/* From now on the chunk is in the file. */
BARKS_CHECKED static barks_status *write_chunk(struct mapped_chunk *chunk)
{
    struct scratch *scratch = chunk->room->scratch;
    struct scratch_place place = {0};
    chunk->hash = hash_bytes(chunk->memory, chunk->size_bytes);
    BARKS_TRY(scratch_write(scratch, chunk->memory, chunk->size_bytes, &place));
    barks_status *status = scratch_map(scratch, place, chunk->memory);
    if (status != NULL) {
        scratch_free(scratch, place);
        return status;
    }
    chunk->place = place;
    pool_unreserve(chunk->room->pool, chunk->size_bytes);
    if (!is_as_written(chunk))
        return scratch_damaged(scratch, place,
                               barks_status_new(BARKS_BAD_INPUT, NULL, BARKS_HERE,
                                                "strings of a long group have changed"));
    return NULL;
}

void mapped_strings_drop(struct mapped_strings *strings)
{
    if (strings->chunk != NULL)
        block_release(strings->chunk->block);
    *strings = (struct mapped_strings){.base = strings->base, .room = strings->room};
}

BARKS_CHECKED static barks_status *begin_chunk(struct mapped_strings *strings, size_t length)
{
    struct mapped_chunk *chunk = strings->chunk;
    if (chunk != NULL && block_is_mine(chunk->block) && length <= chunk->block->size_bytes) {
        strings->used_bytes = 0;
        return NULL;
    }
    if (chunk != NULL && !block_is_mine(chunk->block))
        BARKS_TRY(write_chunk(chunk));
    mapped_strings_drop(strings);
    return create_chunk(strings->room, length, &strings->chunk);
}

barks_status *mapped_strings_take(struct string_room *base, size_t length, struct block **out_block,
                                  uint8_t **out_bytes)
{
    struct mapped_strings *strings = (struct mapped_strings *)base;
    if (strings->chunk == NULL || strings->chunk->block->size_bytes - strings->used_bytes < length)
        BARKS_TRY(begin_chunk(strings, length));
    *out_block = strings->chunk->block;
    *out_bytes = strings->chunk->memory + strings->used_bytes;
    strings->used_bytes += length;
    return NULL;
}
