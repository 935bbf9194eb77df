/* The bytes of splits as a window that moves over them record by record: what readers of CSV, JSON
 * lines and fixed records share. */
#pragma once

#include "barks/status.h"
#include "batch/block.h"
#include "io/split.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input_stream;
struct pool;

enum {
    WINDOW_CHUNK_BYTES = 256 * 1024 - BLOCK_SLACK_BYTES, /* a block of the pool */
    WINDOW_CHUNK_BYTES_MIN = 16,
    WINDOW_SLACK_BYTES = 64, /* of the block after end: '\n' and then zeros, for scans without a
                                test for the end */
    WINDOW_RECORD_BYTES_MAX = 1 << 30,
};
#define WINDOW_RECORD_BYTES_LIMIT UINT64_C(0xf0000000) /* a string's length has 32 bits */

/* Begins with record_window_init, ends with record_window_drop. Threads: one owner at a time.
 * Invariant: begin <= end <= block->size_bytes - WINDOW_SLACK_BYTES; block->bytes[end] is '\n'. */
struct record_window {
    struct pool *pool;
    const struct split *splits; /* borrowed */
    size_t split_count;
    size_t next_split;
    const struct split *split;   /* the open one, NULL: none */
    struct input_stream *stream; /* owned */
    struct block *block;         /* one reference, NULL before the first split */
    size_t begin;                /* what has been taken ends here; the owner moves it on */
    size_t end;                  /* what has been read ends here */
    uint64_t end_offset;         /* of end, in the text */
    uint64_t body_end;           /* records that begin here or later are another split's */
    bool at_end;                 /* nothing follows end */
    size_t tail_bytes;           /* what is read next beyond body_end */
    uint64_t file_bytes;         /* taken of files so far, as they are stored */
    uint64_t counted_bytes;      /* of the open file, already in file_bytes */
    size_t chunk_bytes;
    uint64_t record_bytes_max;
};

/* 0 for both sizes means the defaults. Errors: BARKS_INVALID. */
BARKS_CHECKED barks_status *record_window_init(struct record_window *window, struct pool *pool,
                                               const struct split *splits, size_t split_count,
                                               size_t chunk_bytes, uint64_t record_bytes_max);
void record_window_drop(struct record_window *window); /* zeroed is fine */

/* Opens splits[next_split] to be read from offset `from` on, and empties the window. Errors: as
 * input_stream_open. */
BARKS_CHECKED barks_status *record_window_open(struct record_window *window, uint64_t from);
/* The same for text, from `before` bytes before the split's beginning on, or from the file's. The
 * first record of a file begins with its byte-order mark, and belongs with it to the split of byte
 * 0: a cut in a mark or right behind it is moved behind the first byte of the text. */
BARKS_CHECKED barks_status *record_window_open_text(struct record_window *window, uint64_t before);
void record_window_close(struct record_window *window); /* the open split */

/* Reads what follows end. Where the record from begin on does not fit, it is moved into a larger
 * block; but when batch_uses_block, *out_full says that the batch must be handed out before.
 * Errors: those of input_stream_read; BARKS_LIMIT: a record above record_bytes_max; the budget. */
BARKS_CHECKED barks_status *record_window_more(struct record_window *window, bool batch_uses_block,
                                               bool *out_full);

static inline uint64_t record_window_offset(const struct record_window *window, size_t position)
{
    return window->end_offset - window->end + position;
}

/* Does the record that comes next belong to the open split? */
static inline bool record_window_has_record(const struct record_window *window)
{
    return record_window_offset(window, window->begin) < window->body_end &&
           !(window->at_end && window->begin == window->end);
}

/* Which line, from 1 on, the byte at offset of the split's file is in: reads the file from its
 * beginning, for errors alone. 0 where that fails. */
uint64_t record_window_line(struct pool *pool, const struct split *split, uint64_t offset);
