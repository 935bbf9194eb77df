#include "io/output_target.h"

#include "base/scope.h"
#include "io/directory.h"
#include "io/system_error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

BARKS_CHECKED static barks_status *fail_no_memory(const char *output)
{
    BARKS_FAIL(BARKS_NO_MEMORY, "no memory to write the output '%s'", output);
}

/* Cuts an existing path, which realpath has cleaned: it begins with a slash and does not end in
 * one. */
BARKS_CHECKED static barks_status *cut_real(const char *real, const char *output,
                                            struct output_target *out)
{
    const char *slash = strrchr(real, '/');
    if (slash == NULL || slash[1] == '\0')
        BARKS_FAIL(BARKS_INVALID, "the output '%s' is the root directory: choose another", output);
    out->parent = slash == real ? strdup("/") : strndup(real, (size_t)(slash - real));
    out->name = strdup(slash + 1);
    return out->parent != NULL && out->name != NULL ? NULL : fail_no_memory(output);
}

BARKS_CHECKED static barks_status *cut_new(const char *output, struct output_target *out)
{
    size_t end = strlen(output);
    while (end > 0 && output[end - 1] == '/')
        end--;
    size_t name_begin = end;
    while (name_begin > 0 && output[name_begin - 1] != '/')
        name_begin--;
    char *parent = name_begin > 0 ? strndup(output, name_begin) : strdup(".");
    out->name = strndup(output + name_begin, end - name_begin);
    if (parent == NULL || out->name == NULL) {
        free(parent);
        return fail_no_memory(output);
    }
    out->parent = realpath(parent, NULL);
    barks_status *status = NULL;
    if (out->parent == NULL && errno == ENOENT)
        status = barks_status_new(
            BARKS_INVALID, NULL, BARKS_HERE,
            "the directory '%s' for the output '%s' does not exist: create it first (mkdir -p)",
            parent, output);
    else if (out->parent == NULL)
        status = barks_status_new(system_code(errno), NULL, BARKS_HERE,
                                  "cannot reach the directory '%s' for the output '%s': "
                                  "%s%s",
                                  parent, output, system_text(errno), system_remedy(errno));
    free(parent);
    return status;
}

/* What overwriting would destroy must be what barks (or Spark) wrote: a slip of the keyboard is no
 * reason to delete a home directory. */
BARKS_CHECKED static barks_status *check_replaceable(const char *output)
{
    BARKS_AUTO(directory_reader) reader = {0};
    BARKS_TRY(directory_open(&reader, output));
    static const char *const known[] = {"part-", "_SUCCESS", ".part-", "._SUCCESS"};
    const char *name = NULL;
    enum path_kind kind = PATH_UNKNOWN;
    for (;;) {
        BARKS_TRY(directory_next(&reader, &name, &kind));
        if (name == NULL)
            return NULL;
        bool is_known = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            is_known = is_known || strncmp(name, known[i], strlen(known[i])) == 0;
        if (!is_known || kind == PATH_DIRECTORY)
            BARKS_FAIL(BARKS_INVALID,
                       "the output '%s' is not overwritten, since it holds '%s', which is no part "
                       "of an output: "
                       "choose another path, or remove it yourself",
                       output, name);
    }
}

barks_status *output_check(const char *output, bool overwrite)
{
    struct stat info;
    if (stat(output, &info) != 0) {
        if (errno == ENOENT)
            return NULL;
        BARKS_FAIL(system_code(errno), "cannot look at the output '%s': %s%s", output,
                   system_text(errno), system_remedy(errno));
    }
    if (!S_ISDIR(info.st_mode))
        BARKS_FAIL(BARKS_INVALID,
                   "the output '%s' is a file, and an output is a directory: choose another path",
                   output);
    if (!overwrite)
        BARKS_FAIL(BARKS_INVALID,
                   "the output '%s' exists: choose another path, remove it, or ask for overwriting",
                   output);
    return check_replaceable(output);
}

barks_status *output_target_find(const char *output, struct output_target *out)
{
    struct stat info;
    if (output[strspn(output, "/")] == '\0')
        BARKS_FAIL(BARKS_INVALID, "the output path '%s' names no directory that could be made",
                   output);
    if (lstat(output, &info) != 0)
        return cut_new(output, out);
    char *real = realpath(output, NULL);
    if (real == NULL)
        BARKS_FAIL(system_code(errno), "cannot follow the output '%s': %s%s", output,
                   system_text(errno), system_remedy(errno));
    barks_status *status = cut_real(real, output, out);
    free(real);
    return status;
}

void output_target_drop(struct output_target *target)
{
    free(target->parent);
    free(target->name);
    *target = (struct output_target){0};
}
