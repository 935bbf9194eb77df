/* The decoders of schemas and batches: any bytes give rows that are valid, and that come back when
 * they are encoded again, or an error with a text. An input is a byte, an encoded schema, and an
 * encoded batch of it; the byte says
 *
 *     s  just the schema is read
 *     r  the batch is read as it is
 *     f  its head is put right first (magic, version, schema, size, checksum), so that the body is
 * looked at */
#include "base/buffer.h"
#include "base/pool.h"
#include "base/scope.h"
#include "batch/block.h"
#include "batch/codec.h"
#include "batch/codec_format.h"
#include "batch/column.h"
#include "batch/schema.h"
#include "batch/value_text.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 10000, POOL_BYTES = 64 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void must(barks_status *status) { require(status == NULL); }

static void refused(barks_status *status)
{
    require(barks_status_text(status)[0] != '\0');
    barks_code code = barks_status_code(status);
    require(code == BARKS_BAD_INPUT || code == BARKS_LIMIT || code == BARKS_NO_MEMORY);
    barks_status_free(status);
}

/* Rows without bytes may be many: no pass over those. */
static bool rows_are_few(const barks_column *column, uint32_t row_count)
{
    if (row_count > ROWS_MAX)
        return false;
    for (uint32_t child = 0; child < column_child_count(column->type); child++)
        if (!rows_are_few(&column->children[child],
                          column->type->id == BARKS_LIST ? column->item_count : row_count))
            return false;
    return true;
}

static bool batch_is_small(const struct batch *batch)
{
    if (batch->base.row_count > ROWS_MAX)
        return false;
    for (uint32_t i = 0; i < batch->base.schema->field_count; i++)
        if (!rows_are_few(&batch->base.columns[i], batch->base.row_count))
            return false;
    return true;
}

/* Every operation on rows that came from outside, and the way back. */
static void use_rows(struct pool *pool, const struct batch *batch)
{
    const barks_schema *schema = batch->base.schema;
    uint32_t row_count = batch->base.row_count;
    struct block *block = NULL;
    struct batch *again = NULL;
    BARKS_AUTO(buffer) text = {.limit_bytes = SIZE_MAX};
    uint64_t bytes = codec_encoded_bytes(&batch->base, 0, row_count);
    must(block_create(pool, bytes, &block));
    codec_encode(&batch->base, 0, row_count, block->bytes);
    must(batch_create(pool, schema, 0, &again));
    must(codec_decode(block->bytes, bytes, block, again));
    block_release(block);
    must(batch_validate(again, false));
    require(batch_equal(&batch->base, &again->base));
    must(batch_append(again, batch, 0, row_count, BATCH_KEEP));
    must(batch_validate(again, false));
    must(batch_print(&again->base, 5, &text));
    for (uint32_t i = 0; i < schema->field_count && row_count > 0; i++) {
        uint64_t *hashes = malloc(again->base.row_count * sizeof *hashes);
        require(hashes != NULL);
        batch_hash(&again->base, &i, 1, hashes);
        for (uint32_t row = 0; row < row_count; row++)
            require(hashes[row] == hashes[row_count + row]);
        free(hashes);
        struct sort_key key = {.column = i};
        require(batch_compare_rows(&batch->base, 0, &again->base, row_count, &key, 1) == 0);
    }
    batch_destroy(again);
}

static void forge_head(uint8_t *bytes, size_t size, const barks_schema *schema)
{
    struct codec_header header = {.magic = CODEC_MAGIC,
                                  .version = CODEC_VERSION,
                                  .schema_hash = schema_hash(schema),
                                  .body_bytes = size - CODEC_HEADER_BYTES};
    size_t row_count_at = offsetof(struct codec_header, row_count);
    memcpy(&header.row_count, bytes + row_count_at, sizeof header.row_count);
    memcpy(bytes, &header, sizeof header);
    header.checksum = codec_checksum(bytes, header.body_bytes);
    memcpy(bytes, &header, sizeof header);
}

static void read_batch(struct pool *pool, const barks_schema *schema, const uint8_t *data,
                       size_t size, bool forged)
{
    struct block *block = NULL;
    struct batch *batch = NULL;
    must(block_create(pool, size, &block));
    if (size > 0)
        memcpy(block->bytes, data, size);
    if (forged && size >= CODEC_HEADER_BYTES)
        forge_head(block->bytes, size, schema);
    must(batch_create(pool, schema, 0, &batch));
    barks_status *status = codec_decode(block->bytes, size, size % 2 == 0 ? block : NULL, batch);
    block_release(block);
    require(batch_is_sound(batch));
    if (status != NULL) {
        refused(status);
        require(batch->base.row_count == 0);
    } else if (batch_is_small(batch)) {
        must(batch_validate(batch, false));
        use_rows(pool, batch);
    }
    batch_destroy(batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = NULL;
    barks_schema *schema = NULL;
    size_t schema_bytes = 0;
    if (size == 0)
        return 0;
    barks_status *status = schema_decode(data + 1, size - 1, &schema_bytes, &schema);
    if (status != NULL) {
        refused(status);
        return 0;
    }
    if (data[0] == 's') {
        BARKS_AUTO(buffer) again = {.limit_bytes = SIZE_MAX};
        must(schema_encode(schema, &again));
        require(again.size_bytes == schema_bytes &&
                memcmp(again.data, data + 1, schema_bytes) == 0);
    } else {
        must(pool_create(POOL_BYTES, &pool));
        read_batch(pool, schema, data + 1 + schema_bytes, size - 1 - schema_bytes, data[0] == 'f');
        require(pool_used_bytes(pool) == 0);
        pool_destroy(pool);
    }
    schema_destroy(schema);
    return 0;
}
