/* What the generators of input share: random numbers from a seed, numbers of the command line,
 * buffered output. All of it gives the same bytes on every machine. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct random { /* xoroshiro128+ (Blackman and Vigna 2018): of its 64 bits the lowest are weak */
    uint64_t state[2];
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t a = random->state[0], b = random->state[1];
    uint64_t result = a + b;
    b ^= a;
    random->state[0] = ((a << 24) | (a >> 40)) ^ b ^ (b << 16);
    random->state[1] = (b << 37) | (b >> 27);
    return result;
}

/* splitmix64 of a step of its own. */
static inline uint64_t random_mixed(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Any seed, 0 too, gives a good state. */
static inline struct random random_of(uint64_t seed)
{
    struct random random;
    for (int i = 0; i < 2; i++)
        random.state[i] = random_mixed(seed += UINT64_C(0x9e3779b97f4a7c15));
    return random;
}

/* "64M": digits, then k, M or G (powers of 1024) where that is wanted. */
static inline bool parse_number(const char *text, uint64_t *out_number)
{
    char *end = NULL;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || text[0] == '-')
        return false;
    unsigned shift = *end == 'k' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
    if (end[shift > 0] != '\0' || number > UINT64_MAX >> shift)
        return false;
    *out_number = number << shift;
    return true;
}

/* False, with errno, where it cannot all be written. */
static inline bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno != EINTR)
            return false;
        bytes += n > 0 ? n : 0;
        length -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

enum { OUTPUT_BYTES = 1 << 20, OUTPUT_SPARE_BYTES = 4096 };

struct output { /* to stdout; begins as zeros */
    size_t used_bytes;
    char buffer[OUTPUT_BYTES + OUTPUT_SPARE_BYTES];
};

static inline bool output_flush(struct output *output)
{
    bool is_written = write_all(STDOUT_FILENO, output->buffer, output->used_bytes);
    output->used_bytes = 0;
    return is_written;
}

/* Room for OUTPUT_SPARE_BYTES, or NULL where what was there cannot be written. The caller adds to
 * used_bytes what it has put there. */
static inline char *output_room(struct output *output)
{
    if (output->used_bytes >= OUTPUT_BYTES && !output_flush(output))
        return NULL;
    return output->buffer + output->used_bytes;
}

/* Decimal digits of a number; returns their end. */
static inline char *put_number(char *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    memcpy(out, digits + at, sizeof digits - at);
    return out + (sizeof digits - at);
}
