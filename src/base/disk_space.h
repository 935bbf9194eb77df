/* How much room a full file system has, for the sentence that says that it is full. */
#pragma once

#include <stdint.h>

enum { DISK_SPACE_TEXT_BYTES = 96 };

/* For ENOSPC " (524288 bytes were wanted, 4096 are free)", by the file system of the descriptor,
 * without the first half where wanted_bytes is 0; "" for other errors, or where it cannot be told.
 * Threads: any. */
void disk_space_text(int descriptor, int error_number, uint64_t wanted_bytes,
                     char out[DISK_SPACE_TEXT_BYTES]);
