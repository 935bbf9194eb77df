#include "plan/fingerprint.h"

#include "base/buffer.h"
#include "base/hash.h"
#include "base/pack.h"
#include "base/scope.h"
#include "batch/codec.h"
#include "batch/schema.h"
#include "exec/custom_splits.h"
#include "exec/registry.h"
#include "io/source_options.h"
#include "io/split.h"
#include "plan/determinism.h"
#include "plan/node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The steps that came before change nothing in how those after them are hashed, so a change of what
 * is hashed here changes the names of all: raise it with FORMAT_VERSION of work/stage_manifest.h.
 */

enum { ROWS_AT_ONCE = 1 << 16 };

static void mix(struct fingerprint *into, enum fingerprint_part part, uint64_t value)
{
    into->parts[part] = hash_combine(into->parts[part], value);
}

static void mix_bytes(struct fingerprint *into, enum fingerprint_part part, const void *bytes,
                      size_t size_bytes)
{
    mix(into, part, hash_bytes_seeded(bytes, size_bytes, size_bytes));
}

static void mix_all(struct fingerprint *into, const struct fingerprint *input)
{
    for (int part = 0; part < FINGERPRINT_PARTS; part++)
        mix(into, (enum fingerprint_part)part, input->parts[part]);
    into->is_known &= input->is_known;
}

/* ---- functions ---- */

static void mix_function(struct fingerprint *into, const struct fingerprint_basis *basis,
                         const barks_function *function, const void *env)
{
    if (function == NULL)
        return;
    const char *version = registry_version(function);
    if (version != NULL) {
        mix_bytes(into, FINGERPRINT_PROGRAM, version, strlen(version));
    } else {
        mix(into, FINGERPRINT_PROGRAM, basis->program);
        mix(into, FINGERPRINT_ARGUMENTS, basis->arguments);
    }
    mix(into, FINGERPRINT_ENV, basis->shipped);
    if (function->env_size == 0)
        return;
    mix(into, FINGERPRINT_ENV, basis->values);
    if (env != NULL)
        mix_bytes(into, FINGERPRINT_ENV, env, function->env_size);
}

static void mix_record(struct fingerprint *into, const barks_record *record)
{
    if (record != NULL)
        mix(into, FINGERPRINT_PLAN, schema_hash(&record->schema));
}

/* Takes what packer holds. */
BARKS_CHECKED static barks_status *mix_packed(struct fingerprint *into, struct packer *packer)
{
    barks_status *status = packer_finish(packer);
    if (status == NULL)
        mix_bytes(into, FINGERPRINT_PLAN, packer->bytes.data, packer->bytes.size);
    packer_drop(packer);
    return status;
}

/* What travels of a step says all of it, but for the token of a read, which is new in each run. */
BARKS_CHECKED static barks_status *pack_file_step(const struct step *step, struct packer *out)
{
    BARKS_AUTO(source_options) options = {0};
    BARKS_AUTO(unpacker) in;
    unpacker_init(&in, step->bytes, step->size_bytes);
    barks_status *status = source_options_unpack(&in, &options);
    if (status != NULL)
        return status;
    free(options.quarantine_token);
    options.quarantine_token = NULL;
    struct step nameless = *step;
    nameless.bytes = NULL;
    nameless.size_bytes = 0;
    step_pack(out, &nameless);
    source_options_pack(out, &options);
    return NULL;
}

BARKS_CHECKED static barks_status *
mix_step(struct fingerprint *into, const struct fingerprint_basis *basis, const struct step *step)
{
    struct packer packer = {0};
    struct step plain = *step;
    barks_status *status = NULL;
    plain.env = plain.merge_env = NULL; /* a part of their own */
    if (step->kind == STEP_BROADCAST)
        plain.numbers[0] = 0; /* under which number it was sent */
    if (step->kind == STEP_FILES)
        status = pack_file_step(&plain, &packer);
    else
        step_pack(&packer, &plain);
    if (status != NULL) {
        packer_drop(&packer);
        return status;
    }
    mix_function(into, basis, step->function, step->env);
    mix_function(into, basis, step->merge, step->merge_env);
    mix_record(into, step->initial_record);
    return mix_packed(into, &packer);
}

/* ---- sources ---- */

