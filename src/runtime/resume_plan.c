/* What is there already of a plan. */
#include "barks/rdd.h"
#include "base/copy.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/pack.h"
#include "base/scope.h"
#include "plan/hot_order.h"
#include "plan/stage_cut.h"
#include "runtime/accumulators.h"
#include "runtime/context.h"
#include "runtime/driver.h"
#include "runtime/live_progress.h"
#include "runtime/resume_state.h"
#include "shuffle/hot_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A plan that is looked up, stage by stage. */
struct lookup {
    struct resume *resume;
    struct job *job;
    struct stage_manifest *manifests; /* owned: by stage; zeroed: none */
    bool *is_there;                   /* owned: by stage */
    bool *is_read;                    /* owned: by stage: it runs or is read */
    struct name_set added;            /* stages whose additions the job has */
};

static void lookup_drop(struct lookup *lookup)
{
    for (uint32_t s = 0; lookup->manifests != NULL && s < lookup->job->plan.stage_count; s++)
        stage_manifest_drop(&lookup->manifests[s]);
    free(lookup->manifests);
    free(lookup->is_there);
    free(lookup->is_read);
    free(lookup->added.names);
}

/* ---- one stage ---- */

/* What is damaged is told, and as good as not there. */
BARKS_CHECKED static barks_status *find_stage(struct lookup *lookup, uint32_t stage)
{
    const struct fingerprint *fingerprint = &lookup->job->plan.stages[stage].fingerprint;
    struct stage_manifest *manifest = &lookup->manifests[stage];
    if (!fingerprint->is_known || lookup->is_there[stage])
        return NULL;
    barks_status *status =
        stage_manifest_read(&lookup->resume->work, fingerprint, manifest, &lookup->is_there[stage]);
    if (status != NULL && barks_status_code(status) == BARKS_BAD_INPUT) {
        LOG(LEVEL_WARN, "runtime", "%s: a stored stage is damaged and is computed again: %s",
            lookup->job->what, barks_status_text(status));
        barks_status_free(status);
        return NULL;
    }
    BARKS_TRY(status);
    bool is_answer = stage + 1 == lookup->job->plan.stage_count;
    uint32_t partition_count = lookup->job->plan.stages[stage].pipeline->terminal.partition_count;
    bool fits = is_answer ? manifest->stored == NULL
                          : manifest->stored != NULL &&
                                manifest->stored->partition_count == partition_count;
    bool is_own = manifest->session == lookup->resume->work.session;
    if (lookup->is_there[stage] && (!fits || (lookup->resume->is_fresh && !is_own))) {
        stage_manifest_drop(manifest);
        lookup->is_there[stage] = false;
    }
    return NULL;
}

/* ---- hot keys of joins ---- */

BARKS_CHECKED static barks_status *read_hot_keys(const struct manifest_bytes *packed,
                                                 struct hot_list *out)
{
    BARKS_AUTO(unpacker) in;
    if (packed->size_bytes == 0) {
        unpacker_init(&in, "", 0);
        return NULL;
    }
    unpacker_init(&in, packed->bytes, packed->size_bytes);
    return hot_list_unpack(out, &in);
}

/* Both sides of a join must have gone by the same hot keys. */
static bool agree(const struct lookup *lookup, uint32_t stage, uint32_t before)
{
    const struct manifest_bytes *told = &lookup->manifests[stage].hot_keys_told;
    const struct manifest_bytes *found = &lookup->manifests[before].hot_keys_found;
    return lookup->is_there[before] && told->size_bytes == found->size_bytes &&
           (told->size_bytes == 0 || memcmp(told->bytes, found->bytes, told->size_bytes) == 0);
}

/* Looks for a stage, and for the one whose hot keys it was told. */
BARKS_CHECKED static barks_status *find_told_stage(struct lookup *lookup, uint32_t stage)
{
    uint32_t before = hot_stage_before(&lookup->job->plan, stage);
    BARKS_TRY(find_stage(lookup, stage));
    if (before == STAGE_NONE)
        return NULL;
    BARKS_TRY(find_stage(lookup, before));
    if (lookup->is_there[stage] && !agree(lookup, stage, before)) {
        stage_manifest_drop(&lookup->manifests[stage]);
        lookup->is_there[stage] = false;
    }
    return NULL;
}

