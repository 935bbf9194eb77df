#include "store/scratch.h"

#include "base/disk_space.h"
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DIRECTORIES_MAX = 64,
    WRITE_BYTES_MAX = 1 << 30, /* Linux moves at most 2 GiB at a time */
    PATH_BYTES_MAX = 1024,
    UNIT_BYTES = 4096,
    HOLE_BYTES_MIN = 256 << 10,
};

/* Places of one size that were given back. */
struct scratch_class {
    uint64_t bytes;
    uint64_t *offsets; /* owned */
    uint32_t count, capacity;
};

/* descriptor is set once; what follows it is guarded by the lock. */
struct scratch_file {
    const char *directory; /* in scratch->text */
    int descriptor;        /* -1: not opened yet */
    uint64_t end;
    struct scratch_class *classes; /* owned */
    uint32_t class_count;
};

struct scratch {
    char *text; /* owned: the directories, cut at the colons */
    struct scratch_file files[DIRECTORIES_MAX];
    uint32_t count;
    struct lock lock;
    /* Under the lock. */
    uint32_t next; /* whose turn it is */
    uint64_t used_bytes, peak_bytes, written_bytes;
    uint64_t damage_count, unseen_count;
    struct scratch_place damaged; /* the last one, if any */
};

static bool is_empty(const char *text) { return text == NULL || *text == '\0'; }

const char *scratch_directories(const char *wanted)
{
    static const char *const usual[] = {"SLURM_TMPDIR", "TMPDIR"};
    for (size_t i = 0; is_empty(wanted) && i < sizeof usual / sizeof usual[0]; i++)
        wanted = getenv(usual[i]);
    return is_empty(wanted) ? "/tmp" : wanted;
}

barks_status *scratch_create(const char *directories, struct scratch **out_scratch)
{
    directories = scratch_directories(directories);
    struct scratch *scratch = calloc(1, sizeof *scratch);
    char *text = strdup(directories);
    if (scratch == NULL || text == NULL) {
        free(scratch);
        free(text);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the scratch directories");
    }
    scratch->text = text;
    for (char *rest = text, *name; (name = strsep(&rest, ":")) != NULL;)
        if (*name != '\0' && scratch->count < DIRECTORIES_MAX)
            scratch->files[scratch->count++] =
                (struct scratch_file){.directory = name, .descriptor = -1};
    lock_init(&scratch->lock, LOCK_QUEUE, "scratch");
    *out_scratch = scratch;
    return NULL;
}

void scratch_destroy(struct scratch *scratch)
{
    if (scratch == NULL)
        return;
    for (uint32_t i = 0; i < scratch->count; i++) {
        struct scratch_file *file = &scratch->files[i];
        if (file->descriptor >= 0)
            (void)close(file->descriptor); /* what it holds is wanted no more */
        for (uint32_t k = 0; k < file->class_count; k++)
            free(file->classes[k].offsets);
        free(file->classes);
    }
    lock_drop(&scratch->lock);
    free(scratch->text);
    free(scratch);
}

/* ---- the files ---- */

/* A directory that only this user can enter, made for one file. */
BARKS_CHECKED static barks_status *make_private(const char *directory, char *path,
                                                size_t path_bytes)
{
    struct stat found;
    int length = snprintf(path, path_bytes, "%s/barks-scratch-XXXXXX", directory);
    if (length < 0 || (size_t)length >= path_bytes)
        BARKS_FAIL(BARKS_INVALID, "the name of scratch directory '%s' is too long", directory);
    if (mkdtemp(path) == NULL)
        BARKS_FAIL(BARKS_IO,
                   "cannot create a scratch directory in '%s': %s; --barks-scratch names others",
                   directory, strerrordesc_np(errno));
    if (lstat(path, &found) != 0 || found.st_uid != geteuid() || (found.st_mode & 0777) != 0700) {
        (void)rmdir(path); /* what is told is why */
        BARKS_FAIL(BARKS_IO,
                   "a directory made in '%s' is not this user's alone (mode 0700), so scratch data "
                   "could be read by others; --barks-scratch names another place",
                   directory);
    }
    return NULL;
}

/* A file that has no name, or loses it at once: so it is gone with the process, however that ends.
 */
BARKS_CHECKED static barks_status *open_nameless(const char *directory, int *out_descriptor)
{
    char home[PATH_BYTES_MAX], path[PATH_BYTES_MAX + 8];
    BARKS_TRY(make_private(directory, home, sizeof home));
    int descriptor = open(home, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) { /* file systems without O_TMPFILE */
        snprintf(path, sizeof path, "%s/rows", home);
        descriptor = open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (descriptor >= 0)
            (void)unlink(path); /* one that keeps its name is found by whoever cleans up */
    }
    int error = errno;
    (void)rmdir(home); /* likewise */
    if (descriptor < 0)
        BARKS_FAIL(BARKS_IO,
                   "cannot create a scratch file in '%s': %s; --barks-scratch names another "
                   "directory",
                   directory, strerrordesc_np(error));
    *out_descriptor = descriptor;
    return NULL;
}

