#include "plan/plan_codec.h"

#include "base/buffer.h"
#include "base/scope.h"
#include "batch/codec.h"
#include "exec/record_registry.h"
#include "exec/registry.h"
#include "io/commit.h"
#include "io/sink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Layout, one msgpack object after another: stage, gang, needs, node count, nodes, terminal. Each
 * part is written and read by a pair of functions below, in the same order. */

enum { PIPELINE_NODES_MAX = 1 << 20, COMMIT_BYTES_MAX = 1 << 20 };

/* ---- writing ---- */

static void pack_u32s(struct packer *out, const uint32_t *values, uint32_t count)
{
    pack_u64(out, count);
    for (uint32_t i = 0; i < count; i++)
        pack_u64(out, values[i]);
}

static void pack_sort_keys(struct packer *out, const struct sort_key *keys, uint32_t count)
{
    pack_u64(out, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_u64(out, keys[i].column);
        pack_bool(out, keys[i].descending);
        pack_bool(out, keys[i].nulls_first);
    }
}

static void pack_node(struct packer *out, const struct pipe_node *node)
{
    step_pack(out, &node->step);
    pack_u64(out, node->partition_count);
    record_pack(out, node->record);
    pack_u32s(out, node->inputs, node->input_count);
    pack_text(out, node->where);
    pack_u64(out, node->shuffle);
    pack_bool(out, node->is_only_reader);
    pack_u64(out, node->piece_role);
    pack_u32s(out, node->kept_at, node->kept_at != NULL ? node->partition_count : 0);
}

BARKS_CHECKED static barks_status *pack_splitters(struct packer *out,
                                                  const struct terminal *terminal)
{
    const struct batch *splitters = terminal->splitters;
    uint64_t encoded_bytes = codec_encoded_bytes(&splitters->base, 0, splitters->base.row_count);
    uint8_t *encoded = malloc(encoded_bytes);
    if (encoded == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu32 " splitters",
                   splitters->base.row_count);
    codec_encode(&splitters->base, 0, splitters->base.row_count, encoded);
    pack_bytes(out, encoded, encoded_bytes);
    free(encoded);
    return NULL;
}

BARKS_CHECKED static barks_status *pack_commit(struct packer *out, const struct commit *commit)
{
    BARKS_AUTO(buffer) bytes = {.limit_bytes = COMMIT_BYTES_MAX};
    if (commit != NULL)
        BARKS_TRY(commit_pack(commit, &bytes));
    pack_bytes(out, bytes.data, bytes.size_bytes);
    return NULL;
}

BARKS_CHECKED static barks_status *pack_terminal(struct packer *out,
                                                 const struct terminal *terminal)
{
    pack_u64(out, terminal->kind);
    step_pack(out, &terminal->step);
    pack_u64(out, terminal->limit);
    pack_u64(out, terminal->first_partition);
    pack_u64(out, terminal->end_partition);
    pack_u64(out, terminal->shuffle);
    pack_u64(out, terminal->partitioner);
    pack_u64(out, terminal->partition_count);
    pack_u32s(out, terminal->key_columns, terminal->key_count);
    pack_sort_keys(out, terminal->sort_keys, terminal->sort_key_count);
    pack_u32s(out, terminal->owners, terminal->owners != NULL ? terminal->partition_count : 0);
    pack_u64(out, terminal->copies);
    pack_u64(out, terminal->stride);
    pack_u64(out, terminal->hot_role);
    pack_bool(out, terminal->finds_hot_keys);
    hot_list_pack(&terminal->hot_keys, out);
    pack_u64(out, terminal->filter_role);
    pack_u64(out, terminal->filter_log2);
    key_filter_pack(&terminal->filter, out);
    record_pack(out, terminal->accumulator);
    pack_text(out, terminal->format != NULL ? terminal->format->name : NULL);
    BARKS_TRY(pack_commit(out, terminal->commit));
    if (terminal->splitters != NULL)
        return pack_splitters(out, terminal);
    pack_bytes(out, NULL, 0);
    return NULL;
}

barks_status *pipeline_pack(const struct pipeline *pipeline, struct packer *out)
{
    pack_u64(out, pipeline->stage);
    pack_bool(out, pipeline->gang.is_gang);
    pack_bool(out, pipeline->gang.is_spread);
    step_needs_pack(out, &pipeline->needs);
    pack_u64(out, pipeline->node_count);
    for (uint32_t i = 0; i < pipeline->node_count; i++)
        pack_node(out, &pipeline->nodes[i]);
    BARKS_TRY(pack_terminal(out, &pipeline->terminal));
    return packer_finish(out);
}

