#include "rdd/cases.h"

#include <barks/arrow.h>
#include <inttypes.h>

/* A reader written from the specification alone: prints an element of an array. */
static bool bit_is_set(const void *bits, int64_t i)
{
    return (((const unsigned char *)bits)[i / 8] & (1u << (i % 8))) != 0;
}

static size_t print_element(const struct ArrowSchema *schema, const struct ArrowArray *array,
                            int64_t i, char *out, size_t room)
{
    int64_t at = i + array->offset;
    size_t used = 0;
    ck_assert(i >= 0 && i < array->length);
    if (array->buffers[0] != NULL && !bit_is_set(array->buffers[0], at))
        return (size_t)snprintf(out, room, "null");
    const void *values = array->n_buffers > 1 ? array->buffers[1] : NULL;
    switch (schema->format[0]) {
    case 'b':
        return (size_t)snprintf(out, room, bit_is_set(values, at) ? "true" : "false");
    case 'i':
        return (size_t)snprintf(out, room, "%" PRIi32, ((const int32_t *)values)[at]);
    case 'l':
        return (size_t)snprintf(out, room, "%" PRIi64, ((const int64_t *)values)[at]);
    case 'g':
        return (size_t)snprintf(out, room, "%a", ((const double *)values)[at]);
    case 'u': {
        const int32_t *offsets = values;
        return (size_t)snprintf(out, room, "[%.*s]", offsets[at + 1] - offsets[at],
                                (const char *)array->buffers[2] + offsets[at]);
    }
    case '+':
        break;
    default:
        ck_abort_msg("format %s", schema->format);
    }
    int64_t first = 0, end = array->n_children;
    bool is_list = schema->format[1] == 'l';
    if (is_list) {
        first = ((const int32_t *)values)[at];
        end = ((const int32_t *)values)[at + 1];
    }
    used += (size_t)snprintf(out + used, room - used, "(");
    for (int64_t j = first; j < end; j++) {
        used += is_list ? print_element(schema->children[0], array->children[0], j, out + used,
                                        room - used)
                        : print_element(schema->children[j], array->children[j], at, out + used,
                                        room - used);
        used += (size_t)snprintf(out + used, room - used, ",");
    }
    return used + (size_t)snprintf(out + used, room - used, ")");
}

BARKS_RECORD(point, (i32, x), (optional(bool), seen));
BARKS_RECORD(shape, (str, name), (record(point), at), (list(i64), ids), (optional(f64), size));

static barks_rdd *make_shapes(barks_context *context)
{
    static const int64_t ids[] = {1, 2, 3};
    struct shape shapes[4] = {
        {.name = barks_str_of("a", 1), .at = {.x = 1, .seen = {.value = true, .valid = true}}},
        {.name = barks_str_of("", 0), .ids = {.items = ids, .count = 3}, .at = {.x = -2}},
        {.name = barks_str_of("a name longer than twelve bytes", 31),
         .size = {.value = 0.5, .valid = true}},
        {.ids = {.items = ids + 1, .count = 1}, .at = {.seen = {.valid = true}}},
    };
    return barks_parallelize(context, shape, shapes, 4, 3);
}

static const char expected[] = "([a],(1,true,),(),null,)\n"
                               "([],(-2,null,),(1,2,3,),null,)\n"
                               "([a name longer than twelve bytes],(0,null,),(),0x1p-1,)\n"
                               "([],(0,false,),(2,),null,)\n";

static void check_printed(const struct ArrowSchema *schema, const struct ArrowArray *array)
{
    char text[2000];
    size_t used = 0;
    for (int64_t i = 0; i < array->length; i++) {
        used += print_element(schema, array, i, text + used, sizeof text - used);
        used += (size_t)snprintf(text + used, sizeof text - used, "\n");
    }
    ck_assert_str_eq(text, expected);
}

SHAPES(rows_are_what_another_reader_sees)
{
    struct ArrowArray array = {0};
    struct ArrowSchema schema = {0};
    ck_assert(barks_collect_arrow(make_shapes(context), &array, &schema));
    ck_assert_str_eq(schema.format, "+s");
    ck_assert_str_eq(schema.children[1]->children[1]->name, "seen");
    ck_assert_int_eq(schema.children[3]->flags, ARROW_FLAG_NULLABLE);
    check_printed(&schema, &array);
    struct ArrowArray moved = *array.children[0]; /* a child outlives the parent */
    array.children[0]->release = NULL;
    array.release(&array);
    ck_assert(array.release == NULL);
    char text[100];
    print_element(schema.children[0], &moved, 2, text, sizeof text);
    ck_assert_str_eq(text, "[a name longer than twelve bytes]");
    moved.release(&moved);
    schema.release(&schema);
}

