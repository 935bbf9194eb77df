/* Steps whose tasks run together. */
#include "barks/together.h"
#include "rdd/dataset.h"

barks_rdd *barks_apply_together_at(barks_rdd *input, const barks_function *function,
                                   const void *env, const barks_together_options *options,
                                   const char *where)
{
    /* Kept partitions may lie on few executors, more than they have workers: then they move. */
    if (input->context != NULL && input->node.error == NULL &&
        (input->node.is_above_kept || input->node.is_shifted))
        input = dataset_exchange(input, PARTITION_ONE, input->node.partition_count, where);
    barks_rdd *rdd = barks_apply_at(input, function, env, where);
    if (rdd->context == NULL || rdd->node.error != NULL)
        return rdd;
    rdd->node.step.numbers[1] = 1;
    rdd->node.step.numbers[2] = options->spread;
    node_find_place(&rdd->node);
    return rdd;
}
