/* A job that is started again goes on where it was: finished stages are stored in the work
 * directory
 * (--barks-work, src/work), and what is there already is not computed. */
#pragma once

#include "barks/status.h"
#include "plan/fingerprint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct barks_context;
struct config;
struct job;
struct node;
struct owner_range;
struct packer;
struct resume;
struct store_reports;
struct terminal;

/* *out_resume is NULL where --barks-work is not given. Errors: those of work_open. */
BARKS_CHECKED barks_status *resume_open(const struct config *config, int argc, char *const *argv,
                                        struct resume **out_resume);
void resume_close(struct resume *resume); /* NULL is fine */

/* ---- planning: under the planning lock ---- */

/* Finds what is stored of the stages of job->plan, so that they are read instead of computed, or
 * the whole answer: then *out_is_done, and job has its results. Without --barks-work it does
 * nothing. Errors: BARKS_NO_MEMORY, BARKS_LIMIT. */
BARKS_CHECKED barks_status *resume_plan(struct barks_context *context, struct node *node,
                                        const char *what, struct job *job, bool *out_is_done);

/* The job has ended well: its answer is stored, unless it was there, and what its bodies have added
 * is not added again by stages that are used again. */
void resume_note_done(struct resume *resume, const struct job *job, bool was_there);

/* The job has failed with status. Where that is because something stored was damaged or is gone, it
 * is said, and resume_lost_count is one more: then it is to be planned anew. */
void resume_note_lost(struct resume *resume, const struct job *job, const barks_status *status);
uint64_t resume_lost_count(const struct resume *resume);

/* What is written to files: its name is a word in the manifest of its output. Not known: the output
 * says nothing. */
BARKS_CHECKED barks_status *resume_name_output(struct barks_context *context, struct node *node,
                                               const char *what, const char *format, int save_mode,
                                               struct fingerprint *out);
/* An output was found to be there: so were all stages below the dataset, and what they have added
 * to accumulators is added. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *resume_take_output(struct barks_context *context, struct node *node,
                                               const char *what, const struct fingerprint *output);
/* For that: before the output of the job appears. */
void resume_store_output(const struct job *job, const struct fingerprint *output);

/* Before cut, which was of, is cut off from what it is made of. */
BARKS_CHECKED barks_status *resume_keep_fingerprint(struct barks_context *context, struct node *cut,
                                                    struct node *of);

/* A broadcast value, and a piece of a file, that bodies may read from now on. */
void resume_note_value(struct resume *resume, const void *bytes, size_t size_bytes);
void resume_note_shipped(struct resume *resume, uint64_t hash);

/* ---- while a job runs: the driver's thread ---- */

/* Before a shuffle is committed: whether it is to be stored. What goes wrong is told. */
bool resume_begin_storing(const struct job *job, uint32_t stage);
/* Adds to the commit of a slot of such a shuffle the file in which who holds it is to store it. */
void resume_pack_place(const struct job *job, uint32_t stage, const struct owner_range *range,
                       struct packer *out);
void resume_pack_no_place(struct packer *out);

/* All executors have what they expect of a shuffle, and have stored it, or not (reports; NULL: none
 * was asked). What goes wrong is told, and changes nothing for the job. */
void resume_store_stage(const struct job *job, uint32_t stage, const struct store_reports *reports);

/* ---- the summary ---- */

struct resume_counts {
    uint32_t stages, stages_reused, stages_stored;
};
struct resume_counts resume_counts(const struct resume *resume);
