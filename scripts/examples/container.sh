#!/bin/bash
#SBATCH --job-name=words
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --mem=0
#SBATCH --time=60
#SBATCH --output=words-%j.out
# The job and its libraries lie in an image: sbatch container.sh image.sif /opt/barks/wordcount /shared/input /shared/counts
# The node's mpirun starts the ranks, each in the image; the Open MPI in there must be of the same major version.
image=$1
shift
launcher=$(command -v apptainer || command -v singularity) || {
    echo "this node has neither apptainer nor singularity" >&2
    exit 2
}
exec mpirun -np $((SLURM_NTASKS + 1)) --map-by node --bind-to none --oversubscribe \
    "$launcher" exec --bind /shared "$image" "$@"
