/* What the tasks of a stage are sent. */
#include "base/buffer.h"
#include "base/pack.h"
#include "base/scope.h"
#include "batch/codec.h"
#include "exec/custom_splits.h"
#include "io/split.h"
#include "plan/stage_cut.h"
#include "plan/stored_stage.h"

#include <stdlib.h>

/* Rows [i * n / p, (i + 1) * n / p) of an array are partition i. */
static void rows_of_partition(const struct stage_leaf *leaf, uint32_t partition,
                              uint32_t *out_first, uint32_t *out_count)
{
    uint64_t rows = leaf->rows->base.row_count;
    uint64_t first = rows * partition / leaf->partition_count;
    *out_first = (uint32_t)first;
    *out_count = (uint32_t)(rows * (partition + (uint64_t)1) / leaf->partition_count - first);
}

struct weighing {
    const struct stage_plan *stage;
    uint64_t weight;
};

static barks_status *weigh_leaf(void *context, struct pipe_place place)
{
    struct weighing *weighing = context;
    const struct stage_leaf *leaf = &weighing->stage->leaves[place.node];
    uint32_t first = 0, row_count = 1;
    if (leaf->kind == STEP_FILES) {
        weighing->weight += split_plan_bytes(leaf->splits, place.partition);
        return NULL;
    }
    if (leaf->kind == STEP_SHUFFLE) {
        weighing->weight += leaf->stored->pieces[place.partition].encoded_bytes;
        return NULL;
    }
    if (leaf->kind == STEP_CUSTOM) {
        weighing->weight += custom_splits_weight(leaf->custom, place.partition);
        return NULL;
    }
    if (leaf->kind == STEP_ROWS)
        rows_of_partition(leaf, place.partition, &first, &row_count);
    weighing->weight += row_count;
    return NULL;
}

uint64_t stage_weight(const struct stage_plan *stage, uint32_t partition)
{
    struct weighing weighing = {.stage = stage};
    barks_status *status = pipeline_visit_leaves(
        stage->pipeline, pipeline_root(stage->pipeline, partition), weigh_leaf, &weighing);
    barks_status_free(status); /* weights only balance */
    return weighing.weight;
}

struct wishing {
    const struct stage_plan *stage;
    const char *hosts;
};

static barks_status *wish_of_leaf(void *context, struct pipe_place place)
{
    struct wishing *wishing = context;
    const struct stage_leaf *leaf = &wishing->stage->leaves[place.node];
    if (leaf->kind == STEP_CUSTOM && wishing->hosts == NULL)
        wishing->hosts = custom_splits_hosts(leaf->custom, place.partition);
    return NULL;
}

const char *stage_hosts(const struct stage_plan *stage, uint32_t partition)
{
    struct wishing wishing = {.stage = stage};
    bool may_wish = false;
    for (uint32_t i = 0; i < stage->pipeline->node_count; i++)
        may_wish |= stage->leaves[i].kind == STEP_CUSTOM;
    if (!may_wish)
        return NULL;
    barks_status *status = pipeline_visit_leaves(
        stage->pipeline, pipeline_root(stage->pipeline, partition), wish_of_leaf, &wishing);
    barks_status_free(status); /* a wish that is not heard changes no answer */
    return wishing.hosts;
}

bool stage_reads_shuffles(const struct stage_plan *stage)
{
    bool reads = false;
    for (uint32_t i = 0; i < stage->input_count; i++)
        reads |= stage->inputs[i].kind == INPUT_PARTITIONS;
    return reads;
}

bool stage_reads_files(const struct stage_plan *stage)
{
    bool reads_files = false;
    for (uint32_t i = 0; i < stage->pipeline->node_count; i++) {
        enum step_kind kind = stage->pipeline->nodes[i].step.kind;
        if (step_is_leaf(kind) && kind != STEP_FILES && kind != STEP_BROADCAST)
            return false;
        reads_files |= kind == STEP_FILES;
    }
    return reads_files;
}

