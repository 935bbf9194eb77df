#include "runtime/stage_places.h"

#include "plan/stage_cut.h"
#include "runtime/members.h"

#include <stdlib.h>
#include <string.h>

void stage_places_drop(struct stage_places *places)
{
    free(places->firsts);
    free(places->places);
    *places = (struct stage_places){0};
}

/* Names are equal up to a domain that only one of them has: "node7" is "node7.cluster". */
static bool is_same_host(const char *name, size_t length, const char *host)
{
    size_t shorter = strlen(host) < length ? strlen(host) : length;
    if (shorter == 0 || strncmp(name, host, shorter) != 0)
        return false;
    return (shorter == length || name[shorter] == '.') &&
           (host[shorter] == '\0' || host[shorter] == '.');
}

/* The scheduler calls a node by the first of its members. */
static uint32_t find_node(const struct members *members, const char *name, size_t length)
{
    for (uint32_t i = 0; i < members->count; i++) {
        if (member_is_lost(&members->all[i]) ||
            !is_same_host(name, length, members->all[i].hello.host))
            continue;
        uint32_t first = 0;
        while (members->all[first].hello.node_id != members->all[i].hello.node_id)
            first++;
        return first;
    }
    return SCHEDULER_ANY;
}

/* The node of the first host of "a,b" that has one. */
static uint32_t choose_node(const struct members *members, const char *hosts)
{
    while (hosts != NULL && *hosts != '\0') {
        size_t length = strcspn(hosts, ", ");
        uint32_t node = find_node(members, hosts, length);
        if (node != SCHEDULER_ANY)
            return node;
        hosts += length + strspn(hosts + length, ", ");
    }
    return SCHEDULER_ANY;
}

barks_status *stage_places_fill(const struct stage_plan *stage, const struct members *members,
                                struct stage_places *out)
{
    uint32_t partition_count = pipeline_partition_count(stage->pipeline), place_count = 0;
    out->firsts = calloc((size_t)partition_count + 1, sizeof *out->firsts);
    out->places = calloc((size_t)partition_count + 1, sizeof *out->places);
    if (out->firsts == NULL || out->places == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the places of %u partitions", partition_count);
    for (uint32_t p = 0; p < partition_count; p++) {
        uint32_t node = choose_node(members, stage_hosts(stage, p));
        if (node != SCHEDULER_ANY)
            out->places[place_count++] = (struct place){.kind = PLACE_NODE, .id = node};
        out->firsts[p + 1] = place_count;
    }
    if (place_count == 0)
        stage_places_drop(out);
    return NULL;
}
