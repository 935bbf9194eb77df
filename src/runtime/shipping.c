#include "runtime/shipping.h"

#include "base/hash.h"
#include "base/pack.h"
#include "base/scope.h"
#include "io/directory.h"
#include "io/shipped.h"
#include "io/system_error.h"
#include "runtime/mailbox.h"
#include "runtime/message.h"
#include "runtime/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECES_IN_FLIGHT_MAX = 256, LINK_BYTES_MAX = 2048 };
#define PIECE_BYTES ((size_t)4 << 20)
#define BYTES_IN_FLIGHT_MAX (8 * PIECE_BYTES)

/* What the driver has shipped. */
struct shipped_source {
    char *name, *path; /* owned */
    struct shipped_source *next;
};

/* One file or directory on its way. */
struct shipping {
    barks_context *context;
    uint8_t *piece; /* owned: PIECE_BYTES */
    size_t bytes_in_flight;
    uint32_t pieces_in_flight;
    bool notes;       /* the first time that it is sent */
    uint64_t sending; /* the number of this time, and of taking back what came of the one before */
};

/* For who asks later whether bodies would read the same. */
static void note_piece(barks_context *context, const struct shipped_piece *piece)
{
    uint64_t hash = hash_combine(piece->kind, piece->mode);
    hash = hash_combine(hash, piece->offset);
    hash = hash_combine(hash, hash_bytes(piece->path, strlen(piece->path)));
    hash = hash_combine(hash, hash_bytes(piece->bytes, piece->size_bytes));
    lock_acquire(&context->planning);
    resume_note_shipped(context->resume, hash);
    lock_release(&context->planning);
}

static uint64_t next_id(barks_context *context)
{
    lock_acquire(&context->planning);
    uint64_t id = context->next_id++;
    lock_release(&context->planning);
    return id;
}

/* Every so often waits until all executors have what was sent, so that neither the driver nor they
 * hold more than a few pieces of a file of any size. */
BARKS_CHECKED static barks_status *post(struct shipping *shipping,
                                        const struct shipped_piece *piece, bool wants_answer)
{
    struct driver *driver = shipping->context->driver;
    struct packer out = {0};
    struct shared_wait wait;
    uint64_t id = 0;
    shipping->bytes_in_flight += piece->size_bytes;
    if (++shipping->pieces_in_flight >= PIECES_IN_FLIGHT_MAX ||
        shipping->bytes_in_flight >= BYTES_IN_FLIGHT_MAX || wants_answer) {
        id = next_id(shipping->context);
        driver_expect_shared(driver, id, &wait);
        shipping->pieces_in_flight = 0;
        shipping->bytes_in_flight = 0;
    }
    pack_u64(&out, MESSAGE_FILE);
    pack_u64(&out, shipping->sending);
    pack_u64(&out, id);
    pack_u64(&out, piece->kind);
    pack_u64(&out, piece->mode);
    pack_text(&out, piece->path);
    pack_u64(&out, piece->offset);
    pack_bool(&out, piece->is_last);
    pack_bytes(&out, piece->bytes, piece->size_bytes);
    if (shipping->notes)
        note_piece(shipping->context, piece);
    barks_status *status = driver_post(driver, MAILBOX_TO_ALL, &out);
    if (id == 0)
        return status;
    if (status == NULL)
        status = driver_wait_shared(driver, &wait, NULL);
    driver_drop_shared(driver, &wait);
    return status;
}

BARKS_CHECKED static barks_status *fail_at(const char *path, int error)
{
    BARKS_FAIL(system_code(error), "cannot ship '%s': %s%s", path, system_text(error),
               system_remedy(error));
}

