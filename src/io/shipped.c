#include "io/shipped.h"

#include "base/lock.h"
#include "base/log.h"
#include "base/process_guard.h"
#include "io/directory.h"
#include "io/system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE_BITS = 0777 };

/* A name that is whole; its path ends in it. */
struct shipped_name {
    char *path; /* owned */
    const char *name;
    struct shipped_name *next;
};

struct shipped {
    struct process_guard *guard; /* borrowed */
    char *scratch;               /* owned */
    barks_status *failed;        /* owned */
    struct lock lock;
    struct {
        char *directory; /* owned; NULL: not made yet */
        struct shipped_name *names;
    } locked;
};

barks_status *shipped_create(struct process_guard *guard, const char *scratch,
                             struct shipped **out_shipped)
{
    struct shipped *shipped = calloc(1, sizeof *shipped);
    char *copy = strdup(scratch);
    if (shipped == NULL || copy == NULL) {
        free(shipped);
        free(copy);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for shipped files");
    }
    shipped->guard = guard;
    shipped->scratch = copy;
    lock_init(&shipped->lock, LOCK_QUEUE, "shipped files");
    *out_shipped = shipped;
    return NULL;
}

void shipped_remove_files(struct shipped *shipped)
{
    lock_acquire(&shipped->lock);
    const char *directory = shipped->locked.directory;
    lock_release(&shipped->lock);
    if (directory == NULL)
        return;
    barks_status *status = directory_remove(directory);
    if (status != NULL)
        LOG(LEVEL_WARN, "io", "shipped files are left behind: %s", barks_status_text(status));
    barks_status_free(status);
    barks_status_free(process_guard_directory(shipped->guard, NULL)); /* it would find nothing */
}

void shipped_destroy(struct shipped *shipped)
{
    if (shipped == NULL)
        return;
    shipped_remove_files(shipped);
    while (shipped->locked.names != NULL) {
        struct shipped_name *next = shipped->locked.names->next;
        free(shipped->locked.names->path);
        free(shipped->locked.names);
        shipped->locked.names = next;
    }
    barks_status_free(shipped->failed);
    free(shipped->locked.directory);
    free(shipped->scratch);
    lock_drop(&shipped->lock);
    free(shipped);
}

/* In the first directory of the list where that is possible. */
BARKS_CHECKED static barks_status *make_directory(const char *scratch, char **out_directory)
{
    int error = ENOENT;
    for (const char *at = scratch; *at != '\0';) {
        int length = (int)strcspn(at, ":"); /* of a path */
        char *made = NULL;
        if (length > 0 && asprintf(&made, "%.*s/barks-shipped-XXXXXX", length, at) < 0)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the path of shipped files");
        if (made != NULL && mkdtemp(made) != NULL) {
            *out_directory = made;
            return NULL;
        }
        error = made != NULL ? errno : error;
        free(made);
        at += length + (at[length] == ':');
    }
    BARKS_FAIL(system_code(error),
               "cannot make a directory for shipped files in '%s': %s; --barks-scratch names "
               "another",
               scratch, system_text(error));
}

BARKS_CHECKED static barks_status *fail_at(const char *what, const char *path, int error)
{
    BARKS_FAIL(system_code(error), "cannot %s the shipped '%s': %s%s; --barks-scratch names where",
               what, path, system_text(error), system_remedy(error));
}

BARKS_CHECKED static barks_status *write_all(int descriptor, const char *path,
                                             const struct shipped_piece *piece)
{
    for (size_t done = 0; done < piece->size_bytes;) {
        ssize_t written = pwrite(descriptor, (const char *)piece->bytes + done,
                                 piece->size_bytes - done, (off_t)(piece->offset + done));
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return fail_at("write", path, written < 0 ? errno : EIO);
        done += (size_t)written;
    }
    return NULL;
}

