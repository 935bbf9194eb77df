/* Rows into files of a format that only this job knows, and out of them. */
#include "ops.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What stands before the bytes of the text of each row. */
struct op_head {
    int64_t key, id, number;
    uint32_t text_bytes;
    uint8_t has_number, has_text;
};

struct op_folder {
    char path[600];
    uint32_t wrong_part; /* whose commit fails */
};
struct op_part {
    FILE *file;
    uint32_t row_count;
};

static void op_path(char *path, const struct op_folder *folder, const char *kind, const char *name)
{
    snprintf(path, 1024, "%s/%s%s", folder->path, kind, name);
}

static void op_remove(const struct op_folder *folder)
{
    char path[1024];
    DIR *files = opendir(folder->path);
    for (struct dirent *file; files != NULL && (file = readdir(files)) != NULL;) {
        op_path(path, folder, "", file->d_name);
        (void)unlink(path); /* of . and .. it does nothing */
    }
    if (files != NULL)
        closedir(files);
    (void)rmdir(folder->path); /* one that was never made is not there */
}

BARKS_SINK(op_sink, op_row, struct op_part, struct op_folder)
{
    char hidden[1024], path[1024];
    op_path(hidden, env, ".", part->attempt_name != NULL ? part->attempt_name : "");
    op_path(path, env, "", part->name != NULL ? part->name : "index");
    switch (phase) {
    case BARKS_BEGIN_JOB:
        if (mkdir(env->path, 0777) != 0)
            fail("cannot make %s", env->path);
        break;
    case BARKS_OPEN:
        state->file = fopen(hidden, "wbx");
        if (state->file == NULL)
            fail("cannot write %s", hidden);
        break;
    case BARKS_BATCH:
        for (uint32_t i = 0; i < batch->row_count; i++) {
            const barks_str *text = &batch->text.value[i];
            struct op_head head = {.key = batch->key[i],
                                   .id = batch->id[i],
                                   .number = batch->number.value[i],
                                   .text_bytes = text->length,
                                   .has_number = barks_has(batch->number, i),
                                   .has_text = barks_has(batch->text, i)};
            fwrite(&head, sizeof head, 1, state->file);
            fwrite(barks_str_bytes(text), text->length, 1, state->file);
        }
        break;
    case BARKS_CLOSE: {
        FILE *file = state->file;
        state->file = NULL;
        if (fclose(file) != 0)
            fail("cannot write %s", hidden);
        break;
    }
    case BARKS_COMMIT:
        if (part->partition == env->wrong_part)
            fail("part %u is not wanted", part->partition);
        if (rename(hidden, path) != 0)
            fail("cannot name %s", path);
        break;
    case BARKS_ABORT:
        if (state->file != NULL)
            fclose(state->file);
        (void)unlink(hidden); /* whichever of the two is there */
        (void)unlink(path);
        break;
    case BARKS_COMMIT_JOB: {
        FILE *file = fopen(path, "w");
        for (uint32_t i = 0; i < part->committed_count && file != NULL; i++)
            fprintf(file, "%u %lu\n", part->committed[i].partition,
                    (unsigned long)part->committed[i].row_count);
        if (file == NULL || fclose(file) != 0)
            fail("cannot write %s", path);
        break;
    }
    case BARKS_ABORT_JOB:
        op_remove(env);
        break;
    default:
        break;
    }
}

struct op_run_of_rows {
    uint32_t part, first, count;
};
struct op_reader {
    FILE *file;
    uint32_t left;
    char *text;
};

enum { OP_SPLIT_ROWS = 37 };

/* The next row of a file, its text in state->text. */
static bool op_read(struct op_reader *state, struct op_head *head)
{
    if (fread(head, sizeof *head, 1, state->file) != 1)
        return false;
    free(state->text);
    state->text = malloc((size_t)head->text_bytes + 1);
    return state->text != NULL &&
           fread(state->text, 1, head->text_bytes, state->file) == head->text_bytes;
}

