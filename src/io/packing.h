/* msgpack into a buffer, and a look at msgpack that comes from outside. */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packing {
    struct buffer *out;
    barks_status *error; /* the first; the packer goes on, and whoever made it returns this */
};

/* For msgpack_packer_init, with a struct packing as data. */
static inline int packing_write(void *data, const char *bytes, size_t size_bytes)
{
    struct packing *packing = data;
    if (packing->error == NULL)
        packing->error = buffer_append(packing->out, bytes, size_bytes);
    return packing->error == NULL ? 0 : -1;
}

/* Is the first object whole, and does nothing in it claim more items than there are bytes?
 * msgpack-c believes such claims and allocates for them: five bytes could ask for 64 GiB. To be
 * called before it unpacks. */
bool packing_is_bounded(const uint8_t *bytes, size_t size_bytes);
