#include "scheduler/stage.h"

#include "base/assertion.h"
#include "scheduler/attempt.h"
#include "scheduler/job.h"

#include <stdlib.h>
#include <string.h>

/* READY, RUNNING and COMPLETE go back to WAITING, and COMPLETE and COMMITTED to READY, when
 * executors are lost with what had been sent to them or kept by them; COMMITTED to COMPLETE, when
 * it need only be sent again. */
static const bool moves[STAGE_STATE_COUNT][STAGE_STATE_COUNT] = {
    [STAGE_WAITING] = {[STAGE_READY] = true, [STAGE_SKIPPED] = true, [STAGE_FAILED] = true},
    [STAGE_READY] = {[STAGE_RUNNING] = true,
                     [STAGE_COMPLETE] = true, /* without partitions */
                     [STAGE_WAITING] = true,
                     [STAGE_SKIPPED] = true,
                     [STAGE_FAILED] = true},
    [STAGE_RUNNING] = {[STAGE_COMPLETE] = true, [STAGE_WAITING] = true, [STAGE_FAILED] = true},
    [STAGE_COMPLETE] = {[STAGE_COMMITTED] = true,
                        [STAGE_READY] = true,
                        [STAGE_WAITING] = true,
                        [STAGE_FAILED] = true},
    [STAGE_COMMITTED] = {[STAGE_COMPLETE] = true, [STAGE_READY] = true, [STAGE_WAITING] = true},
};

bool stage_may_move(enum stage_state from, enum stage_state to) { return moves[from][to]; }

void stage_move(struct stage *stage, enum stage_state to, struct transition_counts *counts)
{
    BARKS_ASSERT(stage_may_move(stage->state, to));
    counts->stage[stage->state][to]++;
    stage->state = to;
}

bool stage_is_active(const struct stage *stage)
{
    return stage->state == STAGE_READY || stage->state == STAGE_RUNNING;
}

barks_status *stage_ship(struct stage *stage, uint32_t executor, uint32_t executor_limit,
                         bool *out_was_shipped)
{
    if (executor >= stage->shipped_limit) {
        size_t words = ((size_t)executor_limit + 63) / 64, words_before = stage->shipped_limit / 64;
        uint64_t *shipped = reallocarray(stage->shipped, words, sizeof *shipped);
        if (shipped == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory to note who has stage %u", stage->index);
        memset(shipped + words_before, 0, (words - words_before) * sizeof *shipped);
        stage->shipped = shipped;
        stage->shipped_limit = (uint32_t)(64 * words); /* ids are below 2^20 */
    }
    uint64_t bit = UINT64_C(1) << (executor % 64);
    *out_was_shipped = (stage->shipped[executor / 64] & bit) != 0;
    stage->shipped[executor / 64] |= bit;
    return NULL;
}

void stage_drop_tasks(struct stage *stage)
{
    free(stage->tasks);
    free(stage->order);
    free(stage->lanes);
    free(stage->failures);
    free(stage->durations);
    stage->durations = NULL;
    stage->failures = NULL;
    stage->failure_count = stage->failure_capacity = 0;
    stage->tasks = NULL;
    stage->order = NULL;
    stage->lanes = NULL;
    stage->lane_count = 0;
    stage->rest_count = 0;
}

void stage_drop(struct stage *stage)
{
    stage_drop_tasks(stage);
    free(stage->partition_bytes);
    free(stage->piece_bytes);
    free(stage->pins);
    free(stage->place_firsts);
    free(stage->places);
    free(stage->shipped);
    free(stage->needs);
    *stage = (struct stage){0};
}

/* Where the rests end that follow each other from there on. */
static uint32_t rests_end(const struct stage *stage, uint32_t end)
{
    for (uint32_t index = stage->task_count - stage->rest_count; index < stage->task_count; index++)
        if (stage->tasks[index].first_partition == end)
            return rests_end(stage, stage->tasks[index].end_partition);
    return end;
}

/* The runs, each with its rests behind it, cover all partitions in order. */
static bool counts_are_sound(const struct stage *stage)
{
    uint32_t end = 0, done = 0, covered = 0;
    for (uint32_t index = 0; index < stage->task_count; index++) {
        const struct task *task = &stage->tasks[index];
        bool is_rest = index >= stage->task_count - stage->rest_count;
        if (!task_is_sound(task) || task->end_partition <= task->first_partition)
            return false;
        done += task->state == TASK_DONE;
        covered +=
            task->piece + 1 == task->piece_count ? task->end_partition - task->first_partition : 0;
        if (is_rest)
            continue;
        if (task->first_partition != end)
            return false;
        if (task->piece + 1 == task->piece_count) /* the last one, where there are several */
            end = rests_end(stage, task->end_partition);
        else if (index + 1 == stage->task_count || stage->tasks[index + 1].piece != task->piece + 1)
            return false;
    }
    return done == stage->tasks_done &&
           (stage->task_count == 0 || (end == stage->partition_count && covered == end));
}

/* A pinned lane counts its tasks that are not done; an inactive stage has no lane in a queue, and
 * an active one each that holds pending tasks, but for the wishes for an executor that is lost. */
static bool lanes_are_sound(const struct stage *stage)
{
    uint32_t pinned_open = 0, lanes_open = 0;
    for (uint32_t index = 0; index < stage->task_count; index++)
        pinned_open +=
            stage->tasks[index].lane != LANE_NONE && stage->tasks[index].state != TASK_DONE;
    for (uint32_t index = 0; index < stage->lane_count; index++) {
        struct lane lane = stage->lanes[index]; /* lane_first would pass over entries */
        lanes_open += lane.open_count;
        bool is_queued = lane.node.position != HEAP_OUTSIDE;
        if (lane.stage != stage || (is_queued && !stage_is_active(stage)) ||
            (lane.open_count > 0 && !lane.is_pinned))
            return false;
        bool has_pending = false;
        for (uint32_t entry = lane.cursor; entry < lane.end; entry++)
            has_pending |= task_is_in_lanes(&stage->tasks[stage->order[entry]]);
        for (uint32_t task = lane.retry_head; task != TASK_NONE;
             task = stage->tasks[task].next_retry)
            has_pending |= task_is_in_lanes(&stage->tasks[task]);
        bool is_wish = lane.level == LANE_EXECUTOR && !lane.is_pinned;
        bool is_wanted = has_pending && stage_is_active(stage) && !is_wish && !stage->gang.is_gang;
        if (is_wanted && !is_queued)
            return false;
    }
    return pinned_open == lanes_open;
}

bool stage_is_sound(const struct stage *stage)
{
    /* Once its job is finishing, nobody looks at the tasks any more, only at attempts. */
    if (stage->state == STAGE_FAILED || stage->state == STAGE_SKIPPED)
        return true;
    if (stage->tasks != NULL &&
        (!counts_are_sound(stage) || !lanes_are_sound(stage) || !gang_is_sound(stage)))
        return false;
    switch (stage->state) {
    case STAGE_WAITING:
        return !stage->is_split || stage->tasks_done < stage->task_count;
    case STAGE_READY:
        return stage->is_split && stage->tasks_done < stage->task_count && !stage->is_released;
    case STAGE_RUNNING:
        return stage->is_split && stage->tasks_done < stage->task_count && stage->has_begun;
    case STAGE_COMPLETE:
        return stage->is_split && stage->tasks_done == stage->task_count && stage->commit > 0;
    case STAGE_COMMITTED:
        return stage->tasks_done == stage->task_count && stage->commit > 0;
    case STAGE_FAILED:
    case STAGE_SKIPPED:
        return true;
    }
    return false;
}