BARKS_CHECKED static barks_status *pack_rows(const struct stage_leaf *leaf, uint32_t leaf_partition,
                                             struct packer *out)
{
    uint32_t first = 0, row_count = 0;
    rows_of_partition(leaf, leaf_partition, &first, &row_count);
    uint64_t encoded_bytes = codec_encoded_bytes(&leaf->rows->base, first, row_count);
    uint8_t *encoded = malloc(encoded_bytes);
    if (encoded == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to send %u rows", row_count);
    codec_encode(&leaf->rows->base, first, row_count, encoded);
    pack_bytes(out, encoded, encoded_bytes);
    free(encoded);
    return NULL;
}

BARKS_CHECKED static barks_status *pack_splits(const struct stage_leaf *leaf,
                                               uint32_t leaf_partition, struct packer *out)
{
    size_t begin = leaf->splits->firsts[leaf_partition],
           end = leaf->splits->firsts[leaf_partition + 1];
    BARKS_AUTO(buffer) splits = {.limit_bytes = UINT32_MAX};
    BARKS_TRY(split_pack(leaf->splits->splits + begin, end - begin, &splits));
    pack_bytes(out, splits.data, splits.size_bytes);
    return NULL;
}

/* Leaves of one partition that want a payload. */
struct leaf_list {
    const struct stage_plan *stage;
    struct pipe_place *places; /* owned */
    uint32_t count, capacity;
};

static barks_status *add_leaf(void *context, struct pipe_place place)
{
    struct leaf_list *list = context;
    enum step_kind kind = list->stage->leaves[place.node].kind;
    if (kind != STEP_FILES && kind != STEP_ROWS && kind != STEP_CUSTOM && kind != STEP_SHUFFLE)
        return NULL;
    if (list->count == list->capacity) {
        uint32_t capacity = 2 * list->capacity + 8;
        struct pipe_place *places = realloc(list->places, capacity * sizeof *places);
        if (places == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a task");
        list->places = places;
        list->capacity = capacity;
    }
    list->places[list->count++] = place;
    return NULL;
}

static int compare_places(const void *left, const void *right)
{
    const struct pipe_place *a = left, *b = right;
    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    return (a->partition > b->partition) - (a->partition < b->partition);
}

/* Ascending, each once: a leaf may be read by many ways. */
static void sort_leaves(struct leaf_list *list)
{
    uint32_t count = 0;
    if (list->count > 1)
        qsort(list->places, list->count, sizeof *list->places, compare_places);
    for (uint32_t i = 0; i < list->count; i++)
        if (i == 0 || compare_places(&list->places[i], &list->places[i - 1]) != 0)
            list->places[count++] = list->places[i];
    list->count = count;
}

BARKS_CHECKED static barks_status *pack_leaves(const struct leaf_list *list, struct packer *out)
{
    pack_u64(out, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct pipe_place *place = &list->places[i];
        const struct stage_leaf *leaf = &list->stage->leaves[place->node];
        pack_u64(out, place->node);
        pack_u64(out, place->partition);
        BARKS_TRY(
            leaf->kind == STEP_ROWS      ? pack_rows(leaf, place->partition, out)
            : leaf->kind == STEP_CUSTOM  ? custom_splits_pack(leaf->custom, place->partition, out)
            : leaf->kind == STEP_SHUFFLE ? stored_stage_pack(leaf->stored, place->partition, out)
                                         : pack_splits(leaf, place->partition, out));
    }
    return NULL;
}

barks_status *stage_payload(const struct stage_plan *stage, uint32_t partition, struct packer *out)
{
    struct leaf_list list = {.stage = stage};
    barks_status *status = pipeline_visit_leaves(
        stage->pipeline, pipeline_root(stage->pipeline, partition), add_leaf, &list);
    if (status == NULL) {
        sort_leaves(&list);
        status = pack_leaves(&list, out);
    }
    free(list.places);
    return status;
}
