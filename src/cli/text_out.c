#include "cli/text_out.h"

#include "batch/utf8.h"

#include <inttypes.h>
#include <string.h>

#define NO_CHARACTER "\xef\xbf\xbd" /* U+FFFD */

static void html_letter(FILE *out, char letter)
{
    if (letter == '<')
        fputs("&lt;", out);
    else if (letter == '>')
        fputs("&gt;", out);
    else if (letter == '&')
        fputs("&amp;", out);
    else if (letter == '"')
        fputs("&quot;", out);
    else if (letter == '\'')
        fputs("&#39;", out);
    else
        fputc(letter, out);
}

static void json_letter(FILE *out, char letter)
{
    if (letter == '"' || letter == '\\')
        fputc('\\', out);
    fputc(letter, out);
}

/* Calls letter for printable ASCII; longer characters go as they are. */
static void write_text(FILE *out, const char *text, void (*letter)(FILE *out, char letter))
{
    size_t left = text != NULL ? strlen(text) : 0;
    while (left > 0) {
        size_t bytes = utf8_character_bytes(text, left);
        if (bytes > 1)
            fwrite(text, 1, bytes, out);
        else if (bytes == 1 && *text >= ' ' && *text != 0x7f)
            letter(out, *text);
        else if (*text == '\n' || *text == '\t')
            letter(out, ' ');
        else
            fputs(NO_CHARACTER, out);
        bytes = bytes > 0 ? bytes : 1;
        text += bytes;
        left -= bytes;
    }
}

void html_write(FILE *out, const char *text) { write_text(out, text, html_letter); }

void json_write(FILE *out, const char *text)
{
    if (text == NULL) {
        fputs("null", out);
        return;
    }
    fputc('"', out);
    write_text(out, text, json_letter);
    fputc('"', out);
}

void plain_write(FILE *out, const char *text, size_t width_max)
{
    size_t left = text != NULL ? strlen(text) : 0, written = 0;
    while (left > 0) {
        size_t bytes = utf8_character_bytes(text, left);
        /* Of two bytes some are control characters too (U+0080 to U+009F). */
        bool is_printable = bytes > 1
                                ? bytes > 2 || (uint8_t)text[0] != 0xc2 || (uint8_t)text[1] >= 0xa0
                                : bytes == 1 && *text >= ' ' && *text != 0x7f;
        bytes = bytes > 0 ? bytes : 1;
        if (written + bytes > width_max)
            break;
        if (is_printable)
            fwrite(text, 1, bytes, out);
        else
            fputc('?', out);
        written += bytes;
        text += bytes;
        left -= bytes;
    }
}

struct count_text count_with_gaps(uint64_t count)
{
    char digits[COUNT_TEXT_BYTES];
    struct count_text out = {""};
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count);
    size_t used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out.text[used++] = ' ';
        out.text[used++] = digits[i];
    }
    out.text[used] = '\0';
    return out;
}
