#include "rdd/dataset.h"

#include "base/buffer.h"
#include "base/config.h"
#include "base/copy.h"
#include "batch/bind.h"
#include "batch/schema.h"
#include "plan/determinism.h"
#include "plan/input_bytes.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is returned where nothing can be allocated, and after the context has ended: any action on
 * it fails. */
barks_rdd *dataset_none(void)
{
    static barks_rdd none;
    return &none;
}

barks_rdd *dataset_create(barks_context *context, enum step_kind kind,
                          struct barks_rdd *const *inputs, uint32_t input_count, const char *where)
{
    if (context == NULL || context != context_alive())
        return dataset_none();
    for (uint32_t i = 0; i < input_count; i++)
        if (inputs[i]->context == NULL) /* it has no error that could be copied */
            return dataset_none();
    barks_rdd *rdd = calloc(1, sizeof *rdd);
    struct node **nodes = calloc((size_t)input_count + 1, sizeof(struct node *));
    if (rdd == NULL || nodes == NULL) {
        free(rdd);
        free(nodes);
        return dataset_none();
    }
    rdd->context = context;
    rdd->node = (struct node){
        .step.kind = kind, .where = where, .inputs = nodes, .input_count = input_count};
    for (uint32_t i = 0; i < input_count; i++) {
        struct barks_rdd *input = inputs[i];
        if (node_pairs_partitions(&rdd->node))
            input = dataset_aligned(input, where);
        if (input->context == NULL) {
            barks_status_free(rdd->node.error);
            free(nodes);
            free(rdd);
            return dataset_none();
        }
        nodes[i] = &input->node;
        partitioning_know(nodes[i]);
        (void)node_input_bytes(nodes[i]); /* kept in the node, from below: plans may be deep */
        if (rdd->node.error == NULL)
            rdd->node.error = node_error(&inputs[i]->node);
    }
    node_note_determinism(&rdd->node);
    node_find_place(&rdd->node);
    barks_status *status = context_add_node(context, &rdd->node);
    if (status != NULL) {
        barks_status_free(status);
        return dataset_none();
    }
    return rdd;
}

barks_rdd *dataset_aligned(barks_rdd *input, const char *where)
{
    if (!input->node.is_shifted)
        return input;
    return dataset_exchange(input, PARTITION_ONE, input->node.partition_count, where);
}

