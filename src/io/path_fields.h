/* Values in the names of directories: .../year=2024/country=de/part-0.csv. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"

#include <stdbool.h>

struct buffer;

/* Does a directory of the path give the field a value? */
bool path_has_field(const char *path, const char *field);

/* Writes the values that the path gives to fields of the batch into all its rows. Names and values
 * are percent-decoded; __HIVE_DEFAULT_PARTITION__ is null. Errors: BARKS_BAD_INPUT: a value that is
 * none of the field's type, null where the field is not optional; as pool_acquire. */
BARKS_CHECKED barks_status *path_fields_fill(const char *path, struct batch *batch);

/* What directories must be named: "year=2024, country=de". Spaces around names, and around values
 * but for those inside, do not count. Begins zeroed, ends with path_wish_drop. */
struct path_wish {
    char *text; /* owned: names and values lie in it */
    struct path_wish_field {
        const char *name, *value;
    } * fields; /* owned */
    size_t count;
};
/* text NULL wishes nothing. Errors: BARKS_INVALID: not such a list, a name twice. */
BARKS_CHECKED barks_status *path_wish_parse(const char *text, struct path_wish *out);
void path_wish_drop(struct path_wish *wish);
/* Does no directory of the path have a wished name and another value? With `wholly` also: is there
 * one for each name? Names and values are decoded. The last part of a path is no directory. */
bool path_wish_fits(const struct path_wish *wish, const char *path, bool wholly);

/* Calls visit with each name and value of the path, decoded, from the left. */
void path_fields_each(const char *path,
                      void (*visit)(void *context, const char *name, const char *value),
                      void *context);
