/* Checkpoints as steps of other calls: statuses, and nothing is told. */
#pragma once

#include "rdd/dataset.h"

/* Computes all partitions, so that what is to be kept of them is. */
BARKS_CHECKED barks_status *compute_all(barks_rdd *rdd, const char *what);

/* barks_checkpoint of a sound dataset. what: "checkpoint at job.c:12". */
BARKS_CHECKED barks_status *checkpoint_write(barks_rdd *rdd, const char *path, int save_mode,
                                             const char *what, const char *where);

/* barks_local_checkpoint likewise. */
BARKS_CHECKED barks_status *checkpoint_locally(barks_rdd *rdd, const char *what);
