/* One setting of the table: its names, and what a text means for its type. */
#pragma once

#include "base/config.h"

enum setting_type {
    SETTING_BOOL,
    SETTING_INT,
    SETTING_BYTES,
    SETTING_DURATION,
    SETTING_CHOICE,
    SETTING_LEVELS,
    SETTING_TEXT, /* any, also none */
};

enum { SETTING_NAME_BYTES = 64 }; /* of a key or an option, the final zero byte included */

struct setting {
    const char *key;
    const char *initial;
    const char *limits;
    const char *help;
    enum setting_type type;
};

/* Indexed by enum config_key. */
extern const struct setting settings[CONFIG_COUNT];

/* Reads text as the setting's type. origin words the error: "barks.conf:3: ...".
 * Errors: BARKS_INVALID. */
BARKS_CHECKED barks_status *setting_parse(const struct setting *setting, const char *text,
                                          const char *origin, uint64_t *out_number);

/* "bytes", "auto|always" ...: the type column of the help. */
const char *setting_type_text(const struct setting *setting);

/* The setting with this key, where '.', '_' and '-' are the same and so are cases; -1: none. */
int setting_find(const char *name, size_t length);

/* An error that names the unknown key, and the nearest known one where one is near; each is written
 * as its source writes it. written_as: SETTING_AS_KEY ... */
enum setting_form { SETTING_AS_KEY, SETTING_AS_VARIABLE, SETTING_AS_OPTION };
BARKS_CHECKED barks_status *setting_unknown(const char *name, size_t length, enum setting_form form,
                                            const char *origin);

/* "exchange.round_bytes", "BARKS_EXCHANGE_ROUND_BYTES", "--barks-exchange-round-bytes". */
void setting_write_name(const struct setting *setting, enum setting_form form,
                        char out[SETTING_NAME_BYTES]);