BARKS_CHECKED static barks_status *mix_rows(struct fingerprint *into, enum fingerprint_part part,
                                            const struct batch *rows)
{
    uint32_t row_count = rows->base.row_count;
    mix(into, part, row_count);
    for (uint32_t first = 0; first < row_count; first += ROWS_AT_ONCE) {
        uint32_t count = row_count - first < ROWS_AT_ONCE ? row_count - first : ROWS_AT_ONCE;
        uint64_t encoded_bytes = codec_encoded_bytes(&rows->base, first, count);
        uint8_t *encoded = malloc(encoded_bytes);
        if (encoded == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the fingerprint of %" PRIu32 " rows", count);
        codec_encode(&rows->base, first, count, encoded);
        mix_bytes(into, part, encoded, encoded_bytes);
        free(encoded);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *mix_splits(struct fingerprint *into,
                                              const struct split_plan *splits)
{
    BARKS_AUTO(buffer) bytes = {.limit_bytes = SIZE_MAX};
    BARKS_TRY(split_pack(splits->splits, splits->split_count, &bytes));
    mix_bytes(into, FINGERPRINT_INPUT, bytes.data, bytes.size_bytes);
    for (size_t p = 0; p < splits->partition_count; p++)
        mix(into, FINGERPRINT_INPUT, splits->firsts[p]);
    return NULL;
}

BARKS_CHECKED static barks_status *mix_custom(struct fingerprint *into, const struct node *node)
{
    if (node->step.function == NULL || registry_version(node->step.function) == NULL)
        into->is_known = false;
    for (uint32_t p = 0; p < node->custom->partition_count; p++) {
        struct packer packer = {0};
        barks_status *status = custom_splits_pack(node->custom, p, &packer);
        if (status == NULL)
            status = packer_finish(&packer);
        if (status == NULL)
            mix_bytes(into, FINGERPRINT_INPUT, packer.bytes.data, packer.bytes.size);
        packer_drop(&packer);
        BARKS_TRY(status);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *mix_source(struct fingerprint *into, const struct node *node)
{
    if (node->bad_rows.quarantine != NULL)
        into->is_known = false;
    if (node->splits != NULL)
        BARKS_TRY(mix_splits(into, node->splits));
    if (node->custom != NULL)
        BARKS_TRY(mix_custom(into, node));
    return node->rows != NULL ? mix_rows(into, FINGERPRINT_INPUT, node->rows) : NULL;
}

/* ---- exchanges ---- */

/* Where rows of a hot key go, as far as it is not in the plan: whether they may be spread, and, for
 * the side that copies, what the other one has found. */
static const struct node *hot_partner(const struct node *node)
{
    return node_is_exchange(node) && node->exchange.hot_role == HOT_SECOND
               ? node->exchange.hot_partner
               : NULL;
}

static void pack_sort_order(struct packer *out, const struct sort_key *keys, uint32_t count)
{
    pack_u64(out, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_u64(out, keys[i].column);
        pack_bool(out, keys[i].descending);
        pack_bool(out, keys[i].nulls_first);
    }
}

BARKS_CHECKED static barks_status *mix_exchange(struct fingerprint *into,
                                                const struct fingerprint_basis *basis,
                                                const struct node *node)
{
    const struct exchange_plan *exchange = &node->exchange;
    struct packer packer = {0};
    pack_u64(&packer, exchange->kind);
    pack_u64(&packer, exchange->keys.count);
    for (uint32_t i = 0; i < exchange->keys.count; i++)
        pack_u64(&packer, exchange->keys.items[i]);
    pack_u64(&packer, exchange->index_count);
    pack_sort_order(&packer, exchange->order, exchange->order_count);
    pack_u64(&packer, exchange->copies);
    pack_u64(&packer, exchange->stride);
    pack_u64(&packer, exchange->hot_role);
    pack_bool(&packer, exchange->spreads_hot_keys);
    pack_bool(&packer, exchange->hot_left != NULL &&
                           atomic_load(&exchange->hot_left->placement) == PLACEMENT_RELIED_ON);
    BARKS_TRY(mix_packed(into, &packer));
    BARKS_TRY(mix_step(into, basis, &exchange->step));
    return exchange->splitters != NULL ? mix_rows(into, FINGERPRINT_INPUT, exchange->splitters)
                                       : NULL;
}

/* ---- one node ---- */

/* Rows that are kept, or were written by a checkpoint, are those of what they were made of. */
static bool is_transparent(const struct node *node)
{
    return node->step.kind == STEP_KEEP && node->input_count == 1;
}

BARKS_CHECKED static barks_status *mix_node(const struct node *node,
                                            const struct fingerprint_basis *basis,
                                            const struct fingerprint *by_id,
                                            struct fingerprint *out)
{
    if (node->was != NULL) {
        *out = *node->was;
        return NULL;
    }
    if (is_transparent(node)) {
        *out = by_id[node->inputs[0]->id];
        return NULL;
    }
    *out = (struct fingerprint){.is_known = node->step.kind != STEP_KEPT &&
                                            node->step.kind != STEP_PIPE && node->error == NULL &&
                                            node_determinism(node) != BARKS_INDETERMINATE};
    mix(out, FINGERPRINT_LIBRARY, basis->library);
    mix(out, FINGERPRINT_SETTINGS, basis->settings);
    mix(out, FINGERPRINT_INPUT, node->partition_count);
    mix_record(out, node->record);
    BARKS_TRY(mix_step(out, basis, &node->step));
    BARKS_TRY(mix_source(out, node));
    if (node_is_exchange(node))
        BARKS_TRY(mix_exchange(out, basis, node));
    for (uint32_t i = 0; i < node->input_count; i++)
        mix_all(out, &by_id[node->inputs[i]->id]);
    if (hot_partner(node) != NULL)
        mix_all(out, &by_id[hot_partner(node)->id]);
    return NULL;
}

/* ---- all of them ---- */

struct fingerprint_visit {
    const struct node *node;
    uint32_t next_input;
};

/* A node's inputs, and the exchange whose hot keys it is told. */
static const struct node *next_below(struct fingerprint_visit *visit)
{
    const struct node *node = visit->node;
    uint32_t at = visit->next_input++;
    if (node->was != NULL)
        return NULL;
    if (at < node->input_count)
        return node->inputs[at];
    return at == node->input_count ? hot_partner(node) : NULL;
}

/* With a stack of its own: a chain of many thousand steps is legal. */
BARKS_CHECKED static barks_status *visit_all(const struct node *root,
                                             const struct fingerprint_basis *basis,
                                             struct fingerprint_visit *stack, bool *seen,
                                             struct fingerprint *by_id)
{
    uint32_t depth = 0;
    stack[depth++] = (struct fingerprint_visit){.node = root};
    seen[root->id] = true;
    while (depth > 0) {
        struct fingerprint_visit *top = &stack[depth - 1];
        const struct node *below = next_below(top);
        if (below != NULL && !seen[below->id]) {
            seen[below->id] = true;
            stack[depth++] = (struct fingerprint_visit){.node = below};
        } else if (below == NULL) {
            BARKS_TRY(mix_node(top->node, basis, by_id, &by_id[top->node->id]));
            depth--;
        }
    }
    return NULL;
}

barks_status *fingerprint_nodes(struct node *root, uint32_t node_count,
                                const struct fingerprint_basis *basis,
                                struct fingerprint **out_by_id)
{
    struct fingerprint_visit *stack = calloc((size_t)node_count + 1, sizeof *stack);
    bool *seen = calloc((size_t)node_count + 1, sizeof *seen);
    struct fingerprint *by_id = calloc((size_t)node_count + 1, sizeof *by_id);
    barks_status *status = NULL;
    if (stack == NULL || seen == NULL || by_id == NULL)
        status =
            barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                             "no memory for the fingerprints of %" PRIu32 " steps", node_count);
    if (status == NULL)
        status = visit_all(root, basis, stack, seen, by_id);
    free(stack);
    free(seen);
    if (status != NULL) {
        free(by_id);
        return status;
    }
    *out_by_id = by_id;
    return NULL;
}

barks_status *fingerprint_answer(const struct fingerprint *rows, const struct terminal *terminal,
                                 const struct fingerprint_basis *basis, struct fingerprint *out)
{
    struct fingerprint answer = {.is_known = true};
    struct packer packer = {0};
    pack_u64(&packer, terminal->kind);
    pack_u64(&packer, terminal->limit);
    pack_u64(&packer, terminal->first_partition);
    pack_u64(&packer, terminal->end_partition);
    pack_u64(&packer, terminal->copies);
    pack_u64(&packer, terminal->stride);
    pack_sort_order(&packer, terminal->sort_keys, terminal->sort_key_count);
    mix_all(&answer, rows);
    mix_record(&answer, terminal->accumulator);
    BARKS_TRY(mix_packed(&answer, &packer));
    BARKS_TRY(mix_step(&answer, basis, &terminal->step));
    *out = answer;
    return NULL;
}

void fingerprint_add_text(struct fingerprint *fingerprint, const char *text)
{
    mix_bytes(fingerprint, FINGERPRINT_PLAN, text, strlen(text));
}

/* ---- what is done with them ---- */

bool fingerprint_equal(const struct fingerprint *a, const struct fingerprint *b)
{
    return a->is_known && b->is_known && memcmp(a->parts, b->parts, sizeof a->parts) == 0;
}

void fingerprint_name(const struct fingerprint *fingerprint, char out[FINGERPRINT_NAME_BYTES])
{
    const uint64_t *parts = fingerprint->parts;
    snprintf(out, FINGERPRINT_NAME_BYTES, "%016" PRIx64 "%016" PRIx64,
             hash_bytes_seeded(parts, sizeof fingerprint->parts, 1),
             hash_bytes_seeded(parts, sizeof fingerprint->parts, 2));
}

const char *fingerprint_difference(const struct fingerprint *now, const struct fingerprint *before)
{
    static const char *const names[FINGERPRINT_PARTS] = {
        [FINGERPRINT_LIBRARY] = "barks itself",
        [FINGERPRINT_PROGRAM] = "the job's program",
        [FINGERPRINT_ARGUMENTS] = "the job's arguments",
        [FINGERPRINT_INPUT] = "the input",
        [FINGERPRINT_ENV] = "what functions are given (env, broadcast values, shipped files)",
        [FINGERPRINT_SETTINGS] = "a setting",
        [FINGERPRINT_PLAN] = "the plan",
    };
    for (int part = 0; part < FINGERPRINT_PARTS; part++)
        if (now->parts[part] != before->parts[part])
            return names[part];
    return NULL;
}
