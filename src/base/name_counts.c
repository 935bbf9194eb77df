#include "base/name_counts.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

struct entry {
    const char *text;
    size_t length;
    const char *origin;
};

BARKS_CHECKED static barks_status *bad_entry(const struct entry *entry, const char *problem)
{
    BARKS_FAIL(BARKS_INVALID,
               "%s: '%.*s' %s: an entry is NAME:COUNT, the name of less than %d letters, digits, "
               "'_' and '-', the count 0 to %d, as in 'gpu:2 licence:1'",
               entry->origin, (int)(entry->length < 100 ? entry->length : 100), entry->text,
               problem, NAME_COUNT_BYTES, NAME_COUNT_MAX);
}

uint32_t name_counts_find(const struct name_counts *counts, const char *name)
{
    uint32_t index = 0;
    while (index < counts->count && strcmp(counts->items[index].name, name) != 0)
        index++;
    return index;
}

BARKS_CHECKED static barks_status *add(struct name_counts *counts, const struct name_count *item)
{
    if (counts->count == NAME_COUNTS_MAX)
        BARKS_FAIL(BARKS_LIMIT, "there are more than %d names of resources; '%s' is one too many",
                   NAME_COUNTS_MAX, item->name);
    counts->items[counts->count++] = *item;
    return NULL;
}

static bool read_name(const char *text, size_t length, struct name_count *out)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '-')
            return false;
    if (length == 0 || length >= NAME_COUNT_BYTES)
        return false;
    memcpy(out->name, text, length);
    out->name[length] = '\0';
    return true;
}

static bool read_count(const char *text, size_t length, struct name_count *out)
{
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        out->count = 10 * out->count + (uint32_t)(text[i] - '0');
        if (out->count > NAME_COUNT_MAX)
            return false;
    }
    return length > 0;
}

BARKS_CHECKED static barks_status *read_entry(const struct entry *entry, struct name_counts *counts)
{
    struct name_count item = {.count = 0};
    const char *colon = memchr(entry->text, ':', entry->length);
    size_t name_length = colon != NULL ? (size_t)(colon - entry->text) : entry->length;
    if (!read_name(entry->text, name_length, &item))
        return bad_entry(entry, "has no such name");
    if (colon == NULL || !read_count(colon + 1, entry->length - name_length - 1, &item))
        return bad_entry(entry, "has no such count");
    if (name_counts_find(counts, item.name) < counts->count)
        return bad_entry(entry, "is there twice");
    return add(counts, &item);
}

barks_status *name_counts_read(const char *text, const char *origin, struct name_counts *out)
{
    static const char separators[] = " \t,;";
    struct name_counts counts = {.count = 0};
    while (*(text += strspn(text, separators)) != '\0') {
        struct entry entry = {.text = text, .length = strcspn(text, separators), .origin = origin};
        BARKS_TRY(read_entry(&entry, &counts));
        text += entry.length;
    }
    *out = counts;
    return NULL;
}

barks_status *name_counts_merge(struct name_counts *into, const struct name_counts *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        uint32_t index = name_counts_find(into, from->items[i].name);
        if (index == into->count)
            BARKS_TRY(add(into, &from->items[i]));
        else if (into->items[index].count < from->items[i].count)
            into->items[index].count = from->items[i].count;
    }
    return NULL;
}
