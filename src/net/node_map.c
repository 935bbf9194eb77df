#include "net/node_map.h"

#include <stdlib.h>

/* Numbers the nodes and the places in them; size_of has room for a node for each executor. members,
 * which is filled afterwards, has the first executor of each node meanwhile. */
static void number_nodes(struct node_map *map, const uint64_t *ids, uint32_t *size_of)
{
    for (uint32_t i = 0; i < map->executor_count; i++) {
        uint32_t node = 0;
        while (node < map->node_count && ids[map->members[node]] != ids[i])
            node++;
        if (node == map->node_count)
            map->members[map->node_count++] = i;
        map->node_of[i] = node;
        map->place_of[i] = size_of[node]++;
    }
}

barks_status *node_map_init(struct node_map *map, const uint64_t *ids, uint32_t executor_count)
{
    size_t count = executor_count;
    uint32_t *size_of = calloc(count, sizeof *size_of);
    *map = (struct node_map){
        .executor_count = executor_count,
        .node_of = calloc(count, sizeof *map->node_of),
        .place_of = calloc(count, sizeof *map->place_of),
        .members = calloc(count, sizeof *map->members),
        .first_of = calloc(count + 1, sizeof *map->first_of),
    };
    if (size_of == NULL || map->node_of == NULL || map->place_of == NULL || map->members == NULL ||
        map->first_of == NULL) {
        free(size_of);
        node_map_drop(map);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the nodes of %u executors", executor_count);
    }
    number_nodes(map, ids, size_of);
    for (uint32_t node = 0; node < map->node_count; node++)
        map->first_of[node + 1] = map->first_of[node] + size_of[node];
    for (uint32_t i = 0; i < executor_count; i++)
        map->members[map->first_of[map->node_of[i]] + map->place_of[i]] = i;
    free(size_of);
    return NULL;
}

void node_map_drop(struct node_map *map)
{
    free(map->node_of);
    free(map->place_of);
    free(map->members);
    free(map->first_of);
    *map = (struct node_map){0};
}

uint32_t node_map_largest(const struct node_map *map)
{
    uint32_t largest = 0;
    for (uint32_t node = 0; node < map->node_count; node++)
        largest = node_map_size(map, node) > largest ? node_map_size(map, node) : largest;
    return largest;
}

uint64_t node_map_messages(const struct node_map *map, uint32_t levels)
{
    uint64_t count = map->executor_count, messages = 0;
    if (levels == 1)
        return count * (count - 1);
    for (uint32_t node = 0; node < map->node_count; node++) {
        uint64_t size = node_map_size(map, node);
        /* To each other one of the node, and from each node to each executor of the others. */
        messages += size * (size - 1) + (count - size);
    }
    return messages;
}
