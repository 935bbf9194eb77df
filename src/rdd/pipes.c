/* Partitions through processes. */
#include "exec/pipe_operator.h"
#include "rdd/dataset.h"

#include <stdlib.h>
#include <string.h>

static uint32_t count_texts(const char *const *texts)
{
    uint32_t count = 0;
    while (texts != NULL && texts[count] != NULL)
        count++;
    return count;
}

/* Copies of count texts to the step's. */
BARKS_CHECKED static barks_status *add_texts(struct step *step, const char *const *texts,
                                             uint32_t count, const char *where)
{
    char **all = realloc(step->texts, (step->text_count + (size_t)count + 1) * sizeof *all);
    if (all == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for a command", where);
    step->texts = all;
    for (uint32_t i = 0; i < count; i++) {
        char *copy = strdup(texts[i]);
        if (copy == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for a command", where);
        step->texts[step->text_count++] = copy;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *fill_pipe(barks_rdd *rdd, const barks_rdd *input,
                                             const barks_pipe_options *options, const char *where)
{
    const barks_schema *given = &input->node.record->schema;
    const char *const shell[] = {"/bin/sh", "-c", options->shell, NULL};
    const char *const *argv = options->shell != NULL ? shell : options->argv;
    struct step *step = &rdd->node.step;
    bool is_text =
        given->field_count == 1 && !given->fields[0].nullable &&
        (given->fields[0].type->id == BARKS_STR || given->fields[0].type->id == BARKS_BYTES);
    if (!is_text)
        BARKS_FAIL(BARKS_INVALID,
                   "%s: pipe: rows are one str or bytes field that is never null, and these are "
                   "'%s'; map them to barks_text",
                   where, input->node.record->name);
    if ((options->shell != NULL) == (options->argv != NULL) || argv[0] == NULL)
        BARKS_FAIL(BARKS_INVALID, "%s: pipe: give a program as .argv or a command as .shell",
                   where);
    for (uint32_t i = 0; i < count_texts(options->environment); i++)
        if (strchr(options->environment[i], '=') == NULL)
            BARKS_FAIL(BARKS_INVALID, "%s: pipe: '%s' in .environment is no NAME=value", where,
                       options->environment[i]);
    step->numbers[0] = count_texts(argv);
    step->numbers[1] = count_texts(options->environment);
    step->numbers[2] = options->directory != NULL;
    step->reals[0] = options->deadline_seconds;
    BARKS_TRY(add_texts(step, argv, (uint32_t)step->numbers[0], where));
    BARKS_TRY(add_texts(step, options->environment, (uint32_t)step->numbers[1], where));
    return add_texts(step, &options->directory, (uint32_t)step->numbers[2], where);
}

barks_rdd *barks_pipe_at(barks_rdd *input, const barks_pipe_options *options, const char *where)
{
    barks_rdd *rdd = dataset_create(input->context, STEP_PIPE, &input, 1, where);
    if (rdd->context == NULL)
        return rdd;
    rdd->node.record = &barks_record_barks_text;
    rdd->node.partition_count = input->node.partition_count;
    if (rdd->node.error != NULL)
        return rdd;
    barks_status *status = fill_pipe(rdd, input, options, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}
