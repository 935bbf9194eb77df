/* Seeded records to sort; see usage. The same arguments give the same bytes on every machine. */
#include "seeded.h"

static const char usage[] =
    "usage: gen_records RECORDS SEED [--text] >FILE\n"
    "\n"
    "Writes records of 100 bytes: 10 random bytes of key, the number of the record in 20 digits, "
    "70 "
    "letters.\n"
    "--text: lines of 100 bytes with their newline: the same keys as 20 hexadecimal digits, the "
    "number, 59 letters;\n"
    "so both have the same order. RECORDS may end in k, M or G (powers of 1024).\n";

enum { RECORD_BYTES = 100, KEY_BYTES = 10, NUMBER_DIGITS = 20 };

static void put_record(struct random *random, uint64_t number, bool is_text, char *out)
{
    uint8_t key[16];
    for (int i = 0; i < 2; i++) { /* the upper 40 bits of each draw */
        uint64_t bits = random_next(random) >> 24;
        for (int k = 0; k < 5; k++)
            key[5 * i + k] = (uint8_t)(bits >> 8 * k);
    }
    char *end = out + RECORD_BYTES;
    if (is_text) {
        for (int i = 0; i < KEY_BYTES; i++) {
            *out++ = "0123456789abcdef"[key[i] >> 4];
            *out++ = "0123456789abcdef"[key[i] & 15];
        }
    } else {
        memcpy(out, key, KEY_BYTES);
        out += KEY_BYTES;
    }
    uint64_t rest = number;
    for (int i = NUMBER_DIGITS; i-- > 0; rest /= 10)
        out[i] = (char)('0' + rest % 10);
    out += NUMBER_DIGITS;
    memset(out, (int)('A' + number % 26), (size_t)(end - out));
    if (is_text)
        end[-1] = '\n';
}

int main(int argc, char **argv)
{
    uint64_t count = 0, seed = 0;
    bool is_text = argc == 4 && strcmp(argv[3], "--text") == 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0;
    if (argc < 3 || argc > 4 || (argc == 4 && !is_text) || !parse_number(argv[1], &count) ||
        !parse_number(argv[2], &seed)) {
        fputs(usage, stderr);
        return 2;
    }
    static struct output output;
    struct random random = random_of(seed);
    bool is_written = true;
    for (uint64_t i = 0; i < count && is_written; i++) {
        char *out = output_room(&output);
        is_written = out != NULL;
        if (is_written)
            put_record(&random, i, is_text, out);
        output.used_bytes += is_written ? RECORD_BYTES : 0;
    }
    is_written = is_written && output_flush(&output);
    if (!is_written)
        fprintf(stderr, "gen_records: write: %s\n", strerror(errno));
    return is_written ? 0 : 1;
}
