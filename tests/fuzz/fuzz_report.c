/* Whoever reads a job's log may be handed any events: the bytes become records of all kinds, with
 * fields of any value, in any order, and those become a log, a report and a trace. (What is no
 * record at all is fuzz_history's.) */
#include "base/pack.h"
#include "base/scope.h"
#include "cli/commands.h"
#include "cli/job_log.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KIND_COUNT = 16, RECORDS_MAX = 300 };

static void require(bool condition)
{
    if (!condition)
        abort();
}

struct input {
    const uint8_t *data;
    size_t size;
};

static uint8_t next_byte(struct input *in)
{
    if (in->size == 0)
        return 0;
    in->size--;
    return *in->data++;
}

/* Mostly small, so that events name each other. */
static uint64_t next_number(struct input *in)
{
    uint8_t byte = next_byte(in);
    if (byte < 0xf0)
        return byte % 6;
    if (byte < 0xf8)
        return (uint64_t)next_byte(in) << (byte & 7) * 4;
    return UINT64_MAX - next_byte(in);
}

static void put_field(struct input *in, struct packer *body)
{
    static const char *const texts[] = {NULL,           "",           "default", "<b>\"&'",
                                        "\xff\x01\xc3", HISTORY_MAGIC};
    uint8_t byte = next_byte(in);
    if (byte >= 0xe0)
        pack_text(body, texts[byte % (sizeof texts / sizeof *texts)]);
    else
        pack_u64(body, next_number(in));
}

/* "Nexecutor Thost ": type and name of each field. */
static const char *layout_of(uint64_t kind)
{
#define WORD_N(name) "N" #name " "
#define WORD_T(name) "T" #name " "
#define LAYOUT(number, NAME, name)                                                                 \
    if (kind == (number))                                                                          \
        return HISTORY_##NAME(WORD_N, WORD_T);
    HISTORY_KINDS(LAYOUT)
    return "";
}

static void put_right_field(struct input *in, const char *word, struct packer *body)
{
    if (word[0] == 'T')
        pack_text(body, next_byte(in) % 4 > 0 ? "<b>\"&'\xff\x01" : NULL);
    else if (strncmp(word, "Nexecutor ", 10) == 0) {
        uint8_t byte = next_byte(in); /* an impossible one ends the reading, so it is rare */
        pack_u64(body, byte < 0xff ? 1 + (uint64_t)byte % 5 : next_number(in));
    } else
        pack_u64(body, next_number(in));
}

static void put_record(struct input *in, struct packer *out)
{
    struct packer body = {0};
    uint64_t kind = next_byte(in) % KIND_COUNT;
    bool is_right = next_byte(in) < 0xf0; /* fields are of their types */
    for (const char *word = layout_of(kind); *word != '\0'; word = strchr(word, ' ') + 1)
        if (is_right)
            put_right_field(in, word, &body);
        else
            put_field(in, &body);
    pack_u64(out, kind);
    pack_u64(out, history_checksum(kind, body.bytes.data, body.bytes.size));
    pack_bytes(out, body.bytes.data, body.bytes.size);
    packer_drop(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    require(nowhere != NULL);
    struct input in = {data, size};
    struct packer bytes = {0}, body = {0};
    struct history_record head = {
        .kind = KIND_JOB,
        .job = {.magic = HISTORY_MAGIC, .format = HISTORY_FORMAT, .name = "fuzz"}};
    history_record_pack(&head, &body, &bytes);
    for (int i = 0; i < RECORDS_MAX && in.size > 0; i++)
        put_record(&in, &bytes);
    BARKS_AUTO(job_log) log = {0};
    barks_status *status = job_log_read_bytes("fuzz", bytes.bytes.data, bytes.bytes.size, &log);
    if (status == NULL) {
        require(report_write(nowhere, &log, "fuzz") == NULL);
        trace_write(nowhere, &log);
        for (uint64_t i = 0; i < log.attempt_count; i++) {
            const struct logged_attempt *attempt = &log.attempts[i];
            require(attempt->executor >= 1 && attempt->executor <= log.executor_count);
            require(attempt->lane < log.executors[attempt->executor - 1].lane_count);
            require(logged_attempt_end(&log, attempt) >= attempt->begin_ns);
            require(i == 0 || log.attempts[i - 1].begin_ns <= attempt->begin_ns);
        }
    } else
        require(barks_status_text(status)[0] != '\0');
    barks_status_free(status);
    packer_drop(&bytes);
    packer_drop(&body);
    return 0;
}
