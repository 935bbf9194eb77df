#include "base/buffer.h"
#include "exec/partial_states.h"
#include "exec/registers.h"

#include <stdlib.h>
#include <string.h>

enum { HASH_SLOTS = 2 * DISTINCT_EXACT_MAX };

static barks_status *distinct_begin(void *self, const struct partial_options *options)
{
    struct distinct_state *state = self;
    state->options = options;
    state->precision = registers_precision(options->error);
    state->hashes = calloc(HASH_SLOTS, sizeof *state->hashes);
    if (state->hashes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for hashes");
    return NULL;
}

/* ---- many: registers ---- */

BARKS_CHECKED static barks_status *leave_exact(struct distinct_state *state)
{
    state->registers = calloc((size_t)1 << state->precision, 1);
    if (state->registers == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for 2^%u registers", state->precision);
    if (state->has_zero)
        registers_add(state->registers, state->precision, 0);
    for (uint32_t i = 0; i < HASH_SLOTS; i++)
        if (state->hashes[i] != 0)
            registers_add(state->registers, state->precision, state->hashes[i]);
    free(state->hashes);
    state->hashes = NULL;
    return NULL;
}

/* ---- few: the hashes ---- */

BARKS_CHECKED static barks_status *add_hash(struct distinct_state *state, uint64_t hash)
{
    if (state->registers != NULL) {
        registers_add(state->registers, state->precision, hash);
        return NULL;
    }
    if (hash == 0) {
        state->has_zero = true;
        return NULL;
    }
    uint32_t slot = (uint32_t)(hash % HASH_SLOTS);
    while (state->hashes[slot] != 0 && state->hashes[slot] != hash)
        slot = (slot + 1) % HASH_SLOTS;
    if (state->hashes[slot] == hash)
        return NULL;
    state->hashes[slot] = hash;
    return ++state->hash_count > DISTINCT_EXACT_MAX ? leave_exact(state) : NULL;
}

static barks_status *distinct_add(void *self, const barks_batch *rows)
{
    struct distinct_state *state = self;
    uint64_t *hashes = calloc((size_t)rows->row_count + 1, sizeof *hashes);
    if (hashes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the hashes of %u rows", rows->row_count);
    batch_hash(rows, state->options->columns, state->options->column_count, hashes);
    barks_status *status = NULL;
    for (uint32_t row = 0; row < rows->row_count && status == NULL; row++)
        status = add_hash(state, hashes[row]);
    free(hashes);
    return status;
}

static barks_status *distinct_merge(void *self, const void *other_state)
{
    struct distinct_state *state = self;
    const struct distinct_state *other = other_state;
    if (other->registers != NULL) {
        if (state->registers == NULL)
            BARKS_TRY(leave_exact(state));
        registers_merge(state->registers, other->registers, state->precision);
        return NULL;
    }
    if (other->has_zero)
        BARKS_TRY(add_hash(state, 0));
    for (uint32_t i = 0; i < HASH_SLOTS; i++)
        if (other->hashes[i] != 0)
            BARKS_TRY(add_hash(state, other->hashes[i]));
    return NULL;
}

/* ---- travelling: a byte, 1 for registers, else whether 0 is among the hashes (2), then they ----
 */

static barks_status *distinct_pack(const void *self, struct buffer *out)
{
    const struct distinct_state *state = self;
    uint8_t head = state->registers != NULL ? 1 : state->has_zero ? 2 : 0;
    BARKS_TRY(buffer_append(out, &head, 1));
    if (state->registers != NULL)
        return buffer_append(out, state->registers, (size_t)1 << state->precision);
    for (uint32_t i = 0; i < HASH_SLOTS; i++)
        if (state->hashes[i] != 0)
            BARKS_TRY(buffer_append(out, &state->hashes[i], sizeof state->hashes[i]));
    return NULL;
}

static barks_status *distinct_unpack(void *self, const uint8_t *bytes, size_t size_bytes)
{
    struct distinct_state *state = self;
    size_t register_count = (size_t)1 << state->precision;
    if (size_bytes == 0 || bytes[0] > 2 || (bytes[0] == 1 && size_bytes != register_count + 1) ||
        (bytes[0] != 1 && size_bytes % sizeof(uint64_t) != 1))
        BARKS_FAIL(BARKS_BAD_INPUT, "a sketch of %zu bytes", size_bytes);
    if (bytes[0] == 1) {
        BARKS_TRY(leave_exact(state));
        memcpy(state->registers, bytes + 1, register_count);
        return NULL;
    }
    state->has_zero = bytes[0] == 2;
    for (size_t i = 1; i < size_bytes; i += sizeof(uint64_t)) {
        uint64_t hash = 0;
        memcpy(&hash, bytes + i, sizeof hash);
        BARKS_TRY(add_hash(state, hash));
    }
    return NULL;
}

static void distinct_drop(void *self)
{
    struct distinct_state *state = self;
    free(state->hashes);
    free(state->registers);
    *state = (struct distinct_state){0};
}

/* ---- the estimate ---- */

double distinct_estimate(const struct distinct_state *state)
{
    if (state->registers == NULL)
        return state->hash_count + (state->has_zero ? 1 : 0);
    return registers_estimate(state->registers, state->precision);
}

const struct partial_kind partial_distinct = {
    .name = "distinct",
    .state_bytes = sizeof(struct distinct_state),
    .begin = distinct_begin,
    .add = distinct_add,
    .merge = distinct_merge,
    .pack = distinct_pack,
    .unpack = distinct_unpack,
    .drop = distinct_drop,
};
