/* Functions over records: a macro that names function and records, then a body in braces.
 *
 * The macro writes the loop over a batch, with the body inlined, into the job's own translation
 * unit, and registers the function by its name, which must be unique in the job. The name is also
 * what the operations take: barks_flat_map(lines, split_words, NULL).
 *
 * In every body:
 *   in->x           the row's fields (not in map_batches)
 *   env->x          the env struct that was given with the function, the same on every rank
 *   fail("...", n)  ends the body, the task and the job with this text
 *   return          ends the body early
 */
#pragma once
#pragma GCC system_header

#include "barks/record.h"

/* Why a loop ends; kept in registers. Types of their own, so that fail knows what its body returns.
 */
struct barks_body {
    barks_call *call;
    bool failed;
};
struct barks_filter_body {
    barks_call *call;
    bool failed;
};
struct barks_number_body {
    barks_call *call;
    bool failed;
};

/* env of a function that was declared without one. */
typedef struct barks_no_env {
    char declared_without_env;
} barks_no_env;

BARKS_INLINE void barks_leave_(const void *body) { (void)body; }
BARKS_INLINE int64_t barks_leave_zero_(const void *body)
{
    (void)body;
    return 0;
}
BARKS_INLINE bool barks_leave_false_(const void *body)
{
    (void)body;
    return false;
}

/**
 * fail("row %d is bad", n): only in a body, which it ends. The rows that were emitted before are
 * dropped with the attempt.
 */
#define fail(...)                                                                                  \
    __extension__({                                                                                \
        barks_call_fail(fail_works_in_bodies_of_functions->call, BARKS_HERE, __VA_ARGS__);         \
        fail_works_in_bodies_of_functions->failed = true;                                          \
        return _Generic(fail_works_in_bodies_of_functions, struct barks_filter_body *              \
                        : barks_leave_false_, struct barks_number_body *                           \
                        : barks_leave_zero_, default                                               \
                        : barks_leave_)(fail_works_in_bodies_of_functions);                        \
    })

/**
 * emit(.word = w, .count = 1): only in bodies of BARKS_FLAT_MAP, BARKS_MAP_BATCHES,
 * BARKS_MAP_PARTITIONS, BARKS_GROUP and BARKS_COGROUP. A field that
 * is left out is 0, an empty string or list, or null. The items of lists are copied; bytes of long
 * strings must outlive the body: those of `in` do, others are made by barks_str_make.
 */
#define emit(...)                                                                                  \
    (emit_works_in_FLAT_MAP_and_MAP_BATCHES)(barks_emitter,                                        \
                                             (__typeof__(*barks_emitter->type)){__VA_ARGS__})

/* In a body of BARKS_MAP `out` is the row, in others the barks_out; this stands for the latter. */
static barks_out *const barks_out_of_map __attribute__((unused)) = NULL;

/**
 * barks_str_make(out, bytes, n): a string of a copy of n bytes, in bodies of BARKS_MAP,
 * BARKS_FLAT_MAP and BARKS_MAP_BATCHES: it lives as long as the rows that they emit. In a fold no
 * such thing is needed: what a body stores in acc is copied.
 *
 * Errors:    out of memory gives an empty string, and the task fails.
 * Threads:   the body's.
 */
#define barks_str_make(out, bytes, n)                                                              \
    barks_str_make_(_Generic((out), barks_out * : (out), default : barks_out_of_map), (bytes), (n))

BARKS_INLINE barks_str barks_str_make_(barks_out *out, const void *bytes, size_t n)
{
    if (n <= BARKS_STR_INLINE)
        return barks_str_of(bytes, n);
    char *made = barks_out_bytes(out, n);
    if (made == NULL)
        return BARKS_STR_LITERAL("");
    memcpy(made, bytes, n);
    return barks_str_of(made, n);
}

/* The function object of a bare name, and its registration. `kind` is there for BARKS_FUNCTION_OF,
 * `env` for its type. */
#define BARKS_DEFINE_FUNCTION_(function_kind, KIND, function_name, env_type, env_bytes, in_name,   \
                               out_record, member)                                                 \
    BARKS_DEFINE_FUNCTION_OF_(function_kind, KIND, function_name, env_type, env_bytes, in_name,    \
                              out_record, member, .input_count = 1)
