#include "io/glob.h"

#include "base/scope.h"
#include "io/directory.h"
#include "io/path_list.h"
#include "io/system_error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool glob_is_pattern(const char *text) { return strpbrk(text, "*?[{\\") != NULL; }

/* One character against the set after '['. Returns the character after ']', or NULL where the set
 * never ends. */
static const char *match_set(const char *set, unsigned char c, bool *out_matches)
{
    bool inverted = *set == '!' || *set == '^';
    bool found = false;
    const char *at = set + inverted;
    do { /* a ']' that comes first is a member */
        if (*at == '\\' && at[1] != '\0')
            at++;
        if (*at == '\0')
            return NULL;
        unsigned char low = (unsigned char)*at++;
        unsigned char high = low;
        if (*at == '-' && at[1] != ']' && at[1] != '\0') {
            high = (unsigned char)at[1];
            at += 2;
        }
        found = found || (low <= c && c <= high);
    } while (*at != ']');
    *out_matches = found != inverted;
    return at + 1;
}

/* What is left of the pattern after its first element matched c, or NULL. */
static const char *match_one(const char *pattern, unsigned char c)
{
    bool matches = false;
    const char *rest = NULL;
    if (*pattern == '?')
        return pattern + 1;
    if (*pattern == '[' && (rest = match_set(pattern + 1, c, &matches)) != NULL)
        return matches ? rest : NULL;
    if (*pattern == '\\' && pattern[1] != '\0')
        pattern++;
    return (unsigned char)*pattern == c ? pattern + 1 : NULL;
}

/* Only the last star needs to be tried again: an earlier one that took more would leave the later
 * ones less. */
