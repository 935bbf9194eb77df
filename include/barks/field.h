/* What BARKS_RECORD does for a field of each type: its C types, loading, storing, keeping.
 *
 * A type in a record is a word or word(type): bool i32 i64 f32 f64 str bytes list(t) record(r)
 * optional(t). An operation is one macro for each class of types, chosen by pasting, since all
 * types of a class have the same code; optional applies the operation of the type inside. */
#pragma once
#pragma GCC system_header

#include "barks/each.h"
#include "barks/function.h"

/* The engine's types that schemas point to; and for each type of an item: a list and an optional
 * value in a row's struct, a column of lists in a batch's struct. */
#define BARKS_DEFINE_ITEM_(name, type_id, c_type)                                                  \
    static const barks_type barks_type_##name __attribute__((unused)) = {.id = (type_id)};         \
    typedef struct barks_list_##name {                                                             \
        const c_type *items;                                                                       \
        uint32_t count;                                                                            \
    } barks_list_##name;                                                                           \
    typedef struct barks_list_column_##name {                                                      \
        const barks_list_slice *slices;                                                            \
        const c_type *items;                                                                       \
    } barks_list_column_##name;                                                                    \
    typedef struct barks_optional_##name {                                                         \
        c_type value; /* all zero where it is not valid */                                         \
        bool valid;                                                                                \
    } barks_optional_##name
BARKS_DEFINE_ITEM_(bool, BARKS_BOOL, bool);
BARKS_DEFINE_ITEM_(i32, BARKS_I32, int32_t);
BARKS_DEFINE_ITEM_(i64, BARKS_I64, int64_t);
BARKS_DEFINE_ITEM_(f32, BARKS_F32, float);
BARKS_DEFINE_ITEM_(f64, BARKS_F64, double);
BARKS_DEFINE_ITEM_(str, BARKS_STR, barks_str);
BARKS_DEFINE_ITEM_(bytes, BARKS_BYTES, barks_str);

/* In C17 bool is a macro, which has become _Bool by the time that a type is pasted. */
#define barks_type__Bool barks_type_bool
#define barks_list__Bool barks_list_bool
#define barks_list_column__Bool barks_list_column_bool
#define barks_optional__Bool barks_optional_bool

/* Where a list column is written. */
struct barks_list_target {
    barks_list_slice *slices;
    const barks_column *column;
};

/* The value of an optional field in emit(...) and initializers: emit(.price = BARKS_SOME(2.5)). One
 * that is left out is null. */
#define BARKS_SOME(...)                                                                            \
    {                                                                                              \
        .value = __VA_ARGS__, .valid = true                                                        \
    }
/* The value of a list field likewise: emit(.ids = BARKS_ITEMS(ids, 3)). The items are copied. */
#define BARKS_ITEMS(first, item_count)                                                             \
    {                                                                                              \
        .items = (first), .count = (item_count)                                                    \
    }

/* Of a batch's struct in BARKS_MAP_BATCHES: whether the optional value i is there, and list i. */
#define barks_has(column, i)                                                                       \
    ((column).validity == NULL || (((column).validity[(i) / 64] >> ((i) % 64)) & 1) != 0)
#define barks_item_count(column, i) ((column).slices[i].length)
#define barks_items(column, i) ((column).items + (column).slices[i].offset)

BARKS_INLINE bool barks_bit_(const uint64_t *validity, size_t row)
{
    return validity == NULL || ((validity[row / 64] >> (row % 64)) & 1) != 0;
}

BARKS_INLINE void barks_put_bit_(uint64_t *validity, size_t row, bool valid)
{
    uint64_t word = validity[row / 64] & ~((uint64_t)1 << (row % 64));
    validity[row / 64] = word | (uint64_t)valid << (row % 64);
}

/* Strings that a body stored in an accumulator are copied to where accumulators live, unless they
 * stand there already. */
BARKS_INLINE void barks_keep_str_(barks_call *call, barks_str *now, const barks_str *before)
{
    if (now->length > BARKS_STR_INLINE &&
        (before->length <= BARKS_STR_INLINE || now->pointer != before->pointer))
        *now = barks_keep(call, *now);
}

static __attribute__((unused)) const barks_str *
barks_keep_strs_(barks_call *call, const barks_str *items, uint32_t count)
{
    static const barks_str nothing = {0};
    const void *copy = barks_keep_items(call, items, count * sizeof *items);
    barks_str *kept = (barks_str *)(uintptr_t)copy; /* nobody else has seen the copy yet */
    for (uint32_t i = 0; kept != NULL && i < count; i++)
        barks_keep_str_(call, &kept[i], &nothing);
    return kept;
}

