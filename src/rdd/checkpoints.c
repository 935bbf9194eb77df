/* Datasets whose lineage is cut: what was computed is written, and read there from then on. */
#include "rdd/checkpoints.h"

#include "base/copy.h"
#include "exec/pipeline.h"
#include "plan/file_node.h"
#include "rdd/action_frame.h"
#include "rdd/lineage_mend.h"
#include "runtime/action.h"
#include "runtime/answer.h"
#include "runtime/kept_state.h"
#include "runtime/resume.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHECKPOINT_PARTS_MAX = 100000 }; /* numbers of five digits: names sort as numbers do */

/* ---- in files ---- */

BARKS_CHECKED static barks_status *check_checkpoint(const barks_rdd *rdd, int save_mode,
                                                    const char *what)
{
    BARKS_TRY(node_error(&rdd->node));
    if (save_mode == BARKS_APPEND || save_mode == BARKS_IGNORE)
        BARKS_FAIL(
            BARKS_INVALID,
            "%s: .mode is to append or to leave what is there; a checkpoint is just the rows "
            "of the dataset, so it is BARKS_OVERWRITE or left out",
            what);
    if (rdd->node.partition_count > CHECKPOINT_PARTS_MAX)
        BARKS_FAIL(BARKS_LIMIT,
                   "%s: %" PRIu32 " partitions are over the limit of %d; barks_coalesce makes them "
                   "fewer",
                   what, rdd->node.partition_count, CHECKPOINT_PARTS_MAX);
    return NULL;
}

/* A file is a partition, in the order of their numbers. */
BARKS_CHECKED static barks_status *fill_files(barks_rdd *files, const barks_rdd *rdd,
                                              const char *path)
{
    char name[512];
    bool scan = false;
    const barks_read_options options = {0};
    struct file_wish wish = {.format = "batches",
                             .paths = &path,
                             .path_count = 1,
                             .record = rdd->node.record,
                             .options = &options,
                             .split_bytes = 1,
                             .pool = rdd->context->pool};
    BARKS_TRY(file_node_fill(&files->node, &wish, &scan));
    if (rdd->node.partition_count == 0) /* the one part, without rows, is only there for readers */
        files->node.partition_count = 0;
    if (files->node.partition_count != rdd->node.partition_count)
        BARKS_FAIL(BARKS_IO,
                   "'%s' has %" PRIu32 " parts, and %" PRIu32 " were written: others "
                   "write there",
                   path, files->node.partition_count, rdd->node.partition_count);
    snprintf(name, sizeof name, "checkpoint in %s", path);
    return copy_text(name, &files->node.name);
}

/* The handle reads the files: where it keeps its rows, those that it does not have any more. */
BARKS_CHECKED static barks_status *read_from_locked(barks_rdd *rdd, barks_rdd *files)
{
    barks_rdd *inner = NULL;
    if (rdd->node.step.kind != STEP_KEEP)
        BARKS_TRY(lineage_put_above(rdd, &inner));
    if (rdd->node.error != NULL)
        return node_error(&rdd->node);
    BARKS_TRY(resume_keep_fingerprint(rdd->context, &rdd->node, rdd->node.inputs[0]));
    rdd->node.inputs[0] = &files->node;
    rdd->node.knows_input_bytes = false;
    return lineage_mend(rdd->context);
}

