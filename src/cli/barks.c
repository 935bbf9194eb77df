/* The command: barks log, barks report, barks trace, barks clean, barks replay. */
#include "barks/context.h"
#include "base/config.h"
#include "base/scope.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/find_log.h"
#include "cli/job_log.h"
#include "cli/output_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: barks log [JOB...]            past jobs, the newest last\n"
    "       barks report JOB [-o FILE]    a page of HTML: stages, times, failures, advice\n"
    "       barks trace JOB [-o FILE]     events for Perfetto or chrome://tracing\n"
    "       barks clean [DIR]             stored stages of a work directory, to be removed\n"
    "       barks replay FILE             the scheduler of a job with --barks-scheduler-log=FILE, "
    "again\n"
    "       barks --help | --version\n"
    "\n"
    "JOB is the file of an event log, or the beginning of its name in the directory of logs, of "
    "which\n"
    "the newest is taken. FILE is JOB.html or JOB.json here, where not said; - is the standard "
    "output.\n"
    "\n"
    "  --dir DIR   the directory of logs; else what the setting event_log says: barks.conf,\n"
    "              BARKS_EVENT_LOG or --barks-event-log, as for the jobs that write them\n"
    "  --json      barks log, barks clean: one line of JSON for each job, each stage\n"
    "\n"
    "barks clean lists the stages that a job with --barks-work has stored, and removes none unless "
    "it\n"
    "is told --yes and which. DIR is what the setting work says, where not said.\n"
    "\n"
    "  --older AGE   those that were not used for so long: 30m, 12h, 7d; 0s: all\n"
    "  --keep SIZE   those that were not used for longest, until so much is left: 500m, 10g\n"
    "  --newest N    the same, until so many stages are left\n"
    "  --yes         removes them\n"
    "\n"
    "Exit status: 0 done, 1 barks replay decides otherwise, 2 wrong use, 3 a log is damaged, 4 "
    "memory or\n"
    "a limit, 5 input or output, 70 a mistake of barks itself.\n"
    "More: man barks\n";

/* Where the value of an option goes; NULL: it takes none, or there is no such option. */
static const char **value_of(struct command_options *options, const char *name, size_t name_length)
{
    const struct {
        const char *name;
        const char **value;
    } known[] = {{"-o", &options->output},
                 {"--dir", &options->directory},
                 {"--older", &options->older},
                 {"--keep", &options->keep},
                 {"--newest", &options->newest}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == name_length && memcmp(known[i].name, name, name_length) == 0)
            return known[i].value;
    return NULL;
}

BARKS_CHECKED static barks_status *read_options(int argc, char **argv,
                                                struct command_options *options)
{
    int kept = 0;
    bool only_jobs = false;
    for (int at = 0; at < argc; at++) {
        const char *word = argv[at];
        size_t name_length = strcspn(word, "=");
        const char **value = value_of(options, word, name_length);
        if (only_jobs || word[0] != '-' || word[1] == '\0')
            argv[kept++] = argv[at];
        else if (strcmp(word, "--") == 0)
            only_jobs = true;
        else if (value != NULL && word[name_length] == '=')
            *value = word + name_length + 1;
        else if (value != NULL && at + 1 == argc)
            BARKS_FAIL(BARKS_INVALID, "%s wants a value; see barks --help", word);
        else if (value != NULL)
            *value = argv[++at];
        else if (strcmp(word, "--yes") == 0)
            options->is_sure = true;
        else if (strcmp(word, "--json") == 0)
            options->as_json = true;
        else
            BARKS_FAIL(BARKS_INVALID, "unknown option '%.100s'; see barks --help", word);
    }
    options->jobs = argv;
    options->job_count = kept;
    return NULL;
}

