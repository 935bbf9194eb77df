#include "io/listing.h"

#include "base/checked.h"
#include "base/hash.h"
#include "base/scope.h"
#include "io/directory.h"
#include "io/glob.h"
#include "io/path_fields.h"
#include "io/path_list.h"
#include "io/system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PROBE_THREADS = 8, /* requests in flight at a file server: its latency is hidden, its other
                          users are not hurt */
    PROBE_STEP = 64,   /* files that a thread takes at once */
};

BARKS_CHECKED static barks_status *refuse_other(const char *path)
{
    struct stat info = {0};
    const char *what = "a device";
    if (stat(path, &info) == 0)
        what = S_ISFIFO(info.st_mode) ? "a fifo" : S_ISSOCK(info.st_mode) ? "a socket" : "a device";
    BARKS_FAIL(
        BARKS_INVALID,
        "input '%s' is %s, which cannot be read in parts: copy its content into a file first", path,
        what);
}

BARKS_CHECKED static barks_status *fail_missing(const char *path, int error)
{
    char *working =
        path[0] != '/' ? getcwd(NULL, 0) : NULL; /* NULL where it cannot be told: then it is not */
    barks_status *status =
        barks_status_new(system_code(error), NULL, BARKS_HERE, "cannot read input '%s'%s%s%s: %s%s",
                         path, working != NULL ? " (in '" : "", working != NULL ? working : "",
                         working != NULL ? "')" : "", system_text(error), system_remedy(error));
    free(working);
    return status;
}

/* How paths are searched. */
struct search {
    bool recursive;
    struct path_wish wish;
};

static void search_drop(struct search *search) { path_wish_drop(&search->wish); }

/* A directory that names another value than is wished has no file that is wanted. */
static bool is_wished(const struct search *search, const char *directory)
{
    char path[PATH_MAX];
    if (search->wish.count == 0)
        return true;
    int length = snprintf(path, sizeof path, "%s/", directory);
    return length >= (int)sizeof path || path_wish_fits(&search->wish, path, false);
}

/* Adds the files of a directory; what they are is settled here for links alone, files are looked at
 * later. */
BARKS_CHECKED static barks_status *add_directory(const char *path, const struct search *search,
                                                 int depth, struct path_list *out)
{
    if (depth > GLOB_DEPTH_MAX)
        BARKS_FAIL(BARKS_LIMIT,
                   "'%s' is more than %d directories deep: do symbolic links lead in a circle?",
                   path, GLOB_DEPTH_MAX);
    BARKS_AUTO(path_list) names = {0};
    {
        BARKS_AUTO(directory_reader) reader = {0};
        BARKS_TRY(directory_open(&reader, path));
        const char *name = NULL;
        enum path_kind kind = PATH_UNKNOWN;
        for (;;) {
            BARKS_TRY(directory_next(&reader, &name, &kind));
            if (name == NULL)
                break;
            if (name[0] != '.' && name[0] != '_')
                BARKS_TRY(path_list_add(&names, path, name, kind));
        }
    } /* closed before going deeper, so that depth costs no descriptors */
    size_t file_count = 0;
    const char *directory = NULL;
    for (size_t i = 0; i < names.count; i++) {
        struct path_entry *entry = &names.entries[i];
        if (entry->kind == PATH_UNKNOWN)
            entry->kind = path_kind_follow(entry->path);
        if (entry->kind == PATH_DIRECTORY) {
            directory = entry->path;
            if (search->recursive && is_wished(search, entry->path))
                BARKS_TRY(add_directory(entry->path, search, depth + 1, out));
        } else {
            BARKS_TRY(path_list_add(out, "", entry->path, entry->kind));
            file_count++;
        }
    }
    if (file_count == 0 && directory != NULL && !search->recursive && depth == 0)
        BARKS_FAIL(
            BARKS_INVALID,
            "'%s' has no files, only directories such as '%s': read it recursively, or name them",
            path, directory);
    return NULL;
}

