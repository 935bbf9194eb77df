#include "plan/determinism.h"

#include "plan/node.h"

/* Whether other rows come of the same rows in another order. Barks itself never changes an order;
 * only a function that says so does. */
static bool depends_on_order(const struct node *node)
{
    const struct step *step = &node->step;
    switch (step->kind) {
    case STEP_SAMPLE:
    case STEP_NUMBER:
    case STEP_GLOM:
    case STEP_PIPE:
    case STEP_PAIR:
    case STEP_HEADS:
    case STEP_SCAN:
    case STEP_WINDOWS:
        return true;
    case STEP_EXCHANGE:
        return node->exchange.kind == PARTITION_ROUND_ROBIN;
    case STEP_COMBINE: /* first and last of a key */
        return step->numbers[2] != 0;
    case STEP_NONE:
    case STEP_FILES:
    case STEP_ROWS:
    case STEP_NUMBERS:
    case STEP_CUSTOM:
    case STEP_SHUFFLE:
    case STEP_FUNCTION:
    case STEP_SORT:
    case STEP_PROJECT:
    case STEP_GROUP:
    case STEP_KEEP:
    case STEP_PROBE:
    case STEP_BOUND:
    case STEP_COALESCE:
    case STEP_PICK:
    case STEP_UNION:
    case STEP_JOIN:
    case STEP_LOOKUP:
    case STEP_BROADCAST:
    case STEP_KEPT:
    case STEP_COGROUP:
    case STEP_CROSS:
    case STEP_INDEX:
        break;
    }
    return false;
}

unsigned node_determinism(const struct node *node)
{
    unsigned below = node->determinism_below;
    if (below == BARKS_UNORDERED && depends_on_order(node))
        below = BARKS_INDETERMINATE;
    return node->determinism > below ? node->determinism : below;
}

void node_note_determinism(struct node *node)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        unsigned of_input = node_determinism(node->inputs[i]);
        if (of_input > node->determinism_below)
            node->determinism_below = (uint8_t)of_input;
    }
}
