#include "io/text_source.h"

#include "base/checked.h"
#include "batch/batch.h"
#include "batch/block.h"
#include "io/byte_order_mark.h"
#include "io/input_stream.h"
#include "io/lines.h"
#include "io/split.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    TAIL_BYTES = 4096, /* what is read past a split's end at first, to finish its last line; then
                          twice as much each time */
};

/* A split is read in phases. A line belongs to the split in which it begins, so the last one is
 * read beyond the end, and what comes before the first line end is skipped; that line end may be
 * the byte before the split. */
enum phase {
    PHASE_NEXT, /* no split is open */
    PHASE_SKIP, /* looking for the first line end from begin - 1 on */
    PHASE_BODY, /* up to end: every line that begins here is ours */
    PHASE_TAIL, /* beyond end: the rest of the last line */
};

/* Rows of the last batch from first_row on lie in the block from begin on, one after the other. */
struct run {
    uint32_t first_row;
    size_t begin;
    uint64_t offset; /* of begin, in the text of the split's file */
    const char *path;
};

struct text_source {
    struct source base;
    struct pool *pool;
    newline_find_fn *find;
    uint64_t line_bytes_max;
    size_t chunk_bytes;
    const struct split *splits; /* borrowed */
    size_t split_count;
    size_t next_split;

    enum phase phase;
    const struct split *split;   /* the open one */
    struct input_stream *stream; /* owned, NULL in PHASE_NEXT */
    uint64_t read_offset;   /* in the text: where the next read continues, the end of what the block
                               holds */
    uint64_t body_end;      /* in the text */
    uint64_t counted_bytes; /* of the open file, already in base.file_bytes */
    size_t tail_bytes;

    struct block *block; /* one reference, NULL before the first read */
    struct line_cursor cursor;

    struct run *runs; /* of the last batch; BATCH_ROWS of them, since each has a row */
    uint32_t run_count;
};

static const barks_type str_type = {.id = BARKS_STR};
static const barks_field text_fields[] = {{.name = "text", .type = &str_type}};
static const barks_schema text_schema = {.field_count = 1, .fields = text_fields};

const barks_schema *text_source_schema(void) { return &text_schema; }

static uint64_t offset_of(const struct text_source *text, size_t position)
{
    return text->read_offset - (text->cursor.end - position);
}

static size_t partial_bytes(const struct text_source *text)
{
    return text->cursor.end - text->cursor.line_begin;
}

static void count_file_bytes(struct text_source *text)
{
    uint64_t taken_bytes =
        text->stream->reader.position - (text->split->begin > 0 ? text->split->begin - 1 : 0);
    text->base.file_bytes += taken_bytes - text->counted_bytes;
    text->counted_bytes = taken_bytes;
}

static void finish_split(struct text_source *text)
{
    input_stream_close(text->stream);
    text->stream = NULL;
    text->phase = PHASE_NEXT;
    text->cursor.line_begin = text->cursor.scanned =
        text->cursor.end; /* what the tail read too much */
}

BARKS_CHECKED static barks_status *begin_split(struct text_source *text)
{
    const struct split *split = &text->splits[text->next_split];
    uint64_t begin = split->begin > 0 ? split->begin - 1 : 0;
    BARKS_TRY(input_stream_open(text->pool, split, begin, &text->stream));
    text->next_split++;
    text->split = split;
    text->phase = split->begin > 0 ? PHASE_SKIP : PHASE_BODY;
    text->read_offset = begin;
    text->body_end = split->compression == COMPRESSION_NONE ? split->end : UINT64_MAX;
    text->counted_bytes = 0;
    text->tail_bytes = TAIL_BYTES;
    return NULL;
}

BARKS_CHECKED static barks_status *fail_long_line(const struct text_source *text, uint64_t offset)
{
    BARKS_FAIL(
        BARKS_LIMIT,
        "the line that begins at byte %ju of '%s' has more than %ju bytes: is it text? Raise "
        "line_bytes_max if it is",
        (uintmax_t)offset, text->split->path, (uintmax_t)text->line_bytes_max);
}

/* How large a block the unfinished line needs: twice what is there, so that the copies of a line
 * that goes on and on stay below twice its length; the last step ends just above the longest line
 * that is allowed. */
