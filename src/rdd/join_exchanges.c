#include "rdd/join_exchanges.h"

#include "base/config.h"
#include "plan/input_bytes.h"

enum { NO_SIDE = 2 };

/* ---- keys that the other side lacks ---- */

/* By itself, the side that is tested has so many times the bytes of the one whose keys are
 * collected, and this one not so many that its keys would hardly fit in a filter. A row has so
 * many bytes, or a few less: a filter takes five times the keys that it is made for. */
enum { TIMES_MIN = 8, BYTES_OF_KEY = 16 };
static const uint64_t collected_bytes_max = UINT64_C(1) << 30;

/* Whether a side's rows may be left out where they have no partner. */
static bool may_leave_out(enum join_kind kind, uint32_t side)
{
    switch (kind) {
    case JOIN_INNER:
    case JOIN_SEMI:
        return true;
    case JOIN_LEFT:
    case JOIN_ANTI:
        return side == 1;
    case JOIN_RIGHT:
        return side == 0;
    case JOIN_FULL:
        break;
    }
    return false;
}

/* The side whose keys are collected, by the bytes of both; NO_SIDE: none is. */
static uint32_t side_to_collect(enum join_kind kind, const uint64_t *bytes, int setting)
{
    uint32_t smaller = bytes[0] < bytes[1] ? 0 : 1;
    if (setting == JOIN_FILTER_OFF || kind == JOIN_FULL)
        return NO_SIDE;
    if (setting == JOIN_FILTER_ON)
        return may_leave_out(kind, 1 - smaller) ? smaller : 1 - smaller;
    bool is_far_smaller = bytes[1 - smaller] != UINT64_MAX &&
                          bytes[smaller] <= collected_bytes_max &&
                          bytes[1 - smaller] / TIMES_MIN >= bytes[smaller];
    return is_far_smaller && may_leave_out(kind, 1 - smaller) ? smaller : NO_SIDE;
}

static void leave_out(barks_rdd *const *sides, uint32_t collected, uint64_t bytes)
{
    struct exchange_plan *keys = &sides[collected]->node.exchange;
    struct exchange_plan *tested = &sides[1 - collected]->node.exchange;
    keys->filter_role = FILTER_COLLECTS;
    keys->filter_log2 = key_filter_log2_for(bytes / BYTES_OF_KEY);
    keys->filter_partner = &sides[1 - collected]->node;
    tested->filter_role = FILTER_TESTS;
    tested->filter_partner = &sides[collected]->node;
}

/* ---- hot keys ---- */

/* Whether a side's rows of hot keys may be spread: all rows of the other one, which are copied,
 * must either not be kept, or be seen with a partner. */
static bool may_spread(enum join_kind kind, uint32_t side)
{
    switch (kind) {
    case JOIN_INNER:
        return true;
    case JOIN_LEFT:
    case JOIN_SEMI:
    case JOIN_ANTI:
        return side == 0;
    case JOIN_RIGHT:
        return side == 1;
    case JOIN_FULL:
        break;
    }
    return false;
}

/* The side that is mapped first: the one whose keys are collected; else the one whose rows may be
 * spread, of an inner join the larger one, as far as that is known, of which less need be copied.
 */
static uint32_t first_side(enum join_kind kind, const uint64_t *bytes, uint32_t collected)
{
    if (collected != NO_SIDE)
        return collected;
    if (!may_spread(kind, 0) || !may_spread(kind, 1))
        return may_spread(kind, 0) ? 0 : 1;
    return bytes[0] != UINT64_MAX && (bytes[1] == UINT64_MAX || bytes[1] > bytes[0]) ? 1 : 0;
}

static void allow_spreading(barks_rdd *const *sides, enum join_kind kind, uint32_t first)
{
    if (!may_spread(kind, 0) && !may_spread(kind, 1))
        return;
    for (uint32_t k = 0; k < 2; k++) {
        struct exchange_plan *exchange = &sides[k]->node.exchange;
        exchange->hot_role = k == first ? HOT_FIRST : HOT_SECOND;
        exchange->spreads_hot_keys = may_spread(kind, k);
        exchange->hot_partner = &sides[1 - k]->node;
        exchange->hot_left = &sides[0]->node;
    }
}

/* ---- both ---- */

void join_exchanges_arrange(barks_rdd *const *given, barks_rdd *const *sides, enum join_kind kind,
                            bool has_partitions)
{
    if (sides[0] == sides[1])
        return;
    for (uint32_t k = 0; k < 2; k++)
        if (sides[k] == given[k] || !node_is_exchange(&sides[k]->node))
            return;
    uint64_t bytes[2] = {node_input_bytes(&given[0]->node), node_input_bytes(&given[1]->node)};
    int setting = config_choice(&sides[0]->context->config, CONFIG_JOIN_FILTER);
    uint32_t collected = side_to_collect(kind, bytes, setting);
    if (collected != NO_SIDE)
        leave_out(sides, collected, bytes[collected]);
    if (!has_partitions)
        allow_spreading(sides, kind, first_side(kind, bytes, collected));
}
