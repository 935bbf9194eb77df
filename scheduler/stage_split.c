/* Makes the tasks of a stage: which partitions form a run, where each run may go, in which order.
 */
#include "base/assertion.h"
#include "scheduler/attempt.h"
#include "scheduler/claims.h"
#include "scheduler/executor.h"
#include "scheduler/job.h"
#include "scheduler/pieces.h"
#include "scheduler/runs.h"
#include "scheduler/stage.h"

#include <stdlib.h>

/* Neighbouring partitions of one owner (EXECUTOR_NONE: anybody), which no run leaves; or one that
 * is read in pieces, each of which is a run. */
struct segment {
    uint32_t first, end;
    uint32_t owner;
    uint32_t piece_count; /* 1: none */
    uint32_t run_count;
    uint64_t weight;
};

/* What all segments of an owner hold together, so that it gets as many runs as its workers deserve,
 * however many segments it has (a union, an inheritance). */
struct share {
    uint64_t weight;
    uint32_t partition_count;
};

/* A task in a lane. */
struct entry {
    uint64_t weight;
    uint32_t task;
    uint32_t place;
    enum lane_level level;
    bool is_pinned; /* it may run there alone: such tasks have lanes of their own */
};

struct splitting {
    struct stage *stage;
    const struct executor_table *table;
    struct segment *segments; /* owned, as all below */
    uint32_t segment_count, segment_capacity;
    struct share *shares; /* by executor; the last one is that of anybody */
    uint64_t *executor_tally, *node_tally;
    struct entry *entries;
    uint32_t entry_count;
    struct task *tasks;
    uint32_t task_count;
    uint32_t *order;
    struct lane *lanes;
    uint32_t lane_count;
};

static void splitting_drop(struct splitting *splitting)
{
    free(splitting->segments);
    free(splitting->shares);
    free(splitting->executor_tally);
    free(splitting->node_tally);
    free(splitting->entries);
    free(splitting->tasks);
    free(splitting->order);
    free(splitting->lanes);
    *splitting = (struct splitting){0};
}

BARKS_CHECKED static barks_status *no_memory(const struct splitting *splitting)
{
    BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the tasks of stage %u with %u partitions",
               splitting->stage->index, splitting->stage->partition_count);
}

BARKS_CHECKED static barks_status *add_segment(struct splitting *splitting, uint32_t first,
                                               uint32_t owner, uint32_t piece_count)
{
    if (splitting->segment_count == splitting->segment_capacity) {
        uint32_t capacity = splitting->segment_capacity == 0 ? 8 : 2 * splitting->segment_capacity;
        struct segment *segments = reallocarray(splitting->segments, capacity, sizeof *segments);
        if (segments == NULL)
            return no_memory(splitting);
        splitting->segments = segments;
        splitting->segment_capacity = capacity;
    }
    splitting->segments[splitting->segment_count++] =
        (struct segment){.first = first, .owner = owner, .piece_count = piece_count};
    return NULL;
}

static struct share *share_of(const struct splitting *splitting, uint32_t owner)
{
    return &splitting->shares[owner == EXECUTOR_NONE ? splitting->table->executor_limit : owner];
}

/* How many tasks of the stage may run at once there; at least one. */
static uint64_t tasks_at_once(const struct splitting *splitting, uint32_t owner)
{
    const struct executor_table *table = splitting->table;
    const struct task_needs *needs = splitting->stage->needs;
    uint64_t count = 0;
    if (owner != EXECUTOR_NONE)
        count = room_count(&table->executors[owner], needs, true);
    else if (needs == NULL)
        count = table->living_workers;
    for (uint32_t id = 0; owner == EXECUTOR_NONE && needs != NULL && id < table->executor_limit;
         id++)
        count += table->executors[id].is_alive ? room_count(&table->executors[id], needs, true) : 0;
    return count > 0 ? count : 1;
}

