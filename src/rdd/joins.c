/* Datasets joined by keys, and sets of rows. */
#include "base/config.h"
#include "base/units.h"
#include "batch/schema.h"
#include "plan/input_bytes.h"
#include "rdd/join_exchanges.h"
#include "rdd/pairing.h"

#include <inttypes.h>
#include <stdlib.h>

struct joining {
    enum join_kind kind;
    const char *name; /* of the operation, for errors */
    const barks_function *function;
    const barks_join_options *options;
    const char *where;
};

static bool left_may_miss(enum join_kind kind) { return kind == JOIN_RIGHT || kind == JOIN_FULL; }
static bool right_may_miss(enum join_kind kind) { return kind == JOIN_LEFT || kind == JOIN_FULL; }

/* Keys take what either side has; so they may be null where one of the two may. */
BARKS_CHECKED static barks_status *derive_joined(barks_rdd *rdd, barks_rdd *const *sides,
                                                 const struct key_columns *keys,
                                                 const struct joining *joining)
{
    const barks_schema *left = &sides[0]->node.record->schema;
    const barks_schema *right = &sides[1]->node.record->schema;
    struct step *step = &rdd->node.step;
    barks_rdd keyed = *sides[0]; /* only its record is read */
    barks_record record = *sides[0]->node.record;
    barks_field *fields = calloc((size_t)left->field_count + 1, sizeof *fields);
    if (fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for a record", joining->where);
    for (uint32_t i = 0; i < left->field_count; i++) {
        fields[i] = left->fields[i];
        fields[i].nullable |= left_may_miss(joining->kind);
    }
    for (uint32_t k = 0; k < keys->count && left_may_miss(joining->kind); k++)
        fields[keys->columns[0][k]].nullable = left->fields[keys->columns[0][k]].nullable ||
                                               right->fields[keys->columns[1][k]].nullable;
    record.schema.fields = fields;
    keyed.node.record = &record;
    barks_status *status = record_of_columns(&keyed, &step->columns[0], false, sides[1],
                                             &step->columns[1], right_may_miss(joining->kind),
                                             joining->name, joining->where, &rdd->node.record);
    free(fields);
    return status;
}

BARKS_CHECKED static barks_status *fill_columns(barks_rdd *rdd, barks_rdd *const *sides,
                                                const struct key_columns *keys,
                                                const struct joining *joining)
{
    struct step *step = &rdd->node.step;
    bool left_only = joining->kind == JOIN_SEMI || joining->kind == JOIN_ANTI;
    BARKS_TRY(list_columns(sides[0], keys->columns[0], left_only ? 0 : keys->count, false,
                           &step->columns[0]));
    if (left_only)
        return NULL;
    BARKS_TRY(list_columns(sides[1], keys->columns[1], keys->count, true, &step->columns[1]));
    step->numbers[2] = 1;
    return derive_joined(rdd, sides, keys, joining);
}

BARKS_CHECKED static barks_status *fill_join(barks_rdd *rdd, barks_rdd *const *sides,
                                             const struct key_columns *keys, uint32_t streamed,
                                             const struct joining *joining)
{
    struct step *step = &rdd->node.step;
    rdd->node.partition_count = sides[streamed]->node.partition_count;
    step->numbers[0] = joining->kind;
    step->numbers[1] = streamed;
    for (uint32_t k = 0; k < 2; k++)
        BARKS_TRY(index_list_copy(keys->columns[k], keys->count, &step->keys[k]));
    if (joining->function != NULL)
        return set_function(rdd, sides, 2, joining->function, joining->options->env,
                            joining->where);
    return fill_columns(rdd, sides, keys, joining);
}

/* ---- a side that every executor holds ---- */

enum { NO_SIDE = 2 };

/* The side that may be held by all: of an inner join the smaller one, else the one whose rows are
 * not all kept. */
static uint32_t side_to_send(enum join_kind kind, const uint64_t *bytes)
{
    switch (kind) {
    case JOIN_INNER:
        return bytes[0] < bytes[1] ? 0 : 1;
    case JOIN_LEFT:
    case JOIN_SEMI:
    case JOIN_ANTI:
        return 1;
    case JOIN_RIGHT:
        return 0;
    case JOIN_FULL:
        break;
    }
    return NO_SIDE;
}

/* What .broadcast = BARKS_ALWAYS asks for must be possible, and not the opposite of what is meant.
 */
BARKS_CHECKED static barks_status *check_always(const struct joining *joining, uint32_t side,
                                                const uint64_t *bytes, uint64_t bytes_max)
{
    static const char *const names[] = {"left", "right"};
    if (side == NO_SIDE)
        BARKS_FAIL(BARKS_INVALID,
                   "%s: %s: .broadcast is BARKS_ALWAYS, but all rows of both sides are kept, so "
                   "that neither can be held by every executor; leave the option out",
                   joining->where, joining->name);
    if (joining->options->partitions != 0)
        BARKS_FAIL(BARKS_INVALID,
                   "%s: %s: .broadcast is BARKS_ALWAYS, so the result has the partitions of the "
                   "side that is not sent, and .partitions is %" PRIu32 "; leave one of them out",
                   joining->where, joining->name, joining->options->partitions);
    uint32_t kept = 1 - side;
    if (bytes[side] != UINT64_MAX && bytes[side] > bytes_max && bytes[kept] < bytes[side])
        BARKS_FAIL(
            BARKS_INVALID,
            "%s: %s: .broadcast is BARKS_ALWAYS, but the small side is the %s (%s of input), "
            "whose rows are all kept, so that it cannot be sent, and the %s has %s; leave "
            "the option out",
            joining->where, joining->name, names[kept], units_bytes(bytes[kept]).text, names[side],
            units_bytes(bytes[side]).text);
    return NULL;
}

/* *out_side: the side to send to every executor; NO_SIDE: both are exchanged as they need. */
BARKS_CHECKED static barks_status *choose_broadcast(barks_rdd *const *sides,
                                                    const struct key_columns *keys,
                                                    const struct joining *joining,
                                                    uint32_t *out_side)
{
    const barks_join_options *options = joining->options;
    const struct config *config = &sides[0]->context->config;
    uint64_t bytes_max = config_bytes(config, CONFIG_BROADCAST_JOIN_BYTES);
    uint64_t bytes[2] = {node_input_bytes(&sides[0]->node), node_input_bytes(&sides[1]->node)};
    uint32_t side = side_to_send(joining->kind, bytes);
    *out_side = NO_SIDE;
    if (options->broadcast > BARKS_NEVER)
        BARKS_FAIL(BARKS_INVALID, "%s: %s: .broadcast is %d, and none of barks_choice",
                   joining->where, joining->name, (int)options->broadcast);
    if (options->broadcast == BARKS_ALWAYS)
        BARKS_TRY(check_always(joining, side, bytes, bytes_max));
    else if (options->broadcast == BARKS_NEVER || side == NO_SIDE || options->partitions != 0 ||
             bytes_max == 0 || bytes[side] > bytes_max ||
             !must_be_brought(sides, 2, keys, 0, 1 - side))
        return NULL;
    *out_side = side;
    return NULL;
}

/* ---- joins ---- */

static barks_rdd *join_by(barks_rdd *const *given, struct key_columns *keys, barks_status *status,
                          const struct joining *joining)
{
    barks_rdd *sides[2] = {given[0], given[1]};
    uint32_t sent = NO_SIDE;
    if (status == NULL)
        status = choose_broadcast(sides, keys, joining, &sent);
    if (status == NULL && sent != NO_SIDE)
        sides[sent] = dataset_broadcast(sides[sent], joining->where);
    else if (status == NULL)
        status = bring_together(sides, 2, keys, joining->options->partitions, joining->where);
    if (status == NULL)
        join_exchanges_arrange(given, sides, joining->kind, joining->options->partitions != 0);
    barks_rdd *rdd = dataset_create(given[0]->context, sent != NO_SIDE ? STEP_LOOKUP : STEP_JOIN,
                                    sides, 2, joining->where);
    rdd->node.record = joining->function != NULL ? joining->function->out : sides[0]->node.record;
    if (status == NULL && rdd->context != NULL && rdd->node.error == NULL)
        status = fill_join(rdd, sides, keys, sent == 0 ? 1 : 0, joining);
    key_columns_drop(keys);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

/* Whether there is something to plan with. */
static bool are_sound(barks_rdd *const *rdds, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++)
        if (rdds[k]->context == NULL || rdds[k]->node.error != NULL)
            return false;
    return true;
}

static barks_rdd *failed_join(barks_rdd *const *sides, const struct joining *joining)
{
    barks_rdd *rdd = dataset_create(sides[0]->context, STEP_JOIN, sides, 2, joining->where);
    if (rdd->context != NULL)
        rdd->node.record =
            joining->function != NULL ? joining->function->out : sides[0]->node.record;
    return rdd;
}

barks_rdd *barks_join_at(barks_rdd *left, barks_rdd *right, const char *keys, int kind,
                         const barks_function *function, const barks_join_options *options,
                         const char *where)
{
    static const char *const names[] = {
        [JOIN_INNER] = "join",     [JOIN_LEFT] = "left join", [JOIN_RIGHT] = "right join",
        [JOIN_FULL] = "full join", [JOIN_SEMI] = "semi join", [JOIN_ANTI] = "anti join"};
    struct joining joining = {.kind = (enum join_kind)kind,
                              .name = names[kind],
                              .function = function,
                              .options = options,
                              .where = where};
    barks_rdd *sides[2] = {left, right};
    struct key_columns columns = {0};
    if (!are_sound(sides, 2))
        return failed_join(sides, &joining);
    const char *const key_names[2] = {keys,
                                      options->right_keys != NULL ? options->right_keys : keys};
    barks_status *status = key_columns_parse(sides, 2, key_names, joining.name, where, &columns);
    return join_by(sides, &columns, status, &joining);
}

/* ---- sets of rows ---- */

/* All fields are the keys. */
BARKS_CHECKED static barks_status *all_fields(barks_rdd *const *sides, const char *what,
                                              const char *where, struct key_columns *out)
{
    const barks_schema *left = &sides[0]->node.record->schema;
    if (!schema_equal(left, &sides[1]->node.record->schema))
        BARKS_FAIL(BARKS_INVALID,
                   "%s: %s: the datasets have rows '%s' and '%s': fields must be equal by name and "
                   "type",
                   where, what, sides[0]->node.record->name, sides[1]->node.record->name);
    for (uint32_t k = 0; k < 2; k++) {
        out->columns[k] = calloc((size_t)left->field_count + 1, sizeof(uint32_t));
        if (out->columns[k] == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for the keys", where);
        for (uint32_t i = 0; i < left->field_count; i++)
            out->columns[k][i] = i;
    }
    out->count = left->field_count;
    return NULL;
}

static barks_rdd *set_operation(barks_rdd *left, barks_rdd *right, const struct joining *joining)
{
    barks_rdd *sides[2] = {left, right};
    struct key_columns keys = {0};
    if (!are_sound(sides, 2))
        return failed_join(sides, joining);
    barks_status *status = all_fields(sides, joining->name, joining->where, &keys);
    return join_by(sides, &keys, status, joining);
}

barks_rdd *barks_intersection_at(barks_rdd *left, barks_rdd *right,
                                 const barks_join_options *options, const char *where)
{
    struct joining joining = {
        .kind = JOIN_SEMI, .name = "intersection", .options = options, .where = where};
    const barks_exchange_options distinct = {.partitions = options->partitions};
    return set_operation(barks_distinct_at(left, NULL, &distinct, where), right, &joining);
}

barks_rdd *barks_subtract_at(barks_rdd *left, barks_rdd *right, const barks_join_options *options,
                             const char *where)
{
    struct joining joining = {
        .kind = JOIN_ANTI, .name = "subtract", .options = options, .where = where};
    return set_operation(left, right, &joining);
}