/* A stage that runs is told what the one before it had found, if that is there. */
BARKS_CHECKED static barks_status *tell_hot_keys(struct lookup *lookup, uint32_t stage)
{
    struct job_plan *plan = &lookup->job->plan;
    struct terminal *terminal = &plan->stages[stage].pipeline->terminal;
    uint32_t before = hot_stage_before(plan, stage);
    if (before == STAGE_NONE)
        return NULL;
    BARKS_TRY(find_told_stage(lookup, before));
    if (!lookup->is_there[before])
        return NULL;
    hot_list_drop(&terminal->hot_keys);
    BARKS_TRY(read_hot_keys(&lookup->manifests[before].hot_keys_found, &terminal->hot_keys));
    if (terminal->hot_role != HOT_COPY || terminal->hot_keys.count > 0)
        return NULL;
    lookup->is_there[stage] = true; /* nothing is copied */
    return hot_stage_skip(plan, stage);
}

/* What was spread is known to be, for plans to come. */
BARKS_CHECKED static barks_status *note_placement(struct lookup *lookup, uint32_t stage)
{
    struct stage_plan *plan = &lookup->job->plan.stages[stage];
    struct hot_list keys = {0};
    uint8_t open = PLACEMENT_OPEN;
    if (plan->placement == NULL || !lookup->is_there[stage])
        return NULL;
    barks_status *status = read_hot_keys(&lookup->manifests[stage].hot_keys_found, &keys);
    if (status == NULL && keys.count > 0)
        atomic_compare_exchange_strong(plan->placement, &open, PLACEMENT_SPREAD);
    hot_list_drop(&keys);
    return status;
}

/* ---- what bodies have added ---- */

BARKS_CHECKED static barks_status *append_added(struct job *job, const struct manifest_added *added)
{
    char name[FINGERPRINT_NAME_BYTES];
    uint32_t stage = added->index;
    for (uint32_t s = 0; s < job->plan.stage_count; s++) {
        fingerprint_name(&job->plan.stages[s].fingerprint, name);
        if (strcmp(name, added->stage) == 0)
            stage = s;
    }
    void *bytes = NULL;
    BARKS_TRY(job_reserve_accumulated(job));
    BARKS_TRY(copy_bytes(added->bytes, added->size_bytes, &bytes));
    job->accumulated[job->accumulated_count++] = (struct job_accumulated){
        .stage = stage, .run = UINT32_MAX, .bytes = bytes, .size_bytes = added->size_bytes};
    return NULL;
}

/* Those of stages that run add by themselves; of those that another action has counted, or another
 * manifest of this plan has told of, nothing is added again. */
BARKS_CHECKED static barks_status *take_added(struct lookup *lookup,
                                              const struct stage_manifest *manifest)
{
    struct name_set new = {0};
    barks_status *status = NULL;
    for (uint32_t i = 0; i < manifest->added_count && status == NULL; i++) {
        const struct manifest_added *one = &manifest->added[i];
        if (name_set_has(&lookup->resume->counted, one->stage) ||
            name_set_has(&lookup->added, one->stage))
            continue;
        status = append_added(lookup->job, one);
        if (status == NULL)
            status = name_set_add(&new, one->stage);
    }
    for (uint32_t i = 0; i < new.count &&status == NULL; i++)
        status = name_set_add(&lookup->added, new.names[i]);
    free(new.names);
    return status;
}

BARKS_CHECKED static barks_status *note_running(struct lookup *lookup)
{
    const struct job_plan *plan = &lookup->job->plan;
    for (uint32_t s = 0; s < plan->stage_count; s++) {
        char name[FINGERPRINT_NAME_BYTES];
        if (!lookup->is_read[s] || lookup->is_there[s])
            continue;
        fingerprint_name(&plan->stages[s].fingerprint, name);
        BARKS_TRY(name_set_add(&lookup->added, name));
    }
    return NULL;
}

/* ---- a plan ---- */

/* From the last stage down: what is there needs nothing below it. */
BARKS_CHECKED static barks_status *find_stages(struct lookup *lookup)
{
    struct job *job = lookup->job;
    lookup->is_read[job->plan.stage_count - 1] = true;
    for (uint32_t s = job->plan.stage_count; s-- > 0;) {
        const struct stage_plan *plan = &job->plan.stages[s];
        if (!lookup->is_read[s])
            continue;
        BARKS_TRY(find_told_stage(lookup, s));
        if (!lookup->is_there[s])
            BARKS_TRY(tell_hot_keys(lookup, s));
        if (lookup->is_there[s])
            continue;
        for (uint32_t i = 0; i < plan->input_count; i++)
            if (plan->inputs[i].kind == INPUT_PARTITIONS)
                lookup->is_read[plan->inputs[i].parent] = true;
    }
    return NULL;
}

