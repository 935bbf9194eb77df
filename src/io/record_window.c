#include "io/record_window.h"

#include "io/byte_order_mark.h"
#include "io/input_stream.h"

#include <assert.h>
#include <string.h>

enum { TAIL_BYTES = 4096 }; /* what is read past a split's end at first, then twice as much */

barks_status *record_window_init(struct record_window *window, struct pool *pool,
                                 const struct split *splits, size_t split_count, size_t chunk_bytes,
                                 uint64_t record_bytes_max)
{
    if (chunk_bytes == 0)
        chunk_bytes = WINDOW_CHUNK_BYTES;
    if (record_bytes_max == 0)
        record_bytes_max = WINDOW_RECORD_BYTES_MAX;
    if (chunk_bytes < WINDOW_CHUNK_BYTES_MIN || chunk_bytes > WINDOW_RECORD_BYTES_MAX)
        BARKS_FAIL(BARKS_INVALID, "chunk_bytes is %zu, and must be from %d to %d", chunk_bytes,
                   WINDOW_CHUNK_BYTES_MIN, WINDOW_RECORD_BYTES_MAX);
    if (record_bytes_max > WINDOW_RECORD_BYTES_LIMIT)
        BARKS_FAIL(BARKS_INVALID,
                   "a record of up to %ju bytes is asked for, but it has at most %ju",
                   (uintmax_t)record_bytes_max, (uintmax_t)WINDOW_RECORD_BYTES_LIMIT);
    *window = (struct record_window){
        .pool = pool,
        .splits = splits,
        .split_count = split_count,
        .chunk_bytes = chunk_bytes,
        .record_bytes_max = record_bytes_max,
    };
    return NULL;
}

void record_window_drop(struct record_window *window)
{
    record_window_close(window);
    block_release(window->block);
    *window = (struct record_window){0};
}

static void put_sentinel(struct record_window *window)
{
    memset(window->block->bytes + window->end, 0, WINDOW_SLACK_BYTES);
    window->block->bytes[window->end] = '\n';
}

barks_status *record_window_open(struct record_window *window, uint64_t from)
{
    const struct split *split = &window->splits[window->next_split];
    assert(window->stream == NULL && window->next_split < window->split_count);
    BARKS_TRY(input_stream_open(window->pool, split, from, &window->stream));
    window->next_split++;
    window->split = split;
    window->begin = window->end = window->block != NULL ? window->end : 0;
    window->end_offset = from;
    window->body_end = split->compression == COMPRESSION_NONE ? split->end : UINT64_MAX;
    window->at_end = false;
    window->tail_bytes = TAIL_BYTES;
    window->counted_bytes = 0;
    return NULL;
}

/* Does the file of an uncompressed split begin with a mark? */
BARKS_CHECKED static barks_status *has_mark(struct pool *pool, const struct split *split,
                                            bool *out_has)
{
    struct input_stream *stream = NULL;
    uint8_t head[MARK_BYTES];
    size_t used = 0, read_bytes = 1;
    BARKS_TRY(input_stream_open(pool, split, 0, &stream));
    barks_status *status = NULL;
    while (status == NULL && read_bytes > 0 && used < MARK_BYTES) {
        status = input_stream_read(stream, head + used, MARK_BYTES - used, &read_bytes);
        used += read_bytes;
    }
    input_stream_close(stream);
    *out_has = status == NULL && mark_begins(head, used);
    return status;
}

static bool cuts_a_mark(uint64_t offset) { return offset > 0 && offset <= MARK_BYTES; }

barks_status *record_window_open_text(struct record_window *window, uint64_t before)
{
    const struct split *split = &window->splits[window->next_split];
    uint64_t begin = split->begin, end = split->end;
    bool may_cut = cuts_a_mark(begin) || (cuts_a_mark(end) && end < split->file_bytes);
    bool has = false;
    if (may_cut && split->compression == COMPRESSION_NONE)
        BARKS_TRY(has_mark(window->pool, split, &has));
    if (has) {
        uint64_t text = split->file_bytes > MARK_BYTES ? MARK_BYTES + 1 : MARK_BYTES;
        begin = cuts_a_mark(begin) ? text : begin;
        end = cuts_a_mark(end) ? text : end;
    }
    BARKS_TRY(record_window_open(window, begin > before ? begin - before : 0));
    if (split->compression == COMPRESSION_NONE)
        window->body_end = end;
    return NULL;
}

void record_window_close(struct record_window *window)
{
    input_stream_close(window->stream);
    window->stream = NULL;
    window->split = NULL;
    window->begin = window->end;
}

/* Bytes for a block that holds the unfinished record twice, so that the copies of one that goes on
 * and on stay below twice its length. */
