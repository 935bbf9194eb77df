/* The handle behind barks_rdd. */
#pragma once

#include "barks/rdd.h"
#include "plan/node.h"
#include "runtime/context.h"

/* Made by transformations, owned by the context through its node. */
struct barks_rdd {
    struct node node; /* first: the context destroys it as a node */
    barks_context *context;
    struct barks_rdd *later_of; /* of barks_later_: no dataset, but what an action on it is to
                                   start with; else NULL */
    barks_rdd *broadcast; /* what sends its rows to all executors, for joins; NULL: none yet */
};

/* A dataset of the kind, with room for input_count inputs, in the context; the first error of its
 * inputs sticks to it. Never NULL: without memory, or when the context has ended, it is one that
 * says so. */
barks_rdd *dataset_create(barks_context *context, enum step_kind kind,
                          struct barks_rdd *const *inputs, uint32_t input_count, const char *where);

/* The one that says so. */
barks_rdd *dataset_none(void);

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

/* A field of a schema under a name of its own. */
struct named_field {
    uint32_t field;
    char *name; /* owned */
};
/* "field, field as name" likewise. The array is the caller's, for named_fields_destroy. */
BARKS_CHECKED barks_status *parse_fields(const char *text, const barks_schema *schema,
                                         const char *where, struct named_field **out_fields,
                                         uint32_t *out_count);
void named_fields_destroy(struct named_field *fields, uint32_t count); /* NULL is fine */

/* True when the rows have the fields that `wanted` names. what: who wants them, for the error. */
BARKS_CHECKED barks_status *check_fields(const barks_rdd *rdd, const barks_record *wanted,
                                         const char *what, const char *where);
/* A copy of a function's env (NULL where it has none). Errors: BARKS_INVALID: it wants one and got
 * NULL. */
BARKS_CHECKED barks_status *copy_env(const void *env, const barks_function *function,
                                     const char *where, void **out);
/* wanted, or as many as the input has, within the limit, at least one (S47). */
BARKS_CHECKED barks_status *choose_partitions(const barks_rdd *input, uint32_t wanted,
                                              const char *where, uint32_t *out_count);

/* input, or, where its partitions may lie elsewhere than those of an exchange of as many, an
 * exchange of it that keeps partitions as they are. */
barks_rdd *dataset_aligned(barks_rdd *input, const char *where);

/* The rows of input, to be held by every executor: for one side of a STEP_LOOKUP. Of one input it
 * is always the same, so that they are sent once. */
barks_rdd *dataset_broadcast(barks_rdd *input, const char *where);

/* A text for the user, which lives until barks_finalize; NULL, and the job has failed, where status
 * is an error. Takes status, and what text holds. */
struct buffer;
const char *dataset_keep_text(barks_rdd *rdd, struct buffer *text, barks_status *status);

/* ---- exchanges.c ---- */

/* The rows of input exchanged; what its kind wants of node.exchange is left to the caller. */
barks_rdd *dataset_exchange(barks_rdd *input, enum partitioner_kind kind, uint32_t partition_count,
                            const char *where);
/* Exchanged by the hash of keys (columns of the rows) into just so many partitions. */
barks_rdd *dataset_hash_by(barks_rdd *input, const uint32_t *keys, uint32_t key_count,
                           uint32_t partition_count, const char *where);
/* Every partition in several copies, for pairs of partitions: that of number i to i * copies + k
 * for k below copies where stride is 1, else to i + k * stride; of as many in all as both sides'
 * numbers of partitions multiplied. A cartesian of inputs of p and q partitions: (left, copies q,
 * stride 1) and (right, copies p, stride q), into p * q. */
barks_rdd *dataset_replicate(barks_rdd *input, uint32_t copies, uint32_t stride,
                             uint32_t partition_count, const char *where);
/* A dataset of the rows of input in which those of equal keys lie in one partition: input itself
 * where they do already (in as many partitions as are wanted; 0: any number), else exchanged. */
barks_rdd *dataset_group_by(barks_rdd *input, const uint32_t *keys, uint32_t key_count,
                            uint32_t wanted_partitions, const char *where);

/* ---- parts.c ---- */

/* Partitions [first, end) of input: itself where these are all. */
barks_rdd *dataset_run_of(barks_rdd *input, uint32_t first, uint32_t end, const char *where);

/* ---- transformations.c ---- */

/* A union whose partitions are those of each dataset, one dataset after another, also where they
 * are partitioned alike. */
barks_rdd *dataset_chain(barks_rdd *const *rdds, size_t rdd_count, const char *where);
