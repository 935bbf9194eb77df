/* Other processes of this node. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Has the process ended, though nobody may have collected its status yet? */
bool process_is_gone(pid_t pid);
