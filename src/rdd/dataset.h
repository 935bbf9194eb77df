/* The handle behind barks_rdd. */
#pragma once

#include "barks/rdd.h"
#include "plan/node.h"
#include "runtime/context.h"

/* Made by transformations, owned by the context through its node. */
struct barks_rdd {
    struct node node; /* first: the context destroys it as a node */
    barks_context *context;
};

/* A dataset of the kind, with room for input_count inputs, in the context; the first error of its
 * inputs sticks to it. Never NULL: without memory, or when the context has ended, it is one that
 * says so. */
barks_rdd *dataset_create(barks_context *context, enum node_kind kind,
                          struct barks_rdd *const *inputs, uint32_t input_count, const char *where);

/* The error sticks; takes it. Returns rdd. */
barks_rdd *dataset_fail(barks_rdd *rdd, barks_status *error);

/* "field, field" as indices of schema. Errors: BARKS_INVALID with the place and the nearest field.
 */
BARKS_CHECKED barks_status *parse_keys(const char *text, const barks_schema *schema,
                                       const char *where, uint32_t **out_fields,
                                       uint32_t *out_count);
/* "field desc nulls first, field" likewise. */
BARKS_CHECKED barks_status *parse_order(const char *text, const barks_schema *schema,
                                        const char *where, struct sort_key **out_keys,
                                        uint32_t *out_count);
