/* How much a dataset is made of, as far as that is known when it is planned. */
#pragma once

#include <stdint.h>

struct node;

/* Bytes of the files, arrays and numbers that the rows of node are made of, UINT64_MAX: unknown, as
 * where a step may multiply them (a cartesian, a join that pairs rows, samples with replacement).
 * Compressed files count as what they may hold. It follows from the input alone, and is computed
 * once a node, for its inputs when it is made. */
uint64_t node_input_bytes(struct node *node);
