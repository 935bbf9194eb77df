/* The first byte of an object says its kind (the msgpack specification):
 *
 *     00-7f, e0-ff       a small integer
 *     80-8f              a map of so many pairs
 *     90-9f              an array of so many items
 *     a0-bf              a string of so many bytes
 *     c0, c2, c3         nil, false, true
 *     c4-c6, d9-db       bytes and strings, whose length is the next 1, 2 or 4 bytes
 *     c7-c9, d4-d8       extensions, which nothing here writes
 *     ca, cb, cc-cf, d0-d3   numbers of 4, 8, 1, 2, 4, 8, 1, 2, 4, 8 bytes
 *     dc, dd, de, df     arrays and maps, whose count is the next 2 or 4 bytes
 */
#include "io/packing.h"

/* Where an object ends and how many others follow as its items. */
struct extent_of_object {
    uint64_t bytes;
    uint64_t item_count;
};

static uint64_t read_count(const uint8_t *bytes, size_t width)
{
    uint64_t count = 0;
    for (size_t i = 0; i < width; i++)
        count = count << 8 | bytes[i];
    return count;
}

/* False where it is cut or of a kind that nothing here writes. size_bytes is at least 1. */
static bool measure(const uint8_t *bytes, size_t size_bytes, struct extent_of_object *out)
{
    static const uint8_t number_bytes[] = {4, 8, 1, 2, 4, 8, 1, 2, 4, 8}; /* from ca on */
    uint8_t kind = bytes[0];
    uint64_t count = 0;
    size_t width = 0; /* of the count */
    *out = (struct extent_of_object){.bytes = 1};
    if (kind < 0x80 || kind >= 0xe0 || kind == 0xc0 || kind == 0xc2 || kind == 0xc3)
        return true;
    if (kind >= 0xca && kind <= 0xd3)
        out->bytes += number_bytes[kind - 0xca];
    else if (kind < 0xa0)
        out->item_count = (uint64_t)(kind & 0x0f) << (kind < 0x90);
    else if (kind < 0xc0)
        out->bytes += kind & 0x1f;
    else if ((kind >= 0xc4 && kind <= 0xc6) || (kind >= 0xd9 && kind <= 0xdb))
        width = (size_t)1 << (kind - (kind < 0xd9 ? 0xc4 : 0xd9));
    else if (kind >= 0xdc)
        width = (kind & 1) == 0 ? 2 : 4;
    else
        return false;
    if (1 + width > size_bytes)
        return false;
    count = read_count(bytes + 1, width);
    out->bytes += width;
    if (kind >= 0xdc && kind < 0xe0)
        out->item_count = count << (kind >= 0xde);
    else
        out->bytes += count;
    return out->bytes <= size_bytes;
}

bool packing_is_bounded(const uint8_t *bytes, size_t size_bytes)
{
    uint64_t wanted = 1; /* objects that are still to come: each takes a byte at least */
    struct extent_of_object object;
    for (; wanted > 0 && wanted <= size_bytes; wanted += object.item_count - 1) {
        if (!measure(bytes, size_bytes, &object))
            return false;
        bytes += object.bytes;
        size_bytes -= object.bytes;
    }
    return wanted == 0;
}
