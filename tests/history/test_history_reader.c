#include "base/buffer.h"
#include "base/scope.h"
#include "history/history_reader.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <string.h>

static struct history_record job(void)
{
    return (struct history_record){
        .kind = KIND_JOB,
        .job = {.magic = HISTORY_MAGIC, .format = HISTORY_FORMAT, .version = "1.2", .name = "job"}};
}

static struct history_record task(uint64_t number)
{
    return (struct history_record){
        .kind = KIND_TASK_ENDED,
        .task_ended = {.task = number, .rows_read = UINT64_MAX - number, .error = "\"why\""}};
}

/* A job and three tasks; where each record begins. */
static void write_log(struct packer *out, size_t begins[5])
{
    BARKS_AUTO(packer) body = {0};
    for (uint64_t i = 0; i < 4; i++) {
        struct history_record record = i == 0 ? job() : task(i);
        begins[i] = out->bytes.size;
        history_record_pack(&record, &body, out);
    }
    begins[4] = out->bytes.size;
    must(packer_finish(out));
}

struct seen {
    uint64_t records, damaged, unknown;
    bool is_cut;
    barks_code code; /* 0: all is well */
};

static struct seen read_all(const void *bytes, size_t size_bytes)
{
    BARKS_AUTO(history_reader) reader = {0};
    struct seen seen = {0};
    must(history_open_bytes("log", bytes, size_bytes, &reader));
    for (;;) {
        struct history_record record;
        bool more = false;
        barks_status *status = history_next(&reader, &record, &more);
        if (status != NULL) {
            seen.code = barks_status_code(status);
            ck_assert_ptr_nonnull(strstr(barks_status_text(status), "log"));
        }
        barks_status_free(status);
        if (!more)
            break;
        seen.records++;
        history_record_drop(&record);
    }
    seen.damaged = reader.damaged_count;
    seen.unknown = reader.unknown_count;
    seen.is_cut = reader.is_cut;
    return seen;
}

START_TEST(what_is_written_comes_back)
{
    BARKS_AUTO(packer) out = {0};
    size_t begins[5];
    write_log(&out, begins);
    BARKS_AUTO(history_reader) reader = {0};
    must(history_open_bytes("log", out.bytes.data, out.bytes.size, &reader));
    for (uint64_t i = 0; i < 4; i++) {
        struct history_record record;
        bool more = false;
        must(history_next(&reader, &record, &more));
        ck_assert(more);
        ck_assert_int_eq(record.kind, i == 0 ? KIND_JOB : KIND_TASK_ENDED);
        if (i == 0) {
            ck_assert_str_eq(record.job.name, "job");
            ck_assert_ptr_null(record.job.slurm_job);
        } else {
            ck_assert_uint_eq(record.task_ended.task, i);
            ck_assert_uint_eq(record.task_ended.rows_read, UINT64_MAX - i);
            ck_assert_str_eq(record.task_ended.error, "\"why\"");
        }
        history_record_drop(&record);
    }
    struct history_record record;
    bool more = true;
    must(history_next(&reader, &record, &more));
    ck_assert(!more && !reader.is_cut);
}
END_TEST

START_TEST(a_log_that_is_cut_gives_the_records_before_the_cut)
{
    BARKS_AUTO(packer) out = {0};
    size_t begins[5];
    write_log(&out, begins);
    for (size_t length = 0; length <= out.bytes.size; length++) {
        uint64_t whole = 0;
        bool is_between = false;
        for (uint64_t i = 0; i < 5; i++) {
            whole += i > 0 && begins[i] <= length;
            is_between |= begins[i] == length;
        }
        struct seen seen = read_all(out.bytes.data, length);
        ck_assert_uint_eq(seen.records, whole);
        ck_assert_uint_eq(seen.damaged, 0);
        ck_assert_int_eq(seen.is_cut, !is_between);
        ck_assert_int_eq(seen.code, whole == 0 ? BARKS_BAD_INPUT : 0);
    }
}
END_TEST