/* Classes. */
#define BARKS_CLASS_bool PLAIN_
#define BARKS_CLASS__Bool PLAIN_
#define BARKS_CLASS_i32 PLAIN_
#define BARKS_CLASS_i64 PLAIN_
#define BARKS_CLASS_f32 PLAIN_
#define BARKS_CLASS_f64 PLAIN_
#define BARKS_CLASS_str VIEW_
#define BARKS_CLASS_bytes VIEW_
#define BARKS_CLASS_list(type) LIST_
#define BARKS_CLASS_record(name) RECORD_
#define BARKS_CLASS_optional(type) OPTIONAL_
#define BARKS_INNER_list(type) type
#define BARKS_INNER_record(name) name
#define BARKS_INNER_optional(type) type

/* The C type of a value. */
#define BARKS_CTYPE_bool bool
#define BARKS_CTYPE__Bool bool
#define BARKS_CTYPE_i32 int32_t
#define BARKS_CTYPE_i64 int64_t
#define BARKS_CTYPE_f32 float
#define BARKS_CTYPE_f64 double
#define BARKS_CTYPE_str barks_str
#define BARKS_CTYPE_bytes barks_str

/* Identifiers that a mistaken type turns into, to be read in the compiler's message. */
#define no_such_field_type_as_bool 0
#define no_such_field_type_as__Bool 0
#define no_such_field_type_as_i32 0
#define no_such_field_type_as_i64 0
#define no_such_field_type_as_f32 0
#define no_such_field_type_as_f64 0
#define no_such_field_type_as_str 0
#define no_such_field_type_as_bytes 0
#define no_such_field_type_as_list(type) no_such_type_of_list_items_as_##type
#define no_such_field_type_as_record(name) no_BARKS_RECORD_named_##name##_above
#define no_such_field_type_as_optional(type) no_such_optional_type_as_##type
#define no_such_type_of_list_items_as_bool 0
#define no_such_type_of_list_items_as__Bool 0
#define no_such_type_of_list_items_as_i32 0
#define no_such_type_of_list_items_as_i64 0
#define no_such_type_of_list_items_as_f32 0
#define no_such_type_of_list_items_as_f64 0
#define no_such_type_of_list_items_as_str 0
#define no_such_type_of_list_items_as_bytes 0
#define no_such_optional_type_as_bool 0
#define no_such_optional_type_as__Bool 0
#define no_such_optional_type_as_i32 0
#define no_such_optional_type_as_i64 0
#define no_such_optional_type_as_f32 0
#define no_such_optional_type_as_f64 0
#define no_such_optional_type_as_str 0
#define no_such_optional_type_as_bytes 0
#define no_such_optional_type_as_list(type) no_such_type_of_list_items_as_##type
#define no_such_optional_type_as_record(name) no_BARKS_RECORD_named_##name##_above

/* Choosing an operation by the class of a type; and twice more, without recursion, by that of the
 * type inside optional(...) and list(...). Classes end in _ so that no macro of a job is one. */
