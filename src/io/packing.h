/* What a msgpack packer writes, into a buffer. */
#pragma once

#include "base/buffer.h"

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