BARKS_CHECKED static barks_status *add_found(const char *path, enum path_kind kind,
                                             const struct search *search, struct path_list *out)
{
    struct stat info;
    if (kind == PATH_UNKNOWN) {
        if (stat(path, &info) != 0)
            return fail_missing(path, errno);
        kind = S_ISREG(info.st_mode)   ? PATH_FILE
               : S_ISDIR(info.st_mode) ? PATH_DIRECTORY
                                       : PATH_OTHER;
    }
    if (kind == PATH_DIRECTORY)
        return add_directory(path, search, 0, out);
    return path_list_add(out, "", path, kind);
}

BARKS_CHECKED static barks_status *add_path(const char *path, const struct search *search,
                                            struct path_list *out)
{
    struct stat info;
    if (path[0] == '\0')
        BARKS_FAIL(BARKS_INVALID, "an input path is empty");
    if (!glob_is_pattern(path) || lstat(path, &info) == 0)
        return add_found(path, PATH_UNKNOWN, search, out);
    BARKS_AUTO(path_list) matches = {0};
    BARKS_TRY(glob_expand(path, &matches));
    if (matches.count == 0)
        BARKS_FAIL(
            BARKS_INVALID,
            "nothing matches the input pattern '%s': quote it if the shell should not see it, and "
            "note that names beginning with '.' or '_' are skipped",
            path);
    size_t first = out->count;
    for (size_t i = 0; i < matches.count; i++)
        BARKS_TRY(add_found(matches.entries[i].path, matches.entries[i].kind, search, out));
    path_list_sort(out, first);
    path_list_unique(out, first);
    return NULL;
}

struct list_file {
    FILE *stream;
    char *line;
};

static void list_file_drop(struct list_file *file)
{
    if (file->stream != NULL)
        (void)fclose(file->stream); /* it was read, nothing can be lost */
    free(file->line);
}

BARKS_CHECKED static barks_status *add_list(const char *path, const struct search *search,
                                            struct path_list *out)
{
    BARKS_AUTO(list_file) file = {.stream = fopen(path, "re")};
    if (file.stream == NULL)
        return fail_missing(path, errno);
    size_t line_bytes = 0;
    ssize_t length = 0;
    for (uint64_t number = 1; (length = getline(&file.line, &line_bytes, file.stream)) >= 0;
         number++) {
        while (length > 0 && (file.line[length - 1] == '\n' || file.line[length - 1] == '\r'))
            file.line[--length] = '\0';
        if (length == 0)
            continue;
        if (strlen(file.line) != (size_t)length)
            BARKS_FAIL(BARKS_BAD_INPUT, "line %ju of the list '%s' has a NUL byte",
                       (uintmax_t)number, path);
        if (file.line[0] == '@')
            BARKS_FAIL(
                BARKS_INVALID,
                "line %ju of the list '%s' names another list, '%s': write the files themselves",
                (uintmax_t)number, path, file.line);
        BARKS_TRY_DOING(add_path(file.line, search, out), "line %ju of the list '%s'",
                        (uintmax_t)number, path);
    }
    if (ferror(file.stream) != 0)
        BARKS_FAIL(BARKS_IO, "cannot read the list '%s'", path);
    return NULL;
}

