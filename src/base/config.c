#include "base/config.h"

#include "base/assertion.h"
#include "base/buffer.h"
#include "base/scope.h"
#include "base/setting.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FILE_BYTES_MAX = 1 << 20,
    TEXT_BYTES_MAX = 64 << 10, /* of one value */
    PATH_BYTES = 2048,         /* of the user's file */
};

#define OPTION_HEAD "--barks-"
#define VARIABLE_HEAD "BARKS_"

/* Of the tests' and the benchmarks' own variables, which are no settings. */
static const char *const other_variable_heads[] = {"BARKS_TEST_", "BARKS_BENCH_"};

barks_status *config_set(struct config *config, enum config_key key, const char *text,
                         const char *origin)
{
    uint64_t number = 0;
    BARKS_TRY(setting_parse(&settings[key], text, origin, &number));
    if (strlen(text) >= TEXT_BYTES_MAX)
        BARKS_FAIL(BARKS_INVALID, "%s: the value of %s is longer than %d bytes", origin,
                   settings[key].key, TEXT_BYTES_MAX - 1);
    char *text_copy = strdup(text);
    char *origin_copy = strdup(origin);
    if (text_copy == NULL || origin_copy == NULL) {
        free(text_copy);
        free(origin_copy);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the setting %s", settings[key].key);
    }
    struct config_value *value = &config->values[key];
    free(value->text);
    free(value->origin);
    *value = (struct config_value){.text = text_copy, .origin = origin_copy, .number = number};
    return NULL;
}

barks_status *config_init(struct config *config)
{
    *config = (struct config){0};
    for (int key = 0; key < CONFIG_COUNT; key++) {
        barks_status *status =
            config_set(config, (enum config_key)key, settings[key].initial, "default");
        if (status != NULL) {
            config_drop(config);
            return status;
        }
    }
    return NULL;
}

void config_drop(struct config *config)
{
    for (int key = 0; key < CONFIG_COUNT; key++) {
        free(config->values[key].text);
        free(config->values[key].origin);
    }
    *config = (struct config){0};
}

static bool is_blank(char letter) { return letter == ' ' || letter == '\t' || letter == '\r'; }

static void trim(const char **text, size_t *length)
{
    while (*length > 0 && is_blank(**text)) {
        (*text)++;
        (*length)--;
    }
    while (*length > 0 && is_blank((*text)[*length - 1]))
        (*length)--;
}

