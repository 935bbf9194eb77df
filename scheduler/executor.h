/* Executors and nodes: who lives, whose workers are free, who inherits from whom. */
#pragma once

#include "barks/status.h"
#include "scheduler/ahead.h"
#include "scheduler/lane_queue.h"

#include <stdbool.h>
#include <stdint.h>

struct executor_offer;
struct patience;
struct room;
struct roster;
struct task_needs;

#define EXECUTOR_NONE UINT32_MAX

enum free_list_kind { FREE_ANYWHERE = 0, FREE_ON_NODE, FREE_LIST_KINDS };
struct free_link {
    uint32_t previous, next;
};
struct free_list {
    uint32_t head, tail;
};

struct executor {
    bool is_known; /* has joined once */
    bool is_alive;
    bool is_distrusted;    /* it owns partitions of a shuffle only where all who live are that */
    uint16_t worker_count; /* at most SCHEDULER_WORKERS_MAX */
    uint16_t busy_count;   /* workers of live attempts, of those asked to cancel too */
    uint32_t node;
    uint32_t attempts_head;   /* of the live attempts */
    uint32_t exclusion_count; /* of all jobs (exclusion.h) */
    /* Dead: who got its shuffle partitions; maybe dead as well by now. */
    uint32_t heir;
    /* What it has of the shuffles that are under way, counted in workers: its own share, which is 0
     * where it joined after they had begun, and of those whose heir it is, at all removes. */
    uint64_t shares;
    struct ahead_queue ahead; /* of live attempts beside those of busy workers */
    struct lane_queue lanes;
    struct free_link free_links[FREE_LIST_KINDS];
    struct room *room;         /* what it offers beside workers; owned; NULL: nothing */
    struct patience *patience; /* owned; NULL: it waits for nothing */
};

struct node {
    struct lane_queue lanes;
    struct free_list free_list;
    uint32_t living_count;
};

/* Indexed by id. Begins with executor_table_init; ends with executor_table_drop.
 * Invariant: an executor stands in both free lists exactly while it lives and has an idle worker;
 * an heir of a dead one exists as long as anyone lives. */
struct executor_table {
    struct executor *executors; /* owned; moves when it grows */
    uint32_t executor_limit;    /* one more than the greatest id */
    uint32_t executor_capacity;
    struct node *nodes; /* owned */
    uint32_t node_limit;
    uint32_t node_capacity;
    struct free_list free_list;
    uint32_t living_count;
    uint32_t joined_count;
    uint64_t living_workers;
    uint64_t idle_count;    /* workers of the living that are not busy */
    struct roster *current; /* of the living; NULL: to be made when asked for */
};

void executor_table_init(struct executor_table *table);
void executor_table_drop(struct executor_table *table);

/* Room for the ids. Errors: BARKS_NO_MEMORY; nothing that matters has changed. */
BARKS_CHECKED barks_status *executor_table_reserve(struct executor_table *table, uint32_t executor,
                                                   uint32_t node);
/* After a reserve of the same ids. is_late: jobs have begun. Takes room and patience. */
void executor_join(struct executor_table *table, uint32_t id, uint32_t node, uint32_t worker_count,
                   bool is_late, struct room *room, struct patience *patience);
/* It leaves the free lists and its heir is chosen: the living one that has the least shares for its
 * workers, of those that have what wanted says (NULL: nothing), where there are such. Its lanes and
 * attempts are the caller's matter. O(executors). */
void executor_lose(struct executor_table *table, uint32_t id, const struct task_needs *wanted);

void executor_distrust(struct executor_table *table, uint32_t id);

bool executor_is_alive(const struct executor_table *table, uint32_t id);
bool executor_has_idle_worker(const struct executor_table *table, uint32_t id);
/* So many more, so many less of its workers are busy. */
void executor_occupy(struct executor_table *table, uint32_t id, uint32_t workers);
void executor_vacate(struct executor_table *table, uint32_t id, uint32_t workers);
/* Behind all others that have idle workers, so that tasks go round. */
void executor_to_back(struct executor_table *table, uint32_t id);

/* Itself while it lives, else the living one that inherited from it; EXECUTOR_NONE: nobody lived
 * when the last of them was lost. O(losses). */
uint32_t executor_heir(const struct executor_table *table, uint32_t id);

/* The living, without those who are distrusted unless all are; another reference. O(executors)
 * after a change, else O(1). Errors: BARKS_NO_MEMORY.
 */
BARKS_CHECKED barks_status *executor_roster(struct executor_table *table,
                                            struct roster **out_roster);

bool executor_table_is_sound(const struct executor_table *table);