static int64_t mtime_ns(const struct stat *info)
{
    return (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
}

/* Opens it as well: a file that cannot be read is found before the first task. */
BARKS_CHECKED static barks_status *probe_open(const char *path, int descriptor,
                                              struct input_file *out)
{
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return fail_missing(path, errno);
    if (!S_ISREG(info.st_mode))
        return refuse_other(path);
    uint8_t head[COMPRESSION_HEAD_BYTES];
    ssize_t head_bytes = 0;
    do
        head_bytes = pread(descriptor, head, sizeof head, 0);
    while (head_bytes < 0 && errno == EINTR);
    if (head_bytes < 0)
        return fail_missing(path, errno);
    out->size_bytes = (uint64_t)info.st_size; /* a file's size is never negative */
    out->mtime_ns = mtime_ns(&info);
    return compression_detect(path, head, (size_t)head_bytes, &out->compression);
}

BARKS_CHECKED static barks_status *probe(const struct path_entry *entry, struct input_file *out)
{
    if (entry->kind == PATH_OTHER)
        return refuse_other(entry->path);
    int descriptor = open(entry->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
                                           O_NOCTTY); /* opening a fifo would wait */
    if (descriptor < 0)
        return errno == ENXIO ? refuse_other(entry->path) : fail_missing(entry->path, errno);
    barks_status *status = probe_open(entry->path, descriptor, out);
    (void)close(descriptor); /* it was read, nothing can be lost */
    return status;
}

/* Files are taken from next; the error that stays is that of the first file in order, whoever met
 * which first. */
struct probing {
    const struct path_list *paths;
    struct input_file *files;
    _Atomic size_t next;     /* relaxed: it hands out indices, the join publishes the results */
    _Atomic size_t error_at; /* relaxed: a hint that later files need not be looked at */
    pthread_mutex_t mutex;
    struct {
        barks_status *error;
    } locked;
};

static void probing_fail(struct probing *probing, size_t i, barks_status *status)
{
    (void)pthread_mutex_lock(&probing->mutex); /* a plain mutex of our own: it cannot fail */
    if (i < atomic_load_explicit(&probing->error_at, memory_order_relaxed)) {
        barks_status_free(probing->locked.error);
        probing->locked.error = status;
        atomic_store_explicit(&probing->error_at, i, memory_order_relaxed);
        status = NULL;
    }
    (void)pthread_mutex_unlock(&probing->mutex);
    barks_status_free(status);
}

static void *probing_run(void *argument)
{
    struct probing *probing = argument;
    for (;;) {
        size_t first = atomic_fetch_add_explicit(&probing->next, PROBE_STEP, memory_order_relaxed);
        if (first >= probing->paths->count)
            return NULL;
        for (size_t i = first; i < first + PROBE_STEP && i < probing->paths->count; i++) {
            if (i >= atomic_load_explicit(&probing->error_at, memory_order_relaxed))
                return NULL;
            barks_status *status = probe(&probing->paths->entries[i], &probing->files[i]);
            if (status != NULL)
                probing_fail(probing, i, status);
        }
    }
}

BARKS_CHECKED static barks_status *probe_all(const struct path_list *paths,
                                             struct input_file *files)
{
    struct probing probing = {.paths = paths, .files = files, .mutex = PTHREAD_MUTEX_INITIALIZER};
    atomic_init(&probing.error_at, SIZE_MAX);
    pthread_t threads[PROBE_THREADS - 1];
    size_t wanted = paths->count / PROBE_STEP < PROBE_THREADS - 1 ? paths->count / PROBE_STEP
                                                                  : PROBE_THREADS - 1;
    size_t started = 0;
    while (started < wanted && pthread_create(&threads[started], NULL, probing_run, &probing) == 0)
        started++; /* fewer threads are slower, not wrong: this one does what is left */
    (void)probing_run(&probing);
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL); /* ours, joined once: it cannot fail */
    (void)pthread_mutex_destroy(&probing.mutex);
    return probing.locked.error;
}

/* Moves the paths into the files, made absolute: executors may have another working directory. */
BARKS_CHECKED static barks_status *take_paths(struct path_list *paths, const char *working,
                                              struct listing *listing)
{
    BARKS_AUTO(path_list) absolute = {0};
    for (size_t i = 0; i < paths->count; i++) {
        const char *path = paths->entries[i].path;
        if (path[0] == '/') {
            listing->files[i].path = paths->entries[i].path;
            paths->entries[i].path = NULL;
        } else {
            while (path[0] == '.' && path[1] == '/')
                path += 1 + strspn(path + 1, "/");
            BARKS_TRY(path_list_add(&absolute, working, path, PATH_FILE));
            listing->files[i].path = absolute.entries[absolute.count - 1].path;
            absolute.entries[absolute.count - 1].path = NULL;
        }
        if (ckd_add(&listing->total_bytes, listing->total_bytes, listing->files[i].size_bytes))
            BARKS_FAIL(BARKS_LIMIT, "the input files together have more than 2^64 bytes");
    }
    return NULL;
}

