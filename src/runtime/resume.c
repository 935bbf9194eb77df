#include "base/clock.h"
#include "base/config.h"
#include "base/copy.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/pack.h"
#include "exec/registry.h"
#include "plan/hot_order.h"
#include "runtime/driver.h"
#include "runtime/resume_state.h"
#include "runtime/store_reports.h"
#include "scheduler/scheduler.h"
#include "shuffle/hot_keys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_BYTES_MAX = 256 << 20 }; /* a larger one is quicker computed than read, and rare */

/* ---- names ---- */

bool name_set_has(const struct name_set *set, const char *name)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (strcmp(set->names[i], name) == 0)
            return true;
    return false;
}

barks_status *name_set_add(struct name_set *set, const char *name)
{
    if (name_set_has(set, name))
        return NULL;
    if (set->count == set->capacity) {
        uint32_t capacity = 2 * set->capacity + 16;
        char(*names)[FINGERPRINT_NAME_BYTES] = realloc(set->names, capacity * sizeof *names);
        if (names == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the names of stages");
        set->names = names;
        set->capacity = capacity;
    }
    memcpy(set->names[set->count++], name, FINGERPRINT_NAME_BYTES);
    return NULL;
}

/* ---- life ---- */

/* Globals that main has set from its arguments before barks_init are the same on all ranks, and
 * bodies may read them. */
static uint64_t hash_arguments(int argc, char *const *argv)
{
    uint64_t hash = 0;
    for (int i = 1; i < argc; i++)
        hash = hash_combine(hash, hash_bytes(argv[i], strlen(argv[i]) + 1));
    return hash;
}

BARKS_CHECKED static barks_status *fill(const struct config *config, int argc, char *const *argv,
                                        struct resume *resume)
{
    const char *program = argc > 0 ? argv[0] : "";
    const char *slash = strrchr(program, '/');
    BARKS_TRY(registry_binary_hash(&resume->basis.program));
    BARKS_TRY(registry_library_hash(&resume->basis.library));
    resume->basis.library = hash_combine(resume->basis.library, WORK_FORMAT);
    resume->basis.arguments = hash_arguments(argc, argv);
    resume->basis.settings = (uint64_t)config_int(config, CONFIG_SEED);
    resume->is_fresh = config_bool(config, CONFIG_FRESH);
    resume->pace.mtbf_ns = config_duration_ns(config, CONFIG_WORK_MTBF);
    atomic_init(&resume->is_storing, true);
    resume->program = strdup(slash != NULL ? slash + 1 : program);
    if (resume->program == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the work directory");
    return work_open(config_string(config, CONFIG_WORK), &resume->work);
}

barks_status *resume_open(const struct config *config, int argc, char *const *argv,
                          struct resume **out_resume)
{
    *out_resume = NULL;
    const char *path = config_string(config, CONFIG_WORK);
    if (path[0] == '\0' || strcmp(path, "none") == 0)
        return NULL;
    struct resume *resume = calloc(1, sizeof *resume);
    if (resume == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the work directory");
    barks_status *status = fill(config, argc, argv, resume);
    if (status != NULL) {
        resume_close(resume);
        return status;
    }
    *out_resume = resume;
    return NULL;
}

void resume_close(struct resume *resume)
{
    if (resume == NULL)
        return;
    work_drop(&resume->work);
    free(resume->program);
    free(resume->counted.names);
    free(resume->asked.names);
    free(resume);
}

struct resume_counts resume_counts(const struct resume *resume)
{
    struct resume_counts counts = {0};
    if (resume != NULL) {
        counts = resume->counts;
        counts.stages_stored = atomic_load_explicit(&resume->stored_count, memory_order_relaxed);
    }
    return counts;
}

void resume_note_value(struct resume *resume, const void *bytes, size_t size_bytes)
{
    if (resume != NULL)
        resume->basis.values = hash_combine(resume->basis.values, hash_bytes(bytes, size_bytes));
}

void resume_note_shipped(struct resume *resume, uint64_t hash)
{
    if (resume != NULL)
        resume->basis.shipped += hash; /* a directory's files come in any order */
}

void resume_stop_storing(struct resume *resume, barks_status *status)
{
    if (atomic_exchange_explicit(&resume->is_storing, false, memory_order_relaxed))
        LOG(LEVEL_WARN, "runtime",
            "stages are not stored any more, so a restart would begin before this one: %s",
            barks_status_text(status));
    barks_status_free(status);
}

/* ---- storing ---- */

static const struct fingerprint *fingerprint_of(const struct job *job, uint32_t stage)
{
    return &job->plan.stages[stage].fingerprint;
}

static bool is_storing(const struct job *job, uint32_t stage)
{
    return job->resume != NULL && fingerprint_of(job, stage)->is_known &&
           atomic_load_explicit(&job->resume->is_storing, memory_order_relaxed);
}

static uint64_t tag_of(const struct resume *resume, const char *name)
{
    return hash_combine(resume->work.session, hash_bytes(name, FINGERPRINT_NAME_BYTES));
}

bool resume_begin_storing(const struct job *job, uint32_t stage)
{
    char name[FINGERPRINT_NAME_BYTES];
    if (!is_storing(job, stage) || !store_pace_is_due(&job->resume->pace, monotonic_ns()))
        return false;
    fingerprint_name(fingerprint_of(job, stage), name);
    barks_status *status = work_make_stage(&job->resume->work, name);
    if (status != NULL)
        resume_stop_storing(job->resume, status);
    return is_storing(job, stage);
}

void resume_pack_place(const struct job *job, uint32_t stage, const struct owner_range *range,
                       struct packer *out)
{
    char name[FINGERPRINT_NAME_BYTES], file[WORK_FILE_NAME_BYTES];
    fingerprint_name(fingerprint_of(job, stage), name);
    work_file_name(&job->resume->work, range->slot, range->executor, file);
    char *path = work_stage_path(&job->resume->work, name, file);
    pack_text(out, path);
    pack_u64(out, tag_of(job->resume, name));
    free(path);
}

void resume_pack_no_place(struct packer *out)
{
    pack_text(out, NULL);
    pack_u64(out, 0);
}

/* Whether the stage's output is made of that of `below`, itself among them. */
static void mark_below(const struct job *job, uint32_t stage, bool *is_below)
{
    is_below[stage] = true;
    for (uint32_t s = stage + 1; s-- > 0;)
        for (uint32_t i = 0; is_below[s] && i < job->plan.stages[s].input_count; i++)
            is_below[job->plan.stages[s].inputs[i].parent] = true;
}

/* What was added in the stage and those that it is made of: who uses it again needs no other
 * manifest. */
BARKS_CHECKED static barks_status *add_added(const struct job *job, uint32_t stage,
                                             struct stage_manifest *manifest)
{
    bool *is_below = calloc((size_t)job->plan.stage_count + 1, sizeof *is_below);
    if (is_below == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the accumulators of a stage");
    mark_below(job, stage, is_below);
    barks_status *status = NULL;
    for (uint32_t i = 0; i < job->accumulated_count && status == NULL; i++) {
        const struct job_accumulated *one = &job->accumulated[i];
        struct manifest_added added = {
            .index = one->stage, .bytes = one->bytes, .size_bytes = one->size_bytes};
        if (one->stage >= job->plan.stage_count || !is_below[one->stage])
            continue;
        fingerprint_name(fingerprint_of(job, one->stage), added.stage);
        status = stage_manifest_add(manifest, &added);
    }
    free(is_below);
    return status;
}

BARKS_CHECKED static barks_status *pack_hot_keys(const struct hot_list *keys,
                                                 struct manifest_bytes *out)
{
    struct packer packer = {0};
    if (keys == NULL)
        return NULL;
    hot_list_pack(keys, &packer);
    barks_status *status = packer_finish(&packer);
    if (status == NULL)
        status = copy_bytes(packer.bytes.data, packer.bytes.size, (void **)&out->bytes);
    if (status == NULL)
        out->size_bytes = packer.bytes.size;
    packer_drop(&packer);
    return status;
}

/* The hot keys of the join whose side the stage is. */
BARKS_CHECKED static barks_status *add_hot_keys(const struct job *job, uint32_t stage,
                                                struct stage_manifest *manifest)
{
    const struct terminal *terminal = &job->plan.stages[stage].pipeline->terminal;
    uint32_t before = hot_stage_before(&job->plan, stage);
    if (terminal->hot_role == HOT_SECOND && hot_stage_found(&job->plan, before) != NULL)
        BARKS_TRY(pack_hot_keys(&terminal->hot_keys, &manifest->hot_keys_told));
    return pack_hot_keys(hot_stage_found(&job->plan, stage), &manifest->hot_keys_found);
}

/* Where each partition lies, by what the executors have said. */
BARKS_CHECKED static barks_status *add_places(const struct job *job, uint32_t stage,
                                              const struct store_reports *reports,
                                              struct stage_manifest *manifest)
{
    char name[FINGERPRINT_NAME_BYTES], file[WORK_FILE_NAME_BYTES];
    uint32_t partition_count = job->plan.stages[stage].pipeline->terminal.partition_count;
    BARKS_TRY(stored_stage_create(partition_count, reports->count, &manifest->stored));
    manifest->file_bytes = calloc((size_t)reports->count + 1, sizeof *manifest->file_bytes);
    if (manifest->file_bytes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the files of a stage");
    fingerprint_name(fingerprint_of(job, stage), name);
    manifest->stored->tag = tag_of(job->resume, name);
    for (uint32_t r = 0; r < reports->count; r++) {
        const struct store_report *report = &reports->all[r];
        work_file_name(&job->resume->work, report->slot, report->executor, file);
        manifest->stored->paths[r] = work_stage_path(&job->resume->work, name, file);
        if (manifest->stored->paths[r] == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the files of a stage");
        for (uint32_t i = 0; i < report->pieces.count; i++) {
            const struct stored_piece *piece = &report->pieces.all[i];
            if (piece->partition >= partition_count)
                BARKS_FAIL(BARKS_INTERNAL,
                           "executor %" PRIu32 " has stored partition %" PRIu32 " of %" PRIu32,
                           report->executor, piece->partition, partition_count);
            manifest->stored->pieces[piece->partition] = *piece;
            manifest->stored->path_of[piece->partition] = r;
            manifest->file_bytes[r] += piece->size_bytes;
        }
    }
    return NULL;
}

BARKS_CHECKED static barks_status *store_shuffle(const struct job *job, uint32_t stage,
                                                 const struct store_reports *reports)
{
    if (reports->failure != NULL)
        BARKS_FAIL(barks_status_code(reports->failure), "executor %" PRIu32 ": %s",
                   reports->failed_executor, barks_status_text(reports->failure));
    struct stage_manifest manifest = {.fingerprint = *fingerprint_of(job, stage),
                                      .session = job->resume->work.session,
                                      .job = job->resume->program};
    barks_status *status = add_places(job, stage, reports, &manifest);
    if (status == NULL)
        status = add_hot_keys(job, stage, &manifest);
    if (status == NULL)
        status = add_added(job, stage, &manifest);
    if (status == NULL)
        status = stage_manifest_write(&job->resume->work, &manifest);
    stage_manifest_drop(&manifest);
    return status;
}

/* Who was slowest held up the others. */
static void note_cost(struct resume *resume, const struct store_reports *reports)
{
    uint64_t took_ns = 0;
    for (uint32_t i = 0; i < reports->count; i++)
        took_ns = reports->all[i].took_ns > took_ns ? reports->all[i].took_ns : took_ns;
    store_pace_note(&resume->pace, took_ns, monotonic_ns());
    LOG(LEVEL_INFO, "runtime",
        "a stage was stored in %.3f s, the next is in %.0f s at the earliest",
        (double)took_ns * 1e-9, (double)store_pace_interval_ns(&resume->pace) * 1e-9);
}

void resume_store_stage(const struct job *job, uint32_t stage, const struct store_reports *reports)
{
    if (reports == NULL)
        return;
    barks_status *status = store_shuffle(job, stage, reports);
    if (status != NULL) {
        resume_stop_storing(job->resume, status);
        return;
    }
    atomic_fetch_add_explicit(&job->resume->stored_count, 1, memory_order_relaxed);
    note_cost(job->resume, reports);
}

/* An answer, or of an output only what bodies have added. */
static void store_answer(const struct job *job, const struct fingerprint *fingerprint,
                         struct buffer *results, uint32_t result_count)
{
    struct stage_manifest manifest = {.fingerprint = *fingerprint,
                                      .session = job->resume->work.session,
                                      .job = job->resume->program,
                                      .results = results,
                                      .result_count = result_count};
    barks_status *status = add_added(job, job->plan.stage_count - 1, &manifest);
    if (status == NULL)
        status = stage_manifest_write(&job->resume->work, &manifest);
    manifest.results = NULL; /* the job's */
    manifest.result_count = 0;
    stage_manifest_drop(&manifest);
    if (status != NULL)
        resume_stop_storing(job->resume, status);
    else
        atomic_fetch_add_explicit(&job->resume->stored_count, 1, memory_order_relaxed);
}

void resume_store_output(const struct job *job, const struct fingerprint *output)
{
    if (job->resume != NULL && output->is_known &&
        atomic_load_explicit(&job->resume->is_storing, memory_order_relaxed))
        store_answer(job, output, NULL, 0);
}

/* Without memory for a name, what was added may be added again: it is told as any other failure. */
void resume_note_done(struct resume *resume, const struct job *job, bool was_there)
{
    uint64_t answer_bytes = 0;
    if (resume == NULL)
        return;
    for (uint32_t s = 0; s < job->plan.stage_count; s++) {
        char name[FINGERPRINT_NAME_BYTES];
        if (!fingerprint_of(job, s)->is_known)
            continue;
        fingerprint_name(fingerprint_of(job, s), name);
        barks_status *status = name_set_add(&resume->counted, name);
        if (status != NULL)
            resume_stop_storing(resume, status);
    }
    for (uint32_t i = 0; i < job->result_count; i++)
        answer_bytes += job->results[i].size_bytes;
    if (was_there || !is_storing(job, job->plan.stage_count - 1) || answer_bytes > ANSWER_BYTES_MAX)
        return;
    store_answer(job, fingerprint_of(job, job->plan.stage_count - 1), job->results,
                 job->result_count);
}
