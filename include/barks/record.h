/* Records: plain C structs that barks knows the fields of. Functions over them: body.h, included
 * below.
 *
 *     BARKS_RECORD(word_count, (str, word), (i64, count));
 *
 * makes `struct word_count { barks_str word; int64_t count; }` and all that turns batches of
 * columns into such structs and back. */
#pragma once
#pragma GCC system_header

#include "barks/each.h"
#include "barks/field.h"
#include "barks/function.h"
#include "barks/words.h"

/**
 * BARKS_RECORD(name, (type, field), ...): 1 to 32 fields.
 *
 *     type           in struct name
 *     bool           bool
 *     i32 i64        int32_t int64_t
 *     f32 f64        float double
 *     str bytes      barks_str (str should be UTF-8, bytes need not)
 *     list(t)        barks_list_t {const T *items; uint32_t count;}, t being one of the above
 *     record(other)  struct other, from a BARKS_RECORD above
 *     optional(t)    {T value; bool valid;}, t being any of the above; the struct is named
 *                    barks_optional_t where t has no parentheses
 *
 * Also made: struct barks_batch_name, the batch that BARKS_MAP_BATCHES hands to a body: row_count
 * and for each field the column: batch->count[i]; of an optional one batch->price.value[i], which
 * is there where barks_has(batch->price, i); of a list barks_item_count(batch->ids, i) items at
 * barks_items(batch->ids, i).
 *
 * Use it at file level, once for a name in a translation unit; several units may repeat it in the
 * same words.
 */
