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

/* Numbers between least and most are added, times 2^-bits; squares[i] decides where the largest of
 * all is no more than its bound. */
static const struct {
    double least, most, factor;
    int bits;
    double bound;
} scales[STATS_SCALES] = {{0, 0x1p-300, 0x1p500, -500, 0x1p-400},
                          {0, 0x1p500, 1, 0, 0x1p500},
                          {0x1p300, HUGE_VAL, 0x1p-600, 600, HUGE_VAL}};

static void add_number(struct stats_state *state, double x)
{
    double size = fabs(x);
    state->count++;
    barks_sum_add(&state->sum, x);
    if (isnan(x)) {
        state->nan_count++;
        return;
    }
    for (int i = 0; i < STATS_SCALES; i++)
        if (size >= scales[i].least && size <= scales[i].most && size < HUGE_VAL)
            square_sums_add(&state->squares[i], x * scales[i].factor);
    state->largest = size > state->largest ? size : state->largest;
    state->min = x < state->min ? x : state->min;
    state->max = x > state->max ? x : state->max;
}

double stats_spread(const struct stats_state *state)
{
    int i = 0;
    while (state->largest > scales[i].bound)
        i++;
    return exact_spread(&state->sum, &state->squares[i], state->count, scales[i].bits);
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
    state->count += other->count;
    state->nan_count += other->nan_count;
    state->min = other->min < state->min ? other->min : state->min;
    state->max = other->max > state->max ? other->max : state->max;
    state->is_integer = other->is_integer;
    state->largest = other->largest > state->largest ? other->largest : state->largest;
    barks_sum_merge(&state->sum, &other->sum);
    for (int i = 0; i < STATS_SCALES; i++)
        square_sums_merge(&state->squares[i], &other->squares[i]);
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
