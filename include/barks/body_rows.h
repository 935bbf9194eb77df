/* Functions that see more than one row at a time, or rows one after another under their control: of
 * pairs, of whole partitions, of the rows of a key. What holds for all bodies stands in body.h. */
#pragma once
#pragma GCC system_header

#include "barks/body.h"

/* The compiler must not see where it is NULL: bodies for joins that miss no side do not ask. */
BARKS_INLINE const void *barks_side_(const void *row)
{
    __asm__("" : "+r"(row));
    return row;
}

/**
 * BARKS_PAIR(name, left record, right record, out record[, env type])
 *     { out->total = left->n * (right != NULL ? right->price : 0); }
 *
 * One row out for each pair of rows that a join or a zip makes. left or right is NULL where a side
 * has no row: in left, right and full joins. out begins as zeros and nulls; barks_str_make works.
 */
#define BARKS_PAIR(...) BARKS_PASTE(BARKS_PAIR_, BARKS_ENV_AFTER_4_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_PAIR_BAD_(...)                                                                       \
    BARKS_BAD_ARGUMENTS_("BARKS_PAIR(name, left, right, out[, env])", #__VA_ARGS__)
#define BARKS_PAIR_WITHOUT_ENV_(name, left_name, right_name, out_name)                             \
    BARKS_PAIR_OF_(name, left_name, right_name, out_name, barks_no_env, 0)
#define BARKS_PAIR_WITH_ENV_(name, left_name, right_name, out_name, env_type)                      \
    BARKS_PAIR_OF_(name, left_name, right_name, out_name, env_type, sizeof(env_type))
#define BARKS_PAIR_BODY_(name, left_name, right_name, out_name, env_type)                          \
    BARKS_INLINE void barks_body_##name(                                                           \
        BARKS_UNUSED_ const struct left_name *left, BARKS_UNUSED_ const struct right_name *right,  \
        BARKS_UNUSED_ const env_type *env, BARKS_UNUSED_ struct out_name *out,                     \
        BARKS_UNUSED_ barks_out *const barks_out_of_map,                                           \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions)