static size_t block_bytes_for(const struct record_window *window)
{
    size_t partial = window->end - window->begin;
    size_t least = window->chunk_bytes + WINDOW_SLACK_BYTES;
    if (partial <= window->chunk_bytes / 2)
        return least;
    size_t largest = (size_t)window->record_bytes_max + 2 + least; /* below 2^33 */
    size_t doubled = window->chunk_bytes + BLOCK_SLACK_BYTES;
    while (doubled < 2 * partial + WINDOW_SLACK_BYTES + BLOCK_SLACK_BYTES)
        doubled *= 2;
    doubled -= BLOCK_SLACK_BYTES;
    return doubled < largest ? doubled : largest;
}

/* Moves the unfinished record to the start of a block: the same one when nobody else holds it. */
BARKS_CHECKED static barks_status *carry(struct record_window *window)
{
    size_t partial = window->end - window->begin;
    size_t size_bytes = block_bytes_for(window);
    if (window->block != NULL && window->block->size_bytes >= size_bytes &&
        window->block->size_bytes < 4 * size_bytes && block_is_mine(window->block)) {
        memmove(window->block->bytes, window->block->bytes + window->begin, partial);
    } else {
        struct block *block = NULL;
        if (window->block != NULL && partial == 0) { /* first back, then a new one */
            block_release(window->block);
            window->block = NULL;
        }
        BARKS_TRY_DOING(
            block_create(window->pool, size_bytes, &block), "read the record at byte %ju of '%s'",
            (uintmax_t)record_window_offset(window, window->begin), window->split->path);
        if (partial > 0)
            memcpy(block->bytes, window->block->bytes + window->begin, partial);
        block_release(window->block);
        window->block = block;
    }
    window->begin = 0;
    window->end = partial;
    return NULL;
}

static void count_file_bytes(struct record_window *window, uint64_t from)
{
    uint64_t taken_bytes = window->stream->reader.position - from;
    window->file_bytes += taken_bytes - window->counted_bytes;
    window->counted_bytes = taken_bytes;
}

barks_status *record_window_more(struct record_window *window, bool batch_uses_block,
                                 bool *out_full)
{
    size_t partial = window->end - window->begin;
    size_t read_bytes = 0;
    *out_full = false;
    if (window->at_end)
        return NULL;
    if (partial > window->record_bytes_max)
        BARKS_FAIL(BARKS_LIMIT,
                   "the record that begins at byte %ju of '%s' has more than %ju bytes: is a quote "
                   "not closed? Raise line_bytes_max if it is right",
                   (uintmax_t)record_window_offset(window, window->begin), window->split->path,
                   (uintmax_t)window->record_bytes_max);
    uint64_t wanted = window->body_end - window->end_offset;
    if (window->end_offset >= window->body_end)
        wanted = window->tail_bytes;
    size_t least = window->chunk_bytes / 4; /* below that, reads would be small */
    if (wanted < least)
        least = (size_t)wanted;
    if (window->block == NULL ||
        window->block->size_bytes - WINDOW_SLACK_BYTES < window->end + least) {
        *out_full = batch_uses_block;
        if (batch_uses_block)
            return NULL;
        BARKS_TRY(carry(window));
    }
    size_t room = window->block->size_bytes - WINDOW_SLACK_BYTES - window->end;
    uint64_t position = window->stream->reader.position;
    if (wanted > room)
        wanted = room;
    if (window->counted_bytes > 0)
        position -= window->counted_bytes; /* where the file was opened */
    BARKS_TRY(input_stream_read(window->stream, window->block->bytes + window->end, (size_t)wanted,
                                &read_bytes));
    count_file_bytes(window, position);
    if (window->end_offset >= window->body_end && window->tail_bytes < window->chunk_bytes)
        window->tail_bytes *= 2;
    window->end += read_bytes;
    window->end_offset += read_bytes;
    window->at_end = read_bytes == 0;
    put_sentinel(window);
    return NULL;
}

uint64_t record_window_line(struct pool *pool, const struct split *split, uint64_t offset)
{
    struct input_stream *stream = NULL;
    uint64_t line = 1;
    uint64_t left = offset;
    uint8_t bytes[2048];
    barks_status *status = input_stream_open(pool, split, 0, &stream);
    while (status == NULL && left > 0) {
        size_t read_bytes = 0;
        size_t wanted = left < sizeof bytes ? (size_t)left : sizeof bytes;
        status = input_stream_read(stream, bytes, wanted, &read_bytes);
        if (read_bytes == 0)
            break;
        for (size_t i = 0; i < read_bytes; i++)
            line += bytes[i] == '\n';
        left -= read_bytes;
    }
    input_stream_close(stream);
    if (status == NULL)
        return line;
    barks_status_free(status);
    return 0;
}
