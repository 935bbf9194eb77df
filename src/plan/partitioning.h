/* What is known of where the rows of a dataset lie, so that exchanges can be left out. */
#pragma once

#include "barks/status.h"
#include "exec/step.h"

#include <stdbool.h>
#include <stdint.h>

struct node;

enum partitioning_kind {
    PARTITIONED_ANYHOW = 0,
    PARTITIONED_HASH,   /* by the hash of the fields' values (S59) */
    PARTITIONED_RANGE,  /* by the splitters of an exchange */
    PARTITIONED_CHOSEN, /* by a function of the user's */
};

/* All rows of equal fields lie in one partition. */
struct partitioning {
    enum partitioning_kind kind;
    struct index_list fields; /* of record, in the order in which they are hashed; owned */
    struct node *exchange;    /* the one that made it; borrowed */
};
void partitioning_drop(struct partitioning *partitioning);

/* Where the answer to one of the questions below is true, the exchange is relied on from then on
 * (enum exchange_placement). */

/* True when all rows of node that are equal in keys lie in one partition: it is partitioned by some
 * of them. partition_count 0: any number of partitions. */
bool partitioning_groups(struct node *node, const uint32_t *keys, uint32_t key_count,
                         uint32_t partition_count);

/* True when all rows of equal keys lie in partitions of one number in both, though exchanged apart:
 * both are partitioned by the hash of just these keys, or by one exchange. */
bool partitioning_pairs(struct node *a, const uint32_t *a_keys, struct node *b,
                        const uint32_t *b_keys, uint32_t key_count);

/* True when node is partitioned by the hash of just these keys, in this order. */
bool partitioning_is_hash_of(struct node *node, const uint32_t *keys, uint32_t key_count);

/* The partitioning will be relied on, without a question. False where rows are not where it says,
 * since hot keys of a join were spread, or nothing is known. */
bool partitioning_rely(struct node *node);

/* What is known, for people; PARTITIONED_ANYHOW also where hot keys were spread. */
enum partitioning_kind partitioning_kind_now(struct node *node);

/* Sets node->partitioning from its step and inputs, once; the questions above do so themselves, and
 * for the inputs it was done when node was made. Without memory it is PARTITIONED_ANYHOW, which is
 * always right. Threads: any. */
void partitioning_know(struct node *node);
