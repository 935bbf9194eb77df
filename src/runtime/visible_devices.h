/* The GPUs that this process sees, by its environment. */
#pragma once

#include "barks/status.h"

/* "name=index,name=index": name tells devices of a node apart, index is what a task is given. Of
 * the first of these that is set: CUDA_VISIBLE_DEVICES, ROCR_VISIBLE_DEVICES   lists; the index is
 * the place in the list, as CUDA and ROCm number what is visible SLURM_STEP_GPUS, SLURM_JOB_GPUS
 * lists of numbers, and of ranges of them SLURM_GPUS_ON_NODE                           how many
 * there are *out_text is owned (free), NULL: none. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *visible_devices(char **out_text);
