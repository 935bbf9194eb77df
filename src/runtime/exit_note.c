#include "runtime/exit_note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Set before there are threads. */
static int note_file = -1;

barks_status *exit_note_open(const char *path)
{
    if (path == NULL || strcmp(path, "none") == 0)
        return NULL;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0)
        BARKS_FAIL(BARKS_IO, "cannot write the exit status to '%s': %s (exit_file)", path,
                   strerrordesc_np(errno));
    if (note_file >= 0)
        (void)close(note_file); /* empty: there is nothing to lose */
    note_file = file;
    return NULL;
}

void exit_note_write(int exit_status)
{
    /* By hand: snprintf may not be called in a signal handler. */
    char text[4] = {0};
    size_t at = sizeof text;
    text[--at] = '\n';
    unsigned status = (unsigned)exit_status & 0xff;
    do {
        text[--at] = (char)('0' + status % 10);
        status /= 10;
    } while (status > 0);
    if (note_file < 0)
        return;
    /* The job has ended; who looks finds no status, as where it was killed. */
    if (ftruncate(note_file, 0) != 0 ||
        pwrite(note_file, text + at, sizeof text - at, 0) != (ssize_t)(sizeof text - at))
        (void)ftruncate(note_file, 0); /* what could be done more at the end of all? */
}