#define BARKS_DEFINE_FUNCTION_OF_(function_kind, KIND, function_name, env_type, env_bytes,         \
                                  in_name, ...)                                                    \
    BARKS_DEFINE_FUNCTION_WITH_(function_kind, KIND, function_name, env_type, env_bytes,           \
                                &barks_record_##in_name, __VA_ARGS__)
/* The last arguments are what the kind has beside. */
#define BARKS_DEFINE_FUNCTION_WITH_(function_kind, KIND, function_name, env_type, env_bytes,       \
                                    in_record, out_record, member, ...)                            \
    static const struct barks_##function_kind##_##function_name {                                  \
        barks_function function;                                                                   \
        const struct barks_is_##function_kind *kind;                                               \
        env_type *env;                                                                             \
    } function_name __attribute__((unused)) = {.function = {.name = #function_name,                \
                                                            .kind = BARKS_KIND_##KIND,             \
                                                            .where = BARKS_HERE,                   \
                                                            .in = (in_record),                     \
                                                            .out = (out_record),                   \
                                                            .env_size = (env_bytes),               \
                                                            .member = barks_loop_##function_name,  \
                                                            __VA_ARGS__}};                         \
    static __attribute__((constructor)) void barks_register_##function_name(void)                  \
    {                                                                                              \
        barks_register(&function_name.function);                                                   \
    }

/**
 * BARKS_VERSION(split_words, "2"): after a function, the version of its code. A job that is started
 * again with --barks-work takes what the function has made before for the same as long as its
 * author declares the same version, whatever else has changed in the program or its arguments. So
 * such a function depends on its rows, its env and itself alone, and its version is raised when it
 * changes. Without a version any change of the program or of its arguments counts as one.
 */
#define BARKS_VERSION(function_name, text)                                                         \
    static __attribute__((constructor)) void barks_declare_##function_name(void)                   \
    {                                                                                              \
        barks_declare_version(&function_name.function, "" text);                                   \
    }

#define BARKS_NEED_RECORD_(name) _Static_assert(no_BARKS_RECORD_named_##name##_above == 0, "")
#define BARKS_UNUSED_ __attribute__((unused))

/* Whether env was given, by the number of arguments; the macros of a kind come in both forms. */
#define BARKS_ENV_AFTER_3_(...)                                                                    \
    BARKS_COUNT_(__VA_ARGS__, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_,    \
                 BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_,     \
                 BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_,     \
                 BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_,     \
                 BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, WITH_ENV_,            \
                 WITHOUT_ENV_, BAD_, BAD_, 0)
#define BARKS_ENV_AFTER_2_(...)                                                                    \
    BARKS_COUNT_(__VA_ARGS__, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_,    \
                 BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_,     \
                 BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_,     \
                 BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_,     \
                 BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, WITH_ENV_,      \
                 WITHOUT_ENV_, BAD_, 0)
#define BARKS_ENV_AFTER_4_(...)                                                                    \
    BARKS_COUNT_(__VA_ARGS__, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_,    \
                 BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_,     \
                 BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_,     \
                 BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_,     \
                 BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, BAD_, WITH_ENV_, WITHOUT_ENV_,    \
                 BAD_, BAD_, BAD_, 0)
/* The user's braces become a function that nobody calls. */
#define BARKS_BAD_ARGUMENTS_(form, text)                                                           \
    _Static_assert(0, "a comma or a record is missing, or one is too many: " form " from (" text   \
                      ")");                                                                        \
    static __attribute__((unused)) void barks_body_of_a_mistake(void)

/**
 * BARKS_MAP(name, in record, out record[, env type]) { out->y = in->x; }
 *
 * One row out for each row in. out begins as zeros and nulls.
 */
#define BARKS_MAP(...) BARKS_PASTE(BARKS_MAP_, BARKS_ENV_AFTER_3_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_MAP_BAD_(...) BARKS_BAD_ARGUMENTS_("BARKS_MAP(name, in, out[, env])", #__VA_ARGS__)
#define BARKS_MAP_WITHOUT_ENV_(name, in_name, out_name)                                            \
    BARKS_MAP_OF_(name, in_name, out_name, barks_no_env, 0)
