#include "scheduler/heap.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>

enum { NODES = 60 };

static struct heap_node *least(struct heap_node *nodes, const bool *is_inside)
{
    struct heap_node *found = NULL;
    for (int i = 0; i < NODES; i++)
        if (is_inside[i] && (found == NULL || heap_node_before(&nodes[i], found)))
            found = &nodes[i];
    return found;
}

START_TEST(first_is_the_least_whatever_comes_and_goes)
{
    uint64_t seed = property_seed();
    uint64_t random = seed;
    struct heap heap = {0};
    struct heap_node nodes[NODES];
    bool is_inside[NODES] = {false};
    for (int i = 0; i < NODES; i++)
        nodes[i] = (struct heap_node){.position = HEAP_OUTSIDE};
    for (int step = 0; step < 20000; step++) {
        uint64_t choice = property_next(&random) % NODES;
        if (is_inside[choice]) {
            heap_remove(&heap, &nodes[choice]);
        } else {
            nodes[choice].key[0] = property_next(&random) % 5;
            nodes[choice].key[1] = choice; /* distinct, so the least is one */
            ck_assert_ptr_null(heap_insert(&heap, &nodes[choice]));
        }
        is_inside[choice] = !is_inside[choice];
        bool is_right = heap_is_sound(&heap) && heap_first(&heap) == least(nodes, is_inside);
        ck_assert_msg(is_right, "step %d; replay with BARKS_TEST_SEED=%" PRIu64, step, seed);
    }
    heap_drop(&heap);
    for (int i = 0; i < NODES; i++)
        ck_assert_uint_eq(nodes[i].position, HEAP_OUTSIDE);
}
END_TEST

SUITE_MAIN("scheduler/heap", first_is_the_least_whatever_comes_and_goes)