static size_t block_bytes_for(const struct text_source *text)
{
    size_t partial = partial_bytes(text);
    if (partial <= text->chunk_bytes / 2)
        return text->chunk_bytes;
    size_t largest =
        text->line_bytes_max + 2 + text->chunk_bytes; /* < 2^32 + 2^31: size_t has 64 bits */
    size_t doubled = text->chunk_bytes + BLOCK_SLACK_BYTES;
    while (doubled < 2 * partial + BLOCK_SLACK_BYTES)
        doubled *=
            2; /* a power of two when chunk_bytes is the default: all of a block of the pool */
    doubled -= BLOCK_SLACK_BYTES;
    return doubled < largest ? doubled : largest;
}

/* Moves the unfinished line to the start of a block: the same one when nobody else holds it. */
BARKS_CHECKED static barks_status *carry(struct text_source *text)
{
    size_t partial = partial_bytes(text);
    const uint8_t *from = text->cursor.bytes + text->cursor.line_begin;
    size_t size_bytes = text->block == NULL ? text->chunk_bytes : block_bytes_for(text);
    if (text->block != NULL && text->block->size_bytes == size_bytes &&
        block_is_mine(text->block)) {
        memmove(text->block->bytes, from, partial);
    } else {
        struct block *block = NULL;
        if (text->block != NULL &&
            partial == 0) { /* first back, then a new one: the pool needs one less */
            block_release(text->block);
            text->block = NULL;
        }
        BARKS_TRY_DOING(block_create(text->pool, size_bytes, &block),
                        "read the line at byte %ju of '%s'",
                        (uintmax_t)offset_of(text, text->cursor.line_begin), text->split->path);
        if (partial > 0)
            memcpy(block->bytes, from, partial);
        block_release(text->block);
        text->block = block;
    }
    text->cursor = (struct line_cursor){
        .bytes = text->block->bytes,
        .scanned = text->cursor.scanned - text->cursor.line_begin,
        .end = partial,
    };
    return NULL;
}

/* Bytes to read next, and room for them; *out_wanted 0 says that the block is full while the batch
 * still uses it. */
BARKS_CHECKED static barks_status *make_room(struct text_source *text, bool batch_uses_block,
                                             size_t *out_wanted)
{
    uint64_t wanted =
        text->phase == PHASE_TAIL ? text->tail_bytes : text->body_end - text->read_offset;
    size_t least = text->chunk_bytes / 4; /* below that, reads would be small */
    if (wanted < least)
        least = (size_t)wanted;
    *out_wanted = 0;
    if (text->block == NULL || text->block->size_bytes - text->cursor.end < least) {
        if (batch_uses_block)
            return NULL;
        BARKS_TRY(carry(text));
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): carry, if called, made a block. */
    size_t room_bytes = text->block->size_bytes - text->cursor.end;
    *out_wanted = wanted < room_bytes ? (size_t)wanted : room_bytes;
    return NULL;
}

/* The first line of a file may begin with a byte-order mark, which is no text. */
static void drop_mark(barks_str *view)
{
    const char *bytes = barks_str_bytes(view);
    if (mark_begins(bytes, view->length)) {
        char rest[BARKS_STR_INLINE];
        size_t length = view->length - MARK_BYTES;
        if (barks_str_is_inline(*view)) { /* its bytes lie where the new ones are written */
            memcpy(rest, bytes + MARK_BYTES, length);
            *view = barks_str_of(rest, length);
        } else {
            *view = barks_str_of(bytes + MARK_BYTES, length);
        }
    }
}

BARKS_CHECKED static barks_status *
check_lengths(const struct text_source *text, const barks_str *views, uint32_t count, size_t begin)
{
    const uint8_t *at = text->cursor.bytes + begin;
    for (uint32_t i = 0; i < count; i++) {
        if (views[i].length > text->line_bytes_max)
            return fail_long_line(text, offset_of(text, (size_t)(at - text->cursor.bytes)));
        at = (const uint8_t *)memchr(at, '\n',
                                     text->cursor.end - (size_t)(at - text->cursor.bytes)) +
             1;
    }
    return NULL;
}

