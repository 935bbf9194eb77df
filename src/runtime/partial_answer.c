#include "runtime/partial_answer.h"

#include "base/copy.h"
#include "exec/pipeline.h"
#include "runtime/action.h"
#include "runtime/action_watch.h"
#include "runtime/driver.h"
#include "runtime/job_results.h"

#include <stdlib.h>

void partial_answer_drop(struct partial_answer *answer)
{
    if (answer->kind != NULL)
        partial_destroy(answer->kind, answer->state);
    step_drop(&answer->question);
    *answer = (struct partial_answer){0};
}

BARKS_CHECKED static barks_status *fill_step(const struct partial_question *question,
                                             struct step *step)
{
    step->texts = calloc(1, sizeof(char *));
    if (step->texts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an action");
    step->text_count = 1;
    BARKS_TRY(copy_text(question->kind, &step->texts[0]));
    BARKS_TRY(index_list_copy(question->columns, question->column_count, &step->columns[0]));
    BARKS_TRY(copy_bytes(question->bytes, question->size_bytes, (void **)&step->bytes));
    step->size_bytes = question->size_bytes;
    step->numbers[0] = question->are_ranges;
    step->reals[0] = question->error;
    return NULL;
}

BARKS_CHECKED static barks_status *merge_one(struct partial_answer *answer,
                                             const struct partial_question *question,
                                             const uint8_t *bytes, size_t size_bytes)
{
    void *part = NULL;
    BARKS_TRY(partial_create(answer->kind, &answer->options, &part));
    barks_status *status = answer->kind->unpack(part, bytes, size_bytes);
    if (status == NULL && question->visit != NULL)
        question->visit(question->visit_context, part);
    if (status == NULL)
        status = answer->kind->merge(answer->state, part);
    partial_destroy(answer->kind, part);
    return status;
}

BARKS_CHECKED static barks_status *merge_all(struct partial_answer *answer,
                                             const struct partial_question *question,
                                             const struct job *job)
{
    struct job_results results = {.job = job};
    for (bool more = true; more;) {
        struct result_head head = {0};
        const uint8_t *bytes = NULL;
        BARKS_TRY(job_results_next(&results, &head, &bytes, &more));
        if (more)
            BARKS_TRY(merge_one(answer, question, bytes, head.encoded_bytes));
    }
    return NULL;
}

barks_status *partial_answer_run(barks_context *context, struct node *node,
                                 const struct partial_question *question, const char *what,
                                 struct partial_answer *out)
{
    struct job job = {0};
    struct terminal terminal = {.kind = TERMINAL_PARTIAL};
    out->kind = partial_find(question->kind);
    barks_status *status = node_error(node);
    if (status == NULL)
        status = fill_step(question, &out->question);
    if (status == NULL)
        status = step_copy(&out->question, &terminal.step);
    out->options = partial_options_of(&out->question);
    if (status == NULL)
        status = partial_create(out->kind, &out->options, &out->state);
    if (status == NULL)
        status = action_run(context, node, &terminal, what, &job);
    if (question->visit != NULL && action_watch_is_late()) {
        barks_status_free(status);
        status = NULL;
    }
    if (status == NULL)
        status = merge_all(out, question, &job);
    terminal_drop(&terminal);
    job_drop(&job);
    return status;
}
