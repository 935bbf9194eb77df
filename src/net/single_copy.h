/* Whether processes of this node may read each other's memory, as Open MPI's shared-memory
 * transport does for large messages. */
#pragma once

#include <stdbool.h>

/* Tries it on a child. Containers often refuse; where nothing can be tried, or something else
 * fails, it is true. */
bool single_copy_works(void);

/* Where it is refused, tells Open MPI before MPI_Init to copy through shared memory, since it would
 * print a line for every large message. So it does where ranks may be lost: after it has tried to
 * read from a process that had died, Open MPI 4.1 sometimes hears nothing of the living any more.
 * (barks then reads itself: same_node.h.) A user's own setting stays. */
void single_copy_prepare(bool ranks_may_be_lost);

/* False: the user has told Open MPI not to read memory, or not to use its shared-memory transport.
 */
bool single_copy_is_allowed(void);
