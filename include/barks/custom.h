/* Rows from where a job can read them, and to where it can write them: sources and sinks of the
 * job's own, for stores and formats that barks does not know.
 *
 * Both are one body that is called with the phase it is in, as that of BARKS_MAP_PARTITIONS is; a
 * phase that it has nothing to do in it leaves out. fail("...") works in all of them. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

/* Phases, beside BARKS_OPEN, BARKS_BATCH and BARKS_CLOSE. */
enum {
    /* Source. */
    BARKS_LIST_SPLITS = 16,
    BARKS_NEXT,
    /* Sink. */
    BARKS_COMMIT,
    BARKS_ABORT,
    BARKS_BEGIN_JOB,
    BARKS_COMMIT_JOB,
    BARKS_ABORT_JOB,
};

enum { BARKS_SPLIT_BYTES_MAX = 16 << 20 }; /* of what says which rows a split has */

/* Some rows of a source, that one task reads: what BARKS_LIST_SPLITS has said of them. */
struct barks_split {
    const void *data; /* the bytes given, aligned for any type */
    size_t data_bytes;
    uint64_t bytes; /* how much there is to read; 0: it was not said */
    uint32_t index; /* in the order of barks_add_split, from 0 */
};

typedef struct barks_split_options {
    char first_; /* for the macros: so that options can be left out */
    uint64_t bytes;
    const char *hosts;
} barks_split_options;

struct barks_is_source;
struct barks_is_sink;

/**
 * BARKS_SOURCE(name, record, state type[, env type]) {
 *     switch (phase) {
 *     case BARKS_LIST_SPLITS:  barks_add_split(&range, sizeof range, .bytes = 1000); break;
 *     case BARKS_OPEN:  state->file = fopen(...); break;
 *     case BARKS_NEXT:  while (...) emit(.x = x); break;
 *     case BARKS_CLOSE: if (state->file != NULL) fclose(state->file); break;
 *     }
 * }
 *
 * BARKS_LIST_SPLITS comes once, on the driver, in barks_read_custom, and adds splits. All else
 * happens on the executor that reads `split` (a const barks_split): BARKS_OPEN, then BARKS_NEXT
 * until a call emits no rows, which is the end, then BARKS_CLOSE. A call may emit any number of
 * rows; some thousand are a good measure, since between calls the task looks whether it is
 * cancelled. Rows are emitted in BARKS_NEXT only. Without anyone who wants more rows the split is
 * closed early.
 *
 * `state`, zero in BARKS_OPEN, is the split's, and gone after BARKS_CLOSE; BARKS_LIST_SPLITS has
 * one of its own. BARKS_CLOSE comes once for every BARKS_OPEN, also where that or another phase
 * failed and where the task is cancelled: what it gives back may be half made.
 *
 * Ownership: strings over 12 bytes are lent: they are made by barks_str_make, which copies them, or
 *            are constants, or else lie where they stay until the body's job ends. Items of lists
 *            are copied. split is lent until BARKS_CLOSE returns.
 * Errors:    name source, split and the number of rows that came before.
 * Threads:   several splits are read at once, each with its own state.
 */