barks_rdd *dataset_broadcast(barks_rdd *input, const char *where)
{
    if (input->broadcast != NULL)
        return input->broadcast;
    barks_rdd *rdd = dataset_create(input->context, STEP_BROADCAST, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = input->node.record;
    rdd->node.partition_count = 1;
    input->broadcast = rdd;
    return rdd;
}

barks_rdd *dataset_fail(barks_rdd *rdd, barks_status *error)
{
    if (rdd->context == NULL || rdd->node.error != NULL)
        barks_status_free(error);
    else
        rdd->node.error = error;
    return rdd;
}

/* ---- what transformations check and copy ---- */

barks_status *check_fields(const barks_rdd *rdd, const barks_record *wanted, const char *what,
                           const char *where)
{
    uint32_t *columns = calloc((size_t)wanted->schema.field_count + 1, sizeof *columns);
    if (columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for columns", where);
    barks_status *status =
        bind_columns(&rdd->node.record->schema, &wanted->schema, what, where, columns);
    free(columns);
    return status;
}

barks_status *copy_env(const void *env, const barks_function *function, const char *where,
                       void **out)
{
    *out = NULL;
    if (function->env_size == 0)
        return NULL;
    if (env == NULL)
        BARKS_FAIL(BARKS_INVALID, "%s: '%s' wants an env (%s), and was given NULL", where,
                   function->name, function->where);
    return copy_bytes(env, function->env_size, out);
}

barks_status *choose_partitions(const barks_rdd *input, uint32_t wanted, const char *where,
                                uint32_t *out_count)
{
    uint32_t max = (uint32_t)config_int(&input->context->config, CONFIG_PARTITIONS_MAX);
    if (wanted > max)
        BARKS_FAIL(BARKS_INVALID,
                   "%s: %" PRIu32 " partitions are over the limit of %" PRIu32
                   " (--barks-partitions-max)",
                   where, wanted, max);
    uint32_t count = wanted > 0 ? wanted : input->node.partition_count;
    if (count > max)
        count = max;
    *out_count = count > 0 ? count : 1;
    return NULL;
}

/* ---- fields by name ---- */

/* The next item of a list at *text: words up to a comma; false at the end. */
static bool next_item(const char **text, const char **out_begin, const char **out_end)
{
    const char *begin = *text;
    if (*begin == '\0')
        return false;
    const char *end = strchrnul(begin, ',');
    *text = *end == ',' ? end + 1 : end;
    while (begin < end && isspace((unsigned char)*begin))
        begin++;
    while (end > begin && isspace((unsigned char)end[-1]))
        end--;
    *out_begin = begin;
    *out_end = end;
    return true;
}

/* The next word in [*begin, end); its length, 0 at the end. */
static size_t next_word(const char **begin, const char *end, const char **out_word)
{
    while (*begin < end && isspace((unsigned char)**begin))
        (*begin)++;
    *out_word = *begin;
    while (*begin < end && !isspace((unsigned char)**begin))
        (*begin)++;
    return (size_t)(*begin - *out_word);
}

static bool word_is(const char *word, size_t length, const char *wanted)
{
    return strlen(wanted) == length && strncasecmp(word, wanted, length) == 0;
}

BARKS_CHECKED static barks_status *find_field(const barks_schema *schema, const char *word,
                                              size_t length, const char *where, uint32_t *out_field)
{
    char name[256];
    if (length == 0)
        BARKS_FAIL(BARKS_INVALID, "%s: a list of fields has an empty name; write \"field, field\"",
                   where);
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1),
             word);
    int32_t field = schema_find(schema, name);
    if (field >= 0) {
        *out_field = (uint32_t)field;
        return NULL;
    }
    const char *nearest = schema_nearest(schema, name);
    if (nearest != NULL)
        BARKS_FAIL(BARKS_INVALID, "%s: the rows have no field '%s'; did you mean '%s'?", where,
                   name, nearest);
    BARKS_FAIL(BARKS_INVALID, "%s: the rows have no field '%s'", where, name);
}

static uint32_t count_items(const char *text)
{
    uint32_t count = 1;
    for (; *text != '\0'; text++)
        count += *text == ',';
    return count;
}

barks_status *parse_keys(const char *text, const barks_schema *schema, const char *where,
                         uint32_t **out_fields, uint32_t *out_count)
{
    const char *begin = NULL, *end = NULL, *word = NULL;
    uint32_t *fields = calloc(count_items(text), sizeof *fields);
    uint32_t count = 0, item_count = count_items(text);
    if (fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for the keys", where);
    while (next_item(&text, &begin, &end)) {
        size_t length = next_word(&begin, end, &word);
        barks_status *status = find_field(schema, word, length, where, &fields[count]);
        if (status == NULL && begin != end)
            status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                      "%s: '%.*s' after a key field; separate fields by commas",
                                      where, (int)(end - begin), begin);
        if (status != NULL) {
            free(fields);
            return status;
        }
        count++;
    }
    if (count < item_count) { /* nothing after the last comma, or nothing at all */
        free(fields);
        return find_field(schema, "", 0, where, &count);
    }
    *out_fields = fields;
    *out_count = count;
    return NULL;
}

