#!/bin/bash
#SBATCH --job-name=words
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --mem=0
#SBATCH --time=60
#SBATCH --output=words-%j.out
# All cores and memory of one node: sbatch one-node.sh ./wordcount input.txt counts
# It runs without Slurm as well: bash one-node.sh ./wordcount input.txt counts

# One executor and the driver, which needs no core of its own. With exec, signals of Slurm reach mpirun.
exec mpirun -np $((${SLURM_NTASKS:-1} + 1)) --bind-to none --oversubscribe "$@"
