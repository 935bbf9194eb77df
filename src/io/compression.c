#include "io/compression.h"

#include <stdbool.h>
#include <string.h>

struct format {
    const char *name;
    const char *suffix;
    const char *unpack; /* the program that undoes it, for the remedy; NULL where barks reads it */
    uint8_t magic_bytes;
    uint8_t magic[COMPRESSION_HEAD_BYTES];
    enum compression kind;
};

/* What this build can read: NONE stands for a format that it only knows by sight. */
#if defined(BARKS_HAS_BZIP2)
#define KIND_BZIP2 COMPRESSION_BZIP2
#else
#define KIND_BZIP2 COMPRESSION_NONE
#endif
#if defined(BARKS_HAS_XZ)
#define KIND_XZ COMPRESSION_XZ
#else
#define KIND_XZ COMPRESSION_NONE
#endif
#if defined(BARKS_HAS_LZ4)
#define KIND_LZ4 COMPRESSION_LZ4
#else
#define KIND_LZ4 COMPRESSION_NONE
#endif
#if defined(BARKS_HAS_SNAPPY)
#define KIND_SNAPPY COMPRESSION_SNAPPY
#else
#define KIND_SNAPPY COMPRESSION_NONE
#endif

static const struct format formats[] = {
    {"gzip", ".gz", NULL, 2, {0x1f, 0x8b}, COMPRESSION_GZIP},
    {"zstd", ".zst", NULL, 4, {0x28, 0xb5, 0x2f, 0xfd}, COMPRESSION_ZSTD},
    {"bzip2", ".bz2", "bunzip2", 3, {'B', 'Z', 'h'}, KIND_BZIP2},
    {"xz", ".xz", "unxz", 6, {0xfd, '7', 'z', 'X', 'Z', 0}, KIND_XZ},
    {"lz4", ".lz4", "unlz4", 4, {0x04, 0x22, 0x4d, 0x18}, KIND_LZ4},
    {"snappy", ".sz", "snzip -d", 6, {0xff, 6, 0, 0, 's', 'N'}, KIND_SNAPPY},
    {"framed snappy", ".snappy", "snzip -d", 6, {0xff, 6, 0, 0, 's', 'N'}, KIND_SNAPPY},
    {"compress", ".Z", "uncompress", 2, {0x1f, 0x9d}, COMPRESSION_NONE},
};

const char *compression_name(enum compression kind)
{
    switch (kind) {
    case COMPRESSION_NONE:
        return "none";
    case COMPRESSION_GZIP:
        return "gzip";
    case COMPRESSION_ZSTD:
        return "zstd";
    case COMPRESSION_BZIP2:
        return "bzip2";
    case COMPRESSION_XZ:
        return "xz";
    case COMPRESSION_LZ4:
        return "lz4";
    case COMPRESSION_SNAPPY:
        return "snappy";
    }
    return "unknown";
}

static bool has_suffix(const char *path, const char *suffix)
{
    size_t path_bytes = strlen(path);
    size_t suffix_bytes = strlen(suffix);
    return path_bytes > suffix_bytes && strcmp(path + path_bytes - suffix_bytes, suffix) == 0;
}

/* A zstd file may begin with a skippable frame: 0x184D2A50 to 0x184D2A5F, little-endian. */
static bool is_skippable_frame(const uint8_t *head, size_t head_bytes)
{
    return head_bytes >= 4 && (head[0] & 0xf0) == 0x50 && head[1] == 0x2a && head[2] == 0x4d &&
           head[3] == 0x18;
}

barks_status *compression_detect(const char *path, const uint8_t *head, size_t head_bytes,
                                 enum compression *out_kind)
{
    const struct format *named = NULL;
    const struct format *found = NULL;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const struct format *format = &formats[i];
        if (has_suffix(path, format->suffix))
            named = format;
        /* "BZh" can begin a text; with the name it is bzip2. The other magics are no text. */
        bool is_text = format->magic[0] == 'B' && named != format;
        if (!is_text && head_bytes >= format->magic_bytes &&
            memcmp(head, format->magic, format->magic_bytes) == 0)
            found = format;
    }
    if (found == NULL && named != NULL && named->kind == COMPRESSION_ZSTD &&
        is_skippable_frame(head, head_bytes))
        found = named;
    if (found != NULL && found->kind == COMPRESSION_NONE)
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "'%s' is compressed by %s, which this barks does not read: unpack it with %s, "
                   "or use gzip "
                   "or zstd",
                   path, found->name, found->unpack);
    if (found == NULL && named != NULL && head_bytes > 0)
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "'%s' is no %s file, although its name ends in %s: rename it or compress it",
                   path, named->name, named->suffix);
    *out_kind = found != NULL ? found->kind : COMPRESSION_NONE;
    return NULL;
}
