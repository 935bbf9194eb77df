#include "base/setting.h"

#include "base/log.h"
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct setting settings[CONFIG_COUNT] = {
#define SETTING(name, key_, type_, default_, limits_, help_)                                       \
    [CONFIG_##name] = {                                                                            \
        .key = (key_),                                                                             \
        .initial = (default_),                                                                     \
        .limits = (limits_),                                                                       \
        .help = (help_),                                                                           \
        .type = SETTING_##type_,                                                                   \
    },
    CONFIG_TABLE(SETTING)
#undef SETTING
};

const char *setting_type_text(const struct setting *setting)
{
    switch (setting->type) {
    case SETTING_BOOL:
        return "bool";
    case SETTING_INT:
        return "int";
    case SETTING_BYTES:
        return "bytes";
    case SETTING_DURATION:
        return "duration";
    case SETTING_CHOICE:
        return setting->limits;
    case SETTING_LEVELS:
        return "levels";
    case SETTING_TEXT:
        return "text";
    }
    return "";
}

static const char *expectation(const struct setting *setting)
{
    switch (setting->type) {
    case SETTING_BOOL:
        return "true or false";
    case SETTING_INT:
        return "a whole number such as 4";
    case SETTING_BYTES:
        return "a size in bytes such as 512m or 4g";
    case SETTING_DURATION:
        return "a duration such as 250ms, 30s or 5m";
    case SETTING_CHOICE:
        return setting->limits;
    case SETTING_LEVELS:
        return "levels of the log such as net=debug,info";
    case SETTING_TEXT:
        return "text";
    }
    return "";
}

static bool parse_bool(const char *text, uint64_t *out_number)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t word = 0; word < sizeof words / sizeof *words; word++) {
        if (strcasecmp(text, words[word]) == 0) {
            *out_number = word % 2;
            return true;
        }
    }
    return false;
}

static bool parse_int(const char *text, uint64_t *out_number)
{
    if (!isdigit((unsigned char)*text))
        return false;
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*end != '\0' || errno != 0 || number > INT32_MAX)
        return false;
    *out_number = number;
    return true;
}

static bool parse_choice(const char *choices, const char *text, uint64_t *out_number)
{
    size_t text_length = strlen(text);
    for (uint64_t index = 0;; index++) {
        size_t length = strcspn(choices, "|");
        if (length == text_length && strncasecmp(choices, text, length) == 0) {
            *out_number = index;
            return true;
        }
        if (choices[length] == '\0')
            return false;
        choices += length + 1;
    }
}

/* The text as a number of the setting's type, whatever its limits. */
static bool parse_typed(const struct setting *setting, const char *text, uint64_t *out_number)
{
    switch (setting->type) {
    case SETTING_BOOL:
        return parse_bool(text, out_number);
    case SETTING_INT:
        return parse_int(text, out_number);
    case SETTING_BYTES:
        return units_parse_bytes(text, out_number);
    case SETTING_DURATION:
        return units_parse_duration(text, out_number);
    case SETTING_CHOICE:
        return parse_choice(setting->limits, text, out_number);
    case SETTING_LEVELS:
    case SETTING_TEXT:
        *out_number = 0;
        return true;
    }
    return false;
}

/* The number of a limit of length bytes; without any it stays as it is. */
static void parse_limit(const struct setting *setting, const char *text, size_t length,
                        uint64_t *number)
{
    char copy[SETTING_NAME_BYTES] = {0};
    if (length > 0 && length < sizeof copy) {
        memcpy(copy, text, length);
        parse_typed(setting, copy, number);
    }
}

static bool is_within_limits(const struct setting *setting, uint64_t number)
{
    const char *dots = strstr(setting->limits, "..");
    if (setting->type == SETTING_CHOICE || setting->type == SETTING_TEXT || dots == NULL)
        return true;
    uint64_t low = 0;
    uint64_t high = UINT64_MAX;
    parse_limit(setting, setting->limits, (size_t)(dots - setting->limits), &low);
    parse_limit(setting, dots + 2, strlen(dots + 2), &high);
    return number >= low && number <= high;
}