/* JOB.html in the working directory. */
BARKS_CHECKED static barks_status *name_output(const char *id, const char *suffix, char **out_name)
{
    size_t bytes = strlen(id) + strlen(suffix) + 1;
    *out_name = malloc(bytes);
    if (*out_name == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a path");
    snprintf(*out_name, bytes, "%s%s", id, suffix);
    return NULL;
}

BARKS_CHECKED static barks_status *write_page(const struct command_options *options,
                                              const struct job_log *log, const char *id,
                                              bool is_report)
{
    char *name = NULL;
    if (options->output == NULL)
        BARKS_TRY(name_output(id, is_report ? ".html" : ".json", &name));
    const char *path = name != NULL ? name : options->output;
    struct output_file output;
    barks_status *status = output_open(path, &output);
    if (status == NULL) {
        barks_status *bad = NULL;
        if (is_report)
            bad = report_write(output.file, log, id);
        else
            trace_write(output.file, log);
        status = output_close(&output, bad);
        if (status == NULL && strcmp(path, "-") != 0)
            printf("%s\n", path);
    }
    free(name);
    return status;
}

BARKS_CHECKED static barks_status *page_command(const struct command_options *options,
                                                bool is_report)
{
    const char *command = is_report ? "report" : "trace";
    char *path = NULL, *id = NULL;
    BARKS_AUTO(job_log) log = {0};
    if (options->job_count != 1)
        BARKS_FAIL(BARKS_INVALID, "barks %s wants one JOB, and got %d; see barks --help", command,
                   options->job_count);
    if (options->as_json)
        BARKS_FAIL(BARKS_INVALID, "--json is an option of barks log; see barks --help");
    BARKS_TRY(find_log(options->directory, options->jobs[0], &path));
    barks_status *status = job_log_read(path, &log);
    if (status == NULL)
        status = log_id_of(path, &id);
    if (status == NULL)
        status = write_page(options, &log, id, is_report);
    free(path);
    free(id);
    return status;
}

/* *out_exit_status: where it is done, and that is not all. */
BARKS_CHECKED static barks_status *run(int argc, char **argv, int *out_exit_status)
{
    BARKS_AUTO(config) config = {0};
    struct command_options options = {0};
    BARKS_TRY(config_load(&config, &argc, argv));
    const char *logs = config_string(&config, CONFIG_EVENT_LOG);
    const char *work = config_string(&config, CONFIG_WORK);
    options.directory = strcmp(logs, "none") != 0 ? logs : NULL;
    options.work = strcmp(work, "none") != 0 && work[0] != '\0' ? work : NULL;
    if (argc < 2)
        BARKS_FAIL(BARKS_INVALID,
                   "which command? log, report, trace, clean or replay; see barks --help");
    BARKS_TRY(read_options(argc - 2, argv + 2, &options));
    if (strcmp(argv[1], "clean") == 0)
        return clean_command(&options);
    if (options.is_sure || options.older != NULL || options.keep != NULL || options.newest != NULL)
        BARKS_FAIL(BARKS_INVALID, "--yes, --older, --keep and --newest are options of barks clean; "
                                  "see barks --help");
    if (strcmp(argv[1], "replay") == 0)
        return replay_command(&options, out_exit_status);
    if (strcmp(argv[1], "log") == 0)
        return log_command(&options);
    if (strcmp(argv[1], "report") == 0)
        return page_command(&options, true);
    if (strcmp(argv[1], "trace") == 0)
        return page_command(&options, false);
    BARKS_FAIL(BARKS_INVALID,
               "unknown command '%.100s': it is log, report, trace, clean or replay; see barks "
               "--help",
               argv[1]);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        bool wants_help = strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
        if (wants_help || strcmp(argv[i], "--version") == 0) {
            fputs(wants_help ? usage : "barks " LIBRARY_VERSION "\n", stdout);
            return fflush(stdout) == 0 ? 0 : 5;
        }
    }
    int exit_status = 0;
    barks_status *status = run(argc, argv, &exit_status);
    if (status == NULL)
        return fflush(stdout) == 0 ? exit_status : 5;
    char text[3000];
    exit_status = barks_exit_code(status);
    barks_status_format(status, text, sizeof text);
    fflush(stdout);
    fprintf(stderr, "barks: %s\n", text);
    barks_status_free(status);
    return exit_status;
}
