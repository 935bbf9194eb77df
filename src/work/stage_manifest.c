#include "work/stage_manifest.h"

#include "base/copy.h"
#include "base/pack.h"
#include "base/scope.h"
#include "exec/stored_source.h"
#include "shuffle/reduce_side.h"
#include "work/work_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Format, in one work_write_file of STAGE_MANIFEST_KIND: the job's name, the parts of the
 * fingerprint, session, then
 * a shuffle:  1, partitions, files and the name and bytes of each, tag, the number of pieces with
 *             rows and their fields, hot keys told and found
 * an answer:  0, number of results, the bytes of each
 * and for both the number of additions, stage, its index and bytes of each. */

void stage_manifest_drop(struct stage_manifest *manifest)
{
    stored_stage_destroy(manifest->stored);
    free(manifest->file_bytes);
    free(manifest->hot_keys_told.bytes);
    free(manifest->hot_keys_found.bytes);
    for (uint32_t i = 0; i < manifest->result_count; i++)
        buffer_drop(&manifest->results[i]);
    free(manifest->results);
    for (uint32_t i = 0; i < manifest->added_count; i++)
        free(manifest->added[i].bytes);
    free(manifest->added);
    *manifest = (struct stage_manifest){0};
}

barks_status *stage_manifest_add(struct stage_manifest *manifest,
                                 const struct manifest_added *added_one)
{
    void *bytes = NULL;
    if (manifest->added_count == manifest->added_capacity) {
        uint32_t capacity = 2 * manifest->added_capacity + 16;
        struct manifest_added *added = realloc(manifest->added, capacity * sizeof *added);
        if (added == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the accumulators of a stage");
        manifest->added = added;
        manifest->added_capacity = capacity;
    }
    BARKS_TRY(copy_bytes(added_one->bytes, added_one->size_bytes, &bytes));
    manifest->added[manifest->added_count] = *added_one;
    manifest->added[manifest->added_count++].bytes = bytes;
    return NULL;
}

/* ---- writing ---- */

static const char *name_of_path(const char *path) { return strrchr(path, '/') + 1; }

static void pack_stored(struct packer *out, const struct stage_manifest *manifest)
{
    const struct stored_stage *stored = manifest->stored;
    uint32_t piece_count = 0;
    pack_u64(out, stored->partition_count);
    pack_u64(out, stored->path_count);
    for (uint32_t i = 0; i < stored->path_count; i++) {
        pack_text(out, name_of_path(stored->paths[i]));
        pack_u64(out, manifest->file_bytes[i]);
    }
    pack_u64(out, stored->tag);
    for (uint32_t p = 0; p < stored->partition_count; p++)
        piece_count += stored->pieces[p].frame_count > 0;
    pack_u64(out, piece_count);
    for (uint32_t p = 0; p < stored->partition_count; p++) {
        const struct stored_piece *piece = &stored->pieces[p];
        if (piece->frame_count == 0)
            continue;
        pack_u64(out, p);
        pack_u64(out, stored->path_of[p]);
        pack_u64(out, piece->offset);
        pack_u64(out, piece->size_bytes);
        pack_u64(out, piece->frame_count);
        pack_u64(out, piece->row_count);
        pack_u64(out, piece->encoded_bytes);
    }
    pack_bytes(out, manifest->hot_keys_told.bytes, manifest->hot_keys_told.size_bytes);
    pack_bytes(out, manifest->hot_keys_found.bytes, manifest->hot_keys_found.size_bytes);
}

static void pack_manifest(struct packer *out, const struct stage_manifest *manifest)
{
    pack_text(out, manifest->job);
    for (int part = 0; part < FINGERPRINT_PARTS; part++)
        pack_u64(out, manifest->fingerprint.parts[part]);
    pack_u64(out, manifest->session);
    pack_bool(out, manifest->stored != NULL);
    if (manifest->stored != NULL) {
        pack_stored(out, manifest);
    } else {
        pack_u64(out, manifest->result_count);
        for (uint32_t i = 0; i < manifest->result_count; i++)
            pack_bytes(out,
                       manifest->results[i].size_bytes > 0 ? manifest->results[i].data
                                                           : (const uint8_t *)"",
                       manifest->results[i].size_bytes);
    }
    pack_u64(out, manifest->added_count);
    for (uint32_t i = 0; i < manifest->added_count; i++) {
        pack_text(out, manifest->added[i].stage);
        pack_u64(out, manifest->added[i].index);
        pack_bytes(out, manifest->added[i].bytes, manifest->added[i].size_bytes);
    }
}

/* The first file that is not as long as it was written; NULL: all are. */
static const char *find_wrong_file(const struct stage_manifest *manifest)
{
    struct stat info;
    for (uint32_t i = 0; manifest->stored != NULL && i < manifest->stored->path_count; i++)
        if (stat(manifest->stored->paths[i], &info) != 0 ||
            (uint64_t)info.st_size != manifest->file_bytes[i])
            return manifest->stored->paths[i];
    return NULL;
}

barks_status *stage_manifest_write(const struct work *work, const struct stage_manifest *manifest)
{
    char name[FINGERPRINT_NAME_BYTES];
    struct packer packer = {0};
    const char *wrong = find_wrong_file(manifest);
    if (wrong != NULL)
        BARKS_FAIL(BARKS_IO,
                   "'%s' was written by another host and cannot be seen here in full: the work "
                   "directory must be on a file system that all hosts of the job share",
                   wrong);
    fingerprint_name(&manifest->fingerprint, name);
    BARKS_TRY(work_make_stage(work, name));
    char *path = work_stage_path(work, name, STORED_MANIFEST_NAME);
    pack_manifest(&packer, manifest);
    barks_status *status = packer_finish(&packer);
    if (status == NULL && path == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory for a manifest");
    if (status == NULL)
        status =
            work_write_file(work, path, STAGE_MANIFEST_KIND, packer.bytes.data, packer.bytes.size);
    free(path);
    packer_drop(&packer);
    return status;
}

/* ---- reading ---- */

BARKS_CHECKED static barks_status *unpack_copy(struct unpacker *in, uint8_t **out,
                                               size_t *out_size_bytes)
{
    const uint8_t *bytes = unpack_bytes(in, out_size_bytes);
    if (bytes == NULL) {
        *out_size_bytes = 0;
        return NULL;
    }
    *out = malloc(*out_size_bytes + 1);
    if (*out == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %zu bytes of a manifest", *out_size_bytes);
    memcpy(*out, bytes, *out_size_bytes);
    return NULL;
}

BARKS_CHECKED static barks_status *unpack_files(struct unpacker *in, const struct work *work,
                                                const char *stage, struct stage_manifest *out)
{
    for (uint32_t i = 0; i < out->stored->path_count; i++) {
        char *name = unpack_text(in);
        out->file_bytes[i] = unpack_u64(in);
        if (name != NULL && strchr(name, '/') == NULL)
            out->stored->paths[i] = work_stage_path(work, stage, name);
        free(name);
        if (out->stored->paths[i] == NULL)
            BARKS_FAIL(BARKS_BAD_INPUT, "the manifest of stage %s names no file", stage);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *unpack_stored(struct unpacker *in, const struct work *work,
                                                 const char *stage, struct stage_manifest *out)
{
    uint32_t partition_count = unpack_u32(in), path_count = unpack_count(in);
    if (partition_count > REDUCE_PARTITIONS_MAX)
        BARKS_FAIL(BARKS_BAD_INPUT, "the manifest of stage %s has %" PRIu32 " partitions", stage,
                   partition_count);
    BARKS_TRY(stored_stage_create(partition_count, path_count, &out->stored));
    out->file_bytes = unpack_array(in, path_count, sizeof *out->file_bytes);
    if (out->file_bytes == NULL)
        return NULL; /* the unpacker says why */
    BARKS_TRY(unpack_files(in, work, stage, out));
    out->stored->tag = unpack_u64(in);
    uint32_t piece_count = unpack_count(in);
    for (uint32_t i = 0; i < piece_count; i++) {
        struct stored_piece piece = {.partition = unpack_u32(in)};
        uint32_t path = unpack_u32(in);
        piece.offset = unpack_u64(in);
        piece.size_bytes = unpack_u64(in);
        piece.frame_count = unpack_u64(in);
        piece.row_count = unpack_u64(in);
        piece.encoded_bytes = unpack_u64(in);
        if (piece.partition >= partition_count || path >= path_count)
            BARKS_FAIL(BARKS_BAD_INPUT,
                       "the manifest of stage %s names partition %" PRIu32 " of file %" PRIu32,
                       stage, piece.partition, path);
        out->stored->pieces[piece.partition] = piece;
        out->stored->path_of[piece.partition] = path;
    }
    BARKS_TRY(unpack_copy(in, &out->hot_keys_told.bytes, &out->hot_keys_told.size_bytes));
    return unpack_copy(in, &out->hot_keys_found.bytes, &out->hot_keys_found.size_bytes);
}

BARKS_CHECKED static barks_status *unpack_results(struct unpacker *in, struct stage_manifest *out)
{
    uint32_t count = unpack_count(in);
    out->results = unpack_array(in, count, sizeof *out->results);
    if (out->results == NULL)
        return NULL; /* the unpacker says why */
    for (uint32_t i = 0; i < count; i++) {
        struct buffer *result = &out->results[i];
        out->result_count = i + 1;
        BARKS_TRY(unpack_copy(in, &result->data, &result->size_bytes));
        result->capacity_bytes = result->limit_bytes = result->size_bytes;
        if (result->size_bytes == 0) {
            free(result->data);
            result->data = NULL;
        }
    }
    return NULL;
}

BARKS_CHECKED static barks_status *unpack_added(struct unpacker *in, struct stage_manifest *out)
{
    uint32_t count = unpack_count(in);
    for (uint32_t i = 0; i < count; i++) {
        struct manifest_added added = {0};
        char *text = unpack_text(in);
        if (text != NULL && strlen(text) + 1 == sizeof added.stage)
            memcpy(added.stage, text, sizeof added.stage);
        free(text);
        added.index = unpack_u32(in);
        BARKS_TRY(unpack_copy(in, &added.bytes, &added.size_bytes));
        barks_status *status = stage_manifest_add(out, &added);
        free(added.bytes);
        BARKS_TRY(status);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *unpack_all(struct unpacker *in, const struct work *work,
                                              const char *stage, struct stage_manifest *out)
{
    free(unpack_text(in)); /* the job's name */
    for (int part = 0; part < FINGERPRINT_PARTS; part++)
        out->fingerprint.parts[part] = unpack_u64(in);
    out->fingerprint.is_known = true;
    out->session = unpack_u64(in);
    if (unpack_bool(in))
        BARKS_TRY(unpack_stored(in, work, stage, out));
    else
        BARKS_TRY(unpack_results(in, out));
    return unpack_added(in, out);
}

BARKS_CHECKED static barks_status *unpack_manifest(const struct work *work, const char *stage,
                                                   const uint8_t *bytes, size_t size_bytes,
                                                   struct stage_manifest *out)
{
    BARKS_AUTO(unpacker) in;
    unpacker_init(&in, bytes, size_bytes);
    barks_status *status = unpack_all(&in, work, stage, out);
    barks_status *bad = unpacker_finish(&in);
    if (status != NULL) {
        barks_status_free(bad);
        return status;
    }
    return bad;
}

BARKS_CHECKED static barks_status *check_read(const char *stage,
                                              const struct fingerprint *fingerprint,
                                              const struct stage_manifest *manifest)
{
    const char *wrong = find_wrong_file(manifest);
    if (!fingerprint_equal(fingerprint, &manifest->fingerprint))
        BARKS_FAIL(BARKS_BAD_INPUT, "the manifest of stage %s is of another one", stage);
    if (wrong != NULL)
        BARKS_FAIL(BARKS_BAD_INPUT, "'%s' is gone, or not as long as it was written", wrong);
    return NULL;
}

barks_status *stage_manifest_read(const struct work *work, const struct fingerprint *fingerprint,
                                  struct stage_manifest *out_manifest, bool *out_is_there)
{
    char stage[FINGERPRINT_NAME_BYTES];
    BARKS_AUTO(stage_manifest) manifest = {0};
    uint8_t *bytes = NULL;
    size_t size_bytes = 0;
    *out_is_there = false;
    fingerprint_name(fingerprint, stage);
    char *path = work_stage_path(work, stage, STORED_MANIFEST_NAME);
    if (path == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a manifest");
    barks_status *status = work_read_file(path, STAGE_MANIFEST_KIND, &bytes, &size_bytes);
    free(path);
    if (status != NULL || bytes == NULL)
        return status;
    status = unpack_manifest(work, stage, bytes, size_bytes, &manifest);
    free(bytes);
    BARKS_TRY(status);
    BARKS_TRY(check_read(stage, fingerprint, &manifest));
    *out_manifest = manifest;
    manifest = (struct stage_manifest){0};
    *out_is_there = true;
    return NULL;
}

void stage_manifest_touch(const struct work *work, const struct fingerprint *fingerprint)
{
    char stage[FINGERPRINT_NAME_BYTES];
    fingerprint_name(fingerprint, stage);
    char *path = work_stage_path(work, stage, STORED_MANIFEST_NAME);
    if (path != NULL)
        (void)utimensat(AT_FDCWD, path, NULL, 0); /* it may be another's: then he does */
    free(path);
}

bool stage_manifest_is_there(const struct work *work, const struct fingerprint *fingerprint)
{
    char stage[FINGERPRINT_NAME_BYTES];
    fingerprint_name(fingerprint, stage);
    char *path = work_stage_path(work, stage, STORED_MANIFEST_NAME);
    bool is_there = path == NULL || access(path, F_OK) == 0;
    free(path);
    return is_there;
}
