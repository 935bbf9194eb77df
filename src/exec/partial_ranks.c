#include "base/buffer.h"
#include "exec/column_number.h"
#include "exec/partial_states.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTS = 1 + RANK_BUCKETS }; /* of a range: rows below it, then in its parts */

uint64_t number_key(double value)
{
    uint64_t bits = 0;
    if (isnan(value))
        return UINT64_MAX;
    if (value != 0) /* else 0.0 for either zero */
        memcpy(&bits, &value, sizeof bits);
    return bits >> 63 != 0 ? ~bits : bits | UINT64_C(1) << 63;
}

double number_of_key(uint64_t key)
{
    uint64_t bits = key >> 63 != 0 ? key ^ UINT64_C(1) << 63 : ~key;
    double value = 0;
    if (key == UINT64_MAX)
        return (double)NAN;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint64_t ranks_width(uint64_t first, uint64_t last) { return (last - first) / RANK_BUCKETS + 1; }

static size_t counts_bytes(const struct ranks_state *state)
{
    return state->options->range_count * COUNTS * sizeof(uint64_t);
}

static barks_status *ranks_begin(void *self, const struct partial_options *options)
{
    struct ranks_state *state = self;
    state->options = options;
    state->counts = calloc((size_t)options->range_count + 1, COUNTS * sizeof *state->counts);
    if (state->counts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u ranges", options->range_count);
    return NULL;
}

static void count_key(const struct ranks_state *state, uint64_t key)
{
    for (uint32_t i = 0; i < state->options->range_count; i++) {
        uint64_t first = state->options->ranges[2 * i], last = state->options->ranges[2 * i + 1];
        uint64_t *counts = state->counts + (size_t)i * COUNTS;
        if (key < first)
            counts[0]++;
        else if (key <= last)
            counts[1 + (key - first) / ranks_width(first, last)]++;
    }
}

static barks_status *ranks_add(void *self, const barks_batch *rows)
{
    struct ranks_state *state = self;
    const barks_column *column = &rows->columns[state->options->columns[0]];
    for (uint32_t row = 0; row < rows->row_count; row++) {
        if (!barks_is_valid(column, row))
            continue;
        count_key(state, number_key(number_at(column, row)));
        state->count++;
    }
    return NULL;
}

static barks_status *ranks_merge(void *self, const void *other_state)
{
    struct ranks_state *state = self;
    const struct ranks_state *other = other_state;
    state->count += other->count;
    for (size_t i = 0; i < counts_bytes(state) / sizeof(uint64_t); i++)
        state->counts[i] += other->counts[i];
    return NULL;
}

static barks_status *ranks_pack(const void *self, struct buffer *out)
{
    const struct ranks_state *state = self;
    BARKS_TRY(buffer_append(out, &state->count, sizeof state->count));
    return buffer_append(out, state->counts, counts_bytes(state));
}

static barks_status *ranks_unpack(void *self, const uint8_t *bytes, size_t size_bytes)
{
    struct ranks_state *state = self;
    if (size_bytes != sizeof state->count + counts_bytes(state))
        BARKS_FAIL(BARKS_BAD_INPUT, "ranks of %zu bytes", size_bytes);
    memcpy(&state->count, bytes, sizeof state->count);
    memcpy(state->counts, bytes + sizeof state->count, counts_bytes(state));
    return NULL;
}

static void ranks_drop(void *self)
{
    free(((struct ranks_state *)self)->counts);
    *(struct ranks_state *)self = (struct ranks_state){0};
}

const struct partial_kind partial_ranks = {
    .name = "ranks",
    .state_bytes = sizeof(struct ranks_state),
    .begin = ranks_begin,
    .add = ranks_add,
    .merge = ranks_merge,
    .pack = ranks_pack,
    .unpack = ranks_unpack,
    .drop = ranks_drop,
};
