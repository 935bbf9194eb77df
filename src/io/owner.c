/* The file is one line: HOST BOOT PID-NAMESPACE PID START. Boot tells a process of before a
 * restart, the namespace containers that share a directory and a host name, START (clock ticks
 * after boot) a pid that was given out again. */
#include "io/owner.h"

#include "base/process.h"
#include "base/scope.h"
#include "io/commit.h"
#include "io/directory.h"
#include "io/system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OWNER_FILE ".owner"
enum { OWNER_NAME_BYTES = 128 };

struct owner {
    char host[OWNER_NAME_BYTES]; /* without blanks; "?" for what cannot be told */
    char boot[OWNER_NAME_BYTES];
    char space[OWNER_NAME_BYTES];
    int64_t pid;
    uint64_t start;
};

/* The first size_bytes - 1 bytes of a small file; false when it cannot be read. */
static bool read_small(const char *path, char *out, size_t size_bytes)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    ssize_t got = descriptor >= 0 ? read(descriptor, out, size_bytes - 1) : -1;
    if (descriptor >= 0)
        (void)close(descriptor); /* it was read, nothing can be lost */
    out[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static void set_word(char *out, const char *text)
{
    size_t length = strcspn(text, " \t\n");
    if (length >= OWNER_NAME_BYTES)
        length = OWNER_NAME_BYTES - 1;
    memcpy(out, length > 0 ? text : "?", length > 0 ? length : 1);
    out[length > 0 ? length : 1] = '\0';
}

/* When a process began; 0 when it cannot be told. The command, in parentheses, may hold anything;
 * START is the 20th word after it (proc(5)). */
static uint64_t start_of(int64_t pid)
{
    char path[64];
    char text[1024];
    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid); /* always fits */
    if (!read_small(path, text, sizeof text))
        return 0;
    const char *at = strrchr(text, ')');
    for (int i = 0; i < 20 && at != NULL; i++)
        at = strchr(at + 1, ' ');
    return at != NULL ? strtoull(at, NULL, 10) : 0;
}

