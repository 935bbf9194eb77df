#include "shuffle/frame.h"

#include <stdlib.h>

void frame_destroy(struct frame *frame)
{
    if (frame == NULL)
        return;
    batch_destroy(frame->batch);
    block_release(frame->body);
    free(frame);
}
