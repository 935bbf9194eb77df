#include "io/quarantine.h"

#include "base/scope.h"
#include "io/directory.h"
#include "io/system_error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *quarantine_path(const struct quarantine_place *place, uint32_t partition)
{
    char *path = NULL;
    return asprintf(&path, "%s/bad-%05" PRIu32 ".json", place->directory, partition) < 0 ? NULL
                                                                                         : path;
}

char *quarantine_hidden_path(const struct quarantine_place *place, uint32_t partition)
{
    char *path = NULL;
    return asprintf(&path, "%s/.bad-%05" PRIu32 ".json.%s-%" PRIu64, place->directory, partition,
                    place->token, place->job) < 0
               ? NULL
               : path;
}

char *quarantine_attempt_path(const struct quarantine_place *place, uint32_t partition)
{
    static _Atomic uint32_t next; /* several tasks of a process may read the same partition */
    char host[64] = "";
    char *path = NULL, *hidden = quarantine_hidden_path(place, partition);
    (void)gethostname(host, sizeof host - 1); /* without it the name is as good on one host */
    if (hidden == NULL || asprintf(&path, "%s.%s-%ld-%" PRIu32, hidden, host, (long)getpid(),
                                   atomic_fetch_add_explicit(&next, 1, memory_order_relaxed)) < 0)
        path = NULL;
    free(hidden);
    return path;
}

/* ".bad-00007.json.TOKEN-3": the length up to its own suffix; 0 for other names. *out_is_whole: no
 * attempt. */
static size_t own_name(const char *name, const char *suffix, bool *out_is_whole)
{
    static const char begin[] = ".bad-", end[] = ".json";
    if (strncmp(name, begin, sizeof begin - 1) != 0)
        return 0;
    size_t digits = strspn(name + sizeof begin - 1, "0123456789");
    size_t length = sizeof begin - 1 + digits;
    if (digits == 0 || strncmp(name + length, end, sizeof end - 1) != 0)
        return 0;
    length += sizeof end - 1;
    size_t suffix_bytes = strlen(suffix);
    if (strncmp(name + length, suffix, suffix_bytes) != 0)
        return 0;
    char next = name[length + suffix_bytes];
    *out_is_whole = next == '\0';
    return next == '\0' || next == '.' ? length : 0;
}

BARKS_CHECKED static barks_status *remove_file(const char *path)
{
    if (unlink(path) != 0 && errno != ENOENT)
        BARKS_FAIL(system_code(errno), "cannot remove '%s': %s%s", path, system_text(errno),
                   system_remedy(errno));
    return NULL;
}

/* The hidden file at path takes its name, which is name's first length bytes without the dot. */
BARKS_CHECKED static barks_status *show_file(const char *directory, const char *path,
                                             const char *name, size_t length)
{
    struct stat info;
    char *shown = NULL;
    if (asprintf(&shown, "%s/%.*s", directory, (int)(length - 1), name + 1) < 0)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to name bad rows");
    barks_status *status = NULL;
    if (stat(path, &info) == 0 && info.st_size == 0) {
        status = remove_file(shown);
        if (status == NULL)
            status = remove_file(path);
    } else if (rename(path, shown) != 0) {
        status = barks_status_new(system_code(errno), NULL, BARKS_HERE,
                                  "cannot name the bad rows '%s': %s%s", shown, system_text(errno),
                                  system_remedy(errno));
    }
    free(shown);
    return status;
}

BARKS_CHECKED static barks_status *end_all(const struct quarantine_place *place, bool shows)
{
    char suffix[128];
    BARKS_AUTO(path_list) found = {0};
    snprintf(suffix, sizeof suffix, ".%s-%" PRIu64, place->token, place->job);
    {
        BARKS_AUTO(directory_reader) reader = {0};
        BARKS_TRY(directory_open(&reader, place->directory));
        const char *name = NULL;
        enum path_kind kind = PATH_UNKNOWN;
        bool is_whole = false;
        for (;;) {
            BARKS_TRY(directory_next(&reader, &name, &kind));
            if (name == NULL)
                break;
            if (own_name(name, suffix, &is_whole) > 0)
                BARKS_TRY(path_list_add(&found, place->directory, name, kind));
        }
    }
    for (size_t i = 0; i < found.count; i++) {
        const char *path = found.entries[i].path;
        const char *name = strrchr(path, '/') + 1;
        bool is_whole = false;
        size_t length = own_name(name, suffix, &is_whole);
        BARKS_TRY(shows && is_whole ? show_file(place->directory, path, name, length)
                                    : remove_file(path));
    }
    return NULL;
}

barks_status *quarantine_publish(const struct quarantine_place *place)
{
    return end_all(place, true);
}

barks_status *quarantine_discard(const struct quarantine_place *place)
{
    return end_all(place, false);
}
