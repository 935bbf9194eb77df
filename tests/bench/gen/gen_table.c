/* A seeded table of keys and values; see usage. The same arguments give the same bytes on every
 * machine. */
#include "seeded.h"

static const char usage[] =
    "usage: gen_table ROWS KEYS SEED [--hot PERCENT] [--text BYTES] [--binary] >FILE\n"
    "\n"
    "Writes ROWS lines `key,value` after a header: keys from 0 to KEYS - 1 in random order, each "
    "as "
    "often as any other\n"
    "(once more for some where KEYS does not divide ROWS), and values from 0 to 999.\n"
    "  --hot PERCENT  so many of the rows, exactly, have the key 0; the others share the other "
    "keys\n"
    "  --text BYTES   a third column, text: so many letters (at most 1000)\n"
    "  --binary       rows of two little-endian int64_t instead, without a header\n"
    "ROWS and KEYS may end in k, M or G (powers of 1024).\n";

enum { TEXT_BYTES_MAX = 1000, HALVES = 4 };

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "binary rows are written as they are");

struct table {
    uint64_t row_count, key_count, hot_count, seed;
    uint64_t text_bytes;
    bool is_binary;
    unsigned half_bits; /* row_count <= 1 << 2 * half_bits */
};

/* A random order of the rows without a table of it: a Feistel network permutes the numbers of 2 *
 * half_bits bits, and is applied again while the number is beyond the last row. */
static uint64_t shuffled(const struct table *table, uint64_t row)
{
    uint64_t mask = (UINT64_C(1) << table->half_bits) - 1;
    do {
        uint64_t left = row >> table->half_bits, right = row & mask;
        for (uint64_t i = 0; i < HALVES; i++) {
            uint64_t next = left ^ (random_mixed(right + table->seed * HALVES + i + 1) & mask);
            left = right;
            right = next;
        }
        row = left << table->half_bits | right;
    } while (row >= table->row_count);
    return row;
}

static uint64_t key_of(const struct table *table, uint64_t row)
{
    uint64_t place = shuffled(table, row);
    if (table->hot_count == 0 || table->key_count == 1)
        return place % table->key_count;
    return place < table->hot_count ? 0 : 1 + place % (table->key_count - 1);
}

static char *put_row(const struct table *table, struct random *random, uint64_t row, char *out)
{
    int64_t pair[2] = {(int64_t)key_of(table, row),
                       (int64_t)((random_next(random) >> 32) * 1000 >> 32)};
    if (table->is_binary) {
        memcpy(out, pair, sizeof pair);
        return out + sizeof pair;
    }
    out = put_number(out, (uint64_t)pair[0]);
    *out++ = ',';
    out = put_number(out, (uint64_t)pair[1]);
    if (table->text_bytes > 0)
        *out++ = ',';
    uint64_t bits = 0;
    for (uint64_t i = 0; i < table->text_bytes; i++, bits >>= 4) { /* of 16 letters */
        if (i % 15 == 0)
            bits = random_next(random) >> 4;
        *out++ = (char)('a' + (bits & 15));
    }
    *out++ = '\n';
    return out;
}

static bool parse_arguments(int argc, char **argv, struct table *table)
{
    uint64_t percent = 0;
    if (argc < 4 || !parse_number(argv[1], &table->row_count) ||
        !parse_number(argv[2], &table->key_count) || table->key_count < 1 ||
        table->key_count > INT64_MAX || !parse_number(argv[3], &table->seed))
        return false;
    for (int i = 4; i < argc; i++) {
        bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--binary") == 0)
            table->is_binary = true;
        else if (has_value && strcmp(argv[i], "--hot") == 0 && parse_number(argv[i + 1], &percent))
            i++;
        else if (has_value && strcmp(argv[i], "--text") == 0 &&
                 parse_number(argv[i + 1], &table->text_bytes))
            i++;
        else
            return false;
    }
    table->hot_count = (uint64_t)((double)table->row_count * (double)percent / 100);
    while (table->half_bits < 31 && UINT64_C(1) << 2 * table->half_bits < table->row_count)
        table->half_bits++;
    return percent <= 100 && table->text_bytes <= TEXT_BYTES_MAX &&
           table->row_count <= UINT64_C(1) << 2 * table->half_bits &&
           !(table->is_binary && table->text_bytes > 0);
}

int main(int argc, char **argv)
{
    static struct output output;
    struct table table = {0};
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0;
    if (!parse_arguments(argc, argv, &table)) {
        fputs(usage, stderr);
        return 2;
    }
    struct random random = random_of(table.seed);
    if (!table.is_binary)
        output.used_bytes = (size_t)snprintf(output.buffer, OUTPUT_BYTES, "key,value%s\n",
                                             table.text_bytes > 0 ? ",text" : "");
    bool is_written = true;
    for (uint64_t row = 0; row < table.row_count && is_written; row++) {
        char *out = output_room(&output);
        is_written = out != NULL;
        if (is_written)
            output.used_bytes += (size_t)(put_row(&table, &random, row, out) - out);
    }
    is_written = is_written && output_flush(&output);
    if (!is_written)
        fprintf(stderr, "gen_table: write: %s\n", strerror(errno));
    return is_written ? 0 : 1;
}
