#include "runtime/summary.h"

#include "base/clock.h"
#include "base/slurm.h"
#include "runtime/accumulators.h"
#include "runtime/context.h"
#include "runtime/live_progress.h"
#include "runtime/resume.h"
#include "runtime/units_text.h"

#include <inttypes.h>
#include <stdio.h>

/* The numbers that the job has counted itself. */
static void say_accumulators(const barks_context *context, struct progress *progress)
{
    for (uint32_t i = 0; i < context->accumulator_count; i++) {
        const struct accumulator *one = &context->accumulators[i];
        char text[ACCUMULATOR_TEXT_BYTES];
        accumulator_print(one, text);
        if (text[0] != '\0')
            progress_say(progress, "%s: %s", one->name, text);
    }
}

void summary_print(const barks_context *context)
{
    if (context->action_count == 0)
        return;
    struct driver_totals totals = driver_totals(context->driver);
    struct progress *progress = driver_progress(context->driver);
    char rows[32], read[32], shuffled[32], written[32], peak[32], spilled[48] = "", hot[48] = "";
    char again[48] = "", lost[32] = "", filtered[80] = "", skipped[48] = "";
    text_of_count((double)totals.rows_read, rows, sizeof rows);
    text_of_bytes((double)totals.bytes_read, read, sizeof read);
    text_of_bytes((double)totals.bytes_shuffled, shuffled, sizeof shuffled);
    text_of_bytes((double)totals.bytes_written, written, sizeof written);
    text_of_bytes((double)totals.peak_bytes, peak, sizeof peak);
    if (totals.spilled_bytes > 0) {
        char bytes[32];
        text_of_bytes((double)totals.spilled_bytes, bytes, sizeof bytes);
        snprintf(spilled, sizeof spilled, ", spilled %s", bytes);
    }
    if (totals.hot_key_count > 0)
        snprintf(hot, sizeof hot, ", %" PRIu32 " hot key%s spread", totals.hot_key_count,
                 totals.hot_key_count == 1 ? "" : "s");
    if (totals.rows_filtered > 0) {
        char count[32];
        text_of_count((double)totals.rows_filtered, count, sizeof count);
        snprintf(filtered, sizeof filtered, ", %s rows without a partner not sent", count);
    }
    if (totals.skipped_count > 0)
        snprintf(skipped, sizeof skipped, ", %" PRIu32 " stage%s skipped", totals.skipped_count,
                 totals.skipped_count == 1 ? "" : "s");
    uint32_t lost_count = driver_lost_count(context->driver);
    if (lost_count > 0)
        snprintf(lost, sizeof lost, " (%" PRIu32 " lost)", lost_count);
    if (totals.again_count > 0)
        snprintf(again, sizeof again, " (%" PRIu32 " again)", totals.again_count);
    progress_say(
        progress,
        "%s in %.2f s: %" PRIu32 " executor%s%s with %" PRIu32 " worker%s, %" PRIu32
        " stages, %" PRIu32
        " tasks%s; read %s rows (%s), shuffled %s, wrote %s, peak memory %s%s%s%s%s",
        context->exit_code == 0 ? "done" : "failed",
        (double)(monotonic_ns() - context->start_ns) * 1e-9, driver_executor_count(context->driver),
        driver_executor_count(context->driver) == 1 ? "" : "s", lost,
        driver_worker_count(context->driver), driver_worker_count(context->driver) == 1 ? "" : "s",
        totals.stage_count, totals.task_count, again, rows, read, shuffled, written, peak, spilled,
        hot, filtered, skipped);
    uint32_t restart_count = slurm_allocation().restart_count;
    if (restart_count > 0)
        progress_say(progress, "Slurm has started this job again: restart %" PRIu32, restart_count);
    struct resume_counts resumed = resume_counts(context->resume);
    if (resumed.stages_reused > 0)
        progress_say(progress, "resumed: %" PRIu32 " of %" PRIu32 " stages reused",
                     resumed.stages_reused, resumed.stages);
    say_accumulators(context, progress);
    if (context->output != NULL)
        progress_say(progress, "output: %s", context->output);
}
