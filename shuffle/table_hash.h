/* The hash by which a combine table finds keys and orders its output. Not the fixed key hash (S59),
 * which chooses partitions: this one is cheaper, independent of it, and never leaves a job. It is
 * the same on every little-endian machine and in every run. */
#pragma once

#include "barks/str.h"
#include "base/hash.h"

#include <stdint.h>
#include <string.h>

/* Any odd numbers with about as many ones as zeros; the low half of the first is larger than the
 * length of an inlined string, so that no short string makes the first factor zero. */
#define TABLE_HASH_A UINT64_C(0xa0761d6478bd642f)
#define TABLE_HASH_B UINT64_C(0xe7037ed1a0b428db)

/* High and low half of a product, folded: each bit of both factors moves the top bits, which choose
 * the slot. Source: the step of wyhash, by Wang Yi. */
__extension__ typedef unsigned __int128 table_hash_product;

static inline uint64_t table_hash_fold(uint64_t a, uint64_t b)
{
    table_hash_product product = (table_hash_product)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Of a view of at most BARKS_STR_INLINE bytes, as its two halves. */
static inline uint64_t table_hash_view(uint64_t head, uint64_t rest)
{
    return table_hash_fold(head ^ TABLE_HASH_A, rest ^ TABLE_HASH_B);
}

static inline uint64_t table_hash_str(const barks_str *text)
{
    if (text->length > BARKS_STR_INLINE)
        return hash_bytes(text->pointer, text->length);
    uint64_t head, rest;
    memcpy(&head, text, sizeof head);
    memcpy(&rest, text->rest, sizeof rest);
    return table_hash_view(head, rest);
}

static inline uint64_t table_hash_number(uint64_t value)
{
    return table_hash_fold(value ^ TABLE_HASH_A, TABLE_HASH_B);
}
