#include "history/history_record.h"

#include "base/assertion.h"
#include "base/hash.h"
#include "base/scope.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Every field is a word, in the order of the list: so a letter for each is the layout of a kind. */
#define NUMBER_LETTER(name) "N"
#define TEXT_LETTER(name) "T"
enum { WORD_BYTES = 8 };
_Static_assert(sizeof(char *) == WORD_BYTES && sizeof(uint64_t) == WORD_BYTES, "fields are words");
#define CHECK_SIZE(number, NAME, name)                                                             \
    _Static_assert(sizeof(struct history_##name) ==                                                \
                       WORD_BYTES * (sizeof(HISTORY_##NAME(NUMBER_LETTER, TEXT_LETTER)) - 1),      \
                   "no room between the fields");
HISTORY_KINDS(CHECK_SIZE)

static const char *layout_of(uint64_t kind)
{
#define CASE(number, NAME, name)                                                                   \
    case number:                                                                                   \
        return HISTORY_##NAME(NUMBER_LETTER, TEXT_LETTER);
    switch (kind) {
        HISTORY_KINDS(CASE)
    default:
        return NULL;
    }
#undef CASE
}

/* All kinds begin where the first one does. */
static uint8_t *words_of(struct history_record *record) { return (uint8_t *)&record->job; }

uint64_t history_checksum(uint64_t kind, const void *body, size_t body_bytes)
{
    return hash_bytes_seeded(body, body_bytes, kind);
}

void history_record_pack(const struct history_record *record, struct packer *body,
                         struct packer *out)
{
    const uint8_t *word = (const uint8_t *)&record->job;
    body->bytes.size = 0;
    const char *letter = layout_of(record->kind);
    BARKS_ASSERT(letter != NULL);
    for (; *letter != '\0'; letter++) {
        uint64_t number = 0;
        const char *text = NULL;
        if (*letter == 'T') {
            memcpy(&text, word, sizeof text);
            pack_text(body, text);
        } else {
            memcpy(&number, word, sizeof number);
            pack_u64(body, number);
        }
        word += WORD_BYTES;
    }
    pack_u64(out, record->kind);
    pack_u64(out, history_checksum(record->kind, body->bytes.data, body->bytes.size));
    pack_bytes(out, body->bytes.data, body->bytes.size);
    out->failed |= body->failed;
}

/* The fields that are there: an earlier barks wrote fewer, a later one more. */
BARKS_CHECKED static barks_status *read_fields(struct unpacker *in, const char *layout,
                                               uint8_t *word)
{
    for (; *layout != '\0' && in->offset < in->size_bytes; layout++, word += WORD_BYTES) {
        if (*layout == 'T') {
            const char *text = unpack_text(in);
            memcpy(word, &text, sizeof text);
        } else {
            uint64_t number = unpack_u64(in);
            memcpy(word, &number, sizeof number);
        }
    }
    in->offset = in->failed == NULL ? in->size_bytes : in->offset;
    return unpacker_finish(in);
}

/* Before all else, since what follows in a later format may be anything. */
BARKS_CHECKED static barks_status *check_format(const void *body, size_t body_bytes)
{
    struct history_record head = {.kind = KIND_JOB};
    BARKS_AUTO(unpacker) in;
    unpacker_init(&in, body, body_bytes);
    barks_status *status = read_fields(&in, "TNT", words_of(&head));
    if (status == NULL && (head.job.magic == NULL || strcmp(head.job.magic, HISTORY_MAGIC) != 0))
        status = barks_status_new(BARKS_BAD_INPUT, NULL, BARKS_HERE, "no event log of barks");
    if (status == NULL && head.job.format > HISTORY_FORMAT)
        status = barks_status_new(
            BARKS_INVALID, NULL, BARKS_HERE,
            "an event log of format %" PRIu64 ", of barks %s, and this barks reads up to %d: "
            "read it with that one, or a later",
            head.job.format, head.job.version != NULL ? head.job.version : "of a later version",
            HISTORY_FORMAT);
    history_record_drop(&head);
    return status;
}

barks_status *history_record_unpack(uint64_t kind, const void *body, size_t body_bytes,
                                    struct history_record *out_record, bool *out_known)
{
    const char *layout = layout_of(kind);
    *out_record = (struct history_record){0};
    *out_known = layout != NULL;
    if (layout == NULL)
        return NULL;
    if (kind == KIND_JOB)
        BARKS_TRY(check_format(body, body_bytes));
    out_record->kind = (enum history_kind)kind;
    BARKS_AUTO(unpacker) in;
    unpacker_init(&in, body, body_bytes);
    barks_status *status = read_fields(&in, layout, words_of(out_record));
    if (status != NULL)
        history_record_drop(out_record);
    return status;
}

void history_record_drop(struct history_record *record)
{
    const char *layout = layout_of(record->kind);
    const uint8_t *word = words_of(record);
    for (; layout != NULL && *layout != '\0'; layout++, word += WORD_BYTES) {
        char *text = NULL;
        if (*layout != 'T')
            continue;
        memcpy(&text, word, sizeof text);
        free(text);
    }
    *record = (struct history_record){0};
}