/* ---- space ---- */

/* What a piece takes of a file: few sizes, so that what is free fits what is wanted. */
static uint64_t size_class(uint64_t bytes)
{
    uint64_t unit = bytes <= 64 * UNIT_BYTES     ? UNIT_BYTES
                    : bytes <= 1024 * UNIT_BYTES ? 16 * UNIT_BYTES
                                                 : 256 * UNIT_BYTES;
    return (bytes + unit - 1) / unit * unit;
}

static struct scratch_class *class_locked(struct scratch_file *file, uint64_t class_bytes)
{
    for (uint32_t i = 0; i < file->class_count; i++)
        if (file->classes[i].bytes == class_bytes)
            return &file->classes[i];
    return NULL;
}

/* A place of that class that was given back. */
static bool take_free_locked(struct scratch_file *file, uint64_t class_bytes, uint64_t *out_offset)
{
    struct scratch_class *class = class_locked(file, class_bytes);
    if (class == NULL || class->count == 0)
        return false;
    *out_offset = class->offsets[--class->count];
    return true;
}

/* Without memory to note it the place is not used again. */
static void note_free_locked(struct scratch_file *file, uint64_t class_bytes, uint64_t offset)
{
    struct scratch_class *class = class_locked(file, class_bytes);
    if (class == NULL) {
        struct scratch_class *grown =
            realloc(file->classes, (file->class_count + 1) * sizeof *grown);
        if (grown == NULL)
            return;
        file->classes = grown;
        class = &grown[file->class_count++];
        *class = (struct scratch_class){.bytes = class_bytes};
    }
    if (class->count == class->capacity) {
        uint32_t capacity = 2 * class->capacity + 16;
        uint64_t *grown = realloc(class->offsets, capacity * sizeof *grown);
        if (grown == NULL)
            return;
        class->offsets = grown;
        class->capacity = capacity;
    }
    class->offsets[class->count++] = offset;
}

/* Room for size_bytes in the file of this number. */
BARKS_CHECKED static barks_status *claim(struct scratch *scratch, uint32_t number,
                                         size_t size_bytes, struct scratch_place *out_place)
{
    struct scratch_file *file = &scratch->files[number];
    struct scratch_place place = {.directory = number, .size_bytes = size_bytes};
    uint64_t class_bytes = size_class(size_bytes);
    barks_status *status = NULL;
    lock_acquire(&scratch->lock);
    if (file->descriptor < 0)
        status = open_nameless(file->directory, &file->descriptor);
    if (status == NULL && !take_free_locked(file, class_bytes, &place.offset)) {
        place.offset = file->end;
        file->end += class_bytes;
    }
    if (status == NULL)
        scratch->used_bytes += class_bytes;
    if (scratch->used_bytes > scratch->peak_bytes)
        scratch->peak_bytes = scratch->used_bytes;
    lock_release(&scratch->lock);
    *out_place = place;
    return status;
}

/* ---- bytes ---- */

BARKS_CHECKED static barks_status *write_at(const struct scratch_file *file, const uint8_t *bytes,
                                            struct scratch_place place)
{
    for (uint64_t done = 0; done < place.size_bytes;) {
        uint64_t left = place.size_bytes - done;
        size_t step = left < WRITE_BYTES_MAX ? (size_t)left : WRITE_BYTES_MAX;
        ssize_t written =
            pwrite(file->descriptor, bytes + done, step, (off_t)(place.offset + done));
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            int error = written < 0 ? errno : EIO;
            bool is_full = error == ENOSPC || error == EDQUOT;
            char space[DISK_SPACE_TEXT_BYTES];
            disk_space_text(file->descriptor, error, left, space);
            BARKS_FAIL(is_full ? BARKS_LIMIT : BARKS_IO,
                       "cannot write scratch data in '%s': %s%s; --barks-scratch names other "
                       "directories",
                       file->directory, strerrordesc_np(error), space);
        }
        done += (uint64_t)written;
    }
    return NULL;
}

static void count_written(struct scratch *scratch, size_t size_bytes)
{
    lock_acquire(&scratch->lock);
    scratch->written_bytes += size_bytes;
    lock_release(&scratch->lock);
}

static uint32_t whose_turn(struct scratch *scratch)
{
    lock_acquire(&scratch->lock);
    uint32_t first = scratch->next;
    scratch->next = (first + 1) % scratch->count;
    lock_release(&scratch->lock);
    return first;
}

barks_status *scratch_write(struct scratch *scratch, const void *bytes, size_t size_bytes,
                            struct scratch_place *out_place)
{
    if (scratch->count == 0)
        BARKS_FAIL(BARKS_INVALID, "no scratch directory: --barks-scratch is empty");
    uint32_t first = whose_turn(scratch);
    barks_status *status = NULL;
    for (uint32_t i = 0; i < scratch->count; i++) {
        uint32_t number = (first + i) % scratch->count;
        struct scratch_place place = {0};
        barks_status_free(status); /* the next directory may do */
        status = claim(scratch, number, size_bytes, &place);
        if (status != NULL)
            continue;
        status = write_at(&scratch->files[number], bytes, place);
        if (status == NULL) {
            count_written(scratch, size_bytes);
            *out_place = place;
            return NULL;
        }
        scratch_free(scratch, place);
    }
    return status;
}

