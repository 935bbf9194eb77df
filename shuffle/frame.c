#include "shuffle/frame.h"

#include "base/hash.h"

#include <stdlib.h>

uint32_t frame_name_check(const struct frame_name *name)
{
    struct frame_name unchecked = *name;
    unchecked.check = 0;
    return (uint32_t)hash_bytes(&unchecked, sizeof unchecked);
}

void frame_destroy(struct frame *frame)
{
    if (frame == NULL)
        return;
    batch_destroy(frame->batch);
    block_release(frame->body);
    free(frame);
}