BARKS_CHECKED static barks_status *weigh_shares(struct splitting *splitting,
                                                const struct claims *claims)
{
    const struct stage *stage = splitting->stage;
    splitting->shares =
        calloc((size_t)splitting->table->executor_limit + 1, sizeof *splitting->shares);
    if (splitting->shares == NULL)
        return no_memory(splitting);
    for (uint32_t partition = 0; partition < stage->partition_count; partition++) {
        struct share *share = share_of(splitting, claims->owners[partition]);
        share->weight += partition_weight(stage->partition_bytes, partition);
        share->partition_count++;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *find_segments(struct splitting *splitting,
                                                 const struct claims *claims)
{
    const struct stage *stage = splitting->stage;
    uint64_t median = 0;
    BARKS_TRY(pieces_median(stage, &median));
    uint32_t pieces_before = 1;
    for (uint32_t p = 0; p < stage->partition_count; p++) {
        uint32_t owner = claims->owners[p], pieces = 1;
        if (median > 0)
            pieces = pieces_of(stage, p, median, share_of(splitting, owner)->weight,
                               tasks_at_once(splitting, owner));
        if (p == 0 || owner != claims->owners[p - 1] || claims->is_begin[p] || pieces > 1 ||
            pieces_before > 1)
            BARKS_TRY(add_segment(splitting, p, owner, pieces));
        struct segment *segment = &splitting->segments[splitting->segment_count - 1];
        segment->end = p + 1;
        segment->weight += partition_weight(stage->partition_bytes, p);
        pieces_before = pieces;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *make_segments(struct splitting *splitting)
{
    struct claims claims = {0};
    barks_status *status = claims_fill(splitting->stage, splitting->table, &claims);
    if (status == NULL)
        status = weigh_shares(splitting, &claims);
    if (status == NULL)
        status = find_segments(splitting, &claims);
    claims_drop(&claims);
    return status;
}

/* A segment's part of the runs of its owner, rounded up. */
static uint32_t runs_of_segment(const struct splitting *splitting, const struct segment *segment)
{
    const struct share *share = share_of(splitting, segment->owner);
    if (segment->piece_count > 1)
        return segment->piece_count;
    if (splitting->stage->policy == RUNS_SINGLE)
        return segment->end - segment->first;
    uint32_t wanted = runs_wanted(splitting->stage->policy, share->partition_count,
                                  tasks_at_once(splitting, segment->owner));
    uint64_t part = segment->weight, whole = share->weight;
    for (; whole >= UINT64_C(1) << 40; whole /= 2) /* wanted is below 2^24: no product overflows */
        part /= 2;
    uint64_t runs = (part * wanted + whole - 1) / whole;
    uint32_t partition_count = segment->end - segment->first;
    if (runs < 1)
        runs = 1;
    return runs < partition_count ? (uint32_t)runs : partition_count;
}

static void count_runs(struct splitting *splitting)
{
    for (uint32_t i = 0; i < splitting->segment_count; i++) {
        struct segment *segment = &splitting->segments[i];
        segment->run_count = runs_of_segment(splitting, segment);
        splitting->task_count += segment->run_count;
    }
}

BARKS_CHECKED static barks_status *make_tasks(struct splitting *splitting)
{
    const uint64_t *bytes = splitting->stage->partition_bytes;
    splitting->tasks = calloc((size_t)splitting->task_count + 1, sizeof *splitting->tasks);
    uint32_t *firsts = calloc((size_t)splitting->task_count + 1, sizeof *firsts);
    if (splitting->tasks == NULL || firsts == NULL) {
        free(firsts);
        return no_memory(splitting);
    }
    uint32_t task = 0;
    for (uint32_t i = 0; i < splitting->segment_count; i++) {
        const struct segment *segment = &splitting->segments[i];
        bool is_in_pieces = segment->piece_count > 1;
        if (!is_in_pieces)
            split_into_runs(bytes == NULL ? NULL : bytes + segment->first,
                            segment->end - segment->first, segment->run_count, firsts);
        for (uint32_t run = 0; run < segment->run_count; run++)
            splitting->tasks[task++] = (struct task){
                .first_partition = segment->first + (is_in_pieces ? 0 : firsts[run]),
                .end_partition = is_in_pieces ? segment->end : segment->first + firsts[run + 1],
                .piece = (uint8_t)(is_in_pieces ? run : 0),
                .piece_count = (uint8_t)segment->piece_count,
                .lane = LANE_NONE,
                .attempts_head = ATTEMPT_NONE,
                .failures_head = FAILURE_NONE,
                .next_retry = TASK_NONE};
    }
    free(firsts);
    return NULL;
}

static uint64_t weight_of(const struct splitting *splitting, uint32_t task)
{
    uint64_t weight = 0;
    for (uint32_t partition = splitting->tasks[task].first_partition;
         partition < splitting->tasks[task].end_partition; partition++)
        weight += partition_weight(splitting->stage->partition_bytes, partition);
    return weight / splitting->tasks[task].piece_count;
}

/* Of a task, by the mean. */
static uint64_t usual_weight(const struct splitting *splitting)
{
    uint64_t weight = 0;
    for (uint32_t i = 0; i < splitting->segment_count; i++)
        weight += splitting->segments[i].weight;
    return splitting->task_count > 0 ? weight / splitting->task_count : 0;
}

static void add_entry(struct splitting *splitting, uint32_t task, uint64_t weight,
                      enum lane_level level, uint32_t place)
{
    splitting->entries[splitting->entry_count++] =
        (struct entry){.weight = weight, .task = task, .place = place, .level = level};
}

/* Adds weight to a tally and keeps the best; the earlier one among equals. */
static void vote(uint64_t *tally, uint32_t id, uint64_t weight, uint32_t *best)
{
    tally[id] += weight;
    if (*best == EXECUTOR_NONE || tally[id] > tally[*best])
        *best = id;
}

/* A run goes by the wishes of most of its bytes: one executor and one node. More would cost memory
 * for every task and win little, since runs of one partition are rare. */
static void prefer(struct splitting *splitting, uint32_t task, uint64_t weight)
{
    const struct stage *stage = splitting->stage;
    const struct executor_table *table = splitting->table;
    uint32_t best_executor = EXECUTOR_NONE, best_node = EXECUTOR_NONE;
    uint32_t first = splitting->tasks[task].first_partition,
             end = splitting->tasks[task].end_partition;
    for (uint32_t partition = first; partition < end; partition++) {
        uint64_t partition_bytes = partition_weight(stage->partition_bytes, partition);
        for (uint32_t i = stage->place_firsts[partition]; i < stage->place_firsts[partition + 1];
             i++) {
            uint32_t id = stage->places[i].id;
            bool is_executor = stage->places[i].kind == PLACE_EXECUTOR;
            if (is_executor && executor_is_alive(table, id)) {
                vote(splitting->executor_tally, id, partition_bytes, &best_executor);
                vote(splitting->node_tally, table->executors[id].node, partition_bytes, &best_node);
            } else if (!is_executor && id < table->node_limit &&
                       table->nodes[id].living_count > 0) {
                vote(splitting->node_tally, id, partition_bytes, &best_node);
            }
        }
    }
    for (uint32_t i = stage->place_firsts[first]; i < stage->place_firsts[end]; i++) {
        uint32_t id = stage->places[i].id;
        if (stage->places[i].kind == PLACE_NODE && id < table->node_limit)
            splitting->node_tally[id] = 0;
        if (stage->places[i].kind == PLACE_EXECUTOR && executor_is_alive(table, id)) {
            splitting->executor_tally[id] = 0;
            splitting->node_tally[table->executors[id].node] = 0;
        }
    }
    if (best_executor != EXECUTOR_NONE)
        add_entry(splitting, task, weight, LANE_EXECUTOR, best_executor);
    if (best_node != EXECUTOR_NONE)
        add_entry(splitting, task, weight, LANE_NODE, best_node);
    add_entry(splitting, task, weight, best_node == EXECUTOR_NONE ? LANE_ANY : LANE_STEAL, 0);
}

BARKS_CHECKED static barks_status *make_entries(struct splitting *splitting)
{
    bool has_places = splitting->stage->place_firsts != NULL;
    size_t entries_max = (size_t)splitting->task_count * (has_places ? 3 : 1);
    splitting->entries = calloc(entries_max + 1, sizeof *splitting->entries);
    splitting->executor_tally =
        calloc((size_t)splitting->table->executor_limit + 1, sizeof *splitting->executor_tally);
    splitting->node_tally =
        calloc((size_t)splitting->table->node_limit + 1, sizeof *splitting->node_tally);
    if (splitting->entries == NULL || splitting->executor_tally == NULL ||
        splitting->node_tally == NULL)
        return no_memory(splitting);
    uint64_t usual = usual_weight(splitting);
    uint32_t task = 0;
    for (uint32_t i = 0; i < splitting->segment_count; i++) {
        const struct segment *segment = &splitting->segments[i];
        for (uint32_t run = 0; run < segment->run_count; run++, task++) {
            uint64_t weight = weight_of(splitting, task);
            splitting->tasks[task].is_heavy = weight / 2 > usual;
            if (segment->owner != EXECUTOR_NONE) {
                add_entry(splitting, task, weight, LANE_EXECUTOR, segment->owner);
                splitting->entries[splitting->entry_count - 1].is_pinned = true;
            } else if (has_places)
                prefer(splitting, task, weight);
            else
                add_entry(splitting, task, weight, LANE_ANY, 0);
        }
    }
    return NULL;
}

static int compare_entries(const void *a_pointer, const void *b_pointer)
{
    const struct entry *a = a_pointer, *b = b_pointer;
    if (a->level != b->level)
        return a->level < b->level ? -1 : 1;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    if (a->is_pinned != b->is_pinned)
        return a->is_pinned ? -1 : 1;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return (a->task > b->task) - (a->task < b->task);
}

static void sort_entries(struct splitting *splitting)
{
    for (uint32_t i = 1; i < splitting->entry_count; i++) {
        if (compare_entries(&splitting->entries[i - 1], &splitting->entries[i]) > 0) {
            qsort(splitting->entries, splitting->entry_count, sizeof *splitting->entries,
                  compare_entries);
            return;
        }
    }
}

static bool begins_lane(const struct splitting *splitting, uint32_t entry)
{
    const struct entry *entries = splitting->entries;
    return entry == 0 || entries[entry].level != entries[entry - 1].level ||
           entries[entry].place != entries[entry - 1].place ||
           entries[entry].is_pinned != entries[entry - 1].is_pinned;
}

static void add_lane(struct splitting *splitting, enum lane_level level, uint32_t place,
                     uint32_t first_entry)
{
    const struct stage *stage = splitting->stage;
    splitting->lanes[splitting->lane_count++] = (struct lane){
        .node = {.key = {stage->job->rank, (uint64_t)stage->index << 2 | (uint64_t)level},
                 .position = HEAP_OUTSIDE},
        .stage = splitting->stage,
        .level = level,
        .place = place,
        .cursor = first_entry,
        .end = first_entry,
        .retry_head = TASK_NONE,
        .retry_tail = TASK_NONE};
}

/* Is a task of the stage bound to nobody? Then there is a lane for anybody, be it empty, for
 * retries. */
static bool has_unpinned(const struct splitting *splitting)
{
    for (uint32_t i = 0; i < splitting->segment_count; i++)
        if (splitting->segments[i].owner == EXECUTOR_NONE)
            return true;
    return false;
}

BARKS_CHECKED static barks_status *make_lanes(struct splitting *splitting)
{
    uint32_t lanes_max = 1;
    for (uint32_t entry = 0; entry < splitting->entry_count; entry++)
        lanes_max += begins_lane(splitting, entry);
    splitting->order = calloc((size_t)splitting->entry_count + 1, sizeof *splitting->order);
    splitting->lanes = calloc(lanes_max, sizeof *splitting->lanes);
    if (splitting->order == NULL || splitting->lanes == NULL)
        return no_memory(splitting);
    bool wants_any = has_unpinned(splitting);
    for (uint32_t i = 0; i < splitting->entry_count; i++) {
        const struct entry *entry = &splitting->entries[i];
        if (wants_any && entry->level >= LANE_ANY) {
            wants_any = false;
            if (entry->level > LANE_ANY)
                add_lane(splitting, LANE_ANY, 0, i);
        }
        if (begins_lane(splitting, i))
            add_lane(splitting, entry->level, entry->place, i);
        splitting->order[i] = entry->task;
        splitting->lanes[splitting->lane_count - 1].end++;
    }
    BARKS_ASSERT(!wants_any && splitting->lane_count <= lanes_max);
    return NULL;
}

/* A task is pinned when it stands in the lane of an executor and in no other. */
static void pin_tasks(struct splitting *splitting)
{
    uint32_t task = 0;
    for (uint32_t i = 0; i < splitting->segment_count; i++)
        for (uint32_t run = 0; run < splitting->segments[i].run_count; run++)
            splitting->tasks[task++].lane =
                splitting->segments[i].owner == EXECUTOR_NONE ? LANE_NONE : 0;
    for (uint32_t lane = 0; lane < splitting->lane_count; lane++) {
        if (splitting->lanes[lane].level != LANE_EXECUTOR)
            continue;
        for (uint32_t entry = splitting->lanes[lane].cursor; entry < splitting->lanes[lane].end;
             entry++) {
            if (splitting->tasks[splitting->order[entry]].lane == LANE_NONE)
                continue;
            splitting->tasks[splitting->order[entry]].lane = lane;
            splitting->lanes[lane].is_pinned = true;
            splitting->lanes[lane].open_count++;
        }
    }
}

BARKS_CHECKED static barks_status *split(struct splitting *splitting)
{
    BARKS_TRY(make_segments(splitting));
    count_runs(splitting);
    BARKS_TRY(make_tasks(splitting));
    BARKS_TRY(make_entries(splitting));
    sort_entries(splitting);
    BARKS_TRY(make_lanes(splitting));
    pin_tasks(splitting);
    return NULL;
}

barks_status *stage_split(struct stage *stage, const struct executor_table *table)
{
    BARKS_ASSERT(!stage->is_split && table->living_count > 0);
    struct splitting splitting = {.stage = stage, .table = table};
    barks_status *status = split(&splitting);
    if (status == NULL) {
        stage->tasks = splitting.tasks;
        stage->task_count = splitting.task_count;
        stage->order = splitting.order;
        stage->lanes = splitting.lanes;
        stage->lane_count = splitting.lane_count;
        splitting.tasks = NULL;
        splitting.order = NULL;
        splitting.lanes = NULL;
        stage->any_lane = LANE_NONE;
        for (uint32_t lane = 0; lane < stage->lane_count; lane++)
            if (stage->lanes[lane].level == LANE_ANY)
                stage->any_lane = lane;
        stage->is_split = true;
        stage->is_bound = stage->pins != NULL;
        free(stage->partition_bytes);
        free(stage->piece_bytes);
        free(stage->pins);
        free(stage->place_firsts);
        free(stage->places);
        stage->partition_bytes = NULL;
        stage->piece_bytes = NULL;
        stage->pins = NULL;
        stage->place_firsts = NULL;
        stage->places = NULL;
    }
    splitting_drop(&splitting);
    return status;
}