#define BARKS_PAIR_OF_(name, left_name, right_name, out_name, env_type, env_bytes)                 \
    BARKS_NEED_RECORD_(left_name);                                                                 \
    BARKS_NEED_RECORD_(right_name);                                                                \
    BARKS_NEED_RECORD_(out_name);                                                                  \
    BARKS_PAIR_BODY_(name, left_name, right_name, out_name, env_type);                             \
    static void barks_loop_##name(barks_call *call, const uint32_t *left_rows,                     \
                                  const uint32_t *right_rows, uint32_t count, barks_out *out)      \
    {                                                                                              \
        struct barks_body body = {call, false};                                                    \
        struct barks_batch_##left_name left_from;                                                  \
        struct barks_batch_##right_name right_from;                                                \
        struct barks_emitter_##out_name emitter;                                                   \
        barks_open_##left_name(&left_from, call->columns);                                         \
        barks_open_##right_name(&right_from, call->right_columns);                                 \
        barks_emitter_begin_##out_name(&emitter, out);                                             \
        for (uint32_t k = 0; k < count && !emitter.stopped; k++) {                                 \
            struct left_name left;                                                                 \
            struct right_name right;                                                               \
            struct out_name result = {0};                                                          \
            bool has_left = left_rows[k] != BARKS_NO_ROW,                                          \
                 has_right = right_rows[k] != BARKS_NO_ROW;                                        \
            if (has_left)                                                                          \
                barks_load_##left_name(&left_from, left_rows[k], &left);                           \
            if (has_right)                                                                         \
                barks_load_##right_name(&right_from, right_rows[k], &right);                       \
            barks_body_##name(barks_side_(has_left ? &left : NULL),                                \
                              barks_side_(has_right ? &right : NULL), call->env, &result, out,     \
                              &body);                                                              \
            if (BARKS_UNLIKELY(body.failed)) {                                                     \
                call->row_index = k;                                                               \
                break;                                                                             \
            }                                                                                      \
            barks_emit_##out_name(&emitter, result);                                               \
        }                                                                                          \
        out->row_count = (uint32_t)emitter.row_count;                                              \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_OF_(pair, PAIR, name, env_type, env_bytes, left_name,                    \
                              &barks_record_##out_name, pair, .input_count = 2,                    \
                              .inputs = {&barks_record_##left_name, &barks_record_##right_name})   \
    BARKS_PAIR_BODY_(name, left_name, right_name, out_name, env_type)

/**
 * BARKS_MAP_PARTITIONS(name, in record, out record, state type[, env type]) {
 *     if (phase == BARKS_BATCH)
 *         state->n += batch->row_count;
 *     if (phase == BARKS_CLOSE)
 *         emit(.n = state->n);
 * }
 *
 * The body is called for the whole of a partition: once with phase BARKS_OPEN, then with
 * BARKS_BATCH for each batch (see BARKS_MAP_BATCHES), then with BARKS_CLOSE, also where there are
 * no rows; it emits whenever it likes. The state is zero at BARKS_OPEN; strings that it is to hold
 * from one call to the next must be copied. After a failure there is no BARKS_CLOSE.
 */
#define BARKS_MAP_PARTITIONS(...)                                                                  \
    BARKS_PASTE(BARKS_MAP_PARTITIONS_, BARKS_ENV_AFTER_4_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_MAP_PARTITIONS_BAD_(...)                                                             \
    BARKS_BAD_ARGUMENTS_("BARKS_MAP_PARTITIONS(name, in, out, state[, env])", #__VA_ARGS__)
#define BARKS_MAP_PARTITIONS_WITHOUT_ENV_(name, in_name, out_name, state_type)                     \
    BARKS_MAP_PARTITIONS_OF_(name, in_name, out_name, state_type, barks_no_env, 0)
#define BARKS_MAP_PARTITIONS_WITH_ENV_(name, in_name, out_name, state_type, env_type)              \
    BARKS_MAP_PARTITIONS_OF_(name, in_name, out_name, state_type, env_type, sizeof(env_type))
#define BARKS_PARTITIONS_BODY_(name, in_name, out_name, state_type, env_type)                      \
    BARKS_INLINE void barks_body_##name(                                                           \
        BARKS_UNUSED_ const struct barks_batch_##in_name *batch, BARKS_UNUSED_ int phase,          \
        BARKS_UNUSED_ state_type *state, BARKS_UNUSED_ const env_type *env,                        \
        BARKS_UNUSED_ barks_out *out,                                                              \
        BARKS_UNUSED_ struct barks_emitter_##out_name *barks_emitter,                              \
        BARKS_UNUSED_ void (*const emit_works_in_FLAT_MAP_and_MAP_BATCHES)(                        \
            struct barks_emitter_##out_name *, struct out_name),                                   \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions)
#define BARKS_MAP_PARTITIONS_OF_(name, in_name, out_name, state_type, env_type, env_bytes)         \
    BARKS_NEED_RECORD_(in_name);                                                                   \
    BARKS_NEED_RECORD_(out_name);                                                                  \
    BARKS_PARTITIONS_BODY_(name, in_name, out_name, state_type, env_type);                         \
    static void barks_loop_##name(barks_call *call, barks_out *out)                                \
    {                                                                                              \
        struct barks_body body = {call, false};                                                    \
        struct barks_batch_##in_name from;                                                         \
        struct barks_emitter_##out_name emitter;                                                   \
        from.row_count = call->row_count;                                                          \
        barks_open_##in_name(&from, call->columns);                                                \
        barks_emitter_begin_##out_name(&emitter, out);                                             \
        call->row_index = 0;                                                                       \
        barks_body_##name(&from, call->phase, call->state, call->env, out, &emitter,               \
                          barks_emit_##out_name, &body);                                           \
        out->row_count = (uint32_t)emitter.row_count;                                              \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_OF_(map_partitions, MAP_PARTITIONS, name, env_type, env_bytes, in_name,  \
                              &barks_record_##out_name, map, .state_size = sizeof(state_type))     \
    BARKS_PARTITIONS_BODY_(name, in_name, out_name, state_type, env_type)

/**
 * BARKS_GROUP(name, in record, out record[, env type]) {
 *     struct visit v;
 *     while (barks_next_row(rows, &v))
 *         ...
 *     emit(...);
 * }
 *
 * The body is called once for a group of rows, which `rows` gives one after another and, after
 * barks_rewind_rows(rows), again; it emits any number of rows. Strings of rows live until the body
 * returns, items of lists until the row after the next one is asked for. Rows that do not fit the
 * memory are read from disk as the body asks for them.
 */
#define BARKS_GROUP(...) BARKS_PASTE(BARKS_GROUP_, BARKS_ENV_AFTER_3_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_GROUP_BAD_(...)                                                                      \
    BARKS_BAD_ARGUMENTS_("BARKS_GROUP(name, in, out[, env])", #__VA_ARGS__)
#define BARKS_GROUP_WITHOUT_ENV_(name, in_name, out_name)                                          \
    BARKS_GROUP_OF_(group, name, barks_no_env, 0, out_name, (rows, in_name))
#define BARKS_GROUP_WITH_ENV_(name, in_name, out_name, env_type)                                   \
    BARKS_GROUP_OF_(group, name, env_type, sizeof(env_type), out_name, (rows, in_name))

/**
 * BARKS_COGROUP(name, out record, (orders, order), (users, user)) { ... emit(...); }
 *
 * As BARKS_GROUP, for one to four datasets: each is given as (name in the body, record), in the
 * order of the operation. A side may have no rows: then barks_has_rows(users) is false.
 * BARKS_COGROUP_ENV(name, env type, out record, (orders, order), ...) has an env.
 */
#define BARKS_COGROUP(name, out_name, ...)                                                         \
    BARKS_GROUP_OF_(cogroup, name, barks_no_env, 0, out_name, __VA_ARGS__)
#define BARKS_COGROUP_ENV(name, env_type, out_name, ...)                                           \
    BARKS_GROUP_OF_(cogroup, name, env_type, sizeof(env_type), out_name, __VA_ARGS__)

/* bool barks_next_row(rows, &row): the next row of a side; false at its end. */
#define barks_next_row(rows, row) ((rows)->next((rows), (row)))
/* The side's rows from the first one on again. */
#define barks_rewind_rows(rows) ((void)(rows)->cursor->rewind((rows)->cursor))
/* True when there are rows that barks_next_row has not given. */
#define barks_has_rows(rows)                                                                       \
    ((rows)->cursor->row < (rows)->cursor->end || (rows)->cursor->more((rows)->cursor))

#define BARKS_SIDE_(macro, context, side) BARKS_SIDE__(macro, context, BARKS_UNPAIR_ side)
#define BARKS_SIDE__(macro, ...) macro(__VA_ARGS__)
#define BARKS_NEED_SIDE_(context, side) BARKS_SIDE_(BARKS_NEED_SIDE__, context, side)
#define BARKS_NEED_SIDE__(context, rows, in_name) BARKS_NEED_RECORD_(in_name);
#define BARKS_SIDE_PARAMETER_(context, side) BARKS_SIDE_(BARKS_SIDE_PARAMETER__, context, side)
#define BARKS_SIDE_PARAMETER__(context, rows, in_name)                                             \
    BARKS_UNUSED_ struct barks_rows_##in_name *const rows,
#define BARKS_SIDE_OPEN_(context, side) BARKS_SIDE_(BARKS_SIDE_OPEN__, context, side)
#define BARKS_SIDE_OPEN__(context, rows, in_name)                                                  \
    struct barks_rows_##in_name barks_side_##rows;                                                 \
    barks_rows_begin_##in_name(&barks_side_##rows, sides++);
#define BARKS_SIDE_ARGUMENT_(context, side) BARKS_SIDE_(BARKS_SIDE_ARGUMENT__, context, side)
#define BARKS_SIDE_ARGUMENT__(context, rows, in_name) &barks_side_##rows,
#define BARKS_SIDE_RECORD_(context, side) BARKS_SIDE_(BARKS_SIDE_RECORD__, context, side)
#define BARKS_SIDE_RECORD__(context, rows, in_name) &barks_record_##in_name,
#define BARKS_FIRST_SIDE_(side, ...) BARKS_SIDE_(BARKS_FIRST_SIDE__, 0, side)
#define BARKS_FIRST_SIDE__(context, rows, in_name) &barks_record_##in_name

#define BARKS_GROUP_BODY_(name, env_type, out_name, ...)                                           \
    BARKS_INLINE void barks_body_##name(                                                           \
        BARKS_EACH(BARKS_SIDE_PARAMETER_, 0, __VA_ARGS__) BARKS_UNUSED_ const env_type *env,       \
        BARKS_UNUSED_ barks_out *out,                                                              \
        BARKS_UNUSED_ struct barks_emitter_##out_name *barks_emitter,                              \
        BARKS_UNUSED_ void (*const emit_works_in_FLAT_MAP_and_MAP_BATCHES)(                        \
            struct barks_emitter_##out_name *, struct out_name),                                   \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions)
#define BARKS_GROUP_OF_(kind_name, name, env_type, env_bytes, out_name, ...)                       \
    BARKS_EACH(BARKS_NEED_SIDE_, 0, __VA_ARGS__)                                                   \
    BARKS_NEED_RECORD_(out_name);                                                                  \
    _Static_assert(BARKS_COUNT(__VA_ARGS__) <= 4, #name ": more than four datasets");              \
    BARKS_GROUP_BODY_(name, env_type, out_name, __VA_ARGS__);                                      \
    static void barks_loop_##name(barks_call *call, barks_cursor *sides, uint32_t side_count,      \
                                  barks_out *out)                                                  \
    {                                                                                              \
        struct barks_body body = {call, false};                                                    \
        struct barks_emitter_##out_name emitter;                                                   \
        (void)side_count;                                                                          \
        BARKS_EACH(BARKS_SIDE_OPEN_, 0, __VA_ARGS__)                                               \
        barks_emitter_begin_##out_name(&emitter, out);                                             \
        barks_body_##name(BARKS_EACH(BARKS_SIDE_ARGUMENT_, 0, __VA_ARGS__) call->env, out,         \
                          &emitter, barks_emit_##out_name, &body);                                 \
        out->row_count = (uint32_t)emitter.row_count;                                              \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_WITH_(kind_name, GROUP, name, env_type, env_bytes,                       \
                                BARKS_FIRST_SIDE_(__VA_ARGS__, ), &barks_record_##out_name, group, \
                                .input_count = BARKS_COUNT(__VA_ARGS__),                           \
                                .inputs = {BARKS_EACH(BARKS_SIDE_RECORD_, 0, __VA_ARGS__)})        \
    BARKS_GROUP_BODY_(name, env_type, out_name, __VA_ARGS__)
