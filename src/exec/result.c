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

barks_status *result_add_bytes(struct task_result *result, uint32_t partition,
                               uint64_t partition_rows, const uint8_t *bytes, size_t size_bytes)
{
    struct result_head head = {
        .partition = partition, .partition_rows = partition_rows, .encoded_bytes = size_bytes};
    BARKS_TRY(buffer_append(&result->bytes, &head, sizeof head));
    return size_bytes > 0 ? buffer_append(&result->bytes, bytes, size_bytes) : NULL;
}

barks_status *result_next(const uint8_t *result, size_t result_bytes, size_t *offset,
                          struct result_head *out_head, const uint8_t **out_bytes, bool *out_more)
{
    *out_more = *offset < result_bytes;
    if (!*out_more)
        return NULL;
    if (result_bytes - *offset < sizeof *out_head)
        BARKS_FAIL(BARKS_BAD_INPUT, "a task's result ends in the middle of a head");
    memcpy(out_head, result + *offset, sizeof *out_head);
    *offset += sizeof *out_head;
    if (out_head->encoded_bytes > result_bytes - *offset)
        BARKS_FAIL(BARKS_BAD_INPUT, "a task's result ends in the middle of its rows");
    *out_bytes = result + *offset;
    *offset += out_head->encoded_bytes;
    return NULL;
}

barks_status *result_append_rows(const struct result_head *head, const uint8_t *bytes,
                                 struct batch *rows)
{
    if (head->encoded_bytes > 0)
        BARKS_TRY_DOING(codec_decode(bytes, head->encoded_bytes, NULL, rows),
                        "read a task's result");
    return NULL;
}