/* asc, desc, nulls first, nulls last, after the name of a field. */
BARKS_CHECKED static barks_status *parse_direction(const char *begin, const char *end,
                                                   const char *where, struct sort_key *key)
{
    const char *word = NULL;
    bool nulls_are_said = false;
    size_t length;
    while ((length = next_word(&begin, end, &word)) > 0) {
        const char *place = NULL;
        if (word_is(word, length, "asc"))
            continue;
        if (word_is(word, length, "desc")) {
            key->descending = true;
            continue;
        }
        size_t place_length = word_is(word, length, "nulls") ? next_word(&begin, end, &place) : 0;
        bool is_first = word_is(place, place_length, "first");
        if (place_length == 0 || (!is_first && !word_is(place, place_length, "last")))
            BARKS_FAIL(
                BARKS_INVALID,
                "%s: '%.*s' is no order; write \"field [asc|desc] [nulls first|nulls last], ...\"",
                where, (int)length, word);
        key->nulls_first = is_first;
        nulls_are_said = true;
    }
    if (!nulls_are_said)
        key->nulls_first = key->descending; /* null is the largest (S2) */
    return NULL;
}

barks_status *parse_order(const char *text, const barks_schema *schema, const char *where,
                          struct sort_key **out_keys, uint32_t *out_count)
{
    const char *begin = NULL, *end = NULL, *word = NULL;
    struct sort_key *keys = calloc(count_items(text), sizeof *keys);
    uint32_t count = 0, item_count = count_items(text);
    if (keys == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for the order", where);
    while (next_item(&text, &begin, &end)) {
        size_t length = next_word(&begin, end, &word);
        barks_status *status = find_field(schema, word, length, where, &keys[count].column);
        if (status == NULL)
            status = parse_direction(begin, end, where, &keys[count]);
        if (status != NULL) {
            free(keys);
            return status;
        }
        count++;
    }
    if (count < item_count) {
        free(keys);
        return find_field(schema, "", 0, where, &count);
    }
    *out_keys = keys;
    *out_count = count;
    return NULL;
}

void named_fields_destroy(struct named_field *fields, uint32_t count)
{
    for (uint32_t i = 0; fields != NULL && i < count; i++)
        free(fields[i].name);
    free(fields);
}

/* One item of a list: "field" or "field as name". */
BARKS_CHECKED static barks_status *parse_named_field(const char *begin, const char *end,
                                                     const barks_schema *schema, const char *where,
                                                     struct named_field *out)
{
    const char *word = NULL, *as = NULL, *name = NULL;
    size_t length = next_word(&begin, end, &word);
    BARKS_TRY(find_field(schema, word, length, where, &out->field));
    size_t as_length = next_word(&begin, end, &as);
    if (as_length == 0)
        return copy_text(schema->fields[out->field].name, &out->name);
    length = next_word(&begin, end, &name);
    if (!word_is(as, as_length, "as") || length == 0 || begin != end)
        BARKS_FAIL(BARKS_INVALID, "%s: '%.*s' after a field; write \"field, field as name\"", where,
                   (int)(end - as), as);
    void *copy = NULL;
    BARKS_TRY(copy_bytes(name, length, &copy)); /* with a zero after it */
    out->name = copy;
    return NULL;
}

barks_status *parse_fields(const char *text, const barks_schema *schema, const char *where,
                           struct named_field **out_fields, uint32_t *out_count)
{
    const char *begin = NULL, *end = NULL;
    uint32_t count = 0, item_count = count_items(text);
    struct named_field *fields = calloc(item_count, sizeof *fields);
    if (fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for the fields", where);
    while (next_item(&text, &begin, &end)) {
        barks_status *status = parse_named_field(begin, end, schema, where, &fields[count]);
        if (status != NULL) {
            named_fields_destroy(fields, item_count);
            return status;
        }
        count++;
    }
    if (count < item_count) {
        named_fields_destroy(fields, item_count);
        return find_field(schema, "", 0, where, &count);
    }
    *out_fields = fields;
    *out_count = count;
    return NULL;
}

const char *dataset_keep_text(barks_rdd *rdd, struct buffer *text, barks_status *status)
{
    if (status == NULL)
        status = buffer_append(text, "", 1);
    if (status == NULL) {
        void *kept = text->data;
        *text = (struct buffer){0};
        status = context_keep_rows(rdd->context, kept, NULL);
        if (status == NULL)
            return kept;
    }
    context_fail(rdd->context, status);
    return NULL;
}
