#include "scheduler/executor.h"

#include "base/assertion.h"
#include "scheduler/attempt.h"
#include "scheduler/room.h"
#include "scheduler/roster.h"

#include <stdlib.h>
#include <string.h>

static const struct free_list empty_list = {.head = EXECUTOR_NONE, .tail = EXECUTOR_NONE};

void executor_table_init(struct executor_table *table)
{
    *table = (struct executor_table){.free_list = empty_list};
}

void executor_table_drop(struct executor_table *table)
{
    for (uint32_t id = 0; id < table->executor_limit; id++) {
        lane_queue_drop(&table->executors[id].lanes);
        free(table->executors[id].room);
        free(table->executors[id].patience);
    }
    for (uint32_t id = 0; id < table->node_limit; id++)
        lane_queue_drop(&table->nodes[id].lanes);
    free(table->executors);
    free(table->nodes);
    roster_release(table->current);
    executor_table_init(table);
}

/* New entries are zero bytes. */
BARKS_CHECKED static barks_status *reserve(void **items, uint32_t *capacity, uint32_t id,
                                           size_t item_bytes)
{
    if (id < *capacity)
        return NULL;
    uint32_t wanted = *capacity < 8 ? 8 : 2 * *capacity; /* ids are below 2^20 */
    if (wanted <= id)
        wanted = id + 1;
    void *grown = reallocarray(*items, wanted, item_bytes);
    if (grown == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u executors", wanted);
    memset((char *)grown + *capacity * item_bytes, 0, (wanted - *capacity) * item_bytes);
    *items = grown;
    *capacity = wanted;
    return NULL;
}

barks_status *executor_table_reserve(struct executor_table *table, uint32_t executor, uint32_t node)
{
    void *executors = table->executors;
    barks_status *status =
        reserve(&executors, &table->executor_capacity, executor, sizeof *table->executors);
    table->executors = executors;
    if (status != NULL)
        return status;
    void *nodes = table->nodes;
    status = reserve(&nodes, &table->node_capacity, node, sizeof *table->nodes);
    table->nodes = nodes;
    return status;
}

static struct free_list *list_of(struct executor_table *table, const struct executor *executor,
                                 int kind)
{
    return kind == FREE_ANYWHERE ? &table->free_list : &table->nodes[executor->node].free_list;
}

static void append(struct executor_table *table, uint32_t id, int kind)
{
    struct executor *executor = &table->executors[id];
    struct free_list *list = list_of(table, executor, kind);
    executor->free_links[kind] = (struct free_link){.previous = list->tail, .next = EXECUTOR_NONE};
    if (list->tail == EXECUTOR_NONE)
        list->head = id;
    else
        table->executors[list->tail].free_links[kind].next = id;
    list->tail = id;
}

static void unlink_free(struct executor_table *table, uint32_t id, int kind)
{
    const struct executor *executor = &table->executors[id];
    struct free_list *list = list_of(table, executor, kind);
    struct free_link link = executor->free_links[kind];
    if (link.previous == EXECUTOR_NONE)
        list->head = link.next;
    else
        table->executors[link.previous].free_links[kind].next = link.next;
    if (link.next == EXECUTOR_NONE)
        list->tail = link.previous;
    else
        table->executors[link.next].free_links[kind].previous = link.previous;
}

static void list_as_free(struct executor_table *table, uint32_t id)
{
    for (int kind = 0; kind < FREE_LIST_KINDS; kind++)
        append(table, id, kind);
}

static void unlist_as_free(struct executor_table *table, uint32_t id)
{
    for (int kind = 0; kind < FREE_LIST_KINDS; kind++)
        unlink_free(table, id, kind);
}

static void forget_roster(struct executor_table *table)
{
    roster_release(table->current);
    table->current = NULL;
}

void executor_join(struct executor_table *table, uint32_t id, uint32_t node, uint32_t worker_count,
                   bool is_late, struct room *room, struct patience *patience)
{
    BARKS_ASSERT(id < table->executor_capacity && node < table->node_capacity);
    for (; table->executor_limit <= id; table->executor_limit++)
        table->executors[table->executor_limit].heir = EXECUTOR_NONE;
    for (; table->node_limit <= node; table->node_limit++)
        table->nodes[table->node_limit].free_list = empty_list;
    struct executor *executor = &table->executors[id];
    BARKS_ASSERT(!executor->is_known);
    *executor = (struct executor){.is_known = true,
                                  .is_alive = true,
                                  .node = node,
                                  .worker_count = (uint16_t)worker_count,
                                  .attempts_head = ATTEMPT_NONE,
                                  .ahead = ahead_empty,
                                  .heir = EXECUTOR_NONE,
                                  .shares = is_late ? 0 : worker_count,
                                  .room = room,
                                  .patience = patience};
    table->nodes[node].living_count++;
    table->living_count++;
    table->joined_count++;
    table->living_workers += worker_count;
    table->idle_count += worker_count;
    list_as_free(table, id);
    forget_roster(table);
}

/* Fewer shares for each worker; the smaller id among equals. */
static bool has_more_room(const struct executor *a, const struct executor *b)
{
    return a->shares * b->worker_count < b->shares * a->worker_count;
}

/* Whoever lacks what is wanted comes last. */
static bool is_better_heir(const struct executor *a, const struct executor *b,
                           const struct task_needs *wanted)
{
    bool a_has = room_could_hold(a, wanted), b_has = room_could_hold(b, wanted);
    return a_has != b_has ? a_has : has_more_room(a, b);
}

void executor_lose(struct executor_table *table, uint32_t id, const struct task_needs *wanted)
{
    struct executor *lost = &table->executors[id];
    BARKS_ASSERT(lost->is_alive);
    if (executor_has_idle_worker(table, id))
        unlist_as_free(table, id);
    lost->is_alive = false;
    table->nodes[lost->node].living_count--;
    table->living_count--;
    table->living_workers -= lost->worker_count;
    table->idle_count -= (uint32_t)(lost->worker_count - lost->busy_count);
    forget_roster(table);
    for (uint32_t other = 0; other < table->executor_limit; other++) {
        if (!table->executors[other].is_alive)
            continue;
        if (lost->heir == EXECUTOR_NONE ||
            is_better_heir(&table->executors[other], &table->executors[lost->heir], wanted))
            lost->heir = other;
    }
    if (lost->heir != EXECUTOR_NONE)
        table->executors[lost->heir].shares += lost->shares;
}

bool executor_is_alive(const struct executor_table *table, uint32_t id)
{
    return id < table->executor_limit && table->executors[id].is_alive;
}

bool executor_has_idle_worker(const struct executor_table *table, uint32_t id)
{
    const struct executor *executor = &table->executors[id];
    return executor->is_alive && executor->busy_count < executor->worker_count;
}

void executor_occupy(struct executor_table *table, uint32_t id, uint32_t workers)
{
    struct executor *executor = &table->executors[id];
    BARKS_ASSERT(executor->is_alive && workers > 0 &&
                 executor->busy_count + workers <= executor->worker_count);
    executor->busy_count = (uint16_t)(executor->busy_count + workers);
    if (executor->busy_count == executor->worker_count)
        unlist_as_free(table, id);
    table->idle_count -= workers;
}

void executor_vacate(struct executor_table *table, uint32_t id, uint32_t workers)
{
    struct executor *executor = &table->executors[id];
    BARKS_ASSERT(workers > 0 && executor->busy_count >= workers);
    bool was_full = executor->busy_count == executor->worker_count;
    executor->busy_count = (uint16_t)(executor->busy_count - workers);
    if (!executor->is_alive)
        return;
    table->idle_count += workers;
    if (was_full)
        list_as_free(table, id);
}

void executor_to_back(struct executor_table *table, uint32_t id)
{
    if (executor_has_idle_worker(table, id)) {
        unlist_as_free(table, id);
        list_as_free(table, id);
    }
}

uint32_t executor_heir(const struct executor_table *table, uint32_t id)
{
    while (id != EXECUTOR_NONE && !table->executors[id].is_alive)
        id = table->executors[id].heir;
    return id;
}

void executor_distrust(struct executor_table *table, uint32_t id)
{
    table->executors[id].is_distrusted = true;
    roster_release(table->current);
    table->current = NULL;
}

static bool may_own(const struct executor *executor, bool is_trust_wanted)
{
    return executor->is_alive && !(is_trust_wanted && executor->is_distrusted);
}

static uint32_t count_trusted(const struct executor_table *table)
{
    uint32_t count = 0;
    for (uint32_t id = 0; id < table->executor_limit; id++)
        count += may_own(&table->executors[id], true);
    return count;
}

barks_status *executor_roster(struct executor_table *table, struct roster **out_roster)
{
    if (table->current == NULL) {
        struct roster *roster = NULL;
        uint32_t trusted_count = count_trusted(table), member = 0;
        BARKS_TRY(roster_create(trusted_count > 0 ? trusted_count : table->living_count, &roster));
        for (uint32_t id = 0; id < table->executor_limit; id++) {
            if (!may_own(&table->executors[id], trusted_count > 0))
                continue;
            roster->executors[member] = id;
            roster->worker_counts[member++] = table->executors[id].worker_count;
        }
        table->current = roster;
    }
    *out_roster = roster_acquire(table->current);
    return NULL;
}

static uint64_t list_length(const struct executor_table *table, struct free_list list, int kind)
{
    uint64_t length = 0;
    uint32_t previous = EXECUTOR_NONE;
    for (uint32_t id = list.head; id != EXECUTOR_NONE;
         id = table->executors[id].free_links[kind].next) {
        if (table->executors[id].free_links[kind].previous != previous ||
            !executor_has_idle_worker(table, id) || length > table->executor_limit)
            return UINT64_MAX;
        previous = id;
        length++;
    }
    return previous == list.tail ? length : UINT64_MAX;
}

bool executor_table_is_sound(const struct executor_table *table)
{
    uint64_t idle = 0, living = 0, workers = 0, idle_of_nodes = 0, living_of_nodes = 0;
    uint64_t idle_workers = 0;
    for (uint32_t id = 0; id < table->executor_limit; id++) {
        const struct executor *executor = &table->executors[id];
        if (executor->busy_count > executor->worker_count || !lane_queue_is_sound(&executor->lanes))
            return false;
        if (!executor->is_alive && (executor->lanes.count > 0 || executor->busy_count > 0))
            return false;
        living += executor->is_alive;
        workers += executor->is_alive ? executor->worker_count : 0;
        idle += executor_has_idle_worker(table, id);
        idle_workers +=
            executor->is_alive ? (uint32_t)(executor->worker_count - executor->busy_count) : 0;
    }
    for (uint32_t id = 0; id < table->node_limit; id++) {
        const struct node *node = &table->nodes[id];
        if (!lane_queue_is_sound(&node->lanes))
            return false;
        uint64_t length = list_length(table, node->free_list, FREE_ON_NODE);
        if (length == UINT64_MAX)
            return false;
        idle_of_nodes += length;
        living_of_nodes += node->living_count;
    }
    return living == table->living_count && living_of_nodes == living &&
           workers == table->living_workers && idle_workers == table->idle_count &&
           idle_of_nodes == idle && list_length(table, table->free_list, FREE_ANYWHERE) == idle;
}
