/* barks replay: what a scheduler was told, decided again. */
#include "base/buffer.h"
#include "base/scope.h"
#include "base/version.h"
#include "cli/commands.h"
#include "scheduler/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define LOG_BYTES_MAX ((size_t)4 << 30)

BARKS_CHECKED static barks_status *read_to_end(int file, const char *path, struct buffer *out)
{
    uint8_t piece[4096 - 64];
    for (;;) {
        ssize_t got = read(file, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            BARKS_FAIL(BARKS_IO, "cannot read '%s': %s", path, strerrordesc_np(errno));
        if (got == 0)
            return NULL;
        BARKS_TRY_DOING(buffer_append(out, piece, (size_t)got), "read '%s'", path);
    }
}

BARKS_CHECKED static barks_status *read_log(const char *path, struct buffer *out)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not keep us */
    if (file < 0)
        BARKS_FAIL(BARKS_IO, "cannot read '%s': %s", path, strerrordesc_np(errno));
    barks_status *status = read_to_end(file, path, out);
    (void)close(file);
    return status;
}

/* Whether it is this program that changed, or what it is in. */
static const char *hint(const struct replay *replay)
{
    return strcmp(replay->version, LIBRARY_VERSION) == 0
               ? ""
               : " (another barks has written the log, which may decide otherwise)";
}

barks_status *replay_command(const struct command_options *options, int *out_exit_status)
{
    struct replay replay;
    BARKS_AUTO(buffer) log = {.limit_bytes = LOG_BYTES_MAX};
    if (options->job_count != 1)
        BARKS_FAIL(BARKS_INVALID, "barks replay wants one FILE, and got %d; see barks --help",
                   options->job_count);
    if (options->as_json || options->output != NULL)
        BARKS_FAIL(BARKS_INVALID, "barks replay has no options; see barks --help");
    const char *path = options->jobs[0];
    BARKS_TRY(read_log(path, &log));
    BARKS_TRY_DOING(replay_run(log.data, log.size_bytes, &replay), "'%s'", path);
    if (replay.difference[0] != '\0') {
        fprintf(stderr, "barks: '%s': %s%s\n", path, replay.difference, hint(&replay));
        *out_exit_status = 1;
        return NULL;
    }
    printf("%s: %" PRIu64 " events of %" PRIu64 " jobs, %" PRIu64
           " decisions: the same are made again%s\n",
           path, replay.event_count, replay.job_count, replay.decision_count,
           replay.has_open_event ? "; the driver was killed after the last event" : "");
    return NULL;
}
