/* A seeded R-MAT graph as text; see usage. The same arguments give the same bytes on every machine.
 * Source: Chakrabarti, Zhan, Faloutsos, SDM 2004; the probabilities are those of Graph500. */
#include "seeded.h"

static const char usage[] =
    "usage: gen_graph SCALE EDGES SEED [SEPARATOR] >FILE\n"
    "\n"
    "Writes 2^SCALE * EDGES lines `source,target` of vertices below 2^SCALE: an R-MAT graph with "
    "the probabilities\n"
    "0.57, 0.19, 0.19 and 0.05, whose vertices are numbered at random. Loops and repeated edges "
    "stay. SEPARATOR is\n"
    "one byte, a comma where it is left out. SCALE is 1 to 40.\n";

enum { SCALE_MAX = 40, STEP_BITS = 20 };

/* A bijection of the numbers below 2^scale: each line of it can be undone. */
static uint64_t shuffled(uint64_t vertex, unsigned scale)
{
    uint64_t mask = (UINT64_C(1) << scale) - 1;
    for (int i = 0; i < 3; i++) {
        vertex = (vertex * UINT64_C(0x9e3779b97f4a7c15)) & mask; /* odd */
        vertex ^= vertex >> (scale / 2 + 1);
    }
    return vertex;
}

/* Each step halves the matrix of all edges in both directions: 20 bits choose the quarter. */
static void draw_edge(struct random *random, unsigned scale, uint64_t *out_source,
                      uint64_t *out_target)
{
    const uint32_t unit = 1 << STEP_BITS;
    const uint32_t first = (uint32_t)(0.57 * unit), second = (uint32_t)(0.76 * unit),
                   third = (uint32_t)(0.95 * unit);
    uint64_t source = 0, target = 0, bits = 0;
    for (unsigned i = 0; i < scale; i++) {
        if (i % 3 == 0)
            bits = random_next(random) >> 4;
        uint32_t drawn = (uint32_t)(bits & (unit - 1));
        bits >>= STEP_BITS;
        source = source << 1 | (drawn >= second);
        target = target << 1 | ((drawn >= first && drawn < second) || drawn >= third);
    }
    *out_source = shuffled(source, scale);
    *out_target = shuffled(target, scale);
}

int main(int argc, char **argv)
{
    uint64_t scale = 0, edges_per_vertex = 0, seed = 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0;
    if (argc < 4 || argc > 5 || !parse_number(argv[1], &scale) || scale < 1 || scale > SCALE_MAX ||
        !parse_number(argv[2], &edges_per_vertex) || edges_per_vertex > UINT64_MAX >> scale ||
        !parse_number(argv[3], &seed) || (argc == 5 && strlen(argv[4]) != 1)) {
        fputs(usage, stderr);
        return 2;
    }
    char separator = argc == 5 ? argv[4][0] : ',';
    static struct output output;
    struct random random = random_of(seed);
    bool is_written = true;
    for (uint64_t left = edges_per_vertex << scale; left > 0 && is_written; left--) {
        char *out = output_room(&output), *begin = out;
        is_written = out != NULL;
        if (!is_written)
            break;
        uint64_t source = 0, target = 0;
        draw_edge(&random, (unsigned)scale, &source, &target);
        out = put_number(out, source);
        *out++ = separator;
        out = put_number(out, target);
        *out++ = '\n';
        output.used_bytes += (size_t)(out - begin);
    }
    is_written = is_written && output_flush(&output);
    if (!is_written)
        fprintf(stderr, "gen_graph: write: %s\n", strerror(errno));
    return is_written ? 0 : 1;
}
