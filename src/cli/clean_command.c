/* barks clean: what finished stages have left in a work directory. */
#include "base/clock.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/text_out.h"
#include "work/work_clean.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { JOB_WIDTH = 40, PATH_WIDTH = 4000 };

/* 9000 as "2 h 30 m"; from two days on in days, since nobody counts hours then. */
static struct units_text age_text(uint64_t seconds)
{
    struct units_text out;
    uint64_t hours = seconds / 3600;
    if (hours < 48)
        return units_duration(seconds * NS_PER_S);
    snprintf(out.text, sizeof out.text, "%" PRIu64 " d %02" PRIu64 " h", hours / 24, hours % 24);
    return out;
}

static void print_line(void *context, const struct clean_stage *stage)
{
    (void)context;
    printf("%10s  %10s  ", age_text(stage->age_seconds).text, units_bytes(stage->bytes).text);
    plain_write(stdout, stage->job != NULL ? stage->job : "(unfinished)", JOB_WIDTH);
    fputs("  ", stdout);
    plain_write(stdout, stage->path, PATH_WIDTH);
    putchar('\n');
}

static void print_json(void *context, const struct clean_stage *stage)
{
    (void)context;
    printf("{\"age_s\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"job\":", stage->age_seconds,
           stage->bytes);
    json_write(stdout, stage->job);
    fputs(",\"path\":", stdout);
    json_write(stdout, stage->path);
    fputs("}\n", stdout);
}

static bool has_limit(const struct command_options *options)
{
    return options->older != NULL || options->keep != NULL || options->newest != NULL;
}

static bool read_count(const char *text, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

BARKS_CHECKED static barks_status *read_limits(const struct command_options *options,
                                               struct clean_options *out_clean)
{
    uint64_t age_ns = 0;
    if (options->output != NULL)
        BARKS_FAIL(BARKS_INVALID, "-o is an option of barks report and barks trace");
    if (options->job_count > 1)
        BARKS_FAIL(BARKS_INVALID, "barks clean wants one directory, and got %d; see barks --help",
                   options->job_count);
    if (options->is_sure && !has_limit(options))
        BARKS_FAIL(BARKS_INVALID, "--yes removes what --older AGE, --keep SIZE or --newest N says: "
                                  "give one of them (--older 0s: all stages)");
    if (options->older != NULL && !units_parse_duration(options->older, &age_ns))
        BARKS_FAIL(BARKS_INVALID, "--older: '%.100s' is no age; one is 30m, 12h or 7d",
                   options->older);
    /* Without any limit all stages are listed; with some the others take none. */
    bool by_age = options->older != NULL || !has_limit(options);
    out_clean->age_seconds = by_age ? age_ns / NS_PER_S : UINT64_MAX;
    out_clean->bytes_max = out_clean->stages_max = UINT64_MAX;
    if (options->keep != NULL && !units_parse_bytes(options->keep, &out_clean->bytes_max))
        BARKS_FAIL(BARKS_INVALID, "--keep: '%.100s' is no size; one is 500m or 10g", options->keep);
    if (options->newest != NULL && !read_count(options->newest, &out_clean->stages_max))
        BARKS_FAIL(BARKS_INVALID, "--newest: '%.100s' is no number of stages", options->newest);
    out_clean->is_dry = !options->is_sure;
    out_clean->each = options->as_json ? print_json : print_line;
    return NULL;
}

barks_status *clean_command(const struct command_options *options)
{
    struct clean_options clean = {0};
    struct clean_result result = {0};
    const char *path = options->job_count > 0 ? options->jobs[0] : options->work;
    BARKS_TRY(read_limits(options, &clean));
    if (path == NULL)
        BARKS_FAIL(BARKS_INVALID, "which work directory? name it (barks clean DIR), or set work in "
                                  "barks.conf, by which jobs store their stages");
    BARKS_TRY(work_clean(path, &clean, &result));
    if (options->as_json)
        return NULL;
    printf("%s %" PRIu64 " stages, %s; %" PRIu64 " stages, %s stay\n",
           clean.is_dry ? "would remove" : "removed", result.stages_removed,
           units_bytes(result.bytes_removed).text, result.stages_left,
           units_bytes(result.bytes_left).text);
    if (clean.is_dry && result.stages_removed > 0)
        printf("nothing was removed: that takes --yes%s\n",
               has_limit(options) ? "" : " and --older AGE, --keep SIZE or --newest N");
    return NULL;
}
