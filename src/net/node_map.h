/* Which executors share a node, and through whom what goes to other nodes passes in rounds of two
 * levels. Executors are counted from 0. */
#pragma once

#include "barks/status.h"

#include <stdint.h>

/* Begins zeroed or with node_map_init, ends with node_map_drop. Threads: unchanged once made.
 * Nodes are numbered by their first executors, and may be of any sizes. */
struct node_map {
    uint32_t executor_count;
    uint32_t node_count;
    uint32_t *node_of;  /* owned: by executor */
    uint32_t *place_of; /* owned: by executor, its place among those of its node */
    uint32_t *members;  /* owned: executors by node, ascending within each */
    uint32_t
        *first_of; /* owned: by node, where its members begin, and after the last where all end */
};

/* ids has one for each executor, equal for those of one node. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *node_map_init(struct node_map *map, const uint64_t *ids,
                                          uint32_t executor_count);
void node_map_drop(struct node_map *map);

static inline uint32_t node_map_size(const struct node_map *map, uint32_t node)
{
    return map->first_of[node + 1] - map->first_of[node];
}

static inline const uint32_t *node_map_members(const struct node_map *map, uint32_t node)
{
    return &map->members[map->first_of[node]];
}

/* Who of a node passes on what executors of it have for `to`, of another one: the lane is chosen by
 * `to`'s place, so that nodes of one size are joined by lanes between equal places. */
static inline uint32_t node_map_via(const struct node_map *map, uint32_t node, uint32_t to)
{
    return node_map_members(map, node)[map->place_of[to] % node_map_size(map, node)];
}

uint32_t node_map_largest(const struct node_map *map); /* executors of the largest node */

/* How many messages all executors together send in a round where each has something for each, in
 * one level and in two. */
uint64_t node_map_messages(const struct node_map *map, uint32_t levels);