/* Of the files, those in directories that were wished for. */
static void keep_wished(const struct path_wish *wish, struct path_list *found)
{
    size_t kept = 0;
    for (size_t i = 0; i < found->count; i++)
        if (path_wish_fits(wish, found->entries[i].path, true))
            found->entries[kept++] = found->entries[i];
        else
            free(found->entries[i].path);
    found->count = kept;
}

BARKS_CHECKED static barks_status *find_files(const char *const *paths, size_t path_count,
                                              const struct listing_options *options,
                                              struct path_list *out)
{
    BARKS_AUTO(search) search = {.recursive = options->recursive};
    BARKS_TRY(path_wish_parse(options->where_path, &search.wish));
    for (size_t i = 0; i < path_count; i++)
        if (paths[i][0] == '@')
            BARKS_TRY(add_list(paths[i] + 1, &search, out));
        else
            BARKS_TRY(add_path(paths[i], &search, out));
    if (options->where_path != NULL)
        keep_wished(&search.wish, out);
    path_list_sort(out, 0);
    return NULL;
}

barks_status *listing_make(const char *const *paths, size_t path_count,
                           const struct listing_options *options, struct listing *out_listing)
{
    BARKS_AUTO(path_list) found = {0};
    if (path_count == 0)
        BARKS_FAIL(BARKS_INVALID, "no input path was given");
    BARKS_TRY(find_files(paths, path_count, options, &found));
    BARKS_AUTO(listing) listing = {0};
    if (found.count > 0) {
        listing.files = calloc(found.count, sizeof *listing.files);
        if (listing.files == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a listing of %zu files", found.count);
        listing.file_count = found.count;
        BARKS_TRY(probe_all(&found, listing.files));
        char *working = getcwd(NULL, 0);
        if (working == NULL)
            BARKS_FAIL(BARKS_IO, "cannot tell the working directory: %s", system_text(errno));
        barks_status *status = take_paths(&found, working, &listing);
        free(working);
        BARKS_TRY(status);
    }
    *out_listing = listing;
    listing = (struct listing){0};
    return NULL;
}

void listing_drop(struct listing *listing)
{
    for (size_t i = 0; i < listing->file_count; i++)
        free(listing->files[i].path);
    free(listing->files);
    *listing = (struct listing){0};
}

static uint64_t mark(uint64_t size_bytes, int64_t time_ns)
{
    uint64_t values[2] = {size_bytes, (uint64_t)time_ns};
    uint64_t hash = hash_bytes(values, sizeof values);
    return hash != 0 ? hash : 1;
}

uint64_t input_mark_of(const struct input_file *file)
{
    return mark(file->size_bytes, file->mtime_ns);
}

uint64_t input_mark(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return 0;
    return mark((uint64_t)info.st_size, mtime_ns(&info));
}

uint64_t listing_fingerprint(const struct listing *listing)
{
    uint64_t hash = hash_bytes(NULL, 0);
    for (size_t i = 0; i < listing->file_count; i++) {
        const struct input_file *file = &listing->files[i];
        uint64_t values[3] = {hash, file->size_bytes, (uint64_t)file->mtime_ns};
        hash = hash_bytes_seeded(file->path, strlen(file->path), hash_bytes(values, sizeof values));
    }
    return hash;
}

size_t listing_sample(const struct listing *listing, size_t file_max, size_t *out_indices)
{
    size_t count = listing->file_count < file_max ? listing->file_count : file_max;
    for (size_t i = 0; i < count; i++) /* PATHS_MAX and file_max are far below the root of 2^64 */
        out_indices[i] = count > 1 ? i * (listing->file_count - 1) / (count - 1) : 0;
    return count;
}

barks_status *input_mark_mismatch(const struct input_file *file, uint64_t mark, const char *host)
{
    if (mark == 0)
        BARKS_FAIL(BARKS_IO,
                   "'%s' is seen by the driver but not on host %s: put the input on a file system "
                   "that all hosts "
                   "of the job share, or copy it to the same path on each of them",
                   file->path, host);
    BARKS_FAIL(BARKS_IO,
               "'%s' has another size or time on host %s than at the driver: use a file system "
               "that all hosts of "
               "the job share, or copies that keep the time (cp -p, rsync -t)",
               file->path, host);
}