/* Fills the piece, as far as there is more. */
BARKS_CHECKED static barks_status *read_piece(int descriptor, const char *path, uint8_t *piece,
                                              size_t *out_bytes)
{
    *out_bytes = 0;
    while (*out_bytes < PIECE_BYTES) {
        ssize_t got = read(descriptor, piece + *out_bytes, PIECE_BYTES - *out_bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_at(path, errno);
        if (got == 0)
            break;
        *out_bytes += (size_t)got;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *ship_file(struct shipping *shipping, const char *path,
                                             const char *name, uint32_t mode)
{
    struct shipped_piece piece = {
        .kind = SHIPPED_FILE, .mode = mode, .path = name, .bytes = shipping->piece};
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return fail_at(path, errno);
    barks_status *status = NULL;
    while (status == NULL && !piece.is_last) {
        piece.offset += piece.size_bytes;
        status = read_piece(descriptor, path, shipping->piece, &piece.size_bytes);
        piece.is_last = piece.size_bytes < PIECE_BYTES;
        if (status == NULL)
            status = post(shipping, &piece, false);
    }
    (void)close(descriptor); /* nothing was written through it */
    return status;
}

BARKS_CHECKED static barks_status *ship_link(struct shipping *shipping, const char *path,
                                             const char *name)
{
    char target[LINK_BYTES_MAX];
    ssize_t length = readlink(path, target, sizeof target);
    if (length < 0 || length == LINK_BYTES_MAX)
        return fail_at(path, length < 0 ? errno : ENAMETOOLONG);
    struct shipped_piece piece = {
        .kind = SHIPPED_LINK, .path = name, .bytes = target, .size_bytes = (size_t)length};
    return post(shipping, &piece, false);
}

BARKS_CHECKED static barks_status *ship_any(struct shipping *shipping, const char *path,
                                            const char *name, bool follow);

BARKS_CHECKED static barks_status *ship_entry(struct shipping *shipping, const char *path,
                                              const char *name, const char *entry)
{
    char *entry_path = NULL, *entry_name = NULL;
    if (asprintf(&entry_path, "%s/%s", path, entry) < 0)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a path");
    if (asprintf(&entry_name, "%s/%s", name, entry) < 0) {
        free(entry_path);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a path");
    }
    barks_status *status = ship_any(shipping, entry_path, entry_name, false);
    free(entry_path);
    free(entry_name);
    return status;
}

BARKS_CHECKED static barks_status *ship_directory(struct shipping *shipping, const char *path,
                                                  const char *name, uint32_t mode)
{
    struct shipped_piece piece = {.kind = SHIPPED_DIRECTORY, .mode = mode, .path = name};
    struct directory_reader reader = {0};
    const char *entry = NULL;
    enum path_kind kind;
    BARKS_TRY(post(shipping, &piece, false));
    BARKS_TRY(directory_open(&reader, path));
    barks_status *status = directory_next(&reader, &entry, &kind);
    while (status == NULL && entry != NULL) {
        status = ship_entry(shipping, path, name, entry);
        if (status == NULL)
            status = directory_next(&reader, &entry, &kind);
    }
    directory_reader_drop(&reader);
    return status;
}

/* Links inside a directory stay links, so that a loop of them is none here. */
static barks_status *ship_any(struct shipping *shipping, const char *path, const char *name,
                              bool follow)
{
    struct stat info;
    if ((follow ? stat(path, &info) : lstat(path, &info)) != 0)
        return fail_at(path, errno);
    if (S_ISREG(info.st_mode))
        return ship_file(shipping, path, name, info.st_mode);
    if (S_ISDIR(info.st_mode))
        return ship_directory(shipping, path, name, info.st_mode);
    if (S_ISLNK(info.st_mode))
        return ship_link(shipping, path, name);
    BARKS_FAIL(BARKS_INVALID, "cannot ship '%s': it is no file, directory or link", path);
}

const char *shipping_find(const barks_context *context, const char *name)
{
    for (const struct shipped_source *at = context->shipped; at != NULL; at = at->next)
        if (strcmp(at->name, name) == 0)
            return at->path;
    return NULL;
}

static void drop_source(struct shipped_source *source)
{
    if (source != NULL) {
        free(source->name);
        free(source->path);
        free(source);
    }
}

void shipping_drop(barks_context *context)
{
    while (context->shipped != NULL) {
        struct shipped_source *next = context->shipped->next;
        drop_source(context->shipped);
        context->shipped = next;
    }
}

/* The last part of path as it is given: a link's own name, but that of the directory for ".". */
BARKS_CHECKED static barks_status *name_source(const char *path, struct shipped_source *source)
{
    source->path = realpath(path, NULL);
    if (source->path == NULL)
        return fail_at(path, errno);
    const char *end = path + strlen(path);
    while (end > path && end[-1] == '/')
        end--;
    const char *name = end;
    while (name > path && name[-1] != '/')
        name--;
    size_t length = (size_t)(end - name);
    if (length <= 2 && strncmp(name, "..", length) == 0) { /* "", "." or ".." */
        name = strrchr(source->path, '/') + 1;
        length = strlen(name);
    }
    if (length == 0)
        BARKS_FAIL(BARKS_INVALID, "cannot ship '%s': it has no name", path);
    source->name = strndup(name, length);
    if (source->name == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the name of a shipped file");
    return NULL;
}

/* What came so far makes room, and its name may be used again. What is still on its way, from an
 * executor that passed it on before it heard of a loss, is known by its number. */
static void take_back(struct shipping *shipping, const char *name)
{
    struct shipped_piece gone = {.kind = SHIPPED_REMOVE, .path = name};
    shipping->notes = false;
    shipping->sending = next_id(shipping->context);
    for (int i = 0; i < 2; i++) /* the first is answered with what failed before it */
        barks_status_free(post(shipping, &gone, true));
}

/* *out_lost: an executor was lost meanwhile, which others may have had it from. */
BARKS_CHECKED static barks_status *send_once(struct shipping *shipping, const char *path,
                                             const char *name, bool *out_lost)
{
    struct shipped_piece ready = {.kind = SHIPPED_READY, .path = name};
    uint32_t lost_before = driver_lost_count(shipping->context->driver);
    barks_status *status = ship_any(shipping, path, name, true);
    if (status == NULL)
        status = post(shipping, &ready, true);
    *out_lost = driver_lost_count(shipping->context->driver) != lost_before;
    if (*out_lost) { /* which is what it fails of, if it does */
        barks_status_free(status);
        status = NULL;
    }
    if (status != NULL || *out_lost)
        take_back(shipping, name);
    return status;
}

/* Again from the beginning where an executor was lost, which can happen once to each. */
BARKS_CHECKED static barks_status *send_source(barks_context *context, const char *path,
                                               const struct shipped_source *source)
{
    const char *before = shipping_find(context, source->name);
    struct shipping shipping = {.context = context, .notes = true, .sending = next_id(context)};
    if (before != NULL)
        BARKS_FAIL(BARKS_INVALID,
                   "cannot ship '%s': '%s' was shipped already, from '%s', and tasks know it by "
                   "that name",
                   path, source->name, before);
    shipping.piece = malloc(PIECE_BYTES);
    if (shipping.piece == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to ship '%s'", path);
    bool is_lost = true;
    barks_status *status = NULL;
    while (status == NULL && is_lost)
        status = send_once(&shipping, path, source->name, &is_lost);
    free(shipping.piece);
    return status;
}

barks_status *shipping_send(barks_context *context, const char *path, const char *what)
{
    struct shipped_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for the name of a shipped file", what);
    barks_status *status = name_source(path, source);
    if (status == NULL)
        status = send_source(context, path, source);
    if (status != NULL) {
        drop_source(source);
        return barks_status_new(barks_status_code(status), status, BARKS_HERE, "%s", what);
    }
    source->next = context->shipped;
    context->shipped = source;
    return NULL;
}