/* A place that is read again, to see whether that helps, is counted once. */
static void note_damage(struct scratch *scratch, struct scratch_place place, bool is_unseen)
{
    lock_acquire(&scratch->lock);
    const struct scratch_place *last = &scratch->damaged;
    bool is_same = scratch->damage_count > 0 && last->directory == place.directory &&
                   last->offset == place.offset;
    scratch->damage_count += !is_same;
    scratch->unseen_count += is_unseen;
    scratch->damaged = place;
    lock_release(&scratch->lock);
}

barks_status *scratch_read(struct scratch *scratch, struct scratch_place place, void *out)
{
    const struct scratch_file *file = &scratch->files[place.directory];
    for (uint64_t done = 0; done < place.size_bytes;) {
        uint64_t left = place.size_bytes - done;
        size_t step = left < WRITE_BYTES_MAX ? (size_t)left : WRITE_BYTES_MAX;
        ssize_t got =
            pread(file->descriptor, (uint8_t *)out + done, step, (off_t)(place.offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            int error = got < 0 ? errno : 0;
            note_damage(scratch, place, false);
            BARKS_FAIL(BARKS_IO, "cannot read scratch data in '%s': %s", file->directory,
                       error != 0 ? strerrordesc_np(error)
                                  : "the file is shorter than was written");
        }
        done += (uint64_t)got;
    }
    return NULL;
}

barks_status *scratch_map(struct scratch *scratch, struct scratch_place place, void *at)
{
    const struct scratch_file *file = &scratch->files[place.directory];
    if (mmap(at, (size_t)place.size_bytes, PROT_READ, MAP_SHARED | MAP_FIXED, file->descriptor,
             (off_t)place.offset) == MAP_FAILED)
        BARKS_FAIL(BARKS_IO, "cannot map scratch data in '%s': %s", file->directory,
                   strerrordesc_np(errno));
    return NULL;
}

void scratch_free(struct scratch *scratch, struct scratch_place place)
{
    struct scratch_file *file = &scratch->files[place.directory];
    uint64_t class_bytes = size_class(place.size_bytes);
    if (place.size_bytes == 0)
        return;
    /* Small ones soon hold something else. Where the file system cannot make a hole the space stays
     * taken, and is used again like theirs: no failure. */
    if (class_bytes >= HOLE_BYTES_MIN)
        (void)fallocate(file->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        (off_t)place.offset, (off_t)class_bytes);
    lock_acquire(&scratch->lock);
    scratch->used_bytes -= class_bytes;
    note_free_locked(file, class_bytes, place.offset);
    lock_release(&scratch->lock);
}

uint64_t scratch_peak_bytes(struct scratch *scratch)
{
    lock_acquire(&scratch->lock);
    uint64_t peak_bytes = scratch->peak_bytes;
    lock_release(&scratch->lock);
    return peak_bytes;
}

uint64_t scratch_written_bytes(struct scratch *scratch)
{
    lock_acquire(&scratch->lock);
    uint64_t written_bytes = scratch->written_bytes;
    lock_release(&scratch->lock);
    return written_bytes;
}

/* ---- damage ---- */

barks_status *scratch_damaged(struct scratch *scratch, struct scratch_place place,
                              barks_status *cause)
{
    note_damage(scratch, place, false);
    return barks_status_new(BARKS_IO, cause, BARKS_HERE,
                            "rows that were put on disk in '%s' are not what was written",
                            scratch->files[place.directory].directory);
}

void scratch_note_unseen_damage(struct scratch *scratch, struct scratch_place place)
{
    note_damage(scratch, place, true);
}

uint64_t scratch_unseen_count(struct scratch *scratch)
{
    lock_acquire(&scratch->lock);
    uint64_t count = scratch->unseen_count;
    lock_release(&scratch->lock);
    return count;
}

uint64_t scratch_damage_count(struct scratch *scratch, const char **out_directory)
{
    lock_acquire(&scratch->lock);
    uint64_t count = scratch->damage_count;
    *out_directory = scratch->files[scratch->damaged.directory].directory;
    lock_release(&scratch->lock);
    return count;
}

barks_status *scratch_check(struct scratch *scratch, uint64_t since)
{
    lock_acquire(&scratch->lock);
    uint64_t count = scratch->unseen_count;
    const char *directory = scratch->files[scratch->damaged.directory].directory;
    lock_release(&scratch->lock);
    if (count == since)
        return NULL;
    BARKS_FAIL(BARKS_IO,
               "strings of a long group that lay on disk in '%s' have changed while they were "
               "read: the disk may be broken; --barks-scratch names another directory",
               directory);
}
