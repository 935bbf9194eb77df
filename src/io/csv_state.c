#include "io/csv_state.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

void csv_machine_init(struct csv_machine *machine, const struct source_options *options)
{
    uint8_t separator = options->separator != 0 ? (uint8_t)options->separator : ',';
    uint8_t quote = options->quote != 0 ? (uint8_t)options->quote : '"';
    uint8_t escape = (uint8_t)options->escape;
    uint8_t comment = (uint8_t)options->comment;
    memset(machine->next[CSV_ROW], CSV_PLAIN, 256);
    memset(machine->next[CSV_FIELD], CSV_PLAIN, 256);
    memset(machine->next[CSV_PLAIN], CSV_PLAIN, 256);
    memset(machine->next[CSV_QUOTED], CSV_QUOTED, 256);
    memset(machine->next[CSV_CLOSING], CSV_PLAIN, 256);
    memset(machine->next[CSV_ESCAPED], CSV_QUOTED, 256);
    memset(machine->next[CSV_COMMENT], CSV_COMMENT, 256);
    if (comment != 0)
        machine->next[CSV_ROW][comment] = CSV_COMMENT;
    if (!options->no_quotes) {
        machine->next[CSV_ROW][quote] = machine->next[CSV_FIELD][quote] = CSV_QUOTED;
        machine->next[CSV_CLOSING][quote] = CSV_QUOTED;
        if (escape != 0)
            machine->next[CSV_QUOTED][escape] = CSV_ESCAPED;
        machine->next[CSV_QUOTED][quote] = CSV_CLOSING;
    }
    static const enum csv_state outside[] = {CSV_ROW, CSV_FIELD, CSV_PLAIN, CSV_CLOSING,
                                             CSV_COMMENT};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        if (outside[i] != CSV_COMMENT)
            machine->next[outside[i]][separator] = CSV_FIELD;
        machine->next[outside[i]]['\n'] = CSV_ROW;
    }
    machine->has_comments = comment != 0;
    if (comment == 0) /* then nothing comes here, and as plain it falls together with others */
        memcpy(machine->next[CSV_COMMENT], machine->next[CSV_PLAIN], 256);
    machine->quote = quote;
    machine->escape = escape != 0 ? escape : quote;
}

size_t csv_machine_find_row(const struct csv_machine *machine, enum csv_state *state,
                            const uint8_t *bytes, size_t size_bytes)
{
    unsigned at = *state;
    size_t i = 0;
    while (i < size_bytes && at != CSV_ROW)
        at = machine->next[at][bytes[i++]];
    *state = (enum csv_state)at;
    return i;
}

/* ---- the machine over many bytes ---- */

/* States that are left of those at the beginning, and which of them each has come to. */
struct lanes {
    uint8_t states[CSV_STATES];
    uint8_t which[CSV_STATES];
    unsigned count;
};

/* Equal ones become one. */
static void unite(struct lanes *lanes)
{
    for (unsigned d = 0; d < lanes->count; d++)
        for (unsigned e = d + 1; e < lanes->count;) {
            if (lanes->states[e] != lanes->states[d]) {
                e++;
                continue;
            }
            lanes->count--;
            for (unsigned s = 0; s < CSV_STATES; s++) {
                if (lanes->which[s] == e)
                    lanes->which[s] = (uint8_t)d;
                else if (lanes->which[s] == lanes->count)
                    lanes->which[s] = (uint8_t)e;
            }
            lanes->states[e] = lanes->states[lanes->count];
        }
}

#if defined(__SSE2__)

/* Bits of the quotes and escapes among 64 bytes. */
static inline uint64_t find_special(const struct csv_machine *machine, const uint8_t *bytes)
{
    const __m128i quotes = _mm_set1_epi8((char)machine->quote);
    const __m128i escapes = _mm_set1_epi8((char)machine->escape);
    uint64_t found = 0;
    for (unsigned i = 0; i < 4; i++) {
        __m128i here = _mm_loadu_si128((const __m128i *)(const void *)(bytes + 16 * i));
        __m128i special = _mm_or_si128(_mm_cmpeq_epi8(here, quotes), _mm_cmpeq_epi8(here, escapes));
        found |= (uint64_t)(uint32_t)_mm_movemask_epi8(special) << (16 * i);
    }
    return found;
}

/* After bytes without a quote or escape, the last of which is given: inside of quotes nothing has
 * happened, and outside only the last byte counts. */
static inline unsigned pass_plain(const struct csv_machine *machine, unsigned state, uint8_t last)
{
    return state == CSV_QUOTED || state == CSV_ESCAPED ? CSV_QUOTED
                                                       : machine->next[CSV_PLAIN][last];
}

static inline unsigned pass_block(const struct csv_machine *machine, unsigned state,
                                  const uint8_t *bytes, uint64_t special)
{
    unsigned at = 0;
    for (; special != 0; special &= special - 1) {
        unsigned i = (unsigned)__builtin_ctzll(special);
        if (i > at)
            state = pass_plain(machine, state, bytes[i - 1]);
        state = machine->next[state][bytes[i]];
        at = i + 1;
    }
    return at < 64 ? pass_plain(machine, state, bytes[63]) : state;
}

/* Takes blocks of 64 bytes, where no comments are looked for: whether one begins is told by more
 * than the last byte. Returns the bytes taken. */
static size_t pass_blocks(const struct csv_machine *machine, struct lanes *lanes,
                          const uint8_t *bytes, size_t size_bytes)
{
    size_t i = 0;
    for (; !machine->has_comments && i + 64 <= size_bytes; i += 64) {
        uint64_t special = find_special(machine, bytes + i);
        for (unsigned d = 0; d < lanes->count; d++)
            lanes->states[d] = (uint8_t)pass_block(machine, lanes->states[d], bytes + i, special);
        if (lanes->count > 2)
            unite(lanes);
    }
    return i;
}

#else

static size_t pass_blocks(const struct csv_machine *machine, struct lanes *lanes,
                          const uint8_t *bytes, size_t size_bytes)
{
    (void)machine, (void)lanes, (void)bytes, (void)size_bytes;
    return 0;
}

#endif

csv_map csv_map_extend(const struct csv_machine *machine, csv_map map, const uint8_t *bytes,
                       size_t size_bytes)
{
    enum { STEP_BYTES = 256 };
    struct lanes lanes = {.count = CSV_STATES};
    for (unsigned s = 0; s < CSV_STATES; s++) {
        lanes.states[s] = (uint8_t)csv_map_apply(map, (enum csv_state)s);
        lanes.which[s] = (uint8_t)s;
    }
    unite(&lanes);
    size_t begin = pass_blocks(machine, &lanes, bytes, size_bytes);
    for (size_t i = begin; i < size_bytes; i += STEP_BYTES) {
        size_t step = size_bytes - i < STEP_BYTES ? size_bytes - i : STEP_BYTES;
        for (unsigned d = 0; d < lanes.count; d++)
            lanes.states[d] =
                (uint8_t)csv_machine_run(machine, (enum csv_state)lanes.states[d], bytes + i, step);
        unite(&lanes);
    }
    csv_map result = 0;
    for (unsigned s = 0; s < CSV_STATES; s++)
        result |= (csv_map)lanes.states[lanes.which[s]] << (4 * s);
    return result;
}
