#include "runtime/terminal_line.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_DEFAULT = 80, LINE_BYTES = 1024 };

/* Is the process one of Open MPI's starters? Only their stderr is known to be what the person sees.
 */
static bool is_starter(long pid)
{
    char path[64], target[256];
    snprintf(path, sizeof path, "/proc/%ld/exe", pid);
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length <= 0)
        return false;
    target[length] = '\0';
    const char *name = strrchr(target, '/') != NULL ? strrchr(target, '/') + 1 : target;
    return strncmp(name, "orterun", 7) == 0 || strncmp(name, "mpirun", 6) == 0 ||
           strncmp(name, "prte", 4) == 0;
}

/* A pipe or a file is not reopened: it would get an offset of its own and overwrite. */
static int open_terminal_of(long pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/fd/2", pid);
    int descriptor = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (descriptor >= 0 && !isatty(descriptor)) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

int terminal_find(bool always)
{
    bool has_starter = getenv("OMPI_COMM_WORLD_RANK") != NULL;
    int terminal = -1;
    if (has_starter && is_starter((long)getppid()))
        terminal = open_terminal_of((long)getppid());
    if (terminal >= 0)
        signal(SIGTTOU, SIG_IGN); /* ranks are in the background: `stty tostop` would stop them */
    else if (always || (!has_starter && isatty(STDERR_FILENO)))
        terminal = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    return terminal;
}

void terminal_release(int terminal)
{
    if (terminal >= 0)
        close(terminal);
}

uint32_t terminal_width(int terminal)
{
    struct winsize size = {0};
    if (ioctl(terminal, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return WIDTH_DEFAULT;
    return size.ws_col;
}

/* What cannot be drawn is not missed. */
static void put(int terminal, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(terminal, bytes, count);
        if (written <= 0)
            return;
        bytes += written;
        count -= (size_t)written;
    }
}

void terminal_put_line(int terminal, const char *text, uint32_t width)
{
    char line[LINE_BYTES];
    size_t length = strlen(text), room = width < sizeof line - 8 ? width : sizeof line - 8;
    if (length >= room)
        length = room > 0 ? room - 1 : 0;
    memcpy(line, text, length);
    memcpy(line + length, "\033[K\r\n", 5);
    put(terminal, line, length + 5);
}

void terminal_erase(int terminal, uint32_t line_count)
{
    char sequence[32];
    int length = snprintf(sequence, sizeof sequence, "\033[%uA\033[J", line_count);
    put(terminal, sequence, (size_t)length);
}