#define BARKS_SOURCE(...) BARKS_PASTE(BARKS_SOURCE_, BARKS_ENV_AFTER_3_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_SOURCE_BAD_(...)                                                                     \
    BARKS_BAD_ARGUMENTS_("BARKS_SOURCE(name, record, state[, env])", #__VA_ARGS__)
#define BARKS_SOURCE_WITHOUT_ENV_(name, record, state_type)                                        \
    BARKS_SOURCE_OF_(name, record, state_type, barks_no_env, 0)
#define BARKS_SOURCE_WITH_ENV_(name, record, state_type, env_type)                                 \
    BARKS_SOURCE_OF_(name, record, state_type, env_type, sizeof(env_type))
#define BARKS_SOURCE_BODY_(name, record, state_type, env_type)                                     \
    static void barks_body_##name(                                                                 \
        BARKS_UNUSED_ int phase, BARKS_UNUSED_ const struct barks_split *split,                    \
        BARKS_UNUSED_ state_type *state, BARKS_UNUSED_ const env_type *env,                        \
        BARKS_UNUSED_ barks_out *out, BARKS_UNUSED_ struct barks_emitter_##record *barks_emitter,  \
        BARKS_UNUSED_ void (*const emit_works_in_FLAT_MAP_and_MAP_BATCHES)(                        \
            struct barks_emitter_##record *, struct record),                                       \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions)
#define BARKS_SOURCE_OF_(name, record, state_type, env_type, env_bytes)                            \
    BARKS_NEED_RECORD_(record);                                                                    \
    BARKS_SOURCE_BODY_(name, record, state_type, env_type);                                        \
    static void barks_loop_##name(barks_call *call, barks_out *out)                                \
    {                                                                                              \
        struct barks_body body = {call, false};                                                    \
        struct barks_emitter_##record emitter;                                                     \
        barks_emitter_begin_##record(&emitter, out);                                               \
        barks_body_##name(call->phase, call->split, call->state, call->env, out, &emitter,         \
                          barks_emit_##record, &body);                                             \
        out->row_count = (uint32_t)emitter.row_count;                                              \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_WITH_(source, SOURCE, name, env_type, env_bytes, NULL,                   \
                                &barks_record_##record, map, .state_size = sizeof(state_type))     \
    BARKS_SOURCE_BODY_(name, record, state_type, env_type)

/**
 * barks_add_split(data, size[, .bytes = n, .hosts = "node1,node2"]): only in BARKS_LIST_SPLITS: one
 * more split, which the size bytes at data tell the executor that reads it; they are copied, and
 * must mean the same in another process.
 *
 * Options: .bytes: how much there is to read. Neighbours whose bytes are known share partitions, as
 *          files do (--barks-split-bytes); one whose bytes are not has a partition of its own.
 *          .hosts: where it is best read, as a wish: the first that the job has an executor on.
 * Errors:  of barks_read_custom: BARKS_LIMIT: more than 16 MiB, or too many splits.
 */
#define barks_add_split(...) BARKS_ADD_SPLIT_(__VA_ARGS__, )
#define BARKS_ADD_SPLIT_(data, size, ...)                                                          \
    barks_add_split_at(fail_works_in_bodies_of_functions->call, (data), (size),                    \
                       &(barks_split_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API void barks_add_split_at(barks_call *call, const void *data, size_t size,
                                  const barks_split_options *options, const char *where);

/**
 * The rows of a BARKS_SOURCE: barks_read_custom(context, table_rows, &env). Its splits are listed
 * now, and packed to partitions in their order, never by the number of ranks; env is copied to the
 * executors.
 *
 * Errors:  (sticky) those of BARKS_LIST_SPLITS. (of the job) BARKS_USER_ERROR: what the body
 * reports.
 */
#define barks_read_custom(context, f, env)                                                         \
    barks_read_custom_at((context), BARKS_FUNCTION_OF(source, f), BARKS_ENV_OF(f, env), BARKS_HERE)
BARKS_API barks_rdd *barks_read_custom_at(barks_context *context, const barks_function *source,
                                          const void *env, const char *where);

/* One partition on its way into a sink. */
struct barks_part {
    uint32_t partition;
    uint32_t attempt;
    uint64_t row_count;       /* written so far */
    const char *name;         /* "part-00007": of the partition */
    const char *attempt_name; /* "part-00007-...": of this attempt, unlike any other ever */
    const char *job_name;     /* what attempt names of this job end in, but for the attempt */
    const struct barks_part *committed; /* BARKS_COMMIT_JOB: the parts, by ascending partition,
                                           each once; of these name and job_name are NULL */
    uint32_t committed_count;
};

/**
 * BARKS_SINK(name, record, state type[, env type]) {
 *     switch (phase) {
 *     case BARKS_OPEN:   state->file = open_file(part->attempt_name); break;
 *     case BARKS_BATCH:  for (uint32_t i = 0; i < batch->row_count; i++) put(batch->x[i]); break;
 *     case BARKS_CLOSE:  close_file(state); break;
 *     case BARKS_COMMIT: rename_file(part->attempt_name, part->name); break;
 *     case BARKS_ABORT:  remove_file(state, part->attempt_name); break;
 *     }
 * }
 *
 * On the driver BARKS_BEGIN_JOB comes before the first row is computed, and BARKS_COMMIT_JOB when
 * all parts are committed, with a list of them, or BARKS_ABORT_JOB where something failed, that
 * phase or BARKS_BEGIN_JOB too. In between a task calls, for each partition (`part`, a const struct
 * barks_part), BARKS_OPEN, BARKS_BATCH for rows (`batch`, see BARKS_MAP_BATCHES), none where it is
 * empty, and BARKS_CLOSE; and when all its partitions are closed, BARKS_COMMIT for each. So state
 * should hold no more from BARKS_CLOSE on than that needs.
 *
 * Just one attempt of each partition counts and is committed. One that fails or is cancelled has
 * BARKS_ABORT for each of its parts, in whatever phase they are, also after BARKS_COMMIT where a
 * later one of the same task could not be committed; state tells what there is to undo. A job that
 * is planned again, since a kept partition was lost, is aborted and begun anew. An executor that is
 * lost aborts nothing: BARKS_ABORT_JOB should remove what has the job's name.
 *
 * `state` is zero in BARKS_OPEN and the part's until it is committed or aborted; the driver's
 * phases have one of their own, from BARKS_BEGIN_JOB on.
 *
 * Ownership: batch, with its strings, is lent for the call; part likewise.
 * Errors:    name sink, partition and the number of rows written before; those of aborting are
 *            logged as warnings.
 * Threads:   several parts are written at once. The driver's phases run on the thread of the
 *            action.
 */
#define BARKS_SINK(...) BARKS_PASTE(BARKS_SINK_, BARKS_ENV_AFTER_3_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_SINK_BAD_(...)                                                                       \
    BARKS_BAD_ARGUMENTS_("BARKS_SINK(name, record, state[, env])", #__VA_ARGS__)
#define BARKS_SINK_WITHOUT_ENV_(name, record, state_type)                                          \
    BARKS_SINK_OF_(name, record, state_type, barks_no_env, 0)
#define BARKS_SINK_WITH_ENV_(name, record, state_type, env_type)                                   \
    BARKS_SINK_OF_(name, record, state_type, env_type, sizeof(env_type))
#define BARKS_SINK_BODY_(name, record, state_type, env_type)                                       \
    static void barks_body_##name(                                                                 \
        BARKS_UNUSED_ int phase, BARKS_UNUSED_ const struct barks_part *part,                      \
        BARKS_UNUSED_ const struct barks_batch_##record *batch, BARKS_UNUSED_ state_type *state,   \
        BARKS_UNUSED_ const env_type *env,                                                         \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions)
#define BARKS_SINK_OF_(name, record, state_type, env_type, env_bytes)                              \
    BARKS_NEED_RECORD_(record);                                                                    \
    BARKS_SINK_BODY_(name, record, state_type, env_type);                                          \
    static void barks_loop_##name(barks_call *call)                                                \
    {                                                                                              \
        struct barks_body body = {call, false};                                                    \
        struct barks_batch_##record from;                                                          \
        memset(&from, 0, sizeof from);                                                             \
        from.row_count = call->row_count;                                                          \
        if (call->columns != NULL)                                                                 \
            barks_open_##record(&from, call->columns);                                             \
        barks_body_##name(call->phase, call->part, &from, call->state, call->env, &body);          \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_WITH_(sink, SINK, name, env_type, env_bytes, &barks_record_##record,     \
                                NULL, foreach, .input_count = 1, .state_size = sizeof(state_type)) \
    BARKS_SINK_BODY_(name, record, state_type, env_type)

/**
 * Writes the dataset into a BARKS_SINK: barks_write_custom(rows, table, &env). The rows must have
 * the fields of the sink's record; env is copied to the executors. False on an error, and then the
 * sink has been aborted.
 *
 * Errors:  BARKS_INVALID: a field is missing; BARKS_USER_ERROR: what the body reports; those of the
 *          job.
 */
#define barks_write_custom(rdd, f, env)                                                            \
    barks_write_custom_at((rdd), BARKS_FUNCTION_OF(sink, f), BARKS_ENV_OF(f, env), BARKS_HERE)
BARKS_API bool barks_write_custom_at(barks_rdd *rdd, const barks_function *sink, const void *env,
                                     const char *where);
