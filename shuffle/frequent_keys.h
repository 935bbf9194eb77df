/* How often the frequent ones among many keys occur, in memory that does not grow. */
#pragma once

#include <stdint.h>

enum {
    FREQUENT_KEYS_MAX = 1024, /* that are counted at a time */
    FREQUENT_KEY_SLOTS = 2 * FREQUENT_KEYS_MAX,
};

struct frequent_key {
    uint64_t hash;
    uint32_t count; /* 0: the slot is free */
};

/* Begins zeroed. Of n keys that were added, one that occurred k times has a count of at least
 * k - n / FREQUENT_KEYS_MAX, and at most k: so those that are there again and again never get lost.
 * Threads: one owner at a time.
 * Source: Misra and Gries, "Finding Repeated Elements", Science of Computer Programming 2, 1982. */
struct frequent_keys {
    uint64_t added_count; /* keys, each as often as it was added */
    uint32_t key_count;   /* that are counted */
    struct frequent_key slots[FREQUENT_KEY_SLOTS];
    struct frequent_key left[FREQUENT_KEYS_MAX]; /* while they are counted down */
};

void frequent_keys_clear(struct frequent_keys *keys);

/* Adds a key `times` times, at least once, and returns its count. Cost: O(1), amortised. */
uint32_t frequent_keys_add(struct frequent_keys *keys, uint64_t hash, uint32_t times);
