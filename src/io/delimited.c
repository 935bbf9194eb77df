#include "io/delimited.h"

#include "io/byte_order_mark.h"

bool separator_overlaps(const uint8_t *separator, size_t separator_bytes)
{
    for (size_t shift = 1; shift < separator_bytes; shift++)
        if (memcmp(separator, separator + shift, separator_bytes - shift) == 0)
            return true;
    return false;
}

barks_status *delimited_open(struct delimited *records)
{
    struct record_window *window = &records->window;
    records->in_records = window->splits[window->next_split].begin == 0;
    /* A separator may end where the split begins. */
    BARKS_TRY(record_window_open_text(window, records->separator_bytes));
    records->searched = 0;
    return NULL;
}

/* The first separator from `from` on, or NULL. */
static const uint8_t *find_separator(const struct delimited *records, const uint8_t *from)
{
    const struct record_window *window = &records->window;
    size_t left = (size_t)(window->block->bytes + window->end - from);
    return records->separator_bytes == 1
               ? memchr(from, records->separator[0], left)
               : memmem(from, left, records->separator, records->separator_bytes);
}

/* Steps over a byte-order mark, or over the record of the split before. */
static void find_first(struct delimited *records)
{
    struct record_window *window = &records->window;
    const uint8_t *begin = window->block->bytes + window->begin;
    size_t left = window->end - window->begin;
    if (records->in_records) {
        if (record_window_offset(window, window->begin) == 0 && mark_begins(begin, left)) {
            window->begin += MARK_BYTES;
            records->searched = 0;
        }
        return;
    }
    const uint8_t *separator = find_separator(records, begin);
    size_t kept = records->separator_bytes - 1; /* may be the first bytes of one */
    if (separator != NULL)
        window->begin += (size_t)(separator - begin) + records->separator_bytes;
    else if (left > kept)
        window->begin = window->end - kept;
    records->in_records = separator != NULL;
}

barks_status *delimited_find(struct delimited *records, bool batch_uses_block,
                             enum record_found *out_found, size_t *out_length)
{
    struct record_window *window = &records->window;
    bool is_full = false;
    for (;;) {
        const uint8_t *end = NULL;
        if (window->begin < window->end)
            find_first(records);
        if (window->begin < window->end && records->in_records)
            end = find_separator(records, window->block->bytes + window->begin + records->searched);
        if (end == NULL && window->at_end && window->begin < window->end)
            end = window->block->bytes + window->end; /* the last record ends with the file */
        bool is_past = record_window_offset(window, window->begin) >= window->body_end;
        if (is_past || (end == NULL && window->at_end) ||
            (end != NULL && (!records->in_records || !record_window_has_record(window)))) {
            record_window_close(window);
            *out_found = RECORD_NONE;
            return NULL;
        }
        if (end != NULL) {
            *out_length = (size_t)(end - window->block->bytes) - window->begin;
            *out_found = RECORD_FOUND;
            return NULL;
        }
        size_t left = window->end - window->begin;
        if (records->in_records)
            records->searched =
                left >= records->separator_bytes ? left - records->separator_bytes + 1 : 0;
        BARKS_TRY(record_window_more(window, batch_uses_block, &is_full));
        if (is_full) {
            *out_found = RECORD_FULL;
            return NULL;
        }
    }
}

void delimited_pass(struct delimited *records, size_t length)
{
    struct record_window *window = &records->window;
    records->searched = 0;
    window->begin += length + records->separator_bytes;
    if (window->begin > window->end) /* the last record has no separator */
        window->begin = window->end;
}
