#include "io/json_text.h"

#include "batch/utf8.h"
#include "io/file_writer.h"

#include <string.h>

/* How many bytes from the first on need no escape. */
static size_t plain_bytes(const char *bytes, size_t size_bytes)
{
    size_t i = 0;
    while (i < size_bytes) {
        uint8_t byte = (uint8_t)bytes[i];
        size_t length = 1;
        if (byte < 0x20 || byte == '"' || byte == '\\')
            return i;
        if (byte >= 0x80)
            length = utf8_character_bytes(bytes + i, size_bytes - i);
        if (length == 0)
            return i;
        i += length;
    }
    return i;
}

BARKS_CHECKED static barks_status *put_escape(struct file_writer *writer, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = "\"\\\b\f\n\r\t";
    static const char names[] = "\"\\bfnrt";
    char text[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    const char *letter = byte != 0 ? strchr(letters, byte) : NULL;
    if (byte >= 0x80)
        return file_writer_put(writer, "\xef\xbf\xbd", 3); /* U+FFFD */
    if (letter == NULL)
        return file_writer_put(writer, text, sizeof text);
    text[1] = names[letter - letters];
    return file_writer_put(writer, text, 2);
}

barks_status *json_put_text(struct file_writer *writer, const char *bytes, size_t size_bytes)
{
    BARKS_TRY(file_writer_put(writer, "\"", 1));
    for (size_t i = 0; i < size_bytes;) {
        size_t plain = plain_bytes(bytes + i, size_bytes - i);
        if (plain > 0)
            BARKS_TRY(file_writer_put(writer, bytes + i, plain));
        i += plain;
        if (i < size_bytes)
            BARKS_TRY(put_escape(writer, (uint8_t)bytes[i++]));
    }
    return file_writer_put(writer, "\"", 1);
}
