#include "cli/find_log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void found_logs_drop(struct found_logs *logs)
{
    for (uint64_t i = 0; i < logs->count; i++) {
        free(logs->items[i].path);
        free(logs->items[i].id);
    }
    free(logs->items);
    *logs = (struct found_logs){0};
}

/* Length of a name without the suffix, or 0 where it does not end so. */
static size_t without(const char *name, const char *suffix)
{
    size_t length = strlen(name), suffix_length = strlen(suffix);
    bool ends = length > suffix_length && strcmp(name + length - suffix_length, suffix) == 0;
    return ends ? length - suffix_length : 0;
}

static size_t id_length(const char *name)
{
    size_t length = without(name, LOG_PART_SUFFIX);
    return length > 0 ? length : without(name, LOG_SUFFIX);
}

barks_status *log_id_of(const char *path, char **out_id)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t length = id_length(name);
    *out_id = strndup(name, length > 0 ? length : strlen(name));
    if (*out_id == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a name");
    return NULL;
}

BARKS_CHECKED static barks_status *add(const char *directory, const char *name,
                                       struct found_logs *logs)
{
    struct found_log found = {.is_part = without(name, LOG_PART_SUFFIX) > 0};
    struct stat about;
    if (logs->count == logs->capacity) {
        uint64_t capacity = 2 * logs->capacity + 16;
        struct found_log *grown = realloc(logs->items, capacity * sizeof *grown);
        if (grown == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the names of logs");
        logs->items = grown;
        logs->capacity = capacity;
    }
    size_t bytes = strlen(directory) + strlen(name) + 2;
    found.path = malloc(bytes);
    if (found.path == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the names of logs");
    snprintf(found.path, bytes, "%s/%s", directory, name);
    barks_status *status = log_id_of(found.path, &found.id);
    bool is_there = status == NULL && stat(found.path, &about) == 0 && S_ISREG(about.st_mode);
    if (!is_there) { /* renamed meanwhile, or no file */
        free(found.path);
        free(found.id);
        return status;
    }
    found.modified = about.st_mtim;
    logs->items[logs->count++] = found;
    return NULL;
}

static int by_time(const void *left, const void *right)
{
    const struct found_log *a = left, *b = right;
    if (a->modified.tv_sec != b->modified.tv_sec)
        return a->modified.tv_sec < b->modified.tv_sec ? -1 : 1;
    if (a->modified.tv_nsec != b->modified.tv_nsec)
        return a->modified.tv_nsec < b->modified.tv_nsec ? -1 : 1;
    return strcmp(a->id, b->id);
}

barks_status *find_logs(const char *directory, const char *head, struct found_logs *out_logs)
{
    struct found_logs logs = {0};
    barks_status *status = NULL;
    DIR *folder = opendir(directory);
    if (folder == NULL)
        BARKS_FAIL(BARKS_IO, "cannot read the directory of event logs '%s': %s", directory,
                   strerror(errno));
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL && errno != 0)
            status = barks_status_new(BARKS_IO, NULL, BARKS_HERE,
                                      "cannot read the directory of event logs '%s': %s", directory,
                                      strerror(errno));
        if (entry == NULL || status != NULL)
            break;
        if (id_length(entry->d_name) > 0 && strncmp(entry->d_name, head, strlen(head)) == 0)
            status = add(directory, entry->d_name, &logs);
    }
    closedir(folder);
    if (status != NULL) {
        found_logs_drop(&logs);
        return status;
    }
    if (logs.count > 0)
        qsort(logs.items, logs.count, sizeof *logs.items, by_time);
    *out_logs = logs;
    return NULL;
}

barks_status *find_log(const char *directory, const char *job, char **out_path)
{
    struct stat about;
    struct found_logs logs = {0};
    if (strchr(job, '/') != NULL || stat(job, &about) == 0) {
        *out_path = strdup(job);
        if (*out_path == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a path");
        return NULL;
    }
    if (directory == NULL)
        BARKS_FAIL(BARKS_INVALID,
                   "'%s' is no file, and the directory of event logs is not known: name it "
                   "(--dir DIR, or the setting event_log)",
                   job);
    BARKS_TRY(find_logs(directory, job, &logs));
    if (logs.count == 0)
        BARKS_FAIL(BARKS_INVALID,
                   "no event log in '%s' begins with '%s'; `barks log` lists those that are there",
                   directory, job);
    *out_path = logs.items[logs.count - 1].path;
    logs.items[logs.count - 1].path = NULL;
    found_logs_drop(&logs);
    return NULL;
}