BARKS_CHECKED static barks_status *cut_to_files(barks_rdd *rdd, const char *path, const char *where)
{
    barks_rdd *files = dataset_create(rdd->context, STEP_FILES, NULL, 0, where);
    if (files->context == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a dataset");
    barks_status *status = fill_files(files, rdd, path);
    if (status == NULL) {
        lock_acquire(&rdd->context->planning);
        status = read_from_locked(rdd, files);
        lock_release(&rdd->context->planning);
    } else if (files->node.record == NULL) {
        files->node.record = rdd->node.record;
    }
    return status;
}

barks_status *checkpoint_write(barks_rdd *rdd, const char *path, int save_mode, const char *what,
                               const char *where)
{
    BARKS_TRY(check_checkpoint(rdd, save_mode, what));
    (void)partitioning_rely(&rdd->node); /* what is read again is known to lie where it lay */
    BARKS_TRY(answer_write(rdd->context, &rdd->node, "batches", path, save_mode, what));
    BARKS_TRY_DOING(cut_to_files(rdd, path, where), "%s: read what was written", what);
    return NULL;
}

bool barks_checkpoint_at(barks_rdd *rdd, const char *path, const barks_write_options *options,
                         const char *where)
{
    char what[ACTION_NAME_BYTES];
    action_name(what, "checkpoint", where);
    barks_context *context = action_context(rdd, what);
    int save_mode = options->overwrite ? BARKS_OVERWRITE : (int)options->mode;
    return context != NULL &&
           action_is_done(context, checkpoint_write(rdd, path, save_mode, what, where));
}

/* ---- on executors ---- */

barks_status *compute_all(barks_rdd *rdd, const char *what)
{
    struct job job = {0};
    struct terminal terminal = {.kind = TERMINAL_COUNT, .reuse = REUSE_STAGES};
    barks_status *status = action_run(rdd->context, &rdd->node, &terminal, what, &job);
    job_drop(&job);
    return status;
}

/* A step that keeps all rows on disk, above what is kept already, too. */
BARKS_CHECKED static barks_status *keep_on_disk_locked(barks_rdd *rdd, barks_rdd **out_inner)
{
    BARKS_TRY(lineage_put_above(rdd, out_inner));
    if (rdd->node.error != NULL)
        return node_error(&rdd->node);
    BARKS_TRY(lineage_mend(rdd->context));
    return kept_state_begin(rdd->context, &rdd->node,
                            &(barks_persist_options){.level = BARKS_DISK});
}

/* Once all partitions are there, what they were made of is read no more. */
BARKS_CHECKED static barks_status *cut_to_kept_locked(barks_rdd *rdd, barks_rdd *inner)
{
    kept_state_update(rdd->context);
    for (uint32_t p = 0; p < rdd->node.partition_count; p++)
        if (rdd->node.kept == NULL || rdd->node.kept->at[p] == 0)
            BARKS_FAIL(BARKS_LOST, "partition %" PRIu32 " was not kept by any executor", p);
    BARKS_TRY(resume_keep_fingerprint(rdd->context, &rdd->node, &inner->node));
    rdd->node.step.kind = STEP_KEPT;
    rdd->node.input_count = 0;
    rdd->node.knows_input_bytes = false;
    BARKS_TRY(kept_state_end(rdd->context, &inner->node)); /* nothing is, where it was not kept */
    return lineage_mend(rdd->context);
}

barks_status *checkpoint_locally(barks_rdd *rdd, const char *what)
{
    barks_context *context = rdd->context;
    if (rdd->node.step.kind == STEP_KEPT)
        return NULL;
    barks_rdd *inner = NULL;
    lock_acquire(&context->planning);
    barks_status *status = keep_on_disk_locked(rdd, &inner);
    lock_release(&context->planning);
    if (status == NULL)
        status = compute_all(rdd, what);
    lock_acquire(&context->planning);
    if (status == NULL)
        status = cut_to_kept_locked(rdd, inner);
    else
        barks_status_free(kept_state_end(context, &rdd->node));
    lock_release(&context->planning);
    return status;
}

bool barks_local_checkpoint_at(barks_rdd *rdd, const char *where)
{
    char what[ACTION_NAME_BYTES];
    action_name(what, "local checkpoint", where);
    barks_context *context = action_context(rdd, what);
    if (context == NULL || !action_is_done(context, node_error(&rdd->node)))
        return false;
    return action_is_done(context, checkpoint_locally(rdd, what));
}