#define BARKS_MAP_WITH_ENV_(name, in_name, out_name, env_type)                                     \
    BARKS_MAP_OF_(name, in_name, out_name, env_type, sizeof(env_type))
#define BARKS_MAP_OF_(name, in_name, out_name, env_type, env_bytes)                                \
    BARKS_NEED_RECORD_(in_name);                                                                   \
    BARKS_NEED_RECORD_(out_name);                                                                  \
    BARKS_INLINE void barks_body_##name(                                                           \
        BARKS_UNUSED_ const struct in_name *in, BARKS_UNUSED_ const env_type *env,                 \
        BARKS_UNUSED_ struct out_name *out, BARKS_UNUSED_ barks_out *const barks_out_of_map,       \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions);                       \
    static void barks_loop_##name(barks_call *call, barks_out *out)                                \
    {                                                                                              \
        struct barks_body body = {call, false};                                                    \
        struct barks_batch_##in_name from;                                                         \
        struct barks_emitter_##out_name emitter;                                                   \
        const env_type *env = call->env;                                                           \
        const size_t row_count = call->row_count;                                                  \
        barks_open_##in_name(&from, call->columns);                                                \
        barks_emitter_begin_##out_name(&emitter, out);                                             \
        size_t row = call->first_row;                                                              \
        while (row < row_count && !emitter.stopped && !body.failed && !out->is_full) {             \
            /* No test in the inner loop of bodies that make no strings, so that the compiler may  \
             * make vectors of it. */                                                              \
            size_t room = BARKS_OUT_ROWS - emitter.row_count;                                      \
            size_t end = row_count - row < room ? row_count : row + room;                          \
            size_t start = row;                                                                    \
            for (; row < end; row++) {                                                             \
                struct in_name in;                                                                 \
                struct out_name result = {0};                                                      \
                barks_load_##in_name(&from, row, &in);                                             \
                barks_body_##name(&in, env, &result, out, &body);                                  \
                if (BARKS_UNLIKELY(body.failed)) {                                                 \
                    call->row_index = (uint32_t)row;                                               \
                    break;                                                                         \
                }                                                                                  \
                barks_store_##out_name(&emitter.target, emitter.row_count + (row - start),         \
                                       &result, out);                                              \
                if (BARKS_UNLIKELY(out->is_full)) {                                                \
                    row++;                                                                         \
                    break;                                                                         \
                }                                                                                  \
            }                                                                                      \
            emitter.row_count += row - start;                                                      \
            if (emitter.row_count == BARKS_OUT_ROWS)                                               \
                barks_emitter_flush_##out_name(&emitter);                                          \
        }                                                                                          \
        call->first_row = (uint32_t)row;                                                           \
        out->row_count = (uint32_t)emitter.row_count;                                              \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_(map, MAP, name, env_type, env_bytes, in_name, &barks_record_##out_name, \
                           map)                                                                    \
    BARKS_INLINE void barks_body_##name(                                                           \
        BARKS_UNUSED_ const struct in_name *in, BARKS_UNUSED_ const env_type *env,                 \
        BARKS_UNUSED_ struct out_name *out, BARKS_UNUSED_ barks_out *const barks_out_of_map,       \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions)

/* The parameters of a body that emits. The function behind emit is handed in as a constant, which
 * the compiler then inlines: so emit needs no name of the record. */
