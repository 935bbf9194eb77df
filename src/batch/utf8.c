#include "batch/utf8.h"

#include <stdint.h>
#include <string.h>

static bool in_range(unsigned char byte, unsigned char low, unsigned char high)
{
    return byte >= low && byte <= high;
}

size_t utf8_character_bytes(const char *bytes, size_t n)
{
    unsigned char head = (unsigned char)bytes[0];
    if (head < 0x80)
        return 1;
    size_t length = head >= 0xf0 ? 4 : head >= 0xe0 ? 3 : 2;
    if (!in_range(head, 0xc2, 0xf4) || n < length)
        return 0;
    /* The second byte alone tells too long forms, surrogates and what is above U+10FFFF. */
    unsigned char low = head == 0xe0 ? 0xa0 : head == 0xf0 ? 0x90 : 0x80;
    unsigned char high = head == 0xed ? 0x9f : head == 0xf4 ? 0x8f : 0xbf;
    if (!in_range((unsigned char)bytes[1], low, high))
        return 0;
    for (size_t i = 2; i < length; i++)
        if (!in_range((unsigned char)bytes[i], 0x80, 0xbf))
            return 0;
    return length;
}

bool utf8_is_valid(const char *bytes, size_t n)
{
    size_t at = 0;
    while (at < n) {
        uint64_t eight = 0;
        if (n - at >= sizeof eight) { /* most text is ASCII */
            memcpy(&eight, bytes + at, sizeof eight);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        size_t length = utf8_character_bytes(bytes + at, n - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}