SHAPES(rows_go_to_arrow_and_back)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    struct ArrowArray array = {0};
    struct ArrowSchema schema = {0};
    ck_assert(barks_collect_arrow(make_shapes(context), &array, &schema));
    barks_rdd *shapes = barks_from_arrow(context, &array, &schema, 2);
    ck_assert(array.release == NULL && schema.release == NULL);
    ck_assert(barks_collect_arrow(shapes, &array, &schema));
    check_printed(&schema, &array);
    array.release(&array);
    schema.release(&schema);
    ck_assert(barks_collect_arrow(cases_dataset(context, &cases), &array, &schema));
    barks_rdd *rdd = barks_from_arrow(context, &array, &schema, cases.partitions);
    int64_t count = 0;
    struct case_row *rows = barks_collect(rdd, case_row, &count);
    ck_assert_int_eq(count, cases.count);
    for (int64_t i = 0; i < count; i++)
        ck_assert(rows[i].id == i && rows[i].key == cases.rows[i].key &&
                  rows[i].number.valid == cases.rows[i].number.valid &&
                  rows[i].text.valid == cases.rows[i].text.valid &&
                  barks_str_equal(rows[i].text.value, cases.rows[i].text.value));
    cases_drop(&cases);
}

static void release_nothing(struct ArrowArray *array) { array->release = NULL; }
static void release_no_schema(struct ArrowSchema *schema) { schema->release = NULL; }

/* A slice of two columns made by hand: int16 and large utf8, with nulls and an offset. */
SHAPES(slices_of_other_types_are_taken)
{
    static const int16_t numbers[] = {7, -8, 9, 10};
    static const unsigned char valid[] = {0x0b}; /* the third is null */
    static const int64_t offsets[] = {0, 1, 3, 3, 4};
    const void *number_buffers[] = {valid, numbers}, *text_buffers[] = {NULL, offsets, "abcd"},
               *no_buffers[] = {NULL};
    struct ArrowArray columns[2] = {
        {.length = 4, .n_buffers = 2, .null_count = -1, .buffers = number_buffers},
        {.length = 4, .n_buffers = 3, .buffers = text_buffers}};
    struct ArrowSchema fields[2] = {{.format = "s", .name = "n", .flags = ARROW_FLAG_NULLABLE},
                                    {.format = "U", .name = "t"}};
    struct ArrowArray *children[] = {&columns[0], &columns[1]};
    struct ArrowSchema *child_schemas[] = {&fields[0], &fields[1]};
    struct ArrowArray array = {.length = 3,
                               .offset = 1,
                               .n_buffers = 1,
                               .n_children = 2,
                               .buffers = no_buffers,
                               .children = children,
                               .release = release_nothing};
    struct ArrowSchema schema = {
        .format = "+s", .n_children = 2, .children = child_schemas, .release = release_no_schema};
    char text[100];
    struct ArrowArray again = {0};
    struct ArrowSchema again_schema = {0};
    barks_rdd *rdd = barks_from_arrow(context, &array, &schema, 1);
    ck_assert(barks_collect_arrow(rdd, &again, &again_schema));
    ck_assert_int_eq(again.length, 3);
    print_element(&again_schema, &again, 0, text, sizeof text);
    ck_assert_str_eq(text, "(-8,[bc],)");
    print_element(&again_schema, &again, 1, text, sizeof text);
    ck_assert_str_eq(text, "(null,[],)");
    print_element(&again_schema, &again, 2, text, sizeof text);
    ck_assert_str_eq(text, "(10,[d],)");
    again.release(&again);
    again_schema.release(&again_schema);
}

static int lent_released;
static void release_lent(struct ArrowArray *array)
{
    lent_released++;
    array->release = NULL;
}

static void check_lent(barks_context *context)
{
    static const int64_t numbers[] = {5, -6, 7};
    const void *number_buffers[] = {NULL, numbers}, *no_buffers[] = {NULL};
    struct ArrowArray column = {.length = 3, .n_buffers = 2, .buffers = number_buffers};
    struct ArrowSchema field = {.format = "l", .name = "n"};
    struct ArrowArray *children[] = {&column};
    struct ArrowSchema *child_schemas[] = {&field};
    struct ArrowArray array = {.length = 3,
                               .n_buffers = 1,
                               .n_children = 1,
                               .buffers = no_buffers,
                               .children = children,
                               .release = release_lent};
    struct ArrowSchema schema = {
        .format = "+s", .n_children = 1, .children = child_schemas, .release = release_no_schema};
    barks_rdd *rdd = barks_from_arrow(context, &array, &schema, 2);
    ck_assert(array.release == NULL && schema.release == NULL);
    for (int round = 0; round < 2; round++) {
        double sum = 0;
        ck_assert(barks_sum(rdd, "n", &sum));
        ck_assert(sum == 6);
    }
    ck_assert_int_eq(lent_released, 0); /* its rows may be asked for again */
}

START_TEST(an_array_is_released_once_with_its_dataset)
{
    lent_released = 0;
    run_on(check_lent, "2", 0);
    ck_assert_int_eq(lent_released, 1);
}
END_TEST

SUITE_MAIN("rdd/arrow_rows", ON_SHAPES(rows_are_what_another_reader_sees),
           ON_SHAPES(rows_go_to_arrow_and_back), ON_SHAPES(slices_of_other_types_are_taken),
           an_array_is_released_once_with_its_dataset)