START_TEST(a_bit_that_changed_is_never_taken_for_a_value)
{
    BARKS_AUTO(packer) out = {0};
    size_t begins[5];
    write_log(&out, begins);
    for (size_t bit = 0; bit < out.bytes.size * 8; bit++) {
        out.bytes.data[bit / 8] ^= (char)(1 << bit % 8);
        struct seen seen = read_all(out.bytes.data, out.bytes.size);
        out.bytes.data[bit / 8] ^= (char)(1 << bit % 8);
        bool is_of_first = bit / 8 < begins[1];
        ck_assert_msg(seen.records < 4, "bit %zu is not missed", bit);
        ck_assert_msg(seen.code != 0 || seen.damaged + seen.unknown > 0 || seen.is_cut,
                      "bit %zu: nothing is said", bit);
        if (is_of_first)
            ck_assert_int_eq(seen.code, BARKS_BAD_INPUT);
    }
}
END_TEST

/* A record of any kind and body, as it should be. */
static void frame(struct packer *out, uint64_t kind, const struct packer *body)
{
    pack_u64(out, kind);
    pack_u64(out, history_checksum(kind, body->bytes.data, body->bytes.size));
    pack_bytes(out, body->bytes.data, body->bytes.size);
}

START_TEST(what_a_later_barks_adds_is_passed_over)
{
    BARKS_AUTO(packer) out = {0};
    BARKS_AUTO(packer) body = {0};
    BARKS_AUTO(packer) more_fields = {0};
    BARKS_AUTO(packer) fewer_fields = {0};
    struct history_record first = job();
    history_record_pack(&first, &body, &out);
    frame(&out, 999, &body);    /* a kind that is not known */
    pack_u64(&more_fields, 17); /* DROPPED has one field */
    pack_text(&more_fields, "more");
    frame(&out, KIND_DROPPED, &more_fields);
    pack_u64(&fewer_fields, 18); /* ACTION_ENDED has four */
    frame(&out, KIND_ACTION_ENDED, &fewer_fields);
    BARKS_AUTO(history_reader) reader = {0};
    must(history_open_bytes("log", out.bytes.data, out.bytes.size, &reader));
    struct history_record record;
    bool more = false;
    must(history_next(&reader, &record, &more));
    history_record_drop(&record);
    must(history_next(&reader, &record, &more));
    ck_assert(more && record.kind == KIND_DROPPED && record.dropped.record_count == 17);
    must(history_next(&reader, &record, &more));
    ck_assert(more && record.kind == KIND_ACTION_ENDED && record.action_ended.time_ns == 18);
    ck_assert_ptr_null(record.action_ended.error);
    ck_assert_uint_eq(reader.unknown_count, 1);
    ck_assert_uint_eq(reader.damaged_count, 0);
}
END_TEST

START_TEST(a_log_of_a_later_format_is_refused_with_the_version_that_reads_it)
{
    BARKS_AUTO(packer) out = {0};
    BARKS_AUTO(packer) body = {0};
    pack_text(&body, HISTORY_MAGIC);
    pack_u64(&body, HISTORY_FORMAT + 1);
    pack_text(&body, "9.8.7");
    pack_bool(&body, true); /* which no field of this format is */
    frame(&out, KIND_JOB, &body);
    BARKS_AUTO(history_reader) reader = {0};
    must(history_open_bytes("log", out.bytes.data, out.bytes.size, &reader));
    struct history_record record;
    bool more = false;
    char text[500];
    barks_status *status = history_next(&reader, &record, &more);
    ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
    (void)barks_status_format(status, text, sizeof text);
    ck_assert_msg(strstr(text, "9.8.7") != NULL && strstr(text, "format 2") != NULL, "%s", text);
    barks_status_free(status);
}
END_TEST

START_TEST(other_files_are_no_logs)
{
    BARKS_AUTO(history_reader) reader = {0};
    ck_assert_int_eq(read_all("", 0).code, BARKS_BAD_INPUT);
    ck_assert_int_eq(read_all("word,count\n", 11).code, BARKS_BAD_INPUT);
    barks_status *status = history_open("/no/such.events", &reader);
    ck_assert_int_eq(barks_status_code(status), BARKS_IO);
    barks_status_free(status);
    status = history_open("/", &reader);
    ck_assert_int_eq(barks_status_code(status), BARKS_IO);
    barks_status_free(status);
}
END_TEST

SUITE_MAIN("history/history_reader", what_is_written_comes_back,
           a_log_that_is_cut_gives_the_records_before_the_cut,
           a_bit_that_changed_is_never_taken_for_a_value, what_a_later_barks_adds_is_passed_over,
           a_log_of_a_later_format_is_refused_with_the_version_that_reads_it,
           other_files_are_no_logs)
