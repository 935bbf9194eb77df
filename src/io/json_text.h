/* Texts as JSON writes them. */
#pragma once

#include "barks/status.h"

#include <stddef.h>

struct file_writer;

/* Writes the bytes in quotes, with what JSON wants escaped; bytes that are no UTF-8 become U+FFFD,
 * since JSON cannot hold them. Errors: as file_writer_put. */
BARKS_CHECKED barks_status *json_put_text(struct file_writer *writer, const char *bytes,
                                          size_t size_bytes);
