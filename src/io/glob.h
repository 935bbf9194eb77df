/* Patterns of paths: * ? [a-z] [!a] {one,two} and **, which stands for any number of directories.
 */
#pragma once

#include "barks/status.h"

#include <stdbool.h>

struct path_list;

enum { GLOB_ALTERNATIVES_MAX = 65536, GLOB_DEPTH_MAX = 128 };

/* Does any character of it have a meaning besides itself? */
bool glob_is_pattern(const char *text);

/* Does a name (no slashes) match a pattern without braces? A backslash takes the next character as
 * it is; a bracket that is never closed is a plain character. Linear in the name but for patterns
 * of many stars (star count times length). */
bool glob_match(const char *pattern, const char *name);

/**
 * Adds what is there and matches, each path once and by path bytes.
 *
 * A name that begins with '.' or '_' is matched only by a pattern that begins with that character.
 * "**" does not follow symbolic links, and at the end of a pattern it means all files below.
 * Errors:  BARKS_IO (a directory cannot be read), BARKS_LIMIT (braces that make too many patterns,
 * PATHS_MAX), BARKS_NO_MEMORY. Nothing matched is no error here. Threads: any.
 */
BARKS_CHECKED barks_status *glob_expand(const char *pattern, struct path_list *out);
