#include "runtime/job_results.h"

#include "runtime/driver.h"

barks_status *job_results_next(struct job_results *results, struct result_head *out_head,
                               const uint8_t **out_bytes, bool *out_more)
{
    *out_more = false;
    while (results->task < results->job->result_count) {
        const struct buffer *sent = &results->job->results[results->task];
        BARKS_TRY(result_next(sent->data, sent->size_bytes, &results->offset, out_head, out_bytes,
                              out_more));
        if (*out_more)
            return NULL;
        results->task++;
        results->offset = 0;
    }
    return NULL;
}

barks_status *job_results_next_rows(struct job_results *results, struct batch *rows,
                                    struct result_head *out_head, bool *out_more)
{
    const uint8_t *bytes = NULL;
    BARKS_TRY(job_results_next(results, out_head, &bytes, out_more));
    return *out_more ? result_append_rows(out_head, bytes, rows) : NULL;
}