/* ---- reading ---- */

static uint32_t *unpack_u32s(struct unpacker *in, uint32_t *out_count)
{
    uint32_t count = unpack_count(in);
    uint32_t *values = unpack_array(in, count, sizeof *values);
    for (uint32_t i = 0; i < count && values != NULL; i++)
        values[i] = unpack_u32(in);
    *out_count = values != NULL ? count : 0;
    return values;
}

static struct sort_key *unpack_sort_keys(struct unpacker *in, uint32_t *out_count)
{
    uint32_t count = unpack_count(in);
    struct sort_key *keys = unpack_array(in, count, sizeof *keys);
    for (uint32_t i = 0; i < count && keys != NULL; i++) {
        keys[i].column = unpack_u32(in);
        keys[i].descending = unpack_bool(in);
        keys[i].nulls_first = unpack_bool(in);
    }
    *out_count = keys != NULL ? count : 0;
    return keys;
}

BARKS_CHECKED static barks_status *unpack_node(struct unpacker *in, struct pool *pool,
                                               struct pipe_node *out)
{
    uint32_t kept_count = 0;
    BARKS_TRY(step_unpack(in, pool, &out->step));
    out->partition_count = unpack_u32(in);
    BARKS_TRY(record_unpack(in, &out->record));
    out->inputs = unpack_u32s(in, &out->input_count);
    out->where = unpack_text(in);
    out->shuffle = unpack_u64(in);
    out->is_only_reader = unpack_bool(in);
    out->piece_role = (enum piece_role)unpack_u32(in);
    out->kept_at = unpack_u32s(in, &kept_count);
    if (kept_count > 0 && kept_count != out->partition_count)
        BARKS_FAIL(BARKS_BAD_INPUT, "a step of a plan keeps %" PRIu32 " of %" PRIu32 " partitions",
                   kept_count, out->partition_count);
    if (kept_count == 0) {
        free(out->kept_at);
        out->kept_at = NULL;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *unpack_splitters(struct unpacker *in, struct pool *pool,
                                                    const barks_record *record,
                                                    struct terminal *out)
{
    size_t size_bytes = 0;
    const uint8_t *bytes = unpack_bytes(in, &size_bytes);
    if (bytes == NULL)
        return NULL;
    if (record == NULL)
        BARKS_FAIL(BARKS_BAD_INPUT, "a plan has splitters but no rows");
    BARKS_TRY(batch_create(pool, &record->schema, out->partition_count, &out->splitters));
    return codec_decode(bytes, size_bytes, NULL, out->splitters);
}

BARKS_CHECKED static barks_status *unpack_format(struct unpacker *in, struct terminal *out)
{
    char *name = unpack_text(in);
    if (name == NULL)
        return NULL;
    out->format = sink_format_find(name);
    free(name);
    if (out->format == NULL)
        BARKS_FAIL(BARKS_BAD_INPUT, "a plan writes in a format that is not known here");
    return NULL;
}

BARKS_CHECKED static barks_status *unpack_commit(struct unpacker *in, struct terminal *out)
{
    size_t size_bytes = 0, used_bytes = 0;
    const uint8_t *bytes = unpack_bytes(in, &size_bytes);
    if (bytes == NULL)
        return NULL;
    out->commit = calloc(1, sizeof *out->commit);
    if (out->commit == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an output");
    return commit_unpack(bytes, size_bytes, &used_bytes, out->commit);
}

BARKS_CHECKED static barks_status *unpack_hot_keys(struct unpacker *in, struct terminal *out)
{
    out->hot_role = (enum hot_role)unpack_u32(in);
    out->finds_hot_keys = unpack_bool(in);
    BARKS_TRY(hot_list_unpack(&out->hot_keys, in));
    bool makes_sense = out->hot_role <= HOT_COPY &&
                       (out->hot_role == HOT_NONE || out->partitioner == PARTITION_HASH);
    for (uint32_t i = 0; i < out->hot_keys.count; i++)
        makes_sense &= out->hot_keys.keys[i].piece_count <= out->partition_count;
    if (!makes_sense)
        BARKS_FAIL(BARKS_BAD_INPUT, "a plan spreads hot keys as it cannot be done");
    return NULL;
}

BARKS_CHECKED static barks_status *unpack_filter(struct unpacker *in, struct terminal *out)
{
    out->filter_role = (enum filter_role)unpack_u32(in);
    out->filter_log2 = unpack_u32(in);
    BARKS_TRY(key_filter_unpack(&out->filter, in));
    bool makes_sense = out->filter_role <= FILTER_TESTS &&
                       (out->filter_role == FILTER_NONE || out->partitioner == PARTITION_HASH) &&
                       out->filter.ranges.count <= out->key_count;
    if (out->filter_role == FILTER_COLLECTS)
        makes_sense &=
            out->filter_log2 >= KEY_FILTER_LOG2_MIN && out->filter_log2 <= KEY_FILTER_LOG2_MAX;
    if (!makes_sense)
        BARKS_FAIL(BARKS_BAD_INPUT, "a plan leaves out rows of a join as it cannot be done");
    return NULL;
}

BARKS_CHECKED static barks_status *unpack_terminal(struct unpacker *in, struct pool *pool,
                                                   const barks_record *record, struct terminal *out)
{
    uint32_t owner_count = 0;
    out->kind = (enum terminal_kind)unpack_u32(in);
    BARKS_TRY(step_unpack(in, pool, &out->step));
    out->limit = unpack_u64(in);
    out->first_partition = unpack_u32(in);
    out->end_partition = unpack_u32(in);
    out->shuffle = unpack_u64(in);
    out->partitioner = (enum partitioner_kind)unpack_u32(in);
    out->partition_count = unpack_u32(in);
    out->key_columns = unpack_u32s(in, &out->key_count);
    out->sort_keys = unpack_sort_keys(in, &out->sort_key_count);
    out->owners = unpack_u32s(in, &owner_count);
    if (out->kind == TERMINAL_SHUFFLE && owner_count != out->partition_count)
        BARKS_FAIL(BARKS_BAD_INPUT, "a plan names %" PRIu32 " owners of %" PRIu32 " partitions",
                   owner_count, out->partition_count);
    out->copies = unpack_u32(in);
    out->stride = unpack_u32(in);
    BARKS_TRY(unpack_hot_keys(in, out));
    BARKS_TRY(unpack_filter(in, out));
    BARKS_TRY(record_unpack(in, &out->accumulator));
    BARKS_TRY(unpack_format(in, out));
    BARKS_TRY(unpack_commit(in, out));
    return unpack_splitters(in, pool, record, out);
}

/* Which partitions of its input a step reads. */
static bool reads_what_is_there(const struct pipe_node *node, uint32_t input_partitions)
{
    const struct index_list *list = &node->step.columns[0];
    bool is_pick = node->step.kind == STEP_PICK;
    if (list->count != node->partition_count + (is_pick ? 0 : 1))
        return false;
    for (uint32_t p = 0; p < node->partition_count; p++)
        if (is_pick ? list->items[p] >= input_partitions : list->items[p] > list->items[p + 1])
            return false;
    return is_pick || list->items[node->partition_count] <= input_partitions;
}

/* One input is held by all executors, the other has the step's partitions. */
static bool looks_up_what_is_there(const struct pipeline *pipeline, const struct pipe_node *node)
{
    int64_t streamed = node->step.numbers[1];
    if (streamed != 0 && streamed != 1)
        return false;
    return pipeline->nodes[node->inputs[1 - streamed]].step.kind == STEP_BROADCAST &&
           pipeline->nodes[node->inputs[streamed]].partition_count == node->partition_count;
}

static bool partitions_fit(const struct pipeline *pipeline, const struct pipe_node *node)
{
    uint64_t sum = 0;
    bool are_equal = true;
    for (uint32_t k = 0; k < node->input_count; k++) {
        uint32_t count = pipeline->nodes[node->inputs[k]].partition_count;
        sum += count;
        are_equal = are_equal && count == node->partition_count;
    }
    if (node->step.kind == STEP_COALESCE || node->step.kind == STEP_PICK)
        return reads_what_is_there(node, pipeline->nodes[node->inputs[0]].partition_count);
    if (node->step.kind == STEP_LOOKUP)
        return looks_up_what_is_there(pipeline, node);
    return node->step.kind == STEP_UNION && node->step.numbers[0] == 0
               ? sum == node->partition_count
               : are_equal;
}

static bool is_ordered(const struct step *step)
{
    return step->order_count > 0 || (step->function != NULL && step->function->merge != NULL);
}

static bool is_well_made(const struct pipeline *pipeline, const struct pipe_node *node)
{
    uint32_t max = step_inputs_max(node->step.kind);
    bool may_have_one = max == UINT32_MAX || node->step.kind == STEP_WINDOWS;
    uint32_t min = may_have_one ? 1 : max > 2 ? 2 : max;
    return node->record != NULL && node->step.kind > STEP_NONE && node->step.kind < STEP_EXCHANGE &&
           node->input_count >= min && node->input_count <= max &&
           (node->step.kind != STEP_FUNCTION || node->step.function != NULL) &&
           (node->step.kind != STEP_CUSTOM ||
            (node->step.function != NULL && node->step.function->kind == BARKS_KIND_SOURCE)) &&
           (node->step.kind != STEP_SORT || is_ordered(&node->step)) &&
           (node->step.kind != STEP_BOUND || node->step.initial_rows != NULL) &&
           node->piece_role <= PIECE_LAST &&
           (node->kept_at == NULL || node->step.kind == STEP_KEEP ||
            node->step.kind == STEP_KEPT) &&
           partitions_fit(pipeline, node);
}

/* Every node stands after its inputs, of whose partitions its own are made. */
BARKS_CHECKED static barks_status *check_shape(const struct pipeline *pipeline)
{
    if (pipeline->node_count == 0)
        BARKS_FAIL(BARKS_BAD_INPUT, "a plan without steps");
    for (uint32_t i = 0; i < pipeline->node_count; i++) {
        const struct pipe_node *node = &pipeline->nodes[i];
        for (uint32_t k = 0; k < node->input_count; k++)
            if (node->inputs[k] >= i)
                BARKS_FAIL(BARKS_BAD_INPUT, "a step of a plan reads one that comes after it");
        if (!is_well_made(pipeline, node))
            BARKS_FAIL(BARKS_BAD_INPUT, "step %" PRIu32 " of a plan makes no sense", i);
    }
    const struct terminal *terminal = &pipeline->terminal;
    if (terminal->first_partition > terminal->end_partition ||
        terminal->end_partition > pipeline->nodes[pipeline->node_count - 1].partition_count)
        BARKS_FAIL(BARKS_BAD_INPUT, "a plan of partitions that are not there");
    if (terminal->step.kind == STEP_COMBINE && terminal->accumulator == NULL)
        BARKS_FAIL(BARKS_BAD_INPUT, "a plan combines rows into nothing");
    return NULL;
}

BARKS_CHECKED static barks_status *unpack_all(struct unpacker *in, struct pool *pool,
                                              struct pipeline *pipeline)
{
    pipeline->stage = unpack_u64(in);
    pipeline->gang.is_gang = unpack_bool(in);
    pipeline->gang.is_spread = unpack_bool(in);
    BARKS_TRY(step_needs_unpack(in, &pipeline->needs));
    uint32_t node_count = unpack_count(in);
    if (node_count > PIPELINE_NODES_MAX)
        BARKS_FAIL(BARKS_LIMIT, "a plan of %" PRIu32 " steps; the limit is %d", node_count,
                   PIPELINE_NODES_MAX);
    pipeline->nodes = unpack_array(in, node_count, sizeof *pipeline->nodes);
    if (pipeline->nodes == NULL)
        return unpacker_finish(in);
    for (uint32_t i = 0; i < node_count; i++) {
        pipeline->node_count = i + 1;
        BARKS_TRY(unpack_node(in, pool, &pipeline->nodes[i]));
    }
    const barks_record *record = node_count > 0 ? pipeline->nodes[node_count - 1].record : NULL;
    BARKS_TRY(unpack_terminal(in, pool, record, &pipeline->terminal));
    BARKS_TRY(unpacker_finish(in));
    return check_shape(pipeline);
}

barks_status *pipeline_unpack(struct unpacker *in, struct pool *pool,
                              struct pipeline **out_pipeline)
{
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (pipeline == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a plan");
    barks_status *status = unpack_all(in, pool, pipeline);
    if (status != NULL) {
        pipeline_destroy(pipeline);
        return status;
    }
    *out_pipeline = pipeline;
    return NULL;
}
