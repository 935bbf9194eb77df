#include "base/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

bool process_is_gone(pid_t pid)
{
    char path[64], state = '?';
    if (kill(pid, 0) != 0)
        return errno == ESRCH;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT;
    char line[512];
    const char *after_name = fgets(line, sizeof line, file) != NULL ? strrchr(line, ')') : NULL;
    if (after_name != NULL && after_name[1] == ' ')
        state = after_name[2];
    fclose(file);
    return state == 'Z' || state == 'X';
}
