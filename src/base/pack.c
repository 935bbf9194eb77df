#include "base/pack.h"

#include <stdlib.h>
#include <string.h>

static msgpack_packer writer(struct packer *packer)
{
    msgpack_packer into;
    msgpack_packer_init(&into, &packer->bytes, msgpack_sbuffer_write);
    return into;
}

void pack_u64(struct packer *packer, uint64_t value)
{
    msgpack_packer into = writer(packer);
    packer->failed |= msgpack_pack_uint64(&into, value) != 0;
}

void pack_i64(struct packer *packer, int64_t value)
{
    msgpack_packer into = writer(packer);
    packer->failed |= msgpack_pack_int64(&into, value) != 0;
}

void pack_bool(struct packer *packer, bool value)
{
    msgpack_packer into = writer(packer);
    packer->failed |= (value ? msgpack_pack_true(&into) : msgpack_pack_false(&into)) != 0;
}

void pack_text(struct packer *packer, const char *text)
{
    msgpack_packer into = writer(packer);
    if (text == NULL) {
        packer->failed |= msgpack_pack_nil(&into) != 0;
        return;
    }
    size_t length = strlen(text);
    packer->failed |=
        msgpack_pack_str(&into, length) != 0 || msgpack_pack_str_body(&into, text, length) != 0;
}

void pack_bytes(struct packer *packer, const void *bytes, size_t size_bytes)
{
    msgpack_packer into = writer(packer);
    if (bytes == NULL) {
        packer->failed |= msgpack_pack_nil(&into) != 0;
        return;
    }
    if (size_bytes > UINT32_MAX) { /* msgpack's limit for one object */
        packer->failed = true;
        return;
    }
    packer->failed |= msgpack_pack_bin(&into, size_bytes) != 0 ||
                      msgpack_pack_bin_body(&into, bytes, size_bytes) != 0;
}

void pack_raw(struct packer *packer, const struct packer *other)
{
    packer->failed |= other->failed;
    if (other->bytes.size > 0 &&
        msgpack_sbuffer_write(&packer->bytes, other->bytes.data, other->bytes.size) != 0)
        packer->failed = true;
}

barks_status *packer_finish(struct packer *packer)
{
    if (packer->failed)
        BARKS_FAIL(BARKS_NO_MEMORY,
                   "no memory for a message after %zu bytes (or an item of it is over 4 GiB)",
                   packer->bytes.size);
    return NULL;
}

void packer_drop(struct packer *packer)
{
    msgpack_sbuffer_destroy(&packer->bytes);
    *packer = (struct packer){0};
}

void unpacker_init(struct unpacker *unpacker, const void *bytes, size_t size_bytes)
{
    *unpacker = (struct unpacker){.bytes = bytes, .size_bytes = size_bytes};
    msgpack_unpacked_init(&unpacker->object);
}

void unpacker_fail(struct unpacker *unpacker, const char *wanted)
{
    if (unpacker->failed == NULL)
        unpacker->failed = barks_status_new(BARKS_BAD_INPUT, NULL, BARKS_HERE,
                                            "a message lacks %s at byte %zu of %zu", wanted,
                                            unpacker->offset, unpacker->size_bytes);
}

/* Messages are flat. For an array or map msgpack would take memory for as many items as a damaged
 * count announces, before it looks whether they are there. */
static bool is_flat(const struct unpacker *unpacker)
{
    if (unpacker->offset >= unpacker->size_bytes)
        return true;
    uint8_t first = (uint8_t)unpacker->bytes[unpacker->offset];
    return !((first >= 0x80 && first <= 0x9f) || (first >= 0xdc && first <= 0xdf));
}

/* The next object, or one of type nil after a failure. */
static msgpack_object next(struct unpacker *unpacker, const char *wanted)
{
    msgpack_object nothing = {.type = MSGPACK_OBJECT_NIL};
    if (unpacker->failed != NULL)
        return nothing;
    if (!is_flat(unpacker)) {
        unpacker_fail(unpacker, wanted);
        return nothing;
    }
    msgpack_unpack_return got = msgpack_unpack_next(&unpacker->object, unpacker->bytes,
                                                    unpacker->size_bytes, &unpacker->offset);
    if (got == MSGPACK_UNPACK_SUCCESS || got == MSGPACK_UNPACK_EXTRA_BYTES)
        return unpacker->object.data;
    unpacker_fail(unpacker, wanted);
    return nothing;
}