/* Stages that run read what is there in files. */
static void read_stored(struct lookup *lookup)
{
    struct job_plan *plan = &lookup->job->plan;
    for (uint32_t s = 0; s + 1 < plan->stage_count; s++) {
        if (!lookup->is_read[s] || lookup->manifests[s].stored == NULL)
            continue;
        plan->stages[s].stored = lookup->manifests[s].stored;
        lookup->manifests[s].stored = NULL;
        stage_manifest_touch(&lookup->resume->work, &plan->stages[s].fingerprint);
    }
    job_plan_read_stored(plan);
}

static void take_answer(struct lookup *lookup)
{
    struct job *job = lookup->job;
    struct stage_manifest *manifest = &lookup->manifests[job->plan.stage_count - 1];
    job->results = manifest->results;
    job->result_count = manifest->result_count;
    manifest->results = NULL;
    manifest->result_count = 0;
    stage_manifest_touch(&lookup->resume->work,
                         &job->plan.stages[job->plan.stage_count - 1].fingerprint);
}

static void count_stages(struct lookup *lookup)
{
    struct resume_counts *counts = &lookup->resume->counts;
    uint32_t count = lookup->job->plan.stage_count;
    counts->stages += count;
    for (uint32_t s = 0; s < count; s++)
        lookup->job->stages_reused += !lookup->is_read[s] || lookup->is_there[s];
    counts->stages_reused += lookup->job->stages_reused;
}