/* Notes where the rows of the batch from first_row on come from, once they are there. */
static void add_run(struct text_source *text, uint32_t first_row, size_t begin)
{
    text->runs[text->run_count++] = (struct run){
        .first_row = first_row,
        .begin = begin,
        .offset = offset_of(text, begin),
        .path = text->split->path,
    };
}

/* Rows out of what the block holds of the open split. */
BARKS_CHECKED static barks_status *take_lines(struct text_source *text, struct batch *batch)
{
    uint32_t row_count = batch->base.row_count;
    barks_str *views = (barks_str *)batch->base.columns[0].values + row_count;
    size_t begin = text->cursor.line_begin;
    uint32_t view_max = text->phase == PHASE_TAIL ? 1 : BATCH_ROWS - row_count;
    uint32_t count = lines_take(&text->cursor, text->find, views, view_max);
    if (count > 0) {
        if (text->line_bytes_max < text->block->size_bytes)
            BARKS_TRY(check_lengths(text, views, count, begin));
        add_run(text, row_count, begin);
        if (text->runs[text->run_count - 1].offset == 0)
            drop_mark(&views[0]);
        batch->base.row_count += count;
        if (text->phase == PHASE_TAIL)
            finish_split(text);
    }
    return NULL;
}

/* The last line of a file that does not end in \n. Without \n its \r is data like any other. */
BARKS_CHECKED static barks_status *take_last_line(struct text_source *text, struct batch *batch)
{
    size_t begin = text->cursor.line_begin;
    size_t length = partial_bytes(text);
    if (length > text->line_bytes_max)
        return fail_long_line(text, offset_of(text, begin));
    barks_str view = barks_str_of((const char *)text->cursor.bytes + begin, length);
    if (offset_of(text, begin) == 0)
        drop_mark(&view);
    if (view.length > 0 || offset_of(text, begin) > 0) { /* nothing but a mark is an empty file */
        add_run(text, batch->base.row_count, begin);
        ((barks_str *)batch->base.columns[0].values)[batch->base.row_count++] = view;
    }
    return NULL;
}

/* Goes from one piece of text to the next; *out_full when that has to wait until the batch is
 * handed out. */
BARKS_CHECKED static barks_status *read_more(struct text_source *text, struct batch *batch,
                                             bool *out_full)
{
    size_t wanted = 0;
    size_t read_bytes = 0;
    if (text->phase != PHASE_TAIL && text->read_offset >= text->body_end) {
        if (text->phase == PHASE_SKIP || partial_bytes(text) == 0) {
            finish_split(text);
            return NULL;
        }
        text->phase = PHASE_TAIL;
    }
    if (partial_bytes(text) > text->line_bytes_max + 1) /* 1: it might be the \r */
        return fail_long_line(text, offset_of(text, text->cursor.line_begin));
    BARKS_TRY(make_room(text, batch->base.row_count > 0, &wanted));
    *out_full = wanted == 0;
    if (wanted == 0)
        return NULL;
    BARKS_TRY(input_stream_read(text->stream, text->block->bytes + text->cursor.end, wanted,
                                &read_bytes));
    text->cursor.end += read_bytes;
    text->read_offset += read_bytes;
    count_file_bytes(text);
    if (text->phase == PHASE_TAIL && text->tail_bytes < text->chunk_bytes)
        text->tail_bytes *= 2;
    if (read_bytes == 0) {
        if (text->phase != PHASE_SKIP && partial_bytes(text) > 0)
            BARKS_TRY(take_last_line(text, batch));
        finish_split(text);
    }
    return NULL;
}

/* Drops what belongs to a line of the split before. */
static void skip_line(struct text_source *text)
{
    const uint8_t *at = text->cursor.bytes + text->cursor.scanned;
    const uint8_t *newline = NULL;
    if (text->cursor.scanned < text->cursor.end)
        newline = memchr(at, '\n', text->cursor.end - text->cursor.scanned);
    if (newline != NULL)
        text->phase = PHASE_BODY;
    text->cursor.line_begin =
        newline != NULL ? (size_t)(newline - text->cursor.bytes) + 1 : text->cursor.end;
    text->cursor.scanned = text->cursor.line_begin;
}