bool glob_match(const char *pattern, const char *name)
{
    const char *star = NULL;
    const char *star_name = NULL;
    while (*name != '\0') {
        const char *rest = NULL;
        if (*pattern == '*') {
            star = ++pattern;
            star_name = name;
        } else if (*pattern != '\0' && (rest = match_one(pattern, (unsigned char)*name)) != NULL) {
            pattern = rest;
            name++;
        } else if (star != NULL) {
            pattern = star;
            name = ++star_name;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

/* The first '{' that is closed, its parts cut by the commas of its own level. */
struct braces {
    const char *open;
    const char *close;
};

static const char *skip_escaped(const char *at)
{
    return *at == '\\' && at[1] != '\0' ? at + 1 : at;
}

static bool find_braces(const char *pattern, struct braces *out)
{
    for (const char *open = pattern; *open != '\0'; open++) {
        if (open != skip_escaped(open)) {
            open++;
            continue;
        }
        if (*open != '{')
            continue;
        int depth = 0;
        for (const char *at = open; *at != '\0'; at++) {
            at = skip_escaped(at);
            depth += (*at == '{') - (*at == '}');
            if (depth == 0) {
                *out = (struct braces){.open = open, .close = at};
                return true;
            }
        }
    }
    return false;
}

/* Breadth first: each round replaces the first group of one pattern by its alternatives. */
BARKS_CHECKED static barks_status *expand_braces(const char *pattern, struct path_list *out)
{
    BARKS_TRY(path_list_add(out, "", pattern, PATH_UNKNOWN));
    struct braces group;
    for (size_t i = 0; i < out->count; i++) {
        while (find_braces(out->entries[i].path, &group)) {
            BARKS_AUTO(path_list) parts = {0};
            char *text = out->entries[i].path;
            const char *part = group.open + 1;
            int depth = 0;
            for (const char *at = part; at <= group.close; at++) {
                at = skip_escaped(at);
                if ((*at == ',' && depth == 0) || at == group.close) {
                    size_t head_bytes = (size_t)(group.open - text);
                    size_t part_bytes = (size_t)(at - part);
                    size_t tail_bytes = strlen(group.close + 1);
                    char *whole = malloc(head_bytes + part_bytes + tail_bytes + 1);
                    if (whole == NULL)
                        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the alternatives of '%s'",
                                   pattern);
                    memcpy(whole, text, head_bytes);
                    memcpy(whole + head_bytes, part, part_bytes);
                    memcpy(whole + head_bytes + part_bytes, group.close + 1, tail_bytes + 1);
                    barks_status *status = path_list_add(&parts, "", whole, PATH_UNKNOWN);
                    free(whole);
                    BARKS_TRY(status);
                    part = at + 1;
                }
                depth += (*at == '{') - (*at == '}');
            }
            if (out->count + parts.count > GLOB_ALTERNATIVES_MAX)
                BARKS_FAIL(BARKS_LIMIT, "the braces of '%s' stand for more than %d patterns",
                           pattern, GLOB_ALTERNATIVES_MAX);
            for (size_t p = 1; p < parts.count; p++)
                BARKS_TRY(path_list_add(out, "", parts.entries[p].path, PATH_UNKNOWN));
            free(out->entries[i].path);
            out->entries[i].path = parts.entries[0].path;
            parts.entries[0].path = NULL;
        }
    }
    return NULL;
}

BARKS_CHECKED static barks_status *walk(const char *directory, const char *pattern, int depth,
                                        struct path_list *out);

/* The paths below directory whose first component is a name of pattern's first: matched ones are
 * added to found. */
BARKS_CHECKED static barks_status *match_component(const char *directory, const char *component,
                                                   bool is_last, struct path_list *found)
{
    BARKS_AUTO(directory_reader) reader = {0};
    BARKS_TRY(directory_open(&reader, directory[0] == '\0' ? "." : directory));
    const char *name = NULL;
    enum path_kind kind = PATH_UNKNOWN;
    for (;;) {
        BARKS_TRY(directory_next(&reader, &name, &kind));
        if (name == NULL)
            return NULL;
        if ((name[0] == '.' || name[0] == '_') && component[0] != name[0])
            continue;
        if (!glob_match(component, name) || (!is_last && (kind == PATH_FILE || kind == PATH_OTHER)))
            continue;
        BARKS_TRY(path_list_add(found, directory, name, kind));
    }
}

/* "**": the rest of the pattern here, and in every directory below. */
BARKS_CHECKED static barks_status *walk_below(const char *directory, const char *rest, int depth,
                                              struct path_list *out)
{
    if (depth > GLOB_DEPTH_MAX)
        BARKS_FAIL(BARKS_LIMIT, "'%s' is more than %d directories deep", directory, GLOB_DEPTH_MAX);
    if (rest[0] != '\0')
        BARKS_TRY(walk(directory, rest, depth + 1, out));
    BARKS_AUTO(path_list) names = {0};
    BARKS_TRY(match_component(directory, "*", true, &names));
    for (size_t i = 0; i < names.count; i++) {
        struct path_entry *entry = &names.entries[i];
        if (entry->kind == PATH_UNKNOWN && path_kind_nofollow(entry->path) == PATH_DIRECTORY)
            entry->kind = PATH_DIRECTORY;
        if (entry->kind == PATH_DIRECTORY)
            BARKS_TRY(walk_below(entry->path, rest, depth + 1, out));
        else if (rest[0] == '\0' &&
                 (entry->kind != PATH_UNKNOWN || path_kind_follow(entry->path) != PATH_DIRECTORY))
            BARKS_TRY(path_list_add(out, "", entry->path, entry->kind));
    }
    return NULL;
}

/* Adds what matches pattern below directory ("" is the working directory). pattern does not begin
 * with a slash. */
BARKS_CHECKED static barks_status *walk(const char *directory, const char *pattern, int depth,
                                        struct path_list *out)
{
    if (depth > GLOB_DEPTH_MAX)
        BARKS_FAIL(BARKS_LIMIT, "'%s' is more than %d directories deep", directory, GLOB_DEPTH_MAX);
    size_t component_bytes = strcspn(pattern, "/");
    const char *rest = pattern + component_bytes + strspn(pattern + component_bytes, "/");
    bool is_last = rest[0] == '\0';
    char component[256]; /* NAME_MAX and the final zero: a longer one can match no name */
    if (component_bytes >= sizeof component)
        return NULL;
    memcpy(component, pattern, component_bytes);
    component[component_bytes] = '\0';
    if (strcmp(component, "**") == 0)
        return walk_below(directory, rest, depth, out);
    BARKS_AUTO(path_list) found = {0};
    if (glob_is_pattern(component)) {
        if (directory[0] != '\0' && path_kind_follow(directory) != PATH_DIRECTORY)
            return NULL;
        BARKS_TRY(match_component(directory, component, is_last, &found));
    } else {
        BARKS_TRY(path_list_add(&found, directory, component, PATH_UNKNOWN));
    }
    for (size_t i = 0; i < found.count; i++) {
        struct stat info;
        if (!is_last)
            BARKS_TRY(walk(found.entries[i].path, rest, depth + 1, out));
        else if (found.entries[i].kind != PATH_UNKNOWN || lstat(found.entries[i].path, &info) == 0)
            BARKS_TRY(path_list_add(out, "", found.entries[i].path, found.entries[i].kind));
    }
    return NULL;
}

barks_status *glob_expand(const char *pattern, struct path_list *out)
{
    size_t first = out->count;
    BARKS_AUTO(path_list) patterns = {0};
    BARKS_TRY(expand_braces(pattern, &patterns));
    for (size_t i = 0; i < patterns.count; i++) {
        const char *one = patterns.entries[i].path;
        BARKS_TRY(walk(one[0] == '/' ? "/" : "", one + strspn(one, "/"), 0, out));
    }
    path_list_sort(out, first);
    path_list_unique(out, first);
    return NULL;
}
