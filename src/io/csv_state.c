#include "io/csv_state.h"

#include <string.h>

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

csv_map csv_map_extend(const struct csv_machine *machine, csv_map map, const uint8_t *bytes,
                       size_t size_bytes)
{
    enum { STEP_BYTES = 256 };
    uint8_t distinct[CSV_STATES]; /* states that are left */
    uint8_t which[CSV_STATES];    /* state at the beginning -> its place in distinct */
    unsigned count = 0;
    for (unsigned s = 0; s < CSV_STATES; s++) {
        distinct[s] = (uint8_t)csv_map_apply(map, (enum csv_state)s);
        which[s] = (uint8_t)s;
    }
    count = CSV_STATES;
    for (size_t i = 0; i < size_bytes; i += STEP_BYTES) {
        size_t step = size_bytes - i < STEP_BYTES ? size_bytes - i : STEP_BYTES;
        for (unsigned d = 0; d < count; d++)
            distinct[d] =
                (uint8_t)csv_machine_run(machine, (enum csv_state)distinct[d], bytes + i, step);
        for (unsigned d = 0; d < count; d++) /* equal ones become one */
            for (unsigned e = d + 1; e < count;) {
                if (distinct[e] != distinct[d]) {
                    e++;
                    continue;
                }
                count--;
                for (unsigned s = 0; s < CSV_STATES; s++) {
                    if (which[s] == e)
                        which[s] = (uint8_t)d;
                    else if (which[s] == count)
                        which[s] = (uint8_t)e;
                }
                distinct[e] = distinct[count];
            }
    }
    csv_map result = 0;
    for (unsigned s = 0; s < CSV_STATES; s++)
        result |= (csv_map)distinct[which[s]] << (4 * s);
    return result;
}