uint64_t unpack_u64(struct unpacker *unpacker)
{
    msgpack_object object = next(unpacker, "a number");
    if (object.type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        return object.via.u64;
    unpacker_fail(unpacker, "a number");
    return 0;
}

uint32_t unpack_u32(struct unpacker *unpacker)
{
    uint64_t value = unpack_u64(unpacker);
    if (value <= UINT32_MAX)
        return (uint32_t)value;
    unpacker_fail(unpacker, "a number below 2^32");
    return 0;
}

int64_t unpack_i64(struct unpacker *unpacker)
{
    msgpack_object object = next(unpacker, "a number");
    if (object.type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        return object.via.i64;
    if (object.type == MSGPACK_OBJECT_POSITIVE_INTEGER && object.via.u64 <= INT64_MAX)
        return (int64_t)object.via.u64;
    unpacker_fail(unpacker, "a number");
    return 0;
}

bool unpack_bool(struct unpacker *unpacker)
{
    msgpack_object object = next(unpacker, "true or false");
    if (object.type == MSGPACK_OBJECT_BOOLEAN)
        return object.via.boolean;
    unpacker_fail(unpacker, "true or false");
    return false;
}

char *unpack_text(struct unpacker *unpacker)
{
    msgpack_object object = next(unpacker, "a text");
    if (object.type == MSGPACK_OBJECT_NIL)
        return NULL;
    if (object.type != MSGPACK_OBJECT_STR) {
        unpacker_fail(unpacker, "a text");
        return NULL;
    }
    char *text = malloc((size_t)object.via.str.size + 1);
    if (text == NULL) {
        unpacker_fail(unpacker, "memory");
        return NULL;
    }
    if (object.via.str.size > 0) /* msgpack gives NULL for nothing */
        memcpy(text, object.via.str.ptr, object.via.str.size);
    text[object.via.str.size] = '\0';
    return text;
}

const uint8_t *unpack_bytes(struct unpacker *unpacker, size_t *out_size_bytes)
{

    msgpack_object object = next(unpacker, "bytes");
    *out_size_bytes = 0;
    if (object.type == MSGPACK_OBJECT_NIL)
        return NULL;
    if (object.type != MSGPACK_OBJECT_BIN) {
        unpacker_fail(unpacker, "bytes");
        return NULL;
    }
    *out_size_bytes = object.via.bin.size;
    return (const uint8_t *)unpacker->bytes + unpacker->offset - object.via.bin.size;
}

uint32_t unpack_count(struct unpacker *unpacker)
{
    uint64_t count = unpack_u64(unpacker);
    if (count <= unpacker->size_bytes - unpacker->offset)
        return (uint32_t)count;
    unpacker_fail(unpacker, "as many items as it announces");
    return 0;
}

void *unpack_array(struct unpacker *unpacker, uint32_t count, size_t item_bytes)
{
    void *items = calloc((size_t)count + 1, item_bytes);
    if (items == NULL)
        unpacker_fail(unpacker, "memory");
    return items;
}

bool unpacker_has_more(const struct unpacker *unpacker)
{
    return unpacker->failed == NULL && unpacker->offset < unpacker->size_bytes;
}

barks_status *unpacker_check(struct unpacker *unpacker)
{
    barks_status *failed = unpacker->failed;
    unpacker->failed = NULL;
    return failed;
}

barks_status *unpacker_finish(struct unpacker *unpacker)
{
    if (unpacker->failed == NULL && unpacker->offset != unpacker->size_bytes)
        unpacker_fail(unpacker, "an end");
    return unpacker_check(unpacker);
}

void unpacker_drop(struct unpacker *unpacker)
{
    msgpack_unpacked_destroy(&unpacker->object);
    barks_status_free(unpacker->failed);
    *unpacker = (struct unpacker){0};
}