#define BARKS_OUTER_PASTE_(a, b) a##b
#define BARKS_OUTER_PASTE(a, b) BARKS_OUTER_PASTE_(a, b)
#define BARKS_OUTER(operation, type, ...)                                                          \
    BARKS_OUTER_PASTE(operation, BARKS_CLASS_##type)(type, __VA_ARGS__)
#define BARKS_INNER_PASTE_(a, b) a##b
#define BARKS_INNER_PASTE(a, b) BARKS_INNER_PASTE_(a, b)
#define BARKS_INNER(operation, type, ...) BARKS_INNER_(operation, type, __VA_ARGS__)
#define BARKS_INNER_(operation, type, ...)                                                         \
    BARKS_INNER_PASTE(operation, BARKS_CLASS_##type)(type, __VA_ARGS__)
#define BARKS_ITEM_PASTE_(a, b) a##b
#define BARKS_ITEM_PASTE(a, b) BARKS_ITEM_PASTE_(a, b)
#define BARKS_ITEM(operation, type, ...) BARKS_ITEM_(operation, type, __VA_ARGS__)
#define BARKS_ITEM_(operation, type, ...)                                                          \
    BARKS_ITEM_PASTE(operation, BARKS_CLASS_##type)(type, __VA_ARGS__)
#define BARKS_NAMED(prefix, type) BARKS_NAMED_(prefix, type)
#define BARKS_NAMED_(prefix, type) prefix##type

/* C: the type in a row's struct. */
#define BARKS_C(type) BARKS_OUTER(BARKS_C_, type, 0)
#define BARKS_C_PLAIN_(type, ...) BARKS_CTYPE_##type
#define BARKS_C_VIEW_(type, ...) barks_str
#define BARKS_C_LIST_(type, ...) BARKS_NAMED(barks_list_, BARKS_INNER_##type)
#define BARKS_C_RECORD_(type, ...) struct BARKS_INNER_##type
#define BARKS_C_OPTIONAL_(type, ...) BARKS_INNER(BARKS_C_OF_OPTIONAL_, BARKS_INNER_##type, 0)
#define BARKS_C_OF_OPTIONAL_PLAIN_(type, ...) BARKS_NAMED(barks_optional_, type)
#define BARKS_C_OF_OPTIONAL_VIEW_(type, ...) BARKS_NAMED(barks_optional_, type)
#define BARKS_C_OF_OPTIONAL_LIST_(type, ...)                                                       \
    struct {                                                                                       \
        BARKS_C_LIST_(type, 0) value;                                                              \
        bool valid;                                                                                \
    }
#define BARKS_C_OF_OPTIONAL_RECORD_(type, ...)                                                     \
    struct {                                                                                       \
        BARKS_C_RECORD_(type, 0) value;                                                            \
        bool valid;                                                                                \
    }

/* VALUES: the type in a batch's struct. */
#define BARKS_VALUES(type) BARKS_OUTER(BARKS_VALUES_, type, 0)
#define BARKS_VALUES_PLAIN_(type, ...) const BARKS_CTYPE_##type *
#define BARKS_VALUES_VIEW_(type, ...) const barks_str *
#define BARKS_VALUES_LIST_(type, ...) BARKS_NAMED(barks_list_column_, BARKS_INNER_##type)
#define BARKS_VALUES_RECORD_(type, ...) struct BARKS_NAMED(barks_batch_, BARKS_INNER_##type)
#define BARKS_VALUES_OPTIONAL_(type, ...)                                                          \
    struct {                                                                                       \
        BARKS_INNER(BARKS_VALUES_, BARKS_INNER_##type, 0) value;                                   \
        const uint64_t *validity;                                                                  \
    }

/* TARGET: the type in the struct of columns that are written. */
#define BARKS_TARGET(type) BARKS_OUTER(BARKS_TARGET_, type, 0)
#define BARKS_TARGET_PLAIN_(type, ...) BARKS_CTYPE_##type *
#define BARKS_TARGET_VIEW_(type, ...) barks_str *
#define BARKS_TARGET_LIST_(type, ...) struct barks_list_target
#define BARKS_TARGET_RECORD_(type, ...) struct BARKS_NAMED(barks_target_, BARKS_INNER_##type)
#define BARKS_TARGET_OPTIONAL_(type, ...)                                                          \
    struct {                                                                                       \
        BARKS_INNER(BARKS_TARGET_, BARKS_INNER_##type, 0) value;                                   \
        uint64_t *validity;                                                                        \
    }

/* OPEN: a batch's struct from a column; AIM: the same for columns that are written. */
#define BARKS_OPEN(type, to, from) BARKS_OUTER(BARKS_OPEN_, type, to, from)
#define BARKS_OPEN_PLAIN_(type, to, from) to = (from)->values
#define BARKS_OPEN_VIEW_(type, to, from) to = (from)->values
#define BARKS_OPEN_LIST_(type, to, from)                                                           \
    to.slices = (from)->values, to.items = (from)->children[0].values
#define BARKS_OPEN_RECORD_(type, to, from)                                                         \
    BARKS_NAMED(barks_open_struct_, BARKS_INNER_##type)(&to, from)
#define BARKS_OPEN_OPTIONAL_(type, to, from)                                                       \
    to.validity = (from)->validity, BARKS_INNER(BARKS_OPEN_, BARKS_INNER_##type, to.value, from)

#define BARKS_AIM(type, to, from) BARKS_OUTER(BARKS_AIM_, type, to, from)
#define BARKS_AIM_PLAIN_(type, to, from) to = (from)->values
#define BARKS_AIM_VIEW_(type, to, from) to = (from)->values
#define BARKS_AIM_LIST_(type, to, from) to.slices = (from)->values, to.column = (from)
#define BARKS_AIM_RECORD_(type, to, from)                                                          \
    BARKS_NAMED(barks_aim_struct_, BARKS_INNER_##type)(&to, from)
#define BARKS_AIM_OPTIONAL_(type, to, from)                                                        \
    to.validity = (from)->validity, BARKS_INNER(BARKS_AIM_, BARKS_INNER_##type, to.value, from)

/* LOAD: the value in a row of a batch's struct; STORE: into a row of columns, where value may be
 * changed. */
#define BARKS_LOAD(type, value, from, row) BARKS_OUTER(BARKS_LOAD_, type, value, from, row)
#define BARKS_LOAD_PLAIN_(type, to, from, row) to = from[row]
#define BARKS_LOAD_VIEW_(type, to, from, row) to = from[row]
#define BARKS_LOAD_LIST_(type, to, from, row)                                                      \
    to.items = barks_items(from, row), to.count = barks_item_count(from, row)
#define BARKS_LOAD_RECORD_(type, to, from, row)                                                    \
    BARKS_NAMED(barks_load_, BARKS_INNER_##type)(&from, row, &to)
#define BARKS_LOAD_OPTIONAL_(type, to, from, row)                                                  \
    to.valid = barks_bit_(from.validity, row),                                                     \
    BARKS_INNER(BARKS_LOAD_, BARKS_INNER_##type, to.value, from.value, row)

#define BARKS_STORE(type, to, row, from, out) BARKS_OUTER(BARKS_STORE_, type, to, row, from, out)
#define BARKS_STORE_PLAIN_(type, to, row, from, out) to[row] = from
#define BARKS_STORE_VIEW_(type, to, row, from, out) to[row] = from
#define BARKS_STORE_LIST_(type, to, row, from, out)                                                \
    to.slices[row] = from.count > 0 ? barks_put_items(out, to.column, from.items, from.count)      \
                                    : (barks_list_slice)                                           \
    {                                                                                              \
        0                                                                                          \
    }
#define BARKS_STORE_RECORD_(type, to, row, from, out)                                              \
    BARKS_NAMED(barks_store_, BARKS_INNER_##type)(&to, row, &from, out)
#define BARKS_STORE_OPTIONAL_(type, to, row, from, out)                                            \
    if (!from.valid) /* then the columns hold zeros */                                             \
        memset(&from.value, 0, sizeof from.value);                                                 \
    barks_put_bit_(to.validity, row, from.valid);                                                  \
    BARKS_INNER(BARKS_STORE_, BARKS_INNER_##type, to.value, row, from.value, out)

/* KEEP: after a body has changed a field of the accumulator from before to now. */
#define BARKS_KEEP(type, call, now, before) BARKS_OUTER(BARKS_KEEP_, type, call, now, before)
#define BARKS_KEEP_PLAIN_(type, call, now, before) (void)0
#define BARKS_KEEP_VIEW_(type, call, now, before) barks_keep_str_(call, &now, &before)
#define BARKS_KEEP_LIST_(type, call, now, before)                                                  \
    if (now.count > 0 && now.items != before.items) {                                              \
        now.items = BARKS_ITEM(BARKS_KEEP_ITEMS_, BARKS_INNER_##type, call, now);                  \
        now.count = now.items != NULL ? now.count : 0;                                             \
    }                                                                                              \
    (void)0
#define BARKS_KEEP_ITEMS_PLAIN_(type, call, now)                                                   \
    barks_keep_items(call, now.items, now.count * sizeof *now.items)
#define BARKS_KEEP_ITEMS_VIEW_(type, call, now) barks_keep_strs_(call, now.items, now.count)
#define BARKS_KEEP_RECORD_(type, call, now, before)                                                \
    BARKS_NAMED(barks_keep_, BARKS_INNER_##type)(call, &now, &before)
#define BARKS_KEEP_OPTIONAL_(type, call, now, before)                                              \
    BARKS_INNER(BARKS_KEEP_, BARKS_INNER_##type, call, now.value, before.value)

/* TYPE: a pointer to the barks_type, a constant; NULLABLE. */
#define BARKS_TYPE(type) BARKS_OUTER(BARKS_TYPE_, type, 0)
#define BARKS_TYPE_PLAIN_(type, ...) &BARKS_NAMED(barks_type_, type)
#define BARKS_TYPE_VIEW_(type, ...) &BARKS_NAMED(barks_type_, type)
#define BARKS_TYPE_LIST_(type, ...)                                                                \
    &(const barks_type) { .id = BARKS_LIST, .item = &BARKS_NAMED(barks_type_, BARKS_INNER_##type) }
#define BARKS_TYPE_RECORD_(type, ...)                                                              \
    &(const barks_type)                                                                            \
    {                                                                                              \
        .id = BARKS_STRUCT, .fields = &BARKS_NAMED(barks_record_, BARKS_INNER_##type).schema       \
    }
#define BARKS_TYPE_OPTIONAL_(type, ...) BARKS_INNER(BARKS_TYPE_, BARKS_INNER_##type, 0)
#define BARKS_NULLABLE(type) BARKS_OUTER(BARKS_NULLABLE_, type, 0)
#define BARKS_NULLABLE_PLAIN_(type, ...) false
#define BARKS_NULLABLE_VIEW_(type, ...) false
#define BARKS_NULLABLE_LIST_(type, ...) false
#define BARKS_NULLABLE_RECORD_(type, ...) false
#define BARKS_NULLABLE_OPTIONAL_(type, ...) true
