#include "exec/result.h"

#include "batch/codec.h"

#include <stdlib.h>
#include <string.h>

barks_status *result_add(struct task_result *result, uint32_t partition, uint64_t partition_rows,
                         const barks_batch *rows)
{
    uint32_t row_count = rows != NULL ? rows->row_count : 0;
    struct result_head head = {
        .partition = partition, .row_count = row_count, .partition_rows = partition_rows};
    if (row_count > 0)
        head.encoded_bytes = codec_encoded_bytes(rows, 0, row_count);
    BARKS_TRY(buffer_append(&result->bytes, &head, sizeof head));
    if (row_count == 0)
        return NULL;
    uint8_t *room = NULL;
    BARKS_TRY_DOING(buffer_extend(&result->bytes, head.encoded_bytes, &room),
                    "send rows to the driver");
    codec_encode(rows, 0, row_count, room);
    return NULL;
}

barks_status *result_next(const uint8_t *bytes, size_t size_bytes, size_t *offset,
                          struct batch *rows, struct result_head *out_head, bool *out_more)
{
    *out_more = *offset < size_bytes;
    if (!*out_more)
        return NULL;
    if (size_bytes - *offset < sizeof *out_head)
        BARKS_FAIL(BARKS_BAD_INPUT, "a task's result ends in the middle of a head");
    memcpy(out_head, bytes + *offset, sizeof *out_head);
    *offset += sizeof *out_head;
    if (out_head->encoded_bytes == 0)
        return NULL;
    if (out_head->encoded_bytes > size_bytes - *offset)
        BARKS_FAIL(BARKS_BAD_INPUT, "a task's result ends in the middle of its rows");
    BARKS_TRY_DOING(codec_decode(bytes + *offset, out_head->encoded_bytes, NULL, rows),
                    "read a task's result");
    *offset += out_head->encoded_bytes;
    return NULL;
}