BARKS_CHECKED static barks_status *fill(struct text_source *text, struct batch *batch)
{
    bool full = false;
    while (!full && batch->base.row_count < BATCH_ROWS) {
        if (text->phase == PHASE_NEXT) {
            if (text->next_split == text->split_count)
                break;
            BARKS_TRY(begin_split(text));
        }
        if (text->phase == PHASE_SKIP)
            skip_line(text);
        if (text->phase != PHASE_SKIP && text->cursor.scanned < text->cursor.end)
            BARKS_TRY(take_lines(text, batch));
        if (text->phase != PHASE_NEXT && batch->base.row_count < BATCH_ROWS)
            BARKS_TRY(read_more(text, batch, &full));
    }
    if (batch->base.row_count > 0)
        BARKS_TRY(batch_keep_block(batch, text->block));
    return NULL;
}

BARKS_CHECKED static barks_status *text_next(struct source *source, struct batch *batch)
{
    struct text_source *text = (struct text_source *)source; /* base comes first */
    assert(batch->base.schema->field_count == 1 && batch->base.columns[0].type->id == BARKS_STR);
    batch_clear(batch);
    text->run_count = 0;
    BARKS_TRY(batch_reserve(batch, BATCH_ROWS));
    barks_status *status = fill(text, batch);
    if (status != NULL) {
        batch->base.row_count = 0;
        return status;
    }
    source->row_count += batch->base.row_count;
    return NULL;
}

static void text_place(const struct source *source, uint32_t row, struct source_place *out_place)
{
    const struct text_source *text = (const struct text_source *)source;
    assert(text->run_count > 0);
    uint32_t r = text->run_count - 1;
    while (text->runs[r].first_row > row)
        r--;
    const struct run *run = &text->runs[r];
    const uint8_t *begin = text->block->bytes + run->begin;
    const uint8_t *at = begin;
    for (uint32_t i = run->first_row; i < row; i++) /* the rows before it are whole lines */
        at = (const uint8_t *)memchr(at, '\n',
                                     text->cursor.end - (size_t)(at - text->block->bytes)) +
             1;
    *out_place =
        (struct source_place){.path = run->path, .offset = run->offset + (uint64_t)(at - begin)};
}

static void text_close(struct source *source)
{
    struct text_source *text = (struct text_source *)source;
    input_stream_close(text->stream);
    block_release(text->block);
    free(text->runs);
    free(text);
}

static const struct source_ops text_ops = {
    .next = text_next, .place = text_place, .close = text_close};

barks_status *text_source_open(struct pool *pool, const struct text_source_options *options,
                               const struct split *splits, size_t split_count,
                               struct source **out_source)
{
    uint64_t line_bytes_max =
        options->line_bytes_max != 0 ? options->line_bytes_max : TEXT_LINE_BYTES_MAX;
    size_t chunk_bytes = options->chunk_bytes != 0 ? options->chunk_bytes : TEXT_CHUNK_BYTES;
    if (line_bytes_max > TEXT_LINE_BYTES_LIMIT)
        BARKS_FAIL(BARKS_INVALID, "line_bytes_max is %ju, but lines have at most %ju bytes",
                   (uintmax_t)line_bytes_max, (uintmax_t)TEXT_LINE_BYTES_LIMIT);
    if (chunk_bytes < TEXT_CHUNK_BYTES_MIN || chunk_bytes > TEXT_LINE_BYTES_MAX)
        BARKS_FAIL(BARKS_INVALID, "chunk_bytes is %zu, and must be from %d to %d", chunk_bytes,
                   TEXT_CHUNK_BYTES_MIN, TEXT_LINE_BYTES_MAX);
    struct text_source *text = calloc(1, sizeof *text);
    struct run *runs = calloc(BATCH_ROWS, sizeof *runs);
    if (text == NULL || runs == NULL) {
        free(text);
        free(runs);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to read text");
    }
    *text = (struct text_source){
        .base = {.ops = &text_ops, .schema = &text_schema},
        .pool = pool,
        .find = newline_best(),
        .line_bytes_max = line_bytes_max,
        .chunk_bytes = chunk_bytes,
        .splits = splits,
        .split_count = split_count,
        .runs = runs,
        .cursor = {.bytes = (const uint8_t *)""}, /* no block yet, but always a pointer */
    };
    *out_source = &text->base;
    return NULL;
}
