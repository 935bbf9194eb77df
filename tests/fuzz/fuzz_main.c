/* The main of a fuzz program where libFuzzer is not there: fuzz_NAME CORPUS... [-runs=N] replays
 * every file of the corpus, then tries N mutations of them. BARKS_TEST_SEED replays those. */
#include "base/buffer.h"
#include "base/random.h"
#include "base/scope.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { INPUTS_MAX = 1000, INPUT_BYTES_MAX = 1 << 16, RUNS = 20000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct buffer inputs[INPUTS_MAX];
static size_t input_count;

static void die(const char *what, const char *name)
{
    fprintf(stderr, "%s %s\n", what, name);
    exit(2);
}

static void keep_input(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || input_count == INPUTS_MAX)
        die("cannot take the input", path);
    struct buffer *input = &inputs[input_count++];
    *input = (struct buffer){.limit_bytes = INPUT_BYTES_MAX};
    uint8_t piece[1024];
    size_t piece_bytes = 0;
    while ((piece_bytes = fread(piece, 1, sizeof piece, file)) > 0) {
        if (buffer_append(input, piece, piece_bytes) != NULL)
            die("too large:", path);
    }
    if (ferror(file) || fclose(file) != 0)
        die("cannot read", path);
}

static void keep_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        keep_input(path);
        return;
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(folder)) != NULL) {
        char file[2048];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        keep_input(file);
    }
    closedir(folder);
}

/* A copy in memory of just its size, so that AddressSanitizer sees a byte too far. */
static void try_input(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        die("no memory for", "an input");
    if (size > 0)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

/* A few changes: a bit, a byte, a piece left out, a piece of another input put in. */
static size_t mutate(struct random *random, uint8_t *data, size_t size)
{
    for (uint64_t change = random_below(random, 6) + 1; change > 0; change--) {
        size_t at = (size_t)random_below(random, size + 1);
        size_t span = (size_t)random_below(random, 16) + 1;
        switch (random_below(random, 4)) {
        case 0:
            if (at < size)
                data[at] ^= (uint8_t)(1U << random_below(random, 8));
            break;
        case 1:
            if (at < size)
                data[at] = (uint8_t)random_next(random);
            break;
        case 2:
            span = span < size - at ? span : size - at;
            memmove(data + at, data + at + span, size - at - span);
            size -= span;
            break;
        default: {
            const struct buffer *other = &inputs[random_below(random, input_count)];
            span = span < other->size_bytes ? span : other->size_bytes;
            if (span == 0 || size + span > INPUT_BYTES_MAX)
                break;
            size_t from = (size_t)random_below(random, other->size_bytes - span + 1);
            memmove(data + at + span, data + at, size - at);
            memcpy(data + at, other->data + from, span);
            size += span;
        }
        }
    }
    return size;
}

int main(int argc, char **argv)
{
    static uint8_t data[INPUT_BYTES_MAX];
    unsigned long runs = RUNS;
    for (int at = 1; at < argc; at++) {
        if (strncmp(argv[at], "-runs=", 6) == 0)
            runs = strtoul(argv[at] + 6, NULL, 10);
        else
            keep_folder(argv[at]);
    }
    if (input_count == 0)
        die("usage: fuzz_NAME CORPUS...", "[-runs=N]");
    for (size_t input = 0; input < input_count; input++)
        try_input(inputs[input].data, inputs[input].size_bytes);

    uint64_t seed = 0;
    const char *replayed = getenv("BARKS_TEST_SEED");
    if (replayed != NULL)
        seed = strtoull(replayed, NULL, 10);
    else if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        die("no", "random seed");
    fprintf(stderr, "%zu inputs, %lu mutations, BARKS_TEST_SEED=%" PRIu64 "\n", input_count, runs,
            seed);
    struct random random = random_of(seed);
    for (unsigned long run = 0; run < runs; run++) {
        const struct buffer *input = &inputs[random_below(&random, input_count)];
        if (input->size_bytes > 0)
            memcpy(data, input->data, input->size_bytes);
        try_input(data, mutate(&random, data, input->size_bytes));
    }
    for (size_t input = 0; input < input_count; input++)
        buffer_drop(&inputs[input]);
    return 0;
}
