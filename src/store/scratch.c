#include "store/scratch.h"

#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIRECTORIES_MAX = 64, WRITE_BYTES_MAX = 1 << 30 /* Linux moves at most 2 GiB at a time */ };

struct scratch_file {
    const char *directory; /* in scratch->text */
    int descriptor;        /* -1: not opened yet; set once, under the lock */
    uint64_t end;          /* under the lock */
};

struct scratch {
    char *text; /* owned: the directories, cut at the colons */
    struct scratch_file files[DIRECTORIES_MAX];
    uint32_t count;
    struct lock lock;
    uint32_t next; /* under the lock: whose turn it is */
};

barks_status *scratch_create(const char *directories, struct scratch **out_scratch)
{
    const char *temporary = getenv("TMPDIR");
    if (directories == NULL || *directories == '\0')
        directories = temporary != NULL && *temporary != '\0' ? temporary : "/tmp";
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
    for (uint32_t i = 0; i < scratch->count; i++)
        if (scratch->files[i].descriptor >= 0)
            close(scratch->files[i].descriptor);
    lock_drop(&scratch->lock);
    free(scratch->text);
    free(scratch);
}

/* A file that has no name, or loses it at once: so it is gone with the process, however that ends.
 */
BARKS_CHECKED static barks_status *open_nameless(const char *directory, int *out_descriptor)
{
    char path[4096];
    int descriptor = open(directory, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) { /* file systems without O_TMPFILE */
        snprintf(path, sizeof path, "%s/barks-scratch-XXXXXX", directory);
        descriptor = mkostemp(path, O_CLOEXEC);
        if (descriptor < 0)
            BARKS_FAIL(BARKS_IO,
                       "cannot create a scratch file in '%s': %s; --barks-scratch names another "
                       "directory",
                       directory, strerrordesc_np(errno));
        unlink(path);
    }
    *out_descriptor = descriptor;
    return NULL;
}

/* The next size_bytes of the file of this number. */
BARKS_CHECKED static barks_status *claim(struct scratch *scratch, uint32_t number,
                                         size_t size_bytes, struct scratch_place *out_place)
{
    struct scratch_file *file = &scratch->files[number];
    barks_status *status = NULL;
    lock_acquire(&scratch->lock);
    if (file->descriptor < 0)
        status = open_nameless(file->directory, &file->descriptor);
    *out_place =
        (struct scratch_place){.directory = number, .offset = file->end, .size_bytes = size_bytes};
    if (status == NULL)
        file->end += size_bytes;
    lock_release(&scratch->lock);
    return status;
}

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
            BARKS_FAIL(is_full ? BARKS_LIMIT : BARKS_IO,
                       "cannot write scratch data in '%s': %s; --barks-scratch names other "
                       "directories",
                       file->directory, strerrordesc_np(error));
        }
        done += (uint64_t)written;
    }
    return NULL;
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
            *out_place = place;
            return NULL;
        }
        scratch_free(scratch, place);
    }
    return status;
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
        if (got <= 0)
            BARKS_FAIL(BARKS_IO, "cannot read scratch data in '%s': %s", file->directory,
                       got < 0 ? strerrordesc_np(errno) : "the file is shorter than was written");
        done += (uint64_t)got;
    }
    return NULL;
}

void scratch_free(struct scratch *scratch, struct scratch_place place)
{
    if (place.size_bytes > 0)
        (void)fallocate(scratch->files[place.directory].descriptor,
                        FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)place.offset,
                        (off_t)place.size_bytes);
}
