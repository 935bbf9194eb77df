#include "base/buffer.h"
#include "exec/column_number.h"
#include "exec/partial_states.h"

#include <math.h>
#include <string.h>

__extension__ typedef __int128 wide_int;

static wide_int integer_of(const struct stats_state *state)
{
    return (wide_int)state->integer_high * ((wide_int)1 << 64) + state->integer_low;
}

static void set_integer(struct stats_state *state, wide_int sum)
{
    state->integer_low = (uint64_t)sum;
    state->integer_high = (int64_t)(sum >> 64);
}

barks_status *stats_integer_sum(const struct stats_state *state, int64_t *out_sum)
{
    wide_int sum = integer_of(state);
    if (sum > INT64_MAX || sum < INT64_MIN)
        BARKS_FAIL(BARKS_USER_ERROR, "the sum does not fit in an i64: integer out of range");
    *out_sum = (int64_t)sum;
    return NULL;
}

double stats_sum(const struct stats_state *state)
{
    return state->is_integer ? (double)integer_of(state) : barks_sum_value(&state->sum);
}

static barks_status *stats_begin(void *self, const struct partial_options *options)
{
    struct stats_state *state = self;
    state->column = options->columns[0];
    state->min = HUGE_VAL;
    state->max = -HUGE_VAL;
    return NULL;
}

static void add_number(struct stats_state *state, double x)
{
    double from_mean = x - state->mean;
    state->count++;
    state->mean += from_mean / (double)state->count;
    state->m2 += from_mean * (x - state->mean);
    if (isnan(x))
        state->nan_count++;
    state->min = x < state->min ? x : state->min;
    state->max = x > state->max ? x : state->max;
}

static barks_status *stats_add(void *self, const barks_batch *rows)
{
    struct stats_state *state = self;
    const barks_column *column = &rows->columns[state->column];
    state->is_integer = column->type->id == BARKS_I32 || column->type->id == BARKS_I64;
    wide_int sum = integer_of(state);
    for (uint32_t row = 0; row < rows->row_count; row++) {
        if (!barks_is_valid(column, row))
            continue;
        double x = number_at(column, row);
        add_number(state, x);
        if (state->is_integer)
            sum += integer_at(column, row);
        else
            barks_sum_add(&state->sum, x);
    }
    set_integer(state, sum);
    return NULL;
}

static barks_status *stats_merge(void *self, const void *other_state)
{
    struct stats_state *state = self;
    const struct stats_state *other = other_state;
    if (other->count == 0)
        return NULL;
    double own = (double)state->count, more = (double)other->count, all = own + more;
    double apart = other->mean - state->mean;
    state->m2 =
        state->count == 0 ? other->m2 : state->m2 + other->m2 + apart * apart * own * more / all;
    state->mean = state->count == 0 ? other->mean : state->mean + apart * more / all;
    state->count += other->count;
    state->nan_count += other->nan_count;
    state->min = other->min < state->min ? other->min : state->min;
    state->max = other->max > state->max ? other->max : state->max;
    state->is_integer = other->is_integer;
    barks_sum_merge(&state->sum, &other->sum);
    set_integer(state, integer_of(state) + integer_of(other));
    return NULL;
}

static barks_status *stats_pack(const void *state, struct buffer *out)
{
    return buffer_append(out, state, sizeof(struct stats_state));
}

static barks_status *stats_unpack(void *state, const uint8_t *bytes, size_t size_bytes)
{
    if (size_bytes != sizeof(struct stats_state))
        BARKS_FAIL(BARKS_BAD_INPUT, "statistics of %zu bytes", size_bytes);
    memcpy(state, bytes, size_bytes);
    return NULL;
}

static void stats_drop(void *state) { (void)state; }

const struct partial_kind partial_stats = {
    .name = "stats",
    .state_bytes = sizeof(struct stats_state),
    .begin = stats_begin,
    .add = stats_add,
    .merge = stats_merge,
    .pack = stats_pack,
    .unpack = stats_unpack,
    .drop = stats_drop,
};