/* One line without its end; it was found to hold no zero byte. */
BARKS_CHECKED static barks_status *read_line(struct config *config, const char *origin,
                                             const char *line, size_t length)
{
    trim(&line, &length);
    if (length == 0 || *line == '#')
        return NULL;
    const char *equals = memchr(line, '=', length);
    if (equals == NULL)
        BARKS_FAIL(BARKS_INVALID, "%s: '%.*s' is not of the form key = value", origin,
                   (int)(length < 60 ? length : 60), line);
    const char *name = line;
    size_t name_length = (size_t)(equals - line);
    const char *text = equals + 1;
    size_t text_length = length - name_length - 1;
    trim(&name, &name_length);
    trim(&text, &text_length);
    int key = setting_find(name, name_length);
    if (key < 0)
        return setting_unknown(name, name_length, SETTING_AS_KEY, origin);
    char *copy = strndup(text, text_length);
    if (copy == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for a value of %zu bytes", origin, text_length);
    barks_status *status = config_set(config, (enum config_key)key, copy, origin);
    free(copy);
    return status;
}

barks_status *config_read_text(struct config *config, const char *name, const char *text,
                               size_t text_bytes)
{
    size_t line_number = 1;
    char origin[PATH_BYTES + 32];
    for (size_t begin = 0; begin < text_bytes; line_number++) {
        const char *end = memchr(text + begin, '\n', text_bytes - begin);
        size_t length = end != NULL ? (size_t)(end - (text + begin)) : text_bytes - begin;
        snprintf(origin, sizeof origin, "%s:%zu", name, line_number);
        if (memchr(text + begin, '\0', length) != NULL)
            BARKS_FAIL(BARKS_INVALID, "%s: a zero byte: this is no text file", origin);
        BARKS_TRY(read_line(config, origin, text + begin, length));
        begin += length + 1;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *read_all(int file, const char *path, struct buffer *out)
{
    char piece[2048];
    while (true) {
        ssize_t piece_bytes = read(file, piece, sizeof piece);
        if (piece_bytes < 0 && errno == EINTR)
            continue;
        if (piece_bytes < 0)
            BARKS_FAIL(BARKS_IO, "cannot read '%s': %s", path, strerror(errno));
        if (piece_bytes == 0)
            return NULL;
        BARKS_TRY_DOING(buffer_append(out, piece, (size_t)piece_bytes), "read '%s'", path);
    }
}

barks_status *config_read_file(struct config *config, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 && (errno == ENOENT || errno == ENOTDIR))
        return NULL;
    if (file < 0)
        BARKS_FAIL(BARKS_IO, "cannot read '%s': %s", path, strerror(errno));
    BARKS_AUTO(buffer) text = {.limit_bytes = FILE_BYTES_MAX};
    barks_status *status = read_all(file, path, &text);
    close(file);
    if (status != NULL || text.size_bytes == 0)
        return status;
    return config_read_text(config, path, (const char *)text.data, text.size_bytes);
}

static bool is_of_settings(const char *variable)
{
    for (size_t head = 0; head < sizeof other_variable_heads / sizeof *other_variable_heads;
         head++) {
        const char *other = other_variable_heads[head];
        if (strncmp(variable, other, strlen(other)) == 0)
            return false;
    }
    return strncmp(variable, VARIABLE_HEAD, strlen(VARIABLE_HEAD)) == 0;
}

barks_status *config_read_environment(struct config *config, char *const *environment)
{
    for (; *environment != NULL; environment++) {
        const char *variable = *environment;
        const char *equals = strchr(variable, '=');
        if (equals == NULL || !is_of_settings(variable))
            continue;
        const char *name = variable + strlen(VARIABLE_HEAD);
        char origin[SETTING_NAME_BYTES + 32];
        snprintf(origin, sizeof origin, "environment %.*s", (int)(equals - variable), variable);
        int key = setting_find(name, (size_t)(equals - name));
        if (key < 0)
            return setting_unknown(name, (size_t)(equals - name), SETTING_AS_VARIABLE, origin);
        /* A shell's way to unset a variable for one command. */
        if (equals[1] == '\0')
            continue;
        BARKS_TRY(config_set(config, (enum config_key)key, equals + 1, origin));
    }
    return NULL;
}

/* One option; next is the argument after it or NULL. *out_takes_next: it was the value. */
BARKS_CHECKED static barks_status *read_option(struct config *config, const char *option,
                                               const char *next, bool *out_takes_next)
{
    const char *name = option + strlen(OPTION_HEAD);
    size_t name_length = strcspn(name, "=");
    char origin[SETTING_NAME_BYTES + 32];
    snprintf(origin, sizeof origin, "option %.*s", (int)(name - option + (ptrdiff_t)name_length),
             option);
    *out_takes_next = false;
    if (strcmp(name, "help") == 0) {
        config->wants_help = true;
        return NULL;
    }
    int key = setting_find(name, name_length);
    if (key < 0)
        return setting_unknown(name, name_length, SETTING_AS_OPTION, origin);
    if (name[name_length] == '=')
        return config_set(config, (enum config_key)key, name + name_length + 1, origin);
    /* What follows a bool may be the job's own argument, so it is never taken for a value. */
    if (settings[key].type == SETTING_BOOL)
        return config_set(config, (enum config_key)key, "true", origin);
    if (next == NULL)
        BARKS_FAIL(BARKS_INVALID, "%s: the value is missing: %s", origin,
                   setting_type_text(&settings[key]));
    *out_takes_next = true;
    return config_set(config, (enum config_key)key, next, origin);
}

barks_status *config_read_options(struct config *config, int *argc, char **argv)
{
    barks_status *status = NULL;
    int kept = *argc > 0 ? 1 : 0;
    int at = kept;
    while (at < *argc && status == NULL && strcmp(argv[at], "--") != 0) {
        if (strncmp(argv[at], OPTION_HEAD, strlen(OPTION_HEAD)) != 0) {
            argv[kept++] = argv[at++];
            continue;
        }
        bool takes_next = false;
        status = read_option(config, argv[at], argv[at + 1], &takes_next);
        at += takes_next ? 2 : 1;
    }
    while (at < *argc)
        argv[kept++] = argv[at++];
    argv[kept] = NULL;
    *argc = kept;
    return status;
}

/* barks/barks.conf in the user's folder of settings; false where there is no such folder. */
static bool user_file(char out[PATH_BYTES])
{
    const char *folder = getenv("XDG_CONFIG_HOME");
    const char *below = "";
    if (folder == NULL || folder[0] != '/') { /* the XDG specification: a relative one is ignored */
        folder = getenv("HOME");
        below = "/.config";
    }
    if (folder == NULL || folder[0] == '\0')
        return false;
    int length = snprintf(out, PATH_BYTES, "%s%s/barks/barks.conf", folder, below);
    return length > 0 && length < PATH_BYTES;
}

BARKS_CHECKED static barks_status *read_sources(struct config *config, int *argc, char **argv)
{
    char path[PATH_BYTES];
    if (user_file(path))
        BARKS_TRY(config_read_file(config, path));
    BARKS_TRY(config_read_file(config, "barks.conf"));
    BARKS_TRY(config_read_environment(config, environ));
    return config_read_options(config, argc, argv);
}

barks_status *config_load(struct config *out_config, int *argc, char **argv)
{
    BARKS_AUTO(config) config;
    BARKS_TRY(config_init(&config));
    BARKS_TRY(read_sources(&config, argc, argv));
    *out_config = config;
    config = (struct config){0};
    return NULL;
}

bool config_bool(const struct config *config, enum config_key key)
{
    BARKS_ASSERT(settings[key].type == SETTING_BOOL);
    return config->values[key].number != 0;
}

int config_int(const struct config *config, enum config_key key)
{
    BARKS_ASSERT(settings[key].type == SETTING_INT);
    return (int)config->values[key].number; /* setting_parse accepts up to INT32_MAX */
}

uint64_t config_bytes(const struct config *config, enum config_key key)
{
    BARKS_ASSERT(settings[key].type == SETTING_BYTES);
    return config->values[key].number;
}

uint64_t config_duration_ns(const struct config *config, enum config_key key)
{
    BARKS_ASSERT(settings[key].type == SETTING_DURATION);
    return config->values[key].number;
}

const char *config_string(const struct config *config, enum config_key key)
{
    BARKS_ASSERT(settings[key].type == SETTING_LEVELS || settings[key].type == SETTING_TEXT);
    return config->values[key].text;
}

int config_choice(const struct config *config, enum config_key key)
{
    BARKS_ASSERT(settings[key].type == SETTING_CHOICE);
    return (int)config->values[key].number; /* the index of a word */
}

const char *config_origin(const struct config *config, enum config_key key)
{
    return config->values[key].origin;
}

static size_t wider(size_t width, const char *text)
{
    size_t length = strlen(text);
    return length > width ? length : width;
}

void config_write_help(FILE *out)
{
    size_t key_width = 0;
    size_t type_width = 0;
    size_t initial_width = strlen("default");
    for (int key = 0; key < CONFIG_COUNT; key++) {
        key_width = wider(key_width, settings[key].key);
        type_width = wider(type_width, setting_type_text(&settings[key]));
        initial_width = wider(initial_width, settings[key].initial);
    }
    fputs(
        "Settings of barks. Later ones win: $XDG_CONFIG_HOME/barks/barks.conf, ./barks.conf (lines "
        "key = value),\nthe environment (BARKS_EXCHANGE_ROUND_BYTES=8m), options "
        "(--barks-exchange-round-bytes 8m).\n\n",
        out);
    fprintf(out, "%-*s  %-*s  %-*s  %s\n", (int)key_width, "key", (int)type_width, "type",
            (int)initial_width, "default", "meaning");
    for (int key = 0; key < CONFIG_COUNT; key++)
        fprintf(out, "%-*s  %-*s  %-*s  %s\n", (int)key_width, settings[key].key, (int)type_width,
                setting_type_text(&settings[key]), (int)initial_width, settings[key].initial,
                settings[key].help);
}

barks_status *config_pack(const struct config *config, struct buffer *out)
{
    for (int key = 0; key < CONFIG_COUNT; key++) {
        const struct config_value *value = &config->values[key];
        if (strcmp(value->origin, "default") == 0)
            continue;
        const char *const texts[] = {settings[key].key, value->text, value->origin};
        for (int text = 0; text < 3; text++)
            BARKS_TRY(buffer_append(out, texts[text], strlen(texts[text]) + 1));
    }
    return NULL;
}

/* The next text of packed bytes, which ends with a zero byte. */
BARKS_CHECKED static barks_status *unpack_text(const char **at, const char *end,
                                               const char **out_text)
{
    const char *zero = *at < end ? memchr(*at, '\0', (size_t)(end - *at)) : NULL;
    if (zero == NULL)
        BARKS_FAIL(BARKS_BAD_INPUT, "packed settings end within a text");
    *out_text = *at;
    *at = zero + 1;
    return NULL;
}

barks_status *config_unpack(struct config *out_config, const void *packed, size_t packed_bytes)
{
    BARKS_AUTO(config) config;
    BARKS_TRY(config_init(&config));
    const char *at = packed;
    const char *end = at + packed_bytes;
    while (at < end) {
        const char *name = NULL;
        const char *text = NULL;
        const char *origin = NULL;
        BARKS_TRY(unpack_text(&at, end, &name));
        BARKS_TRY(unpack_text(&at, end, &text));
        BARKS_TRY(unpack_text(&at, end, &origin));
        int key = setting_find(name, strlen(name));
        if (key < 0)
            BARKS_FAIL(BARKS_BAD_INPUT, "packed settings have an unknown key '%.60s'", name);
        BARKS_TRY(config_set(&config, (enum config_key)key, text, origin));
    }
    *out_config = config;
    config = (struct config){0};
    return NULL;
}

bool config_is_sound(const struct config *config)
{
    for (int key = 0; key < CONFIG_COUNT; key++) {
        const struct config_value *value = &config->values[key];
        uint64_t number = 0;
        if (value->text == NULL || value->origin == NULL)
            return false;
        barks_status *status = setting_parse(&settings[key], value->text, value->origin, &number);
        bool is_right = status == NULL && number == value->number;
        barks_status_free(status);
        if (!is_right)
            return false;
    }
    return true;
}