static void owner_of_this_process(struct owner *out)
{
    char text[OWNER_NAME_BYTES] = "";
    *out = (struct owner){.pid = getpid(), .start = start_of(getpid())};
    set_word(out->host, gethostname(text, sizeof text - 1) == 0 ? text : "");
    set_word(out->boot,
             read_small("/proc/sys/kernel/random/boot_id", text, sizeof text) ? text : "");
    ssize_t length = readlink("/proc/self/ns/pid", text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    set_word(out->space, text);
}

BARKS_CHECKED static barks_status *owner_path(const char *directory, char **out_path)
{
    if (asprintf(out_path, "%s/" OWNER_FILE, directory) < 0) {
        *out_path = NULL;
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a path in '%s'", directory);
    }
    return NULL;
}

barks_status *owner_write(const char *directory)
{
    char *path = NULL;
    struct owner owner;
    owner_of_this_process(&owner);
    BARKS_TRY(owner_path(directory, &path));
    int error = 0;
    FILE *file = fopen(path, "we");
    if (file == NULL || fprintf(file, "%s %s %s %" PRId64 " %" PRIu64 "\n", owner.host, owner.boot,
                                owner.space, owner.pid, owner.start) < 0)
        error = errno;
    if (file != NULL && fclose(file) != 0 && error == 0)
        error = errno;
    free(path);
    if (error != 0)
        BARKS_FAIL(system_code(error), "cannot write '%s/.owner': %s%s", directory,
                   system_text(error), system_remedy(error));
    return NULL;
}

barks_status *owner_remove(const char *directory)
{
    char *path = NULL;
    BARKS_TRY(owner_path(directory, &path));
    int error = unlink(path) == 0 || errno == ENOENT ? 0 : errno;
    free(path);
    if (error != 0)
        BARKS_FAIL(system_code(error), "cannot remove '%s/.owner': %s%s", directory,
                   system_text(error), system_remedy(error));
    return NULL;
}

/* Surely dead, as far as this host can tell. */
static bool is_dead(const struct owner *owner)
{
    struct owner self;
    owner_of_this_process(&self);
    if (strcmp(owner->host, self.host) != 0 || strcmp(owner->boot, "?") == 0 ||
        strcmp(self.boot, "?") == 0)
        return false;
    if (strcmp(owner->boot, self.boot) != 0)
        return true; /* this host has been restarted since */
    if (strcmp(owner->space, self.space) != 0 || owner->pid <= 0 || owner->pid > INT32_MAX)
        return false;
    if (process_is_gone((pid_t)owner->pid)) /* also where nobody has collected it yet */
        return true;
    uint64_t start = start_of(owner->pid);
    return start != 0 && owner->start != 0 &&
           start != owner->start; /* its number is another's now */
}

static bool parse_owner(const char *text, struct owner *out)
{
    char pid[24];
    char start[24];
    if (sscanf(text, "%127s %127s %127s %23s %23s", out->host, out->boot, out->space, pid, start) !=
        5)
        return false;
    out->pid = strtoll(pid, NULL, 10); /* 0 for rubbish, which is_dead takes for no process */
    out->start = strtoull(start, NULL, 10);
    return true;
}

static bool is_leftover(const char *directory)
{
    struct stat info;
    char *path = NULL;
    char text[4 * OWNER_NAME_BYTES];
    struct owner owner = {0};
    if (lstat(directory, &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != geteuid())
        return false;
    barks_status *status = owner_path(directory, &path);
    barks_status_free(status); /* without memory nothing is removed */
    if (path == NULL)
        return false;
    bool known = read_small(path, text, sizeof text) && parse_owner(text, &owner);
    free(path);
    if (known && is_dead(&owner))
        return true;
    struct owner self;
    owner_of_this_process(&self);
    bool may_live_here = known && strcmp(owner.host, self.host) == 0 &&
                         strcmp(owner.boot, self.boot) == 0 && strcmp(owner.space, self.space) == 0;
    return !may_live_here && time(NULL) - info.st_mtim.tv_sec > COMMIT_LEFTOVER_SECONDS;
}

/* All but this file. */
BARKS_CHECKED static barks_status *list_names(const char *directory, const char *prefix,
                                              const char *but, struct path_list *out)
{
    BARKS_AUTO(directory_reader) reader = {0};
    BARKS_TRY(directory_open(&reader, directory));
    const char *name = NULL;
    enum path_kind kind = PATH_UNKNOWN;
    for (;;) {
        BARKS_TRY(directory_next(&reader, &name, &kind));
        if (name == NULL)
            return NULL;
        if (strncmp(name, prefix, strlen(prefix)) == 0 && strcmp(name, but) != 0)
            BARKS_TRY(path_list_add(out, directory, name, kind));
    }
}

barks_status *owner_remove_directory(const char *directory)
{
    BARKS_AUTO(path_list) found = {0};
    if (path_kind_nofollow(directory) == PATH_DIRECTORY)
        BARKS_TRY(list_names(directory, "", OWNER_FILE, &found));
    for (size_t i = 0; i < found.count; i++)
        BARKS_TRY(directory_remove(found.entries[i].path));
    return directory_remove(directory);
}

BARKS_CHECKED static barks_status *remove_leftovers(const char *parent, const char *prefix)
{
    BARKS_AUTO(path_list) found = {0};
    BARKS_TRY(list_names(parent, prefix, "", &found));
    for (size_t i = 0; i < found.count; i++)
        if (is_leftover(found.entries[i].path))
            BARKS_TRY(owner_remove_directory(found.entries[i].path));
    return NULL;
}

void owner_remove_leftovers(const char *parent, const char *prefix)
{
    barks_status_free(remove_leftovers(parent, prefix)); /* the header says why */
}
