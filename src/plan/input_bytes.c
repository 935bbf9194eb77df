#include "plan/input_bytes.h"

#include "batch/codec.h"
#include "exec/custom_splits.h"
#include "exec/sample_operator.h"
#include "io/listing.h"
#include "io/split.h"
#include "plan/node.h"

static uint64_t add(uint64_t a, uint64_t b) { return a < UINT64_MAX - b ? a + b : UINT64_MAX; }

static uint64_t bytes_of_files(const struct listing *listing)
{
    uint64_t sum = 0;
    for (size_t i = 0; listing != NULL && i < listing->file_count; i++) {
        const struct input_file *file = &listing->files[i];
        uint64_t times = file->compression != COMPRESSION_NONE ? SPLIT_PACKED_FACTOR : 1;
        sum = add(sum,
                  file->size_bytes <= UINT64_MAX / times ? times * file->size_bytes : UINT64_MAX);
    }
    return sum;
}

static uint64_t sum_of_inputs(const struct node *node)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < node->input_count; i++)
        sum = add(sum, node_input_bytes(node->inputs[i]));
    return sum;
}

static uint64_t compute(const struct node *node)
{
    const struct step *step = &node->step;
    switch (step->kind) {
    case STEP_FILES:
        return bytes_of_files(node->listing);
    case STEP_ROWS:
        return node->rows != NULL
                   ? codec_encoded_bytes(&node->rows->base, 0, node->rows->base.row_count)
                   : 0;
    case STEP_NUMBERS:
        return (uint64_t)step->numbers[2] * sizeof(int64_t);
    case STEP_CUSTOM:
        return node->custom != NULL ? custom_splits_bytes(node->custom) : 0;
    case STEP_FUNCTION:
    case STEP_COMBINE:
    case STEP_SORT:
    case STEP_PROJECT:
    case STEP_BOUND:
    case STEP_NUMBER:
    case STEP_GROUP:
    case STEP_GLOM:
    case STEP_PIPE:
    case STEP_KEEP:
    case STEP_COALESCE:
    case STEP_PICK:
    case STEP_UNION:
    case STEP_PAIR:
    case STEP_COGROUP:
    case STEP_BROADCAST:
    case STEP_HEADS:
    case STEP_SCAN:
        return sum_of_inputs(node);
    case STEP_JOIN:
    case STEP_LOOKUP:
        return step->numbers[0] == JOIN_SEMI || step->numbers[0] == JOIN_ANTI
                   ? node_input_bytes(node->inputs[0])
                   : UINT64_MAX;
    case STEP_SAMPLE:
        return step->numbers[1] == SAMPLE_POISSON ? UINT64_MAX : sum_of_inputs(node);
    case STEP_EXCHANGE:
        return node->exchange.kind == PARTITION_REPLICATE ? UINT64_MAX : sum_of_inputs(node);
    case STEP_NONE:
    case STEP_SHUFFLE:
    case STEP_KEPT:
    case STEP_PROBE:
    case STEP_CROSS:
    case STEP_WINDOWS:
    case STEP_INDEX:
        break;
    }
    return UINT64_MAX;
}

uint64_t node_input_bytes(struct node *node)
{
    if (!node->knows_input_bytes) {
        node->input_bytes = node->error != NULL ? UINT64_MAX : compute(node);
        node->knows_input_bytes = true;
    }
    return node->input_bytes;
}
