/* The face of pools, groups and tags. */
#include "barks/schedule.h"

#include "runtime/action_watch.h"
#include "runtime/context.h"
#include "runtime/dispatch.h"
#include "runtime/job_labels.h"
#include "runtime/job_stops.h"

#include <stdio.h>
#include <string.h>

/* The context that a call may work on, or NULL, which is told. */
static barks_context *living(barks_context *context, const char *call, const char *where)
{
    if (context != NULL && context == context_alive())
        return context;
    fprintf(stderr, "barks: %s at %s: there is no such context, or barks_finalize has ended it\n",
            call, where);
    return NULL;
}

static bool fits(barks_context *context, const char *text, size_t room_bytes, const char *what,
                 const char *where)
{
    if (text == NULL || strlen(text) < room_bytes)
        return true;
    context_fail(context, barks_status_new(BARKS_LIMIT, NULL, BARKS_HERE,
                                           "set_job_group at %s: a %s has at most %zu bytes, and "
                                           "this one %zu: '%.40s...'",
                                           where, what, room_bytes - 1, strlen(text), text));
    return false;
}

bool barks_set_pool_at(barks_context *context, const char *name, const char *where)
{
    if (living(context, "set_pool", where) == NULL)
        return false;
    uint32_t index = 0;
    barks_status *status = driver_find_pool(context->driver, name, &index);
    if (status != NULL)
        context_fail(context, barks_status_new(barks_status_code(status), status, BARKS_HERE,
                                               "set_pool at %s", where));
    else
        job_labels_mine()->pool = index;
    return status == NULL;
}

bool barks_set_priority_at(barks_context *context, int priority, const char *where)
{
    if (living(context, "set_priority", where) == NULL)
        return false;
    bool is_right = priority >= -SCHEDULER_PRIORITY_MAX && priority <= SCHEDULER_PRIORITY_MAX;
    if (is_right)
        job_labels_mine()->priority = priority;
    else
        context_fail(context,
                     barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                      "set_priority at %s: %d is no priority: these are %d to %d",
                                      where, priority, -SCHEDULER_PRIORITY_MAX,
                                      SCHEDULER_PRIORITY_MAX));
    return is_right;
}

bool barks_set_deadline_at(barks_context *context, double seconds, const char *where)
{
    if (living(context, "set_deadline", where) == NULL)
        return false;
    bool is_right = seconds >= 0; /* no number is not */
    double ns = seconds * 1e9;
    if (is_right) /* one that is as good as none is none */
        job_labels_mine()->limit_ns = ns < 0x1p63 ? (uint64_t)ns + (seconds > 0 && ns < 1) : 0;
    else
        context_fail(context, barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                               "set_deadline at %s: %g is no time: seconds, or 0 "
                                               "for as long as it takes",
                                               where, seconds));
    return is_right;
}

bool barks_set_job_group_at(barks_context *context, const char *group, const char *description,
                            const char *where)
{
    struct job_labels *labels = job_labels_mine();
    if (living(context, "set_job_group", where) == NULL ||
        !fits(context, group, sizeof labels->group, "group", where) ||
        !fits(context, description, sizeof labels->description, "description", where))
        return false;
    snprintf(labels->group, sizeof labels->group, "%s", group != NULL ? group : "");
    snprintf(labels->description, sizeof labels->description, "%s",
             description != NULL ? description : "");
    return true;
}

bool barks_add_job_tag_at(barks_context *context, const char *tag, const char *where)
{
    if (living(context, "add_job_tag", where) == NULL)
        return false;
    if (tag != NULL && job_labels_add_tag(job_labels_mine(), tag))
        return true;
    context_fail(context,
                 barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                  "add_job_tag at %s: '%.60s' cannot be added: a tag is not empty "
                                  "and has no comma, and all of a job have at most %d bytes",
                                  where, tag != NULL ? tag : "(null)", LABEL_TAGS_BYTES - 1));
    return false;
}

void barks_remove_job_tag(barks_context *context, const char *tag)
{
    (void)context;
    if (tag == NULL)
        job_labels_mine()->tags[0] = '\0';
    else
        job_labels_remove_tag(job_labels_mine(), tag);
}

/* ---- ending ---- */

static bool is_of_group(const struct job_labels *labels, const char *group)
{
    return group[0] != '\0' && strcmp(labels->group, group) == 0;
}

static bool is_any(const struct job_labels *labels, const char *text)
{
    (void)labels;
    (void)text;
    return true;
}

static int cancel_those(barks_context *context, const char *call,
                        bool (*is_meant)(const struct job_labels *labels, const char *text),
                        const char *text)
{
    if (text == NULL || living(context, call, "") == NULL)
        return 0;
    return watch_list_cancel(&context->watches, is_meant, text);
}

int barks_cancel_group(barks_context *context, const char *group)
{
    return cancel_those(context, "cancel_group", is_of_group, group);
}

int barks_cancel_tag(barks_context *context, const char *tag)
{
    return cancel_those(context, "cancel_tag", job_labels_has_tag, tag);
}

int barks_cancel_all(barks_context *context)
{
    return cancel_those(context, "cancel_all", is_any, "");
}

static bool stop(barks_context *context, const char *call, const struct job_part *part)
{
    return living(context, call, "") != NULL && driver_stop(context->driver, part);
}

bool barks_cancel_job(barks_context *context, uint64_t job)
{
    return stop(context, "cancel_job", &(struct job_part){.kind = PART_ALL, .job = job});
}

bool barks_cancel_stage(barks_context *context, uint64_t job, uint32_t stage)
{
    return stop(context, "cancel_stage",
                &(struct job_part){.kind = PART_STAGE, .job = job, .stage = stage});
}

bool barks_cancel_task(barks_context *context, uint64_t job, uint32_t stage, uint32_t task)
{
    return stop(context, "cancel_task",
                &(struct job_part){.kind = PART_TASK, .job = job, .stage = stage, .task = task});
}