BARKS_SOURCE(op_source, op_row, struct op_reader, struct op_folder)
{
    char path[1024], name[32];
    struct op_head head = {0};
    switch (phase) {
    case BARKS_LIST_SPLITS: {
        unsigned part = 0;
        unsigned long row_count = 0;
        op_path(path, env, "", "index");
        FILE *index = fopen(path, "r");
        if (index == NULL)
            fail("no %s", path);
        while (fscanf(index, "%u %lu", &part, &row_count) == 2)
            for (uint32_t first = 0; first < row_count; first += OP_SPLIT_ROWS) {
                uint32_t left = (uint32_t)row_count - first;
                struct op_run_of_rows rows = {part, first,
                                              left < OP_SPLIT_ROWS ? left : OP_SPLIT_ROWS};
                barks_add_split(&rows, sizeof rows, .bytes = rows.count * sizeof head);
            }
        fclose(index);
        break;
    }
    case BARKS_OPEN: {
        const struct op_run_of_rows *rows = split->data;
        snprintf(name, sizeof name, "part-%05u", rows->part);
        op_path(path, env, "", name);
        state->file = fopen(path, "rb");
        if (state->file == NULL)
            fail("no %s", path);
        for (uint32_t i = 0; i < rows->first; i++)
            if (!op_read(state, &head))
                fail("%s is cut short", path);
        state->left = rows->count;
        break;
    }
    case BARKS_NEXT:
        for (int n = 0; n < 10 && state->left > 0; n++, state->left--) {
            if (!op_read(state, &head))
                fail("a file is cut short, %u rows are missing", state->left);
            emit(.key = head.key, .id = head.id,
                 .number = {.valid = head.has_number != 0, .value = head.number},
                 .text = {.valid = head.has_text != 0,
                          .value = barks_str_make(out, state->text, head.text_bytes)});
        }
        break;
    case BARKS_CLOSE:
        free(state->text);
        if (state->file != NULL)
            fclose(state->file);
        break;
    default:
        break;
    }
}

static struct op_folder op_new_folder(const struct op_run *run)
{
    static int folder_count;
    struct op_folder folder = {.wrong_part = UINT32_MAX};
    snprintf(folder.path, sizeof folder.path, "%.500s/custom-%ld-%d", run->data, (long)getpid(),
             folder_count++);
    return folder;
}

static barks_rdd *run_custom_sink_and_source(const struct op_run *run)
{
    struct op_folder folder = op_new_folder(run);
    if (!barks_write_custom(op_rows(run, "left"), op_sink, &folder))
        return NULL;
    return barks_read_custom(run->context, op_source, &folder);
}

/* After an exchange, and once more through a sink. */
static barks_rdd *run_custom_twice(const struct op_run *run)
{
    struct op_folder first = op_new_folder(run), second = op_new_folder(run);
    barks_rdd *sorted =
        barks_sort_by(op_rows(run, "left"), "key, id, number, text", .partitions = run->partitions);
    if (!barks_write_custom(sorted, op_sink, &first) ||
        !barks_write_custom(barks_read_custom(run->context, op_source, &first), op_sink, &second))
        return NULL;
    op_remove(&first);
    return barks_read_custom(run->context, op_source, &second);
}

BARKS_RECORD(op_failure, (bool, has_failed), (bool, says_why), (bool, is_gone));
static barks_rdd *run_custom_sink_fails(const struct op_run *run)
{
    char text[2048] = "";
    struct op_folder folder = op_new_folder(run);
    folder.wrong_part = 2;
    barks_rdd *rows = barks_repartition(op_rows(run, "left"), 5);
    struct op_failure is = {.has_failed = !barks_write_custom(rows, op_sink, &folder)};
    barks_status *error = barks_take_error(run->context);
    if (error != NULL)
        barks_status_format(error, text, sizeof text);
    barks_status_free(error);
    is.says_why = strstr(text, "'op_sink'") != NULL &&
                  strstr(text, "committing part 2 after") != NULL &&
                  strstr(text, "part 2 is not wanted") != NULL;
    is.is_gone = access(folder.path, F_OK) != 0;
    return barks_parallelize(run->context, op_failure, &is, 1, 1);
}

const struct op_case ops_custom[] = {
    {"custom_sink_and_source", run_custom_sink_and_source},
    {"custom_twice", run_custom_twice},
    {"custom_sink_fails", run_custom_sink_fails},
};
const size_t ops_custom_count = sizeof ops_custom / sizeof ops_custom[0];
