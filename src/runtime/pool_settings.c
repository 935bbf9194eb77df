#include "runtime/pool_settings.h"

#include "base/config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One entry of the text: NAME or NAME:WORD,WORD. */
struct entry {
    const char *text;
    size_t length;
    const char *origin;
};

BARKS_CHECKED static barks_status *bad_entry(const struct entry *entry, const char *problem)
{
    BARKS_FAIL(BARKS_INVALID,
               "%s: '%.*s' %s: a pool is NAME or NAME:WORD,WORD of the words fifo, fair, weight=N "
               "and min=N (0 to %d), as in 'reports:fair,weight=3,min=4'",
               entry->origin, (int)(entry->length < 100 ? entry->length : 100), entry->text,
               problem, SCHEDULER_SHARE_MAX);
}

/* The digits behind a head; false: another word, or too great. */
static bool read_number(const char *word, size_t length, const char *head, uint32_t *out_number)
{
    size_t at = strlen(head);
    uint32_t number = 0;
    if (length <= at || strncmp(word, head, at) != 0)
        return false;
    for (; at < length; at++) {
        if (!isdigit((unsigned char)word[at]))
            return false;
        number = 10 * number + (uint32_t)(word[at] - '0');
        if (number > SCHEDULER_SHARE_MAX)
            return false;
    }
    *out_number = number;
    return true;
}

static bool is_word(const char *word, size_t length, const char *wanted)
{
    return length == strlen(wanted) && strncmp(word, wanted, length) == 0;
}

static bool read_word(const char *word, size_t length, struct pool_spec *spec)
{
    if (is_word(word, length, "fifo"))
        spec->policy = POOL_FIFO;
    else if (is_word(word, length, "fair"))
        spec->policy = POOL_FAIR;
    else
        return (read_number(word, length, "weight=", &spec->weight) && spec->weight > 0) ||
               read_number(word, length, "min=", &spec->workers_min);
    return true;
}

static bool is_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && strchr("_-.", text[i]) == NULL)
            return false;
    return length > 0 && length < POOL_NAME_BYTES;
}

static uint32_t find(const struct pool_settings *settings, const char *name, size_t length)
{
    uint32_t index = 0;
    while (index < settings->count && !is_word(name, length, settings->names[index]))
        index++;
    return index;
}

/* Inserts by name. */
BARKS_CHECKED static barks_status *add(struct pool_settings *settings, const char *name,
                                       size_t length, const struct pool_spec *spec)
{
    size_t count = (size_t)settings->count + 1;
    void *names = reallocarray(settings->names, count, sizeof *settings->names);
    if (names != NULL)
        settings->names = names;
    void *specs = reallocarray(settings->specs, count, sizeof *settings->specs);
    if (specs != NULL)
        settings->specs = specs;
    if (names == NULL || specs == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %zu pools", count);
    char copy[POOL_NAME_BYTES] = {0};
    memcpy(copy, name, length);
    uint32_t at = settings->count++;
    for (; at > 0 && strcmp(settings->names[at - 1], copy) > 0; at--) {
        memcpy(settings->names[at], settings->names[at - 1], POOL_NAME_BYTES);
        settings->specs[at] = settings->specs[at - 1];
    }
    memcpy(settings->names[at], copy, POOL_NAME_BYTES);
    settings->specs[at] = *spec;
    return NULL;
}

BARKS_CHECKED static barks_status *read_entry(struct pool_settings *settings,
                                              const struct entry *entry)
{
    struct pool_spec spec = {.policy = POOL_FIFO, .weight = 1};
    const char *colon = memchr(entry->text, ':', entry->length);
    size_t name_length = colon != NULL ? (size_t)(colon - entry->text) : entry->length;
    if (!is_name(entry->text, name_length))
        return bad_entry(entry, "has no name of letters, digits, '_', '-' and '.'");
    if (find(settings, entry->text, name_length) < settings->count)
        return bad_entry(entry, "is there twice");
    if (settings->count + 1 >= SCHEDULER_POOLS_MAX)
        BARKS_FAIL(BARKS_LIMIT, "%s: more than %d pools", entry->origin, SCHEDULER_POOLS_MAX - 1);
    const char *word = colon != NULL ? colon + 1 : NULL, *end = entry->text + entry->length;
    while (word != NULL) {
        const char *comma = memchr(word, ',', (size_t)(end - word));
        size_t length = (size_t)((comma != NULL ? comma : end) - word);
        if (!read_word(word, length, &spec))
            return bad_entry(entry, "has an unknown word or number");
        word = comma != NULL ? comma + 1 : NULL;
    }
    return add(settings, entry->text, name_length, &spec);
}

BARKS_CHECKED static barks_status *read_all(struct pool_settings *settings, const char *text,
                                            const char *origin)
{
    static const struct pool_spec plain = {.policy = POOL_FIFO, .weight = 1};
    static const char separators[] = " \t;";
    while (strcmp(text, "none") != 0 && *(text += strspn(text, separators)) != '\0') {
        struct entry entry = {.text = text, .length = strcspn(text, separators), .origin = origin};
        BARKS_TRY(read_entry(settings, &entry));
        text += entry.length;
    }
    if (find(settings, POOL_DEFAULT, strlen(POOL_DEFAULT)) == settings->count)
        return add(settings, POOL_DEFAULT, strlen(POOL_DEFAULT), &plain);
    return NULL;
}

barks_status *pool_settings_read(const struct config *config, struct pool_settings *out_settings)
{
    struct pool_settings settings = {0};
    barks_status *status = read_all(&settings, config_string(config, CONFIG_POOLS),
                                    config_origin(config, CONFIG_POOLS));
    if (status != NULL) {
        pool_settings_drop(&settings);
        return status;
    }
    *out_settings = settings;
    return NULL;
}

void pool_settings_drop(struct pool_settings *settings)
{
    free(settings->names);
    free(settings->specs);
    *settings = (struct pool_settings){0};
}

barks_status *pool_settings_find(const struct pool_settings *settings, const char *name,
                                 uint32_t *out_index)
{
    char list[400] = "";
    size_t used = 0;
    if (name == NULL)
        name = POOL_DEFAULT;
    uint32_t index = find(settings, name, strlen(name));
    if (index < settings->count) {
        *out_index = index;
        return NULL;
    }
    for (uint32_t i = 0; i < settings->count && used + 1 < sizeof list; i++) {
        int more = snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "",
                            settings->names[i]);
        used += more > 0 ? (size_t)more : 0;
    }
    BARKS_FAIL(BARKS_INVALID, "there is no pool '%.60s', only %s; --barks-pools makes pools", name,
               list);
}
