#include "io/schema_text.h"

#include "batch/schema.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = SCHEMA_DEPTH_MAX };

/* What is made while a text is read, all freed together: the result is a copy. */
struct made {
    struct made *next;
    max_align_t memory[];
};

struct schema_parser {
    const char *text;
    const char *at;
    struct made *made;
    barks_status *failed; /* owned; the first failure */
};

static void *make(struct schema_parser *parser, size_t count, size_t item_bytes)
{
    struct made *made = calloc(1, sizeof *made + count * item_bytes);
    if (made == NULL) {
        if (parser->failed == NULL)
            parser->failed =
                barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory for a schema");
        return NULL;
    }
    made->next = parser->made;
    parser->made = made;
    return made->memory;
}

static void expected(struct schema_parser *parser, const char *what)
{
    if (parser->failed == NULL)
        parser->failed =
            barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                             "the schema \"%s\" should have %s at \"%.20s\": write \"name type, "
                             "name type?\" with types bool i32 i64 f32 f64 str bytes list<type> "
                             "struct<name type, ...>",
                             parser->text, what, parser->at);
}

static bool take(struct schema_parser *parser, char character)
{
    while (isspace((unsigned char)*parser->at))
        parser->at++;
    if (*parser->at != character || character == '\0')
        return false;
    parser->at++;
    return true;
}

static size_t word_bytes(struct schema_parser *parser)
{
    (void)take(parser, '\0'); /* spaces */
    size_t n = 0;
    while (isalnum((unsigned char)parser->at[n]) || parser->at[n] == '_' ||
           (unsigned char)parser->at[n] >= 0x80)
        n++;
    return n;
}

static const barks_schema *parse_fields(struct schema_parser *parser, char end, unsigned depth);

static const barks_type *parse_type(struct schema_parser *parser, unsigned depth)
{
    static const barks_type_id plain[] = {BARKS_BOOL, BARKS_I32, BARKS_I64,  BARKS_F32,
                                          BARKS_F64,  BARKS_STR, BARKS_BYTES};
    size_t length = word_bytes(parser);
    barks_type *type = make(parser, 1, sizeof *type);
    if (type == NULL || depth > DEPTH_MAX)
        return NULL;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        const char *name = type_id_name(plain[i]);
        if (strlen(name) == length && memcmp(name, parser->at, length) == 0)
            type->id = plain[i];
    }
    if (type->id != 0) {
        parser->at += length;
    } else if (length == 4 && memcmp(parser->at, "list", 4) == 0) {
        parser->at += length;
        type->id = BARKS_LIST;
        if (!take(parser, '<'))
            expected(parser, "'<'");
        type->item = parse_type(parser, depth + 1);
        if (!take(parser, '>'))
            expected(parser, "'>'");
    } else if (length == 6 && memcmp(parser->at, "struct", 6) == 0) {
        parser->at += length;
        type->id = BARKS_STRUCT;
        if (!take(parser, '<'))
            expected(parser, "'<'");
        type->fields = parse_fields(parser, '>', depth + 1);
        if (!take(parser, '>'))
            expected(parser, "'>'");
    } else {
        expected(parser, "a type");
    }
    return type;
}

static void parse_field(struct schema_parser *parser, barks_field *field, unsigned depth)
{
    size_t length = word_bytes(parser);
    char *name = make(parser, length + 1, 1);
    if (length == 0)
        expected(parser, "a field's name");
    if (name != NULL)
        memcpy(name, parser->at, length);
    parser->at += length;
    field->name = name;
    field->type = parse_type(parser, depth);
    field->nullable = take(parser, '?');
}

static const barks_schema *parse_fields(struct schema_parser *parser, char end, unsigned depth)
{
    barks_schema *schema = make(parser, 1, sizeof *schema);
    barks_field *fields = make(parser, SCHEMA_FIELDS_MAX, sizeof *fields);
    if (schema == NULL || fields == NULL || depth > DEPTH_MAX) {
        expected(parser, "no deeper nesting");
        return NULL;
    }
    schema->fields = fields;
    do {
        if (schema->field_count == SCHEMA_FIELDS_MAX)
            expected(parser, "no more fields");
        else
            parse_field(parser, &fields[schema->field_count++], depth);
    } while (parser->failed == NULL && take(parser, ','));
    (void)take(parser, '\0');
    if (*parser->at != end)
        expected(parser, "',' or its end");
    for (uint32_t i = 0; parser->failed == NULL && i < schema->field_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(fields[i].name, fields[j].name) == 0)
                expected(parser, "no name twice");
    return schema;
}

barks_status *schema_parse(const char *text, barks_schema **out_schema)
{
    struct schema_parser parser = {.text = text, .at = text};
    const barks_schema *schema = parse_fields(&parser, '\0', 0);
    barks_status *status = parser.failed;
    if (status == NULL)
        status = schema_copy(schema, out_schema);
    while (parser.made != NULL) {
        struct made *next = parser.made->next;
        free(parser.made);
        parser.made = next;
    }
    return status;
}
