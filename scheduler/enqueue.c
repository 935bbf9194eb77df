/* What waits for a worker: lanes, and the tasks in them, come and go. */
#include "scheduler/scheduler_state.h"

/* Of its place; NULL: the lane is for anybody, and stands in its claim. */
static struct lane_queue *queue_of(struct scheduler *scheduler, const struct lane *lane)
{
    switch (lane->level) {
    case LANE_EXECUTOR:
        return &scheduler->executors.executors[lane->place].lanes;
    case LANE_NODE:
        return &scheduler->executors.nodes[lane->place].lanes;
    case LANE_ANY:
    case LANE_STEAL:
        break;
    }
    return NULL;
}

barks_status *lane_enqueue(struct scheduler *scheduler, struct lane *lane)
{
    if (lane->node.position != HEAP_OUTSIDE || !stage_is_active(lane->stage) ||
        lane->stage->gang.is_gang)
        return NULL;
    if (lane->level == LANE_EXECUTOR && !executor_is_alive(&scheduler->executors, lane->place))
        return NULL; /* a wish that cannot come true: its tasks are in another lane too */
    struct lane_queue *queue = queue_of(scheduler, lane);
    struct claim *claim = lane->stage->job->claim;
    return queue != NULL ? lane_queue_insert(queue, claim, &lane->node)
                         : claim_insert(&scheduler->pools, claim, &lane->node);
}

void lane_dequeue(struct scheduler *scheduler, struct lane *lane)
{
    struct lane_queue *queue = queue_of(scheduler, lane);
    struct claim *claim = lane->stage->job->claim;
    if (lane->node.position == HEAP_OUTSIDE)
        return;
    if (queue != NULL)
        lane_queue_remove(queue, claim, &lane->node);
    else
        claim_remove(&scheduler->pools, claim, &lane->node);
}

static void count_needy(struct scheduler *scheduler, struct stage *stage, bool is_active)
{
    bool counts = is_active && stage->needs != NULL;
    scheduler->needy_count += counts;
    scheduler->needy_count -= stage->is_needy;
    stage->is_needy = counts;
}

barks_status *stage_enqueue(struct scheduler *scheduler, struct stage *stage)
{
    if (stage->gang.is_gang)
        return gang_wait(scheduler, stage);
    count_needy(scheduler, stage, true);
    BARKS_TRY(locality_begin(scheduler, stage));
    BARKS_TRY(exclusions_apply(scheduler, stage));
    for (uint32_t lane = 0; lane < stage->lane_count; lane++)
        if (lane_first(&stage->lanes[lane]) != TASK_NONE)
            BARKS_TRY(lane_enqueue(scheduler, &stage->lanes[lane]));
    return NULL;
}

void stage_dequeue(struct scheduler *scheduler, struct stage *stage)
{
    for (uint32_t lane = 0; lane < stage->lane_count; lane++)
        lane_dequeue(scheduler, &stage->lanes[lane]);
    count_needy(scheduler, stage, false);
    locality_end(scheduler, stage);
    passed_forget(scheduler, stage);
    speculation_end(scheduler, stage);
    gang_forget(scheduler, stage);
}

static struct lane *retry_lane(const struct stage *stage, uint32_t task)
{
    uint32_t lane = stage->tasks[task].lane;
    return &stage->lanes[lane == LANE_NONE ? stage->any_lane : lane];
}

barks_status *task_enqueue(struct scheduler *scheduler, struct stage *stage, uint32_t index)
{
    struct task *task = &stage->tasks[index];
    if (stage->gang.is_gang)
        return NULL; /* it starts with all others, or not at all */
    struct lane *lane = retry_lane(stage, index);
    if (task->lane != LANE_NONE && task_may_be_lent(stage, task))
        task->is_wary =
            task->failures_head != FAILURE_NONE || exclusion_exists(scheduler, stage, lane->place);
    if (task->is_wary)
        return retry_list_add(&scheduler->retries, stage, index);
    lane_retry(lane, index);
    return lane_enqueue(scheduler, lane);
}
