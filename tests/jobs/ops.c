/* ops DATA OUT CASES: runs each line of the file CASES, "id operation partitions", and writes what
 * it gives to OUT/id. */
#include "ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

BARKS_FLAT_MAP(parse_op_row, barks_text, op_row)
{
    struct op_row row = {0};
    barks_str field = {0};
    barks_pieces fields = barks_pieces_begin(&in->text, '\t');
    bool is_whole = barks_next_piece(&fields, &field) && barks_str_to_i64(field, &row.key) &&
                    barks_next_piece(&fields, &field) && barks_str_to_i64(field, &row.id) &&
                    barks_next_piece(&fields, &field);
    if (is_whole && field.length > 0)
        row.number.valid = barks_str_to_i64(field, &row.number.value);
    is_whole = is_whole && barks_next_piece(&fields, &row.text.value);
    row.text.valid = is_whole && row.text.value.length > 0;
    if (!is_whole)
        fail("no row of four fields");
    else
        emit(.key = row.key, .id = row.id, .number = row.number, .text = row.text);
}

barks_rdd *op_rows(const struct op_run *run, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.txt", run->data, name);
    return barks_flat_map(barks_read_text(run->context, path), parse_op_row, NULL);
}

static const struct op_case *find(const struct op_case *cases, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(cases[i].name, name) == 0)
            return &cases[i];
    return NULL;
}

static const struct op_case *find_in_all(const char *name)
{
    const struct {
        const struct op_case *cases;
        size_t count;
    } tables[] = {
        {ops_a, ops_a_count},
        {ops_b, ops_b_count},
        {ops_c, ops_c_count},
        {ops_large, ops_large_count},
        {ops_files, ops_files_count},
        {ops_order, ops_order_count},
        {ops_samples, ops_samples_count},
        {ops_custom, ops_custom_count},
        {ops_words, ops_words_count},
    };
    const struct op_case *found = NULL;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && found == NULL; i++)
        found = find(tables[i].cases, tables[i].count, name);
    return found;
}

static bool run_case(struct op_run *run, const char *out, const char *line)
{
    char id[128], name[128], path[1024];
    if (sscanf(line, "%127s %127s %" SCNu32, id, name, &run->partitions) != 3) {
        fprintf(stderr, "ops: no case: '%s'\n", line);
        return false;
    }
    const struct op_case *found = find_in_all(name);
    if (found == NULL) {
        fprintf(stderr, "ops: no operation '%s'\n", name);
        return false;
    }
    snprintf(path, sizeof path, "%s/%s", out, id);
    barks_rdd *result = found->run(run);
    bool is_done = result != NULL && barks_write_csv(result, path);
    if (!is_done)
        fprintf(stderr, "ops: case %s (%s) failed\n", id, name);
    return is_done;
}

int main(int argc, char **argv)
{
    char line[512];
    struct op_run run = {.context = barks_init(&argc, &argv)};
    bool is_done = argc == 4;
    FILE *cases = is_done ? fopen(argv[3], "r") : NULL;
    if (cases == NULL) {
        fprintf(stderr, "usage: ops DATA OUT CASES\n");
        barks_finalize(run.context);
        return 2;
    }
    run.data = argv[1];
    while (is_done && fgets(line, sizeof line, cases) != NULL)
        is_done = run_case(&run, argv[2], line);
    fclose(cases);
    int status = barks_finalize(run.context);
    return is_done ? status : status != 0 ? status : 1;
}
