#include "base/scope.h"
#include "net/node_map.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdbool.h>

enum { EXECUTORS_MAX = 40 };

/* Executors thrown on few or many nodes. */
static uint32_t throw_ids(uint64_t *random, uint64_t *out_ids)
{
    uint32_t count = 1 + (uint32_t)(property_next(random) % EXECUTORS_MAX);
    uint64_t nodes = 1 + property_next(random) % count;
    for (uint32_t i = 0; i < count; i++)
        out_ids[i] = UINT64_MAX - property_next(random) % nodes;
    return count;
}

/* How many before i are of i's node. */
static uint32_t count_before(const uint64_t *ids, uint32_t i, uint32_t end)
{
    uint32_t count = 0;
    for (uint32_t k = 0; k < end; k++)
        count += ids[k] == ids[i];
    return count;
}

START_TEST(places_count_those_of_the_node_before)
{
    uint64_t seed = property_seed(), random = seed, ids[EXECUTORS_MAX];
    for (int round = 0; round < 300; round++) {
        uint32_t count = throw_ids(&random, ids);
        BARKS_AUTO(node_map) map;
        must(node_map_init(&map, ids, count));
        bool right = map.executor_count == count;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t node = map.node_of[i];
            right = right && map.place_of[i] == count_before(ids, i, i) &&
                    node_map_size(&map, node) == count_before(ids, i, count) &&
                    node_map_members(&map, node)[map.place_of[i]] == i &&
                    node_map_size(&map, node) <= node_map_largest(&map);
        }
        ck_assert_msg(right && map.first_of[map.node_count] == count,
                      "round %d; replay with BARKS_TEST_SEED=%" PRIu64, round, seed);
    }
}
END_TEST

/* One message from each to each, or from each to each of its node, then from one of each node to
 * each executor of the others. */
START_TEST(lanes_are_shared_out_and_their_messages_counted)
{
    uint64_t seed = property_seed(), random = seed, ids[EXECUTORS_MAX];
    for (int round = 0; round < 300; round++) {
        uint32_t count = throw_ids(&random, ids);
        uint64_t inside = 0, across = 0;
        BARKS_AUTO(node_map) map;
        must(node_map_init(&map, ids, count));
        for (uint32_t to = 0; to < count; to++) {
            inside += node_map_size(&map, map.node_of[to]) - 1;
            for (uint32_t node = 0; node < map.node_count; node++) {
                uint32_t size = node_map_size(&map, node), via = node_map_via(&map, node, to);
                across += node != map.node_of[to];
                ck_assert_msg(map.node_of[via] == node &&
                                  map.place_of[via] % size == map.place_of[to] % size,
                              "round %d; replay with BARKS_TEST_SEED=%" PRIu64, round, seed);
            }
        }
        ck_assert_uint_eq(node_map_messages(&map, 1), (uint64_t)count * (count - 1));
        ck_assert_uint_eq(node_map_messages(&map, 2), inside + across);
    }
}
END_TEST

SUITE_MAIN("net/node_map", places_count_those_of_the_node_before,
           lanes_are_shared_out_and_their_messages_counted)