/* Opened for each piece, since no more than one file is ever written to, in large pieces. */
BARKS_CHECKED static barks_status *put_file(const char *path, const struct shipped_piece *piece)
{
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (piece->offset == 0 ? O_EXCL : 0);
    int descriptor = open(path, flags, 0600);
    if (descriptor < 0)
        return fail_at("create", path, errno);
    barks_status *status = write_all(descriptor, path, piece);
    if (status == NULL && piece->is_last && fchmod(descriptor, piece->mode & MODE_BITS) != 0)
        status = fail_at("set the mode of", path, errno);
    if (close(descriptor) != 0 && status == NULL)
        status = fail_at("write", path, errno);
    return status;
}

BARKS_CHECKED static barks_status *put_link(const char *path, const struct shipped_piece *piece)
{
    char *target = strndup(piece->bytes, piece->size_bytes);
    if (target == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a link");
    barks_status *status = symlink(target, path) != 0 ? fail_at("make", path, errno) : NULL;
    free(target);
    return status;
}

/* Takes path. */
BARKS_CHECKED static barks_status *put_name(struct shipped *shipped, char *path, const char *name)
{
    struct shipped_name *made = calloc(1, sizeof *made);
    if (made == NULL) {
        free(path);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the name of a shipped file");
    }
    made->path = path;
    made->name = path + strlen(path) - strlen(name);
    lock_acquire(&shipped->lock);
    made->next = shipped->locked.names;
    shipped->locked.names = made;
    lock_release(&shipped->lock);
    return NULL;
}

/* Where that cannot be, files stay behind if this process is killed, and only then. */
static void guard_directory(struct process_guard *guard, const char *directory)
{
    char *path = realpath(directory, NULL);
    if (path == NULL)
        return;
    barks_status *status = process_guard_directory(guard, path);
    if (status != NULL)
        LOG(LEVEL_DEBUG, "io", "shipped files stay if this process is killed: %s",
            barks_status_text(status));
    barks_status_free(status);
    free(path);
}

BARKS_CHECKED static barks_status *put(struct shipped *shipped, const struct shipped_piece *piece)
{
    char *path = NULL, *directory = NULL;
    barks_status *status = NULL;
    if (shipped_directory(shipped) == NULL) {
        BARKS_TRY(make_directory(shipped->scratch, &directory));
        lock_acquire(&shipped->lock);
        shipped->locked.directory = directory;
        lock_release(&shipped->lock);
        guard_directory(shipped->guard, directory);
    }
    if (asprintf(&path, "%s/%s", shipped_directory(shipped), piece->path) < 0)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the path of a shipped file");
    switch (piece->kind) {
    case SHIPPED_FILE:
        status = put_file(path, piece);
        break;
    case SHIPPED_DIRECTORY: /* its owner writes into it, and removes it */
        if (mkdir(path, 0700) != 0 || chmod(path, (piece->mode & MODE_BITS) | 0700) != 0)
            status = fail_at("make", path, errno);
        break;
    case SHIPPED_LINK:
        status = put_link(path, piece);
        break;
    case SHIPPED_READY:
        return put_name(shipped, path, piece->path);
    case SHIPPED_REMOVE:
        status = directory_remove(path);
        break;
    }
    free(path);
    return status;
}

void shipped_put(struct shipped *shipped, const struct shipped_piece *piece)
{
    if (shipped->failed == NULL)
        shipped->failed = put(shipped, piece);
}

barks_status *shipped_take_failure(struct shipped *shipped)
{
    barks_status *failed = shipped->failed;
    shipped->failed = NULL;
    return failed;
}

const char *shipped_find(struct shipped *shipped, const char *name)
{
    const char *path = NULL;
    lock_acquire(&shipped->lock);
    for (struct shipped_name *at = shipped->locked.names; at != NULL && path == NULL; at = at->next)
        if (strcmp(at->name, name) == 0)
            path = at->path;
    lock_release(&shipped->lock);
    return path;
}

const char *shipped_directory(struct shipped *shipped)
{
    lock_acquire(&shipped->lock);
    const char *directory = shipped->locked.directory;
    lock_release(&shipped->lock);
    return directory;
}