#define BARKS_EMITTING_BODY_(name, first, out_name, env_type)                                      \
    BARKS_INLINE void barks_body_##name(                                                           \
        BARKS_UNUSED_ first, BARKS_UNUSED_ const env_type *env, BARKS_UNUSED_ barks_out *out,      \
        BARKS_UNUSED_ struct barks_emitter_##out_name *barks_emitter,                              \
        BARKS_UNUSED_ void (*const emit_works_in_FLAT_MAP_and_MAP_BATCHES)(                        \
            struct barks_emitter_##out_name *, struct out_name),                                   \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions)

/**
 * BARKS_FLAT_MAP(name, in record, out record[, env type]) { emit(.word = w, .count = 1); }
 *
 * Any number of rows out for each row in.
 */
#define BARKS_FLAT_MAP(...)                                                                        \
    BARKS_PASTE(BARKS_FLAT_MAP_, BARKS_ENV_AFTER_3_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_FLAT_MAP_BAD_(...)                                                                   \
    BARKS_BAD_ARGUMENTS_("BARKS_FLAT_MAP(name, in, out[, env])", #__VA_ARGS__)
#define BARKS_FLAT_MAP_WITHOUT_ENV_(name, in_name, out_name)                                       \
    BARKS_FLAT_MAP_OF_(name, in_name, out_name, barks_no_env, 0)
#define BARKS_FLAT_MAP_WITH_ENV_(name, in_name, out_name, env_type)                                \
    BARKS_FLAT_MAP_OF_(name, in_name, out_name, env_type, sizeof(env_type))
#define BARKS_FLAT_MAP_OF_(name, in_name, out_name, env_type, env_bytes)                           \
    BARKS_NEED_RECORD_(in_name);                                                                   \
    BARKS_NEED_RECORD_(out_name);                                                                  \
    BARKS_EMITTING_BODY_(name, const struct in_name *in, out_name, env_type);                      \
    static void barks_loop_##name(barks_call *call, barks_out *out)                                \
    {                                                                                              \
        struct barks_body body = {call, false};                                                    \
        struct barks_batch_##in_name from;                                                         \
        struct barks_emitter_##out_name emitter;                                                   \
        const env_type *env = call->env;                                                           \
        const size_t row_count = call->row_count;                                                  \
        barks_open_##in_name(&from, call->columns);                                                \
        barks_emitter_begin_##out_name(&emitter, out);                                             \
        size_t row = call->first_row;                                                              \
        while (row < row_count) {                                                                  \
            struct in_name in;                                                                     \
            barks_load_##in_name(&from, row, &in);                                                 \
            *(volatile uint32_t *)&call->row_index = (uint32_t)row; /* told if the body crashes */ \
            barks_body_##name(&in, env, out, &emitter, barks_emit_##out_name, &body);              \
            if (BARKS_UNLIKELY(body.failed)) {                                                     \
                call->row_index = (uint32_t)row;                                                   \
                break;                                                                             \
            }                                                                                      \
            row++;                                                                                 \
            if (BARKS_UNLIKELY(emitter.stopped || out->is_full))                                   \
                break;                                                                             \
        }                                                                                          \
        call->first_row = (uint32_t)row;                                                           \
        out->row_count = (uint32_t)emitter.row_count;                                              \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_(flat_map, FLAT_MAP, name, env_type, env_bytes, in_name,                 \
                           &barks_record_##out_name, map)                                          \
    BARKS_EMITTING_BODY_(name, const struct in_name *in, out_name, env_type)

/**
 * BARKS_MAP_BATCHES(name, in record, out record[, env type]) { ... batch->x[i] ... emit(.y = sum);
 * }
 *
 * The body is called once for a batch of some thousand rows (barks_map_batches can say how many),
 * whose columns stand in the struct barks_batch_<in record> (see BARKS_RECORD), and emits any
 * number of rows.
 */
#define BARKS_MAP_BATCHES(...)                                                                     \
    BARKS_PASTE(BARKS_MAP_BATCHES_, BARKS_ENV_AFTER_3_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_MAP_BATCHES_BAD_(...)                                                                \
    BARKS_BAD_ARGUMENTS_("BARKS_MAP_BATCHES(name, in, out[, env])", #__VA_ARGS__)
#define BARKS_MAP_BATCHES_WITHOUT_ENV_(name, in_name, out_name)                                    \
    BARKS_MAP_BATCHES_OF_(name, in_name, out_name, barks_no_env, 0)
#define BARKS_MAP_BATCHES_WITH_ENV_(name, in_name, out_name, env_type)                             \
    BARKS_MAP_BATCHES_OF_(name, in_name, out_name, env_type, sizeof(env_type))
#define BARKS_MAP_BATCHES_OF_(name, in_name, out_name, env_type, env_bytes)                        \
    BARKS_NEED_RECORD_(in_name);                                                                   \
    BARKS_NEED_RECORD_(out_name);                                                                  \
    BARKS_EMITTING_BODY_(name, const struct barks_batch_##in_name *batch, out_name, env_type);     \
    static void barks_loop_##name(barks_call *call, barks_out *out)                                \
    {                                                                                              \
        struct barks_body body = {call, false};                                                    \
        struct barks_batch_##in_name from;                                                         \
        struct barks_emitter_##out_name emitter;                                                   \
        from.row_count = call->row_count;                                                          \
        barks_open_##in_name(&from, call->columns);                                                \
        barks_emitter_begin_##out_name(&emitter, out);                                             \
        call->row_index = 0;                                                                       \
        barks_body_##name(&from, call->env, out, &emitter, barks_emit_##out_name, &body);          \
        out->row_count = (uint32_t)emitter.row_count;                                              \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_(map_batches, MAP_BATCHES, name, env_type, env_bytes, in_name,           \
                           &barks_record_##out_name, map)                                          \
    BARKS_EMITTING_BODY_(name, const struct barks_batch_##in_name *batch, out_name, env_type)

/**
 * BARKS_FILTER(name, in record[, env type]) { return in->count > 1; }
 *
 * Keeps the rows for which the body returns true.
 */
#define BARKS_FILTER(...) BARKS_PASTE(BARKS_FILTER_, BARKS_ENV_AFTER_2_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_FILTER_BAD_(...) BARKS_BAD_ARGUMENTS_("BARKS_FILTER(name, in[, env])", #__VA_ARGS__)
#define BARKS_FILTER_WITHOUT_ENV_(name, in_name) BARKS_FILTER_OF_(name, in_name, barks_no_env, 0)
#define BARKS_FILTER_WITH_ENV_(name, in_name, env_type)                                            \
    BARKS_FILTER_OF_(name, in_name, env_type, sizeof(env_type))
#define BARKS_FILTER_OF_(name, in_name, env_type, env_bytes)                                       \
    BARKS_NEED_RECORD_(in_name);                                                                   \
    BARKS_INLINE bool barks_body_##name(                                                           \
        BARKS_UNUSED_ const struct in_name *in, BARKS_UNUSED_ const env_type *env,                 \
        BARKS_UNUSED_ struct barks_filter_body *fail_works_in_bodies_of_functions);                \
    static uint32_t barks_loop_##name(barks_call *call, uint32_t *out_selected)                    \
    {                                                                                              \
        struct barks_filter_body body = {call, false};                                             \
        struct barks_batch_##in_name from;                                                         \
        const env_type *env = call->env;                                                           \
        const size_t row_count = call->row_count;                                                  \
        uint32_t selected_count = 0;                                                               \
        barks_open_##in_name(&from, call->columns);                                                \
        for (size_t row = 0; row < row_count; row++) {                                             \
            struct in_name in;                                                                     \
            barks_load_##in_name(&from, row, &in);                                                 \
            bool keep = barks_body_##name(&in, env, &body);                                        \
            if (BARKS_UNLIKELY(body.failed)) {                                                     \
                call->row_index = (uint32_t)row;                                                   \
                break;                                                                             \
            }                                                                                      \
            out_selected[selected_count] = (uint32_t)row;                                          \
            selected_count += keep;                                                                \
        }                                                                                          \
        return selected_count;                                                                     \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_(filter, FILTER, name, env_type, env_bytes, in_name, NULL, filter)       \
    BARKS_INLINE bool barks_body_##name(                                                           \
        BARKS_UNUSED_ const struct in_name *in, BARKS_UNUSED_ const env_type *env,                 \
        BARKS_UNUSED_ struct barks_filter_body *fail_works_in_bodies_of_functions)

/**
 * BARKS_FILTER_BATCHES(name, in record[, env type]) {
 *     for (uint32_t i = 0; i < batch->row_count; i++)
 *         keep[i] = batch->price[i] > env->low;
 * }
 *
 * A filter of whole batches, for barks_filter: keep[i], which begins as false, says whether row i
 * stays. The columns stand in batch, as in BARKS_MAP_BATCHES; the compiler can make vectors of such
 * a loop.
 */
#define BARKS_FILTER_BATCHES(...)                                                                  \
    BARKS_PASTE(BARKS_FILTER_BATCHES_, BARKS_ENV_AFTER_2_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_FILTER_BATCHES_BAD_(...)                                                             \
    BARKS_BAD_ARGUMENTS_("BARKS_FILTER_BATCHES(name, in[, env])", #__VA_ARGS__)
#define BARKS_FILTER_BATCHES_WITHOUT_ENV_(name, in_name)                                           \
    BARKS_FILTER_BATCHES_OF_(name, in_name, barks_no_env, 0)
#define BARKS_FILTER_BATCHES_WITH_ENV_(name, in_name, env_type)                                    \
    BARKS_FILTER_BATCHES_OF_(name, in_name, env_type, sizeof(env_type))
#define BARKS_FILTER_BATCHES_BODY_(name, in_name, env_type)                                        \
    BARKS_INLINE void barks_body_##name(                                                           \
        BARKS_UNUSED_ const struct barks_batch_##in_name *batch, BARKS_UNUSED_ bool *keep,         \
        BARKS_UNUSED_ const env_type *env,                                                         \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions)
/* What the body says stands in the last quarter of the selection's memory, which has four bytes for
 * each row: index k is written at byte 4k of it, and never later than keep[k] is read at 3n + k. */
#define BARKS_FILTER_BATCHES_OF_(name, in_name, env_type, env_bytes)                               \
    BARKS_NEED_RECORD_(in_name);                                                                   \
    BARKS_FILTER_BATCHES_BODY_(name, in_name, env_type);                                           \
    static uint32_t barks_loop_##name(barks_call *call, uint32_t *out_selected)                    \
    {                                                                                              \
        struct barks_body body = {call, false};                                                    \
        struct barks_batch_##in_name from;                                                         \
        const size_t row_count = call->row_count;                                                  \
        bool *keep = (bool *)(void *)((char *)(void *)out_selected + 3 * row_count);               \
        uint32_t selected_count = 0;                                                               \
        from.row_count = call->row_count;                                                          \
        barks_open_##in_name(&from, call->columns);                                                \
        memset(keep, 0, row_count);                                                                \
        call->row_index = 0;                                                                       \
        barks_body_##name(&from, keep, call->env, &body);                                          \
        for (size_t row = 0; row < row_count; row++) {                                             \
            bool stays = keep[row];                                                                \
            if (stays)                                                                             \
                out_selected[selected_count++] = (uint32_t)row;                                    \
        }                                                                                          \
        return selected_count;                                                                     \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_(filter, FILTER, name, env_type, env_bytes, in_name, NULL, filter)       \
    BARKS_FILTER_BATCHES_BODY_(name, in_name, env_type)

/**
 * BARKS_FOREACH(name, in record[, env type]) { printf(...); }
 *
 * For its effects, once for each row, on the executors; an attempt that is repeated repeats them.
 */
#define BARKS_FOREACH(...) BARKS_PASTE(BARKS_FOREACH_, BARKS_ENV_AFTER_2_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_FOREACH_BAD_(...) BARKS_BAD_ARGUMENTS_("BARKS_FOREACH(name, in[, env])", #__VA_ARGS__)
#define BARKS_FOREACH_WITHOUT_ENV_(name, in_name) BARKS_FOREACH_OF_(name, in_name, barks_no_env, 0)
#define BARKS_FOREACH_WITH_ENV_(name, in_name, env_type)                                           \
    BARKS_FOREACH_OF_(name, in_name, env_type, sizeof(env_type))
#define BARKS_FOREACH_OF_(name, in_name, env_type, env_bytes)                                      \
    BARKS_NEED_RECORD_(in_name);                                                                   \
    BARKS_INLINE void barks_body_##name(                                                           \
        BARKS_UNUSED_ const struct in_name *in, BARKS_UNUSED_ const env_type *env,                 \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions);                       \
    static void barks_loop_##name(barks_call *call)                                                \
    {                                                                                              \
        struct barks_body body = {call, false};                                                    \
        struct barks_batch_##in_name from;                                                         \
        const env_type *env = call->env;                                                           \
        const size_t row_count = call->row_count;                                                  \
        barks_open_##in_name(&from, call->columns);                                                \
        for (size_t row = 0; row < row_count; row++) {                                             \
            struct in_name in;                                                                     \
            barks_load_##in_name(&from, row, &in);                                                 \
            *(volatile uint32_t *)&call->row_index = (uint32_t)row; /* told if the body crashes */ \
            barks_body_##name(&in, env, &body);                                                    \
            if (BARKS_UNLIKELY(body.failed)) {                                                     \
                call->row_index = (uint32_t)row;                                                   \
                break;                                                                             \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_(foreach, FOREACH, name, env_type, env_bytes, in_name, NULL, foreach)    \
    BARKS_INLINE void barks_body_##name(                                                           \
        BARKS_UNUSED_ const struct in_name *in, BARKS_UNUSED_ const env_type *env,                 \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions)

/**
 * BARKS_REDUCE(name, record[, env type]) { acc->count += in->count; }
 *
 * Folds row in into acc, of the same record, which begins as a copy of the first row. It must be
 * associative and commutative: rows are folded in any grouping. Strings and list items that the
 * body stores in acc are copied.
 */
#define BARKS_REDUCE(...) BARKS_PASTE(BARKS_REDUCE_, BARKS_ENV_AFTER_2_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_REDUCE_BAD_(...)                                                                     \
    BARKS_BAD_ARGUMENTS_("BARKS_REDUCE(name, record[, env])", #__VA_ARGS__)
#define BARKS_REDUCE_WITHOUT_ENV_(name, row_name)                                                  \
    BARKS_FOLD_OF_(reduce, REDUCE, name, row_name, row_name, barks_no_env, 0)
#define BARKS_REDUCE_WITH_ENV_(name, row_name, env_type)                                           \
    BARKS_FOLD_OF_(reduce, REDUCE, name, row_name, row_name, env_type, sizeof(env_type))

/**
 * BARKS_AGGREGATE(name, in record, acc record[, env type]) { acc->sum += in->price; }
 *
 * As BARKS_REDUCE, but acc is another record and begins as the operation's initial value.
 */
#define BARKS_AGGREGATE(...)                                                                       \
    BARKS_PASTE(BARKS_AGGREGATE_, BARKS_ENV_AFTER_3_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_AGGREGATE_BAD_(...)                                                                  \
    BARKS_BAD_ARGUMENTS_("BARKS_AGGREGATE(name, in, acc[, env])", #__VA_ARGS__)
#define BARKS_AGGREGATE_WITHOUT_ENV_(name, in_name, acc_name)                                      \
    BARKS_FOLD_OF_(aggregate, AGGREGATE, name, in_name, acc_name, barks_no_env, 0)
#define BARKS_AGGREGATE_WITH_ENV_(name, in_name, acc_name, env_type)                               \
    BARKS_FOLD_OF_(aggregate, AGGREGATE, name, in_name, acc_name, env_type, sizeof(env_type))

#define BARKS_FOLD_OF_(kind, KIND, name, in_name, acc_name, env_type, env_bytes)                   \
    BARKS_NEED_RECORD_(in_name);                                                                   \
    BARKS_NEED_RECORD_(acc_name);                                                                  \
    BARKS_INLINE void barks_body_##name(                                                           \
        BARKS_UNUSED_ struct acc_name *acc, BARKS_UNUSED_ const struct in_name *in,                \
        BARKS_UNUSED_ const env_type *env,                                                         \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions);                       \
    BARKS_INLINE bool barks_fold_row_##name(barks_call *call,                                      \
                                            const struct barks_batch_##in_name *from,              \
                                            uint32_t row, const env_type *env, void *accumulator)  \
    {                                                                                              \
        struct barks_body body = {call, false};                                                    \
        struct acc_name *acc = accumulator;                                                        \
        const struct acc_name before = *acc;                                                       \
        struct in_name in;                                                                         \
        barks_load_##in_name(from, row, &in);                                                      \
        barks_body_##name(acc, &in, env, &body);                                                   \
        barks_keep_##acc_name(call, acc, &before);                                                 \
        if (BARKS_UNLIKELY(body.failed))                                                           \
            call->row_index = (uint32_t)row;                                                       \
        return !body.failed;                                                                       \
    }                                                                                              \
    static void barks_loop_##name(barks_call *call, void *const *accumulators, uint32_t first_row, \
                                  uint32_t count)                                                  \
    {                                                                                              \
        struct barks_batch_##in_name from;                                                         \
        const env_type *env = call->env;                                                           \
        barks_open_##in_name(&from, call->columns);                                                \
        for (uint32_t k = 0; k < count; k++)                                                       \
            if (!barks_fold_row_##name(call, &from, first_row + k, env, accumulators[k]))          \
                return;                                                                            \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_(kind, KIND, name, env_type, env_bytes, in_name,                         \
                           &barks_record_##acc_name, fold)                                         \
    BARKS_INLINE void barks_body_##name(                                                           \
        BARKS_UNUSED_ struct acc_name *acc, BARKS_UNUSED_ const struct in_name *in,                \
        BARKS_UNUSED_ const env_type *env,                                                         \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions)

/**
 * BARKS_PARTITION(name, in record[, env type]) { return in->year % count; }
 *
 * The partition of a row, in [0, count).
 */
#define BARKS_PARTITION(...)                                                                       \
    BARKS_PASTE(BARKS_PARTITION_, BARKS_ENV_AFTER_2_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_PARTITION_BAD_(...)                                                                  \
    BARKS_BAD_ARGUMENTS_("BARKS_PARTITION(name, in[, env])", #__VA_ARGS__)
#define BARKS_PARTITION_WITHOUT_ENV_(name, in_name)                                                \
    BARKS_PARTITION_OF_(name, in_name, barks_no_env, 0)
#define BARKS_PARTITION_WITH_ENV_(name, in_name, env_type)                                         \
    BARKS_PARTITION_OF_(name, in_name, env_type, sizeof(env_type))
#define BARKS_PARTITION_BODY_(name, in_name, env_type)                                             \
    BARKS_INLINE int64_t barks_body_##name(                                                        \
        BARKS_UNUSED_ const struct in_name *in, BARKS_UNUSED_ const uint32_t count,                \
        BARKS_UNUSED_ const env_type *env,                                                         \
        BARKS_UNUSED_ struct barks_number_body *fail_works_in_bodies_of_functions)
#define BARKS_PARTITION_OF_(name, in_name, env_type, env_bytes)                                    \
    BARKS_NEED_RECORD_(in_name);                                                                   \
    BARKS_PARTITION_BODY_(name, in_name, env_type);                                                \
    static void barks_loop_##name(barks_call *call, int64_t *out_partitions)                       \
    {                                                                                              \
        struct barks_number_body body = {call, false};                                             \
        struct barks_batch_##in_name from;                                                         \
        const env_type *env = call->env;                                                           \
        const size_t row_count = call->row_count;                                                  \
        barks_open_##in_name(&from, call->columns);                                                \
        for (size_t row = 0; row < row_count; row++) {                                             \
            struct in_name in;                                                                     \
            barks_load_##in_name(&from, row, &in);                                                 \
            out_partitions[row] = barks_body_##name(&in, call->partition_count, env, &body);       \
            if (BARKS_UNLIKELY(body.failed)) {                                                     \
                call->row_index = (uint32_t)row;                                                   \
                break;                                                                             \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_(partition, PARTITION, name, env_type, env_bytes, in_name, NULL,         \
                           partition)                                                              \
    BARKS_PARTITION_BODY_(name, in_name, env_type)

/* An error with these words, unless condition holds. */
#define BARKS_CLAIM_(condition, words)                                                             \
    ((void)sizeof(struct {                                                                         \
        _Static_assert(condition, words);                                                          \
        char member;                                                                               \
    }))

/* For operations: the barks_function of the function named f, which must be of the kind (map,
 * flat_map, ...). */
#define BARKS_FUNCTION_OF(function_kind, f)                                                        \
    (BARKS_CLAIM_(_Generic((f).kind, const struct barks_is_##function_kind * : 1, default : 0),    \
                  #f " is not a function of the kind that this operation takes: " #function_kind), \
     &(f).function)

/* For operations: env as const void *. It must be NULL, a void pointer, or point to the env type
 * that f was declared with. */
#define BARKS_ENV_OF(f, env_pointer)                                                               \
    (BARKS_CLAIM_(_Generic((env_pointer), void * : 1, const void * : 1,                            \
                           __typeof__(1 ? (f).env : (f).env) : 1,                                  \
                           const __typeof__(*(f).env) * : 1, default : 0),                         \
                  "env does not point to the env type of " #f),                                    \
     (const void *)(env_pointer))
