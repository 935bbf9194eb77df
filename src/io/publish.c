#include "io/publish.h"

#include "io/commit.h"
#include "io/directory.h"
#include "io/output_target.h"
#include "io/system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

BARKS_CHECKED static barks_status *fail_no_memory(const char *output)
{
    BARKS_FAIL(BARKS_NO_MEMORY, "no memory to write the output '%s'", output);
}

/* renameat2 where the file system has it. Without flags the plain call does: it replaces an empty
 * directory at most. */
static int rename_flags(const char *from, const char *to, unsigned flags)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, flags) == 0)
        return 0;
    return errno;
}

static bool is_unsupported(int error)
{
    return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

/* Without an exchange the old output steps aside and comes back when the new one cannot take its
 * place; only here there is a moment without either. */
static int replace_in_two_steps(const struct commit *commit, const char *aside)
{
    if (rename(commit->output, aside) != 0)
        return errno;
    if (rename(commit->hidden, commit->output) == 0)
        return 0;
    int error = errno;
    return rename(aside, commit->output) == 0 ? error : errno;
}

BARKS_CHECKED static barks_status *fail_publish(const struct commit *commit, int error)
{
    if (error == EEXIST || error == ENOTEMPTY || error == ENOTDIR)
        BARKS_FAIL(BARKS_INVALID,
                   "the output '%s' has been made by something else while the job ran: choose "
                   "another path, "
                   "remove it, or ask for overwriting",
                   commit->output);
    BARKS_FAIL(system_code(error), "cannot rename '%s' to the output '%s': %s%s", commit->hidden,
               commit->output, system_text(error), system_remedy(error));
}

BARKS_CHECKED static barks_status *publish_new(const struct commit *commit, bool *out_exists)
{
    int error = rename_flags(commit->hidden, commit->output, RENAME_NOREPLACE);
    if (is_unsupported(error))
        error = rename(commit->hidden, commit->output) == 0 ? 0 : errno;
    *out_exists = error == EEXIST || error == ENOTEMPTY;
    if (error == 0 || (*out_exists && commit->overwrite))
        return NULL;
    return fail_publish(commit, error);
}

BARKS_CHECKED static barks_status *publish_over(const struct commit *commit)
{
    BARKS_TRY(output_check(commit->output,
                           true)); /* a second look: it may be another one than at the beginning */
    char *aside = NULL;            /* hidden as well, and so a leftover if this process dies here */
    if (asprintf(&aside, "%s-old", commit->hidden) < 0)
        return fail_no_memory(commit->output);
    int error = rename_flags(commit->hidden, commit->output, RENAME_EXCHANGE);
    const char *old = commit->hidden;
    if (is_unsupported(error)) {
        error = replace_in_two_steps(commit, aside);
        old = aside;
    }
    if (error == 0)
        barks_status_free(directory_remove(
            old)); /* the job has succeeded; a later one removes what stays as a leftover */
    free(aside);
    return error == 0 ? NULL : fail_publish(commit, error);
}

/* The output is there by now, so this is worded apart. */
BARKS_CHECKED static barks_status *sync_parent(const struct commit *commit)
{
    const char *slash = strrchr(commit->output, '/');
    char *parent =
        strndup(commit->output, slash == commit->output ? 1 : (size_t)(slash - commit->output));
    barks_status *status = parent != NULL ? directory_sync(parent) : fail_no_memory(commit->output);
    free(parent);
    BARKS_TRY_DOING(status, "the output '%s' is whole, but a power cut might undo it",
                    commit->output);
    return NULL;
}

barks_status *publish_output(const struct commit *commit)
{
    bool exists = false;
    BARKS_TRY(publish_new(commit, &exists));
    if (exists)
        BARKS_TRY(publish_over(commit));
    return commit->sync ? sync_parent(commit) : NULL;
}