barks_status *setting_parse(const struct setting *setting, const char *text, const char *origin,
                            uint64_t *out_number)
{
    uint64_t number = 0;
    if (!parse_typed(setting, text, &number))
        BARKS_FAIL(BARKS_INVALID, "%s: '%.100s' is no value for %s: it is %s", origin, text,
                   setting->key, expectation(setting));
    if (!is_within_limits(setting, number))
        BARKS_FAIL(BARKS_INVALID, "%s: '%.100s' is outside the limits of %s: %s", origin, text,
                   setting->key, setting->limits);
    if (setting->type == SETTING_LEVELS)
        BARKS_TRY_DOING(log_check_levels(text), "%s", origin);
    *out_number = number;
    return NULL;
}

/* '.', '_' and '-' are the same in a name, and cases are. */
static char normal(char letter)
{
    if (letter == '.' || letter == '-')
        return '_';
    return (char)tolower((unsigned char)letter);
}

int setting_find(const char *name, size_t length)
{
    for (int key = 0; key < CONFIG_COUNT; key++) {
        size_t at = 0;
        while (at < length && settings[key].key[at] != '\0' &&
               normal(settings[key].key[at]) == normal(name[at]))
            at++;
        if (at == length && settings[key].key[at] == '\0')
            return key;
    }
    return -1;
}

void setting_write_name(const struct setting *setting, enum setting_form form,
                        char out[SETTING_NAME_BYTES])
{
    const char *head = form == SETTING_AS_KEY        ? ""
                       : form == SETTING_AS_VARIABLE ? "BARKS_"
                                                     : "--barks-";
    size_t head_length = strlen(head);
    size_t key_length = strlen(setting->key);
    if (key_length > SETTING_NAME_BYTES - 1 - head_length)
        key_length = SETTING_NAME_BYTES - 1 - head_length;
    memcpy(out, head, head_length);
    memcpy(out + head_length, setting->key, key_length);
    out[head_length + key_length] = '\0';
    for (char *at = out + head_length; *at != '\0'; at++) {
        if (form == SETTING_AS_VARIABLE)
            *at = (char)toupper((unsigned char)normal(*at));
        else if (form == SETTING_AS_OPTION && normal(*at) == '_')
            *at = '-';
    }
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Letters inserted, left out, changed or swapped with a neighbour. Source: Damerau, CACM 1964, as
 * the restricted form ("optimal string alignment"). Names are at most SETTING_NAME_BYTES. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][SETTING_NAME_BYTES + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];
    for (size_t j = 0; j <= b_length; j++) {
        before[j] = 0;
        last[j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            bool is_same = normal(a[i - 1]) == normal(b[j - 1]);
            row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + !is_same);
            bool is_swapped = i > 1 && j > 1 && normal(a[i - 1]) == normal(b[j - 2]) &&
                              normal(a[i - 2]) == normal(b[j - 1]);
            if (is_swapped && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b_length];
}

barks_status *setting_unknown(const char *name, size_t length, enum setting_form form,
                              const char *origin)
{
    const struct setting *nearest = NULL;
    size_t nearest_distance = SIZE_MAX;
    for (int key = 0; length < SETTING_NAME_BYTES && key < CONFIG_COUNT; key++) {
        size_t distance = edit_distance(name, length, settings[key].key, strlen(settings[key].key));
        if (distance < nearest_distance) {
            nearest_distance = distance;
            nearest = &settings[key];
        }
    }
    int shown = (int)(length < SETTING_NAME_BYTES ? length : SETTING_NAME_BYTES);
    /* Farther than a third of its letters a name is another one, and no help. */
    if (nearest == NULL || nearest_distance > (length < 6 ? 2 : length / 3))
        BARKS_FAIL(BARKS_INVALID, "%s: unknown setting '%.*s'; --barks-help lists them all", origin,
                   shown, name);
    char nearest_name[SETTING_NAME_BYTES];
    setting_write_name(nearest, form, nearest_name);
    BARKS_FAIL(BARKS_INVALID, "%s: unknown setting '%.*s': did you mean %s?", origin, shown, name,
               nearest_name);
}
