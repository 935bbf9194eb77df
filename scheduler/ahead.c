#include "scheduler/ahead.h"

#include "scheduler/scheduler_state.h"

enum {
    QUICK_NS = 1000 * 1000,     /* tasks that take longer are not given ahead */
    QUEUE_NS = 4 * 1000 * 1000, /* what is given ahead to a worker takes about so long */
    MEASURED_MIN = 8,           /* tasks that have ended before the first is given ahead */
    MEASURED_AGAIN = 32,        /* after so many more the median is looked at again */
};

const struct ahead_queue ahead_empty = {.head = ATTEMPT_NONE, .tail = ATTEMPT_NONE};

/* How many tasks of the stage each worker may have ahead. */
static uint32_t depth_of(const struct scheduler *scheduler, struct stage *stage)
{
    const struct durations *durations = stage->durations;
    if (durations == NULL || durations->total < MEASURED_MIN)
        return 0;
    if (stage->ahead_measured == 0 || durations->total - stage->ahead_measured >= MEASURED_AGAIN) {
        uint64_t median_ns = durations_median_ns(durations);
        uint64_t depth = median_ns < QUICK_NS ? QUEUE_NS / (median_ns + 1) : 0;
        stage->ahead_measured = durations->total;
        stage->ahead_depth =
            depth < scheduler->options.ahead ? (uint32_t)depth : scheduler->options.ahead;
    }
    return stage->ahead_depth;
}

/* With gangs, needs and wishes workers are held for others, and time that is limited is measured
 * from where a worker begins. */
bool ahead_is_possible(const struct scheduler *scheduler, uint32_t id)
{
    const struct executor *executor = &scheduler->executors.executors[id];
    return scheduler->options.ahead > 0 && scheduler->options.slow_percent > 0 &&
           scheduler->options.attempt_ns_max == 0 && scheduler->gangs == NULL &&
           scheduler->needy_count == 0 && scheduler->wishing_count == 0 && executor->is_alive &&
           executor->busy_count == executor->worker_count &&
           executor->ahead.count < scheduler->options.ahead * executor->worker_count;
}

bool ahead_admits(const struct scheduler *scheduler, uint32_t id, const struct lane *lane)
{
    const struct executor *executor = &scheduler->executors.executors[id];
    return !lane->is_pinned && !lane->stage->forbids_copies && !lane->stage->shares &&
           executor->ahead.count < depth_of(scheduler, lane->stage) * executor->worker_count;
}

void ahead_append(struct scheduler *scheduler, uint32_t index)
{
    struct attempt *items = scheduler->attempts.items;
    struct ahead_queue *queue = &scheduler->executors.executors[items[index].executor].ahead;
    items[index].is_ahead = true;
    items[index].previous_ahead = queue->tail;
    items[index].next_ahead = ATTEMPT_NONE;
    if (queue->tail == ATTEMPT_NONE)
        queue->head = index;
    else
        items[queue->tail].next_ahead = index;
    queue->tail = index;
    queue->count++;
}

void ahead_remove(struct scheduler *scheduler, uint32_t index)
{
    struct attempt *items = scheduler->attempts.items;
    struct ahead_queue *queue = &scheduler->executors.executors[items[index].executor].ahead;
    uint32_t previous = items[index].previous_ahead, next = items[index].next_ahead;
    if (previous == ATTEMPT_NONE)
        queue->head = next;
    else
        items[previous].next_ahead = next;
    if (next == ATTEMPT_NONE)
        queue->tail = previous;
    else
        items[next].previous_ahead = previous;
    items[index].is_ahead = false;
    queue->count--;
}

void ahead_promote(struct scheduler *scheduler, uint32_t id)
{
    const struct ahead_queue *queue = &scheduler->executors.executors[id].ahead;
    while (queue->head != ATTEMPT_NONE && executor_has_idle_worker(&scheduler->executors, id)) {
        uint32_t index = queue->head;
        ahead_remove(scheduler, index);
        scheduler->attempts.items[index].start_ns = scheduler->now_ns;
        executor_occupy(&scheduler->executors, id, 1);
    }
}

bool ahead_is_sound(const struct scheduler *scheduler, const struct executor *executor)
{
    uint32_t count = 0, previous = ATTEMPT_NONE;
    for (uint32_t index = executor->ahead.head; index != ATTEMPT_NONE;
         index = scheduler->attempts.items[index].next_ahead) {
        const struct attempt *attempt = &scheduler->attempts.items[index];
        if (!attempt->is_ahead || attempt->previous_ahead != previous ||
            &scheduler->executors.executors[attempt->executor] != executor ||
            count > executor->ahead.count)
            return false;
        previous = index;
        count++;
    }
    bool has_idle = executor->is_alive && executor->busy_count < executor->worker_count;
    return previous == executor->ahead.tail && count == executor->ahead.count &&
           (count == 0 || (executor->is_alive && !has_idle));
}