#define BARKS_RECORD(...) BARKS_RECORD_(BARKS_ARITY(__VA_ARGS__), __VA_ARGS__)
#define BARKS_RECORD_(arity, ...) BARKS_PASTE(BARKS_RECORD_OF_, arity)(__VA_ARGS__)
#define BARKS_RECORD_OF_ONE_(...)                                                                  \
    _Static_assert(0, "BARKS_RECORD: comma missing after the name, or no field: (" #__VA_ARGS__ ")")

/* macro(name, type, field, ...) for a field that is written as (type, field). In a broken one there
 * is something to be both, so that the assertion that says what is wrong comes first. */
#define BARKS_FIELD(macro, name, pair)                                                             \
    BARKS_FIELD_(macro, name, BARKS_UNPAIR_ pair, field_without_a_name, 0)
#define BARKS_FIELD_(macro, ...) macro(__VA_ARGS__)
#define BARKS_UNPAIR_(...) __VA_ARGS__
#define BARKS_DROP_(...)

#define BARKS_CHECK_PAIR_(name, pair)                                                              \
    _Static_assert(!BARKS_IS_PAIR(BARKS_DROP_ pair),                                               \
                   "BARKS_RECORD(" #name "): comma missing between fields: " #pair);               \
    _Static_assert(BARKS_IS_PAIR(pair),                                                            \
                   "BARKS_RECORD(" #name "): a field is (type, name), this is not: " #pair);       \
    _Static_assert((BARKS_COUNT pair) == 2,                                                        \
                   "BARKS_RECORD(" #name "): comma missing in a field (type, name): " #pair);
#define BARKS_CHECK_TYPE_(name, pair) BARKS_FIELD(BARKS_CHECK_TYPE__, name, pair)
#define BARKS_CHECK_TYPE__(name, type, field, ...)                                                 \
    _Static_assert(no_such_field_type_as_##type == 0, "");
#define BARKS_MEMBER_(name, pair) BARKS_FIELD(BARKS_MEMBER__, name, pair)
#define BARKS_MEMBER__(name, type, field, ...) BARKS_C(type) field;
#define BARKS_BATCH_MEMBER_(name, pair) BARKS_FIELD(BARKS_BATCH_MEMBER__, name, pair)
#define BARKS_BATCH_MEMBER__(name, type, field, ...) BARKS_VALUES(type) field;
#define BARKS_TARGET_MEMBER_(name, pair) BARKS_FIELD(BARKS_TARGET_MEMBER__, name, pair)
#define BARKS_TARGET_MEMBER__(name, type, field, ...) BARKS_TARGET(type) field;
#define BARKS_SCHEMA_FIELD_(name, pair) BARKS_FIELD(BARKS_SCHEMA_FIELD__, name, pair)
#define BARKS_SCHEMA_FIELD__(row, type, field, ...)                                                \
    {#field, BARKS_TYPE(type), BARKS_NULLABLE(type)},
#define BARKS_OFFSET_(name, pair) BARKS_FIELD(BARKS_OFFSET__, name, pair)
#define BARKS_OFFSET__(name, type, field, ...) offsetof(struct name, field),
#define BARKS_OPEN_FIELD_(name, pair) BARKS_FIELD(BARKS_OPEN_FIELD__, name, pair)
#define BARKS_OPEN_FIELD__(name, type, field, ...)                                                 \
    BARKS_OPEN(type, to->field, *columns);                                                         \
    columns++;
#define BARKS_AIM_FIELD_(name, pair) BARKS_FIELD(BARKS_AIM_FIELD__, name, pair)
#define BARKS_AIM_FIELD__(name, type, field, ...)                                                  \
    BARKS_AIM(type, to->field, *columns);                                                          \
    columns++;
#define BARKS_LOAD_FIELD_(name, pair) BARKS_FIELD(BARKS_LOAD_FIELD__, name, pair)
#define BARKS_LOAD_FIELD__(name, type, field, ...) BARKS_LOAD(type, value->field, from->field, row);
#define BARKS_STORE_FIELD_(name, pair) BARKS_FIELD(BARKS_STORE_FIELD__, name, pair)
#define BARKS_STORE_FIELD__(name, type, field, ...)                                                \
    BARKS_STORE(type, to->field, row, value->field, out);
#define BARKS_KEEP_FIELD_(name, pair) BARKS_FIELD(BARKS_KEEP_FIELD__, name, pair)
#define BARKS_KEEP_FIELD__(name, type, field, ...)                                                 \
    BARKS_KEEP(type, call, now->field, before->field);

/* emit goes through a pointer that is a constant after inlining, which gcc sees only when it
 * optimizes. */
#if defined(__OPTIMIZE__)
#define BARKS_INLINE_EMIT_ BARKS_INLINE
#else
#define BARKS_INLINE_EMIT_ static inline __attribute__((unused))
#endif

#define BARKS_RECORD_OF_SOME_(name, ...)                                                           \
    _Static_assert(BARKS_COUNT(__VA_ARGS__) <= 32,                                                 \
                   "BARKS_RECORD(" #name "): more than 32 fields");                                \
    BARKS_EACH(BARKS_CHECK_PAIR_, name, __VA_ARGS__)                                               \
    BARKS_EACH(BARKS_CHECK_TYPE_, name, __VA_ARGS__)                                               \
    enum { no_BARKS_RECORD_named_##name##_above = 0 };                                             \
    struct name {                                                                                  \
        BARKS_EACH(BARKS_MEMBER_, name, __VA_ARGS__)                                               \
    };                                                                                             \
    struct barks_batch_##name {                                                                    \
        uint32_t row_count;                                                                        \
        BARKS_EACH(BARKS_BATCH_MEMBER_, name, __VA_ARGS__)                                         \
    };                                                                                             \
    struct barks_target_##name {                                                                   \
        BARKS_EACH(BARKS_TARGET_MEMBER_, name, __VA_ARGS__)                                        \
    };                                                                                             \
    BARKS_INLINE void barks_open_##name(struct barks_batch_##name *to,                             \
                                        const barks_column *const *columns){BARKS_EACH(            \
        BARKS_OPEN_FIELD_, name,                                                                   \
        __VA_ARGS__)} BARKS_INLINE void barks_open_struct_##name(struct barks_batch_##name *to,    \
                                                                 const barks_column *parent)       \
    {                                                                                              \
        const barks_column *columns[BARKS_COUNT(__VA_ARGS__)];                                     \
        for (uint32_t i = 0; i < BARKS_COUNT(__VA_ARGS__); i++)                                    \
            columns[i] = &parent->children[i];                                                     \
        to->row_count = 0;                                                                         \
        barks_open_##name(to, columns);                                                            \
    }                                                                                              \
    BARKS_INLINE void barks_aim_##name(struct barks_target_##name *to,                             \
                                       const barks_column *const *columns){BARKS_EACH(             \
        BARKS_AIM_FIELD_, name,                                                                    \
        __VA_ARGS__)} BARKS_INLINE void barks_aim_struct_##name(struct barks_target_##name *to,    \
                                                                const barks_column *parent)        \
    {                                                                                              \
        const barks_column *columns[BARKS_COUNT(__VA_ARGS__)];                                     \
        for (uint32_t i = 0; i < BARKS_COUNT(__VA_ARGS__); i++)                                    \
            columns[i] = &parent->children[i];                                                     \
        barks_aim_##name(to, columns);                                                             \
    }                                                                                              \
    BARKS_INLINE void barks_load_##name(const struct barks_batch_##name *from, size_t row,         \
                                        struct name *value){                                       \
        BARKS_EACH(BARKS_LOAD_FIELD_, name, __VA_ARGS__)} /* Changes null values to zeros. */      \
    BARKS_INLINE void barks_store_##name(const struct barks_target_##name *to, size_t row,         \
                                         struct name *value,                                       \
                                         __attribute__((unused)) barks_out *out){                  \
        BARKS_EACH(BARKS_STORE_FIELD_, name, __VA_ARGS__)} BARKS_INLINE void                       \
        barks_keep_##name(__attribute__((unused)) barks_call *call,                                \
                          __attribute__((unused)) struct name *now,                                \
                          __attribute__((unused)) const struct name *before)                       \
    {                                                                                              \
        BARKS_EACH(BARKS_KEEP_FIELD_, name, __VA_ARGS__)                                           \
    }                                                                                              \
    static __attribute__((unused)) void barks_to_columns_##name(                                   \
        const void *rows, uint32_t row_count, const barks_column *const *columns,                  \
        uint32_t first_row, barks_out *out)                                                        \
    {                                                                                              \
        const struct name *values = rows;                                                          \
        struct barks_target_##name to;                                                             \
        barks_aim_##name(&to, columns);                                                            \
        for (uint32_t i = 0; i < row_count; i++) {                                                 \
            struct name value = values[i];                                                         \
            barks_store_##name(&to, first_row + i, &value, out);                                   \
        }                                                                                          \
    }                                                                                              \
    static __attribute__((unused)) void barks_from_columns_##name(                                 \
        const barks_column *const *columns, const uint32_t *row_indices, uint32_t row_count,       \
        void *out_rows)                                                                            \
    {                                                                                              \
        struct name *values = out_rows;                                                            \
        struct barks_batch_##name from;                                                            \
        from.row_count = row_count;                                                                \
        barks_open_##name(&from, columns);                                                         \
        for (uint32_t i = 0; i < row_count; i++) {                                                 \
            struct name value = {0}; /* padding too, so that rows can be compared as bytes */      \
            barks_load_##name(&from, row_indices != NULL ? row_indices[i] : i, &value);            \
            values[i] = value;                                                                     \
        }                                                                                          \
    }                                                                                              \
    static const uint32_t barks_offsets_##name[] = {BARKS_EACH(BARKS_OFFSET_, name, __VA_ARGS__)}; \
    static const barks_field barks_fields_##name[] = {                                             \
        BARKS_EACH(BARKS_SCHEMA_FIELD_, name, __VA_ARGS__)};                                       \
    static const barks_record barks_record_##name __attribute__((unused)) = {                      \
        #name,                                                                                     \
        {BARKS_COUNT(__VA_ARGS__), barks_fields_##name},                                           \
        sizeof(struct name),                                                                       \
        barks_offsets_##name,                                                                      \
        barks_to_columns_##name,                                                                   \
        barks_from_columns_##name,                                                                 \
    };                                                                                             \
    static __attribute__((constructor)) void barks_register_record_##name(void)                    \
    {                                                                                              \
        barks_register_record(&barks_record_##name);                                               \
    }                                                                                              \
    /* Rows of a group, for its body. */                                                           \
    struct barks_rows_##name {                                                                     \
        bool (*next)(struct barks_rows_##name *, struct name *);                                   \
        barks_cursor *cursor;                                                                      \
        struct barks_batch_##name batch;                                                           \
    };                                                                                             \
    BARKS_INLINE_EMIT_ bool barks_next_of_##name(struct barks_rows_##name *rows, struct name *row) \
    {                                                                                              \
        barks_cursor *cursor = rows->cursor;                                                       \
        if (BARKS_UNLIKELY(cursor->row >= cursor->end) && !cursor->more(cursor))                   \
            return false;                                                                          \
        if (BARKS_UNLIKELY(cursor->moved)) {                                                       \
            barks_open_##name(&rows->batch, cursor->columns);                                      \
            cursor->moved = false;                                                                 \
        }                                                                                          \
        uint32_t place = cursor->row++;                                                            \
        barks_load_##name(&rows->batch, cursor->order != NULL ? cursor->order[place] : place,      \
                          row);                                                                    \
        return true;                                                                               \
    }                                                                                              \
    BARKS_INLINE void barks_rows_begin_##name(struct barks_rows_##name *rows,                      \
                                              barks_cursor *cursor)                                \
    {                                                                                              \
        rows->next = barks_next_of_##name;                                                         \
        rows->cursor = cursor;                                                                     \
        cursor->moved = false;                                                                     \
        barks_open_##name(&rows->batch, cursor->columns);                                          \
    }                                                                                              \
    /* The state of a loop that emits this record. */                                              \
    struct barks_emitter_##name {                                                                  \
        struct barks_target_##name target;                                                         \
        size_t row_count;                                                                          \
        bool stopped;                                                                              \
        barks_out *out;                                                                            \
        struct name *type; /* for emit: NULL */                                                    \
    };                                                                                             \
    BARKS_INLINE void barks_emitter_begin_##name(struct barks_emitter_##name *emitter,             \
                                                 barks_out *out)                                   \
    {                                                                                              \
        barks_aim_##name(&emitter->target, out->columns);                                          \
        emitter->row_count = out->row_count;                                                       \
        emitter->stopped = false;                                                                  \
        emitter->out = out;                                                                        \
    }                                                                                              \
    BARKS_INLINE void barks_emitter_flush_##name(struct barks_emitter_##name *emitter)             \
    {                                                                                              \
        barks_out *out = emitter->out;                                                             \
        out->row_count = (uint32_t)emitter->row_count;                                             \
        barks_out_flush(out);                                                                      \
        barks_emitter_begin_##name(emitter, out);                                                  \
        emitter->stopped = out->stopped;                                                           \
    }                                                                                              \
    BARKS_INLINE_EMIT_ void barks_emit_##name(struct barks_emitter_##name *emitter,                \
                                              struct name value)                                   \
    {                                                                                              \
        barks_store_##name(&emitter->target, emitter->row_count, &value, emitter->out);            \
        if (BARKS_UNLIKELY(++emitter->row_count == BARKS_OUT_ROWS))                                \
            barks_emitter_flush_##name(emitter);                                                   \
    }                                                                                              \
    _Static_assert(sizeof(struct name) > 0, "")

/* The barks_record of a record's name; a name without BARKS_RECORD is an error that says so. */
#define BARKS_RECORD_OF(name) (&barks_record_##name + (size_t)no_BARKS_RECORD_named_##name##_above)

#include "barks/body.h"
#include "barks/body_rows.h"