BARKS_CHECKED static barks_status *look_up(struct lookup *lookup, bool *out_is_done)
{
    uint32_t count = lookup->job->plan.stage_count;
    lookup->manifests = calloc((size_t)count + 1, sizeof *lookup->manifests);
    lookup->is_there = calloc((size_t)count + 1, sizeof *lookup->is_there);
    lookup->is_read = calloc((size_t)count + 1, sizeof *lookup->is_read);
    if (lookup->manifests == NULL || lookup->is_there == NULL || lookup->is_read == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a plan of %" PRIu32 " stages", count);
    BARKS_TRY(find_stages(lookup));
    BARKS_TRY(note_running(lookup));
    bool is_done = lookup->is_there[count - 1];
    for (uint32_t s = 0; s < count; s++) {
        if (lookup->job->plan.stages[s].placement != NULL)
            BARKS_TRY(find_stage(lookup, s));
        BARKS_TRY(note_placement(lookup, s));
        if (lookup->is_read[s] && lookup->is_there[s])
            BARKS_TRY(take_added(lookup, &lookup->manifests[s]));
    }
    count_stages(lookup);
    if (is_done)
        take_answer(lookup);
    else
        read_stored(lookup);
    *out_is_done = is_done;
    return NULL;
}

/* What a side of a join sends, where rows that the other one lacks keys for are left out, is good
 * for a join with that other one alone. */
static void name_filtered(struct job *job)
{
    for (uint32_t s = 0; s + 1 < job->plan.stage_count; s++) {
        char other[FINGERPRINT_NAME_BYTES], words[FINGERPRINT_NAME_BYTES + 16];
        uint32_t before = filter_stage_before(&job->plan, s);
        if (before == STAGE_NONE)
            continue;
        struct fingerprint *own = &job->plan.stages[s].fingerprint;
        const struct fingerprint *of = &job->plan.stages[before].fingerprint;
        own->is_known &= of->is_known;
        fingerprint_name(of, other);
        snprintf(words, sizeof words, "filtered by %s", other);
        fingerprint_add_text(own, words);
    }
}

/* The names of what the stages put out. */
BARKS_CHECKED static barks_status *name_stages(struct resume *resume, struct job *job,
                                               const struct fingerprint *by_id)
{
    struct stage_plan *stages = job->plan.stages;
    uint32_t last = job->plan.stage_count - 1;
    const struct terminal *terminal = &stages[last].pipeline->terminal;
    for (uint32_t s = 0; s < last; s++)
        if (stages[s].lineage != LINEAGE_NONE) /* copies are made anew, of what is there */
            stages[s].fingerprint = by_id[stages[s].lineage];
    name_filtered(job);
    if (terminal->kind == TERMINAL_WRITE || terminal->kind == TERMINAL_SINK ||
        terminal->kind == TERMINAL_FOREACH || terminal->reuse != REUSE_ALL)
        return NULL; /* what it does stands elsewhere, and nobody can say whether it is there */
    return fingerprint_answer(&by_id[stages[last].lineage], terminal, &resume->basis,
                              &stages[last].fingerprint);
}

static bool is_output(const struct job *job)
{
    return job->plan.stages[job->plan.stage_count - 1].pipeline->terminal.kind == TERMINAL_WRITE;
}

barks_status *resume_plan(barks_context *context, struct node *node, const char *what,
                          struct job *job, bool *out_is_done)
{
    struct fingerprint *by_id = NULL;
    struct resume *resume = context->resume;
    *out_is_done = false;
    if (resume == NULL ||
        job->plan.stages[job->plan.stage_count - 1].pipeline->terminal.reuse == REUSE_NOTHING)
        return NULL;
    job->resume = resume;
    BARKS_TRY(fingerprint_nodes(node, context->node_count, &resume->basis, &by_id));
    struct lookup lookup = {.resume = resume, .job = job};
    barks_status *status = name_stages(resume, job, by_id);
    if (status == NULL)
        status = look_up(&lookup, out_is_done);
    if (status == NULL && !is_output(job)) /* of an output it was told before */
        resume_tell_difference(context, what, &by_id[node->id], *out_is_done);
    lookup_drop(&lookup);
    free(by_id);
    return status;
}

/* Who finds a stored stage damaged removes its manifest. */
static bool has_lost(const struct resume *resume, const struct job *job)
{
    for (uint32_t s = 0; s < job->plan.stage_count; s++)
        if (job->plan.stages[s].stored != NULL && job->plan.stages[s].fingerprint.is_known &&
            !stage_manifest_is_there(&resume->work, &job->plan.stages[s].fingerprint))
            return true;
    return false;
}

void resume_note_lost(struct resume *resume, const struct job *job, const barks_status *status)
{
    char text[1024];
    if (resume == NULL || barks_status_code(status) != BARKS_LOST || !has_lost(resume, job))
        return;
    barks_status_format(status, text, sizeof text);
    LOG(LEVEL_WARN, "runtime", "a stored stage is damaged and is computed again: %s", text);
    resume->lost_count++;
    resume->counts.stages -= job->plan.stage_count;
    resume->counts.stages_reused -= job->stages_reused;
}

uint64_t resume_lost_count(const struct resume *resume)
{
    return resume != NULL ? resume->lost_count : 0;
}

/* ---- outputs ---- */

barks_status *resume_name_output(barks_context *context, struct node *node, const char *what,
                                 const char *format, int save_mode, struct fingerprint *out)
{
    struct fingerprint *by_id = NULL;
    struct resume *resume = context->resume;
    char words[64], name[FINGERPRINT_NAME_BYTES];
    BARKS_TRY(fingerprint_nodes(node, context->node_count, &resume->basis, &by_id));
    struct fingerprint output = by_id[node->id];
    free(by_id);
    *out = output;
    if (!output.is_known)
        return NULL;
    resume_tell_difference(context, what, &output, false);
    snprintf(words, sizeof words, "write %s %s", format, save_mode == BARKS_APPEND ? "append" : "");
    fingerprint_add_text(&output, words);
    fingerprint_name(&output, name);
    while (save_mode == BARKS_APPEND && name_set_has(&resume->asked, name)) {
        /* The same rows may be appended many times, and each time counts. */
        fingerprint_add_text(&output, "again");
        fingerprint_name(&output, name);
    }
    *out = output;
    return name_set_add(&resume->asked, name);
}

BARKS_CHECKED static barks_status *add_of_output(barks_context *context, const char *what,
                                                 const struct stage_manifest *manifest)
{
    struct job job = {.what = what};
    struct lookup lookup = {.resume = context->resume, .job = &job};
    barks_status *status = take_added(&lookup, manifest);
    if (status == NULL)
        status = accumulators_take(context, &job);
    for (uint32_t i = 0; i < lookup.added.count && status == NULL; i++)
        status = name_set_add(&context->resume->counted, lookup.added.names[i]);
    lookup_drop(&lookup);
    job_drop(&job);
    return status;
}

barks_status *resume_take_output(barks_context *context, struct node *node, const char *what,
                                 const struct fingerprint *output)
{
    uint32_t stages = 0;
    bool is_there = false;
    struct stage_manifest manifest = {0};
    BARKS_TRY(stage_count(node, context->node_count, &stages));
    context->action_count++;
    context->resume->counts.stages += stages;
    context->resume->counts.stages_reused += stages;
    barks_status *status =
        stage_manifest_read(&context->resume->work, output, &manifest, &is_there);
    if (status == NULL && is_there) {
        stage_manifest_touch(&context->resume->work, output);
        status = add_of_output(context, what, &manifest);
    } else {
        LOG(LEVEL_WARN, "runtime",
            "%s: the output is there, but what was added to accumulators with it is not known%s%s",
            what, status != NULL ? ": " : "", status != NULL ? barks_status_text(status) : "");
        barks_status_free(status);
        status = NULL;
    }
    stage_manifest_drop(&manifest);
    return status;
}

barks_status *resume_keep_fingerprint(barks_context *context, struct node *cut, struct node *of)
{
    struct fingerprint *by_id = NULL;
    if (context->resume == NULL || cut->was != NULL)
        return NULL;
    BARKS_TRY(fingerprint_nodes(of, context->node_count, &context->resume->basis, &by_id));
    if (by_id[of->id].is_known) {
        cut->was = malloc(sizeof *cut->was);
        if (cut->was != NULL)
            *cut->was = by_id[of->id];
    }
    free(by_id);
    return NULL; /* without memory it is computed again, which is right, too */
}

/* ---- what differs ---- */

static const char last_kind[] = "barks-last 1";

/* The label of an action: the program, its place in it, and which time it is that it runs. */
BARKS_CHECKED static barks_status *label_action(struct resume *resume, const char *what,
                                                char out[FINGERPRINT_NAME_BYTES])
{
    for (uint64_t time = 1;; time++) {
        uint64_t hash = hash_bytes_seeded(what, strlen(what), time);
        snprintf(out, FINGERPRINT_NAME_BYTES, "%016" PRIx64 "%016" PRIx64,
                 hash_bytes(resume->program, strlen(resume->program)), hash);
        if (!name_set_has(&resume->asked, out))
            return name_set_add(&resume->asked, out);
    }
}

static void tell(barks_context *context, const char *what, const struct fingerprint *now,
                 const struct fingerprint *before)
{
    for (int part = 0; part < FINGERPRINT_PARTS; part++) {
        if (now->parts[part] == before->parts[part])
            continue;
        bool was_told = (context->resume->told_parts >> part & 1) != 0;
        context->resume->told_parts |= UINT32_C(1) << part;
        if (!was_told)
            progress_say(driver_progress(context->driver),
                         "%s: computed anew, since another run had this otherwise: %s", what,
                         fingerprint_difference(now, before));
        return;
    }
}

static void compare_with_last(barks_context *context, const char *what, const char *path,
                              const struct fingerprint *now, bool is_reused)
{
    uint8_t *bytes = NULL;
    size_t size_bytes = 0;
    struct fingerprint before = {.is_known = true};
    barks_status *status = work_read_file(path, last_kind, &bytes, &size_bytes);
    bool is_known = status == NULL && bytes != NULL && size_bytes == sizeof before.parts;
    if (is_known)
        memcpy(before.parts, bytes, sizeof before.parts);
    free(bytes);
    barks_status_free(status); /* nothing is said then */
    if (is_known && fingerprint_equal(now, &before))
        return;
    if (is_known && !is_reused && !context->resume->is_fresh)
        tell(context, what, now, &before);
    status =
        work_write_file(&context->resume->work, path, last_kind, now->parts, sizeof now->parts);
    if (status != NULL)
        resume_stop_storing(context->resume, status);
}

void resume_tell_difference(barks_context *context, const char *what,
                            const struct fingerprint *fingerprint, bool is_reused)
{
    char label[FINGERPRINT_NAME_BYTES];
    struct resume *resume = context->resume;
    if (!fingerprint->is_known)
        return;
    barks_status *status = label_action(resume, what, label);
    if (status == NULL)
        status = work_make_stage(&resume->work, WORK_LAST_NAME);
    char *path = status == NULL ? work_stage_path(&resume->work, WORK_LAST_NAME, label) : NULL;
    if (status != NULL)
        resume_stop_storing(resume, status);
    if (path != NULL)
        compare_with_last(context, what, path, fingerprint, is_reused);
    free(path);
}
