/* Bytes and durations as people write them: 32m, 1.5 GiB, 250ms. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for what units_format_* write, the final zero byte included. */
enum { UNITS_TEXT_BYTES = 24 };

struct units_text {
    char text[UNITS_TEXT_BYTES];
};

/* "0 B", "17 B", "1.5 KiB", "64.0 MiB" ...: for people, rounded. */
struct units_text units_bytes(uint64_t bytes);

/* "340 ns", "1.5 ms", "12.3 s", "2 m 05 s", "3 h 07 m": for people, rounded. */
struct units_text units_duration(uint64_t ns);

/* A whole number and k, m, g or t for powers of 1024, of either case, also as kb or kib; nothing
 * else. False: not such a text, or past 2^64 - 1. */
bool units_parse_bytes(const char *text, uint64_t *out_bytes);

/* A whole number and ns, us, ms, s, m, h or d. */
bool units_parse_duration(const char *text, uint64_t *out_ns);

/* The shortest exact text that units_parse_bytes and units_parse_duration read back: "32m",
 * "1500ms". */
struct units_text units_exact_bytes(uint64_t bytes);
struct units_text units_exact_duration(uint64_t ns);
