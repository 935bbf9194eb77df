#include "base/scope.h"
#include "io/commit.h"
#include "io/packing.h"

#include <msgpack.h>

#include <string.h>

/* The encoding: an array of output, hidden, suffix (bin), overwrite, sync, append (bool),
 * first_part. */
enum { COMMIT_FIELDS = 7, COMMIT_TEXTS = 3, COMMIT_BOOLS = 3 };

static void pack_text(msgpack_packer *packer, const char *text)
{
    (void)msgpack_pack_bin(packer, strlen(text)); /* errors stay in packing */
    (void)msgpack_pack_bin_body(packer, text, strlen(text));
}

barks_status *commit_pack(const struct commit *commit, struct buffer *out)
{
    struct packing packing = {.out = out};
    msgpack_packer packer;
    msgpack_packer_init(&packer, &packing, packing_write);
    (void)msgpack_pack_array(&packer, COMMIT_FIELDS);
    pack_text(&packer, commit->output);
    pack_text(&packer, commit->hidden);
    pack_text(&packer, commit->suffix);
    (void)(commit->overwrite ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer));
    (void)(commit->sync ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer));
    (void)(commit->append ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer));
    (void)msgpack_pack_uint32(&packer, commit->first_part);
    return packing.error;
}

BARKS_CHECKED static barks_status *take_commit(const msgpack_object *object, struct commit *out)
{
    bool sound = object->type == MSGPACK_OBJECT_ARRAY && object->via.array.size == COMMIT_FIELDS;
    const msgpack_object *field = sound ? object->via.array.ptr : NULL;
    for (size_t i = 0; i < COMMIT_FIELDS && sound; i++)
        sound =
            i < COMMIT_TEXTS ? field[i].type == MSGPACK_OBJECT_BIN &&
                                   memchr(field[i].via.bin.ptr, '\0', field[i].via.bin.size) == NULL
            : i < COMMIT_TEXTS + COMMIT_BOOLS ? field[i].type == MSGPACK_OBJECT_BOOLEAN
                                              : field[i].type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
                                                    field[i].via.u64 <= UINT32_MAX;
    if (!sound)
        BARKS_FAIL(BARKS_BAD_INPUT, "the description of an output is malformed");
    char **texts[COMMIT_TEXTS] = {&out->output, &out->hidden, &out->suffix};
    for (size_t i = 0; i < COMMIT_TEXTS; i++)
        if ((*texts[i] = strndup(field[i].via.bin.ptr, field[i].via.bin.size)) == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the description of an output");
    out->overwrite = field[COMMIT_TEXTS].via.boolean;
    out->sync = field[COMMIT_TEXTS + 1].via.boolean;
    out->append = field[COMMIT_TEXTS + 2].via.boolean;
    out->first_part = (uint32_t)field[COMMIT_TEXTS + COMMIT_BOOLS].via.u64;
    return NULL;
}

barks_status *commit_unpack(const uint8_t *bytes, size_t size_bytes, size_t *out_used_bytes,
                            struct commit *out_commit)
{
    if (!packing_is_bounded(bytes, size_bytes))
        BARKS_FAIL(BARKS_BAD_INPUT, "the description of an output is cut or malformed");
    size_t used_bytes = 0;
    msgpack_unpacked message;
    msgpack_unpacked_init(&message);
    BARKS_AUTO(commit) commit = {0};
    barks_status *status = NULL;
    msgpack_unpack_return got =
        msgpack_unpack_next(&message, (const char *)bytes, size_bytes, &used_bytes);
    if (got == MSGPACK_UNPACK_SUCCESS || got == MSGPACK_UNPACK_EXTRA_BYTES)
        status = take_commit(&message.data, &commit);
    else
        status = barks_status_new(BARKS_BAD_INPUT, NULL, BARKS_HERE,
                                  "the description of an output is cut or malformed");
    msgpack_unpacked_destroy(&message);
    BARKS_TRY(status);
    *out_used_bytes = used_bytes;
    *out_commit = commit;
    commit = (struct commit){0};
    return NULL;
}
